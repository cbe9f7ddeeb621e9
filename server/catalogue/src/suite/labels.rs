//! What people write on recordings.

use shared::UtcMicros;

use super::world::{Made, by, enter, found, id};
use crate::*;

pub(super) fn labels_are_kept_with_their_history(catalogue: &Catalogue) {
    enter(catalogue, &[Made::new(1)]);
    catalogue.add_tag(id(1), " sale ", &by()).unwrap();
    catalogue.add_tag(id(1), "sale", &by()).unwrap();
    catalogue.add_tag(id(1), "angry", &by()).unwrap();
    let whole = catalogue.add_note(id(1), None, "on the whole", &by()).unwrap();
    let moment = catalogue.add_note(id(1), Some(5_000_000), "here he agrees", &by()).unwrap();
    catalogue.edit_note(id(1), moment, "here he refuses", &By { at: UtcMicros(88), ..by() }).unwrap();
    catalogue.set_text(id(1), Field::Subject, "old", &by()).unwrap();
    catalogue.set_text(id(1), Field::Subject, "new", &by()).unwrap();
    let labels = catalogue.recording(id(1)).unwrap().unwrap().labels;
    assert_eq!((labels.subject.as_str(), labels.comment.as_str()), ("new", ""));
    assert_eq!(labels.tags, ["angry", "sale"]);
    let notes: Vec<_> = labels.notes.iter().map(|n| (n.id, n.at_us, n.text.as_str(), n.edited_at)).collect();
    assert_eq!(
        notes,
        [
            (whole, None, "on the whole", None),
            (moment, Some(5_000_000), "here he refuses", Some(UtcMicros(88)))
        ]
    );
    catalogue.remove_note(id(1), whole, &by()).unwrap();
    let history = catalogue.label_history(id(1)).unwrap();
    let changes: Vec<_> =
        history.iter().map(|c| (c.what.as_str(), c.before.as_str(), c.after.as_str())).collect();
    assert_eq!(
        changes,
        [
            ("tag", "", "sale"),
            ("tag", "", "angry"),
            ("note", "", "on the whole"),
            ("note", "", "here he agrees"),
            ("note", "here he agrees", "here he refuses"),
            ("subject", "", "old"),
            ("subject", "old", "new"),
            ("note", "on the whole", ""),
        ]
    );
    assert_eq!(history[0].by, by());
}

pub(super) fn labels_lead_to_their_recording_until_they_go(catalogue: &Catalogue) {
    enter(catalogue, &(1..=5).map(Made::new).collect::<Vec<_>>());
    let tagged = Search { tag: Some("vip".into()), ..Search::default() };
    let worded = Search { words: Some("vip".into()), ..Search::default() };
    let list = |search: &Search| found(catalogue, search, &Scope::default());
    catalogue.add_tag(id(2), "VIP", &by()).unwrap();
    catalogue.set_text(id(3), Field::Comment, "a vip", &by()).unwrap();
    assert_eq!((list(&tagged), list(&worded)), (vec![2], vec![2, 3]));
    catalogue.set_text(id(2), Field::Subject, "vip", &by()).unwrap();
    catalogue.remove_tag(id(2), "VIP", &by()).unwrap();
    assert_eq!((list(&tagged), list(&worded)), (vec![], vec![2, 3]));
    catalogue.set_text(id(2), Field::Subject, "", &by()).unwrap();
    catalogue.set_text(id(3), Field::Comment, "nobody", &by()).unwrap();
    assert_eq!(list(&worded), Vec::<u64>::new());
}

pub(super) fn a_hold_is_found_and_released(catalogue: &Catalogue) {
    enter(catalogue, &(1..=3).map(Made::new).collect::<Vec<_>>());
    let day = "2027-01-31".parse().unwrap();
    catalogue.hold(id(2), "first", None, &by()).unwrap();
    catalogue.hold(id(2), "case 12", Some(day), &by()).unwrap();
    let hold = catalogue.recording(id(2)).unwrap().unwrap().labels.hold.unwrap();
    assert_eq!((hold.reason.as_str(), hold.by.as_str(), hold.review), ("case 12", "Thandi", Some(day)));
    let held = |on| found(catalogue, &Search { held: Some(on), ..Search::default() }, &Scope::default());
    assert_eq!((held(true), held(false)), (vec![2], vec![1, 3]));
    catalogue.release(id(2), "closed", &by()).unwrap();
    assert_eq!((held(true), held(false)), (vec![], vec![1, 2, 3]));
    assert!(matches!(catalogue.release(id(2), "again", &by()), Err(CatalogueError::NotThere { .. })));
    assert_eq!(catalogue.label_history(id(2)).unwrap().len(), 3);
}

