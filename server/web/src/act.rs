//! Who may do what: one function, one table. Every route names its [`Act`]; nothing else in this crate asks for a role.

use api::Role;

/// What a route lets a person do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// What everybody may do who is signed in: own name, password, sessions.
    Own,
    /// Find recordings and read what stands on them.
    Search,
    /// Hear recordings and see their sound.
    Play,
    /// Take recordings out.
    Export,
    /// Write tags, notes, subject, comment, reference.
    Label,
    /// Take a legal hold.
    Hold,
    /// Release a legal hold.
    Release,
    /// See the board and listen to calls that are going on.
    Live,
    /// Read the ledger.
    Ledger,
    /// Read the audit log.
    Audit,
    /// Make, change and shut accounts.
    Users,
    /// See and end sessions of others.
    Sessions,
    /// Read and change settings.
    Settings,
    /// See the archive, change its locations, and run it.
    Archive,
    /// See and change how long calls are kept, hold by order, destroy.
    Keep,
    /// See and govern satellites.
    Satellites,
    /// See the login that opens archives today.
    DailyLogin,
    /// Place the built-in test call.
    TestCall,
}

impl Act {
    /// All acts, in the order of their declaration.
    pub const ALL: [Self; 18] = [
        Self::Own,
        Self::Search,
        Self::Play,
        Self::Export,
        Self::Label,
        Self::Hold,
        Self::Release,
        Self::Live,
        Self::Ledger,
        Self::Audit,
        Self::Users,
        Self::Sessions,
        Self::Settings,
        Self::Archive,
        Self::Keep,
        Self::Satellites,
        Self::DailyLogin,
        Self::TestCall,
    ];

    /// Returns the word for JSON and the audit log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Search => "search",
            Self::Play => "play",
            Self::Export => "export",
            Self::Label => "label",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Live => "live",
            Self::Ledger => "ledger",
            Self::Audit => "audit",
            Self::Users => "users",
            Self::Sessions => "sessions",
            Self::Settings => "settings",
            Self::Archive => "archive",
            Self::Keep => "keep",
            Self::Satellites => "satellites",
            Self::DailyLogin => "daily_login",
            Self::TestCall => "test_call",
        }
    }
}

/// Tells whether `role` may do `act`. What of the recordings it may do it to is the scope's affair.
#[must_use]
pub const fn may(role: Role, act: Act) -> bool {
    use Role::{Administrator, Auditor, Supervisor};
    match act {
        Act::Own | Act::Search | Act::Play => true,
        Act::Export | Act::Ledger => matches!(role, Administrator | Supervisor | Auditor),
        Act::Label | Act::Hold | Act::Live => matches!(role, Administrator | Supervisor),
        Act::Audit => matches!(role, Administrator | Auditor),
        Act::Release
        | Act::Users
        | Act::Sessions
        | Act::Settings
        | Act::Archive
        | Act::Keep
        | Act::Satellites
        | Act::DailyLogin
        | Act::TestCall => {
            matches!(role, Administrator)
        }
    }
}

/// Returns what `role` may do, as words for the console; what everybody may is left out.
#[must_use]
pub fn permissions(role: Role) -> Vec<String> {
    Act::ALL.iter().filter(|a| **a != Act::Own && may(role, **a)).map(|a| a.word().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the design, once more and the other way round.
    #[test]
    fn the_table_is_what_was_agreed() {
        let words = |role| permissions(role).join(" ");
        assert_eq!(
            words(Role::Administrator),
            "search play export label hold release live ledger audit users sessions settings archive keep satellites daily_login test_call"
        );
        assert_eq!(words(Role::Supervisor), "search play export label hold live ledger");
        assert_eq!(words(Role::Auditor), "search play export ledger audit");
        assert_eq!(words(Role::Agent), "search play");
        for role in [Role::Administrator, Role::Supervisor, Role::Auditor, Role::Agent] {
            assert!(may(role, Act::Own), "everybody may change their own password");
        }
    }
}
