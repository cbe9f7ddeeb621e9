//! The test call: a short call made of real packets, which goes through everything that a call on a wire goes through.
//!
//! INVITE, 200, ACK, six seconds of G.711 A-law in both directions, BYE, between two addresses that RFC 5737 sets aside for
//! examples, so that it can never be taken for a call of the site. The caller plays a rising scale, the called party the
//! same scale falling: whoever hears it knows that both legs are there, and which is which.

use std::f64::consts::TAU;
use std::net::Ipv4Addr;

use audio::codec::g711::encode_alaw;
use capture::Due;

use crate::made_call::{End, MadeCall};

const CALLER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CALLED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const RATE_HZ: u32 = 8_000;
/// Packets of sound a direction: six seconds.
const PACKETS: u16 = 300;
/// A scale of C major, in hertz, three quarters of a second each.
const SCALE: [f64; 8] = [523.25, 587.33, 659.26, 698.46, 783.99, 880.0, 987.77, 1046.5];

/// The number that calls, as it is seen in the list.
pub(crate) const CALLER_NUMBER: &str = "9001";
/// The number that is called.
pub(crate) const CALLED_NUMBER: &str = "9002";

/// Returns the Call-ID by which a test call is found.
pub(crate) fn call_id(tag: u32) -> String {
    format!("test-call-{tag}@amethyst")
}

/// Writes the packets of one test call. `tag` tells it from others: it goes into Call-ID, tags, ports and SSRCs.
pub(crate) fn packets(tag: u32) -> Vec<Due> {
    // Even ports from 20,000 up; two calls within the time that a port rests do not meet.
    let port = 20_000_u16.saturating_add(u16::try_from(tag % 10_000).unwrap_or(0).saturating_mul(4));
    let end = |name, number: &str, at, port| End { name, number: number.to_owned(), at, port };
    let call = MadeCall {
        caller: end("Test call", CALLER_NUMBER, CALLER, port),
        called: end("Amethyst", CALLED_NUMBER, CALLED, port.saturating_add(2)),
        call_id: call_id(tag),
        mark: tag,
        packets: PACKETS,
        ethernet: false,
    };
    call.packets(|sample, from_caller| encode_alaw(note(sample, from_caller)))
}

/// Returns the sound of one party at a sample: notes that swell and fade, so that nothing clicks.
fn note(sample: u32, rising: bool) -> i16 {
    let length = RATE_HZ * 3 / 4;
    let (step, within) = ((sample / length) as usize, sample % length);
    let place = if rising { step % SCALE.len() } else { SCALE.len() - 1 - step % SCALE.len() };
    let hz = SCALE.get(place).copied().unwrap_or(440.0) / if rising { 1.0 } else { 2.0 };
    let (t, all) = (f64::from(within) / f64::from(RATE_HZ), f64::from(within) / f64::from(length));
    let swell = (all * TAU / 2.0).sin();
    let value = 9_000.0 * swell * (t * hz * TAU).sin();
    #[allow(clippy::cast_possible_truncation, reason = "between -9000 and 9000")]
    let sample = value as i16;
    sample
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::made_call::PACKET;
    use shared::{Stamp, TapId};
    use std::time::Duration;
    use telephony::cmd::SegCmd;
    use telephony::engine::{Engine, EngineConfig};
    use telephony::net::LinkType;

    #[test]
    fn the_engine_hears_the_whole_call_in_both_directions() {
        let mut engine = Engine::new(EngineConfig::default());
        let mut due = packets(77);
        due.sort_by_key(|due| due.after);
        let mut samples = 0;
        let mut end = None;
        let at = |after: Duration| Stamp {
            mono_ns: 1 + u64::try_from(after.as_nanos()).unwrap(),
            utc: shared::UtcMicros(i64::try_from(after.as_micros()).unwrap()),
            ..Stamp::default()
        };
        for Due { after, bytes } in due {
            engine.handle_packet(at(after), TapId(0), LinkType::Raw, None, &bytes);
        }
        engine.finish(at(Duration::from_secs(20)));
        while let Some(cmd) = engine.poll_cmd() {
            match cmd {
                SegCmd::Append { chunks, .. } => {
                    samples += chunks.iter().flat_map(|c| &c.runs).map(|r| r.samples).sum::<u64>();
                }
                SegCmd::Close(close) => end = Some(close),
                SegCmd::Signalled { info, .. } => {
                    assert_eq!(
                        (info.caller.number.as_str(), info.called.number.as_str()),
                        (CALLER_NUMBER, CALLED_NUMBER)
                    );
                }
                SegCmd::Open { .. }
                | SegCmd::Tracks { .. }
                | SegCmd::Info { .. }
                | SegCmd::Note { .. }
                | SegCmd::Discard { .. } => {}
            }
        }
        let end = end.unwrap();
        assert_eq!((end.reason, end.end.to_string().as_str()), ("bye", "recorded"));
        assert_eq!(samples, u64::from(PACKETS) * u64::from(PACKET) * 2, "both legs, every sample");
    }
}
