//! Verbs for requests beside those that make calls.

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::{
    command::{DigitWay, HeaderList, SignalingCommand},
    ids::{CallId, TransactionId},
    request::{Content, FinalResponse, OutgoingRequest, Recipient},
};

use crate::{
    auth::{Credential, keyring},
    convert,
    engine::Engine,
};

#[pymethods]
impl Engine {
    /// Sends a request, to exactly one of call and uri; ends in Event.Response or in Event.Done with
    /// an error.
    #[pyo3(signature = (
        method,
        *,
        call = None,
        uri = None,
        destinations = None,
        route = Vec::new(),
        from_name = "",
        from_uri = "",
        headers = HeaderList::new(),
        body = None,
        content_type = "",
        credentials = Vec::new(),
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn request(
        &self,
        method: String,
        call: Option<u64>,
        uri: Option<String>,
        destinations: Option<Vec<String>>,
        route: Vec<String>,
        from_name: &str,
        from_uri: &str,
        headers: HeaderList,
        body: Option<Vec<u8>>,
        content_type: &str,
        credentials: Vec<Credential>,
    ) -> PyResult<u64> {
        let recipient = match (call, uri, destinations) {
            (Some(call), None, None) => Recipient::Call(CallId(call)),
            (None, Some(uri), Some(destinations)) => Recipient::Other {
                uri,
                from_name: from_name.to_owned(),
                from_uri: from_uri.to_owned(),
                destinations: convert::destinations(&destinations)?,
                route,
                credentials: keyring(credentials),
            },
            _ => {
                return Err(PyValueError::new_err(
                    "either call or uri and destinations are to be given",
                ));
            }
        };
        self.signaling(SignalingCommand::Request(Box::new(OutgoingRequest {
            method,
            recipient,
            headers,
            content: content(body, content_type)?,
        })))
    }

    #[pyo3(signature = (call, digits, way = "agreed"))]
    fn send_digits(&self, call: u64, digits: String, way: &str) -> PyResult<u64> {
        let is_digit = |digit| matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D');
        if let Some(other) = digits.chars().find(|&digit| !is_digit(digit)) {
            return Err(PyValueError::new_err(format!(
                "digits: {other:?} is not a key"
            )));
        }
        let way = match way {
            "agreed" => DigitWay::Agreed,
            "rtp" => DigitWay::Rtp,
            "info" => DigitWay::Info,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "way: {way:?} is none of agreed, rtp and info"
                )));
            }
        };
        self.signaling(SignalingCommand::SendDigits {
            call: CallId(call),
            digits,
            way,
        })
    }

    /// Answers an Event.Request.
    #[pyo3(signature = (
        transaction,
        code,
        reason = None,
        *,
        headers = HeaderList::new(),
        body = None,
        content_type = "",
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn respond(
        &self,
        transaction: u64,
        code: u16,
        reason: Option<String>,
        headers: HeaderList,
        body: Option<Vec<u8>>,
        content_type: &str,
    ) -> PyResult<u64> {
        if !(200..=699).contains(&code) {
            return Err(PyValueError::new_err(format!(
                "code: {code} is not a final response"
            )));
        }
        self.signaling(SignalingCommand::Respond {
            transaction: TransactionId(transaction),
            response: Box::new(FinalResponse {
                code,
                reason,
                headers,
                content: content(body, content_type)?,
            }),
        })
    }
}

/// A body needs to say what it is.
pub fn content(body: Option<Vec<u8>>, kind: &str) -> PyResult<Option<Content>> {
    match body {
        None => Ok(None),
        Some(_) if kind.is_empty() => Err(PyValueError::new_err(
            "content_type: a body needs one, such as text/plain",
        )),
        Some(body) => Ok(Some(Content {
            kind: kind.to_owned(),
            body,
        })),
    }
}
