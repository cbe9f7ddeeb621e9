//! One segment from the sealer's side: its ledger entry, its open part, and what was lost on the way.
//!
//! Usually one segment is one recording of one part. It becomes more parts when a part is full, and another recording
//! when the disk failed in the middle: what is sealed stays, the call goes on beside it.

use seal::{Kind, Meta, PacketCounts, PartSpec, PartyRole, Tap};
use shared::{Chunk, Event, GapCorrection, LedgerEnd, NotRecorded, Partly, RecordingId, Stamp, TapId, Track};
use telephony::cmd::{CallInfo, MediaStats, SegClose, SegId};
use vault::{ClosedPart, Facts, LedgerEnding, LegRow, PartFile, PartRow, PartyRow, RecordingRow};

use crate::desk::Entry;
use crate::part::{ClosedWriter, OpenPart, media_us};
use crate::{Common, RecorderError, loss};

/// Everything a sealer knows of one segment.
pub(crate) struct Segment {
    seg: SegId,
    /// Through which tap it was signalled: whether it is a canary is decided there, once.
    tap: TapId,
    info: CallInfo,
    entry: Option<Entry>,
    start: Option<Stamp>,
    tracks: Vec<Track>,
    part: Option<OpenPart>,
    discarded: Option<PartFile>,
    recording_id: RecordingId,
    /// The recording was begun again after the disk failed.
    again: bool,
    opened: bool,
    sealed_any: bool,
    disk_full: bool,
    lost_samples: u64,
}

/// What is left of a segment when it is over.
pub(crate) struct Ended {
    /// The last part, if one was open.
    pub(crate) part: Option<ClosedPart>,
    /// A part that a rule excludes although some of it was sealed already.
    pub(crate) discarded: Option<PartFile>,
    /// How its ledger entry ends, after what the recorder itself lost.
    pub(crate) ending: Ending,
}

/// The end of a ledger entry, with what the catalogue says beside it.
pub(crate) struct Ending {
    pub(crate) seg: SegId,
    pub(crate) tap: TapId,
    pub(crate) ending: LedgerEnding,
    pub(crate) caller: String,
    pub(crate) called: String,
}

impl Segment {
    pub(crate) fn new(seg: SegId, info: CallInfo) -> Self {
        Self {
            seg,
            tap: info.tap,
            info,
            entry: None,
            start: None,
            tracks: Vec::new(),
            part: None,
            discarded: None,
            recording_id: RecordingId::default(),
            again: false,
            opened: false,
            sealed_any: false,
            disk_full: false,
            lost_samples: 0,
        }
    }

    /// Begins the recording under its ledger entry. Without one, because the ledger's disk took nothing, nothing is sealed;
    /// the audio is counted as lost until the entry is durable and another recording of the call begins.
    pub(crate) fn open(
        &mut self,
        common: &Common,
        entry: Option<Entry>,
        start: Stamp,
        tracks: Vec<Track>,
    ) -> Result<(), RecorderError> {
        (self.entry, self.start, self.opened) = (entry, Some(start), true);
        self.tracks = tracks;
        let Some(entry) = entry else {
            self.disk_full = true;
            return Ok(());
        };
        self.recording_id = entry.recording_id;
        self.begin_part(common, 0, [0; 32], 0)
    }

    pub(crate) fn add_tracks(&mut self, common: &Common, tracks: Vec<Track>) -> Result<(), RecorderError> {
        self.tracks.extend(tracks);
        self.reseal_meta(common)
    }

    pub(crate) fn set_info(&mut self, common: &Common, info: CallInfo) -> Result<(), RecorderError> {
        self.info = info;
        self.reseal_meta(common)
    }

    pub(crate) fn note(&mut self, event: Event) -> Result<(), RecorderError> {
        if let Some(learned) = GapCorrection::of(&event) {
            self.lost_samples = loss::corrected(self.lost_samples, &learned);
        }
        let tracks = &self.tracks;
        self.part.as_mut().map_or(Ok(()), |part| part.event(event, &|number| clock_of(tracks, number)))
    }

