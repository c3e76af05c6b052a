//! What comes out: frames, losses and pauses, in the order of their time.

use std::time::Instant;

use super::{Frame, Held, JitterBuffer, Phase, Pull, delay::Wish, playout::Loss};
use crate::packet::{SequenceNumber, Timestamp};

impl JitterBuffer {
    /// What to play at `now`, when `needed` timestamp units are wanted, more than 0. To be called
    /// until the tick's samples, 20 ms, are there: a frame may be longer or shorter than what is
    /// needed, and what is too much is the caller's to keep.
    pub fn pull(&mut self, now: Instant, needed: u32) -> Pull<'_> {
        let now = self.clock.at(now);
        if let Phase::Filling = self.phase {
            self.start(now);
        }
        self.drop_overdue(now);
        let Phase::Playing { cursor, concealed } = self.phase else {
            return Pull::Empty;
        };
        self.now = now;
        self.rest = self.limits.tick.saturating_sub(needed);
        let Some((head, missing)) = self.ring.head() else {
            return self.run_dry(cursor, concealed.saturating_add(needed));
        };
        let gap = head.timestamp.since(cursor);
        let left = self.left_of_gap(gap, concealed);
        if left > 0 && missing == 0 {
            if let Some(duration) = self.pause(cursor, concealed, left, needed) {
                return Pull::Paused { duration };
            }
        } else if left > 0 {
            let duration = left.min(needed);
            self.phase = Phase::Playing {
                cursor,
                concealed: concealed + duration,
            };
            let lost = u64::from(missing) * u64::from(self.last_duration);
            return match lost > u64::from(concealed) {
                true => Pull::Lost { duration },
                false => Pull::Paused { duration },
            };
        }
        let grown = i64::from(concealed) - i64::from(gap);
        if grown > 0 {
            self.slack.disturbed(now);
            let grown = u32::try_from(grown).unwrap_or(u32::MAX);
            self.wish.longer = self.wish.longer.saturating_sub(grown);
        }
        self.play(now)
    }

    /// After a loss was pulled, before it is made up: how much is missing from there to the packet that
    /// comes next, `duration` included, which is what was pulled; and that packet. Some codecs put a copy
    /// of each packet into the next.
    pub fn loss(&self, duration: u32) -> Option<Loss<'_>> {
        let Phase::Playing { cursor, concealed } = self.phase else {
            return None;
        };
        let (head, _) = self.ring.head()?;
        let gap = u32::try_from(head.timestamp.since(cursor)).ok()?;
        let left = gap.checked_sub(concealed)?;
        Some(Loss {
            units: left.saturating_add(duration),
            duration: head.duration,
            payload_type: head.payload_type,
            payload: self.ring.payload(&head),
        })
    }

    /// Of what is missing, `units` more were made up than were pulled.
    pub fn bridge(&mut self, units: u32) {
        if let Phase::Playing { concealed, .. } = &mut self.phase {
            *concealed = concealed.saturating_add(units);
        }
    }

    /// Ticks of `units` in all have been skipped: what was to be played in them is thrown away, so
    /// that the delay stays as it was.
    pub fn skip(&mut self, now: Instant, mut units: u32) {
        while units > 0 {
            match self.pull(now, units) {
                Pull::Frame(frame) => units = units.saturating_sub(frame.duration),
                Pull::Lost { duration } | Pull::Paused { duration } => units -= duration,
                Pull::Wait | Pull::Empty => return,
            }
        }
    }

    /// Starts to play when enough is there, and then with no more than that: nobody minds the
    /// beginning of what has piled up before.
    fn start(&mut self, now: u64) {
        let Some((mut head, _)) = self.ring.head() else {
            return;
        };
        let target = u64::from(self.target_units());
        if self.ring.units() < target && now.saturating_sub(head.arrived) < target {
            return;
        }
        while self.ring.units() - u64::from(head.duration) >= target {
            self.leave_behind();
            self.statistics.shortened += 1;
            self.statistics.cut += u64::from(head.duration);
            let Some((next, _)) = self.ring.head() else {
                return;
            };
            head = next;
        }
        self.statistics.streams += 1;
        self.slack.disturbed(now);
        self.wish = Wish::default();
        self.phase = Phase::Playing {
            cursor: head.timestamp,
            concealed: 0,
        };
    }

    fn run_dry(&mut self, cursor: Timestamp, concealed: u32) -> Pull<'_> {
        if concealed > self.limits.stream_timeout {
            self.phase = Phase::Filling;
            return Pull::Empty;
        }
        self.phase = Phase::Playing { cursor, concealed };
        Pull::Wait
    }

    /// Units of the gap before the next packet that are still to be bridged.
    fn left_of_gap(&self, gap: i32, concealed: u32) -> u32 {
        let Ok(gap) = u32::try_from(gap) else {
            return 0;
        };
        let left = gap.saturating_sub(concealed);
        // Time doesn't jump by more than the buffer is deep: the sender's clock was set anew.
        match left > self.limits.max_depth {
            true => 0,
            false => left,
        }
    }

    /// Goes on with a pause of which `left` units are left, which is silence and may be shortened
    /// or lengthened as any; `None`: it is over.
    fn pause(&mut self, cursor: Timestamp, concealed: u32, left: u32, needed: u32) -> Option<u32> {
        if self.wish.longer > 0 {
            let by = self.wish.longer.min(needed);
            self.lengthened(by);
            return Some(by);
        }
        let cut = match self.wish.shorter {
            true => self.slack.excess(self.limits.margin).min(left),
            false => 0,
        };
        if cut > 0 {
            self.shortened(cut);
        }
        let duration = (left - cut).min(needed);
        self.phase = Phase::Playing {
            cursor,
            concealed: concealed + cut + duration,
        };
        (duration > 0).then_some(duration)
    }

    fn play(&mut self, now: u64) -> Pull<'_> {
        let Some((number, held)) = self.leave_behind() else {
            return Pull::Wait;
        };
        let waited = now.saturating_sub(held.arrived);
        let waited = u32::try_from(waited).unwrap_or(u32::MAX);
        if self.slack.record(now, waited, self.rest) {
            self.judge(now);
        }
        self.ahead = self.rest.saturating_add(held.duration);
        self.ahead = self.ahead.saturating_sub(self.limits.tick);
        Pull::Frame(self.hand_out(number, held))
    }

    /// A packet that has left the ring: it counts as played, and what is missing before it as lost.
    pub(super) fn hand_out(&mut self, number: u64, held: Held) -> Frame<'_> {
        let lost_before = std::mem::take(&mut self.missing);
        self.statistics.lost += u64::from(lost_before);
        self.statistics.played += 1;
        self.last_duration = held.duration;
        self.phase = Phase::Playing {
            cursor: held.timestamp.plus(held.duration),
            concealed: 0,
        };
        Frame {
            payload: self.ring.payload(&held),
            payload_type: held.payload_type,
            marker: held.marker,
            sequence: SequenceNumber(number as u16),
            timestamp: held.timestamp,
            duration: held.duration,
            lost_before,
        }
    }
}
