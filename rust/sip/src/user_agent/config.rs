//! How a user agent is set up.

use std::time::Duration;

use crate::auth::AuthConfig;
use crate::header::Allow;
use crate::transaction::{Listener, TimerValues};
use crate::{Host, Method, Text, Token};

/// Reliable provisional responses (RFC 3262), session timers (RFC 4028), and being told of branches
/// that have ended (RFC 6228).
const OWN_EXTENSIONS: [&str; 3] = ["100rel", "timer", "199"];

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
    /// Option tags of the extensions that the layer above supports, beside `100rel`, `timer` and
    /// `199`, which are supported here.
    pub supported: Vec<Token>,
    /// Event packages that the layer above notifies of (RFC 6665). SUBSCRIBE must be among
    /// [`UserAgentConfig::methods`] too, and NOTIFY where we subscribe or refer.
    pub event_packages: Vec<Text>,
    /// The most subscriptions at a time, ours and those of others; more get 503.
    pub max_subscriptions: usize,
    /// The most subscriptions from one address.
    pub max_subscriptions_of_a_source: usize,
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
    /// The interval in seconds at which calls are to be refreshed (RFC 4028), by us where the peer
    /// can't; 0: none of ours. What a peer asks for is done in any case.
    pub session_expires: u32,
    /// The shortest interval that we put up with, in seconds, at least 90.
    pub min_se: u32,
    /// Who has to say who it is; `None`: nobody.
    pub auth: Option<AuthConfig>,
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
            event_packages: Vec::new(),
            max_subscriptions: 10_000,
            max_subscriptions_of_a_source: 1_000,
            info_packages: Vec::new(),
            accept: vec![Text::from_static("application/sdp")],
            max_sessions: 20_000,
            max_transactions: 100_000,
            retry_after: 5,
            unanswered: Duration::from_secs(300),
            session_expires: 1800,
            min_se: 90,
            auth: None,
        }
    }
}

impl UserAgentConfig {
    /// Whether an extension is supported.
    pub(super) fn supports(&self, tag: &str) -> bool {
        OWN_EXTENSIONS
            .iter()
            .any(|own| own.eq_ignore_ascii_case(tag))
            || self
                .supported
                .iter()
                .any(|supported| supported.as_str().eq_ignore_ascii_case(tag))
    }

    /// What Supported says: in an INVITE that opens a session, or elsewhere, where there are no
    /// reliable provisional responses.
    pub(super) fn extensions(&self, opening: bool) -> Text {
        let own = OWN_EXTENSIONS
            .iter()
            .copied()
            .filter(|tag| opening || *tag == "timer");
        let all: Vec<_> = own
            .chain(self.supported.iter().map(Token::as_str))
            .collect();
        all.join(", ").into()
    }

    /// The same as it is sent.
    pub(super) fn allow(&self) -> Text {
        Allow(self.allowed().cloned().collect()).to_string().into()
    }

    /// What Allow says.
    pub(super) fn allowed(&self) -> impl Iterator<Item = &Method> {
        const OWN: &[Method] = &[
            Method::Invite,
            Method::Ack,
            Method::Cancel,
            Method::Bye,
            Method::Options,
            Method::Prack,
            Method::Update,
        ];
        OWN.iter()
            .chain(self.methods.iter().filter(|m| !OWN.contains(m)))
    }
}
