//! Turns packets that come when they can into frames that are there when they are needed.
//!
//! Here is what comes in; [`playing`] is what comes out, and [`delay`] follows the network.

mod clock;
mod delay;
mod limits;
mod passing;
mod playing;
mod playout;
mod ring;
mod slack;

pub use playout::{Frame, JitterBufferConfig, JitterBufferStatistics, Loss, Playout, Pull, Pushed};

use std::time::{Duration, Instant};

use clock::Clock;
use delay::Wish;
use limits::Limits;
use ring::{Held, Left, Ring};
use slack::Slack;

use crate::packet::{RtpPacket, SequenceNumber, Ssrc, Timestamp};
use crate::sequence::{MAX_DROPOUT, MAX_MISORDER};

/// Where extended numbers start, so that a packet older than the first one has a number too.
const FIRST_CYCLE: u64 = 1 << 16;

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nothing is being played: there is no stream, or too little of it.
    Filling,
    Playing {
        /// The timestamp that follows what was played last.
        cursor: Timestamp,
        /// Units played since then without a packet: a gap of that length is bridged already.
        concealed: u32,
    },
}

/// The buffer of one leg.
///
/// Packets are kept by sequence number; their timestamps say how much of time lies between them.
/// Playing starts as soon as a frame is there. From then on time moves by what is pulled, with one
/// rule: while nothing is there to play, time stands still. So when the missing packet turns out to
/// be late, the delay has grown by just that lateness, and when it turns out to be lost, the gap
/// that it leaves has been bridged already and the delay is as before. The other way, sound is to be
/// shortened when all packets of the last three quarters of a second have waited so long that they
/// would have been in time without it: silence as soon as it comes, speech by some of its pitch
/// periods. The clocks of sender and receiver need no other care: drift shows as waits that grow or
/// fall.
///
/// The caller's part, where a payload byte is a sample and `decode`, `conceal` and `is_silent` are
/// its own:
///
/// ```
/// use sems_rtp::{JitterBuffer, JitterBufferConfig, Playout, Pull};
/// # use std::time::Instant;
/// # fn decode(payload: &[u8], samples: &mut Vec<i16>) {
/// #     samples.extend(payload.iter().map(|byte| i16::from(*byte)));
/// # }
/// # fn conceal(count: usize, samples: &mut Vec<i16>) { samples.resize(samples.len() + count, 0); }
/// # fn is_silent(samples: &[i16]) -> bool { samples.iter().all(|sample| *sample == 0) }
///
/// const TICK: usize = 160;
///
/// /// Fills up `samples` to a tick's worth at least; what is too much is for the next tick.
/// fn play_out(buffer: &mut JitterBuffer, now: Instant, samples: &mut Vec<i16>) {
///     while samples.len() < TICK {
///         let (start, needed) = (samples.len(), TICK - samples.len());
///         match buffer.pull(now, needed as u32) {
///             Pull::Frame(frame) => {
///                 let duration = frame.duration;
///                 decode(frame.payload, samples);
///                 // Speech has to be stretched with more care.
///                 if is_silent(&samples[start..]) {
///                     match buffer.playout(true) {
///                         Playout::Keep => {}
///                         Playout::Shorten { by } => {
///                             samples.truncate(start + (duration - by) as usize);
///                             buffer.shortened(by);
///                         }
///                         Playout::Lengthen { by } => {
///                             samples.resize(samples.len() + by as usize, 0);
///                             buffer.lengthened(by);
///                         }
///                     }
///                 }
///             }
///             Pull::Lost { duration } => conceal(duration as usize, samples),
///             Pull::Wait => conceal(needed, samples),
///             Pull::Paused { duration } => samples.resize(start + duration as usize, 0),
///             Pull::Empty => samples.resize(TICK, 0),
///         }
///     }
/// }
/// # let mut samples = Vec::new();
/// # play_out(&mut JitterBuffer::new(JitterBufferConfig::G711), Instant::now(), &mut samples);
/// # assert_eq!(samples, [0; TICK]);
/// ```
#[derive(Debug)]
pub struct JitterBuffer {
    clock: Clock,
    limits: Limits,
    ring: Ring,
    ssrc: Option<Ssrc>,
    /// The highest number that has come.
    newest: u64,
    phase: Phase,
    /// Numbers left behind without a packet since the last frame.
    missing: u32,
    last_duration: u32,
    slack: Slack,
    wish: Wish,
    /// When something was pulled last.
    now: u64,
    /// Units of that tick that were played before it.
    rest: u32,
    /// Units of the packet played last that are for the next tick.
    ahead: u32,
    /// When a packet was late last.
    last_late: Option<u64>,
    statistics: JitterBufferStatistics,
}

