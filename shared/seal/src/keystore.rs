//! The key store `keys/keystore.amk`: central's own secrets, sealed under the unlock key.
//!
//! | off | len | field |
//! |---|---|---|
//! | 0 | 8 | `AMXSTOR1` |
//! | 8 | 16 | `site_id` |
//! | 24 | 8 | generation u64, one more with each writing |
//! | 32 | 1 | unlocked by: 1 key file, 2 passphrase |
//! | 33 | 3 | 0 |
//! | 36 | 12 | Argon2id m in KiB, t, p (3 x u32); 0 for a key file |
//! | 48 | 32 | Argon2id salt, kept over generations; 0 for a key file |
//! | 80 | 24 | nonce, random |
//! | 104 | 32 | commitment |
//! | 136 | 4 | `ct_len` |
//! | 140 | 4 | 0 |
//! | 144 | .. | XChaCha20-Poly1305 ciphertext and tag; AAD = bytes 0 to 144 |
//!
//! Unlock key = the 32 bytes of the key file, or Argon2id (version 0x13) of the passphrase. Payload key and commitment =
//! HKDF-SHA256-Expand(unlock key, "amethyst/seal/keystore/v1" || 00 || bytes 0 to 104, 64). Plaintext, deterministic
//! CBOR: `{1: signing seed, 2: catalogue key, 3: [[yyyymmdd, type, key id, seed]], 4: {name: octets}, 5: {key id: yyyymmdd}}`,
//! 5 being the keys that were destroyed and left out while there are none; unknown members are kept. Whoever reads it keeps the highest generation seen: an older file put back is not seen by the file alone.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use shared::{Day, SiteId, UtcMicros};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::cbor::{self, Members, Value};
use crate::day_keys::{DayKey, DayKeyList};
use crate::fields::Fields;
use crate::keys::{KeyId, RecipientKey, RecipientSecret, RecipientType, SigningKey};
use crate::{Result, SealError};

const MAGIC: [u8; 8] = *b"AMXSTOR1";
const HEAD_LEN: usize = 144;
const LABEL: &[u8] = b"amethyst/seal/keystore/v1\0";
/// A store of forty years of day seeds is about 2 MB.
const CT_MAX: usize = 64 << 20;

/// What Argon2id costs.
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
    fn default() -> Self {
        Self { m_kib: 262_144, t: 3, p: 4 }
    }
}

/// How a store is unlocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// By 32 random bytes in a file of their own.
    KeyFile,
    /// By a passphrase.
    Passphrase {
        /// What a guess costs.
        cost: Cost,
        /// Random, kept over generations so that the unlocked program can write the store again.
        salt: [u8; 32],
    },
}

/// The key that opens a store; wiped when dropped.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct UnlockKey {
    key: Zeroizing<[u8; 32]>,
    lock: Lock,
}

impl UnlockKey {
    /// Takes the 32 bytes of the key file.
    #[must_use]
    pub fn from_key_file(bytes: [u8; 32]) -> Self {
        Self { key: Zeroizing::new(bytes), lock: Lock::KeyFile }
    }

    /// Derives the key for a new store from a passphrase. Takes the memory and time that `cost` says.
    ///
    /// # Errors
    /// A cost that Argon2id refuses.
    pub fn new_passphrase(passphrase: &str, cost: Cost, rng: &mut impl CryptoRng) -> Result<Self> {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        Self::derive(passphrase, cost, salt)
    }

    /// Derives the key of an existing store from its passphrase. A wrong one is noticed by [`Keystore::open`].
    ///
    /// # Errors
    /// A damaged store, or one that a key file opens.
    pub fn passphrase_for(store: &[u8], passphrase: &str) -> Result<Self> {
        match lock_of(store)? {
            Lock::Passphrase { cost, salt } => Self::derive(passphrase, cost, salt),
            Lock::KeyFile => Err(SealError::Keystore("it is opened by a key file, not by a passphrase")),
        }
    }

    /// Returns how stores under this key are unlocked.
    #[must_use]
    pub const fn lock(&self) -> Lock {
        self.lock
    }

