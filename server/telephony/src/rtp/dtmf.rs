//! Digits that travel as RTP telephone events (RFC 4733): many packets in, one digit out.
//!
//! A sender repeats an event while the key is down and sends its last packet three times, all with the timestamp of the
//! beginning; any of them may be lost, doubled or late. What must hold: each event gives exactly one [`Digit`], at its
//! first end packet, or when something later shows that it is over. One tracker serves one SSRC.

/// One digit as dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digit {
    /// `0`–`9`, `*`, `#`, `A`–`D`; `!` is a flash of the hook.
    pub digit: char,
    /// RTP timestamp of its beginning.
    pub timestamp: u32,
    /// How long it was held, in ticks of the RTP clock, as far as packets told.
    pub duration_ticks: u32,
    /// Level of the tone as -dBm0: 0 is loud, 63 is faint.
    pub volume: u8,
    /// False when no end packet came and the end was inferred.
    pub end_seen: bool,
}

/// Digits remembered after they were given out, so that late repetitions are known again.
const REMEMBERED: usize = 4;
/// Where no end packet comes, an event counts as over this many ticks after the last sign of it (0.5 s at 8 kHz).
const GRACE_TICKS: u32 = 4_000;

/// Tells whether a payload of a dynamic type that nobody announced is a digit: four octets, an event that is a digit or a
/// flash, the reserved bit clear. Ask this beside running audio of another type only.
#[must_use]
pub const fn looks_like_event(payload_type: u8, payload: &[u8]) -> bool {
    payload_type >= 96 && matches!(payload, [0..=16, flags, _, _] if *flags & 0x40 == 0)
}

/// Returns how long an event has lasted by the word of this payload, in ticks of the RTP clock.
#[must_use]
pub fn duration_ticks(payload: &[u8]) -> u16 {
    payload.first_chunk::<4>().map_or(0, |&[_, _, d0, d1]| u16::from_be_bytes([d0, d1]))
}

/// Returns the payload types inside a packet of redundant data (RFC 2198, 3), the primary one last.
///
/// Stops at the first octets that do not fit.
pub fn redundant_types(payload: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        let first = *rest.first()?;
        let head = if first & 0x80 == 0 { rest.len() } else { 4 };
        rest = rest.get(head..)?;
        Some(first & 0x7f)
    })
}

/// An event under way.
#[derive(Clone, Copy, Debug)]
struct Open {
    event: u8,
    timestamp: u32,
    /// Timestamp of the segment under way; events longer than 65,535 ticks are sent in segments (RFC 4733, 2.5.1.3).
    segment_timestamp: u32,
    segment_ticks: u16,
    volume: u8,
}

/// Follows the telephone events of one SSRC.
#[derive(Clone, Debug, Default)]
pub struct DtmfTracker {
    open: Option<Open>,
    /// Timestamp and event of digits given out, newest first.
    done: [Option<(u32, u8)>; REMEMBERED],
}

impl DtmfTracker {
    /// Takes the payload of one telephone-event packet and returns a digit that is now complete.
    ///
    /// If an event begins while another is open, the other is returned; the new one is returned later. Events that are no
    /// digits (fax tones and the like) and payloads shorter than four octets are passed over.
    pub fn handle(&mut self, timestamp: u32, marker: bool, payload: &[u8]) -> Option<Digit> {
        let &[event, flags, d0, d1] = payload.first_chunk::<4>()?;
        let ticks = u16::from_be_bytes([d0, d1]);
        if digit_of(event).is_none() || self.was_given(timestamp, event) {
            return None;
        }
        let overtaken = match self.open.as_mut() {
            Some(open) if open.event == event && open.segment_timestamp == timestamp => {
                open.segment_ticks = open.segment_ticks.max(ticks);
                None
            }
            Some(open) if open.is_continued_at(timestamp, event, marker) => {
                open.segment_timestamp = timestamp;
                open.segment_ticks = ticks;
                None
            }
            Some(open) if open.is_behind(timestamp, event) => return None,
            Some(_) | None => {
                let overtaken = self.give(false);
                let volume = flags & 0x3f;
                self.open = Some(Open {
                    event,
                    timestamp,
                    segment_timestamp: timestamp,
                    segment_ticks: ticks,
                    volume,
                });
                overtaken
            }
        };
        let ends = flags & 0x80 != 0;
        match overtaken {
            // A packet gives at most one digit; this event's end is repeated and will be met again, or time ends it.
            Some(digit) => Some(digit),
            None if ends => self.give(true),
            None => None,
        }
    }

