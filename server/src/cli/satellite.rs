//! The words of `amethyst satellite`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use transfer::carrier::Address;
use transfer::enrol::Code;

use super::Data;

/// `amethyst satellite`.
#[derive(Debug, Subcommand)]
pub(crate) enum Satellite {
    /// At the central: make a code with which one new machine may become a satellite. Valid for a quarter of an hour, once.
    Invite(Invite),
    /// At the new machine: make it a satellite with a code from the central. Writes a new data folder.
    Enrol(Enrol),
    /// At the satellite: record, and move recordings to the central as they are made. Records on while the central is away.
    Run(Run),
    /// At the central: list the satellites, when each was last heard, and what waits there.
    List(List),
    /// At the central: revoke a satellite for good, because it was stolen or is no more. Its recordings stay.
    Revoke(Revoke),
}

/// `amethyst satellite invite`.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// What people will call the satellite, for screens and reports.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// Print JSON: `{"code", "name", "until"}`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst satellite enrol`.
#[derive(Debug, Args)]
pub(crate) struct Enrol {
    /// Where the central's console is.
    #[arg(long, value_name = "https://HOST:8443")]
    pub(crate) central: Address,
    /// The code that `amethyst satellite invite` printed at the central.
    #[arg(long, value_name = "ABCD-EFGH")]
    pub(crate) code: Code,
    /// The folder to create; it must not exist or be empty.
    #[arg(long = "data", value_name = "DIR", env = "AMETHYST_DATA")]
    pub(crate) dir: PathBuf,
    /// An interface to record on (several times for several). More can be set at the central later.
    #[arg(long = "interface", value_name = "IF")]
    pub(crate) interfaces: Vec<String>,
    /// Print JSON: `{"recorder_id", "name", "letter", "central"}`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst satellite run`.
#[derive(Debug, Args)]
#[command(
    after_help = "SIGTERM or Ctrl-C ends it: calls are closed, and what is sealed is sent for a few seconds more.\n\
    SIGHUP reads the configuration again. What is not receipted by the central stays and is sent after the next start."
)]
pub(crate) struct Run {
    /// The satellite's folder, as made by `amethyst satellite enrol`.
    #[arg(long = "data", value_name = "DIR", env = "AMETHYST_DATA")]
    pub(crate) dir: PathBuf,
    /// Also record on this interface, whatever the central's settings say (several times for several).
    #[arg(long = "interface", value_name = "IF")]
    pub(crate) interfaces: Vec<String>,
}

/// `amethyst satellite list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst satellite revoke`.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Its name, its letter, or its recorder id.
    #[arg(value_name = "SATELLITE")]
    pub(crate) which: String,
}
