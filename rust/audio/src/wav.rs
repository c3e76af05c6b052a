//! WAV files: reading any usual one as mono samples, writing 16-bit mono that survives a kill.

use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::RangeInclusive;

use crate::codec::g711;
use crate::error::{Error, Result};
use crate::resample::Resampler;

/// Sampling rates that are read, in Hz. Below 1 kHz there is no speech left; 768 kHz is the highest that
/// converters of sound are built for. The bounds keep a false header from asking for more than a few
/// times the memory that its file has, and for filters that take seconds to make.
pub const RATES: RangeInclusive<u32> = 1_000..=768_000;

/// More channels than any microphone array has whose files are played to telephones.
const CHANNELS_MAX: u16 = 64;
/// More channels than anybody has recorded here.
const CHANNELS_WRITTEN: u16 = 8;

/// Bytes taken from the reader at a time.
const PIECE: usize = 8 * 1024;

const TAG_PCM: u16 = 1;
const TAG_FLOAT: u16 = 3;
const TAG_ALAW: u16 = 6;
const TAG_ULAW: u16 = 7;
const TAG_EXTENSIBLE: u16 = 0xFFFE;

/// How a sample is coded in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
    Alaw,
    Ulaw,
}

impl Coding {
    fn new(tag: u16, bits: u16) -> Result<Self> {
        Ok(match (tag, bits) {
            // Of a width between two, the bits are the upper ones of the wider.
            (TAG_PCM, 1..=8) => Self::Unsigned8,
            (TAG_PCM, 9..=16) => Self::Signed16,
            (TAG_PCM, 17..=24) => Self::Signed24,
            (TAG_PCM, 25..=32) => Self::Signed32,
            (TAG_FLOAT, 32) => Self::Float32,
            (TAG_FLOAT, 64) => Self::Float64,
            (TAG_ALAW, 8) => Self::Alaw,
            (TAG_ULAW, 8) => Self::Ulaw,
            _ => return Err(Error::UnsupportedCoding { tag, bits }),
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::Alaw | Self::Ulaw => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// One sample of as many bytes as [`Coding::bytes`] says.
    fn sample(self, bytes: &[u8]) -> i16 {
        match (self, bytes) {
            (Self::Unsigned8, [byte]) => (i16::from(*byte) - 128) << 8,
            (Self::Alaw, [byte]) => g711::linear_from_alaw(*byte),
            (Self::Ulaw, [byte]) => g711::linear_from_ulaw(*byte),
            (Self::Float32, [a, b, c, d]) => {
                // Saturates; what is not a number becomes 0.
                (f32::from_le_bytes([*a, *b, *c, *d]) * 32_768.0).round() as i16
            }
            (Self::Float64, [a, b, c, d, e, f, g, h]) => {
                let value = f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                (value * 32_768.0).round() as i16
            }
            // The upper 16 bits of a wider sample.
            (_, [.., low, high]) => i16::from_le_bytes([*low, *high]),
            _ => 0,
        }
    }
}

/// Reads a WAV file, a piece at a time, as mono samples at the file's own rate.
///
/// PCM of 8, 16, 24 and 32 bits, float of 32 and 64, A-law and µ-law; of several channels the mean. A
/// file that ends before its `data` chunk does, or whose sizes were never filled in because the
/// recorder was killed, is read as far as it goes.
#[derive(Debug)]
pub struct Reader<R> {
    inner: R,
    coding: Coding,
    rate: u32,
    channels: u16,
    /// Bytes of audio not yet read; `None` when the header doesn't know.
    left: Option<u64>,
    /// Bytes of audio that were read.
    consumed: u64,
    /// The beginning of a sample that the last piece cut in two.
    piece: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn new(mut inner: R) -> Result<Self> {
        let mut riff = [0; 12];
        read_exact(&mut inner, &mut riff, "header")?;
        if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
            return Err(Error::NotWav);
        }
        let mut format = None;
        loop {
            let missing = if format.is_none() {
                "fmt chunk"
            } else {
                "data chunk"
            };
            let mut header = [0; 8];
            read_exact(&mut inner, &mut header, missing)?;
            let [id @ .., a, b, c, d] = header;
            let size = u32::from_le_bytes([a, b, c, d]);
            match (&id, format) {
                (b"fmt ", _) => format = Some(read_format(&mut inner, size)?),
                (b"data", Some((coding, rate, channels))) => {
                    // A recorder writes the size last: 0 or all ones says that it never did.
                    let left = match size {
                        0 | u32::MAX => None,
                        size => Some(u64::from(size)),
                    };
                    let piece = Vec::with_capacity(PIECE);
                    return Ok(Self {
                        inner,
                        coding,
                        rate,
                        channels,
                        left,
                        consumed: 0,
                        piece,
                    });
                }
                (b"data", None) => {
                    return Err(Error::InvalidFormat("no fmt chunk before the data"));
                }
                _ => skip(&mut inner, padded(size), missing)?,
            }
        }
    }

    /// The file's sampling rate in Hz, within [`RATES`].
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Bytes of a sample of all channels.
    fn block(&self) -> usize {
        self.coding.bytes() * usize::from(self.channels)
    }

    /// Appends the next few thousand samples; returns how many, 0 at the end.
    pub fn read(&mut self, samples: &mut Vec<i16>) -> Result<usize> {
        let start = samples.len();
        let width = self.coding.bytes();
        let block = self.block();
        while samples.len() == start {
            let room = (PIECE - self.piece.len()) as u64;
            let wanted = self.left.map_or(room, |left| left.min(room));
            let got = self
                .inner
                .by_ref()
                .take(wanted)
                .read_to_end(&mut self.piece)?;
            if let Some(left) = &mut self.left {
                *left -= got as u64;
            }
            self.consumed += got as u64;
            if got == 0 {
                return Ok(0);
            }
            let blocks = self.piece.chunks_exact(block);
            samples.extend(blocks.map(|block| {
                let sum: i32 = block
                    .chunks_exact(width)
                    .map(|bytes| i32::from(self.coding.sample(bytes)))
                    .sum();
                (sum / i32::from(self.channels)) as i16
            }));
            let whole = self.piece.len() / block * block;
            self.piece.drain(..whole);
        }
        Ok(samples.len() - start)
    }

    /// The whole rest of the file at `rate` Hz.
    pub fn read_all(mut self, rate: u32) -> Result<Vec<i16>> {
        let mut samples = Vec::new();
        if self.rate == rate {
            while self.read(&mut samples)? > 0 {}
            return Ok(samples);
        }
        let mut resampler = Resampler::new(self.rate, rate)?;
        let mut piece = Vec::new();
        while self.read(&mut piece)? > 0 {
            resampler.push(&piece, &mut samples);
            piece.clear();
        }
        resampler.finish(&mut samples);
        Ok(samples)
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Samples of the whole file at its own rate: as many as its header says, or as there are.
    pub fn frames(&mut self) -> Result<u64> {
        let here = self.inner.stream_position()?;
        let end = self.inner.seek(SeekFrom::End(0))?;
        self.inner.seek(SeekFrom::Start(here))?;
        let rest = end.saturating_sub(here);
        let rest = self.left.map_or(rest, |left| left.min(rest));
        Ok((self.consumed + rest) / self.block() as u64)
    }

    /// Goes on reading at the sample of that number; behind the last one that is the end.
    pub fn seek(&mut self, frame: u64) -> Result<()> {
        let start = self.inner.stream_position()?.saturating_sub(self.consumed);
        let block = self.block() as u64;
        let total = self.left.map(|left| left + self.consumed);
        let frame = frame.min(u64::MAX / 2 / block);
        let place = total.map_or(frame * block, |total| total.min(frame * block));
        self.inner.seek(SeekFrom::Start(start + place))?;
        self.left = total.map(|total| total - place);
        self.consumed = place;
        self.piece.clear();
        Ok(())
    }
}

/// Reads a whole WAV file as mono samples at `rate` Hz.
///
/// Takes about `rate` divided by the file's rate times two bytes of memory a sample; who reads
/// from strangers bounds `reader` with [`Read::take`].
pub fn read(reader: impl Read, rate: u32) -> Result<Vec<i16>> {
    Reader::new(reader)?.read_all(rate)
}

/// Coding, sampling rate and channels.
fn read_format(reader: &mut impl Read, size: u32) -> Result<(Coding, u32, u16)> {
    const PLAIN: u32 = 16;
    const EXTENSIBLE: u32 = 40;
    let known = match size {
        ..PLAIN => return Err(Error::InvalidFormat("it is too short")),
        PLAIN..EXTENSIBLE => PLAIN,
        EXTENSIBLE.. => EXTENSIBLE,
    };
    let mut bytes = [0; EXTENSIBLE as usize];
    read_exact(reader, &mut bytes[..known as usize], "fmt chunk")?;
    skip(reader, padded(size) - u64::from(known), "data chunk")?;
    let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let (mut tag, channels, bits) = (word(0), word(2), word(14));
    let rate = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    if tag == TAG_EXTENSIBLE {
        if known < EXTENSIBLE {
            return Err(Error::InvalidFormat("its extension is missing"));
        }
        tag = word(24);
    }
    let coding = Coding::new(tag, bits)?;
    if channels == 0 {
        return Err(Error::InvalidFormat("it has no channels"));
    }
    if channels > CHANNELS_MAX {
        return Err(Error::InvalidFormat("it has more than 64 channels"));
    }
    if !RATES.contains(&rate) {
        return Err(Error::UnsupportedRate(rate));
    }
    if usize::from(word(12)) != coding.bytes() * usize::from(channels) {
        return Err(Error::InvalidFormat(
            "its block size does not fit its samples",
        ));
    }
    Ok((coding, rate, channels))
}

/// Chunks are padded to an even length.
fn padded(size: u32) -> u64 {
    u64::from(size) + u64::from(size % 2)
}

fn read_exact(reader: &mut impl Read, bytes: &mut [u8], what: &'static str) -> Result<()> {
    reader
        .read_exact(bytes)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Error::Truncated(what),
            _ => Error::Io(error),
        })
}

fn skip(reader: &mut impl Read, bytes: u64, missing: &'static str) -> Result<()> {
    let skipped = std::io::copy(&mut reader.by_ref().take(bytes), &mut std::io::sink())?;
    if skipped < bytes {
        Err(Error::Truncated(missing))
    } else {
        Ok(())
    }
}

/// Bytes before the first sample of a file that we write.
const HEADER: u32 = 44;

/// Writes a WAV file of 16-bit PCM.
///
/// The header is true from the start and again after every second of audio, so that a recording
/// survives the death of its recorder. Call [`Writer::flush`] at the end for the rest.
#[derive(Debug)]
pub struct Writer<W> {
    inner: W,
    rate: u32,
    channels: u16,
    /// Bytes of audio written, and those that the header tells of.
    written: u32,
    told: u32,
    bytes: Vec<u8>,
}

impl<W: Write + Seek> Writer<W> {
    /// Starts a file of `rate` samples a second, mono, at the writer's position 0.
    ///
    /// The writer should not buffer: what it keeps dies with the process.
    pub fn new(inner: W, rate: u32) -> Result<Self> {
        Self::with_channels(inner, rate, 1)
    }

