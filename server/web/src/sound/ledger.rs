//! The ledger of a day: what was signalled, and what became of it.
//!
//! The sums are those of the whole day for whoever may read the ledger. Entries name callers, so a limited scope sees those
//! it covers and no others.

use std::sync::Arc;

use api::{LedgerDay, LedgerLine, LedgerQuery};
use axum::Json;
use axum::http::Method;
use shared::{Day, RecorderId, Zone};
use vault::{LedgerRow, PartyRole, Scope, Vault};

use super::accounts::{accounts, balanced, class, totals};

use crate::act::Act;
use crate::caller::Caller;
use crate::problem::Refusal;
use crate::routes::{Door, Routes, Spec};
use crate::take::{Answer, Asked, bounded};

const PAGE: u32 = 100;
const PAGE_MAX: u32 = 200;
/// Entries looked up in the catalogue for one page of somebody whose scope names taps.
const LOOKED_AT_MAX: usize = 2_000;

pub(super) fn register(routes: &mut Routes) {
    routes.add(
        Method::GET,
        "/ledger",
        Spec::new("Ledger", "Accounts for every call of a day, exceptions first", Door::Act(Act::Ledger))
            .query::<LedgerQuery>()
            .answers::<LedgerDay>(200),
        day,
    );
}

/// What of a day is wanted.
struct Wanted {
    day: Day,
    recorder: Option<RecorderId>,
    tap: Option<String>,
    all: bool,
    after: Option<Place>,
    limit: usize,
}

/// The order of entries: exceptions first, then by number.
type Place = (u8, u64, [u8; 16]);

async fn day(caller: Caller, Asked(asked): Asked<LedgerQuery>) -> Answer<Json<LedgerDay>> {
    let zone = caller.doors.host().zone();
    let today = zone.day_of(caller.doors.now());
    let wanted = wanted(&asked, today)?;
    let scope = Arc::clone(&caller.scope);
    let found = caller.doors.blocking_long(move |host| account(host.vault(), &wanted, &scope, host.zone()));
    Ok(Json(found.await?))
}

fn wanted(asked: &LedgerQuery, today: Day) -> Answer<Wanted> {
    let day = asked.day.as_deref().map(str::parse::<Day>).transpose();
    let day = day.map_err(|error| Refusal::bad(format!("`day`: {error}")))?.unwrap_or(today);
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Refusal::bad("`limit` is a number from 1 to 200."));
    }
    let all = match asked.all {
        None | Some(0) => false,
        Some(1) => true,
        Some(_) => return Err(Refusal::bad("`all` is 0 or 1.")),
    };
    let after = asked.after.as_deref().map(|text| place(text).ok_or(())).transpose();
    let after = after.map_err(|()| Refusal::bad("`after` is the value `next` of a page."))?;
    let tap = bounded("tap", &asked.tap, 100)?;
    let recorder = bounded("recorder", &asked.recorder, 64)?.map(|text| text.parse::<RecorderId>());
    let recorder =
        recorder.transpose().map_err(|_odd| Refusal::bad("`recorder` is the identity of a recorder."))?;
    Ok(Wanted { day, recorder, tap, all, after, limit: usize::try_from(limit).unwrap_or(100) })
}

