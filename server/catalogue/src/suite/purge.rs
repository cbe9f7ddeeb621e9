//! Recordings on their way out of the live store.

use shared::{RunId, UtcMicros};

use super::archive::{MEDIUM, ended, logged, read_back, run, set_up};
use super::world::{Made, by, enter, id};
use crate::*;

pub(super) fn what_bears_on_a_purge_is_seen_at_one_moment(catalogue: &Catalogue) {
    set_up(catalogue);
    logged(catalogue, &[0]);
    enter(catalogue, &[Made::new(2)]);
    let seen = |n| catalogue.standing(id(n)).unwrap().unwrap();
    assert_eq!(catalogue.standing(id(9)).unwrap(), None);
    let one = seen(1);
    assert_eq!(
        (one.parts.len(), one.parts[0].1, one.is_held, one.suspect.clone()),
        (1, Some(0), false, None)
    );
    assert_eq!((one.locations.len(), one.media.len(), one.proofs.len(), one.purge), (1, 1, 0, None));
    assert_eq!(seen(2).parts[0].1, None, "no leaf tells of it");

    let due = catalogue.due(MEDIUM, None, 9).unwrap();
    catalogue.begin_run(&run(1)).unwrap();
    catalogue.read_back(RunId([1; 16]), MEDIUM, &[read_back(&due[0])]).unwrap();
    catalogue.prove_run(&ended(run(1)), 1, &[]).unwrap();
    catalogue.hold(id(1), "a case", None, &by()).unwrap();
    catalogue.set_suspect(id(1), "odd", UtcMicros(1)).unwrap();
    catalogue.set_suspect(id(1), "odder", UtcMicros(2)).unwrap();
    let one = seen(1);
    assert_eq!((one.is_held, one.suspect.as_deref(), one.proofs.len()), (true, Some("odd"), 1));
    catalogue.clear_suspect(id(1), "looked", &by()).unwrap();
    assert!(matches!(catalogue.clear_suspect(id(1), "again", &by()), Err(CatalogueError::NotThere { .. })));
    assert_eq!(seen(1).suspect, None);
}

pub(super) fn a_purge_goes_forward_only_and_by_judgement(catalogue: &Catalogue) {
    enter(catalogue, &(1..=4).map(Made::new).collect::<Vec<_>>());
    catalogue.hold(id(2), "a case", None, &by()).unwrap();
    let candidates = |after| -> Vec<_> {
        let some = catalogue.purge_candidates(after, 2).unwrap();
        some.iter().map(|c| (c.place, c.recording_id, c.bytes)).collect()
    };
    let first = candidates(None);
    assert_eq!((first[0].1, first[1].1, first[1].2), (id(1), id(3), 1_000), "what is held is none");
    assert_eq!(candidates(Some(first[1].0)).iter().map(|c| c.1).collect::<Vec<_>>(), [id(4)]);

    let some = vec![(id(1), 7), (id(2), 8), (id(3), 9), (id(9), 10)];
    let intended = catalogue.intend_purge(some.clone(), 2, UtcMicros(50), |s| !s.is_held).unwrap();
    assert_eq!(intended, [id(1), id(3)], "the judgement is asked of each, and one that is not there is none");
    assert_eq!(catalogue.intend_purge(some, 2, UtcMicros(51), |s| !s.is_held).unwrap(), []);
    assert_eq!(candidates(None).iter().map(|c| c.1).collect::<Vec<_>>(), [id(4)]);

    let step = |n, to| catalogue.step_purge(id(n), to, UtcMicros(60), |_| Ok::<(), &str>(()));
    assert_eq!(
        catalogue.step_purge(id(1), PurgeState::Unlinking, UtcMicros(60), |_| Err("no")).unwrap(),
        Err("no")
    );
    assert!(matches!(step(4, PurgeState::Unlinking), Err(CatalogueError::NotThere { .. })));
    assert!(step(1, PurgeState::Unlinking).is_ok());
    assert!(matches!(catalogue.cancel_purge(id(1), &by()), Err(CatalogueError::NotThere { .. })), "it began");
    let states = |until| -> Vec<_> {
        let rows = catalogue.purges(UtcMicros(until), None, 9).unwrap();
        rows.iter().map(|row| (row.recording_id, row.state, row.leaf, row.reason)).collect()
    };
    assert_eq!(states(49), [(id(1), PurgeState::Unlinking, 7, 2)]);
    assert_eq!(states(50).len(), 2);
    let behind = catalogue.purges(UtcMicros(50), Some((UtcMicros(50), id(1))), 9).unwrap();
    assert_eq!(behind.iter().map(|row| row.recording_id).collect::<Vec<_>>(), [id(3)]);
    catalogue.cancel_purge(id(3), &by()).unwrap();
    assert_eq!(catalogue.label_history(id(3)).unwrap()[0].what, "purge");
    step(1, PurgeState::Purged).unwrap().unwrap();
    step(1, PurgeState::Unlinking).unwrap().unwrap();
    let row = catalogue.standing(id(1)).unwrap().unwrap().purge.unwrap();
    assert_eq!((row.state, row.intent_at, states(99)), (PurgeState::Purged, UtcMicros(50), vec![]));

    // Who looks for files is told which need not be there, and a new medium that it must copy from another.
    let places = catalogue.parts_after("", 9).unwrap();
    let gone: Vec<_> = places.iter().filter(|p| !p.is_live).map(|p| p.recording_id).collect();
    assert_eq!(gone, [id(1)]);
    set_up(catalogue);
    catalogue.note_leaves(vec![((id(1), 0), 0), ((id(3), 0), 1)]).unwrap();
    let due = catalogue.due(MEDIUM, None, 9).unwrap();
    assert_eq!(due.iter().map(|part| part.is_live).collect::<Vec<_>>(), [false, true]);
}
