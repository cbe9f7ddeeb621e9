//! What can go wrong with a bucket, sorted by what an operator does about it.

use super::request::Answer;

/// An answer that says what is wrong is short; more of it is not read.
const WORDS_MAX: u64 = 64 << 10;

/// What sort of failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The address, the region or a certificate given is wrong.
    Address,
    /// The store cannot be reached, or has a fault of its own that passes.
    Away,
    /// It asks for fewer requests.
    Slow,
    /// It said nothing for too long.
    Silent,
    /// The access key is not accepted.
    Credential,
    /// The access key has no right to do this.
    Denied,
    /// There is no such bucket.
    NoBucket,
    /// The clocks differ by too much for a signature.
    Clock,
    /// No space, or the quota is used up.
    Full,
    /// What arrived is not what was sent.
    Mangled,
    /// The store does not know what was asked.
    Unknown,
    /// It answered something that makes no sense.
    Odd,
}

/// Why a bucket did not do what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text}")]
pub struct BucketError {
    /// What sort of failure.
    pub fault: Fault,
    /// What happened and what to do, for people.
    pub text: String,
}

impl BucketError {
    pub(super) const fn new(fault: Fault, text: String) -> Self {
        Self { fault, text }
    }

    pub(super) fn odd(what: &str, name: &str, why: &str) -> Self {
        Self::new(Fault::Odd, format!("cannot {what} {name}: the store's answer makes no sense ({why})"))
    }

    /// Sorts what the client said. Addresses are never repeated: they are signed.
    pub(super) fn of(error: ureq::Error, what: &str, name: &str) -> Self {
        use std::io::ErrorKind;
        let told = |fault, why: String| Self::new(fault, format!("cannot {what} {name}: {why}"));
        #[allow(clippy::wildcard_enum_match_arm, reason = "both enums are non-exhaustive")]
        match error {
            ureq::Error::Timeout(_) => told(Fault::Silent, "the store does not answer".to_owned()),
            ureq::Error::HostNotFound => {
                told(Fault::Away, "the store's name is not known here (DNS)".to_owned())
            }
            ureq::Error::ConnectionFailed => told(Fault::Away, "the store cannot be reached".to_owned()),
            ureq::Error::Io(e) => match e.kind() {
                ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                    told(Fault::Silent, "the store does not answer".to_owned())
                }
                _ if is_untrusted(&e) => told(Fault::Address, untrusted(&e.to_string())),
                _ => told(Fault::Away, format!("the connection to the store failed ({e})")),
            },
            ureq::Error::Rustls(e) => told(Fault::Address, untrusted(&e.to_string())),
            ureq::Error::Tls(e) => told(Fault::Address, untrusted(e)),
            e => told(Fault::Odd, e.to_string()),
        }
    }
}

