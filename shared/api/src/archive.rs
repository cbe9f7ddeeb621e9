//! The archive: whether what was recorded is safe, where it lies, and what goes on there.

use serde::{Deserialize, Serialize};

use crate::{Checked, Checking, ProofWord, Removal};

/// How safe recordings are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Archive {
    /// The verdict over all locations.
    pub verdict: ArchiveVerdict,
    /// Everything that had ended by then is proven in every location; `null` while there is no such moment.
    pub safe_until: Option<String>,
    /// Files of recordings that no location holds yet, as far as that is known; those since the last run are among them.
    pub due_files: u64,
    /// When the next run begins by itself, if no location is behind.
    pub next_run: Option<String>,
    /// The time of day of the nightly run, in the site's zone.
    pub at: String,
    /// Recordings are archived by day too, soon after they were sealed.
    pub continuous: bool,
    /// The locations.
    pub locations: Vec<ArchiveLocation>,
}

/// Whether recordings are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArchiveVerdict {
    /// No location is configured.
    None,
    /// Every location was archived to since the last evening.
    Safe,
    /// One was not, and a run that will mend it goes on.
    Running,
    /// One was not.
    Behind,
}

/// What a location is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LocationWord {
    /// A folder of another disk of the server.
    Folder,
    /// A drive that comes and goes.
    Usb,
    /// A folder of an NFS server.
    Nfs,
    /// A Windows share.
    Smb,
    /// A bucket.
    S3,
}

/// Which media of a location must hold a recording before its live copy may go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MediaSetWord {
    /// One medium serves the location.
    #[default]
    One,
    /// Several take turns; one is enough.
    Any,
    /// Several take turns; each must hold it.
    All,
}

/// One archive location.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveLocation {
    /// Its identity.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: LocationWord,
    /// Where it is mounted on the server.
    pub path: String,
    /// Which of its media must hold a recording.
    pub media_set: MediaSetWord,
    /// It was archived to since the last evening.
    pub verdict: ArchiveVerdict,
    /// Everything that had ended by then is proven here.
    pub safe_until: Option<String>,
    /// Whether it is there with its right medium; `null` while it was not looked at yet.
    pub connected: Option<bool>,
    /// Why it is not.
    pub why: Option<String>,
    /// When it was last there.
    pub seen_at: Option<String>,
    /// Files that are not proven here yet.
    pub due_files: u64,
    /// Their bytes.
    pub due_bytes: u64,
    /// Room on its medium in bytes, when it was last looked at.
    pub free_bytes: Option<u64>,
    /// The medium's size in bytes.
    pub total_bytes: Option<u64>,
    /// Bytes a day by the average of the last 28 days; `null` while nothing can be said.
    pub daily_bytes: Option<u64>,
    /// The day on which the medium will be full by that average; `null` if not within ten years or while nothing can be said.
    pub full_on: Option<String>,
    /// The run that goes on.
    pub running: Option<ArchiveProgress>,
    /// A run was asked for and waits for another one.
    pub waiting: bool,
    /// Why the last run did not do its work, and what to do.
    pub trouble: Option<String>,
    /// Who ended the last run: nothing is archived here by itself before the next evening.
    pub stopped_by: Option<String>,
    /// The verification or drill that goes on.
    pub checking: Option<Checking>,
    /// Why the last one could not be done.
    pub check_trouble: Option<String>,
    /// The last drill.
    pub drill: Option<Checked>,
    /// Daily logins lie here up to this day.
    pub logins_until: Option<String>,
    /// Days until then.
    pub logins_days: Option<u32>,
    /// Somebody wants it to go.
    pub removal: Option<Removal>,
    /// Its media, the newest first.
    pub media: Vec<Medium>,
    /// The last runs, the newest first.
    pub runs: Vec<ArchiveRun>,
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveProgress {
    /// When it began.
    pub since: String,
    /// What it does.
    pub step: ArchiveStep,
    /// Files carried.
    pub files: u64,
    /// Files that were due.
    pub files_due: u64,
    /// Bytes carried.
    pub bytes: u64,
    /// Bytes that were due.
    pub bytes_due: u64,
    /// Bytes per second of late.
    pub bytes_per_second: Option<u64>,
    /// Seconds left for carrying, at that speed.
    pub seconds_left: Option<u64>,
    /// It was asked to end early.
    pub stopping: bool,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArchiveStep {
    /// Looks whether the medium is the right one.
    Check,
    /// Counts what is due.
    Plan,
    /// Carries recordings, and reads them back.
    Carry,
    /// Writes catalogues, lists, log and keys.
    Describe,
    /// Writes the backup and tries it.
    Backup,
    /// Signs the report.
    Prove,
}

/// One drive, share or bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Medium {
    /// Its identity, as on its card.
    pub id: String,
    /// How often the location changed its medium before.
    pub generation: u32,
    /// What is written on it.
    pub label: String,
    /// Where people find it.
    pub lies_in: String,
    /// Whether it may be trusted.
    pub state: MediumWord,
    /// Files that are not proven on it yet.
    pub due_files: u64,
    /// Their bytes.
    pub due_bytes: u64,
    /// When something was last proven on it.
    pub proven_at: Option<String>,
    /// When it was last there.
    pub seen_at: Option<String>,
    /// Whether what lies on it is proof.
    pub proof: ProofWord,
    /// Its last verification.
    pub verified: Option<Checked>,
}

