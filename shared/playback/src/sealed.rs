//! A recording whose sealed files are open: its tracks over all parts, its length, and sound of any stretch of it.
//!
//! What must hold:
//! * Only frames of the wanted legs that touch the asked stretch are decrypted, with a fifth of a second before it that
//!   decoders need. Heads and tables are read besides.
//! * A recording has one sound. It is rendered in blocks of [`BLOCK_US`] that begin at fixed places, each for itself, so a
//!   range, the whole, a download and an export have the same samples for every codec, and any byte of a WAV is known
//!   without the bytes before it.
//! * Nothing of the audio is kept here between two calls; the keys of the parts are, until the value is dropped.

use std::io::{Read, Seek};

use audio::{LegRun, Legs, RenderError, RenderReport, Renderer, Request, length_us};
use seal::{FrameType, KeyRing, Part, RecipientType, SealError, State, VerifyingKey};
use shared::{GapCause, Role, Track};

/// Length of a block, microseconds.
pub const BLOCK_US: u64 = 4_000_000;
/// What rounding down start and length of the last frame may have taken from the end of a part without totals.
const ROUNDING_US: u64 = 2;

/// The end of a recording that has none yet: a year, which no call lasts and no counter minds.
const FAR_US: u64 = 366 * 86_400 * 1_000_000;

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// A sealed file cannot be opened or read.
    #[error("{path} cannot be opened: {source}")]
    Seal {
        /// Which file.
        path: String,
        /// Why.
        source: SealError,
    },
    /// It cannot be rendered: no such leg, no decoder.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// More tracks than a player can tell apart.
    #[error("the recording has more than 256 different tracks: export the payload as received instead")]
    TooManyTracks,
    /// Writing what was rendered.
    #[error("writing the sound failed: {0}")]
    Write(#[from] std::io::Error),
}

/// The result of this module.
pub type Result<T> = std::result::Result<T, SoundError>;

/// Keys behind a trait object, as `seal` wants them.
#[derive(Clone, Copy)]
pub struct Ring<'a>(pub &'a dyn KeyRing);

impl std::fmt::Debug for Ring<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ring")
    }
}

impl KeyRing for Ring<'_> {
    fn secret(&self, id: seal::KeyId) -> Option<seal::RecipientSecret> {
        self.0.secret(id)
    }

    fn verifying_key(&self, id: seal::KeyId) -> Option<VerifyingKey> {
        self.0.verifying_key(id)
    }
}

/// Bytes that can be read from any place.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A sealed file of a recording, to be opened.
#[allow(missing_debug_implementations, reason = "a reader says nothing of itself")]
pub struct PartSource {
    /// Which part, from 0.
    pub number: u16,
    /// Its path for people.
    pub path: String,
    /// Where it begins, microseconds from the start of the recording.
    pub offset_us: u64,
    /// Its tracks, if the caller knows them; `None`: as the part itself says.
    pub tracks: Option<Vec<Track>>,
    /// Its bytes.
    pub io: Box<dyn ReadSeek>,
}

/// An opened recording. Reading needs `&mut`, since it moves in files.
pub struct Sealed {
    parts: Vec<OpenPart>,
    tracks: Vec<Track>,
    length_us: u64,
}

/// One part of it.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct OpenPart {
    /// The opened file.
    pub part: Part<Box<dyn ReadSeek>>,
    /// Which part.
    pub number: u16,
    pub(crate) path: String,
    /// Where it begins, microseconds from the start of the recording.
    pub(crate) offset_us: u64,
    /// Where its audio ends, likewise.
    pub(crate) end_us: u64,
    pub(crate) tracks: Vec<PartTrack>,
}

/// A track of a part, and its number in the whole recording.
#[derive(Clone, Copy)]
pub(crate) struct PartTrack {
    pub(crate) own: u8,
    pub(crate) here: u8,
    pub(crate) leg: u8,
    pub(crate) role: Role,
    pub(crate) clock_hz: u32,
}

