use crate::{
    frame::{FRAME_SAMPLES, Frame, SILENCE},
    level::Level,
};

/// How far above the noise speech has to be, in dB.
const MARGIN: i8 = 8;
/// The noise floor is never taken to be below this (dBov): under a silent line the faint noise
/// of a handset or of a comfort noise generator is not speech.
const FLOOR_MIN: i8 = -52;
/// Nor above this: whatever is louder than −30 dBov is heard, so it counts.
const FLOOR_MAX: i8 = -38;
/// Two loud frames in a row (40 ms) are speech; a single one is a click.
const ATTACK_FRAMES: u8 = 2;
/// Speech ends after this many frames (300 ms) below the threshold.
const HANGOVER_FRAMES: u8 = 15;
/// The floor is the quietest frame of the last five blocks of twenty frames (2 s): speech has
/// pauses within that time, noise has not.
const BLOCKS: usize = 5;
const BLOCK_FRAMES: u8 = 20;
/// What stays within so many dB …
const STEADY_RANGE: i8 = 6;
/// … for so many frames (400 ms) is noise: the syllables of speech rise and fall by more.
const STEADY_FRAMES: u8 = 20;
/// A prediction gain above this (a power ratio, 17 dB) shows a single tone.
const TONE_GAIN: f32 = 50.0;
/// A prediction gain below this (2 dB) shows noise without colour.
const NOISE_GAIN: f32 = 1.6;
/// Twice the cosine of the angle a tone of 150 Hz turns by in one sample: hum is below that.
const HUM_COEFFICIENT: f32 = 1.986_1;

/// Tells who is speaking: an adaptive noise floor with attack (40 ms) and hangover (300 ms).
///
/// Levels above −30 dBov always count and those below −44 dBov never do. In between the level is
/// compared with the noise floor, except that a steady tone above 150 Hz counts for as long as it
/// lasts, white noise never does, and other noise ceases to once it has been steady for 400 ms.
#[derive(Clone, Debug)]
pub struct SpeechDetector {
    noise: NoiseFloor,
    loud_frames: u8,
    hangover: u8,
    speaking: bool,
}

impl SpeechDetector {
    /// A detector that has heard nothing yet.
    pub const fn new() -> Self {
        Self {
            noise: NoiseFloor::new(),
            loud_frames: 0,
            hangover: 0,
            speaking: false,
        }
    }

    /// Hears the next frame, 20 ms at any [`Rate`](crate::Rate), whose RMS level is `level`;
    /// returns whether somebody is speaking.
    ///
    /// A tick without a packet is a frame of silence.
    pub fn push(&mut self, frame: &[i16], level: Level) -> bool {
        if self.is_loud(frame, level.dbov()) {
            self.loud_frames = self.loud_frames.saturating_add(1);
            if self.loud_frames >= ATTACK_FRAMES {
                self.speaking = true;
                self.hangover = HANGOVER_FRAMES;
            }
        } else {
            self.loud_frames = 0;
            self.hangover = self.hangover.saturating_sub(1);
            self.speaking = self.hangover > 0;
        }
        self.speaking
    }

    /// Whether somebody was speaking in the last frame.
    pub fn is_speaking(&self) -> bool {
        self.speaking
    }

    /// How loud the noise of the line is: what it has never been softer than in the last two
    /// seconds. Tones don't count.
    pub fn noise(&self) -> Level {
        Level::from_dbov(self.noise.floor)
    }

    fn is_loud(&mut self, frame: &[i16], level: i8) -> bool {
        if level <= FLOOR_MIN + MARGIN {
            self.noise.learn(level);
            return false;
        }
        if level > FLOOR_MAX + MARGIN {
            self.noise.learn(level);
            return true;
        }
        let sound = match <&Frame>::try_from(frame) {
            Ok(frame) => Sound::of(frame),
            Err(_) => Sound::of(&narrowed(frame)),
        };
        match sound {
            Sound::Tone => true,
            Sound::Noise => {
                self.noise.learn(level);
                false
            }
            Sound::Other => {
                self.noise.learn(level);
                level > self.noise.floor.clamp(FLOOR_MIN, FLOOR_MAX) + MARGIN
            }
        }
    }
}

/// What a line sounds like when nobody speaks.
#[derive(Clone, Debug)]
struct NoiseFloor {
    floor: i8,
    blocks: [i8; BLOCKS],
    block: u8,
    block_min: i8,
    block_frames: u8,
    steadiness: Steadiness,
}

