//! Identities: sixteen opaque bytes each, told apart by type so that one is never taken for another.

use std::fmt;
use std::str::FromStr;

/// Says why a text is no identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an identity: give 32 hexadecimal digits, dashes allowed")]
pub struct IdError(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Returns the sixteen bytes as they stand in files.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (i, byte) in self.0.iter().enumerate() {
                    if matches!(i, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            /// Reads 32 hexadecimal digits, with or without dashes.
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hex(text).map(Self).ok_or_else(|| IdError(text.chars().take(64).collect()))
            }
        }
    };
}

id! {
    /// Names one recording: a UUID version 7 (RFC 9562, 5.7), so that identities sort by their time of making.
    RecordingId
}
id! {
    /// Names a site: one customer installation with its keys, drawn once at `amethyst init`.
    SiteId
}
id! {
    /// Names who seals: a satellite, or central for what central seals itself.
    RecorderId
}
id! {
    /// Names a configured archive place.
    LocationId
}
id! {
    /// Names one drive, share or bucket that serves a location.
    MediaId
}
id! {
    /// Names one run of the archive.
    RunId
}

impl RecordingId {
    /// Builds a UUID version 7 from a wall time and ten random bytes; their version and variant bits are overwritten.
    ///
    /// Times before 1970 count as 1970. Two identities of one millisecond differ by their dice only.
    #[must_use]
    pub fn v7(at: crate::UtcMicros, dice: [u8; 10]) -> Self {
        let ms = u64::try_from(at.0.max(0) / 1_000).unwrap_or(0);
        let [.., a, b, c, d, e, f] = ms.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = dice;
        Self([a, b, c, d, e, f, 0x70 | (r0 & 0x0f), r1, 0x80 | (r2 & 0x3f), r3, r4, r5, r6, r7, r8, r9])
    }
}

/// Names a tap (where we listen) inside one recorder: its place in the configuration. Its text name travels in META.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct TapId(pub u16);

/// The bit that no tap has: what came through a number with it was made by this program.
const CANARY: u16 = 0x8000;

impl TapId {
    /// The highest number that a tap may have.
    pub const LAST: Self = Self(CANARY - 1);

    /// Returns the number under which this program's own canaries run beside the calls of this tap. A source that reads a wire or a
    /// file never has it, so nothing that a packet says can make a call a canary, or a canary a call.
    #[must_use]
    pub const fn canary(self) -> Self {
        Self(self.0 | CANARY)
    }

    /// True for the number of canaries.
    #[must_use]
    pub const fn is_canary(self) -> bool {
        self.0 & CANARY != 0
    }

    /// Returns the tap itself, whether this is its own number or that of its canaries.
    #[must_use]
    pub const fn tap(self) -> Self {
        Self(self.0 & !CANARY)
    }

    /// Returns the number of the tap at a place of a list; those beyond the last possible one share that.
    #[must_use]
    pub fn at(place: usize) -> Self {
        u16::try_from(place).map_or(Self::LAST, |number| Self(number).min(Self::LAST))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let mut out = [0u8; 16];
    let mut digits = text.bytes().filter(|b| *b != b'-');
    for byte in &mut out {
        let high = char::from(digits.next()?).to_digit(16)?;
        let low = char::from(digits.next()?).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    digits.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_survives_its_text() {
        let id = RecordingId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string(), "00010203-0405-0607-0809-0a0b0c0d0eff");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn too_few_or_too_many_digits_are_refused() {
        assert!("00".parse::<SiteId>().is_err(), "two digits are no identity");
        assert!("00".repeat(17).parse::<SiteId>().is_err(), "34 digits are no identity");
    }

    #[test]
    fn no_place_of_a_tap_is_that_of_a_canary() {
        for place in [0, 1, 0x7fff, 0x8000, 0xffff, 0x1_0000, usize::MAX] {
            assert!(!TapId::at(place).is_canary(), "{place}");
        }
        assert!(TapId(7).canary().is_canary());
        assert_eq!(TapId(7).canary().tap(), TapId(7));
    }

    #[test]
    fn v7_carries_time_version_and_variant() {
        let id = RecordingId::v7(crate::UtcMicros(1_700_000_000_123_456), [0xff; 10]);
        assert_eq!(id.to_string(), "018bcfe5-687b-7fff-bfff-ffffffffffff");
    }
}
