//! What a satellite tells the central of the calls that are going on there: changes, as JSON. Both sides of it, so that they cannot differ.
//!
//! Nothing of it is kept on a disk, here or there. The satellite tells a call when it begins, when what is known of it changes, and when it
//! is over; levels change all the time and are not told. So five hundred calls cost a few kilobytes a second. A new connection begins anew.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shared::{Direction, RecorderId, RecordingId, Side, UtcMicros};
use web::{Board, BoardLine, OfSatellite};

/// Calls of a satellite that are told one by one; more are counted.
pub(crate) const LINES_MAX: usize = 2_000;
/// One message: what does not fit goes with the next, a second later.
const MESSAGE_MAX: usize = 48 << 10;
/// Longest texts, in characters.
const TEXT_MAX: usize = 120;
/// Codecs of a call that are told.
const CODECS_MAX: usize = 8;

/// One message.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Calls {
    /// Nothing that was told before counts any more.
    #[serde(default)]
    anew: bool,
    /// Calls in all.
    #[serde(default)]
    count: u64,
    /// Calls that are new or have changed.
    #[serde(default)]
    lines: Vec<Line>,
    /// Calls that are over, by their keys.
    #[serde(default)]
    gone: Vec<u64>,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    key: u64,
    recording: Option<String>,
    reference: Option<String>,
    tap: String,
    side: api::SideWord,
    state: api::LineState,
    started_us: Option<i64>,
    caller: Party,
    called: Party,
    direction: String,
    codecs: Vec<String>,
    fault: Option<String>,
}

/// A party of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Party {
    number: String,
    name: String,
}

/// The satellite's memory of what the central knows.
#[derive(Debug, Default)]
pub(crate) struct Told {
    lines: BTreeMap<u64, Line>,
    count: u64,
}

impl Told {
    /// Returns what the central does not know yet, as JSON of at most 64 KiB; `None`: nothing.
    pub(crate) fn changes(&mut self, board: &Board, anew: bool) -> Option<Vec<u8>> {
        if anew {
            *self = Self::default();
        }
        let count = u64::try_from(board.lines.len()).unwrap_or(u64::MAX);
        let mut calls = Calls { anew, count, ..Calls::default() };
        let now: BTreeSet<u64> = board.lines.iter().map(|line| line.key).collect();
        calls.gone = self.lines.keys().filter(|key| !now.contains(*key)).copied().collect();
        calls.gone.iter().for_each(|key| drop(self.lines.remove(key)));
        let mut room = MESSAGE_MAX.saturating_sub(calls.gone.len().saturating_mul(20));
        for line in &board.lines {
            let known = self.lines.get(&line.key);
            if known.is_none() && self.lines.len() >= LINES_MAX {
                continue;
            }
            let line = Line::of(line);
            if known == Some(&line) {
                continue;
            }
            let size = serde_json::to_vec(&line).map_or(usize::MAX, |text| text.len());
            let Some(left) = room.checked_sub(size) else { break };
            room = left;
            self.lines.insert(line.key, line.clone());
            calls.lines.push(line);
        }
        let nothing = !anew && calls.lines.is_empty() && calls.gone.is_empty() && self.count == count;
        self.count = count;
        (!nothing).then(|| serde_json::to_vec(&calls).unwrap_or_default())
    }
}

impl Line {
    fn of(line: &BoardLine) -> Self {
        let party = |party: &api::Party| Party { number: cut(&party.number), name: cut(&party.name) };
        Self {
            key: line.key,
            recording: line.recording_id.map(|id| id.to_string()),
            reference: line.reference.clone(),
            tap: cut(&line.tap),
            side: if line.side == Side::Trunk { api::SideWord::Trunk } else { api::SideWord::Extension },
            state: line.state,
            started_us: line.started_at.map(|at| at.0),
            caller: party(&line.caller),
            called: party(&line.called),
            direction: line.direction.word().to_owned(),
            codecs: line.codecs.iter().take(CODECS_MAX).map(|codec| cut(codec)).collect(),
            fault: line.fault.as_deref().map(cut),
        }
    }

