//! Taking a request apart: query strings, JSON bodies, parameters of the path. Whatever does not fit is refused here.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use shared::{RecordingId, UtcMicros, Zone};

use crate::doors::Doors;
use crate::problem::Refusal;

/// What handlers answer.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// Longest JSON body.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Time for a whole body to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(20);

/// A query string.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Doors> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _doors: &Doors) -> Result<Self, Refusal> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map_err(|error| Refusal::bad(brief(&error.body_text())))?;
        Ok(Self(query.0))
    }
}

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Doors> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _doors: &Doors) -> Result<Self, Refusal> {
        if !is_json(&request) {
            return Err(Refusal::not_json());
        }
        let body = Limited::new(request.into_body(), BODY_BYTES_MAX);
        let bytes: Bytes = match tokio::time::timeout(BODY_TIME_MAX, body.collect()).await {
            Err(_elapsed) => return Err(Refusal::too_slow()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refusal::too_large()),
            Ok(Err(_broken)) => return Err(Refusal::bad("The body broke off.")),
            Ok(Ok(whole)) => whole.to_bytes(),
        };
        // A list of values in the right order would be taken for an object, and nobody could see what is what.
        if bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Refusal::bad("The body is not a JSON object."));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Refusal::bad(brief(&error.to_string())))
    }
}

/// The recording in the path. A text that is no identity names nothing: not found, like any other that is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Id(pub(crate) RecordingId);

impl FromRequestParts<Doors> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let Names([text]) = Names::<1>::from_request_parts(parts, doors).await?;
        text.parse().map(Self).map_err(|_no_identity| Refusal::not_found())
    }
}

/// The parameters of the path, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Names<const N: usize>(pub(crate) [String; N]);

impl<const N: usize> FromRequestParts<Doors> for Names<N> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let Path(all) = Path::<Vec<(String, String)>>::from_request_parts(parts, doors)
            .await
            .map_err(|_odd_text| Refusal::not_found())?;
        let names: Vec<String> = all.into_iter().map(|(_, value)| value).collect();
        names.try_into().map(Self).map_err(|_wrong_number| Refusal::not_found())
    }
}

/// Takes a text: trimmed, `None` if nothing is left of it.
pub(crate) fn bounded(name: &str, given: &Option<String>, max: usize) -> Result<Option<String>, Refusal> {
    let Some(given) = given.as_deref().map(str::trim).filter(|t| !t.is_empty()) else { return Ok(None) };
    if given.chars().count() > max {
        return Err(Refusal::bad(format!("`{name}` is longer than {max} characters.")));
    }
    if given.chars().any(char::is_control) {
        return Err(Refusal::bad(format!("`{name}` has control characters in it.")));
    }
    Ok(Some(given.to_owned()))
}

/// Reads an instant: RFC 3339, or `2026-11-22` or `2026-11-22T16:00[:30]` in the site's zone. A bare day is its first moment,
/// or the first moment after it when `end_of_day` is asked for.
pub(crate) fn instant(text: &str, zone: &Zone, end_of_day: bool) -> Result<UtcMicros, Refusal> {
    let refused =
        || Refusal::bad(format!("`{}` is no time: write 2026-11-22 or 2026-11-22T16:00", brief(text)));
    if let Ok(day) = text.parse::<shared::Day>() {
        let day = if end_of_day { day.plus_days(1).ok_or_else(refused)? } else { day };
        return zone.start_of(day).ok_or_else(refused);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(UtcMicros(at.as_microsecond()));
    }
    let civil: jiff::civil::DateTime = text.parse().map_err(|_no_time| refused())?;
    let tz = jiff::tz::TimeZone::get(zone.name()).map_err(|_unknown| refused())?;
    let zoned = civil.to_zoned(tz).map_err(|_outside| refused())?;
    Ok(UtcMicros(zoned.timestamp().as_microsecond()))
}

/// Cuts what a client sent down to what may stand in an answer.
fn brief(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_sites_unless_they_say_otherwise() {
        let zone = Zone::named("Africa/Johannesburg").unwrap();
        let check = |text: &str, end: bool, expected: &str| {
            assert_eq!(instant(text, &zone, end).unwrap().to_string(), expected, "{text}");
        };
        check("2026-11-22", false, "2026-11-21T22:00:00.000000Z");
        check("2026-11-22", true, "2026-11-22T22:00:00.000000Z");
        check("2026-11-22T16:00", false, "2026-11-22T14:00:00.000000Z");
        check("2026-11-22T16:00:30.5", false, "2026-11-22T14:00:30.500000Z");
        check("2026-11-22T16:00:00Z", false, "2026-11-22T16:00:00.000000Z");
        check("2026-11-22T16:00:00+01:00", false, "2026-11-22T15:00:00.000000Z");
        for odd in ["", "yesterday", "2026-02-30", "2026-11-22T25:00", "9999999999-01-01", "٢٠٢٦-11-22"] {
            assert!(instant(odd, &zone, false).is_err(), "{odd}");
        }
    }
}
