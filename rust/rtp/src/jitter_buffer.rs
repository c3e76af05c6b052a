//! Turns packets that come when they can into frames that are there when they are needed.

mod clock;
mod playout;
mod ring;
mod slack;

pub use playout::{Frame, JitterBufferConfig, JitterBufferStatistics, Playout, Pull, Pushed};

use std::time::{Duration, Instant};

use clock::Clock;
use ring::{Held, Left, Ring};
use slack::Slack;

use crate::packet::{RtpPacket, SequenceNumber, Ssrc, Timestamp};
use crate::sequence::{MAX_DROPOUT, MAX_MISORDER};

/// Where extended numbers start, so that a packet older than the first one has a number too.
const FIRST_CYCLE: u64 = 1 << 16;

/// The times that decide, in timestamp units.
#[derive(Debug, Clone)]
struct Limits {
    /// Depth at the start of a stream whose jitter is not yet known: one frame.
    first_depth: u32,
    /// No packet waits for longer, and no more audio is held.
    max_depth: u32,
    /// A stream of which nothing has come for this long has ended.
    stream_timeout: u32,
    /// Slack that has to remain when a frame is left out.
    margin: u32,
    /// With less slack than this a slow sender's next packet may be late.
    thin: u32,
    /// A fall of the slack by this much is drift and not the network's unsteadiness.
    drift: u32,
    /// Between two frames that are left out although somebody speaks.
    forced_pause: u32,
}

impl Limits {
    fn new(clock: &Clock, max_depth: Duration) -> Limits {
        let units = |time| u32::try_from(clock.units(time)).unwrap_or(u32::MAX);
        let ms = |ms| units(Duration::from_millis(ms));
        Limits {
            first_depth: ms(20),
            max_depth: units(max_depth).max(ms(20)),
            stream_timeout: ms(500),
            margin: ms(5),
            thin: ms(2),
            drift: ms(3),
            forced_pause: ms(1000),
        }
    }
}

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
/// that it leaves has been bridged already and the delay is as before. The other way, a frame is
/// left out when all packets of the last four seconds have waited so long that they would have been
/// in time without it: in silence, and only from two frames on also in speech. The clocks of sender
/// and receiver need no other care: drift shows as slack that grows or falls.
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
///                 if is_silent(&samples[start..]) {
///                     match buffer.silence(duration) {
///                         Playout::Keep => {}
///                         Playout::LeaveOut => samples.truncate(start),
///                         Playout::Repeat => samples.extend_from_within(start..),
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
    /// Units to conceal before the next frame, since a packet was later than the depth.
    put_in: u32,
    last_duration: u32,
    slack: Slack,
    /// When a frame was last left out although somebody may have spoken.
    last_forced: Option<u64>,
    statistics: JitterBufferStatistics,
}

impl JitterBuffer {
    /// An empty buffer; allocates all that it will ever need.
    pub fn new(config: JitterBufferConfig) -> JitterBuffer {
        let clock = Clock::new(config.clock_rate);
        JitterBuffer {
            limits: Limits::new(&clock, config.max_depth),
            ring: Ring::new(config.slots.max(2), config.slot_size),
            ssrc: None,
            newest: 0,
            phase: Phase::Filling,
            missing: 0,
            put_in: 0,
            last_duration: 0,
            slack: Slack::new(clock.rate()),
            last_forced: None,
            statistics: JitterBufferStatistics::default(),
            clock,
        }
    }

    /// Stores a packet that came at `now` and lasts `duration` timestamp units. A time of arrival
    /// that is known to the tick only makes the delay shrink more slowly.
    ///
    /// It must have passed [`RtpSession::receive`](crate::RtpSession::receive). One of another
    /// source, or far from the numbers before, begins a new stream: what is held of the old one is
    /// thrown away.
    pub fn push(&mut self, now: Instant, packet: &RtpPacket<'_>, duration: u32) -> Pushed {
        if packet.payload.len() > self.ring.cell_size() {
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
                self.late(duration);
                return Pushed::Late;
            }
        }
        while self.ring.is_beyond(number) {
            self.drop_next();
        }
        let header = &packet.header;
        let held = Held::new(
            self.clock.at(now),
            header.timestamp,
            duration,
            header.payload_type,
            header.marker,
        );
        if !self.ring.store(number, held, packet.payload) {
            self.statistics.duplicates += 1;
            return Pushed::Duplicate;
        }
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

