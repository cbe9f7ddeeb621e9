//! The inside of an AUDIO frame: a base position and runs, each a gap and then samples.
//!
//! `base varint, then until the end: gap varint, cause u8, samples varint, len varint, bytes`. A varint is unsigned
//! LEB128 in its shortest form, at most nine bytes, so at most 63 bits.

use shared::{GapCause, RunHead};

use crate::{Result, SealError};

/// The largest number a varint may carry.
pub(crate) const VARINT_MAX: u64 = i64::MAX.unsigned_abs();

/// One run inside an opened frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunRef<'a> {
    /// The gap before it and what its bytes stand for.
    pub head: RunHead,
    /// Position of its first sample: the end of the gap.
    pub pos: u64,
    /// Codec payload as received.
    pub bytes: &'a [u8],
}

/// An opened AUDIO frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Runs<'a> {
    /// Position before the first run's gap.
    pub base: u64,
    /// The runs in order, at least one.
    pub runs: Vec<RunRef<'a>>,
    /// Position after the last run.
    pub end: u64,
}

/// Parses the plaintext of an AUDIO frame of a track of `clock_hz`.
///
/// # Errors
/// Anything that no sealer writes: long varints, bytes left over, a cause without a gap, samples without bytes, more
/// than a second of samples or ten of gaps.
pub fn parse_runs(plain: &[u8], clock_hz: u32) -> Result<Runs<'_>> {
    let mut rest = plain;
    let base = varint(&mut rest)?;
    let (mut at, mut samples, mut gaps) = (base, 0_u64, 0_u64);
    let mut runs = Vec::new();
    while !rest.is_empty() {
        let run = one_run(&mut rest, at)?;
        at = run.pos.checked_add(run.head.samples).ok_or(SealError::Runs("position too large"))?;
        samples = samples.saturating_add(run.head.samples);
        gaps = gaps.saturating_add(run.head.gap_samples);
        runs.push(run);
    }
    let heads = runs.iter().map(|r| r.head);
    check_runs(heads, samples, gaps, clock_hz).map_err(SealError::Runs)?;
    Ok(Runs { base, runs, end: at })
}

/// Checks what the runs of one frame must keep together; used by writer and reader alike.
pub(crate) fn check_runs(
    heads: impl Iterator<Item = RunHead>,
    samples: u64,
    gaps: u64,
    clock_hz: u32,
) -> std::result::Result<(), &'static str> {
    let mut earlier: Option<RunHead> = None;
    for head in heads {
        if head.gap_samples == 0 && head.cause != GapCause::None {
            return Err("a cause without a gap");
        }
        if (head.samples == 0) != (head.len == 0) {
            return Err("samples and bytes of a run must both be there or both be absent");
        }
        if head.samples == 0 && head.gap_samples == 0 {
            return Err("an empty run that is no gap");
        }
        // An empty run before the last is allowed only where gaps of different cause adjoin.
        if earlier.is_some_and(|e| e.samples == 0 && (head.gap_samples == 0 || head.cause == e.cause)) {
            return Err("an open gap must be the last run, or adjoin a gap of another cause");
        }
        earlier = Some(head);
    }
    if earlier.is_none() {
        return Err("a frame without a run");
    }
    if samples > u64::from(clock_hz) {
        return Err("more than one second of samples");
    }
    if gaps > u64::from(clock_hz).saturating_mul(10) {
        return Err("more than ten seconds of gaps");
    }
    Ok(())
}

/// Appends a varint. Numbers above 63 bits are held at the largest; the writer refuses them before.
pub(crate) fn put_varint(out: &mut impl Extend<u8>, value: u64) {
    let mut left = value.min(VARINT_MAX);
    loop {
        let low = u8::try_from(left & 0x7f).unwrap_or(0x7f);
        left >>= 7;
        out.extend([if left == 0 { low } else { low | 0x80 }]);
        if left == 0 {
            return;
        }
    }
}

/// The longest head of a run: three numbers of nine bytes, and a cause.
pub(crate) const RUN_HEAD_MAX: usize = 28;

/// Appends the head of a run.
pub(crate) fn put_run_head(out: &mut impl Extend<u8>, head: &RunHead) {
    put_varint(out, head.gap_samples);
    out.extend([head.cause.number()]);
    put_varint(out, head.samples);
    put_varint(out, u64::from(head.len));
}

