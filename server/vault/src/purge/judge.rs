//! Whether the live copy of a recording may go: a pure judgement over what one transaction saw. When in doubt it stays.
//!
//! The rules are the invariants of `docs/design/recording-lifecycle.md` (G); each has its variant in [`Kept`], so that an
//! operator is told which one keeps a recording, and a test can break one at a time.

use std::fmt;

use archive::log::ProvenAt;
use archive::run_report::Level;
use catalogue::{LocationRow, MediaSet, MediumRow, MediumState, PartRow, ProofRow, PurgeState, Standing};
use shared::{LocationId, MediaId, UtcMicros};

/// Trailer flag: the recording goes on in a next part.
const CONTINUED: u32 = 4;
/// A location whose card nobody verified for so long may be gone.
const SEEN_WITHIN_US: i64 = 14 * 24 * 3_600 * 1_000_000;
/// A clock may step back so far before what it says is not believed.
const CLOCK_SLACK_US: i64 = 5 * 60 * 1_000_000;

/// What the site decided about purging.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PurgeRules {
    /// So long after its end a recording stays in the live store at least, in microseconds.
    pub min_live_us: i64,
}

/// Why the live copy of a recording stays.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kept {
    /// It is not known, or has no part.
    Unknown,
    /// Its call, or its ledger entry, goes on.
    GoesOn,
    /// A legal hold is on it.
    Held,
    /// Something of it was not as it should be.
    Suspect(String),
    /// It ended too short a time ago.
    TooYoung,
    /// No location is configured.
    NoLocation,
    /// The log does not tell of a part.
    NotInLog,
    /// A location holds no proof of a part that counts.
    Unproven {
        /// Its name.
        location: String,
    },
    /// A medium holds something else than the live store.
    Differs {
        /// Which medium.
        medium: MediaId,
    },
    /// A medium that holds it is not trusted.
    SuspectMedium {
        /// Which.
        medium: MediaId,
    },
    /// A location was not seen for 14 days.
    NotSeen {
        /// Its name.
        location: String,
    },
    /// It is gone already, or on the way.
    OnTheWay,
    /// Nobody intended it, or not for long enough: one who would object has 24 hours.
    NotIntended,
    /// No medium that holds it is connected.
    NotConnected,
    /// Its live file is gone without anybody having removed it.
    Missing,
}

impl Kept {
    /// Returns the word for counting and for JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::GoesOn => "goes-on",
            Self::Held => "held",
            Self::Suspect(_) => "suspect",
            Self::TooYoung => "too-young",
            Self::NoLocation => "no-location",
            Self::NotInLog => "not-in-log",
            Self::Unproven { .. } => "unproven",
            Self::Differs { .. } => "differs",
            Self::SuspectMedium { .. } => "suspect-medium",
            Self::NotSeen { .. } => "not-seen",
            Self::OnTheWay => "on-the-way",
            Self::NotIntended => "not-intended",
            Self::NotConnected => "not-connected",
            Self::Missing => "missing",
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such recording is known"),
            Self::GoesOn => f.write_str("its call has not ended"),
            Self::Held => f.write_str("a legal hold is on it"),
            Self::Suspect(why) => write!(f, "it is suspect until somebody clears it: {why}"),
            Self::TooYoung => f.write_str("it has not been in the live store for as long as the site wants"),
            Self::NoLocation => {
                f.write_str("no archive location is configured, so the live copy is the only one")
            }
            Self::NotInLog => f.write_str("the transparency log does not tell of it yet"),
            Self::Unproven { location } => write!(f, "it is not proven on the location `{location}`"),
            Self::Differs { medium } => {
                write!(f, "the medium {medium} holds something else than the live store")
            }
            Self::SuspectMedium { medium } => {
                write!(f, "the medium {medium} is suspect until somebody clears it")
            }
            Self::NotSeen { location } => {
                write!(f, "the location `{location}` was not seen for 14 days: connect it")
            }
            Self::OnTheWay => f.write_str("it is purged already or on the way"),
            Self::NotIntended => f.write_str("it was not announced 24 hours ago"),
            Self::NotConnected => f.write_str("no medium that holds it is connected to be looked at"),
            Self::Missing => {
                f.write_str("its live file is gone although nobody removed it: run `amethyst check`")
            }
        }
    }
}

/// One part of a recording that may go, and what proves it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct GoingPart {
    pub(crate) row: PartRow,
    /// Proofs that count, on media that are trusted.
    pub(crate) proofs: Vec<ProofRow>,
}

impl GoingPart {
    /// What the log's leaf says of them, at most 255.
    pub(crate) fn proven_at(&self) -> Vec<ProvenAt> {
        let at = |p: &ProofRow| ProvenAt {
            location_id: p.location_id.0,
            media_id: p.media_id.0,
            level: p.read_back.level,
        };
        self.proofs.iter().take(255).map(at).collect()
    }
}

