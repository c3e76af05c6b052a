//! The peer's packets, from the port to 20 ms of sound at the tick.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use arrayvec::ArrayVec;
use sems_audio::{
    Concealer, FRAME_SAMPLES, Frame, Gate, Level, LevelMeter, SAMPLE_RATE, SILENCE, SpeechDetector,
    Talker,
    codec::{Codec, Decoder},
    comfort_noise::{ComfortNoise, NoiseDescription},
};
use sems_rtp::{
    Bursts, DatagramKind, DigitEdge, EventReceiver, JitterBuffer, JitterBufferConfig, PayloadType,
    Pull, Reception, RtpPacket, Verdict, classify, session::ReceiverStatistics,
};

use super::{
    Leg, Negotiated, TICK_UNITS,
    keys::Way,
    quality,
    stretching::{Rates, Stretcher, spare},
};
use crate::{command::Direction, media::worker::Tick};

/// Samples of the longest packet, 60 ms.
const LONGEST: usize = 3 * FRAME_SAMPLES;
/// The same made longer.
const STRETCHED: usize = LONGEST + spare(SAMPLE_RATE);
/// Datagrams taken from a port in one tick at most, so that a flood costs others nothing.
const MAX_DATAGRAMS: usize = 64;
/// Every so often the port is emptied although a tick's worth has come, in case more keeps coming.
const DRAIN_TICKS: u32 = 16;
/// A constant sample of no more than this is silence: A-law has no zero.
const SILENT_SAMPLE: u16 = 8;
/// Those of every codec that we know.
const RATES: Rates = Rates {
    sample_rate: SAMPLE_RATE,
    clock_rate: SAMPLE_RATE,
};
/// All comfort noise is alike.
const NOISE_SEED: u32 = 1;
/// After 60 ms concealment has faded out.
const CONCEALED_TICKS: u8 = 3;

