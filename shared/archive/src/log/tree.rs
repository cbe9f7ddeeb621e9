//! The Merkle tree of the transparency log (RFC 6962, section 2.1; verification as in RFC 9162, section 2.1).
//!
//! Hashes of complete subtrees never change, so they are kept in the order in which they become known: behind the hash of
//! each leaf those of all subtrees that it completes. Position `p` of that list is the 32 bytes at `32 p` of a file that is
//! only appended to; any root or proof reads some logarithm of them.

use sha2::{Digest as _, Sha256};

/// A hash of a leaf or of a subtree.
pub type Hash = [u8; 32];

/// No tree has more leaves: positions stay within 63 bits.
pub const LEAVES_MAX: u64 = 1 << 60;

/// Hashes a leaf: SHA-256(00 || leaf).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// Hashes an inner node: SHA-256(01 || left || right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Returns the root of a tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Returns how many hashes are kept for a tree of `leaves` leaves.
#[must_use]
pub const fn kept(leaves: u64) -> u64 {
    // Every leaf, every pair, every pair of pairs: 2n less the ones in n's binary form.
    leaves.saturating_mul(2).saturating_sub(leaves.count_ones() as u64)
}

/// Returns the position of the root of the complete subtree over leaves `first .. first + 2^level`, `first` being a multiple
/// of `2^level`.
const fn position(first: u64, level: u32) -> u64 {
    // Its last leaf comes first; behind it stand the subtrees it completes, the smallest first.
    let last = first.saturating_add(1 << level).saturating_sub(1);
    kept(last).saturating_add(level as u64)
}

/// The growing edge of a tree: the roots of the complete subtrees whose sum it is, from left to right.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Frontier {
    leaves: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Takes the roots of the complete subtrees of a tree of `leaves` leaves; `None` if there are too many or too few.
    #[must_use]
    pub fn new(leaves: u64, roots: Vec<Hash>) -> Option<Self> {
        let fits = leaves <= LEAVES_MAX && usize::try_from(leaves.count_ones()) == Ok(roots.len());
        fits.then_some(Self { leaves, roots })
    }

    /// Returns the number of leaves.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Returns the roots.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Returns the root of the whole tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let joined = self.roots.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        joined.unwrap_or_else(empty_root)
    }

    /// Appends a leaf by its hash and returns the hashes to be kept for it: its own and those of the subtrees it completes.
    pub fn append(&mut self, leaf: Hash) -> Vec<Hash> {
        let mut new = vec![leaf];
        let mut top = leaf;
        for _ in 0..self.leaves.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                top = node_hash(&left, &top);
                new.push(top);
            }
        }
        self.roots.push(top);
        self.leaves = self.leaves.saturating_add(1);
        new
    }
}

/// A tree of some size over kept hashes, which `read` delivers by position.
#[derive(Debug)]
pub struct Tree<R> {
    leaves: u64,
    read: R,
}

impl<E, R: FnMut(u64) -> Result<Hash, E>> Tree<R> {
    /// Takes a tree of `leaves` leaves, at most [`LEAVES_MAX`]. `read` is asked for positions below [`kept`]`(leaves)` only.
    pub const fn new(leaves: u64, read: R) -> Self {
        Self { leaves: if leaves > LEAVES_MAX { LEAVES_MAX } else { leaves }, read }
    }

    /// Returns the number of leaves.
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Returns the root.
    ///
    /// # Errors
    /// Those of `read`, as in all methods here.
    pub fn root(&mut self) -> Result<Hash, E> {
        if self.leaves == 0 { Ok(empty_root()) } else { self.subtree(0, self.leaves) }
    }

    /// Returns the edge at which leaves are appended.
    ///
    /// # Errors
    /// As [`Self::root`].
    pub fn frontier(&mut self) -> Result<Frontier, E> {
        let mut roots = Vec::new();
        let mut first = 0_u64;
        for level in (0..u64::BITS).rev().filter(|level| self.leaves >> level & 1 == 1) {
            roots.push((self.read)(position(first, level))?);
            first = first.saturating_add(1 << level);
        }
        Ok(Frontier { leaves: self.leaves, roots })
    }

