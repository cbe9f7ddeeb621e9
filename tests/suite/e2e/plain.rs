//! Nothing plain on the disk: known audio and known numbers are recorded, and every file of the recorder is searched for
//! them, while it records, after it was killed, and when all is closed; and whoever steals its files hears nothing.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use amethyst_tests::calls::{Codec, Plan, Side};

use super::film::{Film, Piped, files_below};
use super::site::{Site, amethyst, run};

const NEEDLE: usize = 24;

#[test]
fn no_file_of_the_recorder_ever_holds_audio_or_numbers_in_the_plain() {
    let site = Site::new();
    let temporary = site.path("temporary");
    fs::create_dir(temporary).unwrap();
    for (nth, codec) in [Codec::PCMU, Codec::PCMA, Codec::L16].into_iter().enumerate() {
        let film = film(codec, u32::try_from(nth).unwrap());
        let needles = Needles::of(&film, codec);
        let wire = site.path("wire.pcap");
        fs::write(wire, &film.bytes).unwrap();
        assert!(needles.count(Path::new(wire)) > 100, "the search finds what is there");

        let mut recorder = with_temporary_files_in(temporary, &site);
        recorder.hear(&film.bytes[..film.bytes.len() / 2]);
        recorder.settle();
        assert!(super::film::octets_sealed(&site, "spool") > 10_000, "something is being recorded");
        needles.are_nowhere_in(&site, temporary, "while it records");
        recorder.kill();
        needles.are_nowhere_in(&site, temporary, "after it was killed");
        let mut recorder = with_temporary_files_in(temporary, &site);
        recorder.hear(&film.bytes);
        let ended = recorder.finish();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        needles.are_nowhere_in(&site, temporary, "when all is closed");

        let out = site.export(&["--leg", "near"]);
        let found: usize = files_below(Path::new(out)).iter().map(|file| needles.count(file)).sum();
        assert!(
            found > 100,
            "what was sealed and is exported is what was searched for, in {codec:?}: {found}"
        );
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn a_stolen_copy_of_the_recorders_files_opens_no_recording() {
    let site = Site::new();
    let film = film(Codec::PCMU, 0);
    let wire = site.path("wire.pcap");
    fs::write(wire, &film.bytes).unwrap();
    let _summary = site.record(&[wire]);
    let mut recorder = Piped::start(&site);
    recorder.hear(&film.bytes[..film.bytes.len() / 2]);
    recorder.settle();
    recorder.kill(); // something lies in the spool too

    for (kept, without) in [
        ("neither", ["keystore.amk", "unlock.key"].as_slice()),
        ("the unlock key", &["keystore.amk"]),
        ("the key store", &["unlock.key"]),
    ] {
        let stolen = site.path(&format!("stolen with {kept}"));
        let copied = Command::new("cp").args(["-r", site.data(), stolen]).status().expect("cp is everywhere");
        assert!(copied.success(), "{copied}");
        without.iter().for_each(|name| fs::remove_file(format!("{stolen}/keys/{name}")).unwrap());
        let out = format!("{stolen}/out");
        for words in [
            ["export", "--data", stolen, "--out", &out, "--all"].as_slice(),
            &["list", "--data", stolen],
            &["record", "--data", stolen, "--pcap", wire],
        ] {
            run(words).refused(5, &["keys/", without[without.len() - 1]]);
        }
        assert!(!Path::new(&out).exists(), "nothing was exported");
        // What needs no key can still be told: that the files are whole, and whose they are.
        let verified = run(&["verify", &format!("{stolen}/live")]);
        assert_eq!(verified.code, Some(0), "{verified:?}");
    }
    // With both it opens: what refused above was the missing key and nothing else.
    let out = site.export(&[]);
    assert!(!files_below(Path::new(out)).is_empty(), "the owner hears it");
}

fn film(codec: Codec, nth: u32) -> Film {
    let speech = std::time::Duration::from_secs(4);
    // Numbers without many zeros in them: 115321 calls 215321. Media ports follow them, four by four.
    Film::shoot(
        Plan { calls: 3, first: 15_321 + nth * 10, media_port: 1_024, speech, codec, ..Film::plan() },
        nth,
    )
}

/// Starts a recorder whose libraries would put their temporary files into `folder`.
fn with_temporary_files_in(folder: &str, site: &Site) -> Piped {
    let mut command = Command::new(amethyst());
    command.env("TMPDIR", folder).env("SQLITE_TMPDIR", folder);
    Piped::begin(command, site.data())
}

/// What must not be found, by its first six octets: more than chance writes into a file.
struct Needles(HashMap<[u8; 6], Vec<Vec<u8>>>);

impl Needles {
    /// What was said every few packets: as PCM16 of both byte orders, in A-law and in µ-law; and who said it to whom.
    fn of(film: &Film, codec: Codec) -> Self {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for legs in film.said.values() {
            for payload in legs {
                let pcm = codec.decode(payload).expect("a codec with sound");
                for said in pcm.chunks_exact(160).map(|packet| packet[..NEEDLE].to_vec()).step_by(3) {
                    all.push(said.iter().flat_map(|s| s.to_le_bytes()).collect());
                    all.push(said.iter().flat_map(|s| s.to_be_bytes()).collect());
                    let mut packet = said.clone();
                    packet.resize(160, 0);
                    all.extend(
                        [Codec::PCMU, Codec::PCMA].map(|law| law.encode(&packet, 0)[..NEEDLE].to_vec()),
                    );
                }
            }
        }
        // Silence is in every file.
        let telling = |needle: &Vec<u8>| {
            let mut octets = needle.clone();
            octets.sort_unstable();
            octets.dedup();
            octets.len() >= 6
        };
        let mut needles: HashMap<[u8; 6], Vec<Vec<u8>>> = HashMap::new();
        let names = film.said.keys().flat_map(|call| names(*call));
        for needle in all.into_iter().filter(telling).chain(names) {
            needles.entry(needle[..6].try_into().unwrap()).or_default().push(needle);
        }
        assert!(needles.len() > 100, "{codec:?}");
        Self(needles)
    }

    fn count(&self, file: &Path) -> usize {
        let Ok(bytes) = fs::read(file) else { return 0 }; // closed and moved in the meantime
        let found = |at: &usize| {
            let here: Option<[u8; 6]> = bytes.get(*at..*at + 6).and_then(|b| b.try_into().ok());
            let needles = here.and_then(|here| self.0.get(&here));
            let holds =
                |needle: &Vec<u8>| bytes[*at..].starts_with(needle) && stands_alone(&bytes, *at, needle);
            needles.is_some_and(|needles| needles.iter().any(holds))
        };
        (0..bytes.len()).filter(found).count()
    }

    fn are_nowhere_in(&self, site: &Site, temporary: &str, when: &str) {
        let mut files = files_below(Path::new(site.data()));
        assert!(files.iter().any(|f| f.ends_with("catalogue.db")), "the database is searched too: {files:?}");
        files.extend(files_below(Path::new(temporary)));
        for file in files {
            assert_eq!(self.count(&file), 0, "{} holds something plain {when}", file.display());
        }
    }
}

/// Six digits in a row are in many a public key written as hexadecimal digits; a number is one when no such digit touches it.
fn stands_alone(bytes: &[u8], at: usize, needle: &[u8]) -> bool {
    let touches = |neighbour: Option<&u8>| neighbour.is_some_and(u8::is_ascii_hexdigit);
    let number = needle.iter().all(u8::is_ascii_digit);
    !number
        || !(touches(at.checked_sub(1).and_then(|i| bytes.get(i))) || touches(bytes.get(at + needle.len())))
}

/// How the parties and the call are called on the wire, also two octets a digit.
fn names(call: u32) -> Vec<Vec<u8>> {
    let plan = Film::plan();
    let numbers = [plan.number(call, Side::Caller), plan.number(call, Side::Callee)];
    let wide = |number: &String| number.bytes().flat_map(|digit| [digit, 0]).collect();
    let mut names: Vec<Vec<u8>> = numbers.iter().map(wide).collect();
    names.extend(numbers.map(String::into_bytes));
    names.push(plan.call_id(call).into_bytes());
    names
}
