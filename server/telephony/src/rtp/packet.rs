//! One RTP packet as it lies in a datagram, and the question which protocol a datagram of a media port speaks.
//!
//! A packet is a view: nothing is copied, nothing is allocated, and a packet of the usual shape (no CSRC, no extension,
//! no padding) is read with one length check. What must hold: no octet sequence makes this panic, and a payload is never
//! longer than the datagram. Order, loss and meaning of the payload are not decided here.

/// An RTP packet (RFC 3550, 5.1), borrowed from its datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RtpPacket<'a> {
    /// The marker bit: for audio, the first packet of a talk spurt (RFC 3551, 4.1).
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the payload's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload without header, extension and padding.
    pub payload: &'a [u8],
    /// The padding bit was set but its count made no sense; then the payload reaches to the end of the datagram.
    pub bad_padding: bool,
    header: &'a [u8],
}

impl std::fmt::Debug for RtpPacket<'_> {
    /// Shows the header only: audio is never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtpPacket")
            .field("payload_type", &self.payload_type)
            .field("marker", &self.marker)
            .field("sequence", &self.sequence)
            .field("timestamp", &self.timestamp)
            .field("ssrc", &format_args!("{:#010x}", self.ssrc))
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// Octets of a header without CSRC list and extension.
const FIXED_LEN: usize = 12;

impl<'a> RtpPacket<'a> {
    /// Reads a datagram as RTP version 2, or returns `None` if its header does not fit.
    ///
    /// An RTCP packet also has version 2 and may pass: ask [`Protocol::of`] first on ports that carry both.
    /// For SRTP the padding is still encrypted: decrypt first, then read.
    #[inline]
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let &[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = datagram.first_chunk::<FIXED_LEN>()?;
        if first >> 6 != 2 {
            return None;
        }
        let header_len = if first & 0x1f == 0 { FIXED_LEN } else { long_header_len(first, datagram)? };
        let (header, body) = datagram.split_at_checked(header_len)?;
        let (payload, bad_padding) = if first & 0x20 == 0 { (body, false) } else { without_padding(body) };
        Some(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
            payload,
            bad_padding,
            header,
        })
    }

    /// Returns the octets before the payload: fixed header, CSRC list and extension.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.header.len()
    }

    /// Returns the contributing sources, at most 15.
    pub fn csrc(&self) -> impl Iterator<Item = u32> + 'a {
        let count = self.header.first().map_or(0, |first| usize::from(first & 0x0f));
        let list = self.header.get(FIXED_LEN..).unwrap_or_default();
        list.as_chunks::<4>().0.iter().take(count).map(|c| u32::from_be_bytes(*c))
    }

    /// Returns the header extension, if there is one.
    #[must_use]
    pub fn extension(&self) -> Option<Extension<'a>> {
        let first = *self.header.first()?;
        if first & 0x10 == 0 {
            return None;
        }
        let csrc_len = usize::from(first & 0x0f).checked_mul(4)?;
        let (_, rest) = self.header.get(FIXED_LEN..)?.split_at_checked(csrc_len)?;
        let (&[p0, p1, _, _], data) = rest.split_first_chunk::<4>()?;
        Some(Extension { profile: u16::from_be_bytes([p0, p1]), data })
    }
}

/// Returns the length of a header that has a CSRC list or an extension.
#[cold]
fn long_header_len(first: u8, datagram: &[u8]) -> Option<usize> {
    let after_csrc = usize::from(first & 0x0f).checked_mul(4)?.checked_add(FIXED_LEN)?;
    if first & 0x10 == 0 {
        return Some(after_csrc);
    }
    let &[_, _, w0, w1] = datagram.get(after_csrc..)?.first_chunk::<4>()?;
    usize::from(u16::from_be_bytes([w0, w1])).checked_mul(4)?.checked_add(4)?.checked_add(after_csrc)
}

/// Takes the padding off; a count of 0 or one that exceeds the body is a sender's mistake, and the body stays whole.
#[cold]
fn without_padding(body: &[u8]) -> (&[u8], bool) {
    let count = body.last().map_or(0, |last| usize::from(*last));
    match body.len().checked_sub(count).and_then(|keep| body.get(..keep)) {
        Some(payload) if count > 0 => (payload, false),
        Some(_) | None => (body, true),
    }
}

/// A header extension (RFC 3550, 5.3.1) and, where its profile says so, the elements inside (RFC 8285).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extension<'a> {
    /// What the profile calls "defined by profile": 0xBEDE and 0x100x are RFC 8285, 0x0167 is ED-137.
    pub profile: u16,
    /// The extension's octets, whole 32-bit words.
    pub data: &'a [u8],
}

