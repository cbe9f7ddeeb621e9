//! The Segmenter held to its promises: a truth table of start modes, one story each, and the property over everything.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use shared::{GapCause, LedgerEnd, NotRecorded, Stamp, UtcMicros};

use super::item::{Codec, EventKind, Gap, Gaps, Item, Leg, LineEvent, LineId, MediaFrame};
use super::policy::{Driver, OpenOn, Policy, StartMode};
use super::segmenter::{LineCmd, LineState, exclude, finish, mask, step, tick};
use crate::cmd::SegId;
use crate::sip::CallKey;

fn stamp(ms: u64) -> Stamp {
    Stamp { mono_ns: ms * 1_000_000, utc: UtcMicros(i64::try_from(ms).unwrap() * 1_000), ..Stamp::default() }
}

/// A line at 8 kHz under test, with everything that came out so far.
struct Line {
    policy: Policy,
    state: LineState,
    codec: Arc<Codec>,
    out: Vec<LineCmd>,
    now_ms: u64,
    /// Positions of all frames that were played.
    played: Vec<u64>,
}

impl Line {
    fn new(policy: Policy) -> Self {
        let codec = Codec { name: "PCMU".to_owned(), clock_hz: 8_000, fmtp: String::new(), channels: 1 };
        Self {
            policy,
            state: LineState::default(),
            codec: Arc::new(codec),
            out: Vec::new(),
            now_ms: 100_000,
            played: Vec::new(),
        }
    }

    fn frame(&self, leg: Leg, ms: u64, octet: u8) -> MediaFrame {
        MediaFrame {
            line: LineId(1),
            leg,
            epoch: 0,
            pos: ms * 8,
            samples: 160,
            gaps_before: Gaps::default(),
            at: stamp(ms),
            codec: Arc::clone(&self.codec),
            payload: vec![octet; 160],
        }
    }

    fn feed(&mut self, item: Item) {
        let out = step(&self.policy, &mut self.state, item);
        self.out.extend(out);
    }

    /// Plays `ms` of one leg: loud is a square wave of 1 kHz.
    fn play(&mut self, ms: u64, loud: bool) -> &mut Self {
        for _ in 0..ms / 20 {
            let mut frame = self.frame(Leg::A, self.now_ms, 0xff);
            if loud {
                frame
                    .payload
                    .iter_mut()
                    .enumerate()
                    .for_each(|(n, b)| *b = if n % 8 < 4 { 0x90 } else { 0x10 });
            }
            self.played.push(frame.pos);
            self.feed(Item::Media(frame));
            self.now_ms += 20;
        }
        self
    }

    fn event_of(&mut self, kind: EventKind, call: Option<u64>) -> &mut Self {
        let at = stamp(self.now_ms);
        let call = call.map(CallKey);
        self.feed(Item::Event(LineEvent { line: LineId(1), at, pos: None, call, kind, raw: None }));
        self
    }

    fn event(&mut self, kind: EventKind) -> &mut Self {
        self.event_of(kind, Some(1))
    }

    fn end(&mut self) -> &mut Self {
        let out = finish(&self.policy, &mut self.state);
        self.out.extend(out);
        self
    }

    /// Tells the story: `S1 O1 +25 C1:recorded(silence)`.
    fn story(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut appended = 0u64;
        for cmd in &self.out {
            appended += u64::from(matches!(cmd, LineCmd::Append { .. }));
            if matches!(cmd, LineCmd::Append { .. } | LineCmd::Note { .. }) {
                continue;
            }
            if appended > 0 {
                words.push(format!("+{}", std::mem::take(&mut appended)));
            }
            match cmd {
                LineCmd::Signalled { seg, .. } => words.push(format!("S{}", seg.0)),
                LineCmd::Open { seg, .. } => words.push(format!("O{}", seg.0)),
                LineCmd::Masked { gap, .. } => words.push(format!("masked {}", gap.samples)),
                LineCmd::Split { .. } => words.push("split".to_owned()),
                LineCmd::Discard { .. } => words.push("discard".to_owned()),
                LineCmd::Close { seg, end, reason, .. } => words.push(format!("C{}:{end}({reason})", seg.0)),
                LineCmd::Append { .. } | LineCmd::Note { .. } => {}
            }
        }
        if appended > 0 {
            words.push(format!("+{appended}"));
        }
        words.join(" ")
    }

    fn is_open(&self) -> bool {
        let opens = self.out.iter().filter(|c| matches!(c, LineCmd::Open { .. })).count();
        let closes = self.out.iter().filter(|c| matches!(c, LineCmd::Close { .. })).count();
        opens > closes
    }
}

