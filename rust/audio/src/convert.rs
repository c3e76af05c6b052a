use std::f64::consts::PI;
use std::sync::LazyLock;

use crate::frame::Rate;
use crate::resample::bessel_i0;

/// Samples of the lower rate under the filter: a delay of 16, 2 ms at 8 kHz and 1 ms at 16 kHz.
const TAPS: usize = 32;
/// How much higher the higher rate is, at most.
const MOST: usize = 6;
/// Samples that a converter remembers, at most.
const MEMORY: usize = TAPS * MOST;
/// The filter is 6 dB down at this share of the lower rate: the band of a telephone, or of G.722,
/// passes, and what folds back comes from next to its end.
const CUTOFF: f64 = 0.48;
/// Kaiser's β for a stop band of 65 dB.
const BETA: f64 = 6.2;
/// Coefficients are fractions of this many bits; the sum of a filter's, without their signs, stays
/// below 2, so that no sum of products leaves 32 bits.
const BITS: u32 = 14;

/// Carries one stream from one [`Rate`] to another, frame by frame: a polyphase filter with linear
/// phase and 65 dB of stop band.
///
/// It delays by 2 ms between 8 kHz and another rate, by 1 ms between 16 and 48 kHz, and does not
/// allocate once it is made.
#[derive(Clone, Debug)]
pub struct Converter {
    from: Rate,
    to: Rate,
    filter: &'static Filter,
    /// The end of the last frame.
    memory: [i16; MEMORY],
}

impl Converter {
    /// A converter that has heard silence. The first of all computes the filters.
    pub fn new(from: Rate, to: Rate) -> Self {
        Self {
            from,
            to,
            filter: &FILTERS[index(from, to)],
            memory: [0; MEMORY],
        }
    }

    /// The rate of what it is given.
    pub fn from(&self) -> Rate {
        self.from
    }

    /// The rate of what it makes.
    pub fn to(&self) -> Rate {
        self.to
    }

    /// Goes over to other rates, as if silence had been heard.
    pub fn restart(&mut self, from: Rate, to: Rate) {
        *self = Self::new(from, to);
    }

    /// Forgets what it has heard.
    pub fn reset(&mut self) {
        self.memory.fill(0);
    }

    /// Takes note of the 20 ms of `input` that need not be converted.
    pub fn hear(&mut self, input: &[i16]) {
        let input = &input[..input.len().min(self.from.frame())];
        match input.last_chunk() {
            Some(end) => self.memory = *end,
            None => {
                self.memory.copy_within(input.len().., 0);
                self.memory[MEMORY - input.len()..].copy_from_slice(input);
            }
        }
    }

    /// Converts the 20 ms of `input` to the 20 ms of `output`. Of lengths that are not those of
    /// the rates as much is done as both sides hold.
    pub fn convert(&mut self, input: &[i16], output: &mut [i16]) {
        let input = &input[..input.len().min(self.from.frame())];
        let mut sound = [0; MEMORY + Rate::LONGEST_FRAME];
        sound[..MEMORY].copy_from_slice(&self.memory);
        sound[MEMORY..MEMORY + input.len()].copy_from_slice(input);
        let sound = &sound[..MEMORY + input.len()];
        self.hear(input);
        match self.filter {
            Filter::None => {
                let count = input.len().min(output.len());
                output[..count].copy_from_slice(&input[..count]);
            }
            Filter::Up(phases) => {
                // The window of the first output ends with the first sample of the input.
                let windows = sound[MEMORY - TAPS + 1..].windows(TAPS);
                for (window, outputs) in windows.zip(output.chunks_mut(phases.len())) {
                    let Some(window) = window.first_chunk::<TAPS>() else {
                        continue;
                    };
                    for (output, phase) in outputs.iter_mut().zip(phases) {
                        *output = rounded(dot(window, phase));
                    }
                }
            }
            Filter::Down(taps) => {
                let (factor, length) = (taps.len(), taps.len() * TAPS);
                let starts = (MEMORY + factor - length..).step_by(factor);
                for (output, start) in output.iter_mut().zip(starts) {
                    let Some(window) = sound.get(start..start + length) else {
                        break;
                    };
                    let (pieces, _) = window.as_chunks::<TAPS>();
                    let sums = pieces
                        .iter()
                        .zip(taps)
                        .map(|(piece, taps)| dot(piece, taps));
                    *output = rounded(sums.sum());
                }
            }
        }
    }
}

