//! Noise that nobody needs to hear.

use crate::level::Level;

/// Nothing softer than this opens a gate (dBov).
const LEAST: i8 = -60;
/// What is louder than this always does.
const MOST: i8 = -42;
/// Above the noise, in dB: more than noise itself varies, and less than the softest beginning of
/// a word stands out.
const MARGIN: i8 = 7;
/// Frames (200 ms) for which a gate stays open: the fading end of a word passes.
const HANGOVER: u8 = 10;

/// Keeps the noise of a line out of a room.
///
/// It opens with the first frame that is 7 dB above the noise of its line and lets that frame pass
/// whole, so that no word loses its beginning; it shuts 200 ms after the last. Nothing below
/// −60 dBov opens it, anything above −42 dBov does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate {
    left: u8,
}

impl Gate {
    /// A gate that is shut.
    pub const fn new() -> Self {
        Self { left: 0 }
    }

    /// Hears the next 20 ms at `level`, above noise of `noise`; returns whether they may pass.
    pub fn push(&mut self, level: Level, noise: Level) -> bool {
        let threshold = noise.dbov().saturating_add(MARGIN).clamp(LEAST, MOST);
        self.left = match level.dbov() >= threshold {
            true => HANGOVER,
            false => self.left.saturating_sub(1),
        };
        self.is_open()
    }

    /// Whether the last frame is the last that may pass, unless a loud one follows.
    pub fn is_closing(&self) -> bool {
        self.left == 1
    }

    /// Whether the last frame may pass.
    pub fn is_open(&self) -> bool {
        self.left > 0
    }
}
