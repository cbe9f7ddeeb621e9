//! Two nights on one medium: three recordings of two days, a late one among them.

use seal::{RecipientSecret, RecipientType, SigningKey, TRAILER_LEN};
use sha2::{Digest as _, Sha256};
use shared::{Day, LocationId, MediaId, RecorderId, RecordingId, RunId, SiteId, UtcMicros, Zone};

use super::Memory;
use crate::Pieces;
use crate::certs::{Cert, Certs, Claim, Role};
use crate::log::{Act, Checkpoint, Frontier, Leaf, LeafFile, RecordingLeaf, leaf_hash};
use crate::manifest::{Manifest, ManifestLine};
use crate::run_report::{Level, Outcome, RunHead, RunProof, RunReport};
use crate::{CARD_NAME, Card, SiteJson};

const SITE: SiteId = SiteId([1; 16]);
const PLACE: LocationId = LocationId([2; 16]);
const MEDIUM: MediaId = MediaId([3; 16]);

pub(super) fn central() -> SigningKey {
    SigningKey::from_seed(&[5; 32])
}

/// A medium and what it was made from.
pub(super) struct Made {
    pub(super) medium: Memory,
    pub(super) site: SiteJson,
    pub(super) card: Card,
    pub(super) leaves: Vec<Vec<u8>>,
    pub(super) first_report: String,
    pub(super) last_report: String,
}

/// A recording as it lies there.
struct Sealed {
    path: &'static str,
    day: Day,
    bytes: Vec<u8>,
    leaf: u64,
}

impl Sealed {
    fn new(path: &'static str, len: usize, leaf: u64) -> Self {
        let day = path.split('/').next().unwrap().parse().unwrap();
        let n = u8::try_from(leaf).unwrap();
        let bytes = (0..len).map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1] ^ n).collect();
        Self { path, day, bytes, leaf }
    }

    fn body(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - TRAILER_LEN]
    }

    fn id(&self) -> RecordingId {
        RecordingId([u8::try_from(self.leaf).unwrap(); 16])
    }

    fn leaf(&self) -> Leaf {
        let act = Act::Recording(RecordingLeaf {
            recording_id: self.id(),
            part: 0,
            flags: 0,
            size: seal::fields::len64(&self.bytes),
            sha256: Sha256::digest(self.body()).into(),
            blake3: blake3::hash(self.body()).into(),
            recorder_id: RecorderId([8; 16]),
            start: UtcMicros(1),
            end: UtcMicros(2),
            day: self.day,
        });
        Leaf { at: UtcMicros(3), actor: [0; 16], act }
    }

    fn line(&self) -> ManifestLine {
        let mut taken = Pieces::default();
        taken.update(&self.bytes);
        let (_whole, pieces) = taken.finish();
        ManifestLine {
            sha256: Sha256::digest(&self.bytes).into(),
            size: seal::fields::len64(&self.bytes),
            blake3: blake3::hash(&self.bytes).into(),
            leaf: Some(self.leaf),
            pieces,
            path: self.path.split_once('/').unwrap().1.to_owned(),
        }
    }

    fn proof(&self, manifest: u32) -> RunProof {
        RunProof {
            recording_id: self.id(),
            part: 0,
            leaf: self.leaf,
            path: self.path.to_owned(),
            size: seal::fields::len64(&self.bytes),
            sha256: Sha256::digest(self.body()).into(),
            blake3: blake3::hash(self.body()).into(),
            level: Level::ReadBack,
            manifest,
            read_at: UtcMicros(4),
        }
    }
}

impl Made {
    pub(super) fn new() -> Self {
        let root = SigningKey::from_seed(&[4; 32]);
        let site = SiteJson {
            site_id: SITE,
            zone: Zone::named("Africa/Johannesburg").unwrap(),
            root_key: root.verifying_key(),
            recovery_key: RecipientSecret::from_seed(RecipientType::XWing, [6; 32]).public().unwrap(),
            min_suite: RecipientType::XWing,
            commissioned: "2026-11-01".parse().unwrap(),
        };
        let card =
            Card { site_id: SITE, location_id: PLACE, media_id: MEDIUM, media_gen: 1, created: UtcMicros(1) };
        let medium = Memory::default();
        let (first_report, last_report) = (String::new(), String::new());
        let mut made = Self { medium, site, card, leaves: Vec::new(), first_report, last_report };
        made.documents(&root);
        made.nights();
        made
    }

    pub(super) fn file(&mut self, path: &str) -> &mut Vec<u8> {
        self.medium.0.get_mut(path).unwrap_or_else(|| panic!("no {path}"))
    }

    pub(super) fn put(&mut self, path: &str, bytes: &[u8]) {
        self.medium.0.insert(path.to_owned(), bytes.to_vec());
    }

    /// Removes a file, or, with a slash at its end, a folder.
    pub(super) fn remove(&mut self, path: &str) {
        let before = self.medium.0.len();
        self.medium.0.retain(|name, _| name != path && !(path.ends_with('/') && name.starts_with(path)));
        assert!(self.medium.0.len() < before, "no {path}");
    }

