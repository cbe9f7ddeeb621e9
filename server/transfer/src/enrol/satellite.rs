//! The machine's half: asks with the code, believes nothing before the proof, and gives back what is to be written.

use archive::SiteJson;
use archive::certs::{Certs, Role};
use hyper::Method;
use seal::{DayKeyList, SigningKey};
use shared::{RecorderId, UtcMicros};

use super::message::{ANSWER_MAX, Answer, Greeting, Proven, Request};
use super::secret::is_same;
use super::{Code, Secret};
use crate::carrier::{Address, ENROL, Line, LineError};
use crate::document::{Configuration, Document, Trust};
use crate::tls::{self, CertificateKey, Identity, TlsError};

const GREETING_MAX: usize = 4 << 10;

/// What the machine brings.
#[allow(missing_debug_implementations, reason = "it reaches a private key")]
pub struct Wanted<'a> {
    /// The identity that it drew.
    pub recorder_id: RecorderId,
    /// Its signing key.
    pub signing_key: &'a SigningKey,
    /// Its host name, at most 64 bytes.
    pub host: String,
    /// What it was told to listen on.
    pub interfaces: Vec<String>,
}

/// What it takes home; all of it is verified.
#[derive(Debug)]
pub struct Enrolled {
    /// The site, its certificates, and who this is.
    pub trust: Trust,
    /// The file `site.json`, byte for byte.
    pub site: String,
    /// The file of certificates, byte for byte.
    pub certs: String,
    /// The authority that central is known by on the network, PEM.
    pub authority: String,
    /// Its key and certificate on the network.
    pub identity: Identity,
    /// What the administrator calls it.
    pub name: String,
    /// References of its recordings begin with it.
    pub letter: char,
    /// The days' keys, and the signed document that they came in.
    pub day_keys: (DayKeyList, String),
    /// Its first configuration, and the signed document that it came in.
    pub configuration: (Configuration, String),
}

/// Why a machine is not enrolled. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The connection, or a refusal.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No memory for the code's key.
    #[error("the code's key cannot be computed, it takes 64 MiB of memory: {0}")]
    Memory(argon2::Error),
    /// What answers is not of this version.
    #[error("{0} is none of this version: update the older of satellite and central")]
    Version(&'static str),
    /// Who answers does not know the code.
    #[error(
        "whoever answers does not know the code. Either another machine stands between this one and the central, or it is another \
         site's central. Nothing was written. Compare the address, and make a new code"
    )]
    Impostor,
    /// What was given does not hold.
    #[error("what central gave does not hold: {0}. Nothing was written")]
    Unproven(String),
}

/// Enrols this machine over a new connection. The code is used up once central's answer was made, even if it does not arrive.
///
/// # Errors
/// [`EnrolError`]; nothing is to be written then.
pub async fn enrol(
    address: &Address,
    code: &Code,
    wanted: Wanted<'_>,
    now: UtcMicros,
) -> Result<Enrolled, EnrolError> {
    let mut line = Line::open(address, tls::for_stranger()?).await?;
    let greeting = line.ask(Method::GET, ENROL, Vec::new(), GREETING_MAX).await?;
    let Greeting { site_id, salt } =
        Greeting::parse(&greeting).ok_or(EnrolError::Version("central's greeting"))?;
    let code = code.clone();
    // A fifth of a second of one core: not on the thread that keeps the connection.
    let secret = tokio::task::spawn_blocking(move || Secret::of(&code, &site_id, salt)).await;
    let secret = secret.unwrap_or(Err(argon2::Error::MemoryTooLittle)).map_err(EnrolError::Memory)?;
    let key = CertificateKey::draw()?;
    let Wanted { recorder_id, signing_key, host, interfaces } = wanted;
    let (point, public) = (key.point()?, signing_key.verifying_key());
    let question = Request { recorder_id, signing_key: public, point, host, interfaces }.to_text();
    let proof = secret.asks(line.binding(), &question);
    let asked = Proven { text: question.clone(), proof }.to_bytes();
    let answer = line.ask(Method::POST, ENROL, asked, ANSWER_MAX).await?;
    let answer = Proven::parse(&answer, ANSWER_MAX).ok_or(EnrolError::Version("central's answer"))?;
    if !is_same(&secret.answers(line.binding(), &question, &answer.text), &answer.proof) {
        return Err(EnrolError::Impostor);
    }
    let answer = Answer::parse(&answer.text).ok_or(EnrolError::Version("central's answer"))?;
    verified(answer, recorder_id, signing_key, key, now)
}

/// The code says who answers; what it gives still has to hold under the site's root.
fn verified(
    answer: Answer,
    who: RecorderId,
    signing_key: &SigningKey,
    key: CertificateKey,
    now: UtcMicros,
) -> Result<Enrolled, EnrolError> {
    let unproven = |what: &str| EnrolError::Unproven(what.to_owned());
    let not_held = |e: &dyn std::fmt::Display| EnrolError::Unproven(e.to_string());
    let site = SiteJson::parse(answer.site.as_bytes()).map_err(|e| not_held(&e))?;
    let certs = Certs::parse(answer.certs.as_bytes(), &site.site_id, &site.root_key);
    let certs = certs.map_err(|e| not_held(&e))?;
    let public = signing_key.verifying_key();
    let is_own = certs.all().iter().any(|c| c.role == Role::Recorder && c.subject == who && c.key == public);
    if !is_own || certs.key_at(public.key_id(), now).is_none() {
        return Err(unproven(
            "there is no certificate for this machine's key among the site's, or the clocks differ by years",
        ));
    }
    let trust = Trust { site, certs, who };
    let day_keys = match trust.open(answer.day_keys.as_bytes()).map_err(|e| not_held(&e))? {
        Document::DayKeys(list) => list,
        Document::Configuration(_) | Document::Certs(_) => return Err(unproven("it gave no day keys")),
    };
    let configuration = match trust.open(answer.configuration.as_bytes()).map_err(|e| not_held(&e))? {
        Document::Configuration(configuration) => configuration,
        Document::DayKeys(_) | Document::Certs(_) => return Err(unproven("it gave no configuration")),
    };
    let identity = key.with(&answer.certificate)?;
    tls::for_satellite(&answer.authority, &identity)?;
    Ok(Enrolled {
        trust,
        site: answer.site,
        certs: answer.certs,
        authority: answer.authority,
        identity,
        name: answer.name,
        letter: answer.letter,
        day_keys: (day_keys, answer.day_keys),
        configuration: (configuration, answer.configuration),
    })
}
