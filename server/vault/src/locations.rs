//! The archive as its engine needs it: locations, media, what is due, what was read back and proven. Handed on to the catalogue.
//!
//! The engine alone knows when a file is durable on a medium and was read back from it. What it says here to be proven is what a
//! purge will believe.

use std::path::Path;

use archive::log::Act;
use catalogue::{
    ArchiveRunRow, ArchivedPart, BadPart, By, CheckKind, CheckRow, Counts, DayCount, DayEntry, DuePart,
    LocationRow, MediumRow, MediumState, NoticeRow, NoticesChanged, PartKey, ProofRow, ProvenPart,
    ReadBackRow,
};
use shared::{Day, LocationId, MediaId, RecordingId, RunId, UtcMicros};

use crate::people::handed_on;
use crate::vault::held;
use crate::{Result, Vault, VaultError};

handed_on! {
    /// Enters a location; no two in use have the same name.
    add_location(row: &LocationRow) -> ();
    /// Returns the locations that are in use, in the order of their making.
    locations() -> Vec<LocationRow>;
    /// Finds a location: one in use by its name, any by its identity.
    location(name_or_id: &str) -> Option<LocationRow>;
    /// Takes a location out of use on which nothing was ever proven.
    forget_location(id: LocationId) -> ();
    /// Replaces the particulars of a location.
    set_location_settings(id: LocationId, settings: &str) -> ();
    /// Enters a medium of a location.
    add_medium(row: &MediumRow) -> ();
    /// Takes a medium that served its location before; all of it is due again.
    adopt_medium(row: &MediumRow) -> ();
    /// Returns the media of a location, the newest first.
    media(location: LocationId) -> Vec<MediumRow>;
    /// Returns a medium.
    medium(id: MediaId) -> Option<MediumRow>;
    /// Notes that a medium's card was verified.
    note_medium_seen(id: MediaId, at: UtcMicros) -> ();
    /// Says whether a medium may be trusted from now on.
    set_medium_state(id: MediaId, state: MediumState) -> ();
    /// Writes what stands on a medium and where it lies.
    label_medium(id: MediaId, label: &str, lies_in: &str) -> ();
    /// Returns at most `limit` parts that the medium does not hold, by leaf, behind `after_leaf`.
    due(medium: MediaId, after_leaf: Option<u64>, limit: u32) -> Vec<DuePart>;
    /// Returns how many parts the medium does not hold, and their bytes.
    due_totals(medium: MediaId) -> (u64, u64);
    /// Returns how many parts were read back from the medium by runs without a report, which prove nothing, and their bytes.
    unproven_totals(medium: MediaId) -> (u64, u64);
    /// Returns how many parts of what the medium went past could not be carried to it.
    holes_of(medium: MediaId) -> u64;
    /// Returns the parts of a day that were read back from a medium, proven or about to be.
    archived_of_day(medium: MediaId, day: Day) -> Vec<ArchivedPart>;
    /// Returns recordings as the catalogue of a day shows them, at most a thousand at a time; unknown ones are left out.
    day_entries(ids: &[RecordingId]) -> Vec<DayEntry>;
    /// Enters a run that begins. One that is known already stays as it is.
    begin_run(run: &ArchiveRunRow) -> ();
    /// Ends a run that proved nothing. What it read back waits for the next one.
    end_run(run: &ArchiveRunRow) -> ();
    /// Step S4: enters parts that were read back in a run, in one transaction. Repeating it is harmless.
    read_back(run: RunId, medium: MediaId, rows: &[ReadBackRow]) -> ();
    /// Returns at most `limit` parts, by leaf and behind `after_leaf`, that runs without a report read back, each with its run.
    unproven(medium: MediaId, after_leaf: Option<u64>, limit: u32) -> Vec<(RunId, ReadBackRow)>;
    /// Makes parts that a cut run read back those of `run`, which will list them.
    adopt_read_back(run: RunId, medium: MediaId, parts: &[PartKey]) -> ();
    /// Forgets parts that were read back and are not proven: they are due again.
    drop_read_back(medium: MediaId, parts: &[PartKey]) -> ();
    /// Notes which generation of a day's manifest lists the parts of that day, between these leaves, that a run read back.
    set_manifest(run: RunId, day: Day, leaves: (u64, u64), generation: u32) -> ();
    /// Notes how far parts were verified on the medium, 0 to 5.
    set_level(medium: MediaId, parts: &[PartKey], level: u8) -> ();
    /// Step S7: proves all that a run read back or took over, and moves its medium on, in one transaction. Leaves below
    /// `next_leaf` of which nothing was read back become holes, besides those in `holes`.
    prove_run(run: &ArchiveRunRow, next_leaf: u64, holes: &[u64]) -> ();
    /// Returns the parts that were found bad on a medium and have no good copy there yet.
    bad_parts(medium: MediaId) -> Vec<BadPart>;
    /// Returns how many those are, and of how many of them no good copy is known anywhere.
    bad_totals(medium: MediaId) -> (u64, u64);
    /// Returns at most `limit` parts, by leaf and behind `after_leaf`, that runs which ended before `before` proved to lie on a medium.
    proven_on(medium: MediaId, before: UtcMicros, after_leaf: Option<u64>, limit: u32) -> Vec<ProvenPart>;
    /// Returns what is known of a recording on all media.
    proofs_of(id: RecordingId) -> Vec<ProofRow>;
    /// Returns the last runs on a location, the newest first.
    runs(location: LocationId, limit: u32) -> Vec<ArchiveRunRow>;
    /// Returns the lowest level of what a run lists, by some of it; `None`: it lists nothing.
    level_of_run(run: RunId) -> Option<u8>;
    /// Returns the next number of the counter `name`, from 1, durably: none is given twice.
    next_generation(name: &str) -> u64;
    /// Returns the newest manifest of a day on a medium: its generation and its SHA-256.
    manifest_of(medium: MediaId, day: Day) -> Option<(u32, [u8; 32])>;
    /// Notes a manifest that lies on a medium.
    note_manifest(medium: MediaId, day: Day, generation: u32, sha256: [u8; 32]) -> ();
    /// Returns the notices that stand, the worst first.
    notices() -> Vec<NoticeRow>;
    /// Makes these the notices that stand, and returns what has changed.
    keep_notices(now_true: &[NoticeRow]) -> NoticesChanged;
    /// Notes that somebody has seen a notice.
    notice_seen(key: &str, by: &By) -> ();
    /// Notes a verification or a drill that came to its end.
    note_check(row: &CheckRow) -> ();
    /// Returns the last verifications or drills at a location, the newest first.
    checks(location: LocationId, what: CheckKind, limit: u32) -> Vec<CheckRow>;
    /// Trusts a suspect medium again, on a person's word and a verification that it passed since; tells whether it is so.
    trust_medium(id: MediaId, by: &By) -> bool;
    /// Notes that a person ended a run at a location.
    stop_archive(location: LocationId, by: &By) -> ();
    /// Returns who ended a run at a location, if nobody asked for one since.
    archive_stop(location: LocationId) -> Option<By>;
    /// Forgets that a run was ended: somebody asked for one.
    go_on_archiving(location: LocationId) -> ();
    /// Notes the last day for which every daily login can be made from what lies on a location.
    note_logins_until(location: LocationId, until: Day) -> ();
    /// Returns that day; `None`: no run has said so.
    logins_until(location: LocationId) -> Option<Day>;
    /// Returns what was recorded on each day from `from` on that has anything, in order.
    recorded_by_day(from: Day) -> Vec<DayCount>;
    /// Returns what of each day from `from` on a medium does not hold.
    due_by_day(medium: MediaId, from: Day) -> Vec<DayCount>;
    /// Returns what of each day from `from` on left the live store since `since`, the beginning of that day.
    purged_by_day(from: Day, since: UtcMicros) -> Vec<DayCount>;
    /// Tries a copy of the database: opens it with this catalogue's key, looks at every page, and counts its rows.
    check_backup(path: &Path) -> Counts;
}

