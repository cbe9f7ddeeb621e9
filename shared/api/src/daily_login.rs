//! The login that opens archives today, as an administrator asks for it and is shown it.

use serde::{Deserialize, Serialize};

/// Asks for today's login.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskDailyLogin {
    /// Six digits of one's own authenticator, fresh: that somebody is signed in is not enough. Spaces are overlooked.
    #[cfg_attr(feature = "openapi", schema(max_length = 20))]
    pub code: String,
    /// To whom it is given.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub receiver: String,
    /// Why.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 200))]
    pub reason: String,
}

/// Today's login. That it was given out stands in the logs already.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DailyLogin {
    /// A letter and four digits.
    pub login: String,
    /// Four groups of four symbols with dashes between them.
    pub password: String,
    /// The login as it is read out: words with blanks between them.
    pub login_spoken: String,
    /// Each group of the password as it is read out.
    pub password_spoken: Vec<String>,
    /// The start of the day in the site's zone, RFC 3339.
    pub valid_from: String,
    /// The start of the next day.
    pub valid_until: String,
    /// The site's zone by its name in the tz database.
    pub zone: String,
}

impl std::fmt::Debug for AskDailyLogin {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AskDailyLogin")
    }
}

impl std::fmt::Debug for DailyLogin {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DailyLogin")
    }
}
