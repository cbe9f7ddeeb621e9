//! What changes the catalogue: batches of rows, each batch one transaction.

use shared::{Event, UtcMicros, Value};
use sqlx::sqlite::SqliteConnection;

use crate::bulk::{Cell, Insert};
use crate::{CaptureRun, Catalogue, LedgerRow, RecordingRow, Result};

/// Kinds of events that stay in the sealed file only: they explain its samples, nobody searches for them.
const SEALED_ONLY: [&str; 4] = ["time_anchor", "sender_clock", "gap_cause", "track_change"];

impl Catalogue {
    /// Enters recordings with their parts, tracks, parties and events, and ledger rows with them, in one transaction.
    ///
    /// Entering the same part again changes nothing but what it says anew. When this returns, the rows survive a power cut.
    ///
    /// # Errors
    /// The database's; then nothing of the batch was entered.
    pub fn insert_batch(&self, rows: Vec<RecordingRow>, ledger: Vec<LedgerRow>) -> Result<()> {
        if rows.is_empty() && ledger.is_empty() {
            return Ok(());
        }
        let pool = self.writer.clone();
        self.block(async move {
            let mut batch = pool.begin().await?;
            enter_recordings(&mut batch, &rows).await?;
            enter_ledger(&mut batch, &ledger).await?;
            batch.commit().await?;
            Ok(())
        })
    }

    /// Enters ledger rows or brings them up to date; an end once entered stays unless a new one is given.
    ///
    /// # Errors
    /// The database's; then nothing of the batch was entered.
    pub fn ledger_upsert(&self, rows: Vec<LedgerRow>) -> Result<()> {
        self.insert_batch(Vec::new(), rows)
    }

    /// Enters a run of the capture or brings it up to date.
    ///
    /// # Errors
    /// The database's.
    pub fn note_run(&self, run: &CaptureRun) -> Result<()> {
        let cells = vec![
            Cell::from(&run.run_id),
            run.started_at.0.into(),
            run.ended_at.map(|at| at.0).into(),
            run.source.as_str().into(),
            run.packets.into(),
            run.kernel_drops.into(),
            run.summary.as_str().into(),
        ];
        let pool = self.writer.clone();
        self.block(async move { RUN.run(&mut *pool.acquire().await?, cells).await })
    }

    /// Keeps a setting under `name`, in place of an earlier one.
    ///
    /// # Errors
    /// The database's.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        let cells = vec![Cell::from(name), Cell::from(value)];
        let pool = self.writer.clone();
        self.block(async move { SETTING.run(&mut *pool.acquire().await?, cells).await })
    }
}

async fn enter_recordings(tx: &mut SqliteConnection, rows: &[RecordingRow]) -> Result<()> {
    RECORDING.run(tx, rows.iter().flat_map(recording_cells).collect()).await?;
    PART.run(tx, rows.iter().flat_map(part_cells).collect()).await?;
    LEG.run(tx, rows.iter().flat_map(leg_cells).collect()).await?;
    PARTY.run(tx, rows.iter().flat_map(party_cells).collect()).await?;
    CALL_LINK.run(tx, rows.iter().flat_map(link_cells).collect()).await?;
    EVENT.run(tx, rows.iter().flat_map(event_cells).collect()).await
}

async fn enter_ledger(tx: &mut SqliteConnection, rows: &[LedgerRow]) -> Result<()> {
    LEDGER.run(tx, rows.iter().flat_map(ledger_cells).collect()).await
}

const RECORDING: Insert = Insert {
    head: "insert into recording (recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, \
           direction, method, side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered) \
           values",
    columns: 20,
    // A later part knows the end better, an earlier one the start.
    tail: "on conflict (recording_id) do update set \
           started_at_us = case when excluded.started_at_us < recording.started_at_us \
             then excluded.started_at_us else recording.started_at_us end, \
           ended_at_us = excluded.ended_at_us, end_class = excluded.end_class, why = excluded.why, \
           end_reason = excluded.end_reason, packets = excluded.packets, duplicate = excluded.duplicate, \
           late = excluded.late, reordered = excluded.reordered, direction = excluded.direction \
           where excluded.ended_at_us >= recording.ended_at_us",
};

