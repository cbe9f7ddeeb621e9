//! What goes in comes out: runs, gaps, events, details, at any place, from closed and growing parts.

use std::ops::ControlFlow;

use proptest::prelude::*;
use seal::{RecipientType, Run, Signer, State};
use shared::{Event, GapCause, RunHead};

use crate::build::{Sealing, chunk, known, open, payload, run, signing_key, spec, track};

fn stereo(seconds: u64) -> Vec<u8> {
    let mut sealing = Sealing::begin(&spec(), RecipientType::XWing, 1);
    sealing.meta(&[track(0, "PCMA", 8_000), track(1, "PCMU", 8_000)]);
    for second in 0..seconds {
        sealing.second(&[0, 1], second);
    }
    sealing.close()
}

fn runs_of(bytes: &[u8], track: u8, from: u64, to: u64) -> Vec<Run> {
    open(bytes).unwrap().runs(track, from..to).unwrap().collect::<seal::Result<_>>().unwrap()
}

#[test]
fn a_closed_call_is_whole_signed_and_sample_exact() {
    let bytes = stereo(3);
    let mut part = open(&bytes).unwrap();
    assert_eq!(part.state(), State::Complete);
    assert_eq!(part.signer(), Some(Signer::Good(signing_key().key_id())));
    part.check().unwrap();
    for number in [0, 1] {
        let all: Vec<u8> = runs_of(&bytes, number, 0, u64::MAX).into_iter().flat_map(|r| r.bytes).collect();
        assert_eq!(all, payload(number, 0, 24_000));
    }
    let table = part.final_table().unwrap();
    assert_eq!(table.info.reason, "bye");
    assert_eq!(table.tracks.iter().map(|t| t.samples).collect::<Vec<_>>(), [24_000, 24_000]);
}

#[test]
fn the_keyless_verdict_agrees() {
    let bytes = stereo(2);
    let report = seal::verify(bytes.as_slice(), &known).unwrap();
    assert!(report.is_proven(), "{report:?}");
    assert!(
        !seal::verify(bytes.as_slice(), &|_| None).unwrap().is_proven(),
        "an unknown signer proves nothing"
    );
}

#[test]
fn a_span_in_the_middle_is_read_without_the_beginning() {
    let bytes = stereo(60);
    let runs = runs_of(&bytes, 1, 8_000 * 40 + 5, 8_000 * 41 + 5);
    assert_eq!(runs.iter().map(|r| r.pos).collect::<Vec<_>>(), [320_000, 328_000]);
    assert_eq!(runs[0].bytes, payload(1, 320_000, 8_000));
}

#[test]
fn a_growing_part_is_followed_to_its_end() {
    let whole = stereo(4);
    let mut shown = Vec::new();
    let file = tempfile_like::Growing::default();
    file.append(&whole[..1_536]);
    let mut part = seal::Part::open(file.clone(), &crate::build::Keys, RecipientType::XWing).unwrap();
    assert_eq!(part.state(), State::Unfinished);
    for piece in whole[1_536..].chunks(5_000) {
        file.append(piece);
        part.refresh(&crate::build::Keys).unwrap();
        if let Ok(runs) = part.runs(0, 0..u64::MAX) {
            let n = runs.map(|r| r.unwrap().samples).sum::<u64>();
            shown.push(n);
        }
    }
    assert!(shown.is_sorted(), "{shown:?}");
    assert_eq!(shown.last(), Some(&32_000));
    assert_eq!(part.state(), State::Complete);
    part.check().unwrap();
}

#[test]
fn legs_far_apart_are_still_found() {
    let mut sealing = Sealing::begin(&spec(), RecipientType::X25519, 3);
    sealing.meta(&[track(0, "PCMA", 8_000), track(1, "PCMA", 8_000)]);
    for second in 0..30_u64 {
        sealing.writer.begin_flush(second * 1_000_000);
        sealing.audio(chunk(0, second * 8_000, &[run(0, GapCause::None, 8_000, 8_000)]));
        // The other leg is twenty seconds ahead.
        sealing.audio(chunk(1, (second + 20) * 8_000, &[run(0, GapCause::None, 8_000, 8_000)]));
    }
    let bytes = sealing.close();
    for second in 20..50_u64 {
        let runs = runs_of(&bytes, 1, second * 8_000, second * 8_000 + 1);
        assert_eq!(runs.iter().map(|r| r.pos).collect::<Vec<_>>(), [second * 8_000]);
    }
}

#[test]
fn events_and_later_details_come_back_in_order() {
    let mut sealing = Sealing::begin(&spec(), RecipientType::X25519, 4);
    sealing.meta(&[track(0, "PCMA", 8_000)]);
    sealing.second(&[0], 0);
    let digit = Event::new("digit", 400_000).text("digit", "7").on_track(0);
    sealing.bytes.extend(sealing.writer.event(&digit).unwrap());
    sealing.meta(&[track(0, "PCMA", 8_000), track(2, "opus", 48_000)]);
    sealing.audio(chunk(2, 48_000, &[run(0, GapCause::None, 960, 40), run(0, GapCause::None, 960, 3)]));
    let bytes = sealing.close();
    let mut part = open(&bytes).unwrap();
    assert_eq!(part.events().unwrap(), [digit]);
    assert_eq!(part.meta().unwrap().tracks.len(), 2);
    part.check().unwrap();
    assert_eq!(runs_of(&bytes, 2, 0, u64::MAX).len(), 2);
}

