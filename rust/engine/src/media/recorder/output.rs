//! What a recording is written to: WAV, or raw G.711 by the end of its name.

use std::{fs::File, io::Write, path::Path};

use sems_audio::{Error, SAMPLE_RATE, codec::g711, wav};

use crate::media::files::{Law, law};

/// Bytes of silence that are written at once.
const PIECE: usize = 4096;

/// A file that is being written.
pub(super) enum Output {
    Wav(wav::Writer<File>),
    Raw(Raw),
}

/// Raw G.711. It has no header, so it is whole at any time.
pub(super) struct Raw {
    file: File,
    law: Law,
    written: u64,
    bytes: Vec<u8>,
}

impl Output {
    /// Begins the file. Raw G.711 is of one channel at 8 kHz, and anything else an error.
    pub(super) fn new(file: File, path: &Path, rate: u32, channels: u16) -> Result<Self, Error> {
        let Some(law) = law(path) else {
            return wav::Writer::with_channels(file, rate, channels).map(Self::Wav);
        };
        if rate != SAMPLE_RATE {
            return Err(Error::InvalidFormat("raw G.711 has 8000 samples a second"));
        }
        if channels != 1 {
            return Err(Error::InvalidFormat("raw G.711 has one channel"));
        }
        Ok(Self::Raw(Raw {
            file,
            law,
            written: 0,
            bytes: Vec::new(),
        }))
    }

    /// Appends samples, one of each channel after the other.
    pub(super) fn write(&mut self, samples: &[i16]) -> Result<(), Error> {
        match self {
            Self::Wav(file) => file.write(samples),
            Self::Raw(raw) => raw.write(samples),
        }
    }

    /// Appends so many samples of silence to each channel.
    pub(super) fn write_silence(&mut self, frames: u64) -> Result<(), Error> {
        match self {
            Self::Wav(file) => file.write_silence(frames),
            Self::Raw(raw) => {
                let mut left = frames;
                while left > 0 {
                    let piece = left.min(PIECE as u64);
                    raw.write(&[0; PIECE][..piece as usize])?;
                    left -= piece;
                }
                Ok(())
            }
        }
    }

    /// Makes the file complete.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        match self {
            Self::Wav(file) => file.flush(),
            Self::Raw(raw) => Ok(raw.file.flush()?),
        }
    }

    /// Cuts off what a failed write has left behind.
    pub(super) fn salvage(&mut self) {
        let _ = match self {
            Self::Wav(file) => file.get_ref().set_len(file.file_len()),
            Self::Raw(raw) => raw.file.set_len(raw.written),
        };
        let _ = self.flush();
    }
}

impl Raw {
    fn write(&mut self, samples: &[i16]) -> Result<(), Error> {
        self.bytes.resize(samples.len(), 0);
        match self.law {
            Law::Mu => g711::encode_ulaw(samples, &mut self.bytes),
            Law::A => g711::encode_alaw(samples, &mut self.bytes),
        };
        self.file.write_all(&self.bytes)?;
        self.written += samples.len() as u64;
        Ok(())
    }
}
