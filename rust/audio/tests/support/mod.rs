//! Signals for the tests.
#![allow(dead_code)] // each test file uses some of it

use sems_audio::tone::{Part, Pattern};
use sems_audio::{FRAME_SAMPLES, Frame, Gain, Rate, SAMPLE_RATE, SILENCE, Sum, wav};

/// A sine of `hz` at `dbov` (RMS), without ramps at its ends.
pub fn sine(rate: u32, hz: f64, dbov: f64, samples: usize) -> Vec<i16> {
    let amplitude = 32_768.0 * 10f64.powf(dbov / 20.0) * std::f64::consts::SQRT_2;
    (0..samples)
        .map(|n| {
            let angle = std::f64::consts::TAU * hz * n as f64 / f64::from(rate);
            (amplitude * angle.sin()).round() as i16
        })
        .collect()
}

/// White noise at `dbov` (RMS); the same seed gives the same noise.
pub fn noise(dbov: f64, samples: usize, seed: u64) -> Vec<i16> {
    // Uniform over ±a has a root mean square of a/√3.
    let amplitude = 32_768.0 * 10f64.powf(dbov / 20.0) * 3f64.sqrt();
    let mut state = seed.wrapping_mul(2) + 1;
    (0..samples)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let uniform = (state >> 33) as f64 / f64::from(1u32 << 31) * 2.0 - 1.0;
            (amplitude * uniform).round() as i16
        })
        .collect()
}

/// Noise that falls by 6 dB an octave above `hz`, like that of a room or a car.
pub fn rumble(hz: f64, dbov: f64, samples: usize, seed: u64) -> Vec<i16> {
    let keep = (-std::f64::consts::TAU * hz / f64::from(SAMPLE_RATE)).exp();
    let mut state = 0.0;
    let low: Vec<f64> = noise(-10.0, samples, seed)
        .into_iter()
        .map(|sample| {
            state = keep * state + f64::from(sample);
            state
        })
        .collect();
    let power = low.iter().map(|value| value * value).sum::<f64>() / samples as f64;
    let factor = 32_768.0 * 10f64.powf(dbov / 20.0) / power.sqrt();
    low.iter()
        .map(|value| (value * factor).round() as i16)
        .collect()
}

/// The whole frames of `samples`.
pub fn frames(samples: &[i16]) -> impl Iterator<Item = Frame> + '_ {
    samples.chunks_exact(FRAME_SAMPLES).map(|chunk| {
        let mut frame = [0; FRAME_SAMPLES];
        frame.copy_from_slice(chunk);
        frame
    })
}

/// Two signals at once.
pub fn together(left: &[i16], right: &[i16]) -> Vec<i16> {
    left.iter()
        .zip(right)
        .map(|(left, right)| left.saturating_add(*right))
        .collect()
}

/// One second of a steady tone with the ramps of the generator.
pub fn generated(hz: f32, dbov: i8) -> Vec<i16> {
    Pattern::from_parts(vec![Part::sine(hz, dbov, 1_000)]).render(SAMPLE_RATE)
}

/// How well `heard` follows `meant`, in dB.
pub fn signal_to_noise(meant: &[i16], heard: &[i16]) -> f64 {
    let signal: f64 = meant.iter().map(|s| f64::from(*s).powi(2)).sum();
    let noise: f64 = meant
        .iter()
        .zip(heard)
        .map(|(m, h)| (f64::from(*m) - f64::from(*h)).powi(2))
        .sum();
    10.0 * (signal / noise.max(1e-9)).log10()
}

/// The same with the rise and fall of four syllables a second, 14 dB from the loudest to the
/// softest; the loudest moment is as loud as it was.
pub fn syllables(samples: &[i16]) -> Vec<i16> {
    let factor = |n: usize| {
        let angle = std::f64::consts::TAU * 4.0 * n as f64 / f64::from(SAMPLE_RATE);
        10f64.powf(-7.0 / 20.0 * (1.0 - angle.sin()))
    };
    let samples = samples.iter().enumerate();
    samples
        .map(|(n, sample)| (f64::from(*sample) * factor(n)).round() as i16)
        .collect()
}

/// A spoken sentence of ten seconds at about −20 dBov.
pub fn spoken() -> Vec<i16> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../apps/prompts/default-announcement.wav"
    );
    let file = std::fs::File::open(path).expect("the prompt is shipped");
    wav::read(file, SAMPLE_RATE).expect("the prompt is a WAV file")
}

/// Whole frames of the same, louder by `db`.
pub fn moved(samples: &[i16], db: f32) -> Vec<i16> {
    let mut moved = Vec::with_capacity(samples.len());
    for frame in frames(samples) {
        let (mut sum, mut heard) = (Sum::new(Rate::Narrow), SILENCE);
        sum.add(&frame, Gain::from_db(db));
        sum.all(&mut heard);
        moved.extend(heard);
    }
    moved
}

/// The level of those frames that are louder than `floor` dBov: of speech without its pauses.
pub fn speech_level(samples: &[i16], floor: f64) -> f64 {
    let powers = samples.chunks_exact(FRAME_SAMPLES).map(|frame| {
        let energy: f64 = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        energy / FRAME_SAMPLES as f64 / f64::from(1u32 << 30)
    });
    let loud: Vec<f64> = powers
        .filter(|power| 10.0 * power.log10() > floor)
        .collect();
    10.0 * (loud.iter().sum::<f64>() / loud.len() as f64).log10()
}
