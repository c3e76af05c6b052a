//! Tones and chimes: call progress, beeps and the short sounds of a conference.
//!
//! A [`Pattern`] says what sounds, a [`Tone`] plays it. The shipped ones are in [`PATTERNS`].

mod countries;

pub use countries::{COUNTRIES, Country, of};

use std::borrow::Cow;
use std::f64::consts::{FRAC_PI_2, SQRT_2, TAU};

use crate::level::Level;

/// How long a part takes to rise from silence, and to fall back, in milliseconds. Anything
/// faster is heard as a click.
const RAMP_MS: u32 = 5;

/// How far a struck note has decayed at its end.
const DECAY_DB: f64 = 36.0;

/// One stretch of a pattern: up to two sines, or a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    sines: [Partial; 2],
    ms: u32,
    struck: bool,
}

/// A sine of `hz` (0: none) whose root mean square is `level`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Partial {
    hz: f32,
    level: Level,
}

impl Partial {
    const NONE: Self = Self {
        hz: 0.0,
        level: Level::SILENCE,
    };

    const fn new(hz: f32, dbov: i8) -> Self {
        Self {
            hz,
            level: Level::from_dbov(dbov),
        }
    }
}

impl Part {
    /// A sine of `hz` at `dbov` (RMS) for `ms` milliseconds.
    pub const fn sine(hz: f32, dbov: i8, ms: u32) -> Self {
        Self {
            sines: [Partial::new(hz, dbov), Partial::NONE],
            ms,
            struck: false,
        }
    }

    /// Two sines together, each at `dbov` (RMS), for `ms` milliseconds.
    pub const fn dual(low_hz: f32, high_hz: f32, dbov: i8, ms: u32) -> Self {
        let sines = [Partial::new(low_hz, dbov), Partial::new(high_hz, dbov)];
        Self {
            sines,
            ms,
            struck: false,
        }
    }

    /// A note like that of a chime: struck at `dbov` and dying away over `ms` milliseconds.
    pub const fn note(hz: f32, dbov: i8, ms: u32) -> Self {
        let sines = [
            Partial::new(hz, dbov),
            Partial::new(2.0 * hz, dbov.saturating_sub(14)),
        ];
        Self {
            sines,
            ms,
            struck: true,
        }
    }

    /// Nothing for `ms` milliseconds.
    pub const fn pause(ms: u32) -> Self {
        Self {
            sines: [Partial::NONE; 2],
            ms,
            struck: false,
        }
    }

    /// Whether `next` goes on with the same sound, so that no ramp belongs between them.
    fn flows_into(&self, next: &Self) -> bool {
        self.sines == next.sines && !self.struck && !next.struck
    }
}

/// What sounds: parts one after the other, once or over and over.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    parts: Cow<'static, [Part]>,
    repeats: bool,
}

impl Pattern {
    /// The parts once.
    pub const fn once(parts: &'static [Part]) -> Self {
        Self {
            parts: Cow::Borrowed(parts),
            repeats: false,
        }
    }

    /// The parts over and over.
    pub const fn forever(parts: &'static [Part]) -> Self {
        Self {
            parts: Cow::Borrowed(parts),
            repeats: true,
        }
    }

    /// The parts once, made while running.
    pub fn from_parts(parts: Vec<Part>) -> Self {
        Self {
            parts: Cow::Owned(parts),
            repeats: false,
        }
    }

    /// Whether it has no end.
    pub fn repeats(&self) -> bool {
        self.repeats
    }

    /// Length of one turn in milliseconds.
    pub fn ms(&self) -> u32 {
        self.parts
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.ms))
    }

    /// One turn as samples at `rate` Hz, for a prompt that is prepared once and shared. Of a sound
    /// that goes on and on it is a turn in the middle, so that turns join without a seam.
    pub fn render(&self, rate: u32) -> Vec<i16> {
        let length = u64::from(self.ms()) * u64::from(rate) / 1_000;
        let mut samples = vec![0; length as usize];
        let mut tone = Tone::new(self.clone(), rate);
        let (first, last) = (self.parts.first(), self.parts.last());
        if let (true, Some(first), Some(last)) = (self.repeats, first, last)
            && last.flows_into(first)
        {
            tone.fill(&mut samples);
        }
        tone.fill(&mut samples);
        samples
    }
}

