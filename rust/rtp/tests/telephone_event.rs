//! Keys pressed, over good and bad networks.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sems_rtp::telephone_event::{MAX_QUEUED, TelephoneEvent};
use sems_rtp::{
    Digit, DigitEdge, EventReceiver, EventSender, PayloadType, RtpError, RtpHeader, RtpPacket,
    RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp,
};

const EVENTS: PayloadType = match PayloadType::new(101) {
    Some(payload_type) => payload_type,
    None => unreachable!(),
};

fn session() -> RtpSession {
    RtpSession::new(SessionConfig {
        ssrc: Ssrc(1),
        first_sequence: SequenceNumber(65_530),
        first_timestamp: Timestamp(u32::MAX - 10_000),
        clock_rate: 8000,
        cname: "phone",
    })
}

fn begin(label: char) -> DigitEdge {
    DigitEdge::Begin {
        digit: Digit::from_char(label).unwrap(),
    }
}

fn end(label: char, duration: u32) -> DigitEdge {
    DigitEdge::End {
        digit: Digit::from_char(label).unwrap(),
        duration,
    }
}

/// A receiver with its clock, and what it has told.
struct Ear {
    receiver: EventReceiver,
    now: Instant,
    edges: Vec<DigitEdge>,
}

impl Ear {
    fn new() -> Ear {
        Ear {
            receiver: EventReceiver::new(),
            now: Instant::now(),
            edges: Vec::new(),
        }
    }

    fn hear(&mut self, header: &RtpHeader, payload: &[u8]) {
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(payload);
        let packet = RtpPacket::parse(&bytes).unwrap();
        self.receiver
            .receive(self.now, &packet, |edge| self.edges.push(edge))
            .unwrap();
    }

    /// Hears one block of the event that began at `timestamp`.
    fn block(&mut self, timestamp: u32, event: u8, duration: u16, end: bool) {
        let header = RtpHeader {
            marker: false,
            payload_type: EVENTS,
            sequence: SequenceNumber(0),
            timestamp: Timestamp(timestamp),
            ssrc: Ssrc(1),
        };
        let block = TelephoneEvent {
            event,
            end,
            volume: 10,
            duration,
        };
        self.hear(&header, &block.to_bytes());
    }

    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.edges.extend(self.receiver.expire(self.now));
    }

    fn begun(&self) -> String {
        let begun = |edge: &DigitEdge| match edge {
            DigitEdge::Begin { digit } => Some(digit.to_char()),
            DigitEdge::End { .. } => None,
        };
        self.edges.iter().filter_map(begun).collect()
    }
}

/// Presses `keys` for 100 ms each, over a network that drops what `lost` says; returns what is
/// heard.
fn dial(keys: &str, mut lost: impl FnMut() -> bool) -> Ear {
    let (mut session, mut sender, mut ear) =
        (session(), EventSender::new(EVENTS, 8000), Ear::new());
    for key in keys.chars() {
        let digit = Digit::from_char(key).unwrap();
        sender.press(digit, Duration::from_millis(100)).unwrap();
    }
    while !sender.is_idle() {
        match sender.tick(&mut session, 160) {
            Some(packet) if !lost() => ear.hear(&packet.header, &packet.payload),
            Some(_) => {}
            None => {
                session.send(PayloadType::PCMU, 160, 160);
            }
        }
        ear.pass(20);
    }
    ear.pass(1000);
    ear
}

#[test]
fn a_press_is_sent_each_tick_with_one_timestamp_and_ends_three_times() {
    let (mut session, mut sender) = (session(), EventSender::new(EVENTS, 8000));
    session.send(PayloadType::PCMU, 160, 160);
    let start = session.next_timestamp();
    sender
        .press(Digit::from_char('5').unwrap(), Duration::from_millis(70))
        .unwrap();
    let mut heard = Vec::new();
    while let Some(packet) = sender.tick(&mut session, 160) {
        assert_eq!(packet.header.timestamp, start);
        assert_eq!(packet.header.payload_type, EVENTS);
        let event = TelephoneEvent::from_bytes(packet.payload);
        assert_eq!(event.event, 5);
        heard.push((
            packet.header.sequence.0,
            packet.header.marker,
            event.duration,
            event.end,
        ));
    }
    assert_eq!(
        heard,
        [
            (65_531, true, 160, false),
            (65_532, false, 320, false),
            (65_533, false, 480, false),
            (65_534, false, 560, true),
            (65_535, false, 560, true),
            (0, false, 560, true),
        ]
    );
    // Audio goes on where it would be without the event.
    assert_eq!(session.next_timestamp(), start.plus(6 * 160));
}

