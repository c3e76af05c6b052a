//! A file of sound, read a piece at a time at any rate: WAV, or raw G.711.

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use sems_audio::{Resampler, SAMPLE_RATE, codec::g711, wav};

use crate::error;

/// Bytes of raw G.711 that are read at once.
const PIECE: usize = 4096;
/// Samples by which a seek begins earlier, so that the resampler's filter is full when it counts: from
/// 1 to 48 kHz it looks back by 1920.
const RUN_UP: u64 = 2048;

/// An open file.
pub(in crate::media) struct SoundFile {
    content: Content,
    /// Samples of it, at its own rate.
    frames: u64,
    /// What it is read at.
    rate: u32,
    resampler: Option<Resampler>,
    /// What is read but not to be heard: the beginning of a seek's run-up.
    skip: u64,
    piece: Vec<i16>,
}

enum Content {
    Wav(wav::Reader<BufReader<File>>),
    Raw(File, Law),
}

impl SoundFile {
    /// Opens a file. What ends in `.ulaw`, `.ul`, `.pcmu`, `.alaw`, `.al` or `.pcma` is raw G.711,
    /// anything else WAV. It is read at `rate` Hz, or at its own rate.
    pub(in crate::media) fn open(path: &Path, rate: Option<u32>) -> Result<Self, String> {
        let said = |error: String| format!("{}: {error}", path.display());
        // Before it is opened: a pipe would have this thread wait for who writes into it.
        let kind = std::fs::metadata(path).map_err(|error| said(error::reason(&error)))?;
        if !kind.is_file() {
            return Err(said("it is not a file".to_owned()));
        }
        let file = File::open(path).map_err(|error| said(error::reason(&error)))?;
        let (content, frames) = match law(path) {
            Some(law) => (Content::Raw(file, law), kind.len()),
            None => {
                let mut reader =
                    wav::Reader::new(BufReader::new(file)).map_err(|error| said(plain(&error)))?;
                let frames = reader.frames().map_err(|error| said(plain(&error)))?;
                (Content::Wav(reader), frames)
            }
        };
        if frames == 0 {
            return Err(said("the file holds no audio".to_owned()));
        }
        let own_rate = match &content {
            Content::Wav(reader) => reader.rate(),
            Content::Raw(..) => SAMPLE_RATE,
        };
        let mut file = Self {
            content,
            frames,
            rate: rate.unwrap_or(own_rate),
            resampler: None,
            skip: 0,
            piece: Vec::new(),
        };
        file.resampler = file.new_resampler().map_err(|error| said(plain(&error)))?;
        Ok(file)
    }

    /// Samples of the whole file at 8 kHz.
    pub(in crate::media) fn len(&self) -> u64 {
        (self.frames * u64::from(SAMPLE_RATE)).div_ceil(u64::from(self.own_rate()))
    }

    /// What it is read at, in Hz.
    pub(in crate::media) fn rate(&self) -> u32 {
        self.rate
    }

    /// Appends the next few thousand samples; `false`: those were the last.
    pub(in crate::media) fn read(&mut self, samples: &mut Vec<i16>) -> Result<bool, String> {
        let start = samples.len();
        self.piece.clear();
        let more = match &mut self.content {
            Content::Wav(reader) => {
                let read = reader.read(&mut self.piece);
                read.map_err(|error| plain(&error))? > 0
            }
            Content::Raw(file, law) => {
                let mut bytes = [0; PIECE];
                let count = file
                    .read(&mut bytes)
                    .map_err(|error| error::reason(&error))?;
                self.piece
                    .extend(bytes[..count].iter().map(|byte| law.linear(*byte)));
                count > 0
            }
        };
        match (&mut self.resampler, more) {
            (None, _) => samples.extend_from_slice(&self.piece),
            (Some(resampler), true) => resampler.push(&self.piece, samples),
            (some, false) => {
                if let Some(resampler) = some.take() {
                    resampler.finish(samples);
                }
            }
        }
        let skipped = (self.skip as usize).min(samples.len() - start);
        samples.drain(start..start + skipped);
        self.skip -= skipped as u64;
        Ok(more)
    }

    /// Goes on reading at a sample, counted at the rate that it is read at.
    pub(in crate::media) fn seek(&mut self, sample: u64) -> Result<(), String> {
        let (own, read) = (u64::from(self.own_rate()), u64::from(self.rate));
        // A place that both rates have in common keeps the filter in phase with the whole file.
        let common = read / gcd(own, read);
        let begin = match own == read {
            true => sample,
            false => sample.saturating_sub(RUN_UP) / common * common,
        };
        self.skip = sample - begin;
        let frame = (begin.min(u64::MAX / own) * own / read).min(self.frames);
        self.resampler = self.new_resampler().map_err(|error| plain(&error))?;
        match &mut self.content {
            Content::Wav(reader) => reader.seek(frame).map_err(|error| plain(&error)),
            Content::Raw(file, _) => file
                .seek(SeekFrom::Start(frame))
                .map(|_| ())
                .map_err(|error| error::reason(&error)),
        }
    }

    fn own_rate(&self) -> u32 {
        match &self.content {
            Content::Wav(reader) => reader.rate(),
            Content::Raw(..) => SAMPLE_RATE,
        }
    }

    fn new_resampler(&self) -> sems_audio::Result<Option<Resampler>> {
        match self.own_rate() {
            own if own == self.rate => Ok(None),
            own => Resampler::new(own, self.rate).map(Some),
        }
    }
}

/// What the bytes of raw G.711 mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::media) enum Law {
    /// µ-law.
    Mu,
    /// A-law.
    A,
}

impl Law {
    fn linear(self, byte: u8) -> i16 {
        match self {
            Self::Mu => g711::linear_from_ulaw(byte),
            Self::A => g711::linear_from_alaw(byte),
        }
    }
}

/// What the bytes of a raw file mean, by its name; `None`: it is none.
pub(in crate::media) fn law(path: &Path) -> Option<Law> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "ulaw" | "ul" | "pcmu" => Some(Law::Mu),
        "alaw" | "al" | "pcma" => Some(Law::A),
        _ => None,
    }
}

fn plain(error: &sems_audio::Error) -> String {
    match error {
        sems_audio::Error::Io(error) => error::reason(error),
        other => other.to_string(),
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
