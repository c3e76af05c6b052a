//! Who hears whom, and how loud.

mod support;

use proptest::prelude::*;
use sems_audio::{FRAME_SAMPLES, Frame, Gain, Personal, Rate, SILENCE, Sum, dtmf::goertzel};
use support::{frames, sine};

fn heard_by_all(sum: &Sum) -> Frame {
    let mut heard = SILENCE;
    sum.all(&mut heard);
    heard
}

fn heard_without(sum: &Sum, own: &Frame, gain: Gain) -> Frame {
    let mut heard = SILENCE;
    sum.all_but(own, gain, &mut heard);
    heard
}

#[test]
fn each_of_three_hears_the_other_two_and_never_itself() {
    let pitches = [400.0, 1_000.0, 2_200.0];
    let voices = pitches.map(|hz| frames(&sine(8_000, hz, -20.0, 800)).collect::<Vec<_>>());
    let mut heard = [const { Vec::new() }; 3];
    let mut sum = Sum::new(Rate::Narrow);
    for tick in 0..5 {
        sum.clear();
        for voice in &voices {
            sum.add(&voice[tick], Gain::UNITY);
        }
        for (heard, voice) in heard.iter_mut().zip(&voices) {
            heard.extend(heard_without(&sum, &voice[tick], Gain::UNITY));
        }
    }
    for (listener, heard) in heard.iter().enumerate() {
        for (speaker, hz) in pitches.into_iter().enumerate() {
            let level = goertzel(heard, 8_000, hz as f32);
            if speaker == listener {
                assert!(level < -70.0, "{listener} hears itself at {level:.0} dBov");
            } else {
                assert!(
                    (level + 20.0).abs() < 0.5,
                    "{listener} hears {speaker} at {level:.0}"
                );
            }
        }
    }
}

#[test]
fn a_loud_room_leaves_a_quiet_voice_undistorted_in_the_shouters_ear() {
    let quiet: Frame = std::array::from_fn(|n| n as i16 - 80);
    let shout = [32_000; FRAME_SAMPLES];
    let mut sum = Sum::new(Rate::Narrow);
    sum.add(&quiet, Gain::UNITY);
    sum.add(&shout, Gain::UNITY);
    assert_eq!(heard_without(&sum, &shout, Gain::UNITY), quiet);
}

#[test]
fn a_sum_beyond_full_scale_is_clipped_and_does_not_wrap() {
    let mut sum = Sum::new(Rate::Narrow);
    for _ in 0..1_000 {
        sum.add(&[i16::MAX; FRAME_SAMPLES], Gain::MAX);
    }
    assert_eq!(heard_by_all(&sum), [i16::MAX; FRAME_SAMPLES]);
    sum.clear();
    for _ in 0..1_000 {
        sum.add(&[i16::MIN; FRAME_SAMPLES], Gain::MAX);
    }
    assert_eq!(heard_by_all(&sum), [i16::MIN; FRAME_SAMPLES]);
}

#[test]
fn a_room_in_which_nobody_speaks_is_silent() {
    assert_eq!(heard_by_all(&Sum::new(Rate::Narrow)), SILENCE);
}

#[test]
fn a_gain_in_decibels_moves_the_level_by_as_much() {
    let voice: Vec<i16> = sine(8_000, 1_000.0, -30.0, FRAME_SAMPLES);
    let frame = frames(&voice).next().expect("one frame");
    for db in [-20.0, -6.0, 0.0, 6.0, 18.0] {
        let mut sum = Sum::new(Rate::Narrow);
        sum.add(&frame, Gain::from_db(db));
        let level = goertzel(&heard_by_all(&sum), 8_000, 1_000.0);
        assert!(
            (level - (db - 30.0)).abs() < 0.1,
            "{db} dB gave {level} dBov"
        );
    }
}

#[test]
fn gains_out_of_range_are_limited_and_nonsense_mutes() {
    assert_eq!(Gain::from_db(60.0), Gain::MAX);
    assert_eq!(Gain::from_factor(-1.0), Gain::MUTE);
    assert_eq!(Gain::from_factor(f32::NAN), Gain::MUTE);
    assert_eq!(Gain::from_factor(f32::INFINITY), Gain::MAX);
    assert_eq!(Gain::from_db(f32::NEG_INFINITY), Gain::MUTE);
    assert_eq!(Gain::from_db(0.0), Gain::UNITY);
    assert_eq!(Gain::from_factor(2.0).factor(), 2.0);
}

fn any_frame() -> impl Strategy<Value = Frame> {
    prop::collection::vec(any::<i16>(), FRAME_SAMPLES)
        .prop_map(|samples| std::array::from_fn(|n| samples[n]))
}

