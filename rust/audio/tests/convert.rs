//! Streams that go from one sampling rate to another, frame by frame.

mod support;

use proptest::prelude::*;
use sems_audio::{Converter, Rate};
use support::{noise, signal_to_noise, sine};

const PAIRS: [(Rate, Rate); 6] = [
    (Rate::Narrow, Rate::Wide),
    (Rate::Narrow, Rate::Full),
    (Rate::Wide, Rate::Full),
    (Rate::Wide, Rate::Narrow),
    (Rate::Full, Rate::Narrow),
    (Rate::Full, Rate::Wide),
];

fn converted(from: Rate, to: Rate, samples: &[i16]) -> Vec<i16> {
    let mut converter = Converter::new(from, to);
    let mut converted = Vec::new();
    for frame in samples.chunks_exact(from.frame()) {
        let mut output = vec![0; to.frame()];
        converter.convert(frame, &mut output);
        converted.extend(output);
    }
    converted
}

/// The level of all that is there, in dBov.
fn level(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|s| f64::from(*s).powi(2)).sum();
    10.0 * (power / samples.len() as f64 / 32_768f64.powi(2) + 1e-12).log10()
}

/// A tone of one second at −10 dBov, converted, without its beginning.
fn tone(from: Rate, to: Rate, hz: f64) -> Vec<i16> {
    let tone = sine(from.hz(), hz, -10.0, from.hz() as usize);
    converted(from, to, &tone).split_off(to.frame())
}

#[test]
fn what_both_rates_can_carry_passes_as_loud_as_it_was() {
    for (from, to) in PAIRS {
        let lower = f64::from(from.min(to).hz());
        for share in [0.005, 0.05, 0.125, 0.25, 0.375, 0.4] {
            let level = level(&tone(from, to, share * lower));
            assert!(
                (level + 10.0).abs() < 0.1,
                "{from:?} {to:?} {share}: {level:.2}"
            );
        }
        // The upper end of the telephone's band, and of G.722's.
        let level = level(&tone(from, to, 0.425 * lower));
        assert!((level + 10.0).abs() < 1.0, "{from:?} {to:?}: {level:.2}");
    }
}

#[test]
fn what_the_lower_rate_can_not_carry_is_60_db_down() {
    for (from, to) in PAIRS.into_iter().filter(|(from, to)| from > to) {
        let lower = f64::from(to.hz());
        let mut hz = 0.55 * lower;
        while hz < f64::from(from.hz()) / 2.0 {
            let level = level(&tone(from, to, hz));
            assert!(level < -70.0, "{from:?} {to:?} {hz} Hz: {level:.1}");
            hz += 0.037 * lower;
        }
    }
}

#[test]
fn going_up_adds_nothing_of_its_own() {
    for (from, to) in PAIRS.into_iter().filter(|(from, to)| from < to) {
        let lower = f64::from(from.hz());
        for share in [0.05, 0.125, 0.25, 0.375, 0.4] {
            let heard = tone(from, to, share * lower);
            // What is there beside the tone itself.
            let step = std::f64::consts::TAU * share * lower / f64::from(to.hz());
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in heard.iter().enumerate() {
                re += f64::from(*sample) * (step * n as f64).cos();
                im += f64::from(*sample) * (step * n as f64).sin();
            }
            let scale = 2.0 / heard.len() as f64;
            let rest: Vec<i16> = heard
                .iter()
                .enumerate()
                .map(|(n, sample)| {
                    let angle = step * n as f64;
                    let tone = scale * (re * angle.cos() + im * angle.sin());
                    (f64::from(*sample) - tone).round() as i16
                })
                .collect();
            let level = level(&rest);
            assert!(level < -68.0, "{from:?} {to:?} {share}: {level:.1}");
        }
    }
}

#[test]
fn there_and_back_it_is_later_by_two_ms_each_way_at_most() {
    for (low, high) in PAIRS.into_iter().filter(|(from, to)| from < to) {
        let there = |hz| sine(low.hz(), hz, -20.0, 20 * low.frame());
        let sound = support::together(&there(300.0), &there(1_234.0));
        let back = converted(high, low, &converted(low, high, &sound));
        // Two linear phases of 32 taps at the lower rate, less half a sample of the higher.
        let (delay, most) = (31, 4 * low.hz() as usize / 1_000);
        assert!(delay <= most);
        let best = (0..=most).map(|late| {
            let heard = &back[200 + late..];
            (signal_to_noise(&sound[200..][..heard.len()], heard), late)
        });
        let best = best.max_by(|one, other| one.0.total_cmp(&other.0));
        assert_eq!(best.map(|(_, late)| late), Some(delay), "{low:?} {high:?}");
    }
}

#[test]
fn frames_join_without_a_seam() {
    for (from, to) in PAIRS {
        let sound = noise(-12.0, 10 * from.frame(), 4);
        let whole = converted(from, to, &sound);
        // One that takes over in the midst goes on with the same samples.
        let mut first = Converter::new(from, to);
        let mut heard = Vec::new();
        let mut frame = vec![0; to.frame()];
        for (index, input) in sound.chunks(from.frame()).enumerate() {
            if index == 5 {
                first = first.clone();
            }
            first.convert(input, &mut frame);
            heard.extend_from_slice(&frame);
        }
        assert_eq!(heard, whole);
    }
}

#[test]
fn full_scale_is_clipped_and_does_not_wrap() {
    for (from, to) in PAIRS {
        let square: Vec<i16> = (0..from.frame() * 4)
            .map(|n| if n / 9 % 2 == 0 { i16::MAX } else { i16::MIN })
            .collect();
        let heard = converted(from, to, &square);
        let constant = converted(from, to, &vec![i16::MIN; from.frame() * 4]);
        assert!(heard.contains(&i16::MAX) || to < from);
        assert!(
            constant[to.frame()..].iter().all(|s| *s < -32_700),
            "{from:?} {to:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_lengths_do_no_harm(
        input in prop::collection::vec(any::<i16>(), 0..1_200),
        room in 0usize..1_200,
        pair in 0usize..6,
    ) {
        let (from, to) = PAIRS[pair];
        let mut output = vec![0; room];
        Converter::new(from, to).convert(&input, &mut output);
    }
}
