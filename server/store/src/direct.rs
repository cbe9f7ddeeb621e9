//! Reading past the page cache (`O_DIRECT`): what comes is what the drive gives, not what this machine remembers.
//!
//! The kernel asks for buffers that begin at a multiple of the drive's block; 4,096 bytes suit all drives there are. The drive's
//! own cache, or a file server's, is not passed by.

use std::fs::File;
use std::io::{self, BufRead, Read};

/// What a drive's blocks begin at.
const ALIGN: usize = 4_096;
/// Read in one go, at most.
const LEN: usize = 1 << 20;

/// A file opened with `O_DIRECT`, read once from its beginning.
pub(crate) struct DirectFile {
    file: File,
    buf: Vec<u8>,
    /// Where the aligned part of the buffer begins.
    start: usize,
    /// Its length from there.
    room: usize,
    at: usize,
    end: usize,
    done: bool,
}

impl DirectFile {
    /// `len` bytes are to be read, as far as is known: a small file needs a small buffer.
    pub(crate) fn new(file: File, len: u64) -> Self {
        // A block more, so that the end is seen by a short read.
        let blocks = usize::try_from(len / 4_096).unwrap_or(LEN).saturating_add(1);
        let room = blocks.saturating_mul(ALIGN).min(LEN);
        let buf = vec![0; room.saturating_add(ALIGN)];
        let start = buf.as_ptr().align_offset(ALIGN).min(ALIGN);
        Self { file, buf, start, room, at: 0, end: 0, done: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let target = self.buf.get_mut(self.start..).and_then(|b| b.get_mut(..self.room)).unwrap_or_default();
        let n = loop {
            match self.file.read(target) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        (self.at, self.end) = (0, n);
        // A length that is no multiple of a block comes at the end only; to read on from there would be refused.
        self.done = n % ALIGN != 0 || n == 0;
        Ok(())
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
