//! What lies in a key vault and in a recovery vault: one deterministic CBOR map.
//!
//! ```text
//! {1: {key id: [yyyymmdd, seed, type]}, 2: certificates, 3: {key id: yyyymmdd}, 4: newest checkpoint, 5: newest slot generation,
//!  11: {recording id: yyyymmdd}}
//! ```
//! 1 are the private keys of days, the type being left out for X-Wing; 3 are keys that were destroyed on purpose, 11
//! recordings that were destroyed alone (left out while there are none): whoever opens an archive refuses them. A recovery
//! vault has besides `{6: K_T, 7: L_a, 8: L_h, 9: P, 10: {name: octets}}`: everything from which a site is restored. 8 and 9 are
//! left out where the site has none. Members that this program does not know are passed over. How the bytes are sealed is the
//! matter of `daily-login`; this file knows what they say.

use std::collections::BTreeMap;

use seal::cbor::{self, Members, Value};
use seal::{KeyId, RecipientSecret, RecipientType};
use shared::{Day, RecordingId};
use zeroize::Zeroizing;

use crate::{ArchiveError, Result};

/// Longer plaintexts are no vault's: twenty years of days take 370 kB.
const PLAIN_MAX: usize = 64 << 20;
/// Two keys a day for a hundred years.
const DAYS_MAX: usize = 73_050;
/// Certificates and a checkpoint, in bytes.
const PUBLIC_MAX: usize = 16 << 20;
/// Recordings that were destroyed alone.
const TOMBSTONES_MAX: usize = 1_000_000;
/// Secrets that have no number of their own.
const OTHERS_MAX: usize = 10_000;

/// The private key of a day, with the name of its public half.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct DaySecret {
    /// The day in the site's zone.
    pub day: Day,
    /// Name of the public half.
    pub key_id: KeyId,
    /// The key.
    pub secret: RecipientSecret,
}

/// What a vault holds. Secrets are wiped when it is dropped.
#[derive(Default)]
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct VaultContents {
    /// Private keys; in a key vault those of days up to its own.
    pub days: Vec<DaySecret>,
    /// The newest `certs-*.json`.
    pub certificates: Vec<u8>,
    /// Keys that were destroyed, with their days: what they sealed is gone on purpose.
    pub shredded: BTreeMap<KeyId, Day>,
    /// Recordings that were destroyed alone, with their days: not to be opened although the key of their day is here.
    pub tombstones: BTreeMap<RecordingId, Day>,
    /// The newest checkpoint of the log, a signed note; empty if there is none yet.
    pub checkpoint: String,
    /// Generation of the newest slot file.
    pub slot_generation: u64,
    /// In a recovery vault: what the site is restored from.
    pub secrets: Option<SiteSecrets>,
}

/// The secrets of a site besides the keys of its days. Wiped when dropped.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct SiteSecrets {
    /// `K_T`, the top of the chain of days.
    pub chain_top: Zeroizing<[u8; 32]>,
    /// `L_a`, the admin lane.
    pub lane_admin: Zeroizing<[u8; 32]>,
    /// `L_h`, the helpdesk lane, if the site has it.
    pub lane_helpdesk: Option<Zeroizing<[u8; 32]>>,
    /// `P`, the site's pepper, if it has one.
    pub pepper: Option<Zeroizing<[u8; 32]>>,
    /// All other keys by their names.
    pub others: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

