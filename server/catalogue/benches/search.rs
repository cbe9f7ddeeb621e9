//! Typical searches among millions: `ROWS=10000000 cargo bench -p amethyst-catalogue --features bench --bench search`.
//!
//! Makes an encrypted catalogue of `ROWS` recordings in `BENCH_DIR` (default: the system's folder for temporary files), measures each
//! search at its first page and at page 1,000 (or as far as it goes), then again while 100 calls a second are entered, and removes the
//! folder. Beside the time by the clock stands what does not depend on what else the machine does: CPU of this process, and pages of the
//! file read and decrypted. `BENCH_KEEP=1` leaves the catalogue there and uses it again; `BENCH_ONLY='newest;inner 4'` measures only
//! searches that are called so.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a bench"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use amethyst_catalogue::bench::{FIRST_US, STEP_US};
use amethyst_catalogue::*;
use shared::*;

/// Repetitions of each search, each with other particulars.
const RUNS: u64 = 40;
/// Searches before, which are not measured.
const WARM: u64 = 2;
/// For so many of them somebody walks to page 1,000, and ten pages on.
const WALKS: u64 = 2;

fn main() {
    let rows: u64 = std::env::var("ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000_000);
    let base = std::env::var_os("BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let is_kept = std::env::var_os("BENCH_KEEP").is_some();
    let folder = base.join("amethyst-bench-catalogue");
    let path = folder.join("catalogue.db");
    let key = CatalogueKey::new([7; 32]);
    let catalogue = if path.exists() && is_kept {
        Catalogue::open(&path, &key, UtcMicros(2)).unwrap()
    } else {
        let _none_there = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let began = Instant::now();
        let catalogue = Catalogue::create(&path, &key, UtcMicros(1)).unwrap();
        catalogue
            .fill(rows, |what, n| println!("{:>6.0} s  {what} {n}", began.elapsed().as_secs_f64()))
            .unwrap();
        drop(catalogue);
        Catalogue::open(&path, &key, UtcMicros(2)).unwrap()
    };
    let catalogue = Arc::new(catalogue);
    println!("{} recordings, {} MB", rows, std::fs::metadata(&path).unwrap().len() / 1_000_000);

    println!(
        "\n{:<27}{:>10}{:>8}{:>9}{:>8}{:>8}{:>15}{:>8}{:>9}{:>11}{:>7}",
        "search, ms",
        "first p50",
        "p95",
        "CPU p50",
        "p95",
        "pages",
        "page 1000 p50",
        "p95",
        "CPU p95",
        "count p95",
        "found"
    );
    all(&catalogue, rows);
    println!("\nthe same while 100 calls a second are entered");
    // A catalogue that is used again must not meet the calls of the last time.
    let fresh = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() % 1_000_000 * 10_000;
    let (stop, entered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = {
        let (catalogue, stop, entered) = (Arc::clone(&catalogue), Arc::clone(&stop), Arc::clone(&entered));
        let enter = move || {
            let mut slowest = Duration::ZERO;
            let began = Instant::now();
            for batch in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let rows: Vec<RecordingRow> = (0..10).map(|n| row(rows, fresh + batch * 10 + n)).collect();
                let at = Instant::now();
                catalogue.insert_batch(rows, vec![]).unwrap();
                slowest = slowest.max(at.elapsed());
                entered.fetch_add(10, Ordering::Relaxed);
                let due = Duration::from_millis(100 * (batch + 1));
                std::thread::sleep(due.saturating_sub(began.elapsed()));
            }
            (slowest, began.elapsed())
        };
        std::thread::Builder::new().name("calls".into()).spawn(enter).unwrap()
    };
    all(&catalogue, rows);
    stop.store(true, Ordering::Relaxed);
    let (slowest, took) = writer.join().unwrap();
    let rate = entered.load(Ordering::Relaxed) as f64 / took.as_secs_f64();
    println!("entered {rate:.0} calls a second, slowest batch of ten {:.1} ms", ms(slowest));

    let (before, read) = (cpu(), pages());
    let began = Instant::now();
    for batch in 0..50 {
        let rows = (0..20).map(|n| row(rows, fresh + 1_000_000 + batch * 20 + n)).collect();
        catalogue.insert_batch(rows, vec![]).unwrap();
    }
    let (wall, cpu) = (began.elapsed(), cpu() - before);
    println!(
        "1,000 recordings in batches of 20: {:.0} µs of CPU, {:.0} µs and {:.1} pages read each",
        cpu * 1e3,
        wall.as_secs_f64() * 1e3,
        (pages() - read) / 1e3
    );
    drop(catalogue);
    if !is_kept {
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// CPU seconds of this process, to the nanosecond: of all its threads, none of which ends meanwhile.
fn cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let of =
        |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
    let ns = |text: String| text.split_whitespace().next().and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0);
    tasks.map(|task| ns(of(task.unwrap()))).sum::<f64>() / 1e9
}

/// Pages of the file that this process read so far, whether from the disk or the system's memory.
fn pages() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 4_096.0
}

/// What was measured of a search, once for each time.
#[derive(Default)]
struct Costs {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    pages: Vec<f64>,
}

impl Costs {
    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (read, busy, at) = (pages(), cpu(), Instant::now());
        let done = work();
        self.wall.push(ms(at.elapsed()));
        self.cpu.push((cpu() - busy) * 1e3);
        self.pages.push((pages() - read).floor());
        done
    }
}

