//! Requests beside those that make calls (INFO, MESSAGE and the like), as they cross to Python.

use std::net::SocketAddr;

use sems_sip::{auth::Keyring, transaction::Transport};

use crate::{
    command::HeaderList,
    destination::Destination,
    ids::{CallId, TransactionId},
};

/// A body and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The media type for Content-Type.
    pub kind: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A request to be sent: any method but INVITE, ACK, CANCEL, BYE, PRACK and UPDATE.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// What is asked.
    pub method: String,
    /// Of whom.
    pub recipient: Recipient,
    /// Further header fields.
    pub headers: HeaderList,
    /// The body.
    pub content: Option<Content>,
}

/// Who gets a request.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The peer of a call, within its dialog.
    Call(CallId),
    /// Somebody else, outside any dialog.
    Other {
        /// Request-URI, also the To address.
        uri: String,
        /// From display name, empty for none.
        from_name: String,
        /// From URI; empty: `sip:sems@<our address>`.
        from_uri: String,
        /// Where it is sent, the best first. Names are resolved by the caller.
        destinations: Vec<Destination>,
        /// URIs of a Route to start with (RFC 3261 §8.1.2).
        route: Vec<String>,
        /// What challenges are answered with.
        credentials: Keyring,
    },
}

/// A final response, in either direction.
#[derive(Clone, Debug)]
pub struct FinalResponse {
    /// 200–699.
    pub code: u16,
    /// Reason phrase; `None` in one of ours: the standard one.
    pub reason: Option<String>,
    /// Header fields: of one of ours, those beyond what SIP itself needs.
    pub headers: HeaderList,
    /// The body.
    pub content: Option<Content>,
}

/// A request of a peer's that wants an answer.
#[derive(Clone, Debug)]
pub struct IncomingRequest {
    /// For the answer.
    pub transaction: TransactionId,
    /// The call in whose dialog it came.
    pub call: Option<CallId>,
    /// What is asked.
    pub method: String,
    /// Request-URI.
    pub uri: String,
    /// All header fields.
    pub headers: HeaderList,
    /// The body.
    pub body: Vec<u8>,
    /// Where it came from.
    pub source: SocketAddr,
    /// The address and port at which it arrived; never unspecified.
    pub local: SocketAddr,
    /// The source is one of the configured trusted networks.
    pub trusted: bool,
    /// It has been answered: this is to know only.
    pub answered: bool,
    /// The user that its sender has shown to be, if it was asked to.
    pub user: Option<String>,
    /// What it came over.
    pub transport: Transport,
}
