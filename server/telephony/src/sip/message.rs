//! SIP messages as they come from the wire: one tolerant pass, borrowed from the bytes, never trusting a length.
//!
//! This is a listener's parser, not an endpoint's: what a phone would refuse, a recorder must still understand, because the
//! parties may have. So compact and folded headers, bare line feeds, missing or wrong `Content-Length`, leading keep-alives
//! and stray bytes are all read as well as can be. What must hold: any input gives a message or an error, in linear time.

use std::borrow::Cow;

use super::ParseError;
use super::header::{HeaderName, split_list};

/// Longest head (start line and headers) that is read, in octets.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Longest message that is read, in octets; one over TCP may be longer than a datagram.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024;
/// Headers kept of one message; those beyond are passed over.
pub const HEADERS_MAX: usize = 256;

/// Longest start line that is looked at, in octets.
const START_LINE_BYTES_MAX: usize = 4 * 1024;
/// Longest method name, in octets.
const METHOD_BYTES_MAX: usize = 32;

/// A request's method.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Begins or changes a call.
    Invite,
    /// Confirms a final answer to INVITE.
    Ack,
    /// Ends a call.
    Bye,
    /// Takes back an INVITE.
    Cancel,
    /// Confirms a reliable provisional answer (RFC 3262).
    Prack,
    /// Changes a session without an INVITE (RFC 3311).
    Update,
    /// Asks the peer to call somebody else (RFC 3515).
    Refer,
    /// Carries something within a call, such as digits (RFC 6086).
    Info,
    /// Tells about a subscription.
    Notify,
    /// One of the methods that have nothing to do with calls.
    Other,
}

impl Method {
    /// Reads a method by its name; letter case is forgiven.
    #[must_use]
    pub fn from_name(name: &[u8]) -> Self {
        const KNOWN: [(&[u8], Method); 9] = [
            (b"INVITE", Method::Invite),
            (b"ACK", Method::Ack),
            (b"BYE", Method::Bye),
            (b"CANCEL", Method::Cancel),
            (b"PRACK", Method::Prack),
            (b"UPDATE", Method::Update),
            (b"REFER", Method::Refer),
            (b"INFO", Method::Info),
            (b"NOTIFY", Method::Notify),
        ];
        KNOWN
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map_or(Self::Other, |(_, method)| *method)
    }
}

/// The first line of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start<'a> {
    /// A request.
    Request {
        /// What is asked.
        method: Method,
        /// Of whom.
        uri: Cow<'a, str>,
    },
    /// A response.
    Response {
        /// The status, 100 to 699.
        status: u16,
    },
}

/// One header: its name and its value, unfolded, without white space around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// The name, compact forms made long.
    pub name: HeaderName,
    /// The value; octets that are no UTF-8 are replaced.
    pub value: Cow<'a, str>,
}

/// A message, borrowed from the bytes that it was read from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// Request or response.
    pub start: Start<'a>,
    headers: Vec<Header<'a>>,
    /// The body, as far as `Content-Length` can be believed.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads one message: a whole datagram, or what the [`super::Framer`] cut from a stream.
    ///
    /// A message cut short in its head is read as far as it goes; a `Content-Length` beyond the end is taken for "to the
    /// end", one before the end is obeyed only if nothing but another message or line ends follows (a gateway that rewrote
    /// the SDP and forgot the length is common).
    ///
    /// # Errors
    /// Says why the bytes are no SIP message; nothing is kept of it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(ParseError::TooLong);
        }
        let bytes = skip_keep_alive(bytes);
        let (first, rest) = cut_line(bytes).ok_or(ParseError::NotSip)?;
        let start = parse_start(first)?;
        let (headers, rest) = parse_headers(rest)?;
        let mut message = Self { start, headers, body: rest };
        message.body = message.believable_body(rest);
        Ok(message)
    }

    /// Returns the first value of a header.
    #[must_use]
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.iter().find(|header| header.name == name).map(|header| header.value.as_ref())
    }

    /// Walks all values of a header in order, those separated by commas and those in headers of their own alike.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |header| header.name == name)
            .flat_map(|header| split_list(&header.value))
    }

    /// Returns all headers in order.
    #[must_use]
    pub fn headers(&self) -> &[Header<'a>] {
        &self.headers
    }

    /// Returns number and method of `CSeq`. A request without one gets its own method and number 0.
    #[must_use]
    pub fn cseq(&self) -> Option<(u32, Method)> {
        let read = |value: &str| {
            let mut words = value.split_ascii_whitespace();
            let number = words.next()?.parse().ok()?;
            Some((number, Method::from_name(words.next()?.as_bytes())))
        };
        match (&self.start, self.header(HeaderName::CSeq).and_then(read)) {
            (Start::Request { method, .. }, Some((number, _))) => Some((number, *method)),
            (Start::Request { method, .. }, None) => Some((0, *method)),
            (Start::Response { .. }, cseq) => cseq,
        }
    }

    fn believable_body(&self, rest: &'a [u8]) -> &'a [u8] {
        let said =
            self.header(HeaderName::ContentLength).and_then(|value| value.trim().parse::<usize>().ok());
        let Some((body, beyond)) = said.and_then(|said| rest.split_at_checked(said)) else {
            return rest;
        };
        let beyond = skip_keep_alive(beyond);
        if beyond.is_empty() || looks_like_sip(beyond) { body } else { rest }
    }
}

