//! Who is speaking.

mod support;

use sems_audio::codec::g711;
use sems_audio::{Level, Rate, SILENCE, SpeechDetector};
use support::{frames, moved, noise, rumble, sine, spoken, syllables, together};

const SECOND: usize = 8_000;

/// What the detector says of each frame.
fn speaking(detector: &mut SpeechDetector, samples: &[i16]) -> Vec<bool> {
    frames(samples)
        .map(|frame| detector.push(&frame, Level::rms(&frame)))
        .collect()
}

fn share(speaking: &[bool]) -> f64 {
    speaking.iter().filter(|speaking| **speaking).count() as f64 / speaking.len() as f64
}

/// After a trip through a phone.
fn coded(samples: &[i16]) -> Vec<i16> {
    let mut payload = vec![0; samples.len()];
    g711::encode_alaw(samples, &mut payload);
    let mut heard = vec![0; samples.len()];
    g711::decode_alaw(&payload, &mut heard);
    heard
}

#[test]
fn a_steady_test_tone_speaks_for_as_long_as_it_lasts() {
    for dbov in [-10.0, -20.0, -29.0, -33.0, -40.0] {
        for hz in [200.0, 440.0, 1_004.0, 2_600.0, 3_300.0] {
            let tone = coded(&sine(8_000, hz, dbov, 60 * SECOND));
            let heard = speaking(&mut SpeechDetector::new(), &tone);
            assert!(
                heard[2..].iter().all(|speaking| *speaking),
                "{hz} Hz at {dbov} dBov"
            );
        }
    }
}

#[test]
fn speech_is_seen_within_60_ms_and_its_end_within_320() {
    let mut detector = SpeechDetector::new();
    speaking(&mut detector, &noise(-60.0, 3 * SECOND, 1));
    let heard = speaking(&mut detector, &sine(8_000, 300.0, -20.0, SECOND));
    assert_eq!(heard.iter().position(|speaking| *speaking), Some(1));
    let heard = speaking(&mut detector, &noise(-60.0, SECOND, 2));
    let end = heard
        .iter()
        .position(|speaking| !speaking)
        .expect("it ends");
    assert!((13..=16).contains(&end), "{} ms", end * 20);
    assert!(!detector.is_speaking());
}

#[test]
fn pauses_between_syllables_do_not_end_speech() {
    let mut detector = SpeechDetector::new();
    let mut heard = Vec::new();
    for seed in 0..20 {
        heard.extend(speaking(
            &mut detector,
            &rumble(600.0, -22.0, SECOND / 5, seed),
        ));
        heard.extend(speaking(&mut detector, &noise(-60.0, SECOND / 5, seed)));
    }
    assert_eq!(heard[1..].iter().position(|speaking| !speaking), None);
}

#[test]
fn silence_never_speaks() {
    let mut detector = SpeechDetector::new();
    for _ in 0..1_000 {
        assert!(!detector.push(&SILENCE, Level::SILENCE));
    }
}

#[test]
fn comfort_noise_never_speaks_even_where_it_starts() {
    for dbov in [-70.0, -60.0, -50.0, -45.0, -40.0, -32.0] {
        let mut detector = SpeechDetector::new();
        for seed in 0..5 {
            assert_eq!(
                share(&speaking(
                    &mut detector,
                    &coded(&noise(dbov, 4 * SECOND, seed))
                )),
                0.0
            );
            speaking(&mut detector, &[0; SECOND]);
        }
    }
}

#[test]
fn the_noise_of_a_room_or_a_car_is_learnt_within_three_seconds() {
    for (hz, dbov) in [
        (1_000.0, -45.0),
        (500.0, -40.0),
        (200.0, -36.0),
        (60.0, -36.0),
    ] {
        let mut detector = SpeechDetector::new();
        let heard = speaking(&mut detector, &coded(&rumble(hz, dbov, 30 * SECOND, 7)));
        let later = share(&heard[150..]);
        assert!(
            later < 0.02,
            "rumble below {hz} Hz at {dbov} dBov speaks {later:.3} of the time"
        );
    }
}

#[test]
fn noise_that_begins_is_taken_for_speech_for_half_a_second_at_most() {
    for (hz, dbov) in [(2_000.0, -34.0), (1_000.0, -36.0), (500.0, -40.0)] {
        let mut detector = SpeechDetector::new();
        speaking(&mut detector, &noise(-65.0, 3 * SECOND, 1));
        let heard = speaking(&mut detector, &coded(&rumble(hz, dbov, 4 * SECOND, 5)));
        let spoke = heard.iter().filter(|speaking| **speaking).count();
        // The hangover is a part of it.
        assert!(spoke <= 25 + 15, "{hz} Hz at {dbov} dBov: {spoke} frames");
        assert!(!heard[heard.len() - 100..].contains(&true));
    }
}

