//! What changes the catalogue: batches of rows, each batch one transaction.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use shared::{Event, UtcMicros, Value};

use crate::bulk::{Cell, Insert};
use crate::early;
use crate::index::{self, Known, PARTIES_MAX, Strip, Who};
use crate::listed::{DRAWN_COLUMNS, Drawn, redraw};
use crate::logged;
use crate::rows::is_gap;
use crate::sql::Conn;
use crate::{CaptureRun, Catalogue, LedgerRow, RecordingRow, Result, met};

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
        let (db, known) = (self.db.clone(), self.known.clone());
        self.block(async move {
            let mut conn = db.writer().await?;
            let mut heard = std::mem::take(&mut *held(&known));
            conn.begin().await?;
            let done = enter(&mut conn, &mut heard, &rows, &ledger).await;
            conn.end(done).await?;
            *held(&known) = heard; // only what was committed is known
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
            Cell::int_or_none(run.ended_at.map(|at| at.0)),
            run.source.as_str().into(),
            run.packets.into(),
            run.kernel_drops.into(),
            run.summary.as_str().into(),
        ];
        let db = self.db.clone();
        self.block(async move { RUN.run(&mut db.writer().await?, cells).await })
    }

    /// Keeps a setting under `name`, in place of an earlier one.
    ///
    /// # Errors
    /// The database's.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        let cells = vec![Cell::from(name), Cell::from(value)];
        let db = self.db.clone();
        self.block(async move { SETTING.run(&mut db.writer().await?, cells).await })
    }
}

