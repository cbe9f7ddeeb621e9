//! The dead man's switch on the central's side: which satellites are heard, judged by the clock that never steps. No I/O.
//!
//! Silence is counted from when a satellite was last seen to be heard, at the earliest from the start of this program: a central that was
//! away knows nothing of its satellites. That one is heard counts when the time in its row changes, whatever that time is, so that a
//! clock that steps raises no alarm and hides none.

use std::collections::BTreeMap;

use shared::{RecorderId, UtcMicros, Zone};
use vault::SatelliteRow;

/// A satellite that was not heard for so long is told; it speaks every ten seconds.
const SILENT_NS: u64 = 60_000_000_000;
/// One that was enrolled and never came: whoever enrolled it may still be at it.
const NEVER_NS: u64 = 900_000_000_000;

/// It is looked every five seconds. After more than this the program itself stood still, and knows nothing of that time.
const FROZEN_NS: u64 = 30_000_000_000;

/// What to tell of a satellite, level-triggered: whoever hears it knows what stood before.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is silent.
    Silent(String),
    /// It is not silent any more, or nobody waits for it.
    Heard(String),
}

/// What is known of each satellite.
#[derive(Debug, Default)]
pub(super) struct Silences {
    known: BTreeMap<RecorderId, Known>,
    looked_ns: u64,
}

#[derive(Debug)]
struct Known {
    seen: Option<UtcMicros>,
    /// When that changed, monotonic.
    since_ns: u64,
    /// It did change since the start.
    met: bool,
    /// What was told last: silent or not.
    told: Option<bool>,
}

impl Silences {
    /// Looks at all satellites, and returns what is new, each under the key it stands under.
    pub(super) fn look(&mut self, rows: &[SatelliteRow], now_ns: u64, zone: &Zone) -> Vec<(String, News)> {
        if now_ns.saturating_sub(self.looked_ns) > FROZEN_NS {
            let none_silent = self.known.values_mut().filter(|known| known.told != Some(true));
            none_silent.for_each(|known| known.since_ns = now_ns);
        }
        self.looked_ns = now_ns;
        let mut news = Vec::new();
        for row in rows {
            let seen = row.last_seen_at;
            let known = self.known.entry(row.recorder_id).or_insert(Known {
                seen,
                since_ns: now_ns,
                met: false,
                told: None,
            });
            let silent_ns = now_ns.saturating_sub(known.since_ns);
            if known.seen != seen {
                (known.seen, known.since_ns, known.met) = (seen, now_ns, true);
            }
            let limit = if seen.is_none() { NEVER_NS } else { SILENT_NS };
            let is_silent = if row.revoked.is_some() {
                false
            } else if now_ns.saturating_sub(known.since_ns) > limit {
                true
            } else if known.met {
                false
            } else {
                continue; // too early to say
            };
            if known.told.replace(is_silent) != Some(is_silent) {
                let text = if is_silent { silent(row, zone) } else { heard(row, silent_ns) };
                news.push((format!("satellite-silent/{}", row.recorder_id), wrapped(is_silent, text)));
            }
        }
        news
    }
}

fn wrapped(is_silent: bool, text: String) -> News {
    if is_silent { News::Silent(text) } else { News::Heard(text) }
}

fn silent(row: &SatelliteRow, zone: &Zone) -> String {
    let (letter, name) = (row.letter, &row.name);
    match row.last_seen_at {
        Some(at) => format!(
            "satellite {letter} (\"{name}\") has been silent for a minute; it was last heard at {}. It may be recording and cut off, or \
             not recording at all: look at its line and at the machine",
            zone.rfc3339(at)
        ),
        None => format!(
            "satellite {letter} (\"{name}\") was enrolled and has never been heard: it records nothing that arrives here. Start it, or \
             revoke it if it is not wanted"
        ),
    }
}

