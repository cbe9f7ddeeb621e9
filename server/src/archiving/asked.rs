//! What the command line asks a running server, as lines on the control socket. Nothing else is named here, so that it is fuzzed alone.

use std::io::{self, BufRead, Read as _};

use serde::{Deserialize, Serialize};

/// The longest request, in octets, its end of line included.
pub(crate) const LINE_MAX: u64 = 4 << 10;

/// What the command line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Archive everything that is due, and tell how it goes.
    Run {
        /// Only there, by name or id.
        location: Option<String>,
        /// Make at most so many logins.
        logins: usize,
    },
    /// Give out today's login.
    DailyLogin {
        /// To whom it is given.
        receiver: String,
        /// Why.
        reason: String,
    },
    /// End the run early.
    Stop {
        /// A person wants it: it stays ended until the next evening.
        for_tonight: bool,
    },
}

impl Request {
    /// Reads the next one; `None`: nobody says anything more.
    ///
    /// # Errors
    /// A line that is too long, or no request: whoever sent it is not listened to any longer.
    pub(crate) fn next(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = Vec::new();
        from.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&line)?))
    }

    /// Writes it as a line.
    ///
    /// # Errors
    /// Never.
    pub(crate) fn line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self).map(|text| text + "\n")
    }
}
