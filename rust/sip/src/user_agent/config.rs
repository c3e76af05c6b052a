//! How a user agent is set up.

use std::time::Duration;

use crate::transaction::{Listener, TimerValues};
use crate::{Host, Method, Text, Token};

/// How a user agent is set up. The default is a user agent that takes calls and OPTIONS.
#[derive(Clone, Debug)]
pub struct UserAgentConfig {
    /// T1, T2 and T4.
    pub timers: TimerValues,
    /// The host to name in Contact and Via instead of the address of the flow: for a machine that
    /// is reached by another address than it has.
    pub advertised_host: Option<Host>,
    /// The port beside [`UserAgentConfig::advertised_host`], if it isn't that of the flow.
    pub advertised_port: Option<u16>,
    /// Where we are reached, so that a request can take another transport than the one that a
    /// dialog came over: for its size (RFC 3261 §18.1.1), or because a Contact wants it. With none,
    /// all goes as it came.
    pub listeners: Vec<Listener>,
    /// The name of the software for Server and User-Agent; empty for none.
    pub product: Text,
    /// Methods that the layer above takes ([`Event::Request`](super::Event::Request)) beyond
    /// those of calls and OPTIONS. Others get 405 or 501.
    pub methods: Vec<Method>,
    /// Option tags of the extensions that the layer above supports.
    pub supported: Vec<Token>,
    /// INFO packages that the layer above takes, for Recv-Info (RFC 6086 §5.2.1).
    pub info_packages: Vec<Token>,
    /// Media types that an INVITE may carry, for Accept.
    pub accept: Vec<Text>,
    /// The most sessions at a time; INVITEs beyond get 503.
    pub max_sessions: usize,
    /// The most transactions at a time on either side; requests beyond get 503.
    pub max_transactions: usize,
    /// Retry-After of these 503, in seconds.
    pub retry_after: u32,
    /// How long an INVITE may go without a final response, in either direction: beyond, the peer's
    /// gets 480, and ours is cancelled.
    pub unanswered: Duration,
}

impl Default for UserAgentConfig {
    fn default() -> Self {
        Self {
            timers: TimerValues::default(),
            advertised_host: None,
            advertised_port: None,
            listeners: Vec::new(),
            product: Text::new(),
            methods: Vec::new(),
            supported: Vec::new(),
            info_packages: Vec::new(),
            accept: vec![Text::from_static("application/sdp")],
            max_sessions: 20_000,
            max_transactions: 100_000,
            retry_after: 5,
            unanswered: Duration::from_secs(300),
        }
    }
}

impl UserAgentConfig {
    /// What Allow says.
    pub(super) fn allowed(&self) -> impl Iterator<Item = &Method> {
        const OWN: &[Method] = &[
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Options,
        ];
        OWN.iter()
            .chain(self.methods.iter().filter(|m| !OWN.contains(m)))
    }
}
