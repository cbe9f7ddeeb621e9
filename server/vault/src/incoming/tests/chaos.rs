//! Both sides at once, by dice: calls begin, grow and end, bytes go over in pieces, power goes on either side in mid-operation, and in
//! the end everything that was ever durable is at the central, once, and nothing is left at the satellite.

use std::collections::{BTreeMap, BTreeSet};

use seal::Writer;
use shared::LedgerEnd;

use super::*;
use crate::tests::all;
use crate::{Level, News, PartFile, Receipt, RecordingRow, Resume};

/// Dice that fall the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

struct World {
    dice: Dice,
    central: Option<Central>,
    incoming: Option<Incoming>,
    satellite: Option<Satellite>,
    growing: Vec<(PartFile, Writer, RecordingRow)>,
    next: u8,
    /// What was durable at some moment: it must arrive.
    durable: BTreeSet<RecordingId>,
    gone: BTreeSet<What>,
    cuts: [u32; 2],
}

fn central_key() -> SigningKey {
    SigningKey::from_seed(&[8; 32])
}

impl World {
    fn new(seed: u64) -> Self {
        let central = Central::new();
        let incoming = Some(central.incoming());
        Self {
            dice: Dice(seed),
            central: Some(central),
            incoming,
            satellite: Some(Satellite::new(WHO, 'B')),
            growing: Vec::new(),
            next: 1,
            durable: BTreeSet::new(),
            gone: BTreeSet::new(),
            cuts: [0; 2],
        }
    }

    fn satellite(&self) -> &Satellite {
        self.satellite.as_ref().unwrap()
    }

    fn incoming(&self) -> &Incoming {
        self.incoming.as_ref().unwrap()
    }

    fn step(&mut self) {
        match self.dice.below(14) {
            0..=2 if self.growing.len() < 3 && self.next < 60 => {
                self.next += 1;
                let Satellite { maker, outpost, .. } = self.satellite.as_ref().unwrap();
                self.growing.extend(maker.record(outpost, self.next));
            }
            3 => {
                if self.satellite().outpost.sync_all().is_ok() {
                    self.durable.extend(self.growing.iter().map(|(.., row)| row.facts.recording_id));
                }
            }
            4 | 5 => {
                let n = self.dice.below(3) as usize;
                let some: Vec<_> = self.growing.drain(..n.min(self.growing.len())).collect();
                let Satellite { maker, outpost, .. } = self.satellite.as_ref().unwrap();
                let report = outpost.admit(some.into_iter().map(|part| maker.close(part)).collect());
                self.durable.extend(report.admitted.iter().map(|a| a.row.facts.recording_id));
            }
            6..=9 => self.exchange(),
            10 => drop(self.incoming().sync()),
            11 => {
                let at = self.dice.below(30);
                self.satellite().disk.cut_after(at);
            }
            12 => {
                let at = self.dice.below(40);
                self.central.as_ref().unwrap().site.disk.cut_after(at);
            }
            _ => {
                if let Some(incoming) = &self.incoming {
                    incoming.gone(WHO);
                }
            }
        }
        self.start_again();
    }

    /// A connection for some moments: as the two sides of the protocol do it, without a line between them.
    fn exchange(&mut self) {
        let mut whole = Vec::new();
        for file in self.satellite().outpost.files() {
            match self.send(&file) {
                Ok(true) => {
                    let of = |digests| Whole { who: WHO, what: file.what, size: file.bytes, digests };
                    whole.extend(file.sealed.map(of));
                }
                Ok(false) => {}
                Err(not) => assert!(not.why.passes(), "{not:?}"),
            }
        }
        let answers = self.central.as_ref().unwrap().take_in(self.incoming(), &whole);
        let mut released = Vec::new();
        for (whole, answer) in whole.iter().zip(answers) {
            match answer {
                Ok(leaf) => {
                    let (what, Digests { sha256, blake3 }) = (whole.what, whole.digests);
                    let What::Part(recording_id, part) = what else { continue };
                    let (site_id, recorder_id, size) = (config().site_id, WHO, whole.size);
                    let receipt =
                        Receipt { site_id, recorder_id, recording_id, part, size, sha256, blake3, leaf };
                    let signature = receipt.sign(&central_key());
                    let key = central_key().verifying_key();
                    released.extend(
                        self.satellite().outpost.released(what, leaf, &signature, &key).ok().flatten(),
                    );
                    self.gone.insert(what);
                }
                Err(not) => assert!(not.why.passes(), "{not:?}"),
            }
        }
        drop(self.satellite().outpost.let_go(released));
    }

