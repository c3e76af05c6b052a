//! Streams that begin, jump, pause, and end.

use std::time::{Duration, Instant};

use sems_rtp::jitter_buffer::Pushed;
use sems_rtp::{
    JitterBuffer, JitterBufferConfig, Playout, Pull, RtpHeader, RtpPacket, Ssrc, write_header,
};

use crate::scenario::{TICK, header, ms, push};

fn buffer() -> JitterBuffer {
    JitterBuffer::new(JitterBufferConfig::G711)
}

/// Pulls one tick, expects a frame, returns its number and timestamp.
fn frame(buffer: &mut JitterBuffer, now: Instant) -> (u16, u32) {
    match buffer.pull(now, TICK) {
        Pull::Frame(frame) => (frame.sequence.0, frame.timestamp.0),
        other => panic!("no frame but {other:?}"),
    }
}

fn pass_over(buffer: &mut JitterBuffer, header: &RtpHeader) {
    let mut bytes = [0; 16];
    write_header(&mut bytes, header).unwrap();
    buffer.pass_over(&RtpPacket::parse(&bytes).unwrap());
}

#[test]
fn without_a_stream_there_is_nothing_to_play() {
    let mut buffer = buffer();
    assert_eq!(buffer.pull(Instant::now(), TICK), Pull::Empty);
}

#[test]
fn the_first_packet_plays_at_the_next_tick() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 160), TICK);
    assert_eq!(frame(&mut buffer, now + ms(1.0)), (1, 160));
    assert_eq!(buffer.pull(now + ms(21.0), TICK), Pull::Wait);
}

#[test]
fn what_piled_up_before_the_start_is_not_waited_for() {
    let (mut buffer, now) = (buffer(), Instant::now());
    for i in 0..8 {
        push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
    }
    assert_eq!(frame(&mut buffer, now), (7, 7 * 160));
}

#[test]
fn packets_that_come_in_the_wrong_order_at_the_start_are_played_in_the_right_one() {
    let (mut buffer, now) = (buffer(), Instant::now());
    assert_eq!(push(&mut buffer, now, &header(1, 80), 80), Pushed::Stored);
    assert_eq!(push(&mut buffer, now, &header(0, 0), 80), Pushed::Stored);
    assert_eq!(frame(&mut buffer, now), (0, 0));
    assert_eq!(frame(&mut buffer, now), (1, 80));
}

#[test]
fn a_packet_that_comes_twice_is_played_once() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 160), TICK);
    assert_eq!(
        push(&mut buffer, now, &header(1, 160), TICK),
        Pushed::Duplicate
    );
    assert_eq!(frame(&mut buffer, now), (1, 160));
    assert_eq!(
        push(&mut buffer, now, &header(1, 160), TICK),
        Pushed::Duplicate
    );
    assert_eq!(buffer.pull(now, TICK), Pull::Wait);
    assert_eq!(buffer.statistics().duplicates, 2);
    assert_eq!(buffer.statistics().late, 0);
}

#[test]
fn a_missing_packet_is_told_with_its_length_when_its_successor_is_there() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 0), 80);
    push(&mut buffer, now, &header(2, 80), 80);
    push(&mut buffer, now, &header(4, 240), 80);
    assert_eq!(frame(&mut buffer, now), (2, 80));
    assert_eq!(buffer.pull(now, 80), Pull::Lost { duration: 80 });
    match buffer.pull(now + ms(20.0), TICK) {
        Pull::Frame(frame) => assert_eq!((frame.sequence.0, frame.lost_before), (4, 1)),
        other => panic!("{other:?}"),
    }
    assert_eq!(buffer.statistics().lost, 1);
}

#[test]
fn another_source_replaces_the_first_at_once() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 0), TICK);
    push(&mut buffer, now, &header(2, 160), TICK);
    let other = RtpHeader {
        ssrc: Ssrc(8),
        ..header(40_000, 99)
    };
    push(&mut buffer, now, &other, TICK);
    assert_eq!(frame(&mut buffer, now), (40_000, 99));
    assert_eq!(buffer.pull(now, TICK), Pull::Wait);
    assert_eq!(buffer.statistics().streams, 1);
}

