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

use crate::packet::{PayloadType, RtpPacket, SequenceNumber, Ssrc, Timestamp};
use crate::sequence::{MAX_DROPOUT, MAX_MISORDER};

/// Where extended numbers start, so that a packet older than the first one has a number too.
const FIRST_CYCLE: u64 = 1 << 16;

/// The times that decide, in timestamp units.
#[derive(Debug, Clone)]
struct Limits {
    /// What is needed at once.
    tick: u32,
    /// Depth at the start of a stream whose jitter is not yet known: one frame.
    first_depth: u32,
    /// No packet waits for longer, and no more audio is held.
    max_depth: u32,
    /// A stream of which nothing has come for this long has ended.
    stream_timeout: u32,
    /// What packets have to be early by when the delay is made shorter.
    margin: u32,
    /// With less than this a slow sender's next packet may be late.
    thin: u32,
    /// A fall of the packets' waits by this much is drift and not the network's unsteadiness.
    drift: u32,
    /// The least by which silence is shortened, and …
    step: u32,
    /// … speech.
    speech_step: u32,
    /// An excess of more than this is not left for silence, and hurries.
    hurry: u32,
    /// Any other is left for silence for so long, and …
    grace: u32,
    /// … a shortage that comes slowly for so long.
    long_grace: u32,
    /// Between two cuts in speech that don't hurry.
    pace: u32,
    /// A late packet is not the only one if another was late within this time.
    again: u32,
}

