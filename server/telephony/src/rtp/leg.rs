//! One leg of a segment: packets of one direction in, chunks and notes out.
//!
//! A packet that is exactly the expected one takes [`Leg::fast`]: a few comparisons and one copy. Everything else goes
//! through [`Leg::take`]: order, loss, new epochs, other codecs, silence, digits. What must hold: each sample that was sent
//! is either in a run or inside a gap with a cause; nothing is written twice; the position never goes back.

use shared::{Chunk, Event, GapCause, Role, Stamp, Track};

use crate::cmd::MediaStats;

use super::dtmf::{Digit, DtmfTracker};
use super::formats::{Formats, Kind, Meaning};
use super::packet::RtpPacket;
use super::reorder::{Held, Offered, Reorder};
use super::samples::Shape;
use super::ticks::{convert, distance, us_of};
pub(crate) use super::ticks::{micros, ticks_of};
use super::writer::{Pool, Writer};

/// Packets that may be missing before a jump of the sequence is a new beginning (RFC 3550, A.1: `MAX_DROPOUT`).
const DROPOUT_MAX: i16 = 3_000;
/// Packets that one may come behind its place; more is a new beginning (RFC 3550, A.1: `MAX_MISORDER`).
const MISORDER_MAX: i16 = -100;
/// Late packets in a row, in order, that make a new beginning: the sender went back to an earlier number.
const LATE_RUN_MAX: u8 = 4;
/// Tracks of one segment at most; the rest of the numbers stays free for the recorder.
const TRACKS_MAX: u8 = 250;
/// Seconds that a timestamp may jump ahead before it is a new epoch.
const EPOCH_S: i64 = 60;
/// Nanoseconds after which an open gap is written.
const OPEN_GAP_NS: u64 = 10_000_000_000;
/// Nanoseconds that an open gap stays behind the clock, so that audio never has to go back.
const OPEN_MARGIN_NS: u64 = 1_000_000_000;
/// Nanoseconds for which a packet waits for those before it; so long does a stream's beginning wait, too.
pub(crate) const HOLD_NS: u64 = 200_000_000;
/// Nanoseconds without a packet after which a leg gives its memory up.
const REST_NS: u64 = 1_000_000_000;
/// Nanoseconds of quiet after which a digit whose end was lost counts as over.
const DIGIT_NS: u64 = 500_000_000;
/// Nanoseconds between two time anchors of a leg: ten seconds, less the distance from one flush to the next.
const ANCHOR_NS: u64 = 9_500_000_000;

/// What all legs of one segment share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The stamp of the segment's first sample.
    pub(crate) start: Option<Stamp>,
    /// When the first sound of any leg came, which may wait in its leg for its elders.
    pub(crate) began: Option<Stamp>,
    /// The next free track number.
    pub(crate) next_track: u8,
    /// Signalling says that the call is on hold.
    pub(crate) held: bool,
    /// When the last hold ended, on the monotonic clock.
    pub(crate) held_until_ns: u64,
}

impl Shared {
    /// Tells whether there was a hold after this moment.
    fn held_since(&self, ns: u64) -> bool {
        self.held || self.held_until_ns > ns
    }
}

/// What a leg gives to its segment.
#[derive(Debug)]
pub(crate) enum Out {
    /// A new track.
    Track(Track),
    /// About a second of audio.
    Chunk(Chunk),
    /// Something to seal beside it.
    Note(Event),
}

/// What a leg works with.
#[derive(Debug)]
pub(crate) struct Env<'a> {
    pub(crate) shared: &'a mut Shared,
    pub(crate) pool: &'a mut Pool,
    pub(crate) out: &'a mut Vec<Out>,
}

/// How the fast way ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fast {
    /// Written.
    Done,
    /// Written, and a second is full: cut all legs of the segment.
    Full,
    /// Not the expected packet: take the slow way.
    No,
}

