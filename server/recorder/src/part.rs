//! One open part of one recording: its sealer and its file in the spool, side by side.
//!
//! What the sealer made is appended whole and in order. After a failed append the part is dropped as it is: its file stays
//! in the spool for recovery, and the call goes on in a new recording (see [`crate::segment`]).

use seal::{
    ClockEvidence, Closing, FinalInfo, Meta, MustClose, PacketCounts, PartSpec, SealedAudio, TrackTotals,
    Writer,
};
use shared::{Chunk, Event, GapCorrection, TapId, UtcMicros};
use vault::PartFile;

use crate::{Common, RecorderError};

/// An open part.
pub(crate) struct OpenPart {
    writer: Writer,
    file: PartFile,
    /// Sealed META and EVENT frames that go out with the next flush.
    waiting: Vec<u8>,
    /// Where this part begins, in microseconds from the start of the segment.
    pub(crate) offset_us: u64,
    /// Events of this part that the catalogue wants, and corrections of its gaps.
    pub(crate) events: Vec<Event>,
    /// Where each track ends so far, in ticks from the start of the segment.
    ends: Vec<(u8, u64)>,
}

/// A part that was closed, before its last bytes are on disk.
pub(crate) struct ClosedWriter {
    pub(crate) file: PartFile,
    pub(crate) tail: Vec<u8>,
    pub(crate) closing: Closing,
    pub(crate) spec: PartSpec,
    pub(crate) totals: Vec<TrackTotals>,
    pub(crate) events: Vec<Event>,
}

impl OpenPart {
    /// Creates the file and writes header and META.
    pub(crate) fn begin(
        common: &Common,
        tap: TapId,
        spec: &PartSpec,
        meta: &Meta,
        offset_us: u64,
    ) -> Result<Self, RecorderError> {
        let depot = common.depot(tap).ok_or(RecorderError::NoLedger)?;
        let recipient = common.keys.recipient(spec.day)?;
        let mut dice = common.keys.dice();
        let (mut writer, header) =
            Writer::begin(spec, &[recipient], common.keys.signer().key_id(), &mut dice)?;
        let details = writer.meta(meta)?;
        let name = seal::file_name(common.config.zone.hms_of(spec.start), &spec.recording_id, spec.part);
        let mut file = depot.begin_part((spec.recording_id, spec.part), &name)?;
        if let Err(e) = file.append(&[&header, &details]) {
            // A full disk is tried again every second of each call: nothing must be left of the attempt.
            depot.withdraw(file)?;
            return Err(e.into());
        }
        Ok(Self { writer, file, waiting: Vec::new(), offset_us, events: Vec::new(), ends: Vec::new() })
    }

    /// Seals changed call details; they go out with the next flush.
    pub(crate) fn meta(&mut self, meta: &Meta) -> Result<(), RecorderError> {
        let frame = self.writer.meta(meta)?;
        self.waiting.extend_from_slice(&frame);
        Ok(())
    }

    /// Seals an event whose time and positions count from the start of the segment; it goes out with the next flush.
    pub(crate) fn event(
        &mut self,
        mut event: Event,
        clocks: &dyn Fn(u8) -> u32,
    ) -> Result<(), RecorderError> {
        event.t_us = event.t_us.saturating_sub(i64::try_from(self.offset_us).unwrap_or(i64::MAX));
        if let Some(track) = event.track {
            event.rebase_samples(i64::try_from(self.offset_ticks(clocks(track))).unwrap_or(i64::MAX));
        }
        let frame = self.writer.event(&event)?;
        self.waiting.extend_from_slice(&frame);
        if !event.is_sealed_only() || GapCorrection::of(&event).is_some() {
            self.events.push(event);
        }
        Ok(())
    }

    /// Seals one flush, all tracks together, and appends it in one write. Returns the buffers through `used`.
    pub(crate) fn flush(
        &mut self,
        chunks: Vec<Chunk>,
        clocks: &dyn Fn(u8) -> u32,
        used: &mut dyn FnMut(SealedAudio),
    ) -> Result<(), RecorderError> {
        let mut sealed: Vec<SealedAudio> = Vec::with_capacity(chunks.len());
        let least = chunks.iter().map(|c| media_us(self.rebased(c, clocks), clocks(c.track))).min();
        self.writer.begin_flush(least.unwrap_or(0));
        for mut chunk in chunks {
            self.note_end(chunk.track, chunk.end_samples());
            chunk.base_samples = self.rebased(&chunk, clocks);
            sealed.push(self.writer.audio(chunk)?);
        }
        let mut bytes: Vec<&[u8]> = Vec::with_capacity(sealed.len().saturating_add(1));
        bytes.push(&self.waiting);
        bytes.extend(sealed.iter().map(SealedAudio::bytes));
        self.file.append(&bytes)?;
        drop(bytes);
        self.waiting = Vec::new(); // most seconds have nothing to say, and calls are many
        sealed.into_iter().for_each(used);
        Ok(())
    }

    /// Appends what waits, without audio.
    pub(crate) fn write_waiting(&mut self) -> Result<(), RecorderError> {
        if !self.waiting.is_empty() {
            self.file.append(&[&self.waiting])?;
            self.waiting = Vec::new();
        }
        Ok(())
    }

    /// Tells whether the part must end now.
    pub(crate) fn must_close(&self) -> Option<MustClose> {
        self.writer.must_close()
    }

    /// Seals INDEX and FINAL; nothing is written yet.
    pub(crate) fn close(
        mut self,
        end: UtcMicros,
        reason: &str,
        packets: PacketCounts,
        clock: ClockEvidence,
    ) -> Result<ClosedWriter, RecorderError> {
        self.write_waiting()?;
        let spec = self.writer.spec().clone();
        let totals: Vec<TrackTotals> = self.writer.totals().collect();
        let info = FinalInfo { end, reason: reason.to_owned(), packets, clock: Some(clock) };
        let (tail, closing) = self.writer.close(info)?;
        Ok(ClosedWriter { file: self.file, tail, closing, spec, totals, events: self.events })
    }

    /// Returns where the next part begins: the end of the track that is furthest behind, in microseconds from the start of
    /// the segment.
    pub(crate) fn end_us(&self, clocks: &dyn Fn(u8) -> u32) -> u64 {
        let ends = self.ends.iter().map(|(track, end)| media_us(*end, clocks(*track)));
        ends.min().unwrap_or(self.offset_us)
    }

    fn note_end(&mut self, track: u8, end: u64) {
        match self.ends.iter_mut().find(|(number, _)| *number == track) {
            Some((_, known)) => *known = end,
            None => self.ends.push((track, end)),
        }
    }

    /// Gives up the part before any audio was kept: returns its file, to be discarded.
    pub(crate) fn into_file(self) -> PartFile {
        self.file
    }

    fn rebased(&self, chunk: &Chunk, clocks: &dyn Fn(u8) -> u32) -> u64 {
        chunk.base_samples.saturating_sub(self.offset_ticks(clocks(chunk.track)))
    }

    fn offset_ticks(&self, clock_hz: u32) -> u64 {
        let ticks = u128::from(self.offset_us) * u128::from(clock_hz) / 1_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

/// Returns the media time of a position, in microseconds, rounded down.
pub(crate) fn media_us(samples: u64, clock_hz: u32) -> u64 {
    let us = u128::from(samples) * 1_000_000 / u128::from(clock_hz.max(1));
    u64::try_from(us).unwrap_or(u64::MAX)
}
