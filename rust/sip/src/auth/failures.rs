//! Who guesses passwords waits.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Wrong answers for one user from one source, after which more are not looked at for a while.
const OF_A_USER: u32 = 10;
/// The same for all users together: many phones may be behind one NAT.
const OF_A_SOURCE: u32 = 100;
/// So long wrong answers count, and so long the wait is after the last that was looked at.
const WHILE: Duration = Duration::from_secs(60);
/// Users and sources that are remembered. Beyond them nobody new is, so that what strangers can
/// fill costs neither more memory nor the rest their guard.
const MOST: usize = 65_536;

/// The old are looked for no more often than this.
const SWEEP: Duration = Duration::from_secs(1);

/// A source, and one of its users or all. Names are hashed: they can be long.
type Key = (IpAddr, Option<u64>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    count: u32,
    last: Instant,
}

/// The wrong answers of late. Nobody waits for another's: not the same user elsewhere, and at the
/// same place only after a hundred.
#[derive(Debug, Default)]
pub(super) struct Failures {
    entries: HashMap<Key, Entry>,
    /// When the old were last looked for: a full table is not gone through for each that comes.
    swept: Option<Instant>,
}

impl Failures {
    /// How long answers for a user from there aren't looked at.
    pub(super) fn wait(&self, now: Instant, source: IpAddr, user: &str) -> Option<Duration> {
        if self.entries.is_empty() {
            return None;
        }
        let keys = self.keys(source, user);
        let waits = keys.into_iter().filter_map(|(key, most)| {
            let entry = self.entries.get(&key)?;
            let left = WHILE.checked_sub(now.saturating_duration_since(entry.last))?;
            (entry.count >= most && !left.is_zero()).then_some(left)
        });
        waits.max()
    }

    /// One more was wrong.
    pub(super) fn note(&mut self, now: Instant, source: IpAddr, user: &str) {
        let is_old = |entry: &Entry| now.saturating_duration_since(entry.last) >= WHILE;
        if self.entries.len() + 2 > MOST
            && self
                .swept
                .is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP)
        {
            self.entries.retain(|_, entry| !is_old(entry));
            self.swept = Some(now);
        }
        for (key, _) in self.keys(source, user) {
            if self.entries.len() >= MOST && !self.entries.contains_key(&key) {
                continue;
            }
            let fresh = Entry {
                count: 0,
                last: now,
            };
            let entry = self.entries.entry(key).or_insert(fresh);
            if is_old(entry) {
                *entry = fresh;
            }
            entry.count = entry.count.saturating_add(1);
            entry.last = now;
        }
    }

    fn keys(&self, source: IpAddr, user: &str) -> [(Key, u32); 2] {
        let source = match source.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            // The rest of it its owner chooses.
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        };
        let user = self.entries.hasher().hash_one(user);
        [
            ((source, Some(user)), OF_A_USER),
            ((source, None), OF_A_SOURCE),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_waits_after_ten_for_a_user_or_a_hundred_for_all() {
        let (now, there) = (Instant::now(), address("192.0.2.1"));
        let mut failures = Failures::default();
        for _ in 0..OF_A_USER {
            assert_eq!(failures.wait(now, there, "ann"), None);
            failures.note(now, there, "ann");
        }
        assert_eq!(failures.wait(now, there, "ann"), Some(WHILE));
        assert_eq!(failures.wait(now, there, "bob"), None);
        assert_eq!(failures.wait(now, address("192.0.2.2"), "ann"), None);
        (OF_A_USER..OF_A_SOURCE).for_each(|n| failures.note(now, there, &format!("user{n}")));
        assert_eq!(failures.wait(now, there, "bob"), Some(WHILE));
        assert_eq!(failures.wait(now + WHILE, there, "ann"), None);
        assert_eq!(failures.wait(now + WHILE, there, "bob"), None);
    }

    #[test]
    fn now_and_then_a_wrong_password_does_no_harm() {
        let (mut now, there) = (Instant::now(), address("192.0.2.1"));
        let mut failures = Failures::default();
        for _ in 0..100 {
            failures.note(now, there, "ann");
            now += WHILE;
            assert_eq!(failures.wait(now, there, "ann"), None);
        }
    }

    #[test]
    fn the_table_has_a_bound_and_forgets_what_is_old() {
        let now = Instant::now();
        let mut failures = Failures::default();
        for n in 0..MOST as u32 {
            failures.note(now, IpAddr::from(n.to_be_bytes()), "ann");
        }
        assert_eq!(failures.entries.len(), MOST);
        failures.note(now + WHILE, address("2001:db8::1"), "ann");
        assert_eq!(failures.entries.len(), 2);
        // An IPv6 host is its network.
        for _ in 1..OF_A_USER {
            failures.note(now + WHILE, address("2001:db8::2"), "ann");
        }
        assert!(
            failures
                .wait(now + WHILE, address("2001:db8::3"), "ann")
                .is_some()
        );
    }
}
