//! Refusals: the only place where a status code meets a sentence (RFC 9457, `application/problem+json`).
//!
//! A refusal says what happened, what it means for the recordings, and what to do. What is not visible and what does not
//! exist is the same refusal, made by one function without parameters, so that the two cannot be told apart.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use vault::CatalogueError;

/// Why a request was not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    means: &'static str,
    to_do: &'static str,
    retry_after_s: Option<u64>,
}

/// The media type of problems (RFC 9457).
const PROBLEM: &str = "application/problem+json";
const UNTOUCHED: &str = "Recording goes on; nothing was changed.";

impl Refusal {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        to_do: &'static str,
    ) -> Self {
        Self { status, kind, title, detail: detail.into(), means: UNTOUCHED, to_do, retry_after_s: None }
    }

    /// 400: the request cannot be understood; `detail` says which part of it.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request cannot be understood",
            detail,
            "Correct it and send it again; /api/v1/openapi.json describes every request.",
        )
    }

    /// 401: nobody is signed in, or not completely.
    pub(crate) fn sign_in_first() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "sign-in-first",
            "Sign in first",
            "There is no session, or it has ended.",
            "Sign in and try again.",
        )
    }

    /// 401: name, password, code or link is not right; never says which.
    pub(crate) fn not_right(detail: &'static str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not-right",
            "Not right",
            detail,
            "Try again. An administrator can make a one-time link for a forgotten password.",
        )
    }

    /// 403: the role does not allow it.
    pub(crate) fn not_allowed() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "not-allowed",
            "Not allowed",
            "Your role does not include this. The attempt stands in the audit log.",
            "Ask an administrator if you need it.",
        )
    }

    /// 403: a request that changes something came without the session's token, so that perhaps another page sent it.
    pub(crate) fn wrong_csrf() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "csrf",
            "The request does not prove that it comes from the console",
            "The header x-csrf-token is missing or belongs to another session.",
            "Load the page again. Programs send the value `csrf` of GET /api/v1/me.",
        )
    }

    /// 404: there is no such thing, or it is none of the reader's business.
    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "Not found",
            "There is nothing of this name that you may see.",
            "Check the address, or search for it.",
        )
    }

    /// 405: this address does not do that.
    pub(crate) fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong-method",
            "This address does not do that",
            "The method of the request does not fit its address.",
            "The header Allow lists what fits.",
        )
    }

    /// 408: the rest of the request did not come in time.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "too-slow",
            "The request took too long",
            "The rest of the request did not come in time.",
            "Try again.",
        )
    }

    /// 409: it does not fit what is there now.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "conflict",
            "Does not fit what is there now",
            detail,
            "Load the page again and look at what is there now.",
        )
    }

    /// 412: somebody else changed it meanwhile.
    pub(crate) fn changed_meanwhile() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "changed-meanwhile",
            "Somebody else changed it meanwhile",
            "The version in If-Match is no longer the one in force.",
            "Look at the settings as they are now, then change them again.",
        )
    }

    /// 413: the body is too large.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The request is too large",
            "The body is longer than this address takes.",
            "Send less at once.",
        )
    }

    /// 414: the address or its query string is too long.
    pub(crate) fn too_long() -> Self {
        Self::new(
            StatusCode::URI_TOO_LONG,
            "too-long",
            "The address is too long",
            "Address and query string together are longer than 8,000 characters.",
            "Search for less at once.",
        )
    }

    /// 415: the body is not what it should be.
    pub(crate) fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "The body must be JSON",
            "The header Content-Type is not application/json.",
            "Send JSON and say so.",
        )
    }

    /// 416: nothing of the asked range exists.
    pub(crate) fn no_such_range() -> Self {
        Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "no-such-range",
            "Nothing of the range exists",
            "The range begins behind the end of the sound.",
            "Ask without a range to learn the length.",
        )
    }

    /// 422: it is understood, and it is not acceptable; `detail` says why.
    pub(crate) fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "not-acceptable",
            "Not acceptable",
            detail,
            "Change the value and send it again.",
        )
    }

    /// 428: a change must say which version it starts from.
    pub(crate) fn version_wanted() -> Self {
        Self::new(
            StatusCode::PRECONDITION_REQUIRED,
            "version-wanted",
            "Say which version you changed",
            "The header If-Match is missing.",
            "Send the version that you read in If-Match.",
        )
    }

    /// 429: too many requests, or too many wrong passwords.
    pub(crate) fn too_many(retry_after_s: u64) -> Self {
        let mut refusal = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many",
            "Too many attempts",
            "There were too many requests in a short time, or too many wrong passwords.",
            "Wait as long as Retry-After says, then try again.",
        );
        refusal.retry_after_s = Some(retry_after_s.max(1));
        refusal
    }

    /// 500: a fault of ours. The log has the particulars; the answer has none.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "fault",
            "A fault of the server",
            "Something went wrong that should not; the server's log says what.",
            "Tell the system administrator, with the time of day.",
        )
    }

    /// 503: not at this moment.
    pub(crate) fn not_now(detail: impl Into<String>) -> Self {
        let mut refusal = Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-now",
            "Not at this moment",
            detail,
            "Try again in a moment. If it stays, tell the system administrator.",
        );
        refusal.retry_after_s = Some(5);
        refusal
    }

    /// 503: the recording lies on media that are not connected.
    fn in_archive(detail: String) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "in-archive",
            "In the archive only",
            detail,
            "Have one of these media connected, and try again.",
        )
    }

    /// 410: the recording was destroyed on purpose.
    fn destroyed() -> Self {
        Self::new(
            StatusCode::GONE,
            "destroyed",
            "Destroyed on purpose",
            "This recording was destroyed at the end of its retention, or by order of two persons. Nobody can hear it any more; what is \
             known about it stays.",
            "Ask an administrator when and why it was: the page Keeping says it.",
        )
    }

    /// 503: the act could not be written into the audit log, so it was not done.
    pub(crate) fn not_audited() -> Self {
        Self::not_now(
            "The audit log cannot be written at this moment, and nothing is shown without an entry there.",
        )
    }

    /// Returns the status.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<vault::VaultError> for Refusal {
    /// What is missing is not found, what the catalogue judges is told, what may pass is not now; all else is ours, and logged
    /// here.
    fn from(error: vault::VaultError) -> Self {
        if let vault::VaultError::NoSuchRecording(_) = &error {
            return Self::not_found();
        }
        if let vault::VaultError::Away { media } = &error {
            return Self::in_archive(format!("This recording has left the live store and lies on: {media}."));
        }
        if let vault::VaultError::Shredded { .. } = &error {
            return Self::destroyed();
        }
        if error.is_no_space() {
            tracing::warn!(%error, "no room to fetch into");
            return Self::not_now("The server's disk is nearly full, and recording goes before listening.");
        }
        if matches!(error, vault::VaultError::TwoPersons | vault::VaultError::DayNotOver(_)) {
            return Self::conflict(error.to_string());
        }
        if let vault::VaultError::Catalogue(judged) = &error
            && let Some(refusal) = Self::judged(judged)
        {
            return refusal;
        }
        match error.kind() {
            vault::Kind::Wait => {
                tracing::warn!(%error, "the vault asks to wait");
                Self::not_now("The catalogue or the disk is busy or full.")
            }
            vault::Kind::AskAPerson | vault::Kind::Stop => {
                tracing::error!(%error, "the vault failed");
                Self::internal()
            }
        }
    }
}

