//! The recorder on a real data folder: what is submitted is what lies there afterwards, sealed, admitted and accounted for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::mpsc::channel;
use std::sync::{Arc, RwLock};

use seal::{KeyId, Part, RecipientKey, RecipientSecret, RecipientType, SigningKey, VerifyingKey};
use shared::{
    Chunk, Day, Event, FrameBuf, GapCause, GapCorrection, LedgerEnd, NotRecorded, Partly, Party, RecorderId,
    Role, RunHead, SiteId, Stamp, TapId, TimeQuality, Track, UtcMicros, Zone,
};
use telephony::cmd::{CallInfo, MediaStats, SegClose, SegCmd, SegId};
use tempfile::TempDir;
use vault::{CatalogueKey, Depot, Query, Recording, Vault, VaultConfig};

use crate::admitter::Entry as ToAdmitter;
use crate::desk::{self, Desk};
use crate::queue::Queue;
use crate::sealer::{Job, Sealer};
use crate::summary::Tally;
use crate::{Common, Dice, Fault, KeySource, Recorder, RecorderConfig, RecorderError, Summary};

const START: UtcMicros = UtcMicros(1_700_000_000_000_000);

struct Keys {
    day: RecipientSecret,
    signer: SigningKey,
}

impl KeySource for Keys {
    fn recipient(&self, _day: Day) -> Result<RecipientKey, RecorderError> {
        Ok(self.day.public()?)
    }

    fn signer(&self) -> &SigningKey {
        &self.signer
    }

    fn dice(&self) -> Dice {
        Box::new(rand_core::UnwrapErr(getrandom::SysRng))
    }
}

impl seal::KeyRing for Keys {
    fn secret(&self, _id: KeyId) -> Option<RecipientSecret> {
        Some(RecipientSecret::from_seed(RecipientType::X25519, *self.day.expose()))
    }

    fn verifying_key(&self, _id: KeyId) -> Option<VerifyingKey> {
        Some(self.signer.verifying_key())
    }
}

struct Bench {
    folder: TempDir,
    vault: Arc<Vault>,
    keys: Arc<Keys>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let zone = Zone::named("UTC").unwrap();
        let config =
            VaultConfig { site_id: SiteId([1; 16]), zone, recorder_id: RecorderId([2; 16]), letter: 'A' };
        let vault = Vault::create(folder.path(), config, &CatalogueKey::new([3; 32]), START).unwrap();
        let day = RecipientSecret::from_seed(RecipientType::X25519, [4; 32]);
        let keys = Keys { day, signer: SigningKey::from_seed(&[5; 32]) };
        Self { folder, vault: Arc::new(vault), keys: Arc::new(keys) }
    }

    /// The settings of a recorder with a queue of 1 MiB.
    fn config(offline: bool) -> RecorderConfig {
        RecorderConfig {
            site_id: SiteId([1; 16]),
            recorder_id: RecorderId([2; 16]),
            zone: Zone::named("UTC").unwrap(),
            build: vec![9],
            tap_names: vec!["trunk".into()],
            sealers: 1,
            queue_octets_max: 1 << 20,
            offline,
        }
    }

    /// Runs commands through a recorder.
    fn record(&self, offline: bool, cmds: Vec<SegCmd>) -> Summary {
        let config = Self::config(offline);
        let keys: Arc<dyn KeySource> = Arc::<Keys>::clone(&self.keys);
        let mut recorder = Recorder::start(config, Arc::<Vault>::clone(&self.vault), keys).unwrap();
        recorder.submit(cmds.into_iter());
        let (summary, faults) = recorder.finish();
        // What the queue could not hold is told, never silence.
        let octets = summary.overrun_octets;
        assert_eq!(faults, if octets > 0 { vec![Fault::Overrun { octets }] } else { Vec::new() });
        summary
    }

    fn recordings(&self) -> Vec<Recording> {
        let page = self.vault.find(&Query { oldest_first: true, ..Query::default() }).unwrap();
        page.recordings.iter().map(|r| self.vault.recording(r.facts.recording_id).unwrap().unwrap()).collect()
    }

    fn parts(&self, recording: &Recording) -> Vec<Part<Box<dyn vault::ReadSeek>>> {
        let readers = self.vault.open_recording(recording.facts.recording_id).unwrap();
        readers.into_iter().map(|r| Part::open(r.io, &*self.keys, RecipientType::X25519).unwrap()).collect()
    }

    fn files(&self, folder: &str) -> usize {
        fn count(path: &Path) -> usize {
            let names = std::fs::read_dir(path).into_iter().flatten().flatten();
            names.map(|n| if n.path().is_dir() { count(&n.path()) } else { 1 }).sum()
        }
        count(&self.folder.path().join(folder))
    }
}

