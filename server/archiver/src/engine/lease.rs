//! The lease: `lease.json` says who writes to a medium now. It keeps two machines apart; on one machine the lock does.
//!
//! It is taken by writing, waiting two seconds and reading back: of two that write at once, the later wins and the earlier sees
//! it. It is renewed every minute, between batches by the run and within a long file by the carrier, and dead after thirty, or when its
//! machine was started again.

use std::cell::Cell;

use shared::UtcMicros;
use vault::LocationRow;

use super::World;
use crate::carrier::{Carrier, Holder, LEASE_MAX};
use crate::{ArchiverError, Result};

const DEAD_US: i64 = 30 * 60 * 1_000_000;
const RENEW_US: i64 = 60 * 1_000_000;
const WAIT_MS: u64 = 2_000;

/// The lease, held.
#[derive(Debug)]
pub(crate) struct Lease {
    holder: Holder,
    renewed: Cell<UtcMicros>,
}

/// Takes the lease of a medium.
///
/// # Errors
/// [`ArchiverError::Busy`] while another machine has it, or the medium's.
pub(crate) fn take(world: &World<'_>, location: &LocationRow, carrier: &mut dyn Carrier) -> Result<Lease> {
    let failed = |error| ArchiverError::Medium { name: location.name.clone(), error };
    let now = world.clock.now();
    let me = myself(now);
    let busy = |other: &Holder| ArchiverError::Busy {
        name: location.name.clone(),
        who: format!("process {} on {}", other.pid, other.host),
    };
    if let Some(other) = read(carrier).map_err(failed)?
        && lives(&other, &me, now)
    {
        return Err(busy(&other));
    }
    carrier.put_lease(&me.to_bytes(now)).map_err(failed)?;
    world.clock.sleep_ms(WAIT_MS);
    match read(carrier).map_err(failed)? {
        Some(there) if there == me => {
            carrier.keep_lease(Some(me.clone())).map_err(failed)?;
            Ok(Lease { holder: me, renewed: Cell::new(now) })
        }
        Some(other) => Err(busy(&other)),
        None => Err(ArchiverError::Busy {
            name: location.name.clone(),
            who: "somebody who removed our lease".to_owned(),
        }),
    }
}

impl Lease {
    /// Removes the lease, unless somebody else took it. Harmless if it stays: it is of this machine, and old after 30 minutes.
    pub(crate) fn give_back(&self, carrier: &mut dyn Carrier) {
        drop(carrier.keep_lease(None));
        if let Ok(Some(there)) = read(carrier)
            && !self.holder.is_other(&there)
        {
            drop(carrier.remove(&[archive::layout::LEASE_NAME.to_owned()]));
        }
    }

    /// Renews the lease if a minute has gone.
    ///
    /// # Errors
    /// Somebody else took it meanwhile, or the medium's.
    pub(crate) fn keep(&self, world: &World<'_>, carrier: &mut dyn Carrier) -> Result<()> {
        let now = world.clock.now();
        if now.since(self.renewed.get()).abs() < RENEW_US {
            return Ok(());
        }
        let failed = |error| ArchiverError::Medium { name: "the medium".to_owned(), error };
        let there = read(carrier).map_err(failed)?;
        if let Some(other) = there.filter(|other| self.holder.is_other(other)) {
            let who = format!("process {} on {}, which took it from us", other.pid, other.host);
            return Err(ArchiverError::Busy { name: "the medium".to_owned(), who });
        }
        carrier.put_lease(&self.holder.to_bytes(now)).map_err(failed)?;
        self.renewed.set(now);
        Ok(())
    }
}

fn read(carrier: &mut dyn Carrier) -> crate::carrier::Carried<Option<Holder>> {
    let bytes = carrier.read(archive::layout::LEASE_NAME, LEASE_MAX)?;
    Ok(bytes.as_deref().and_then(Holder::parse))
}

/// On this machine the lock keeps runs apart: a lease that was left here is of a dead one.
fn lives(other: &Holder, me: &Holder, now: UtcMicros) -> bool {
    other.host != me.host && now.0.saturating_sub(other.at_us).abs() < DEAD_US
}

fn myself(now: UtcMicros) -> Holder {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let (host, machine) = (read("/proc/sys/kernel/hostname"), read("/etc/machine-id"));
    let host =
        if machine.is_empty() { host } else { format!("{host} {}", machine.get(..8).unwrap_or(&machine)) };
    Holder { host, pid: std::process::id(), boot: read("/proc/sys/kernel/random/boot_id"), at_us: now.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_lives_while_its_machine_renews_it() {
        let of = |host: &str, at_us| Holder { host: host.to_owned(), pid: 1, boot: "b".to_owned(), at_us };
        let (me, now) = (of("here", 0), UtcMicros(DEAD_US));
        let check = |other: &Holder, expected| assert_eq!(lives(other, &me, now), expected, "{other:?}");
        check(&of("there", now.0), true);
        check(&of("there", 1), true);
        check(&of("there", 0), false);
        check(&of("there", 2 * DEAD_US), false);
        check(&of("here", now.0), false);
    }
}