    fn derive(passphrase: &str, cost: Cost, salt: [u8; 32]) -> Result<Self> {
        let refused = |_: argon2::Error| SealError::Keystore("its passphrase cost is out of range");
        let params = argon2::Params::new(cost.m_kib, cost.t, cost.p, Some(32)).map_err(refused)?;
        let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut key = Zeroizing::new([0; 32]);
        argon.hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice()).map_err(refused)?;
        Ok(Self { key, lock: Lock::Passphrase { cost, salt } })
    }
}

/// The private key of one civil day.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct DaySeed {
    /// The day in the site's zone.
    pub day: Day,
    /// Name of the public half.
    pub key_id: KeyId,
    secret: RecipientSecret,
}

impl DaySeed {
    /// Takes the private key of a day.
    ///
    /// # Errors
    /// A seed that the KEM refuses.
    pub fn new(day: Day, secret: RecipientSecret) -> Result<Self> {
        Ok(Self { day, key_id: secret.public()?.key_id(), secret })
    }

    /// Returns the private key.
    #[must_use]
    pub fn secret(&self) -> RecipientSecret {
        RecipientSecret::from_seed(self.secret.kind(), *self.secret.expose())
    }
}

/// Central's secrets, unlocked. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct Keystore {
    site_id: SiteId,
    generation: u64,
    signing: SigningKey,
    catalogue: Zeroizing<[u8; 32]>,
    days: Vec<DaySeed>,
    named: BTreeMap<String, Zeroizing<Vec<u8>>>,
    shredded: BTreeMap<KeyId, Day>,
    unknown: Members,
}

