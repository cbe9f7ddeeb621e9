//! Who is meant by a datagram: flows that are known, and endpoints where media are expected.
//!
//! A flow is a pair of addresses and ports. It is bound to a leg by its first packet and stays bound, so that the common
//! packet costs one probe. Iteration over these tables never decides anything: order would depend on the seed.

use hashbrown::HashMap;

use crate::net::Endpoint;
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

/// Flows and claims.
#[derive(Debug)]
pub(super) struct Flows {
    table: HashMap<FlowKey, Flow, Hasher>,
    claims: HashMap<Endpoint, Vec<Claim>, Hasher>,
    generation: u32,
    max: usize,
}

impl Flows {
    pub(super) fn new(seed: u64, max: usize) -> Self {
        let hasher = Hasher::with_seed(seed);
        Self {
            table: HashMap::with_hasher(hasher.clone()),
            claims: HashMap::with_hasher(hasher),
            generation: 0,
            max,
        }
    }

    /// Finds what is known of a flow.
    #[inline]
    pub(super) fn find(&self, key: &FlowKey) -> Option<Flow> {
        match self.table.get(key) {
            Some(Flow::Useless(generation)) if *generation != self.generation => None,
            found => found.copied(),
        }
    }

    /// Binds a flow. False when the table is full of flows that matter.
    pub(super) fn bind(&mut self, key: FlowKey, flow: Flow) -> bool {
        if self.table.len() >= self.max && !self.table.contains_key(&key) {
            self.table.retain(|_, flow| !matches!(flow, Flow::Useless(_)));
            if self.table.len() >= self.max {
                return false;
            }
        }
        self.table.insert(key, flow);
        true
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
