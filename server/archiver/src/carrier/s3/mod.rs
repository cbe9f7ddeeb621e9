//! A location in a bucket of an S3-compatible store.
//!
//! An object is put once, whole, under its final name, and the store is told to refuse a name that is taken and to hold the bytes
//! against their SHA-256; its 200 is what a sync is elsewhere. Then it is got again and compared. There is no temporary name and no
//! rename: a run that was cut leaves whole objects or none.
//!
//! Each object costs two trips to the store, so several are under way at once.

mod bytes;
mod fault;
mod parallel;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use archive::layout::LEASE_NAME;
use archive::manifest::PIECE;
use archive::{CARD_MAX, CARD_NAME};
use seal::fields::len64;
use shared::UtcMicros;
use store::Disk;
use store::bucket::{Bucket, BucketError, Fault, New, Put, Retention};

use self::bytes::{Counted, fed, small};
use self::fault::{failed, of_reading, writing};
use super::digests::Digesting;
use super::lease::{LEN_MAX, OnTheWay, Renewing};
use super::{
    Carried, Carrier, CarryError, CarryKind, Digests, Fate, Found, Holder, Item, Piece, Source, Space,
};
use super::{content_len, fits, split};

/// Read in one go.
const CHUNK: usize = 1 << 20;
/// What passes is tried again after these pauses.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];
const DAY_US: i64 = 24 * 3_600 * 1_000_000;

/// For how long what is put may not be deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lock {
    /// Days from when it was put.
    pub days: u32,
    /// Nobody at all may shorten it.
    pub for_all: bool,
}

/// Carries to a bucket.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct S3Carrier {
    bucket: Bucket,
    /// The archive's root folder: a prefix that ends with a slash.
    root: String,
    lock: Option<Lock>,
    live: Arc<dyn Disk>,
    now: fn() -> UtcMicros,
    /// Names in folders that were looked into in this run.
    seen: BTreeMap<String, BTreeSet<String>>,
    /// The access key was refused to delete; somebody was told.
    keeps_all: AtomicBool,
    renewing: Option<Renewing>,
}

impl S3Carrier {
    /// Carries from `live`, the site's data folder, to what lies under `root` in the bucket.
    #[must_use]
    pub fn new(
        bucket: Bucket,
        root: String,
        lock: Option<Lock>,
        live: Arc<dyn Disk>,
        now: fn() -> UtcMicros,
    ) -> Self {
        Self {
            bucket,
            root,
            lock,
            live,
            now,
            seen: BTreeMap::new(),
            keeps_all: AtomicBool::new(false),
            renewing: None,
        }
    }

    /// Tries whether the store refuses a name that is taken. One that does not would overwrite proven copies. Puts the lease, which
    /// says nothing yet, and removes it if it may.
    ///
    /// # Errors
    /// The store's, or it overwrites.
    pub fn try_conditions(&mut self) -> Carried<()> {
        self.put_lease(b"{}")?;
        let name = self.name(LEASE_NAME);
        let put = self.again(|| self.bucket.put(&name, small(&mut b"{}".as_slice(), b"{}", None, false)));
        match put {
            Ok(Put::Taken) => self.remove(&[LEASE_NAME.to_owned()]),
            Ok(Put::Stored) => Err(CarryError {
                kind: CarryKind::Other,
                text: "the store replaces an object although it was told not to (If-None-Match): nothing that lies there \
                       would be safe from being overwritten. Use a store that knows conditional writes"
                    .to_owned(),
            }),
            Err(e) => Err(writing(e)),
        }
    }

