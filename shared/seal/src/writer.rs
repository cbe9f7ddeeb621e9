//! Seals one part: header, frames, INDEX, FINAL, trailer. Every method returns the bytes to append, in order.
//!
//! An error before any bytes were made leaves the writer as it was. What it returned must be appended whole and in
//! order; after a failed append the part is left for recovery and the call goes on in a new recording, because the pair
//! of file key and frame number must never be used for two different frames.

use rand_core::CryptoRng;
use shared::{Chunk, Event, FrameBuf, GapCause, HEADROOM, RunHead, TAILROOM, Track, UtcMicros};
use zeroize::{Zeroize as _, Zeroizing};

use crate::cipher::{FileKey, FrameCipher, KEYED_HEADER};
use crate::digests::Digests;
use crate::final_table::{FinalInfo, FinalTable, INDEX_ENTRIES, SyncPoint, TrackTotals, encode_index};
use crate::frame::{FrameHead, FrameType, HEAD_LEN, MAX_PLAIN, NO_TRACK, TAG_LEN, crc_of};
use crate::header::{self, Kind, PartSpec};
use crate::keys::{KeyId, RecipientKey, SigningKey};
use crate::meta::Meta;
use crate::runs::{RUN_HEAD_MAX, VARINT_MAX, check_runs, put_run_head, put_varint};
use crate::trailer::{TRAILER_LEN, Trailer, TrailerFacts};
use crate::{Result, SealError, WriteRule, event, hpke_box};

pub(crate) const RECIPIENT_LABEL: &[u8] = b"amethyst/seal/recipient/v1";
/// A part ends at 1 GiB.
const PART_BYTES: u64 = 1 << 30;
/// Kept free for what closing writes: 12 h of sync points at one a second take 350 kB, FINAL at most 64 KiB.
const CLOSING_BYTES: u64 = 4 << 20;
/// From here on [`Writer::must_close`] asks for the end, so that a last flush of all tracks still fits.
const ASK_BYTES: u64 = PART_BYTES - CLOSING_BYTES - (28 << 20);
/// Sync points of one part: 3 MiB of them, nine a second for twelve hours.
const POINTS_MAX: usize = 393_216;
/// Bytes of the word that says why a part ended.
const REASON_MAX: usize = 200;
const PART_US: u64 = 12 * 3_600 * 1_000_000;

/// Why a part must end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MustClose {
    /// It has reached 1 GiB.
    Size,
    /// It has reached 12 hours.
    Time,
    /// All 254 track numbers are used.
    Tracks,
}

/// Seals one part. Holds the keys of the part until it is closed or dropped.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct Writer {
    spec: PartSpec,
    cipher: FrameCipher,
    digests: Digests,
    seq: u32,
    offset: u64,
    tracks: Vec<TrackState>,
    has_meta: bool,
    media_end_us: u64,
    index: Vec<SyncPoint>,
    flush_from_us: Option<u64>,
    /// Where frames of many runs are put together; swapped with the chunk's buffer, so that neither is allocated again.
    scratch: Zeroizing<Vec<u8>>,
}

struct TrackState {
    track: Track,
    begun: bool,
    end_samples: u64,
    totals: TrackTotals,
}

/// A sealed AUDIO frame, still in the buffer in which its payload came.
#[allow(missing_debug_implementations, reason = "it is audio, though sealed")]
pub struct SealedAudio {
    buf: FrameBuf,
    start: usize,
    runs: Vec<RunHead>,
}

impl SealedAudio {
    /// Returns the bytes to append.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buf.storage().get(self.start..).unwrap_or_default()
    }

    /// Gives the buffer back, emptied, for the next second.
    #[must_use]
    pub fn into_buf(self) -> FrameBuf {
        self.into_parts().0
    }

    /// Gives buffer and run list back, both emptied, so that the next chunk allocates nothing.
    #[must_use]
    pub fn into_parts(self) -> (FrameBuf, Vec<RunHead>) {
        let (mut buf, mut runs) = (self.buf, self.runs);
        buf.clear();
        runs.clear();
        (buf, runs)
    }
}

