//! The commands, one file each. Every one returns the exit code of [`crate::failure`].

pub(crate) mod alarm;
pub(crate) mod archive;
mod archive_verify;
mod archived;
pub(crate) mod check;
pub(crate) mod daily_login;
mod drill;
pub(crate) mod export;
mod exported;
mod found;
pub(crate) mod init;
pub(crate) mod keeping;
pub(crate) mod ledger;
pub(crate) mod list;
pub(crate) mod location;
pub(crate) mod log;
pub(crate) mod purge;
pub(crate) mod record;
pub(crate) mod restore;
pub(crate) mod satellite;
pub(crate) mod show;
pub(crate) mod user;
pub(crate) mod verify;
