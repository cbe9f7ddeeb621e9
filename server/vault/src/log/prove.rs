//! Checkpoints and proofs: what anybody may be given to hold against the log later.

use archive::log::{Checkpoint, Hash, LeafFile, Proof, Tree};
use catalogue::PartKey;
use seal::VerifyingKey;

use super::{FOLDER, files};
use crate::{Result, Vault, VaultError};

impl Vault {
    /// Signs how long the log is and its root, durably, after making sure that it continues what was signed last.
    ///
    /// `sign` signs a label followed by bytes with central's key, whose public half is `key`. Returns the note. If nothing was
    /// added since, that is the last one.
    ///
    /// # Errors
    /// [`VaultError::LogChanged`]: the log is not the one that was signed; nothing is signed then. [`VaultError::LogDamaged`]:
    /// leaves that rows name are missing. Or the disk's.
    pub fn checkpoint(
        &self,
        key: &VerifyingKey,
        sign: impl FnOnce(&str, &[u8]) -> [u8; 64],
    ) -> Result<String> {
        let leaves = files::hashed(&*self.disk)?;
        if leaves < self.catalogue.leaves_known()? {
            return Err(VaultError::LogDamaged { path: FOLDER.to_owned() });
        }
        let last = self.last_checkpoint(key)?;
        if let Some((note, known)) = &last
            && known.leaves == leaves
            && self.tree(leaves)?.root()? == known.root
        {
            return Ok(note.clone());
        }
        let known = last.map_or_else(|| Checkpoint::empty(self.config.site_id), |(_, known)| known);
        let mut tree = self.tree(leaves)?;
        let new = Checkpoint { site_id: self.config.site_id, leaves, root: tree.root()? };
        let proof = tree.consistency(known.leaves)?.unwrap_or_default();
        let note = new
            .sign_after(&known, &proof, key, sign)
            .map_err(|_inconsistent| VaultError::LogChanged { signed: known.leaves, now: leaves })?;
        let path = format!("{FOLDER}/{}", new.file_name());
        if self.disk.exists(&path)? {
            // It does not verify, or it would be the last: a crash cut it while it was written.
            self.disk.unlink(&path)?;
        }
        let mut file = self.disk.create_new(&path)?;
        file.append(&[note.as_bytes()])?;
        file.sync()?;
        self.disk.sync_dir(FOLDER)?;
        Ok(note)
    }

    /// Proves that a part is in the log of a checkpoint; `None` if no leaf of that log tells of it.
    ///
    /// # Errors
    /// The catalogue's or the disk's.
    pub fn prove(&self, part: PartKey, note: &str) -> Result<Option<Proof>> {
        let Ok(checkpoint) = Checkpoint::peek(note) else { return Ok(None) };
        let Some(index) = self.catalogue.leaf_of(part)?.filter(|index| *index < checkpoint.leaves) else {
            return Ok(None);
        };
        let Some(leaf) = files::leaf(&*self.disk, index)? else { return Ok(None) };
        let path = self.tree(checkpoint.leaves)?.inclusion(index)?.unwrap_or_default();
        Ok(Some(Proof { index, leaf, path, checkpoint: note.to_owned() }))
    }

    /// Returns one leaf of the log; `None` behind its end.
    ///
    /// # Errors
    /// The disk's.
    pub fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>> {
        files::leaf(&*self.disk, index)
    }

    /// Tells whether the log here is the one of a checkpoint, continued or the same.
    ///
    /// # Errors
    /// The disk's.
    pub fn continues(&self, checkpoint: &Checkpoint) -> Result<bool> {
        let leaves = files::hashed(&*self.disk)?;
        let mut tree = self.tree(leaves)?;
        let now = Checkpoint { site_id: self.config.site_id, leaves, root: tree.root()? };
        let Some(proof) = tree.consistency(checkpoint.leaves)? else { return Ok(false) };
        // Of the empty log nothing can be proven, and of the same one nothing needs to be.
        Ok(now.continues(checkpoint, &proof))
    }