impl<'a> Extension<'a> {
    /// Returns the elements (identifier, octets) of an RFC 8285 extension; none for any other profile.
    ///
    /// Stops quietly at an element that does not fit, and at identifier 15 of the one-byte form (RFC 8285, 4.2).
    #[must_use]
    pub const fn elements(&self) -> Elements<'a> {
        let form = match self.profile {
            0xbede => Form::OneByte,
            0x1000..=0x100f => Form::TwoByte,
            _ => return Elements { rest: &[], form: Form::OneByte },
        };
        Elements { rest: self.data, form }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    OneByte,
    TwoByte,
}

/// Walks over the elements of an RFC 8285 header extension.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((0, rest)) = self.rest.split_first() {
            self.rest = rest; // padding between elements
        }
        let (&first, rest) = std::mem::take(&mut self.rest).split_first()?;
        let (id, len, rest) = match self.form {
            Form::OneByte if first >> 4 == 15 => return None,
            Form::OneByte => (first >> 4, usize::from(first & 0x0f).saturating_add(1), rest),
            Form::TwoByte => {
                let (&len, rest) = rest.split_first()?;
                (first, usize::from(len), rest)
            }
        };
        let (data, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        Some((id, data))
    }
}

/// The protocol that a datagram on a media port speaks (RFC 7983, RFC 5761 section 4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// RTP or SRTP.
    Rtp,
    /// RTCP or SRTCP.
    Rtcp,
    /// STUN (RFC 8489), also its older form without the magic number.
    Stun,
    /// ZRTP key agreement (RFC 6189): the media that follow are encrypted for us.
    Zrtp,
    /// DTLS: the media that follow are encrypted for us.
    Dtls,
    /// TURN channel data (RFC 8656, 12.4); an RTP packet may lie four octets further on.
    TurnChannel,
    /// T.38, keep-alives of one or two octets, anything else.
    Other,
}

impl Protocol {
    /// Tells by its first octets what `datagram` is. RTP and RTCP are named only if their fixed header is there.
    #[inline]
    #[must_use]
    pub fn of(datagram: &[u8]) -> Self {
        match datagram.first_chunk::<2>() {
            Some(&[0x80..=0xbf, second]) if (192..=223).contains(&second) && datagram.len() >= 8 => {
                Self::Rtcp
            }
            Some(&[0x80..=0xbf, _]) if datagram.len() >= FIXED_LEN => Self::Rtp,
            Some(_) => Self::of_other(datagram),
            None => Self::Other,
        }
    }

    #[cold]
    fn of_other(datagram: &[u8]) -> Self {
        match datagram.first().copied().unwrap_or(0xff) {
            0..=3 if is_stun(datagram) => Self::Stun,
            16..=19 if datagram.get(4..8) == Some(b"ZRTP") => Self::Zrtp,
            // Content type, then version 0xfefd or 0xfeff, ten octets of epoch, sequence and length.
            20..=63 if datagram.get(1) == Some(&0xfe) && datagram.len() >= 13 => Self::Dtls,
            64..=79 if is_turn_channel(datagram) => Self::TurnChannel,
            _ => Self::Other,
        }
    }
}

/// Tells whether a datagram may be RTP (or SRTP): version 2, a header that fits, not RTCP by RFC 5761.
#[inline]
#[must_use]
pub fn looks_like_rtp(datagram: &[u8]) -> bool {
    Protocol::of(datagram) == Protocol::Rtp && RtpPacket::parse(datagram).is_some()
}

fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    let &[high, low] = bytes.get(at..)?.first_chunk::<2>()?;
    Some(usize::from(u16::from_be_bytes([high, low])))
}

fn is_stun(datagram: &[u8]) -> bool {
    let said = be16(datagram, 2).and_then(|len| len.checked_add(20));
    said == Some(datagram.len())
        || (datagram.len() >= 20 && datagram.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]))
}