/// Locks, whatever another thread died of: the map holds only what was committed.
fn held(known: &std::sync::Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn enter(
    conn: &mut Conn,
    known: &mut Known,
    rows: &[RecordingRow],
    ledger: &[LedgerRow],
) -> Result<()> {
    enter_recordings(conn, known, rows).await?;
    enter_ledger(conn, ledger).await
}

/// Enters ledger rows or brings them up to date; an end once entered stays unless a new one is given.
pub(crate) async fn enter_ledger(conn: &mut Conn, rows: &[LedgerRow]) -> Result<()> {
    LEDGER.run(conn, rows.iter().flat_map(ledger_cells).collect()).await
}

async fn enter_recordings(conn: &mut Conn, known: &mut Known, rows: &[RecordingRow]) -> Result<()> {
    let there = there_already(conn, rows).await?;
    let mut first = BTreeSet::new();
    let (new, again): (Vec<&RecordingRow>, Vec<&RecordingRow>) = rows.iter().partition(|row| {
        let id = row.facts.recording_id.bytes();
        !there.contains(id) && first.insert(*id)
    });
    let parties: Vec<Vec<Who>> = rows_who(&new);
    let flat: Vec<Who> = parties.iter().flatten().cloned().collect();
    let mut ids = index::who_ids(conn, known, &flat).await?.into_iter();
    let mut strips = Vec::with_capacity(new.len());
    let starts: Vec<_> =
        new.iter().map(|row| (row.facts.started_at.0, *row.facts.recording_id.bytes())).collect();
    let places = index::free_places(conn, &starts).await?;
    for ((row, parties), order_key) in new.iter().zip(&parties).zip(places) {
        let f = &row.facts;
        let who = ids.by_ref().take(parties.len()).collect();
        let facet = index::facet_of(&f.tap_name, f.method, f.side, f.direction);
        let facet = index::facet_id(conn, known, &facet).await?;
        let length_us = u64::try_from(f.ended_at.since(f.started_at)).unwrap_or(0);
        strips.push(Strip { order_key, facet, length_us, has_gap: has_gap(row), held: false, who });
    }
    let mut cells = Vec::with_capacity(new.len().saturating_mul(RECORDING.columns));
    for (row, strip) in new.iter().zip(&strips) {
        cells.extend(recording_cells(row, strip));
        cells.extend(Drawn::new(row).cells(conn)?);
    }
    RECORDING.run(conn, cells).await?;
    PARTY
        .run(conn, new.iter().zip(&strips).flat_map(|(row, strip)| party_cells(row, &strip.who)).collect())
        .await?;
    enter_details(conn, &new, false).await?;
    index::enter_postings(conn, strips.iter().flat_map(Strip::postings).collect()).await?;
    met::enter(conn, &strips).await?;
    for row in again {
        enter_again(conn, known, row).await?;
    }
    early::become_notes(conn, rows).await
}

/// What hangs on a recording and is the same whether it is new or entered again.
async fn enter_details(conn: &mut Conn, rows: &[&RecordingRow], again: bool) -> Result<()> {
    let each = |cells: fn(&RecordingRow) -> Vec<Cell>| rows.iter().copied().flat_map(cells).collect();
    PART.run(conn, each(part_cells)).await?;
    LEG.run(conn, each(leg_cells)).await?;
    CALL_LINK.run(conn, each(link_cells)).await?;
    EVENT.run(conn, each(event_cells)).await?;
    logged::enter(conn, rows, again).await
}

/// Which of the recordings the catalogue knows.
async fn there_already(conn: &mut Conn, rows: &[RecordingRow]) -> Result<BTreeSet<[u8; 16]>> {
    let mut there = BTreeSet::new();
    for chunk in rows.chunks(16) {
        let stride = if chunk.len() == 1 { 1 } else { 16 };
        let list: Vec<String> = (1..=stride).map(|n| format!("${n}")).collect();
        let last = chunk.last().into_iter().cycle();
        let ids = chunk.iter().chain(last).take(stride).map(|row| Cell::from(row.facts.recording_id.bytes()));
        let text = format!("select recording_id from recording where recording_id in ({})", list.join(","));
        for row in conn.rows_kept(text, ids.collect()).await? {
            there.insert(row.octets(0, "identity")?);
        }
    }
    Ok(there)
}

fn rows_who(rows: &[&RecordingRow]) -> Vec<Vec<Who>> {
    rows.iter().map(|row| who_of(row)).collect()
}

fn who_of(row: &RecordingRow) -> Vec<Who> {
    let at = |p: &crate::PartyRow| index::extension(row.facts.direction, p.role, &p.party.number);
    let who = |p: &crate::PartyRow| (p.party.number.clone(), at(p), p.party.display.clone());
    row.parties.iter().take(PARTIES_MAX).map(who).collect()
}

fn has_gap(row: &RecordingRow) -> bool {
    row.legs.iter().any(|leg| is_gap(&leg.gaps))
}

/// Enters another part of a recording, or the same part again: the earliest start and the latest end win.
async fn enter_again(conn: &mut Conn, known: &mut Known, row: &RecordingRow) -> Result<()> {
    let f = &row.facts;
    let id = f.recording_id.bytes();
    let text = "select order_key, length_us, has_gap, held, facet_id, started_at_us, ended_at_us, tap_name, method, side, \
                direction from recording where recording_id = $1";
    let Some(was) = conn.row(text, vec![Cell::from(id)]).await? else { return Ok(()) };
    let old = Strip {
        order_key: was.int(0)?,
        length_us: was.number(1, "length")?,
        has_gap: was.int(2)? != 0,
        held: was.int(3)? != 0,
        facet: was.int(4)?,
        who: who_of_recording(conn, id).await?,
    };
    let who = index::who_ids(conn, known, &who_of(row)).await?;
    PARTY.run(conn, party_cells(row, &who)).await?;
    enter_details(conn, &[row], true).await?;

    let (started, ended) = (was.int(5)?.min(f.started_at.0), was.int(6)?);
    let newer = f.ended_at.0 >= ended;
    let direction = if newer { f.direction.number() } else { was.number(10, "direction")? };
    let facet = (was.text(7)?, was.number(8, "method")?, was.number(9, "side")?, direction);
    let ended = ended.max(f.ended_at.0);
    let earlier = started < was.int(5)?;
    let moved = if earlier { index::free_places(conn, &[(started, *id)]).await?.pop() } else { None };
    let new = Strip {
        order_key: moved.unwrap_or(old.order_key),
        length_us: u64::try_from(ended.saturating_sub(started)).unwrap_or(0),
        has_gap: old.has_gap || has_gap(row),
        held: old.held,
        facet: index::facet_id(conn, known, &facet).await?,
        who: who_of_recording(conn, id).await?,
    };
    if newer {
        conn.run(ENDED, ended_cells(row)).await?;
    }
    let (a, b, more) = new.parties();
    let cells = vec![
        Cell::Int(started),
        new.order_key.into(),
        new.length_us.into(),
        new.has_gap.into(),
        new.facet.into(),
        a.into(),
        b.into(),
        more.into(),
        Cell::from(id),
    ];
    conn.run(
        "update recording set started_at_us = $1, order_key = $2, length_us = $3, has_gap = $4, facet_id = $5, who_a = $6, \
         who_b = $7, more_parties = $8 where recording_id = $9",
        cells,
    )
    .await?;
    redraw(conn, &[f.recording_id]).await?;
    let labels = labels_of(conn, old.order_key).await?;
    if new.order_key != old.order_key {
        let keys = vec![new.order_key.into(), old.order_key.into()];
        conn.run("update labelled set order_key = $1 where order_key = $2", keys).await?;
    }
    index::move_postings(conn, &old, &new, &labels).await?;
    met::enter(conn, &[new]).await
}

async fn who_of_recording(conn: &mut Conn, id: &[u8; 16]) -> Result<Vec<i64>> {
    let text = "select who_id from party where recording_id = $1 order by place";
    conn.rows(text, vec![Cell::from(id)]).await?.iter().map(|row| row.int(0)).collect()
}

/// Returns the terms that people's labels made for the recording at this place.
pub(crate) async fn labels_of(conn: &mut Conn, order_key: i64) -> Result<BTreeSet<i64>> {
    let text = "select term from labelled where order_key = $1";
    conn.rows(text, vec![order_key.into()]).await?.iter().map(|row| row.int(0)).collect()
}

const RECORDING: Insert = Insert {
    head: "insert into recording (recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, \
           direction, method, side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, \
           order_key, length_us, has_gap, facet_id, who_a, who_b, more_parties, parties, tracks, tags, flags) values",
    columns: 27 + DRAWN_COLUMNS,
    tail: "",
};

/// All columns but those of [`Drawn::cells`], which come behind them.
fn recording_cells(row: &RecordingRow, strip: &Strip) -> Vec<Cell> {
    let f = &row.facts;
    let (class, why) = f.end.numbers();
    let (a, b, more) = strip.parties();
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
        strip.order_key.into(),
        strip.length_us.into(),
        strip.has_gap.into(),
        strip.facet.into(),
        a.into(),
        b.into(),
        more.into(),
    ]
}

