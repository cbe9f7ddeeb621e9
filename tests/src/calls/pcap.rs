//! The same calls as a capture file: for machines where nobody may open a raw socket, and for tests without time.
//!
//! Messages and packets are those that the parties would have sent; Ethernet, IPv4 and UDP headers are made here, with
//! checksums. IPv6 and TCP are not: such calls are placed for real.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::{Answer, CallError, Fed, Placed, Plan, Side, Transport, rtp, sip};

/// Writes the calls of the plan as a capture (pcap, Ethernet, µs) that begins at `start_utc`, time since 1970.
///
/// Returns what [`super::place`] would: everything is heard in a file.
///
/// # Errors
/// A plan that is not IPv4 over UDP, or a file that can't be written.
pub fn to_pcap(plan: &Plan, file: &Path, start_utc: Duration) -> Result<Vec<Placed>, CallError> {
    plan.check()?;
    let (IpAddr::V4(_), Transport::Udp) = (plan.caller_ip, plan.transport) else {
        return Err(CallError::Plan(
            "a capture file is made of IPv4 and UDP only; place the calls for real".to_owned(),
        ));
    };
    let mut tape = Tape { start_utc, frames: Vec::new() };
    let mut placed = Vec::new();
    for (nth, call) in (0_u32..).zip(plan.numbers()) {
        placed.push(tape.record(plan, call, plan.start_gap * nth));
    }
    tape.write(file).map_err(|source| CallError::File { file: file.display().to_string(), source })?;
    Ok(placed)
}

struct Tape {
    start_utc: Duration,
    frames: Vec<(Duration, Vec<u8>)>,
}

impl Tape {
    fn record(&mut self, plan: &Plan, call: u32, start: Duration) -> Placed {
        let dialog = sip::Dialog::new(plan, call);
        let tag = format!("b{call}");
        let contact =
            format!("sip:{}@{}", plan.number(call, Side::Callee), plan.sip_addr(call, Side::Callee));
        let invite = dialog.invite(&sip::sdp(plan, call, Side::Caller));
        let answer = |status: &str, sdp: &str| sip::response(&invite, status, &tag, &contact, sdp);
        let ms = |n: u64| start + Duration::from_millis(n);

        self.say(plan, call, Side::Caller, ms(0), &invite);
        self.say(plan, call, Side::Callee, ms(1), &sip::response(&invite, "100 Trying", "", "", ""));
        self.say(plan, call, Side::Callee, ms(2), &answer("180 Ringing", ""));
        let after_ring = ms(3) + plan.ring;
        match plan.answer {
            Answer::Busy => {
                self.say(plan, call, Side::Callee, ms(3), &answer("486 Busy Here", ""));
                self.say(plan, call, Side::Caller, ms(4), &dialog.ack(&tag, false));
                return nothing_said(plan, call);
            }
            Answer::NoAnswer => {
                let cancel = dialog.cancel();
                self.say(plan, call, Side::Caller, after_ring, &cancel);
                self.say(
                    plan,
                    call,
                    Side::Callee,
                    after_ring,
                    &sip::response(&cancel, "200 OK", &tag, &contact, ""),
                );
                self.say(plan, call, Side::Callee, after_ring, &answer("487 Request Terminated", ""));
                self.say(plan, call, Side::Caller, after_ring, &dialog.ack(&tag, false));
                return nothing_said(plan, call);
            }
            Answer::Answered => {}
        }
        self.say(
            plan,
            call,
            Side::Callee,
            after_ring,
            &answer("200 OK", &sip::sdp(plan, call, Side::Callee)),
        );
        let talk = after_ring + Duration::from_millis(1);
        self.say(plan, call, Side::Caller, talk, &dialog.ack(&tag, true));
        let caller = self.speak(plan, call, Side::Caller, talk + Duration::from_micros(200));
        let callee = self.speak(plan, call, Side::Callee, talk + Duration::from_micros(700));
        let over = talk + Duration::from_millis(20) * (plan.packets() + 1);
        let bye = dialog.bye(&tag);
        self.say(plan, call, Side::Caller, over, &bye);
        self.say(
            plan,
            call,
            Side::Callee,
            over + Duration::from_micros(300),
            &sip::response(&bye, "200 OK", "", "", ""),
        );
        Placed {
            caller: Some(caller),
            callee: Some(callee),
            caller_heard: plan.packets_sent(Side::Callee),
            callee_heard: plan.packets_sent(Side::Caller),
            ..nothing_said(plan, call)
        }
    }

