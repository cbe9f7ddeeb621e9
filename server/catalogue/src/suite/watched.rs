//! What is to be told, what was looked at, and what days hold.

use shared::UtcMicros;

use super::archive::{location, set_up};
use super::world::by;
use crate::*;

fn notice(key: &str, severity: Severity, at: i64) -> NoticeRow {
    NoticeRow {
        key: key.into(),
        severity,
        filled: format!("{{\"n\":{at}}}"),
        since: UtcMicros(at),
        seen: None,
    }
}

pub(super) fn a_notice_stands_until_it_is_true_no_more(catalogue: &Catalogue) {
    use Severity::{Told, Urgent, Warning};
    let keys = |rows: &[NoticeRow]| rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>();
    let keep = |rows: &[NoticeRow]| {
        let changed = catalogue.keep_notices(rows).unwrap();
        (keys(&changed.begun), keys(&changed.ended))
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(
        keep(&[notice("away/a", Told, 5), notice("full/b", Warning, 5)]),
        (vec!["away/a".into(), "full/b".into()], none.clone())
    );
    assert_eq!(
        keep(&[notice("away/a", Told, 6), notice("full/b", Warning, 6)]),
        (none.clone(), none.clone())
    );
    catalogue.notice_seen("away/a", &by()).unwrap();
    let stood = catalogue.notices().unwrap();
    assert_eq!(keys(&stood), ["full/b", "away/a"], "the worst first");
    assert_eq!(
        (stood[1].since, stood[1].seen.clone(), stood[1].filled.as_str()),
        (UtcMicros(5), Some(by()), "{\"n\":6}")
    );
    // Worse than what somebody has seen: it is told again, and stands since it began.
    assert_eq!(keep(&[notice("away/a", Urgent, 9)]), (vec!["away/a".into()], vec!["full/b".into()]));
    let stood = catalogue.notices().unwrap();
    assert_eq!((stood[0].severity, stood[0].since, stood[0].seen.clone()), (Urgent, UtcMicros(5), None));
    // Better again: that is no news, and whoever has seen it has seen it.
    catalogue.notice_seen("away/a", &by()).unwrap();
    assert_eq!(keep(&[notice("away/a", Told, 10)]), (none.clone(), none.clone()));
    assert!(catalogue.notices().unwrap()[0].seen.is_some());
    assert_eq!(keep(&[]), (none, vec!["away/a".into()]));
    assert!(matches!(catalogue.notice_seen("away/a", &by()), Err(CatalogueError::NotThere { .. })));
}

pub(super) fn what_was_looked_at_and_stopped_is_remembered(catalogue: &Catalogue) {
    set_up(catalogue);
    let id = location(6, "usb").location_id;
    let check = |what, at, media_id| CheckRow {
        location_id: id,
        media_id,
        what,
        begun_at: UtcMicros(at),
        ended_at: UtcMicros(at + 1),
        was_suspect: at == 5,
        well: at != 3,
        files: 20,
        bytes: 9,
        findings: "[]".into(),
        mends: false,
    };
    let medium = Some(shared::MediaId([7; 16]));
    let rows = [
        check(CheckKind::Verify, 2, medium),
        check(CheckKind::Drill, 3, None),
        check(CheckKind::Verify, 5, medium),
    ];
    rows.iter().for_each(|row| catalogue.note_check(row).unwrap());
    assert_eq!(catalogue.checks(id, CheckKind::Verify, 9).unwrap(), [rows[2].clone(), rows[0].clone()]);
    assert_eq!(catalogue.checks(id, CheckKind::Drill, 1).unwrap(), [rows[1].clone()]);
    // A suspect medium is trusted once on a verification that it passed since.
    let medium = shared::MediaId([7; 16]);
    assert!(!catalogue.trust_medium(medium, &by()).unwrap(), "it is not suspect");
    catalogue.set_medium_state(medium, MediumState::Suspect).unwrap();
    assert!(catalogue.trust_medium(medium, &by()).unwrap());
    assert_eq!(catalogue.medium(medium).unwrap().unwrap().state, MediumState::Good);
    catalogue.set_medium_state(medium, MediumState::Suspect).unwrap();
    assert!(!catalogue.trust_medium(medium, &by()).unwrap(), "that was before it became suspect again");
    assert_eq!(catalogue.checks(id, CheckKind::Trust, 9).unwrap()[0].findings, r#"["Thandi"]"#);
    // Something was wrong: enough for trust only if all of it is due again.
    let wrong = CheckRow { was_suspect: true, ..check(CheckKind::Verify, 3, Some(medium)) };
    catalogue.note_check(&wrong).unwrap();
    assert!(!catalogue.trust_medium(medium, &by()).unwrap(), "something is wrong that nobody mends");
    catalogue.note_check(&CheckRow { mends: true, ..wrong }).unwrap();
    assert!(catalogue.trust_medium(medium, &by()).unwrap());
    assert_eq!(catalogue.archive_stop(id).unwrap(), None);
    for _twice in 0..2 {
        catalogue.stop_archive(id, &by()).unwrap();
    }
    assert_eq!(catalogue.archive_stop(id).unwrap(), Some(by()));
    catalogue.go_on_archiving(id).unwrap();
    assert_eq!(catalogue.archive_stop(id).unwrap(), None);
    for day in ["2026-12-31", "2027-11-22"] {
        catalogue.note_logins_until(id, day.parse().unwrap()).unwrap();
        assert_eq!(catalogue.logins_until(id).unwrap(), day.parse().ok());
    }
}

pub(super) fn days_are_counted_as_they_are_logged(catalogue: &Catalogue) {
    set_up(catalogue);
    let medium = shared::MediaId([7; 16]);
    let row = |n: u8, leaf| {
        let mut row = RecordingRow { leaf, ..tests::row(n) };
        row.part.day = if n < 3 { "2026-11-21" } else { "2026-11-22" }.parse().unwrap();
        row
    };
    catalogue.insert_batch((1..=4).map(|n| row(n, Some(u64::from(n)))).collect(), vec![]).unwrap();
    catalogue.insert_batch(vec![row(5, None)], vec![]).unwrap();
    let bytes = row(1, None).part.bytes;
    let count = |day: &str, parts| DayCount { day: day.parse().unwrap(), parts, bytes: parts * bytes };
    let from = "2026-11-01".parse().unwrap();
    let all = [count("2026-11-21", 2), count("2026-11-22", 2)];
    assert_eq!(catalogue.recorded_by_day(from).unwrap(), all);
    assert_eq!(catalogue.due_by_day(medium, from).unwrap(), all);
    assert_eq!(catalogue.recorded_by_day("2026-11-22".parse().unwrap()).unwrap(), all[1..]);
    assert_eq!(catalogue.purged_by_day(from, UtcMicros(0)).unwrap(), []);
    assert_eq!(
        (catalogue.holes_of(medium).unwrap(), catalogue.level_of_run(shared::RunId([9; 16])).unwrap()),
        (0, None)
    );
    // Its leaf comes later, and counts once.
    for _twice in 0..2 {
        catalogue.note_leaves(vec![((row(5, None).facts.recording_id, 0), 9)]).unwrap();
    }
    assert_eq!(catalogue.recorded_by_day(from).unwrap()[1], count("2026-11-22", 3));
    catalogue.after_restore(2, false).unwrap();
    assert_eq!(catalogue.recorded_by_day(from).unwrap(), [count("2026-11-21", 1)]);
}
