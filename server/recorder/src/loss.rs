//! Honest loss: audio that the recorder itself cannot keep becomes a gap of cause 2 of exactly its length.

use shared::{Chunk, FrameBuf, GapCause, GapCorrection, RunHead};

/// Turns all samples of a chunk into missing ones and returns the buffer that held them.
///
/// Gaps that were there keep their cause; the chunk still ends where it ended, so the track stays continuous.
pub(crate) fn into_gap(chunk: &mut Chunk) -> FrameBuf {
    let mut runs: Vec<RunHead> = Vec::with_capacity(chunk.runs.len() + 1);
    for run in &chunk.runs {
        if run.gap_samples > 0 {
            push_gap(&mut runs, run.gap_samples, run.cause);
        }
        if run.samples > 0 {
            push_gap(&mut runs, run.samples, GapCause::LostByRecorder);
        }
    }
    chunk.runs = runs;
    std::mem::take(&mut chunk.buf)
}

/// Returns the samples of a chunk that are missing by the recorder's fault.
pub(crate) fn lost_samples(chunk: &Chunk) -> u64 {
    let ours = chunk.runs.iter().filter(|run| run.cause == GapCause::LostByRecorder);
    ours.fold(0, |sum: u64, run| sum.saturating_add(run.gap_samples))
}

/// Returns the samples missing by the recorder's fault after the cause of some was learned.
pub(crate) fn corrected(lost: u64, learned: &GapCorrection) -> u64 {
    let ours = |cause| if cause == GapCause::LostByRecorder { learned.samples() } else { 0 };
    lost.saturating_sub(ours(learned.was)).saturating_add(ours(learned.cause))
}

fn push_gap(runs: &mut Vec<RunHead>, gap_samples: u64, cause: GapCause) {
    match runs.last_mut() {
        Some(last) if last.cause == cause => last.gap_samples = last.gap_samples.saturating_add(gap_samples),
        _ => runs.push(RunHead { gap_samples, cause, samples: 0, len: 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_chunk_ends_where_it_would_have_ended() {
        let mut buf = FrameBuf::default();
        buf.push(&[0; 320]);
        let runs = vec![
            RunHead { gap_samples: 0, cause: GapCause::None, samples: 160, len: 160 },
            RunHead { gap_samples: 80, cause: GapCause::LostInNetwork, samples: 160, len: 160 },
        ];
        let mut chunk = Chunk { track: 0, base_samples: 1_000, runs, buf };
        let end = chunk.end_samples();
        let buf = into_gap(&mut chunk);
        assert_eq!(chunk.end_samples(), end);
        assert_eq!((buf.len(), chunk.buf.len()), (320, 0));
        assert_eq!(lost_samples(&chunk), 320);
        let causes: Vec<_> = chunk.runs.iter().map(|r| (r.gap_samples, r.cause.number())).collect();
        assert_eq!(causes, [(160, 2), (80, 1), (160, 2)]);
    }
}
