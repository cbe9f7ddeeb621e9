//! `keys/slots-<gen8>.amk`: for each login of the coming days a slot that holds that day's chain key under its password.
//!
//! Head, 128 bytes:
//! ```text
//!   0 | 8  | AMXKEYS1            40 | 8  | created UTC us               64 | 32 | SHA-256 of site.json
//!   8 | 16 | site_id             48 | 12 | Argon2 m KiB, t, p           96 | 8  | signing-key id of central
//!  24 | 8  | file generation     60 | 2  | slot length = 160           104 | 24 | 0
//!  32 | 4  | chain_gen           62 | 2  | 0
//!  36 | 4  | count
//! ```
//! then `count` slots by (date, tag), then Ed25519 over "amethyst/daily-login/slots/v1" || all before. A slot, 160 bytes:
//! ```text
//!   0 | 4  | date yyyymmdd       14 | 2  | 0                            72 | 48 | XChaCha20-Poly1305(wk, nonce, K_N)
//!   4 | 8  | tag                 16 | 16 | rand16                      120 | 8  | not_before UTC us
//!  12 | 2  | flags: 1 pepper,    32 | 24 | nonce                       128 | 8  | not_after UTC us
//!          | 2 revoked           56 | 16 | commit                      136 | 24 | 0
//! ```
//! The file's generation is not in what a slot authenticates, so that a slot is carried over unchanged into each night's file:
//! making 800 takes ten minutes of CPU, adding two takes seconds.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use shared::{Day, SiteId, UtcMicros};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::chain::{ChainKey, Chained};
use crate::kdf::{expand, extract};
use crate::lane::Credentials;
use crate::spoken::{Login, Password};
use crate::{LoginError, Result};

const MAGIC: &[u8; 8] = b"AMXKEYS1";
/// The label under which central signs the file.
pub const SIGN_LABEL: &str = "amethyst/daily-login/slots/v1";
const SALT: &[u8] = b"amethyst/daily-login/slot-salt/v1";
const TAG: &[u8] = b"amethyst/daily-login/login-tag/v1";
const AAD: &[u8] = b"amethyst/daily-login/slot-aad/v1";
const KEYS: &[u8] = b"amethyst/daily-login/slot/v1";
const HEAD: usize = 128;
const SLOT: usize = 160;
const SIGNATURE: usize = 64;
/// Ten years ahead on both lanes, with room.
const COUNT_MAX: usize = 10_000;
/// Longer files are no slot files.
pub const SLOT_FILE_MAX: usize = HEAD + COUNT_MAX * SLOT + SIGNATURE;

const NEEDS_PEPPER: u16 = 1;
const REVOKED: u16 = 2;

/// What one try at a password costs by Argon2id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl Default for Cost {
    /// 256 MiB, three passes, four lanes: some 0.8 seconds of CPU.
    fn default() -> Self {
        Self { m_kib: 262_144, t: 3, p: 4 }
    }
}

impl Cost {
    /// A reader refuses more: a file must not take a PC down.
    const fn is_bearable(self) -> bool {
        self.m_kib <= 1 << 20 && self.t <= 16 && self.p <= 16 && self.t > 0 && self.p > 0
    }

    fn to_bytes(self) -> [u8; 12] {
        let mut out = [0; 12];
        let words = out.as_chunks_mut::<4>().0;
        words.iter_mut().zip([self.m_kib, self.t, self.p]).for_each(|(word, n)| *word = n.to_le_bytes());
        out
    }
}

/// The head of a slot file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotHead {
    /// Which chain.
    pub of: Chained,
    /// Rises with each file.
    pub generation: u64,
    /// When it was made.
    pub created: UtcMicros,
    /// What a try costs.
    pub cost: Cost,
    /// SHA-256 of `site.json`.
    pub site_digest: [u8; 32],
    /// Which key of central signed.
    pub signer: [u8; 8],
}

/// A slot as it stands in the file. Carried over from file to file unchanged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    bytes: [u8; SLOT],
    day: Day,
}

/// What is put into a new slot, besides credentials.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Which day.
    pub day: Day,
    /// The start of the civil day.
    pub not_before: UtcMicros,
    /// The start of the next civil day.
    pub not_after: UtcMicros,
}

