//! Recordings as the API shows them.

use std::collections::{BTreeMap, BTreeSet};

use audio::Codec;
use shared::{GapTotals, Track, Zone};
use vault::{Heard, Listed, ListedParty, ListedTrack, PartyRole, Recording};

use super::timeline::value_text;
use super::view::{CAUSES, hex};

/// Bits of a trailer's flags.
const RECOVERED: u32 = 1;
const DAMAGED: u32 = 2;

/// Shows a recording in a list.
pub(super) fn row(listed: &Listed, zone: &Zone) -> api::Row {
    let facts = &listed.facts;
    let found = |role| listed.parties.iter().find(|p| p.role == role).map(party).unwrap_or_default();
    let codecs: BTreeSet<&str> = listed.tracks.iter().map(|track| track.codec.as_str()).collect();
    api::Row {
        id: facts.recording_id.to_string(),
        reference: facts.reference.to_string(),
        external_reference: listed.external_reference.clone(),
        started_at: zone.rfc3339(facts.started_at),
        started_at_us: facts.started_at.0,
        duration_ms: u64::try_from(listed.duration_us() / 1_000).unwrap_or(0),
        direction: facts.direction.word().to_owned(),
        method: facts.method.word().to_owned(),
        side: facts.side.word().to_owned(),
        tap: facts.tap_name.clone(),
        caller: found(PartyRole::Caller),
        called: found(PartyRole::Called),
        others: listed.parties.iter().filter(|p| p.role == PartyRole::Other).map(party).collect(),
        end: facts.end.to_string(),
        end_reason: facts.end_reason.clone(),
        orphan: facts.orphan,
        has_gap: listed.has_gap(),
        gap_ms: gap_ms(listed),
        heard: heard(listed.heard).to_owned(),
        held: listed.held,
        tags: listed.tags.clone(),
        subject: listed.subject.clone(),
        comment: listed.comment.clone(),
        codecs: codecs.into_iter().map(str::to_owned).collect(),
        playable: listed.tracks.iter().any(|kind| Codec::from_track(&track(kind)).is_ok()),
        integrity: integrity(listed.flags),
    }
}

/// Shows all that is known of a recording, but for its neighbours of the same call.
pub(super) fn detail(recording: &Recording, zone: &Zone) -> api::Detail {
    api::Detail {
        row: row(&Listed::from(recording), zone),
        ledger_no: recording.facts.ledger_no.0,
        call_ids: recording.call_ids.clone(),
        legs: recording.legs.iter().map(leg).collect(),
        parts: recording.parts.iter().map(|part| self::part(part, zone)).collect(),
        events: recording.events.iter().map(event).collect(),
        notes: recording.labels.notes.iter().map(|note| self::note(note, zone)).collect(),
        hold: recording.labels.hold.as_ref().map(|hold| self::hold(hold, zone)),
        linked: Vec::new(),
    }
}

/// Shows a note.
pub(super) fn note(note: &vault::Note, zone: &Zone) -> api::Note {
    api::Note {
        id: note.id.0.to_string(),
        at_ms: note.at_us.map(|us| us / 1_000),
        text: note.text.clone(),
        author: note.author.clone(),
        written_at: zone.rfc3339(note.written_at),
        edited: note.edited_at.is_some(),
    }
}

fn hold(hold: &vault::Hold, zone: &Zone) -> api::Hold {
    api::Hold {
        reason: hold.reason.clone(),
        by: hold.by.clone(),
        at: zone.rfc3339(hold.at),
        review: hold.review.map(|day| day.to_string()),
    }
}

fn party(party: &ListedParty) -> api::Party {
    api::Party {
        number: party.number.clone(),
        name: party.display.clone(),
        extension: Some(party.extension.clone()).filter(|e| !e.is_empty()),
    }
}

/// A track as far as a decoder asks.
fn track(listed: &ListedTrack) -> Track {
    Track {
        leg: listed.leg,
        codec: listed.codec.clone(),
        clock_hz: listed.clock_hz,
        fmtp: listed.fmtp.clone(),
        channels: listed.channels,
        opaque: listed.opaque,
        ..Track::default()
    }
}

/// Milliseconds missing on the worst leg, for another reason than that its sender was silent.
fn gap_ms(listed: &Listed) -> u64 {
    let mut legs: BTreeMap<u8, u64> = BTreeMap::new();
    for track in &listed.tracks {
        let ms = track.missing.saturating_mul(1_000) / u64::from(track.clock_hz.max(1));
        let sum = legs.entry(track.leg).or_default();
        *sum = sum.saturating_add(ms);
    }
    legs.into_values().max().unwrap_or(0)
}

const fn heard(heard: Heard) -> &'static str {
    match heard {
        Heard::Both => "both",
        Heard::OneWay => "one-way",
        Heard::Silent => "silent",
    }
}

const fn integrity(flags: u32) -> api::Integrity {
    if flags & DAMAGED != 0 {
        api::Integrity::Damaged
    } else if flags & RECOVERED != 0 {
        api::Integrity::Recovered
    } else {
        api::Integrity::Sealed
    }
}

fn leg(row: &vault::LegRow) -> api::Leg {
    let track = &row.track;
    api::Leg {
        track: track.track,
        leg: track.leg,
        role: track.role.word().to_owned(),
        codec: track.codec.clone(),
        clock_hz: track.clock_hz,
        samples: row.samples,
        gaps: gaps(&row.gaps),
    }
}

fn gaps(totals: &GapTotals) -> BTreeMap<String, u64> {
    let named = CAUSES.iter().zip(totals.0).filter(|(_, samples)| *samples > 0);
    named.map(|(cause, samples)| (cause.word().to_owned(), samples)).collect()
}

fn part(part: &vault::PartRow, zone: &Zone) -> api::Part {
    api::Part {
        part: part.part,
        started_at: zone.rfc3339(part.started_at),
        bytes: part.bytes,
        sha256: hex(&part.sha256),
        blake3: hex(&part.blake3),
        recovered: part.flags & RECOVERED != 0,
        damaged: part.flags & DAMAGED != 0,
        signing_key_id: hex(&part.signing_key_id),
    }
}

fn event(event: &shared::Event) -> api::Event {
    api::Event {
        at_ms: event.t_us.div_euclid(1_000),
        kind: event.kind.clone(),
        members: event.members.iter().map(|(name, value)| (name.clone(), value_text(value))).collect(),
    }
}
