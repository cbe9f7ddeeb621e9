//! The program `amtlisten`: opens an archive with the login of the day, lists, exports and verifies its recordings.
//!
//! It needs no server and no network. What must hold: a location is never written to, and nothing outside of it is read; nothing is
//! shown before signatures up to the site's root were verified; a recording that was altered is refused, never played; keys are in
//! memory only, and are wiped when the program or the day ends.

#![forbid(unsafe_code)]

mod cli;
mod clock;
mod cmds;
mod days;
mod export;
mod location;
mod login;
mod memory;
mod recording;
mod refusal;
mod search;
mod sidecar;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cmds::run(&cli::Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(refusal) => {
            terminal::say(&format!("amtlisten: {refusal}"));
            ExitCode::from(refusal.code())
        }
    }
}
