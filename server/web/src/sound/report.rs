//! The report of an export: the digest of every file, signed by central, so that whoever receives the files can show that none
//! was changed, added or taken away. `amethyst verify` reads it.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};

use seal::{KeyId, VerifyingKey, signed_json};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{view, zip};

/// The name of the report among the files.
pub const REPORT_NAME: &str = "report.json";
/// What central signs besides the report itself, so that its signature fits nothing else.
pub const REPORT_LABEL: &str = "amethyst/export/report/v1";
const FORMAT: &str = "amethyst export report 1";
/// A report larger than this was not made here: a thousand recordings of 255 raw files each.
const REPORT_BYTES_MAX: u64 = 128 << 20;

/// What was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReport {
    format: String,
    /// The site's identity.
    pub site_id: String,
    /// The site's name.
    pub site: String,
    /// When, RFC 3339 in the site's zone.
    pub made_at: String,
    /// By whom.
    pub by: String,
    /// The recordings and their files.
    pub recordings: Vec<ReportRecording>,
    /// What could not be exported.
    pub failed: Vec<ReportFailed>,
    /// Every file but this report.
    pub files: Vec<ReportFile>,
}

/// One recording in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRecording {
    /// Its identity.
    pub id: String,
    /// The reference shown to people.
    pub reference: String,
    /// Its files.
    pub files: Vec<String>,
}

/// One recording that could not be exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFailed {
    /// Its identity.
    pub id: String,
    /// The reference shown to people.
    pub reference: String,
    /// Why.
    pub why: String,
}

/// One file in a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFile {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl ExportReport {
    /// Begins a report.
    #[must_use]
    pub fn new(site_id: String, site: String, made_at: String, by: String) -> Self {
        Self { format: FORMAT.to_owned(), site_id, site, made_at, by, ..Self::default() }
    }

    /// Adds a file.
    pub fn add_file(&mut self, name: &str, bytes: u64, sha256: &[u8; 32]) {
        self.files.push(ReportFile { name: name.to_owned(), bytes, sha256: view::hex(sha256) });
    }

    /// Returns what must be signed under [`REPORT_LABEL`].
    ///
    /// # Errors
    /// Never for a report made here.
    pub fn unsigned(&self) -> seal::Result<String> {
        signed_json::unsigned(self)
    }
}

/// What was found about an export.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// The report, if it can be read.
    pub report: Option<ExportReport>,
    /// Who signed it, if one of the given keys did.
    pub signer: Option<KeyId>,
    /// Everything that is wrong, in sentences that name the file.
    pub faults: Vec<String>,
}

impl Judgement {
    /// Tells whether the export is what central signed, to the last bit.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.signer.is_some() && self.faults.is_empty()
    }
}

/// A file as it was found: its length and digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Length.
    pub bytes: u64,
    /// SHA-256.
    pub sha256: [u8; 32],
}

impl Found {
    /// Reads a file to its end.
    ///
    /// # Errors
    /// The reader's.
    pub fn read(from: &mut dyn Read) -> io::Result<Self> {
        let mut digest = Digesting(Sha256::new());
        let bytes = io::copy(from, &mut digest)?;
        Ok(Self { bytes, sha256: digest.0.finalize().into() })
    }
}

struct Digesting(Sha256);

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Judges an export that lies as one ZIP. `keys` are central's, as certificates know them.
///
/// # Errors
/// The disk's; bytes that are no ZIP of ours at all.
pub fn judge_zip(io: impl Read + Seek, keys: &[VerifyingKey]) -> io::Result<Judgement> {
    let (mut report, mut found, mut twice) = (Vec::new(), BTreeMap::new(), Vec::new());
    let structure = zip::read(io, |entry, data| {
        if entry.name == REPORT_NAME {
            data.take(REPORT_BYTES_MAX).read_to_end(&mut report)?;
        } else if found.insert(entry.name.clone(), Found::read(data)?).is_some() {
            twice.push(format!("{} is in the ZIP twice", entry.name));
        }
        Ok(())
    })?;
    let mut judgement = judge(&report, &found, keys);
    judgement.faults.extend(twice);
    judgement.faults.extend(structure);
    Ok(judgement)
}

/// Judges an export by its report and by what was found beside it.
#[must_use]
pub fn judge(report: &[u8], found: &BTreeMap<String, Found>, keys: &[VerifyingKey]) -> Judgement {
    let mut judgement = Judgement::default();
    let signed = keys.iter().find_map(|key| {
        let body: ExportReport = signed_json::open(REPORT_LABEL, report, key).ok()?;
        Some((key.key_id(), body))
    });
    let body = match signed {
        Some((signer, body)) => {
            judgement.signer = Some(signer);
            Some(body)
        }
        None => signed_json::peek(report).ok(),
    };
    let Some(body) = body.filter(|body: &ExportReport| body.format == FORMAT) else {
        judgement
            .faults
            .push(format!("{REPORT_NAME} is missing or damaged: nothing can be shown of these files"));
        return judgement;
    };
    if judgement.signer.is_none() {
        let text = "was changed, or was signed by nobody whom the certificates at hand know";
        judgement.faults.push(format!("{REPORT_NAME} {text}"));
    }
    let listed: BTreeMap<&str, &ReportFile> = body.files.iter().map(|f| (f.name.as_str(), f)).collect();
    for file in &body.files {
        match found.get(&file.name) {
            None => judgement.faults.push(format!("{} is missing", file.name)),
            Some(seen) if seen.bytes != file.bytes => {
                let text = format!("{} has {} bytes instead of {}", file.name, seen.bytes, file.bytes);
                judgement.faults.push(text);
            }
            Some(seen) if view::hex(&seen.sha256) != file.sha256 => {
                judgement
                    .faults
                    .push(format!("{} was changed: its digest is not the reported one", file.name));
            }
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|name| !listed.contains_key(name.as_str())) {
        judgement.faults.push(format!("{name} does not belong to the export"));
    }
    judgement.report = Some(body);
    judgement
}

/// What stands in `README.txt` of every export.
#[must_use]
pub fn readme(site: &str, made_at: &str, failed: &[ReportFailed]) -> String {
    let mut text = format!(
        "Recordings of {site}, exported by AMETHYST at {made_at}.\r\n\r\n\
         Each recording is a sound file and a .json file beside it, which tells who spoke when, what is missing and why,\r\n\
         and what the seal of the recording says. Sounds of both parties are stereo: near party left, far party right.\r\n\
         Missing audio is silent; short losses of the network are bridged for the ear. The sealed recordings are unchanged.\r\n\r\n\
         report.json lists the SHA-256 of every file and is signed by the server. To show that nothing was changed:\r\n\r\n\
         \x20   amethyst verify --site SITE-FOLDER THIS-FILE.zip\r\n\r\n\
         SITE-FOLDER is the folder `site` of the server's data folder; it holds certificates and no secrets. A folder with\r\n\
         the unpacked files can be given instead of the ZIP.\r\n"
    );
    if !failed.is_empty() {
        text.push_str("\r\nNot exported:\r\n");
        for one in failed {
            text.push_str(&format!("    {} ({}): {}\r\n", one.reference, one.id, one.why));
        }
    }
    text
}
