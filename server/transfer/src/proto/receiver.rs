//! The central's half of a connection: what to look up, write and admit for one satellite, and what to answer.
//!
//! The owner does what [`Receiver::next_work`] says, in that order, and answers with the methods below. It feeds no more bytes while work
//! is left: so a satellite that sends faster than the disk writes is slowed by its own connection.

use std::collections::{BTreeMap, VecDeque};

use shared::{RecorderId, RecordingId, UtcMicros};

use super::{CHUNK_MAX, Down, Framer, ProtocolError, Refusal, SILENCE_US, Up, VERSION, What};

/// The greeting must come within ten seconds.
const GREETING_US: u64 = 10_000_000;
/// Ours tell of themselves every ten seconds; nobody is heard more often than once a second.
const STATUS_US: u64 = 1_000_000;

/// What the central does for a satellite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Work {
    /// It greeted.
    Greeted {
        /// The run of its program.
        boot: [u8; 16],
        /// Its wall clock.
        utc: UtcMicros,
    },
    /// Look how much of a file is held; answer [`Receiver::held`].
    Look {
        /// How it is called.
        handle: u32,
        /// Which file.
        what: What,
        /// The digest of what is held is asked for.
        digest: bool,
    },
    /// Write bytes at their place, or compare them with what stands there; answer [`Receiver::written`].
    Write {
        /// How it is called.
        handle: u32,
        /// Which file.
        what: What,
        /// Where: never behind the end of what is held.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// It is whole: verify, make durable, admit; answer [`Receiver::admitted`].
    Finish {
        /// How it is called.
        handle: u32,
        /// Which file.
        what: What,
        /// Its length.
        size: u64,
        /// SHA-256 of everything before the trailer, as the satellite says.
        sha256: [u8; 32],
        /// BLAKE3 of the same.
        blake3: [u8; 32],
    },
    /// Read bytes that are held; answer [`Receiver::bytes`].
    Read {
        /// How it is called.
        handle: u32,
        /// Which file.
        what: What,
        /// From where.
        offset: u64,
        /// How many.
        length: usize,
    },
    /// It offers more files at once than it may, for the first time on this connection. What is too many was refused.
    Crowded {
        /// How many it may have open.
        files: u32,
    },
    /// How the satellite says it goes: JSON of at most [`super::STATUS_MAX`] bytes. Not trusted.
    Status(Vec<u8>),
    /// The calls that are going on there, as far as they changed: JSON of at most [`super::STATUS_MAX`] bytes. Not trusted.
    Calls(Vec<u8>),
}

impl Work {
    /// Returns which file it is about, if any.
    #[must_use]
    pub const fn what(&self) -> Option<What> {
        match self {
            Self::Look { what, .. }
            | Self::Write { what, .. }
            | Self::Finish { what, .. }
            | Self::Read { what, .. } => Some(*what),
            Self::Greeted { .. } | Self::Crowded { .. } | Self::Status(_) | Self::Calls(_) => None,
        }
    }
}

/// What became of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// So much of the file is written now.
    Length(u64),
    /// They were not taken.
    Refused(Refusal),
}

#[derive(Debug)]
struct Incoming {
    what: What,
    /// How much is written; `None` until it was looked up.
    held: Option<u64>,
    /// How much will be when the work that waits is done.
    expected: u64,
    finishing: bool,
}

/// The central's half; see the module.
#[derive(Debug)]
pub struct Receiver {
    /// Whom the certificate names.
    who: RecorderId,
    window: u32,
    files_max: u32,
    rate: u64,
    greeted: bool,
    /// It was told that it offers too many files.
    crowded: bool,
    files: BTreeMap<u32, Incoming>,
    framer: Framer,
    work: VecDeque<Work>,
    /// Its last word about itself, and when the next is heard.
    status: Option<Vec<u8>>,
    status_at: u64,
    out: Vec<u8>,
    began: u64,
    heard_at: u64,
}

