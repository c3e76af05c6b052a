//! Codecs that other packages bring.

use std::ptr::NonNull;

use pyo3::{exceptions::PyValueError, prelude::*, types::PyCapsule};
use sems_engine::native_codec::{self, Table};

/// What a capsule that holds a codec is called.
const CAPSULE: &std::ffi::CStr = c"sems.codec.v1";

/// Takes in a codec; returns its name.
#[pyfunction]
pub fn register_codec(codec: &Bound<'_, PyCapsule>) -> PyResult<&'static str> {
    let table: NonNull<Table> = codec.pointer_checked(Some(CAPSULE))?.cast();
    // SAFETY: who gives a capsule this name says that it points to such a table, which stays.
    let registered = unsafe { native_codec::register(table.as_ref()) };
    registered
        .map(|codec| codec.name)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}
