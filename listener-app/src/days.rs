//! The days of an archive: listed without reading them, and the list of recordings of one day, opened with its key.

use archive::{DayCatalogue, ROWS_MAX};
use seal::{Kind, Part, SealError, Signer, State};
use shared::Day;

use crate::location::Location;
use crate::login::Session;
use crate::refusal::{Refusal, Result, altered};

/// A million rows of 96 bytes, 256 MiB of texts, and what sealing adds.
const CATALOGUE_MAX: u64 = 400 << 20;
/// Generations have four digits or more.
const GENERATION_DIGITS_MIN: usize = 4;
const _: () = assert!(ROWS_MAX <= 1_000_000, "the largest catalogue fits");

/// Lists the days, newest first. Nothing of a day is read.
pub(crate) fn list(location: &Location) -> Result<Vec<Day>> {
    let entries = location.names("")?.into_iter().filter(|entry| entry.is_folder);
    let day = |name: String| name.parse::<Day>().ok().filter(|day| day.to_string() == name);
    let mut days: Vec<Day> = entries.filter_map(|entry| day(entry.name)).collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    Ok(days)
}

/// Opens the list of recordings of a day: the newest generation, which the manifest of that generation must go with.
pub(crate) fn open(location: &Location, session: &Session, day: Day) -> Result<DayCatalogue> {
    if session.is_shredded(day) {
        return Err(Refusal::Shredded(day));
    }
    let names = location.names(&day.to_string())?;
    let newest = |before: &str, behind: &str| {
        names.iter().filter_map(|entry| generation(&entry.name, before, behind)).max()
    };
    // A catalogue without its manifest is what a cut run left; a manifest without its catalogue is a catalogue taken away.
    let Some(generation) = newest("manifest-", ".txt") else { return Err(Refusal::NoDay(day)) };
    let path = format!("{day}/day-{generation:0GENERATION_DIGITS_MIN$}.amc");
    let (file, _len) = location.file_of(&path, CATALOGUE_MAX)?;
    let wrong = |e: SealError| {
        if let SealError::Io(source) = e {
            Refusal::Unreadable { path: path.clone(), source }
        } else {
            altered(path.clone(), e)
        }
    };
    let mut part = Part::open(file, session, session.site.min_suite).map_err(wrong)?;
    let spec = &part.header().spec;
    if spec.kind != Kind::DayCatalogue || spec.site_id != session.site.site_id || spec.day != day {
        return Err(altered(path, "it is not the list of this day"));
    }
    let by_central = |id| session.certs.central_keys().any(|key| key.key_id() == id);
    let signed = matches!(part.signer(), Some(Signer::Good(id)) if by_central(id));
    if !signed || part.state() != State::Complete {
        return Err(altered(path, "central of this site did not sign it as it is"));
    }
    let mut plain = Vec::new();
    part.data(|bytes| plain.extend_from_slice(bytes)).map_err(wrong)?;
    DayCatalogue::parse(&plain).map_err(|e| altered(path, e))
}

fn generation(name: &str, before: &str, behind: &str) -> Option<u32> {
    name.strip_prefix(before)?.strip_suffix(behind)?.parse().ok()
}