    /// Tells that the RTP clock of this SSRC has reached `timestamp`; returns an open digit whose end must be past.
    ///
    /// Meant for every audio packet: costs one comparison while no event is open.
    #[inline]
    pub fn expire(&mut self, timestamp: u32) -> Option<Digit> {
        let open = self.open.as_ref()?;
        let silent = timestamp.wrapping_sub(open.end());
        (GRACE_TICKS..1 << 31).contains(&silent).then(|| self.give(false)).flatten()
    }

    /// Returns an open digit at once: the leg is over, or nothing came for so long that no end can follow.
    pub fn flush(&mut self) -> Option<Digit> {
        self.give(false)
    }

    /// Tells whether a digit is under way; then [`Self::flush`] should follow when nothing comes for half a second.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn was_given(&self, timestamp: u32, event: u8) -> bool {
        self.done.contains(&Some((timestamp, event)))
    }

    fn give(&mut self, end_seen: bool) -> Option<Digit> {
        let open = self.open.take()?;
        self.done.rotate_right(1);
        if let Some(newest) = self.done.first_mut() {
            // The end packets of a long event carry the timestamp of its last segment.
            *newest = Some((open.segment_timestamp, open.event));
        }
        Some(Digit {
            digit: digit_of(open.event)?,
            timestamp: open.timestamp,
            duration_ticks: open.end().wrapping_sub(open.timestamp),
            volume: open.volume,
            end_seen,
        })
    }
}

impl Open {
    fn end(&self) -> u32 {
        self.segment_timestamp.wrapping_add(u32::from(self.segment_ticks))
    }

    /// The next segment begins where the full one ended and never has the marker bit.
    fn is_continued_at(&self, timestamp: u32, event: u8, marker: bool) -> bool {
        !marker && event == self.event && timestamp.wrapping_sub(self.segment_timestamp) == 0xffff
    }

    /// A late packet of an earlier segment of the same event.
    fn is_behind(&self, timestamp: u32, event: u8) -> bool {
        let back = self.segment_timestamp.wrapping_sub(timestamp);
        event == self.event && back <= self.segment_timestamp.wrapping_sub(self.timestamp)
    }
}

