//! The words of `amethyst retention`, `policy`, `hold` and `shred`: how long calls are kept, and who may change that.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Data;

/// Who says it. Two persons are two accounts of the console.
#[derive(Debug, Args)]
pub(crate) struct Person {
    /// Your account in the console.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// Read the password from standard input instead of asking for it at the terminal.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// The six digits that your authenticator shows, if your account has one.
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// Which calls a rule speaks of: all that is given must hold; nothing given means every call.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Somebody sat at this extension: `3115`, `3111-3118` or `3***`. May be given several times.
    #[arg(long = "extension", value_name = "PATTERN")]
    pub(crate) extensions: Vec<String>,
    /// Somebody sat at an extension of this group of `amethyst.toml`, as it is now. May be given several times.
    #[arg(long = "group", value_name = "NAME")]
    pub(crate) groups: Vec<String>,
    /// It was heard at this tap. May be given several times.
    #[arg(long = "tap", value_name = "NAME")]
    pub(crate) taps: Vec<String>,
    /// A party's number contains these digits.
    #[arg(long, value_name = "DIGITS")]
    pub(crate) number: Option<String>,
    /// It has this tag.
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// It began on this day or later.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<shared::Day>,
    /// It began on this day or before.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<shared::Day>,
}

/// `amethyst retention`.
#[derive(Debug, Subcommand)]
pub(crate) enum Retention {
    /// Show how long calls are kept, class by class.
    List(KeepingList),
    /// Make a class, or change one. Keeping longer is in force at once; keeping shorter waits for a second person and 14 days.
    Set(RetentionSet),
    /// Remove a class: its calls are then kept as the other classes say. Needs a second person and 14 days.
    Remove(RetentionRemove),
}

