//! The site recovery secret: 32 random bytes that exist on paper only, as three shares of which two are enough.
//!
//! Shamir's scheme, 2 of 3, in GF(256) with the polynomial 0x11B at x = 1, 2, 3: per byte y = s + c x, with c uniform
//! over all 256 values, 0 included (leaving 0 out would tell something about s). Arithmetic is without tables and
//! branches on secrets. Share = `1 u8 | set 2 | x 1 | y 32 | check 4`, the check being SHA-256 of a label and the first 36
//! bytes: 40 bytes, 64 Crockford symbols.

use hkdf::Hkdf;
use rand_core::CryptoRng;
use seal::{RecipientKey, RecipientSecret, RecipientType, SigningKey};
use sha2::{Digest as _, Sha256};
use shared::SiteId;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{ArchiveError, Result};

const KEM_LABEL: &[u8] = b"amethyst/recovery/kem/v1";
const ROOT_LABEL: &[u8] = b"amethyst/recovery/root-sign/v1";
const SHARE_LABEL: &[u8] = b"amethyst/recovery/share/v1";
const SHARE_VERSION: u8 = 1;
const SHARE_LEN: usize = 40;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The site recovery secret `S`. Wiped when dropped; after `init` it is on paper only.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct RecoverySecret(Zeroizing<[u8; 32]>);

/// One of the three shares; its text goes to paper. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Share(Zeroizing<[u8; SHARE_LEN]>);

impl RecoverySecret {
    /// Draws a new secret.
    #[must_use]
    pub fn draw(rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut_slice());
        Self(secret)
    }

    /// Derives the private recovery key (always X-Wing), to which backups and recovery vaults are sealed.
    #[must_use]
    pub fn kem_secret(&self, site: &SiteId) -> RecipientSecret {
        RecipientSecret::from_seed(RecipientType::XWing, *self.derive(site, KEM_LABEL))
    }

    /// Derives the site's root signing key, which signs central's certificate.
    #[must_use]
    pub fn root_key(&self, site: &SiteId) -> SigningKey {
        SigningKey::from_seed(&self.derive(site, ROOT_LABEL))
    }

    /// Splits the secret into its three shares.
    #[must_use]
    pub fn split(&self, rng: &mut impl CryptoRng) -> [Share; 3] {
        let mut set = [0; 2];
        rng.fill_bytes(&mut set);
        let mut slope = Zeroizing::new([0; 32]);
        rng.fill_bytes(slope.as_mut_slice());
        self.split_with(set, &slope)
    }

    /// Combines two different shares of one set. The result is checked against the site's public recovery key.
    ///
    /// # Errors
    /// Shares that do not belong together, or to another site.
    pub fn combine(first: &Share, second: &Share, site: &SiteId, expected: &RecipientKey) -> Result<Self> {
        let secret = Self::interpolate(first, second)?;
        if secret.kem_secret(site).public()?.key_id() == expected.key_id() {
            Ok(secret)
        } else {
            Err(ArchiveError::OtherSite)
        }
    }

    fn split_with(&self, set: [u8; 2], slope: &[u8; 32]) -> [Share; 3] {
        [1, 2, 3].map(|x| {
            let mut y = Zeroizing::new([0; 32]);
            for ((y, s), c) in y.iter_mut().zip(self.0.iter()).zip(slope) {
                *y = s ^ product(*c, x);
            }
            Share::build(set, x, &y)
        })
    }

    /// The line through two points, at 0: s = (y1 x2 + y2 x1) / (x1 + x2).
    fn interpolate(first: &Share, second: &Share) -> Result<Self> {
        let ((set1, x1, y1), (set2, x2, y2)) = (first.parts(), second.parts());
        if set1 != set2 || x1 == x2 {
            return Err(ArchiveError::ShareSet);
        }
        let scale = inverse(x1 ^ x2);
        let mut secret = Zeroizing::new([0; 32]);
        for ((s, a), b) in secret.iter_mut().zip(y1).zip(y2) {
            *s = product(product(*a, x2) ^ product(*b, x1), scale);
        }
        Ok(Self(secret))
    }

    fn derive(&self, site: &SiteId, label: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(site.bytes()), self.0.as_slice())
            .expand(label, out.as_mut_slice())
            .expect("32 bytes are one block of HKDF-SHA256, which gives up to 255");
        out
    }
}

