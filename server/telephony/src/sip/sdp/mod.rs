//! Session descriptions (RFC 8866): what a listener needs of them, read tolerantly and within bounds.
//!
//! Line by line; a line that makes no sense is passed over, never the whole description. What is not read here does not
//! change where media arrive or what they are.

mod crypto;
mod formats;

use crate::net::{Addr, Endpoint};
use crate::sip::Format;
use crate::sip::event::SdesKey;

pub use formats::static_format;

/// Media lines read of one description.
pub const MEDIA_MAX: usize = 16;
/// Formats read of one media line.
pub const FORMATS_MAX: usize = 32;
/// Lines read of one description.
const LINES_MAX: usize = 2_000;
/// Extra addresses (ICE candidates) kept of one media line.
const CANDIDATES_MAX: usize = 4;
/// `a=crypto` lines kept of one media line.
const CRYPTO_MAX: usize = 8;
/// Longest line, in octets.
const LINE_BYTES_MAX: usize = 4 * 1024;

/// What kind of media a line is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MediaKind {
    /// Voice.
    Audio,
    /// Fax by T.38 over UDPTL or RTP.
    FaxT38,
    /// Anything else.
    #[default]
    Other,
}

/// Who may send on a media line, as its author says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Flow {
    /// Both ways.
    #[default]
    SendRecv,
    /// The author only sends.
    SendOnly,
    /// The author only receives.
    RecvOnly,
    /// Nobody sends.
    Inactive,
}

impl Flow {
    /// Tells whether the author of the line sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Tells whether the author of the line receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// One media line with all that belongs to it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Media {
    /// Voice, fax or something else.
    pub kind: MediaKind,
    /// Port, 0 for a line that is refused or taken away.
    pub port: u16,
    /// The address in force for this line; none when it is a name or is missing.
    pub addr: Option<Addr>,
    /// The RTCP address where said otherwise than port + 1 (RFC 3605).
    pub rtcp: Option<(Option<Addr>, u16)>,
    /// RTCP on the port of RTP (RFC 5761).
    pub rtcp_mux: bool,
    /// The transport is SRTP (`RTP/SAVP` and its kin).
    pub secure: bool,
    /// Keys pass by otherwise than in this description: DTLS-SRTP, ZRTP, MIKEY.
    pub opaque: bool,
    /// The formats in the author's order.
    pub formats: Vec<Format>,
    /// Packet time in milliseconds.
    pub ptime_ms: Option<u16>,
    /// Who sends.
    pub flow: Flow,
    /// Keys that the author sends with (RFC 4568).
    pub crypto: Vec<SdesKey>,
    /// Other addresses where this line may receive (RFC 8839), without the one in force.
    pub candidates: Vec<Endpoint>,
}

impl Media {
    /// Returns about how much memory the line takes, in octets.
    #[must_use]
    pub fn octets(&self) -> usize {
        let formats = self.formats.iter().map(Format::octets);
        let keys = self.crypto.iter().map(SdesKey::octets);
        let rest = size_of::<Self>().saturating_add(size_of_val(self.candidates.as_slice()));
        formats.chain(keys).fold(rest, usize::saturating_add)
    }

    /// Tells whether the line takes part in the session.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.port != 0
    }

    /// Tells whether the author asks for silence by an address of zeros (RFC 2543 hold).
    #[must_use]
    pub fn is_blackholed(&self) -> bool {
        self.addr.is_some_and(Addr::is_unspecified)
    }
}

/// A session description.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Session {
    /// The media lines, refused ones too: an answer's lines stand in the order of the offer's.
    pub media: Vec<Media>,
}

impl Session {
    /// Reads a description; nothing when it has no media line (or is none at all).
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::default();
        for line in bytes.split(|byte| matches!(byte, b'\n' | b'\r')).take(LINES_MAX) {
            if line.len() <= LINE_BYTES_MAX
                && let Some((kind, value)) = split_line(line)
            {
                reader.line(kind, String::from_utf8_lossy(value).trim());
            }
        }
        reader.finish()
    }

    /// Returns the first voice line that takes part.
    #[must_use]
    pub fn audio(&self) -> Option<&Media> {
        self.media.iter().find(|media| media.kind == MediaKind::Audio && media.is_active())
    }
}

fn split_line(line: &[u8]) -> Option<(u8, &[u8])> {
    match line.trim_ascii_start() {
        [kind, b'=', value @ ..] => Some((kind.to_ascii_lowercase(), value)),
        _ => None,
    }
}

/// What stands before the first media line holds for all of them.
#[derive(Default)]
struct Reader {
    addr: Option<Addr>,
    flow: Flow,
    ptime_ms: Option<u16>,
    opaque: bool,
    media: Vec<Media>,
    /// Media lines beyond the limit are passed over with all that belongs to them.
    overfull: bool,
}

impl Reader {
    fn line(&mut self, kind: u8, value: &str) {
        match kind {
            b'm' => self.media_line(value),
            _ if self.overfull => {}
            b'c' => {
                let addr = connection(value);
                match self.media.last_mut() {
                    Some(media) => media.addr = addr,
                    None => self.addr = addr,
                }
            }
            b'a' => self.attribute(value),
            _ => {}
        }
    }

