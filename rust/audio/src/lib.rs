//! Sample arithmetic for telephony: codecs, mixing, levels, tones, concealment, resampling, WAV.
//!
//! Everything here is a pure function of the samples it is given: no clocks, threads, sockets or
//! files are opened. What runs once per leg and tick does not allocate. Audio is linear 16-bit mono
//! at one of three [`Rate`]s, handled in frames of 20 ms; a [`Frame`] is one at 8 kHz.

pub mod codec;
pub mod comfort_noise;
mod convert;
mod delay;
pub mod dtmf;
pub mod emodel;
mod error;
mod frame;
mod gate;
mod level;
mod leveler;
mod limiter;
mod mix;
mod personal;
mod pitch;
mod plc;
mod resample;
mod spectrogram;
mod speech;
pub mod stretch;
mod talkers;
pub mod tone;
pub mod wav;

pub use convert::Converter;
pub use delay::DelayLine;
pub use error::{Error, Result};
pub use frame::{FRAME_MS, FRAME_SAMPLES, Frame, Rate, SAMPLE_RATE, SILENCE};
pub use gate::Gate;
pub use level::{Level, LevelMeter};
pub use leveler::Leveler;
pub use limiter::Limiter;
pub use mix::{Gain, Sum};
pub use personal::Personal;
pub use plc::Concealer;
pub use resample::{Resampler, resample};
pub use spectrogram::{Found, HOP, Spectrogram};
pub use speech::SpeechDetector;
pub use talkers::{MAX_TALKERS, Talker, TalkerLimit};

/// Keeps the example of the README true.
#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;
