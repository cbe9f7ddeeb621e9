//! What an error of a store means to an archive.

use store::bucket::{BucketError, Fault};

use crate::carrier::{CarryError, CarryKind};

/// A bucket's error that came out of a reader.
pub(super) fn of_reading(error: std::io::Error) -> BucketError {
    let text = error.to_string();
    let fault = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<BucketError>())
        .map_or(Fault::Away, |e| e.fault);
    BucketError { fault, text }
}

/// Sorts what a store said.
pub(super) fn failed(error: BucketError) -> CarryError {
    let kind = match error.fault {
        Fault::Away | Fault::Slow => CarryKind::Gone,
        Fault::Silent => CarryKind::Stalled,
        Fault::Full => CarryKind::Full,
        Fault::Mangled => CarryKind::Doubtful,
        Fault::Address
        | Fault::Credential
        | Fault::Denied
        | Fault::NoBucket
        | Fault::Clock
        | Fault::Unknown
        | Fault::Odd => CarryKind::Other,
    };
    CarryError { kind, text: error.text }
}

/// The same when something was to be written: a missing right ends the run.
pub(super) fn writing(error: BucketError) -> CarryError {
    let denied = matches!(error.fault, Fault::Denied | Fault::Credential | Fault::NoBucket);
    let kind = if denied { CarryKind::ReadOnly } else { failed(error.clone()).kind };
    CarryError { kind, text: error.text }
}
