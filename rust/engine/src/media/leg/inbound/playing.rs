//! 20 ms of sound at each tick, of what has come: decoded, stretched, or a pause.

use std::{ops::Range, time::Instant};

use sems_audio::{Level, codec::Decoder, comfort_noise::NoiseDescription};
use sems_rtp::{PayloadType, Pull};

use super::{Inbound, Sound, stretched};

/// A constant sample of no more than this is silence: A-law has no zero.
const SILENT_SAMPLE: u16 = 8;

/// What a tick's frame was made of.
#[derive(Default)]
pub(super) struct Assembled {
    /// More than silence.
    pub(super) sounding: bool,
    /// Its level, where that is known already.
    pub(super) level: Option<Level>,
    /// Packets that were missing before it.
    pub(super) missing: u32,
    /// Samples that were made up.
    pub(super) made_up: usize,
    /// Samples that are lost or late, made up or not.
    pub(super) absent: usize,
}

impl Inbound {
    /// Plays the next 20 ms out, at `now`. `scratch` has room for [`STRETCHED`] samples. Returns how many
    /// samples were made up.
    pub(super) fn play_out(&mut self, now: Instant, scratch: &mut [i16]) -> usize {
        let last_sounded = self.sounding[self.newest];
        self.newest ^= 1;
        let done = self.assemble(now, last_sounded, scratch);
        if done.missing > 0 {
            let played = self.jitter.statistics().played;
            let before = played.saturating_sub(1);
            self.sound.bursts.lost(done.missing, before);
        }
        self.sounding[self.newest] = done.sounding;
        let frame = match done.sounding {
            true => &self.sound.frames[self.newest][..self.rate.frame()],
            false => self.rate.silence(),
        };
        let level = match (done.level, done.sounding) {
            (Some(level), _) => level,
            (None, true) => Level::rms(frame),
            (None, false) => Level::SILENCE,
        };
        self.absent = 2 * done.absent > self.rate.frame();
        self.speech.push(frame, level);
        self.meter.push(level);
        self.level = level;
        done.made_up
    }

    fn assemble(&mut self, now: Instant, last_sounded: bool, scratch: &mut [i16]) -> Assembled {
        let mut done = Assembled::default();
        let mut filled = 0;
        if self.has_rest {
            filled = self.play_rest();
            done.sounding = true;
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
                        self.come_back(&mut scratch[..count]);
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
                    if self.concealed > 0 {
                        self.return_from_loss(&mut done);
                    }
                    return done;
                }
                Pull::Lost { duration } => {
                    let end = (filled + rates.samples(duration)).min(frame);
                    done.absent += end - filled;
                    filled = self.make_up(filled..end, last_sounded, &mut done, scratch);
                }
                Pull::Paused { duration } => {
                    let end = (filled + rates.samples(duration)).min(frame);
                    self.pause(filled..end, &mut done);
                    filled = end;
                }
                Pull::Wait => {
                    done.absent += frame - filled;
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
    pub(super) fn pause(&mut self, part: Range<usize>, done: &mut Assembled) {
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

    /// A part of the frame is silence, which is written only where something else sounds.
    pub(super) fn leave_silent(&mut self, part: Range<usize>, sounding: bool) {
        if sounding {
            self.sound.frames[self.newest][part].fill(0);
        }
    }

    /// Something sounds from `begin` on, behind what may have been silence so far.
    pub(super) fn make_sound(&mut self, begin: usize, done: &mut Assembled) {
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
    pub(super) fn take_samples(&mut self, filled: usize, samples: &[i16]) -> usize {
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
