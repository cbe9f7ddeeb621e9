//! Sealed bytes at rest: a small set of file operations whose durability can be argued about.
//!
//! A [`Disk`] is one folder tree; every path is relative to it and made of plain names. A file is created once, grows by
//! appends, is renamed once and is never written again: there is no "overwrite" here. What survives a power cut is exactly
//! what a successful [`DiskFile::sync`], [`Disk::sync_dir`] or [`Disk::sync_fs`] covered; the disk in memory behind the
//! feature `testing` loses the rest on purpose, so that every procedure above can be cut at each of its steps.
//!
//! **A failed sync is never retried.** After one, the kernel may have thrown the pages away and report success next time.
//! Hence a [`DiskFile`] whose sync failed is *poisoned*, and a failed [`Disk::sync_fs`] poisons every file open at that moment.
//!
//! A [`bucket::Bucket`] is the other place where sealed bytes rest: an object store beyond the network, which keeps whole objects.
//!
//! Which bytes these are, and in which order they must become durable, is not known here but in the vault.

#![forbid(unsafe_code)]

pub mod bucket;
mod direct;
mod disk;
mod error;
mod file;
mod local;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use disk::{Disk, Entry, EntryKind, ReadSeek, checked_path};
pub use error::{Kind, StoreError};
pub use file::{DiskFile, Doubt, RawFile};
pub use local::{LocalDisk, Lock};
