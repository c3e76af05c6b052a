//! The delay follows the network: what a packet holds is played shorter or longer.

use sems_audio::{Level, stretch};
use sems_rtp::{JitterBuffer, Playout};

/// Whatever is softer may be cut anywhere.
const SILENT: Level = Level::from_dbov(-60);
/// How like to itself speech has to be where it is cut …
const LIKENESS: f32 = 0.7;
/// … until so many packets in a row had no such place.
const PATIENCE: u8 = 4;
/// What is added to silence at once, at most, in ms.
const SILENCE_MS: u32 = 20;

/// Stretches one leg's speech.
#[derive(Default)]
pub(super) struct Stretcher {
    refused: u8,
}

/// How many samples at most a packet gets longer by.
pub(super) const fn spare(sample_rate: u32) -> usize {
    (sample_rate / 1000 * SILENCE_MS) as usize
}

impl Stretcher {
    /// Does what `jitter` wishes with the `count` samples of its last packet at the beginning of
    /// `sound`, which has [`spare`] room behind them. Returns how many there are then.
    #[cold]
    pub(super) fn stretch(
        &mut self,
        jitter: &mut JitterBuffer,
        sound: &mut [i16],
        count: usize,
        rates: Rates,
    ) -> usize {
        let silent = Level::rms(&sound[..count]) < SILENT;
        let likeness = match self.refused < PATIENCE {
            true => LIKENESS,
            false => 0.0,
        };
        let (longer, done) = match jitter.playout(silent) {
            Playout::Keep => return count,
            Playout::Shorten { by } => {
                let most = rates.samples(by);
                let cut = match silent {
                    true => most.min(count),
                    false => {
                        stretch::shorten(&mut sound[..count], rates.sample_rate, most, likeness)
                    }
                };
                jitter.shortened(rates.units(cut));
                (count - cut, cut)
            }
            Playout::Lengthen { by } => {
                let room = spare(rates.sample_rate).min(sound.len() - count);
                let added = match silent {
                    true => {
                        let added = rates.samples(by).min(room);
                        sound[count..count + added].fill(0);
                        added
                    }
                    false => {
                        let sound = &mut sound[..count + room];
                        stretch::lengthen(sound, count, rates.sample_rate, likeness)
                    }
                };
                jitter.lengthened(rates.units(added));
                (count + added, added)
            }
        };
        self.refused = match done {
            0 => self.refused.saturating_add(1),
            _ => 0,
        };
        longer
    }
}

/// How many samples a timestamp unit is.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) sample_rate: u32,
    pub(super) clock_rate: u32,
}

impl Rates {
    pub(super) fn samples(self, units: u32) -> usize {
        (u64::from(units) * u64::from(self.sample_rate) / u64::from(self.clock_rate)) as usize
    }

    pub(super) fn units(self, samples: usize) -> u32 {
        (samples as u64 * u64::from(self.clock_rate) / u64::from(self.sample_rate)) as u32
    }
}
