//! Reading rows back into values. A number that the vocabulary does not know is damage, never a guess.

use std::collections::BTreeMap;

use crate::bulk::Cell;
use crate::sql::{Conn, Row};
use crate::{
    Catalogue, CatalogueError, Facts, Labels, LedgerEnding, LedgerRow, LegRow, PacketCounts, PartRow,
    PartyRole, PartySeen, Recording, Result,
};
use shared::{
    Day, Direction, Event, GapTotals, LedgerEnd, LedgerNo, LedgerTotals, Method, Party, RecorderId,
    RecordingId, Role, Side, TapId, Track, UtcMicros, Value,
};

/// How many rows and bytes there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Recordings.
    pub recordings: u64,
    /// Sealed files.
    pub parts: u64,
    /// Octets of all sealed files.
    pub bytes: u64,
    /// Ledger entries.
    pub ledger: u64,
}

/// Where a sealed file must lie and what it must be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartPlace {
    /// Whose part.
    pub recording_id: RecordingId,
    /// The part.
    pub row: PartRow,
    /// False: it was purged from the live store or destroyed, or is about to be, and need not lie there.
    pub is_live: bool,
}

impl Catalogue {
    /// Returns one recording with its events and labels, if it is known.
    ///
    /// # Errors
    /// The database's.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>> {
        let db = self.db.clone();
        self.block(async move { whole(&mut db.reader().await?, id).await })
    }

    /// Returns the ledger entries opened on `day`, by recorder and number.
    ///
    /// # Errors
    /// The database's.
    pub fn ledger_day(&self, day: Day) -> Result<Vec<LedgerRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select recorder_id, ledger_no, recording_id, reference, opened_at_us, ended_at_us, end_class, why, rule, \
                 caller, called from ledger where day = $1 order by recorder_id, ledger_no";
            let rows = db.reader().await?.rows(text, vec![day.yyyymmdd().into()]).await?;
            rows.iter().map(ledger_row).collect()
        })
    }

    /// Returns one entry of a recorder's ledger, if it is known here.
    ///
    /// # Errors
    /// The database's.
    pub fn ledger_entry(&self, recorder: RecorderId, number: LedgerNo) -> Result<Option<LedgerRow>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select recorder_id, ledger_no, recording_id, reference, opened_at_us, ended_at_us, end_class, why, rule, \
                 caller, called from ledger where recorder_id = $1 and ledger_no = $2";
            let cells = vec![recorder.bytes().into(), number.0.into()];
            db.reader().await?.row(text, cells).await?.as_ref().map(ledger_row).transpose()
        })
    }

    /// Returns the account of `day` over all recorders.
    ///
    /// # Errors
    /// The database's.
    pub fn ledger_totals(&self, day: Day) -> Result<LedgerTotals> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select coalesce(cast(end_class as bigint), 0), count(*) from ledger where day = $1 group by 1";
            let rows = db.reader().await?.rows(text, vec![day.yyyymmdd().into()]).await?;
            let mut totals = LedgerTotals::default();
            for row in &rows {
                let n: u64 = row.number(1, "count")?;
                totals.signalled = totals.signalled.saturating_add(n);
                match row.int(0)? {
                    1 => totals.recorded = n,
                    2 => totals.partly = n,
                    3 => totals.not_recorded = n,
                    _ => totals.open = n,
                }
            }
            Ok(totals)
        })
    }

    /// Returns the numbers, from `first` on, of the ledger entries of `recorder` that have ended here.
    ///
    /// # Errors
    /// The database's.
    pub fn ledger_ended_since(&self, recorder: RecorderId, first: LedgerNo) -> Result<Vec<LedgerNo>> {
        let db = self.db.clone();
        self.block(async move {
            let text = "select ledger_no from ledger where recorder_id = $1 and ledger_no >= $2 and ended_at_us is not null";
            let cells = vec![recorder.bytes().into(), first.0.into()];
            let rows = db.reader().await?.rows(text, cells).await?;
            rows.iter().map(|row| Ok(LedgerNo(row.number(0, "ledger_no")?))).collect()
        })
    }

    /// Counts recordings, files, bytes and ledger entries.
    ///
    /// # Errors
    /// The database's.
    pub fn counts(&self) -> Result<Counts> {
        let db = self.db.clone();
        self.block(async move { counts(&mut db.reader().await?).await })
    }

    /// Returns at most `limit` sealed files in the order of their paths, after `after` (`""`: from the first).
    ///
    /// # Errors
    /// The database's.
    pub fn parts_after(&self, after: &str, limit: u32) -> Result<Vec<PartPlace>> {
        let (db, after) = (self.db.clone(), after.to_owned());
        self.block(async move {
            let text = format!(
                "select recording_id, {PART_COLUMNS}, {GONE} from part where path > $1 order by path limit $2"
            );
            let rows = db.reader().await?.rows_kept(text, vec![after.into(), limit.into()]).await?;
            rows.iter().map(part_place).collect()
        })
    }

    /// Returns the sealed file that is said to lie at `path`, if there is such a row.
    ///
    /// # Errors
    /// The database's.
    pub fn part_at(&self, path: &str) -> Result<Option<PartPlace>> {
        let (db, path) = (self.db.clone(), path.to_owned());
        self.block(async move {
            let text = format!("select recording_id, {PART_COLUMNS}, {GONE} from part where path = $1");
            let rows = db.reader().await?.rows_kept(text, vec![path.into()]).await?;
            rows.first().map(part_place).transpose()
        })
    }

    /// Returns a setting, if it was kept.
    ///
    /// # Errors
    /// The database's.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let (db, name) = (self.db.clone(), name.to_owned());
        self.block(async move {
            let text = "select value from setting where name = $1";
            db.reader().await?.row(text, vec![name.into()]).await?.map(|row| row.text(0)).transpose()
        })
    }
}

