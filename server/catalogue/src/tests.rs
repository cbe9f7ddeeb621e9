//! The catalogue as its callers see it: encrypted, idempotent, found again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use shared::{
    Event, GapTotals, LedgerEnd, LedgerNo, NotRecorded, Party, RecorderId, RecordingId, TapId, Track,
    UtcMicros,
};

use crate::*;

const NUMBER: &str = "27115550100";

fn key(byte: u8) -> CatalogueKey {
    CatalogueKey::new([byte; 32])
}

pub(crate) fn row(n: u8) -> RecordingRow {
    let at = UtcMicros(1_000_000 * i64::from(n));
    let day = "2026-11-22".parse().unwrap();
    let track =
        Track { codec: "PCMA".into(), clock_hz: 8_000, channels: 1, joinable: true, ..Track::default() };
    let party = |role, number: &str| PartyRow {
        role,
        party: Party { number: number.to_owned(), ..Party::default() },
    };
    RecordingRow {
        facts: Facts {
            recording_id: RecordingId([n; 16]),
            recorder_id: RecorderId([9; 16]),
            ledger_no: LedgerNo(n.into()),
            reference: format!("A261122-{n:06}").parse().unwrap(),
            started_at: at,
            ended_at: at.plus(500_000),
            day,
            direction: shared::Direction::In,
            method: shared::Method::Voip,
            side: shared::Side::Extension,
            tap: TapId(2),
            tap_name: "trunk".into(),
            orphan: false,
            end: LedgerEnd::Recorded,
            end_reason: "bye".into(),
            packets: PacketCounts { packets: 50, duplicate: 1, late: 2, reordered: 3 },
        },
        call_ids: vec![format!("call-{n}")],
        parties: vec![party(PartyRole::Caller, NUMBER), party(PartyRole::Called, &format!("31{n:02}"))],
        legs: vec![LegRow { part: 0, track, samples: 8_000, gaps: GapTotals([0, 1, 2, 3, 4, 5]) }],
        events: vec![
            Event::new("digit", 7).text("digit", "5").int("ms", 80).on_track(0),
            Event::new("time_anchor", 0),
        ],
        part: PartRow {
            part: 0,
            started_at: at,
            day,
            ended_at: at.plus(500_000),
            path: format!("live/2026-11-22/14a/{n}.amx"),
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

fn new() -> (tempfile::TempDir, Catalogue) {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::create(&folder.path().join("c.db"), &key(7), UtcMicros(1)).unwrap();
    (folder, catalogue)
}

#[test]
fn what_is_entered_comes_back() {
    let (_folder, catalogue) = new();
    let row = row(5);
    catalogue.insert_batch(vec![row.clone()], vec![]).unwrap();
    let found = catalogue.recording(RecordingId([5; 16])).unwrap().unwrap();
    assert_eq!((&found.facts, &found.call_ids), (&row.facts, &row.call_ids));
    assert_eq!((&found.legs, &found.parts[0]), (&row.legs, &row.part));
    let parties = found.parties.iter().map(|p| (p.role, p.party.clone(), p.extension.as_str()));
    let entered = row
        .parties
        .iter()
        .map(|p| (p.role, p.party.clone(), if p.role == PartyRole::Called { "3105" } else { "" }));
    assert_eq!(parties.collect::<Vec<_>>(), entered.collect::<Vec<_>>());
    assert_eq!(found.events, row.events[..1], "time anchors stay in the sealed file");
    assert_eq!(catalogue.recording(RecordingId([6; 16])).unwrap(), None);
}

#[test]
fn what_happened_in_a_later_part_counts_from_the_start_of_the_recording() {
    let (_folder, catalogue) = new();
    let (first, mut second) = (row(5), row(5));
    (second.part.part, second.part.path, second.legs[0].part) = (1, "live/2026-11-22/14a/5b.amx".into(), 1);
    second.part.started_at = first.part.started_at.plus(3_600_000_000);
    catalogue.insert_batch(vec![first, second], vec![]).unwrap();
    let found = catalogue.recording(RecordingId([5; 16])).unwrap().unwrap();
    assert_eq!(found.events.iter().map(|e| e.t_us).collect::<Vec<_>>(), [7, 3_600_000_007]);
}

#[test]
fn entering_again_changes_nothing_and_another_part_joins() {
    let (_folder, catalogue) = new();
    let first = row(5);
    let mut second = row(5);
    (second.part.part, second.part.path, second.legs[0].part) = (1, "live/2026-11-22/14a/5b.amx".into(), 1);
    (second.facts.started_at, second.facts.ended_at) = (first.facts.ended_at, first.facts.ended_at.plus(9));
    for _ in 0..2 {
        catalogue.insert_batch(vec![first.clone(), second.clone()], vec![]).unwrap();
    }
    let found = catalogue.recording(RecordingId([5; 16])).unwrap().unwrap();
    assert_eq!((found.parts.len(), found.legs.len(), found.parties.len()), (2, 2, 2));
    assert_eq!(
        (found.facts.started_at, found.facts.ended_at),
        (first.facts.started_at, second.facts.ended_at)
    );
    assert_eq!(catalogue.counts().unwrap(), Counts { recordings: 1, parts: 2, bytes: 2_000, ledger: 0 });
}

#[test]
fn pages_go_on_where_the_last_one_ended_in_both_directions() {
    let (_folder, catalogue) = new();
    catalogue.insert_batch((1..=100).map(row).collect(), vec![]).unwrap();
    for oldest_first in [true, false] {
        let mut query = Query { limit: 7, oldest_first, ..Query::default() };
        let mut seen = Vec::new();
        loop {
            let page = catalogue.find(&query).unwrap();
            seen.extend(page.recordings.iter().map(|r| r.facts.ledger_no.0));
            query.after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        let mut expected: Vec<u64> = (1..=100).collect();
        if !oldest_first {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn every_filter_finds_its_own() {
    let (_folder, catalogue) = new();
    catalogue.insert_batch((1..=60).map(row).collect(), vec![]).unwrap();
    let check = |query: Query, expected: &[u64]| {
        let query = Query { oldest_first: true, ..query };
        let found = catalogue.find(&query).unwrap();
        let numbers: Vec<u64> = found.recordings.iter().map(|r| r.facts.ledger_no.0).collect();
        assert_eq!(numbers, expected, "{query:?}");
    };
    check(Query { id: Some(RecordingId([9; 16])), ..Query::default() }, &[9]);
    check(Query { reference: Some("A261122-000012".parse().unwrap()), ..Query::default() }, &[12]);
    check(Query { day: Some("2026-11-23".parse().unwrap()), ..Query::default() }, &[]);
    check(Query { number_begins: Some("314".into()), limit: 3, ..Query::default() }, &[40, 41, 42]);
    check(
        Query { number_contains: Some("155".into()), since: Some(UtcMicros(59_000_000)), ..Query::default() },
        &[59, 60],
    );
    check(Query { number_contains: Some("115%".into()), ..Query::default() }, &[]);
    check(Query { until: Some(UtcMicros(3_000_000)), ..Query::default() }, &[1, 2]);
    check(Query { call_id: Some("call-33".into()), ..Query::default() }, &[33]);
}

#[test]
fn nothing_personal_lies_on_the_disk_in_the_clear() {
    let (folder, catalogue) = new();
    catalogue.insert_batch((1..=100).map(row).collect(), vec![]).unwrap();
    let mut files = 0;
    for pass in ["open, with its write-ahead log", "closed"] {
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            files += usize::from(bytes.len() > 10_000);
            for word in [NUMBER.as_bytes(), b"PCMA", b"recording", b"SQLite format"] {
                assert!(
                    !bytes.windows(word.len()).any(|w| w == word),
                    "{pass}: {}",
                    String::from_utf8_lossy(word)
                );
            }
        }
        if pass.starts_with("open") {
            assert!(catalogue.counts().is_ok_and(|c| c.recordings == 100), "it was really entered");
        }
    }
    assert!(files > 0, "the files that were searched hold the rows");
}

#[test]
fn a_wrong_key_a_missing_file_and_a_second_creation_are_told_apart() {
    let (folder, catalogue) = new();
    let path = folder.path().join("c.db");
    drop(catalogue);
    let open = |key: &CatalogueKey| Catalogue::open(&path, key, UtcMicros(2));
    assert!(matches!(open(&key(8)), Err(CatalogueError::WrongKey { .. })), "another site's key");
    assert!(open(&key(7)).is_ok(), "the right key still opens it");
    assert!(
        matches!(Catalogue::create(&path, &key(7), UtcMicros(2)), Err(CatalogueError::Exists { .. })),
        "taken"
    );
    let nowhere = Catalogue::open(&folder.path().join("x.db"), &key(7), UtcMicros(2));
    assert!(matches!(nowhere, Err(CatalogueError::Missing { .. })), "not there, and not made");
    assert!(!folder.path().join("x.db").exists(), "opening makes nothing");
}

#[test]
fn a_newer_catalogue_is_refused_untouched() {
    let (folder, catalogue) = new();
    let db = catalogue.db.clone();
    let newer = "insert into schema_version (version, applied_us) values (99, 0)";
    catalogue.block(async move { db.writer().await?.run(newer, vec![]).await }).unwrap();
    drop(catalogue);
    let refused = Catalogue::open(&folder.path().join("c.db"), &key(7), UtcMicros(2)).unwrap_err();
    assert!(matches!(refused, CatalogueError::Newer { found: 99, known: migrate::KNOWN }), "{refused}");
}

#[test]
fn the_ledger_adds_up_and_an_end_once_entered_stays() {
    let (_folder, catalogue) = new();
    let day = "2026-11-22".parse().unwrap();
    let entry = |n: u64, end: Option<LedgerEnd>| LedgerRow {
        recorder_id: RecorderId([9; 16]),
        ledger_no: LedgerNo(n),
        reference: format!("A261122-{n:06}").parse().unwrap(),
        recording_id: RecordingId([1; 16]),
        opened_at: UtcMicros(5),
        ending: end.map(|end| LedgerEnding { end, rule: Some(3), at: UtcMicros(6) }),
        caller: NUMBER.into(),
        called: String::new(),
    };
    let ruled = Some(LedgerEnd::NotRecorded(NotRecorded::Rule));
    catalogue
        .ledger_upsert(vec![entry(1, None), entry(2, ruled), entry(3, Some(LedgerEnd::Recorded))])
        .unwrap();
    catalogue.ledger_upsert(vec![LedgerRow { caller: String::new(), ..entry(2, None) }]).unwrap();
    let rows = catalogue.ledger_day(day).unwrap();
    assert_eq!(rows, [entry(1, None), entry(2, ruled), entry(3, Some(LedgerEnd::Recorded))]);
    let t = catalogue.ledger_totals(day).unwrap();
    assert_eq!((t.signalled, t.recorded, t.partly, t.not_recorded, t.open), (3, 1, 0, 1, 1));
    assert_eq!(catalogue.ledger_ended_since(RecorderId([9; 16]), LedgerNo(3)).unwrap(), [LedgerNo(3)]);
}

#[test]
fn one_refused_row_refuses_its_batch_and_leaves_nothing_behind() {
    let (_folder, catalogue) = new();
    let mut bad = row(2);
    bad.part.bytes = 0; // the schema's own check
    assert!(catalogue.insert_batch(vec![row(1), bad], vec![]).is_err(), "a part without bytes is refused");
    assert_eq!(catalogue.counts().unwrap(), Counts::default());
}

#[test]
fn a_copy_of_the_whole_counts_only_if_it_is_whole() {
    let (folder, catalogue) = new();
    catalogue.insert_batch((1..=100).map(row).collect(), vec![]).unwrap();
    let copy = folder.path().join("copy.db");
    catalogue.backup(&copy).unwrap();
    catalogue.insert_batch(vec![row(101)], vec![]).unwrap();
    assert_eq!(catalogue.check_backup(&copy).unwrap().recordings, 100);
    assert!(catalogue.backup(&copy).is_err(), "a copy is made once");
    let mut bytes = std::fs::read(&copy).unwrap();
    assert!(!bytes.windows(NUMBER.len()).any(|w| w == NUMBER.as_bytes()), "it is encrypted");
    let bad = |what: &str| {
        let refused = catalogue.check_backup(&copy).unwrap_err();
        assert!(matches!(refused, CatalogueError::BadCopy { .. }), "{what}: {refused}");
    };
    let middle = bytes.len() / 2;
    for page in 0..bytes.len() / 4096 {
        // In the text, in the initial value and in the checksum of each page.
        for at in [40, 2000, 4020, 4060] {
            bytes[page * 4096 + at] ^= 1;
            std::fs::write(&copy, &bytes).unwrap();
            bad(&format!("one bit of page {page} is another at {at}"));
            bytes[page * 4096 + at] ^= 1;
        }
    }
    std::fs::write(&copy, &bytes[..middle]).unwrap();
    bad("the end is missing");
    std::fs::remove_file(&copy).unwrap();
    bad("it is not there");
    // Under another key it is nothing.
    let other = Catalogue::create(&folder.path().join("o.db"), &key(8), UtcMicros(1)).unwrap();
    other.backup(&copy).unwrap();
    bad("another site's");
}
