//! What can be wrong with a message, and how its sender is told.

use thiserror::Error;

use crate::{HeaderName, Method, Request, Response, StatusCode};

/// What is wrong with a message, a header or a URI.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing but line ends: a keep-alive, which needs no answer.
    #[error("empty")]
    Empty,
    /// More than [`Message::MAX_LEN`](crate::Message::MAX_LEN) bytes.
    #[error("message too large")]
    TooLarge,
    /// More than [`Message::MAX_HEADERS`](crate::Message::MAX_HEADERS) header rows.
    #[error("too many headers")]
    TooManyHeaders,
    /// The first line is neither a request line nor a status line.
    #[error("malformed start line")]
    StartLine,
    /// A version other than SIP/2.0.
    #[error("version not supported")]
    Version,
    /// A URI that breaks the grammar.
    #[error("malformed URI: {0}")]
    Uri(&'static str),
    /// A header row without a name.
    #[error("malformed header line")]
    HeaderLine,
    /// The headers don't end in an empty line.
    #[error("no empty line after the headers")]
    NoEmptyLine,
    /// A header's value breaks the grammar or is out of range.
    #[error("malformed {0}")]
    Malformed(HeaderName),
    /// A header that has to be there isn't.
    #[error("missing {0}")]
    Missing(HeaderName),
    /// A header that may stand once is there more often.
    #[error("repeated {0}")]
    Repeated(HeaderName),
    /// A header stands where it means nothing, or beside one that contradicts it.
    #[error("{0} has no place here")]
    Misplaced(HeaderName),
    /// An address at which SIP requests can't reach its sender.
    #[error("no SIP URI in {0}")]
    NoSipUri(HeaderName),
    /// More Record-Route values than a dialog keeps.
    #[error("more than 32 Record-Route values")]
    TooManyRoutes,
    /// CSeq names another method than the request line.
    #[error("CSeq method does not match")]
    CSeqMethod,
    /// Content-Length promises more than the datagram holds.
    #[error("body shorter than Content-Length")]
    BodyTooShort,
    /// The session is over, or the request was answered.
    #[error("no such session or request")]
    Gone,
    /// The session's state doesn't allow what was asked for.
    #[error("not possible in this state of the session")]
    State,
    /// Another INVITE of the session, or the wait after a 491, has to end first.
    #[error("another request is pending")]
    Pending,
    /// The peer doesn't support the extension that is needed.
    #[error("the peer does not support that")]
    Unsupported,
    /// The status is not of the class that is wanted here.
    #[error("status {0} is not of the class that is wanted here")]
    Status(StatusCode),
    /// This method has a verb of its own.
    #[error("{0} has a verb of its own")]
    Method(Method),
    /// A configured limit is reached.
    #[error("limit reached")]
    Limit,
}

impl Error {
    /// The status that tells a request's sender of this error.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Self::TooLarge => StatusCode::MESSAGE_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a datagram is no message, and what is needed to answer it.
#[derive(Clone, Debug, Error)]
#[error("{error}")]
pub struct ParseError {
    /// The first thing found wrong.
    pub error: Error,
    /// The request as far as it could be read, when that is enough to answer it: it isn't an ACK
    /// and its topmost Via can be read. Anything else about it may be missing or malformed.
    pub request: Option<Box<Request>>,
}

impl ParseError {
    /// The answer to send (to the topmost Via), or `None` when the datagram is to be dropped.
    /// Its reason phrase tells what is wrong.
    pub fn response(&self) -> Option<Response> {
        let request = self.request.as_deref()?;
        debug_assert_ne!(request.method, Method::Ack);
        let status = match (&self.error, &request.method) {
            // Whatever an unknown method makes of CSeq, it isn't known (RFC 4475 §3.1.2.18).
            (Error::CSeqMethod, Method::Other(_)) => StatusCode::NOT_IMPLEMENTED,
            (error, _) => error.status(),
        };
        let mut response = Response::to_request(request, status);
        if status == StatusCode::BAD_REQUEST {
            response.reason = format!("{} ({})", status.reason(), self.error).into();
        }
        Some(response)
    }
}

impl From<Error> for ParseError {
    fn from(error: Error) -> Self {
        Self {
            error,
            request: None,
        }
    }
}