#[test]
fn between_two_presses_there_is_audio() {
    let (mut session, mut sender) = (session(), EventSender::new(EVENTS, 8000));
    let digit = Digit::from_char('1').unwrap();
    sender.press(digit, Duration::from_millis(40)).unwrap();
    sender.press(digit, Duration::from_millis(40)).unwrap();
    let ticks: String = (0..12)
        .map(|_| match sender.tick(&mut session, 160) {
            Some(packet) if packet.header.marker => 'M',
            Some(_) => 'e',
            None => '.',
        })
        .collect();
    assert_eq!(ticks, "Meee...Meee.");
}

/// Sends one press; returns its packets as timestamp since the start, marker, duration and end.
fn pressed(length: Duration, clock_rate: u32) -> Vec<(u32, bool, u16, bool)> {
    let (mut session, mut sender) = (session(), EventSender::new(EVENTS, clock_rate));
    let start = session.next_timestamp();
    sender
        .press(Digit::from_char('1').unwrap(), length)
        .unwrap();
    std::iter::from_fn(|| sender.tick(&mut session, clock_rate / 50))
        .map(|packet| {
            let event = TelephoneEvent::from_bytes(packet.payload);
            let since = packet.header.timestamp.since(start) as u32;
            (since, packet.header.marker, event.duration, event.end)
        })
        .collect()
}

#[test]
fn a_press_longer_than_the_field_goes_in_segments() {
    for (seconds, clock_rate, segments) in [(20, 8_000, 3), (4, 48_000, 3), (8, 8_000, 1)] {
        let packets = pressed(Duration::from_secs(seconds), clock_rate);
        let units = seconds as u32 * clock_rate;
        let starts: std::collections::BTreeSet<_> = packets.iter().map(|packet| packet.0).collect();
        let expected = (0..segments).map(|segment| segment * u32::from(u16::MAX));
        assert!(
            starts.into_iter().eq(expected),
            "{seconds} s at {clock_rate} Hz"
        );
        // One marker, one full duration for each segment but the last, three ends.
        let count = |wanted: fn(&(u32, bool, u16, bool)) -> bool| {
            packets.iter().filter(|packet| wanted(packet)).count() as u32
        };
        assert_eq!(count(|packet| packet.1), 1);
        assert_eq!(count(|packet| packet.2 == u16::MAX), segments - 1);
        assert_eq!(count(|packet| packet.3), 3);
        let last = packets.last().unwrap();
        assert_eq!(last.0 + u32::from(last.2), units);
    }
}

#[test]
fn a_press_in_segments_is_one_press_to_who_hears_it() {
    for lost in [false, true] {
        let (mut session, mut sender) = (session(), EventSender::new(EVENTS, 8000));
        let mut ear = Ear::new();
        let length = Duration::from_secs(20);
        sender
            .press(Digit::from_char('1').unwrap(), length)
            .unwrap();
        let mut number = 0;
        while let Some(packet) = sender.tick(&mut session, 160) {
            // Of each three packets two are lost, or none is.
            if !lost || number % 3 == 0 {
                ear.hear(&packet.header, &packet.payload);
            }
            number += 1;
            ear.pass(20);
        }
        assert_eq!(ear.edges, [begin('1'), end('1', 160_000)]);
    }
}

#[test]
fn a_full_queue_refuses() {
    let mut sender = EventSender::new(EVENTS, 8000);
    let digit = Digit::from_char('1').unwrap();
    for _ in 0..MAX_QUEUED {
        sender.press(digit, Duration::from_millis(100)).unwrap();
    }
    let full = sender.press(digit, Duration::from_millis(100));
    assert_eq!(full, Err(RtpError::QueueFull));
}

