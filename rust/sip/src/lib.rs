//! SIP (RFC 3261 and its family) without sockets, threads or clocks.
//!
//! Bytes and instants go in, bytes and decisions come out; whoever owns the sockets drives the
//! rest. The crate is built in layers, and each can be used alone:
//!
//! - **message**: [`Message`] is parsed from a datagram and printed to one. Parsing finds the
//!   header rows and checks the few that every element must read (§8.1.1); any other header is
//!   parsed when it is asked for: `request.headers.get_typed::<Contact>()`. Texts are slices of
//!   the datagram, so reading a message copies nothing.
//! - [`header`]: one header a file; a new one is a new file and a row in the table of names.
//! - [`Uri`]: SIP and SIPS URIs with their escapes and their comparison; other schemes are kept
//!   as they are.
//! - [`transaction`]: the four machines of §17 with their timers, and dialogs (§12) beside them,
//!   neither of them public beyond what the user agent shows.
//! - [`user_agent`]: calls in both directions behind one door, [`UserAgent`].
//!
//! ```
//! use sems_sip::{Message, Response, StatusCode, header::From};
//!
//! let datagram = "OPTIONS sip:sems.example SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP phone.example;branch=z9hG4bK776\r\n\
//!     From: \"Ann\" <sip:ann@phone.example>;tag=1\r\n\
//!     To: <sip:sems.example>\r\n\
//!     Call-ID: a84b4c76\r\n\
//!     CSeq: 7 OPTIONS\r\n\r\n";
//! let Ok(Message::Request(request)) = Message::parse(&datagram.into()) else { panic!() };
//! let from = request.headers.require::<From>()?;
//! assert_eq!(from.display_name().as_deref(), Some("Ann"));
//!
//! let ok = Response::to_request(&request, StatusCode::OK);
//! assert!(ok.to_bytes().starts_with(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP phone.example"));
//! # Ok::<(), sems_sip::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod auth;
pub mod body;
mod check;
mod dialog;
pub mod dtmf;
pub mod error;
mod grammar;
pub mod header;
pub mod headers;
pub mod message;
pub mod method;
mod parse;
pub mod registration;
pub mod status;
pub mod stream;
pub mod transaction;
pub mod uri;
pub mod user_agent;

pub use bytes::Bytes;
/// UTF-8 text that is a slice of shared bytes: cloning it or cutting a piece out copies nothing.
pub use bytestring::ByteString as Text;

pub use error::{Error, ParseError};
pub use grammar::Token;
pub use header::HeaderName;
pub use headers::Headers;
pub use message::{Message, Request, Response};
pub use method::Method;
pub use status::StatusCode;
pub use transaction::Flow;
pub use uri::{Host, SipUri, TelUri, Uri};
pub use user_agent::UserAgent;
