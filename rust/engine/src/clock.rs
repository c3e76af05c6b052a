//! The time of an engine on a memory network. One with threads asks the machine at each step.

use std::time::{Duration, Instant};

/// A clock that stands still between two steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VirtualClock {
    epoch: Instant,
    now: Instant,
}

impl VirtualClock {
    /// A clock that calls `epoch` zero and stands at `now`.
    pub(crate) fn new(epoch: Instant, now: Instant) -> Self {
        Self { epoch, now }
    }

    /// The present.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// Lets time pass to `instant`, or leaves it where it is if that is in the past.
    pub(crate) fn advance(&mut self, instant: Instant) {
        self.now = self.now.max(instant);
    }

    /// The instant that lies so long after zero.
    pub(crate) fn at(&self, since_epoch: Duration) -> Instant {
        self.epoch + since_epoch
    }

    /// How long after zero an instant lies.
    pub(crate) fn since_epoch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.epoch)
    }
}
