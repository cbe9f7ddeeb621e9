//! Recordings become files that any player opens, each beside a sidecar that proves it; `report.json` lists all of them.
//!
//! Every sealed file is read from end to end and judged before its sound gets a name: what was altered is not exported. A file is written
//! under a temporary name first; nothing is overwritten, and nothing is written into the archive.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use archive::DayRow;
use audio::Legs;
use playback::encode::{Encoding, Format};
use playback::gaps::GapWalk;
use playback::names::export_stem;
use playback::proof::{Exported, ExportedFile, SealSeen, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::Day;

use crate::location::Location;
use crate::login::Session;
use crate::memory::private;
use crate::recording::{self, Opened, sound};
use crate::refusal::{Refusal, Result, altered};
use crate::sidecar;

/// The list of all files of an export.
const REPORT_NAME: &str = "report.json";

/// An export in the making.
pub(crate) struct Job<'a> {
    /// From where.
    pub(crate) location: &'a Location,
    /// With which keys.
    pub(crate) session: &'a Session,
    /// Where to.
    out: PathBuf,
    format: Format,
    legs: Legs,
    files: Vec<Value>,
    recordings: Vec<Value>,
    failed: Vec<Value>,
}

impl<'a> Job<'a> {
    /// Begins an export into a folder, which is made if it is not there and must not lie in the archive.
    pub(crate) fn new(
        location: &'a Location,
        session: &'a Session,
        out: &Path,
        format: Format,
        legs: Legs,
    ) -> Result<Self> {
        // The folder may not be there yet; the nearest one that is says where it will lie.
        let there = out.ancestors().find_map(|folder| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            folder.canonicalize().ok()
        });
        if there.is_some_and(|there| location.holds(&there)) {
            return Err(Refusal::Inside(out.to_owned()));
        }
        if out.join(REPORT_NAME).exists() {
            return Err(Refusal::Exists(out.join(REPORT_NAME)));
        }
        fs::create_dir_all(out).map_err(|source| Refusal::Unwritable { path: out.to_owned(), source })?;
        let (files, recordings, failed) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { location, session, out: out.to_owned(), format, legs, files, recordings, failed })
    }

    /// Exports one recording of a day.
    pub(crate) fn one(&mut self, day: Day, row: &DayRow<&str>) -> Result<()> {
        let done = self.export(day, row);
        if let Err(refusal) = &done {
            self.failed.push(json!({
                "id": row.recording_id.to_string(), "reference": row.reference, "why": refusal.to_string()
            }));
        }
        done
    }

    /// Returns how many were exported, and how many not.
    pub(crate) const fn counts(&self) -> (usize, usize) {
        (self.recordings.len(), self.failed.len())
    }

    /// Writes the list of all files. `made_at` is RFC 3339 in the site's zone.
    pub(crate) fn finish(self, made_at: &str) -> Result<()> {
        let session = self.session;
        let report = json!({
            "format": "amethyst listener export 1",
            "site_id": session.site.site_id.to_string(),
            "location_id": session.card.location_id.to_string(),
            "media_id": session.card.media_id.to_string(),
            "made_at": made_at,
            "by": format!("login {} of {}", session.login, session.day),
            "notes": session.notes,
            "recordings": self.recordings,
            "failed": self.failed,
            "files": self.files,
        });
        whole_file(&self.out.join(REPORT_NAME), |out| Ok(out.write_all(&text(&report))?))
    }

    fn export(&mut self, day: Day, row: &DayRow<&str>) -> Result<()> {
        let mut opened = recording::open(self.location, self.session, day, row.recording_id, row.path)?;
        let mut value = sidecar::recording(self.session, row.recording_id, &mut opened)?;
        let seals = self.judged(&opened)?;
        let (caller, called) = (sidecar::number(&value, "caller"), sidecar::number(&value, "called"));
        let stem = export_stem(row.start, &self.session.site.zone, &caller, &called, row.reference);
        let stem = self.free(&stem)?;
        let name = format!("{stem}.{}", self.format.extension());
        let path = self.out.join(&name);
        let mut encoding = Encoding::new(&opened.sealed, self.format, self.legs).map_err(sound)?;
        let shape = *encoding.shape();
        whole_file(&path, |out| {
            while let Some(piece) = encoding.step(&mut opened.sealed).map_err(sound)? {
                out.write_all(&piece)?;
            }
            Ok(())
        })?;
        let mut walk = GapWalk::default();
        while walk.step(&mut opened.sealed).map_err(sound)? {}
        let gaps = walk.finish(&mut opened.sealed);
        let file = self.file(&name)?;
        let exported = Exported {
            files: vec![file],
            legs: self.legs,
            sound: Some((shape.rate_hz, shape.channels)),
            report: Some(encoding.into_report()),
            gaps,
            seals,
        };
        sidecar::add(&mut value, &exported);
        let beside = format!("{stem}.json");
        whole_file(&self.out.join(&beside), |out| Ok(out.write_all(&text(&value))?))?;
        self.file(&beside)?;
        self.recordings.push(json!({
            "id": row.recording_id.to_string(), "reference": row.reference, "files": [name, beside]
        }));
        Ok(())
    }

    /// Reads every part from end to end; one that is not what was signed is refused.
    fn judged(&self, opened: &Opened) -> Result<Vec<SealSeen>> {
        let judge = |part: &recording::PartFacts| {
            let file = self.location.file(&part.path)?;
            let seen = SealSeen::read(part.path.clone(), part.state, file, self.session).map_err(sound)?;
            // What recovery said of itself when it signed is no news; anything else is.
            let told = seen.report.trailer.as_ref().is_none_or(|trailer| trailer.damaged_inside);
            match seen.report.findings.first().filter(|_| !told) {
                Some(finding) => {
                    Err(altered(part.path.clone(), format!("byte {}: {}", finding.offset, finding.fault)))
                }
                None => Ok(seen),
            }
        };
        opened.parts.iter().map(judge).collect()
    }

    /// Reads a written file again, notes it in the report and returns what it is.
    fn file(&mut self, name: &str) -> Result<ExportedFile> {
        let path = self.out.join(name);
        let (bytes, sha256) = digest(&path).map_err(|source| Refusal::Unwritable { path, source })?;
        let hex = playback::proof::hex(&sha256);
        self.files.push(json!({ "name": name, "bytes": bytes, "sha256": hex }));
        Ok(ExportedFile { name: name.to_owned(), bytes, sha256 })
    }

    /// The wanted stem, or with `-2`, `-3` behind it: two recordings of one call may have one reference.
    fn free(&self, stem: &str) -> Result<String> {
        let taken = |stem: &str| self.out.join(format!("{stem}.json")).exists();
        let more = (2..=9).map(|n| format!("{stem}-{n}"));
        let found = std::iter::once(stem.to_owned()).chain(more).find(|stem| !taken(stem));
        found.ok_or_else(|| Refusal::Exists(self.out.join(format!("{stem}.json"))))
    }
}