/// Tells whether bytes begin like a SIP message; cheap enough for every datagram that is no RTP, whatever its port.
///
/// Only the start line is looked at: `METHOD uri SIP/2.0` or `SIP/2.0 nnn`, after any keep-alive line ends.
#[must_use]
pub fn looks_like_sip(bytes: &[u8]) -> bool {
    let bytes = skip_keep_alive(bytes);
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let window = bytes.get(..START_LINE_BYTES_MAX).unwrap_or(bytes);
    if is_version(window.get(..8).unwrap_or_default(), true) {
        return status_of(window).is_some();
    }
    let Some(method) = window.iter().take(METHOD_BYTES_MAX).position(|byte| !is_token(*byte)) else {
        return false;
    };
    if method == 0 || window.get(method) != Some(&b' ') {
        return false;
    }
    let Some((line, _)) = cut_line(window) else {
        return false;
    };
    let line = line.trim_ascii_end();
    line.len().checked_sub(8).and_then(|at| line.get(at..)).is_some_and(|end| is_version(end, false))
}

/// Passes over the line ends that keep a connection or a NAT binding open (RFC 5626), and the zeros some phones send.
pub(super) fn skip_keep_alive(bytes: &[u8]) -> &[u8] {
    let from = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(bytes.len());
    bytes.get(from..).unwrap_or_default()
}

/// Cuts the first line off, without its end. Without any line end all bytes are the line.
pub(super) fn cut_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.is_empty() {
        return None;
    }
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Some((bytes.strip_suffix(b"\r").unwrap_or(bytes), &[]));
    };
    let (line, rest) = bytes.split_at_checked(end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..).unwrap_or_default()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// `SIP/2.0` with a blank behind (a response) or before it (a request).
fn is_version(eight: &[u8], blank_last: bool) -> bool {
    let (version, blank) = match eight {
        [version @ .., blank] if blank_last => (version, blank),
        [blank, version @ ..] => (version, blank),
        [] => return false,
    };
    matches!(blank, b' ' | b'\t') && version.eq_ignore_ascii_case(b"SIP/2.0")
}

fn status_of(line: &[u8]) -> Option<u16> {
    let digits = line.get(8..)?.trim_ascii_start().get(..3)?;
    let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (100..700).contains(&status).then_some(status)
}

fn parse_start(line: &[u8]) -> Result<Start<'_>, ParseError> {
    if !looks_like_sip(line) {
        return Err(ParseError::NotSip);
    }
    if is_version(line.get(..8).unwrap_or_default(), true) {
        return status_of(line).map(|status| Start::Response { status }).ok_or(ParseError::NotSip);
    }
    let line = line.trim_ascii_end();
    let (method, rest) = line
        .iter()
        .position(|byte| *byte == b' ')
        .and_then(|at| line.split_at_checked(at))
        .ok_or(ParseError::NotSip)?;
    let uri = rest.len().checked_sub(8).and_then(|end| rest.get(..end)).unwrap_or_default();
    Ok(Start::Request { method: Method::from_name(method), uri: String::from_utf8_lossy(uri.trim_ascii()) })
}

/// Reads headers up to the empty line and returns what follows it. Lines that are no header are passed over.
fn parse_headers(mut rest: &[u8]) -> Result<(Vec<Header<'_>>, &[u8]), ParseError> {
    let mut headers: Vec<Header<'_>> = Vec::with_capacity(24);
    let mut head_bytes = 0usize;
    let mut crowded = false;
    while let Some((line, after)) = cut_line(rest) {
        head_bytes = head_bytes.saturating_add(rest.len().saturating_sub(after.len()));
        if head_bytes > HEAD_BYTES_MAX {
            return Err(ParseError::TooLong);
        }
        rest = after;
        if line.is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            match headers.last_mut() {
                Some(last) if !crowded => unfold(last, line),
                Some(_) | None => {}
            }
            continue;
        }
        crowded = headers.len() >= HEADERS_MAX;
        if !crowded && let Some(header) = parse_header(line) {
            headers.push(header);
        }
    }
    Ok((headers, rest))
}

fn parse_header(line: &[u8]) -> Option<Header<'_>> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let value = value.get(1..).unwrap_or_default().trim_ascii();
    Some(Header { name: HeaderName::from_name(name.trim_ascii()), value: String::from_utf8_lossy(value) })
}

fn unfold(last: &mut Header<'_>, line: &[u8]) {
    let value = last.value.to_mut();
    if !value.is_empty() {
        value.push(' ');
    }
    value.push_str(&String::from_utf8_lossy(line.trim_ascii()));
}
