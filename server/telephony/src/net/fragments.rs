//! Puts fragmented IP datagrams together, within a bound of memory and time.
//!
//! What came first stays: an overlapping fragment only fills holes, so nobody can rewrite what was seen. A datagram whose
//! fellow never comes is given up and counted. Octets held are counted with the table's own, so a flood of tiny
//! fragments is bounded too.

use std::collections::{HashMap, VecDeque};

use shared::Micros;

use super::walk::{Layer, Payload};

/// What the table itself costs per unfinished datagram and per piece, about.
const DATAGRAM_OCTETS: usize = 160;
const PIECE_OCTETS: usize = 48;
/// Pieces of one datagram: 65,535 octets in pieces of 64.
const PIECES_MAX: usize = 1_024;
/// The longest IP payload.
const OCTETS_MAX: u32 = 65_535;

/// One fragment as it stood in its frame.
pub(super) struct Fragment<'a> {
    /// How the walk goes on with the whole.
    pub(super) layer: Layer,
    pub(super) payload: Payload,
    pub(super) id: u32,
    /// Where it belongs, in octets.
    pub(super) offset: u32,
    /// Others come after it.
    pub(super) more: bool,
    /// Its length by its header; longer than `body` when the capture was snapped.
    pub(super) said_octets: u32,
    pub(super) body: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    src: u128,
    dst: u128,
    id: u32,
    protocol: u8,
}

#[derive(Debug)]
struct Piece {
    offset: u32,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> u32 {
        self.offset.saturating_add(octets(&self.bytes))
    }
}

#[derive(Debug)]
struct Partial {
    since_ns: u64,
    /// Sorted by offset, without overlap.
    pieces: Vec<Piece>,
    /// The length of the whole, once the last fragment was seen.
    total: Option<u32>,
    have: u32,
}

/// The unfinished datagrams of one tap.
#[derive(Debug)]
pub(super) struct Fragments {
    bytes_max: usize,
    wait_ns: u64,
    bytes: usize,
    table: HashMap<Key, Partial>,
    /// Keys by age; may name some that are finished.
    ages: VecDeque<(u64, Key)>,
    given_up: u64,
}

impl Fragments {
    pub(super) fn new(bytes_max: usize, wait_us: Micros) -> Self {
        let wait_ns = u64::try_from(wait_us).unwrap_or(0).saturating_mul(1_000);
        let (table, ages) = (HashMap::new(), VecDeque::new());
        Self { bytes_max, wait_ns, bytes: 0, table, ages, given_up: 0 }
    }

    /// Returns how many datagrams were given up.
    pub(super) const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Takes a fragment; returns the whole payload if it was the last one missing.
    pub(super) fn take(&mut self, now_ns: u64, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        self.expire(now_ns);
        let end = fragment.offset.checked_add(fragment.said_octets).filter(|end| *end <= OCTETS_MAX)?;
        let key = Key {
            src: fragment.payload.src.0,
            dst: fragment.payload.dst.0,
            id: fragment.id,
            protocol: fragment.payload.protocol,
        };
        if !self.table.contains_key(&key) {
            self.bytes = self.bytes.saturating_add(DATAGRAM_OCTETS);
            self.ages.push_back((now_ns, key));
        }
        let partial = self.table.entry(key).or_insert_with(|| Partial {
            since_ns: now_ns,
            pieces: Vec::new(),
            total: None,
            have: 0,
        });
        if !fragment.more && partial.total.is_none() {
            partial.total = Some(end);
        }
        let added = partial.fill(fragment.offset, fragment.body);
        self.bytes = self.bytes.saturating_add(added);
        if partial.is_whole() {
            let partial = self.forget(&key)?;
            return Some(partial.whole());
        }
        while self.bytes > self.bytes_max && self.give_up_oldest() {}
        None
    }

    fn expire(&mut self, now_ns: u64) {
        while self.ages.front().is_some_and(|(since, _)| now_ns.saturating_sub(*since) > self.wait_ns) {
            self.give_up_oldest();
        }
    }

    /// Forgets the oldest; false when there was none left.
    fn give_up_oldest(&mut self) -> bool {
        let Some((since_ns, key)) = self.ages.pop_front() else { return false };
        if self.table.get(&key).is_some_and(|partial| partial.since_ns == since_ns) {
            self.forget(&key);
            self.given_up = self.given_up.wrapping_add(1);
        }
        true
    }

    fn forget(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.table.remove(key)?;
        self.bytes = self.bytes.saturating_sub(partial.cost());
        // Finished keys stay in line until they outnumber the others; each is passed over once.
        if self.ages.len() > self.table.len().saturating_mul(2).saturating_add(64) {
            let table = &self.table;
            self.ages.retain(|(since, key)| table.get(key).is_some_and(|partial| partial.since_ns == *since));
        }
        Some(partial)
    }
}

impl Partial {
    /// Puts `bytes` where nothing is yet; returns what that costs.
    fn fill(&mut self, offset: u32, bytes: &[u8]) -> usize {
        let mut cost = 0usize;
        let (mut at, mut rest) = (offset, bytes);
        let mut index = self.pieces.partition_point(|piece| piece.end() <= offset);
        while !rest.is_empty() && self.pieces.len() < PIECES_MAX {
            let next = self.pieces.get(index).map(|piece| (piece.offset, piece.end()));
            let (free, taken_end) = match next {
                Some((start, end)) => (start.saturating_sub(at), Some(end)),
                None => (octets(rest), None),
            };
            let (mine, after) = rest.split_at_checked(free as usize).unwrap_or((rest, &[]));
            if !mine.is_empty() {
                cost = cost.saturating_add(PIECE_OCTETS).saturating_add(mine.len());
                self.have = self.have.saturating_add(octets(mine));
                self.pieces.insert(index, Piece { offset: at, bytes: mine.to_vec() });
                index = index.saturating_add(1);
            }
            let Some(end) = taken_end else { break };
            at = at.saturating_add(octets(mine));
            let covered = end.saturating_sub(at) as usize;
            rest = after.get(covered..).unwrap_or_default();
            at = end;
            index = index.saturating_add(1);
        }
        cost
    }

    fn is_whole(&self) -> bool {
        // Pieces beyond the end (a liar's) make the sum too large or the last end too far; then it's never whole.
        self.total.is_some_and(|total| {
            self.have == total && self.pieces.last().is_none_or(|last| last.end() == total)
        })
    }

    fn whole(self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.have as usize);
        for piece in self.pieces {
            whole.extend_from_slice(&piece.bytes);
        }
        whole
    }

    fn cost(&self) -> usize {
        self.pieces.iter().fold(DATAGRAM_OCTETS, |sum, piece| {
            sum.saturating_add(PIECE_OCTETS).saturating_add(piece.bytes.len())
        })
    }
}

/// The length of a slice of a packet, which is far below 2^32.
fn octets(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