impl Writer {
    /// Begins a part: draws its key, seals that to the recipients and returns the header to write first.
    ///
    /// # Errors
    /// No or more than four recipients, recipients of different kinds, a part number that does not fit the previous
    /// trailer.
    pub fn begin(
        spec: &PartSpec,
        recipients: &[RecipientKey],
        signer: KeyId,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>)> {
        let kind = recipients.first().ok_or(WriteRule::Recipients)?.kind();
        if recipients.len() > 4 || recipients.iter().any(|r| r.kind() != kind) {
            return Err(WriteRule::Recipients.into());
        }
        let (mut dek, mut salt) = (Zeroizing::new([0; 32]), [0; 32]);
        rng.fill_bytes(dek.as_mut_slice());
        rng.fill_bytes(&mut salt);
        let key = FileKey::new(*dek);

        let mut bytes = header::build_start(spec, kind, recipients.len(), &salt)?;
        debug_assert_eq!(bytes.len(), KEYED_HEADER, "the keys depend on exactly these bytes");
        let derived = key.derive(&bytes)?;
        bytes.extend_from_slice(&derived.commitment);
        let aad = bytes.clone();
        header::push_signer(&mut bytes, signer, recipients.len());
        let info = [RECIPIENT_LABEL, spec.site_id.bytes()].concat();
        for to in recipients {
            let sealed = hpke_box::seal(to, &info, &aad, key.expose(), rng)?;
            header::push_recipient(&mut bytes, kind, to.key_id(), &sealed);
        }
        header::pad(&mut bytes, kind, recipients.len());
        let mac = key.header_mac(&bytes)?;
        bytes.extend_from_slice(&mac);

        let mut writer = Self {
            spec: spec.clone(),
            cipher: derived.into_cipher(mac)?,
            digests: Digests::default(),
            seq: 0,
            offset: 0,
            tracks: Vec::new(),
            has_meta: false,
            media_end_us: 0,
            index: Vec::new(),
            flush_from_us: None,
            scratch: Zeroizing::default(),
        };
        writer.count(&bytes);
        Ok((writer, bytes))
    }

    /// Seals call details: all of them the first time, later the new tracks and the members that may change.
    ///
    /// # Errors
    /// A track declared before with other properties, or one that cannot be.
    pub fn meta(&mut self, meta: &Meta) -> Result<Vec<u8>> {
        let new = self.new_tracks(meta)?;
        let plain = if self.has_meta { meta.encode_update(&new) } else { meta.encode() };
        let frame = self.small(FrameType::Meta, self.media_now_us(), &plain)?;
        self.has_meta = true;
        self.tracks.extend(new.into_iter().map(|track| {
            let totals = TrackTotals { track: track.track, ..TrackTotals::default() };
            TrackState { track, begun: false, end_samples: 0, totals }
        }));
        Ok(frame)
    }

    /// Seals an event. Its `t_us` counts from the start of this part; earlier ones get the media time 0.
    ///
    /// # Errors
    /// No META yet, a full part, an event above 64 KiB, a file of kind 1 to 4.
    pub fn event(&mut self, event: &Event) -> Result<Vec<u8>> {
        self.needs_meta()?;
        self.needs_kind(true, FrameType::Event)?;
        let media_us = u64::try_from(event.t_us).unwrap_or(0);
        self.small(FrameType::Event, media_us, &event::encode(event))
    }

    /// Seals opaque bytes, at most 64 KiB a call, in a file of kind 1 to 4.
    ///
    /// # Errors
    /// No META yet, a full part, too many bytes, a recording.
    pub fn data(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.needs_meta()?;
        self.needs_kind(false, FrameType::Data)?;
        self.small(FrameType::Data, 0, bytes)
    }

    /// Says that the next frame is the first of a flush: a sync point. `least_media_us` is the least media time of any
    /// frame from here on; a value that later proves too high is corrected.
    pub fn begin_flush(&mut self, least_media_us: u64) {
        self.flush_from_us = Some(self.flush_from_us.map_or(least_media_us, |us| us.min(least_media_us)));
    }

    /// Seals at most a second of one track, in place in the chunk's own buffer.
    ///
    /// # Errors
    /// A broken rule of section 3.2; the chunk is lost then and nothing was sealed, so the caller must account for it.
    pub fn audio(&mut self, chunk: Chunk) -> Result<SealedAudio> {
        self.needs_meta()?;
        self.needs_kind(true, FrameType::Audio)?;
        let sums = self.check_chunk(&chunk)?;
        let Chunk { track, base_samples, runs, mut buf } = chunk;
        let start = self.assemble(base_samples, &runs, &mut buf)?;
        let (media_us, duration_us) = (sums.media_us, sums.duration_us);
        self.lower_sync_points(media_us);
        self.frame_in_place(FrameType::Audio, track, media_us, duration_us, buf.storage_mut(), start)?;

        self.media_end_us = self.media_end_us.max(media_us.saturating_add(duration_us.into()));
        if let Some(state) = self.tracks.iter_mut().find(|t| t.track.track == track) {
            state.begun = true;
            state.end_samples = sums.end;
            state.totals.samples = state.totals.samples.saturating_add(sums.samples);
            for run in &runs {
                state.totals.gaps.add(run.cause, run.gap_samples);
            }
        }
        Ok(SealedAudio { buf, start, runs })
    }

