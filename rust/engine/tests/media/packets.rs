//! What goes over the wire: packet times, keys, hold, codecs.

use sems_audio::codec::g711;
use sems_engine::{command::MediaCommand, event::Event};
use sems_rtp::{PayloadType, telephone_event::TelephoneEvent};

use crate::stage::{EVENTS, MS, Stage, silence};

#[test]
fn a_packet_leaves_every_packet_time_also_in_silence() {
    for (ptime_ms, samples) in [(10, 80), (20, 160), (30, 240), (40, 320), (60, 480)] {
        let mut stage = Stage::new(1);
        let phone = stage.call_with(0, |negotiated| negotiated.ptime_ms = ptime_ms);
        stage.run(2000);
        let phone = &stage.phones[phone];
        let expected = 2000 / usize::from(ptime_ms);
        let count = phone.received.len();
        assert!(
            (expected - 2..=expected + 1).contains(&count),
            "{count} packets of {ptime_ms} ms"
        );
        assert!(
            phone
                .received
                .iter()
                .all(|packet| packet.payload.len() == samples)
        );
        phone.assert_unbroken();
        for pair in phone.received.windows(2) {
            let gap = pair[1].at - pair[0].at;
            assert!(gap < MS * u32::from(ptime_ms) + 20 * MS, "{gap:?}");
        }
    }
}

#[test]
fn the_first_packet_carries_the_marker_and_no_other() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(500);
    let markers: Vec<bool> = stage.phones[phone]
        .received
        .iter()
        .map(|packet| packet.header.marker)
        .collect();
    assert!(markers[0] && !markers[1..].contains(&true));
}

#[test]
fn packets_of_any_length_are_heard_whole() {
    for ptime_ms in [10, 20, 30, 40, 60] {
        let mut stage = Stage::new(1);
        let (_, phones) = stage.conference(&[440.0, 700.0]);
        stage.phones[phones[0]].ptime_ms = ptime_ms;
        stage.run(2000);
        assert!(stage.phones[phones[1]].hears(440.0), "{ptime_ms} ms");
        // A gap or a seam would be heard as other frequencies.
        for hz in [200.0, 300.0, 560.0, 620.0, 1000.0] {
            assert!(!stage.phones[phones[1]].hears(hz), "{ptime_ms} ms: {hz} Hz");
        }
    }
}

#[test]
fn a_phone_may_send_longer_or_shorter_packets_at_any_time() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    stage.run(500);
    for ptime_ms in [60, 10, 50, 20, 30, 40, 10, 60, 20] {
        stage.phones[phones[0]].ptime_ms = ptime_ms;
        // What came before the change is over.
        stage.run(700);
        let listener = &stage.phones[phones[1]];
        assert!(listener.hears(440.0), "{ptime_ms} ms");
        for hz in [200.0, 300.0, 560.0, 620.0, 1000.0] {
            assert!(!listener.hears(hz), "{ptime_ms} ms: {hz} Hz");
        }
    }
}

#[test]
fn packets_that_overtook_each_other_are_heard_in_their_order() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[0]].sends = false;
    stage.phones[phones[1]].speak(None);
    let mut tone = vec![0; 160 * 100];
    sems_audio::tone::Tone::new(
        sems_audio::tone::Pattern::from_parts(vec![sems_audio::tone::Part::sine(
            440.0, -20, 10_000,
        )]),
        8000,
    )
    .fill(&mut tone);
    let mut coded = vec![0; tone.len()];
    g711::encode_ulaw(&tone, &mut coded);
    for pair in 0..50u16 {
        // Two at once, the later first.
        for number in [2 * pair + 1, 2 * pair] {
            let phone = &mut stage.phones[phones[0]];
            phone.sequence = number;
            phone.timestamp = u32::from(number) * 160;
            phone.send(0, false, &coded[usize::from(number) * 160..][..160]);
        }
        stage.run(40);
    }
    let listener = &stage.phones[phones[1]];
    assert!(listener.hears(440.0));
    for hz in [200.0, 300.0, 390.0, 490.0, 560.0, 620.0, 1000.0] {
        assert!(!listener.hears(hz), "{hz} Hz");
    }
}

