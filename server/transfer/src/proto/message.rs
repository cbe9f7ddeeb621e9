//! What the two sides say, as bytes and back. Little-endian; every text and list is bounded by the message.

use seal::fields::Fields;
use shared::{RecorderId, RecordingId, UtcMicros};

use super::{CHUNK_MAX, ProtocolError, Refusal, What};

/// The longest status of a satellite, and the longest word about its calls.
pub const STATUS_MAX: usize = 64 << 10;
/// The longest document that the central sends: a configuration with its day keys.
pub const DOCUMENT_MAX: usize = 192 << 10;
/// The longest reason for an end.
const REASON_MAX: usize = 400;

/// From the satellite to the central.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Up {
    /// The first word.
    Hello {
        /// [`super::VERSION`].
        version: u16,
        /// Who it is; the certificate must say the same.
        recorder_id: RecorderId,
        /// Drawn at each start of its program.
        boot: [u8; 16],
        /// Its wall clock.
        utc: UtcMicros,
    },
    /// It has this file, of `length` bytes so far.
    Offer {
        /// How the file is called on this connection.
        handle: u32,
        /// Which file.
        what: What,
        /// Bytes that stand in it.
        length: u64,
        /// After a crash: what is the digest of that which the central holds?
        digest: bool,
    },
    /// Bytes of it.
    Data {
        /// Of which.
        handle: u32,
        /// Where they stand.
        offset: u64,
        /// At most [`CHUNK_MAX`].
        bytes: Vec<u8>,
    },
    /// It is whole and will not grow.
    Sealed {
        /// Which.
        handle: u32,
        /// Its length, trailer included.
        size: u64,
        /// SHA-256 of everything before the trailer.
        sha256: [u8; 32],
        /// BLAKE3 of the same.
        blake3: [u8; 32],
    },
    /// It asks for bytes that the central holds, because a crash took its own.
    Ask {
        /// Of which.
        handle: u32,
        /// From where.
        offset: u64,
        /// How many, at most [`CHUNK_MAX`].
        length: u32,
    },
    /// How it goes, as JSON.
    Status(Vec<u8>),
    /// Is the central there?
    Ping(u64),
    /// The calls that are going on, as far as they changed, as JSON.
    Calls(Vec<u8>),
}

/// From the central to the satellite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Down {
    /// The answer to the greeting.
    Welcome {
        /// [`super::VERSION`].
        version: u16,
        /// The central's wall clock.
        utc: UtcMicros,
        /// Bytes that may be under way without an acknowledgement.
        window: u32,
        /// Files that may be open at once.
        files: u32,
        /// Bytes a second that may be sent; 0: as many as the line takes.
        rate: u64,
    },
    /// So much of the file it holds.
    Held {
        /// Of which.
        handle: u32,
        /// Bytes.
        length: u64,
        /// BLAKE3 of these, if it was asked for.
        blake3: Option<[u8; 32]>,
    },
    /// Everything before `length` is written.
    Ack {
        /// Of which.
        handle: u32,
        /// Bytes.
        length: u64,
    },
    /// It will not take the file.
    Refused {
        /// Which.
        handle: u32,
        /// Why.
        why: Refusal,
    },
    /// The part is durable, in the catalogue and in the log.
    Receipt {
        /// Which.
        handle: u32,
        /// Its leaf.
        leaf: u64,
        /// Of [`crate::Receipt`].
        signature: [u8; 64],
    },
    /// Bytes that were asked for.
    Bytes {
        /// Of which.
        handle: u32,
        /// Where they stand.
        offset: u64,
        /// At most [`CHUNK_MAX`].
        bytes: Vec<u8>,
    },
    /// A signed document: configuration, day keys, a revocation. It is worth what its signature is worth.
    Document(Vec<u8>),
    /// The answer to a ping.
    Pong {
        /// Its number.
        number: u64,
        /// The central's wall clock.
        utc: UtcMicros,
    },
    /// It ends the connection.
    Bye(String),
    /// Somebody listens to this recording.
    Listen(RecordingId),
}

impl Up {
    /// Appends the message, with its length, to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello { version, recorder_id, boot, utc } => {
                put(out, 1, &[&version.to_le_bytes(), recorder_id.bytes(), boot, &utc.0.to_le_bytes()]);
            }
            Self::Offer { handle, what, length, digest } => {
                let (kind, id, number) = match what {
                    What::Part(id, part) => (1, *id.bytes(), u32::from(*part)),
                    What::Ledger(number) => (2, [0; 16], *number),
                };
                let (number, length) = (number.to_le_bytes(), length.to_le_bytes());
                put(out, 2, &[&handle.to_le_bytes(), &[kind], &id, &number, &length, &[u8::from(*digest)]]);
            }
            Self::Data { handle, offset, bytes } => {
                put(out, 3, &[&handle.to_le_bytes(), &offset.to_le_bytes(), bytes]);
            }
            Self::Sealed { handle, size, sha256, blake3 } => {
                put(out, 4, &[&handle.to_le_bytes(), &size.to_le_bytes(), sha256, blake3]);
            }
            Self::Ask { handle, offset, length } => {
                put(out, 5, &[&handle.to_le_bytes(), &offset.to_le_bytes(), &length.to_le_bytes()]);
            }
            Self::Status(bytes) => put(out, 6, &[bytes]),
            Self::Ping(number) => put(out, 7, &[&number.to_le_bytes()]),
            Self::Calls(bytes) => put(out, 8, &[bytes]),
        }
    }

    /// Reads a message without its length.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn read(message: &[u8]) -> Result<Self, ProtocolError> {
        read_up(Fields(message)).ok_or(ProtocolError::Malformed("from the satellite"))
    }
}

