//! A catalogue that an older program made is opened by this one: nothing is lost, and there is a copy of what was before.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use shared::{RecordingId, UtcMicros};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::open::options;
use crate::*;

fn key() -> CatalogueKey {
    CatalogueKey::new([7; 32])
}

/// Runs SQL on the file itself, as an older program would.
fn on(path: &Path, text: String) -> std::result::Result<(), sqlx::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut conn = options(path, &key()).connect().await?;
        let done = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut conn).await;
        conn.close().await?;
        done.map(drop)
    })
}

/// Makes a catalogue of version 1 with three recordings, two of which begin in the same microsecond.
fn version_1(path: &Path) {
    std::fs::write(path, "").unwrap();
    on(path, include_str!("../migrations/sqlite/0001_begin.sql").to_owned()).unwrap();
    on(path, "insert into schema_version values (1, 5)".to_owned()).unwrap();
    for (n, start, direction, caller, called) in
        [(1, 60, 1, "27825550017", "3115"), (2, 60, 2, "3116", "27825550017"), (3, 30, 3, "3115", "3116")]
    {
        let id = format!("x'{}'", format!("{n:02x}").repeat(16));
        let (start, end) = (start * 1_000_000, start * 1_000_000 + 9_000_000);
        let gap = if n == 2 { 7 } else { 0 };
        on(
            path,
            format!(
                "insert into recording values ({id}, x'{nine}', {n}, 'A261122-{n:06}', {start}, {end}, 20261122, {direction}, 0, 0, 1, \
                 'main', 0, 1, 0, 'bye', 5, 0, 0, 0); \
                 insert into part values ({id}, 0, {start}, 20261122, {end}, 'live/{n}', 9, x'{d}', x'{d}', 0, 1, x'0303030303030303'); \
                 insert into leg values ({id}, 0, 0, 0, 1, 'PCMA', 8000, '', 1, 1, 0, 8000, 0, {gap}, 0, 0, 50, 0); \
                 insert into party values ({id}, 0, 0, 'Zoë', '{caller}', ''); insert into party values ({id}, 1, 1, '', '{called}', ''); \
                 insert into call_link values ({id}, 0, 'call-{n}');",
                nine = "09".repeat(16),
                d = "01".repeat(32),
            ),
        )
        .unwrap();
    }
}

fn found(catalogue: &Catalogue, search: &Search) -> Vec<u64> {
    let page = catalogue.search(&Search { oldest_first: true, ..search.clone() }, &Scope::default()).unwrap();
    page.recordings.iter().map(|r| r.facts.ledger_no.0).collect()
}

#[test]
fn a_catalogue_of_version_1_is_copied_and_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    version_1(&path);
    let catalogue = Catalogue::open(&path, &key(), UtcMicros(9)).unwrap();
    let all = found(&catalogue, &Search::default());
    assert!(all == [3, 1, 2] || all == [3, 2, 1], "in the order of starts: {all:?}");
    let number = |text: &str| Search { number: Some(text.into()), ..Search::default() };
    assert_eq!(found(&catalogue, &number("50017")).len(), 2);
    assert_eq!(found(&catalogue, &Search { has_gap: Some(true), ..Search::default() }), [2]);
    assert_eq!(found(&catalogue, &Search { extension: "3115".parse().ok(), ..Search::default() }), [3, 1]);
    assert_eq!(found(&catalogue, &Search { name: Some("zoe".into()), ..Search::default() }).len(), 3);
    let long = Search { min_us: Some(9_000_000), max_us: Some(9_000_000), ..Search::default() };
    assert_eq!(found(&catalogue, &long).len(), 3);
    let one = catalogue.recording(RecordingId([1; 16])).unwrap().unwrap();
    let extensions: Vec<&str> = one.parties.iter().map(|p| p.extension.as_str()).collect();
    assert_eq!(extensions, ["", "3115"], "the caller of an incoming call is outside");
    // What the new program enters stands beside what the old one did.
    let mut row = tests::row(9);
    row.facts.reference = "A261122-000099".parse().unwrap();
    catalogue.insert_batch(vec![row], vec![]).unwrap();
    assert_eq!(found(&catalogue, &Search::default()).len(), 4);

    let copy = folder.path().join("c.db.before-2");
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = std::fs::read(&copy).unwrap();
    assert!(!bytes.windows(11).any(|w| w == b"27825550017"), "the copy is encrypted too");
    let counted = "create temp table t as select 1 / (count(*) = 3) from recording; select 1 / (max(version) = 1) from schema_version";
    on(&copy, counted.to_owned()).unwrap();
    drop(catalogue);
    std::fs::remove_file(&copy).unwrap();
    drop(Catalogue::open(&path, &key(), UtcMicros(10)).unwrap());
    assert!(!copy.exists(), "nothing is copied when there is nothing to do");
}

