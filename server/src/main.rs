//! The program `amethyst`: reads the command line, runs one command, ends with an exit code that a program may rely on.
//!
//! Nothing is decided here. The real clock, the operating system's dice and the signals are made in this crate and handed
//! inwards; `cmds/` holds one file per command.

#![forbid(unsafe_code)]

mod alarms;
mod archiving;
mod calls;
mod cli;
mod cmds;
mod config;
mod disk;
mod failure;
mod health;
mod keys;
mod logins;
mod made_call;
mod recording;
mod satellite;
mod satellites;
mod serve;
mod site;
mod srtp_keys;
mod terminal;
mod view;
mod wire;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.verbose);
    match run(&cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::fail(&error);
            ExitCode::from(failure::code_of(&error))
        }
    }
}

fn run(command: &Command) -> anyhow::Result<u8> {
    match command {
        Command::Init(words) => cmds::init::run(words),
        Command::Record(words) => cmds::record::run(words),
        Command::Serve(words) => serve::run(words),
        Command::User(cli::User::Link(words)) => cmds::user::link(words),
        Command::List(words) => cmds::list::run(words),
        Command::Show(words) => cmds::show::run(words),
        Command::Export(words) => cmds::export::run(words),
        Command::Verify(words) => cmds::verify::run(words),
        Command::Check(words) => cmds::check::run(words),
        Command::Log(words) => cmds::log::run(words),
        Command::Restore(words) => cmds::restore::run(words),
        Command::Ledger(words) => cmds::ledger::run(words),
        Command::DailyLogin(words) => cmds::daily_login::run(words),
        Command::Location(words) => cmds::location::run(words),
        Command::Archive(words) => cmds::archive::run(words),
        Command::Retention(words) => cmds::keeping::retention::run(words),
        Command::Policy(words) => cmds::keeping::policy::run(words),
        Command::Hold(words) => cmds::keeping::hold::run(words),
        Command::Shred(words) => cmds::keeping::shred::run(words),
        Command::Alarm(cli::Alarm::Test(words)) => cmds::alarm::test(words),
        Command::Satellite(words) => match words {
            cli::satellite::Satellite::Invite(words) => cmds::satellite::invite(words),
            cli::satellite::Satellite::Enrol(words) => cmds::satellite::enrol_here(words),
            cli::satellite::Satellite::Run(words) => satellite::run::run(words),
            cli::satellite::Satellite::List(words) => cmds::satellite::list(words),
            cli::satellite::Satellite::Revoke(words) => cmds::satellite::revoke(words),
        },
        Command::ArchiveCarrier(words) => cmds::archive::carry(words),
    }
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => tracing::Level::WARN,
        1 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false).init();
}
