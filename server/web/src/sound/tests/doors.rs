//! Hearing, finding and taking out through the doors.

use std::io::Cursor;

use api::Role;
use audio::peaks::PeaksView;
use axum::http::{Method, header};
use serde_json::{Value, json};
use shared::{Event, GapCause, LedgerEnd, NotRecorded, RecordingId, Track};
use vault::LedgerEnding;

use super::super::report::judge_zip;
use super::super::zip;
use super::bench::{About, Bench, START, chunk, duplex, noise, run, track};
use super::site::{Reply, Site};

const MISSING: &str = "018bcfe5-687b-7fff-bfff-ffffffffffff";

/// A site with one call of `seconds` of extension 200.
fn site(seconds: u64) -> (Site, RecordingId) {
    let bench = Bench::new();
    let about = About::new(1, duplex("PCMU", 8_000));
    bench.record(&about, seconds);
    (Site::over(bench), about.id())
}

#[tokio::test]
async fn sound_is_given_whole_by_ranges_and_by_its_head() {
    let (site, id) = site(9);
    let who = site.caller(Role::Agent, &["200"]);
    let path = format!("/recordings/{id}/audio");
    let whole = who.get(&path).await;
    assert_eq!((whole.status.as_u16(), whole.bytes.len()), (200, 44 + 9 * 8_000 * 4));
    assert_eq!(whole.header(header::CONTENT_LENGTH), whole.bytes.len().to_string());
    assert_eq!(whole.header(header::CONTENT_TYPE), "audio/wav");
    assert_eq!(whole.header(header::ACCEPT_RANGES), "bytes");
    assert_eq!(whole.header(header::CACHE_CONTROL), "no-store");
    let length = whole.bytes.len();
    for (range, from, to) in [
        ("bytes=0-", 0, length),
        ("bytes=0-43", 0, 44),
        ("bytes=100000-200001", 100_000, 200_002),
        ("bytes=-1", length - 1, length),
        ("bytes=-500000000", 0, length),
        ("bytes=287999-", 287_999, length),
    ] {
        let part = who.range(&path, range).await;
        assert_eq!(part.status, 206, "{range}");
        assert!(part.bytes == whole.bytes[from..to], "{range}");
        let said = format!("bytes {from}-{}/{length}", to - 1);
        assert_eq!(part.header(header::CONTENT_RANGE), said, "{range}");
        assert_eq!(part.header(header::CONTENT_LENGTH), (to - from).to_string());
    }
    let beyond = who.range(&path, "bytes=9999999-").await;
    assert_eq!(
        (beyond.status.as_u16(), beyond.header(header::CONTENT_RANGE)),
        (416, &*format!("bytes */{length}"))
    );
    assert_eq!(beyond.header(header::CONTENT_TYPE), "application/problem+json");
    for odd in ["bytes=0-1,5-6", "bytes=5-4", "frames=0-1", "bytes=x"] {
        let all = who.range(&path, odd).await;
        assert_eq!((all.status.as_u16(), all.bytes.len()), (200, length), "{odd} is overlooked");
    }
    let tag = whole.header(header::ETAG).to_owned();
    let same = who.ask(Method::GET, &path, &[("range", "bytes=0-9"), ("if-range", &tag)], None).await;
    assert_eq!(same.status, 206);
    let other = who.ask(Method::GET, &path, &[("range", "bytes=0-9"), ("if-range", "\"x\"")], None).await;
    assert_eq!(other.status, 200, "a range of another state would not fit");
    let head = who.ask(Method::HEAD, &path, &[], None).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header(header::CONTENT_LENGTH), length.to_string());
}

