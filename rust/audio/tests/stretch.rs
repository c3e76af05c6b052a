//! Speech that is made shorter or longer without anybody hearing it.

mod support;

use proptest::prelude::*;
use sems_audio::stretch::{lengthen, longest, shorten};
use support::{noise, sine, together};

const RATES: [u32; 4] = [8_000, 16_000, 32_000, 48_000];

/// A low pitch with overtones.
fn voice(rate: u32, hz: f64, samples: usize) -> Vec<i16> {
    let mut sum = vec![0i16; samples];
    for overtone in 1..=8 {
        let level = -20.0 - 3.0 * f64::from(overtone);
        sum = together(&sum, &sine(rate, hz * f64::from(overtone), level, samples));
    }
    sum
}

fn ms(rate: u32, ms: usize) -> usize {
    rate as usize / 1000 * ms
}

/// Plays `sound` in packets of 20 ms, of which each tenth is made shorter or longer.
fn stretched(sound: &[i16], rate: u32, longer: bool) -> (Vec<i16>, usize) {
    let packet = ms(rate, 20);
    let (mut heard, mut changes) = (Vec::new(), 0);
    for (number, samples) in sound.chunks_exact(packet).enumerate() {
        let mut buffer = samples.to_vec();
        buffer.resize(packet + longest(rate), 0);
        let length = match (number % 10, longer) {
            (5, true) => packet + lengthen(&mut buffer, packet, rate, 0.7),
            (5, false) => packet - shorten(&mut buffer[..packet], rate, packet, 0.7),
            _ => packet,
        };
        changes += usize::from(length != packet);
        heard.extend_from_slice(&buffer[..length]);
    }
    (heard, changes)
}

fn steepest(samples: &[i16]) -> i32 {
    let steps = samples.windows(2);
    let step = |pair: &[i16]| (i32::from(pair[1]) - i32::from(pair[0])).abs();
    steps.map(step).max().unwrap_or(0)
}

#[test]
fn a_tone_stays_a_tone_at_any_rate() {
    for rate in RATES {
        for hz in [400.0, 700.0, 1_000.0, 1_400.0] {
            let tone = sine(rate, hz, -15.0, ms(rate, 4_000));
            for longer in [false, true] {
                let (heard, changes) = stretched(&tone, rate, longer);
                assert_eq!(changes, 20, "{rate} Hz, {hz} Hz");
                // Two samples of a sine tell the next; what doesn't follow is a click.
                let turn = 2.0 * (std::f64::consts::TAU * hz / f64::from(rate)).cos();
                let peak = f64::from(*heard.iter().max().unwrap());
                let clicks = heard.windows(3).map(|three| {
                    let [one, two, next] = [three[0], three[1], three[2]].map(f64::from);
                    (next - turn * two + one).abs()
                });
                let worst = clicks.fold(0.0, f64::max);
                assert!(worst < peak * 0.1, "{rate} Hz, {hz} Hz: {worst} of {peak}");
            }
        }
    }
}

#[test]
fn a_voice_loses_or_gains_whole_pitch_periods_and_does_not_click() {
    for rate in RATES {
        for hz in [85.0, 110.0, 150.0, 195.0, 240.0] {
            let voice = voice(rate, hz, ms(rate, 2_000));
            let period = f64::from(rate) / hz;
            for longer in [false, true] {
                let (heard, changes) = stretched(&voice, rate, longer);
                assert_eq!(changes, 10, "{rate} Hz, {hz} Hz");
                let change = heard.len().abs_diff(voice.len()) as f64 / changes as f64 / period;
                let whole = change.round();
                assert!(
                    whole >= 1.0 && (change - whole).abs() < 0.02,
                    "{change} periods"
                );
                assert!(steepest(&heard) < steepest(&voice) * 11 / 10);
            }
        }
    }
}

#[test]
fn noise_keeps_its_level() {
    let noise = noise(-30.0, 160_000, 1);
    let packet = 160;
    let mut heard = Vec::new();
    for samples in noise.chunks_exact(packet) {
        let mut samples = samples.to_vec();
        let cut = shorten(&mut samples, 8_000, packet, 0.0);
        assert!((20..=100).contains(&cut));
        heard.extend_from_slice(&samples[..packet - cut]);
    }
    let level = sems_audio::Level::rms(&heard).dbov();
    assert!((-32..=-30).contains(&level), "{level}");
}

#[test]
fn what_is_nowhere_like_itself_is_left_alone_if_that_is_asked() {
    let mut noise = noise(-30.0, 160, 2);
    let before = noise.clone();
    assert_eq!(shorten(&mut noise, 8_000, 160, 0.9), 0);
    assert_eq!(noise, before);
}

#[test]
fn no_more_is_cut_than_is_asked_for() {
    for at_most in 0..160 {
        let mut tone = sine(8_000, 400.0, -20.0, 160);
        let cut = shorten(&mut tone, 8_000, at_most, 0.0);
        assert!(cut <= at_most);
        assert_eq!(cut > 0, at_most >= 20, "{at_most}");
    }
}

proptest! {
    #[test]
    fn nothing_is_cut_or_added_beyond_what_was_asked_for(
        samples in prop::collection::vec(any::<i16>(), 0..1_000),
        rate in prop::sample::select(vec![0, 1_000, 8_000, 16_000, 48_000, 192_000]),
        at_most in 0usize..2_000,
        room in 0usize..1_000,
        likeness in 0f32..1.0,
    ) {
        let mut shorter = samples.clone();
        let cut = shorten(&mut shorter, rate, at_most, likeness);
        prop_assert!(cut <= at_most && cut <= samples.len());
        prop_assert!(cut > 0 || shorter == samples);

        let mut longer = samples.clone();
        longer.resize(samples.len() + room, 77);
        let added = lengthen(&mut longer, samples.len(), rate, likeness);
        prop_assert!(added <= room && added <= longest(rate));
        prop_assert_eq!(&longer[..added], &samples[..added]);
        let (tail, end) = (samples.len() / 8, samples.len() + added);
        prop_assert_eq!(&longer[end - tail..end], &samples[samples.len() - tail..]);
    }
}
