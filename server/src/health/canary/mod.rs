//! Canaries: a call of two seconds that this program makes itself, every quarter of an hour for each tap that is read, to show that a call which
//! came now would be recorded.
//!
//! Its packets are handed in where those of the tap's interface are, right behind the capture's ring, and go the whole way: engine,
//! queue, sealer, the ledger's desk, disk, syncs. The file is read back and judged ([`judge`]), and is gone. What is before the ring it
//! does not show: cable, mirror port and interface are judged by their own week ([`super::quiet`]) and by the kernel's count of drops.
//!
//! [`Feeder`] works on the recording thread, [`Canaries::take`] on the one that closes parts, [`Canaries::look`] on the thread `health`: when one
//! of the first two hangs, the third one tells.

mod feeder;
mod judge;
mod script;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use capture::Due;
use shared::{Stamp, TapId, UtcMicros};
use vault::CanaryEnd;

pub(crate) use feeder::Feeder;
pub(crate) use judge::Judge;
use script::Script;

/// The first canary of a tap comes so soon after its interface is read.
const FIRST_NS: u64 = 10_000_000_000;
/// One that failed is followed by another so soon, so that its end is told early, too.
const AGAIN_NS: u64 = 60_000_000_000;
/// So long a canary may take, of which its sound is two seconds.
const LIMIT_NS: u64 = 30_000_000_000;
/// So long after its time one may begin: each other tap's may take its own time before.
const SLACK_NS: u64 = 60_000_000_000;
const MINUTE_NS: u64 = 60_000_000_000;

/// How far a canary has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Fed,
    Signalled,
    Heard,
    Over,
}

impl Step {
    /// What did not come after it.
    const fn missing(self) -> &'static str {
        match self {
            Self::Fed => "signalling: its call was not noticed",
            Self::Signalled => "sound: its call was noticed, and no sound of it was taken",
            Self::Heard => "its end: it was heard, and that it ended was not noticed",
            Self::Over => "sealing: it was heard to its end, and it was not closed and safe on the disk",
        }
    }
}

/// How the last canary of a tap went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Last {
    /// When it began.
    pub(crate) at: UtcMicros,
    /// The same, monotonic, in nanoseconds.
    pub(crate) at_ns: u64,
    /// Why it proves nothing; `None`: it was recorded whole.
    pub(crate) failed: Option<String>,
}

/// What is to be told of a tap's canaries; it may be said as often as is looked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The last one failed or is late.
    Fails(String),
    /// It was recorded whole, or there are none any more.
    Well(String),
}

#[derive(Debug)]
struct Tap {
    name: String,
    due_ns: u64,
    /// How the last one went; late ones included.
    last: Option<Last>,
    told: Option<bool>,
}

#[derive(Debug)]
struct Running {
    tap: TapId,
    script: Script,
    began: Stamp,
    step: Step,
}

#[derive(Debug, Default)]
struct Held {
    taps: BTreeMap<TapId, Tap>,
    /// One at a time.
    running: Option<Running>,
    /// Taps that are not fed any more, by name.
    gone: Vec<String>,
}

/// The canaries of all taps.
#[derive(Debug)]
pub(crate) struct Canaries {
    judge: Judge,
    held: Mutex<Held>,
}

/// What is to be fed.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The number of the tap's canaries.
    pub(crate) tap: TapId,
    /// Ethernet frames.
    pub(crate) packets: Vec<Due>,
}

impl Canaries {
    /// Begins with none.
    pub(crate) fn new(judge: Judge) -> Arc<Self> {
        Arc::new(Self { judge, held: Mutex::default() })
    }

    /// Returns who hears what became of each.
    pub(crate) fn listener(self: &Arc<Self>) -> vault::Judge {
        let canaries = Arc::clone(self);
        Box::new(move |end| canaries.take(end))
    }

    /// Returns the last canary of each tap that has had one, by the tap's name.
    pub(crate) fn last(&self) -> BTreeMap<String, Last> {
        let held = self.held();
        held.taps.values().filter_map(|tap| Some((tap.name.clone(), tap.last.clone()?))).collect()
    }

    /// Takes the taps that are read now, and begins a canary if one is due. `every_min` of 0: none is.
    fn attend(&self, now: &Stamp, every_min: u32, open: &[(TapId, &str)]) -> Option<Begun> {
        let mut held = self.held();
        let open = if every_min == 0 { &[] } else { open };
        held.follow(now, open);
        if held.running.is_some() {
            return None;
        }
        let every_ns = u64::from(every_min).saturating_mul(MINUTE_NS);
        let (number, tap) = held
            .taps
            .iter_mut()
            .filter(|(_, tap)| tap.due_ns.min(now.mono_ns.saturating_add(every_ns)) <= now.mono_ns)
            .min_by_key(|(_, tap)| tap.due_ns)?;
        tap.due_ns = now.mono_ns.saturating_add(every_ns);
        let number = *number;
        let script = Script::drawn(&mut crate::world::dice());
        let packets = script.packets();
        held.running = Some(Running { tap: number, script, began: *now, step: Step::Fed });
        Some(Begun { tap: number.canary(), packets })
    }

