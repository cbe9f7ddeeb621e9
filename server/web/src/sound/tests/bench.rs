//! A real vault with real sealed recordings, made by the writer that the recorder uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use seal::{
    FinalInfo, KeyId, Kind, Meta, PartSpec, RecipientSecret, RecipientType, SigningKey, VerifyingKey, Writer,
};
use shared::{
    Chunk, Direction, Event, FrameBuf, GapCause, LedgerEnd, Party, RecorderId, RecordingId, Role, RunHead,
    SiteId, TapId, Track, UtcMicros, Zone,
};
use tempfile::TempDir;
use vault::{
    CatalogueKey, ClosedPart, Facts, LegRow, PacketCounts, PartFile, PartRow, PartyRole, PartyRow, Recording,
    RecordingRow, Vault, VaultConfig,
};

/// 2026-11-22T14:22:33Z.
pub(crate) const START: UtcMicros = UtcMicros(1_795_357_353_000_000);

/// A data folder and its keys.
pub(crate) struct Bench {
    /// Removed with the bench.
    _folder: TempDir,
    pub(crate) vault: Arc<Vault>,
    pub(crate) keys: Keys,
    pub(crate) zone: Zone,
}

/// All keys of the site.
pub(crate) struct Keys {
    day: RecipientSecret,
    pub(crate) signer: SigningKey,
}

impl seal::KeyRing for Keys {
    fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        let fits = self.day.public().unwrap().key_id() == id;
        fits.then(|| RecipientSecret::from_seed(RecipientType::X25519, *self.day.expose()))
    }

    fn verifying_key(&self, id: KeyId) -> Option<VerifyingKey> {
        Some(self.signer.verifying_key()).filter(|key| key.key_id() == id)
    }
}

/// What a call is about.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) n: u8,
    pub(crate) start: UtcMicros,
    pub(crate) caller: &'static str,
    pub(crate) called: &'static str,
    pub(crate) tap: &'static str,
    pub(crate) tracks: Vec<Track>,
}

impl About {
    pub(crate) fn new(n: u8, tracks: Vec<Track>) -> Self {
        Self { n, start: START, caller: "200", called: "0115550100", tap: "main trunk", tracks }
    }

    pub(crate) fn id(&self) -> RecordingId {
        RecordingId([self.n; 16])
    }
}

/// One track of one codec.
pub(crate) fn track(number: u8, codec: &str, clock_hz: u32) -> Track {
    let role = if number.is_multiple_of(2) { Role::Near } else { Role::Far };
    let joinable = matches!(codec, "PCMU" | "PCMA" | "G722" | "L16");
    let leg = number % 2;
    Track {
        track: number,
        leg,
        role,
        codec: codec.into(),
        clock_hz,
        channels: 1,
        joinable,
        ..Track::default()
    }
}

/// Near and far in one codec.
pub(crate) fn duplex(codec: &str, clock_hz: u32) -> Vec<Track> {
    vec![track(0, codec, clock_hz), track(1, codec, clock_hz)]
}

/// One second of a track: octets that tell where they are.
pub(crate) fn second(track: u8, n: u64, octets: usize, clock_hz: u32) -> Chunk {
    let runs =
        vec![RunHead { samples: clock_hz.into(), len: u32::try_from(octets).unwrap(), ..RunHead::default() }];
    chunk(track, n * u64::from(clock_hz), runs, &noise(u64::from(track) << 32 | n, octets))
}

pub(crate) fn chunk(track: u8, base_samples: u64, runs: Vec<RunHead>, octets: &[u8]) -> Chunk {
    let mut buf = FrameBuf::with_capacity(octets.len());
    buf.push(octets);
    Chunk { track, base_samples, runs, buf }
}

/// The same octets for the same seed.
pub(crate) fn noise(seed: u64, octets: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 56).unwrap()
    };
    (0..octets).map(step).collect()
}

