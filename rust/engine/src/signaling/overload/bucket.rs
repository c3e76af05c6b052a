//! How often something may happen.

use std::time::Instant;

/// A bucket of tokens that fills at a steady rate and holds what one second brings, so that calls
/// may come in a burst of that many. A rate of 0 is no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBucket {
    rate: u32,
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    /// A full one, of `rate` tokens a second.
    pub(super) fn new(rate: u32, now: Instant) -> Self {
        Self {
            rate,
            tokens: f64::from(rate),
            filled: now,
        }
    }

    /// Whether there is a token.
    pub(super) fn has(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.rate == 0 || self.tokens >= 1.0
    }

    /// Takes a token, or what is left of one.
    pub(super) fn take(&mut self, now: Instant) {
        self.fill(now);
        self.tokens = (self.tokens - 1.0).max(0.0);
    }

    /// Whether nothing was taken for a second or so.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= f64::from(self.rate)
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        let rate = f64::from(self.rate);
        self.tokens = (self.tokens + passed * rate).min(rate);
        self.filled = self.filled.max(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_s_worth_may_come_at_once_and_then_no_more_than_the_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10, start);
        let mut taken = 0;
        for ms in 0..3000 {
            let now = start + Duration::from_millis(ms);
            while bucket.has(now) {
                bucket.take(now);
                taken += 1;
            }
            assert!(taken <= 10 + ms / 100);
        }
        // Ten at once, and ten in each of the three seconds.
        assert_eq!(taken, 39);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(0, now);
        assert!((0..1000).all(|_| {
            bucket.take(now);
            bucket.has(now)
        }));
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let now = Instant::now() + Duration::from_secs(100);
        let mut bucket = TokenBucket::new(1, now);
        bucket.take(now);
        assert!(!bucket.has(now - Duration::from_secs(50)));
        assert!(!bucket.has(now));
        assert!(bucket.has(now + Duration::from_secs(1)));
    }
}
