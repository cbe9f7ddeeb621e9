//! Opens a part with a private key: details, events, and the runs of any span of any track.
//!
//! A closed part is read by trailer, FINAL, INDEX and a binary search; one that is unfinished, recovered or damaged is
//! walked by its frame heads. No sample is given out before the tag of its frame was verified, and nothing behind the
//! last whole frame is read. A part that still grows is followed by [`Part::refresh`].

mod check;
mod read;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};

use shared::{Event, Track};
use zeroize::Zeroizing;

use crate::cipher::{FileKey, FrameCipher, KEYED_HEADER};
use crate::final_table::{FinalTable, SyncPoint, decode_index};
use crate::frame::{FrameHead, FrameType, HEAD_LEN, TAG_LEN};
use crate::header::Header;
use crate::keys::{KeyId, RecipientSecret, RecipientType, VerifyingKey};
use crate::meta::Meta;
use crate::source::Source;
use crate::survey::read_header;
use crate::trailer::{Signer, TRAILER_LEN, Trailer};
use crate::walk::{Step, Walk};
use crate::writer::{RECIPIENT_LABEL, ticks_to_us};
use crate::{Result, SealError, event, hpke_box};

pub use read::{Run, RunIter};

/// Sync points kept of a part without INDEX. Beyond, reading begins earlier than it could, never later.
const WALKED_POINTS_MAX: usize = 1 << 20;
/// Damaged places of one part.
const HOLES_MAX: usize = 1 << 16;

/// Where keys are found by their ids.
pub trait KeyRing {
    /// Returns the private key of this id, if it is at hand.
    fn secret(&self, id: KeyId) -> Option<RecipientSecret>;
    /// Returns the public key that verifies signatures of this id, if it is known and trusted.
    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey>;
}

impl<S, V> KeyRing for (S, V)
where
    S: Fn(KeyId) -> Option<RecipientSecret>,
    V: Fn(KeyId) -> Option<VerifyingKey>,
{
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        (self.0)(id)
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        (self.1)(id)
    }
}

/// How whole a part is, as far as its trailer, FINAL and INDEX tell. [`Part::check`] reads all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum State {
    /// Closed by its sealer.
    Complete,
    /// No valid trailer: it still grows, or was cut off.
    Unfinished,
    /// Closed after a crash; the end may be missing.
    Recovered,
    /// Some frames inside are damaged; what was in them is shown as lost by the recorder.
    DamagedInside,
}

/// An opened part.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct Part<R> {
    io: Source<R>,
    header: Header,
    cipher: FrameCipher,
    state: State,
    trailer: Option<Trailer>,
    signer: Option<Signer>,
    final_table: Option<FinalTable>,
    /// Where frames end: nothing behind is read.
    end: u64,
    /// Length of the file when it was last looked at.
    seen_len: u64,
    points: Vec<Point>,
    /// Damaged places of a walked part: from where to where.
    holes: BTreeMap<u64, u64>,
    /// Number that the next frame of a walked part should have.
    next_seq: u32,
    /// Media time after the last AUDIO frame that was walked past.
    walked_us: u64,
    details: Details,
    buf: Zeroizing<Vec<u8>>,
}

/// From `offset` on, no frame has a media time below `t_us`.
#[derive(Clone, Copy)]
struct Point {
    t_us: u64,
    offset: u64,
}

/// META and EVENT frames found so far.
#[derive(Default)]
struct Details {
    meta: Meta,
    events: Vec<Event>,
    scanned_to: u64,
}

impl<R: Read + Seek> Part<R> {
    /// Opens a part. Checks in this order: reserved bytes and lengths, the least recipient type, the recipient's key,
    /// the commitment, the header's code; only then a frame.
    ///
    /// # Errors
    /// Whatever check fails first; a part whose first frame is no META that opens.
    pub fn open(mut io: R, keys: &impl KeyRing, min_suite: RecipientType) -> Result<Self> {
        io.seek(SeekFrom::Start(0))?;
        let (header, bytes) = read_header(&mut io)?;
        header.check_min_suite(min_suite)?;
        let cipher = open_header(&header, &bytes, keys)?;
        let start = u64::from(header.len);
        let mut part = Self {
            io: Source::new(io),
            header,
            cipher,
            state: State::Unfinished,
            trailer: None,
            signer: None,
            final_table: None,
            end: start,
            seen_len: 0,
            points: Vec::new(),
            holes: BTreeMap::new(),
            next_seq: 0,
            walked_us: 0,
            details: Details { scanned_to: start, ..Details::default() },
            buf: Zeroizing::default(),
        };
        part.take_shape(keys)?;
        part.first_meta()?;
        Ok(part)
    }

