//! TCP for SIP: puts the segments of each direction in order and says where something is missing.
//!
//! A listener can't ask again, so this isn't a TCP stack: what arrives twice is dropped, what arrives early waits, and
//! what doesn't arrive within [`TcpLimits::hole_wait_us`] is reported as a [`StreamEvent::Hole`], after which the reader
//! of the stream looks for the next start of a message. Which connections are worth the memory is the caller's choice.
//!
//! Must hold: octets of a stream are delivered once, in order, and never across a hole without saying so.

use std::collections::BTreeMap;

use shared::{Micros, Stamp};

use super::{Endpoint, TcpSegment};

/// Segments of one stream that may wait for an earlier one.
const PIECES_MAX: usize = 512;
/// A jump backwards by more than this is no retransmission but another connection whose beginning was missed.
const FAR_BACK: u32 = 4 << 20;

/// One direction of one connection. Ports that are used again get another `serial`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId {
    /// Who speaks.
    pub src: Endpoint,
    /// To whom.
    pub dst: Endpoint,
    /// Counts the streams of one [`TcpStreams`].
    pub serial: u64,
}

/// What became of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEvent<'a> {
    /// The next octets.
    Data(&'a [u8]),
    /// Octets are missing before those that come next; also told first for a stream whose beginning wasn't seen.
    Hole,
    /// Nothing more will come: closed, reset, idle, or given up for lack of room.
    End,
}

/// Bounds of a [`TcpStreams`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpLimits {
    /// Streams (directions) followed at once.
    pub streams: usize,
    /// Octets of one stream that may wait for an earlier segment.
    pub window_bytes: u32,
    /// Octets of all streams together that may wait.
    pub waiting_bytes: usize,
    /// How long a hole may stay open, in microseconds.
    pub hole_wait_us: Micros,
    /// After this silence a stream is forgotten, in microseconds.
    pub idle_us: Micros,
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self {
            streams: 16_384,
            window_bytes: 256 << 10,
            waiting_bytes: 16 << 20,
            hole_wait_us: 1_000_000,
            idle_us: 300_000_000,
        }
    }
}

/// What a [`TcpStreams`] met.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TcpStats {
    /// Streams begun.
    pub streams: u64,
    /// Holes told.
    pub holes: u64,
    /// Octets that came again.
    pub repeated_octets: u64,
    /// Streams given up for lack of room.
    pub evicted: u64,
}

/// The streams of one tap.
#[derive(Debug)]
pub struct TcpStreams {
    limits: TcpLimits,
    table: BTreeMap<(Endpoint, Endpoint), Stream>,
    waiting: usize,
    serial: u64,
    stats: TcpStats,
}

#[derive(Debug)]
struct Stream {
    serial: u64,
    /// The sequence number that comes next.
    next: u32,
    /// Early segments, by their sequence number, sorted by distance from `next`, without overlap.
    pieces: Vec<(u32, Vec<u8>)>,
    hole_since_ns: u64,
    seen_ns: u64,
    /// Where the sender said that it ends.
    fin: Option<u32>,
    ended: bool,
}

impl Default for TcpStreams {
    fn default() -> Self {
        Self::new(TcpLimits::default())
    }
}

impl TcpStreams {
    /// Makes an empty table that keeps within `limits`.
    #[must_use]
    pub fn new(limits: TcpLimits) -> Self {
        Self { limits, table: BTreeMap::new(), waiting: 0, serial: 0, stats: TcpStats::default() }
    }

    /// Returns what was met so far.
    #[must_use]
    pub const fn stats(&self) -> TcpStats {
        self.stats
    }