    /// Sends some of a file; true if all of it is there then.
    fn send(&mut self, file: &crate::OutFile) -> Answer<bool> {
        let pieces = self.dice.below(6);
        let incoming = self.incoming.as_ref().unwrap();
        let outpost = &self.satellite.as_ref().unwrap().outpost;
        let held = incoming.look(WHO, file.what, file.unfinished)?;
        let key = satellite_key(WHO);
        if file.unfinished {
            let mut next = outpost.central_holds(file.what, held.length, held.blake3, &key);
            while let Ok(Resume::Fetch { offset, length }) = next {
                let bytes = incoming.read(WHO, file.what, offset, length as usize)?;
                next = outpost.append_from_central(file.what, offset, &bytes, &key);
            }
            // On this connection the part is known as it was; the next one offers it anew.
            incoming.gone(WHO);
            return Ok(false);
        }
        let mut length = held.length;
        assert!(length <= file.bytes, "the central is never ahead of what is not cut: {file:?}");
        for _ in 0..pieces {
            let Ok(bytes) = outpost.read(file.what, length, 4_000) else { return Ok(false) };
            if !bytes.is_empty() {
                length = incoming.write(WHO, file.what, length, &bytes)?;
            }
        }
        Ok(length == file.bytes)
    }

    /// Starts whatever lost its power.
    fn start_again(&mut self) {
        let dice = self.dice.below(1_000);
        if Disk::list(&self.satellite().disk, "spool").is_err() {
            let Satellite { maker, disk, outpost } = self.satellite.take().unwrap();
            self.growing.clear();
            drop(outpost);
            let disk = disk.reboot(dice);
            let outpost = super::outpost(&disk, WHO, 'B');
            self.satellite = Some(Satellite { maker, disk, outpost });
            self.incoming().gone(WHO);
            self.cuts[0] += 1;
        }
        if Disk::list(&self.central.as_ref().unwrap().site.disk, INCOMING).is_err() {
            drop(self.incoming.take());
            let central = self.central.take().unwrap().rebooted(dice);
            let vault = central.site.vault();
            let report = central.site.recover(&vault, true);
            assert!(report.unreadable.is_empty() && report.missing_files.is_empty(), "{report:?}");
            drop(vault);
            self.incoming = Some(central.incoming());
            self.central = Some(central);
            self.cuts[1] += 1;
        }
    }

    /// No more faults: everything ends, goes over, and is let go.
    fn end(&mut self) {
        let whole_disk = u64::MAX;
        self.satellite().disk.cut_after(whole_disk);
        self.central.as_ref().unwrap().site.disk.cut_after(whole_disk);
        let open = std::mem::take(&mut self.growing);
        let Satellite { maker, outpost, .. } = self.satellite.as_ref().unwrap();
        let report = outpost.admit(open.into_iter().map(|part| maker.close(part)).collect());
        assert!(report.left.is_empty(), "{report:?}");
        for _ in 0..60 {
            self.exchange();
        }
        self.incoming().sync().unwrap();
    }

    fn judge(&self, seed: u64) {
        let outpost = &self.satellite().outpost;
        let left: Vec<News> = outpost.take_news();
        let parts: Vec<_> =
            outpost.files().into_iter().filter(|file| matches!(file.what, What::Part(..))).collect();
        assert!(parts.is_empty(), "seed {seed}: {parts:?} {left:?}");
        let vault = &self.incoming().vault;
        let found: BTreeMap<RecordingId, _> =
            all(vault).into_iter().map(|recording| (recording.facts.recording_id, recording)).collect();
        for id in &self.durable {
            assert!(found.contains_key(id), "seed {seed}: {id} was durable and is lost");
        }
        for what in &self.gone {
            let What::Part(id, _) = what else { continue };
            assert!(found.contains_key(id), "seed {seed}: {id} was let go and is nowhere");
        }
        for recording in found.values() {
            let is_whole = recording.legs[0].samples == 8_000;
            assert!(is_whole || recording.facts.end != LedgerEnd::Recorded, "seed {seed}: {recording:?}");
            assert_eq!(recording.parts.len(), 1, "seed {seed}");
        }
        assert!(vault.check(Level::Hash).unwrap().is_clean(), "seed {seed}");
        // A leaf may tell of a part whose row a crash kept back and that got another later; never the other way.
        assert_eq!(vault.check_log().unwrap().1, None, "seed {seed}");
        let day = "2026-11-22".parse().unwrap();
        let totals = vault.ledger_totals(day).unwrap();
        let desk = held(&outpost.spool.desk);
        let own = desk.ledger.as_ref().unwrap().totals(day);
        assert_eq!((totals, totals.open), (own, 0), "seed {seed}: the account of both sides");
        let in_full = totals.recorded + totals.partly;
        assert_eq!(found.len() as u64, in_full, "seed {seed}: what the account says is there");
        let over: Vec<_> =
            growing(&*vault.disk).unwrap().into_iter().map(|path| (vault.disk.len(&path), path)).collect();
        assert!(over.is_empty(), "seed {seed}: {over:?} is left over");
    }
}

#[test]
fn whatever_is_cut_when_on_either_side_each_call_arrives_once() {
    let mut cuts = [0; 2];
    for seed in 0..16 {
        let mut world = World::new(seed);
        for _ in 0..60 {
            world.step();
        }
        world.end();
        world.judge(seed);
        cuts = [cuts[0] + world.cuts[0], cuts[1] + world.cuts[1]];
    }
    assert!(cuts.iter().all(|cuts| *cuts > 8), "both sides were cut often: {cuts:?}");
}
