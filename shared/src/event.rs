//! What happened during a recording besides audio: digits, hold, transfer, time anchors, corrections of gaps.

use std::collections::BTreeMap;

/// A member of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
    /// Yes or no.
    Bool(bool),
}

/// One event, as it is sealed in an EVENT frame.
///
/// `kind` is a word in snake case: `digit`, `held`, `retrieved`, `transferred`, `time_anchor`, `gap_cause`, `mask`,
/// `track_change`, `capture_fault`, `marker`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// What happened.
    pub kind: String,
    /// When: microseconds from the start of the segment.
    pub t_us: i64,
    /// The track concerned, if one.
    pub track: Option<u8>,
    /// Signalling octets behind it, already redacted.
    pub raw: Option<Vec<u8>>,
    /// Particulars by name, in the order of their names.
    pub members: BTreeMap<String, Value>,
}

impl Event {
    /// Makes an event without particulars.
    #[must_use]
    pub fn new(kind: &str, t_us: i64) -> Self {
        Self { kind: kind.to_owned(), t_us, ..Self::default() }
    }

    /// Adds a whole number.
    #[must_use]
    pub fn int(mut self, name: &str, value: i64) -> Self {
        self.members.insert(name.to_owned(), Value::Int(value));
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(mut self, name: &str, value: &str) -> Self {
        self.members.insert(name.to_owned(), Value::Text(value.to_owned()));
        self
    }

    /// Says which track is concerned.
    #[must_use]
    pub const fn on_track(mut self, track: u8) -> Self {
        self.track = Some(track);
        self
    }
}
