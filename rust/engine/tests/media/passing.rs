//! Two calls between which packets go on as they come.

use std::sync::Arc;

use sems_audio::codec::{Codec, Parameters, g711, g722, opus};
use sems_engine::{
    command::{Gain, Listener, MediaCommand},
    event::Event,
    ids::RoomId,
    media::prompt::Prompt,
};

use crate::{
    passing_heard::softest,
    stage::{EVENTS, MS, Received, Stage},
    wideband::{Speaker, run},
};

/// A room that changes nothing of the sound, and at which nobody looks.
pub fn plain_room(stage: &mut Stage) -> RoomId {
    let room = stage.room(0);
    stage.must(MediaCommand::WatchLevels { room, on: false });
    room
}

/// Two of a codec who speak in such a room, after a second.
fn two(codec: &'static Codec) -> (Stage, RoomId, Vec<Speaker>) {
    let mut stage = Stage::new(1);
    let (room, speakers) = two_on(&mut stage, codec);
    (stage, room, speakers)
}

pub fn two_on(stage: &mut Stage, codec: &'static Codec) -> (RoomId, Vec<Speaker>) {
    let room = plain_room(stage);
    let mut speakers: Vec<_> = (0..2)
        .map(|_| Speaker::new(stage, codec, Some(room)))
        .collect();
    speakers[0].speak(430.0);
    speakers[1].speak(1_010.0);
    run(stage, &mut speakers, 50);
    (room, speakers)
}

/// Payloads of what a phone received.
fn payloads(stage: &Stage, phone: usize) -> Vec<Vec<u8>> {
    let received = &stage.phones[phone].received;
    received.iter().map(|one| one.payload.clone()).collect()
}

/// Whether each packet follows on the one before, in number and in time.
pub fn assert_continuous(received: &[Received], units: u32) {
    for pair in received.windows(2) {
        let (one, next) = (&pair[0].header, &pair[1].header);
        assert_eq!(next.sequence, one.sequence.plus(1));
        assert_eq!(next.timestamp, one.timestamp.plus(units));
        assert_eq!(next.ssrc, one.ssrc);
    }
}

/// Sends `ticks` packets of bytes that are no sound at all.
fn send_marks(stage: &mut Stage, speaker: &Speaker, ticks: u8) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for tick in 0..ticks {
        let mut payload = vec![tick; speaker.codec.longest_frame.min(160)];
        if speaker.codec == &opus::OPUS {
            // One frame of 20 ms.
            payload[0] = 0x78;
        }
        let phone = &mut stage.phones[speaker.phone];
        phone.send(110, tick % 7 == 3, &payload);
        phone.timestamp = phone.timestamp.wrapping_add(speaker.codec.units());
        sent.push(payload);
        stage.sleep(20 * MS);
    }
    // The last is still under way.
    stage.sleep(20 * MS);
    sent
}

#[test]
fn what_one_sends_is_what_the_other_gets_byte_for_byte() {
    for codec in [&opus::OPUS, &g722::G722, &g711::PCMU] {
        let (mut stage, _, speakers) = two(codec);
        stage.sleep(20 * MS);
        stage.forget();
        let sent = send_marks(&mut stage, &speakers[0], 50);
        let other = speakers[1].phone;
        assert!(payloads(&stage, other) == sent, "{}", codec.name);
        let received = &stage.phones[other].received;
        assert_continuous(received, codec.units());
        for (tick, packet) in received.iter().enumerate() {
            assert_eq!(packet.header.marker, tick % 7 == 3);
            let call = stage.phones[other].call;
            assert_eq!(packet.header.ssrc.0, call.0 as u32, "our own source");
        }
        assert!(stage.stat("rtp_passed") > 50);
    }
}

#[test]
fn a_room_at_whose_levels_somebody_looks_decodes() {
    let (mut stage, room, mut speakers) = two(&g711::PCMU);
    stage.must(MediaCommand::WatchLevels { room, on: true });
    run(&mut stage, &mut speakers, 1);
    let passed = stage.stat("rtp_passed");
    run(&mut stage, &mut speakers, 100);
    assert_eq!(stage.stat("rtp_passed"), passed);
    let tells = |event: &Event| matches!(event, Event::Levels { levels, .. } if levels.len() == 2);
    assert!(stage.events.iter().any(tells));
}