/// Every shipped pattern with its name.
pub static PATTERNS: &[(&str, Pattern)] = &[
    ("dial", DIAL),
    ("ringback", RINGBACK),
    ("busy", BUSY),
    ("congestion", CONGESTION),
    ("beep", BEEP),
    ("join", JOIN),
    ("leave", LEAVE),
    ("mute", MUTE),
    ("unmute", UNMUTE),
    ("hand-up", HAND_UP),
    ("hand-down", HAND_DOWN),
];

/// Finds a shipped pattern.
pub fn by_name(name: &str) -> Option<&'static Pattern> {
    PATTERNS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, pattern)| pattern)
}

/// Dial tone, as in most of Europe (ITU-T E.180 supplement 2).
pub const DIAL: Pattern = Pattern::forever(&[Part::sine(425.0, -22, 1_000)]);
/// The far end rings.
pub const RINGBACK: Pattern =
    Pattern::forever(&[Part::sine(425.0, -22, 1_000), Part::pause(4_000)]);
/// The far end is busy.
pub const BUSY: Pattern = Pattern::forever(&[Part::sine(425.0, -22, 480), Part::pause(480)]);
/// The network cannot take the call.
pub const CONGESTION: Pattern = Pattern::forever(&[Part::sine(425.0, -22, 240), Part::pause(240)]);
/// Speak now.
pub const BEEP: Pattern = Pattern::once(&[Part::sine(1_000.0, -20, 400)]);

// The conference's sounds differ in the number, the height and the length of their notes: two
// long ones in the middle for coming and going, two short low ones for the microphone, three
// quick high ones for the hand. Rising is on, falling is off.

/// Somebody came.
pub const JOIN: Pattern =
    Pattern::once(&[Part::note(523.25, -21, 140), Part::note(783.99, -21, 260)]);
/// Somebody left.
pub const LEAVE: Pattern =
    Pattern::once(&[Part::note(783.99, -21, 140), Part::note(523.25, -21, 260)]);
/// The microphone is off.
pub const MUTE: Pattern =
    Pattern::once(&[Part::note(392.0, -20, 70), Part::note(293.66, -20, 110)]);
/// The microphone is on.
pub const UNMUTE: Pattern =
    Pattern::once(&[Part::note(293.66, -20, 70), Part::note(392.0, -20, 110)]);
/// A hand went up.
pub const HAND_UP: Pattern = Pattern::once(&[
    Part::note(880.0, -22, 80),
    Part::note(1_108.73, -22, 80),
    Part::note(1_318.51, -22, 200),
]);
/// A hand went down.
pub const HAND_DOWN: Pattern = Pattern::once(&[
    Part::note(1_318.51, -22, 80),
    Part::note(1_108.73, -22, 80),
    Part::note(880.0, -22, 200),
]);

/// Plays a [`Pattern`].
#[derive(Clone, Debug)]
pub struct Tone {
    pattern: Pattern,
    rate: u32,
    part: usize,
    position: u32,
    length: u32,
    rises: bool,
    falls: bool,
    oscillators: [Oscillator; 2],
    fading: f64,
    decay: f64,
    ended: bool,
}

impl Tone {
    /// Starts `pattern` at `rate` samples a second.
    pub fn new(pattern: Pattern, rate: u32) -> Self {
        let empty = pattern.ms() == 0 || rate == 0;
        let mut tone = Self {
            pattern,
            rate,
            part: 0,
            position: 0,
            length: 0,
            rises: true,
            falls: true,
            oscillators: [Oscillator::START; 2],
            fading: 1.0,
            decay: 1.0,
            ended: empty,
        };
        if !tone.ended {
            tone.enter(0, true);
        }
        tone
    }

