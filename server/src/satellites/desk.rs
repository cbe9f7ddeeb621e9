//! The satellites as the console sees and governs them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use shared::{RecorderId, RecordingId, UtcMicros};
use transfer::central::Intake;
use vault::{By, SatelliteRow, Vault};
use web::{HostError, Satellites};

use super::configure::{self, Standing};
use super::invite::invite;
use super::present::Present;
use super::said::Said;
use crate::site::Site;

/// What the console asks.
pub(crate) struct Desk {
    site: Arc<Site>,
    vault: Arc<Vault>,
    present: Arc<Present>,
    /// What takes in what they bring, once the door is open.
    intake: OnceLock<Arc<Intake>>,
    /// One change of settings at a time.
    changing: Mutex<()>,
}

impl Desk {
    /// Begins with nobody on the line.
    pub(crate) fn new(site: &Arc<Site>, vault: &Arc<Vault>) -> Self {
        let (site, vault) = (Arc::clone(site), Arc::clone(vault));
        Self { site, vault, present: Arc::default(), intake: OnceLock::new(), changing: Mutex::default() }
    }

    /// Returns who is on the line, for whoever hears them.
    pub(crate) fn present(&self) -> Arc<Present> {
        Arc::clone(&self.present)
    }

    /// Passes on what is listened to from now on.
    pub(crate) fn attend(&self, intake: Arc<Intake>) {
        drop(self.intake.set(intake));
    }

    /// Says that somebody listens to a recording, if a satellite makes it; false if none does.
    pub(crate) fn listening(&self, id: RecordingId) -> bool {
        let Some(who) = self.present.recorder_of(id) else { return false };
        if let Some(intake) = self.intake.get() {
            intake.listening(who, id);
        }
        true
    }

    fn one(&self, row: SatelliteRow) -> api::Satellite {
        let zone = &self.site.card.zone;
        let when = |at: UtcMicros| zone.rfc3339(at);
        let said = Said::read(&row.status);
        let standing = configure::standing(&self.site, row.recorder_id, row.letter);
        let (settings, why) = followed(&standing, row.config_version, said.as_ref());
        api::Satellite {
            id: row.recorder_id.to_string(),
            letter: row.letter.into(),
            state: match (&row.revoked, self.present.is_here(row.recorder_id), row.last_seen_at) {
                (Some(_), ..) => api::SatelliteState::Revoked,
                (None, true, _) => api::SatelliteState::Connected,
                (None, false, Some(_)) => api::SatelliteState::Silent,
                (None, false, None) => api::SatelliteState::Never,
            },
            name: row.name,
            enrolled_at: when(row.enrolled_at),
            last_seen_at: row.last_seen_at.map(when),
            certificate_until: when(row.certificate_until),
            revoked_at: row.revoked.as_ref().map(|by| when(by.at)),
            revoked_by: row.revoked.map(|by| by.name),
            status: said.map(|said| said.shown(zone)),
            settings,
            settings_changed_at: standing.version.map(|version| when(instant(version))),
            settings_followed_at: (row.config_version > 0).then(|| when(instant(row.config_version))),
            settings_why: why,
        }
    }
}

/// Judges whether the settings that stand here are followed, and says why not.
fn followed(standing: &Standing, followed: u64, said: Option<&Said>) -> (api::SettingsState, Option<String>) {
    if let Some(fault) = &standing.fault {
        return (api::SettingsState::Faulty, Some(fault.clone()));
    }
    if standing.version == Some(followed) {
        return (api::SettingsState::Followed, None);
    }
    let refused = said.and_then(|said| said.refused.as_ref());
    match refused.filter(|refused| Some(refused.version) == standing.version) {
        Some(refused) => (api::SettingsState::Refused, Some(refused.why.clone())),
        None => (api::SettingsState::Waiting, None),
    }
}

/// The version of settings is the time of their change.
fn instant(version: u64) -> UtcMicros {
    UtcMicros(i64::try_from(version).unwrap_or(i64::MAX))
}

impl Satellites for Desk {
    fn shown(&self) -> Result<Vec<api::Satellite>, HostError> {
        let rows = self.vault.satellites().map_err(|e| HostError::Io(e.to_string()))?;
        Ok(rows.into_iter().map(|row| self.one(row)).collect())
    }

    fn invite(&self, name: &str, by: &By) -> Result<api::SatelliteCode, HostError> {
        let made = invite(&self.site.card.site_id, &self.vault, name, by);
        let made = made.map_err(|e| HostError::Io(format!("{e:#}")))?;
        Ok(api::SatelliteCode {
            id: seal::fields::hex(&made.id),
            code: made.code.shown(),
            until: self.site.card.zone.rfc3339(made.until),
        })
    }

    fn settings(&self, id: RecorderId) -> Result<api::SatelliteSettings, HostError> {
        configure::read(&self.site.dir, id)
    }

    fn change_settings(&self, id: RecorderId, text: &str, version: &str) -> Result<String, HostError> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let row = self.vault.satellite(id).map_err(|e| HostError::Io(e.to_string()))?;
        let row = row.ok_or_else(|| HostError::Invalid("There is no such satellite any more.".into()))?;
        configure::change(&self.site, &row, text, version)
    }
}
