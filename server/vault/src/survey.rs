//! Looking at a sealed file from outside: its header, its trailer, what a crash left of it. No key is needed.

use std::io::{BufReader, Read as _};

use seal::{Header, SealError, SigningKey, Survey, TRAILER_LEN, Trailer};
use store::{Disk, ReadSeek, StoreError};

use crate::outpost::read_at;
use crate::{Result, VaultError, row};

/// What a frame begins with.
const FRAME_MAGIC: &[u8] = b"AMXF";
/// No header is longer.
const HEADER_MAX: u64 = 16_384;

/// What became of a sealed file without anybody's doing.
#[derive(Debug)]
pub(crate) enum Surveyed {
    /// It can be walked.
    Walked(Box<Survey>),
    /// Not one frame became whole.
    Empty,
    /// Its header is damaged, and frames stand behind it.
    Damaged(String),
}

pub(crate) fn buffered(disk: &dyn Disk, path: &str) -> Result<BufReader<Box<dyn ReadSeek>>> {
    Ok(BufReader::with_capacity(1 << 17, disk.open_read(path)?))
}

/// Walks a file from its first byte to its end.
pub(crate) fn survey(disk: &dyn Disk, path: &str) -> Result<Surveyed> {
    Ok(match Survey::of(buffered(disk, path)?) {
        Ok(survey) if survey.trailer.is_none() && survey.frames == 0 => Surveyed::Empty,
        Ok(survey) => Surveyed::Walked(Box::new(survey)),
        Err(SealError::Io(e)) => return Err(StoreError::sorted("read", path, e).into()),
        Err(_no_header) if !holds_a_frame(disk, path)? => Surveyed::Empty,
        Err(why) => Surveyed::Damaged(why.to_string()),
    })
}

/// D2 to D4: cuts off what is torn, syncs, appends a trailer that says *recovered*, syncs.
pub(crate) fn close_cut(
    disk: &dyn Disk,
    path: &str,
    survey: &Survey,
    signer: &SigningKey,
) -> Result<Trailer> {
    let mut file = disk.open_append(path)?;
    file.truncate(survey.valid_end)?;
    file.sync()?;
    let bytes = survey.trailer(row::end_of(survey), signer);
    file.append(&[&bytes])?;
    file.sync()?;
    Trailer::parse(&bytes, file.len()).map_err(|source| VaultError::Seal { path: path.to_owned(), source })
}

/// Reads the header of a file; `None` if it is not whole or not ours.
pub(crate) fn header_of(disk: &dyn Disk, path: &str) -> Result<Option<Header>> {
    Ok(Header::parse(&read_at(disk, path, 0, HEADER_MAX)?).ok())
}

/// Reads the trailer of a file, and how long the file is; `None` if it does not end with one. Its signature is not judged.
pub(crate) fn trailer_of(disk: &dyn Disk, path: &str) -> Result<Option<(u64, Trailer)>> {
    let size = disk.len(path)?;
    let Some(at) = size.checked_sub(256) else { return Ok(None) };
    let bytes = read_at(disk, path, at, 256)?;
    let trailer = bytes.first_chunk::<TRAILER_LEN>().and_then(|bytes| Trailer::parse(bytes, size).ok());
    Ok(trailer.map(|trailer| (size, trailer)))
}

/// Tells whether a file without a readable header holds anything that looks like a frame.
fn holds_a_frame(disk: &dyn Disk, path: &str) -> Result<bool> {
    let mut io = disk.open_read(path)?;
    let mut window: Vec<u8> = Vec::with_capacity(1 << 17);
    loop {
        let got = io
            .by_ref()
            .take(1 << 16)
            .read_to_end(&mut window)
            .map_err(|e| StoreError::sorted("read", path, e))?;
        if window.windows(FRAME_MAGIC.len()).any(|w| w == FRAME_MAGIC) {
            return Ok(true);
        }
        if got == 0 {
            return Ok(false);
        }
        window.drain(..window.len().saturating_sub(FRAME_MAGIC.len()));
    }
}