/// One run, positions counted from the start of the recording.
#[allow(missing_debug_implementations, reason = "audio is never printed")]
pub struct SealedRun {
    /// Where its gap begins, microseconds: runs of all tracks are given in this order.
    begin_us: u64,
    track: u8,
    pos: u64,
    gap_samples: u64,
    cause: GapCause,
    samples: u64,
    bytes: Vec<u8>,
}

impl SealedRun {
    /// Returns where it ends, microseconds.
    #[must_use]
    pub fn end_us(&self, clock_hz: u32) -> u64 {
        micros(self.pos.saturating_add(self.samples), clock_hz)
    }

    /// Returns it as the renderer takes it.
    #[must_use]
    pub fn leg_run(&self) -> LegRun<'_> {
        LegRun {
            track: self.track,
            pos: self.pos,
            gap_samples: self.gap_samples,
            cause: self.cause,
            samples: self.samples,
            bytes: &self.bytes,
        }
    }
}

/// What the sound of some legs looks like: fixed before the first sample is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Which legs.
    pub legs: Legs,
    /// Samples a second.
    pub rate_hz: u32,
    /// 1, or 2: near left, far right.
    pub channels: u8,
    /// Frames in all.
    pub frames: u64,
}

impl Shape {
    /// Returns the frames of every block but the last.
    #[must_use]
    pub const fn block_frames(&self) -> u64 {
        BLOCK_US / 1_000_000 * self.rate_hz as u64
    }

    /// Returns the number of blocks.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.frames.div_ceil(self.block_frames().max(1))
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} parts, {} µs)", self.parts.len(), self.length_us)
    }
}

impl Sealed {
    /// Opens the parts of a recording, given in their order.
    ///
    /// # Errors
    /// A part that does not open with these keys.
    pub fn open(
        parts: impl IntoIterator<Item = PartSource>,
        keys: &dyn KeyRing,
        min_suite: RecipientType,
    ) -> Result<Self> {
        let mut sealed = Self { parts: Vec::new(), tracks: Vec::new(), length_us: 0 };
        for source in parts {
            let PartSource { number, path, offset_us, tracks, io } = source;
            let failed = |source| SoundError::Seal { path: path.clone(), source };
            let mut part = Part::open(io, &Ring(keys), min_suite).map_err(failed)?;
            let tracks = match tracks {
                Some(tracks) => tracks,
                None => part.meta().map_err(failed)?.tracks.clone(),
            };
            sealed.add(part, number, path, offset_us, &tracks)?;
        }
        Ok(sealed)
    }

    /// Takes one part that still grows, as a recording of its own without an end.
    ///
    /// # Errors
    /// Call details that do not open.
    pub fn growing(part: Part<Box<dyn ReadSeek>>, number: u16, path: String) -> Result<Self> {
        let part = OpenPart { part, number, path, offset_us: 0, end_us: FAR_US, tracks: Vec::new() };
        let mut sealed = Self { parts: vec![part], tracks: Vec::new(), length_us: FAR_US };
        sealed.learn_tracks()?;
        Ok(sealed)
    }

    /// Looks again at a part that grows; returns whether there is anything new.
    ///
    /// # Errors
    /// A failed read.
    pub fn refresh(&mut self, keys: &dyn KeyRing) -> Result<bool> {
        let mut news = false;
        for open in &mut self.parts {
            let failed = |source| SoundError::Seal { path: open.path.clone(), source };
            news |= open.part.refresh(&Ring(keys)).map_err(failed)?;
        }
        if news {
            self.learn_tracks()?;
        }
        Ok(news)
    }

    /// Takes over the tracks that a growing part has declared since.
    fn learn_tracks(&mut self) -> Result<()> {
        let Some(mut open) = self.parts.pop() else { return Ok(()) };
        let failed = |source| SoundError::Seal { path: open.path.clone(), source };
        let declared = open.part.meta().map_err(failed)?.tracks.clone();
        for track in declared.iter().skip(open.tracks.len()) {
            open.tracks.push(self.number(track)?);
        }
        self.parts.push(open);
        Ok(())
    }

