//! Turns packets that come when they can into frames that are there when they are needed.

mod playout;
mod ring;
mod slack;

pub use playout::{Frame, JitterBufferConfig, JitterBufferStatistics, Playout, Pull, Pushed};

use std::time::{Duration, Instant};

use ring::{Held, Left, Ring};
use slack::Slack;

use crate::packet::{RtpPacket, SequenceNumber, Ssrc, Timestamp};
use crate::sequence::{MAX_DROPOUT, MAX_MISORDER};

/// Depth at the start of a stream whose jitter is not yet known: one frame.
const FIRST_DEPTH: Duration = Duration::from_millis(20);
/// A stream of which nothing has come for this long has ended.
const STREAM_TIMEOUT: Duration = Duration::from_millis(500);
/// Slack that has to remain when a frame is left out.
const MARGIN: Duration = Duration::from_millis(5);
/// With less slack than this a slow sender's next packet may be late.
const THIN: Duration = Duration::from_millis(2);
/// A fall of the slack by this much is drift and not the network's unsteadiness.
const DRIFT: Duration = Duration::from_millis(3);
/// Between two frames that are left out although somebody speaks.
const FORCED_PAUSE: Duration = Duration::from_secs(1);
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
    config: JitterBufferConfig,
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
    last_forced: Option<Instant>,
    statistics: JitterBufferStatistics,
}

impl JitterBuffer {
    /// An empty buffer; allocates all that it will ever need.
    pub fn new(config: JitterBufferConfig) -> JitterBuffer {
        JitterBuffer {
            ring: Ring::new(config.slots.max(2), config.slot_size),
            ssrc: None,
            newest: 0,
            phase: Phase::Filling,
            missing: 0,
            put_in: 0,
            last_duration: 0,
            slack: Slack::new(),
            last_forced: None,
            statistics: JitterBufferStatistics::default(),
            config,
        }
    }

    /// Stores a packet that came at `now` and lasts `duration` timestamp units. A time of arrival
    /// that is known to the tick only makes the delay shrink more slowly.
    ///
    /// It must have passed [`RtpSession::receive`](crate::RtpSession::receive). One of another
    /// source, or far from the numbers before, begins a new stream: what is held of the old one is
    /// thrown away.
    pub fn push(&mut self, now: Instant, packet: &RtpPacket<'_>, duration: u32) -> Pushed {
        if packet.payload.len() > self.config.slot_size {
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
        let held = Held {
            payload_type: packet.header.payload_type,
            marker: packet.header.marker,
            timestamp: packet.header.timestamp,
            duration,
            len: packet.payload.len(),
            arrived: now,
        };
        if !self.ring.store(number, held, packet.payload) {
            self.statistics.duplicates += 1;
            return Pushed::Duplicate;
        }
        self.newest = self.newest.max(number);
        while self.ring.units() > self.units(self.config.max_depth) {
            self.drop_next();
        }
        Pushed::Stored
    }

    /// The valid packet numbered `sequence` carries no audio (a telephone-event): it leaves no gap.
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
        let left = self.left_of_gap(head.timestamp.since(cursor), concealed, missing);
        if left > 0 {
            let duration = left.min(needed);
            self.phase = Phase::Playing {
                cursor,
                concealed: concealed + duration,
            };
            let lost = u64::from(missing) * u64::from(self.last_duration) > u64::from(concealed);
            return if lost {
                Pull::Lost { duration }
            } else {
                Pull::Paused { duration }
            };
        }
        if i64::from(head.timestamp.since(cursor)) < i64::from(concealed) {
            self.slack.disturbed();
        }
        if self.must_shrink(now, head.duration) {
            self.leave_behind();
            self.statistics.left_out += 1;
            self.last_forced = Some(now);
            self.slack.shrink(self.time(head.duration));
        }
        self.play(now)
    }

