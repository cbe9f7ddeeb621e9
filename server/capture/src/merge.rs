//! Several capture files read as one, in the order of their packets' times.
//!
//! Taps of one site are captured into a file each; a call whose signalling is in one and whose media are in another is
//! whole only if both are read side by side. Equal times go in the order of the list.

use std::time::Duration;

use crate::{CaptureError, Drops, Packet, PacketSource, Poll, SourceInfo, Timed, Warning};

/// Files merged by time. A file that can't be read on ends alone; its error comes as the poll's, once.
#[derive(Debug)]
pub struct Merge<S> {
    sources: Vec<S>,
    /// The time of each source's next packet; `None` once it has ended.
    heads: Vec<Option<i64>>,
    opened: bool,
    /// The monotonic time handed out last, over all sources.
    mono_ns: u64,
}

impl<S: Timed> Merge<S> {
    /// Merges `sources`.
    #[must_use]
    pub fn new(sources: Vec<S>) -> Self {
        let heads = sources.iter().map(|_| None).collect();
        Self { sources, heads, opened: false, mono_ns: 0 }
    }

    /// Returns the sources.
    #[must_use]
    pub fn sources(&self) -> &[S] {
        &self.sources
    }

    /// Returns the sources, to ask each for its drops.
    #[must_use]
    pub fn sources_mut(&mut self) -> &mut [S] {
        &mut self.sources
    }

    fn open(&mut self) -> Result<(), CaptureError> {
        self.opened = true;
        let mut first = Ok(());
        for (head, source) in self.heads.iter_mut().zip(&mut self.sources) {
            match source.peek_utc_ns() {
                Ok(time) => *head = time,
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }

    /// Returns the place of the source that is next, and the time up to which it stays so.
    fn earliest(&self) -> Option<(usize, i64)> {
        let mut order = self.heads.iter().enumerate().filter_map(|(i, head)| head.map(|time| (time, i)));
        let mut first = order.next()?;
        let mut second: Option<(i64, usize)> = None;
        for head in order {
            if head < first {
                second = Some(first);
                first = head;
            } else if second.is_none_or(|second| head < second) {
                second = Some(head);
            }
        }
        let until = second
            .map_or(i64::MAX, |(time, place)| if first.1 < place { time } else { time.saturating_sub(1) });
        Some((first.1, until))
    }
}

impl<S: Timed> PacketSource for Merge<S> {
    fn info(&self) -> SourceInfo {
        let infos: Vec<_> = self.sources.iter().map(PacketSource::info).collect();
        let name = infos.iter().map(|info| info.name.as_str()).collect::<Vec<_>>().join(", ");
        SourceInfo {
            tap: infos.first().map(|info| info.tap).unwrap_or_default(),
            name,
            live: false,
            link: None,
            fd: None,
        }
    }

    fn poll(&mut self, _wait: Duration, sink: &mut dyn FnMut(&Packet<'_>)) -> Result<Poll, CaptureError> {
        if !self.opened {
            self.open()?;
        }
        let Some((place, until_ns)) = self.earliest() else { return Ok(Poll::End) };
        let alone = self.sources.len() == 1;
        let (Some(source), Some(head)) = (self.sources.get_mut(place), self.heads.get_mut(place)) else {
            return Ok(Poll::End);
        };
        if alone {
            // Nothing to put in order: a file alone sees to its own time.
            let polled = source.poll_until(i64::MAX, sink);
            if !matches!(polled, Ok(Poll::Progress | Poll::Idle)) {
                *head = None;
            }
            return polled;
        }
        let last = &mut self.mono_ns;
        let polled = source.poll_until(until_ns, &mut |packet| {
            let mut packet = *packet;
            *last = packet.stamp.mono_ns.max(*last);
            packet.stamp.mono_ns = *last;
            sink(&packet);
        });
        *head = None;
        polled?;
        *head = source.peek_utc_ns()?;
        Ok(Poll::Progress)
    }

    fn drops(&mut self) -> Drops {
        self.sources.iter_mut().map(PacketSource::drops).fold(Drops::default(), |sum, drops| Drops {
            delivered: sum.delivered.saturating_add(drops.delivered),
            kernel: sum.kernel.saturating_add(drops.kernel),
            interface: sum.interface.saturating_add(drops.interface),
            freezes: sum.freezes.saturating_add(drops.freezes),
        })
    }

    fn warnings(&mut self) -> Vec<Warning> {
        self.sources.iter_mut().flat_map(PacketSource::warnings).collect()
    }
}
