//! `keys/keyvault-<yyyymmdd>-<gen8>.amv` and `keys/recovery-<yyyymmdd>-<gen8>.amr`: what holds the private keys of recordings.
//!
//! Head, 128 bytes, the same for both:
//! ```text
//!   0 | 8  | AMXVLTS1 / AMXRECV1   36 | 4  | date_v yyyymmdd        88 | 4  | ct_len
//!   8 | 16 | site_id               40 | 8  | created UTC us         92 | 4  | 0
//!  24 | 8  | vault generation      48 | 24 | nonce / 0              96 | 32 | SHA-256 of site.json
//!  32 | 4  | chain_gen             72 | 16 | vcommit / 0
//! ```
//! then the ciphertext (of the recovery vault: the HPKE encapsulation, 1,120 bytes, before it), then central's signing-key id,
//! 8 bytes, then Ed25519 over "amethyst/daily-login/vault-sig/v1" || all before. AAD = the head, of both.
//!
//! The key vault opens with the chain key of its date, so with the password of that day or a later one. The recovery vault
//! opens with the paper shares only. What lies in them is not this crate's matter.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305};
use rand_core::CryptoRng;
use shared::{Day, SiteId, UtcMicros};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::chain::{ChainKey, Chained};
use crate::kdf::derive;
use crate::{LoginError, Result};

/// The label under which central signs both files.
pub const SIGN_LABEL: &str = "amethyst/daily-login/vault-sig/v1";
/// HPKE's label for the recovery vault; the site's id stands behind it.
pub const RECOVERY_INFO: &[u8] = b"amethyst/recovery/vault/v1";
/// An encapsulated X-Wing key.
pub const ENC_LEN: usize = 1_120;
const KEYS: &[u8] = b"amethyst/daily-login/vault/v1";
const HEAD: usize = 128;
const FOOT: usize = 72;
const TAG_LEN: usize = 16;
/// Twenty years of days take 370 kB.
pub const VAULT_FILE_MAX: usize = 64 << 20;

/// What both vaults say of themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VaultHead {
    /// Which chain.
    pub of: Chained,
    /// Never used twice in a site.
    pub generation: u64,
    /// The civil day on which it was written: it holds the keys of days up to this one.
    pub date: Day,
    /// When it was made.
    pub created: UtcMicros,
    /// SHA-256 of `site.json`.
    pub site_digest: [u8; 32],
}

/// Both kinds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Key,
    Recovery,
}

/// A key vault as it lies on a medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyVault(Sealed);

/// A recovery vault as it lies on a medium.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecoveryVault(Sealed);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Sealed {
    head: VaultHead,
    head_bytes: [u8; HEAD],
    body: Vec<u8>,
    signer: [u8; 8],
}

impl KeyVault {
    /// Seals `plain` under the chain key of the head's date.
    ///
    /// # Errors
    /// A chain key of another day, or more than the format holds.
    pub fn seal(
        head: VaultHead,
        plain: &[u8],
        chain: &ChainKey,
        signer: [u8; 8],
        rng: &mut impl CryptoRng,
    ) -> Result<Self> {
        if chain.day() != head.date {
            return Err(LoginError::TooNew(head.date));
        }
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let keys = keys(&head, chain);
        let (vk, commit) = keys.split_first_chunk::<32>().ok_or(LoginError::WrongPassword)?;
        let ct_len = plain.len().saturating_add(TAG_LEN);
        let head_bytes = head.to_bytes(Kind::Key, &nonce, commit, ct_len)?;
        let mut body = plain.to_vec();
        let tag = XChaCha20Poly1305::new(vk.into())
            .encrypt_inout_detached(&nonce.into(), &head_bytes, body.as_mut_slice().into())
            .map_err(|_too_long| wrong(Kind::Key, "it is too long"))?;
        body.extend(tag);
        Ok(Self(Sealed { head, head_bytes, body, signer }))
    }

