//! Satellites and their invitations, handed on to the catalogue. What comes from them is the business of [`crate::Incoming`].

use catalogue::{By, CatalogueError, InvitationRow, SatelliteRow};
use shared::{RecorderId, UtcMicros};

use crate::people::handed_on;
use crate::{Result, Vault};

handed_on! {
    /// Returns all satellites by letter, those that were revoked included.
    satellites() -> Vec<SatelliteRow>;
    /// Returns a satellite, if there is such a one.
    satellite(id: RecorderId) -> Option<SatelliteRow>;
    /// Notes that a satellite was heard, and what it said of itself (JSON of at most 64 KiB).
    satellite_seen(id: RecorderId, at: UtcMicros, status: Option<&str>) -> ();
    /// Notes the configuration that a satellite says it has.
    satellite_configured(id: RecorderId, version: u64) -> ();
    /// Gives a satellite another certificate in place of the one it has; not if it was revoked.
    renew_satellite(id: RecorderId, certificate: &[u8; 32], until: UtcMicros) -> ();
    /// Gives a satellite another name for people; not one that another has which was not revoked.
    rename_satellite(id: RecorderId, name: &str) -> ();
    /// Revokes a satellite for good; false if it was revoked before.
    revoke_satellite(id: RecorderId, by: &By) -> bool;
    /// Enters an invitation, and forgets those that ended more than a day ago.
    invite(row: &InvitationRow) -> ();
    /// Returns the invitations that work at `now`: neither used, nor closed, nor over.
    invitations(now: UtcMicros) -> Vec<InvitationRow>;
    /// Closes an invitation that nobody used yet; false if it works no more anyway.
    withdraw_invitation(id: [u8; 16], now: UtcMicros) -> bool;
    /// Counts a wrong proof against every open invitation; closes them all when one has seen `max` of them. True: that was it.
    wrong_proof(now: UtcMicros, max: u32) -> bool;
}

impl Vault {
    /// Uses an invitation, once, and enters the satellite that came with it, in one transaction: with the invitation's name and the
    /// first letter that nobody ever had. `None`: the invitation works no more. What is answered is durable.
    ///
    /// # Errors
    /// There is such a satellite, or it has the identity of this recorder; no letter is left; or the database's.
    pub fn take_invitation(
        &self,
        id: [u8; 16],
        satellite: &SatelliteRow,
        now: UtcMicros,
    ) -> Result<Option<SatelliteRow>> {
        // Else it could bring recordings, and end entries of the ledger, in this recorder's name.
        if satellite.recorder_id == self.config().recorder_id {
            return Err(CatalogueError::Taken { what: "recorder" }.into());
        }
        Ok(self.catalogue.take_invitation(id, satellite, self.config().letter, now)?)
    }
}
