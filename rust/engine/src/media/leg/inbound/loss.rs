//! What is missing: made up by the codec, from the copy that the next packet has if it can be, or by
//! the last pitch period.

use std::ops::Range;

use super::{Inbound, Sound, playing::Assembled};

/// After 60 ms concealment has faded out.
const CONCEALED_TICKS: usize = 3;
/// What a codec makes up itself has done so after 120 ms.
const MADE_UP_TICKS: usize = 6;
/// Parts of a second of which codecs make a whole number up: 2.5 ms (RFC 6716 section 2.1.4).
const PARTS: u32 = 400;

impl Inbound {
    /// Fills a part of the frame that is missing before a packet which is there. A codec that makes it up
    /// itself makes whole packets up, and what is too much is left for the next tick. Returns how much of
    /// the frame is filled then.
    pub(super) fn make_up(
        &mut self,
        part: Range<usize>,
        last_sounded: bool,
        done: &mut Assembled,
        scratch: &mut [i16],
    ) -> usize {
        let rates = self.clock();
        let pulled = rates.units(part.len());
        if let Some(loss) = self.jitter.loss(pulled)
            && !self.noisy
        {
            let receiver = self.formats.current();
            // The last packet that is missing has its copy in the next one.
            let is_last = loss.units == loss.duration;
            let copied = is_last && loss.payload_type == receiver.payload_type;
            let copy = copied.then_some(loss.payload);
            let units = match is_last {
                true => loss.units,
                false => {
                    let before = loss.units.saturating_sub(loss.duration);
                    before.min(receiver.codec.units())
                }
            };
            let count = rates.samples(units);
            let is_whole = count >= part.len()
                && count.is_multiple_of((rates.sample_rate / PARTS) as usize)
                && count <= scratch.len();
            let goes_on = self.goes_on(last_sounded, done) || copy.is_some();
            let receiver = self.formats.current_mut();
            if is_whole && goes_on && receiver.decoder.conceal(copy, &mut scratch[..count]) {
                self.jitter.bridge(units.saturating_sub(pulled));
                self.made_up = true;
                self.concealed += count;
                done.made_up += count;
                self.make_sound(part.start, done);
                return part.start + self.take_samples(part.start, &scratch[..count]);
            }
        }
        self.conceal(part.clone(), last_sounded, done, scratch);
        part.end
    }

    /// Whether there was a sound that may go on, and has not faded out.
    fn goes_on(&self, last_sounded: bool, done: &Assembled) -> bool {
        let sounded = done.sounding || last_sounded && self.gate.is_open();
        let most = match self.made_up {
            true => MADE_UP_TICKS,
            false => CONCEALED_TICKS,
        };
        match self.concealed {
            0 => sounded,
            concealed => concealed < most * self.rate.frame(),
        }
    }

    /// Fills a part of the frame that is missing.
    pub(super) fn conceal(
        &mut self,
        part: Range<usize>,
        last_sounded: bool,
        done: &mut Assembled,
        scratch: &mut [i16],
    ) {
        if self.noisy {
            return self.pause(part, done);
        }
        if !self.goes_on(last_sounded, done) {
            return self.leave_silent(part, done.sounding);
        }
        let old_sounds = self.sounding[self.newest];
        self.make_sound(part.start, done);
        if self.concealed == 0 || self.made_up {
            let (frame, least) = (self.rate.frame(), (self.rate.hz() / PARTS) as usize);
            let whole = part.len().next_multiple_of(least).min(frame);
            let decoder = &mut self.formats.current_mut().decoder;
            self.made_up = decoder.conceal(None, &mut scratch[..whole]);
        }
        let concealment = &mut scratch[..part.len()];
        if !self.made_up {
            if self.concealed == 0 {
                self.remember(part.start, old_sounds, last_sounded);
            }
            self.sound.concealer.lost(concealment);
        }
        self.concealed += part.len();
        done.made_up += part.len();
        self.sound.frames[self.newest][part].copy_from_slice(concealment);
    }

    /// Shows the concealer the 40 ms before `start` of this tick. Only now, since most of the time nothing
    /// is lost. Of the frame before the last, what this one has not overwritten is still there.
    fn remember(&mut self, start: usize, old_sounds: bool, last_sounded: bool) {
        let length = self.rate.frame();
        let Sound {
            frames, concealer, ..
        } = &mut *self.sound;
        concealer.restart(self.rate.hz());
        if old_sounds {
            concealer.received(&mut frames[self.newest][start..length]);
        }
        if last_sounded {
            concealer.received(&mut frames[self.newest ^ 1][..length]);
        } else {
            concealer.restart(self.rate.hz());
        }
        concealer.received(&mut frames[self.newest][..start]);
    }

    /// Sound that was received follows on what was made up: they are blended.
    pub(super) fn come_back(&mut self, sound: &mut [i16]) {
        if std::mem::take(&mut self.concealed) > 0 && !std::mem::take(&mut self.made_up) {
            self.sound.concealer.received(sound);
        }
    }

    /// The same where the whole frame is what was received.
    #[cold]
    pub(super) fn return_from_loss(&mut self, done: &mut Assembled) {
        self.concealed = 0;
        if std::mem::take(&mut self.made_up) {
            return;
        }
        let length = self.rate.frame();
        let frame = &mut self.sound.frames[self.newest][..length];
        if !done.sounding {
            frame.fill(0);
        }
        self.sound.concealer.received(frame);
        (done.sounding, done.level) = (true, None);
    }
}