/// One leg. The fast way touches two cache lines: the fields in front, and those in front of the writer.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Leg {
    ssrc: u32,
    next_ts: u32,
    next_seq: u16,
    pt: u8,
    /// True when the next expected packet may take the fast way.
    plain: bool,
    drops: u32,
    shape: Shape,
    /// The leg is under SRTP: its packets are opened before they come here, or are opaque.
    pub(crate) protected: bool,
    /// Other calls may expect the same stream.
    pub(crate) twinned: bool,
    last_ns: u64,
    history: u64,
    packets: u64,
    /// Ticks of the last packet.
    last_ticks: u32,
    /// The segment that this leg belongs to, a place in the engine's table.
    pub(crate) seg: u32,
    cold: Box<Cold>,
    writer: Writer,
}

/// What only the slow way touches.
#[derive(Debug, Default)]
struct Cold {
    number: u8,
    role: Role,
    formats: Formats,
    begun: bool,
    /// The stream's first packets wait: one with a lower number may have been overtaken.
    starting: bool,
    /// When the stream began.
    began_ns: u64,
    has_track: bool,
    ring: Reorder,
    wild: Option<Held>,
    dtmf: DtmfTracker,
    event_ns: u64,
    /// Ticks of the open gap already written beyond the last packet, and under which cause.
    open: u64,
    open_cause: GapCause,
    /// The sender is silent by its own word: comfort noise, SID, events.
    silent: bool,
    /// Packets missing since the last sound, and whether a drop counter rose meanwhile.
    missing: u32,
    dropped: bool,
    /// The next sound begins a new epoch.
    epoch: bool,
    /// Ticks of packets that do not tell, once learned.
    guess: u32,
    /// Packets that came too late one after the other, and the one that would be next.
    late_run: u8,
    late_next: u16,
    late_packets: u64,
    opaque_packets: u64,
    anchor_due: bool,
    anchored_ns: Option<u64>,
    duplicate: u64,
    late: u64,
    reordered: u64,
    /// Gaps since the last report of the receiver, and what that one said was lost so far.
    suspects: Vec<Suspect>,
    reported_lost: Option<i32>,
    /// Gaps of earlier tracks.
    gaps: shared::GapTotals,
}

/// A gap that the network may not be to blame for: the receiver's next report tells.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    from: u64,
    samples: u64,
    track: u8,
    /// The packet after the gap.
    seq: u16,
}

/// Suspects kept between two reports of a receiver.
const SUSPECTS_MAX: usize = 32;

/// One packet on its slow way.
#[derive(Clone, Copy)]
struct Packet<'a> {
    seq: u16,
    ts: u32,
    pt: u8,
    marker: bool,
    at: Stamp,
    drops: u32,
    opaque: bool,
    payload: &'a [u8],
}

impl Leg {
    pub(crate) fn new(seg: u32, number: u8, role: Role, formats: Formats) -> Self {
        Self {
            ssrc: 0,
            next_ts: 0,
            next_seq: 0,
            pt: 0xff,
            plain: false,
            shape: Shape::Unknown,
            drops: 0,
            last_ns: 0,
            history: 0,
            packets: 0,
            last_ticks: 0,
            protected: false,
            twinned: false,
            writer: Writer::default(),
            seg,
            cold: Box::new(Cold { number, role, formats, anchor_due: true, ..Cold::default() }),
        }
    }

    /// Returns the leg's number in its segment.
    pub(crate) fn number(&self) -> u8 {
        self.cold.number
    }

    /// Returns the monotonic time of the last packet, 0 before the first.
    pub(crate) fn last_ns(&self) -> u64 {
        self.cold.ring.newest_ns().max(self.last_ns)
    }

    /// Returns the SSRC in use, if packets have come.
    pub(crate) fn ssrc(&self) -> Option<u32> {
        self.cold.begun.then_some(self.ssrc)
    }

    /// Tells whether sound has been written.
    pub(crate) fn has_track(&self) -> bool {
        self.cold.has_track
    }

    /// Tells whether nothing says what the packets of this leg hold: neither SDP nor the table of static payload types.
    pub(crate) fn is_nameless(&self) -> bool {
        self.cold.formats.find(self.pt).is_none()
    }

    /// Returns the packets taken.
    pub(crate) const fn packets(&self) -> u64 {
        self.packets
    }

    /// Returns the packets that came encrypted without a key.
    pub(crate) fn opaque_packets(&self) -> u64 {
        self.cold.opaque_packets
    }

