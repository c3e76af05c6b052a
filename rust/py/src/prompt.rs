//! Sounds on their way in, and audio on its way out.

use std::sync::{Mutex, PoisonError};

use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use sems_engine::media::{
    prompt::{self, PromptHandle},
    tap::{TapReader, TapWriter, tap},
};

use crate::errors::to_python;

/// Seconds of audio that a tap holds.
const TAP_SECONDS: usize = 2;

/// A sound, coded once and shared by all who play it.
#[pyclass(frozen, from_py_object, module = "sems._core")]
#[derive(Clone, Debug)]
pub struct Prompt(pub PromptHandle);

#[pymethods]
impl Prompt {
    #[getter]
    fn duration_ms(&self) -> u64 {
        self.0.duration().as_millis() as u64
    }

    /// A generated sound by name.
    #[staticmethod]
    fn tone(py: Python<'_>, spec: &str) -> PyResult<Self> {
        let prompt = py
            .detach(|| prompt::Prompt::tone(spec))
            .map_err(to_python)?;
        Ok(Self(prompt.into()))
    }

    /// From 16-bit little-endian mono samples.
    #[staticmethod]
    #[pyo3(signature = (samples, rate = 8000))]
    fn from_pcm(py: Python<'_>, samples: &[u8], rate: u32) -> PyResult<Self> {
        if !samples.len().is_multiple_of(2) {
            return Err(PyValueError::new_err(
                "samples: half a sample is left over at the end",
            ));
        }
        let samples = samples
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let prompt = py
            .detach(|| prompt::Prompt::from_pcm(samples, rate))
            .map_err(to_python)?;
        Ok(Self(prompt.into()))
    }

    fn __repr__(&self) -> String {
        format!("Prompt(duration_ms={})", self.duration_ms())
    }
}

/// Audio of one direction of a call as it passes.
#[pyclass(frozen, module = "sems._core")]
pub struct Tap(Mutex<TapReader>);

impl Tap {
    /// Both ends of a new tap.
    pub fn new() -> (TapWriter, Self) {
        let (writer, reader) = tap(TAP_SECONDS);
        (writer, Self(Mutex::new(reader)))
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, TapReader> {
        // Nothing can panic halfway through a read.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Tap {
    /// All that has come since the last read: 16-bit little-endian mono at 8 kHz.
    fn read<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut samples = Vec::new();
        self.reader().read(&mut samples);
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        PyBytes::new(py, &bytes)
    }

    /// Samples lost because nobody read.
    #[getter]
    fn dropped(&self) -> u64 {
        self.reader().dropped()
    }
}
