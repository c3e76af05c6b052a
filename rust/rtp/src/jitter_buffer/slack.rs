//! How long before they were needed packets have come lately: what says how deep the buffer should
//! be. All times are in timestamp units.

const BUCKETS: usize = 8;

/// The slacks of half a second.
#[derive(Debug, Clone, Copy)]
struct Range {
    least: u32,
    most: u32,
}

impl Range {
    const EMPTY: Range = Range {
        least: u32::MAX,
        most: 0,
    };

    fn with(self, other: Range) -> Range {
        Range {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

/// Least and most slack within the last four seconds. A rhythm of disturbances that is slower than
/// that is not remembered.
#[derive(Debug, Clone)]
pub(super) struct Slack {
    bucket_length: u32,
    /// The current bucket first.
    buckets: [Range; BUCKETS],
    /// All of them together.
    window: Range,
    since: Option<u64>,
    /// Buckets completed since the delay last changed by itself; `BUCKETS` and more is a full
    /// window.
    steady: u8,
    /// The least slack of the first full window after a change: what drift is measured from.
    reference: Option<u32>,
}

impl Slack {
    pub fn new(clock_rate: u32) -> Slack {
        Slack {
            bucket_length: clock_rate / 2,
            buckets: [Range::EMPTY; BUCKETS],
            window: Range::EMPTY,
            since: None,
            steady: 0,
            reference: None,
        }
    }

    /// A packet was played at `now` that had waited for `slack`.
    pub fn record(&mut self, now: u64, slack: u32) {
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) >= u64::from(self.bucket_length) {
            self.turn(now, since);
        }
        let range = Range {
            least: slack,
            most: slack,
        };
        self.buckets[0] = self.buckets[0].with(range);
        self.window = self.window.with(range);
    }

    fn turn(&mut self, now: u64, since: u64) {
        let turns = (now - since) / u64::from(self.bucket_length.max(1));
        let turns = turns.min(BUCKETS as u64) as usize;
        self.buckets.rotate_right(turns);
        self.buckets[..turns].fill(Range::EMPTY);
        self.window = self.buckets.into_iter().fold(Range::EMPTY, Range::with);
        self.since = Some(now);
        self.steady = self.steady.saturating_add(turns as u8);
        if self.is_full() && self.reference.is_none() {
            self.reference = self.least();
        }
    }

    /// Whether the window holds nothing from before a change of the delay.
    pub fn is_full(&self) -> bool {
        self.steady >= BUCKETS as u8
    }

    pub fn least(&self) -> Option<u32> {
        (self.window.least <= self.window.most).then_some(self.window.least)
    }

    /// The span between the earliest and the latest packet: the jitter that a buffer has to bridge.
    pub fn span(&self) -> u32 {
        self.window.most.saturating_sub(self.window.least)
    }

    /// How far the least slack has fallen while nobody changed the delay.
    pub fn fallen(&self) -> u32 {
        match (self.reference, self.least()) {
            (Some(reference), Some(least)) => reference.saturating_sub(least),
            _ => 0,
        }
    }

    /// The delay has grown because a packet was late: what was seen before tells nothing of what is
    /// to come.
    pub fn disturbed(&mut self) {
        self.steady = 0;
        self.reference = None;
    }

    /// The delay has been made shorter.
    pub fn shrink(&mut self, by: u32) {
        self.shift(|slack| slack.saturating_sub(by));
    }

    /// The delay has been made longer.
    pub fn grow(&mut self, by: u32) {
        self.shift(|slack| slack.saturating_add(by));
    }

    fn shift(&mut self, shifted: impl Fn(u32) -> u32) {
        let ranges = self.buckets.iter_mut().chain([&mut self.window]);
        for range in ranges.filter(|range| range.least <= range.most) {
            range.least = shifted(range.least);
            range.most = shifted(range.most);
        }
        self.reference = None;
    }
}
