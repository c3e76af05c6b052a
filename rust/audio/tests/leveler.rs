//! Quiet and loud talkers.

mod support;

use sems_audio::codec::g711;
use sems_audio::{FRAME_SAMPLES, Level, Leveler, SpeechDetector};
use support::{frames, moved, noise, rumble, sine, speech_level, spoken, syllables, together};

const SECOND: usize = 8_000;

/// The gain after each frame, in dB.
fn gains(samples: &[i16]) -> Vec<f32> {
    let (mut detector, mut leveler) = (SpeechDetector::new(), Leveler::new());
    frames(samples)
        .map(|frame| {
            let level = Level::rms(&frame);
            let speaking = detector.push(&frame, level);
            leveler.push(level, detector.noise(), speaking)
        })
        .collect()
}

/// A minute of speech at `dbov` over the noise of a line, after a trip through a phone.
fn talk(dbov: f64) -> Vec<i16> {
    let spoken = spoken();
    let db = dbov - speech_level(&spoken, -45.0);
    let sentence = moved(&spoken, db as f32);
    let mut talk = Vec::new();
    while talk.len() < 60 * SECOND {
        talk.extend_from_slice(&sentence);
    }
    let talk = together(&talk, &noise(-68.0, talk.len(), 3));
    let mut payload = vec![0; talk.len()];
    g711::encode_ulaw(&talk, &mut payload);
    let mut heard = vec![0; talk.len()];
    g711::decode_ulaw(&payload, &mut heard);
    heard
}

/// Talkers from whispering to shouting.
const LEVELS: [f64; 7] = [-40.0, -35.0, -30.0, -25.0, -20.0, -15.0, -10.0];

#[test]
fn quiet_and_loud_talkers_come_within_6_db_of_each_other_after_some_seconds() {
    let mut reached = Vec::new();
    for dbov in LEVELS {
        let gains = gains(&talk(dbov));
        // After eight seconds, pauses included.
        let after = dbov + f64::from(gains[400]);
        println!(
            "{dbov} dBov: {after:.1} after 8 s, {:.1} at the end",
            dbov + f64::from(gains[2_999])
        );
        reached.push(after);
    }
    let (softest, loudest) = reached.iter().fold((0f64, -99f64), |(low, high), level| {
        (low.min(*level), high.max(*level))
    });
    assert!(loudest - softest < 6.0, "{reached:.1?}");
}

#[test]
fn steady_speech_is_never_pumped() {
    for dbov in LEVELS {
        let gains = gains(&talk(dbov));
        let settled = &gains[750..];
        let (least, most) = settled.iter().fold((99f32, -99f32), |(low, high), gain| {
            (low.min(*gain), high.max(*gain))
        });
        let fastest = settled
            .windows(50)
            .map(|second| (second[49] - second[0]).abs())
            .fold(0.0, f32::max);
        println!("{dbov} dBov: {least:.1} to {most:.1} dB, at most {fastest:.1} dB a second");
        assert!(
            most - least <= 3.0,
            "{dbov} dBov: {least:.1} to {most:.1} dB"
        );
        assert!(fastest <= 3.0, "{dbov} dBov: {fastest:.1} dB in a second");
    }
}

#[test]
fn the_gain_holds_in_pauses() {
    let speech = talk(-36.0);
    let mut samples = speech[..20 * SECOND].to_vec();
    samples.extend(noise(-68.0, 30 * SECOND, 9));
    let gains = gains(&samples);
    let (end, later) = (gains[1_000 - 1], gains[gains.len() - 1]);
    assert!(end > 8.0, "{end}");
    assert_eq!(later, end);
}

#[test]
fn noise_alone_is_not_raised() {
    for dbov in [-60.0, -50.0, -45.0, -40.0, -35.0, -31.0] {
        let worst = |samples: &[i16]| gains(samples).into_iter().fold(0.0, f32::max);
        assert_eq!(worst(&noise(dbov, 20 * SECOND, 4)), 0.0, "white, {dbov}");
        for hz in [200.0, 500.0, 1_000.0] {
            let rumble = rumble(hz, dbov, 20 * SECOND, 4);
            let gain = worst(&rumble);
            assert!(gain < 2.0, "below {hz} Hz at {dbov} dBov: {gain:.1} dB");
        }
    }
}

#[test]
fn a_tone_is_left_as_it_is() {
    for dbov in [-35.0, -20.0, -5.0] {
        let gains = gains(&sine(8_000, 1_000.0, dbov, 10 * SECOND));
        let moved = gains.iter().fold(0f32, |most, gain| most.max(gain.abs()));
        assert!(moved < 0.1, "{dbov} dBov: {moved}");
    }
}

#[test]
fn who_begins_to_shout_is_turned_down_sooner_than_who_whispers_is_turned_up() {
    let voice = |dbov| syllables(&rumble(500.0, dbov, 10 * SECOND, 2));
    let moved = |from: f64, to: f64| {
        let gains = gains(&[voice(from), voice(to)].concat());
        (gains[500 + 50] - gains[499]).abs()
    };
    let (down, up) = (moved(-22.0, -4.0), moved(-12.0, -30.0));
    assert!(
        down > 2.0 * up,
        "{down:.1} dB down, {up:.1} dB up in a second"
    );
}

#[test]
fn gains_are_bounded() {
    let least = gains(&talk(-2.0)).into_iter().fold(0.0, f32::min);
    let most = gains(&talk(-43.0)).into_iter().fold(0.0, f32::max);
    assert!((-15.0..=-12.0).contains(&least), "{least}");
    assert!((14.0..=18.0).contains(&most), "{most}");
    assert_eq!(talk(-20.0).len() % FRAME_SAMPLES, 0);
}
