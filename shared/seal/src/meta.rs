//! META: who spoke with whom, on which tracks, by what means. Everything that must not be seen without the key.
//!
//! | key | member |
//! |---|---|
//! | 1 | schema, 1 |
//! | 2 | tracks: `{1 track, 2 leg, 3 role, 4 codec, 5 clock_hz, 6 fmtp, 7 channels, 8 joinable, 9 opaque}` |
//! | 3 | call ids, a list of text |
//! | 4 | parties: `{1 role in the call (0 caller, 1 called, 2 other), 2 display, 3 number, 4 address}` |
//! | 5 | direction: 0 unknown, 1 in, 2 out, 3 internal |
//! | 6 | tap: `{1 name, 2 number}` |
//! | 7 | side: 0 trunk, 1 extension |
//! | 8 | hash of the software build, octets |
//! | 9 | clock evidence: `{1 source, 2 offset us, 3 uncertainty us}` |
//! | 10 | method: 0 voip, 1 isdn, 2 analogue, 3 digital, 4 radio |
//! | 11 | number of the ledger entry |
//! | 12 | reference shown to people |
//!
//! The first META has all keys; later ones add tracks and replace 3 to 6, the last wins. Unknown keys are kept.

use shared::{Direction, LedgerNo, Method, Party, Role, Side, TapId, Track};

use crate::cbor::{self, CborError, Members, Value};
use crate::final_table::ClockEvidence;

/// What a party is in its call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum PartyRole {
    /// Who called.
    #[default]
    Caller = 0,
    /// Who was called.
    Called = 1,
    /// Anybody else, such as a transfer's target.
    Other = 2,
}

/// Where we listened.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tap {
    /// Its name in the configuration.
    pub name: String,
    /// Its number in the configuration.
    pub number: TapId,
}

/// The details of a call or transmission.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Meta {
    /// All tracks declared so far.
    pub tracks: Vec<Track>,
    /// Keys that tie this recording to others of the same call.
    pub call_ids: Vec<String>,
    /// Who took part.
    pub parties: Vec<(PartyRole, Party)>,
    /// Which way the call went.
    pub direction: Direction,
    /// Where we listened.
    pub tap: Tap,
    /// On which side of the exchange.
    pub side: Side,
    /// Hash of the program that sealed; empty when unknown.
    pub build: Vec<u8>,
    /// How good the clock was at the start.
    pub clock: Option<ClockEvidence>,
    /// How the media reached us.
    pub method: Method,
    /// Number of the ledger entry; 0 when there is none.
    pub ledger_no: LedgerNo,
    /// Reference shown to people, `A261122-000002`; empty when there is none.
    pub reference: String,
    /// Members of a later schema, kept as they came.
    pub unknown: Members,
}

