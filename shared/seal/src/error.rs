//! What can go wrong, in words that tell an operator what to do.

use crate::cbor::CborError;
use crate::keys::KeyId;

/// What this crate refuses, and why.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The bytes could not be read.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    /// The first bytes are not those of a sealed recording.
    #[error(
        "this is no sealed recording: its first bytes are wrong. If it was sent as text, copy it again as binary"
    )]
    NotSealed,
    /// The file ends inside its header.
    #[error("the file ends inside its header: it was cut, or is still being created")]
    HeaderCut,
    /// A field of the header has a value that no sealer writes.
    #[error("the header is damaged: {0}. Fetch the file from the archive")]
    Header(&'static str),
    /// A later program made the file.
    #[error("cipher suite {0} is not known to this program: update it")]
    UnknownSuite(u8),
    /// A recipient is weaker than the site allows.
    #[error(
        "a recipient of type {found} is weaker than this site allows ({min}): the file may be a forgery, do not trust it"
    )]
    BelowMinSuite {
        /// The type found: 1 X25519, 2 X-Wing.
        found: u8,
        /// The least type that `site.json` allows.
        min: u8,
    },
    /// No private key at hand fits.
    #[error("no key at hand opens this recording; it needs one of {}", list(.0))]
    NoKey(Vec<KeyId>),
    /// The private key does not open the recipient, or the header was altered.
    #[error("the key {0} does not open this recording: its header was altered")]
    KeyRefused(KeyId),
    /// Commitment or header code disagree with the key.
    #[error("the header was altered: its {0} does not fit the key")]
    HeaderForged(&'static str),
    /// A frame is damaged.
    #[error("the frame at byte {offset} is damaged: {what}")]
    Frame {
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// What was inside a frame is not what its type promises.
    #[error("the frame at byte {offset} opens but holds nonsense: {what}")]
    Content {
        /// Where the frame begins.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// CBOR that cannot be read.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A run list that breaks the format.
    #[error("run list: {0}")]
    Runs(&'static str),
    /// The last 256 bytes are not a valid trailer.
    #[error("the trailer is damaged: {0}")]
    Trailer(&'static str),
    /// The caller of the writer broke a rule of the format; nothing was written.
    #[error("not sealed: {0}")]
    Rule(#[from] WriteRule),
    /// A public key is no key.
    #[error("this is no usable public key")]
    BadKey,
    /// The random source or a cipher refused.
    #[error("the cipher refused: {0}")]
    Cipher(&'static str),
    /// The key store is damaged or of a newer version.
    #[error("the key store cannot be read: {0}")]
    Keystore(&'static str),
    /// The unlock key does not open the key store.
    #[error("the key store stays locked: wrong key file or passphrase, or the file was altered")]
    Locked,
    /// A signed document is damaged or its signature is wrong.
    #[error("signed document: {0}")]
    Document(&'static str),
}

/// Rules of the format that a caller of [`crate::Writer`] must keep (the numbers are those of section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteRule {
    /// META comes first.
    #[error("the first frame must be META")]
    MetaFirst,
    /// The track was not declared.
    #[error("track {0} was not declared in META")]
    UnknownTrack(u8),
    /// A track entry may not change.
    #[error("track {0} was declared before with other properties: a change is a new track")]
    Redefined(u8),
    /// Tracks end at 254, and a clock of 0 Hz counts nothing.
    #[error("track {0} cannot be declared: its number or clock is out of range")]
    BadTrack(u8),
    /// Rule 1.
    #[error("track {track} ends at {expected} samples but the chunk begins at {found}")]
    Base {
        /// The track.
        track: u8,
        /// Where its last run ended.
        expected: u64,
        /// Where the chunk begins.
        found: u64,
    },
    /// No run at all, or bytes that no run accounts for.
    #[error("the runs do not account for the bytes of the chunk")]
    RunsAndBytes,
    /// More than a second, more than 65,536 bytes, or gaps above ten seconds.
    #[error("too much for one frame: {0}")]
    TooMuch(&'static str),
    /// Rules 2, 3 and 6.
    #[error(
        "samples and bytes of a run must both be there or both be absent, and an empty run must be a gap"
    )]
    EmptyRun,
    /// A cause needs a gap.
    #[error("a cause without a gap")]
    CauseWithoutGap,
    /// The frame does not belong in a file of this kind.
    #[error("a file of this kind holds no {0} frame")]
    Kind(&'static str),
    /// The part has reached its end.
    #[error("the part is full: close it and go on in the next")]
    Full,
    /// Between one and four recipients of one type.
    #[error("a sealed file needs one to four recipients of one type")]
    Recipients,
    /// Part and previous trailer do not fit.
    #[error("part 0 has no previous part, and every later part has one")]
    PreviousPart,
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
