//! FINAL: what the sealer counted, written once at the end; and INDEX, where to begin reading.

use shared::{GapTotals, UtcMicros};

use crate::cbor::{self, CborError, Members, Value};
use crate::fields::Fields;

/// Sync points in one INDEX frame: exactly as many as fit.
pub(crate) const INDEX_ENTRIES: usize = 8_192;

/// How good a clock was: `{1 source, 2 offset us, 3 uncertainty us}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ClockEvidence {
    /// What disciplined it: [`shared::TimeQuality`] as a number, or a later one.
    pub source: u8,
    /// Offset from the source in microseconds, as far as known.
    pub offset_us: i64,
    /// Bound of the error in microseconds; 0 when unknown.
    pub uncertainty_us: u64,
}

impl ClockEvidence {
    pub(crate) fn to_value(self) -> Value {
        Members::default()
            .with(1, Value::Uint(self.source.into()))
            .with(2, Value::int(self.offset_us))
            .with(3, Value::Uint(self.uncertainty_us))
            .into_value()
    }

    pub(crate) fn of(value: Value) -> Option<Self> {
        let mut map = Members::of(value)?;
        Some(Self {
            source: u8::try_from(map.take(1)?.as_u64()?).ok()?,
            offset_us: map.take(2)?.as_i64()?,
            uncertainty_us: map.take(3)?.as_u64()?,
        })
    }
}

/// What the wire delivered, in packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PacketCounts {
    /// Taken.
    pub packets: u64,
    /// Dropped as copies.
    pub duplicate: u64,
    /// Too late for their place.
    pub late: u64,
    /// Put in order.
    pub reordered: u64,
}

/// What the caller says when a part is closed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FinalInfo {
    /// When the part ended.
    pub end: UtcMicros,
    /// Why, as a word: `bye`, `rtp-idle`, `part-full`, `end-of-input`.
    pub reason: String,
    /// What the wire delivered.
    pub packets: PacketCounts,
    /// How good the clock was at the end.
    pub clock: Option<ClockEvidence>,
}

/// Samples of one track: those present, and those missing by cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TrackTotals {
    /// The track.
    pub track: u8,
    /// Samples that runs stand for.
    pub samples: u64,
    /// Missing samples by the cause that the runs say; `gap_cause` events may correct it later.
    pub gaps: GapTotals,
}

/// The FINAL frame.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FinalTable {
    /// Frames before this one.
    pub frames_before: u32,
    /// Where the INDEX frames begin.
    pub index_offsets: Vec<u64>,
    /// One line per track, in the order of their numbers.
    pub tracks: Vec<TrackTotals>,
    /// What the caller said.
    pub info: FinalInfo,
}

impl FinalTable {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let p = &self.info.packets;
        let packets = Members::default()
            .with(1, Value::Uint(p.packets))
            .with(2, Value::Uint(p.duplicate))
            .with(3, Value::Uint(p.late))
            .with(4, Value::Uint(p.reordered));
        let mut map = Members::default()
            .with(1, Value::Uint(self.frames_before.into()))
            .with(2, Value::Array(self.index_offsets.iter().map(|o| Value::Uint(*o)).collect()))
            .with(3, Value::Array(self.tracks.iter().map(totals_value).collect()))
            .with(4, Value::int(self.info.end.0))
            .with(5, Value::text(&self.info.reason))
            .with(6, packets.into_value());
        if let Some(clock) = self.info.clock {
            map = map.with(7, clock.to_value());
        }
        cbor::encode(&map.into_value())
    }

    pub(crate) fn decode(plain: &[u8]) -> Result<Self, CborError> {
        let mut map = Members::of(cbor::decode(plain)?).ok_or(CborError::Member(0))?;
        let mut member = |key| map.take(key).ok_or(CborError::Member(key));
        let frames_before =
            member(1)?.as_u64().and_then(|n| u32::try_from(n).ok()).ok_or(CborError::Member(1))?;
        let offsets = member(2)?;
        let offsets = offsets.as_array().ok_or(CborError::Member(2))?;
        let index_offsets =
            offsets.iter().map(Value::as_u64).collect::<Option<_>>().ok_or(CborError::Member(2))?;
        let tracks = member(3)?;
        let tracks = tracks.as_array().ok_or(CborError::Member(3))?;
        let tracks = tracks.iter().map(totals_of).collect::<Option<_>>().ok_or(CborError::Member(3))?;
        let end = UtcMicros(member(4)?.as_i64().ok_or(CborError::Member(4))?);
        let reason = member(5)?.as_text().ok_or(CborError::Member(5))?.to_owned();
        let packets = packets_of(member(6)?).ok_or(CborError::Member(6))?;
        let clock = match map.take(7) {
            Some(v) => Some(ClockEvidence::of(v).ok_or(CborError::Member(7))?),
            None => None,
        };
        Ok(Self { frames_before, index_offsets, tracks, info: FinalInfo { end, reason, packets, clock } })
    }
}

