//! How long before they were needed packets have come lately: what says how deep the buffer should
//! be.

use std::time::{Duration, Instant};

const BUCKETS: usize = 8;
/// The window is eight of these long. A rhythm of disturbances that is slower than that is not
/// remembered.
const BUCKET: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy)]
struct Range {
    least: Duration,
    most: Duration,
}

/// Least and most slack within the last four seconds.
#[derive(Debug, Clone)]
pub(super) struct Slack {
    /// The current bucket first.
    buckets: [Option<Range>; BUCKETS],
    since: Option<Instant>,
    /// Buckets completed since the delay last changed by itself; `BUCKETS` and more is a full
    /// window.
    steady: usize,
    /// The least slack of the first full window after a change: what drift is measured from.
    reference: Option<Duration>,
}

impl Slack {
    pub fn new() -> Slack {
        Slack {
            buckets: [None; BUCKETS],
            since: None,
            steady: 0,
            reference: None,
        }
    }

    /// A packet was played at `now` that had waited for `slack`.
    pub fn record(&mut self, now: Instant, slack: Duration) {
        let since = *self.since.get_or_insert(now);
        let elapsed = now.saturating_duration_since(since);
        let turns = (elapsed.as_nanos() / BUCKET.as_nanos()).min(BUCKETS as u128) as usize;
        if turns > 0 {
            self.buckets.rotate_right(turns);
            self.buckets[..turns].fill(None);
            self.since = Some(now);
            self.steady += turns;
            if self.is_full() && self.reference.is_none() {
                self.reference = self.least();
            }
        }
        let range = self.buckets[0].get_or_insert(Range {
            least: slack,
            most: slack,
        });
        range.least = range.least.min(slack);
        range.most = range.most.max(slack);
    }

    /// Whether the window holds nothing from before a change of the delay.
    pub fn is_full(&self) -> bool {
        self.steady >= BUCKETS
    }

    pub fn least(&self) -> Option<Duration> {
        self.buckets.iter().flatten().map(|range| range.least).min()
    }

    /// The span between the earliest and the latest packet: the jitter that a buffer has to bridge.
    pub fn span(&self) -> Option<Duration> {
        let most = self
            .buckets
            .iter()
            .flatten()
            .map(|range| range.most)
            .max()?;
        Some(most.saturating_sub(self.least()?))
    }

    /// How far the least slack has fallen while nobody changed the delay.
    pub fn fallen(&self) -> Duration {
        match (self.reference, self.least()) {
            (Some(reference), Some(least)) => reference.saturating_sub(least),
            _ => Duration::ZERO,
        }
    }

    /// The delay has grown because a packet was late: what was seen before tells nothing of what is
    /// to come.
    pub fn disturbed(&mut self) {
        self.steady = 0;
        self.reference = None;
    }

    /// The delay has been made shorter.
    pub fn shrink(&mut self, by: Duration) {
        self.shift(|slack| slack.saturating_sub(by));
    }

    /// The delay has been made longer.
    pub fn grow(&mut self, by: Duration) {
        self.shift(|slack| slack + by);
    }

    fn shift(&mut self, shifted: impl Fn(Duration) -> Duration) {
        for range in self.buckets.iter_mut().flatten() {
            range.least = shifted(range.least);
            range.most = shifted(range.most);
        }
        self.reference = None;
    }
}
