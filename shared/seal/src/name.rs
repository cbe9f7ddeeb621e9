//! The name of a sealed file: civil start time and thirteen symbols that tell nothing.

use sha2::{Digest as _, Sha256};
use shared::RecordingId;

const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm',
    'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'y', 'z',
];

/// Returns the file name of a part, `142233-fbyndbfbn6drc.amx`, from hour, minute and second in the site's zone.
#[must_use]
pub fn file_name(hms: (u8, u8, u8), recording: &RecordingId, part: u16) -> String {
    let (h, m, s) = hms;
    format!("{h:02}{m:02}{s:02}-{}.amx", name_symbols(recording, part))
}

/// Returns the thirteen lower-case Crockford symbols that stand for a part of a recording.
#[must_use]
pub fn name_symbols(recording: &RecordingId, part: u16) -> String {
    let digest: [u8; 32] =
        Sha256::new().chain_update(recording.bytes()).chain_update(part.to_le_bytes()).finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    // 64 bits and one zero bit are 65 = 13 x 5.
    let bits = u128::from(u64::from_be_bytes([a, b, c, d, e, f, g, h])) << 1;
    (0..13_u32)
        .rev()
        .filter_map(|i| {
            let symbol = usize::try_from(bits.checked_shr(i.saturating_mul(5))? & 31).ok()?;
            ALPHABET.get(symbol)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_vector() {
        let id = RecordingId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(file_name((14, 2, 3), &id, 0), "140203-fbyndbfbn6drc.amx");
        assert_ne!(name_symbols(&id, 1), name_symbols(&id, 0));
    }
}