impl JitterBuffer {
    /// An empty buffer; allocates all that it will ever need.
    pub fn new(config: JitterBufferConfig) -> JitterBuffer {
        let clock = Clock::new(config.clock_rate);
        let limits = Limits::new(&clock, config.max_depth);
        JitterBuffer {
            ring: Ring::new(config.slots.max(2), config.longest_payload, config.bytes),
            ssrc: None,
            newest: 0,
            phase: Phase::Filling,
            missing: 0,
            last_duration: 0,
            slack: Slack::new(clock.rate(), limits.tick),
            wish: Wish::default(),
            now: 0,
            rest: 0,
            ahead: 0,
            last_late: None,
            statistics: JitterBufferStatistics::default(),
            limits,
            clock,
        }
    }

    /// Timestamp units a second.
    pub fn clock_rate(&self) -> u32 {
        self.clock.rate()
    }

    /// Forgets the stream and what has been learnt of it, and goes on with one whose timestamps
    /// have another clock (RFC 7160). What it is made for stays: longest payload, depth, number of
    /// packets. Allocates nothing.
    pub fn restart(&mut self, clock_rate: u32) {
        let max_depth = self.clock.time(self.limits.max_depth.into());
        self.clock = Clock::new(clock_rate);
        self.limits = Limits::new(&self.clock, max_depth);
        self.slack = Slack::new(self.clock.rate(), self.limits.tick);
        self.ring.clear(FIRST_CYCLE);
        self.ssrc = None;
        (self.newest, self.missing, self.last_duration) = (0, 0, 0);
        (self.now, self.rest, self.ahead) = (0, 0, 0);
        self.phase = Phase::Filling;
        self.wish = Wish::default();
        self.last_late = None;
    }

    /// Stores a packet that came at `now` and lasts `duration` timestamp units: none, if it is a
    /// description of noise (RFC 3389). One that is pulled at the very `now` at which it was pushed
    /// is taken for one that may have come at any time since the tick before; then drift is seen
    /// late, and the delay shrinks more slowly.
    ///
    /// It must have passed [`RtpSession::receive`](crate::RtpSession::receive). One of another
    /// source, or far from the numbers before, begins a new stream: what is held of the old one is
    /// thrown away.
    pub fn push(&mut self, now: Instant, packet: &RtpPacket<'_>, duration: u32) -> Pushed {
        if packet.payload.len() > self.ring.longest() {
            self.statistics.too_long += 1;
            return Pushed::TooLong;
        }
        let number = match self.number(packet) {
            Some(number) => number,
            None => self.begin(packet),
        };
        if number < self.ring.next() {
            if self.ring.has_left(number) {
                self.statistics.duplicates += 1;
                return Pushed::Duplicate;
            }
            if !self.ring.reach_back(number, self.newest) {
                self.late(now, packet.header.timestamp, duration);
                return Pushed::Late;
            }
        }
        while self.ring.is_beyond(number) {
            self.drop_next();
        }
        if self.ring.holds(number) {
            self.statistics.duplicates += 1;
            return Pushed::Duplicate;
        }
        let header = &packet.header;
        let cell = loop {
            if let Some(cell) = self.ring.place(packet.payload.len()) {
                break cell;
            }
            self.drop_next();
        };
        if number < self.ring.next() {
            self.late(now, header.timestamp, duration);
            return Pushed::Late;
        }
        let held = Held::new(
            self.clock.at(now),
            header.timestamp,
            duration,
            header.payload_type,
            header.marker,
        );
        self.ring.store(number, held, packet.payload, cell);
        self.newest = self.newest.max(number);
        while self.ring.units() > u64::from(self.limits.max_depth) {
            self.drop_next();
        }
        Pushed::Stored
    }