impl Receiver {
    /// A satellite connected; its certificate names `who`. `window`: bytes that may be under way; `files`: files that may be open;
    /// `rate`: bytes a second that it may send, 0 for no limit.
    #[must_use]
    pub fn new(who: RecorderId, window: u32, files: u32, rate: u64, now: u64) -> Self {
        Self {
            who,
            window,
            files_max: files,
            rate,
            greeted: false,
            crowded: false,
            files: BTreeMap::new(),
            framer: Framer::default(),
            work: VecDeque::new(),
            status: None,
            status_at: now,
            out: Vec::new(),
            began: now,
            heard_at: now,
        }
    }

    /// Takes bytes that came; `utc` is the wall clock.
    ///
    /// # Errors
    /// It does not keep the rules: answer [`Self::bye`], close, and raise an alarm.
    pub fn feed(&mut self, bytes: &[u8], utc: UtcMicros, now: u64) -> Result<(), ProtocolError> {
        self.heard_at = now;
        self.framer.feed(bytes, now);
        while let Some(message) = self.framer.next(now)? {
            let message = Up::read(message)?;
            self.hear(message, utc)?;
        }
        Ok(())
    }

    /// Returns what is to be done next, in the order in which it came.
    pub fn next_work(&mut self) -> Option<Work> {
        self.work.pop_front().or_else(|| self.status_now())
    }

    /// Only its last word counts, and each costs a row: whoever sends thousands is heard once a second.
    fn status_now(&mut self) -> Option<Work> {
        if self.status.is_none() || self.heard_at < self.status_at {
            return None;
        }
        self.status_at = self.heard_at.saturating_add(STATUS_US);
        self.status.take().map(Work::Status)
    }

    /// Returns the bytes to be sent; empty if there are none.
    #[must_use]
    pub fn answers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Answers [`Work::Look`].
    pub fn held(&mut self, handle: u32, length: u64, blake3: Option<[u8; 32]>) {
        if let Some(file) = self.files.get_mut(&handle) {
            (file.held, file.expected) = (Some(length), length);
            Down::Held { handle, length, blake3 }.write(&mut self.out);
        }
    }

    /// Answers [`Work::Write`].
    pub fn written(&mut self, handle: u32, taken: Taken) {
        match taken {
            Taken::Refused(why) => self.refuse(handle, why),
            Taken::Length(length) => {
                if let Some(file) = self.files.get_mut(&handle) {
                    file.held = Some(length);
                    Down::Ack { handle, length }.write(&mut self.out);
                }
            }
        }
    }

    /// Answers [`Work::Finish`]: the part is durable, in the catalogue, and in the log at `leaf`.
    pub fn admitted(&mut self, handle: u32, leaf: u64, signature: [u8; 64]) {
        if self.files.remove(&handle).is_some() {
            Down::Receipt { handle, leaf, signature }.write(&mut self.out);
        }
    }

    /// Answers any of them: no.
    pub fn refuse(&mut self, handle: u32, why: Refusal) {
        if self.files.remove(&handle).is_some() {
            Down::Refused { handle, why }.write(&mut self.out);
        }
    }

    /// Answers [`Work::Read`].
    pub fn bytes(&mut self, handle: u32, offset: u64, bytes: Vec<u8>) {
        if self.files.contains_key(&handle) && bytes.len() <= CHUNK_MAX {
            Down::Bytes { handle, offset, bytes }.write(&mut self.out);
        }
    }

    /// Sends a signed document of at most [`super::DOCUMENT_MAX`] bytes.
    pub fn document(&mut self, bytes: Vec<u8>) {
        if bytes.len() <= super::DOCUMENT_MAX {
            Down::Document(bytes).write(&mut self.out);
        }
    }

    /// Says that somebody listens to a recording.
    pub fn listen(&mut self, id: RecordingId) {
        Down::Listen(id).write(&mut self.out);
    }

    /// Says why the connection ends.
    pub fn bye(&mut self, text: &str) {
        Down::Bye(text.to_owned()).write(&mut self.out);
    }

    /// When [`Self::tick`] is to be called.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        let greeting = (!self.greeted).then(|| self.began.saturating_add(GREETING_US));
        let silence = Some(self.heard_at.saturating_add(SILENCE_US));
        [greeting, silence, self.framer.deadline()].into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// Time has passed.
    ///
    /// # Errors
    /// It is silent, or drips.
    pub fn tick(&self, now: u64) -> Result<(), ProtocolError> {
        if now < self.deadline() {
            return Ok(());
        }
        let drips = self.framer.deadline().is_some_and(|deadline| now >= deadline);
        Err(if drips { ProtocolError::Drip } else { ProtocolError::Silent })
    }

