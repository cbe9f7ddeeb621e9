//! Satellites: who they are, whether they may still come, and how they said it goes; the invitations by which they come; and the
//! account of their calls.

use shared::{RecorderId, UtcMicros};

use crate::bulk::Cell;
use crate::labels::{found, long_enough, user};
use crate::orders::by;
use crate::read::id16;
use crate::sql::{Conn, Row};
use crate::{By, Catalogue, CatalogueError, LedgerRow, Result};

/// The longest name, in characters.
const NAME_MAX: usize = 200;
/// The longest status, in bytes.
const STATUS_MAX: usize = 64 << 10;
/// An invitation is forgotten a day after its end.
const REMEMBERED_US: i64 = 86_400_000_000;

/// A recorder elsewhere that sends what it seals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SatelliteRow {
    /// Who seals.
    pub recorder_id: RecorderId,
    /// Its name for people.
    pub name: String,
    /// The letter of its references, `A` to `Z`, of its own for ever.
    pub letter: char,
    /// Its Ed25519 public key: its trailers are verified with it.
    pub signing_key: [u8; 32],
    /// SHA-256 of the certificate that it may show.
    pub certificate: [u8; 32],
    /// The end of that certificate.
    pub certificate_until: UtcMicros,
    /// When it came.
    pub enrolled_at: UtcMicros,
    /// Who revoked it, and when: it may not come any more.
    pub revoked: Option<By>,
    /// When it was last heard.
    pub last_seen_at: Option<UtcMicros>,
    /// How it said it goes, JSON; not trusted.
    pub status: String,
    /// The configuration that it said it has.
    pub config_version: u64,
}

/// A code with which one satellite may enrol. The code itself is kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationRow {
    /// Which; drawn by the caller.
    pub invitation_id: [u8; 16],
    /// What the proof of the code is checked with, at most 256 bytes.
    pub secret: Vec<u8>,
    /// The name that the satellite gets.
    pub name: String,
    /// Who invited, and when.
    pub made: By,
    /// It works until then.
    pub expires_at: UtcMicros,
    /// Wrong proofs that came while it was open.
    pub tries: u32,
}

impl std::fmt::Debug for InvitationRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InvitationRow").field("name", &self.name).finish_non_exhaustive()
    }
}

const SATELLITE_COLUMNS: &str = "recorder_id, name, letter, signing_key, certificate, certificate_until_us, enrolled_at_us, revoked_by, \
    revoked_by_name, revoked_at_us, last_seen_at_us, status, config_version";

impl Catalogue {
    /// Returns all satellites by letter, those that were revoked included.
    ///
    /// # Errors
    /// The database's.
    pub fn satellites(&self) -> Result<Vec<SatelliteRow>> {
        self.satellites_where("", vec![])
    }

    /// Returns a satellite, if there is such a one.
    ///
    /// # Errors
    /// The database's.
    pub fn satellite(&self, id: RecorderId) -> Result<Option<SatelliteRow>> {
        Ok(self.satellites_where("where recorder_id = $1", vec![id.bytes().into()])?.pop())
    }

