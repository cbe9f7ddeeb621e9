//! The plan: which calls, between whom, saying what. Everything else follows from it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::{CallError, Codec, Fed, Transport, Voice, rtp, speech};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// It is answered, both speak, the caller hangs up.
    #[default]
    Answered,
    /// The callee is busy (486).
    Busy,
    /// It rings until the caller gives up (CANCEL, 487).
    NoAnswer,
}

/// Which parties are played by this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Roles {
    /// Both.
    #[default]
    Both,
    /// The callers; the callees are elsewhere, for instance in another namespace.
    Callers,
    /// The callees.
    Callees,
}

impl Roles {
    pub(super) fn caller(self) -> bool {
        self != Self::Callees
    }

    pub(super) fn callee(self) -> bool {
        self != Self::Callers
    }
}

/// A party of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who calls: number `1NNNNN`.
    Caller,
    /// Who is called: number `2NNNNN`.
    Callee,
}

/// What is to be placed. Fill in what differs from [`Plan::default`].
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many calls.
    pub calls: u32,
    /// Number of the first; it is in the numbers dialled, in the ports and in what is said.
    pub first: u32,
    /// How long each party speaks. Rounded down to whole packets of 20 ms.
    pub speech: Duration,
    /// Time between the starts of two calls.
    pub start_gap: Duration,
    /// How long it rings.
    pub ring: Duration,
    /// What the parties speak.
    pub codec: Codec,
    /// How the signalling travels.
    pub transport: Transport,
    /// Where the callers are.
    pub caller_ip: IpAddr,
    /// Where the callees are.
    pub callee_ip: IpAddr,
    /// SIP port of caller `n` is this plus `n`.
    pub caller_sip_port: u16,
    /// SIP port of callee `n` is this plus `n`.
    pub callee_sip_port: u16,
    /// Media of call `n` use four ports from here plus 4 `n`: caller, its RTCP, callee, its RTCP.
    pub media_port: u16,
    /// Digits that the caller dials during the call (RFC 4733), the first after a second.
    pub digits: String,
    /// What happens to the calls.
    pub answer: Answer,
    /// One SSRC for every stream, as some telephones and gateways do; else each has its own.
    pub same_ssrc: Option<u32>,
    /// Where the words come from.
    pub voice: Voice,
    /// Which parties this process plays.
    pub roles: Roles,
    /// Distinguishes this run in Call-IDs.
    pub run: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            calls: 1,
            first: 1,
            speech: Duration::from_secs(5),
            start_gap: Duration::from_millis(200),
            ring: Duration::from_millis(400),
            codec: Codec::PCMU,
            transport: Transport::Udp,
            caller_ip: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11)),
            callee_ip: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 12)),
            caller_sip_port: 15_000,
            callee_sip_port: 25_000,
            media_port: 16_384,
            digits: String::new(),
            answer: Answer::Answered,
            same_ssrc: None,
            voice: Voice::Speech,
            roles: Roles::Both,
            run: std::process::id(),
        }
    }
}

impl Plan {
    /// A plan on loopback addresses that no other test uses, of this process or another: `nth` is yours alone.
    #[must_use]
    pub fn apart(nth: u8) -> Self {
        let [low, high, _, _] = std::process::id().to_le_bytes();
        let ip = |last: u8| IpAddr::V4(Ipv4Addr::new(127, 1 + high % 250, low, last));
        Self {
            caller_ip: ip(nth.wrapping_mul(2).wrapping_add(1)),
            callee_ip: ip(nth.wrapping_mul(2).wrapping_add(2)),
            ..Self::default()
        }
    }

