//! Hearing whether somebody speaks: level over an adaptive floor.
//!
//! The floor falls quickly to quieter sound and rises slowly to louder, so that a noisy line is not taken for speech and
//! speech not for noise. Hum is filtered out before measuring; the recorded audio is never touched. A codec that cannot be
//! measured here counts as sound: recording too much can be undone.

use super::item::Codec;

/// Sound must last this long to count.
const ONSET_MS: u32 = 30;
/// How far over the floor sound lies, in dB.
const OVER_FLOOR_DB: f32 = 6.0;
/// The floor never leaves these bounds, in dBFS; above the upper bound plus 6 dB everything is sound.
const FLOOR_DBFS: (f32, f32) = (-65.0, -30.0);
/// Where the floor begins.
const FLOOR_START_DBFS: f32 = -50.0;
/// How fast the floor rises, in dB a second: while quiet, and while there is sound.
const RISE_DB_PER_S: (f32, f32) = (3.0, 0.2);
/// Corner of the high-pass in Hz, well above mains hum.
const HIGH_PASS_HZ: f32 = 250.0;
/// Blocks of measurement a second: 10 ms each.
const BLOCKS_PER_S: u32 = 100;

/// A sound detector for one leg.
#[derive(Clone, Debug)]
pub struct Vox {
    floor_dbfs: f32,
    is_on: bool,
    /// Length of sound without a pause, in ms; capped.
    loud_ms: u32,
    block: Block,
    high_pass: [HighPass; 2],
}

/// What a frame changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// Sound began; it is this many samples before the end of the frame (perhaps in an earlier one).
    On {
        /// Samples from the onset to the end of the frame.
        samples_ago: u64,
    },
    /// Sound ended.
    Off,
}

#[derive(Clone, Debug, Default)]
struct Block {
    sum: f32,
    samples: u32,
}

/// First order: two in a row take 50 Hz down by 28 dB.
#[derive(Clone, Copy, Debug, Default)]
struct HighPass {
    last_in: f32,
    last_out: f32,
}

impl HighPass {
    fn filter(&mut self, keep: f32, x: f32) -> f32 {
        self.last_out = keep * (self.last_out + x - self.last_in);
        self.last_in = x;
        self.last_out
    }
}

impl Default for Vox {
    fn default() -> Self {
        Self {
            floor_dbfs: FLOOR_START_DBFS,
            is_on: false,
            loud_ms: 0,
            block: Block::default(),
            high_pass: [HighPass::default(); 2],
        }
    }
}

impl Vox {
    /// Tells whether there is sound now.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.is_on
    }

    /// Listens to one frame and tells whether sound began or ended in it.
    pub fn handle(&mut self, codec: &Codec, payload: &[u8], samples: u32) -> Option<Edge> {
        let was_on = self.is_on;
        let rate = codec.clock_hz.max(BLOCKS_PER_S);
        let keep = 1.0 / (1.0 + std::f32::consts::TAU * HIGH_PASS_HZ / hz(rate));
        let mut done = 0u64;
        let mut onset = None;
        let mut each = |vox: &mut Self, x: f32| {
            done = done.saturating_add(1);
            if vox.sample(keep, rate, x) && !was_on && onset.is_none() {
                onset = Some(done);
            }
        };
        match codec.name.to_ascii_uppercase().as_str() {
            "PCMU" => payload.iter().for_each(|b| each(self, mu_law(*b))),
            "PCMA" => payload.iter().for_each(|b| each(self, a_law(*b))),
            "L16" => {
                let (pairs, _) = payload.as_chunks::<2>();
                let channels = usize::from(codec.channels.max(1));
                pairs
                    .iter()
                    .step_by(channels)
                    .for_each(|p| each(self, f32::from(i16::from_be_bytes(*p)) / 32_768.0));
            }
            _ => {
                self.is_on = true;
                onset = Some(0);
                done = u64::from(samples);
            }
        }
        match (was_on, self.is_on) {
            (false, true) => {
                let before = u64::from(rate / BLOCKS_PER_S).saturating_mul(u64::from(ONSET_MS / 10));
                let samples_ago = done.saturating_sub(onset.unwrap_or(done)).saturating_add(before);
                Some(Edge::On { samples_ago })
            }
            (true, false) => Some(Edge::Off),
            (true, true) | (false, false) => None,
        }
    }

    /// Takes one sample; true when a block was finished and there is sound.
    fn sample(&mut self, keep: f32, rate: u32, x: f32) -> bool {
        let [first, second] = &mut self.high_pass;
        let y = second.filter(keep, first.filter(keep, x));
        self.block.sum += y * y;
        self.block.samples = self.block.samples.saturating_add(1);
        if self.block.samples < rate / BLOCKS_PER_S {
            return false;
        }
        let block = std::mem::take(&mut self.block);
        let power = block.sum / hz(block.samples);
        self.level(10.0 * power.max(1e-12).log10());
        self.is_on
    }

    /// Takes the level of one block of 10 ms.
    fn level(&mut self, level_dbfs: f32) {
        let is_loud = level_dbfs > self.floor_dbfs + OVER_FLOOR_DB;
        self.loud_ms = if is_loud { self.loud_ms.saturating_add(10).min(ONSET_MS) } else { 0 };
        let rise = if is_loud { RISE_DB_PER_S.1 } else { RISE_DB_PER_S.0 } / hz(BLOCKS_PER_S);
        let floor = if level_dbfs < self.floor_dbfs {
            self.floor_dbfs + (level_dbfs - self.floor_dbfs) * 0.1
        } else {
            (self.floor_dbfs + rise).min(level_dbfs)
        };
        self.floor_dbfs = floor.clamp(FLOOR_DBFS.0, FLOOR_DBFS.1);
        self.is_on = if self.is_on { is_loud } else { self.loud_ms >= ONSET_MS };
    }
}