#[tokio::test]
async fn one_leg_and_lossless_and_lossy_files_are_given_too() {
    let (site, id) = site(5);
    let who = site.caller(Role::Supervisor, &[]);
    let near = who.get(&format!("/recordings/{id}/audio?legs=near")).await;
    assert_eq!(near.bytes.len(), 44 + 5 * 16_000);
    let flac = who.get(&format!("/recordings/{id}/audio?format=flac&download=1")).await;
    assert_eq!((flac.status.as_u16(), &flac.bytes[..4]), (200, b"fLaC".as_slice()));
    assert_eq!(
        flac.header(header::CONTENT_DISPOSITION),
        "attachment; filename=\"20261122-162233_200_0115550100_A261122-000001.flac\""
    );
    let opus = who.get(&format!("/recordings/{id}/audio?format=opus&download=1")).await;
    assert_eq!((opus.status.as_u16(), &opus.bytes[28..36]), (200, b"OpusHead".as_slice()));
    for odd in ["format=mp3", "legs=left", "download=2", "x=1", "format=raw"] {
        let reply = who.get(&format!("/recordings/{id}/audio?{odd}")).await;
        assert!(matches!(reply.status.as_u16(), 400 | 422), "{odd}: {}", reply.status);
    }
    assert_eq!(site.acts(), ["play", "export", "export"]);
}

#[tokio::test]
async fn an_agent_hears_and_does_not_download() {
    let (site, id) = site(2);
    let who = site.caller(Role::Agent, &["200"]);
    assert_eq!(who.get(&format!("/recordings/{id}/audio")).await.status, 200);
    assert_eq!(who.get(&format!("/recordings/{id}/audio?download=1")).await.status, 403);
    let body = json!({ "ids": [id.to_string()] });
    assert_eq!(who.send(Method::POST, "/exports", body).await.status, 403);
    assert_eq!(site.acts(), ["play", "refused", "refused"]);
}

#[tokio::test]
async fn hearing_is_written_down_before_and_once_in_ten_minutes() {
    let (site, id) = site(9);
    let who = site.caller(Role::Auditor, &[]);
    let path = format!("/recordings/{id}/audio");
    for range in ["bytes=0-", "bytes=100-200", "bytes=-5"] {
        assert_eq!(who.range(&path, range).await.status, 206);
    }
    assert_eq!(site.audited(), [("play".to_owned(), id.to_string())]);
    site.wait(601);
    who.range(&path, "bytes=0-1").await;
    assert_eq!(site.acts(), ["play", "play"]);
    let other = site.caller(Role::Auditor, &[]);
    other.range(&path, "bytes=0-1").await;
    assert_eq!(site.acts().len(), 3, "another session is another entry");
}

#[tokio::test]
async fn what_cannot_be_decoded_is_said_and_taken_out_as_it_came() {
    let bench = Bench::new();
    let odd = |n| Track { joinable: false, ..track(n, "EVRC", 8_000) };
    let about = About::new(1, vec![odd(0), odd(1)]);
    bench.record(&about, 3);
    let site = Site::over(bench);
    let (who, id) = (site.caller(Role::Supervisor, &[]), about.id());
    for path in ["audio", "peaks"] {
        let reply = who.get(&format!("/recordings/{id}/{path}")).await;
        assert_eq!(reply.status, 422, "{path}");
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("EVRC") && detail.contains("raw"), "{detail}");
    }
    assert_eq!(who.get(&format!("/recordings/{id}/timeline")).await.status, 200);
    assert_eq!(who.get(&format!("/recordings/{id}")).await.json()["playable"], false);
    let body = json!({ "ids": [id.to_string()], "format": "raw" });
    let zip = who.send(Method::POST, "/exports", body).await;
    let names = names(&zip);
    assert!(names.iter().any(|name| name.ends_with("_track0-near.amxr")), "{names:?}");
    let body = json!({ "ids": [id.to_string()] });
    let zip = who.send(Method::POST, "/exports", body).await;
    let judged = judge_zip(Cursor::new(&zip.bytes), &[site.bench.keys.signer.verifying_key()]).unwrap();
    assert!(judged.is_proven(), "{judged:?}");
    assert!(judged.report.unwrap().failed[0].why.contains("EVRC"), "the others would go on");
}

#[tokio::test]
async fn a_leg_that_is_not_there_is_said() {
    let bench = Bench::new();
    let about = About::new(1, vec![track(0, "PCMU", 8_000)]);
    bench.record(&about, 2);
    let site = Site::over(bench);
    let who = site.caller(Role::Supervisor, &[]);
    let reply = who.get(&format!("/recordings/{}/audio?legs=far", about.id())).await;
    assert_eq!(reply.status, 422);
    assert!(reply.json()["detail"].as_str().unwrap().contains("far"), "it names the leg");
}

