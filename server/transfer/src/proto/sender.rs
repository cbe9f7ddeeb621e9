//! The satellite's half of a connection: what to offer, what to send next, and what a receipt lets go.
//!
//! The owner tells what stands in its files ([`Sender::grew`], [`Sender::sealed`]) and does what [`Sender::next`] says. Files outlive
//! connections: after [`Sender::lost`] everything is offered again on the next one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seal::VerifyingKey;
use shared::{RecorderId, RecordingId, SiteId, UtcMicros};

use super::{Digests, Down, Flow, Framer, PING_US, ProtocolError, Refusal, SILENCE_US, Up, VERSION, What};
use crate::Receipt;

/// Bytes that are gathered before they are handed to the line.
const GATHER: usize = 64 << 10;
/// What was refused for now is offered again after a minute.
const AGAIN_US: u64 = 60_000_000;

/// Who sends, and to whom.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// The site.
    pub site_id: SiteId,
    /// This satellite.
    pub recorder_id: RecorderId,
    /// Drawn at the start of the program.
    pub boot: [u8; 16],
    /// The central's key, certified by the site's root: it signs receipts.
    pub central: VerifyingKey,
    /// What goes first.
    pub order: Order,
}

/// What goes first when not everything can go at once. The ledger always does: it is small, and it is the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Calls that are going on, so that somebody can listen; then what waits longest.
    #[default]
    LiveFirst,
    /// What waits longest.
    OldestFirst,
}

/// Why a file stays although the central was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// The central refused it.
    Refused(Refusal),
    /// The central holds more of it than stands here.
    Ahead {
        /// Bytes there.
        held: u64,
    },
    /// A receipt came that the central's key did not sign for this file.
    BadReceipt,
    /// It cannot be read here.
    Unreadable,
}

/// What the owner has to do next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Todo {
    /// Hand these bytes to the line.
    Send(Vec<u8>),
    /// Read so much and give it to [`Sender::read`], or say [`Sender::unreadable`].
    Read {
        /// From which file.
        what: What,
        /// From where.
        offset: u64,
        /// How many bytes; they stand there.
        length: usize,
    },
    /// The receipt verifies: keep it, then the file may go.
    Receipted {
        /// Whose.
        what: What,
        /// What was signed.
        receipt: Receipt,
        /// The signature.
        signature: [u8; 64],
    },
    /// Something that a person must know about. The file stays.
    Trouble {
        /// Which file.
        what: What,
        /// What.
        trouble: Trouble,
    },
    /// After a crash: so much of it the central holds.
    Held {
        /// Of which.
        what: What,
        /// Bytes.
        length: u64,
        /// BLAKE3 of these.
        blake3: Option<[u8; 32]>,
    },
    /// After a crash: bytes that the central held.
    Took {
        /// Of which.
        what: What,
        /// Where they stand.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A signed document came.
    Document(Vec<u8>),
    /// Somebody at the central listens to this recording.
    Listen(RecordingId),
    /// The central's clock, read half a round trip ago.
    Clock {
        /// Its wall clock.
        utc: UtcMicros,
        /// The round trip, in microseconds.
        trip_us: u64,
    },
}

#[derive(Debug)]
struct Outgoing {
    length: u64,
    digests: Option<Digests>,
    /// Since when something of it waits.
    since: u64,
    /// A crash cut it: it is offered to hear what the central holds, and waits for its end.
    cut: bool,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not offered on this connection.
    Waiting,
    /// Offered.
    Offered(u32),
    /// Sent up to there; acknowledged up to there.
    Flowing { handle: u32, sent: u64, acked: u64 },
    /// Whole, and said to be so.
    Told(u32),
    /// Not on this connection, and not before `until`.
    Refused { until: Option<u64> },
}

#[derive(Debug)]
enum Link {
    Down,
    Greeting,
    Up { flow: Flow, files_max: usize },
}

/// What goes first: class, since when, which.
type Key = (u8, u64, What);

/// The satellite's half; see the module.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    files: BTreeMap<What, Outgoing>,
    handles: BTreeMap<u32, What>,
    next_handle: u32,
    to_offer: BTreeSet<Key>,
    to_send: BTreeSet<Key>,
    /// What was refused for now, by when it is offered again.
    again: BTreeSet<(u64, What)>,
    link: Link,
    framer: Framer,
    out: Vec<u8>,
    todo: VecDeque<Todo>,
    reading: bool,
    heard_at: u64,
    pinged: Option<(u64, u64)>,
    pings: u64,
}

