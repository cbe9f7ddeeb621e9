//! Brakes: what one person, a wrong rule or a day too early could destroy, and does not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use archive::log::{HoldAct, Leaf};
use catalogue::{AuditFilter, CatalogueError, Coverage, HoldOrder, MediaSet, PartyRole, UserId};
use proptest::prelude::*;
use shared::{Day, LocationId, Party};

use super::rules::{changed, keep, loosens};
use super::*;
use crate::purge::tests::world::{
    DAY, LATER, RULES, WELL, add_location, add_medium, archive, archived, id, recorded,
};
use crate::tests::{AT, Site, all};
use crate::{DayKept, Kept, ListedParty};

fn by(user: u64) -> By {
    By { user: Some(UserId(user)), name: format!("user {user}"), at: LATER }
}

fn class(name: &str, min_days: u32, max_days: Option<u32>, extensions: &[&str]) -> RetentionClass {
    let extensions = extensions.iter().map(|text| text.parse().unwrap()).collect();
    RetentionClass {
        name: name.into(),
        min_days,
        max_days,
        coverage: Coverage { extensions, ..Coverage::default() },
    }
}

fn put(class: &RetentionClass) -> PolicyChange {
    PolicyChange::PutClass(class.clone())
}

/// Puts a change into force, with everybody's word.
fn in_force(vault: &Vault, change: &PolicyChange) {
    let row = vault.change_policy(change, [7; 32], &by(1), AT).unwrap();
    if row.step() == PolicyStep::Proposed {
        vault.confirm_policy(row.change_id, &by(2), AT).unwrap();
        vault.apply_policies(AT.plus(DELAY_US)).unwrap();
    }
}

/// Three calls of an extension, three of which nobody knows whose they were.
fn six_calls() -> (Site, Vault) {
    let site = Site::new();
    let vault = site.vault();
    let mut parts = Vec::new();
    for n in 1..=6 {
        let (file, writer, mut row) = site.record(&vault, n).unwrap();
        if n <= 3 {
            row.facts.direction = shared::Direction::In;
            let party = Party { number: "3115".into(), ..Party::default() };
            row.parties.push(catalogue::PartyRow { role: PartyRole::Called, party });
        } else {
            row.facts.direction = shared::Direction::In;
        }
        parts.push(site.close((file, writer, row)));
    }
    assert_eq!(vault.admit(parts).admitted.len(), 6);
    (site, vault)
}

fn day() -> Day {
    "2026-11-22".parse().unwrap()
}

#[test]
fn retention_of_one_day_entered_by_one_administrator_destroys_nothing() {
    let (_site, vault) = six_calls();
    let five_years = class("all", 0, Some(1_826), &["****"]);
    in_force(&vault, &put(&five_years));
    let one_day = put(&class("all", 0, Some(1), &["****"]));
    let preview = vault.preview_policy(&one_day, LATER).unwrap();
    assert_eq!(preview, PolicyPreview { affected: 6, held: 0, more: false }, "shown before anybody decides");
    let row = vault.change_policy(&one_day, [7; 32], &by(1), LATER).unwrap();
    assert_eq!((row.step(), row.affected), (PolicyStep::Proposed, 6));

    // Neither the same person nor a program nor time alone brings it into force.
    assert!(matches!(vault.confirm_policy(row.change_id, &by(1), LATER), Err(VaultError::TwoPersons)));
    let program = By { user: None, ..by(2) };
    assert!(matches!(vault.confirm_policy(row.change_id, &program, LATER), Err(VaultError::TwoPersons)));
    let far = LATER.plus(300 * DAY);
    assert_eq!(vault.apply_policies(far).unwrap(), []);
    assert_eq!(vault.shreddable(day(), far).unwrap().unwrap_err().kept, 6);

    // With a second person, not before 14 days are over.
    let row = vault.confirm_policy(row.change_id, &by(2), far).unwrap();
    assert_eq!((row.step(), row.effective_at), (PolicyStep::Confirmed, Some(far.plus(14 * DAY))));
    let then = far.plus(14 * DAY);
    assert_eq!(vault.apply_policies(then.plus(-1)).unwrap(), []);
    assert_eq!(vault.classes().unwrap(), [five_years]);
    assert_eq!(vault.shreddable(day(), then.plus(-1)).unwrap().unwrap_err().kept, 6);
    assert_eq!(vault.apply_policies(then).unwrap()[0].step(), PolicyStep::Applied);
    assert_eq!(vault.shreddable(day(), then).unwrap().unwrap().recordings(), 6);
    let leaf = Leaf::parse(&vault.leaf(vault.check_log().unwrap().0 - 1).unwrap().unwrap()).unwrap();
    let Act::Policy { what, affected, effective, second, .. } = leaf.act else { panic!("another leaf") };
    let said = (what, affected, effective, second[15]);
    assert_eq!(
        (said, leaf.actor[15]),
        ((PolicyKind::Retention, 6, then, 2), 1),
        "said by both before it was done"
    );
}

