//! The bucket behind a location of the kind `s3`: its address, what is remembered of it, and the access key, which is a secret.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::UtcMicros;
use store::LocalDisk;
use store::bucket::{Account, Bucket, BucketError, Fault};
use zeroize::{Zeroize as _, Zeroizing};

use super::{PlaceError, Settings};
use crate::carrier::{Carrier, Lock, S3Carrier};

/// Where systems keep the certificates they trust: Debian and its like, Red Hat and its like, SUSE.
const TRUSTED: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// What is remembered of a bucket.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct BucketSettings {
    /// The store's address; empty: Amazon's of the region.
    pub endpoint: String,
    /// The region.
    pub region: String,
    /// Certificates to trust, PEM; empty: those that the system trusts.
    pub ca: String,
    /// Days for which nothing that was put may be deleted; 0: no lock.
    pub lock_days: u32,
    /// Nobody at all may shorten the lock.
    pub lock_for_all: bool,
    /// The access key, locked away under a key of the site's ([`seal::locked`]), base64.
    pub locked: String,
}

/// An access key. It is wiped when dropped, and never printed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Credential {
    id: String,
    secret: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

impl Drop for Credential {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Credential {
    /// Takes an access key: its id, and the key itself.
    #[must_use]
    pub fn new(id: &str, secret: &str) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned() }
    }

    /// Returns what [`Self::parse`] takes, to be locked away.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Takes back what [`Self::expose`] gave.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// What is written as `s3://bucket/prefix`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Address {
    bucket: String,
    /// What all names begin with; ends with a slash.
    root: String,
}

impl Address {
    /// Takes an address apart.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(path: &Path) -> Result<Self, PlaceError> {
        let text = path.to_str().unwrap_or_default();
        let wrong = || {
            PlaceError::refused(format!(
                "`{}` is no address of a bucket: s3://BUCKET or s3://BUCKET/FOLDER, of letters, digits, `-`, `_` and `.`",
                path.display()
            ))
        };
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let mut names = rest.trim_end_matches('/').split('/');
        let plain = |name: &&str| {
            let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            letters && !name.is_empty() && name.len() <= 63 && *name != "." && *name != ".."
        };
        let bucket = names.next().filter(plain).ok_or_else(wrong)?.to_owned();
        let mut root = String::new();
        for name in names {
            root.push_str(Some(name).filter(plain).ok_or_else(wrong)?);
            root.push('/');
        }
        root.push_str(archive::layout::ROOT);
        root.push('/');
        Ok(Self { bucket, root })
    }
}

/// A bucket that answered.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub(super) struct Looked {
    bucket: Bucket,
    address: Address,
    settings: BucketSettings,
    now: fn() -> UtcMicros,
}

/// Looks whether the bucket is there and the access key may look into it.
///
/// # Errors
/// It is away, or something about it is wrong.
pub(super) fn look(
    path: &Path,
    settings: &Settings,
    credential: Option<&Credential>,
    patience: Duration,
    now: fn() -> UtcMicros,
) -> Result<Looked, PlaceError> {
    let address = Address::parse(path)?;
    let settings = settings.bucket.clone().unwrap_or_default();
    if settings.region.is_empty() {
        return Err(PlaceError::refused("the region of the bucket is not given (--region)"));
    }
    let credential = credential.ok_or_else(|| {
        PlaceError::refused(
            "it has no access key that could be opened here: give one (amethyst location credentials)",
        )
    })?;
    let account = Account {
        endpoint: settings.endpoint.clone(),
        region: settings.region.clone(),
        bucket: address.bucket.clone(),
        key: credential.id.clone(),
        secret: Zeroizing::new(credential.secret.clone()),
        roots: roots(&settings.ca)?,
        patience,
    };
    let bucket = Bucket::new(&account, now).map_err(wrong)?;
    bucket.list(&address.root).map_err(wrong)?;
    Ok(Looked { bucket, address, settings, now })
}

impl Looked {
    /// Tries what an archive needs of a bucket: that it refuses a name that is taken, and locks if it shall.
    ///
    /// # Errors
    /// It does not.
    fn tried(&self, carrier: &mut S3Carrier) -> Result<(), PlaceError> {
        if self.settings.lock_days > 0 {
            match self.bucket.has_lock() {
                // Who may not ask finds out with the first object.
                Ok(true) => {}
                Err(e) if e.fault == Fault::Denied => {}
                Ok(false) => {
                    return Err(PlaceError::refused(
                        "the bucket has no object lock: it is turned on when a bucket is made. Leave --object-lock-days out, \
                         or make another bucket",
                    ));
                }
                Err(e) => return Err(wrong(e)),
            }
        }
        carrier.try_conditions().map_err(|e| PlaceError::refused(e.text))
    }

    /// Makes the carrier; `make`: for the first time, so what it needs is tried.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn reach(self, data: &Path, make: bool) -> Result<Box<dyn Carrier>, PlaceError> {
        let live = LocalDisk::open(data).map_err(|e| PlaceError::refused(e.to_string()))?;
        let bucket = self.bucket.clone();
        let lock = (self.settings.lock_days > 0)
            .then_some(Lock { days: self.settings.lock_days, for_all: self.settings.lock_for_all });
        let mut carrier = S3Carrier::new(bucket, self.address.root.clone(), lock, Arc::new(live), self.now);
        if make {
            self.tried(&mut carrier)?;
        }
        Ok(Box::new(carrier))
    }
}

fn roots(ca: &str) -> Result<Vec<u8>, PlaceError> {
    if !ca.is_empty() {
        return Ok(ca.as_bytes().to_vec());
    }
    let read = TRUSTED.iter().find_map(|path| std::fs::read(path).ok());
    // Without any every certificate is refused, in words.
    Ok(read.unwrap_or_default())
}

fn wrong(error: BucketError) -> PlaceError {
    match error.fault {
        Fault::Away | Fault::Slow | Fault::Silent => PlaceError::away(error.text),
        Fault::Address
        | Fault::Credential
        | Fault::Denied
        | Fault::NoBucket
        | Fault::Clock
        | Fault::Full
        | Fault::Mangled
        | Fault::Unknown
        | Fault::Odd => PlaceError::refused(error.text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_perhaps_folders() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = Address::parse(Path::new(text)).ok();
            let expected =
                expected.map(|(bucket, root)| Address { bucket: bucket.to_owned(), root: root.to_owned() });
            assert_eq!(found, expected, "{text}");
        };
        check("s3://tower", Some(("tower", "AMETHYST/")));
        check("s3://tower/", Some(("tower", "AMETHYST/")));
        check("s3://tower/site-a/2", Some(("tower", "site-a/2/AMETHYST/")));
        for text in [
            "",
            "s3://",
            "s3:///a",
            "tower",
            "https://tower",
            "s3://a//b",
            "s3://a/../b",
            "s3://a/b c",
            "s3://ä",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn an_access_key_is_never_printed() {
        let key = Credential::new("AKIA", "very secret");
        assert_eq!(format!("{key:?}"), "Credential");
        assert_eq!(Credential::parse(&key.expose()), Some(key));
        assert_eq!(Credential::parse(b"nonsense"), None);
    }
}
