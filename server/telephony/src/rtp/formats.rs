//! What a payload type means on a leg: from SDP where it says so, else from the static table of RFC 3551.

use crate::rtp::samples::Shape;
use crate::sip::Format;

/// What kind of packet a payload type announces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Sound.
    Audio,
    /// RFC 4733 telephone events.
    Events,
    /// RFC 3389 comfort noise.
    ComfortNoise,
}

/// One payload type, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Meaning {
    pub(crate) format: Format,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
}

impl Meaning {
    /// Understands one line of SDP.
    pub(crate) fn of(format: &Format) -> Self {
        let kind = if format.name.eq_ignore_ascii_case("telephone-event") {
            Kind::Events
        } else if format.name.eq_ignore_ascii_case("CN") {
            Kind::ComfortNoise
        } else {
            Kind::Audio
        };
        let mut format = format.clone();
        if format.clock_hz == 0 {
            format.clock_hz = 8_000;
        }
        format.channels = format.channels.max(1);
        let shape = Shape::of(&format.name, format.channels, &format.fmtp);
        Self { format, kind, shape }
    }

    /// Understands a static payload type (RFC 3551, table 4).
    pub(crate) fn of_static(payload_type: u8) -> Option<Self> {
        let (name, clock_hz, channels) = match payload_type {
            0 => ("PCMU", 8_000, 1),
            2 => ("G726-32", 8_000, 1),
            3 => ("GSM", 8_000, 1),
            4 => ("G723", 8_000, 1),
            5 => ("DVI4", 8_000, 1),
            6 => ("DVI4", 16_000, 1),
            7 => ("LPC", 8_000, 1),
            8 => ("PCMA", 8_000, 1),
            9 => ("G722", 8_000, 1),
            10 => ("L16", 44_100, 2),
            11 => ("L16", 44_100, 1),
            12 => ("QCELP", 8_000, 1),
            13 | 19 => ("CN", 8_000, 1),
            15 => ("G728", 8_000, 1),
            16 => ("DVI4", 11_025, 1),
            17 => ("DVI4", 22_050, 1),
            18 => ("G729", 8_000, 1),
            _ => return None,
        };
        Some(Self::of(&Format {
            payload_type,
            name: name.to_owned(),
            clock_hz,
            channels,
            fmtp: String::new(),
        }))
    }
}

/// The payload types of one leg.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Formats {
    known: Vec<Meaning>,
}

impl Formats {
    /// Reads the formats of a leg's plan.
    pub(crate) fn of(formats: &[Format]) -> Self {
        Self { known: formats.iter().take(128).map(Meaning::of).collect() }
    }

    /// Finds what a payload type means.
    pub(crate) fn find(&self, payload_type: u8) -> Option<Meaning> {
        let declared = self.known.iter().find(|m| m.format.payload_type == payload_type);
        declared.cloned().or_else(|| Meaning::of_static(payload_type))
    }

    /// Tells what kind of packet a payload type announces, `None` when neither SDP nor the static table says.
    pub(crate) fn kind(&self, payload_type: u8) -> Option<Kind> {
        let declared = self.known.iter().find(|m| m.format.payload_type == payload_type);
        declared.map(|m| m.kind).or(match payload_type {
            13 | 19 => Some(Kind::ComfortNoise),
            0 | 2..=12 | 15..=18 => Some(Kind::Audio),
            _ => None,
        })
    }

    /// Tells whether packets of this type carry others inside them (RFC 2198).
    pub(crate) fn is_redundant(&self, payload_type: u8) -> bool {
        let of_type = |m: &&Meaning| m.format.payload_type == payload_type;
        self.known.iter().find(of_type).is_some_and(|m| m.format.name.eq_ignore_ascii_case("red"))
    }

    /// Returns the first audio format, the one a leg most likely speaks.
    pub(crate) fn first_audio(&self) -> Option<&Meaning> {
        self.known.iter().find(|m| m.kind == Kind::Audio)
    }

    /// Adds the formats of another offer for the same leg; what was there wins.
    pub(crate) fn merge(&mut self, other: &Self) {
        for meaning in &other.known {
            if !self.known.iter().any(|m| m.format.payload_type == meaning.format.payload_type) {
                self.known.push(meaning.clone());
            }
        }
    }
}
