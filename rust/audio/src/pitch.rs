//! After how many samples a sound looks most like itself.

use std::ops::{Range, RangeInclusive};

/// Higher rates are looked at as if they were this one first.
const BASE_RATE: u32 = 8_000;
/// Samples at that rate that are looked at, at most: 80 ms.
const MOST: usize = 640;

/// Thinned samples whose products fit into 32 bits together.
const PIECE: usize = 160;

/// What looks most like the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    /// How far away it is, in samples.
    pub lag: usize,
    /// 1 for something of the same shape, 0 or less for something else.
    pub likeness: f32,
}

/// Which way to look from the reference.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Back,
    Ahead,
}

impl Way {
    fn from(self, start: usize, lag: usize) -> usize {
        match self {
            Self::Back => start - lag,
            Self::Ahead => start + lag,
        }
    }
}

/// Finds the lag within `lags` at which `samples` look most like they do at `reference`; where
/// nothing does, it is the longest. Reference and lags must lie within the samples.
pub(crate) fn best_match(
    samples: &[i16],
    rate: u32,
    reference: Range<usize>,
    lags: RangeInclusive<usize>,
    way: Way,
) -> Match {
    let step = (rate / BASE_RATE).max(1) as usize;
    let mut thinned = [0; MOST];
    let thinned = thin(samples, step, &mut thinned);
    let coarse_reference = reference.start / step..reference.end / step;
    let coarse_lags = lags.start().div_ceil(step)..=lags.end() / step;
    let coarse = search(thinned, coarse_reference, coarse_lags, way, dot);
    if step == 1 {
        return coarse;
    }
    let near = coarse.lag * step;
    let from = near.saturating_sub(step - 1).max(*lags.start());
    let to = (near + step - 1).min(*lags.end());
    search(samples, reference, from..=to, way, wide_dot)
}

/// The means of each `step` samples, with so few bits that the product of a frame fits into 32.
fn thin<'a>(samples: &[i16], step: usize, thinned: &'a mut [i16; MOST]) -> &'a [i16] {
    let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max();
    let spare = (u16::BITS - loudest.unwrap_or(0).leading_zeros()).saturating_sub(11);
    let count = (samples.len() / step).min(MOST);
    let thinned = &mut thinned[..count];
    if step == 1 {
        for (to, sample) in thinned.iter_mut().zip(samples) {
            *to = sample >> spare;
        }
        return thinned;
    }
    for (to, group) in thinned.iter_mut().zip(samples.chunks_exact(step)) {
        let sum: i32 = group.iter().map(|sample| i32::from(*sample)).sum();
        *to = ((sum / step as i32) >> spare) as i16;
    }
    thinned
}

fn search(
    samples: &[i16],
    reference: Range<usize>,
    lags: RangeInclusive<usize>,
    way: Way,
    dot: impl Fn(&[i16], &[i16]) -> f32,
) -> Match {
    let wanted = &samples[reference.clone()];
    let mut best = Match {
        lag: *lags.end(),
        likeness: 0.0,
    };
    let mut most = 0.0;
    for lag in lags {
        let start = way.from(reference.start, lag);
        let found = &samples[start..start + wanted.len()];
        let (product, energy) = (dot(wanted, found), dot(found, found));
        if product <= 0.0 {
            continue;
        }
        let likeness = product * product / energy;
        if likeness > most {
            most = likeness;
            best.lag = lag;
        }
    }
    if most > 0.0 {
        best.likeness = (most / dot(wanted, wanted)).sqrt();
    }
    best
}

/// Of thinned samples: pieces whose sums fit into 32 bits, which is several times as fast.
#[inline]
fn dot(left: &[i16], right: &[i16]) -> f32 {
    if left.len() <= PIECE {
        return short_dot(left, right) as f32;
    }
    let pieces = left.chunks(PIECE).zip(right.chunks(PIECE));
    pieces
        .map(|(left, right)| short_dot(left, right) as f32)
        .sum()
}

#[inline]
fn short_dot(left: &[i16], right: &[i16]) -> i32 {
    left.iter()
        .zip(right)
        .map(|(left, right)| i32::from(*left) * i32::from(*right))
        .sum()
}

fn wide_dot(left: &[i16], right: &[i16]) -> f32 {
    let products = left.iter().zip(right);
    let sum: i64 = products
        .map(|(left, right)| i64::from(i32::from(*left) * i32::from(*right)))
        .sum();
    sum as f32
}
