//! Calls of which one side is not heard: placed by SIPp, one leg muted, marked in the list, and told by tap and not by call.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::serve::{Server, all_were_heard, inside, metric, place, plan, recordings, until, within};
use super::site::Site;

/// What SIPp plays, eight seconds of G.711: it comes with it.
const SPEECH: &str = "/usr/share/sip-tester/g711a.pcap";

/// A call of nine seconds in which the caller speaks.
const SPEAKS: &str = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="speaks">
<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:100[call_number]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:100[call_number]@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="200" rtd="true"/>
<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:100[call_number]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0
]]></send>
<nop><action><exec play_pcap_audio="SPEECH"/></action></nop>
<pause milliseconds="9000"/>
<send retrans="500"><![CDATA[
BYE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:100[call_number]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0
]]></send>
<recv response="200"/>
</scenario>
"#;

/// Places calls in which only the caller speaks.
fn one_way_calls(site: &Site, calls: u32) {
    let scenario = site.path("speaks.xml");
    fs::write(scenario, SPEAKS.replace("SPEECH", SPEECH)).unwrap();
    let sipp = |words: &[&str]| {
        let mut sipp = Command::new("sipp");
        sipp.args(words).args(["-m", &calls.to_string(), "-nostdin"]);
        sipp.stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(site.path(""))
            .spawn()
            .expect("sipp starts")
    };
    // It answers, and says nothing.
    let mut mute = sipp(&["-sn", "uas", "-i", "127.0.0.12", "-mi", "127.0.0.12", "-p", "25060"]);
    std::thread::sleep(Duration::from_millis(300));
    let caller = ["-sf", scenario, "-s", "200777", "-i", "127.0.0.11", "-mi", "127.0.0.11", "-p", "15060"];
    let mut speaks = sipp(&[&caller[..], &["-r", "4", "127.0.0.12:25060"]].concat());
    assert!(speaks.wait().unwrap().success(), "the calls went as planned");
    drop(mute.kill());
    drop(mute.wait());
}

fn heard(rows: &[Value], word: &str) -> usize {
    rows.iter().filter(|row| row["heard"] == json!(word)).count()
}

#[test]
fn calls_with_a_mute_side_are_marked_in_the_list_and_told_once_for_their_tap() {
    if !inside("heard", "calls_with_a_mute_side_are_marked_in_the_list_and_told_once_for_their_tap") {
        return;
    }
    if Command::new("sipp").arg("-v").output().is_err() || !Path::new(SPEECH).exists() {
        return println!("skipped: sipp (sip-tester) is not installed");
    }
    let site = Site::new();
    let file = Path::new(site.data()).join("amethyst.toml");
    let text = fs::read_to_string(&file).unwrap();
    let text = text
        .replace("one_way_seconds = 20", "one_way_seconds = 5")
        .replace("one_way_calls = 5", "one_way_calls = 4");
    fs::write(&file, text).unwrap();
    let (server, mut admin) = Server::signed_in(&site);

    // Three of the one kind and eight of the other, one of them too short to be judged: nothing to tell.
    one_way_calls(&site, 3);
    all_were_heard(place(&plan(1, 7, 8)));
    all_were_heard(place(&plan(11, 1, 2)));
    let rows = until("eleven recordings", || Some(recordings(&mut admin, "")).filter(|r| r.len() == 11));
    assert_eq!((heard(&rows, "one-way"), heard(&rows, "both")), (3, 8), "{rows:?}");
    assert!(
        rows.iter().all(|row| row["heard"] != json!("one-way") || row["called"]["number"] == json!("200777"))
    );
    assert_eq!(metric(&mut admin, "amethyst_tap_one_way_total{tap=\"loopback\"}"), 3);

    // The mark is in the file, with the side that is missing.
    let marked = rows.iter().find(|row| row["heard"] == json!("one-way")).unwrap();
    let id = marked["id"].as_str().unwrap();
    let detail = admin.get(&format!("/api/v1/recordings/{id}")).json();
    assert_eq!(detail["heard"], json!("one-way"), "{detail}");
    let event = detail["events"].as_array().unwrap().iter().find(|event| event["kind"] == json!("one_way"));
    let event = event.unwrap_or_else(|| panic!("no mark in {detail}"));
    // The call came in from outside, so the site's own party, which was called, is the near one.
    assert!(event.to_string().contains("near"), "{event}");

    one_way_calls(&site, 2);
    let told = |server: &Server| server.said().matches("calls were heard from one side only").count();
    within(Duration::from_secs(120), "it is told", || (told(&server) == 1).then_some(()));
    assert!(server.said().contains("tap \"loopback\": 5 of the last 12 calls"), "{}", server.said());
    let said = server.end();
    assert_eq!(said.matches("calls were heard from one side only").count(), 1, "{said}");
}

#[test]
fn a_tap_without_calls_is_told_and_what_is_learnt_names_nobody() {
    if !inside("heard", "a_tap_without_calls_is_told_and_what_is_learnt_names_nobody") {
        return;
    }
    let site = Site::new();
    let file = Path::new(site.data()).join("amethyst.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("quiet_minutes = 1440"), "{text}");
    fs::write(&file, text.replace("quiet_minutes = 1440", "quiet_minutes = 1")).unwrap();
    let (server, mut admin) = Server::signed_in(&site);
    all_were_heard(place(&plan(1, 2, 2)));
    until("two recordings", || Some(recordings(&mut admin, "")).filter(|r| r.len() == 2));
    assert_eq!(metric(&mut admin, "amethyst_tap_calls_total{tap=\"loopback\"}"), 2);
    assert_eq!(metric(&mut admin, "amethyst_tap_calls_heard_total{tap=\"loopback\"}"), 2);
    let quiet = "tap \"loopback\": no call for 1 min, and 1 are set as too many";
    within(Duration::from_secs(240), "it is told", || server.said().contains(quiet).then_some(()));
    server.end();
    let learnt = fs::read_to_string(Path::new(site.data()).join("run/pattern.json")).unwrap();
    assert!(learnt.contains("tap/loopback") && !learnt.contains("20000"), "{learnt}");
    let standing = fs::read_to_string(Path::new(site.data()).join("run/standing.json")).unwrap();
    assert!(standing.contains("quiet/tap/loopback"), "{standing}");
}
