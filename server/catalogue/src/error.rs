//! What can go wrong with the catalogue, in sentences for an operator.

/// Says what a program should do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Try again later.
    Wait,
    /// Nothing gets better without a person.
    AskAPerson,
    /// Go no further.
    Stop,
}

/// Why the catalogue did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The key is wrong, or the file is no catalogue.
    #[error(
        "the catalogue cannot be opened with this key: either the keystore belongs to another site, or {path} is damaged; \
         recordings are not affected, restore the right keystore or the last backup of the catalogue"
    )]
    WrongKey {
        /// The database file.
        path: String,
    },
    /// A newer program wrote it.
    #[error(
        "the catalogue was written by a newer AMETHYST (schema {found}, this program knows {known}): install that version or a \
         later one; nothing was changed"
    )]
    Newer {
        /// The schema found.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// There is a catalogue already.
    #[error("{path} exists already: a catalogue is created once")]
    Exists {
        /// The database file.
        path: String,
    },
    /// There is none.
    #[error("there is no catalogue at {path}: run `amethyst init`, or restore it from the archive")]
    Missing {
        /// The database file.
        path: String,
    },
    /// The disk is full.
    #[error(
        "the disk that holds the catalogue is full: recordings already sealed are safe and will be entered when there is space; \
         free some on the data folder's disk"
    )]
    NoSpace,
    /// A stored value makes no sense.
    #[error("the catalogue holds a value that makes no sense ({what}): run `amethyst check`")]
    Damaged {
        /// Which value.
        what: &'static str,
    },
    /// A label is said of a recording, or a change of a user, that is not there.
    #[error("there is no such {what}: it may have been removed meanwhile; look again")]
    NotThere {
        /// What was looked for.
        what: &'static str,
    },
    /// A text is longer than there is room for, or empty where it must say something.
    #[error("the {what} must have 1 to {max} characters")]
    Length {
        /// Which text.
        what: &'static str,
        /// The most characters.
        max: usize,
    },
    /// Days of a class that make no sense.
    #[error(
        "a class keeps calls for a minimum of 0 to 365,250 days, and its maximum is not less than its minimum"
    )]
    Days,
    /// A call that goes on has many notes already.
    #[error("this call has {max} notes already: write further ones when it has ended")]
    ManyNotes {
        /// The most that one call may have.
        max: i64,
    },
    /// A name is taken.
    #[error("there is a {what} of that name already: choose another name")]
    Taken {
        /// What has the name.
        what: &'static str,
    },
    /// No letter is left for a satellite.
    #[error(
        "every letter from A to Z is given to a recorder of this site, and none is given twice: no further satellite can enrol here"
    )]
    NoLetter,
    /// Nobody would be left who may manage.
    #[error("this is the last administrator: make somebody else administrator first")]
    LastAdministrator,
    /// The database lies on a server.
    #[error(
        "this catalogue lies on a PostgreSQL server, which AMETHYST does not back up yet: have its administrator run pg_dump \
         every night, and keep what it writes as safe as the archive"
    )]
    NotOurs,
    /// A copy of the database is not whole.
    #[error(
        "the copy of the catalogue at {path} is not whole ({why}): it does not count as a backup; look at the disk it was made \
         on and make another"
    )]
    BadCopy {
        /// The copy.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A search took too long.
    #[error("the search was stopped because it took too long: narrow it, for instance by a time range")]
    TooLong,
    /// The database's thread is gone.
    #[error(
        "the catalogue's thread ended unexpectedly: restart AMETHYST; recordings already sealed are safe"
    )]
    Gone,
    /// The commit failed that this shared with others.
    #[error("the catalogue failed: {0}")]
    Shared(String),
    /// Anything else that the database says.
    #[error("the catalogue failed: {0}")]
    Sql(#[source] sqlx::Error),
    /// Anything else that the system says.
    #[error("the catalogue cannot start: {0}")]
    Io(#[from] std::io::Error),
}

impl CatalogueError {
    /// Says what to do about it.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::NoSpace => Kind::Wait,
            Self::WrongKey { .. }
            | Self::Newer { .. }
            | Self::Exists { .. }
            | Self::Missing { .. }
            | Self::NotThere { .. }
            | Self::Length { .. }
            | Self::Days
            | Self::ManyNotes { .. }
            | Self::Taken { .. }
            | Self::NoLetter
            | Self::LastAdministrator
            | Self::NotOurs
            | Self::BadCopy { .. }
            | Self::TooLong
            | Self::Shared(_)
            | Self::Sql(_) => Kind::AskAPerson,
            Self::Damaged { .. } | Self::Gone | Self::Io(_) => Kind::Stop,
        }
    }
}

/// `SQLITE_FULL`, `SQLITE_INTERRUPT`, `SQLITE_NOTADB` (result codes of `SQLite`), `disk_full` and `query_canceled` of PostgreSQL.
const FULL: &str = "13";
const INTERRUPTED: &str = "9";
const PG_FULL: &str = "53100";
const PG_CANCELLED: &str = "57014";
pub(crate) const NOT_A_DATABASE: &str = "26";

impl From<sqlx::Error> for CatalogueError {
    fn from(e: sqlx::Error) -> Self {
        let code = e.as_database_error().and_then(|db| db.code().map(|c| c.into_owned()));
        match code.as_deref() {
            Some(FULL | PG_FULL) => Self::NoSpace,
            Some(INTERRUPTED | PG_CANCELLED) => Self::TooLong,
            Some(_) | None => Self::Sql(e),
        }
    }
}