    /// The call for the central's board. Every text is a stranger's.
    fn shown(self, of: &OfSatellite, letter: char) -> BoardLine {
        let mut directions = (0..=u8::MAX).filter_map(Direction::from_number);
        let direction = directions.find(|known| known.word() == self.direction).unwrap_or_default();
        let party = |party: Party, role| {
            let number = cut(&party.number);
            let extension = vault::extension(direction, role, &number);
            let extension = Some(extension).filter(|at| !at.is_empty());
            api::Party { number, name: cut(&party.name), extension }
        };
        // A satellite speaks of its own references only.
        let reference = self.reference.filter(|text| text.starts_with(letter)).map(|text| cut(&text));
        BoardLine {
            key: self.key,
            satellite: Some(of.clone()),
            recording_id: self.recording.as_deref().and_then(|id| id.parse::<RecordingId>().ok()),
            part: None,
            reference,
            tap: cut(&self.tap),
            side: if self.side == api::SideWord::Trunk { Side::Trunk } else { Side::Extension },
            state: self.state,
            started_at: self.started_us.map(UtcMicros),
            caller: party(self.caller, vault::PartyRole::Caller),
            called: party(self.called, vault::PartyRole::Called),
            direction,
            codecs: self.codecs.iter().take(CODECS_MAX).map(|codec| cut(codec)).collect(),
            level_dbfs: None,
            fault: self.fault.as_deref().map(cut),
        }
    }
}

/// The central's memory of the calls of one satellite.
#[derive(Debug, Default)]
pub(crate) struct Known {
    lines: BTreeMap<u64, Line>,
    /// Calls in all, as it says.
    pub(crate) count: u64,
}

impl Known {
    /// Takes over what a satellite told; false if that is none of this.
    pub(crate) fn take(&mut self, json: &[u8]) -> bool {
        let Ok(calls) = serde_json::from_slice::<Calls>(json) else { return false };
        if calls.anew {
            self.lines.clear();
        }
        calls.gone.iter().for_each(|key| drop(self.lines.remove(key)));
        for line in calls.lines {
            if self.lines.len() < LINES_MAX || self.lines.contains_key(&line.key) {
                self.lines.insert(line.key, line);
            }
        }
        self.count = calls.count;
        true
    }

    /// Returns the calls for the board, under the satellite's name and letter.
    pub(crate) fn shown(&self, who: RecorderId, name: &str, letter: char) -> Vec<BoardLine> {
        let of = OfSatellite { id: who, name: name.to_owned() };
        self.lines.values().map(|line| line.clone().shown(&of, letter)).collect()
    }

    /// Tells whether it records this now.
    pub(crate) fn records(&self, id: &str) -> bool {
        self.lines.values().any(|line| line.recording.as_deref() == Some(id))
    }
}

