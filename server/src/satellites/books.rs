//! The books of the central about its satellites, as `transfer` asks for them: who is expected, who is one, what each is given.

use std::sync::{Arc, Mutex, PoisonError};

use seal::{KeyRing, RecipientType};
use serde_json::json;
use shared::{RecorderId, SiteId, Stamp, UtcMicros};
use transfer::carrier::House;
use transfer::central::Keeper;
use transfer::enrol::{Answer, Invitation, Refused, Registrar, Request, Secret};
use transfer::tls::{Authority, Issued, Peer};
use vault::{AuditEntry, AuditObject, Outcome, Receipt, SatelliteRow, Vault};

use super::told::{Told, Verdict};
use super::{Present, configure};
use crate::serve::watch::Raise;
use crate::site::Site;
use crate::{terminal, world};

/// So many wrong proofs close every open invitation.
const WRONG_MAX: u32 = 5;

/// The books.
pub(crate) struct Books {
    pub(crate) site: Arc<Site>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) people: Raise,
    pub(crate) present: Arc<Present>,
    /// What was told within the hour.
    pub(super) told: Mutex<Told>,
}

impl Books {
    /// Tells people. A satellite that is refused comes again every half minute, and says nothing new by that; one that is captured
    /// may cause thousands of alarms, and must not drown what is told of others.
    fn tell(&self, of: Option<RecorderId>, text: &str) {
        let verdict =
            self.told.lock().unwrap_or_else(PoisonError::into_inner).judge(of, text, world::now().utc);
        match verdict {
            Verdict::Log => return tracing::warn!("not told, for the hour has enough of it: {text}"),
            Verdict::Tell | Verdict::TellAndEnough => self.people.alarm(text),
        }
        if verdict == Verdict::TellAndEnough {
            let loud = of.map_or_else(
                || "machines that are no satellite".to_owned(),
                |who| format!("satellite {who}"),
            );
            self.people.alarm(&format!(
                "{loud}: more alarms than are told one by one. Until the hour is over the rest stands in the log only. Look there; a \
                 satellite of which nobody knows why is revoked in the console, or with `amethyst satellite revoke`"
            ));
        }
    }

    fn fails(&self, doing: &str, error: &dyn std::fmt::Display) -> Refused {
        self.people.alarm(&format!("a satellite could not be enrolled: {doing}: {error}"));
        Refused("the central failed; its alarm says why. Nothing was enrolled".to_owned())
    }

    /// Writes who came into the audit log.
    fn audited(&self, who: RecorderId, row: &SatelliteRow, at: UtcMicros) -> Result<(), Refused> {
        let entry = AuditEntry {
            at,
            actor: None,
            actor_name: "enrolment".to_owned(),
            session: None,
            address: "transfer".to_owned(),
            act: "satellite-enrolled",
            object: Some(AuditObject::Named(row.name.clone())),
            outcome: Outcome::Ok,
            details: json!({ "recorder_id": who.to_string(), "letter": row.letter.to_string() }).to_string(),
        };
        self.vault.audit(&entry).map_err(|e| self.fails("the audit log", &e)).map(drop)
    }
}

impl Registrar for Books {
    fn site(&self) -> SiteId {
        self.site.card.site_id
    }

    fn invitations(&self) -> Result<Vec<Invitation>, Refused> {
        let open = self.vault.invitations(world::now().utc).map_err(|e| self.fails("the database", &e))?;
        let read = |row: vault::InvitationRow| {
            Secret::from_bytes(&row.secret).map(|secret| Invitation { id: row.invitation_id, secret })
        };
        Ok(open.into_iter().filter_map(read).collect())
    }

    fn take(&self, invitation: [u8; 16], request: &Request) -> Result<Answer, Refused> {
        let (now, who) = (world::now().utc, request.recorder_id);
        let over = || Refused("the code was used or closed a moment ago: make a new one".to_owned());
        let rows = self.vault.invitations(now).map_err(|e| self.fails("the database", &e))?;
        let invited = rows.into_iter().find(|row| row.invitation_id == invitation).ok_or_else(over)?;
        if self.vault.satellite(who).map_err(|e| self.fails("the database", &e))?.is_some()
            || who == self.site.keys.recorder.id
        {
            return Err(Refused(
                "there is a recorder with this identity already: enrol into a new folder".to_owned(),
            ));
        }
        let issued = self.authority.for_satellite(who, &request.point, now);
        let issued = issued.map_err(|e| Refused(e.to_string()))?;
        let row = SatelliteRow {
            recorder_id: who,
            name: invited.name,
            letter: 'Z',
            signing_key: request.signing_key.to_bytes(),
            certificate: issued.fingerprint,
            certificate_until: issued.not_after,
            enrolled_at: now,
            revoked: None,
            last_seen_at: None,
            status: "{}".to_owned(),
            config_version: 0,
        };
        let taken =
            self.vault.take_invitation(invitation, &row, now).map_err(|e| self.fails("the database", &e))?;
        let row = taken.ok_or_else(over)?;
        // From here on the code is used. What fails below leaves a satellite that never comes: it is listed, and can be revoked.
        self.audited(who, &row, now)?;
        let card = &self.site.card;
        let certs = self.site.keys.certify(card, who, &row.name, request.signing_key, now);
        let certs = certs.map_err(|e| self.fails("its certificate", &format!("{e:#}")))?;
        configure::make(&self.site.dir, who, row.letter, &request.interfaces)
            .map_err(|e| self.fails("its configuration", &format!("{e:#}")))?;
        let configuration = configure::signed(&self.site, who)
            .map_err(|e| self.fails("its configuration", &format!("{e:#}")))?;
        let today = self.site.today();
        let since = card.zone.start_of(today).unwrap_or_default();
        let day_keys = self.site.keys.day_key_list(today, since);
        let day_keys = day_keys.map_err(|e| self.fails("the day keys", &format!("{e:#}")))?;
        Ok(Answer {
            site: text(&card.to_bytes()),
            certs: text(&certs.to_bytes()),
            authority: self.authority.certificate_pem().to_owned(),
            certificate: issued.certificate_pem,
            name: row.name,
            letter: row.letter,
            day_keys: text(&day_keys),
            configuration: text(&configuration),
        })
    }

