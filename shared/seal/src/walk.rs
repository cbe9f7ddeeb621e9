//! Walks over the frames of a part without a key: by head, CRC32C and number, in one pass and bounded memory.
//!
//! At a bad place it searches on for a whole frame with a higher number. What it skipped counts into the digests of the
//! body, since a recovered file keeps every byte before its last whole frame.

use std::io::Read;

use crate::digests::Digests;
use crate::frame::{FRAME_MAGIC, FrameHead, HEAD_LEN, MAX_FRAME};
use crate::trailer::{TRAILER_LEN, TRAILER_MAGIC, TrailerFacts};

/// Checksumming false frames costs at most this, and sixteen times what was walked; else crafted bytes would stop us.
const SEARCH_ALLOWANCE: u64 = 64 << 20;

/// What comes next.
#[derive(Debug)]
pub(crate) enum Step {
    /// A whole frame.
    Frame {
        head: FrameHead,
        offset: u64,
    },
    /// Bytes that are no whole frame; a whole frame or the trailer follows.
    Damage {
        offset: u64,
        len: u64,
        what: &'static str,
    },
    /// Bytes that are no whole frame, up to the end.
    Tail {
        offset: u64,
        len: u64,
        what: &'static str,
    },
    /// The last 256 bytes, which begin like a trailer.
    Trailer(Box<[u8; TRAILER_LEN]>),
    End,
}

pub(crate) struct Walk<R> {
    window: Window<R>,
    offset: u64,
    next_seq: u32,
    frames: u32,
    /// Digests of all bytes so far, and those up to the last whole frame when something else follows it.
    digests: Option<Digests>,
    at_valid_end: Option<Digests>,
    valid_end: u64,
    search_cost: u64,
}

impl<R: Read> Walk<R> {
    /// Begins at `offset`, where the frame numbered `next_seq` is expected. With digests `so_far` it goes on with them.
    pub(crate) fn new(io: R, offset: u64, next_seq: u32, so_far: Option<Digests>) -> Self {
        Self {
            window: Window { io, buf: Vec::new(), at: 0, eof: false, read_len: FIRST_READ_LEN },
            offset,
            next_seq,
            frames: 0,
            digests: so_far,
            at_valid_end: None,
            valid_end: offset,
            search_cost: 0,
        }
    }

    /// Returns where the last whole frame ends.
    pub(crate) const fn valid_end(&self) -> u64 {
        self.valid_end
    }

    /// Returns how far the walk has come.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the number that the next frame should have.
    pub(crate) const fn next_seq(&self) -> u32 {
        self.next_seq
    }

    /// Returns how many whole frames were seen.
    pub(crate) const fn frames(&self) -> u32 {
        self.frames
    }

    /// Returns the digests up to the last whole frame.
    pub(crate) fn facts_at_valid_end(&self) -> Option<TrailerFacts> {
        let digests = self.at_valid_end.as_ref().or(self.digests.as_ref())?;
        Some(digests.facts(self.frames, 0, self.valid_end))
    }

    /// Returns the digests of everything before the trailer.
    pub(crate) fn facts_of_all(&self) -> Option<TrailerFacts> {
        Some(self.digests.as_ref()?.facts(self.frames, 0, self.offset))
    }

    /// Goes on to the next frame, damage or end.
    pub(crate) fn step(&mut self) -> std::io::Result<Step> {
        if self.window.fill()?.is_empty() {
            return Ok(Step::End);
        }
        if let Some(trailer) = self.window.trailer() {
            return Ok(Step::Trailer(Box::new(trailer)));
        }
        match frame_at(self.window.bytes()) {
            Ok(head) if head.seq == self.next_seq => Ok(self.take_frame(head)),
            Ok(head) => self.damage(if head.seq > self.next_seq {
                "frames are missing before it"
            } else {
                "its number was seen before"
            }),
            Err(what) => self.damage(what),
        }
    }

    fn take_frame(&mut self, head: FrameHead) -> Step {
        let offset = self.offset;
        self.consume(usize::try_from(head.frame_len()).unwrap_or(MAX_FRAME));
        self.next_seq = head.seq.saturating_add(1);
        self.frames = self.frames.saturating_add(1);
        self.valid_end = self.offset;
        self.at_valid_end = None;
        Step::Frame { head, offset }
    }

