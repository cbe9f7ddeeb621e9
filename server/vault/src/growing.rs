//! The parts of a recording that is under way, for whoever listens to it while it grows.
//!
//! A part grows in the spool, or in the folder of its satellite, under a name that its identity gives. When it is closed it is renamed into its day folder; a file
//! that is open by then stays readable, so a listener who holds it loses nothing.

use shared::{RecorderId, RecordingId};
use store::ReadSeek;

use crate::part::{SPOOL, spool_path};
use crate::{Result, Vault, incoming};

/// So many parts a recording may have beyond those admitted.
const AHEAD_MAX: u16 = 64;

/// A sealed file that may still grow.
pub struct GrowingPart {
    /// Which part.
    pub part: u16,
    /// Where it lay when it was opened.
    pub path: String,
    /// Its bytes. What is inside stays sealed until [`seal::Part::open`].
    pub io: Box<dyn ReadSeek>,
}

impl std::fmt::Debug for GrowingPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GrowingPart({})", self.path)
    }
}

impl Vault {
    /// Opens part `wanted` of a recording under way, or its newest part. `from` is the satellite that makes it, `None` this recorder: what
    /// one of them brings is never taken for another's. `None`: nothing of it grows, or it is being moved at this moment; then it is
    /// found again a moment later, here or by [`Self::open_recording`].
    ///
    /// # Errors
    /// The disk's or the catalogue's.
    pub fn growing(
        &self,
        id: RecordingId,
        wanted: Option<u16>,
        from: Option<RecorderId>,
    ) -> Result<Option<GrowingPart>> {
        let paths: Vec<String> = match from {
            None => self.disk.list(SPOOL)?.into_iter().map(|entry| spool_path(&entry.name)).collect(),
            Some(who) => incoming::growing_of(&*self.disk, who)?,
        };
        let path_of = |part: u16| {
            // In the spool the hour stands before it, behind a dash; what comes from a satellite has its folder.
            let name = format!("{}.amx", seal::name_symbols(&id, part));
            let is_its =
                |path: &&String| path.strip_suffix(&name).is_some_and(|rest| rest.ends_with(['-', '/']));
            paths.iter().find(is_its).cloned()
        };
        let found = match wanted {
            Some(part) => path_of(part).map(|path| (part, path)),
            None => {
                let known = self.catalogue.recording(id)?.map_or(0, |r| r.parts.len());
                let first = u16::try_from(known).unwrap_or(u16::MAX);
                let parts = (0..AHEAD_MAX).filter_map(|n| first.checked_add(n));
                parts.map_while(|part| Some((part, path_of(part)?))).last()
            }
        };
        if let Some((part, path)) = found {
            return match self.disk.open_read(&path) {
                Ok(io) => Ok(Some(GrowingPart { part, path, io })),
                Err(e) if e.is_not_found() => Ok(None),
                Err(e) => Err(e.into()),
            };
        }
        // A part that was asked for by number may have been admitted meanwhile.
        let Some(part) = wanted else { return Ok(None) };
        let of = from.unwrap_or(self.config.recorder_id);
        let found = self.catalogue.recording(id)?.filter(|recording| recording.facts.recorder_id == of);
        let Some(recording) = found else { return Ok(None) };
        let Some(row) = recording.parts.into_iter().find(|row| row.part == part) else { return Ok(None) };
        Ok(Some(GrowingPart { part, io: self.disk.open_read(&row.path)?, path: row.path }))
    }
}
