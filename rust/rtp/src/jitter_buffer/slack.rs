//! How long before they were needed packets have come lately: what says how deep the buffer should
//! be. All times are in timestamp units.

const BUCKETS: usize = 8;
/// A window that was made longer is not made so once more than this often.
const MAX_PATIENCE: u8 = 2;
/// Windows after a shortening in which a late packet shows that it was one too many.
const REGRET: u64 = 4;
/// Windows without a late packet after which a long window is made shorter again.
const CALM: u64 = 16;

/// What was seen of the packets of a while. Times longer than 65,535 units are that long.
#[derive(Debug, Clone, Copy)]
struct Range {
    /// Between a packet's arrival and the tick for which it was needed, where the arrival was
    /// known.
    wait_least: u16,
    /// The same with the samples that were played in that tick before it: by how much it could
    /// have been played earlier, if there were no ticks.
    delay_least: u16,
    delay_most: u16,
    /// Those samples alone.
    rest_least: u16,
    rest_most: u16,
}

impl Range {
    const EMPTY: Range = Range {
        wait_least: u16::MAX,
        delay_least: u16::MAX,
        delay_most: 0,
        rest_least: u16::MAX,
        rest_most: 0,
    };

    fn with(self, other: Range) -> Range {
        Range {
            wait_least: self.wait_least.min(other.wait_least),
            delay_least: self.delay_least.min(other.delay_least),
            delay_most: self.delay_most.max(other.delay_most),
            rest_least: self.rest_least.min(other.rest_least),
            rest_most: self.rest_most.max(other.rest_most),
        }
    }

    fn is_empty(&self) -> bool {
        self.delay_least > self.delay_most
    }
}

fn short(units: u32) -> u16 {
    u16::try_from(units).unwrap_or(u16::MAX)
}

/// What was seen within a window of three quarters of a second. If a late packet shows again and
/// again that the delay was shortened too soon, the window is made twice and four times as long.
#[derive(Debug, Clone)]
pub(super) struct Slack {
    tick: u16,
    /// Length of the shortest bucket.
    shortest: u32,
    patience: u8,
    /// The current bucket first.
    buckets: [Range; BUCKETS],
    /// All of the others together.
    past: Range,
    since: Option<u64>,
    /// Buckets completed since a packet was late; `BUCKETS` and more is a full window.
    steady: u8,
    /// The least wait of the first full window after a change: what drift is measured from.
    reference: Option<u16>,
    shortened: Option<u64>,
    disturbed: u64,
}

impl Slack {
    /// `tick`: what is needed at once, in timestamp units.
    pub fn new(clock_rate: u32, tick: u32) -> Slack {
        Slack {
            tick: short(tick).max(1),
            shortest: (clock_rate / 1000 * 94).max(1),
            patience: 0,
            buckets: [Range::EMPTY; BUCKETS],
            past: Range::EMPTY,
            since: None,
            steady: 0,
            reference: None,
            shortened: None,
            disturbed: 0,
        }
    }

    /// A packet was played at `now` that had waited for `wait`, behind `rest` units of the same
    /// tick. To have waited for nothing at all means that nobody knows when it came. Returns
    /// whether there is something new to be judged.
    pub fn record(&mut self, now: u64, wait: u32, rest: u32) -> bool {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_sub(since);
        let turned = passed >= u64::from(self.bucket_length());
        if turned {
            self.turn(now, passed);
        }
        if wait == 0 && rest == 0 {
            // The way of nearly all packets.
            (self.buckets[0].delay_least, self.buckets[0].rest_least) = (0, 0);
            return turned;
        }
        let (wait, rest) = (short(wait), short(rest).min(self.tick - 1));
        let delay = wait.saturating_add(rest);
        let range = Range {
            wait_least: if wait > 0 { wait } else { u16::MAX },
            delay_least: delay,
            delay_most: delay,
            rest_least: rest,
            rest_most: rest,
        };
        self.buckets[0] = self.buckets[0].with(range);
        turned
    }

    /// All that the window holds.
    fn window(&self) -> Range {
        self.past.with(self.buckets[0])
    }

    fn bucket_length(&self) -> u32 {
        self.shortest << self.patience
    }

    fn window_length(&self) -> u64 {
        u64::from(self.bucket_length()) * BUCKETS as u64
    }