    /// Proves that leaf `index` is in the tree (RFC 6962, section 2.1.1). `None` if it is not.
    ///
    /// # Errors
    /// As [`Self::root`].
    pub fn inclusion(&mut self, index: u64) -> Result<Option<Vec<Hash>>, E> {
        if index >= self.leaves {
            return Ok(None);
        }
        let (mut low, mut high, mut path) = (0, self.leaves, Vec::new());
        while high.saturating_sub(low) > 1 {
            let middle = split(low, high);
            if index < middle {
                path.push(self.subtree(middle, high)?);
                high = middle;
            } else {
                path.push(self.subtree(low, middle)?);
                low = middle;
            }
        }
        path.reverse();
        Ok(Some(path))
    }

    /// Proves that the tree of the first `old` leaves was continued, not changed (RFC 6962, section 2.1.2). `None` if the tree
    /// is smaller. Nothing needs to be proven of the empty tree, nor of the same one.
    ///
    /// # Errors
    /// As [`Self::root`].
    pub fn consistency(&mut self, old: u64) -> Result<Option<Vec<Hash>>, E> {
        if old > self.leaves {
            return Ok(None);
        }
        if old == 0 || old == self.leaves {
            return Ok(Some(Vec::new()));
        }
        let (mut low, mut high, mut path) = (0, self.leaves, Vec::new());
        // Down to the subtree that ends where the old tree does.
        while high != old {
            let middle = split(low, high);
            if old <= middle {
                path.push(self.subtree(middle, high)?);
                high = middle;
            } else {
                path.push(self.subtree(low, middle)?);
                low = middle;
            }
        }
        // It is the old root itself if nothing stands before it; whoever verifies knows that one.
        if low > 0 {
            path.push(self.subtree(low, high)?);
        }
        path.reverse();
        Ok(Some(path))
    }

    /// Returns the hash over leaves `low .. high`, at least one.
    fn subtree(&mut self, low: u64, high: u64) -> Result<Hash, E> {
        let count = high.saturating_sub(low);
        if count.is_power_of_two() && low.is_multiple_of(count) {
            return (self.read)(position(low, count.trailing_zeros()));
        }
        let middle = split(low, high);
        let (left, right) = (self.subtree(low, middle)?, self.subtree(middle, high)?);
        Ok(node_hash(&left, &right))
    }
}

/// Returns where a range of at least two leaves divides: behind the largest power of two that is smaller than its length.
const fn split(low: u64, high: u64) -> u64 {
    let last = high.saturating_sub(low).saturating_sub(1);
    low.saturating_add(1 << last.ilog2())
}