/// Reads one recording with its events and labels.
pub(crate) async fn whole(conn: &mut Conn, id: RecordingId) -> Result<Option<Recording>> {
    let Some(mut recording) = assemble(conn, &[id]).await?.pop() else { return Ok(None) };
    let text = "select kind, t_us, track, members, part from event where recording_id = $1 order by part, t_us, place";
    let rows = conn.rows(text, vec![id.bytes().into()]).await?;
    let mut events = rows.iter().map(event).collect::<Result<Vec<_>>>()?;
    for (row, event) in rows.iter().zip(&mut events) {
        // A row counts from the start of its part, as the sealed file does.
        let number = row.int(4)?;
        let part = recording.parts.iter().find(|part| i64::from(part.part) == number);
        let began = part.map_or(0, |part| part.started_at.since(recording.facts.started_at));
        event.t_us = event.t_us.saturating_add(began);
    }
    recording.events = events;
    Ok(Some(recording))
}

/// Reads the recordings of `ids` with parties, links, tracks and parts, in the order of `ids`; unknown ones are left out.
pub(crate) async fn assemble(conn: &mut Conn, ids: &[RecordingId]) -> Result<Vec<Recording>> {
    let mut found: BTreeMap<RecordingId, Recording> = BTreeMap::new();
    for row in select(conn, RECORDINGS, ids).await? {
        let facts = facts(&row)?;
        let labels = Labels {
            external_reference: row.text(20)?,
            subject: row.text(21)?,
            comment: row.text(22)?,
            ..Labels::default()
        };
        found.insert(facts.recording_id, empty(facts, labels));
    }
    for row in select(conn, PARTIES, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.parties.push(party_seen(&row)?);
        }
    }
    crate::labels::read(conn, ids, &mut found).await?;
    for row in select(conn, LINKS, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.call_ids.push(row.text(1)?);
        }
    }
    for row in select(conn, LEGS, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.legs.push(leg_row(&row)?);
        }
    }
    let parts =
        format!("select recording_id, {PART_COLUMNS} from part where recording_id in (?) order by part");
    for row in select(conn, &parts, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.parts.push(part_row(&row)?);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Reads the sealed files of a recording in order.
pub(crate) async fn part_rows(conn: &mut Conn, id: RecordingId) -> Result<Vec<PartRow>> {
    let text = format!("select recording_id, {PART_COLUMNS} from part where recording_id = $1 order by part");
    conn.rows_kept(text, vec![id.bytes().into()]).await?.iter().map(part_row).collect()
}

const RECORDINGS: &str = "select recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, \
    direction, method, side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered, \
    external_reference, subject, comment from recording where recording_id in (?)";
const PARTIES: &str = "select recording_id, role, display, number, address, extension from party where recording_id in (?) order by place";
const LINKS: &str = "select recording_id, call_id from call_link where recording_id in (?) order by place";
const LEGS: &str = "select recording_id, part, track, leg, role, codec, clock_hz, fmtp, channels, joinable, opaque, samples, \
    gap_none, gap_network, gap_recorder, gap_paused, gap_silence, gap_undecodable \
    from leg where recording_id in (?) order by part, track";
const GONE: &str = "(select count(*) from purge u where u.recording_id = part.recording_id and u.state > 1) \
    + (select count(*) from shredded d where d.recording_id = part.recording_id)";
const PART_COLUMNS: &str =
    "part, started_at_us, day, ended_at_us, path, bytes, sha256, blake3, flags, frames, signing_key_id";

/// Runs `text`, its `?` replaced by one parameter for each identity.
pub(crate) async fn select(conn: &mut Conn, text: &str, ids: &[RecordingId]) -> Result<Vec<Row>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let cells = ids.iter().map(|id| Cell::from(id.bytes())).collect();
    conn.rows_kept(text.replacen('?', &list.join(","), 1), cells).await
}

