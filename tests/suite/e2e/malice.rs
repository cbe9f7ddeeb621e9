//! A captured satellite beside an honest one: whatever it says with its valid identity is refused, costs the central a bounded amount,
//! and is told; what the honest one records meanwhile arrives as ever. Needs root for a network namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use shared::RecordingId;
use transfer::proto::{Down, Up};

use super::outpost::{House, Satellite, Witness, arrived_byte_for_byte, invited, name_of, parts};
use super::rogue::{Rogue, data, offer, recording};
use super::satellite_cut::{Callers, heard_once};
use super::serve::{all_were_heard, in_background, inside, place, plan, recordings, until};
use super::site::run;

/// What of the central's memory one captured satellite may cost: its windows (8 MiB), what is under way of its words, the 2,048 files
/// that it may have open, and what the allocator keeps of it.
const MEMORY_MAX: u64 = 64 << 20;

#[test]
fn a_captured_satellite_is_refused_bounded_and_told_and_an_honest_one_goes_on() {
    if !inside("malice", "a_captured_satellite_is_refused_bounded_and_told_and_an_honest_one_goes_on") {
        return;
    }
    let house = House::new();
    let mut admin = house.admin();
    let satellite = Satellite::start(house.data);
    satellite.says("connected to central");
    let witness = Witness::of(&house);
    all_were_heard(place(&plan(1, 2, 2)));
    let rows = until("two recordings", || Some(recordings(&mut admin, "")).filter(|rows| rows.len() == 2));
    let theirs: RecordingId = rows[0]["id"].as_str().unwrap().parse().unwrap();
    let central = house.central.as_ref().unwrap();
    let before = resident(central.id());
    let watched = Watched::over(central.id(), house.spool(), Path::new(house.site.data()).join("incoming"));

    // The honest one records all the time, and one that drips is there, too.
    let callers = Callers::from(5_001);
    let dripper = dripper(Rogue::enrolled(house.port, &invited(&house.site, "east"), 0x66));
    let rogue = Rogue::enrolled(house.port, &invited(&house.site, "west"), 0x55);
    let alarmed = |words: &str| until(words, || central.said().contains(words).then_some(()));
    rogue.runtime.block_on(async {
        in_another_s_name(&rogue, &house, theirs).await;
        other_bytes(&rogue).await;
        what_is_too_long(&rogue).await;
        ten_thousand_parts(&rogue).await;
        noise(&rogue).await;
    });
    let dripped = dripper.join().expect("it was disconnected");
    assert!(dripped.contains("dripped in for more than half a minute"), "{dripped}");
    for words in [
        "it greets as another recorder than its certificate says",
        &format!("offers part 0 of recording {theirs}, which is here from recorder"),
        "its header names another site, recorder, recording or part",
        "than it sent before. Nothing was changed",
        "a message of 4294967295 bytes",
        "offers more than the 2048 files at once that it may",
        "more alarms than are told one by one",
        "a message dripped in for more than half a minute",
    ] {
        alarmed(words);
    }
    let told = central.said().lines().filter(|line| line.contains("ALARM")).count();
    assert!(told < 50, "people are told, not drowned: {told} alarms");

    // What was called meanwhile is there, while its line was never cut and nobody had to say anything.
    let placed = callers.end();
    house.drained();
    let (most, lag) = watched.end();
    heard_once(&mut admin, &placed);
    let grown = most.saturating_sub(before);
    println!(
        "{} calls of the honest satellite; the central took {} MiB more at most; its bytes were there after {lag:?} at most; {told} alarms",
        placed.iter().map(|plan| plan.calls).sum::<u32>(),
        grown >> 20
    );
    assert!(grown < MEMORY_MAX, "{before} bytes before, {most} at most");

    // And it is sent away for good: from the line on which it is, and when it comes again.
    rogue.runtime.block_on(async {
        let session = rogue.visit().await;
        assert_eq!(run(&["satellite", "revoke", "--data", house.site.data(), "west"]).code, Some(0));
        let word = session.last_word().await;
        assert!(word.contains("this satellite was revoked at the central"), "{word}");
        let refused = rogue.turned_away().await;
        assert!(refused.contains("this satellite was revoked at the central"), "{refused}");
    });
    alarmed("this satellite was revoked at the central");
    let said = satellite.end();
    assert_eq!(said.matches("connected to central").count(), 1, "{said}");
    let alarms: Vec<&str> =
        said.lines().filter(|l| l.contains("ALARM") && !l.contains("disk of the spool")).collect();
    assert!(alarms.is_empty(), "{alarms:?}");
    arrived_byte_for_byte(&house.taken_over(), &witness.sealed());
}

