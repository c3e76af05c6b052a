//! Where requests within a dialog go, decided without DNS.
//!
//! RFC 3261 §12.2.1.1 and §8.1.2 send them to the topmost route or to the peer's Contact. That
//! holds here wherever an address is written there that can be reached; else they go back where
//! the dialog's first message came from: for a host name, which would have to be looked up, and
//! for the private address of a peer behind a NAT.
//!
//! A peer that came over a stream is answered over it for as long as it is open, if what is
//! written there is the same machine by the same transport: it may not take connections at all
//! (RFC 5923 shows the way to others, `written` is where to go once the stream is closed).

use std::net::{IpAddr, SocketAddr};

use crate::header::Via;
use crate::transaction::listener::{Listener, is_ours, local_for};
use crate::transaction::{Flow, Transport};
use crate::{Headers, SipUri, Uri};

/// Where requests go.
#[derive(Clone, Copy, Debug)]
pub(super) struct NextHop {
    pub(super) flow: Flow,
    /// Where they go once the stream that `flow` is has been closed.
    pub(super) written: Option<Flow>,
}

impl From<Flow> for NextHop {
    fn from(flow: Flow) -> Self {
        Self {
            flow,
            written: None,
        }
    }
}

/// The way to `uri`, given the way on which messages of this dialog came.
pub(super) fn choose(uri: &Uri, seen: Flow, listeners: &[Listener]) -> NextHop {
    let Some(written) = uri.as_sip().and_then(|uri| written(uri, seen, listeners)) else {
        return seen_or_behind(uri, seen);
    };
    let same_machine = written.transport == seen.transport
        && seen.transport.is_reliable()
        && written.remote.ip() == seen.remote.ip();
    match same_machine {
        true => NextHop {
            flow: seen,
            written: Some(written).filter(|written| *written != seen),
        },
        false => written.into(),
    }
}

/// Back where messages came from. Once that stream is closed: to the same machine at the port that
/// is written, since the name that can't be looked up here most likely is its own.
fn seen_or_behind(uri: &Uri, seen: Flow) -> NextHop {
    let written = uri
        .as_sip()
        .filter(|uri| seen.transport.is_reliable() && uri.host().ip().is_none())
        .map(|uri| uri.port().unwrap_or(seen.transport.default_port()))
        .map(|port| Flow {
            remote: SocketAddr::new(seen.remote.ip(), port),
            ..seen
        });
    NextHop {
        flow: seen,
        written: written.filter(|written| *written != seen),
    }
}

/// The way that a URI names, if it names one that we can go.
fn written(uri: &SipUri, seen: Flow, listeners: &[Listener]) -> Option<Flow> {
    let ip = uri.host().ip()?;
    let transport = match (uri.is_secure(), uri.transport()) {
        (true, _) => Transport::Tls,
        (false, Some(name)) => Transport::from_name(name)?,
        // Without a word of it, over what has carried us so far.
        (false, None) => seen.transport,
    };
    let port = uri.port().unwrap_or(transport.default_port());
    let reachable = port != 0
        && !ip.is_unspecified()
        && ip.is_ipv4() == seen.local.is_ipv4()
        && (is_global(ip) || !is_global(seen.remote.ip()))
        && is_near(ip, seen.remote.ip());
    let local = match transport == seen.transport {
        true => seen.local,
        false => local_for(listeners, transport, seen.local.ip())?,
    };
    let written = Flow {
        transport,
        local,
        remote: SocketAddr::new(ip, port),
    };
    let is_loop = seen.remote.ip() != seen.local.ip()
        && !seen.remote.ip().is_loopback()
        && is_ours(listeners, written);
    (reachable && !is_loop).then_some(written)
}

/// Whether an address that means something on one machine or link only is near enough to whoever
/// writes it.
fn is_near(ip: IpAddr, neighbour: IpAddr) -> bool {
    let is_link_local = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    neighbour.is_loopback()
        || !(ip.is_loopback() || (is_link_local(ip) && !is_link_local(neighbour)))
}

/// Whether a request's sender, being our neighbour, doesn't know its own address: the Via that was
/// noted on arrival has another one than it wrote there itself.
pub(super) fn is_behind_nat(headers: &Headers) -> bool {
    let mut vias = headers.get_all_typed::<Via>();
    let (Some(Ok(via)), None) = (vias.next(), vias.next()) else {
        return false;
    };
    let other_address = via.received().is_some_and(|ip| via.host.ip() != Some(ip));
    let other_port = via
        .rport()
        .is_some_and(|port| port != via.port_or_default());
    other_address || other_port
}

/// Whether an address has a meaning beyond the network it is in.
fn is_global(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xC0 == 64;
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared)
        }
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()),
    }
}
