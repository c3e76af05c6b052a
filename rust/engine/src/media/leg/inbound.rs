//! The peer's packets, from the port to 20 ms of sound at the tick.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use sems_audio::{
    Concealer, Gate, Level, LevelMeter, Rate, SpeechDetector, Talker,
    codec::Decoder,
    comfort_noise::{ComfortNoise, NoiseDescription},
};
use sems_rtp::{
    Bursts, DatagramKind, DigitEdge, EventReceiver, JitterBuffer, JitterBufferConfig, PayloadType,
    Pull, Reception, RtpPacket, Verdict, classify, session::ReceiverStatistics,
};

use super::{
    Leg, Negotiated,
    keys::Way,
    notes::Kind,
    quality,
    receivers::Receivers,
    stretching::{Rates, Stretcher, spare},
};
use crate::media::worker::Tick;

/// Samples of the longest packet, 60 ms, made longer.
pub(in crate::media) const STRETCHED: usize = stretched(Rate::Full);
/// Datagrams taken from a port in one tick at most, so that a flood costs others nothing.
const MAX_DATAGRAMS: usize = 64;
/// Every so often the port is emptied although a tick's worth has come, in case more keeps coming.
const DRAIN_TICKS: u32 = 16;
/// A constant sample of no more than this is silence: A-law has no zero.
const SILENT_SAMPLE: u16 = 8;
/// All comfort noise is alike.
const NOISE_SEED: u32 = 1;
/// After 60 ms concealment has faded out.
const CONCEALED_TICKS: u8 = 3;
/// What a codec makes up itself has done so after 120 ms.
const MADE_UP_TICKS: u8 = 6;

/// Samples of the longest packet at a rate, made longer.
const fn stretched(rate: Rate) -> usize {
    3 * rate.frame() + spare(rate.hz())
}

/// What is kept of the peer's stream.
pub(super) struct Inbound {
    jitter: JitterBuffer,
    formats: Receivers,
    /// Of the format that the peer sends.
    rate: Rate,
    /// Apart, so that who is silent does not have it fetched from memory at each tick.
    sound: Box<Sound>,
    /// Which of the two frames is the newer one.
    newest: usize,
    /// Which of the frames hold more than silence; the others hold anything.
    sounding: [bool; 2],
    /// A packet longer than a tick has left something.
    has_rest: bool,
    /// Ticks concealed since the last packet; the next packet is blended in.
    concealed: u8,
    /// The codec has concealed that itself: there is nothing to blend.
    made_up: bool,
    stretcher: Stretcher,
    /// The peer sends nothing but has said what its silence sounds like.
    noisy: bool,
    gate: Gate,
    /// Of the last tick.
    level: Level,
    speech: SpeechDetector,
    meter: LevelMeter,
    ticks: u32,
    /// The last tick brought less than a tick's worth: what is late may come at once.
    hungry: bool,
    /// Packets are given the time at which the kernel saw them.
    pub(super) precise: bool,
}

/// Samples of the peer's stream.
struct Sound {
    /// The last two ticks, with room for the highest rate of the leg.
    frames: [Box<[i16]>; 2],
    /// What a packet longer than a tick has left; there is room for the longest.
    rest: Vec<i16>,
    concealer: Concealer,
    noise: ComfortNoise,
    keys: EventReceiver,
    /// How losses lie.
    bursts: Bursts,
}

/// What a tick's frame was made of.
#[derive(Default)]
struct Assembled {
    /// More than silence.
    sounding: bool,
    /// Its level, where that is known already.
    level: Option<Level>,
    /// Some of it came in a packet.
    received: bool,
    /// Packets that were missing before it.
    missing: u32,
}