/// One sync point: from `offset` on, no frame has a media time below `t_ms`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SyncPoint {
    pub(crate) t_ms: u32,
    pub(crate) offset: u32,
}

pub(crate) fn encode_index(points: &[SyncPoint]) -> Vec<u8> {
    points.iter().flat_map(|p| [p.t_ms.to_le_bytes(), p.offset.to_le_bytes()]).flatten().collect()
}

/// Decodes one INDEX frame; `None` unless it holds whole entries in ascending order.
pub(crate) fn decode_index(plain: &[u8]) -> Option<Vec<SyncPoint>> {
    let mut fields = Fields(plain);
    let mut points: Vec<SyncPoint> = Vec::with_capacity(plain.len() / 8);
    while !fields.0.is_empty() {
        let point = SyncPoint { t_ms: fields.u32()?, offset: fields.u32()? };
        if points.last().is_some_and(|p| p.t_ms > point.t_ms || p.offset >= point.offset) {
            return None;
        }
        points.push(point);
    }
    Some(points)
}

fn totals_value(t: &TrackTotals) -> Value {
    Members::default()
        .with(1, Value::Uint(t.track.into()))
        .with(2, Value::Uint(t.samples))
        .with(3, Value::Array(t.gaps.0.iter().map(|n| Value::Uint(*n)).collect()))
        .into_value()
}

fn totals_of(value: &Value) -> Option<TrackTotals> {
    let mut map = Members::of(value.clone())?;
    let track = u8::try_from(map.take(1)?.as_u64()?).ok()?;
    let samples = map.take(2)?.as_u64()?;
    let gaps: Vec<u64> = map.take(3)?.as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?;
    Some(TrackTotals { track, samples, gaps: GapTotals(gaps.try_into().ok()?) })
}

fn packets_of(value: Value) -> Option<PacketCounts> {
    let mut map = Members::of(value)?;
    let mut n = |key| map.take(key)?.as_u64();
    Some(PacketCounts { packets: n(1)?, duplicate: n(2)?, late: n(3)?, reordered: n(4)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_final_table_comes_back() {
        let table = FinalTable {
            frames_before: 7,
            index_offsets: vec![1_536, 70_000],
            tracks: vec![TrackTotals { track: 1, samples: 8_000, gaps: GapTotals([0, 1, 2, 3, 4, 5]) }],
            info: FinalInfo {
                end: UtcMicros(5),
                reason: "bye".into(),
                packets: PacketCounts { packets: 50, duplicate: 1, late: 2, reordered: 3 },
                clock: Some(ClockEvidence { source: 2, offset_us: -1, uncertainty_us: 5 }),
            },
        };
        assert_eq!(FinalTable::decode(&table.encode()).unwrap(), table);
    }

    #[test]
    fn an_index_out_of_order_is_refused() {
        let point = |t_ms, offset| SyncPoint { t_ms, offset };
        let good = [point(0, 512), point(0, 600), point(900, 700)];
        assert_eq!(decode_index(&encode_index(&good)).unwrap(), good);
        assert!(decode_index(&encode_index(&[point(5, 512), point(4, 600)])).is_none());
        assert!(decode_index(&encode_index(&[point(5, 600), point(6, 600)])).is_none());
        assert!(decode_index(&[0; 7]).is_none());
    }
}
