//! One leaf of the transparency log: what happened, in fixed fields and digests, never in text, because a log cannot forget.
//!
//! `version 1 u8 | type u8 | 0 u16 | UTC us i64 | actor 16 | body`, little-endian. A digest of text is SHA-256(salt 32 || text);
//! salt and text stay in the catalogue.

use shared::{Day, RecorderId, RecordingId, UtcMicros};

use crate::{ArchiveError, Result};
use seal::fields::Fields;

const VERSION: u8 = 1;
/// Longest leaf: a purge that names 255 media.
pub const LEAF_MAX: usize = 28 + 52 + 255 * 33;

/// Sixteen bytes that name a person, a location, a medium, a run, a hold or a node.
pub type Id16 = [u8; 16];
/// SHA-256.
pub(crate) type Sha256Digest = [u8; 32];

/// A leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// When it happened, by central's clock.
    pub at: UtcMicros,
    /// Who did it; zeros: the system itself.
    pub actor: Id16,
    /// What happened.
    pub act: Act,
}

/// What a leaf says. The numbers are those of the format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// 1: central admitted a sealed part.
    Recording(RecordingLeaf),
    /// 2: live audio is about to be removed, because these media hold it.
    Purge {
        /// Which recording.
        recording_id: RecordingId,
        /// Which part.
        part: u16,
        /// The part's digest.
        sha256: Sha256Digest,
        /// Why.
        reason: PurgeReason,
        /// Where it is proven to lie, at most 255.
        proven: Vec<ProvenAt>,
    },
    /// 3: a legal hold was placed, changed or released.
    Hold {
        /// Which hold.
        hold_id: Id16,
        /// What was done.
        action: HoldAct,
        /// When it is to be looked at again, yyyymmdd; 0: never.
        review_day: u32,
        /// What it covers.
        scope: Sha256Digest,
        /// The second person, or zeros.
        second: Id16,
    },
    /// 4: a daily login was released to somebody.
    KeyRelease {
        /// For which day, yyyymmdd.
        date: u32,
        /// `a` or `h`.
        lane: u8,
        /// 1 entered late, 2 grant.
        flags: u8,
        /// To whom.
        receiver: Sha256Digest,
        /// Why.
        ticket: Sha256Digest,
    },
    /// 5: the software started.
    Start {
        /// Which machine.
        node: Id16,
        /// Hash of the program.
        build: Sha256Digest,
        /// Hash of its configuration.
        configuration: Sha256Digest,
    },
    /// 6: keys were destroyed.
    Shred {
        /// The day or the recording.
        what: Shred,
        /// Why.
        reason: Sha256Digest,
        /// The second person.
        second: Id16,
    },
    /// 7: a rule about keeping was changed.
    Policy {
        /// Which.
        what: PolicyKind,
        /// The rule before.
        old: Sha256Digest,
        /// The rule after.
        new: Sha256Digest,
        /// So many recordings are concerned.
        affected: u64,
        /// From then on.
        effective: UtcMicros,
        /// The second person.
        second: Id16,
    },
    /// 8: an archive run ended.
    Run {
        /// Where.
        location_id: Id16,
        /// On what.
        media_id: Id16,
        /// Which run.
        run_id: Id16,
        /// The first leaf that it had to carry.
        first: u64,
        /// Behind the last one.
        end: u64,
        /// Its report.
        report: Sha256Digest,
        /// 1 complete, 2 complete with holes, 3 ended early.
        result: u8,
    },
}

/// A sealed part, as central admitted it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordingLeaf {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Which part.
    pub part: u16,
    /// Flags of the trailer.
    pub flags: u16,
    /// The whole file, trailer included, in bytes.
    pub size: u64,
    /// Of everything before the trailer, as the trailer says.
    pub sha256: Sha256Digest,
    /// The same by BLAKE3.
    pub blake3: [u8; 32],
    /// Who sealed it.
    pub recorder_id: RecorderId,
    /// Its beginning.
    pub start: UtcMicros,
    /// Its end.
    pub end: UtcMicros,
    /// The civil day of its beginning in the site's zone.
    pub day: Day,
}

/// A medium that holds a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProvenAt {
    /// Which location.
    pub location_id: Id16,
    /// Which medium of it.
    pub media_id: Id16,
    /// How far it was verified, 0 to 5.
    pub level: u8,
}

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $word:ident = $n:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$of])* $word = $n),+ }

        impl $name {
            const fn of(n: u8) -> Option<Self> {
                match n { $($n => Some(Self::$word),)+ _ => None }
            }
        }
    };
}

numbered! {
    /// Why live audio is removed.
    PurgeReason {
        /// The live disk needs room.
        Space = 1,
        /// It is old enough.
        Age = 2,
    }
}
numbered! {
    /// What was done to a hold.
    HoldAct {
        /// Placed.
        Place = 1,
        /// Changed.
        Change = 2,
        /// Released.
        Release = 3,
    }
}
numbered! {
    /// Which rule about keeping.
    PolicyKind {
        /// How long recordings are kept.
        Retention = 1,
        /// A location was removed.
        LocationRemoved = 2,
        /// How far a location is verified.
        VerifyLevel = 3,
        /// A lane of the daily login.
        Lane = 4,
    }
}

