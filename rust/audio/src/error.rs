use std::io;

/// What can go wrong with audio that comes from outside.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes do not begin with a RIFF header of form type WAVE.
    #[error("not a WAV file: the RIFF/WAVE header is missing")]
    NotWav,
    /// The file ends inside a header or before its `fmt ` or `data` chunk.
    #[error("the WAV file ends before its {0}")]
    Truncated(&'static str),
    /// A `fmt ` chunk whose numbers contradict each other or describe no audio.
    #[error("the WAV file's format chunk is invalid: {0}")]
    InvalidFormat(&'static str),
    /// A well-formed file in a coding that is not read here.
    #[error("WAV coding {tag:#06x} with {bits} bits a sample is not supported")]
    UnsupportedCoding {
        /// Format tag of the `fmt ` chunk (1 is PCM, 6 A-law, 7 µ-law).
        tag: u16,
        /// Bits a sample.
        bits: u16,
    },
    /// A sampling rate outside [`wav::RATES`](crate::wav::RATES).
    #[error("a sampling rate of {0} Hz is not between 1000 and 768000")]
    UnsupportedRate(u32),
    /// More samples than the 32-bit sizes of a WAV file can count.
    #[error("a WAV file cannot grow beyond 4 GiB")]
    TooLong,
    /// A codec that somebody brought can't be taken.
    #[error("{0}")]
    Codec(&'static str),
    /// The underlying reader or writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Result of the fallible functions of this crate.
pub type Result<T> = std::result::Result<T, Error>;
