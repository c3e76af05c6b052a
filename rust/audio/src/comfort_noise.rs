//! Comfort noise (RFC 3389): what a pause sounds like, in a few bytes.
//!
//! A payload says how loud the noise is and, by reflection coefficients, of what colour. Who sends
//! nothing while nobody speaks sends one at the beginning of a pause, and another when the noise
//! has changed.

use crate::level::Level;

/// Reflection coefficients that are listened to; of more the first count.
const MAX_ORDER: usize = 12;
/// Coefficients that we send: more tell little of noise at 8 kHz.
const ORDER: usize = 8;
/// The quantization of RFC 3389 §3.2: k = 258·(N − 127)/32768.
const QUANTUM: f32 = 258.0 / 32_768.0;
/// The index of a coefficient of 0.
const MIDDLE: i32 = 127;
/// The last index; 255 is reserved.
const LAST: i32 = 254;
/// By how much the noise's loudness moves towards what was last told, a sample: 20 ms at 8 kHz.
const GLIDE: f32 = 1.0 / 160.0;
/// Uniform noise over ±1 has a root mean square of 1/√3.
const SPREAD: f32 = 1.732_050_8;
/// Samples that are looked at together, at most.
const WINDOW: usize = 320;
/// Weight of a frame in the picture that a [`NoiseMeter`] has of the noise.
const NEWS: f32 = 0.2;

/// The longest payload that is made, in bytes.
pub const MAX_DESCRIPTION: usize = 1 + ORDER;

/// A noise as a payload describes it (RFC 3389 §3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseDescription {
    level: Level,
    order: usize,
    reflection: [f32; MAX_ORDER],
}

impl NoiseDescription {
    /// Reads a payload; `None` for an empty one. Spectral information is optional: without it the
    /// noise is white.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let (level, spectrum) = payload.split_first()?;
        // The first bit is unused.
        let level = Level::from_dbov(-((level & 0x7f) as i8));
        let mut reflection = [0.0; MAX_ORDER];
        for (coefficient, index) in reflection.iter_mut().zip(spectrum) {
            *coefficient = QUANTUM * (i32::from(*index).min(LAST) - MIDDLE) as f32;
        }
        Some(Self {
            level,
            order: spectrum.len().min(MAX_ORDER),
            reflection,
        })
    }

    /// Writes the payload; returns its length, which is at most [`MAX_DESCRIPTION`].
    pub fn write(&self, payload: &mut [u8; MAX_DESCRIPTION]) -> usize {
        payload[0] = self.level.dbov().unsigned_abs().min(127);
        let order = self.order.min(ORDER);
        for (index, coefficient) in payload[1..=order].iter_mut().zip(&self.reflection) {
            let nearest = (coefficient / QUANTUM).round() as i32 + MIDDLE;
            *index = nearest.clamp(0, LAST) as u8;
        }
        1 + order
    }

    /// How loud it is.
    pub fn level(&self) -> Level {
        self.level
    }
}

/// Makes noise as it was described.
#[derive(Clone, Debug)]
pub struct ComfortNoise {
    order: usize,
    reflection: [f32; MAX_ORDER],
    /// What the lattice remembers of the sample before.
    memory: [f32; MAX_ORDER],
    gain: f32,
    target: f32,
    random: u32,
}

impl ComfortNoise {
    /// Silence, until something is described. The same `seed` gives the same noise.
    pub const fn new(seed: u32) -> Self {
        Self {
            order: 0,
            reflection: [0.0; MAX_ORDER],
            memory: [0.0; MAX_ORDER],
            gain: 0.0,
            target: 0.0,
            random: seed,
        }
    }

    /// The noise is to sound like this from now on; it gets there within some 20 ms.
    pub fn describe(&mut self, noise: &NoiseDescription) {
        self.order = noise.order;
        self.reflection = noise.reflection;
        let rms = match noise.level {
            Level::SILENCE => 0.0,
            level => level.amplitude(),
        };
        // The filter makes white noise of power p one of p / Π(1 − k²).
        let loss: f32 = self.coefficients().map(|k| 1.0 - k * k).product();
        self.target = rms * loss.sqrt() * SPREAD;
    }

    /// Begins anew from silence, so that a pause after speech is faded into.
    pub fn begin(&mut self) {
        self.gain = 0.0;
        self.memory = [0.0; MAX_ORDER];
    }

