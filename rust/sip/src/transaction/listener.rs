//! Where we can be reached: which of our addresses goes with which transport.

use std::net::{IpAddr, SocketAddr};

use super::{Flow, Transport};
use crate::Host;

/// One of the addresses that requests can be sent to us at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What carries the requests.
    pub transport: Transport,
    /// Where we listen; an unspecified address stands for all of that family.
    pub bound: SocketAddr,
    /// What peers are told instead, where they reach us by another address.
    pub advertised: Option<(Host, u16)>,
}

impl Listener {
    /// Whether messages leave here that say they come from `local` over `transport`.
    fn serves(&self, transport: Transport, local: SocketAddr) -> bool {
        let ip = self.bound.ip();
        self.transport == transport
            && self.bound.port() == local.port()
            && (ip == local.ip() || (ip.is_unspecified() && ip.is_ipv4() == local.is_ipv4()))
    }
}

/// What a flow's neighbour is told of our address, if it isn't that of the flow.
pub(crate) fn advertised(listeners: &[Listener], flow: Flow) -> Option<&(Host, u16)> {
    listeners
        .iter()
        .find(|listener| listener.serves(flow.transport, flow.local))
        .and_then(|listener| listener.advertised.as_ref())
}

/// Whether a flow leads back to us: to where we listen, or to where peers are told that we do.
pub(crate) fn is_ours(listeners: &[Listener], flow: Flow) -> bool {
    let listens = |listener: &Listener| {
        // A wildcard listens at the address that the flow starts from; the others aren't known.
        let is_here =
            listener.bound.ip() == flow.remote.ip() || flow.local.ip() == flow.remote.ip();
        is_here && listener.serves(flow.transport, flow.remote)
    };
    let is_told = |listener: &Listener| {
        let told = listener.advertised.as_ref();
        listener.transport == flow.transport
            && told.is_some_and(|(host, port)| {
                host.ip() == Some(flow.remote.ip()) && *port == flow.remote.port()
            })
    };
    flow.local == flow.remote
        || listeners
            .iter()
            .any(|listener| listens(listener) || is_told(listener))
}

/// The address of ours that goes with a transport, for a neighbour who knows us by this other one.
pub(crate) fn local_for(
    listeners: &[Listener],
    transport: Transport,
    known: IpAddr,
) -> Option<SocketAddr> {
    let fitting = |listener: &&Listener| {
        let ip = listener.bound.ip();
        listener.transport == transport
            && (ip == known || (ip.is_unspecified() && ip.is_ipv4() == known.is_ipv4()))
    };
    let listener = listeners.iter().find(fitting)?;
    Some(SocketAddr::new(known, listener.bound.port()))
}
