//! What is not taken, and why.

use super::*;

#[test]
fn other_bytes_other_names_and_what_is_not_sound_are_refused() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    drop(satellite.record_whole(1..=1));
    let incoming = central.incoming();
    assert_eq!(why(incoming.look(RecorderId([7; 16]), part(1), false)), Refusal::Foreign, "nobody");
    assert_eq!(why(incoming.write(WHO, part(1), 0, b"x")), Refusal::NotNow, "not looked at");
    // A part under another's name, and something that is no part.
    let bytes = satellite.outpost.read(part(1), 0, 1 << 20).unwrap();
    incoming.look(WHO, part(2), false).unwrap();
    assert_eq!(why(incoming.write(WHO, part(2), 0, &bytes)), Refusal::Foreign);
    incoming.look(WHO, part(3), false).unwrap();
    assert_eq!(why(incoming.write(WHO, part(3), 0, &[7; 600])), Refusal::Unsound);
    assert_eq!(why(incoming.write(WHO, part(3), 0, &bytes)), Refusal::Unsound, "once refused");
    // Its header in small pieces: judged when it is whole.
    central.enrol(RecorderId([3; 16]), 'C');
    let other = RecorderId([3; 16]);
    incoming.look(other, part(1), false).unwrap();
    let mut at = 0;
    let refused = loop {
        match incoming.write(other, part(1), at, &bytes[at as usize..at as usize + 100]) {
            Ok(length) => at = length,
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused.why, at < 16_384), (Refusal::Foreign, true));
    // Other bytes where something is held.
    incoming.look(WHO, part(1), false).unwrap();
    assert_eq!(incoming.write(WHO, part(1), 0, &bytes[..900]).unwrap(), 900);
    assert_eq!(
        incoming.write(WHO, part(1), 100, &bytes[100..1_000]).unwrap(),
        1_000,
        "equal bytes, and more"
    );
    let mut changed = bytes.clone();
    changed[950] ^= 1;
    assert_eq!(why(incoming.write(WHO, part(1), 0, &changed)), Refusal::Differs);
    assert_eq!(incoming.read(WHO, part(1), 0, 1 << 20).unwrap(), bytes[..1_000], "nothing was changed");
    assert_eq!(why(incoming.write(WHO, part(1), 1_001, b"x")), Refusal::Unsound, "a hole");
    // Bounded.
    let too_many = (10..).find_map(|n| incoming.look(WHO, part(n), false).err()).unwrap();
    assert_eq!(too_many.why, Refusal::TooMany);
    incoming.gone(WHO);
    assert!(incoming.look(WHO, part(1), false).is_ok());
    central.site.disk.leave_space(900);
    assert_eq!(
        why(incoming.write(WHO, part(1), 1_000, &bytes[1_000..])),
        Refusal::NotNow,
        "recording goes before"
    );
    central.site.disk.leave_space(1 << 30);
    // Whole and wrong.
    incoming.write(WHO, part(1), 1_000, &bytes[1_000..]).unwrap();
    let file = satellite.outpost.files().into_iter().find(|file| file.what == part(1)).unwrap();
    let whole = Whole { who: WHO, what: part(1), size: file.bytes, digests: file.sealed.unwrap() };
    let digests = Digests { sha256: [9; 32], ..whole.digests };
    let take = |whole| central.take_in(&incoming, &[whole]).remove(0);
    assert_eq!(why(take(Whole { digests, ..whole })), Refusal::Unsound);
    assert_eq!(why(take(Whole { size: 9, ..whole })), Refusal::Unsound);
    assert_eq!(why(take(Whole { what: What::Ledger(1), ..whole })), Refusal::Unsound);
    let path = path_of(WHO, part(1));
    central.site.disk.flip(&path, 2_000);
    assert_eq!(why(take(whole)), Refusal::Unsound, "altered on this disk");
    central.site.disk.flip(&path, 2_000);
    assert_eq!(take(whole), Ok(0));
    assert_eq!(why(take(Whole { digests, ..whole })), Refusal::Differs);
    assert_eq!(why(incoming.look(other, part(1), false)), Refusal::Foreign, "it is another's recording");
    let by = By { user: None, name: "Thandi".into(), at: AT };
    assert!(incoming.vault.revoke_satellite(WHO, &by).unwrap());
    assert_eq!(why(incoming.look(WHO, part(1), false)), Refusal::Foreign, "revoked");
    assert_eq!(why(central.take_in(&incoming, &[whole]).remove(0)), Refusal::Foreign);
}