fn stamp(after_us: u64) -> Stamp {
    let utc = START.plus(i64::try_from(after_us).unwrap());
    Stamp { mono_ns: after_us * 1_000, utc, quality: TimeQuality::Ntp }
}

fn signalled(seg: u64) -> SegCmd {
    let party = |number: &str| Party { number: number.into(), ..Party::default() };
    let info = CallInfo { caller: party("3115"), called: party("0115550100"), ..CallInfo::default() };
    SegCmd::Signalled { seg: SegId(seg), at: stamp(0), info: Box::new(info) }
}

fn open(seg: u64) -> SegCmd {
    let track = |number, role| Track {
        track: number,
        leg: number,
        role,
        codec: "PCMU".into(),
        clock_hz: 8_000,
        channels: 1,
        joinable: true,
        ..Track::default()
    };
    let tracks = vec![track(0, Role::Near), track(1, Role::Far)];
    SegCmd::Open { seg: SegId(seg), start: stamp(0), tracks }
}

/// One second of both legs, each octet telling its second and leg.
fn second(seg: u64, n: u64) -> SegCmd {
    let chunk = |track: u8| {
        let mut buf = FrameBuf::with_capacity(8_000);
        buf.push(&[u8::try_from(n % 100).unwrap() * 2 + track; 8_000]);
        let runs = vec![RunHead { gap_samples: 0, cause: GapCause::None, samples: 8_000, len: 8_000 }];
        Chunk { track, base_samples: n * 8_000, runs, buf }
    };
    SegCmd::Append { seg: SegId(seg), chunks: vec![chunk(0), chunk(1)] }
}

fn close(seg: u64, end: LedgerEnd, after_us: u64) -> SegCmd {
    SegCmd::Close(Box::new(SegClose {
        seg: SegId(seg),
        at: stamp(after_us),
        end,
        rule: (end == LedgerEnd::NotRecorded(NotRecorded::Rule)).then_some(7),
        reason: "bye",
        stats: MediaStats::default(),
        gaps: shared::GapTotals::default(),
    }))
}

#[test]
fn what_is_submitted_lies_sealed_and_admitted() {
    let bench = Bench::new();
    let digit = SegCmd::Note { seg: SegId(1), event: Event::new("digit", 1_500_000).text("digit", "5") };
    let cmds = vec![
        signalled(1),
        open(1),
        second(1, 0),
        digit,
        second(1, 1),
        close(1, LedgerEnd::Recorded, 2_000_000),
    ];
    let summary = bench.record(true, cmds);
    assert_eq!((summary.recordings, summary.ledger.recorded, summary.ledger.open), (1, 1, 0));
    let all = bench.recordings();
    assert_eq!(all[0].facts.reference.to_string(), "A231114-000001");
    assert_eq!(all[0].events.len(), 1);
    let mut part = bench.parts(&all[0]).remove(0);
    assert_eq!(part.state(), seal::State::Complete);
    part.check().unwrap();
    let octets: Vec<u8> = part.runs(1, 0..16_000).unwrap().flat_map(|run| run.unwrap().bytes).collect();
    assert_eq!(octets, [vec![1; 8_000], vec![3; 8_000]].concat());
    assert_eq!((bench.files("live"), bench.vault.open_entries().unwrap().len()), (1, 0));
}

#[test]
fn a_segment_that_never_opened_is_accounted_for_and_leaves_no_file() {
    let bench = Bench::new();
    let unanswered = LedgerEnd::NotRecorded(NotRecorded::Unanswered);
    let summary = bench.record(true, vec![signalled(1), close(1, unanswered, 5)]);
    assert_eq!((summary.ledger.not_recorded, summary.recordings, bench.files("live")), (1, 0, 0));
    let rows = bench.vault.ledger_day("2023-11-14".parse().unwrap()).unwrap();
    assert_eq!((rows[0].ending.unwrap().end, rows[0].caller.as_str()), (unanswered, "3115"));
}

