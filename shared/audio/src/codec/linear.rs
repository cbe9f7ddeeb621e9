//! Linear audio: L16 (RFC 3551, 4.5.11: signed, network byte order, channels interleaved) and L8 (4.5.10: offset 128).

use super::Damaged;

/// Appends the samples of an L16 payload, the mean of its channels.
pub(super) fn decode_l16(payload: &[u8], channels: u8, out: &mut Vec<i16>) -> Result<(), Damaged> {
    let (samples, rest) = payload.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Damaged);
    }
    mix(samples.iter().map(|octets| i16::from_be_bytes(*octets)), samples.len(), channels, out)
}

/// Appends the samples of an L8 payload, the mean of its channels.
pub(super) fn decode_l8(payload: &[u8], channels: u8, out: &mut Vec<i16>) -> Result<(), Damaged> {
    let wide = |octet: &u8| i16::from_be_bytes([octet ^ 0x80, 0]);
    mix(payload.iter().map(wide), payload.len(), channels, out)
}

fn mix(
    mut samples: impl Iterator<Item = i16>,
    count: usize,
    channels: u8,
    out: &mut Vec<i16>,
) -> Result<(), Damaged> {
    if channels <= 1 {
        out.extend(samples);
        return Ok(());
    }
    if count.checked_rem(usize::from(channels)) != Some(0) {
        return Err(Damaged);
    }
    let frames = count.checked_div(usize::from(channels)).unwrap_or(0);
    for _frame in 0..frames {
        let sum: i32 =
            samples.by_ref().take(usize::from(channels)).fold(0, |sum, pcm| sum.wrapping_add(i32::from(pcm)));
        let mean = sum.checked_div(i32::from(channels)).unwrap_or(0);
        out.push(i16::try_from(mean).unwrap_or_default()); // a mean of i16 values is an i16
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &[u8], channels: u8, expected: Result<&[i16], Damaged>) {
        let mut out = Vec::new();
        let found = decode_l16(payload, channels, &mut out).map(|()| out.as_slice());
        assert_eq!(found, expected, "{payload:?} in {channels} channels");
    }

    #[test]
    fn l16_is_big_endian_and_whole() {
        check(&[0x12, 0x34, 0xff, 0xfe], 1, Ok(&[0x1234, -2]));
        check(&[0x00, 0x0a, 0x00, 0x14], 2, Ok(&[15]));
        check(&[0x80, 0x00, 0x80, 0x00], 2, Ok(&[i16::MIN]));
        check(&[0x12], 1, Err(Damaged));
        check(&[0, 1, 0, 2, 0, 3], 2, Err(Damaged));
        check(&[], 1, Ok(&[]));
    }

    #[test]
    fn l8_has_its_zero_at_128() {
        let mut out = Vec::new();
        assert_eq!(decode_l8(&[0, 128, 255], 1, &mut out), Ok(()));
        assert_eq!(out, [-32_768, 0, 32_512]);
    }
}