#[test]
fn anybody_may_cancel_and_a_rule_changed_meanwhile_is_not_undone() {
    let (_site, vault) = six_calls();
    in_force(&vault, &put(&class("all", 0, Some(100), &["****"])));
    let propose = |max| {
        let row = vault
            .change_policy(&put(&class("all", 0, Some(max), &["****"])), [7; 32], &by(1), LATER)
            .unwrap();
        vault.confirm_policy(row.change_id, &by(2), LATER).unwrap();
        row.change_id
    };
    let (first, second) = (propose(1), propose(2));
    vault.cancel_policy(first, &by(3)).unwrap();
    assert!(vault.confirm_policy(first, &by(2), LATER).is_err(), "cancelled is cancelled");
    // Somebody lengthens it, which needs nobody else: the shorter one is off.
    let longer =
        vault.change_policy(&put(&class("all", 0, Some(200), &["****"])), [7; 32], &by(3), LATER).unwrap();
    assert_eq!(longer.step(), PolicyStep::Applied);
    assert_eq!(vault.apply_policies(LATER.plus(20 * DAY)).unwrap()[0].step(), PolicyStep::Cancelled);
    assert_eq!(vault.classes().unwrap()[0].max_days, Some(200));
    let steps: Vec<_> = vault.policies(9).unwrap().iter().map(|row| (row.change_id, row.step())).collect();
    assert_eq!(steps[1..3], [(second, PolicyStep::Cancelled), (first, PolicyStep::Cancelled)]);
    let nonsense =
        |class: RetentionClass| vault.change_policy(&put(&class), [7; 32], &by(1), LATER).unwrap_err();
    assert!(matches!(nonsense(class("x", 9, Some(8), &[])), VaultError::Catalogue(CatalogueError::Days)));
    assert!(matches!(
        nonsense(class(" ", 0, None, &[])),
        VaultError::Catalogue(CatalogueError::Length { .. })
    ));
}

#[test]
fn calls_without_a_user_fall_in_the_longest_class_whatever_the_rule_says() {
    let (_site, vault) = six_calls();
    in_force(&vault, &put(&class("trading", 30, Some(2_557), &["7***"])));
    in_force(&vault, &put(&class("office", 0, Some(10), &["3***"])));
    in_force(&vault, &put(&class("everybody", 0, Some(1), &[])));
    let kept = |n| vault.keep_of(id(n)).unwrap().unwrap();
    assert_eq!(kept(1), Keep { min_days: 0, max_days: Some(10) }, "the longest that covers it");
    assert_eq!(kept(5), Keep { min_days: 30, max_days: Some(2_557) }, "nobody's extension had part in it");
    assert_eq!(vault.keep_of(id(9)).unwrap(), None);
    let one = vault.shreddable(day(), LATER).unwrap().unwrap_err();
    assert_eq!(one, DayKept { held: vec![], kept: 3 });
    let none = Site::new();
    let vault = none.vault();
    recorded(&none, &vault, 1);
    assert_eq!(vault.keep_of(id(1)).unwrap().unwrap().max_days, None, "without any class for ever");
}

fn order(n: u8, coverage: Coverage) -> HoldOrder {
    HoldOrder {
        hold_id: [n; 16],
        reason: "case 12".into(),
        owner: "the lawyers".into(),
        review: Some("2027-01-31".parse().unwrap()),
        coverage,
        salt: [n; 32],
        placed: by(4),
        released: None,
        release_reason: String::new(),
    }
}

