//! What the machine itself says: whether Python keeps up, and what the media have left.

use std::time::{Duration, Instant};

/// Something told that Python has not taken for so long means that it does not keep up …
const LATE: Duration = Duration::from_secs(1);
/// … and it does again once all has been taken sooner than this …
const SOON: Duration = Duration::from_millis(100);
/// … for so long.
const CALM: Duration = Duration::from_secs(1);

/// How far Python is behind with what it is told.
///
/// Python takes all that waits at once, and comes again when it has dealt with it. While it does not
/// keep up, what has come within [`SOON`] after it came is admitted, and what comes later is not, until
/// it comes again. So it never runs out of work, however many call: from four times as many calls as it
/// can serve it gets a quarter, in turns of 4 × [`SOON`], and nobody who is admitted waits for longer
/// than two of them.
#[derive(Debug, Default)]
pub(super) struct Python {
    /// Something told then, and how much had been told with it, is not taken yet.
    waits: Option<(Instant, u64)>,
    behind: bool,
    /// Much of the ring is taken up.
    is_full: bool,
    /// When it was last seen not to be at ease.
    uneasy: Option<Instant>,
}

impl Python {
    /// Looks at `now`. `told` events have been told so far, `waiting` of them were not taken, and
    /// `room` is how many can wait.
    pub(super) fn look(&mut self, now: Instant, told: u64, waiting: usize, room: usize) {
        let taken = told.saturating_sub(waiting as u64);
        self.waits = match self.waits {
            _ if waiting == 0 => None,
            Some((_, number)) if taken >= number => Some((now, told)),
            None => Some((now, told)),
            waits => waits,
        };
        let age = self.age(now);
        self.is_full = waiting > room / 4;
        if age >= SOON || self.is_full {
            self.uneasy = Some(now);
        }
        if age >= LATE || waiting > room / 2 {
            self.behind = true;
        }
        let calm = self
            .uneasy
            .is_none_or(|at| now.saturating_duration_since(at) >= CALM);
        self.behind &= !calm;
    }

    /// For how long at least something has been waiting to be taken.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.waits.map_or(Duration::ZERO, |(since, _)| {
            now.saturating_duration_since(since)
        })
    }

    /// It does not keep up.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// Whether what comes now would wait for too long.
    pub(super) fn turns_away(&self, now: Instant) -> bool {
        self.behind && (self.is_full || self.age(now) >= SOON)
    }
}

/// From one look at the media workers to the next.
pub(super) const PERIOD: Duration = Duration::from_millis(250);
/// The time over which what they do is averaged.
const MEMORY: f64 = 1.0;
/// New calls are refused when less of the ticks than this is left …
const TIGHT: f64 = 0.15;
/// … until more than this has been left …
const EASE: f64 = 0.25;
/// … for so long.
const RELIEF: Duration = Duration::from_secs(2);
/// A worker whose ticks begin so late on the average has nothing left: from there on one is heard.
const HEARD: f64 = 0.005;

/// What a worker has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::signaling) struct Work {
    /// Time spent at work, in nanoseconds.
    pub(in crate::signaling) busy_ns: u64,
    /// Ticks of rooms.
    pub(in crate::signaling) ticks: u64,
    /// How late these began, summed up, in microseconds.
    pub(in crate::signaling) lateness_us: u64,
}

/// What part of each tick the media workers have left.
#[derive(Debug)]
pub(super) struct Media {
    looked: Instant,
    /// What each worker had counted then, and what it uses of its time, 0 to 1.
    workers: Vec<(Work, f64)>,
    tight: bool,
    uneasy: Option<Instant>,
}

