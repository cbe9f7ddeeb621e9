//! Recordings to look for.

use shared::{
    Direction, GapTotals, LedgerEnd, LedgerNo, Method, Party, RecorderId, RecordingId, Side, TapId, Track,
    UtcMicros,
};

use crate::*;

/// A recording that differs from others only where a test says so.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) n: u32,
    pub(super) at_s: i64,
    pub(super) length_s: i64,
    pub(super) direction: Direction,
    pub(super) method: Method,
    pub(super) side: Side,
    pub(super) tap: &'static str,
    pub(super) caller: (&'static str, String),
    pub(super) called: (&'static str, String),
    pub(super) other: Option<String>,
    pub(super) lost: u64,
    pub(super) part: u16,
}

impl Made {
    pub(super) fn new(n: u32) -> Self {
        Self {
            n,
            at_s: i64::from(n) * 60,
            length_s: 30,
            direction: Direction::In,
            method: Method::Voip,
            side: Side::Trunk,
            tap: "main",
            caller: ("", format!("+27 82 555-{n:04}")),
            called: ("", format!("3{:03}", n % 1_000)),
            other: None,
            lost: 0,
            part: 0,
        }
    }

    pub(super) fn row(&self) -> RecordingRow {
        let started_at = UtcMicros(self.at_s * 1_000_000);
        let ended_at = started_at.plus(self.length_s * 1_000_000);
        let day = "2026-11-22".parse().unwrap();
        let party = |role, (display, number): (&str, String)| PartyRow {
            role,
            party: Party { display: display.into(), number, address: String::new() },
        };
        let mut parties = vec![
            party(PartyRole::Caller, self.caller.clone()),
            party(PartyRole::Called, self.called.clone()),
        ];
        parties.extend(self.other.clone().map(|number| party(PartyRole::Other, ("", number))));
        RecordingRow {
            facts: Facts {
                recording_id: id(self.n),
                recorder_id: RecorderId([9; 16]),
                ledger_no: LedgerNo(self.n.into()),
                reference: format!("A261122-{:06}", self.n).parse().unwrap(),
                started_at,
                ended_at,
                day,
                direction: self.direction,
                method: self.method,
                side: self.side,
                tap: TapId(1),
                tap_name: self.tap.into(),
                orphan: false,
                end: LedgerEnd::Recorded,
                end_reason: "bye".into(),
                packets: PacketCounts::default(),
            },
            call_ids: vec![format!("call-{}", self.n / 2)],
            parties,
            legs: vec![LegRow {
                part: self.part,
                track: Track { codec: "PCMA".into(), clock_hz: 8_000, channels: 1, ..Track::default() },
                samples: 8_000,
                gaps: GapTotals([0, self.lost, 0, 0, 99, 0]),
            }],
            events: vec![],
            part: PartRow {
                part: self.part,
                started_at,
                day,
                ended_at,
                path: format!("live/{}-{}.amx", self.n, self.part),
                bytes: 1_000,
                sha256: [1; 32],
                blake3: [2; 32],
                flags: 0,
                frames: 4,
                signing_key_id: [3; 8],
            },
            leaf: None,
        }
    }
}

pub(super) fn id(n: u32) -> RecordingId {
    let mut bytes = [0; 16];
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    RecordingId(bytes)
}

pub(super) fn enter(catalogue: &Catalogue, made: &[Made]) {
    for batch in made.chunks(500) {
        catalogue.insert_batch(batch.iter().map(Made::row).collect(), vec![]).unwrap();
    }
}

/// The ledger numbers found, oldest first.
pub(super) fn found(catalogue: &Catalogue, search: &Search, scope: &Scope) -> Vec<u64> {
    let search = Search { oldest_first: true, limit: 1_000, ..search.clone() };
    let page = catalogue.search(&search, scope).unwrap();
    let numbers: Vec<u64> = page.recordings.iter().map(|r| r.facts.ledger_no.0).collect();
    for listed in page.recordings.iter().take(3) {
        let whole = catalogue.recording(listed.facts.recording_id).unwrap().unwrap();
        assert_eq!(*listed, Listed::from(&whole), "a list shows what its recordings say");
    }
    let count = catalogue.count(&search, scope).unwrap();
    if page.next.is_none() && count.more {
        assert!(count.n <= numbers.len() as u64, "it stopped before it would have taken long: {search:?}");
    } else if page.next.is_none() {
        assert_eq!(count, Count { n: numbers.len() as u64, more: false }, "counted as found: {search:?}");
    }
    let newest = catalogue.search(&Search { oldest_first: false, ..search.clone() }, scope).unwrap();
    let mut turned: Vec<u64> = newest.recordings.iter().map(|r| r.facts.ledger_no.0).collect();
    turned.reverse();
    if page.next.is_none() {
        assert_eq!(turned, numbers, "the same from either end: {search:?}");
    }
    numbers
}

pub(super) fn by() -> By {
    By { user: Some(UserId(4)), name: "Thandi".into(), at: UtcMicros(77) }
}