/// Whether a medium may be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MediumWord {
    /// It may.
    Good,
    /// Something on it was not as it should be.
    Suspect,
    /// It is out of use.
    Retired,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArchiveRun {
    /// Its identity.
    pub id: String,
    /// On which medium.
    pub medium: String,
    /// Its beginning.
    pub begun_at: String,
    /// Its end; `null` while it goes on, and if it was cut.
    pub ended_at: Option<String>,
    /// How it ended.
    pub outcome: ArchiveOutcome,
    /// Files proven.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What an administrator should know of it; may be empty.
    pub message: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ArchiveOutcome {
    /// It goes on.
    Running,
    /// Everything that was due is there.
    Complete,
    /// Everything but single files.
    Holes,
    /// It was stopped, or the medium is full; what it carried is proven.
    Early,
    /// The medium went away or the server ended: it proved nothing.
    Cut,
}

/// A location to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewLocation {
    /// What people call it, 1 to 64 characters.
    pub name: String,
    /// What it is made of.
    pub kind: LocationWord,
    /// Where it is mounted on the server: an absolute path. Of a bucket: `s3://BUCKET` or `s3://BUCKET/FOLDER`.
    pub path: String,
    /// How the bucket is reached; for `s3` only, and needed there.
    #[serde(default)]
    pub bucket: Option<NewBucket>,
    /// Which of its media must hold a recording.
    #[serde(default)]
    pub media_set: MediaSetWord,
    /// What is written on its first medium.
    #[serde(default)]
    pub label: String,
    /// Where that one lies.
    #[serde(default)]
    pub lies_in: String,
}

/// How a bucket is reached.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewBucket {
    /// The store's address, `https://...`; empty: Amazon's of the region.
    #[serde(default)]
    pub endpoint: String,
    /// The region.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The access key. It is never shown again.
    pub secret_access_key: String,
    /// The certificate to trust instead of those that the server's system trusts, PEM; empty: those.
    #[serde(default)]
    pub ca: String,
    /// Nothing that is put there can be deleted for so many days; 0: no lock.
    #[serde(default)]
    pub object_lock_days: u32,
    /// Nobody at all may shorten that.
    #[serde(default)]
    pub object_lock_for_all: bool,
}

impl std::fmt::Debug for NewBucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It holds a secret.
        f.debug_struct("NewBucket")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// What stands on a medium, and where it lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MediumText {
    /// What is written on it, at most 64 characters.
    pub label: String,
    /// Where people find it, at most 120 characters.
    pub lies_in: String,
}

/// A medium that is to be prepared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMedium {
    /// What is written on it, at most 64 characters.
    pub label: String,
    /// Where people find it, at most 120 characters.
    pub lies_in: String,
    /// What is brought to it.
    #[serde(default)]
    pub seed: SeedWord,
}

/// What is brought to a new medium.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SeedWord {
    /// Everything: from the live store, and what left that from another place.
    #[default]
    Full,
    /// What is recorded from now on. What lies on the medium before stays there only, which must be kept.
    FromNow,
}

/// What was made or prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MadeReady {
    /// The location.
    pub location: String,
    /// Its medium.
    pub medium: String,
}

/// What a look at a location found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LocationTest {
    /// It is there with its right medium.
    pub connected: bool,
    /// Why not.
    pub why: Option<String>,
    /// Room on its medium in bytes.
    pub free_bytes: Option<u64>,
    /// The medium's size in bytes.
    pub total_bytes: Option<u64>,
}