/// The value below which a share of all lies.
fn p(of: &mut [f64], share: f64) -> String {
    of.sort_by(f64::total_cmp);
    let place = ((of.len() as f64 * share).ceil() as usize).clamp(1, of.len().max(1)) - 1;
    of.get(place)
        .map_or_else(|| "-".to_owned(), |t| if *t < 100.0 { format!("{t:.1}") } else { format!("{t:.0}") })
}

fn ms(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}

fn all(catalogue: &Catalogue, rows: u64) {
    let end = FIRST_US + rows as i64 * STEP_US;
    let day = 86_400_000_000_i64;
    let ext = |n: u64| format!("{}", 3_000 + n * 37 % 2_000);
    let number =
        |n: u64| format!("27{:09}", ((n * 997 + 1) * 7_919_391 + 104_729) % 1_000_000_007 % 1_000_000_000);
    let part = |n: u64, len: usize| number(n).chars().skip(3).take(len).collect::<String>();
    let names = ["alice", "thandi smith", "naidoo", "van wyk", "zoe b", "peter"];
    let text = |t: String| Some(t);
    let everything = |_: u64| Scope::default();
    let team =
        |n: u64| Scope { extensions: vec![format!("3{}**", n % 10).parse().unwrap()], ..Scope::default() };
    let one = |n: u64| Scope { extensions: vec![ext(n).parse().unwrap()], ..Scope::default() };
    let any = Search::default;

    measure(catalogue, "newest", everything, |_| any());
    measure(catalogue, "a day", everything, |n| {
        let at = end - day * (1 + n as i64 % 300);
        Search { since: Some(UtcMicros(at)), until: Some(UtcMicros(at + day)), ..any() }
    });
    measure(catalogue, "extension", everything, |n| Search { extension: ext(n).parse().ok(), ..any() });
    measure(catalogue, "extension, a month", everything, |n| {
        let at = end - day * (31 + n as i64 * 7 % 300);
        let (since, until) = (Some(UtcMicros(at)), Some(UtcMicros(at + 30 * day)));
        Search { extension: ext(n).parse().ok(), since, until, ..any() }
    });
    measure(catalogue, "whole number", everything, |n| Search { number: text(number(n)), ..any() });
    measure(catalogue, "inner 3 digits", everything, |n| Search { number: text(part(n, 3)), ..any() });
    measure(catalogue, "inner 4 digits", everything, |n| Search { number: text(part(n, 4)), ..any() });
    measure(catalogue, "inner 6 digits", everything, |n| Search { number: text(part(n, 6)), ..any() });
    measure(catalogue, "2 digits", everything, |n| Search { number: text(part(n, 2)), ..any() });
    measure(catalogue, "name", everything, |n| Search { name: text(names[n as usize % 6].into()), ..any() });
    measure(catalogue, "tag", everything, |n| Search { tag: text(format!("tag{}", 1 + n % 20)), ..any() });
    measure(catalogue, "gap, longer than an hour", everything, |_| Search {
        has_gap: Some(true),
        min_us: Some(3_600_000_000),
        ..any()
    });
    measure(catalogue, "direction and tap", everything, |n| Search {
        directions: vec![Direction::Out],
        tap: text(format!("tap {}", n % 4)),
        ..any()
    });
    measure(catalogue, "words: name and digits", everything, |n| Search {
        words: text(format!("{} {}", names[n as usize % 6].split(' ').next().unwrap(), part(n, 3))),
        ..any()
    });
    measure(catalogue, "newest, of a team", team, |_| any());
    measure(catalogue, "name, of one extension", one, |n| Search {
        name: text(names[n as usize % 6].into()),
        ..any()
    });
    measure(catalogue, "inner 4 digits, of a team", team, |n| Search { number: text(part(n, 4)), ..any() });
}