    /// The next samples of the noise.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            self.gain += (self.target - self.gain) * GLIDE;
            let mut forward = self.gain * self.uniform();
            for stage in (0..self.order).rev() {
                let k = self.reflection[stage];
                forward -= k * self.memory[stage];
                let backward = self.memory[stage] + k * forward;
                if let Some(next) = self.memory.get_mut(stage + 1) {
                    *next = backward;
                }
            }
            self.memory[0] = forward;
            *sample = forward.clamp(-32_768.0, 32_767.0) as i16;
        }
    }

    fn coefficients(&self) -> impl Iterator<Item = f32> + '_ {
        self.reflection[..self.order].iter().copied()
    }

    /// Uniform within ±1.
    fn uniform(&mut self) -> f32 {
        self.random = self
            .random
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.random as i32 >> 8) as f32 / 8_388_608.0
    }
}

/// Listens to pauses, and describes the noise in them.
#[derive(Clone, Debug)]
pub struct NoiseMeter {
    /// Autocorrelation, averaged over the last frames of noise.
    correlation: [f32; ORDER + 1],
    frames: u32,
}

impl NoiseMeter {
    /// A meter that has heard nothing.
    pub const fn new() -> Self {
        Self {
            correlation: [0.0; ORDER + 1],
            frames: 0,
        }
    }

    /// Forgets what it has heard: another pause begins.
    pub fn restart(&mut self) {
        *self = Self::new();
    }

    /// Hears a frame of noise, 20 ms at 16 kHz at most; what is longer is heard in pieces.
    pub fn push(&mut self, frame: &[i16]) {
        for piece in frame.chunks(WINDOW) {
            self.hear(piece);
        }
    }

    fn hear(&mut self, piece: &[i16]) {
        self.frames = self.frames.saturating_add(1);
        // The first frames count alike, then the older ones fade.
        let news = NEWS.max(1.0 / self.frames as f32);
        // A parabola, so that the edges don't sound.
        let mut windowed = [0.0; WINDOW];
        let windowed = &mut windowed[..piece.len()];
        let (center, mut weights) = ((piece.len() as f32 - 1.0) / 2.0, 0.0);
        for (index, (to, sample)) in windowed.iter_mut().zip(piece).enumerate() {
            let offset = (index as f32 - center) / (center + 1.0);
            let weight = 1.0 - offset * offset;
            *to = f32::from(*sample) * weight;
            weights += weight * weight;
        }
        for (lag, correlation) in self.correlation.iter_mut().enumerate() {
            let later = windowed.get(lag..).unwrap_or_default();
            let products = windowed.iter().zip(later);
            let mean = products.map(|(one, other)| one * other).sum::<f32>() / weights;
            *correlation += (mean - *correlation) * news;
        }
    }

    /// What the noise sounds like.
    pub fn description(&self) -> NoiseDescription {
        let power = self.correlation[0];
        let dbov = 10.0 * (power / (32_768.0 * 32_768.0)).log10();
        let level = match power > 0.0 {
            true => Level::from_dbov(dbov.round().clamp(-127.0, 0.0) as i8),
            false => Level::SILENCE,
        };
        let mut reflection = [0.0; MAX_ORDER];
        reflect(&self.correlation, &mut reflection[..ORDER]);
        let mut order = ORDER;
        while order > 0 && reflection[order - 1].abs() < QUANTUM {
            order -= 1;
        }
        NoiseDescription {
            level,
            order,
            reflection,
        }
    }
}

impl Default for NoiseMeter {
    fn default() -> Self {
        Self::new()
    }
}

/// Reflection coefficients by the recursion of Levinson and Durbin; the sign is that of a filter
/// 1 + k₁z⁻¹, so that noise with the deep prevailing has k₁ < 0.
fn reflect(correlation: &[f32; ORDER + 1], reflection: &mut [f32]) {
    let mut error = correlation[0] * 1.000_1;
    let mut filter = [0.0f32; ORDER];
    for order in 0..reflection.len().min(ORDER) {
        if error <= 0.0 {
            return;
        }
        let mut sum = correlation[order + 1];
        for (index, coefficient) in filter[..order].iter().enumerate() {
            sum += coefficient * correlation[order - index];
        }
        let k = (-sum / error).clamp(-0.98, 0.98);
        let before = filter;
        for index in 0..order {
            filter[index] = before[index] + k * before[order - 1 - index];
        }
        filter[order] = k;
        reflection[order] = k;
        error *= 1.0 - k * k;
    }
}
