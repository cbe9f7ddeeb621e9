//! The vault over a disk that loses power: closing and admission cut at every operation, then started again.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::log::Act;
use catalogue::Catalogue;
use seal::{FinalInfo, Kind, Meta, PartSpec, RecipientSecret, RecipientType, SigningKey, Writer};
use shared::{
    Chunk, Day, FrameBuf, GapTotals, LedgerEnd, LedgerNo, Party, RecorderId, RecordingId, RunHead, SiteId,
    TapId, Track, UtcMicros, Zone,
};
use store::testing::FaultyDisk;

use crate::*;

pub(crate) const AT: UtcMicros = UtcMicros(1_795_357_353_000_000);

pub(crate) struct Site {
    pub(crate) disk: FaultyDisk,
    pub(crate) catalogue: tempfile::TempDir,
    pub(crate) day_key: RecipientSecret,
    pub(crate) signer: SigningKey,
    /// Who records what is recorded here.
    pub(crate) recorder_id: RecorderId,
}

impl Site {
    pub(crate) fn new() -> Self {
        let catalogue = tempfile::tempdir().unwrap();
        drop(Catalogue::create(&catalogue.path().join("c.db"), &key(), AT).unwrap());
        let disk = FaultyDisk::new();
        folder::make(&disk, "memory").unwrap();
        let day_key = RecipientSecret::from_seed(RecipientType::X25519, [3; 32]);
        Self {
            disk,
            catalogue,
            day_key,
            signer: SigningKey::from_seed(&[4; 32]),
            recorder_id: config().recorder_id,
        }
    }

    pub(crate) fn vault(&self) -> Vault {
        self.vault_on(Arc::new(self.disk.clone()))
    }

    /// A vault with this site's catalogue over another disk.
    pub(crate) fn vault_on(&self, disk: Arc<dyn store::Disk>) -> Vault {
        let catalogue = Catalogue::open(&self.catalogue.path().join("c.db"), &key(), AT).unwrap();
        Vault::assemble(disk, catalogue, config(), Use::Record, None).unwrap()
    }

    pub(crate) fn recover(&self, vault: &Vault, unlocked: bool) -> RecoveryReport {
        let secret = |id| {
            let fits = self.day_key.public().unwrap().key_id() == id;
            (unlocked && fits).then(|| RecipientSecret::from_seed(RecipientType::X25519, [3; 32]))
        };
        let keys = (secret, |_| None);
        let with = RecoverWith { keys: &keys, signer: &self.signer, min_suite: RecipientType::X25519 };
        vault.recover(&with, AT.plus(9_000_000)).unwrap()
    }

    /// Allots a number, makes it durable, and seals a second of one leg into a new part; not yet closed.
    pub(crate) fn record(&self, vault: &dyn Depot, n: u8) -> Result<(PartFile, Writer, RecordingRow)> {
        let id = RecordingId([n; 16]);
        let entry = vault.allot(id, AT)?;
        vault.commit_ledger()?;
        let day: Day = "2026-11-22".parse().unwrap();
        let spec = PartSpec {
            recording_id: id,
            site_id: SiteId([1; 16]),
            recorder_id: self.recorder_id,
            start: AT,
            day,
            part: 0,
            kind: Kind::Recording,
            after_restart: false,
            prev_trailer: [0; 32],
        };
        let mut dice = rand_core::UnwrapErr(getrandom::SysRng);
        let to = [self.day_key.public().unwrap()];
        let (mut writer, header) = Writer::begin(&spec, &to, self.signer.key_id(), &mut dice).unwrap();
        let track =
            Track { codec: "PCMA".into(), clock_hz: 8_000, channels: 1, joinable: true, ..Track::default() };
        let party =
            Party { display: "Alice".into(), number: format!("2711555{n:04}"), address: String::new() };
        let meta = Meta {
            tracks: vec![track.clone()],
            parties: vec![(seal::PartyRole::Caller, party.clone())],
            ledger_no: entry.ledger_no,
            reference: entry.reference.to_string(),
            ..Meta::default()
        };
        let meta = writer.meta(&meta).unwrap();
        let name = seal::file_name(config().zone.hms_of(AT), &id, 0);
        let mut file = vault.begin_part((id, 0), &name)?;
        file.append(&[&header, &meta])?;
        writer.begin_flush(0);
        let mut buf = FrameBuf::default();
        buf.push(&[0xd5; 8_000]);
        let run = RunHead { samples: 8_000, len: 8_000, ..RunHead::default() };
        let sealed = writer.audio(Chunk { track: 0, base_samples: 0, runs: vec![run], buf }).unwrap();
        file.append(&[sealed.bytes()])?;
        let leg = LegRow { part: 0, track, samples: 8_000, gaps: GapTotals::default() };
        let facts = Facts {
            recording_id: id,
            recorder_id: self.recorder_id,
            ledger_no: entry.ledger_no,
            reference: entry.reference,
            started_at: AT,
            ended_at: AT.plus(1_000_000),
            day,
            direction: Default::default(),
            method: Default::default(),
            side: Default::default(),
            tap: TapId(0),
            tap_name: String::new(),
            orphan: false,
            end: LedgerEnd::Recorded,
            end_reason: "bye".into(),
            packets: PacketCounts { packets: 50, ..PacketCounts::default() },
        };
        let part = PartRow {
            part: 0,
            started_at: AT,
            day,
            ended_at: AT.plus(1_000_000),
            path: String::new(),
            bytes: 0,
            sha256: [0; 32],
            blake3: [0; 32],
            flags: 0,
            frames: 0,
            signing_key_id: self.signer.key_id().0,
        };
        let parties = vec![PartyRow { role: PartyRole::Caller, party }];
        let row = RecordingRow {
            facts,
            call_ids: vec!["x@y".into()],
            parties,
            legs: vec![leg],
            events: vec![],
            part,
            leaf: None,
        };
        Ok((file, writer, row))
    }

