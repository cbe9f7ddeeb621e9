//! What the telephones say: SIP requests and responses as text (RFC 3261), with SDP (RFC 4566, RFC 3264).

use std::net::{IpAddr, SocketAddr};

use super::{Plan, Side, Transport};

/// One dialog as its caller sees it.
pub(super) struct Dialog {
    transport: Transport,
    call: u32,
    call_id: String,
    run: u32,
    caller: SocketAddr,
    callee: SocketAddr,
    caller_number: String,
    callee_number: String,
}

impl Dialog {
    pub(super) fn new(plan: &Plan, call: u32) -> Self {
        Self {
            transport: plan.transport,
            call,
            call_id: plan.call_id(call),
            run: plan.run,
            caller: plan.sip_addr(call, Side::Caller),
            callee: plan.sip_addr(call, Side::Callee),
            caller_number: plan.number(call, Side::Caller),
            callee_number: plan.number(call, Side::Callee),
        }
    }

    pub(super) fn invite(&self, sdp: &str) -> String {
        self.request("INVITE", 1, "inv", "", sdp)
    }

    pub(super) fn cancel(&self) -> String {
        self.request("CANCEL", 1, "inv", "", "")
    }

    /// The ACK of a 200 is a transaction of its own; that of a refusal belongs to the INVITE (RFC 3261, 17.1.1.3).
    pub(super) fn ack(&self, to_tag: &str, answered: bool) -> String {
        self.request("ACK", 1, if answered { "ack" } else { "inv" }, to_tag, "")
    }

    pub(super) fn bye(&self, to_tag: &str) -> String {
        self.request("BYE", 2, "bye", to_tag, "")
    }

    fn request(&self, method: &str, cseq: u32, branch: &str, to_tag: &str, sdp: &str) -> String {
        let uri = format!("sip:{}@{}", self.callee_number, self.callee);
        let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
        let mut text = format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/{} {};branch=z9hG4bK-{:x}-{}-{branch}\r\n\
             Max-Forwards: 70\r\n\
             From: \"Caller {}\" <sip:{}@{}>;tag=a{}\r\n\
             To: <{uri}>{to_tag}\r\n\
             Call-ID: {}\r\n\
             CSeq: {cseq} {method}\r\n\
             User-Agent: amethyst-calls\r\n",
            self.transport.name(),
            self.caller,
            self.run,
            self.call,
            self.call,
            self.caller_number,
            self.caller,
            self.call,
            self.call_id,
        );
        if method == "INVITE" {
            text.push_str(&format!(
                "Contact: <sip:{}@{};transport={}>\r\n",
                self.caller_number,
                self.caller,
                self.transport.name().to_lowercase()
            ));
        }
        with_body(text, sdp)
    }
}

/// A response to a request, with the headers that a response copies (RFC 3261, 8.2.6).
pub(super) fn response(request: &str, status: &str, to_tag: &str, contact: &str, sdp: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let value = header(request, name).unwrap_or_default();
        let tag = if name == "To" && !to_tag.is_empty() && !value.contains(";tag=") {
            format!(";tag={to_tag}")
        } else {
            String::new()
        };
        text.push_str(&format!("{name}: {value}{tag}\r\n"));
    }
    if !contact.is_empty() {
        text.push_str(&format!("Contact: <{contact}>\r\n"));
    }
    with_body(text, sdp)
}

fn with_body(mut head: String, sdp: &str) -> String {
    if !sdp.is_empty() {
        head.push_str("Content-Type: application/sdp\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{sdp}", sdp.len()));
    head
}

/// What a party offers or answers.
pub(super) fn sdp(plan: &Plan, call: u32, side: Side) -> String {
    let media = plan.media_addr(call, side);
    let family = if matches!(media.ip(), IpAddr::V4(_)) { "IP4" } else { "IP6" };
    let (ip, port, pt) = (media.ip(), media.port(), plan.codec.payload_type);
    let fmtp = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
    format!(
        "v=0\r\no=- {call} 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {pt} 101\r\n\
         a=rtpmap:{}\r\n{fmtp}a=ptime:20\r\na=sendrecv\r\n",
        plan.codec.rtpmap()
    )
}

/// Value of the first header of that name.
pub(super) fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (n, value) = line.split_once(':')?;
        n.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Method of a request; empty for a response.
pub(super) fn method(message: &str) -> &str {
    if message.starts_with("SIP/2.0") { "" } else { message.split(' ').next().unwrap_or_default() }
}

/// Status of a response; 0 for a request.
pub(super) fn status(message: &str) -> u16 {
    message
        .strip_prefix("SIP/2.0 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// Method that a response answers, or that a request is.
pub(super) fn cseq_method(message: &str) -> &str {
    header(message, "CSeq").and_then(|v| v.split_whitespace().nth(1)).unwrap_or_default()
}

/// Tag of the called party.
pub(super) fn to_tag(message: &str) -> String {
    let tag = header(message, "To").and_then(|to| to.split(";tag=").nth(1));
    tag.unwrap_or_default().split(';').next().unwrap_or_default().to_owned()
}

/// Where the other party wants its audio.
pub(super) fn media_of(message: &str) -> Option<SocketAddr> {
    let body = message.split_once("\r\n\r\n")?.1;
    let value = |prefix: &str| body.lines().find_map(|l| l.strip_prefix(prefix));
    let ip = value("c=IN IP4 ").or_else(|| value("c=IN IP6 "))?.trim().parse().ok()?;
    let port = value("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}
