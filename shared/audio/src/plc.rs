//! Filling of holes: the last pitch period again, fading to silence within 60 ms, then silence.
//!
//! After the idea of G.711 Appendix I, with one difference that a recorder owes its listeners: samples that were
//! received are never touched, so there is no overlap-add into them. It looks back only into the unbroken stretch before
//! the hole, at most 40 ms: what it gives does not depend on where playing began.

/// Time for which a hole is filled with sound.
const SOUND_MS: usize = 60;
/// Time before the fading begins.
const FULL_MS: usize = 10;
/// How far it looks back.
const HISTORY_MS: usize = 40;

/// The end of what was heard, and how far into a hole we are.
pub(crate) struct Plc {
    samples_per_ms: usize,
    history: Vec<i16>,
    /// Samples filled since the hole began; 0 = not in a hole.
    filled: usize,
    /// Last period of `history`, repeated while in a hole.
    period: Vec<i16>,
}

impl Plc {
    pub(crate) fn new(rate_hz: u32) -> Self {
        let samples_per_ms = usize::try_from(rate_hz.div_ceil(1_000)).unwrap_or(8);
        Self { samples_per_ms, history: Vec::new(), filled: 0, period: Vec::new() }
    }

    /// Takes note of samples that were received.
    pub(crate) fn heard(&mut self, samples: &[i16]) {
        if self.filled > 0 {
            self.forget();
        }
        let kept_max = self.samples_per_ms.saturating_mul(HISTORY_MS);
        let tail = samples.get(samples.len().saturating_sub(kept_max)..).unwrap_or(samples);
        let excess = self.history.len().saturating_add(tail.len()).saturating_sub(kept_max);
        self.history.drain(..excess.min(self.history.len()));
        self.history.extend_from_slice(tail);
    }

    /// Forgets what was heard: the next hole is silent unless sound comes before it.
    pub(crate) fn forget(&mut self) {
        self.history.clear();
        self.period.clear();
        self.filled = 0;
    }

    /// Appends `samples` samples of filling.
    pub(crate) fn fill(&mut self, samples: usize, out: &mut Vec<i16>) {
        if self.filled == 0 {
            self.period = last_period(&self.history, self.samples_per_ms);
        }
        let sound_max = self.samples_per_ms.saturating_mul(SOUND_MS);
        let sounding =
            if self.period.is_empty() { 0 } else { sound_max.saturating_sub(self.filled).min(samples) };
        let repeated =
            self.period.iter().cycle().skip(self.filled.checked_rem(self.period.len()).unwrap_or(0));
        let first = self.filled;
        let full = self.samples_per_ms.saturating_mul(FULL_MS);
        out.extend(repeated.take(sounding).zip(first..).map(|(pcm, at)| faded(*pcm, at, full, sound_max)));
        out.resize(out.len().saturating_add(samples.saturating_sub(sounding)), 0);
        self.filled = self.filled.saturating_add(samples);
    }
}

/// Scales a sample `at` samples into the hole: whole up to `full`, then linearly to nothing at `end`.
pub(crate) fn faded(pcm: i16, at: usize, full: usize, end: usize) -> i16 {
    let left = end.saturating_sub(at.max(full));
    let span = end.saturating_sub(full).max(1);
    let scaled = i64::from(pcm).saturating_mul(i64::try_from(left).unwrap_or(0));
    let scaled = scaled.checked_div(i64::try_from(span).unwrap_or(1)).unwrap_or(0);
    i16::try_from(scaled).unwrap_or(0) // not larger than the sample
}

/// Finds the last pitch period (2.5 to 15 ms) by the greatest normalised correlation; empty if too little was heard.
fn last_period(history: &[i16], samples_per_ms: usize) -> Vec<i16> {
    // The search runs at about 8 kHz whatever the rate: pitch needs no more, and the time stays the same.
    let stride = samples_per_ms.div_ceil(8).max(1);
    let coarse: Vec<f32> = history.iter().rev().step_by(stride).map(|pcm| f32::from(*pcm)).collect();
    let (lag_min, lag_max, window) = (20, 120, 80);
    let now = coarse.get(..window.min(coarse.len().saturating_sub(lag_min))).unwrap_or_default();
    if now.len() < lag_min {
        return Vec::new();
    }
    let mut best = (f32::MIN, lag_min);
    for lag in lag_min..=lag_max.min(coarse.len().saturating_sub(now.len())) {
        let then = coarse.get(lag..lag.saturating_add(now.len())).unwrap_or_default();
        let product: f32 = now.iter().zip(then).map(|(a, b)| a * b).sum();
        let energy: f32 = then.iter().map(|a| a * a).sum();
        let likeness = product / (energy + 1.0).sqrt();
        if likeness > best.0 {
            best = (likeness, lag);
        }
    }
    let period = best.1.saturating_mul(stride).min(history.len());
    history.get(history.len().saturating_sub(period)..).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn tone(samples: usize) -> Vec<i16> {
        // 200 Hz at 8 kHz: a period of 40 samples, which also is inside the search range doubled and tripled.
        (0..samples).map(|n| [0, 9_000, 12_000, 7_000, -8_000][n % 40 / 8]).collect()
    }

    #[test]
    fn a_tone_goes_on_and_fades() {
        let mut plc = Plc::new(8_000);
        plc.heard(&tone(400));
        let mut out = Vec::new();
        plc.fill(160, &mut out);
        assert_eq!(&out[..80], &tone(480)[400..], "the first 10 ms continue the tone");
        plc.fill(400, &mut out);
        assert!(out[400..480].iter().all(|pcm| pcm.abs() < 3_000), "nearly faded after 50 ms");
        assert!(out[480..].iter().all(|pcm| *pcm == 0), "silent after 60 ms");
        assert_eq!(out.len(), 560);
    }

    #[test]
    fn a_hole_with_nothing_before_it_is_silent() {
        let mut out = Vec::new();
        Plc::new(8_000).fill(100, &mut out);
        assert_eq!(out, [0; 100]);
    }

    #[test]
    fn filling_does_not_depend_on_what_was_heard_long_ago() {
        let (mut long, mut short) = (Plc::new(16_000), Plc::new(16_000));
        long.heard(&tone(5_000));
        short.heard(&tone(5_000)[5_000 - 640..]);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        long.fill(900, &mut a);
        short.fill(900, &mut b);
        assert_eq!(a, b);
    }
}
