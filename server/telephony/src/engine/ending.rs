//! How a segment ends, and what its ledger entry says then.

use shared::{GapCause, GapTotals, LedgerEnd, NotRecorded, Partly, Stamp, TapId};

use crate::cmd::{MediaStats, SegClose, SegCmd};
use crate::rtp::leg::Env;
use crate::sip::CallKey;

use super::Engine;
use super::report::AlarmKind;
use super::segs::Seg;

/// Milliseconds of sound on one leg after which the silence of the other is a fault of the mirror.
const ONE_WAY_MS: u64 = 2_000;
/// Calls in a row with one direction only that raise an alarm.
const ONE_WAY_CALLS: u32 = 3;

/// What all legs together amount to.
#[derive(Default)]
struct Sums {
    stats: MediaStats,
    gaps: GapTotals,
    opaque: u64,
    /// Legs 0 and 1: milliseconds of sound.
    sound_ms: [u64; 2],
    packets: [u64; 2],
}

impl Engine {
    /// Closes a segment: everything that is left goes out, then the last word.
    pub(super) fn close(&mut self, place: u32, now: &Stamp, reason: &'static str) {
        self.give_up_waiting(place);
        let Some(seg) = self.segs.at_mut(place) else { return };
        let mut sums = Sums::default();
        for leg in seg.legs.iter().copied() {
            let Some(leg) = self.legs.at_mut(leg) else { continue };
            let sound_ms = leg.sound_ms();
            leg.finish(&mut Env { shared: &mut seg.shared, pool: &mut self.pool, out: &mut self.out });
            sums.add(leg, sound_ms);
        }
        if !self.out.is_empty() {
            self.deliver(place, now);
        }
        let Some(seg) = self.segs.take(place) else { return };
        for leg in &seg.legs {
            self.remove_leg(*leg);
        }
        let (end, rule) = self.end_of(&seg, &sums, reason);
        self.watch_mirror(seg.tap, end, &sums, now);
        if reason == "limit" {
            self.limit(now, "signalling kept in memory");
        }
        let at = seg.ended.map_or(*now, |ended| ended.at);
        // A call that had hung up was over, though the input ended while its last packets were waited for.
        let hung_up = seg.ended.filter(|_| reason == "end-of-input");
        let reason = hung_up.map_or(reason, |ended| ended.reason);
        let (stats, gaps) = (sums.stats, sums.gaps);
        let close = SegClose { seg: seg.id, at, end, rule, reason, stats, gaps };
        self.commands.push_back(SegCmd::Close(Box::new(close)));
        if let Some(key) = seg.call {
            self.release_call(key, place);
        }
    }

    /// A rule that was known late excludes a segment that is open: what was sealed must go, and it closes.
    pub(super) fn discard(&mut self, place: u32, now: &Stamp) {
        let Some(seg) = self.segs.at_mut(place) else { return };
        let id = seg.id;
        for leg in seg.legs.iter().copied() {
            self.crypto.remove(&leg);
            if let Some(leg) = self.legs.at_mut(leg) {
                leg.finish(&mut Env { shared: &mut seg.shared, pool: &mut self.pool, out: &mut self.out });
            }
        }
        self.out.clear();
        self.commands.push_back(SegCmd::Discard { seg: id });
        self.close(place, now, "rule");
    }

    fn remove_leg(&mut self, place: u32) {
        self.crypto.remove(&place);
        if let Some(leg) = self.legs.take(place)
            && leg.has_track()
        {
            self.counters.legs = self.counters.legs.wrapping_add(1);
        }
        for flow in std::mem::take(&mut self.beside_mut(place).flows) {
            if self.orphan_ends.get(&flow.dst) == Some(&place) {
                self.orphan_ends.remove(&flow.dst);
            }
            if self.flows.find(&flow) == Some(super::flows::Flow::Leg(place)) {
                self.flows.unbind(&flow);
            }
        }
    }

    fn release_call(&mut self, key: CallKey, place: u32) {
        let Some(call) = self.calls.get_mut(&key) else { return };
        if call.seg == Some(place) {
            call.seg = None;
            call.legs.clear();
        }
        if call.ended.is_some() {
            self.forget_call(key);
        }
    }

