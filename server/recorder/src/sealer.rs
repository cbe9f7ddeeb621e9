//! One sealing thread: it owns all recordings whose segment number falls to it, so that their order needs no lock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use shared::FrameBuf;
use telephony::cmd::{SegClose, SegCmd, SegId};

use crate::admitter::{Entry as ToAdmitter, Work};
use crate::queue::{Queue, Weigh};
use crate::segment::Segment;
use crate::{Common, RecorderError, loss};

/// Room in the queue is given back in steps of this, so that the lock is taken once for some hundred kilobytes.
const RELEASE_OCTETS: usize = 256 << 10;

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
    segments: HashMap<SegId, Segment>,
}

impl Sealer {
    pub(crate) fn new(
        common: Arc<Common>,
        queue: Queue<Job>,
        admitter: ToAdmitter,
        used: Sender<FrameBuf>,
    ) -> Self {
        Self { common, queue, admitter, used, segments: HashMap::new() }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut jobs = VecDeque::new();
        while self.queue.take_all(&mut jobs) {
            let mut done = 0_usize;
            for job in jobs.drain(..) {
                done = done.saturating_add(job.octets());
                self.obey(job.0);
                if done >= RELEASE_OCTETS {
                    self.queue.release(std::mem::take(&mut done));
                }
            }
            self.queue.release(done);
        }
    }

    fn obey(&mut self, cmd: SegCmd) {
        let seg = cmd.seg();
        let done = match cmd {
            SegCmd::Signalled { info, .. } => {
                self.segments.insert(seg, Segment::new(seg, *info));
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