    pub(crate) fn close(&self, (file, writer, mut row): (PartFile, Writer, RecordingRow)) -> ClosedPart {
        let end = row.facts.ended_at;
        let info = FinalInfo { end, reason: "bye".into(), ..FinalInfo::default() };
        let (tail, closing) = writer.close(info).unwrap();
        let facts = closing.facts();
        (row.part.sha256, row.part.blake3, row.part.frames) = (facts.sha256, facts.blake3, facts.frames);
        let trailer = closing.trailer(false, end, &self.signer);
        ClosedPart { file, tail, trailer, row }
    }
}

pub(crate) fn key() -> CatalogueKey {
    CatalogueKey::new([7; 32])
}

pub(crate) fn config() -> VaultConfig {
    let zone = Zone::named("Africa/Johannesburg").unwrap();
    VaultConfig { site_id: SiteId([1; 16]), zone, recorder_id: RecorderId([9; 16]), letter: 'A' }
}

pub(crate) fn all(vault: &Vault) -> Vec<Recording> {
    vault.find(&Query { limit: 1_000, oldest_first: true, ..Query::default() }).unwrap().recordings
}

#[test]
fn a_batch_is_admitted_found_opened_and_checked() {
    let site = Site::new();
    let vault = site.vault();
    let parts: Vec<ClosedPart> = (1..=20).map(|n| site.close(site.record(&vault, n).unwrap())).collect();
    let report = vault.admit(parts);
    assert_eq!((report.admitted.len(), report.left.len()), (20, 0), "{report:?}");
    assert!(
        report.admitted.iter().all(|a| a.entered && a.row.part.path.starts_with("live/2026-11-22/")),
        "{report:?}"
    );
    assert_eq!(vault.find(&Query { limit: 7, ..Query::default() }).unwrap().recordings.len(), 7);
    let found = vault.find(&Query { number_contains: Some("0013".into()), ..Query::default() }).unwrap();
    assert_eq!(
        found.recordings.iter().map(|r| r.facts.recording_id).collect::<Vec<_>>(),
        [RecordingId([13; 16])]
    );
    let files = vault.open_recording(RecordingId([13; 16])).unwrap();
    assert!(
        seal::verify(files.into_iter().next().unwrap().io, &|_| Some(site.signer.verifying_key()))
            .unwrap()
            .is_proven()
    );
    let check = vault.check(Level::Hash).unwrap();
    assert!(check.is_clean() && check.files == 20, "{check:?}");
    let totals = vault.ledger_totals("2026-11-22".parse().unwrap()).unwrap();
    assert_eq!((totals.signalled, totals.recorded), (20, 20));
    assert_eq!(site.recover(&vault, true).entered, [], "nothing was left to do");
    every_part_is_in_the_log_once(&site, &vault, &all(&vault));
}

