//! Locations, media, runs and proofs.

use shared::{Day, LocationId, MediaId, RunId, UtcMicros};

use super::world::{Made, id};
use crate::*;

pub(super) const MEDIUM: MediaId = MediaId([7; 16]);
pub(super) const PLACE: LocationId = LocationId([6; 16]);

pub(super) fn location(n: u8, name: &str) -> LocationRow {
    LocationRow {
        location_id: LocationId([n; 16]),
        name: name.into(),
        kind: LocationKind::Usb,
        path: "/mnt/usb".into(),
        settings: "{}".into(),
        set: MediaSet::One,
        added_at: UtcMicros(n.into()),
        removed_at: None,
    }
}

pub(super) fn medium(n: u8, location: u8) -> MediumRow {
    MediumRow {
        media_id: MediaId([n; 16]),
        location_id: LocationId([location; 16]),
        media_gen: 0,
        label: "blue".into(),
        lies_in: "the safe".into(),
        added_at: UtcMicros(n.into()),
        next_leaf: 0,
        last_report: None,
        last_run_at: None,
        last_seen_at: None,
        state: MediumState::Good,
    }
}

pub(super) fn run(n: u8) -> ArchiveRunRow {
    ArchiveRunRow {
        run_id: RunId([n; 16]),
        location_id: PLACE,
        media_id: MEDIUM,
        begun_at: UtcMicros(i64::from(n) * 100),
        ended_at: None,
        first: 0,
        end: 10,
        outcome: None,
        report_sha256: None,
        checkpoint: 0,
        files: 0,
        bytes: 0,
        message: String::new(),
    }
}

/// The run's end, with a report.
pub(super) fn ended(run: ArchiveRunRow) -> ArchiveRunRow {
    ArchiveRunRow {
        ended_at: Some(run.begun_at.plus(50)),
        outcome: Some(1),
        report_sha256: Some([run.run_id.0[0]; 32]),
        checkpoint: 1_000,
        files: 3,
        bytes: 3_000,
        message: "fine".into(),
        ..run
    }
}

pub(super) fn read_back(due: &DuePart) -> ReadBackRow {
    ReadBackRow {
        recording_id: due.recording_id,
        part: due.part,
        leaf: due.leaf,
        path: format!("2026-11-22/rec/14a/{}.amx", due.leaf),
        size: due.bytes,
        sha256: due.sha256,
        blake3: due.blake3,
        whole_sha256: [3; 32],
        whole_blake3: [4; 32],
        pieces: vec![5; 64],
        level: 3,
        manifest: 0,
        read_at: UtcMicros(9),
    }
}

/// Enters recordings 1.. whose leaves are `leaves`.
pub(super) fn logged(catalogue: &Catalogue, leaves: &[u64]) {
    let rows = (1..).zip(leaves).map(|(n, leaf)| RecordingRow { leaf: Some(*leaf), ..Made::new(n).row() });
    catalogue.insert_batch(rows.collect(), vec![]).unwrap();
}

pub(super) fn set_up(catalogue: &Catalogue) {
    catalogue.add_location(&location(6, "usb")).unwrap();
    catalogue.add_medium(&medium(7, 6)).unwrap();
}

fn leaves(due: &[DuePart]) -> Vec<u64> {
    due.iter().map(|part| part.leaf).collect()
}

fn due(catalogue: &Catalogue) -> Vec<u64> {
    leaves(&catalogue.due(MEDIUM, None, 1_000).unwrap())
}

fn key(due: &DuePart) -> PartKey {
    (due.recording_id, due.part)
}

pub(super) fn locations_and_media_come_back_as_entered(catalogue: &Catalogue) {
    let (usb, nas) = (location(6, "usb"), location(8, "nas"));
    catalogue.add_location(&usb).unwrap();
    catalogue.add_location(&nas).unwrap();
    assert!(matches!(catalogue.add_location(&location(9, "usb")), Err(CatalogueError::Taken { .. })));
    assert!(matches!(catalogue.add_location(&location(9, " ")), Err(CatalogueError::Length { .. })));
    assert_eq!(catalogue.locations().unwrap(), [usb.clone(), nas.clone()]);
    for name in ["nas", &nas.location_id.to_string()] {
        assert_eq!(catalogue.location(name).unwrap().as_ref(), Some(&nas));
    }
    assert_eq!(catalogue.location("tape").unwrap(), None);

    let (old, mut new) =
        (medium(1, 6), MediumRow { media_gen: 1, last_report: Some([1; 32]), ..medium(2, 6) });
    catalogue.add_medium(&old).unwrap();
    catalogue.add_medium(&new).unwrap();
    assert!(matches!(catalogue.add_medium(&old), Err(CatalogueError::Taken { .. })));
    assert!(matches!(catalogue.add_medium(&medium(3, 99)), Err(CatalogueError::NotThere { .. })));
    catalogue.note_medium_seen(new.media_id, UtcMicros(50)).unwrap();
    catalogue.note_medium_seen(new.media_id, UtcMicros(40)).unwrap();
    catalogue.set_medium_state(new.media_id, MediumState::Suspect).unwrap();
    catalogue.label_medium(new.media_id, "red", "the bank").unwrap();
    (new.last_seen_at, new.state) = (Some(UtcMicros(50)), MediumState::Suspect);
    (new.label, new.lies_in) = ("red".into(), "the bank".into());
    assert_eq!(catalogue.media(usb.location_id).unwrap(), [new.clone(), old]);
    assert_eq!(catalogue.medium(new.media_id).unwrap(), Some(new));
    assert!(catalogue.note_medium_seen(MediaId([9; 16]), UtcMicros(1)).is_err());
}

