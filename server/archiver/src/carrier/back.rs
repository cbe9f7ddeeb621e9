//! Reading back what lies on a medium, past the page cache where that can be had.

use std::io::{BufRead, BufReader};

use seal::fields::len64;
use store::{Disk, ReadSeek, StoreError};

use super::digests::Digesting;
use super::disk::CHUNK;
use super::fault::failed;
use super::{Carried, Digests};

/// Returns all digests of a file, and whether it was read past the cache; `None` if it is not there. `content` is the length of
/// what comes before its trailer.
pub(super) fn digests(
    medium: &dyn Disk,
    path: &str,
    content: u64,
    progress: &mut dyn FnMut(u64),
) -> Carried<Option<(Digests, bool)>> {
    let mut digesting = Digesting::new(content);
    let uncached = each(medium, path, &mut |chunk| {
        digesting.update(chunk);
        progress(len64(chunk));
    })?;
    Ok(uncached.map(|uncached| (digesting.finish(), uncached)))
}

/// Tells whether a file holds what was digested while it was written, and whether it was read past the cache. BLAKE3 alone is
/// compared: one digest that resists collisions shows every difference, and the other belongs to the same bytes then.
pub(super) fn is_there(
    medium: &dyn Disk,
    path: &str,
    written: &Digests,
    progress: &mut dyn FnMut(u64),
) -> Carried<Option<bool>> {
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0_u64);
    let uncached = each(medium, path, &mut |chunk| {
        hasher.update(chunk);
        size = size.saturating_add(len64(chunk));
        progress(len64(chunk));
    })?;
    let same = (size, *hasher.finalize().as_bytes()) == (written.size, written.blake3);
    Ok(uncached.filter(|_| same))
}

/// Gives a file to `take`, chunk by chunk. Returns whether the chunks came past the cache; `None` if it is not there.
fn each(medium: &dyn Disk, path: &str, take: &mut dyn FnMut(&[u8])) -> Carried<Option<bool>> {
    let open =
        |io: Box<dyn ReadSeek>| -> Box<dyn BufRead + Send> { Box::new(BufReader::with_capacity(CHUNK, io)) };
    let (mut io, uncached) = match medium.open_uncached(path, 0) {
        Ok(Some(io)) => (io, true),
        Ok(None) => (open(medium.open_read(path).map_err(failed)?), false),
        Err(e) if e.is_not_found() => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    loop {
        let chunk = io.fill_buf().map_err(|e| failed(StoreError::sorted("read back", path, e)))?;
        if chunk.is_empty() {
            return Ok(Some(uncached));
        }
        take(chunk);
        let n = chunk.len();
        io.consume(n);
    }
}
