//! Leaves of the log beside the parts they tell of.

use super::world::Made;
use crate::Catalogue;

pub(super) fn a_part_has_its_leaf_or_waits_for_one(catalogue: &Catalogue) {
    let (mut with, without) = (Made::new(1).row(), Made::new(2).row());
    with.leaf = Some(41);
    let key = |row: &crate::RecordingRow| (row.facts.recording_id, row.part.part);
    let (told, waits) = (key(&with), key(&without));
    assert_eq!(catalogue.leaves_known().unwrap(), 0);
    catalogue.insert_batch(vec![with.clone(), without], vec![]).unwrap();
    assert_eq!(catalogue.leaf_of(told).unwrap(), Some(41));
    assert_eq!(catalogue.leaf_of(waits).unwrap(), None);
    assert_eq!(catalogue.unlogged(10).unwrap(), [waits]);
    assert_eq!(catalogue.leaves_known().unwrap(), 42);

    // Entered again, a part keeps its first leaf.
    with.leaf = Some(50);
    catalogue.insert_batch(vec![with], vec![]).unwrap();
    assert_eq!(catalogue.leaf_of(told).unwrap(), Some(41));

    catalogue.note_leaves(vec![(waits, 42)]).unwrap();
    assert_eq!(catalogue.leaf_of(waits).unwrap(), Some(42));
    assert!(catalogue.unlogged(10).unwrap().is_empty());
    // A leaf of nothing is refused, whole.
    let nobody = (shared::RecordingId([0xee; 16]), 0);
    assert!(catalogue.note_leaves(vec![(nobody, 43)]).is_err());
    assert_eq!(catalogue.leaves_known().unwrap(), 43);
}
