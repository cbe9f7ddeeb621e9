//! ZIP as a stream: files stored one after the other, sums behind them, the directory last (APPNOTE 6.3.10, with ZIP64).
//!
//! Nothing is compressed, since sound is not, and nothing is known twice: a head says only what is known when it is sent, so
//! an export of any size goes out without a temporary file. Every byte besides the files' own follows from names, lengths
//! and sums, hence [`read`] can tell a ZIP made here from one with a single bit changed anywhere.

use std::io::{self, Read, Seek, SeekFrom};

use crc32fast::Hasher;

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
/// Sum and lengths stand behind the file.
const STREAMED: u16 = 1 << 3;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
const PLAIN_VERSION: u16 = 20;
const ZIP64_VERSION: u16 = 45;
/// Made under Unix, so that the mode below is understood: readable and writable by its owner only.
const MADE_BY: u16 = 3 << 8 | ZIP64_VERSION;
const MODE: u32 = 0o100_600 << 16;
/// A number that stands in the ZIP64 field instead.
const ELSEWHERE: u32 = u32::MAX;
/// Lengths from here on need ZIP64; a margin, since a bound is what is known in advance.
const LONG: u64 = 0xf000_0000;
/// Octets of END without a comment, which we never write.
const END_BYTES: u64 = 22;
const END64_BYTES: u64 = 56;
const LOCATOR64_BYTES: u64 = 20;
/// A directory larger than this was not made here.
const DIRECTORY_BYTES_MAX: u64 = 64 << 20;

/// Date and time as ZIP keeps them: civil, to two seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DosStamp {
    /// Year since 1980, month, day.
    pub date: u16,
    /// Hour, minute, second by two.
    pub time: u16,
}

impl DosStamp {
    /// Takes a civil date (yyyymmdd) and time. Years outside 1980 to 2107 become 1980.
    #[must_use]
    pub fn of(yyyymmdd: u32, (h, m, s): (u8, u8, u8)) -> Self {
        let year = (yyyymmdd / 10_000).checked_sub(1980).filter(|y| *y < 128).unwrap_or(0);
        let date = (year << 9) | ((yyyymmdd / 100 % 100) << 5) | (yyyymmdd % 100);
        let time = (u16::from(h) << 11) | (u16::from(m) << 5) | (u16::from(s) / 2);
        Self { date: u16::try_from(date).unwrap_or(0), time }
    }
}

/// One file in the ZIP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    crc: u32,
    offset: u64,
    streamed: bool,
    /// Its length may need ZIP64, or its place does.
    long: bool,
    stamp: DosStamp,
}

impl Entry {
    fn flags(&self) -> u16 {
        if self.streamed { STREAMED | UTF8 } else { UTF8 }
    }

    fn version(&self) -> u16 {
        if self.long { ZIP64_VERSION } else { PLAIN_VERSION }
    }

    fn name_len(&self) -> u16 {
        u16::try_from(self.name.len()).unwrap_or(u16::MAX)
    }

    /// What stands before the file.
    fn head(&self) -> Vec<u8> {
        let (crc, bytes) = if self.streamed { (0, 0) } else { (self.crc, short(self.bytes)) };
        let length = if self.long { ELSEWHERE } else { bytes };
        let mut out = Vec::with_capacity(64);
        put32(&mut out, LOCAL);
        for n in [self.version(), self.flags(), 0, self.stamp.time, self.stamp.date] {
            put16(&mut out, n);
        }
        for n in [crc, length, length] {
            put32(&mut out, n);
        }
        put16(&mut out, self.name_len());
        put16(&mut out, if self.long { 20 } else { 0 });
        out.extend_from_slice(self.name.as_bytes());
        if self.long {
            let known = if self.streamed { 0 } else { self.bytes };
            put16(&mut out, 1);
            put16(&mut out, 16);
            put64(&mut out, known);
            put64(&mut out, known);
        }
        out
    }

