//! Linear samples as they are.

use sems_audio::codec::{CODECS, by_name, l16};

#[test]
fn samples_come_back_as_they_were_higher_byte_first() {
    let samples: Vec<i16> = (i16::MIN..=i16::MAX).collect();
    let mut payload = vec![0; 2 * samples.len()];
    assert_eq!(l16::encode(&samples, &mut payload), payload.len());
    assert_eq!(payload[..2], [0x80, 0x00]);
    let mut heard = vec![0; samples.len()];
    assert_eq!(l16::decode(&payload, &mut heard), samples.len());
    assert_eq!(heard, samples);
}

#[test]
fn half_a_sample_is_passed_over() {
    let mut heard = [7; 4];
    assert_eq!(l16::decode(&[1, 2, 3], &mut heard), 1);
    assert_eq!(heard, [0x0102, 7, 7, 7]);
    let mut payload = [9; 3];
    assert_eq!(l16::encode(&[1, 2], &mut payload), 2);
    assert_eq!(payload, [0, 1, 9]);
}

#[test]
fn each_rate_is_a_codec_of_its_own() {
    for rate in [8_000, 16_000, 48_000] {
        let codec = by_name("l16", rate).unwrap();
        assert_eq!(codec.rate.hz(), rate);
        assert_eq!(codec.samples(&[0; 640]), 320);
    }
    assert!(by_name("L16", 44_100).is_none());
    assert_eq!(CODECS.iter().filter(|codec| codec.name == "L16").count(), 3);
}
