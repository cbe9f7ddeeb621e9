//! The Segmenter of line-based sources: from items of one line to segments.
//!
//! Pure: a policy, a state and an item in, commands out; time comes with the items. What must hold, whatever comes in:
//! between the opening and the closing of a segment every media frame is appended once and in order, or accounted for as
//! a masked gap; every `Signalled` gets exactly one `Close`, and every `Open` lies between the two, also at the end of
//! input. Silence never ends a call that signalling says is up.

use std::collections::VecDeque;

use shared::{GapCause, LedgerEnd, NotRecorded, Partly, Stamp};

use super::item::{EventKind, Gap, Item, Leg, LineEvent, MediaFrame};
use super::policy::{Driver, OpenOn, Policy, StartMode};
use super::vox::{Edge, Vox};
use crate::cmd::SegId;
use crate::sip::CallKey;

/// The longest pre-roll in microseconds.
const PRE_ROLL_MAX_US: u64 = 10_000_000;
/// The most octets that the pre-roll of one line holds: 10 s of both directions at 48 kHz, 16 bits.
const PRE_ROLL_MAX_BYTES: usize = 2 << 20;
const LEGS: [Leg; 3] = [Leg::A, Leg::B, Leg::Joint];

/// What the Segmenter wants done. Commands of one segment keep their order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineCmd {
    /// Something must be accounted for from now on.
    Signalled {
        /// The segment.
        seg: SegId,
        /// When it was seen first.
        at: Stamp,
        /// The call, if signalling told.
        call: Option<CallKey>,
    },
    /// Begin the recording.
    Open {
        /// The segment.
        seg: SegId,
        /// When it begins; the pre-roll may begin up to one frame earlier.
        at: Stamp,
    },
    /// Media, as received.
    Append {
        /// The segment.
        seg: SegId,
        /// The frame, unchanged.
        frame: MediaFrame,
    },
    /// Media that a mask kept out.
    Masked {
        /// The segment.
        seg: SegId,
        /// Of which direction.
        leg: Leg,
        /// How much, gaps inside included; the cause is [`GapCause::Paused`].
        gap: Gap,
    },
    /// Something happened.
    Note {
        /// The segment.
        seg: SegId,
        /// What.
        event: LineEvent,
    },
    /// The part is full: go on in a new one, whose first position is the last one's next.
    Split {
        /// The segment.
        seg: SegId,
        /// Where.
        at: Stamp,
    },
    /// What was sealed so far must go; `Close` follows.
    Discard {
        /// The segment.
        seg: SegId,
    },
    /// The segment is over.
    Close {
        /// The segment.
        seg: SegId,
        /// When.
        at: Stamp,
        /// How its ledger entry ends.
        end: LedgerEnd,
        /// The rule that decided, for *not recorded(rule)*.
        rule: Option<u32>,
        /// Why, as a word.
        reason: &'static str,
    },
}

/// What the Segmenter remembers of one line.
#[derive(Debug, Default)]
pub struct LineState {
    now: Stamp,
    segs: u64,
    ring: VecDeque<MediaFrame>,
    ring_bytes: usize,
    vox: [Vox; 3],
    /// The driver's condition holds: sound, off hook, key down, call up.
    is_active: bool,
    active_since_ns: u64,
    quiet_since_ns: u64,
    ptt: bool,
    squelch: bool,
    call: Option<Call>,
    cti_down_since_ns: Option<u64>,
    open: Option<Open>,
    last_media_ns: u64,
}

/// A call that signalling says is up.
#[derive(Debug)]
struct Call {
    key: Option<CallKey>,
    seg: SegId,
    is_answered: bool,
    is_held: bool,
    start_missed: bool,
    /// Its segment was opened, and perhaps closed, already.
    was_opened: bool,
}

/// A segment being recorded.
#[derive(Debug)]
struct Open {
    seg: SegId,
    opened_ns: u64,
    part_since_ns: u64,
    is_masked: bool,
    masked: [u64; 3],
    recorder_loss: u64,
    cti_lost: bool,
    start_missed: bool,
    /// Excluded by a rule known late: nothing more is said of it.
    is_excluded: bool,
}

/// Takes one item of one line and returns what is to be done.
#[must_use]
pub fn step(policy: &Policy, state: &mut LineState, item: Item) -> Vec<LineCmd> {
    let mut run = Run { policy, state, out: Vec::new() };
    run.advance(item.at());
    match item {
        Item::Media(frame) => run.media(frame),
        Item::Event(event) => run.event(event),
        Item::Health(_) => {}
    }
    run.out
}

