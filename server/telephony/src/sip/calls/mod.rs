//! Follows all dialogs on all taps and says what happens to calls.
//!
//! A *family* is what one Call-ID and one caller's tag began on one tap: usually one call, with a fork several branches. The
//! same message seen twice, be it a retransmission, a doubled mirror or the next hop of a proxy, changes nothing but the
//! list of places where media may arrive.
//!
//! What must hold: every call that got `New` gets exactly one `Ended` or stays open until [`Calls::forget`]; no table grows
//! beyond [`Limits`]; what is given up for want of room is told as an event and counted, never silent.

mod branch;
mod facts;
mod family;
mod identity;
mod index;
mod media;
mod requests;
mod responses;

use std::collections::{BTreeMap, VecDeque};

use shared::{Stamp, TapId};

use super::event::{CallEvent, CallEventKind, CallKey};
use super::message::{Message, Method};
use crate::cmd::CallInfo;
use crate::net::Endpoint;
use facts::Facts;
use family::{Family, FamilyId};
use identity::PendingRefer;
use index::Index;

/// How much a tracker keeps and how long it waits. The defaults suit a site of some thousand sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Calls at once, ended ones in their linger included.
    pub calls: usize,
    /// Octets held over all calls, about: addresses, names and session descriptions, which a stranger can make large.
    pub octets: usize,
    /// Branches (To-tags) of one INVITE.
    pub branches: usize,
    /// How long an ended dialog is remembered for its retransmissions (RFC 3261: 64 times T1).
    pub linger_ms: u64,
    /// How long a refusal that asks for another attempt (401, 407, 3xx ...) waits for it.
    pub retry_ms: u64,
    /// How long a CANCEL waits for its 487.
    pub cancel_ms: u64,
    /// How long an INVITE that nobody ever answered with anything is kept.
    pub silent_ms: u64,
    /// How long a call may ring, or play early media, without any message.
    pub ringing_ms: u64,
    /// Ends a call after twice its session interval (RFC 4028) and 32 s without a message. Twice, because a refresh lost by
    /// the mirror must not end a recording.
    pub session_timer: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 50_000,
            octets: 256 << 20,
            branches: 32,
            linger_ms: 32_000,
            retry_ms: 4_000,
            cancel_ms: 32_000,
            silent_ms: 300_000,
            ringing_ms: 3_600_000,
            session_timer: true,
        }
    }
}

/// What was seen and what had to be given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Messages handed in.
    pub messages: u64,
    /// Of these, no SIP, or without what every message must have.
    pub parse_errors: u64,
    /// Calls begun (events `New`).
    pub calls: u64,
    /// Calls ended (events `Ended`).
    pub ended: u64,
    /// Messages of dialogs that were never seen beginning and tell nothing of media.
    pub unmatched: u64,
    /// Calls that were pushed out to make room; each got `Ended` with the reason `limit`.
    pub evicted: u64,
    /// New calls that found no room, and branches beyond their limit: not recorded. An alarm.
    pub refused: u64,
}

/// The tracker of all calls: bytes in, [`CallEvent`]s out, no clock of its own.
pub struct Calls {
    limits: Limits,
    counters: Counters,
    families: BTreeMap<FamilyId, Box<Family>>,
    by_call_id: BTreeMap<Box<str>, Vec<FamilyId>>,
    by_key: BTreeMap<CallKey, FamilyId>,
    index: Index,
    refers: VecDeque<PendingRefer>,
    /// The octets of all families as they were last counted.
    octets: usize,
    events: VecDeque<CallEvent>,
    last_key: u64,
    last_family: u64,
    now: Stamp,
}

impl std::fmt::Debug for Calls {
    /// Shows sizes only: what is inside is personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls")
            .field("calls", &self.by_key.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Calls {
    /// Makes a tracker that knows no call.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            counters: Counters::default(),
            families: BTreeMap::new(),
            by_call_id: BTreeMap::new(),
            by_key: BTreeMap::new(),
            index: Index::default(),
            refers: VecDeque::new(),
            octets: 0,
            events: VecDeque::new(),
            last_key: 0,
            last_family: 0,
            now: Stamp::default(),
        }
    }

