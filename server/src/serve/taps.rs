//! The taps of a running server: which are wanted, which are open, and how they are changed without touching the others.
//!
//! A tap keeps its number for the life of the process; one that was removed leaves its number behind. An interface that is
//! not there, or goes away, is tried again every few seconds, and its state is said until it is back.

use std::collections::BTreeMap;

use capture::{CaptureError, Drops, PacketSource};
use shared::{Stamp, TapId};

use crate::config::{Capture, Config, Tap};
use crate::recording::open_interface;

/// The tap of the test call: always there, always number 0.
pub(crate) const TEST_TAP: &str = "self-test";
/// Nanoseconds between two attempts to open an interface.
const RETRY_NS: u64 = 3_000_000_000;

/// One tap.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its settings.
    pub(crate) tap: Tap,
    /// Still in the settings.
    pub(crate) wanted: bool,
    /// Its interface is being read.
    pub(crate) open: bool,
    /// Why it is not.
    pub(crate) error: Option<String>,
    /// What earlier sources of this tap delivered and lost.
    before: Drops,
    /// What the source has delivered and lost by now, the earlier ones included.
    pub(crate) counted: Drops,
    retry_ns: u64,
}

impl Entry {
    fn new(tap: Tap, wanted: bool) -> Self {
        Self {
            tap,
            wanted,
            open: false,
            error: None,
            before: Drops::default(),
            counted: Drops::default(),
            retry_ns: 0,
        }
    }
}

/// All taps by their number.
#[derive(Debug)]
pub(crate) struct Taps {
    entries: Vec<Entry>,
    capture: Capture,
}

/// What changed while interfaces were opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The interface is being read.
    Up(String),
    /// It is not, and why. Said once until the reason changes.
    Down(String, String),
}

impl Taps {
    /// Takes the taps of the settings; none is open yet.
    pub(crate) fn new(config: &Config) -> Self {
        let test = Tap { every_call: true, ..Tap::on(TEST_TAP, "") };
        let mut taps = Self { entries: vec![Entry::new(test, false)], capture: config.capture.clone() };
        taps.follow(config);
        taps
    }

    /// Follows new settings. Returns the numbers of the taps that must not be read any more.
    pub(crate) fn follow(&mut self, config: &Config) -> Vec<TapId> {
        self.capture = config.capture.clone();
        let mut wanted: BTreeMap<&str, &Tap> =
            config.taps.iter().map(|tap| (tap.interface.as_str(), tap)).collect();
        let mut gone = Vec::new();
        for (place, entry) in self.entries.iter_mut().enumerate().skip(1) {
            if let Some(tap) = wanted.remove(entry.tap.interface.as_str()) {
                entry.tap = tap.clone();
                entry.wanted = true;
            } else if entry.wanted {
                entry.wanted = false;
                gone.push(number(place));
            }
        }
        // In the order of the file, so that numbers are the same after a restart.
        for tap in &config.taps {
            if wanted.contains_key(tap.interface.as_str()) {
                self.entries.push(Entry::new(tap.clone(), true));
                wanted.remove(tap.interface.as_str());
            }
        }
        gone
    }

    /// Opens what is wanted and not open, unless it was tried a moment ago.
    pub(crate) fn open_wanted(
        &mut self,
        now: &Stamp,
        sources: &mut Vec<Box<dyn PacketSource>>,
        told: &mut dyn FnMut(Change),
    ) {
        for (place, entry) in self.entries.iter_mut().enumerate() {
            if !entry.wanted || entry.open || now.mono_ns < entry.retry_ns {
                continue;
            }
            entry.retry_ns = now.mono_ns.saturating_add(RETRY_NS);
            match open_interface(&entry.tap.interface, number(place), &self.capture) {
                Ok(source) => {
                    (entry.open, entry.error) = (true, None);
                    sources.push(Box::new(source));
                    told(Change::Up(entry.tap.interface.clone()));
                }
                Err(error) => {
                    let text = error.to_string();
                    if entry.error.as_ref() != Some(&text) {
                        told(Change::Down(entry.tap.interface.clone(), text.clone()));
                    }
                    entry.error = Some(text);
                }
            }
        }
    }

