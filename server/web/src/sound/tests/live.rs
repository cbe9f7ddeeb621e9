//! Calls that are still going on: heard to their end, and shown on the board.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::Role;
use axum::http::{Method, header};
use http_body_util::BodyExt as _;
use shared::{GapCause, RecordingId, Side};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::super::growing::{Growing, Heard};
use super::bench::{About, Bench, START, chunk, duplex, noise, run, second};
use super::site::{Site, Who};
use crate::host::{Board, BoardLine};

/// Looks until nothing is new; gives everything heard, the length of what is missing, and whether it ended.
fn hear(growing: &mut Growing, site: &Site) -> (Vec<i16>, u64, bool) {
    let (mut all, mut missing_us, mut quiet) = (Vec::new(), 0, 0);
    loop {
        match growing.look(&*site.host).unwrap() {
            Heard::Sound { pcm, lost, .. } => {
                all.extend(pcm);
                missing_us += lost.iter().map(|l| l.for_us).sum::<u64>();
                quiet = 0;
            }
            Heard::End => return (all, missing_us, true),
            // A new part is found by one look and heard by the next.
            Heard::Nothing if quiet > 1 => return (all, missing_us, false),
            Heard::Nothing => quiet += 1,
        }
    }
}

fn mulaw(octets: &[u8]) -> Vec<i16> {
    let mut out = Vec::new();
    let codec = audio::Codec::from_track(&super::bench::track(0, "PCMU", 8_000)).unwrap();
    codec.decoder().decode(octets, &mut out).unwrap();
    out
}

#[test]
fn a_growing_recording_is_heard_to_its_end_across_parts_and_torn_writes() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    assert!(Growing::open(&*site.host, about.id(), None).unwrap().is_none(), "nothing grows yet");
    let mut open = site.bench.begin(&about);
    (0..3).for_each(|n| open.second(n));
    let stranger = Some(shared::RecorderId([9; 16]));
    assert!(Growing::open(&*site.host, about.id(), stranger).unwrap().is_none(), "no satellite makes it");
    let mut growing = Growing::open(&*site.host, about.id(), None).unwrap().unwrap();
    assert_eq!((growing.at_us(), growing.rate_hz()), (3_000_000, 8_000), "at the newest");
    let (mut heard, ..) = hear(&mut growing, &site);
    assert_eq!(heard.len(), 0);
    let flush = |n| vec![second(0, n, 8_000, 8_000), second(1, n, 8_000, 8_000)];
    open.torn_flush(flush(3), || {
        assert_eq!(hear(&mut growing, &site).0.len(), 0, "half a frame is no sound");
    });
    heard.extend(hear(&mut growing, &site).0);
    let lost = |t| chunk(t, 32_000, vec![run(800, GapCause::LostByRecorder, 7_200, 7_200)], &noise(9, 7_200));
    open.flush(vec![lost(0), lost(1)]);
    let (more, missing_us, ended) = hear(&mut growing, &site);
    heard.extend(more);
    assert_eq!((missing_us, ended), (200_000, false), "what is missing is said, on both legs");
    let mut open = open.roll();
    open.second(0);
    let (more, _, ended) = hear(&mut growing, &site);
    heard.extend(more);
    assert!(!ended, "the recording goes on in its next part");
    assert_eq!(growing.at_us(), 6_000_000);
    open.second(1);
    open.close();
    let (more, _, ended) = hear(&mut growing, &site);
    heard.extend(more);
    assert!(ended, "it says that it ended");
    assert_eq!(heard.len(), 16_000 * 4, "seconds 3 to 6");
    let near: Vec<i16> = heard.iter().step_by(2).copied().collect();
    assert_eq!(near[..8_000], mulaw(&noise(3, 8_000)));
    assert_eq!(near[16_000..24_000], mulaw(&noise(0, 8_000)), "the first second of the second part");
}

#[test]
fn a_leg_that_is_silent_does_not_keep_the_other_waiting() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    open.second(0);
    let mut growing = Growing::open(&*site.host, about.id(), None).unwrap().unwrap();
    let mut samples = 0;
    for n in 1..6 {
        open.flush(vec![second(0, n, 8_000, 8_000)]);
        samples += hear(&mut growing, &site).0.len();
    }
    assert_eq!(samples, 16_000 * 5, "near is heard, far is silent");
}

