//! G.722, held against another implementation.
//!
//! The ITU's vectors come only with its own software. The sums here are of what spandsp 0.0.6 (the
//! one in Debian, and in most telephones) makes of the same signals at 64 kbit/s.

mod support;

use proptest::prelude::*;
use sems_audio::codec::g722::{G722Decoder, G722Encoder};
use sems_audio::codec::{Decode, Encode};
use support::{signal_to_noise, sine};

/// FNV-1a.
fn sum(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state
}

/// Noise whose loudness and colour change, then square waves at full scale.
fn signal() -> Vec<i16> {
    let (mut state, mut low) = (1, 0i64);
    let noise = (0..64_000).map(|n| {
        let value = (next(&mut state) >> 48) as i64 - 32_768;
        low += (value - low) >> (n / 13_000 % 5);
        (low >> (n / 1_000 % 13)).clamp(-32_768, 32_767) as i16
    });
    let mut signal: Vec<i16> = noise.collect();
    signal.extend((0..16_000).map(|n| match n / (1 + n / 1_000) % 2 {
        0 => i16::MIN,
        _ => i16::MAX,
    }));
    signal
}

fn coded(samples: &[i16]) -> Vec<u8> {
    let mut payload = vec![0; samples.len() / 2];
    let count = G722Encoder::new().encode(samples, &mut payload);
    assert_eq!(count, payload.len());
    payload
}

fn decoded(payload: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; 2 * payload.len()];
    let count = G722Decoder::new().decode(payload, &mut samples);
    assert_eq!(count, samples.len());
    samples
}

#[test]
fn codes_and_samples_are_those_of_another_implementation() {
    let payload = coded(&signal());
    let first = [
        50, 132, 32, 134, 38, 132, 46, 32, 63, 9, 54, 34, 141, 176, 31, 45,
    ];
    assert_eq!(payload[..16], first);
    assert_eq!(sum(payload.iter().copied()), 0xd3af_9380_eca1_0d4e);
    // At a quarter of the loudness, since the other one does not clip what is too loud.
    let softer: Vec<i16> = signal().iter().map(|sample| sample >> 2).collect();
    let payload = coded(&softer);
    assert_eq!(sum(payload.iter().copied()), 0xdf8e_2619_fc44_0667);
    let samples = decoded(&payload);
    let first = [
        0, 0, -1, 0, 0, -1, -1, 1, 0, -4, 1, 10, -2, -36, -3, 66, 17, -115, -33, 146,
    ];
    assert_eq!(samples[..20], first);
    let bytes = samples.iter().flat_map(|sample| sample.to_le_bytes());
    assert_eq!(sum(bytes), 0x6c20_0436_d561_ffb9);
}

#[test]
fn tones_of_both_bands_come_through() {
    for (hz, least) in [
        (300.0, 30.0),
        (1_000.0, 28.0),
        (3_000.0, 22.0),
        (6_000.0, 14.0),
    ] {
        let tone = sine(16_000, hz, -12.0, 16_000);
        let heard = decoded(&coded(&tone));
        // The filters of both ends delay by 22 samples.
        let ratio = signal_to_noise(&tone[800..15_900], &heard[822..15_922]);
        assert!(ratio > least, "{hz} Hz: {ratio:.1} dB");
    }
}

#[test]
fn pieces_of_any_length_are_one_stream() {
    let signal = &signal()[..9_600];
    let whole = coded(signal);
    let (mut encoder, mut decoder) = (G722Encoder::new(), G722Decoder::new());
    let (mut payload, mut samples) = (Vec::new(), Vec::new());
    for piece in signal.chunks(2 * 37) {
        let mut bytes = vec![0; piece.len() / 2];
        encoder.encode(piece, &mut bytes);
        let mut heard = vec![0; piece.len()];
        decoder.decode(&bytes, &mut heard);
        payload.extend(bytes);
        samples.extend(heard);
    }
    assert_eq!(payload, whole);
    assert_eq!(samples, decoded(&whole));
}

#[test]
fn an_encoder_that_takes_over_goes_on_with_the_same_codes() {
    let signal = &signal()[..9_600];
    let whole = coded(signal);
    let (mut one, mut two) = (G722Encoder::new(), G722Encoder::new());
    let mut payload = vec![0; 4_800];
    one.encode(&signal[..4_800], &mut payload[..2_400]);
    two.encode(&signal[1_000..3_000], &mut [0; 1_000]);
    two.continue_from(&one);
    two.encode(&signal[4_800..], &mut payload[2_400..]);
    assert_eq!(payload, whole);
}

#[test]
fn a_decoder_goes_from_one_encoder_to_another_that_has_heard_the_same_for_a_while() {
    let signal = signal();
    let (mut one, mut two) = (G722Encoder::new(), G722Encoder::new());
    one.encode(&signal[..16_000], &mut [0; 8_000]);
    two.encode(&sine(16_000, 700.0, -9.0, 16_000), &mut [0; 8_000]);
    let (mut left, mut right) = ([0; 8_000], [0; 8_000]);
    one.encode(&signal[16_000..32_000], &mut left);
    two.encode(&signal[16_000..32_000], &mut right);
    assert_ne!(left[..160], right[..160]);
    let stayed = decoded(&left);
    left[4_000..].copy_from_slice(&right[4_000..]);
    let changed = decoded(&left);
    let ratio = signal_to_noise(&stayed[8_000..], &changed[8_000..]);
    assert!(ratio > 15.0, "{ratio:.1} dB");
}

proptest! {
    #[test]
    fn anything_can_be_coded_and_decoded(
        samples in prop::collection::vec(any::<i16>(), 0..2_000),
        payload in prop::collection::vec(any::<u8>(), 0..1_000),
        room in 0usize..1_000,
    ) {
        let count = G722Encoder::new().encode(&samples, &mut vec![0; room]);
        prop_assert_eq!(count, (samples.len() / 2).min(room));
        let count = G722Decoder::new().decode(&payload, &mut vec![0; room]);
        prop_assert_eq!(count, 2 * payload.len().min(room / 2));
    }
}