#[test]
fn loss_goes_on_as_loss_and_order_as_it_was() {
    let (mut stage, _, speakers) = two(&opus::OPUS);
    stage.sleep(20 * MS);
    stage.forget();
    let (one, other) = (speakers[0].phone, speakers[1].phone);
    send_marks(&mut stage, &speakers[0], 5);
    // Three are lost.
    let phone = &mut stage.phones[one];
    phone.sequence = phone.sequence.wrapping_add(3);
    phone.timestamp = phone.timestamp.wrapping_add(3 * 960);
    stage.sleep(60 * MS);
    send_marks(&mut stage, &speakers[0], 5);
    // The next two come the wrong way round.
    let phone = &mut stage.phones[one];
    let (sequence, timestamp) = (phone.sequence, phone.timestamp);
    for step in [1u16, 0] {
        phone.sequence = sequence.wrapping_add(step);
        phone.timestamp = timestamp.wrapping_add(960 * u32::from(step));
        phone.send(110, false, &[0x78, step as u8]);
    }
    stage.sleep(20 * MS);
    stage.sleep(20 * MS);
    let received = &stage.phones[other].received;
    let first = received[0].header;
    let steps: Vec<_> = received
        .iter()
        .map(|packet| {
            let header = packet.header;
            let units = header.timestamp.since(first.timestamp);
            (header.sequence.since(first.sequence), units / 960)
        })
        .collect();
    let places: Vec<i32> = steps.iter().map(|(_, units)| *units).collect();
    assert_eq!(places, [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 14, 13]);
    assert!(
        steps
            .iter()
            .all(|(number, units)| i32::from(*number) == *units)
    );
    run(&mut stage, &mut [], 100);
    let quality = stage.quality(one).unwrap();
    assert_eq!(quality.lost, 3);
    assert!(stage.stat("rtp_lost") == 3);
}

#[test]
fn whatever_needs_sound_has_it_decoded_and_ends_that_again() {
    let prompt = Arc::new(Prompt::tone("sine:700:200:-20").unwrap());
    let (mut stage, room, mut speakers) = two(&g711::PCMU);
    let call = stage.phones[speakers[0].phone].call;
    let listeners = [Listener::Call(call), Listener::Room(room)];
    let passes = |stage: &mut Stage, speakers: &mut Vec<Speaker>| {
        run(stage, speakers, 1);
        let before = stage.stat("rtp_passed");
        run(stage, speakers, 5);
        stage.stat("rtp_passed") > before
    };
    assert!(passes(&mut stage, &mut speakers));
    for listener in listeners {
        stage.play_to(listener, vec![prompt.clone()], 1);
        assert!(!passes(&mut stage, &mut speakers));
        run(&mut stage, &mut speakers, 60);
        assert!(passes(&mut stage, &mut speakers));
    }
    let changes: [(MediaCommand, MediaCommand); 4] = [
        (
            MediaCommand::Mute { call, on: true },
            MediaCommand::Mute { call, on: false },
        ),
        (
            MediaCommand::Deafen { call, on: true },
            MediaCommand::Deafen { call, on: false },
        ),
        (
            MediaCommand::SetGain {
                call,
                gain: Gain::from_db(3.0),
            },
            MediaCommand::SetGain {
                call,
                gain: Gain::UNITY,
            },
        ),
        (
            MediaCommand::Echo {
                call,
                on: true,
                line: None,
            },
            MediaCommand::Echo {
                call,
                on: false,
                line: None,
            },
        ),
    ];
    for (begin, end) in changes {
        stage.must(begin);
        assert!(!passes(&mut stage, &mut speakers));
        stage.must(end);
        run(&mut stage, &mut speakers, 60);
        assert!(passes(&mut stage, &mut speakers));
    }
    let mut third = Speaker::new(&mut stage, &g711::PCMU, Some(room));
    third.speak(1_930.0);
    speakers.push(third);
    run(&mut stage, &mut speakers, 50);
    assert!(!passes(&mut stage, &mut speakers));
    assert!(speakers[0].hears(&stage, 1_930.0));
    assert!(speakers[1].hears(&stage, 430.0));
    let third = speakers.pop().unwrap();
    stage.hang_up(third.phone);
    run(&mut stage, &mut speakers, 60);
    assert!(passes(&mut stage, &mut speakers));
}