#[test]
fn a_locked_store_lets_it_wait_and_loses_nothing() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    drop(satellite.record_whole(1..=1));
    let incoming = central.incoming();
    let whole = satellite.send(&incoming).unwrap();
    let none = (|_| None::<RecipientSecret>, |_| None);
    let locked = TakeWith { keys: &none, min_suite: RecipientType::X25519 };
    assert_eq!(why(incoming.take_in(&whole, &locked).remove(0)), Refusal::NotNow);
    assert!(incoming.verify_some(&locked).is_empty());
    assert_eq!(central.take_in(&incoming, &whole), [Ok(0)]);
}

#[test]
fn a_frame_that_does_not_open_is_told_while_the_call_goes_on() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    // A true disk: who reads a file there sees it grow.
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(store::LocalDisk::open(folder.path()).unwrap());
    folder::make(&*disk, "folder").unwrap();
    let limits = IncomingLimits { files: 8, keep_free: 1_000 };
    let incoming = Incoming::new(Arc::new(central.site.vault_on(disk)), limits).unwrap();
    let (_file, _writer, _row) = satellite.maker.record(&satellite.outpost, 1).unwrap();
    let bytes = satellite.outpost.read(part(1), 0, 1 << 20).unwrap();
    // The last frame is another: its checksum is right, its tag is not.
    let start = bytes.windows(4).rposition(|w| w == b"AMXF").unwrap();
    let mut forged = bytes;
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let crc = crc32c::crc32c(
        &[&forged[start..start + seal::HEAD_LEN - 4], &forged[start + seal::HEAD_LEN..]].concat(),
    );
    forged[start + seal::HEAD_LEN - 4..start + seal::HEAD_LEN].copy_from_slice(&crc.to_le_bytes());
    incoming.look(WHO, part(1), false).unwrap();
    incoming.write(WHO, part(1), 0, &forged[..start]).unwrap();
    assert_eq!(central.verify(&incoming), [], "so far it is good");
    let growing = |from| incoming.vault.growing(RecordingId([1; 16]), None, from).unwrap();
    assert!(growing(Some(WHO)).is_some(), "somebody may listen");
    assert!(growing(None).is_none() && growing(Some(RecorderId([99; 16]))).is_none(), "to whom it is");
    incoming.write(WHO, part(1), start as u64, &forged[start..last]).unwrap();
    assert_eq!(central.verify(&incoming), [], "half a frame is none");
    incoming.write(WHO, part(1), last as u64, &forged[last..]).unwrap();
    let alarms = central.verify(&incoming);
    assert_eq!(alarms.iter().map(|alarm| (alarm.who, alarm.what)).collect::<Vec<_>>(), [(WHO, part(1))]);
    assert_eq!(why(incoming.write(WHO, part(1), forged.len() as u64, b"x")), Refusal::Unsound);
    assert_eq!(central.verify(&incoming), [], "told once");
}

#[test]
fn of_two_with_the_same_recording_one_has_it() {
    let (central, satellite) = (Central::new(), Satellite::new(WHO, 'B'));
    let other = RecorderId([3; 16]);
    central.enrol(other, 'C');
    let impostor = Satellite::new(other, 'C');
    drop((satellite.record_whole(1..=1), impostor.record_whole(1..=1)));
    let incoming = central.incoming();
    let mut batch = satellite.send(&incoming).unwrap();
    for file in impostor.outpost.files() {
        incoming.look(other, file.what, false).unwrap();
        let bytes = impostor.outpost.read(file.what, 0, 1 << 20).unwrap();
        incoming.write(other, file.what, 0, &bytes).unwrap();
        let of = |digests| Whole { who: other, what: file.what, size: file.bytes, digests };
        batch.extend(file.sealed.map(of));
    }
    let answers = central.take_in(&incoming, &batch);
    assert_eq!(answers[0], Ok(0));
    assert_eq!(why(answers[1].clone()), Refusal::NotNow);
    assert_eq!(why(central.take_in(&incoming, &batch[1..]).remove(0)), Refusal::Foreign);
    let found = crate::tests::all(&incoming.vault);
    assert_eq!((found.len(), found[0].facts.recorder_id, found[0].parts.len()), (1, WHO, 1));
}

