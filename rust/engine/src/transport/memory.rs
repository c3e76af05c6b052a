//! A network in memory, for virtual time: sockets of several engines in one process, with loss,
//! duplicates, delay and jitter that come from one seed, so that the same seed gives the same run.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

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
    now: Instant,
    hosts: u8,
    sockets: HashMap<SocketAddr, VecDeque<Datagram>>,
    /// By arrival, then by the order of sending.
    in_flight: BTreeMap<(Instant, u64), (SocketAddr, Datagram)>,
    sent: u64,
}

/// What a memory socket receives.
#[derive(Clone, Debug)]
struct Datagram {
    source: SocketAddr,
    data: Vec<u8>,
}

impl MemoryNetwork {
    /// A network without hosts, all of whose whims come from `seed`.
    pub fn new(seed: u64, quality: LinkQuality) -> Self {
        let epoch = Instant::now();
        let shared = Shared {
            random: StdRng::seed_from_u64(seed),
            quality,
            now: epoch,
            hosts: 0,
            sockets: HashMap::new(),
            in_flight: BTreeMap::new(),
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
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, shared.hosts));
        MemoryHost {
            network: self.clone(),
            ip,
        }
    }

    /// Changes what happens to datagrams sent from now on.
    pub fn set_quality(&self, quality: LinkQuality) {
        self.lock().quality = quality;
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
}

impl MemoryHost {
    /// Its only address.
    pub fn ip(&self) -> IpAddr {
        self.ip
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
        let local = SocketAddr::new(self.ip, port);
        let mut shared = self.network.lock();
        if shared.sockets.contains_key(&local) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        shared.sockets.insert(local, VecDeque::new());
        Ok(MemorySocket {
            network: self.network.clone(),
            local,
        })
    }

    /// Lets time pass: what has arrived by `now` can be received.
    pub fn advance(&self, now: Instant) {
        self.network.lock().advance(now);
    }

    /// When the next datagram for this host arrives; not after now if some wait to be received.
    pub fn next_arrival(&self) -> Option<Instant> {
        let shared = self.network.lock();
        if shared
            .sockets
            .iter()
            .any(|(local, inbox)| local.ip() == self.ip && !inbox.is_empty())
        {
            return Some(shared.now);
        }
        shared
            .in_flight
            .iter()
            .find(|(_, (to, _))| to.ip() == self.ip)
            .map(|(&(arrival, _), _)| arrival)
    }
}

/// A bound UDP port of a [`MemoryHost`]; dropping it closes the port.
#[derive(Debug)]
pub struct MemorySocket {
    network: MemoryNetwork,
    local: SocketAddr,
}

impl MemorySocket {
    /// The address it is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Sends a datagram. What nobody listens for is lost, as with UDP.
    pub fn send_to(&self, data: &[u8], to: SocketAddr) {
        self.network.lock().send(self.local, to, data);
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
        let datagram = self
            .network
            .lock()
            .sockets
            .get_mut(&self.local)?
            .pop_front()?;
        Some((datagram.source, datagram.data))
    }
}

impl Drop for MemorySocket {
    fn drop(&mut self) {
        self.network.lock().sockets.remove(&self.local);
    }
}

impl Shared {
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while let Some(entry) = self.in_flight.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let (to, datagram) = entry.remove();
            if let Some(inbox) = self.sockets.get_mut(&to) {
                inbox.push_back(datagram);
            }
        }
    }

    fn send(&mut self, source: SocketAddr, to: SocketAddr, data: &[u8]) {
        // Each whim is drawn for each datagram, so that a changed quality leaves the others alone.
        let lost = self.random.random_bool(self.quality.loss);
        let doubled = self.random.random_bool(self.quality.duplicate);
        let arrivals = [self.arrival(), self.arrival()];
        let copies = if lost { 0 } else { 1 + usize::from(doubled) };
        for arrival in &arrivals[..copies] {
            self.sent += 1;
            let datagram = Datagram {
                source,
                data: data.to_vec(),
            };
            self.in_flight.insert((*arrival, self.sent), (to, datagram));
        }
    }

    fn arrival(&mut self) -> Instant {
        let jitter = self.quality.jitter.as_nanos() as u64;
        let extra = (self.random.next_u64() as u128 * jitter as u128 >> 64) as u64;
        self.now + self.quality.delay + Duration::from_nanos(extra)
    }
}
