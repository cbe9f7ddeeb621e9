//! The words of `amethyst daily-login`.

use clap::Args;

use super::Data;

/// `amethyst daily-login`.
#[derive(Debug, Args)]
#[command(
    after_help = "For the user that the server runs as, on the server's own machine. Works while the server runs and when it does \
    not. The transparency log says that a login was given out before it is shown; the audit log says to whom and why.\n\n\
    The login opens every archive of this site up to today, and only today, until midnight in the site's zone."
)]
pub(crate) struct DailyLogin {
    /// The site.
    #[command(flatten)]
    pub(crate) data: Data,
    /// To whom it is given, by name. Asked for at a terminal; a program that leaves it out is entered as the user that runs it.
    #[arg(long = "for", value_name = "NAME")]
    pub(crate) receiver: Option<String>,
    /// Why it is given, such as a ticket's number. Asked for at a terminal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Print JSON: login, password, since and until when they hold, and the zone.
    #[arg(long)]
    pub(crate) json: bool,
}
