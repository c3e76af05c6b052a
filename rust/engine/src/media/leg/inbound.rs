//! The peer's packets, from the port ([`arrival`]) to 20 ms of sound at the tick ([`playing`], and
//! [`loss`] where something is missing).

mod arrival;
mod loss;
mod passing;
mod playing;

use std::time::{Duration, Instant};

use sems_audio::{
    Concealer, Gate, Level, LevelMeter, Rate, SpeechDetector, comfort_noise::ComfortNoise,
};
use sems_rtp::{
    Bursts, EventReceiver, JitterBuffer, JitterBufferConfig, session::ReceiverStatistics,
};

use super::{
    Negotiated, quality,
    receivers::Receivers,
    stretching::{Rates, Stretcher, spare},
};

pub(super) use arrival::{MAX_DATAGRAMS, Taken};
pub(super) use passing::LONGEST;
use passing::Recent;

/// Samples of the longest packet, 60 ms, made longer.
pub(in crate::media) const STRETCHED: usize = stretched(Rate::Full);
/// All comfort noise is alike.
const NOISE_SEED: u32 = 1;

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
    /// Samples made up since the last packet; the next packet is blended in.
    concealed: usize,
    /// The codec has concealed that itself: there is nothing to blend.
    made_up: bool,
    stretcher: Stretcher,
    /// The peer sends nothing but has said what its silence sounds like.
    noisy: bool,
    gate: Gate,
    /// Of the last tick.
    level: Level,
    /// More than half of the last tick is lost or late.
    absent: bool,
    speech: SpeechDetector,
    meter: LevelMeter,
    /// What has gone on as it came, where packets may.
    recent: Option<Box<Recent>>,
    ticks: u32,
    /// The last tick brought less than a tick's worth: what is late may come at once.
    hungry: bool,
    /// The last packet of sound was a tick of the codec that we send.
    pub(super) fit: bool,
    /// What came last was a description of noise.
    pub(super) resting: bool,
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
            absent: false,
            speech: SpeechDetector::new(),
            meter: LevelMeter::new(),
            recent: None,
            ticks: 0,
            hungry: true,
            fit: true,
            resting: false,
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

    /// What the peer said in the last tick has not come, for the better part of it.
    pub(super) fn is_absent(&self) -> bool {
        self.absent
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

    /// The peer may not send any more, noise included.
    pub(super) fn end_noise(&mut self) {
        self.noisy = false;
    }

    /// Whether the peer has said that it pauses.
    pub(super) fn is_paused(&self) -> bool {
        self.noisy
    }
}
