//! For who sends packets on as they come instead of playing them: nothing waits here.

use std::time::Instant;

use super::{Frame, JitterBuffer, Phase, delay::Wish};
use crate::packet::Ssrc;

impl JitterBuffer {
    /// The next packet that is held, at once. It counts as played, and what is missing before it as
    /// lost; where that may only have been overtaken, the packet is kept for two ticks, unless
    /// `whole`. To be called until nothing is left; what comes later can be [pulled](Self::pull)
    /// and goes on just there, without delay.
    pub fn pass(&mut self, now: Instant, whole: bool) -> Option<Frame<'_>> {
        let now = self.clock.at(now);
        let (head, missing) = self.ring.head()?;
        let waited = now.saturating_sub(head.arrived);
        if missing > 0 && !whole && waited < 2 * u64::from(self.limits.tick) {
            return None;
        }
        let (number, held) = self.leave_behind()?;
        if let Phase::Filling = self.phase {
            self.statistics.streams += 1;
        }
        self.slack.disturbed(now);
        (self.wish, self.ahead) = (Wish::default(), 0);
        Some(self.hand_out(number, held))
    }

    /// So many units have gone by in which nothing was there to be passed.
    pub fn pass_time(&mut self, units: u32) {
        if let Phase::Playing { concealed, .. } = &mut self.phase {
            *concealed = concealed.saturating_add(units);
            if *concealed > self.limits.stream_timeout {
                self.phase = Phase::Filling;
            }
        }
    }

    /// Whose packets are held, or were last.
    pub fn ssrc(&self) -> Option<Ssrc> {
        self.ssrc
    }
}