    /// Returns the length of the part so far in bytes: the offset at which the next bytes belong.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the number of frames so far.
    #[must_use]
    pub const fn frames(&self) -> u32 {
        self.seq
    }

    /// Returns what the part is.
    #[must_use]
    pub const fn spec(&self) -> &PartSpec {
        &self.spec
    }

    /// Returns the totals of every track so far.
    pub fn totals(&self) -> impl Iterator<Item = TrackTotals> + '_ {
        self.tracks.iter().map(|t| t.totals)
    }

    /// Tells whether the part must be closed now, and why. Ask after each flush.
    #[must_use]
    pub fn must_close(&self) -> Option<MustClose> {
        if self.offset >= ASK_BYTES {
            Some(MustClose::Size)
        } else if self.media_end_us >= PART_US {
            Some(MustClose::Time)
        } else if self.tracks.len() >= usize::from(NO_TRACK) {
            Some(MustClose::Tracks)
        } else {
            None
        }
    }

    /// Seals INDEX and FINAL. Append and sync the bytes, then make the trailer with what is returned beside them.
    ///
    /// # Errors
    /// No META yet.
    pub fn close(mut self, info: FinalInfo) -> Result<(Vec<u8>, Closing)> {
        self.needs_meta()?;
        self.flush_from_us = None;
        let points = thinned(std::mem::take(&mut self.index));
        let FinalInfo { end, mut reason, packets, clock } = info;
        reason.truncate(reason.floor_char_boundary(REASON_MAX));
        let info = FinalInfo { end, reason, packets, clock };
        let (mut out, mut index_offsets) = (Vec::new(), Vec::new());
        for some in points.chunks(INDEX_ENTRIES) {
            index_offsets.push(self.offset);
            out.extend(self.closing_frame(FrameType::Index, &encode_index(some))?);
        }
        let final_offset = self.offset;
        let mut tracks: Vec<_> = self.totals().collect();
        tracks.sort_by_key(|t| t.track);
        let table = FinalTable { frames_before: self.seq, index_offsets, tracks, info };
        out.extend(self.closing_frame(FrameType::Final, &table.encode())?);
        let facts = self.digests.facts(self.seq, final_offset, self.offset);
        Ok((out, Closing { spec: self.spec.clone(), facts }))
    }

    fn new_tracks(&self, meta: &Meta) -> Result<Vec<Track>> {
        let mut new: Vec<Track> = Vec::new();
        for track in &meta.tracks {
            let known = self.tracks.iter().map(|t| &t.track).chain(&new).find(|t| t.track == track.track);
            match known {
                Some(known) if known == track => {}
                Some(_) => return Err(WriteRule::Redefined(track.track).into()),
                None if track.track == NO_TRACK || track.clock_hz == 0 => {
                    return Err(WriteRule::BadTrack(track.track).into());
                }
                None => new.push(track.clone()),
            }
        }
        Ok(new)
    }

    fn needs_meta(&self) -> Result<()> {
        if self.has_meta { Ok(()) } else { Err(WriteRule::MetaFirst.into()) }
    }

    /// AUDIO and EVENT belong in recordings, DATA in everything else.
    fn needs_kind(&self, recording: bool, frame: FrameType) -> Result<()> {
        if (self.spec.kind == Kind::Recording) == recording {
            Ok(())
        } else {
            Err(WriteRule::Kind(frame.word()).into())
        }
    }

    fn media_now_us(&self) -> u64 {
        self.flush_from_us.unwrap_or(self.media_end_us)
    }

    fn check_chunk(&self, chunk: &Chunk) -> Result<Sums> {
        let number = chunk.track;
        let state =
            self.tracks.iter().find(|t| t.track.track == number).ok_or(WriteRule::UnknownTrack(number))?;
        if state.begun && chunk.base_samples != state.end_samples {
            let (expected, found) = (state.end_samples, chunk.base_samples);
            return Err(WriteRule::Base { track: number, expected, found }.into());
        }
        let sums = Sums::of(chunk, state.track.clock_hz);
        if sums.bytes != crate::fields::len64(chunk.buf.payload()) {
            return Err(WriteRule::RunsAndBytes.into());
        }
        check_runs(chunk.runs.iter().copied(), sums.samples, sums.gaps, state.track.clock_hz)
            .map_err(|what| rule_of(what, &chunk.runs))?;
        if sums.end > VARINT_MAX {
            return Err(WriteRule::TooMuch("a position above 63 bits").into());
        }
        Ok(sums)
    }

    /// Puts base and run heads where they belong; returns where room for the frame head begins in the storage.
    fn assemble(&mut self, base: u64, runs: &[RunHead], buf: &mut FrameBuf) -> Result<usize> {
        let mut prefix = Prefix::default();
        put_varint(&mut prefix, base);
        if let [only] = runs {
            put_run_head(&mut prefix, only);
            let storage = buf.storage_mut();
            let room = HEADROOM.checked_sub(prefix.len).and_then(|at| storage.get_mut(at..HEADROOM));
            let room = room.ok_or(SealError::Cipher("the buffer has no room in front"))?;
            room.copy_from_slice(prefix.bytes());
            let used = HEAD_LEN.saturating_add(prefix.len);
            return HEADROOM.checked_sub(used).ok_or(SealError::Cipher("the buffer has no room in front"));
        }
        self.scratch.clear();
        // All of it at once: growing would leave what was said so far in the memory that it gives back.
        let heads = runs.len().saturating_mul(RUN_HEAD_MAX).saturating_add(prefix.len);
        let most = HEADROOM.saturating_add(heads).saturating_add(buf.len()).saturating_add(TAILROOM);
        self.scratch.reserve(most);
        self.scratch.resize(HEADROOM, 0);
        self.scratch.extend_from_slice(prefix.bytes());
        let mut rest = buf.payload();
        for run in runs {
            let len = usize::try_from(run.len).map_err(|_too_long| WriteRule::RunsAndBytes)?;
            let (bytes, after) = rest.split_at_checked(len).ok_or(WriteRule::RunsAndBytes)?;
            put_run_head(&mut *self.scratch, run);
            self.scratch.extend_from_slice(bytes);
            rest = after;
        }
        std::mem::swap(&mut *self.scratch, buf.storage_mut());
        self.scratch.as_mut_slice().zeroize();
        Ok(HEADROOM.saturating_sub(HEAD_LEN))
    }

    /// A frame from a slice, for everything that is not audio.
    fn small(&mut self, kind: FrameType, media_us: u64, plain: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(HEAD_LEN.saturating_add(plain.len()).saturating_add(TAG_LEN));
        out.resize(HEAD_LEN, 0);
        out.extend_from_slice(plain);
        self.frame_in_place(kind, NO_TRACK, media_us, 0, &mut out, 0)?;
        Ok(out)
    }

    fn closing_frame(&mut self, kind: FrameType, plain: &[u8]) -> Result<Vec<u8>> {
        self.small(kind, self.media_end_us, plain)
    }

    /// Seals `storage[start + 32..]` in place: writes the head at `start`, encrypts, appends the tag, counts.
    fn frame_in_place(
        &mut self,
        kind: FrameType,
        track: u8,
        media_us: u64,
        duration_us: u32,
        storage: &mut Vec<u8>,
        start: usize,
    ) -> Result<()> {
        let plain_at = start.saturating_add(HEAD_LEN);
        let plain_len = u32::try_from(storage.len().saturating_sub(plain_at)).unwrap_or(u32::MAX);
        if plain_len > MAX_PLAIN {
            return Err(WriteRule::TooMuch("more than 65,536 bytes").into());
        }
        let closing = matches!(kind, FrameType::Index | FrameType::Final);
        let limit = if closing { PART_BYTES } else { PART_BYTES.saturating_sub(CLOSING_BYTES) };
        let next_seq = self.seq.checked_add(1).ok_or(WriteRule::Full)?;
        if self.offset.saturating_add(u64::from(plain_len)).saturating_add(48) > limit {
            return Err(WriteRule::Full.into());
        }
        let ct_len = plain_len.saturating_add(16);
        let sync = self.flush_from_us.is_some();
        let head = FrameHead { kind, track, sync, ct_len, seq: self.seq, media_us, duration_us, crc: 0 };
        let authenticated = head.authenticated();
        let plain = storage.get_mut(plain_at..).ok_or(SealError::Cipher("an empty buffer"))?;
        let tag = self.cipher.seal(self.seq, &authenticated, plain)?;
        storage.extend_from_slice(&tag);
        let (head_room, ct) = storage
            .get_mut(start..)
            .and_then(|s| s.split_first_chunk_mut::<HEAD_LEN>())
            .ok_or(SealError::Cipher("an empty buffer"))?;
        let crc = crc_of(&authenticated, ct);
        let (room, crc_room) = head_room.split_at_mut(28);
        room.copy_from_slice(&authenticated);
        crc_room.copy_from_slice(&crc.to_le_bytes());

        self.add_sync_point(media_us);
        self.seq = next_seq;
        self.count(storage.get(start..).unwrap_or_default());
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        self.digests.update(bytes);
        self.offset = self.offset.saturating_add(crate::fields::len64(bytes));
    }

    fn add_sync_point(&mut self, media_us: u64) {
        if let Some(least_us) = self.flush_from_us.take() {
            let t_ms = ms(least_us.min(media_us));
            self.lower_sync_points(least_us.min(media_us));
            self.index.push(SyncPoint { t_ms, offset: u32::try_from(self.offset).unwrap_or(u32::MAX) });
        }
    }

    /// Keeps the promise of sync points: no frame behind one has a lesser media time.
    fn lower_sync_points(&mut self, media_us: u64) {
        let t_ms = ms(media_us);
        for point in self.index.iter_mut().rev().take_while(|p| p.t_ms > t_ms) {
            point.t_ms = t_ms;
        }
    }
}