/// Makes a catalogue of version 2 with a recording in two parts that somebody tagged and put on hold.
fn version_2(path: &Path) {
    std::fs::write(path, "").unwrap();
    let (id, nine, d) = ("04".repeat(16), "09".repeat(16), "01".repeat(32));
    let rows = format!(
        "insert into recording (recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, direction, method, \
         side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, order_key, length_us, has_gap, \
         held, facet_id, who_a, who_b, more_parties, subject) \
         values (x'{id}', x'{nine}', 4, 'A261122-000004', 60000000, 69000000, 20261122, 1, 0, 0, 1, 'main', 0, 1, 0, 'bye', 5, 0, 0, 0, \
         122880000000, 9000000, 1, 1, 1, 1, 2, 0, 'about a boat'); \
         insert into part values (x'{id}', 0, 60000000, 20261122, 64000000, 'live/4', 9, x'{d}', x'{d}', 1, 1, x'0303030303030303'); \
         insert into part values (x'{id}', 1, 64000000, 20261122, 69000000, 'live/4b', 9, x'{d}', x'{d}', 2, 1, x'0303030303030303'); \
         insert into leg values (x'{id}', 0, 0, 0, 1, 'PCMA', 8000, '', 1, 1, 0, 8000, 0, 7, 0, 0, 50, 0); \
         insert into leg values (x'{id}', 1, 0, 0, 1, 'PCMA', 8000, '', 1, 1, 0, 8000, 0, 0, 2, 0, 50, 0); \
         insert into party values (x'{id}', 0, 0, 'Zoë', '27825550017', 'sip:z@x', '', 1); \
         insert into party values (x'{id}', 1, 1, '', '3115', '', '3115', 2); \
         insert into call_link values (x'{id}', 0, 'call-4'); \
         insert into tag values (x'{id}', 'Sale', null, 'test', 5); \
         insert into hold values (x'{id}', 'a case', null, 'test', 5, null); \
         insert into who values (1, '27825550017', '', 'Zoë', '27825550017', ' zoe'), (2, '3115', '3115', '', '3115', ''); \
         insert into who_trigram (rowid, digits) values (1, '27825550017'), (2, '3115'); \
         insert into who_word values ('zoe', 1); \
         insert into facet values (1, 'main', 0, 0, 1); \
         insert into word values (1, 'sale'); \
         insert into labelled select 122880000000, (kind << 48) | 1 from (select 5 as kind union all select 9); \
         insert into posting select (kind << 48) | n, 122880000000 from \
           (select 1 as kind, 1 as n union all select 1, 2 union all select 2, 1 union all select 3, 13 union all select 4, 1 \
            union all select 4, 2 union all select 5, 1 union all select 9, 1); \
         insert into schema_version values (1, 5), (2, 6);"
    );
    for script in [
        include_str!("../migrations/sqlite/0001_begin.sql"),
        include_str!("../migrations/sqlite/0002_find.sql"),
        include_str!("../migrations/sqlite/0002_find_after.sql"),
        &rows,
    ] {
        on(path, script.to_owned()).unwrap();
    }
}

