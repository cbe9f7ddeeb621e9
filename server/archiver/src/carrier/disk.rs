//! A location on a file system: a folder, a USB drive, a share that the kernel mounts.
//!
//! A batch is written under temporary names, made durable (S1), renamed without replacing (S2 makes the names durable) and read
//! back past the cache. On file systems whose `syncfs` is known to keep its word the two syncs are one call for the whole
//! batch; elsewhere every file and every folder is synced by itself, because there a `syncfs` that returns 0 proves nothing.
//! A failed sync voids the batch and is never tried again: the pages may be gone.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use archive::layout::LEASE_NAME;
use archive::manifest::PIECE;
use shared::UtcMicros;
use store::{Disk, DiskFile, EntryKind, StoreError};

use super::digests::Digesting;
use super::fault::{failed, is_unsupported};
use super::lease::{LEN_MAX, OnTheWay, Renewing};
use super::small::{cleared, created, put_lease, read};
use super::{
    Carried, Carrier, CarryError, CarryKind, Digests, Fate, Found, Holder, Item, Piece, Source, Space, back,
    content_len, fits, split,
};

/// Read and written in one go.
pub(super) const CHUNK: usize = 1 << 20;
/// Ends the names of files that are not finished.
const UNFINISHED: &str = ".part";

/// How bytes become durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncRule {
    /// By `syncfs`, for ext4, xfs, btrfs, vfat and exfat.
    Whole,
    /// Each file and each folder by itself, for everything else.
    Each,
}

/// Carries to a folder tree.
#[derive(Debug)]
pub struct DiskCarrier {
    medium: Arc<dyn Disk>,
    live: Arc<dyn Disk>,
    rule: SyncRule,
    /// Names in folders that were looked into in this run.
    seen: BTreeMap<String, BTreeSet<String>>,
    now: fn() -> UtcMicros,
    renewing: Option<Renewing>,
}

/// A file of a batch on its way.
enum OnItsWay {
    /// Written under its temporary name.
    Written(Digests, Option<DiskFile>),
    /// Decided.
    Done(Fate),
}

impl DiskCarrier {
    /// Carries from `live`, the site's data folder, to `medium`, the archive's root folder.
    #[must_use]
    pub fn new(medium: Arc<dyn Disk>, live: Arc<dyn Disk>, rule: SyncRule, now: fn() -> UtcMicros) -> Self {
        Self { medium, live, rule, seen: BTreeMap::new(), now, renewing: None }
    }

    /// Does what takes long, and renews the lease meanwhile.
    fn at_length<T>(
        &mut self,
        progress: &mut dyn FnMut(u64),
        work: impl FnOnce(&mut Self, &mut dyn FnMut(u64)) -> Carried<T>,
    ) -> Carried<T> {
        let (medium, mut renewing) = (Arc::clone(&self.medium), self.renewing.take());
        let mut way = OnTheWay {
            renewing: renewing.as_mut(),
            read: &|| read(&*medium, LEASE_NAME, LEN_MAX),
            put: &|bytes| put_lease(&*medium, bytes),
            lost: None,
        };
        let done = work(self, &mut |bytes| {
            way.step();
            progress(bytes);
        });
        let done = way.kept(done);
        self.renewing = renewing;
        done
    }

    /// Looks into a folder the first time: makes it, and removes what a cut run left unfinished.
    fn enter(&mut self, folder: &str) -> Carried<()> {
        if self.seen.contains_key(folder) {
            return Ok(());
        }
        if !folder.is_empty() {
            self.medium.mkdir_all(folder).map_err(failed)?;
        }
        let mut names = BTreeSet::new();
        for entry in self.medium.list(folder).map_err(failed)? {
            if entry.kind == EntryKind::File && entry.name.ends_with(UNFINISHED) {
                cleared(&*self.medium, &join(folder, &entry.name))?;
            } else {
                names.insert(entry.name);
            }
        }
        self.seen.insert(folder.to_owned(), names);
        Ok(())
    }

