//! The header of a part: 192 fixed bytes, the recipients, zeros, and a code over all of it.

use shared::{Day, RecorderId, RecordingId, SiteId, UtcMicros};

use crate::fields::Fields;
use crate::frame::MAX_PLAIN;
use crate::keys::{KeyId, RecipientType};
use crate::{Result, SealError, WriteRule};

/// `89 41 4D 58 31 0D 0A 1A`: a copy made as text damages it.
pub(crate) const MAGIC: [u8; 8] = *b"\x89AMX1\r\n\x1a";
/// The longest header.
pub(crate) const HEADER_MAX: usize = 16_384;
const SUITE: u8 = 1;
const FIXED_LEN: usize = 192;
const MAC_LEN: usize = 32;
const FLAG_XWING: u8 = 1;
const FLAG_CONTINUATION: u8 = 2;
const FLAG_AFTER_RESTART: u8 = 4;

/// What a sealed file holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Kind {
    /// A call or transmission, sealed to the key of its day.
    #[default]
    Recording = 0,
    /// The catalogue of a day, sealed to the key of that day.
    DayCatalogue = 1,
    /// A copy of the database, sealed to the site's recovery key.
    DatabaseBackup = 2,
    /// A copy of the configuration, sealed to the site's recovery key.
    ConfigurationBackup = 3,
    /// What a player did, sealed to central's audit key.
    ListeningLog = 4,
}

impl Kind {
    /// Finds a kind by its number in the header.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Recording),
            1 => Some(Self::DayCatalogue),
            2 => Some(Self::DatabaseBackup),
            3 => Some(Self::ConfigurationBackup),
            4 => Some(Self::ListeningLog),
            _ => None,
        }
    }
}

/// What the caller says about a part that begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartSpec {
    /// Which recording (for kinds 1 to 4: a fresh identity of the same form).
    pub recording_id: RecordingId,
    /// Which site.
    pub site_id: SiteId,
    /// Who seals.
    pub recorder_id: RecorderId,
    /// When this part begins; all media times count from here.
    pub start: UtcMicros,
    /// The civil day of `start` in the site's zone.
    pub day: Day,
    /// Number of the part, from 0.
    pub part: u16,
    /// What the file holds.
    pub kind: Kind,
    /// The call was already under way and an earlier recording of it was cut off by a restart of the recorder.
    pub after_restart: bool,
    /// [`crate::trailer_digest`] of the previous part; zero for part 0.
    pub prev_trailer: [u8; 32],
}

/// One recipient as it stands in a header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecipientEntry {
    /// The kind of key.
    pub kind: RecipientType,
    /// Which key.
    pub key_id: KeyId,
    /// The encapsulated key followed by the sealed file key (48 bytes).
    pub sealed: Vec<u8>,
}

/// A parsed header. That it parses says nothing about who wrote it: only the key, or the trailer's signature, does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// What the sealer said about the part.
    pub spec: PartSpec,
    /// Salt of this part.
    pub salt: [u8; 32],
    /// Commits to the file key.
    pub commitment: [u8; 32],
    /// The key that the sealer signs with.
    pub signer: KeyId,
    /// To whom it is sealed, one to four of one kind.
    pub recipients: Vec<RecipientEntry>,
    /// Code over everything before it; also bound into every frame.
    pub mac: [u8; 32],
    /// Length in bytes, a multiple of 512.
    pub len: u16,
}

impl Header {
    /// Reads the length out of the first ten bytes.
    ///
    /// # Errors
    /// A wrong magic or an impossible length.
    pub fn len_of(first: &[u8; 10]) -> Result<usize> {
        let mut fields = Fields(first);
        if fields.array() != Some(MAGIC) {
            return Err(SealError::NotSealed);
        }
        let len = usize::from(fields.u16().unwrap_or(0));
        if len == 0 || len % 512 != 0 || len > HEADER_MAX {
            return Err(SealError::Header("its length"));
        }
        Ok(len)
    }

