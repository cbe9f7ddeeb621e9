//! Codes as people type them, and proofs that hold for one question on one connection.
#![allow(clippy::unwrap_used, reason = "tests")]

use seal::SigningKey;
use shared::{RecorderId, SiteId};

use super::{Answer, Code, Greeting, Proven, QUESTION_MAX, Request, Secret};

const SITE: SiteId = SiteId([6; 16]);

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

#[test]
fn a_code_is_read_as_people_type_it() {
    for typed in ["7KPM-3X10", "7kpm3x10", " 7KPM 3XIO ", "7-K-P-M-3-x-l-o"] {
        assert_eq!(code(typed).shown(), "7KPM-3X10", "{typed}");
    }
    for wrong in ["", "7KPM-3X1", "7KPM-3X100", "7KPM-3XU0", "7KPM-3X1é", "7KPM_3X10"] {
        assert!(wrong.parse::<Code>().is_err(), "{wrong}");
    }
    let mut dice = rand_core::UnwrapErr(getrandom::SysRng);
    for _ in 0..100 {
        let drawn = Code::draw(&mut dice);
        assert_eq!(code(&drawn.shown()), drawn);
    }
}

#[test]
fn a_secret_comes_of_code_site_and_salt() {
    let secret = Secret::of(&code("7KPM-3X10"), &SITE, [9; 16]).unwrap();
    assert!(Secret::from_bytes(&secret.expose()).unwrap() == secret);
    assert!(Secret::from_bytes(&secret.expose()[1..]).is_none());
    for other in [
        Secret::of(&code("7KPM-3X11"), &SITE, [9; 16]),
        Secret::of(&code("7KPM-3X10"), &SiteId([7; 16]), [9; 16]),
        Secret::of(&code("7KPM-3X10"), &SITE, [8; 16]),
    ] {
        assert!(other.unwrap() != secret);
    }
}

#[test]
fn a_proof_is_for_one_question_and_one_answer_on_one_connection() {
    let mut bytes = vec![1; 48];
    let secret = Secret::from_bytes(&bytes).unwrap();
    bytes[47] = 2;
    let other = Secret::from_bytes(&bytes).unwrap();
    let asked = secret.asks(&[1; 32], "q");
    assert_ne!(asked, other.asks(&[1; 32], "q"), "another code");
    assert_ne!(asked, secret.asks(&[2; 32], "q"), "another connection");
    assert_ne!(asked, secret.asks(&[1; 32], "p"), "another question");
    let answered = secret.answers(&[1; 32], "q", "ab");
    assert_ne!(answered, other.answers(&[1; 32], "q", "ab"), "another code");
    assert_ne!(answered, secret.answers(&[2; 32], "q", "ab"), "another connection");
    assert_ne!(answered, secret.answers(&[1; 32], "qa", "b"), "the same letters, cut elsewhere");
    assert_ne!(secret.answers(&[1; 32], "", "q"), asked, "central's proof is none of a satellite");
}

#[test]
fn what_is_said_comes_back_and_has_limits() {
    let greeting = Greeting { site_id: SITE, salt: [4; 16] };
    assert_eq!(Greeting::parse(&greeting.to_bytes()), Some(greeting));
    let proven = Proven { text: "x".repeat(100), proof: [3; 32] };
    assert_eq!(Proven::parse(&proven.to_bytes(), QUESTION_MAX), Some(proven.clone()));
    assert_eq!(Proven::parse(&proven.to_bytes(), 100), None);
    let request = Request {
        recorder_id: RecorderId([2; 16]),
        signing_key: SigningKey::from_seed(&[3; 32]).verifying_key(),
        point: [4; 65],
        host: "south".to_owned(),
        interfaces: vec!["eth1".to_owned()],
    };
    assert_eq!(Request::parse(&request.to_text()), Some(request.clone()));
    for odd in [
        Request { host: "x".repeat(65), ..request.clone() },
        Request { host: String::new(), ..request.clone() },
        Request { interfaces: vec!["eth\n1".to_owned()], ..request.clone() },
        Request { interfaces: vec!["e".to_owned(); 65], ..request },
    ] {
        assert_eq!(Request::parse(&odd.to_text()), None, "{odd:?}");
    }
    assert!(Answer::parse("{}").is_none());
}
