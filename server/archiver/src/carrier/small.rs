//! Small files of a medium that is a file system.

use std::io::Read as _;

use archive::layout::LEASE_NAME;
use seal::fields::len64;
use store::{Disk, DiskFile, StoreError};

use super::fault::failed;
use super::{Carried, CarryError, CarryKind};

/// Reads a small file.
pub(super) fn read(medium: &dyn Disk, path: &str, max: u64) -> Carried<Option<Vec<u8>>> {
    let io = match medium.open_read(path) {
        Ok(io) => io,
        Err(e) if e.is_not_found() => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let mut bytes = Vec::new();
    io.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|e| failed(StoreError::sorted("read", path, e)))?;
    if len64(&bytes) > max {
        let text = format!("{path} is longer than such a file can be");
        return Err(CarryError { kind: CarryKind::Other, text });
    }
    Ok(Some(bytes))
}

pub(super) fn put_lease(medium: &dyn Disk, bytes: &[u8]) -> Carried<()> {
    cleared(medium, LEASE_NAME)?;
    let mut file = created(medium, LEASE_NAME)?;
    file.append(&[bytes]).and_then(|()| file.sync()).map_err(failed)
}

/// Makes a file under a temporary name. Nothing of that name is there: what is was made by a request whose answer was lost.
pub(super) fn created(medium: &dyn Disk, path: &str) -> Carried<DiskFile> {
    match medium.create_new(path) {
        Err(StoreError::Exists { .. }) => {
            cleared(medium, path)?;
            medium.create_new(path).map_err(failed)
        }
        made => made.map_err(failed),
    }
}

/// Removes a file; one that is not there is fine.
pub(super) fn cleared(medium: &dyn Disk, path: &str) -> Carried<()> {
    match medium.unlink(path) {
        Err(e) if !e.is_not_found() => Err(failed(e)),
        _ => Ok(()),
    }
}
