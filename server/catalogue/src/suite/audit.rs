//! The audit log.

use shared::UtcMicros;

use super::world::id;
use crate::*;

fn entry(n: i64) -> AuditEntry {
    AuditEntry {
        at: UtcMicros(n),
        actor: (n % 2 == 0).then_some(UserId(3)),
        actor_name: if n % 2 == 0 { "Thandi".into() } else { "stranger \0 élan".into() },
        session: (n % 3 == 0).then_some([1; 8]),
        address: "10.0.0.5".into(),
        act: if n % 5 == 0 { "play" } else { "search" },
        object: (n % 5 == 0).then(|| AuditObject::Recording(id(7))),
        outcome: if n % 7 == 0 { Outcome::Refused } else { Outcome::Ok },
        details: "{\"q\":\"x\"}".into(),
    }
}

fn meddle(catalogue: &Catalogue, text: &'static str) {
    let db = catalogue.db.clone();
    catalogue.block(async move { db.writer().await?.run(text, vec![]).await }).unwrap();
}

pub(super) fn the_chain_holds_and_a_change_shows(catalogue: &Catalogue) {
    assert_eq!(catalogue.check_audit().unwrap(), AuditCheck::default());
    for n in 1..=20 {
        assert_eq!(catalogue.audit(&entry(n)).unwrap(), n.unsigned_abs());
    }
    let check = catalogue.check_audit().unwrap();
    assert_eq!((check.checked, check.broken_at), (20, None));
    assert_ne!(check.head, [0; 32]);
    let broken = |text, expected| {
        meddle(catalogue, text);
        assert_eq!(catalogue.check_audit().unwrap().broken_at, expected, "{text}");
    };
    broken("update audit set details = '{}' where number = 12", Some(12));
    broken("update audit set details = '{\"q\":\"x\"}' where number = 12", None);
    broken("update audit set actor = null where number = 10", Some(10));
    broken("update audit set actor = 3 where number = 10", None);
    broken("delete from audit where number = 5", Some(5));
    broken("update audit set number = number - 1 where number = 6", Some(5));
}

pub(super) fn many_at_once_share_commits_and_get_numbers_without_holes(catalogue: &Catalogue) {
    let mut numbers = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8_i64)
            .map(|w| {
                let some = move || {
                    (0..25).map(|n| catalogue.audit(&entry(w * 100 + n)).unwrap()).collect::<Vec<_>>()
                };
                std::thread::Builder::new().spawn_scoped(scope, some).unwrap()
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<u64>>());
    assert_eq!(catalogue.check_audit().unwrap().checked, 200);
}

pub(super) fn pages_are_filtered_and_go_on(catalogue: &Catalogue) {
    for n in 1..=40 {
        catalogue.audit(&entry(n)).unwrap();
    }
    let all = |filter: &AuditFilter| {
        let (mut numbers, mut before) = (Vec::new(), None);
        loop {
            let page = catalogue.audit_page(filter, before, 3).unwrap();
            numbers.extend(page.rows.iter().map(|row| row.number));
            before = page.next;
            if before.is_none() {
                break numbers;
            }
        }
    };
    let any = AuditFilter::default;
    assert_eq!(all(&any()), (1..=40).rev().collect::<Vec<u64>>());
    assert_eq!(all(&AuditFilter { act: Some("play".into()), ..any() }), [40, 35, 30, 25, 20, 15, 10, 5]);
    assert_eq!(
        all(&AuditFilter { object: Some(id(7).to_string()), since: Some(UtcMicros(30)), ..any() }),
        [40, 35, 30]
    );
    assert_eq!(all(&AuditFilter { until: Some(UtcMicros(3)), ..any() }), [2, 1]);
    assert_eq!(all(&AuditFilter { actor: Some("nobody".into()), ..any() }), Vec::<u64>::new());
    let row = &catalogue.audit_page(&any(), Some(3), 1).unwrap().rows[0];
    assert_eq!((row.actor, row.actor_name.as_str(), row.outcome), (Some(UserId(3)), "Thandi", Outcome::Ok));
}
