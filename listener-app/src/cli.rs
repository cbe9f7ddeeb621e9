//! The command line: every command, every option, with the words a newcomer needs.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use shared::Day;

/// Opens an archive of AMETHYST with the login of the day: no server and no network are needed.
#[derive(Debug, Parser)]
#[command(
    name = "amtlisten",
    version,
    after_help = "The login and the password are those of TODAY: the administrator finds them in the console under Daily login, and the \
    helpdesk reads them out when the server is down. Both work on their own day only.\n\n  \
    amtlisten list /media/drive --login a4469 --password-stdin < password.txt\n\n\
    Exit codes: 0 done; 1 something is wrong with what was looked at; 2 command line; 3 the location cannot be used or was altered; \
    4 the login was not accepted; 5 the clock of this PC is wrong; 6 the target of an export cannot be written."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the recordings of a day, or of all days.
    List(List),
    /// Decrypt recordings to sound files, each with a sidecar that tells what it is and proves it.
    Export(Export),
    /// Judge an archive: signatures, digests, the log; with a login also that everything opens.
    Verify(Verify),
}

/// Which archive, and who opens it.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// The drive, share or folder with the archive, or its folder AMETHYST. Nothing is ever written there.
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,
    /// Today's login: the letter a or h and four digits.
    #[arg(long, value_name = "LOGIN", requires = "password_stdin")]
    pub(crate) login: Option<String>,
    /// Read the password from standard input, so that it stands in no list of processes.
    #[arg(long, requires = "login")]
    pub(crate) password_stdin: bool,
    /// Only this day in the site's zone, as 2026-11-22.
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<Day>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which recordings, for `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Archive and login.
    #[command(flatten)]
    pub(crate) way: Way,
    /// Only recordings in whose parties, numbers, reference or subject this occurs.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) find: String,
}

/// Which recordings, and where to, for `export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Archive and login.
    #[command(flatten)]
    pub(crate) way: Way,
    /// Ids or references, as `list` shows them; none: all of the day, which must be given then.
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// The folder for the files; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Wav)]
    pub(crate) format: Format,
    /// Whose voice.
    #[arg(long, value_enum, default_value_t = Leg::Both)]
    pub(crate) leg: Leg,
}

/// What to verify.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Archive and login; without a login the archive is judged by its own word about whose it is.
    #[command(flatten)]
    pub(crate) way: Way,
}

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// PCM16.
    Wav,
    /// Lossless, half the size.
    Flac,
    /// Lossy, a twentieth.
    Opus,
}

/// Legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Leg {
    /// Stereo: near party left, far party right.
    Both,
    /// The site's own party.
    Near,
    /// The other party.
    Far,
}