/// A slot file, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotFile {
    head: SlotHead,
    slots: Vec<Slot>,
}

impl Slot {
    /// Makes the slot of a day: `chain` must be the key of that day. With a pepper only enrolled PCs open it.
    ///
    /// # Errors
    /// [`LoginError::Cost`].
    pub fn make(
        head: &SlotHead,
        window: Window,
        with: &Credentials,
        chain: &ChainKey,
        pepper: Option<&[u8; 32]>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self> {
        let (mut rand16, mut nonce) = ([0; 16], [0; 24]);
        rng.fill_bytes(&mut rand16);
        rng.fill_bytes(&mut nonce);
        let mut bytes = [0; SLOT];
        let flags = if pepper.is_some() { NEEDS_PEPPER } else { 0 };
        put(&mut bytes, 0, &window.day.yyyymmdd().to_le_bytes());
        put(&mut bytes, 4, &tag_of(&head.of.site_id, window.day, with.login));
        put(&mut bytes, 12, &flags.to_le_bytes());
        put(&mut bytes, 16, &rand16);
        put(&mut bytes, 32, &nonce);
        put(&mut bytes, 120, &window.not_before.0.to_le_bytes());
        put(&mut bytes, 128, &window.not_after.0.to_le_bytes());
        let mut slot = Self { bytes, day: window.day };
        let keys = slot.keys(head, with.login, &with.password, pepper)?;
        let (wk, commit) = keys.split_first_chunk::<32>().ok_or(LoginError::WrongPassword)?;
        let mut sealed = Zeroizing::new(*chain.expose());
        let cipher = XChaCha20Poly1305::new(wk.into());
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), &slot.aad(head), sealed.as_mut_slice().into())
            .map_err(|_too_long| LoginError::Document("a slot", "it cannot be sealed"))?;
        put(&mut slot.bytes, 56, commit);
        put(&mut slot.bytes, 72, sealed.as_slice());
        put(&mut slot.bytes, 104, &tag);
        Ok(slot)
    }

    /// Returns its day.
    #[must_use]
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Tells whether it is the slot of this login, on whatever day.
    #[must_use]
    pub fn is_for(&self, site: &SiteId, login: Login) -> bool {
        self.tag() == tag_of(site, self.day, login)
    }

    /// Tells whether it was revoked.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.flags() & REVOKED != 0
    }

    /// Tells whether only enrolled PCs may open it.
    #[must_use]
    pub fn needs_pepper(&self) -> bool {
        self.flags() & NEEDS_PEPPER != 0
    }

    /// Returns the instants between which the login is valid: the civil day in the site's zone.
    #[must_use]
    pub fn window(&self) -> (UtcMicros, UtcMicros) {
        let at = |from| UtcMicros(i64::from_le_bytes(self.field(from)));
        (at(120), at(128))
    }

    /// Takes the slot back: day and tag stay, everything that opens is gone.
    pub fn revoke(&mut self) {
        let flags = self.flags() | REVOKED;
        put(&mut self.bytes, 12, &flags.to_le_bytes());
        if let Some(opens) = self.bytes.get_mut(16..120) {
            opens.zeroize();
        }
    }

    /// Opens the slot: one try by Argon2id. On success `site.json` is authenticated too, by the digest in the head.
    ///
    /// # Errors
    /// [`LoginError::Revoked`], [`LoginError::NotEnrolled`], [`LoginError::WrongPassword`], [`LoginError::Cost`].
    pub fn open(
        &self,
        head: &SlotHead,
        login: Login,
        password: &Password,
        pepper: Option<&[u8; 32]>,
    ) -> Result<ChainKey> {
        if self.is_revoked() {
            return Err(LoginError::Revoked);
        }
        let pepper = if self.needs_pepper() { Some(pepper.ok_or(LoginError::NotEnrolled)?) } else { None };
        let keys = self.keys(head, login, password, pepper)?;
        let (wk, commit) = keys.split_first_chunk::<32>().ok_or(LoginError::WrongPassword)?;
        // Commitment and tag fail alike: a guess learns nothing from which one it was.
        if !bool::from(commit.ct_eq(&self.field::<16>(56))) {
            return Err(LoginError::WrongPassword);
        }
        let mut key = Zeroizing::new(self.field::<32>(72));
        let (nonce, tag) = (self.field::<24>(32), Tag::from(self.field::<16>(104)));
        XChaCha20Poly1305::new(wk.into())
            .decrypt_inout_detached(&nonce.into(), &self.aad(head), key.as_mut_slice().into(), &tag)
            .map_err(|_altered| LoginError::WrongPassword)?;
        Ok(ChainKey::new(self.day, key))
    }

    fn flags(&self) -> u16 {
        u16::from_le_bytes(self.field(12))
    }

    fn tag(&self) -> [u8; 8] {
        self.field(4)
    }

    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    /// wk and commit.
    fn keys(
        &self,
        head: &SlotHead,
        login: Login,
        password: &Password,
        pepper: Option<&[u8; 32]>,
    ) -> Result<Zeroizing<[u8; 48]>> {
        let salt: [u8; 32] = Sha256::new()
            .chain_update(SALT)
            .chain_update(head.of.site_id.bytes())
            .chain_update(self.day.yyyymmdd().to_le_bytes())
            .chain_update(login.to_string())
            .chain_update(self.field::<16>(16))
            .finalize()
            .into();
        let kek = stretched(password, &salt, head.cost)?;
        let kek = pepper.map_or_else(|| kek.clone(), |pepper| extract(pepper, kek.as_slice()));
        Ok(expand(&kek, &[KEYS]))
    }

    fn aad(&self, head: &SlotHead) -> Vec<u8> {
        [
            AAD,
            head.of.site_id.bytes(),
            &head.of.generation.to_le_bytes(),
            &head.cost.to_bytes(),
            &self.field::<32>(0),
            &self.field::<16>(120),
            &head.site_digest,
        ]
        .concat()
    }

    fn read(bytes: [u8; SLOT]) -> Option<Self> {
        let date = u32::from_le_bytes(*bytes.first_chunk()?);
        let slot = Self { bytes, day: Day::from_yyyymmdd(date).ok()? };
        let (from, to) = slot.window();
        let known = slot.flags() & !(NEEDS_PEPPER | REVOKED) == 0;
        let zero = slot.field::<2>(14) == [0; 2] && slot.field::<24>(136) == [0; 24];
        (known && zero && from < to).then_some(slot)
    }
}