/// Two satellites, and what each says is whole.
fn two_satellites(central: &Central, incoming: &Incoming, theirs: u8) -> [Vec<Whole>; 2] {
    let other = RecorderId([3; 16]);
    central.enrol(other, 'C');
    let (one, two) = (Satellite::new(WHO, 'B'), Satellite::new(other, 'C'));
    drop((one.record_whole(1..=1), two.record_whole(theirs..=theirs)));
    let first = one.send(incoming).unwrap();
    let mut second = Vec::new();
    for file in two.outpost.files() {
        incoming.look(other, file.what, false).unwrap();
        let bytes = two.outpost.read(file.what, 0, 1 << 20).unwrap();
        incoming.write(other, file.what, 0, &bytes).unwrap();
        let of = |digests| Whole { who: other, what: file.what, size: file.bytes, digests };
        second.extend(file.sealed.map(of));
    }
    [first, second]
}

#[test]
fn nobody_waits_for_what_another_must_prove() {
    let central = Central::new();
    let incoming = central.incoming();
    let [first, second] = two_satellites(&central, &incoming, 2);
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let goes_on = Mutex::new(goes_on);
    // The first one's proof comes to its key, and stays there until the second is in.
    let slow = move |_id| {
        begun.send(()).unwrap();
        assert!(goes_on.lock().unwrap().recv().is_err(), "it is let go on");
        Some(RecipientSecret::from_seed(RecipientType::X25519, [3; 32]))
    };
    let keys = (slow, |_| None);
    let with = TakeWith { keys: &keys, min_suite: RecipientType::X25519 };
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| incoming.take_in(&first, &with));
        has_begun.recv().unwrap();
        assert_eq!(central.take_in(&incoming, &second), [Ok(0)]);
        drop(go_on);
        assert_eq!(waits.join().unwrap(), [Ok(1)]);
    });
    assert_eq!(crate::tests::all(&incoming.vault).len(), 2);
}

#[test]
fn of_two_with_the_same_recording_at_the_same_moment_one_has_it() {
    let central = Central::new();
    let incoming = central.incoming();
    let [first, second] = two_satellites(&central, &incoming, 1);
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let goes_on = Mutex::new(goes_on);
    let slow = move |_id| {
        begun.send(()).unwrap();
        assert!(goes_on.lock().unwrap().recv().is_err(), "it is let go on");
        Some(RecipientSecret::from_seed(RecipientType::X25519, [3; 32]))
    };
    let keys = (slow, |_| None);
    let with = TakeWith { keys: &keys, min_suite: RecipientType::X25519 };
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| incoming.take_in(&first, &with).remove(0));
        has_begun.recv().unwrap();
        // Both are proven before either is in.
        assert_eq!(central.take_in(&incoming, &second), [Ok(0)]);
        drop(go_on);
        assert_eq!(why(waits.join().unwrap()), Refusal::Foreign);
    });
    let found = crate::tests::all(&incoming.vault);
    assert_eq!((found.len(), found[0].facts.recorder_id), (1, RecorderId([3; 16])));
}

#[test]
fn nobody_enrols_as_the_central() {
    let central = Central::new();
    let vault = central.site.vault();
    let mut row = vault.satellite(WHO).unwrap().unwrap();
    row.recorder_id = config().recorder_id;
    assert!(vault.take_invitation([b'B'; 16], &row, AT).is_err());
}