    /// Opens the vault with the chain key of its date or of a later day.
    ///
    /// # Errors
    /// [`LoginError::TooNew`] if the key is of an earlier day; nothing could open it then. [`LoginError::WrongPassword`].
    pub fn open(&self, chain: &ChainKey) -> Result<Zeroizing<Vec<u8>>> {
        let head = &self.0.head;
        let chain = chain.back_to(head.date, head.of).ok_or(LoginError::TooNew(head.date))?;
        let keys = keys(head, &chain);
        let (vk, commit) = keys.split_first_chunk::<32>().ok_or(LoginError::WrongPassword)?;
        let (nonce, known) = (field::<24>(&self.0.head_bytes, 48), field::<16>(&self.0.head_bytes, 72));
        if !bool::from(commit.ct_eq(&known)) {
            return Err(LoginError::WrongPassword);
        }
        let (ct, tag) = self.0.body.split_last_chunk::<TAG_LEN>().ok_or(LoginError::WrongPassword)?;
        let mut plain = Zeroizing::new(ct.to_vec());
        XChaCha20Poly1305::new(vk.into())
            .decrypt_inout_detached(
                &nonce.into(),
                &self.0.head_bytes,
                plain.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .map_err(|_altered| LoginError::WrongPassword)?;
        Ok(plain)
    }

    /// Returns what it says of itself.
    #[must_use]
    pub const fn head(&self) -> &VaultHead {
        &self.0.head
    }

    /// Returns the file's name.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("keyvault-{}-{:08}.amv", self.0.head.date.yyyymmdd(), self.0.head.generation)
    }

    /// Writes the file. `sign` signs what it is given, which begins with [`SIGN_LABEL`].
    #[must_use]
    pub fn to_bytes(&self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
        self.0.to_bytes(sign)
    }

    /// Reads a file. Judge the signature by [`is_signed`].
    ///
    /// # Errors
    /// A damaged file, or one of a newer version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Sealed::parse(Kind::Key, bytes).map(Self)
    }

    /// Returns the id of the key that signed.
    #[must_use]
    pub const fn signer(&self) -> [u8; 8] {
        self.0.signer
    }
}

impl RecoveryVault {
    /// Seals to the site's recovery key: `seal` is HPKE base mode to it, given `info` and AAD, and returns the encapsulation and
    /// the ciphertext of a plaintext of `plain_len` bytes.
    ///
    /// # Errors
    /// Those of `seal`, a ciphertext of another length, or more than the format holds.
    pub fn seal<E: From<LoginError>>(
        head: VaultHead,
        plain_len: usize,
        signer: [u8; 8],
        seal: impl FnOnce(&[u8], &[u8]) -> std::result::Result<Vec<u8>, E>,
    ) -> std::result::Result<Self, E> {
        let ct_len = plain_len.saturating_add(TAG_LEN);
        let head_bytes = head.to_bytes(Kind::Recovery, &[0; 24], &[0; 16], ct_len)?;
        let body = seal(&recovery_info(&head.of.site_id), &head_bytes)?;
        if body.len() != ENC_LEN.saturating_add(ct_len) {
            return Err(wrong(Kind::Recovery, "its encapsulation has another length").into());
        }
        Ok(Self(Sealed { head, head_bytes, body, signer }))
    }

    /// Opens with the paper's key: `open` is HPKE, given `info`, AAD, encapsulation and ciphertext.
    ///
    /// # Errors
    /// Those of `open`.
    pub fn open<T, E>(
        &self,
        open: impl FnOnce(&[u8], &[u8], &[u8], &[u8]) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let (enc, ct) = self.0.body.split_at_checked(ENC_LEN).unwrap_or_default();
        open(&recovery_info(&self.0.head.of.site_id), &self.0.head_bytes, enc, ct)
    }

    /// Returns what it says of itself.
    #[must_use]
    pub const fn head(&self) -> &VaultHead {
        &self.0.head
    }

    /// Returns the file's name.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("recovery-{}-{:08}.amr", self.0.head.date.yyyymmdd(), self.0.head.generation)
    }

    /// Writes the file. `sign` signs what it is given, which begins with [`SIGN_LABEL`].
    #[must_use]
    pub fn to_bytes(&self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
        self.0.to_bytes(sign)
    }

    /// Reads a file. Judge the signature by [`is_signed`].
    ///
    /// # Errors
    /// A damaged file, or one of a newer version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Sealed::parse(Kind::Recovery, bytes).map(Self)
    }

    /// Returns the id of the key that signed.
    #[must_use]
    pub const fn signer(&self) -> [u8; 8] {
        self.0.signer
    }
}

