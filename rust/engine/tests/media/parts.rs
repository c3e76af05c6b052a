//! Rooms that are on several workers.

use std::sync::Arc;

use sems_audio::{
    codec::{g711, g722},
    tone,
};
use sems_engine::{
    command::{Listener, MediaCommand, RoomSettings},
    event::Event,
    ids::RoomId,
    media::prompt::Prompt,
};

use sems_rtp::PayloadType;

use crate::stage::Stage;

const TONES: [f32; 6] = [400.0, 650.0, 900.0, 1_200.0, 1_600.0, 2_100.0];

/// A room with two legs on each of three workers, each leg with its tone.
fn spread() -> (Stage, RoomId) {
    let mut stage = Stage::with_room_legs(3, 2);
    let room = stage.room(0);
    for (number, hz) in (0u8..).zip(TONES) {
        let phone = stage.call(number % 3);
        stage.join(phone, room);
        stage.phones[phone].speak(Some(hz));
        stage.run(20);
    }
    (stage, room)
}

fn legs(stage: &Stage) -> Vec<u64> {
    let counters = stage.handle.counters().iter();
    counters
        .map(|counters| counters.all().find(|(name, _)| *name == "legs").unwrap().1)
        .collect()
}

#[test]
fn each_of_a_room_on_three_workers_hears_all_others_and_never_itself() {
    let (mut stage, _) = spread();
    stage.run(1000);
    assert_eq!(legs(&stage), [2, 2, 2]);
    assert_eq!(stage.rooms_and_legs(), (1, 6));
    for (listener, own) in stage.phones.iter().zip(TONES) {
        for tone in TONES {
            assert_eq!(listener.hears(tone), tone != own, "{own} hears {tone}");
        }
        listener.assert_unbroken();
    }
}

#[test]
fn small_rooms_stay_on_their_home() {
    let mut stage = Stage::with_room_legs(3, 4);
    let room = stage.room(1);
    for home in 0..4 {
        let phone = stage.call(home % 3);
        stage.join(phone, room);
    }
    stage.run(100);
    assert_eq!(legs(&stage), [0, 4, 0]);
}

#[test]
fn what_comes_from_another_part_is_as_it_was_and_one_tick_later() {
    let mut stage = Stage::with_room_legs(2, 1);
    let room = stage.room(0);
    let [beside, elsewhere, speaker] = [0, 1, 1].map(|home| {
        let phone = stage.call(home);
        stage.join(phone, room);
        stage.run(20);
        phone
    });
    assert_eq!(legs(&stage), [2, 1]);
    stage.phones[speaker].speak(Some(440.0));
    stage.run(1500);
    let mut voice = tone::Tone::new(
        tone::Pattern::from_parts(vec![tone::Part::sine(440.0, -20, 3_600_000)]),
        8000,
    );
    let mut said = vec![0; 16_000];
    voice.fill(&mut said);
    let mut coded = vec![0; said.len()];
    g711::encode_ulaw(&said, &mut coded);
    g711::decode_ulaw(&coded, &mut said);
    // The same second of the tone, and how much later it was heard.
    let onset = |listener: usize| {
        let phone = &stage.phones[listener];
        let heard = phone.heard();
        let begin = heard.iter().position(|sample| *sample != 0).unwrap();
        let place = said
            .windows(160)
            .position(|part| part == &heard[begin..begin + 160]);
        let place = place.expect("the tone as it was said");
        assert_eq!(heard[begin..begin + 8_000], said[place..place + 8_000]);
        phone.received[begin / 160].at
    };
    let later = onset(elsewhere).saturating_duration_since(onset(beside));
    assert!((19..=21).contains(&later.as_millis()), "{later:?}");
}

#[test]
fn what_is_played_to_the_room_is_heard_in_all_its_parts() {
    let (mut stage, room) = spread();
    for phone in &mut stage.phones {
        phone.speak(None);
    }
    let prompt = Arc::new(Prompt::tone("sine:3000:2000:-20").unwrap());
    let play = stage.play_to(Listener::Room(room), vec![prompt], 1);
    stage.run(1000);
    assert!(stage.phones.iter().all(|phone| phone.hears(3_000.0)));
    stage.run(1500);
    assert_eq!(stage.finished(play), Some(true));
    assert!(stage.phones.iter().all(|phone| !phone.hears(3_000.0)));
}

#[test]
fn levels_of_all_parts_are_told_together() {
    let (mut stage, room) = spread();
    stage.run(500);
    stage.forget();
    stage.run(1000);
    let told: Vec<_> = stage
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Levels { room: of, levels } if *of == room => Some(levels.len()),
            _ => None,
        })
        .collect();
    assert!((9..=11).contains(&told.len()), "{told:?}");
    assert!(told.iter().all(|count| *count == TONES.len()), "{told:?}");
}