impl Media {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            looked: now,
            workers: Vec::new(),
            tight: false,
            uneasy: None,
        }
    }

    /// When it is to look again.
    pub(super) fn due(&self) -> Instant {
        self.looked + PERIOD
    }

    /// Looks at what the workers have counted by `now`.
    pub(super) fn look(&mut self, now: Instant, workers: impl Iterator<Item = Work>) {
        let passed = now.saturating_duration_since(self.looked).as_secs_f64();
        if passed <= 0.0 {
            return;
        }
        self.looked = now;
        let weight = 1.0 - (-passed / MEMORY).exp();
        for (index, work) in workers.enumerate() {
            let Some((before, used)) = self.workers.get_mut(index) else {
                self.workers.push((work, 0.0));
                continue;
            };
            let busy = work.busy_ns.saturating_sub(before.busy_ns) as f64 / 1e9 / passed;
            let ticks = work.ticks.saturating_sub(before.ticks);
            let late = work.lateness_us.saturating_sub(before.lateness_us) as f64 / 1e6;
            let late = late / ticks.max(1) as f64 / HEARD;
            *used += (busy.max(late).min(1.0) - *used) * weight;
            *before = work;
        }
        let headroom = self.headroom();
        if headroom < EASE {
            self.uneasy = Some(now);
        }
        if headroom < TIGHT {
            self.tight = true;
        }
        let relieved = self
            .uneasy
            .is_none_or(|at| now.saturating_duration_since(at) >= RELIEF);
        self.tight &= !relieved;
    }

    /// What the worker that has least has left of its time, 0 to 1.
    pub(super) fn headroom(&self) -> f64 {
        let used = self.workers.iter().map(|(_, used)| *used);
        1.0 - used.fold(0.0, f64::max)
    }

    /// Whether that is too little for more calls.
    pub(super) fn is_tight(&self) -> bool {
        self.tight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn python_is_behind_when_something_waits_for_a_second_and_not_when_much_passes() {
        let mut now = Instant::now();
        let mut python = Python::default();
        let mut told = 0;
        // Ten thousand events a second, all taken within 100 ms.
        for round in 0..50 {
            told += 1000;
            python.look(now, told, if round % 2 == 0 { 1000 } else { 0 }, 16_384);
            now += 100 * MS;
            assert!(!python.is_behind());
        }
        // Then one that nobody takes.
        python.look(now, told + 1, 1, 16_384);
        python.look(now + 999 * MS, told + 9, 9, 16_384);
        assert!(!python.is_behind());
        python.look(now + 1000 * MS, told + 9, 9, 16_384);
        assert!(python.is_behind());
        // All are taken: it lifts after a second without trouble.
        python.look(now + 1100 * MS, told + 9, 0, 16_384);
        assert!(python.is_behind());
        python.look(now + 1999 * MS, told + 9, 0, 16_384);
        assert!(python.is_behind());
        python.look(now + 2000 * MS, told + 9, 0, 16_384);
        assert!(!python.is_behind());
    }

    #[test]
    fn what_is_taken_slowly_but_steadily_is_not_mistaken_for_what_lies_there() {
        let mut now = Instant::now();
        let mut python = Python::default();
        // There are always ten that wait, never the same for long.
        for told in (10..1000).step_by(5) {
            python.look(now, told, 10, 16_384);
            assert!(python.age(now) < 300 * MS);
            now += 100 * MS;
        }
        assert!(!python.is_behind());
    }

    #[test]
    fn a_ring_that_is_half_full_is_too_much_at_once() {
        let now = Instant::now();
        let mut python = Python::default();
        python.look(now, 8192, 8192, 16_384);
        assert!(!python.is_behind());
        python.look(now, 8193, 8193, 16_384);
        assert!(python.is_behind());
    }

    /// Workers that are busy for these shares of the time, for so many periods.
    fn work(media: &mut Media, now: &mut Instant, work: &mut [Work], busy: &[f64], periods: u32) {
        for _ in 0..periods {
            *now += PERIOD;
            for (work, busy) in work.iter_mut().zip(busy) {
                work.busy_ns += (PERIOD.as_nanos() as f64 * busy) as u64;
                work.ticks += 12;
            }
            media.look(*now, work.iter().copied());
        }
    }

    #[test]
    fn the_busiest_worker_counts_and_a_moment_does_not() {
        let mut now = Instant::now();
        let mut media = Media::new(now);
        let mut workers = [Work::default(); 2];
        work(&mut media, &mut now, &mut workers, &[0.1, 0.5], 20);
        assert!((media.headroom() - 0.5).abs() < 0.01);
        work(&mut media, &mut now, &mut workers, &[1.0, 0.5], 1);
        assert!(!media.is_tight());
        work(&mut media, &mut now, &mut workers, &[0.9, 0.5], 20);
        assert!((media.headroom() - 0.1).abs() < 0.01);
        assert!(media.is_tight());
    }

    #[test]
    fn what_was_tight_lifts_when_there_is_ease_for_a_while() {
        let mut now = Instant::now();
        let mut media = Media::new(now);
        let mut workers = [Work::default()];
        work(&mut media, &mut now, &mut workers, &[0.9], 20);
        assert!(media.is_tight());
        // Neither tight nor at ease: it stays as it is.
        work(&mut media, &mut now, &mut workers, &[0.8], 100);
        assert!(media.is_tight());
        work(&mut media, &mut now, &mut workers, &[0.6], 20);
        assert!(!media.is_tight());
        // Nor does it begin anew between the two.
        work(&mut media, &mut now, &mut workers, &[0.8], 100);
        assert!(!media.is_tight());
    }

    #[test]
    fn ticks_that_begin_late_leave_as_little_as_ticks_that_take_long() {
        let mut now = Instant::now();
        let mut media = Media::new(now);
        let mut workers = [Work::default()];
        for (late_us, tight) in [(500, false), (4_600, true)] {
            for _ in 0..20 {
                workers[0].lateness_us += 12 * late_us;
                work(&mut media, &mut now, &mut workers, &[0.05], 1);
            }
            assert_eq!(
                media.is_tight(),
                tight,
                "{late_us} µs: {}",
                media.headroom()
            );
        }
    }
}
