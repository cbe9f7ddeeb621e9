//! One recording of an archive, opened: all its parts, each the one that it says it is, signed by whom the site certified.
//!
//! A recording that goes over midnight, or was long, has several files; each names the trailer of the one before it. One that is missing
//! makes the recording incomplete, which is said; one that was altered makes it refused.

use std::fs::File;

use playback::{PartSource, Sealed};
use seal::{Kind, Part, SealError, Signer, State, TRAILER_LEN, Trailer, name_symbols, trailer_digest};
use shared::{Day, RecordingId, UtcMicros};

use crate::location::Location;
use crate::login::Session;
use crate::refusal::{Refusal, Result, altered};

/// A part is closed at an hour or before; a recording of a month has fewer.
const PARTS_MAX: u16 = 4_096;

/// How whole a recording is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Integrity {
    /// Sealed and signed by its recorder.
    Sealed,
    /// Closed after a crash: the end may be missing.
    Recovered,
    /// Never closed: the end is missing.
    Unfinished,
    /// Damaged inside after a crash, or a part of it is missing.
    Incomplete,
}

impl Integrity {
    /// Returns the word for people and programs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sealed => "sealed and signed",
            Self::Recovered => "recovered",
            Self::Unfinished => "unfinished",
            Self::Incomplete => "incomplete",
        }
    }
}

/// What is known of one part before any sound is read.
pub(crate) struct PartFacts {
    /// Its path from the archive's root.
    pub(crate) path: String,
    /// Its number.
    pub(crate) number: u16,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// Its beginning.
    pub(crate) start: UtcMicros,
    /// Its day.
    pub(crate) day: Day,
    /// How whole it is.
    pub(crate) state: State,
    /// Its end, as its sealer signed it.
    pub(crate) trailer: Option<Trailer>,
}

/// An opened recording.
pub(crate) struct Opened {
    /// Its sound.
    pub(crate) sealed: Sealed,
    /// Its parts, in order.
    pub(crate) parts: Vec<PartFacts>,
    /// How whole it is.
    pub(crate) integrity: Integrity,
}

/// Opens a recording. `path` is that of one of its files, as the list of `day` says, from the day's folder.
pub(crate) fn open(
    location: &Location,
    session: &Session,
    day: Day,
    id: RecordingId,
    path: &str,
) -> Result<Opened> {
    session.may_open(id)?;
    let path = format!("{day}/{path}");
    let is_part = |n: &u16| path.ends_with(&format!("-{}.amx", name_symbols(&id, *n)));
    let number = (0..PARTS_MAX).find(is_part).ok_or_else(|| altered(&path, "its name is not its own"))?;
    let mut paths = vec![(number, path)];
    let mut missing = false;
    // Backwards, when the list is that of a day in which the recording went on.
    for n in (0..number).rev() {
        match find(location, day, id, n)? {
            Some(path) => paths.insert(0, (n, path)),
            None => missing = true,
        }
    }
    let mut facts: Vec<PartFacts> = Vec::new();
    let mut before: Option<[u8; 32]> = None;
    let mut todo: std::collections::VecDeque<_> = paths.into();
    while let Some((number, path)) = todo.pop_front() {
        let (part, digest) = look(location, session, id, number, path, before)?;
        let goes_on = part.trailer.as_ref().is_some_and(|trailer| trailer.continued);
        let next = number.saturating_add(1);
        if goes_on && todo.is_empty() {
            match find(location, part.day, id, next)? {
                Some(path) if next < PARTS_MAX => todo.push_back((next, path)),
                Some(_) | None => missing = true,
            }
        }
        before = digest.filter(|_| todo.front().is_some_and(|(n, _)| *n == next));
        facts.push(part);
    }
    let sealed = unsealed(location, session, &facts)?;
    let integrity = facts.iter().map(|part| integrity_of(part.state)).max();
    let integrity = if missing { Integrity::Incomplete } else { integrity.unwrap_or(Integrity::Incomplete) };
    Ok(Opened { sealed, parts: facts, integrity })
}

const fn integrity_of(state: State) -> Integrity {
    match state {
        State::Complete => Integrity::Sealed,
        State::Recovered => Integrity::Recovered,
        State::Unfinished => Integrity::Unfinished,
        State::DamagedInside => Integrity::Incomplete,
    }
}