    /// Notes how far the running one has come.
    fn came_to(&self, step: Step) {
        if let Some(running) = &mut self.held().running {
            running.step = step;
        }
    }

    /// Takes what became of one. That of a canary which was given up before is of no use.
    pub(crate) fn take(&self, end: CanaryEnd) {
        let mut held = self.held();
        let Some(running) = held.running.take_if(|running| running.script.caller() == end.caller) else {
            return;
        };
        drop(held);
        let failed = self.judge.judge(&running.script, end).err();
        self.held().ended(&running, failed);
    }

    /// Looks at what is late. Returns, by the name of the tap, what is to be told anew.
    pub(crate) fn look(&self, now: &Stamp) -> Vec<(String, Verdict)> {
        let mut held = self.held();
        if let Some(running) =
            held.running.take_if(|running| now.mono_ns.saturating_sub(running.began.mono_ns) >= LIMIT_NS)
        {
            let seconds = LIMIT_NS / 1_000_000_000;
            let why =
                format!("it is late: after {seconds} s it was still without {}", running.step.missing());
            held.ended(&running, Some(why));
        }
        held.miss(now);
        let gone = std::mem::take(&mut held.gone).into_iter();
        let gone = gone.map(|name| {
            let text = format!("tap \"{name}\": no canary is placed there any more");
            (name, Verdict::Well(text))
        });
        let mut news: Vec<(String, Verdict)> = gone.collect();
        news.extend(held.taps.values_mut().filter_map(|tap| Some((tap.name.clone(), tap.news()?))));
        news
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn follow(&mut self, now: &Stamp, open: &[(TapId, &str)]) {
        let is_open = |number: &TapId, tap: &Tap| open.contains(&(*number, tap.name.as_str()));
        let gone = &mut self.gone;
        self.taps.retain(|number, tap| {
            let stays = is_open(number, tap);
            if !stays {
                gone.push(std::mem::take(&mut tap.name));
            }
            stays
        });
        for (number, name) in open {
            let due_ns = now.mono_ns.saturating_add(FIRST_NS);
            let new = || Tap { name: (*name).to_owned(), due_ns, last: None, told: None };
            self.taps.entry(*number).or_insert_with(new);
        }
    }

    fn ended(&mut self, running: &Running, failed: Option<String>) {
        if let Some(tap) = self.taps.get_mut(&running.tap) {
            if failed.is_some() {
                tap.due_ns = tap.due_ns.min(running.began.mono_ns.saturating_add(AGAIN_NS));
            }
            tap.last = Some(Last { at: running.began.utc, at_ns: running.began.mono_ns, failed });
            tap.told = None;
        }
    }

    /// One that does not begin: the thread that reads the wire stands still.
    fn miss(&mut self, now: &Stamp) {
        let taps = u64::try_from(self.taps.len()).unwrap_or(u64::MAX);
        let slack = SLACK_NS.saturating_add(LIMIT_NS.saturating_mul(taps));
        for tap in self.taps.values_mut() {
            let is_late = now.mono_ns.saturating_sub(tap.due_ns) > slack;
            let is_known = tap.last.as_ref().is_some_and(|last| last.at_ns >= tap.due_ns);
            if is_late && !is_known {
                let why = "it could not begin: the thread that reads the wire stands still".to_owned();
                tap.last = Some(Last { at: now.utc, at_ns: now.mono_ns, failed: Some(why) });
                tap.told = None;
            }
        }
    }
}

impl Tap {
    /// What is to be told and was not yet.
    fn news(&mut self) -> Option<Verdict> {
        let last = self.last.as_ref()?;
        let fails = last.failed.is_some();
        if self.told.replace(fails) == Some(fails) {
            return None;
        }
        let name = &self.name;
        Some(match &last.failed {
            Some(why) => Verdict::Fails(format!(
                "tap \"{name}\": its canary, a call that the recorder places itself to show that calls are recorded, was not recorded as it \
                 should be: {why}. Calls of this moment may fare the same: look at the disk and at the load of this machine"
            )),
            None => Verdict::Well(format!("tap \"{name}\": its canary is recorded whole again")),
        })
    }
}

#[cfg(test)]
mod tests;
