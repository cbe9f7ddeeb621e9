//! A real site with real sealed recordings, to be archived to a disk that loses power.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use archive::SiteJson;
use archive::certs::{Cert, Certs, Claim, Role};
use archive::recovery::RecoverySecret;
use rand_core::{CryptoRng, Rng as _};
use seal::keystore::Keystore;
use seal::{
    FinalInfo, KeyId, Meta, PartSpec, RecipientKey, RecipientSecret, RecipientType, SigningKey, VerifyingKey,
    Writer,
};
use shared::{
    Chunk, Day, FrameBuf, LedgerEnd, LedgerNo, LocationId, RecorderId, RecordingId, RunHead, SiteId, TapId,
    Track, UtcMicros, Zone,
};
use store::testing::FaultyDisk;
use store::{Disk, LocalDisk};
use tempfile::TempDir;
use vault::{
    CatalogueKey, ClosedPart, Facts, LegRow, LocationKind, LocationRow, MediaSet, PartRow, RecordingRow, Use,
    Vault, VaultConfig,
};

use crate::Result;
use crate::carrier::{Carrier, Clock, DiskCarrier, SyncRule};
use crate::engine::{Central, KeyFile, KeysAsked, Progress, Summary, World, archive, prepare};
use crate::keyfiles::{Cost, Night, Secrets, draw_secrets, key_files};

const SITE: SiteId = SiteId([7; 16]);
const RECORDER: RecorderId = RecorderId([9; 16]);
/// 2026-11-22 16:22:33 in Johannesburg.
pub(super) const AT: UtcMicros = UtcMicros(1_795_357_353_000_000);
const HOUR_US: i64 = 3_600_000_000;

pub(super) fn dice() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// Keys and documents. They are the same for all copies of a site.
pub(super) struct Office {
    card: SiteJson,
    json: Vec<u8>,
    store: Keystore,
    certs: Certs,
    pub(super) day_key: RecipientSecret,
}

impl Office {
    pub(super) fn new() -> Self {
        let mut dice = dice();
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
            commissioned: "2026-11-01".parse().unwrap(),
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
        let day_key = RecipientSecret::from_seed(RecipientType::X25519, [3; 32]);
        Self { json: card.to_bytes(), card, store, certs, day_key }
    }
}

impl Central for Office {
    fn site(&self) -> &SiteJson {
        &self.card
    }

    fn site_json(&self) -> &[u8] {
        &self.json
    }

    fn signing_key(&self) -> &SigningKey {
        self.store.signing_key()
    }

    fn certified(&self, id: KeyId) -> Option<VerifyingKey> {
        self.certs.key(id)
    }

    fn recipient(&self, _day: Day) -> Result<RecipientKey> {
        Ok(self.day_key.public()?)
    }

    fn key_files(&self, asked: &KeysAsked) -> Result<Vec<KeyFile>> {
        let secrets = Secrets::of(&self.store, &self.card, b"recorder key").unwrap();
        let night = Night {
            card: &self.card,
            site_name: "Town hall",
            today: asked.today,
            now: asked.now,
            generation: asked.generation,
            ahead_days: 31,
            new_slots_max: 4,
            cost: Cost { m_kib: 8, t: 1, p: 1 },
            previous_slots: asked.slots.as_deref(),
            secrets: &secrets,
            certs: &self.certs,
            checkpoint: &asked.checkpoint,
            tombstones: &asked.tombstones,
        };
        let made = key_files(&night, &mut dice());
        let files = made.map_err(|e| crate::ArchiverError::Refused(e.to_string()))?.files;
        Ok(files.into_iter().map(|f| KeyFile { path: f.path, bytes: f.bytes }).collect())
    }

    fn configuration(&self) -> Result<Vec<u8>> {
        Ok(b"settings".to_vec())
    }

    fn draw_id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        dice().fill_bytes(&mut id);
        id
    }

    fn dice(&self) -> Box<dyn CryptoRng> {
        Box::new(dice())
    }
}

