//! How one line is recorded: what opens and closes a segment, and how long things may take.

/// What tells that there is something to record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Driver {
    /// Call signalling.
    #[default]
    Call,
    /// The hook of an analogue line.
    Hook,
    /// Sound.
    Vox,
    /// Push to talk or squelch.
    Ptt,
    /// Everything, split by the hour.
    Continuous,
}

/// What starts and what stops a recording on this channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum StartMode {
    /// The driver starts and stops (0).
    #[default]
    Vox = 0,
    /// CTI starts; the driver or call data stop (1).
    CtiStart = 1,
    /// The driver starts; CTI stops (2).
    CtiStop = 2,
    /// CTI starts and stops (3).
    Cti = 3,
}

impl StartMode {
    /// Tells whether the driver opens a segment; if not, CTI does.
    #[must_use]
    pub const fn driver_opens(self) -> bool {
        matches!(self, Self::Vox | Self::CtiStop)
    }

    /// Tells whether the driver or call data close a segment; if not, CTI does.
    #[must_use]
    pub const fn driver_closes(self) -> bool {
        matches!(self, Self::Vox | Self::CtiStart)
    }
}

/// When a signalled call opens its segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OpenOn {
    /// When it is offered: announcements and ringing are kept.
    #[default]
    Offered,
    /// When it is answered.
    Answered,
}

/// The policy of one line. Times are microseconds of the monotonic clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// What tells that there is something to record.
    pub driver: Driver,
    /// What starts and stops.
    pub start: StartMode,
    /// When a call opens.
    pub open_on: OpenOn,
    /// How much is kept in memory before the beginning, 0 to 10 s.
    pub pre_roll_us: u64,
    /// How long silence or a released key lasts before it ends a segment: 0.5 to 30 s.
    pub hang_us: u64,
    /// How long a line must be on hook to end a segment. 200 ms where no flash is used; a flash lasts up to 700 ms.
    pub hook_on_us: u64,
    /// A call without media for so long, and not on hold, has ended unseen.
    pub idle_us: u64,
    /// After so long without the CTI link, the driver takes over.
    pub cti_fallback_us: u64,
    /// Length of a part of a continuous recording.
    pub split_us: u64,
    /// Samples that the recorder may lose without the segment being called partly recorded.
    pub recorder_loss_samples_max: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            driver: Driver::default(),
            start: StartMode::default(),
            open_on: OpenOn::default(),
            pre_roll_us: 2_000_000,
            hang_us: 3_000_000,
            hook_on_us: 700_000,
            idle_us: 60_000_000,
            cti_fallback_us: 5_000_000,
            split_us: 3_600_000_000,
            recorder_loss_samples_max: 0,
        }
    }
}

impl Policy {
    /// Returns how far before its trigger a segment begins.
    pub(super) const fn lead_us(&self) -> u64 {
        match self.driver {
            Driver::Vox => 300_000,
            Driver::Ptt => 200_000,
            Driver::Call | Driver::Hook | Driver::Continuous => 0,
        }
    }

    /// Returns how long the driver must be quiet before a segment ends.
    pub(super) fn quiet_us(&self) -> u64 {
        match self.driver {
            Driver::Vox | Driver::Ptt => self.hang_us.clamp(500_000, 30_000_000),
            Driver::Hook => self.hook_on_us,
            Driver::Call | Driver::Continuous => 0,
        }
    }
}
