//! What is said.

use std::{fs::File, path::Path};

use sems_audio::{resample, wav};

/// The prompts that are long enough to be called speech, in an order that has all their sounds.
const PROMPTS: [&str; 9] = [
    "welcome",
    "not-available",
    "default-announcement",
    "please-hold",
    "removed-from-room",
    "only-participant",
    "room-locked",
    "muted",
    "unmuted",
];
/// Between two of them, in ms.
const PAUSE: usize = 300;

/// `seconds` of the shipped prompts at `rate` Hz, with pauses between them, from the beginning
/// again when they end.
pub fn speech(rate: u32, seconds: usize) -> Vec<i16> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../apps/prompts");
    let mut said = Vec::new();
    for name in PROMPTS {
        let file = File::open(folder.join(name).with_extension("wav")).expect("a prompt");
        said.extend(wav::read(file, 8_000).expect("a WAV file"));
        said.extend([0; 8 * PAUSE]);
    }
    let said = match rate {
        8_000 => said,
        _ => resample(&said, 8_000, rate).expect("a rate"),
    };
    said.iter()
        .copied()
        .cycle()
        .take(rate as usize * seconds)
        .collect()
}

/// A sine of `hz` at −17 dBov.
pub fn tone(rate: u32, hz: f64, seconds: usize) -> Vec<i16> {
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    (0..rate as usize * seconds)
        .map(|n| (6_500.0 * (step * n as f64).sin()) as i16)
        .collect()
}