impl Inbound {
    pub(super) fn new(negotiated: &Negotiated) -> Self {
        let formats = Receivers::new(negotiated);
        let highest = formats.highest();
        Self {
            jitter: JitterBuffer::new(formats.buffer()),
            rate: formats.current().codec.rate,
            formats,
            sound: Box::new(Sound {
                frames: [highest, highest].map(|rate| rate.silence().into()),
                rest: Vec::with_capacity(stretched(highest)),
                concealer: Concealer::with_rate(highest.hz()),
                noise: ComfortNoise::new(NOISE_SEED),
                keys: EventReceiver::new(),
                bursts: Bursts::new(),
            }),
            newest: 0,
            sounding: [false; 2],
            has_rest: false,
            concealed: 0,
            made_up: false,
            stretcher: Stretcher::default(),
            noisy: false,
            gate: Gate::new(),
            level: Level::SILENCE,
            speech: SpeechDetector::new(),
            meter: LevelMeter::new(),
            ticks: 0,
            hungry: true,
            precise: false,
        }
    }

    /// Goes over to what a new agreement lets the peer send; what is not needed any more is left in
    /// `new`. Where the codecs stay, so does all that has come.
    pub(super) fn adopt(&mut self, new: &mut Self) {
        if self.formats.renumber(&new.formats) {
            return;
        }
        std::mem::swap(&mut self.jitter, &mut new.jitter);
        std::mem::swap(&mut self.formats, &mut new.formats);
        std::mem::swap(&mut self.sound, &mut new.sound);
        std::mem::swap(&mut self.sound.keys, &mut new.sound.keys);
        self.turn_to(self.formats.current().codec.rate);
    }

    /// The peer's samples have this rate from now on. What has been heard so far is forgotten.
    fn turn_to(&mut self, rate: Rate) {
        self.rate = rate;
        self.sounding = [false; 2];
        (self.has_rest, self.concealed) = (false, 0);
    }

    /// The rate of what the peer says.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// The lowest and the highest rate that it may have.
    pub(super) fn rates(&self) -> (Rate, Rate) {
        (self.formats.lowest(), self.formats.highest())
    }

    /// Timestamp units a second of what is waited for.
    pub(super) fn clock_rate(&self) -> u32 {
        self.jitter.clock_rate()
    }

    /// Timestamp units of a tick.
    fn units(&self) -> u32 {
        self.formats.current().codec.units()
    }

    fn clock(&self) -> Rates {
        Rates {
            sample_rate: self.rate.hz(),
            clock_rate: self.formats.current().codec.clock_rate,
        }
    }

    /// Throws away what was to be played out in so many ticks that were left out.
    pub(super) fn skip(&mut self, now: Instant, ticks: u32) {
        self.has_rest = false;
        let units = ticks.saturating_mul(self.units());
        self.jitter.skip(now, units);
    }

    /// More than the tick that is being played waits in the buffer.
    pub(super) fn is_deep(&self) -> bool {
        !self.jitter.depth().is_zero()
    }

    /// What is known of the stream.
    pub(super) fn reception(&self, statistics: Option<ReceiverStatistics>) -> quality::Reception {
        let buffer = self.jitter.statistics();
        quality::Reception {
            statistics,
            pattern: self.sound.bursts.pattern(buffer.played),
            buffer,
            depth: self.jitter.depth(),
        }
    }

    /// How deep the buffer would start now.
    pub(super) fn target(&self) -> Duration {
        self.jitter.target()
    }

    /// The most that the buffer holds.
    pub(super) fn max_depth(&self) -> Duration {
        JitterBufferConfig::G711.max_depth
    }

    /// How loud the peer was of late.
    pub(super) fn level(&self) -> Level {
        self.meter.level()
    }

    /// How loud the last tick was.
    pub(super) fn tick_level(&self) -> Level {
        self.level
    }

    /// How loud the line is when nobody speaks.
    pub(super) fn noise(&self) -> Level {
        self.speech.noise()
    }

    /// Whether the peer speaks.
    pub(super) fn is_speaking(&self) -> bool {
        self.speech.is_speaking()
    }