impl Share {
    /// Writes the share as it goes to paper: 64 symbols in sixteen groups of four, joined by dashes.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(79));
        let (mut bits, mut held, mut written) = (0_u32, 0_u32, 0_u32);
        for byte in self.0.iter() {
            bits = (bits << 8 | u32::from(*byte)) & 0xfff;
            held = held.saturating_add(8);
            while held >= 5 {
                held = held.saturating_sub(5);
                let symbol = usize::try_from(bits >> held & 31).unwrap_or(0);
                if written > 0 && written.is_multiple_of(4) {
                    out.push('-');
                }
                out.push(char::from(*ALPHABET.get(symbol).unwrap_or(&b'0')));
                written = written.saturating_add(1);
            }
        }
        out
    }

    /// Reads a share from paper: forgives case, spaces, line ends and dashes, and I, L, O for 1, 1, 0. `number` (1 for the
    /// first asked for) is named in the error.
    ///
    /// # Errors
    /// A share that was misread: its check does not fit.
    pub fn read(text: &str, number: usize) -> Result<Self> {
        let wrong = || ArchiveError::Share(number);
        let mut bytes = Zeroizing::new([0; SHARE_LEN]);
        let mut places = bytes.iter_mut();
        let (mut bits, mut held, mut symbols) = (0_u32, 0_u32, 0_u32);
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            bits = (bits << 5 | symbol_of(c).ok_or_else(wrong)?) & 0xfff;
            held = held.saturating_add(5);
            symbols = symbols.saturating_add(1);
            if held >= 8 {
                held = held.saturating_sub(8);
                *places.next().ok_or_else(wrong)? = u8::try_from(bits >> held & 0xff).unwrap_or(0);
            }
        }
        let share = Self(bytes);
        let (set, x, y) = share.parts();
        if symbols == 64 && (1..=3).contains(&x) && *Self::build(set, x, y).0 == *share.0 {
            Ok(share)
        } else {
            Err(wrong())
        }
    }

    fn build(set: [u8; 2], x: u8, y: &[u8; 32]) -> Self {
        let mut first = Zeroizing::new(Vec::with_capacity(SHARE_LEN));
        first.extend_from_slice(&[SHARE_VERSION]);
        first.extend_from_slice(&set);
        first.push(x);
        first.extend_from_slice(y);
        let mut digest: [u8; 32] =
            Sha256::new().chain_update(SHARE_LABEL).chain_update(&*first).finalize().into();
        let mut bytes = Zeroizing::new([0; SHARE_LEN]);
        for (to, from) in bytes.iter_mut().zip(first.iter().chain(digest.iter().take(4))) {
            *to = *from;
        }
        digest.zeroize();
        Self(bytes)
    }

    fn parts(&self) -> ([u8; 2], u8, &[u8; 32]) {
        let [_version, set0, set1, x, rest @ ..] = &*self.0;
        let (y, _check) = rest.split_first_chunk::<32>().expect("36 bytes begin with 32");
        ([*set0, *set1], *x, y)
    }
}

fn symbol_of(c: char) -> Option<u32> {
    let c = match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let place = ALPHABET.iter().position(|a| char::from(*a) == c)?;
    u32::try_from(place).ok()
}

/// Multiplies in GF(256) with 0x11B: eight steps whatever the values, masks in place of branches.
fn product(a: u8, b: u8) -> u8 {
    let (mut a, mut out) = (a, 0);
    for bit in 0..8_u32 {
        let take = (b >> bit & 1).wrapping_neg();
        out ^= a & take;
        let over = (a >> 7).wrapping_neg();
        a = a << 1 ^ (0x1b & over);
    }
    out
}

