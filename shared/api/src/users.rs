//! Users: who may sign in, as what, and to what.

use serde::{Deserialize, Serialize};

use crate::Scope;

/// What a person is here. The table of what each role may do stands in the server, in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// May do everything.
    Administrator,
    /// Finds, plays, listens live, labels.
    Supervisor,
    /// Finds, plays, exports, reads the ledger and the audit log; changes nothing.
    Auditor,
    /// Hears the calls of their own extensions.
    Agent,
}

/// A user as an administrator sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    /// Identity.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// The name shown.
    pub display: String,
    /// The role.
    pub role: Role,
    /// What of the recordings.
    pub scope: Scope,
    /// The language of the console.
    pub locale: String,
    /// True when the account is shut.
    pub disabled: bool,
    /// True once a password was chosen.
    pub has_password: bool,
    /// True once an authenticator was enrolled.
    pub has_totp: bool,
    /// Until when no sign-in is accepted because of wrong passwords.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub locked_until: Option<String>,
    /// Until when a one-time link is open.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub link_until: Option<String>,
    /// When the account was made.
    pub created_at: String,
}

/// All users, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Users {
    /// The users.
    pub users: Vec<User>,
}

/// A new account. It has no password: give its owner a one-time link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUser {
    /// The name to sign in with: letters, digits, `.`, `-`, `_`, `@`.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// The name shown; the name itself when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub display: Option<String>,
    /// The role.
    pub role: Role,
    /// What of the recordings. An agent must have at least one extension.
    #[serde(default)]
    pub scope: Scope,
    /// The language of the console; English when left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 20))]
    pub locale: Option<String>,
}

/// A change of an account. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeUser {
    /// The name shown.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub display: Option<String>,
    /// The role.
    pub role: Option<Role>,
    /// What of the recordings.
    pub scope: Option<Scope>,
    /// The language of the console.
    #[cfg_attr(feature = "openapi", schema(min_length = 2, max_length = 20))]
    pub locale: Option<String>,
    /// Shuts the account (its sessions end at once) or opens it again.
    pub disabled: Option<bool>,
}

/// A link that lets its owner choose a password, once.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OneTimeLink {
    /// The path of the link at this server: `/link#` and the token. The part behind `#` is never sent to a server.
    pub link: String,
    /// When it stops working.
    pub until: String,
}

impl std::fmt::Debug for OneTimeLink {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTimeLink")
    }
}
