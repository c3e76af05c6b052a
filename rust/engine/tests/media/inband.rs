//! Keys in the sound, of peers that did not agree on telephone-events.

use std::time::Duration;

use sems_audio::{
    codec::g711,
    dtmf::{self, goertzel},
    tone::{Part, Pattern},
    wav,
};
use sems_engine::event::Event;
use sems_rtp::PayloadType;

use crate::stage::Stage;

/// The keys that were told.
fn keys(stage: &Stage) -> String {
    let digits = stage.events.iter().filter_map(|event| match event {
        Event::Digit { digit, .. } => Some(*digit),
        _ => None,
    });
    digits.collect()
}

/// Sends samples from a phone in packets of 20 ms, and time passes meanwhile.
fn say(stage: &mut Stage, phone: usize, samples: &[i16]) {
    stage.phones[phone].sends = false;
    for frame in samples.chunks_exact(160) {
        let mut payload = [0; 160];
        g711::encode_ulaw(frame, &mut payload);
        stage.phones[phone].send(PayloadType::PCMU.number(), false, &payload);
        let timestamp = stage.phones[phone].timestamp;
        stage.phones[phone].timestamp = timestamp.wrapping_add(160);
        stage.run(20);
    }
    stage.phones[phone].sends = true;
}

/// A phone that knows no telephone-events.
fn old_phone(stage: &mut Stage) -> usize {
    stage.call_with(0, |negotiated| {
        negotiated.send_events = None;
        negotiated.receive_events.clear();
    })
}

/// Keys of 60 ms, with pauses.
fn tones(keys: &str) -> Vec<i16> {
    tones_of(keys, 60)
}

fn tones_of(keys: &str, ms: u32) -> Vec<i16> {
    dtmf::pattern(keys, ms, 60).unwrap().render(8_000)
}

#[test]
fn keys_of_a_phone_without_events_are_heard_in_its_sound() {
    let mut stage = Stage::new(1);
    let phone = old_phone(&mut stage);
    stage.run(100);
    say(&mut stage, phone, &tones("1234567890*#ABCD"));
    stage.run(200);
    assert_eq!(keys(&stage), "1234567890*#ABCD");
}

/// What happens to some of the packets of a key.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Lost,
    /// They come together with the next one.
    Late,
}

/// Sends a key of 300 ms, of which the packets from the sixth on have another fate.
fn press_badly(stage: &mut Stage, phone: usize, count: usize, fate: Fate) {
    stage.phones[phone].sends = false;
    for (index, frame) in tones_of("5", 300).chunks_exact(160).enumerate() {
        let mut payload = [0; 160];
        g711::encode_ulaw(frame, &mut payload);
        let is_bad = (5..5 + count).contains(&index);
        if index == 5 && matches!(fate, Fate::Late) {
            // Their time passes, and then they are sent.
            stage.run(20 * count as u64);
        }
        let sender = &mut stage.phones[phone];
        match (is_bad, fate) {
            (true, Fate::Lost) => sender.sequence = sender.sequence.wrapping_add(1),
            _ => sender.send(PayloadType::PCMU.number(), false, &payload),
        }
        sender.timestamp = sender.timestamp.wrapping_add(160);
        if !is_bad || matches!(fate, Fate::Lost) {
            stage.run(20);
        }
    }
    stage.phones[phone].sends = true;
}

#[test]
fn a_key_of_which_packets_are_lost_or_late_is_pressed_once() {
    for fate in [Fate::Lost, Fate::Late] {
        for count in 1..=5 {
            let mut stage = Stage::new(1);
            let phone = old_phone(&mut stage);
            stage.run(100);
            press_badly(&mut stage, phone, count, fate);
            stage.run(300);
            press_badly(&mut stage, phone, count, fate);
            stage.run(300);
            assert_eq!(keys(&stage), "55", "{count} {fate:?}");
        }
    }
}

#[test]
fn a_phone_that_has_agreed_on_events_is_not_listened_to() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    say(&mut stage, phone, &tones("123"));
    stage.run(200);
    assert_eq!(keys(&stage), "");
    assert_eq!(stage.stat("dtmf_listened"), 0);
}

#[test]
fn a_phone_is_listened_to_only_while_it_sounds() {
    let mut stage = Stage::new(1);
    let phone = old_phone(&mut stage);
    stage.run(5_000);
    assert_eq!(stage.stat("dtmf_listened"), 0);
    say(&mut stage, phone, &tones("1"));
    stage.run(5_000);
    let listened = stage.stat("dtmf_listened");
    assert!((3..=5).contains(&listened), "{listened}");
}

#[test]
fn an_info_of_the_same_key_is_no_second_press() {
    let mut stage = Stage::new(1);
    let phone = old_phone(&mut stage);
    let call = stage.phones[phone].call;
    say(&mut stage, phone, &tones("5"));
    let held = Duration::from_millis(100);
    assert!(stage.handle.press(call, '5', held).is_ok());
    stage.run(200);
    assert!(stage.handle.press(call, '6', held).is_ok());
    stage.run(200);
    assert_eq!(keys(&stage), "56");
}

#[test]
fn what_is_agreed_on_later_counts_from_then_on() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let events = stage.phones[phone].negotiated.receive_events.clone();
    stage.update(phone, |negotiated| negotiated.receive_events.clear());
    say(&mut stage, phone, &tones("1"));
    stage.update(phone, |negotiated| negotiated.receive_events = events);
    say(&mut stage, phone, &tones("2"));
    stage.run(200);
    assert_eq!(keys(&stage), "1");
}

#[test]
fn others_in_the_room_hear_no_more_of_a_key_than_its_beginning() {
    let mut stage = Stage::new(1);
    let (old, other) = (old_phone(&mut stage), stage.call(0));
    let room = stage.room(0);
    stage.join(old, room);
    stage.join(other, room);
    stage.run(200);
    let mut heard_of = |sound: Vec<i16>| {
        stage.phones[other].received.clear();
        say(&mut stage, old, &sound);
        stage.run(100);
        let samples = stage.phones[other].heard();
        let loud = |frame: &&[i16]| goertzel(frame, 8_000, 770.0) > -40.0;
        samples.chunks_exact(160).filter(loud).count()
    };
    let sine = Pattern::from_parts(vec![Part::sine(770.0, -13, 400)]);
    let (sine, key) = (heard_of(sine.render(8_000)), heard_of(tones_of("5", 400)));
    assert!(sine >= 19, "{sine} frames of a sine were heard");
    assert!(key <= 1, "{key} frames of a key were heard");
    assert_eq!(keys(&stage), "5");
}

#[test]
fn our_own_prompts_press_no_keys() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../apps/prompts");
    let mut heard = 0.0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wav") {
            continue;
        }
        let samples = wav::read(std::fs::File::open(&path).unwrap(), 8_000).unwrap();
        let mut detector = dtmf::Detector::new(8_000);
        detector.push(&samples, |edge| panic!("{path:?}: {edge:?}"));
        heard += samples.len() as f64 / 8_000.0;
    }
    assert!(heard > 10.0, "{heard} s");
}
