//! A bucket of an S3-compatible object store, request by request.
//!
//! An object is put once and whole ([`Bucket::put`], with a condition that makes the store refuse a name that is taken, and with a
//! checksum that the store holds the bytes against); it is never changed. What a 200 means for durability is the store's promise: there is no
//! sync to ask for, so whoever must know reads the object again.
//!
//! No request waits for ever: connecting, each read and each write end after [`Account::patience`]. Nothing is tried again here, because
//! only the caller knows what is harmless to repeat.
//!
//! Plain `http` is refused beyond this machine: what is read back proves a copy, so whoever could answer in the store's place could
//! have recordings deleted whose copy does not exist.

mod fault;
mod request;

use std::io::Read;
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use rusty_s3::{Credentials, Method, UrlStyle};
use shared::UtcMicros;
use url::Url;
use zeroize::Zeroizing;

pub use self::fault::{BucketError, Fault};

/// Pages of a listing, of up to a thousand names each.
const PAGES_MAX: usize = 10_000;
/// An answer that lists names is some 500 bytes for each.
const LISTING_MAX: u64 = 8 << 20;

/// How a bucket is reached.
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Account {
    /// The store's address, `https://host[:port]`; empty: Amazon's of the region.
    pub endpoint: String,
    /// The region, as the store calls it.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// Who asks: the id of the access key.
    pub key: String,
    /// The access key itself.
    pub secret: Zeroizing<String>,
    /// Certificates of those who vouch for the store's certificate, PEM.
    pub roots: Vec<u8>,
    /// How long the store may be silent.
    pub patience: Duration,
}

/// For how long nobody may delete an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Until then.
    pub until: UtcMicros,
    /// Not even the owner of the bucket may shorten it (`COMPLIANCE`); otherwise who has a right of its own for that (`GOVERNANCE`).
    pub for_all: bool,
}

/// What is to be put.
#[allow(missing_debug_implementations, reason = "it holds a reader")]
pub struct New<'a> {
    /// Exactly `len` bytes.
    pub bytes: &'a mut dyn Read,
    /// How many.
    pub len: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// For how long it is locked.
    pub retention: Option<Retention>,
    /// Replace what lies there. Otherwise the store must refuse a name that is taken.
    pub replace: bool,
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    /// It lies there.
    Stored,
    /// Something lay there already and was left alone.
    Taken,
}

/// An object, open for reading.
#[allow(missing_debug_implementations, reason = "it holds a connection")]
pub struct Object {
    /// The length of the whole object in bytes.
    pub size: u64,
    /// The bytes asked for. An error of theirs is a [`BucketError`] inside an [`std::io::Error`].
    pub bytes: Box<dyn Read + Send>,
}

/// A name in a bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// The name behind the prefix that was asked for, without a slash.
    pub name: String,
    /// More names begin with it and a slash.
    pub is_folder: bool,
}

/// A bucket, not necessarily reachable. Copies share their connections.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "it holds a secret")]
pub struct Bucket {
    agent: ureq::Agent,
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    now: fn() -> UtcMicros,
}

impl Bucket {
    /// Prepares requests; none is made. `now` is asked for the time with each: it is part of the signature.
    ///
    /// # Errors
    /// An address that is none, or plain `http` to another machine; certificates that are none.
    pub fn new(account: &Account, now: fn() -> UtcMicros) -> Result<Self, BucketError> {
        let is_amazon = account.endpoint.is_empty();
        let address = if is_amazon {
            format!("https://s3.{}.amazonaws.com", account.region)
        } else {
            account.endpoint.clone()
        };
        let wrong = |why: &str| BucketError::new(Fault::Address, format!("`{address}`: {why}"));
        let url = Url::parse(&address).map_err(|e| wrong(&e.to_string()))?;
        if url.scheme() != "https" && !is_this_machine(&url) {
            return Err(wrong(
                "the address must begin with https://, because what is read back from there is taken as proof of a copy",
            ));
        }
        // A bucket's name with a dot fits no certificate for `*.amazonaws.com`.
        let as_host = is_amazon && !account.bucket.contains('.');
        let style = if as_host { UrlStyle::VirtualHost } else { UrlStyle::Path };
        let bucket = rusty_s3::Bucket::new(url, style, account.bucket.clone(), account.region.clone())
            .map_err(|e| wrong(&e.to_string()))?;
        let credentials = Credentials::new(account.key.clone(), account.secret.as_str());
        Ok(Self { agent: request::agent(account)?, bucket, credentials, now })
    }

