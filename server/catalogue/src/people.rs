//! Users and their sessions, as the doors of the house need them. Secrets are never printed.

use std::fmt;

use shared::UtcMicros;

/// Names a user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UserId(pub u64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a user may do, in one word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum UserRole {
    /// Sets up and manages.
    Administrator = 0,
    /// Searches, listens, labels.
    Supervisor = 1,
    /// Searches, listens, checks.
    Auditor = 2,
    /// Hears own calls.
    Agent = 3,
}

impl UserRole {
    /// Returns the word for people and for JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::Agent => "agent",
        }
    }

    /// Finds a role by its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Administrator, Self::Supervisor, Self::Auditor, Self::Agent]
            .into_iter()
            .find(|r| r.word() == word)
    }

    /// Returns the number kept in the catalogue.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Finds a role by its number.
    #[must_use]
    pub const fn from_number(n: u8) -> Option<Self> {
        match n {
            0 => Some(Self::Administrator),
            1 => Some(Self::Supervisor),
            2 => Some(Self::Auditor),
            3 => Some(Self::Agent),
            _ => None,
        }
    }
}

/// A person who may sign in.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct User {
    /// Given by the catalogue; ignored when a user is put.
    pub id: UserId,
    /// The name to sign in with; unique without regard to case.
    pub name: String,
    /// The name shown.
    pub display: String,
    /// What they may do.
    pub role: UserRole,
    /// What they may see, as JSON of the web's making.
    pub scope: String,
    /// The password's Argon2id digest as a PHC string; `None`: none set yet.
    pub password_phc: Option<String>,
    /// The second factor's secret; `None`: not enrolled.
    pub totp_secret: Option<Vec<u8>>,
    /// The last 30 s step whose code was taken; none is taken twice.
    pub totp_last_step: Option<u64>,
    /// Wrong passwords and codes since the last right one.
    pub failures: u32,
    /// Nobody may sign in as this user before this instant.
    pub locked_until: Option<UtcMicros>,
    /// May not sign in at all.
    pub disabled: bool,
    /// When it was made.
    pub created_at: UtcMicros,
    /// Digest of the one-time link that sets a password.
    pub link_digest: Option<[u8; 32]>,
    /// The link works until then.
    pub link_until: Option<UtcMicros>,
    /// The language of the console, such as `en`.
    pub locale: String,
}

impl Default for UserRole {
    /// The one that may least.
    fn default() -> Self {
        Self::Agent
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// How far a sign-in has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum SessionStep {
    /// The password was right; the second factor is still to come.
    #[default]
    PasswordDone = 0,
    /// Signed in.
    Complete = 1,
}

/// One sign-in on one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// SHA-256 of the cookie.
    pub digest: [u8; 32],
    /// Whose.
    pub user: UserId,
    /// Since when.
    pub created_at: UtcMicros,
    /// When it was last used.
    pub seen_at: UtcMicros,
    /// When it ends whatever happens.
    pub ends_at: UtcMicros,
    /// How far it has come.
    pub step: SessionStep,
    /// From where.
    pub address: String,
    /// With which program.
    pub agent: String,
}