    /// Writes one file under its temporary name, unless its name is taken by something that may not be put aside.
    fn begin(&mut self, item: &Item, progress: &mut dyn FnMut(u64)) -> Carried<OnItsWay> {
        let (folder, name) = split(&item.to);
        self.enter(folder)?;
        if self.seen.get(folder).is_some_and(|names| names.contains(name)) {
            match self.compare(item, progress)? {
                fate if !matches!(fate, Fate::Taken | Fate::Misread) => return Ok(OnItsWay::Done(fate)),
                fate => match &item.aside {
                    None => return Ok(OnItsWay::Done(fate)),
                    Some(aside) => self.enter(split(aside).0)?,
                },
            }
        }
        match &item.source {
            Source::Bytes(bytes) => self.write(item, &mut bytes.as_slice(), progress),
            Source::Sealed { path, .. } => match self.live.open_uncached(path, 0) {
                Ok(Some(mut io)) => match self.write(item, &mut *io, progress)? {
                    // It may be the way past the cache that fails.
                    OnItsWay::Done(Fate::SourceBad) => self.write_cached(item, path, progress),
                    way @ (OnItsWay::Written(..) | OnItsWay::Done(_)) => Ok(way),
                },
                Ok(None) => self.write_cached(item, path, progress),
                Err(e) if e.is_not_found() => Ok(OnItsWay::Done(Fate::SourceGone)),
                Err(_) => self.write_cached(item, path, progress),
            },
        }
    }

    /// Like [`Self::write`] of a sealed file as the page cache has it.
    fn write_cached(&self, item: &Item, path: &str, progress: &mut dyn FnMut(u64)) -> Carried<OnItsWay> {
        match self.live.open_read(path) {
            Ok(io) => self.write(item, &mut BufReader::with_capacity(CHUNK, io), progress),
            Err(e) if e.is_not_found() => Ok(OnItsWay::Done(Fate::SourceGone)),
            // It is our disk that fails, not the medium.
            Err(_) => Ok(OnItsWay::Done(Fate::SourceBad)),
        }
    }

    fn write(&self, item: &Item, from: &mut dyn BufRead, progress: &mut dyn FnMut(u64)) -> Carried<OnItsWay> {
        let path = unfinished(&item.to);
        let mut file = created(&*self.medium, &path)?;
        let mut digesting = Digesting::new(content_len(&item.source));
        let whole = loop {
            let chunk = match from.fill_buf() {
                Ok([]) => break true,
                Ok(chunk) => chunk,
                Err(_unreadable) => break false,
            };
            digesting.update(chunk);
            file.append(&[chunk]).map_err(failed)?;
            let n = chunk.len();
            progress(u64::try_from(n).unwrap_or(0));
            from.consume(n);
        };
        let digests = digesting.finish();
        if file.measured().map_err(failed)? != digests.size {
            let text = format!("{path} has another length than what was written to it");
            return Err(CarryError { kind: CarryKind::Doubtful, text });
        }
        if whole && fits(&item.source, &digests) {
            let file = (self.rule == SyncRule::Each).then_some(file);
            return Ok(OnItsWay::Written(digests, file));
        }
        drop(file);
        cleared(&*self.medium, &path)?;
        Ok(OnItsWay::Done(Fate::SourceBad))
    }

    /// Renames a file to its final name. Over a network the answer may be lost and the second request finds nothing to rename: then it
    /// was done. What lies there is read back in any case.
    fn renamed(&self, to: &str) -> Result<(), StoreError> {
        match self.medium.rename(&unfinished(to), to) {
            Err(e) if e.is_not_found() && self.medium.exists(to)? => Ok(()),
            done => done,
        }
    }

    /// Makes a name free that something bad has. It keeps its bytes, under another name; one that is gone needs none.
    fn put_aside(&mut self, from: &str, aside: &str) -> Carried<()> {
        let (folder, name) = split(from);
        if !self.seen.get(folder).is_some_and(|names| names.contains(name)) {
            return Ok(());
        }
        match self.medium.rename(from, aside) {
            // It was done, and its answer was lost; or it went by itself.
            Err(e) if e.is_not_found() => {}
            done => done.map_err(failed)?,
        }
        if let Some(names) = self.seen.get_mut(folder) {
            names.remove(name);
        }
        Ok(())
    }

