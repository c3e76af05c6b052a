//! Reads a playback ahead: prompts in memory and long files, one after the other, into one ring. So
//! they follow each other without a gap, whatever they are.

use std::{path::PathBuf, sync::Arc};

use sems_audio::SAMPLE_RATE;

use super::sound_file::SoundFile;
use crate::{
    ids::PlayId,
    media::{player::StreamWriter, prompt::Prompt},
};

/// A ring is filled when it has room for so many samples: a disk does better with few large reads.
const ROOM: usize = SAMPLE_RATE as usize;

/// One playback that is being read.
pub(in crate::media) struct Reading {
    pub(in crate::media) play: PlayId,
    parts: Vec<Arc<Prompt>>,
    /// Turns still to come after this one; `None`: no end.
    turns_left: Option<u32>,
    part: usize,
    /// Samples of the part that were read, when it is one in memory.
    sample: usize,
    /// The part's file, when it is one.
    file: Option<(PathBuf, SoundFile)>,
    /// Something was read in this turn.
    brought: bool,
    /// What was read and did not fit into the ring.
    pending: Vec<i16>,
    ended: bool,
    writer: StreamWriter,
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
            file: None,
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

    /// Fills the ring. The error has been told to the player, too.
    pub(super) fn step(&mut self) -> Result<(), String> {
        if let Some(position) = self.writer.sought() {
            self.pending.clear();
            self.ended = false;
            if let Err(error) = self.seek(position) {
                return self.fail(error);
            }
            if self.ended {
                self.writer.end();
            }
        }
        let full = self.writer.room() < ROOM && self.writer.waiting() > 0;
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

    /// Appends the next piece to what is pending.
    fn read(&mut self) -> Result<(), String> {
        let Some(part) = self.parts.get(self.part) else {
            self.ended = true;
            return Ok(());
        };
        let more = match part.file() {
            Some(path) => {
                if self.file.is_none() {
                    self.file = Some((path.to_owned(), SoundFile::open(path, Some(SAMPLE_RATE))?));
                }
                let Some((path, file)) = &mut self.file else {
                    return Ok(());
                };
                let read = file.read(&mut self.pending);
                read.map_err(|error| format!("{}: {error}", path.display()))?
            }
            None => {
                let samples = part.samples();
                let end = samples.len().min(self.sample + ROOM);
                self.pending.extend_from_slice(&samples[self.sample..end]);
                self.sample = end;
                end < samples.len()
            }
        };
        self.brought |= !self.pending.is_empty();
        if !more {
            self.next_part();
        }
        Ok(())
    }

    fn next_part(&mut self) {
        self.sample = 0;
        self.file = None;
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

    /// Goes to a sample of the turn that is being read.
    fn seek(&mut self, position: u64) -> Result<(), String> {
        let mut left = position;
        self.part = 0;
        self.file = None;
        self.sample = 0;
        while let Some(part) = self.parts.get(self.part) {
            let length = part.len();
            if left < length {
                match part.file() {
                    Some(path) => {
                        let mut file = SoundFile::open(path, Some(SAMPLE_RATE))?;
                        file.seek(left)
                            .map_err(|error| format!("{}: {error}", path.display()))?;
                        self.file = Some((path.to_owned(), file));
                    }
                    None => self.sample = left as usize,
                }
                return Ok(());
            }
            left -= length;
            if self.part + 1 == self.parts.len() {
                self.brought = true;
                self.next_part();
                return Ok(());
            }
            self.part += 1;
        }
        Ok(())
    }
}