fn one_run<'a>(rest: &mut &'a [u8], at: u64) -> Result<RunRef<'a>> {
    let gap_samples = varint(rest)?;
    let (cause, after) = rest.split_first().ok_or(SealError::Runs("it ends before a cause"))?;
    let cause = GapCause::from_number(*cause).ok_or(SealError::Runs("an unknown cause"))?;
    *rest = after;
    let samples = varint(rest)?;
    let len = u32::try_from(varint(rest)?).map_err(|_too_long| SealError::Runs("a run too long"))?;
    let n = usize::try_from(len).map_err(|_too_long| SealError::Runs("a run too long"))?;
    let (bytes, after) = rest.split_at_checked(n).ok_or(SealError::Runs("it ends inside a run"))?;
    *rest = after;
    let pos = at.checked_add(gap_samples).ok_or(SealError::Runs("position too large"))?;
    Ok(RunRef { head: RunHead { gap_samples, cause, samples, len }, pos, bytes })
}

fn varint(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(SealError::Runs("it ends inside a number"))?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            if *byte == 0 && shift > 0 {
                return Err(SealError::Runs("a number longer than needed"));
            }
            return Ok(value);
        }
    }
    Err(SealError::Runs("a number of more than nine bytes"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn encoded(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        out
    }

    #[test]
    fn varints_of_the_design() {
        assert_eq!(encoded(0), [0]);
        assert_eq!(encoded(8_000), [0xc0, 0x3e]);
        assert_eq!(encoded(160), [0xa0, 0x01]);
        assert_eq!(encoded(VARINT_MAX).len(), 9);
    }

    proptest::proptest! {
        #[test]
        fn a_varint_comes_back(value in 0..=VARINT_MAX) {
            let bytes = encoded(value);
            let mut rest = bytes.as_slice();
            proptest::prop_assert_eq!(varint(&mut rest).unwrap(), value);
            proptest::prop_assert!(rest.is_empty());
        }

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _either = parse_runs(&bytes, 8_000);
        }
    }

    #[test]
    fn long_numbers_are_refused() {
        for bytes in [vec![0x80, 0x00], vec![0xff; 10], vec![0x80], vec![0xff, 0xff, 0x00]] {
            assert!(varint(&mut bytes.as_slice()).is_err(), "{bytes:?} must be refused");
        }
    }

    #[test]
    fn two_seconds_of_the_design() {
        let mut first = vec![0x00, 0x00, 0x00, 0xc0, 0x3e, 0xc0, 0x3e];
        first.extend_from_slice(&[0x55; 8_000]);
        let runs = parse_runs(&first, 8_000).unwrap();
        assert_eq!((runs.base, runs.end, runs.runs.len()), (0, 8_000, 1));

        let mut second = vec![0xc0, 0x3e, 0x00, 0x00, 0x80, 0x19, 0x80, 0x19];
        second.extend_from_slice(&[0x55; 3_200]);
        second.extend_from_slice(&[0xa0, 0x01, 0x01, 0xa0, 0x24, 0xa0, 0x24]);
        second.extend_from_slice(&[0x55; 4_640]);
        let runs = parse_runs(&second, 8_000).unwrap();
        assert_eq!((runs.base, runs.end), (8_000, 16_000));
        let gap = runs.runs.get(1).unwrap();
        assert_eq!((gap.head.gap_samples, gap.head.cause, gap.pos), (160, GapCause::LostInNetwork, 11_360));
    }

    #[test]
    fn what_no_sealer_writes_is_refused() {
        let refused = |bytes: &[u8], why: &str| {
            let error = parse_runs(bytes, 8_000).unwrap_err().to_string();
            assert!(error.contains(why), "{bytes:?}: {error}");
        };
        refused(&[], "inside a number");
        refused(&[0], "without a run");
        refused(&[0, 0, 1, 1, 1, 9], "a cause without a gap");
        refused(&[0, 0, 9, 1, 1, 9], "unknown cause");
        refused(&[0, 0, 0, 0, 0], "no gap");
        refused(&[0, 5, 1, 0, 1, 9], "both");
        refused(&[0, 0, 0, 1, 0], "both");
        refused(&[0, 0, 0, 1, 2, 9], "inside a run");
        refused(&[0, 0, 0, 1, 1, 9, 9], "ends before a cause");
        refused(&[0, 5, 1, 0, 0, 5, 1, 0, 0], "another cause");
        refused(&[0, 0, 0, 0xc1, 0x3e, 1, 9], "one second");
        refused(&[0, 0x81, 0xf1, 0x04, 1, 0, 0], "ten seconds");
        assert!(parse_runs(&[0, 5, 1, 0, 0, 5, 2, 0, 0], 8_000).is_ok(), "adjoining gaps of two causes");
    }
}
