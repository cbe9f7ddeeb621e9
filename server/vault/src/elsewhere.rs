//! Recordings whose live copy was purged, or lost: fetched back from a medium that holds them, held against what was read back there, and kept
//! for a while in `cache/`.
//!
//! A fetched file is `cache/<day fetched>-<location>-<recording>-<part>.amx`; in files of before, the location is missing. It is no proof of
//! anything: nothing of it is ever counted when a purge is judged. It goes when somebody fetches seven days later, or when the disk needs the room, unless a medium that holds the
//! recording has turned suspect meanwhile: then it may be the last good copy.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use catalogue::{BadPart, MediumState, PartRow, ProofRow, Recording};
use sha2::Digest as _;
use shared::{Day, LocationId, RecordingId};
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
    /// empty if it was not fetched, or nobody knows from where. `None`: it is in the live store.
    ///
    /// # Errors
    /// The disk's or the catalogue's.
    pub fn fetched_from(&self, recording: &Recording) -> Result<Option<String>> {
        for part in &recording.parts {
            if !self.disk.exists(&part.path)? {
                let name = name_of(recording.facts.recording_id, part.part);
                let path = self.cached()?.into_iter().find(|path| path.ends_with(&name));
                let from = path.as_deref().and_then(parse).and_then(|fetched| fetched.from);
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
        let name = name_of(id, row.part);
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
        for proof in &proofs {
            let from = plain(&proof.location_id.to_string());
            let path = format!("{CACHE}/{:08}-{from}{name}", today.yyyymmdd());
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
            let Some(fetched) = parse(&path) else { continue };
            let is_old = fetched.day.plus_days(DAYS_KEPT).is_none_or(|until| until <= today);
            if (is_old || all) && !self.is_doubtful(fetched.id)? {
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
            if parse(&path).is_some_and(|fetched| of.contains(&fetched.id)) {
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

/// What the name of a fetched file says.
#[derive(PartialEq, Eq, Debug)]
struct Fetched {
    day: Day,
    from: Option<LocationId>,
    id: RecordingId,
}

fn parse(path: &str) -> Option<Fetched> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut words = name.split('-');
    let day = Day::from_yyyymmdd(words.next()?.parse().ok()?).ok()?;
    let words: Vec<&str> = words.collect();
    let (from, id) = match *words.as_slice() {
        [id, _part] => (None, id),
        [from, id, _part] => (Some(from.parse().ok()?), id),
        _ => return None,
    };
    Some(Fetched { day, from, id: id.parse().ok()? })
}

/// How the name of a fetched part ends.
fn name_of(id: RecordingId, part: u16) -> String {
    format!("-{}-{part}.amx", plain(&id.to_string()))
}

fn plain(id: &str) -> String {
    id.replace('-', "")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_fetched_file_says_when_and_from_where_it_came_if_it_is_not_older() {
        let (id, from) = (RecordingId([0xa1; 16]), LocationId([0xb2; 16]));
        let day = Day::from_yyyymmdd(20_261_122).unwrap();
        let (a, b) = ("a1".repeat(16), "b2".repeat(16));
        let check = |name: &str, expected| assert_eq!(parse(&format!("cache/{name}")), expected, "{name}");
        check(&format!("20261122-{b}-{a}-0.amx"), Some(Fetched { day, from: Some(from), id }));
        check(&format!("20261122-{a}-12.amx"), Some(Fetched { day, from: None, id }));
        for strange in
            ["", "x.amx", "20261122-1-2-3-4.amx", &format!("20261122-x-{a}-0.amx"), &format!("1-{a}-0.amx")]
        {
            check(strange, None);
        }
        assert!(format!("cache/20261122-{b}-{a}-0.amx").ends_with(&name_of(id, 0)));
        assert!(!format!("cache/20261122-{b}-{a}-10.amx").ends_with(&name_of(id, 0)));
    }
}
