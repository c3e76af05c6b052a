//! Digest authentication as the engine is told of it.

pub use sems_sip::auth::{Algorithm, Asker, AuthConfig, Credential, Keyring, Secret};

use sems_sip::Method;

use crate::error::EngineError;

/// A method that may be challenged.
///
/// # Errors
/// [`EngineError::Invalid`] for what is no method, and for ACK and CANCEL, which can't be sent
/// again (RFC 3261 §22.1).
pub fn method(name: &str) -> Result<Method, EngineError> {
    match Method::parse(&name.to_owned().into()) {
        Some(Method::Ack | Method::Cancel) => {
            Err(EngineError::Invalid(format!("{name} can't be challenged")))
        }
        Some(method) => Ok(method),
        None => Err(EngineError::Invalid(format!(
            "{name:?} is no method of SIP"
        ))),
    }
}