    fn add(
        &mut self,
        mut part: Part<Box<dyn ReadSeek>>,
        number: u16,
        path: String,
        offset_us: u64,
        tracks: &[Track],
    ) -> Result<()> {
        let known = tracks.iter().map(|track| self.number(track)).collect::<Result<Vec<_>>>()?;
        let own_us = match ends(&mut part, tracks) {
            Ok(Some(own_us)) => own_us,
            Ok(None) => part.walked_us().saturating_add(ROUNDING_US),
            Err(source) => return Err(SoundError::Seal { path, source }),
        };
        let end_us = offset_us.saturating_add(own_us);
        self.length_us = self.length_us.max(end_us);
        self.parts.push(OpenPart { part, number, path, offset_us, end_us, tracks: known });
        Ok(())
    }

    /// Gives a part's track its number in the whole: its own, unless another track of another part has that already.
    fn number(&mut self, track: &Track) -> Result<PartTrack> {
        let mut here = track.track;
        if !self.tracks.contains(track) {
            let taken = |n: u8| self.tracks.iter().any(|t| t.track == n);
            if taken(here) {
                here = (0..=u8::MAX).find(|n| !taken(*n)).ok_or(SoundError::TooManyTracks)?;
            }
            self.tracks.push(Track { track: here, ..track.clone() });
        }
        let Track { track: own, leg, role, clock_hz, .. } = *track;
        Ok(PartTrack { own, here, leg, role, clock_hz: clock_hz.max(1) })
    }

    /// Returns the length in microseconds: the end of the longest track.
    #[must_use]
    pub const fn length_us(&self) -> u64 {
        self.length_us
    }

    /// Returns the tracks of the whole recording.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Returns the parts.
    pub fn parts(&mut self) -> &mut [OpenPart] {
        &mut self.parts
    }

    /// Returns path and state of each part.
    pub fn states(&self) -> impl Iterator<Item = (&str, State)> {
        self.parts.iter().map(|open| (open.path.as_str(), open.part.state()))
    }

    /// Says what the sound of `legs` looks like; `rate_hz` for another rate than the highest of the codecs.
    ///
    /// # Errors
    /// [`RenderError`]: no such leg, or none with a decoder.
    pub fn shape(&self, legs: Legs, rate_hz: Option<u32>) -> Result<Shape> {
        let renderer = Renderer::new(&self.tracks, &self.request(legs, rate_hz, 0, self.length_us))?;
        let (rate_hz, channels, frames) = (renderer.rate_hz(), renderer.channels(), renderer.frames());
        Ok(Shape { legs, rate_hz, channels, frames })
    }

