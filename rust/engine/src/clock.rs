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
    /// A virtual clock that stands at zero.
    pub fn at(epoch: Instant) -> Self {
        Self::Virtual { epoch, now: epoch }
    }

    /// The present.
    pub fn now(&self) -> Instant {
        match self {
            Self::Real => Instant::now(),
            Self::Virtual { now, .. } => *now,
        }
    }

    /// Sets a virtual clock to `since_epoch`, or leaves it where it is if that is in the past.
    /// `None` for a real clock, which can't be set.
    pub fn set(&mut self, since_epoch: Duration) -> Option<Instant> {
        match self {
            Self::Real => None,
            Self::Virtual { epoch, now } => {
                *now = (*now).max(*epoch + since_epoch);
                Some(*now)
            }
        }
    }

    /// Time from zero to `instant`; `None` for a real clock, which has no zero.
    pub fn since_epoch(&self, instant: Instant) -> Option<Duration> {
        match self {
            Self::Real => None,
            Self::Virtual { epoch, .. } => Some(instant.saturating_duration_since(*epoch)),
        }
    }
}
