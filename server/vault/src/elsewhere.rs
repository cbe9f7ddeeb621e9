//! Recordings whose live copy was purged, or lost: fetched back from a medium that holds them, held against what was read back there, and kept
//! for a while in `cache/`.
//!
//! A fetched file is `cache/<day fetched>-<recording>-<part>.amx`. It is no proof of anything: nothing of it is ever counted when a purge is
//! judged. It goes when somebody fetches seven days later, or when the disk needs the room, unless a medium that holds the
//! recording has turned suspect meanwhile: then it may be the last good copy.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use catalogue::{BadPart, MediumState, PartRow, ProofRow, Recording};
use sha2::Digest as _;
use shared::{Day, RecordingId};
use store::ReadSeek;

use crate::vault::held;
use crate::{Result, Vault, VaultError};

const CACHE: &str = "cache";
/// Days that a fetched file stays.
const DAYS_KEPT: i32 = 7;
/// So much of the disk is left to recording.
const ROOM_LEFT: u64 = 4 << 30;
/// Bytes copied at a time.
const STEP: usize = 1 << 20;

/// So many recordings are known by where they came from; then that is forgotten.
const ORIGINS_MAX: usize = 10_000;

/// Opens files on media. The archive's engine has one; the vault knows no medium.
pub trait Elsewhere: Send + Sync {
    /// Opens the file of a proof, where it lies on its medium; `None` if that is not connected.
    ///
    /// # Errors
    /// The system's.
    fn open(&self, proof: &ProofRow) -> io::Result<Option<Box<dyn Read + Send>>>;
}

impl Vault {
    /// Says who opens files on media; without, purged recordings cannot be heard.
    pub fn look_elsewhere(&self, elsewhere: Arc<dyn Elsewhere>) {
        *held(&self.elsewhere) = Some(elsewhere);
    }

    /// Opens a sealed file: in the live store, in the cache, or fetched from a medium.
    ///
    /// What is destroyed is not opened, wherever a copy may lie still.
    pub(crate) fn open_part(&self, id: RecordingId, row: &PartRow) -> Result<Box<dyn ReadSeek>> {
        self.not_shredded(id)?;
        match self.disk.open_read(&row.path) {
            Err(e) if e.is_not_found() => self.fetched(id, row, e.into()).map(|(_path, io)| io),
            opened => Ok(opened?),
        }
    }

    /// Returns where a part lies under the data folder that is not in the live store any more: in the cache, fetched from a medium that is
    /// connected and held against its proof.
    ///
    /// # Errors
    /// [`VaultError::Away`] if no medium that holds it is connected, [`VaultError::NoSuchRecording`], the disk's or the catalogue's.
    pub fn fetched_path(&self, id: RecordingId, part: u16) -> Result<String> {
        let found = self.catalogue.recording(id)?.ok_or(VaultError::NoSuchRecording(id))?;
        let row = found.parts.iter().find(|row| row.part == part).ok_or(VaultError::NoSuchRecording(id))?;
        self.fetched(id, row, VaultError::NoSuchRecording(id)).map(|(path, _io)| path)
    }

    /// Tells whether a recording is heard from the archive, because it left the live store: the name of the place that it was fetched from;
    /// empty if that was before this process began. `None`: it is in the live store.
    ///
    /// # Errors
    /// The disk's or the catalogue's.
    pub fn fetched_from(&self, recording: &Recording) -> Result<Option<String>> {
        for part in &recording.parts {
            if !self.disk.exists(&part.path)? {
                let from = held(&self.fetched_from).get(&recording.facts.recording_id).copied();
                let place = from.map(|id| self.catalogue.location(&id.to_string())).transpose()?.flatten();
                return Ok(Some(place.map_or_else(String::new, |place| place.name)));
            }
        }
        Ok(None)
    }

    /// Opens a file that is not in the live store. If no medium ever held it, `missing` is what to say.
    fn fetched(
        &self,
        id: RecordingId,
        row: &PartRow,
        missing: VaultError,
    ) -> Result<(String, Box<dyn ReadSeek>)> {
        let mut proofs = self.catalogue.proofs_of(id)?;
        proofs.retain(|p| p.read_back.part == row.part && p.read_back.sha256 == row.sha256);
        proofs.sort_by_key(|p| std::cmp::Reverse(p.read_back.level));
        let today = self.config.zone.day_of(crate::log::now());
        let name = format!("{}-{}.amx", id.to_string().replace('-', ""), row.part);
        // A page asks for sound, waveform and gaps of a call at once: one fetches it, the others find it.
        let _turn = self.fetching.take(&name);
        self.forget_fetched(today, false)?;
        if let Some(path) = self.cached()?.into_iter().find(|path| path.ends_with(&name)) {
            let io = self.disk.open_read(&path)?;
            return Ok((path, io));
        }
        if proofs.is_empty() {
            return Err(missing);
        }
        let path = format!("{CACHE}/{:08}-{name}", today.yyyymmdd());
        for proof in &proofs {
            if self.fetch(proof, row, &path, today)? {
                let io = self.disk.open_read(&path)?;
                return Ok((path, io));
            }
        }
        Err(VaultError::Away { media: self.names_of(&proofs)? })
    }

