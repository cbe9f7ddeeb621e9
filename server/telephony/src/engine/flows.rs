//! Who is meant by a datagram: flows that are known, and endpoints where media are expected.
//!
//! A flow is a pair of addresses and ports. It is bound to a leg by its first packet and stays bound, so that the common
//! packet costs one probe. Iteration over these tables never decides anything: order would depend on the seed.

use hashbrown::HashMap;

use crate::net::{Addr, Endpoint};
use crate::sip::CallKey;

type Hasher = foldhash::fast::FixedState;

/// The two ends of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FlowKey {
    pub(super) src: Endpoint,
    pub(super) dst: Endpoint,
}

impl FlowKey {
    /// Returns the same flow seen from the other end.
    pub(super) const fn mirrored(self) -> Self {
        Self { src: self.dst, dst: self.src }
    }
}

impl std::hash::Hash for FlowKey {
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(self.src.addr.0);
        state.write_u128(self.dst.addr.0);
        state.write_u32(u32::from(self.src.port) << 16 | u32::from(self.dst.port));
    }
}

/// A flow between IPv4 addresses in twelve octets, so that the flows of thousands of calls stay near the processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ShortKey {
    src: u32,
    dst: u32,
    ports: u32,
}

impl ShortKey {
    /// Shortens a key, or returns `None` when an address is no IPv4 address.
    #[inline]
    fn of(key: &FlowKey) -> Option<Self> {
        let short = |at: Endpoint| u32::try_from(at.addr.0 ^ Addr::v4([0; 4]).0).ok();
        let ports = u32::from(key.src.port) << 16 | u32::from(key.dst.port);
        Some(Self { src: short(key.src)?, dst: short(key.dst)?, ports })
    }
}

impl std::hash::Hash for ShortKey {
    #[inline]
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.src) << 32 | u64::from(self.dst));
        state.write_u32(self.ports);
    }
}

/// What is known of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// Its packets belong to this leg.
    Leg(u32),
    /// It waits to show that it is RTP.
    Candidate(u32),
    /// It belongs to a call that a rule excludes.
    Excluded,
    /// It is of no use, as long as the expectations are of this generation.
    Useless(u32),
}

/// A leg that expects packets at an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    pub(super) call: CallKey,
    pub(super) leg: u8,
    /// Where its sender itself receives, from which symmetric RTP also comes.
    pub(super) hint: Option<Endpoint>,
    /// It expects RTCP, not RTP.
    pub(super) rtcp: bool,
    /// The call is over; its media may still trickle in.
    pub(super) ended: bool,
}

/// Claims on one endpoint at most; a mirror can show many forks, hardly more.
const CLAIMS_PER_ENDPOINT_MAX: usize = 64;

/// What is known of each flow: IPv4 and everything else apart.
#[derive(Debug)]
struct Table {
    short: HashMap<ShortKey, Flow, Hasher>,
    long: HashMap<FlowKey, Flow, Hasher>,
}

impl Table {
    #[inline]
    fn find(&self, key: &FlowKey) -> Option<Flow> {
        match ShortKey::of(key) {
            Some(short) => self.short.get(&short),
            None => self.long.get(key),
        }
        .copied()
    }

    fn insert(&mut self, key: FlowKey, flow: Flow) {
        match ShortKey::of(&key) {
            Some(short) => self.short.insert(short, flow),
            None => self.long.insert(key, flow),
        };
    }

    fn remove(&mut self, key: &FlowKey) {
        match ShortKey::of(key) {
            Some(short) => self.short.remove(&short),
            None => self.long.remove(key),
        };
    }

    fn len(&self) -> usize {
        self.short.len().saturating_add(self.long.len())
    }

    fn drop_useless(&mut self) {
        let useful = |flow: &Flow| !matches!(flow, Flow::Useless(_));
        self.short.retain(|_, flow| useful(flow));
        self.long.retain(|_, flow| useful(flow));
    }
}

/// Flows and claims.
#[derive(Debug)]
pub(super) struct Flows {
    table: Table,
    claims: HashMap<Endpoint, Vec<Claim>, Hasher>,
    generation: u32,
    max: usize,
}

