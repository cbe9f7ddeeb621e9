//! A window over a file or pipe: enough octets at once for the record at hand, and no more memory than that.

use std::io::{ErrorKind, Read};

/// What is read at once. Small enough to stay in the cache between the kernel's copy and our reading.
const READ_OCTETS: usize = 64 << 10;
/// The longest record that fits: a packet of the longest snapshot and its headers.
pub(super) const WINDOW_OCTETS: usize = 1 << 20;

/// The octets of a file from `at` on.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Where `buffer[0]` lies in the file.
    base: u64,
    ended: bool,
    /// The packed file itself broke off.
    pub(super) broken: Option<&'static str>,
}

impl Input {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: vec![0; READ_OCTETS], at: 0, end: 0, base: 0, ended: false, broken: None }
    }

    /// Returns the offset in the file of the octet at hand.
    pub(super) fn offset(&self) -> u64 {
        self.base.saturating_add(self.at as u64)
    }

    /// Returns what is in the window.
    #[inline]
    pub(super) fn seen(&self) -> &[u8] {
        self.buffer.get(self.at..self.end).unwrap_or_default()
    }

    /// Makes at least `octets` visible, or all that is left; returns all that is visible.
    #[inline]
    pub(super) fn want(&mut self, octets: usize) -> std::io::Result<&[u8]> {
        if self.end.saturating_sub(self.at) < octets && !self.ended {
            self.fill(octets.min(WINDOW_OCTETS))?;
        }
        Ok(self.seen())
    }

    /// Passes over `octets`, seen or not.
    #[inline]
    pub(super) fn pass(&mut self, octets: usize) -> std::io::Result<()> {
        let seen = self.end.saturating_sub(self.at);
        if octets <= seen {
            self.at = self.at.saturating_add(octets);
            return Ok(());
        }
        let mut left = octets.saturating_sub(seen);
        self.at = self.end;
        while left > 0 {
            let step = left.min(READ_OCTETS);
            let there = self.want(step)?.len().min(step);
            if there == 0 {
                return Ok(());
            }
            self.at = self.at.saturating_add(there);
            left = left.saturating_sub(there);
        }
        Ok(())
    }

    #[cold]
    fn fill(&mut self, octets: usize) -> std::io::Result<()> {
        self.buffer.copy_within(self.at..self.end, 0);
        self.base = self.offset();
        self.end = self.end.saturating_sub(self.at);
        self.at = 0;
        if self.buffer.len() < octets {
            self.buffer.resize(octets.next_power_of_two(), 0);
        }
        while self.end < octets && !self.ended {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = self.end.saturating_add(read),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // What a decompressor says about a torn or damaged file; what came before it is good.
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput
                    ) =>
                {
                    self.ended = true;
                    self.broken = Some("the compressed file is torn or damaged");
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}
