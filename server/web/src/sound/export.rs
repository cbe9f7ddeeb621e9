//! An export in the making: one recording after the other into a ZIP, a block of sound at a time, the report at the end.
//!
//! Nothing is written to a disk. What cannot be exported is said in the report and in `README.txt`, and the others go on.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use audio::Legs;
use seal::signed_json;
use sha2::{Digest as _, Sha256};
use shared::{Role, UtcMicros, Zone};
use vault::Recording;

use super::encode::{Encoding, Format, RawTake};
use super::gaps::GapWalk;
use super::media::stem;
use super::report::{ExportReport, REPORT_NAME, ReportFailed, ReportRecording, readme};
use super::sealed::{Result, Sealed, SoundError};
use super::shelf;
use super::sidecar::{self, Exported, ExportedFile};
use super::zip::{DosStamp, ZipWriter};
use crate::host::SiteInfo;
use crate::{Host, HostError};

/// What is wanted of each recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Format of sound; `None`: the payload as received.
    pub(super) format: Option<Format>,
    /// Which legs.
    pub(super) legs: Legs,
}

/// What a step made.
#[derive(Debug)]
pub(super) enum Piece {
    /// Some bytes, perhaps none.
    Bytes(Vec<u8>),
    /// Nothing more.
    End,
}

/// An export.
pub(super) struct Export {
    wanted: Wanted,
    zone: Zone,
    waiting: VecDeque<Arc<Recording>>,
    open: Option<Open>,
    zip: ZipWriter,
    report: ExportReport,
    names: BTreeSet<String>,
    ended: bool,
}

/// The recording that is under way.
struct Open {
    recording: Arc<Recording>,
    sealed: Sealed,
    stem: String,
    takes: VecDeque<Take>,
    file: Option<FileSum>,
    exported: Exported,
    gaps: Option<GapWalk>,
}

/// One file to be made.
enum Take {
    Sound(Box<Encoding>, Format),
    Raw(Box<RawTake>),
}

/// The file that is open in the ZIP.
struct FileSum {
    name: String,
    bytes: u64,
    digest: Sha256,
}

impl Export {
    pub(super) fn new(
        site: &SiteInfo,
        zone: &Zone,
        now: UtcMicros,
        by: &str,
        wanted: Wanted,
        waiting: VecDeque<Arc<Recording>>,
    ) -> Self {
        let stamp = DosStamp::of(zone.day_of(now).yyyymmdd(), zone.hms_of(now));
        let report =
            ExportReport::new(site.site_id.clone(), site.name.clone(), zone.rfc3339(now), by.to_owned());
        Self {
            wanted,
            zone: zone.clone(),
            waiting,
            open: None,
            zip: ZipWriter::new(stamp),
            report,
            names: BTreeSet::new(),
            ended: false,
        }
    }

    /// Makes some more. Blocks.
    ///
    /// # Errors
    /// The report cannot be signed. What is wrong with one recording is no error of the export.
    pub(super) fn step(&mut self, host: &dyn Host) -> Result<Piece> {
        if self.ended {
            return Ok(Piece::End);
        }
        if let Some(open) = self.open.take() {
            self.go_on(host, open);
        } else if let Some(recording) = self.waiting.pop_front() {
            self.begin(host, recording);
        } else {
            self.finish(host)?;
        }
        Ok(Piece::Bytes(self.zip.take()))
    }

    fn begin(&mut self, host: &dyn Host, recording: Arc<Recording>) {
        match open(host, &recording, self.wanted) {
            Ok((sealed, takes)) => {
                let stem = self.free_stem(&stem(&recording, &self.zone));
                let gaps = recording.gaps().0.iter().any(|samples| *samples > 0).then(GapWalk::default);
                let exported = Exported { legs: self.wanted.legs, ..Exported::default() };
                self.open = Some(Open { recording, sealed, stem, takes, file: None, exported, gaps });
            }
            Err(error) => self.fail(&recording, &error),
        }
    }

    /// A call whose disk failed in the middle has two recordings under one reference.
    fn free_stem(&mut self, wanted: &str) -> String {
        let mut stem = wanted.to_owned();
        let mut n = 1_u32;
        while !self.names.insert(stem.clone()) {
            n = n.saturating_add(1);
            stem = format!("{wanted}-{n}");
        }
        stem
    }

    fn fail(&mut self, recording: &Recording, error: &SoundError) {
        tracing::warn!(recording = %recording.facts.recording_id, %error, "a recording could not be exported");
        self.report.failed.push(ReportFailed {
            id: recording.facts.recording_id.to_string(),
            reference: recording.facts.reference.to_string(),
            why: error.to_string(),
        });
    }