    fn turn(&mut self, now: u64, passed: u64) {
        let turns = passed / u64::from(self.bucket_length());
        let turns = turns.min(BUCKETS as u64) as usize;
        self.buckets.rotate_right(turns);
        self.buckets[..turns].fill(Range::EMPTY);
        let past = self.buckets[1..].iter().copied();
        self.past = past.fold(Range::EMPTY, Range::with);
        self.since = Some(now);
        self.steady = self.steady.saturating_add(turns as u8);
        if self.is_full() && self.reference.is_none() && self.window().wait_least < u16::MAX {
            self.reference = Some(self.window().wait_least);
        }
        if self.patience > 0 && now.saturating_sub(self.disturbed) > CALM * self.window_length() {
            self.patience -= 1;
            self.disturbed = now;
        }
    }

    /// Whether the window holds nothing from before a late packet.
    pub fn is_full(&self) -> bool {
        self.steady >= BUCKETS as u8 && !self.window().is_empty()
    }

    /// By how much the delay could be shorter so that each packet of the window would still have
    /// come at least `margin`, and an eighth of the jitter, before the tick for which it would then
    /// have been needed.
    pub fn excess(&self, margin: u32) -> u32 {
        if !self.is_full() {
            return 0;
        }
        let Range {
            delay_least,
            rest_least,
            rest_most,
            ..
        } = self.window();
        let margin = margin.saturating_add(self.span() / 8);
        let tick = u32::from(self.tick);
        let (delay, rest) = (u32::from(delay_least), u32::from(rest_least));
        if rest_least == rest_most {
            // All packets stand at the same place in their ticks: it is known for which tick they
            // would be needed.
            let ticks = (delay - rest).saturating_sub(margin) / tick;
            return ticks * tick + rest;
        }
        delay.saturating_sub(tick).saturating_sub(margin)
    }

    /// By how much the delay has to be longer for packets to be needed a tick later, when they come
    /// later and later and are about to be too late: when less than `thin` is left of what has
    /// fallen by `drift`.
    pub fn shortage(&self, thin: u32, drift: u32) -> u32 {
        let least = self.window().wait_least;
        let Some(reference) = self.reference.filter(|_| self.is_full()) else {
            return 0;
        };
        match u32::from(least) < thin && u32::from(reference.saturating_sub(least)) >= drift {
            true => u32::from(self.tick - self.window().rest_most),
            false => 0,
        }
    }

    /// The span between the earliest and the latest packet: the jitter that a buffer has to bridge.
    pub fn span(&self) -> u32 {
        u32::from(
            self.window()
                .delay_most
                .saturating_sub(self.window().delay_least),
        )
    }

    /// The delay has grown because a packet was late: what was seen before tells nothing of what is
    /// to come.
    pub fn disturbed(&mut self, now: u64) {
        let window = self.window_length();
        let regretted = |then| now.saturating_sub(then) < REGRET * window;
        if self.shortened.take().is_some_and(regretted) {
            self.patience = (self.patience + 1).min(MAX_PATIENCE);
        }
        self.disturbed = now;
        self.steady = 0;
        self.reference = None;
    }

    /// The delay has been made shorter.
    pub fn shorten(&mut self, now: u64, by: u32) {
        self.shortened = Some(now);
        let by = short(by);
        let tick = self.tick;
        self.shift(|range| {
            range.delay_least = range.delay_least.saturating_sub(by);
            range.delay_most = range.delay_most.saturating_sub(by);
            let mut waits = by / tick * tick;
            range.rest_least += tick - by % tick;
            if range.rest_least >= tick {
                range.rest_least -= tick;
            } else {
                waits = waits.saturating_add(tick);
            }
            if range.wait_least < u16::MAX {
                range.wait_least = range.wait_least.saturating_sub(waits);
            }
        });
    }

    /// The delay has been made longer.
    pub fn lengthen(&mut self, by: u32) {
        let by = short(by);
        let tick = self.tick;
        self.shift(|range| {
            range.delay_least = range.delay_least.saturating_add(by);
            range.delay_most = range.delay_most.saturating_add(by);
            let mut waits = by / tick * tick;
            range.rest_least += by % tick;
            if range.rest_least >= tick {
                range.rest_least -= tick;
                waits = waits.saturating_add(tick);
            }
            if range.wait_least < u16::MAX {
                range.wait_least = range.wait_least.saturating_add(waits);
            }
        });
    }

    /// Changes what was seen as if the delay had been another. Where packets stood at several
    /// places in their ticks, nobody knows where they would stand then.
    fn shift(&mut self, change: impl Fn(&mut Range)) {
        let tick = self.tick;
        let ranges = self.buckets.iter_mut().chain([&mut self.past]);
        for range in ranges.filter(|range| !range.is_empty()) {
            let known = range.rest_least == range.rest_most;
            change(range);
            range.rest_most = range.rest_least;
            if !known {
                (range.rest_least, range.rest_most) = (0, tick - 1);
                range.wait_least = u16::MAX;
            }
        }
        self.reference = None;
    }
}
