//! What was found bad on a medium.

use shared::{RunId, UtcMicros};

use super::archive::{MEDIUM, ended, logged, medium, read_back, run, set_up};
use super::world::id;
use crate::*;

pub(super) fn what_is_found_bad_is_due_again_until_a_good_copy_is_proven(catalogue: &Catalogue) {
    set_up(catalogue);
    logged(catalogue, &[0, 1, 2]);
    let due = || -> Vec<u64> {
        catalogue.due(MEDIUM, None, 9).unwrap().into_iter().map(|part| part.leaf).collect()
    };
    let rows: Vec<_> = catalogue.due(MEDIUM, None, 9).unwrap().iter().map(read_back).collect();
    catalogue.begin_run(&run(1)).unwrap();
    catalogue.read_back(RunId([1; 16]), MEDIUM, &rows).unwrap();
    assert_eq!(catalogue.proven_on(MEDIUM, UtcMicros(i64::MAX), None, 9).unwrap(), [], "no report yet");
    catalogue.prove_run(&ended(run(1)), 3, &[]).unwrap();
    let proven = |before, after| -> Vec<u64> {
        let some = catalogue.proven_on(MEDIUM, UtcMicros(before), after, 2).unwrap();
        some.into_iter().map(|part| part.leaf).collect()
    };
    assert_eq!((proven(151, None), proven(151, Some(1)), proven(150, None)), (vec![0, 1], vec![2], vec![]));

    // Found twice, once with more to say; and one that nobody knows.
    let bad = |n, why: &str| BadPart {
        recording_id: id(n),
        part: 0,
        path: format!("2026-11-22/rec/14a/{}.amx", n - 1),
        why: why.to_owned(),
    };
    catalogue.found_bad(MEDIUM, &[bad(2, "it was changed")], UtcMicros(5)).unwrap();
    catalogue.found_bad(MEDIUM, &[bad(2, "it is gone"), bad(9, "it is nobody's")], UtcMicros(6)).unwrap();
    assert_eq!(catalogue.bad_parts(MEDIUM).unwrap(), [bad(2, "it is gone")]);
    assert_eq!((due(), catalogue.due_totals(MEDIUM).unwrap().0), (vec![1], 1));
    assert_eq!((catalogue.holes_of(MEDIUM).unwrap(), catalogue.proofs_of(id(2)).unwrap()), (1, vec![]));
    assert_eq!(catalogue.bad_on(id(2)).unwrap(), [MEDIUM].into());
    assert_eq!(catalogue.bad_totals(MEDIUM).unwrap(), (1, 0), "it is in the live store");

    // It left the live store: no good copy is known. One on another medium is one.
    catalogue.intend_purge(vec![(id(2), 9)], 1, UtcMicros(7), |_| true).unwrap();
    let free = |_: &Standing| Ok::<(), ()>(());
    for state in [PurgeState::Unlinking, PurgeState::Unlinked, PurgeState::Purged] {
        catalogue.step_purge(id(2), state, UtcMicros(8), free).unwrap().unwrap();
    }
    assert_eq!(catalogue.bad_totals(MEDIUM).unwrap(), (1, 1));
    let other = medium(8, 6);
    catalogue.add_medium(&other).unwrap();
    let there = ArchiveRunRow { media_id: other.media_id, ..run(2) };
    catalogue.begin_run(&there).unwrap();
    catalogue.read_back(there.run_id, other.media_id, &rows[1..2]).unwrap();
    catalogue.prove_run(&ended(there), 3, &[]).unwrap();
    assert_eq!(catalogue.bad_totals(MEDIUM).unwrap(), (1, 0));

    // A run that proves nothing mends nothing; one that does ends it.
    catalogue.begin_run(&run(3)).unwrap();
    catalogue.read_back(RunId([3; 16]), MEDIUM, &rows[1..2]).unwrap();
    assert_eq!(catalogue.bad_parts(MEDIUM).unwrap().len(), 1);
    catalogue.prove_run(&ended(run(3)), 3, &[]).unwrap();
    assert_eq!((catalogue.bad_parts(MEDIUM).unwrap(), due()), (vec![], vec![]));
    assert_eq!(catalogue.holes_of(MEDIUM).unwrap(), 0);
}
