//! Sounds that are found again in what was heard.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::media;

/// How loud a sound is in each of its bands, 100 times a second.
#[pyclass(frozen, module = "sems._core")]
pub struct Spectrogram(Mutex<media::Spectrogram>);

impl Spectrogram {
    /// Nothing can panic halfway through what is done under this lock.
    fn lock(&self) -> MutexGuard<'_, media::Spectrogram> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of the same sound there is one lock alone.
    fn copy(&self) -> media::Spectrogram {
        self.lock().clone()
    }
}

fn samples(pcm: &[u8]) -> PyResult<Vec<i16>> {
    if !pcm.len().is_multiple_of(2) {
        return Err(PyValueError::new_err(
            "pcm: half a sample is left over at the end",
        ));
    }
    let pairs = pcm.chunks_exact(2);
    Ok(pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect())
}

#[pymethods]
impl Spectrogram {
    /// Of 16-bit little-endian mono samples at 8 kHz; without them of what is pushed.
    #[new]
    #[pyo3(signature = (pcm = None))]
    fn new(pcm: Option<&[u8]>) -> PyResult<Self> {
        let spectrogram = match pcm {
            None => media::Spectrogram::new(),
            Some(pcm) => media::Spectrogram::of(&samples(pcm)?),
        };
        Ok(Self(Mutex::new(spectrogram)))
    }

    /// Adds what came next.
    fn push(&self, pcm: &[u8]) -> PyResult<()> {
        self.lock().push(&samples(pcm)?);
        Ok(())
    }

    fn __len__(&self) -> usize {
        self.lock().len()
    }

    /// How much the frames from `first` to `end` of another look like what is here if it begins at `at`.
    fn likeness(&self, other: &Self, at: usize, first: usize, end: usize) -> f32 {
        let other = other.copy();
        self.lock().likeness(&other, at, first..end)
    }

    /// At which frames from `first` to `last` another begins, and how much it looks like it.
    #[pyo3(signature = (other, first, last, at_least, begun = None))]
    fn find(
        &self,
        py: Python<'_>,
        other: &Self,
        first: usize,
        last: usize,
        at_least: f32,
        begun: Option<usize>,
    ) -> Vec<(usize, f32)> {
        let other = other.copy();
        let begun = begun.unwrap_or(usize::MAX);
        let found = py.detach(|| self.lock().find(&other, first..=last, at_least, begun));
        found
            .iter()
            .map(|found| (found.at, found.likeness))
            .collect()
    }
}
