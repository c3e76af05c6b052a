//! Tones and chimes.

mod support;

use sems_audio::dtmf::{self, goertzel};
use sems_audio::tone::{self, PATTERNS, Part, Pattern, Tone};
use sems_audio::{Level, SAMPLE_RATE};

fn steepest(samples: &[i16]) -> i32 {
    samples
        .windows(2)
        .map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs())
        .max()
        .unwrap_or(0)
}

/// Which of `pitches` is loudest in `samples`.
fn loudest(samples: &[i16], pitches: &[f32]) -> f32 {
    *pitches
        .iter()
        .max_by(|left, right| {
            goertzel(samples, SAMPLE_RATE, **left).total_cmp(&goertzel(
                samples,
                SAMPLE_RATE,
                **right,
            ))
        })
        .expect("there are pitches")
}

#[test]
fn a_sine_has_the_level_and_the_frequency_asked_for() {
    let samples = support::generated(1_000.0, -20);
    assert_eq!(Level::rms(&samples).dbov(), -20);
    assert!((goertzel(&samples, SAMPLE_RATE, 1_000.0) + 20.0).abs() < 0.2);
    assert!(goertzel(&samples, SAMPLE_RATE, 1_200.0) < -70.0);
}

#[test]
fn ringback_sounds_one_second_in_five_and_goes_on() {
    let mut tone = Tone::new(tone::RINGBACK, SAMPLE_RATE);
    for _ in 0..3 {
        let mut turn = vec![0; 5 * 8_000];
        assert_eq!(tone.fill(&mut turn), turn.len());
        assert_eq!(Level::rms(&turn[..8_000]).dbov(), -22);
        assert_eq!(Level::peak(&turn[8_000..]), Level::SILENCE);
    }
    assert!(!tone.has_ended());
}

#[test]
fn dial_tone_runs_through_its_repetitions_without_a_seam() {
    let mut samples = vec![0; 3 * 8_000];
    Tone::new(tone::DIAL, SAMPLE_RATE).fill(&mut samples);
    assert!(goertzel(&samples[100..], SAMPLE_RATE, 425.0) > -22.3);
    // Of a seam there would be something in the band beside the tone.
    assert!(goertzel(&samples[6_000..10_000], SAMPLE_RATE, 700.0) < -80.0);
}

#[test]
fn no_pattern_clicks_or_overloads() {
    for (name, pattern) in PATTERNS {
        let samples = pattern.render(SAMPLE_RATE);
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        assert!(first.abs() < 300, "{name} starts at {first}");
        assert!(
            pattern.repeats() || last.abs() < 300,
            "{name} ends at {last}"
        );
        // No step is steeper than that of its highest note at its full level, plus a ramp.
        assert!(
            steepest(&samples) < 9_000,
            "{name} has a step of {}",
            steepest(&samples)
        );
        assert!(
            Level::peak(&samples).dbov() <= -9,
            "{name} peaks at {:?}",
            Level::peak(&samples)
        );
        assert!(Level::rms(&samples).dbov() >= -36, "{name} is inaudible");
    }
}

#[test]
fn chimes_are_short() {
    for name in ["join", "leave", "mute", "unmute", "hand-up", "hand-down"] {
        let pattern = tone::by_name(name).expect("it is shipped");
        assert!(
            !pattern.repeats() && pattern.ms() <= 400,
            "{name} lasts {} ms",
            pattern.ms()
        );
    }
}

#[test]
fn rising_chimes_are_on_and_falling_ones_off() {
    let pitches = [293.66, 392.0, 523.25, 783.99, 880.0, 1_108.73, 1_318.51];
    for (name, first, last) in [
        ("join", 523.25, 783.99),
        ("leave", 783.99, 523.25),
        ("mute", 392.0, 293.66),
        ("unmute", 293.66, 392.0),
        ("hand-up", 880.0, 1_318.51),
        ("hand-down", 1_318.51, 880.0),
    ] {
        let samples = tone::by_name(name)
            .expect("it is shipped")
            .render(SAMPLE_RATE);
        assert_eq!(loudest(&samples[..70 * 8], &pitches), first, "{name}");
        assert_eq!(
            loudest(&samples[samples.len() - 110 * 8..], &pitches),
            last,
            "{name}"
        );
    }
}

#[test]
fn a_tone_ends_with_its_pattern_and_leaves_silence_behind() {
    let mut tone = Tone::new(tone::BEEP, SAMPLE_RATE);
    let mut samples = vec![1; 400 * 8 + 100];
    assert_eq!(tone.fill(&mut samples), 400 * 8);
    assert!(tone.has_ended());
    assert!(samples[400 * 8..].iter().all(|sample| *sample == 0));
    assert_eq!(tone.fill(&mut samples), 0);
}

#[test]
fn frames_and_one_piece_sound_the_same() {
    let whole = tone::JOIN.render(SAMPLE_RATE);
    let mut tone = Tone::new(tone::JOIN, SAMPLE_RATE);
    let mut pieces: Vec<i16> = Vec::new();
    let mut piece = [0; 160];
    while !tone.has_ended() {
        let played = tone.fill(&mut piece);
        pieces.extend(&piece[..played]);
        if played == 0 {
            break;
        }
    }
    assert_eq!(pieces, whole);
}

