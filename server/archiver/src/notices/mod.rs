//! What somebody should know about the archive in time: a pure judgement over what is known at a moment.
//!
//! Each notice stands for as long as it is true. Its key says what it is about and where, so that it is told once when it begins and
//! once when it ends, however often is looked. The sentences for people are in [`words`]; the console has its own, in its languages.

pub mod forecast;
mod judge;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use shared::{Day, LocationId, UtcMicros, Zone};
use vault::{CheckRow, MediumState, NoticeRow, Severity};

pub use self::forecast::Habit;
use crate::carrier::Space;
use crate::schedule::At;

/// What a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NoticeKind {
    /// No place is configured: recordings lie in the live store only.
    NoPlace,
    /// The place is not connected.
    Away,
    /// It was not connected for two nights.
    Unseen,
    /// Another medium is there.
    OtherMedium,
    /// A copy of the medium is there, or an old state of it.
    Copied,
    /// It cannot be written.
    ReadOnly,
    /// Its medium is suspect.
    Suspect,
    /// Files there are bad, and no good copy of them is known.
    Lost,
    /// What was recorded until the last evening is not all there.
    Behind,
    /// The last run failed, and no other begins before the next evening.
    Failed,
    /// Files could not be carried.
    Holes,
    /// A person ended the run.
    Stopped,
    /// The clock stands before the last run.
    ClockBack,
    /// The room there lasts for some days only.
    Fills,
    /// Nine tenths of the room there are used.
    NearlyFull,
    /// A night is too short for what is recorded in a day.
    NightTooShort,
    /// What was read back may have come from a cache.
    Cached,
    /// After a restore: nothing there counts until it was verified.
    Lowered,
    /// The last drill is too long ago.
    DrillOverdue,
    /// A recording did not come back as it was sealed.
    DrillWrong,
    /// Daily logins lie there for some weeks only.
    LoginsShort,
    /// A recording reaches the end of its retention before it is there.
    RetentionNear,
    /// The live store is full, and nothing may leave it.
    NoRoom,
    /// Somebody wants to keep less.
    PolicyWaits,
    /// The day has come to ask whether a legal hold is still needed.
    HoldReview,
}

impl NoticeKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 25] = [
        Self::NoPlace,
        Self::Away,
        Self::Unseen,
        Self::OtherMedium,
        Self::Copied,
        Self::ReadOnly,
        Self::Suspect,
        Self::Lost,
        Self::Behind,
        Self::Failed,
        Self::Holes,
        Self::Stopped,
        Self::ClockBack,
        Self::Fills,
        Self::NearlyFull,
        Self::NightTooShort,
        Self::Cached,
        Self::Lowered,
        Self::DrillOverdue,
        Self::DrillWrong,
        Self::LoginsShort,
        Self::RetentionNear,
        Self::NoRoom,
        Self::PolicyWaits,
        Self::HoldReview,
    ];

    /// Returns the word for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoPlace => "no-place",
            Self::Away => "away",
            Self::Unseen => "unseen",
            Self::OtherMedium => "other-medium",
            Self::Copied => "copied",
            Self::ReadOnly => "read-only",
            Self::Suspect => "suspect",
            Self::Lost => "lost",
            Self::Behind => "behind",
            Self::Failed => "failed",
            Self::Holes => "holes",
            Self::Stopped => "stopped",
            Self::ClockBack => "clock-back",
            Self::Fills => "fills",
            Self::NearlyFull => "nearly-full",
            Self::NightTooShort => "night-too-short",
            Self::Cached => "cached",
            Self::Lowered => "lowered",
            Self::DrillOverdue => "drill-overdue",
            Self::DrillWrong => "drill-wrong",
            Self::LoginsShort => "logins-short",
            Self::RetentionNear => "retention-near",
            Self::NoRoom => "no-room",
            Self::PolicyWaits => "policy-waits",
            Self::HoldReview => "hold-review",
        }
    }

    /// Finds it by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a sentence is filled in with.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Filled {
    /// The place's identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Its name, or that of a person.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What is written on the medium.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub medium: String,
    /// Where that lies.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lies_in: String,
    /// Why, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// A moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_us: Option<i64>,
    /// A day, yyyymmdd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<u32>,
    /// How many: days, files, parts in a hundred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Filled {
    /// Returns the place's name; empty if it is not about one.
    #[must_use]
    pub fn name_of_place(&self) -> &str {
        if self.place.is_empty() { "" } else { &self.name }
    }
}

