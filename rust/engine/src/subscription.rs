//! Subscriptions (RFC 6665) and what comes of a REFER (RFC 3515), as they cross to Python.

use std::net::SocketAddr;

use sems_sip::auth::Keyring;

use crate::{
    command::HeaderList,
    destination::Destination,
    ids::{CallId, RequestId, SubscriptionId, TransactionId},
    request::Content,
};

impl SubscriptionId {
    /// The subscription that a command of ours makes: SUBSCRIBE or REFER.
    pub const fn ours(request: RequestId) -> Self {
        Self(request.0 << 1)
    }

    /// The subscription that a request of a peer's makes.
    pub const fn theirs(transaction: TransactionId) -> Self {
        Self(transaction.0 << 1 | 1)
    }
}

/// A SUBSCRIBE to be sent.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Request-URI, also the To address.
    pub uri: String,
    /// From display name, empty for none.
    pub from_name: String,
    /// From URI; empty: `sip:sems@<our address>`.
    pub from_uri: String,
    /// Where it is sent, the best first. Names are resolved by the caller.
    pub destinations: Vec<Destination>,
    /// URIs of proxies on the way, the next first.
    pub route: Vec<String>,
    /// The event package.
    pub package: String,
    /// For how many seconds at a time; 0: for a single look.
    pub expires: u32,
    /// What challenges are answered with.
    pub credentials: Keyring,
    /// Further header fields, such as Accept.
    pub headers: HeaderList,
}

/// Whom a REFER tells its peer to call.
#[derive(Clone, Debug)]
pub enum ReferTo {
    /// An address.
    Uri(String),
    /// The peer of another call, in our place (RFC 3891).
    Call(CallId),
}

/// A REFER to be sent in a call's dialog.
#[derive(Clone, Debug)]
pub struct Refer {
    /// An answered call.
    pub call: CallId,
    /// Whom its peer is to call.
    pub to: ReferTo,
    /// The peer need not tell what came of it (RFC 4488).
    pub silent: bool,
    /// Further header fields, such as Referred-By (RFC 3892).
    pub headers: HeaderList,
}

/// How a subscription of a peer's stands from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is decided upon later.
    Pending,
    /// It is granted.
    Active,
    /// It is over.
    Terminated {
        /// Why, as in RFC 6665 §4.1.3.
        reason: String,
        /// Seconds after which it may be tried again.
        retry_after: Option<u32>,
    },
}

/// What a subscriber is told.
#[derive(Clone, Debug)]
pub struct Notification {
    /// How its subscription stands.
    pub state: State,
    /// Further header fields.
    pub headers: HeaderList,
    /// The body.
    pub content: Option<Content>,
    /// The body has its own number in a series, so it is neither left out nor repeated: this fails
    /// while the NOTIFY before has no answer, and
    /// [`Event::Refreshed`](crate::event::Event::Refreshed) asks for another.
    pub numbered: bool,
}

/// Somebody subscribes.
#[derive(Clone, Debug)]
pub struct Subscribed {
    /// The subscription, which is granted for the time being.
    pub subscription: SubscriptionId,
    /// The call in whose dialog it is.
    pub call: Option<CallId>,
    /// The event package.
    pub package: String,
    /// Request-URI.
    pub uri: String,
    /// All header fields.
    pub headers: HeaderList,
    /// The body.
    pub body: Vec<u8>,
    /// For how many seconds; 0: for a single look.
    pub expires: u32,
    /// Where it came from.
    pub source: SocketAddr,
    /// The address and port at which it arrived.
    pub local: SocketAddr,
    /// The source is one of the configured trusted networks.
    pub trusted: bool,
    /// Who has shown to be its sender, if that was asked for.
    pub user: Option<String>,
}