#[test]
fn what_a_rule_excludes_late_is_removed_and_its_rule_is_named() {
    let bench = Bench::new();
    let by_rule = LedgerEnd::NotRecorded(NotRecorded::Rule);
    let discard = SegCmd::Discard { seg: SegId(1) };
    let summary =
        bench.record(true, vec![signalled(1), open(1), second(1, 0), discard, close(1, by_rule, 1_000_000)]);
    assert_eq!((summary.ledger.not_recorded, bench.recordings().len()), (1, 0));
    let spooled = std::fs::read_dir(bench.folder.path().join("spool")).unwrap().flatten();
    assert!(
        spooled.into_iter().all(|n| !n.file_name().to_string_lossy().ends_with(".amx")),
        "the part is gone"
    );
    let rows = bench.vault.ledger_day("2023-11-14".parse().unwrap()).unwrap();
    assert_eq!(rows[0].ending.unwrap().rule, Some(7));
}

#[test]
fn live_audio_that_does_not_fit_becomes_a_gap_of_its_length_and_the_ledger_says_so() {
    let bench = Bench::new();
    let mut cmds = vec![signalled(1), open(1)];
    cmds.extend((0..100).map(|n| second(1, n)));
    cmds.push(close(1, LedgerEnd::Recorded, 100_000_000));
    let summary = bench.record(false, cmds);
    // 65 seconds of 16,000 octets fit into 1 MiB; the rest came in the same moment.
    assert_eq!(summary.overrun_octets, 35 * 16_000);
    assert_eq!(summary.ledger.partly, 1);
    let all = bench.recordings();
    assert_eq!(all[0].facts.end, LedgerEnd::Partly(Partly::RecorderLoss));
    for leg in &all[0].legs {
        assert_eq!((leg.samples, leg.gaps.0[2]), (65 * 8_000, 35 * 8_000));
    }
    bench.parts(&all[0])[0].check().unwrap();
}

#[test]
fn a_call_of_more_than_twelve_hours_goes_on_in_a_second_part_without_losing_its_place() {
    let bench = Bench::new();
    let silence = |n: u64| {
        let runs =
            vec![RunHead { gap_samples: 80_000, cause: GapCause::SilenceSuppressed, samples: 0, len: 0 }];
        let chunk =
            |track| Chunk { track, base_samples: n * 80_000, runs: runs.clone(), buf: FrameBuf::default() };
        SegCmd::Append { seg: SegId(1), chunks: vec![chunk(0), chunk(1)] }
    };
    let tens = 12 * 360;
    let mut cmds = vec![signalled(1), open(1)];
    cmds.extend((0..tens).map(silence));
    let end_us = tens * 10_000_000 + 1_000_000;
    let anchor = Event::new("time_anchor", i64::try_from(tens * 10_000_000).unwrap())
        .on_track(0)
        .int("pos", i64::try_from(tens * 80_000).unwrap());
    let anchor = SegCmd::Note { seg: SegId(1), event: anchor };
    cmds.extend([anchor, second(1, tens * 10), close(1, LedgerEnd::Recorded, end_us)]);
    let summary = bench.record(true, cmds);
    assert_eq!((summary.recordings, summary.parts, summary.ledger.recorded), (1, 2, 1));
    let all = bench.recordings();
    let mut parts = bench.parts(&all[0]);
    assert!(parts[0].trailer().unwrap().continued, "the first part says that another follows");
    assert_eq!(parts[1].header().spec.start, START.plus(i64::try_from(tens * 10_000_000).unwrap()));
    assert_ne!(parts[1].header().spec.prev_trailer, [0; 32]);
    let run = parts[1].runs(0, 0..8_000).unwrap().next().unwrap().unwrap();
    assert_eq!((run.pos, run.samples), (0, 8_000));
    let anchor = &parts[1].events().unwrap()[0];
    assert_eq!(
        (anchor.t_us, anchor.members.get("pos")),
        (0, Some(&shared::Value::Int(0))),
        "of its own part"
    );
}

