//! Quiet and loud talkers, and many at once.

use sems_audio::{FRAME_SAMPLES, codec::g711, dtmf::goertzel};
use sems_engine::{
    command::{MediaCommand, RoomSettings},
    ids::RoomId,
};

use crate::stage::{Stage, TICK};

/// A voice that speaks four syllables a second, three seconds of five; loudness in dBov.
fn voice(pitch: f64, dbov: f64, seconds: usize) -> Vec<i16> {
    let tau = std::f64::consts::TAU;
    let amplitude = 32_768.0 * 10f64.powf(dbov / 20.0);
    (0..seconds * 8_000)
        .map(|n| {
            let time = n as f64 / 8_000.0;
            if time % 5.0 > 3.0 {
                return 0;
            }
            let syllable = 10f64.powf(-12.0 / 20.0 * (1.0 - (tau * 4.0 * time).sin()));
            let wave: f64 = (1..8)
                .map(|overtone| {
                    (tau * pitch * f64::from(overtone) * time).sin() / f64::from(overtone)
                })
                .sum();
            (amplitude * 1.6 * syllable * wave) as i16
        })
        .collect()
}

/// What `listener` hears while `talker` says this.
fn say(stage: &mut Stage, talker: usize, samples: &[i16], listener: usize) -> Vec<i16> {
    stage.forget();
    for frame in samples.chunks_exact(FRAME_SAMPLES) {
        let mut payload = [0; FRAME_SAMPLES];
        g711::encode_ulaw(frame, &mut payload);
        let phone = &mut stage.phones[talker];
        phone.send(0, false, &payload);
        phone.timestamp = phone.timestamp.wrapping_add(FRAME_SAMPLES as u32);
        stage.sleep(TICK);
    }
    stage.phones[listener].heard()
}

/// The mean level of frames that sound, in dBov.
fn level(samples: &[i16]) -> f64 {
    let power = |frame: &[i16]| {
        let energy: f64 = frame.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        energy / frame.len() as f64 / f64::from(1u32 << 30)
    };
    let sounding: Vec<f64> = samples
        .chunks_exact(FRAME_SAMPLES)
        .map(power)
        .filter(|power| *power > 1e-6)
        .collect();
    10.0 * (sounding.iter().sum::<f64>() / sounding.len() as f64).log10()
}

fn room_of_two(settings: RoomSettings) -> (Stage, RoomId) {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    stage.must(MediaCommand::SetRoom { room, settings });
    for _ in 0..2 {
        let phone = stage.call(0);
        stage.join(phone, room);
        stage.phones[phone].sends = false;
    }
    (stage, room)
}

const LEVELED: RoomSettings = RoomSettings {
    level_control: true,
    noise_gate: true,
    max_talkers: None,
};

#[test]
fn a_whisper_and_a_shout_are_heard_within_6_db_of_each_other() {
    let heard = [-36.0, -24.0, -12.0].map(|dbov| {
        let (mut stage, _) = room_of_two(LEVELED);
        let heard = say(&mut stage, 0, &voice(140.0, dbov, 15), 1);
        level(&heard[heard.len() - 5 * 8_000..])
    });
    let (low, high) = (
        heard.iter().copied().fold(0.0, f64::min),
        heard.iter().copied().fold(-99.0, f64::max),
    );
    assert!(high - low < 6.0, "{heard:.1?}");
}

#[test]
fn without_level_control_everybody_is_as_loud_as_he_is() {
    let (mut stage, _) = room_of_two(RoomSettings::default());
    let said = voice(140.0, -36.0, 10);
    let heard = say(&mut stage, 0, &said, 1);
    let difference = level(&heard[3 * 8_000..]) - level(&said[3 * 8_000..]);
    assert!(difference.abs() < 0.5, "{difference}");
}

#[test]
fn a_caller_by_itself_hears_its_echo_as_it_was() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.phones[phone].sends = false;
    let call = stage.phones[phone].call;
    stage.must(MediaCommand::Echo {
        call,
        on: true,
        line: None,
    });
    let said = voice(140.0, -36.0, 10);
    let heard = say(&mut stage, phone, &said, phone);
    let difference = level(&heard[3 * 8_000..]) - level(&said[3 * 8_000..]);
    assert!(difference.abs() < 0.5, "{difference}");
}

#[test]
fn level_control_follows_a_call_through_its_pauses_without_raising_them() {
    let (mut stage, _) = room_of_two(LEVELED);
    say(&mut stage, 0, &voice(140.0, -36.0, 15), 1);
    let hiss: Vec<i16> = (0..3 * 8_000)
        .map(|n: i32| ((n * 7_919) % 23 - 11) as i16)
        .collect();
    let heard = say(&mut stage, 0, &hiss, 1);
    let end = &heard[heard.len() - 8_000..];
    assert!(end.iter().all(|sample| *sample == 0), "noise is let in");
}

#[test]
fn six_loud_talkers_at_once_are_turned_down_and_not_cut_off() {
    let mut stage = Stage::new(1);
    let (room, _) = stage.conference(&[400.0; 6]);
    let listener = stage.call(0);
    stage.join(listener, room);
    stage.run(2000);
    let heard = stage.phones[listener].heard();
    let end = &heard[heard.len() - 4_000..];
    assert!(end.iter().any(|sample| sample.unsigned_abs() > 25_000));
    let (tone, overtone) = (goertzel(end, 8_000, 400.0), goertzel(end, 8_000, 1_200.0));
    assert!(overtone < tone - 35.0, "{overtone} of {tone} dBov");
    // Each of them hears five: that is a mix of its own, turned down like that of all.
    let heard = stage.phones[0].heard();
    let end = &heard[heard.len() - 4_000..];
    let (tone, overtone) = (goertzel(end, 8_000, 400.0), goertzel(end, 8_000, 1_200.0));
    assert!(overtone < tone - 35.0, "{overtone} of {tone} dBov");
}
