//! Holds by order and rules about keeping.

use shared::{Direction, UtcMicros};

use super::archive::{location, set_up};
use super::world::{Made, by, enter, found, id};
use crate::*;

fn order(n: u8, coverage: Coverage) -> HoldOrder {
    HoldOrder {
        hold_id: [n; 16],
        reason: "case 12".into(),
        owner: "the lawyers".into(),
        review: Some("2027-01-31".parse().unwrap()),
        coverage,
        salt: [n; 32],
        placed: by(),
        released: None,
        release_reason: String::new(),
    }
}

pub(super) fn a_hold_by_order_covers_what_a_search_by_it_finds(catalogue: &Catalogue) {
    let made: Vec<Made> = (1..=12)
        .map(|n| Made {
            tap: if n % 3 == 0 { "radio" } else { "main" },
            direction: if n % 4 == 0 { Direction::Out } else { Direction::In },
            ..Made::new(n)
        })
        .collect();
    enter(catalogue, &made);
    catalogue.add_tag(id(5), "Court", &by()).unwrap();
    let any = Coverage::default;
    let coverages = [
        any(),
        Coverage { number: Some("555 00-05".into()), ..any() },
        Coverage { number: Some("301".into()), ..any() },
        Coverage { tag: Some("COURT".into()), ..any() },
        Coverage { taps: vec!["radio".into()], since: Some(UtcMicros(300_000_000)), ..any() },
        Coverage { extensions: vec!["3001-3006".parse().unwrap(), "300*".parse().unwrap()], ..any() },
        Coverage { until: Some(UtcMicros(300_000_000)), ..any() },
        Coverage { taps: vec!["nowhere".into()], ..any() },
    ];
    for (n, coverage) in (1..).zip(coverages) {
        let (scope, search) = coverage.asked();
        let searched = found(catalogue, &search, &scope);
        let covers = |n: &u32| coverage.covers(&catalogue.recording(id(*n)).unwrap().unwrap());
        let covered: Vec<u64> = (1..=12).filter(covers).map(u64::from).collect();
        assert_eq!(searched, covered, "{coverage:?}");
        catalogue.place_hold(&order(n, coverage.clone())).unwrap();
        let is_held = |n: &u32| catalogue.standing(id(*n)).unwrap().unwrap().is_held;
        let held: Vec<u64> = (1..=12).filter(is_held).map(u64::from).collect();
        assert_eq!(held, covered, "{coverage:?}");
        assert_eq!(catalogue.hold_orders().unwrap()[0], order(n, coverage));
        catalogue.release_hold([n; 16], "closed", &by()).unwrap();
        assert!(!is_held(&1), "released");
    }
    let last = catalogue.hold_orders().unwrap().remove(0);
    assert_eq!((last.released, last.release_reason.as_str()), (Some(by()), "closed"));
    assert!(matches!(catalogue.release_hold([1; 16], "x", &by()), Err(CatalogueError::NotThere { .. })));
    assert!(matches!(catalogue.place_hold(&order(1, any())), Err(CatalogueError::Taken { .. })));
}

pub(super) fn a_change_of_a_rule_is_applied_once_and_in_its_time(catalogue: &Catalogue) {
    set_up(catalogue);
    catalogue.add_location(&location(8, "nas")).unwrap();
    let class = RetentionClass {
        name: "office".into(),
        min_days: 1,
        max_days: Some(90),
        coverage: Coverage { taps: vec!["main".into()], ..Coverage::default() },
    };
    let changes = [
        PolicyChange::PutClass(class.clone()),
        PolicyChange::RemoveLocation(location(8, "nas").location_id),
        PolicyChange::SetMedia(location(6, "usb").location_id, MediaSet::All),
    ];
    for (n, change) in (1..).zip(&changes) {
        let row = catalogue.propose_policy(change, 7, [n; 32], &by()).unwrap();
        assert_eq!(
            (&row.change, row.step(), row.affected, &row.proposed),
            (change, PolicyStep::Proposed, 7, &by())
        );
        let row = catalogue.confirm_policy(row.change_id, 8, &by(), UtcMicros(i64::from(n) * 100)).unwrap();
        assert_eq!((row.step(), row.affected), (PolicyStep::Confirmed, 8));
        assert!(matches!(
            catalogue.confirm_policy(row.change_id, 8, &by(), UtcMicros(1)),
            Err(CatalogueError::NotThere { .. })
        ));
    }
    assert!(
        catalogue.apply_policies(UtcMicros(99)).unwrap().is_empty()
            && catalogue.classes().unwrap().is_empty()
    );
    assert_eq!(catalogue.apply_policies(UtcMicros(200)).unwrap().len(), 2);
    assert_eq!(catalogue.classes().unwrap(), [class]);
    assert_eq!(catalogue.locations().unwrap(), [location(6, "usb")]);
    assert_eq!(catalogue.apply_policies(UtcMicros(999)).unwrap().len(), 1);
    assert_eq!(catalogue.locations().unwrap()[0].set, MediaSet::All);
    assert_eq!(catalogue.apply_policies(UtcMicros(999)).unwrap(), []);
    assert!(
        catalogue.cancel_policy(catalogue.policies(1).unwrap()[0].change_id, &by()).is_err(),
        "it is in force"
    );
    let none = PolicyChange::RemoveClass("nothing".into());
    assert!(matches!(
        catalogue.propose_policy(&none, 0, [0; 32], &by()),
        Err(CatalogueError::NotThere { .. })
    ));
    let gone = PolicyChange::RemoveClass("office".into());
    let row = catalogue.propose_policy(&gone, 0, [0; 32], &by()).unwrap();
    assert_eq!(catalogue.cancel_policy(row.change_id, &by()).unwrap().step(), PolicyStep::Cancelled);
}