pub(super) fn labels_of_nothing_and_texts_without_end_are_refused(catalogue: &Catalogue) {
    enter(catalogue, &[Made::new(1)]);
    let there = |done: Result<()>| assert!(matches!(done, Err(CatalogueError::NotThere { .. })), "{done:?}");
    there(catalogue.add_tag(id(9), "x", &by()));
    there(catalogue.remove_tag(id(1), "x", &by()));
    there(catalogue.edit_note(id(1), NoteId(4), "x", &by()));
    there(catalogue.remove_note(id(1), NoteId(4), &by()));
    there(catalogue.hold(id(9), "x", None, &by()));
    let long = |done: Result<()>| assert!(matches!(done, Err(CatalogueError::Length { .. })), "{done:?}");
    long(catalogue.add_tag(id(1), " ", &by()));
    long(catalogue.add_tag(id(1), &"é".repeat(65), &by()));
    long(catalogue.add_note(id(1), None, &"x".repeat(4_001), &by()).map(drop));
    long(catalogue.set_text(id(1), Field::Comment, &"x".repeat(4_001), &by()));
    assert_eq!(catalogue.label_history(id(1)).unwrap(), []);
    // Notes of one recording cannot be reached through another.
    enter(catalogue, &[Made::new(2)]);
    let note = catalogue.add_note(id(1), None, "mine", &by()).unwrap();
    there(catalogue.edit_note(id(2), note, "yours", &by()));
}

pub(super) fn what_is_marked_while_a_call_goes_on_hangs_on_its_recording(catalogue: &Catalogue) {
    let mark = |n, at_us, text: &str| catalogue.add_early_note(id(n), at_us, text, &by()).unwrap();
    assert!(matches!(mark(1, Some(2_000_000), "here"), Noted::Early(_)));
    assert!(matches!(mark(1, None, "on the whole"), Noted::Early(_)));
    assert!(matches!(mark(2, Some(1), "another call"), Noted::Early(_)));
    assert!(catalogue.recording(id(1)).unwrap().is_none(), "there is no recording yet");
    enter(catalogue, &[Made::new(1), Made::new(3)]);
    let notes = |n| -> Vec<(Option<u64>, String, String, UtcMicros)> {
        let labels = catalogue.recording(id(n)).unwrap().unwrap().labels;
        labels.notes.into_iter().map(|n| (n.at_us, n.text, n.author, n.written_at)).collect()
    };
    let note = |at_us, text: &str| (at_us, text.to_owned(), by().name, by().at);
    assert_eq!(notes(1), [note(None, "on the whole"), note(Some(2_000_000), "here")]);
    assert_eq!(notes(3), []);
    let history = catalogue.label_history(id(1)).unwrap();
    assert_eq!(history.iter().map(|c| c.after.as_str()).collect::<Vec<_>>(), ["here", "on the whole"]);
    assert_eq!((history[0].what.as_str(), &history[0].by), ("note", &by()));
    // Its call goes on in a next part: the recording is there and takes notes itself; entering it again adds nothing.
    assert!(matches!(mark(1, Some(9), "again"), Noted::Note(_)));
    enter(catalogue, &[Made { part: 1, ..Made::new(1) }, Made::new(1)]);
    assert_eq!(notes(1).len(), 3);
    enter(catalogue, &[Made::new(2)]);
    assert_eq!(notes(2), [note(Some(1), "another call")]);
    // Not without end, and not of any length.
    for n in 0..500 {
        mark(4, Some(n), "x");
    }
    let refused = catalogue.add_early_note(id(4), None, "one more", &by());
    assert!(matches!(refused, Err(CatalogueError::ManyNotes { max: 500 })), "{refused:?}");
    for odd in ["", &"x".repeat(4_001)] {
        let refused = catalogue.add_early_note(id(5), None, odd, &by());
        assert!(matches!(refused, Err(CatalogueError::Length { .. })), "{refused:?}");
    }
}
