//! Reading past the page cache (`O_DIRECT`): what comes is what the drive gives, not what this machine remembers.
//!
//! The kernel asks for buffers that begin at a multiple of the drive's block; 4,096 bytes suit all drives there are. The drive's
//! own cache, or a file server's, is not passed by.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, PoisonError};

/// What a drive's blocks begin at.
const ALIGN: usize = 4_096;
/// Read in one go, at most.
const LEN: usize = 1 << 20;

/// Buffers that are kept, at most. More are under way when several threads read.
const KEPT: usize = 2;

/// Buffers of files that were read, for those that are read next: a night reads tens of thousands, and a buffer of a MiB that the
/// system must find and clear costs as much as digesting half of that.
#[derive(Clone, Default, Debug)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    fn take(&self) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| vec![0; LEN.saturating_add(ALIGN)])
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(buffer);
        }
    }
}

/// A file opened with `O_DIRECT`, read once from its beginning.
pub(crate) struct DirectFile {
    file: File,
    buf: Vec<u8>,
    buffers: Buffers,
    /// Where the aligned part of the buffer begins.
    start: usize,
    /// Bytes to come, as far as is known.
    left: u64,
    at: usize,
    end: usize,
    done: bool,
}

impl DirectFile {
    /// `left` bytes are to be read, as far as is known.
    pub(crate) fn new(file: File, left: u64, buffers: &Buffers) -> Self {
        let buf = buffers.take();
        let start = buf.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { file, buf, buffers: buffers.clone(), start, left, at: 0, end: 0, done: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        // A block more, so that the end is seen by a short read; not much more, because the kernel clears what it has nothing for.
        let blocks = usize::try_from(self.left / 4_096).unwrap_or(LEN).saturating_add(1);
        let room = blocks.saturating_mul(ALIGN).min(LEN);
        let target = self.buf.get_mut(self.start..).and_then(|b| b.get_mut(..room)).unwrap_or_default();
        let n = loop {
            match self.file.read(target) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        (self.at, self.end) = (0, n);
        self.left = self.left.saturating_sub(u64::try_from(n).unwrap_or(u64::MAX));
        // A length that is no multiple of a block comes at the end only; to read on from there would be refused.
        self.done = n % ALIGN != 0 || n == 0;
        Ok(())
    }
}

impl Drop for DirectFile {
    fn drop(&mut self) {
        self.buffers.give_back(std::mem::take(&mut self.buf));
    }
}

impl BufRead for DirectFile {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.end && !self.done {
            self.fill()?;
        }
        let (from, to) = (self.start.saturating_add(self.at), self.start.saturating_add(self.end));
        Ok(self.buf.get(from..to).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.at = self.at.saturating_add(n).min(self.end);
    }
}

impl Read for DirectFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut have = self.fill_buf()?;
        let n = have.read(out)?;
        self.consume(n);
        Ok(n)
    }
}
