//! Comfort noise (RFC 3389): a packet says how loud and of what colour the silence is; it lasts until the next.
//!
//! The colour is left out: what the sender did not send is marked as a gap and shown as such; the noise only tells the
//! ear that the line is alive. It is the same at every rendering, so that exports can be compared.

use super::Damaged;

/// The noise level last heard of.
#[derive(Default)]
pub(super) struct ComfortNoise {
    peak: i16,
    seed: u32,
}

impl ComfortNoise {
    /// Takes the level: the first octet, in -dBov, 0 to 127.
    pub(super) fn decode(&mut self, payload: &[u8]) -> Result<(), Damaged> {
        let level = payload.first().filter(|level| **level < 128).ok_or(Damaged)?;
        // The peak of uniform noise is 4.8 dB above its RMS. RMS of full scale as RFC 3389 counts: 32,767 square wave.
        let peak = 32_767.0 * 3f64.sqrt() * 10f64.powf(-f64::from(*level) / 20.0);
        #[expect(clippy::cast_possible_truncation, reason = "held to 16 bits in the same line")]
        {
            self.peak = peak.min(32_767.0) as i16;
        }
        Ok(())
    }

    /// Appends `samples` of noise.
    pub(super) fn fill(&mut self, samples: usize, out: &mut Vec<i16>) {
        let (peak, mut seed) = (i32::from(self.peak), self.seed);
        out.extend((0..samples).map(|_n| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [high, low, ..] = seed.to_be_bytes();
            let noise = i32::from(i16::from_be_bytes([high, low])).wrapping_mul(peak) >> 15;
            i16::try_from(noise).unwrap_or(0)
        }));
        self.seed = seed;
    }
}