    /// What to play at `now`, when `needed` timestamp units are wanted, more than 0. To be called
    /// until the tick's samples are there: a frame may be longer or shorter than what is needed,
    /// and what is too much is the caller's to keep.
    pub fn pull(&mut self, now: Instant, needed: u32) -> Pull<'_> {
        let now = self.clock.at(now);
        if let Phase::Filling = self.phase {
            self.start(now);
        }
        self.drop_overdue(now);
        let Phase::Playing { cursor, concealed } = self.phase else {
            return Pull::Empty;
        };
        let Some((head, missing)) = self.ring.head() else {
            return self.run_dry(cursor, concealed.saturating_add(needed));
        };
        if self.put_in > 0 {
            // On top of any gap: this time bridges nothing.
            self.put_in = self.put_in.saturating_sub(needed);
            self.statistics.put_in += 1;
            self.slack.disturbed();
            return Pull::Wait;
        }
        let gap = head.timestamp.since(cursor);
        let left = self.left_of_gap(gap, concealed, missing);
        if left > 0 {
            let duration = left.min(needed);
            self.phase = Phase::Playing {
                cursor,
                concealed: concealed + duration,
            };
            let lost = u64::from(missing) * u64::from(self.last_duration);
            return match lost > u64::from(concealed) {
                true => Pull::Lost { duration },
                false => Pull::Paused { duration },
            };
        }
        if i64::from(gap) < i64::from(concealed) {
            self.slack.disturbed();
        }
        if self.must_shrink(now, head.duration) {
            self.leave_behind();
            self.statistics.left_out += 1;
            self.last_forced = Some(now);
            self.slack.shrink(head.duration);
        }
        self.play(now)
    }

    /// Says what to do with a frame of `duration` units that was pulled, decoded, and found to be
    /// silence: here the delay changes without anybody hearing it.
    pub fn silence(&mut self, duration: u32) -> Playout {
        if duration == 0 || !self.slack.is_full() {
            return Playout::Keep;
        }
        let Some(least) = self.slack.least() else {
            return Playout::Keep;
        };
        if least >= duration.saturating_add(self.limits.margin) && self.ring.len() > 0 {
            self.slack.shrink(duration);
            self.statistics.left_out += 1;
            return Playout::LeaveOut;
        }
        if least < self.limits.thin && self.slack.fallen() >= self.limits.drift {
            self.slack.grow(duration);
            self.statistics.put_in += 1;
            return Playout::Repeat;
        }
        Playout::Keep
    }

    /// Ticks of `units` in all have been skipped: what was to be played in them is thrown away, so
    /// that the delay stays as it was.
    pub fn skip(&mut self, now: Instant, mut units: u32) {
        while units > 0 {
            match self.pull(now, units) {
                Pull::Frame(frame) => units = units.saturating_sub(frame.duration),
                Pull::Lost { duration } | Pull::Paused { duration } => units -= duration,
                Pull::Wait | Pull::Empty => return,
            }
        }
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
        self.put_in = 0;
        self.slack = Slack::new(self.clock.rate());
        number
    }

    /// A packet came after its successor was played: the depth is too small.
    fn late(&mut self, duration: u32) {
        self.statistics.late += 1;
        if self.ring.units() + u64::from(duration) <= u64::from(self.limits.max_depth) {
            self.put_in = duration;
        }
    }

    fn target_units(&self) -> u32 {
        let span = self.slack.span();
        span.clamp(self.limits.first_depth, self.limits.max_depth)
    }

    /// Starts to play when enough is there, and then with no more than that: nobody minds the
    /// beginning of what has piled up before.
    fn start(&mut self, now: u64) {
        let Some((mut head, _)) = self.ring.head() else {
            return;
        };
        let target = u64::from(self.target_units());
        if self.ring.units() < target && now.saturating_sub(head.arrived) < target {
            return;
        }
        while self.ring.units() - u64::from(head.duration) >= target {
            self.leave_behind();
            self.statistics.left_out += 1;
            let Some((next, _)) = self.ring.head() else {
                return;
            };
            head = next;
        }
        self.statistics.streams += 1;
        self.slack.disturbed();
        self.put_in = 0;
        self.phase = Phase::Playing {
            cursor: head.timestamp,
            concealed: 0,
        };
    }

    fn run_dry(&mut self, cursor: Timestamp, concealed: u32) -> Pull<'_> {
        if concealed > self.limits.stream_timeout {
            self.phase = Phase::Filling;
            return Pull::Empty;
        }
        self.phase = Phase::Playing { cursor, concealed };
        Pull::Wait
    }

    /// Units of the gap before the next packet that are still to be bridged.
    fn left_of_gap(&mut self, gap: i32, concealed: u32, missing: u32) -> u32 {
        let Ok(gap) = u32::try_from(gap) else {
            return 0;
        };
        let left = gap.saturating_sub(concealed);
        // Time doesn't jump by more than the buffer is deep: the sender's clock was set anew.
        if left > self.limits.max_depth {
            return 0;
        }
        // A pause is silence: it may be shortened, as any.
        if missing == 0 && left > 0 && self.slack.is_full() {
            let least = self.slack.least().unwrap_or(0);
            if left <= least.saturating_sub(self.limits.margin) {
                self.slack.shrink(left);
                return 0;
            }
        }
        left
    }

    fn must_shrink(&self, now: u64, duration: u32) -> bool {
        let enough = duration
            .saturating_mul(2)
            .saturating_add(self.limits.margin);
        let pause = u64::from(self.limits.forced_pause);
        self.slack.is_full()
            && self.slack.least().is_some_and(|least| least >= enough)
            && duration > 0
            && self.ring.len() > 1
            && self
                .last_forced
                .is_none_or(|then| now.saturating_sub(then) >= pause)
    }

    fn play(&mut self, now: u64) -> Pull<'_> {
        let Some((number, held)) = self.leave_behind() else {
            return Pull::Wait;
        };
        let slack = now.saturating_sub(held.arrived);
        self.slack
            .record(now, u32::try_from(slack).unwrap_or(u32::MAX));
        let lost_before = std::mem::take(&mut self.missing);
        self.statistics.lost += u64::from(lost_before);
        self.statistics.played += 1;
        self.last_duration = held.duration;
        self.phase = Phase::Playing {
            cursor: held.timestamp.plus(held.duration),
            concealed: 0,
        };
        Pull::Frame(Frame {
            payload: self.ring.payload(&held),
            payload_type: held.payload_type,
            marker: held.marker,
            sequence: SequenceNumber(number as u16),
            timestamp: held.timestamp,
            duration: held.duration,
            lost_before,
        })
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
