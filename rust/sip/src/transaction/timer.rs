//! The timers' letters and values (RFC 3261 §17.1.1.1 and table 4), and a queue of deadlines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

/// A timer of a transaction, by the letter it has in the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// INVITE request is sent again (UDP).
    A,
    /// INVITE got no response at all; or, once it was cancelled, no final one (§9.1).
    B,
    /// How long a client swallows repeated final responses to INVITE.
    D,
    /// Other request is sent again (UDP).
    E,
    /// Other request got no final response. At the server: nobody waits for one any more
    /// (RFC 4320 §4.2).
    F,
    /// Final response to INVITE is sent again (UDP).
    G,
    /// No ACK came for it.
    H,
    /// How long a server swallows repeated ACKs.
    I,
    /// How long a server answers repetitions of a request other than INVITE.
    J,
    /// How long a client swallows repeated final responses to it.
    K,
    /// How long a server swallows repetitions of an INVITE that got a 2xx (RFC 6026).
    L,
    /// How long a client waits for repeated and forked 2xx (RFC 6026).
    M,
    /// The moment from which a 100 may answer a request other than INVITE (RFC 4320 §4.1). It has
    /// no letter.
    Trying,
}

/// The three times all others are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerValues {
    /// An estimate of the round trip.
    pub t1: Duration,
    /// The longest interval between repetitions, except of INVITE requests.
    pub t2: Duration,
    /// How long a message stays in the network.
    pub t4: Duration,
}

impl Default for TimerValues {
    /// 500 ms, 4 s and 5 s, as RFC 3261 has them.
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}

impl TimerValues {
    /// 64·T1, after which a transaction gives up.
    pub fn give_up(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D over UDP: at least 32 s, whatever T1 is.
    pub fn d(&self) -> Duration {
        self.give_up().max(Duration::from_secs(32))
    }

    /// The interval after `interval` where repetitions slow down to T2.
    pub fn backed_off(&self, interval: Duration) -> Duration {
        (interval * 2).min(self.t2)
    }

    /// How long after a request Timer E reaches T2: until then no 100 may be sent to a request
    /// other than INVITE (RFC 4320 §4.1).
    pub fn until_trying(&self) -> Duration {
        let (mut elapsed, mut e) = (Duration::ZERO, self.t1);
        while e < self.t2 && !e.is_zero() {
            elapsed += e;
            e *= 2;
        }
        elapsed
    }
}

/// The timers that run for one owner, with their deadlines. At most `N` run at a time.
#[derive(Clone, Debug)]
pub(crate) struct Running<T, const N: usize>(ArrayVec<(T, Instant), N>);

impl<T, const N: usize> Default for Running<T, N> {
    fn default() -> Self {
        Self(ArrayVec::new())
    }
}

impl<T: Copy + PartialEq, const N: usize> Running<T, N> {
    /// Starts a timer, anew if it runs.
    pub(crate) fn start(&mut self, timer: T, at: Instant) {
        self.stop(timer);
        self.0.push((timer, at));
    }

    pub(crate) fn stop(&mut self, timer: T) {
        self.0.retain(|(t, _)| *t != timer);
    }

    /// Whether a deadline in the queue is still meant.
    pub(crate) fn is_meant(&self, timer: T, at: Instant) -> bool {
        self.0.contains(&(timer, at))
    }

    /// Whether a deadline from the queue is still meant; if so the timer has run out.
    pub(crate) fn expire(&mut self, timer: T, at: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|running| *running != (timer, at));
        self.0.len() < before
    }
}

/// Deadlines in their order. A timer that is stopped stays in the queue until its time and is
/// recognised by its owner then ([`Running::expire`]): stopping costs nothing.
#[derive(Debug)]
pub(crate) struct TimerQueue<K> {
    heap: BinaryHeap<Reverse<Deadline<K>>>,
    pushed: u64,
}

#[derive(Debug)]
struct Deadline<K> {
    at: Instant,
    /// Keeps equal instants in the order in which they were pushed.
    order: u64,
    key: K,
}

impl<K> PartialEq for Deadline<K> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<K> Eq for Deadline<K> {}

impl<K> PartialOrd for Deadline<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Deadline<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl<K> Default for TimerQueue<K> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            pushed: 0,
        }
    }
}

impl<K> TimerQueue<K> {
    pub(crate) fn push(&mut self, at: Instant, key: K) {
        self.pushed += 1;
        self.heap.push(Reverse(Deadline {
            at,
            order: self.pushed,
            key,
        }));
    }

    /// How many deadlines wait, those of stopped timers included.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Forgets deadlines before their time.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(Instant, &K) -> bool) {
        self.heap
            .retain(|Reverse(deadline)| keep(deadline.at, &deadline.key));
    }

    /// The earliest deadline, which may be that of a stopped timer.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(deadline)| deadline.at)
    }

    /// Takes the earliest deadline that is not after `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next()? > now {
            return None;
        }
        let Reverse(deadline) = self.heap.pop()?;
        Some((deadline.at, deadline.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_equal_ones_as_they_were_pushed() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut queue = TimerQueue::default();
        for (ms, key) in [(30, 'd'), (10, 'a'), (20, 'b'), (20, 'c')] {
            queue.push(at(ms), key);
        }
        assert_eq!(queue.next(), Some(at(10)));
        let mut popped = Vec::new();
        while let Some((_, key)) = queue.pop(at(20)) {
            popped.push(key);
        }
        assert_eq!(popped, ['a', 'b', 'c']);
        assert_eq!(queue.next(), Some(at(30)));
    }

    #[test]
    fn a_timer_that_was_stopped_or_started_anew_does_not_expire() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut running = Running::<Timer, 3>::default();
        running.start(Timer::A, start);
        running.start(Timer::B, start);
        running.start(Timer::A, later);
        assert!(!running.expire(Timer::A, start));
        running.stop(Timer::B);
        assert!(!running.expire(Timer::B, start));
        assert!(running.expire(Timer::A, later));
        assert!(!running.expire(Timer::A, later));
    }

    #[test]
    fn a_100_is_due_when_timer_e_has_reached_t2() {
        assert_eq!(
            TimerValues::default().until_trying(),
            Duration::from_millis(3500)
        );
    }
}
