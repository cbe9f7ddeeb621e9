//! Parts that are whole, admitted beside the conversation that brought them: proving one reads all of it, and syncs wait for the disk,
//! while its satellite has more to say. What becomes whole meanwhile is admitted together afterwards, with one sync for all.

use std::collections::HashSet;
use std::future::pending;
use std::sync::Arc;

use shared::RecorderId;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};
use vault::What;

use super::Intake;
use super::work::Done;
use crate::proto::Work;

/// What one satellite has said is whole, and has no answer yet. As many as it may have open at most.
pub(super) struct Admissions {
    intake: Arc<Intake>,
    who: RecorderId,
    under_way: Option<JoinHandle<Vec<Done>>>,
    waiting: Vec<Work>,
    /// All of both.
    parts: HashSet<What>,
}

impl Admissions {
    pub(super) fn new(intake: &Arc<Intake>, who: RecorderId) -> Self {
        let (intake, parts) = (Arc::clone(intake), HashSet::new());
        Self { intake, who, under_way: None, waiting: Vec::new(), parts }
    }

    /// True if work is about a part that is being admitted: nothing may be written to it, so what is under way comes first.
    pub(super) fn concern(&self, work: &[Work]) -> bool {
        work.iter().filter_map(Work::what).any(|what| self.parts.contains(&what))
    }

    /// Takes what is to be admitted out of `work`; behind the rest of it, [`Self::begin`].
    pub(super) fn take_from(&mut self, work: &mut Vec<Work>) {
        for one in work.extract_if(.., |one| matches!(one, Work::Finish { .. })) {
            self.parts.extend(one.what());
            self.waiting.push(one);
        }
    }

    /// Begins with what waits, if nothing is under way.
    pub(super) fn begin(&mut self) {
        if self.under_way.is_none() && !self.waiting.is_empty() {
            let (intake, who, work) = (Arc::clone(&self.intake), self.who, std::mem::take(&mut self.waiting));
            self.under_way = Some(spawn_blocking(move || intake.perform(who, work)));
        }
    }

    /// Waits for what is under way; for ever, if nothing is. May be dropped and called again.
    ///
    /// # Errors
    /// It panicked.
    pub(super) async fn done(&mut self) -> Result<Vec<Done>, JoinError> {
        let Some(task) = &mut self.under_way else { return pending().await };
        let done = task.await;
        self.under_way = None;
        self.parts = self.waiting.iter().filter_map(Work::what).collect();
        done
    }

    /// Waits for everything.
    ///
    /// # Errors
    /// It panicked.
    pub(super) async fn all_done(&mut self) -> Result<Vec<Done>, JoinError> {
        let mut all = Vec::new();
        self.begin();
        while self.under_way.is_some() {
            all.extend(self.done().await?);
            self.begin();
        }
        Ok(all)
    }
}
