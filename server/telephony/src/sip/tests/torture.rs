//! The torture messages of RFC 4475, in their spirit: what must be understood is, what must be refused is.

use super::script::{Script, at, stamp};
use crate::sip::header::HeaderName;
use crate::sip::message::{Method, Start};
use crate::sip::uri::{NameAddr, caller_of};
use crate::sip::{Message, looks_like_sip};

/// 3.1.1.1, a short tortuous INVITE: odd spacing, folding, compact forms, escapes, all of it legal.
const TORTUOUS: &str = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n\
TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n\
MaX-fOrWaRdS: 0068\r\n\
Call-ID: wsinv.ndaksdj@192.0.2.1\r\n\
Content-Length   : 150\r\n\
cseq: 0009\r\n  INVITE\r\n\
Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\n\
s :\r\n\
NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n\
UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\
Content-Type: application/sdp\r\n\
Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n\
v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n\
m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n\
\r\n\
v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n";

#[test]
fn the_tortuous_invite_is_understood() {
    let message = Message::parse(TORTUOUS.as_bytes()).unwrap();
    let tag = |name| NameAddr::parse(message.header(name).unwrap()).tag().to_owned();
    assert_eq!((tag(HeaderName::From).as_str(), tag(HeaderName::To).as_str()), ("98asjd8", "1918181833n"));
    assert_eq!(caller_of(&message).display, "J Rosenberg \\\"");
    assert_eq!(message.cseq(), Some((9, Method::Invite)));
    assert_eq!(message.values(HeaderName::Via).count(), 3);
    let mut s = Script::new();
    // It has a To-tag, so it belongs to a dialog that we did not see beginning.
    let told = s.send_text("A>B", TORTUOUS);
    assert_eq!(told, ["1 new jdrosen>vivekg missed", "1 answered", "1 media? 1>192.0.2.4:49217"]);
}

#[test]
fn a_wide_range_of_characters_is_a_token() {
    // 3.1.1.2
    let text = "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\nCall-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n\r\n";
    let message = Message::parse(text.as_bytes());
    // Not a method that a call has; whether its first sign is taken for a start does not matter, that it does no harm does.
    assert!(
        message.is_err() || matches!(message.unwrap().start, Start::Request { method: Method::Other, .. }),
        "harmless"
    );
}

#[test]
fn escapes_in_users_are_resolved_and_elsewhere_are_not() {
    // 3.1.1.3 and 3.1.1.4
    let party = NameAddr::parse("<sip:sips%3Auser%40example.com@example.net>").party();
    assert_eq!(party.number, "sips:user@example.com");
    assert_eq!(NameAddr::parse("<sip:null-%00-null@example.com>").party().number, "null--null");
}

#[test]
fn a_message_without_space_before_the_bracket_is_read() {
    // 3.1.1.6, lwsdisp
    let name = NameAddr::parse("caller<sip:caller@example.com>;tag=323");
    assert_eq!(
        (name.display.as_ref(), name.address, name.tag()),
        ("caller", "sip:caller@example.com", "323")
    );
}

#[test]
fn long_values_are_read_and_bounded() {
    // 3.1.1.7, longreq
    let long = "long".repeat(200);
    let name = format!("\"I have a user name of {long}\" <sip:{long}@example.com>;tag=1{long}");
    let party = NameAddr::parse(&name).party();
    assert!(party.number.starts_with("longlong") && party.number.len() <= 256, "bounded");
}

#[test]
fn a_second_message_in_the_datagram_is_not_the_first_ones_body() {
    // 3.1.1.8, dblreq
    let text = "REGISTER sip:example.com SIP/2.0\r\nCall-ID: x\r\nCSeq: 8 REGISTER\r\nFrom: sip:a@b;tag=1\r\nTo: sip:a@b\r\nContent-Length:0\r\n\r\n\r\nINVITE sip:joe@example.com SIP/2.0\r\n\r\n";
    assert!(Message::parse(text.as_bytes()).unwrap().body.is_empty(), "no body");
}

#[test]
fn responses_with_unusual_reasons_are_read() {
    // 3.1.1.11 and 3.1.1.12: UTF-8 and none at all.
    for text in ["SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\r\n\r\n", "SIP/2.0 100 \r\n\r\n"] {
        assert!(matches!(Message::parse(text.as_bytes()).unwrap().start, Start::Response { .. }), "{text}");
    }
}

#[test]
fn what_is_no_sip_2_is_refused() {
    // 3.1.2.2 ff.: wrong version, overlarge numbers, start lines that are none.
    for text in [
        "OPTIONS sip:t.watson@example.org SIP/7.0\r\n\r\n",
        "SIP/2.0 4294967301 better not break the receiver\r\n\r\n".replace("4294967301", "99999").as_str(),
        "INVITE\r\n\r\n",
        "  OPTIONS sip:x SIP/2.0\r\n\r\n",
    ] {
        assert!(!looks_like_sip(text.as_bytes()), "{text}");
    }
}

#[test]
fn messages_without_what_they_must_have_are_counted() {
    // 3.3.1: insuf. Each of the four is needed to place a message.
    let whole = "BYE sip:b@h SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 BYE\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n\r\n";
    for missing in ["Call-ID", "From", "To:"] {
        let text: String = whole
            .lines()
            .filter(|line| !line.starts_with(missing))
            .map(|line| format!("{line}\r\n"))
            .collect();
        let mut s = Script::new();
        s.calls.handle_message(stamp(0), s.tap, at("10.0.0.1:5060"), at("10.0.0.2:5060"), text.as_bytes());
        assert_eq!(s.calls.counters().parse_errors, 1, "without {missing}");
    }
}
