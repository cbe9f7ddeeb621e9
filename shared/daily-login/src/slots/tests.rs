//! Slots open for their login on their day, and for nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use rand_core::{CryptoRng, Rng as _};

use super::*;
use crate::lane::{Lane, LaneSecret};

/// Dice that fall the same way each time.
struct Dice(u64);

impl rand_core::TryRng for Dice {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
        self.try_next_u64().map(|n| u32::try_from(n >> 32).unwrap_or(0))
    }

    fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Self::Error> {
        out.iter_mut().for_each(|byte| *byte = self.next_u64().to_le_bytes()[7]);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

const fn dice() -> impl CryptoRng {
    Dice(1)
}

/// Cheap, so that thousands of tries take no time; the file says what it cost.
const CHEAP: Cost = Cost { m_kib: 64, t: 1, p: 1 };
const SITE: SiteId = SiteId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
const OF: Chained = Chained { site_id: SITE, generation: 1 };
const DAY_US: i64 = 86_400_000_000;

fn head() -> SlotHead {
    let (created, site_digest, signer) = (UtcMicros(5), [6; 32], [7; 8]);
    SlotHead { of: OF, generation: 3, created, cost: CHEAP, site_digest, signer }
}

fn day(n: u32) -> Day {
    Day::from_yyyymmdd(n).unwrap()
}

fn top() -> ChainKey {
    ChainKey::new(day(20_270_101), Zeroizing::new([9; 32]))
}

fn lane(of: Lane) -> LaneSecret {
    LaneSecret::new(of, OF, Zeroizing::new([0x11; 32]))
}

fn window(of: Day) -> Window {
    let from = i64::from(of.number()) * DAY_US;
    Window { day: of, not_before: UtcMicros(from), not_after: UtcMicros(from + DAY_US) }
}

fn slot(of: Lane, date: u32, pepper: Option<&[u8; 32]>) -> Slot {
    let chain = top().back_to(day(date), OF).unwrap();
    Slot::make(&head(), window(day(date)), &lane(of).credentials(day(date)), &chain, pepper, &mut dice())
        .unwrap()
}

fn file() -> SlotFile {
    let slots = [20_261_123, 20_261_122]
        .into_iter()
        .flat_map(|date| [slot(Lane::Helpdesk, date, None), slot(Lane::Admin, date, None)]);
    SlotFile::new(head(), slots.collect()).unwrap()
}

fn noon(date: u32) -> UtcMicros {
    UtcMicros(i64::from(day(date).number()) * DAY_US + DAY_US / 2)
}

#[test]
fn the_tag_of_the_vector() {
    let login = Login::parse("h5208").unwrap();
    assert_eq!(tag_of(&SITE, day(20_261_122), login), [0x32, 0x52, 0x06, 0x11, 0x49, 0x86, 0x9c, 0x89]);
}

#[test]
fn a_login_opens_its_day_and_says_why_it_does_not() {
    let file = file();
    let today = lane(Lane::Admin).credentials(day(20_261_122));
    let found = file.find(today.login, noon(20_261_122)).unwrap();
    let key = found.open(file.head(), today.login, &today.password, None).unwrap();
    assert_eq!(key.expose(), top().back_to(day(20_261_122), OF).unwrap().expose());

    assert_eq!(file.find(today.login, noon(20_261_123)), Err(LoginError::OtherDay(day(20_261_122))));
    assert_eq!(file.find(Login::parse("a0000").unwrap(), noon(20_261_122)), Err(LoginError::Unknown));
    let midnight = window(day(20_261_122)).not_after;
    assert!(file.find(today.login, midnight).is_err(), "the next day has begun");

    let other = lane(Lane::Helpdesk).credentials(day(20_261_122));
    assert_eq!(
        found.open(file.head(), today.login, &other.password, None).err(),
        Some(LoginError::WrongPassword)
    );
    let mut revoked = found.clone();
    revoked.revoke();
    assert_eq!(
        revoked.open(file.head(), today.login, &today.password, None).err(),
        Some(LoginError::Revoked)
    );
    let with_revoked = SlotFile::new(head(), vec![revoked]).unwrap();
    assert_eq!(with_revoked.find(today.login, noon(20_261_122)), Err(LoginError::Revoked));
}

#[test]
fn everything_that_a_slot_authenticates_must_fit() {
    let slot = slot(Lane::Admin, 20_261_122, None);
    let with = lane(Lane::Admin).credentials(day(20_261_122));
    let refused = |head: SlotHead, slot: &Slot| {
        assert!(slot.open(&head, with.login, &with.password, None).is_err(), "{head:?}");
    };
    assert!(slot.open(&head(), with.login, &with.password, None).is_ok());
    // A new file generation is no other slot.
    assert!(slot.open(&SlotHead { generation: 9, ..head() }, with.login, &with.password, None).is_ok());
    refused(SlotHead { site_digest: [1; 32], ..head() }, &slot);
    refused(SlotHead { of: Chained { generation: 2, ..OF }, ..head() }, &slot);
    refused(SlotHead { of: Chained { site_id: SiteId([1; 16]), ..OF }, ..head() }, &slot);
    refused(SlotHead { cost: Cost { t: 2, ..CHEAP }, ..head() }, &slot);
    for at in (0..136).filter(|at| !(12..16).contains(at)) {
        let mut altered = slot.clone();
        altered.bytes[at] ^= 1;
        if let Some(altered) = Slot::read(altered.bytes) {
            refused(head(), &altered);
        }
    }
}

#[test]
fn with_a_pepper_only_enrolled_pcs_open_it() {
    let pepper = [0x77; 32];
    let slot = slot(Lane::Admin, 20_261_122, Some(&pepper));
    let with = lane(Lane::Admin).credentials(day(20_261_122));
    let open = |pepper| slot.open(&head(), with.login, &with.password, pepper).map(|_key| ());
    assert_eq!(open(Some(&pepper)), Ok(()));
    assert_eq!(open(None), Err(LoginError::NotEnrolled));
    assert_eq!(open(Some(&[0x78; 32])), Err(LoginError::WrongPassword));
}

#[test]
fn a_file_comes_back_and_a_damaged_one_is_refused() {
    let file = file();
    let mut seen = Vec::new();
    let bytes = file.to_bytes(|message| {
        seen = message.to_vec();
        [8; 64]
    });
    assert_eq!(bytes.len(), 128 + 4 * 160 + 64);
    assert_eq!(SlotFile::parse(&bytes).unwrap(), file);
    assert!(SlotFile::is_signed(&bytes, |message, signature| message == seen && signature == &[8; 64]));
    for at in 0..bytes.len() {
        assert!(SlotFile::parse(&bytes[..at]).is_err(), "cut at {at}");
    }
    let altered = |at: usize, to: &[u8]| {
        let mut altered = bytes.clone();
        altered[at..at + to.len()].copy_from_slice(to);
        SlotFile::parse(&altered).is_err()
    };
    assert!(altered(0, b"AMXKEYS2"), "version");
    assert!(altered(48, &(2_u32 << 20).to_le_bytes()), "more memory than a PC bears");
    assert!(altered(52, &17_u32.to_le_bytes()) && altered(56, &0_u32.to_le_bytes()), "passes and lanes");
    assert!(altered(36, &3_u32.to_le_bytes()), "count");
    assert!(altered(104, &[1]), "reserved");
    assert!(altered(128, &20_261_199_u32.to_le_bytes()), "no such day");
    assert!(altered(128, &20_261_124_u32.to_le_bytes()), "order");
}

/// Reads the parts of one day in a zone as the archive run writes them: until the next day begins, whatever midnight is.
fn civil(zone: &shared::Zone, of: Day) -> Window {
    let next = of.plus_days(1).unwrap();
    Window { day: of, not_before: zone.start_of(of).unwrap(), not_after: zone.start_of(next).unwrap() }
}

#[test]
fn central_and_helpdesk_agree_on_four_thousand_days_where_midnight_is_odd() {
    for name in
        ["Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Johannesburg"]
    {
        let zone = shared::Zone::named(name).unwrap();
        let central = lane(Lane::Helpdesk);
        let mut before: Option<Window> = None;
        let mut month: Option<crate::lane::MonthKey> = None;
        // From 2011, so that the day that Apia left out (2011-12-30) is among them.
        for n in 0..4_000 {
            let of = day(20_111_101).plus_days(n).unwrap();
            let window = civil(&zone, of);
            if let Some(before) = before {
                assert_eq!(before.not_after, window.not_before, "{name} {of}: a gap or an overlap");
            }
            let empty = window.not_before == window.not_after;
            assert_eq!(empty, name == "Pacific/Apia" && of == day(20_111_230), "{name} {of}");
            if !empty {
                // Who reads the clock at the helpdesk's desk has the day of the slot from its first to its last moment.
                assert_eq!(zone.day_of(window.not_before), of, "{name}");
                assert_eq!(zone.day_of(window.not_after.plus(-1)), of, "{name}");
            }
            // A front desk with the month's key only says what central says.
            if month.as_ref().is_none_or(|month| month.credentials(of).is_none()) {
                month = Some(central.month(of));
            }
            let (here, there) = (central.credentials(of), month.as_ref().unwrap().credentials(of).unwrap());
            assert_eq!(here.login, there.login);
            assert_eq!(here.password.expose(), there.password.expose());
            before = Some(window);
        }
    }
}

#[test]
fn a_clock_set_back_needs_the_password_of_that_very_day() {
    let (file, today) = (file(), lane(Lane::Admin).credentials(day(20_261_123)));
    // The clock shows yesterday noon: the login of today is for another day, and its password does not open yesterday's slot.
    assert!(matches!(
        file.find(today.login, noon(20_261_122)),
        Err(LoginError::OtherDay(of)) if of == day(20_261_123)
    ));
    let yesterday = lane(Lane::Admin).credentials(day(20_261_122));
    let slot = file.find(yesterday.login, noon(20_261_122)).unwrap();
    assert!(matches!(
        slot.open(file.head(), yesterday.login, &today.password, None),
        Err(LoginError::WrongPassword)
    ));
}

#[test]
fn a_login_of_one_lane_opens_no_slot_of_the_other() {
    let (file, of) = (file(), noon(20_261_122));
    let (admin, helpdesk) =
        (lane(Lane::Admin).credentials(day(20_261_122)), lane(Lane::Helpdesk).credentials(day(20_261_122)));
    let slot = file.find(admin.login, of).unwrap();
    for login in [admin.login, helpdesk.login] {
        assert!(slot.open(file.head(), login, &helpdesk.password, None).is_err());
    }
    let beyond = SlotHead { of: Chained { generation: 2, ..OF }, ..head() };
    assert!(
        slot.open(&beyond, admin.login, &admin.password, None).is_err(),
        "another generation of the chain"
    );
}