    fn name(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    fn prefix(&self, folder: &str) -> String {
        if folder.is_empty() { self.root.clone() } else { format!("{}{folder}/", self.root) }
    }

    /// Tries what passes by itself a few times.
    fn again<T>(&self, mut act: impl FnMut() -> Result<T, BucketError>) -> Result<T, BucketError> {
        let mut pauses = PAUSES.iter();
        loop {
            match act() {
                Err(e) if matches!(e.fault, Fault::Away | Fault::Slow) => match pauses.next() {
                    Some(pause) => std::thread::sleep(*pause),
                    None => return Err(e),
                },
                done => return done,
            }
        }
    }

    /// Looks into the folders of a batch that were not looked into yet.
    fn enter(&mut self, items: &[Item]) -> Carried<()> {
        for item in items {
            let (folder, _) = split(&item.to);
            if !self.seen.contains_key(folder) {
                let prefix = self.prefix(folder);
                let names = self.again(|| self.bucket.list(&prefix)).map_err(failed)?;
                self.seen.insert(folder.to_owned(), names.into_iter().map(|named| named.name).collect());
            }
        }
        Ok(())
    }

    fn is_there(&self, path: &str) -> bool {
        let (folder, name) = split(path);
        self.seen.get(folder).is_some_and(|names| names.contains(name))
    }

    /// Puts one object and reads it back.
    fn one(&self, item: &Item, progress: &dyn Fn(u64)) -> Carried<Fate> {
        let mut replace = false;
        if self.is_there(&item.to) {
            match (self.compare(item, progress)?, &item.aside) {
                (Fate::Taken, Some(aside)) if self.put_aside(&item.to, aside)? => replace = true,
                // Of what is gone, or what the store itself gives to nobody, there is nothing to keep.
                (Fate::Misread, Some(_)) => replace = true,
                (fate, _) => return Ok(fate),
            }
        }
        let Some(digests) = self.source(item) else { return Ok(self.why_no_source(item)) };
        let name = self.name(&item.to);
        match self.again(|| self.put(&name, item, &digests, replace, progress)) {
            Ok(Put::Stored) => {}
            // A put whose answer was lost is found here by its next try, too.
            Ok(Put::Taken) => return self.compare(item, progress),
            Err(e) => return Err(writing(e)),
        }
        let read = self.read_alone(&item.to, content_len(&item.source), progress)?;
        let same = |read: &Digests| {
            (read.size, read.sha256, read.blake3) == (digests.size, digests.sha256, digests.blake3)
        };
        Ok(match read {
            Some(read) if same(&read) => Fate::Proven { digests, uncached: true, adopted: false },
            _ => Fate::Misread,
        })
    }

    /// Reads the source; `None` if it is not what is known about it.
    fn source(&self, item: &Item) -> Option<Digests> {
        let mut digesting = Digesting::new(content_len(&item.source));
        match &item.source {
            Source::Bytes(bytes) => digesting.update(bytes),
            Source::Sealed { path, .. } => {
                // It is our disk that fails, not the store.
                fed(&mut digesting, self.live.open_read(path).ok()?, &|_bytes| ()).ok()?;
            }
        }
        Some(digesting.finish()).filter(|digests| fits(&item.source, digests))
    }

    fn why_no_source(&self, item: &Item) -> Fate {
        let is_gone = |path: &String| self.live.open_read(path).is_err_and(|e| e.is_not_found());
        match &item.source {
            Source::Sealed { path, .. } if is_gone(path) => Fate::SourceGone,
            Source::Sealed { .. } | Source::Bytes(_) => Fate::SourceBad,
        }
    }

    fn put(
        &self,
        name: &str,
        item: &Item,
        digests: &Digests,
        replace: bool,
        progress: &dyn Fn(u64),
    ) -> Result<Put, BucketError> {
        let mut bytes: Box<dyn Read + '_> = match &item.source {
            Source::Bytes(bytes) => Box::new(bytes.as_slice()),
            Source::Sealed { path, .. } => Box::new(
                self.live
                    .open_read(path)
                    .map_err(|e| BucketError { fault: Fault::Odd, text: e.to_string() })?,
            ),
        };
        let mut counted = Counted { bytes: &mut *bytes, progress };
        let retention = self.retention(&item.to);
        let (len, sha256) = (digests.size, digests.sha256);
        self.bucket.put(name, New { bytes: &mut counted, len, sha256, retention, replace })
    }

    /// Copies what is bad to where it is kept aside and reads it back; only then may its name be put anew. False: it is not kept there.
    fn put_aside(&self, from: &str, aside: &str) -> Carried<bool> {
        let (old, new) = (self.name(from), self.name(aside));
        let Some(bad) = self.read_back(from, u64::MAX, &|_bytes| ())? else { return Ok(false) };
        let copy = || {
            let Some(mut object) = self.bucket.get(&old, 0, u64::MAX)? else { return Ok(None) };
            let retention = self.retention(aside);
            let (len, sha256) = (bad.size, bad.sha256);
            let put = self
                .bucket
                .put(&new, New { bytes: &mut object.bytes, len, sha256, retention, replace: false });
            put.map(Some)
        };
        if self.again(copy).map_err(writing)?.is_none() {
            return Ok(false);
        }
        Ok(self.read_back(aside, u64::MAX, &|_bytes| ())? == Some(bad))
    }