fn recording_cells(row: &RecordingRow) -> Vec<Cell> {
    let f = &row.facts;
    let (class, why) = f.end.numbers();
    vec![
        Cell::from(f.recording_id.bytes()),
        f.recorder_id.bytes().into(),
        f.ledger_no.0.into(),
        f.reference.to_string().into(),
        f.started_at.0.into(),
        f.ended_at.0.into(),
        f.day.yyyymmdd().into(),
        f.direction.number().into(),
        f.method.number().into(),
        f.side.number().into(),
        f.tap.0.into(),
        f.tap_name.as_str().into(),
        f.orphan.into(),
        class.into(),
        why.into(),
        f.end_reason.as_str().into(),
        f.packets.packets.into(),
        f.packets.duplicate.into(),
        f.packets.late.into(),
        f.packets.reordered.into(),
    ]
}

const PART: Insert = Insert {
    head: "insert into part (recording_id, part, started_at_us, day, ended_at_us, path, bytes, sha256, blake3, flags, \
           frames, signing_key_id) values",
    columns: 12,
    tail: "on conflict (recording_id, part) do update set ended_at_us = excluded.ended_at_us, path = excluded.path, \
           bytes = excluded.bytes, sha256 = excluded.sha256, blake3 = excluded.blake3, flags = excluded.flags, \
           frames = excluded.frames, signing_key_id = excluded.signing_key_id",
};

fn part_cells(row: &RecordingRow) -> Vec<Cell> {
    let p = &row.part;
    vec![
        Cell::from(row.facts.recording_id.bytes()),
        p.part.into(),
        p.started_at.0.into(),
        p.day.yyyymmdd().into(),
        p.ended_at.0.into(),
        p.path.as_str().into(),
        p.bytes.into(),
        (&p.sha256).into(),
        (&p.blake3).into(),
        p.flags.into(),
        p.frames.into(),
        (&p.signing_key_id).into(),
    ]
}

const LEG: Insert = Insert {
    head: "insert into leg (recording_id, part, track, leg, role, codec, clock_hz, fmtp, channels, joinable, opaque, samples, \
           gap_none, gap_network, gap_recorder, gap_paused, gap_silence, gap_undecodable) values",
    columns: 18,
    tail: "on conflict (recording_id, part, track) do update set samples = excluded.samples, gap_none = excluded.gap_none, \
           gap_network = excluded.gap_network, gap_recorder = excluded.gap_recorder, gap_paused = excluded.gap_paused, \
           gap_silence = excluded.gap_silence, gap_undecodable = excluded.gap_undecodable",
};

fn leg_cells(row: &RecordingRow) -> Vec<Cell> {
    let cells = row.legs.iter().flat_map(|l| {
        let t = &l.track;
        [
            Cell::from(row.facts.recording_id.bytes()),
            l.part.into(),
            t.track.into(),
            t.leg.into(),
            t.role.number().into(),
            t.codec.as_str().into(),
            t.clock_hz.into(),
            t.fmtp.as_str().into(),
            t.channels.into(),
            t.joinable.into(),
            t.opaque.into(),
            l.samples.into(),
        ]
        .into_iter()
        .chain(l.gaps.0.map(Cell::from))
    });
    cells.collect()
}

const PARTY: Insert = Insert {
    head: "insert into party (recording_id, place, role, display, number, address) values",
    columns: 6,
    tail: "on conflict (recording_id, place) do update set role = excluded.role, display = excluded.display, \
           number = excluded.number, address = excluded.address",
};

fn party_cells(row: &RecordingRow) -> Vec<Cell> {
    let cells = (0_u8..=u8::MAX).zip(&row.parties).flat_map(|(place, p)| {
        [
            Cell::from(row.facts.recording_id.bytes()),
            place.into(),
            p.role.number().into(),
            p.party.display.as_str().into(),
            p.party.number.as_str().into(),
            p.party.address.as_str().into(),
        ]
    });
    cells.collect()
}

