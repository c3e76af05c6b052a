//! Playing.

use std::sync::Arc;

use sems_audio::codec::g711;
use sems_engine::{
    command::{Listener, MediaCommand},
    ids::PlayId,
    media::prompt::Prompt,
};

use crate::stage::Stage;

/// A sound of which every stretch can be told from every other.
fn ramp(samples: i16) -> Arc<Prompt> {
    Arc::new(Prompt::new(
        (0..i32::from(samples))
            .map(|n| (n * 17 % 9001 - 4500) as i16)
            .collect(),
    ))
}

/// What is heard of `prompts` after the codec.
fn coded(prompts: &[&Arc<Prompt>]) -> Vec<i16> {
    let samples: Vec<i16> = prompts
        .iter()
        .flat_map(|prompt| prompt.samples())
        .copied()
        .collect();
    let mut payload = vec![0; samples.len()];
    g711::encode_ulaw(&samples, &mut payload);
    let mut heard = vec![0; samples.len()];
    g711::decode_ulaw(&payload, &mut heard);
    heard
}

fn find(heard: &[i16], part: &[i16]) -> Option<usize> {
    heard.windows(part.len()).position(|window| window == part)
}

#[test]
fn prompts_are_heard_one_after_the_other_without_a_gap() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let (one, two) = (ramp(1234), ramp(777));
    let listener = Listener::Call(stage.phones[phone].call);
    let play = stage.play_to(listener, vec![one.clone(), two.clone()], 2);
    stage.run(1000);
    let heard = stage.phones[phone].heard();
    let all = coded(&[&one, &two, &one, &two]);
    assert!(find(&heard, &all).is_some());
    assert_eq!(stage.finished(play), Some(true));
    stage.phones[phone].assert_unbroken();
}

#[test]
fn the_end_of_a_playback_is_told_when_its_last_sample_has_sounded() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(100);
    let prompt = ramp(1600);
    let play = stage.play(phone, &prompt, 1);
    let begin = stage.now;
    while stage.finished(play).is_none() {
        stage.run(1);
    }
    let took = (stage.now - begin).as_millis();
    assert!((200..=240).contains(&took), "{took} ms");
}

#[test]
fn a_playback_without_end_ends_when_it_is_stopped() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let prompt = ramp(400);
    let play = stage.play(phone, &prompt, 0);
    stage.run(2000);
    assert_eq!(stage.finished(play), None);
    let listener = Listener::Call(stage.phones[phone].call);
    stage.must(MediaCommand::StopPlay { listener, play });
    assert_eq!(stage.finished(play), Some(false));
    stage.run(100);
    stage.forget();
    stage.run(200);
    assert!(
        stage.phones[phone]
            .heard()
            .iter()
            .all(|sample| *sample == 0)
    );
}

#[test]
fn stopping_a_playback_that_has_ended_is_no_error() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    for listener in [
        Listener::Call(stage.phones[phone].call),
        Listener::Room(sems_engine::ids::RoomId::new(9, 0)),
    ] {
        let play = PlayId(77);
        stage.must(MediaCommand::StopPlay { listener, play });
    }
}

#[test]
fn a_prompt_for_one_is_heard_over_the_room_and_by_nobody_else() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    let prompt = Arc::new(Prompt::tone("sine:1500:2000:-20").unwrap());
    stage.play(phones[0], &prompt, 1);
    stage.run(1000);
    assert!(stage.phones[0].hears(700.0) && stage.phones[0].hears(1500.0));
    assert!(!stage.phones[0].hears(440.0));
    assert!(stage.phones[1].hears(440.0) && !stage.phones[1].hears(1500.0));
}

#[test]
fn a_prompt_for_the_room_is_heard_by_all_over_what_they_say() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    let prompt = Arc::new(Prompt::tone("sine:1500:2000:-20").unwrap());
    let play = stage.play_to(Listener::Room(room), vec![prompt], 1);
    stage.run(1000);
    for (phone, other) in [(phones[0], 700.0), (phones[1], 440.0)] {
        assert!(stage.phones[phone].hears(1500.0) && stage.phones[phone].hears(other));
    }
    stage.run(1500);
    assert_eq!(stage.finished(play), Some(true));
}

