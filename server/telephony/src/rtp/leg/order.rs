//! Packets of one leg put in order: doubles, latecomers, new beginnings, the wait for those that were overtaken.
//!
//! What must hold: a packet goes on at most once, and positions are given out in the order of the sequence.

use shared::Stamp;

use crate::rtp::dtmf;
use crate::rtp::formats::Kind;
use crate::rtp::reorder::{Held, Offered};
use crate::rtp::ticks::distance;

use super::{Env, HOLD_NS, Leg, Packet};

/// Packets that may be missing before a jump of the sequence is a new beginning (RFC 3550, A.1: `MAX_DROPOUT`).
pub(super) const DROPOUT_MAX: i16 = 3_000;
/// Packets that one may come behind its place; more is a new beginning (RFC 3550, A.1: `MAX_MISORDER`).
const MISORDER_MAX: i16 = -100;
/// Late packets in a row, in order, that make a new beginning: the sender went back to an earlier number.
const LATE_RUN_MAX: u8 = 4;

impl Leg {
    pub(super) fn begin_stream(&mut self, ssrc: u32, packet: &Packet<'_>) {
        self.ssrc = ssrc;
        self.next_seq = packet.seq;
        self.history = 0;
        self.plain = false;
        self.cold.starting = true;
        self.cold.began_ns = packet.at.mono_ns;
        self.forget_reports();
    }

    /// Ends the wait at a stream's beginning when it has been long enough.
    pub(super) fn start_if_due(&mut self, now: &Stamp, env: &mut Env<'_>) {
        if self.cold.starting && now.mono_ns.saturating_sub(self.cold.began_ns) >= HOLD_NS {
            self.start();
            self.settle(false, env);
        }
    }

    /// Ends the wait at a stream's beginning: the lowest number that came is its first.
    fn start(&mut self) {
        self.cold.starting = false;
        self.cold.ring.date_first();
        if let Some(first) = self.cold.ring.first() {
            self.next_seq = first.seq;
        }
    }

    /// Puts a packet into the order of its sequence.
    pub(super) fn sort(&mut self, packet: Packet<'_>, env: &mut Env<'_>) {
        self.start_if_due(&packet.at, env);
        let ahead = distance(packet.seq, self.next_seq);
        if self.cold.starting && (MISORDER_MAX..=DROPOUT_MAX).contains(&ahead) {
            self.hold(packet, env);
        } else if ahead == 0 && self.cold.ring.is_empty() {
            self.accept(&packet, 0, env);
        } else if !(MISORDER_MAX..=DROPOUT_MAX).contains(&ahead) {
            self.wild(packet, env);
        } else if ahead < 0 {
            self.behind(&packet, ahead.unsigned_abs(), env);
        } else {
            self.hold(packet, env);
        }
        self.refresh();
    }

    /// A packet whose place is written: a double, a latecomer, or the sign that the sender went back.
    fn behind(&mut self, packet: &Packet<'_>, back: u16, env: &mut Env<'_>) {
        let cold = &mut self.cold;
        // Others came between: then the sender has not gone back, and these are doubles.
        let in_a_row = packet.seq == cold.late_next && self.packets == cold.late_packets.wrapping_add(1);
        cold.late_run = if in_a_row { cold.late_run.saturating_add(1) } else { 1 };
        cold.late_next = packet.seq.wrapping_add(1);
        cold.late_packets = self.packets;
        if cold.late_run >= LATE_RUN_MAX {
            self.settle(true, env);
            self.cold.epoch = true;
            self.history = 0;
            self.accept(packet, 0, env);
        } else if self.seen(back) {
            self.cold.duplicate = self.cold.duplicate.saturating_add(1);
        } else {
            self.cold.late = self.cold.late.saturating_add(1);
        }
    }

    fn hold(&mut self, packet: Packet<'_>, env: &mut Env<'_>) {
        let back = if self.cold.starting { MISORDER_MAX.unsigned_abs() } else { 0 };
        match self.cold.ring.offer(self.next_seq.wrapping_sub(back), held(&packet), packet.payload) {
            Offered::Newest => {}
            Offered::Between => self.cold.reordered = self.cold.reordered.saturating_add(1),
            Offered::Duplicate => self.cold.duplicate = self.cold.duplicate.saturating_add(1),
            Offered::Full => {
                self.settle(true, env);
                self.sort(packet, env);
                return;
            }
        }
        self.settle(false, env);
    }

