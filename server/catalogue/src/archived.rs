//! What the archive asks of media and places as a whole: what lies there of a day; a medium that is adopted; a place that never
//! came into use.

use std::collections::BTreeMap;

use shared::{Day, LocationId, MediaId, RecordingId};

use crate::bulk::Cell;
use crate::listed::{COLUMNS, listed};
use crate::read::{id16, select};
use crate::{Catalogue, CatalogueError, Listed, MediumRow, PartyRole, Result};

/// A part as it lies on a medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchivedPart {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Its path from the archive's root folder.
    pub path: String,
    /// The whole file, in bytes.
    pub size: u64,
    /// The leaf of its admission.
    pub leaf: u64,
}

/// A recording as the catalogue of a day shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DayEntry {
    /// What a list shows of it. A party without number and name has its address for a name.
    pub listed: Listed,
    /// Somebody masked a stretch of it.
    pub masked: bool,
}

impl Catalogue {
    /// Returns recordings as the catalogue of a day shows them, in the order of `ids`, at most a thousand at a time; unknown ones
    /// are left out.
    ///
    /// # Errors
    /// The database's.
    pub fn day_entries(&self, ids: &[RecordingId]) -> Result<Vec<DayEntry>> {
        let (db, ids) = (self.db.clone(), ids.to_vec());
        self.block(async move {
            let mut conn = db.reader().await?;
            let masks = "(select count(*) from event e where e.recording_id = recording.recording_id and e.kind like 'mask%')";
            let text = format!("select {COLUMNS}, {masks} from recording where recording_id in (?)");
            let mut found = BTreeMap::new();
            for row in select(&mut conn, &text, &ids).await? {
                let entry = DayEntry { listed: listed(&row)?, masked: row.int(29)? > 0 };
                found.insert(entry.listed.facts.recording_id, entry);
            }
            let nameless: Vec<RecordingId> =
                found.values().filter(|entry| is_nameless(&entry.listed)).map(|e| e.listed.facts.recording_id).collect();
            for row in select(&mut conn, ADDRESSES, &nameless).await? {
                if let Some(entry) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
                    name_by_address(&mut entry.listed, PartyRole::from_number(row.number(1, "role")?), &row.text(2)?);
                }
            }
            Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
        })
    }

    /// Returns the parts of a day that were read back from a medium, proven or about to be, by recording and part.
    ///
    /// # Errors
    /// The database's.
    pub fn archived_of_day(&self, medium: MediaId, day: Day) -> Result<Vec<ArchivedPart>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select p.recording_id, p.part, f.path, f.bytes, f.leaf from recording r \
                        join part p on p.recording_id = r.recording_id \
                        join proof f on f.recording_id = p.recording_id and f.part = p.part and f.media_id = $1 \
                        where r.day between $2 and $3 and p.day = $4 order by p.recording_id, p.part";
            // A later part may lie in the folder of a later day than the recording's start: parts last twelve hours.
            let before = day.plus_days(-7).unwrap_or(day);
            let cells = vec![
                medium.bytes().into(),
                before.yyyymmdd().into(),
                day.yyyymmdd().into(),
                day.yyyymmdd().into(),
            ];
            let rows = db.reader().await?.rows(text, cells).await?;
            let part = |row: &crate::sql::Row| {
                Ok(ArchivedPart {
                    recording_id: RecordingId(row.octets(0, "identity")?),
                    part: row.number(1, "part")?,
                    path: row.text(2)?,
                    size: row.number(3, "length")?,
                    leaf: row.number(4, "leaf_index")?,
                })
            };
            rows.iter().map(part).collect()
        })
    }

    /// Takes a medium that served its location before: what was proven of it counts no more, because it may be a copy, and all of
    /// it is due again.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if it is not known, or the database's; then nothing was changed.
    pub fn adopt_medium(&self, row: &MediumRow) -> Result<()> {
        let id: Cell = row.media_id.bytes().into();
        let cells = vec![
            id.clone(),
            row.media_gen.into(),
            row.label.as_str().into(),
            row.lies_in.as_str().into(),
            Cell::blob_or_none(row.last_report.as_ref().map(<[u8; 32]>::as_slice)),
            row.state.number().into(),
        ];
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.writer().await?;
            conn.begin().await?;
            let done = async {
                for text in [
                    "delete from proof where media_id = $1",
                    "delete from archive_hole where media_id = $1",
                    "delete from archive_manifest where media_id = $1",
                ] {
                    conn.run(text, vec![id.clone()]).await?;
                }
                let text = "update medium set media_gen = $2, label = $3, lies_in = $4, last_report = $5, state = $6, \
                            next_leaf = 0 where media_id = $1";
                match conn.run(text, cells).await? {
                    0 => Err(CatalogueError::NotThere { what: "medium" }),
                    _ => Ok(()),
                }
            };
            let done = done.await;
            conn.end(done).await
        })
    }

    /// Takes a location out of use on which nothing was ever proven.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`] if there is none, or something was proven there; or the database's.
    pub fn forget_location(&self, id: LocationId) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            let text = "update location set removed_at_us = added_at_us where location_id = $1 and removed_at_us is null \
                        and not exists (select 1 from archive_run r where r.location_id = $1 and r.report_sha256 is not null)";
            match db.writer().await?.run(text, vec![id.bytes().into()]).await? {
                0 => Err(CatalogueError::NotThere { what: "location on which nothing was proven" }),
                _ => Ok(()),
            }
        })
    }
}

const ADDRESSES: &str = "select recording_id, role, address from party \
                         where recording_id in (?) and number = '' and display = '' and address <> '' order by place";

fn is_nameless(listed: &Listed) -> bool {
    listed.parties.iter().any(|party| party.number.is_empty() && party.display.is_empty())
}

/// Lists keep no addresses: the first party of the role that has nothing else to be known by takes this one.
fn name_by_address(listed: &mut Listed, role: PartyRole, address: &str) {
    let nameless = |party: &&mut crate::ListedParty| {
        party.role == role && party.number.is_empty() && party.display.is_empty()
    };
    if let Some(party) = listed.parties.iter_mut().find(nameless) {
        address.clone_into(&mut party.display);
    }
}
