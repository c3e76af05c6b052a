//! Who hears whom.

use sems_audio::{DelayLine, FRAME_SAMPLES, codec::g711};
use sems_engine::{command::MediaCommand, event::Event};

use crate::stage::{Stage, silence};

const TONES: [f32; 3] = [440.0, 700.0, 1000.0];

#[test]
fn three_callers_hear_the_other_two_and_never_themselves() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES);
    stage.run(1000);
    for (listener, own) in phones.iter().zip(TONES) {
        for tone in TONES {
            assert_eq!(stage.phones[*listener].hears(tone), tone != own);
        }
    }
}

#[test]
fn callers_in_different_rooms_hear_nothing_of_each_other() {
    let mut stage = Stage::new(1);
    stage.conference(&[440.0, 700.0]);
    let (_, other) = stage.conference(&[1000.0, 1300.0]);
    stage.run(1000);
    let listener = &stage.phones[other[0]];
    assert!(listener.hears(1300.0));
    assert!(!listener.hears(440.0) && !listener.hears(700.0));
}

#[test]
fn nobody_hears_a_muted_caller_who_hears_all_others() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Mute { call, on: true });
    stage.run(1000);
    assert!(!stage.phones[1].hears(TONES[0]) && !stage.phones[2].hears(TONES[0]));
    assert!(stage.phones[0].hears(TONES[1]) && stage.phones[0].hears(TONES[2]));
    assert!(!stage.phones[0].hears(TONES[0]));
    stage.must(MediaCommand::Mute { call, on: false });
    stage.run(1000);
    assert!(stage.phones[1].hears(TONES[0]));
}

#[test]
fn echo_gives_a_caller_itself_on_top_of_the_room() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..2]);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Echo {
        call,
        on: true,
        line: None,
    });
    stage.run(1000);
    assert!(stage.phones[0].hears(TONES[0]) && stage.phones[0].hears(TONES[1]));
    assert!(stage.phones[1].hears(TONES[0]) && !stage.phones[1].hears(TONES[1]));
}

#[test]
fn a_muted_caller_with_echo_hears_itself_alone() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&TONES[..2]);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Echo {
        call,
        on: true,
        line: None,
    });
    stage.must(MediaCommand::Mute { call, on: true });
    stage.run(1000);
    assert!(stage.phones[0].hears(TONES[0]) && stage.phones[0].hears(TONES[1]));
    assert!(!stage.phones[1].hears(TONES[0]));
}

#[test]
fn a_caller_alone_hears_silence_and_with_echo_itself() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.phones[phone].speak(Some(440.0));
    stage.run(1000);
    let received = &stage.phones[phone].received;
    assert!(
        received
            .iter()
            .all(|packet| packet.payload == silence(&g711::PCMU))
    );
    let call = stage.phones[phone].call;
    stage.must(MediaCommand::Echo {
        call,
        on: true,
        line: None,
    });
    stage.run(1000);
    assert!(stage.phones[phone].hears(440.0));
}

#[test]
fn a_caller_hears_itself_later_by_the_delay_and_only_while_that_is_asked_for() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.phones[phone].speak(Some(440.0));
    stage.run(500);
    let line = Some(Box::new(DelayLine::new(1500)));
    let on = true;
    stage.must(MediaCommand::Echo { call, on, line });
    stage.forget();
    stage.run(2000);
    let heard = stage.phones[phone].heard();
    let begin = heard.iter().position(|sample| *sample != 0).unwrap();
    assert!((11_800..=12_400).contains(&begin), "{begin}");
    // What was said before it fell silent is still to come, and then nothing.
    stage.phones[phone].speak(None);
    stage.run(500);
    stage.forget();
    stage.run(500);
    assert!(stage.phones[phone].hears(440.0));
    stage.run(1000);
    stage.forget();
    stage.run(1000);
    assert!(
        stage.phones[phone]
            .heard()
            .iter()
            .all(|sample| *sample == 0)
    );
    // Where it stands has nothing to do with the room, which hears it at once.
    let (room, others) = stage.conference(&[700.0]);
    let other = others[0];
    stage.join(phone, room);
    stage.phones[phone].speak(Some(440.0));
    stage.run(600);
    assert!(stage.phones[other].hears(440.0));
    assert!(stage.phones[phone].hears(700.0) && !stage.phones[phone].hears(440.0));
    stage.run(1500);
    assert!(stage.phones[phone].hears(700.0) && stage.phones[phone].hears(440.0));
    let line = None;
    stage.must(MediaCommand::Echo {
        call,
        on: false,
        line,
    });
    stage.run(500);
    assert!(stage.phones[phone].hears(700.0) && !stage.phones[phone].hears(440.0));
}