    fn wrong_proof(&self) {
        match self.vault.wrong_proof(world::now().utc, WRONG_MAX) {
            Ok(false) => {
                tracing::warn!("a wrong code was tried at enrolment");
            }
            Ok(true) => self.people.alarm(
                "five wrong codes were tried at enrolment: every open code is closed. If nobody mistyped, somebody in this network guesses",
            ),
            Err(e) => self.people.alarm(&format!("a wrong code at enrolment could not be counted: {e}")),
        }
    }

    fn enrolled(&self, who: RecorderId) {
        terminal::say(&format!("a satellite was enrolled: {who}"));
    }
}

impl House for Books {
    fn now(&self) -> Stamp {
        world::now()
    }

    /// Any certificate of the authority will do as long as its recorder is not revoked: a renewed one may have been lost on its way.
    fn allowed(&self, peer: &Peer) -> Result<(), Refused> {
        match self.vault.satellite(peer.recorder_id) {
            Ok(Some(row)) if row.revoked.is_none() => Ok(()),
            Ok(Some(_revoked)) => Err(Refused("this satellite was revoked at the central".to_owned())),
            Ok(None) => Err(Refused("this satellite is not known at the central: enrol it again".to_owned())),
            Err(e) => {
                tracing::error!(%e, "the satellite could not be looked up");
                Err(Refused("the central cannot read its database now".to_owned()))
            }
        }
    }

    fn renewed(&self, who: RecorderId, issued: &Issued) -> Result<(), Refused> {
        let kept = self.vault.renew_satellite(who, &issued.fingerprint, issued.not_after);
        kept.map_err(|e| {
            tracing::error!(%e, "a renewed certificate could not be noted");
            Refused("the central cannot note the certificate now".to_owned())
        })
    }

    fn alarm(&self, of: Option<RecorderId>, text: &str) {
        self.tell(of, text);
    }
}

impl Keeper for Books {
    fn now(&self) -> Stamp {
        world::now()
    }

    fn keys(&self) -> &(dyn KeyRing + Sync) {
        &*self.site.keys
    }

    fn min_suite(&self) -> RecipientType {
        self.site.card.min_suite
    }

    fn sign(&self, receipt: &Receipt) -> [u8; 64] {
        receipt.sign(&self.site.keys.central_signing())
    }

    fn documents(&self, who: RecorderId) -> Vec<Vec<u8>> {
        let mut documents = vec![self.site.keys.certs().to_bytes()];
        let today = self.site.today();
        let since = self.site.card.zone.start_of(today).unwrap_or_default();
        let made = [self.site.keys.day_key_list(today, since), configure::signed(&self.site, who)];
        for document in made {
            match document {
                Ok(document) => documents.push(document),
                Err(e) => self.tell(Some(who), &format!("satellite {who} keeps what it has: {e:#}")),
            }
        }
        documents
    }

    fn heard(&self, who: RecorderId, status: Option<&str>) {
        self.present.came(who);
        let version = status
            .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok())
            .and_then(|status| status.get("configuration")?.as_u64());
        let noted = self
            .vault
            .satellite_seen(who, world::now().utc, status)
            .and_then(|()| version.map_or(Ok(()), |version| self.vault.satellite_configured(who, version)));
        if let Err(e) = noted {
            tracing::warn!(%e, "that a satellite was heard could not be noted");
        }
    }

    fn calls(&self, who: RecorderId, json: &[u8]) {
        if !self.present.told(who, json) {
            tracing::warn!(satellite = %who, "what it told of its calls cannot be read");
        }
    }

    fn left(&self, who: RecorderId) {
        self.present.left(who);
    }

    fn alarm(&self, of: Option<RecorderId>, text: &str) {
        self.tell(of, text);
    }
}

/// Documents are JSON.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