    /// The checkpoint of the first `leaves` leaves.
    pub(super) fn checkpoint(&self, leaves: usize) -> Checkpoint {
        let root = self.edge(leaves).root();
        Checkpoint { site_id: SITE, leaves: u64::try_from(leaves).unwrap(), root }
    }

    pub(super) fn report(
        &self,
        run: u8,
        previous: Option<[u8; 32]>,
        first: u64,
        end: u64,
        proofs: &[RunProof],
    ) -> RunReport {
        let head = RunHead {
            site_id: SITE,
            location_id: PLACE,
            media_id: MEDIUM,
            media_gen: 1,
            run_id: RunId([run; 16]),
            begun: UtcMicros(1_795_287_600_000_000 + i64::from(run - 1) * 86_400_000_000),
            previous,
            first,
            end,
        };
        let (ended, outcome) = (UtcMicros(5), Outcome::Complete);
        RunReport { head, proofs: proofs.to_vec(), ended, outcome, checkpoint: end }
    }

    fn documents(&mut self, root: &SigningKey) {
        let claim = Claim {
            role: Role::Central,
            subject: RecorderId([1; 16]),
            name: "central".into(),
            key: central().verifying_key(),
            not_before: UtcMicros(0),
            not_after: UtcMicros(i64::MAX),
        };
        let certs = Certs::new(SITE, 1, vec![Cert::sign(claim, &SITE, root)], &self.site.root_key).unwrap();
        self.put("site.json", &self.site.to_bytes());
        self.put(CARD_NAME, &self.card.sign(&central()).unwrap());
        self.put("README.txt", b"words");
        self.put(&format!("keys/{}", certs.file_name()), &certs.to_bytes());
    }

    fn nights(&mut self) {
        let first = Sealed::new(super::FIRST, 600, 0);
        let long = Sealed::new(super::LONG, 1_300_000, 1);
        let late = Sealed::new(super::LATE, 700, 3);
        for sealed in [&first, &long, &late] {
            self.put(sealed.path, &sealed.bytes);
        }
        // The first night.
        self.leaves.extend([first.leaf().to_bytes(), long.leaf().to_bytes()]);
        let old = self.manifest(&first, 1, None);
        self.manifest(&long, 1, None);
        self.log(0, 2);
        let proofs = [first.proof(1), long.proof(1)];
        let report = self.report(1, None, 0, 2, &proofs);
        self.first_report = format!("runs/{}", report.head.file_name());
        let bytes = report.sign(&central()).unwrap();
        let digest = RunReport::digest(&bytes);
        self.put(&self.first_report.clone(), &bytes);
        let act = Act::Run {
            location_id: PLACE.0,
            media_id: MEDIUM.0,
            run_id: [1; 16],
            first: 0,
            end: 2,
            report: digest,
            result: 1,
        };
        // The second night: the leaf of the first run, and a recording that was delivered late.
        self.leaves.push(Leaf { at: UtcMicros(6), actor: [0; 16], act }.to_bytes());
        self.leaves.push(late.leaf().to_bytes());
        self.manifest(&late, 2, Some(old));
        self.log(2, 4);
        let report = self.report(2, Some(digest), 2, 4, &[late.proof(2)]);
        self.last_report = format!("runs/{}", report.head.file_name());
        self.put(&self.last_report.clone(), &report.sign(&central()).unwrap());
    }

    fn manifest(&mut self, sealed: &Sealed, generation: u32, previous: Option<[u8; 32]>) -> [u8; 32] {
        let log = self.checkpoint(self.leaves.len());
        let manifest = Manifest {
            site_id: SITE,
            location_id: PLACE,
            day: sealed.day,
            generation,
            previous,
            log_leaves: log.leaves,
            log_root: log.root,
            lines: vec![sealed.line()],
        };
        let bytes = manifest.sign(&central());
        self.put(&format!("{}/{}", sealed.day, Manifest::file_name(generation)), &bytes);
        self.put(&format!("{}/{}", sealed.day, Manifest::sums_name(generation)), &manifest.sha256sums());
        Manifest::digest(&bytes)
    }

    pub(super) fn log(&mut self, first: usize, end: usize) {
        let file = LeafFile::new(self.edge(first), self.leaves[first..end].to_vec()).unwrap();
        self.put(&format!("log/{}", file.file_name()), &file.to_bytes());
        let point = self.checkpoint(end);
        let key = central();
        let note = point.sign_after(&Checkpoint::empty(SITE), &[], &key.verifying_key(), |label, bytes| {
            key.sign(label, bytes)
        });
        self.put(&format!("log/{}", point.file_name()), note.unwrap().as_bytes());
    }

    fn edge(&self, leaves: usize) -> Frontier {
        let mut edge = Frontier::default();
        for leaf in &self.leaves[..leaves] {
            edge.append(leaf_hash(leaf));
        }
        edge
    }
}
