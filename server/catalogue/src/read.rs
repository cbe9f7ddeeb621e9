//! Reading rows back into values. A number that the vocabulary does not know is damage, never a guess.

use std::collections::BTreeMap;

use shared::{
    Day, Direction, Event, GapTotals, LedgerEnd, LedgerNo, LedgerTotals, Method, Party, RecorderId,
    RecordingId, Role, Side, TapId, Track, UtcMicros, Value,
};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};

use crate::bulk::add;
use crate::{
    Catalogue, CatalogueError, Facts, LedgerEnding, LedgerRow, LegRow, PacketCounts, PartRow, PartyRole,
    PartyRow, Recording, Result,
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
}

impl Catalogue {
    /// Returns one recording with its events, if it is known.
    ///
    /// # Errors
    /// The database's.
    pub fn recording(&self, id: RecordingId) -> Result<Option<Recording>> {
        let pool = self.readers.clone();
        self.block(async move {
            let mut reader = pool.acquire().await?;
            let Some(mut recording) = assemble(&mut reader, &[id]).await?.pop() else { return Ok(None) };
            let rows = sqlx::query(
                "select kind, t_us, track, members from event where recording_id = $1 order by part, t_us, place",
            )
            .bind(id.bytes().as_slice())
            .fetch_all(&mut *reader)
            .await?;
            recording.events = rows.iter().map(event).collect::<Result<_>>()?;
            Ok(Some(recording))
        })
    }

    /// Returns the ledger entries opened on `day`, by recorder and number.
    ///
    /// # Errors
    /// The database's.
    pub fn ledger_day(&self, day: Day) -> Result<Vec<LedgerRow>> {
        let pool = self.readers.clone();
        self.block(async move {
            let rows = sqlx::query(
                "select recorder_id, ledger_no, recording_id, reference, opened_at_us, ended_at_us, end_class, why, rule, \
                 caller, called from ledger where day = $1 order by recorder_id, ledger_no",
            )
            .bind(i64::from(day.yyyymmdd()))
            .fetch_all(&pool)
            .await?;
            rows.iter().map(ledger_row).collect()
        })
    }

