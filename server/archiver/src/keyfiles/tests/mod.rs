//! The files of a night, with the real formats and cheap passwords.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod listen;
mod slots;
mod vaults;

use std::convert::Infallible;

use archive::VaultContents;
use archive::certs::{Cert, Claim, Role};
use archive::recovery::RecoverySecret;
use daily_login::{KeyVault, Lane, SlotFile};
use rand_core::TryRng;
use seal::RecipientType;
use seal::keystore::Keystore;
use shared::{RecorderId, SiteId, Zone};
use zeroize::Zeroizing;

use super::*;

/// Cheap, so that thousands of slots take no time; the file says what it cost.
const CHEAP: Cost = Cost { m_kib: 8, t: 1, p: 1 };
const SITE: SiteId = SiteId([7; 16]);

struct Dice(u64);

impl TryRng for Dice {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
        self.try_next_u64().map(|n| u32::try_from(n >> 32).unwrap_or(0))
    }
    fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Ok(self.0)
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Infallible> {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = self.0.to_le_bytes()[7];
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

/// A site with its paper, its key store and its certificates.
struct Site {
    paper: RecoverySecret,
    card: SiteJson,
    store: Keystore,
    certs: Certs,
    dice: Dice,
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

impl Site {
    fn new(commissioned: &str) -> Self {
        let mut dice = Dice(1);
        let paper = RecoverySecret::draw(&mut dice);
        let root = paper.root_key(&SITE);
        let mut store = Keystore::new(SITE, &mut dice);
        assert!(draw_secrets(&mut store, &mut dice));
        let card = SiteJson {
            site_id: SITE,
            zone: Zone::named("Africa/Johannesburg").unwrap(),
            root_key: root.verifying_key(),
            recovery_key: paper.kem_secret(&SITE).public().unwrap(),
            min_suite: RecipientType::X25519,
            commissioned: day(commissioned),
        };
        let claim = Claim {
            role: Role::Central,
            subject: RecorderId([7; 16]),
            name: "central".into(),
            key: store.signing_key().verifying_key(),
            not_before: UtcMicros(0),
            not_after: UtcMicros(i64::MAX),
        };
        let certs = Certs::new(SITE, 1, vec![Cert::sign(claim, &SITE, &root)], &card.root_key).unwrap();
        Self { paper, card, store, certs, dice }
    }

    /// X25519 keys, because a property test makes many.
    fn with_days(mut self, from: &str, ahead: u32) -> Self {
        self.store.draw_days(day(from), ahead, RecipientType::X25519, &mut self.dice).unwrap();
        self
    }

    fn secrets(&self) -> Secrets {
        Secrets::of(&self.store, &self.card, b"recorder key").unwrap()
    }

    fn night(
        &mut self,
        today: Day,
        generation: u64,
        ahead_days: u32,
        previous: Option<&[u8]>,
        max: usize,
    ) -> KeyFiles {
        let secrets = self.secrets();
        let night = Night {
            generation,
            ahead_days,
            new_slots_max: max,
            previous_slots: previous,
            ..night_of(&self.card, &self.certs, &secrets, today)
        };
        key_files(&night, &mut self.dice).unwrap()
    }

    fn is_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.store.signing_key().verifying_key().verifies("", message, signature)
    }
}

fn file<'a>(files: &'a KeyFiles, prefix: &str) -> &'a KeyFile {
    files.files.iter().find(|file| file.path.starts_with(prefix)).unwrap()
}

/// What a listener does with what lies on a drive: login and password of a day, at an instant, to what the vault holds.
fn listen(files: &KeyFiles, site: &Site, lane: Lane, on: Day, at: UtcMicros) -> Result<Zeroizing<Vec<u8>>> {
    let typed = site.secrets().lane(lane).unwrap().credentials(on);
    let slots = SlotFile::parse(&file(files, "keys/slots-").bytes)?;
    let slot = slots.find(typed.login, at)?;
    let chain = slot.open(slots.head(), typed.login, &typed.password, None)?;
    let vault = KeyVault::parse(&file(files, "keys/keyvault-").bytes)?;
    Ok(vault.open(&chain)?)
}

/// A night at nine in the evening, with every slot of a month.
fn night_of<'a>(card: &'a SiteJson, certs: &'a Certs, secrets: &'a Secrets, today: Day) -> Night<'a> {
    Night {
        card,
        site_name: "Town hall",
        today,
        now: card.zone.start_of(today).unwrap().plus(75_600_000_000),
        generation: 1,
        ahead_days: 31,
        new_slots_max: usize::MAX,
        cost: CHEAP,
        previous_slots: None,
        secrets,
        certs,
        checkpoint: "note",
        tombstones: &[],
    }
}

#[test]
fn the_files_of_a_night_have_their_names_and_are_signed() {
    let mut site = Site::new("2026-11-22").with_days("2026-11-22", 3);
    let files = site.night(day("2026-11-22"), 9, 31, None, usize::MAX);
    let paths: Vec<&str> = files.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "site.json",
            "README.txt",
            "keys/certs-00000001.json",
            "keys/keyvault-20261122-00000009.amv",
            "keys/recovery-20261122-00000009.amr",
            "keys/slots-00000009.amk",
        ]
    );
    assert_eq!((files.slots_made, files.slots_missing), (64, 0));
    assert_eq!(files.logins_until, Some(day("2026-12-23")));
    assert_eq!(SiteJson::parse(&files.files[0].bytes).unwrap().digest(), site.card.digest());
    let slots = &file(&files, "keys/slots-").bytes;
    assert!(SlotFile::is_signed(slots, |message, signature| site.is_signed(message, signature)));
    for prefix in ["keys/keyvault-", "keys/recovery-"] {
        let bytes = &file(&files, prefix).bytes;
        assert!(
            daily_login::vaults::is_signed(bytes, |message, signature| site.is_signed(message, signature))
        );
    }
}

#[test]
fn secrets_are_drawn_once_and_live_in_the_key_store() {
    let mut site = Site::new("2026-11-22");
    let first = site.secrets().for_recovery().unwrap();
    assert!(!draw_secrets(&mut site.store, &mut Dice(9)));
    let again = site.secrets().for_recovery().unwrap();
    assert_eq!(*first.chain_top, *again.chain_top);
    let empty = Keystore::new(SITE, &mut Dice(3));
    assert!(Secrets::of(&empty, &site.card, b"").is_none(), "nothing was drawn");
}