    /// Skips to the next whole frame with a number not seen yet, or to the trailer, or to the end.
    fn damage(&mut self, what: &'static str) -> std::io::Result<Step> {
        self.at_valid_end = self.digests.clone();
        let offset = self.offset;
        let len = |walk: &Self| walk.offset.saturating_sub(offset);
        loop {
            if self.window.fill()?.is_empty() {
                return Ok(Step::Tail { offset, len: len(self), what });
            }
            if self.window.trailer().is_some() {
                return Ok(Step::Damage { offset, len: len(self), what });
            }
            if self.may_search() && self.whole_frame_here() {
                // Its number becomes the expected one, so that the next step takes it.
                return Ok(Step::Damage { offset, len: len(self), what });
            }
            self.consume(self.window.skip_len());
        }
    }

    fn whole_frame_here(&mut self) -> bool {
        let bytes = self.window.bytes();
        if !bytes.starts_with(&FRAME_MAGIC) {
            return false;
        }
        self.search_cost = self.search_cost.saturating_add(head_at(bytes).map_or(0, |head| head.frame_len()));
        match frame_at(bytes) {
            Ok(head) if head.seq >= self.next_seq => {
                self.next_seq = head.seq;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    const fn may_search(&self) -> bool {
        self.search_cost <= SEARCH_ALLOWANCE.saturating_add(self.offset.saturating_mul(16))
    }

    fn consume(&mut self, n: usize) {
        let taken = self.window.take(n);
        if let Some(digests) = &mut self.digests {
            digests.update(taken);
        }
        self.offset = self.offset.saturating_add(crate::fields::len64(taken));
    }
}

fn head_at(bytes: &[u8]) -> Option<FrameHead> {
    FrameHead::parse(bytes.first_chunk::<HEAD_LEN>()?)
}

fn frame_at(bytes: &[u8]) -> Result<FrameHead, &'static str> {
    if bytes.len() < HEAD_LEN {
        return Err("it ends inside a frame head");
    }
    let head = head_at(bytes).ok_or("this is no frame head")?;
    let end = usize::try_from(head.frame_len()).map_err(|_too_long| "this is no frame head")?;
    let ct = bytes.get(HEAD_LEN..end).ok_or("it ends inside a frame")?;
    if head.crc_fits(ct) { Ok(head) } else { Err("the checksum of a frame does not fit") }
}

/// A buffer over the input that always shows a whole frame and a trailer, or the end.
struct Window<R> {
    io: R,
    buf: Vec<u8>,
    at: usize,
    eof: bool,
    /// How much is read at once.
    read_len: usize,
}

const LOOK_AHEAD: usize = MAX_FRAME + TRAILER_LEN + 1;
const READ_LEN: usize = 128 << 10;
/// The first read is small: who follows a growing part walks a few kilobytes, ten times a second.
const FIRST_READ_LEN: usize = 8 << 10;

impl<R: Read> Window<R> {
    fn bytes(&self) -> &[u8] {
        self.buf.get(self.at..).unwrap_or_default()
    }

    fn fill(&mut self) -> std::io::Result<&[u8]> {
        while !self.eof && self.bytes().len() < LOOK_AHEAD {
            self.buf.drain(..self.at);
            self.at = 0;
            let had = self.buf.len();
            self.buf.resize(had.saturating_add(self.read_len), 0);
            self.read_len = READ_LEN;
            let read = self.io.read(self.buf.get_mut(had..).unwrap_or_default());
            // An interrupted or failed read must not leave zeros behind that were never in the file.
            self.buf.truncate(had.saturating_add(*read.as_ref().unwrap_or(&0)));
            match read {
                Ok(0) => self.eof = true,
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(self.bytes())
    }

    /// Returns the trailer if exactly it is left.
    fn trailer(&self) -> Option<[u8; TRAILER_LEN]> {
        let bytes: [u8; TRAILER_LEN] = self.bytes().try_into().ok()?;
        (self.eof && bytes.starts_with(&TRAILER_MAGIC)).then_some(bytes)
    }

    /// Returns how many bytes may be skipped before something that looks like a frame or trailer.
    fn skip_len(&self) -> usize {
        let bytes = self.bytes();
        let rest = bytes.get(1..).unwrap_or_default();
        let looks = rest.windows(4).position(|w| w == FRAME_MAGIC || TRAILER_MAGIC.starts_with(w));
        let keep = if self.eof { 0 } else { TRAILER_LEN };
        looks.map_or_else(|| bytes.len().saturating_sub(keep).max(1), |n| n.saturating_add(1))
    }

    fn take(&mut self, n: usize) -> &[u8] {
        let from = self.at;
        self.at = self.at.saturating_add(n).min(self.buf.len());
        self.buf.get(from..self.at).unwrap_or_default()
    }
}