    /// Returns the milliseconds of sound and gaps behind the leg.
    pub(crate) fn sound_ms(&self) -> u64 {
        let hz = u64::from(self.writer.clock_hz().max(1));
        self.writer.samples().saturating_mul(1_000).checked_div(hz).unwrap_or(0)
    }

    /// Returns what the wire delivered.
    pub(crate) fn stats(&self) -> MediaStats {
        MediaStats {
            packets: self.packets,
            duplicate: self.cold.duplicate,
            late: self.cold.late,
            reordered: self.cold.reordered,
        }
    }

    /// Returns the missing samples by cause.
    pub(crate) fn gaps(&self) -> shared::GapTotals {
        let mut totals = self.cold.gaps;
        totals.merge(self.writer.totals());
        totals
    }

    /// Takes over the formats that SDP gives now.
    pub(crate) fn learn(&mut self, mut formats: Formats) {
        formats.merge(&self.cold.formats);
        if self.cold.formats != formats {
            self.cold.formats = formats;
            // A payload type may mean another codec now: look again at the next packet.
            self.plain = false;
        }
    }

    /// Tells whether a packet follows closely on what this leg has taken: the same stream by all signs.
    pub(crate) fn continues(&self, rtp: &RtpPacket<'_>) -> bool {
        let ahead = distance(rtp.sequence, self.next_seq);
        self.cold.begun && rtp.ssrc == self.ssrc && (-25..=DROPOUT_MAX).contains(&ahead)
    }

    /// Writes the expected packet, and nothing else.
    #[inline]
    pub(crate) fn fast(&mut self, now: &Stamp, drops: u32, rtp: &RtpPacket<'_>) -> Fast {
        let expected = self.plain
            && rtp.ssrc == self.ssrc
            && rtp.sequence == self.next_seq
            && rtp.timestamp == self.next_ts
            && rtp.payload_type == self.pt;
        if !expected {
            return Fast::No;
        }
        let Some(ticks) = self.shape.ticks(rtp.payload) else { return Fast::No };
        let Ok(len) = u32::try_from(rtp.payload.len()) else { return Fast::No };
        if !self.writer.fits(len, ticks) {
            return Fast::No;
        }
        self.writer.push(rtp.payload, len, ticks);
        self.next_seq = rtp.sequence.wrapping_add(1);
        self.next_ts = rtp.timestamp.wrapping_add(ticks);
        self.history = self.history << 1 | 1;
        self.packets = self.packets.wrapping_add(1);
        self.last_ns = now.mono_ns;
        self.last_ticks = ticks;
        self.drops = drops;
        if self.writer.is_full() { Fast::Full } else { Fast::Done }
    }

    /// Takes the fast way if the packet is the expected one and was not encrypted without a key.
    pub(crate) fn fast_unless(&mut self, opaque: bool, now: &Stamp, drops: u32, rtp: &RtpPacket<'_>) -> Fast {
        if opaque { Fast::No } else { self.fast(now, drops, rtp) }
    }

    /// Takes any packet.
    pub(crate) fn take(
        &mut self,
        now: &Stamp,
        drops: u32,
        rtp: &RtpPacket<'_>,
        opaque: bool,
        env: &mut Env<'_>,
    ) {
        self.packets = self.packets.wrapping_add(1);
        let packet = Packet {
            seq: rtp.sequence,
            ts: rtp.timestamp,
            pt: rtp.payload_type,
            marker: rtp.marker,
            at: *now,
            drops,
            opaque,
            payload: rtp.payload,
        };
        if !self.cold.begun {
            self.cold.begun = true;
            self.begin_stream(rtp.ssrc, &packet);
        } else if rtp.ssrc != self.ssrc {
            if !matches!(self.kind_of(&packet), Kind::Audio) {
                self.event(&packet, env); // digits may have an SSRC of their own
                return;
            }
            self.settle(true, env);
            self.cold.epoch = true;
            self.cold.wild = None;
            self.begin_stream(rtp.ssrc, &packet);
        }
        if env.shared.began.is_none()
            && matches!(self.kind_of(&packet), Kind::Audio)
            && !rtp.payload.is_empty()
        {
            env.shared.began = Some(*now);
        }
        self.sort(packet, env);
    }

