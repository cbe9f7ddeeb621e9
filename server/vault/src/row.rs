//! Making a row from a sealed file itself, when the process that knew it all is gone.

use std::io::{Read, Seek};

use catalogue::{Facts, LegRow, PacketCounts, PartRow, PartyRole, PartyRow, RecordingRow};
use seal::{FinalTable, Meta, Part, SealError, Survey, Trailer};
use shared::{GapTotals, LedgerEnd, Reference, Track, UtcMicros};

use crate::VaultConfig;

/// Reads details, events and totals of a part that has a trailer. How its entry ended is not in the file: `end` says it.
pub(crate) fn of_part<R: Read + Seek>(
    part: &mut Part<R>,
    trailer: &Trailer,
    config: &VaultConfig,
    end: LedgerEnd,
) -> Result<RecordingRow, SealError> {
    let spec = part.header().spec.clone();
    let meta = part.meta()?.clone();
    let events = part.events()?.to_vec();
    let table = part.final_table().cloned();
    let mut legs = Vec::with_capacity(meta.tracks.len());
    for track in &meta.tracks {
        let mut leg = leg(part, spec.part, track, table.as_ref())?;
        leg.correct(&events);
        legs.push(leg);
    }
    let info = table.map(|table| table.info);
    let packets = info.as_ref().map(|info| info.packets).unwrap_or_default();
    let facts = Facts {
        recording_id: spec.recording_id,
        recorder_id: spec.recorder_id,
        ledger_no: meta.ledger_no,
        reference: meta.reference.parse().unwrap_or(Reference {
            letter: config.letter,
            day: spec.day,
            sequence: 0,
        }),
        started_at: spec.start,
        ended_at: trailer.end,
        day: spec.day,
        direction: meta.direction,
        method: meta.method,
        side: meta.side,
        tap: meta.tap.number,
        tap_name: meta.tap.name.clone(),
        orphan: meta.parties.iter().all(|(_, party)| *party == shared::Party::default()),
        end,
        end_reason: info.map_or_else(|| "crash".to_owned(), |info| info.reason),
        packets: PacketCounts {
            packets: packets.packets,
            duplicate: packets.duplicate,
            late: packets.late,
            reordered: packets.reordered,
        },
    };
    let path = String::new(); // the vault's to say
    Ok(RecordingRow {
        facts,
        parties: parties(&meta),
        call_ids: meta.call_ids,
        legs,
        events,
        part: part_row(&spec, trailer, path),
        leaf: None,
    })
}

fn parties(meta: &Meta) -> Vec<PartyRow> {
    let row = |(role, party): &(seal::PartyRole, shared::Party)| {
        let role = match role {
            seal::PartyRole::Caller => PartyRole::Caller,
            seal::PartyRole::Called => PartyRole::Called,
            seal::PartyRole::Other => PartyRole::Other,
        };
        PartyRow { role, party: party.clone() }
    };
    meta.parties.iter().map(row).collect()
}

/// Takes the sealer's totals, or counts the runs of a part that its sealer did not close.
fn leg<R: Read + Seek>(
    part: &mut Part<R>,
    number: u16,
    track: &Track,
    table: Option<&FinalTable>,
) -> Result<LegRow, SealError> {
    let mut leg = LegRow { part: number, track: track.clone(), samples: 0, gaps: GapTotals::default() };
    if let Some(table) = table {
        if let Some(totals) = table.tracks.iter().find(|t| t.track == track.track) {
            (leg.samples, leg.gaps) = (totals.samples, totals.gaps);
        }
        return Ok(leg);
    }
    for run in part.runs(track.track, 0..u64::MAX)? {
        let run = run?;
        leg.gaps.add(run.cause, run.gap_samples);
        leg.samples = leg.samples.saturating_add(run.samples);
    }
    Ok(leg)
}

fn part_row(spec: &seal::PartSpec, trailer: &Trailer, path: String) -> PartRow {
    let facts = trailer.facts;
    PartRow {
        part: spec.part,
        started_at: spec.start,
        day: spec.day,
        ended_at: trailer.end,
        path,
        bytes: facts.body_len.saturating_add(256),
        sha256: facts.sha256,
        blake3: facts.blake3,
        flags: flags(trailer),
        frames: facts.frames,
        signing_key_id: trailer.signer.0,
    }
}

fn flags(trailer: &Trailer) -> u32 {
    u32::from(trailer.recovered) | u32::from(trailer.damaged_inside) << 1 | u32::from(trailer.continued) << 2
}

/// Returns when a part without its end was last heard: the end of its last whole frame.
pub(crate) fn end_of(survey: &Survey) -> UtcMicros {
    survey.header.spec.start.plus(i64::try_from(survey.media_end_us).unwrap_or(i64::MAX))
}
