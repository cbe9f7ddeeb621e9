//! Whatever runs are pushed, exactly the promised number of frames comes out, in blocks of bounded size.
#![no_main]

use std::io;

use audio::{LegRun, PcmSink, Renderer, Request};
use libfuzzer_sys::fuzz_target;
use shared::{GapCause, Role, Track};

struct Counted(u64);

impl PcmSink for Counted {
    fn write_frames(&mut self, interleaved: &[i16]) -> io::Result<()> {
        assert!(interleaved.len() <= 48_000 * 2 * 100, "a block of {} samples", interleaved.len());
        self.0 += interleaved.len() as u64;
        Ok(())
    }
}

fn track(number: u8, role: Role, codec: &str, clock_hz: u32) -> Track {
    Track {
        track: number,
        leg: number & 1,
        role,
        codec: codec.to_owned(),
        clock_hz,
        channels: 1,
        ..Track::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let tracks = [
        track(0, Role::Near, "PCMU", 8_000),
        track(1, Role::Far, "G722", 8_000),
        track(2, Role::Near, "GSM", 8_000),
        track(3, Role::Far, "L16", 44_100),
    ];
    let (heads, _rest) = data.as_chunks::<16>();
    let Some((first, heads)) = heads.split_first() else { return };
    let us = |at: usize| u64::from(u32::from_le_bytes([first[at], first[at + 1], first[at + 2], 0]));
    let request = Request { from_us: us(0), to_us: us(0) + us(3) * 4, ..Request::default() };
    let mut renderer = Renderer::new(&tracks, &request).expect("these tracks have decoders");
    let (expected, mut sink) = (renderer.frames() * u64::from(renderer.channels()), Counted(0));
    for head in heads {
        let [track, cause, gap0, gap1, gap2, scale, samples0, samples1, len, p0, p1, p2, p3, p4, p5, p6] =
            *head;
        let bytes = vec![p0; usize::from(len)];
        let run = LegRun {
            track: track % 5,
            pos: u64::from_le_bytes([p0, p1, p2, p3, p4, p5, p6, 0]) >> (scale % 56),
            gap_samples: u64::from_le_bytes([gap0, gap1, gap2, 0, 0, 0, 0, 0]) << (scale % 40),
            cause: GapCause::from_number(cause % 6).unwrap_or_default(),
            samples: u64::from_le_bytes([samples0, samples1, 0, 0, 0, 0, 0, 0]),
            bytes: &bytes,
        };
        renderer.push(&run, &mut sink).expect("the sink takes everything");
    }
    renderer.finish(&mut sink).expect("the sink takes everything");
    assert_eq!(sink.0, expected);
});
