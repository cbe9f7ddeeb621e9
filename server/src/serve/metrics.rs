//! The counters in Prometheus' text format (version 0.0.4).
//!
//! Labels are names of taps, ends and causes; never a number or a name of a caller.

use std::fmt::Write as _;

use archiver::notices::Notice;
use vault::NoticeRow;

use super::watch::Vitals;
use crate::alarms::WayHealth;
use crate::health::ear::Tally;
use crate::view::CAUSES;

/// Further figures that do not come from the recording thread.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    /// Octets free on the disk of the data folder.
    pub(crate) disk_free_bytes: u64,
    /// Seconds since the start.
    pub(crate) up_seconds: u64,
    /// Seconds since the recording thread last looked around.
    pub(crate) look_age_seconds: f64,
}

/// What is counted of the calls of a tap.
const HEARD: [(&str, &str, fn(&Tally) -> u64); 4] = [
    ("amethyst_tap_calls_total", "Calls signalled on this tap.", |heard| heard.calls),
    ("amethyst_tap_calls_heard_total", "Calls of this tap of which sound came.", |heard| heard.heard),
    ("amethyst_tap_one_way_total", "Calls of this tap that were heard from one side only.", |heard| {
        heard.one_way
    }),
    ("amethyst_tap_silent_total", "Calls of this tap with nothing but digital silence.", |heard| {
        heard.silent
    }),
];