/// A part that is being written.
pub(crate) struct Open<'a> {
    bench: &'a Bench,
    about: About,
    spec: PartSpec,
    writer: Writer,
    file: PartFile,
    entry: vault::LedgerEntry,
    totals: BTreeMap<u8, LegRow>,
    events: Vec<Event>,
    end: UtcMicros,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let zone = Zone::named("Africa/Johannesburg").unwrap();
        let config = VaultConfig {
            site_id: SiteId([1; 16]),
            zone: zone.clone(),
            recorder_id: RecorderId([2; 16]),
            letter: 'A',
        };
        let vault = Vault::create(folder.path(), config, &CatalogueKey::new([3; 32]), START).unwrap();
        let day = RecipientSecret::from_seed(RecipientType::X25519, [4; 32]);
        let keys = Keys { day, signer: SigningKey::from_seed(&[5; 32]) };
        Self { _folder: folder, vault: Arc::new(vault), keys, zone }
    }

    /// Begins the first part of a call.
    pub(crate) fn begin(&self, about: &About) -> Open<'_> {
        let entry = self.vault.allot(about.id(), about.start).unwrap();
        self.vault.commit_ledger().unwrap();
        self.part(about, entry, 0, about.start, [0; 32])
    }

    fn part(
        &self,
        about: &About,
        entry: vault::LedgerEntry,
        part: u16,
        start: UtcMicros,
        prev_trailer: [u8; 32],
    ) -> Open<'_> {
        let spec = PartSpec {
            recording_id: about.id(),
            site_id: SiteId([1; 16]),
            recorder_id: RecorderId([2; 16]),
            start,
            day: self.zone.day_of(start),
            part,
            kind: Kind::Recording,
            after_restart: false,
            prev_trailer,
        };
        let mut dice = rand_core::UnwrapErr(getrandom::SysRng);
        let to = [self.keys.day.public().unwrap()];
        let (mut writer, header) = Writer::begin(&spec, &to, self.keys.signer.key_id(), &mut dice).unwrap();
        let meta = Meta {
            tracks: about.tracks.clone(),
            parties: parties(about).into_iter().map(|(role, party)| (seal_role(role), party)).collect(),
            direction: Direction::Out,
            ledger_no: entry.ledger_no,
            reference: entry.reference.to_string(),
            ..Meta::default()
        };
        let meta = writer.meta(&meta).unwrap();
        let name = seal::file_name(self.zone.hms_of(start), &about.id(), part);
        let mut file = self.vault.begin_part((about.id(), part), &name).unwrap();
        file.append(&[&header, &meta]).unwrap();
        let leg = |t: &Track| LegRow { part, track: t.clone(), ..LegRow::default() };
        let totals = about.tracks.iter().map(|t| (t.track, leg(t))).collect();
        let about = about.clone();
        Open { bench: self, about, spec, writer, file, entry, totals, events: Vec::new(), end: start }
    }

    /// Makes a whole recording of `seconds` of noise in the tracks of `about`.
    pub(crate) fn record(&self, about: &About, seconds: u64) -> Recording {
        let mut open = self.begin(about);
        for n in 0..seconds {
            open.second(n);
        }
        open.close();
        self.vault.recording(about.id()).unwrap().unwrap()
    }

    pub(crate) fn sealed(&self, recording: &Recording) -> super::super::sealed::Sealed {
        let readers = self.vault.open_recording(recording.facts.recording_id).unwrap();
        super::super::sealed::open(recording, readers, &self.keys, RecipientType::X25519).unwrap()
    }
}

impl<'a> Open<'a> {
    /// Appends second `n` of noise on every track, as many octets as its codec has.
    pub(crate) fn second(&mut self, n: u64) {
        let octets = |t: &Track| if t.codec == "L16" { 2 * t.clock_hz } else { t.clock_hz };
        let tracks = self.about.tracks.clone();
        self.flush(
            tracks
                .iter()
                .map(|t| second(t.track, n, usize::try_from(octets(t)).unwrap(), t.clock_hz))
                .collect(),
        );
    }

    pub(crate) fn flush(&mut self, chunks: Vec<Chunk>) {
        let clocks: BTreeMap<u8, u64> =
            self.totals.iter().map(|(n, l)| (*n, l.track.clock_hz.into())).collect();
        let clock = |n: u8| clocks[&n];
        let us = |c: &Chunk| c.base_samples * 1_000_000 / clock(c.track);
        self.writer.begin_flush(chunks.iter().map(us).min().unwrap_or(0));
        let mut bytes = Vec::new();
        for chunk in chunks {
            let end = chunk.end_samples() * 1_000_000 / clock(chunk.track);
            self.end = self.end.max(self.spec.start.plus(i64::try_from(end).unwrap()));
            let leg = self.totals.get_mut(&chunk.track).unwrap();
            for run in &chunk.runs {
                leg.samples += run.samples;
                leg.gaps.add(run.cause, run.gap_samples);
            }
            bytes.extend_from_slice(self.writer.audio(chunk).unwrap().bytes());
        }
        self.file.append(&[&bytes]).unwrap();
    }

    /// Appends the bytes of a flush in two writes, so that a reader may look between them.
    pub(crate) fn torn_flush(&mut self, chunks: Vec<Chunk>, between: impl FnOnce()) {
        let clock = |n: u8| u64::from(self.totals[&n].track.clock_hz);
        self.writer
            .begin_flush(chunks.iter().map(|c| c.base_samples * 1_000_000 / clock(c.track)).min().unwrap());
        let bytes: Vec<u8> =
            chunks.into_iter().flat_map(|c| self.writer.audio(c).unwrap().bytes().to_vec()).collect();
        let (first, rest) = bytes.split_at(bytes.len() / 3);
        self.file.append(&[first]).unwrap();
        between();
        self.file.append(&[rest]).unwrap();
    }

