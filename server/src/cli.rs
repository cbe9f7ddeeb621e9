//! The command line: every command, every option, with the words a newcomer needs.

pub(crate) mod keeping;
pub(crate) mod logins;
pub(crate) mod satellite;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Records calls, seals every recording at the moment of capture, and gives them back with proof.
#[derive(Debug, Parser)]
#[command(
    name = "amethyst",
    version,
    propagate_version = true,
    after_help = "Start with:\n  \
    amethyst init --data /srv/amethyst --site-name \"Town hall\" --zone Africa/Johannesburg\n  \
    amethyst serve --data /srv/amethyst          (then open the page that it names)\n  \
    amethyst record --data /srv/amethyst --interface eth1\n  \
    amethyst list --data /srv/amethyst\n\n\
    Exit codes: 0 done; 1 something is wrong with what was looked at; 2 command line or configuration; \
    3 input cannot be used; 4 not permitted; 5 data folder cannot be used; 6 disk failed or full."
)]
pub(crate) struct Cli {
    /// Say more about what is done (twice: even more). Goes to standard error.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a site: keys, data folder, configuration. Prints the three recovery shares once.
    Init(Init),
    /// Record calls from network interfaces or capture files.
    Record(Record),
    /// Run the server: record on all taps, and serve the console in the browser over HTTPS.
    Serve(Serve),
    /// Give people access to the console: one-time links, for the first sign-in and for a forgotten password.
    #[command(subcommand)]
    User(User),
    /// List recordings, newest first.
    List(List),
    /// Show all that is known about one recording.
    Show(Show),
    /// Decrypt recordings to WAV, FLAC or raw files, each with a sidecar that tells what it is and proves it.
    Export(Export),
    /// Verify archives, sealed files and exports without any key: structure, digests, signatures, chains, the log.
    Verify(Verify),
    /// Compare files with the database: are all recordings there, whole and unaltered?
    Check(Check),
    /// The transparency log: prove that a recording is in it, and that it was never changed.
    #[command(subcommand)]
    Log(Log),
    /// Restore a lost recorder from an archive and two shares of paper, into a new folder.
    Restore(Restore),
    /// Show the ledger: the account of every call that was signalled on one day.
    Ledger(Ledger),
    /// Show the login that opens archives today. That it was given out is entered in the log first.
    DailyLogin(logins::DailyLogin),
    /// The places to which recordings are archived: folders, drives, shares.
    #[command(subcommand)]
    Location(Location),
    /// Archive recordings with proof, and look how safe they are.
    #[command(subcommand)]
    Archive(Archive),
    /// How long calls are kept: classes with a least and a most.
    #[command(subcommand)]
    Retention(keeping::Retention),
    /// Changes of what is kept that wait for a second person, or for their day.
    #[command(subcommand)]
    Policy(keeping::Policy),
    /// Legal holds: what nothing and nobody purges or destroys.
    #[command(subcommand)]
    Hold(keeping::Hold),
    /// Destroy a day or a recording for good: at the end of its retention, or by order of two persons.
    Shred(keeping::Shred),
    /// Alarms by mail, webhook and syslog: try whether they arrive.
    #[command(subcommand)]
    Alarm(Alarm),
    /// Satellites: recording servers near the taps that move recordings to this central in real time.
    #[command(subcommand)]
    Satellite(satellite::Satellite),
    /// A carrier of the archive engine, in a process of its own.
    #[command(hide = true)]
    ArchiveCarrier(ArchiveCarrier),
}

/// `amethyst alarm`.
#[derive(Debug, Subcommand)]
pub(crate) enum Alarm {
    /// Send a test over each way of `amethyst.toml`, and say what each answered. Look whether it arrives.
    Test(AlarmTest),
}

