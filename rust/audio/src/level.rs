/// Loudness in whole dBov: 0 is the overload point (a full-scale square wave), −127 is silence.
///
/// A full-scale sine is −3 dBov. The negated value is what RFC 6464 and RFC 6465 carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(i8);

/// The square of a full-scale sample.
const OVERLOAD_POWER: f32 = (1u32 << 30) as f32;

impl Level {
    /// The overload point.
    pub const OVERLOAD: Self = Self(0);
    /// Nothing audible, digital silence included.
    pub const SILENCE: Self = Self(-127);

    /// A level of `dbov`, limited to −127 to 0.
    pub const fn from_dbov(dbov: i8) -> Self {
        Self(match dbov {
            1.. => 0,
            -128 => -127,
            _ => dbov,
        })
    }

    /// The level, −127 to 0.
    pub const fn dbov(self) -> i8 {
        self.0
    }

    /// The root mean square of `samples`; silence if there are none.
    pub fn rms(samples: &[i16]) -> Self {
        if samples.is_empty() {
            return Self::SILENCE;
        }
        // Two squares fit into 32 bits; a vector register holds twice as many of those as of 64.
        let square = |sample: i16| (i32::from(sample) * i32::from(sample)) as u32;
        let pairs = samples.chunks_exact(2);
        let rest: u64 = pairs
            .remainder()
            .iter()
            .map(|sample| u64::from(square(*sample)))
            .sum();
        let energy: u64 = rest
            + pairs
                .map(|pair| u64::from(square(pair[0]) + square(pair[1])))
                .sum::<u64>();
        Self::from_power(energy as f32 / samples.len() as f32)
    }

    /// The loudest of `samples`; silence if there are none.
    pub fn peak(samples: &[i16]) -> Self {
        let peak = samples.iter().map(|sample| sample.unsigned_abs()).max();
        Self::from_power(f32::from(peak.unwrap_or(0)).powi(2))
    }

    /// The root-mean-square sample value at this level, 0 to 32768.
    pub fn amplitude(self) -> f32 {
        32_768.0 * 10f32.powf(f32::from(self.0) / 20.0)
    }

    fn from_power(power: f32) -> Self {
        let dbov = 10.0 * (power / OVERLOAD_POWER).log10();
        // The logarithm of zero is −∞, which clamps to silence.
        Self(dbov.round().clamp(-127.0, 0.0) as i8)
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::SILENCE
    }
}

/// A level for the eye: rises at once, falls by one dB a frame (50 dB a second).
///
/// However seldom it is read, the last loud moment still shows in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LevelMeter(Level);

impl LevelMeter {
    /// A meter that shows silence.
    pub const fn new() -> Self {
        Self(Level::SILENCE)
    }

    /// Shows the level of the next frame; returns what the meter then shows.
    pub fn push(&mut self, level: Level) -> Level {
        self.0 = level.max(Level((self.0.0 - 1).max(-127)));
        self.0
    }

    /// What the meter shows.
    pub fn level(&self) -> Level {
        self.0
    }
}
