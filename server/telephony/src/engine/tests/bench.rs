//! A bench with a clock of its own: it makes frames, feeds an engine, and gathers what came out by segment.

use std::collections::BTreeMap;

use shared::{Event, GapCause, LedgerEnd, RunHead, Stamp, TapId, TimeQuality, Track, UtcMicros};

use crate::cmd::{CallInfo, SegClose, SegCmd, SegId};
use crate::engine::{Engine, EngineConfig};
use crate::net::LinkType;

/// Everything that came out for one track.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackSeen {
    pub(super) track: Track,
    pub(super) base: Option<u64>,
    pub(super) end: u64,
    pub(super) runs: Vec<RunHead>,
    pub(super) bytes: Vec<u8>,
}

impl TrackSeen {
    pub(super) fn samples(&self) -> u64 {
        self.runs.iter().map(|r| r.samples).sum()
    }

    pub(super) fn gaps(&self, cause: GapCause) -> u64 {
        self.runs.iter().filter(|r| r.cause == cause).map(|r| r.gap_samples).sum()
    }

    pub(super) fn all_gaps(&self) -> u64 {
        self.runs.iter().map(|r| r.gap_samples).sum()
    }
}

/// Everything that came out for one segment.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) info: CallInfo,
    pub(super) start: Option<Stamp>,
    pub(super) tracks: BTreeMap<u8, TrackSeen>,
    pub(super) notes: Vec<Event>,
    pub(super) close: Option<SegClose>,
    pub(super) appends: usize,
    pub(super) discarded: bool,
}

impl Seen {
    pub(super) fn end(&self) -> LedgerEnd {
        self.close.as_ref().expect("every segment is closed").end
    }

    /// The tracks of one leg, in their order.
    pub(super) fn leg(&self, leg: u8) -> Vec<&TrackSeen> {
        self.tracks.values().filter(|t| t.track.leg == leg).collect()
    }

    /// The only track of one leg.
    pub(super) fn only(&self, leg: u8) -> &TrackSeen {
        let tracks = self.leg(leg);
        assert_eq!(tracks.len(), 1, "leg {leg} has one track");
        tracks[0]
    }

    pub(super) fn notes(&self, kind: &str) -> Vec<&Event> {
        self.notes.iter().filter(|n| n.kind == kind).collect()
    }
}

/// One RTP packet to be.
#[derive(Clone, Debug)]
pub(super) struct Rtp {
    pub(super) ssrc: u32,
    pub(super) seq: u16,
    pub(super) ts: u32,
    pub(super) pt: u8,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
}

impl Rtp {
    /// The `n`th packet of a G.711 stream of 20 ms packets; its octets tell which one it is.
    pub(super) fn g711(n: u32) -> Self {
        let payload = (0..160u32).map(|i| (n.wrapping_mul(7).wrapping_add(i)) as u8).collect();
        Self { ssrc: 0x1234, seq: n as u16, ts: n.wrapping_mul(160), pt: 0, marker: false, payload }
    }

    pub(super) fn datagram(&self) -> Vec<u8> {
        let mut d = vec![0x80, self.pt | if self.marker { 0x80 } else { 0 }];
        d.extend(self.seq.to_be_bytes());
        d.extend(self.ts.to_be_bytes());
        d.extend(self.ssrc.to_be_bytes());
        d.extend(&self.payload);
        d
    }
}

/// An address of the bench: host number and port.
pub(super) type At = (u8, u16);

/// Where the caller and the called party signal and receive.
pub(super) const CALLER: At = (1, 4_000);
pub(super) const CALLED: At = (2, 6_000);

pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) now_ns: u64,
    pub(super) seen: BTreeMap<SegId, Seen>,
    pub(super) log: Vec<String>,
    /// How far the wall clock has been set forward.
    pub(super) step_us: i64,
    /// The next octet of each direction of a TCP connection.
    tcp: BTreeMap<(At, At), u32>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(EngineConfig::default())
    }

    pub(super) fn with(config: EngineConfig) -> Self {
        Self {
            engine: Engine::new(config),
            now_ns: 1_000_000_000,
            seen: BTreeMap::new(),
            log: Vec::new(),
            step_us: 0,
            tcp: BTreeMap::new(),
        }
    }

    pub(super) fn now(&self) -> Stamp {
        let utc = UtcMicros(1_700_000_000_000_000 + (self.now_ns / 1_000) as i64 + self.step_us);
        Stamp { mono_ns: self.now_ns, utc, quality: TimeQuality::File }
    }

    /// Lets time pass, in steps in which timers ring.
    pub(super) fn pass_ms(&mut self, ms: u64) {
        let until = self.now_ns + ms * 1_000_000;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= until) {
            self.now_ns = self.now_ns.max(at);
            let now = self.now();
            self.engine.handle_timeout(now);
            self.gather();
        }
        self.now_ns = until;
    }

    /// Lets time leap: no timer rings on the way.
    pub(super) fn leap_ms(&mut self, ms: u64) {
        self.now_ns += ms * 1_000_000;
        let now = self.now();
        self.engine.handle_timeout(now);
        self.gather();
    }

    pub(super) fn udp(&mut self, from: At, to: At, payload: &[u8]) {
        let mut datagram = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        datagram.extend(((8 + payload.len()) as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        self.ip(from, to, 17, &datagram);
    }

    /// Sends octets over a TCP connection, which the first of them open.
    pub(super) fn tcp(&mut self, from: At, to: At, payload: &[u8]) {
        let segment = |bench: &mut Self, seq: u32, flags: u8, payload: &[u8]| {
            let mut octets = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
            octets.extend(seq.to_be_bytes());
            octets.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            octets.extend(payload);
            bench.ip(from, to, 6, &octets);
        };
        if !self.tcp.contains_key(&(from, to)) {
            segment(self, 999, 2, &[]);
        }
        let seq = *self.tcp.get(&(from, to)).unwrap_or(&1_000);
        segment(self, seq, 0x18, payload);
        self.tcp.insert((from, to), seq + payload.len() as u32);
    }

    fn ip(&mut self, from: At, to: At, protocol: u8, body: &[u8]) {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        frame.extend([0x45, 0]);
        frame.extend(((20 + body.len()) as u16).to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0]);
        frame.extend(body);
        let now = self.now();
        let ethernet = LinkType::from_dlt(1).unwrap();
        self.engine.handle_packet(now, TapId(0), ethernet, None, &frame);
        self.gather();
    }

    pub(super) fn rtp(&mut self, from: At, to: At, rtp: &Rtp) {
        self.udp(from, to, &rtp.datagram());
    }

    /// Sends `range` of a G.711 stream, 20 ms apart, from one side to the other.
    pub(super) fn stream(&mut self, from: At, to: At, range: std::ops::Range<u32>) {
        for n in range {
            self.rtp(from, to, &Rtp::g711(n));
            self.pass_ms(20);
        }
    }

    /// Sends `range` in both directions.
    pub(super) fn talk(&mut self, range: std::ops::Range<u32>) {
        for n in range {
            self.rtp(CALLER, CALLED, &Rtp::g711(n));
            self.rtp(CALLED, CALLER, &Rtp::g711(n));
            self.pass_ms(20);
        }
    }

    pub(super) fn drops(&mut self, lost: u64) {
        let now = self.now();
        self.engine.handle_drops(now, TapId(0), lost);
    }

    /// Sends a SIP message.
    pub(super) fn sip(&mut self, from_caller: bool, first: &str, id: &str, cseq: &str, sdp: &str) {
        let text = Self::message(first, id, cseq, "", sdp);
        let (from, to) = if from_caller { ((1, 5060), (2, 5060)) } else { ((2, 5060), (1, 5060)) };
        self.udp(from, to, text.as_bytes());
    }

    /// Writes a SIP message; `lines` come after the usual headers.
    pub(super) fn message(first: &str, id: &str, cseq: &str, lines: &str, sdp: &str) -> String {
        let first_invite = cseq == "1 INVITE" && first.starts_with("INVITE");
        let to_tag = if first_invite || first.starts_with("CANCEL") { "" } else { ";tag=b" };
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let branch = cseq.replace(' ', "");
        format!(
            "{first}\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{branch}\r\nFrom: <sip:3115@10.0.0.1>;tag=a\r\n\
             To: <sip:0115550100@10.0.0.2>{to_tag}\r\nCall-ID: {id}\r\nCSeq: {cseq}\r\n\
             Contact: <sip:x@10.0.0.1>\r\n{lines}{kind}Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
    }

    pub(super) fn sdp(at: At, extra: &str) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 10.0.0.{0}\r\ns=-\r\nc=IN IP4 10.0.0.{0}\r\nt=0 0\r\n\
             m=audio {1} RTP/AVP 0 8 18 13 101\r\na=rtpmap:101 telephone-event/8000\r\n{extra}",
            at.0, at.1
        )
    }

    pub(super) fn invite(&mut self, id: &str) {
        let sdp = Self::sdp(CALLER, "");
        self.sip(true, "INVITE sip:0115550100@10.0.0.2 SIP/2.0", id, "1 INVITE", &sdp);
    }

    pub(super) fn answer(&mut self, id: &str) {
        let sdp = Self::sdp(CALLED, "");
        self.sip(false, "SIP/2.0 200 OK", id, "1 INVITE", &sdp);
        self.sip(true, "ACK sip:0115550100@10.0.0.2 SIP/2.0", id, "1 ACK", "");
    }

    pub(super) fn bye(&mut self, id: &str) {
        self.sip(true, "BYE sip:0115550100@10.0.0.2 SIP/2.0", id, "2 BYE", "");
        self.sip(false, "SIP/2.0 200 OK", id, "2 BYE", "");
    }

    /// A call that is up.
    pub(super) fn call(&mut self, id: &str) {
        self.invite(id);
        self.answer(id);
    }

    /// Ends the input and returns the segments in their order.
    pub(super) fn finish(mut self) -> Vec<Seen> {
        let now = self.now();
        self.engine.finish(now);
        self.gather();
        assert!(self.seen.values().all(|s| s.close.is_some()), "every segment is closed");
        self.seen.into_values().collect()
    }

    fn gather(&mut self) {
        while let Some(cmd) = self.engine.poll_cmd() {
            self.log.push(format!("{cmd:?}"));
            let id = cmd.seg();
            if let SegCmd::Signalled { info, .. } = cmd {
                let seen = Seen { info: *info, ..Seen::default() };
                assert!(self.seen.insert(id, seen).is_none(), "signalled once");
                continue;
            }
            let seen = self.seen.get_mut(&id).expect("signalled before anything else");
            assert!(seen.close.is_none(), "nothing after the close: {cmd:?}");
            match cmd {
                SegCmd::Signalled { .. } => {}
                SegCmd::Discard { .. } => seen.discarded = true,
                SegCmd::Open { start, tracks, .. } => {
                    assert!(seen.start.replace(start).is_none(), "opened once");
                    seen.add(tracks);
                }
                SegCmd::Tracks { tracks, .. } => seen.add(tracks),
                SegCmd::Info { info, .. } => seen.info = *info,
                SegCmd::Note { event, .. } => seen.notes.push(event),
                SegCmd::Append { chunks, .. } => {
                    seen.appends += 1;
                    for chunk in chunks {
                        seen.chunk(&chunk);
                        self.engine.recycle(chunk.buf);
                    }
                }
                SegCmd::Close(close) => seen.close = Some(*close),
            }
        }
    }
}