/// Either the medium refuses, or the target.
enum Broken {
    Refused(Refusal),
    Target(io::Error),
}

impl From<Refusal> for Broken {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Target(error)
    }
}

/// Writes a file under a temporary name and gives it its own when it is whole and on the disk.
fn whole_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> std::result::Result<(), Broken>,
) -> Result<()> {
    if path.exists() {
        return Err(Refusal::Exists(path.to_owned()));
    }
    let mut beside = path.to_owned();
    beside.as_mut_os_string().push(".part");
    let done = || -> std::result::Result<(), Broken> {
        let mut out = BufWriter::with_capacity(256 << 10, private(&beside, true)?);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(fs::rename(&beside, path)?)
    };
    done().map_err(|broken| {
        // The part of a file that could not be finished is of no use to anybody.
        drop(fs::remove_file(&beside));
        match broken {
            Broken::Refused(refusal) => refusal,
            Broken::Target(source) => Refusal::Unwritable { path: path.to_owned(), source },
        }
    })
}

fn digest(path: &Path) -> io::Result<(u64, [u8; 32])> {
    let (mut file, mut sum, mut bytes) = (File::open(path)?, Sha256::new(), 0_u64);
    let mut buf = vec![0; 256 << 10];
    loop {
        let n = file.read(&mut buf)?;
        let Some(some) = buf.get(..n).filter(|some| !some.is_empty()) else { break };
        sum.update(some);
        bytes = bytes.saturating_add(u64::try_from(n).unwrap_or(0));
    }
    Ok((bytes, sum.finalize().into()))
}