fn digit_of(event: u8) -> Option<char> {
    Some(match event {
        0..=9 => char::from(b'0'.wrapping_add(event)),
        10 => '*',
        11 => '#',
        12..=15 => char::from(b'A'.wrapping_add(event.wrapping_sub(12))),
        16 => '!',
        _ => return None,
    })
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

    /// Feeds (timestamp, marker, event, end, ticks) and returns what came out, `~` before a digit whose end was inferred.
    fn check(packets: &[(u32, bool, u8, bool, u16)], expected: &str) {
        let mut tracker = DtmfTracker::default();
        let mut found: Vec<Digit> = packets
            .iter()
            .filter_map(|&(ts, marker, event, end, ticks)| {
                let [d0, d1] = ticks.to_be_bytes();
                tracker.handle(ts, marker, &[event, u8::from(end) << 7 | 10, d0, d1])
            })
            .collect();
        found.extend(tracker.flush());
        let text: Vec<String> = found
            .iter()
            .map(|d| format!("{}{}:{}", if d.end_seen { "" } else { "~" }, d.digit, d.duration_ticks))
            .collect();
        assert_eq!(text.join(" "), expected);
    }

    #[test]
    fn an_event_sent_many_times_is_one_digit() {
        let one = [
            (800, true, 5, false, 160),
            (800, false, 5, false, 320),
            (800, false, 5, true, 480),
            (800, false, 5, true, 480),
            (800, false, 5, true, 480),
        ];
        check(&one, "5:480");
        check(&one[4..], "5:480");
        check(&one[..2], "~5:320");
        check(&[one[0], one[2], one[1], one[1]], "5:480");
    }

    #[test]
    fn equal_digits_in_a_row_are_two() {
        check(&[(0, true, 1, true, 400), (0, false, 1, true, 400), (900, true, 1, true, 300)], "1:400 1:300");
        check(
            &[(0, true, 1, false, 400), (900, false, 1, false, 160), (900, false, 1, true, 320)],
            "~1:400 1:320",
        );
    }

    #[test]
    fn a_digit_whose_end_is_lost_is_given_when_the_next_begins() {
        check(
            &[(0, true, 1, false, 400), (900, true, 2, true, 300), (900, true, 2, true, 300)],
            "~1:400 2:300",
        );
        check(&[(0, true, 1, false, 400), (900, true, 2, true, 300)], "~1:400 ~2:300");
    }

    #[test]
    fn all_sixteen_digits_and_the_flash_have_a_sign() {
        let all: String = (0..=16).filter_map(digit_of).collect();
        assert_eq!(all, "0123456789*#ABCD!");
        check(&[(0, true, 17, true, 400), (0, true, 255, true, 400)], "");
    }

    #[test]
    fn a_long_event_in_segments_is_one_digit() {
        let second = 1_000 + 0xffff;
        check(
            &[
                (1_000, true, 9, false, 65_000),
                (1_000, false, 9, false, 0xffff),
                (second, false, 9, false, 160),
                (1_000, false, 9, false, 0xffff),
                (second, false, 9, true, 4_465),
                (second, false, 9, true, 4_465),
            ],
            "9:70000",
        );
    }

    #[test]
    fn the_clock_ends_a_digit_once() {
        let mut tracker = DtmfTracker::default();
        assert_eq!(tracker.handle(u32::MAX - 99, true, &[3, 10, 1, 0]), None);
        assert_eq!(tracker.expire(200), None);
        assert!(tracker.is_open(), "audio beside an event does not end it");
        assert_eq!(tracker.expire(u32::MAX - 500), None, "late audio");
        let digit = tracker.expire(4_200).unwrap();
        assert_eq!((digit.digit, digit.duration_ticks, digit.end_seen, digit.volume), ('3', 256, false, 10));
        assert_eq!(tracker.handle(u32::MAX - 99, false, &[3, 0x80, 1, 0]), None, "a late end is known");
        assert_eq!((tracker.expire(9_000), tracker.flush()), (None, None));
    }

    #[test]
    fn what_is_too_short_is_passed_over() {
        assert_eq!(DtmfTracker::default().handle(0, true, &[1, 0x80, 0]), None);
        assert!(
            DtmfTracker::default().handle(0, true, &[1, 0x80, 0, 9, 7, 7]).is_some(),
            "longer is tolerated"
        );
    }

    #[test]
    fn redundant_data_tell_what_is_inside() {
        let check = |payload: &[u8], types: &[u8]| {
            assert_eq!(redundant_types(payload).collect::<Vec<_>>(), types, "{payload:?}");
        };
        check(&[0xe5, 0, 0, 4, 0xe5, 0, 0, 4, 101, 5, 10, 0, 160], &[101, 101, 101]);
        check(&[0x80, 0x01, 0x40, 0xa0, 101, 5, 10, 0, 160], &[0, 101]);
        check(&[0], &[0]);
        check(&[0xe5, 0, 0], &[]);
        check(&[], &[]);
    }

    proptest! {
        /// Every packet may be lost but one of each event's, and any may be doubled: the dialled digits come out.
        #[test]
        fn loss_and_doubling_change_no_digit(dialled in prop::collection::vec(0u8..16, 1..12), dice: [u64; 12]) {
            let mut tracker = DtmfTracker::default();
            let mut found = String::new();
            for (n, (event, dice)) in dialled.iter().zip(dice).enumerate() {
                let timestamp = u32::try_from(n).unwrap() * 2_000;
                for k in 0..8u16 {
                    let times = if k == 3 { 1 } else { dice >> (k * 2) & 3 };
                    for _ in 0..times {
                        let [d0, d1] = (k.min(5) * 160).to_be_bytes();
                        let flags = if k >= 5 { 0x80 } else { 0 };
                        found.extend(tracker.handle(timestamp, k == 0, &[*event, flags, d0, d1]).map(|d| d.digit));
                    }
                }
            }
            found.extend(tracker.flush().map(|d| d.digit));
            let expected: String = dialled.iter().filter_map(|e| digit_of(*e)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_octets_make_it_panic(packets in prop::collection::vec((any::<u32>(), any::<bool>(), any::<[u8; 5]>()), 0..40)) {
            let mut tracker = DtmfTracker::default();
            for (timestamp, marker, payload) in packets {
                let _digit = tracker.handle(timestamp, marker, &payload);
                let _digit = tracker.expire(timestamp.wrapping_mul(7));
            }
        }
    }
}
