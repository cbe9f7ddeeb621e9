//! The head of a frame: 32 bytes in the clear that say type, track, size, number and time, and nothing else.

use crate::fields::Fields;

/// Length of a frame head in bytes.
pub const HEAD_LEN: usize = 32;
/// Length of the tag behind every ciphertext in bytes.
pub const TAG_LEN: usize = 16;
/// The largest plaintext of a frame in bytes.
pub const MAX_PLAIN: u32 = 65_536;
/// The largest ciphertext: plaintext and tag.
pub(crate) const MAX_CT: u32 = 65_552;
/// The largest frame: head, plaintext and tag.
pub(crate) const MAX_FRAME: usize = 65_584;
/// The track of frames that belong to none.
pub(crate) const NO_TRACK: u8 = 255;
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"AMXF";
const MIN_CT: u32 = 16;
const FLAG_SYNC: u16 = 1;

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FrameType {
    /// Call details and tracks.
    Meta = 1,
    /// At most a second of one track.
    Audio = 2,
    /// Something happened.
    Event = 3,
    /// Sync points.
    Index = 4,
    /// Totals, at the end.
    Final = 5,
    /// Opaque bytes of kinds 1 to 4.
    Data = 6,
}

impl FrameType {
    const fn from_number(n: u8) -> Option<Self> {
        match n {
            1 => Some(Self::Meta),
            2 => Some(Self::Audio),
            3 => Some(Self::Event),
            4 => Some(Self::Index),
            5 => Some(Self::Final),
            6 => Some(Self::Data),
            _ => None,
        }
    }

    /// Returns the word of the format description.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Meta => "META",
            Self::Audio => "AUDIO",
            Self::Event => "EVENT",
            Self::Index => "INDEX",
            Self::Final => "FINAL",
            Self::Data => "DATA",
        }
    }
}

/// A parsed frame head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHead {
    /// What the frame holds.
    pub kind: FrameType,
    /// The track of AUDIO; 255 otherwise.
    pub track: u8,
    /// The first frame of a flush.
    pub sync: bool,
    /// Length of ciphertext and tag in bytes.
    pub ct_len: u32,
    /// Number of the frame, from 0 without holes.
    pub seq: u32,
    /// Microseconds from the part's start.
    pub media_us: u64,
    /// Microseconds that AUDIO lasts; 0 otherwise.
    pub duration_us: u32,
    /// CRC32C of the first 28 bytes and the ciphertext.
    pub crc: u32,
}

impl FrameHead {
    /// Parses a head. `None` if any field has a value that no sealer writes.
    #[must_use]
    pub fn parse(bytes: &[u8; HEAD_LEN]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.array()? != FRAME_MAGIC {
            return None;
        }
        let kind = FrameType::from_number(fields.u8()?)?;
        let track = fields.u8()?;
        let flags = fields.u16()?;
        let ct_len = fields.u32()?;
        let head = Self {
            kind,
            track,
            sync: flags & FLAG_SYNC != 0,
            ct_len,
            seq: fields.u32()?,
            media_us: fields.u64()?,
            duration_us: fields.u32()?,
            crc: fields.u32()?,
        };
        let audio = kind == FrameType::Audio;
        let fits = (MIN_CT..=MAX_CT).contains(&ct_len)
            && flags & !FLAG_SYNC == 0
            && audio == (track != NO_TRACK)
            && (audio || head.duration_us == 0);
        fits.then_some(head)
    }

    /// Returns the 28 bytes that tag and CRC cover.
    pub(crate) fn authenticated(&self) -> [u8; 28] {
        let mut out = [0; 28];
        let fields: [&[u8]; 7] = [
            &FRAME_MAGIC,
            &[self.kind as u8, self.track],
            &u16::from(self.sync).to_le_bytes(),
            &self.ct_len.to_le_bytes(),
            &self.seq.to_le_bytes(),
            &self.media_us.to_le_bytes(),
            &self.duration_us.to_le_bytes(),
        ];
        let mut rest = out.as_mut_slice();
        for field in fields {
            let Some((place, after)) = rest.split_at_mut_checked(field.len()) else { break };
            place.copy_from_slice(field);
            rest = after;
        }
        out
    }

    /// Tells whether the CRC fits these ciphertext bytes.
    #[must_use]
    pub fn crc_fits(&self, ciphertext: &[u8]) -> bool {
        crc_of(&self.authenticated(), ciphertext) == self.crc
    }

    /// Returns the length of the whole frame in bytes.
    #[must_use]
    pub fn frame_len(&self) -> u64 {
        u64::from(self.ct_len).saturating_add(32)
    }
}

pub(crate) fn crc_of(head: &[u8; 28], ciphertext: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(head), ciphertext)
}
