//! Who spoke with whom, by which method and on which side of the exchange.

/// One party of a call as signalled. Empty text means that the signalling did not say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Party {
    /// The name shown on a set, such as `Alice`.
    pub display: String,
    /// The user part of the address: a number or an extension, `27115550100` or `3115`.
    pub number: String,
    /// The whole address as signalled, `sip:3115@10.0.0.5`.
    pub address: String,
}

/// Which way a call went, seen from the site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Direction {
    /// Nothing tells.
    #[default]
    Unknown = 0,
    /// From outside to an extension.
    In = 1,
    /// From an extension to the outside.
    Out = 2,
    /// Between extensions.
    Internal = 3,
}

/// How the media reach us.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Method {
    /// Packets of a voice network.
    #[default]
    Voip = 0,
    /// Primary or basic rate ISDN.
    Isdn = 1,
    /// Two-wire lines.
    Analogue = 2,
    /// Proprietary digital sets.
    Digital = 3,
    /// Radio.
    Radio = 4,
}

/// Where the tap sits: on lines into the exchange, or behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Side {
    /// Lines into the exchange.
    #[default]
    Trunk = 0,
    /// Extensions behind it.
    Extension = 1,
}

macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Returns the word for people and for JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Finds the value by its number in files and in the catalogue.
            #[must_use]
            pub const fn from_number(n: u8) -> Option<Self> {
                $(if n == Self::$variant as u8 { return Some(Self::$variant); })+
                None
            }

            /// Returns the number kept in files and in the catalogue.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}
pub(crate) use words;

words!(Direction { Unknown = "unknown", In = "in", Out = "out", Internal = "internal" });
words!(Method { Voip = "voip", Isdn = "isdn", Analogue = "analogue", Digital = "digital", Radio = "radio" });
words!(Side { Trunk = "trunk", Extension = "extension" });
