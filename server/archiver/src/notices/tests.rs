//! A site where all is well, and one change for each notice.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]

use shared::{LocationId, UtcMicros, Zone};
use vault::{CheckKind, CheckRow, DayCount, MediumState, Severity};

use super::*;
use crate::schedule::At;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
const GIB: u64 = 1 << 30;
/// 2026-11-23 12:00 in Johannesburg, a Monday.
const NOW: UtcMicros = UtcMicros(1_795_428_000_000_000);
const HERE: LocationId = LocationId([6; 16]);

fn ago(hours: i64) -> UtcMicros {
    NOW.plus(-hours * HOUR_US)
}

fn place() -> Place {
    let drill = CheckRow {
        location_id: HERE,
        media_id: None,
        what: CheckKind::Drill,
        begun_at: ago(200),
        ended_at: ago(200),
        was_suspect: false,
        well: true,
        mends: false,
        files: 20,
        bytes: 9,
        findings: "[]".into(),
    };
    Place {
        id: HERE,
        name: "Drive A".into(),
        added: ago(24 * 90),
        medium: "A-3".into(),
        lies_in: "safe".into(),
        state: Some(MediumState::Good),
        found: Found::There(Space { free: 900 * GIB, total: 2_000 * GIB }),
        seen: Some(ago(0)),
        running: false,
        safe_until: Some(ago(15)),
        due: (7, 7_000_000),
        lost: 0,
        last: Some(LastRun {
            begun: ago(15),
            ended: ago(14),
            holes: 0,
            level: Some(3),
            pace: Some(40_000_000),
        }),
        trouble: None,
        stopped: None,
        drill: Some(drill),
        logins_until: "2027-11-20".parse().ok(),
        retention_ends: None,
    }
}

fn facts() -> Facts {
    let zone = Zone::named("Africa/Johannesburg").unwrap();
    let today = zone.day_of(NOW);
    let day = |back: i32| DayCount { day: today.plus_days(-back).unwrap(), parts: 9, bytes: 10 * GIB };
    let days: Vec<DayCount> = (1..=28).map(day).collect();
    Facts {
        habit: Habit::learn(&days, today),
        zone,
        at: At::EVENING,
        places: vec![place()],
        has_recordings: true,
        no_room: None,
        waiting: Vec::new(),
        to_review: Vec::new(),
    }
}

fn told(facts: &Facts) -> Vec<(String, Severity)> {
    notices(facts, NOW)
        .iter()
        .map(|n| (n.row(NOW).key.replace(&HERE.to_string(), "here"), n.severity))
        .collect()
}

/// Changes the one place and expects exactly these notices, with a word that their sentences must have.
fn check(change: impl FnOnce(&mut Place), expected: &[(&str, Severity)], word: &str) {
    let mut facts = facts();
    change(&mut facts.places[0]);
    let expected: Vec<(String, Severity)> = expected.iter().map(|(key, s)| ((*key).to_owned(), *s)).collect();
    assert_eq!(told(&facts), expected);
    for notice in notices(&facts, NOW) {
        let sentence = notice.sentence(&facts.zone);
        assert!(sentence.contains(word) && sentence.contains("Drive A"), "{sentence}");
        assert_eq!(Notice::of(&notice.row(NOW)), Some(notice), "it comes back from its row");
    }
}

fn not(which: Absence) -> Found {
    Found::Not(which, "nothing is mounted there".to_owned())
}

#[test]
fn where_all_is_well_nothing_is_told() {
    assert_eq!(told(&facts()), []);
}

#[test]
fn a_place_that_cannot_be_used_is_told_by_what_is_there() {
    use Severity::{Told, Urgent};
    check(|p| p.found = not(Absence::Away), &[("away/here", Told)], "safe");
    let two_nights = |p: &mut Place| (p.found, p.seen) = (not(Absence::Away), Some(ago(49)));
    check(two_nights, &[("unseen/here", Urgent)], "two nights");
    check(|p| p.found = not(Absence::Other), &[("other-medium/here", Urgent)], "another medium");
    check(|p| p.found = not(Absence::Copied), &[("copied/here", Urgent)], "copy");
    check(|p| p.found = not(Absence::ReadOnly), &[("read-only/here", Urgent)], "written");
    check(|p| (p.found, p.running) = (not(Absence::Away), true), &[], "");
    check(|p| p.state = Some(MediumState::Suspect), &[("suspect/here", Urgent)], "verify");
    let both = |p: &mut Place| (p.found, p.state) = (not(Absence::Other), Some(MediumState::Suspect));
    check(both, &[("suspect/here", Urgent)], "A-3");
}

#[test]
fn what_waits_for_the_evening_is_no_reason_to_worry() {
    use Severity::{Told, Urgent};
    check(|p| p.safe_until = Some(ago(40)), &[("behind/here", Urgent)], "7 files");
    check(|p| (p.safe_until, p.running) = (Some(ago(40)), true), &[], "");
    check(|p| (p.safe_until, p.due) = (None, (0, 0)), &[], "");
    check(|p| (p.safe_until, p.added, p.last, p.drill) = (None, ago(2), None, None), &[], "");
    check(
        |p| (p.safe_until, p.added, p.last, p.drill) = (None, ago(20), None, None),
        &[("behind/here", Urgent)],
        "never",
    );
    check(|p| p.trouble = Some("no right to write".into()), &[("failed/here", Urgent)], "no right");
    check(|p| p.last.as_mut().unwrap().holes = 2, &[("holes/here", Urgent)], "2 files");
    check(
        |p| p.stopped = Some(("Thandi".into(), ago(1))),
        &[("stopped/here", Told)],
        "Thandi at 2026-11-23 11:00 +02:00",
    );
    check(|p| p.last.as_mut().unwrap().begun = NOW.plus(HOUR_US), &[("clock-back/here", Urgent)], "clock");
}