    /// As [`Writer::new`] with 1 to 8 channels, whose samples are written in turn.
    pub fn with_channels(inner: W, rate: u32, channels: u16) -> Result<Self> {
        if !RATES.contains(&rate) {
            return Err(Error::UnsupportedRate(rate));
        }
        if !(1..=CHANNELS_WRITTEN).contains(&channels) {
            return Err(Error::InvalidFormat("it is to have 1 to 8 channels"));
        }
        let mut writer = Self {
            inner,
            rate,
            channels,
            written: 0,
            told: 0,
            bytes: Vec::new(),
        };
        writer.write_header()?;
        Ok(writer)
    }

    /// Appends samples, one of each channel after the other; [`Error::TooLong`] and nothing written
    /// where the file would outgrow 4 GiB.
    pub fn write(&mut self, samples: &[i16]) -> Result<()> {
        let written = self.after(samples.len() as u64)?;
        self.bytes.clear();
        self.bytes
            .extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        self.inner.write_all(&self.bytes)?;
        self.has_written(written)
    }

    /// Appends so many samples of silence to each channel, which on most file systems take no room
    /// and no time; otherwise as [`Writer::write`].
    pub fn write_silence(&mut self, frames: u64) -> Result<()> {
        if frames == 0 {
            return Ok(());
        }
        let written = self.after(frames.saturating_mul(u64::from(self.channels)))?;
        // The last byte makes the file as long as it has to be.
        self.inner
            .seek(SeekFrom::Start(u64::from(HEADER) + u64::from(written) - 1))?;
        self.inner.write_all(&[0])?;
        self.has_written(written)
    }