pub(super) fn what_is_due_goes_by_leaves(catalogue: &Catalogue) {
    set_up(catalogue);
    logged(catalogue, &[2, 3, 5, 4_100, 9_000]);
    assert_eq!(due(catalogue), [2, 3, 5, 4_100, 9_000]);
    assert_eq!(leaves(&catalogue.due(MEDIUM, Some(3), 2).unwrap()), [5, 4_100]);
    assert_eq!(catalogue.due_totals(MEDIUM).unwrap(), (5, 5_000));
    let all = catalogue.due(MEDIUM, None, 9).unwrap();
    assert_eq!((all[0].recording_id, all[0].bytes, all[0].path.as_str()), (id(1), 1_000, "live/1-0.amx"));
    assert!(all.iter().all(|part| part.is_live));
    assert!(matches!(catalogue.due(MediaId([9; 16]), None, 9), Err(CatalogueError::NotThere { .. })));

    // Read back: not due. The run goes on to 4,101 without the part under leaf 3, and one it forgot.
    catalogue.begin_run(&run(1)).unwrap();
    let rows: Vec<_> = [&all[0], &all[3]].map(read_back).into();
    catalogue.read_back(RunId([1; 16]), MEDIUM, &rows).unwrap();
    assert_eq!((due(catalogue), catalogue.due_totals(MEDIUM).unwrap()), (vec![3, 5, 9_000], (3, 3_000)));
    assert_eq!(catalogue.unproven_totals(MEDIUM).unwrap(), (2, 2_000), "nothing shows them yet");
    catalogue.prove_run(&ended(run(1)), 4_101, &[3]).unwrap();
    assert_eq!(catalogue.unproven_totals(MEDIUM).unwrap(), (0, 0));
    assert_eq!((due(catalogue), catalogue.due_totals(MEDIUM).unwrap()), (vec![3, 5, 9_000], (3, 3_000)));
    assert_eq!(leaves(&catalogue.due(MEDIUM, Some(3), 1).unwrap()), [5], "holes one after the other");

    // A row whose leaf the medium went past is a hole; entered again it counts once.
    for _ in 0..2 {
        let late = RecordingRow { leaf: Some(4), ..Made::new(40).row() };
        catalogue.insert_batch(vec![late], vec![]).unwrap();
    }
    assert_eq!((due(catalogue), catalogue.due_totals(MEDIUM).unwrap()), (vec![3, 4, 5, 9_000], (4, 4_000)));

    catalogue.begin_run(&run(2)).unwrap();
    let rows: Vec<_> = catalogue.due(MEDIUM, None, 9).unwrap().iter().map(read_back).collect();
    catalogue.read_back(RunId([2; 16]), MEDIUM, &rows).unwrap();
    catalogue.prove_run(&ended(run(2)), 9_001, &[]).unwrap();
    assert_eq!((due(catalogue), catalogue.due_totals(MEDIUM).unwrap()), (vec![], (0, 0)));
    let medium = catalogue.medium(MEDIUM).unwrap().unwrap();
    assert_eq!(
        (medium.next_leaf, medium.last_report, medium.last_run_at),
        (9_001, Some([2; 32]), Some(UtcMicros(250)))
    );
    let runs = catalogue.runs(PLACE, 9).unwrap();
    assert_eq!(runs, [ended(run(2)), ended(run(1))]);
}