    /// What stands behind the file.
    fn tail(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.streamed {
            return out;
        }
        put32(&mut out, DESCRIPTOR);
        put32(&mut out, self.crc);
        for _both in 0..2 {
            if self.long { put64(&mut out, self.bytes) } else { put32(&mut out, short(self.bytes)) }
        }
        out
    }

    /// Its line in the directory.
    fn line(&self) -> Vec<u8> {
        let or = |n: u64| if self.long { ELSEWHERE } else { short(n) };
        let mut out = Vec::with_capacity(96);
        put32(&mut out, CENTRAL);
        for n in [MADE_BY, self.version(), self.flags(), 0, self.stamp.time, self.stamp.date] {
            put16(&mut out, n);
        }
        for n in [self.crc, or(self.bytes), or(self.bytes)] {
            put32(&mut out, n);
        }
        for n in [self.name_len(), if self.long { 28 } else { 0 }, 0, 0, 0] {
            put16(&mut out, n);
        }
        put32(&mut out, MODE);
        put32(&mut out, or(self.offset));
        out.extend_from_slice(self.name.as_bytes());
        if self.long {
            put16(&mut out, 1);
            put16(&mut out, 24);
            for n in [self.bytes, self.bytes, self.offset] {
                put64(&mut out, n);
            }
        }
        out
    }
}

/// What stands behind the last line of the directory.
fn end(entries: u64, begin: u64, bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let wide = begin.saturating_add(bytes) >= LONG || entries >= 0xffff;
    if wide {
        put32(&mut out, END64);
        put64(&mut out, END64_BYTES - 12);
        put16(&mut out, MADE_BY);
        put16(&mut out, ZIP64_VERSION);
        put64(&mut out, 0); // this disk, and the one where the directory begins
        for n in [entries, entries, bytes, begin] {
            put64(&mut out, n);
        }
        put32(&mut out, LOCATOR64);
        put32(&mut out, 0);
        put64(&mut out, begin.saturating_add(bytes));
        put32(&mut out, 1);
    }
    put32(&mut out, END);
    put32(&mut out, 0);
    let count = if wide { u16::MAX } else { u16::try_from(entries).unwrap_or(u16::MAX) };
    put16(&mut out, count);
    put16(&mut out, count);
    put32(&mut out, if wide { ELSEWHERE } else { short(bytes) });
    put32(&mut out, if wide { ELSEWHERE } else { short(begin) });
    put16(&mut out, 0);
    out
}

/// Makes a ZIP. What is made waits inside until it is taken.
#[derive(Debug, Default)]
pub struct ZipWriter {
    ready: Vec<u8>,
    /// Bytes made so far.
    at: u64,
    entries: Vec<Entry>,
    open: Option<(Entry, Hasher)>,
    stamp: DosStamp,
}

impl ZipWriter {
    /// Begins a ZIP whose files all carry `stamp`.
    #[must_use]
    pub fn new(stamp: DosStamp) -> Self {
        Self { stamp, ..Self::default() }
    }

    /// Adds a whole file.
    pub fn file(&mut self, name: &str, bytes: &[u8]) {
        self.end_file();
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let entry = Entry { bytes: length, crc: crc32fast::hash(bytes), ..self.entry(name) };
        self.push(&entry.head());
        self.push(bytes);
        self.entries.push(entry);
    }

    /// Begins a file of at most about `bytes_max`; [`Self::data`] follows, and [`Self::end_file`].
    pub fn begin_file(&mut self, name: &str, bytes_max: u64) {
        self.end_file();
        let mut entry = Entry { streamed: true, ..self.entry(name) };
        entry.long |= bytes_max >= LONG;
        self.push(&entry.head());
        self.open = Some((entry, Hasher::new()));
    }

    /// Adds bytes to the file that is open.
    pub fn data(&mut self, bytes: &[u8]) {
        let Some((entry, sum)) = &mut self.open else { return };
        entry.bytes = entry.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        sum.update(bytes);
        self.push(bytes);
    }