/// A tenth of a second of a track.
fn tenth(track: u8, n: u64) -> shared::Chunk {
    chunk(track, n * 800, vec![run(0, GapCause::None, 800, 800)], &noise(u64::from(track) << 32 | n, 800))
}

#[test]
fn flushes_of_a_tenth_are_heard_one_by_one_and_a_leg_that_pauses_again_is_believed_at_once() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    open.flush(vec![tenth(0, 0), tenth(1, 0)]);
    let mut growing = Growing::open(&*site.host, about.id(), None).unwrap().unwrap();
    let mut far = 1;
    let mut flush = |open: &mut super::bench::Open<'_>, n: u64, far_speaks: bool| {
        let mut chunks = vec![tenth(0, n)];
        if far_speaks {
            let gap = (n - far) * 800;
            let cause = if gap > 0 { GapCause::SilenceSuppressed } else { GapCause::None };
            let octets = noise(1 << 32 | n, 800);
            chunks.push(chunk(1, far * 800, vec![run(gap, cause, 800, 800)], &octets));
            far = n + 1;
        }
        open.flush(chunks);
        hear(&mut growing, &site).0
    };
    let lengths = |heard: Vec<Vec<i16>>| heard.iter().map(Vec::len).collect::<Vec<_>>();
    let both = (1..4).map(|n| flush(&mut open, n, true)).collect();
    assert_eq!(lengths(both), [1_600; 3], "each flush is heard when it is there");
    let first = (4..9).map(|n| flush(&mut open, n, false)).collect();
    assert_eq!(lengths(first), [0, 0, 4_800, 1_600, 1_600], "a leg that falls silent is waited for, once");
    let back = flush(&mut open, 9, true);
    let right: Vec<i16> = back.iter().skip(1).step_by(2).copied().collect();
    assert!(right == mulaw(&noise(1 << 32 | 9, 800)), "it is heard again from its first sample");
    let second = (10..13).map(|n| flush(&mut open, n, false)).collect();
    assert_eq!(lengths(second), [1_600; 3], "the next time it is not waited for");
}

#[test]
fn what_nobody_took_for_long_is_skipped_and_said_unless_it_was_silence() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    open.second(0);
    let mut growing = Growing::open(&*site.host, about.id(), None).unwrap().unwrap();
    (1..6).for_each(|n| open.second(n));
    let Heard::Sound { at_us, pcm, lost } = growing.look(&*site.host).unwrap() else { panic!("no sound") };
    assert_eq!((at_us, pcm.len()), (5_700_000, 4_800), "the last three tenths");
    let told: Vec<_> = lost.iter().map(|l| (l.at_us, l.for_us, l.why)).collect();
    assert_eq!(told, [(1_000_000, 4_700_000, "skipped")]);
    let pause = |t| {
        let runs = vec![run(64_000, GapCause::SilenceSuppressed, 800, 800)];
        chunk(t, 48_000, runs, &noise(7, 800))
    };
    open.flush(vec![pause(0), pause(1)]);
    let Heard::Sound { at_us, pcm, lost } = growing.look(&*site.host).unwrap() else { panic!("no sound") };
    assert_eq!(
        (at_us, pcm.len(), lost),
        (13_800_000, 4_800, Vec::new()),
        "eight seconds of hold are not replayed"
    );
}

#[test]
fn a_codec_that_changes_in_the_middle_keeps_the_rate_that_was_promised() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    open.second(0);
    let mut growing = Growing::open(&*site.host, about.id(), None).unwrap().unwrap();
    let wide = |n: u8| shared::Track { leg: n % 2, ..super::bench::track(n, "G722", 8_000) };
    open.add_tracks(&[wide(2), wide(3)]);
    open.flush(vec![second(2, 1, 8_000, 8_000), second(3, 1, 8_000, 8_000)]);
    let first = hear(&mut growing, &site).0.len();
    assert_eq!(first, 16_000 - 160, "a second at 8 kHz, but for what the resampler wants to see ahead");
    open.flush(vec![second(2, 2, 8_000, 8_000), second(3, 2, 8_000, 8_000)]);
    open.close();
    assert_eq!(first + hear(&mut growing, &site).0.len(), 32_000, "at the end nothing is held back");
}