/// A later part knows the end better.
const ENDED: &str = "update recording set ended_at_us = $1, end_class = $2, why = $3, end_reason = $4, packets = $5, \
    duplicate = $6, late = $7, reordered = $8, direction = $9 where recording_id = $10";

fn ended_cells(row: &RecordingRow) -> Vec<Cell> {
    let f = &row.facts;
    let (class, why) = f.end.numbers();
    vec![
        Cell::from(f.ended_at.0),
        class.into(),
        why.into(),
        f.end_reason.as_str().into(),
        f.packets.packets.into(),
        f.packets.duplicate.into(),
        f.packets.late.into(),
        f.packets.reordered.into(),
        f.direction.number().into(),
        f.recording_id.bytes().into(),
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
    head: "insert into party (recording_id, place, role, display, number, address, extension, who_id) values",
    columns: 8,
    tail: "on conflict (recording_id, place) do update set role = excluded.role, display = excluded.display, \
           number = excluded.number, address = excluded.address, extension = excluded.extension, who_id = excluded.who_id",
};

fn party_cells(row: &RecordingRow, who: &[i64]) -> Vec<Cell> {
    let cells = (0_u8..=u8::MAX).zip(&row.parties).zip(who).flat_map(|((place, p), who)| {
        [
            Cell::from(row.facts.recording_id.bytes()),
            place.into(),
            p.role.number().into(),
            p.party.display.as_str().into(),
            p.party.number.as_str().into(),
            p.party.address.as_str().into(),
            index::extension(row.facts.direction, p.role, &p.party.number).into(),
            (*who).into(),
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
    let searched = row.events.iter().filter(|e| !e.is_sealed_only());
    let cells = (0_u32..).zip(searched).flat_map(|(place, e)| {
        [
            Cell::from(row.facts.recording_id.bytes()),
            row.part.part.into(),
            place.into(),
            e.kind.as_str().into(),
            e.t_us.into(),
            Cell::int_or_none(e.track),
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
        Cell::int_or_none(row.ending.map(|e| e.at).map(|UtcMicros(us)| us)),
        Cell::int_or_none(numbers.map(|n| n.0)),
        Cell::int_or_none(numbers.map(|n| n.1)),
        Cell::int_or_none(row.ending.and_then(|e| e.rule)),
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