impl Vault {
    /// Copies the whole database into the new file `path`, under its own key, while others read and write.
    ///
    /// # Errors
    /// The catalogue's: it lies on a server, or the disk is full; then a part of the copy may lie there.
    pub fn backup_database(&self, path: &Path) -> Result<()> {
        Ok(self.catalogue.backup(path)?)
    }

    /// Takes back what was proven of these parts on a medium, because their files there are bad: they are due again there, whatever lies
    /// under their names is put aside by the run that brings good copies, and the medium is suspect until a person has seen to it.
    ///
    /// # Errors
    /// The catalogue's. The medium may be suspect then, and a later look finds the rest.
    pub fn found_bad(&self, medium: MediaId, bad: &[BadPart], at: UtcMicros) -> Result<()> {
        let row = self.catalogue.medium(medium)?;
        if row.as_ref().is_some_and(|row| row.state == MediumState::Good) {
            self.catalogue.set_medium_state(medium, MediumState::Suspect)?;
        }
        self.catalogue.found_bad(medium, bad, at)?;
        let name = row.map_or_else(|| medium.to_string(), |row| row.label);
        for bad in bad {
            tracing::error!("the medium {name}: {} is bad and due again there: {}", bad.path, bad.why);
        }
        let (_, lost) = self.catalogue.bad_totals(medium)?;
        if lost > 0 {
            tracing::error!(
                "the medium {name}: of {lost} files that are bad there no good copy is known: they left the live store, and no other \
                 medium is proven to hold them. Remove nothing, and connect every medium that may have them"
            );
        }
        Ok(())
    }

    /// Appends what is about to happen, or did, to the site's transparency log, durably, and returns its leaf.
    ///
    /// `actor` names who does it; zeros: the system itself.
    ///
    /// # Errors
    /// [`VaultError::NoLog`] if the vault was not opened for recording, or its log cannot be trusted; or the disk's: then nobody
    /// may act as if the leaf were there.
    pub fn append_act(&self, act: Act, actor: [u8; 16]) -> Result<u64> {
        self.append_acts(vec![act], actor)
    }

    /// Appends several acts with one sync and returns the first leaf.
    pub(crate) fn append_acts(&self, acts: Vec<Act>, actor: [u8; 16]) -> Result<u64> {
        let at = crate::log::now();
        let leaves: Vec<Vec<u8>> =
            acts.into_iter().map(|act| archive::log::Leaf { at, actor, act }.to_bytes()).collect();
        held(&self.log).as_mut().ok_or(VaultError::NoLog)?.append(&leaves)
    }
}
