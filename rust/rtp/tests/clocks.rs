//! Streams whose clock is not that of G.711, or changes.

use std::time::{Duration, Instant};

use sems_rtp::{
    Digit, EventSender, JitterBuffer, JitterBufferConfig, PayloadType, Pull, RtpHeader, RtpPacket,
    RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp, jitter_buffer::Loss,
    telephone_event::TelephoneEvent,
};

const TICK: Duration = Duration::from_millis(20);

fn packet(sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType::PCMU,
        sequence: SequenceNumber(sequence),
        timestamp: Timestamp(timestamp),
        ssrc: Ssrc(7),
    };
    [&header.to_bytes(), payload].concat()
}

fn push(buffer: &mut JitterBuffer, now: Instant, packet: &[u8], duration: u32) {
    buffer.push(now, &RtpPacket::parse(packet).unwrap(), duration);
}

fn session(clock_rate: u32) -> RtpSession {
    RtpSession::new(SessionConfig {
        ssrc: Ssrc(1),
        first_sequence: SequenceNumber(10),
        first_timestamp: Timestamp(1_000),
        clock_rate,
        cname: "x",
    })
}

#[test]
fn a_buffer_that_starts_again_plays_a_stream_of_another_clock() {
    let mut buffer = JitterBuffer::new(JitterBufferConfig::G711);
    let mut now = Instant::now();
    for n in 0..5u16 {
        push(
            &mut buffer,
            now,
            &packet(n, 160 * u32::from(n), &[1; 160]),
            160,
        );
        assert!(matches!(buffer.pull(now, 160), Pull::Frame(_)));
        now += TICK;
    }
    buffer.restart(48_000);
    assert_eq!(buffer.clock_rate(), 48_000);
    assert_eq!(buffer.pull(now, 960), Pull::Empty);
    for n in 5..10u16 {
        push(
            &mut buffer,
            now,
            &packet(n, 960 * u32::from(n), &[2; 60]),
            960,
        );
        let Pull::Frame(frame) = buffer.pull(now, 960) else {
            panic!("packet {n} is there");
        };
        assert_eq!((frame.duration, frame.lost_before), (960, 0));
        now += TICK;
    }
}

#[test]
fn the_packet_behind_lost_ones_can_be_looked_at_and_more_made_up_than_was_pulled() {
    let mut buffer = JitterBuffer::new(JitterBufferConfig::G711);
    let now = Instant::now();
    push(&mut buffer, now, &packet(0, 0, &[0; 160]), 160);
    assert!(matches!(buffer.pull(now, 160), Pull::Frame(_)));
    push(&mut buffer, now, &packet(3, 480, &[3; 160]), 160);
    let loss = |units| Loss {
        units,
        duration: 160,
        payload_type: PayloadType::PCMU,
        payload: &[3; 160],
    };
    assert_eq!(buffer.pull(now + TICK, 160), Pull::Lost { duration: 160 });
    assert_eq!(buffer.loss(160), Some(loss(320)));
    // Half a tick is needed, a whole packet is made up.
    let now = now + 2 * TICK;
    assert_eq!(buffer.pull(now, 80), Pull::Lost { duration: 80 });
    assert_eq!(buffer.loss(80), Some(loss(160)));
    buffer.bridge(80);
    let Pull::Frame(frame) = buffer.pull(now + TICK, 80) else {
        panic!("the packet is there");
    };
    assert_eq!((frame.timestamp, frame.lost_before), (Timestamp(480), 2));
    assert_eq!(buffer.loss(0), None);
}

#[test]
fn events_beside_audio_of_another_clock_have_durations_of_their_own() {
    let mut session = session(48_000);
    let mut sender = EventSender::beside(PayloadType::new(101).unwrap(), 8_000, 48_000);
    let key = Digit::from_char('5').unwrap();
    sender.press(key, Duration::from_millis(100)).unwrap();
    let mut durations = Vec::new();
    while let Some(event) = sender.tick(&mut session, 960) {
        assert_eq!(event.header.timestamp, Timestamp(1_000));
        durations.push(TelephoneEvent::from_bytes(event.payload).duration);
    }
    assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
    assert_eq!(session.next_timestamp(), Timestamp(1_000 + 7 * 960));
    // The pause behind it: 60 ms.
    for _ in 0..2 {
        assert!(!sender.is_idle());
        sender.tick(&mut session, 960);
    }
    assert!(sender.is_idle());
}

#[test]
fn a_stream_of_another_clock_is_another_source() {
    let mut session = session(8_000);
    let old = session.send(PayloadType::PCMU, 160, 160);
    session.begin_stream(Ssrc(2));
    let new = session.send(PayloadType::PCMU, 960, 60);
    assert_eq!((old.ssrc, new.ssrc), (Ssrc(1), Ssrc(2)));
    assert_eq!(new.sequence, old.sequence.plus(1));
    assert_eq!(new.timestamp, old.timestamp.plus(160));
    assert!(new.marker);
    assert_eq!(session.sent(), (1, 60));
}

#[test]
fn jitter_is_measured_by_the_clock_of_the_stream() {
    let mut session = session(8_000);
    session.set_receive_clock(48_000);
    let start = Instant::now();
    for n in 0..100u16 {
        // Every other packet is 4 ms late.
        let late = Duration::from_millis(4 * u64::from(n % 2));
        let packet = packet(n, 960 * u32::from(n), &[0; 60]);
        session.receive(
            start + u32::from(n) * TICK + late,
            &RtpPacket::parse(&packet).unwrap(),
        );
    }
    let jitter = session.statistics().unwrap().jitter;
    assert!((3_900..4_100).contains(&jitter.as_micros()), "{jitter:?}");
}
