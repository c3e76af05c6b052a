//! Verbs for addresses of ours at others' registrars.

use pyo3::prelude::*;
use sems_engine::{account::Account, command::SignalingCommand};

use crate::{
    auth::{Credential, keyring},
    convert,
    engine::Engine,
};

#[pymethods]
impl Engine {
    /// Registers an address and keeps it registered; Event.Account tells how it stands.
    #[pyo3(signature = (
        account,
        uri,
        registrar,
        destinations,
        *,
        route = Vec::new(),
        expires = 600,
        credentials = Vec::new(),
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn register(
        &self,
        account: u64,
        uri: String,
        registrar: String,
        destinations: Vec<String>,
        route: Vec<String>,
        expires: u32,
        credentials: Vec<Credential>,
    ) -> PyResult<u64> {
        self.signaling(SignalingCommand::Register(Box::new(Account {
            id: account,
            uri,
            registrar,
            destinations: convert::destinations(&destinations)?,
            route,
            expires,
            credentials: keyring(credentials),
        })))
    }

    /// Another way to the registrar, taken at once if it can't be reached now.
    fn reroute(&self, account: u64, destinations: Vec<String>) -> PyResult<u64> {
        self.signaling(SignalingCommand::Reroute {
            account,
            destinations: convert::destinations(&destinations)?,
        })
    }

    /// Takes a registration back.
    fn unregister(&self, account: u64) -> PyResult<u64> {
        self.signaling(SignalingCommand::Unregister { account })
    }
}
