//! One track being written: payloads and gaps in, chunks out.
//!
//! The writer owns the position of its track. Nothing else moves it: a payload moves it by its samples, a gap by its
//! length, so that runs and gaps always sum to the position. It knows the limits of a [`Chunk`] and refuses what would
//! break them; its owner then cuts the chunk and tries again. It knows nothing of sequence numbers and timestamps.
//!
//! A second begins in a buffer for half of it and moves to a whole one when that is full: of thousands of calls half are in the
//! first half of their second, and have a smaller buffer for that long. It costs one copy of half a second, each second.

use shared::{Chunk, FrameBuf, GapCause, GapTotals, RunHead};

/// Octets of payload in one chunk at most (65,536 less the room for the run list).
const CHUNK_BYTES_MAX: usize = 60_000;
/// Seconds of gap in one chunk at most.
const CHUNK_GAP_S_MAX: u64 = 10;
/// Payload octets for which buffers have room: a second of a narrow codec, half a second of G.711, a second of it, of the widest.
const SIZES: [usize; 4] = [2_048, 4_032, 8_064, CHUNK_BYTES_MAX];
/// Buffers of each size kept for the next second at most.
const KEPT_MAX: [usize; 4] = [8_192, 8_192, 8_192, 512];

/// Frame buffers that came back from the sealer, by size, ready to be filled again.
#[derive(Debug, Default)]
pub struct Pool {
    free: [Vec<FrameBuf>; 4],
}

impl Pool {
    /// Takes a buffer with room for `octets`, a used one if there is any.
    pub fn take(&mut self, octets: usize) -> FrameBuf {
        let class = SIZES.iter().position(|size| *size >= octets).unwrap_or(SIZES.len().saturating_sub(1));
        let used = self.free.get_mut(class).and_then(Vec::pop);
        used.unwrap_or_else(|| FrameBuf::with_capacity(SIZES.get(class).copied().unwrap_or(octets)))
    }

    /// Gives a buffer back. What never had memory, or too little for any size, is dropped.
    pub fn give(&mut self, mut buf: FrameBuf) {
        if buf.storage().is_empty() {
            return;
        }
        let Some(class) = SIZES.iter().rposition(|size| *size <= buf.room()) else { return };
        let most = KEPT_MAX.get(class).copied().unwrap_or(0);
        if let Some(free) = self.free.get_mut(class).filter(|free| free.len() < most) {
            buf.clear();
            free.push(buf);
        }
    }
}

/// The track under the pen. What each packet touches lies in front, in one cache line.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Writer {
    /// Samples that the chunk still takes before a second of its track is over.
    room_samples: u32,
    /// Octets that `buf` takes before it must be larger.
    holds: u16,
    joinable: bool,
    /// Whether `last` holds a run.
    begun: bool,
    last: RunHead,
    buf: FrameBuf,
    /// Position after everything written, in ticks from the segment's start.
    pos: u64,
    // - touched once a packet by codecs whose packets stay apart, else once a second
    runs: Vec<RunHead>,
    base: u64,
    room_gap: u64,
    /// Samples of all runs before `last`.
    samples: u64,
    clock_hz: u32,
    /// The most octets that a second of this track has had.
    want: usize,
    totals: GapTotals,
    track: u8,
}

impl Writer {
    /// Begins a track at `base` ticks from the segment's start.
    #[must_use]
    pub fn begin(track: u8, clock_hz: u32, joinable: bool, base: u64, pool: &mut Pool) -> Self {
        // One octet a tick is G.711; what else it is, the first second will tell.
        let want = if joinable { usize::try_from(clock_hz).unwrap_or(0) } else { 0 };
        let clock_hz = clock_hz.max(1);
        let mut writer = Self { track, clock_hz, joinable, pos: base, want, ..Self::default() };
        writer.hold(pool.take(want / 2));
        writer.fresh();
        writer
    }

    /// Returns the number of the track.
    #[must_use]
    pub const fn track(&self) -> u8 {
        self.track
    }

    /// Returns the position after everything written.
    #[must_use]
    pub const fn pos(&self) -> u64 {
        self.pos
    }

    /// Returns the ticks a second of this track.
    #[must_use]
    pub const fn clock_hz(&self) -> u32 {
        self.clock_hz
    }

    /// Tells whether something waits to be cut.
    #[must_use]
    pub const fn has_chunk(&self) -> bool {
        self.begun
    }