fn is_untrusted(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

fn untrusted(why: &str) -> String {
    format!("the store's certificate is not trusted ({why}); give the one that signed it with --ca")
}

/// Sorts an answer that is none of the good ones. The code in its words says more than its status.
pub(super) fn answered(mut answer: Answer, what: &str, name: &str) -> BucketError {
    let status = answer.status().as_u16();
    let region = super::request::header(&answer, "x-amz-bucket-region").map(str::to_owned);
    let words = answer.body_mut().with_config().limit(WORDS_MAX).read_to_string().unwrap_or_default();
    let code = within(&words, "Code").unwrap_or_default();
    sorted(status, code, region.as_deref(), &format!("cannot {what} {name}"))
}

fn sorted(status: u16, code: &str, region: Option<&str>, what: &str) -> BucketError {
    let told = |fault, why: &str| BucketError::new(fault, format!("{what}: {why}"));
    match (code, status) {
        ("InvalidAccessKeyId" | "InvalidClientTokenId" | "SignatureDoesNotMatch" | "AuthFailure", _)
        | ("", 401) => told(
            Fault::Credential,
            "the store does not accept the access key. Give a valid one (amethyst location credentials)",
        ),
        ("RequestTimeTooSkewed" | "RequestExpired", _) => told(
            Fault::Clock,
            "the clocks of the store and of this server differ by minutes. Set this one right",
        ),
        ("NoSuchBucket", _) => {
            told(Fault::NoBucket, "the store has no bucket of this name. Look at --path and --region")
        }
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _)
        | (_, 301 | 307 | 308) => {
            let found = region.map_or_else(String::new, |r| format!(" ({r})"));
            told(
                Fault::Address,
                &format!("the bucket lies in another region{found}. Give that one with --region"),
            )
        }
        ("SlowDown" | "TooManyRequests" | "RequestLimitExceeded" | "ServiceUnavailable", _)
        | (_, 429 | 503) => told(Fault::Slow, "the store is busy and asks to come back later"),
        ("RequestTimeout", _) => told(Fault::Silent, "the store gave up waiting for the bytes"),
        (
            "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" | "InsufficientStorage",
            _,
        )
        | (_, 507) => told(Fault::Full, "the store is full, or its quota is used up"),
        (
            "BadDigest"
            | "XAmzContentChecksumMismatch"
            | "XAmzContentSHA256Mismatch"
            | "InvalidDigest"
            | "IncompleteBody",
            _,
        ) => told(Fault::Mangled, "what arrived at the store is not what was sent"),
        ("NotImplemented" | "MethodNotAllowed", _) | (_, 405 | 501) => {
            told(Fault::Unknown, "the store does not know such a request")
        }
        // Another request for the same name is under way.
        ("ConditionalRequestConflict" | "OperationAborted", _) | (_, 409) => {
            told(Fault::Slow, "somebody else writes there at this moment")
        }
        ("AccessDenied" | "AllAccessDisabled", _) | (_, 403) => {
            told(Fault::Denied, "the access key has no right to do so, or the object is locked")
        }
        (_, 500..=599) => {
            told(Fault::Away, &format!("the store has a fault of its own (status {status} {code})"))
        }
        _ => told(Fault::Odd, &format!("the store refused it (status {status} {code})")),
    }
}

/// The text of the first element of that name.
fn within<'a>(words: &'a str, element: &str) -> Option<&'a str> {
    let (_, rest) = words.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once('<')?;
    // What a store says is shown to people: letters only.
    (text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_says_what_to_do() {
        let check = |status, code: &str, fault, word: &str| {
            let error = sorted(status, code, Some("eu-west-1"), "cannot write a");
            assert_eq!(error.fault, fault, "{status} {code}: {error}");
            assert!(error.text.contains(word), "{status} {code}: {error}");
        };
        check(403, "AccessDenied", Fault::Denied, "no right");
        check(403, "", Fault::Denied, "no right");
        check(403, "InvalidAccessKeyId", Fault::Credential, "access key");
        check(403, "SignatureDoesNotMatch", Fault::Credential, "access key");
        check(403, "RequestTimeTooSkewed", Fault::Clock, "clocks");
        check(404, "NoSuchBucket", Fault::NoBucket, "no bucket");
        check(503, "SlowDown", Fault::Slow, "busy");
        check(429, "", Fault::Slow, "busy");
        check(301, "PermanentRedirect", Fault::Address, "(eu-west-1)");
        check(507, "", Fault::Full, "full");
        check(400, "BadDigest", Fault::Mangled, "not what was sent");
        check(501, "NotImplemented", Fault::Unknown, "does not know");
        check(409, "ConditionalRequestConflict", Fault::Slow, "somebody else");
        check(500, "InternalError", Fault::Away, "500 InternalError");
        check(418, "", Fault::Odd, "418");
    }

    #[test]
    fn the_code_is_found_in_the_words_and_nothing_strange_is() {
        let words = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>x</Message></Error>";
        assert_eq!(within(words, "Code"), Some("SlowDown"));
        for words in ["", "<Code>", "<Code>a b</Code>", "<Code>\u{1b}[2J</Code>", "Code>a</Code>"] {
            assert_eq!(within(words, "Code"), None, "{words:?}");
        }
    }
}