pub(super) fn a_run_is_proven_at_once_or_not_at_all(catalogue: &Catalogue) {
    set_up(catalogue);
    logged(catalogue, &[0, 1, 2]);
    let all = catalogue.due(MEDIUM, None, 9).unwrap();
    let rows: Vec<_> = all.iter().map(read_back).collect();
    let refused =
        |done: Result<()>| assert!(matches!(done, Err(CatalogueError::NotThere { .. })), "{done:?}");
    refused(catalogue.read_back(RunId([1; 16]), MEDIUM, &rows));
    catalogue.begin_run(&run(1)).unwrap();
    for _ in 0..2 {
        catalogue.read_back(RunId([1; 16]), MEDIUM, &rows).unwrap();
    }
    let state = |n| catalogue.proofs_of(id(n)).unwrap()[0].report_sha256;
    assert_eq!((state(1), catalogue.proofs_of(id(9)).unwrap()), (None, vec![]));

    // The run is cut; the next one finds what it left, drops one, and takes the others over.
    catalogue.end_run(&ArchiveRunRow { outcome: Some(3), ..ended(run(1)) }).unwrap();
    assert_eq!(state(1), None, "an end proves nothing");
    catalogue.begin_run(&run(2)).unwrap();
    let left = catalogue.unproven(MEDIUM, None, 9).unwrap();
    assert_eq!(left, rows.iter().map(|row| (RunId([1; 16]), row.clone())).collect::<Vec<_>>());
    assert_eq!(catalogue.unproven(MEDIUM, Some(1), 9).unwrap().len(), 1);
    catalogue.drop_read_back(MEDIUM, &[key(&all[1])]).unwrap();
    catalogue.adopt_read_back(RunId([2; 16]), MEDIUM, &[key(&all[0])]).unwrap();
    let day = |text: &str| text.parse().unwrap();
    for (run, day, leaves, generation) in [
        ([2; 16], day("2026-11-22"), (0, 0), 4),
        ([2; 16], day("2026-11-21"), (0, 9), 5),
        ([2; 16], day("2026-11-22"), (1, 9), 6),
        ([3; 16], day("2026-11-22"), (0, 9), 7),
    ] {
        catalogue.set_manifest(RunId(run), day, leaves, generation).unwrap();
    }
    assert_eq!(due(catalogue), [1]);
    refused(catalogue.prove_run(&ArchiveRunRow { report_sha256: None, ..ended(run(2)) }, 3, &[]));
    for _ in 0..2 {
        catalogue.prove_run(&ended(run(2)), 3, &[]).unwrap();
    }
    let proof = catalogue.proofs_of(id(1)).unwrap().remove(0);
    assert_eq!((proof.report_sha256, proof.checkpoint, proof.media_gen), (Some([2; 32]), 1_000, 0));
    assert_eq!(proof.read_back, ReadBackRow { manifest: 4, ..rows[0].clone() });
    assert_eq!(state(3), None, "it was not taken over");
    assert_eq!(due(catalogue), [1], "what was dropped stays due behind the run");

    // What is proven is neither dropped nor replaced, and nothing is added to a proven run.
    catalogue.drop_read_back(MEDIUM, &[key(&all[0])]).unwrap();
    catalogue.begin_run(&run(3)).unwrap();
    catalogue.read_back(RunId([3; 16]), MEDIUM, &[ReadBackRow { level: 1, ..rows[0].clone() }]).unwrap();
    catalogue.adopt_read_back(RunId([3; 16]), MEDIUM, &[key(&all[0])]).unwrap();
    assert_eq!(catalogue.proofs_of(id(1)).unwrap(), [proof]);
    refused(catalogue.read_back(RunId([2; 16]), MEDIUM, &rows[1..2]));
    refused(catalogue.adopt_read_back(RunId([2; 16]), MEDIUM, &[key(&all[2])]));
    refused(catalogue.prove_run(&ArchiveRunRow { report_sha256: Some([99; 32]), ..ended(run(2)) }, 9, &[]));
    catalogue.set_level(MEDIUM, &[key(&all[0])], 4).unwrap();
    assert_eq!(catalogue.proofs_of(id(1)).unwrap()[0].read_back.level, 4);

    // What a cut run left below where the medium stands becomes a hole when it is dropped.
    catalogue.drop_read_back(MEDIUM, &[key(&all[2])]).unwrap();
    assert_eq!(due(catalogue), [1, 2]);
}

pub(super) fn numbers_and_manifests_only_grow(catalogue: &Catalogue) {
    set_up(catalogue);
    let next = |name| catalogue.next_generation(name).unwrap();
    assert_eq!([next("slots"), next("slots"), next("keyvault"), next("slots")], [1, 2, 1, 3]);
    let day: Day = "2026-11-22".parse().unwrap();
    let newest = || catalogue.manifest_of(MEDIUM, day).unwrap();
    assert_eq!(newest(), None);
    for (generation, expected) in [(1, 1), (3, 3), (2, 3)] {
        catalogue.note_manifest(MEDIUM, day, generation, [u8::try_from(generation).unwrap(); 32]).unwrap();
        assert_eq!(newest(), Some((expected, [u8::try_from(expected).unwrap(); 32])));
    }
}

pub(super) fn a_day_shows_what_its_recordings_say(catalogue: &Catalogue) {
    let mut odd = Made { lost: 7, caller: ("", String::new()), ..Made::new(2) }.row();
    odd.parties[0].party.address = "sip:door@10.0.0.7".into();
    odd.part.flags = 1;
    odd.events = vec![shared::Event::new("mask_on", 5), shared::Event::new("mask_off", 9)];
    catalogue.insert_batch(vec![Made::new(1).row(), odd, Made::new(3).row()], vec![]).unwrap();
    let entries = catalogue.day_entries(&[id(3), id(9), id(2)]).unwrap();
    assert_eq!(entries.len(), 2, "what is not known is left out");
    let listed = |n| Listed::from(&catalogue.recording(id(n)).unwrap().unwrap());
    assert_eq!(entries[0], DayEntry { listed: listed(3), masked: false });
    let mut expected = DayEntry { listed: listed(2), masked: true };
    expected.listed.parties[0].display = "sip:door@10.0.0.7".into();
    assert_eq!(entries[1], expected);
    assert!(expected.listed.has_gap() && expected.listed.flags == 1, "{expected:?}");
}