    /// Ends the file that is open, if one is.
    pub fn end_file(&mut self) {
        if let Some((mut entry, sum)) = self.open.take() {
            entry.crc = sum.finalize();
            self.push(&entry.tail());
            self.entries.push(entry);
        }
    }

    /// Writes the directory. Nothing may be added afterwards.
    pub fn finish(&mut self) {
        self.end_file();
        let begin = self.at;
        let lines: Vec<u8> = self.entries.iter().flat_map(Entry::line).collect();
        self.push(&lines);
        let count = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        self.push(&end(count, begin, u64::try_from(lines.len()).unwrap_or(u64::MAX)));
    }

    /// Takes what is ready.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.ready)
    }

    fn entry(&self, name: &str) -> Entry {
        let (name, offset) = (name.to_owned(), self.at);
        Entry { name, offset, long: offset >= LONG, stamp: self.stamp, ..Entry::default() }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.at = self.at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.ready.extend_from_slice(bytes);
    }
}

/// Reads a ZIP that was made here from end to end and gives every file to `each`, as a reader of exactly its bytes. Whatever
/// differs from what [`ZipWriter`] writes, outside the files or between a file and its sum, is a sentence in the answer.
///
/// # Errors
/// The disk's; bytes that are no ZIP of ours at all.
pub fn read(
    mut io: impl Read + Seek,
    mut each: impl FnMut(&Entry, &mut dyn Read) -> io::Result<()>,
) -> io::Result<Vec<String>> {
    let length = io.seek(SeekFrom::End(0))?;
    let (entries, begin, mut faults) = directory(&mut io, length)?;
    let mut at = 0;
    for entry in &entries {
        if entry.offset != at {
            faults.push(format!("bytes {at} to {} belong to no file of the ZIP's directory", entry.offset));
        }
        at = entry.offset;
        at = expect(&mut io, at, &entry.head(), &format!("the head of {}", entry.name), &mut faults)?;
        io.seek(SeekFrom::Start(at))?;
        let mut sum = Summed { from: io.by_ref().take(entry.bytes), sum: Hasher::new(), bytes: 0 };
        each(entry, &mut sum)?;
        io::copy(&mut sum, &mut io::sink())?;
        if sum.bytes != entry.bytes || sum.sum.finalize() != entry.crc {
            faults.push(format!("the sum of {} does not fit", entry.name));
        }
        at = at.saturating_add(entry.bytes);
        at = expect(&mut io, at, &entry.tail(), &format!("what stands behind {}", entry.name), &mut faults)?;
    }
    if at != begin {
        faults.push(format!("bytes {at} to {begin} belong to no file of the ZIP's directory"));
    }
    Ok(faults)
}

struct Summed<R> {
    from: io::Take<R>,
    sum: Hasher,
    bytes: u64,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(buf)?;
        self.sum.update(buf.get(..n).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(n).unwrap_or(0));
        Ok(n)
    }
}

/// Compares what stands at `at` with what must stand there; returns the place behind it.
fn expect(
    io: &mut (impl Read + Seek),
    at: u64,
    expected: &[u8],
    what: &str,
    faults: &mut Vec<String>,
) -> io::Result<u64> {
    io.seek(SeekFrom::Start(at))?;
    let mut found = Vec::with_capacity(expected.len());
    io.take(u64::try_from(expected.len()).unwrap_or(u64::MAX)).read_to_end(&mut found)?;
    let differs = expected.iter().zip(&found).position(|(a, b)| a != b);
    let differs = differs.or_else(|| (found.len() < expected.len()).then_some(found.len()));
    if let Some(n) = differs {
        let place = at.saturating_add(u64::try_from(n).unwrap_or(0));
        faults.push(format!("{what} was changed at byte {place}"));
    }
    Ok(at.saturating_add(u64::try_from(expected.len()).unwrap_or(0)))
}

fn no_zip(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is no export of AMETHYST: {why}"))
}

