//! What it costs to keep a stream in time: the jitter buffer in fair and foul weather, and what is
//! done to the sound then. Nothing but `pull` and `push` is done for a packet without trouble.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use sems_audio::{
    Concealer, SAMPLE_RATE,
    comfort_noise::{ComfortNoise, NoiseDescription, NoiseMeter},
    stretch,
    tone::{Part, Pattern},
};
use sems_rtp::{
    HEADER_LEN, JitterBuffer, JitterBufferConfig, PayloadType, Playout, Pull, RtpHeader, RtpPacket,
    SequenceNumber, Ssrc, Timestamp,
};

const FRAME: usize = 160;
const TICK: Duration = Duration::from_millis(20);
/// Arrivals of the foul weather before they repeat.
const ROUND: usize = 64;

/// A stream of packets, each of which comes so many ticks late.
struct Stream {
    buffer: JitterBuffer,
    now: Instant,
    sent: u32,
    late: [u32; ROUND],
    bytes: [u8; HEADER_LEN + FRAME],
}

impl Stream {
    fn new(late: [u32; ROUND]) -> Self {
        Self {
            buffer: JitterBuffer::new(JitterBufferConfig::G711),
            now: Instant::now(),
            sent: 0,
            late,
            bytes: [0xd5; HEADER_LEN + FRAME],
        }
    }

    /// Pushes what comes in the next tick, and plays it out.
    fn tick(&mut self) -> u64 {
        self.now += TICK;
        self.sent += 1;
        for late in 0..4 {
            let number = self.sent.wrapping_sub(late);
            if self.late[number as usize % ROUND] == late {
                self.push(number);
            }
        }
        let mut needed = FRAME as u32;
        while needed > 0 {
            needed = match self.buffer.pull(self.now, needed) {
                Pull::Frame(frame) => {
                    let duration = frame.duration;
                    black_box(frame.payload);
                    match self.buffer.playout(false) {
                        Playout::Keep => {}
                        Playout::Shorten { by } => self.buffer.shortened(by.min(60)),
                        Playout::Lengthen { .. } => self.buffer.lengthened(60),
                    }
                    needed.saturating_sub(duration)
                }
                Pull::Lost { duration } | Pull::Paused { duration } => needed - duration,
                Pull::Wait | Pull::Empty => 0,
            };
        }
        self.buffer.statistics().played
    }

    fn push(&mut self, number: u32) {
        let header = RtpHeader {
            marker: false,
            payload_type: PayloadType::PCMU,
            sequence: SequenceNumber(number as u16),
            timestamp: Timestamp(number.wrapping_mul(FRAME as u32)),
            ssrc: Ssrc(1),
        };
        self.bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        if let Ok(packet) = RtpPacket::parse(&self.bytes) {
            // Sockets are read at the tick, and the kernel is asked only when more is held.
            let arrived = match self.buffer.depth().is_zero() {
                true => self.now,
                false => self.now - TICK / 3,
            };
            self.buffer.push(arrived, &packet, FRAME as u32);
        }
    }
}

fn buffers(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("jitter buffer");
    let steady = [0; ROUND];
    // Up to three ticks late, some of them lost (a lateness that never comes).
    let mut seed = 7u32;
    let jittery = std::array::from_fn(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match seed >> 24 {
            ..13 => 9,
            number => number % 4,
        }
    });
    for (name, late) in [("steady", steady), ("jitter and loss", jittery)] {
        let mut stream = Stream::new(late);
        for _ in 0..1_000 {
            stream.tick();
        }
        group.bench_function(name, |bencher| bencher.iter(|| stream.tick()));
    }
    group.finish();
}

fn sound(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sound");
    for rate in [SAMPLE_RATE, 16_000, 48_000] {
        let length = rate as usize / 50;
        let voice = Pattern::from_parts(vec![Part::sine(150.0, -20, 100)]).render(rate);
        let frame = &voice[length..2 * length];
        let mut buffer = vec![0; length + stretch::longest(rate)];
        group.bench_function(format!("shorten/{rate}"), |bencher| {
            bencher.iter(|| {
                buffer[..length].copy_from_slice(frame);
                stretch::shorten(black_box(&mut buffer[..length]), rate, length, 0.0)
            });
        });
        group.bench_function(format!("lengthen/{rate}"), |bencher| {
            bencher.iter(|| {
                buffer[..length].copy_from_slice(frame);
                stretch::lengthen(black_box(&mut buffer), length, rate, 0.0)
            });
        });
        let mut concealer = Concealer::with_rate(rate);
        let mut heard = frame.to_vec();
        group.bench_function(format!("conceal first/{rate}"), |bencher| {
            bencher.iter(|| {
                concealer.restart(rate);
                concealer.received(&mut heard);
                concealer.received(&mut heard);
                concealer.lost(black_box(&mut heard));
            });
        });
    }
    let mut frame = [0; FRAME];
    let mut noise = ComfortNoise::new(1);
    if let Some(description) = NoiseDescription::parse(&[50, 40, 130, 120, 127, 125]) {
        noise.describe(&description);
    }
    group.bench_function("comfort noise/make", |bencher| {
        bencher.iter(|| noise.fill(black_box(&mut frame)));
    });
    let mut meter = NoiseMeter::new();
    group.bench_function("comfort noise/describe", |bencher| {
        bencher.iter(|| {
            meter.push(black_box(&frame));
            meter.description()
        });
    });
    group.finish();
}

criterion_group!(benches, buffers, sound);
criterion_main!(benches);
