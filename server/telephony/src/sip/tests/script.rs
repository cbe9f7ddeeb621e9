//! The small language of the scripts: messages by builder, events as lines of text.

use shared::{Stamp, TapId, TimeQuality, UtcMicros};

use crate::net::Endpoint;
use crate::sip::{CallEvent, CallEventKind, Calls, EndedBy, Limits, MediaPlan};

/// Returns an endpoint from `10.0.0.1:5060`.
pub(super) fn at(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().unwrap();
    Endpoint { addr: address.ip().into(), port: address.port() }
}

pub(super) fn stamp(ms: u64) -> Stamp {
    let utc = UtcMicros(1_700_000_000_000_000 + i64::try_from(ms).unwrap() * 1_000);
    Stamp { mono_ns: 1_000_000_000 + ms * 1_000_000, utc, quality: TimeQuality::File }
}

/// A session description with one voice line at `address`, and more lines behind it.
pub(super) fn sdp(address: &str, more: &str) -> String {
    let at: std::net::SocketAddr = address.parse().unwrap();
    let family = if at.is_ipv4() { "IP4" } else { "IP6" };
    let more: String = more.lines().map(|line| format!("{line}\r\n")).collect();
    let head = format!("v=0\r\no=- 1 1 IN {family} {0}\r\ns=-\r\nc=IN {family} {0}\r\nt=0 0\r\n", at.ip());
    format!("{head}m=audio {} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n{more}", at.port())
}

/// A message in the making. As it comes: the first INVITE of Alice (tag `a`) to Bob in call `c1`.
#[derive(Clone)]
pub(super) struct Msg {
    first: String,
    method: String,
    call: String,
    from: (String, String),
    to: (String, String),
    cseq: u32,
    vias: Vec<String>,
    more: String,
    body: Option<(String, String)>,
}

/// A request of the caller's.
pub(super) fn request(method: &str) -> Msg {
    Msg {
        first: format!("{method} sip:bob@example.org SIP/2.0"),
        method: method.to_owned(),
        call: "c1".to_owned(),
        from: ("alice".to_owned(), "a".to_owned()),
        to: ("bob".to_owned(), String::new()),
        cseq: 1,
        vias: vec!["z1".to_owned()],
        more: String::new(),
        body: None,
    }
}

/// A response to a request of the caller's.
pub(super) fn response(status: u16, method: &str) -> Msg {
    Msg { first: format!("SIP/2.0 {status} Text"), ..request(method) }
}

impl Msg {
    pub(super) fn call(mut self, call: &str) -> Self {
        call.clone_into(&mut self.call);
        self
    }

    /// The called party's tag.
    pub(super) fn tag(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.to.1);
        self
    }

    pub(super) fn from(mut self, user: &str, tag: &str) -> Self {
        self.from = (user.to_owned(), tag.to_owned());
        self
    }

    pub(super) fn to(mut self, user: &str) -> Self {
        user.clone_into(&mut self.to.0);
        self
    }

    pub(super) fn cseq(mut self, cseq: u32) -> Self {
        self.cseq = cseq;
        self
    }

    /// The branches of the `Via` headers, topmost first.
    pub(super) fn via(mut self, branches: &str) -> Self {
        self.vias = branches.split(' ').map(str::to_owned).collect();
        self
    }

    /// More header lines.
    pub(super) fn with(mut self, lines: &str) -> Self {
        self.more += &format!("{lines}\r\n");
        self
    }

    pub(super) fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = Some((kind.to_owned(), body.to_owned()));
        self
    }

    pub(super) fn sdp(self, address: &str) -> Self {
        self.sdp_with(address, "")
    }

    pub(super) fn sdp_with(self, address: &str, more: &str) -> Self {
        self.body("application/sdp", &sdp(address, more))
    }

    /// The request is (or the response answers) one of the called party's: Bob is in `From`.
    pub(super) fn back(mut self) -> Self {
        std::mem::swap(&mut self.from, &mut self.to);
        self
    }

    pub(super) fn text(&self) -> String {
        let tag = |tag: &str| if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let mut text = format!("{}\r\n", self.first);
        for via in &self.vias {
            text += &format!("Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{via};rport\r\n");
        }
        text += &format!("From: <sip:{}@example.org>{}\r\n", self.from.0, tag(&self.from.1));
        text += &format!("To: <sip:{}@example.org>{}\r\n", self.to.0, tag(&self.to.1));
        text += &format!("Call-ID: {}\r\nCSeq: {} {}\r\n{}", self.call, self.cseq, self.method, self.more);
        let (kind, body) = self.body.clone().unwrap_or_default();
        if !kind.is_empty() {
            text += &format!("Content-Type: {kind}\r\n");
        }
        text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }
}