impl NoiseFloor {
    const fn new() -> Self {
        Self {
            floor: FLOOR_MIN,
            blocks: [FLOOR_MIN; BLOCKS],
            block: 0,
            block_min: 0,
            block_frames: 0,
            steadiness: Steadiness::new(),
        }
    }

    /// Takes a frame that is not a tone into the noise floor.
    fn learn(&mut self, level: i8) {
        self.block_min = self.block_min.min(level);
        self.block_frames += 1;
        if self.block_frames == BLOCK_FRAMES {
            self.blocks[usize::from(self.block)] = self.block_min;
            self.block = (self.block + 1) % BLOCKS as u8;
            self.block_min = 0;
            self.block_frames = 0;
        }
        if self.steadiness.push(level) == STEADY_FRAMES {
            // As if it had always been so.
            self.blocks = [self.steadiness.low; BLOCKS];
            self.block_min = self.steadiness.low;
        }
        let quietest = self.blocks.iter().copied().min().unwrap_or(FLOOR_MIN);
        self.floor = quietest.min(self.block_min);
    }
}

/// For how long a level has hardly moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steadiness {
    low: i8,
    high: i8,
    frames: u8,
}

impl Steadiness {
    pub(crate) const fn new() -> Self {
        Self {
            low: 0,
            high: 0,
            frames: 0,
        }
    }

    /// Takes the next frame's level; returns for how many frames, this one too, all were alike.
    fn push(&mut self, level: i8) -> u8 {
        let (low, high) = (self.low.min(level), self.high.max(level));
        if self.frames == 0 || high - low > STEADY_RANGE {
            *self = Self {
                low: level,
                high: level,
                frames: 1,
            };
        } else {
            (self.low, self.high) = (low, high);
            self.frames = self.frames.saturating_add(1);
        }
        self.frames
    }

    /// Takes the next frame's level; returns whether it goes on as nobody speaks.
    pub(crate) fn is_steady(&mut self, level: Level) -> bool {
        self.push(level.dbov()) >= STEADY_FRAMES
    }
}

impl Default for SpeechDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// What two coefficients of linear prediction tell of a frame.
enum Sound {
    /// One sine above the frequencies of hum: each sample follows from the two before it.
    Tone,
    /// Samples that say nothing about each other.
    Noise,
    /// Anything else, speech among it.
    Other,
}

impl Sound {
    fn of(frame: &Frame) -> Self {
        // Least squares for x[n] ≈ a·x[n−1] + b·x[n−2] over the whole frame, without a window,
        // so that a pure sine leaves no error at its edges.
        let [first, second, .., before_last, last] = *frame;
        let [first, second, before_last, last] = [first, second, before_last, last].map(i64::from);
        let squares = dot(frame, frame);
        let neighbours = dot(&frame[1..], frame);
        let c00 = (squares - first * first - second * second) as f64;
        let c11 = (squares - first * first - last * last) as f64;
        let c22 = (squares - before_last * before_last - last * last) as f64;
        let c01 = (neighbours - first * second) as f64;
        let c12 = (neighbours - before_last * last) as f64;
        let c02 = dot(&frame[2..], frame) as f64;
        let determinant = c11 * c22 - c12 * c12;
        if determinant <= f64::EPSILON * c11 * c22 {
            return Self::Other;
        }
        let a = (c01 * c22 - c02 * c12) / determinant;
        let b = (c02 * c11 - c01 * c12) / determinant;
        let error = (c00 - a * c01 - b * c02).max(1.0);
        let gain = (c00 / error) as f32;
        if gain < NOISE_GAIN {
            Self::Noise
        } else if gain > TONE_GAIN && (a as f32) < HUM_COEFFICIENT {
            Self::Tone
        } else {
            Self::Other
        }
    }
}

/// A frame of a higher rate at 8 kHz, each sample the mean of those in its place: what folds back
/// that way changes nothing in what is a tone and what is noise.
fn narrowed(frame: &[i16]) -> Frame {
    let mut narrow = SILENCE;
    let factor = (frame.len() / FRAME_SAMPLES).max(1);
    for (narrow, samples) in narrow.iter_mut().zip(frame.chunks_exact(factor)) {
        let sum: i32 = samples.iter().map(|sample| i32::from(*sample)).sum();
        *narrow = (sum / factor as i32) as i16;
    }
    narrow
}

/// The sum of products, as far as both sides go.
fn dot(left: &[i16], right: &[i16]) -> i64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| i64::from(i32::from(*left) * i32::from(*right)))
        .sum()
}