    /// Takes a packet far off the sequence: believed only when a second one follows it (RFC 3550, A.1).
    fn wild(&mut self, packet: Packet<'_>, env: &mut Env<'_>) {
        let follows = |w: &Held| w.seq.wrapping_add(1) == packet.seq;
        match self.cold.wild.take() {
            Some(first) if follows(&first) => {
                self.settle(true, env);
                self.cold.epoch = true;
                self.next_seq = first.seq;
                self.history = 0;
                self.accept(&first.packet(), 0, env);
                self.accept(&packet, 0, env);
            }
            Some(_) | None => {
                self.cold.wild = Some(Held { payload: packet.payload.to_vec(), ..held(&packet) });
            }
        }
    }

    /// Writes waiting packets whose turn has come; with `all`, gives up every hole before them.
    pub(super) fn settle(&mut self, all: bool, env: &mut Env<'_>) {
        if self.cold.starting {
            if !all {
                return;
            }
            self.start();
        }
        let reach = self.writer.clock_hz().max(8_000) / 5;
        while let Some(first) = self.cold.ring.first() {
            let missing = first.seq.wrapping_sub(self.next_seq);
            // Counted from the place of the last packet that may still come, the one just before the first in waiting.
            let awaited = first.ts.wrapping_sub(self.last_ticks);
            let overdue = all || self.cold.ring.span(awaited) > reach;
            if missing > 0 && !overdue {
                break;
            }
            let Some(held) = self.cold.ring.pop() else { break };
            self.accept(&held.packet(), missing, env);
            self.cold.ring.recycle(held.payload);
        }
    }

    /// Takes the packet whose turn it is; `missing` packets before it never came.
    fn accept(&mut self, packet: &Packet<'_>, missing: u16, env: &mut Env<'_>) {
        self.next_seq = packet.seq.wrapping_add(1);
        let shift = u32::from(missing).saturating_add(1);
        self.history = self.history.checked_shl(shift).unwrap_or(0) | 1;
        self.cold.missing = self.cold.missing.saturating_add(u32::from(missing));
        self.cold.dropped |= missing > 0 && packet.drops != self.drops;
        match self.kind_of(packet) {
            Kind::Audio if packet.payload.is_empty() => self.cold.silent = true,
            Kind::Audio if env.shared.mask_digits && self.smuggles_digit(packet) => {
                self.hide(packet, self.last_ticks);
            }
            Kind::Audio => self.sound(packet, env),
            Kind::ComfortNoise => self.cold.silent = true,
            Kind::Events => {
                if env.shared.mask_digits {
                    self.hide(packet, u32::from(dtmf::duration_ticks(packet.payload)));
                }
                self.cold.silent = true;
                self.event(packet, env);
            }
        }
        self.drops = packet.drops;
        self.last_ns = packet.at.mono_ns.max(self.last_ns);
    }

    /// Tells whether the packet `back` places before the next expected one was taken.
    fn seen(&self, back: u16) -> bool {
        let place = u32::from(back).saturating_sub(1);
        self.history.checked_shr(place).is_some_and(|bits| bits & 1 == 1)
    }

    /// Decides whether the next packet may take the fast way.
    fn refresh(&mut self) {
        let cold = &self.cold;
        self.plain = cold.has_track
            && cold.ring.is_empty()
            && cold.open == 0
            && cold.missing == 0
            && !cold.epoch
            && !cold.silent
            && cold.opaque_packets == 0;
    }
}

impl Held {
    fn packet(&self) -> Packet<'_> {
        Packet {
            seq: self.seq,
            ts: self.ts,
            pt: self.pt,
            marker: self.marker,
            at: self.at,
            drops: self.drops,
            opaque: self.opaque,
            payload: &self.payload,
        }
    }
}

fn held(packet: &Packet<'_>) -> Held {
    Held {
        seq: packet.seq,
        ts: packet.ts,
        pt: packet.pt,
        marker: packet.marker,
        at: packet.at,
        drops: packet.drops,
        payload: Vec::new(),
        opaque: packet.opaque,
    }
}
