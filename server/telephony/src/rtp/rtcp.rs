//! RTCP (RFC 3550, 6): what senders and receivers report of their streams, read from a compound packet.
//!
//! Sender reports tie RTP timestamps to a wall clock, so that legs can be aligned; receiver reports tell whether a packet
//! that we miss reached its receiver, so that our own loss is told from the network's. Reading is bounded by the datagram
//! and stops at the first packet that does not fit; extended reports and feedback are passed over by their length.

use shared::UtcMicros;

/// Seconds from 1900 (NTP) to 1970.
const NTP_TO_UNIX_S: i64 = 2_208_988_800;
/// Seconds of an NTP era: the count wraps in February 2036.
const NTP_ERA_S: i64 = 1 << 32;

/// A 64-bit NTP timestamp: seconds since 1900 modulo 2^32, and their fraction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Returns the instant, or `None` for 0, which means that the sender has no wall clock (RFC 3550, 6.4.1).
    ///
    /// Counts below 2^31 are taken to lie after February 2036 (RFC 4330, 3). Some senders put their uptime here; the
    /// caller should distrust what is far from the time of arrival.
    #[must_use]
    pub fn utc(self) -> Option<UtcMicros> {
        if self.0 == 0 {
            return None;
        }
        let [seconds, fraction] = [self.0 >> 32, self.0 & 0xffff_ffff];
        let era = if seconds < 1 << 31 { NTP_ERA_S } else { 0 };
        let seconds = i64::try_from(seconds).ok()?.checked_add(era)?.checked_sub(NTP_TO_UNIX_S)?;
        let micros = i64::try_from(fraction.checked_mul(1_000_000)? >> 32).ok()?;
        seconds.checked_mul(1_000_000)?.checked_add(micros).map(UtcMicros)
    }

    /// Returns the middle 32 bits, as receiver reports repeat them.
    #[must_use]
    pub const fn middle(self) -> u32 {
        let [_, _, a, b, c, d, _, _] = self.0.to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// What a receiver says of one stream (RFC 3550, 6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReportBlock {
    /// The stream reported on.
    pub ssrc: u32,
    /// Share lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative when duplicates outnumber losses.
    pub lost: i32,
    /// Highest sequence number received, its wraps in the upper half.
    pub highest_sequence: u32,
    /// Jitter in ticks.
    pub jitter_ticks: u32,
    /// Middle 32 bits of the last sender report, 0 if none came.
    pub last_report: u32,
    /// Time from that report to this one, in 65,536ths of a second.
    pub delay: u32,
}

/// One packet of a compound.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RtcpPacket<'a> {
    /// SR: what a sender sent so far, and which instant an RTP timestamp means.
    SenderReport {
        /// The sender.
        ssrc: u32,
        /// Its wall clock ...
        ntp: NtpTime,
        /// ... at this RTP timestamp.
        rtp_timestamp: u32,
        /// Packets sent.
        packets: u32,
        /// Payload octets sent.
        octets: u32,
        /// What it received from others.
        reports: Reports<'a>,
    },
    /// RR: what a participant received.
    ReceiverReport {
        /// Who reports.
        ssrc: u32,
        /// What it received.
        reports: Reports<'a>,
    },
    /// SDES: names of sources.
    SourceDescription(Chunks<'a>),
    /// BYE: sources leave.
    Bye {
        /// Who leaves, at most 31.
        ssrcs: Words<'a>,
        /// Why, as sent; empty if not said.
        reason: &'a [u8],
    },
    /// Anything else (APP, feedback, XR), passed over.
    Other {
        /// Packet type, 192 to 223.
        packet_type: u8,
    },
}

/// Reads the packets of a compound one by one.
#[must_use]
pub const fn packets(compound: &[u8]) -> Packets<'_> {
    Packets { rest: compound }
}

/// Walks over a compound packet; stops at its end or at the first octets that do not fit.
#[derive(Clone, Copy, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl Packets<'_> {
    /// Tells whether everything was read: false after a stop at octets that do not fit.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.rest.is_empty()
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (&[first, packet_type, w0, w1], _) = self.rest.split_first_chunk::<4>()?;
        if first >> 6 != 2 || !(192..=223).contains(&packet_type) {
            return None;
        }
        let len = usize::from(u16::from_be_bytes([w0, w1])).checked_add(1)?.checked_mul(4)?;
        let (packet, rest) = self.rest.split_at_checked(len)?;
        let body = without_padding(first, packet.get(4..)?);
        let parsed = parse(packet_type, first & 0x1f, body)?;
        self.rest = rest;
        Some(parsed)
    }
}