    fn hear(&mut self, message: Up, utc: UtcMicros) -> Result<(), ProtocolError> {
        match message {
            Up::Hello { version, recorder_id, boot, utc: theirs } => {
                if self.greeted {
                    return Err(ProtocolError::OutOfTurn("a second greeting"));
                }
                if version != VERSION {
                    return Err(ProtocolError::Version(version));
                }
                if recorder_id != self.who {
                    return Err(ProtocolError::Forged);
                }
                self.greeted = true;
                self.work.push_back(Work::Greeted { boot, utc: theirs });
                let (window, files, rate) = (self.window, self.files_max, self.rate);
                Down::Welcome { version: VERSION, utc, window, files, rate }.write(&mut self.out);
            }
            _ if !self.greeted => return Err(ProtocolError::OutOfTurn("a word before the greeting")),
            Up::Offer { handle, what, digest, .. } => self.offered(handle, what, digest)?,
            Up::Data { handle, offset, bytes } => self.data(handle, offset, bytes)?,
            Up::Sealed { handle, size, sha256, blake3 } => self.sealed(handle, size, sha256, blake3)?,
            Up::Ask { handle, offset, length } => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                // What was refused meanwhile has no handle any more, and no answer.
                if let Some(file) = self.files.get(&handle) {
                    let is_held = file.held.is_some_and(|held| offset < held);
                    if !is_held || length > CHUNK_MAX {
                        return Err(ProtocolError::OutOfTurn("a question for bytes that are not held"));
                    }
                    self.work.push_back(Work::Read { handle, what: file.what, offset, length });
                }
            }
            Up::Status(json) => self.status = Some(json),
            Up::Calls(json) => self.work.push_back(Work::Calls(json)),
            Up::Ping(number) => Down::Pong { number, utc }.write(&mut self.out),
        }
        Ok(())
    }

    fn offered(&mut self, handle: u32, what: What, digest: bool) -> Result<(), ProtocolError> {
        if self.files.contains_key(&handle) || self.files.values().any(|file| file.what == what) {
            return Err(ProtocolError::OutOfTurn("a file offered twice"));
        }
        if self.files.len() >= usize::try_from(self.files_max).unwrap_or(usize::MAX) {
            Down::Refused { handle, why: Refusal::TooMany }.write(&mut self.out);
            if !std::mem::replace(&mut self.crowded, true) {
                self.work.push_back(Work::Crowded { files: self.files_max });
            }
            return Ok(());
        }
        self.files.insert(handle, Incoming { what, held: None, expected: 0, finishing: false });
        self.work.push_back(Work::Look { handle, what, digest });
        Ok(())
    }

    fn data(&mut self, handle: u32, offset: u64, bytes: Vec<u8>) -> Result<(), ProtocolError> {
        // What was refused meanwhile is still on its way for a moment.
        let Some(file) = self.files.get_mut(&handle) else { return Ok(()) };
        if file.held.is_none() || file.finishing {
            return Err(ProtocolError::OutOfTurn("bytes of a file that takes none now"));
        }
        let end = offset.checked_add(seal::fields::len64(&bytes));
        let Some(end) = end.filter(|_| offset <= file.expected && !bytes.is_empty()) else {
            return Err(ProtocolError::OutOfTurn("bytes that leave a hole"));
        };
        file.expected = file.expected.max(end);
        self.work.push_back(Work::Write { handle, what: file.what, offset, bytes });
        Ok(())
    }

    fn sealed(
        &mut self,
        handle: u32,
        size: u64,
        sha256: [u8; 32],
        blake3: [u8; 32],
    ) -> Result<(), ProtocolError> {
        let Some(file) = self.files.get_mut(&handle) else { return Ok(()) };
        let is_whole = file.held.is_some() && file.expected == size && !file.finishing;
        if !is_whole || matches!(file.what, What::Ledger(_)) {
            return Err(ProtocolError::OutOfTurn("the end of a file that is not whole"));
        }
        file.finishing = true;
        self.work.push_back(Work::Finish { handle, what: file.what, size, sha256, blake3 });
        Ok(())
    }
}
