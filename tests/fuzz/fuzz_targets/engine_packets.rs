//! A story of calls, media, accidents and time through the whole engine: whatever is on the wire, the books are right.
//!
//! Each step of the story begins with an octet that says what happens: a SIP message of one of four calls, a burst of
//! media, one RTP packet of any shape, any datagram, any frame, lost packets, or time that passes while timers ring. What
//! comes out is held against what `cmd.rs` promises the recorder: a segment is signalled once, opened at most once and
//! closed once; chunks are of declared tracks, follow each other without a hole, can be sealed; and the gaps told at the end
//! are the gaps that were handed over.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use shared::{
    Chunk, Event, GapCause, GapCorrection, GapTotals, LedgerEnd, Stamp, TapId, TimeQuality, Track, UtcMicros,
};
use telephony::cmd::{SegClose, SegCmd, SegId};
use telephony::engine::{Engine, EngineConfig, EngineLimits};
use telephony::net::LinkType;

fuzz_target!(|story: &[u8]| {
    let Some((&choice, mut rest)) = story.split_first() else { return };
    let mut wire = Wire::new(choice);
    for _step in 0..200 {
        if wire.step(&mut rest).is_none() {
            break;
        }
    }
    wire.finish();
});

/// The engine, its clock, and the books kept on what it says.
struct Wire {
    engine: Engine,
    now_ns: u64,
    books: Books,
}

/// What is left of the story.
type Rest<'a, 'b> = &'b mut &'a [u8];

impl Wire {
    fn new(choice: u8) -> Self {
        let mut config = EngineConfig {
            record_orphans: choice & 1 != 0,
            mask_digits: choice & 4 != 0,
            ..EngineConfig::default()
        };
        if choice & 2 != 0 {
            config.limits = EngineLimits {
                segments: 3,
                flows: 12,
                candidates: 3,
                preroll_bytes: 4_000,
                ..EngineLimits::default()
            };
        }
        Self { engine: Engine::new(config), now_ns: 1_000_000_000, books: Books::default() }
    }

    fn now(&self) -> Stamp {
        let utc = UtcMicros(1_700_000_000_000_000 + i64::try_from(self.now_ns / 1_000).expect("a few days"));
        Stamp { mono_ns: self.now_ns, utc, quality: TimeQuality::File }
    }

    fn step(&mut self, rest: Rest<'_, '_>) -> Option<()> {
        let [op, a, b, c] = take(rest)?;
        let way = Way::of(a);
        match op % 10 {
            0 | 1 => self.udp(way.sip().0, way.sip().1, sip(a, b, c).as_bytes()),
            2 | 3 => {
                for n in 0..u16::from(b & 0x7f) {
                    let seq = n.wrapping_add(u16::from(c) << 8);
                    let media = rtp(
                        a,
                        [0, 8, 9, 3][usize::from(a >> 6)],
                        seq,
                        u32::from(seq).wrapping_mul(160),
                        &[b; 160],
                    );
                    self.udp(way.media().0, way.media().1, &media);
                    self.pass_ms(20);
                }
            }
            4 => {
                let [seq0, seq1, ts0, ts1] = take(rest)?;
                let payload = some(rest, usize::from(c));
                let ts = u32::from_be_bytes([ts0, ts1, seq0, 0]);
                self.udp(
                    way.media().0,
                    way.media().1,
                    &rtp(a, b, u16::from_be_bytes([seq0, seq1]), ts, payload),
                );
            }
            5 => {
                let payload = some(rest, usize::from(b) << (c & 3));
                let (from, to) = if c & 4 == 0 { way.media() } else { way.sip() };
                self.udp(from, to, payload);
            }
            6 => {
                let payload = some(rest, usize::from(b));
                let ((from, to), next) = (way.media(), |at: At| (at.0, at.1 + 1));
                self.udp(next(from), next(to), payload); // RTCP
            }
            7 => {
                let frame = some(rest, usize::from(b) << (c & 3));
                let link = LinkType::from_dlt([1, 101, 113, 276][usize::from(a & 3)]).expect("of the list");
                let now = self.now();
                self.engine.handle_packet(now, TapId(u16::from(c >> 7)), link, None, frame);
                self.settle();
            }
            8 => {
                let now = self.now();
                self.engine.handle_drops(now, TapId(u16::from(a & 3)), u64::from(b));
            }
            _ => self.pass_ms(u64::from(b) << (c & 7)),
        }
        Some(())
    }

