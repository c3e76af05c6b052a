//! A peer and a leg do anything in any order: each step is a byte that says what, and some that say
//! how. Whatever happens, no more is held than may be, and time never runs backwards.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use sems_rtp::{
    JitterBuffer, JitterBufferConfig, PayloadType, Playout, Pull, RtpHeader, RtpPacket,
    SequenceNumber, Ssrc, Timestamp, write_header,
};

/// Takes numbers from the input; when it ends, they are 0.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Mostly small, sometimes anything.
    fn number(&mut self) -> u32 {
        match self.byte() {
            255 => u32::from_be_bytes([0; 4].map(|_: u8| self.byte())),
            small => u32::from(small),
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let config = JitterBufferConfig {
        clock_rate: [8_000, 16_000, 48_000][usize::from(input.byte()) % 3],
        ..JitterBufferConfig::G711
    };
    let tick = config.clock_rate / 50;
    let mut buffer = JitterBuffer::new(config);
    let mut now = Instant::now();
    let (mut sequence, mut timestamp) = (0u16, 0u32);
    while !input.0.is_empty() {
        match input.byte() % 8 {
            step @ 0..=3 => {
                // The next packet, or one that is somewhere else.
                sequence = sequence.wrapping_add(match step {
                    0 | 1 => 1,
                    _ => input.number() as u16,
                });
                timestamp = timestamp.wrapping_add(match step {
                    0 | 2 => tick,
                    _ => input.number().wrapping_mul(40),
                });
                let header = RtpHeader {
                    marker: step == 1,
                    payload_type: PayloadType::PCMU,
                    sequence: SequenceNumber(sequence),
                    timestamp: Timestamp(timestamp),
                    ssrc: Ssrc(u32::from(step == 3 && input.byte() % 16 == 0)),
                };
                let mut bytes = [0; 12 + 40];
                if write_header(&mut bytes, &header).is_ok()
                    && let Ok(packet) = RtpPacket::parse(&bytes)
                {
                    match input.byte() % 16 {
                        0 => buffer.pass_over(&packet),
                        1 => drop(buffer.push(now, &packet, 0)),
                        2 => drop(buffer.push(now, &packet, input.number())),
                        _ => drop(buffer.push(now, &packet, tick)),
                    }
                }
            }
            4 | 5 => {
                let mut needed = tick;
                while needed > 0 {
                    needed = match buffer.pull(now, needed) {
                        Pull::Frame(frame) => needed.saturating_sub(frame.duration.max(1)),
                        Pull::Lost { duration } | Pull::Paused { duration } => {
                            assert!(duration > 0);
                            needed - duration
                        }
                        Pull::Wait | Pull::Empty => 0,
                    };
                    match buffer.playout(needed % 2 == 0) {
                        Playout::Keep => {}
                        Playout::Shorten { by } => buffer.shortened(by.min(input.number())),
                        Playout::Lengthen { .. } => buffer.lengthened(input.number()),
                    }
                }
                now += Duration::from_millis(20);
            }
            6 => buffer.skip(now, input.number()),
            _ => now += Duration::from_millis(u64::from(input.number())),
        }
        assert!(buffer.depth() <= config.max_depth);
    }
});
