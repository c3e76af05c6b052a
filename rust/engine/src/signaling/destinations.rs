//! The ways that a call may take to its next hop, and where a redirect points.

use std::{net::IpAddr, sync::Arc, time::Instant};

use sems_sdp::Capabilities;
use sems_sip::{Flow, Response, Uri, header::Contact, user_agent::Content};

use super::Signaling;
use crate::{call::Call, destination::Destination, error::EngineError};

/// Servers that one call tries, and addresses of one redirect that are told.
const MOST: usize = 16;
/// Addresses of ours from which one call can leave, beside the first: each takes a port until the
/// call is answered.
const MOST_ELSEWHERE: usize = 2;

impl Signaling {
    /// The ways to the destinations, in their order: the first, and those to turn to when it
    /// fails. One to which there is no way is left out.
    pub(super) fn ways_to(
        &mut self,
        destinations: &[Destination],
    ) -> Result<(Flow, Vec<Flow>), EngineError> {
        let mut ways = Vec::new();
        let mut failure = EngineError::State("there is no destination");
        for destination in destinations.iter().take(MOST) {
            match self.flow_to(destination) {
                Ok(flow) => ways.push(flow),
                Err(error) if ways.is_empty() => failure = error,
                Err(_) => {}
            }
        }
        let mut ways = ways.into_iter();
        let first = ways.next().ok_or(failure)?;
        Ok((first, ways.collect()))
    }

    /// What a call offers where its INVITE leaves from other addresses of ours than the first: by
    /// IPv4 when a server is not reached by IPv6. Ways for which there is no port are left out.
    pub(super) fn offers_elsewhere(
        &mut self,
        now: Instant,
        call: &mut Call,
        capabilities: &Arc<Capabilities>,
        ways: &mut Vec<Flow>,
    ) -> Vec<(IpAddr, Content)> {
        let here = call.flow.local.ip();
        let mut offers: Vec<(IpAddr, Content)> = Vec::new();
        ways.retain(|way| {
            let ip = way.local.ip();
            if ip == here || offers.iter().any(|(known, _)| *known == ip) {
                return true;
            }
            if offers.len() == MOST_ELSEWHERE {
                return false;
            }
            let exchange = Call::exchange(capabilities, &mut self.legs);
            match call.make_offer_elsewhere(&mut self.legs, ip, exchange, now) {
                Ok(offer) => offers.push((ip, Content::sdp(offer))),
                Err(error) => {
                    tracing::debug!(%error, call = %call.id, %ip, "no offer from there");
                    return false;
                }
            }
            true
        });
        offers
    }
}

/// The route that a request starts with.
pub(super) fn route_of(route: Vec<String>) -> Result<Vec<Uri>, EngineError> {
    let uris = route.into_iter().map(|uri| Ok(Uri::parse(&uri.into())?));
    uris.collect()
}

/// The addresses that a redirect names (RFC 3261 §8.1.3.4), the preferred first; none for any
/// other response.
pub(super) fn redirect_targets(response: &Response) -> Vec<String> {
    if !response.status.is_redirection() {
        return Vec::new();
    }
    let contacts = response.headers.get_all_typed::<Contact>();
    let mut targets: Vec<(u16, String)> = contacts
        .filter_map(Result::ok)
        .take(MOST)
        .filter_map(|contact| {
            let uri = contact.address()?.uri.to_string();
            Some((contact.q().unwrap_or(1000), uri))
        })
        .collect();
    // Stable: equals stay in the order of the message.
    targets.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
    targets.into_iter().map(|(_, uri)| uri).collect()
}
