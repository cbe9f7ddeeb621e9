//! Listening to SRTP and SRTCP whose keys SDP announced (RFC 4568): RFC 3711, RFC 6188, RFC 7714.
//!
//! One [`SrtpReceiver`] serves one leg: all packets that one party sends. It finds out for each SSRC which of the
//! announced keys is in use and how often the sequence number has already wrapped, both by the authentication tag, so a
//! recorder that joins late needs no luck. Duplicates are not rejected here (the engine counts them); what fails its tag
//! gives nothing at all, never noise. Keys live in memory only, are wiped on drop and are never shown.

mod keys;
mod transform;

#[cfg(test)]
pub(crate) mod tests;

use keys::Master;
use transform::Sealed;

use crate::rtp::packet::RtpPacket;
use crate::sip::SdesKey;

/// Crypto lines kept per leg; more are refused.
pub const MASTERS_MAX: usize = 8;
/// SSRCs followed per leg; the least recently heard gives way.
pub const STREAMS_MAX: usize = 16;

/// Rollover counters tried with one packet while joining late: 1,024 wraps are 15 days of a call at 50 packets a second.
const SEARCH_STEP: u32 = 1_024;
/// Rollover counters in one sweep of the search.
const SEARCH_END: u32 = 65_536;
/// The search may spend this many tag computations at once ...
const CREDIT_MAX: u32 = 131_072;
/// ... and earns this many with each packet, so that a flood of foreign packets costs microseconds each.
const CREDIT_PER_PACKET: u32 = 32;
/// After so many failures in a row a proven stream is searched for anew: its sender may have restarted.
const FAILURES_MAX: u32 = 50;
/// How far ahead a wrap that nobody saw is looked for: 16 wraps are six hours of silence.
const WRAPS_AHEAD: u32 = 16;

/// Says why a packet gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// The packet is no RTP or RTCP packet.
    #[error("not an SRTP packet: its header does not fit")]
    Malformed,
    /// No key fits: another key, a damaged packet, or a sender that never encrypts.
    #[error("no announced key fits this SRTP packet: the sender uses another key, or the packet is damaged")]
    WrongTag,
    /// The tag fits, but it is short and was met by searching; the next packet will prove or refute it.
    #[error("a short tag fits, one more packet must prove it")]
    Unproven,
}

/// Says why a crypto line cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdesKeyError {
    /// The line itself.
    #[error("crypto line {tag} cannot be used: {why}; the call will be kept as encrypted media")]
    Unusable {
        /// The tag of the line.
        tag: u32,
        /// What is wrong, in a few words.
        why: &'static str,
    },
    /// There are too many lines.
    #[error("more than {MASTERS_MAX} crypto lines for one leg; the rest are not used")]
    TooMany,
}

/// Opens the SRTP and SRTCP packets of one leg.
#[allow(missing_debug_implementations, reason = "it holds keys")]
pub struct SrtpReceiver {
    masters: Vec<Master>,
    streams: Vec<Stream>,
    /// Tag computations that the search may still spend.
    credit: u32,
    /// Counts packets; says which stream was heard last.
    packets: u64,
    /// The master that opened the last SRTCP packet.
    rtcp_master: usize,
}

/// What is known of one SSRC.
#[derive(Clone, Copy)]
struct Stream {
    ssrc: u32,
    state: State,
    /// Place in `masters` of the key in use.
    master: usize,
    mki_len: usize,
    /// Index of the newest packet opened: rollover counter and sequence number (RFC 3711, 3.3.1).
    newest: u64,
    failures: u32,
    /// Where the next step of the search begins.
    searched: u32,
    heard_at: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No packet has been opened yet.
    Searching,
    /// A short tag fitted once.
    Candidate,
    /// Key and rollover counter are proven.
    Proven,
}

impl SrtpReceiver {
    /// Makes a receiver from all crypto lines that the sender announced. Lines that cannot be used are left out.
    ///
    /// # Errors
    /// None of the lines can be used; the reason of the first is given.
    pub fn new(keys: &[SdesKey]) -> Result<Self, SdesKeyError> {
        let mut receiver = Self::awaiting_keys();
        let mut first_error = SdesKeyError::Unusable { tag: 0, why: "there is none" };
        for (n, key) in keys.iter().enumerate() {
            if let (Err(error), 0) = (receiver.add_key(key), n) {
                first_error = error;
            }
        }
        if receiver.masters.is_empty() { Err(first_error) } else { Ok(receiver) }
    }