/// Writes an error as a sentence.
fn sentence(error: &CatalogueError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

impl Refusal {
    /// Tells what the catalogue said of the request itself; `None`: it is in trouble of its own.
    fn judged(error: &CatalogueError) -> Option<Self> {
        if let CatalogueError::NotThere { .. } = error {
            return Some(Self::not_found());
        }
        if let CatalogueError::Length { .. } = error {
            return Some(Self::not_acceptable(sentence(error)));
        }
        if let CatalogueError::Taken { .. }
        | CatalogueError::ManyNotes { .. }
        | CatalogueError::LastAdministrator = error
        {
            return Some(Self::conflict(sentence(error)));
        }
        if let CatalogueError::TooLong = error {
            return Some(Self::not_now(sentence(error)));
        }
        if let CatalogueError::Sql(_) = error {
            tracing::error!(%error, "the catalogue failed");
            return Some(Self::not_now(
                "The catalogue does not answer as it should; the server's log says why.",
            ));
        }
        None
    }
}

impl Refusal {
    fn problem(self) -> api::Problem {
        api::Problem {
            kind: format!("about:amethyst/{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail,
            what_it_means: self.means.to_owned(),
            what_to_do: self.to_do.to_owned(),
        }
    }

    /// Writes the whole answer as octets, for a request that was so odd that it never became one.
    pub(crate) fn octets(self) -> Vec<u8> {
        let status = self.status;
        let body = serde_json::to_vec(&self.problem()).unwrap_or_default();
        let mut head =
            format!("HTTP/1.1 {status}\r\ncontent-type: {PROBLEM}\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in crate::headers::ALWAYS {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("cache-control: no-store\r\nconnection: close\r\n\r\n");
        [head.into_bytes(), body].concat()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let mut response = (status, axum::Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