/// `amethyst alarm test`.
#[derive(Debug, Args)]
pub(crate) struct AlarmTest {
    /// The site.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Read the ways from this file instead of DIR/amethyst.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Only this way, by its name.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print JSON: one array, an entry for each way.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a site keeps everything.
#[derive(Debug, Args)]
pub(crate) struct Data {
    /// The site's data folder, as made by `amethyst init`.
    #[arg(long = "data", value_name = "DIR", env = "AMETHYST_DATA")]
    pub(crate) dir: PathBuf,
}

/// `amethyst init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder to create the site in; it must not exist or be empty.
    #[arg(long = "data", value_name = "DIR", env = "AMETHYST_DATA")]
    pub(crate) dir: PathBuf,
    /// What people call the site, for screens and reports.
    #[arg(long, value_name = "NAME")]
    pub(crate) site_name: String,
    /// The site's time zone by its name in the tz database, such as Africa/Johannesburg. It decides to which day a call belongs.
    #[arg(long, value_name = "AREA/CITY")]
    pub(crate) zone: String,
    /// The letter that references of this recorder begin with.
    #[arg(long, default_value = "A", value_name = "LETTER")]
    pub(crate) letter: char,
    /// Print the result, shares included, as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst restore`.
#[derive(Debug, Args)]
#[command(
    after_help = "The archive is only read. Two of the three recovery shares are asked for at the terminal, or read from \
    files (--share)\nor standard input: one share in a line, or in four lines as printed. A restore that was cut is begun again in \
    another empty folder."
)]
pub(crate) struct Restore {
    /// The archive: the folder in which AMETHYST lies (a drive, a share), or AMETHYST itself; of a bucket `s3://BUCKET` or
    /// `s3://BUCKET/FOLDER`.
    #[arg(long, alias = "from", value_name = "PATH")]
    pub(crate) archive: PathBuf,
    /// Of a bucket: the store's address; Amazon's if left out.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Of a bucket: its region.
    #[arg(long, value_name = "R", default_value = "us-east-1")]
    pub(crate) region: String,
    /// Of a bucket: a file with the access key, as `aws configure` writes it; `-` reads it from standard input. If left out, the
    /// environment is asked (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`), then you.
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    /// Of a bucket: the certificate to trust instead of those that the system trusts, PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The folder to restore into; it must not exist or be empty.
    #[arg(long = "data", value_name = "DIR", env = "AMETHYST_DATA")]
    pub(crate) dir: PathBuf,
    /// Read a share from this file; give it twice, or a file that holds two. Delete the files afterwards: whoever has two shares
    /// and an archive can hear everything.
    #[arg(long = "share", alias = "shares-file", value_name = "FILE")]
    pub(crate) shares: Vec<PathBuf>,
    /// Copy the recordings back into the data folder, each compared with the database. Without it they stay in the archive.
    #[arg(long)]
    pub(crate) with_recordings: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst record`.
#[derive(Debug, Args)]
#[command(after_help = "Several --interface and --pcap may be given; each is a tap of its own.\n\
    With --pcap the files are read as fast as possible and a JSON summary is printed.\n\
    With --interface it records until Ctrl-C (SIGINT) or SIGTERM and then closes all recordings cleanly.")]
pub(crate) struct Record {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Record live from this network interface (a mirror port). Needs root or `CAP_NET_RAW`.
    #[arg(
        long = "interface",
        value_name = "IF",
        required_unless_present = "pcaps",
        conflicts_with = "pcaps"
    )]
    pub(crate) interfaces: Vec<String>,
    /// Record from a capture file: pcap or pcapng, also gzipped.
    #[arg(long = "pcap", value_name = "FILE")]
    pub(crate) pcaps: Vec<PathBuf>,
    /// Open SRTP whose signalling does not pass by the tap with the keys in this file. One key on a line: crypto suite and
    /// base64 of master key and salt, as in SDP (`AES_CM_128_HMAC_SHA1_80 d0Rm...`); # begins a comment; at most 8 keys.
    /// Keep the file for yourself (chmod 600). Keys that SDP announces need no file.
    #[arg(long, value_name = "FILE")]
    pub(crate) srtp_keys: Option<PathBuf>,
    /// Print the summary as JSON also with --interface.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "It records on the taps that the configuration or the console names, and runs until SIGTERM or Ctrl-C.\n\
    SIGHUP reads the configuration again; calls in progress lose nothing. At its very first start it prints a one-time link\n\
    with which the first administrator signs in; there is no default password."
)]
pub(crate) struct Serve {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Read this configuration instead of `DIR/amethyst.toml`.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Serve HTTPS here; the configuration's `web.listen` if left out.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Say on every page that this is a demonstration.
    #[arg(long, hide = true)]
    pub(crate) demo: bool,
}

/// `amethyst user`.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Print a one-time link for a person, valid for 24 hours: they set their password with it. An administrator who is not
    /// known yet is made if there is nobody yet. The link replaces an earlier one; the person's password ends with its use.
    Link(UserLink),
}

/// `amethyst user link`.
#[derive(Debug, Args)]
pub(crate) struct UserLink {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The name with which the person signs in.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Also take away the person's authenticator, because it is lost; a new one is set up at the next sign-in where the
    /// configuration demands one.
    #[arg(long)]
    pub(crate) lost_authenticator: bool,
    /// Print JSON: `{"name", "link", "path", "until"}`.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst log`.
#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Sign how long the log is and its root, and print that checkpoint. Keep it elsewhere: whoever changes the log later cannot
    /// make it continue this one.
    Checkpoint(LogCheckpoint),
    /// Print a proof that a recording is in the log, to be kept with an exported file. It can be verified without the server.
    Prove(LogProve),
    /// Verify a checkpoint or a proof.
    Verify(LogVerify),
    /// Make every hash of the log again and compare.
    Check(LogCheckpoint),
}

