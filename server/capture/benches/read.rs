//! What a packet costs before the engine sees it: taking a frame apart, and reading it from a capture file.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench")]

use std::hint::black_box;
use std::io::Cursor;
use std::time::Duration;

use amethyst_capture::{CaptureFile, PacketSource as _, Poll};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use shared::{Stamp, TapId};
use telephony::net::{LinkType, Peeled, Peeler};

const PACKETS: u32 = 50_000;

/// An RTP packet of 20 ms of G.711 in UDP, IPv4 and Ethernet, with `tags` VLAN tags.
fn frame(tags: usize) -> Vec<u8> {
    let udp = [&[0x40, 0, 0x44, 0, 0, 180, 0, 0][..], &[0x80, 0, 0, 1], &[0xd5; 168]].concat();
    let ip = [&[0x45, 0, 0, 200, 0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..], &udp].concat();
    [&[2; 12][..], &[0x81, 0, 0, 12].repeat(tags), &[8, 0], &ip].concat()
}

fn pcap() -> Vec<u8> {
    let frame = frame(0);
    let len = u32::try_from(frame.len()).unwrap();
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for i in 0..PACKETS {
        for word in [1_700_000_000 + i / 1_000, i % 1_000 * 1_000, len, len] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&frame);
    }
    file
}

fn peel(c: &mut Criterion) {
    let mut group = c.benchmark_group("peel");
    for (name, tags) in [("plain", 0), ("one tag", 1), ("two tags (long way)", 2)] {
        let frame = frame(tags);
        let mut peeler = Peeler::default();
        group.bench_function(name, |b| {
            b.iter(|| {
                let peeled = peeler.peel(Stamp::default(), LinkType::Ethernet, black_box(&frame));
                matches!(black_box(peeled), Peeled::Udp(_))
            });
        });
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let file = pcap();
    let mut group = c.benchmark_group("pcap");
    group.throughput(Throughput::Elements(u64::from(PACKETS)));
    group.sample_size(20);
    group.bench_function("read and peel", |b| {
        b.iter(|| {
            let reader = Box::new(Cursor::new(file.clone()));
            let mut source = CaptureFile::from_reader("bench", reader, TapId(0)).unwrap();
            let (mut peeler, mut datagrams) = (Peeler::default(), 0u32);
            while source
                .poll(Duration::ZERO, &mut |packet| {
                    let peeled = peeler.peel(packet.stamp, packet.link, packet.bytes);
                    datagrams = datagrams.wrapping_add(u32::from(matches!(peeled, Peeled::Udp(_))));
                })
                .unwrap()
                != Poll::End
            {}
            assert_eq!(datagrams, PACKETS, "every packet once");
        });
    });
    group.finish();
}

criterion_group!(benches, peel, read);
criterion_main!(benches);