impl Meta {
    /// Encodes the first META of a part.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut map = self.changing(&self.tracks);
        map.0.extend(self.unknown.0.iter().map(|(k, v)| (*k, v.clone())));
        let map = map
            .with(7, Value::Uint(self.side.number().into()))
            .with(8, Value::Bytes(self.build.clone()))
            .with(10, Value::Uint(self.method.number().into()))
            .with(11, Value::Uint(self.ledger_no.0))
            .with(12, Value::text(&self.reference));
        let map = match self.clock {
            Some(clock) => map.with(9, clock.to_value()),
            None => map,
        };
        cbor::encode(&map.into_value())
    }

    /// Encodes a later META: new tracks, and the members that may change.
    #[must_use]
    pub fn encode_update(&self, new_tracks: &[Track]) -> Vec<u8> {
        cbor::encode(&self.changing(new_tracks).into_value())
    }

    /// Merges the next META of a part into what the earlier ones said.
    ///
    /// # Errors
    /// Bytes that are no META, or a track that is declared again with other properties.
    pub fn merge(&mut self, plain: &[u8]) -> Result<(), CborError> {
        let mut map = Members::of(cbor::decode(plain)?).ok_or(CborError::Member(0))?;
        if map.take(1).and_then(|v| v.as_u64()) != Some(1) {
            return Err(CborError::Member(1));
        }
        if let Some(list) = map.take(2) {
            for value in list.as_array().ok_or(CborError::Member(2))? {
                self.add_track(track_of(value).ok_or(CborError::Member(2))?)?;
            }
        }
        self.merge_changing(&mut map)?;
        self.merge_fixed(&mut map)?;
        self.unknown.0.append(&mut map.0);
        Ok(())
    }

    fn add_track(&mut self, track: Track) -> Result<(), CborError> {
        match self.tracks.iter().find(|t| t.track == track.track) {
            Some(known) if *known == track => Ok(()),
            Some(_) => Err(CborError::Member(2)),
            None => {
                self.tracks.push(track);
                Ok(())
            }
        }
    }

    fn merge_changing(&mut self, map: &mut Members) -> Result<(), CborError> {
        if let Some(v) = map.take(3) {
            self.call_ids = texts(&v).ok_or(CborError::Member(3))?;
        }
        if let Some(v) = map.take(4) {
            let list = v.as_array().ok_or(CborError::Member(4))?;
            self.parties = list.iter().map(party_of).collect::<Option<_>>().ok_or(CborError::Member(4))?;
        }
        if let Some(v) = map.take(5) {
            self.direction = small(&v).and_then(Direction::from_number).ok_or(CborError::Member(5))?;
        }
        if let Some(v) = map.take(6) {
            self.tap = tap_of(v).ok_or(CborError::Member(6))?;
        }
        Ok(())
    }

    fn merge_fixed(&mut self, map: &mut Members) -> Result<(), CborError> {
        if let Some(v) = map.take(7) {
            self.side = small(&v).and_then(Side::from_number).ok_or(CborError::Member(7))?;
        }
        if let Some(v) = map.take(8) {
            self.build = v.as_bytes().ok_or(CborError::Member(8))?.to_vec();
        }
        if let Some(v) = map.take(9) {
            self.clock = Some(ClockEvidence::of(v).ok_or(CborError::Member(9))?);
        }
        if let Some(v) = map.take(10) {
            self.method = small(&v).and_then(Method::from_number).ok_or(CborError::Member(10))?;
        }
        if let Some(v) = map.take(11) {
            self.ledger_no = LedgerNo(v.as_u64().ok_or(CborError::Member(11))?);
        }
        if let Some(v) = map.take(12) {
            v.as_text().ok_or(CborError::Member(12))?.clone_into(&mut self.reference);
        }
        Ok(())
    }

    /// Schema, tracks and the members that a later META may replace.
    fn changing(&self, tracks: &[Track]) -> Members {
        Members::default()
            .with(1, Value::Uint(1))
            .with(2, Value::Array(tracks.iter().map(track_value).collect()))
            .with(3, Value::Array(self.call_ids.iter().map(|t| Value::text(t)).collect()))
            .with(4, Value::Array(self.parties.iter().map(party_value).collect()))
            .with(5, Value::Uint(self.direction.number().into()))
            .with(6, tap_value(&self.tap))
    }
}

fn tap_value(tap: &Tap) -> Value {
    Members::default().with(1, Value::text(&tap.name)).with(2, Value::Uint(tap.number.0.into())).into_value()
}

fn tap_of(value: Value) -> Option<Tap> {
    let mut map = Members::of(value)?;
    let name = map.take(1)?.as_text()?.to_owned();
    let number = TapId(u16::try_from(map.take(2)?.as_u64()?).ok()?);
    Some(Tap { name, number })
}

fn track_value(t: &Track) -> Value {
    Members::default()
        .with(1, Value::Uint(t.track.into()))
        .with(2, Value::Uint(t.leg.into()))
        .with(3, Value::Uint(t.role.number().into()))
        .with(4, Value::text(&t.codec))
        .with(5, Value::Uint(t.clock_hz.into()))
        .with(6, Value::text(&t.fmtp))
        .with(7, Value::Uint(t.channels.into()))
        .with(8, Value::Bool(t.joinable))
        .with(9, Value::Bool(t.opaque))
        .into_value()
}