fn policy(driver: Driver, start: StartMode) -> Policy {
    Policy { driver, start, hang_us: 1_000_000, ..Policy::default() }
}

fn offered() -> EventKind {
    EventKind::Offered(Box::default())
}

#[test]
fn the_truth_table_of_start_modes() {
    // Columns: sound opens, CTI opens | silence closes, end of call closes, CTI closes.
    let table = [
        (StartMode::Vox, [true, false], [true, true, false]),
        (StartMode::CtiStart, [false, true], [true, true, false]),
        (StartMode::CtiStop, [true, false], [false, false, true]),
        (StartMode::Cti, [false, true], [false, false, true]),
    ];
    for (mode, [sound_opens, cti_opens], [silence_closes, end_closes, cti_closes]) in table {
        let fresh = || {
            let mut line = Line::new(policy(Driver::Vox, mode));
            line.play(3_000, false);
            line
        };
        assert_eq!(fresh().play(500, true).is_open(), sound_opens, "{mode:?}: sound");
        assert_eq!(fresh().event(EventKind::CtiStart).is_open(), cti_opens, "{mode:?}: CTI start");
        let opened = || {
            let mut line = fresh();
            line.event(EventKind::CtiStart).play(500, true);
            assert!(line.is_open(), "{mode:?} is open");
            line
        };
        assert_eq!(!opened().play(2_000, false).is_open(), silence_closes, "{mode:?}: silence");
        assert_eq!(!opened().event(EventKind::CtiStop).is_open(), cti_closes, "{mode:?}: CTI stop");
        let mut line = opened();
        line.event(offered()).play(100, true).event(EventKind::Ended(Some(16)));
        assert_eq!(!line.is_open(), end_closes, "{mode:?}: end of call");
        // Silence never ends a call that signalling says is up.
        let mut line = opened();
        assert!(line.event(offered()).play(60_000, false).is_open(), "{mode:?}: silence in a call");
    }
}

#[test]
fn sound_brings_its_beginning_and_its_hang_time() {
    let mut line = Line::new(policy(Driver::Vox, StartMode::Vox));
    line.play(5_000, false).play(1_000, true).play(3_000, false).end();
    // 300 ms before the onset, 1 s of sound, 1 s of hang time, and the frames at the edges.
    let story = line.story();
    assert!(story.starts_with("S1 O1 +1") && story.ends_with("C1:recorded(silence)"), "{story}");
    let frames: u64 = story.split('+').nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((115..=120).contains(&frames), "{story}");
}

#[test]
fn a_call_is_recorded_from_offer_to_end() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.play(200, false).event(offered()).play(400, false).event(EventKind::Answered).play(1_000, true);
    line.event(EventKind::Ended(Some(16))).play(200, true).end();
    assert_eq!(line.story(), "S1 O1 +70 C1:recorded(ended)");
}

#[test]
fn opening_on_answer_leaves_unanswered_calls_accounted_for() {
    let mut line = Line::new(Policy { open_on: OpenOn::Answered, ..policy(Driver::Call, StartMode::Vox) });
    line.event_of(offered(), Some(1)).play(100, true).event_of(EventKind::Ended(Some(17)), Some(1));
    line.event_of(offered(), Some(2)).play(100, true).event_of(EventKind::Answered, Some(2)).play(100, true);
    line.end();
    assert_eq!(
        line.story(),
        "S1 C1:not recorded(unanswered)(ended) S2 O2 +5 C2:partly(end-unknown)(end-of-input)"
    );
}

#[test]
fn a_late_start_event_still_gets_the_beginning() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.play(3_000, true);
    let at = stamp(line.now_ms - 1_000);
    let kind = offered();
    line.feed(Item::Event(LineEvent {
        line: LineId(1),
        at,
        pos: None,
        call: Some(CallKey(1)),
        kind,
        raw: None,
    }));
    assert_eq!(line.story(), "S1 O1 +50");
}

#[test]
fn what_signalling_misses_is_said() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.event(EventKind::Alerting).play(100, true).event(EventKind::Ended(None));
    assert_eq!(line.story(), "S1 O1 +5 C1:partly(start-missed)(ended)");

    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.event_of(offered(), Some(1)).play(100, true).event_of(offered(), Some(2)).play(100, true);
    line.event_of(EventKind::Ended(None), Some(1)).play(100, true).event_of(EventKind::Ended(None), Some(2));
    assert_eq!(line.story(), "S1 O1 +5 C1:partly(end-unknown)(next-call) S2 O2 +10 C2:recorded(ended)");
}