#[test]
fn calls_that_differ_in_codec_length_or_keys_are_decoded() {
    let changes: [fn(&mut Stage, usize); 4] = [
        |stage, phone| stage.update(phone, |all| all.ptime_ms = 30),
        |stage, phone| stage.update(phone, |all| all.receive_events.clear()),
        |stage, phone| {
            stage.update(phone, |all| {
                all.codec = &g711::PCMA;
                all.payload_type = sems_rtp::PayloadType::PCMA;
            });
        },
        |stage, phone| {
            let limit = Parameters {
                max_average_bitrate: Some(8_000),
                ..Parameters::default()
            };
            stage.update(phone, |all| all.parameters = limit);
        },
    ];
    for change in changes {
        let (mut stage, _, mut speakers) = two(&g711::PCMU);
        change(&mut stage, speakers[1].phone);
        run(&mut stage, &mut speakers, 1);
        let passed = stage.stat("rtp_passed");
        run(&mut stage, &mut speakers, 60);
        assert_eq!(stage.stat("rtp_passed"), passed);
    }
}

#[test]
fn who_sends_another_codec_or_length_is_decoded_as_long_as_he_does() {
    let mut stage = Stage::new(1);
    let room = plain_room(&mut stage);
    let phones = [stage.call(0), stage.call(0)];
    for phone in phones {
        stage.join(phone, room);
        stage.phones[phone].speak(Some(430.0));
    }
    stage.run(1_500);
    stage.phones[phones[0]].ptime_ms = 40;
    stage.run(100);
    let passed = stage.stat("rtp_passed");
    stage.run(500);
    assert_eq!(stage.stat("rtp_passed"), passed);
    assert!(stage.phones[phones[1]].hears(430.0));
    stage.phones[phones[1]].assert_unbroken();
    stage.phones[phones[0]].ptime_ms = 20;
    stage.run(1_000);
    assert!(stage.stat("rtp_passed") > passed);
}

#[test]
fn a_phone_that_sends_nothing_has_silence_sent_for_it_and_is_heard_at_once_when_it_does() {
    let (mut stage, _, mut speakers) = two(&g711::PCMU);
    let other = speakers[1].phone;
    let mut quiet = vec![speakers.remove(1)];
    stage.sleep(20 * MS);
    stage.forget();
    run(&mut stage, &mut quiet, 100);
    let received = &stage.phones[other].received;
    // For half a second it may be a pause, or the network.
    assert!((74..=76).contains(&received.len()), "{}", received.len());
    assert!(received[0].header.marker);
    assert_continuous(received, 160);
    let last = received.last().unwrap().clone();
    stage.forget();
    let sent = send_marks(&mut stage, &speakers[0], 10);
    let got = payloads(&stage, other);
    let begin = got.iter().position(|payload| *payload == sent[0]).unwrap();
    assert!(begin < 3 && got[begin..] == sent);
    let received = &stage.phones[other].received;
    assert!(received[begin].header.marker);
    assert_continuous(&[&[last], &received[..]].concat(), 160);
}