/// Another's name in the greeting, another's recording, and another's bytes under a name of its own.
async fn in_another_s_name(rogue: &Rogue, house: &House, theirs: RecordingId) {
    let session = rogue.visit_as(shared::RecorderId([2; 16])).await;
    assert!(session.last_word().await.contains("another recorder"));
    let mut session = rogue.visit().await;
    session.say(&[offer(1, theirs)]).await;
    assert_eq!(session.refusal(1).await, "Foreign");
    let stolen = fs::read(house.taken_over().values().next().expect("a part")).unwrap();
    session.offer(2, recording(1)).await;
    session.say(&[data(2, 0, stolen[..4_096].to_vec())]).await;
    assert_eq!(session.refusal(2).await, "Foreign");
    // It says that a part is whole of which it sent a header: nothing is receipted.
    session.offer(3, recording(2)).await;
    let bytes = rogue.beginning_of(recording(2));
    let size = bytes.len() as u64;
    let whole = Up::Sealed { handle: 3, size, sha256: [1; 32], blake3: [2; 32] };
    session.say(&[data(3, 0, bytes), whole]).await;
    assert_eq!(session.refusal(3).await, "Unsound");
}

/// Bytes were acknowledged; then others come in their place.
async fn other_bytes(rogue: &Rogue) {
    let mut session = rogue.visit().await;
    session.offer(1, recording(3)).await;
    let bytes = rogue.beginning_of(recording(3));
    session.say(&[data(1, 0, bytes.clone())]).await;
    session.until(|down| matches!(down, Down::Ack { .. }).then_some(())).await;
    let mut other = bytes;
    other[1_000] ^= 1;
    session.say(&[data(1, 0, other)]).await;
    assert_eq!(session.refusal(1).await, "Differs");
}

/// Messages that are longer than any, and bytes that are none.
async fn what_is_too_long(rogue: &Rogue) {
    for (said, why) in [
        (u32::MAX.to_le_bytes().to_vec(), "a message of 4294967295 bytes"),
        (vec![0; 64], "it is empty"),
        (vec![5, 0, 0, 0, 99, 1, 2, 3, 4], "no message of this protocol"),
        // A megabyte of it in one go.
        ([&(1_u32 << 20).to_le_bytes()[..], &vec![3; 1 << 20]].concat(), "a message of 1048576 bytes"),
    ] {
        let session = rogue.visit().await;
        session.raw(said).await;
        let word = session.last_word().await;
        assert!(word.contains(why), "{word}");
    }
}

/// Ten thousand parts at once, each with a beginning that is sound.
async fn ten_thousand_parts(rogue: &Rogue) {
    let mut session = rogue.visit().await;
    let offers: Vec<Up> = (0..10_000).map(|n| offer(n, recording(10_000 + n))).collect();
    for some in offers.chunks(1_000) {
        session.say(some).await;
    }
    let (mut open, mut refused) = (Vec::new(), 0);
    while open.len() + refused < 10_000 {
        let answer = session.until(|down| {
            if let Down::Held { handle, .. } = down {
                return Some(Some(*handle));
            }
            let Down::Refused { why, .. } = down else { return None };
            assert_eq!(format!("{why:?}"), "TooMany");
            Some(None)
        });
        match answer.await {
            Some(handle) => open.push(handle),
            None => refused += 1,
        }
    }
    assert_eq!((open.len(), refused), (2_048, 7_952));
    // All of them grow.
    for handle in &open {
        let bytes = rogue.beginning_of(recording(10_000 + handle));
        session.say(&[data(*handle, 0, bytes)]).await;
    }
    let last = open.pop().expect("a handle");
    session.until(|down| matches!(down, Down::Ack { handle, .. } if *handle == last).then_some(())).await;
}

