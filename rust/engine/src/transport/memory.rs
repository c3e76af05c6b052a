//! A network in memory, for virtual time: sockets of several engines in one process, with loss,
//! duplicates, delay and jitter that come from one seed, so that the same seed gives the same run.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    os::fd::RawFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use sems_sip::{
    Flow,
    stream::{Frame, Framer},
    transaction::Transport,
};

use super::Arrival;

/// What the network does to datagrams on their way.
#[derive(Clone, Copy, Debug)]
pub struct LinkQuality {
    /// Probability that a datagram is lost, 0.0–1.0.
    pub loss: f64,
    /// Probability that one arrives twice, 0.0–1.0.
    pub duplicate: f64,
    /// How long each takes at least.
    pub delay: Duration,
    /// How much longer it takes at most; evenly spread, so datagrams overtake each other.
    pub jitter: Duration,
}

impl Default for LinkQuality {
    /// One millisecond, and nothing is lost.
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplicate: 0.0,
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
        }
    }
}

/// The network. Clones are the same network.
#[derive(Clone, Debug)]
pub struct MemoryNetwork {
    shared: Arc<Mutex<Shared>>,
    epoch: Instant,
}

#[derive(Debug)]
struct Shared {
    random: StdRng,
    quality: LinkQuality,
    /// Links that are of another quality: from whom and to whom, `None` being anybody.
    links: HashMap<(Option<IpAddr>, Option<IpAddr>), LinkQuality>,
    now: Instant,
    hosts: u16,
    /// Where the next host will be, if not at the next address.
    place: Option<IpAddr>,
    /// What is on its way to each socket, by arrival, then by the order of sending.
    sockets: HashMap<Place, BTreeMap<(Instant, u64), Datagram>>,
    sent: u64,
}

/// What a socket is bound to: its transport and its address.
type Place = (Transport, SocketAddr);

/// What a memory socket receives.
#[derive(Clone, Debug)]
struct Datagram {
    source: SocketAddr,
    /// `None`: the connection is closed, or nobody is there (ICMP).
    data: Option<Vec<u8>>,
}

impl MemoryNetwork {
    /// A network without hosts, all of whose whims come from `seed`.
    pub fn new(seed: u64, quality: LinkQuality) -> Self {
        let epoch = Instant::now();
        let shared = Shared {
            random: StdRng::seed_from_u64(seed),
            quality,
            links: HashMap::new(),
            now: epoch,
            hosts: 0,
            place: None,
            sockets: HashMap::new(),
            sent: 0,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            epoch,
        }
    }

    /// The instant that all engines on this network call zero.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// A new host: 10.0.0.1, 10.0.0.2, … in the order of calls.
    pub fn host(&self) -> MemoryHost {
        let mut shared = self.lock();
        shared.hosts += 1;
        let [high, low] = shared.hosts.to_be_bytes();
        let ip = shared
            .place
            .take()
            .unwrap_or(IpAddr::V4(Ipv4Addr::new(10, 0, high, low)));
        MemoryHost {
            network: self.clone(),
            ip,
            number: shared.hosts,
        }
    }

    /// Has the next host made at this address.
    pub fn place_next(&self, ip: IpAddr) {
        self.lock().place = Some(ip);
    }

    /// Opens a socket at any address, for a peer that is no engine.
    ///
    /// # Errors
    /// `AddrInUse`, as from the machine.
    pub fn socket(&self, address: SocketAddr) -> io::Result<MemorySocket> {
        self.socket_for(Transport::Udp, address)
    }

    /// The same for messages of this transport; see [`MemoryHost::bind_for`].
    ///
    /// # Errors
    /// As [`MemoryNetwork::socket`].
    pub fn socket_for(
        &self,
        transport: Transport,
        address: SocketAddr,
    ) -> io::Result<MemorySocket> {
        let host = MemoryHost {
            network: self.clone(),
            ip: address.ip(),
            number: 0,
        };
        host.bind_for(transport, address.port())
    }

    /// How far time has come: the latest step of any engine on this network.
    pub fn now(&self) -> Instant {
        self.lock().now
    }

    /// Changes what happens to datagrams sent from now on.
    pub fn set_quality(&self, quality: LinkQuality) {
        self.lock().quality = quality;
    }

