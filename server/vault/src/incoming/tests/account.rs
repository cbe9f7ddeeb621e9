//! The ledger of a satellite in the catalogue of the central.

use catalogue::LedgerEnding;
use shared::{LedgerEnd, NotRecorded, Partly};

use super::*;
use crate::News;
use crate::tests::all;

#[test]
fn the_account_of_a_satellite_is_kept_with_its_gaps() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    let incoming = central.incoming();
    let outpost = &satellite.outpost;
    let open = satellite.maker.record(outpost, 1).unwrap();
    let excluded = satellite.maker.record(outpost, 2).unwrap();
    drop(satellite.send(&incoming).unwrap());
    incoming.sync().unwrap();
    let day = "2026-11-22".parse().unwrap();
    let totals = || incoming.vault.ledger_totals(day).unwrap();
    assert_eq!((totals().signalled, totals().open), (2, 2));
    assert_eq!(growing(&*incoming.vault.disk).unwrap().len(), 2);
    // A rule excludes the second: what came of it goes with the word of the ledger.
    let rule = LedgerEnding { end: LedgerEnd::NotRecorded(NotRecorded::Rule), rule: Some(4), at: AT };
    let (file, _, row) = excluded;
    outpost.discard(file, row.facts.ledger_no, rule, "", "").unwrap();
    drop(satellite.send(&incoming).unwrap());
    incoming.sync().unwrap();
    assert_eq!((totals().open, totals().not_recorded), (1, 1));
    assert_eq!(growing(&*incoming.vault.disk).unwrap(), [path_of(WHO, part(1))]);
    // A part that comes before the end of its entry.
    let ledger = |bytes: &[u8], at: u64| incoming.write(WHO, What::Ledger(1), at, bytes);
    let held = incoming.look(WHO, What::Ledger(1), false).unwrap().length;
    drop(outpost.admit(vec![satellite.maker.close(open)]));
    let all_of_it = outpost.read(What::Ledger(1), 0, 1 << 20).unwrap();
    let news = outpost.take_news();
    let sealed = news.iter().find_map(|news| match news {
        News::Stands(file) if file.what == part(1) => file.sealed.map(|digests| (file.bytes, digests)),
        News::Stands(_) | News::Gone(_) => None,
    });
    let (size, digests) = sealed.unwrap();
    let from = incoming.look(WHO, part(1), false).unwrap().length;
    let bytes = outpost.read(part(1), from, 1 << 20).unwrap();
    incoming.write(WHO, part(1), from, &bytes).unwrap();
    assert_eq!(central.take_in(&incoming, &[Whole { who: WHO, what: part(1), size, digests }]), [Ok(0)]);
    assert_eq!(
        all(&incoming.vault)[0].facts.end,
        LedgerEnd::Partly(Partly::Crash),
        "so far it counts as cut"
    );
    assert_eq!(totals().open, 1);
    ledger(&all_of_it[held as usize..], held).unwrap();
    incoming.sync().unwrap();
    assert_eq!(all(&incoming.vault)[0].facts.end, LedgerEnd::Recorded);
    assert_eq!((totals().open, totals().recorded), (0, 1));
    // Records that were taken out.
    for _ in 0..4 {
        outpost.allot(RecordingId([5; 16]), AT).unwrap();
    }
    outpost.commit_ledger().unwrap();
    let more = outpost.read(What::Ledger(1), all_of_it.len() as u64, 1 << 20).unwrap();
    ledger(&more[128..], all_of_it.len() as u64).unwrap();
    let alarms = incoming.alarms();
    assert!(alarms.len() == 1 && alarms[0].text.starts_with("2 numbers are missing"), "{alarms:?}");
    incoming.sync().unwrap();
    assert_eq!(totals().signalled, 4);
    // Started again, it is read again, and changes nothing.
    drop(incoming);
    let incoming = central.incoming();
    assert!(incoming.look(WHO, What::Ledger(1), false).is_ok());
    incoming.sync().unwrap();
    assert_eq!(incoming.vault.ledger_totals(day).unwrap().signalled, 4);
    incoming.look(WHO, What::Ledger(9), false).unwrap();
    assert_eq!(
        why(incoming.write(WHO, What::Ledger(9), 0, &all_of_it)),
        Refusal::Foreign,
        "another file's header"
    );
}
