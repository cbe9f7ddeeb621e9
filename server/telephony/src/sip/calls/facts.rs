//! What a message says about its place: dialog, transaction, hop.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use shared::TapId;

use crate::net::Endpoint;
use crate::sip::body::session_descriptions;
use crate::sip::header::{HeaderName, parameter};
use crate::sip::message::{Message, Method, Start};
use crate::sip::sdp::Session;
use crate::sip::uri::NameAddr;

/// Longest Call-ID or tag that is followed, in octets; nobody makes longer ones but to fill memory.
const ID_BYTES_MAX: usize = 512;
/// `Via` values looked at: a request that passed more proxies than this is going in circles (`Max-Forwards` is 70).
const VIAS_MAX: usize = 70;

/// The two ends that a message travelled between, in a fixed order: request and response of one hop have the same.
pub(super) type Link = (Endpoint, Endpoint);

/// Names a transaction on one hop: its topmost `Via` branch, hashed.
pub(super) type HopId = u64;

/// A message with its place found.
pub(super) struct Facts<'m, 'a> {
    pub(super) message: &'m Message<'a>,
    pub(super) tap: TapId,
    /// The sender's address, which stands in where SDP gives a name instead of one.
    src: Endpoint,
    pub(super) link: Link,
    /// Method of the request or of the one that the response answers.
    pub(super) method: Method,
    pub(super) status: Option<u16>,
    pub(super) cseq: u32,
    pub(super) call_id: &'m str,
    pub(super) from_tag: &'m str,
    pub(super) to_tag: &'m str,
    pub(super) hop: HopId,
}

impl<'m, 'a> Facts<'m, 'a> {
    /// Finds the place; nothing when a header that every message must have is missing.
    pub(super) fn read(message: &'m Message<'a>, tap: TapId, src: Endpoint, dst: Endpoint) -> Option<Self> {
        let status = match message.start {
            Start::Request { .. } => None,
            Start::Response { status } => Some(status),
        };
        let (cseq, method) = message.cseq()?;
        let call_id =
            message.header(HeaderName::CallId).filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX)?;
        let tag = |name| {
            message
                .header(name)
                .map(|value| NameAddr::parse(value).tag())
                .filter(|tag| tag.len() <= ID_BYTES_MAX)
        };
        let (from_tag, to_tag) = (tag(HeaderName::From)?, tag(HeaderName::To)?);
        let hop = message.values(HeaderName::Via).next().map_or(0, hop_id);
        let link = if src <= dst { (src, dst) } else { (dst, src) };
        Some(Self { message, tap, src, link, method, status, cseq, call_id, from_tag, to_tag, hop })
    }

    /// Returns the hops that this message's request passed before.
    pub(super) fn earlier_hops(&self) -> Vec<HopId> {
        self.message.values(HeaderName::Via).take(VIAS_MAX).skip(1).map(hop_id).collect()
    }

    /// Reads the session descriptions. One that names its host instead of its address is taken to be at the sender's.
    pub(super) fn sessions(&self) -> Vec<Arc<Session>> {
        let mut sessions = Vec::new();
        for bytes in session_descriptions(self.message) {
            if let Some(mut session) = Session::parse(bytes) {
                for media in &mut session.media {
                    media.addr.get_or_insert(self.src.addr);
                }
                // Kept as long as the call lasts, in thousands: no room for media that are not there.
                session.media.shrink_to_fit();
                sessions.push(Arc::new(session));
            }
        }
        sessions
    }
}

/// The branch alone names a transaction (RFC 3261, 17.2.3); sets older than that get the sender and its port.
fn hop_id(via: &str) -> HopId {
    let (sent_by, params) = via.split_once(';').unwrap_or((via, ""));
    let mut hasher = DefaultHasher::new();
    match parameter(params, "branch") {
        Some(branch) if !branch.is_empty() => branch.hash(&mut hasher),
        Some(_) | None => sent_by.split_ascii_whitespace().last().unwrap_or_default().hash(&mut hasher),
    }
    hasher.finish()
}