    /// Changes what happens to datagrams sent from now on by the host `from`, or to the host `to`, or by
    /// one to the other. Of several that hold, that of both counts, then that of who sends.
    pub fn set_link(&self, from: Option<IpAddr>, to: Option<IpAddr>, quality: LinkQuality) {
        self.lock().links.insert((from, to), quality);
    }

    /// How many sockets are bound.
    pub fn sockets(&self) -> usize {
        self.lock().sockets.len()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // What a panicking thread left behind is still a set of queues.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One engine's place on the network.
#[derive(Clone, Debug)]
pub struct MemoryHost {
    network: MemoryNetwork,
    ip: IpAddr,
    number: u16,
}

impl MemoryHost {
    /// Its only address.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Its place in the order of hosts, from 1.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The network it is on.
    pub fn network(&self) -> &MemoryNetwork {
        &self.network
    }

    /// Opens a socket at this host's address.
    ///
    /// # Errors
    /// `AddrInUse`, as from the machine.
    pub fn bind(&self, port: u16) -> io::Result<MemorySocket> {
        self.bind_for(Transport::Udp, port)
    }

    /// The same for messages of this transport. TCP and TLS lose, double and reorder nothing, and
    /// who doesn't listen refuses; a message arrives whole, and nothing is encrypted.
    ///
    /// # Errors
    /// As [`MemoryHost::bind`].
    pub fn bind_for(&self, transport: Transport, port: u16) -> io::Result<MemorySocket> {
        let local = SocketAddr::new(self.ip, port);
        let mut shared = self.network.lock();
        if shared.sockets.contains_key(&(transport, local)) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        shared.sockets.insert((transport, local), BTreeMap::new());
        Ok(MemorySocket {
            network: self.network.clone(),
            transport,
            local,
        })
    }

    /// Lets time pass: what has arrived by `now` can be received.
    pub fn advance(&self, now: Instant) {
        let mut shared = self.network.lock();
        shared.now = shared.now.max(now);
    }
}

/// A bound port of a [`MemoryHost`]; dropping it closes the port.
#[derive(Debug)]
pub struct MemorySocket {
    network: MemoryNetwork,
    transport: Transport,
    local: SocketAddr,
}

impl MemorySocket {
    /// The address it is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// When the next datagram arrives or has arrived.
    pub fn next_arrival(&self) -> Option<Instant> {
        let shared = self.network.lock();
        let ((arrival, _), _) = shared.sockets.get(&self.place())?.first_key_value()?;
        Some(*arrival)
    }

    /// Sends a datagram. What nobody listens for is lost, as with UDP.
    pub fn send_to(&self, data: &[u8], to: SocketAddr) {
        let mut shared = self.network.lock();
        match self.transport {
            Transport::Udp => shared.send(self.local, to, data),
            stream => shared.send_in_order(stream, self.local, to, Some(data)),
        }
    }

    /// Closes the connection with `to`; with UDP, tells it that nobody is here, as by ICMP.
    pub fn break_off(&self, to: SocketAddr) {
        let mut shared = self.network.lock();
        shared.send_in_order(self.transport, self.local, to, None);
    }

    fn place(&self) -> Place {
        (self.transport, self.local)
    }

    /// Takes the next datagram that has arrived: its length (cut to `buffer`) and its source.
    pub fn recv_from(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let (source, data) = self.take()?;
        let length = data.len().min(buffer.len());
        buffer[..length].copy_from_slice(&data[..length]);
        Some((length, source))
    }

    /// Takes the next datagram that has arrived, whole: its source and what it says.
    pub fn take(&self) -> Option<(SocketAddr, Vec<u8>)> {
        let (source, data, _) = self.take_waited()?;
        Some((source, data))
    }

    /// Like [`MemorySocket::take`], with the time that the datagram has waited.
    pub fn take_waited(&self) -> Option<(SocketAddr, Vec<u8>, Duration)> {
        loop {
            let (datagram, waited) = self.next()?;
            if let Some(data) = datagram.data {
                return Some((datagram.source, data, waited));
            }
        }
    }

    fn next(&self) -> Option<(Datagram, Duration)> {
        let mut shared = self.network.lock();
        let now = shared.now;
        let first = shared.sockets.get_mut(&self.place())?.first_entry()?;
        let waited = now.checked_duration_since(first.key().0)?;
        Some((first.remove(), waited))
    }

    /// Takes what of a stream has come together; a message that is not whole is taken as it is.
    fn unpack(&self, flow: Flow, data: Vec<u8>, into: &mut Vec<Arrival>) {
        let mut framer = Framer::new();
        framer.push(&data);
        let begun = into.len();
        while let Some(frame) = framer.pop() {
            match frame {
                Frame::Message(data) => into.push(Arrival::Message { flow, data }),
                Frame::Pong => into.push(Arrival::Pong(flow)),
                Frame::Ping => return self.send_to(b"\r\n", flow.remote),
                Frame::Broken { head, error } => {
                    return into.push(Arrival::Broken { flow, head, error });
                }
            }
        }
        if into.len() == begun {
            let data = data.into();
            into.push(Arrival::Message { flow, data });
        }
    }
}

impl super::Transport for MemorySocket {
    fn kind(&self) -> Transport {
        self.transport
    }

    fn bound(&self) -> SocketAddr {
        self.local_addr()
    }

    fn local_for(&self, _peer: IpAddr) -> io::Result<SocketAddr> {
        Ok(self.local_addr())
    }

    fn receive(&mut self, _now: Instant, into: &mut Vec<Arrival>) -> io::Result<()> {
        while let Some((datagram, _)) = self.next() {
            let flow = Flow {
                transport: self.transport,
                local: self.local,
                remote: datagram.source,
            };
            match (self.transport.is_reliable(), datagram.data) {
                (true, Some(data)) => self.unpack(flow, data, into),
                (true, None) => into.push(Arrival::Closed(flow)),
                (false, Some(data)) => into.push(Arrival::Message {
                    flow,
                    data: data.into(),
                }),
                (false, None) => into.push(Arrival::Unreachable(flow)),
            }
        }
        Ok(())
    }

    fn send(&mut self, _now: Instant, flow: Flow, data: &Bytes) -> io::Result<()> {
        let to = (self.transport, flow.remote);
        if self.transport.is_reliable() && !self.network.lock().sockets.contains_key(&to) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.send_to(data, flow.remote);
        Ok(())
    }

    fn fd(&self) -> Option<RawFd> {
        None
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.next_arrival()
    }
}

impl Drop for MemorySocket {
    fn drop(&mut self) {
        self.network
            .lock()
            .sockets
            .remove(&(self.transport, self.local));
    }
}

impl Shared {
    fn send(&mut self, source: SocketAddr, to: SocketAddr, data: &[u8]) {
        // Each whim is drawn for each datagram, so that a changed quality leaves the others alone.
        let quality = self.quality_of(source, to);
        let lost = self.random.random_bool(quality.loss);
        let doubled = self.random.random_bool(quality.duplicate);
        let arrivals = [self.arrival(quality), self.arrival(quality)];
        let copies = if lost { 0 } else { 1 + usize::from(doubled) };
        let Some(coming) = self.sockets.get_mut(&(Transport::Udp, to)) else {
            return;
        };
        for arrival in &arrivals[..copies] {
            self.sent += 1;
            let datagram = Datagram {
                source,
                data: Some(data.to_vec()),
            };
            coming.insert((*arrival, self.sent), datagram);
        }
    }

    /// As a stream carries it: for certain, once, and after what was sent before.
    fn send_in_order(
        &mut self,
        stream: Transport,
        source: SocketAddr,
        to: SocketAddr,
        data: Option<&[u8]>,
    ) {
        self.sent += 1;
        let arrival = (self.now + self.quality_of(source, to).delay, self.sent);
        if let Some(coming) = self.sockets.get_mut(&(stream, to)) {
            let data = data.map(<[u8]>::to_vec);
            coming.insert(arrival, Datagram { source, data });
        }
    }

    fn quality_of(&self, source: SocketAddr, to: SocketAddr) -> LinkQuality {
        let (from, to) = (Some(source.ip()), Some(to.ip()));
        [(from, to), (from, None), (None, to)]
            .iter()
            .find_map(|link| self.links.get(link))
            .copied()
            .unwrap_or(self.quality)
    }

    fn arrival(&mut self, quality: LinkQuality) -> Instant {
        let jitter = quality.jitter.as_nanos() as u64;
        let extra = ((u128::from(self.random.next_u64()) * u128::from(jitter)) >> 64) as u64;
        self.now + quality.delay + Duration::from_nanos(extra)
    }
}
