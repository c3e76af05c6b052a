//! What can go wrong when an engine starts or is asked for something.

use std::{io, net::SocketAddr};

use sems_sip::StatusCode;

/// Why the engine could not do it. What happens later to a call is told as
/// [`Event::Ended`](crate::event::Event::Ended) or in
/// [`Event::Done`](crate::event::Event::Done), in the same plain words.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A SIP socket could not be opened.
    #[error("cannot listen on {transport} {address}: {}", reason(.source))]
    Listen {
        /// `udp`, `tcp`, `tls`.
        transport: &'static str,
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or what is needed to check others' can't be had.
    #[error("tls: {0}")]
    Tls(String),
    /// A thread, an eventfd or the like could not be made.
    #[error("cannot start {what}: {}", reason(.source))]
    Start {
        /// What it was.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration or an argument makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The engine has been closed.
    #[error("the engine is closed")]
    Closed,
    /// The call ended before it could be done.
    #[error("the call is over: {0}")]
    Over(String),
    /// There is no call of that id, or not any more.
    #[error("there is no such call")]
    NoCall,
    /// The call is not in a state in which this can be done.
    #[error("{0}")]
    State(&'static str),
    /// The peer said no.
    #[error("the peer refused: {0} {1}")]
    Refused(StatusCode, String),
    /// No RTP port could be opened.
    #[error("no RTP port: {}", reason(.0))]
    NoPort(io::Error),
    /// A media thread takes no more work.
    #[error("the media threads are overrun")]
    Overrun,
    /// A session description can't be read or not be agreed on.
    #[error("{0}")]
    Description(#[from] sems_sdp::Error),
    /// What SIP does not allow.
    #[error("{0}")]
    Sip(#[from] sems_sip::Error),
    /// Time is stepped by hand on a memory network only.
    #[error("only an engine on a memory network can be stepped")]
    NotVirtual,
}

impl EngineError {
    /// The response that tells a caller why its call can't be taken.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Description(sems_sdp::Error::Syntax { .. }) => StatusCode::BAD_REQUEST,
            Self::Description(sems_sdp::Error::NotAcceptable(_)) => StatusCode::NOT_ACCEPTABLE_HERE,
            Self::Description(_) => StatusCode::REQUEST_PENDING,
            Self::Sip(error) => error.status(),
            Self::NoPort(_) | Self::Overrun => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::SERVER_INTERNAL_ERROR,
        }
    }
}

/// The system's words without the number that Rust appends, in small letters as part of a sentence.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}