impl Flows {
    pub(super) fn new(seed: u64, max: usize) -> Self {
        let hasher = Hasher::with_seed(seed);
        Self {
            table: Table {
                short: HashMap::with_hasher(hasher.clone()),
                long: HashMap::with_hasher(hasher.clone()),
            },
            claims: HashMap::with_hasher(hasher),
            generation: 0,
            max,
        }
    }

    /// Finds what is known of a flow.
    #[inline]
    pub(super) fn find(&self, key: &FlowKey) -> Option<Flow> {
        match self.table.find(key) {
            Some(Flow::Useless(generation)) if generation != self.generation => None,
            found => found,
        }
    }

    /// Finds what is known of a flow between two IPv4 addresses.
    #[inline(always)]
    pub(super) fn find_ipv4(&self, src: (u32, u16), dst: (u32, u16)) -> Option<Flow> {
        let ports = u32::from(src.1) << 16 | u32::from(dst.1);
        match self.table.short.get(&ShortKey { src: src.0, dst: dst.0, ports }).copied() {
            Some(Flow::Useless(generation)) if generation != self.generation => None,
            found => found,
        }
    }

    /// Binds a flow. False when the table is full of flows that matter.
    pub(super) fn bind(&mut self, key: FlowKey, flow: Flow) -> bool {
        if self.table.len() >= self.max && self.table.find(&key).is_none() {
            self.table.drop_useless();
            if self.table.len() >= self.max {
                return false;
            }
        }
        self.table.insert(key, flow);
        true
    }

    /// Lets a flow go that was bound because its call is not recorded.
    pub(super) fn unmute(&mut self, key: &FlowKey) {
        if self.table.find(key) == Some(Flow::Excluded) {
            self.table.remove(key);
        }
    }

    /// Says that a flow is of no use until expectations change.
    pub(super) fn dismiss(&mut self, key: FlowKey) {
        let generation = self.generation;
        self.bind(key, Flow::Useless(generation));
    }

    pub(super) fn unbind(&mut self, key: &FlowKey) {
        self.table.remove(key);
    }

    /// Expects packets at an endpoint. The newest claim stands last.
    pub(super) fn claim(&mut self, at: Endpoint, claim: Claim) {
        let list = self.claims.entry(at).or_default();
        if let Some(same) =
            list.iter_mut().find(|c| (c.call, c.leg, c.rtcp) == (claim.call, claim.leg, claim.rtcp))
        {
            same.hint = claim.hint;
            return;
        }
        if list.len() >= CLAIMS_PER_ENDPOINT_MAX {
            list.remove(0);
        }
        list.reserve_exact(1);
        list.push(claim);
        self.generation = self.generation.wrapping_add(1);
    }

    /// Says that a call is over; its claims come last from now on.
    pub(super) fn end_claims(&mut self, call: CallKey, at: &[Endpoint]) {
        for endpoint in at {
            for claim in self.claims.get_mut(endpoint).into_iter().flatten() {
                claim.ended |= claim.call == call;
            }
        }
    }

    /// Forgets what a call expects at these endpoints.
    pub(super) fn unclaim(&mut self, call: CallKey, at: &[Endpoint]) {
        for endpoint in at {
            if let Some(list) = self.claims.get_mut(endpoint) {
                list.retain(|claim| claim.call != call);
                if list.is_empty() {
                    self.claims.remove(endpoint);
                }
            }
        }
    }

    /// Counts the changes of expectations.
    pub(super) const fn generation(&self) -> u32 {
        self.generation
    }

    /// Returns the live calls that expect RTP from just `src` at `dst`.
    pub(super) fn rivals(&self, src: Endpoint, dst: Endpoint) -> Vec<Claim> {
        let list = self.claims.get(&dst).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter(|c| !c.rtcp && !c.ended && c.hint == Some(src)).copied().collect()
    }

    /// Finds whose packet from `src` to `dst` is: a live call before an ended one, the one whose sender is known to be at
    /// `src` before others, the newest before older ones.
    pub(super) fn claimant(&self, src: Endpoint, dst: Endpoint, rtcp: bool) -> Option<Claim> {
        let list = self.claims.get(&dst)?;
        let of_kind = |c: &&Claim| c.rtcp == rtcp;
        list.iter().filter(of_kind).max_by_key(|c| (!c.ended, c.hint == Some(src))).copied()
    }
}