    /// Returns the leaves `first .. end` as a file for an archive, which carries the edge of the tree before them.
    ///
    /// # Errors
    /// [`VaultError::LogDamaged`] if not all of them are there, or the disk's.
    pub fn leaf_file(&self, first: u64, end: u64) -> Result<LeafFile> {
        let before = self.tree(first)?.frontier()?;
        let (mut leaves, damaged) = (Vec::new(), || VaultError::LogDamaged { path: FOLDER.to_owned() });
        if first < end {
            files::each(&*self.disk, first, |index, leaf| {
                if index < end {
                    leaves.push(leaf);
                }
                Ok(())
            })?;
        }
        let file = LeafFile::new(before, leaves).map_err(|_too_long| damaged())?;
        if file.end() == end { Ok(file) } else { Err(damaged()) }
    }

    /// Makes every hash of the log again from its leaves and compares: finds what a failing disk changed or somebody took away.
    /// Returns the number of leaves, and the first that is not as it was hashed, or is missing.
    ///
    /// # Errors
    /// The disk's.
    pub fn check_log(&self) -> Result<(u64, Option<u64>)> {
        let hashed = files::hashed(&*self.disk)?;
        let mut kept =
            if hashed > 0 { Some(files::reader(self.disk.open_read(files::HASHES)?)) } else { None };
        let mut edge = archive::log::Frontier::default();
        let mut position = 0_u64;
        let mut odd = None;
        files::each(&*self.disk, 0, |index, leaf| {
            // A recorder at work may have written leaves whose hashes come next.
            if index >= hashed || odd.is_some() {
                return Ok(());
            }
            for hash in edge.append(archive::log::leaf_hash(&leaf)) {
                let same = kept.as_mut().map(|kept| kept(position)).transpose()? == Some(hash);
                if !same && odd.is_none() {
                    odd = Some(index);
                }
                position = position.saturating_add(1);
            }
            Ok(())
        })?;
        if odd.is_some() {
            return Ok((hashed, odd));
        }
        let short = edge.leaves();
        let known = hashed.max(self.catalogue.leaves_known()?);
        Ok((hashed, (short < known).then_some(short)))
    }

    /// The newest checkpoint that central signed here.
    fn last_checkpoint(&self, key: &VerifyingKey) -> Result<Option<(String, Checkpoint)>> {
        let size = |name: &str| name.strip_prefix("checkpoint-")?.strip_suffix(".txt")?.parse::<u64>().ok();
        let mut names: Vec<(u64, String)> = Vec::new();
        if self.disk.exists(files::HASHES)? {
            let entries = self.disk.list(FOLDER)?;
            names.extend(entries.into_iter().filter_map(|entry| Some((size(&entry.name)?, entry.name))));
        }
        names.sort_unstable();
        // One that a crash cut while it was written does not verify; the one before it is the last then.
        for (_, name) in names.into_iter().rev() {
            let path = format!("{FOLDER}/{name}");
            let mut note = String::new();
            let read = std::io::Read::read_to_string(
                &mut std::io::Read::take(self.disk.open_read(&path)?, 64 << 10),
                &mut note,
            );
            if read.is_ok()
                && let Ok(checkpoint) = Checkpoint::open(&note, key)
            {
                return Ok(Some((note, checkpoint)));
            }
        }
        Ok(None)
    }

    fn tree(&self, leaves: u64) -> Result<Tree<impl FnMut(u64) -> Result<Hash> + use<>>> {
        let read = if leaves > 0 { Some(files::reader(self.disk.open_read(files::HASHES)?)) } else { None };
        let mut read = read;
        Ok(Tree::new(leaves, move |position| match &mut read {
            Some(read) => read(position),
            None => Err(VaultError::LogDamaged { path: files::HASHES.to_owned() }),
        }))
    }
}
