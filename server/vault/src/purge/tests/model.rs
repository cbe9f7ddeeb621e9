//! The judgement held against a model that counts copies: whatever the site looks like, nothing goes while there are fewer good copies than were
//! configured.

use catalogue::{LocationKind, LocationRow, MediaSet, MediumRow, ReadBackRow};
use proptest::prelude::*;
use shared::{LocationId, RunId};

use super::super::judge::may_go;
use super::*;

const NOW: UtcMicros = UtcMicros(1_000 * DAY);

/// One copy on one medium, as it may be.
#[derive(Clone, Debug)]
struct Copy {
    state: MediumState,
    seen_days_ago: i64,
    /// Whether there is one at all.
    is_there: bool,
    level: u8,
    has_report: bool,
    manifest: u32,
    checkpoint: u64,
    is_equal: bool,
}

#[derive(Clone, Debug)]
struct Made {
    locations: Vec<(MediaSet, Vec<Copy>)>,
    is_held: bool,
    is_suspect: bool,
    age_days: i64,
    goes_on: bool,
    leaf: Option<u64>,
    state: Option<PurgeState>,
}

fn copy() -> impl Strategy<Value = Copy> {
    let mostly = |right: bool| prop::bool::weighted(if right { 0.93 } else { 0.07 });
    let state = prop_oneof![
        12 => Just(MediumState::Good), 1 => Just(MediumState::Suspect), 1 => Just(MediumState::Retired)
    ];
    let days = prop_oneof![9 => 0_i64..14, 1 => 14_i64..40];
    let level = prop_oneof![9 => 3_u8..=5, 1 => 0_u8..3];
    let checkpoint = prop_oneof![9 => 6_u64..9, 1 => 0_u64..6];
    (
        state,
        days,
        mostly(true),
        level,
        mostly(true),
        prop_oneof![9 => 1_u32..3, 1 => Just(0)],
        checkpoint,
        mostly(true),
    )
        .prop_map(
            |(state, seen_days_ago, is_there, level, has_report, manifest, checkpoint, is_equal)| Copy {
                state,
                seen_days_ago,
                is_there,
                level,
                has_report,
                manifest,
                checkpoint,
                is_equal,
            },
        )
}

fn made() -> impl Strategy<Value = Made> {
    let set = prop_oneof![Just(MediaSet::One), Just(MediaSet::Any), Just(MediaSet::All)];
    let location = (set, prop::collection::vec(copy(), 0..4));
    let rarely = || prop::bool::weighted(0.05);
    let age = prop_oneof![9 => 30_i64..90, 1 => 0_i64..30];
    let leaf = prop_oneof![19 => Just(Some(5_u64)), 1 => Just(None)];
    let state = prop_oneof![
        8 => Just(None), 4 => Just(Some(PurgeState::Intent)), 2 => Just(Some(PurgeState::Unlinking)),
        1 => Just(Some(PurgeState::Unlinked)), 1 => Just(Some(PurgeState::Purged))
    ];
    (prop::collection::vec(location, 0..4), rarely(), rarely(), age, rarely(), leaf, state).prop_map(
        |(locations, is_held, is_suspect, age_days, goes_on, leaf, state)| Made {
            locations,
            is_held,
            is_suspect,
            age_days,
            goes_on,
            leaf,
            state,
        },
    )
}

