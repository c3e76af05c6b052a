//! Sounds on their way in.

use pyo3::{exceptions::PyValueError, prelude::*, types::PyBytes};
use sems_engine::media::{
    player,
    prompt::{self, PromptHandle},
};

use crate::errors::to_python;

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

    /// The sound at 8 kHz; nothing of a long one, which is read while it sounds.
    #[getter]
    fn pcm<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let samples = self.0.samples().iter();
        let bytes: Vec<u8> = samples.flat_map(|sample| sample.to_le_bytes()).collect();
        PyBytes::new(py, &bytes)
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

/// How far a playback has come.
#[pyclass(frozen, module = "sems._core")]
pub struct Progress(pub player::Progress);

#[pymethods]
impl Progress {
    /// Seconds since the beginning of the list, in the turn that it is in.
    #[getter]
    fn position(&self) -> f64 {
        self.0.position().as_secs_f64()
    }
}