    fn say(&mut self, plan: &Plan, call: u32, from: Side, at: Duration, message: &str) {
        let to = if from == Side::Caller { Side::Callee } else { Side::Caller };
        self.frames.push((at, frame(plan.sip_addr(call, from), plan.sip_addr(call, to), message.as_bytes())));
    }

    fn speak(&mut self, plan: &Plan, call: u32, from: Side, at: Duration) -> Fed {
        let to = if from == Side::Caller { Side::Callee } else { Side::Caller };
        let fed = plan.fed(call, from);
        let seed = call * 2 + u32::from(from == Side::Callee);
        for packet in rtp::packets(&fed, plan.ssrc(call, from), seed) {
            let bytes = frame(plan.media_addr(call, from), plan.media_addr(call, to), &packet.bytes);
            self.frames.push((at + Duration::from_millis(20) * packet.at, bytes));
        }
        fed
    }

    fn write(mut self, file: &Path) -> std::io::Result<()> {
        self.frames.sort_by_key(|(at, _)| *at); // stable: messages of one moment stay in order
        let mut out = BufWriter::new(File::create(file)?);
        for word in [0xa1b2_c3d4_u32, 2 | 4 << 16, 0, 0, 65_535, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        for (at, bytes) in &self.frames {
            let at = self.start_utc + *at;
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let seconds = u32::try_from(at.as_secs()).unwrap_or(u32::MAX);
            for word in [seconds, at.subsec_micros(), length, length] {
                out.write_all(&word.to_le_bytes())?;
            }
            out.write_all(bytes)?;
        }
        out.flush()
    }
}

fn nothing_said(plan: &Plan, call: u32) -> Placed {
    Placed { call, call_id: plan.call_id(call), caller: None, callee: None, caller_heard: 0, callee_heard: 0 }
}

/// Ethernet, IPv4 and UDP around a payload.
fn frame(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(source), IpAddr::V4(target)) = (from.ip(), to.ip()) else {
        return Vec::new(); // refused before the first frame
    };
    let udp_length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
    let mut udp = Vec::with_capacity(8 + payload.len());
    for half in [from.port(), to.port(), udp_length, 0] {
        udp.extend(half.to_be_bytes());
    }
    udp.extend(payload);
    let pseudo = [&source.octets()[..], &target.octets(), &[0, 17], &udp_length.to_be_bytes(), &udp].concat();
    // A sum of zero is sent as ones: zero would say "not computed" (RFC 768).
    let sum = match checksum(&pseudo) {
        0 => 0xffff,
        sum => sum,
    };
    udp.splice(6..8, sum.to_be_bytes());

    let mut ip = vec![0x45, 0];
    ip.extend((20 + udp_length).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    ip.extend(source.octets());
    ip.extend(target.octets());
    let sum = checksum(&ip);
    ip.splice(10..12, sum.to_be_bytes());

    [&mac(target)[..], &mac(source), &[8, 0], &ip, &udp].concat()
}

/// A locally administered address that says whose it is.
fn mac(ip: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = ip.octets();
    [2, 0, a, b, c, d]
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let odd = rest.first().map_or(0, |&b| u32::from(b) << 8);
    let mut sum: u32 = pairs.iter().map(|&p| u32::from(u16::from_be_bytes(p))).sum::<u32>() + odd;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_assert_message, reason = "tests")]
    use super::*;

    #[test]
    fn checksums_of_a_frame_sum_to_ones() {
        let f = frame("10.0.0.1:5060".parse().unwrap(), "10.0.0.2:5062".parse().unwrap(), b"odd");
        assert_eq!(checksum(&f[14..34]), 0, "IP header");
        let pseudo = [&f[26..34], &[0, 17], &f[38..40], &f[34..]].concat();
        assert_eq!(checksum(&pseudo), 0, "UDP");
        assert_eq!(f.len(), 14 + 20 + 8 + 3);
    }

    #[test]
    fn what_is_not_ipv4_over_udp_is_refused() {
        let plan = Plan { transport: Transport::Tcp, ..Plan::default() };
        assert!(matches!(to_pcap(&plan, Path::new("/dev/null"), Duration::ZERO), Err(CallError::Plan(_))));
    }
}
