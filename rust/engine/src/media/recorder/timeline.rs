//! Which place in a recording a tick has.

use crate::media::schedule::TICK;

/// A tick in nanoseconds.
pub(super) const TICK_NS: u64 = TICK.as_nanos() as u64;

/// The time of one recording, which all its tracks have in common: ticks are counted from its start,
/// without those in which it paused.
///
/// Ticks come with the time at which they were due, so it doesn't matter which worker did them, when,
/// or whether some of them were left out.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    begun: u64,
    /// The time of the first tick at or after the beginning.
    zero: Option<u64>,
    /// Ticks that are left out, counted from `zero`: from the first of a pause to before the second.
    pauses: Vec<(u64, Option<u64>)>,
}

impl Timeline {
    /// Begins at `begun`, in nanoseconds since the media's start.
    pub(super) fn new(begun: u64) -> Self {
        Self {
            begun,
            zero: None,
            pauses: Vec::new(),
        }
    }

    /// The place of the tick at `at`; `None`: before the start, or in a pause.
    pub(super) fn place(&mut self, at: u64) -> Option<u64> {
        let zero = self.zero(at);
        let tick = (at + TICK_NS / 2).checked_sub(zero)? / TICK_NS;
        let mut place = tick;
        for &(from, to) in &self.pauses {
            if tick < from {
                break;
            }
            match to {
                Some(to) if tick >= to => place -= to - from,
                _ => return None,
            }
        }
        Some(place)
    }

    /// How many ticks there were before `at`, without those in pauses.
    pub(super) fn length(&mut self, at: u64) -> u64 {
        let ticks = self.ticks_before(at);
        let mut length = ticks;
        for &(from, to) in &self.pauses {
            let to = to.unwrap_or(u64::MAX).min(ticks);
            length -= to.saturating_sub(from);
        }
        length
    }

    /// Ticks from `at` on are left out, or no longer.
    pub(super) fn pause(&mut self, on: bool, at: u64) {
        let tick = self.ticks_before(at);
        match (on, self.pauses.last_mut()) {
            (true, Some((_, None))) => {}
            (true, _) => self.pauses.push((tick, None)),
            (false, Some((from, to @ None))) => *to = Some(tick.max(*from)),
            (false, _) => {}
        }
    }

    fn ticks_before(&mut self, at: u64) -> u64 {
        let zero = match self.zero {
            Some(zero) => zero,
            // Nothing has sounded yet: whatever comes later is counted from the beginning.
            None => *self.zero.insert(self.begun),
        };
        at.saturating_sub(zero).div_ceil(TICK_NS)
    }

    fn zero(&mut self, at: u64) -> u64 {
        *self
            .zero
            .get_or_insert_with(|| match at.checked_sub(self.begun) {
                // The tick that was due in the very moment is over, unless this is it.
                Some(since) => at - since.saturating_sub(1) / TICK_NS * TICK_NS,
                None => at,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_first_tick_after_the_beginning_is_number_zero() {
        let mut timeline = Timeline::new(1003 * MS);
        assert_eq!(timeline.place(1015 * MS), Some(0));
        assert_eq!(timeline.place(1035 * MS), Some(1));
        assert_eq!(timeline.place(995 * MS), None);
        // One that a late worker did after it was told, though it was due before.
        let mut timeline = Timeline::new(1003 * MS);
        assert_eq!(timeline.place(1002 * MS), Some(0));
    }

    #[test]
    fn a_track_that_begins_late_has_the_place_of_its_time() {
        let mut timeline = Timeline::new(1000 * MS);
        assert_eq!(timeline.place(5015 * MS), Some(200));
        assert_eq!(timeline.length(6000 * MS), 250);
    }

    #[test]
    fn pauses_are_left_out() {
        let mut timeline = Timeline::new(0);
        assert_eq!(timeline.place(10 * MS), Some(0));
        timeline.pause(true, 100 * MS);
        timeline.pause(true, 150 * MS);
        assert_eq!(timeline.place(90 * MS), Some(4));
        assert_eq!(timeline.place(110 * MS), None);
        assert_eq!(timeline.length(1000 * MS), 5);
        timeline.pause(false, 300 * MS);
        timeline.pause(false, 500 * MS);
        assert_eq!(timeline.place(290 * MS), None);
        assert_eq!(timeline.place(310 * MS), Some(5));
        assert_eq!(timeline.length(400 * MS), 10);
        timeline.pause(true, 400 * MS);
        timeline.pause(false, 401 * MS);
        assert_eq!(timeline.place(410 * MS), Some(10));
    }
}
