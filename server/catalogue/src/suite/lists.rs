//! A list shows what its recordings say, whatever happened to them.

use shared::{Event, GapTotals, Track};

use super::world::{Made, by, enter, found, id};
use crate::*;

/// Lists everything and holds each row against the tables of which it is a copy.
fn check(catalogue: &Catalogue) -> Vec<Listed> {
    let search = Search { oldest_first: true, ..Search::default() };
    let listed = catalogue.search(&search, &Scope::default()).unwrap().recordings;
    for row in &listed {
        let whole = catalogue.recording(row.facts.recording_id).unwrap().unwrap();
        assert_eq!(*row, Listed::from(&whole));
        assert_eq!((row.has_gap(), row.duration_us()), (whole.has_gap(), whole.duration_us()));
    }
    listed
}

pub(super) fn a_list_shows_what_its_recordings_say(catalogue: &Catalogue) {
    let mut odd = Made { other: Some("3777".into()), ..Made::new(2) };
    odd.caller = ("Zoë \"the \\ voice\", [x]", "+27 (82) \0 555".into());
    enter(catalogue, &[Made { lost: 7, ..Made::new(1) }, odd, Made::new(3)]);
    let listed = check(catalogue);
    assert_eq!(listed[0].tracks[0].missing, 7, "silence is not missing");
    assert_eq!(listed[1].parties.len(), 3);

    for change in 0..8 {
        match change {
            0 => catalogue.add_tag(id(2), "sale", &by()).unwrap(),
            1 => catalogue.add_tag(id(2), "\"angry\" \0", &by()).unwrap(),
            2 => catalogue.set_text(id(2), Field::Subject, "a subject", &by()).unwrap(),
            3 => catalogue.set_text(id(2), Field::Comment, "a comment", &by()).unwrap(),
            4 => catalogue.set_text(id(2), Field::ExternalReference, "C-77", &by()).unwrap(),
            5 => catalogue.hold(id(2), "a case", None, &by()).unwrap(),
            6 => catalogue.remove_tag(id(2), "sale", &by()).unwrap(),
            _ => catalogue.release(id(2), "closed", &by()).unwrap(),
        }
        let listed = check(catalogue);
        assert_eq!(listed[1].held, change == 5 || change == 6, "{change}");
    }

    // Further parts: the same tracks again, another codec, a flag, another party, and an earlier start.
    let mut again = Made { part: 1, at_s: 200, lost: 5, ..Made::new(1) }.row();
    again.part.flags = 1;
    let mut other = Made { part: 2, at_s: 300, other: Some("3999".into()), ..Made::new(1) }.row();
    other.part.flags = 2;
    other.legs.push(LegRow {
        part: 2,
        track: Track {
            track: 1,
            codec: "AMR".into(),
            clock_hz: 8_000,
            channels: 1,
            fmtp: "octet-align=1".into(),
            ..Track::default()
        },
        samples: 1,
        gaps: GapTotals([0, 0, 0, 2, 0, 1]),
    });
    let early = Made { part: 3, at_s: 30, ..Made::new(1) }.row();
    for (row, flags, kinds) in [(again.clone(), 1, 1), (again, 1, 1), (other, 3, 2), (early, 3, 2)] {
        catalogue.insert_batch(vec![row], vec![]).unwrap();
        let listed = check(catalogue);
        assert_eq!((listed[0].flags, listed[0].tracks.len()), (flags, kinds));
    }
    let listed = check(catalogue);
    assert_eq!((listed[0].tracks[0].missing, listed[0].tracks[1].missing), (12, 3));
    assert_eq!(listed.iter().map(|row| row.heard).max(), Some(Heard::Both));

    // What the recorder marked, in a later part, too.
    let mut one_way = Made::new(4).row();
    one_way.events.push(Event::new("one_way", 5));
    let mut silent = Made { part: 4, at_s: 400, ..Made::new(1) }.row();
    silent.events.push(Event::new("silent", 5));
    catalogue.insert_batch(vec![one_way, silent], vec![]).unwrap();
    let heard: Vec<Heard> = check(catalogue).iter().map(|row| row.heard).collect();
    assert_eq!(heard, [Heard::Silent, Heard::Both, Heard::Both, Heard::OneWay]);
    let listed = check(catalogue);
    assert_eq!(listed[0].parties.len(), 3);
}

pub(super) fn numbers_of_any_length_are_found_by_any_part(catalogue: &Catalogue) {
    let mut made: Vec<Made> = (1..=3).map(Made::new).collect();
    made[0].caller.1 = "123456789012345678901234567890".into();
    made[1].caller.1 = "sip-user.with.a.long.name@host.example:5060".into();
    made[2].caller.1 = "1111111111111111111111".into();
    enter(catalogue, &made);
    let check = |number: &str, expected: &[u64]| {
        let search = Search { number: Some(number.into()), ..Search::default() };
        assert_eq!(found(catalogue, &search, &Scope::default()), expected, "{number}");
    };
    check("123456789012345678901234567890", &[1]);
    check("1234567890123456789012345678901", &[]);
    check("56789012345678901", &[1]);
    check("5678901234567890123x", &[]);
    check("7890", &[1]);
    check("0", &[1, 2, 3]);
    check("name@host", &[2]);
    check("sip-user.with.a.long.name@host.example:5060", &[2]);
    check(":5060", &[2]);
    check("1111111111111111", &[3]);
    check("11111111111111111", &[3]);
    check("11111111111111111111111", &[]);
}
