//! `runs/<utc>-<run8>.jsonl`: what one run did and proved. A head, one line for each proof, and a signed end.
//!
//! Lines of JSON: the head names the run and the digest of the report before it on this location; each proof says which
//! part lies where, and how far it was verified; the end counts them and carries central's signature, Ed25519 over
//! "amethyst/archive/run/v1" and all bytes before the end's line. From these reports alone every proof can be rebuilt.

use seal::{KeyId, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use shared::{LocationId, MediaId, RecordingId, RunId, SiteId, UtcMicros};

use crate::{ArchiveError, Result, hex, unhex};

const LABEL: &str = "amethyst/archive/run/v1";
const FORMAT: &str = "amethyst run 1";
/// Proofs of one report. A longer night is several runs.
pub const PROOFS_MAX: usize = 1_000_000;
/// Longer files are no reports.
pub const REPORT_MAX: u64 = 1 << 30;

/// How far something was verified on its medium.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Level {
    /// Not at all.
    None = 0,
    /// It is there in its size.
    Present = 1,
    /// Hashed while it was written.
    Written = 2,
    /// Read back from the medium in the run, past the cache. From here on a proof allows purging.
    ReadBack = 3,
    /// Hashed again in a later session of the medium.
    Again = 4,
    /// All frames decrypted and signatures checked.
    Opened = 5,
}

impl Level {
    /// Finds a level by its number.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::None),
            1 => Some(Self::Present),
            2 => Some(Self::Written),
            3 => Some(Self::ReadBack),
            4 => Some(Self::Again),
            5 => Some(Self::Opened),
            _ => None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Outcome {
    /// Everything that was due lies there.
    Complete = 1,
    /// Something could not be carried; it stays due.
    Holes = 2,
    /// It ended early: it was stopped, or the medium is full.
    Early = 3,
}

impl Outcome {
    /// Returns the word for people and programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Holes => "holes",
            Self::Early => "early",
        }
    }

    /// Finds an outcome by its number.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            1 => Some(Self::Complete),
            2 => Some(Self::Holes),
            3 => Some(Self::Early),
            _ => None,
        }
    }
}

/// Which run this is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunHead {
    /// Whose archive.
    pub site_id: SiteId,
    /// Which location.
    pub location_id: LocationId,
    /// On which medium.
    pub media_id: MediaId,
    /// Its generation.
    pub media_gen: u32,
    /// Which run.
    pub run_id: RunId,
    /// Its beginning.
    pub begun: UtcMicros,
    /// SHA-256 of the report before this one on this medium.
    pub previous: Option<[u8; 32]>,
    /// First leaf that was due.
    pub first: u64,
    /// Behind the last leaf that was due.
    pub end: u64,
}

/// What was proven of one part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunProof {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// The leaf of its admission.
    pub leaf: u64,
    /// Where it lies, from the archive's root folder.
    pub path: String,
    /// The whole file in bytes.
    pub size: u64,
    /// Of everything before the trailer, as the leaf says.
    pub sha256: [u8; 32],
    /// The same by BLAKE3.
    pub blake3: [u8; 32],
    /// How far it was verified.
    pub level: Level,
    /// The manifest that lists it.
    pub manifest: u32,
    /// When it was read back.
    pub read_at: UtcMicros,
}