/// What is kept of the peer's stream.
pub(super) struct Inbound {
    jitter: JitterBuffer,
    payload_type: PayloadType,
    decoder: Decoder,
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
    /// The last two ticks.
    frames: [Frame; 2],
    /// What a packet longer than a tick has left.
    rest: ArrayVec<i16, STRETCHED>,
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
        Self {
            jitter: JitterBuffer::new(JitterBufferConfig::G711),
            payload_type: negotiated.payload_type,
            decoder: negotiated.codec.decoder(),
            sound: Box::new(Sound {
                frames: [SILENCE; 2],
                rest: ArrayVec::new(),
                concealer: Concealer::new(),
                noise: ComfortNoise::new(NOISE_SEED),
                keys: EventReceiver::new(),
                bursts: Bursts::new(),
            }),
            newest: 0,
            sounding: [false; 2],
            has_rest: false,
            concealed: 0,
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

    /// Throws away what was to be played out in ticks that were left out.
    pub(super) fn skip(&mut self, now: Instant, units: u32) {
        self.has_rest = false;
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

    /// What was played out last.
    pub(super) fn heard(&self) -> &Frame {
        match self.sounding[self.newest] {
            true => &self.sound.frames[self.newest],
            false => &SILENCE,
        }
    }

    /// Plays the next 20 ms out, at `now`.
    fn play_out(&mut self, now: Instant, formats: &[(PayloadType, &'static Codec)]) {
        let last_sounded = self.sounding[self.newest];
        self.newest ^= 1;
        let assembled = self.assemble(now, formats, last_sounded);
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
        if received && self.concealed > 0 {
            let frame = &mut self.sound.frames[self.newest];
            if !sounding {
                frame.fill(0);
            }
            self.concealed = 0;
            self.sound.concealer.received(frame);
            (sounding, level) = (true, None);
        }
        self.sounding[self.newest] = sounding;
        let level = match (level, sounding) {
            (Some(level), _) => level,
            (None, true) => Level::rms(&self.sound.frames[self.newest]),
            (None, false) => Level::SILENCE,
        };
        let frame = match sounding {
            true => &self.sound.frames[self.newest],
            false => &SILENCE,
        };
        self.speech.push(frame, level);
        self.meter.push(level);
        self.level = level;
    }

    fn assemble(
        &mut self,
        now: Instant,
        formats: &[(PayloadType, &'static Codec)],
        last_sounded: bool,
    ) -> Assembled {
        let mut done = Assembled::default();
        let mut filled = 0;
        if self.has_rest {
            filled = self.play_rest();
            (done.sounding, done.received) = (true, true);
        }
        while filled < FRAME_SAMPLES {
            let restless = self.jitter.is_restless();
            match self.jitter.pull(now, (FRAME_SAMPLES - filled) as u32) {
                Pull::Frame(packet) if packet.payload_type == PayloadType::COMFORT_NOISE => {
                    if let Some(noise) = NoiseDescription::parse(packet.payload) {
                        self.sound.noise.describe(&noise);
                        self.noisy = true;
                    }
                }
                Pull::Frame(packet) => {
                    self.noisy = false;
                    if self.payload_type != packet.payload_type {
                        let mut formats = formats.iter();
                        let Some(format) = formats.find(|(pt, _)| *pt == packet.payload_type)
                        else {
                            continue;
                        };
                        self.payload_type = format.0;
                        self.decoder = format.1.decoder();
                    }
                    done.received = true;
                    done.missing += packet.lost_before;
                    if filled > 0 || packet.payload.len() != FRAME_SAMPLES || restless {
                        let mut samples = [0; STRETCHED];
                        let sound = &mut samples[..LONGEST];
                        let mut count = self.decoder.decode(packet.payload, sound);
                        if restless {
                            count = self.stretcher.stretch(
                                &mut self.jitter,
                                &mut samples,
                                count,
                                RATES,
                            );
                        }
                        self.make_sound(filled, &mut done);
                        filled += self.take_samples(filled, &samples[..count]);
                        continue;
                    }
                    let level = if is_silence(packet.payload, &mut self.decoder) {
                        Level::SILENCE
                    } else {
                        let frame = &mut self.sound.frames[self.newest];
                        self.decoder.decode(packet.payload, frame);
                        Level::rms(frame)
                    };
                    done.level = Some(level);
                    done.sounding = level > Level::SILENCE;
                    return done;
                }
                Pull::Lost { duration } => {
                    let end = (filled + duration as usize).min(FRAME_SAMPLES);
                    self.conceal(filled..end, last_sounded, &mut done);
                    filled = end;
                }
                Pull::Paused { duration } => {
                    let end = (filled + duration as usize).min(FRAME_SAMPLES);
                    self.pause(filled..end, &mut done);
                    filled = end;
                }
                Pull::Wait => {
                    self.conceal(filled..FRAME_SAMPLES, last_sounded, &mut done);
                    filled = FRAME_SAMPLES;
                }
                Pull::Empty => {
                    self.pause(filled..FRAME_SAMPLES, &mut done);
                    filled = FRAME_SAMPLES;
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
        let count = rest.len().min(FRAME_SAMPLES);
        frames[self.newest][..count].copy_from_slice(&rest[..count]);
        rest.drain(..count);
        self.has_rest = !rest.is_empty();
        count
    }

    /// Goes on with decoded samples and keeps what is too much; returns how many were used.
    fn take_samples(&mut self, filled: usize, samples: &[i16]) -> usize {
        let Sound { frames, rest, .. } = &mut *self.sound;
        let frame = &mut frames[self.newest][filled..];
        let count = samples.len().min(frame.len());
        let (now, later) = samples.split_at(count);
        frame[..count].copy_from_slice(now);
        rest.clear();
        rest.extend(later.iter().copied().take(STRETCHED));
        self.has_rest = !rest.is_empty();
        count
    }

    /// Fills a part of the frame that is missing.
    fn conceal(&mut self, part: Range<usize>, last_sounded: bool, done: &mut Assembled) {
        if self.noisy {
            return self.pause(part, done);
        }
        let fades = self.concealed > 0 || last_sounded && self.gate.is_open();
        if !fades || self.concealed >= CONCEALED_TICKS {
            return self.leave_silent(part, done.sounding);
        }
        if self.concealed == 0 {
            // What was heard is taken note of only now, since most of the time nothing is lost.
            let Sound { frames, .. } = &*self.sound;
            let mut older = match self.sounding[self.newest] {
                true => frames[self.newest],
                false => SILENCE,
            };
            let mut last = frames[self.newest ^ 1];
            self.sound.concealer.restart(SAMPLE_RATE);
            self.sound.concealer.received(&mut older);
            self.sound.concealer.received(&mut last);
        }
        self.concealed += 1;
        self.make_sound(part.start, done);
        let mut concealment = SILENCE;
        self.sound.concealer.lost(&mut concealment);
        let length = part.len();
        self.sound.frames[self.newest][part].copy_from_slice(&concealment[..length]);
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
        let mut units = 0;
        for _ in 0..MAX_DATAGRAMS {
            let Some((length, from)) = self.port.rtp.receive(tick.datagram) else {
                break;
            };
            units += self.take_in(tick, length, from);
            // Asking in vain is half as dear as receiving. But what seems to be missing may wait
            // behind what overtook it.
            if units >= TICK_UNITS && !drain && !self.inbound.jitter.has_gap() {
                break;
            }
        }
        self.inbound.hungry = units < TICK_UNITS;
        self.inbound
            .play_out(tick.now, &self.negotiated.receive_formats);
        if !self.sinks.is_empty() {
            let at = tick.wall.since_start(tick.now);
            let heard = self.inbound.heard();
            self.sinks.write(Direction::In, heard, SAMPLE_RATE, at);
            self.sinks.tell(tick.outbox);
        }
    }

    /// What the peer said in this tick.
    pub(in crate::media) fn heard(&self) -> &Frame {
        self.inbound.heard()
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
                self.take_report(tick, length, from, age);
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
        match self
            .latch
            .accept(tick.now, from, header.ssrc, header.sequence)
        {
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
        if self.negotiated.receive_events == Some(payload_type) {
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
        let mut formats = self.negotiated.receive_formats.iter();
        if !formats.any(|(known, _)| *known == payload_type) {
            if payload_type == PayloadType::COMFORT_NOISE && self.negotiated.receive {
                self.inbound.jitter.push(arrived, &packet, 0);
                return 0;
            }
            if payload_type != PayloadType::COMFORT_NOISE {
                counters.rtp_malformed.add(1);
            }
            self.inbound.jitter.pass_over(&packet);
            return 0;
        }
        // A byte is a sample and a timestamp unit in every codec that we know.
        let units = packet.payload.len() as u32;
        if self.negotiated.receive {
            self.inbound.jitter.push(arrived, &packet, units);
        }
        units
    }
}