impl Keystore {
    /// Draws a new store: signing key and catalogue key, no days yet.
    #[must_use]
    pub fn new(site_id: SiteId, rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut_slice());
        let mut catalogue = Zeroizing::new([0; 32]);
        rng.fill_bytes(catalogue.as_mut_slice());
        let signing = SigningKey::from_seed(&seed);
        let (days, named, shredded) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self {
            site_id,
            generation: 0,
            signing,
            catalogue,
            days,
            named,
            shredded,
            unknown: Members::default(),
        }
    }

    /// Puts a store together again from what a recovery vault held, with a signing key of its own. Its next generation is one
    /// more than `generation`. Seal it before it is used.
    #[must_use]
    pub fn restored(
        site_id: SiteId,
        generation: u64,
        signing: SigningKey,
        catalogue: Zeroizing<[u8; 32]>,
        mut days: Vec<DaySeed>,
        shredded: BTreeMap<KeyId, Day>,
        named: BTreeMap<String, Zeroizing<Vec<u8>>>,
    ) -> Self {
        days.sort_by_key(|d| d.day);
        Self { site_id, generation, signing, catalogue, days, named, shredded, unknown: Members::default() }
    }

    /// Opens a store.
    ///
    /// # Errors
    /// [`SealError::Keystore`] for damage that shows without a key, [`SealError::Locked`] for a wrong key or any
    /// alteration.
    pub fn open(bytes: &[u8], key: &UnlockKey) -> Result<Self> {
        let head = Head::parse(bytes)?;
        let (head_bytes, ct) =
            bytes.split_at_checked(HEAD_LEN).ok_or(SealError::Keystore("it is cut off"))?;
        let okm = derive(key, head_bytes.get(..104).unwrap_or_default())?;
        let (payload_key, commitment) = okm.split_at(32);
        if !bool::from(commitment.ct_eq(&head.commitment)) {
            return Err(SealError::Locked);
        }
        let mut plain = Zeroizing::new(ct.to_vec());
        let len = plain.len();
        let tag = plain.split_off(len.saturating_sub(16));
        let tag = Tag::try_from(tag.as_slice()).map_err(|_short| SealError::Keystore("it is cut off"))?;
        let cipher = XChaCha20Poly1305::new_from_slice(payload_key).map_err(|_length| SealError::Locked)?;
        cipher
            .decrypt_inout_detached(&head.nonce.into(), head_bytes, plain.as_mut_slice().into(), &tag)
            .map_err(|_altered| SealError::Locked)?;
        Self::read(head, &plain).ok_or(SealError::Keystore("it opens but its members are wrong"))
    }

    /// Seals the store as its next generation; returns the bytes of the new file. Write them to a new file, sync, rename
    /// over the old one, sync the folder.
    ///
    /// # Errors
    /// A cipher that refuses.
    pub fn seal(&mut self, key: &UnlockKey, rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
        self.generation =
            self.generation.checked_add(1).ok_or(SealError::Keystore("no generation is left"))?;
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let mut plain = Zeroizing::new(self.plain());
        let mut out = head_start(&self.site_id, self.generation, &key.lock);
        out.extend_from_slice(&nonce);
        let okm = derive(key, &out)?;
        let (payload_key, commitment) = okm.split_at(32);
        out.extend_from_slice(commitment);
        let ct_len = u32::try_from(plain.len().saturating_add(16));
        out.extend_from_slice(
            &ct_len.map_err(|_too_long| SealError::Keystore("it is too large"))?.to_le_bytes(),
        );
        out.extend_from_slice(&[0; 4]);
        let refused = SealError::Cipher("the key store could not be sealed");
        let cipher = XChaCha20Poly1305::new_from_slice(payload_key).map_err(|_length| SealError::Locked)?;
        let tag = cipher.encrypt_inout_detached(&nonce.into(), &out, plain.as_mut_slice().into());
        out.extend_from_slice(&plain);
        out.extend_from_slice(&tag.map_err(|_too_long| refused)?);
        Ok(out)
    }

    /// Returns the site.
    #[must_use]
    pub const fn site_id(&self) -> SiteId {
        self.site_id
    }

    /// Returns the number of times the store was sealed.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns central's signing key.
    #[must_use]
    pub const fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// Returns the key of the database.
    #[must_use]
    pub fn catalogue_key(&self) -> &[u8; 32] {
        &self.catalogue
    }

    /// Returns all day seeds, by day.
    #[must_use]
    pub fn days(&self) -> &[DaySeed] {
        &self.days
    }

    /// Returns the private key of this id, if the store has it.
    #[must_use]
    pub fn secret(&self, id: KeyId) -> Option<RecipientSecret> {
        self.days.iter().find(|d| d.key_id == id).map(DaySeed::secret)
    }

    /// Draws a seed for `today` and each of the `ahead` days after it that has none of `kind` yet; returns how many.
    ///
    /// # Errors
    /// A seed that the KEM refuses.
    pub fn draw_days(
        &mut self,
        today: Day,
        ahead: u32,
        kind: RecipientType,
        rng: &mut impl CryptoRng,
    ) -> Result<u32> {
        let mut drawn = 0_u32;
        for n in 0..=i32::try_from(ahead).unwrap_or(i32::MAX) {
            let Some(day) = today.plus_days(n) else { break };
            if self.days.iter().any(|d| d.day == day && d.secret.kind() == kind) {
                continue;
            }
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(seed.as_mut_slice());
            let secret = RecipientSecret::from_seed(kind, *seed);
            let key_id = secret.public()?.key_id();
            self.days.push(DaySeed { day, key_id, secret });
            drawn = drawn.saturating_add(1);
        }
        self.days.sort_by_key(|d| d.day);
        Ok(drawn)
    }

    /// Forgets all seeds of a day and remembers that it did; returns how many. What was sealed to them alone can never be
    /// opened again.
    pub fn shred_day(&mut self, day: Day) -> usize {
        let ids: Vec<KeyId> = self.days.iter().filter(|d| d.day == day).map(|d| d.key_id).collect();
        self.shred_keys(&ids)
    }

    /// Forgets seeds by the names of their keys and remembers that it did; returns how many there were. A later key of the same day
    /// stays.
    pub fn shred_keys(&mut self, ids: &[KeyId]) -> usize {
        let before = self.days.len();
        let gone = |d: &&DaySeed| ids.contains(&d.key_id);
        self.shredded.extend(self.days.iter().filter(gone).map(|d| (d.key_id, d.day)));
        self.days.retain(|d| !ids.contains(&d.key_id));
        before.saturating_sub(self.days.len())
    }

    /// Returns the keys that were destroyed on purpose, with their days.
    #[must_use]
    pub const fn shredded(&self) -> &BTreeMap<KeyId, Day> {
        &self.shredded
    }

    /// Makes the public list of the keys from `from` on.
    ///
    /// # Errors
    /// A seed that the KEM refuses.
    pub fn day_key_list(&self, from: Day, generation: u64, created: UtcMicros) -> Result<DayKeyList> {
        let public = |d: &DaySeed| -> Result<DayKey> {
            let key: RecipientKey = d.secret.public()?;
            Ok(DayKey { day: d.day, key })
        };
        let keys = self.days.iter().filter(|d| d.day >= from).map(public).collect::<Result<_>>()?;
        Ok(DayKeyList { site_id: self.site_id, generation, created, keys })
    }

    /// Returns a further secret by its name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&[u8]> {
        self.named.get(name).map(|secret| secret.as_slice())
    }

    /// Returns all further secrets by their names.
    #[must_use]
    pub const fn all_named(&self) -> &BTreeMap<String, Zeroizing<Vec<u8>>> {
        &self.named
    }

    /// Keeps a further secret under a name, in place of an earlier one.
    pub fn set_named(&mut self, name: &str, secret: &[u8]) {
        self.named.insert(name.to_owned(), Zeroizing::new(secret.to_vec()));
    }

    fn plain(&self) -> Vec<u8> {
        let day = |d: &DaySeed| {
            Value::Array(vec![
                Value::Uint(d.day.yyyymmdd().into()),
                Value::Uint(d.secret.kind().number().into()),
                Value::Bytes(d.key_id.0.to_vec()),
                Value::Bytes(d.secret.expose().to_vec()),
            ])
        };
        let named =
            self.named.iter().map(|(name, secret)| (Value::text(name), Value::Bytes(secret.to_vec())));
        let gone =
            |(id, day): (&KeyId, &Day)| (Value::Bytes(id.0.to_vec()), Value::Uint(day.yyyymmdd().into()));
        let mut members = self.unknown.clone();
        if !self.shredded.is_empty() {
            members = members.with(5, Value::Map(self.shredded.iter().map(gone).collect()));
        }
        let mut value = members
            .with(1, Value::Bytes(self.signing.expose().to_vec()))
            .with(2, Value::Bytes(self.catalogue.to_vec()))
            .with(3, Value::Array(self.days.iter().map(day).collect()))
            .with(4, Value::Map(named.collect()))
            .into_value();
        let bytes = cbor::encode(&value);
        value.wipe();
        bytes
    }

    fn read(head: Head, plain: &[u8]) -> Option<Self> {
        let mut map = Members::of(cbor::decode(plain).ok()?)?;
        let (mut signing, mut catalogue) = (map.take(1)?, map.take(2)?);
        let (mut days, mut named) = (map.take(3)?, map.take(4)?);
        let shredded = map.take(5);
        let store = Self {
            site_id: head.site_id,
            generation: head.generation,
            signing: SigningKey::from_seed(signing.as_bytes()?.try_into().ok()?),
            catalogue: Zeroizing::new(catalogue.as_bytes()?.try_into().ok()?),
            days: days.as_array()?.iter().map(day_of).collect::<Option<_>>()?,
            named: named_of(&named)?,
            shredded: shredded.map_or(Some(BTreeMap::new()), |gone| shredded_of(&gone))?,
            unknown: map,
        };
        for value in [&mut signing, &mut catalogue, &mut days, &mut named] {
            value.wipe();
        }
        Some(store)
    }
}