/// Tells whether `path` proves that the leaf with this hash is leaf `index` of the tree with this root (RFC 9162, section 2.1.3.2).
#[must_use]
pub fn verifies_inclusion(leaf: &Hash, index: u64, leaves: u64, root: &Hash, path: &[Hash]) -> bool {
    if index >= leaves || leaves > LEAVES_MAX {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, leaves.saturating_sub(1), *leaf);
    for step in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(step, &hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == *root
}

/// Tells whether `path` proves that the larger tree continues the smaller one (RFC 9162, section 2.1.4.2).
#[must_use]
pub fn verifies_consistency(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old_leaves, old_root), (new_leaves, new_root)) = (old, new);
    if old_leaves > new_leaves || new_leaves > LEAVES_MAX {
        return false;
    }
    if old_leaves == new_leaves {
        return path.is_empty() && old_root == new_root;
    }
    if old_leaves == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let (mut at, mut last) = (old_leaves.saturating_sub(1), new_leaves.saturating_sub(1));
    let mut steps = path.iter();
    // An old tree that is one complete subtree begins the path itself, and is not sent.
    let first = if old_leaves.is_power_of_two() { Some(old_root) } else { steps.next() };
    let Some(first) = first else { return false };
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(step, &old_hash);
            new_hash = node_hash(step, &new_hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            new_hash = node_hash(&new_hash, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use super::*;
    use std::convert::Infallible;

    /// The definition of RFC 6962, section 2.1, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [one] => *one,
            many => {
                let k = 1 << (many.len() - 1).ilog2();
                node_hash(&defined(&many[..k]), &defined(&many[k..]))
            }
        }
    }

    fn grown(n: u64) -> (Vec<Hash>, Vec<Hash>) {
        let leaves: Vec<Hash> = (0..n).map(|i| leaf_hash(&i.to_le_bytes())).collect();
        let mut hashes: Vec<Hash> = Vec::new();
        let mut frontier = Frontier::default();
        for (count, leaf) in (1..).zip(&leaves) {
            hashes.extend(frontier.append(*leaf));
            assert_eq!(u64::try_from(hashes.len()).unwrap(), kept(count));
        }
        (leaves, hashes)
    }

    fn tree(n: u64, hashes: &[Hash]) -> Tree<impl FnMut(u64) -> Result<Hash, Infallible>> {
        Tree::new(n, |p| Ok(hashes[usize::try_from(p).unwrap()]))
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let (leaves, hashes) = grown(70);
        for n in 0..=70 {
            assert_eq!(
                tree(n, &hashes).root().unwrap(),
                defined(&leaves[..usize::try_from(n).unwrap()]),
                "{n}"
            );
        }
    }

    /// Published vectors: certificate-transparency's reference leaves and roots of one to eight leaves.
    #[test]
    fn the_reference_leaves_give_the_reference_roots() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let check = |n: usize, root: &str| assert_eq!(crate::hex(&defined(&hashes[..n])), root, "{n}");
        check(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        check(2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        check(3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        check(8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn every_leaf_is_proven_in_every_tree_and_no_other_is() {
        let (leaves, hashes) = grown(33);
        for n in 1..=33 {
            let root = tree(n, &hashes).root().unwrap();
            for index in 0..n {
                let path = tree(n, &hashes).inclusion(index).unwrap().unwrap();
                let leaf = leaves[usize::try_from(index).unwrap()];
                assert!(verifies_inclusion(&leaf, index, n, &root, &path), "{index} of {n}");
                assert!(!verifies_inclusion(&leaf_hash(b"other"), index, n, &root, &path));
                assert!(!verifies_inclusion(&leaf, index + 1, n, &root, &path), "{index} as the next of {n}");
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert!(!verifies_inclusion(&leaf, index, n, &root, &longer));
                if let Some((_, shorter)) = path.split_last() {
                    assert!(!verifies_inclusion(&leaf, index, n, &root, shorter));
                }
                for broken in 0..path.len() {
                    let mut altered = path.clone();
                    altered[broken][7] ^= 1;
                    assert!(!verifies_inclusion(&leaf, index, n, &root, &altered));
                }
            }
            assert_eq!(tree(n, &hashes).inclusion(n).unwrap(), None);
        }
    }

    #[test]
    fn every_tree_continues_every_smaller_one_and_no_changed_one() {
        let (_, hashes) = grown(33);
        for new in 0..=33 {
            let new_root = tree(new, &hashes).root().unwrap();
            for old in 0..=new {
                let old_root = tree(old, &hashes).root().unwrap();
                let path = tree(new, &hashes).consistency(old).unwrap().unwrap();
                assert!(verifies_consistency((old, &old_root), (new, &new_root), &path), "{old} in {new}");
                let other = leaf_hash(b"another history");
                assert!(!verifies_consistency((old, &other), (new, &new_root), &path), "{old} in {new}");
                if old > 0 {
                    assert!(!verifies_consistency((old, &old_root), (new, &other), &path), "{old} in {new}");
                }
                for broken in 0..path.len() {
                    let mut altered = path.clone();
                    altered[broken][7] ^= 1;
                    assert!(!verifies_consistency((old, &old_root), (new, &new_root), &altered));
                }
                let mut longer = path.clone();
                longer.push([0; 32]);
                assert!(!verifies_consistency((old, &old_root), (new, &new_root), &longer));
            }
            assert_eq!(tree(new, &hashes).consistency(new + 1).unwrap(), None);
        }
    }

    #[test]
    fn the_frontier_holds_the_whole_tree() {
        let (leaves, hashes) = grown(40);
        let mut grown = Frontier::default();
        for (n, leaf) in (1..).zip(&leaves) {
            grown.append(*leaf);
            assert_eq!(tree(n, &hashes).frontier().unwrap(), grown, "{n}");
            assert_eq!(grown.root(), tree(n, &hashes).root().unwrap(), "{n}");
            assert_eq!(Frontier::new(n, grown.roots().to_vec()), Some(grown.clone()));
        }
        assert_eq!(Frontier::new(3, vec![]), None);
    }
}
