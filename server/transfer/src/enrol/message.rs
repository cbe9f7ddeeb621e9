//! What is said at enrolment, as JSON with limits. What a proof covers travels as one text, so that nobody has to agree on a form.

use seal::VerifyingKey;
use seal::fields::{hex, unhex};
use serde::{Deserialize, Serialize};
use shared::{RecorderId, SiteId};

use crate::tls::POINT;

const FORMAT: &str = "amethyst enrolment 1";
/// The longest question.
pub const QUESTION_MAX: usize = 16 << 10;
/// The longest answer: certificates of a site with thousands of recorders, and the day keys of a month.
pub const ANSWER_MAX: usize = 4 << 20;
const INTERFACES_MAX: usize = 64;
const NAME_MAX: usize = 64;

/// Central's first word: how the code becomes a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Greeting {
    /// The site that it says it is.
    pub site_id: SiteId,
    /// Of the codes that are open.
    pub salt: [u8; 16],
}

/// A text and the proof that whoever wrote it knows the code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// The text, exactly as it is proven.
    pub text: String,
    /// See [`super::Secret`].
    pub proof: [u8; 32],
}

/// What a machine asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The identity that it drew.
    pub recorder_id: RecorderId,
    /// The public key of the signatures under its recordings.
    pub signing_key: VerifyingKey,
    /// The public key of its certificate: P-256, long form.
    pub point: [u8; POINT],
    /// What it calls itself: its host name. The administrator's name counts.
    pub host: String,
    /// The interfaces that it was told to listen on.
    pub interfaces: Vec<String>,
}

/// What it is given. Nothing of it is secret, and nothing is believed that the site's root did not sign.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// `site.json`.
    pub site: String,
    /// `certs-<gen8>.json`: central's certificate by the root, and the satellite's own.
    pub certs: String,
    /// The authority by which central is known on the network, PEM.
    pub authority: String,
    /// Its certificate, PEM.
    pub certificate: String,
    /// What the administrator calls it.
    pub name: String,
    /// References of its recordings begin with it.
    pub letter: char,
    /// The signed list of the days' public keys.
    pub day_keys: String,
    /// Its first configuration, signed.
    pub configuration: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GreetingBody {
    format: String,
    site_id: String,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvenBody {
    text: String,
    proof: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestBody {
    format: String,
    recorder_id: String,
    signing_key: String,
    certificate_key: String,
    host: String,
    interfaces: Vec<String>,
}

impl Greeting {
    /// Writes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { site_id, salt } = self;
        json(&GreetingBody { format: FORMAT.into(), site_id: hex(site_id.bytes()), salt: hex(salt) })
            .into_bytes()
    }

    /// Reads it; `None`: it is none of this version.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let body: GreetingBody = serde_json::from_slice(bytes).ok()?;
        let site_id = body.site_id.parse().ok().filter(|_| body.format == FORMAT)?;
        Some(Self { site_id, salt: unhex(&body.salt)?.try_into().ok()? })
    }
}

impl Proven {
    /// Writes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        json(&ProvenBody { text: self.text.clone(), proof: hex(&self.proof) }).into_bytes()
    }

    /// Reads it, of at most `max` bytes.
    #[must_use]
    pub fn parse(bytes: &[u8], max: usize) -> Option<Self> {
        let body: ProvenBody = (bytes.len() <= max).then(|| serde_json::from_slice(bytes).ok()).flatten()?;
        Some(Self { proof: unhex(&body.proof)?.try_into().ok()?, text: body.text })
    }
}

impl Request {
    /// Writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        json(&RequestBody {
            format: FORMAT.into(),
            recorder_id: hex(self.recorder_id.bytes()),
            signing_key: hex(&self.signing_key.to_bytes()),
            certificate_key: hex(&self.point),
            host: self.host.clone(),
            interfaces: self.interfaces.clone(),
        })
    }

    /// Reads it; `None`: a member is missing, too long or makes no sense.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let body: RequestBody = serde_json::from_str(text).ok()?;
        let names_well =
            |name: &String| !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
        let is_bounded = body.format == FORMAT
            && body.interfaces.len() <= INTERFACES_MAX
            && names_well(&body.host)
            && body.interfaces.iter().all(names_well);
        let key: [u8; 32] = unhex(&body.signing_key).filter(|_| is_bounded)?.try_into().ok()?;
        Some(Self {
            recorder_id: body.recorder_id.parse().ok()?,
            signing_key: VerifyingKey::from_bytes(&key).ok()?,
            point: unhex(&body.certificate_key)?.try_into().ok()?,
            host: body.host,
            interfaces: body.interfaces,
        })
    }
}

impl Answer {
    pub(super) fn to_text(&self) -> String {
        json(self)
    }

    /// Reads it; `None`: it is none of this version.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

fn json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("texts and lists of texts are always JSON")
}