    /// Seals and writes one flush. A part that had to be closed on the way is returned, to be admitted.
    ///
    /// On an error the open part is left to recovery, the audio of this flush is counted as lost, and the next flush
    /// begins another recording of the same call.
    pub(crate) fn append(
        &mut self,
        common: &Common,
        chunks: Vec<Chunk>,
        used: &mut dyn FnMut(seal::SealedAudio),
    ) -> Result<Option<ClosedPart>, RecorderError> {
        let samples: u64 =
            chunks.iter().flat_map(|c| &c.runs).fold(0, |sum, run| sum.saturating_add(run.samples));
        self.lost_samples =
            chunks.iter().map(loss::lost_samples).fold(self.lost_samples, u64::saturating_add);
        let written = self.write(common, chunks, used);
        match &written {
            Ok(_) => {
                common.written.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                self.sealed_any |= samples > 0;
            }
            Err(e) => {
                self.disk_full |= e.is_no_space();
                self.lost_samples = self.lost_samples.saturating_add(samples);
                self.part = None;
            }
        }
        written
    }

    /// Closes the segment. On an error its last part is left to recovery, and the ledger says so.
    pub(crate) fn close(mut self, common: &Common, close: &SegClose) -> (Ended, Option<RecorderError>) {
        let mut end = self.final_end(close.end);
        let (mut part, mut error) = (None, None);
        if let Some(open) = self.part.take() {
            let clock = common.clock(close.at.quality);
            match open.close(close.at.utc, close.reason, packet_counts(&close.stats), clock) {
                Ok(closed) => {
                    let row = self.row(common, &closed, close.at.utc, end, close.reason, &close.stats);
                    part = row.map(|row| closed_part(common, closed, row, close.at.utc, false));
                }
                Err(e) => {
                    end = self.left_for_recovery(end);
                    error = Some(e);
                }
            }
        }
        let rule = close.rule.filter(|_| end == LedgerEnd::NotRecorded(NotRecorded::Rule));
        let ending = Ending {
            seg: close.seg,
            tap: self.tap,
            ending: LedgerEnding { end, rule, at: close.at.utc },
            caller: self.info.caller.number.clone(),
            called: self.info.called.number.clone(),
        };
        (Ended { part, discarded: self.discarded.take(), ending }, error)
    }

    /// Takes the open part aside, to be removed once the ledger has said why.
    pub(crate) fn discard(&mut self) {
        self.opened = false;
        self.discarded = self.part.take().map(OpenPart::into_file);
    }

    fn write(
        &mut self,
        common: &Common,
        chunks: Vec<Chunk>,
        used: &mut dyn FnMut(seal::SealedAudio),
    ) -> Result<Option<ClosedPart>, RecorderError> {
        if self.part.is_none() {
            self.begin_again(common, self.least_media_us(&chunks))?;
        }
        let Some(part) = self.part.as_mut() else { return Ok(None) };
        let tracks = &self.tracks;
        part.flush(chunks, &|number| clock_of(tracks, number), used)?;
        if part.must_close().is_some() { self.roll(common) } else { Ok(None) }
    }

    /// Ends the open part and begins the next one of the same recording.
    fn roll(&mut self, common: &Common) -> Result<Option<ClosedPart>, RecorderError> {
        let (Some(part), Some(start)) = (self.part.take(), self.start) else { return Ok(None) };
        let at_us = part.end_us(&|number| clock_of(&self.tracks, number));
        let end = start.utc.plus(i64::try_from(at_us).unwrap_or(i64::MAX));
        let closed = part.close(end, "part-full", PacketCounts::default(), common.clock(start.quality))?;
        let row = self.row(common, &closed, end, LedgerEnd::Recorded, "part-full", &MediaStats::default());
        let number = closed.spec.part.saturating_add(1);
        let admitted = row.map(|row| closed_part(common, closed, row, end, true));
        let previous = admitted.as_ref().map_or([0; 32], |part| seal::trailer_digest(&part.trailer));
        self.begin_part(common, number, previous, at_us)?;
        Ok(admitted)
    }

