//! Requests too large for a datagram go over TCP instead, and over UDP after all where there is no
//! TCP (RFC 3261 §18.1.1).

use std::net::IpAddr;

use bytes::Bytes;

use super::listener::{advertised, local_for};
use super::{Flow, Listener, Transport};
use crate::Request;

/// The longest request in bytes that goes over UDP when the path's MTU isn't known.
const LARGEST: usize = 1300;

/// What is done if the connection for a request can't be had.
#[derive(Debug)]
pub(super) struct Fallback {
    pub(super) flow: Flow,
    pub(super) request: Box<Request>,
}

/// A request that was to go over UDP and goes over TCP, since it is large and we have TCP.
pub(super) fn over_tcp(
    listeners: &[Listener],
    request: &mut Request,
    payload: &Bytes,
    flow: Flow,
) -> Option<(Flow, Fallback)> {
    if flow.transport != Transport::Udp || payload.len() <= LARGEST {
        return None;
    }
    let local: IpAddr = flow.local.ip();
    let over_tcp = Flow {
        transport: Transport::Tcp,
        local: local_for(listeners, Transport::Tcp, local)?,
        remote: flow.remote,
    };
    let fallback = Fallback {
        flow,
        request: Box::new(request.clone()),
    };
    let mut via = request.headers.top_via().ok()?;
    via.transport = Transport::Tcp.in_via();
    match advertised(listeners, over_tcp) {
        Some((host, port)) => (via.host, via.port) = (host.clone(), Some(*port)),
        // What is advertised for all transports stays as it is.
        None if via.port == Some(flow.local.port()) => via.port = Some(over_tcp.local.port()),
        None => {}
    }
    request.headers.replace_first(&via);
    Some((over_tcp, fallback))
}