fn names(zip: &Reply) -> Vec<String> {
    let mut names = Vec::new();
    let faults = zip::read(Cursor::new(&zip.bytes), |entry, _| {
        names.push(entry.name.clone());
        Ok(())
    });
    assert_eq!(faults.unwrap(), Vec::<String>::new());
    names
}

#[tokio::test]
async fn an_export_verifies_and_any_changed_bit_is_found() {
    let bench = Bench::new();
    let first = About::new(1, duplex("PCMU", 8_000));
    let mut open = bench.begin(&first);
    open.second(0);
    let gap = chunk(0, 8_000, vec![run(800, GapCause::LostInNetwork, 7_200, 7_200)], &noise(3, 7_200));
    open.flush(vec![gap]);
    open.close();
    let second = About { start: START.plus(60_000_000), ..About::new(2, duplex("G722", 8_000)) };
    bench.record(&second, 5);
    let site = Site::over(bench);
    let who = site.caller(Role::Auditor, &[]);
    let ids = [first.id().to_string(), second.id().to_string()];
    let zip = who.send(Method::POST, "/exports", json!({ "ids": ids, "format": "flac" })).await;
    assert_eq!((zip.status.as_u16(), zip.header(header::CONTENT_TYPE)), (200, "application/zip"));
    let names = names(&zip);
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(names[0].ends_with("_A261122-000001.flac") && names[1].ends_with("_A261122-000001.json"));
    assert_eq!(names[4..], ["README.txt", "report.json"]);
    let keys = [site.bench.keys.signer.verifying_key()];
    let judged = judge_zip(Cursor::new(&zip.bytes), &keys).unwrap();
    assert!(judged.is_proven(), "{judged:?}");
    let strangers = [seal::SigningKey::from_seed(&[9; 32]).verifying_key()];
    assert!(!judge_zip(Cursor::new(&zip.bytes), &strangers).unwrap().is_proven(), "signed by nobody known");
    for n in (0..zip.bytes.len()).step_by(zip.bytes.len() / 97) {
        let mut bent = zip.bytes.clone();
        bent[n] ^= 1;
        let judged = judge_zip(Cursor::new(bent), &keys);
        assert!(judged.map_or(true, |j| !j.is_proven()), "byte {n}");
    }
    let at = zip.bytes.windows(4).position(|w| w == b"fLaC").unwrap() + 100;
    let mut bent = zip.bytes.clone();
    bent[at] ^= 0x10;
    let faults = judge_zip(Cursor::new(bent), &keys).unwrap().faults;
    assert!(faults.iter().any(|f| f.starts_with(&names[0])), "it is named: {faults:?}");
    let mut sidecar = Vec::new();
    zip::read(Cursor::new(&zip.bytes), |entry, data| {
        if entry.name == names[1] {
            data.read_to_end(&mut sidecar)?;
        }
        Ok(())
    })
    .unwrap();
    let sidecar: Value = serde_json::from_slice(&sidecar).unwrap();
    assert_eq!(sidecar["gap_map"][0]["gaps"][0]["cause"], "lost-in-network");
    assert_eq!(
        (&sidecar["seal"][0]["signature"], &sidecar["seal"][0]["state"]),
        (&json!("good"), &json!("complete"))
    );
    assert_eq!(sidecar["caller"]["number"], "200");
    assert_eq!(
        site.audited().iter().filter(|(act, _)| act == "export").count(),
        2,
        "an entry for each recording"
    );
}