    /// Makes the header tell of everything written.
    pub fn flush(&mut self) -> Result<()> {
        if self.told < self.written {
            self.write_header()?;
        }
        Ok(self.inner.flush()?)
    }

    /// Samples written, of all channels.
    pub fn len(&self) -> u32 {
        self.written / 2
    }

    /// Whether no sample has been written.
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// Bytes that the file has to have; what lies behind them is the rest of a failed write.
    pub fn file_len(&self) -> u64 {
        u64::from(HEADER) + u64::from(self.written)
    }

    /// The writer, for what only it can do.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Bytes written when `samples` more are.
    fn after(&self, samples: u64) -> Result<u32> {
        samples
            .checked_mul(2)
            .and_then(|size| u32::try_from(size).ok())
            .and_then(|size| self.written.checked_add(size))
            .filter(|written| written.checked_add(HEADER).is_some())
            .ok_or(Error::TooLong)
    }

    fn has_written(&mut self, written: u32) -> Result<()> {
        self.written = written;
        if self.written - self.told >= self.rate * 2 * u32::from(self.channels) {
            self.write_header()?;
        }
        Ok(())
    }

    fn write_header(&mut self) -> Result<()> {
        self.inner.seek(SeekFrom::Start(0))?;
        let header = header(self.rate, self.channels, self.written);
        self.inner.write_all(&header)?;
        self.inner.seek(SeekFrom::Start(self.file_len()))?;
        self.told = self.written;
        Ok(())
    }
}

/// The header of a file of `size` bytes of 16-bit audio.
fn header(rate: u32, channels: u16, size: u32) -> [u8; HEADER as usize] {
    let block = 2 * channels;
    let mut bytes = [0; HEADER as usize];
    let fields: [&[u8]; 13] = [
        b"RIFF",
        &(HEADER - 8 + size).to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16u32.to_le_bytes(),
        &TAG_PCM.to_le_bytes(),
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &(rate * u32::from(block)).to_le_bytes(),
        &block.to_le_bytes(),
        &16u16.to_le_bytes(),
        b"data",
        &size.to_le_bytes(),
    ];
    for (byte, value) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
        *byte = *value;
    }
    bytes
}
