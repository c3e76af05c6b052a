//! What each address that calls us has, within bounds that strangers can't stretch.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Instant,
};

use super::bucket::TokenBucket;

/// Sources that are remembered at a time. More than can have calls: who is not remembered while
/// the table is full is not admitted.
const MOST: usize = 65_536;

/// Whom a limit is for: an IPv4 address, or the 64 bits of an IPv6 address that its owner does not
/// choose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Source(IpAddr);

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Ipv6Addr::from(network).into()
            }
        })
    }
}

/// Which limit a source has met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Met {
    /// It has as many calls as it may have.
    Calls,
    /// It calls too often.
    Rate,
}

#[derive(Debug)]
struct Entry {
    calls: usize,
    bucket: TokenBucket,
}

/// All sources that have calls or had one a moment ago.
#[derive(Debug)]
pub(super) struct Sources {
    /// Calls at once for each; 0: no limit.
    most_calls: usize,
    /// Calls a second for each; 0: no limit.
    rate: u32,
    entries: HashMap<Source, Entry>,
    /// When the table is looked through next for those that can be forgotten.
    sweep_at: usize,
}

impl Sources {
    pub(super) fn new(most_calls: usize, rate: u32) -> Self {
        Self {
            most_calls,
            rate,
            entries: HashMap::new(),
            sweep_at: 64,
        }
    }

    /// Whether there are limits at all.
    fn is_on(&self) -> bool {
        self.most_calls > 0 || self.rate > 0
    }

    /// Whether a source may have one more call now.
    pub(super) fn admit(&mut self, now: Instant, source: Source) -> Result<(), Met> {
        if !self.is_on() {
            return Ok(());
        }
        if let Some(entry) = self.entries.get_mut(&source) {
            if self.most_calls > 0 && entry.calls >= self.most_calls {
                return Err(Met::Calls);
            }
            return match entry.bucket.has(now) {
                true => Ok(()),
                false => Err(Met::Rate),
            };
        }
        if self.entries.len() >= MOST {
            self.sweep(now);
        }
        match self.entries.len() < MOST {
            true => Ok(()),
            false => Err(Met::Rate),
        }
    }

    /// A source has one more call; `false`: nobody counts it.
    pub(super) fn enter(&mut self, now: Instant, source: Source) -> bool {
        if !self.is_on() {
            return false;
        }
        if self.entries.len() >= self.sweep_at {
            self.sweep(now);
        }
        if self.entries.len() >= MOST && !self.entries.contains_key(&source) {
            return false;
        }
        let rate = self.rate;
        let entry = self.entries.entry(source).or_insert_with(|| Entry {
            calls: 0,
            bucket: TokenBucket::new(rate, now),
        });
        entry.calls += 1;
        entry.bucket.take(now);
        true
    }

    /// A call that was counted has ended.
    pub(super) fn leave(&mut self, source: Source) {
        if let Some(entry) = self.entries.get_mut(&source) {
            entry.calls = entry.calls.saturating_sub(1);
        }
    }

    /// Forgets who has no calls and had none of late.
    fn sweep(&mut self, now: Instant) {
        self.entries
            .retain(|_, entry| entry.calls > 0 || !entry.bucket.is_full(now));
        self.sweep_at = (2 * self.entries.len()).clamp(64, MOST);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn each_source_has_limits_of_its_own() {
        let now = Instant::now();
        let mut sources = Sources::new(2, 0);
        let (ann, bob) = (source("192.0.2.1"), source("192.0.2.2"));
        for _ in 0..2 {
            assert_eq!(sources.admit(now, ann), Ok(()));
            sources.enter(now, ann);
        }
        assert_eq!(sources.admit(now, ann), Err(Met::Calls));
        assert_eq!(sources.admit(now, bob), Ok(()));
        sources.leave(ann);
        assert_eq!(sources.admit(now, ann), Ok(()));
    }

    #[test]
    fn who_calls_too_often_waits_for_its_turn() {
        let now = Instant::now();
        let mut sources = Sources::new(0, 1);
        let ann = source("192.0.2.1");
        sources.enter(now, ann);
        sources.leave(ann);
        assert_eq!(sources.admit(now, ann), Err(Met::Rate));
        let later = now + Duration::from_secs(1);
        assert_eq!(sources.admit(later, ann), Ok(()));
    }

    #[test]
    fn an_ipv6_host_is_one_source_whatever_it_calls_itself() {
        let one = source("2001:db8:1:2::1");
        assert_eq!(one, source("2001:db8:1:2:ffff::2"));
        assert_ne!(one, source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    }

    #[test]
    fn the_table_forgets_the_idle_and_never_grows_beyond_its_bound() {
        let start = Instant::now();
        let mut sources = Sources::new(1, 1);
        let stranger = |n: u32| Source::of(IpAddr::from(n.to_be_bytes()));
        for n in 0..MOST as u32 {
            sources.enter(start, stranger(n));
        }
        assert_eq!(sources.entries.len(), MOST);
        let newcomer = stranger(MOST as u32);
        assert_eq!(sources.admit(start, newcomer), Err(Met::Rate));
        assert!(!sources.enter(start, newcomer));
        (0..MOST as u32).for_each(|n| sources.leave(stranger(n)));
        let later = start + Duration::from_secs(2);
        assert_eq!(sources.admit(later, newcomer), Ok(()));
        assert_eq!(sources.entries.len(), 0);
    }
}
