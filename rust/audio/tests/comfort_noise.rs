//! Pauses that sound like pauses.

mod support;

use proptest::prelude::*;
use sems_audio::comfort_noise::{ComfortNoise, MAX_DESCRIPTION, NoiseDescription, NoiseMeter};
use sems_audio::{FRAME_SAMPLES, Level, dtmf::goertzel};
use support::{frames, noise, rumble};

fn described(noise: &[i16]) -> NoiseDescription {
    let mut meter = NoiseMeter::new();
    for frame in frames(noise) {
        meter.push(&frame);
    }
    meter.description()
}

/// A second of it, after it has come to its loudness.
fn made(description: &NoiseDescription) -> Vec<i16> {
    let mut generator = ComfortNoise::new(1);
    generator.describe(description);
    let mut samples = vec![0; 9_600];
    for part in samples.chunks_mut(FRAME_SAMPLES) {
        generator.fill(part);
    }
    samples.split_off(1_600)
}

/// Mean level of fifty frequencies from `hz` on, in dBov.
fn around(samples: &[i16], hz: f32) -> f32 {
    let near = (0..50).map(|step| goertzel(samples, 8_000, hz + 10.0 * step as f32));
    near.sum::<f32>() / 50.0
}

#[test]
fn a_description_says_the_level_and_the_coefficients_of_the_rfc() {
    let noise = NoiseDescription::parse(&[64, 127, 254, 0]).unwrap();
    assert_eq!(noise.level(), Level::from_dbov(-64));
    let mut payload = [0; MAX_DESCRIPTION];
    assert_eq!(noise.write(&mut payload), 4);
    assert_eq!(payload[..4], [64, 127, 254, 0]);
    // The first bit means nothing, and nothing at all describes nothing.
    assert_eq!(
        NoiseDescription::parse(&[0x80 | 64]),
        NoiseDescription::parse(&[64])
    );
    assert_eq!(NoiseDescription::parse(&[]), None);
}

#[test]
fn noise_is_as_loud_as_it_was_described_whatever_its_colour() {
    for level in [-70, -60, -50, -40, -30] {
        for spectrum in [&[][..], &[40], &[20, 160], &[10, 200, 100, 150, 127, 120]] {
            let payload = [&[(-level) as u8][..], spectrum].concat();
            let heard = made(&NoiseDescription::parse(&payload).unwrap());
            let loud = i32::from(Level::rms(&heard).dbov());
            assert!((loud - level).abs() <= 2, "{level}, {spectrum:?}: {loud}");
        }
    }
}

#[test]
fn deep_noise_comes_back_deep_and_hiss_comes_back_as_hiss() {
    for seed in 0..5 {
        let deep = rumble(200.0, -45.0, 16_000, seed);
        let hiss: Vec<i16> = deep.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let white = noise(-45.0, 16_000, seed);
        let tilt = |sound: &[i16]| around(sound, 300.0) - around(sound, 3_000.0);
        for sound in [&deep, &hiss, &white] {
            let mut payload = [0; MAX_DESCRIPTION];
            let length = described(sound).write(&mut payload);
            let heard = made(&NoiseDescription::parse(&payload[..length]).unwrap());
            let (before, after) = (Level::rms(sound).dbov(), Level::rms(&heard).dbov());
            assert!((before - after).abs() <= 2, "{before} dBov became {after}");
            let (before, after) = (tilt(sound), tilt(&heard));
            assert!((before - after).abs() < 5.0, "{before} dB became {after}");
        }
    }
}

#[test]
fn a_pause_after_speech_fades_into_noise_and_silence_is_silence() {
    let mut generator = ComfortNoise::new(7);
    let mut frame = [99; FRAME_SAMPLES];
    generator.fill(&mut frame);
    assert_eq!(frame, [0; FRAME_SAMPLES]);
    generator.describe(&NoiseDescription::parse(&[40]).unwrap());
    generator.fill(&mut frame);
    let (begin, end) = (Level::rms(&frame[..20]), Level::rms(&frame[80..]));
    assert!(begin < end, "{begin:?} {end:?}");
    generator.describe(&NoiseDescription::parse(&[127]).unwrap());
    for _ in 0..20 {
        generator.fill(&mut frame);
    }
    assert_eq!(frame, [0; FRAME_SAMPLES]);
    assert_eq!(described(&[0; 1_600]).level(), Level::SILENCE);
}

proptest! {
    #[test]
    fn whatever_is_described_the_noise_stays_near_its_level(
        payload in prop::collection::vec(any::<u8>(), 1..40),
        then in prop::collection::vec(any::<u8>(), 1..40),
        samples in prop::collection::vec(any::<i16>(), 0..400),
    ) {
        let mut generator = ComfortNoise::new(3);
        for payload in [payload, then] {
            let noise = NoiseDescription::parse(&payload).unwrap();
            generator.describe(&noise);
            let mut frame = [0; 800];
            generator.fill(&mut frame);
            let mut written = [0; MAX_DESCRIPTION];
            let length = noise.write(&mut written);
            let read = NoiseDescription::parse(&written[..length]).unwrap();
            prop_assert_eq!(read.level(), noise.level());
        }
        let mut meter = NoiseMeter::new();
        meter.push(&samples);
        let level = meter.description().level();
        prop_assert!(level <= Level::peak(&samples));
    }
}
