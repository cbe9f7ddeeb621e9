//! `certs-<gen8>.json`: the site's root signs central's key, central signs each recorder's. Public, so that anybody can
//! verify a recording without a password.
//!
//! Signed bytes: "amethyst/archive/cert/v1" || site id 16 || role u8 || subject id 16 || public key 32 || not before i64 ||
//! not after i64 || name length u16 || name. Times are microseconds in UTC, numbers little-endian.

use seal::{KeyId, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use shared::{RecorderId, SiteId, UtcMicros};

use crate::{ArchiveError, Result, hex, unhex};

const LABEL: &str = "amethyst/archive/cert/v1";
const FORMAT: &str = "amethyst certificates 1";
const CERTS_MAX: usize = 10_000;

/// Whose key a certificate vouches for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Role {
    /// Central; signed by the root.
    Central = 1,
    /// A recorder; signed by central.
    Recorder = 2,
}

/// One certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cert {
    /// Whose key.
    pub role: Role,
    /// Its id in file headers.
    pub subject: RecorderId,
    /// Its name for people, at most 200 bytes.
    pub name: String,
    /// The key.
    pub key: VerifyingKey,
    /// Holds from then on.
    pub not_before: UtcMicros,
    /// Holds before then.
    pub not_after: UtcMicros,
    /// Who signed.
    pub issuer: KeyId,
    signature: [u8; 64],
}

/// What is certified; see [`Cert`] for the members.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Whose key.
    pub role: Role,
    /// Its id in file headers.
    pub subject: RecorderId,
    /// Its name for people.
    pub name: String,
    /// The key.
    pub key: VerifyingKey,
    /// Holds from then on.
    pub not_before: UtcMicros,
    /// Holds before then.
    pub not_after: UtcMicros,
}

/// All certificates of a site. Every one was verified up to the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certs {
    site_id: SiteId,
    generation: u64,
    certs: Vec<Cert>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    format: String,
    site_id: String,
    generation: u64,
    certs: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    role: String,
    subject: String,
    name: String,
    public_key: String,
    not_before_us: i64,
    not_after_us: i64,
    issuer: String,
    signature: String,
}

impl Cert {
    /// Signs a claim with the issuer's key.
    #[must_use]
    pub fn sign(claim: Claim, site: &SiteId, issuer: &SigningKey) -> Self {
        let Claim { role, subject, mut name, key, not_before, not_after } = claim;
        name.truncate(name.floor_char_boundary(200));
        let (issuer_id, signature) = (issuer.key_id(), [0; 64]);
        let mut cert = Self { role, subject, name, key, not_before, not_after, issuer: issuer_id, signature };
        cert.signature = issuer.sign(LABEL, &cert.message(site));
        cert
    }

    fn holds(&self, site: &SiteId, issuer: &VerifyingKey) -> bool {
        issuer.key_id() == self.issuer && issuer.verifies(LABEL, &self.message(site), &self.signature)
    }

    fn message(&self, site: &SiteId) -> Vec<u8> {
        let name_len = u16::try_from(self.name.len()).unwrap_or(u16::MAX);
        [
            site.bytes().as_slice(),
            &[self.role as u8],
            self.subject.bytes(),
            &self.key.to_bytes(),
            &self.not_before.0.to_le_bytes(),
            &self.not_after.0.to_le_bytes(),
            &name_len.to_le_bytes(),
            self.name.as_bytes(),
        ]
        .concat()
    }
}

impl Certs {
    /// Gathers certificates as generation `generation`, after verifying each up to `root`.
    ///
    /// # Errors
    /// The first certificate that does not hold.
    pub fn new(site_id: SiteId, generation: u64, certs: Vec<Cert>, root: &VerifyingKey) -> Result<Self> {
        for cert in &certs {
            let refused = |why| Err(ArchiveError::Certificate(cert.name.clone(), why));
            let signed = match cert.role {
                Role::Central => cert.holds(&site_id, root),
                Role::Recorder => {
                    certs.iter().any(|c| c.role == Role::Central && cert.holds(&site_id, &c.key))
                }
            };
            if !signed {
                return refused("its signature does not verify");
            }
            if cert.not_before >= cert.not_after {
                return refused("it ends before it begins");
            }
        }
        Ok(Self { site_id, generation, certs })
    }

    /// Reads and verifies the file.
    ///
    /// # Errors
    /// A damaged file, another site, a certificate that does not hold.
    pub fn parse(bytes: &[u8], site: &SiteId, root: &VerifyingKey) -> Result<Self> {
        let wrong = |what| ArchiveError::Document("the file of certificates", what);
        let body: Body = serde_json::from_slice(bytes).map_err(|_not_json| wrong("its members"))?;
        if body.format != FORMAT || body.certs.len() > CERTS_MAX {
            return Err(wrong("its format"));
        }
        if body.site_id.parse() != Ok(*site) {
            return Err(wrong("it belongs to another site"));
        }
        let certs = body.certs.iter().map(|line| read_line(line).ok_or_else(|| wrong("a certificate")));
        Self::new(*site, body.generation, certs.collect::<Result<_>>()?, root)
    }

