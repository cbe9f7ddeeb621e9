//! From payload to RTP packets: RFC 3550, with digits by RFC 4733 in place of audio, as telephones do.

use std::ops::Range;

use super::Codec;

const DIGIT_PAYLOAD_TYPE: u8 = 101;
/// Packets of 20 ms that a digit takes the place of.
const DIGIT_PACKETS: u32 = 6;
const FIRST_DIGIT_AT: u32 = 50;
const DIGIT_EVERY: u32 = 25;

/// What one party says: every byte, and which of it leaves as audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Codec of the payload.
    pub codec: Codec,
    /// Payload of all packets, one after the other, as though no digit had been dialled.
    pub payload: Vec<u8>,
    /// Digits dialled, in order.
    pub digits: String,
    /// Packets that leave as audio; what lies between was replaced by a digit.
    pub spoken: Vec<Range<u32>>,
}

impl Fed {
    /// The bytes that left as audio, joined: what a recording must hold, gaps left out.
    #[must_use]
    pub fn spoken_payload(&self) -> Vec<u8> {
        self.spoken.iter().flat_map(|r| self.of_packets(r.clone())).copied().collect()
    }

    /// Ranges of RTP clock ticks that left as audio.
    #[must_use]
    pub fn spoken_ticks(&self) -> Vec<Range<u64>> {
        let ticks = |packets: u32| u64::from(packets) * u64::from(self.codec.ticks_per_packet);
        self.spoken.iter().map(|r| ticks(r.start)..ticks(r.end)).collect()
    }

    /// Packets of 20 ms from first to last.
    #[must_use]
    pub fn packets(&self) -> u32 {
        u32::try_from(self.payload.len() / self.codec.bytes_per_packet).unwrap_or(u32::MAX)
    }

    fn of_packets(&self, r: Range<u32>) -> &[u8] {
        let byte = |packet: u32| {
            usize::try_from(packet).unwrap_or(usize::MAX).saturating_mul(self.codec.bytes_per_packet)
        };
        self.payload.get(byte(r.start)..byte(r.end)).unwrap_or_default()
    }
}

/// One RTP packet and its place in time.
#[derive(Debug)]
pub(super) struct Packet {
    /// Packets of 20 ms since the first.
    pub(super) at: u32,
    pub(super) bytes: Vec<u8>,
}

/// The RFC 4733 event of a digit.
pub(super) fn event_code(digit: char) -> Option<u8> {
    let at = "0123456789*#ABCD".find(digit)?;
    u8::try_from(at).ok()
}

/// How many packets of speech are needed to dial so many digits and speak a little afterwards.
pub(super) fn packets_for_digits(digits: usize) -> u32 {
    match u32::try_from(digits).unwrap_or(u32::MAX / DIGIT_EVERY / 2) {
        0 => 0,
        n => FIRST_DIGIT_AT + n * DIGIT_EVERY,
    }
}

pub(super) fn feed(codec: Codec, payload: Vec<u8>, digits: &str) -> Fed {
    let packets = u32::try_from(payload.len() / codec.bytes_per_packet).unwrap_or(u32::MAX);
    let mut spoken = Vec::new();
    let mut from = 0;
    for (at, _) in placed_digits(digits) {
        spoken.push(from..at);
        from = at + DIGIT_PACKETS;
    }
    spoken.push(from..packets);
    Fed { codec, payload, digits: digits.to_owned(), spoken }
}

/// All packets of a stream, in the order and at the times in which they leave.
pub(super) fn packets(fed: &Fed, ssrc: u32, seed: u32) -> Vec<Packet> {
    let mut stream = Stream {
        sequence: u16::try_from(seed.wrapping_mul(977) & 0xffff).unwrap_or(0),
        first_timestamp: seed.wrapping_mul(104_729),
        ssrc,
        ticks: fed.codec.ticks_per_packet,
        out: Vec::new(),
    };
    let mut digits = placed_digits(&fed.digits).peekable();
    for range in &fed.spoken {
        for at in range.clone() {
            stream.push(at, at, at == 0, fed.codec.payload_type, fed.of_packets(at..at + 1));
        }
        if let Some((at, code)) = digits.next_if(|(at, _)| *at == range.end) {
            stream.push_digit(at, code);
        }
    }
    stream.out
}