/// Time that passes only when somebody waits, or a test says so; or by so much whenever somebody looks.
pub(super) struct Hands(pub(super) Cell<UtcMicros>, pub(super) Cell<i64>);

impl Clock for Hands {
    fn now(&self) -> UtcMicros {
        self.0.set(self.0.get().plus(self.1.get()));
        self.0.get()
    }

    fn sleep_ms(&self, ms: u64) {
        self.0.set(self.0.get().plus(i64::try_from(ms).unwrap() * 1_000));
    }
}

/// A site's data folder.
pub(super) struct Site {
    pub(super) folder: TempDir,
    pub(super) clock: Hands,
    pub(super) stop: AtomicBool,
}

impl Site {
    /// Makes a site without recordings, and a location.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        drop(Vault::create(folder.path(), config(), &key(), AT).unwrap());
        let site = Self { folder, clock: Hands(Cell::new(AT), Cell::new(0)), stop: AtomicBool::new(false) };
        site.vault().add_location(&location()).unwrap();
        site
    }

    /// Returns a copy of the data folder, as of now.
    pub(super) fn copied(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(self.folder.path(), folder.path());
        Self { folder, clock: Hands(Cell::new(self.clock.now()), Cell::new(0)), stop: AtomicBool::new(false) }
    }

    pub(super) fn vault(&self) -> Vault {
        Vault::open(self.folder.path(), config(), &key(), AT, Use::Record).unwrap()
    }

    /// Records calls on a day: `n` names each; the sealed file is a few kilobytes, or one of two megabytes.
    pub(super) fn record(&self, office: &Office, day: &str, calls: impl Iterator<Item = u8>, large: bool) {
        let vault = self.vault();
        let parts: Vec<ClosedPart> =
            calls.map(|n| call(&vault, office, day.parse().unwrap(), n, large)).collect();
        let count = parts.len();
        let report = vault.admit(parts);
        assert_eq!((report.admitted.len(), report.left.len()), (count, 0), "{report:?}");
    }

    pub(super) fn prepare(&self, office: &Office, medium: &FaultyDisk) {
        self.prepare_on(office, medium);
    }

    pub(super) fn prepare_on<D: Disk + Clone + 'static>(&self, office: &Office, medium: &D) {
        let vault = self.vault();
        self.with(&vault, office, |world| {
            prepare(world, &location(), &mut self.carrier(medium, SyncRule::Whole), "A", "safe", 0).unwrap();
        });
    }

    pub(super) fn carrier<D: Disk + Clone + 'static>(&self, medium: &D, rule: SyncRule) -> DiskCarrier {
        let live = LocalDisk::open(self.folder.path()).unwrap();
        DiskCarrier::new(Arc::new(medium.clone()), Arc::new(live), rule, || AT)
    }

    /// Runs the archive once.
    pub(super) fn night(&self, office: &Office, medium: &FaultyDisk, rule: SyncRule) -> Result<Summary> {
        self.night_on(office, medium, rule)
    }

    /// The same on any store.
    pub(super) fn night_on<D: Disk + Clone + 'static>(
        &self,
        office: &Office,
        medium: &D,
        rule: SyncRule,
    ) -> Result<Summary> {
        self.told(office, medium, rule, &|_progress| ())
    }

    /// The same; `tell` hears how far it is.
    pub(super) fn told<D: Disk + Clone + 'static>(
        &self,
        office: &Office,
        medium: &D,
        rule: SyncRule,
        tell: &(dyn Fn(&Progress) + Sync),
    ) -> Result<Summary> {
        let vault = self.vault();
        self.with(&vault, office, |world| {
            let world = World { tell, ..*world };
            archive(&world, &location(), &mut || Ok(Box::new(self.carrier(medium, rule)) as Box<dyn Carrier>))
        })
    }

    fn with<T>(&self, vault: &Vault, office: &Office, run: impl FnOnce(&World<'_>) -> T) -> T {
        let data = LocalDisk::open(self.folder.path()).unwrap();
        let (clock, stop) = (&self.clock, &self.stop);
        run(&World { vault, data: &data, central: office, clock, stop, tell: &|_progress| () })
    }
}