#[test]
fn frames_can_be_taken_one_by_one_and_gone_on_from() {
    let bytes = stereo(2);
    let mut part = open(&bytes).unwrap();
    let (mut kinds, mut from) = (Vec::new(), 0);
    loop {
        let before = kinds.len();
        from = part
            .frames(from, |head, plain| {
                assert_eq!(plain.len() as u32 + 16, head.ct_len);
                kinds.push(head.kind.word());
                ControlFlow::Break(())
            })
            .unwrap();
        if kinds.len() == before {
            break;
        }
    }
    assert_eq!(kinds, ["META", "AUDIO", "AUDIO", "AUDIO", "AUDIO", "INDEX", "FINAL"]);
    assert_eq!(from + 256, bytes.len() as u64);
}

#[test]
fn opaque_bytes_of_a_backup_come_back_and_audio_is_refused() {
    let spec = seal::PartSpec { kind: seal::Kind::DatabaseBackup, ..spec() };
    let mut sealing = Sealing::begin(&spec, RecipientType::XWing, 60);
    sealing.meta(&[]);
    let pieces = [vec![1; 65_536], vec![2; 3], vec![]];
    for piece in &pieces {
        sealing.bytes.extend(sealing.writer.data(piece).unwrap());
    }
    assert!(sealing.writer.event(&Event::new("held", 0)).is_err());
    let mut read = Vec::new();
    open(&sealing.close()).unwrap().data(|bytes| read.push(bytes.to_vec())).unwrap();
    assert_eq!(read, pieces);
}

/// Random seconds of one track: each a list of runs within the limits.
fn losses() -> impl Strategy<Value = Vec<Vec<RunHead>>> {
    let cause = (1..=5_u8).prop_map(|n| GapCause::from_number(n).unwrap());
    let one = (0..400_u64, cause, 1..200_u64).prop_map(|(gap, cause, samples)| {
        let cause = if gap == 0 { GapCause::None } else { cause };
        run(gap, cause, samples, samples as u32)
    });
    proptest::collection::vec(proptest::collection::vec(one, 1..30), 1..12)
}

proptest! {
    #[test]
    fn samples_and_gaps_sum_to_the_final_table(seconds in losses()) {
        let mut sealing = Sealing::begin(&spec(), RecipientType::X25519, 5);
        sealing.meta(&[track(0, "PCMA", 8_000)]);
        let (mut at, mut samples, mut gaps) = (0, 0, shared::GapTotals::default());
        for runs in &seconds {
            sealing.writer.begin_flush(at * 125);
            let chunk = chunk(0, at, runs);
            at = chunk.end_samples();
            for run in runs {
                samples += run.samples;
                gaps.add(run.cause, run.gap_samples);
            }
            sealing.audio(chunk);
        }
        let bytes = sealing.close();
        let mut part = open(&bytes).unwrap();
        part.check().unwrap();
        let line = part.final_table().unwrap().tracks[0];
        prop_assert_eq!((line.samples, line.gaps), (samples, gaps));
        let read: Vec<Run> = part.runs(0, 0..u64::MAX).unwrap().collect::<seal::Result<_>>().unwrap();
        let wanted: Vec<&RunHead> = seconds.iter().flatten().collect();
        prop_assert_eq!(read.len(), wanted.len());
        for (r, w) in read.iter().zip(wanted) {
            prop_assert_eq!((r.gap_samples, r.cause, r.samples), (w.gap_samples, w.cause, w.samples));
            prop_assert_eq!(&r.bytes, &payload(0, r.pos, w.len));
        }
    }
}

/// A file in memory that one hand appends to while another reads.
mod tempfile_like {
    use std::cell::RefCell;
    use std::io::{Read, Result, Seek, SeekFrom};
    use std::rc::Rc;

    #[derive(Clone, Default)]
    pub(crate) struct Growing(Rc<RefCell<Vec<u8>>>, u64);

    impl Growing {
        pub(crate) fn append(&self, bytes: &[u8]) {
            self.0.borrow_mut().extend_from_slice(bytes);
        }
    }

    impl Read for Growing {
        fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
            let bytes = self.0.borrow();
            let rest = bytes.get(self.1 as usize..).unwrap_or_default();
            let n = rest.len().min(buf.len());
            buf[..n].copy_from_slice(&rest[..n]);
            self.1 += n as u64;
            Ok(n)
        }
    }

    impl Seek for Growing {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            let len = self.0.borrow().len() as u64;
            self.1 = match to {
                SeekFrom::Start(n) => n,
                SeekFrom::End(n) => len.saturating_add_signed(n),
                SeekFrom::Current(n) => self.1.saturating_add_signed(n),
            };
            Ok(self.1)
        }
    }
}