fn heard(row: &SatelliteRow, silent_ns: u64) -> String {
    let (letter, name) = (row.letter, &row.name);
    if row.revoked.is_some() {
        return format!("satellite {letter} (\"{name}\") is revoked: nobody waits for it");
    }
    let status = serde_json::from_str::<serde_json::Value>(&row.status).unwrap_or_default();
    let figure = |name: &str| status.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let after = match silent_ns / 60_000_000_000 {
        0 => String::new(),
        minutes => format!(" after {minutes} min"),
    };
    format!(
        "satellite {letter} (\"{name}\") is heard again{after}; as it last said, {} parts of {} MB waited there",
        figure("parts"),
        figure("bytes") / 1_000_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    fn row(seen: Option<i64>) -> SatelliteRow {
        SatelliteRow {
            recorder_id: RecorderId([7; 16]),
            name: "south".to_owned(),
            letter: 'B',
            signing_key: [0; 32],
            certificate: [0; 32],
            certificate_until: UtcMicros(0),
            enrolled_at: UtcMicros(0),
            revoked: None,
            last_seen_at: seen.map(UtcMicros),
            status: r#"{"parts":3,"bytes":7000000}"#.to_owned(),
            config_version: 0,
        }
    }

    /// Looks every five seconds, up to that one; what was told last.
    fn look(silences: &mut Silences, row: &SatelliteRow, from_s: u64, to_s: u64) -> Option<String> {
        let zone = Zone::named("Africa/Johannesburg").expect("it is in the data base");
        let mut told = None;
        for at_s in (from_s..=to_s).step_by(5) {
            let news = silences.look(std::slice::from_ref(row), at_s * S, &zone);
            told = news.into_iter().next().map(|(_, News::Silent(text) | News::Heard(text))| text).or(told);
        }
        told
    }

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let mut silences = Silences::default();
        let at = |seen| row(Some(seen));
        assert_eq!(look(&mut silences, &at(1), 10, 10), None, "nothing is known yet");
        assert!(look(&mut silences, &at(2), 15, 15).is_some_and(|t| t.contains("is heard again; as")));
        assert_eq!(look(&mut silences, &at(3), 20, 80), None);
        let told = look(&mut silences, &at(3), 85, 85).expect("a minute is over");
        assert!(
            told.contains("B (\"south\") has been silent") && told.contains("1970-01-01T02:00:00"),
            "{told}"
        );
        assert_eq!(look(&mut silences, &at(3), 90, 195), None, "once");
        let told = look(&mut silences, &at(4), 200, 200).expect("it is back");
        assert!(told.contains("after 3 min; as it last said, 3 parts of 7 MB"), "{told}");
        assert_eq!(look(&mut silences, &at(5), 205, 205), None);
    }

    #[test]
    fn a_central_that_was_away_or_stood_still_waits_a_minute_before_it_judges() {
        let mut silences = Silences::default();
        assert_eq!(look(&mut silences, &row(Some(1)), 86_400, 86_460), None);
        assert!(look(&mut silences, &row(Some(1)), 86_465, 86_465).is_some());
        let mut silences = Silences::default();
        look(&mut silences, &row(Some(1)), 10, 10);
        look(&mut silences, &row(Some(2)), 15, 15);
        assert_eq!(look(&mut silences, &row(Some(2)), 5_000, 5_060), None);
        assert!(look(&mut silences, &row(Some(2)), 5_065, 5_065).is_some());
    }

    #[test]
    fn one_that_never_came_is_told_after_a_quarter_of_an_hour_and_a_revoked_one_is_not_waited_for() {
        let mut silences = Silences::default();
        assert_eq!(look(&mut silences, &row(None), 5, 905), None);
        assert!(
            look(&mut silences, &row(None), 910, 910).is_some_and(|text| text.contains("never been heard"))
        );
        let by = vault::By { user: None, name: "admin".to_owned(), at: UtcMicros(1) };
        let revoked = SatelliteRow { revoked: Some(by), ..row(None) };
        assert!(look(&mut silences, &revoked, 915, 915).is_some_and(|text| text.contains("revoked")));
        assert_eq!(look(&mut silences, &revoked, 920, 5_000), None);
    }
}