#[test]
fn room_is_told_in_steps_long_before_it_ends() {
    use Severity::{Told, Urgent, Warning};
    let room = |days: u64| {
        move |p: &mut Place| {
            p.found = Found::There(Space { free: days * 10 * GIB + 3 * GIB, total: 200 * GIB });
        }
    };
    check(room(19), &[("fills/here/30", Told)], "19 more days, until 2026-12-12");
    check(room(14), &[("fills/here/14", Told)], "14 more days");
    check(room(8), &[("fills/here/14", Told)], "8 more days");
    check(room(7), &[("fills/here/7", Warning)], "7 more days");
    check(room(3), &[("fills/here/3", Urgent)], "3 more days");
    check(room(1), &[("fills/here/1", Urgent), ("nearly-full/here", Warning)], "another one ready");
    let small = |p: &mut Place| p.found = Found::There(Space { free: 900 * GIB, total: 9_000 * GIB });
    check(small, &[("nearly-full/here", Warning)], "90 %");
}

#[test]
fn a_slow_place_is_told_before_it_falls_behind() {
    use Severity::Warning;
    // 10 GiB a day at 100 kB a second are 29 hours.
    check(
        |p| p.last.as_mut().unwrap().pace = Some(100_000),
        &[("night-too-short/here", Warning)],
        "30 hours",
    );
    check(
        |p| p.last.as_mut().unwrap().begun = ago(14 + 26),
        &[("night-too-short/here", Warning)],
        "27 hours",
    );
    check(
        |p| p.due = (9, 2_000 * GIB),
        &[("fills/here/1", Severity::Urgent), ("night-too-short/here", Warning)],
        "Drive A",
    );
}

#[test]
fn what_counts_for_no_purge_is_told() {
    use Severity::{Urgent, Warning};
    check(|p| p.last.as_mut().unwrap().level = Some(2), &[("cached/here", Urgent)], "no proof");
    check(|p| p.last.as_mut().unwrap().level = Some(1), &[("lowered/here", Urgent)], "restore");
    check(|p| p.last.as_mut().unwrap().level = Some(4), &[], "");
    check(|p| p.lost = 2, &[("lost/here", Urgent)], "no good copy");
    check(|p| p.drill = None, &[("drill-overdue/here", Warning)], "never");
    check(
        |p| p.drill.as_mut().unwrap().ended_at = ago(24 * 36),
        &[("drill-overdue/here", Warning)],
        "2026-10-18",
    );
    check(|p| p.drill.as_mut().unwrap().well = false, &[("drill-wrong/here", Urgent)], "Verify");
    check(|p| p.logins_until = "2027-01-21".parse().ok(), &[("logins-short/here", Warning)], "59 more days");
    check(|p| p.logins_until = "2026-11-30".parse().ok(), &[("logins-short/here", Urgent)], "2026-11-30");
    check(
        |p| p.retention_ends = Some(NOW.plus(13 * DAY_US)),
        &[("retention-near/here", Warning)],
        "2026-12-06",
    );
    check(|p| p.retention_ends = Some(NOW.plus(2 * DAY_US)), &[("retention-near/here", Urgent)], "7 files");
    check(|p| p.retention_ends = Some(NOW.plus(15 * DAY_US)), &[], "");
}

#[test]
fn what_concerns_the_whole_site_comes_first() {
    let mut facts = facts();
    facts.no_room = Some((96, "3 not proven".into()));
    let waits = |change, effective| Waiting { change, by: "Thandi".into(), effective, affected: 12 };
    facts.waiting = vec![waits(4, None), waits(5, Some(NOW.plus(14 * DAY_US)))];
    facts.to_review =
        vec![ToReview { hold: "a1".into(), owner: "the lawyers".into(), day: "2026-11-20".parse().unwrap() }];
    facts.places[0].found = not(Absence::Away);
    let keys: Vec<String> = told(&facts).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["no-room", "policy-waits/4", "policy-waits/5", "hold-review/a1", "away/here"]);
    let sentences: Vec<String> = notices(&facts, NOW).iter().map(|n| n.sentence(&facts.zone)).collect();
    assert!(
        sentences[0].contains("96 %")
            && sentences[1].contains("confirm")
            && sentences[2].contains("2026-12-07")
            && sentences[3].contains("2026-11-20"),
        "{sentences:?}"
    );
    facts.places.clear();
    assert!(told(&facts).contains(&("no-place".to_owned(), Severity::Warning)));
    facts.has_recordings = false;
    assert!(
        !told(&facts).iter().any(|(key, _)| key == "no-place"),
        "a site without a recording has nothing to lose"
    );
}

#[test]
fn every_kind_has_its_word() {
    for kind in NoticeKind::ALL {
        assert_eq!(NoticeKind::from_word(kind.word()), Some(kind));
    }
}