/// A whole report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunReport {
    /// Which run.
    pub head: RunHead,
    /// What it proved.
    pub proofs: Vec<RunProof>,
    /// Its end.
    pub ended: UtcMicros,
    /// How it ended.
    pub outcome: Outcome,
    /// Leaves of the checkpoint that was written with it.
    pub checkpoint: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadLine {
    format: String,
    site_id: String,
    location_id: String,
    media_id: String,
    media_gen: u32,
    run_id: String,
    begun_us: i64,
    previous: Option<String>,
    first: u64,
    end: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofLine {
    recording_id: String,
    part: u16,
    leaf: u64,
    path: String,
    size: u64,
    sha256: String,
    blake3: String,
    level: u8,
    manifest: u32,
    read_us: i64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    proofs: usize,
    ended_us: i64,
    outcome: Outcome,
    checkpoint: u64,
    key_id: String,
    signature: String,
}

impl RunReport {
    /// Writes and signs the report.
    ///
    /// # Errors
    /// More than [`PROOFS_MAX`] proofs.
    pub fn sign(&self, key: &SigningKey) -> Result<Vec<u8>> {
        if self.proofs.len() > PROOFS_MAX {
            return Err(wrong("it has too many proofs"));
        }
        let mut out = line(&self.head.line());
        self.proofs.iter().for_each(|proof| out.extend(line(&proof.line())));
        let signature = key.sign(LABEL, &self.signed(&out));
        let end = EndLine {
            proofs: self.proofs.len(),
            ended_us: self.ended.0,
            outcome: self.outcome,
            checkpoint: self.checkpoint,
            key_id: key.key_id().to_string(),
            signature: hex(&signature),
        };
        out.extend(line(&end));
        Ok(out)
    }

    /// Reads a report and verifies its signature; `key` finds central's certified key by its id.
    ///
    /// # Errors
    /// A damaged report, a key that nobody certified, or a signature that does not verify.
    pub fn open(bytes: &[u8], key: impl FnOnce(KeyId) -> Option<VerifyingKey>) -> Result<Self> {
        let open = bytes.strip_suffix(b"\n").ok_or_else(|| wrong("its last line is cut off"))?;
        let at = open.iter().rposition(|b| *b == b'\n').ok_or_else(|| wrong("it has one line"))?;
        let (body, last) = open.split_at_checked(at.saturating_add(1)).ok_or_else(|| wrong("its lines"))?;
        let end: EndLine = serde_json::from_slice(last).map_err(|_not_json| wrong("its last line"))?;
        let mut lines = body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        let head = lines.next().and_then(RunHead::read).ok_or_else(|| wrong("its head"))?;
        let proofs = lines.take(PROOFS_MAX).map(RunProof::read).collect::<Option<Vec<_>>>();
        let proofs = proofs.filter(|proofs| proofs.len() == end.proofs).ok_or_else(|| wrong("its proofs"))?;
        let (ended, outcome, checkpoint) = (UtcMicros(end.ended_us), end.outcome, end.checkpoint);
        let report = Self { head, proofs, ended, outcome, checkpoint };
        let id = unhex(&end.key_id).and_then(|id| id.try_into().ok()).map(KeyId);
        let key = id.and_then(key).ok_or_else(|| wrong("it was signed by a key without certificate"))?;
        let signature = unhex(&end.signature).and_then(|s| s.try_into().ok());
        let holds = signature.is_some_and(|s| key.verifies(LABEL, &report.signed(body), &s));
        if holds { Ok(report) } else { Err(wrong("its signature does not verify")) }
    }

    /// Returns the digest by which the next report and leaf 8 name this file.
    #[must_use]
    pub fn digest(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    /// The bytes before the end, and what the end says besides.
    fn signed(&self, body: &[u8]) -> Vec<u8> {
        let end = format!("{} {:?} {}", self.ended.0, self.outcome, self.checkpoint);
        [body, end.as_bytes()].concat()
    }
}

impl RunHead {
    /// Returns the name of the report's file: `20261122t190003z-0a1b2c3d.jsonl`.
    #[must_use]
    pub fn file_name(&self) -> String {
        let utc = shared::Zone::named("UTC").map(|zone| (zone.day_of(self.begun), zone.hms_of(self.begun)));
        let (day, (h, m, s)) = utc.map_or((0, (0, 0, 0)), |(day, hms)| (day.yyyymmdd(), hms));
        let [a, b, c, d, ..] = self.run_id.0;
        format!("{day:08}t{h:02}{m:02}{s:02}z-{}.jsonl", hex(&[a, b, c, d]))
    }

    fn line(&self) -> HeadLine {
        HeadLine {
            format: FORMAT.to_owned(),
            site_id: hex(self.site_id.bytes()),
            location_id: hex(self.location_id.bytes()),
            media_id: hex(self.media_id.bytes()),
            media_gen: self.media_gen,
            run_id: hex(self.run_id.bytes()),
            begun_us: self.begun.0,
            previous: self.previous.map(|digest| hex(&digest)),
            first: self.first,
            end: self.end,
        }
    }

    fn read(line: &[u8]) -> Option<Self> {
        let read: HeadLine = serde_json::from_slice(line).ok()?;
        let previous = match read.previous {
            None => None,
            Some(text) => Some(unhex(&text)?.try_into().ok()?),
        };
        let head = Self {
            site_id: read.site_id.parse().ok()?,
            location_id: read.location_id.parse().ok()?,
            media_id: read.media_id.parse().ok()?,
            media_gen: read.media_gen,
            run_id: read.run_id.parse().ok()?,
            begun: UtcMicros(read.begun_us),
            previous,
            first: read.first,
            end: read.end,
        };
        (read.format == FORMAT && head.first <= head.end).then_some(head)
    }
}

impl RunProof {
    fn line(&self) -> ProofLine {
        ProofLine {
            recording_id: hex(self.recording_id.bytes()),
            part: self.part,
            leaf: self.leaf,
            path: self.path.clone(),
            size: self.size,
            sha256: hex(&self.sha256),
            blake3: hex(&self.blake3),
            level: self.level as u8,
            manifest: self.manifest,
            read_us: self.read_at.0,
        }
    }

    fn read(line: &[u8]) -> Option<Self> {
        let read: ProofLine = serde_json::from_slice(line).ok()?;
        let digest = |text: &str| unhex(text)?.try_into().ok();
        let proof = Self {
            recording_id: read.recording_id.parse().ok()?,
            part: read.part,
            leaf: read.leaf,
            sha256: digest(&read.sha256)?,
            blake3: digest(&read.blake3)?,
            path: read.path,
            size: read.size,
            level: Level::from_number(read.level)?,
            manifest: read.manifest,
            read_at: UtcMicros(read.read_us),
        };
        crate::layout::is_plain_path(&proof.path).then_some(proof)
    }
}

fn line(body: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(body).expect("texts and numbers are always JSON");
    bytes.push(b'\n');
    bytes
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("the run report", what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn report(proofs: u8) -> RunReport {
        let head = RunHead {
            site_id: SiteId([1; 16]),
            location_id: LocationId([2; 16]),
            media_id: MediaId([3; 16]),
            media_gen: 4,
            run_id: RunId([0x5a; 16]),
            begun: UtcMicros(1_795_201_203_000_000),
            previous: Some([6; 32]),
            first: 7,
            end: 9,
        };
        let proof = |n: u8| RunProof {
            recording_id: RecordingId([n; 16]),
            part: 0,
            leaf: u64::from(n),
            path: "2026-11-22/rec/14a/142233-fbyndbfbn6drc.amx".into(),
            size: 200_000,
            sha256: [n; 32],
            blake3: [n; 32],
            level: Level::ReadBack,
            manifest: 1,
            read_at: UtcMicros(1),
        };
        let (ended, outcome, checkpoint) = (UtcMicros(2), Outcome::Complete, 9);
        RunReport { head, proofs: (0..proofs).map(proof).collect(), ended, outcome, checkpoint }
    }

    #[test]
    fn it_comes_back_and_every_altered_byte_is_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let find = |id: KeyId| Some(key.verifying_key()).filter(|k| k.key_id() == id);
        for proofs in 0..3 {
            let bytes = report(proofs).sign(&key).unwrap();
            assert_eq!(RunReport::open(&bytes, find).unwrap(), report(proofs));
            for at in 0..bytes.len() {
                let mut altered = bytes.clone();
                altered[at] ^= 1;
                assert!(RunReport::open(&altered, find).is_err(), "byte {at}");
                assert!(RunReport::open(&bytes[..at], find).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn its_name_is_plain() {
        let name = report(0).head.file_name();
        assert_eq!(name, "20261120t190003z-5a5a5a5a.jsonl");
        assert!(crate::layout::is_plain_name(&name));
    }
}
