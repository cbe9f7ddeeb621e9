//! A recording as JSON: one shape for `list`, `show` and the sidecar of every export, whichever door it leaves by.

pub use playback::proof::{CAUSES, event, gaps, hex};
use serde_json::{Value, json};
use shared::{Party, Zone};
use vault::{LegRow, PartRow, PartyRole, PartySeen, Recording};

/// Returns a recording with everything that the catalogue knows of it.
#[must_use]
pub fn recording(recording: &Recording, zone: &Zone) -> Value {
    let facts = &recording.facts;
    json!({
        "id": facts.recording_id.to_string(),
        "reference": facts.reference.to_string(),
        "ledger_no": facts.ledger_no.0,
        "started_at": facts.started_at.to_string(),
        "started_at_local": zone.rfc3339(facts.started_at),
        "ended_at": facts.ended_at.to_string(),
        "duration_us": facts.ended_at.since(facts.started_at).max(0),
        "day": facts.day.to_string(),
        "zone": zone.name(),
        "direction": facts.direction.word(),
        "method": facts.method.word(),
        "side": facts.side.word(),
        "tap": facts.tap_name,
        "orphan": facts.orphan,
        "end": facts.end.to_string(),
        "end_reason": facts.end_reason,
        "caller": party(recording.party(PartyRole::Caller)),
        "called": party(recording.party(PartyRole::Called)),
        "others": recording.parties.iter().filter(|p| p.role == PartyRole::Other).map(other).collect::<Vec<_>>(),
        "call_ids": recording.call_ids,
        "packets": {
            "taken": facts.packets.packets,
            "duplicate": facts.packets.duplicate,
            "late": facts.packets.late,
            "reordered": facts.packets.reordered,
        },
        "tracks": recording.legs.iter().map(leg).collect::<Vec<_>>(),
        "parts": recording.parts.iter().map(part).collect::<Vec<_>>(),
        "events": recording.events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn party(party: Option<&Party>) -> Value {
    party.map_or(Value::Null, |p| json!({ "number": p.number, "name": p.display, "address": p.address }))
}

fn other(row: &PartySeen) -> Value {
    party(Some(&row.party))
}

fn leg(leg: &LegRow) -> Value {
    let track = &leg.track;
    json!({
        "part": leg.part,
        "track": track.track,
        "leg": track.leg,
        "role": track.role.word(),
        "codec": track.codec,
        "clock_hz": track.clock_hz,
        "channels": track.channels,
        "fmtp": track.fmtp,
        "opaque": track.opaque,
        "samples": leg.samples,
        "gap_samples": gaps(&leg.gaps),
    })
}

fn part(part: &PartRow) -> Value {
    json!({
        "part": part.part,
        "path": part.path,
        "bytes": part.bytes,
        "frames": part.frames,
        "started_at": part.started_at.to_string(),
        "ended_at": part.ended_at.to_string(),
        "sha256": hex(&part.sha256),
        "blake3": hex(&part.blake3),
        "recovered": part.flags & 1 != 0,
        "damaged_inside": part.flags & 2 != 0,
        "continued": part.flags & 4 != 0,
        "signing_key": hex(&part.signing_key_id),
    })
}
