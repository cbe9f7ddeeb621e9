//! SIP out of a byte stream: messages cut by `Content-Length` (RFC 3261, 18.3), found again after a hole.
//!
//! The caller feeds the bytes of one direction of one connection in order and says where some are missing. What must hold:
//! never more than [`MESSAGE_BYTES_MAX`] octets are kept, and after a hole the next start line is where reading goes on.

use super::header::HeaderName;
use super::message::{MESSAGE_BYTES_MAX, cut_line, looks_like_sip, skip_keep_alive};

/// Octets kept of a line that may become a start line while the stream makes no sense.
const LOST_TAIL_BYTES_MAX: usize = 4 * 1024;

/// Cuts messages out of one direction of one connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Octets at the front of `buffer` that are done with.
    done: usize,
    /// Where the search for the end of the head goes on, counted from `done`.
    searched: usize,
    /// True while nothing but a start line makes sense.
    lost: bool,
    resyncs: u64,
}

/// Where the next message ends, as far as can be told.
enum Cut {
    Message(usize),
    /// More is needed; so many octets are known to hold no end of the head.
    Incomplete(usize),
    Nonsense,
}

impl Framer {
    /// Makes one for a stream whose beginning may have been missed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream. Call [`Self::next_message`] until it gives nothing before pushing more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.done.min(self.buffer.len()));
        self.done = 0;
        let room = MESSAGE_BYTES_MAX.saturating_sub(self.buffer.len());
        let Some((fits, beyond)) = bytes.split_at_checked(room) else {
            self.buffer.extend_from_slice(bytes);
            return;
        };
        self.buffer.extend_from_slice(fits);
        if !beyond.is_empty() {
            // More than a message may have, and no message in it that anybody took: start again behind it.
            self.hole();
            self.buffer.extend_from_slice(
                beyond.get(beyond.len().saturating_sub(MESSAGE_BYTES_MAX)..).unwrap_or_default(),
            );
        }
    }

    /// Says that bytes are missing here: what was begun is dropped, reading goes on at the next start line.
    pub fn hole(&mut self) {
        self.buffer.clear();
        (self.done, self.searched) = (0, 0);
        self.become_lost();
    }

    /// Returns the next whole message, without keep-alives, or nothing until more is pushed.
    pub fn next_message(&mut self) -> Option<&[u8]> {
        loop {
            if self.lost && !self.find_start() {
                return None;
            }
            self.pass_keep_alive();
            let rest = self.buffer.get(self.done..).unwrap_or_default();
            if rest.is_empty() {
                return None;
            }
            match cut_message(rest, self.searched) {
                Cut::Message(length) => {
                    let from = self.done;
                    self.done = from.saturating_add(length);
                    self.searched = 0;
                    return self.buffer.get(from..self.done);
                }
                Cut::Incomplete(searched) if rest.len() < MESSAGE_BYTES_MAX => {
                    self.searched = searched;
                    return None;
                }
                Cut::Incomplete(_) | Cut::Nonsense => {
                    self.skip_line();
                    self.become_lost();
                }
            }
        }
    }

    /// Returns how often the stream stopped making sense.
    #[must_use]
    pub const fn resyncs(&self) -> u64 {
        self.resyncs
    }

    /// Tells whether the stream makes sense at present; a connection that never did carries no SIP.
    #[must_use]
    pub const fn in_step(&self) -> bool {
        !self.lost
    }

    /// Returns the octets waiting for the rest of their message.
    #[must_use]
    pub const fn waiting_bytes(&self) -> usize {
        self.buffer.len().saturating_sub(self.done)
    }

    const fn become_lost(&mut self) {
        if !self.lost {
            self.resyncs = self.resyncs.saturating_add(1);
        }
        self.lost = true;
        self.searched = 0;
    }

    fn pass_keep_alive(&mut self) {
        let rest = self.buffer.get(self.done..).unwrap_or_default();
        let pings = rest.len().saturating_sub(skip_keep_alive(rest).len());
        if pings > 0 {
            self.done = self.done.saturating_add(pings);
            self.searched = 0;
        }
    }

    fn skip_line(&mut self) {
        let rest = self.buffer.get(self.done..).unwrap_or_default();
        let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at.saturating_add(1));
        self.done = self.done.saturating_add(line);
        self.searched = 0;
    }

    /// Drops whole lines until one is a start line. The last line may still be growing and is kept, up to a bound.
    fn find_start(&mut self) -> bool {
        loop {
            let rest = self.buffer.get(self.done..).unwrap_or_default();
            if !rest.contains(&b'\n') {
                if rest.len() > LOST_TAIL_BYTES_MAX {
                    self.done = self.buffer.len();
                }
                return false;
            }
            if cut_line(rest).is_some_and(|(line, _)| looks_like_sip(line)) {
                self.lost = false;
                return true;
            }
            self.skip_line();
        }
    }
}

