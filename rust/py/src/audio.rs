//! Audio on its way to Python and back: blocks that are read in place, and what is written.

use std::{
    ffi::{c_int, c_void},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use pyo3::{
    buffer::PyBuffer,
    exceptions::{PyBufferError, PyValueError},
    ffi,
    prelude::*,
    types::PyBytes,
};
use sems_engine::media::{
    player,
    tap::{self, TapWriter},
};

use crate::errors::to_python;

/// Seconds of audio that a tap holds.
const TAP_SECONDS: u32 = 2;
/// The rate for which it is so long: wideband. Of 48 kHz less than a second fits, of 8 kHz more.
const TAP_RATE: u32 = 16_000;
/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

/// Nothing can panic halfway through what is done under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Audio of a call or a room as it passes.
#[pyclass(frozen, module = "sems._core")]
pub struct Tap(Mutex<tap::BlockReader>);

impl Tap {
    /// Both ends of a new tap, which is read at `rate` Hz.
    pub fn new(rate: u32) -> PyResult<(TapWriter, Self)> {
        let (writer, reader) = tap::tap(TAP_SECONDS, TAP_RATE);
        let reader = tap::BlockReader::new(reader, rate, tap::SLOT).map_err(to_python)?;
        Ok((writer, Self(Mutex::new(reader))))
    }
}

#[pymethods]
impl Tap {
    /// All that has come since the last read: 16-bit little-endian mono.
    fn read<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut samples = Vec::new();
        lock(&self.0).read(&mut samples);
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        PyBytes::new(py, &bytes)
    }

    /// Samples lost because nobody read, at the rate at which it is read.
    #[getter]
    fn dropped(&self) -> u64 {
        lock(&self.0).all_dropped()
    }

    /// Another listener to the same ring, from now on, in blocks of `samples` at `rate` Hz.
    fn blocks(&self, rate: u32, samples: usize) -> PyResult<Blocks> {
        let reader = lock(&self.0).reader();
        let blocks = tap::BlockReader::new(reader, rate, samples).map_err(to_python)?;
        Ok(Blocks {
            reader: Mutex::new(blocks),
            rate,
        })
    }
}

/// One listener's blocks.
#[pyclass(frozen, module = "sems._core")]
pub struct Blocks {
    reader: Mutex<tap::BlockReader>,
    rate: u32,
}

#[pymethods]
impl Blocks {
    /// The next block, if it has come.
    fn next(&self) -> Option<Block> {
        let block = lock(&self.reader).next_block()?;
        Some(Block {
            shape: [block.samples.len() as ffi::Py_ssize_t],
            strides: [size_of::<i16>() as ffi::Py_ssize_t],
            block,
            rate: self.rate,
        })
    }

    /// Asks to be told by Event.TapReady when the next block has come; False: it is here, or the end.
    fn wait(&self) -> bool {
        lock(&self.reader).wake_for_block()
    }

    /// Passes over all that waits.
    fn skip(&self) {
        lock(&self.reader).skip();
    }

    /// Samples lost because nobody read.
    #[getter]
    fn dropped(&self) -> u64 {
        lock(&self.reader).all_dropped()
    }

    /// Nothing will come any more, beyond what waits.
    #[getter]
    fn finished(&self) -> bool {
        lock(&self.reader).is_finished()
    }
}

/// Samples that are read in place, by the buffer protocol; they never change.
#[pyclass(frozen, module = "sems._core")]
pub struct Block {
    block: tap::Block,
    rate: u32,
    shape: [ffi::Py_ssize_t; 1],
    strides: [ffi::Py_ssize_t; 1],
}

#[pymethods]
impl Block {
    /// Samples a second.
    #[getter]
    fn rate(&self) -> u32 {
        self.rate
    }

    /// When its first sample was heard, in seconds since the engine's start.
    #[getter]
    fn time(&self) -> f64 {
        self.block.at as f64 / SECOND
    }

    /// Samples lost in it or right before it.
    #[getter]
    fn dropped(&self) -> u64 {
        self.block.dropped
    }

    fn __len__(&self) -> usize {
        self.block.samples.len()
    }

    fn __repr__(&self) -> String {
        let (samples, rate) = (self.block.samples.len(), self.rate);
        format!("Block(samples={samples}, rate={rate})")
    }

