//! Why something could not be recorded.

/// Says what to do about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Try again later.
    Wait,
    /// Nothing gets better without a person.
    AskAPerson,
    /// This recording cannot go on.
    Stop,
}

/// Why something could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The system gives no thread.
    #[error(
        "cannot start a recording thread: {0}. Raise the limit of processes for this user and start again"
    )]
    NoThread(#[source] std::io::Error),
    /// There is no public day key.
    #[error(
        "there is no day key to seal to: the key store gave none for {0}. Recording cannot start; run `amethyst check`"
    )]
    NoDayKey(shared::Day),
    /// The ledger could not be written.
    #[error("the ledger cannot be written, so nothing can be recorded: look at the disk of the data folder")]
    NoLedger,
    /// Sealing was refused.
    #[error(transparent)]
    Seal(#[from] seal::SealError),
    /// The data folder did not take it.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
}

impl RecorderError {
    /// Says what to do about it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoThread(_) | Self::NoDayKey(_) | Self::NoLedger => Kind::AskAPerson,
            Self::Seal(_) => Kind::Stop,
            Self::Vault(e) if e.is_no_space() => Kind::Wait,
            Self::Vault(_) => Kind::Stop,
        }
    }

    /// Tells whether the disk is full.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        matches!(self, Self::Vault(e) if e.is_no_space())
    }
}