impl Seen {
    fn add(&mut self, tracks: Vec<Track>) {
        for track in tracks {
            let number = track.track;
            let new = TrackSeen { track, ..TrackSeen::default() };
            assert!(self.tracks.insert(number, new).is_none(), "a track is defined once");
        }
    }

    /// Holds a chunk against the rules of the sealed recording (3.2).
    fn chunk(&mut self, chunk: &shared::Chunk) {
        assert!(self.start.is_some(), "open before append");
        let track = self.tracks.get_mut(&chunk.track).expect("a known track");
        let hz = u64::from(track.track.clock_hz);
        match track.base {
            None => (track.base, track.end) = (Some(chunk.base_samples), chunk.base_samples),
            Some(_) => assert_eq!(chunk.base_samples, track.end, "a chunk begins where the one before ended"),
        }
        assert!(!chunk.runs.is_empty(), "at least one run");
        let (samples, gaps) = chunk.runs.iter().fold((0, 0), |(s, g), r| (s + r.samples, g + r.gap_samples));
        assert!(samples <= hz && gaps <= 10 * hz && chunk.buf.len() <= 65_000, "limits of a chunk");
        for (i, run) in chunk.runs.iter().enumerate() {
            assert_eq!(run.samples == 0, run.len == 0, "samples and octets go together: {run:?}");
            assert_eq!(run.gap_samples == 0, run.cause == GapCause::None && run.gap_samples == 0);
            if run.samples == 0 {
                assert!(run.gap_samples > 0, "an empty run says nothing");
                let next_gap = chunk.runs.get(i + 1).is_none_or(|n| n.gap_samples > 0);
                assert!(next_gap, "a gap without sound stands last or before another gap");
            }
        }
        assert_eq!(chunk.runs.iter().map(|r| r.len as usize).sum::<usize>(), chunk.buf.len());
        track.end = chunk.end_samples();
        track.runs.extend(&chunk.runs);
        track.bytes.extend(chunk.buf.payload());
    }
}