    /// Lets time pass; timers ring when they are due. One that is set in the past rings in the same instant, but not for ever.
    fn pass_ms(&mut self, ms: u64) {
        let until = self.now_ns + ms * 1_000_000;
        let mut rings = 0;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= until) {
            rings = if at > self.now_ns { 0 } else { rings + 1 };
            assert!(rings < 100, "a timer that rings for ever");
            self.now_ns = self.now_ns.max(at);
            let now = self.now();
            self.engine.handle_timeout(now);
            self.settle();
        }
        self.now_ns = until;
    }

    fn udp(&mut self, from: At, to: At, payload: &[u8]) {
        let len = |more: usize| u16::try_from(payload.len() + more).expect("at most 2,040").to_be_bytes();
        let mut ip = vec![0x45, 0];
        ip.extend(len(28));
        ip.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0]);
        ip.extend(from.1.to_be_bytes());
        ip.extend(to.1.to_be_bytes());
        ip.extend(len(8));
        ip.extend([0, 0]);
        ip.extend(payload);
        let (now, raw) = (self.now(), LinkType::from_dlt(101).expect("raw IP"));
        self.engine.handle_packet(now, TapId(0), raw, None, &ip);
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(cmd) = self.engine.poll_cmd() {
            if let Some(chunks) = self.books.enter(cmd) {
                chunks.into_iter().for_each(|chunk| self.engine.recycle(chunk.buf));
            }
        }
        while self.engine.poll_alarm().is_some() {}
    }

    fn finish(mut self) {
        let now = self.now();
        self.engine.finish(now);
        self.settle();
        assert!(self.books.open.is_empty(), "every segment is closed");
        assert_eq!(self.engine.counters().segments_now, 0, "and forgotten");
    }
}

/// What the engine said of each segment that is not closed yet.
#[derive(Default)]
struct Books {
    open: BTreeMap<SegId, Account>,
    last: Option<SegId>,
}

#[derive(Default)]
struct Account {
    opened: bool,
    discarded: bool,
    /// By number: the track, and its end so far.
    tracks: BTreeMap<u8, (Track, Option<u64>)>,
    /// Gaps handed over: track, from, to, why.
    gaps: Vec<Gap>,
    /// What was learned later of the causes, in that order, and what was believed before.
    corrections: Vec<(Gap, GapCause)>,
}

impl Books {
    /// Enters a command; gives back chunks whose buffers can be used again.
    fn enter(&mut self, cmd: SegCmd) -> Option<Vec<Chunk>> {
        let seg = cmd.seg();
        if let SegCmd::Signalled { .. } = cmd {
            assert!(self.last < Some(seg), "a new segment has a new number");
            self.last = Some(seg);
            self.open.insert(seg, Account::default());
            return None;
        }
        if let SegCmd::Close(close) = cmd {
            self.open.remove(&seg).expect("closed once, after it was signalled").close(&close);
            return None;
        }
        let account = self.open.get_mut(&seg).expect("between being signalled and closed");
        assert!(!account.discarded, "nothing but the close follows a discard");
        match cmd {
            SegCmd::Open { tracks, .. } => {
                assert!(!std::mem::replace(&mut account.opened, true), "opened once");
                account.declare(tracks);
            }
            SegCmd::Tracks { tracks, .. } => account.declare(tracks),
            SegCmd::Append { chunks, .. } => {
                account.append(&chunks);
                return Some(chunks);
            }
            SegCmd::Note { event, .. } => {
                assert!(account.opened, "a note goes into an open recording");
                if event.kind == "gap_cause" {
                    account.learn(&event);
                }
            }
            SegCmd::Discard { .. } => account.discarded = true,
            SegCmd::Info { .. } | SegCmd::Signalled { .. } | SegCmd::Close(_) => {}
        }
        None
    }
}

impl Account {
    fn declare(&mut self, tracks: Vec<Track>) {
        assert!(self.opened, "tracks belong to an open recording");
        for track in tracks {
            assert!(track.track < u8::MAX && track.clock_hz > 0, "a track that can be sealed");
            assert!(self.tracks.insert(track.track, (track, None)).is_none(), "declared once");
        }
    }

