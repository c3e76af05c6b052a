//! The way messages go between us and a neighbour.

use std::net::SocketAddr;

use crate::header::{self, Via};

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// Datagrams, which may be lost, doubled and overtaken.
    Udp,
    /// A stream.
    Tcp,
    /// An encrypted stream, whose other end has shown who it is.
    Tls,
}

impl Transport {
    /// Whether it repeats by itself what is lost.
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls => true,
        }
    }

    /// Its name in a URI's `transport` parameter and in our own texts: `udp`, `tcp`, `tls`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// The transport of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls]
            .into_iter()
            .find(|transport| transport.name().eq_ignore_ascii_case(name))
    }

    /// The port that is meant when none is written (RFC 3261 §19.1.2).
    pub fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
        }
    }

    /// Its name in a Via.
    pub fn in_via(self) -> header::Transport {
        match self {
            Self::Udp => header::Transport::Udp,
            Self::Tcp => header::Transport::Tcp,
            Self::Tls => header::Transport::Tls,
        }
    }
}

/// One of our addresses, one of a neighbour's, and what carries messages between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// What carries the messages.
    pub transport: Transport,
    /// Our address, as the neighbour sees it: the one a datagram was sent to, never an
    /// unspecified one.
    pub local: SocketAddr,
    /// The neighbour's address.
    pub remote: SocketAddr,
}

impl Flow {
    /// Where responses to a request go that came over this flow with this topmost Via: to where it
    /// came from, at the port of its sent-by unless `rport` asks for the real one (RFC 3261
    /// §18.2.2, RFC 3581 §4); over a stream, back over the same connection. `maddr` is not obeyed:
    /// it would let a stranger send our responses to anyone.
    pub(crate) fn back(self, via: &Via) -> Self {
        let port = match via.wants_rport() || self.transport.is_reliable() {
            true => self.remote.port(),
            false => via.port_or_default(),
        };
        Self {
            remote: SocketAddr::new(self.remote.ip(), port),
            ..self
        }
    }
}
