//! The bench itself: real calls on loopback are placed, heard whole, and written as a capture alike.

use std::process::Stdio;
use std::time::Duration;

use amethyst_tests::calls::{Answer, Plan, Side, Transport, Voice, place, to_pcap};
use amethyst_tests::netns;

fn short(nth: u8) -> Plan {
    Plan {
        calls: 2,
        speech: Duration::from_millis(1_600),
        start_gap: Duration::from_millis(20),
        ring: Duration::from_millis(40),
        voice: Voice::Synthetic,
        ..Plan::apart(nth)
    }
}

fn heard_whole(plan: &Plan) {
    let placed = place(plan).expect("loopback carries calls");
    assert_eq!(placed.len(), 2);
    for call in placed {
        assert!(
            call.was_heard_whole(plan),
            "call {}: {} and {} packets",
            call.call,
            call.caller_heard,
            call.callee_heard
        );
        assert_eq!(
            call.caller.as_ref(),
            Some(&plan.fed(call.call, Side::Caller)),
            "what was fed follows from the plan"
        );
        assert_eq!(call.callee.as_ref(), Some(&plan.fed(call.call, Side::Callee)));
        assert_ne!(call.caller, call.callee);
    }
}

#[test]
fn calls_over_udp_are_heard_whole() {
    heard_whole(&short(100));
}

#[test]
fn calls_over_tcp_with_digits_are_heard_whole() {
    heard_whole(&Plan { transport: Transport::Tcp, digits: "7".to_owned(), ..short(101) });
}

#[test]
fn a_busy_line_and_an_unanswered_one_end_without_a_word() {
    for (nth, answer) in [(102, Answer::Busy), (103, Answer::NoAnswer)] {
        let placed = place(&Plan { answer, ..short(nth) }).expect("loopback carries calls");
        assert!(placed.iter().all(|c| c.caller.is_none() && c.callee.is_none()), "{placed:?}");
    }
}

#[test]
fn a_capture_of_the_same_calls_holds_the_same_bytes() {
    let plan = Plan { digits: "7".to_owned(), ..short(104) };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.pcap");
    let placed = to_pcap(&plan, &file, Duration::from_secs(1_800_000_000)).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
    for call in &placed {
        for fed in [&call.caller, &call.callee].into_iter().flatten() {
            assert!(fed.payload.chunks(160).take(50).all(holds), "every packet of call {}", call.call);
        }
        assert!(holds(call.call_id.as_bytes()));
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_refused_before_the_first_packet() {
    let refused = |plan: Plan| place(&plan).expect_err("must be refused").to_string();
    assert!(refused(Plan { calls: 0, ..short(105) }).contains("nothing to say"));
    assert!(refused(Plan { digits: "x".to_owned(), ..short(105) }).contains("no digit"));
    assert!(refused(Plan { digits: "123456".to_owned(), ..short(105) }).contains("need"));
    assert!(refused(Plan { first: 60_000, ..short(105) }).contains("port above"));
    assert!(refused(Plan { callee_ip: "::1".parse().unwrap(), ..short(105) }).contains("families"));
}

#[test]
fn two_processes_in_two_namespaces_talk_over_a_wire_of_their_own() {
    let pair = match netns::Pair::new("talk") {
        Ok(pair) => pair,
        Err(why) => return println!("{why}"),
    };
    let options =
        ["--calls", "2", "--seconds", "1", "--hum", "--from", netns::A_IP, "--to", netns::B_IP, "--run", "7"];
    let program = env!("CARGO_BIN_EXE_amethyst-calls");
    let callees = pair
        .in_b(program)
        .args(options)
        .args(["--only", "callees", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let callers = pair.in_a(program).args(options).args(["--only", "callers", "--json"]).output().unwrap();
    let callees = callees.wait_with_output().unwrap();
    assert!(callers.status.success() && callees.status.success(), "{callers:?} {callees:?}");
    for (out, side) in [(callers.stdout, "caller"), (callees.stdout, "callee")] {
        let lines: Vec<serde_json::Value> =
            out.split(|&b| b == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect();
        assert_eq!(lines.len(), 2, "a line per call");
        assert!(lines.iter().all(|l| l[side]["packets_heard"] == 50), "{lines:?}");
    }
}
