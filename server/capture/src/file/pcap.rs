//! The classic pcap format: micro- or nanoseconds, either byte order, and Kuznetzov's variant with longer record heads.

use telephony::net::{LinkType, UnsupportedLink};

use super::input::Input;
use super::record::{Found, Next, PACKET_OCTETS_MAX, RESYNC_OCTETS, u32_at};

/// Octets of the file's header.
pub(super) const HEADER_OCTETS: usize = 24;
/// A record may be this far in time from the last good one when it's found again after a damage.
const RESYNC_NS: i64 = 86_400 * 1_000_000_000;

/// A pcap file after its header.
#[derive(Debug)]
pub(super) struct Pcap {
    big_endian: bool,
    /// What the fraction of a time stamp is multiplied by, and what it stays below.
    fraction_ns: u32,
    fraction_end: u32,
    record_head: usize,
    link: LinkType,
    last_ns: i64,
}

impl Pcap {
    /// Reads a file header; `None` when it's another format.
    pub(super) fn open(header: &[u8]) -> Option<Result<Self, UnsupportedLink>> {
        let (big_endian, nanos, record_head) = match header.first_chunk::<4>()? {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false, 16),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, 16),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true, 16),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true, 16),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, false, 24),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, false, 24),
            _ => return None,
        };
        // The upper bits say how long a frame check sequence is; it lies behind the packet and is never looked at.
        let dlt = u32_at(header, 20, big_endian)? & 0xffff;
        let link = match LinkType::from_dlt(dlt) {
            Ok(link) => link,
            Err(unsupported) => return Some(Err(unsupported)),
        };
        let (fraction_ns, fraction_end) = if nanos { (1, 1_000_000_000) } else { (1_000, 1_000_000) };
        Some(Ok(Self { big_endian, fraction_ns, fraction_end, record_head, link, last_ns: i64::MIN }))
    }

    pub(super) const fn link(&self) -> LinkType {
        self.link
    }

    /// Looks at the record at the head of the window.
    #[inline]
    pub(super) fn find(&mut self, input: &mut Input) -> std::io::Result<Found> {
        let mut seen = input.want(self.record_head)?;
        if seen.len() < self.record_head {
            return Ok(if seen.is_empty() { Found::End } else { Found::Torn });
        }
        let Some(next) = self.head(seen) else { return Ok(Found::Damage(why(seen))) };
        if seen.len() < next.take {
            seen = input.want(next.take)?;
            if seen.len() < next.take {
                return Ok(Found::Torn);
            }
        }
        self.last_ns = next.utc_ns;
        Ok(Found::Packet(next))
    }

    /// Reads the record that `bytes` begin with if they hold all of it: its head, its packet and what comes after it.
    #[inline(always)]
    pub(super) fn whole<'a>(&self, bytes: &'a [u8]) -> Option<(Next, &'a [u8], &'a [u8])> {
        let next = self.head(bytes)?;
        let (record, after) = bytes.split_at_checked(next.take)?;
        Some((next, record.get(next.skip..)?, after))
    }

    /// Notes that a record is dealt with.
    #[inline]
    pub(super) fn passed(&mut self, next: &Next) {
        self.last_ns = next.utc_ns;
    }

    /// Reads a record's head, if that is what stands there.
    #[inline(always)]
    fn head(&self, bytes: &[u8]) -> Option<Next> {
        let head = bytes.first_chunk::<16>()?;
        let [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, o0, o1, o2, o3] = *head;
        let number =
            |octets| if self.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) };
        let (seconds, fraction) = (number([s0, s1, s2, s3]), number([f0, f1, f2, f3]));
        let (captured, orig_len) = (number([c0, c1, c2, c3]), number([o0, o1, o2, o3]));
        let len = captured as usize;
        let sane = len <= PACKET_OCTETS_MAX && fraction < self.fraction_end;
        if !sane || (seconds | captured | orig_len) == 0 {
            return None;
        }
        let ns = u64::from(seconds)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(u64::from(fraction).wrapping_mul(u64::from(self.fraction_ns)));
        Some(Next {
            skip: self.record_head,
            len,
            take: self.record_head.wrapping_add(len),
            utc_ns: ns.cast_signed(), // below 2^62: 32 bits of seconds
            orig_len: orig_len.max(captured),
            link: self.link,
            outgoing: false,
            lost_before: 0,
        })
    }

    /// Looks for the next place where two records stand one after the other; returns how far it is.
    pub(super) fn resync(&self, input: &mut Input) -> std::io::Result<Option<usize>> {
        let seen = input.want(RESYNC_OCTETS)?;
        Ok((1..seen.len().saturating_sub(self.record_head)).find(|at| self.stands_at(seen, *at)))
    }

    fn stands_at(&self, seen: &[u8], at: usize) -> bool {
        let likely = |bytes: &[u8]| {
            self.head(bytes).filter(|next| {
                next.len > 0
                    && next.orig_len as usize <= PACKET_OCTETS_MAX
                    && (self.last_ns == i64::MIN
                        || next.utc_ns.abs_diff(self.last_ns) < RESYNC_NS.unsigned_abs())
            })
        };
        let Some(bytes) = seen.get(at..) else { return false };
        let Some(first) = likely(bytes) else { return false };
        match bytes.get(first.take..) {
            Some([]) => true,
            Some(after) => likely(after)
                .is_some_and(|second| second.utc_ns.abs_diff(first.utc_ns) < RESYNC_NS.unsigned_abs()),
            None => false,
        }
    }
}

fn why(head: &[u8]) -> &'static str {
    if head.iter().take(16).all(|octet| *octet == 0) {
        "zeros where a packet should begin"
    } else {
        "a packet of impossible length or time"
    }
}