/// Leaves out every other sync point until closing fits the room kept for it. What is left keeps its promise; reading only
/// begins earlier than it could.
fn thinned(mut points: Vec<SyncPoint>) -> Vec<SyncPoint> {
    while points.len() > POINTS_MAX {
        let mut keep = false;
        points.retain(|_| {
            keep = !keep;
            keep
        });
    }
    points
}

fn ms(us: u64) -> u32 {
    u32::try_from(us / 1_000).unwrap_or(u32::MAX)
}

/// Sums over the runs of one chunk.
struct Sums {
    samples: u64,
    gaps: u64,
    bytes: u64,
    end: u64,
    media_us: u64,
    duration_us: u32,
}

impl Sums {
    fn of(chunk: &Chunk, clock_hz: u32) -> Self {
        let sum = |of: fn(&RunHead) -> u64| chunk.runs.iter().fold(0_u64, |n, r| n.saturating_add(of(r)));
        let (samples, gaps) = (sum(|r| r.samples), sum(|r| r.gap_samples));
        let long = samples.saturating_add(gaps);
        Self {
            samples,
            gaps,
            bytes: sum(|r| r.len.into()),
            end: chunk.base_samples.saturating_add(long),
            media_us: ticks_to_us(chunk.base_samples, clock_hz),
            duration_us: u32::try_from(ticks_to_us(long, clock_hz)).unwrap_or(u32::MAX),
        }
    }
}

