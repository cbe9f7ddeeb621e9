//! The slot file of one night: slots of the file before are carried over as they are, days that came into sight get theirs, days
//! that are over drop out.

use archive::certs::Certs;
use daily_login::slots::Window;
use daily_login::{ChainKey, LaneSecret, Slot, SlotFile, SlotHead};
use rand_core::CryptoRng;
use seal::KeyId;
use shared::{Day, Zone};

use super::{AHEAD_DAYS_MAX, AHEAD_DAYS_MIN, KeyFilesError, Night, Result};

/// What became of the slots.
pub(super) struct Slots {
    pub(super) file: SlotFile,
    /// Every lane has its slot on every day up to this one.
    pub(super) until: Option<Day>,
    pub(super) made: usize,
    pub(super) missing: usize,
}

/// A slot that is not there yet.
struct Wanted<'a> {
    day: Day,
    lane: &'a LaneSecret,
}

/// Makes the next slot file.
pub(super) fn next(night: &Night<'_>, dice: &mut impl CryptoRng) -> Result<Slots> {
    let head = SlotHead {
        of: night.secrets.of,
        generation: night.generation,
        created: night.now,
        cost: night.cost,
        site_digest: night.card.digest(),
        signer: night.secrets.signing.key_id().0,
    };
    let (mut slots, wanted) = carried(night, &head)?;
    let (now, later) = wanted.split_at_checked(night.new_slots_max).unwrap_or((&wanted, &[]));
    for (want, chain) in now.iter().zip(chain_keys(night, now)?) {
        slots.push(made(night, &head, want, &chain, dice)?);
    }
    let until = match later.first() {
        None => Some(last_day(night)?),
        Some(first) => first.day.plus_days(-1).filter(|day| *day >= night.today),
    };
    let file = SlotFile::new(head, slots)?;
    Ok(Slots { file, until, made: now.len(), missing: later.len() })
}

/// Sorts today and the days ahead into slots that are there already and those that are wanted, by day.
fn carried<'a>(night: &Night<'a>, head: &SlotHead) -> Result<(Vec<Slot>, Vec<Wanted<'a>>)> {
    let before = night.previous_slots.and_then(|bytes| ours(bytes, head, night.certs));
    let before = before.as_ref().map(SlotFile::slots).unwrap_or_default();
    let (mut slots, mut wanted) = (Vec::new(), Vec::new());
    let (mut day, last) = (night.today, last_day(night)?);
    loop {
        // Slots stand by date, so those of a day are found without looking at all.
        let first = before.partition_point(|slot| slot.day() < day);
        let of_day = before.get(first..).unwrap_or_default().iter().take_while(|slot| slot.day() == day);
        for lane in &night.secrets.lanes {
            let login = lane.credentials(day).login;
            match of_day.clone().find(|slot| slot.is_for(&head.of.site_id, login)) {
                Some(slot) => slots.push(slot.clone()),
                None => wanted.push(Wanted { day, lane }),
            }
        }
        if day >= last {
            return Ok((slots, wanted));
        }
        day = day.plus_days(1).ok_or(KeyFilesError::Calendar(day))?;
    }
}

/// Reads the file before, if its slots open under the new head: central signed it, and everything that a slot authenticates is
/// the same.
fn ours(bytes: &[u8], head: &SlotHead, certs: &Certs) -> Option<SlotFile> {
    let file = SlotFile::parse(bytes).ok()?;
    let key = certs.key(KeyId(file.head().signer))?;
    let signed = SlotFile::is_signed(bytes, |message, signature| key.verifies("", message, signature));
    let old = file.head();
    let fits = old.of == head.of && old.cost == head.cost && old.site_digest == head.site_digest;
    (signed && fits).then_some(file)
}

/// Returns the chain key of each wanted day. The chain runs backwards, so the last day comes first.
fn chain_keys(night: &Night<'_>, wanted: &[Wanted<'_>]) -> Result<Vec<ChainKey>> {
    let of = night.secrets.of;
    let mut keys: Vec<ChainKey> = Vec::with_capacity(wanted.len());
    for want in wanted.iter().rev() {
        let later = keys.last().unwrap_or(&night.secrets.top);
        keys.push(later.back_to(want.day, of).ok_or(KeyFilesError::ChainEnds(want.day))?);
    }
    keys.reverse();
    Ok(keys)
}

fn made(
    night: &Night<'_>,
    head: &SlotHead,
    want: &Wanted<'_>,
    chain: &ChainKey,
    dice: &mut impl CryptoRng,
) -> Result<Slot> {
    let window = window(&night.card.zone, want.day).ok_or(KeyFilesError::Calendar(want.day))?;
    let with = want.lane.credentials(want.day);
    Ok(Slot::make(head, window, &with, chain, night.secrets.pepper.as_deref(), dice)?)
}

/// The instants between which a login is valid: the civil day in the site's zone, whatever its length.
pub(super) fn window(zone: &Zone, day: Day) -> Option<Window> {
    let not_before = zone.start_of(day)?;
    let not_after = zone.start_of(day.plus_days(1)?)?;
    Some(Window { day, not_before, not_after })
}

fn last_day(night: &Night<'_>) -> Result<Day> {
    let ahead = night.ahead_days.clamp(AHEAD_DAYS_MIN, AHEAD_DAYS_MAX);
    let last = i32::try_from(ahead).ok().and_then(|ahead| night.today.plus_days(ahead));
    last.ok_or(KeyFilesError::Calendar(night.today))
}
