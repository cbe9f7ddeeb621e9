//! Sound of one leg: the gap before it, then its octets, on the track of its codec.

use shared::{Event, GapCause, Role, Stamp, Track};

use crate::rtp::dtmf;
use crate::rtp::formats::{Kind, Meaning};
use crate::rtp::samples::Shape;
use crate::rtp::ticks::{convert, micros, ticks_of, us_of};
use crate::rtp::writer::Writer;

use super::{Cold, Env, Leg, Out, Packet};

/// Tracks of one segment at most; the rest of the numbers stays free for the recorder.
const TRACKS_MAX: u8 = 250;
/// Nanoseconds between two time anchors of a leg: ten seconds, less the distance from one flush to the next.
const ANCHOR_NS: u64 = 9_500_000_000;

impl Leg {
    /// Writes the sound of a packet after the gap before it.
    pub(super) fn sound(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        if env.shared.start.is_none() {
            env.shared.start = Some(env.shared.began.unwrap_or(packet.at));
        }
        let first = !self.cold.has_track;
        if packet.pt != self.pt && !first && !packet.opaque {
            // Another clock: timestamps before and after cannot be compared.
            self.cold.epoch |= self.meaning_of(packet).format.clock_hz != self.writer.clock_hz();
        }
        if !first {
            self.bridge(packet, env);
        }
        let other = first || packet.pt != self.pt || !self.cold.formats_hold(packet.pt, self.shape);
        if other && !self.switch_track(packet, env) {
            // There is no track for it: the loss is ours.
            let ticks = self.meaning_of(packet).shape.ticks(packet.payload).unwrap_or(self.last_ticks);
            self.gap(GapCause::LostByRecorder, u64::from(ticks.min(self.writer.clock_hz())), env);
            self.next_ts = packet.ts.wrapping_add(ticks);
            (self.cold.silent, self.cold.missing) = (false, 0);
            return;
        }
        self.write(packet, env);
        self.cold.silent = false;
        self.cold.hidden = None;
        self.cold.missing = 0;
        self.cold.dropped = false;
        self.cold.epoch = false;
    }

    /// Writes the payload itself.
    fn write(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        let hz = self.writer.clock_hz();
        let guess = if self.cold.guess == 0 { (hz / 50).max(1) } else { self.cold.guess };
        let told = if packet.opaque { None } else { self.shape.ticks(packet.payload) };
        let mut ticks = told.unwrap_or(guess).min(hz);
        if self.shape.joinable() && !packet.opaque {
            ticks = told.unwrap_or(0);
        }
        self.anchor(self.writer.pos(), &packet.at, env);
        if packet.opaque {
            self.cold.opaque_packets = self.cold.opaque_packets.saturating_add(1);
            // What the guess of the packet before was too long is taken off this one.
            let over = self.next_ts.wrapping_sub(packet.ts);
            let over = if over < hz { over } else { 0 };
            self.gap(GapCause::Undecodable, u64::from(ticks.saturating_sub(over)), env);
        } else {
            self.put(packet.payload, ticks, env);
        }
        self.last_ticks = ticks;
        self.next_ts = packet.ts.wrapping_add(ticks);
        self.cold.silent = false;
        if self.writer.is_full() {
            self.cut(env);
        }
    }

    /// Puts octets into the chunk, cutting it first where they do not fit, and splitting what no chunk could hold.
    fn put(&mut self, payload: &[u8], ticks: u32, env: &mut Env<'_>) {
        let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.writer.wake(env.pool);
        self.writer.make_room(len, ticks, env.pool);
        if !self.writer.fits(len, ticks) {
            self.cut(env);
            self.writer.make_room(len, ticks, env.pool);
        }
        if self.writer.fits(len, ticks) {
            if ticks > 0 {
                self.writer.push(payload, len, ticks);
            }
        } else if let (true, Shape::Octets(per_tick)) = (payload.len() > 1, self.shape) {
            let half = payload.len() / 2;
            let half = half.saturating_sub(half.checked_rem(usize::from(per_tick)).unwrap_or(0));
            let (head, tail) = payload.split_at_checked(half).unwrap_or((payload, &[]));
            if !head.is_empty() && !tail.is_empty() {
                self.put(head, self.shape.ticks(head).unwrap_or(0), env);
                self.put(tail, self.shape.ticks(tail).unwrap_or(0), env);
            }
        } else {
            self.gap(GapCause::Undecodable, u64::from(ticks), env);
        }
    }

