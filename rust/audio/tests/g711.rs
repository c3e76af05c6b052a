//! G.711 against its definition: the decision values of ITU-T G.711 tables 1a and 2a.

mod support;

use sems_audio::codec::{self, Codec, Parameters, g711};
use support::{signal_to_noise, sine};

/// The segments of a law: the first magnitude of each and the width of its 16 intervals, in
/// 16-bit samples.
type Segments = [(i32, i32); 8];

const ALAW: Segments = [
    (0, 16),
    (256, 16),
    (512, 32),
    (1_024, 64),
    (2_048, 128),
    (4_096, 256),
    (8_192, 512),
    (16_384, 1_024),
];

/// The first µ-law interval is only half as wide: its other half belongs to the other sign.
const ULAW: Segments = [
    (-4, 8),
    (124, 16),
    (380, 32),
    (892, 64),
    (1_916, 128),
    (3_964, 256),
    (8_060, 512),
    (16_252, 1_024),
];

/// Walks the segments to the code of `sample`, sign in bit 7 (set for negative), not inverted.
fn code_by_definition(segments: &Segments, sample: i16) -> u8 {
    let (sign, magnitude) = match sample {
        0.. => (0x00, i32::from(sample)),
        _ => (0x80, !i32::from(sample)),
    };
    for (segment, (start, width)) in segments.iter().enumerate().rev() {
        if magnitude >= *start {
            let interval = ((magnitude - start) / width).min(15);
            return sign | (segment as u8) << 4 | interval as u8;
        }
    }
    unreachable!("the first segment starts at or below zero")
}

/// The middle of the interval.
fn sample_by_definition(segments: &Segments, code: u8) -> i16 {
    let (start, width) = segments[usize::from(code >> 4 & 7)];
    let magnitude = start + i32::from(code & 15) * width + width / 2;
    let sample = if code & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    };
    i16::try_from(sample).expect("the largest magnitude fits")
}

fn encode(codec: &Codec, samples: &[i16]) -> Vec<u8> {
    let mut payload = vec![0; samples.len()];
    assert_eq!(
        codec
            .encoder(Parameters::default())
            .encode(samples, &mut payload),
        samples.len()
    );
    payload
}

fn decode(codec: &Codec, payload: &[u8]) -> Vec<i16> {
    let mut samples = vec![0; payload.len()];
    assert_eq!(codec.decoder().decode(payload, &mut samples), payload.len());
    samples
}

fn every_sample() -> Vec<i16> {
    (i16::MIN..=i16::MAX).collect()
}

fn every_code() -> Vec<u8> {
    (u8::MIN..=u8::MAX).collect()
}

#[test]
fn every_sample_gets_the_code_of_the_standard() {
    let samples = every_sample();
    for (sample, code) in samples.iter().zip(encode(&g711::PCMU, &samples)) {
        assert_eq!(
            code,
            code_by_definition(&ULAW, *sample) ^ 0xFF,
            "µ-law of {sample}"
        );
    }
    for (sample, code) in samples.iter().zip(encode(&g711::PCMA, &samples)) {
        assert_eq!(
            code,
            code_by_definition(&ALAW, *sample) ^ 0xD5,
            "A-law of {sample}"
        );
    }
}

#[test]
fn every_code_gets_the_sample_of_the_standard() {
    let codes = every_code();
    for (code, sample) in codes.iter().zip(decode(&g711::PCMU, &codes)) {
        assert_eq!(
            sample,
            sample_by_definition(&ULAW, code ^ 0xFF),
            "µ-law {code:#04x}"
        );
    }
    for (code, sample) in codes.iter().zip(decode(&g711::PCMA, &codes)) {
        assert_eq!(
            sample,
            sample_by_definition(&ALAW, code ^ 0xD5),
            "A-law {code:#04x}"
        );
    }
}

#[test]
fn decoding_and_encoding_again_changes_no_code() {
    let again = encode(&g711::PCMA, &decode(&g711::PCMA, &every_code()));
    assert_eq!(again, every_code());
    // µ-law has two zeros; the negative one becomes the positive.
    let again = encode(&g711::PCMU, &decode(&g711::PCMU, &every_code()));
    let expected: Vec<u8> = (0..=255)
        .map(|code| if code == 0x7F { 0xFF } else { code })
        .collect();
    assert_eq!(again, expected);
}

#[test]
fn silence_is_the_code_of_zero() {
    for codec in [&g711::PCMU, &g711::PCMA] {
        assert_eq!(
            Some(encode(codec, &[0])[0]),
            codec.silence,
            "{}",
            codec.name
        );
    }
}

#[test]
fn a_tone_comes_through_with_the_quality_of_the_telephone() {
    for codec in [&g711::PCMU, &g711::PCMA] {
        for dbov in [-6.0, -20.0, -35.0] {
            let tone = sine(8_000, 1_004.0, dbov, 8_000);
            let heard = decode(codec, &encode(codec, &tone));
            let ratio = signal_to_noise(&tone, &heard);
            assert!(ratio > 30.0, "{} at {dbov} dBov: {ratio:.1} dB", codec.name);
        }
    }
}

#[test]
fn a_side_that_is_too_short_bounds_the_work() {
    for codec in [&g711::PCMU, &g711::PCMA] {
        let mut payload = [0x11; 4];
        assert_eq!(
            codec
                .encoder(Parameters::default())
                .encode(&[0; 3], &mut payload),
            3
        );
        assert_eq!(payload[3], 0x11);
        assert_eq!(
            codec
                .encoder(Parameters::default())
                .encode(&[0; 9], &mut payload),
            4
        );
        let mut samples = [77; 4];
        assert_eq!(codec.decoder().decode(&[0xFF; 3], &mut samples), 3);
        assert_eq!(samples[3], 77);
        assert_eq!(codec.decoder().decode(&[0xFF; 9], &mut samples), 4);
        assert_eq!(codec.decoder().decode(&[], &mut samples), 0);
    }
}

#[test]
fn codecs_are_found_as_sdp_names_them() {
    let found = |codec: Option<&'static Codec>| codec.map(|codec| codec.name);
    assert_eq!(found(codec::by_name("pcmu", 8_000)), Some("PCMU"));
    assert_eq!(found(codec::by_name("PCMA", 8_000)), Some("PCMA"));
    assert_eq!(found(codec::by_name("PCMA", 16_000)), None);
    assert_eq!(found(codec::by_name("G729", 8_000)), None);
    assert_eq!(found(codec::by_payload_type(0)), Some("PCMU"));
    assert_eq!(found(codec::by_payload_type(8)), Some("PCMA"));
    assert_eq!(found(codec::by_payload_type(18)), None);
}

#[test]
fn no_two_codecs_share_a_name_or_a_payload_type() {
    for (index, codec) in codec::CODECS.iter().enumerate() {
        for other in &codec::CODECS[index + 1..] {
            assert_ne!(
                (codec.name, codec.clock_rate),
                (other.name, other.clock_rate)
            );
            assert!(codec.payload_type.is_none() || codec.payload_type != other.payload_type);
        }
    }
}