    /// Takes a segment; `sink` hears at once whatever it brings in order.
    pub fn handle(
        &mut self,
        now: Stamp,
        segment: &TcpSegment<'_>,
        sink: &mut dyn FnMut(StreamId, StreamEvent<'_>),
    ) {
        let key = (segment.src, segment.dst);
        let (flags, payload) = (segment.flags, segment.payload);
        let first = if flags.syn() { segment.seq.wrapping_add(1) } else { segment.seq };
        let known = self.table.get(&key).map(|stream| stream.belongs(first, flags.syn()));
        if known == Some(false) {
            self.end(key, sink);
            self.table.remove(&key);
        }
        if known != Some(true) {
            if !flags.syn() && (payload.is_empty() || flags.rst()) {
                return; // nothing to follow yet
            }
            self.begin(now, key, first, flags.syn(), sink);
        }
        if flags.rst() {
            self.end(key, sink);
            return;
        }
        let Some(stream) = self.table.get_mut(&key) else { return };
        stream.seen_ns = now.mono_ns;
        if flags.fin() {
            stream.fin = Some(first.wrapping_add(octets(payload)));
        }
        let before = stream.waiting();
        let mut out = Out { id: stream.id(key), sink, stats: &mut self.stats };
        stream.take(now.mono_ns, first, payload, &self.limits, &mut out);
        self.waiting = self.waiting.saturating_sub(before).saturating_add(stream.waiting());
        if self.waiting > self.limits.waiting_bytes {
            self.make_room(sink);
        }
    }

    /// Tells holes that stayed open too long and forgets idle streams. To be called about once a second.
    pub fn handle_timeout(&mut self, now: Stamp, sink: &mut dyn FnMut(StreamId, StreamEvent<'_>)) {
        let (hole_ns, idle_ns) = (nanos(self.limits.hole_wait_us), nanos(self.limits.idle_us));
        let mut idle = Vec::new();
        for (key, stream) in &mut self.table {
            let mut out = Out { id: stream.id(*key), sink, stats: &mut self.stats };
            let before = stream.waiting();
            stream.expire_hole(now.mono_ns, hole_ns, &mut out);
            stream.end_at_fin(&mut out);
            self.waiting = self.waiting.saturating_sub(before).saturating_add(stream.waiting());
            if now.mono_ns.saturating_sub(stream.seen_ns) > idle_ns {
                idle.push(*key);
            }
        }
        for key in idle {
            self.end(key, sink);
            self.table.remove(&key);
        }
    }

    /// Brings out all that still waits and ends every stream: the end of the input.
    pub fn finish(&mut self, sink: &mut dyn FnMut(StreamId, StreamEvent<'_>)) {
        let keys: Vec<_> = self.table.keys().copied().collect();
        for key in keys {
            self.end(key, sink);
        }
        self.table.clear();
    }

    fn begin(
        &mut self,
        now: Stamp,
        key: (Endpoint, Endpoint),
        first: u32,
        from_start: bool,
        sink: &mut dyn FnMut(StreamId, StreamEvent<'_>),
    ) {
        if self.table.len() >= self.limits.streams {
            self.evict(sink);
        }
        self.serial = self.serial.wrapping_add(1);
        self.stats.streams = self.stats.streams.wrapping_add(1);
        let stream = Stream {
            serial: self.serial,
            next: first,
            pieces: Vec::new(),
            hole_since_ns: 0,
            seen_ns: now.mono_ns,
            fin: None,
            ended: false,
        };
        if !from_start {
            sink(stream.id(key), StreamEvent::Hole);
        }
        self.table.insert(key, stream);
    }

    /// Ends a stream but remembers it, so that late repetitions of its octets aren't taken for a new one.
    fn end(&mut self, key: (Endpoint, Endpoint), sink: &mut dyn FnMut(StreamId, StreamEvent<'_>)) {
        let Some(stream) = self.table.get_mut(&key) else { return };
        let before = stream.waiting();
        let mut out = Out { id: stream.id(key), sink, stats: &mut self.stats };
        while !stream.ended && !stream.pieces.is_empty() {
            stream.jump_hole(&mut out);
        }
        self.waiting = self.waiting.saturating_sub(before);
        if !stream.ended {
            stream.ended = true;
            sink(stream.id(key), StreamEvent::End);
        }
    }

    /// Gives up the eighth of the table that was silent longest, so that a flood of connections costs little each.
    fn evict(&mut self, sink: &mut dyn FnMut(StreamId, StreamEvent<'_>)) {
        let mut ages: Vec<_> =
            self.table.iter().map(|(key, s)| (!s.ended, s.seen_ns, s.serial, *key)).collect();
        ages.sort_unstable();
        ages.truncate((self.table.len() / 8).max(1));
        for (_, _, _, key) in ages {
            self.end(key, sink);
            self.table.remove(&key);
            self.stats.evicted = self.stats.evicted.wrapping_add(1);
        }
    }

    /// Jumps the holes of the stream with the most waiting octets.
    fn make_room(&mut self, sink: &mut dyn FnMut(StreamId, StreamEvent<'_>)) {
        let Some((key, stream)) = self.table.iter_mut().max_by_key(|(_, stream)| stream.waiting()) else {
            return;
        };
        let before = stream.waiting();
        let mut out = Out { id: stream.id(*key), sink, stats: &mut self.stats };
        while !stream.pieces.is_empty() {
            stream.jump_hole(&mut out);
        }
        self.waiting = self.waiting.saturating_sub(before);
    }
}

/// Where events of one stream go.
struct Out<'o> {
    id: StreamId,
    sink: &'o mut dyn FnMut(StreamId, StreamEvent<'_>),
    stats: &'o mut TcpStats,
}

impl Out<'_> {
    fn tell(&mut self, event: StreamEvent<'_>) {
        if event == StreamEvent::Hole {
            self.stats.holes = self.stats.holes.wrapping_add(1);
        }
        (self.sink)(self.id, event);
    }
}

impl Stream {
    fn id(&self, (src, dst): (Endpoint, Endpoint)) -> StreamId {
        StreamId { src, dst, serial: self.serial }
    }

    fn waiting(&self) -> usize {
        self.pieces.iter().fold(0usize, |sum, (_, bytes)| sum.saturating_add(bytes.len()))
    }

    /// Tells whether a segment that begins at `first` can be of this stream rather than of a later one on its ports.
    fn belongs(&self, first: u32, syn: bool) -> bool {
        let back = self.next.wrapping_sub(first);
        let behind = back < 1 << 31;
        match (syn, self.ended) {
            (true, _) => behind && back <= FAR_BACK && !self.ended || back == 0,
            (false, true) => behind && back <= FAR_BACK,
            (false, false) => !behind || back <= FAR_BACK,
        }
    }

    fn take(&mut self, now_ns: u64, first: u32, payload: &[u8], limits: &TcpLimits, out: &mut Out<'_>) {
        if self.ended {
            return;
        }
        self.expire_hole(now_ns, nanos(limits.hole_wait_us), out);
        let ahead = first.wrapping_sub(self.next);
        if ahead == 0 || ahead >= 1 << 31 {
            let again = self.next.wrapping_sub(first);
            out.stats.repeated_octets =
                out.stats.repeated_octets.wrapping_add(u64::from(octets(payload).min(again)));
            if let Some(new @ [_, ..]) = payload.get(again as usize..) {
                self.deliver(new, out);
                self.drain(out);
            }
        } else if !payload.is_empty() {
            if self.pieces.is_empty() {
                self.hole_since_ns = now_ns;
            }
            self.keep(first, payload);
            while self.waiting() > limits.window_bytes as usize
                || self.pieces.len() >= PIECES_MAX
                || (ahead > limits.window_bytes && !self.pieces.is_empty())
            {
                self.jump_hole(out);
            }
        }
        self.end_at_fin(out);
    }

    /// Ends the stream where its sender said; what a liar sent beyond that is dropped.
    fn end_at_fin(&mut self, out: &mut Out<'_>) {
        if self.fin == Some(self.next) && !self.ended {
            self.ended = true;
            self.pieces.clear();
            out.tell(StreamEvent::End);
        }
    }

    fn deliver(&mut self, bytes: &[u8], out: &mut Out<'_>) {
        self.next = self.next.wrapping_add(octets(bytes));
        out.tell(StreamEvent::Data(bytes));
    }

    /// Keeps an early segment, without the octets that an earlier one brought.
    fn keep(&mut self, first: u32, payload: &[u8]) {
        let base = self.next;
        let offset = |seq: u32| seq.wrapping_sub(base);
        let (mut at, mut rest) = (offset(first), payload);
        let mut index =
            self.pieces.partition_point(|(seq, bytes)| offset(*seq).saturating_add(octets(bytes)) <= at);
        while !rest.is_empty() && self.pieces.len() < PIECES_MAX {
            let next =
                self.pieces.get(index).map(|(seq, b)| (offset(*seq), offset(*seq).saturating_add(octets(b))));
            let free = next.map_or_else(|| octets(rest), |(start, _)| start.saturating_sub(at));
            let (mine, after) = rest.split_at_checked(free as usize).unwrap_or((rest, &[]));
            if !mine.is_empty() {
                self.pieces.insert(index, (base.wrapping_add(at), mine.to_vec()));
                index = index.saturating_add(1);
                at = at.saturating_add(octets(mine));
            }
            let Some((_, end)) = next else { break };
            rest = after.get(end.saturating_sub(at) as usize..).unwrap_or_default();
            at = at.max(end);
            index = index.saturating_add(1);
        }
    }

    /// Delivers what has become next.
    fn drain(&mut self, out: &mut Out<'_>) {
        let mut done = 0usize;
        let pieces = std::mem::take(&mut self.pieces);
        for (seq, bytes) in &pieces {
            let back = self.next.wrapping_sub(*seq);
            if back >= 1 << 31 {
                break; // still ahead
            }
            if let Some(new @ [_, ..]) = bytes.get(back as usize..) {
                self.deliver(new, out);
            }
            done = done.saturating_add(1);
        }
        self.pieces = pieces;
        self.pieces.drain(..done.min(self.pieces.len()));
    }

    fn jump_hole(&mut self, out: &mut Out<'_>) {
        let Some((seq, _)) = self.pieces.first() else { return };
        self.next = *seq;
        out.tell(StreamEvent::Hole);
        self.drain(out);
    }

    fn expire_hole(&mut self, now_ns: u64, wait_ns: u64, out: &mut Out<'_>) {
        if !self.pieces.is_empty() && now_ns.saturating_sub(self.hole_since_ns) > wait_ns {
            self.jump_hole(out);
            self.hole_since_ns = now_ns;
        }
    }
}

/// The length of a piece of a packet, which is far below 2^32.
fn octets(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

fn nanos(micros: Micros) -> u64 {
    u64::try_from(micros).unwrap_or(0).saturating_mul(1_000)
}
