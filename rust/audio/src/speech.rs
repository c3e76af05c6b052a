use crate::{frame::Frame, level::Level};

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
/// A prediction gain above this (a power ratio, 17 dB) shows a single tone.
const TONE_GAIN: f32 = 50.0;
/// A prediction gain below this (2 dB) shows noise without colour.
const NOISE_GAIN: f32 = 1.6;
/// Twice the cosine of the angle a tone of 150 Hz turns by in one sample: hum is below that.
const HUM_COEFFICIENT: f32 = 1.986_1;

/// Tells who is speaking: an adaptive noise floor with attack (40 ms) and hangover (300 ms).
///
/// Levels above −30 dBov always count and those below −44 dBov never do. In between the level is
/// compared with the noise floor, except that a steady tone above 150 Hz counts for as long as
/// it lasts and white noise never does.
#[derive(Clone, Debug)]
pub struct SpeechDetector {
    floor: i8,
    blocks: [i8; BLOCKS],
    block: usize,
    block_min: i8,
    block_frames: u8,
    loud_frames: u8,
    hangover: u8,
    speaking: bool,
}

impl SpeechDetector {
    /// A detector that has heard nothing yet.
    pub const fn new() -> Self {
        Self {
            floor: FLOOR_MIN,
            blocks: [FLOOR_MIN; BLOCKS],
            block: 0,
            block_min: 0,
            block_frames: 0,
            loud_frames: 0,
            hangover: 0,
            speaking: false,
        }
    }

    /// Hears the next frame, whose RMS level is `level`; returns whether somebody is speaking.
    ///
    /// A tick without a packet is a frame of silence.
    pub fn push(&mut self, frame: &Frame, level: Level) -> bool {
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

    fn is_loud(&mut self, frame: &Frame, level: i8) -> bool {
        if level <= FLOOR_MIN + MARGIN {
            self.learn(level);
            return false;
        }
        if level > FLOOR_MAX + MARGIN {
            self.learn(level);
            return true;
        }
        match Sound::of(frame) {
            Sound::Tone => true,
            Sound::Noise => {
                self.learn(level);
                false
            }
            Sound::Other => {
                self.learn(level);
                level > self.floor + MARGIN
            }
        }
    }

    /// Takes a frame that is not a tone into the noise floor.
    fn learn(&mut self, level: i8) {
        self.block_min = self.block_min.min(level);
        self.block_frames += 1;
        if self.block_frames == BLOCK_FRAMES {
            self.blocks[self.block] = self.block_min;
            self.block = (self.block + 1) % BLOCKS;
            self.block_min = 0;
            self.block_frames = 0;
        }
        let quietest = self.blocks.iter().copied().min().unwrap_or(FLOOR_MIN);
        self.floor = quietest.min(self.block_min).clamp(FLOOR_MIN, FLOOR_MAX);
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

/// The sum of products, as far as both sides go.
fn dot(left: &[i16], right: &[i16]) -> i64 {
    left.iter()
        .zip(right)
        .map(|(left, right)| i64::from(i32::from(*left) * i32::from(*right)))
        .sum()
}
