//! Time: the machine's, or one that a test sets.

use std::time::{Duration, Instant};

/// What an engine reads the time from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's monotonic clock.
    Real,
    /// Stands still between two steps.
    Virtual {
        /// The instant called zero.
        epoch: Instant,
        /// The time of the last step.
        now: Instant,
    },
}

impl Clock {
    /// The present.
    pub fn now(&self) -> Instant {
        match self {
            Self::Real => Instant::now(),
            Self::Virtual { now, .. } => *now,
        }
    }

    /// Lets virtual time pass to `instant`, or leaves it where it is if that is in the past; the
    /// machine's clock goes its own way. Returns the present.
    pub fn advance(&mut self, instant: Instant) -> Instant {
        if let Self::Virtual { now, .. } = self {
            *now = instant.max(*now);
        }
        self.now()
    }

    /// Time from zero to `instant`; `None` for a real clock, which has no zero.
    pub fn since_epoch(&self, instant: Instant) -> Option<Duration> {
        match self {
            Self::Real => None,
            Self::Virtual { epoch, .. } => Some(instant.saturating_duration_since(*epoch)),
        }
    }
}
