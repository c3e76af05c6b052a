//! Which ports are free, and the pair of sockets that a call has of one.

use std::{
    collections::VecDeque,
    io, mem,
    net::{IpAddr, SocketAddr},
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};

use super::socket::{MemoryPort, Nowhere, PacketSocket, UdpSocket};
use crate::transport::memory::MemoryHost;

/// How long a port stays unused after a call.
pub(super) const REST: Duration = Duration::from_secs(5);

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

/// The even ports of a range: those that have rested longest first, and such as were never used
/// only when none has rested, so that no more sockets stay open than calls have needed.
pub struct PortPool {
    source: PortSource,
    /// Ports that no call has had yet.
    fresh: VecDeque<u16>,
    /// Ports whose calls are over, in the order of their ends.
    free: VecDeque<Free>,
    size: usize,
    /// When the system gave no more sockets: for a while those that are open must do.
    refused: Option<Instant>,
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
    pub fn new(source: PortSource, (low, high): (u16, u16)) -> Self {
        let (home, returned) = channel();
        let first = u32::from(low).next_multiple_of(2);
        let fresh: VecDeque<_> = (first..u32::from(high))
            .step_by(2)
            // Below a u16.
            .map(|port| port as u16)
            .collect();
        Self {
            source,
            size: fresh.len(),
            fresh,
            free: VecDeque::new(),
            refused: None,
            returned,
            home,
        }
    }

    /// Has no more than so many pairs, the first ones, at least one: more sockets can't be open.
    pub(crate) fn keep_to(&mut self, most: usize) {
        self.fresh.truncate(most.max(1));
        self.size = self.fresh.len();
    }

    /// Opens the next free pair of ports at the address `local` of ours.
    ///
    /// # Errors
    /// `AddrNotAvailable` when all ports are taken or resting; otherwise what the system said of
    /// the last that was tried. A port that somebody else has is passed over.
    pub fn take(&mut self, local: IpAddr, now: Instant) -> io::Result<Port> {
        self.reclaim(now);
        let mut last_error = None;
        for _ in 0..self.free.len() + self.fresh.len() {
            let rested = |free: &Free| now.saturating_duration_since(free.since) >= REST;
            let has_rested = self.free.front().is_some_and(rested);
            let again = has_rested.then(|| self.free.pop_front()).flatten();
            let again = again.map(|free| (free.port, free.open));
            let Some((port, open)) = again.or_else(|| Some((self.fresh.pop_front()?, None))) else {
                break;
            };
            match self.open(SocketAddr::new(local, port), open) {
                Ok(port) => return Ok(port),
                Err(error) => {
                    let (since, open) = (now, None);
                    self.free.push_back(Free { port, since, open });
                    if error.kind() != io::ErrorKind::AddrInUse {
                        self.refused = Some(now);
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

    /// How many pairs calls can take at `now`, of those that were reclaimed.
    pub fn left(&self, now: Instant) -> usize {
        let age = |since| now.saturating_duration_since(since);
        // In the order of their rests.
        let rested = self.free.partition_point(|free| age(free.since) >= REST);
        match self.refused {
            Some(at) if age(at) < REST => rested,
            _ => rested + self.fresh.len(),
        }
    }

    /// Pairs that calls had when ports were reclaimed last.
    pub fn in_use(&self) -> usize {
        self.size - self.free.len() - self.fresh.len()
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