fn track_of(value: &Value) -> Option<Track> {
    let mut map = Members::of(value.clone())?;
    Some(Track {
        track: small(&map.take(1)?).filter(|n| *n != crate::frame::NO_TRACK)?,
        leg: small(&map.take(2)?)?,
        role: Role::from_number(small(&map.take(3)?)?)?,
        codec: map.take(4)?.as_text()?.to_owned(),
        clock_hz: u32::try_from(map.take(5)?.as_u64()?).ok().filter(|hz| *hz > 0)?,
        fmtp: map.take(6)?.as_text()?.to_owned(),
        channels: small(&map.take(7)?)?,
        joinable: map.take(8)?.as_bool()?,
        opaque: map.take(9)?.as_bool()?,
    })
}

fn party_value((role, party): &(PartyRole, Party)) -> Value {
    Members::default()
        .with(1, Value::Uint(u64::from(*role as u8)))
        .with(2, Value::text(&party.display))
        .with(3, Value::text(&party.number))
        .with(4, Value::text(&party.address))
        .into_value()
}

fn party_of(value: &Value) -> Option<(PartyRole, Party)> {
    let mut map = Members::of(value.clone())?;
    let role = match map.take(1)?.as_u64()? {
        0 => PartyRole::Caller,
        1 => PartyRole::Called,
        _ => PartyRole::Other,
    };
    let mut text = |key| Some(map.take(key)?.as_text()?.to_owned());
    Some((role, Party { display: text(2)?, number: text(3)?, address: text(4)? }))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|v| v.as_text().map(str::to_owned)).collect()
}

fn small(value: &Value) -> Option<u8> {
    u8::try_from(value.as_u64()?).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    pub(crate) fn track(number: u8, codec: &str, clock_hz: u32) -> Track {
        let joinable = matches!(codec, "PCMU" | "PCMA" | "G722" | "L16");
        let (leg, role) = (number % 2, if number.is_multiple_of(2) { Role::Near } else { Role::Far });
        Track {
            track: number,
            leg,
            role,
            codec: codec.to_owned(),
            clock_hz,
            channels: 1,
            joinable,
            ..Track::default()
        }
    }

    fn meta() -> Meta {
        let alice =
            Party { display: "Alice".into(), number: "3115".into(), address: "sip:3115@10.0.0.5".into() };
        Meta {
            tracks: vec![track(0, "PCMA", 8_000), track(1, "opus", 48_000)],
            call_ids: vec!["a@b".into()],
            parties: vec![(PartyRole::Caller, alice), (PartyRole::Called, Party::default())],
            direction: Direction::In,
            tap: Tap { name: "trunk".into(), number: TapId(7) },
            side: Side::Extension,
            build: vec![1, 2, 3],
            clock: Some(ClockEvidence { source: 1, offset_us: -12, uncertainty_us: 900 }),
            method: Method::Isdn,
            ledger_no: LedgerNo(2),
            reference: "A261122-000002".into(),
            unknown: Members::default().with(99, Value::Bool(true)),
        }
    }

    #[test]
    fn the_first_meta_comes_back_with_what_nobody_knows_yet() {
        let mut read = Meta::default();
        read.merge(&meta().encode()).unwrap();
        assert_eq!(read, meta());
    }

    #[test]
    fn a_later_meta_adds_tracks_and_replaces_parties() {
        let mut read = Meta::default();
        read.merge(&meta().encode()).unwrap();
        let mut later = meta();
        later.parties.truncate(1);
        later.direction = Direction::Out;
        later.side = Side::Trunk; // not among the members that may change
        read.merge(&later.encode_update(&[track(2, "G722", 8_000)])).unwrap();
        assert_eq!(read.tracks.len(), 3);
        assert_eq!((read.parties.len(), read.direction, read.side), (1, Direction::Out, Side::Extension));
    }

    #[test]
    fn a_track_is_never_redefined() {
        let mut read = Meta::default();
        read.merge(&meta().encode()).unwrap();
        assert!(read.merge(&meta().encode_update(&[track(0, "PCMU", 8_000)])).is_err());
        assert!(read.merge(&meta().encode_update(&[track(0, "PCMA", 8_000)])).is_ok());
    }
}
