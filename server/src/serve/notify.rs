//! What systemd is told: ready, reloading, stopping, and that the recording thread is alive (`sd_notify(3)`).
//!
//! Outside systemd nothing happens. The watchdog is fed only while the recording thread looks around: a server whose pages
//! answer and which records nothing is started again.

use std::time::Duration;

use sd_notify::NotifyState;

/// Says that the server is up, and where.
pub(crate) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says that the configuration was read again.
pub(crate) fn reloaded(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// Says that all recordings are being closed.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog.
pub(crate) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Returns how often [`alive`] must be said: half of what the unit asks for.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd was not told: {error}");
    }
}