#[tokio::test]
async fn what_is_hidden_answers_like_what_is_not_there() {
    let bench = Bench::new();
    let hidden = About { caller: "201", ..About::new(1, duplex("PCMU", 8_000)) };
    bench.record(&hidden, 2);
    let site = Site::over(bench);
    let who = site.caller(Role::Administrator, &["200"]);
    let id = hidden.id().to_string();
    let paths = ["", "/timeline", "/peaks", "/audio", "/audio?download=1", "/audio?format=flac"];
    for path in paths {
        let (a, b) = (
            who.get(&format!("/recordings/{id}{path}")).await,
            who.get(&format!("/recordings/{MISSING}{path}")).await,
        );
        assert_eq!((a.status.as_u16(), a.bytes), (404, b.bytes), "{path}");
        assert_eq!((a.headers, 404), (b.headers, b.status.as_u16()), "{path}");
    }
    let writes = [
        (Method::POST, "/recordings/{id}/tags", json!({ "tag": "x" })),
        (Method::DELETE, "/recordings/{id}/tags/x", json!({})),
        (Method::POST, "/recordings/{id}/notes", json!({ "text": "x" })),
        (Method::PUT, "/recordings/{id}/notes/1", json!({ "text": "x" })),
        (Method::DELETE, "/recordings/{id}/notes/1", json!({})),
        (Method::PATCH, "/recordings/{id}", json!({ "subject": "x" })),
        (Method::PUT, "/recordings/{id}/hold", json!({ "reason": "x" })),
        (Method::DELETE, "/recordings/{id}/hold", json!({ "reason": "x" })),
    ];
    for (method, path, body) in writes {
        let at = |id: &str| path.replace("{id}", id);
        let a = who.send(method.clone(), &at(&id), body.clone()).await;
        let b = who.send(method.clone(), &at(MISSING), body).await;
        assert_eq!((a.status.as_u16(), a.bytes), (404, b.bytes), "{method} {path}");
    }
    let a = who.send(Method::POST, "/exports", json!({ "ids": [id] })).await;
    let b = who.send(Method::POST, "/exports", json!({ "ids": [MISSING] })).await;
    assert_eq!((a.status.as_u16(), a.bytes), (404, b.bytes));
    let found = who.get("/recordings").await.json();
    assert_eq!(found["recordings"], json!([]));
    assert_eq!(who.get("/recordings/count").await.json()["count"], 0);
    assert_eq!(who.get("/ledger?all=1&day=2026-11-22").await.json()["entries"], json!([]));
    assert!(
        !site.acts().iter().any(|act| act == "play" || act == "export" || act == "label"),
        "{:?}",
        site.acts()
    );
}

