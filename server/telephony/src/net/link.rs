//! The outermost layer of a capture: what a frame begins with.

use std::fmt;

/// The link layer of a tap or capture file, of those that carry IP.
///
/// Numbers are the LINKTYPE values of capture files and, where they differ, the DLT values of the systems that used
/// their own (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LinkType {
    /// Ethernet (1).
    Ethernet,
    /// BSD loopback: an address family in the byte order of the capturing host (0), or big endian (108).
    Null,
    /// IPv4 or IPv6 without a link header (101; 12 and 14 in old files).
    Raw,
    /// IPv4 without a link header (228).
    Ipv4,
    /// IPv6 without a link header (229).
    Ipv6,
    /// Linux "cooked" (113).
    LinuxSll,
    /// Linux "cooked" version 2 (276).
    LinuxSll2,
    /// PPP, perhaps with its HDLC address and control octets (9, 50).
    Ppp,
    /// A `PPPoE` header without Ethernet before it (51).
    PppEther,
    /// Cisco HDLC (104).
    CiscoHdlc,
    /// An MPLS label stack without a link header (219).
    Mpls,
}

impl LinkType {
    /// Takes the number that stands in a capture file or that a capture library reports.
    ///
    /// # Errors
    /// A link layer that this program doesn't read.
    pub const fn from_dlt(dlt: u32) -> Result<Self, UnsupportedLink> {
        Ok(match dlt {
            1 => Self::Ethernet,
            0 | 108 => Self::Null,
            12 | 14 | 101 => Self::Raw,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            9 | 50 => Self::Ppp,
            51 => Self::PppEther,
            104 => Self::CiscoHdlc,
            219 => Self::Mpls,
            other => return Err(UnsupportedLink { dlt: other }),
        })
    }

    /// Returns the LINKTYPE number under which capture files know it.
    #[must_use]
    pub const fn dlt(self) -> u32 {
        match self {
            Self::Ethernet => 1,
            Self::Null => 0,
            Self::Raw => 101,
            Self::Ipv4 => 228,
            Self::Ipv6 => 229,
            Self::LinuxSll => 113,
            Self::LinuxSll2 => 276,
            Self::Ppp => 9,
            Self::PppEther => 51,
            Self::CiscoHdlc => 104,
            Self::Mpls => 219,
        }
    }
}

/// Says that a link layer is not read here, and by its name if it has a well-known one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnsupportedLink {
    /// The LINKTYPE or DLT number.
    pub dlt: u32,
}

impl UnsupportedLink {
    /// Returns the name of the link layer where it is a common one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.dlt {
            6 => "Token Ring",
            10 => "FDDI",
            105 => "IEEE 802.11",
            119 => "IEEE 802.11 with Prism header",
            127 => "IEEE 802.11 with radiotap header",
            163 => "IEEE 802.11 with AVS header",
            107 => "Frame Relay",
            140 => "SS7 MTP2",
            141 => "SS7 MTP3",
            142 => "SS7 SCCP",
            177 => "LAPD",
            189 | 220 => "USB",
            195 | 230 => "IEEE 802.15.4",
            201 | 187 => "Bluetooth",
            239 => "NFLOG",
            251 => "Bluetooth Low Energy",
            253 => "Netlink",
            _ => "unknown",
        }
    }
}

impl fmt::Display for UnsupportedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "link layer {} ({}) is not one that carries calls here; capture on an Ethernet mirror port, or convert",
            self.dlt,
            self.name()
        )?;
        f.write_str(" the file to Ethernet or raw IP")
    }
}

impl std::error::Error for UnsupportedLink {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_layer_is_found_again_by_its_number() {
        for dlt in 0..400 {
            if let Ok(link) = LinkType::from_dlt(dlt) {
                assert_eq!(LinkType::from_dlt(link.dlt()), Ok(link), "{link:?}");
            }
        }
    }

    #[test]
    fn a_wireless_capture_is_refused_by_name() {
        let refused = LinkType::from_dlt(127).map_err(|e| e.to_string());
        assert!(refused.is_err_and(|text| text.contains("radiotap")), "the name must stand in the message");
    }
}
