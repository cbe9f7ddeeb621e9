//! Small numbers in few octets: seven bits each, the lowest first; the highest bit says that more follow (LEB128).

/// Writes a number.
pub(crate) fn put(bytes: &mut Vec<u8>, mut left: u64) {
    loop {
        let [low, ..] = left.to_le_bytes();
        left >>= 7;
        if left == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Numbers one behind the other; what is left of them.
pub(crate) struct Varints<'a>(pub(crate) &'a [u8]);

impl Varints<'_> {
    /// Takes the next number; `None` at the end, and where something else stands than a number below 2^63.
    pub(crate) fn next_number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0_u64, 0_u32);
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            // Nine groups of seven bits are all that such a number has.
            if shift > 56 {
                return None;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift = shift.saturating_add(7);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_written_and_nothing_else_is_one() {
        let all = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), (1 << 63) - 1];
        let mut bytes = Vec::new();
        all.iter().for_each(|n| put(&mut bytes, *n));
        let mut back = Varints(&bytes);
        assert!(all.iter().all(|n| back.next_number() == Some(*n)) && back.next_number().is_none());
        for bytes in [&[0x80][..], &[0xff; 9], &[0xff; 10], &[]] {
            assert_eq!(Varints(bytes).next_number(), None, "{bytes:?}");
        }
    }
}
