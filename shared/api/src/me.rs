//! What a signed-in person sees and changes of themselves.

use serde::{Deserialize, Serialize};

use crate::Role;

/// What a person may hear of: empty lists mean no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Scope {
    /// Extensions: individual (`200`), range (`3111-3118`) or wildcard (`3***`, `*` is exactly one character).
    pub extensions: Vec<String>,
    /// Groups of extensions, by the names that the settings give them.
    pub groups: Vec<String>,
    /// Taps, by name.
    pub taps: Vec<String>,
    /// How many days back; none means all.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 36500))]
    pub days_back: Option<u32>,
}

/// Whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MyUser {
    /// Identity.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// The name shown.
    pub display: String,
    /// The role.
    pub role: Role,
    /// The language of the console, such as `en` or `af`.
    pub locale: String,
}

/// The site as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MySite {
    /// What people call it.
    pub name: String,
    /// Its time zone, by its name in the tz database.
    pub zone: String,
    /// The version of the program.
    pub version: String,
    /// SHA-256 of the server's certificate.
    pub fingerprint: String,
    /// True for the demonstration.
    pub demo: bool,
}

/// All that the console has to know when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    /// Who.
    pub user: MyUser,
    /// What the role may do, as words: `search`, `play`, `export`, `label`, `hold`, `release`, `live`, `ledger`, `audit`,
    /// `users`, `sessions`, `settings`, `test_call`.
    pub permissions: Vec<String>,
    /// What of it, and how far back.
    pub scope: Scope,
    /// Where.
    pub site: MySite,
    /// Goes into the header `x-csrf-token` of every request that changes something.
    pub csrf: String,
    /// Seconds without a request after which the session ends.
    pub idle_seconds: u64,
    /// True while an authenticator is enrolled.
    pub totp: bool,
}

/// Changes of one's own account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeMe {
    /// The name shown.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub display: Option<String>,
    /// The language of the console.
    #[cfg_attr(feature = "openapi", schema(min_length = 2, max_length = 20))]
    pub locale: Option<String>,
}

/// A change of one's own password. All other sessions of the account end.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    /// The password until now.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub old: String,
    /// The password from now on: at least twelve characters, not the name.
    #[cfg_attr(feature = "openapi", schema(min_length = 12, max_length = 1000))]
    pub new: String,
}

/// One session: one browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionInfo {
    /// Names the session; gives no access to it.
    pub id: String,
    /// True for the session that asks.
    pub current: bool,
    /// False while the second factor is still missing.
    pub complete: bool,
    /// When it began.
    pub created_at: String,
    /// When it was last used, to about a minute.
    pub seen_at: String,
    /// When it ends at the latest.
    pub ends_at: String,
    /// The network address that it came from.
    pub address: String,
    /// What the browser says it is.
    pub agent: String,
}

/// The sessions of one account, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sessions {
    /// The sessions.
    pub sessions: Vec<SessionInfo>,
}

impl std::fmt::Debug for ChangePassword {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChangePassword")
    }
}