/// The whole life of three calls, cut after every single operation: whatever audio was durable is found again, every
/// number is accounted for, and nothing is called whole that is not.
#[test]
fn a_power_cut_at_every_step_loses_nothing_that_was_durable() {
    let mut stages = BTreeSet::new();
    for cut in 0.. {
        let site = Site::new();
        let vault = site.vault();
        site.disk.cut_after(cut);
        let done = live_three_calls(&site, &vault);
        drop(vault);
        let site = Site { disk: site.disk.reboot(cut * 31 + 7), ..site };
        let vault = site.vault();
        let report = site.recover(&vault, true);
        assert!(
            report.unreadable.is_empty() && report.left.is_empty() && report.altered.is_empty(),
            "cut {cut}: {report:?}"
        );
        assert!(report.missing_files.is_empty(), "cut {cut}: a row came true before its file: {report:?}");
        let recordings = all(&vault);
        if let Some(durable) = &done.sealed_durably {
            let found: BTreeSet<RecordingId> = recordings.iter().map(|r| r.facts.recording_id).collect();
            assert!(durable.is_subset(&found), "cut {cut}: sealed and synced audio is gone");
        }
        for recording in &recordings {
            let leg = &recording.legs[0];
            assert!(
                leg.samples == 8_000 || recording.parts[0].flags & 1 == 1,
                "cut {cut}: called whole but is not"
            );
        }
        assert!(vault.check(Level::Hash).unwrap().is_clean(), "cut {cut}");
        every_part_is_in_the_log_once(&site, &vault, &recordings);
        let day = "2026-11-22".parse().unwrap();
        let totals = vault.ledger_totals(day).unwrap();
        assert_eq!(totals.open, 0, "cut {cut}: every entry has ended");
        assert!(
            totals.signalled >= done.acknowledged.0,
            "cut {cut}: an acknowledged call is not accounted for"
        );
        assert_eq!(totals.signalled, totals.recorded + totals.partly + totals.not_recorded, "cut {cut}");
        assert!(recordings.len() as u64 <= totals.recorded + totals.partly, "cut {cut}: {totals:?}");
        assert_eq!(
            vault.allot(RecordingId([99; 16]), AT).unwrap().ledger_no.0,
            totals.signalled + 1,
            "cut {cut}"
        );
        let again = site.recover(&vault, true);
        assert!(
            again.entered.is_empty() && again.closed.is_empty(),
            "cut {cut}: the second start has nothing to do"
        );
        stages.insert((recordings.len(), totals.recorded, totals.partly, totals.not_recorded));
        if done.finished {
            assert_eq!((recordings.len(), totals.recorded), (3, 3));
            break;
        }
    }
    assert!(stages.len() >= 6, "the cuts met several stages: {stages:?}");
}

fn every_part_is_in_the_log_once(site: &Site, vault: &Vault, recordings: &[Recording]) {
    let note = vault
        .checkpoint(&site.signer.verifying_key(), |label, bytes| site.signer.sign(label, bytes))
        .unwrap();
    let (leaves, damaged) = vault.check_log().unwrap();
    assert_eq!((usize::try_from(leaves).unwrap(), damaged), (recordings.len(), None), "{recordings:?}");
    let mut places = BTreeSet::new();
    for recording in recordings {
        let proof = vault.prove((recording.facts.recording_id, 0), &note).unwrap().unwrap();
        assert!(places.insert(proof.index), "two parts under one leaf");
        let (leaf, _) = proof.verify(&site.signer.verifying_key()).unwrap();
        let Act::Recording(leaf) = leaf.act else { panic!("another leaf") };
        assert_eq!(
            (leaf.recording_id, leaf.sha256),
            (recording.facts.recording_id, recording.parts[0].sha256)
        );
    }
}

#[derive(Default)]
struct Done {
    acknowledged: LedgerNo,
    sealed_durably: Option<BTreeSet<RecordingId>>,
    finished: bool,
}

fn live_three_calls(site: &Site, vault: &Vault) -> Done {
    let mut done = Done::default();
    let mut open = Vec::new();
    for n in 1..=3 {
        let Ok(part) = site.record(vault, n) else { return done };
        done.acknowledged = vault.durable_ledger_no();
        open.push(part);
    }
    if vault.sync_all().is_err() {
        return done;
    }
    done.sealed_durably = Some((1..=3).map(|n| RecordingId([n; 16])).collect());
    let report = vault.admit(open.into_iter().map(|part| site.close(part)).collect());
    done.finished = report.left.is_empty() && report.trouble.is_none();
    done
}

