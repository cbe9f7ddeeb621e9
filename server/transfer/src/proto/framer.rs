//! Bytes to messages: `length u32 | type u8 | body`, little-endian, length without itself.

use super::{DRIP_US, MESSAGE_MAX, ProtocolError};

const LENGTH: usize = 4;
/// What was read is dropped once it is so much.
const COMPACT: usize = 64 << 10;

/// Cuts a stream into messages. It holds at most one message beyond what it was fed.
#[derive(Debug, Default)]
pub struct Framer {
    bytes: Vec<u8>,
    read: usize,
    /// When the message that is not whole yet began.
    began: Option<u64>,
}

impl Framer {
    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8], now: u64) {
        if self.read >= COMPACT || self.read == self.bytes.len() {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        if self.began.is_none() && !bytes.is_empty() {
            self.began = Some(now);
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the next whole message, type first; `None` if there is none yet.
    ///
    /// # Errors
    /// A length that no message has: before any of its bytes is kept.
    pub fn next(&mut self, now: u64) -> Result<Option<&[u8]>, ProtocolError> {
        let waiting = self.bytes.get(self.read..).unwrap_or_default();
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH>() else {
            self.began = self.began.filter(|_| !waiting.is_empty());
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length);
        let wanted = usize::try_from(length).unwrap_or(usize::MAX);
        if wanted > MESSAGE_MAX {
            return Err(ProtocolError::TooLong(length));
        }
        if wanted == 0 {
            return Err(ProtocolError::Malformed("it is empty"));
        }
        if rest.len() < wanted {
            return Ok(None);
        }
        let from = self.read.saturating_add(LENGTH);
        let to = from.saturating_add(wanted);
        self.read = to;
        self.began = (self.bytes.len() > to).then_some(now);
        Ok(self.bytes.get(from..to))
    }

    /// When a message that does not come to its end is given up.
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        self.began.map(|began| began.saturating_add(DRIP_US))
    }
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

    #[test]
    fn messages_come_out_however_the_stream_was_cut() {
        let stream: Vec<u8> =
            (1..200_u32).flat_map(|n| [&n.to_le_bytes()[..], &vec![n as u8; n as usize]].concat()).collect();
        for step in [1, 3, 7, 1_000, stream.len()] {
            let (mut framer, mut lengths) = (Framer::default(), Vec::new());
            for bytes in stream.chunks(step) {
                framer.feed(bytes, 0);
                while let Some(message) = framer.next(0).unwrap() {
                    assert!(message.iter().all(|byte| usize::from(*byte) == message.len()), "{step}");
                    lengths.push(message.len());
                }
            }
            assert_eq!(lengths, (1..200).collect::<Vec<_>>(), "{step}");
            assert_eq!(framer.deadline(), None, "nothing is half there");
        }
    }

    #[test]
    fn a_giant_is_refused_before_its_bytes_are_kept() {
        let mut framer = Framer::default();
        framer.feed(&u32::MAX.to_le_bytes(), 0);
        assert_eq!(framer.next(0), Err(ProtocolError::TooLong(u32::MAX)));
        let mut framer = Framer::default();
        framer.feed(&[0; 4], 0);
        assert!(framer.next(0).is_err(), "an empty one says nothing");
    }

    #[test]
    fn who_drips_is_noticed() {
        let mut framer = Framer::default();
        for second in 0..9 {
            framer.feed(&[8], second * 1_000_000);
            if second < 4 {
                framer = Framer::default();
                framer.feed(&[8, 0, 0, 0], 4_000_000);
            }
            assert!(framer.next(second * 1_000_000).is_ok());
        }
        assert_eq!(framer.deadline(), Some(4_000_000 + DRIP_US), "from its first byte, not its last");
    }
}
