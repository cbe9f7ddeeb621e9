//! The clock of this PC: an offline reader has no other. Whether it may be believed is judged by `daily_login::clock`.

use std::time::{SystemTime, UNIX_EPOCH};

use shared::UtcMicros;

/// Returns the time of this PC.
pub(crate) fn now() -> UtcMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UtcMicros(since.ok().and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0))
}