/// Reads the directory: files in their order, where the directory begins, and what is odd about it.
fn directory(io: &mut (impl Read + Seek), length: u64) -> io::Result<(Vec<Entry>, u64, Vec<String>)> {
    let (begin, bytes, behind) = find_directory(io, length)?;
    if bytes > DIRECTORY_BYTES_MAX {
        return Err(no_zip("its directory is too large"));
    }
    io.seek(SeekFrom::Start(begin))?;
    let mut lines = Vec::new();
    io.by_ref().take(bytes).read_to_end(&mut lines)?;
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    let mut rest = lines.as_slice();
    while !rest.is_empty() {
        let at = begin.saturating_add(bytes).saturating_sub(u64::try_from(rest.len()).unwrap_or(0));
        let (entry, after) =
            parse_line(rest).ok_or_else(|| no_zip(&format!("its directory is damaged at byte {at}")))?;
        let line = entry.line();
        if !rest.starts_with(&line) {
            faults.push(format!(
                "the directory line of {} was changed, at byte {at} or a little later",
                entry.name
            ));
        }
        entries.push(entry);
        rest = after;
    }
    let count = u64::try_from(entries.len()).unwrap_or(0);
    expect(io, behind, &end(count, begin, bytes), "the end of the ZIP's directory", &mut faults)?;
    if begin.saturating_add(bytes) != behind {
        faults.push("bytes stand between the directory and its end".to_owned());
    }
    Ok((entries, begin, faults))
}

/// Finds begin and length of the directory, and where the bytes behind it begin.
fn find_directory(io: &mut (impl Read + Seek), length: u64) -> io::Result<(u64, u64, u64)> {
    let mut tail = [0; 22];
    let end_at = length.checked_sub(END_BYTES).ok_or_else(|| no_zip("it is too short"))?;
    io.seek(SeekFrom::Start(end_at))?;
    io.read_exact(&mut tail)?;
    let mut fields = Fields(&tail);
    if fields.u32() != Some(END) {
        return Err(no_zip("its last bytes are not the end of a ZIP"));
    }
    let sizes = (|| Some((fields.skip(8)?.u32()?, fields.u32()?)))();
    let (bytes, begin) = sizes.ok_or_else(|| no_zip("it is too short"))?;
    if (bytes, begin) != (ELSEWHERE, ELSEWHERE) {
        return Ok((begin.into(), bytes.into(), end_at));
    }
    let wide_at =
        end_at.checked_sub(LOCATOR64_BYTES + END64_BYTES).ok_or_else(|| no_zip("it is too short"))?;
    let mut wide = [0; 56];
    io.seek(SeekFrom::Start(wide_at))?;
    io.read_exact(&mut wide)?;
    let mut fields = Fields(&wide);
    let sizes = (|| {
        (fields.u32()? == END64).then_some(())?;
        fields.skip(36)?;
        Some((fields.u64()?, fields.u64()?))
    })();
    let (bytes, begin) = sizes.ok_or_else(|| no_zip("its directory has no end"))?;
    Ok((begin, bytes, wide_at))
}

