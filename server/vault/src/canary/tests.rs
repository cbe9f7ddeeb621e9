//! Canaries over a disk that loses power: cut at every operation, nothing of them is left and nothing of them is ever a call.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use super::*;
use crate::Level;
use crate::tests::{AT, Site, all};

type Told = Arc<Mutex<Vec<CanaryEnd>>>;

fn canaries(vault: &Vault) -> Result<(Canaries, Told)> {
    let told = Told::default();
    let heard = Arc::clone(&told);
    Ok((vault.canaries(Box::new(move |end| held(&heard).push(end)))?, told))
}

/// One canary from its beginning to its end; true if it was told to be whole.
fn live(site: &Site, canaries: &Canaries, told: &Told) -> bool {
    let Ok(part) = site.record(canaries, 7) else { return false };
    drop(canaries.admit(vec![site.close(part)]));
    held(told).iter().any(|end| end.sealed.is_ok())
}

#[test]
fn a_canary_is_sealed_read_back_told_and_gone() {
    let site = Site::new();
    let vault = site.vault();
    let (canaries, told) = canaries(&vault).unwrap();
    assert!(live(&site, &canaries, &told));
    let ends = std::mem::take(&mut *held(&told));
    let [CanaryEnd { caller, sealed: Ok((row, bytes)) }] = ends.as_slice() else { panic!("{ends:?}") };
    assert_eq!(caller, "27115550007");
    let known = |_id| Some(site.signer.verifying_key());
    assert!(seal::verify(bytes.as_slice(), &known).unwrap().is_proven());
    assert!(row.facts.ledger_no.0 > NUMBERS, "no number that a ledger gives");
    assert!(row.facts.reference.to_string().parse::<Reference>().is_err(), "no reference of a call");
    nothing_is_left(&site, &vault);
}

fn nothing_is_left(site: &Site, vault: &Vault) {
    assert!(site.disk.paths().iter().all(|path| !path.ends_with(".amx")), "{:?}", site.disk.paths());
    assert!(all(vault).is_empty(), "it is no call");
    let totals = vault.ledger_totals("2026-11-22".parse().unwrap()).unwrap();
    assert_eq!(totals.signalled, 0, "it has no entry");
    assert_eq!(
        vault.allot(RecordingId([99; 16]), AT).unwrap().ledger_no,
        LedgerNo(1),
        "nor took it a number"
    );
    assert!(vault.check(Level::Hash).unwrap().is_clean());
}

#[test]
fn a_power_cut_at_every_step_leaves_nothing_of_it_after_the_next_start() {
    let steps = {
        let site = Site::new();
        let vault = site.vault();
        let before = site.disk.operations();
        let (canaries, told) = canaries(&vault).unwrap();
        assert!(live(&site, &canaries, &told));
        site.disk.operations() - before
    };
    assert!(steps >= 10, "{steps}");
    for cut in 0..=steps {
        let site = Site::new();
        let vault = site.vault();
        site.disk.cut_after(cut);
        let whole = canaries(&vault).is_ok_and(|(canaries, told)| live(&site, &canaries, &told));
        assert!(whole || cut < steps, "the last round meets no cut");
        drop(vault);
        let site = Site { disk: site.disk.reboot(cut * 31 + 7), ..site };
        let vault = site.vault();
        let report = site.recover(&vault, true);
        assert!(
            report.closed.is_empty() && report.entered.is_empty(),
            "cut {cut}: taken for a call: {report:?}"
        );
        drop(canaries(&vault).unwrap());
        nothing_is_left(&site, &vault);
    }
}

#[test]
fn a_full_disk_is_told_with_its_reason_and_leaves_nothing() {
    let site = Site::new();
    let vault = site.vault();
    let (canaries, told) = canaries(&vault).unwrap();
    let part = site.record(&canaries, 7).unwrap();
    site.disk.leave_space(10);
    let report = canaries.admit(vec![site.close(part)]);
    let left = &report.left[0];
    assert!(left.why.is_no_space(), "{left:?}");
    // As the recorder does with what could not be closed.
    let end = shared::LedgerEnd::Partly(shared::Partly::DiskFull);
    canaries.end_entry(left.ledger_no, LedgerEnding { end, rule: None, at: AT }, "27115550007", "").unwrap();
    canaries.end_entry(left.ledger_no, LedgerEnding { end, rule: None, at: AT }, "27115550007", "").unwrap();
    let ends = std::mem::take(&mut *held(&told));
    let [CanaryEnd { sealed: Err(why), .. }] = ends.as_slice() else { panic!("told once: {ends:?}") };
    assert!(why.contains("disk-full"), "{why}");
    site.disk.leave_space(u64::MAX);
    nothing_is_left(&site, &vault);
}