/// Inverts in GF(256): a to the power of 254.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    let mut out = 1;
    for _ in 0..7 {
        power = product(power, power);
        out = product(out, power);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests"
    )]
    use super::*;
    use proptest::prelude::*;

    const VECTOR: &str = "0493-80D5-NPRV-KHED-S78X-BVF1-Z7TG-T281-0M6K-2E95-5MMN-2NAD-85WQ-AVB9-C4Y4-DK9Q";

    fn vector_shares() -> [Share; 3] {
        let secret = RecoverySecret(Zeroizing::new(std::array::from_fn(|i| u8::try_from(i).unwrap())));
        let slope = std::array::from_fn(|i| u8::try_from((0xa5 + 7 * i) % 256).unwrap());
        secret.split_with([0x12, 0x34], &slope)
    }

    #[test]
    fn the_share_of_the_vector() {
        let [one, two, three] = vector_shares();
        assert_eq!(*one.text(), VECTOR);
        for (a, b) in [(&one, &two), (&two, &three), (&three, &one)] {
            let secret = RecoverySecret::interpolate(a, b).unwrap();
            assert!(secret.0.iter().enumerate().all(|(i, s)| usize::from(*s) == i));
        }
        assert!(RecoverySecret::interpolate(&one, &one).is_err(), "one share twice is one share");
    }

    #[test]
    fn a_share_is_read_as_people_write_it() {
        let sloppy = VECTOR.to_lowercase().replace('0', "o").replace('1', "l").replace('-', " ");
        assert_eq!(*Share::read(&sloppy, 1).unwrap().text(), VECTOR);
    }

    #[test]
    fn every_misread_symbol_is_noticed() {
        for i in (0..VECTOR.len()).filter(|i| VECTOR.as_bytes()[*i] != b'-') {
            for c in ALPHABET.iter().map(|b| char::from(*b)) {
                let mut text = VECTOR.to_owned();
                text.replace_range(i..=i, &c.to_string());
                assert_eq!(Share::read(&text, 1).is_ok(), text == VECTOR, "{text}");
            }
        }
        assert!(Share::read(&VECTOR[..78], 1).is_err() && Share::read(&format!("{VECTOR}0"), 1).is_err());
    }

    #[test]
    fn the_field_is_a_field() {
        assert_eq!(product(0x57, 0x83), 0xc1); // FIPS 197, 4.2
        for a in 1..=255 {
            assert_eq!(product(a, inverse(a)), 1, "{a}");
        }
    }

    struct Dice(u8);

    impl rand_core::TryRng for Dice {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> std::result::Result<u32, Self::Error> {
            Ok(self.0.into())
        }
        fn try_next_u64(&mut self) -> std::result::Result<u64, Self::Error> {
            Ok(self.0.into())
        }
        fn try_fill_bytes(&mut self, dst: &mut [u8]) -> std::result::Result<(), Self::Error> {
            for b in dst {
                self.0 = self.0.wrapping_mul(5).wrapping_add(1);
                *b = self.0;
            }
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Dice {}

    #[test]
    fn shares_of_another_site_are_refused() {
        let (site, other) = (SiteId([1; 16]), SiteId([2; 16]));
        let secret = RecoverySecret::draw(&mut Dice(1));
        let public = secret.kem_secret(&site).public().unwrap();
        let [one, _, three] = secret.split(&mut Dice(2));
        let again = RecoverySecret::combine(&one, &three, &site, &public).unwrap();
        assert_eq!(again.root_key(&site).key_id(), secret.root_key(&site).key_id());
        assert!(matches!(
            RecoverySecret::combine(&one, &three, &other, &public),
            Err(ArchiveError::OtherSite)
        ));
        let [_, foreign, _] = secret.split(&mut Dice(3));
        assert!(matches!(
            RecoverySecret::combine(&one, &foreign, &site, &public),
            Err(ArchiveError::ShareSet)
        ));
    }

    proptest! {
        #[test]
        fn any_two_shares_give_the_secret(s: [u8; 32], c: [u8; 32], set: [u8; 2], i in 0..3_usize, j in 0..3_usize) {
            prop_assume!(i != j);
            let shares = RecoverySecret(Zeroizing::new(s)).split_with(set, &c);
            let read = |k: usize| Share::read(&shares[k].text(), k + 1).unwrap();
            prop_assert_eq!(*RecoverySecret::interpolate(&read(i), &read(j)).unwrap().0, s);
        }
    }
}
