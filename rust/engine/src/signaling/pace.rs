//! How often signaling looks when there is much to do.
//!
//! To be woken costs a thread more than most messages of SIP do, and it costs who wakes it as well.
//! So when hundreds of calls a second come in, signaling does not come for each message: it rests
//! for what is left of a millisecond, nobody wakes it, and what has come by then is done together.
//! Python, too, is then told once of all of it.
//!
//! With a thousand a second a millisecond brings but one. There it looks twice in four: once for all
//! that has come, of which it tells Python, and then, before half of them are over, for what Python has
//! said to that; of what it finds besides it tells with the next. So Python comes once where signaling
//! comes twice, and who calls has its answer after two to six milliseconds. A few calls a second never wait.
//!
//! No timer of SIP is so short that the rest would matter to it.

use std::time::{Duration, Instant};

/// The time from one look to the next where there is much to do.
const BEAT: Duration = Duration::from_millis(1);
/// Where there is more: how long Python has for what it was told of …
const FOR_ORDERS: Duration = Duration::from_micros(1500);
/// … and from the look for what it says to the next one for all.
const FOR_ALL: Duration = Duration::from_micros(2500);
/// The time over which it is counted what there is to do …
const WINDOW: Duration = Duration::from_millis(10);
/// … and so many messages and commands in it are much, and so many more.
const MUCH: u64 = 20;
const MORE: u64 = 30;
/// Of so many in one look more may be waiting, and there is no time to rest.
const FULL: u64 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    Little,
    Much,
    More,
}

/// Counts what has been done, and says when to rest.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when there was how much.
    window: (Instant, u64),
    done: u64,
    load: Load,
    is_for_orders: bool,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            window: (now, 0),
            done: 0,
            load: Load::Little,
            is_for_orders: false,
        }
    }

    /// Whether the look that comes is for what Python has said: what is to be told waits for the
    /// one after it.
    pub(super) fn is_for_orders(&self) -> bool {
        self.is_for_orders
    }

    /// How long to rest after a look that began at `begun`, by which time `done` messages and
    /// commands had been dealt with since the start.
    pub(super) fn rest(&mut self, begun: Instant, now: Instant, done: u64) -> Option<Duration> {
        let in_this_look = done - std::mem::replace(&mut self.done, done);
        let (since, before) = self.window;
        let passed = begun.saturating_duration_since(since);
        if passed >= WINDOW {
            self.load = match done - before {
                // After a long sleep it is the last look alone that counts.
                _ if passed >= WINDOW * 2 => Load::Little,
                MORE.. => Load::More,
                MUCH.. => Load::Much,
                _ => Load::Little,
            };
            self.window = (begun, done);
        }
        let was_for_orders = std::mem::take(&mut self.is_for_orders);
        let next = match self.load {
            _ if in_this_look >= FULL => return None,
            Load::Little => return None,
            Load::Much => begun + BEAT,
            Load::More if was_for_orders => begun + FOR_ALL,
            // Python may begin only now that we have done with the processor.
            Load::More => now + FOR_ORDERS,
        };
        let left = next.saturating_duration_since(now);
        self.is_for_orders = self.load == Load::More && !was_for_orders;
        (!left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks once every `gap`, at `each` things to do, for so long; says how often it rested.
    fn looks(pace: &mut Pace, start: Instant, gap: Duration, each: u64, count: u32) -> usize {
        let done = pace.done;
        let looks = 1..=count;
        let rests = looks.filter(|look| {
            let begun = start + gap * *look;
            let done = done + each * u64::from(*look);
            pace.rest(begun, begun, done).is_some()
        });
        rests.count()
    }

    #[test]
    fn a_few_calls_a_second_never_wait() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(looks(&mut pace, now, Duration::from_millis(2), 2, 1000), 0);
        // Nor does a handful that comes at once.
        let later = now + Duration::from_secs(10);
        assert_eq!(looks(&mut pace, later, Duration::from_secs(1), 15, 100), 0);
        assert!(!pace.is_for_orders());
    }

    #[test]
    fn what_comes_every_fraction_of_a_millisecond_is_done_together() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        let gap = Duration::from_micros(250);
        assert!(looks(&mut pace, now, gap, 1, 1000) > 900);
        // When it is over, nothing waits any more.
        let later = now + Duration::from_secs(1);
        assert_eq!(looks(&mut pace, later, Duration::from_millis(5), 1, 100), 0);
        assert!(!pace.is_for_orders());
    }

    #[test]
    fn a_rest_ends_a_beat_after_the_look_began() {
        let micros = Duration::from_micros;
        let now = Instant::now();
        let mut pace = Pace::new(now);
        looks(&mut pace, now, micros(1000), 2, 100);
        let (begun, done) = (now + micros(101_000), pace.done);
        let mut rest = |worked| pace.rest(begun, begun + micros(worked), done);
        assert_eq!(rest(200), Some(micros(800)));
        assert_eq!(rest(1100), None);
    }

    #[test]
    fn where_there_is_most_to_do_every_second_look_is_for_what_python_says_to_the_one_before() {
        let micros = Duration::from_micros;
        let now = Instant::now();
        let mut pace = Pace::new(now);
        looks(&mut pace, now, micros(1000), 5, 100);
        let (mut begun, done) = (now + micros(101_000), pace.done);
        let mut found = Vec::new();
        for _ in 0..4 {
            let after = begun + micros(200);
            let is_for_orders = pace.is_for_orders();
            let rest = pace.rest(begun, after, done).unwrap();
            found.push((is_for_orders, rest));
            begun = after + rest;
        }
        let turn = [(false, micros(1500)), (true, micros(2300))];
        assert!(found == [turn, turn].concat() || found[1..] == [&turn[..], &turn[..1]].concat());
    }

    #[test]
    fn who_finds_a_full_batch_does_not_rest() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(
            looks(&mut pace, now, Duration::from_millis(1), FULL, 100),
            0
        );
    }
}
