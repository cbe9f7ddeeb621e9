//! Looking at media beside a run: is a recording that is about to leave the live store still there, and what did a purged one say?
//!
//! Media are reached when they are first asked for, each in a process of its own, and their cards verified. What was found is
//! believed for a minute.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use archive::Card;
use archive::manifest::PIECE;
use rand_core::CryptoRng;
use seal::VerifyingKey;
use shared::{LocationId, MediaId};
use vault::{Elsewhere, Fresh, FreshCheck, ProofRow};

use crate::carrier::Carrier;

/// Reaches a location by its identity.
pub type Reach = Box<dyn Fn(LocationId) -> crate::Result<Box<dyn Carrier + Send>> + Send + Sync>;
/// So long a place is believed to be as it was found.
const BELIEVED: Duration = Duration::from_secs(60);

/// A carrier whose card was verified, and the medium that the card names.
type Reached = Option<(Card, Arc<Mutex<Box<dyn Carrier + Send>>>)>;

/// Looks at the media of some locations.
pub struct Looker {
    /// Keys with which central signed cards.
    keys: Vec<VerifyingKey>,
    reach: Reach,
    reached: Mutex<BTreeMap<LocationId, (Instant, Reached)>>,
}

impl std::fmt::Debug for Looker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looker").finish_non_exhaustive()
    }
}

impl Looker {
    /// Makes a looker; nothing is reached yet.
    #[must_use]
    pub fn new(keys: Vec<VerifyingKey>, reach: Reach) -> Self {
        Self { keys, reach, reached: Mutex::default() }
    }

    /// Returns the carrier to a medium, if that is the one that is connected now.
    fn to(
        &self,
        location: LocationId,
        medium: MediaId,
        generation: u32,
    ) -> Option<Arc<Mutex<Box<dyn Carrier + Send>>>> {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        reached.retain(|_, (since, _)| since.elapsed() < BELIEVED);
        let (_, reached) =
            reached.entry(location).or_insert_with(|| (Instant::now(), self.connect(location)));
        let (card, carrier) = reached.as_ref()?;
        (card.media_id == medium && card.media_gen == generation).then(|| Arc::clone(carrier))
    }

    fn connect(&self, id: LocationId) -> Reached {
        let mut carrier = (self.reach)(id).map_err(|e| tracing::info!("{e}")).ok()?;
        let limit = u64::try_from(archive::CARD_MAX).unwrap_or(u64::MAX);
        let bytes = carrier.read(archive::CARD_NAME, limit).ok()??;
        let card = self.keys.iter().find_map(|key| Card::open(&bytes, key).ok())?;
        (card.location_id == id).then(|| (card, Arc::new(Mutex::new(carrier))))
    }
}

/// Looks at one piece of each file, chosen by dice.
#[derive(Debug)]
pub struct Glance<'a, R> {
    /// At which media.
    pub looker: &'a Looker,
    /// Which piece.
    pub dice: R,
}

impl<R: CryptoRng> FreshCheck for Glance<'_, R> {
    fn look(&mut self, proof: &ProofRow) -> Fresh {
        let Some(carrier) = self.looker.to(proof.location_id, proof.media_id, proof.media_gen) else {
            return Fresh::Away;
        };
        let row = &proof.read_back;
        let pieces: &[[u8; 32]] = row.pieces.as_chunks().0;
        let count = seal::fields::len64(pieces).max(1);
        let nth = self.dice.next_u64().checked_rem(count).unwrap_or(0);
        let mut carrier = carrier.lock().unwrap_or_else(PoisonError::into_inner);
        let piece = match carrier.piece(&row.path, nth) {
            Ok(Some(piece)) => piece,
            Ok(None) => return Fresh::Differs(format!("{} is not there any more", row.path)),
            Err(e) => return Fresh::Differs(format!("{} cannot be read: {e}", row.path)),
        };
        let (digest, expected) = match usize::try_from(nth).ok().and_then(|n| pieces.get(n)) {
            Some(expected) => (archive::piece_digest(nth, &piece.bytes), expected),
            None => (*blake3::hash(&piece.bytes).as_bytes(), &row.whole_blake3),
        };
        if piece.size != row.size {
            Fresh::Differs(format!("{} has {} bytes and had {}", row.path, piece.size, row.size))
        } else if digest != *expected {
            Fresh::Differs(format!("piece {nth} of {} is not what was proven", row.path))
        } else if !piece.uncached {
            Fresh::Unsure(format!("{} can be read from a cache only, which shows nothing", row.path))
        } else {
            Fresh::Same
        }
    }
}

impl Elsewhere for Looker {
    fn open(&self, proof: &ProofRow) -> io::Result<Option<Box<dyn Read + Send>>> {
        let Some(carrier) = self.to(proof.location_id, proof.media_id, proof.media_gen) else {
            return Ok(None);
        };
        Ok(Some(Box::new(Fetching::new(carrier, &proof.read_back.path))))
    }
}

/// A file that comes from a medium piece by piece.
pub(crate) struct Fetching {
    carrier: Arc<Mutex<Box<dyn Carrier + Send>>>,
    path: String,
    nth: u64,
    have: Vec<u8>,
    at: usize,
    done: bool,
}

impl Fetching {
    /// Reads nothing yet.
    pub(crate) fn new(carrier: Arc<Mutex<Box<dyn Carrier + Send>>>, path: &str) -> Self {
        Self { carrier, path: path.to_owned(), nth: 0, have: Vec::new(), at: 0, done: false }
    }

    /// Fetches the next piece, and tells whether it came past every cache of this machine.
    ///
    /// # Errors
    /// The file is not there, or the medium's.
    pub(crate) fn fetch(&mut self) -> io::Result<bool> {
        let mut carrier = self.carrier.lock().unwrap_or_else(PoisonError::into_inner);
        let piece = carrier.piece(&self.path, self.nth).map_err(io::Error::other)?;
        let piece = piece.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        self.nth = self.nth.saturating_add(1);
        self.done = seal::fields::len64(&piece.bytes) < PIECE;
        (self.have, self.at) = (piece.bytes, 0);
        Ok(piece.uncached)
    }
}

impl Read for Fetching {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.have.len() && !self.done {
            self.fetch()?;
        }
        let mut rest = self.have.get(self.at..).unwrap_or_default();
        let n = rest.read(out)?;
        self.at = self.at.saturating_add(n);
        Ok(n)
    }
}
