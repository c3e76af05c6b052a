//! `sems._core`: the engine as Python sees it. Decides nothing; `python/sems/_core.pyi` is its
//! documentation.

mod accounts;
mod audio;
mod auth;
mod codecs;
mod config;
mod convert;
mod engine;
mod errors;
mod event;
mod prompt;
mod quality;
mod requests;
mod sound;
mod spectrogram;
mod subscriptions;
mod trace;

use pyo3::prelude::*;

/// The Rust core: SIP, RTP and mixing behind one door, `Engine`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use super::{
        audio::{Block, Blocks, Feed, Tap},
        auth::AuthConfig,
        codecs::register_codec,
        config::{EngineConfig, MemoryNetwork, MemorySocket},
        engine::Engine,
        event::Event,
        prompt::{Progress, Prompt},
        quality::Quality,
        spectrogram::Spectrogram,
        trace::{TraceEntry, TracedCall},
    };

    /// The version of the engine, which is that of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