#[test]
fn a_catalogue_of_version_2_is_listed_from_one_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    version_2(&path);
    let catalogue = Catalogue::open(&path, &key(), UtcMicros(9)).unwrap();
    let id = RecordingId([4; 16]);
    let text = |text: &str| Some(text.to_owned());
    for search in [
        Search::default(),
        Search { number: text("8255"), ..Search::default() },
        Search { number: text("7"), ..Search::default() },
        Search { name: text("zo"), ..Search::default() },
        Search { tag: text("SALE"), ..Search::default() },
        Search { held: Some(true), has_gap: Some(true), ..Search::default() },
        Search { extension: "3115".parse().ok(), tap: text("main"), ..Search::default() },
    ] {
        assert_eq!(found(&catalogue, &search), [4], "{search:?}");
    }
    let listed = catalogue.search(&Search::default(), &Scope::default()).unwrap().recordings.pop().unwrap();
    assert_eq!(listed, Listed::from(&catalogue.recording(id).unwrap().unwrap()));
    assert_eq!((listed.flags, listed.held, listed.tracks[0].missing), (3, true, 9));
    assert_eq!(
        (listed.subject.as_str(), listed.tags.as_slice()),
        ("about a boat", ["Sale".to_owned()].as_slice())
    );
    // What hangs on the recording still hangs on it, and labels go on.
    let by = By { user: None, name: "test".into(), at: UtcMicros(7) };
    catalogue.remove_tag(id, "Sale", &by).unwrap();
    catalogue.release(id, "closed", &by).unwrap();
    assert_eq!(found(&catalogue, &Search { tag: text("sale"), ..Search::default() }), [0_u64; 0]);
    assert!(folder.path().join("c.db.before-3").exists());
    drop(catalogue);
    let orphan = format!("insert into tag values (x'{}', 'x', null, 'test', 5)", "05".repeat(16));
    assert!(on(&path, orphan).is_err(), "a tag of no recording is refused");
    on(&path, "create temp table t as select 1 / (count(*) = 0) from pragma_foreign_key_check".to_owned())
        .unwrap();
}

/// Makes a catalogue of version 9 with a recording: what came since only added to it.
fn version_9(path: &Path) {
    let catalogue = Catalogue::create(path, &key(), UtcMicros(9)).unwrap();
    catalogue.insert_batch(vec![tests::row(1)], vec![]).unwrap();
    drop(catalogue);
    back_to_9(path);
}

/// Takes back what came with versions 10 to 13.
fn back_to_9(path: &Path) {
    for table in ["packed", "early_note", "invitation", "satellite", "archive_bad"] {
        on(path, format!("drop table {table}")).unwrap();
    }
    on(path, "alter table archive_check drop column mends".to_owned()).unwrap();
    on(path, "delete from schema_version where version > 9".to_owned()).unwrap();
}

/// Files beside the database but its own.
fn copies(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("before")).collect()
}

#[test]
fn an_upgrade_that_only_adds_copies_nothing_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    version_9(&path);
    // A table in the way: the last step fails, those before it stay, and so does everything that was there.
    on(&path, "create table satellite (x)".to_owned()).unwrap();
    assert!(Catalogue::open(&path, &key(), UtcMicros(10)).is_err(), "the step cannot be applied");
    on(&path, "create temp table t as select 1 / (max(version) = 10) from schema_version".to_owned())
        .unwrap();
    on(&path, "create temp table t as select 1 / (count(*) = 1) from recording".to_owned()).unwrap();
    on(&path, "drop table satellite".to_owned()).unwrap();
    let catalogue = Catalogue::open(&path, &key(), UtcMicros(10)).unwrap();
    assert_eq!(found(&catalogue, &Search::default()).len(), 1);
    assert_eq!(copies(folder.path()), [""; 0]);
}

#[test]
fn what_somebody_still_reads_in_the_log_is_in_the_copy_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    version_1(&path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reader = runtime.block_on(async {
        let mut reader = options(&path, &key()).connect().await.unwrap();
        sqlx::raw_sql("begin; select count(*) from recording").execute(&mut reader).await.unwrap();
        reader
    });
    on(
        &path,
        "insert into party values (x'01010101010101010101010101010101', 2, 2, 'Late', '4711', '')".to_owned(),
    )
    .unwrap();
    let catalogue = Catalogue::open(&path, &key(), UtcMicros(9)).unwrap();
    assert_eq!(copies(folder.path()), ["c.db.before-2"]);
    let said = "create temp table t as select 1 / (count(*) = 1) from party where number = '4711'";
    on(&folder.path().join("c.db.before-2"), said.to_owned()).unwrap();
    drop((catalogue, reader));
}

#[test]
fn a_step_that_was_cut_left_nothing_and_begins_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    version_1(&path);
    // A copy that was cut, and a table in the way at which the step fails late.
    std::fs::write(folder.path().join("c.db.before-2"), "half a copy").unwrap();
    on(&path, "create table session (x)".to_owned()).unwrap();
    assert!(Catalogue::open(&path, &key(), UtcMicros(9)).is_err(), "the step cannot be applied");
    // All of it was taken back: the column that the step adds first is not there.
    assert!(on(&path, "select order_key from recording".to_owned()).is_err(), "nothing of the step stayed");
    on(&path, "drop table session".to_owned()).unwrap();
    let catalogue = Catalogue::open(&path, &key(), UtcMicros(9)).unwrap();
    assert_eq!(found(&catalogue, &Search::default()).len(), 3);
}