/// Words without end: about itself, about calls that there are not, questions, and thousands of parts that are another's.
async fn noise(rogue: &Rogue) {
    let mut session = rogue.visit().await;
    let nonsense = vec![b'['; 60_000];
    for _ in 0..200 {
        session.say(&[Up::Status(nonsense.clone()), Up::Calls(nonsense.clone())]).await;
    }
    let words: Vec<Up> = (0..20_000).map(|n| Up::Status(format!("{{\"calls\":{n}}}").into_bytes())).collect();
    session.say(&words).await;
    let pings: Vec<Up> = (0..100_000).map(Up::Ping).collect();
    session.say(&pings).await;
    session.until(|down| matches!(down, Down::Pong { number: 99_999, .. }).then_some(())).await;
    for n in 0..1_000 {
        session.say(&[offer(n, recording(50_000 + n))]).await;
        session.until(|down| matches!(down, Down::Held { .. }).then_some(())).await;
        session.say(&[data(n, 0, vec![9; 20_000])]).await;
        assert_eq!(session.refusal(n).await, "Unsound");
    }
}

/// A message that comes byte by byte and never ends.
fn dripper(rogue: Rogue) -> JoinHandle<String> {
    in_background("dripper", move || {
        rogue.runtime.block_on(async {
            let session = rogue.visit().await;
            let mut word = Vec::new();
            Up::Status(vec![b' '; 1_000]).write(&mut word);
            for byte in word {
                if !session.raw(vec![byte]).await {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            session.last_word().await
        })
    })
}

/// Looks at the central's memory, and at how long bytes of the honest satellite take to it.
struct Watched {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    looking: JoinHandle<Duration>,
}

impl Watched {
    fn over(central: u32, spool: PathBuf, incoming: PathBuf) -> Self {
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (asked, seen) = (Arc::clone(&stop), Arc::clone(&most));
        let looking = in_background("watched", move || {
            // Name, length and moment of what stood in the spool and was not yet seen at the central.
            let (mut under_way, mut worst) = (Vec::<(String, u64, Instant)>::new(), Duration::ZERO);
            while !asked.load(Ordering::Relaxed) {
                seen.fetch_max(resident(central), Ordering::Relaxed);
                let here = lengths(&spool);
                let there = if incoming.is_dir() { lengths(&incoming) } else { Vec::new() };
                // What has left the spool was receipted.
                under_way.retain(|(name, length, since)| {
                    let is_gone = !here.iter().any(|(of, _)| of == name);
                    let is_there = is_gone || there.iter().any(|(of, held)| of == name && held >= length);
                    if is_there {
                        worst = worst.max(since.elapsed());
                    }
                    !is_there
                });
                let new = here.into_iter().filter(|(name, length)| {
                    !under_way.iter().any(|(of, known, _)| of == name && known >= length)
                });
                let new: Vec<_> = new.map(|(name, length)| (name, length, Instant::now())).collect();
                under_way.extend(new);
                sleep(Duration::from_millis(50));
            }
            worst
        });
        Self { stop, most, looking }
    }

    fn end(self) -> (u64, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        let lag = self.looking.join().expect("it looked");
        (self.most.load(Ordering::Relaxed), lag)
    }
}

fn lengths(folder: &Path) -> Vec<(String, u64)> {
    let length = |path: PathBuf| Some((name_of(&path), fs::metadata(&path).ok()?.len()));
    parts(folder).into_iter().filter_map(length).collect()
}

/// Bytes of memory that a program holds.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a kernel's line");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}