impl SlotFile {
    /// Gathers slots, old and new; they are sorted here.
    ///
    /// # Errors
    /// Too many slots, or two of one day with one tag.
    pub fn new(head: SlotHead, mut slots: Vec<Slot>) -> Result<Self> {
        slots.sort_by_key(|slot| (slot.day, slot.tag()));
        let twice =
            slots.windows(2).any(|pair| matches!(pair, [a, b] if (a.day, a.tag()) == (b.day, b.tag())));
        if slots.len() > COUNT_MAX || twice || !head.cost.is_bearable() {
            return Err(wrong("its slots"));
        }
        Ok(Self { head, slots })
    }

    /// Returns the head.
    #[must_use]
    pub const fn head(&self) -> &SlotHead {
        &self.head
    }

    /// Returns the slots by date.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns the file's name.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("slots-{:08}.amk", self.head.generation)
    }

    /// Writes the file. `sign` signs what it is given, which begins with [`SIGN_LABEL`].
    #[must_use]
    pub fn to_bytes(&self, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
        let head = &self.head;
        let mut out = MAGIC.to_vec();
        out.extend(head.of.site_id.bytes());
        out.extend(head.generation.to_le_bytes());
        out.extend(head.of.generation.to_le_bytes());
        out.extend(u32::try_from(self.slots.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(head.created.0.to_le_bytes());
        out.extend(head.cost.to_bytes());
        out.extend([160, 0, 0, 0]);
        out.extend(head.site_digest);
        out.extend(head.signer);
        out.extend([0; 24]);
        self.slots.iter().for_each(|slot| out.extend(slot.bytes));
        let signature = sign(&[SIGN_LABEL.as_bytes(), &out].concat());
        out.extend(signature);
        out
    }

    /// Reads a file. Who signed it can be judged only after a slot was opened: see [`Self::is_signed`].
    ///
    /// # Errors
    /// A damaged file, or one of a newer version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or_else(|| wrong("it is too short"))?;
        let field = |at: usize| head.get(at..).unwrap_or_default();
        let u32_at = |at| field(at).first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
        let u64_at = |at| field(at).first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
        if !head.starts_with(MAGIC) || u32_at(60) != 160 || field(104).iter().any(|b| *b != 0) {
            return Err(wrong("its head"));
        }
        let cost = Cost { m_kib: u32_at(48), t: u32_at(52), p: u32_at(56) };
        if !cost.is_bearable() {
            return Err(wrong("it asks for too much memory or time"));
        }
        let read = SlotHead {
            of: Chained {
                site_id: SiteId(field(8).first_chunk().copied().unwrap_or_default()),
                generation: u32_at(32),
            },
            generation: u64_at(24),
            created: UtcMicros(u64_at(40).cast_signed()),
            cost,
            site_digest: field(64).first_chunk().copied().unwrap_or_default(),
            signer: field(96).first_chunk().copied().unwrap_or_default(),
        };
        let body = rest.split_last_chunk::<SIGNATURE>().map(|(slots, _)| slots);
        let (slots, odd) = body.ok_or_else(|| wrong("it is too short"))?.as_chunks::<SLOT>();
        let count = usize::try_from(u32_at(36)).ok().filter(|n| *n <= COUNT_MAX);
        if count != Some(slots.len()) || !odd.is_empty() {
            return Err(wrong("its length"));
        }
        let slots = slots.iter().map(|slot| Slot::read(*slot)).collect::<Option<Vec<_>>>();
        let slots = slots.ok_or_else(|| wrong("a slot"))?;
        if !slots.is_sorted_by_key(|slot| (slot.day, slot.tag())) {
            return Err(wrong("the order of its slots"));
        }
        Self::new(read, slots)
    }

    /// Tells whether central signed the bytes of a file: `verifies` is given what was signed and the signature.
    pub fn is_signed(bytes: &[u8], verifies: impl FnOnce(&[u8], &[u8; 64]) -> bool) -> bool {
        let parts = bytes.split_last_chunk::<SIGNATURE>();
        parts.is_some_and(|(body, signature)| verifies(&[SIGN_LABEL.as_bytes(), body].concat(), signature))
    }

    /// Finds the slot of a login that is valid at `now`.
    ///
    /// # Errors
    /// [`LoginError::Unknown`], [`LoginError::OtherDay`], [`LoginError::Revoked`].
    pub fn find(&self, login: Login, now: UtcMicros) -> Result<&Slot> {
        let site = &self.head.of.site_id;
        let mut elsewhere = None;
        for slot in self.slots.iter().filter(|slot| slot.is_for(site, login)) {
            let (from, to) = slot.window();
            if from <= now && now < to {
                return if slot.is_revoked() { Err(LoginError::Revoked) } else { Ok(slot) };
            }
            elsewhere.get_or_insert(slot.day);
        }
        Err(elsewhere.map_or(LoginError::Unknown, LoginError::OtherDay))
    }
}

fn stretched(password: &Password, salt: &[u8; 32], cost: Cost) -> Result<Zeroizing<[u8; 32]>> {
    let refused = |_: argon2::Error| LoginError::Cost(cost.m_kib);
    let params = argon2::Params::new(cost.m_kib, cost.t, cost.p, Some(32)).map_err(refused)?;
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut key = Zeroizing::new([0; 32]);
    argon.hash_password_into(password.expose(), salt, key.as_mut_slice()).map_err(refused)?;
    Ok(key)
}

fn tag_of(site: &SiteId, day: Day, login: Login) -> [u8; 8] {
    let sum = Sha256::new()
        .chain_update(TAG)
        .chain_update(site.bytes())
        .chain_update(day.yyyymmdd().to_le_bytes())
        .chain_update(login.to_string())
        .finalize();
    sum.first_chunk().copied().unwrap_or_default()
}

fn put(bytes: &mut [u8; SLOT], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..field.len())) {
        place.copy_from_slice(field);
    }
}

const fn wrong(what: &'static str) -> LoginError {
    LoginError::Document("the slot file", what)
}

#[cfg(test)]
mod tests;