fn line(id: RecordingId, extension: &str) -> BoardLine {
    let party =
        api::Party { number: extension.into(), name: String::new(), extension: Some(extension.into()) };
    BoardLine {
        key: 1,
        satellite: None,
        recording_id: Some(id),
        part: None,
        reference: Some("A261122-000001".into()),
        tap: "main trunk".into(),
        side: Side::Trunk,
        state: api::LineState::Recording,
        started_at: Some(START),
        caller: party,
        called: api::Party::default(),
        direction: shared::Direction::Out,
        codecs: vec!["PCMU".into()],
        level_dbfs: None,
        fault: None,
    }
}

fn put(site: &Site, lines: Vec<BoardLine>) {
    site.host.board.send_replace(Arc::new(Board { lines, ..Board::default() }));
}

#[tokio::test]
async fn the_board_comes_whole_then_when_it_changes_and_only_what_is_covered() {
    let site = Site::over(Bench::new());
    put(&site, vec![line(RecordingId([1; 16]), "200"), line(RecordingId([2; 16]), "201")]);
    let who = site.caller(Role::Supervisor, &["200"]);
    let response = site.app.clone().oneshot(who.request(Method::GET, "/live", &[], None)).await.unwrap();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    let mut body = response.into_body();
    let mut event = async || {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let text = String::from_utf8(frame.to_vec()).unwrap();
        let data = text.strip_prefix("event: board\ndata: ").unwrap().trim_end().to_owned();
        serde_json::from_str::<serde_json::Value>(&data).unwrap()["lines"].clone()
    };
    let lines = event().await;
    assert_eq!((lines.as_array().unwrap().len(), &lines[0]["caller"]["number"]), (1, &"200".into()));
    assert_eq!(lines[0]["listenable"], true);
    put(&site, vec![line(RecordingId([2; 16]), "201")]);
    assert_eq!(event().await, serde_json::json!([]), "the call has gone");
    assert_eq!(site.caller(Role::Agent, &["200"]).get("/live").await.status, 403);
}

/// A WebSocket by hand: the handshake's answer, then text and binary messages.
struct Ear {
    stream: TcpStream,
}

impl Ear {
    /// Asks over a real socket; gives the status and the ear.
    async fn open(site: &Site, who: &Who, id: RecordingId, origin: &str) -> (u16, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = site.app.clone();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {}/live/{id}/audio HTTP/1.1\r\nHost: {address}\r\nOrigin: {}\r\nCookie: {}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            api::PREFIX,
            origin.replace("{host}", &address.to_string()),
            who.cookie()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), Self { stream })
    }

    /// Reads a message: kind and octets. Servers do not mask.
    async fn message(&mut self) -> (u8, Vec<u8>) {
        let kind = self.stream.read_u8().await.unwrap() & 15;
        let length = match self.stream.read_u8().await.unwrap() {
            126 => usize::from(self.stream.read_u16().await.unwrap()),
            short => usize::from(short),
        };
        let mut octets = vec![0; length];
        self.stream.read_exact(&mut octets).await.unwrap();
        (kind, octets)
    }
}

