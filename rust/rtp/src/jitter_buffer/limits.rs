//! The times that decide, in timestamp units.

use std::time::Duration;

use super::clock::Clock;

/// The times that decide, in timestamp units.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// What is needed at once.
    pub(super) tick: u32,
    /// Depth at the start of a stream whose jitter is not yet known: one frame.
    pub(super) first_depth: u32,
    /// No packet waits for longer, and no more audio is held.
    pub(super) max_depth: u32,
    /// A stream of which nothing has come for this long has ended.
    pub(super) stream_timeout: u32,
    /// What packets have to be early by when the delay is made shorter.
    pub(super) margin: u32,
    /// With less than this a slow sender's next packet may be late.
    pub(super) thin: u32,
    /// A fall of the packets' waits by this much is drift and not the network's unsteadiness.
    pub(super) drift: u32,
    /// The least by which silence is shortened, and …
    pub(super) step: u32,
    /// … speech.
    pub(super) speech_step: u32,
    /// An excess of more than this is not left for silence, and hurries.
    pub(super) hurry: u32,
    /// Any other is left for silence for so long, and …
    pub(super) grace: u32,
    /// … a shortage that comes slowly for so long.
    pub(super) long_grace: u32,
    /// Between two cuts in speech that don't hurry.
    pub(super) pace: u32,
    /// A late packet is not the only one if another was late within this time.
    pub(super) again: u32,
}

impl Limits {
    pub(super) fn new(clock: &Clock, max_depth: Duration) -> Limits {
        let units = |time| u32::try_from(clock.units(time)).unwrap_or(u32::MAX);
        let ms = |ms| units(Duration::from_millis(ms));
        Limits {
            tick: ms(20),
            first_depth: ms(20),
            max_depth: units(max_depth).max(ms(20)),
            stream_timeout: ms(500),
            margin: ms(5),
            thin: ms(2),
            drift: ms(3),
            step: ms(2),
            speech_step: ms(10),
            hurry: ms(40),
            grace: ms(200),
            long_grace: ms(1000),
            pace: ms(35),
            again: ms(1000),
        }
    }
}
