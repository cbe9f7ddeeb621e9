//! The admitter: closes parts in batches, ends their ledger entries, and makes everything durable every five seconds.
//!
//! Closing costs syncs, so parts that end together are closed together: whatever waits when the last batch is done makes
//! the next batch. The order inside a batch is the vault's business.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use shared::{LedgerEnd, LedgerNo, Partly};
use vault::{AdmitReport, ClosedPart, PartFile};

use crate::segment::Ending;
use crate::{Common, RecorderError};

/// Every so often all open recordings are made durable (one `syncfs`): what a power cut may cost.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// More parts than this are not closed in one batch, so that the first of them is safe early.
const BATCH_MAX: usize = 256;

/// What a sealer hands over.
pub(crate) struct Work {
    pub(crate) part: Option<ClosedPart>,
    pub(crate) discarded: Option<PartFile>,
    /// How the segment's ledger entry ends; `None` while its recording goes on in a next part.
    pub(crate) ending: Option<Ending>,
}

/// The way in.
#[derive(Clone)]
pub(crate) struct Entry(Sender<Work>);

impl Entry {
    /// Makes a way in that ends elsewhere.
    #[cfg(test)]
    pub(crate) const fn of(sender: Sender<Work>) -> Self {
        Self(sender)
    }

    pub(crate) fn put(&self, work: Work) {
        // The admitter outlives all sealers; if it died, its parts are left to recovery and `finish` says so.
        drop(self.0.send(work));
    }
}

/// The running admitter.
pub(crate) struct Admitter {
    entry: Entry,
    thread: JoinHandle<()>,
}

impl Admitter {
    pub(crate) fn start(common: &Arc<Common>) -> Result<Self, RecorderError> {
        let (sender, receiver) = channel();
        let common = Arc::clone(common);
        let thread = std::thread::Builder::new().name("admitter".into());
        let thread = thread.spawn(move || run(&common, &receiver)).map_err(RecorderError::NoThread)?;
        Ok(Self { entry: Entry(sender), thread })
    }

    pub(crate) fn entry(&self) -> Entry {
        self.entry.clone()
    }

    /// Waits until all that was put in is admitted; false if the thread died.
    pub(crate) fn finish(self) -> bool {
        drop(self.entry);
        self.thread.join().is_ok()
    }
}

fn run(common: &Common, works: &Receiver<Work>) {
    let mut next_sync = Instant::now() + SYNC_EVERY;
    let mut batch = Vec::new();
    loop {
        let more = gather(works, next_sync, &mut batch);
        admit(common, &mut batch);
        if Instant::now() >= next_sync {
            sync(common);
            next_sync = Instant::now() + SYNC_EVERY;
        }
        if !more {
            break;
        }
    }
    told(common, common.depot.settle());
}

/// Takes what is there, waiting for the first until `until`; false once nothing more can come.
fn gather(works: &Receiver<Work>, until: Instant, batch: &mut Vec<Work>) -> bool {
    match works.recv_timeout(until.saturating_duration_since(Instant::now())) {
        Ok(work) => batch.push(work),
        Err(RecvTimeoutError::Timeout) => return true,
        Err(RecvTimeoutError::Disconnected) => return false,
    }
    batch.extend(works.try_iter().take(BATCH_MAX.saturating_sub(1)));
    true
}

fn admit(common: &Common, batch: &mut Vec<Work>) {
    if batch.is_empty() {
        return;
    }
    let (mut parts, mut canaries) = (Vec::new(), Vec::new());
    let mut endings: HashMap<LedgerNo, Ending> = HashMap::new();
    let mut put = |part: ClosedPart| {
        let is_canary = part.row.facts.tap.is_canary();
        if is_canary { canaries.push(part) } else { parts.push(part) }
    };
    for work in batch.drain(..) {
        match (work.part, work.ending) {
            (Some(part), Some(ending)) => {
                endings.insert(part.row.facts.ledger_no, ending);
                put(part);
            }
            (Some(part), None) => put(part),
            (None, Some(ending)) => told(common, end_without_part(common, ending, work.discarded)),
            (None, None) => {}
        }
    }
    if !parts.is_empty() {
        account(common, common.depot.admit(parts), &mut endings);
    }
    // Behind the calls: nobody waits for a canary.
    if let Some(depot) = common.canaries.as_ref().filter(|_| !canaries.is_empty()) {
        account(common, depot.admit(canaries), &mut endings);
    }
    told(common, common.depot.commit_ledger().map(|_durable| ()));
}

/// Counts what was admitted, and ends the entries of what was left as partly recorded.
fn account(common: &Common, report: AdmitReport, endings: &mut HashMap<LedgerNo, Ending>) {
    for admitted in &report.admitted {
        common.summary.admitted(&admitted.row);
        if let Some(ending) = endings.remove(&admitted.row.facts.ledger_no) {
            common.summary.ended(ending.tap, ending.ending.end);
            common.desk.forget(ending.seg);
        }
    }
    for left in report.left {
        let full = left.why.is_no_space();
        common.report(&left.why.into());
        if let Some(mut ending) = endings.remove(&left.ledger_no) {
            ending.ending.end = LedgerEnd::Partly(if full { Partly::DiskFull } else { Partly::RecorderLoss });
            told(common, end_without_part(common, ending, None));
        }
    }
    if let Some(trouble) = report.trouble {
        common.report(&trouble.into());
    }
}

/// Ends the entry of a segment that has no part to admit.
fn end_without_part(
    common: &Common,
    ending: Ending,
    discarded: Option<PartFile>,
) -> Result<(), vault::VaultError> {
    common.summary.ended(ending.tap, ending.ending.end);
    // What has no number the desk has reported already.
    let Some(entry) = common.desk.given(ending.seg) else { return Ok(()) };
    common.desk.forget(ending.seg);
    let Some(depot) = common.depot(ending.tap) else { return Ok(()) };
    match discarded {
        Some(file) => depot.discard(file, entry.ledger_no, ending.ending, &ending.caller, &ending.called),
        None => depot.end_entry(entry.ledger_no, ending.ending, &ending.caller, &ending.called),
    }
}

fn sync(common: &Common) {
    told(common, common.depot.sync_all());
    told(common, common.depot.settle());
}

fn told(common: &Common, done: Result<(), vault::VaultError>) {
    if let Err(error) = done {
        common.report(&error.into());
    }
}