#[test]
fn every_key_arrives_once() {
    let ear = dial("0123456789*#ABCD", || false);
    assert_eq!(ear.begun(), "0123456789*#ABCD");
    assert_eq!(ear.edges.len(), 32);
    assert_eq!(ear.edges[..2], [begin('0'), end('0', 800)]);
}

#[test]
fn an_event_whose_start_is_lost_begins_with_what_comes() {
    let mut ear = Ear::new();
    ear.block(1000, 7, 480, false);
    ear.block(1000, 7, 800, true);
    assert_eq!(ear.edges, [begin('7'), end('7', 800)]);

    let mut ear = Ear::new();
    ear.block(1000, 7, 800, true);
    ear.block(1000, 7, 800, true);
    assert_eq!(ear.edges, [begin('7'), end('7', 800)]);
}

#[test]
fn an_event_whose_end_is_lost_ends_with_the_next_or_by_itself() {
    let mut ear = Ear::new();
    ear.block(1000, 7, 160, false);
    ear.block(1000, 7, 320, false);
    ear.block(5000, 7, 160, false);
    assert_eq!(ear.edges, [begin('7'), end('7', 320), begin('7')]);
    ear.pass(499);
    assert_eq!(ear.edges.len(), 3);
    ear.pass(1);
    assert_eq!(ear.edges[3..], [end('7', 160)]);
    // Its true end came after all.
    ear.block(5000, 7, 800, true);
    assert_eq!(ear.edges.len(), 4);
}

#[test]
fn packets_of_one_event_that_come_in_the_wrong_order_dont_shorten_it() {
    let mut ear = Ear::new();
    ear.block(1000, 7, 480, false);
    ear.block(1000, 7, 320, false);
    ear.pass(500);
    assert_eq!(ear.edges, [begin('7'), end('7', 480)]);
}

#[test]
fn packets_of_an_earlier_event_that_come_late_are_ignored() {
    let mut ear = Ear::new();
    ear.block(1000, 1, 800, true);
    ear.block(3000, 2, 160, false);
    ear.block(1000, 1, 800, true);
    ear.block(3000, 2, 800, true);
    assert_eq!(
        ear.edges,
        [begin('1'), end('1', 800), begin('2'), end('2', 800)]
    );
}

#[test]
fn a_press_of_ten_seconds_is_one_press() {
    let mut ear = Ear::new();
    let start = u32::MAX - 100;
    ear.block(start, 3, 160, false);
    ear.block(start, 3, u16::MAX, false);
    let second = start.wrapping_add(u32::from(u16::MAX));
    ear.block(second, 3, 160, false);
    ear.block(second, 3, 14_465, true);
    ear.block(second, 3, 14_465, true);
    assert_eq!(ear.edges, [begin('3'), end('3', 80_000)]);
}

#[test]
fn a_segment_whose_predecessor_was_cut_short_by_loss_still_continues_it() {
    let mut ear = Ear::new();
    ear.block(0, 3, 64_000, false);
    ear.block(65_535, 3, 160, true);
    assert_eq!(ear.edges, [begin('3'), end('3', 65_535 + 160)]);
}

#[test]
fn a_marked_packet_continues_nothing() {
    let mut ear = Ear::new();
    ear.block(0, 3, 160, false);
    let header = RtpHeader {
        marker: true,
        payload_type: EVENTS,
        sequence: SequenceNumber(9),
        timestamp: Timestamp(u32::from(u16::MAX)),
        ssrc: Ssrc(1),
    };
    let block = TelephoneEvent {
        event: 3,
        end: false,
        volume: 10,
        duration: 160,
    };
    ear.hear(&header, &block.to_bytes());
    assert_eq!(ear.edges, [begin('3'), end('3', 160), begin('3')]);
}

#[test]
fn flash_and_tones_are_no_keys_and_end_the_key_before() {
    let mut ear = Ear::new();
    ear.block(0, 9, 160, false);
    ear.block(2000, 16, 160, false);
    ear.block(2000, 16, 400, true);
    ear.block(4000, 66, 400, true);
    assert_eq!(ear.edges, [begin('9'), end('9', 160)]);
}

