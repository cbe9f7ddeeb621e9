//! Where archives lie: the configured locations, and the media that serve them. What lies on them is in `proof.rs`.

use shared::{LocationId, MediaId, UtcMicros};

use crate::bulk::Cell;
use crate::read::{damaged, id16};
use crate::sql::{Conn, Row};
use crate::{Catalogue, CatalogueError, Result};

/// The longest name of a location, in characters.
const NAME_MAX: usize = 64;

macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $n:literal $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$of])* $variant = $n),+ }

        impl $name {
            /// Returns the word for people and for JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Finds it by its word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// Returns the number kept in the catalogue.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// Finds it by its number.
            #[must_use]
            pub const fn from_number(n: u8) -> Option<Self> {
                match n { $($n => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use worded;

worded! {
    /// What a location is made of.
    LocationKind {
        /// A folder of another disk of this machine.
        Folder = 1 "folder",
        /// A drive that comes and goes.
        Usb = 2 "usb",
        /// A folder of an NFS server.
        Nfs = 3 "nfs",
        /// A Windows share.
        Smb = 4 "smb",
        /// A bucket.
        S3 = 5 "s3",
    }
}
worded! {
    /// Which media of a location must hold a recording before its live copy may go.
    MediaSet {
        /// One medium serves the location; others served it before.
        One = 1 "one",
        /// Several take turns, and it is enough that one of them holds it.
        Any = 2 "any",
        /// Several take turns, and each must hold it.
        All = 3 "all",
    }
}
worded! {
    /// Whether a medium may be trusted.
    MediumState {
        /// It may.
        Good = 1 "good",
        /// Something on it was not as it should be: nothing that it holds leaves the live store until somebody cleared it.
        Suspect = 2 "suspect",
        /// It is out of use, and what it holds counts no more.
        Retired = 3 "retired",
    }
}

/// One configured archive place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocationRow {
    /// Which.
    pub location_id: LocationId,
    /// Its name, of 1 to 64 characters; no two that are in use have the same.
    pub name: String,
    /// What it is made of.
    pub kind: LocationKind,
    /// Where it is mounted, or its address.
    pub path: String,
    /// Particulars as a JSON object; never a secret, unless it is locked away under a key of the site's.
    pub settings: String,
    /// Which of its media must hold a recording.
    pub set: MediaSet,
    /// When it was configured.
    pub added_at: UtcMicros,
    /// When it stopped to count.
    pub removed_at: Option<UtcMicros>,
}

/// One drive, share or bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MediumRow {
    /// Which; it stands on its card.
    pub media_id: MediaId,
    /// Which location it serves.
    pub location_id: LocationId,
    /// How often the location changed its medium before.
    pub media_gen: u32,
    /// What is written on it, for people.
    pub label: String,
    /// Where people find it while it is not connected.
    pub lies_in: String,
    /// When it was made.
    pub added_at: UtcMicros,
    /// Leaves of the log below lie there, but for its holes.
    pub next_leaf: u64,
    /// SHA-256 of the last run's report.
    pub last_report: Option<[u8; 32]>,
    /// When the last run ended that was proven.
    pub last_run_at: Option<UtcMicros>,
    /// When its card was last verified.
    pub last_seen_at: Option<UtcMicros>,
    /// Whether it may be trusted.
    pub state: MediumState,
}

impl Catalogue {
    /// Enters a location.
    ///
    /// # Errors
    /// [`CatalogueError::Length`] of the name, [`CatalogueError::Taken`] (another location in use has its name or identity), or
    /// the database's.
    pub fn add_location(&self, row: &LocationRow) -> Result<()> {
        if row.name.trim().is_empty() || row.name.chars().count() > NAME_MAX {
            return Err(CatalogueError::Length { what: "name of a location", max: NAME_MAX });
        }
        let cells = vec![
            Cell::from(row.location_id.bytes()),
            row.name.as_str().into(),
            row.kind.number().into(),
            row.path.as_str().into(),
            row.settings.as_str().into(),
            row.set.number().into(),
            row.added_at.0.into(),
            Cell::int_or_none(row.removed_at.map(|at| at.0)),
        ];
        self.added(
            "location",
            "insert into location (location_id, name, kind, path, settings, media_set, added_at_us, removed_at_us) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
            cells,
        )
    }

    /// Returns the locations that are in use, in the order of their making.
    ///
    /// # Errors
    /// The database's.
    pub fn locations(&self) -> Result<Vec<LocationRow>> {
        let db = self.db.clone();
        self.block(async move { in_use(&mut db.reader().await?).await })
    }

    /// Finds a location: one in use by its name, any by its identity.
    ///
    /// # Errors
    /// The database's.
    pub fn location(&self, name_or_id: &str) -> Result<Option<LocationRow>> {
        let name = Cell::from(name_or_id);
        let id = name_or_id.parse::<LocationId>().ok();
        let db = self.db.clone();
        self.block(async move {
            let mut conn = db.reader().await?;
            if let Some(id) = id {
                let text = format!("{LOCATIONS} where location_id = $1");
                if let Some(row) = conn.rows_kept(text, vec![id.bytes().into()]).await?.first() {
                    return location_row(row).map(Some);
                }
            }
            let text = format!("{LOCATIONS} where name = $1 and removed_at_us is null");
            conn.rows_kept(text, vec![name]).await?.first().map(location_row).transpose()
        })
    }

    /// Replaces the particulars of a location.
    ///
    /// # Errors
    /// The database's.
    pub fn set_location_settings(&self, id: LocationId, settings: &str) -> Result<()> {
        let text = "update location set settings = $2 where location_id = $1";
        self.changed(text, vec![id.bytes().into(), settings.into()]).map(drop)
    }

    /// Enters a medium of a location.
    ///
    /// # Errors
    /// [`CatalogueError::Taken`] if it is known already, [`CatalogueError::NotThere`] without its location, or the database's.
    pub fn add_medium(&self, row: &MediumRow) -> Result<()> {
        if self.location(&row.location_id.to_string())?.is_none() {
            return Err(CatalogueError::NotThere { what: "location" });
        }
        let cells = vec![
            Cell::from(row.media_id.bytes()),
            row.location_id.bytes().into(),
            row.media_gen.into(),
            row.label.as_str().into(),
            row.lies_in.as_str().into(),
            row.added_at.0.into(),
            row.next_leaf.into(),
            Cell::blob_or_none(row.last_report.as_ref().map(<[u8; 32]>::as_slice)),
            Cell::int_or_none(row.last_run_at.map(|at| at.0)),
            Cell::int_or_none(row.last_seen_at.map(|at| at.0)),
            row.state.number().into(),
        ];
        self.added(
            "medium",
            "insert into medium (media_id, location_id, media_gen, label, lies_in, added_at_us, next_leaf, last_report, \
             last_run_at_us, last_seen_at_us, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
            cells,
        )
    }

    /// Returns the media of a location, the newest first.
    ///
    /// # Errors
    /// The database's.
    pub fn media(&self, location: LocationId) -> Result<Vec<MediumRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text =
                format!("{MEDIA} where location_id = $1 order by added_at_us desc, media_gen desc, media_id");
            db.reader()
                .await?
                .rows_kept(text, vec![location.bytes().into()])
                .await?
                .iter()
                .map(medium_row)
                .collect()
        })
    }

    /// Returns a medium.
    ///
    /// # Errors
    /// The database's.
    pub fn medium(&self, id: MediaId) -> Result<Option<MediumRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = format!("{MEDIA} where media_id = $1");
            let rows = db.reader().await?.rows_kept(text, vec![id.bytes().into()]).await?;
            rows.first().map(medium_row).transpose()
        })
    }

    /// Notes that a medium's card was verified; an earlier time than the one known changes nothing.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn note_medium_seen(&self, id: MediaId, at: UtcMicros) -> Result<()> {
        self.change_medium(
            "update medium set last_seen_at_us = \
             case when coalesce(last_seen_at_us, 0) > $2 then last_seen_at_us else $2 end where media_id = $1",
            vec![id.bytes().into(), at.0.into()],
        )
    }

    /// Says whether a medium may be trusted from now on.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn set_medium_state(&self, id: MediaId, state: MediumState) -> Result<()> {
        let cells = vec![id.bytes().into(), state.number().into()];
        self.change_medium("update medium set state = $2 where media_id = $1", cells)
    }

    /// Writes what stands on a medium and where it lies.
    ///
    /// # Errors
    /// [`CatalogueError::NotThere`], or the database's.
    pub fn label_medium(&self, id: MediaId, label: &str, lies_in: &str) -> Result<()> {
        let cells = vec![id.bytes().into(), label.into(), lies_in.into()];
        self.change_medium("update medium set label = $2, lies_in = $3 where media_id = $1", cells)
    }

    fn change_medium(&self, text: &'static str, cells: Vec<Cell>) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            match db.writer().await?.run(text, cells).await? {
                0 => Err(CatalogueError::NotThere { what: "medium" }),
                _ => Ok(()),
            }
        })
    }

    fn added(&self, what: &'static str, text: &'static str, cells: Vec<Cell>) -> Result<()> {
        let db = self.db.clone();
        self.block(async move {
            match db.writer().await?.run(text, cells).await? {
                0 => Err(CatalogueError::Taken { what }),
                _ => Ok(()),
            }
        })
    }
}

