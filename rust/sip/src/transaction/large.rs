//! Requests too large for a datagram go over TCP instead, and over UDP after all where there is no
//! TCP (RFC 3261 §18.1.1).

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::listener::{advertised, local_for};
use super::{Flow, Listener, Transport};
use crate::Request;

/// The longest request in bytes that goes over UDP when the path's MTU isn't known.
const LARGEST: usize = 1300;
/// How long it is remembered that somebody takes no connections.
const MEMORY: Duration = Duration::from_secs(600);
/// Of how many it is remembered.
const MOST: usize = 1024;

/// Those who take no connections, so that not every large request has to wait for that.
#[derive(Debug, Default)]
pub(crate) struct WithoutTcp {
    known: HashSet<SocketAddr>,
    order: VecDeque<(Instant, SocketAddr)>,
}

impl WithoutTcp {
    pub(super) fn note(&mut self, now: Instant, remote: SocketAddr) {
        if self.known.insert(remote) {
            self.order.push_back((now + MEMORY, remote));
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Instant) {
        while let Some((until, oldest)) = self.order.front().copied()
            && (until <= now || self.order.len() > MOST)
        {
            self.order.pop_front();
            self.known.remove(&oldest);
        }
    }

    fn includes(&mut self, now: Instant, remote: SocketAddr) -> bool {
        self.forget(now);
        self.known.contains(&remote)
    }
}

/// What is done if the connection for a request can't be had.
#[derive(Debug)]
pub(super) struct Fallback {
    pub(super) flow: Flow,
    pub(super) request: Box<Request>,
}

/// A request that was to go over UDP and goes over TCP, since it is large and we have TCP.
pub(super) fn over_tcp(
    now: Instant,
    listeners: &[Listener],
    without_tcp: &mut WithoutTcp,
    request: &mut Request,
    payload: &Bytes,
    flow: Flow,
) -> Option<(Flow, Fallback)> {
    if flow.transport != Transport::Udp
        || payload.len() <= LARGEST
        || without_tcp.includes(now, flow.remote)
    {
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
