//! What holds whatever comes.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use sems_rtp::{
    JitterBuffer, JitterBufferConfig, PayloadType, Playout, Pull, RtpHeader, RtpPacket,
};
use sems_rtp::{SequenceNumber, Ssrc, Timestamp, write_header};

use crate::scenario::{Random, Scenario, push};

#[derive(Debug, Clone)]
enum Step {
    Push {
        ssrc: u8,
        sequence: u16,
        timestamp: u32,
        duration: u32,
    },
    PassOver {
        sequence: u16,
    },
    Pull {
        needed: u32,
    },
    Playout {
        silent: bool,
        done: u32,
    },
    Skip {
        units: u32,
    },
    Pass {
        ms: u16,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let duration = prop_oneof![Just(0u32), Just(80), Just(160), Just(480)];
    let sequence = prop_oneof![8 => 0u16..200, 1 => any::<u16>()];
    let timestamp = prop_oneof![4 => (0u32..200).prop_map(|n| n * 160), 1 => any::<u32>()];
    prop_oneof![
        4 => (0u8..2, sequence.clone(), timestamp, duration.clone()).prop_map(
            |(ssrc, sequence, timestamp, duration)| Step::Push { ssrc, sequence, timestamp, duration }
        ),
        1 => sequence.prop_map(|sequence| Step::PassOver { sequence }),
        4 => prop_oneof![1u32..200, any::<u32>()].prop_map(|needed| Step::Pull { needed }),
        2 => (any::<bool>(), prop_oneof![0u32..500, any::<u32>()])
            .prop_map(|(silent, done)| Step::Playout { silent, done }),
        1 => prop_oneof![0u32..1000, any::<u32>()].prop_map(|units| Step::Skip { units }),
        4 => prop_oneof![0u16..40, any::<u16>()].prop_map(|ms| Step::Pass { ms }),
    ]
}

proptest! {
    /// No sender and no leg can make it panic, hold more than it may, or make up more than was
    /// asked for.
    #[test]
    fn anything_may_be_pushed_and_pulled(
        clock_rate in prop::sample::select(vec![1, 8_000, 16_000, 48_000]),
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let config = JitterBufferConfig { clock_rate, ..JitterBufferConfig::G711 };
        let mut buffer = JitterBuffer::new(config);
        let mut now = Instant::now();
        for step in steps {
            match step {
                Step::Push { ssrc, sequence, timestamp, duration } => {
                    let header = RtpHeader {
                        marker: false,
                        payload_type: PayloadType::PCMA,
                        sequence: SequenceNumber(sequence),
                        timestamp: Timestamp(timestamp),
                        ssrc: Ssrc(u32::from(ssrc)),
                    };
                    push(&mut buffer, now, &header, duration);
                }
                Step::PassOver { sequence } => {
                    let mut bytes = [0; 12];
                    let header = RtpHeader {
                        marker: false,
                        payload_type: PayloadType::PCMA,
                        sequence: SequenceNumber(sequence),
                        timestamp: Timestamp(0),
                        ssrc: Ssrc(0),
                    };
                    write_header(&mut bytes, &header).unwrap();
                    buffer.pass_over(&RtpPacket::parse(&bytes).unwrap());
                }
                Step::Pull { needed } => match buffer.pull(now, needed) {
                    Pull::Lost { duration } | Pull::Paused { duration } => {
                        prop_assert!(duration > 0 && duration <= needed);
                    }
                    Pull::Frame(_) | Pull::Wait | Pull::Empty => {}
                },
                Step::Playout { silent, done } => match buffer.playout(silent) {
                    Playout::Keep => {}
                    Playout::Shorten { by } => buffer.shortened(by.min(done)),
                    Playout::Lengthen { .. } => buffer.lengthened(done),
                },
                Step::Skip { units } => buffer.skip(now, units),
                Step::Pass { ms } => now += Duration::from_millis(u64::from(ms)),
            }
            prop_assert!(buffer.depth() <= config.max_depth);
        }
    }

    /// Loss, reordering, jitter and duplicates together: each packet is played at most once, in
    /// order, and soon.
    #[test]
    fn bad_weather_neither_doubles_nor_reorders_nor_delays_without_bound(
        seed in any::<u64>(),
        ptime in prop::sample::select(vec![10.0, 20.0, 30.0, 60.0]),
        phase in 0.0..20.0,
        loss in 0.0..0.4,
        jitter in 0.0..150.0,
        doubled in 0.0..0.2,
    ) {
        let mut random = Random(seed);
        let scenario =
            Scenario { ptime, phase, silent: |number| number % 50 > 30, ..Scenario::default() };
        let outcome = scenario.run(|_, left| {
            let arrives = (random.next() >= loss).then(|| left + random.next() * jitter);
            let copy = (random.next() < doubled).then(|| left + random.next() * 100.0);
            arrives.into_iter().chain(copy)
        });
        prop_assert!(outcome.is_in_order());
        let worst = outcome.worst_delay_after(0.0);
        prop_assert!(worst <= 220.0 + f64::max(jitter, 100.0), "{worst} ms");
        prop_assert!(outcome.deepest <= JitterBufferConfig::G711.max_depth);
    }

    /// A network that delays the same packets by the same time again and again is learnt once.
    #[test]
    fn a_pattern_of_lateness_is_learnt(
        ptime in prop::sample::select(vec![10.0, 20.0, 30.0, 60.0]),
        phase in 0.0..20.0,
        every in 2u64..10,
        late in 0.0..150.0,
        silent in any::<bool>(),
    ) {
        let run = |seconds| {
            let silent: fn(u64) -> bool = if silent { |_| true } else { |_| false };
            let scenario = Scenario { ptime, phase, seconds, silent, ..Scenario::default() };
            scenario.run(|number, left| Some(left + if number % every == 1 { late } else { 0.0 }))
        };
        let (short, long) = (run(5.0).statistics, run(20.0).statistics);
        prop_assert_eq!((short.lost, short.late), (long.lost, long.late));
        prop_assert!(short.late <= 30, "{}", short.late);
    }
}
