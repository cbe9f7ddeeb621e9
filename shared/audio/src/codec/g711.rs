//! G.711: A-law and µ-law by table (ITU-T G.711, tables 1 and 2), scaled to 16 bits as is usual.

/// PCM16 of each µ-law octet.
pub static MULAW: [i16; 256] = mulaw_table();
/// PCM16 of each A-law octet.
pub static ALAW: [i16; 256] = alaw_table();
/// The µ-law octet of silence.
pub const MULAW_SILENCE: u8 = 0xff;
/// The A-law octet nearest to silence.
pub const ALAW_SILENCE: u8 = 0xd5;

/// Appends the PCM of `payload`.
pub(super) fn decode(table: &[i16; 256], payload: &[u8], out: &mut Vec<i16>) {
    #[expect(clippy::indexing_slicing, reason = "an octet is always inside a table of 256")]
    out.extend(payload.iter().map(|octet| table[usize::from(*octet)]));
}

/// Returns the µ-law octet nearest to a sample: exact for every value that µ-law decodes to.
#[must_use]
pub const fn encode_mulaw(sample: i16) -> u8 {
    let sign: u8 = if sample < 0 { 0x80 } else { 0 };
    let held = if sample.unsigned_abs() > 32_635 { 32_635 } else { sample.unsigned_abs() };
    let biased = held.wrapping_add(0x84);
    let segment = 8u32.saturating_sub(biased.leading_zeros());
    let step = (biased >> segment.saturating_add(3)) & 0x0f;
    !(sign | low_of_u32(segment) << 4 | low(step))
}

/// Returns the A-law octet nearest to a sample: exact for every value that A-law decodes to.
#[must_use]
pub const fn encode_alaw(sample: i16) -> u8 {
    let sign: u8 = if sample < 0 { 0 } else { 0x80 };
    // Negative values round towards zero by one, as the standard's one's complement does.
    let size = if sample < 0 { !sample } else { sample }.unsigned_abs();
    let segment = 8u32.saturating_sub(size.leading_zeros());
    let shift = if segment == 0 { 4 } else { segment.saturating_add(3) };
    let step = (size >> shift) & 0x0f;
    (sign | low_of_u32(segment) << 4 | low(step)) ^ 0x55
}

const fn low_of_u32(n: u32) -> u8 {
    let [_, _, _, low] = n.to_be_bytes();
    low
}

const fn low(n: u16) -> u8 {
    let [_, low] = n.to_be_bytes();
    low
}

const fn mulaw_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut octet: u8 = 0;
    loop {
        let inverted = !octet;
        let step = ((inverted & 0x0f) as i16) << 3;
        let size = step.wrapping_add(0x84) << ((inverted & 0x70) >> 4);
        let size = size.wrapping_sub(0x84);
        #[expect(clippy::indexing_slicing, reason = "an octet is always inside a table of 256")]
        {
            table[octet as usize] = if inverted & 0x80 == 0 { size } else { size.wrapping_neg() };
        }
        match octet.checked_add(1) {
            Some(next) => octet = next,
            None => return table,
        }
    }
}

const fn alaw_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut octet: u8 = 0;
    loop {
        let plain = octet ^ 0x55;
        let step = ((plain & 0x0f) as i16) << 4;
        let segment = (plain & 0x70) >> 4;
        let size = match segment.checked_sub(1) {
            None => step.wrapping_add(8),
            Some(shift) => step.wrapping_add(0x108) << shift,
        };
        #[expect(clippy::indexing_slicing, reason = "an octet is always inside a table of 256")]
        {
            table[octet as usize] = if plain & 0x80 == 0 { size.wrapping_neg() } else { size };
        }
        match octet.checked_add(1) {
            Some(next) => octet = next,
            None => return table,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference points of the two tables in the recommendation, scaled to 16 bits.
    #[test]
    fn tables_have_the_values_of_the_recommendation() {
        for (octet, mulaw) in
            [(0x00u8, -32_124), (0x7f, 0), (0xff, 0), (0x80, 32_124), (0xf0, 120), (0xfe, 8)]
        {
            assert_eq!(MULAW.get(usize::from(octet)), Some(&mulaw), "mu-law {octet:#04x}");
        }
        for (octet, alaw) in [(0xd5u8, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0x80, 5_504)] {
            assert_eq!(ALAW.get(usize::from(octet)), Some(&alaw), "A-law {octet:#04x}");
        }
    }

    #[test]
    fn coding_a_decoded_value_is_exact() {
        for octet in 0..=255u8 {
            let (mu, a) = (MULAW.get(usize::from(octet)), ALAW.get(usize::from(octet)));
            let again = mu.map(|pcm| encode_mulaw(*pcm));
            assert!(again == Some(octet) || octet == 0x7f, "mu-law {octet:#04x} became {again:?}");
            assert_eq!(a.map(|pcm| encode_alaw(*pcm)), Some(octet), "A-law {octet:#04x}");
        }
    }

    #[test]
    fn coding_takes_the_nearest_value_at_every_level() {
        for pcm in i16::MIN..=i16::MAX {
            let error = |value: Option<&i16>| {
                value.map_or(i32::MAX, |value| i32::from(*value).wrapping_sub(i32::from(pcm)).abs())
            };
            // Half a step of the largest segment, or clipping at the top.
            let allowed = i32::from(pcm.unsigned_abs()).wrapping_div(16).max(17);
            let mu = error(MULAW.get(usize::from(encode_mulaw(pcm))));
            let a = error(ALAW.get(usize::from(encode_alaw(pcm))));
            assert!(mu <= allowed && a <= allowed, "{pcm}: off by {mu} and {a}");
        }
    }
}
