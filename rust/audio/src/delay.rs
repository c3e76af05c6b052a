//! What goes in comes out again later.

use crate::frame::Rate;

/// A stretch of sound that is as long as it takes what goes in to come out.
///
/// It has all memory that it will need at any [`Rate`]: 96 bytes for a millisecond.
#[derive(Clone, Debug)]
pub struct DelayLine {
    samples: Box<[i16]>,
    milliseconds: u32,
    rate: Rate,
    /// Samples at this rate.
    length: usize,
    /// Where the next sample comes out and goes in.
    place: usize,
    /// Samples of silence that went in since the last sound.
    silent: usize,
}

impl DelayLine {
    /// The longest delay, in milliseconds: ten seconds.
    pub const LONGEST: u32 = 10_000;

    /// A line of 1 to [`Self::LONGEST`] milliseconds; what lies outside becomes the next of these.
    pub fn new(milliseconds: u32) -> Self {
        let milliseconds = milliseconds.clamp(1, Self::LONGEST);
        let mut line = Self {
            samples: vec![0; Self::samples(milliseconds, Rate::Full)].into_boxed_slice(),
            milliseconds,
            rate: Rate::Narrow,
            length: 0,
            place: 0,
            silent: 0,
        };
        line.set_rate(Rate::Full);
        line
    }

    /// Goes on at this rate; at another one than before with silence in it.
    pub fn set_rate(&mut self, rate: Rate) {
        if self.rate == rate {
            return;
        }
        self.rate = rate;
        self.length = Self::samples(self.milliseconds, rate);
        self.place = 0;
        self.silent = self.length;
        self.samples.fill(0);
    }

    /// Whether nothing but silence will come out, if nothing more goes in.
    pub fn is_silent(&self) -> bool {
        self.silent >= self.length
    }

    /// Takes a frame, `None` being silence, and fills `out` with what went in so long ago.
    pub fn pass(&mut self, frame: Option<&[i16]>, out: &mut [i16]) {
        self.silent = match frame {
            Some(_) => 0,
            None => self.silent.saturating_add(out.len()),
        };
        let frame = frame.unwrap_or_default();
        let line = &mut self.samples[..self.length];
        let mut done = 0;
        while done < out.len() {
            // As far as the end of the line.
            let count = (out.len() - done).min(line.len() - self.place);
            let piece = &mut line[self.place..self.place + count];
            out[done..done + count].copy_from_slice(piece);
            let given = frame.get(done..).unwrap_or_default();
            let given = &given[..given.len().min(count)];
            piece[..given.len()].copy_from_slice(given);
            piece[given.len()..].fill(0);
            self.place = (self.place + count) % line.len();
            done += count;
        }
    }

    fn samples(milliseconds: u32, rate: Rate) -> usize {
        (u64::from(milliseconds) * u64::from(rate.hz()) / 1_000) as usize
    }
}
