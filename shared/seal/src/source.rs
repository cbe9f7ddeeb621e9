//! Where a part is read from: frame after frame, mostly forwards.
//!
//! Steps are relative to where the last read ended, because a buffered source (`std::io::BufReader`) keeps what it holds for such a
//! step and drops all of it at any other: a head of 32 octets and the frame behind it would each cost a whole buffer.

use std::io::{Read, Result, Seek, SeekFrom};

/// A source, and where it stands.
pub(crate) struct Source<R> {
    io: R,
    /// Where the next read begins, if that is known.
    at: Option<u64>,
}

impl<R: Read + Seek> Source<R> {
    pub(crate) const fn new(io: R) -> Self {
        Self { io, at: None }
    }

    /// Fills `into` from octet `offset` on.
    pub(crate) fn read_exact_at(&mut self, offset: u64, into: &mut [u8]) -> Result<()> {
        let step = self.at.and_then(|at| offset.checked_signed_diff(at));
        // Wherever this fails, nobody knows where the source stands.
        self.at = None;
        match step {
            Some(by) => self.io.seek_relative(by)?,
            None => drop(self.io.seek(SeekFrom::Start(offset))?),
        }
        self.io.read_exact(into)?;
        self.at = offset.checked_add(crate::fields::len64(into));
        Ok(())
    }

    /// Returns how many octets there are now. What was buffered is dropped: the source may have grown.
    pub(crate) fn len(&mut self) -> Result<u64> {
        self.at = None;
        self.io.seek(SeekFrom::End(0))
    }

    /// Returns the source itself, at `offset`.
    pub(crate) fn from(&mut self, offset: u64) -> Result<&mut R> {
        self.at = None;
        self.io.seek(SeekFrom::Start(offset))?;
        Ok(&mut self.io)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    /// Counts what is really read.
    struct Counted(Cursor<Vec<u8>>, usize);

    impl Read for Counted {
        fn read(&mut self, into: &mut [u8]) -> Result<usize> {
            let n = self.0.read(into)?;
            self.1 = self.1.saturating_add(n);
            Ok(n)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn steps_forwards_and_backwards_find_the_right_octets_and_read_them_once() {
        let octets: Vec<u8> = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
        let mut source =
            Source::new(BufReader::with_capacity(1_024, Counted(Cursor::new(octets.clone()), 0)));
        let check = |source: &mut Source<_>, offset: usize, length: usize| {
            let mut into = vec![0; length];
            source.read_exact_at(offset as u64, &mut into).unwrap();
            assert_eq!(into, octets[offset..offset + length], "{length} at {offset}");
        };
        for at in (0..9_000).step_by(100) {
            check(&mut source, at, 32);
            check(&mut source, at + 32, 60);
        }
        assert!(
            source.io.get_ref().1 < 11_000,
            "once, and not a buffer for each step: {}",
            source.io.get_ref().1
        );
        check(&mut source, 40, 400);
        let mut beyond = [0; 4];
        assert!(source.read_exact_at(9_998, &mut beyond).is_err(), "it ends before");
        check(&mut source, 5_000, 3_000);
        assert_eq!(source.len().unwrap(), 10_000);
        check(&mut source, 9_996, 4);
    }
}