fn without_padding(first: u8, body: &[u8]) -> &[u8] {
    if first & 0x20 == 0 {
        return body;
    }
    let count = body.last().map_or(0, |last| usize::from(*last));
    body.len().checked_sub(count).and_then(|keep| body.get(..keep)).unwrap_or(body)
}

fn parse(packet_type: u8, count: u8, body: &[u8]) -> Option<RtcpPacket<'_>> {
    Some(match packet_type {
        200 => {
            let (ssrc, rest) = word(body)?;
            let (ntp_high, rest) = word(rest)?;
            let (ntp_low, rest) = word(rest)?;
            let (rtp_timestamp, rest) = word(rest)?;
            let (packets, rest) = word(rest)?;
            let (octets, rest) = word(rest)?;
            let ntp = NtpTime(u64::from(ntp_high) << 32 | u64::from(ntp_low));
            let reports = Reports { rest, left: count };
            RtcpPacket::SenderReport { ssrc, ntp, rtp_timestamp, packets, octets, reports }
        }
        201 => {
            let (ssrc, rest) = word(body)?;
            RtcpPacket::ReceiverReport { ssrc, reports: Reports { rest, left: count } }
        }
        202 => RtcpPacket::SourceDescription(Chunks { rest: body, left: count }),
        203 => {
            let (words, rest) = body.split_at_checked(usize::from(count).checked_mul(4)?)?;
            let reason = rest.split_first().and_then(|(len, text)| text.get(..usize::from(*len)));
            RtcpPacket::Bye { ssrcs: Words { rest: words }, reason: reason.unwrap_or_default() }
        }
        packet_type => RtcpPacket::Other { packet_type },
    })
}

fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk::<4>().map(|(word, rest)| (u32::from_be_bytes(*word), rest))
}

/// Walks over report blocks, at most 31.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reports<'a> {
    rest: &'a [u8],
    left: u8,
}

impl Iterator for Reports<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        self.left = self.left.checked_sub(1)?;
        let (block, rest) = self.rest.split_at_checked(24)?;
        self.rest = rest;
        let (ssrc, block) = word(block)?;
        let (loss, block) = word(block)?;
        let (highest_sequence, block) = word(block)?;
        let (jitter_ticks, block) = word(block)?;
        let (last_report, block) = word(block)?;
        let (delay, _) = word(block)?;
        let [fraction_lost, l0, l1, l2] = loss.to_be_bytes();
        let lost = i32::from_be_bytes([l0, l1, l2, 0]) >> 8; // 24 bits with a sign
        Some(ReportBlock { ssrc, fraction_lost, lost, highest_sequence, jitter_ticks, last_report, delay })
    }
}

/// Walks over the canonical names of a source description: (SSRC, CNAME), at most 31.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chunks<'a> {
    rest: &'a [u8],
    left: u8,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (u32, &'a [u8]);

    /// A chunk without a CNAME has an empty one.
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let chunk = self.rest;
        let (ssrc, mut items) = word(chunk)?;
        let mut name: &[u8] = &[];
        loop {
            match items {
                [0, ..] | [] => break,
                [kind, len, rest @ ..] => {
                    let (text, rest) = rest.split_at_checked(usize::from(*len))?;
                    if *kind == 1 {
                        name = text;
                    }
                    items = rest;
                }
                [_] => return None,
            }
        }
        // The list ends with at least one zero octet and fills its last word.
        let used = chunk.len().checked_sub(items.len())?;
        let next = used.checked_add(4)? & !3;
        self.rest = chunk.get(next..).unwrap_or_default();
        Some((ssrc, name))
    }
}

/// Walks over 32-bit words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Words<'a> {
    rest: &'a [u8],
}

