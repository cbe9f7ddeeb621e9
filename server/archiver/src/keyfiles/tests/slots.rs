//! Slots over many nights.

use daily_login::slots::Window;
use daily_login::{LoginError, Slot, SlotHead};
use seal::SigningKey;

use super::*;

/// Test 7 of the scheme.
#[test]
fn slots_carried_over_four_hundred_nights_still_open_and_past_ones_are_gone() {
    let mut site = Site::new("2026-01-01").with_days("2026-01-01", 0);
    let first = day("2026-01-01");
    let mut files = site.night(first, 1, 400, None, usize::MAX);
    assert_eq!(files.slots_made, 802);
    let oldest = SlotFile::parse(&file(&files, "keys/slots-").bytes).unwrap();
    for n in 1..=400 {
        let before = file(&files, "keys/slots-").bytes.clone();
        let today = first.plus_days(n).unwrap();
        files = site.night(today, 1 + u64::try_from(n).unwrap(), 400, Some(&before), 2);
        assert_eq!((files.slots_made, files.slots_missing), (2, 0), "night {n}");
    }
    let today = first.plus_days(400).unwrap();
    let newest = SlotFile::parse(&file(&files, "keys/slots-").bytes).unwrap();
    assert_eq!(newest.slots().len(), 802);
    assert!(newest.slots().iter().all(|slot| slot.day() >= today));
    // The slot of this day was made 400 nights ago, and was never touched.
    let kept: Vec<&Slot> = oldest.slots().iter().filter(|slot| slot.day() == today).collect();
    let now: Vec<&Slot> = newest.slots().iter().filter(|slot| slot.day() == today).collect();
    assert_eq!((kept.len(), &kept), (2, &now));
    let at = site.card.zone.start_of(today).unwrap();
    for lane in [Lane::Admin, Lane::Helpdesk] {
        assert!(listen(&files, &site, lane, today, at).is_ok());
        let past = listen(&files, &site, lane, first, at);
        assert!(matches!(past, Err(KeyFilesError::Login(LoginError::Unknown))));
    }
}

#[test]
fn a_first_run_spreads_over_nights_and_serves_the_nearest_days_first() {
    let mut site = Site::new("2026-11-22").with_days("2026-11-22", 0);
    let mut today = day("2026-11-22");
    let mut files = site.night(today, 1, 31, None, 11);
    assert_eq!((files.slots_made, files.slots_missing), (11, 53));
    assert_eq!(files.logins_until, Some(day("2026-11-26")), "the eleventh slot is half a day");
    for generation in 2..9 {
        let before = file(&files, "keys/slots-").bytes.clone();
        today = today.plus_days(1).unwrap();
        files = site.night(today, generation, 31, Some(&before), 11);
    }
    assert_eq!((files.slots_missing, files.logins_until), (0, today.plus_days(31)));
    assert_eq!(site.night(today, 20, 31, None, 1).logins_until, None);
}

#[test]
fn a_slot_file_that_is_not_ours_or_of_another_cost_is_not_carried_over() {
    let mut site = Site::new("2026-11-22").with_days("2026-11-22", 0);
    let today = day("2026-11-22");
    let good = file(&site.night(today, 1, 31, None, usize::MAX), "keys/slots-").bytes.clone();
    let made = |site: &mut Site, bytes: &[u8]| site.night(today, 2, 31, Some(bytes), usize::MAX).slots_made;
    assert_eq!(made(&mut site, &good), 0);
    let mut altered = good.clone();
    altered[200] ^= 1;
    assert_eq!(made(&mut site, &altered), 64);
    assert_eq!(made(&mut site, b"AMXKEYS1"), 64);
    let read = SlotFile::parse(&good).unwrap();
    let head = SlotHead { cost: Cost { m_kib: 16, ..CHEAP }, ..*read.head() };
    let dearer = SlotFile::new(head, read.slots().to_vec()).unwrap();
    let dearer = dearer.to_bytes(|message| site.store.signing_key().sign("", message));
    assert_eq!(made(&mut site, &dearer), 64);
    let stranger = read.to_bytes(|message| SigningKey::from_seed(&[9; 32]).sign("", message));
    assert_eq!(made(&mut site, &stranger), 64);
}

#[test]
fn a_revoked_slot_stays_revoked_and_a_lane_that_is_switched_off_is_gone() {
    let mut site = Site::new("2026-11-22").with_days("2026-11-22", 0);
    let today = day("2026-11-22");
    let first = site.night(today, 1, 31, None, usize::MAX);
    let read = SlotFile::parse(&file(&first, "keys/slots-").bytes).unwrap();
    let mut slots = read.slots().to_vec();
    slots[0].revoke();
    let file_now = SlotFile::new(*read.head(), slots).unwrap();
    let bytes = file_now.to_bytes(|message| site.store.signing_key().sign("", message));
    let second = site.night(today, 2, 31, Some(&bytes), usize::MAX);
    assert_eq!(second.slots_made, 0);
    let carried = SlotFile::parse(&file(&second, "keys/slots-").bytes).unwrap();
    assert!(carried.slots()[0].is_revoked());

    let mut secrets = site.secrets();
    secrets.lanes.retain(|lane| lane.lane() == Lane::Admin);
    let night = Night { previous_slots: Some(&bytes), ..night_of(&site.card, &site.certs, &secrets, today) };
    let files = key_files(&night, &mut site.dice).unwrap();
    let one_lane = SlotFile::parse(&file(&files, "keys/slots-").bytes).unwrap();
    assert_eq!((files.slots_made, one_lane.slots().len()), (0, 32));
}

#[test]
fn behind_the_end_of_the_chain_no_login_is_made() {
    let mut site = Site::new("1990-01-01").with_days("2026-11-22", 0);
    let secrets = site.secrets();
    let night = night_of(&site.card, &site.certs, &secrets, day("2029-12-20"));
    let refused = key_files(&night, &mut site.dice);
    assert!(matches!(refused, Err(KeyFilesError::ChainEnds(_))), "{refused:?}");
}
/// Logins at the edges of days, where days have 23, 24 and 25 hours and some have no midnight.
#[test]
fn windows_join_without_gap_or_overlap() {
    for zone in
        ["Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Johannesburg"]
    {
        let zone = Zone::named(zone).unwrap();
        let mut today = day("2020-01-01");
        let mut end = zone.start_of(today).unwrap();
        for _ in 0..4_000 {
            let Window { not_before, not_after, .. } = super::super::slots::window(&zone, today).unwrap();
            assert_eq!(not_before, end, "{today} in {}", zone.name());
            assert_eq!(zone.day_of(not_before), today);
            assert_eq!(zone.day_of(not_after.plus(-1)), today);
            end = not_after;
            today = today.plus_days(1).unwrap();
        }
    }
}
