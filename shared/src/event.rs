//! What happened during a recording besides audio: digits, hold, transfer, time anchors, corrections of gaps.

use std::collections::BTreeMap;

use crate::GapCause;

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
/// `kind` is a word in snake case: `digit`, `held`, `retrieved`, `transferred`, `time_anchor`, `sender_clock`, `gap_cause`,
/// `mask`, `track_change`, `capture_fault`, `marker`, `one_way`, `silent`.
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

    /// Tells whether the event stays in the sealed file only: it explains its samples, nobody searches for it.
    #[must_use]
    pub fn is_sealed_only(&self) -> bool {
        matches!(self.kind.as_str(), "time_anchor" | "sender_clock" | "gap_cause" | "track_change")
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

    /// Moves the positions in samples that the event tells (`pos`, `from_sample`, `to_sample`) towards the start.
    pub fn rebase_samples(&mut self, ticks: i64) {
        for name in ["pos", "from_sample", "to_sample"] {
            if let Some(Value::Int(at)) = self.members.get_mut(name) {
                *at = at.saturating_sub(ticks);
            }
        }
    }

    fn whole(&self, name: &str) -> Option<i64> {
        match self.members.get(name) {
            Some(Value::Int(n)) => Some(*n),
            Some(Value::Text(_) | Value::Octets(_) | Value::Bool(_)) | None => None,
        }
    }
}

/// What was learned later of missing samples: they had another cause than their runs say. Sealed as an event of the kind
/// `gap_cause`; runs are never rewritten, so whoever reads causes must apply these, in the order in which they were sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GapCorrection {
    /// The track.
    pub track: u8,
    /// Its first sample concerned; below 0 for a gap that began in an earlier part.
    pub from: i64,
    /// The sample after the last.
    pub to: i64,
    /// The cause that was believed so far.
    pub was: GapCause,
    /// The cause that is known now.
    pub cause: GapCause,
}

impl GapCorrection {
    /// Reads an event; `None` if it is of another kind or makes no sense.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let cause = |name| GapCause::from_number(u8::try_from(event.whole(name)?).ok()?);
        let this = Self {
            track: event.track?,
            from: event.whole("from_sample")?,
            to: event.whole("to_sample")?,
            was: cause("was")?,
            cause: cause("cause")?,
        };
        (event.kind == "gap_cause" && this.from < this.to).then_some(this)
    }

    /// Returns the event that seals it.
    #[must_use]
    pub fn event(&self, t_us: i64) -> Event {
        Event::new("gap_cause", t_us)
            .on_track(self.track)
            .int("from_sample", self.from)
            .int("to_sample", self.to)
            .int("was", self.was.number().into())
            .int("cause", self.cause.number().into())
    }

    /// Returns the samples concerned from the start of the part on.
    #[must_use]
    pub fn samples(&self) -> u64 {
        let at = |pos: i64| u64::try_from(pos).unwrap_or(0);
        at(self.to).saturating_sub(at(self.from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GapTotals;

    #[test]
    fn a_correction_survives_its_event() {
        let (was, cause) = (GapCause::LostInNetwork, GapCause::LostByRecorder);
        let correction = GapCorrection { track: 3, from: -80, to: 160, was, cause };
        assert_eq!(GapCorrection::of(&correction.event(7)), Some(correction));
        assert_eq!(correction.samples(), 160, "what lies in an earlier part is not counted here");
        for event in [
            Event::new("gap_cause", 7),
            correction.event(7).int("cause", 6),
            correction.event(7).int("to_sample", -80),
            Event { kind: "mask".into(), ..correction.event(7) },
            Event { track: None, ..correction.event(7) },
        ] {
            assert_eq!(GapCorrection::of(&event), None, "{event:?}");
        }
    }

    #[test]
    fn a_correction_moves_samples_and_never_makes_any() {
        let (was, cause) = (GapCause::LostInNetwork, GapCause::LostByRecorder);
        let mut totals = GapTotals([0, 100, 5, 0, 0, 0]);
        totals.correct(&GapCorrection { track: 0, from: 0, to: 60, was, cause });
        assert_eq!(totals, GapTotals([0, 40, 65, 0, 0, 0]));
        totals.correct(&GapCorrection { track: 0, from: 0, to: 60, was, cause });
        assert_eq!(totals, GapTotals([0, 0, 105, 0, 0, 0]));
    }
}