#[test]
fn numbers_that_start_anew_start_a_new_stream() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(10_000, 0), TICK);
    assert_eq!(frame(&mut buffer, now), (10_000, 0));
    push(&mut buffer, now, &header(5, 777), TICK);
    assert_eq!(frame(&mut buffer, now + ms(20.0)), (5, 777));
    assert_eq!(buffer.statistics().streams, 2);
}

#[test]
fn timestamps_that_jump_either_way_cost_nothing() {
    let (mut buffer, now) = (buffer(), Instant::now());
    for (i, timestamp) in [0, 1_000_000, 1_000_160, 12, 0x9000_0000]
        .into_iter()
        .enumerate()
    {
        let now = now + ms(20.0) * i as u32;
        push(&mut buffer, now, &header(i as u16, timestamp), TICK);
        assert_eq!(frame(&mut buffer, now), (i as u16, timestamp));
    }
    assert_eq!(buffer.statistics().streams, 1);
}

#[test]
fn a_pause_of_the_sender_is_silence_of_the_same_length() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 0), TICK);
    push(&mut buffer, now, &header(2, 160), TICK);
    assert_eq!(frame(&mut buffer, now), (2, 160));
    // 40 ms without a packet, and one of them goes by before the next comes.
    assert_eq!(buffer.pull(now + ms(20.0), TICK), Pull::Wait);
    push(&mut buffer, now + ms(30.0), &header(3, 640), TICK);
    assert_eq!(
        buffer.pull(now + ms(40.0), TICK),
        Pull::Paused { duration: TICK }
    );
    assert_eq!(frame(&mut buffer, now + ms(60.0)), (3, 640));
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn a_long_pause_ends_the_stream_and_the_next_packet_starts_it_without_delay() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 0), TICK);
    assert_eq!(frame(&mut buffer, now), (1, 0));
    for tick in 1..=25 {
        assert_eq!(
            buffer.pull(now + ms(20.0) * tick, TICK),
            Pull::Wait,
            "tick {tick}"
        );
    }
    assert_eq!(buffer.pull(now + ms(520.0), TICK), Pull::Empty);
    let later = now + Duration::from_secs(60);
    assert_eq!(buffer.pull(later, TICK), Pull::Empty);
    push(&mut buffer, later, &header(2, 480_160), TICK);
    assert_eq!(frame(&mut buffer, later), (2, 480_160));
    assert_eq!(buffer.statistics().lost, 0);
    assert_eq!(buffer.statistics().streams, 2);
}

#[test]
fn telephone_events_between_the_audio_are_not_counted_as_lost() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(1, 0), TICK);
    assert_eq!(frame(&mut buffer, now), (1, 0));
    for i in 0..5 {
        pass_over(&mut buffer, &header(2 + i, 160));
        assert_eq!(
            buffer.pull(now + ms(20.0) * (1 + u32::from(i)), TICK),
            Pull::Wait
        );
    }
    push(&mut buffer, now + ms(120.0), &header(7, 6 * 160), TICK);
    assert_eq!(frame(&mut buffer, now + ms(120.0)), (7, 6 * 160));
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn hundreds_of_events_without_audio_fill_nothing_up() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(0, 0), TICK);
    assert_eq!(frame(&mut buffer, now), (0, 0));
    for i in 1..1000 {
        pass_over(&mut buffer, &header(i, 160));
    }
    push(&mut buffer, now, &header(1000, 160_000), TICK);
    assert_eq!(frame(&mut buffer, now), (1000, 160_000));
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn a_burst_of_four_hundred_packets_leaves_the_newest_200_ms() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(0, 0), TICK);
    assert_eq!(frame(&mut buffer, now), (0, 0));
    for i in 1..=400u16 {
        assert_eq!(
            push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK),
            Pushed::Stored
        );
        assert!(buffer.depth() <= JitterBufferConfig::G711.max_depth);
    }
    for i in 391..=400u16 {
        assert_eq!(frame(&mut buffer, now).0, i);
    }
    assert_eq!(buffer.pull(now, TICK), Pull::Wait);
    assert_eq!(buffer.statistics().overflowed, 390);
    assert_eq!(buffer.statistics().lost, 0);
}