    /// Lets the last tick into the room, or not; with `adaptive` the noise of the line stays out.
    pub(super) fn pass_gate(&mut self, adaptive: bool) {
        let noise = match adaptive {
            true => self.speech.noise(),
            false => Level::SILENCE,
        };
        self.gate.push(self.level, noise);
    }

    /// The last tick is the last that the gate lets pass, and not quite silent.
    pub(super) fn falls_silent(&self) -> bool {
        self.gate.is_closing() && self.level > Level::SILENCE
    }

    /// Nobody else hears what was played out last.
    pub(super) fn hush(&mut self) {
        self.sounding[self.newest] = false;
    }

    /// What was played out last.
    pub(super) fn heard(&self) -> &[i16] {
        match self.sounding[self.newest] {
            true => &self.sound.frames[self.newest][..self.rate.frame()],
            false => self.rate.silence(),
        }
    }

    /// Plays the next 20 ms out, at `now`. `scratch` has room for [`STRETCHED`] samples.
    fn play_out(&mut self, now: Instant, scratch: &mut [i16]) {
        let last_sounded = self.sounding[self.newest];
        self.newest ^= 1;
        let assembled = self.assemble(now, last_sounded, scratch);
        let Assembled {
            mut sounding,
            mut level,
            received,
            missing,
        } = assembled;
        if missing > 0 {
            let played = self.jitter.statistics().played;
            self.sound.bursts.lost(missing, played.saturating_sub(1));
        }
        let length = self.rate.frame();
        if received && self.concealed > 0 {
            self.concealed = 0;
            if !std::mem::take(&mut self.made_up) {
                let frame = &mut self.sound.frames[self.newest][..length];
                if !sounding {
                    frame.fill(0);
                }
                self.sound.concealer.received(frame);
                (sounding, level) = (true, None);
            }
        }
        self.sounding[self.newest] = sounding;
        let frame = match sounding {
            true => &self.sound.frames[self.newest][..length],
            false => self.rate.silence(),
        };
        let level = match (level, sounding) {
            (Some(level), _) => level,
            (None, true) => Level::rms(frame),
            (None, false) => Level::SILENCE,
        };
        self.speech.push(frame, level);
        self.meter.push(level);
        self.level = level;
    }

    fn assemble(&mut self, now: Instant, last_sounded: bool, scratch: &mut [i16]) -> Assembled {
        let mut done = Assembled::default();
        let mut filled = 0;
        if self.has_rest {
            filled = self.play_rest();
            (done.sounding, done.received) = (true, true);
        }
        while filled < self.rate.frame() {
            let (frame, rates) = (self.rate.frame(), self.clock());
            let restless = self.jitter.is_restless();
            match self.jitter.pull(now, rates.units(frame - filled).max(1)) {
                Pull::Frame(packet) if packet.payload_type == PayloadType::COMFORT_NOISE => {
                    if let Some(noise) = NoiseDescription::parse(packet.payload) {
                        self.sound.noise.describe(&noise);
                        self.noisy = true;
                    }
                }
                Pull::Frame(packet) => {
                    self.noisy = false;
                    if self.formats.current().payload_type != packet.payload_type {
                        if !self.formats.select(packet.payload_type) {
                            continue;
                        }
                        let rate = self.formats.current().codec.rate;
                        if rate != self.rate {
                            // What there is of the frame has another rate.
                            (self.rate, self.sounding) = (rate, [false; 2]);
                            self.concealed = 0;
                            (done, filled) = (Assembled::default(), 0);
                        }
                    }
                    done.received = true;
                    done.missing += packet.lost_before;
                    let receiver = self.formats.current_mut();
                    let (frame, tick) = (self.rate.frame(), receiver.codec.units());
                    if filled > 0 || packet.duration != tick || restless {
                        let sound = &mut scratch[..3 * frame];
                        let mut count = receiver.decoder.decode(packet.payload, sound);
                        if restless {
                            let rates = self.clock();
                            let (jitter, room) = (&mut self.jitter, stretched(self.rate));
                            let sound = &mut scratch[..room];
                            count = self.stretcher.stretch(jitter, sound, count, rates);
                        }
                        self.make_sound(filled, &mut done);
                        filled += self.take_samples(filled, &scratch[..count]);
                        continue;
                    }
                    let silent = receiver.codec.silence.is_some()
                        && is_silence(packet.payload, &mut receiver.decoder);
                    let level = if silent {
                        Level::SILENCE
                    } else {
                        let frame = &mut self.sound.frames[self.newest][..frame];
                        let count = receiver.decoder.decode(packet.payload, frame);
                        frame[count..].fill(0);
                        Level::rms(frame)
                    };
                    done.level = Some(level);
                    done.sounding = level > Level::SILENCE;
                    return done;
                }
                Pull::Lost { duration } => {
                    let end = (filled + rates.samples(duration)).min(frame);
                    self.conceal(filled..end, last_sounded, &mut done, scratch);
                    filled = end;
                }
                Pull::Paused { duration } => {
                    let end = (filled + rates.samples(duration)).min(frame);
                    self.pause(filled..end, &mut done);
                    filled = end;
                }
                Pull::Wait => {
                    self.conceal(filled..frame, last_sounded, &mut done, scratch);
                    filled = frame;
                }
                Pull::Empty => {
                    self.pause(filled..frame, &mut done);
                    filled = frame;
                }
            }
        }
        done
    }