    /// Does what time asks for: lets waiting packets go, writes the open gap of a silent leg.
    pub(crate) fn tick(&mut self, now: &Stamp, drops: u32, env: &mut Env<'_>) {
        self.start_if_due(now, env);
        if self.cold.ring.first().is_some_and(|f| now.mono_ns.saturating_sub(f.at.mono_ns) >= HOLD_NS) {
            self.settle(true, env);
        }
        let quiet = now.mono_ns.saturating_sub(self.cold.event_ns) >= DIGIT_NS;
        if let Some(digit) = quiet.then(|| self.cold.dtmf.flush()).flatten() {
            self.digit(&digit, now, env);
        }
        if !self.cold.has_track {
            return;
        }
        if now.mono_ns.saturating_sub(self.last_ns()) >= REST_NS && !self.writer.has_chunk() {
            self.plain = false;
            self.writer.rest(env.pool);
        }
        self.cold.ring.rest();
        let hz = self.writer.clock_hz();
        let due = ticks_of(now.mono_ns.saturating_sub(self.last_ns).saturating_sub(OPEN_MARGIN_NS), hz)
            .saturating_sub(u64::from(self.last_ticks));
        let step = ticks_of(OPEN_GAP_NS.saturating_sub(OPEN_MARGIN_NS), hz);
        let more = due.saturating_sub(self.cold.open);
        if more >= step {
            let cause = if self.was_silent(env.shared) {
                GapCause::SilenceSuppressed
            } else if self.drops != drops || self.cold.dropped {
                GapCause::LostByRecorder
            } else {
                GapCause::LostInNetwork
            };
            self.open_gap(cause, more, env);
        }
    }

    /// Hands over what is in the chunk.
    pub(crate) fn cut(&mut self, env: &mut Env<'_>) {
        if let Some(chunk) = self.writer.cut(env.pool) {
            env.out.push(Out::Chunk(chunk));
        }
    }

    /// Hands over what is in the chunk while the stream runs, with an anchor when one is due.
    pub(crate) fn cut_running(&mut self, now: &Stamp, env: &mut Env<'_>) {
        if self.plain {
            let ago = now.mono_ns.saturating_sub(self.last_ns);
            let utc = now.utc.plus(i64::try_from(ago / 1_000).unwrap_or(0).saturating_neg());
            let at = Stamp { mono_ns: self.last_ns, utc, quality: now.quality };
            self.anchor(self.writer.pos().saturating_sub(u64::from(self.last_ticks)), &at, env);
        }
        self.cut(env);
    }

    /// Lets go of everything: the leg is over.
    pub(crate) fn finish(&mut self, env: &mut Env<'_>) {
        self.settle(true, env);
        if let Some(digit) = self.cold.dtmf.flush() {
            let at = Stamp { mono_ns: self.last_ns, ..Stamp::default() };
            self.digit(&digit, &at, env);
        }
        self.cut(env);
        self.plain = false;
        let writer = std::mem::take(&mut self.writer);
        self.cold.gaps.merge(writer.totals());
        writer.end(env.pool);
    }

    fn begin_stream(&mut self, ssrc: u32, packet: &Packet<'_>) {
        self.ssrc = ssrc;
        self.next_seq = packet.seq;
        self.history = 0;
        self.plain = false;
        self.cold.starting = true;
        self.cold.began_ns = packet.at.mono_ns;
    }

