//! One sealing thread: it owns all recordings whose segment number falls to it, so that their order needs no lock.
//!
//! A call whose ledger entry is not durable yet waits here with its commands, and keeps the room that they take in the queue;
//! the others go on. Else one slow sync, just when many calls begin, would hold up the audio of all that are running.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use shared::FrameBuf;
use telephony::cmd::{SegClose, SegCmd, SegId};

use crate::admitter::{Entry as ToAdmitter, Work};
use crate::queue::{Queue, Weigh};
use crate::segment::Segment;
use crate::{Common, RecorderError, loss};

/// Room in the queue is given back in steps of this, so that the lock is taken once for some hundred kilobytes.
const RELEASE_OCTETS: usize = 256 << 10;

/// So soon a call that waits for its ledger entry is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A command on its way to its sealer.
pub(crate) struct Job(pub(crate) SegCmd);

impl Weigh for Job {
    fn octets(&self) -> usize {
        match &self.0 {
            SegCmd::Append { chunks, .. } => {
                chunks.iter().map(|c| c.buf.len()).fold(0, usize::saturating_add)
            }
            SegCmd::Signalled { .. }
            | SegCmd::Open { .. }
            | SegCmd::Tracks { .. }
            | SegCmd::Info { .. }
            | SegCmd::Note { .. }
            | SegCmd::Discard { .. }
            | SegCmd::Close(_) => 0,
        }
    }
}

impl Job {
    /// Turns the audio of the job into a gap of cause 2.
    pub(crate) fn lose_audio(&mut self) {
        if let SegCmd::Append { chunks, .. } = &mut self.0 {
            for chunk in chunks {
                drop(loss::into_gap(chunk));
            }
        }
    }
}

pub(crate) struct Sealer {
    common: Arc<Common>,
    queue: Queue<Job>,
    admitter: ToAdmitter,
    used: Sender<FrameBuf>,
    segments: HashMap<SegId, Box<Segment>>,
    /// Commands of calls whose entry is not durable yet, the first of them to open; in the order of their beginning.
    waiting: BTreeMap<SegId, Vec<Job>>,
}

impl Sealer {
    pub(crate) fn new(
        common: Arc<Common>,
        queue: Queue<Job>,
        admitter: ToAdmitter,
        used: Sender<FrameBuf>,
    ) -> Self {
        Self { common, queue, admitter, used, segments: HashMap::new(), waiting: BTreeMap::new() }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut jobs = VecDeque::new();
        loop {
            let patience = (!self.waiting.is_empty()).then_some(LOOK_AGAIN);
            let more = self.queue.take_all(&mut jobs, patience);
            let mut done = 0_usize;
            for job in jobs.drain(..) {
                if let Some(job) = self.put_aside(job) {
                    self.deal_with(job, &mut done);
                }
            }
            self.go_on_with_decided(!more, &mut done);
            self.queue.release(done);
            if !more {
                break;
            }
        }
    }

    /// Obeys a command and gives back its room, not for each one alone.
    fn deal_with(&mut self, job: Job, done: &mut usize) {
        *done = done.saturating_add(job.octets());
        self.obey(job.0);
        if *done >= RELEASE_OCTETS {
            self.queue.release(std::mem::take(done));
        }
    }

    /// Puts a command aside that belongs to a call whose ledger entry is not durable; returns all others.
    fn put_aside(&mut self, job: Job) -> Option<Job> {
        let seg = job.0.seg();
        if let Some(jobs) = self.waiting.get_mut(&seg) {
            jobs.push(job);
            return None;
        }
        let waits = matches!(job.0, SegCmd::Open { .. }) && !self.common.desk.is_decided(seg);
        if !waits {
            return Some(job);
        }
        self.waiting.insert(seg, vec![job]);
        None
    }

    /// Obeys what was put aside for calls whose entry is durable by now, or never will be; `all` waits for the rest, too.
    fn go_on_with_decided(&mut self, all: bool, done: &mut usize) {
        let desk = &self.common.desk;
        let ready: Vec<SegId> =
            self.waiting.keys().copied().filter(|seg| all || desk.is_decided(*seg)).collect();
        for seg in ready {
            for job in self.waiting.remove(&seg).unwrap_or_default() {
                self.deal_with(job, done);
            }
        }
    }

    fn obey(&mut self, cmd: SegCmd) {
        let seg = cmd.seg();
        let done = match cmd {
            SegCmd::Signalled { info, .. } => {
                self.segments.insert(seg, Box::new(Segment::new(seg, *info)));
                Ok(())
            }
            SegCmd::Open { start, tracks, .. } => self.open(seg, start, tracks),
            SegCmd::Tracks { tracks, .. } => self.with(seg, |common, s| s.add_tracks(common, tracks)),
            SegCmd::Info { info, .. } => self.with(seg, |common, s| s.set_info(common, *info)),
            SegCmd::Note { event, .. } => self.with(seg, |_common, s| s.note(event)),
            SegCmd::Append { chunks, .. } => self.append(seg, chunks),
            SegCmd::Discard { .. } => self.discard(seg),
            SegCmd::Close(close) => self.close(&close),
        };
        if let Err(error) = done {
            self.common.report(&error);
        }
    }

    fn with(
        &mut self,
        seg: SegId,
        act: impl FnOnce(&Common, &mut Segment) -> Result<(), RecorderError>,
    ) -> Result<(), RecorderError> {
        self.segments.get_mut(&seg).map_or(Ok(()), |segment| act(&self.common, segment))
    }

    fn open(
        &mut self,
        seg: SegId,
        start: shared::Stamp,
        tracks: Vec<shared::Track>,
    ) -> Result<(), RecorderError> {
        let Some(segment) = self.segments.get_mut(&seg) else { return Ok(()) };
        let entry = self.common.desk.wait_durable(seg);
        segment.open(&self.common, entry.as_ref().ok().copied(), start, tracks)?;
        entry.map(|_durable| ())
    }

    fn append(&mut self, seg: SegId, chunks: Vec<shared::Chunk>) -> Result<(), RecorderError> {
        let Some(segment) = self.segments.get_mut(&seg) else { return Ok(()) };
        let used = &self.used;
        // The engine may be gone already; then nobody needs the buffer.
        let mut give_back = |sealed: seal::SealedAudio| drop(used.send(sealed.into_buf()));
        if let Some(part) = segment.append(&self.common, chunks, &mut give_back)? {
            self.admitter.put(Work { part: Some(part), discarded: None, ending: None });
        }
        Ok(())
    }

    fn discard(&mut self, seg: SegId) -> Result<(), RecorderError> {
        self.with(seg, |_common, segment| {
            segment.discard();
            Ok(())
        })
    }

    fn close(&mut self, close: &SegClose) -> Result<(), RecorderError> {
        let Some(segment) = self.segments.remove(&close.seg) else { return Ok(()) };
        let (ended, error) = segment.close(&self.common, close);
        self.admitter.put(Work { part: ended.part, discarded: ended.discarded, ending: Some(ended.ending) });
        error.map_or(Ok(()), Err)
    }
}