/// A recording whose second second is missing on both legs, and of whose first leg something else is learned.
fn with_correction(was: GapCause, cause: GapCause) -> (Bench, Summary) {
    let bench = Bench::new();
    let runs = vec![RunHead { gap_samples: 8_000, cause: was, samples: 0, len: 0 }];
    let chunk = |track| Chunk { track, base_samples: 8_000, runs: runs.clone(), buf: FrameBuf::default() };
    let missing = SegCmd::Append { seg: SegId(1), chunks: vec![chunk(0), chunk(1)] };
    let learned = GapCorrection { track: 0, from: 8_000, to: 14_000, was, cause };
    let note = |learned: GapCorrection| SegCmd::Note { seg: SegId(1), event: learned.event(2_000_000) };
    let both = [note(learned), note(GapCorrection { track: 1, from: 8_000, to: 16_000, ..learned })];
    let mut cmds = vec![signalled(1), open(1), second(1, 0), missing];
    cmds.extend(both);
    cmds.extend([second(1, 2), close(1, LedgerEnd::Recorded, 3_000_000)]);
    let summary = bench.record(true, cmds);
    (bench, summary)
}

#[test]
fn a_cause_that_was_learned_later_is_what_the_catalogue_says_and_the_seal_stays_sound() {
    let (bench, summary) = with_correction(GapCause::LostInNetwork, GapCause::SilenceSuppressed);
    assert_eq!(summary.gaps.0, [0, 2_000, 0, 0, 14_000, 0]);
    let all = bench.recordings();
    let gaps: Vec<_> = all[0].legs.iter().map(|leg| leg.gaps.0).collect();
    assert_eq!(gaps, [[0, 2_000, 0, 0, 6_000, 0], [0, 0, 0, 0, 8_000, 0]]);
    bench.parts(&all[0])[0].check().unwrap();
    assert_eq!(all[0].facts.end, LedgerEnd::Recorded);
}

#[test]
fn what_was_believed_to_be_our_loss_and_was_not_spoils_no_recording() {
    let (bench, _) = with_correction(GapCause::LostByRecorder, GapCause::SilenceSuppressed);
    assert_eq!(bench.recordings()[0].facts.end, LedgerEnd::Partly(Partly::RecorderLoss), "2,000 remain ours");
    let (bench, _) = with_correction(GapCause::LostInNetwork, GapCause::LostByRecorder);
    assert_eq!(
        bench.recordings()[0].facts.end,
        LedgerEnd::Partly(Partly::RecorderLoss),
        "learned to be ours"
    );
    let (bench, _) = with_correction(GapCause::None, GapCause::SilenceSuppressed);
    assert_eq!(bench.recordings()[0].facts.end, LedgerEnd::Recorded);
}

#[test]
fn a_call_whose_ledger_entry_is_slow_holds_up_no_other() {
    let bench = Bench::new();
    let (faults, _unread) = channel();
    let keys: Arc<dyn KeySource> = Arc::<Keys>::clone(&bench.keys);
    let common = Arc::new(Common {
        tap_names: RwLock::default(),
        clock_ahead_us: AtomicI64::new(0),
        config: Bench::config(false),
        depot: Arc::<Vault>::clone(&bench.vault),
        canaries: None,
        keys,
        desk: Desk::new(Arc::<Vault>::clone(&bench.vault), None),
        summary: Tally::default(),
        faults,
        written: AtomicU64::new(0),
        aborted: AtomicBool::new(false),
    });
    let desk = desk::run(&common).unwrap();
    let (admitter, closed) = channel();
    let (used, _buffers) = channel();
    let queue = Queue::new(1 << 20);
    let sealer = Sealer::new(Arc::clone(&common), queue.clone(), ToAdmitter::of(admitter), used);
    let thread = std::thread::Builder::new().name("sealer-0".into());
    let sealer = thread.spawn(move || sealer.run()).unwrap();

    let call = |seg| [signalled(seg), open(seg), second(seg, 0), close(seg, LedgerEnd::Recorded, 1_000_000)];
    let mut jobs: VecDeque<Job> = [call(1), call(2)].into_iter().flatten().map(Job).collect();
    // The desk has not heard of the first call: its entry cannot be durable.
    common.desk.signalled(SegId(2), START, common.new_recording_id(START), TapId(0));
    queue.push_all(&mut jobs, &mut |_job| panic!("there is room"));
    let first_closed = closed.recv().unwrap().ending.unwrap();
    assert_eq!(first_closed.seg, SegId(2));

    common.desk.signalled(SegId(1), START, common.new_recording_id(START), TapId(0));
    let work = closed.recv().unwrap();
    assert_eq!(work.ending.unwrap().seg, SegId(1));
    let totals = &work.part.unwrap().row.legs;
    assert!(totals.iter().all(|leg| leg.samples == 8_000), "all that came while it waited is sealed");
    queue.close();
    common.desk.close();
    sealer.join().unwrap();
    desk.join().unwrap();
}