    fn end_of(&self, seg: &Seg, sums: &Sums, reason: &'static str) -> (LedgerEnd, Option<u32>) {
        let call = seg.call.and_then(|key| self.calls.get(&key));
        if let Some(call) = call.filter(|c| c.excluded) {
            return (LedgerEnd::NotRecorded(NotRecorded::Rule), call.rule);
        }
        let answered = call.is_some_and(|c| c.answered);
        let pushed_out = reason == "limit";
        if !seg.open && pushed_out {
            return (LedgerEnd::NotRecorded(NotRecorded::Limit), None);
        }
        if !seg.open {
            // Of an orphan nothing came but what is no sound, digits for example.
            let why = if answered || seg.orphan { NotRecorded::NoMedia } else { NotRecorded::Unanswered };
            return (LedgerEnd::NotRecorded(why), None);
        }
        let promised = call.map_or(0, |c| c.promised);
        let partly = if sums.opaque > 0 {
            Some(Partly::EncryptedMedia)
        } else if promised == 3 && sums.one_way() {
            Some(Partly::OneDirection)
        } else if sums.lost_by_us() > 0 {
            Some(Partly::RecorderLoss)
        } else if call.is_some_and(|c| c.fax) {
            Some(Partly::FaxT38)
        } else if seg.start_missed {
            Some(Partly::StartMissed)
        } else if pushed_out
            || seg.ended.is_none() && !seg.rtcp_bye && matches!(reason, "rtp-idle" | "end-of-input")
        {
            Some(Partly::EndUnknown)
        } else if seg.clock_doubt || self.clock.is_wrong() {
            Some(Partly::ClockDoubt)
        } else {
            None
        };
        (partly.map_or(LedgerEnd::Recorded, LedgerEnd::Partly), None)
    }

    /// Notices a tap that shows one direction only, call after call.
    fn watch_mirror(&mut self, tap: TapId, end: LedgerEnd, sums: &Sums, now: &Stamp) {
        let run = self.one_way.entry(tap).or_default();
        if end != LedgerEnd::Partly(Partly::OneDirection) {
            if sums.sound_ms.iter().all(|ms| *ms > ONE_WAY_MS) {
                *run = 0;
            }
            return;
        }
        *run = run.saturating_add(1);
        if *run == ONE_WAY_CALLS {
            let text = "Three calls in a row have one direction of audio only, though both were signalled. The mirror \
                        port of the switch most likely copies one direction: set it to copy both (ingress and egress), \
                        and check that both trunks or uplinks are mirrored."
                .to_owned();
            self.alarm(*now, Some(tap), AlarmKind::OneDirection, text);
        }
    }
}

impl Sums {
    fn add(&mut self, leg: &crate::rtp::leg::Leg, sound_ms: u64) {
        let stats = leg.stats();
        self.stats.packets = self.stats.packets.saturating_add(stats.packets);
        self.stats.duplicate = self.stats.duplicate.saturating_add(stats.duplicate);
        self.stats.late = self.stats.late.saturating_add(stats.late);
        self.stats.reordered = self.stats.reordered.saturating_add(stats.reordered);
        self.gaps.merge(&leg.gaps());
        self.opaque = self.opaque.saturating_add(leg.opaque_packets());
        if let Some(sound) = self.sound_ms.get_mut(usize::from(leg.number())) {
            *sound = sound.saturating_add(sound_ms);
        }
        if let Some(packets) = self.packets.get_mut(usize::from(leg.number())) {
            *packets = packets.saturating_add(leg.packets());
        }
    }

    fn one_way(&self) -> bool {
        let [caller, called] = self.sound_ms;
        let [from_caller, from_called] = self.packets;
        caller > ONE_WAY_MS && from_called == 0 || called > ONE_WAY_MS && from_caller == 0
    }

    fn lost_by_us(&self) -> u64 {
        self.gaps.0.get(usize::from(GapCause::LostByRecorder.number())).copied().unwrap_or(0)
    }
}
