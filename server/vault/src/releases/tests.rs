//! No login is seen that is not entered, wherever the power goes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::sync::Arc;

use archive::log::Leaf;
use catalogue::{AuditFilter, Catalogue, UserId};

use super::*;
use crate::tests::{AT, Site, config, key};
use crate::{Use, VaultError};

fn release() -> LoginRelease {
    LoginRelease {
        day: "2026-11-22".parse().unwrap(),
        lane: b'a',
        receiver: "the auditor".into(),
        reason: "ticket 4711".into(),
        salt: [5; 32],
        by: By { user: Some(UserId(3)), name: "alice".into(), at: AT },
        session: Some([9; 8]),
        address: "192.0.2.1".into(),
    }
}

/// Every release of the log, by its leaf.
fn leaves(vault: &Vault) -> Vec<(u64, Act)> {
    let count = vault.check_log().unwrap().0;
    let leaf = |n| Leaf::parse(&vault.leaf(n).unwrap().unwrap()).unwrap().act;
    (0..count).map(|n| (n, leaf(n))).filter(|(_, act)| matches!(act, Act::KeyRelease { .. })).collect()
}

#[test]
fn a_release_says_who_and_why_to_whoever_has_the_salt_and_to_nobody_else() {
    let site = Site::new();
    let vault = site.vault();
    let released = vault.release_login(&release()).unwrap();
    assert_eq!((released.day(), released.lane(), released.leaf()), (release().day, b'a', 0));
    let [(0, Act::KeyRelease { date: 20_261_122, lane: b'a', flags: 0, receiver, ticket })] =
        leaves(&vault)[..]
    else {
        panic!("{:?}", leaves(&vault))
    };
    assert_eq!(receiver, salted(&[5; 32], "the auditor"));
    assert_eq!(ticket, salted(&[5; 32], "ticket 4711"));
    let page = vault.audit_page(&AuditFilter::default(), None, 10).unwrap();
    let row = &page.rows[0];
    assert_eq!((row.act.as_str(), row.actor_name.as_str()), (RELEASE_ACT, "alice"));
    assert_eq!(row.object.as_ref().map(ToString::to_string).as_deref(), Some("2026-11-22"));
    for word in ["the auditor", "ticket 4711", &"05".repeat(32), "\"leaf\":0"] {
        assert!(row.details.contains(word), "{word} is missing in {}", row.details);
    }
}

#[test]
fn cut_at_every_step_no_login_is_seen_without_its_leaf() {
    let mut refused = 0;
    for cut in 0.. {
        let site = Site::new();
        let vault = site.vault();
        site.disk.cut_after(cut);
        let released = vault.release_login(&release()).ok();
        drop(vault);
        let site = Site { disk: site.disk.reboot(cut * 31 + 7), ..site };
        let vault = site.vault();
        let entered = leaves(&vault);
        let Some(released) = released else {
            refused += 1;
            let page = vault.audit_page(&AuditFilter::default(), None, 10).unwrap();
            assert!(page.rows.is_empty() || !entered.is_empty(), "cut {cut}: an entry without its leaf");
            continue;
        };
        assert!(entered.iter().any(|(leaf, _)| *leaf == released.leaf()), "cut {cut}: seen and not entered");
        assert_eq!(vault.audit_page(&AuditFilter::default(), None, 10).unwrap().rows.len(), 1, "cut {cut}");
        break;
    }
    assert!(refused >= 2, "neither append nor sync was cut: {refused}");
}

#[test]
fn without_a_log_nothing_is_released() {
    let site = Site::new();
    let beside = Catalogue::open(&site.catalogue.path().join("c.db"), &key(), AT).unwrap();
    let looking = Vault::assemble(Arc::new(site.disk), beside, config(), Use::Look, None).unwrap();
    assert!(matches!(looking.release_login(&release()), Err(VaultError::NoLog)));
    assert!(looking.audit_page(&AuditFilter::default(), None, 10).unwrap().rows.is_empty());
}
