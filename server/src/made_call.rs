//! Calls made here: packets as two telephones would send them, for the test call and for canaries.
//!
//! INVITE, 180, 200, ACK, G.711 A-law in both directions, BYE. Who speaks, where, and what is heard is the caller's to say.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use capture::Due;

/// Where both speak SIP.
const SIP: u16 = 5060;
/// Samples in a packet of 20 ms, and octets: it is G.711.
pub(crate) const PACKET: u32 = 160;
/// When the first packet of sound comes.
const SOUND_AT: Duration = Duration::from_millis(200);
/// The head of an Ethernet frame that holds IPv4: two addresses that somebody gave out himself.
const ETHERNET: [u8; 14] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];

/// One end of a call.
#[derive(Debug, Clone)]
pub(crate) struct End {
    /// Its name, as it is shown.
    pub(crate) name: &'static str,
    /// Its number.
    pub(crate) number: String,
    /// Its address.
    pub(crate) at: Ipv4Addr,
    /// Where it receives sound; even.
    pub(crate) port: u16,
}

/// A call to be.
#[derive(Debug, Clone)]
pub(crate) struct MadeCall {
    /// Who calls.
    pub(crate) caller: End,
    /// Who is called.
    pub(crate) called: End,
    /// Its Call-ID.
    pub(crate) call_id: String,
    /// Tells its tags, branches and SSRCs from those of others.
    pub(crate) mark: u32,
    /// Packets of sound each way.
    pub(crate) packets: u16,
    /// Frames begin with an Ethernet header, and not with that of IPv4.
    pub(crate) ethernet: bool,
}

impl MadeCall {
    /// Writes its packets, each with its time; not in their order. `sound` gives the octet of a sample, from the caller or to him.
    pub(crate) fn packets(&self, sound: impl Fn(u32, bool) -> u8) -> Vec<Due> {
        let ms = Duration::from_millis;
        let end = SOUND_AT + ms(20) * u32::from(self.packets);
        let mut out = vec![
            self.sip(ms(0), true, &self.request("INVITE", 1, &sdp(&self.caller))),
            self.sip(ms(40), false, &self.answer("180 Ringing", 1, "INVITE", "")),
            self.sip(ms(120), false, &self.answer("200 OK", 1, "INVITE", &sdp(&self.called))),
            self.sip(ms(140), true, &self.request("ACK", 1, "")),
            self.sip(end + ms(60), true, &self.request("BYE", 2, "")),
            self.sip(end + ms(80), false, &self.answer("200 OK", 2, "BYE", "")),
        ];
        for number in 0..self.packets {
            let after = SOUND_AT + ms(20) * u32::from(number);
            out.push(self.sound(after, true, number, &sound));
            out.push(self.sound(after, false, number, &sound));
        }
        out
    }

    fn request(&self, method: &str, cseq: u32, body: &str) -> String {
        let to_tag = if method == "INVITE" { String::new() } else { format!(";tag=far{}", self.mark) };
        let start = format!("{method} sip:{}@{} SIP/2.0", self.called.number, self.called.at);
        self.message(&start, &to_tag, cseq, method, body)
    }

    fn answer(&self, status: &str, cseq: u32, method: &str, body: &str) -> String {
        self.message(&format!("SIP/2.0 {status}"), &format!(";tag=far{}", self.mark), cseq, method, body)
    }

    fn message(&self, start: &str, to_tag: &str, cseq: u32, method: &str, body: &str) -> String {
        let Self { caller, called, call_id, mark, .. } = self;
        let (here, there) = (caller.at, called.at);
        let mut text = format!(
            "{start}\r\n\
             Via: SIP/2.0/UDP {here}:{SIP};branch=z9hG4bK{mark}-{cseq}\r\n\
             From: \"{}\" <sip:{}@{here}>;tag=near{mark}\r\n\
             To: \"{}\" <sip:{}@{there}>{to_tag}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\n\
             Contact: <sip:{}@{here}>\r\n",
            caller.name, caller.number, called.name, called.number, caller.number,
        );
        if !body.is_empty() {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        // Writing to a String cannot fail.
        let _always_ok = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text
    }

    fn sip(&self, after: Duration, from_caller: bool, text: &str) -> Due {
        let at = |end: &End| (end.at, SIP);
        self.frame(after, from_caller, at, text.as_bytes())
    }

    /// One packet of sound, RFC 3550.
    fn sound(&self, after: Duration, from_caller: bool, number: u16, sound: &dyn Fn(u32, bool) -> u8) -> Due {
        let first = u32::from(number).wrapping_mul(PACKET);
        let ssrc = self.mark.wrapping_mul(2).wrapping_add(u32::from(from_caller));
        let mut rtp = vec![0x80, 8];
        rtp.extend(number.to_be_bytes());
        rtp.extend(first.to_be_bytes());
        rtp.extend(ssrc.to_be_bytes());
        rtp.extend((0..PACKET).map(|n| sound(first.wrapping_add(n), from_caller)));
        self.frame(after, from_caller, |end| (end.at, end.port), &rtp)
    }

    fn frame(
        &self,
        after: Duration,
        from_caller: bool,
        at: impl Fn(&End) -> (Ipv4Addr, u16),
        payload: &[u8],
    ) -> Due {
        let (near, far) = (at(&self.caller), at(&self.called));
        let packet = if from_caller { udp(near, far, payload) } else { udp(far, near, payload) };
        let bytes = if self.ethernet { [&ETHERNET[..], &packet].concat() } else { packet };
        Due { after, bytes }
    }
}

fn sdp(end: &End) -> String {
    let End { at, port, .. } = end;
    format!(
        "v=0\r\no=- 1 1 IN IP4 {at}\r\ns=-\r\nc=IN IP4 {at}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\n\
         a=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

/// Wraps a payload into UDP (RFC 768, without a checksum) and IPv4 (RFC 791).
fn udp(src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let udp_len = u16::try_from(payload.len().saturating_add(8)).unwrap_or(u16::MAX);
    let ip_len = udp_len.saturating_add(20);
    let mut ip = vec![0x45, 0];
    ip.extend(ip_len.to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]); // no fragment, 64 hops, UDP, checksum to come
    ip.extend(src.0.octets());
    ip.extend(dst.0.octets());
    let sum = checksum(&ip);
    if let Some(field) = ip.get_mut(10..12) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    for number in [src.1, dst.1, udp_len, 0] {
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
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_header_checksum_is_the_one_of_rfc_1071() {
        let packet = udp((Ipv4Addr::new(192, 0, 2, 1), 1), (Ipv4Addr::new(192, 0, 2, 2), 1), b"x");
        assert_eq!(checksum(&packet[..20]), 0, "a header with its own checksum sums to zero");
    }
}