/// What keys were destroyed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shred {
    /// Those of a whole day.
    Day(Day),
    /// That of one recording.
    Recording(Day, RecordingId),
}

impl Leaf {
    /// Writes the leaf.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION, self.act.number(), 0, 0];
        out.extend(self.at.0.to_le_bytes());
        out.extend(self.actor);
        self.act.put(&mut out);
        out
    }

    /// Reads a leaf. There is one form for each, so that equal leaves are equal bytes.
    ///
    /// # Errors
    /// A leaf of a newer version, or damaged.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let wrong = |what| ArchiveError::Document("a leaf of the log", what);
        let mut f = Fields(bytes);
        if f.u8() != Some(VERSION) {
            return Err(wrong("its version"));
        }
        let read = |f: &mut Fields<'_>| {
            let number = f.u8()?;
            f.zeros(2).filter(|zero| *zero)?;
            let (at, actor) = (UtcMicros(f.i64()?), f.array()?);
            Some(Self { at, actor, act: Act::take(number, f)? })
        };
        read(&mut f).filter(|_| f.0.is_empty()).ok_or_else(|| wrong("its fields"))
    }
}

impl Act {
    const fn number(&self) -> u8 {
        match self {
            Self::Recording(_) => 1,
            Self::Purge { .. } => 2,
            Self::Hold { .. } => 3,
            Self::KeyRelease { .. } => 4,
            Self::Start { .. } => 5,
            Self::Shred { .. } => 6,
            Self::Policy { .. } => 7,
            Self::Run { .. } => 8,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Recording(r) => {
                out.extend(r.recording_id.bytes());
                out.extend(r.part.to_le_bytes());
                out.extend(r.flags.to_le_bytes());
                out.extend(r.size.to_le_bytes());
                out.extend(r.sha256);
                out.extend(r.blake3);
                out.extend(r.recorder_id.bytes());
                out.extend(r.start.0.to_le_bytes());
                out.extend(r.end.0.to_le_bytes());
                out.extend(r.day.yyyymmdd().to_le_bytes());
            }
            Self::Purge { recording_id, part, sha256, reason, proven } => {
                out.extend(recording_id.bytes());
                out.extend(part.to_le_bytes());
                out.extend(sha256);
                out.push(*reason as u8);
                let count = u8::try_from(proven.len()).unwrap_or(u8::MAX);
                out.push(count);
                for at in proven.iter().take(count.into()) {
                    out.extend(at.location_id);
                    out.extend(at.media_id);
                    out.push(at.level);
                }
            }
            Self::Hold { hold_id, action, review_day, scope, second } => {
                out.extend(hold_id);
                out.push(*action as u8);
                out.extend(review_day.to_le_bytes());
                out.extend(scope);
                out.extend(second);
            }
            Self::KeyRelease { date, lane, flags, receiver, ticket } => {
                out.extend(date.to_le_bytes());
                out.extend([*lane, *flags]);
                out.extend(receiver);
                out.extend(ticket);
            }
            Self::Start { node, build, configuration } => {
                out.extend(node);
                out.extend(build);
                out.extend(configuration);
            }
            Self::Shred { what, reason, second } => {
                let (scope, day, id) = match what {
                    Shred::Day(day) => (1, day, [0; 16]),
                    Shred::Recording(day, id) => (2, day, *id.bytes()),
                };
                out.push(scope);
                out.extend(day.yyyymmdd().to_le_bytes());
                out.extend(id);
                out.extend(reason);
                out.extend(second);
            }
            Self::Policy { what, old, new, affected, effective, second } => {
                out.push(*what as u8);
                out.extend(old);
                out.extend(new);
                out.extend(affected.to_le_bytes());
                out.extend(effective.0.to_le_bytes());
                out.extend(second);
            }
            Self::Run { location_id, media_id, run_id, first, end, report, result } => {
                out.extend(location_id);
                out.extend(media_id);
                out.extend(run_id);
                out.extend(first.to_le_bytes());
                out.extend(end.to_le_bytes());
                out.extend(report);
                out.push(*result);
            }
        }
    }

