//! Quiet and loud talkers made equally loud.

use crate::{level::Level, speech::Steadiness};

/// The level of speech that all are brought to, in dBov.
const TARGET: f32 = -23.0;
/// The least and the greatest gain, in dB.
const LEAST: f32 = -15.0;
const GREATEST: f32 = 18.0;
/// Speech is this much above the noise that it comes with, in dB.
const ABOVE_NOISE: i8 = 9;
/// Frames of speech (500 ms) after which its level is believed: by then it has shown not to be a
/// tone.
const FIRST: u16 = 25;
/// Frames of speech (2 s) over which its level is averaged.
const AVERAGED: u16 = 100;
/// The gain is left alone until it is off by so many dB …
const SLACK: f32 = 2.0;
/// … and then goes on until it is off by no more than this.
const ARRIVED: f32 = 0.25;
/// How much the gain rises in a frame of speech, in dB: 6 dB a second.
const RISE: f32 = 0.12;
/// How much it falls: 20 dB a second.
const FALL: f32 = 0.4;

/// Automatic level control of one talker: a slow gain that brings speech to −23 dBov.
///
/// It is moved by speech only, not by noise, tones or steady music, and holds in pauses, so that
/// what is between words is never raised: no pumping. Between −15 and +18 dB, it rises by 6 dB in a second of speech and falls by 20, and it
/// rests while the talker's level stays within 2 dB.
#[derive(Clone, Copy, Debug)]
pub struct Leveler {
    /// The gain, in dB.
    gain: f32,
    /// The mean power of speech, as a part of full scale.
    power: f32,
    /// Frames of speech in it, at most [`AVERAGED`].
    frames: u16,
    moving: bool,
    steadiness: Steadiness,
}

impl Leveler {
    /// A talker that has said nothing yet.
    pub const fn new() -> Self {
        Self {
            gain: 0.0,
            power: 0.0,
            frames: 0,
            moving: false,
            steadiness: Steadiness::new(),
        }
    }

    /// Hears the next 20 ms at `level`, above noise of `noise`; returns the gain at their end in dB.
    ///
    /// `speaking`: what [`SpeechDetector::push`](crate::SpeechDetector::push) said of them.
    pub fn push(&mut self, level: Level, noise: Level, speaking: bool) -> f32 {
        let steady = self.steadiness.is_steady(level);
        if speaking && !steady && level.dbov() > noise.dbov().saturating_add(ABOVE_NOISE) {
            self.learn(level);
        }
        self.gain
    }

    /// The gain in dB.
    pub fn gain_db(&self) -> f32 {
        self.gain
    }

    fn learn(&mut self, level: Level) {
        let power = 10f32.powf(f32::from(level.dbov()) / 10.0);
        self.frames = (self.frames + 1).min(AVERAGED);
        self.power += (power - self.power) / f32::from(self.frames);
        if self.frames < FIRST {
            return;
        }
        let wanted = (TARGET - 10.0 * self.power.log10()).clamp(LEAST, GREATEST);
        let missing = wanted - self.gain;
        self.moving = missing.abs() > if self.moving { ARRIVED } else { SLACK };
        if self.moving {
            self.gain += missing.clamp(-FALL, RISE);
        }
    }
}

impl Default for Leveler {
    fn default() -> Self {
        Self::new()
    }
}