    fn go_on(&mut self, host: &dyn Host, mut open: Open) {
        match self.go_on_with(host, &mut open) {
            Ok(true) => self.open = Some(open),
            Ok(false) => {}
            Err(error) => {
                // What went out of the file is listed as it is, so that the report still fits the ZIP.
                self.end_file(&mut open);
                self.fail(&open.recording, &error);
            }
        }
    }

    /// Does the next thing for a recording; returns whether there is more to do.
    fn go_on_with(&mut self, host: &dyn Host, open: &mut Open) -> Result<bool> {
        if let Some(take) = open.takes.front_mut() {
            if open.file.is_none() {
                let (name, bytes_max) = match take {
                    Take::Sound(encoding, format) => {
                        (format!("{}.{}", open.stem, format.extension()), encoding.bytes_max())
                    }
                    Take::Raw(raw) => (
                        format!("{}_{}", open.stem, raw.name_end()),
                        open.recording.bytes().saturating_mul(2),
                    ),
                };
                self.zip.begin_file(&name, bytes_max);
                open.file = Some(FileSum { name, bytes: 0, digest: Sha256::new() });
            }
            let made = match take {
                Take::Sound(encoding, _) => encoding.step(&mut open.sealed)?,
                Take::Raw(raw) => raw.step(&mut open.sealed)?,
            };
            if let (Some(bytes), Some(file)) = (&made, &mut open.file) {
                file.bytes = file.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                file.digest.update(bytes);
                self.zip.data(bytes);
                return Ok(true);
            }
            self.end_file(open);
            if let Some(Take::Sound(encoding, _)) = open.takes.pop_front() {
                let shape = *encoding.shape();
                open.exported.sound = Some((shape.rate_hz, shape.channels));
                open.exported.report = Some(encoding.into_report());
            }
            return Ok(true);
        }
        if let Some(mut walk) = open.gaps.take() {
            if walk.step(&mut open.sealed)? {
                open.gaps = Some(walk);
            } else {
                open.exported.gaps = walk.finish(&mut open.sealed);
            }
            return Ok(true);
        }
        open.exported.seals = sidecar::seals(host.vault(), host.keys(), &open.recording, &open.sealed)?;
        self.add_sidecar(host, open);
        Ok(false)
    }

    fn end_file(&mut self, open: &mut Open) {
        self.zip.end_file();
        if let Some(FileSum { name, bytes, digest }) = open.file.take() {
            let sha256: [u8; 32] = digest.finalize().into();
            self.report.add_file(&name, bytes, &sha256);
            open.exported.files.push(ExportedFile { name, bytes, sha256 });
        }
    }

    fn add_sidecar(&mut self, host: &dyn Host, open: &Open) {
        let value = sidecar::sidecar(&open.recording, &self.zone, &host.site().site_id, &open.exported);
        let name = format!("{}.json", open.stem);
        self.add_text(&name, &sidecar::text(&value));
        let mut files: Vec<String> = open.exported.files.iter().map(|f| f.name.clone()).collect();
        files.push(name);
        self.report.recordings.push(ReportRecording {
            id: open.recording.facts.recording_id.to_string(),
            reference: open.recording.facts.reference.to_string(),
            files,
        });
    }

    fn add_text(&mut self, name: &str, bytes: &[u8]) {
        self.zip.file(name, bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.report.add_file(name, length, &Sha256::digest(bytes).into());
    }

    fn finish(&mut self, host: &dyn Host) -> Result<()> {
        let text = readme(&self.report.site, &self.report.made_at, &self.report.failed);
        self.add_text("README.txt", text.as_bytes());
        let unsigned = self.report.unsigned().map_err(|error| HostError::Io(error.to_string()))?;
        let signature = host.sign_report(unsigned.as_bytes())?.signature;
        self.zip.file(REPORT_NAME, &signed_json::signed(&unsigned, &signature));
        self.zip.finish();
        self.ended = true;
        Ok(())
    }
}

fn open(host: &dyn Host, recording: &Recording, wanted: Wanted) -> Result<(Sealed, VecDeque<Take>)> {
    let sealed = shelf::open(host, recording)?;
    let takes = match wanted.format {
        Some(format) => {
            let encoding = Encoding::new(&sealed, format, wanted.legs)?;
            VecDeque::from([Take::Sound(Box::new(encoding), format)])
        }
        None => {
            let is_wanted = |role| match wanted.legs {
                Legs::Near => role == Role::Near,
                Legs::Far => role == Role::Far,
                Legs::Both | Legs::Leg(_) => true,
            };
            let tracks = sealed.tracks().iter().filter(|track| is_wanted(track.role));
            tracks.map(|track| Ok(Take::Raw(Box::new(RawTake::new(track)?)))).collect::<Result<_>>()?
        }
    };
    Ok((sealed, takes))
}