    /// Makes a receiver of a sender whose keys have not been announced yet: it opens nothing before [`Self::add_key`].
    #[must_use]
    pub const fn awaiting_keys() -> Self {
        Self { masters: Vec::new(), streams: Vec::new(), credit: CREDIT_MAX, packets: 0, rtcp_master: 0 }
    }

    /// Adds a line that a later offer or answer announced; one already known changes nothing. Old keys stay, since
    /// packets under them may still be on their way.
    ///
    /// # Errors
    /// The line cannot be used, or the leg has [`MASTERS_MAX`] already.
    pub fn add_key(&mut self, key: &SdesKey) -> Result<(), SdesKeyError> {
        if self.masters.iter().any(|m| m.is_from(key)) {
            return Ok(());
        }
        if self.masters.len() >= MASTERS_MAX {
            return Err(SdesKeyError::TooMany);
        }
        let master = Master::derive(key).map_err(|why| SdesKeyError::Unusable { tag: key.tag, why })?;
        self.masters.push(master);
        Ok(())
    }

    /// Tells whether any packet has been proven to use one of the keys.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.streams.iter().any(|s| s.state == State::Proven)
    }

    /// Opens an SRTP packet: puts the RTP packet (header as received, then the clear payload, padding included) into
    /// `out` and returns the length of its header. On failure `out` is empty.
    ///
    /// # Errors
    /// See [`SrtpError`].
    pub fn unprotect(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<usize, SrtpError> {
        out.clear();
        let rtp = RtpPacket::parse(packet).ok_or(SrtpError::Malformed)?;
        let sealed = Sealed { packet, header_len: rtp.header_len(), ssrc: rtp.ssrc, sequence: rtp.sequence };
        self.packets = self.packets.wrapping_add(1);
        self.credit = self.credit.saturating_add(CREDIT_PER_PACKET).min(CREDIT_MAX);
        let at = self.stream_of(rtp.ssrc);
        let stream = self.streams.get_mut(at).ok_or(SrtpError::WrongTag)?;
        stream.heard_at = self.packets;
        if stream.state != State::Searching {
            let guess = stream.guess(rtp.sequence);
            let master = self.masters.get(stream.master).ok_or(SrtpError::WrongTag)?;
            if let Some(roc) = master.rtp.open_rtp(sealed, stream.mki_len, Some(guess), out) {
                stream.opened(roc, rtp.sequence);
                return Ok(sealed.header_len);
            }
        }
        self.recover(at, sealed, out)
    }

    /// Opens an SRTCP packet: puts the RTCP packet into `out`. On failure `out` is empty.
    ///
    /// # Errors
    /// See [`SrtpError`].
    pub fn unprotect_rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<(), SrtpError> {
        out.clear();
        if packet.len() < 12 || packet.first().is_none_or(|first| first >> 6 != 2) {
            return Err(SrtpError::Malformed);
        }
        let count = self.masters.len();
        for at in (0..count).map(|n| n.wrapping_add(self.rtcp_master)) {
            let at = at.checked_rem(count).unwrap_or(0);
            let Some(master) = self.masters.get(at) else { continue };
            let mut ways =
                master.mki_lens().flat_map(|mki| master.rtcp_tag_lens().map(move |tag| (mki, tag)));
            if ways.any(|(mki_len, tag_len)| master.rtcp.open_rtcp(packet, mki_len, tag_len, out)) {
                self.rtcp_master = at;
                return Ok(());
            }
        }
        Err(SrtpError::WrongTag)
    }

    /// Finds the stream of `ssrc`, or makes one in the place of the one that matters least.
    fn stream_of(&mut self, ssrc: u32) -> usize {
        if let Some(at) = self.streams.iter().position(|s| s.ssrc == ssrc) {
            return at;
        }
        let fresh = Stream {
            ssrc,
            state: State::Searching,
            master: 0,
            mki_len: 0,
            newest: 0,
            failures: 0,
            searched: 0,
            heard_at: self.packets,
        };
        if self.streams.len() < STREAMS_MAX {
            self.streams.push(fresh);
            return self.streams.len().saturating_sub(1);
        }
        let least = self.streams.iter().enumerate();
        let at = least.min_by_key(|(_, s)| (s.state == State::Proven, s.heard_at)).map_or(0, |(at, _)| at);
        if let Some(slot) = self.streams.get_mut(at) {
            *slot = fresh;
        }
        at
    }

    /// The usual guess failed or there is none yet: tries other keys, wraps that nobody saw, and the search.
    #[cold]
    fn recover(&mut self, at: usize, sealed: Sealed<'_>, out: &mut Vec<u8>) -> Result<usize, SrtpError> {
        let stream = self.streams.get_mut(at).ok_or(SrtpError::WrongTag)?;
        match stream.state {
            State::Proven => {
                let guess = stream.guess(sealed.sequence);
                let ahead = guess..=guess.saturating_add(WRAPS_AHEAD);
                let near = ahead.chain([guess.saturating_sub(1), 0]);
                let order = std::iter::once(stream.master).chain((0..self.masters.len()).rev());
                if let Some(found) = try_all(&self.masters, order, sealed, near, out) {
                    stream.take(found, sealed.sequence);
                    stream.opened(found.roc, sealed.sequence);
                    return Ok(sealed.header_len);
                }
                stream.failures = stream.failures.saturating_add(1);
                if stream.failures >= FAILURES_MAX {
                    *stream = Stream { state: State::Searching, searched: 0, ..*stream };
                }
                Err(SrtpError::WrongTag)
            }
            State::Candidate => {
                stream.state = State::Searching;
                self.search(at, sealed, out)
            }
            State::Searching => self.search(at, sealed, out),
        }
    }

    /// Tries 0 and 1, where nearly every call is, and the next step of the sweep.
    fn search(&mut self, at: usize, sealed: Sealed<'_>, out: &mut Vec<u8>) -> Result<usize, SrtpError> {
        let stream = self.streams.get_mut(at).ok_or(SrtpError::WrongTag)?;
        let ways: usize = self.masters.iter().map(|m| m.mki_lens().count()).sum();
        let ways = u32::try_from(ways).unwrap_or(u32::MAX).max(1);
        let step = SEARCH_STEP.min(self.credit.checked_div(ways).unwrap_or(0));
        let end = stream.searched.saturating_add(step).min(SEARCH_END);
        let rocs = (0..2).chain(stream.searched.max(2)..end);
        self.credit = self.credit.saturating_sub(step.saturating_mul(ways));
        stream.searched = if end == SEARCH_END { 0 } else { end };
        let found =
            try_all(&self.masters, 0..self.masters.len(), sealed, rocs, out).ok_or(SrtpError::WrongTag)?;
        stream.take(found, sealed.sequence);
        if found.is_short && found.roc > 1 {
            // One chance in four billion each, but the search throws many dice.
            stream.state = State::Candidate;
            out.clear();
            return Err(SrtpError::Unproven);
        }
        stream.opened(found.roc, sealed.sequence);
        Ok(sealed.header_len)
    }
}

