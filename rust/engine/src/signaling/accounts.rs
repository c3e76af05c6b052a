//! Addresses of ours at others' registrars.

use std::{collections::HashMap, time::Instant};

use sems_sip::{
    Uri,
    header::NameAddr,
    registration::{self, RegistrationId, RegistrationState},
};

use super::{Signaling, destinations::route_of};
use crate::{
    account::{Account, AccountState, seconds},
    destination::Destination,
    error::EngineError,
    event::Event,
};

/// Which registration belongs to which account.
#[derive(Default)]
pub(super) struct Accounts(HashMap<u64, RegistrationId>);

impl Signaling {
    pub(super) fn register(&mut self, now: Instant, account: Account) -> Result<(), EngineError> {
        if self.closing.is_some() {
            return Err(EngineError::Closed);
        }
        if self.accounts.0.contains_key(&account.id) {
            return Err(EngineError::State("the account is registered already"));
        }
        let (flow, _) = self.ways_to(&account.destinations)?;
        let registration = registration::Account {
            address: NameAddr::new(Uri::parse(&account.uri.into())?),
            registrar: Uri::parse(&account.registrar.into())?,
            flow,
            route: route_of(account.route)?,
            expires: account.expires,
            credentials: account.credentials,
        };
        let id = self.agent.register(now, registration)?;
        self.accounts.0.insert(account.id, id);
        Ok(())
    }

    pub(super) fn reroute(
        &mut self,
        now: Instant,
        account: u64,
        destinations: &[Destination],
    ) -> Result<(), EngineError> {
        let id = self.registration(account)?;
        let (flow, _) = self.ways_to(destinations)?;
        Ok(self.agent.reroute(now, id, flow)?)
    }

    pub(super) fn unregister(&mut self, now: Instant, account: u64) -> Result<(), EngineError> {
        let id = self.registration(account)?;
        Ok(self.agent.unregister(now, id)?)
    }

    /// Takes all back, since we leave.
    pub(super) fn unregister_all(&mut self, now: Instant) {
        for id in self.accounts.0.values().copied().collect::<Vec<_>>() {
            // One that is gone needs nothing.
            let _ = self.agent.unregister(now, id);
        }
    }

    pub(super) fn on_registration(&mut self, id: RegistrationId, state: RegistrationState) {
        let account = self.accounts.0.iter().find(|(_, known)| **known == id);
        let Some((&account, _)) = account else { return };
        let told = match state {
            RegistrationState::Registered {
                expires,
                contact,
                service_route,
                realms,
            } => AccountState {
                seconds: expires,
                contact: contact.to_string(),
                service_route: service_route.iter().map(Uri::to_string).collect(),
                realms,
                ..AccountState::new(account, "registered")
            },
            RegistrationState::Failed {
                status,
                reason,
                retry_after,
            } => AccountState {
                code: Some(status.code()),
                reason: reason.to_string(),
                seconds: seconds(retry_after),
                ..AccountState::new(account, "failed")
            },
            RegistrationState::Ended => {
                self.accounts.0.remove(&account);
                AccountState::new(account, "ended")
            }
        };
        self.events.tell(Event::Account(Box::new(told)));
    }

    fn registration(&self, account: u64) -> Result<RegistrationId, EngineError> {
        let id = self.accounts.0.get(&account).copied();
        id.ok_or(EngineError::State("there is no such account"))
    }
}