#[tokio::test]
async fn a_live_call_is_heard_over_a_websocket_until_it_ends() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    (0..2).for_each(|n| open.second(n));
    put(&site, vec![line(about.id(), "200")]);
    let who = site.caller(Role::Supervisor, &["200"]);
    let (status, mut ear) = Ear::open(&site, &who, about.id(), "http://{host}").await;
    assert_eq!(status, 101);
    let (kind, head) = ear.message().await;
    assert_eq!(
        (kind, String::from_utf8(head).unwrap()),
        (1, r#"{"rate_hz":8000,"channels":2,"at_ms":2000}"#.into())
    );
    open.second(2);
    let first = ear.message().await;
    assert_eq!((first.0, first.1.len()), (2, 800 * 4), "at most a tenth of a second of two legs");
    open.second(3);
    open.close();
    let (mut octets, mut end) = (first.1, String::new());
    let all = async {
        while end.is_empty() {
            match ear.message().await {
                (2, piece) => octets.extend(piece),
                (1, text) => end = String::from_utf8(text).unwrap(),
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
    assert_eq!((octets.len(), end.as_str()), (2 * 32_000, r#"{"end":"call-ended"}"#));
    let near: Vec<i16> = octets.chunks(4).map(|f| i16::from_le_bytes([f[0], f[1]])).collect();
    assert!(near == mulaw(&[noise(2, 8_000), noise(3, 8_000)].concat()), "sample by sample");
    assert_eq!(site.acts(), ["listen-live"]);
    assert!(site.host.listening.load(Ordering::Relaxed) >= 1, "the recorder was asked to write quickly");
}

#[tokio::test]
async fn nobody_listens_from_another_page_or_outside_their_scope() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    open.second(0);
    put(&site, vec![line(about.id(), "200")]);
    let (who, other) = (site.caller(Role::Supervisor, &["200"]), site.caller(Role::Supervisor, &["201"]));
    let agent = site.caller(Role::Agent, &["200"]);
    let missing = RecordingId([9; 16]);
    for (who, id, origin, expected) in [
        (&who, about.id(), "http://evil.example", 403),
        (&agent, about.id(), "http://{host}", 403),
        (&other, about.id(), "http://{host}", 404),
        (&who, missing, "http://{host}", 404),
        (&who, about.id(), "http://{host}", 101),
    ] {
        assert_eq!(Ear::open(&site, who, id, origin).await.0, expected, "{id} {origin}");
    }
    let plain = who.get(&format!("/live/{}/audio", about.id())).await;
    assert_eq!(plain.status, 400, "without an upgrade");
    assert_eq!(site.acts(), ["refused", "listen-live"]);
}

#[tokio::test]
async fn a_moment_is_marked_while_the_call_goes_on_and_hangs_on_its_recording() {
    let site = Site::over(Bench::new());
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = site.bench.begin(&about);
    (0..3).for_each(|n| open.second(n));
    put(&site, vec![line(about.id(), "200")]);
    let who = site.caller(Role::Supervisor, &["200"]);
    let notes = format!("/recordings/{}/notes", about.id());
    let mark = |at_ms: u64| serde_json::json!({ "at_ms": at_ms, "text": "here" });
    let reply = who.send(Method::POST, &notes, mark(1_500)).await;
    assert_eq!(reply.status, 201, "{}", String::from_utf8_lossy(&reply.bytes));
    assert_eq!((&reply.json()["at_ms"], &reply.json()["text"]), (&1_500.into(), &"here".into()));
    assert_eq!(site.acts(), ["label"], "written down before");
    // Others' calls, moments to come and strangers are as on a recording; a call of others is as none.
    let stranger = site.caller(Role::Supervisor, &["201"]).send(Method::POST, &notes, mark(1)).await;
    let none = site.caller(Role::Supervisor, &["201"]);
    let none = none.send(Method::POST, &format!("/recordings/{}/notes", RecordingId([9; 16])), mark(1)).await;
    assert_eq!((stranger.status, &stranger.bytes), (none.status, &none.bytes));
    assert_eq!(stranger.status, 404);
    assert_eq!(who.send(Method::POST, &notes, mark(2 * 86_400_000)).await.status, 422, "not yet");
    assert_eq!(site.caller(Role::Auditor, &[]).send(Method::POST, &notes, mark(1)).await.status, 403);
    open.close();
    put(&site, Vec::new());
    let detail = who.get(&format!("/recordings/{}", about.id())).await.json();
    let kept = &detail["notes"];
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!((&kept[0]["at_ms"], &kept[0]["text"]), (&1_500.into(), &"here".into()));
    let place = format!("{notes}/{}", kept[0]["id"].as_str().unwrap());
    assert_eq!(
        who.send(Method::DELETE, &place, serde_json::json!({})).await.status,
        204,
        "a note like any other"
    );
}