/// `amethyst log checkpoint` and `amethyst log check`.
#[derive(Debug, Args)]
pub(crate) struct LogCheckpoint {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst log prove`.
#[derive(Debug, Args)]
pub(crate) struct LogProve {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The recording: its reference (A261122-000002) or its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Which of its parts; long recordings have several.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub(crate) part: u16,
}

/// `amethyst log verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "With --site it needs no private key. With --data the log there must be the one of the checkpoint, continued.\n\
    With --recording the sealed file must be the one that the proof tells of."
)]
pub(crate) struct LogVerify {
    /// The checkpoint or the proof.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The `site` folder of a data folder or archive, for the certificates; with --data it is found there.
    #[arg(long, value_name = "DIR")]
    pub(crate) site: Option<PathBuf>,
    /// Compare with the log in this data folder.
    #[arg(long = "data", value_name = "DIR", env = "AMETHYST_DATA")]
    pub(crate) dir: Option<PathBuf>,
    /// The sealed file (.amx) that the proof must tell of.
    #[arg(long, value_name = "FILE")]
    pub(crate) recording: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which recordings, for `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Only recordings of this day in the site's zone, as 2026-11-22.
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<String>,
    /// Only recordings in which this part of a number occurs, at either party.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) number: Option<String>,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) limit: u32,
    /// Print JSON: one array of recordings.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The recording: its reference (A261122-000002) or its id.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The kind of file to export to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// 16-bit PCM; both legs in stereo, near party left, far party right.
    Wav,
    /// The same, compressed without loss.
    Flac,
    /// Small, for sending; with loss, so it shows nothing in court.
    Opus,
    /// The codec's octets as they came over the wire, one file per track.
    Raw,
}

/// Which legs to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LegChoice {
    /// The caller's or the site's own party.
    Near,
    /// The other party.
    Far,
    /// Both: stereo.
    Both,
}

/// `amethyst export`.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Where to write; made if missing. Existing files are never overwritten.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The kind of file.
    #[arg(long, value_enum, default_value_t = Format::Wav)]
    pub(crate) format: Format,
    /// One recording, by reference or id; may be given several times.
    #[arg(long = "id", value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) ids: Vec<String>,
    /// All recordings of the site.
    #[arg(long)]
    pub(crate) all: bool,
    /// Which legs.
    #[arg(long, value_enum, default_value_t = LegChoice::Both)]
    pub(crate) leg: LegChoice,
    /// Print a JSON summary.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Archives (the folder in which AMETHYST lies, or AMETHYST itself), sealed files (.amx), exports of the console (.zip, or the
    /// folder they were unpacked to), or folders that are searched for sealed files.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Take the public keys that signatures are checked with from this folder (the `site` folder of a data folder). Without
    /// it the folders above each PATH are searched for one.
    #[arg(long, value_name = "DIR")]
    pub(crate) site: Option<PathBuf>,
    /// Hold the log of an archive against this checkpoint, which was kept elsewhere (`amethyst log checkpoint`): then a medium that
    /// was put back as a whole to an older night is found.
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Print JSON: one array of reports.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Price {
    /// Is every file there? Thousands of recordings a second.
    Presence,
    /// Has every file its size? About as fast.
    Size,
    /// Has every file its digests? Reads everything: about an hour per terabyte and disk.
    Hash,
}

/// `amethyst check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// How closely to look.
    #[arg(long, value_enum, default_value_t = Price::Size)]
    pub(crate) price: Price,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst ledger`.
#[derive(Debug, Args)]
pub(crate) struct Ledger {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The day in the site's zone, as 2026-11-22; today if left out.
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst location`.
#[derive(Debug, Subcommand)]
pub(crate) enum Location {
    /// Configure a place and prepare the medium that is there now.
    Add(LocationAdd),
    /// List the places, their media, and what is due.
    List(LocationList),
    /// Look whether a place is reachable and its medium the right one; nothing is written.
    Test(LocationOne),
    /// Give a bucket another access key.
    Credentials(LocationCredentials),
    /// Prepare another medium for a place, or adopt one that served it before.
    Prepare(LocationPrepare),
    /// Take a place out of use. What lies there stays there.
    Remove(LocationOne),
}

/// What a place is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LocationKind {
    /// A folder of a disk of this machine.
    Folder,
    /// A drive that comes and goes, by its mount point.
    Usb,
    /// A folder of an NFS server, mounted (nfs4, hard).
    Nfs,
    /// A Windows share, mounted (cifs).
    Smb,
    /// A bucket of an S3-compatible object store.
    S3,
}

