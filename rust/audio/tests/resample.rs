//! Other sampling rates.

mod support;

use proptest::prelude::*;
use sems_audio::dtmf::goertzel;
use sems_audio::{Error, Level, Resampler, resample};
use support::{noise, signal_to_noise, sine};

const USUAL: [u32; 8] = [
    8_000, 11_025, 12_000, 16_000, 22_050, 32_000, 44_100, 48_000,
];

fn to_8k(samples: &[i16], from: u32) -> Vec<i16> {
    resample(samples, from, 8_000).expect("a usual rate")
}

#[test]
fn speech_frequencies_come_through_as_they_were() {
    for rate in USUAL
        .into_iter()
        .chain([8_001, 24_000, 37_801, 96_000, 191_999, 384_000, 767_999])
    {
        for hz in [100.0, 1_000.0, 2_000.0, 3_000.0, 3_400.0] {
            let got = to_8k(&sine(rate, hz, -12.0, rate as usize), rate);
            let meant = sine(8_000, hz, -12.0, 8_000);
            // The ends hear the silence around the signal.
            let ratio = signal_to_noise(&meant[400..7_600], &got[400..7_600]);
            assert!(ratio > 65.0, "{hz} Hz from {rate}: {ratio:.1} dB");
        }
    }
}

#[test]
fn what_8_khz_cannot_hold_is_removed_by_more_than_60_db() {
    let high = [176_400, 384_000, 767_999];
    for rate in USUAL.into_iter().filter(|rate| *rate > 10_000).chain(high) {
        for hz in [4_100.0, 4_600.0, 5_000.0, 7_000.0, 10_000.0, 15_000.0] {
            if hz < f64::from(rate) / 2.0 {
                let got = to_8k(&sine(rate, hz, -6.0, rate as usize), rate);
                let level = Level::rms(&got[400..7_600]).dbov();
                assert!(level < -72, "{hz} Hz from {rate} left {level} dBov");
            }
        }
    }
}

#[test]
fn going_up_adds_no_images() {
    for rate in [16_000, 44_100, 48_000] {
        let got = resample(&sine(8_000, 1_000.0, -12.0, 8_000), 8_000, rate).expect("usual");
        let middle = &got[rate as usize / 10..rate as usize * 9 / 10];
        assert!((goertzel(middle, rate, 1_000.0) + 12.0).abs() < 0.1);
        assert!(goertzel(middle, rate, 7_000.0) < -85.0);
    }
    let got = resample(&sine(1_000, 300.0, -12.0, 1_000), 1_000, 8_000).expect("the lowest");
    assert!((goertzel(&got[800..7_200], 8_000, 300.0) + 12.0).abs() < 0.1);
    assert!(goertzel(&got[800..7_200], 8_000, 700.0) < -85.0);
}

#[test]
fn the_output_lasts_as_long_as_the_input() {
    for rate in USUAL {
        for length in [0, 1, 2, 159, 160, 4_411] {
            let expected = (length as u64 * 8_000).div_ceil(u64::from(rate)) as usize;
            assert_eq!(
                to_8k(&vec![7; length], rate).len(),
                expected,
                "{length} at {rate}"
            );
        }
    }
}

#[test]
fn the_loudest_input_is_clipped_and_does_not_wrap() {
    let square: Vec<i16> = (0..4_800)
        .map(|n| if n / 48 % 2 == 0 { i16::MAX } else { i16::MIN })
        .collect();
    let got = to_8k(&square, 48_000);
    for (index, sample) in got.iter().enumerate() {
        if (2..6).contains(&(index % 8)) {
            assert_eq!(
                *sample > 0,
                index / 8 % 2 == 0,
                "sample {index} is {sample}"
            );
        }
    }
}

#[test]
fn a_constant_stays_constant() {
    for rate in USUAL {
        let got = to_8k(&vec![1_000; rate as usize / 4], rate);
        assert!(
            got[200..1_800]
                .iter()
                .all(|sample| (999..=1_001).contains(sample)),
            "{rate}"
        );
    }
}

#[test]
fn absurd_rates_are_refused() {
    for (from, to) in [
        (0, 8_000),
        (8_000, 0),
        (1, 8_000),
        (8_000, u32::MAX),
        (999, 8_000),
        (768_001, 8_000),
    ] {
        assert!(matches!(
            resample(&[1], from, to),
            Err(Error::UnsupportedRate(_))
        ));
    }
    assert!(resample(&[1], 1, 1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pieces_and_the_whole_give_the_same(
        cuts in prop::collection::vec(0usize..3_000, 0..6),
        rate in prop::sample::select(USUAL.to_vec()),
    ) {
        let signal = noise(-20.0, 3_000, 5);
        let mut cuts = cuts;
        cuts.sort_unstable();
        cuts.insert(0, 0);
        cuts.push(signal.len());
        let mut resampler = Resampler::new(rate, 8_000).expect("a usual rate");
        let mut pieces = Vec::new();
        for pair in cuts.windows(2) {
            resampler.push(&signal[pair[0]..pair[1]], &mut pieces);
        }
        resampler.finish(&mut pieces);
        let mut whole = Resampler::new(rate, 8_000).expect("a usual rate");
        let mut expected = Vec::new();
        whole.push(&signal, &mut expected);
        whole.finish(&mut expected);
        prop_assert_eq!(pieces, expected);
    }
}
