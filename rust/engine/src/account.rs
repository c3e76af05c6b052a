//! Addresses of ours at others' registrars, as they cross to Python and back.

use std::time::Duration;

use sems_sip::auth::Keyring;

use crate::destination::Destination;

/// An address to be registered and kept registered.
#[derive(Clone, Debug)]
pub struct Account {
    /// Chosen by Python.
    pub id: u64,
    /// The address of record.
    pub uri: String,
    /// The registrar: the Request-URI.
    pub registrar: String,
    /// Where its requests are sent; the first that can be reached. Names are resolved by the caller.
    pub destinations: Vec<Destination>,
    /// URIs of a Route to start with.
    pub route: Vec<String>,
    /// How long it is to hold, in seconds.
    pub expires: u32,
    /// What challenges are answered with.
    pub credentials: Keyring,
}

/// How an account stands.
#[derive(Clone, Debug)]
pub struct AccountState {
    /// As in [`Account::id`].
    pub account: u64,
    /// `registered`, `failed` or `ended`.
    pub state: &'static str,
    /// What was answered, of a failure.
    pub code: Option<u16>,
    /// Reason phrase, of a failure.
    pub reason: String,
    /// Seconds for which it holds, or after a failure until it is tried again.
    pub seconds: u32,
    /// Our address as the registrar has it.
    pub contact: String,
    /// The way that requests for this account take (RFC 3608).
    pub service_route: Vec<String>,
    /// The realms in which the registrar has asked who we are.
    pub realms: Vec<String>,
}

impl AccountState {
    pub(crate) fn new(account: u64, state: &'static str) -> Self {
        Self {
            account,
            state,
            code: None,
            reason: String::new(),
            seconds: 0,
            contact: String::new(),
            service_route: Vec::new(),
            realms: Vec::new(),
        }
    }
}

/// Whole seconds, none of them short.
pub(crate) fn seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