    /// Goes on in another recording: the one before was cut off by the disk.
    fn begin_again(&mut self, common: &Common, offset_us: u64) -> Result<(), RecorderError> {
        // No byte is sealed before the entry of its call is durable.
        self.entry =
            Some(self.entry.or_else(|| common.desk.durable(self.seg)).ok_or(RecorderError::NoLedger)?);
        self.again = true;
        self.recording_id = common.new_recording_id(self.start.unwrap_or_default().utc);
        self.begin_part(common, 0, [0; 32], offset_us)
    }

    fn begin_part(
        &mut self,
        common: &Common,
        part: u16,
        prev_trailer: [u8; 32],
        offset_us: u64,
    ) -> Result<(), RecorderError> {
        let start = self.start.unwrap_or_default().utc.plus(i64::try_from(offset_us).unwrap_or(i64::MAX));
        let spec = PartSpec {
            recording_id: self.recording_id,
            site_id: common.config.site_id,
            recorder_id: common.config.recorder_id,
            start,
            day: common.config.zone.day_of(start),
            part,
            kind: Kind::Recording,
            after_restart: self.again && part == 0,
            prev_trailer,
        };
        let begun = OpenPart::begin(common, self.tap, &spec, &self.meta(common), offset_us);
        if let Err(e) = &begun {
            self.disk_full |= e.is_no_space();
        }
        self.part = Some(begun?);
        Ok(())
    }

    fn reseal_meta(&mut self, common: &Common) -> Result<(), RecorderError> {
        let meta = self.meta(common);
        self.part.as_mut().map_or(Ok(()), |part| part.meta(&meta))
    }

    fn meta(&self, common: &Common) -> Meta {
        Meta {
            tracks: self.tracks.clone(),
            tap: Tap { name: common.tap_name(self.info.tap), number: self.info.tap },
            side: self.info.side,
            build: common.config.build.clone(),
            method: self.info.method,
            ledger_no: self.entry.map(|e| e.ledger_no).unwrap_or_default(),
            reference: self.entry.map(|e| e.reference.to_string()).unwrap_or_default(),
            clock: self.start.map(|s| common.clock(s.quality)),
            call_ids: self.info.call_ids.clone(),
            parties: self.parties(),
            direction: self.info.direction,
            ..Meta::default()
        }
    }

    fn parties(&self) -> Vec<(PartyRole, shared::Party)> {
        let others = self.info.others.iter().map(|p| (PartyRole::Other, p.clone()));
        let both =
            [(PartyRole::Caller, self.info.caller.clone()), (PartyRole::Called, self.info.called.clone())];
        both.into_iter().chain(others).collect()
    }

    /// Makes the end worse by what the recorder itself lost; never better.
    fn final_end(&self, from_engine: LedgerEnd) -> LedgerEnd {
        if self.disk_full || (self.opened && !self.sealed_any && self.lost_samples > 0) {
            return match self.sealed_any {
                true => LedgerEnd::Partly(Partly::DiskFull),
                false => LedgerEnd::NotRecorded(NotRecorded::DiskFull),
            };
        }
        match from_engine {
            LedgerEnd::Recorded if self.lost_samples > 0 => LedgerEnd::Partly(Partly::RecorderLoss),
            LedgerEnd::Recorded | LedgerEnd::Partly(_) | LedgerEnd::NotRecorded(_) => from_engine,
        }
    }

    fn left_for_recovery(&self, end: LedgerEnd) -> LedgerEnd {
        match end {
            LedgerEnd::Recorded if self.sealed_any => LedgerEnd::Partly(Partly::RecorderLoss),
            LedgerEnd::Recorded => LedgerEnd::NotRecorded(NotRecorded::DiskFull),
            LedgerEnd::Partly(_) | LedgerEnd::NotRecorded(_) => end,
        }
    }

