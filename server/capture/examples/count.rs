//! Reads a capture file, or listens on an interface for so many seconds, and counts what is in it:
//! `cargo run --release -p amethyst-capture --example count -- FILE` or `-- --interface IF SECONDS`.
#![allow(clippy::print_stdout, reason = "an example talks")]

use std::path::Path;
use std::time::{Duration, Instant};

use amethyst_capture::{AfPacket, CaptureError, CaptureFile, LiveOptions, PacketSource, Poll};
use shared::TapId;
use telephony::net::{Peeled, Peeler};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [flag, interface, seconds] if flag == "--interface" => {
            let mut source = AfPacket::open(&LiveOptions::new(interface, TapId(0)))?;
            run(&mut source, Some(Instant::now() + Duration::from_secs(seconds.parse()?)))?;
        }
        [file] => run(&mut CaptureFile::open(Path::new(file), TapId(0))?, None)?,
        _ => return Err("give a capture file, or --interface IF SECONDS".into()),
    }
    Ok(())
}

fn run(source: &mut dyn PacketSource, until: Option<Instant>) -> Result<(), CaptureError> {
    let (mut peeler, mut udp, mut tcp, mut other) = (Peeler::default(), 0u64, 0u64, 0u64);
    let mut count = |peeled: &Peeled<'_>| match peeled {
        Peeled::Udp(_) => udp += 1,
        Peeled::Tcp(_) => tcp += 1,
        Peeled::Other(_) => other += 1,
    };
    while source.poll(Duration::from_millis(100), &mut |packet| {
        count(&peeler.peel(packet.stamp, packet.link, packet.bytes));
    })? != Poll::End
        && until.is_none_or(|until| Instant::now() < until)
    {}
    println!("{udp} datagrams, {tcp} segments, {other} other; {:?}; {:?}", source.drops(), peeler.stats());
    for warning in source.warnings() {
        println!("{warning}");
    }
    Ok(())
}
