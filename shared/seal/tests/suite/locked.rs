//! Bytes locked away beside the key store.

use seal::locked::{lock, unlock};

use super::build::Dice;

#[test]
fn what_was_locked_opens_under_its_key_and_context_and_nothing_else_does() {
    let mut dice = Dice::new(1);
    let (key, plain) = ([7; 32], b"a secret".as_slice());
    let locked = lock(&key, b"here", plain, &mut dice).unwrap();
    assert_eq!(unlock(&key, b"here", &locked).unwrap().as_slice(), plain);
    assert!(unlock(&key, b"there", &locked).is_err());
    assert!(unlock(&[8; 32], b"here", &locked).is_err());
    assert_ne!(lock(&key, b"here", plain, &mut dice).unwrap(), locked, "a nonce is used once");
    for n in 0..locked.len() {
        let mut altered = locked.clone();
        altered[n] ^= 1;
        assert!(unlock(&key, b"here", &altered).is_err(), "byte {n}");
        assert!(unlock(&key, b"here", &locked[..n]).is_err(), "{n} bytes");
    }
    let empty = lock(&key, b"", b"", &mut dice).unwrap();
    assert!(unlock(&key, b"", &empty).unwrap().is_empty());
}