    /// # Safety
    /// Called by Python only, with a view that it may fill.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("there is no view"));
        }
        if flags & ffi::PyBUF_WRITABLE != 0 {
            return Err(PyBufferError::new_err("a block can't be written to"));
        }
        let block = slf.get();
        let samples = &block.block.samples;
        let asks = |flag| flags & flag == flag;
        let format = match asks(ffi::PyBUF_FORMAT) {
            true => c"h".as_ptr().cast_mut(),
            false => std::ptr::null_mut(),
        };
        let shape = match asks(ffi::PyBUF_ND) {
            true => block.shape.as_ptr().cast_mut(),
            false => std::ptr::null_mut(),
        };
        let strides = match asks(ffi::PyBUF_STRIDES) {
            true => block.strides.as_ptr().cast_mut(),
            false => std::ptr::null_mut(),
        };
        let filled = ffi::Py_buffer {
            buf: samples.as_ptr().cast_mut().cast::<c_void>(),
            obj: std::ptr::null_mut(),
            len: size_of_val(&**samples) as ffi::Py_ssize_t,
            itemsize: size_of::<i16>() as ffi::Py_ssize_t,
            readonly: 1,
            ndim: 1,
            format,
            shape,
            strides,
            suboffsets: std::ptr::null_mut(),
            internal: std::ptr::null_mut(),
        };
        // SAFETY: the view is there and ours to fill. All that it points to belongs to the block, which
        // is frozen and kept alive by the reference that the view gets, until it is released.
        unsafe {
            view.write(filled);
            (*view).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }
}

/// Samples of any object with a buffer: 16-bit ones, or their bytes, little-endian.
fn samples(py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Vec<i16>> {
    if let Ok(buffer) = PyBuffer::<i16>::get(data) {
        return buffer.to_vec(py);
    }
    let Ok(buffer) = PyBuffer::<u8>::get(data) else {
        return Err(PyValueError::new_err(
            "pcm: 16-bit samples are wanted, or bytes of them",
        ));
    };
    let bytes = buffer.to_vec(py)?;
    if !bytes.len().is_multiple_of(2) {
        return Err(PyValueError::new_err(
            "pcm: half a sample is left over at the end",
        ));
    }
    let pairs = bytes.chunks_exact(2);
    Ok(pairs
        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
        .collect())
}

/// The writing end of a playback that is written while it sounds.
#[pyclass(frozen, module = "sems._core")]
pub struct Feed(Mutex<Option<player::Feed>>);

impl Feed {
    pub fn new(feed: player::Feed) -> Self {
        Self(Mutex::new(Some(feed)))
    }
}

/// Times as Python gives them, in seconds.
pub fn seconds(name: &str, value: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| PyValueError::new_err(format!("{name}: {value} is not a time in seconds")))
}

#[pymethods]
impl Feed {
    /// Appends audio of `rate` Hz; False, and nothing is taken, when too much waits already or when it
    /// is closed.
    fn write(&self, py: Python<'_>, pcm: &Bound<'_, PyAny>, rate: u32) -> PyResult<bool> {
        let samples = samples(py, pcm)?;
        let mut feed = lock(&self.0);
        let Some(feed) = feed.as_mut() else {
            return Ok(false);
        };
        let written = feed.write(&samples, rate).map_err(to_python)?;
        Ok(written.is_ok())
    }

    /// Nothing follows for now what was written.
    fn flush(&self) {
        if let Some(feed) = lock(&self.0).as_mut() {
            feed.flush();
        }
    }

    /// What waits is not to sound any more.
    fn clear(&self) {
        if let Some(feed) = lock(&self.0).as_mut() {
            feed.clear();
        }
    }

    /// Nothing more will be written; what waits sounds on.
    fn close(&self) {
        if let Some(mut feed) = lock(&self.0).take() {
            feed.flush();
        }
    }

    /// Seconds that wait to sound.
    #[getter]
    fn waiting(&self) -> f64 {
        let feed = lock(&self.0);
        feed.as_ref()
            .map_or(0.0, |feed| feed.waiting().as_secs_f64())
    }

    /// Asks to be told by Event.FeedReady when no more than `seconds` wait; False: it is so already, or
    /// nobody hears it any more.
    fn wait(&self, seconds: f64) -> PyResult<bool> {
        let left = self::seconds("seconds", seconds)?;
        let feed = lock(&self.0);
        Ok(feed
            .as_ref()
            .is_some_and(|feed| !feed.is_abandoned() && feed.wake_below(left)))
    }

    /// How many times there was silence because nothing more had been written.
    #[getter]
    fn underruns(&self) -> u64 {
        lock(&self.0).as_ref().map_or(0, player::Feed::dry)
    }
}