#[test]
fn a_payload_longer_than_a_slot_is_refused() {
    let (mut buffer, now) = (buffer(), Instant::now());
    assert_eq!(push(&mut buffer, now, &header(0, 0), 481), Pushed::TooLong);
    assert_eq!(push(&mut buffer, now, &header(1, 481), 480), Pushed::Stored);
    assert_eq!(frame(&mut buffer, now), (1, 481));
    assert_eq!(buffer.statistics().too_long, 1);
}

#[test]
fn ticks_that_the_leg_skips_leave_no_delay_behind() {
    let (mut buffer, now) = (buffer(), Instant::now());
    for i in 0..50u16 {
        let now = now + ms(20.0) * u32::from(i);
        push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
        match i {
            20..25 => continue,
            25 => buffer.skip(now, 5 * TICK),
            _ => {}
        }
        assert_eq!(frame(&mut buffer, now).0, i);
    }
}

#[test]
fn a_copy_of_an_older_packet_is_a_copy_and_no_late_packet() {
    let (mut buffer, now) = (buffer(), Instant::now());
    for i in 0..3 {
        push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
        assert_eq!(frame(&mut buffer, now).0, i);
    }
    for i in 0..3 {
        let pushed = push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
        assert_eq!(pushed, Pushed::Duplicate);
    }
}

#[test]
fn the_delay_grows_for_a_second_late_packet_by_as_much_as_it_was_late() {
    let (mut buffer, now) = (buffer(), Instant::now());
    let at = |tick: u32| now + ms(20.0) * tick;
    push(&mut buffer, now, &header(0, 0), TICK);
    assert_eq!(frame(&mut buffer, now).0, 0);
    for (tick, late) in [(2, 1), (6, 5)] {
        assert_eq!(buffer.pull(at(tick - 1), TICK), Pull::Wait);
        let successor = header(late + 1, (u32::from(late) + 1) * 160);
        push(&mut buffer, at(tick), &successor, TICK);
        assert_eq!(frame(&mut buffer, at(tick)).0, late + 1);
        let wish = match late {
            1 => Playout::Keep,
            // It came 30 ms after the tick for which it was needed: the next tick is 40 ms after.
            _ => Playout::Lengthen { by: 2 * TICK },
        };
        let packet = header(late, u32::from(late) * 160);
        let pushed = push(&mut buffer, at(tick) + ms(10.0), &packet, TICK);
        assert_eq!(pushed, Pushed::Late);
        assert_eq!(buffer.playout(false), wish);
        for i in [late + 2, late + 3] {
            let now = at(u32::from(i));
            push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
            assert_eq!(frame(&mut buffer, now).0, i);
        }
    }
    // It grows bit by bit.
    for left in [2 * TICK, 2 * TICK - 70, 0] {
        let wish = match left {
            0 => Playout::Keep,
            by => Playout::Lengthen { by },
        };
        assert_eq!(buffer.playout(false), wish);
        buffer.lengthened(if left == 2 * TICK { 70 } else { left });
    }
}

#[test]
fn no_packet_waits_for_longer_than_the_buffer_may_be_deep() {
    let (mut buffer, now) = (buffer(), Instant::now());
    push(&mut buffer, now, &header(0, 0), TICK);
    assert_eq!(frame(&mut buffer, now).0, 0);
    // Half of what is sent gets lost while the leg doesn't pull.
    for i in (2..=30u16).step_by(2) {
        let now = now + ms(20.0) * u32::from(i);
        push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
    }
    // What came at 400 ms has waited for 200 ms, what came before for longer.
    assert_eq!(frame(&mut buffer, now + ms(600.0)).0, 20);
}

