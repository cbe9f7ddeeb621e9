//! What the recording thread hears of calls, tap by tap: counts that only grow. About one command a second and call comes by.

use std::collections::{BTreeMap, HashMap};

use shared::{Chunk, ExtensionPattern, TapId};
use telephony::cmd::{CallInfo, SegCmd, SegId};

use super::legs::{Legs, Mark, Share};
use crate::config::Config;

/// One tap's counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Calls that were signalled.
    pub(crate) calls: u64,
    /// Calls of which sound came.
    pub(crate) heard: u64,
    /// Pieces of sound, about one a second and call.
    pub(crate) sound: u64,
    /// Calls that were heard from one side only.
    pub(crate) one_way: u64,
    /// Calls in which nothing but digital silence was heard.
    pub(crate) silent: u64,
}

/// Hears the commands on their way from the engine to the recorder.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    calls: HashMap<SegId, Call>,
    taps: BTreeMap<TapId, Tally>,
    shares: BTreeMap<TapId, Share>,
    /// Groups of extensions that are watched, with their calls.
    groups: Vec<(String, Vec<ExtensionPattern>, u64)>,
    /// So long a side may be silent, in microseconds; 0: no call is marked.
    one_way_us: i64,
}

#[derive(Debug)]
struct Call {
    tap: TapId,
    legs: Legs,
}

impl Ear {
    /// Follows settings. A group that is still watched goes on counting.
    pub(crate) fn follow(&mut self, config: &Config) {
        self.one_way_us = i64::from(config.health.one_way_seconds).saturating_mul(1_000_000);
        let before = std::mem::take(&mut self.groups);
        for name in &config.health.groups {
            let words = config.groups.get(name).into_iter().flatten();
            let patterns = words.filter_map(|word| word.parse().ok()).collect();
            let calls = before.iter().find(|(known, ..)| known == name).map_or(0, |(.., calls)| *calls);
            self.groups.push((name.clone(), patterns, calls));
        }
    }

    /// Takes note of a command. What it returns is to follow that command: the mark of a call.
    pub(crate) fn note(&mut self, command: &SegCmd) -> Option<SegCmd> {
        match command {
            SegCmd::Signalled { seg, info, .. } => self.signalled(*seg, info),
            SegCmd::Open { seg, tracks, .. } => {
                let call = self.calls.get_mut(seg)?;
                call.legs.tracks(tracks);
                let tally = self.taps.entry(call.tap).or_default();
                tally.heard = tally.heard.saturating_add(1);
            }
            SegCmd::Tracks { seg, tracks } => self.calls.get_mut(seg)?.legs.tracks(tracks),
            SegCmd::Note { seg, event } => self.calls.get_mut(seg)?.legs.event(event),
            SegCmd::Append { seg, chunks } => return self.append(*seg, chunks),
            SegCmd::Close(close) => {
                let call = self.calls.remove(&close.seg)?;
                // One that was marked was counted then.
                if call.legs.ended() == Some(false) {
                    self.shares.entry(call.tap).or_default().call(false);
                }
            }
            SegCmd::Info { .. } | SegCmd::Discard { .. } => {}
        }
        None
    }

    fn signalled(&mut self, seg: SegId, info: &CallInfo) {
        self.calls.insert(seg, Call { tap: info.tap, legs: Legs::default() });
        // Sound that nobody announced is no call.
        if info.orphan {
            return;
        }
        let tally = self.taps.entry(info.tap).or_default();
        tally.calls = tally.calls.saturating_add(1);
        for (_, patterns, calls) in &mut self.groups {
            let is_of = |number: &str| patterns.iter().any(|pattern| pattern.matches(number));
            if is_of(&info.caller.number) || is_of(&info.called.number) {
                *calls = calls.saturating_add(1);
            }
        }
    }

    fn append(&mut self, seg: SegId, chunks: &[Chunk]) -> Option<SegCmd> {
        let call = self.calls.get_mut(&seg)?;
        let tally = self.taps.entry(call.tap).or_default();
        if chunks.iter().flat_map(|chunk| &chunk.runs).any(|run| run.samples > 0) {
            tally.sound = tally.sound.saturating_add(1);
        }
        let (mark, event) = call.legs.hear(chunks, self.one_way_us)?;
        match mark {
            Mark::OneWay(_) => tally.one_way = tally.one_way.saturating_add(1),
            Mark::Silent => tally.silent = tally.silent.saturating_add(1),
        }
        self.shares.entry(call.tap).or_default().call(true);
        Some(SegCmd::Note { seg, event })
    }

    /// Returns how many of a tap's last calls were marked, and how many were judged.
    pub(crate) fn marked_on(&self, tap: TapId) -> (u32, u32) {
        self.shares.get(&tap).map_or((0, 0), Share::count)
    }

    /// Returns what was heard on a tap.
    pub(crate) fn on(&self, tap: TapId) -> Tally {
        self.taps.get(&tap).copied().unwrap_or_default()
    }

    /// Returns the calls of the groups that are watched.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, u64)> {
        self.groups.iter().map(|(name, _, calls)| (name.as_str(), *calls))
    }
}
