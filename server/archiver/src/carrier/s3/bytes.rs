//! Bytes on their way to a store and back.

use std::io::{BufRead as _, BufReader, Read};

use seal::fields::len64;
use sha2::{Digest as _, Sha256};
use store::bucket::{New, Retention};

use super::CHUNK;
use crate::carrier::digests::Digesting;

pub(super) fn small<'a>(
    from: &'a mut &[u8],
    bytes: &[u8],
    retention: Option<Retention>,
    replace: bool,
) -> New<'a> {
    New { bytes: from, len: len64(bytes), sha256: Sha256::digest(bytes).into(), retention, replace }
}

/// Feeds all bytes of a reader.
pub(super) fn fed(digesting: &mut Digesting, from: impl Read, progress: &dyn Fn(u64)) -> std::io::Result<()> {
    let mut from = BufReader::with_capacity(CHUNK, from);
    loop {
        let chunk = from.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        digesting.update(chunk);
        let n = chunk.len();
        progress(u64::try_from(n).unwrap_or(0));
        from.consume(n);
    }
}

/// Tells of bytes as they go.
pub(super) struct Counted<'a> {
    pub(super) bytes: &'a mut dyn Read,
    pub(super) progress: &'a dyn Fn(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.bytes.read(out)?;
        (self.progress)(u64::try_from(n).unwrap_or(0));
        Ok(n)
    }
}
