//! Validity, losses and jitter of a source (RFC 3550 appendix A).

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sems_rtp::sequence::{InterarrivalJitter, MIN_SEQUENTIAL, SequenceCheck, SequenceTracker};
use sems_rtp::{SequenceNumber, Timestamp};

fn tracker(first: u16) -> SequenceTracker {
    SequenceTracker::new(SequenceNumber(first), 1)
}

fn update(tracker: &mut SequenceTracker, sequence: u16) -> SequenceCheck {
    tracker.update(SequenceNumber(sequence))
}

#[test]
fn a_source_is_valid_with_its_second_packet_in_sequence() {
    let mut tracker = SequenceTracker::new(SequenceNumber(7), MIN_SEQUENTIAL);
    assert_eq!(update(&mut tracker, 7), SequenceCheck::Probation);
    assert_eq!(update(&mut tracker, 9), SequenceCheck::Probation);
    assert!(!tracker.is_valid());
    assert_eq!(update(&mut tracker, 10), SequenceCheck::Valid(10));
    assert!(tracker.is_valid());
    assert_eq!((tracker.received(), tracker.expected()), (1, 1));
}

#[test]
fn a_source_that_somebody_vouches_for_is_valid_at_once() {
    assert_eq!(update(&mut tracker(7), 7), SequenceCheck::Valid(7));
}

#[test]
fn numbers_go_on_growing_when_the_sixteen_bits_wrap() {
    let mut tracker = tracker(65_534);
    for (sequence, extended) in [(65_534, 65_534), (65_535, 65_535), (0, 65_536), (2, 65_538)] {
        assert_eq!(
            update(&mut tracker, sequence),
            SequenceCheck::Valid(extended)
        );
    }
    // Out of order across the wrap.
    assert_eq!(update(&mut tracker, 65_535), SequenceCheck::Valid(65_535));
    assert_eq!(tracker.highest_extended(), 65_538);
}

#[test]
fn a_gap_is_loss_and_a_late_packet_makes_good_for_it() {
    let mut tracker = tracker(100);
    for sequence in [100, 101, 105] {
        update(&mut tracker, sequence);
    }
    assert_eq!(
        (tracker.expected(), tracker.received(), tracker.lost()),
        (6, 3, 3)
    );
    update(&mut tracker, 103);
    assert_eq!(tracker.lost(), 2);
}

#[test]
fn duplicates_can_make_the_loss_negative() {
    let mut tracker = tracker(1);
    for sequence in [1, 1, 1, 2] {
        update(&mut tracker, sequence);
    }
    assert_eq!(tracker.lost(), -2);
    assert_eq!(tracker.take_fraction_lost(), 0);
}

#[test]
fn one_packet_from_nowhere_is_suspect_and_two_are_a_restart() {
    let mut tracker = tracker(1000);
    update(&mut tracker, 1000);
    assert_eq!(update(&mut tracker, 4000), SequenceCheck::Suspect);
    assert_eq!(update(&mut tracker, 1001), SequenceCheck::Valid(1001));
    assert_eq!(update(&mut tracker, 30_000), SequenceCheck::Suspect);
    assert_eq!(
        update(&mut tracker, 30_001),
        SequenceCheck::Restarted(30_001)
    );
    assert_eq!((tracker.received(), tracker.lost()), (1, 0));
    assert_eq!(update(&mut tracker, 30_002), SequenceCheck::Valid(30_002));
}

#[test]
fn reordering_and_dropout_have_the_limits_of_the_rfc() {
    for (sequence, valid) in [(10_000 + 2999, true), (10_000 + 3000, false)] {
        let mut tracker = tracker(10_000);
        update(&mut tracker, 10_000);
        let check = update(&mut tracker, sequence);
        assert_eq!(
            matches!(check, SequenceCheck::Valid(_)),
            valid,
            "{sequence}"
        );
    }
    for (sequence, valid) in [(10_000 - 99, true), (10_000 - 100, false)] {
        let mut tracker = tracker(10_000);
        update(&mut tracker, 10_000);
        let check = update(&mut tracker, sequence);
        assert_eq!(
            matches!(check, SequenceCheck::Valid(_)),
            valid,
            "{sequence}"
        );
    }
}

