//! Where SIP datagrams come from and go to: a socket of the machine, or of a network in memory.

pub mod memory;
pub mod udp;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::RawFd,
    time::Instant,
};

use memory::MemorySocket;

/// A datagram that has arrived.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Datagram {
    /// Who sent it.
    pub source: SocketAddr,
    /// The address and port at which it arrived; never unspecified, also on a wildcard socket.
    pub local: SocketAddr,
    /// What it says.
    pub data: bytes::Bytes,
}

/// A socket for SIP messages.
pub trait Transport: Send {
    /// The address it is bound to, which may be unspecified.
    fn bound(&self) -> SocketAddr;

    /// The address of ours that a peer at `peer` can answer to.
    ///
    /// # Errors
    /// Those of routing: there is no way to that peer.
    fn local_for(&self, peer: IpAddr) -> io::Result<SocketAddr>;

    /// Appends datagrams that have arrived, a bounded number; none when nothing waits.
    ///
    /// # Errors
    /// Those of the socket, except that nothing waits.
    fn receive(&mut self, into: &mut Vec<Datagram>) -> io::Result<()>;

    /// Sends a datagram from `local`, which is an address given by this transport.
    ///
    /// # Errors
    /// Those of the socket: unreachable, too long, buffer full.
    fn send(&self, local: IpAddr, peer: SocketAddr, data: &[u8]) -> io::Result<()>;

    /// Readable when datagrams wait; `None` when there is nothing to poll.
    fn fd(&self) -> Option<RawFd>;

    /// When the next datagram arrives, where that can be known before.
    fn next_arrival(&self) -> Option<Instant> {
        None
    }
}

impl Transport for MemorySocket {
    fn bound(&self) -> SocketAddr {
        self.local_addr()
    }

    fn local_for(&self, _peer: IpAddr) -> io::Result<SocketAddr> {
        Ok(self.local_addr())
    }

    fn receive(&mut self, into: &mut Vec<Datagram>) -> io::Result<()> {
        while let Some((source, data)) = self.take() {
            into.push(Datagram {
                source,
                local: self.local_addr(),
                data: data.into(),
            });
        }
        Ok(())
    }

    fn send(&self, _local: IpAddr, peer: SocketAddr, data: &[u8]) -> io::Result<()> {
        self.send_to(data, peer);
        Ok(())
    }

    fn fd(&self) -> Option<RawFd> {
        None
    }

    fn next_arrival(&self) -> Option<Instant> {
        MemorySocket::next_arrival(self)
    }
}
