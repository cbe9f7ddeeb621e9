//! Who writes to a medium, as `lease.json` says it, and how a carrier renews that by itself while it is at one long file.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use shared::UtcMicros;

use super::{Carried, CarryError, CarryKind};

/// A longer lease is none.
pub(crate) const LEN_MAX: u64 = 4_096;
const RENEW_US: i64 = 60 * 1_000_000;

/// Who writes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// The start of the machine.
    pub boot: String,
    /// When it said so.
    pub at_us: i64,
}

impl Holder {
    /// Reads it from `lease.json`. One that is torn says nothing: its writer died while it wrote.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut short = Vec::new();
        bytes.take(LEN_MAX.saturating_add(1)).read_to_end(&mut short).ok()?;
        serde_json::from_slice(&short).ok()
    }

    /// Returns the bytes of `lease.json`, as of `now`.
    #[must_use]
    pub fn to_bytes(&self, now: UtcMicros) -> Vec<u8> {
        serde_json::to_vec(&Self { at_us: now.0, ..self.clone() }).unwrap_or_default()
    }

    /// Tells whether another is a process of another machine, or of another start of it.
    #[must_use]
    pub fn is_other(&self, other: &Self) -> bool {
        (&other.host, &other.boot) != (&self.host, &self.boot)
    }
}

/// A lease that is renewed on the way.
#[derive(Debug)]
pub(super) struct Renewing {
    holder: Holder,
    renewed: UtcMicros,
    now: fn() -> UtcMicros,
}

impl Renewing {
    /// It was just taken.
    pub(super) fn new(holder: Holder, now: fn() -> UtcMicros) -> Self {
        Self { holder, renewed: now(), now }
    }

    /// Returns who holds it and the time, if a minute has gone since the last time.
    pub(super) fn due(&mut self) -> Option<(&Holder, UtcMicros)> {
        let now = (self.now)();
        if now.since(self.renewed).abs() < RENEW_US {
            return None;
        }
        self.renewed = now;
        Some((&self.holder, now))
    }
}

/// Renews a lease on the way, through what can read and put `lease.json`.
pub(super) struct OnTheWay<'a> {
    pub(super) renewing: Option<&'a mut Renewing>,
    pub(super) read: &'a dyn Fn() -> Carried<Option<Vec<u8>>>,
    pub(super) put: &'a dyn Fn(&[u8]) -> Carried<()>,
    /// Why it could not be renewed.
    pub(super) lost: Option<CarryError>,
}

impl OnTheWay<'_> {
    /// A step forward was made.
    pub(super) fn step(&mut self) {
        let Some((holder, now)) = self.renewing.as_mut().and_then(|renewing| renewing.due()) else { return };
        let renewed = (self.read)().and_then(|there| {
            match there.as_deref().and_then(Holder::parse).filter(|other| holder.is_other(other)) {
                Some(other) => Err(taken(&other)),
                None => (self.put)(&holder.to_bytes(now)),
            }
        });
        self.lost = self.lost.take().or_else(|| renewed.err());
    }

    /// Returns what was done, unless the lease was lost on the way.
    pub(super) fn kept<T>(self, done: Carried<T>) -> Carried<T> {
        self.lost.map_or(done, Err)
    }
}

/// Somebody else took it: nothing of the batch counts.
fn taken(other: &Holder) -> CarryError {
    CarryError {
        kind: CarryKind::Taken,
        text: format!("process {} on {} took the lease from us", other.pid, other.host),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use archive::layout::LEASE_NAME;
    use store::Disk as _;
    use store::LocalDisk;

    use super::*;
    use crate::carrier::{Carrier as _, DiskCarrier, Fate, Item, Source, SyncRule};

    /// Each look at the clock is forty seconds after the one before.
    fn ticking() -> UtcMicros {
        static NOW: AtomicI64 = AtomicI64::new(0);
        UtcMicros(NOW.fetch_add(40_000_000, Ordering::Relaxed))
    }

    fn holder(host: &str) -> Holder {
        Holder { host: host.to_owned(), pid: 1, boot: "b".to_owned(), at_us: 0 }
    }

    fn there(medium: &LocalDisk) -> Holder {
        let mut bytes = Vec::new();
        medium.open_read(LEASE_NAME).unwrap().read_to_end(&mut bytes).unwrap();
        Holder::parse(&bytes).unwrap()
    }

    #[test]
    fn within_one_long_file_the_lease_is_renewed_and_its_loss_ends_the_batch() {
        let folder = tempfile::tempdir().unwrap();
        let open = || LocalDisk::open(folder.path()).unwrap();
        let (medium, live) = (open(), Arc::new(open()));
        let mut carrier = DiskCarrier::new(Arc::new(open()), live, SyncRule::Whole, ticking);
        carrier.put_lease(&holder("here").to_bytes(UtcMicros(0))).unwrap();
        carrier.keep_lease(Some(holder("here"))).unwrap();
        let item = |to: &str| {
            let source = Source::Bytes(vec![7; 9 << 20]);
            [Item { to: to.to_owned(), source, aside: None }]
        };
        let stamps = RefCell::new(Vec::new());
        let fates = carrier.carry(&item("a.bin"), &mut |_| stamps.borrow_mut().push(there(&medium).at_us));
        assert!(matches!(fates.unwrap()[..], [Fate::Proven { .. }]));
        let mut stamps = stamps.into_inner();
        assert!(stamps.is_sorted() && stamps.len() > 9, "{stamps:?}");
        stamps.dedup();
        assert!(stamps.len() > 4, "renewed while one file was written and read back: {stamps:?}");

        // Another machine takes it in mid-copy: it keeps it, and nothing of the batch counts.
        let mut first = true;
        let taken = carrier.carry(&item("b.bin"), &mut |_| {
            if std::mem::take(&mut first) {
                medium.unlink(LEASE_NAME).unwrap();
                let bytes = holder("there").to_bytes(UtcMicros(9));
                medium.create_new(LEASE_NAME).unwrap().append(&[&bytes]).unwrap();
            }
        });
        assert_eq!(taken.unwrap_err().kind, CarryKind::Taken);
        assert_eq!(there(&medium).host, "there");
        // Given back: nobody renews it any more.
        carrier.keep_lease(None).unwrap();
        assert!(carrier.carry(&item("c.bin"), &mut |_| ()).is_ok());
    }
}