#[test]
fn a_room_of_two_passes_the_callers_samples_through_unchanged() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0]);
    let listener = stage.call(0);
    stage.join(listener, sems_engine::ids::RoomId::new(1, 0));
    stage.run(1000);
    // The encoding of what a µ-law code stands for is that code.
    let mut speaker = sems_audio::tone::Tone::new(
        sems_audio::tone::Pattern::from_parts(vec![sems_audio::tone::Part::sine(
            440.0, -20, 3_600_000,
        )]),
        8000,
    );
    let mut said = vec![0; 8000];
    speaker.fill(&mut said);
    let mut coded = vec![0; 8000];
    g711::encode_ulaw(&said, &mut coded);
    g711::decode_ulaw(&coded, &mut said);
    let heard = stage.phones[listener].heard();
    let begin = heard.iter().position(|sample| *sample != 0).unwrap();
    let place = said
        .windows(160)
        .position(|part| part == &heard[begin..begin + 160])
        .unwrap();
    assert_eq!(heard[begin..begin + 4000], said[place..place + 4000]);
    assert_eq!(phones.len(), 1);
}

#[test]
fn listeners_get_the_same_bytes_as_if_each_were_coded_for() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&TONES);
    let listeners: Vec<usize> = (0..4)
        .map(|number| {
            let phone = stage.call_with(0, |negotiated| {
                if number % 2 == 1 {
                    negotiated.codec = &g711::PCMA;
                    negotiated.payload_type = sems_rtp::PayloadType::PCMA;
                }
            });
            stage.join(phone, room);
            phone
        })
        .collect();
    // One with a silent prompt of its own is mixed and coded for alone.
    let prompt =
        std::sync::Arc::new(sems_engine::media::prompt::Prompt::tone("silence:5000").unwrap());
    stage.play(listeners[2], &prompt, 1);
    stage.play(listeners[3], &prompt, 1);
    stage.run(1000);
    let payloads = |phone: usize| {
        let received = &stage.phones[phone].received[10..45];
        received
            .iter()
            .map(|packet| packet.payload.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(payloads(listeners[0]), payloads(listeners[2]));
    assert_eq!(payloads(listeners[1]), payloads(listeners[3]));
    assert!(stage.phones[listeners[0]].hears(TONES[0]));
    assert!(stage.phones[listeners[1]].hears(TONES[1]));
    assert!(stage.phones[phones[2]].hears(TONES[1]));
}

#[test]
fn a_loud_sum_is_limited_after_ones_own_voice_is_taken_out() {
    let mut stage = Stage::new(1);
    // Twelve phones at −20 dBov in phase are louder than full scale; eleven of them still are one tone.
    let (_, phones) = stage.conference(&[400.0; 12]);
    stage.run(600);
    let heard = stage.phones[phones[0]].heard();
    let tail = &heard[heard.len() - FRAME_SAMPLES..];
    assert!(tail.iter().any(|sample| sample.unsigned_abs() > 32_000));
}

#[test]
fn a_word_is_heard_from_its_first_packet_on() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[0]].speak(None);
    stage.phones[phones[1]].speak(None);
    stage.run(1000);
    stage.forget();
    stage.phones[phones[0]].speak(Some(440.0));
    stage.run(60);
    let listener = &stage.phones[phones[1]];
    let silent = silence(&g711::PCMU);
    let first = listener
        .received
        .iter()
        .find(|packet| packet.payload != silent);
    // A tone rises from silence within 5 ms: the first packet has its beginning.
    let mut samples = [0; FRAME_SAMPLES];
    g711::decode_ulaw(&first.unwrap().payload, &mut samples);
    assert!(
        samples[..8]
            .iter()
            .all(|sample| sample.unsigned_abs() < 1000)
    );
    assert!(
        samples[80..]
            .iter()
            .any(|sample| sample.unsigned_abs() > 4000)
    );
}

