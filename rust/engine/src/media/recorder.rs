//! One recording: from a worker's ring to a WAV file that is valid at any time.

use std::{fs::File, path::PathBuf};

use sems_audio::{SAMPLE_RATE, wav};

use super::tap::{TapReader, TapWriter, tap};
use crate::{
    command::Direction,
    error,
    ids::{CallId, RequestId},
};

/// How long the disk may take a rest without a sample being lost.
const RING_SECONDS: usize = 4;

/// A recording that is under way.
pub(super) struct Recording {
    pub(super) call: CallId,
    pub(super) direction: Direction,
    /// Who waits for the file to be complete.
    pub(super) stop: Option<RequestId>,
    path: PathBuf,
    reader: TapReader,
    file: wav::Writer<File>,
    samples: Vec<i16>,
    dropped: u64,
}

/// How a recording stands.
pub(super) enum Progress {
    /// More will come.
    Continues,
    /// The file is complete, or (with the reason) as complete as it will ever be.
    Ended(Result<(), String>),
}

impl Recording {
    /// Makes the file, and the ring that a worker is to fill.
    pub(super) fn open(
        call: CallId,
        direction: Direction,
        path: PathBuf,
    ) -> Result<(Self, TapWriter), String> {
        let file = match File::create(&path) {
            Ok(file) => file,
            Err(error) => return Err(format!("{}: {}", path.display(), error::reason(&error))),
        };
        let file = wav::Writer::new(file, SAMPLE_RATE)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let (writer, reader) = tap(RING_SECONDS);
        let recording = Self {
            call,
            direction,
            stop: None,
            path,
            reader,
            file,
            samples: Vec::new(),
            dropped: 0,
        };
        Ok((recording, writer))
    }

    /// Writes what has come.
    pub(super) fn step(&mut self) -> Progress {
        // Asked before reading: what was written before the end is then in the ring.
        let ended = self.reader.is_finished();
        let written = self.write().and_then(|()| match ended {
            true => self.file.flush(),
            false => Ok(()),
        });
        match (written, ended) {
            (Err(error), _) => {
                let error = match error {
                    sems_audio::Error::Io(error) => error::reason(&error),
                    other => other.to_string(),
                };
                Progress::Ended(Err(format!("{}: {error}", self.path.display())))
            }
            (Ok(()), true) => Progress::Ended(Ok(())),
            (Ok(()), false) => Progress::Continues,
        }
    }

    fn write(&mut self) -> sems_audio::Result<()> {
        self.samples.clear();
        self.reader.read(&mut self.samples);
        self.file.write(&self.samples)?;
        // What was lost becomes silence, so that the rest stays at its time.
        let dropped = self.reader.dropped();
        let mut silence = dropped - self.dropped;
        self.dropped = dropped;
        while silence > 0 {
            let piece = silence.min(u64::from(SAMPLE_RATE)) as usize;
            self.samples.clear();
            self.samples.resize(piece, 0);
            self.file.write(&self.samples)?;
            silence -= piece as u64;
        }
        Ok(())
    }
}