/// Cuts a text to what is told of it.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const WHO: RecorderId = RecorderId([7; 16]);

    fn line(key: u64, state: api::LineState) -> BoardLine {
        let party =
            |n: u64| api::Party { number: format!("2711555{n:04}"), name: "Ann".into(), extension: None };
        let recording = (state == api::LineState::Recording).then(|| {
            let [a, b, c, d, e, f, g, h] = key.to_be_bytes();
            RecordingId([1, 0, 0, 0, 0, 0, 0x70, 0, a, b, c, d, e, f, g, h])
        });
        BoardLine {
            key,
            satellite: None,
            recording_id: recording,
            part: None,
            reference: Some(format!("B261123-{key:06}")),
            tap: "trunk".into(),
            side: Side::Trunk,
            state,
            started_at: Some(UtcMicros(1_000_000)),
            caller: party(key),
            called: party(key + 1),
            direction: Direction::Out,
            codecs: vec!["PCMA".into()],
            level_dbfs: Some([-20.0, -30.0]),
            fault: None,
        }
    }

    fn board(lines: Vec<BoardLine>) -> Board {
        Board { lines, ..Board::default() }
    }

    /// What the central shows once all was told that a board says.
    fn tell(told: &mut Told, known: &mut Known, now: &Board) -> (usize, usize) {
        let (mut messages, mut bytes) = (0, 0);
        while let Some(json) = told.changes(now, false) {
            assert!(json.len() <= transfer::proto::STATUS_MAX, "{}", json.len());
            assert!(known.take(&json));
            (messages, bytes) = (messages + 1, bytes + json.len());
        }
        (messages, bytes)
    }

    #[test]
    fn only_changes_are_told_and_the_central_knows_the_same_calls() {
        use api::LineState::{Recording, Ringing};
        let (mut told, mut known) = (Told::default(), Known::default());
        assert!(known.take(&told.changes(&board(vec![]), true).unwrap()), "a connection begins anew");
        assert_eq!(told.changes(&board(vec![]), false), None);
        let first = board(vec![line(1, Recording), line(2, Ringing)]);
        assert_eq!(tell(&mut told, &mut known, &first).0, 1);
        let mut louder = first.clone();
        louder.lines.iter_mut().for_each(|line| line.level_dbfs = Some([-3.0, -3.0]));
        assert_eq!(told.changes(&louder, false), None, "levels are not told");
        let shown = known.shown(WHO, "South", 'B');
        assert_eq!(shown.len(), 2);
        assert!(shown.iter().all(|line| line.satellite.as_ref().is_some_and(|of| of.name == "South")));
        assert_eq!(shown.first().unwrap().recording_id, first.lines.first().unwrap().recording_id);
        assert_eq!(
            shown.first().unwrap().caller.extension.as_deref(),
            Some("27115550001"),
            "an outgoing call"
        );
        assert_eq!(shown.first().unwrap().called.extension, None, "a stranger is at no extension");
        tell(&mut told, &mut known, &board(vec![line(2, Recording)]));
        let shown = known.shown(WHO, "South", 'B');
        assert_eq!(shown.iter().map(|line| (line.key, line.state)).collect::<Vec<_>>(), [(2, Recording)]);
        // A line that was cut: what was told before counts no more.
        known.take(&told.changes(&board(vec![line(3, Ringing)]), true).unwrap());
        assert_eq!(known.shown(WHO, "South", 'B').iter().map(|line| line.key).collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn many_calls_go_in_bounded_messages_and_beyond_the_most_they_are_counted() {
        let (mut told, mut known) = (Told::default(), Known::default());
        let many = |n: u64| board((0..n).map(|key| line(key, api::LineState::Recording)).collect());
        let (messages, bytes) = tell(&mut told, &mut known, &many(500));
        assert!((2..=5).contains(&messages), "{messages} messages");
        assert!(bytes < 200_000, "{bytes} bytes for five hundred calls");
        tell(&mut told, &mut known, &many(3_000));
        assert_eq!((known.shown(WHO, "South", 'B').len(), known.count), (LINES_MAX, 3_000));
    }

    #[test]
    fn what_a_satellite_invents_is_bounded_and_never_anybody_else_s_reference() {
        let mut known = Known::default();
        assert!(!known.take(b"7") && !known.take(b"{\"lines\":[{}]}") && !known.take(b"\xff"));
        let mut forged = Line::of(&line(1, api::LineState::Recording));
        forged.reference = Some("A261123-000001".into());
        forged.tap = "x\u{7}".repeat(10_000);
        forged.codecs = vec!["y".repeat(1_000); 1_000];
        let lines = (0..10_000).map(|key| Line { key, ..forged.clone() }).take(5).collect();
        known.take(&serde_json::to_vec(&Calls { lines, count: u64::MAX, ..Calls::default() }).unwrap());
        for shown in known.shown(WHO, "South", 'B') {
            assert_eq!((shown.reference, shown.tap.len(), shown.codecs.len()), (None, TEXT_MAX, CODECS_MAX));
        }
    }
}