impl Limits {
    fn new(clock: &Clock, max_depth: Duration) -> Limits {
        let units = |time| u32::try_from(clock.units(time)).unwrap_or(u32::MAX);
        let ms = |ms| units(Duration::from_millis(ms));
        Limits {
            tick: ms(20),
            first_depth: ms(20),
            max_depth: units(max_depth).max(ms(20)),
            stream_timeout: ms(500),
            margin: ms(5),
            thin: ms(2),
            drift: ms(3),
            step: ms(2),
            speech_step: ms(10),
            hurry: ms(40),
            grace: ms(200),
            long_grace: ms(1000),
            pace: ms(35),
            again: ms(1000),
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

/// How the delay is to change.
#[derive(Debug, Clone, Copy, Default)]
struct Wish {
    /// The packets of the last window were earlier than they need be.
    shorter: bool,
    /// Units to put in.
    longer: u32,
    /// That doesn't wait for silence.
    urgent: bool,
    /// Since when.
    since: u64,
    /// When speech was shortened last.
    cut: u64,
}

impl Wish {
    fn is_none(&self) -> bool {
        !self.shorter && self.longer == 0
    }
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

    /// After a loss was pulled: the packet that follows it at once, if it has come. Some codecs put
    /// a copy of each packet into the next.
    pub fn following(&self) -> Option<(PayloadType, &[u8])> {
        let Phase::Playing { cursor, concealed } = self.phase else {
            return None;
        };
        let (head, _) = self.ring.head()?;
        let is_next = i64::from(head.timestamp.since(cursor)) == i64::from(concealed);
        is_next.then(|| (head.payload_type, self.ring.payload(&head)))
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

    /// What to play at `now`, when `needed` timestamp units are wanted, more than 0. To be called
    /// until the tick's samples, 20 ms, are there: a frame may be longer or shorter than what is
    /// needed, and what is too much is the caller's to keep.
    pub fn pull(&mut self, now: Instant, needed: u32) -> Pull<'_> {
        let now = self.clock.at(now);
        if let Phase::Filling = self.phase {
            self.start(now);
        }
        self.drop_overdue(now);
        let Phase::Playing { cursor, concealed } = self.phase else {
            return Pull::Empty;
        };
        self.now = now;
        self.rest = self.limits.tick.saturating_sub(needed);
        let Some((head, missing)) = self.ring.head() else {
            return self.run_dry(cursor, concealed.saturating_add(needed));
        };
        let gap = head.timestamp.since(cursor);
        let left = self.left_of_gap(gap, concealed);
        if left > 0 && missing == 0 {
            if let Some(duration) = self.pause(cursor, concealed, left, needed) {
                return Pull::Paused { duration };
            }
        } else if left > 0 {
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
        let grown = i64::from(concealed) - i64::from(gap);
        if grown > 0 {
            self.slack.disturbed(now);
            let grown = u32::try_from(grown).unwrap_or(u32::MAX);
            self.wish.longer = self.wish.longer.saturating_sub(grown);
        }
        self.play(now)
    }

    /// Whether [`playout`](Self::playout) has anything to say.
    #[inline]
    pub fn is_restless(&self) -> bool {
        !self.wish.is_none()
    }

    /// Says what to do with the frame that was pulled last, now that it is known whether it is
    /// silence: there the delay changes without anybody hearing it. To be answered by
    /// [`shortened`](Self::shortened) or [`lengthened`](Self::lengthened) if anything was done.
    #[inline]
    pub fn playout(&mut self, silent: bool) -> Playout {
        match self.wish.is_none() {
            true => Playout::Keep,
            false => self.consider(silent),
        }
    }

    fn consider(&mut self, silent: bool) -> Playout {
        let waited = self.now.saturating_sub(self.wish.since);
        let limits = &self.limits;
        if self.wish.longer > 0 {
            let by = self.wish.longer;
            let timely = silent || self.wish.urgent || waited >= u64::from(limits.long_grace);
            return match timely {
                true => Playout::Lengthen { by },
                false => Playout::Keep,
            };
        }
        let excess = self.slack.excess(limits.margin);
        if excess < limits.step {
            self.wish = Wish::default();
            return Playout::Keep;
        }
        let hurries = excess > limits.hurry;
        let pause = self.now.saturating_sub(self.wish.cut);
        let timely = silent
            || hurries
            || excess >= limits.speech_step
                && waited >= u64::from(limits.grace)
                && pause >= u64::from(limits.pace);
        // What is left has to be enough for this tick.
        let left = u64::from(self.rest) + u64::from(self.last_duration) + self.ring.units();
        let spare = left.saturating_sub(u64::from(limits.tick));
        let by = excess
            .min(self.last_duration)
            .min(spare.min(1 << 31) as u32);
        match timely && by > 0 {
            true => Playout::Shorten { by },
            false => Playout::Keep,
        }
    }

    /// The frame that was pulled last is played shorter by so much.
    pub fn shortened(&mut self, by: u32) {
        self.statistics.shortened += 1;
        self.statistics.cut += u64::from(by);
        self.wish.cut = self.now;
        self.ahead = self.ahead.saturating_sub(by);
        self.slack.shorten(self.now, by);
    }

    /// The frame that was pulled last is played longer by so much.
    pub fn lengthened(&mut self, by: u32) {
        self.statistics.lengthened += 1;
        self.statistics.added += u64::from(by);
        self.wish.longer = self.wish.longer.saturating_sub(by);
        self.ahead = self.ahead.saturating_add(by);
        self.slack.lengthen(by);
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

    /// A packet came after its successor was played. Where that was not the only one, the delay is
    /// too small by the time since it should have been played.
    fn late(&mut self, now: Instant, timestamp: Timestamp, duration: u32) {
        self.statistics.late += 1;
        let now = self.clock.at(now);
        self.slack.disturbed(now);
        let Some(last) = self.last_late.replace(now) else {
            return;
        };
        let Phase::Playing { cursor, concealed } = self.phase else {
            return;
        };
        if now.saturating_sub(last) > u64::from(self.limits.again) {
            return;
        }
        let lateness = cursor.plus(concealed).since(timestamp);
        let lateness = u32::try_from(lateness).unwrap_or(0);
        let lateness = lateness.saturating_sub(self.ahead).max(duration);
        let room = u64::from(self.limits.max_depth).saturating_sub(self.ring.units());
        let longer = u64::from(lateness).min(room) as u32;
        self.wish = Wish {
            longer: longer.max(self.wish.longer),
            urgent: true,
            ..Wish::default()
        };
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
            self.statistics.shortened += 1;
            self.statistics.cut += u64::from(head.duration);
            let Some((next, _)) = self.ring.head() else {
                return;
            };
            head = next;
        }
        self.statistics.streams += 1;
        self.slack.disturbed(now);
        self.wish = Wish::default();
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
    fn left_of_gap(&self, gap: i32, concealed: u32) -> u32 {
        let Ok(gap) = u32::try_from(gap) else {
            return 0;
        };
        let left = gap.saturating_sub(concealed);
        // Time doesn't jump by more than the buffer is deep: the sender's clock was set anew.
        match left > self.limits.max_depth {
            true => 0,
            false => left,
        }
    }

    /// Goes on with a pause of which `left` units are left, which is silence and may be shortened
    /// or lengthened as any; `None`: it is over.
    fn pause(&mut self, cursor: Timestamp, concealed: u32, left: u32, needed: u32) -> Option<u32> {
        if self.wish.longer > 0 {
            let by = self.wish.longer.min(needed);
            self.lengthened(by);
            return Some(by);
        }
        let cut = match self.wish.shorter {
            true => self.slack.excess(self.limits.margin).min(left),
            false => 0,
        };
        if cut > 0 {
            self.shortened(cut);
        }
        let duration = (left - cut).min(needed);
        self.phase = Phase::Playing {
            cursor,
            concealed: concealed + cut + duration,
        };
        (duration > 0).then_some(duration)
    }

    fn play(&mut self, now: u64) -> Pull<'_> {
        let Some((number, held)) = self.leave_behind() else {
            return Pull::Wait;
        };
        let waited = now.saturating_sub(held.arrived);
        let waited = u32::try_from(waited).unwrap_or(u32::MAX);
        if self.slack.record(now, waited, self.rest) {
            self.judge(now);
        }
        let lost_before = std::mem::take(&mut self.missing);
        self.statistics.lost += u64::from(lost_before);
        self.statistics.played += 1;
        self.last_duration = held.duration;
        self.ahead = self.rest.saturating_add(held.duration);
        self.ahead = self.ahead.saturating_sub(self.limits.tick);
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

    /// Looks at what the last packets tell of the delay.
    fn judge(&mut self, now: u64) {
        let shorter = self.slack.excess(self.limits.margin) >= self.limits.step;
        let shortage = self.slack.shortage(self.limits.thin, self.limits.drift);
        let wish = &mut self.wish;
        let (was_shorter, was_longer) = (wish.shorter, wish.longer > 0);
        if shortage > 0 && !was_longer {
            (wish.longer, wish.urgent) = (shortage, false);
        }
        wish.shorter = shorter && wish.longer == 0;
        if (wish.shorter, wish.longer > 0) != (was_shorter, was_longer) {
            wish.since = now;
        }
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