fn placed_digits(digits: &str) -> impl Iterator<Item = (u32, u8)> {
    let places = (0..).map(|n: u32| FIRST_DIGIT_AT + n * DIGIT_EVERY);
    places.zip(digits.chars().filter_map(event_code))
}

struct Stream {
    sequence: u16,
    first_timestamp: u32,
    ssrc: u32,
    ticks: u32,
    out: Vec<Packet>,
}

impl Stream {
    /// Adds a packet that leaves at `at` and carries the time of `stamped_at`.
    fn push(&mut self, at: u32, stamped_at: u32, marked: bool, payload_type: u8, payload: &[u8]) {
        let timestamp = self.first_timestamp.wrapping_add(stamped_at.wrapping_mul(self.ticks));
        let mut bytes = Vec::with_capacity(12 + payload.len());
        bytes.push(0x80);
        bytes.push(payload_type | if marked { 0x80 } else { 0 });
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.out.push(Packet { at, bytes });
    }

    /// A digit of 120 ms: an update with each packet time, then the end three times (RFC 4733, 2.5.1.4).
    fn push_digit(&mut self, at: u32, code: u8) {
        for nth in 0..DIGIT_PACKETS - 1 {
            self.push(at + nth, at, nth == 0, DIGIT_PAYLOAD_TYPE, &self.event(code, false, nth + 1));
        }
        for _ in 0..3 {
            self.push(
                at + DIGIT_PACKETS - 1,
                at,
                false,
                DIGIT_PAYLOAD_TYPE,
                &self.event(code, true, DIGIT_PACKETS),
            );
        }
    }

    fn event(&self, code: u8, end: bool, packets: u32) -> [u8; 4] {
        let duration = u16::try_from(packets * self.ticks).unwrap_or(u16::MAX).to_be_bytes();
        [code, if end { 0x80 | 10 } else { 10 }, duration[0], duration[1]]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_assert_message, reason = "tests")]
    use super::*;

    fn fed(packets: usize, digits: &str) -> Fed {
        let payload = (0..packets * 160).map(|i| u8::try_from(i % 251).unwrap()).collect();
        feed(Codec::PCMU, payload, digits)
    }

    #[test]
    fn without_digits_every_byte_leaves_as_audio() {
        let fed = fed(100, "");
        assert_eq!(fed.spoken_payload(), fed.payload);
        let sent: Vec<u8> = packets(&fed, 1, 7).iter().flat_map(|p| p.bytes[12..].to_vec()).collect();
        assert_eq!(sent, fed.payload);
    }

    #[test]
    fn a_digit_takes_the_place_of_six_packets_and_ends_three_times() {
        let fed = fed(100, "5");
        assert_eq!(fed.spoken, [0..50, 56..100]);
        assert_eq!(fed.spoken_payload().len(), 94 * 160);
        let all = packets(&fed, 1, 7);
        let digits: Vec<_> = all.iter().filter(|p| p.bytes[1] & 0x7f == 101).collect();
        assert_eq!(digits.len(), 8);
        assert!(
            digits.iter().all(|p| p.bytes[12] == 5 && p.bytes[4..8] == digits[0].bytes[4..8]),
            "one time for all"
        );
        assert_eq!(digits.iter().filter(|p| p.bytes[13] & 0x80 != 0).count(), 3);
        assert!(all.is_sorted_by_key(|p| p.at));
    }

    #[test]
    fn sequence_numbers_have_no_holes_and_wrap() {
        let all = packets(&fed(200, "19"), 1, 67);
        for pair in all.windows(2) {
            let seq = |p: &Packet| u16::from_be_bytes([p.bytes[2], p.bytes[3]]);
            assert_eq!(seq(&pair[1]), seq(&pair[0]).wrapping_add(1));
        }
    }
}