const CALL_LINK: Insert = Insert {
    head: "insert into call_link (recording_id, place, call_id) values",
    columns: 3,
    tail: "on conflict (recording_id, place) do update set call_id = excluded.call_id",
};

fn link_cells(row: &RecordingRow) -> Vec<Cell> {
    let id = row.facts.recording_id.bytes();
    let cells = (0_u8..=u8::MAX).zip(&row.call_ids);
    cells.flat_map(|(place, call)| [Cell::from(id), place.into(), call.as_str().into()]).collect()
}

const EVENT: Insert = Insert {
    head: "insert into event (recording_id, part, place, kind, t_us, track, members) values",
    columns: 7,
    tail: "on conflict (recording_id, part, place) do nothing",
};

fn event_cells(row: &RecordingRow) -> Vec<Cell> {
    let searched = row.events.iter().filter(|e| !SEALED_ONLY.contains(&e.kind.as_str()));
    let cells = (0_u32..).zip(searched).flat_map(|(place, e)| {
        [
            Cell::from(row.facts.recording_id.bytes()),
            row.part.part.into(),
            place.into(),
            e.kind.as_str().into(),
            e.t_us.into(),
            e.track.into(),
            members_json(e).into(),
        ]
    });
    cells.collect()
}

/// Writes the members of an event as a JSON object; octets as `{"octets": "hex"}`.
fn members_json(event: &Event) -> String {
    let object = event.members.iter().map(|(name, value)| {
        let value = match value {
            Value::Int(n) => serde_json::Value::from(*n),
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            Value::Bool(b) => serde_json::Value::from(*b),
            Value::Octets(bytes) => {
                let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
                serde_json::json!({ "octets": hex })
            }
        };
        (name.clone(), value)
    });
    serde_json::Value::Object(object.collect()).to_string()
}

const LEDGER: Insert = Insert {
    head: "insert into ledger (recorder_id, ledger_no, recording_id, reference, day, opened_at_us, ended_at_us, end_class, why, \
           rule, caller, called) values",
    columns: 12,
    tail: "on conflict (recorder_id, ledger_no) do update set \
           ended_at_us = coalesce(excluded.ended_at_us, ledger.ended_at_us), \
           end_class = coalesce(excluded.end_class, ledger.end_class), why = coalesce(excluded.why, ledger.why), \
           rule = coalesce(excluded.rule, ledger.rule), \
           caller = case when excluded.caller = '' then ledger.caller else excluded.caller end, \
           called = case when excluded.called = '' then ledger.called else excluded.called end",
};

fn ledger_cells(row: &LedgerRow) -> Vec<Cell> {
    let numbers = row.ending.map(|e| e.end.numbers());
    vec![
        Cell::from(row.recorder_id.bytes()),
        row.ledger_no.0.into(),
        row.recording_id.bytes().into(),
        row.reference.to_string().into(),
        row.reference.day.yyyymmdd().into(),
        row.opened_at.0.into(),
        row.ending.map(|e| e.at).map(|UtcMicros(us)| us).into(),
        numbers.map(|n| n.0).into(),
        numbers.map(|n| n.1).into(),
        row.ending.and_then(|e| e.rule).into(),
        row.caller.as_str().into(),
        row.called.as_str().into(),
    ]
}

const RUN: Insert = Insert {
    head: "insert into capture_run (run_id, started_at_us, ended_at_us, source, packets, kernel_drops, summary) values",
    columns: 7,
    tail: "on conflict (run_id) do update set ended_at_us = excluded.ended_at_us, packets = excluded.packets, \
           kernel_drops = excluded.kernel_drops, summary = excluded.summary",
};

const SETTING: Insert = Insert {
    head: "insert into setting (name, value) values",
    columns: 2,
    tail: "on conflict (name) do update set value = excluded.value",
};
