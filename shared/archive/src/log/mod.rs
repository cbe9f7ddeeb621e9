//! The transparency log of a site: a list of acts that can grow and cannot be changed unseen.
//!
//! [`Leaf`] says what happened; [`Tree`] gives roots and proofs over kept hashes; [`Checkpoint`] is the signed length and
//! root; [`Proof`] shows that a leaf is in it; [`LeafFile`] carries a stretch of leaves into an archive. Where the hashes lie is the vault's matter.

mod checkpoint;
mod leaf;
mod leaf_file;
mod proof;
mod tree;

pub use checkpoint::Checkpoint;
pub use leaf::{Act, HoldAct, Id16, LEAF_MAX, Leaf, PolicyKind, ProvenAt, PurgeReason, RecordingLeaf, Shred};
pub use leaf_file::LeafFile;
pub use proof::Proof;
pub use tree::{
    Frontier, Hash, LEAVES_MAX, Tree, empty_root, kept, leaf_hash, node_hash, verifies_consistency,
    verifies_inclusion,
};
