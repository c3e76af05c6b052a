//! Which requests were refused for want of room, so that each is refused for good.
//!
//! Who is refused at one moment and admitted at the next, when the same request comes again, has
//! been told 503 and hears nothing of the rest: its transaction is over (RFC 3261 §17.1.1.2), the
//! call that it knows nothing of is answered, and repeats its 200 for half a minute. In a flood these
//! would soon be all that there is. So what is refused is remembered for as long as it may come
//! again, as 8 bytes each.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use crate::transaction::ServerKey;

/// For so long a request may come again: Timers B and F (64 × T1).
const MEMORY: Duration = Duration::from_secs(32);
/// So many are remembered at least: 2,000 a second.
const MOST: usize = 65_536;

/// The requests that were refused last, by their transactions.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    seed: RandomState,
    /// Since when there are the young ones.
    since: Option<Instant>,
    young: HashSet<u64>,
    old: HashSet<u64>,
}

impl TurnedAway {
    /// This one was refused.
    pub(super) fn remember(&mut self, now: Instant, key: &ServerKey) {
        self.age(now);
        if self.young.len() >= MOST {
            self.turn(now);
        }
        self.since.get_or_insert(now);
        self.young.insert(self.seed.hash_one(key));
    }

    /// Whether this one was.
    pub(super) fn knows(&mut self, now: Instant, key: &ServerKey) -> bool {
        self.age(now);
        // Most of the time nobody is.
        if self.young.is_empty() && self.old.is_empty() {
            return false;
        }
        let hash = self.seed.hash_one(key);
        self.young.contains(&hash) || self.old.contains(&hash)
    }

    fn age(&mut self, now: Instant) {
        let Some(since) = self.since else {
            return;
        };
        let passed = now.saturating_duration_since(since);
        if passed >= 2 * MEMORY {
            // Of the memory that a flood has taken nothing is kept either.
            self.young = HashSet::new();
            self.old = HashSet::new();
            self.since = None;
        } else if passed >= MEMORY {
            self.turn(now);
        }
    }

    fn turn(&mut self, now: Instant) {
        self.old = std::mem::take(&mut self.young);
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn key(number: usize) -> ServerKey {
        let text = format!(
            "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP d;branch=z9hG4bK{number}\r\n\
             From: <sip:c@d>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n"
        );
        match Message::parse(&text.into()) {
            Ok(Message::Request(request)) => ServerKey::of(&request).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_refused_is_known_for_as_long_as_it_may_come_again_and_then_forgotten() {
        let start = Instant::now();
        let mut refused = TurnedAway::default();
        assert!(!refused.knows(start, &key(1)));
        refused.remember(start, &key(1));
        let just_before = start + MEMORY - Duration::from_millis(1);
        refused.remember(just_before, &key(2));
        assert!(refused.knows(just_before, &key(1)));
        assert!(refused.knows(just_before + MEMORY, &key(2)));
        assert!(!refused.knows(just_before, &key(3)));
        let later = start + 4 * MEMORY;
        assert!(!refused.knows(later, &key(1)) && !refused.knows(later, &key(2)));
        assert_eq!((refused.young.capacity(), refused.old.capacity()), (0, 0));
    }

    #[test]
    fn however_many_are_refused_the_last_ones_are_known_and_memory_does_not_grow() {
        let now = Instant::now();
        let mut refused = TurnedAway::default();
        let count = 3 * MOST;
        for number in 0..count {
            refused.remember(now, &key(number));
        }
        assert!(refused.knows(now, &key(count - 1)) && refused.knows(now, &key(count - MOST)));
        assert!(!refused.knows(now, &key(0)));
        assert!(refused.young.len() + refused.old.len() <= 2 * MOST);
    }
}