impl Down {
    /// Appends the message, with its length, to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Welcome { version, utc, window, files, rate } => {
                let fields: &[&[u8]] = &[
                    &version.to_le_bytes(),
                    &utc.0.to_le_bytes(),
                    &window.to_le_bytes(),
                    &files.to_le_bytes(),
                    &rate.to_le_bytes(),
                ];
                put(out, 129, fields);
            }
            Self::Held { handle, length, blake3 } => {
                let digest = blake3.as_ref().map_or(&[][..], <[u8; 32]>::as_slice);
                put(out, 130, &[&handle.to_le_bytes(), &length.to_le_bytes(), digest]);
            }
            Self::Ack { handle, length } => put(out, 131, &[&handle.to_le_bytes(), &length.to_le_bytes()]),
            Self::Refused { handle, why } => put(out, 132, &[&handle.to_le_bytes(), &[*why as u8]]),
            Self::Receipt { handle, leaf, signature } => {
                put(out, 133, &[&handle.to_le_bytes(), &leaf.to_le_bytes(), signature]);
            }
            Self::Bytes { handle, offset, bytes } => {
                put(out, 134, &[&handle.to_le_bytes(), &offset.to_le_bytes(), bytes]);
            }
            Self::Document(bytes) => put(out, 135, &[bytes]),
            Self::Pong { number, utc } => put(out, 136, &[&number.to_le_bytes(), &utc.0.to_le_bytes()]),
            Self::Bye(text) => {
                let end = text.floor_char_boundary(REASON_MAX);
                put(out, 137, &[text.as_bytes().get(..end).unwrap_or_default()]);
            }
            Self::Listen(id) => put(out, 138, &[id.bytes()]),
        }
    }

    /// Reads a message without its length.
    ///
    /// # Errors
    /// Bytes that are none.
    pub fn read(message: &[u8]) -> Result<Self, ProtocolError> {
        read_down(Fields(message)).ok_or(ProtocolError::Malformed("from the central"))
    }
}

/// Writes a message: its length, its type, its fields.
fn put(out: &mut Vec<u8>, kind: u8, fields: &[&[u8]]) {
    let length = fields.iter().fold(1_usize, |sum, field| sum.saturating_add(field.len()));
    out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    out.push(kind);
    fields.iter().for_each(|field| out.extend_from_slice(field));
}

fn read_up(mut f: Fields<'_>) -> Option<Up> {
    let message = match f.u8()? {
        1 => Up::Hello {
            version: f.u16()?,
            recorder_id: RecorderId(f.array()?),
            boot: f.array()?,
            utc: UtcMicros(f.i64()?),
        },
        2 => Up::Offer {
            handle: f.u32()?,
            what: read_what(&mut f)?,
            length: f.u64()?,
            digest: read_flag(&mut f)?,
        },
        3 => Up::Data { handle: f.u32()?, offset: f.u64()?, bytes: rest(&mut f, CHUNK_MAX)? },
        4 => Up::Sealed { handle: f.u32()?, size: f.u64()?, sha256: f.array()?, blake3: f.array()? },
        5 => Up::Ask { handle: f.u32()?, offset: f.u64()?, length: f.u32()? },
        6 => Up::Status(rest(&mut f, STATUS_MAX)?),
        7 => Up::Ping(f.u64()?),
        8 => Up::Calls(rest(&mut f, STATUS_MAX)?),
        _ => return None,
    };
    f.0.is_empty().then_some(message)
}

fn read_what(f: &mut Fields<'_>) -> Option<What> {
    let (kind, id, number) = (f.u8()?, f.array()?, f.u32()?);
    match kind {
        1 => Some(What::Part(RecordingId(id), u16::try_from(number).ok()?)),
        2 => (id == [0; 16]).then_some(What::Ledger(number)),
        _ => None,
    }
}