impl Sender {
    /// Begins without a connection and without files.
    #[must_use]
    pub fn new(config: SenderConfig) -> Self {
        Self {
            config,
            files: BTreeMap::new(),
            handles: BTreeMap::new(),
            next_handle: 1,
            to_offer: BTreeSet::new(),
            to_send: BTreeSet::new(),
            again: BTreeSet::new(),
            link: Link::Down,
            framer: Framer::default(),
            out: Vec::new(),
            todo: VecDeque::new(),
            reading: false,
            heard_at: 0,
            pinged: None,
            pings: 0,
        }
    }

    /// Tells that a file has `length` bytes now; a new one is taken up. Only bytes that stand in the file count.
    pub fn grew(&mut self, what: What, length: u64, now: u64) {
        self.change(what, now, |file| file.length = file.length.max(length));
    }

    /// Tells that a part is whole: `size` bytes with these digests.
    pub fn sealed(&mut self, what: What, size: u64, digests: Digests, now: u64) {
        self.change(what, now, |file| {
            file.length = size;
            file.digests = Some(digests);
            file.cut = false;
        });
    }

    /// Tells of a file that a crash cut at `length`: the central is asked what it holds. Then [`Self::ask`], and at the end
    /// [`Self::sealed`].
    pub fn cut(&mut self, what: What, length: u64, now: u64) {
        self.change(what, now, |file| {
            file.length = length;
            file.cut = true;
        });
    }

    /// Forgets a file that is there no more: discarded by a rule.
    pub fn forget(&mut self, what: What) {
        self.unqueue(what);
        if let Some(file) = self.files.remove(&what) {
            self.release(&file);
        }
    }

    /// Returns the files that wait, and their bytes that the central has not acknowledged.
    #[must_use]
    pub fn backlog(&self) -> (usize, u64) {
        let left = self.files.values().map(|file| file.length.saturating_sub(file.acked()));
        (self.files.len(), left.fold(0, u64::saturating_add))
    }

    /// Returns what the line was seen to carry, in bytes a second.
    #[must_use]
    pub fn rate(&self) -> u64 {
        if let Link::Up { flow, .. } = &self.link { flow.rate() } else { 0 }
    }

    /// A connection is there: greets.
    pub fn connect(&mut self, utc: UtcMicros, now: u64) {
        self.lost();
        self.link = Link::Greeting;
        self.heard_at = now;
        let SenderConfig { recorder_id, boot, .. } = self.config;
        Up::Hello { version: VERSION, recorder_id, boot, utc }.write(&mut self.out);
        self.pinged = Some((0, now));
    }

    /// The connection is gone: everything is offered again on the next.
    pub fn lost(&mut self) {
        self.link = Link::Down;
        self.framer = Framer::default();
        self.out.clear();
        self.handles.clear();
        self.again.clear();
        self.pinged = None;
        // What was learnt and not told yet stays true; a read that is under way is answered into the void.
        let whats: Vec<What> = self.files.keys().copied().collect();
        for what in whats {
            self.set_stage(what, Stage::Waiting);
        }
    }