#[test]
fn keys_are_told_once_when_they_go_down() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(100);
    stage.phones[phone].sends = false;
    for (event, key) in [(1, '1'), (11, '#'), (10, '*'), (12, 'A')] {
        let caller = &mut stage.phones[phone];
        for packet in 1..8u16 {
            let event = TelephoneEvent {
                event,
                end: packet > 5,
                volume: 10,
                duration: packet.min(6) * 160,
            };
            caller.send(EVENTS, packet == 1, &event.to_bytes());
        }
        caller.timestamp = caller.timestamp.wrapping_add(1600);
        stage.run(200);
        let told: Vec<char> = stage
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Digit { digit, .. } => Some(*digit),
                _ => None,
            })
            .collect();
        assert_eq!(told, [key]);
        stage.forget();
    }
}

#[test]
fn keys_do_not_disturb_what_is_said_around_them() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(500);
    let event = TelephoneEvent {
        event: 5,
        end: false,
        volume: 10,
        duration: 160,
    };
    stage.phones[phones[0]].send(EVENTS, true, &event.to_bytes());
    stage.run(1000);
    assert!(stage.phones[phones[1]].hears(440.0));
    assert_eq!(stage.stat("rtp_malformed"), 0);
}

#[test]
fn digits_are_sent_in_place_of_audio() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    let call = stage.phones[phone].call;
    stage.run(100);
    stage.forget();
    let digits = "4#".to_owned();
    stage.must(MediaCommand::SendDigits { call, digits });
    stage.run(600);
    let received = &stage.phones[phone].received;
    let events: Vec<(u32, TelephoneEvent)> = received
        .iter()
        .filter(|packet| packet.header.payload_type.number() == EVENTS)
        .map(|packet| {
            let bytes = packet.payload[..].try_into().unwrap();
            (packet.header.timestamp.0, TelephoneEvent::from_bytes(bytes))
        })
        .collect();
    let mut presses: Vec<u32> = events.iter().map(|(start, _)| *start).collect();
    presses.dedup();
    assert_eq!(presses.len(), 2);
    for (start, key) in presses.iter().zip([4, 11]) {
        let press: Vec<_> = events.iter().filter(|(known, _)| known == start).collect();
        assert!(press.iter().all(|(_, event)| event.event == key));
        let ends: Vec<_> = press.iter().filter(|(_, event)| event.end).collect();
        assert_eq!(ends.len(), 3);
        assert!(ends.iter().all(|(_, event)| event.duration == 800));
    }
    let pause = presses[1].wrapping_sub(presses[0]) / 8;
    assert!(
        (190..=220).contains(&pause),
        "{pause} ms from digit to digit"
    );
    // One packet each 20 ms, numbered through, audio or not.
    for pair in received.windows(2) {
        assert_eq!(pair[1].header.sequence, pair[0].header.sequence.plus(1));
    }
    assert!((28..=31).contains(&received.len()));
    let last = &received[received.len() - 1].header;
    let took = last.timestamp.since(received[0].header.timestamp) / 160;
    assert_eq!(took as usize, received.len() - 1);
}

#[test]
fn digits_that_cannot_be_sent_are_an_error() {
    let mut stage = Stage::new(1);
    let without = stage.call_with(0, |negotiated| negotiated.send_events = None);
    let with = stage.call(0);
    let send = |phone: usize, digits: &str, stage: &mut Stage| {
        let call = stage.phones[phone].call;
        let digits = digits.to_owned();
        stage.command(MediaCommand::SendDigits { call, digits })
    };
    assert!(
        send(without, "1", &mut stage)
            .unwrap_err()
            .contains("telephone-event")
    );
    assert!(send(with, "1x", &mut stage).unwrap_err().contains("1x"));
    assert!(
        send(with, &"1".repeat(1000), &mut stage)
            .unwrap_err()
            .contains("too many")
    );
}