    fn satellites_where(&self, clause: &'static str, cells: Vec<Cell>) -> Result<Vec<SatelliteRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("select {SATELLITE_COLUMNS} from satellite {clause} order by letter");
            db.reader().await?.rows_kept(text, cells).await?.iter().map(satellite).collect()
        })
    }

    /// Notes that a satellite was heard, and what it said of itself.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`] of the status, or the database's.
    pub fn satellite_seen(&self, id: RecorderId, at: UtcMicros, status: Option<&str>) -> Result<()> {
        if status.is_some_and(|status| status.len() > STATUS_MAX) {
            return Err(CatalogueError::Length { what: "status", max: STATUS_MAX });
        }
        let text =
            "update satellite set last_seen_at_us = $2, status = coalesce($3, status) where recorder_id = $1";
        let cells = vec![id.bytes().into(), at.0.into(), Cell::text_or_none(status)];
        found("satellite", self.changed(text, cells)?)
    }

    /// Notes the configuration that a satellite says it has.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn satellite_configured(&self, id: RecorderId, version: u64) -> Result<()> {
        let text = "update satellite set config_version = $2 where recorder_id = $1";
        found("satellite", self.changed(text, vec![id.bytes().into(), version.into()])?)
    }

    /// Gives a satellite another certificate in place of the one it has.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if there is none or it was revoked, or the database's.
    pub fn renew_satellite(&self, id: RecorderId, certificate: &[u8; 32], until: UtcMicros) -> Result<()> {
        let text = "update satellite set certificate = $2, certificate_until_us = $3 where recorder_id = $1 and revoked_at_us is null";
        let cells = vec![id.bytes().into(), certificate.into(), until.0.into()];
        found("satellite", self.changed(text, cells)?)
    }

    /// Gives a satellite another name for people. Recordings and references keep its letter.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], [`CatalogueError::Length`], [`CatalogueError::Taken`] if another that was not revoked has it, or the
    /// database's.
    pub fn rename_satellite(&self, id: RecorderId, name: &str) -> Result<()> {
        let name = long_enough("name", name, NAME_MAX)?;
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = async {
                let same =
                    "select 1 from satellite where name = $1 and recorder_id <> $2 and revoked_at_us is null";
                if conn.row(same, vec![name.as_str().into(), id.bytes().into()]).await?.is_some() {
                    return Err(CatalogueError::Taken { what: "satellite" });
                }
                let text = "update satellite set name = $2 where recorder_id = $1";
                found("satellite", conn.run(text, vec![id.bytes().into(), name.as_str().into()]).await?)
            }
            .await;
            conn.end(done).await
        })
    }

    /// Revokes a satellite for good; false if it was revoked before.
    ///
    /// # Errors
    /// The database's.
    pub fn revoke_satellite(&self, id: RecorderId, by: &By) -> Result<bool> {
        let text = "update satellite set revoked_by = $2, revoked_by_name = $3, revoked_at_us = $4 \
                    where recorder_id = $1 and revoked_at_us is null";
        let cells = vec![id.bytes().into(), user(by), by.name.as_str().into(), by.at.0.into()];
        Ok(self.changed(text, cells)? == 1)
    }

    /// Enters an invitation, and forgets those that ended more than a day ago.
    ///
    /// # Errors
    /// [`CatalogueError::Length`] of the name, or the database's.
    pub fn invite(&self, row: &InvitationRow) -> Result<()> {
        let cells = vec![
            Cell::from(&row.invitation_id),
            Cell::Blob(row.secret.clone()),
            long_enough("name", &row.name, NAME_MAX)?.into(),
            user(&row.made),
            row.made.name.as_str().into(),
            row.made.at.0.into(),
            row.expires_at.0.into(),
        ];
        let old = row.made.at.0.saturating_sub(REMEMBERED_US);
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                conn.run("delete from invitation where expires_at_us < $1", vec![old.into()]).await?;
                let text = "insert into invitation (invitation_id, secret, name, made_by, made_by_name, made_at_us, expires_at_us, tries) \
                            values ($1, $2, $3, $4, $5, $6, $7, 0)";
                conn.run(text, cells).await.map(drop)
            }
            .await;
            conn.end(done).await
        })
    }

    /// Returns the invitations that work at `now`: neither used, nor closed, nor over.
    ///
    /// # Errors
    /// The database's.
    pub fn invitations(&self, now: UtcMicros) -> Result<Vec<InvitationRow>> {
        let text = "select invitation_id, secret, name, made_by, made_by_name, made_at_us, expires_at_us, tries from invitation \
                    where closed_at_us is null and expires_at_us > $1 order by made_at_us, invitation_id";
        let db = self.db.clone();
        self.block(async move {
            db.reader().await?.rows(text, vec![now.0.into()]).await?.iter().map(invitation).collect()
        })
    }

    /// Closes an invitation that nobody used yet; false if it works no more anyway.
    ///
    /// # Errors
    /// The database's.
    pub fn withdraw_invitation(&self, id: [u8; 16], now: UtcMicros) -> Result<bool> {
        let text = "update invitation set closed_at_us = $2 \
                    where invitation_id = $1 and closed_at_us is null and expires_at_us > $2";
        Ok(self.changed(text, vec![Cell::from(&id), now.0.into()])? == 1)
    }

    /// Uses an invitation, once, and enters the satellite that came with it, in one transaction. The satellite's name is that of the
    /// invitation, its letter the first that nobody ever had; `own` is this recorder's. `None`: the invitation works no more, and
    /// nothing was entered. Whatever is answered is durable.
    ///
    /// # Errors
    /// [`CatalogueError::Taken`] if there is such a satellite, [`CatalogueError::NoLetter`], or the database's.
    pub fn take_invitation(
        &self,
        id: [u8; 16],
        satellite: &SatelliteRow,
        own: char,
        now: UtcMicros,
    ) -> Result<Option<SatelliteRow>> {
        let (db, row) = (self.db.clone(), satellite.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin_alone().await?;
            let done = take(&mut conn, id, row, own, now).await;
            conn.end(done).await
        })
    }

    /// Counts a wrong proof against every invitation that is open; closes them all when one has seen `max` of them. True: that was it.
    ///
    /// # Errors
    /// The database's.
    pub fn wrong_proof(&self, now: UtcMicros, max: u32) -> Result<bool> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                let open = "update invitation set tries = tries + 1 where closed_at_us is null and expires_at_us > $1";
                conn.run(open, vec![now.0.into()]).await?;
                let close = "update invitation set closed_at_us = $1 where closed_at_us is null and expires_at_us > $1 and exists \
                             (select 1 from invitation i where i.closed_at_us is null and i.expires_at_us > $1 and i.tries >= $2)";
                Ok(conn.run(close, vec![now.0.into(), max.into()]).await? > 0)
            }
            .await;
            conn.end(done).await
        })
    }

    /// Enters what the ledger of another recorder says, or brings it up to date. A recording that came before the word of how its
    /// entry ended learns it now.
    ///
    /// # Errors
    /// The database's; then nothing was entered.
    pub fn ledger_told(&self, rows: Vec<LedgerRow>) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                crate::write::enter_ledger(&mut conn, &rows).await?;
                for row in &rows {
                    let Some((class, why)) = row.ending.map(|ending| ending.end.numbers()) else { continue };
                    let text = "update recording set end_class = $1, why = $2 where recorder_id = $3 and ledger_no = $4 \
                                and (end_class <> $1 or why <> $2)";
                    let cells =
                        vec![class.into(), why.into(), row.recorder_id.bytes().into(), row.ledger_no.0.into()];
                    conn.run(text, cells).await?;
                }
                Ok(())
            }
            .await;
            conn.end(done).await
        })
    }
}