#[test]
fn a_leg_that_stands_still_and_goes_on_hears_what_comes() {
    let (mut buffer, now) = (buffer(), Instant::now());
    for i in 0..100u16 {
        let now = now + ms(20.0) * u32::from(i);
        push(&mut buffer, now, &header(i, u32::from(i) * 160), TICK);
        if !(10..25).contains(&i) {
            frame(&mut buffer, now);
        }
    }
    assert_eq!(buffer.statistics().lost, 0);
}

/// Feeds a stream whose every second packet is 60 ms late for five seconds, returns when it ended.
fn jittery(buffer: &mut JitterBuffer, start: Instant) -> Instant {
    let mut fifo = 0;
    for tick in 0..250u16 {
        let now = start + ms(20.0) * u32::from(tick);
        for i in [tick, tick.wrapping_sub(3)] {
            let due = i % 2 == u16::from(i != tick);
            if due && i <= tick {
                push(buffer, now, &header(i, u32::from(i) * 160), TICK);
            }
        }
        while fifo < TICK {
            fifo += match buffer.pull(now, TICK - fifo) {
                Pull::Frame(frame) => frame.duration,
                Pull::Lost { duration } | Pull::Paused { duration } => duration,
                Pull::Wait | Pull::Empty => TICK - fifo,
            };
            if let Playout::Lengthen { by } = buffer.playout(false) {
                buffer.lengthened(by);
                fifo += by;
            }
        }
        fifo -= TICK;
    }
    let end = start + ms(20.0) * 250;
    let mut last = end;
    while buffer.pull(last, TICK) != Pull::Empty {
        last += ms(20.0);
    }
    last
}

#[test]
fn a_stream_starts_again_with_the_depth_that_its_jitter_asks_for() {
    let mut buffer = buffer();
    let now = jittery(&mut buffer, Instant::now());
    assert_eq!(buffer.target(), ms(60.0));
    assert!(buffer.statistics().late <= 4);
    push(&mut buffer, now, &header(250, 90_000), TICK);
    assert_eq!(buffer.pull(now, TICK), Pull::Empty);
    assert_eq!(buffer.pull(now + ms(20.0), TICK), Pull::Empty);
    let then = now + buffer.target();
    assert_eq!(frame(&mut buffer, then).0, 250);
}

#[test]
fn another_source_starts_with_one_frame() {
    let mut buffer = buffer();
    let now = jittery(&mut buffer, Instant::now());
    let other = RtpHeader {
        ssrc: Ssrc(8),
        ..header(250, 90_000)
    };
    push(&mut buffer, now, &other, TICK);
    assert_eq!(frame(&mut buffer, now).0, 250);
}

#[test]
fn a_pause_is_shortened_when_the_delay_is_longer_than_it_need_be() {
    let (mut buffer, start) = (buffer(), Instant::now());
    // Frame 10 comes 15 ms late, after its tick: from then on all wait for 27 ms.
    for i in 0..300u16 {
        let tick = start + ms(20.0) * u32::from(i) + ms(7.0);
        if i != 10 {
            push(
                &mut buffer,
                tick - ms(7.0),
                &header(i, u32::from(i) * 160),
                TICK,
            );
        }
        match buffer.pull(tick, TICK) {
            Pull::Wait => push(&mut buffer, tick + ms(8.0), &header(10, 1600), TICK),
            _ => continue,
        };
    }
    let at = |i: u32, after: f64| start + ms(20.0) * i + ms(after);
    assert_eq!(frame(&mut buffer, at(300, 7.0)).0, 299);
    // 20 ms of silence in the sender's time, of which nothing is left in ours.
    push(&mut buffer, at(301, 0.0), &header(300, 301 * 160), TICK);
    assert_eq!(frame(&mut buffer, at(301, 7.0)).0, 300);
    assert_eq!(buffer.pull(at(302, 7.0), TICK), Pull::Wait);
}