#[test]
fn a_prompt_alone_in_a_room_is_heard_sample_by_sample_in_every_codec() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let phones = [
        stage.call(0),
        stage.call_with(0, |negotiated| {
            negotiated.codec = &g711::PCMA;
            negotiated.payload_type = sems_rtp::PayloadType::PCMA;
        }),
    ];
    for phone in phones {
        stage.join(phone, room);
    }
    let prompt = ramp(2000);
    stage.play_to(Listener::Room(room), vec![prompt.clone()], 1);
    stage.run(500);
    assert!(find(&stage.phones[phones[0]].heard(), &coded(&[&prompt])).is_some());
    let mut payload = vec![0; 2000];
    g711::encode_alaw(prompt.samples(), &mut payload);
    let sent: Vec<u8> = stage.phones[phones[1]]
        .received
        .iter()
        .flat_map(|packet| packet.payload.clone())
        .collect();
    assert!(sent.windows(2000).any(|window| window == payload));
}

#[test]
fn several_playbacks_sound_together() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    for hz in [500, 900, 1300] {
        let prompt = Arc::new(Prompt::tone(&format!("sine:{hz}:2000:-20")).unwrap());
        stage.play(phone, &prompt, 1);
    }
    stage.run(1000);
    for hz in [500.0, 900.0, 1300.0] {
        assert!(stage.phones[phone].hears(hz));
    }
}

#[test]
fn two_prompts_for_the_room_and_one_for_a_member_reach_whom_they_are_for() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let phones = [stage.call(0), stage.call(0)];
    for phone in phones {
        stage.join(phone, room);
    }
    for hz in [500, 900] {
        let prompt = Arc::new(Prompt::tone(&format!("sine:{hz}:2000:-20")).unwrap());
        stage.play_to(Listener::Room(room), vec![prompt], 1);
    }
    let prompt = Arc::new(Prompt::tone("sine:1300:2000:-20").unwrap());
    stage.play(phones[0], &prompt, 1);
    stage.run(1000);
    for phone in phones {
        assert!(stage.phones[phone].hears(500.0) && stage.phones[phone].hears(900.0));
    }
    assert!(stage.phones[phones[0]].hears(1300.0) && !stage.phones[phones[1]].hears(1300.0));
}

#[test]
fn a_playback_ends_with_its_call_and_with_its_room() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let phone = stage.call(0);
    let prompt = ramp(8000);
    let to_call = stage.play(phone, &prompt, 0);
    let to_room = stage.play_to(Listener::Room(room), vec![prompt], 0);
    stage.run(100);
    stage.hang_up(phone);
    assert_eq!(stage.finished(to_call), Some(false));
    assert_eq!(stage.finished(to_room), None);
    stage.must(MediaCommand::CloseRoom { room });
    assert_eq!(stage.finished(to_room), Some(false));
}

#[test]
fn a_playback_to_an_empty_room_goes_on_and_ends() {
    let mut stage = Stage::new(1);
    let room = stage.room(0);
    let play = stage.play_to(Listener::Room(room), vec![ramp(1600)], 1);
    stage.run(100);
    assert_eq!(stage.finished(play), None);
    stage.run(200);
    assert_eq!(stage.finished(play), Some(true));
    assert_eq!(stage.media.next_deadline(stage.now), None);
}

#[test]
fn a_playback_moves_with_its_call() {
    let mut stage = Stage::new(2);
    let room = stage.room(1);
    let phone = stage.call(0);
    let prompt = ramp(8000);
    let play = stage.play(phone, &prompt, 1);
    stage.run(500);
    stage.join(phone, room);
    stage.run(700);
    assert_eq!(stage.finished(play), Some(true));
    assert!(find(&stage.phones[phone].heard(), &coded(&[&prompt])).is_some());
}

#[test]
fn an_empty_playback_ends_at_once() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let play = stage.play(phone, &Arc::new(Prompt::new(Vec::new())), 0);
    stage.run(40);
    assert_eq!(stage.finished(play), Some(true));
}