    /// The card is replaced when a medium is adopted, and the lease all the time: neither is locked.
    fn retention(&self, path: &str) -> Option<Retention> {
        let lock = self.lock.filter(|_| path != CARD_NAME && path != LEASE_NAME)?;
        let until = (self.now)().0.saturating_add(i64::from(lock.days).saturating_mul(DAY_US));
        Some(Retention { until: UtcMicros(until), for_all: lock.for_all })
    }

    /// A name that is taken: the same content is adopted, another is left alone. What cannot be read is misread.
    fn compare(&self, item: &Item, progress: &dyn Fn(u64)) -> Carried<Fate> {
        let read = self.read_alone(&item.to, content_len(&item.source), progress)?;
        Ok(match read {
            None => Fate::Misread,
            Some(digests) if fits(&item.source, &digests) => {
                Fate::Proven { digests, uncached: true, adopted: true }
            }
            Some(_) => Fate::Taken,
        })
    }

    /// Like [`Self::read_back`], but one object that the store does not give while it gives others (frozen by a rule of the bucket, broken)
    /// is no more than one that is not there: it must not keep all others from being archived.
    fn read_alone(&self, path: &str, content: u64, progress: &dyn Fn(u64)) -> Carried<Option<Digests>> {
        match self.read_back(path, content, progress) {
            Err(e) if matches!(self.got(CARD_NAME, CARD_MAX as u64), Ok(Some(_))) => {
                tracing::error!("{path} cannot be read while the store gives others: {e}");
                Ok(None)
            }
            read => read,
        }
    }

    fn read_back(&self, path: &str, content: u64, progress: &dyn Fn(u64)) -> Carried<Option<Digests>> {
        let name = self.name(path);
        let read = || {
            let Some(object) = self.bucket.get(&name, 0, u64::MAX)? else { return Ok(None) };
            let mut digesting = Digesting::new(content);
            fed(&mut digesting, object.bytes, progress).map_err(of_reading)?;
            Ok(Some(digesting.finish()))
        };
        self.again(read).map_err(failed)
    }
}

impl S3Carrier {
    /// Reads a small object.
    fn got(&self, path: &str, max: u64) -> Carried<Option<Vec<u8>>> {
        let name = self.name(path);
        let read = || {
            let Some(object) = self.bucket.get(&name, 0, u64::MAX)? else { return Ok(None) };
            let mut bytes = Vec::new();
            object.bytes.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(of_reading)?;
            Ok(Some(bytes))
        };
        let bytes = self.again(read).map_err(failed)?;
        if bytes.as_ref().is_some_and(|bytes| len64(bytes) > max) {
            let text = format!("{path} is longer than such a file can be");
            return Err(CarryError { kind: CarryKind::Other, text });
        }
        Ok(bytes)
    }

    fn put_as_lease(&self, bytes: &[u8]) -> Carried<()> {
        let name = self.name(LEASE_NAME);
        let put = self.again(|| self.bucket.put(&name, small(&mut &*bytes, bytes, None, true)));
        put.map(drop).map_err(writing)
    }

    /// Does what takes long, and renews the lease meanwhile.
    fn at_length<T>(
        &mut self,
        progress: &mut dyn FnMut(u64),
        work: impl FnOnce(&Self, &mut dyn FnMut(u64)) -> Carried<T>,
    ) -> Carried<T> {
        let mut renewing = self.renewing.take();
        let this = &*self;
        let mut way = OnTheWay {
            renewing: renewing.as_mut(),
            read: &|| this.got(LEASE_NAME, LEN_MAX),
            put: &|bytes| this.put_as_lease(bytes),
            lost: None,
        };
        let done = work(this, &mut |bytes| {
            way.step();
            progress(bytes);
        });
        let done = way.kept(done);
        self.renewing = renewing;
        done
    }
}