impl Drop for Keystore {
    fn drop(&mut self) {
        self.unknown.0.values_mut().for_each(Value::wipe);
    }
}

/// Returns how a store is unlocked, without opening it.
///
/// # Errors
/// A damaged head.
pub fn lock_of(store: &[u8]) -> Result<Lock> {
    Head::parse(store).map(|head| head.lock)
}

struct Head {
    site_id: SiteId,
    generation: u64,
    lock: Lock,
    nonce: [u8; 24],
    commitment: [u8; 32],
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self> {
        parse_head(Fields(bytes)).ok_or(SealError::Keystore("it is cut off"))?.map_err(SealError::Keystore)
    }
}

fn parse_head(mut fields: Fields<'_>) -> Option<std::result::Result<Head, &'static str>> {
    if fields.array()? != MAGIC {
        return Some(Err("it is no key store"));
    }
    let site_id = SiteId(fields.array()?);
    let generation = fields.u64()?;
    let by = fields.u8()?;
    let mut reserved_is_zero = fields.zeros(3)?;
    let cost = Cost { m_kib: fields.u32()?, t: fields.u32()?, p: fields.u32()? };
    let salt: [u8; 32] = fields.array()?;
    let (nonce, commitment) = (fields.array()?, fields.array()?);
    let ct_len = usize::try_from(fields.u32()?).ok()?;
    reserved_is_zero &= fields.zeros(4)?;
    if !reserved_is_zero {
        return Some(Err("a reserved byte is not zero"));
    }
    let no_cost = cost == Cost { m_kib: 0, t: 0, p: 0 } && salt == [0; 32];
    let lock = match by {
        1 if no_cost => Lock::KeyFile,
        // More than this would let a forged file stop the machine.
        2 if cost.m_kib <= 1 << 20 && (1..=16).contains(&cost.t) && (1..=16).contains(&cost.p) => {
            Lock::Passphrase { cost, salt }
        }
        _ => return Some(Err("its way of unlocking is out of range")),
    };
    if !(16..=CT_MAX).contains(&ct_len) || fields.0.len() != ct_len {
        return Some(Err("its length is not what it says"));
    }
    Some(Ok(Head { site_id, generation, lock, nonce, commitment }))
}

/// The first 80 bytes.
fn head_start(site_id: &SiteId, generation: u64, lock: &Lock) -> Vec<u8> {
    let (by, cost, salt) = match lock {
        Lock::KeyFile => (1, Cost { m_kib: 0, t: 0, p: 0 }, [0; 32]),
        Lock::Passphrase { cost, salt } => (2, *cost, *salt),
    };
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(site_id.bytes());
    out.extend_from_slice(&generation.to_le_bytes());
    out.extend_from_slice(&[by, 0, 0, 0]);
    for n in [cost.m_kib, cost.t, cost.p] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    out.extend_from_slice(&salt);
    out
}

fn derive(key: &UnlockKey, head: &[u8]) -> Result<Zeroizing<[u8; 64]>> {
    let mut okm = Zeroizing::new([0; 64]);
    let hkdf =
        Hkdf::<Sha256>::from_prk(key.key.as_slice()).map_err(|_length| SealError::Cipher("unlock key"))?;
    let expanded = hkdf.expand_multi_info(&[LABEL, head], okm.as_mut_slice());
    expanded.map_err(|_length| SealError::Cipher("derived length"))?;
    Ok(okm)
}

fn day_of(value: &Value) -> Option<DaySeed> {
    let [day, kind, key_id, seed] = value.as_array()? else { return None };
    let day = Day::from_yyyymmdd(u32::try_from(day.as_u64()?).ok()?).ok()?;
    let kind = RecipientType::from_number(u8::try_from(kind.as_u64()?).ok()?)?;
    let key_id = KeyId(key_id.as_bytes()?.try_into().ok()?);
    Some(DaySeed { day, key_id, secret: RecipientSecret::from_seed(kind, seed.as_bytes()?.try_into().ok()?) })
}

fn shredded_of(value: &Value) -> Option<BTreeMap<KeyId, Day>> {
    let Value::Map(pairs) = value else { return None };
    let read = |(id, day): &(Value, Value)| {
        let day = Day::from_yyyymmdd(u32::try_from(day.as_u64()?).ok()?).ok()?;
        Some((KeyId(id.as_bytes()?.try_into().ok()?), day))
    };
    pairs.iter().map(read).collect()
}

fn named_of(value: &Value) -> Option<BTreeMap<String, Zeroizing<Vec<u8>>>> {
    let Value::Map(pairs) = value else { return None };
    pairs
        .iter()
        .map(|(name, secret)| Some((name.as_text()?.to_owned(), Zeroizing::new(secret.as_bytes()?.to_vec()))))
        .collect()
}