fn account(vault: &Vault, wanted: &Wanted, scope: &Scope, zone: &Zone) -> vault::Result<LedgerDay> {
    let mut rows = vault.ledger_day(wanted.day)?;
    let own = (vault.config().recorder_id, vault.config().letter);
    let recorders = accounts(&rows, &vault.satellites()?, own);
    let is_wanted = |who: &RecorderId| wanted.recorder.is_none_or(|wanted| wanted == *who);
    rows.retain(|row| is_wanted(&row.recorder_id));
    let totals = totals(rows.iter());
    let mut chosen = recorders.iter().filter(|of| of.id.parse().is_ok_and(|id| is_wanted(&id)));
    let balanced = balanced(&totals) && chosen.all(|of| of.balanced);
    rows.retain(|row| wanted.all || class(row) < 3);
    rows.sort_by_key(place_of);
    let mut rows = rows.into_iter().filter(|row| wanted.after.is_none_or(|after| place_of(row) > after));
    let (mut entries, mut next, mut last) = (Vec::new(), None, None);
    for (looked_at, row) in rows.by_ref().enumerate() {
        if entries.len() >= wanted.limit || looked_at >= LOOKED_AT_MAX.max(wanted.limit) {
            next = last;
            break;
        }
        last = Some(text(place_of(&row)));
        entries.extend(line(vault, &row, wanted, scope, zone)?);
    }
    Ok(LedgerDay { day: wanted.day.to_string(), totals, balanced, recorders, entries, next })
}

/// Shows an entry, if the scope covers it: by its recording where there is one, else by its numbers.
fn line(
    vault: &Vault,
    row: &LedgerRow,
    wanted: &Wanted,
    scope: &Scope,
    zone: &Zone,
) -> vault::Result<Option<LedgerLine>> {
    let numbers = row.ending.map(|ending| ending.end.numbers());
    let has_recording = matches!(numbers, Some((1 | 2, _)));
    let recording = if has_recording { vault.visible(row.recording_id, scope)? } else { None };
    let covered = match &recording {
        Some(_) => true,
        None if has_recording => scope.is_all(),
        None => scope.covers([row.caller.as_str(), row.called.as_str()], "", row.opened_at),
    };
    let tap = recording.as_ref().map(|recording| recording.facts.tap_name.as_str());
    if !covered || wanted.tap.as_deref().is_some_and(|wanted| tap != Some(wanted)) {
        return Ok(None);
    }
    let (end, why) = match row.ending.map(|ending| ending.end) {
        None => (None, None),
        Some(shared::LedgerEnd::Recorded) => (Some("recorded"), None),
        Some(shared::LedgerEnd::Partly(why)) => (Some("partly"), Some(why.word())),
        Some(shared::LedgerEnd::NotRecorded(why)) => (Some("not recorded"), Some(why.word())),
    };
    // A satellite's ledger names nobody; its recordings do.
    let number = |role, known: &str| {
        let heard =
            recording.as_ref().filter(|_| known.is_empty()).and_then(|recording| recording.party(role));
        heard.map_or_else(|| known.to_owned(), |party| party.number.clone())
    };
    Ok(Some(LedgerLine {
        ledger_no: row.ledger_no.0,
        reference: row.reference.to_string(),
        opened_at: zone.rfc3339(row.opened_at),
        ended_at: row.ending.map(|ending| zone.rfc3339(ending.at)),
        end: end.map(str::to_owned),
        why: why.map(str::to_owned),
        rule: row.ending.and_then(|ending| ending.rule),
        caller: number(PartyRole::Caller, &row.caller),
        called: number(PartyRole::Called, &row.called),
        recording_id: recording.as_ref().map(|_| row.recording_id.to_string()),
    }))
}

fn place_of(row: &LedgerRow) -> Place {
    (class(row), row.ledger_no.0, *row.recorder_id.bytes())
}

fn text((class, number, recorder): Place) -> String {
    format!("{class}.{number}.{}", super::view::hex(&recorder))
}

fn place(text: &str) -> Option<Place> {
    let mut fields = text.splitn(3, '.');
    let (class, number) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let recorder: RecorderId = fields.next()?.parse().ok()?;
    Some((class, number, *recorder.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_its_text_and_nothing_else_is_one() {
        let at: Place = (2, u64::MAX, [0xab; 16]);
        assert_eq!(place(&text(at)), Some(at));
        for odd in ["", "1", "1.2", "1.2.x", "256.1.00", "-1.2.00000000000000000000000000000000"] {
            assert_eq!(place(odd), None, "{odd}");
        }
    }
}