#[test]
fn keys_are_sent_under_the_others_payload_type_and_leave_no_gap_in_the_numbers() {
    let (mut stage, _, mut speakers) = two(&g711::PCMU);
    let (one, other) = (speakers[0].phone, speakers[1].phone);
    stage.update(other, |all| {
        all.send_events = sems_rtp::PayloadType::new(96)
    });
    run(&mut stage, &mut speakers, 60);
    stage.forget();
    let passed = stage.stat("rtp_passed");
    run(&mut stage, &mut speakers, 5);
    // A key of 100 ms instead of sound.
    for tick in 1..=5u16 {
        let duration = (tick * 160).to_be_bytes();
        let event = [5, 10, duration[0], duration[1]];
        stage.phones[one].send(EVENTS, tick == 1, &event);
        if tick == 2 {
            let call = stage.phones[other].call;
            let digits = "5".to_owned();
            stage.must(MediaCommand::SendDigits { call, digits });
        }
        run(&mut stage, &mut speakers[1..], 1);
    }
    let phone = &mut stage.phones[one];
    phone.timestamp = phone.timestamp.wrapping_add(5 * 160);
    run(&mut stage, &mut speakers, 30);
    assert!(
        stage
            .events
            .iter()
            .any(|event| matches!(event, Event::Digit { digit: '5', .. }))
    );
    assert!(stage.stat("rtp_passed") > passed);
    let received = &stage.phones[other].received;
    let keys = received
        .iter()
        .filter(|one| one.header.payload_type.number() == 96);
    assert!(keys.count() >= 5);
    for pair in received.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.plus(1));
    }
    let sound: Vec<_> = received
        .iter()
        .filter(|one| one.header.payload_type.number() == 110)
        .collect();
    for pair in sound.windows(2) {
        let units = pair[1].header.timestamp.since(pair[0].header.timestamp);
        let time = (pair[1].at - pair[0].at).as_millis() as i32 * 8;
        assert!((time - units).abs() <= 3 * 160, "{units} in {time}");
        assert!(units > 0);
    }
}

#[test]
fn comfort_noise_goes_on_where_it_is_taken_and_is_made_where_not() {
    for taken in [true, false] {
        let (mut stage, _, mut speakers) = two(&g711::PCMU);
        let (one, other) = (speakers[0].phone, speakers[1].phone);
        stage.update(other, |all| all.comfort_noise = taken);
        run(&mut stage, &mut speakers, 60);
        stage.forget();
        stage.sleep(20 * MS);
        stage.forget();
        stage.phones[one].send(13, false, &[50]);
        let mut quiet = vec![speakers.remove(1)];
        run(&mut stage, &mut quiet, 100);
        let received = &stage.phones[other].received;
        let (noise, sound): (Vec<_>, Vec<_>) = received
            .iter()
            .partition(|packet| packet.header.payload_type.number() == 13);
        match taken {
            true => assert_eq!((noise.len(), sound.len()), (1, 0)),
            false => {
                assert_eq!(noise.len(), 0);
                assert!(sound.len() > 95, "{}", sound.len());
                let heard = quiet[0].heard(&stage);
                assert!(softest(&heard[1_600..], 160) > 20);
            }
        }
        // The next word comes whole, and in its time.
        let last = received.last().unwrap().clone();
        stage.phones[one].timestamp = stage.phones[one].timestamp.wrapping_add(100 * 160);
        speakers.push(quiet.remove(0));
        run(&mut stage, &mut speakers, 40);
        let next = &stage.phones[other].received;
        let next = next.iter().find(|packet| packet.at > last.at).unwrap();
        let time = (next.at - last.at).as_millis() as i32 * 8;
        let units = next.header.timestamp.since(last.header.timestamp);
        assert!((time - units).abs() <= 320, "{units} in {time}");
        assert!(speakers[1].hears(&stage, 430.0));
    }
}

#[test]
fn a_call_on_hold_is_sent_nothing_and_goes_on_in_time() {
    let (mut stage, _, mut speakers) = two(&opus::OPUS);
    let other = speakers[1].phone;
    stage.update(other, |all| all.send = false);
    run(&mut stage, &mut speakers, 60);
    let last = stage.phones[other].received.last().unwrap().clone();
    stage.forget();
    run(&mut stage, &mut speakers, 60);
    assert!(stage.phones[other].received.is_empty());
    stage.update(other, |all| all.send = true);
    run(&mut stage, &mut speakers, 60);
    let next = stage.phones[other].received[0].clone();
    let time = (next.at - last.at).as_millis() as i32 * 48;
    let units = next.header.timestamp.since(last.header.timestamp);
    assert!((time - units).abs() <= 2 * 960, "{units} in {time}");
    assert!(next.header.marker);
    assert!(speakers[1].hears(&stage, 430.0));
}

