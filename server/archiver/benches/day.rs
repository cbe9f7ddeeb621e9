//! The catalogue of a day of 50,000 calls, sealed to its day's hybrid key: making it, and opening it cold, from a file read past the
//! page cache to the last row.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, missing_docs, reason = "a bench")]

use std::hint::black_box;
use std::io::{Cursor, Read as _};

use archive::{DayCatalogue, DayRow};
use criterion::{Criterion, criterion_group, criterion_main};
use seal::{FinalInfo, Kind, Meta, Part, PartSpec, RecipientSecret, RecipientType, SigningKey, Writer};
use shared::{RecorderId, RecordingId, SiteId, UtcMicros};
use store::{Disk as _, LocalDisk};

const CALLS: u32 = 50_000;
/// Plaintext of one frame.
const FRAME: usize = 60 << 10;

fn rows() -> Vec<DayRow> {
    let row = |n: u32| DayRow {
        recording_id: RecordingId((u128::from(n) << 64 | 7).to_be_bytes()),
        start: UtcMicros(1_700_000_000_000_000 + i64::from(n) * 1_700_000),
        duration_ms: 180_000,
        parts: 1,
        flags: 0,
        legs: 2,
        direction: Default::default(),
        side: Default::default(),
        tap: 1,
        near: format!("Thandi Nkosi {}", 3_000 + n % 2_000),
        far: format!("+27 82 555 {:04}", n * 7_919 % 10_000),
        extension: format!("{}", 3_000 + n % 2_000),
        user: String::new(),
        reference: format!("A261122-{n:06}"),
        subject: String::new(),
        path: format!("rec/14a/142233-{n:013}.amx"),
        bytes: 2_900_000,
        leaf: u64::from(n) * 2,
    };
    (0..CALLS).map(row).collect()
}

fn sealed(plain: &[u8], day: &RecipientSecret, signer: &SigningKey) -> Vec<u8> {
    let spec = PartSpec {
        recording_id: RecordingId([1; 16]),
        site_id: SiteId([2; 16]),
        recorder_id: RecorderId([2; 16]),
        start: UtcMicros(1_700_000_000_000_000),
        day: "2026-11-22".parse().unwrap(),
        part: 0,
        kind: Kind::DayCatalogue,
        after_restart: false,
        prev_trailer: [0; 32],
    };
    let mut dice = rand_core::UnwrapErr(getrandom::SysRng);
    let (mut writer, mut out) =
        Writer::begin(&spec, &[day.public().unwrap()], signer.key_id(), &mut dice).unwrap();
    out.extend(writer.meta(&Meta::default()).unwrap());
    for chunk in plain.chunks(FRAME) {
        out.extend(writer.data(chunk).unwrap());
    }
    let (rest, closing) = writer.close(FinalInfo { end: spec.start, ..FinalInfo::default() }).unwrap();
    out.extend(rest);
    out.extend(closing.trailer(false, spec.start, signer));
    out
}

fn day(c: &mut Criterion) {
    let key = || RecipientSecret::from_seed(RecipientType::XWing, [3; 32]);
    let (id, signer) = (key().public().unwrap().key_id(), SigningKey::from_seed(&[4; 32]));
    let folder =
        tempfile::tempdir_in(std::env::var_os("BENCH_DIR").unwrap_or_else(|| "/var/tmp".into())).unwrap();
    let disk = LocalDisk::open(folder.path()).unwrap();
    let file = sealed(&DayCatalogue::write(rows()).unwrap(), &key(), &signer);
    let mut out = disk.create_new("day.amc").unwrap();
    out.append(&[&file]).and_then(|()| out.sync()).unwrap();

    c.bench_function("a day of 50,000: make and seal", |b| {
        b.iter(|| sealed(&DayCatalogue::write(rows()).unwrap(), &key(), &signer));
    });
    c.bench_function("a day of 50,000: open cold", |b| {
        b.iter(|| {
            let mut bytes = Vec::with_capacity(file.len());
            let mut io = disk.open_uncached("day.amc", 0).unwrap().unwrap();
            io.read_to_end(&mut bytes).unwrap();
            let keys = (|wanted| (wanted == id).then(key), |_| Some(signer.verifying_key()));
            let mut part = Part::open(Cursor::new(bytes), &keys, RecipientType::X25519).unwrap();
            let mut plain = Vec::new();
            part.data(|frame| plain.extend_from_slice(frame)).unwrap();
            let day = DayCatalogue::parse(&plain).unwrap();
            black_box(day.rows().filter(|row| row.far.ends_with('7')).count())
        });
    });
}

criterion_group!(benches, day);
criterion_main!(benches);
