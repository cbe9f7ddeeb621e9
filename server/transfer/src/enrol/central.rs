//! Central's half: who is expected, whose proof fits, and what is answered.

use shared::{RecorderId, SiteId};

use super::Secret;
use super::message::{Answer, Greeting, Proven, QUESTION_MAX, Request};
use super::secret::is_same;

/// An invitation that is open: not used, not over, not closed.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Which.
    pub id: [u8; 16],
    /// What its code became.
    pub secret: Secret,
}

/// Why somebody is not enrolled; it is told to them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The books of the house: invitations and satellites.
pub trait Registrar: Send + Sync {
    /// Which site this is.
    fn site(&self) -> SiteId;

    /// Who is expected now. All invitations that are open at the same time have one salt.
    ///
    /// # Errors
    /// The books cannot be read now.
    fn invitations(&self) -> Result<Vec<Invitation>, Refused>;

    /// A proof fitted this invitation. Marks it as used and the satellite as one of the site's, durably, in one step; returns
    /// what the machine is given.
    ///
    /// # Errors
    /// It was used or closed meanwhile, or the identity is taken.
    fn take(&self, invitation: [u8; 16], request: &Request) -> Result<Answer, Refused>;

    /// A proof fitted nothing: counts it against all open invitations, and closes them when there were too many.
    fn wrong_proof(&self);

    /// Says that a machine was enrolled.
    fn enrolled(&self, who: RecorderId);
}

/// Says how the code becomes a key.
///
/// # Errors
/// Nobody is expected.
pub fn greeting(house: &dyn Registrar) -> Result<Vec<u8>, Refused> {
    let open = house.invitations()?;
    let first = open.first().ok_or_else(nobody)?;
    Ok(Greeting { site_id: house.site(), salt: first.secret.salt() }.to_bytes())
}

/// Hears a question over the connection with this `binding`, and returns the answer with central's proof.
///
/// # Errors
/// Nobody is expected, the proof fits no open invitation, or what is asked for cannot be given.
pub fn hear(house: &dyn Registrar, question: &[u8], binding: &[u8; 32]) -> Result<Vec<u8>, Refused> {
    let proven = Proven::parse(question, QUESTION_MAX);
    let proven = proven.ok_or_else(|| Refused("the question is none of this version".into()))?;
    let open = house.invitations()?;
    if open.is_empty() {
        return Err(nobody());
    }
    let fits = |one: &&Invitation| is_same(&one.secret.asks(binding, &proven.text), &proven.proof);
    let Some(invitation) = open.iter().find(fits) else {
        house.wrong_proof();
        return Err(nobody());
    };
    let request = Request::parse(&proven.text)
        .ok_or_else(|| Refused("what is asked for makes no sense to this version".into()))?;
    let text = house.take(invitation.id, &request)?.to_text();
    let proof = invitation.secret.answers(binding, &proven.text, &text);
    house.enrolled(request.recorder_id);
    Ok(Proven { text, proof }.to_bytes())
}

/// The same words whether nobody is expected or the code is wrong: who guesses learns nothing.
fn nobody() -> Refused {
    Refused(
        "the code is not open here: mistyped, used already, older than a quarter of an hour, or closed after wrong ones; or somebody \
         stands between the new machine and the central: compare the address. Make a new code on the central (`amethyst satellite \
         invite`)"
            .into(),
    )
}
