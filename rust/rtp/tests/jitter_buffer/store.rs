//! What is held: how much there is room for, and that it stays what it was.

use std::time::Instant;

use proptest::prelude::*;
use sems_rtp::jitter_buffer::Pushed;
use sems_rtp::{JitterBuffer, JitterBufferConfig, Pull, RtpHeader, RtpPacket, write_header};

use crate::scenario::{TICK, header, ms, push};

/// A payload that is like no other's.
fn payload(header: &RtpHeader, len: usize) -> Vec<u8> {
    let byte = |place: usize| (place as u8).wrapping_mul(31) ^ header.sequence.0 as u8;
    (0..len).map(byte).collect()
}

fn push_payload(
    buffer: &mut JitterBuffer,
    now: Instant,
    header: &RtpHeader,
    len: usize,
    duration: u32,
) -> Pushed {
    let mut bytes = vec![0; 12];
    write_header(&mut bytes, header).unwrap();
    bytes.extend(payload(header, len));
    buffer.push(now, &RtpPacket::parse(&bytes).unwrap(), duration)
}

#[test]
fn there_is_room_for_200_ms_of_packets_of_any_length() {
    for ptime in [10, 20, 30, 40, 50, 60] {
        let (mut buffer, now) = (JitterBuffer::new(JitterBufferConfig::G711), Instant::now());
        let units = ptime * 8;
        for number in 0..200 / ptime {
            let header = header(number as u16, number * units);
            assert_eq!(push(&mut buffer, now, &header, units), Pushed::Stored);
        }
        assert_eq!(buffer.statistics().overflowed, 0, "{ptime} ms");
        assert_eq!(buffer.depth(), ms(f64::from(200 / ptime * ptime)));
    }
}

#[test]
fn bytes_without_duration_push_out_what_is_older() {
    // Nobody sends packets of 480 bytes that last a millisecond, but anybody could.
    let (mut buffer, now) = (JitterBuffer::new(JitterBufferConfig::G711), Instant::now());
    for number in 0..30 {
        let header = header(number, u32::from(number) * 8);
        assert_eq!(
            push_payload(&mut buffer, now, &header, 480, 8),
            Pushed::Stored
        );
    }
    let overflowed = buffer.statistics().overflowed;
    assert!((24..=26).contains(&overflowed), "{overflowed}");
}

#[test]
fn one_that_would_have_to_go_first_to_make_room_for_itself_is_late() {
    let (mut buffer, now) = (JitterBuffer::new(JitterBufferConfig::G711), Instant::now());
    let push = |buffer: &mut JitterBuffer, number: u16| {
        let header = header(number, u32::from(number) * TICK);
        push_payload(buffer, now, &header, 480, TICK)
    };
    assert_eq!(push(&mut buffer, 0), Pushed::Stored);
    assert!(matches!(buffer.pull(now, TICK), Pull::Frame(_)));
    for number in 2..7 {
        assert_eq!(push(&mut buffer, number), Pushed::Stored);
    }
    assert_eq!(push(&mut buffer, 1), Pushed::Late);
    assert_eq!(buffer.statistics().overflowed, 1);
}

proptest! {
    /// Lengths of all kinds in any order: what is pulled is what was pushed.
    #[test]
    fn no_payload_is_written_over_while_it_is_held(
        steps in prop::collection::vec((-6i16..9, 0usize..=480, 0u8..4), 1..400),
    ) {
        let (mut buffer, mut now) = (JitterBuffer::new(JitterBufferConfig::G711), Instant::now());
        let mut lengths = std::collections::HashMap::new();
        let mut newest = 100i16;
        for (step, len, pulls) in steps {
            let number = newest + step;
            newest = newest.max(number);
            let header = header(number as u16, number as u32 * 80);
            if push_payload(&mut buffer, now, &header, len, 80) == Pushed::Stored {
                prop_assert!(lengths.insert(number as u16, len).is_none());
            }
            for _ in 0..pulls {
                if let Pull::Frame(frame) = buffer.pull(now, TICK) {
                    let len = lengths.remove(&frame.sequence.0);
                    prop_assert!(len.is_some());
                    let expected = payload(&crate::scenario::header(frame.sequence.0, 0), len.unwrap_or(0));
                    prop_assert_eq!(frame.payload, &expected[..]);
                }
            }
            now += ms(10.0);
        }
    }
}