    /// Parses a whole header; checks lengths, every reserved byte and what fields say about each other.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let first = bytes.first_chunk::<10>().ok_or(SealError::HeaderCut)?;
        let len = Self::len_of(first)?;
        let bytes = bytes.get(..len).ok_or(SealError::HeaderCut)?;
        let (before_mac, mac) = bytes.split_last_chunk::<MAC_LEN>().ok_or(SealError::HeaderCut)?;
        let mut fields = Fields(before_mac);
        parse_fields(&mut fields, *mac, len).ok_or(SealError::HeaderCut)?
    }

    /// Tells whether the recipients are weaker than `min`.
    ///
    /// # Errors
    /// [`SealError::BelowMinSuite`].
    pub fn check_min_suite(&self, min: RecipientType) -> Result<()> {
        match self.recipients.iter().map(|r| r.kind).min() {
            Some(found) if found < min => {
                Err(SealError::BelowMinSuite { found: found.number(), min: min.number() })
            }
            Some(_) | None => Ok(()),
        }
    }
}

type Parsed = Result<Header>;

/// Reads the fields in order; `None` when the bytes end, which a length of 512 rules out for the fixed ones.
fn parse_fields(fields: &mut Fields<'_>, mac: [u8; 32], len: usize) -> Option<Parsed> {
    let bad = |what| Some(Err(SealError::Header(what)));
    let _magic_and_len: [u8; 10] = fields.array()?;
    let suite = fields.u8()?;
    if suite != SUITE {
        return Some(Err(SealError::UnknownSuite(suite)));
    }
    let flags = fields.u8()?;
    if flags & !(FLAG_XWING | FLAG_CONTINUATION | FLAG_AFTER_RESTART) != 0 {
        return bad("unknown flags");
    }
    if fields.u32()? != MAX_PLAIN {
        return bad("the frame limit");
    }
    let recording_id = RecordingId(fields.array()?);
    let site_id = SiteId(fields.array()?);
    let recorder_id = RecorderId(fields.array()?);
    let start = UtcMicros(fields.i64()?);
    let Ok(day) = Day::from_yyyymmdd(fields.u32()?) else { return bad("the civil day") };
    let part = fields.u16()?;
    let Some(kind) = Kind::from_number(fields.u8()?) else { return bad("the kind of file") };
    if !fields.zeros(1)? {
        return bad("byte 79 is reserved");
    }
    let prev_trailer: [u8; 32] = fields.array()?;
    let (salt, commitment) = (fields.array()?, fields.array()?);
    let signer = KeyId(fields.array()?);
    let n_recipients = fields.u16()?;
    if !fields.zeros(6)? {
        return bad("bytes 186 to 191 are reserved");
    }
    if (part > 0) != (flags & FLAG_CONTINUATION != 0) || (part == 0 && prev_trailer != [0; 32]) {
        return bad("part number, continuation flag and previous part do not agree");
    }
    let recipients = match parse_recipients(fields, n_recipients) {
        Ok(all) => all,
        Err(what) => return bad(what),
    };
    if recipients.iter().any(|r| (r.kind == RecipientType::XWing) != (flags & FLAG_XWING != 0)) {
        return bad("recipients of mixed kinds, or not of the kind that the flags say");
    }
    if fields.0.iter().any(|b| *b != 0) {
        return bad("bytes after the recipients are reserved");
    }
    let after_restart = flags & FLAG_AFTER_RESTART != 0;
    let spec =
        PartSpec { recording_id, site_id, recorder_id, start, day, part, kind, after_restart, prev_trailer };
    let len = u16::try_from(len).ok()?;
    Some(Ok(Header { spec, salt, commitment, signer, recipients, mac, len }))
}

fn parse_recipients(
    fields: &mut Fields<'_>,
    n: u16,
) -> std::result::Result<Vec<RecipientEntry>, &'static str> {
    if !(1..=4).contains(&n) {
        return Err("the number of recipients");
    }
    (0..n).map(|_| parse_recipient(fields).ok_or("a recipient")).collect()
}