    /// The peer says nothing in this part of the frame.
    fn pause(&mut self, part: Range<usize>, done: &mut Assembled) {
        if !self.noisy {
            return self.leave_silent(part, done.sounding);
        }
        self.make_sound(part.start, done);
        self.sound
            .noise
            .fill(&mut self.sound.frames[self.newest][part]);
        // There is nothing to come back from.
        self.concealed = 0;
    }

    /// The peer may not send any more, noise included.
    pub(super) fn end_noise(&mut self) {
        self.noisy = false;
    }

    /// Whether the peer has said that it pauses.
    pub(super) fn is_paused(&self) -> bool {
        self.noisy
    }

    /// A part of the frame is silence, which is written only where something else sounds.
    fn leave_silent(&mut self, part: Range<usize>, sounding: bool) {
        if sounding {
            self.sound.frames[self.newest][part].fill(0);
        }
    }

    /// Something sounds from `begin` on, behind what may have been silence so far.
    fn make_sound(&mut self, begin: usize, done: &mut Assembled) {
        if !done.sounding {
            self.sound.frames[self.newest][..begin].fill(0);
            done.sounding = true;
        }
    }

    /// Begins the frame with what the last packet has left; returns how much that is.
    fn play_rest(&mut self) -> usize {
        let Sound { frames, rest, .. } = &mut *self.sound;
        let count = rest.len().min(self.rate.frame());
        frames[self.newest][..count].copy_from_slice(&rest[..count]);
        rest.drain(..count);
        self.has_rest = !rest.is_empty();
        count
    }

    /// Goes on with decoded samples and keeps what is too much; returns how many were used.
    fn take_samples(&mut self, filled: usize, samples: &[i16]) -> usize {
        let Sound { frames, rest, .. } = &mut *self.sound;
        let frame = &mut frames[self.newest][filled..self.rate.frame()];
        let count = samples.len().min(frame.len());
        let (now, later) = samples.split_at(count);
        frame[..count].copy_from_slice(now);
        rest.clear();
        rest.extend_from_slice(&later[..later.len().min(rest.capacity())]);
        self.has_rest = !rest.is_empty();
        count
    }

