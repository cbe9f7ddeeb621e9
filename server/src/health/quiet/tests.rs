//! A tap's weeks in virtual time.

use shared::UtcMicros;

use super::*;

const MINUTE_NS: u64 = 60_000_000_000;

/// A tap with 60 calls an hour by day, and packets day and night.
struct Tap {
    quiet: Quiet,
    rules: Health,
    now: Stamp,
    counts: Counts,
    told: Vec<Verdict>,
}

impl Tap {
    fn new(rules: Health) -> Self {
        // A Monday in Johannesburg, midnight.
        let utc = zone().start_of("2026-01-05".parse().expect("a day")).expect("in the calendar");
        let now = Stamp { utc, mono_ns: 1, ..Stamp::default() };
        let counts =
            Counts { name: "trunk".to_owned(), open: true, quiet_minutes: 1_440, ..Counts::default() };
        Self { quiet: Quiet::default(), rules, now, counts, told: Vec::new() }
    }

    /// Lives through minutes; `wire` says what still works of packets, calls and sound.
    fn live(&mut self, minutes: u32, wire: [bool; 3]) {
        for _ in 0..minutes {
            self.now.mono_ns += MINUTE_NS;
            self.now.utc = self.now.utc.plus(60_000_000);
            let hour = When::of(&zone(), self.now.utc).hour;
            let busy = u64::from((8..17).contains(&hour));
            let [packets, calls, sound] = wire.map(u64::from);
            self.counts.packets += 500 * packets;
            self.counts.calls += busy * calls;
            self.counts.heard += busy * sound;
            self.counts.sound += busy * sound * 60;
            self.look();
        }
    }

    fn look(&mut self) {
        let told = self.quiet.look(&self.now, &zone(), &self.rules, vec![self.counts.clone()]);
        self.told.extend(told.into_iter().map(|(key, verdict)| {
            assert_eq!(key, "tap/trunk");
            verdict
        }));
    }

    fn quiet(&self) -> Vec<&str> {
        let quiet = self.told.iter().filter_map(|verdict| match verdict {
            Verdict::Quiet(_, text) => Some(text.as_str()),
            Verdict::Well(_) => None,
        });
        quiet.collect()
    }
}

fn zone() -> Zone {
    Zone::named("Africa/Johannesburg").expect("it is in the data base")
}

const ALL: [bool; 3] = [true, true, true];
const DAY: u32 = 1_440;

/// Three weeks, up to ten in the morning of a Monday.
fn learnt(rules: Health) -> Tap {
    let mut tap = Tap::new(rules);
    tap.live(21 * DAY + 600, ALL);
    assert_eq!(tap.quiet(), Vec::<&str>::new());
    tap.told.clear();
    tap
}

#[test]
fn a_mirror_port_that_is_switched_off_is_told_within_a_quarter_of_an_hour_and_so_is_its_end() {
    let mut tap = learnt(Health::default());
    tap.live(15, [false, false, false]);
    assert!(tap.quiet().first().is_some_and(|text| text.contains("no packet for 10 min")), "{:?}", tap.told);
    tap.live(1, ALL);
    assert!(matches!(tap.told.last(), Some(Verdict::Well(text)) if text.contains("calls come again")));
}

#[test]
fn calls_that_do_not_come_and_sound_that_does_not_come_are_told_apart() {
    let mut tap = learnt(Health::default());
    tap.live(25, [true, false, false]);
    let told = tap.quiet();
    assert!(
        told.first().is_some_and(|t| t.contains("no call for") && t.contains("about 60 an hour")),
        "{told:?}"
    );

    let mut tap = learnt(Health::default());
    tap.live(25, [true, true, false]);
    let told = tap.quiet();
    assert!(told.iter().all(|t| t.contains("signalled, and no sound")) && !told.is_empty(), "{told:?}");
}

#[test]
fn holidays_and_clocks_that_step_alarm_nobody() {
    let days = vec!["01-26".to_owned()];
    let mut tap = learnt(Health { quiet_days: days, ..Health::default() });
    tap.live(300, [true, false, false]);
    assert_eq!(tap.quiet(), Vec::<&str>::new(), "the 26th of January");

    let mut tap = learnt(Health::default());
    tap.live(10, [true, false, false]);
    tap.now.utc = tap.now.utc.plus(-3_600_000_000);
    tap.live(10, [true, false, false]);
    assert_eq!(tap.quiet(), Vec::<&str>::new(), "it is counted anew");
    tap.live(20, [true, false, false]);
    assert!(!tap.quiet().is_empty());
}

#[test]
fn a_new_tap_is_judged_by_plain_minutes_and_one_that_is_not_read_not_at_all() {
    let mut tap = Tap::new(Health::default());
    tap.live(DAY - 1, [true, false, false]);
    assert_eq!(tap.quiet(), Vec::<&str>::new());
    tap.live(2, [true, false, false]);
    assert!(tap.quiet().first().is_some_and(|text| text.contains("1440 are set")), "{:?}", tap.told);

    let mut tap = learnt(Health::default());
    tap.counts.open = false;
    tap.live(300, [false, false, false]);
    assert_eq!(tap.quiet(), Vec::<&str>::new());
}

#[test]
fn what_was_learnt_outlives_a_restart_and_rubbish_is_learnt_anew() {
    let mut tap = learnt(Health::default());
    let text = tap.quiet.to_json();
    assert!(text.len() < 60_000, "{}", text.len());
    tap.quiet = Quiet::from_json(&text);
    tap.counts = Counts { packets: 0, calls: 0, heard: 0, sound: 0, ..tap.counts.clone() };
    tap.look();
    tap.live(15, [false, false, false]);
    assert!(!tap.quiet().is_empty());
    for rubbish in
        [&b"[]"[..], b"", br#"{"tap/x":{"calls":{"hours":[],"quiet":0,"surprise":0.0,"slot":[0,0]}}}"#]
    {
        assert!(Quiet::from_json(rubbish).subjects.is_empty());
    }
}

#[test]
fn a_group_is_judged_by_its_calls_alone_and_one_that_is_gone_is_not_waited_for() {
    let mut tap = Tap::new(Health::default());
    tap.counts.is_group = true;
    let zone = zone();
    let utc = UtcMicros(tap.now.utc.0);
    tap.quiet.look(&tap.now, &zone, &tap.rules, vec![tap.counts.clone()]);
    tap.now = Stamp { utc: utc.plus(60_000_000), mono_ns: 1 + MINUTE_NS, ..Stamp::default() };
    let gone = tap.quiet.look(&tap.now, &zone, &tap.rules, Vec::new());
    assert!(matches!(gone.as_slice(), [(key, Verdict::Well(_))] if key == "group/trunk"), "{gone:?}");
}

#[test]
fn days_are_read_or_refused() {
    let day = |text: &str| text.parse::<Day>().expect("a day");
    assert!(QuietDay::parse("12-25").is_ok_and(|d| d.is(day("2031-12-25")) && !d.is(day("2031-12-26"))));
    assert!(QuietDay::parse("2026-12-24").is_ok_and(|d| d.is(day("2026-12-24")) && !d.is(day("2027-12-24"))));
    for wrong in ["", "25-12", "2026-02-30", "Christmas"] {
        assert!(QuietDay::parse(wrong).is_err(), "{wrong}");
    }
}