pub(super) fn location() -> LocationRow {
    LocationRow {
        location_id: LocationId([5; 16]),
        name: "the drive".into(),
        kind: LocationKind::Usb,
        path: "/media/drive".into(),
        settings: "{}".into(),
        set: MediaSet::One,
        added_at: AT,
        removed_at: None,
    }
}

fn key() -> CatalogueKey {
    CatalogueKey::new([7; 32])
}

fn config() -> VaultConfig {
    let zone = Zone::named("Africa/Johannesburg").unwrap();
    VaultConfig { site_id: SITE, zone, recorder_id: RECORDER, letter: 'A' }
}

fn call(vault: &Vault, office: &Office, day: Day, n: u8, large: bool) -> ClosedPart {
    let id = RecordingId([n; 16]);
    let start = vault.config().zone.start_of(day).unwrap().plus(9 * HOUR_US + i64::from(n) * 1_000_000);
    let entry = vault.allot(id, start).unwrap();
    vault.commit_ledger().unwrap();
    let spec = PartSpec {
        recording_id: id,
        site_id: SITE,
        recorder_id: RECORDER,
        start,
        day,
        part: 0,
        kind: seal::Kind::Recording,
        after_restart: false,
        prev_trailer: [0; 32],
    };
    let signer = office.signing_key();
    let to = [office.day_key.public().unwrap()];
    let (mut writer, header) = Writer::begin(&spec, &to, signer.key_id(), &mut dice()).unwrap();
    let track =
        Track { codec: "PCMA".into(), clock_hz: 8_000, channels: 1, joinable: true, ..Track::default() };
    let meta = Meta { tracks: vec![track.clone()], ledger_no: entry.ledger_no, ..Meta::default() };
    let meta = writer.meta(&meta).unwrap();
    let name = seal::file_name(vault.config().zone.hms_of(start), &id, 0);
    let mut file = vault.begin_part((id, 0), &name).unwrap();
    file.append(&[&header, &meta]).unwrap();
    let seconds = if large { 270 } else { 1 };
    for second in 0..seconds {
        writer.begin_flush(second * 1_000_000);
        let mut buf = FrameBuf::default();
        buf.push(&[n; 8_000]);
        let run = RunHead { samples: 8_000, len: 8_000, ..RunHead::default() };
        let chunk = Chunk { track: 0, base_samples: second * 8_000, runs: vec![run], buf };
        file.append(&[writer.audio(chunk).unwrap().bytes()]).unwrap();
    }
    let ended_at = start.plus(i64::try_from(seconds).unwrap() * 1_000_000);
    let info = FinalInfo { end: ended_at, reason: "bye".into(), ..FinalInfo::default() };
    let (tail, closing) = writer.close(info).unwrap();
    let sums = closing.facts();
    let trailer = closing.trailer(false, ended_at, signer);
    let facts = Facts {
        recording_id: id,
        recorder_id: RECORDER,
        ledger_no: LedgerNo(entry.ledger_no.0),
        reference: entry.reference,
        started_at: start,
        ended_at,
        day,
        direction: Default::default(),
        method: Default::default(),
        side: Default::default(),
        tap: TapId(0),
        tap_name: String::new(),
        orphan: false,
        end: LedgerEnd::Recorded,
        end_reason: "bye".into(),
        packets: Default::default(),
    };
    let part = PartRow {
        part: 0,
        started_at: start,
        day,
        ended_at,
        path: String::new(),
        bytes: 0,
        sha256: sums.sha256,
        blake3: sums.blake3,
        flags: 0,
        frames: sums.frames,
        signing_key_id: signer.key_id().0,
    };
    let leg = LegRow { part: 0, track, samples: 8_000 * seconds, ..LegRow::default() };
    let row = RecordingRow {
        facts,
        call_ids: vec![],
        parties: vec![],
        legs: vec![leg],
        events: vec![],
        part,
        leaf: None,
    };
    ClosedPart { file, tail, trailer, row }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