    /// Returns the header. The key has proven it.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns how whole the part is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Returns what the trailer's signature is worth; `None` without a trailer.
    #[must_use]
    pub const fn signer(&self) -> Option<Signer> {
        self.signer
    }

    /// Returns the trailer, if there is one whose signature is not refuted.
    #[must_use]
    pub const fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }

    /// Returns the sealer's totals; `None` for a part that its sealer did not close.
    #[must_use]
    pub const fn final_table(&self) -> Option<&FinalTable> {
        self.final_table.as_ref()
    }

    /// Returns how far the frames of a part reach that its sealer has not closed: microseconds of media from the part's start,
    /// by the heads alone. A part with FINAL is described by that.
    #[must_use]
    pub const fn walked_us(&self) -> u64 {
        self.walked_us
    }

    /// Returns the call details: all META frames merged.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn meta(&mut self) -> Result<&Meta> {
        self.scan()?;
        Ok(&self.details.meta)
    }

    /// Returns all events in the order in which they were sealed.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn events(&mut self) -> Result<&[Event]> {
        self.scan()?;
        Ok(&self.details.events)
    }

    /// Gives the runs of track `number` that touch `samples` (positions in ticks of the track's clock), in order and whole:
    /// the first may begin before the range and the last end behind it.
    ///
    /// # Errors
    /// An unknown track. What goes wrong later comes as an item; after an error there are no more items.
    pub fn runs(&mut self, number: u8, samples: Range<u64>) -> Result<RunIter<'_, R>> {
        let track = self.track(number)?;
        let until_us = ticks_to_us(samples.end, track.clock_hz).saturating_add(1_000);
        let last = self.points.get(self.points.partition_point(|p| p.t_us <= until_us));
        let stop = last.map_or(self.end, |p| p.offset);
        let offset = self.begin_reading(number, ticks_to_us(samples.start, track.clock_hz), stop)?;
        Ok(RunIter::new(self, track, samples, offset..stop))
    }

    /// Opens frame after frame from byte `from` on (0: from the first) and gives head and plaintext of each, until `each`
    /// breaks or the frames end. Returns where the next one begins, to go on from when the part has grown.
    ///
    /// # Errors
    /// The first frame that does not open; those before it were given. `from` that is no place where a frame begins.
    pub fn frames(
        &mut self,
        from: u64,
        mut each: impl FnMut(&FrameHead, &[u8]) -> ControlFlow<()>,
    ) -> Result<u64> {
        let mut offset = from.max(self.header.len.into());
        while let Some(head) = self.head_at(&mut offset)? {
            let flow = each(&head, self.open_frame(offset, &head)?);
            offset = offset.saturating_add(head.frame_len());
            if flow.is_break() {
                break;
            }
        }
        Ok(offset)
    }

    /// Gives the plaintexts of DATA frames (kinds 1 to 4), in order.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn data(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        self.frames(0, |head, plain| {
            if head.kind == FrameType::Data {
                each(plain);
            }
            ControlFlow::Continue(())
        })
        .map(|_end| ())
    }

    /// Looks again at a part that grows: takes over whole frames that were appended since, and the trailer if it came.
    /// Returns whether there is anything new.
    ///
    /// # Errors
    /// A failed read.
    pub fn refresh(&mut self, keys: &impl KeyRing) -> Result<bool> {
        if self.state != State::Unfinished {
            return Ok(false);
        }
        // Whoever listens looks many times a second, and mostly there is nothing new.
        if self.io.len()? == self.seen_len {
            return Ok(false);
        }
        let before = self.end;
        self.take_shape(keys)?;
        Ok(self.end != before || self.state != State::Unfinished)
    }

    /// Finds out from the end of the file what the part is, and where its frames lie.
    fn take_shape(&mut self, keys: &impl KeyRing) -> Result<()> {
        let file_len = self.io.len()?;
        self.seen_len = file_len;
        self.trailer = self.read_trailer(file_len)?;
        self.signer = self.trailer.as_ref().map(|t| {
            t.judge(&self.header.spec.recording_id, self.header.spec.part, &|id| keys.verifying_key(id))
        });
        if matches!(self.signer, Some(Signer::Bad(_))) {
            self.trailer = None;
        }
        let Some(trailer) = self.trailer.clone() else {
            return self.walk_on(file_len);
        };
        if trailer.recovered {
            self.walk_on(trailer.facts.body_len)?;
            let damaged =
                trailer.damaged_inside || !self.holes.is_empty() || self.end != trailer.facts.body_len;
            self.state = if damaged { State::DamagedInside } else { State::Recovered };
            return Ok(());
        }
        let walked_to = self.end;
        match self.read_tables(&trailer) {
            Ok(()) => self.state = State::Complete,
            Err(SealError::Io(e)) => return Err(e.into()),
            Err(_altered_after_signing) => {
                (self.final_table, self.end) = (None, walked_to);
                self.walk_on(trailer.facts.body_len)?;
                self.state = State::DamagedInside;
            }
        }
        Ok(())
    }

    fn read_trailer(&mut self, file_len: u64) -> Result<Option<Trailer>> {
        let Some(at) = file_len.checked_sub(256).filter(|at| *at >= u64::from(self.header.len)) else {
            return Ok(None);
        };
        let mut bytes = [0; TRAILER_LEN];
        self.io.read_exact_at(at, &mut bytes)?;
        Ok(Trailer::parse(&bytes, file_len).ok())
    }

    /// Reads FINAL and INDEX of a part that its sealer closed.
    fn read_tables(&mut self, trailer: &Trailer) -> Result<()> {
        let facts = trailer.facts;
        self.end = facts.body_len;
        let last = facts.frames.checked_sub(1).ok_or(SealError::Trailer("it counts no frames"))?;
        let head = self.head_exactly_at(facts.final_offset, FrameType::Final)?;
        if head.seq != last || facts.final_offset.checked_add(head.frame_len()) != Some(facts.body_len) {
            return Err(SealError::Trailer("FINAL is not the last frame"));
        }
        let offset = facts.final_offset;
        let table = FinalTable::decode(self.open_frame(offset, &head)?).map_err(|e| content(offset, &e))?;
        if table.frames_before != last {
            return Err(SealError::Trailer("FINAL counts other frames"));
        }
        let mut points: Vec<SyncPoint> = Vec::new();
        for offset in &table.index_offsets {
            let head = self.head_exactly_at(*offset, FrameType::Index)?;
            let some = decode_index(self.open_frame(*offset, &head)?);
            points.extend(some.ok_or_else(|| content(*offset, &"sync points out of order"))?);
        }
        self.points = points
            .iter()
            .map(|p| Point { t_us: u64::from(p.t_ms).saturating_mul(1_000), offset: p.offset.into() })
            .collect();
        self.holes.clear();
        self.final_table = Some(table);
        Ok(())
    }

    /// Walks from the last known whole frame up to `until`, by checksums.
    fn walk_on(&mut self, until: u64) -> Result<()> {
        let left = until.saturating_sub(self.end);
        let mut walk = Walk::new(self.io.from(self.end)?.take(left), self.end, self.next_seq, None);
        let mut hole = None;
        loop {
            match walk.step()? {
                Step::Frame { head, offset } => {
                    if let Some((from, to)) = hole.take() {
                        self.holes.insert(from, to);
                    }
                    note_point(&mut self.points, &head, offset);
                    let end_us = head.media_us.saturating_add(head.duration_us.into());
                    self.walked_us = self.walked_us.max(end_us);
                }
                Step::Damage { offset, len, .. } => {
                    hole = Some((offset, offset.saturating_add(len)));
                    if self.holes.len() >= HOLES_MAX {
                        return Err(SealError::Frame { offset, what: "too many damaged places" });
                    }
                }
                Step::Tail { .. } | Step::Trailer(_) | Step::End => break,
            }
        }
        self.end = walk.valid_end();
        self.next_seq = walk.next_seq();
        Ok(())
    }

    /// The first frame is META; its tracks are needed for everything else.
    fn first_meta(&mut self) -> Result<()> {
        let mut offset = u64::from(self.header.len);
        let Some(head) = self.head_at(&mut offset)? else { return Ok(()) };
        if head.kind != FrameType::Meta && !self.holes.contains_key(&u64::from(self.header.len)) {
            return Err(SealError::Frame { offset, what: "the first frame is not META" });
        }
        self.scan_frame(offset, &head)?;
        self.details.scanned_to = offset.saturating_add(head.frame_len());
        Ok(())
    }

    /// Reads the META and EVENT frames that were not read yet; of all others the head only.
    fn scan(&mut self) -> Result<()> {
        let mut offset = self.details.scanned_to;
        while let Some(head) = self.head_at(&mut offset)? {
            self.scan_frame(offset, &head)?;
            offset = offset.saturating_add(head.frame_len());
            self.details.scanned_to = offset;
        }
        Ok(())
    }

    fn scan_frame(&mut self, offset: u64, head: &FrameHead) -> Result<()> {
        match head.kind {
            FrameType::Meta => {
                let mut meta = std::mem::take(&mut self.details.meta);
                let merged = self.open_frame(offset, head).map(|plain| meta.merge(plain));
                self.details.meta = meta;
                merged?.map_err(|e| content(offset, &e))
            }
            FrameType::Event => {
                let event = event::decode(self.open_frame(offset, head)?).map_err(|e| content(offset, &e))?;
                self.details.events.push(event);
                Ok(())
            }
            FrameType::Audio | FrameType::Index | FrameType::Final | FrameType::Data => Ok(()),
        }
    }

    fn track(&mut self, number: u8) -> Result<Track> {
        let find = |meta: &Meta| meta.tracks.iter().find(|t| t.track == number).cloned();
        if let Some(track) = find(&self.details.meta) {
            return Ok(track);
        }
        self.scan()?;
        find(&self.details.meta).ok_or(SealError::Runs("no such track in this part"))
    }

    /// Finds where reading must begin so that the first frame of the track there is not behind `from_us`.
    ///
    /// A sync point bounds the times behind it, not those before: when legs lie far apart the frame may lie earlier, so
    /// this goes back in growing steps until it is found.
    fn begin_reading(&mut self, number: u8, from_us: u64, stop: u64) -> Result<u64> {
        let start = u64::from(self.header.len);
        let mut at = self.points.partition_point(|p| p.t_us <= from_us);
        let (mut until, mut step) = (stop, 1_usize);
        loop {
            let point = at.checked_sub(1).and_then(|i| self.points.get(i));
            let offset = point.map_or(start, |p| p.offset);
            let found = self.first_audio(number, offset, until)?;
            if offset == start || found.is_some_and(|us| us <= from_us) {
                return Ok(offset);
            }
            until = offset;
            at = at.saturating_sub(step);
            step = step.saturating_mul(2);
        }
    }

    /// Returns the media time of the first AUDIO frame of the track that begins in `offset..until`.
    fn first_audio(&mut self, number: u8, mut offset: u64, until: u64) -> Result<Option<u64>> {
        while let Some(head) = self.head_at(&mut offset)?.filter(|_| offset < until) {
            if head.kind == FrameType::Audio && head.track == number {
                return Ok(Some(head.media_us));
            }
            offset = offset.saturating_add(head.frame_len());
        }
        Ok(None)
    }

    /// A frame has the number behind the last one's, but for a damaged place before it: from where the frame was looked for to where it
    /// stands.
    fn follows(&self, head: &FrameHead, (asked, offset): (u64, u64), seq: &mut Option<u32>) -> Result<()> {
        let expected = seq.map_or(head.seq, |s| s.saturating_add(1));
        if head.seq < expected || (head.seq > expected && !self.holes.contains_key(&asked)) {
            return Err(SealError::Frame { offset, what: "frames are missing before it" });
        }
        *seq = Some(head.seq);
        Ok(())
    }

    fn head_exactly_at(&mut self, offset: u64, kind: FrameType) -> Result<FrameHead> {
        let mut at = offset;
        match self.head_at(&mut at)? {
            Some(head) if at == offset && head.kind == kind => Ok(head),
            Some(_) | None => Err(SealError::Frame { offset, what: "another frame was expected there" }),
        }
    }

    /// Reads the head at `offset`, or behind the damaged place that begins there. `None` at the end.
    fn head_at(&mut self, offset: &mut u64) -> Result<Option<FrameHead>> {
        if let Some(to) = self.holes.get(offset) {
            *offset = *to;
        }
        if *offset >= self.end {
            return Ok(None);
        }
        let damaged = |what| SealError::Frame { offset: *offset, what };
        if self.end.saturating_sub(*offset) < 32 {
            return Err(damaged("it ends inside a frame head"));
        }
        let mut bytes = [0; HEAD_LEN];
        self.io.read_exact_at(*offset, &mut bytes)?;
        let head = FrameHead::parse(&bytes).ok_or_else(|| damaged("this is no frame head"))?;
        if offset.saturating_add(head.frame_len()) > self.end {
            return Err(damaged("it ends inside a frame"));
        }
        Ok(Some(head))
    }

    /// Reads, checks and decrypts the frame at `offset`.
    fn open_frame(&mut self, offset: u64, head: &FrameHead) -> Result<&[u8]> {
        let damaged = |what| SealError::Frame { offset, what };
        let ct_len = usize::try_from(head.ct_len).map_err(|_too_long| damaged("this is no frame head"))?;
        self.buf.clear();
        self.buf.resize(ct_len, 0);
        self.io.read_exact_at(offset.saturating_add(32), &mut self.buf)?;
        if !head.crc_fits(&self.buf) {
            return Err(damaged("its checksum does not fit"));
        }
        let (plain, tag) =
            self.buf.split_last_chunk_mut::<TAG_LEN>().ok_or_else(|| damaged("it is too short"))?;
        if !self.cipher.open(head.seq, &head.authenticated(), plain, tag) {
            return Err(damaged("its tag does not fit: it was altered or belongs to another file"));
        }
        Ok(plain)
    }
}

