//! A satellite's outpost and a central's vault, each over a disk that loses power, and the protocol's work done by hand.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::panic_in_result_fn,
    reason = "tests"
)]

use catalogue::{By, InvitationRow, SatelliteRow};
use seal::{RecipientSecret, SigningKey};
use shared::RecordingId;
use store::testing::FaultyDisk;

use super::*;
use crate::tests::{AT, Site, config};
use crate::{AdmitReport, Depot as _, Outpost, VaultConfig, folder};

mod account;
mod arrive;
mod chaos;
mod refuse;

const WHO: RecorderId = RecorderId([2; 16]);

/// The central with one satellite enrolled, letter B.
struct Central {
    site: Site,
    /// Files that its satellite may have open.
    files: usize,
}

impl Central {
    fn new() -> Self {
        Self::with(8)
    }

    fn with(files: usize) -> Self {
        let central = Self { site: Site::new(), files };
        central.enrol(WHO, 'B');
        central
    }

    fn enrol(&self, who: RecorderId, letter: char) {
        let vault = self.site.vault();
        let by = By { user: None, name: "Thandi".into(), at: AT };
        let id = [letter as u8; 16];
        let name = "branch".to_owned();
        let expires_at = AT.plus(9);
        let secret = vec![1];
        vault
            .invite(&InvitationRow { invitation_id: id, secret, name, made: by, expires_at, tries: 0 })
            .unwrap();
        let row = SatelliteRow {
            recorder_id: who,
            name: String::new(),
            letter: '?',
            signing_key: satellite_key(who).verifying_key().to_bytes(),
            certificate: [1; 32],
            certificate_until: AT,
            enrolled_at: AT,
            revoked: None,
            last_seen_at: None,
            status: "{}".into(),
            config_version: 0,
        };
        assert_eq!(vault.take_invitation(id, &row, AT).unwrap().unwrap().letter, letter);
    }

    fn incoming(&self) -> Incoming {
        let limits = IncomingLimits { files: self.files, keep_free: 1_000 };
        Incoming::new(Arc::new(self.site.vault()), limits).unwrap()
    }

    /// Takes in what a satellite says is whole.
    fn take_in(&self, incoming: &Incoming, batch: &[Whole]) -> Vec<Answer<u64>> {
        let secret = |id| {
            let fits = self.site.day_key.public().unwrap().key_id() == id;
            fits.then(|| RecipientSecret::from_seed(RecipientType::X25519, [3; 32]))
        };
        let keys = (secret, |_| None);
        incoming.take_in(batch, &TakeWith { keys: &keys, min_suite: RecipientType::X25519 })
    }

    fn verify(&self, incoming: &Incoming) -> Vec<Alarm> {
        let keys = (|_| Some(RecipientSecret::from_seed(RecipientType::X25519, [3; 32])), |_| None);
        incoming.verify_some(&TakeWith { keys: &keys, min_suite: RecipientType::X25519 })
    }

    fn rebooted(self, dice: u64) -> Self {
        Self { site: Site { disk: self.site.disk.reboot(dice), ..self.site }, ..self }
    }
}

fn satellite_key(who: RecorderId) -> SigningKey {
    SigningKey::from_seed(&[who.bytes()[0].wrapping_add(40); 32])
}

/// A satellite, and what makes its recordings.
struct Satellite {
    maker: Site,
    disk: FaultyDisk,
    outpost: Outpost,
}

impl Satellite {
    fn new(who: RecorderId, letter: char) -> Self {
        let disk = FaultyDisk::new();
        folder::make(&disk, "memory").unwrap();
        let maker = Site { recorder_id: who, signer: satellite_key(who), ..Site::new() };
        let outpost = outpost(&disk, who, letter);
        Self { maker, disk, outpost }
    }

    fn record_whole(&self, range: std::ops::RangeInclusive<u8>) -> AdmitReport {
        let parts = range.map(|n| self.maker.close(self.maker.record(&self.outpost, n).unwrap())).collect();
        let report = self.outpost.admit(parts);
        assert!(report.left.is_empty() && report.trouble.is_none(), "{report:?}");
        report
    }

    /// Sends everything that stands here, in pieces, as the protocol does. Returns what is whole.
    fn send(&self, incoming: &Incoming) -> Answer<Vec<Whole>> {
        let mut whole = Vec::new();
        for file in self.outpost.files() {
            let mut held = incoming.look(WHO, file.what, false)?.length;
            while held < file.bytes {
                let bytes = self.outpost.read(file.what, held, 3_000).unwrap();
                held = incoming.write(WHO, file.what, held, &bytes)?;
            }
            if let Some(digests) = file.sealed {
                whole.push(Whole { who: WHO, what: file.what, size: file.bytes, digests });
            }
        }
        Ok(whole)
    }
}

fn outpost(disk: &FaultyDisk, who: RecorderId, letter: char) -> Outpost {
    let config = VaultConfig { recorder_id: who, letter, ..config() };
    let outpost = Outpost::assemble(Arc::new(disk.clone()), config, "memory".into(), None).unwrap();
    outpost.recover(AT).unwrap();
    outpost
}

fn why<T: fmt::Debug>(answer: Answer<T>) -> Refusal {
    let not = answer.unwrap_err();
    let needs_told = !matches!(not.why, Refusal::NotNow | Refusal::TooMany);
    assert!(!needs_told || not.told.is_some(), "{not:?}");
    not.why
}

fn part(n: u8) -> What {
    What::Part(RecordingId([n; 16]), 0)
}