/// Reads one line of the directory, leniently; whether it is ours is seen by writing it again.
fn parse_line(line: &[u8]) -> Option<(Entry, &[u8])> {
    let mut fields = Fields(line);
    (fields.u32()? == CENTRAL).then_some(())?;
    fields.skip(2)?;
    let version = fields.u16()?;
    let flags = fields.u16()?;
    fields.skip(2)?;
    let stamp = DosStamp { time: fields.u16()?, date: fields.u16()? };
    let (crc, _stored, bytes) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let (name_len, extra_len, comment_len) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let offset = fields.skip(8)?.u32()?;
    let name = String::from_utf8(fields.bytes(name_len.into())?.to_vec()).ok()?;
    let mut extra = Fields(fields.bytes(extra_len.into())?);
    fields.bytes(comment_len.into())?;
    let streamed = flags & STREAMED != 0;
    let mut entry =
        Entry { name, bytes: bytes.into(), crc, offset: offset.into(), streamed, long: false, stamp };
    if version == ZIP64_VERSION && extra.skip(4).is_some() {
        entry.bytes = extra.u64()?;
        entry.offset = extra.skip(8)?.u64()?;
        entry.long = true;
    }
    Some((entry, fields.0))
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (now, later) = self.0.split_at_checked(n)?;
        self.0 = later;
        Some(now)
    }

    fn skip(&mut self, n: usize) -> Option<&mut Self> {
        self.bytes(n)?;
        Some(self)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (now, later) = self.0.split_first_chunk::<N>()?;
        self.0 = later;
        Some(*now)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

fn short(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(ELSEWHERE)
}

fn put16(out: &mut Vec<u8>, n: u16) {
    out.extend_from_slice(&n.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, n: u64) {
    out.extend_from_slice(&n.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn sample() -> Vec<u8> {
        let mut zip = ZipWriter::new(DosStamp::of(20_261_122, (16, 22, 33)));
        zip.begin_file("a.wav", 1_000);
        zip.data(b"first ");
        zip.data(b"second");
        zip.file("a.json", b"{}\n");
        zip.begin_file("long.wav", 8 << 30);
        zip.data(&[7; 300]);
        zip.begin_file("empty", 0);
        zip.finish();
        zip.take()
    }

    fn files(bytes: &[u8]) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
        let mut files = Vec::new();
        let faults = read(Cursor::new(bytes), |entry, data| {
            let mut all = Vec::new();
            data.read_to_end(&mut all)?;
            files.push((entry.name.clone(), all));
            Ok(())
        });
        (files, faults.unwrap())
    }

    #[test]
    fn what_went_in_comes_out() {
        let (files, faults) = files(&sample());
        assert_eq!(faults, Vec::<String>::new());
        let names: Vec<_> = files.iter().map(|(name, data)| (name.as_str(), data.len())).collect();
        assert_eq!(names, [("a.wav", 12), ("a.json", 3), ("long.wav", 300), ("empty", 0)]);
        assert_eq!(files[0].1, b"first second");
    }

    #[test]
    fn every_single_bit_matters() {
        let whole = sample();
        for n in 0..whole.len() * 8 {
            let mut bent = whole.clone();
            bent[n / 8] ^= 1 << (n % 8);
            let seen = read(Cursor::new(&bent), |_entry, _data| Ok(()));
            assert!(seen.map_or(true, |faults| !faults.is_empty()), "bit {n} was not noticed");
        }
    }

    #[test]
    fn a_file_far_behind_keeps_its_place_and_length() {
        let stamp = DosStamp::default();
        for (offset, bytes, long) in [(0, 5 << 30, true), (5 << 30, 7, true), (9, 7, false)] {
            let entry = Entry { name: "x".into(), bytes, crc: 5, offset, streamed: true, long, stamp };
            let line = entry.line();
            assert_eq!(parse_line(&line), Some((entry, &[][..])));
        }
        let mut far = ZipWriter { at: 5 << 30, ..ZipWriter::default() };
        far.file("x", b"abc");
        assert!(far.entries[0].long, "its place does not fit into 32 bits");
    }

    #[test]
    fn cut_or_lengthened_it_is_noticed() {
        let whole = sample();
        for n in 0..whole.len() {
            let seen = read(Cursor::new(&whole[..n]), |_entry, _data| Ok(()));
            assert!(seen.map_or(true, |faults| !faults.is_empty()), "{n} bytes");
        }
        let longer = [whole.as_slice(), &[0]].concat();
        assert!(read(Cursor::new(longer), |_entry, _data| Ok(())).is_err());
    }

    #[test]
    fn other_programs_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        std::fs::write(&path, sample()).unwrap();
        let Ok(out) = std::process::Command::new("unzip").arg("-t").arg(&path).output() else {
            println!("skipped: unzip is not installed");
            return;
        };
        let said = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success() && said.contains("No errors detected"), "{said}");
    }
}