    /// Returns the length of an object in bytes; `None` if it is not there.
    ///
    /// # Errors
    /// The store's.
    pub fn size(&self, name: &str) -> Result<Option<u64>, BucketError> {
        let action = self.bucket.head_object(Some(&self.credentials), name);
        let answer = self.ask(action, "look at", name, &[])?;
        let Some(answer) = found(answer, "look at", name)? else { return Ok(None) };
        let size = request::header(&answer, "content-length").and_then(|n| n.parse().ok());
        size.map(Some)
            .ok_or_else(|| BucketError::odd("look at", name, "it does not say how long the object is"))
    }

    /// Opens an object for reading from the byte `from`, at most `max` bytes of it; `None` if it is not there, or ends before `from`.
    ///
    /// # Errors
    /// The store's.
    pub fn get(&self, name: &str, from: u64, max: u64) -> Result<Option<Object>, BucketError> {
        let whole = from == 0 && max == u64::MAX;
        let range = format!("bytes={from}-{}", from.saturating_add(max).saturating_sub(1));
        let headers: &[(&str, &str)] = if whole { &[] } else { &[("range", &range)] };
        let action = self.bucket.get_object(Some(&self.credentials), name);
        let answer = self.ask(action, "read", name, headers)?;
        if answer.status().as_u16() == 416 {
            return Ok(None);
        }
        let Some(answer) = found(answer, "read", name)? else { return Ok(None) };
        let size = if answer.status().as_u16() == 206 {
            request::header(&answer, "content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok())
        } else {
            request::header(&answer, "content-length").and_then(|n| n.parse().ok())
        };
        let size =
            size.ok_or_else(|| BucketError::odd("read", name, "it does not say how long the object is"))?;
        let bytes = answer.into_body().into_with_config().limit(u64::MAX).reader();
        Ok(Some(Object { size, bytes: Box::new(request::Told::new(bytes, name)) }))
    }

    /// Puts an object, whole or not at all.
    ///
    /// # Errors
    /// The store's. After [`Fault::Away`] and [`Fault::Silent`] it may lie there all the same.
    pub fn put(&self, name: &str, new: New<'_>) -> Result<Put, BucketError> {
        use rusty_s3::S3Action as _;
        let mut action = self.bucket.put_object(Some(&self.credentials), name);
        let sum = Base64::encode_string(&new.sha256);
        // Some stores look for the sum only if they are told which.
        let algorithm = ("x-amz-sdk-checksum-algorithm", "SHA256".to_owned());
        let mut headers = vec![("x-amz-checksum-sha256", sum), algorithm];
        if !new.replace {
            headers.push(("if-none-match", "*".to_owned()));
        }
        if let Some(retention) = new.retention {
            let mode = if retention.for_all { "COMPLIANCE" } else { "GOVERNANCE" };
            headers.push(("x-amz-object-lock-mode", mode.to_owned()));
            let until = request::time(retention.until);
            headers.push(("x-amz-object-lock-retain-until-date", format!("{until:.0}")));
        }
        for (name, value) in &headers {
            action.headers_mut().insert(*name, value.clone());
        }
        let url = action.sign_with_time(request::VALID, &request::time((self.now)()));
        let mut request = self.agent.put(url.as_str()).header("content-length", new.len);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let answer = request.send(ureq::SendBody::from_reader(new.bytes));
        let answer = answer.map_err(|e| BucketError::of(e, "write", name))?;
        match answer.status().as_u16() {
            200 | 201 | 204 => Ok(Put::Stored),
            412 => Ok(Put::Taken),
            _ => Err(fault::answered(answer, "write", name)),
        }
    }

    /// Deletes an object; one that is not there is fine.
    ///
    /// # Errors
    /// The store's.
    pub fn delete(&self, name: &str) -> Result<(), BucketError> {
        let action = self.bucket.delete_object(Some(&self.credentials), name);
        let answer = self.ask(action, "delete", name, &[])?;
        found(answer, "delete", name).map(drop)
    }

    /// Lists the names that begin with `prefix`, up to the next slash. `prefix` is empty or ends with a slash.
    ///
    /// # Errors
    /// The store's, or too many names.
    pub fn list(&self, prefix: &str) -> Result<Vec<Named>, BucketError> {
        let mut names = Vec::new();
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = self.page(prefix, token)?;
            let behind =
                |name: &str| name.strip_prefix(prefix).filter(|rest| !rest.is_empty()).map(str::to_owned);
            let files = page.contents.iter().filter_map(|object| behind(&object.key));
            names.extend(files.map(|name| Named { name, is_folder: false }));
            let folders =
                page.common_prefixes.iter().filter_map(|folder| behind(folder.prefix.trim_end_matches('/')));
            names.extend(folders.map(|name| Named { name, is_folder: true }));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(names);
            }
        }
        Err(BucketError::odd("list", prefix, "more names lie there than there can be"))
    }

    fn page(
        &self,
        prefix: &str,
        token: Option<String>,
    ) -> Result<rusty_s3::actions::ListObjectsV2Response, BucketError> {
        let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
        action.with_prefix(prefix);
        action.with_delimiter("/");
        if let Some(token) = token {
            action.with_continuation_token(token);
        }
        let answer = self.ask(action, "list", prefix, &[])?;
        let Some(mut answer) = found(answer, "list", prefix)? else {
            let text = format!("there is no bucket `{}` there", self.bucket.name());
            return Err(BucketError::new(Fault::NoBucket, text));
        };
        let text = answer.body_mut().with_config().limit(LISTING_MAX).read_to_string();
        let text = text.map_err(|e| BucketError::of(e, "list", prefix))?;
        rusty_s3::actions::ListObjectsV2::parse_response(&text)
            .map_err(|e| BucketError::odd("list", prefix, &e.to_string()))
    }

    /// Tells whether objects of this bucket can be locked.
    ///
    /// # Errors
    /// The store's, also when the credential may not ask.
    pub fn has_lock(&self) -> Result<bool, BucketError> {
        // The library has no such request; it signs it all the same.
        let url = rusty_s3::signing::sign(
            &request::time((self.now)()),
            Method::Get,
            self.bucket.base_url().clone(),
            self.credentials.key(),
            self.credentials.secret(),
            None,
            self.bucket.region(),
            request::VALID.as_secs(),
            [("object-lock", "")].into_iter(),
            std::iter::empty::<(&str, &str)>(),
        );
        let name = self.bucket.name();
        let answer = self.agent.get(url.as_str()).call();
        let answer = answer.map_err(|e| BucketError::of(e, "ask for the lock of", name))?;
        let Some(mut answer) = found(answer, "ask for the lock of", name)? else { return Ok(false) };
        let text = answer.body_mut().with_config().limit(LISTING_MAX).read_to_string();
        let text = text.map_err(|e| BucketError::of(e, "ask for the lock of", name))?;
        Ok(text.contains("<ObjectLockEnabled>Enabled<"))
    }
}

/// Sorts the answers that most requests have.
fn found(
    answer: request::Answer,
    what: &'static str,
    name: &str,
) -> Result<Option<request::Answer>, BucketError> {
    match answer.status().as_u16() {
        200..=299 => Ok(Some(answer)),
        404 => {
            let error = fault::answered(answer, what, name);
            if error.fault == Fault::NoBucket { Err(error) } else { Ok(None) }
        }
        _ => Err(fault::answered(answer, what, name)),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