    pub(crate) fn event(&mut self, event: Event) {
        let frame = self.writer.event(&event).unwrap();
        self.file.append(&[&frame]).unwrap();
        self.events.push(event);
    }

    pub(crate) fn add_tracks(&mut self, tracks: &[Track]) {
        self.about.tracks.extend_from_slice(tracks);
        let meta = Meta { tracks: self.about.tracks.clone(), ..Meta::default() };
        let frame = self.writer.meta(&meta).unwrap();
        self.file.append(&[&frame]).unwrap();
        let part = self.spec.part;
        self.totals
            .extend(tracks.iter().map(|t| (t.track, LegRow { part, track: t.clone(), ..LegRow::default() })));
    }

    /// Closes the last part.
    pub(crate) fn close(self) {
        let vault = Arc::clone(&self.bench.vault);
        let (closed, _about) = self.closed(false);
        admit(&vault, closed);
    }

    /// Closes this part and begins the next one, whose positions count from its own start.
    pub(crate) fn roll(self) -> Self {
        let about = self.about.clone();
        self.roll_as(&about)
    }

    /// Closes this part and begins the next one with other tracks.
    pub(crate) fn roll_as(self, about: &About) -> Self {
        let (bench, entry, number, end) = (self.bench, self.entry, self.spec.part, self.end);
        let (closed, _former) = self.closed(true);
        let previous = seal::trailer_digest(&closed.trailer);
        let next = bench.part(about, entry, number + 1, end, previous);
        admit(&bench.vault, closed);
        next
    }

    fn closed(self, continued: bool) -> (ClosedPart, About) {
        let Self { bench, about, spec, writer, file, entry, totals, events, end } = self;
        let info = FinalInfo { end, reason: "bye".into(), packets: Default::default(), clock: None };
        let (tail, closing) = writer.close(info).unwrap();
        let digests = closing.facts();
        let facts = Facts {
            recording_id: about.id(),
            recorder_id: RecorderId([2; 16]),
            ledger_no: entry.ledger_no,
            reference: entry.reference,
            started_at: about.start,
            ended_at: end,
            day: bench.zone.day_of(about.start),
            direction: Direction::Out,
            method: Default::default(),
            side: Default::default(),
            tap: TapId(0),
            tap_name: about.tap.into(),
            orphan: false,
            end: LedgerEnd::Recorded,
            end_reason: "bye".into(),
            packets: PacketCounts::default(),
        };
        let part = PartRow {
            part: spec.part,
            started_at: spec.start,
            day: spec.day,
            ended_at: end,
            path: String::new(),
            bytes: 0,
            sha256: digests.sha256,
            blake3: digests.blake3,
            flags: if continued { 4 } else { 0 },
            frames: digests.frames,
            signing_key_id: bench.keys.signer.key_id().0,
        };
        let trailer = closing.trailer(continued, end, &bench.keys.signer);
        let parties = parties(&about).into_iter().map(|(role, party)| PartyRow { role, party }).collect();
        let mut legs: Vec<LegRow> = totals.into_values().collect();
        legs.iter_mut().for_each(|leg| leg.correct(&events));
        let call_ids = vec![format!("{}@test", about.n)];
        let row = RecordingRow { facts, call_ids, parties, legs, events, part, leaf: None };
        (ClosedPart { file, tail, trailer, row }, about)
    }
}

fn admit(vault: &Vault, closed: ClosedPart) {
    let report = vault.admit(vec![closed]);
    assert!(report.left.is_empty() && report.trouble.is_none(), "{report:?}");
    assert!(report.admitted.iter().all(|part| part.entered), "{report:?}");
}

fn parties(about: &About) -> Vec<(PartyRole, Party)> {
    let party = |number: &str| Party { number: number.into(), ..Party::default() };
    vec![(PartyRole::Caller, party(about.caller)), (PartyRole::Called, party(about.called))]
}

fn seal_role(role: PartyRole) -> seal::PartyRole {
    match role {
        PartyRole::Caller => seal::PartyRole::Caller,
        PartyRole::Called => seal::PartyRole::Called,
        PartyRole::Other => seal::PartyRole::Other,
    }
}

/// A run after a gap.
pub(crate) fn run(gap_samples: u64, cause: GapCause, samples: u64, len: u32) -> RunHead {
    RunHead { gap_samples, cause, samples, len }
}