const fn empty(facts: Facts, labels: Labels) -> Recording {
    Recording {
        facts,
        labels,
        call_ids: Vec::new(),
        parties: Vec::new(),
        legs: Vec::new(),
        events: Vec::new(),
        parts: Vec::new(),
    }
}

/// Reads what there is one of from the first twenty columns of [`RECORDINGS`].
pub(crate) fn facts(row: &Row) -> Result<Facts> {
    Ok(Facts {
        recording_id: RecordingId(id16(row, 0)?),
        recorder_id: RecorderId(id16(row, 1)?),
        ledger_no: LedgerNo(row.number(2, "ledger_no")?),
        reference: row.text(3)?.parse().map_err(|_odd| damaged("reference"))?,
        started_at: UtcMicros(row.int(4)?),
        ended_at: UtcMicros(row.int(5)?),
        day: day(row, 6)?,
        direction: Direction::from_number(row.number(7, "direction")?).ok_or_else(|| damaged("direction"))?,
        method: Method::from_number(row.number(8, "method")?).ok_or_else(|| damaged("method"))?,
        side: Side::from_number(row.number(9, "side")?).ok_or_else(|| damaged("side"))?,
        tap: TapId(row.number(10, "tap")?),
        tap_name: row.text(11)?,
        orphan: row.int(12)? != 0,
        end: ledger_end(row.number(13, "end")?, row.number(14, "why")?)?,
        end_reason: row.text(15)?,
        packets: PacketCounts {
            packets: row.number(16, "packets")?,
            duplicate: row.number(17, "duplicate")?,
            late: row.number(18, "late")?,
            reordered: row.number(19, "reordered")?,
        },
    })
}

fn party_seen(row: &Row) -> Result<PartySeen> {
    let role = PartyRole::from_number(row.number(1, "role")?);
    let party = Party { display: row.text(2)?, number: row.text(3)?, address: row.text(4)? };
    Ok(PartySeen { role, party, extension: row.text(5)? })
}

pub(crate) async fn counts(conn: &mut Conn) -> Result<Counts> {
    let text = "select (select count(*) from recording), (select count(*) from part), \
                (select cast(coalesce(sum(bytes), 0) as bigint) from part), (select count(*) from ledger)";
    let row = conn.row(text, vec![]).await?.ok_or_else(|| damaged("counts"))?;
    Ok(Counts {
        recordings: row.number(0, "count")?,
        parts: row.number(1, "count")?,
        bytes: row.number(2, "bytes")?,
        ledger: row.number(3, "count")?,
    })
}

