//! How the delay follows what the network does: what is wished for, and when it is done.

use std::time::Instant;

use super::{JitterBuffer, Phase, Playout};
use crate::packet::Timestamp;

/// How the delay is to change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wish {
    /// The packets of the last window were earlier than they need be.
    pub(super) shorter: bool,
    /// Units to put in.
    pub(super) longer: u32,
    /// That doesn't wait for silence.
    pub(super) urgent: bool,
    /// Since when.
    pub(super) since: u64,
    /// When speech was shortened last.
    pub(super) cut: u64,
}

impl Wish {
    pub(super) fn is_none(&self) -> bool {
        !self.shorter && self.longer == 0
    }
}

impl JitterBuffer {
    /// Whether [`playout`](Self::playout) has anything to say.
    #[inline]
    pub fn is_restless(&self) -> bool {
        !self.wish.is_none()
    }

    /// Says what to do with the frame that was pulled last, now that it is known whether it is
    /// silence: there the delay changes without anybody hearing it. To be answered by
    /// [`shortened`](Self::shortened) or [`lengthened`](Self::lengthened) if anything was done.
    #[inline]
    pub fn playout(&mut self, silent: bool) -> Playout {
        match self.wish.is_none() {
            true => Playout::Keep,
            false => self.consider(silent),
        }
    }

    fn consider(&mut self, silent: bool) -> Playout {
        let waited = self.now.saturating_sub(self.wish.since);
        let limits = &self.limits;
        if self.wish.longer > 0 {
            let by = self.wish.longer;
            let timely = silent || self.wish.urgent || waited >= u64::from(limits.long_grace);
            return match timely {
                true => Playout::Lengthen { by },
                false => Playout::Keep,
            };
        }
        let excess = self.slack.excess(limits.margin);
        if excess < limits.step {
            self.wish = Wish::default();
            return Playout::Keep;
        }
        let hurries = excess > limits.hurry;
        let pause = self.now.saturating_sub(self.wish.cut);
        let timely = silent
            || hurries
            || excess >= limits.speech_step
                && waited >= u64::from(limits.grace)
                && pause >= u64::from(limits.pace);
        // What is left has to be enough for this tick.
        let left = u64::from(self.rest) + u64::from(self.last_duration) + self.ring.units();
        let spare = left.saturating_sub(u64::from(limits.tick));
        let by = excess
            .min(self.last_duration)
            .min(spare.min(1 << 31) as u32);
        match timely && by > 0 {
            true => Playout::Shorten { by },
            false => Playout::Keep,
        }
    }

    /// The frame that was pulled last is played shorter by so much.
    pub fn shortened(&mut self, by: u32) {
        self.statistics.shortened += 1;
        self.statistics.cut += u64::from(by);
        self.wish.cut = self.now;
        self.ahead = self.ahead.saturating_sub(by);
        self.slack.shorten(self.now, by);
    }

    /// The frame that was pulled last is played longer by so much.
    pub fn lengthened(&mut self, by: u32) {
        self.statistics.lengthened += 1;
        self.statistics.added += u64::from(by);
        self.wish.longer = self.wish.longer.saturating_sub(by);
        self.ahead = self.ahead.saturating_add(by);
        self.slack.lengthen(by);
    }

    /// A packet came after its successor was played. Where that was not the only one, the delay is
    /// too small by the time since it should have been played.
    pub(super) fn late(&mut self, now: Instant, timestamp: Timestamp, duration: u32) {
        self.statistics.late += 1;
        let now = self.clock.at(now);
        self.slack.disturbed(now);
        let Some(last) = self.last_late.replace(now) else {
            return;
        };
        let Phase::Playing { cursor, concealed } = self.phase else {
            return;
        };
        if now.saturating_sub(last) > u64::from(self.limits.again) {
            return;
        }
        let lateness = cursor.plus(concealed).since(timestamp);
        let lateness = u32::try_from(lateness).unwrap_or(0);
        let lateness = lateness.saturating_sub(self.ahead).max(duration);
        let room = u64::from(self.limits.max_depth).saturating_sub(self.ring.units());
        let longer = u64::from(lateness).min(room) as u32;
        self.wish = Wish {
            longer: longer.max(self.wish.longer),
            urgent: true,
            ..Wish::default()
        };
    }

    /// Looks at what the last packets tell of the delay.
    pub(super) fn judge(&mut self, now: u64) {
        let shorter = self.slack.excess(self.limits.margin) >= self.limits.step;
        let shortage = self.slack.shortage(self.limits.thin, self.limits.drift);
        let wish = &mut self.wish;
        let (was_shorter, was_longer) = (wish.shorter, wish.longer > 0);
        if shortage > 0 && !was_longer {
            (wish.longer, wish.urgent) = (shortage, false);
        }
        wish.shorter = shorter && wish.longer == 0;
        if (wish.shorter, wish.longer > 0) != (was_shorter, was_longer) {
            wish.since = now;
        }
    }
}