#[test]
fn a_call_after_one_that_idled_out_or_was_excluded_is_recorded() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.event_of(offered(), Some(1)).play(100, true);
    line.now_ms += 61_000;
    line.event_of(offered(), Some(2)).play(100, true);
    assert_eq!(line.story(), "S1 O1 +5 C1:partly(end-unknown)(idle) S2 O2 +5");

    for driver in [Driver::Call, Driver::Vox] {
        let mut line = Line::new(policy(driver, StartMode::Vox));
        line.play(2_000, false).event_of(offered(), Some(1)).play(500, true);
        let out = exclude(&line.policy, &mut line.state, 7);
        line.out.extend(out);
        line.event_of(offered(), Some(2)).play(500, true).end();
        assert!(line.story().contains("C1:not recorded(rule)(excluded) S2 O2 +"), "{}", line.story());
    }
}

#[test]
fn sixty_seconds_without_media_end_a_call_but_hold_does_not() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.event(offered()).event(EventKind::Answered).play(100, true).event(EventKind::Held);
    let later = |line: &mut Line, ms| {
        line.now_ms += ms;
        let out = tick(&line.policy, &mut line.state, stamp(line.now_ms));
        line.out.extend(out);
    };
    later(&mut line, 600_000);
    assert!(line.is_open(), "held for ten minutes");
    line.event(EventKind::Retrieved);
    later(&mut line, 59_000);
    assert!(line.is_open(), "retrieved, 59 s without media");
    later(&mut line, 2_000);
    assert!(line.story().ends_with("C1:partly(end-unknown)(idle)"), "{}", line.story());
}

#[test]
fn a_flash_of_the_hook_is_no_end() {
    let mut line = Line::new(policy(Driver::Hook, StartMode::Vox));
    line.event(EventKind::Hook(true)).play(1_000, true).event(EventKind::Hook(false)).play(500, false);
    line.event(EventKind::Hook(true))
        .play(1_000, true)
        .event(EventKind::Hook(false))
        .play(1_000, false)
        .end();
    let story = line.story();
    assert_eq!(story.matches('O').count(), 1, "{story}");
    assert!(story.ends_with("C1:recorded(silence)"), "{story}");
}

#[test]
fn a_radio_channel_opens_with_key_or_squelch_and_closes_without_both() {
    let mut line = Line::new(policy(Driver::Ptt, StartMode::Vox));
    line.play(1_000, false).event(EventKind::Ptt(true)).play(400, true).event(EventKind::Squelch(true));
    line.event(EventKind::Ptt(false)).play(2_000, true).event(EventKind::Squelch(false)).play(1_100, false);
    // 200 ms before the key, 400 + 2,000 ms of speech, 1,000 ms of hang time.
    assert_eq!(line.story(), "S1 O1 +180 C1:recorded(silence)");
}

#[test]
fn a_lost_cti_link_gives_way_to_the_driver_after_five_seconds() {
    for mode in [StartMode::CtiStart, StartMode::Cti] {
        let mut line = Line::new(policy(Driver::Vox, mode));
        line.event(EventKind::CtiLink(false)).play(4_000, false).play(6_000, true);
        assert!(line.is_open(), "{mode:?}: sound under way is taken up");
        line.event(EventKind::CtiLink(true)).play(3_000, false).play(2_000, true).end();
        assert_eq!(line.story().matches("C1:partly(cti-lost)(silence)").count(), 1, "{}", line.story());
        assert_eq!(line.story().matches('O').count(), 1, "{mode:?}: the link is back, CTI decides again");
    }
}

#[test]
fn a_continuous_recording_splits_without_losing_a_sample() {
    let mut line = Line::new(Policy { split_us: 10_000_000, ..policy(Driver::Continuous, StartMode::Vox) });
    line.event(EventKind::SourceUp).play(25_000, false).event(EventKind::SourceDown("cable".to_owned()));
    assert_eq!(line.story(), "S1 O1 +500 split +500 split +250 C1:partly(source-restart)(source-down)");
}

#[test]
fn a_mask_leaves_a_gap_and_hides_digits() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.event(offered()).play(100, true);
    let out = mask(&line.policy, &mut line.state, true);
    line.out.extend(out);
    line.play(1_000, true).event(EventKind::Digit { digit: '4', ms: 80 });
    let out = mask(&line.policy, &mut line.state, false);
    line.out.extend(out);
    line.play(100, true).event(EventKind::Digit { digit: '5', ms: 80 }).event(EventKind::Ended(None));
    assert_eq!(line.story(), "S1 O1 +5 masked 8000 +5 C1:recorded(ended)");
    let digits = line.out.iter().filter(
        |c| matches!(c, LineCmd::Note { event, .. } if matches!(event.kind, EventKind::Digit { .. })),
    );
    assert_eq!(digits.count(), 1, "the digit under the mask is not written");
}