    /// Ends the wait at a stream's beginning when it has been long enough.
    fn start_if_due(&mut self, now: &Stamp, env: &mut Env<'_>) {
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
    fn sort(&mut self, packet: Packet<'_>, env: &mut Env<'_>) {
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
    fn settle(&mut self, all: bool, env: &mut Env<'_>) {
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
            Kind::Audio => self.sound(packet, env),
            Kind::ComfortNoise => self.cold.silent = true,
            Kind::Events => {
                self.cold.silent = true;
                self.event(packet, env);
            }
        }
        self.drops = packet.drops;
        self.last_ns = packet.at.mono_ns.max(self.last_ns);
    }

    fn event(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        if packet.opaque {
            return;
        }
        self.cold.event_ns = packet.at.mono_ns;
        if let Some(digit) = self.cold.dtmf.handle(packet.ts, packet.marker, packet.payload) {
            self.digit(&digit, &packet.at, env);
        }
    }

    fn digit(&self, digit: &Digit, at: &Stamp, env: &mut Env<'_>) {
        let Some(start) = env.shared.start else { return };
        let hz = u64::from(self.writer.clock_hz().max(8_000));
        let ms = u64::from(digit.duration_ticks).saturating_mul(1_000).checked_div(hz).unwrap_or(0);
        let mut text = String::new();
        text.push(digit.digit);
        let mut note = Event::new("digit", micros(at, &start))
            .text("digit", &text)
            .text("by", "rfc4733")
            .int("leg", i64::from(self.cold.number))
            .int("duration_ms", i64::try_from(ms).unwrap_or(i64::MAX));
        if self.cold.has_track {
            note = note.on_track(self.writer.track());
        }
        env.out.push(Out::Note(note));
    }

    /// Writes the sound of a packet after the gap before it.
    fn sound(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
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
            self.next_ts = packet.ts;
            return;
        }
        self.write(packet, env);
        self.cold.silent = false;
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
        if !self.writer.fits(len, ticks) {
            self.cut(env);
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

    /// Accounts for the time between the last sound and this one.
    fn bridge(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        let hz = i64::from(self.writer.clock_hz());
        let step = i64::from(packet.ts.wrapping_sub(self.next_ts).cast_signed());
        if self.cold.missing == 0 && !self.cold.epoch && !self.cold.silent && self.amend(step, packet) {
            return;
        }
        let small_overlap = packet.opaque && step < 0 && step > hz.saturating_neg();
        if self.cold.epoch || step < 0 && !small_overlap || step > hz.saturating_mul(EPOCH_S) {
            self.new_epoch(packet, env);
            return;
        }
        let step = u64::try_from(step).unwrap_or(0);
        let silent = self.was_silent(env.shared)
            || packet.marker
            || !self.shape.joinable() && self.shape.announces_silence(self.writer.last_len());
        let lost = u64::from(self.cold.missing).saturating_mul(u64::from(self.last_ticks.max(1)));
        let lost = match (self.cold.missing, silent) {
            (0, _) => 0,
            (_, true) => lost.min(step),
            (_, false) => step,
        };
        let by = if self.cold.dropped { GapCause::LostByRecorder } else { GapCause::LostInNetwork };
        let rest = if silent { GapCause::SilenceSuppressed } else { GapCause::None };
        let from = self.writer.pos().saturating_sub(self.cold.open);
        self.close_gap(&[(by, lost), (rest, step.saturating_sub(lost))], env);
        if lost > 0 && by == GapCause::LostInNetwork && self.cold.suspects.len() < SUSPECTS_MAX {
            let track = self.writer.track();
            self.cold.suspects.push(Suspect { from, samples: lost, track, seq: packet.seq });
        }
    }

    /// Hears what the receiver of this leg says of it (RTCP receiver report): if it got what we miss, the loss is ours.
    pub(crate) fn report(&mut self, lost: i32, highest: u32, env: &mut Env<'_>) {
        let before = self.cold.reported_lost.replace(lost);
        let newest = u16::try_from(highest & 0xffff).unwrap_or(0);
        let suspects = std::mem::take(&mut self.cold.suspects);
        for suspect in suspects {
            if distance(newest, suspect.seq) < 0 {
                self.cold.suspects.push(suspect); // the report does not reach that far yet
            } else if before == Some(lost) && suspect.track == self.writer.track() {
                let (was, is) = (GapCause::LostInNetwork, GapCause::LostByRecorder);
                self.correct(was, is, suspect.from, suspect.samples, env);
            }
        }
    }

    /// Learns the true length of a packet whose octets did not tell it; tells whether that explains the step.
    fn amend(&mut self, step: i64, packet: &Packet<'_>) -> bool {
        if self.shape != Shape::Unknown || packet.opaque || step == 0 || self.cold.open > 0 {
            return false;
        }
        let was = self.last_ticks;
        let is = i64::from(was).saturating_add(step);
        let most = self.writer.clock_hz() / 5;
        match u32::try_from(is) {
            Ok(is) if (1..=most).contains(&is) => {
                self.cold.guess = is;
                self.writer.amend_last(was, is)
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// The sender's clock began anew: the distance is what the monotonic clock says.
    fn new_epoch(&mut self, packet: &Packet<'_>, env: &mut Env<'_>) {
        let hz = self.writer.clock_hz();
        let since = ticks_of(packet.at.mono_ns.saturating_sub(self.last_ns), hz);
        let beyond = since.saturating_sub(u64::from(self.last_ticks));
        // Less than 40 ms is jitter, not absence.
        let step = if beyond < u64::from(hz / 25) { 0 } else { beyond };
        let cause = if self.was_silent(env.shared) {
            GapCause::SilenceSuppressed
        } else if packet.drops != self.drops {
            GapCause::LostByRecorder
        } else {
            GapCause::None
        };
        self.close_gap(&[(cause, step)], env);
        self.next_ts = packet.ts;
    }

    /// Tells whether the sender had a reason to send nothing since its last packet.
    fn was_silent(&self, shared: &Shared) -> bool {
        self.cold.silent || shared.held_since(self.last_ns)
    }

    /// Writes the gaps before a packet, less what an open gap has already said of them.
    fn close_gap(&mut self, parts: &[(GapCause, u64)], env: &mut Env<'_>) {
        let mut written = std::mem::take(&mut self.cold.open);
        let was = self.cold.open_cause;
        let mut from = self.writer.pos().saturating_sub(written);
        for (cause, samples) in parts.iter().copied() {
            let said = samples.min(written);
            if said > 0 && cause != was {
                self.correct(was, cause, from, said, env);
            }
            written = written.saturating_sub(said);
            from = from.saturating_add(said);
            self.gap(cause, samples.saturating_sub(said), env);
        }
    }

    /// Says that an open gap had another cause than was written.
    fn correct(&mut self, was: GapCause, is: GapCause, from: u64, samples: u64, env: &mut Env<'_>) {
        self.writer.recount(was, is, samples);
        let to = from.saturating_add(samples);
        let t_us = us_of(to, self.writer.clock_hz());
        let note = Event::new("gap_cause", t_us)
            .on_track(self.writer.track())
            .int("from_sample", i64::try_from(from).unwrap_or(i64::MAX))
            .int("to_sample", i64::try_from(to).unwrap_or(i64::MAX))
            .int("cause", i64::from(is.number()));
        env.out.push(Out::Note(note));
    }

    fn open_gap(&mut self, cause: GapCause, samples: u64, env: &mut Env<'_>) {
        if self.cold.open > 0 && self.cold.open_cause != cause {
            // One open gap has one cause; what it was before stays corrected to the newer word.
            let (was, open) = (self.cold.open_cause, self.cold.open);
            let from = self.writer.pos().saturating_sub(open);
            self.correct(was, cause, from, open, env);
        }
        self.gap(cause, samples, env);
        self.cold.open = self.cold.open.saturating_add(samples);
        self.cold.open_cause = cause;
        self.plain = false;
    }

    fn gap(&mut self, cause: GapCause, samples: u64, env: &mut Env<'_>) {
        let mut rest = samples;
        while rest > 0 {
            self.cold.anchor_due |= cause != GapCause::Undecodable;
            rest = self.writer.gap(cause, rest);
            if rest > 0 {
                self.cut(env);
            }
        }
    }

    /// Begins a new track for the codec of this packet. False when there is no number left: then its time is a gap.
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
        self.cold.guess = 0;
        self.next_ts = packet.ts;
        true
    }

    /// Notes which instant a sample belongs to: at a track's start, every 10 s, and after gaps (once a second at most).
    fn anchor(&mut self, pos: u64, at: &Stamp, env: &mut Env<'_>) {
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

    fn kind_of(&self, packet: &Packet<'_>) -> Kind {
        if packet.opaque {
            return Kind::Audio; // nothing of it can be told
        }
        if packet.pt == self.pt {
            return Kind::Audio;
        }
        let unannounced =
            || match self.cold.has_track && super::dtmf::looks_like_event(packet.pt, packet.payload) {
                true => Kind::Events,
                false => Kind::Audio,
            };
        self.cold.formats.find(packet.pt).map_or_else(unannounced, |m| m.kind)
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
