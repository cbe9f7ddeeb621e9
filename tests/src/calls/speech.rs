//! Something to say: words from espeak-ng where it is installed, else a hum that has the shape of a voice.
//!
//! Both are the same for the same call on the same machine. Each call says its own number, so that a recording in the
//! wrong file is heard as such by an ear and seen by a comparison.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::Side;

/// Where the words come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Voice {
    /// espeak-ng if it is installed, else [`Voice::Synthetic`].
    #[default]
    Speech,
    /// Vowels hummed at the pitch of a voice; needs nothing.
    Synthetic,
}

const RATE_HZ: f64 = 8_000.0;

/// What a party of a call says, as 8 kHz samples, exactly as many as asked for; it repeats itself if it must.
pub(super) fn say(voice: Voice, call: u32, side: Side, samples: usize) -> Vec<i16> {
    let once = match voice {
        Voice::Speech if espeak_is_here() => spoken(call, side),
        Voice::Speech | Voice::Synthetic => None,
    };
    let once = once.unwrap_or_else(|| hummed(call, side));
    once.into_iter().cycle().take(samples).collect()
}

fn espeak_is_here() -> bool {
    static HERE: OnceLock<bool> = OnceLock::new();
    *HERE.get_or_init(|| {
        let version =
            Command::new("espeak-ng").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|s| s.success())
    })
}

fn spoken(call: u32, side: Side) -> Option<Vec<i16>> {
    let (voice, words) = match side {
        Side::Caller => {
            ("en-us", format!("This is call number {call}. I am the caller. My secret word is mango {call}."))
        }
        Side::Callee => (
            "en-gb+f3",
            format!("You have reached line {call}. I am the called party. My secret word is window {call}."),
        ),
    };
    let out = Command::new("espeak-ng").args(["-v", voice, "-s", "150", "--stdout", &words]).output().ok()?;
    let wav = crate::oracle::read_wav(&out.stdout).ok().filter(|_| out.status.success())?;
    let mut pcm = to_8khz(wav.channels.first()?, f64::from(wav.rate_hz));
    pcm.extend([0; 2_400]); // a breath before it is said again
    (pcm.len() > 8_000).then_some(pcm)
}

/// Resamples by a windowed sinc, cut off at 3.6 kHz.
fn to_8khz(pcm: &[i16], rate_hz: f64) -> Vec<i16> {
    const HALF_WIDTH: i32 = 24;
    let step = rate_hz / RATE_HZ;
    let cutoff = 3_600.0 / rate_hz * 2.0;
    let mut out = Vec::new();
    let mut at = 0.0;
    while let Some(centre) = index(at).filter(|&i| i < pcm.len()) {
        let mut sum = 0.0;
        for k in -HALF_WIDTH..=HALF_WIDTH {
            let Some(sample) =
                centre.checked_add_signed(isize::try_from(k).unwrap_or(0)).and_then(|i| pcm.get(i))
            else {
                continue;
            };
            let x = f64::from(k) - at.fract();
            let sinc = if x.abs() < 1e-9 {
                1.0
            } else {
                (std::f64::consts::PI * x * cutoff).sin() / (std::f64::consts::PI * x * cutoff)
            };
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / f64::from(HALF_WIDTH + 1)).cos();
            sum += f64::from(*sample) * sinc * window * cutoff;
        }
        out.push(sample(sum * 0.8));
        at += step;
    }
    out
}

/// Formants of a, e, i, o, u in Hz.
const VOWELS: [[f64; 3]; 5] = [
    [730.0, 1_090.0, 2_440.0],
    [530.0, 1_840.0, 2_480.0],
    [270.0, 2_290.0, 3_010.0],
    [570.0, 840.0, 2_410.0],
    [300.0, 870.0, 2_240.0],
];

/// Twelve syllables: pulses at the pitch of a voice through three resonances, loud and soft as syllables are.
fn hummed(call: u32, side: Side) -> Vec<i16> {
    const SYLLABLE: u32 = 1_600;
    let pitch_hz = if side == Side::Caller { 112.0 } else { 196.0 };
    let mut order = call.wrapping_mul(2_654_435_761).wrapping_add(u32::from(side == Side::Callee)) | 1;
    let (mut pcm, mut phase) = (Vec::new(), 0.0_f64);
    let mut tail = [[0.0_f64; 2]; 3];
    for _ in 0..12 {
        order ^= order << 13;
        order ^= order >> 17;
        order ^= order << 5;
        let vowel = VOWELS[usize::try_from(order % 5).unwrap_or(0)];
        let bend = f64::from(order >> 8 & 0xff) / 255.0 * 0.2 + 0.9;
        for n in 0..SYLLABLE {
            phase += pitch_hz * bend / RATE_HZ;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase.fract();
            let loud = (std::f64::consts::PI * f64::from(n) / f64::from(SYLLABLE)).sin();
            let mut sum = 0.0;
            for (formant, past) in vowel.iter().zip(&mut tail) {
                let radius = 0.97_f64;
                let y = pulse + 2.0 * radius * (std::f64::consts::TAU * formant / RATE_HZ).cos() * past[0]
                    - radius * radius * past[1];
                *past = [y, past[0]];
                sum += y;
            }
            pcm.push(sample(sum * loud * 1_800.0));
        }
        pcm.extend([0; 240]);
    }
    pcm
}

fn index(at: f64) -> Option<usize> {
    // Positions are small and not negative: the longest text is a few seconds.
    (at.is_finite() && (0.0..1e9).contains(&at)).then(|| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
        let whole = at as usize;
        whole
    })
}

fn sample(value: f64) -> i16 {
    #[allow(clippy::cast_possible_truncation, reason = "clamped to what a telephone carries")]
    let clamped = value.clamp(-30_000.0, 30_000.0) as i16;
    clamped
}

#[cfg(test)]
mod tests {
    #![allow(clippy::missing_assert_message, reason = "tests")]
    use super::*;

    #[test]
    fn a_hum_is_the_same_each_time_and_differs_by_call_and_side() {
        let hum = |call, side| say(Voice::Synthetic, call, side, 16_000);
        assert_eq!(hum(1, Side::Caller), hum(1, Side::Caller));
        assert_ne!(hum(1, Side::Caller), hum(1, Side::Callee));
        assert_ne!(hum(1, Side::Caller), hum(2, Side::Caller));
    }

    #[test]
    fn a_hum_is_as_loud_as_speech_and_never_clips() {
        for call in 0..20 {
            let peak =
                say(Voice::Synthetic, call, Side::Caller, 20_000).iter().map(|s| s.unsigned_abs()).max();
            assert!(peak.is_some_and(|p| (3_000..30_000).contains(&p)), "call {call} peaks at {peak:?}");
        }
    }

    #[test]
    fn words_fill_exactly_the_time_asked_for() {
        assert_eq!(say(Voice::Speech, 3, Side::Callee, 123_456).len(), 123_456);
    }
}