#[test]
fn a_rule_known_late_discards_and_says_so() {
    let mut line = Line::new(policy(Driver::Vox, StartMode::Vox));
    line.play(2_000, false).play(1_000, true);
    let out = exclude(&line.policy, &mut line.state, 7);
    line.out.extend(out);
    line.play(1_000, true).play(3_000, false).play(1_000, true).end();
    let story = line.story();
    assert!(story.contains("discard C1:not recorded(rule)(excluded) S2 O2"), "{story}");
}

#[test]
fn recorder_loss_makes_a_recording_partial() {
    let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
    line.event(offered());
    let mut frame = line.frame(Leg::A, line.now_ms, 0xff);
    frame.gaps_before.push(Gap { samples: 80, cause: GapCause::LostByRecorder });
    line.feed(Item::Media(frame));
    line.event(EventKind::Ended(None));
    assert!(line.story().ends_with("C1:partly(recorder-loss)(ended)"), "{}", line.story());
}

#[test]
fn gaps_of_one_cause_join_and_a_fifth_is_not_forgotten() {
    let mut gaps = Gaps::default();
    for (samples, cause) in [(1, 1), (2, 1), (3, 2), (0, 3), (4, 4), (5, 5), (6, 1)] {
        gaps.push(Gap { samples, cause: GapCause::from_number(cause).unwrap() });
    }
    assert_eq!((gaps.iter().count(), gaps.samples()), (4, 21));
}

/// One step of a random story.
#[derive(Clone, Debug)]
enum Deed {
    Play { loud: bool, frames: u8 },
    Event(u8, u64),
    Wait(u16),
    Mask(bool),
    Exclude,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (any::<bool>(), 1..60u8).prop_map(|(loud, frames)| Deed::Play { loud, frames }),
        4 => (0..18u8, 1..3u64).prop_map(|(kind, call)| Deed::Event(kind, call)),
        1 => (1..20_000u16).prop_map(Deed::Wait),
        1 => any::<bool>().prop_map(Deed::Mask),
        1 => Just(Deed::Exclude),
    ]
}

fn event_number(n: u8) -> EventKind {
    match n {
        0 => offered(),
        1 => EventKind::Answered,
        2 | 3 => EventKind::Ended(None),
        4 => EventKind::Restart,
        5 => EventKind::Hook(true),
        6 => EventKind::Hook(false),
        7 => EventKind::Ptt(true),
        8 => EventKind::Ptt(false),
        9 => EventKind::Squelch(true),
        10 => EventKind::Squelch(false),
        11 => EventKind::CtiStart,
        12 => EventKind::CtiStop,
        13 => EventKind::CtiLink(false),
        14 => EventKind::CtiLink(true),
        15 => EventKind::SourceDown("test".to_owned()),
        16 => EventKind::SourceUp,
        _ => EventKind::Held,
    }
}