    /// Renders block `n` of [`Shape::blocks`]: [`Shape::block_frames`] frames, fewer in the last.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn block(&mut self, shape: &Shape, n: u64) -> Result<(Vec<i16>, RenderReport)> {
        let from_us = n.saturating_mul(BLOCK_US).min(self.length_us);
        let to_us = from_us.saturating_add(BLOCK_US).min(self.length_us);
        self.stretch(shape, from_us, to_us)
    }

    /// Renders any stretch, for itself.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn stretch(&mut self, shape: &Shape, from_us: u64, to_us: u64) -> Result<(Vec<i16>, RenderReport)> {
        let request = self.request(shape.legs, Some(shape.rate_hz), from_us, to_us);
        let mut renderer = Renderer::new(&self.tracks, &request)?;
        let samples = renderer.frames().saturating_mul(u64::from(renderer.channels()));
        let mut pcm: Vec<i16> = Vec::with_capacity(usize::try_from(samples).unwrap_or(0));
        let runs = self.runs(shape.legs, renderer.feed_from_us(), to_us, Share::Touching)?;
        for run in &runs {
            renderer.push(&run.leg_run(), &mut pcm)?;
        }
        let report = renderer.finish(&mut pcm)?;
        Ok((pcm, report))
    }

    fn request(&self, legs: Legs, rate_hz: Option<u32>, from_us: u64, to_us: u64) -> Request {
        Request { from_us, to_us: to_us.min(self.length_us), legs, rate_hz, ..Request::default() }
    }

    /// Reads the runs of some legs in a stretch, in order of time.
    ///
    /// # Errors
    /// A frame that does not open.
    pub fn runs(&mut self, legs: Legs, from_us: u64, to_us: u64, share: Share) -> Result<Vec<SealedRun>> {
        let mut found = Vec::new();
        for open in &mut self.parts {
            if open.offset_us >= to_us || open.end_us < from_us {
                continue;
            }
            let (own_from_us, own_to_us) =
                (from_us.saturating_sub(open.offset_us), to_us.saturating_sub(open.offset_us));
            for track in open.tracks.iter().filter(|track| wanted(legs, track)) {
                let shift = ticks(open.offset_us, track.clock_hz);
                let (first, last) = (ticks(own_from_us, track.clock_hz), ticks(own_to_us, track.clock_hz));
                let failed = |source| SoundError::Seal { path: open.path.clone(), source };
                // One tick more, since the end may lie inside it.
                for run in open.part.runs(track.own, first..last.saturating_add(1)).map_err(failed)? {
                    let run = run.map_err(failed)?;
                    if share == Share::Ending && !(first < run.end() && run.end() <= last) {
                        continue;
                    }
                    let pos = run.pos.saturating_add(shift);
                    found.push(SealedRun {
                        begin_us: micros(pos.saturating_sub(run.gap_samples), track.clock_hz),
                        track: track.here,
                        pos,
                        gap_samples: run.gap_samples,
                        cause: run.cause,
                        samples: run.samples,
                        bytes: run.bytes,
                    });
                }
            }
        }
        found.sort_by_key(|run| run.begin_us);
        Ok(found)
    }
}

/// Which runs a stretch has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Share {
    /// All that touch it, so that two stretches side by side may have the same run.
    Touching,
    /// Those that end in it, so that every run is in exactly one of many stretches side by side.
    Ending,
}

fn wanted(legs: Legs, track: &PartTrack) -> bool {
    match legs {
        Legs::Both => true,
        Legs::Near => track.role == Role::Near,
        Legs::Far => track.role == Role::Far,
        Legs::Leg(n) => track.leg == n,
    }
}

/// Returns where the audio of a part ends, microseconds from its start, by the sealer's totals; `None` if there are none.
fn ends(part: &mut Part<Box<dyn ReadSeek>>, tracks: &[Track]) -> std::result::Result<Option<u64>, SealError> {
    let Some(table) = part.final_table().cloned() else { return Ok(None) };
    let mut ends = Vec::new();
    for total in &table.tracks {
        let gaps = total.gaps.0.iter().fold(0, |sum: u64, n| sum.saturating_add(*n));
        let own = total.samples.saturating_add(gaps);
        let Some(track) = tracks.iter().find(|t| t.track == total.track).filter(|_| own > 0) else {
            continue;
        };
        // A leg may begin later than the recording; its first run says when.
        if let Some(first) = part.runs(total.track, 0..u64::MAX)?.next().transpose()? {
            let base = first.pos.saturating_sub(first.gap_samples);
            ends.push((track, base.saturating_add(own)));
        }
    }
    Ok(Some(length_us(ends)))
}

/// Returns the first tick at or before a media time.
#[must_use]
pub fn ticks(us: u64, clock_hz: u32) -> u64 {
    let wide = u128::from(us).saturating_mul(u128::from(clock_hz)) / 1_000_000;
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// Returns the media time of a tick, rounded down.
#[must_use]
pub fn micros(ticks: u64, clock_hz: u32) -> u64 {
    let wide = u128::from(ticks).saturating_mul(1_000_000) / u128::from(clock_hz.max(1));
    u64::try_from(wide).unwrap_or(u64::MAX)
}

/// Takes a span that cannot be negative.
#[must_use]
pub fn us(span: i64) -> u64 {
    u64::try_from(span).unwrap_or(0)
}

pub(crate) const fn is_audio(kind: FrameType) -> bool {
    matches!(kind, FrameType::Audio)
}