    /// Copies a file from a medium into the cache; false if the medium is not connected, or holds something else.
    fn fetch(&self, proof: &ProofRow, row: &PartRow, path: &str, today: Day) -> Result<bool> {
        let elsewhere = held(&self.elsewhere).clone();
        let Some(elsewhere) = elsewhere else { return Ok(false) };
        let Ok(Some(mut from)) = elsewhere.open(proof) else { return Ok(false) };
        self.make_room(row.bytes, today)?;
        let part = format!("{path}.part");
        if self.disk.exists(&part)? {
            self.disk.unlink(&part)?;
        }
        let copied = self.copy(&mut *from, row.bytes, &part)?;
        let why = match copied {
            Copied::Whole(sha256, blake3)
                if (sha256, blake3) == (proof.read_back.whole_sha256, proof.read_back.whole_blake3) =>
            {
                self.disk.rename(&part, path)?;
                let mut from = held(&self.fetched_from);
                if from.len() >= ORIGINS_MAX {
                    from.clear();
                }
                from.insert(proof.read_back.recording_id, proof.location_id);
                return Ok(true);
            }
            Copied::Whole(..) => "it is not what was read back there",
            Copied::Gone => "it is not there any more",
            // The medium may have gone: that says nothing about what lies on it.
            Copied::Broken => "",
        };
        self.disk.unlink(&part)?;
        if !why.is_empty() {
            self.found_bad(proof.media_id, &[bad(proof, why)], crate::log::now())?;
        }
        Ok(false)
    }

    /// Copies at most `bytes` and one more, durably.
    fn copy(&self, from: &mut dyn Read, bytes: u64, to: &str) -> Result<Copied> {
        let mut file = self.disk.create_new(to)?;
        let (mut sha, mut blake) = (sha2::Sha256::new(), blake3::Hasher::new());
        let mut buffer = vec![0; STEP];
        let mut from = from.take(bytes.saturating_add(1));
        loop {
            let got = match from.read(&mut buffer) {
                Ok(got) => got,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Copied::Gone),
                Err(_) => return Ok(Copied::Broken),
            };
            let piece = buffer.get(..got).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            sha.update(piece);
            blake.update(piece);
            file.append(&[piece])?;
        }
        // A torn file under its final name would be taken for whole.
        file.sync()?;
        Ok(Copied::Whole(sha.finalize().into(), *blake.finalize().as_bytes()))
    }

    /// Recording comes before listening: without room in plenty the cache goes, and then nothing is fetched.
    fn make_room(&self, bytes: u64, today: Day) -> Result<()> {
        self.disk.mkdir_all(CACHE)?;
        let wanted = bytes.saturating_add(ROOM_LEFT);
        if self.disk.free_bytes()? < wanted {
            self.forget_fetched(today, true)?;
        }
        if self.disk.free_bytes()? < wanted {
            return Err(store::StoreError::NoSpace { path: CACHE.to_owned() }.into());
        }
        Ok(())
    }

    /// Removes fetched files that are a week old, or all of them; but none that may be the last good copy.
    pub(crate) fn forget_fetched(&self, today: Day, all: bool) -> Result<()> {
        for path in self.cached()? {
            let name = path.rsplit('/').next().unwrap_or_default();
            let Some((fetched, id)) = parse(name) else { continue };
            let is_old = fetched.plus_days(DAYS_KEPT).is_none_or(|until| until <= today);
            if (is_old || all) && !self.is_doubtful(id)? {
                match self.disk.unlink(&path) {
                    // Somebody else who fetches did it just now.
                    Err(e) if e.is_not_found() => {}
                    done => done?,
                }
            }
        }
        Ok(())
    }

    /// Removes whatever was fetched of these recordings: they are destroyed.
    pub(crate) fn drop_fetched(&self, of: &BTreeSet<RecordingId>) -> Result<()> {
        for path in self.cached()? {
            let name = path.rsplit('/').next().unwrap_or_default();
            if parse(name).is_some_and(|(_, id)| of.contains(&id)) {
                self.disk.unlink(&path)?;
                self.disk.sync_dir(CACHE)?;
            }
        }
        Ok(())
    }

    /// Tells whether a medium that holds the recording is not trusted, or was found to hold it no more.
    fn is_doubtful(&self, id: RecordingId) -> Result<bool> {
        if !self.catalogue.bad_on(id)?.is_empty() {
            return Ok(true);
        }
        for proof in self.catalogue.proofs_of(id)? {
            let medium = self.catalogue.medium(proof.media_id)?;
            if medium.is_none_or(|medium| medium.state == MediumState::Suspect) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn cached(&self) -> Result<Vec<String>> {
        match self.disk.list(CACHE) {
            Ok(entries) => Ok(entries
                .into_iter()
                .filter(|entry| entry.name.ends_with(".amx"))
                .map(|entry| format!("{CACHE}/{}", entry.name))
                .collect()),
            Err(e) if e.is_not_found() => Ok(Vec::new()),
            Err(e) => Err(e.into()),
        }
    }

    /// Names media as people know them.
    fn names_of(&self, proofs: &[ProofRow]) -> Result<String> {
        let mut names = Vec::new();
        for proof in proofs {
            if let Some(medium) = self.catalogue.medium(proof.media_id)? {
                names.push(match medium.lies_in.as_str() {
                    "" => medium.label,
                    place => format!("{} ({place})", medium.label),
                });
            }
        }
        names.dedup();
        Ok(names.join(", "))
    }
}

/// How copying a file ended.
enum Copied {
    /// It was read to its end: SHA-256 and BLAKE3.
    Whole([u8; 32], [u8; 32]),
    /// It is not there.
    Gone,
    /// It could not be read.
    Broken,
}

/// The part that a proof tells of, and what is wrong with it.
pub(crate) fn bad(proof: &ProofRow, why: &str) -> BadPart {
    let back = &proof.read_back;
    BadPart { recording_id: back.recording_id, part: back.part, path: back.path.clone(), why: why.to_owned() }
}

/// Reads the name of a fetched file.
fn parse(name: &str) -> Option<(Day, RecordingId)> {
    let (day, rest) = name.split_once('-')?;
    let (id, _part) = rest.split_once('-')?;
    Some((Day::from_yyyymmdd(day.parse().ok()?).ok()?, id.parse().ok()?))
}
