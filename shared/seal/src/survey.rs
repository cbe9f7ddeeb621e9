//! What a crash left: how far the whole frames of a part reach, and the trailer that closes it again. Needs no key.
//!
//! The caller does the rest, in this order: truncate the file to [`Survey::valid_end`], sync, append
//! [`Survey::trailer`], sync the file, sync the folder.

use std::io::Read;

use shared::UtcMicros;

use crate::digests::Digests;
use crate::header::{HEADER_MAX, Header};
use crate::keys::SigningKey;
use crate::trailer::{TRAILER_LEN, Trailer, TrailerFacts};
use crate::walk::{Step, Walk};
use crate::{Result, SealError};

/// The account of one file without a trailer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survey {
    /// The header, parsed but not proven.
    pub header: Header,
    /// Whole frames.
    pub frames: u32,
    /// Where the last whole frame ends; what lies behind is torn and goes.
    pub valid_end: u64,
    /// Bytes behind `valid_end`.
    pub torn_bytes: u64,
    /// Places between whole frames that hold no whole frame.
    pub damaged_places: u64,
    /// Media time at which the last whole AUDIO frame ends, in microseconds from the part's start.
    pub media_end_us: u64,
    /// The trailer, if the file has one: then it was closed and is not to be recovered. Its signature is not judged.
    pub trailer: Option<Trailer>,
    facts: TrailerFacts,
}

impl Survey {
    /// Reads a file from its first byte to its end.
    ///
    /// # Errors
    /// A failed read, or a header that is cut or damaged: then nothing of the file can ever be opened.
    pub fn of(mut io: impl Read) -> Result<Self> {
        let (header, bytes) = read_header(&mut io)?;
        let mut digests = Digests::default();
        digests.update(&bytes);
        let mut walk = Walk::new(io, header.len.into(), 0, Some(digests));
        let mut survey = Self {
            header,
            frames: 0,
            valid_end: 0,
            torn_bytes: 0,
            damaged_places: 0,
            media_end_us: 0,
            trailer: None,
            facts: TrailerFacts { frames: 0, final_offset: 0, body_len: 0, blake3: [0; 32], sha256: [0; 32] },
        };
        // Damage is inside only if a whole frame follows; else it is torn off.
        let mut skipped = 0_u64;
        loop {
            match walk.step()? {
                Step::Frame { head, .. } => {
                    survey.damaged_places = survey.damaged_places.saturating_add(u64::from(skipped > 0));
                    skipped = 0;
                    let end_us = head.media_us.saturating_add(head.duration_us.into());
                    survey.media_end_us = survey.media_end_us.max(end_us);
                }
                // Zero bytes are skipped where a frame is whole but its number is too high.
                Step::Damage { len, .. } | Step::Tail { len, .. } => skipped = len.max(1),
                Step::Trailer(bytes) => {
                    let torn = walk.offset().saturating_sub(walk.valid_end());
                    survey.trailer = Trailer::parse(&bytes, walk.offset().saturating_add(256)).ok();
                    survey.torn_bytes =
                        if survey.trailer.is_some() { torn } else { torn.saturating_add(256) };
                    break;
                }
                Step::End => {
                    survey.torn_bytes = walk.offset().saturating_sub(walk.valid_end());
                    break;
                }
            }
        }
        survey.frames = walk.frames();
        survey.valid_end = walk.valid_end();
        survey.facts = walk.facts_at_valid_end().ok_or(SealError::Cipher("digests were not kept"))?;
        Ok(survey)
    }

    /// Returns digests and counts of the bytes up to [`Survey::valid_end`].
    #[must_use]
    pub const fn facts(&self) -> TrailerFacts {
        self.facts
    }

    /// Makes the trailer of a recovered part: flag 1, and flag 2 if there are damaged places inside.
    #[must_use]
    pub fn trailer(&self, end: UtcMicros, key: &SigningKey) -> [u8; TRAILER_LEN] {
        let mut trailer = Trailer {
            recovered: true,
            damaged_inside: self.damaged_places > 0,
            continued: false,
            facts: self.facts,
            end,
            signer: key.key_id(),
            signature: [0; 64],
        };
        trailer.build(&self.header.spec.recording_id, self.header.spec.part, key)
    }
}

/// Reads and parses a header; returns its bytes too.
pub(crate) fn read_header(io: &mut impl Read) -> Result<(Header, Vec<u8>)> {
    let mut first = [0; 10];
    read_exact(io, &mut first)?;
    let len = Header::len_of(&first)?.min(HEADER_MAX);
    let mut bytes = vec![0; len];
    let (start, rest) = bytes.split_first_chunk_mut::<10>().ok_or(SealError::HeaderCut)?;
    *start = first;
    read_exact(io, rest)?;
    Ok((Header::parse(&bytes)?, bytes))
}

fn read_exact(io: &mut impl Read, bytes: &mut [u8]) -> Result<()> {
    io.read_exact(bytes).map_err(|e| {
        if e.kind() == std::io::ErrorKind::UnexpectedEof { SealError::HeaderCut } else { SealError::Io(e) }
    })
}
