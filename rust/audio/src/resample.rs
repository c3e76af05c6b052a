use std::f64::consts::PI;

use crate::error::{Error, Result};
use crate::wav::RATES;

/// Zero crossings of the sinc on each side of its centre, counted at the lower of the two rates.
const CROSSINGS: usize = 40;
/// Kaiser's β for about 90 dB of stop band.
const BETA: f64 = 9.0;
/// The pass band ends at this share of the lower Nyquist frequency, so that the stop band begins
/// at about 1: nothing is folded back.
const CUTOFF: f64 = 0.93;
/// Filters are kept for at most this many positions between two samples of the lower rate; for rates
/// that want more they are interpolated, which costs nothing above −100 dB. So they take no more memory
/// and time to make for a high rate than for a low one.
const PHASES_MAX: u32 = 512;
/// Filters are a multiple of this long.
const LANES: usize = 8;

/// Converts between sampling rates, a piece at a time: a windowed sinc, polyphase.
///
/// The stop band is more than 80 dB down and the output is aligned with the input. It is made
/// for files; making one computes the filter.
#[derive(Clone, Debug)]
pub struct Resampler {
    /// Input samples per output sample, as the fraction `step / denominator`.
    step: u32,
    denominator: u32,
    phases: u32,
    /// One filter of `taps` for each phase, and one more to interpolate towards.
    filters: Vec<f32>,
    taps: usize,
    input: Vec<f32>,
    /// Position of the next output sample: within `input`, and its fraction of `denominator`.
    index: usize,
    fraction: u32,
    /// Totals, for the length at the end.
    consumed: u64,
    produced: u64,
}

impl Resampler {
    /// A resampler from one rate to the other, in Hz; both within [`RATES`].
    pub fn new(from: u32, to: u32) -> Result<Self> {
        for rate in [from, to] {
            if !RATES.contains(&rate) {
                return Err(Error::UnsupportedRate(rate));
            }
        }
        let divisor = greatest_common_divisor(from, to);
        let (step, denominator) = (from / divisor, to / divisor);
        let scale = f64::from(to.min(from)) / f64::from(from);
        let most = (f64::from(PHASES_MAX) * scale).ceil() as u32;
        let phases = denominator.min(most);
        let half = ((CROSSINGS as f64 / scale).ceil() as usize).next_multiple_of(LANES / 2);
        let taps = 2 * half;
        Ok(Self {
            step,
            denominator,
            phases,
            filters: filters(phases as usize, half, scale),
            taps,
            // The filter looks back: before the first sample there was silence.
            input: vec![0.0; half - 1],
            index: 0,
            fraction: 0,
            consumed: 0,
            produced: 0,
        })
    }

    /// Takes more input; appends the output that it completes.
    pub fn push(&mut self, samples: &[i16], output: &mut Vec<i16>) {
        self.consumed += samples.len() as u64;
        self.input
            .extend(samples.iter().map(|sample| f32::from(*sample)));
        self.produce(output);
    }

    /// The input is at its end; appends the rest of the output. In all there are as many samples
    /// as the input lasts, rounded up.
    pub fn finish(mut self, output: &mut Vec<i16>) {
        let total = (self.consumed * u64::from(self.denominator)).div_ceil(u64::from(self.step));
        let missing = total.saturating_sub(self.produced);
        self.input.resize(self.input.len() + self.taps, 0.0);
        let start = output.len();
        self.produce(output);
        output.truncate(start + missing as usize);
    }

    fn produce(&mut self, output: &mut Vec<i16>) {
        while let Some(window) = self.input.get(self.index..self.index + self.taps) {
            let place = u64::from(self.fraction) * u64::from(self.phases);
            let phase = (place / u64::from(self.denominator)) as usize;
            let between = (place % u64::from(self.denominator)) as u32;
            let filter = &self.filters[phase * self.taps..][..self.taps];
            let mut value = dot(window, filter);
            if between > 0 {
                let next = &self.filters[(phase + 1) * self.taps..][..self.taps];
                let weight = between as f32 / self.denominator as f32;
                value += (dot(window, next) - value) * weight;
            }
            output.push(value.round() as i16); // saturates
            self.produced += 1;
            let advanced = self.fraction + self.step;
            self.index += (advanced / self.denominator) as usize;
            self.fraction = advanced % self.denominator;
        }
        // Moving the rest to the front once a push keeps memory at one piece.
        let spent = self.index.min(self.input.len());
        self.input.drain(..spent);
        self.index -= spent;
    }
}

/// All of `samples` converted from one rate to the other, in Hz; both within [`RATES`].
pub fn resample(samples: &[i16], from: u32, to: u32) -> Result<Vec<i16>> {
    if from == to && RATES.contains(&from) {
        return Ok(samples.to_vec());
    }
    let mut resampler = Resampler::new(from, to)?;
    let length = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from));
    let mut output = Vec::with_capacity(length as usize);
    resampler.push(samples, &mut output);
    resampler.finish(&mut output);
    Ok(output)
}

/// The filters for `phases` positions between two input samples and, as the last, for the next
/// sample. `scale` is the lower rate in terms of the input rate.
fn filters(phases: usize, half: usize, scale: f64) -> Vec<f32> {
    let mut filters = Vec::with_capacity((phases + 1) * 2 * half);
    for phase in 0..=phases {
        let offset = phase as f64 / phases as f64;
        let row = (0..2 * half).map(|tap| {
            let distance = tap as f64 - (half as f64 - 1.0) - offset;
            sinc(distance * scale * CUTOFF) * scale * CUTOFF * kaiser(distance / half as f64)
        });
        let start = filters.len();
        filters.extend(row.map(|value| value as f32));
        // Each filter passes a constant unchanged, or a constant would hum at the phases' beat.
        let sum: f32 = filters[start..].iter().sum();
        filters[start..].iter_mut().for_each(|value| *value /= sum);
    }
    filters
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

/// Kaiser's window over −1 to 1.
fn kaiser(x: f64) -> f64 {
    bessel_i0(BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(BETA)
}

/// The modified Bessel function of the first kind and order zero, by its power series.
pub(crate) fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..40 {
        term *= quarter / f64::from(n * n);
        sum += term;
    }
    sum
}

/// The sum of products, as several sums side by side, which vector registers can hold.
/// The lengths are equal and multiples of [`LANES`].
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (left, right) in left.chunks_exact(LANES).zip(right.chunks_exact(LANES)) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    sums.iter().sum()
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