impl VaultContents {
    /// Writes the plaintext, in the one form that it has.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let id = |id: &KeyId| Value::Bytes(id.0.to_vec());
        let day = |d: &DaySecret| (id(&d.key_id), d.value());
        let gone = |(key, day): (&KeyId, &Day)| (id(key), Value::Uint(day.yyyymmdd().into()));
        let mut members = Members::default()
            .with(1, Value::Map(self.days.iter().map(day).collect()))
            .with(2, Value::Bytes(self.certificates.clone()))
            .with(3, Value::Map(self.shredded.iter().map(gone).collect()))
            .with(4, Value::text(&self.checkpoint))
            .with(5, Value::Uint(self.slot_generation));
        if !self.tombstones.is_empty() {
            let stone = |(recording, day): (&RecordingId, &Day)| {
                (Value::Bytes(recording.bytes().to_vec()), Value::Uint(day.yyyymmdd().into()))
            };
            members = members.with(11, Value::Map(self.tombstones.iter().map(stone).collect()));
        }
        if let Some(secrets) = &self.secrets {
            members = secrets.put(members);
        }
        let mut value = members.into_value();
        let bytes = Zeroizing::new(cbor::encode(&value));
        value.wipe();
        bytes
    }

    /// Reads the plaintext of a vault. That a key's name fits the key is not judged here: it would cost half a second in an
    /// archive of twenty years, and whoever opens a recording with the key notices.
    ///
    /// # Errors
    /// Contents of another form; the text names no secret.
    pub fn parse(plain: &[u8]) -> Result<Self> {
        if plain.len() > PLAIN_MAX {
            return Err(wrong("it is too long"));
        }
        let mut value = cbor::decode(plain).map_err(|_no_cbor| wrong("its form"))?;
        let read = Self::read(&value);
        value.wipe();
        read
    }

    fn read(value: &Value) -> Result<Self> {
        let Value::Map(pairs) = value else { return Err(wrong("its form")) };
        let member = |n: u64| pairs.iter().find(|(key, _)| key.as_u64() == Some(n)).map(|(_, value)| value);
        let days = member(1).and_then(days_of).ok_or_else(|| wrong("the keys of days"))?;
        let certificates = member(2).and_then(Value::as_bytes).filter(|bytes| bytes.len() <= PUBLIC_MAX);
        let checkpoint = member(4).and_then(Value::as_text).filter(|text| text.len() <= PUBLIC_MAX);
        let secrets = match member(6) {
            None => None,
            Some(top) => {
                Some(SiteSecrets::read(top, &member).ok_or_else(|| wrong("the secrets of the site"))?)
            }
        };
        Ok(Self {
            days,
            certificates: certificates.ok_or_else(|| wrong("the certificates"))?.to_vec(),
            shredded: member(3).and_then(shredded_of).ok_or_else(|| wrong("the destroyed keys"))?,
            tombstones: match member(11) {
                None => BTreeMap::new(),
                Some(stones) => tombstones_of(stones).ok_or_else(|| wrong("the destroyed recordings"))?,
            },
            checkpoint: checkpoint.ok_or_else(|| wrong("the checkpoint"))?.to_owned(),
            slot_generation: member(5).and_then(Value::as_u64).ok_or_else(|| wrong("the slot generation"))?,
            secrets,
        })
    }
}

impl DaySecret {
    fn value(&self) -> Value {
        let mut words =
            vec![Value::Uint(self.day.yyyymmdd().into()), Value::Bytes(self.secret.expose().to_vec())];
        if self.secret.kind() != RecipientType::XWing {
            words.push(Value::Uint(self.secret.kind().number().into()));
        }
        Value::Array(words)
    }

    fn read(key_id: &Value, value: &Value) -> Option<Self> {
        let (day, seed, kind) = match value.as_array()? {
            [day, seed] => (day, seed, RecipientType::XWing),
            [day, seed, kind] => {
                let kind = RecipientType::from_number(u8::try_from(kind.as_u64()?).ok()?)?;
                (day, seed, Some(kind).filter(|kind| *kind != RecipientType::XWing)?)
            }
            _ => return None,
        };
        let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_bytes()?).ok()?);
        Some(Self {
            day: day_of(day)?,
            key_id: key_id_of(key_id)?,
            secret: RecipientSecret::from_seed(kind, *seed),
        })
    }
}

impl SiteSecrets {
    fn put(&self, members: Members) -> Members {
        let octets = |key: &Zeroizing<[u8; 32]>| Value::Bytes(key.to_vec());
        let named =
            self.others.iter().map(|(name, secret)| (Value::text(name), Value::Bytes(secret.to_vec())));
        let mut members = members
            .with(6, octets(&self.chain_top))
            .with(7, octets(&self.lane_admin))
            .with(10, Value::Map(named.collect()));
        for (n, key) in [(8, &self.lane_helpdesk), (9, &self.pepper)] {
            if let Some(key) = key {
                members = members.with(n, octets(key));
            }
        }
        members
    }

    fn read<'a>(top: &Value, member: &impl Fn(u64) -> Option<&'a Value>) -> Option<Self> {
        let optional = |n| member(n).map_or(Some(None), |value| key_of(value).map(Some));
        let Value::Map(pairs) = member(10)? else { return None };
        let other = |(name, secret): &(Value, Value)| {
            Some((name.as_text()?.to_owned(), Zeroizing::new(secret.as_bytes()?.to_vec())))
        };
        (pairs.len() <= OTHERS_MAX).then_some(Self {
            chain_top: key_of(top)?,
            lane_admin: member(7).and_then(key_of)?,
            lane_helpdesk: optional(8)?,
            pepper: optional(9)?,
            others: pairs.iter().map(other).collect::<Option<_>>()?,
        })
    }
}