/// Opens recipient, commitment and code of a header.
fn open_header(header: &Header, bytes: &[u8], keys: &impl KeyRing) -> Result<FrameCipher> {
    let found = header.recipients.iter().find_map(|r| Some((r, keys.secret(r.key_id)?)));
    let Some((recipient, secret)) = found else {
        return Err(SealError::NoKey(header.recipients.iter().map(|r| r.key_id).collect()));
    };
    let refused = || SealError::KeyRefused(recipient.key_id);
    if secret.kind() != recipient.kind {
        return Err(refused());
    }
    let info = [RECIPIENT_LABEL, header.spec.site_id.bytes()].concat();
    let aad = bytes.get(..176).ok_or(SealError::HeaderCut)?;
    let dek = hpke_box::open(&secret, &info, aad, &recipient.sealed).ok_or_else(refused)?;
    let key = FileKey::from_slice(&dek).ok_or_else(refused)?;
    let derived = key.derive(bytes.get(..KEYED_HEADER).ok_or(SealError::HeaderCut)?)?;
    if !derived.commits_to(&header.commitment) {
        return Err(SealError::HeaderForged("commitment"));
    }
    let (before_mac, _) = bytes.split_last_chunk::<32>().ok_or(SealError::HeaderCut)?;
    if !key.header_mac_fits(before_mac, &header.mac)? {
        return Err(SealError::HeaderForged("code"));
    }
    derived.into_cipher(header.mac)
}

fn note_point(points: &mut Vec<Point>, head: &FrameHead, offset: u64) {
    if head.sync && points.len() < WALKED_POINTS_MAX {
        points.push(Point { t_us: head.media_us, offset });
    }
    if head.kind == FrameType::Audio {
        for point in points.iter_mut().rev().take_while(|p| p.t_us > head.media_us) {
            point.t_us = head.media_us;
        }
    }
}

fn content(offset: u64, what: &impl ToString) -> SealError {
    SealError::Content { offset, what: what.to_string() }
}