fn measure(catalogue: &Catalogue, what: &str, scope: impl Fn(u64) -> Scope, search: impl Fn(u64) -> Search) {
    if std::env::var("BENCH_ONLY").is_ok_and(|only| !only.split(';').any(|only| what.starts_with(only))) {
        return;
    }
    let (mut first, mut deep, mut counts, mut found) =
        (Costs::default(), Costs::default(), Costs::default(), 0);
    // A server is warm; but for its particulars, which are others each time.
    for n in RUNS..RUNS + WARM {
        catalogue.search(&search(n), &scope(n)).unwrap();
    }
    for n in 0..RUNS {
        let (search, scope) = (search(n), scope(n));
        let page = first.of(|| catalogue.search(&search, &scope).unwrap());
        found = found.max(page.recordings.len());
        if n >= WALKS {
            continue;
        }
        let mut cursor = page_1000(catalogue, &search, &scope);
        for _ in 0..10 {
            let Some(after) = cursor else { break };
            let later = Search { place: Place::After(after), ..search.clone() };
            cursor = deep.of(|| catalogue.search(&later, &scope).unwrap().next);
        }
    }
    for n in 0..10 {
        counts.of(|| catalogue.count(&search(n), &scope(n)).unwrap());
    }
    println!(
        "{what:<27}{:>10}{:>8}{:>9}{:>8}{:>8}{:>15}{:>8}{:>9}{:>11}{:>7}",
        p(&mut first.wall, 0.5),
        p(&mut first.wall, 0.95),
        p(&mut first.cpu, 0.5),
        p(&mut first.cpu, 0.95),
        p(&mut first.pages, 0.5),
        p(&mut deep.wall, 0.5),
        p(&mut deep.wall, 0.95),
        p(&mut deep.cpu, 0.95),
        p(&mut counts.wall, 0.95),
        found
    );
}

/// The end of page 999, or of the last page but one of a list that is shorter.
fn page_1000(catalogue: &Catalogue, search: &Search, scope: &Scope) -> Option<Cursor> {
    let mut far = Search { limit: 999, ..search.clone() };
    let mut last = None;
    for _ in 0..50 {
        let page = catalogue.search(&far, scope).unwrap();
        let Some(next) = page.next else { break };
        last = Some(next);
        far.place = Place::After(next);
    }
    last
}

fn row(rows: u64, n: u64) -> RecordingRow {
    let started_at = UtcMicros(FIRST_US + rows as i64 * STEP_US + n as i64 * 10_000);
    let day = Zone::named("UTC").unwrap().day_of(started_at);
    let mut id = [0; 16];
    id[..8].copy_from_slice(&u64::MAX.to_be_bytes());
    id[8..].copy_from_slice(&n.to_be_bytes());
    let party = |role, number: String| PartyRow {
        role,
        party: Party { display: String::new(), address: format!("sip:{number}@10.0.0.1"), number },
    };
    let leg = |track: u8| LegRow {
        part: 0,
        track: Track {
            track,
            leg: track,
            codec: "PCMA".into(),
            clock_hz: 8_000,
            channels: 1,
            ..Track::default()
        },
        samples: 240_000,
        gaps: GapTotals::default(),
    };
    RecordingRow {
        facts: Facts {
            recording_id: RecordingId(id),
            recorder_id: RecorderId([9; 16]),
            ledger_no: LedgerNo(100_000_000 + n),
            reference: Reference { letter: 'B', day, sequence: (n % 1_000_000) as u32 },
            started_at,
            ended_at: started_at.plus(30_000_000),
            day,
            direction: Direction::In,
            method: Method::Voip,
            side: Side::Trunk,
            tap: TapId(0),
            tap_name: "tap 0".into(),
            orphan: false,
            end: LedgerEnd::Recorded,
            end_reason: "bye".into(),
            packets: PacketCounts { packets: 3_000, ..PacketCounts::default() },
        },
        call_ids: vec![format!("{n}-bench@10.0.0.1")],
        parties: vec![
            party(PartyRole::Caller, format!("27{:09}", (n * 7_919_391 + 104_729) % 1_000_000_000)),
            party(PartyRole::Called, format!("{}", 3_000 + n % 3_000)),
        ],
        legs: vec![leg(0), leg(1)],
        events: vec![],
        part: PartRow {
            part: 0,
            started_at,
            day,
            ended_at: started_at.plus(30_000_000),
            path: format!("live/bench/{n}.amx"),
            bytes: 500_000,
            sha256: [1; 32],
            blake3: [2; 32],
            flags: 0,
            frames: 30,
            signing_key_id: [3; 8],
        },
        leaf: None,
    }
}
