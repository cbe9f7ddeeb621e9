//! What a source has to say without giving up: damage in a file, a stepped clock, a card that merges packets.

use std::fmt;

/// Octets of a file that could not be read as packets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Damage {
    /// Where it begins in the file (in the unpacked octets of a gzipped one).
    pub offset: u64,
    /// What is wrong there.
    pub what: &'static str,
    /// Where reading went on, or `None` when nothing readable follows.
    pub resumed_at: Option<u64>,
}

/// Something that the operator should know.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// A file is damaged.
    Damage {
        /// Which file.
        name: String,
        /// Where and what.
        damage: Damage,
    },
    /// Packets of a link layer that isn't read were passed over.
    Skipped {
        /// Which file.
        name: String,
        /// How many.
        packets: u64,
        /// Which link layer.
        link: telephony::net::UnsupportedLink,
    },
    /// The wall clock was set; durations are not affected.
    ClockStep {
        /// Which source.
        name: String,
        /// By how much it jumped, in milliseconds.
        by_ms: i64,
    },
    /// The card or driver merges packets before they are seen.
    Offload {
        /// Which interface.
        name: String,
        /// The features that are on, as `ethtool` calls them.
        features: Vec<&'static str>,
    },
    /// The ring was full, so the kernel dropped packets.
    Dropped {
        /// Which interface.
        name: String,
        /// How many.
        packets: u64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damage { name, damage: Damage { offset, what, resumed_at: Some(to) } } => write!(
                f,
                "{name}: {what} at octet {offset}; reading goes on at octet {to}, packets between are missing from the recordings"
            ),
            Self::Damage { name, damage: Damage { offset, what, resumed_at: None } } => write!(
                f,
                "{name}: {what} at octet {offset}; nothing readable follows, calls end there; all before is recorded"
            ),
            Self::Skipped { name, packets, link } => {
                write!(f, "{name}: {packets} packets were passed over: {link}")
            }
            Self::ClockStep { name, by_ms } => write!(
                f,
                "{name}: the wall clock was set by {by_ms} ms; durations are right, names and times of calls follow the new clock"
            ),
            Self::Offload { name, features } => {
                write!(
                    f,
                    "{name}: the card merges packets ({}), so times and addresses of voice packets suffer; switch it off: ethtool -K {name}",
                    features.join(", ")
                )?;
                for feature in features {
                    write!(f, " {feature} off")?;
                }
                Ok(())
            }
            Self::Dropped { name, packets } => write!(
                f,
                "{name}: {packets} packets were dropped because this machine was too slow; the gaps are marked in the recordings as ours"
            ),
        }
    }
}
