//! A database that comes from a backup believes less than it did.

use super::archive::{MEDIUM, ended, logged, read_back, run, set_up};
use crate::*;

pub(super) fn a_database_from_a_backup_believes_less(catalogue: &Catalogue) {
    set_up(catalogue);
    logged(catalogue, &[0, 1, 4_095, 4_096, 9_000]);
    catalogue.begin_run(&run(1)).unwrap();
    let due = catalogue.due(MEDIUM, None, 1_000).unwrap();
    let rows: Vec<ReadBackRow> = due.iter().take(2).map(read_back).collect();
    catalogue.read_back(run(1).run_id, MEDIUM, &rows).unwrap();
    catalogue.prove_run(&ended(run(1)), 2, &[]).unwrap();
    let level = || catalogue.proofs_of(due[0].recording_id).unwrap()[0].read_back.level;
    assert_eq!((level(), catalogue.next_generation("keys").unwrap()), (3, 1));

    // The archive's log ends after 4,096 leaves.
    assert_eq!(catalogue.after_restore(4_096, false).unwrap(), 2);
    assert_eq!(level(), 1, "its presence is believed, until it was read again");
    assert!(
        catalogue.next_generation("keys").unwrap() > 10_000,
        "numbers of after the backup are never given again"
    );
    assert_eq!((catalogue.leaves_known().unwrap(), catalogue.leaves_of_parts().unwrap()), (4_096, 4_096));
    // Nothing asks for leaves that the log does not have, also where it could not be brought back at all.
    let waiting = catalogue.unlogged(10).unwrap();
    assert_eq!(waiting, [(due[3].recording_id, 0), (due[4].recording_id, 0)]);
    assert_eq!(catalogue.due_totals(MEDIUM).unwrap().0, 1);
    // They get new leaves, and are due again.
    catalogue.note_leaves(vec![(waiting[0], 4_096), (waiting[1], 4_097)]).unwrap();
    assert_eq!(catalogue.due_totals(MEDIUM).unwrap().0, 3);
    assert_eq!(catalogue.after_restore(5_000, true).unwrap(), 0, "twice is once");
    assert_eq!(catalogue.after_restore(0, true).unwrap(), 5);
    assert_eq!(catalogue.leaves_known().unwrap(), 0);
}