    fn append(&mut self, chunks: &[Chunk]) {
        assert!(self.opened && !chunks.is_empty(), "audio goes into an open recording");
        for (place, chunk) in chunks.iter().enumerate() {
            assert!(
                chunks.iter().take(place).all(|c| c.track != chunk.track),
                "one chunk of a track in a flush"
            );
            let (track, end) = self.tracks.get_mut(&chunk.track).expect("a track that was declared");
            assert!(end.is_none_or(|end| end == chunk.base_samples), "{end:?} before {chunk:?}");
            *end = Some(chunk.end_samples());
            assert!(chunk.buf.len() <= 65_000, "a frame of {} octets", chunk.buf.len());
            // The reader of sealed recordings judges.
            let plain = plain(chunk);
            let runs = seal::parse_runs(&plain, track.clock_hz)
                .unwrap_or_else(|e| panic!("{e}: {chunk:?} of {track:?}"));
            assert_eq!(runs.end, chunk.end_samples());
            for run in &runs.runs {
                self.gaps.push((chunk.track, run.pos - run.head.gap_samples, run.pos, run.head.cause));
            }
        }
    }

    fn close(&self, close: &SegClose) {
        let recorded = !matches!(close.end, LedgerEnd::NotRecorded(_));
        assert_eq!(recorded, self.opened && !self.discarded, "what the ledger says of it: {close:?}");
        if recorded {
            assert_eq!(close.gaps, self.gap_totals(), "the gaps told are the gaps handed over");
        }
    }

    fn learn(&mut self, note: &Event) {
        let learned = GapCorrection::of(note).unwrap_or_else(|| panic!("a correction: {note:?}"));
        let place = |pos: i64| u64::try_from(pos).expect("no position lies before the start");
        self.corrections
            .push(((learned.track, place(learned.from), place(learned.to), learned.cause), learned.was));
    }

    /// Sums up the gaps as a reader of the recording does: by the cause that was learned last.
    fn gap_totals(&self) -> GapTotals {
        let mut gaps = self.gaps.clone();
        for ((track, from, to, cause), was) in self.corrections.iter().copied() {
            let mut told = 0;
            let mut pieces = Vec::new();
            for gap in gaps.drain(..) {
                let (begin, end) = (gap.1.max(from), gap.2.min(to));
                if gap.0 != track || begin >= end {
                    pieces.push(gap);
                    continue;
                }
                told += end - begin;
                assert_eq!(gap.3, was, "what is corrected was believed");
                let all =
                    [(track, gap.1, begin, gap.3), (track, begin, end, cause), (track, end, gap.2, gap.3)];
                pieces.extend(all.into_iter().filter(|piece| piece.1 < piece.2));
            }
            assert_eq!(told, to - from, "what is corrected is a gap");
            gaps = pieces;
        }
        let mut totals = GapTotals::default();
        gaps.iter().for_each(|(_, from, to, cause)| totals.add(*cause, to - from));
        totals
    }
}

type Gap = (u8, u64, u64, GapCause);

/// A chunk as the plaintext of an AUDIO frame.
fn plain(chunk: &Chunk) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, chunk.base_samples);
    let mut payload = chunk.buf.payload();
    for run in &chunk.runs {
        varint(&mut out, run.gap_samples);
        out.push(run.cause.number());
        varint(&mut out, run.samples);
        varint(&mut out, run.len.into());
        let (bytes, rest) =
            payload.split_at_checked(run.len as usize).expect("the octets of every run are there");
        out.extend(bytes);
        payload = rest;
    }
    assert!(payload.is_empty(), "octets that no run tells of");
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Host number and port.
type At = (u8, u16);

/// Between whom: one of four calls, and the direction.
struct Way {
    call: u8,
    back: bool,
}

impl Way {
    fn of(octet: u8) -> Self {
        Self { call: octet & 3, back: octet & 4 != 0 }
    }

    fn sip(&self) -> (At, At) {
        self.turned((1, 5060), (2, 5060))
    }