fn read_flag(f: &mut Fields<'_>) -> Option<bool> {
    match f.u8()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn read_down(mut f: Fields<'_>) -> Option<Down> {
    let message = match f.u8()? {
        129 => Down::Welcome {
            version: f.u16()?,
            utc: UtcMicros(f.i64()?),
            window: f.u32()?,
            files: f.u32()?,
            rate: f.u64()?,
        },
        130 => Down::Held {
            handle: f.u32()?,
            length: f.u64()?,
            blake3: if f.0.is_empty() { None } else { Some(f.array()?) },
        },
        131 => Down::Ack { handle: f.u32()?, length: f.u64()? },
        132 => Down::Refused { handle: f.u32()?, why: Refusal::from_number(f.u8()?)? },
        133 => Down::Receipt { handle: f.u32()?, leaf: f.u64()?, signature: f.array()? },
        134 => Down::Bytes { handle: f.u32()?, offset: f.u64()?, bytes: rest(&mut f, CHUNK_MAX)? },
        135 => Down::Document(rest(&mut f, DOCUMENT_MAX)?),
        136 => Down::Pong { number: f.u64()?, utc: UtcMicros(f.i64()?) },
        137 => Down::Bye(String::from_utf8(rest(&mut f, REASON_MAX)?).ok()?),
        138 => Down::Listen(RecordingId(f.array()?)),
        _ => return None,
    };
    f.0.is_empty().then_some(message)
}

fn rest(f: &mut Fields<'_>, max: usize) -> Option<Vec<u8>> {
    let all = f.0.len();
    (all <= max).then(|| f.bytes(all).map(<[u8]>::to_vec)).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "tests"
    )]
    use super::*;

    fn ups() -> Vec<Up> {
        let part = What::Part(RecordingId([3; 16]), 4);
        vec![
            Up::Hello { version: 1, recorder_id: RecorderId([2; 16]), boot: [9; 16], utc: UtcMicros(-5) },
            Up::Offer { handle: 1, what: part, length: 1 << 40, digest: true },
            Up::Offer { handle: 2, what: What::Ledger(7), length: 0, digest: false },
            Up::Data { handle: 1, offset: 12, bytes: vec![5; 300] },
            Up::Data { handle: 1, offset: 12, bytes: vec![] },
            Up::Sealed { handle: 1, size: 99, sha256: [1; 32], blake3: [2; 32] },
            Up::Ask { handle: 1, offset: 9, length: 3 },
            Up::Status(b"{}".to_vec()),
            Up::Ping(u64::MAX),
            Up::Calls(b"{}".to_vec()),
        ]
    }

    fn downs() -> Vec<Down> {
        vec![
            Down::Welcome { version: 1, utc: UtcMicros(1), window: 2, files: 3, rate: 4 },
            Down::Held { handle: 1, length: 2, blake3: Some([3; 32]) },
            Down::Held { handle: 1, length: 2, blake3: None },
            Down::Ack { handle: 1, length: 2 },
            Down::Refused { handle: 1, why: Refusal::Foreign },
            Down::Receipt { handle: 1, leaf: 2, signature: [3; 64] },
            Down::Bytes { handle: 1, offset: 2, bytes: vec![7; 9] },
            Down::Document(vec![1]),
            Down::Pong { number: 1, utc: UtcMicros(2) },
            Down::Bye("the disk is full".to_owned()),
            Down::Listen(RecordingId([6; 16])),
        ]
    }

    /// The message without its length.
    fn body(written: &[u8]) -> &[u8] {
        assert_eq!(
            usize::try_from(u32::from_le_bytes(written[..4].try_into().unwrap())),
            Ok(written.len() - 4)
        );
        &written[4..]
    }

    #[test]
    fn every_message_comes_back() {
        for up in ups() {
            let mut out = Vec::new();
            up.write(&mut out);
            assert_eq!(Up::read(body(&out)).unwrap(), up);
        }
        for down in downs() {
            let mut out = Vec::new();
            down.write(&mut out);
            assert_eq!(Down::read(body(&out)).unwrap(), down);
        }
    }

    #[test]
    fn a_message_that_is_cut_or_goes_on_is_none() {
        let lengths_are_free = |kind: u8| matches!(kind, 3 | 6 | 8 | 134 | 135 | 137);
        for up in ups() {
            let mut out = Vec::new();
            up.write(&mut out);
            let whole = body(&out);
            if lengths_are_free(whole[0]) {
                continue;
            }
            for cut in 0..whole.len() {
                assert!(Up::read(&whole[..cut]).is_err(), "{up:?} cut at {cut}");
            }
            assert!(Up::read(&[whole, &[0]].concat()).is_err(), "{up:?} and more");
            assert!(Down::read(whole).is_err(), "{up:?} from the wrong side");
        }
    }

    #[test]
    fn more_than_a_chunk_is_refused() {
        let head = [&[3_u8][..], &[0; 12]].concat();
        assert!(Up::read(&[&head[..], &vec![0; CHUNK_MAX]].concat()).is_ok());
        assert!(Up::read(&[&head[..], &vec![0; CHUNK_MAX + 1]].concat()).is_err());
    }
}