    /// Returns the account of `day` over all recorders.
    ///
    /// # Errors
    /// The database's.
    pub fn ledger_totals(&self, day: Day) -> Result<LedgerTotals> {
        let pool = self.readers.clone();
        self.block(async move {
            let rows =
                sqlx::query("select coalesce(end_class, 0), count(*) from ledger where day = $1 group by 1")
                    .bind(i64::from(day.yyyymmdd()))
                    .fetch_all(&pool)
                    .await?;
            let mut totals = LedgerTotals::default();
            for row in &rows {
                let n: u64 = number(row, 1, "count")?;
                totals.signalled = totals.signalled.saturating_add(n);
                match row.try_get::<i64, _>(0)? {
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
        let pool = self.readers.clone();
        let first = i64::try_from(first.0).unwrap_or(i64::MAX);
        self.block(async move {
            let text = "select ledger_no from ledger where recorder_id = $1 and ledger_no >= $2 and ended_at_us is not null";
            let rows =
                sqlx::query(text).bind(recorder.bytes().as_slice()).bind(first).fetch_all(&pool).await?;
            rows.iter().map(|row| Ok(LedgerNo(number(row, 0, "ledger_no")?))).collect()
        })
    }

    /// Counts recordings, files, bytes and ledger entries.
    ///
    /// # Errors
    /// The database's.
    pub fn counts(&self) -> Result<Counts> {
        let pool = self.readers.clone();
        self.block(async move {
            let row = sqlx::query(
                "select (select count(*) from recording), (select count(*) from part), \
                 (select coalesce(sum(bytes), 0) from part), (select count(*) from ledger)",
            )
            .fetch_one(&pool)
            .await?;
            Ok(Counts {
                recordings: number(&row, 0, "count")?,
                parts: number(&row, 1, "count")?,
                bytes: number(&row, 2, "bytes")?,
                ledger: number(&row, 3, "count")?,
            })
        })
    }

    /// Returns at most `limit` sealed files in the order of their paths, after `after` (`""`: from the first).
    ///
    /// # Errors
    /// The database's.
    pub fn parts_after(&self, after: &str, limit: u32) -> Result<Vec<PartPlace>> {
        let (pool, after) = (self.readers.clone(), after.to_owned());
        self.block(async move {
            let text = format!(
                "select recording_id, {PART_COLUMNS} from part where path > $1 order by path limit $2"
            );
            let rows =
                sqlx::query(AssertSqlSafe(text)).bind(after).bind(i64::from(limit)).fetch_all(&pool).await?;
            rows.iter()
                .map(|row| Ok(PartPlace { recording_id: RecordingId(id16(row, 0)?), row: part_row(row)? }))
                .collect()
        })
    }

    /// Returns the sealed file that is said to lie at `path`, if there is such a row.
    ///
    /// # Errors
    /// The database's.
    pub fn part_at(&self, path: &str) -> Result<Option<PartPlace>> {
        let (pool, path) = (self.readers.clone(), path.to_owned());
        self.block(async move {
            let text = format!("select recording_id, {PART_COLUMNS} from part where path = $1");
            let row = sqlx::query(AssertSqlSafe(text)).bind(path).fetch_optional(&pool).await?;
            row.map(|row| Ok(PartPlace { recording_id: RecordingId(id16(&row, 0)?), row: part_row(&row)? }))
                .transpose()
        })
    }

    /// Returns a setting, if it was kept.
    ///
    /// # Errors
    /// The database's.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        let (pool, name) = (self.readers.clone(), name.to_owned());
        self.block(async move {
            let row = sqlx::query("select value from setting where name = $1")
                .bind(name)
                .fetch_optional(&pool)
                .await?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        })
    }
}

/// Reads the recordings of `ids` with parties, links, tracks and parts, in the order of `ids`; unknown ones are left out.
pub(crate) async fn assemble(reader: &mut SqliteConnection, ids: &[RecordingId]) -> Result<Vec<Recording>> {
    let mut found: BTreeMap<RecordingId, Recording> = BTreeMap::new();
    for row in select(reader, RECORDINGS, ids).await? {
        let facts = facts(&row)?;
        found.insert(facts.recording_id, empty(facts));
    }
    for row in select(reader, PARTIES, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.parties.push(party_row(&row)?);
        }
    }
    for row in select(reader, LINKS, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.call_ids.push(row.try_get(1)?);
        }
    }
    for row in select(reader, LEGS, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.legs.push(leg_row(&row)?);
        }
    }
    let parts =
        format!("select recording_id, {PART_COLUMNS} from part where recording_id in (?) order by part");
    for row in select(reader, &parts, ids).await? {
        if let Some(recording) = found.get_mut(&RecordingId(id16(&row, 0)?)) {
            recording.parts.push(part_row(&row)?);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

const RECORDINGS: &str = "select recording_id, recorder_id, ledger_no, reference, started_at_us, ended_at_us, day, \
    direction, method, side, tap, tap_name, orphan, end_class, why, end_reason, packets, duplicate, late, reordered \
    from recording where recording_id in (?)";
const PARTIES: &str =
    "select recording_id, role, display, number, address from party where recording_id in (?) order by place";
const LINKS: &str = "select recording_id, call_id from call_link where recording_id in (?) order by place";
const LEGS: &str = "select recording_id, part, track, leg, role, codec, clock_hz, fmtp, channels, joinable, opaque, samples, \
    gap_none, gap_network, gap_recorder, gap_paused, gap_silence, gap_undecodable \
    from leg where recording_id in (?) order by part, track";
const PART_COLUMNS: &str =
    "part, started_at_us, day, ended_at_us, path, bytes, sha256, blake3, flags, frames, signing_key_id";

/// Runs `text`, its `?` replaced by one parameter for each identity.
async fn select(reader: &mut SqliteConnection, text: &str, ids: &[RecordingId]) -> Result<Vec<SqliteRow>> {
    let mut arguments = SqliteArguments::default();
    let mut list = String::new();
    for (n, id) in (1_usize..).zip(ids) {
        add(&mut arguments, id.bytes().into())?;
        list.push_str(if n == 1 { "$" } else { ",$" });
        list.push_str(&n.to_string());
    }
    let text = text.replacen('?', &list, 1);
    Ok(sqlx::query_with(AssertSqlSafe(text), arguments).persistent(false).fetch_all(reader).await?)
}

const fn empty(facts: Facts) -> Recording {
    Recording {
        facts,
        call_ids: Vec::new(),
        parties: Vec::new(),
        legs: Vec::new(),
        events: Vec::new(),
        parts: Vec::new(),
    }
}

fn facts(row: &SqliteRow) -> Result<Facts> {
    Ok(Facts {
        recording_id: RecordingId(id16(row, 0)?),
        recorder_id: RecorderId(id16(row, 1)?),
        ledger_no: LedgerNo(number(row, 2, "ledger_no")?),
        reference: row.try_get::<String, _>(3)?.parse().map_err(|_odd| damaged("reference"))?,
        started_at: UtcMicros(row.try_get(4)?),
        ended_at: UtcMicros(row.try_get(5)?),
        day: day(row, 6)?,
        direction: Direction::from_number(number(row, 7, "direction")?)
            .ok_or_else(|| damaged("direction"))?,
        method: Method::from_number(number(row, 8, "method")?).ok_or_else(|| damaged("method"))?,
        side: Side::from_number(number(row, 9, "side")?).ok_or_else(|| damaged("side"))?,
        tap: TapId(number(row, 10, "tap")?),
        tap_name: row.try_get(11)?,
        orphan: row.try_get::<i64, _>(12)? != 0,
        end: ledger_end(number(row, 13, "end")?, number(row, 14, "why")?)?,
        end_reason: row.try_get(15)?,
        packets: PacketCounts {
            packets: number(row, 16, "packets")?,
            duplicate: number(row, 17, "duplicate")?,
            late: number(row, 18, "late")?,
            reordered: number(row, 19, "reordered")?,
        },
    })
}

fn party_row(row: &SqliteRow) -> Result<PartyRow> {
    let role = PartyRole::from_number(number(row, 1, "role")?);
    let party = Party { display: row.try_get(2)?, number: row.try_get(3)?, address: row.try_get(4)? };
    Ok(PartyRow { role, party })
}

fn leg_row(row: &SqliteRow) -> Result<LegRow> {
    let mut gaps = GapTotals::default();
    for (column, slot) in (12_usize..).zip(&mut gaps.0) {
        *slot = number(row, column, "gap")?;
    }
    let track = Track {
        track: number(row, 2, "track")?,
        leg: number(row, 3, "leg")?,
        role: Role::from_number(number(row, 4, "role")?).ok_or_else(|| damaged("role"))?,
        codec: row.try_get(5)?,
        clock_hz: number(row, 6, "clock_hz")?,
        fmtp: row.try_get(7)?,
        channels: number(row, 8, "channels")?,
        joinable: row.try_get::<i64, _>(9)? != 0,
        opaque: row.try_get::<i64, _>(10)? != 0,
    };
    Ok(LegRow { part: number(row, 1, "part")?, track, samples: number(row, 11, "samples")?, gaps })
}

/// Reads a part whose columns begin behind `recording_id`.
fn part_row(row: &SqliteRow) -> Result<PartRow> {
    Ok(PartRow {
        part: number(row, 1, "part")?,
        started_at: UtcMicros(row.try_get(2)?),
        day: day(row, 3)?,
        ended_at: UtcMicros(row.try_get(4)?),
        path: row.try_get(5)?,
        bytes: number(row, 6, "bytes")?,
        sha256: octets(row, 7, "sha256")?,
        blake3: octets(row, 8, "blake3")?,
        flags: number(row, 9, "flags")?,
        frames: number(row, 10, "frames")?,
        signing_key_id: octets(row, 11, "signing_key_id")?,
    })
}

fn ledger_row(row: &SqliteRow) -> Result<LedgerRow> {
    let ending = match row.try_get::<Option<i64>, _>(5)? {
        None => None,
        Some(at) => {
            let end = ledger_end(number(row, 6, "end")?, number(row, 7, "why")?)?;
            let rule = row
                .try_get::<Option<i64>, _>(8)?
                .map(u32::try_from)
                .transpose()
                .map_err(|_odd| damaged("rule"))?;
            Some(LedgerEnding { end, rule, at: UtcMicros(at) })
        }
    };
    Ok(LedgerRow {
        recorder_id: RecorderId(id16(row, 0)?),
        ledger_no: LedgerNo(number(row, 1, "ledger_no")?),
        recording_id: RecordingId(id16(row, 2)?),
        reference: row.try_get::<String, _>(3)?.parse().map_err(|_odd| damaged("reference"))?,
        opened_at: UtcMicros(row.try_get(4)?),
        ending,
        caller: row.try_get(9)?,
        called: row.try_get(10)?,
    })
}

fn event(row: &SqliteRow) -> Result<Event> {
    let mut event = Event::new(&row.try_get::<String, _>(0)?, row.try_get(1)?);
    let track = row.try_get::<Option<i64>, _>(2)?;
    event.track = track.map(u8::try_from).transpose().map_err(|_odd| damaged("track"))?;
    let members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(row.try_get(3)?).map_err(|_odd| damaged("members"))?;
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

fn day(row: &SqliteRow, column: usize) -> Result<Day> {
    Day::from_yyyymmdd(number(row, column, "day")?).map_err(|_odd| damaged("day"))
}

fn number<T: TryFrom<i64>>(row: &SqliteRow, column: usize, what: &'static str) -> Result<T> {
    T::try_from(row.try_get::<i64, _>(column)?).map_err(|_out_of_range| damaged(what))
}

fn octets<const N: usize>(row: &SqliteRow, column: usize, what: &'static str) -> Result<[u8; N]> {
    row.try_get::<&[u8], _>(column)?.try_into().map_err(|_wrong_length| damaged(what))
}

/// Reads an identity of sixteen bytes.
pub(crate) fn id16(row: &SqliteRow, column: usize) -> Result<[u8; 16]> {
    octets(row, column, "identity")
}

const fn damaged(what: &'static str) -> CatalogueError {
    CatalogueError::Damaged { what }
}