    /// Fills a part of the frame that is missing.
    fn conceal(
        &mut self,
        part: Range<usize>,
        last_sounded: bool,
        done: &mut Assembled,
        scratch: &mut [i16],
    ) {
        if self.noisy {
            return self.pause(part, done);
        }
        let fades = self.concealed > 0 || last_sounded && self.gate.is_open();
        let most = match self.made_up {
            true => MADE_UP_TICKS,
            false => CONCEALED_TICKS,
        };
        if !fades || self.concealed >= most {
            return self.leave_silent(part, done.sounding);
        }
        let concealment = &mut scratch[..self.rate.frame()];
        if self.concealed == 0 || self.made_up {
            let receiver = self.formats.current_mut();
            let next = self.jitter.following();
            let next = next.filter(|(payload_type, _)| *payload_type == receiver.payload_type);
            let next = next.map(|(_, payload)| payload);
            self.made_up = receiver.decoder.conceal(next, concealment);
        }
        if !self.made_up {
            let Sound {
                frames, concealer, ..
            } = &mut *self.sound;
            if self.concealed == 0 {
                // What was heard is taken note of only now, since most of the time nothing is lost.
                concealer.restart(self.rate.hz());
                if self.sounding[self.newest] {
                    concealer.received(&mut frames[self.newest][..concealment.len()]);
                }
                concealer.received(&mut frames[self.newest ^ 1][..concealment.len()]);
            }
            concealer.lost(concealment);
        }
        self.concealed += 1;
        self.make_sound(part.start, done);
        let concealment = &concealment[..part.len()];
        self.sound.frames[self.newest][part].copy_from_slice(concealment);
    }
}

/// Whether all samples are the same and next to nothing.
fn is_silence(payload: &[u8], decoder: &mut Decoder) -> bool {
    let [first, rest @ ..] = payload else {
        return true;
    };
    // Each byte equals the next one: one comparison of memory.
    if rest != &payload[..rest.len()] {
        return false;
    }
    let mut sample = [0];
    decoder.decode(std::slice::from_ref(first), &mut sample);
    sample[0].unsigned_abs() <= SILENT_SAMPLE
}

impl Leg {
    /// Takes in what has come to the port, and plays 20 ms of it out.
    pub(in crate::media) fn hear(&mut self, tick: &mut Tick<'_>) {
        self.inbound.ticks = self.inbound.ticks.wrapping_add(1);
        let drain = self.inbound.hungry
            || self.inbound.is_deep()
            || self.inbound.ticks.is_multiple_of(DRAIN_TICKS);
        let tick_units = self.inbound.units();
        let mut units = 0;
        for _ in 0..MAX_DATAGRAMS {
            let Some((length, from)) = self.port.rtp.receive(tick.datagram) else {
                break;
            };
            units += self.take_in(tick, length, from);
            // Asking in vain is half as dear as receiving. But what seems to be missing may wait
            // behind what overtook it.
            if units >= tick_units && !drain && !self.inbound.jitter.has_gap() {
                break;
            }
        }
        self.inbound.hungry = units < tick_units;
        self.inbound.play_out(tick.now, tick.scratch);
        if !self.sinks.is_empty() {
            let at = tick.wall.since_start(tick.now);
            let (heard, rate) = (self.inbound.heard(), self.inbound.rate());
            let hidden = self.muted || self.whispers;
            self.sinks.write_heard(heard, rate, at, hidden);
            self.sinks.tell(tick.outbox);
        }
        self.listen_for_keys(tick);
    }

    /// Whether what it said is to be heard by others.
    pub(in crate::media) fn sounds(&self) -> bool {
        self.inbound.gate.is_open()
    }

    /// Whether the peer speaks; other than [`Leg::sounds`] this leaves noise out.
    pub(in crate::media) fn is_speaking(&self) -> bool {
        self.inbound.speech.is_speaking()
    }

    /// The same for the limit of talkers.
    pub(in crate::media) fn as_talker(&self) -> Talker {
        Talker {
            who: self.call.0,
            level: self.inbound.tick_level(),
            loudness: self.inbound.level(),
            speaking: self.inbound.is_speaking(),
        }
    }