    /// Begins a new track for the codec of this packet. False when there is no number left: then its time is a gap.
    ///
    /// A codec that comes back gets a new track, too: on its old one the time in between would have to be a gap, though
    /// nothing is missing, and the sums by cause would count a leg's time twice.
    fn switch_track(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) -> bool {
        let meaning = self.meaning_of(packet);
        let old =
            self.cold.has_track.then(|| (self.writer.track(), self.writer.pos(), self.writer.clock_hz()));
        if old.is_some() && packet.opaque {
            return true; // nothing of it is kept: its time stays on the track at hand
        }
        if env.shared.next_track > TRACKS_MAX {
            return false;
        }
        let number = env.shared.next_track;
        env.shared.next_track = number.saturating_add(1);
        let clock_hz = meaning.format.clock_hz;
        let base = match old {
            Some((_, pos, hz)) => convert(pos, hz, clock_hz),
            None => {
                let start = env.shared.start.unwrap_or(packet.at);
                ticks_of(packet.at.mono_ns.saturating_sub(start.mono_ns), clock_hz)
            }
        };
        self.cut(env);
        let joinable = meaning.shape.joinable();
        let writer = Writer::begin(number, clock_hz, joinable, base, env.pool);
        let ended = std::mem::replace(&mut self.writer, writer);
        self.cold.gaps.merge(ended.totals());
        ended.end(env.pool);
        env.out.push(Out::Track(track(number, self.cold.number, self.cold.role, &meaning)));
        if let Some((before, ..)) = old {
            let note = Event::new("track_change", us_of(base, clock_hz))
                .on_track(number)
                .int("old_track", i64::from(before))
                .int("new_track", i64::from(number));
            env.out.push(Out::Note(note));
        }
        self.pt = packet.pt;
        self.shape = meaning.shape;
        self.cold.has_track = true;
        self.cold.anchor_due = true;
        self.cold.anchored_ns = None;
        self.cold.sender_ns = None;
        self.cold.guess = 0;
        self.next_ts = packet.ts;
        true
    }

    /// Notes which instant a sample belongs to: at a track's start, every 10 s, and after gaps (once a second at most).
    pub(super) fn anchor(&mut self, pos: u64, at: &Stamp, env: &mut Env<'_>) {
        let age = self.cold.anchored_ns.map(|ns| at.mono_ns.saturating_sub(ns));
        let due = match age {
            None => true,
            Some(ns) if self.cold.anchor_due => ns >= 1_000_000_000,
            Some(ns) => ns >= ANCHOR_NS,
        };
        let Some(start) = env.shared.start.filter(|_| due) else { return };
        self.cold.anchored_ns = Some(at.mono_ns);
        self.cold.anchor_due = false;
        let note = Event::new("time_anchor", micros(at, &start))
            .on_track(self.writer.track())
            .int("pos", i64::try_from(pos).unwrap_or(i64::MAX))
            .int("mono_us", i64::try_from(at.mono_ns / 1_000).unwrap_or(i64::MAX))
            .int("utc_us", at.utc.0)
            .int("quality", i64::from(at.quality as u8));
        env.out.push(Out::Note(note));
    }

    pub(super) fn kind_of(&self, packet: &Packet<'_>) -> Kind {
        if packet.opaque {
            return Kind::Audio; // nothing of it can be told
        }
        let running = self.cold.has_track && packet.pt == self.pt;
        self.cold.formats.kind(packet.pt).unwrap_or_else(|| {
            match !running && dtmf::looks_like_event(packet.pt, packet.payload) {
                true => Kind::Events,
                false => Kind::Audio,
            }
        })
    }

    fn meaning_of(&self, packet: &Packet<'_>) -> Meaning {
        let found = self.cold.formats.find(packet.pt).filter(|m| m.kind == Kind::Audio);
        found.or_else(|| self.cold.formats.first_audio().filter(|_| packet.opaque).cloned()).unwrap_or_else(
            || {
                Meaning::of(&crate::sip::Format {
                    payload_type: packet.pt,
                    name: format!("PT{}", packet.pt),
                    clock_hz: 8_000,
                    channels: 1,
                    fmtp: String::new(),
                })
            },
        )
    }
}

impl Cold {
    /// Tells whether the payload type still means what the track was begun with.
    fn formats_hold(&self, pt: u8, shape: Shape) -> bool {
        self.formats.find(pt).is_none_or(|m| m.shape == shape)
    }
}

fn track(track: u8, leg: u8, role: Role, meaning: &Meaning) -> Track {
    let format = &meaning.format;
    Track {
        track,
        leg,
        role,
        codec: format.name.clone(),
        clock_hz: format.clock_hz,
        fmtp: format.fmtp.clone(),
        channels: format.channels,
        joinable: meaning.shape.joinable(),
        opaque: false,
    }
}