/// A list.
#[derive(Debug, Args)]
pub(crate) struct KeepingList {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst retention set`.
#[derive(Debug, Args)]
#[command(
    after_help = "A call that several classes cover is kept as long as the longest of them says. One that no class covers, or at\n\
    which nobody of the site took part, is kept as long as the longest of all classes says; without any class for ever.\n\n\
    Example: amethyst retention set dealing --group dealing --min 1827 --max 2557 --user maria --data /srv/amethyst"
)]
pub(crate) struct RetentionSet {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The class.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Nobody may destroy a call of it within so many days of its end, but by order of two persons.
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    pub(crate) min: u32,
    /// It is to be destroyed after so many days; left out: never.
    #[arg(long, value_name = "DAYS")]
    pub(crate) max: Option<u32>,
    /// Which calls.
    #[command(flatten)]
    pub(crate) which: Which,
    /// Who says it.
    #[command(flatten)]
    pub(crate) person: Person,
    /// Only show what it would do.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst retention remove`.
#[derive(Debug, Args)]
pub(crate) struct RetentionRemove {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The class.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Who says it.
    #[command(flatten)]
    pub(crate) person: Person,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Show the changes of what is kept: those that wait first.
    List(KeepingList),
    /// Confirm what another person proposed; it is in force 14 days later.
    Confirm(PolicyOne),
    /// Cancel a change that is not in force yet.
    Cancel(PolicyOne),
}

/// One change.
#[derive(Debug, Args)]
pub(crate) struct PolicyOne {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Its number, as `amethyst policy list` shows it.
    #[arg(value_name = "NUMBER")]
    pub(crate) change: u64,
    /// Who says it.
    #[command(flatten)]
    pub(crate) person: Person,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst hold`.
#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// Hold calls, those to come included: nothing of them is purged or destroyed, whatever any rule or person says.
    Place(HoldPlace),
    /// Show all holds by order, standing ones first.
    List(KeepingList),
    /// Say who answers for a hold now, and when somebody should ask again whether it is needed.
    Change(HoldChange),
    /// Release a hold. What its calls are kept for is then as retention says.
    Release(HoldRelease),
}

/// `amethyst hold place`.
#[derive(Debug, Args)]
pub(crate) struct HoldPlace {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Hold this one recording (its reference or id) instead of calls by conditions.
    #[arg(long, value_name = "ID", conflicts_with_all = ["extensions", "groups", "taps", "number", "tag", "since", "until"])]
    pub(crate) id: Option<String>,
    /// Which calls.
    #[command(flatten)]
    pub(crate) which: Which,
    /// Hold every call there is and will be: what no condition at all would mean.
    #[arg(long)]
    pub(crate) everything: bool,
    /// Why: a case, a complaint.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who answers for it.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) owner: String,
    /// When somebody should ask whether it is still needed.
    #[arg(long, value_name = "DAY")]
    pub(crate) review: Option<shared::Day>,
    /// Who says it.
    #[command(flatten)]
    pub(crate) person: Person,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `amethyst hold change`.
#[derive(Debug, Args)]
pub(crate) struct HoldChange {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The hold, as `amethyst hold list` shows it; its first letters are enough.
    #[arg(value_name = "HOLD")]
    pub(crate) hold: String,
    /// Who answers for it now.
    #[arg(long, value_name = "TEXT")]
    pub(crate) owner: Option<String>,
    /// When somebody should ask whether it is still needed.
    #[arg(long, value_name = "DAY")]
    pub(crate) review: Option<shared::Day>,
    /// Who says it.
    #[command(flatten)]
    pub(crate) person: Person,
}

/// `amethyst hold release`.
#[derive(Debug, Args)]
pub(crate) struct HoldRelease {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// The hold, as `amethyst hold list` shows it; its first letters are enough.
    #[arg(value_name = "HOLD", required_unless_present = "id")]
    pub(crate) hold: Option<String>,
    /// Release the hold on this one recording (its reference or id).
    #[arg(long, value_name = "ID", conflicts_with = "hold")]
    pub(crate) id: Option<String>,
    /// Why it is needed no more.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who says it.
    #[command(flatten)]
    pub(crate) person: Person,
}

/// `amethyst shred`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nobody can undo it. A hold always wins. Without --order everything must be at the end of its retention; with --order two\n\
    persons say so (a court, a regulator), and a minimum of retention does not count:\n\n  \
    amethyst shred --id A261122-000002 --order --reason \"order 12/26\" --user maria --data /srv/amethyst\n  \
    amethyst shred --confirm 7 --user peter --data /srv/amethyst\n\n\
    What lies on archive media goes when each is connected next; `amethyst shred --list` shows what is pending and where it lies."
)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["day", "id", "confirm", "cancel", "list"])))]
pub(crate) struct Shred {
    /// The site's folder.
    #[command(flatten)]
    pub(crate) data: Data,
    /// Destroy the keys of this day: nobody can hear any call of it any more, wherever a copy lies.
    #[arg(long, value_name = "DAY")]
    pub(crate) day: Option<shared::Day>,
    /// Destroy this one recording (its reference or id).
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Confirm the order that another person gave, by its number; it is carried out at once.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) confirm: Option<u64>,
    /// Take back an order that nobody confirmed yet.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cancel: Option<u64>,
    /// Show what was destroyed, what waits, and where copies may still lie.
    #[arg(long)]
    pub(crate) list: bool,
    /// Order it whatever retention says; a second person confirms.
    #[arg(long, requires = "reason")]
    pub(crate) order: bool,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "retention is over")]
    pub(crate) reason: String,
    /// Only say what it would do, and what keeps it back.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Your account in the console.
    #[arg(long, value_name = "NAME", required_unless_present_any = ["list", "dry_run"])]
    pub(crate) user: Option<String>,
    /// Read the password from standard input instead of asking for it at the terminal.
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// The six digits that your authenticator shows, if your account has one.
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Shred {
    /// The folder.
    pub(crate) const fn dir(&self) -> &PathBuf {
        &self.data.dir
    }
}