/// Converts ticks to microseconds, rounded down.
pub(crate) fn ticks_to_us(ticks: u64, clock_hz: u32) -> u64 {
    let us = u128::from(ticks).saturating_mul(1_000_000).checked_div(u128::from(clock_hz)).unwrap_or(0);
    u64::try_from(us).unwrap_or(u64::MAX)
}

fn rule_of(what: &'static str, runs: &[RunHead]) -> WriteRule {
    let cause_without_gap = runs.iter().any(|r| r.gap_samples == 0 && r.cause != GapCause::None);
    match what {
        _ if runs.is_empty() => WriteRule::RunsAndBytes,
        _ if cause_without_gap => WriteRule::CauseWithoutGap,
        w if w.starts_with("more than") => WriteRule::TooMuch(w),
        _ => WriteRule::EmptyRun,
    }
}

/// A few bytes on the stack: base and one run head take at most 9 + 9 + 1 + 9 + 5.
struct Prefix {
    bytes: [u8; HEADROOM - HEAD_LEN],
    len: usize,
}

impl Default for Prefix {
    fn default() -> Self {
        Self { bytes: [0; HEADROOM - HEAD_LEN], len: 0 }
    }
}

impl Prefix {
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Extend<u8> for Prefix {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, iter: T) {
        for byte in iter {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }
}

/// A part whose frames are all made; only the trailer is missing.
#[derive(Debug)]
pub struct Closing {
    spec: PartSpec,
    facts: TrailerFacts,
}

impl Closing {
    /// Returns digests and counts, as the trailer will say them.
    #[must_use]
    pub const fn facts(&self) -> TrailerFacts {
        self.facts
    }

    /// Makes the trailer: the last 256 bytes. `continued` says that a next part follows.
    ///
    /// Call it after INDEX and FINAL are durable: a trailer must not be on disk before what it vouches for.
    #[must_use]
    pub fn trailer(self, continued: bool, end: UtcMicros, key: &SigningKey) -> [u8; TRAILER_LEN] {
        let mut trailer = Trailer {
            recovered: false,
            damaged_inside: false,
            continued,
            facts: self.facts,
            end,
            signer: key.key_id(),
            signature: [0; 64],
        };
        trailer.build(&self.spec.recording_id, self.spec.part, key)
    }
}
