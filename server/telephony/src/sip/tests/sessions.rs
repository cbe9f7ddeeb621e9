//! Session descriptions: addresses, formats, flow, oddities.

use super::script::at;
use crate::sip::sdp::{Flow, MEDIA_MAX, Media, MediaKind, Session};

fn media(lines: &str) -> Media {
    let text = format!("v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n{lines}");
    Session::parse(text.as_bytes()).unwrap().media.swap_remove(0)
}

#[test]
fn formats_come_from_the_static_table_and_from_rtpmap() {
    let formats = |lines: &str| -> Vec<String> {
        let show = |f: crate::sip::Format| {
            format!("{} {}/{}/{} {}", f.payload_type, f.name, f.clock_hz, f.channels, f.fmtp)
        };
        media(lines).formats.into_iter().map(show).map(|text| text.trim().to_owned()).collect()
    };
    let check = |lines: &str, expected: &[&str]| assert_eq!(formats(lines), expected, "{lines}");
    check("m=audio 4000 RTP/AVP 0 8 18\r\n", &["0 PCMU/8000/1", "8 PCMA/8000/1", "18 G729/8000/1"]);
    check("m=audio 4000 RTP/AVP 9 3 13", &["9 G722/8000/1", "3 GSM/8000/1", "13 CN/8000/1"]);
    check("m=audio 4000 RTP/AVP 10", &["10 L16/44100/2"]);
    let opus = "m=audio 4000 RTP/AVP 111\na=rtpmap:111 opus/48000/2\na=fmtp:111 useinbandfec=1;stereo=0\n";
    check(opus, &["111 opus/48000/2 useinbandfec=1;stereo=0"]);
    check(
        "m=audio 4000 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-16\n",
        &["101 telephone-event/8000/1 0-16"],
    );
    check("m=audio 4000 RTP/AVP 97\na=rtpmap:97 L16/16000/0\n", &["97 L16/16000/1"]);
    // A type that the media line forgot, one that cannot be, one without a name.
    check("m=audio 4000 RTP/AVP 0\na=rtpmap:96 iLBC/8000\n", &["0 PCMU/8000/1", "96 iLBC/8000/1"]);
    check("m=audio 4000 RTP/AVP 300 x 96\na=rtpmap:300 X/1\na=rtpmap:96\n", &["96 /0/1"]);
    // Static numbers may be given another meaning.
    check("m=audio 4000 RTP/AVP 2\na=rtpmap:2 G726-32/8000\n", &["2 G726-32/8000/1"]);
}

#[test]
fn the_nearest_connection_line_counts() {
    let addr = |lines: &str| media(lines).addr.map(|addr| addr.ip().to_string());
    assert_eq!(addr("m=audio 1 RTP/AVP 0").as_deref(), Some("10.0.0.1"));
    assert_eq!(addr("m=audio 1 RTP/AVP 0\nc=IN IP4 10.0.0.7\n").as_deref(), Some("10.0.0.7"));
    assert_eq!(addr("m=audio 1 RTP/AVP 0\nc=IN IP6 2001:db8::7\n").as_deref(), Some("2001:db8::7"));
    assert_eq!(addr("m=audio 1 RTP/AVP 0\nc=IN IP4 239.1.1.1/127/3\n").as_deref(), Some("239.1.1.1"));
    assert_eq!(addr("m=audio 1 RTP/AVP 0\nc=IN IP4 phone.example.org\n"), None);
    assert!(media("m=audio 1 RTP/AVP 0\nc=IN IP4 0.0.0.0").is_blackholed(), "hold of old");
}

#[test]
fn flow_holds_for_all_lines_or_for_one() {
    assert_eq!(media("m=audio 1 RTP/AVP 0\na=sendonly").flow, Flow::SendOnly);
    assert_eq!(media("a=inactive\nm=audio 1 RTP/AVP 0").flow, Flow::Inactive);
    assert_eq!(media("a=inactive\nm=audio 1 RTP/AVP 0\na=RecvOnly\n").flow, Flow::RecvOnly);
    assert_eq!(media("m=audio 1 RTP/AVP 0").flow, Flow::SendRecv);
}

#[test]
fn transports_tell_what_protects() {
    let check = |lines: &str, secure: bool, opaque: bool| {
        let media = media(lines);
        assert_eq!((media.secure, media.opaque), (secure, opaque), "{lines}");
    };
    check("m=audio 1 RTP/AVP 0", false, false);
    check("m=audio 1 RTP/AVPF 0", false, false);
    check("m=audio 1 RTP/SAVP 0", true, false);
    check("m=audio 1 rtp/savpf 0", true, false);
    check("m=audio 1 UDP/TLS/RTP/SAVPF 0", true, true);
    check("m=audio 1 RTP/AVP 0\na=zrtp-hash:1.10 fe30", false, true);
    check("a=fingerprint:sha-256 AA\nm=audio 1 RTP/SAVP 0", true, true);
}

#[test]
fn the_small_lines_are_read() {
    let all = media("m=audio 4000/2 RTP/AVP 0\na=ptime:30\na=rtcp:4009 IN IP4 10.0.0.9\na=rtcp-mux\n");
    assert_eq!((all.port, all.ptime_ms, all.rtcp_mux), (4000, Some(30), true));
    assert_eq!(all.rtcp, Some((Some(at("10.0.0.9:1").addr), 4009)));
    assert_eq!(media("m=audio 1 RTP/AVP 0\na=ptime:20.5").ptime_ms, Some(20));
    assert_eq!(media("m=audio 1 RTP/AVP 0\na=ptime:0").ptime_ms, None);
    assert_eq!(media("m=image 1 udptl t38").kind, MediaKind::FaxT38);
    assert_eq!(media("m=image 1 UDPTL T38").kind, MediaKind::FaxT38);
    assert_eq!(media("m=video 1 RTP/AVP 99").kind, MediaKind::Other);
    assert!(!media("m=audio 70000 RTP/AVP 0").is_active(), "a port that cannot be is none");
    assert!(!media("m=audio").is_active(), "neither is none at all");
}

#[test]
fn candidates_give_further_receivers() {
    let lines = "m=audio 4000 RTP/AVP 0\n\
        a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host\n\
        a=candidate:2 1 udp 1 192.168.1.5 4000 typ host\n\
        a=candidate:2 2 UDP 1 192.168.1.5 4001 typ host\n\
        a=candidate:3 1 TCP 1 192.168.1.6 9 typ host tcptype active\n\
        a=candidate:4 1 UDP 1 host.local 4000 typ host\n\
        a=candidate:2 1 UDP 1 192.168.1.5 4000 typ srflx\n";
    assert_eq!(media(lines).candidates, [at("192.168.1.5:4000")]);
}

#[test]
fn what_is_no_description_is_none() {
    for bad in ["", "v=0\r\n", "hello", "c=IN IP4 1.2.3.4\r\n", "\0\0\0"] {
        assert!(Session::parse(bad.as_bytes()).is_none(), "{bad:?}");
    }
    let crowd = "m=audio 1 RTP/AVP 0\na=sendonly\n".repeat(100);
    assert_eq!(Session::parse(crowd.as_bytes()).unwrap().media.len(), MEDIA_MAX);
}