fn days_of(value: &Value) -> Option<Vec<DaySecret>> {
    let Value::Map(pairs) = value else { return None };
    (pairs.len() <= DAYS_MAX)
        .then(|| pairs.iter().map(|(id, value)| DaySecret::read(id, value)).collect())
        .flatten()
}

fn shredded_of(value: &Value) -> Option<BTreeMap<KeyId, Day>> {
    let Value::Map(pairs) = value else { return None };
    (pairs.len() <= DAYS_MAX)
        .then(|| pairs.iter().map(|(id, day)| Some((key_id_of(id)?, day_of(day)?))).collect())
        .flatten()
}

fn tombstones_of(value: &Value) -> Option<BTreeMap<RecordingId, Day>> {
    let Value::Map(pairs) = value else { return None };
    let stone =
        |(id, day): &(Value, Value)| Some((RecordingId(id.as_bytes()?.try_into().ok()?), day_of(day)?));
    (1..=TOMBSTONES_MAX).contains(&pairs.len()).then(|| pairs.iter().map(stone).collect()).flatten()
}

fn key_id_of(value: &Value) -> Option<KeyId> {
    Some(KeyId(value.as_bytes()?.try_into().ok()?))
}

fn key_of(value: &Value) -> Option<Zeroizing<[u8; 32]>> {
    Some(Zeroizing::new(value.as_bytes()?.try_into().ok()?))
}

fn day_of(value: &Value) -> Option<Day> {
    Day::from_yyyymmdd(u32::try_from(value.as_u64()?).ok()?).ok()
}

const fn wrong(what: &'static str) -> ArchiveError {
    ArchiveError::Document("what lies in the vault of keys", what)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn secret(n: u8, kind: RecipientType) -> DaySecret {
        DaySecret {
            day: Day::from_yyyymmdd(20_261_101 + u32::from(n % 28)).unwrap(),
            key_id: KeyId([n; 8]),
            secret: RecipientSecret::from_seed(kind, [n; 32]),
        }
    }

    fn contents(days: u8, secrets: bool) -> VaultContents {
        let kind = |n| if n % 3 == 1 { RecipientType::X25519 } else { RecipientType::XWing };
        let key = |n| Zeroizing::new([n; 32]);
        let others = BTreeMap::from([("catalogue".to_owned(), Zeroizing::new(vec![9; 32]))]);
        VaultContents {
            days: (0..days).map(|n| secret(n, kind(n))).collect(),
            certificates: b"certs".to_vec(),
            shredded: BTreeMap::from([(KeyId([7; 8]), Day::from_yyyymmdd(20_251_122).unwrap())]),
            tombstones: (1..days)
                .map(|n| (RecordingId([n; 16]), Day::from_yyyymmdd(20_251_123).unwrap()))
                .collect(),
            checkpoint: "note".into(),
            slot_generation: 41,
            secrets: secrets.then(|| SiteSecrets {
                chain_top: key(1),
                lane_admin: key(2),
                lane_helpdesk: days.is_multiple_of(2).then(|| key(3)),
                pepper: (days % 2 == 1).then(|| key(4)),
                others,
            }),
        }
    }

    #[test]
    fn it_comes_back_in_one_form() {
        for (days, secrets) in [(0, false), (1, true), (2, true), (40, false)] {
            let bytes = contents(days, secrets).to_bytes();
            let read = VaultContents::parse(&bytes).unwrap();
            assert_eq!(*read.to_bytes(), *bytes);
            assert_eq!(read.days.len(), usize::from(days));
            assert_eq!(read.secrets.is_some(), secrets);
            assert_eq!(read.secrets.and_then(|s| s.pepper).is_some(), secrets && days % 2 == 1);
            for at in 0..bytes.len() {
                assert!(VaultContents::parse(bytes.get(..at).unwrap()).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn a_member_of_tomorrow_is_passed_over_and_one_of_today_is_missed() {
        let bytes = contents(1, true).to_bytes();
        let members = || Members::of(cbor::decode(&bytes).unwrap()).unwrap();
        let newer = cbor::encode(&members().with(12, Value::Null).into_value());
        assert_eq!(*VaultContents::parse(&newer).unwrap().to_bytes(), *bytes);
        for n in [1, 2, 3, 4, 5, 7, 10] {
            let mut fewer = members();
            fewer.take(n);
            assert!(VaultContents::parse(&cbor::encode(&fewer.into_value())).is_err(), "without {n}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(read) = VaultContents::parse(&bytes) {
                let again = read.to_bytes();
                prop_assert_eq!(&*VaultContents::parse(&again).unwrap().to_bytes(), &*again);
            }
        }
    }
}