#[test]
fn a_rule_that_would_destroy_held_calls_is_blocked_told_and_logged() {
    let (_site, vault) = six_calls();
    in_force(&vault, &put(&class("all", 0, Some(100), &["****"])));
    vault.hold(id(2), "a case", None, &by(4)).unwrap();
    vault.place_hold(&order(1, Coverage { number: Some("0005".into()), ..Coverage::default() })).unwrap();
    let bug = put(&class("all", 0, Some(1), &["****"]));
    assert_eq!(
        vault.preview_policy(&bug, LATER).unwrap(),
        PolicyPreview { affected: 6, held: 2, more: false }
    );
    in_force(&vault, &bug);
    let blocked = vault.shreddable(day(), LATER).unwrap().unwrap_err();
    assert_eq!((blocked.held.len(), blocked.kept), (2, 0));
    assert!(blocked.held.contains(&id(2)) && blocked.held.contains(&id(5)));
    let filter = AuditFilter { act: Some("retention-blocked".into()), ..AuditFilter::default() };
    let noted = vault.audit_page(&filter, None, 9).unwrap().rows;
    assert_eq!((noted.len(), noted[0].details.as_str()), (1, r#"{"day":"2026-11-22","held":2}"#));

    // Only when both are released the day may go.
    vault.release(id(2), "closed", &by(4)).unwrap();
    assert!(vault.release_hold([1; 16], " ", &by(4), None).is_err(), "with a reason only");
    vault.release_hold([1; 16], "closed", &by(4), Some(&by(5))).unwrap();
    assert!(vault.release_hold([1; 16], "again", &by(4), None).is_err());
    assert!(vault.shreddable(day(), LATER).unwrap().is_ok());
    let mut said = Vec::new();
    for n in 0..vault.check_log().unwrap().0 {
        if let Act::Hold { action, second, hold_id, .. } =
            Leaf::parse(&vault.leaf(n).unwrap().unwrap()).unwrap().act
        {
            said.push((hold_id[0], action, second[15]));
        }
    }
    let expected =
        [(2, HoldAct::Place, 0), (1, HoldAct::Place, 0), (2, HoldAct::Release, 0), (1, HoldAct::Release, 5)];
    assert_eq!(said, expected);
}

#[test]
fn a_hold_by_order_covers_calls_to_come_and_keeps_them_live() {
    let (site, vault, shelf) = archived();
    let owned = Coverage { number: Some("5550".into()), since: Some(AT), ..Coverage::default() };
    assert_eq!(vault.count_covered(&owned).unwrap().n, 3);
    vault.place_hold(&order(1, owned)).unwrap();
    vault.place_hold(&order(2, Coverage { taps: vec!["another".into()], ..Coverage::default() })).unwrap();
    let part = site.close(site.record(&vault, 9).unwrap());
    assert_eq!(vault.admit(vec![part]).admitted.len(), 1);
    for n in [1, 9] {
        assert_eq!(vault.purgeable(id(n), RULES, LATER).unwrap().unwrap_err(), Kept::Held);
        assert_eq!(vault.holds_on(id(n)).unwrap().len(), 1);
    }
    assert_eq!(vault.holds_to_review("2027-01-30".parse().unwrap()).unwrap().len(), 0);
    assert_eq!(vault.holds_to_review("2027-01-31".parse().unwrap()).unwrap().len(), 2);
    vault.change_hold([1; 16], "new lawyers", Some("2028-01-31".parse().unwrap()), &by(4)).unwrap();
    assert_eq!(vault.hold_orders().unwrap().iter().filter(|o| o.owner == "new lawyers").count(), 1);
    vault.release_hold([1; 16], "closed", &by(4), None).unwrap();
    assert!(vault.purgeable(id(1), RULES, LATER).unwrap().is_ok());
    let said = |coverage: Coverage| vault.place_hold(&order(3, coverage)).unwrap_err();
    assert!(matches!(
        said(Coverage { number: Some("+ -".into()), ..Coverage::default() }),
        VaultError::Catalogue(CatalogueError::Length { .. })
    ));
    drop(shelf);
}

#[test]
fn a_location_counts_until_two_persons_and_fourteen_days_took_it_away() {
    let (_site, vault, _shelf) = archived();
    add_location(&vault, 3, MediaSet::All);
    let third = LocationId([3; 16]);
    let is_free = || vault.purgeable(id(1), RULES, LATER).unwrap().is_ok();
    assert!(!is_free(), "nothing lies there");
    let gone = PolicyChange::RemoveLocation(third);
    let row = vault.change_policy(&gone, [7; 32], &by(1), LATER).unwrap();
    assert_eq!(row.affected, 3);
    vault.confirm_policy(row.change_id, &by(2), LATER).unwrap();
    assert!(vault.apply_policies(LATER.plus(14 * DAY - 1)).unwrap().is_empty() && !is_free());
    vault.apply_policies(LATER.plus(14 * DAY)).unwrap();
    assert!(is_free());
    assert_eq!(vault.locations().unwrap().len(), 2);
    assert!(vault.change_policy(&gone, [7; 32], &by(1), LATER).is_err(), "it is gone");
}

#[test]
fn needing_fewer_media_waits_and_needing_more_does_not() {
    let (_site, vault, shelf) = archived();
    let first = LocationId([1; 16]);
    let is_free = || vault.purgeable(id(1), RULES, LATER).unwrap().is_ok();
    let change =
        |set| vault.change_policy(&PolicyChange::SetMedia(first, set), [7; 32], &by(1), LATER).unwrap();
    add_medium(&vault, 5, 1);
    assert!(is_free(), "one of its media is enough");
    assert_eq!(change(MediaSet::All).step(), PolicyStep::Applied);
    assert!(!is_free());
    let row = change(MediaSet::Any);
    assert_eq!(row.step(), PolicyStep::Proposed);
    vault.confirm_policy(row.change_id, &by(2), LATER).unwrap();
    assert!(!is_free());
    vault.apply_policies(LATER.plus(14 * DAY)).unwrap();
    assert!(is_free());
    change(MediaSet::All);
    archive(&vault, &shelf, 5, WELL);
    assert!(is_free(), "each holds it");
}

fn a_class() -> impl Strategy<Value = RetentionClass> {
    let names = prop::sample::select(vec!["a", "b", "c"]);
    let max = prop_oneof![1 => Just(None), 4 => (5_u32..9).prop_map(Some)];
    let patterns = prop::sample::subsequence(vec!["1", "2", "*"], 0..3);
    (names, 0_u32..5, max, patterns).prop_map(|(name, min, max, patterns)| class(name, min, max, &patterns))
}

fn a_change() -> impl Strategy<Value = PolicyChange> {
    let names = prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        5 => a_class().prop_map(PolicyChange::PutClass),
        1 => names.prop_map(|name| PolicyChange::RemoveClass(name.to_owned()))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// Whatever is changed: what one person may do alone lets no call go earlier.
    #[test]
    fn a_change_that_does_not_wait_shortens_nothing(
        made in prop::collection::vec(a_class(), 0..4),
        change in a_change(),
    ) {
        let classes = made.iter().fold(Vec::new(), |classes, class| changed(&classes, &put(class)));
        if loosens(&change, &classes, &[]) {
            return Ok(());
        }
        let new = changed(&classes, &change);
        for extension in ["", "1", "2", "3", "44"] {
            let call = listed(extension);
            let (before, after) = (keep(&classes, &call), keep(&new, &call));
            let days = |max: Option<u32>| max.unwrap_or(u32::MAX);
            prop_assert!(after.min_days >= before.min_days && days(after.max_days) >= days(before.max_days));
        }
    }
}

/// A call at an extension.
fn listed(extension: &str) -> Listed {
    thread_local! {
        static CALL: Listed = {
            let site = Site::new();
            let vault = site.vault();
            recorded(&site, &vault, 1);
            Listed::from(&all(&vault)[0])
        };
    }
    let mut call = CALL.with(Clone::clone);
    call.parties = vec![ListedParty { extension: extension.into(), ..ListedParty::default() }];
    call
}