/// Judges a recording that is not on the way yet.
pub(crate) fn may_go(
    standing: Option<&Standing>,
    rules: &PurgeRules,
    now: UtcMicros,
) -> Result<Vec<GoingPart>, Kept> {
    let standing = standing.ok_or(Kept::Unknown)?;
    if standing.purge.is_some_and(|purge| purge.state > PurgeState::Unlinking) {
        return Err(Kept::OnTheWay);
    }
    free(standing)?;
    if now.since(standing.ended_at) < rules.min_live_us {
        return Err(Kept::TooYoung);
    }
    if standing.locations.is_empty() {
        return Err(Kept::NoLocation);
    }
    standing.parts.iter().map(|(part, leaf)| proven(standing, part, *leaf, now)).collect()
}

/// Nothing about the recording itself forbids it.
fn free(standing: &Standing) -> Result<(), Kept> {
    if standing.is_held {
        return Err(Kept::Held);
    }
    if let Some(why) = &standing.suspect {
        return Err(Kept::Suspect(why.clone()));
    }
    match standing.parts.last() {
        None => Err(Kept::Unknown),
        Some((last, _)) if last.flags & CONTINUED != 0 => Err(Kept::GoesOn),
        Some(_) => Ok(()),
    }
}

/// Every location holds the part, as it is in the live store.
fn proven(standing: &Standing, part: &PartRow, leaf: Option<u64>, now: UtcMicros) -> Result<GoingPart, Kept> {
    let leaf = leaf.ok_or(Kept::NotInLog)?;
    let mut counting = Vec::new();
    let mut whole = None;
    for proof in standing.proofs.iter().filter(|p| p.read_back.part == part.part) {
        let Some(medium) = standing.media.iter().find(|m| m.media_id == proof.media_id) else { continue };
        match medium.state {
            MediumState::Retired => continue,
            MediumState::Suspect => return Err(Kept::SuspectMedium { medium: medium.media_id }),
            MediumState::Good => {}
        }
        let files = (proof.read_back.whole_sha256, proof.read_back.whole_blake3);
        if !same(proof, part, leaf) || *whole.get_or_insert(files) != files {
            return Err(Kept::Differs { medium: medium.media_id });
        }
        if counts(proof, leaf) {
            counting.push(proof.clone());
        }
    }
    for location in &standing.locations {
        on_location(standing, location, &counting, now)?;
    }
    Ok(GoingPart { row: part.clone(), proofs: counting })
}

/// What was read back is what the live store admitted.
fn same(proof: &ProofRow, part: &PartRow, leaf: u64) -> bool {
    let back = &proof.read_back;
    (back.size, back.sha256, back.blake3, back.leaf) == (part.bytes, part.sha256, part.blake3, leaf)
}

/// It was read back past the cache, and manifest, checkpoint and report that tell of it lie on the medium too.
fn counts(proof: &ProofRow, leaf: u64) -> bool {
    proof.read_back.level >= Level::ReadBack as u8
        && proof.report_sha256.is_some()
        && proof.read_back.manifest > 0
        && proof.checkpoint > leaf
}

/// A location counts by one of its media, or needs all of them; and somebody saw it lately.
fn on_location(
    standing: &Standing,
    location: &LocationRow,
    counting: &[ProofRow],
    now: UtcMicros,
) -> Result<(), Kept> {
    let has = |medium: &&MediumRow| counting.iter().any(|proof| proof.media_id == medium.media_id);
    let holding: Vec<&MediumRow> = media_of(standing, location.location_id).filter(has).collect();
    let is_enough = match location.set {
        MediaSet::One | MediaSet::Any => !holding.is_empty(),
        MediaSet::All => {
            !holding.is_empty() && holding.len() == media_of(standing, location.location_id).count()
        }
    };
    if !is_enough {
        return Err(Kept::Unproven { location: location.name.clone() });
    }
    if holding.iter().any(|medium| seen_lately(medium, now)) {
        Ok(())
    } else {
        Err(Kept::NotSeen { location: location.name.clone() })
    }
}

fn media_of(standing: &Standing, location: LocationId) -> impl Iterator<Item = &MediumRow> {
    standing.media.iter().filter(move |m| m.location_id == location && m.state != MediumState::Retired)
}

fn seen_lately(medium: &MediumRow, now: UtcMicros) -> bool {
    medium.last_seen_at.is_some_and(|seen| {
        let ago = now.since(seen);
        (-CLOCK_SLACK_US..=SEEN_WITHIN_US).contains(&ago)
    })
}
