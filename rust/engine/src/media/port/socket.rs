//! The sockets of one port: how packets get in and out.

use std::{
    io, mem,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::transport::memory::{MemoryHost, MemorySocket};

/// Datagrams that may have come to a resting socket; where there are more, somebody still sends.
const LEFTOVERS: usize = 256;
/// `ioctl` for the arrival of the last datagram; enables time stamps for those after it.
const SIOCGSTAMPNS: libc::c_ulong = 0x8907;
/// Expedited forwarding (RFC 3246), in the place of the old type of service.
const EXPEDITED: u32 = 46 << 2;

/// Where a leg's packets go in and out.
pub trait PacketSocket: Send {
    /// Takes the next datagram that waits: its length (cut to `buffer`) and its source.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)>;

    /// Sends a datagram. What the system refuses is lost, as on the way.
    fn send(&mut self, packet: &[u8], to: SocketAddr);

    /// From now on packets come from and go to `peer` only, or (`None`) anybody again. A hint that
    /// makes sending cheaper; datagrams of others may still be received for a while.
    fn settle(&mut self, peer: Option<SocketAddr>) {
        let _ = peer;
    }

    /// Makes the socket as good as new for another call: no peer, and nothing that waits. `false`
    /// for one that is better closed.
    fn renew(&mut self) -> bool {
        false
    }

    /// How long the datagram received last had waited here, if the system knows. Costs a system
    /// call, and the first time nothing is known.
    fn waited(&mut self) -> Option<Duration> {
        None
    }
}

/// A UDP socket of the machine.
///
/// Settled on a peer it is connected, which saves the kernel a look-up of the way for each packet:
/// an eighth of the cost of sending.
pub struct UdpSocket {
    socket: Socket,
    connected: bool,
    /// The last destination in the kernel's form.
    destination: (SocketAddr, SockAddr),
}

impl UdpSocket {
    /// Opens a port for media. It must not be 0: a port that the system has chosen is lost when
    /// a peer is given up.
    ///
    /// # Errors
    /// Those of the system, above all that the port is in use or the address is not ours.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let domain = Domain::for_address(address);
        let kind = Type::DGRAM.nonblocking();
        let socket = Socket::new(domain, kind, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // Priority is a wish: a system that does not grant it still carries sound.
        let _ = match address {
            SocketAddr::V4(_) => socket.set_tos_v4(EXPEDITED),
            SocketAddr::V6(_) => socket.set_tclass_v6(EXPEDITED),
        };
        socket.bind(&address.into())?;
        Ok(Self {
            socket,
            connected: false,
            destination: (address, address.into()),
        })
    }
}

impl PacketSocket for UdpSocket {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        // A refusal that an ICMP message has left behind is reported once; then comes what waits.
        for _ in 0..2 {
            // SAFETY: all-zero is a valid sockaddr_storage.
            let mut source: libc::sockaddr_storage = unsafe { mem::zeroed() };
            let mut source_len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            // SAFETY: the buffer and the address are ours, writable, and of the lengths given.
            let received = unsafe {
                libc::recvfrom(
                    self.socket.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    0,
                    (&raw mut source).cast(),
                    &mut source_len,
                )
            };
            if received >= 0 {
                return Some((received as usize, socket_address(&source)?));
            }
            if io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock {
                return None;
            }
        }
        None
    }

    fn send(&mut self, packet: &[u8], to: SocketAddr) {
        if self.destination.0 != to {
            self.settle(None);
            self.destination = (to, to.into());
        }
        let (address, length) = match (self.connected, &self.destination.1) {
            (true, _) => (std::ptr::null(), 0),
            (false, address) => (address.as_ptr().cast(), address.len()),
        };
        // SAFETY: packet and address are valid for the lengths given and only read; a connected
        // socket wants no address.
        unsafe {
            libc::sendto(
                self.socket.as_raw_fd(),
                packet.as_ptr().cast(),
                packet.len(),
                0,
                address,
                length,
            );
        }
    }

    fn settle(&mut self, peer: Option<SocketAddr>) {
        match peer {
            Some(peer) => {
                self.destination = (peer, peer.into());
                self.connected = self.socket.connect(&self.destination.1).is_ok();
            }
            None if self.connected => {
                // SAFETY: all-zero is a valid sockaddr.
                let mut nobody: libc::sockaddr = unsafe { mem::zeroed() };
                nobody.sa_family = libc::AF_UNSPEC as libc::sa_family_t;
                let length = size_of::<libc::sockaddr>() as libc::socklen_t;
                // SAFETY: the address is valid for its length and only read.
                unsafe { libc::connect(self.socket.as_raw_fd(), &nobody, length) };
                self.connected = false;
            }
            None => {}
        }
    }

    fn renew(&mut self) -> bool {
        self.settle(None);
        // Who still sends to a call that is over long ago would be heard in the next.
        (0..LEFTOVERS).any(|_| self.receive(&mut [0; 16]).is_none())
    }

    fn waited(&mut self) -> Option<Duration> {
        // SAFETY: all-zero is a valid timespec.
        let mut arrived: libc::timespec = unsafe { mem::zeroed() };
        // SAFETY: this request writes one timespec.
        let known = unsafe { libc::ioctl(self.socket.as_raw_fd(), SIOCGSTAMPNS, &mut arrived) };
        if known < 0 {
            return None;
        }
        // Both are on the wall clock; one that is set in between makes the difference senseless.
        let arrived = Duration::new(arrived.tv_sec.try_into().ok()?, arrived.tv_nsec as u32);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(arrived)
            .filter(|age| *age < Duration::from_secs(60))
    }
}

/// An address in the kernel's form; `None` for families other than IP.
fn socket_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is a sockaddr_in, which is shorter and less aligned.
            let address: &libc::sockaddr_in = unsafe { &*(&raw const *storage).cast() };
            let ip = IpAddr::from(address.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::new(ip, u16::from_be(address.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a sockaddr_in6, which is shorter and less aligned.
            let address: &libc::sockaddr_in6 = unsafe { &*(&raw const *storage).cast() };
            Some(SocketAddr::V6(std::net::SocketAddrV6::new(
                address.sin6_addr.s6_addr.into(),
                u16::from_be(address.sin6_port),
                0,
                address.sin6_scope_id,
            )))
        }
        _ => None,
    }
}

/// A socket in memory that remembers how long the last datagram had waited.
pub(super) struct MemoryPort {
    socket: MemorySocket,
    waited: Option<Duration>,
}

impl MemoryPort {
    pub(super) fn bind(host: &MemoryHost, port: u16) -> io::Result<Box<Self>> {
        Ok(Box::new(Self {
            socket: host.bind(port)?,
            waited: None,
        }))
    }
}

impl PacketSocket for MemoryPort {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let (source, data, waited) = self.socket.take_waited()?;
        let length = data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&data[..length]);
        self.waited = Some(waited);
        Some((length, source))
    }

    fn send(&mut self, packet: &[u8], to: SocketAddr) {
        self.socket.send_to(packet, to);
    }

    fn waited(&mut self) -> Option<Duration> {
        self.waited
    }
}

/// No socket at all.
pub(super) struct Nowhere;

impl PacketSocket for Nowhere {
    fn receive(&mut self, _buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        None
    }

    fn send(&mut self, _packet: &[u8], _to: SocketAddr) {}
}
