//! What of a line is let into a room.

mod support;

use proptest::prelude::*;
use sems_audio::{FRAME_SAMPLES, Gate, Level, SpeechDetector};
use support::{frames, noise, rumble, sine, syllables, together};

const SECOND: usize = 8_000;

/// One line: its noise is learnt as it is in a leg.
#[derive(Default)]
struct Line {
    detector: SpeechDetector,
    gate: Gate,
}

impl Line {
    /// Whether each frame passes.
    fn passes(&mut self, samples: &[i16]) -> Vec<bool> {
        frames(samples)
            .map(|frame| {
                let level = Level::rms(&frame);
                self.detector.push(&frame, level);
                self.gate.push(level, self.detector.noise())
            })
            .collect()
    }
}

#[test]
fn the_noise_of_a_line_is_kept_out_after_a_second() {
    for dbov in [-62.0, -58.0, -54.0, -50.0] {
        let passes = Line::default().passes(&noise(dbov, 20 * SECOND, 1));
        assert!(!passes[50..].contains(&true), "white noise at {dbov} dBov");
    }
    for (hz, dbov) in [(1_000.0, -52.0), (500.0, -55.0)] {
        let passes = Line::default().passes(&rumble(hz, dbov, 20 * SECOND, 1));
        let open = passes[50..].iter().filter(|passes| **passes).count();
        assert!(open < 50, "below {hz} Hz at {dbov} dBov: {open} frames");
    }
}

#[test]
fn a_word_is_let_in_with_its_beginning() {
    for noise_dbov in [-70.0, -60.0, -54.0] {
        for seed in 0..10 {
            let mut line = Line::default();
            line.passes(&noise(noise_dbov, 3 * SECOND, seed));
            // A soft fricative of 100 ms, then a vowel.
            let soft = noise(noise_dbov + 12.0, SECOND / 10, seed + 100);
            let vowel = rumble(600.0, -26.0, SECOND / 2, seed);
            let word = [soft, vowel].concat();
            let word = together(&word, &noise(noise_dbov, word.len(), seed + 50));
            let passes = line.passes(&word);
            if noise_dbov + 12.0 > -60.0 {
                assert!(passes[0], "noise of {noise_dbov} dBov, word {seed}");
            }
            assert!(
                !passes[5..].contains(&false),
                "noise of {noise_dbov} dBov, word {seed}"
            );
        }
    }
}

#[test]
fn a_soft_ending_is_heard_out_and_then_the_gate_shuts() {
    let mut line = Line::default();
    line.passes(&noise(-56.0, 3 * SECOND, 1));
    line.passes(&syllables(&rumble(600.0, -24.0, SECOND, 1)));
    let passes = line.passes(&noise(-56.0, SECOND, 2));
    let shut = passes.iter().position(|passes| !passes).expect("it shuts");
    assert!((9..=12).contains(&shut), "{} ms", shut * 20);
    assert!(!passes[shut..].contains(&true));
}

#[test]
fn whatever_is_loud_passes_however_steady_it_is() {
    let tone = sine(8_000, 1_000.0, -20.0, 30 * SECOND);
    assert!(!Line::default().passes(&tone).contains(&false));
    let engine = rumble(200.0, -30.0, 30 * SECOND, 3);
    assert!(!Line::default().passes(&engine).contains(&false));
}

proptest! {
    #[test]
    fn nothing_below_60_dbov_opens_and_all_above_42_does(
        levels in prop::collection::vec((-127i8..=0, -127i8..=0), 1..200),
    ) {
        let mut gate = Gate::new();
        let mut since = usize::MAX;
        for (level, noise) in levels {
            let passes = gate.push(Level::from_dbov(level), Level::from_dbov(noise));
            since = if level >= -60 { 0 } else { since.saturating_add(1) };
            prop_assert!(!passes || since < 10);
            prop_assert!(passes || level < -42);
        }
        prop_assert!(FRAME_SAMPLES > 0);
    }
}