/// Tells whether central signed the bytes of a vault: `verifies` is given what was signed and the signature.
pub fn is_signed(bytes: &[u8], verifies: impl FnOnce(&[u8], &[u8; 64]) -> bool) -> bool {
    let parts = bytes.split_last_chunk::<64>();
    parts.is_some_and(|(body, signature)| verifies(&[SIGN_LABEL.as_bytes(), body].concat(), signature))
}

impl VaultHead {
    fn to_bytes(self, kind: Kind, nonce: &[u8; 24], commit: &[u8], ct_len: usize) -> Result<[u8; HEAD]> {
        let ct_len =
            u32::try_from(ct_len).ok().filter(|n| usize::try_from(*n).is_ok_and(|n| n <= VAULT_FILE_MAX));
        let ct_len = ct_len.ok_or_else(|| wrong(kind, "it is too long"))?;
        let bytes = [
            kind.magic().as_slice(),
            self.of.site_id.bytes(),
            &self.generation.to_le_bytes(),
            &self.of.generation.to_le_bytes(),
            &self.date.yyyymmdd().to_le_bytes(),
            &self.created.0.to_le_bytes(),
            nonce,
            commit,
            &ct_len.to_le_bytes(),
            &[0; 4],
            &self.site_digest,
        ]
        .concat();
        bytes.try_into().map_err(|_length| wrong(kind, "its head"))
    }
}

impl Kind {
    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Key => b"AMXVLTS1",
            Self::Recovery => b"AMXRECV1",
        }
    }

    const fn enc_len(self) -> usize {
        match self {
            Self::Key => 0,
            Self::Recovery => ENC_LEN,
        }
    }
}

impl Sealed {
    fn to_bytes(&self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
        let mut out = [self.head_bytes.as_slice(), &self.body, &self.signer].concat();
        let signature = sign(&[SIGN_LABEL.as_bytes(), &out].concat());
        out.extend(signature);
        out
    }

    fn parse(kind: Kind, bytes: &[u8]) -> Result<Self> {
        if bytes.len() > VAULT_FILE_MAX.saturating_add(HEAD + FOOT + ENC_LEN) {
            return Err(wrong(kind, "it is too long"));
        }
        let (head_bytes, rest) =
            bytes.split_first_chunk::<HEAD>().ok_or_else(|| wrong(kind, "it is too short"))?;
        let (body, foot) = rest.split_last_chunk::<FOOT>().ok_or_else(|| wrong(kind, "it is too short"))?;
        let date = Day::from_yyyymmdd(u32::from_le_bytes(field(head_bytes, 36)));
        let head = VaultHead {
            of: Chained {
                site_id: SiteId(field(head_bytes, 8)),
                generation: u32::from_le_bytes(field(head_bytes, 32)),
            },
            generation: u64::from_le_bytes(field(head_bytes, 24)),
            date: date.map_err(|_no_day| wrong(kind, "its date"))?,
            created: UtcMicros(i64::from_le_bytes(field(head_bytes, 40))),
            site_digest: field(head_bytes, 96),
        };
        let ct_len = usize::try_from(u32::from_le_bytes(field(head_bytes, 88))).unwrap_or(usize::MAX);
        let unused = kind == Kind::Key || field::<40>(head_bytes, 48) == [0; 40];
        if !head_bytes.starts_with(kind.magic()) || field::<4>(head_bytes, 92) != [0; 4] || !unused {
            return Err(wrong(kind, "its head"));
        }
        if ct_len < TAG_LEN || body.len() != ct_len.saturating_add(kind.enc_len()) {
            return Err(wrong(kind, "its length"));
        }
        let signer = foot.first_chunk().copied().unwrap_or_default();
        Ok(Self { head, head_bytes: *head_bytes, body: body.to_vec(), signer })
    }
}

fn keys(head: &VaultHead, chain: &ChainKey) -> Zeroizing<[u8; 48]> {
    let (generation, date) = (head.of.generation.to_le_bytes(), head.date.yyyymmdd().to_le_bytes());
    let info = [KEYS, &generation, &date, &head.generation.to_le_bytes()];
    derive(head.of.site_id.bytes(), chain.expose(), &info)
}

fn recovery_info(site: &SiteId) -> Vec<u8> {
    [RECOVERY_INFO, site.bytes()].concat()
}