    /// The valid packet carries no audio (a telephone-event): its number leaves no gap.
    pub fn pass_over(&mut self, packet: &RtpPacket<'_>) {
        let Some(number) = self.number(packet) else {
            return;
        };
        if number < self.ring.next() {
            return;
        }
        while self.ring.is_beyond(number) {
            self.drop_next();
        }
        self.ring.pass_over(number);
        self.newest = self.newest.max(number);
    }

    /// The depth at which a stream starts: one frame, or what the jitter of the last seconds asks
    /// for.
    pub fn target(&self) -> Duration {
        self.clock.time(u64::from(self.target_units()))
    }

    /// Audio held.
    pub fn depth(&self) -> Duration {
        self.clock.time(self.ring.units())
    }

    /// Whether numbers are missing before the newest packet, which may be about to come.
    pub fn has_gap(&self) -> bool {
        let behind = (self.newest + 1).saturating_sub(self.ring.next());
        behind != self.ring.len() as u64
    }

    /// What it has done so far.
    pub fn statistics(&self) -> JitterBufferStatistics {
        self.statistics
    }

    /// The packet's extended number; `None` when it begins another stream.
    fn number(&self, packet: &RtpPacket<'_>) -> Option<u64> {
        if self.ssrc != Some(packet.header.ssrc) {
            return None;
        }
        let newest = SequenceNumber(self.newest as u16);
        let step = packet.header.sequence.since(newest);
        let near = -(MAX_MISORDER as i16) < step && step < MAX_DROPOUT as i16;
        near.then(|| self.newest.saturating_add_signed(i64::from(step)))
    }

    fn begin(&mut self, packet: &RtpPacket<'_>) -> u64 {
        let number = FIRST_CYCLE + u64::from(packet.header.sequence.0);
        self.ring.clear(number);
        self.ssrc = Some(packet.header.ssrc);
        self.newest = number;
        self.phase = Phase::Filling;
        self.missing = 0;
        self.wish = Wish::default();
        self.last_late = None;
        self.slack = Slack::new(self.clock.rate(), self.limits.tick);
        number
    }

    fn target_units(&self) -> u32 {
        let span = self.slack.span();
        span.clamp(self.limits.first_depth, self.limits.max_depth)
    }

    /// Leaves all numbers up to the first packet held behind, that one included.
    fn leave_behind(&mut self) -> Option<(u64, Held)> {
        while self.ring.len() > 0 {
            let number = self.ring.next();
            match self.ring.advance() {
                Left::Missing => self.missing += 1,
                Left::PassedOver => {}
                Left::Packet(held) => return Some((number, held)),
            }
        }
        None
    }

    /// No packet waits for longer than the buffer may be deep, if there is another to play.
    fn drop_overdue(&mut self, now: u64) {
        let max_depth = u64::from(self.limits.max_depth);
        while self.ring.len() > 1 {
            match self.ring.head() {
                Some((head, _)) if now.saturating_sub(head.arrived) > max_depth => self.drop_next(),
                _ => return,
            }
        }
    }

    /// Makes room at the old end, and time for what follows.
    fn drop_next(&mut self) {
        match self.ring.advance() {
            Left::Missing => self.missing += 1,
            Left::PassedOver => {}
            Left::Packet(_) => {
                self.statistics.overflowed += 1;
                if let (Phase::Playing { .. }, Some((head, _))) = (self.phase, self.ring.head()) {
                    self.phase = Phase::Playing {
                        cursor: head.timestamp,
                        concealed: 0,
                    };
                }
            }
        }
    }
}
