//! Killed: SIGKILL at random moments of a recorder at work, then a start, then an account of everything that was said.
//!
//! The recorder listens to a capture on its standard input, so what was on the wire up to the kill is known to the packet.
//! Each site is killed several times in a row, also while it finishes what the kill before left. `AMETHYST_KILLS` says how
//! often in all (200 for the full proof) and `AMETHYST_SEED` which moments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use amethyst_tests::calls::{Plan, Side};
use serde_json::Value;

use super::film::{DAY, Film, Piped, call_of, files_below, heard, octets_sealed};
use super::site::Site;

const KILLS: u32 = 25;
const KILLS_PER_SITE: u32 = 5;
const CALLS: u32 = 50;
/// What the design allows to be lost of each leg by a killed process: one second, and the packet that would end it.
const LOSS_SAMPLES_MAX: usize = 8_000 + 160;

#[test]
fn killed_at_any_moment_a_recorder_loses_at_most_a_second_of_a_leg_and_no_number() {
    let kills: u32 = number_in("AMETHYST_KILLS").unwrap_or(KILLS);
    let mut dice = Dice(number_in("AMETHYST_SEED").unwrap_or(0x00C0_FFEE));
    let films: Vec<Film> = (0..KILLS_PER_SITE.min(kills)).map(film).collect();
    let (mut done, mut seen) = (0, Seen::default());
    while done < kills {
        let site = Site::new();
        let shown: Vec<_> = films.iter().take((kills - done) as usize).collect();
        let cut: Vec<Cut> = shown.iter().map(|film| kill_in_the_middle(&site, film, &mut dice)).collect();
        done += u32::try_from(cut.len()).unwrap();
        seen.account(&site, &shown, &cut);
    }
    println!(
        "{done} kills: {} calls signalled, {} files whole, {} recovered, at most {} samples of a leg lost",
        seen.signalled, seen.whole, seen.recovered, seen.lost_samples_max
    );
    assert!(seen.recovered > 0, "no kill hit an open recording");
}

/// Fifty calls that overlap: some end while others begin.
fn film(nth: u32) -> Film {
    Film::shoot(
        Plan {
            calls: CALLS,
            first: 1 + nth * CALLS,
            speech: Duration::from_secs(3),
            start_gap: Duration::from_millis(40),
            ..Film::plan()
        },
        nth,
    )
}

/// Where the recorder was when it was killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    /// Starting up, perhaps in the middle of a recovery.
    StartUp,
    /// In full flight; some of what was sent it has not yet read.
    Sudden,
    /// It has dealt with everything that was sent: now the bound on the loss can be held against it.
    Settled,
    /// The wire has ended and it closes its recordings.
    Closing,
}

/// One kill.
#[derive(Debug)]
struct Cut {
    moment: Moment,
    /// Octets of the film that were sent.
    sent: usize,
}

fn kill_in_the_middle(site: &Site, film: &Film, dice: &mut Dice) -> Cut {
    let moment = match dice.below(8) {
        0 => Moment::StartUp,
        1 => Moment::Closing,
        2..5 => Moment::Sudden,
        _ => Moment::Settled,
    };
    let sent = match moment {
        Moment::StartUp => 0,
        Moment::Closing => film.bytes.len(),
        Moment::Sudden | Moment::Settled => 24 + dice.below(film.bytes.len() - 24),
    };
    let mut recorder = Piped::start(site);
    let mut rest = &film.bytes[..sent];
    while !rest.is_empty() {
        let (now, later) = rest.split_at((1 + dice.below(100_000)).min(rest.len()));
        recorder.hear(now);
        rest = later;
    }
    let wait_us = match moment {
        Moment::StartUp => dice.below(300_000),
        Moment::Closing => dice.below(200_000),
        Moment::Sudden => dice.below(20_000),
        Moment::Settled => {
            recorder.settle();
            0
        }
    };
    if moment == Moment::Closing {
        recorder.end_of_wire();
    }
    sleep(Duration::from_micros(wait_us as u64));
    recorder.kill();
    Cut { moment, sent }
}

/// What the kills came to, over all sites.
#[derive(Default)]
struct Seen {
    whole: usize,
    recovered: usize,
    /// The most that a settled recorder lost of any leg.
    lost_samples_max: usize,
    signalled: u64,
    salts: BTreeSet<Vec<u8>>,
    parts: BTreeSet<Vec<u8>>,
}

