//! EVENT: `{1: kind, 2: t_us, 3: track (optional), 4: raw octets (optional), 5: {members by name}}`.

use std::collections::BTreeMap;

use shared::Event;

use crate::cbor::{self, CborError, Members, Value};

pub(crate) fn encode(event: &Event) -> Vec<u8> {
    let members = event.members.iter().map(|(name, value)| (Value::text(name), to_cbor(value))).collect();
    let mut map = Members::default()
        .with(1, Value::text(&event.kind))
        .with(2, Value::int(event.t_us))
        .with(5, Value::Map(members));
    if let Some(track) = event.track {
        map = map.with(3, Value::Uint(track.into()));
    }
    if let Some(raw) = &event.raw {
        map = map.with(4, Value::Bytes(raw.clone()));
    }
    cbor::encode(&map.into_value())
}

/// Decodes an event. Members of a type that this program does not know are left out.
pub(crate) fn decode(plain: &[u8]) -> Result<Event, CborError> {
    let mut map = Members::of(cbor::decode(plain)?).ok_or(CborError::Member(0))?;
    let kind = map.take(1).and_then(|v| v.as_text().map(str::to_owned)).ok_or(CborError::Member(1))?;
    let t_us = map.take(2).and_then(|v| v.as_i64()).ok_or(CborError::Member(2))?;
    let track = match map.take(3) {
        Some(v) => Some(v.as_u64().and_then(|n| u8::try_from(n).ok()).ok_or(CborError::Member(3))?),
        None => None,
    };
    let raw = match map.take(4) {
        Some(v) => Some(v.as_bytes().ok_or(CborError::Member(4))?.to_vec()),
        None => None,
    };
    let mut members = BTreeMap::new();
    if let Some(value) = map.take(5) {
        let Value::Map(pairs) = value else { return Err(CborError::Member(5)) };
        for (name, value) in pairs {
            let name = name.as_text().ok_or(CborError::Member(5))?.to_owned();
            members.extend(from_cbor(value).map(|v| (name, v)));
        }
    }
    Ok(Event { kind, t_us, track, raw, members })
}

fn to_cbor(value: &shared::Value) -> Value {
    match value {
        shared::Value::Int(n) => Value::int(*n),
        shared::Value::Text(t) => Value::text(t),
        shared::Value::Octets(b) => Value::Bytes(b.clone()),
        shared::Value::Bool(b) => Value::Bool(*b),
    }
}

fn from_cbor(value: Value) -> Option<shared::Value> {
    match value {
        Value::Uint(_) | Value::Nint(_) => value.as_i64().map(shared::Value::Int),
        Value::Text(t) => Some(shared::Value::Text(t)),
        Value::Bytes(b) => Some(shared::Value::Octets(b)),
        Value::Bool(b) => Some(shared::Value::Bool(b)),
        Value::Array(_) | Value::Map(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn an_event_comes_back() {
        let mut event = Event::new("digit", -5).text("digit", "5").int("duration_us", 100_000).on_track(3);
        event.raw = Some(b"INFO".to_vec());
        event.members.insert("octets".into(), shared::Value::Octets(vec![1]));
        event.members.insert("on".into(), shared::Value::Bool(true));
        assert_eq!(decode(&encode(&event)).unwrap(), event);
        let bare = Event::new("held", i64::MAX);
        assert_eq!(decode(&encode(&bare)).unwrap(), bare);
    }

    #[test]
    fn an_event_without_kind_or_time_is_refused() {
        for value in
            [Members::default().with(2, Value::Uint(0)), Members::default().with(1, Value::text("x"))]
        {
            assert!(decode(&cbor::encode(&value.into_value())).is_err());
        }
    }
}
