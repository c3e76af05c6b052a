//! What can go wrong when an engine starts or is asked for something.

use std::{io, net::SocketAddr};

/// Why the engine could not do it. What happens later to a call is told as
/// [`Event::Ended`](crate::event::Event::Ended) or in
/// [`Event::Done`](crate::event::Event::Done), in the same plain words.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A SIP socket could not be opened.
    #[error("cannot listen on {transport} {address}: {}", reason(.source))]
    Listen {
        /// `udp`.
        transport: &'static str,
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
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
    /// Time is stepped by hand on a memory network only.
    #[error("only an engine on a memory network can be stepped")]
    NotVirtual,
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