async fn take(
    conn: &mut Conn,
    id: [u8; 16],
    mut row: SatelliteRow,
    own: char,
    now: UtcMicros,
) -> Result<Option<SatelliteRow>> {
    let open = "select name from invitation where invitation_id = $1 and closed_at_us is null and expires_at_us > $2";
    let Some(name) = conn.row(open, vec![Cell::from(&id), now.0.into()]).await? else { return Ok(None) };
    row.name = name.text(0)?;
    let mut used: Vec<String> = vec![own.to_string()];
    for had in conn.rows("select letter from satellite", vec![]).await? {
        used.push(had.text(0)?);
    }
    let free = ('A'..='Z').find(|letter| used.iter().all(|used| *used != letter.to_string()));
    row.letter = free.ok_or(CatalogueError::NoLetter)?;
    let there = conn
        .row("select 1 from satellite where recorder_id = $1", vec![row.recorder_id.bytes().into()])
        .await?;
    if there.is_some() {
        return Err(CatalogueError::Taken { what: "satellite" });
    }
    let cells = vec![
        Cell::from(row.recorder_id.bytes()),
        row.name.as_str().into(),
        row.letter.to_string().into(),
        (&row.signing_key).into(),
        (&row.certificate).into(),
        row.certificate_until.0.into(),
        row.enrolled_at.0.into(),
        row.status.as_str().into(),
        row.config_version.into(),
    ];
    let text = "insert into satellite (recorder_id, name, letter, signing_key, certificate, certificate_until_us, enrolled_at_us, status, \
                config_version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    conn.run(text, cells).await?;
    let used = "update invitation set closed_at_us = $2, recorder_id = $3 where invitation_id = $1";
    conn.run(used, vec![Cell::from(&id), now.0.into(), row.recorder_id.bytes().into()]).await?;
    Ok(Some(row))
}

fn satellite(row: &Row) -> Result<SatelliteRow> {
    Ok(SatelliteRow {
        recorder_id: RecorderId(id16(row, 0)?),
        name: row.text(1)?,
        letter: row.text(2)?.chars().next().ok_or(CatalogueError::Damaged { what: "letter" })?,
        signing_key: row.octets(3, "signing key")?,
        certificate: row.octets(4, "certificate")?,
        certificate_until: UtcMicros(row.int(5)?),
        enrolled_at: UtcMicros(row.int(6)?),
        revoked: by(row, 7)?,
        last_seen_at: row.int_or_none(10)?.map(UtcMicros),
        status: row.text(11)?,
        config_version: row.number(12, "version")?,
    })
}

fn invitation(row: &Row) -> Result<InvitationRow> {
    Ok(InvitationRow {
        invitation_id: id16(row, 0)?,
        secret: row.blob(1)?,
        name: row.text(2)?,
        made: by(row, 3)?.ok_or(CatalogueError::Damaged { what: "invitation" })?,
        expires_at: UtcMicros(row.int(6)?),
        tries: row.number(7, "tries")?,
    })
}