    /// Numbers of the calls.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        self.first..self.first.saturating_add(self.calls)
    }

    /// What a party of a call says, byte for byte: the same for the same plan, on any process of this machine.
    #[must_use]
    pub fn fed(&self, call: u32, side: Side) -> Fed {
        let samples = usize::try_from(self.packets()).unwrap_or(0) * 160;
        let pcm = speech::say(self.voice, call, side, samples);
        let payload = self.codec.encode(&pcm, call * 2 + u32::from(side == Side::Callee));
        let digits = if side == Side::Caller { self.digits.as_str() } else { "" };
        rtp::feed(self.codec, payload, digits)
    }

    /// Number that the party is known by: `100001` calls `200001`.
    #[must_use]
    pub fn number(&self, call: u32, side: Side) -> String {
        match side {
            Side::Caller => format!("1{call:05}"),
            Side::Callee => format!("2{call:05}"),
        }
    }

    /// Call-ID of a call.
    #[must_use]
    pub fn call_id(&self, call: u32) -> String {
        format!("bench-{:x}-{call:05}@{}", self.run, self.caller_ip)
    }

    /// Where a party signals.
    #[must_use]
    pub fn sip_addr(&self, call: u32, side: Side) -> SocketAddr {
        let n = low16(call);
        match side {
            Side::Caller => SocketAddr::new(self.caller_ip, self.caller_sip_port.wrapping_add(n)),
            Side::Callee => SocketAddr::new(self.callee_ip, self.callee_sip_port.wrapping_add(n)),
        }
    }

    /// Where a party receives audio.
    #[must_use]
    pub fn media_addr(&self, call: u32, side: Side) -> SocketAddr {
        let base = self.media_port.wrapping_add(low16(call).wrapping_mul(4));
        match side {
            Side::Caller => SocketAddr::new(self.caller_ip, base),
            Side::Callee => SocketAddr::new(self.callee_ip, base.wrapping_add(2)),
        }
    }

    /// SSRC of a party's stream.
    #[must_use]
    pub fn ssrc(&self, call: u32, side: Side) -> u32 {
        let own =
            0x1000_0000_u32.wrapping_add(call.wrapping_mul(2)).wrapping_add(u32::from(side == Side::Callee));
        self.same_ssrc.unwrap_or(own)
    }

    /// Packets of 20 ms in which each party speaks or dials.
    #[must_use]
    pub fn packets(&self) -> u32 {
        u32::try_from(self.speech.as_millis() / 20).unwrap_or(u32::MAX)
    }

    /// RTP packets that a party sends: a digit takes the place of six and is eight.
    #[must_use]
    pub fn packets_sent(&self, side: Side) -> u32 {
        match side {
            Side::Caller => self.packets() + 2 * u32::try_from(self.digits.len()).unwrap_or(0),
            Side::Callee => self.packets(),
        }
    }

    /// Refuses a plan that would contradict itself half-way.
    pub(super) fn check(&self) -> Result<(), CallError> {
        let fault = |text: String| Err(CallError::Plan(text));
        let last = self.first.saturating_add(self.calls).saturating_sub(1);
        if self.calls == 0 || self.packets() == 0 {
            return fault("there is nothing to say: at least one call of 20 ms".to_owned());
        }
        if self.caller_ip.is_ipv4() != self.callee_ip.is_ipv4() {
            return fault(format!("{} and {} are of different families", self.caller_ip, self.callee_ip));
        }
        let room =
            |base: u16, each: u32| u32::from(base) + last.saturating_mul(each) + 3 <= u32::from(u16::MAX);
        if !(room(self.caller_sip_port, 1) && room(self.callee_sip_port, 1) && room(self.media_port, 4)) {
            return fault(format!("call {last} would need a port above 65,535: begin lower or place fewer"));
        }
        if let Some(odd) = self.digits.chars().find(|&c| rtp::event_code(c).is_none()) {
            return fault(format!("{odd:?} is no digit: 0 to 9, *, #, A to D"));
        }
        let needed = rtp::packets_for_digits(self.digits.len());
        if needed > self.packets() {
            return fault(format!("{} digits need {} ms of speech", self.digits.len(), needed * 20));
        }
        Ok(())
    }
}

fn low16(call: u32) -> u16 {
    let [a, b, _, _] = call.to_le_bytes();
    u16::from_le_bytes([a, b])
}
