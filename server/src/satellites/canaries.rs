//! What satellites say of their canaries, for whoever is told at the central. No I/O: rows in, news out.
//!
//! A satellite judges its own canaries and tells by its own ways; the central tells it, too, since people look there. What stands is said
//! again after a restart of the central, by the first status that it reads.

use std::collections::BTreeMap;

use vault::SatelliteRow;

use super::said::Said;
use crate::health::canary::Verdict;

/// What was told of each satellite's taps, by the key it stands under: that it fails, or that it is well.
#[derive(Debug, Default)]
pub(super) struct Canaries {
    told: BTreeMap<String, bool>,
}

impl Canaries {
    /// Looks at all satellites; returns what is new, each under its key.
    pub(super) fn look(&mut self, rows: &[SatelliteRow]) -> Vec<(String, Verdict)> {
        let (mut news, mut now) = (Vec::new(), BTreeMap::new());
        for row in rows.iter().filter(|row| row.revoked.is_none()) {
            let of = format!("satellite {} (\"{}\")", row.letter, row.name);
            for (tap, failed) in Said::read(&row.status).map(Said::canaries).unwrap_or_default() {
                let key = format!("canary/satellite/{}/{tap}", row.recorder_id);
                if self.told.get(&key) != Some(&failed.is_some()) {
                    news.push((key.clone(), verdict(&of, &tap, failed.as_deref())));
                }
                now.insert(key, failed.is_some());
            }
        }
        for key in self.told.keys().filter(|key| !now.contains_key(*key)) {
            news.push((key.clone(), Verdict::Well("no canary is placed there any more".to_owned())));
        }
        self.told = now;
        news
    }
}

fn verdict(of: &str, tap: &str, failed: Option<&str>) -> Verdict {
    match failed {
        Some(why) => Verdict::Fails(format!(
            "{of}, tap \"{tap}\": its canary, a call that the satellite places itself to show that calls are recorded, was not recorded as \
             it should be: {why}. Calls of this moment may fare the same: look at that machine's disk and load"
        )),
        None => Verdict::Well(format!("{of}, tap \"{tap}\": its canary is recorded whole")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use shared::{RecorderId, UtcMicros};

    fn row(canary: &str) -> SatelliteRow {
        SatelliteRow {
            recorder_id: RecorderId([7; 16]),
            name: "south".to_owned(),
            letter: 'B',
            signing_key: [0; 32],
            certificate: [0; 32],
            certificate_until: UtcMicros(0),
            enrolled_at: UtcMicros(0),
            revoked: None,
            last_seen_at: None,
            status: format!("{{\"version\":\"1\",\"taps\":[{{\"name\":\"trunk\",\"canary\":{canary}}}]}}"),
            config_version: 0,
        }
    }

    #[test]
    fn a_failure_is_told_once_with_satellite_and_tap_and_so_is_its_end() {
        let mut canaries = Canaries::default();
        assert_eq!(canaries.look(&[row("null")]), []);
        let failed = row("{\"at_us\":5,\"failed\":\"it is late\"}");
        let news = canaries.look(std::slice::from_ref(&failed));
        let (key, Verdict::Fails(text)) = news.first().unwrap() else { panic!("{news:?}") };
        assert!(key.starts_with("canary/satellite/07") && key.ends_with("/trunk"), "{key}");
        assert!(text.contains("B (\"south\"), tap \"trunk\"") && text.contains("it is late"), "{text}");
        assert_eq!(canaries.look(std::slice::from_ref(&failed)), [], "once");
        let news = canaries.look(&[row("{\"at_us\":9,\"failed\":null}")]);
        assert!(matches!(news.as_slice(), [(_, Verdict::Well(_))]), "{news:?}");
        assert!(matches!(canaries.look(&[]).as_slice(), [(_, Verdict::Well(_))]), "it is gone");
    }
}