/// Lets time pass on a line that delivers nothing. Once a second is enough.
#[must_use]
pub fn tick(policy: &Policy, state: &mut LineState, now: Stamp) -> Vec<LineCmd> {
    let mut run = Run { policy, state, out: Vec::new() };
    run.advance(now);
    run.out
}

/// Ends the input: closes what is open.
#[must_use]
pub fn finish(policy: &Policy, state: &mut LineState) -> Vec<LineCmd> {
    let mut run = Run { policy, state, out: Vec::new() };
    let doubt = run.state.call.is_some().then_some(Partly::EndUnknown);
    run.close("end-of-input", doubt);
    run.end_call("end-of-input");
    run.out
}

/// Masks the line (true) or takes the mask off. Masked samples are counted, never kept.
#[must_use]
pub fn mask(policy: &Policy, state: &mut LineState, is_on: bool) -> Vec<LineCmd> {
    let mut run = Run { policy, state, out: Vec::new() };
    run.tell_masked();
    if let Some(open) = run.state.open.as_mut() {
        open.is_masked = is_on;
    }
    run.out
}

/// Excludes what is being recorded by a rule that was known late. Nothing of it is kept; the line opens again with the
/// next call or sound.
#[must_use]
pub fn exclude(policy: &Policy, state: &mut LineState, rule: u32) -> Vec<LineCmd> {
    let mut run = Run { policy, state, out: Vec::new() };
    run.tell_masked();
    if let Some(open) = run.state.open.as_mut().filter(|open| !open.is_excluded) {
        open.is_excluded = true;
        let (seg, at) = (open.seg, run.state.now);
        let end = LedgerEnd::NotRecorded(NotRecorded::Rule);
        run.out.push(LineCmd::Discard { seg });
        run.out.push(LineCmd::Close { seg, at, end, rule: Some(rule), reason: "excluded" });
    }
    run.out
}

struct Run<'a> {
    policy: &'a Policy,
    state: &'a mut LineState,
    out: Vec<LineCmd>,
}

