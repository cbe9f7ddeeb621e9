//! A stolen satellite: its whole disk and an image of its memory, after its calls have ended. Nothing that was said, nobody who spoke, and
//! no key that opens a recording is in them. Needs root.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use amethyst_tests::calls::{Plan, Side};

use super::film::files_below;
use super::outpost::{House, Satellite, satellite_waits};
use super::serve::{all_were_heard, inside, place, plan, until};

/// So many bytes of an image are looked at in one go.
const PIECE: usize = 8 << 20;
/// A quarter of a second of sound: shorter pieces may be in memory by chance, as silence.
const SOUND: usize = 2_000;

#[test]
fn a_stolen_satellite_and_its_memory_say_nothing_of_its_calls() {
    if !inside("stolen", "a_stolen_satellite_and_its_memory_say_nothing_of_its_calls") {
        return;
    }
    let house = House::new();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    // Nobody has taken over what it records: everything that it has is on it.
    house.relay.cut();
    let plan = plan(4_711, 4, 3);
    all_were_heard(place(&plan));
    until("four closed parts", || Some(()).filter(|()| satellite_waits(&house) == 4));
    std::thread::sleep(Duration::from_secs(40));
    let needles = needles(&plan);
    let mut found = BTreeMap::new();
    for (place, bytes) in image(satellite.id()) {
        look(&place, &bytes, &needles, &mut found);
    }
    for file in files_below(Path::new(house.data)) {
        look(&file.display().to_string(), &fs::read(&file).unwrap(), &needles, &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
    satellite.end();
}

/// What nobody may find: numbers and names of both parties, their addresses for signalling, and what they said.
fn needles(plan: &Plan) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for call in plan.first..plan.first + plan.calls {
        for text in [format!("2{call:05}"), format!("1{call:05}"), format!("Caller {call}")] {
            all.push((text.clone(), text.into_bytes()));
        }
        for side in [Side::Caller, Side::Callee] {
            let said = plan.fed(call, side).payload;
            all.push((format!("what {side:?} of {call} said"), said[8_000..8_000 + SOUND].to_vec()));
            all.push((format!("a packet of {side:?} of {call}"), said[8_000..8_160].to_vec()));
        }
    }
    all
}

/// The memory of a program: each mapping that it may read, with its name.
fn image(id: u32) -> impl Iterator<Item = (String, Vec<u8>)> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).expect("root, as `inside` has seen");
    let memory = File::open(format!("/proc/{id}/mem")).expect("root, as `inside` has seen");
    let ranges: Vec<(String, u64, u64)> = maps
        .lines()
        .filter(|line| line.contains(" rw"))
        .filter_map(|line| {
            let (from, to) = line.split_whitespace().next()?.split_once('-')?;
            let of = |digits| u64::from_str_radix(digits, 16).ok();
            Some((line.to_owned(), of(from)?, of(to)?))
        })
        .collect();
    ranges.into_iter().flat_map(move |(name, from, to)| {
        let mut pieces = Vec::new();
        let mut at = from;
        while at < to {
            let length = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE);
            let mut bytes = vec![0; length];
            let read = memory.read_at(&mut bytes, at).unwrap_or(0);
            bytes.truncate(read);
            pieces.push((format!("{at:x} of {name}"), bytes));
            at += length as u64;
        }
        pieces
    })
}

fn look(place: &str, bytes: &[u8], needles: &[(String, Vec<u8>)], found: &mut BTreeMap<String, Vec<String>>) {
    for (name, needle) in needles {
        let mut from = 0;
        while let Some(at) = find(&bytes[from..], needle) {
            let at = from + at;
            from = at + needle.len();
            if is_chance(bytes, at, needle) {
                continue;
            }
            let around = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
            let around = String::from_utf8_lossy(around).escape_debug().to_string();
            found.entry(name.clone()).or_default().push(format!("{place} at {at:x}: {around}"));
        }
    }
}

/// Six digits stand in many a key written in hexadecimal; a number that somebody dialled stands by itself.
fn is_chance(bytes: &[u8], at: usize, needle: &[u8]) -> bool {
    let goes_on =
        |place: Option<usize>| place.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    needle.iter().all(u8::is_ascii_digit)
        && (goes_on(at.checked_sub(1)) || goes_on(at.checked_add(needle.len())))
}

#[test]
fn a_number_is_found_where_somebody_dialled_it_and_not_inside_a_key() {
    let mut found = BTreeMap::new();
    let needles = [("204713".to_owned(), b"204713".to_vec())];
    look("a key", b"633147204713220471385fb6", &needles, &mut found);
    assert!(found.is_empty(), "{found:?}");
    for text in ["<sip:204713@10.0.0.1>", "\u{0}204713\u{0}", "204713", "a key 1204713, then \"204713\""] {
        look("memory", text.as_bytes(), &needles, &mut found);
        assert_eq!(found.remove("204713").map_or(0, |all| all.len()), 1, "{text}");
    }
}

/// Looks for the first byte, then for the rest: an image has hundreds of megabytes.
fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
}
