//! `log/leaves-<first>-<end>.bin`: a stretch of the log in an archive. Stretches laid end to end are the whole log.
//!
//! `AMXLEAF1 | first u64 | end u64 | n u16 | n x 32 hashes of the frontier of leaves 0 .. first`, then `length u16 | leaf`
//! for each leaf `first .. end`; little-endian. With the frontier the root at `end` follows from this file alone.

use super::leaf::LEAF_MAX;
use super::tree::{Frontier, Hash, leaf_hash};
use crate::{ArchiveError, Result};
use seal::fields::Fields;

const MAGIC: [u8; 8] = *b"AMXLEAF1";
/// A file carries at most so many leaves.
const COUNT_MAX: u64 = 1 << 24;

/// A stretch of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafFile {
    before: Frontier,
    leaves: Vec<Vec<u8>>,
}

impl LeafFile {
    /// Takes the leaves behind those of `before`.
    ///
    /// # Errors
    /// A leaf that is too long, or too many.
    pub fn new(before: Frontier, leaves: Vec<Vec<u8>>) -> Result<Self> {
        let fits =
            seal::fields::len64(&leaves) <= COUNT_MAX && leaves.iter().all(|leaf| leaf.len() <= LEAF_MAX);
        if fits { Ok(Self { before, leaves }) } else { Err(wrong("its counts")) }
    }

    /// Returns the index of its first leaf.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.before.leaves()
    }

    /// Returns the index behind its last leaf.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first().saturating_add(seal::fields::len64(&self.leaves))
    }

    /// Returns its leaves.
    #[must_use]
    pub fn leaves(&self) -> &[Vec<u8>] {
        &self.leaves
    }

    /// Returns the edge of the log before its first leaf.
    #[must_use]
    pub const fn before(&self) -> &Frontier {
        &self.before
    }

    /// Returns the root over everything before it: it must be that of the file before.
    #[must_use]
    pub fn root_before(&self) -> Hash {
        self.before.root()
    }

    /// Returns the root over everything up to its end.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut edge = self.before.clone();
        for leaf in &self.leaves {
            edge.append(leaf_hash(leaf));
        }
        edge.root()
    }

    /// Returns the name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("leaves-{}-{}.bin", self.first(), self.end())
    }

    /// Writes the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.first().to_le_bytes());
        out.extend(self.end().to_le_bytes());
        out.extend(u16::try_from(self.before.roots().len()).unwrap_or(u16::MAX).to_le_bytes());
        self.before.roots().iter().for_each(|hash| out.extend(hash));
        for leaf in &self.leaves {
            out.extend(u16::try_from(leaf.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend(leaf);
        }
        out
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A damaged file; whether its leaves are those of the log, only roots can tell.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut f = Fields(bytes);
        if f.array() != Some(MAGIC) {
            return Err(wrong("its first bytes"));
        }
        let head = |f: &mut Fields<'_>| Some((f.u64()?, f.u64()?, f.u16()?));
        let (first, end, n) = head(&mut f).ok_or_else(|| wrong("its head"))?;
        let count = end.checked_sub(first).filter(|n| *n <= COUNT_MAX).ok_or_else(|| wrong("its counts"))?;
        let frontier = (0..n).map(|_| f.array()).collect::<Option<_>>();
        let before = frontier.and_then(|roots| Frontier::new(first, roots));
        let before = before.ok_or_else(|| wrong("its frontier"))?;
        let mut leaves = Vec::new();
        for _ in 0..count {
            let leaf = f.u16().and_then(|len| f.bytes(len.into()));
            leaves.push(leaf.ok_or_else(|| wrong("it ends too early"))?.to_vec());
        }
        if !f.0.is_empty() {
            return Err(wrong("it goes on behind its end"));
        }
        Self::new(before, leaves)
    }
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("a file of leaves", what)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use super::super::tree::empty_root;
    use super::*;

    #[test]
    fn stretches_laid_end_to_end_are_the_log() {
        let leaves: Vec<Vec<u8>> = (0..45_u8).map(|n| vec![n; 1 + usize::from(n)]).collect();
        let mut edge = Frontier::default();
        let mut edges = vec![edge.clone()];
        for leaf in &leaves {
            edge.append(leaf_hash(leaf));
            edges.push(edge.clone());
        }
        assert_eq!(edges[0].root(), empty_root());
        for (first, end) in [(0, 0), (0, 1), (0, 45), (1, 7), (7, 8), (8, 45), (45, 45)] {
            let file = LeafFile::new(edges[first].clone(), leaves[first..end].to_vec()).unwrap();
            let bytes = file.to_bytes();
            let read = LeafFile::parse(&bytes).unwrap();
            assert_eq!(read, file);
            assert_eq!(
                (read.root_before(), read.root()),
                (edges[first].root(), edges[end].root()),
                "{first} to {end}"
            );
            assert!(LeafFile::parse(&bytes[..bytes.len() - 1]).is_err());
            assert!(LeafFile::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
    }
}
