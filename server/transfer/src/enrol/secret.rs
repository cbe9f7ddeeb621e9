//! What both ends compute from the code, and the two proofs made with it.

use argon2::{Algorithm, Argon2, Params, Version};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use shared::SiteId;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::Code;

const SATELLITE: &[u8] = b"amethyst/enrol/satellite/v1";
const CENTRAL: &[u8] = b"amethyst/enrol/central/v1";
const SALT: usize = 16;
const KEY: usize = 32;
/// 64 MiB, three passes, one lane: about a fifth of a second of one core for each guess at a code.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// A code's salt and key. Central keeps it, not the code, for the quarter of an hour; whoever has it can enrol as with the code.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    salt: [u8; SALT],
    key: Zeroizing<[u8; KEY]>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// Computes it: Argon2id(code, salt || site id). Takes 64 MiB and about a fifth of a second.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn of(code: &Code, site: &SiteId, salt: [u8; SALT]) -> Result<Self, argon2::Error> {
        let params = Params::new(MEMORY_KIB, PASSES, 1, Some(KEY))?;
        let mut key = Zeroizing::new([0; KEY]);
        let salted = [salt.as_slice(), site.bytes()].concat();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
            code.symbols(),
            &salted,
            key.as_mut_slice(),
        )?;
        Ok(Self { salt, key })
    }

    /// Reads what [`Self::expose`] gave; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let key: &[u8; KEY] = rest.try_into().ok()?;
        Some(Self { salt: *salt, key: Zeroizing::new(*key) })
    }

    /// Returns salt and key, to be kept where nobody reads them.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.salt.as_slice(), self.key.as_slice()].concat())
    }

    /// Returns the salt: it is public.
    #[must_use]
    pub const fn salt(&self) -> [u8; SALT] {
        self.salt
    }

    /// The machine's proof over its question.
    pub(super) fn asks(&self, binding: &[u8; 32], question: &str) -> [u8; 32] {
        self.mac(SATELLITE, binding, &[question])
    }

    /// Central's proof over question and answer.
    pub(super) fn answers(&self, binding: &[u8; 32], question: &str, answer: &str) -> [u8; 32] {
        self.mac(CENTRAL, binding, &[question, answer])
    }

    /// HMAC-SHA256(key, label || binding || for each text its length u64, little-endian, and its bytes).
    fn mac(&self, label: &[u8], binding: &[u8; 32], texts: &[&str]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.as_slice()).expect("HMAC takes keys of any length");
        mac.update(label);
        mac.update(binding);
        for text in texts {
            mac.update(&seal::fields::len64(text.as_bytes()).to_le_bytes());
            mac.update(text.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// Compares two proofs in a time that tells nothing.
pub(super) fn is_same(a: &[u8; 32], b: &[u8]) -> bool {
    a.as_slice().ct_eq(b).into()
}
