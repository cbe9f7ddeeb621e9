//! What an error of a file system means to an archive.

use rustix::io::Errno;
use store::StoreError;

use super::{CarryError, CarryKind};

/// Tells whether the file system does not know what it was asked for.
pub(super) fn is_unsupported(error: &std::io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::INVAL, Errno::OPNOTSUPP, Errno::NOSYS].iter().any(|e| code == Some(e.raw_os_error()))
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// Sorts what a disk said.
pub(super) fn failed(error: StoreError) -> CarryError {
    let kind = match &error {
        StoreError::NoSpace { .. } => CarryKind::Full,
        // Shares write later, and say then that there is no room. The batch is void, but nobody broke a promise.
        StoreError::SyncFailed { source, .. } if is_full(source) => CarryKind::Full,
        StoreError::SyncFailed { .. } | StoreError::Poisoned { .. } => CarryKind::Doubtful,
        StoreError::NotFound { .. } => CarryKind::Gone,
        StoreError::Io { source, .. } => match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ROFS) => CarryKind::ReadOnly,
            Some(
                Errno::IO
                | Errno::NODEV
                | Errno::NXIO
                | Errno::STALE
                | Errno::NOTCONN
                | Errno::HOSTDOWN
                | Errno::TIMEDOUT,
            ) => CarryKind::Gone,
            _ => CarryKind::Other,
        },
        StoreError::Exists { .. } | StoreError::BadPath { .. } => CarryKind::Other,
    };
    // The disk's own words speak of recordings that cannot be kept: here it is a copy that cannot.
    let text = match error {
        StoreError::NoSpace { path } => format!("no space is left for {path}"),
        StoreError::SyncFailed { path, source } if is_full(&source) => {
            format!(
                "no space is left for {path}, which the share said when it was to be made durable ({source})"
            )
        }
        StoreError::NotFound { path } => format!("{path} is not there any more"),
        other @ (StoreError::SyncFailed { .. }
        | StoreError::Poisoned { .. }
        | StoreError::Exists { .. }
        | StoreError::BadPath { .. }
        | StoreError::Io { .. }) => other.to_string(),
    };
    CarryError { kind, text }
}