/// Follows one segment's commands and complains at the first that is out of place.
#[derive(Default)]
struct Account {
    is_open: bool,
    is_closed: bool,
    /// First position kept, position behind the last, and what was accounted for from the one to the other.
    kept: Option<(u64, u64)>,
    samples: u64,
    samples_to_last: u64,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_sample_is_lost_or_doubled_and_each_opening_is_closed_once(
        driver in prop_oneof![
            Just(Driver::Call), Just(Driver::Hook), Just(Driver::Vox), Just(Driver::Ptt), Just(Driver::Continuous)
        ],
        start in prop_oneof![
            Just(StartMode::Vox), Just(StartMode::CtiStart), Just(StartMode::CtiStop), Just(StartMode::Cti)
        ],
        deeds in prop::collection::vec(deed(), 1..40),
    ) {
        let mut line = Line::new(Policy { split_us: 5_000_000, ..policy(driver, start) });
        for deed in deeds {
            match deed {
                Deed::Play { loud, frames } => {
                    line.play(u64::from(frames) * 20, loud);
                }
                Deed::Event(kind, call) => {
                    line.event_of(event_number(kind), Some(call));
                }
                Deed::Wait(ms) => {
                    line.now_ms += u64::from(ms);
                    let out = tick(&line.policy, &mut line.state, stamp(line.now_ms));
                    line.out.extend(out);
                }
                Deed::Mask(is_on) => {
                    let out = mask(&line.policy, &mut line.state, is_on);
                    line.out.extend(out);
                }
                Deed::Exclude => {
                    let out = exclude(&line.policy, &mut line.state, 9);
                    line.out.extend(out);
                }
            }
        }
        line.end();
        let mut accounts: BTreeMap<SegId, Account> = BTreeMap::new();
        let mut last_pos = 0;
        for cmd in &line.out {
            match cmd {
                LineCmd::Signalled { seg, .. } => {
                    prop_assert!(accounts.insert(*seg, Account::default()).is_none(), "signalled twice");
                }
                LineCmd::Open { seg, .. } => {
                    let account = accounts.get_mut(seg).unwrap();
                    prop_assert!(!account.is_open && !account.is_closed, "opened twice: {}", line.story());
                    account.is_open = true;
                }
                LineCmd::Append { seg, frame } => {
                    let account = accounts.get_mut(seg).unwrap();
                    prop_assert!(account.is_open && !account.is_closed, "appended outside: {}", line.story());
                    prop_assert!(frame.pos >= last_pos, "a sample twice: {}", line.story());
                    last_pos = frame.pos + 160;
                    if account.kept.is_none() {
                        account.samples = 0;
                    }
                    account.samples += 160;
                    account.samples_to_last = account.samples;
                    account.kept = Some((account.kept.map_or(frame.pos, |(first, _)| first), last_pos));
                }
                LineCmd::Masked { seg, gap, .. } => {
                    let account = accounts.get_mut(seg).unwrap();
                    prop_assert!(account.is_open && !account.is_closed, "masked outside: {}", line.story());
                    account.samples += gap.samples;
                }
                LineCmd::Note { seg, .. } | LineCmd::Split { seg, .. } | LineCmd::Discard { seg } => {
                    let account = &accounts[seg];
                    prop_assert!(account.is_open && !account.is_closed, "said outside: {}", line.story());
                }
                LineCmd::Close { seg, end, .. } => {
                    let account = accounts.get_mut(seg).unwrap();
                    prop_assert!(!account.is_closed, "closed twice: {}", line.story());
                    let kept = !matches!(end, LedgerEnd::NotRecorded(_));
                    prop_assert!(!kept || account.is_open, "recorded without opening: {}", line.story());
                    account.is_closed = true;
                }
            }
        }
        for account in accounts.values() {
            prop_assert!(account.is_closed, "left open: {}", line.story());
            let (first, behind) = account.kept.unwrap_or_default();
            let played = line.played.iter().filter(|pos| (first..behind).contains(pos)).count() as u64 * 160;
            prop_assert_eq!(account.samples_to_last, played, "a hole: {}", line.story());
        }
    }

    /// While one segment is open, everything played is in it.
    #[test]
    fn all_that_is_played_in_a_call_is_in_its_recording(plays in prop::collection::vec((any::<bool>(), 1..30u64), 1..20)) {
        let mut line = Line::new(policy(Driver::Call, StartMode::Vox));
        line.event(offered());
        let mut total = 0;
        for (is_masked, frames) in plays {
            let out = mask(&line.policy, &mut line.state, is_masked);
            line.out.extend(out);
            line.play(frames * 20, true);
            total += frames * 160;
        }
        line.end();
        let kept: u64 = line.out.iter().map(|cmd| match cmd {
            LineCmd::Append { frame, .. } => u64::from(frame.samples),
            LineCmd::Masked { gap, .. } => gap.samples,
            _ => 0,
        }).sum();
        prop_assert_eq!(kept, total);
    }
}

#[test]
fn the_reasons_of_calls_that_were_never_opened() {
    let check = |driver, start, answered: bool, expected| {
        let mut line = Line::new(policy(driver, start));
        line.event(offered());
        if answered {
            line.event(EventKind::Answered);
        }
        line.play(100, false).event(EventKind::Ended(None));
        let ends = line.out.iter().filter_map(|c| match c {
            LineCmd::Close { end, .. } => Some(*end),
            _ => None,
        });
        assert_eq!(ends.collect::<Vec<_>>(), [LedgerEnd::NotRecorded(expected)], "{driver:?} {start:?}");
    };
    check(Driver::Vox, StartMode::Vox, true, NotRecorded::NoMedia);
    check(Driver::Vox, StartMode::Vox, false, NotRecorded::Unanswered);
    check(Driver::Call, StartMode::Cti, true, NotRecorded::Rule);
}
