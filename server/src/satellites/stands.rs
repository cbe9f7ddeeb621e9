//! What stands at satellites because they saw it themselves (a tap that is silent, a canary that failed), for whoever is told at the central.
//! No I/O: rows in, news out.
//!
//! A satellite judges itself and tells by its own ways; here it stands as well, since people look here, and can be acknowledged here.

use std::collections::BTreeMap;

use vault::{SatelliteRow, Severity};

use super::said::Said;

/// What to tell of what stands at a satellite.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It stands, and matters so much.
    Stands(Severity, String),
    /// It does not stand any more.
    Over(String),
}

/// What was told, by the key it stands under here.
#[derive(Debug, Default)]
pub(super) struct Stands {
    told: BTreeMap<String, (Severity, String)>,
}

impl Stands {
    /// Looks at all satellites; returns what is new, each under its key. The words of what stands may change while it does.
    pub(super) fn look(&mut self, rows: &[SatelliteRow]) -> Vec<(String, News)> {
        let (mut news, mut now) = (Vec::new(), BTreeMap::new());
        for row in rows.iter().filter(|row| row.revoked.is_none()) {
            for (key, severity, why) in Said::read(&row.status).map(Said::stands).unwrap_or_default() {
                let key = format!("satellite/{}/{key}", row.recorder_id);
                let text = format!("satellite {} (\"{}\"): {why}", row.letter, row.name);
                now.insert(key, (severity, text));
            }
        }
        for (key, (severity, text)) in now.iter().filter(|(key, one)| self.told.get(*key) != Some(*one)) {
            news.push((key.clone(), News::Stands(*severity, text.clone())));
        }
        for (key, (_, text)) in self.told.iter().filter(|(key, _)| !now.contains_key(*key)) {
            news.push((key.clone(), News::Over(format!("it stands no more: {text}"))));
        }
        self.told = now;
        news
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use shared::{RecorderId, UtcMicros};

    fn row(stands: &str) -> SatelliteRow {
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
            status: format!("{{\"version\":\"1\",\"stands\":[{stands}]}}"),
            config_version: 0,
        }
    }

    #[test]
    fn what_stands_at_a_satellite_is_told_once_with_its_name_and_so_is_its_end() {
        let mut stands = Stands::default();
        assert_eq!(stands.look(&[row("")]), []);
        let quiet = row("{\"key\":\"quiet/tap/trunk\",\"severity\":3,\"why\":\"no call for 20 min\"}");
        let news = stands.look(std::slice::from_ref(&quiet));
        let (key, News::Stands(severity, text)) = news.first().unwrap() else { panic!("{news:?}") };
        assert!(key.starts_with("satellite/07") && key.ends_with("/quiet/tap/trunk"), "{key}");
        assert_eq!(*severity, Severity::from_number(3).unwrap());
        assert!(text.contains("B (\"south\"): no call for 20 min"), "{text}");
        assert_eq!(stands.look(std::slice::from_ref(&quiet)), [], "once");
        assert!(matches!(stands.look(&[row("")]).as_slice(), [(_, News::Over(_))]));
        let rubbish = row("{\"key\":\"\"},{\"key\":\"x\",\"severity\":200}");
        assert!(matches!(stands.look(&[rubbish]).as_slice(), [(_, News::Stands(Severity::Warning, _))]));
    }
}
