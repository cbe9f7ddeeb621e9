//! DVI4: IMA ADPCM with its state in front of every packet (RFC 3551, 4.5.1), so packets decode by themselves.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the predictor is held to 16 bits and the step index to the table"
)]

use super::Damaged;

static STEPS: [i32; 89] = [
    7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88,
    97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
    724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660,
    4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818,
    18500, 20350, 22385, 24623, 27086, 29794, 32767,
];
static MOVES: [i32; 8] = [-1, -1, -1, -1, 2, 4, 6, 8];

/// Appends two samples per octet after the header; the first sample of an octet is in its high bits.
pub(super) fn decode(payload: &[u8], out: &mut Vec<i16>) -> Result<(), Damaged> {
    let ([high, low, index, _reserved], codes) = payload.split_first_chunk::<4>().ok_or(Damaged)?;
    if usize::from(*index) >= STEPS.len() {
        return Err(Damaged);
    }
    let (mut predicted, mut index) = (i32::from(i16::from_be_bytes([*high, *low])), i32::from(*index));
    for code in codes.iter().flat_map(|octet| [octet >> 4, octet & 0x0f]) {
        let step = STEPS[index as usize];
        let size = i32::from(code & 7);
        let mut change = step >> 3;
        for (bit, part) in [(4, step), (2, step >> 1), (1, step >> 2)] {
            if size & bit != 0 {
                change += part;
            }
        }
        let change = if code & 8 == 0 { change } else { -change };
        predicted = (predicted + change).clamp(-32_768, 32_767);
        index = (index + MOVES[size as usize]).clamp(0, 88);
        out.push(predicted as i16);
    }
    Ok(())
}