/// Who may shorten the lock of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LockMode {
    /// Those to whom the bucket's owner gave a right of its own for that.
    Governance,
    /// Nobody at all. The days cannot be taken back.
    Compliance,
}

/// Which media of a place must hold a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MediaSet {
    /// The one medium that is there.
    One,
    /// Any of several that take turns.
    Any,
    /// All of several that take turns.
    All,
}

/// `amethyst location add`.
#[derive(Debug, Args)]
#[command(
    after_help = "The archive lies in the folder AMETHYST below PATH. Nothing that is there already is changed.\n\
    Example: amethyst location add --data /srv/amethyst --kind usb --path /media/archive --lies-in \"safe, ground floor\"\n\
    Example: amethyst location add --data /srv/amethyst --kind s3 --path s3://tower-recordings --region eu-west-1 --credentials /root/key"
)]
pub(crate) struct LocationAdd {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// What it is made of.
    #[arg(long, value_enum)]
    pub(crate) kind: LocationKind,
    /// The folder, or the mount point of the drive or share; of a bucket `s3://BUCKET` or `s3://BUCKET/FOLDER`.
    #[arg(long, value_name = "P")]
    pub(crate) path: PathBuf,
    /// Its name; made from kind and path if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Of a bucket: the store's address; Amazon's if left out.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// Of a bucket: its region.
    #[arg(long, value_name = "R", default_value = "us-east-1")]
    pub(crate) region: String,
    /// Of a bucket: a file with the access key, as `aws configure` writes it; `-` reads it from standard input. If left out, the
    /// environment is asked (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`). It is locked away in the site's database.
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
    /// Of a bucket: the certificate to trust instead of those that the system trusts, PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Of a bucket: nothing that is put there can be deleted for so many days.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=36_500))]
    pub(crate) object_lock_days: u32,
    /// Of a bucket: who may shorten that.
    #[arg(long, value_enum, default_value_t = LockMode::Governance)]
    pub(crate) object_lock_mode: LockMode,
    /// Whether one medium serves it, or several take turns.
    #[arg(long, value_enum, default_value_t = MediaSet::One)]
    pub(crate) media: MediaSet,
    /// What is written on the medium.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) label: String,
    /// Where people find the medium while it is not connected.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) lies_in: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst location list`.
#[derive(Debug, Args)]
pub(crate) struct LocationList {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// One place.
#[derive(Debug, Args)]
pub(crate) struct LocationOne {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The place: its name or its id.
    #[arg(value_name = "NAME")]
    pub(crate) location: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst location credentials`.
#[derive(Debug, Args)]
pub(crate) struct LocationCredentials {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The bucket: its name or its id.
    #[arg(value_name = "NAME")]
    pub(crate) location: String,
    /// A file with the access key, as `aws configure` writes it; `-`: standard input. If left out, the environment is asked, then you.
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<PathBuf>,
}

/// `amethyst location prepare`.
#[derive(Debug, Args)]
pub(crate) struct LocationPrepare {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The place: its name or its id.
    #[arg(value_name = "NAME")]
    pub(crate) location: String,
    /// What is written on the medium.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) label: String,
    /// Where people find the medium while it is not connected.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) lies_in: String,
    /// Bring only what is recorded from now on to a new medium. What was recorded before stays on the media before it, which must be
    /// kept. Without this everything is brought: what left the live store is fetched from another place.
    #[arg(long)]
    pub(crate) from_now: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst archive`.
#[derive(Debug, Subcommand)]
pub(crate) enum Archive {
    /// Archive everything that is due, now.
    Run(ArchiveRun),
    /// Show for each place whether what was recorded is safe there.
    Status(ArchiveStatus),
    /// Fetch recordings drawn by lot from each place, open them whole, and hold them against the log.
    Drill(ArchiveDrill),
    /// Make room in the live store: announce recordings that every place holds, and remove those announced 24 hours ago.
    Purge(ArchivePurge),
    /// Read a connected medium again from its first byte to its last: what is whole is proven anew, also after a restore; what is
    /// not makes it suspect, and is due again there. A suspect medium is cleared by a person only (--by, --reason).
    Verify(ArchiveVerify),
}

/// `amethyst archive run`.
#[derive(Debug, Args)]
pub(crate) struct ArchiveRun {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Only this place, by its name or id; all of them if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) location: Option<String>,
    /// Make at most so many daily logins ahead in this run; each takes most of a second and 256 MiB. Later runs go on, up to 400
    /// days in both lanes.
    #[arg(long, value_name = "N", default_value_t = 62)]
    pub(crate) logins: usize,
    /// Print JSON: one array with what was done on each place.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst archive verify`.
#[derive(Debug, Args)]
pub(crate) struct ArchiveVerify {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Only this place, by its name or id; all of them if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) location: Option<String>,
    /// Print JSON: one array with what was found on each place.
    #[arg(long)]
    pub(crate) json: bool,
    /// Trust a suspect medium again if all else on it is whole: who says so. It stands in the audit log.
    #[arg(long, value_name = "NAME", requires = "reason", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,
    /// Why it may be trusted: "cable exchanged, drive tested".
    #[arg(long, value_name = "TEXT", requires = "by", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) reason: Option<String>,
    /// For the server, which shows how far it is: nothing is said but lines of progress.
    #[arg(long, hide = true, conflicts_with = "by")]
    pub(crate) for_server: bool,
}

/// `amethyst archive status`.
#[derive(Debug, Args)]
pub(crate) struct ArchiveStatus {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Only this place, by its name or id; all of them if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) location: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The hidden command of a carrier's process.
#[derive(Debug, Args)]
pub(crate) struct ArchiveCarrier {
    /// The site's data folder, which is only read.
    pub(crate) data: PathBuf,
}

/// `amethyst archive purge`.
#[derive(Debug, Args)]
#[command(
    after_help = "A recording leaves the live store only when every configured place is proven to hold it, no hold is on it and\n\
    it is old enough. It is announced first, in the transparency log too, and removed by this command a day later; before that\n\
    a piece of it is read on each medium that is connected. Its details stay, and it is played from the archive when that\n\
    is connected."
)]
pub(crate) struct ArchivePurge {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Announce recordings, the oldest first, until they make up so many MiB; 0 announces none.
    #[arg(long, value_name = "MIB", default_value_t = 0)]
    pub(crate) announce: u64,
    /// A recording stays at least so many days after its end; the configuration's `archive.keep_live_days` if left out. Less than
    /// that is refused.
    #[arg(long, value_name = "DAYS")]
    pub(crate) older_than: Option<u32>,
    /// Take back that this recording will go (its reference or id).
    #[arg(long, value_name = "ID")]
    pub(crate) cancel: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst archive drill`.
#[derive(Debug, Args)]
pub(crate) struct ArchiveDrill {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Only this place, by its name or id; all of them if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) location: Option<String>,
    /// So many files.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) sample: u32,
    /// Print JSON: one array with what was found on each place.
    #[arg(long)]
    pub(crate) json: bool,
    /// For the server: nothing is said.
    #[arg(long, hide = true)]
    pub(crate) for_server: bool,
}