#[test]
fn the_noise_of_a_line_is_known_after_half_a_second_and_through_speech() {
    let mut detector = SpeechDetector::new();
    speaking(&mut detector, &noise(-50.0, SECOND / 2, 1));
    let known = detector.noise().dbov();
    assert!((-53..=-49).contains(&known), "{known}");
    for seed in 0..10 {
        let word = syllables(&rumble(500.0, -24.0, SECOND / 2, seed));
        let word = together(&word, &noise(-50.0, word.len(), seed));
        speaking(&mut detector, &word);
        speaking(&mut detector, &noise(-50.0, SECOND / 4, seed));
    }
    let known = detector.noise().dbov();
    assert!((-53..=-49).contains(&known), "{known}");
}

#[test]
fn mains_hum_is_learnt_as_noise() {
    let heard = speaking(
        &mut SpeechDetector::new(),
        &sine(8_000, 50.0, -35.0, 10 * SECOND),
    );
    assert_eq!(share(&heard[150..]), 0.0);
}

#[test]
fn at_higher_rates_tones_speak_and_noise_does_not() {
    for rate in [Rate::Wide, Rate::Full] {
        let verdicts = |samples: Vec<i16>| {
            let mut detector = SpeechDetector::new();
            let frames = samples.chunks(rate.frame());
            let verdicts = frames.map(|frame| detector.push(frame, Level::rms(frame)));
            verdicts.collect::<Vec<_>>()
        };
        let samples = 100 * rate.frame();
        assert_eq!(share(&verdicts(noise(-36.0, samples, 5))), 0.0, "{rate:?}");
        for hz in [440.0, 3_000.0, 6_000.0] {
            let heard = verdicts(sine(rate.hz(), hz, -36.0, samples));
            assert_eq!(share(&heard[1..]), 1.0, "{hz} Hz at {rate:?}");
        }
    }
}

#[test]
fn a_click_is_not_speech() {
    let mut detector = SpeechDetector::new();
    let mut click = SILENCE;
    click[80..90].fill(20_000);
    assert!(!detector.push(&click, Level::rms(&click)));
    for _ in 0..50 {
        assert!(!detector.push(&SILENCE, Level::SILENCE));
    }
}

#[test]
fn a_voice_is_heard_above_the_noise_of_its_room() {
    let mut detector = SpeechDetector::new();
    let noise = rumble(500.0, -42.0, 10 * SECOND, 3);
    speaking(&mut detector, &noise[..5 * SECOND]);
    let voice = together(
        &noise[5 * SECOND..7 * SECOND],
        &rumble(700.0, -26.0, 2 * SECOND, 9),
    );
    assert!(share(&speaking(&mut detector, &voice)) > 0.95);
}

#[test]
fn soft_words_of_a_second_are_heard_to_their_ends() {
    let mut detector = SpeechDetector::new();
    for seed in 0..10 {
        let word = syllables(&rumble(300.0, -34.0, SECOND * 6 / 5, seed));
        let heard = speaking(&mut detector, &word);
        assert_eq!(
            heard[2..].iter().position(|speaking| !speaking),
            None,
            "word {seed}"
        );
        speaking(&mut detector, &noise(-62.0, SECOND * 2 / 5, seed));
    }
}

/// A spoken sentence of ten seconds at about −20 dBov, moved by `db`, over the noise of a line.
fn sentence(db: f32) -> Vec<i16> {
    let moved = moved(&spoken(), db);
    coded(&together(&moved, &noise(-60.0, moved.len(), 11)))
}

#[test]
fn a_spoken_sentence_speaks_nearly_throughout_loud_or_soft() {
    for (db, least) in [(6.0, 0.85), (0.0, 0.85), (-10.0, 0.8), (-18.0, 0.7)] {
        let share = share(&speaking(&mut SpeechDetector::new(), &sentence(db)));
        assert!(
            share > least,
            "moved by {db} dB it speaks {share:.2} of the time"
        );
    }
}

#[test]
fn a_spoken_sentence_is_not_learnt_as_noise() {
    let mut detector = SpeechDetector::new();
    let first = share(&speaking(&mut detector, &sentence(-10.0)));
    let mut last = first;
    for _ in 0..6 {
        last = share(&speaking(&mut detector, &sentence(-10.0)));
    }
    assert!(
        last > first - 0.03,
        "{first:.2} at first, {last:.2} after a minute"
    );
}
