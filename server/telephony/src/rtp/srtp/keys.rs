//! From an announced master key to the session keys of RTP and RTCP (RFC 3711 section 4.3, RFC 6188, RFC 7714).
//!
//! A key derivation rate other than 0 is refused: hardly anybody sends it, and guessing would give noise.

use zeroize::Zeroize as _;

use super::transform::{Aes, Session, Transform};
use crate::sip::SdesKey;

/// What a crypto suite's name stands for.
#[derive(Clone, Copy)]
struct Suite {
    key_len: usize,
    salt_len: usize,
    kind: Kind,
    /// Octets of the RTP tag; the RTCP tag is always the long one (RFC 4568, 6.2).
    tag_len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    CounterMode,
    Gcm,
    Null,
}

impl Suite {
    /// Knows the registered names and the spellings that phones use instead.
    fn named(name: &str) -> Option<Self> {
        let suite = |key_len, salt_len, kind, tag_len| Some(Self { key_len, salt_len, kind, tag_len });
        match name.to_ascii_uppercase().as_str() {
            "AES_CM_128_HMAC_SHA1_80" => suite(16, 14, Kind::CounterMode, 10),
            "AES_CM_128_HMAC_SHA1_32" => suite(16, 14, Kind::CounterMode, 4),
            "AES_192_CM_HMAC_SHA1_80" | "AES_CM_192_HMAC_SHA1_80" => suite(24, 14, Kind::CounterMode, 10),
            "AES_192_CM_HMAC_SHA1_32" | "AES_CM_192_HMAC_SHA1_32" => suite(24, 14, Kind::CounterMode, 4),
            "AES_256_CM_HMAC_SHA1_80" | "AES_CM_256_HMAC_SHA1_80" => suite(32, 14, Kind::CounterMode, 10),
            "AES_256_CM_HMAC_SHA1_32" | "AES_CM_256_HMAC_SHA1_32" => suite(32, 14, Kind::CounterMode, 4),
            "NULL_HMAC_SHA1_80" => suite(16, 14, Kind::Null, 10),
            "NULL_HMAC_SHA1_32" => suite(16, 14, Kind::Null, 4),
            "AEAD_AES_128_GCM" => suite(16, 12, Kind::Gcm, 16),
            "AEAD_AES_256_GCM" => suite(32, 12, Kind::Gcm, 16),
            _ => None,
        }
    }
}

/// One usable crypto line: the announced key and the sessions derived from it. Wiped when dropped.
pub(super) struct Master {
    announced: SdesKey,
    pub(super) rtp: Session,
    pub(super) rtcp: Session,
    /// Octets of the master key identifier in each packet, 0 when none was announced.
    pub(super) mki_len: usize,
}

impl Master {
    /// Derives the sessions, or says in a few words why the line cannot be used.
    pub(super) fn derive(key: &SdesKey) -> Result<Self, &'static str> {
        let suite = Suite::named(&key.suite).ok_or("unknown crypto suite")?;
        let has = |word: &str| key.parameters.iter().any(|p| p.trim().eq_ignore_ascii_case(word));
        if key.parameters.iter().any(|p| is_rate(p)) {
            return Err("a key derivation rate is not supported");
        }
        if key.key_and_salt.len() != suite.key_len.saturating_add(suite.salt_len) {
            return Err("the key's length does not fit its suite");
        }
        let (key_octets, salt) =
            key.key_and_salt.split_at_checked(suite.key_len).ok_or("the key is too short")?;
        let master = Aes::new(key_octets).ok_or("the key's length does not fit its suite")?;
        let authenticated = !has("UNAUTHENTICATED_SRTP");
        let rtp = Derivation { master: &master, salt, suite, first_label: 0 };
        let rtcp = Derivation { master: &master, salt, suite, first_label: 3 };
        Ok(Self {
            announced: key.clone(),
            rtp: rtp
                .session(!has("UNENCRYPTED_SRTP"), if authenticated { suite.tag_len } else { 0 })
                .ok_or("the key cannot be expanded")?,
            rtcp: rtcp
                .session(!has("UNENCRYPTED_SRTCP"), suite.tag_len.max(10))
                .ok_or("the key cannot be expanded")?,
            mki_len: key.mki.map_or(0, |(_, len)| usize::from(len)),
        })
    }

    /// Tells whether this came from an equal line; its tag, a mere label, may differ.
    pub(super) fn is_from(&self, key: &SdesKey) -> bool {
        let mine = &self.announced;
        mine.key_and_salt == key.key_and_salt
            && mine.suite == key.suite
            && mine.mki == key.mki
            && mine.parameters == key.parameters
    }

    /// Returns the lengths of the identifier to expect: as announced, then without, since some announce and never send.
    pub(super) fn mki_lens(&self) -> impl Iterator<Item = usize> + use<> {
        let announced = self.mki_len;
        std::iter::once(announced).chain((announced != 0).then_some(0))
    }

    /// Returns the lengths of SRTCP tags to expect: the long one, and for suites with a short RTP tag also the short one,
    /// which some senders (`FFmpeg`) use for both against RFC 4568, 6.2.
    pub(super) fn rtcp_tag_lens(&self) -> impl Iterator<Item = usize> + use<> {
        std::iter::once(self.rtcp.tag_len()).chain((self.rtp.tag_len() == 4).then_some(4))
    }
}

/// `KDR=0` is the default and harmless.
fn is_rate(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    name.trim().eq_ignore_ascii_case("KDR") && value.trim() != "0"
}

/// The pseudo-random function keyed by one master key; labels are `first_label` + 0 cipher, + 1 tag, + 2 salt.
struct Derivation<'a> {
    master: &'a Aes,
    salt: &'a [u8],
    suite: Suite,
    first_label: u8,
}

impl Derivation<'_> {
    fn session(&self, encrypted: bool, tag_len: usize) -> Option<Session> {
        let mut cipher_key = vec![0u8; self.suite.key_len];
        let mut tag_key = [0u8; 20];
        let mut salt = [0u8; 14];
        expand(self.master, self.salt, self.first_label, &mut cipher_key);
        expand(self.master, self.salt, self.first_label.wrapping_add(1), &mut tag_key);
        expand(
            self.master,
            self.salt,
            self.first_label.wrapping_add(2),
            salt.get_mut(..self.suite.salt_len)?,
        );
        let session = match self.suite.kind {
            Kind::Gcm => Transform::gcm(&cipher_key).map(|t| Session::new(t, salt, encrypted)),
            Kind::CounterMode => Transform::counter_mode(&cipher_key, &tag_key, tag_len)
                .map(|t| Session::new(t, salt, encrypted)),
            Kind::Null => {
                Transform::counter_mode(&cipher_key, &tag_key, tag_len).map(|t| Session::new(t, salt, false))
            }
        };
        cipher_key.zeroize();
        tag_key.zeroize();
        salt.zeroize();
        session
    }
}

/// Fills `out` with the key stream of RFC 3711, 4.3.3; a 96-bit salt stands left, two zero octets follow (RFC 7714, 11).
pub(super) fn expand(master: &Aes, salt: &[u8], label: u8, out: &mut [u8]) {
    let mut iv = [0u8; 16];
    for (x, s) in iv.iter_mut().take(14).zip(salt) {
        *x = *s;
    }
    if let Some(x) = iv.get_mut(7) {
        *x ^= label;
    }
    out.fill(0);
    master.xor_key_stream(&iv, out);
    iv.zeroize();
}
