//! How much faster than real time both legs of a call become a WAV. The aim is 1,500 for G.711 on one core.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::io;

use amethyst_audio::{LegRun, Renderer, Request, WavFormat, WavWriter, wav::WavSpec};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shared::{GapCause, Role, Track};

const SECONDS: u64 = 60;

fn track(number: u8, role: Role, codec: &str, clock_hz: u32) -> Track {
    Track {
        track: number,
        leg: number,
        role,
        codec: codec.to_owned(),
        clock_hz,
        channels: 1,
        ..Track::default()
    }
}

/// Renders a minute of both legs, in runs of `ticks` with `bytes` octets each, into a WAV that goes nowhere.
fn export(tracks: &[Track], ticks: u64, payload: &[u8]) {
    let request = Request { to_us: SECONDS * 1_000_000, ..Request::default() };
    let mut renderer = Renderer::new(tracks, &request).unwrap();
    let (rate_hz, channels, frames) = (renderer.rate_hz(), renderer.channels(), renderer.frames());
    let spec = WavSpec { format: WavFormat::Pcm16, rate_hz, channels, frames };
    let mut wav = WavWriter::new(io::sink(), spec).unwrap();
    let clock_hz = u64::from(tracks.iter().map(|track| track.clock_hz).max().unwrap());
    for pos in (0..SECONDS * clock_hz).step_by(usize::try_from(ticks).unwrap()) {
        for track in [0, 1] {
            let cause = GapCause::None;
            let run = LegRun { track, pos, gap_samples: 0, cause, samples: ticks, bytes: payload };
            renderer.push(&run, &mut wav).unwrap();
        }
    }
    renderer.finish(&mut wav).unwrap();
    wav.finish().unwrap();
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("seconds_of_call_per_second");
    group.throughput(Throughput::Elements(SECONDS)).sample_size(10);
    let noise: Vec<u8> =
        (0..8_000u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
    let mut gsm = noise.get(..33).unwrap().to_vec();
    *gsm.first_mut().unwrap() = 0xd5;
    for (codec, ticks, payload) in [
        ("PCMU", 8_000, noise.as_slice()),
        ("PCMA", 160, noise.get(..160).unwrap()),
        ("G722", 8_000, noise.as_slice()),
        ("G726-32", 160, noise.get(..80).unwrap()),
        ("GSM", 160, gsm.as_slice()),
        ("G729", 160, noise.get(..20).unwrap()),
    ] {
        let tracks = [track(0, Role::Near, codec, 8_000), track(1, Role::Far, codec, 8_000)];
        let name = format!("{codec} in runs of {ticks}");
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| export(&tracks, ticks, payload));
        });
    }
    let tracks = [track(0, Role::Near, "PCMU", 8_000), track(1, Role::Far, "G722", 8_000)];
    group.bench_function("PCMU to 16 kHz beside G722", |b| {
        b.iter(|| export(&tracks, 8_000, &noise));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
