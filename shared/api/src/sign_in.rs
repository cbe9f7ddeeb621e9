//! Signing in: a password or a one-time link, then a second factor where it is asked for.

use serde::{Deserialize, Serialize};

/// A name and its password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignIn {
    /// The name to sign in with; capitals do not matter.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub name: String,
    /// The password.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub password: String,
}

/// What has to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Next {
    /// Nothing: signed in.
    Done,
    /// A code of the authenticator: `POST /sign-in/totp`.
    Totp,
    /// An authenticator must be enrolled: `POST /sign-in/enrol-totp`, then `/confirm`.
    EnrolTotp,
    /// A password must be chosen: `POST /sign-in/password`.
    SetPassword,
}

/// How far the sign-in came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInAnswer {
    /// What has to be done next.
    pub next: Next,
    /// Whose sign-in it is; given after a one-time link, which itself names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub name: Option<String>,
}

/// A code of the authenticator.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TotpCode {
    /// Six digits; spaces are overlooked.
    #[cfg_attr(feature = "openapi", schema(max_length = 20))]
    pub code: String,
}

/// The secret part of a one-time link.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkToken {
    /// What stands behind the `#` of the link.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub token: String,
}

/// A password that is being chosen.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPassword {
    /// At least twelve characters, not the name.
    #[cfg_attr(feature = "openapi", schema(min_length = 12, max_length = 1000))]
    pub password: String,
}

/// What an authenticator needs.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TotpEnrolment {
    /// The secret in base 32, for typing in.
    pub secret: String,
    /// The same as an `otpauth://` address.
    pub uri: String,
    /// The address as a QR code, an SVG picture.
    pub qr_svg: String,
}

impl std::fmt::Debug for SignIn {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignIn")
    }
}

impl std::fmt::Debug for TotpCode {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpCode")
    }
}

impl std::fmt::Debug for LinkToken {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkToken")
    }
}

impl std::fmt::Debug for NewPassword {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword")
    }
}

impl std::fmt::Debug for TotpEnrolment {
    /// Shows the name only: secrets are never printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpEnrolment")
    }
}