    /// Tells whether both sides have greeted.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.link, Link::Up { .. })
    }

    /// Sends a status: JSON of at most [`super::STATUS_MAX`] bytes.
    pub fn status(&mut self, json: Vec<u8>) {
        if matches!(self.link, Link::Up { .. }) && json.len() <= super::STATUS_MAX {
            Up::Status(json).write(&mut self.out);
        }
    }

    /// Tells of the calls that are going on: JSON of at most [`super::STATUS_MAX`] bytes.
    pub fn calls(&mut self, json: Vec<u8>) {
        if matches!(self.link, Link::Up { .. }) && json.len() <= super::STATUS_MAX {
            Up::Calls(json).write(&mut self.out);
        }
    }

    /// Asks for bytes that the central holds of a cut file.
    pub fn ask(&mut self, what: What, offset: u64, length: u32) {
        if let Some(handle) = self.files.get(&what).and_then(|file| file.stage.handle()) {
            Up::Ask { handle, offset, length }.write(&mut self.out);
        }
    }

    /// Takes bytes that came.
    ///
    /// # Errors
    /// The central does not keep the rules, or ended it: close the connection and say [`Self::lost`].
    pub fn feed(&mut self, bytes: &[u8], now: u64) -> Result<(), ProtocolError> {
        self.heard_at = now;
        self.framer.feed(bytes, now);
        while let Some(message) = self.framer.next(now)? {
            let message = Down::read(message)?;
            self.hear(message, now)?;
        }
        Ok(())
    }

    /// Takes what [`Todo::Read`] asked for.
    pub fn read(&mut self, what: What, offset: u64, bytes: Vec<u8>, now: u64) {
        self.reading = false;
        let Some(Stage::Flowing { handle, sent, acked }) = self.files.get(&what).map(|file| file.stage)
        else {
            return;
        };
        let length = seal::fields::len64(&bytes);
        let Link::Up { flow, .. } = &mut self.link else { return };
        if sent != offset || length == 0 {
            return;
        }
        flow.sent(length, now);
        if self.out.is_empty() {
            // One piece of memory for all that is gathered, and not ever larger ones that it is copied into.
            self.out.reserve(GATHER.saturating_add(bytes.len()));
        }
        Up::Data { handle, offset, bytes }.write(&mut self.out);
        self.set_stage(what, Stage::Flowing { handle, sent: sent.saturating_add(length), acked });
    }

    /// What [`Todo::Read`] asked for cannot be read.
    pub fn unreadable(&mut self, what: What) {
        self.reading = false;
        self.give_up(what, Trouble::Unreadable, None);
    }

    /// Says what is to be done next; `None`: nothing before [`Self::deadline`], news of a file, or bytes that come.
    pub fn next(&mut self, now: u64) -> Option<Todo> {
        if let Some(todo) = self.todo.pop_front() {
            return Some(todo);
        }
        self.offer();
        if self.out.len() < GATHER
            && let Some(read) = self.next_read(now)
        {
            return Some(read);
        }
        (!self.out.is_empty()).then(|| Todo::Send(std::mem::take(&mut self.out)))
    }

    /// When [`Self::tick`] is to be called.
    #[must_use]
    pub fn deadline(&self, now: u64) -> Option<u64> {
        let Link::Up { flow, .. } = &self.link else {
            return matches!(self.link, Link::Greeting).then(|| self.heard_at.saturating_add(SILENCE_US));
        };
        let ping = self.pinged.is_none().then(|| self.heard_at.saturating_add(PING_US));
        let silence = Some(self.heard_at.saturating_add(SILENCE_US));
        let free = flow.free_at(now).filter(|_| !self.to_send.is_empty());
        let again = self.again.first().map(|(at, _)| *at);
        [ping, silence, free, again, self.framer.deadline()].into_iter().flatten().min()
    }

    /// Time has passed.
    ///
    /// # Errors
    /// The central is silent, or drips: close the connection and say [`Self::lost`].
    pub fn tick(&mut self, now: u64) -> Result<(), ProtocolError> {
        if matches!(self.link, Link::Down) {
            return Ok(());
        }
        if now >= self.heard_at.saturating_add(SILENCE_US) {
            return Err(ProtocolError::Silent);
        }
        if self.framer.deadline().is_some_and(|deadline| now >= deadline) {
            return Err(ProtocolError::Drip);
        }
        if self.pinged.is_none() && now >= self.heard_at.saturating_add(PING_US) {
            self.pings = self.pings.wrapping_add(1);
            self.pinged = Some((self.pings, now));
            Up::Ping(self.pings).write(&mut self.out);
        }
        while let Some((_, what)) = self.again.first().copied().filter(|(at, _)| *at <= now) {
            self.again.pop_first();
            self.set_stage(what, Stage::Waiting);
        }
        Ok(())
    }

    fn hear(&mut self, message: Down, now: u64) -> Result<(), ProtocolError> {
        if let Down::Welcome { version, utc, window, files, rate } = message {
            if version != VERSION {
                return Err(ProtocolError::Version(version));
            }
            if !matches!(self.link, Link::Greeting) {
                return Err(ProtocolError::OutOfTurn("a second welcome"));
            }
            let files_max = usize::try_from(files).unwrap_or(usize::MAX).max(2);
            let trip = self.pinged.map_or(0, |(_, at)| now.saturating_sub(at));
            self.link = Link::Up { flow: Flow::new(window, rate, trip, now), files_max };
            self.clock(0, utc, now);
            return Ok(());
        }
        match message {
            Down::Bye(text) => return Err(ProtocolError::Ended(text)),
            _ if !matches!(self.link, Link::Up { .. }) => {
                return Err(ProtocolError::OutOfTurn("a word before the welcome"));
            }
            Down::Welcome { .. } => {}
            Down::Held { handle, length, blake3 } => self.held(handle, length, blake3)?,
            Down::Ack { handle, length } => self.acked(handle, length, now)?,
            Down::Refused { handle, why } => {
                if let Some(what) = self.handles.get(&handle).copied() {
                    let until = why.passes().then(|| now.saturating_add(AGAIN_US));
                    self.give_up(what, Trouble::Refused(why), until);
                }
            }
            Down::Receipt { handle, leaf, signature } => self.receipted(handle, leaf, signature)?,
            Down::Bytes { handle, offset, bytes } => {
                let what = *self.handles.get(&handle).ok_or(ProtocolError::OutOfTurn("bytes of nothing"))?;
                self.todo.push_back(Todo::Took { what, offset, bytes });
            }
            Down::Document(bytes) => self.todo.push_back(Todo::Document(bytes)),
            Down::Listen(id) => self.todo.push_back(Todo::Listen(id)),
            Down::Pong { number, utc } => self.clock(number, utc, now),
        }
        Ok(())
    }

    fn clock(&mut self, number: u64, utc: UtcMicros, now: u64) {
        if let Some((_, at)) = self.pinged.take_if(|(asked, _)| *asked == number) {
            self.todo.push_back(Todo::Clock { utc, trip_us: now.saturating_sub(at) });
        }
    }

    fn held(&mut self, handle: u32, length: u64, blake3: Option<[u8; 32]>) -> Result<(), ProtocolError> {
        let Some(what) = self.handles.get(&handle).copied() else { return Ok(()) };
        let Some(file) = self.files.get(&what).filter(|file| file.stage == Stage::Offered(handle)) else {
            return Err(ProtocolError::OutOfTurn("what it holds, unasked"));
        };
        if file.cut {
            self.todo.push_back(Todo::Held { what, length, blake3 });
        } else if length > file.length {
            self.give_up(what, Trouble::Ahead { held: length }, None);
            return Ok(());
        }
        self.set_stage(what, Stage::Flowing { handle, sent: length, acked: length });
        Ok(())
    }

    fn acked(&mut self, handle: u32, length: u64, now: u64) -> Result<(), ProtocolError> {
        let Some(what) = self.handles.get(&handle).copied() else { return Ok(()) };
        let Some(file) = self.files.get_mut(&what) else { return Ok(()) };
        let Stage::Flowing { sent, acked, .. } = &mut file.stage else {
            return Err(ProtocolError::OutOfTurn("an acknowledgement of nothing sent"));
        };
        if length < *acked || length > *sent {
            return Err(ProtocolError::OutOfTurn("an acknowledgement of bytes that were not sent"));
        }
        let news = length.saturating_sub(*acked);
        *acked = length;
        if let Link::Up { flow, .. } = &mut self.link {
            flow.acked(news, now);
        }
        self.tell_sealed(what);
        Ok(())
    }

    /// Says that a part is whole, once all of it is acknowledged.
    fn tell_sealed(&mut self, what: What) {
        let Some(file) = self.files.get_mut(&what) else { return };
        let (Stage::Flowing { handle, acked, .. }, Some(digests)) = (file.stage, file.digests) else {
            return;
        };
        if acked == file.length {
            let Digests { sha256, blake3 } = digests;
            Up::Sealed { handle, size: file.length, sha256, blake3 }.write(&mut self.out);
            file.stage = Stage::Told(handle);
        }
    }

    fn receipted(&mut self, handle: u32, leaf: u64, signature: [u8; 64]) -> Result<(), ProtocolError> {
        let Some(what) = self.handles.get(&handle).copied() else { return Ok(()) };
        let told = self.files.get(&what).filter(|file| file.stage == Stage::Told(handle));
        let (What::Part(recording_id, part), Some(file)) = (what, told) else {
            return Err(ProtocolError::OutOfTurn("a receipt for what is not whole"));
        };
        let Some(Digests { sha256, blake3 }) = file.digests else { return Ok(()) };
        let SenderConfig { site_id, recorder_id, .. } = self.config;
        let receipt =
            Receipt { site_id, recorder_id, recording_id, part, size: file.length, sha256, blake3, leaf };
        if !receipt.verifies(&signature, &self.config.central) {
            self.give_up(what, Trouble::BadReceipt, None);
            return Ok(());
        }
        self.forget(what);
        self.todo.push_back(Todo::Receipted { what, receipt, signature });
        Ok(())
    }

    /// Offers files while the central lets so many be open. What waits leaves half of the places to calls that are going on.
    fn offer(&mut self) {
        let Link::Up { files_max, .. } = self.link else { return };
        while let Some(key @ (class, _, what)) = self.to_offer.first().copied() {
            let places = if class <= LIVE { files_max } else { files_max / 2 };
            if self.handles.len() >= places {
                return;
            }
            self.to_offer.remove(&key);
            let handle = self.next_handle;
            self.next_handle = handle.wrapping_add(1);
            let Some(file) = self.files.get_mut(&what) else { continue };
            file.stage = Stage::Offered(handle);
            self.handles.insert(handle, what);
            Up::Offer { handle, what, length: file.length, digest: file.cut }.write(&mut self.out);
        }
    }

    fn next_read(&mut self, now: u64) -> Option<Todo> {
        let Link::Up { flow, .. } = &self.link else { return None };
        if self.reading {
            return None;
        }
        let (_, _, what) = *self.to_send.first()?;
        let file = self.files.get(&what)?;
        let Stage::Flowing { sent, .. } = file.stage else { return None };
        let length = flow.may_send(now).min(file.length.saturating_sub(sent));
        if length == 0 {
            return None;
        }
        self.reading = true;
        Some(Todo::Read { what, offset: sent, length: usize::try_from(length).unwrap_or(usize::MAX) })
    }

    fn give_up(&mut self, what: What, trouble: Trouble, until: Option<u64>) {
        let Some(file) = self.files.get(&what) else { return };
        if let (Stage::Flowing { sent, acked, .. }, Link::Up { flow, .. }) = (file.stage, &mut self.link) {
            // Bytes on their way to a refusal are off the line as well.
            flow.acked(sent.saturating_sub(acked), self.heard_at);
        }
        if let Some(handle) = file.stage.handle() {
            self.handles.remove(&handle);
        }
        self.set_stage(what, Stage::Refused { until });
        if let Some(until) = until {
            self.again.insert((until, what));
        }
        self.todo.push_back(Todo::Trouble { what, trouble });
    }

    fn release(&mut self, file: &Outgoing) {
        if let Some(handle) = file.stage.handle() {
            self.handles.remove(&handle);
        }
        if let (Stage::Flowing { sent, acked, .. }, Link::Up { flow, .. }) = (file.stage, &mut self.link) {
            flow.acked(sent.saturating_sub(acked), self.heard_at);
        }
    }

    fn change(&mut self, what: What, now: u64, change: impl FnOnce(&mut Outgoing)) {
        self.unqueue(what);
        let new = Outgoing { length: 0, digests: None, since: now, cut: false, stage: Stage::Waiting };
        let file = self.files.entry(what).or_insert(new);
        if file.has_nothing_to_send() {
            file.since = now;
        }
        change(file);
        self.queue(what);
        self.tell_sealed(what);
    }

    fn set_stage(&mut self, what: What, stage: Stage) {
        self.unqueue(what);
        if let Some(file) = self.files.get_mut(&what) {
            file.stage = stage;
        }
        self.queue(what);
        self.tell_sealed(what);
    }

    fn key(&self, what: What) -> Option<Key> {
        let file = self.files.get(&what)?;
        let class = match (what, self.config.order) {
            (What::Ledger(_), _) => 0,
            (What::Part(..), Order::LiveFirst) if file.digests.is_none() => LIVE,
            (What::Part(..), _) => LIVE.saturating_add(1),
        };
        Some((class, file.since, what))
    }

    fn unqueue(&mut self, what: What) {
        if let Some(key) = self.key(what) {
            self.to_offer.remove(&key);
            self.to_send.remove(&key);
        }
    }

    fn queue(&mut self, what: What) {
        let (Some(key), Some(file)) = (self.key(what), self.files.get(&what)) else { return };
        match file.stage {
            Stage::Waiting => drop(self.to_offer.insert(key)),
            Stage::Flowing { sent, .. } if sent < file.length => drop(self.to_send.insert(key)),
            Stage::Flowing { .. } | Stage::Offered(_) | Stage::Told(_) | Stage::Refused { .. } => {}
        }
    }
}

/// Calls that are going on; before them the ledger, behind them what waits.
const LIVE: u8 = 1;

impl Outgoing {
    const fn acked(&self) -> u64 {
        match self.stage {
            Stage::Flowing { acked, .. } => acked,
            Stage::Told(_) => self.length,
            Stage::Waiting | Stage::Offered(_) | Stage::Refused { .. } => 0,
        }
    }

    const fn has_nothing_to_send(&self) -> bool {
        matches!(self.stage, Stage::Flowing { sent, .. } if sent >= self.length)
    }
}

impl Stage {
    const fn handle(self) -> Option<u32> {
        match self {
            Self::Offered(handle) | Self::Told(handle) | Self::Flowing { handle, .. } => Some(handle),
            Self::Waiting | Self::Refused { .. } => None,
        }
    }
}