/// The coefficients, in the order of the samples that they meet.
#[derive(Debug)]
enum Filter {
    /// The rates are the same.
    None,
    /// One phase for each output sample of an input sample.
    Up(Vec<[i16; TAPS]>),
    /// One filter, in pieces.
    Down(Vec<[i16; TAPS]>),
}

static FILTERS: LazyLock<Vec<Filter>> = LazyLock::new(|| {
    let pairs = Rate::ALL.map(|from| Rate::ALL.map(|to| Filter::new(from, to)));
    pairs.into_iter().flatten().collect()
});

fn index(from: Rate, to: Rate) -> usize {
    Rate::ALL.len() * from as usize + to as usize
}

impl Filter {
    fn new(from: Rate, to: Rate) -> Self {
        let factor = from.factor().max(to.factor()) / from.factor().min(to.factor());
        let prototype = prototype(factor);
        match (from < to, from > to) {
            (true, _) => {
                let phase = |offset: usize| {
                    let taps = std::array::from_fn(|tap| {
                        prototype[offset + factor * (TAPS - 1 - tap)] * factor as f64
                    });
                    quantized::<TAPS>(&taps)
                };
                Self::Up((0..factor).map(phase).collect())
            }
            (_, true) => {
                // It is symmetric: the order does not matter.
                let taps = prototype.iter().map(|tap| (tap * SCALE).round() as i16);
                let taps: Vec<i16> = taps.collect();
                Self::Down(taps.as_chunks().0.to_vec())
            }
            _ => Self::None,
        }
    }
}

const SCALE: f64 = (1 << BITS) as f64;

/// A phase as integers whose sum is exactly 1, so that a constant stays one.
fn quantized<const N: usize>(taps: &[f64; N]) -> [i16; N] {
    let sum: f64 = taps.iter().sum();
    let mut integers = taps.map(|tap| (tap / sum * SCALE).round() as i16);
    let off = (1 << BITS) - integers.iter().map(|tap| i32::from(*tap)).sum::<i32>();
    if let Some(largest) = integers.iter_mut().max_by_key(|tap| **tap) {
        *largest += off as i16;
    }
    integers
}

/// The low pass at `factor` times the lower rate, with a sum of 1.
fn prototype(factor: usize) -> Vec<f64> {
    let length = TAPS * factor;
    let middle = (length - 1) as f64 / 2.0;
    let taps = (0..length).map(|n| {
        let x = (n as f64 - middle) / factor as f64 * 2.0 * CUTOFF;
        let sinc = match x == 0.0 {
            true => 1.0,
            false => (PI * x).sin() / (PI * x),
        };
        let place = (n as f64 - middle) / (middle + 1.0);
        sinc * bessel_i0(BETA * (1.0 - place * place).sqrt())
    });
    let taps: Vec<f64> = taps.collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| tap / sum).collect()
}

#[inline(always)]
fn dot(samples: &[i16; TAPS], taps: &[i16; TAPS]) -> i32 {
    let products = samples.iter().zip(taps);
    products
        .map(|(sample, tap)| i32::from(*sample) * i32::from(*tap))
        .sum()
}

#[inline(always)]
fn rounded(sum: i32) -> i16 {
    ((sum + (1 << (BITS - 1))) >> BITS).clamp(-32_768, 32_767) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sum_of_products_leaves_32_bits() {
        for filter in FILTERS.iter() {
            let taps: Vec<Vec<i16>> = match filter {
                Filter::None => continue,
                Filter::Up(phases) => phases.iter().map(|phase| phase.to_vec()).collect(),
                Filter::Down(taps) => vec![taps.concat()],
            };
            for taps in taps {
                let most: i64 = taps.iter().map(|tap| i64::from(tap.unsigned_abs())).sum();
                assert!(most * 32_768 + 8_192 < 1 << 31, "{most}");
            }
        }
    }
}
