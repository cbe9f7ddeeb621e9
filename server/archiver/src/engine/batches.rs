//! Steps 3 to 5: what a cut run left, and what is due, carried batch by batch.

use archive::{Level, layout};
use store::Disk as _;
use vault::{BadPart, DuePart, PartKey, ReadBackRow};

use super::{PARTS_MAX, Run, Step};
use crate::Result;
use crate::carrier::{CarryError, CarryKind, Fate, Item, Source, content_len, fits};

/// Files of one batch.
const FILES: usize = 256;
/// Bytes of one batch, unless one file is larger.
const BYTES: u64 = 256 << 20;

impl Run<'_> {
    /// Step 3: rows of cut runs become this run's if the file is there in its size; otherwise the part is due again.
    pub(super) fn adopt(&mut self) -> Result<()> {
        let (medium, run) = (self.medium.media_id, self.row.run_id);
        let mut after = None;
        while self.carried.len() < PARTS_MAX {
            let some = self.world.vault.unproven(medium, after, u32::try_from(FILES).unwrap_or(256))?;
            let Some(last) = some.last() else { break };
            after = Some(last.1.leaf);
            let rows: Vec<ReadBackRow> = some.into_iter().map(|(_run, row)| row).collect();
            let paths: Vec<String> = rows.iter().map(|row| row.path.clone()).collect();
            let sizes = self.carrier.sizes(&paths).map_err(|e| self.give_up(e))?;
            let (there, gone): (Vec<_>, Vec<_>) =
                rows.into_iter().zip(sizes).partition(|(row, size)| *size == Some(row.size));
            let keys = |rows: &[(ReadBackRow, Option<u64>)]| -> Vec<PartKey> {
                rows.iter().map(|(row, _)| (row.recording_id, row.part)).collect()
            };
            self.world.vault.drop_read_back(medium, &keys(&gone))?;
            self.world.vault.adopt_read_back(run, medium, &keys(&there))?;
            self.row.end =
                there.iter().map(|(row, _)| row.leaf.saturating_add(1)).fold(self.row.end, u64::max);
            self.carried.extend(there.into_iter().map(|(row, _)| row));
        }
        Ok(())
    }

    /// Steps 4 and 5. Tells whether more is due than one run takes. How the run ended early, if it did, is in `early`.
    pub(super) fn carry_due(&mut self) -> Result<bool> {
        let mut after = None;
        loop {
            if self.stopped() {
                let text = "it was stopped".to_owned();
                self.early = Some(CarryError { kind: CarryKind::Other, text });
                return Ok(false);
            }
            if self.carried.len() >= PARTS_MAX {
                return Ok(true);
            }
            self.keep()?;
            let due =
                self.world.vault.due(self.medium.media_id, after, u32::try_from(FILES).unwrap_or(256))?;
            let due = first_bytes(due);
            let Some(last) = due.last() else {
                return Ok(false);
            };
            let next = last.leaf;
            if let Err(error) = self.room_for(&due) {
                self.early = Some(error);
                return Ok(false);
            }
            match self.carry_batch(&due) {
                Ok(()) => after = Some(next),
                Err(Failure::Carry(error)) => {
                    self.early = Some(error);
                    return Ok(false);
                }
                Err(Failure::Site(error)) => return Err(error),
            }
            self.row.end = self.row.end.max(next.saturating_add(1));
        }
    }

    /// A full medium is seen before it is full: what makes a copy provable must still fit.
    fn room_for(&mut self, due: &[DuePart]) -> std::result::Result<(), CarryError> {
        let space = self.carrier.space()?;
        let backup = self.world.data.len("catalogue.db").unwrap_or(0);
        let reserve = space.reserve().saturating_add(backup);
        let wanted = due.iter().fold(0_u64, |sum, part| sum.saturating_add(part.bytes));
        if space.free.saturating_sub(reserve) >= wanted {
            return Ok(());
        }
        let text = format!(
            "it is full: {} MiB are free, {} MiB of them are kept for catalogues and proofs. Put in another medium \
             (`amethyst location prepare`)",
            space.free >> 20,
            reserve >> 20
        );
        Err(CarryError { kind: CarryKind::Full, text })
    }

    fn carry_batch(&mut self, due: &[DuePart]) -> std::result::Result<(), Failure> {
        let (reached, mut rows) = self.within_reach(due);
        let items: Vec<Item> = reached.iter().map(|(part, from)| self.item(part, from)).collect();
        let (base, tell) = (self.progress, self.world.tell);
        let mut handled = 0_u64;
        let fates = self.carrier.carry(&items, &mut |bytes| {
            handled = handled.saturating_add(bytes);
            // Each byte is handled twice: written, and read back.
            let mut progress = base;
            progress.bytes = base.bytes.saturating_add(handled / 2);
            tell(&progress);
        });
        let fates = fates.map_err(Failure::Carry)?;
        let (mut misread, mut bad) = (None, Vec::new());
        for (((part, _from), item), fate) in reached.iter().zip(&items).zip(fates) {
            match self.judged(part, &item.to, fate) {
                Ok(row) => {
                    self.holes.remove(&part.leaf);
                    rows.push(row);
                }
                Err((text, is_misread)) => {
                    self.holes.insert(part.leaf);
                    if is_misread {
                        misread = Some(text.clone());
                        bad.push(bad_part(part, &item.to, &text));
                    }
                    self.trouble(text);
                }
            }
        }
        let (run, medium) = (self.row.run_id, self.medium.media_id);
        if !bad.is_empty() {
            self.world.vault.found_bad(medium, &bad, self.now()).map_err(|e| Failure::Site(e.into()))?;
        }
        self.world.vault.read_back(run, medium, &rows).map_err(|e| Failure::Site(e.into()))?;
        self.progress.parts = base.parts.saturating_add(seal::fields::len64(&rows));
        let bytes = rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.size));
        self.progress.bytes = base.bytes.saturating_add(bytes);
        self.at(Step::Carry);
        self.carried.extend(rows);
        match misread {
            None => Ok(()),
            Some(text) => Err(Failure::Carry(CarryError { kind: CarryKind::Doubtful, text })),
        }
    }

    /// What left the live store may lie on this medium still, if it was adopted or found bad by mistake; else it is fetched from another
    /// that holds it, past any doubt about what comes from there. What cannot be had tonight stays due.
    fn within_reach<'p>(&mut self, due: &'p [DuePart]) -> (Vec<(&'p DuePart, String)>, Vec<ReadBackRow>) {
        let (mut reached, mut here) = (Vec::with_capacity(due.len()), Vec::new());
        for part in due {
            // A file that is lost, and one that may not be asked for, are told by whoever reads them.
            if part.is_live && self.world.data.exists(&part.path).unwrap_or(true) {
                reached.push((part, part.path.clone()));
                continue;
            }
            if let Some(row) = self.is_here(part) {
                self.holes.remove(&part.leaf);
                here.push(row);
                continue;
            }
            match self.world.vault.fetched_path(part.recording_id, part.part) {
                Ok(path) => reached.push((part, path)),
                Err(e) => {
                    self.holes.insert(part.leaf);
                    self.trouble(format!(
                        "{}: NO GOOD COPY AT HAND. It left the live store and cannot be fetched from elsewhere: {e}. Connect every \
                         medium that may hold it, and remove nothing",
                        place(part)
                    ));
                }
            }
        }
        (reached, here)
    }

    /// A part that is on the medium although nothing says so. It was made durable long ago, by a run that proved it.
    fn is_here(&mut self, part: &DuePart) -> Option<ReadBackRow> {
        let item = self.item(part, &part.path);
        let content = content_len(&item.source);
        // What cannot be read is not here.
        let (digests, uncached) = self.carrier.digest(&item.to, content, &mut |_bytes| ()).ok()??;
        let fate = Fate::Proven { digests, uncached, adopted: true };
        let fits = matches!(&fate, Fate::Proven { digests, .. } if fits(&item.source, digests));
        fits.then(|| self.judged(part, &item.to, fate).ok()).flatten()
    }

    fn item(&self, part: &DuePart, from: &str) -> Item {
        let (path, size) = (from.to_owned(), part.bytes);
        let source = Source::Sealed { path, size, sha256: part.sha256, blake3: part.blake3 };
        let to = place(part);
        let mark: String = self.row.run_id.to_string().chars().filter(|c| *c != '-').take(8).collect();
        let is_bad = self.bad.contains(&(part.recording_id, part.part));
        Item { aside: is_bad.then(|| layout::aside(&to, &mark)).flatten(), to, source }
    }

    /// What became of a part: its row, or what is wrong and whether the medium is to blame.
    fn judged(
        &self,
        part: &DuePart,
        to: &str,
        fate: Fate,
    ) -> std::result::Result<ReadBackRow, (String, bool)> {
        let told = |what: &str, is_misread| Err((format!("{to}: {what}"), is_misread));
        let (digests, uncached) = match fate {
            Fate::Proven { digests, uncached, .. } => (digests, uncached),
            Fate::Taken => {
                return told(
                    "another file lies there under this name and was left alone; this part has no proven copy here. Verify \
                     the medium (`amethyst archive verify`) or use another one. When a person trusts it again, that file is put aside \
                     and a good copy takes its place",
                    true,
                );
            }
            Fate::Misread => {
                return told("what was read back is not what was written, or could not be read there", true);
            }
            Fate::SourceBad => {
                return told(
                    "the sealed file in the live store is not what was admitted; it is never archived. Run `amethyst check` and \
                     look at the disk",
                    false,
                );
            }
            Fate::SourceGone => {
                return told("the sealed file is missing in the live store. Run `amethyst check`", false);
            }
        };
        Ok(ReadBackRow {
            recording_id: part.recording_id,
            part: part.part,
            leaf: part.leaf,
            path: to.to_owned(),
            size: digests.size,
            sha256: digests.content_sha256,
            blake3: digests.content_blake3,
            whole_sha256: digests.sha256,
            whole_blake3: digests.blake3,
            pieces: digests.pieces.concat(),
            level: if uncached { Level::ReadBack } else { Level::Written } as u8,
            manifest: 0,
            read_at: self.now(),
        })
    }
}

enum Failure {
    Carry(CarryError),
    Site(crate::ArchiverError),
}

fn first_bytes(mut due: Vec<DuePart>) -> Vec<DuePart> {
    let mut sum = 0_u64;
    let fits = due.iter().take_while(|part| {
        sum = sum.saturating_add(part.bytes);
        sum <= BYTES
    });
    let n = fits.count().max(1);
    due.truncate(n);
    due
}

fn bad_part(part: &DuePart, path: &str, why: &str) -> BadPart {
    BadPart { recording_id: part.recording_id, part: part.part, path: path.to_owned(), why: why.to_owned() }
}

/// Where a part lies in an archive: `2026-11-22/rec/14a/142233-fbyndbfbn6drc.amx` for `live/2026-11-22/14a/142233-...`.
fn place(part: &DuePart) -> String {
    let within = part.path.strip_prefix("live/").unwrap_or(&part.path);
    let (_day, rest) = within.split_once('/').unwrap_or(("", within));
    format!("{}/rec/{rest}", part.day)
}
