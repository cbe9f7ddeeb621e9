//! What is written beside an exported recording: the members that the server's sidecar has, read from the sealed files themselves. What
//! only the server's database knows (`orphan`, `end`, `method` of a ledger entry) is null.

use playback::proof::{self, Exported};
use seal::{FinalTable, Meta, PartyRole};
use serde_json::{Value, json};
use shared::{Event, GapCorrection, GapTotals, Party, RecordingId, Track, Zone};

use crate::login::Session;
use crate::recording::{Opened, PartFacts, sound};
use crate::refusal::Result;

/// What one part says of itself.
struct Said {
    meta: Meta,
    events: Vec<Event>,
    table: Option<FinalTable>,
}

/// Returns what a recording says of itself, in the shape of `amethyst show --json`, without what was exported.
pub(crate) fn recording(session: &Session, id: RecordingId, opened: &mut Opened) -> Result<Value> {
    let zone = &session.site.zone;
    let mut said = Vec::new();
    for open in opened.sealed.parts() {
        let failed = |source| sound(playback::SoundError::Seal { path: String::new(), source });
        let table = open.part.final_table().cloned();
        let meta = open.part.meta().map_err(failed)?.clone();
        said.push((open.number, Said { meta, events: open.part.events().map_err(failed)?.to_vec(), table }));
    }
    let (first, last) = (opened.parts.first(), opened.parts.last());
    let started = first.map_or(shared::UtcMicros(0), |part| part.start);
    let measured = started.plus(i64::try_from(opened.sealed.length_us()).unwrap_or(i64::MAX));
    let ended = last.and_then(|part| part.trailer.as_ref()).map_or(measured, |trailer| trailer.end);
    let newest = said.last().map(|(_, said)| &said.meta).cloned().unwrap_or_default();
    let packets = said.iter().filter_map(|(_, said)| Some(said.table.as_ref()?.info.packets));
    let (mut taken, mut duplicate, mut late, mut reordered) = (0_u64, 0_u64, 0_u64, 0_u64);
    for count in packets {
        taken = taken.saturating_add(count.packets);
        duplicate = duplicate.saturating_add(count.duplicate);
        late = late.saturating_add(count.late);
        reordered = reordered.saturating_add(count.reordered);
    }
    let corrections: Vec<GapCorrection> =
        said.iter().flat_map(|(_, said)| &said.events).filter_map(GapCorrection::of).collect();
    let reason = said.last().and_then(|(_, said)| said.table.as_ref()).map(|table| &table.info.reason);
    let others = newest.parties.iter().filter(|(role, _)| *role == PartyRole::Other);
    Ok(json!({
        "id": id.to_string(),
        "reference": newest.reference,
        "ledger_no": newest.ledger_no.0,
        "started_at": started.to_string(),
        "started_at_local": zone.rfc3339(started),
        "ended_at": ended.to_string(),
        "duration_us": ended.since(started).max(0),
        "day": first.map(|part| part.day.to_string()),
        "zone": zone.name(),
        "direction": newest.direction.word(),
        "method": newest.method.word(),
        "side": newest.side.word(),
        "tap": newest.tap.name,
        "orphan": null,
        "end": null,
        "end_reason": reason,
        "caller": party(&newest, PartyRole::Caller),
        "called": party(&newest, PartyRole::Called),
        "others": others.map(|(_, party)| party_value(party)).collect::<Vec<_>>(),
        "call_ids": newest.call_ids,
        "packets": { "taken": taken, "duplicate": duplicate, "late": late, "reordered": reordered },
        "tracks": said.iter().flat_map(|(n, said)| tracks(*n, said, &corrections)).collect::<Vec<_>>(),
        "parts": opened.parts.iter().map(|facts| part(facts, zone)).collect::<Vec<_>>(),
        "events": said.iter().flat_map(|(_, said)| said.events.iter().map(proof::event)).collect::<Vec<_>>(),
        "integrity": opened.integrity.word(),
        "site_id": session.site.site_id.to_string(),
        "archive": {
            "location_id": session.card.location_id.to_string(),
            "media_id": session.card.media_id.to_string(),
            "written_until": session.written.to_string(),
        },
    }))
}

/// Adds what was made of it.
pub(crate) fn add(value: &mut Value, exported: &Exported) {
    if let Value::Object(members) = value {
        proof::add_to(members, exported);
    }
}

/// Returns the number of a party for the name of a file.
pub(crate) fn number(value: &Value, role: &str) -> String {
    value
        .get(role)
        .and_then(|party| party.get("number"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn party(meta: &Meta, role: PartyRole) -> Value {
    meta.parties.iter().find(|(own, _)| *own == role).map_or(Value::Null, |(_, party)| party_value(party))
}

fn party_value(party: &Party) -> Value {
    json!({ "number": party.number, "name": party.display, "address": party.address })
}

fn tracks(part: u16, said: &Said, corrections: &[GapCorrection]) -> Vec<Value> {
    let line = |track: &Track| {
        let totals = said.table.as_ref().and_then(|t| t.tracks.iter().find(|t| t.track == track.track));
        let mut gaps = totals.map_or_else(GapTotals::default, |totals| totals.gaps);
        corrections.iter().filter(|c| c.track == track.track).for_each(|correction| gaps.correct(correction));
        json!({
            "part": part,
            "track": track.track,
            "leg": track.leg,
            "role": track.role.word(),
            "codec": track.codec,
            "clock_hz": track.clock_hz,
            "channels": track.channels,
            "fmtp": track.fmtp,
            "opaque": track.opaque,
            "samples": totals.map(|totals| totals.samples),
            "gap_samples": proof::gaps(&gaps),
        })
    };
    said.meta.tracks.iter().map(line).collect()
}

fn part(part: &PartFacts, zone: &Zone) -> Value {
    let trailer = part.trailer.as_ref();
    json!({
        "part": part.number,
        "path": part.path,
        "bytes": part.bytes,
        "frames": trailer.map(|t| t.facts.frames),
        "started_at": part.start.to_string(),
        "started_at_local": zone.rfc3339(part.start),
        "ended_at": trailer.map(|t| t.end.to_string()),
        "sha256": trailer.map(|t| proof::hex(&t.facts.sha256)),
        "blake3": trailer.map(|t| proof::hex(&t.facts.blake3)),
        "recovered": trailer.is_some_and(|t| t.recovered),
        "damaged_inside": trailer.is_some_and(|t| t.damaged_inside),
        "continued": trailer.is_some_and(|t| t.continued),
        "signing_key": trailer.map(|t| t.signer.to_string()),
    })
}
