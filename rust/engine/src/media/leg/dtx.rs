//! Pauses that are not sent (RFC 3389 §4): the noise in them is described instead.

use sems_audio::{
    Frame, Level, SpeechDetector,
    comfort_noise::{MAX_DESCRIPTION, NoiseDescription, NoiseMeter},
};

/// Whatever is louder is sent, speech or not.
const LOUD: Level = Level::from_dbov(-40);
/// Whatever is softer is no reason to end a pause.
const FAINT: Level = Level::from_dbov(-60);
/// What is louder than the noise of the pause by so much ends it, in dB.
const STEP: i8 = 6;
/// The noise is described anew when it has changed by so much, in dB …
const CHANGE: u8 = 3;
/// … and half a second after the last time.
const RENEWAL_TICKS: u8 = 25;
/// Speech ends 300 ms after its last loud sound, for the detector, and this much later for us: in
/// the meantime the noise shows itself.
const HOLD_TICKS: u8 = 10;
/// A call begins with a second of packets, so that everybody on the way learns where they come from.
const OPENING_TICKS: u8 = 50;

/// Finds the pauses in what a leg sends.
pub(super) struct Dtx {
    speech: SpeechDetector,
    meter: NoiseMeter,
    /// Ticks that are sent in any case.
    hold: u8,
    /// What the peer has been told of this pause.
    told: Option<NoiseDescription>,
    /// Ticks since then.
    since: u8,
}

/// What to send for a frame.
pub(super) enum Turn {
    /// The frame.
    Speak,
    /// A description of the noise, of so many bytes.
    Describe([u8; MAX_DESCRIPTION], usize),
    /// Nothing.
    Rest,
}

impl Dtx {
    pub(super) fn new() -> Self {
        Self {
            speech: SpeechDetector::new(),
            meter: NoiseMeter::new(),
            hold: OPENING_TICKS,
            told: None,
            since: 0,
        }
    }

    /// What to send for the next frame.
    pub(super) fn judge(&mut self, frame: &Frame) -> Turn {
        let level = Level::rms(frame);
        let speaking = self.speech.push(frame, level) || level > LOUD;
        let stands_out = self.told.is_some_and(|noise| {
            level > FAINT && level.dbov() > noise.level().dbov().saturating_add(STEP)
        });
        if speaking || stands_out {
            self.hold = self.hold.max(HOLD_TICKS + 1);
            self.meter.restart();
        } else {
            self.meter.push(frame);
        }
        if self.hold > 0 {
            self.hold -= 1;
            self.told = None;
            return Turn::Speak;
        }
        let noise = self.meter.description();
        self.since = self.since.saturating_add(1);
        let is_news = match self.told {
            None => true,
            Some(told) => {
                let change = told.level().dbov().abs_diff(noise.level().dbov());
                self.since >= RENEWAL_TICKS && change >= CHANGE
            }
        };
        if !is_news {
            return Turn::Rest;
        }
        (self.told, self.since) = (Some(noise), 0);
        let mut payload = [0; MAX_DESCRIPTION];
        let length = noise.write(&mut payload);
        Turn::Describe(payload, length)
    }
}
