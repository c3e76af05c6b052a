//! RTP sockets: how packets get in and out, and which ports are free.
//!
//! Everything about the way of a packet through the system is behind [`PacketSocket`]. A call has
//! one [`Port`], an even one for RTP and the next for RTCP (RFC 3550 §11). Ports come from a
//! [`PortPool`] and rest before they are used again, so that the last packets of a call don't
//! reach the next one.

use std::{
    collections::VecDeque,
    io, mem,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::transport::memory::{MemoryHost, MemorySocket};

/// How long a port stays unused after a call.
const REST: Duration = Duration::from_secs(5);
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
struct MemoryPort {
    socket: MemorySocket,
    waited: Option<Duration>,
}

impl MemoryPort {
    fn bind(host: &MemoryHost, port: u16) -> io::Result<Box<Self>> {
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

/// The two sockets of one call. Dropping it gives them back to their pool.
pub struct Port {
    /// For audio.
    pub rtp: Box<dyn PacketSocket>,
    /// For reports.
    pub rtcp: Box<dyn PacketSocket>,
    local: SocketAddr,
    home: Option<Sender<Returned>>,
    /// The sockets stay open for the next call: to open them costs the system more than all that
    /// it does else for a short call.
    kept: bool,
}

/// What a pool gets back: a port, with sockets that are open on it.
struct Returned {
    port: u16,
    open: Option<Pair>,
}

/// Two sockets that are bound to an address of ours.
struct Pair {
    ip: IpAddr,
    rtp: Box<dyn PacketSocket>,
    rtcp: Box<dyn PacketSocket>,
}

/// No socket at all.
struct Nowhere;

impl PacketSocket for Nowhere {
    fn receive(&mut self, _buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        None
    }

    fn send(&mut self, _packet: &[u8], _to: SocketAddr) {}
}

impl Port {
    /// A port of no pool, on any pair of sockets.
    pub fn new(rtp: Box<dyn PacketSocket>, rtcp: Box<dyn PacketSocket>, local: SocketAddr) -> Self {
        Self {
            rtp,
            rtcp,
            local,
            home: None,
            kept: false,
        }
    }

    /// The address of the RTP socket; RTCP has the next port.
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let Some(home) = &self.home else { return };
        let rtp = mem::replace(&mut self.rtp, Box::new(Nowhere));
        let rtcp = mem::replace(&mut self.rtcp, Box::new(Nowhere));
        let ip = self.local.ip();
        let open = self.kept.then_some(Pair { ip, rtp, rtcp });
        // A pool that is gone does not want its ports back.
        let _ = home.send(Returned {
            port: self.local.port(),
            open,
        });
    }
}

/// What a pool opens sockets on.
#[derive(Clone, Debug)]
pub enum PortSource {
    /// The machine's network.
    Machine,
    /// A network in memory.
    Memory(MemoryHost),
}

/// The even ports of a range, the one that has rested longest first.
pub struct PortPool {
    source: PortSource,
    free: VecDeque<Free>,
    size: usize,
    returned: Receiver<Returned>,
    home: Sender<Returned>,
}

/// An even port that no call has.
struct Free {
    port: u16,
    since: Instant,
    open: Option<Pair>,
}

impl PortPool {
    /// All pairs of an even port and the next within `low` to `high`.
    pub fn new(source: PortSource, (low, high): (u16, u16), now: Instant) -> Self {
        let (home, returned) = channel();
        let first = u32::from(low).next_multiple_of(2);
        let free: VecDeque<_> = (first..u32::from(high))
            .step_by(2)
            .map(|port| Free {
                // Below a u16.
                port: port as u16,
                since: now.checked_sub(REST).unwrap_or(now),
                open: None,
            })
            .collect();
        Self {
            source,
            size: free.len(),
            free,
            returned,
            home,
        }
    }

    /// Opens the next free pair of ports at the address `local` of ours.
    ///
    /// # Errors
    /// `AddrNotAvailable` when all ports are taken or resting; otherwise what the system said of
    /// the last that was tried. A port that somebody else has is passed over.
    pub fn take(&mut self, local: IpAddr, now: Instant) -> io::Result<Port> {
        self.reclaim(now);
        let mut last_error = None;
        for _ in 0..self.free.len() {
            let rested = |free: &Free| now.saturating_duration_since(free.since) >= REST;
            if !self.free.front().is_some_and(rested) {
                break;
            }
            let Some(Free { port, open, .. }) = self.free.pop_front() else {
                break;
            };
            match self.open(SocketAddr::new(local, port), open) {
                Ok(port) => return Ok(port),
                Err(error) => {
                    let (since, open) = (now, None);
                    self.free.push_back(Free { port, since, open });
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(error);
                    }
                    last_error = Some(error);
                }
            }
        }
        Err(last_error.unwrap_or_else(|| {
            io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "all RTP ports are taken or resting",
            )
        }))
    }

    /// Takes back the ports of calls that have ended; their rest begins now.
    pub fn reclaim(&mut self, now: Instant) {
        let returned = self.returned.try_iter();
        self.free.extend(returned.map(|returned| Free {
            port: returned.port,
            since: now,
            open: returned.open,
        }));
    }

    /// Pairs that calls had when ports were reclaimed last.
    pub fn in_use(&self) -> usize {
        self.size - self.free.len()
    }

    /// How many pairs there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A port with sockets: those that are open there, if they are of use, or new ones.
    fn open(&self, local: SocketAddr, open: Option<Pair>) -> io::Result<Port> {
        let open = open.filter(|pair| pair.ip == local.ip());
        let renewed = open.and_then(|mut pair| {
            let renewed = pair.rtp.renew() && pair.rtcp.renew();
            renewed.then_some((pair.rtp, pair.rtcp))
        });
        let (rtp, rtcp) = match renewed {
            Some(sockets) => sockets,
            None => self.bind(local)?,
        };
        Ok(Port {
            rtp,
            rtcp,
            local,
            home: Some(self.home.clone()),
            kept: matches!(self.source, PortSource::Machine),
        })
    }

    fn bind(
        &self,
        local: SocketAddr,
    ) -> io::Result<(Box<dyn PacketSocket>, Box<dyn PacketSocket>)> {
        let control = SocketAddr::new(local.ip(), local.port() + 1);
        Ok(match &self.source {
            PortSource::Machine => (
                Box::new(UdpSocket::bind(local)?),
                Box::new(UdpSocket::bind(control)?),
            ),
            PortSource::Memory(host) => (
                MemoryPort::bind(host, local.port())?,
                MemoryPort::bind(host, control.port())?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::transport::memory::{LinkQuality, MemoryNetwork};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn memory_pool(range: (u16, u16), now: Instant) -> (PortPool, MemoryHost) {
        let host = MemoryNetwork::new(0, LinkQuality::default()).host();
        let pool = PortPool::new(PortSource::Memory(host.clone()), range, now);
        (pool, host)
    }

    #[test]
    fn rtp_is_even_and_its_neighbour_is_rtcp() {
        let now = Instant::now();
        let (mut pool, host) = memory_pool((10_001, 10_006), now);
        assert_eq!(pool.size(), 2);
        let first = pool.take(host.ip(), now).unwrap();
        let second = pool.take(host.ip(), now).unwrap();
        assert_eq!(
            (first.local().port(), second.local().port()),
            (10_002, 10_004)
        );
        assert_eq!(host.network().sockets(), 4);
        assert!(pool.take(host.ip(), now).is_err());
        assert_eq!(pool.in_use(), 2);
    }

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let start = Instant::now();
        let (mut pool, host) = memory_pool((10_000, 10_001), start);
        drop(pool.take(host.ip(), start).unwrap());
        let error = pool.take(host.ip(), start).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(
            pool.take(host.ip(), start + Duration::from_millis(4_999))
                .is_err()
        );
        assert!(pool.take(host.ip(), start + REST).is_ok());
    }

    #[test]
    fn a_port_that_somebody_else_has_is_passed_over() {
        let now = Instant::now();
        let (mut pool, host) = memory_pool((10_000, 10_003), now);
        let _other = host.bind(10_001).unwrap();
        assert_eq!(pool.take(host.ip(), now).unwrap().local().port(), 10_002);
    }

    #[test]
    fn sockets_stay_open_for_the_next_call_which_hears_nothing_of_the_last() {
        let start = Instant::now();
        let mut pool = PortPool::new(PortSource::Machine, (41_300, 41_301), start);
        let mut port = pool.take(HERE, start).unwrap();
        let at = port.local();
        let mut peer = UdpSocket::bind(SocketAddr::new(HERE, 41_310)).unwrap();
        port.rtp.settle(Some(SocketAddr::new(HERE, 41_310)));
        drop(port);
        pool.reclaim(start);
        peer.send(b"late", at);
        // The port is still bound: nobody else can have it.
        assert!(UdpSocket::bind(at).is_err());
        let mut again = pool.take(HERE, start + REST).unwrap();
        let mut other = UdpSocket::bind(SocketAddr::new(HERE, 41_312)).unwrap();
        other.send(b"new", at);
        let heard = receive_soon(&mut *again.rtp);
        assert_eq!(heard, (b"new".to_vec(), SocketAddr::new(HERE, 41_312)));
    }

    #[test]
    fn an_address_that_is_not_ours_is_an_error() {
        let now = Instant::now();
        let mut pool = PortPool::new(PortSource::Machine, (40_000, 40_009), now);
        let error = pool.take("192.0.2.1".parse().unwrap(), now).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(pool.in_use(), 0);
    }

    fn receive_soon(socket: &mut dyn PacketSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = [0; 64];
        loop {
            if let Some((length, source)) = socket.receive(&mut buffer) {
                return (buffer[..length].to_vec(), source);
            }
            std::thread::yield_now();
        }
    }

    /// Three ports of ours with their addresses.
    fn ports(first: u16) -> [(Port, SocketAddr); 3] {
        let now = Instant::now();
        let mut pool = PortPool::new(PortSource::Machine, (first, first + 99), now);
        std::array::from_fn(|_| {
            let port = pool.take(HERE, now).unwrap();
            let local = port.local();
            (port, local)
        })
    }

    #[test]
    fn a_settled_socket_can_still_send_elsewhere_and_hear_others_again() {
        let [(mut ours, at), (mut peer, peer_at), (mut other, other_at)] = ports(41_000);
        let (ours, peer, other) = (&mut *ours.rtp, &mut *peer.rtp, &mut *other.rtp);
        ours.settle(Some(peer_at));
        ours.send(b"to peer", peer_at);
        assert_eq!(receive_soon(peer), (b"to peer".to_vec(), at));
        peer.send(b"from peer", at);
        assert_eq!(receive_soon(ours), (b"from peer".to_vec(), peer_at));
        ours.send(b"to other", other_at);
        assert_eq!(receive_soon(other), (b"to other".to_vec(), at));
        other.send(b"from other", at);
        assert_eq!(receive_soon(ours), (b"from other".to_vec(), other_at));
    }

    #[test]
    fn a_peer_that_is_gone_does_not_silence_the_socket() {
        let [(mut ours, at), (peer, peer_at), _] = ports(41_100);
        let ours = &mut *ours.rtp;
        ours.settle(Some(peer_at));
        drop(peer);
        ours.send(b"lost", peer_at);
        let mut back = UdpSocket::bind(peer_at).unwrap();
        back.send(b"back", at);
        assert_eq!(receive_soon(ours), (b"back".to_vec(), peer_at));
    }

    #[test]
    fn a_datagram_is_known_to_have_waited() {
        let [(mut ours, at), (mut peer, _), _] = ports(41_200);
        let (ours, peer) = (&mut *ours.rtp, &mut *peer.rtp);
        const PAUSE: Duration = Duration::from_millis(5);
        // The kernel takes some time to begin with its time stamps.
        let known = (0..100).any(|_| {
            peer.send(b"now", at);
            let sent = Instant::now();
            std::thread::sleep(PAUSE);
            receive_soon(ours);
            let waited = ours.waited();
            waited.is_some_and(|waited| PAUSE <= waited && waited <= sent.elapsed() + PAUSE)
        });
        assert!(known);
    }
}
