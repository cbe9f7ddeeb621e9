#![no_main]
//! What a stranger may say at enrolment, and an impostor answer: any bytes. Nothing panics, and what is read says itself again.

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use shared::SiteId;
use transfer::carrier::{Address, Renewal};
use transfer::enrol::{ANSWER_MAX, Answer, Code, Greeting, Proven, QUESTION_MAX, Refused, Registrar, Request, hear};

struct Nobody;

impl Registrar for Nobody {
    fn site(&self) -> SiteId {
        SiteId([1; 16])
    }
    fn invitations(&self) -> Result<Vec<transfer::enrol::Invitation>, Refused> {
        static SECRET: LazyLock<transfer::enrol::Secret> =
            LazyLock::new(|| transfer::enrol::Secret::from_bytes(&[7; 48]).expect("a salt and a key"));
        Ok(vec![transfer::enrol::Invitation { id: [1; 16], secret: SECRET.clone() }])
    }
    fn take(&self, _invitation: [u8; 16], _request: &Request) -> Result<Answer, Refused> {
        panic!("nobody guesses a proof")
    }
    fn wrong_proof(&self) {}
    fn enrolled(&self, _who: shared::RecorderId) {}
}

fuzz_target!(|bytes: &[u8]| {
    drop(hear(&Nobody, bytes, &[0; 32]));
    drop(Renewal::parse(bytes));
    if let Some(greeting) = Greeting::parse(bytes) {
        assert_eq!(Greeting::parse(&greeting.to_bytes()), Some(greeting));
    }
    if let Some(proven) = Proven::parse(bytes, ANSWER_MAX) {
        assert_eq!(Proven::parse(&proven.to_bytes(), QUESTION_MAX + ANSWER_MAX), Some(proven));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(request) = Request::parse(text) {
        assert_eq!(Request::parse(&request.to_text()), Some(request));
    }
    drop(Answer::parse(text));
    if let Ok(code) = text.parse::<Code>() {
        assert!(code.shown().parse::<Code>().is_ok_and(|again| again == code));
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse::<Address>(), Ok(address));
    }
});