/// A key and a rollover counter that a tag has proven.
#[derive(Clone, Copy)]
struct Found {
    master: usize,
    mki_len: usize,
    roc: u32,
    is_short: bool,
}

fn try_all(
    masters: &[Master],
    order: impl Iterator<Item = usize>,
    sealed: Sealed<'_>,
    rocs: impl Iterator<Item = u32> + Clone,
    out: &mut Vec<u8>,
) -> Option<Found> {
    for at in order {
        let Some(master) = masters.get(at) else { continue };
        for mki_len in master.mki_lens() {
            if let Some(roc) = master.rtp.open_rtp(sealed, mki_len, rocs.clone(), out) {
                return Some(Found { master: at, mki_len, roc, is_short: master.rtp.tag_len() < 10 });
            }
        }
    }
    None
}

impl Stream {
    /// Guesses the rollover counter of a packet from the newest one opened (RFC 3711, appendix A).
    fn guess(&self, sequence: u16) -> u32 {
        let [_, _, r0, r1, r2, r3, s0, s1] = self.newest.to_be_bytes();
        let roc = u32::from_be_bytes([r0, r1, r2, r3]);
        let newest = u16::from_be_bytes([s0, s1]);
        let is_ahead = sequence.wrapping_sub(newest) < 0x8000;
        match (is_ahead, sequence >= newest) {
            (true, false) => roc.wrapping_add(1),
            (false, true) => roc.saturating_sub(1),
            (true, true) | (false, false) => roc,
        }
    }

    fn take(&mut self, found: Found, sequence: u16) {
        self.master = found.master;
        self.mki_len = found.mki_len;
        self.newest = index(found.roc, sequence);
    }

    fn opened(&mut self, roc: u32, sequence: u16) {
        self.state = State::Proven;
        self.failures = 0;
        self.newest = self.newest.max(index(roc, sequence));
    }
}

fn index(roc: u32, sequence: u16) -> u64 {
    u64::from(roc) << 16 | u64::from(sequence)
}