fn leg_row(row: &Row) -> Result<LegRow> {
    let mut gaps = GapTotals::default();
    for (column, slot) in (12_usize..).zip(&mut gaps.0) {
        *slot = row.number(column, "gap")?;
    }
    let track = Track {
        track: row.number(2, "track")?,
        leg: row.number(3, "leg")?,
        role: Role::from_number(row.number(4, "role")?).ok_or_else(|| damaged("role"))?,
        codec: row.text(5)?,
        clock_hz: row.number(6, "clock_hz")?,
        fmtp: row.text(7)?,
        channels: row.number(8, "channels")?,
        joinable: row.int(9)? != 0,
        opaque: row.int(10)? != 0,
    };
    Ok(LegRow { part: row.number(1, "part")?, track, samples: row.number(11, "samples")?, gaps })
}

/// Reads a part whose columns begin behind `recording_id`.
fn part_row(row: &Row) -> Result<PartRow> {
    Ok(PartRow {
        part: row.number(1, "part")?,
        started_at: UtcMicros(row.int(2)?),
        day: day(row, 3)?,
        ended_at: UtcMicros(row.int(4)?),
        path: row.text(5)?,
        bytes: row.number(6, "bytes")?,
        sha256: row.octets(7, "sha256")?,
        blake3: row.octets(8, "blake3")?,
        flags: row.number(9, "flags")?,
        frames: row.number(10, "frames")?,
        signing_key_id: row.octets(11, "signing_key_id")?,
    })
}

fn part_place(row: &Row) -> Result<PartPlace> {
    let is_live = row.int(12)? == 0;
    Ok(PartPlace { recording_id: RecordingId(id16(row, 0)?), row: part_row(row)?, is_live })
}

fn ledger_row(row: &Row) -> Result<LedgerRow> {
    let ending = match row.int_or_none(5)? {
        None => None,
        Some(at) => {
            let end = ledger_end(row.number(6, "end")?, row.number(7, "why")?)?;
            let rule = row.int_or_none(8)?.map(u32::try_from).transpose().map_err(|_odd| damaged("rule"))?;
            Some(LedgerEnding { end, rule, at: UtcMicros(at) })
        }
    };
    Ok(LedgerRow {
        recorder_id: RecorderId(id16(row, 0)?),
        ledger_no: LedgerNo(row.number(1, "ledger_no")?),
        recording_id: RecordingId(id16(row, 2)?),
        reference: row.text(3)?.parse().map_err(|_odd| damaged("reference"))?,
        opened_at: UtcMicros(row.int(4)?),
        ending,
        caller: row.text(9)?,
        called: row.text(10)?,
    })
}

fn event(row: &Row) -> Result<Event> {
    let mut event = Event::new(&row.text(0)?, row.int(1)?);
    let track = row.int_or_none(2)?;
    event.track = track.map(u8::try_from).transpose().map_err(|_odd| damaged("track"))?;
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&row.text(3)?).map_err(|_odd| damaged("members"))?;
    for (name, value) in members {
        event.members.insert(name, member(&value)?);
    }
    Ok(event)
}

fn member(value: &serde_json::Value) -> Result<Value> {
    if let Some(text) = value.as_str() {
        return Ok(Value::Text(text.to_owned()));
    }
    if let Some(n) = value.as_i64() {
        return Ok(Value::Int(n));
    }
    if let Some(yes) = value.as_bool() {
        return Ok(Value::Bool(yes));
    }
    let hex = value.get("octets").and_then(serde_json::Value::as_str).ok_or_else(|| damaged("members"))?;
    let pair = |at: usize| hex.get(at..at.saturating_add(2)).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
    bytes.map(Value::Octets).ok_or_else(|| damaged("members"))
}

fn ledger_end(class: u8, why: u8) -> Result<LedgerEnd> {
    LedgerEnd::from_numbers(class, why).ok_or_else(|| damaged("end"))
}

fn day(row: &Row, column: usize) -> Result<Day> {
    Day::from_yyyymmdd(row.number(column, "day")?).map_err(|_odd| damaged("day"))
}

/// Reads an identity of sixteen bytes.
pub(crate) fn id16(row: &Row, column: usize) -> Result<[u8; 16]> {
    row.octets(column, "identity")
}

pub(crate) const fn damaged(what: &'static str) -> CatalogueError {
    CatalogueError::Damaged { what }
}