    fn least_media_us(&self, chunks: &[Chunk]) -> u64 {
        chunks.iter().map(|c| media_us(c.base_samples, clock_of(&self.tracks, c.track))).min().unwrap_or(0)
    }

    fn row(
        &self,
        common: &Common,
        closed: &ClosedWriter,
        ended_at: shared::UtcMicros,
        end: LedgerEnd,
        reason: &str,
        stats: &MediaStats,
    ) -> Option<RecordingRow> {
        let entry = self.entry?;
        let start = self.start?.utc;
        let role_of = |role| match role {
            PartyRole::Caller => vault::PartyRole::Caller,
            PartyRole::Called => vault::PartyRole::Called,
            PartyRole::Other => vault::PartyRole::Other,
        };
        let facts = Facts {
            recording_id: closed.spec.recording_id,
            recorder_id: common.config.recorder_id,
            ledger_no: entry.ledger_no,
            reference: entry.reference,
            started_at: if self.again { closed.spec.start } else { start },
            ended_at,
            day: common.config.zone.day_of(if self.again { closed.spec.start } else { start }),
            direction: self.info.direction,
            method: self.info.method,
            side: self.info.side,
            tap: self.tap,
            tap_name: common.tap_name(self.info.tap),
            orphan: self.info.orphan,
            end,
            end_reason: reason.to_owned(),
            packets: vault::PacketCounts {
                packets: stats.packets,
                duplicate: stats.duplicate,
                late: stats.late,
                reordered: stats.reordered,
            },
        };
        let parties = self.parties().into_iter().map(|(role, party)| PartyRow { role: role_of(role), party });
        Some(RecordingRow {
            facts,
            call_ids: self.info.call_ids.clone(),
            parties: parties.collect(),
            legs: self.legs(closed),
            events: closed.events.clone(),
            part: part_row(common, closed, ended_at),
            leaf: None,
        })
    }

    fn legs(&self, closed: &ClosedWriter) -> Vec<LegRow> {
        let totals = |n| closed.totals.iter().find(|t| t.track == n).copied().unwrap_or_default();
        let row = |track: &Track| {
            let (total, part) = (totals(track.track), closed.spec.part);
            let mut leg = LegRow { part, track: track.clone(), samples: total.samples, gaps: total.gaps };
            leg.correct(&closed.events);
            leg
        };
        self.tracks.iter().map(row).collect()
    }
}

fn part_row(common: &Common, closed: &ClosedWriter, ended_at: shared::UtcMicros) -> PartRow {
    let facts = closed.closing.facts();
    PartRow {
        part: closed.spec.part,
        started_at: closed.spec.start,
        day: closed.spec.day,
        ended_at,
        path: String::new(),
        bytes: facts.body_len.saturating_add(256),
        sha256: facts.sha256,
        blake3: facts.blake3,
        flags: 0,
        frames: facts.frames,
        signing_key_id: common.keys.signer().key_id().0,
    }
}

fn closed_part(
    common: &Common,
    closed: ClosedWriter,
    mut row: RecordingRow,
    end: shared::UtcMicros,
    continued: bool,
) -> ClosedPart {
    let trailer = closed.closing.trailer(continued, end, common.keys.signer());
    row.part.flags = if continued { 4 } else { 0 };
    ClosedPart { file: closed.file, tail: closed.tail, trailer, row }
}

fn clock_of(tracks: &[Track], number: u8) -> u32 {
    tracks.iter().find(|t| t.track == number).map_or(8_000, |t| t.clock_hz.max(1))
}

fn packet_counts(stats: &MediaStats) -> PacketCounts {
    PacketCounts {
        packets: stats.packets,
        duplicate: stats.duplicate,
        late: stats.late,
        reordered: stats.reordered,
    }
}
