//! What a leg adds to its room: what it says, as loud as the room is to hear it.

use sems_audio::{Gain, Leveler, Rate};

use super::{Leg, Part};
use crate::command::RoomSettings;

/// A leg's loudness in its room. Apart, so that who is silent does not have it fetched from memory
/// at each tick.
pub(super) struct Voice {
    leveler: Leveler,
    /// How loud all hear it, level control aside.
    own: Gain,
    /// The leveler's gain in dB of which `leveled` is the factor.
    db: f32,
    leveled: f32,
    /// The factor at the end of the last frame.
    factor: f32,
    /// What it says with its gain, if `shaped`; with room for its highest rate.
    frame: Box<[i16]>,
    shaped: bool,
}

impl Voice {
    pub(super) fn new(highest: Rate) -> Box<Self> {
        Box::new(Self {
            leveler: Leveler::new(),
            own: Gain::UNITY,
            db: 0.0,
            leveled: 1.0,
            factor: 1.0,
            frame: highest.silence().into(),
            shaped: false,
        })
    }

    /// What it says with its gain, if it has one in this tick.
    pub(super) fn shaped(&self, rate: Rate) -> Option<&[i16]> {
        self.shaped.then(|| &self.frame[..rate.frame()])
    }

    /// Takes a frame for another highest rate, and gives back what there was.
    pub(super) fn resize(&mut self, frame: &mut Box<[i16]>) {
        if frame.len() != self.frame.len() {
            std::mem::swap(&mut self.frame, frame);
            self.shaped = false;
        }
    }

    /// How loud all hear it, level control aside.
    pub(super) fn gain(&self) -> Gain {
        self.own
    }

    fn factor(&mut self, level_control: bool) -> f32 {
        if !level_control {
            return self.own.factor();
        }
        let db = self.leveler.gain_db();
        if db != self.db {
            self.db = db;
            self.leveled = 10f32.powf(db / 20.0);
        }
        self.own.factor() * self.leveled
    }
}

impl Leg {
    /// Takes its part in a tick in which it has heard its peer.
    pub(in crate::media) fn take_part(&mut self, settings: RoomSettings) -> Part {
        let before = self.part;
        self.inbound.pass_gate(settings.noise_gate);
        self.part = match self.sounds() && !self.muted {
            false => Part::Listens,
            true if self.whispers => Part::Whispers,
            true => Part::Sounds,
        };
        if self.part != Part::Listens {
            self.shape(settings, before == self.part);
        }
        if self.edge.is_some() && self.sounds() {
            let goes_on = std::mem::replace(&mut self.reached, true);
            self.reach_up(goes_on);
        } else {
            self.reached = false;
        }
        self.part
    }

    /// Gives what it says its gain.
    fn shape(&mut self, settings: RoomSettings, goes_on: bool) {
        let voice = &mut *self.voice;
        if settings.level_control {
            let inbound = &self.inbound;
            let (level, noise) = (inbound.tick_level(), inbound.noise());
            voice.leveler.push(level, noise, inbound.is_speaking());
        }
        let factor = voice.factor(settings.level_control);
        // Where the gate is about to shut, what is left fades out.
        let fades = settings.noise_gate && self.inbound.falls_silent();
        let begin = if goes_on { voice.factor } else { factor };
        let end = if fades { 0.0 } else { factor };
        voice.factor = factor;
        voice.shaped = begin != 1.0 || end != 1.0;
        if !voice.shaped {
            return;
        }
        let heard = self.inbound.heard();
        let frame = &mut voice.frame[..heard.len()];
        if begin == end {
            Gain::from_factor(end).apply_to(heard, frame);
        } else {
            let step = (end - begin) / heard.len() as f32;
            let mut gain = begin;
            for (shaped, heard) in frame.iter_mut().zip(heard) {
                gain += step;
                *shaped = (f32::from(*heard) * gain).round_ties_even() as i16;
            }
        }
    }

    /// It hears in this tick what it says in this tick.
    pub(in crate::media) fn echoes(&self) -> bool {
        self.echo && self.line.is_none() && self.sounds()
    }

    /// It hears what it has said before, or will hear what it says.
    pub(in crate::media) fn echoes_later(&self) -> bool {
        let line = self.line.as_deref().filter(|_| self.echo);
        line.is_some_and(|line| self.sounds() || !line.is_silent())
    }

    /// What it adds to its room in this tick.
    pub(in crate::media) fn contribution(&self) -> &[i16] {
        match self.part {
            Part::Sounds | Part::Whispers => {
                self.reached_up().unwrap_or_else(|| self.at_own_rate())
            }
            Part::SitsOut | Part::Listens => self.room_rate.silence(),
        }
    }

    /// What the peer said in this tick, at its room's rate, without a gain where it needs no way to
    /// there.
    pub(in crate::media) fn heard(&self) -> &[i16] {
        self.reached_up().unwrap_or_else(|| self.inbound.heard())
    }

    /// What it adds, at its own rate.
    pub(super) fn at_own_rate(&self) -> &[i16] {
        let rate = self.inbound.rate();
        let shaped = match self.part {
            Part::Sounds | Part::Whispers => self.voice.shaped(rate),
            Part::SitsOut | Part::Listens => None,
        };
        shaped.unwrap_or_else(|| self.inbound.heard())
    }

    /// All who hear it hear it so loud.
    pub(in crate::media) fn set_gain(&mut self, gain: Gain) {
        self.voice.own = gain;
    }
}
