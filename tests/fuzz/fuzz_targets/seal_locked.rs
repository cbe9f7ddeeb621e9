//! What is locked away beside the key store: arbitrary octets open under no key, and what was locked opens under its own key and context
//! only, whatever one octet or length is changed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seal::locked::{lock, unlock};

/// The same dice every time.
struct Dice(u64);

impl rand_core::TryRng for Dice {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        for octet in to {
            *octet = (self.try_next_u64()? >> 32) as u8;
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Dice {}

fuzz_target!(|bytes: &[u8]| {
    let key = [7; 32];
    assert!(unlock(&key, b"here", bytes).is_err(), "nobody locked this");
    let Some((at, plain)) = bytes.split_first_chunk::<2>() else { return };
    let locked = lock(&key, b"here", plain, &mut Dice(1)).expect("short enough");
    assert_eq!(unlock(&key, b"here", &locked).expect("its own").as_slice(), plain);
    assert!(unlock(&key, b"there", &locked).is_err(), "another context");
    assert!(unlock(&[8; 32], b"here", &locked).is_err(), "another key");
    let at = usize::from(u16::from_le_bytes(*at)) % locked.len();
    let mut altered = locked.clone();
    altered[at] ^= 1;
    assert!(unlock(&key, b"here", &altered).is_err(), "octet {at} was changed");
    assert!(unlock(&key, b"here", &locked[..at]).is_err(), "it was cut");
});