#[test]
fn two_parts_of_one_sound_join_without_a_seam() {
    let pattern = Pattern::from_parts(vec![Part::sine(500.0, -20, 37), Part::sine(500.0, -20, 63)]);
    let one = Pattern::from_parts(vec![Part::sine(500.0, -20, 100)]);
    let (two, one) = (pattern.render(SAMPLE_RATE), one.render(SAMPLE_RATE));
    assert!(support::signal_to_noise(&one, &two) > 60.0);
}

#[test]
fn patterns_of_no_length_end_at_once() {
    let mut samples = [5; 160];
    for pattern in [
        Pattern::forever(&[]),
        Pattern::forever(&const { [Part::pause(0)] }),
        Pattern::once(&[]),
    ] {
        assert_eq!(Tone::new(pattern, SAMPLE_RATE).fill(&mut samples), 0);
        assert_eq!(samples, [0; 160]);
    }
    assert_eq!(Tone::new(tone::DIAL, 0).fill(&mut samples), 0);
}

#[test]
fn every_key_is_its_two_frequencies_and_no_others() {
    let all = [
        697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_477.0, 1_633.0,
    ];
    for key in "0123456789*#ABCD".chars() {
        let (low, high) = dtmf::frequencies(key).expect("it is a key");
        let samples = dtmf::pattern(&key.to_string(), 100, 0)
            .expect("it is a key")
            .render(SAMPLE_RATE);
        for hz in all {
            let level = goertzel(&samples, SAMPLE_RATE, hz);
            if hz == low || hz == high {
                assert!(
                    (level + 13.0).abs() < 1.5,
                    "{key}: {hz} Hz at {level:.1} dBov"
                );
            } else {
                assert!(level < -35.0, "{key}: {hz} Hz at {level:.1} dBov");
            }
        }
    }
}

#[test]
fn keys_are_as_long_and_as_far_apart_as_asked() {
    let samples = dtmf::pattern("12", 60, 40)
        .expect("both are keys")
        .render(SAMPLE_RATE);
    assert_eq!(samples.len(), 200 * 8);
    assert!(samples[60 * 8..100 * 8].iter().all(|sample| *sample == 0));
    assert!(Level::rms(&samples[105 * 8..155 * 8]).dbov() >= -11);
}

#[test]
fn what_is_no_key_has_no_tone() {
    assert_eq!(dtmf::frequencies('d'), dtmf::frequencies('D'));
    for key in ['E', ' ', '٣', 'ſ', '\0'] {
        assert_eq!(dtmf::frequencies(key), None);
    }
    assert_eq!(dtmf::pattern("1x2", 100, 100), None);
}

#[test]
fn the_ear_reports_silence_as_such() {
    assert_eq!(goertzel(&[0; 160], SAMPLE_RATE, 1_000.0), -127.0);
    assert_eq!(goertzel(&[], SAMPLE_RATE, 1_000.0), -127.0);
    assert_eq!(goertzel(&[1; 160], 0, 1_000.0), -127.0);
}

#[test]
fn every_country_has_every_tone_and_none_clicks() {
    for country in tone::COUNTRIES {
        for name in [
            "dial",
            "ringback",
            "busy",
            "congestion",
            "waiting",
            "special",
        ] {
            let pattern = tone::of(country.name, name).unwrap();
            assert!(pattern.repeats(), "{name}:{}", country.name);
            let samples = pattern.render(8_000);
            let loudest = samples.iter().map(|sample| sample.unsigned_abs()).max();
            assert!(
                (2_000..8_000).contains(&loudest.unwrap()),
                "{name}:{}",
                country.name
            );
            // Turn after turn, as when it is played over and over.
            let turns = [samples.clone(), samples].concat();
            assert!(steepest(&turns) < 5_000, "{name}:{}", country.name);
        }
        assert_eq!(
            tone::of(country.name, "reorder"),
            tone::of(country.name, "congestion")
        );
        assert_eq!(tone::of(country.name, "nonsense"), None);
    }
    assert_eq!(tone::of("xx", "busy"), None);
}

#[test]
fn american_busy_is_480_and_620_hz_half_a_second_on_and_off() {
    let samples = tone::of("us", "busy").unwrap().render(8_000);
    assert_eq!(samples.len(), 8_000);
    let (on, off) = samples.split_at(4_000);
    for (hz, level) in [(480.0, -25.0), (620.0, -25.0)] {
        let heard = sems_audio::dtmf::goertzel(&on[400..3_600], 8_000, hz);
        assert!((heard - level).abs() < 0.5, "{hz} Hz: {heard}");
    }
    assert!(off.iter().all(|sample| *sample == 0));
}

#[test]
fn a_sound_that_goes_on_has_turns_that_join_without_a_seam() {
    let turn = tone::of("us", "dial").unwrap().render(8_000);
    let turns = [turn.clone(), turn].concat();
    let level = |samples: &[i16]| sems_audio::dtmf::goertzel(samples, 8_000, 440.0);
    let (seam, middle) = (level(&turns[7_800..8_200]), level(&turns[3_800..4_200]));
    assert!((seam - middle).abs() < 0.2, "{seam} {middle}");
}
