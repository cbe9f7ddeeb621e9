//! One leg of a segment: packets of one direction in, chunks and notes out.
//!
//! A packet that is exactly the expected one takes [`Leg::fast`]: a few comparisons and one copy. Everything else goes
//! through [`Leg::take`]: order, loss, new epochs, other codecs, silence, digits. What must hold: each sample that was sent
//! is either in a run or inside a gap with a cause; nothing is written twice; the position never goes back.
//!
//! | file | holds |
//! |---|---|
//! | `order` | from the wire's order to the sender's |
//! | `sound` | octets, tracks, anchors in time |
//! | `missing` | gaps and their causes |
//! | `digits` | telephone events |
//! | `reports` | what RTCP says of it |

mod digits;
mod missing;
mod order;
mod reports;
mod sound;

use shared::{Chunk, Event, GapCause, Role, Stamp, Track};

use crate::cmd::MediaStats;

use super::dtmf::DtmfTracker;
use super::formats::{Formats, Kind};
use super::packet::RtpPacket;
use super::reorder::{Held, Reorder};
use super::samples::Shape;
use super::ticks::distance;
pub(crate) use super::ticks::{micros, ticks_of};
use super::writer::{Pool, Writer};

use order::DROPOUT_MAX;
use reports::Suspect;

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
    /// The site does not want to know which digits are dialled.
    pub(crate) mask_digits: bool,
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
    /// Written, and a second or the buffer is full: call [`Leg::filled`].
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
    /// Ticks after the last sound in which masked digits were sent: from, to.
    hidden: Option<(i64, i64)>,
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
    /// When the sender's clock was noted last.
    sender_ns: Option<u64>,
    /// Gaps of earlier tracks.
    gaps: shared::GapTotals,
}

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
        if self.writer.is_full() || self.writer.is_tight(len, ticks) { Fast::Full } else { Fast::Done }
    }

    /// Does what the fast way has no time for: a full second is cut, with all legs of the segment; a full buffer becomes larger.
    pub(crate) fn filled(&mut self, now: &Stamp, env: &mut Env<'_>) {
        if self.writer.is_full() {
            self.cut_running(now, env);
        } else {
            self.writer.enlarge(1, env.pool);
        }
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
}
