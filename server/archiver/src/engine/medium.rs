//! Step 2: is this the medium that belongs here? And how a medium is prepared in the first place.

use std::collections::HashMap;

use archive::{CARD_MAX, CARD_NAME, Card, RunReport, SiteJson, layout};
use shared::{LocationId, MediaId};
use vault::{LocationRow, MediumRow, MediumState};

use super::{Central, World};
use crate::carrier::{Carrier, Fate, Item, Source};
use crate::{ArchiverError, Result};

/// Longer documents are none of ours.
const SITE_MAX: u64 = 64 << 10;
/// Reports that are looked through for the last one known.
const REPORTS_MAX: usize = 10_000;

/// A medium that was prepared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepared {
    /// Its row, entered.
    pub medium: MediumRow,
    /// It had served this location before.
    pub adopted: bool,
}

/// Finds out which medium is mounted and whether it stands where this site left it. Returns its row and the digest of the last
/// report on it.
pub(crate) fn recognise(
    world: &World<'_>,
    location: &LocationRow,
    carrier: &mut dyn Carrier,
) -> Result<(MediumRow, Option<[u8; 32]>)> {
    let other = |why: String| ArchiverError::OtherMedium { name: location.name.clone(), why };
    let copied = |why: String| ArchiverError::Copied { name: location.name.clone(), why };
    let card = card(world.central, location, carrier)?;
    if card.location_id != location.location_id {
        return Err(other(
            "its card is of another location of this site. Connect the right one, or prepare this one for here \
             (`amethyst location prepare`)"
                .to_owned(),
        ));
    }
    let media = world.vault.media(location.location_id)?;
    let Some(medium) = media.into_iter().find(|m| m.media_id == card.media_id) else {
        return Err(other(
            "its card is of this location, but this server never prepared it: a medium of before a restore, as a rule. \
             `amethyst location prepare` adopts it"
                .to_owned(),
        ));
    };
    if medium.media_gen != card.media_gen {
        return Err(copied(format!(
            "its card is of generation {}, and this server knows {}: it is an old copy of the drive. Connect the drive itself, or \
             adopt this one by `amethyst location prepare`",
            card.media_gen, medium.media_gen
        )));
    }
    match medium.state {
        MediumState::Good => {}
        MediumState::Suspect => {
            return Err(other(
                "it is suspect since it did not keep its word. Verify it (`amethyst archive verify`), or use another one"
                    .to_owned(),
            ));
        }
        MediumState::Retired => return Err(other("it was retired".to_owned())),
    }
    let previous = last_report(world, &medium, carrier).map_err(|e| e.named(location))?;
    previous.map_or_else(
        || {
            Err(copied(
                "what it last reported is not what this server remembers of it: it is a copy of the medium, or somebody wrote to \
                 it elsewhere. Connect the medium itself, or adopt this one by `amethyst location prepare`"
                    .to_owned(),
            ))
        },
        |previous| Ok((medium, previous)),
    )
}

/// Reads and verifies the card.
pub(crate) fn card(central: &dyn Central, location: &LocationRow, carrier: &mut dyn Carrier) -> Result<Card> {
    let away = |why: &str| ArchiverError::Away { name: location.name.clone(), why: why.to_owned() };
    let limit = u64::try_from(CARD_MAX).unwrap_or(u64::MAX);
    let read = carrier.read(CARD_NAME, limit);
    let bytes = read
        .map_err(|error| ArchiverError::Medium { name: location.name.clone(), error })?
        .ok_or_else(|| away("no archive of this site is mounted there"))?;
    let opened = central.central_keys().iter().find_map(|key| Card::open(&bytes, key).ok());
    let card = opened.ok_or_else(|| ArchiverError::OtherMedium {
        name: location.name.clone(),
        why: "its card is not one that this site signed: it belongs to another site, or it is damaged"
            .to_owned(),
    })?;
    if card.site_id == central.site_id() {
        Ok(card)
    } else {
        let why = "its card is of another site".to_owned();
        Err(ArchiverError::OtherMedium { name: location.name.clone(), why })
    }
}

/// Not yet named: which location it is about.
struct Unnamed(crate::carrier::CarryError);

