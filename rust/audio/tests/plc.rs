//! Loss that one does not hear.

mod support;

use proptest::prelude::*;
use sems_audio::{Concealer, FRAME_SAMPLES, Frame, Level, Rate, SILENCE};
use support::{frames, noise, rumble, signal_to_noise, sine};

/// Something like a voice: a low pitch with many overtones.
fn voice(hz: f64, samples: usize) -> Vec<i16> {
    let mut sum = vec![0i16; samples];
    for overtone in 1..=8 {
        let level = -20.0 - 3.0 * f64::from(overtone);
        sum = support::together(&sum, &sine(8_000, hz * f64::from(overtone), level, samples));
    }
    sum
}

/// What is heard of `signal` when the frames that `is_lost` names do not come.
fn heard(signal: &[i16], is_lost: impl Fn(usize) -> bool) -> Vec<i16> {
    let mut concealer = Concealer::new();
    let mut heard = Vec::new();
    for (index, mut frame) in frames(signal).enumerate() {
        if is_lost(index) {
            concealer.lost(&mut frame);
        } else {
            concealer.received(&mut frame);
        }
        heard.extend(frame);
    }
    heard
}

fn steepest(samples: &[i16]) -> i32 {
    samples
        .windows(2)
        .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
        .max()
        .unwrap_or(0)
}

#[test]
fn without_loss_nothing_is_changed() {
    let signal = noise(-20.0, 8_000, 1);
    assert_eq!(heard(&signal, |_| false), signal);
}

#[test]
fn a_lost_frame_of_a_voice_is_nearly_as_it_was() {
    for hz in [80.0, 110.0, 150.0, 195.0] {
        let signal = voice(hz, 8_000);
        let heard = heard(&signal, |index| index == 20);
        let gap = 20 * FRAME_SAMPLES..20 * FRAME_SAMPLES + FRAME_SAMPLES / 2;
        let ratio = signal_to_noise(&signal[gap.clone()], &heard[gap]);
        assert!(ratio > 8.0, "{hz} Hz: {ratio:.1} dB");
    }
}

#[test]
fn a_voice_at_a_higher_rate_is_concealed_as_well() {
    for rate in Rate::ALL {
        for hz in [83.0, 110.0, 151.0, 195.0] {
            let mut signal = vec![0i16; 25 * rate.frame()];
            for overtone in 1..=8 {
                let level = -20.0 - 3.0 * f64::from(overtone);
                let tone = sine(rate.hz(), hz * f64::from(overtone), level, signal.len());
                signal = support::together(&signal, &tone);
            }
            let mut concealer = Concealer::with_rate(rate.hz());
            for frame in signal[..20 * rate.frame()].chunks(rate.frame()) {
                concealer.received(&mut frame.to_vec());
            }
            let mut gap = vec![0; rate.frame()];
            concealer.lost(&mut gap);
            let half = rate.frame() / 2;
            let meant = &signal[20 * rate.frame()..][..half];
            let ratio = signal_to_noise(meant, &gap[..half]);
            assert!(ratio > 8.0, "{hz} Hz at {rate:?}: {ratio:.1} dB");
        }
    }
}

#[test]
fn neither_the_gap_nor_its_end_clicks() {
    for hz in [80.0, 110.0, 150.0, 195.0] {
        let signal = voice(hz, 16_000);
        for lost in 1..6 {
            let heard = heard(&signal, |index| index % 20 > 19 - lost);
            let (before, after) = (steepest(&signal), steepest(&heard));
            assert!(
                after < before * 5 / 4,
                "{hz} Hz, {lost} lost: {after} instead of {before}"
            );
        }
    }
    for seed in 0..10 {
        let signal = rumble(100.0, -20.0, 16_000, seed);
        let heard = heard(&signal, |index| index % 7 > 4);
        let (before, after) = (steepest(&signal), steepest(&heard));
        assert!(
            after < before * 3 / 2,
            "noise {seed}: {after} instead of {before}"
        );
    }
}

#[test]
fn a_long_gap_fades_to_silence_within_60_ms() {
    let signal = voice(120.0, 16_000);
    let heard = heard(&signal, |index| (20..40).contains(&index));
    let at = |frame: usize| Level::rms(&heard[frame * FRAME_SAMPLES..][..FRAME_SAMPLES]).dbov();
    assert!(
        at(20) > at(19) - 4,
        "the first lost frame is nearly as loud"
    );
    assert!(at(21) < at(20) && at(22) < at(21));
    assert_eq!(
        heard[23 * FRAME_SAMPLES..40 * FRAME_SAMPLES]
            .iter()
            .find(|sample| **sample != 0),
        None
    );
}

#[test]
fn the_real_signal_is_back_5_ms_after_the_gap() {
    let signal = voice(120.0, 8_000);
    let heard = heard(&signal, |index| (20..22).contains(&index));
    let back = 22 * FRAME_SAMPLES + 40;
    assert_eq!(heard[back..], signal[back..]);
}

#[test]
fn loss_before_the_first_frame_is_silence() {
    let mut concealer = Concealer::new();
    let mut frame: Frame = [99; FRAME_SAMPLES];
    concealer.lost(&mut frame);
    assert_eq!(frame, SILENCE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_signal_and_no_pattern_of_loss_overflows(
        samples in prop::collection::vec(any::<i16>(), 12 * FRAME_SAMPLES),
        lost in any::<[bool; 12]>(),
    ) {
        let heard = heard(&samples, |index| lost[index]);
        for (index, frame) in heard.chunks(FRAME_SAMPLES).enumerate() {
            let fresh = index == 0 || !lost[index - 1];
            if !lost[index] && fresh {
                prop_assert_eq!(frame, &samples[index * FRAME_SAMPLES..][..FRAME_SAMPLES]);
            }
        }
    }
}