/// Reads the locations that are in use.
pub(crate) async fn in_use(conn: &mut Conn) -> Result<Vec<LocationRow>> {
    let text = format!("{LOCATIONS} where removed_at_us is null order by added_at_us, location_id");
    conn.rows_kept(text, vec![]).await?.iter().map(location_row).collect()
}

/// Reads the media of these.
pub(crate) async fn media_in_use(conn: &mut Conn) -> Result<Vec<MediumRow>> {
    let text = format!(
        "{MEDIA} where location_id in (select location_id from location where removed_at_us is null) \
         order by location_id, added_at_us, media_gen, media_id"
    );
    conn.rows_kept(text, vec![]).await?.iter().map(medium_row).collect()
}

const LOCATIONS: &str =
    "select location_id, name, kind, path, settings, media_set, added_at_us, removed_at_us from location";

const MEDIA: &str = "select media_id, location_id, media_gen, label, lies_in, added_at_us, next_leaf, last_report, \
                     last_run_at_us, last_seen_at_us, state from medium";

fn location_row(row: &Row) -> Result<LocationRow> {
    Ok(LocationRow {
        location_id: LocationId(id16(row, 0)?),
        name: row.text(1)?,
        kind: LocationKind::from_number(row.number(2, "kind")?).ok_or_else(|| damaged("kind"))?,
        path: row.text(3)?,
        settings: row.text(4)?,
        set: MediaSet::from_number(row.number(5, "set")?).ok_or_else(|| damaged("set"))?,
        added_at: UtcMicros(row.int(6)?),
        removed_at: row.int_or_none(7)?.map(UtcMicros),
    })
}

fn medium_row(row: &Row) -> Result<MediumRow> {
    Ok(MediumRow {
        media_id: MediaId(id16(row, 0)?),
        location_id: LocationId(id16(row, 1)?),
        media_gen: row.number(2, "media_gen")?,
        label: row.text(3)?,
        lies_in: row.text(4)?,
        added_at: UtcMicros(row.int(5)?),
        next_leaf: row.number(6, "next_leaf")?,
        last_report: digest_or_none(row, 7)?,
        last_run_at: row.int_or_none(8)?.map(UtcMicros),
        last_seen_at: row.int_or_none(9)?.map(UtcMicros),
        state: MediumState::from_number(row.number(10, "state")?).ok_or_else(|| damaged("state"))?,
    })
}

/// Reads a digest that may be missing.
pub(crate) fn digest_or_none(row: &Row, column: usize) -> Result<Option<[u8; 32]>> {
    row.blob_or_none(column)?.map(|bytes| bytes.try_into().map_err(|_odd| damaged("digest"))).transpose()
}
