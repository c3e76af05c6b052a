//! Reads a playback ahead: prompts in memory and long files, one after the other, into one ring, at the
//! rate at which they are heard. So they follow each other without a gap, whatever they are.

use std::{path::PathBuf, sync::Arc};

use sems_audio::{Rate, resample};

use super::sound_file::SoundFile;
use crate::{
    ids::PlayId,
    media::{player::StreamWriter, prompt::Prompt},
};

/// One playback that is being read.
pub(in crate::media) struct Reading {
    pub(in crate::media) play: PlayId,
    parts: Vec<Arc<Prompt>>,
    /// Turns still to come after this one; `None`: no end.
    turns_left: Option<u32>,
    part: usize,
    /// Samples of the part that were read, at the rate of the ring.
    sample: usize,
    /// What the part is read from, if it has been begun.
    source: Option<Source>,
    /// Something was read in this turn.
    brought: bool,
    /// What was read and did not fit into the ring.
    pending: Vec<i16>,
    ended: bool,
    writer: StreamWriter,
}

/// Where a part comes from.
enum Source {
    File(PathBuf, Box<SoundFile>),
    /// In memory, at the rate of the ring.
    Ready(Arc<Prompt>),
    /// Brought to that rate.
    Converted(Vec<i16>),
}

impl Reading {
    /// Reads `parts`, the whole list `repeat` times, or until the player is gone when that is 0.
    pub(in crate::media) fn new(
        play: PlayId,
        parts: Vec<Arc<Prompt>>,
        repeat: u32,
        writer: StreamWriter,
    ) -> Self {
        Self {
            play,
            parts,
            turns_left: repeat.checked_sub(1),
            part: 0,
            sample: 0,
            source: None,
            brought: false,
            pending: Vec::new(),
            ended: false,
            writer,
        }
    }

    /// Whether nobody hears it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.writer.is_abandoned()
    }

    /// Fills the ring, once it is known at which rate. The error has been told to the player, too.
    pub(super) fn step(&mut self) -> Result<(), String> {
        let Some(asked) = self.writer.asked() else {
            return Ok(());
        };
        if let Some(position) = self.writer.sought() {
            self.pending.clear();
            self.ended = false;
            self.turn_to(asked);
            self.seek(position);
            if self.ended {
                self.writer.end();
            }
        }
        // A disk does better with few large reads: of a second at least.
        let second = self.writer.rate().hz() as usize;
        let full = self.writer.room() < second && self.writer.waiting() > 0;
        if full || self.ended {
            return Ok(());
        }
        loop {
            let written = self.writer.write(&self.pending);
            self.pending.drain(..written);
            if !self.pending.is_empty() {
                return Ok(());
            }
            if self.ended {
                self.writer.end();
                return Ok(());
            }
            self.turn_to(asked);
            if let Err(error) = self.read() {
                return self.fail(error);
            }
        }
    }

    fn fail(&mut self, error: String) -> Result<(), String> {
        self.ended = true;
        self.pending.clear();
        self.writer.fail();
        Err(error)
    }

    /// Goes on at another rate where it is.
    fn turn_to(&mut self, rate: Rate) {
        let before = self.writer.rate();
        let is_so = self.writer.has_rate() && before == rate;
        if is_so || !self.writer.turn_to(rate) {
            return;
        }
        self.sample = self.sample * rate.factor() / before.factor();
        self.source = None;
    }

    /// Appends the next piece to what is pending.
    fn read(&mut self) -> Result<(), String> {
        let Some(part) = self.parts.get(self.part) else {
            self.ended = true;
            return Ok(());
        };
        let source = match &mut self.source {
            Some(source) => source,
            none => none.insert(Source::open(part, self.sample, self.writer.rate())?),
        };
        let before = self.pending.len();
        let more = source.read(self.sample, self.writer.rate(), &mut self.pending)?;
        self.sample += self.pending.len() - before;
        self.brought |= !self.pending.is_empty();
        if !more {
            self.next_part();
        }
        Ok(())
    }

    fn next_part(&mut self) {
        self.sample = 0;
        self.source = None;
        self.part += 1;
        if self.part < self.parts.len() {
            return;
        }
        match &mut self.turns_left {
            Some(0) => self.ended = true,
            Some(left) => *left -= 1,
            None => {}
        }
        // A file may have been cut off meanwhile: nothing, again and again, has no end.
        self.ended |= !std::mem::take(&mut self.brought);
        if !self.ended {
            self.part = 0;
        }
    }

    /// Goes to a sample of the turn that is being read, counted at 8 kHz.
    fn seek(&mut self, position: u64) {
        let mut left = position;
        self.part = 0;
        self.source = None;
        self.sample = 0;
        while let Some(part) = self.parts.get(self.part) {
            let length = part.len();
            if left < length {
                self.sample = left as usize * self.writer.rate().factor();
                return;
            }
            left -= length;
            if self.part + 1 == self.parts.len() {
                self.brought = true;
                return self.next_part();
            }
            self.part += 1;
        }
    }
}

impl Source {
    /// Of a part, from a sample on, at a rate.
    fn open(part: &Arc<Prompt>, sample: usize, rate: Rate) -> Result<Self, String> {
        if let Some(path) = part.file() {
            let mut file = SoundFile::open(path, Some(rate.hz()))?;
            if sample > 0 {
                file.seek(sample as u64)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
            return Ok(Self::File(path.to_owned(), Box::new(file)));
        }
        let (own, samples) = part.at(rate);
        if own == rate {
            return Ok(Self::Ready(part.clone()));
        }
        let converted = resample(samples, own.hz(), rate.hz());
        converted
            .map(Self::Converted)
            .map_err(|error| error.to_string())
    }

    /// Appends what follows the first `sample` samples, or some of it; `false`: that was the rest.
    fn read(&mut self, sample: usize, rate: Rate, to: &mut Vec<i16>) -> Result<bool, String> {
        let samples = match self {
            Self::File(path, file) => {
                let read = file.read(to);
                return read.map_err(|error| format!("{}: {error}", path.display()));
            }
            Self::Ready(prompt) => prompt.at(rate).1,
            Self::Converted(samples) => samples,
        };
        let end = samples.len().min(sample + rate.hz() as usize);
        to.extend_from_slice(&samples[sample.min(end)..end]);
        Ok(end < samples.len())
    }
}