    fn media(&self) -> (At, At) {
        let port = u16::from(self.call) * 4;
        self.turned((1, 4_000 + port), (2, 6_000 + port))
    }

    fn turned(&self, from: At, to: At) -> (At, At) {
        if self.back { (to, from) } else { (from, to) }
    }
}

/// A message of a call. `what` says which, and how its session description looks.
fn sip(octet: u8, what: u8, shape: u8) -> String {
    const OFFERS: [(&str, &str); 8] = [
        ("RTP/AVP 0 8 18 13 101", "a=rtpmap:101 telephone-event/8000\r\n"),
        ("RTP/AVP 8", "a=sendonly\r\n"),
        ("RTP/AVP 0", "a=inactive\r\n"),
        ("RTP/AVP 96 97", "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 AMR/8000\r\na=fmtp:97 octet-align=1\r\n"),
        ("RTP/AVP 9 3 4 18", "a=ptime:30\r\n"),
        (
            "RTP/SAVP 0",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0\r\n",
        ),
        ("UDP/TLS/RTP/SAVPF 0", "a=fingerprint:sha-256 00\r\n"),
        ("RTP/AVP 11 10 5 2", "a=rtcp-mux\r\n"),
    ];
    let Way { call, back } = Way::of(octet);
    let (kinds, extra) = OFFERS[usize::from(shape & 7)];
    let (host, port) = if back { (2, 6_000 + u16::from(call) * 4) } else { (1, 4_000 + u16::from(call) * 4) };
    let port = if shape & 0x80 != 0 { 0 } else { port };
    let address = if shape & 0x40 != 0 { "0.0.0.0".to_owned() } else { format!("10.0.0.{host}") };
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.{host}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} {kinds}\r\n{extra}"
    );
    let (turn, more) = (
        1 + ((what >> 4) & 3),
        if what & 0x80 != 0 { "Replaces: call0@x;to-tag=b;from-tag=a\r\n" } else { "" },
    );
    let (first, method, sdp) = match what & 15 {
        0..3 => ("INVITE sip:0115550100@10.0.0.2 SIP/2.0", "INVITE", sdp),
        3..6 => ("SIP/2.0 200 OK", "INVITE", sdp),
        6 => ("SIP/2.0 183 Session Progress", "INVITE", sdp),
        7 => ("ACK sip:0115550100@10.0.0.2 SIP/2.0", "ACK", String::new()),
        8 => ("ACK sip:0115550100@10.0.0.2 SIP/2.0", "ACK", sdp),
        9 => ("BYE sip:0115550100@10.0.0.2 SIP/2.0", "BYE", String::new()),
        10 => ("CANCEL sip:0115550100@10.0.0.2 SIP/2.0", "CANCEL", String::new()),
        11 => ("SIP/2.0 487 Request Terminated", "INVITE", String::new()),
        12 => ("SIP/2.0 486 Busy Here", "INVITE", String::new()),
        13 => ("UPDATE sip:0115550100@10.0.0.2 SIP/2.0", "UPDATE", sdp),
        14 => ("SIP/2.0 200 OK", "BYE", String::new()),
        _ => ("INVITE sip:0115550100@10.0.0.2 SIP/2.0", "INVITE", String::new()),
    };
    let to_tag = if method == "INVITE" && turn == 1 && first.starts_with("INVITE") { "" } else { ";tag=b" };
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{first}\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{turn}{method}\r\nFrom: <sip:3115@10.0.0.1>;tag=a\r\n\
         To: <sip:0115550100@10.0.0.2>{to_tag}\r\nCall-ID: call{call}@x\r\nCSeq: {turn} {method}\r\n{more}\
         Contact: <sip:x@10.0.0.1>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

fn rtp(octet: u8, kind: u8, seq: u16, ts: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80, kind];
    out.extend(seq.to_be_bytes());
    out.extend(ts.to_be_bytes());
    out.extend([0, 0, 0, octet & 0x38]);
    out.extend(payload);
    out
}

fn take(rest: Rest<'_, '_>) -> Option<[u8; 4]> {
    let (four, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(*four)
}

fn some<'a>(rest: Rest<'a, '_>, len: usize) -> &'a [u8] {
    let (these, after) = rest.split_at(len.min(rest.len()));
    *rest = after;
    these
}