    /// Says what to do with a frame of `duration` units that was pulled, decoded, and found to be
    /// silence: here the delay changes without anybody hearing it.
    pub fn silence(&mut self, duration: u32) -> Playout {
        let length = self.time(duration);
        if duration == 0 || !self.slack.is_full() {
            return Playout::Keep;
        }
        let Some(least) = self.slack.least() else {
            return Playout::Keep;
        };
        if least >= length + MARGIN && self.ring.len() > 0 {
            self.slack.shrink(length);
            self.statistics.left_out += 1;
            return Playout::LeaveOut;
        }
        if least < THIN && self.slack.fallen() >= DRIFT {
            self.slack.grow(length);
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
        self.slack
            .span()
            .unwrap_or_default()
            .clamp(FIRST_DEPTH, self.config.max_depth.max(FIRST_DEPTH))
    }

    /// Audio held.
    pub fn depth(&self) -> Duration {
        Duration::from_nanos(self.ring.units() * 1_000_000_000 / u64::from(self.config.clock_rate))
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
        let step = packet
            .header
            .sequence
            .since(SequenceNumber(self.newest as u16));
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
        self.slack = Slack::new();
        number
    }

    /// A packet came after its successor was played: the depth is too small.
    fn late(&mut self, duration: u32) {
        self.statistics.late += 1;
        if self.depth() + self.time(duration) <= self.config.max_depth {
            self.put_in = duration;
        }
    }

    /// Starts to play when enough is there, and then with no more than that: nobody minds the
    /// beginning of what has piled up before.
    fn start(&mut self, now: Instant) {
        let target = self.target();
        let Some((mut head, _)) = self.ring.head() else {
            return;
        };
        if self.depth() < target && now.saturating_duration_since(head.arrived) < target {
            return;
        }
        while self.ring.units() - u64::from(head.duration) >= self.units(target) {
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
        if u64::from(concealed) > self.units(STREAM_TIMEOUT) {
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
        if u64::from(left) > self.units(self.config.max_depth) {
            return 0;
        }
        // A pause is silence: it may be shortened, as any.
        if missing == 0 && left > 0 && self.slack.is_full() {
            let spare = self
                .slack
                .least()
                .unwrap_or_default()
                .saturating_sub(MARGIN);
            if self.time(left) <= spare {
                self.slack.shrink(self.time(left));
                return 0;
            }
        }
        left
    }

    fn must_shrink(&self, now: Instant, duration: u32) -> bool {
        let rested = self
            .last_forced
            .is_none_or(|then| now.saturating_duration_since(then) >= FORCED_PAUSE);
        let another = self.ring.len() > 1;
        rested
            && another
            && duration > 0
            && self.slack.is_full()
            && self
                .slack
                .least()
                .is_some_and(|least| least >= 2 * self.time(duration) + MARGIN)
    }

    fn play(&mut self, now: Instant) -> Pull<'_> {
        let Some((number, held)) = self.leave_behind() else {
            return Pull::Wait;
        };
        self.slack
            .record(now, now.saturating_duration_since(held.arrived));
        let lost_before = std::mem::take(&mut self.missing);
        self.statistics.lost += u64::from(lost_before);
        self.statistics.played += 1;
        self.last_duration = held.duration;
        self.phase = Phase::Playing {
            cursor: held.timestamp.plus(held.duration),
            concealed: 0,
        };
        Pull::Frame(Frame {
            payload: self.ring.payload(number, held.len),
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
    fn drop_overdue(&mut self, now: Instant) {
        while self.ring.len() > 1 {
            match self.ring.head() {
                Some((head, _))
                    if now.saturating_duration_since(head.arrived) > self.config.max_depth =>
                {
                    self.drop_next();
                }
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

    fn units(&self, time: Duration) -> u64 {
        time.as_nanos() as u64 * u64::from(self.config.clock_rate) / 1_000_000_000
    }

    fn time(&self, units: u32) -> Duration {
        Duration::from_nanos(u64::from(units) * 1_000_000_000 / u64::from(self.config.clock_rate))
    }
}