fn hz(n: u32) -> f32 {
    f32::from(u16::try_from(n).unwrap_or(u16::MAX))
}

/// Expands µ-law (ITU-T G.711) to -1..1.
fn mu_law(byte: u8) -> f32 {
    let byte = !byte;
    let (exponent, mantissa) = (u32::from(byte >> 4 & 7), u32::from(byte & 0x0f));
    let magnitude = ((mantissa << 3 | 0x84) << exponent).saturating_sub(0x84);
    signed(magnitude, byte & 0x80 != 0)
}

/// Expands A-law (ITU-T G.711) to -1..1.
fn a_law(byte: u8) -> f32 {
    let byte = byte ^ 0x55;
    let (exponent, mantissa) = (u32::from(byte >> 4 & 7), u32::from(byte & 0x0f));
    let magnitude = match exponent {
        0 => mantissa << 4 | 8,
        _ => (mantissa << 4 | 0x108) << exponent.saturating_sub(1),
    };
    signed(magnitude, byte & 0x80 == 0)
}

fn signed(magnitude: u32, is_negative: bool) -> f32 {
    let x = f32::from(u16::try_from(magnitude).unwrap_or(u16::MAX)) / 32_768.0;
    if is_negative { -x } else { x }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "tests"
    )]
    use super::*;

    const L16: fn() -> Codec =
        || Codec { name: "L16".to_owned(), clock_hz: 8_000, fmtp: String::new(), channels: 1 };

    /// Noise of one level, from a small generator with a fixed start.
    fn noise(dbfs: f32, ms: usize, seed: u32) -> Vec<f32> {
        let mut state = seed | 1;
        let scale = 10f32.powf(dbfs / 20.0) * 3f32.sqrt();
        let one = |_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            scale * ((state >> 8) as f32 / 8_388_608.0 - 1.0)
        };
        (0..ms * 8).map(one).collect()
    }

    fn tone(dbfs: f32, hz: f32, ms: usize) -> Vec<f32> {
        let amplitude = 10f32.powf(dbfs / 20.0) * 2f32.sqrt();
        (0..ms * 8).map(|n| amplitude * (std::f32::consts::TAU * hz * n as f32 / 8_000.0).sin()).collect()
    }

    /// Returns the times in ms at which sound began and ended.
    fn listen(vox: &mut Vox, sound: &[f32]) -> Vec<(i64, bool)> {
        let mut found = Vec::new();
        for (n, frame) in sound.chunks(160).enumerate() {
            let payload: Vec<u8> = frame.iter().flat_map(|x| ((x * 32_767.0) as i16).to_be_bytes()).collect();
            let end_ms = (n as i64 + 1) * 20;
            match vox.handle(&L16(), &payload, 160) {
                Some(Edge::On { samples_ago }) => found.push((end_ms - samples_ago as i64 / 8, true)),
                Some(Edge::Off) => found.push((end_ms, false)),
                None => {}
            }
        }
        found
    }

    #[test]
    fn an_hour_of_noise_or_hum_starts_nothing() {
        for seed in 1..7 {
            let found = listen(&mut Vox::default(), &noise(-50.0, 600_000, seed));
            assert_eq!(found, [], "noise {seed}");
        }
        assert_eq!(listen(&mut Vox::default(), &tone(-25.0, 50.0, 600_000)), [], "hum");
    }

    #[test]
    fn sound_over_the_noise_starts_at_its_onset() {
        for dbfs in [-50.0, -60.0, -45.0] {
            let mut sound = noise(dbfs, 20_000, 5);
            sound.extend(noise(dbfs + 12.0, 1_000, 9));
            sound.extend(noise(dbfs, 2_000, 3));
            let found = listen(&mut Vox::default(), &sound);
            let (start, is_on) = found[0];
            assert!(is_on && (start - 20_000).abs() <= 60, "{dbfs}: {found:?}");
            assert!((found.last().unwrap().0 - 21_000).abs() <= 60, "{dbfs}: {found:?}");
        }
    }

    #[test]
    fn thirty_milliseconds_are_needed() {
        let with_burst = |ms| {
            let mut sound = noise(-60.0, 2_000, 5);
            sound.extend(noise(-20.0, ms, 5));
            sound.extend(noise(-60.0, 500, 5));
            listen(&mut Vox::default(), &sound).len()
        };
        assert_eq!((with_burst(10), with_burst(100)), (0, 2));
    }

    #[test]
    fn loud_sound_is_sound_for_ever() {
        let found = listen(&mut Vox::default(), &tone(-12.0, 440.0, 900_000));
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn both_laws_expand_as_g_711_says() {
        let check =
            |x: f32, pcm16: f32| assert!((x * 32_768.0 - pcm16).abs() < 0.5, "{} {pcm16}", x * 32_768.0);
        check(mu_law(0xff), 0.0);
        check(mu_law(0x80), 32_124.0);
        check(mu_law(0x00), -32_124.0);
        check(a_law(0xd5), 8.0);
        check(a_law(0x55), -8.0);
        check(a_law(0xaa), 32_256.0);
        check(a_law(0x2a), -32_256.0);
    }

    #[test]
    fn a_codec_that_cannot_be_measured_counts_as_sound() {
        let codec = Codec { name: "AMBE".to_owned(), ..L16() };
        let mut vox = Vox::default();
        assert!(matches!(vox.handle(&codec, &[0; 9], 160), Some(Edge::On { .. })), "sound at once");
        assert_eq!(vox.handle(&codec, &[0; 9], 160), None);
    }
}
