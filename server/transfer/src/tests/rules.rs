//! A satellite that does not keep the rules is cut off, and bounded until then.

use shared::{RecorderId, UtcMicros};

use super::part;
use super::world::{SECOND, WHO};
use crate::proto::{
    CHUNK_MAX, DRIP_US, Down, ProtocolError, Receiver, Refusal, SILENCE_US, Taken, Up, VERSION, Work,
};

const T: UtcMicros = UtcMicros(0);

fn hello() -> Up {
    Up::Hello { version: VERSION, recorder_id: WHO, boot: [0; 16], utc: T }
}

fn said(ups: &[Up]) -> Vec<u8> {
    let mut out = Vec::new();
    ups.iter().for_each(|up| up.write(&mut out));
    out
}

/// A receiver that was greeted, holds nothing, and was offered part 1 as handle 1.
fn greeted() -> Receiver {
    let mut receiver = Receiver::new(WHO, 1 << 20, 4, 0, 0);
    receiver.feed(&said(&[hello(), offer(1, 1)]), T, 0).unwrap();
    while let Some(work) = receiver.next_work() {
        if let Work::Look { handle, .. } = work {
            receiver.held(handle, 0, None);
        }
    }
    receiver
}

fn offer(handle: u32, n: u64) -> Up {
    Up::Offer { handle, what: part(n), length: 10, digest: false }
}

#[test]
fn what_is_out_of_turn_ends_the_connection() {
    let data = |offset| Up::Data { handle: 1, offset, bytes: vec![1; 10] };
    let sealed = |size| Up::Sealed { handle: 1, size, sha256: [0; 32], blake3: [0; 32] };
    let cases: [(&str, Vec<Up>); 8] = [
        ("a second greeting", vec![hello()]),
        ("a hole", vec![data(1)]),
        ("an end that is not there", vec![data(0), sealed(11)]),
        ("bytes behind the end", vec![data(0), sealed(10), data(10)]),
        ("a file twice", vec![offer(2, 1)]),
        ("a handle twice", vec![offer(1, 2)]),
        (
            "bytes before it was looked up",
            vec![offer(2, 2), Up::Data { handle: 2, offset: 0, bytes: vec![1] }],
        ),
        ("a question for what is not held", vec![Up::Ask { handle: 1, offset: 0, length: 1 }]),
    ];
    for (name, ups) in cases {
        let ended = greeted().feed(&said(&ups), T, 0);
        assert!(matches!(ended, Err(ProtocolError::OutOfTurn(_))), "{name}: {ended:?}");
    }
    let mut receiver = Receiver::new(WHO, 1 << 20, 4, 0, 0);
    assert!(receiver.feed(&said(&[offer(1, 1)]), T, 0).is_err(), "nothing goes before the greeting");
}

#[test]
fn another_s_name_and_another_version_are_refused() {
    let forged = Up::Hello { version: VERSION, recorder_id: RecorderId([9; 16]), boot: [0; 16], utc: T };
    let newer = Up::Hello { version: VERSION + 1, recorder_id: WHO, boot: [0; 16], utc: T };
    let feed = |up| Receiver::new(WHO, 1 << 20, 4, 0, 0).feed(&said(&[up]), T, 0);
    assert_eq!(feed(forged), Err(ProtocolError::Forged));
    assert_eq!(feed(newer), Err(ProtocolError::Version(VERSION + 1)));
}

#[test]
fn ten_thousand_files_at_once_are_four() {
    let mut receiver = greeted();
    drop(receiver.answers());
    let offers: Vec<Up> = (2..10_000).map(|n| offer(n, u64::from(n))).collect();
    receiver.feed(&said(&offers), T, 0).unwrap();
    let work: Vec<Work> = std::iter::from_fn(|| receiver.next_work()).collect();
    assert_eq!(work.iter().filter(|work| matches!(work, Work::Look { .. })).count(), 3);
    assert_eq!(work.last(), Some(&Work::Crowded { files: 4 }), "it is told");
    assert_eq!(work.len(), 4, "once");
    let mut refused = Vec::new();
    Down::Refused { handle: 5, why: Refusal::TooMany }.write(&mut refused);
    assert!(receiver.answers().starts_with(&refused), "and the others are told so");
}

#[test]
fn of_ten_thousand_words_about_itself_the_last_one_is_heard() {
    let mut receiver = greeted();
    let words: Vec<Up> = (0..10_000).map(|n| Up::Status(format!("{{\"calls\":{n}}}").into_bytes())).collect();
    receiver.feed(&said(&words), T, 0).unwrap();
    let work: Vec<Work> = std::iter::from_fn(|| receiver.next_work()).collect();
    assert_eq!(work, [Work::Status(br#"{"calls":9999}"#.to_vec())]);
    receiver.feed(&said(&words[..1]), T, SECOND / 2).unwrap();
    assert_eq!(receiver.next_work(), None, "not more often than once a second");
    receiver.feed(&said(&words[..2]), T, SECOND).unwrap();
    assert_eq!(receiver.next_work(), Some(Work::Status(br#"{"calls":1}"#.to_vec())));
}

#[test]
fn who_says_nothing_and_who_drips_is_let_go() {
    let receiver = Receiver::new(WHO, 1 << 20, 4, 0, 0);
    assert_eq!(receiver.tick(10 * SECOND), Err(ProtocolError::Silent), "no greeting");
    let mut receiver = greeted();
    assert_eq!(receiver.tick(SILENCE_US), Err(ProtocolError::Silent));
    let long = said(&[Up::Status(vec![b' '; 100])]);
    for (second, byte) in (0..=DRIP_US / SECOND).zip(&long) {
        receiver.feed(&[*byte], T, second * SECOND).unwrap();
    }
    assert_eq!(receiver.tick(DRIP_US), Err(ProtocolError::Drip), "a byte a second");
}

#[test]
fn equal_bytes_are_taken_again_and_what_was_refused_may_still_be_on_its_way() {
    let mut receiver = greeted();
    let data = said(&[Up::Data { handle: 1, offset: 0, bytes: vec![1; CHUNK_MAX] }]);
    for _ in 0..2 {
        receiver.feed(&data, T, 0).unwrap();
        let Some(Work::Write { handle, offset: 0, bytes, .. }) = receiver.next_work() else {
            panic!("to be written")
        };
        receiver.written(handle, Taken::Length(bytes.len() as u64));
    }
    receiver.feed(&data, T, 0).unwrap();
    drop(receiver.next_work());
    receiver.written(1, Taken::Refused(Refusal::Differs));
    receiver.feed(&data, T, 0).unwrap();
    assert_eq!(receiver.next_work(), None, "nothing of it is taken any more");
}