#[test]
fn several_events_in_one_packet_follow_each_other() {
    let mut ear = Ear::new();
    let header = RtpHeader {
        marker: true,
        payload_type: EVENTS,
        sequence: SequenceNumber(0),
        timestamp: Timestamp(1000),
        ssrc: Ssrc(1),
    };
    let block = |event, duration| TelephoneEvent {
        event,
        end: true,
        volume: 0,
        duration,
    };
    let payload = [block(1, 400).to_bytes(), block(2, 480).to_bytes()].concat();
    ear.hear(&header, &payload);
    ear.hear(&header, &payload);
    assert_eq!(
        ear.edges,
        [begin('1'), end('1', 400), begin('2'), end('2', 480)]
    );
}

#[test]
fn another_source_or_a_new_time_base_is_heard() {
    let mut ear = Ear::new();
    ear.block(1_000_000, 1, 800, true);
    let header = RtpHeader {
        marker: true,
        payload_type: EVENTS,
        sequence: SequenceNumber(0),
        timestamp: Timestamp(5),
        ssrc: Ssrc(2),
    };
    let block = TelephoneEvent {
        event: 2,
        end: true,
        volume: 0,
        duration: 8,
    };
    ear.hear(&header, &block.to_bytes());
    assert_eq!(ear.begun(), "12");

    let mut ear = Ear::new();
    ear.block(1_000_000, 1, 800, true);
    ear.pass(5000);
    ear.block(5, 2, 800, true);
    assert_eq!(ear.begun(), "12");
}

#[test]
fn a_payload_that_is_not_made_of_blocks_is_an_error() {
    for len in [0, 1, 3, 5, 7] {
        let payload = vec![0; len];
        assert_eq!(
            TelephoneEvent::parse(&payload).err(),
            Some(RtpError::EventLength),
            "{len}"
        );
    }
}

#[test]
fn a_block_is_read_and_written_as_the_rfc_draws_it() {
    let bytes = [11, 0x8a, 0x03, 0x20];
    let event = TelephoneEvent {
        event: 11,
        end: true,
        volume: 10,
        duration: 800,
    };
    assert_eq!(TelephoneEvent::from_bytes(bytes), event);
    assert_eq!(event.to_bytes(), bytes);
    // The reserved bit is ignored.
    assert_eq!(TelephoneEvent::from_bytes([11, 0xca, 0x03, 0x20]), event);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A press is seven packets. All of them may get lost (one press in 4,600), and then it is
    /// gone; but none is doubled, reordered, or invented.
    #[test]
    fn keys_survive_heavy_loss_without_doubling(
        keys in "[0-9*#A-D]{1,20}",
        losses in prop::collection::vec(prop::bool::weighted(0.3), 160),
    ) {
        let mut packet = 0;
        let mut vanished = vec![true; keys.len()];
        let ear = dial(&keys, || {
            let lost = losses[packet];
            vanished[packet / 7] &= lost;
            packet += 1;
            lost
        });
        let expected: String =
            keys.chars().zip(&vanished).filter(|(_, gone)| !**gone).map(|(key, _)| key).collect();
        prop_assert_eq!(ear.begun(), expected);
        prop_assert_eq!(ear.edges.len(), 2 * ear.begun().len());
    }

    #[test]
    fn any_payload_is_events_or_an_error(
        packets in prop::collection::vec(
            (any::<u32>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..16), 0u64..3000),
            0..60),
    ) {
        let mut ear = Ear::new();
        for (timestamp, marker, payload, pause) in packets {
            let header = RtpHeader {
                marker,
                payload_type: EVENTS,
                sequence: SequenceNumber(0),
                timestamp: Timestamp(timestamp),
                ssrc: Ssrc(1),
            };
            if payload.len() % 4 == 0 && !payload.is_empty() {
                ear.hear(&header, &payload);
            }
            ear.pass(pause);
        }
        // Begin and end take turns.
        let mut down = None;
        for edge in ear.edges {
            match edge {
                DigitEdge::Begin { digit } => prop_assert_eq!(down.replace(digit), None),
                DigitEdge::End { digit, .. } => prop_assert_eq!(down.take(), Some(digit)),
            }
        }
    }
}