    /// Plays on into `samples`. Returns how many were played: fewer than asked for once the
    /// pattern has ended, with silence behind them.
    pub fn fill(&mut self, samples: &mut [i16]) -> usize {
        let mut played = 0;
        for sample in samples.iter_mut() {
            while !self.ended && self.position == self.length {
                self.next_part();
            }
            *sample = if self.ended {
                0
            } else {
                played += 1;
                self.next_sample()
            };
        }
        played
    }

    /// Whether the pattern has been played to its end.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn next_sample(&mut self) -> i16 {
        let mut value = 0.0;
        for oscillator in &mut self.oscillators {
            value += oscillator.next();
        }
        value *= self.fading;
        self.fading *= self.decay;
        let ramp = self.rate * RAMP_MS / 1_000;
        if self.rises && self.position < ramp {
            value *= rise(self.position, ramp);
        }
        let left = self.length - self.position;
        if self.falls && left < ramp {
            value *= rise(left, ramp);
        }
        self.position += 1;
        value.round() as i16 // saturates
    }

    fn next_part(&mut self) {
        let next = self.part + 1;
        if next < self.pattern.parts.len() {
            self.enter(next, self.falls);
        } else if self.pattern.repeats {
            self.enter(0, self.falls);
        } else {
            self.ended = true;
        }
    }

    fn enter(&mut self, index: usize, rises: bool) {
        let parts = &self.pattern.parts;
        let part = parts[index];
        let next = match parts.get(index + 1) {
            None if self.pattern.repeats => parts.first(),
            next => next,
        };
        self.rises = rises;
        self.falls = !next.is_some_and(|next| part.flows_into(next));
        self.part = index;
        self.position = 0;
        self.length = (u64::from(part.ms) * u64::from(self.rate) / 1_000) as u32;
        for (oscillator, sine) in self.oscillators.iter_mut().zip(part.sines) {
            oscillator.tune(sine, self.rate);
        }
        self.fading = 1.0;
        self.decay = match part.struck {
            true => 10f64.powf(-DECAY_DB / 20.0 / f64::from(self.length.max(1))),
            false => 1.0,
        };
    }
}

/// A quarter of a sine from 0 to 1: as soft at its top as a ramp can be.
fn rise(position: u32, length: u32) -> f64 {
    (f64::from(position) / f64::from(length) * FRAC_PI_2).sin()
}

/// A point that turns around the origin: a sine for two multiplications a sample, whose phase
/// runs on when it is tuned to another frequency.
#[derive(Clone, Copy, Debug)]
struct Oscillator {
    sine: f64,
    cosine: f64,
    step_sine: f64,
    step_cosine: f64,
    amplitude: f64,
}

impl Oscillator {
    const START: Self = Self {
        sine: 0.0,
        cosine: 1.0,
        step_sine: 0.0,
        step_cosine: 1.0,
        amplitude: 0.0,
    };

    fn tune(&mut self, partial: Partial, rate: u32) {
        let audible = partial.hz > 0.0 && partial.hz < rate as f32 / 2.0;
        let angle = if audible {
            TAU * f64::from(partial.hz) / f64::from(rate)
        } else {
            0.0
        };
        (self.step_sine, self.step_cosine) = angle.sin_cos();
        self.amplitude = if audible {
            f64::from(partial.level.amplitude()) * SQRT_2
        } else {
            0.0
        };
        // Rounding has moved the point off its circle a little; put it back.
        let radius = self.sine.hypot(self.cosine);
        self.sine /= radius;
        self.cosine /= radius;
    }

    fn next(&mut self) -> f64 {
        let value = self.sine * self.amplitude;
        let sine = self.sine * self.step_cosine + self.cosine * self.step_sine;
        self.cosine = self.cosine * self.step_cosine - self.sine * self.step_sine;
        self.sine = sine;
        value
    }
}
