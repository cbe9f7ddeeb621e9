//! `log/leaves-<first>-<end>.bin`: a stretch of the log in an archive. Stretches laid end to end are the whole log.
//!
//! `AMXLEAF1 | first u64 | end u64 | n u16 | n x 32 hashes of the frontier of leaves 0 .. first`, then `length u16 | leaf`
//! for each leaf `first .. end`; little-endian. With the frontier the root at `end` follows from this file alone.

use super::leaf::LEAF_MAX;
use super::tree::{Hash, LEAVES_MAX, empty_root, leaf_hash, node_hash};
use crate::{ArchiveError, Result};
use seal::fields::Fields;

const MAGIC: [u8; 8] = *b"AMXLEAF1";
/// A file carries at most so many leaves.
const COUNT_MAX: u64 = 1 << 24;

/// A stretch of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafFile {
    first: u64,
    frontier: Vec<Hash>,
    leaves: Vec<Vec<u8>>,
}

impl LeafFile {
    /// Takes the leaves from `first` on. `frontier` are the complete subtrees before them, from left to right.
    ///
    /// # Errors
    /// A frontier that is none of `first` leaves, a leaf that is too long, or too many.
    pub fn new(first: u64, frontier: Vec<Hash>, leaves: Vec<Vec<u8>>) -> Result<Self> {
        let fits = first <= LEAVES_MAX
            && u64::try_from(leaves.len()).is_ok_and(|n| n <= COUNT_MAX)
            && usize::try_from(first.count_ones()) == Ok(frontier.len())
            && leaves.iter().all(|leaf| leaf.len() <= LEAF_MAX);
        if fits { Ok(Self { first, frontier, leaves }) } else { Err(wrong("its counts")) }
    }

    /// Returns the index of its first leaf.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// Returns the index behind its last leaf.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first.saturating_add(seal::fields::len64(&self.leaves))
    }

    /// Returns its leaves.
    #[must_use]
    pub fn leaves(&self) -> &[Vec<u8>] {
        &self.leaves
    }

    /// Returns the root over everything before it: it must be that of the file before.
    #[must_use]
    pub fn root_before(&self) -> Hash {
        fold(&self.frontier)
    }

    /// Returns the root over everything up to its end.
    #[must_use]
    pub fn root(&self) -> Hash {
        let (mut roots, mut count) = (self.frontier.clone(), self.first);
        for leaf in &self.leaves {
            let mut top = leaf_hash(leaf);
            for _ in 0..count.trailing_ones() {
                if let Some(left) = roots.pop() {
                    top = node_hash(&left, &top);
                }
            }
            roots.push(top);
            count = count.saturating_add(1);
        }
        fold(&roots)
    }

    /// Returns the name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("leaves-{}-{}.bin", self.first, self.end())
    }

    /// Writes the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(self.first.to_le_bytes());
        out.extend(self.end().to_le_bytes());
        out.extend(u16::try_from(self.frontier.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.frontier.iter().for_each(|hash| out.extend(hash));
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
        let frontier = frontier.ok_or_else(|| wrong("its frontier"))?;
        let mut leaves = Vec::new();
        for _ in 0..count {
            let leaf = f.u16().and_then(|len| f.bytes(len.into()));
            leaves.push(leaf.ok_or_else(|| wrong("it ends too early"))?.to_vec());
        }
        if !f.0.is_empty() {
            return Err(wrong("it goes on behind its end"));
        }
        Self::new(first, frontier, leaves)
    }
}

/// Joins the complete subtrees of a tree, from the right.
fn fold(roots: &[Hash]) -> Hash {
    let joined = roots.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or_else(empty_root)
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
    use super::super::tree::Tree;
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn stretches_laid_end_to_end_are_the_log() {
        let leaves: Vec<Vec<u8>> = (0..45_u8).map(|n| vec![n; 1 + usize::from(n)]).collect();
        let mut hashes: Vec<Hash> = Vec::new();
        let mut roots = vec![empty_root()];
        let mut frontiers = vec![Vec::new()];
        for (n, leaf) in (0..).zip(&leaves) {
            let mut tree = Tree::new(n, |p| Ok::<_, Infallible>(hashes[usize::try_from(p).unwrap()]));
            let new = tree.append(leaf_hash(leaf)).unwrap();
            hashes.extend(new);
            let mut tree = Tree::new(n + 1, |p| Ok::<_, Infallible>(hashes[usize::try_from(p).unwrap()]));
            roots.push(tree.root().unwrap());
            frontiers.push(tree.frontier().unwrap());
        }
        for (first, end) in [(0, 0), (0, 1), (0, 45), (1, 7), (7, 8), (8, 45), (45, 45)] {
            let file = LeafFile::new(
                u64::try_from(first).unwrap(),
                frontiers[first].clone(),
                leaves[first..end].to_vec(),
            )
            .unwrap();
            let bytes = file.to_bytes();
            let read = LeafFile::parse(&bytes).unwrap();
            assert_eq!(read, file);
            assert_eq!((read.root_before(), read.root()), (roots[first], roots[end]), "{first} to {end}");
            assert!(LeafFile::parse(&bytes[..bytes.len() - 1]).is_err());
            assert!(LeafFile::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
        assert!(LeafFile::new(3, vec![], vec![]).is_err());
    }
}