/// Finds the end of the message at the start of `rest`; `searched` octets of it are known to hold no end of a head.
fn cut_message(rest: &[u8], searched: usize) -> Cut {
    let Some((line, _)) = cut_line(rest) else {
        return Cut::Incomplete(0);
    };
    if rest.contains(&b'\n') {
        if !looks_like_sip(line) {
            return Cut::Nonsense;
        }
    } else if !could_become_start(rest) {
        return Cut::Nonsense;
    }
    let Some(head) = head_length(rest, searched) else {
        return Cut::Incomplete(rest.len().saturating_sub(3));
    };
    let (said, has_type) = body_length(rest.get(..head).unwrap_or_default());
    match said {
        Some(body) if head.saturating_add(body) > MESSAGE_BYTES_MAX => Cut::Nonsense,
        Some(body) if head.saturating_add(body) > rest.len() => Cut::Incomplete(searched),
        Some(body) => Cut::Message(head.saturating_add(body)),
        // A stream needs the length, but some leave it out: what has come up to the next start line is the body.
        None if has_type => Cut::Message(next_start(rest, head)),
        None => Cut::Message(head),
    }
}

/// A first line that is still growing: letters as a method or a version has, and not too many of them.
fn could_become_start(rest: &[u8]) -> bool {
    rest.len() <= LOST_TAIL_BYTES_MAX && rest.first().is_some_and(u8::is_ascii_alphabetic)
}

fn head_length(rest: &[u8], searched: usize) -> Option<usize> {
    let mut at = searched;
    loop {
        let newline = rest.get(at..)?.iter().position(|byte| *byte == b'\n')?.saturating_add(at);
        let next = newline.saturating_add(1);
        match (rest.get(next), rest.get(next.saturating_add(1))) {
            (Some(b'\n'), _) => return Some(next.saturating_add(1)),
            (Some(b'\r'), Some(b'\n')) => return Some(next.saturating_add(2)),
            _ => at = next,
        }
    }
}

/// Returns the body's length as said, and whether the head tells a type of body.
fn body_length(head: &[u8]) -> (Option<usize>, bool) {
    let (mut length, mut has_type) = (None, false);
    let mut rest = head;
    while let Some((line, after)) = cut_line(rest) {
        rest = after;
        let Some((name, value)) =
            line.iter().position(|b| *b == b':').and_then(|at| line.split_at_checked(at))
        else {
            continue;
        };
        let name = HeaderName::from_name(name.trim_ascii());
        if name == HeaderName::ContentLength {
            length = length.or_else(|| number(value.get(1..).unwrap_or_default()));
        }
        has_type |= name == HeaderName::ContentType;
    }
    (length, has_type)
}

fn number(value: &[u8]) -> Option<usize> {
    let digits = std::str::from_utf8(value.trim_ascii()).ok()?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(usize::MAX))
}

fn next_start(rest: &[u8], head: usize) -> usize {
    let mut tail = rest.get(head..).unwrap_or_default();
    while let Some((line, after)) = cut_line(tail) {
        if looks_like_sip(line) {
            break;
        }
        tail = after;
    }
    rest.len().saturating_sub(tail.len())
}
