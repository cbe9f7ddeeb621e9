//! Judges a file without any key: structure, every head, checksums, numbers, both digests, the signature.
//!
//! It does not stop at the first fault and says of each where it lies. What it cannot judge is what only the file key
//! shows: that the ciphertexts are those of the sealer. The signature covers them, so a good signature settles it.

use std::io::Read;

use crate::digests::Digests;
use crate::frame::FrameType;
use crate::header::{Header, Kind};
use crate::keys::{KeyId, VerifyingKey};
use crate::survey::read_header;
use crate::trailer::{Signer, Trailer, TrailerFacts};
use crate::walk::{Step, Walk};
use crate::{Result, SealError};

/// Findings kept in a report; more are counted only.
const FINDINGS_MAX: usize = 100;

/// What is wrong at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The header cannot be parsed; nothing behind it was judged.
    Header(String),
    /// Bytes that are no whole frame.
    Damage {
        /// How many bytes were skipped.
        len: u64,
        /// What was found instead of a frame.
        what: &'static str,
    },
    /// A frame that does not belong there.
    Order(&'static str),
    /// There is no trailer: the part was never closed, or was cut.
    NoTrailer,
    /// There is a trailer, but no valid one.
    Trailer(String),
    /// The digest in the trailer is not that of the bytes.
    Digest(&'static str),
    /// The trailer counts other frames than there are.
    FrameCount,
    /// FINAL is not where the trailer says.
    FinalOffset,
    /// The signature does not verify.
    Signature,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(what) => f.write_str(what),
            Self::Damage { len, what } => write!(f, "{what} ({len} bytes skipped)"),
            Self::Order(what) => f.write_str(what),
            Self::NoTrailer => f.write_str("no trailer: the recording is unfinished, or its end was cut off"),
            Self::Trailer(what) => f.write_str(what),
            Self::Digest(which) => write!(f, "the {which} digest of the trailer is not that of the file"),
            Self::FrameCount => f.write_str("the trailer counts another number of frames"),
            Self::FinalOffset => f.write_str("the last frame is not the one that the trailer names"),
            Self::Signature => f.write_str("the signature does not verify: the trailer is forged or damaged"),
        }
    }
}

/// One fault and its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Byte offset in the file.
    pub offset: u64,
    /// What is wrong there.
    pub fault: Fault,
}

/// What [`verify`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// The header, if it can be parsed.
    pub header: Option<Header>,
    /// Whole frames.
    pub frames: u32,
    /// Digests of everything before the trailer (or of the whole file without one).
    pub facts: Option<TrailerFacts>,
    /// The trailer, if there is a valid one.
    pub trailer: Option<Trailer>,
    /// What its signature is worth.
    pub signer: Option<Signer>,
    /// The first hundred faults, by place.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub more_findings: u64,
}

impl Report {
    /// Tells whether nothing is wrong and a known key signed it.
    #[must_use]
    pub const fn is_proven(&self) -> bool {
        self.is_sound() && matches!(self.signer, Some(Signer::Good(_)))
    }

    /// Tells whether nothing is wrong as far as can be judged; an unknown signer proves nothing.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.trailer.is_some()
    }

    fn add(&mut self, offset: u64, fault: Fault) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { offset, fault });
        } else {
            self.more_findings = self.more_findings.saturating_add(1);
        }
    }
}

/// Reads a file from its first byte to its end and judges all that can be judged without a private key.
///
/// Damaged places of a part that says of itself that it is damaged inside are reported too.
///
/// # Errors
/// Only a failed read; what is wrong with the file stands in the report.
pub fn verify(mut io: impl Read, known: &dyn Fn(KeyId) -> Option<VerifyingKey>) -> Result<Report> {
    let mut report = Report::default();
    let (header, bytes) = match read_header(&mut io) {
        Ok(both) => both,
        Err(SealError::Io(e)) => return Err(e.into()),
        Err(other) => {
            report.add(0, Fault::Header(other.to_string()));
            return Ok(report);
        }
    };
    let mut digests = Digests::default();
    digests.update(&bytes);
    let mut walk = Walk::new(io, header.len.into(), 0, Some(digests));
    let mut order = Order::new(header.spec.kind);
    loop {
        match walk.step()? {
            Step::Frame { head, offset } => {
                if let Some(what) = order.judge(head.kind) {
                    report.add(offset, Fault::Order(what));
                }
                if head.kind == FrameType::Final {
                    order.final_offset = offset;
                }
            }
            Step::Damage { offset, len, what } | Step::Tail { offset, len, what } => {
                report.add(offset, Fault::Damage { len, what });
            }
            Step::Trailer(bytes) => {
                report.facts = walk.facts_of_all();
                judge_trailer(&mut report, &header, &order, &bytes, walk.frames(), known);
                break;
            }
            Step::End => {
                report.add(walk.offset(), Fault::NoTrailer);
                report.facts = walk.facts_of_all();
                break;
            }
        }
    }
    report.frames = walk.frames();
    report.header = Some(header);
    Ok(report)
}

fn judge_trailer(
    report: &mut Report,
    header: &Header,
    order: &Order,
    bytes: &[u8; 256],
    frames: u32,
    known: &dyn Fn(KeyId) -> Option<VerifyingKey>,
) {
    let Some(facts) = report.facts else { return };
    let at = facts.body_len;
    let trailer = match Trailer::parse(bytes, at.saturating_add(256)) {
        Ok(trailer) => trailer,
        Err(why) => return report.add(at, Fault::Trailer(why.to_string())),
    };
    if trailer.facts.blake3 != facts.blake3 {
        report.add(at, Fault::Digest("BLAKE3"));
    }
    if trailer.facts.sha256 != facts.sha256 {
        report.add(at, Fault::Digest("SHA-256"));
    }
    if trailer.facts.frames != frames {
        report.add(at, Fault::FrameCount);
    }
    if !trailer.recovered && (order.final_offset != trailer.facts.final_offset || !order.ended) {
        report.add(at, Fault::FinalOffset);
    }
    let signer = trailer.judge(&header.spec.recording_id, header.spec.part, known);
    if matches!(signer, Signer::Bad(_)) {
        report.add(at, Fault::Signature);
    }
    report.signer = Some(signer);
    report.trailer = Some(trailer);
}

/// Which frames may follow which.
struct Order {
    kind: Kind,
    begun: bool,
    ended: bool,
    index_seen: bool,
    final_offset: u64,
}

impl Order {
    const fn new(kind: Kind) -> Self {
        Self { kind, begun: false, ended: false, index_seen: false, final_offset: 0 }
    }

    fn judge(&mut self, frame: FrameType) -> Option<&'static str> {
        let first = !self.begun;
        self.begun = true;
        let after_final = self.ended;
        let after_index = self.index_seen && !matches!(frame, FrameType::Index | FrameType::Final);
        self.ended |= frame == FrameType::Final;
        self.index_seen |= frame == FrameType::Index;
        let for_recordings = matches!(frame, FrameType::Audio | FrameType::Event);
        if first && frame != FrameType::Meta {
            Some("the first frame is not META")
        } else if after_final {
            Some("a frame after FINAL")
        } else if after_index {
            Some("a frame after INDEX")
        } else if for_recordings && self.kind != Kind::Recording {
            Some("AUDIO or EVENT in a file that is no recording")
        } else if frame == FrameType::Data && self.kind == Kind::Recording {
            Some("DATA in a recording")
        } else {
            None
        }
    }
}
