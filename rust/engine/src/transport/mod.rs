//! Where SIP messages come from and go to: sockets of the machine, or of a network in memory.

mod connection;
mod epoll;
mod icmp;
pub mod listen;
pub mod memory;
pub mod quota;
pub mod stream;
pub mod tls;
pub mod udp;
mod verify;
mod way;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::RawFd,
    time::Instant,
};

use bytes::Bytes;
use sems_sip::{Error, Flow, transaction::Transport as FlowTransport};

/// What has come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arrival {
    /// A message, or what should be one.
    Message {
        /// The way that it came. Its local address is never unspecified, also on a wildcard
        /// socket.
        flow: Flow,
        /// What it says.
        data: Bytes,
    },
    /// The peer of a stream has answered a keep-alive.
    Pong(Flow),
    /// A stream can't be read on. It waits to be closed by [`Transport::finish`].
    Broken {
        /// The stream.
        flow: Flow,
        /// What of the message has come.
        head: Bytes,
        /// What is wrong with it.
        error: Error,
    },
    /// A connection of ours did not come about; [`Arrival::Closed`] follows.
    Failed {
        /// Where it was to go.
        flow: Flow,
        /// Whom the server's certificate had to be for, when it is for somebody else or by nobody
        /// whom we trust.
        name: Option<String>,
        /// Why, in plain words.
        error: String,
    },
    /// A stream is closed that something has come or gone over.
    Closed(Flow),
    /// A datagram that was sent this way has not reached anyone, as ICMP says.
    Unreachable(Flow),
}

/// A socket for SIP messages: one of our addresses and all who speak to us there.
pub trait Transport: Send {
    /// What it carries messages by.
    fn kind(&self) -> FlowTransport;

    /// The address it is bound to, which may be unspecified.
    fn bound(&self) -> SocketAddr;

    /// The address of ours that a peer at `peer` can answer to.
    ///
    /// # Errors
    /// Those of routing: there is no way to that peer.
    fn local_for(&self, peer: IpAddr) -> io::Result<SocketAddr>;

    /// Appends what has arrived, a bounded number; nothing when nothing waits.
    ///
    /// # Errors
    /// Those of the socket, except that nothing waits.
    fn receive(&mut self, now: Instant, into: &mut Vec<Arrival>) -> io::Result<()>;

    /// Sends a message over a flow whose local address is one given by this transport. A stream
    /// is opened if there is none; what happens to it later is told by [`Transport::receive`].
    ///
    /// # Errors
    /// Those of the socket: unreachable, too long, buffer full. An error of a stream is its end.
    fn send(&mut self, now: Instant, flow: Flow, data: &Bytes) -> io::Result<()>;

    /// Whom the server at the other end of this flow has to be from now on (RFC 5922); `None`: the
    /// owner of the address.
    fn expect(&mut self, _flow: Flow, _name: Option<&str>) {}

    /// Closes a stream once all that was sent over it is written.
    fn finish(&mut self, _now: Instant, _flow: Flow) {}

    /// Readable when something waits; `None` when there is nothing to poll.
    fn fd(&self) -> Option<RawFd>;

    /// When [`Transport::receive`] is wanted even if nothing is readable.
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}