    fn media_line(&mut self, value: &str) {
        self.overfull = self.media.len() >= MEDIA_MAX;
        if self.overfull {
            return;
        }
        let mut words = value.split_ascii_whitespace();
        let kind = words.next().unwrap_or_default();
        let port = words.next().unwrap_or_default();
        let profile = words.next().unwrap_or_default().to_ascii_uppercase();
        let port = port.split_once('/').map_or(port, |(port, _count)| port).parse().unwrap_or(0);
        let rtp = profile.contains("RTP/");
        let t38 = profile.contains("UDPTL")
            || (kind.eq_ignore_ascii_case("image") && value.to_ascii_lowercase().contains("t38"));
        let kind = match kind {
            _ if t38 => MediaKind::FaxT38,
            kind if kind.eq_ignore_ascii_case("audio") => MediaKind::Audio,
            _ => MediaKind::Other,
        };
        let formats = match kind {
            MediaKind::Audio => words
                .filter_map(|word| word.parse().ok())
                .filter(|pt| *pt < 128)
                .take(FORMATS_MAX)
                .map(static_format)
                .collect(),
            MediaKind::FaxT38 | MediaKind::Other => Vec::new(),
        };
        self.media.push(Media {
            kind,
            port,
            addr: self.addr,
            secure: rtp && profile.contains("SAVP"),
            opaque: self.opaque || profile.contains("TLS"),
            formats,
            ptime_ms: self.ptime_ms,
            flow: self.flow,
            ..Media::default()
        });
    }

    fn attribute(&mut self, value: &str) {
        let (name, value) = value.split_once(':').unwrap_or((value, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let flow = match name.as_str() {
            "sendrecv" => Some(Flow::SendRecv),
            "sendonly" => Some(Flow::SendOnly),
            "recvonly" => Some(Flow::RecvOnly),
            "inactive" => Some(Flow::Inactive),
            _ => None,
        };
        // Neither kind of key agreement shows its keys to a listener.
        let opaque = matches!(name.as_str(), "fingerprint" | "zrtp-hash" | "key-mgmt");
        let Some(media) = self.media.last_mut() else {
            self.flow = flow.unwrap_or(self.flow);
            self.opaque |= opaque;
            if name == "ptime" {
                self.ptime_ms = ptime(value);
            }
            return;
        };
        media.flow = flow.unwrap_or(media.flow);
        media.opaque |= opaque;
        match name.as_str() {
            "rtpmap" => formats::rtpmap(&mut media.formats, value),
            "fmtp" => formats::fmtp(&mut media.formats, value),
            "ptime" => media.ptime_ms = ptime(value),
            "rtcp" => media.rtcp = rtcp(value),
            "rtcp-mux" => media.rtcp_mux = true,
            "crypto" if media.crypto.len() < CRYPTO_MAX => media.crypto.extend(crypto::parse(value)),
            "candidate" if media.candidates.len() < CANDIDATES_MAX => {
                media.candidates.extend(candidate(value));
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Option<Session> {
        for media in &mut self.media {
            let (addr, port) = (media.addr, media.port);
            media.candidates.retain(|at| Some(at.addr) != addr || at.port != port);
            let mut kept: Vec<Endpoint> = Vec::new();
            for at in &media.candidates {
                if !kept.contains(at) {
                    kept.push(*at);
                }
            }
            media.candidates = kept;
        }
        (!self.media.is_empty()).then_some(Session { media: self.media })
    }
}

/// `IN IP4 224.2.36.42/127`: an address, its time to live dropped.
fn connection(value: &str) -> Option<Addr> {
    let address = value.split_ascii_whitespace().nth(2)?;
    let address = address.split_once('/').map_or(address, |(address, _)| address);
    read_addr(address)
}

fn read_addr(text: &str) -> Option<Addr> {
    let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    text.parse::<std::net::IpAddr>().ok().map(Addr::from)
}

/// Packet time; some write a fraction (RFC 8866 allows none, G.723 and iLBC sets do it all the same).
fn ptime(value: &str) -> Option<u16> {
    let whole = value.split_once('.').map_or(value, |(whole, _)| whole);
    whole.trim().parse().ok().filter(|ms| (1..=1_000).contains(ms))
}

/// `53020` or `53020 IN IP4 126.16.64.4`.
fn rtcp(value: &str) -> Option<(Option<Addr>, u16)> {
    let port = value.split_ascii_whitespace().next()?.parse().ok().filter(|port| *port != 0)?;
    Some((value.split_ascii_whitespace().nth(3).and_then(read_addr), port))
}

/// `1 1 UDP 2130706431 10.0.1.1 8998 typ host`: the RTP component over UDP only.
fn candidate(value: &str) -> Option<Endpoint> {
    let mut words = value.split_ascii_whitespace().skip(1);
    let component = words.next()?;
    let transport = words.next()?;
    let addr = read_addr(words.nth(1)?)?;
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    (component == "1" && transport.eq_ignore_ascii_case("udp") && !addr.is_unspecified())
        .then_some(Endpoint { addr, port })
}