#[test]
fn the_limit_of_talkers_is_that_of_the_whole_room() {
    let (mut stage, room) = spread();
    let settings = RoomSettings {
        max_talkers: Some(2),
        ..RoomSettings::default()
    };
    stage.must(MediaCommand::SetRoom { room, settings });
    let listener = stage.call(0);
    stage.join(listener, room);
    stage.run(1500);
    for phone in &stage.phones {
        // The two who are in hear one another only.
        let heard = TONES.iter().filter(|tone| phone.hears(**tone)).count();
        assert!((1..=2).contains(&heard), "{heard}");
    }
    let heard = TONES
        .iter()
        .filter(|tone| stage.phones[listener].hears(**tone))
        .count();
    assert_eq!(heard, 2);
}

#[test]
fn who_leaves_makes_room_for_who_comes() {
    let (mut stage, room) = spread();
    assert_eq!(legs(&stage), [2, 2, 2]);
    let gone: Vec<usize> = (0..stage.phones.len())
        .filter(|phone| phone % 3 == 2)
        .collect();
    for phone in &gone {
        stage.hang_up(*phone);
    }
    stage.run(100);
    assert_eq!(stage.stat("legs"), 4);
    for _ in 0..2 {
        let phone = stage.call(0);
        stage.join(phone, room);
        stage.run(20);
    }
    let mut legs = legs(&stage);
    legs.sort_unstable();
    assert_eq!(legs, [2, 2, 2]);
}

#[test]
fn a_room_that_is_closed_ends_in_all_its_parts() {
    let (mut stage, room) = spread();
    stage.run(200);
    stage.must(MediaCommand::CloseRoom { room });
    stage.run(200);
    // Each goes on by itself.
    assert_eq!(stage.rooms_and_legs(), (6, 6));
    stage.forget();
    stage.run(500);
    for phone in &stage.phones {
        assert!((24..=26).contains(&phone.received.len()));
        assert!(TONES.iter().all(|tone| !phone.hears(*tone)));
    }
}

#[test]
fn a_room_that_fails_in_one_part_is_ended_in_all() {
    let (mut stage, room) = spread();
    stage.run(200);
    stage.bomb(room);
    stage.run(500);
    assert_eq!(stage.faults.lock().unwrap().len(), 7);
    assert_eq!(stage.rooms_and_legs(), (0, 0));
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(1000);
    assert!(stage.phones[phones[0]].hears(700.0), "the workers go on");
}

#[test]
fn a_worker_that_falls_behind_leaves_a_gap_and_no_delay() {
    let (mut stage, _) = spread();
    stage.run(500);
    stage.sleep(std::time::Duration::from_millis(130));
    stage.run(1000);
    for (listener, own) in stage.phones.iter().zip(TONES) {
        assert!(
            TONES
                .iter()
                .all(|tone| listener.hears(*tone) == (*tone != own))
        );
    }
}

#[test]
fn all_parts_mix_at_the_highest_rate_of_any() {
    let mut stage = Stage::with_room_legs(2, 2);
    let (room, _) = stage.conference(&[440.0, 700.0]);
    let phones = [false, true].map(|wide| {
        let phone = stage.call_with(1, |negotiated| {
            if wide {
                negotiated.codec = &g722::G722;
                negotiated.payload_type = PayloadType::new(9).unwrap();
            }
        });
        stage.join(phone, room);
        stage.phones[phone].speak(Some(1_000.0));
        stage.run(20);
        phone
    });
    assert_eq!(legs(&stage), [2, 2]);
    stage.run(1000);
    stage.forget();
    stage.run(1000);
    let hears_all = |stage: &Stage| {
        let [one, two] = [&stage.phones[0], &stage.phones[1]];
        assert!(one.hears(700.0) && one.hears(1_000.0) && !one.hears(440.0));
        assert!(two.hears(440.0) && two.hears(1_000.0) && !two.hears(700.0));
        assert!(stage.phones[phones[0]].hears(440.0) && stage.phones[phones[0]].hears(700.0));
    };
    // The two of 1 kHz are as loud as one and a half, or as two.
    hears_all(&stage);
    let coded = &stage.phones[phones[1]].received;
    assert_eq!(coded.len(), 50);
    // Who has brought the higher rate takes it along.
    stage.hang_up(phones[1]);
    stage.run(1000);
    hears_all(&stage);
}
