//! What a player draws besides the waveform: where audio is missing and why, and what happened.

use std::collections::BTreeMap;

use shared::{Direction, Event, Role, Value};
use vault::{PartyRole, Recording};

use super::gaps::GapMap;
use super::sealed::{Sealed, micros};

/// Gaps drawn on one leg; when there are more, near ones of one cause are joined.
const GAPS_MAX: usize = 2_000;

/// Draws the time line of a recording.
pub(crate) fn timeline(recording: &Recording, sealed: &Sealed, gaps: &GapMap) -> api::Timeline {
    let mut legs: BTreeMap<u8, api::TimelineLeg> = BTreeMap::new();
    for track in sealed.tracks() {
        let leg = legs.entry(track.leg).or_insert_with(|| api::TimelineLeg {
            role: track.role.word().to_owned(),
            label: label(recording, track.role),
            codec: String::new(),
            gaps: Vec::new(),
        });
        if !leg.codec.split(", ").any(|known| known == track.codec) {
            let comma = if leg.codec.is_empty() { "" } else { ", " };
            leg.codec = format!("{}{comma}{}", leg.codec, track.codec);
        }
    }
    for row in &recording.legs {
        let clock_hz = row.track.clock_hz.max(1);
        let Some(leg) = legs.get_mut(&row.track.leg) else { continue };
        for gap in gaps.get(&(row.part, row.track.track)).into_iter().flatten() {
            leg.gaps.push(api::Gap {
                from_ms: micros(gap.from, clock_hz) / 1_000,
                to_ms: micros(gap.end(), clock_hz).div_ceil(1_000),
                cause: gap.cause.word().to_owned(),
            });
        }
    }
    for leg in legs.values_mut() {
        leg.gaps.sort_by_key(|gap| gap.from_ms);
        leg.gaps = joined(std::mem::take(&mut leg.gaps));
    }
    let mut events: Vec<api::TimelineEvent> = recording.events.iter().map(event).collect();
    events.sort_by_key(|event| event.at_ms);
    api::Timeline {
        length_ms: sealed.length_us().div_ceil(1_000),
        legs: legs.into_values().collect(),
        events,
        fetched_from: None,
    }
}

/// Joins near gaps of one cause until few enough are left to be drawn.
fn joined(mut gaps: Vec<api::Gap>) -> Vec<api::Gap> {
    let mut near_ms = 0;
    loop {
        let mut out: Vec<api::Gap> = Vec::with_capacity(gaps.len().min(GAPS_MAX));
        for gap in gaps {
            match out.last_mut() {
                Some(last)
                    if last.cause == gap.cause && gap.from_ms <= last.to_ms.saturating_add(near_ms) =>
                {
                    last.to_ms = last.to_ms.max(gap.to_ms);
                }
                Some(_) | None => out.push(gap),
            }
        }
        if out.len() <= GAPS_MAX || near_ms > 1 << 40 {
            return out;
        }
        gaps = out;
        near_ms = near_ms.saturating_mul(2).max(20);
    }
}

/// Says whose voice a leg is: the site's own party is near; without a direction, the caller is.
fn label(recording: &Recording, role: Role) -> String {
    let incoming = recording.facts.direction == Direction::In;
    let party = match role {
        Role::Near if incoming => PartyRole::Called,
        Role::Near => PartyRole::Caller,
        Role::Far if incoming => PartyRole::Caller,
        Role::Far => PartyRole::Called,
        Role::Unknown | Role::Joint | Role::Radio => return role.word().to_owned(),
    };
    let found = recording.party(party);
    let name = found.map(|p| if p.display.is_empty() { p.number.as_str() } else { p.display.as_str() });
    name.filter(|text| !text.is_empty()).unwrap_or_else(|| role.word()).to_owned()
}

fn event(event: &Event) -> api::TimelineEvent {
    api::TimelineEvent { at_ms: event.t_us.div_euclid(1_000), kind: event.kind.clone(), text: text(event) }
}

/// Says an event in a few words: its kind, then its particulars.
fn text(event: &Event) -> String {
    let kind = event.kind.replace('_', " ");
    let members: Vec<String> = event.members.iter().map(|(name, value)| member(name, value)).collect();
    if members.is_empty() { kind } else { format!("{kind}: {}", members.join(", ")) }
}

fn member(name: &str, value: &Value) -> String {
    let value = value_text(value);
    if name == "digit" || name == "text" || name == "reason" {
        value
    } else {
        format!("{} {value}", name.replace('_', " "))
    }
}

/// Writes a member of an event for people.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Int(n) => n.to_string(),
        Value::Text(text) => text.clone(),
        Value::Octets(octets) => super::view::hex(octets),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(from_ms: u64, cause: &str) -> api::Gap {
        api::Gap { from_ms, to_ms: from_ms + 20, cause: cause.into() }
    }

    #[test]
    fn thousands_of_small_gaps_become_few_enough_to_draw_and_none_is_left_out() {
        let gaps: Vec<_> = (0..50_000).map(|n| gap(n * 100, "lost-in-network")).collect();
        let drawn = joined(gaps);
        assert!(drawn.len() <= GAPS_MAX, "{} are drawn", drawn.len());
        assert_eq!((drawn[0].from_ms, drawn[drawn.len() - 1].to_ms), (0, 4_999_920));
    }

    #[test]
    fn gaps_of_different_causes_stay_apart() {
        let drawn = joined(vec![gap(0, "paused"), gap(20, "paused"), gap(40, "undecodable")]);
        assert_eq!(drawn.len(), 2);
        assert_eq!((drawn[0].from_ms, drawn[0].to_ms), (0, 40));
    }

    #[test]
    fn an_event_is_said_in_a_few_words() {
        let event = Event::new("digit", 1_500_000).text("digit", "5").int("duration_us", 100_000);
        assert_eq!(text(&event), "digit: 5, duration us 100000");
        assert_eq!(text(&Event::new("held", 0)), "held");
    }
}