    /// Takes one SIP message: a datagram, or what a [`super::Framer`] cut from a stream. `src` and `dst` are those of its
    /// packet. Then ask [`Self::poll_event`] until it gives nothing.
    pub fn handle_message(&mut self, now: Stamp, tap: TapId, src: Endpoint, dst: Endpoint, bytes: &[u8]) {
        self.now = now;
        self.counters.messages = self.counters.messages.saturating_add(1);
        let message = Message::parse(bytes).ok();
        let Some(facts) = message.as_ref().and_then(|message| Facts::read(message, tap, src, dst)) else {
            self.counters.parse_errors = self.counters.parse_errors.saturating_add(1);
            return;
        };
        match (facts.status, facts.method) {
            (_, Method::Other | Method::Notify) => {}
            (Some(status), Method::Invite) => self.on_invite_response(&facts, status),
            (Some(status), Method::Update | Method::Prack) => self.on_other_response(&facts, status),
            (Some(_), Method::Ack | Method::Bye | Method::Cancel | Method::Refer | Method::Info) => {}
            (None, Method::Invite) if facts.to_tag.is_empty() => self.on_first_invite(&facts),
            (None, Method::Cancel) => self.on_cancel(&facts),
            (None, method) => self.on_dialog_request(&facts, method),
        }
        self.shed();
    }

    /// Returns the next event, oldest first.
    pub fn poll_event(&mut self) -> Option<CallEvent> {
        self.events.pop_front()
    }

    /// Does what is due at `now`: ends what waited in vain, forgets what lingered long enough.
    pub fn handle_timeout(&mut self, now: Stamp) {
        self.now = now;
        while let Some(id) = self.index.due(now.mono_ns) {
            let Some(mut family) = self.families.remove(&id) else {
                self.index.remove(id);
                continue;
            };
            if self.expire(&mut family) {
                self.put_back(family);
            } else {
                self.drop_family(&family);
            }
        }
    }

    /// Returns when [`Self::handle_timeout`] is wanted next, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Stamp, &'static str)> {
        let (due_ns, id) = self.index.next_due()?;
        let reason = self.families.get(&id).map_or("forget", |family| family.waits_for(&self.limits).1);
        let ahead_us = due_ns.saturating_sub(self.now.mono_ns) / 1_000;
        let utc = self.now.utc.plus(i64::try_from(ahead_us).unwrap_or(i64::MAX));
        Some((Stamp { mono_ns: due_ns, utc, quality: self.now.quality }, reason))
    }

    /// Returns what was seen and given up so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Returns what is known of a call; nothing once it is forgotten, 32 s after its end.
    #[must_use]
    pub fn info(&self, call: CallKey) -> Option<&CallInfo> {
        let family = self.families.get(self.by_key.get(&call)?)?;
        family.branches.iter().find(|branch| branch.key == call).map(|branch| branch.info.as_ref())
    }

    /// Returns the number of calls held, ended ones in their linger included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Returns about how many octets are held over all calls.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.octets
    }

    /// Tells whether no call is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Takes note that the engine gave a call up (no media for long, its segment closed): no further event comes for it,
    /// and its dialog is remembered only as an ended one.
    pub fn forget(&mut self, now: Stamp, call: CallKey) {
        self.now = now;
        let Some(id) = self.by_key.get(&call).copied() else {
            return;
        };
        if let Some(mut family) = self.families.remove(&id) {
            if let Some(branch) = family.branches.iter_mut().find(|branch| branch.key == call) {
                branch.retire(false);
            }
            family.touch(now);
            self.put_back(family);
        }
    }

    fn emit(&mut self, call: CallKey, at: Stamp, kind: CallEventKind) {
        match &kind {
            CallEventKind::New { .. } => self.counters.calls = self.counters.calls.saturating_add(1),
            CallEventKind::Ended { .. } => self.counters.ended = self.counters.ended.saturating_add(1),
            CallEventKind::Info(_)
            | CallEventKind::Media(_)
            | CallEventKind::Alerting
            | CallEventKind::Answered
            | CallEventKind::Note(_)
            | CallEventKind::Linked { .. } => {}
        }
        self.events.push_back(CallEvent { call, at, kind });
    }
}