/// A tracker, a clock, and the ends A(lice), P(roxy), Q (a second proxy), B(ob), C.
pub(super) struct Script {
    pub(super) calls: Calls,
    pub(super) now_ms: u64,
    pub(super) tap: TapId,
}

impl Script {
    pub(super) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(super) fn with_limits(limits: Limits) -> Self {
        Self { calls: Calls::new(limits), now_ms: 0, tap: TapId(0) }
    }

    /// Sends a message along `A>B` and returns what the tracker says. Each message comes 10 ms after the one before.
    pub(super) fn send(&mut self, way: &str, message: &Msg) -> Vec<String> {
        self.send_text(way, &message.text())
    }

    pub(super) fn send_text(&mut self, way: &str, text: &str) -> Vec<String> {
        let (from, to) = way.split_once('>').unwrap();
        self.now_ms += 10;
        self.calls.handle_message(stamp(self.now_ms), self.tap, host(from), host(to), text.as_bytes());
        self.told()
    }

    /// Sends and compares.
    #[track_caller]
    pub(super) fn play(&mut self, way: &str, message: Msg, expected: &[&str]) {
        let told = self.send(way, &message);
        assert_eq!(told, expected, "at\n{}", message.text());
    }

    /// Lets time pass.
    #[track_caller]
    pub(super) fn wait(&mut self, ms: u64, expected: &[&str]) {
        self.now_ms += ms;
        self.calls.handle_timeout(stamp(self.now_ms));
        assert_eq!(self.told(), expected, "after {ms} ms");
    }

    pub(super) fn told(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.calls.poll_event()).map(|event| line(&event)).collect()
    }

    /// Plays INVITE, 180, 200 and ACK of a plain call, with answer tag `b`: key 1, A at 10.0.0.1:4000, B at 10.0.0.2:5000.
    pub(super) fn plain_call(&mut self) {
        self.send("A>B", &request("INVITE").sdp("10.0.0.1:4000"));
        self.send("B>A", &response(180, "INVITE").tag("b"));
        self.send("B>A", &response(200, "INVITE").tag("b").sdp("10.0.0.2:5000"));
        self.send("A>B", &request("ACK").tag("b").via("z1ack"));
    }
}

fn host(name: &str) -> Endpoint {
    let address = match name {
        "A" => "10.0.0.1:5060",
        "B" => "10.0.0.2:5060",
        "P" => "10.0.0.3:5060",
        "Q" => "10.0.0.4:5060",
        "C" => "10.0.0.5:5060",
        other => panic!("no host {other}"),
    };
    at(address)
}

fn line(event: &CallEvent) -> String {
    let what = match &event.kind {
        CallEventKind::New { info, start_missed } => {
            let missed = if *start_missed { " missed" } else { "" };
            format!("new {}>{}{missed}", info.caller.number, info.called.number)
        }
        CallEventKind::Info(info) => {
            let others: Vec<&str> = info.others.iter().map(|party| party.number.as_str()).collect();
            format!("info {} [{}] ids {}", info.caller.number, others.join(","), info.call_ids.join(","))
        }
        CallEventKind::Media(plan) => media(plan),
        CallEventKind::Alerting => "alerting".to_owned(),
        CallEventKind::Answered => "answered".to_owned(),
        CallEventKind::Note(note) => {
            let members: Vec<String> =
                note.members.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            format!("{} {}", note.kind, members.join(" ")).replace("Text(\"", "").replace("\")", "")
        }
        CallEventKind::Linked { to, evidence } => format!("linked {} {evidence}", to.0),
        CallEventKind::Ended { reason, status, by, answered } => {
            let by = match by {
                EndedBy::Unknown => "nobody",
                EndedBy::Caller => "caller",
                EndedBy::Called => "called",
            };
            format!("ended {reason} {status} {by}{}", if *answered { " answered" } else { "" })
        }
    };
    format!("{} {what}", event.call.0)
}

fn media(plan: &MediaPlan) -> String {
    let mut text = if plan.agreed { "media".to_owned() } else { "media?".to_owned() };
    for leg in &plan.legs {
        text += &format!(" {}>{:?}{}", leg.leg, leg.receiver, if leg.sending { "" } else { "!" });
    }
    text + if plan.fax_t38 { " fax" } else { "" } + if plan.held { " held" } else { "" }
}