fn any_gain() -> impl Strategy<Value = Gain> {
    prop_oneof![
        Just(Gain::UNITY),
        Just(Gain::MUTE),
        Just(Gain::MAX),
        (0f32..7.94).prop_map(Gain::from_factor),
    ]
}

#[test]
fn a_personal_row_is_plain_until_something_is_set_and_again_after() {
    let mut row = Personal::new();
    assert!(row.is_plain() && row.is_empty());
    for (who, db) in [(3, -6.0), (1, 0.0), (2, 6.0), (3, -12.0)] {
        row.set_gain(who, Some(Gain::from_db(db)));
    }
    assert_eq!((row.len(), row.gain(3)), (3, Some(Gain::from_db(-12.0))));
    assert_eq!((row.gain(1), row.gain(4)), (Some(Gain::UNITY), None));
    for who in 1..=4 {
        row.set_gain(who, None);
    }
    assert!(row.is_plain());
    row.set_room(Gain::MUTE);
    assert!(!row.is_plain());
}

#[test]
fn a_whisper_is_for_whom_it_is_meant_and_as_loud_as_he_wants_it() {
    let mut row = Personal::new();
    row.set_gain(1, Some(Gain::from_db(-6.0)));
    assert_eq!(row.whisper(1), None);
    for who in [1, 2] {
        row.set_whisper(who, true);
    }
    assert_eq!(row.whisper(1), Some(Gain::from_db(-6.0)));
    assert_eq!((row.whisper(2), row.gain(2)), (Some(Gain::UNITY), None));
    row.set_whisper(1, false);
    row.set_whisper(2, false);
    assert_eq!((row.len(), row.gain(1)), (1, Some(Gain::from_db(-6.0))));
    row.forget(1);
    row.forget(2);
    assert!(row.is_plain());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_room_turned_down_is_what_each_sample_turned_down_would_be(
        room in prop::collection::vec(any_frame(), 1..8), gain in any_gain(),
    ) {
        let mut sum = Sum::new(Rate::Narrow);
        for frame in &room {
            sum.add(frame, Gain::UNITY);
        }
        sum.scale(gain);
        let steps = i64::from((gain.factor() * 4096.0) as i32);
        for (place, scaled) in sum.samples().iter().enumerate() {
            let whole: i64 = room.iter().map(|frame| i64::from(frame[place])).sum();
            prop_assert_eq!(i64::from(*scaled), (whole * steps + 2048).div_euclid(4096));
        }
    }

    #[test]
    fn partial_sums_add_up_to_the_sum(
        here in prop::collection::vec(any_frame(), 0..5), there in prop::collection::vec(any_frame(), 0..5),
    ) {
        let (mut one, mut two, mut whole) = (Sum::new(Rate::Narrow), Sum::new(Rate::Narrow), Sum::new(Rate::Narrow));
        here.iter().for_each(|frame| one.add(frame, Gain::UNITY));
        there.iter().for_each(|frame| two.add(frame, Gain::UNITY));
        here.iter().chain(&there).for_each(|frame| whole.add(frame, Gain::UNITY));
        one.add_sum(two.samples());
        prop_assert_eq!(one.samples(), whole.samples());
    }

    #[test]
    fn who_speaks_hears_exactly_what_the_others_alone_would_be(
        room in prop::collection::vec((any_frame(), any_gain()), 1..8),
    ) {
        let mut sum = Sum::new(Rate::Narrow);
        for (frame, gain) in &room {
            sum.add(frame, *gain);
        }
        for (own, (frame, gain)) in room.iter().enumerate() {
            let mut others = Sum::new(Rate::Narrow);
            for (_, (frame, gain)) in room.iter().enumerate().filter(|(index, _)| *index != own) {
                others.add(frame, *gain);
            }
            prop_assert_eq!(heard_without(&sum, frame, *gain), heard_by_all(&others));
        }
    }

    #[test]
    fn a_personal_mix_is_the_room_with_one_voice_exchanged(
        voice in any_frame(), other in any_frame(), room in any_gain(), personal in any_gain(),
    ) {
        let mut sum = Sum::new(Rate::Narrow);
        sum.add(&voice, room);
        sum.add(&other, Gain::UNITY);
        let mut mine = sum.clone();
        mine.subtract(&voice, room);
        mine.add(&voice, personal);
        let mut expected = Sum::new(Rate::Narrow);
        expected.add(&voice, personal);
        expected.add(&other, Gain::UNITY);
        prop_assert_eq!(heard_by_all(&mine), heard_by_all(&expected));
    }

    #[test]
    fn unity_gain_is_the_sample_itself(voice in any_frame()) {
        let mut sum = Sum::new(Rate::Narrow);
        sum.add(&voice, Gain::UNITY);
        prop_assert_eq!(heard_by_all(&sum), voice);
        sum.subtract(&voice, Gain::UNITY);
        prop_assert_eq!(heard_by_all(&sum), SILENCE);
    }
}