#[test]
fn a_locked_start_closes_without_a_key_and_enters_after_the_unlock() {
    let site = Site::new();
    let vault = site.vault();
    drop(site.record(&vault, 1).unwrap());
    vault.sync_all().unwrap();
    drop(vault);
    let vault = site.vault();
    let report = site.recover(&vault, false);
    assert_eq!(
        (report.closed.len(), report.awaiting_unlock.len(), report.entered.len()),
        (1, 1, 0),
        "{report:?}"
    );
    let report = site.recover(&vault, true);
    assert_eq!(report.entered.len(), 1, "{report:?}");
    assert!(report.entered[0].recovered, "its trailer says so");
    assert_eq!(all(&vault)[0].legs[0].samples, 8_000);
}

#[test]
fn a_failed_sync_leaves_the_part_for_recovery_and_is_not_tried_again() {
    let site = Site::new();
    let vault = site.vault();
    let part = site.close(site.record(&vault, 1).unwrap());
    site.disk.fail_sync_after(0);
    let report = vault.admit(vec![part]);
    assert_eq!((report.admitted.len(), report.left.len()), (0, 1), "{report:?}");
    assert_eq!(site.disk.paths().iter().filter(|p| p.ends_with(".amx")).count(), 1, "it stays in the spool");
    assert!(all(&vault).is_empty(), "no row");
}

#[test]
fn what_the_disk_loses_is_told() {
    let site = Site::new();
    let vault = site.vault();
    let parts = (1..=3).map(|n| site.close(site.record(&vault, n).unwrap())).collect();
    let paths: Vec<String> = vault.admit(parts).admitted.into_iter().map(|a| a.row.part.path).collect();
    site.disk.flip(&paths[0], 900);
    store::Disk::unlink(&site.disk, &paths[1]).unwrap();

    assert!(vault.check(Level::Size).unwrap().problems.iter().all(|p| p.trouble == Trouble::NoFile));
    let troubles: Vec<Trouble> =
        vault.check(Level::Hash).unwrap().problems.into_iter().map(|p| p.trouble).collect();
    assert_eq!(troubles, [Trouble::Hash, Trouble::NoFile]);
}

#[test]
fn an_act_has_its_leaf_between_those_of_parts() {
    let site = Site::new();
    let vault = site.vault();
    let admit =
        |n| vault.admit(vec![site.close(site.record(&vault, n).unwrap())]).admitted.remove(0).row.leaf;
    let start = |node| Act::Start { node: [node; 16], build: [1; 32], configuration: [2; 32] };
    assert_eq!(admit(1), Some(0));
    assert_eq!(vault.append_act(start(1), [9; 16]).unwrap(), 1);
    assert_eq!(admit(2), Some(2));
    drop(vault);
    let site = Site { disk: site.disk.reboot(3), ..site };
    let vault = site.vault();
    assert_eq!(vault.append_act(start(2), [0; 16]).unwrap(), 3, "it was durable");
    assert_eq!(vault.check_log().unwrap(), (4, None));
    let beside = Catalogue::open(&site.catalogue.path().join("c.db"), &key(), AT).unwrap();
    let looking = Vault::assemble(Arc::new(site.disk), beside, config(), Use::Look, None).unwrap();
    assert!(matches!(looking.append_act(start(3), [0; 16]), Err(VaultError::NoLog)), "not by a bystander");
}

#[test]
fn a_file_comes_back_only_as_its_row_says() {
    let site = Site::new();
    let vault = site.vault();
    let row = vault.admit(vec![site.close(site.record(&vault, 1).unwrap())]).admitted.remove(0).row;
    let path = row.part.path.clone();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut vault.disk.open_read(&path).unwrap(), &mut bytes).unwrap();
    let bring = |bytes: &[u8]| vault.bring_back(&row.part, &mut &*bytes).unwrap();
    assert_eq!(bring(&bytes), Brought::Here);
    vault.disk.unlink(&path).unwrap();
    for at in [0, 900, bytes.len() - 300] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        assert_eq!(bring(&altered), Brought::NotIts, "byte {at}");
    }
    assert_eq!(bring(&bytes[..bytes.len() - 1]), Brought::NotIts);
    assert_eq!(bring(&[bytes.as_slice(), &[0]].concat()), Brought::NotIts);
    assert_eq!(vault.check(Level::Presence).unwrap().problems.len(), 1, "nothing of them was kept");
    assert_eq!(bring(&bytes), Brought::Back);
    assert!(vault.check(Level::Hash).unwrap().is_clean());
    assert_eq!(vault.part_row((row.facts.recording_id, 0)).unwrap(), Some(row.part.clone()));
    assert_eq!(vault.part_row((row.facts.recording_id, 1)).unwrap(), None);
}