/// A notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// What tells it from others of its kind: the place, a step of the forecast, the number of a change.
    pub of: String,
    /// How much it matters.
    pub severity: Severity,
    /// What its sentence is filled in with.
    pub filled: Filled,
}

impl Notice {
    /// Returns its row, as of now.
    #[must_use]
    pub fn row(&self, now: UtcMicros) -> NoticeRow {
        NoticeRow {
            key: if self.of.is_empty() {
                self.kind.word().to_owned()
            } else {
                format!("{}/{}", self.kind.word(), self.of)
            },
            severity: self.severity,
            filled: serde_json::to_string(&self.filled).unwrap_or_default(),
            since: now,
            seen: None,
        }
    }

    /// Reads it from its row; `None`: another version of the program wrote it.
    #[must_use]
    pub fn of(row: &NoticeRow) -> Option<Self> {
        let (word, of) = row.key.split_once('/').unwrap_or((&row.key, ""));
        Some(Self {
            kind: NoticeKind::from_word(word)?,
            of: of.to_owned(),
            severity: row.severity,
            filled: serde_json::from_str(&row.filled).ok()?,
        })
    }
}

/// Why a place cannot be archived to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absence {
    /// It is not connected.
    Away,
    /// Another medium is there.
    Other,
    /// A copy of the medium is there, or an old state of it.
    Copied,
    /// It cannot be written.
    ReadOnly,
}

/// What was found when a place was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nobody looked yet.
    Unknown,
    /// It is there with its medium.
    There(Space),
    /// It cannot be archived to, and why.
    Not(Absence, String),
}

/// The last run that came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LastRun {
    /// Its beginning.
    pub begun: UtcMicros,
    /// Its end.
    pub ended: UtcMicros,
    /// Files that it could not carry and that are due still.
    pub holes: u64,
    /// The lowest level of what it read back; `None`: it carried nothing.
    pub level: Option<u8>,
    /// Bytes a second of the runs of late that carried much.
    pub pace: Option<u64>,
}

/// What is known of one place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which.
    pub id: LocationId,
    /// Its name.
    pub name: String,
    /// When it was configured.
    pub added: UtcMicros,
    /// What is written on its medium.
    pub medium: String,
    /// Where that lies.
    pub lies_in: String,
    /// Whether that may be trusted; `None`: there is none.
    pub state: Option<MediumState>,
    /// What was found there.
    pub found: Found,
    /// When its medium was last there.
    pub seen: Option<UtcMicros>,
    /// A run goes on there.
    pub running: bool,
    /// Everything that had ended by then is proven there.
    pub safe_until: Option<UtcMicros>,
    /// Files and bytes that it lacks.
    pub due: (u64, u64),
    /// Files that are bad on its media and of which no good copy is known.
    pub lost: u64,
    /// The last run that came to its end.
    pub last: Option<LastRun>,
    /// Why the last run failed, if only a person can mend it.
    pub trouble: Option<String>,
    /// Who ended the run, and when; `None` from the next evening on.
    pub stopped: Option<(String, UtcMicros)>,
    /// The last drill there.
    pub drill: Option<CheckRow>,
    /// Logins lie there up to this day.
    pub logins_until: Option<Day>,
    /// The earliest end of retention of what it lacks.
    pub retention_ends: Option<UtcMicros>,
}

/// A change that lets something go earlier, and waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Its number.
    pub change: u64,
    /// Who proposed it.
    pub by: String,
    /// When it takes effect; `None`: a second person must confirm it.
    pub effective: Option<UtcMicros>,
    /// Recordings that it concerns.
    pub affected: u64,
}

/// A legal hold whose day of review has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToReview {
    /// Its identity.
    pub hold: String,
    /// Who answers for it.
    pub owner: String,
    /// The day.
    pub day: Day,
}

/// What is known at a moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The site's zone.
    pub zone: Zone,
    /// When the evening begins.
    pub at: At,
    /// The places.
    pub places: Vec<Place>,
    /// Whether anything was recorded.
    pub has_recordings: bool,
    /// What days are like.
    pub habit: Option<Habit>,
    /// Parts in a hundred of the live disk that are used, and why nothing may leave it; `None`: there is room.
    pub no_room: Option<(u64, String)>,
    /// Changes that wait.
    pub waiting: Vec<Waiting>,
    /// Holds that somebody should look at.
    pub to_review: Vec<ToReview>,
}

/// Judges what somebody should know now, in the order of [`NoticeKind`] within each place; what concerns all of them first.
#[must_use]
pub fn notices(facts: &Facts, now: UtcMicros) -> Vec<Notice> {
    judge::all(facts, now)
}
