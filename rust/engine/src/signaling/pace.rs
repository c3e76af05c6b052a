//! How often signaling looks when there is much to do.
//!
//! To be woken costs a thread more than most messages of SIP do, and it costs who wakes it as well.
//! So when hundreds of calls a second come in, signaling does not come for each message: it rests
//! for what is left of a millisecond, nobody wakes it, and what has come by then is done together.
//! Python, too, is then told once of all of it. With a thousand a second a millisecond brings but one,
//! so it rests for two; who calls then has its answer two beats later, at most four milliseconds. A few
//! calls a second never wait.

use std::time::{Duration, Instant};

/// The time from one look to the next where there is much to do, and where there is more.
const BEATS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(2)];
/// The time over which it is counted what there is to do …
const WINDOW: Duration = Duration::from_millis(10);
/// … and so many messages and commands in it are much, and so many more.
const MUCH: u64 = 20;
const MORE: u64 = 30;
/// Of so many in one look more may be waiting, and there is no time to rest.
const FULL: u64 = 16;

/// Counts what has been done, and says when to rest.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when there was how much.
    window: (Instant, u64),
    done: u64,
    /// The time from look to look; `None`: there is little to do.
    beat: Option<Duration>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            window: (now, 0),
            done: 0,
            beat: None,
        }
    }

    /// How long to rest after a look that began at `begun`, by which time `done` messages and
    /// commands had been dealt with since the start. `due` is when there is something to do in any
    /// case.
    pub(super) fn rest(
        &mut self,
        begun: Instant,
        now: Instant,
        done: u64,
        due: Option<Instant>,
    ) -> Option<Duration> {
        let in_this_look = done - std::mem::replace(&mut self.done, done);
        let (since, before) = self.window;
        let passed = begun.saturating_duration_since(since);
        if passed >= WINDOW {
            self.beat = match done - before {
                // After a long sleep it is the last look alone that counts.
                _ if passed >= WINDOW * 2 => None,
                MORE.. => Some(BEATS[1]),
                MUCH.. => Some(BEATS[0]),
                _ => None,
            };
            self.window = (begun, done);
        }
        let next = begun + self.beat.filter(|_| in_this_look < FULL)?;
        let until = due.map_or(next, |due| due.min(next));
        let left = until.saturating_duration_since(now);
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
            pace.rest(begun, begun, done, None).is_some()
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
    }

    #[test]
    fn a_rest_ends_a_beat_after_the_look_began_or_when_something_is_due() {
        let micros = Duration::from_micros;
        for (each, beat) in [(2, 1000), (5, 2000)] {
            let now = Instant::now();
            let mut pace = Pace::new(now);
            looks(&mut pace, now, micros(1000), each, 100);
            let (begun, done) = (now + micros(101_000), pace.done);
            let mut rest = |worked, due: Option<u64>| {
                let due = due.map(|due| begun + micros(due));
                pace.rest(begun, begun + micros(worked), done, due)
            };
            assert_eq!(rest(200, None), Some(micros(beat - 200)));
            assert_eq!(rest(200, Some(500)), Some(micros(300)));
            assert_eq!(rest(200, Some(100)), None);
            assert_eq!(rest(beat + 100, None), None);
        }
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