impl Seen {
    /// Starts the recorder once more on an empty wire and accounts for everything.
    fn account(&mut self, site: &Site, films: &[&Film], cuts: &[Cut]) {
        let empty = site.path("empty.pcap");
        fs::write(empty, &films[0].bytes[..24]).expect("a header without packets");
        let started = site.run("record", &["--pcap", empty]);
        assert_eq!(started.code, Some(0), "{started:?}");
        assert!(!started.err.contains("ALARM"), "{started:?}");
        assert_eq!(
            octets_sealed(site, "spool"),
            0,
            "start-up leaves nothing in the spool: {started:?} {cuts:?}"
        );
        let checked = site.run("check", &["--price", "hash"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");

        let entries = self.ledger_is_whole(site);
        let recordings = site.run("list", &["--json", "--limit", "100000"]).json();
        let recordings = recordings.as_array().unwrap();
        if !recordings.is_empty() {
            let live = format!("{}/live", site.data());
            let verified = super::site::run(&["verify", &live]);
            assert_eq!(verified.code, Some(0), "{verified:?}");
        }
        self.no_key_twice(&Path::new(site.data()).join("live"));
        let heard = heard(site);
        for recording in recordings {
            let number = recording["ledger_no"].as_u64().unwrap();
            assert_eq!(entries.get(&number), Some(&recording["id"]), "the ledger knows {recording}");
            let recovered = recording["parts"].as_array().unwrap().iter().any(|p| p["recovered"] == true);
            // A file that its sealer closed is whole, also if the kill came before the catalogue and the ledger knew: nobody
            // then knows how the call ended, so the ledger says the worse.
            let end = recording["end"].as_str().unwrap();
            assert!(end == "partly(crash)" || end == "recorded" && !recovered, "{recording}");
            self.recovered += usize::from(recovered);
            self.whole += usize::from(!recovered);
            if !recovered {
                let call = call_of(recording);
                let film = films.iter().find(|f| f.said.contains_key(&call)).unwrap();
                assert!(heard[&call] == film.said[&call], "call {call} is not whole: {recording}");
            }
        }
        self.nothing_but_the_beginning(films, cuts, &heard);
    }

    /// Every leg holds the beginning of what was said, and all but the last second where the recorder had settled.
    fn nothing_but_the_beginning(
        &mut self,
        films: &[&Film],
        cuts: &[Cut],
        heard: &BTreeMap<u32, [Vec<u8>; 2]>,
    ) {
        for (film, cut) in films.iter().zip(cuts) {
            for (call, said) in &film.said {
                for side in [Side::Caller, Side::Callee] {
                    let leg = usize::from(side == Side::Callee);
                    let heard = heard.get(call).map(|legs| legs[leg].as_slice()).unwrap_or_default();
                    assert!(
                        said[leg].starts_with(heard),
                        "call {call}, {side:?}: another thing was said ({cut:?})"
                    );
                    let sent = film.samples_sent(cut.sent, *call, side);
                    assert!(heard.len() <= sent, "call {call}, {side:?}: more than was sent ({cut:?})");
                    if cut.moment == Moment::Settled {
                        let lost = sent - heard.len();
                        assert!(
                            lost <= LOSS_SAMPLES_MAX,
                            "call {call}, {side:?}: {lost} of {sent} lost ({cut:?})"
                        );
                        self.lost_samples_max = self.lost_samples_max.max(lost);
                    }
                }
            }
        }
    }

    /// Returns the recording of each ledger number, after making sure that they begin with 1, have no hole and have ended.
    fn ledger_is_whole(&mut self, site: &Site) -> BTreeMap<u64, Value> {
        let ledger = site.run("ledger", &["--json", "--day", DAY]).json();
        let entries = ledger["entries"].as_array().unwrap();
        let numbers: Vec<u64> = entries.iter().map(|e| e["ledger_no"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "numbers without holes");
        assert_eq!(ledger["missing_numbers"], Value::Array(Vec::new()));
        assert!(entries.iter().all(|e| e["end"].is_string()), "every entry has ended: {ledger}");
        let total = |name: &str| ledger[name].as_u64().unwrap();
        assert_eq!(total("signalled"), numbers.len() as u64);
        assert_eq!(total("signalled"), total("recorded") + total("partly") + total("not_recorded"));
        assert_eq!(total("open"), 0);
        self.signalled += total("signalled");
        entries.iter().map(|e| (e["ledger_no"].as_u64().unwrap(), e["recording_id"].clone())).collect()
    }

    /// The salt goes into a file's key schedule and is drawn with its key; recording and part name the file.
    fn no_key_twice(&mut self, live: &Path) {
        for path in files_below(live) {
            let head = fs::read(&path).unwrap();
            let part = [&head[16..32], &head[76..78]].concat();
            assert!(self.parts.insert(part), "{}: another file is the same part", path.display());
            assert!(self.salts.insert(head[112..144].to_vec()), "{}: a salt came twice", path.display());
            assert!(
                self.salts.insert(head[144..176].to_vec()),
                "{}: a commitment came twice",
                path.display()
            );
        }
    }
}

fn number_in<N: std::str::FromStr>(variable: &str) -> Option<N> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Random moments, the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}
