//! A sender, a network, and a leg that needs 20 ms of sound every 20 ms.

use std::time::{Duration, Instant};

use sems_rtp::jitter_buffer::{JitterBufferStatistics, Pushed};
use sems_rtp::{
    JitterBuffer, JitterBufferConfig, PayloadType, Playout, Pull, RtpHeader, RtpPacket,
    SequenceNumber, Ssrc, Timestamp, write_header,
};

pub const TICK: u32 = 160;
/// Speech in these tests has a pitch of 133 Hz.
const PERIOD: u32 = 60;

pub fn ms(ms: f64) -> Duration {
    Duration::from_secs_f64(ms / 1000.0)
}

pub fn header(sequence: u16, timestamp: u32) -> RtpHeader {
    RtpHeader {
        marker: false,
        payload_type: PayloadType::PCMU,
        sequence: SequenceNumber(sequence),
        timestamp: Timestamp(timestamp),
        ssrc: Ssrc(7),
    }
}

/// Pushes a packet whose payload says its number.
pub fn push(buffer: &mut JitterBuffer, now: Instant, header: &RtpHeader, duration: u32) -> Pushed {
    let mut bytes = vec![0xd5; 12 + duration.max(2) as usize];
    let len = write_header(&mut bytes, header).unwrap();
    bytes[len..len + 2].copy_from_slice(&header.sequence.0.to_be_bytes());
    buffer.push(now, &RtpPacket::parse(&bytes).unwrap(), duration)
}

/// A small random generator, so that a seed gives the same run everywhere.
pub struct Random(pub u64);

impl Random {
    /// Uniform in 0..1.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A packet on its way.
#[derive(Clone, Copy)]
struct Sent {
    sequence: u16,
    timestamp: u32,
    /// When its last sample was taken and it left, in ms.
    left: f64,
}

/// One frame that was played.
#[derive(Clone, Copy, Debug)]
pub struct Played {
    /// Counted from the start of the stream, without wrapping.
    pub number: u64,
    /// When its first sample was due at the ear, in ms.
    pub at: f64,
    /// From its departure to then.
    pub delay: f64,
}

pub struct Scenario {
    pub ptime: f64,
    pub seconds: f64,
    /// Ticks are this much later than the departures of packets, in ms.
    pub phase: f64,
    /// How much faster the sender's clock runs, in ppm.
    pub drift: f64,
    /// Which frames decode to silence.
    pub silent: fn(u64) -> bool,
}

impl Default for Scenario {
    fn default() -> Scenario {
        Scenario {
            ptime: 20.0,
            seconds: 20.0,
            phase: 7.0,
            drift: 0.0,
            silent: |_| false,
        }
    }
}

pub struct Outcome {
    pub played: Vec<Played>,
    pub statistics: JitterBufferStatistics,
    /// Samples made up, after the first frame was played.
    pub made_up: u32,
    pub deepest: Duration,
}

impl Outcome {
    pub fn worst_delay_after(&self, at: f64) -> f64 {
        self.played
            .iter()
            .filter(|p| p.at >= at)
            .map(|p| p.delay)
            .fold(0.0, f64::max)
    }

    pub fn is_in_order(&self) -> bool {
        self.played
            .windows(2)
            .all(|pair| pair[0].number < pair[1].number)
    }
}

impl Scenario {
    /// Runs it over a network that says when, in ms, what left at a given time arrives: never,
    /// once, or often.
    pub fn run<Arrivals>(&self, mut network: impl FnMut(u64, f64) -> Arrivals) -> Outcome
    where
        Arrivals: IntoIterator<Item = f64>,
    {
        let interval = self.ptime / (1.0 + self.drift * 1e-6);
        // One more than needed, so that the run doesn't end dry.
        let count = (self.seconds * 1000.0 / interval).ceil() as u64 + 1;
        let sent: Vec<Sent> = (0..count)
            .map(|number| Sent {
                // Both wrap within the first second.
                sequence: 65_530u16.wrapping_add(number as u16),
                timestamp: (u32::MAX - 1000)
                    .wrapping_add((number as f64 * self.ptime * 8.0) as u32),
                left: number as f64 * interval,
            })
            .collect();
        let mut arrivals = Vec::new();
        for (number, packet) in sent.iter().enumerate() {
            let times = network(number as u64, packet.left);
            arrivals.extend(times.into_iter().map(|at| (at, number as u64)));
        }
        arrivals.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.play(&sent, &arrivals)
    }

    fn play(&self, sent: &[Sent], arrivals: &[(f64, u64)]) -> Outcome {
        let start = Instant::now();
        let mut buffer = JitterBuffer::new(JitterBufferConfig::G711);
        let duration = (self.ptime * 8.0) as u32;
        let mut arrivals = arrivals.iter().peekable();
        let mut played: Vec<Played> = Vec::new();
        let (mut made_up, mut deepest) = (0, Duration::ZERO);
        // Samples decoded and not yet taken.
        let mut fifo = 0;
        let mut tick = self.phase;
        while tick < self.seconds * 1000.0 {
            while let Some((at, number)) = arrivals.next_if(|(at, _)| *at <= tick) {
                let packet = sent[*number as usize];
                let header = header(packet.sequence, packet.timestamp);
                push(&mut buffer, start + ms(*at), &header, duration);
            }
            deepest = deepest.max(buffer.depth());
            while fifo < TICK {
                let now = start + ms(tick);
                match buffer.pull(now, TICK - fifo) {
                    Pull::Frame(frame) => {
                        let sequence = frame.sequence.0;
                        assert_eq!(frame.payload[..2], sequence.to_be_bytes());
                        assert_eq!(frame.duration, duration);
                        let near = played.last().map_or(0, |p| p.number);
                        let step = sequence.wrapping_sub(65_530u16.wrapping_add(near as u16));
                        let number = near.wrapping_add_signed(i64::from(step as i16));
                        let at = tick + f64::from(fifo) / 8.0;
                        let delay = at - sent[number as usize].left;
                        fifo += frame.duration;
                        let silent = (self.silent)(number);
                        // In speech a pitch period of 7.5 ms goes at a time.
                        match buffer.playout(silent) {
                            Playout::Keep => {}
                            Playout::Shorten { by } => {
                                let by = if silent { by } else { by / PERIOD * PERIOD };
                                let by = if silent { by } else { by.min(PERIOD) };
                                buffer.shortened(by);
                                fifo -= by;
                            }
                            Playout::Lengthen { by } => {
                                let by = if silent { by } else { PERIOD };
                                buffer.lengthened(by);
                                fifo += by;
                            }
                        }
                        played.push(Played { number, at, delay });
                    }
                    Pull::Lost { duration } | Pull::Paused { duration } => {
                        assert!(duration > 0 && duration <= TICK - fifo);
                        fifo += duration;
                        made_up += duration;
                    }
                    Pull::Wait => {
                        made_up += TICK - fifo;
                        fifo = TICK;
                    }
                    Pull::Empty => fifo = TICK,
                }
            }
            fifo -= TICK;
            tick += 20.0;
        }
        Outcome {
            played,
            statistics: buffer.statistics(),
            made_up,
            deepest,
        }
    }
}