#[test]
fn reports_and_quality_are_those_of_each_line() {
    let (mut stage, _, mut speakers) = two(&g711::PCMU);
    for turn in 0..20 {
        run(&mut stage, &mut speakers, 49);
        // One in fifty is lost on the first line.
        let phone = &mut stage.phones[speakers[0].phone];
        phone.sequence = phone.sequence.wrapping_add(1);
        phone.timestamp = phone.timestamp.wrapping_add(160);
        run(&mut stage, &mut speakers[1..], 1);
        assert!(turn < 20);
    }
    let [one, two] = [0, 1].map(|index| stage.quality(speakers[index].phone).unwrap());
    assert!((4..=6).contains(&one.lost), "{one:?}");
    assert_eq!(two.lost, 0);
    assert!(one.mos.unwrap() < two.mos.unwrap() && two.mos.unwrap() > 4.3);
    assert!(one.buffer_ms < 1.0, "{one:?}");
    let reports = &stage.phones[speakers[1].phone].reports;
    assert!(reports.len() >= 2);
    // Sender reports (RFC 3550 section 6.4.1), of what was sent.
    let last = reports.last().unwrap();
    assert_eq!(last[1], 200);
    let packets = u32::from_be_bytes(last[20..24].try_into().unwrap());
    assert!(packets > 700, "{packets}");
}

#[test]
fn a_codec_that_both_change_to_one_after_the_other_leaves_one_stream_without_a_gap() {
    let (mut stage, _, mut speakers) = two(&g711::PCMU);
    run(&mut stage, &mut speakers, 1);
    stage.forget();
    let passed = stage.stat("rtp_passed");
    run(&mut stage, &mut speakers, 20);
    for speaker in 0..2 {
        stage.update(speakers[speaker].phone, |all| {
            all.codec = &g711::PCMA;
            all.receive_formats = [(all.payload_type, &g711::PCMA)].into_iter().collect();
        });
        let codec = &g711::PCMA;
        (speakers[speaker].codec, speakers[speaker].encoder) =
            (codec, codec.encoder(Parameters::default()));
        let before = stage.stat("rtp_passed");
        run(&mut stage, &mut speakers, 60);
        // Of two codecs one is decoded into the other.
        assert_eq!(stage.stat("rtp_passed") > before + 2, speaker == 1);
    }
    assert!(stage.stat("rtp_passed") > passed + 60);
    for (speaker, hz) in speakers.iter().zip([1_010.0, 430.0]) {
        let received = &stage.phones[speaker.phone].received;
        assert_continuous(received, 160);
        assert!((139..=141).contains(&received.len()), "{}", received.len());
        assert!(speaker.hears(&stage, hz));
    }
}

#[test]
fn a_peer_that_begins_a_new_stream_goes_on_in_ours() {
    let (mut stage, _, mut speakers) = two(&g711::PCMU);
    let (one, other) = (speakers[0].phone, speakers[1].phone);
    run(&mut stage, &mut speakers, 1);
    stage.forget();
    run(&mut stage, &mut speakers, 20);
    // As after a restart: another source, other numbers, another time.
    let phone = &mut stage.phones[one];
    (phone.ssrc, phone.sequence, phone.timestamp) = (0x0bad_cafe, 40_000, 3_000_000_000);
    let passed = stage.stat("rtp_passed");
    run(&mut stage, &mut speakers, 60);
    assert!(stage.stat("rtp_passed") > passed + 100);
    let received = &stage.phones[other].received;
    let mut places = Vec::new();
    for pair in received.windows(2) {
        let (last, next) = (&pair[0].header, &pair[1].header);
        assert_eq!(next.ssrc, last.ssrc, "one source is one sender's");
        assert_eq!(next.sequence, last.sequence.plus(1));
        let units = next.timestamp.since(last.timestamp);
        let time = (pair[1].at - pair[0].at).as_millis() as i32 * 8;
        assert!(
            units > 0 && (time - units).abs() <= 3 * 160,
            "{units} in {time}"
        );
        if next.marker {
            places.push(next.sequence);
        }
    }
    assert_eq!(places.len(), 1, "the marker says where it begins anew");
    assert!(speakers[1].hears(&stage, 430.0));
}
