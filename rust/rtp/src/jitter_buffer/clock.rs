//! Time in the units of timestamps, so that nothing has to be divided for every packet.

use std::time::{Duration, Instant};

/// Units since the clock was first looked at.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    rate: u32,
    epoch: Option<Instant>,
}

impl Clock {
    /// `rate` units a second, at least one.
    pub fn new(rate: u32) -> Clock {
        Clock {
            rate: rate.max(1),
            epoch: None,
        }
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    pub fn at(&mut self, now: Instant) -> u64 {
        let epoch = *self.epoch.get_or_insert(now);
        self.units(now.saturating_duration_since(epoch))
    }

    pub fn units(&self, time: Duration) -> u64 {
        let rate = u64::from(self.rate);
        let fraction = u64::from(time.subsec_nanos()) * rate / 1_000_000_000;
        time.as_secs().saturating_mul(rate).saturating_add(fraction)
    }

    pub fn time(&self, units: u64) -> Duration {
        let rate = u64::from(self.rate);
        let nanos = units % rate * 1_000_000_000 / rate;
        Duration::new(units / rate, nanos as u32)
    }
}