fn parse_recipient(fields: &mut Fields<'_>) -> Option<RecipientEntry> {
    let kind = RecipientType::from_number(fields.u8()?)?;
    let reserved_is_zero = fields.zeros(1)?;
    let len = usize::from(fields.u16()?);
    let key_id = KeyId(fields.array()?);
    let sealed_len = kind.enc_len().checked_add(SEALED_KEY_LEN)?;
    if !reserved_is_zero || len != sealed_len.checked_add(8)? {
        return None;
    }
    Some(RecipientEntry { kind, key_id, sealed: fields.bytes(sealed_len)?.to_vec() })
}

/// File key and tag.
const SEALED_KEY_LEN: usize = 48;

/// Builds the first 144 bytes, on which the keys of the payload depend. `n` recipients of `kind` follow later.
pub(crate) fn build_start(
    spec: &PartSpec,
    kind: RecipientType,
    n: usize,
    salt: &[u8; 32],
) -> Result<Vec<u8>> {
    if (spec.part == 0) != (spec.prev_trailer == [0; 32]) {
        return Err(WriteRule::PreviousPart.into());
    }
    let mut flags = 0;
    for (on, bit) in [
        (kind == RecipientType::XWing, FLAG_XWING),
        (spec.part > 0, FLAG_CONTINUATION),
        (spec.after_restart, FLAG_AFTER_RESTART),
    ] {
        flags |= if on { bit } else { 0 };
    }
    let len = u16::try_from(header_len(kind, n)).map_err(|_five_or_more| WriteRule::Recipients)?;
    let mut out = Vec::with_capacity(usize::from(len));
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&[SUITE, flags]);
    out.extend_from_slice(&MAX_PLAIN.to_le_bytes());
    out.extend_from_slice(spec.recording_id.bytes());
    out.extend_from_slice(spec.site_id.bytes());
    out.extend_from_slice(spec.recorder_id.bytes());
    out.extend_from_slice(&spec.start.0.to_le_bytes());
    out.extend_from_slice(&spec.day.yyyymmdd().to_le_bytes());
    out.extend_from_slice(&spec.part.to_le_bytes());
    out.extend_from_slice(&[spec.kind as u8, 0]);
    out.extend_from_slice(&spec.prev_trailer);
    out.extend_from_slice(salt);
    Ok(out)
}

/// Appends what stands between the commitment and the recipients.
pub(crate) fn push_signer(out: &mut Vec<u8>, signer: KeyId, n_recipients: usize) {
    out.extend_from_slice(&signer.0);
    out.extend_from_slice(&u16::try_from(n_recipients).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(&[0; 6]);
}

/// Appends one recipient.
pub(crate) fn push_recipient(out: &mut Vec<u8>, kind: RecipientType, key_id: KeyId, sealed: &[u8]) {
    let len = u16::try_from(sealed.len().saturating_add(8)).unwrap_or(u16::MAX);
    out.extend_from_slice(&[kind.number(), 0]);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&key_id.0);
    out.extend_from_slice(sealed);
}

/// Fills with zeros up to where the code stands.
pub(crate) fn pad(out: &mut Vec<u8>, kind: RecipientType, n: usize) {
    out.resize(header_len(kind, n).saturating_sub(MAC_LEN), 0);
}

fn header_len(kind: RecipientType, n: usize) -> usize {
    let entry = kind.enc_len().saturating_add(SEALED_KEY_LEN).saturating_add(12);
    let used = FIXED_LEN.saturating_add(entry.saturating_mul(n)).saturating_add(MAC_LEN);
    used.next_multiple_of(512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_the_design() {
        assert_eq!(header_len(RecipientType::XWing, 1), 1_536);
        assert_eq!(header_len(RecipientType::X25519, 1), 512);
        assert_eq!(header_len(RecipientType::XWing, 4), 5_120);
    }
}