    /// Stops reading taps that are not wanted any more.
    pub(crate) fn close(&mut self, gone: &[TapId], sources: &mut Vec<Box<dyn PacketSource>>) {
        sources.retain_mut(|source| {
            let tap = source.info().tap;
            let keep = !gone.contains(&tap);
            if !keep {
                self.ended(tap, source.drops(), None);
            }
            keep
        });
    }

    /// Notes that a source is over, with its last counts.
    pub(crate) fn ended(&mut self, tap: TapId, last: Drops, error: Option<&CaptureError>) {
        if let Some(entry) = self.entries.get_mut(usize::from(tap.0)) {
            entry.before = sum(entry.before, last);
            entry.counted = entry.before;
            entry.open = false;
            entry.error = error.map(ToString::to_string);
        }
    }

    /// Asks every source what it has delivered and lost.
    pub(crate) fn count(&mut self, sources: &mut [Box<dyn PacketSource>]) {
        for source in sources {
            let drops = source.drops();
            if let Some(entry) = self.entries.get_mut(usize::from(source.info().tap.0)) {
                entry.counted = sum(entry.before, drops);
            }
        }
    }

    /// Returns all taps by number.
    pub(crate) fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the settings of all taps by number, for engine and recorder.
    pub(crate) fn settings(&self) -> Vec<Tap> {
        self.entries.iter().map(|entry| entry.tap.clone()).collect()
    }
}

pub(super) fn number(place: usize) -> TapId {
    TapId::at(place)
}

fn sum(a: Drops, b: Drops) -> Drops {
    Drops {
        delivered: a.delivered.saturating_add(b.delivered),
        kernel: a.kernel.saturating_add(b.kernel),
        interface: a.interface.saturating_add(b.interface),
        freezes: a.freezes.saturating_add(b.freezes),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn config(taps: &[(&str, &str)]) -> Config {
        let blocks: String = taps
            .iter()
            .map(|(name, on)| format!("[[tap]]\nname = \"{name}\"\ninterface = \"{on}\"\n"))
            .collect();
        Config::parse(&format!("format = 1\n[site]\nname = \"x\"\n{blocks}")).unwrap()
    }

    fn names(taps: &Taps) -> Vec<(String, bool)> {
        taps.all().iter().skip(1).map(|e| (e.tap.name.clone(), e.wanted)).collect()
    }

    #[test]
    fn a_tap_keeps_its_number_when_others_come_and_go() {
        let mut taps = Taps::new(&config(&[("one", "eth1"), ("two", "eth2")]));
        assert_eq!(taps.follow(&config(&[("second", "eth2"), ("three", "eth3")])), [TapId(1)]);
        assert_eq!(names(&taps), [("one".into(), false), ("second".into(), true), ("three".into(), true)]);
        assert_eq!(taps.follow(&config(&[("one", "eth1")])), [TapId(2), TapId(3)]);
        assert_eq!(names(&taps).first(), Some(&("one".into(), true)), "back under its old number");
    }

    #[test]
    fn an_interface_that_is_not_there_is_said_once_and_tried_again() {
        let mut taps = Taps::new(&config(&[("one", "no-such-if0")]));
        let (mut told, mut sources) = (Vec::new(), Vec::new());
        for second in 0..10 {
            let now = Stamp { mono_ns: second * 1_000_000_000, ..Stamp::default() };
            taps.open_wanted(&now, &mut sources, &mut |change| told.push(change));
        }
        assert!(sources.is_empty());
        assert!(matches!(told.as_slice(), [Change::Down(name, _)] if name == "no-such-if0"), "{told:?}");
    }
}
