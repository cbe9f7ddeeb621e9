//! The test call: a short call made of real packets, which goes through everything that a call on a wire goes through.
//!
//! INVITE, 200, ACK, six seconds of G.711 A-law in both directions, BYE, between two addresses that RFC 5737 sets aside for
//! examples, so that it can never be taken for a call of the site. The caller plays a rising scale, the called party the
//! same scale falling: whoever hears it knows that both legs are there, and which is which.

use std::f64::consts::TAU;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use audio::codec::g711::encode_alaw;
use capture::Due;

const CALLER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const CALLED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const SIP: u16 = 5060;
const RATE_HZ: u32 = 8_000;
/// Samples in a packet of 20 ms.
const PACKET: u32 = 160;
/// Packets of sound a direction: six seconds.
const PACKETS: u16 = 300;
/// When the first packet of sound comes.
const SOUND_AT: Duration = Duration::from_millis(200);
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
    let script = Script { tag, near_port: port, far_port: port.saturating_add(2) };
    let ms = Duration::from_millis;
    let end = SOUND_AT + ms(20) * u32::from(PACKETS);
    let mut out = vec![
        script.sip(ms(0), true, &script.invite()),
        script.sip(ms(40), false, &script.answer("180 Ringing", 1, "INVITE", "")),
        script.sip(ms(120), false, &script.answer("200 OK", 1, "INVITE", &sdp(CALLED, script.far_port))),
        script.sip(ms(140), true, &script.request("ACK", 1, "")),
        script.sip(end + ms(60), true, &script.request("BYE", 2, "")),
        script.sip(end + ms(80), false, &script.answer("200 OK", 2, "BYE", "")),
    ];
    for number in 0..PACKETS {
        let after = SOUND_AT + ms(20) * u32::from(number);
        out.push(script.sound(after, true, number));
        out.push(script.sound(after, false, number));
    }
    out
}

struct Script {
    tag: u32,
    near_port: u16,
    far_port: u16,
}

impl Script {
    fn invite(&self) -> String {
        self.request("INVITE", 1, &sdp(CALLER, self.near_port))
    }

    fn request(&self, method: &str, cseq: u32, body: &str) -> String {
        let to_tag = if method == "INVITE" { String::new() } else { format!(";tag=far{}", self.tag) };
        let start = format!("{method} sip:{CALLED_NUMBER}@{CALLED} SIP/2.0");
        self.message(&start, &to_tag, cseq, method, body)
    }

    fn answer(&self, status: &str, cseq: u32, method: &str, body: &str) -> String {
        self.message(&format!("SIP/2.0 {status}"), &format!(";tag=far{}", self.tag), cseq, method, body)
    }

    fn message(&self, start: &str, to_tag: &str, cseq: u32, method: &str, body: &str) -> String {
        let Self { tag, .. } = self;
        let mut text = format!(
            "{start}\r\n\
             Via: SIP/2.0/UDP {CALLER}:{SIP};branch=z9hG4bK{tag}-{cseq}\r\n\
             From: \"Test call\" <sip:{CALLER_NUMBER}@{CALLER}>;tag=near{tag}\r\n\
             To: \"Amethyst\" <sip:{CALLED_NUMBER}@{CALLED}>{to_tag}\r\n\
             Call-ID: {}\r\n\
             CSeq: {cseq} {method}\r\n\
             Contact: <sip:{CALLER_NUMBER}@{CALLER}>\r\n",
            call_id(*tag),
        );
        if !body.is_empty() {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text
    }

    fn sip(&self, after: Duration, from_caller: bool, text: &str) -> Due {
        let (src, dst) = if from_caller { (CALLER, CALLED) } else { (CALLED, CALLER) };
        Due { after, bytes: udp(src, SIP, dst, SIP, text.as_bytes()) }
    }

    /// One packet of sound, RFC 3550.
    fn sound(&self, after: Duration, from_caller: bool, number: u16) -> Due {
        let first = u32::from(number).wrapping_mul(PACKET);
        let ssrc = self.tag.wrapping_mul(2).wrapping_add(u32::from(from_caller));
        let mut rtp = vec![0x80, 8];
        rtp.extend(number.to_be_bytes());
        rtp.extend(first.to_be_bytes());
        rtp.extend(ssrc.to_be_bytes());
        rtp.extend((0..PACKET).map(|n| encode_alaw(note(first.wrapping_add(n), from_caller))));
        let bytes = if from_caller {
            udp(CALLER, self.near_port, CALLED, self.far_port, &rtp)
        } else {
            udp(CALLED, self.far_port, CALLER, self.near_port, &rtp)
        };
        Due { after, bytes }
    }
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

fn sdp(address: Ipv4Addr, port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
         a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Wraps a payload into UDP (RFC 768, without a checksum) and IPv4 (RFC 791).
fn udp(src: Ipv4Addr, src_port: u16, dst: Ipv4Addr, dst_port: u16, payload: &[u8]) -> Vec<u8> {
    let udp_len = u16::try_from(payload.len().saturating_add(8)).unwrap_or(u16::MAX);
    let ip_len = udp_len.saturating_add(20);
    let mut ip = vec![0x45, 0];
    ip.extend(ip_len.to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]); // no fragment, 64 hops, UDP, checksum to come
    ip.extend(src.octets());
    ip.extend(dst.octets());
    let sum = checksum(&ip);
    if let Some(field) = ip.get_mut(10..12) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    for number in [src_port, dst_port, udp_len, 0] {
        ip.extend(number.to_be_bytes());
    }
    ip.extend_from_slice(payload);
    ip
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.as_chunks::<2>().0.iter().map(|pair| u32::from(u16::from_be_bytes(*pair)));
    let sum = words.fold(0_u32, u32::wrapping_add);
    let folded = (sum & 0xffff).wrapping_add(sum >> 16);
    !u16::try_from((folded & 0xffff).wrapping_add(folded >> 16)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use shared::{Stamp, TapId};
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

    #[test]
    fn the_header_checksum_is_the_one_of_rfc_1071() {
        let packet = udp(CALLER, 1, CALLED, 2, b"x");
        assert_eq!(checksum(&packet[..20]), 0, "a header with its own checksum sums to zero");
    }
}