fn is_turn_channel(datagram: &[u8]) -> bool {
    // Channel data over UDP may be padded to whole words.
    be16(datagram, 2).and_then(|len| len.checked_add(4)).is_some_and(|said| said <= datagram.len())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use proptest::prelude::*;

    use super::*;

    const PLAIN: [u8; 16] = [0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4];

    fn packet(first: u8, tail: &[u8]) -> Vec<u8> {
        let mut bytes = PLAIN[..12].to_vec();
        bytes[0] = first;
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn a_plain_packet_is_read_field_by_field() {
        let p = RtpPacket::parse(&PLAIN).unwrap();
        assert_eq!((p.marker, p.payload_type, p.sequence, p.timestamp), (true, 8, 0x1234, 160));
        assert_eq!(
            (p.ssrc, p.payload, p.header_len(), p.bad_padding),
            (0xdead_beef, &[1, 2, 3, 4][..], 12, false)
        );
        assert_eq!((p.csrc().count(), p.extension()), (0, None));
    }

    #[test]
    fn a_packet_without_payload_is_a_packet() {
        assert_eq!(RtpPacket::parse(&PLAIN[..12]).unwrap().payload, b"");
    }

    #[test]
    fn what_does_not_fit_is_no_packet() {
        for (bytes, why) in [
            (PLAIN[..11].to_vec(), "short"),
            (packet(0x40, b"abcd"), "version 1"),
            (packet(0x81, b"abc"), "CSRC cut off"),
            (packet(0x90, b"abc"), "extension head cut off"),
            (packet(0x90, &[0xbe, 0xde, 0, 1, 1, 2, 3]), "extension cut off"),
            (packet(0x90, &[0xbe, 0xde, 0xff, 0xff, 1, 2, 3]), "extension longer than a datagram"),
        ] {
            assert!(RtpPacket::parse(&bytes).is_none(), "{why}");
        }
    }

    #[test]
    fn csrc_and_extension_are_not_payload() {
        let bytes = packet(0x92, &[0, 0, 0, 1, 0, 0, 0, 2, 0x12, 0x34, 0, 1, 9, 9, 9, 9, 7]);
        let p = RtpPacket::parse(&bytes).unwrap();
        assert_eq!(p.csrc().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(p.extension(), Some(Extension { profile: 0x1234, data: &[9, 9, 9, 9] }));
        assert_eq!((p.payload, p.header_len()), (&[7][..], 28));
    }

    #[test]
    fn padding_is_taken_off_and_bad_padding_is_said() {
        let check = |tail: &[u8], payload: &[u8], bad| {
            let bytes = packet(0xa0, tail);
            let p = RtpPacket::parse(&bytes).unwrap();
            assert_eq!((p.payload, p.bad_padding), (payload, bad), "{tail:?}");
        };
        check(&[1, 2, 0, 2], &[1, 2], false);
        check(&[0, 0, 0, 4], &[], false);
        check(&[1, 2, 3, 0], &[1, 2, 3, 0], true);
        check(&[1, 2, 3, 5], &[1, 2, 3, 5], true);
        check(&[], &[], true);
    }

    #[test]
    fn extension_elements_of_both_forms() {
        let check = |profile, data: &[u8], expected: &[(u8, &[u8])]| {
            let found: Vec<_> = Extension { profile, data }.elements().collect();
            assert_eq!(found, expected, "{profile:#x} {data:?}");
        };
        check(0xbede, &[0x10, 0x85, 0, 0, 0x21, 7, 8, 0], &[(1, &[0x85]), (2, &[7, 8])]);
        check(0xbede, &[0xf0, 1, 0x10, 2], &[]);
        check(0xbede, &[0x1f, 1, 2, 3], &[]);
        check(0x1000, &[1, 0, 2, 1, 9, 0, 0, 0], &[(1, &[]), (2, &[9])]);
        check(0x1000, &[1], &[]);
        check(0x0167, &[0x10, 1, 2, 3], &[]);
    }

    #[test]
    fn protocols_are_told_apart() {
        let check = |bytes: &[u8], expected| assert_eq!(Protocol::of(bytes), expected, "{bytes:02x?}");
        check(&PLAIN, Protocol::Rtp);
        check(&[0x80, 200, 0, 1, 0, 0, 0, 1], Protocol::Rtcp);
        check(&[0x81, 201, 0, 7, 0, 0, 0, 1], Protocol::Rtcp);
        check(&[0x80, 200, 0], Protocol::Other);
        check(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], Protocol::Stun);
        check(&[0, 1, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], Protocol::Stun);
        check(&[0, 0, 0, 0], Protocol::Other);
        check(b"\x10\0\0\x01ZRTP", Protocol::Zrtp);
        check(&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], Protocol::Dtls);
        check(&[0x40, 1, 0, 4, 1, 2, 3, 4], Protocol::TurnChannel);
        check(b"\r\n", Protocol::Other);
        check(b"", Protocol::Other);
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic_and_parts_never_exceed_it(bytes in prop::collection::vec(any::<u8>(), 0..96)) {
            let _kind = Protocol::of(&bytes);
            if let Some(p) = RtpPacket::parse(&bytes) {
                prop_assert!(p.header_len() + p.payload.len() <= bytes.len(), "parts exceed the datagram");
                let octets: usize = p.extension().map_or(0, |x| x.elements().map(|(_, d)| d.len()).sum());
                prop_assert!(octets <= bytes.len() && p.csrc().count() <= 15, "elements exceed the datagram");
            }
        }
    }
}