impl Unnamed {
    fn named(self, location: &LocationRow) -> ArchiverError {
        ArchiverError::Medium { name: location.name.clone(), error: self.0 }
    }
}

/// Returns the digest of the last report on the medium: the one that this server remembers, or the end of the chain of those that
/// follow it (a run cut before its proofs were entered; a server restored from a backup). `None` if the medium's history is another.
fn last_report(
    world: &World<'_>,
    medium: &MediumRow,
    carrier: &mut dyn Carrier,
) -> std::result::Result<Option<Option<[u8; 32]>>, Unnamed> {
    let mut names: Vec<String> = carrier
        .list("runs")
        .map_err(Unnamed)?
        .unwrap_or_default()
        .into_iter()
        .filter(|found| !found.is_folder && found.name.ends_with(".jsonl"))
        .map(|found| found.name)
        .collect();
    names.sort_unstable();
    let is_new = names.is_empty();
    // What follows which, from the newest back to the one that is remembered.
    let mut followers: HashMap<Option<[u8; 32]>, [u8; 32]> = HashMap::new();
    let mut remembered = medium.last_report.is_none();
    for name in names.into_iter().rev().take(REPORTS_MAX) {
        let read = carrier.read(&format!("runs/{name}"), archive::run_report::REPORT_MAX).map_err(Unnamed)?;
        let Some(bytes) = read else { continue };
        let digest = RunReport::digest(&bytes);
        if Some(digest) == medium.last_report {
            remembered = true;
            break;
        }
        if let Ok(report) = RunReport::open(&bytes, |id| world.central.certified(id))
            && (report.head.media_id, report.head.media_gen) == (medium.media_id, medium.media_gen)
        {
            followers.insert(report.head.previous, digest);
        }
    }
    let mut tip = medium.last_report;
    while let Some(next) = followers.remove(&tip) {
        tip = Some(next);
    }
    // Reports are there, but none is the first, nor the one that is remembered: it is not the history that this server wrote.
    let known = if medium.last_report.is_none() {
        is_new || tip.is_some()
    } else {
        remembered || tip != medium.last_report
    };
    Ok(known.then_some(tip))
}

/// Prepares a medium for a location: writes its card and the site's document, and enters its row. A medium that served this
/// location before is adopted: its generation rises, and everything on it is looked at again by the next run. A new one gets what the
/// log tells of from leaf `first` on.
///
/// # Errors
/// The medium holds another site's archive, or the medium's.
pub fn prepare(
    world: &World<'_>,
    location: &LocationRow,
    carrier: &mut dyn Carrier,
    label: &str,
    lies_in: &str,
    first: u64,
) -> Result<Prepared> {
    let failed = |error| ArchiverError::Medium { name: location.name.clone(), error };
    refuse_others(world.central, location, carrier)?;
    let old = match carrier.read(CARD_NAME, u64::try_from(CARD_MAX).unwrap_or(u64::MAX)).map_err(failed)? {
        None => None,
        Some(_) => Some(card(world.central, location, carrier)?),
    };
    if old.as_ref().is_some_and(|card| card.location_id != location.location_id) {
        return Err(ArchiverError::OtherMedium {
            name: location.name.clone(),
            why: "it serves another location of this site already. Use another folder or drive".to_owned(),
        });
    }
    let known = world.vault.media(location.location_id)?;
    let adopted = old.as_ref();
    let row = adopted.and_then(|card| known.iter().find(|m| m.media_id == card.media_id));
    let media_id = adopted.map_or_else(|| MediaId(world.central.draw_id()), |card| card.media_id);
    let highest = [row.map(|m| m.media_gen), adopted.map(|card| card.media_gen)].into_iter().flatten().max();
    let medium = MediumRow {
        media_id,
        location_id: location.location_id,
        media_gen: highest.unwrap_or(0).saturating_add(1),
        label: label.to_owned(),
        lies_in: lies_in.to_owned(),
        added_at: world.clock.now(),
        // What a medium that comes back holds is looked at from the beginning.
        next_leaf: if adopted.is_some() { 0 } else { first },
        last_report: newest_report(world, carrier, media_id).map_err(|e| e.named(location))?,
        last_run_at: None,
        last_seen_at: Some(world.clock.now()),
        state: MediumState::Good,
    };
    put_card(world, location.location_id, &medium, old.is_some(), carrier).map_err(|e| e.named(location))?;
    if row.is_some() {
        world.vault.adopt_medium(&medium)?;
    } else {
        world.vault.add_medium(&medium)?;
    }
    Ok(Prepared { medium, adopted: adopted.is_some() })
}

