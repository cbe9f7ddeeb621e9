//! Keys: who may open (recipients), who sealed (signatures), and the short ids by which files name them.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::fields::hex;
use crate::{Result, SealError, hpke_box};

/// The short name of a key: the first eight bytes of SHA-256 of its public half.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// Names a public key.
    #[must_use]
    pub fn of(public: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::digest(public).into();
        let [a, b, c, d, e, f, g, h, ..] = digest;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// How a file key is sealed to a recipient. The order is that of strength.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum RecipientType {
    /// X25519 (HPKE KEM 0x0020).
    X25519 = 1,
    /// X-Wing: X25519 and ML-KEM-768 together (HPKE KEM 0x647A). The default.
    XWing = 2,
}

impl RecipientType {
    /// Finds a type by its number in files and in `site.json`.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            1 => Some(Self::X25519),
            2 => Some(Self::XWing),
            _ => None,
        }
    }

    /// Returns the number kept in files.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the length of a public key in bytes.
    #[must_use]
    pub const fn public_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1_216,
        }
    }

    /// Returns the length of an encapsulated key in bytes.
    #[must_use]
    pub const fn enc_len(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1_120,
        }
    }
}

/// A public key to which files are sealed: of a day, of the site's recovery, or of central's audit.
#[derive(Clone, PartialEq, Eq)]
pub struct RecipientKey {
    kind: RecipientType,
    public: Vec<u8>,
    id: KeyId,
}

impl RecipientKey {
    /// Takes a public key of 32 (X25519) or 1,216 bytes (X-Wing).
    ///
    /// # Errors
    /// A length that does not fit, or bytes that are no key.
    pub fn from_public(kind: RecipientType, public: &[u8]) -> Result<Self> {
        if public.len() != kind.public_len() || !hpke_box::is_public_key(kind, public) {
            return Err(SealError::BadKey);
        }
        Ok(Self { kind, public: public.to_vec(), id: KeyId::of(public) })
    }

    /// Returns the kind of key.
    #[must_use]
    pub const fn kind(&self) -> RecipientType {
        self.kind
    }

    /// Returns the public bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Returns the short name.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.id
    }

    /// Seals a document to this key by HPKE, base mode (RFC 9180); returns the encapsulated key and the ciphertext behind it.
    /// `info` begins with a label of its own, so that nothing sealed for one use opens as another.
    ///
    /// # Errors
    /// A cipher that refuses.
    pub fn seal_document(
        &self,
        info: &[u8],
        aad: &[u8],
        plain: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>> {
        hpke_box::seal(self, info, aad, plain, rng)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecipientKey({:?}, {})", self.kind, self.id)
    }
}

/// The private half of a [`RecipientKey`]: a seed of 32 random bytes, wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct RecipientSecret {
    kind: RecipientType,
    seed: Zeroizing<[u8; 32]>,
}

impl RecipientSecret {
    /// Takes a seed. For X25519 it is the private key itself.
    #[must_use]
    pub fn from_seed(kind: RecipientType, seed: [u8; 32]) -> Self {
        Self { kind, seed: Zeroizing::new(seed) }
    }

    /// Returns the kind of key.
    #[must_use]
    pub const fn kind(&self) -> RecipientType {
        self.kind
    }

    /// Returns the seed, for the stores that seal it again.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Opens what [`RecipientKey::seal_document`] made: `sealed` is the encapsulated key and the ciphertext. `None` if this is
    /// not the key or anything was altered.
    #[must_use]
    pub fn open_document(&self, info: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        hpke_box::open(self, info, aad, sealed)
    }

    /// Derives the public half.
    ///
    /// # Errors
    /// A seed that the KEM refuses.
    pub fn public(&self) -> Result<RecipientKey> {
        let public = hpke_box::public_of(self.kind, &self.seed)?;
        let id = KeyId::of(&public);
        Ok(RecipientKey { kind: self.kind, public, id })
    }
}

/// An Ed25519 key that signs trailers and documents (RFC 8032); wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Takes a seed of 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Returns the seed, for the stores that seal it again.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Returns the public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Returns the short name of the public half.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.verifying_key().key_id()
    }

    /// Signs `label` followed by `message`.
    #[must_use]
    pub fn sign(&self, label: &str, message: &[u8]) -> [u8; 64] {
        self.0.sign(&labelled(label, message)).to_bytes()
    }
}

/// The public half of a [`SigningKey`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Takes the 32 public bytes.
    ///
    /// # Errors
    /// Bytes that are no point of the curve.
    pub fn from_bytes(public: &[u8; 32]) -> Result<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(public).map(Self).map_err(|_no_point| SealError::BadKey)
    }

    /// Returns the 32 public bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns the short name.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::of(self.0.as_bytes())
    }

    /// Tells whether `signature` is this key's over `label` followed by `message`. Small-order keys never verify.
    #[must_use]
    pub fn verifies(&self, label: &str, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(&labelled(label, message), &Signature::from_bytes(signature)).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.key_id())
    }
}

fn labelled(label: &str, message: &[u8]) -> Vec<u8> {
    [label.as_bytes(), message].concat()
}
