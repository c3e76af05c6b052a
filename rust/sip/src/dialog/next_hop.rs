//! Where requests within a dialog go, decided without DNS.
//!
//! RFC 3261 §12.2.1.1 and §8.1.2 send them to the topmost route or to the peer's Contact. That
//! holds here wherever an address is written there that can be reached; else they go back where
//! the dialog's first message came from: for a host name, which would have to be looked up, and
//! for the private address of a peer behind a NAT.

use std::net::{IpAddr, SocketAddr};

use crate::header::Via;
use crate::transaction::Flow;
use crate::{Headers, Uri};

/// The way to `uri`, given the way on which messages of this dialog came.
pub(super) fn choose(uri: &Uri, seen: Flow) -> Flow {
    let Some(uri) = uri.as_sip() else { return seen };
    let Some(ip) = uri.host().ip() else {
        return seen;
    };
    let port = uri.port().unwrap_or(5060);
    let same_transport = !uri.is_secure()
        && uri
            .transport()
            .is_none_or(|t| t.eq_ignore_ascii_case(seen.transport.in_via().as_str()));
    let reachable = port != 0
        && !ip.is_unspecified()
        && ip.is_ipv4() == seen.local.is_ipv4()
        && (is_global(ip) || !is_global(seen.remote.ip()));
    match same_transport && reachable {
        true => Flow {
            remote: SocketAddr::new(ip, port),
            ..seen
        },
        false => seen,
    }
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