/// Writes all counters, and the notices that stand.
pub(crate) fn text(vitals: &Vitals, around: Around, notices: &[NoticeRow], ways: &[WayHealth]) -> String {
    let mut page = Page(String::with_capacity(4_096));
    let c = &vitals.counters;
    page.one("amethyst_packets_total", "counter", "Packets seen on all taps.", c.packets);
    page.one("amethyst_rtp_packets_total", "counter", "RTP packets that belong to a leg.", c.rtp);
    page.one("amethyst_sip_messages_total", "counter", "SIP messages.", c.sip);
    page.one("amethyst_calls_total", "counter", "Calls signalled.", c.calls);
    page.one(
        "amethyst_orphans_total",
        "counter",
        "Recordings of RTP that no signalling announced.",
        c.orphans,
    );
    page.one("amethyst_kernel_drops_total", "counter", "Packets lost inside this machine.", c.kernel_drops);
    page.one("amethyst_limits_met_total", "counter", "Times a limit of the engine was met.", c.limits);
    page.one("amethyst_srtp_failed_total", "counter", "SRTP packets that no key opened.", c.srtp_failed);
    page.one("amethyst_calls_now", "gauge", "Calls that are followed now.", c.segments_now);
    let s = &vitals.summary;
    page.one("amethyst_recordings_total", "counter", "Recordings closed.", s.recordings);
    page.one("amethyst_sealed_bytes_total", "counter", "Octets of sealed files.", s.sealed_octets);
    page.one(
        "amethyst_recorder_overrun_bytes_total",
        "counter",
        "Audio lost because the disk was too slow.",
        s.overrun_octets,
    );
    page.head("amethyst_ledger_entries_total", "counter", "Ledger entries by how they ended.");
    let ledger = &s.ledger;
    for (end, n) in
        [("recorded", ledger.recorded), ("partly", ledger.partly), ("not_recorded", ledger.not_recorded)]
    {
        page.row("amethyst_ledger_entries_total", &[("end", end)], n);
    }
    page.one("amethyst_ledger_signalled_total", "counter", "Ledger entries opened.", ledger.signalled);
    page.head("amethyst_gap_samples_total", "counter", "Samples missing in closed recordings, by cause.");
    for (cause, samples) in CAUSES.iter().zip(s.gaps.0) {
        page.row("amethyst_gap_samples_total", &[("cause", cause.word())], samples);
    }
    page.head("amethyst_tap_up", "gauge", "1 while the tap's interface is read.");
    for tap in &vitals.taps {
        page.row("amethyst_tap_up", &[("tap", &tap.name)], u64::from(tap.open));
    }
    page.head("amethyst_tap_packets_total", "counter", "Packets by tap.");
    for tap in &vitals.taps {
        page.row("amethyst_tap_packets_total", &[("tap", &tap.name)], tap.packets);
    }
    page.head("amethyst_tap_kernel_drops_total", "counter", "Packets that the kernel dropped, by tap.");
    for tap in &vitals.taps {
        page.row("amethyst_tap_kernel_drops_total", &[("tap", &tap.name)], tap.kernel_drops);
    }
    for (name, help, count) in HEARD {
        page.head(name, "counter", help);
        for tap in &vitals.taps {
            page.row(name, &[("tap", &tap.name)], count(&tap.heard));
        }
    }
    page.head("amethyst_tap_canary_up", "gauge", "0 while the tap's last canary was not recorded whole.");
    let canaries = || vitals.taps.iter().filter_map(|tap| Some((&tap.name, tap.canary.as_ref()?)));
    for (name, last) in canaries() {
        page.row("amethyst_tap_canary_up", &[("tap", name)], u64::from(last.failed.is_none()));
    }
    page.head("amethyst_tap_canary_age_seconds", "gauge", "Seconds since the tap's last canary began.");
    for (name, last) in canaries() {
        let before_look = vitals.looked_ns.saturating_sub(last.at_ns) / 1_000_000_000;
        page.row("amethyst_tap_canary_age_seconds", &[("tap", name)], before_look);
    }
    page.one("amethyst_alarms_total", "counter", "Alarms since the start.", vitals.alarms_total);
    page.head("amethyst_alarm_way_up", "gauge", "0 while nothing could be sent by this way for minutes.");
    for way in ways {
        page.row("amethyst_alarm_way_up", &[("way", &way.name)], u64::from(way.broken.is_none()));
    }
    page.head("amethyst_alarm_way_waiting", "gauge", "Alarms that wait for this way.");
    for way in ways {
        page.row("amethyst_alarm_way_waiting", &[("way", &way.name)], way.waiting);
    }
    page.one(
        "amethyst_disk_free_bytes",
        "gauge",
        "Octets free on the disk of the data folder.",
        around.disk_free_bytes,
    );
    page.head("amethyst_notice", "gauge", "1 while a notice about the archive stands.");
    for row in notices {
        let Some(notice) = Notice::of(row) else { continue };
        let labels = [
            ("kind", notice.kind.word()),
            ("location", notice.filled.name_of_place()),
            ("severity", notice.severity.word()),
        ];
        page.row("amethyst_notice", &labels, 1);
    }
    page.one("amethyst_up_seconds", "gauge", "Seconds since the start.", around.up_seconds);
    page.one(
        "amethyst_recording_thread_age_seconds",
        "gauge",
        "Seconds since the recording thread last looked around; more than a few is a hang.",
        around.look_age_seconds,
    );
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail, here and below.
        let _always_ok = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn row(&mut self, name: &str, labels: &[(&str, &str)], n: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
        let _always_ok = if labels.is_empty() {
            writeln!(self.0, "{name} {n}")
        } else {
            writeln!(self.0, "{name}{{{}}} {n}", labels.join(","))
        };
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, n: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.row(name, &[], n);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::watch::TapVitals;

    #[test]
    fn a_tap_with_an_odd_name_cannot_forge_a_line() {
        let tap = TapVitals { name: "a\"} 1\nevil 2".into(), open: true, ..TapVitals::default() };
        let page = text(&Vitals { taps: vec![tap], ..Vitals::default() }, Around::default(), &[], &[]);
        assert!(page.contains("amethyst_tap_up{tap=\"a\\\"} 1\\nevil 2\"} 1\n"), "{page}");
        assert!(page.lines().all(|line| line.starts_with('#') || line.starts_with("amethyst_")), "{page}");
    }
}
