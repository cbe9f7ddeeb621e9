//! Names of exported files: `YYYYMMDD-HHMMSS_<caller>_<called>_<reference>.wav`, safe on every file system.

use shared::{UtcMicros, Zone};

/// Builds the stem of an exported file's name; the time is civil time in the site's zone.
#[must_use]
pub fn export_stem(start: UtcMicros, zone: &Zone, caller: &str, called: &str, reference: &str) -> String {
    let day = zone.day_of(start).yyyymmdd();
    let (h, m, s) = zone.hms_of(start);
    format!("{day:08}-{h:02}{m:02}{s:02}_{}_{}_{}", safe(caller), safe(called), safe(reference))
}

/// Keeps letters, digits, `+`, `.` and `-`; anything else becomes `-`. Empty becomes `unknown`; at most 40 characters.
fn safe(text: &str) -> String {
    let kept: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-') { c } else { '-' })
        .collect();
    let trimmed = kept.trim_matches(|c| matches!(c, '.' | '-'));
    if trimmed.is_empty() { "unknown".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_on_every_file_system() {
        for (text, expected) in [
            ("+27 11/555", "+27-11-555"),
            ("../../etc/passwd", "etc-passwd"),
            ("", "unknown"),
            ("*#06#", "06"),
            ("Ünïcode", "n-code"),
        ] {
            assert_eq!(safe(text), expected);
        }
        assert_eq!(safe(&"9".repeat(100)).len(), 40);
    }

    #[test]
    fn the_time_is_civil_time_of_the_site() {
        let zone = Zone::named("Africa/Johannesburg").expect("in the tz database");
        let stem =
            export_stem(UtcMicros(1_700_000_000_000_000), &zone, "1000000", "2000000", "A231115-000001");
        assert_eq!(stem, "20231115-001320_1000000_2000000_A231115-000001");
    }
}
