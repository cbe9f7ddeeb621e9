//! What may be wrong with an archive, each with what it means and what to do.

use shared::Day;

/// What is wrong with something in an archive.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// The medium does not give the bytes.
    #[error("cannot be read: {0}. The medium may be failing: copy it, and prove the location anew")]
    Unreadable(String),
    /// A file that proves something is damaged or forged.
    #[error("{0}. Nothing that hangs on it is proven; compare with another location")]
    Document(String),
    /// It was made for another site or another location.
    #[error("belongs to another {0}: it was copied here, or the medium is not the one it says")]
    Foreign(&'static str),
    /// Something that must be there is not.
    #[error("is missing: {0}. Somebody took it away, or the medium lost it; fetch it from another location")]
    Missing(String),
    /// The folder of a whole day is not there.
    #[error(
        "the whole day is missing: {proofs} recordings were proven to lie here. Fetch the day from another location"
    )]
    MissingDay {
        /// So many proofs name files of it.
        proofs: u64,
    },
    /// The bytes are not those that were archived.
    #[error(
        "was changed: its {0} is not that of the manifest. Somebody altered it, or the medium is failing; fetch it from \
         another location"
    )]
    Altered(&'static str),
    /// The signed list and the log tell of different files.
    #[error(
        "is not the recording of leaf {leaf} in the log: its {what} differs. It was put in the place of another"
    )]
    NotItsLeaf {
        /// The leaf that the manifest names.
        leaf: u64,
        /// In what.
        what: &'static str,
    },
    /// A chain of files does not hold together.
    #[error("does not continue {before}: something between them was taken away or replaced")]
    Broken {
        /// What should stand before it.
        before: String,
    },
    /// A signed file names a longer log than the newest checkpoint.
    #[error(
        "the newest checkpoint here is of {newest} leaves, but {by} names {named}: an older state of the log was put back, or \
         the newest checkpoint was taken away. (Or a run was cut before it wrote it: then the next run mends it.)"
    )]
    OldCheckpoint {
        /// Leaves of the newest checkpoint that verifies.
        newest: u64,
        /// Leaves that a signed file names.
        named: u64,
        /// Which file.
        by: String,
    },
    /// There are fewer leaves than were signed.
    #[error("the log here ends after {there} leaves, but {by} names {named}: it was shortened")]
    ShortLog {
        /// Leaves that hang together from the first.
        there: u64,
        /// Leaves that a signed file names.
        named: u64,
        /// Which file.
        by: String,
    },
    /// The leaves are not those that were signed.
    #[error("the leaves here do not give the root that it names for {leaves} leaves: the log was changed")]
    Root {
        /// Length of the log that it names.
        leaves: u64,
    },
    /// A stretch of leaves is not what was signed.
    #[error(
        "a leaf in it was changed, put in or taken out: together with the leaves before, it does not give the root that {by} names"
    )]
    Leaves {
        /// Which signed file.
        by: String,
    },
    /// The log tells of another report of this run.
    #[error("is not the report that the log tells of: it was exchanged, or the log was changed")]
    NotInLog,
    /// The log says that it must be here, and no manifest lists it.
    #[error(
        "run {run} says that everything of leaves {first} to {end} lies here, but no manifest lists leaf {leaf} (a recording of \
         {day}): it was taken away together with its list"
    )]
    Unlisted {
        /// File of the report.
        run: String,
        /// First leaf of the run.
        first: u64,
        /// Behind the last leaf of the run.
        end: u64,
        /// The leaf.
        leaf: u64,
        /// The day of its recording.
        day: Day,
    },
    /// No list knows it.
    #[error(
        "stands in no manifest: nobody proved where it comes from. Do not trust it, and find out who put it here"
    )]
    Stranger,
    /// What a cut run left.
    #[error("was left by a run that was cut: harmless, the next run removes it")]
    Leftover,
}

impl Fault {
    /// Tells whether it takes anything from what the archive proves.
    #[must_use]
    pub const fn is_grave(&self) -> bool {
        !matches!(self, Self::Leftover)
    }
}

/// Something that is wrong, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// From the archive's root folder.
    pub path: String,
    /// What is wrong with it.
    pub fault: Fault,
}