#[test]
fn the_fraction_lost_is_that_since_the_last_report() {
    let mut tracker = tracker(0);
    (0..100).filter(|n| n % 4 != 1).for_each(|n| {
        update(&mut tracker, n);
    });
    assert_eq!(tracker.take_fraction_lost(), 64);
    (100..200).for_each(|n| {
        update(&mut tracker, n);
    });
    assert_eq!(tracker.take_fraction_lost(), 0);
    assert_eq!(tracker.take_fraction_lost(), 0);
    assert_eq!(tracker.lost(), 25);
}

#[test]
fn even_arrivals_have_no_jitter() {
    let (start, mut jitter) = (Instant::now(), InterarrivalJitter::new(8000));
    for n in 0..100u32 {
        let timestamp = Timestamp(u32::MAX - 500).plus(n * 160);
        jitter.update(start + Duration::from_millis(20) * n, timestamp);
    }
    assert_eq!(jitter.units(), 0);
}

#[test]
fn arrivals_that_alternate_by_ten_milliseconds_have_ten_milliseconds_of_jitter() {
    let (start, mut jitter) = (Instant::now(), InterarrivalJitter::new(8000));
    for n in 0..500u32 {
        let late = Duration::from_millis(10) * (n % 2);
        jitter.update(
            start + Duration::from_millis(20) * n + late,
            Timestamp(n * 160),
        );
    }
    assert!((79..=80).contains(&jitter.units()), "{}", jitter.units());
    assert_eq!(
        jitter.duration().as_secs_f64().mul_add(1000.0, 0.5) as u32,
        10
    );
}

#[test]
fn neither_an_event_that_keeps_its_timestamp_nor_a_jump_of_the_clock_is_jitter() {
    let (start, mut jitter) = (Instant::now(), InterarrivalJitter::new(8000));
    for (at, timestamp) in [
        (0, 0),
        (20, 160),
        (40, 160),
        (60, 160),
        (80, 640),
        (100, 900_000),
    ] {
        jitter.update(start + Duration::from_millis(at), Timestamp(timestamp));
    }
    assert_eq!(jitter.units(), 0);
}

proptest! {
    /// The counters agree with a plain count whatever is lost, as long as gaps stay below the
    /// dropout limit.
    #[test]
    fn losses_are_counted_over_any_number_of_wraps(
        first in any::<u16>(),
        gaps in prop::collection::vec(1u16..3000, 0..500),
    ) {
        let mut tracker = tracker(first);
        update(&mut tracker, first);
        let (mut sequence, mut distance) = (first, 0u64);
        for gap in &gaps {
            sequence = sequence.wrapping_add(*gap);
            distance += u64::from(*gap);
            let extended = u64::from(first) + distance;
            prop_assert_eq!(update(&mut tracker, sequence), SequenceCheck::Valid(extended));
        }
        prop_assert_eq!(tracker.expected(), distance + 1);
        prop_assert_eq!(tracker.lost(), (distance as i64) - gaps.len() as i64);
    }

    #[test]
    fn no_sequence_of_numbers_breaks_the_counters(
        probation in 1u8..4,
        numbers in prop::collection::vec(any::<u16>(), 1..300),
    ) {
        let mut tracker = SequenceTracker::new(SequenceNumber(numbers[0]), probation);
        for number in numbers {
            update(&mut tracker, number);
            let _ = (tracker.lost(), tracker.expected(), tracker.take_fraction_lost());
        }
    }

    #[test]
    fn no_clock_breaks_the_jitter(
        rate in 1u32..200_000,
        steps in prop::collection::vec((any::<u32>(), any::<u32>()), 0..100),
    ) {
        let (mut now, mut jitter) = (Instant::now(), InterarrivalJitter::new(rate));
        for (micros, timestamp) in steps {
            now += Duration::from_micros(u64::from(micros));
            jitter.update(now, Timestamp(timestamp));
            prop_assert!(jitter.units() <= rate);
            let _ = jitter.duration();
        }
    }
}