fn standing(made: &Made) -> Standing {
    let ended_at = NOW.plus(-made.age_days * DAY);
    let day = "2026-11-22".parse().unwrap();
    let part = catalogue::PartRow {
        part: 0,
        started_at: ended_at,
        day,
        ended_at,
        path: "live/x.amx".into(),
        bytes: 1_000,
        sha256: [1; 32],
        blake3: [2; 32],
        flags: if made.goes_on { 4 } else { 0 },
        frames: 1,
        signing_key_id: [0; 8],
    };
    let (mut locations, mut media, mut proofs) = (vec![], vec![], vec![]);
    for (l, (set, copies)) in (1_u8..).zip(&made.locations) {
        let location_id = LocationId([l; 16]);
        locations.push(LocationRow {
            location_id,
            name: format!("place-{l}"),
            kind: LocationKind::Usb,
            path: String::new(),
            settings: String::new(),
            set: *set,
            added_at: AT_PLUS_29_DAYS,
            removed_at: None,
        });
        for (m, copy) in (1_u8..).zip(copies) {
            let media_id = MediaId([l * 16 + m; 16]);
            media.push(MediumRow {
                media_id,
                location_id,
                media_gen: 0,
                label: String::new(),
                lies_in: String::new(),
                added_at: NOW,
                next_leaf: 9,
                last_report: None,
                last_run_at: None,
                last_seen_at: Some(NOW.plus(-copy.seen_days_ago * DAY)),
                state: copy.state,
            });
            if copy.is_there {
                let read_back = ReadBackRow {
                    recording_id: id(1),
                    part: 0,
                    leaf: 5,
                    path: "x".into(),
                    size: 1_000,
                    sha256: if copy.is_equal { [1; 32] } else { [7; 32] },
                    blake3: [2; 32],
                    whole_sha256: [3; 32],
                    whole_blake3: [4; 32],
                    pieces: vec![],
                    level: copy.level,
                    manifest: copy.manifest,
                    read_at: NOW,
                };
                proofs.push(ProofRow {
                    read_back,
                    location_id,
                    media_id,
                    media_gen: 0,
                    run_id: RunId([m; 16]),
                    report_sha256: copy.has_report.then_some([9; 32]),
                    checkpoint: copy.checkpoint,
                });
            }
        }
    }
    let purge = made.state.map(|state| PurgeRow {
        recording_id: id(1),
        state,
        reason: 1,
        leaf: 7,
        intent_at: NOW,
        changed_at: NOW,
    });
    Standing {
        recording_id: id(1),
        ended_at,
        parts: vec![(part, made.leaf)],
        is_held: made.is_held,
        suspect: made.is_suspect.then(|| "odd".into()),
        purge,
        locations,
        media,
        proofs,
    }
}

/// A copy from which the recording could be had again, as far as anybody knows.
fn is_good(copy: &Copy) -> bool {
    copy.is_there
        && copy.is_equal
        && copy.state == MediumState::Good
        && copy.level >= 3
        && copy.has_report
        && copy.manifest > 0
        && copy.checkpoint > 5
}

/// Said again in other words: count good copies, and look for anything odd.
fn model(made: &Made) -> bool {
    let in_use = |copies: &[Copy]| {
        copies.iter().filter(|c| c.state != MediumState::Retired).cloned().collect::<Vec<_>>()
    };
    let odd = made
        .locations
        .iter()
        .flat_map(|(_, copies)| in_use(copies))
        .any(|copy| copy.is_there && (!copy.is_equal || copy.state == MediumState::Suspect));
    let all_hold = made.locations.iter().all(|(set, copies)| {
        let copies = in_use(copies);
        let good: Vec<&Copy> = copies.iter().filter(|copy| is_good(copy)).collect();
        let wanted = if *set == MediaSet::All { copies.len().max(1) } else { 1 };
        good.len() >= wanted && good.iter().any(|copy| copy.seen_days_ago <= 14)
    });
    let gone = matches!(made.state, Some(PurgeState::Unlinked | PurgeState::Purged));
    let is_free = !made.is_held && !made.is_suspect && !made.goes_on && !gone;
    is_free && made.leaf.is_some() && made.age_days >= 30 && !made.locations.is_empty() && all_hold && !odd
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_goes_while_there_are_fewer_good_copies_than_were_configured(made in made()) {
        let judged = may_go(Some(&standing(&made)), &RULES, NOW);
        prop_assert_eq!(judged.is_ok(), model(&made), "{:?}", judged);
        if let Ok(parts) = judged {
            prop_assert!(parts.iter().all(|part| part.proofs.len() >= made.locations.len()));
        }
    }
}
