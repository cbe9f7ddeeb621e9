//! Judges what a canary became: sealed whole, its digests and signature right, every sample there and, where the day's key is at hand,
//! the very sound that was sent.

use std::io::Cursor;
use std::sync::Arc;

use seal::{Part, RecipientType, SealError, VerifyingKey};
use shared::{GapTotals, LedgerEnd, Partly};
use vault::{CanaryEnd, RecordingRow};

use super::script::{PACKETS, SAMPLES, Script};
use crate::keys::SiteKeys;

/// Who judges, and with what.
pub(crate) struct Judge {
    /// The key with which this recorder signs.
    pub(crate) signer: VerifyingKey,
    /// What opens the file; a satellite has nothing that does.
    pub(crate) keys: Option<Arc<SiteKeys>>,
    /// The least kind of key that a file is sealed to.
    pub(crate) min_suite: RecipientType,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Judge")
    }
}

impl Judge {
    /// Judges one; the text says what is wrong.
    pub(super) fn judge(&self, script: &Script, end: CanaryEnd) -> Result<(), String> {
        let (row, bytes) = end.sealed?;
        account(&row)?;
        let key = self.signer.key_id();
        let known = |id| (id == key).then_some(self.signer);
        let report = seal::verify(bytes.as_slice(), &known).map_err(|e| e.to_string())?;
        if let Some(finding) = report.findings.first() {
            return Err(format!("its file is not sound: {} at byte {}", finding.fault, finding.offset));
        }
        if !report.is_proven() {
            return Err("its file is not signed by this recorder".to_owned());
        }
        let digests = report.facts.map(|facts| (facts.sha256, facts.blake3));
        if digests != Some((row.part.sha256, row.part.blake3)) {
            return Err("its digests are not those that were noted for it".to_owned());
        }
        let Some(keys) = &self.keys else { return Ok(()) };
        match same_sound(script, &row, &bytes, keys, self.min_suite) {
            // A locked store opens nothing; what can be judged without a key is right.
            Err(SealError::NoKey(_)) => Ok(()),
            Err(e) => Err(format!("it cannot be opened: {e}")),
            Ok(true) => Ok(()),
            Ok(false) => Err("it opens, and what is heard is not what was sent".to_owned()),
        }
    }
}

/// Counts, as a call's row would have them.
fn account(row: &RecordingRow) -> Result<(), String> {
    // A clock in doubt is told by itself, and is no fault of recording.
    if !matches!(row.facts.end, LedgerEnd::Recorded | LedgerEnd::Partly(Partly::ClockDoubt)) {
        return Err(format!("it ended as {}", row.facts.end));
    }
    let packets = u64::from(PACKETS).saturating_mul(2);
    if row.facts.packets.packets != packets {
        return Err(format!("{} packets of {packets} came", row.facts.packets.packets));
    }
    if row.legs.len() != 2 {
        return Err(format!("it has {} sides, not two", row.legs.len()));
    }
    for leg in &row.legs {
        let GapTotals([_none, network, recorder, _paused, _silence, undecodable]) = leg.gaps;
        let lost = network.saturating_add(recorder).saturating_add(undecodable);
        if leg.samples != SAMPLES || lost > 0 {
            return Err(format!(
                "{} samples of {SAMPLES} are kept of a side, and {lost} are missing",
                leg.samples
            ));
        }
    }
    Ok(())
}

/// Opens it and compares all that either side said.
fn same_sound(
    script: &Script,
    row: &RecordingRow,
    bytes: &[u8],
    keys: &SiteKeys,
    min_suite: RecipientType,
) -> Result<bool, SealError> {
    let mut part = Part::open(Cursor::new(bytes), keys, min_suite)?;
    let mut heard = Vec::new();
    for leg in &row.legs {
        let mut side = Vec::new();
        for run in part.runs(leg.track.track, 0..u64::MAX)? {
            side.extend(run?.bytes);
        }
        heard.push(side);
    }
    let (one, other) = (script.said(true), script.said(false));
    Ok(heard.contains(&one) && heard.contains(&other))
}