#[test]
fn what_was_logged_before_there_was_an_archive_is_due_on_its_first_medium() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    let catalogue = Catalogue::create(&path, &key(), UtcMicros(9)).unwrap();
    let rows =
        [(1, 3), (2, 5), (3, 9_000)].map(|(n, leaf)| RecordingRow { leaf: Some(leaf), ..tests::row(n) });
    catalogue.insert_batch(rows.to_vec(), vec![]).unwrap();
    drop(catalogue);
    // Back to version 4, which knew leaves and no archive.
    let tables = [
        "early_note",
        "invitation",
        "satellite",
        "shred_medium",
        "shredded",
        "shred",
        "archive_bad",
        "archive_check",
        "archive_stop",
        "archive_logins",
        "notice",
        "logged_day",
        "archive_hole",
        "archive_manifest",
        "proof",
        "archive_run",
        "medium",
        "location",
        "counter",
        "logged_block",
        "purge",
        "suspect",
        "hold_order",
        "retention_class",
        "policy_change",
        "met",
        "packed",
    ];
    for table in tables {
        on(&path, format!("drop table {table}")).unwrap();
    }
    on(&path, "alter table posting drop column glance".to_owned()).unwrap();
    on(&path, "delete from schema_version where version >= 5".to_owned()).unwrap();

    let catalogue = Catalogue::open(&path, &key(), UtcMicros(10)).unwrap();
    assert!(folder.path().join("c.db.before-5").exists());
    let (location_id, media_id) = (shared::LocationId([6; 16]), shared::MediaId([7; 16]));
    let location = LocationRow {
        location_id,
        name: "usb".into(),
        kind: LocationKind::Usb,
        path: String::new(),
        settings: "{}".into(),
        set: MediaSet::One,
        added_at: UtcMicros(10),
        removed_at: None,
    };
    catalogue.add_location(&location).unwrap();
    let medium = MediumRow {
        media_id,
        location_id,
        media_gen: 0,
        label: String::new(),
        lies_in: String::new(),
        added_at: UtcMicros(10),
        next_leaf: 0,
        last_report: None,
        last_run_at: None,
        last_seen_at: None,
        state: MediumState::Good,
    };
    catalogue.add_medium(&medium).unwrap();
    assert_eq!(catalogue.due_totals(media_id).unwrap(), (3, 3_000));
    let due = catalogue.due(media_id, None, 9).unwrap();
    assert_eq!(due.iter().map(|part| part.leaf).collect::<Vec<_>>(), [3, 5, 9_000]);
}

/// All postings with their glances.
fn postings(catalogue: &Catalogue) -> Vec<(i64, i64, Option<i64>)> {
    let db = catalogue.db.clone();
    let read = async move {
        let rows = db
            .reader()
            .await?
            .rows("select term, order_key, glance from posting order by 1, 2", vec![])
            .await?;
        rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?, row.int_or_none(2)?))).collect()
    };
    catalogue.block(read).unwrap()
}

#[test]
fn a_catalogue_without_glances_gets_those_it_would_have_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.db");
    let catalogue = Catalogue::create(&path, &key(), UtcMicros(9)).unwrap();
    let rows = (1..60_u8).map(|n| {
        let mut row = tests::row(n);
        row.facts.ended_at = row.facts.started_at.plus(1 << (n % 40));
        row.facts.tap_name = format!("tap {}", n % 3);
        row.parties.truncate(usize::from(n % 3));
        if n % 7 == 0 {
            let party =
                |number: &str| shared::Party { number: number.to_owned(), ..shared::Party::default() };
            let others = ["27825550001", "3115", "3116"]
                .map(|number| PartyRow { role: PartyRole::Other, party: party(number) });
            row.parties.extend(others);
        }
        if let Some(leg) = row.legs.first_mut().filter(|_| n % 4 == 0) {
            leg.gaps.0[1] = 7;
        }
        row
    });
    catalogue.insert_batch(rows.collect(), vec![]).unwrap();
    let entered = postings(&catalogue);
    drop(catalogue);
    assert!(
        entered.iter().any(|(.., glance)| glance.is_none())
            && entered.iter().any(|(.., glance)| glance.is_some())
    );
    back_to_9(&path);
    on(&path, "alter table posting drop column glance".to_owned()).unwrap();
    on(&path, "delete from schema_version where version >= 9".to_owned()).unwrap();
    assert_eq!(postings(&Catalogue::open(&path, &key(), UtcMicros(10)).unwrap()), entered);
}