#[test]
fn a_call_on_hold_is_sent_nothing_and_goes_on_where_time_is() {
    let mut stage = Stage::new(1);
    let phone = stage.call(0);
    stage.run(1000);
    stage.update(phone, |negotiated| negotiated.send = false);
    stage.run(40);
    stage.forget();
    stage.run(960);
    assert!(stage.phones[phone].received.is_empty());
    stage.update(phone, |negotiated| negotiated.send = true);
    stage.run(1000);
    let received = &stage.phones[phone].received;
    assert!((49..=51).contains(&received.len()));
    assert!(received[0].header.marker);
    let first = received[0].header.timestamp.0.wrapping_sub(0xFFFF_FF00) / 8;
    assert!((1980..=2040).contains(&first), "{first} ms");
}

#[test]
fn a_held_caller_is_not_heard() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(500);
    stage.update(phones[0], |negotiated| negotiated.receive = false);
    stage.run(1500);
    assert!(!stage.phones[phones[1]].hears(440.0));
    stage.update(phones[0], |negotiated| negotiated.receive = true);
    stage.run(1000);
    assert!(stage.phones[phones[1]].hears(440.0));
}

#[test]
fn a_new_agreement_changes_codec_and_packet_time_without_a_gap() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(510);
    stage.update(phones[0], |negotiated| {
        negotiated.codec = &g711::PCMA;
        negotiated.payload_type = PayloadType::PCMA;
        negotiated.ptime_ms = 30;
    });
    stage.run(1000);
    stage.update(phones[0], |negotiated| negotiated.ptime_ms = 20);
    stage.run(1000);
    let phone = &stage.phones[phones[0]];
    phone.assert_unbroken();
    assert!(phone.hears(700.0));
    let lengths: Vec<usize> = phone
        .received
        .iter()
        .map(|packet| packet.payload.len())
        .collect();
    assert!(lengths.contains(&160) && lengths.contains(&240));
    let last = &phone.received[phone.received.len() - 1];
    assert_eq!(last.header.payload_type, PayloadType::PCMA);
}

#[test]
fn a_lost_packet_is_concealed_and_the_next_is_heard() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[400.0, 700.0]);
    stage.phones[phones[1]].speak(None);
    stage.run(1000);
    stage.forget();
    // A tone of 400 Hz has the same 8 periods in each packet.
    stage.phones[phones[0]].sequence += 1;
    stage.phones[phones[0]].timestamp += 160;
    stage.run(400);
    let silent = silence(&g711::PCMU);
    assert!(
        stage.phones[phones[1]]
            .received
            .iter()
            .all(|packet| packet.payload != silent)
    );
    assert!(stage.phones[phones[1]].hears(400.0));
}

#[test]
fn garbage_on_the_port_is_counted_and_disturbs_nobody() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.run(500);
    for length in [0usize, 1, 4, 11, 12, 13, 100, 1500, 3000] {
        for first in [0x00, 0x80, 0x9F, 0xBF, 0xFF] {
            let mut garbage = vec![0xAA; length];
            if let Some(byte) = garbage.first_mut() {
                *byte = first;
            }
            let phone = &stage.phones[phones[0]];
            phone.rtp.send_to(&garbage, phone.remote);
        }
    }
    stage.run(1000);
    assert!(stage.stat("rtp_malformed") > 20);
    assert!(stage.phones[phones[1]].hears(440.0));
    assert!(stage.phones[phones[0]].hears(700.0));
}

#[test]
fn an_unknown_payload_type_is_not_played() {
    let mut stage = Stage::new(1);
    let (_, phones) = stage.conference(&[440.0, 700.0]);
    stage.phones[phones[0]].sends = false;
    stage.phones[phones[1]].speak(None);
    for _ in 0..20 {
        stage.phones[phones[0]].send(96, false, &[0x55; 160]);
        stage.phones[phones[0]].timestamp += 160;
        stage.run(20);
    }
    assert!(
        stage.phones[phones[1]]
            .heard()
            .iter()
            .all(|sample| *sample == 0)
    );
    assert!(stage.stat("rtp_malformed") > 10);
}