/// Runs commands through a recorder with a place for canaries; what became of those.
fn record_beside(bench: &Bench, cmds: Vec<SegCmd>) -> (Summary, Vec<vault::CanaryEnd>) {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let canaries = bench.vault.canaries(Box::new(move |end| heard.lock().unwrap().push(end))).unwrap();
    let keys: Arc<dyn KeySource> = Arc::<Keys>::clone(&bench.keys);
    let depot: Arc<dyn Depot> = Arc::<Vault>::clone(&bench.vault);
    let mut recorder =
        Recorder::start_with(Bench::config(true), depot, Some(Arc::new(canaries)), keys).unwrap();
    recorder.submit(cmds.into_iter());
    let (summary, faults) = recorder.finish();
    assert_eq!(faults, []);
    let told = std::mem::take(&mut *told.lock().unwrap());
    (summary, told)
}

fn canary(seg: u64) -> SegCmd {
    let SegCmd::Signalled { seg, at, mut info } = signalled(seg) else { unreachable!() };
    info.tap = info.tap.canary();
    SegCmd::Signalled { seg, at, info }
}

#[test]
fn a_canary_goes_the_way_of_calls_and_stands_among_none() {
    let bench = Bench::new();
    let end = |seg| close(seg, LedgerEnd::Recorded, 1_000_000);
    let cmds = vec![
        canary(1),
        signalled(2),
        open(1),
        open(2),
        second(1, 0),
        second(2, 0),
        end(1),
        end(2),
        signalled(3),
        close(3, LedgerEnd::NotRecorded(NotRecorded::Unanswered), 5),
    ];
    let (summary, told) = record_beside(&bench, cmds);
    assert_eq!((summary.ledger.signalled, summary.recordings, summary.tracks), (2, 1, 2), "{summary:?}");
    let all = bench.recordings();
    assert_eq!((all.len(), all[0].facts.ledger_no.0), (1, 1), "the calls' numbers have no hole");
    let rows = bench.vault.ledger_day("2023-11-14".parse().unwrap()).unwrap();
    assert_eq!(rows.iter().map(|row| row.ledger_no.0).collect::<Vec<_>>(), [1, 2]);
    let [vault::CanaryEnd { caller, sealed: Ok((row, bytes)) }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((caller.as_str(), row.facts.end), ("3115", LedgerEnd::Recorded));
    let known = |_id| Some(bench.keys.signer.verifying_key());
    assert!(seal::verify(bytes.as_slice(), &known).unwrap().is_proven());
    assert_eq!((bench.files("live"), bench.files("canary")), (1, 0));
}

#[test]
fn a_canary_that_has_no_place_is_put_nowhere() {
    let bench = Bench::new();
    let config = Bench::config(true);
    let keys: Arc<dyn KeySource> = Arc::<Keys>::clone(&bench.keys);
    let mut recorder = Recorder::start(config, Arc::<Vault>::clone(&bench.vault), keys).unwrap();
    let cmds = [canary(1), open(1), second(1, 0), close(1, LedgerEnd::Recorded, 1_000_000)];
    recorder.submit(cmds.into_iter());
    let (summary, _faults) = recorder.finish();
    assert_eq!((summary.ledger.signalled, bench.recordings().len(), bench.files("live")), (0, 0, 0));
}