    /// A name that is taken: the same content is adopted, another is left alone.
    fn compare(&self, item: &Item, progress: &mut dyn FnMut(u64)) -> Carried<Fate> {
        let read = match back::digests(&*self.medium, &item.to, content_len(&item.source), progress) {
            // What is known to be bad need not be readable. If it is the whole medium, writing will tell.
            Err(_unreadable) if item.aside.is_some() => None,
            read => read?,
        };
        let Some((digests, uncached)) = read else { return Ok(Fate::Misread) };
        if !fits(&item.source, &digests) {
            return Ok(Fate::Taken);
        }
        // Its name may not have been durable yet, nor its bytes: it was another run's.
        self.settle(&item.to)?;
        Ok(Fate::Proven { digests, uncached, adopted: true })
    }

    fn settle(&self, path: &str) -> Carried<()> {
        match self.rule {
            SyncRule::Whole => self.medium.sync_fs().map_err(failed),
            SyncRule::Each => {
                let synced = self.medium.open_append(path).and_then(|mut file| file.sync());
                synced.and_then(|()| self.medium.sync_dir(split(path).0)).map_err(failed)
            }
        }
    }

    /// S1: the bytes of a batch are durable.
    fn sync_bytes(&self, batch: &mut [OnItsWay]) -> Carried<()> {
        if self.rule == SyncRule::Whole {
            return self.medium.sync_fs().map_err(failed);
        }
        for way in batch {
            if let OnItsWay::Written(_, file) = way
                && let Some(mut file) = file.take()
            {
                file.sync().map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Gives each written file its final name. One that was taken meanwhile is compared.
    fn name(&mut self, items: &[Item], batch: &mut [OnItsWay], progress: &mut dyn FnMut(u64)) -> Carried<()> {
        for (item, way) in items.iter().zip(batch) {
            if !matches!(way, OnItsWay::Written(..)) {
                continue;
            }
            if let Some(aside) = &item.aside {
                self.put_aside(&item.to, aside)?;
            }
            match self.renamed(&item.to) {
                Ok(()) => {
                    let (folder, name) = split(&item.to);
                    self.seen.entry(folder.to_owned()).or_default().insert(name.to_owned());
                }
                Err(StoreError::Exists { .. }) => {
                    cleared(&*self.medium, &unfinished(&item.to))?;
                    *way = OnItsWay::Done(self.compare(item, progress)?);
                }
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(())
    }

    /// S2: the names of a batch are durable.
    fn sync_names(&self, items: &[Item]) -> Carried<()> {
        if self.rule == SyncRule::Whole {
            return self.medium.sync_fs().map_err(failed);
        }
        let put = items.iter().flat_map(|item| std::iter::once(&item.to).chain(&item.aside));
        let folders: BTreeSet<&str> = put.map(|path| split(path).0).collect();
        for folder in folders {
            match self.medium.sync_dir(folder) {
                Ok(()) => {}
                // Nothing was put aside there.
                Err(e) if e.is_not_found() && folder.starts_with(archive::layout::ASIDE_FOLDER) => {}
                // Some file systems have no sync of a folder; an error of the drive is another thing.
                Err(StoreError::SyncFailed { source, .. } | StoreError::Io { source, .. })
                    if is_unsupported(&source) => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(())
    }

    fn prove(&self, item: &Item, way: OnItsWay, progress: &mut dyn FnMut(u64)) -> Carried<Fate> {
        let digests = match way {
            OnItsWay::Done(fate) => return Ok(fate),
            OnItsWay::Written(digests, _) => digests,
        };
        Ok(match back::is_there(&*self.medium, &item.to, &digests, progress)? {
            Some(uncached) => Fate::Proven { digests, uncached, adopted: false },
            None => Fate::Misread,
        })
    }

    fn carry_all(&mut self, items: &[Item], progress: &mut dyn FnMut(u64)) -> Carried<Vec<Fate>> {
        let mut batch = Vec::with_capacity(items.len());
        for item in items {
            batch.push(self.begin(item, progress)?);
        }
        if batch.iter().any(|way| matches!(way, OnItsWay::Written(..))) {
            self.sync_bytes(&mut batch)?;
            self.name(items, &mut batch, progress)?;
            self.sync_names(items)?;
        }
        items.iter().zip(batch).map(|(item, way)| self.prove(item, way, progress)).collect()
    }
}

impl Carrier for DiskCarrier {
    fn list(&mut self, folder: &str) -> Carried<Option<Vec<Found>>> {
        match self.medium.list(folder) {
            Ok(entries) => {
                let found = |e: store::Entry| Found { name: e.name, is_folder: e.kind == EntryKind::Folder };
                Ok(Some(entries.into_iter().map(found).collect()))
            }
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }

    fn read(&mut self, path: &str, max: u64) -> Carried<Option<Vec<u8>>> {
        read(&*self.medium, path, max)
    }

    fn sizes(&mut self, paths: &[String]) -> Carried<Vec<Option<u64>>> {
        let size = |path: &String| match self.medium.len(path) {
            Ok(size) => Ok(Some(size)),
            Err(e) if e.is_not_found() => Ok(None),
            Err(e) => Err(failed(e)),
        };
        paths.iter().map(size).collect()
    }

    fn digest(
        &mut self,
        path: &str,
        content: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Carried<Option<(Digests, bool)>> {
        self.at_length(progress, |this, told| back::digests(&*this.medium, path, content, told))
    }

    fn piece(&mut self, path: &str, nth: u64) -> Carried<Option<Piece>> {
        let size = match self.medium.len(path) {
            Ok(size) => size,
            Err(e) if e.is_not_found() => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let from = nth.saturating_mul(PIECE);
        let mut bytes = Vec::new();
        let unread = |e| failed(StoreError::sorted("read", path, e));
        let uncached = match self.medium.open_uncached(path, from).map_err(failed)? {
            Some(io) => {
                io.take(PIECE).read_to_end(&mut bytes).map_err(unread)?;
                true
            }
            None => {
                let mut io = self.medium.open_read(path).map_err(failed)?;
                io.seek(SeekFrom::Start(from)).map_err(unread)?;
                io.take(PIECE).read_to_end(&mut bytes).map_err(unread)?;
                false
            }
        };
        Ok(Some(Piece { size, bytes, uncached }))
    }

    fn space(&mut self) -> Carried<Space> {
        let (free, total) = (self.medium.free_bytes(), self.medium.total_bytes());
        Ok(Space { free: free.map_err(failed)?, total: total.map_err(failed)? })
    }

    fn carry(&mut self, items: &[Item], progress: &mut dyn FnMut(u64)) -> Carried<Vec<Fate>> {
        let fates = self.at_length(progress, |this, told| this.carry_all(items, told));
        if fates.is_err() {
            // Nothing of it counts. What cannot be removed now is removed when the folder is next looked into.
            for item in items {
                drop(self.medium.unlink(&unfinished(&item.to)));
            }
            self.seen.clear();
        }
        fates
    }

    fn remove(&mut self, paths: &[String]) -> Carried<()> {
        for path in paths {
            let removed = match path.strip_suffix('/') {
                Some(folder) => self.medium.remove_folder(folder),
                None => self.medium.unlink(path),
            };
            match removed {
                Ok(()) => {}
                Err(e) if e.is_not_found() => {}
                Err(e) => return Err(failed(e)),
            }
            let (folder, name) = split(path.strip_suffix('/').unwrap_or(path));
            self.seen.remove(path.trim_end_matches('/'));
            if let Some(names) = self.seen.get_mut(folder) {
                names.remove(name);
            }
        }
        let above = |path: &'_ String| split(path.strip_suffix('/').unwrap_or(path)).0.to_owned();
        let folders: BTreeSet<String> = paths.iter().map(above).collect();
        for folder in &folders {
            match self.medium.sync_dir(folder) {
                Ok(()) => {}
                // It went with the rest.
                Err(e) if e.is_not_found() => {}
                Err(StoreError::SyncFailed { source, .. } | StoreError::Io { source, .. })
                    if is_unsupported(&source) => {}
                Err(e) => return Err(failed(e)),
            }
        }
        Ok(())
    }

    fn put_lease(&mut self, bytes: &[u8]) -> Carried<()> {
        put_lease(&*self.medium, bytes)
    }

    fn keep_lease(&mut self, holder: Option<Holder>) -> Carried<()> {
        self.renewing = holder.map(|holder| Renewing::new(holder, self.now));
        Ok(())
    }
}

fn unfinished(path: &str) -> String {
    format!("{path}{UNFINISHED}")
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}
