#![no_main]
//! What a satellite may say to the central, and the central to a satellite: any bytes, in any pieces. Nothing panics, messages that
//! are read say themselves again, and a satellite is never asked for more than a bounded amount of work.

use libfuzzer_sys::fuzz_target;
use seal::SigningKey;
use shared::{RecorderId, RecordingId, SiteId, UtcMicros};
use transfer::proto::{
    Digests, Down, Order, Receiver, Refusal, Sender, SenderConfig, Taken, Todo, Up, VERSION, What, Work,
};

const T: UtcMicros = UtcMicros(0);
const WHO: RecorderId = RecorderId([2; 16]);

fuzz_target!(|bytes: &[u8]| {
    let (Some((how, rest)), Some(step)) = (bytes.split_first(), bytes.len().checked_sub(1).map(|n| n / 3 + 1)) else {
        return;
    };
    says_itself_again(rest);
    if how % 2 == 0 { central(rest, step) } else { satellite(rest, step) }
});

fn says_itself_again(message: &[u8]) {
    let mut out = Vec::new();
    if let Ok(up) = Up::read(message) {
        up.write(&mut out);
        assert_eq!(&out[4..], message);
    }
    out.clear();
    if let Ok(down) = Down::read(message) {
        down.write(&mut out);
        assert_eq!(&out[4..], message);
    }
}

fn central(bytes: &[u8], step: usize) {
    let mut receiver = Receiver::new(WHO, 1 << 20, 8, 0, 0);
    let mut hello = Vec::new();
    Up::Hello { version: VERSION, recorder_id: WHO, boot: [0; 16], utc: T }.write(&mut hello);
    receiver.feed(&hello, T, 0).expect("a greeting");
    for (now, piece) in (0..).zip(bytes.chunks(step)) {
        let fed = receiver.feed(piece, T, now);
        while let Some(work) = receiver.next_work() {
            match work {
                Work::Look { handle, .. } => receiver.held(handle, u64::from(handle % 3), None),
                Work::Write { handle, offset, bytes, .. } => {
                    let end = offset + bytes.len() as u64;
                    let is_bad = bytes.first() == Some(&0xff);
                    receiver.written(handle, if is_bad { Taken::Refused(Refusal::Differs) } else { Taken::Length(end) });
                }
                Work::Finish { handle, .. } => receiver.admitted(handle, 1, [0; 64]),
                Work::Read { handle, offset, length, .. } => receiver.bytes(handle, offset, vec![0; length]),
                Work::Greeted { .. } | Work::Crowded { .. } | Work::Status(_) | Work::Calls(_) => {}
            }
        }
        drop(receiver.answers());
        if fed.is_err() || receiver.tick(now).is_err() {
            return;
        }
    }
}

fn satellite(bytes: &[u8], step: usize) {
    let central = SigningKey::from_seed(&[3; 32]).verifying_key();
    let (site_id, order) = (SiteId([1; 16]), Order::LiveFirst);
    let mut sender = Sender::new(SenderConfig { site_id, recorder_id: WHO, boot: [4; 16], central, order });
    for n in 0..4 {
        let what = What::Part(RecordingId([n; 16]), 0);
        sender.grew(what, 1_000, 0);
        if n % 2 == 0 {
            sender.sealed(what, 1_000, Digests { sha256: [n; 32], blake3: [n; 32] }, 0);
        }
    }
    sender.cut(What::Part(RecordingId([9; 16]), 1), 10, 0);
    sender.connect(T, 0);
    for (now, piece) in (0..).zip(bytes.chunks(step)) {
        let fed = sender.feed(piece, now);
        for _ in 0..1_000 {
            match sender.next(now) {
                None => break,
                Some(Todo::Read { what, offset, length }) => {
                    assert!(offset + length as u64 <= 1_000, "only bytes that stand there");
                    sender.read(what, offset, vec![0; length], now);
                }
                Some(Todo::Receipted { .. }) => panic!("nobody but the central signs"),
                Some(_) => {}
            }
        }
        if fed.is_err() || sender.tick(now).is_err() {
            sender.lost();
            return;
        }
    }
}