impl Carrier for S3Carrier {
    fn list(&mut self, folder: &str) -> Carried<Option<Vec<Found>>> {
        let prefix = self.prefix(folder);
        let names = self.again(|| self.bucket.list(&prefix)).map_err(failed)?;
        // A folder is what names have in common.
        let is_there = folder.is_empty() || !names.is_empty();
        let found = |named: store::bucket::Named| Found { name: named.name, is_folder: named.is_folder };
        Ok(is_there.then(|| names.into_iter().map(found).collect()))
    }

    fn read(&mut self, path: &str, max: u64) -> Carried<Option<Vec<u8>>> {
        self.got(path, max)
    }

    fn sizes(&mut self, paths: &[String]) -> Carried<Vec<Option<u64>>> {
        let this = &*self;
        let size = |path: &String, _: &dyn Fn(u64)| {
            let name = this.name(path);
            this.again(|| this.bucket.size(&name)).map_err(failed)
        };
        parallel::each(paths, &size, &mut |_bytes| ())
    }

    fn digest(
        &mut self,
        path: &str,
        content: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Carried<Option<(Digests, bool)>> {
        let digests = self.at_length(progress, |this, told| {
            let read = |path: &String, told: &dyn Fn(u64)| this.read_back(path, content, told);
            parallel::each(&[path.to_owned()], &read, told)
        })?;
        Ok(digests.into_iter().next().flatten().map(|digests| (digests, true)))
    }

    fn piece(&mut self, path: &str, nth: u64) -> Carried<Option<Piece>> {
        let name = self.name(path);
        let read = || {
            let Some(object) = self.bucket.get(&name, nth.saturating_mul(PIECE), PIECE)? else {
                return Ok(None);
            };
            let (size, mut bytes) = (object.size, Vec::new());
            object.bytes.take(PIECE).read_to_end(&mut bytes).map_err(of_reading)?;
            Ok(Some(Piece { size, bytes, uncached: true }))
        };
        match self.again(read).map_err(failed)? {
            Some(piece) => Ok(Some(piece)),
            // Not there, or not that long.
            None => {
                let size = self.again(|| self.bucket.size(&name)).map_err(failed)?;
                Ok(size.map(|size| Piece { size, bytes: Vec::new(), uncached: true }))
            }
        }
    }

    fn space(&mut self) -> Carried<Space> {
        Ok(Space::UNKNOWN)
    }

    fn carry(&mut self, items: &[Item], progress: &mut dyn FnMut(u64)) -> Carried<Vec<Fate>> {
        self.enter(items)?;
        // The last of a group makes it whole, so it is put when all others lie there.
        let (last, others) = match items.split_last() {
            Some((last, others)) => (std::slice::from_ref(last), others),
            None => return Ok(Vec::new()),
        };
        let fates = self.at_length(progress, |this, told| {
            let one = |item: &Item, told: &dyn Fn(u64)| this.one(item, told);
            let mut fates = parallel::each(others, &one, told)?;
            fates.extend(parallel::each(last, &one, told)?);
            Ok(fates)
        });
        match &fates {
            Ok(_) => {
                for item in items {
                    let (folder, name) = split(&item.to);
                    self.seen.entry(folder.to_owned()).or_default().insert(name.to_owned());
                }
            }
            Err(_) => self.seen.clear(),
        }
        fates
    }

    fn remove(&mut self, paths: &[String]) -> Carried<()> {
        for path in paths.iter().filter(|path| !path.ends_with('/')) {
            let name = self.name(path);
            match self.again(|| self.bucket.delete(&name)) {
                Ok(()) => {
                    let (folder, name) = split(path);
                    if let Some(names) = self.seen.get_mut(folder) {
                        names.remove(name);
                    }
                }
                // A key that cannot delete is a good one: old generations stay, and cost little.
                Err(e) if e.fault == Fault::Denied && path != CARD_NAME => {
                    if !self.keeps_all.swap(true, Ordering::Relaxed) {
                        tracing::warn!(
                            "the access key may not delete: old keys, backups and the lease stay in the bucket. That is \
                             harmless; a rule of the bucket may remove old versions"
                        );
                    }
                }
                Err(e) => return Err(writing(e)),
            }
        }
        Ok(())
    }

    fn put_lease(&mut self, bytes: &[u8]) -> Carried<()> {
        self.put_as_lease(bytes)
    }

    fn keep_lease(&mut self, holder: Option<Holder>) -> Carried<()> {
        self.renewing = holder.map(|holder| Renewing::new(holder, self.now));
        Ok(())
    }
}