    /// Writes the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let line = |c: &Cert| Line {
            role: if c.role == Role::Central { "central".to_owned() } else { "recorder".to_owned() },
            subject: hex(c.subject.bytes()),
            name: c.name.clone(),
            public_key: hex(&c.key.to_bytes()),
            not_before_us: c.not_before.0,
            not_after_us: c.not_after.0,
            issuer: c.issuer.to_string(),
            signature: hex(&c.signature),
        };
        let body = Body {
            format: FORMAT.to_owned(),
            site_id: hex(self.site_id.bytes()),
            generation: self.generation,
            certs: self.certs.iter().map(line).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&body).expect("texts and numbers are always JSON");
        bytes.push(b'\n');
        bytes
    }

    /// Returns the file's name.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("certs-{:08}.json", self.generation)
    }

    /// Returns the file's generation.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns all certificates.
    #[must_use]
    pub fn all(&self) -> &[Cert] {
        &self.certs
    }

    /// Returns every key that the root certified for central: the one of today, and those of before a restore.
    pub fn central_keys(&self) -> impl Iterator<Item = VerifyingKey> + '_ {
        self.certs.iter().filter(|cert| cert.role == Role::Central).map(|cert| cert.key)
    }

    /// Finds a certified key by its id, whenever it holds.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<VerifyingKey> {
        self.certs.iter().map(|c| c.key).find(|k| k.key_id() == id)
    }

    /// Finds the key of this id if a certificate for it holds at `at`.
    #[must_use]
    pub fn key_at(&self, id: KeyId, at: UtcMicros) -> Option<VerifyingKey> {
        let holds = |c: &&Cert| c.key.key_id() == id && c.not_before <= at && at < c.not_after;
        self.certs.iter().find(holds).map(|c| c.key)
    }
}

fn read_line(line: &Line) -> Option<Cert> {
    let role = match line.role.as_str() {
        "central" => Role::Central,
        "recorder" => Role::Recorder,
        _ => return None,
    };
    let public: [u8; 32] = unhex(&line.public_key)?.try_into().ok()?;
    Some(Cert {
        role,
        subject: line.subject.parse().ok()?,
        name: line.name.clone(),
        key: VerifyingKey::from_bytes(&public).ok()?,
        not_before: UtcMicros(line.not_before_us),
        not_after: UtcMicros(line.not_after_us),
        issuer: KeyId(unhex(&line.issuer)?.try_into().ok()?),
        signature: unhex(&line.signature)?.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const SITE: SiteId = SiteId([6; 16]);

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32])
    }

    fn claim(role: Role, name: &str, of: u8) -> Claim {
        let (not_before, not_after) = (UtcMicros(10), UtcMicros(20));
        let subject = RecorderId([of; 16]);
        Claim { role, subject, name: name.to_owned(), key: key(of).verifying_key(), not_before, not_after }
    }

    fn chain() -> Vec<Cert> {
        let central = Cert::sign(claim(Role::Central, "central", 2), &SITE, &key(1));
        vec![central, Cert::sign(claim(Role::Recorder, "satellite", 3), &SITE, &key(2))]
    }

    #[test]
    fn a_chain_comes_back_and_says_who_held_when() {
        let root = key(1).verifying_key();
        let certs = Certs::new(SITE, 1, chain(), &root).unwrap();
        let read = Certs::parse(&certs.to_bytes(), &SITE, &root).unwrap();
        assert_eq!(read, certs);
        let id = key(3).key_id();
        assert!(read.key(id).is_some() && read.key(key(9).key_id()).is_none());
        assert!(read.key_at(id, UtcMicros(10)).is_some() && read.key_at(id, UtcMicros(19)).is_some());
        assert!(read.key_at(id, UtcMicros(9)).is_none() && read.key_at(id, UtcMicros(20)).is_none());
    }

    #[test]
    fn what_is_not_signed_up_to_the_root_is_refused() {
        let root = key(1).verifying_key();
        let refused = |certs: Vec<Cert>| assert!(Certs::new(SITE, 1, certs, &root).is_err());
        refused(vec![chain()[1].clone()]); // no central between
        refused(vec![Cert::sign(claim(Role::Central, "central", 2), &SITE, &key(9))]);
        refused(vec![Cert::sign(claim(Role::Recorder, "satellite", 3), &SITE, &key(1))]);
        refused(vec![Cert::sign(claim(Role::Central, "central", 2), &SiteId([7; 16]), &key(1))]);
        let mut renamed = chain();
        renamed[1].name = "another".into();
        refused(renamed);
        let mut prolonged = chain();
        prolonged[0].not_after = UtcMicros(99);
        refused(prolonged);
        assert!(
            Certs::parse(&Certs::new(SITE, 1, chain(), &root).unwrap().to_bytes(), &SiteId([7; 16]), &root)
                .is_err()
        );
    }
}