/// Looks at one part: whose it is, who signed it, and whether it continues the one before.
fn look(
    location: &Location,
    session: &Session,
    id: RecordingId,
    number: u16,
    path: String,
    before: Option<[u8; 32]>,
) -> Result<(PartFacts, Option<[u8; 32]>)> {
    let (file, bytes) = location.file_of(&path, u64::MAX)?;
    let part = Part::open(file, session, session.site.min_suite).map_err(|e| refused(&path, e, session))?;
    let spec = &part.header().spec;
    let is_it = spec.recording_id == id
        && spec.part == number
        && spec.kind == Kind::Recording
        && spec.site_id == session.site.site_id;
    if !is_it {
        return Err(altered(path, "it is another recording under this name"));
    }
    match part.signer() {
        Some(Signer::Good(_)) | None => {}
        Some(Signer::Bad(_)) => return Err(altered(path, "its signature does not verify")),
        Some(Signer::Unknown(key)) => {
            return Err(altered(path, format!("it is signed by {key}, which the site never certified")));
        }
    }
    if before.is_some_and(|before| before != spec.prev_trailer) {
        return Err(altered(path, "it does not continue the part before it"));
    }
    let (start, day) = (spec.start, spec.day);
    let (state, trailer) = (part.state(), part.trailer().cloned());
    // A body that was altered behind a good trailer shows as damage that no trailer told of.
    if state == State::DamagedInside && trailer.as_ref().is_some_and(|trailer| !trailer.damaged_inside) {
        return Err(altered(path, "its frames are not those that were signed"));
    }
    let digest = if trailer.is_some() { Some(last_digest(location, &path)?) } else { None };
    Ok((PartFacts { path, number, bytes, start, day, state, trailer }, digest))
}

fn last_digest(location: &Location, path: &str) -> Result<[u8; 32]> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let failed = |source| Refusal::Unreadable { path: path.to_owned(), source };
    let mut bytes = [0; TRAILER_LEN];
    let mut file = location.file(path)?;
    file.seek(SeekFrom::End(-256)).map_err(failed)?;
    file.read_exact(&mut bytes).map_err(failed)?;
    Ok(trailer_digest(&bytes))
}

fn unsealed(location: &Location, session: &Session, facts: &[PartFacts]) -> Result<Sealed> {
    let begin = facts.first().map_or(UtcMicros(0), |part| part.start);
    let source = |part: &PartFacts| -> Result<PartSource> {
        let io: Box<File> = Box::new(location.file(&part.path)?);
        Ok(PartSource {
            number: part.number,
            path: part.path.clone(),
            offset_us: playback::sealed::us(part.start.since(begin)),
            tracks: None,
            io,
        })
    };
    let sources = facts.iter().map(source).collect::<Result<Vec<_>>>()?;
    Sealed::open(sources, session, session.site.min_suite).map_err(sound)
}

/// Finds the file of a part: it lies in the folder of its own day, which is that of the part before it or a neighbour's.
fn find(location: &Location, near: Day, id: RecordingId, number: u16) -> Result<Option<String>> {
    let end = format!("-{}.amx", name_symbols(&id, number));
    for day in [Some(near), near.plus_days(1), near.plus_days(-1)].into_iter().flatten() {
        for shard in location.names(&format!("{day}/rec"))?.into_iter().filter(|entry| entry.is_folder) {
            let folder = format!("{day}/rec/{}", shard.name);
            let names = location.names(&folder)?;
            if let Some(found) = names.iter().find(|entry| entry.name.ends_with(&end)) {
                return Ok(Some(format!("{folder}/{}", found.name)));
            }
        }
    }
    Ok(None)
}

fn refused(path: &str, error: SealError, session: &Session) -> Refusal {
    if let SealError::Io(source) = error {
        return Refusal::Unreadable { path: path.to_owned(), source };
    }
    if matches!(error, SealError::NoKey(_)) {
        let day = path.split('/').next().and_then(|day| day.parse().ok());
        return match day {
            Some(day) if session.is_shredded(day) => Refusal::Shredded(day),
            Some(_) | None => altered(path, "no key of this archive opens it"),
        };
    }
    altered(path, error)
}

/// Says why sound cannot be made, in the words of a listener.
pub(crate) fn sound(error: playback::SoundError) -> Refusal {
    match error {
        playback::SoundError::Seal { path, source: SealError::Io(source) } => {
            Refusal::Unreadable { path, source }
        }
        playback::SoundError::Seal { path, source } => altered(path, source),
        playback::SoundError::Render(_)
        | playback::SoundError::TooManyTracks
        | playback::SoundError::Write(_) => Refusal::Sound(error),
    }
}

#[cfg(test)]
mod tests;