    /// How loud the peer was of late.
    pub(in crate::media) fn level(&self) -> Level {
        self.inbound.level()
    }

    /// Takes one datagram; returns how many timestamp units of audio it brought.
    fn take_in(&mut self, tick: &Tick<'_>, length: usize, from: std::net::SocketAddr) -> u32 {
        let datagram = &tick.datagram[..length];
        let counters = tick.counters;
        let packet = match classify(datagram) {
            DatagramKind::Rtp => RtpPacket::parse(datagram),
            DatagramKind::Rtcp if self.negotiated.rtcp_mux => {
                let age = self.port.rtp.waited().unwrap_or_default();
                self.take_report(tick, length, from, age, true);
                return 0;
            }
            _ => {
                counters.rtp_malformed.add(1);
                return 0;
            }
        };
        let Ok(packet) = packet else {
            counters.rtp_malformed.add(1);
            return 0;
        };
        let header = &packet.header;
        let verdict = self
            .latch
            .accept(tick.now, from, header.ssrc, header.sequence);
        let (events, formats) = (&self.negotiated.receive_events, &self.inbound.formats);
        let at = (tick.now, self.inbound.ticks);
        self.notes
            .packet(at, from, &packet, verdict, || match header.payload_type {
                event if events.contains(&event) => Kind::Event,
                PayloadType::COMFORT_NOISE => Kind::Sound,
                sound if formats.find(sound).is_some() => Kind::Sound,
                _ => Kind::Other,
            });
        match verdict {
            Verdict::Accept => {}
            Verdict::Latched => self.settle(true),
            Verdict::Trial => return 0,
            Verdict::Foreign => {
                counters.rtp_foreign.add(1);
                return 0;
            }
        }
        self.control.heard(tick.now);
        let arrived = match self.inbound.precise {
            true => self
                .port
                .rtp
                .waited()
                .and_then(|age| tick.now.checked_sub(age)),
            false => None,
        };
        let arrived = arrived.unwrap_or(tick.now);
        if self.session.receive(arrived, &packet) == Reception::Doubtful {
            return 0;
        }
        counters.rtp_received.add(1);
        let payload_type = header.payload_type;
        if self.negotiated.receive_events.contains(&payload_type) {
            let (digits, keys) = (&mut self.digits, &mut self.keys);
            let received = self.inbound.sound.keys.receive(arrived, &packet, |edge| {
                if let DigitEdge::Begin { digit } = edge
                    && keys.note(Way::Event, digit.to_char(), Duration::ZERO, tick.now)
                {
                    // Of more keys than a queue full nobody takes, the first are kept.
                    let _ = digits.try_push(digit.to_char());
                }
            });
            if received.is_err() {
                counters.rtp_malformed.add(1);
            }
            self.inbound.jitter.pass_over(&packet);
            return 0;
        }
        let Some(receiver) = self.inbound.formats.find(payload_type) else {
            if payload_type == PayloadType::COMFORT_NOISE && self.negotiated.receive {
                self.inbound.jitter.push(arrived, &packet, 0);
                return 0;
            }
            if payload_type != PayloadType::COMFORT_NOISE {
                counters.rtp_malformed.add(1);
            }
            self.inbound.jitter.pass_over(&packet);
            return 0;
        };
        let units = receiver.units(packet.payload);
        if units == 0 {
            counters.rtp_malformed.add(1);
            self.inbound.jitter.pass_over(&packet);
            return 0;
        }
        let clock_rate = receiver.codec.clock_rate;
        if clock_rate != self.inbound.jitter.clock_rate() {
            self.inbound.jitter.restart(clock_rate);
            self.session.set_receive_clock(clock_rate);
        }
        if self.negotiated.receive {
            self.inbound.jitter.push(arrived, &packet, units);
        }
        units
    }
}