    /// Tells whether a second of the track is in the chunk.
    #[inline]
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.room_samples == 0
    }

    /// Tells whether a payload of `len` octets and `samples` ticks still fits into the chunk and its buffer.
    #[inline]
    #[must_use]
    pub fn fits(&self, len: u32, samples: u32) -> bool {
        samples <= self.room_samples && self.holds(len)
    }

    /// Tells whether the buffer has room for `len` octets more.
    #[inline]
    fn holds(&self, len: u32) -> bool {
        let octets = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(self.buf.len());
        octets <= usize::from(self.holds)
    }

    /// Tells whether the second would take another payload of `len` octets and `samples` ticks, but the buffer would not.
    #[inline]
    #[must_use]
    pub fn is_tight(&self, len: u32, samples: u32) -> bool {
        samples <= self.room_samples && !self.holds(len)
    }

    /// Has room for a payload of `len` octets and `samples` ticks, unless the chunk must be cut before it.
    pub fn make_room(&mut self, len: u32, samples: u32, pool: &mut Pool) {
        if self.is_tight(len, samples) {
            self.enlarge(usize::try_from(len).unwrap_or(usize::MAX), pool);
        }
    }

    /// Moves what is written into a larger buffer, which has room for `octets` more; not beyond what a chunk may hold.
    pub fn enlarge(&mut self, octets: usize, pool: &mut Pool) {
        let least = self.buf.len().saturating_add(octets).max(usize::from(self.holds).saturating_add(1));
        if least > CHUNK_BYTES_MAX {
            return;
        }
        let mut larger = pool.take(self.want.max(least));
        larger.push(self.buf.payload());
        let smaller = self.hold(larger);
        pool.give(smaller);
    }

    /// Returns the octets of the last payload written (of all joined ones, if the track is joinable).
    #[must_use]
    pub const fn last_len(&self) -> u32 {
        self.last.len
    }

    /// Returns missing samples by cause, over the whole track.
    #[must_use]
    pub const fn totals(&self) -> &GapTotals {
        &self.totals
    }

    /// Counts a gap anew under the cause that was learned later.
    pub fn recount(&mut self, from: GapCause, to: GapCause, samples: u64) {
        if let Some(slot) = self.totals.0.get_mut(usize::from(from.number())) {
            *slot = slot.saturating_sub(samples);
        }
        self.totals.add(to, samples);
    }

    /// Returns the samples written, gaps not counted.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples.saturating_add(self.last.samples)
    }

    /// Appends one payload. The caller has asked [`Writer::fits`].
    #[inline]
    pub fn push(&mut self, payload: &[u8], len: u32, samples: u32) {
        match payload.as_array::<160>() {
            Some(usual) => self.buf.push(usual), // 20 ms of G.711: a copy of known length is no call
            None => self.buf.push(payload),
        }
        self.buf.await_push(payload.len());
        self.room_samples = self.room_samples.saturating_sub(samples);
        self.pos = self.pos.saturating_add(u64::from(samples));
        if self.joinable && self.last.samples > 0 || self.last.samples == 0 && self.begun {
            self.last.samples = self.last.samples.saturating_add(u64::from(samples));
            self.last.len = self.last.len.saturating_add(len);
            return;
        }
        self.next_run(RunHead { samples: u64::from(samples), len, ..RunHead::default() });
    }

    /// Gives the buffer up while nothing is written: a leg that is silent or on hold keeps no second of memory.
    pub fn rest(&mut self, pool: &mut Pool) {
        if self.buf.is_empty() {
            pool.give(self.hold(FrameBuf::default()));
        }
    }

    /// Has a buffer again after a rest.
    pub fn wake(&mut self, pool: &mut Pool) {
        if self.buf.storage().is_empty() {
            self.hold(pool.take(self.want / 2));
        }
    }

    /// Adds missing samples, as many as the chunk may hold; returns how many did not fit.
    ///
    /// When the answer is not 0, cut the chunk and bring the rest again.
    #[must_use]
    pub fn gap(&mut self, cause: GapCause, samples: u64) -> u64 {
        let taken = samples.min(self.room_gap);
        if taken == 0 {
            return samples;
        }
        if self.begun && self.last.samples == 0 && self.last.cause == cause {
            self.last.gap_samples = self.last.gap_samples.saturating_add(taken);
        } else {
            self.next_run(RunHead { gap_samples: taken, cause, ..RunHead::default() });
        }
        self.room_gap = self.room_gap.saturating_sub(taken);
        self.room_samples = self.room_samples.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX));
        self.pos = self.pos.saturating_add(taken);
        self.totals.add(cause, taken);
        samples.saturating_sub(taken)
    }

    /// Corrects the samples of the last run once its true length is known; tells whether it could be done.
    ///
    /// Only for runs that hold one packet and are still in the chunk.
    pub fn amend_last(&mut self, was: u32, is: u32) -> bool {
        let fits = is <= was.saturating_add(self.room_samples);
        if self.joinable || !self.begun || self.last.samples != u64::from(was) || is == 0 || !fits {
            return false;
        }
        self.last.samples = u64::from(is);
        self.room_samples = self.room_samples.saturating_add(was).saturating_sub(is);
        self.pos = self.pos.saturating_sub(u64::from(was)).saturating_add(u64::from(is));
        true
    }

    /// Hands over what was written since the last cut, if anything.
    pub fn cut(&mut self, pool: &mut Pool) -> Option<Chunk> {
        if !self.begun {
            return None;
        }
        let mut runs = std::mem::take(&mut self.runs);
        runs.push(self.last);
        self.samples = self.samples();
        let octets = self.buf.len();
        let buf = if octets == 0 {
            FrameBuf::default() // a chunk that is only a gap: the buffer stays with us
        } else {
            self.want = self.want.max(octets);
            self.hold(pool.take(self.want / 2))
        };
        let chunk = Chunk { track: self.track, base_samples: self.base, runs, buf };
        self.fresh();
        Some(chunk)
    }

    /// Gives the empty buffer back when the track ends.
    pub fn end(self, pool: &mut Pool) {
        pool.give(self.buf);
    }

    /// Writes into this buffer from now on; returns the one before.
    fn hold(&mut self, buf: FrameBuf) -> FrameBuf {
        let room = buf.room().min(CHUNK_BYTES_MAX);
        self.holds = u16::try_from(room).unwrap_or(u16::MAX);
        std::mem::replace(&mut self.buf, buf)
    }

    fn next_run(&mut self, run: RunHead) {
        if self.begun {
            self.runs.push(self.last);
            self.samples = self.samples();
        }
        self.begun = true;
        self.last = run;
    }

    fn fresh(&mut self) {
        self.base = self.pos;
        self.begun = false;
        self.last = RunHead::default();
        self.room_samples = self.clock_hz;
        self.room_gap = u64::from(self.clock_hz).saturating_mul(CHUNK_GAP_S_MAX);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests")]
    use super::*;

    /// Writes a second of packets of `len` octets and ticks, as a leg does; returns the room of the buffer before each.
    fn second(writer: &mut Writer, pool: &mut Pool, len: u32) -> Vec<usize> {
        let mut rooms = Vec::new();
        for n in 0_u32.. {
            writer.make_room(len, len, pool);
            if !writer.fits(len, len) {
                break;
            }
            rooms.push(writer.buf.room());
            writer.push(&vec![n as u8; len as usize], len, len);
        }
        rooms
    }

    #[test]
    fn a_second_begins_in_half_a_buffer_and_goes_on_in_a_whole_one() {
        for len in [80, 160, 240, 320, 1_000] {
            let mut pool = Pool::default();
            let mut writer = Writer::begin(0, 8_000, true, 0, &mut pool);
            for _second in 0..3 {
                let rooms = second(&mut writer, &mut pool, len);
                assert_eq!(rooms.len() as u32, 8_000 / len, "packets of {len} octets");
                let (small, large) = rooms.split_at(rooms.partition_point(|room| *room == 4_032));
                assert!(small.len().abs_diff(large.len()) <= 1, "half of them each: {rooms:?}");
                assert!(large.iter().all(|room| *room == 8_064), "nothing larger: {rooms:?}");
                let chunk = writer.cut(&mut pool).unwrap();
                let expected = (0..8_000 / len).flat_map(|n| vec![n as u8; len as usize]);
                assert!(chunk.buf.payload().iter().copied().eq(expected), "every octet in its place");
                pool.give(chunk.buf);
            }
        }
    }

    #[test]
    fn a_chunk_holds_no_more_than_a_frame_does() {
        let mut pool = Pool::default();
        let mut writer = Writer::begin(0, 48_000, false, 0, &mut pool);
        let mut octets = 0;
        for _packet in 0..100 {
            writer.make_room(1_400, 1, &mut pool);
            if writer.fits(1_400, 1) {
                writer.push(&[7; 1_400], 1_400, 1);
                octets += 1_400;
            }
        }
        assert_eq!((octets, writer.cut(&mut pool).unwrap().buf.len()), (58_800, 58_800));
    }
}