#[tokio::test]
async fn recordings_are_found_page_by_page_and_the_search_is_written_down_once() {
    let bench = Bench::new();
    for n in 1..=7_u8 {
        let start = START.plus(i64::from(n) * 60_000_000);
        bench.record(&About { start, ..About::new(n, duplex("PCMU", 8_000)) }, 1);
    }
    let site = Site::over(bench);
    let who = site.caller(Role::Supervisor, &[]);
    let first = who.get("/recordings?limit=3&number=0115550100").await.json();
    let ids = |page: &Value| -> Vec<String> {
        page["recordings"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    let newest: Vec<String> = [7, 6, 5].iter().map(|n| RecordingId([*n; 16]).to_string()).collect();
    assert_eq!((ids(&first), &first["previous"]), (newest, &Value::Null));
    let path = format!("/recordings?limit=3&number=0115550100&after={}", first["next"].as_str().unwrap());
    let second = who.get(&path).await.json();
    let path =
        format!("/recordings?limit=3&number=0115550100&before={}", second["previous"].as_str().unwrap());
    assert_eq!(ids(&who.get(&path).await.json()), ids(&first), "back again");
    assert_eq!(site.acts(), ["search"], "one entry for a query, however many pages");
    assert_eq!(
        who.get("/recordings/count?number=0115550100").await.json(),
        json!({ "count": 7, "more": false })
    );
    let row = &first["recordings"][0];
    assert_eq!(row["started_at"], "2026-11-22T16:29:33.000000+02:00");
    assert_eq!(
        (&row["caller"]["extension"], &row["playable"], &row["integrity"]),
        (&json!("200"), &json!(true), &json!("sealed"))
    );
    for odd in ["limit=0", "direction=sideways", "since=soon", "nonsense=1", "after=zz"] {
        assert_eq!(who.get(&format!("/recordings?{odd}")).await.status, 400, "{odd}");
    }
}

#[tokio::test]
async fn time_line_and_waveform_tell_what_the_sound_is() {
    let bench = Bench::new();
    let about = About::new(1, duplex("PCMU", 8_000));
    let mut open = bench.begin(&about);
    open.second(0);
    open.event(Event::new("digit", 1_200_000).text("digit", "5"));
    let paused = |t| chunk(t, 8_000, vec![run(8_000, GapCause::Paused, 8_000, 8_000)], &noise(1, 8_000));
    open.flush(vec![paused(0), paused(1)]);
    open.close();
    let site = Site::over(bench);
    let (who, id) = (site.caller(Role::Agent, &["200"]), about.id());
    let line = who.get(&format!("/recordings/{id}/timeline")).await.json();
    assert_eq!(line["length_ms"], 3_000);
    assert_eq!(line["legs"][0]["gaps"], json!([{ "from_ms": 1_000, "to_ms": 2_000, "cause": "paused" }]));
    assert_eq!(line["events"], json!([{ "at_ms": 1_200, "kind": "digit", "text": "digit: 5" }]));
    let peaks = who.get(&format!("/recordings/{id}/peaks?columns=30")).await;
    let view = PeaksView::parse(&peaks.bytes).unwrap();
    assert_eq!((view.channels, view.frames, view.rate_hz), (2, 24_000, 8_000));
    let loud: Vec<bool> = view.channel(0).map(|peak| peak.rms > 1_000).collect();
    assert_eq!(loud, [vec![true; 10], vec![false; 10], vec![true; 10]].concat());
    let again = who.get(&format!("/recordings/{id}/peaks?columns=30")).await;
    assert!(again.bytes == peaks.bytes, "out of memory this time");
    for odd in ["columns=0", "columns=4001", "columns=x"] {
        assert_eq!(who.get(&format!("/recordings/{id}/peaks?{odd}")).await.status, 400, "{odd}");
    }
    let detail = who.get(&format!("/recordings/{id}")).await.json();
    assert_eq!((&detail["gap_ms"], &detail["has_gap"]), (&json!(1_000), &json!(true)));
    assert_eq!(detail["legs"][0]["gaps"], json!({ "paused": 8_000 }));
    assert_eq!(site.acts(), ["open"], "one entry for looking at one recording");
}

#[tokio::test]
async fn labels_come_back_and_a_hold_is_released_by_an_administrator_only() {
    let (site, id) = site(2);
    let (who, chief) = (site.caller(Role::Supervisor, &[]), site.caller(Role::Administrator, &[]));
    let at = |end: &str| format!("/recordings/{id}{end}");
    assert_eq!(who.send(Method::POST, &at("/tags"), json!({ "tag": " fraud " })).await.status, 204);
    let note = who.send(Method::POST, &at("/notes"), json!({ "at_ms": 1_500, "text": "listen" })).await;
    assert_eq!(note.status, 201);
    let note = note.json();
    assert_eq!(
        (&note["at_ms"], &note["text"], &note["edited"]),
        (&json!(1_500), &json!("listen"), &json!(false))
    );
    let place = at(&format!("/notes/{}", note["id"].as_str().unwrap()));
    let changed = who.send(Method::PUT, &place, json!({ "text": "listen again" })).await.json();
    assert_eq!((&changed["text"], &changed["edited"]), (&json!("listen again"), &json!(true)));
    let detail =
        who.send(Method::PATCH, &at(""), json!({ "subject": "Order 7", "comment": "" })).await.json();
    assert_eq!((&detail["subject"], &detail["tags"]), (&json!("Order 7"), &json!(["fraud"])));
    assert_eq!(
        who.send(Method::PUT, &at("/hold"), json!({ "reason": "case 9", "review": "2027-01-31" }))
            .await
            .status,
        204
    );
    let hold = &who.get(&at("")).await.json()["hold"];
    assert_eq!((&hold["reason"], &hold["review"]), (&json!("case 9"), &json!("2027-01-31")));
    assert_eq!(who.send(Method::DELETE, &at("/hold"), json!({ "reason": "over" })).await.status, 403);
    assert_eq!(chief.send(Method::DELETE, &at("/hold"), json!({ "reason": "over" })).await.status, 204);
    assert_eq!(chief.send(Method::DELETE, &at("/hold"), json!({ "reason": "over" })).await.status, 409);
    assert_eq!(who.send(Method::DELETE, &place, json!({})).await.status, 204);
    assert_eq!(who.send(Method::DELETE, &place, json!({})).await.status, 404);
    assert_eq!(who.send(Method::DELETE, &at("/tags/fraud"), json!({})).await.status, 204);
    assert_eq!(who.send(Method::DELETE, &at("/tags/fraud"), json!({})).await.status, 404);
    for (path, body) in [
        ("/tags", json!({ "tag": "" })),
        ("/tags", json!({ "tag": "x".repeat(61) })),
        ("/notes", json!({ "text": "late", "at_ms": 60_000_000 })),
        ("/notes", json!({ "text": "a\u{0}b" })),
    ] {
        assert_eq!(who.send(Method::POST, &at(path), body.clone()).await.status, 422, "{body}");
    }
    assert_eq!(site.acts().iter().filter(|act| *act == "label").count(), 7);
}

#[tokio::test]
async fn the_ledger_balances_and_shows_its_exceptions_first() {
    let bench = Bench::new();
    bench.record(&About::new(1, duplex("PCMU", 8_000)), 1);
    for (n, why) in [(2, NotRecorded::NoMedia), (3, NotRecorded::Rule)] {
        let entry = bench.vault.allot(RecordingId([n; 16]), START).unwrap();
        let rule = (why == NotRecorded::Rule).then_some(7);
        let ending = LedgerEnding { end: LedgerEnd::NotRecorded(why), rule, at: START.plus(1) };
        bench.vault.end_entry(entry.ledger_no, ending, if n == 2 { "200" } else { "201" }, "999").unwrap();
    }
    bench.vault.commit_ledger().unwrap();
    let site = Site::over(bench);
    let who = site.caller(Role::Auditor, &[]);
    let day = who.get("/ledger?day=2026-11-22").await.json();
    let totals = json!({ "signalled": 3, "recorded": 1, "partly": 0, "not_recorded": 2, "open": 0 });
    assert_eq!((&day["totals"], &day["balanced"]), (&totals, &json!(true)));
    let why = |day: &Value| -> Vec<String> {
        day["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["why"].as_str().unwrap_or("-").to_owned())
            .collect()
    };
    assert_eq!(why(&day), ["no-media", "rule"]);
    let own = day["recorders"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!((&day["recorders"][0]["missing"], &day["recorders"][0]["totals"]), (&json!(0), &totals));
    let chosen = who.get(&format!("/ledger?day=2026-11-22&recorder={own}")).await.json();
    assert_eq!((&chosen["totals"], why(&chosen).len()), (&totals, 2));
    let nobody = who.get(&format!("/ledger?day=2026-11-22&recorder={}", "9".repeat(32))).await.json();
    assert_eq!((&nobody["totals"]["signalled"], why(&nobody).len()), (&json!(0), 0));
    assert_eq!(day["entries"][1]["rule"], 7);
    let page = who.get("/ledger?day=2026-11-22&all=1&limit=2").await.json();
    let path = format!("/ledger?day=2026-11-22&all=1&limit=2&after={}", page["next"].as_str().unwrap());
    let rest = who.get(&path).await.json();
    assert_eq!((why(&rest), &rest["next"]), (vec!["-".to_owned()], &Value::Null));
    assert_eq!(rest["entries"][0]["recording_id"], json!(RecordingId([1; 16]).to_string()));
    let limited = site.caller(Role::Supervisor, &["200"]);
    assert_eq!(why(&limited.get("/ledger?day=2026-11-22").await.json()), ["no-media"], "201 is not theirs");
    for odd in ["day=x", "all=2", "limit=0", "after=1", "recorder=x"] {
        assert_eq!(who.get(&format!("/ledger?{odd}")).await.status, 400, "{odd}");
    }
}
