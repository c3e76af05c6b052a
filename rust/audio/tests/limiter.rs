//! Many that are loud at once.

mod support;

use proptest::prelude::*;
use sems_audio::{FRAME_SAMPLES, Limiter};
use support::sine;

/// Tones of `dbov` at pitches that have nothing to do with each other.
fn tones(count: usize, dbov: f64, samples: usize) -> Vec<i32> {
    let mut sum = vec![0; samples];
    for number in 0..count {
        let hz = 210.0 + 137.31 * number as f64;
        for (sum, sample) in sum.iter_mut().zip(sine(8_000, hz, dbov, samples)) {
            *sum += i32::from(sample);
        }
    }
    sum
}

fn limited(limiter: &mut Limiter, sum: &[i32], frame: usize) -> Vec<i16> {
    let mut heard = vec![0; sum.len()];
    for (sum, heard) in sum.chunks(frame).zip(heard.chunks_mut(frame)) {
        limiter.limit(sum, heard);
    }
    heard
}

fn clipped(sum: &[i32]) -> Vec<i16> {
    sum.iter()
        .map(|sum| (*sum).clamp(-32_768, 32_767) as i16)
        .collect()
}

/// How far what is heard is from the sum at the best volume, in dB.
fn distortion(sum: &[i32], heard: &[i16]) -> f64 {
    let product: f64 = sum
        .iter()
        .zip(heard)
        .map(|(s, h)| f64::from(*s) * f64::from(*h))
        .sum();
    let power: f64 = sum.iter().map(|s| f64::from(*s).powi(2)).sum();
    let volume = product / power;
    let pairs = sum.iter().zip(heard);
    let error: f64 = pairs
        .map(|(s, h)| (f64::from(*h) - volume * f64::from(*s)).powi(2))
        .sum();
    10.0 * (error / (power * volume * volume)).log10()
}

#[test]
fn a_sum_that_fits_passes_to_the_last_bit() {
    let mut limiter = Limiter::new();
    let sum: Vec<i32> = (-80..80)
        .map(|n| (n * 410_i32).clamp(-32_768, 32_767))
        .collect();
    assert_eq!(limited(&mut limiter, &sum, FRAME_SAMPLES), clipped(&sum));
    let edges = [i32::from(i16::MIN), i32::from(i16::MAX), 0, -1, 1];
    assert_eq!(limited(&mut limiter, &edges, 5), clipped(&edges));
    assert!(limiter.is_at_rest());
}

#[test]
fn two_to_twenty_loud_tones_are_distorted_far_less_than_by_clipping() {
    for count in [2, 3, 5, 10, 20] {
        let sum = tones(count, -8.0, 5 * 8_000);
        let heard = limited(&mut Limiter::new(), &sum, FRAME_SAMPLES);
        // After the first second, in which the gain finds its place.
        let (soft, hard) = (
            distortion(&sum[8_000..], &heard[8_000..]),
            distortion(&sum[8_000..], &clipped(&sum[8_000..])),
        );
        println!("{count} tones: {soft:.1} dB limited, {hard:.1} dB clipped");
        assert!(soft < -20.0, "{count} tones: {soft:.1} dB");
        assert!(
            soft < hard - 6.0,
            "{count} tones: {soft:.1}, clipped {hard:.1} dB"
        );
    }
}

#[test]
fn a_frame_that_begins_loud_does_not_click() {
    // A loud second voice comes at the worst moment, goes, and comes again.
    let mut sum = tones(1, -4.0, 8_000);
    let other = tones(3, -5.0, 8_000);
    for begin in [1_600, 4_800] {
        for n in begin..begin + 1_600 {
            sum[n] += other[n];
        }
    }
    let heard = limited(&mut Limiter::new(), &sum, FRAME_SAMPLES);
    let steepest_sum = sum.windows(2).map(|pair| (pair[1] - pair[0]).abs()).max();
    let steepest = heard
        .windows(2)
        .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
        .max();
    assert!(steepest <= steepest_sum, "{steepest:?} of {steepest_sum:?}");
    // At the border of two frames no step is higher than the wave's own within them.
    for border in (FRAME_SAMPLES..heard.len()).step_by(FRAME_SAMPLES) {
        let step = |n: usize| i32::from(heard[n]) - i32::from(heard[n - 1]);
        let bend = (step(border) - (step(border - 1) + step(border + 1)) / 2).abs();
        let own = |n: usize| sum[n] - sum[n - 1];
        let own_bend = (own(border) - (own(border - 1) + own(border + 1)) / 2).abs();
        assert!(
            bend <= own_bend + 1_500,
            "at {border}: {bend}, the sum's {own_bend}"
        );
    }
}

#[test]
fn the_gain_comes_back_within_a_second_and_a_half_and_then_rests() {
    let mut limiter = Limiter::new();
    limited(&mut limiter, &tones(20, -8.0, 8_000), FRAME_SAMPLES);
    assert!(limiter.gain() < 0.5);
    let quiet = tones(1, -30.0, 12_000);
    limited(&mut limiter, &quiet, FRAME_SAMPLES);
    assert!(limiter.is_at_rest(), "{}", limiter.gain());
    assert_eq!(
        limited(&mut limiter, &quiet, FRAME_SAMPLES),
        clipped(&quiet)
    );
}

#[test]
fn every_rate_is_limited_alike() {
    for (rate, frame) in [(8_000, 160), (16_000, 320), (48_000, 960)] {
        let one = sine(rate, 400.0, -4.0, rate as usize);
        let two = sine(rate, 530.0, -4.0, rate as usize);
        let sum: Vec<i32> = one
            .iter()
            .zip(&two)
            .map(|(a, b)| i32::from(*a) + i32::from(*b))
            .collect();
        let mut limiter = Limiter::new();
        limited(&mut limiter, &sum, frame);
        assert!(
            (0.53..0.6).contains(&limiter.gain()),
            "{rate} Hz: {}",
            limiter.gain()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_sum_keeps_its_signs_and_is_never_made_louder(
        sums in prop::collection::vec(prop::collection::vec(any::<i32>(), 0..400), 1..6),
    ) {
        let mut limiter = Limiter::new();
        for sum in sums {
            let mut heard = vec![0; sum.len()];
            limiter.limit(&sum, &mut heard);
            for (heard, sum) in heard.iter().zip(&sum) {
                prop_assert!(i64::from(*heard) * i64::from(*sum) >= 0);
                prop_assert!(heard.unsigned_abs() as u32 <= sum.unsigned_abs().max(1));
            }
            prop_assert!(limiter.gain() > 0.0 && limiter.gain() <= 1.0);
        }
    }
}