#[test]
fn levels_of_those_who_sound_are_told_ten_times_a_second_and_once_when_all_are_silent() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&[440.0, 700.0, 1000.0]);
    let muted = stage.phones[phones[2]].call;
    stage.must(MediaCommand::Mute {
        call: muted,
        on: true,
    });
    stage.run(1000);
    stage.forget();
    stage.run(1000);
    let levels: Vec<_> = levels(&stage.events, room);
    assert!((9..=11).contains(&levels.len()), "{}", levels.len());
    for told in &levels {
        assert_eq!(told.len(), 2);
        assert!(
            told.iter()
                .all(|(call, level)| *call != muted && (-21..=-19).contains(level))
        );
    }
    stage.phones[phones[0]].speak(None);
    stage.phones[phones[1]].speak(None);
    stage.run(1000);
    stage.forget();
    stage.run(1000);
    assert_eq!(self::levels(&stage.events, room).len(), 0);
}

#[test]
fn levels_of_those_who_whisper_are_told_where_nobody_else_sounds_too() {
    let mut stage = Stage::new(1);
    let (room, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    let call = stage.phones[phones[0]].call;
    stage.must(MediaCommand::Whisper { call, on: true });
    stage.run(1000);
    stage.forget();
    stage.run(1000);
    let levels = levels(&stage.events, room);
    assert!((9..=11).contains(&levels.len()), "{}", levels.len());
    assert!(
        levels
            .iter()
            .all(|told| told.len() == 1 && told[0].0 == call)
    );
}

#[test]
fn levels_that_nobody_watches_are_not_told() {
    let mut stage = Stage::new(1);
    let (room, _) = stage.conference(&[440.0, 700.0]);
    stage.must(MediaCommand::WatchLevels { room, on: false });
    stage.run(1000);
    assert!(levels(&stage.events, room).is_empty());
    stage.must(MediaCommand::WatchLevels { room, on: true });
    stage.run(1000);
    assert!(levels(&stage.events, room).len() >= 9);
    let room = sems_engine::ids::RoomId::new(99, 0);
    assert!(
        stage
            .command(MediaCommand::WatchLevels { room, on: true })
            .is_err()
    );
}

fn levels(
    events: &[Event],
    wanted: sems_engine::ids::RoomId,
) -> Vec<sems_engine::event::LevelList> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Levels { room, levels } if *room == wanted => Some(levels.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn only_the_loudest_are_told_when_all_speak_at_once() {
    let mut stage = Stage::new(1);
    let (room, _) = stage.conference(&[440.0; 20]);
    stage.run(1000);
    let levels = levels(&stage.events, room);
    let last = levels.last().unwrap();
    assert!(last.is_full());
    assert!(last.is_sorted_by(|(_, one), (_, two)| one >= two));
}

#[test]
fn speaking_is_told_when_it_begins_and_when_it_ends() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    let speaker = stage.phones[phones[0]].call;
    stage.run(500);
    stage.phones[phones[0]].speak(None);
    stage.run(1000);
    let told: Vec<_> = stage
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Speaking { call, on } => Some((*call, *on)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(speaker, true), (speaker, false)]);
}

#[test]
fn a_room_of_ninety_paces_its_packets_over_five_milliseconds_at_most() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0; 5]);
    let room = sems_engine::ids::RoomId::new(1, 0);
    for _ in 0..195 {
        let phone = stage.call(0);
        stage.join(phone, room);
    }
    stage.run(100);
    stage.forget();
    stage.run(20);
    let mut arrivals: Vec<_> = stage
        .phones
        .iter()
        .map(|phone| phone.received[0].at)
        .collect();
    arrivals.sort();
    arrivals.dedup();
    assert!((2..=5).contains(&arrivals.len()), "{}", arrivals.len());
    let spread = *arrivals.last().unwrap() - arrivals[0];
    assert!(spread.as_millis() <= 5, "{spread:?}");
    stage.run(1000);
    for phone in &stage.phones {
        phone.assert_unbroken();
    }
    assert!(stage.phones[phones[0]].hears(440.0));
}