    fn take(number: u8, f: &mut Fields<'_>) -> Option<Self> {
        Some(match number {
            1 => Self::Recording(RecordingLeaf {
                recording_id: RecordingId(f.array()?),
                part: f.u16()?,
                flags: f.u16()?,
                size: f.u64()?,
                sha256: f.array()?,
                blake3: f.array()?,
                recorder_id: RecorderId(f.array()?),
                start: UtcMicros(f.i64()?),
                end: UtcMicros(f.i64()?),
                day: Day::from_yyyymmdd(f.u32()?).ok()?,
            }),
            2 => {
                let (recording_id, part, sha256) = (RecordingId(f.array()?), f.u16()?, f.array()?);
                let (reason, count) = (PurgeReason::of(f.u8()?)?, f.u8()?);
                let place = |f: &mut Fields<'_>| {
                    Some(ProvenAt { location_id: f.array()?, media_id: f.array()?, level: f.u8()? })
                };
                let proven = (0..count).map(|_| place(f)).collect::<Option<_>>()?;
                Self::Purge { recording_id, part, sha256, reason, proven }
            }
            3 => Self::Hold {
                hold_id: f.array()?,
                action: HoldAct::of(f.u8()?)?,
                review_day: f.u32()?,
                scope: f.array()?,
                second: f.array()?,
            },
            4 => Self::KeyRelease {
                date: f.u32()?,
                lane: f.u8()?,
                flags: f.u8()?,
                receiver: f.array()?,
                ticket: f.array()?,
            },
            5 => Self::Start { node: f.array()?, build: f.array()?, configuration: f.array()? },
            6 => {
                let (scope, day) = (f.u8()?, Day::from_yyyymmdd(f.u32()?).ok()?);
                let id: [u8; 16] = f.array()?;
                let what = match scope {
                    1 if id == [0; 16] => Shred::Day(day),
                    2 => Shred::Recording(day, RecordingId(id)),
                    _ => return None,
                };
                Self::Shred { what, reason: f.array()?, second: f.array()? }
            }
            7 => Self::Policy {
                what: PolicyKind::of(f.u8()?)?,
                old: f.array()?,
                new: f.array()?,
                affected: f.u64()?,
                effective: UtcMicros(f.i64()?),
                second: f.array()?,
            },
            8 => Self::Run {
                location_id: f.array()?,
                media_id: f.array()?,
                run_id: f.array()?,
                first: f.u64()?,
                end: f.u64()?,
                report: f.array()?,
                result: f.u8().filter(|n| (1..=3).contains(n))?,
            },
            _ => return None,
        })
    }
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

    fn day() -> Day {
        Day::from_yyyymmdd(20_261_122).unwrap()
    }

    fn acts() -> Vec<(Act, usize)> {
        let at = |n| ProvenAt { location_id: [n; 16], media_id: [n + 1; 16], level: 3 };
        let purge = |proven: Vec<ProvenAt>| Act::Purge {
            recording_id: RecordingId([1; 16]),
            part: 2,
            sha256: [3; 32],
            reason: PurgeReason::Age,
            proven,
        };
        let recording = Act::Recording(RecordingLeaf {
            recording_id: RecordingId([1; 16]),
            part: 0,
            flags: 4,
            size: 5,
            sha256: [6; 32],
            blake3: [7; 32],
            recorder_id: RecorderId([8; 16]),
            start: UtcMicros(9),
            end: UtcMicros(10),
            day: day(),
        });
        let hold = Act::Hold {
            hold_id: [1; 16],
            action: HoldAct::Release,
            review_day: 0,
            scope: [2; 32],
            second: [3; 16],
        };
        let release =
            Act::KeyRelease { date: 20_261_122, lane: b'a', flags: 1, receiver: [1; 32], ticket: [2; 32] };
        let start = Act::Start { node: [1; 16], build: [2; 32], configuration: [3; 32] };
        let shred = |what| Act::Shred { what, reason: [4; 32], second: [5; 16] };
        let policy = Act::Policy {
            what: PolicyKind::Lane,
            old: [1; 32],
            new: [2; 32],
            affected: 3,
            effective: UtcMicros(4),
            second: [5; 16],
        };
        let run = Act::Run {
            location_id: [1; 16],
            media_id: [2; 16],
            run_id: [3; 16],
            first: 4,
            end: 5,
            report: [6; 32],
            result: 1,
        };
        vec![
            (recording, 128),
            (purge(vec![]), 52),
            (purge(vec![at(1), at(2)]), 118),
            (purge((0..255).map(|_| at(1)).collect()), LEAF_MAX - 28),
            (hold, 69),
            (release, 70),
            (start, 80),
            (shred(Shred::Day(day())), 69),
            (shred(Shred::Recording(day(), RecordingId([9; 16]))), 69),
            (policy, 97),
            (run, 97),
        ]
    }

    #[test]
    fn every_act_comes_back_in_its_length_and_no_other() {
        for (act, body) in acts() {
            let leaf = Leaf { at: UtcMicros(-5), actor: [7; 16], act };
            let bytes = leaf.to_bytes();
            assert_eq!(bytes.len(), 28 + body, "{leaf:?}");
            assert_eq!(Leaf::parse(&bytes).unwrap(), leaf);
            assert!(Leaf::parse(&bytes[..bytes.len() - 1]).is_err());
            assert!(Leaf::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
            for at in [0, 1, 2, 3] {
                let mut altered = bytes.clone();
                altered[at] = 77;
                assert!(Leaf::parse(&altered).is_err(), "byte {at}");
            }
        }
    }
}