/// Another site's archive is never touched, whatever state it is in.
fn refuse_others(central: &dyn Central, location: &LocationRow, carrier: &mut dyn Carrier) -> Result<()> {
    let failed = |error| ArchiverError::Medium { name: location.name.clone(), error };
    let Some(bytes) = carrier.read(layout::SITE_NAME, SITE_MAX).map_err(failed)? else { return Ok(()) };
    let site = SiteJson::parse(&bytes).ok().map(|site| site.site_id);
    if bytes == central.site_json() {
        return Ok(());
    }
    let whose = match site {
        Some(id) if id == central.site_id() => "an older document of this site, which was altered".to_owned(),
        Some(id) => format!("the archive of another site ({id})"),
        None => "an archive that cannot be read".to_owned(),
    };
    Err(ArchiverError::OtherMedium {
        name: location.name.clone(),
        why: format!(
            "it holds {whose}. Use another folder or drive, or empty this one yourself if nobody needs it"
        ),
    })
}

fn newest_report(
    world: &World<'_>,
    carrier: &mut dyn Carrier,
    media_id: MediaId,
) -> std::result::Result<Option<[u8; 32]>, Unnamed> {
    let mut names: Vec<String> = carrier
        .list("runs")
        .map_err(Unnamed)?
        .unwrap_or_default()
        .into_iter()
        .map(|found| found.name)
        .collect();
    names.sort_unstable();
    for name in names.into_iter().rev().take(REPORTS_MAX) {
        let read = carrier.read(&format!("runs/{name}"), archive::run_report::REPORT_MAX).map_err(Unnamed)?;
        let Some(bytes) = read else { continue };
        let report = RunReport::open(&bytes, |id| world.central.certified(id));
        if report.is_ok_and(|report| report.head.media_id == media_id) {
            return Ok(Some(RunReport::digest(&bytes)));
        }
    }
    Ok(None)
}

fn put_card(
    world: &World<'_>,
    location_id: LocationId,
    medium: &MediumRow,
    replace: bool,
    carrier: &mut dyn Carrier,
) -> std::result::Result<(), Unnamed> {
    let card = Card {
        site_id: world.central.site_id(),
        location_id,
        media_id: medium.media_id,
        media_gen: medium.media_gen,
        created: medium.added_at,
    };
    // A card of these members can always be written.
    let bytes = card.sign(world.central.signing_key()).unwrap_or_default();
    if replace {
        carrier.remove(&[CARD_NAME.to_owned()]).map_err(Unnamed)?;
    }
    let item =
        |to: &str, bytes: Vec<u8>| Item { to: to.to_owned(), source: Source::Bytes(bytes), aside: None };
    // The card last: a medium without one is no archive yet.
    for item in [item(layout::SITE_NAME, world.central.site_json().to_vec()), item(CARD_NAME, bytes)] {
        let fates = carrier.carry(std::slice::from_ref(&item), &mut |_bytes| ()).map_err(Unnamed)?;
        if !fates.iter().all(|fate| matches!(fate, Fate::Proven { .. })) {
            let text = format!("{} could not be written and read back", item.to);
            return Err(Unnamed(crate::carrier::CarryError {
                kind: crate::carrier::CarryKind::Doubtful,
                text,
            }));
        }
    }
    Ok(())
}

/// Looks whether a location's medium is the right one; nothing is written.
///
/// # Errors
/// As a run's.
pub fn look(world: &World<'_>, location: &LocationRow, carrier: &mut dyn Carrier) -> Result<MediumRow> {
    let (medium, _previous) = recognise(world, location, carrier)?;
    world.vault.note_medium_seen(medium.media_id, world.clock.now())?;
    Ok(medium)
}
