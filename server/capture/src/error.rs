//! Why a source can't be opened or read, in sentences for the person who must act.

use std::path::PathBuf;

use telephony::net::UnsupportedLink;

/// What a program should do about a [`CaptureError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Try again by and by: the interface may come back.
    Wait,
    /// A person must change something.
    Ask,
    /// Trying again is of no use.
    Stop,
}

/// Why packets don't come.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file can't be opened.
    #[error("{}: can't be opened: {source}; nothing of it is recorded", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file or pipe broke off while it was read.
    #[error(
        "{name}: reading broke off at octet {offset}: {source}; calls up to there are kept, later ones are missing"
    )]
    Read {
        /// Which file.
        name: String,
        /// How far it was read.
        offset: u64,
        /// Why.
        source: std::io::Error,
    },
    /// The file has no octets at all.
    #[error("{name}: the file is empty; nothing was captured into it, so there is nothing to record")]
    Empty {
        /// Which file.
        name: String,
    },
    /// The file is something else.
    #[error(
        "{name}: this is no capture file ({looks}); give a pcap or pcapng file, gzipped or not: {advice}"
    )]
    NotACapture {
        /// Which file.
        name: String,
        /// What it looks like.
        looks: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The file's link layer is not read here.
    #[error("{name}: {link}; nothing of it is recorded")]
    Link {
        /// Which file or interface.
        name: String,
        /// Which link layer.
        link: UnsupportedLink,
    },
    /// There is no such interface.
    #[error(
        "there is no network interface `{name}`, so nothing is recorded from it; this machine has: {existing}"
    )]
    NoInterface {
        /// The name asked for.
        name: String,
        /// Those that exist.
        existing: String,
    },
    /// The kernel refuses raw sockets to this user.
    #[error(
        "no permission to listen on `{name}`, so nothing is recorded from it; run as root, or once: \
         setcap cap_net_raw+ep {program}"
    )]
    NoPermission {
        /// Which interface.
        name: String,
        /// The program's own path.
        program: String,
    },
    /// The interface is switched off or has vanished.
    #[error(
        "interface `{name}` {what}; calls on it are not recorded until it is back (ip link set {name} up)"
    )]
    SourceDown {
        /// Which interface.
        name: String,
        /// `is down` or `has vanished`.
        what: &'static str,
    },
    /// The ring doesn't fit the kernel's limits or the memory.
    #[error("no memory for a ring of {bytes} octets on `{name}`: {source}; choose fewer or smaller blocks")]
    Ring {
        /// Which interface.
        name: String,
        /// The size asked for.
        bytes: usize,
        /// Why.
        source: std::io::Error,
    },
    /// Another call of the kernel failed.
    #[error("interface `{name}`: {call} failed: {source}; nothing is recorded from it")]
    System {
        /// Which interface.
        name: String,
        /// Which call.
        call: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

impl CaptureError {
    /// Says what to do: wait, ask a person, or stop.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::SourceDown { .. } => ErrorKind::Wait,
            Self::Open { .. }
            | Self::NoInterface { .. }
            | Self::NoPermission { .. }
            | Self::Ring { .. }
            | Self::System { .. } => ErrorKind::Ask,
            Self::Read { .. } | Self::Empty { .. } | Self::NotACapture { .. } | Self::Link { .. } => {
                ErrorKind::Stop
            }
        }
    }
}
