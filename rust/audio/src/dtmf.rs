//! Keys as tones (ITU-T Q.23), an ear for them ([`Detector`]), and one for single frequencies.

mod detector;

pub use detector::{Detector, Edge};

use std::f64::consts::TAU;

use crate::tone::{Part, Pattern};

/// Level of each of a key's two sines, in dBov.
const LEVEL_DBOV: i8 = -13;

const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [&[u8; 4]; 4] = [b"123A", b"456B", b"789C", b"*0#D"];

/// The low and the high frequency of `0`–`9`, `*`, `#` and `A`–`D` (either case), in Hz.
pub fn frequencies(key: char) -> Option<(f32, f32)> {
    let key = u8::try_from(key).ok()?.to_ascii_uppercase();
    KEYS.iter().zip(LOW_HZ).find_map(|(row, low)| {
        let column = row.iter().position(|known| *known == key)?;
        Some((low, HIGH_HZ[column]))
    })
}

/// The tones of `keys`, each sounding `on_ms` and followed by `off_ms` of silence.
///
/// ITU-T Q.24 wants at least 40 ms of either; 100 ms suit everybody. `None` if one of `keys` is
/// not a key.
pub fn pattern(keys: &str, on_ms: u32, off_ms: u32) -> Option<Pattern> {
    let mut parts = Vec::with_capacity(2 * keys.len());
    for key in keys.chars() {
        let (low, high) = frequencies(key)?;
        parts.push(Part::dual(low, high, LEVEL_DBOV, on_ms));
        parts.push(Part::pause(off_ms));
    }
    Some(Pattern::from_parts(parts))
}

/// The level of a sine of `hz` within `samples` at `rate` Hz, in dBov (RMS), at least −127.
///
/// The Goertzel algorithm under a Hann window: one step of a discrete Fourier transform. Over N
/// samples it tells frequencies apart that lie more than 2·`rate`/N from each other (for 20 ms:
/// 100 Hz), and hears others at more than twice that distance at least 31 dB softer.
pub fn goertzel(samples: &[i16], rate: u32, hz: f32) -> f32 {
    if samples.is_empty() || rate == 0 {
        return -127.0;
    }
    let length = samples.len() as f64;
    let coefficient = 2.0 * (TAU * f64::from(hz) / f64::from(rate)).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let window = 1.0 - (TAU * (index as f64 + 0.5) / length).cos();
        let value = f64::from(*sample) / 32_768.0 * window + coefficient * one - two;
        two = one;
        one = value;
    }
    let power = one * one + two * two - coefficient * one * two;
    let mean_square = 2.0 * power.max(0.0) / (length * length);
    (10.0 * mean_square.log10()).max(-127.0) as f32
}