impl Run<'_> {
    // - time

    /// Moves the clock on and does what has fallen due. An item from the past does not move it back.
    fn advance(&mut self, at: Stamp) {
        if at.mono_ns >= self.state.now.mono_ns {
            self.state.now = at;
        }
        if self.is_fallen_back() {
            match self.state.open.as_mut() {
                Some(open) => open.cti_lost = true,
                None if self.state.is_active && self.policy.driver != Driver::Continuous => {
                    self.open_from(self.state.active_since_ns);
                }
                None => {}
            }
        }
        let quiet_ns = self.state.quiet_since_ns.max(self.state.open.as_ref().map_or(0, |o| o.opened_ns));
        let is_quiet = !self.state.is_active && self.is_due(quiet_ns, self.policy.quiet_us());
        if is_quiet && self.state.call.is_none() && self.mode().driver_closes() {
            self.close("silence", None);
        }
        let is_idle = self.is_due(self.state.last_media_ns, self.policy.idle_us);
        if is_idle
            && self.policy.driver == Driver::Call
            && self.state.call.as_ref().is_some_and(|c| !c.is_held)
        {
            self.close("idle", Some(Partly::EndUnknown));
            self.end_call("idle");
        }
    }

    const fn is_due(&self, since_ns: u64, after_us: u64) -> bool {
        self.state.now.mono_ns.saturating_sub(since_ns) >= after_us.saturating_mul(1_000)
    }

    /// The start mode in force now.
    fn mode(&self) -> StartMode {
        if self.is_fallen_back() { StartMode::Vox } else { self.policy.start }
    }

    /// CTI is needed and has been away for too long.
    fn is_fallen_back(&self) -> bool {
        self.policy.start != StartMode::Vox
            && (self.state.open.as_ref().is_some_and(|open| open.cti_lost)
                || self.state.cti_down_since_ns.is_some_and(|t| self.is_due(t, self.policy.cti_fallback_us)))
    }

    // - media

    fn media(&mut self, frame: MediaFrame) {
        self.state.last_media_ns = self.state.last_media_ns.max(frame.at.mono_ns);
        match self.policy.driver {
            Driver::Vox => self.listen(&frame),
            Driver::Continuous => {
                self.active(frame.at.mono_ns);
                self.split(frame.at);
            }
            Driver::Call | Driver::Hook | Driver::Ptt => {}
        }
        if self.state.open.is_some() {
            self.append(frame);
        } else {
            self.keep(frame);
        }
    }

    fn listen(&mut self, frame: &MediaFrame) {
        let Some(vox) = self.state.vox.get_mut(frame.leg as usize) else { return };
        let edge = vox.handle(&frame.codec, &frame.payload, frame.samples);
        let is_any_on = self.state.vox.iter().any(Vox::is_on);
        match edge {
            Some(Edge::On { samples_ago }) => {
                let ago_ns = samples_ago.saturating_mul(1_000_000_000);
                let ago_ns = ago_ns.checked_div(u64::from(frame.codec.clock_hz)).unwrap_or(0);
                self.active(frame.end_ns().saturating_sub(ago_ns));
            }
            Some(Edge::Off) if !is_any_on => self.quiet(frame.end_ns()),
            Some(Edge::Off) | None => {}
        }
    }

    /// Keeps a frame for a segment that may begin a little before we know of it.
    fn keep(&mut self, frame: MediaFrame) {
        let oldest_ns = frame.at.mono_ns.saturating_sub(self.pre_roll_ns());
        self.state.ring_bytes = self.state.ring_bytes.saturating_add(frame.payload.len());
        self.state.ring.push_back(frame);
        while self.state.ring.front().is_some_and(|f| f.end_ns() <= oldest_ns)
            || self.state.ring_bytes > PRE_ROLL_MAX_BYTES
        {
            let Some(old) = self.state.ring.pop_front() else { break };
            self.state.ring_bytes = self.state.ring_bytes.saturating_sub(old.payload.len());
        }
    }

    fn pre_roll_ns(&self) -> u64 {
        self.policy.pre_roll_us.min(PRE_ROLL_MAX_US).saturating_mul(1_000)
    }

    fn append(&mut self, frame: MediaFrame) {
        let Some(open) = self.state.open.as_mut().filter(|open| !open.is_excluded) else { return };
        if open.is_masked {
            if let Some(masked) = open.masked.get_mut(frame.leg as usize) {
                let samples = u64::from(frame.samples).saturating_add(frame.gaps_before.samples());
                *masked = masked.saturating_add(samples);
            }
            return;
        }
        let lost = frame.gaps_before.iter().filter(|gap| gap.cause == GapCause::LostByRecorder);
        open.recorder_loss = lost.fold(open.recorder_loss, |sum, gap| sum.saturating_add(gap.samples));
        self.out.push(LineCmd::Append { seg: open.seg, frame });
    }

    fn tell_masked(&mut self) {
        let Some(open) = self.state.open.as_mut().filter(|open| !open.is_excluded) else { return };
        for leg in LEGS {
            let samples = open.masked.get_mut(leg as usize).map_or(0, std::mem::take);
            if samples > 0 {
                let gap = Gap { samples, cause: GapCause::Paused };
                self.out.push(LineCmd::Masked { seg: open.seg, leg, gap });
            }
        }
    }

    fn split(&mut self, at: Stamp) {
        let split_ns = self.policy.split_us.saturating_mul(1_000);
        let Some(open) = self.state.open.as_mut().filter(|open| !open.is_excluded) else { return };
        if at.mono_ns.saturating_sub(open.part_since_ns) >= split_ns {
            open.part_since_ns = at.mono_ns;
            let seg = open.seg;
            self.tell_masked();
            self.out.push(LineCmd::Split { seg, at });
        }
    }

    // - the driver

    /// The driver's condition begins to hold.
    fn active(&mut self, since_ns: u64) {
        if !self.state.is_active {
            self.state.is_active = true;
            self.state.active_since_ns = since_ns;
            if self.mode().driver_opens() {
                self.open_from(since_ns);
            }
        }
    }

    /// The driver's condition holds no more.
    fn quiet(&mut self, since_ns: u64) {
        if self.state.is_active {
            self.state.is_active = false;
            self.state.quiet_since_ns = since_ns;
        }
    }

    /// Opens a segment whose trigger was at `trigger_ns`, with what the pre-roll still has of it.
    fn open_from(&mut self, trigger_ns: u64) {
        if self.state.open.is_some() {
            return;
        }
        let now = self.state.now;
        let lead_ns = self.policy.lead_us().saturating_mul(1_000);
        let from_ns = trigger_ns.saturating_sub(lead_ns).max(now.mono_ns.saturating_sub(self.pre_roll_ns()));
        let (seg, start_missed) = match self.state.call.as_mut() {
            Some(call) if !call.was_opened => {
                call.was_opened = true;
                (call.seg, call.start_missed)
            }
            Some(_) | None => (self.signalled(None), false),
        };
        self.state.open = Some(Open {
            seg,
            opened_ns: now.mono_ns,
            part_since_ns: from_ns.min(now.mono_ns),
            is_masked: false,
            masked: [0; 3],
            recorder_loss: 0,
            cti_lost: self.is_fallen_back(),
            start_missed,
            is_excluded: false,
        });
        let kept = std::mem::take(&mut self.state.ring);
        self.state.ring_bytes = 0;
        let kept: Vec<MediaFrame> = kept.into_iter().filter(|f| f.end_ns() > from_ns).collect();
        let at = kept.first().map_or(now, |f| f.at);
        self.out.push(LineCmd::Open { seg, at });
        for frame in kept {
            self.append(frame);
        }
    }

    fn signalled(&mut self, call: Option<CallKey>) -> SegId {
        self.state.segs = self.state.segs.saturating_add(1);
        let seg = SegId(self.state.segs);
        self.out.push(LineCmd::Signalled { seg, at: self.state.now, call });
        seg
    }

    /// Closes the open segment, if there is one.
    fn close(&mut self, reason: &'static str, doubt: Option<Partly>) {
        self.tell_masked();
        let Some(open) = self.state.open.take().filter(|open| !open.is_excluded) else { return };
        let has_lost = open.recorder_loss > self.policy.recorder_loss_samples_max;
        let why = doubt
            .or_else(|| open.cti_lost.then_some(Partly::CtiLost))
            .or_else(|| open.start_missed.then_some(Partly::StartMissed))
            .or_else(|| has_lost.then_some(Partly::RecorderLoss))
            .or_else(|| open.is_masked.then_some(Partly::MaskedToEnd));
        let end = why.map_or(LedgerEnd::Recorded, LedgerEnd::Partly);
        self.out.push(LineCmd::Close { seg: open.seg, at: self.state.now, end, rule: None, reason });
    }

    // - events

    fn event(&mut self, event: LineEvent) {
        let (at_ns, call) = (event.at.mono_ns, event.call);
        let ends = matches!(
            event.kind,
            EventKind::Ended(_) | EventKind::Restart | EventKind::SourceDown(_) | EventKind::CtiStop
        );
        let kind = event.kind.clone();
        if ends {
            self.note(event);
            self.act(&kind, at_ns, call);
        } else {
            self.act(&kind, at_ns, call);
            self.note(event);
        }
    }

    fn act(&mut self, kind: &EventKind, at_ns: u64, key: Option<CallKey>) {
        match kind {
            EventKind::Offered(_) => self.call_up(key, at_ns, false),
            EventKind::Answered => {
                self.call_up(key, at_ns, true);
                if let Some(call) = self.state.call.as_mut() {
                    call.is_answered = true;
                }
                self.call_opens(at_ns);
            }
            EventKind::Held | EventKind::Retrieved => {
                self.call_up(key, at_ns, true);
                if let Some(call) = self.state.call.as_mut() {
                    call.is_held = *kind == EventKind::Held;
                    call.is_answered = true;
                }
                // The hold may have been as long as it liked.
                self.state.last_media_ns = self.state.last_media_ns.max(at_ns);
                self.call_opens(at_ns);
            }
            EventKind::Update(_)
            | EventKind::Proceeding
            | EventKind::Alerting
            | EventKind::Transferred(_) => {
                self.call_up(key, at_ns, true);
            }
            EventKind::Ended(_) if self.is_ours(key) => self.call_down("ended", None),
            EventKind::Restart => self.call_down("restart", Some(Partly::EndUnknown)),
            EventKind::Hook(is_off) if self.policy.driver == Driver::Hook => self.driven(*is_off, at_ns),
            EventKind::Vox(is_on) if self.policy.driver == Driver::Vox => self.driven(*is_on, at_ns),
            EventKind::Ptt(is_on) if self.policy.driver == Driver::Ptt => {
                self.state.ptt = *is_on;
                self.driven(self.state.ptt || self.state.squelch, at_ns);
            }
            EventKind::Squelch(is_open) if self.policy.driver == Driver::Ptt => {
                self.state.squelch = *is_open;
                self.driven(self.state.ptt || self.state.squelch, at_ns);
            }
            EventKind::CtiStart if !self.mode().driver_opens() => self.open_from(at_ns),
            EventKind::CtiStop if !self.mode().driver_closes() => self.close("cti-stop", None),
            EventKind::CtiLink(true) => self.state.cti_down_since_ns = None,
            EventKind::CtiLink(false) => {
                self.state.cti_down_since_ns = self.state.cti_down_since_ns.or(Some(at_ns));
            }
            EventKind::SourceDown(_) => self.source_down(),
            EventKind::SourceUp if self.policy.driver == Driver::Continuous => self.active(at_ns),
            EventKind::Alarm(name, true) if name == "los" && self.policy.driver == Driver::Call => {
                self.call_down("layer-2-lost", Some(Partly::EndUnknown));
            }
            EventKind::Ended(_)
            | EventKind::Hook(_)
            | EventKind::Vox(_)
            | EventKind::Ptt(_)
            | EventKind::Squelch(_)
            | EventKind::CtiStart
            | EventKind::CtiStop
            | EventKind::SourceUp
            | EventKind::Alarm(..)
            | EventKind::Ring(_)
            | EventKind::CallerId { .. }
            | EventKind::Digit { .. }
            | EventKind::Tone(_)
            | EventKind::Display(_)
            | EventKind::Key(_)
            | EventKind::Lamp(..)
            | EventKind::LoopVoltage(_)
            | EventKind::PolarityReversal
            | EventKind::Talkgroup { .. }
            | EventKind::Overrun(_)
            | EventKind::FrameErrors(_)
            | EventKind::Undecodable(_)
            | EventKind::Duplicate => {}
        }
    }

    /// Digits dialled under a mask are not written.
    fn note(&mut self, event: LineEvent) {
        let is_secret =
            matches!(event.kind, EventKind::Digit { .. } | EventKind::Key(_) | EventKind::Display(_));
        let open = self.state.open.as_ref().filter(|open| !(open.is_excluded || open.is_masked && is_secret));
        if let Some(open) = open {
            self.out.push(LineCmd::Note { seg: open.seg, event });
        }
    }

    fn driven(&mut self, is_on: bool, at_ns: u64) {
        if is_on { self.active(at_ns) } else { self.quiet(at_ns) }
    }

    // - calls

    fn is_ours(&self, key: Option<CallKey>) -> bool {
        self.state.call.as_ref().is_some_and(|call| key.is_none() || call.key.is_none() || call.key == key)
    }

    /// Any message creates the call if it is not known; a second call ends the first, whose end was missed.
    fn call_up(&mut self, key: Option<CallKey>, at_ns: u64, start_missed: bool) {
        if self.is_ours(key) {
            return;
        }
        if self.state.call.is_some() && self.policy.driver == Driver::Call {
            self.close("next-call", Some(Partly::EndUnknown));
        }
        self.end_call("next-call");
        // A segment that sound opened before its call data came belongs to this call; an excluded one does not.
        self.state.open = self.state.open.take().filter(|open| !open.is_excluded);
        let running = self.state.open.as_ref().map(|open| open.seg);
        let seg = running.unwrap_or_else(|| self.signalled(key));
        self.state.call = Some(Call {
            key,
            seg,
            is_answered: false,
            is_held: false,
            start_missed: start_missed && self.policy.driver == Driver::Call,
            was_opened: running.is_some(),
        });
        self.state.last_media_ns = self.state.last_media_ns.max(at_ns);
        if self.policy.open_on == OpenOn::Offered || start_missed {
            self.call_opens(at_ns);
        }
        if self.state.is_active && self.policy.driver != Driver::Call && self.mode().driver_opens() {
            self.open_from(at_ns); // back to back with the call before: there was no silence between
        }
    }

    fn call_opens(&mut self, at_ns: u64) {
        if self.policy.driver == Driver::Call {
            self.active(at_ns);
        }
    }

    fn call_down(&mut self, reason: &'static str, doubt: Option<Partly>) {
        // A restart takes away also what only CTI could have stopped.
        if self.state.call.is_some() && (self.mode().driver_closes() || doubt.is_some()) {
            self.close(reason, doubt);
        }
        self.end_call(reason);
    }

    /// Forgets the call; if nothing of it was ever opened, its entry ends here.
    fn end_call(&mut self, reason: &'static str) {
        if self.policy.driver == Driver::Call {
            self.quiet(self.state.now.mono_ns); // so that the next call is a beginning again
        }
        let Some(call) = self.state.call.take() else { return };
        if call.was_opened {
            return;
        }
        let why = match (call.is_answered, self.mode().driver_opens()) {
            (false, _) => NotRecorded::Unanswered,
            (true, false) => NotRecorded::Rule,
            (true, true) => NotRecorded::NoMedia,
        };
        let end = LedgerEnd::NotRecorded(why);
        self.out.push(LineCmd::Close { seg: call.seg, at: self.state.now, end, rule: None, reason });
    }

    fn source_down(&mut self) {
        self.close("source-down", Some(Partly::SourceRestart));
        self.end_call("source-down");
        self.state.is_active = false;
        self.state.quiet_since_ns = self.state.now.mono_ns;
        self.state.ptt = false;
        self.state.squelch = false;
        self.state.vox = <[Vox; 3]>::default();
        self.state.ring.clear();
        self.state.ring_bytes = 0;
    }
}
