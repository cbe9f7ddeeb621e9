//! Enrolment: a short code, spoken from one person to another, makes a new machine a satellite of the site.
//!
//! Neither end knows the other's certificate yet. Both know the code, and both compute a key from it (Argon2id, [`Secret`]). The
//! machine proves the key over this very connection's binding (RFC 9266) and over what it asks for; central proves it over the
//! binding, the question and its answer. Somebody in the middle has two connections with two bindings, so what he passes on
//! proves nothing. What he has seen he can try codes against: 2^40 Argon2id within a quarter of an hour.
//!
//! What must hold: an invitation is marked as used, durably, before its answer leaves; the machine writes nothing before
//! central's proof and everything below it verify.

mod central;
mod code;
mod message;
mod satellite;
mod secret;
#[cfg(test)]
mod tests;

pub use central::{Invitation, Refused, Registrar, greeting, hear};
pub use code::{Code, CodeError};
pub use message::{ANSWER_MAX, Answer, Greeting, Proven, QUESTION_MAX, Request};
pub use satellite::{EnrolError, Enrolled, Wanted, enrol};
pub use secret::Secret;
