//! Loud sums without clipping.

/// The frame is divided into this many parts (2.5 ms), each of which gets the gain that it needs.
const PARTS: usize = 8;
/// The loudest that comes out.
const CEILING: f32 = 32_767.0;
/// Parts for which the gain stays where it is after it was needed last: 25 ms, longer than a
/// period of the lowest voice, so that the gain does not follow the wave.
const HOLD: u8 = 10;
/// A part that needs nearly the present gain keeps it from rising.
const NEARLY: f32 = 1.02;
/// Of what is missing to unity, the gain rises by so much in each part: a time constant of 200 ms.
const RELEASE: f32 = 1.0 / 80.0;
/// A gain this close to unity (0.01 dB) becomes unity.
const RESTED: f32 = 0.999;

/// Makes a sum fit into 16 bits by turning it down for as long as it is too loud, instead of
/// cutting off its peaks.
///
/// A sum that fits passes to the last bit. One that doesn't gets a gain that is a continuous line,
/// also from frame to frame, which is down before the peak comes and rises slowly after the last.
/// Only where a frame begins with a peak, which nothing has announced, its first 2.5 ms can be
/// clipped: the limiter adds no delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limiter {
    gain: f32,
    hold: u8,
}

impl Limiter {
    /// A limiter that has limited nothing.
    pub const fn new() -> Self {
        Self { gain: 1.0, hold: 0 }
    }

    /// Whether a sum that fits would pass as it is.
    pub fn is_at_rest(&self) -> bool {
        self.gain >= 1.0
    }

    /// The factor at the end of the last frame, above 0 and up to 1.
    pub fn gain(&self) -> f32 {
        self.gain
    }

    /// Writes the 20 ms of `sum` to `heard`, as far as both go.
    pub fn limit(&mut self, sum: &[i32], heard: &mut [i16]) {
        if self.is_at_rest() && fits(sum) {
            for (heard, sum) in heard.iter_mut().zip(sum) {
                *heard = *sum as i16;
            }
            return;
        }
        let part = sum.len().div_ceil(PARTS).max(1);
        let mut needed = [1.0; PARTS + 1];
        for (needed, sums) in needed.iter_mut().zip(sum.chunks(part)) {
            let peak = sums.iter().map(|sum| sum.unsigned_abs()).max();
            *needed = (CEILING / (peak.unwrap_or(0) as f32)).min(1.0);
        }
        let parts = sum.chunks(part).zip(heard.chunks_mut(part));
        for ((sums, heard), pair) in parts.zip(needed.windows(2)) {
            let end = self.next(pair[0].min(pair[1]));
            let step = (end - self.gain) / sums.len() as f32;
            let mut gain = self.gain;
            for (heard, sum) in heard.iter_mut().zip(sums) {
                gain += step;
                *heard = (*sum as f32 * gain).round_ties_even() as i16;
            }
            self.gain = end;
        }
    }

    /// The gain at the end of a part of which this much is the most.
    fn next(&mut self, most: f32) -> f32 {
        if most < 1.0 && most <= self.gain * NEARLY {
            self.hold = HOLD;
            return most.min(self.gain);
        }
        if self.hold > 0 {
            self.hold -= 1;
            return self.gain;
        }
        let risen = self.gain + (1.0 - self.gain) * RELEASE;
        most.min(if risen > RESTED { 1.0 } else { risen })
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether each sample of the sum is one of 16 bits.
fn fits(sum: &[i32]) -> bool {
    // Without a way out, so that it is done many samples at a time.
    let beyond = |sum: i32| (sum.wrapping_add(1 << 15) as u32) >> 16;
    sum.iter().fold(0, |beyonds, sum| beyonds | beyond(*sum)) == 0
}
