//! Letting go: the only way by which what is sealed leaves a satellite's disk, but for what a rule discards.

use seal::VerifyingKey;

use crate::part::{SPOOL, spool_path};
use crate::survey::trailer_of;
use crate::{Digests, Outpost, Receipt, Result, What};

/// The central has signed that it holds a part, durable, in its catalogue and in its log. Only [`Outpost::released`] makes one.
#[derive(Debug)]
pub struct Released {
    what: What,
    name: String,
}

impl Outpost {
    /// Judges a receipt: the central must have signed over the length and the digests in the trailer of the file that lies **here**, at
    /// `leaf` of its log. `None`: it did not, or there is no such file; then the file stays, and it is an alarm.
    ///
    /// # Errors
    /// The disk's.
    pub fn released(
        &self,
        what: What,
        leaf: u64,
        signature: &[u8; 64],
        central: &VerifyingKey,
    ) -> Result<Option<Released>> {
        let What::Part(recording_id, part) = what else { return Ok(None) };
        let Some(file) = self.watch.file(what).filter(|file| file.sealed.is_some()) else { return Ok(None) };
        let Some((size, Digests { sha256, blake3 })) = self.own_digests(&file.name)? else { return Ok(None) };
        let (site_id, recorder_id) = (self.config.site_id, self.config.recorder_id);
        let receipt = Receipt { site_id, recorder_id, recording_id, part, size, sha256, blake3, leaf };
        let name = file.name;
        Ok(receipt.verifies(signature, central).then_some(Released { what, name }))
    }

    /// I5: removes files that the central has receipted: unlink, and one `fsync` of the spool. Cut before it: they are offered and
    /// receipted again.
    ///
    /// # Errors
    /// The disk's; what was not removed is offered again.
    pub fn let_go(&self, released: Vec<Released>) -> Result<()> {
        if released.is_empty() {
            return Ok(());
        }
        for Released { what, name } in released {
            match self.disk.unlink(&spool_path(&name)) {
                Err(e) if !e.is_not_found() => return Err(e.into()),
                Ok(()) | Err(_) => self.watch.gone(what),
            }
        }
        self.disk.sync_dir(SPOOL)?;
        Ok(())
    }

    /// Reads length and digests of a part out of its own trailer.
    pub(super) fn own_digests(&self, name: &str) -> Result<Option<(u64, Digests)>> {
        let path = spool_path(name);
        Ok(trailer_of(&*self.disk, &path)?.map(|(size, trailer)| {
            let facts = trailer.facts;
            (size, Digests { sha256: facts.sha256, blake3: facts.blake3 })
        }))
    }
}
