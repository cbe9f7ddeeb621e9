//! Where public day keys, the recorder's own signing key and random numbers come from.

use rand_core::CryptoRng;
use seal::{RecipientKey, SigningKey};
use shared::Day;

use crate::RecorderError;

/// Random numbers, as the operating system gives them.
pub type Dice = Box<dyn CryptoRng + Send>;

/// Gives the recorder its keys. A recorder never sees a private day key through it.
pub trait KeySource: Send + Sync {
    /// Returns the public key that recordings begun on `day` are sealed to.
    ///
    /// With no key for that day it returns the newest one there is and raises an alarm by its own means: recording goes on.
    ///
    /// # Errors
    /// There is no key at all.
    fn recipient(&self, day: Day) -> Result<RecipientKey, RecorderError>;

    /// Returns the key that trailers are signed with.
    fn signer(&self) -> &SigningKey;

    /// Returns random numbers for one thread.
    fn dice(&self) -> Dice;
}