impl Iterator for Words<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (first, rest) = word(self.rest)?;
        self.rest = rest;
        Some(first)
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
    use proptest::prelude::*;

    use super::*;

    fn words(head: [u8; 4], words: &[u32]) -> Vec<u8> {
        let mut bytes = head.to_vec();
        bytes[3] = u8::try_from(words.len()).unwrap();
        words.iter().for_each(|w| bytes.extend(w.to_be_bytes()));
        bytes
    }

    fn sender_report() -> Vec<u8> {
        let mut all = vec![7, 0xe9f2_7d4a, 0x8000_0000, 160_000, 1_000, 160_000];
        all.extend([9, 0x40ff_fffe, 0x0001_0005, 33, 44, 55]);
        words([0x81, 200, 0, 0], &all)
    }

    #[test]
    fn a_compound_is_read_packet_by_packet() {
        let mut compound = sender_report();
        compound.extend(words([0x80, 207, 0, 0], &[7, 1, 2, 3]));
        compound.extend(words([0x81, 202, 0, 0], &[7, 0x0103_6162, 0x6300_0000]));
        compound.extend(words([0xa2, 203, 0, 0], &[7, 8, 0x0362_7965, 4]));
        let mut all = packets(&compound);
        let Some(RtcpPacket::SenderReport { ssrc, ntp, rtp_timestamp, packets: sent, octets, mut reports }) =
            all.next()
        else {
            panic!("a sender report comes first")
        };
        assert_eq!((ssrc, rtp_timestamp, sent, octets), (7, 160_000, 1_000, 160_000));
        assert_eq!(ntp.middle(), 0x7d4a_8000);
        let block = reports.next().unwrap();
        assert_eq!((block.ssrc, block.fraction_lost, block.lost), (9, 0x40, -2));
        assert_eq!((block.highest_sequence, block.jitter_ticks), (0x1_0005, 33));
        assert_eq!((block.last_report, block.delay, reports.next()), (44, 55, None));
        assert_eq!(all.next(), Some(RtcpPacket::Other { packet_type: 207 }));
        let Some(RtcpPacket::SourceDescription(mut chunks)) = all.next() else { panic!("then names") };
        assert_eq!((chunks.next(), chunks.next()), (Some((7, &b"abc"[..])), None));
        let Some(RtcpPacket::Bye { ssrcs, reason }) = all.next() else { panic!("then good-bye") };
        assert_eq!((ssrcs.collect::<Vec<_>>(), reason), (vec![7, 8], &b"bye"[..]));
        assert!(all.next().is_none() && all.is_done(), "everything was read");
    }

    #[test]
    fn names_of_several_sources_are_found_behind_other_items() {
        let body = [0, 0, 0, 1, 2, 1, b'x', 1, 2, b'a', b'b', 0, 0, 0, 0, 2, 1, 3, b'c', b'd', b'e', 0, 0, 0];
        let found: Vec<_> = Chunks { rest: &body, left: 2 }.collect();
        assert_eq!(found, [(1, &b"ab"[..]), (2, &b"cde"[..])]);
        let torn = Chunks { rest: &[0, 0, 0, 1, 1, 200, b'x', 0], left: 2 };
        assert_eq!(torn.count(), 0);
    }

    #[test]
    fn reading_stops_at_what_does_not_fit() {
        let report = sender_report();
        for cut in 1..report.len() {
            let mut all = packets(&report[..cut]);
            assert!(all.next().is_none() && !all.is_done(), "cut at {cut}");
        }
        let mut followed = report;
        followed.extend([0x40, 200, 0, 0]);
        let mut all = packets(&followed);
        assert!(all.next().is_some() && all.next().is_none() && !all.is_done(), "version 1 follows");
    }

    #[test]
    fn ntp_times_of_both_eras() {
        let check = |ntp: u64, expected: Option<&str>| {
            assert_eq!(NtpTime(ntp).utc().map(|t| t.to_string()).as_deref(), expected, "{ntp:#x}");
        };
        check(2_208_988_800 << 32, Some("1970-01-01T00:00:00.000000Z"));
        check((2_208_988_800 + 1_700_000_000) << 32 | 0x8000_0000, Some("2023-11-14T22:13:20.500000Z"));
        check(u64::MAX, Some("2036-02-07T06:28:15.999999Z"));
        check(1, Some("2036-02-07T06:28:16.000000Z"));
        check(0, None);
    }

    proptest! {
        #[test]
        fn no_octets_make_it_panic_and_reading_ends(mut bytes in prop::collection::vec(any::<u8>(), 0..200), head: bool) {
            if let (true, Some(start)) = (head, bytes.first_chunk_mut::<4>()) {
                *start = [0x80 | start[0] & 0x3f, 200 + start[1] % 4, 0, start[3] % 50];
            }
            let mut count = 0;
            for packet in packets(&bytes) {
                count += 1;
                match packet {
                    RtcpPacket::SenderReport { reports, .. } | RtcpPacket::ReceiverReport { reports, .. } => {
                        prop_assert!(reports.count() <= 31, "too many");
                    }
                    RtcpPacket::SourceDescription(chunks) => prop_assert!(chunks.count() <= 31, "too many"),
                    RtcpPacket::Bye { ssrcs, .. } => prop_assert!(ssrcs.count() <= 31, "too many"),
                    RtcpPacket::Other { .. } => {}
                }
            }
            prop_assert!(count <= bytes.len() / 4, "every packet has a head");
        }
    }
}
