//! The one place where the engine's errors become Python's.

use pyo3::{
    PyErr,
    exceptions::{PyOSError, PyRuntimeError, PyValueError},
};
use sems_engine::error::EngineError;

/// An engine error as the exception that `_core.pyi` promises.
pub fn to_python(error: EngineError) -> PyErr {
    let text = error.to_string();
    match error {
        EngineError::Listen { .. } | EngineError::Start { .. } => PyOSError::new_err(text),
        EngineError::Invalid(_) | EngineError::Tls(_) => PyValueError::new_err(text),
        EngineError::Closed
        | EngineError::NotVirtual
        | EngineError::Over(_)
        | EngineError::NoCall
        | EngineError::State(_)
        | EngineError::Refused(..)
        | EngineError::NoPort(_)
        | EngineError::Overrun
        | EngineError::Description(_)
        | EngineError::Sip(_) => PyRuntimeError::new_err(text),
    }
}