fn field<const N: usize>(bytes: &[u8; HEAD], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

const fn wrong(kind: Kind, what: &'static str) -> LoginError {
    match kind {
        Kind::Key => LoginError::Document("the key vault", what),
        Kind::Recovery => LoginError::Document("the recovery vault", what),
    }
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
    use rand_core::TryRng;
    use std::convert::Infallible;

    struct Fixed;
    impl TryRng for Fixed {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> std::result::Result<u32, Infallible> {
            Ok(5)
        }
        fn try_next_u64(&mut self) -> std::result::Result<u64, Infallible> {
            Ok(5)
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> std::result::Result<(), Infallible> {
            out.fill(5);
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Fixed {}

    const OF: Chained = Chained { site_id: SiteId([1; 16]), generation: 1 };

    fn day(n: u32) -> Day {
        Day::from_yyyymmdd(n).unwrap()
    }

    fn head() -> VaultHead {
        let (created, site_digest) = (UtcMicros(3), [4; 32]);
        VaultHead { of: OF, generation: 2, date: day(20_261_122), created, site_digest }
    }

    fn chain(date: u32) -> ChainKey {
        ChainKey::new(day(20_270_101), Zeroizing::new([9; 32])).back_to(day(date), OF).unwrap()
    }

    #[test]
    fn a_vault_opens_on_its_day_and_later_and_never_before() {
        let vault = KeyVault::seal(head(), b"keys", &chain(20_261_122), [7; 8], &mut Fixed).unwrap();
        assert_eq!(vault.file_name(), "keyvault-20261122-00000002.amv");
        for date in [20_261_122, 20_261_123, 20_270_101] {
            assert_eq!(vault.open(&chain(date)).unwrap().as_slice(), b"keys");
        }
        assert_eq!(vault.open(&chain(20_261_121)).err(), Some(LoginError::TooNew(day(20_261_122))));
        assert!(
            KeyVault::seal(head(), b"keys", &chain(20_261_123), [7; 8], &mut Fixed).is_err(),
            "another day's key"
        );
    }

    /// The refusal above is courtesy. This is what holds if somebody takes it out: the key of the day before, passed off as
    /// that of the day, opens nothing.
    #[test]
    fn without_the_check_of_the_date_an_earlier_key_opens_nothing() {
        let vault = KeyVault::seal(head(), b"keys", &chain(20_261_122), [7; 8], &mut Fixed).unwrap();
        let disguised = ChainKey::new(day(20_261_122), Zeroizing::new(*chain(20_261_121).expose()));
        assert_eq!(vault.open(&disguised).err(), Some(LoginError::WrongPassword));
    }

    #[test]
    fn both_files_come_back_and_every_altered_byte_shows() {
        let sign = |message: &[u8]| {
            assert!(message.starts_with(SIGN_LABEL.as_bytes()));
            [8; 64]
        };
        let vault = KeyVault::seal(head(), b"keys", &chain(20_261_122), [7; 8], &mut Fixed).unwrap();
        let bytes = vault.to_bytes(sign);
        assert_eq!(KeyVault::parse(&bytes).unwrap(), vault);
        for at in 0..bytes.len() - FOOT {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            let opened = KeyVault::parse(&altered).and_then(|vault| vault.open(&chain(20_270_101)));
            assert!(opened.is_err(), "byte {at}");
            assert!(KeyVault::parse(&bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(RecoveryVault::parse(&bytes).is_err());

        let body = |_info: &[u8], _aad: &[u8]| Ok::<_, LoginError>(vec![6; ENC_LEN + 4 + TAG_LEN]);
        let vault = RecoveryVault::seal(head(), 4, [7; 8], body).unwrap();
        assert_eq!(vault.file_name(), "recovery-20261122-00000002.amr");
        let bytes = vault.to_bytes(sign);
        let read = RecoveryVault::parse(&bytes).unwrap();
        assert_eq!(read, vault);
        let opened = read.open(|info, aad, enc, ct| {
            assert_eq!((info.len(), aad.len(), enc.len(), ct.len()), (26 + 16, HEAD, ENC_LEN, 20));
            Ok::<_, LoginError>(aad == &bytes[..HEAD])
        });
        assert_eq!(opened, Ok(true));
        let short = |_info: &[u8], _aad: &[u8]| Ok::<_, LoginError>(vec![6; 4]);
        assert!(RecoveryVault::seal(head(), 4, [7; 8], short).is_err());
    }
}
