//! SIP over TCP and TLS (RFC 3261 §18): one listener, and the connections that it takes and opens.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd, RawFd},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sems_sip::{Flow, transaction::Transport as FlowTransport};
use slotmap::{Key, KeyData, SlotMap};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use super::{
    Arrival, Transport,
    connection::{Connection, SCRATCH},
    epoll::{Epoll, READ},
    quota::Quota,
    tls::Tls,
    udp::set_flag,
    way::Ways,
};
use crate::error::EngineError;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// Connections accepted in one turn.
const ACCEPTS: usize = 32;
/// What one turn tells, so that UDP and the other listeners have theirs however much comes here.
const ARRIVALS: usize = 64;
/// What one connection tells in a turn.
const SHARE: usize = 8;
/// How long a turn may take, so that a flood of handshakes doesn't keep UDP waiting. Who is left out
/// is first in the next turn.
const TURN: Duration = Duration::from_millis(2);
/// How often connections are looked at that take too long.
const SWEEP: Duration = Duration::from_secs(1);
/// Addresses whose names are remembered.
const NAMES: usize = 4096;
/// What stands for the listener in the set of descriptors.
const LISTENER: u64 = u64::MAX;

slotmap::new_key_type! {
    struct ConnectionKey;
}

/// Whom the server at an address has to be.
struct Expected {
    name: Box<str>,
    /// A domain was looked up that led there, now or before: nobody who connects to us from there
    /// has shown to be of it.
    is_domain: bool,
}

/// A TCP or TLS listener with its connections.
pub struct StreamTransport {
    kind: FlowTransport,
    listener: TcpListener,
    bound: SocketAddr,
    ways: Ways,
    tls: Option<Arc<Tls>>,
    epoll: Epoll,
    connections: SlotMap<ConnectionKey, Connection>,
    /// The one that messages of a flow are sent over. One that isn't here is only listened to.
    by_flow: HashMap<Flow, ConnectionKey>,
    /// Those that have something, each once, in the order in which they get their turn.
    line: VecDeque<ConnectionKey>,
    /// When the last turn began.
    turn_at: Option<Instant>,
    /// Whom the server at an address has to be.
    names: HashMap<SocketAddr, Expected>,
    quota: Arc<Quota>,
    /// How long a connection may be of no use.
    idle: Duration,
    /// Off while there are no descriptors left.
    accepting: bool,
    sweep_at: Option<Instant>,
    scratch: Box<[u8; SCRATCH]>,
}

impl StreamTransport {
    /// Listens at `address`, for TLS if there is `tls`; port 0: one that the system chooses.
    ///
    /// # Errors
    /// [`EngineError::Listen`], in use and not permitted above all.
    pub fn bind(
        address: SocketAddr,
        tls: Option<Arc<Tls>>,
        quota: Arc<Quota>,
        idle: Duration,
    ) -> Result<Self, EngineError> {
        let kind = match tls {
            Some(_) => FlowTransport::Tls,
            None => FlowTransport::Tcp,
        };
        let open = || -> io::Result<(TcpListener, SocketAddr, Epoll)> {
            let socket = Socket::new(
                Domain::for_address(address),
                Type::STREAM,
                Some(Protocol::TCP),
            )?;
            if address.is_ipv6() {
                // So that IPv4 can have a socket of its own at the same port.
                socket.set_only_v6(true)?;
            }
            // Else the connections of an earlier run would keep us from the port.
            socket.set_reuse_address(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            let listener = TcpListener::from(socket);
            let bound = listener.local_addr()?;
            let epoll = Epoll::new()?;
            epoll.add(listener.as_raw_fd(), LISTENER, READ)?;
            Ok((listener, bound, epoll))
        };
        let (listener, bound, epoll) = open().map_err(|source| EngineError::Listen {
            transport: kind.name(),
            address,
            source,
        })?;
        Ok(Self {
            kind,
            listener,
            bound,
            ways: Ways::default(),
            tls,
            epoll,
            connections: SlotMap::with_key(),
            by_flow: HashMap::new(),
            line: VecDeque::new(),
            turn_at: None,
            names: HashMap::new(),
            quota,
            idle,
            accepting: true,
            sweep_at: None,
            scratch: Box::new([0; SCRATCH]),
        })
    }

    /// Connections that exist now.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    fn accept(&mut self, now: Instant) {
        for _ in 0..ACCEPTS {
            let (socket, remote) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => return self.stop_accepting(now, &error),
            };
            let Some(place) = self.quota.incoming(remote.ip()) else {
                continue;
            };
            let Ok(local) = prepare(&socket) else {
                continue;
            };
            let tls = match self.tls.as_ref().map(|tls| tls.accept()).transpose() {
                Ok(tls) => tls,
                Err(error) => {
                    tracing::debug!(%error, %remote, "a TLS connection can't be taken");
                    continue;
                }
            };
            let flow = Flow {
                transport: self.kind,
                local: SocketAddr::new(local.ip(), self.bound.port()),
                remote,
            };
            self.enter(now, Connection::new(socket, tls, flow, false, place, now));
        }
    }

    /// After an error in accepting: none waits, or there is no room, which is tried again later.
    fn stop_accepting(&mut self, now: Instant, error: &io::Error) {
        let is_full = matches!(
            error.raw_os_error(),
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM)
        );
        if is_full {
            tracing::debug!(%error, "connections can't be taken");
            self.accepting = false;
            self.sweep_at.get_or_insert(now + SWEEP);
            let _ = self.epoll.modify(self.listener.as_raw_fd(), LISTENER, 0);
        }
    }

    fn connect(&mut self, now: Instant, flow: Flow) -> io::Result<ConnectionKey> {
        let place = self.quota.outgoing();
        let place = place.ok_or_else(|| io::Error::other("too many connections"))?;
        let name = self
            .tls
            .is_some()
            .then(|| match self.names.get(&flow.remote) {
                Some(expected) => expected.name.clone(),
                None => flow.remote.ip().to_string().into(),
            });
        let tls = match (&self.tls, &name) {
            (Some(tls), Some(name)) => Some(tls.connect(name).map_err(io::Error::other)?),
            _ => None,
        };
        let socket = Socket::new(
            Domain::for_address(flow.remote),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        if !flow.local.ip().is_unspecified() {
            // The port is chosen at connect, when it need not be free for all peers.
            let _ = set_flag(&socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT);
            socket.bind(&SocketAddr::new(flow.local.ip(), 0).into())?;
        }
        match socket.connect(&flow.remote.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
            _ => {}
        }
        let socket = TcpStream::from(socket);
        prepare(&socket)?;
        let mut connection = Connection::new(socket, tls, flow, true, place, now);
        connection.name = name;
        self.enter(now, connection)
            .ok_or_else(|| io::Error::other("the connection can't be watched"))
    }

    fn enter(&mut self, now: Instant, mut connection: Connection) -> Option<ConnectionKey> {
        let (fd, flow) = (connection.fd(), connection.flow);
        let is_outgoing = connection.outgoing;
        let interest = connection.changed_interest().unwrap_or(READ);
        let key = self.connections.insert(connection);
        if let Err(error) = self.epoll.add(fd, key.data().as_ffi(), interest) {
            tracing::debug!(%error, "a connection can't be watched");
            self.connections.remove(key);
            return None;
        }
        if is_outgoing || self.may_serve(flow) {
            self.by_flow.insert(flow, key);
        }
        self.sweep_at.get_or_insert(now + SWEEP);
        Some(key)
    }

    /// Whether a connection that a peer has opened may carry what goes to its address. Beside one
    /// of ours it may not, nor where a certificate has to be shown: whoever has got that address
    /// would be taken for the server there.
    fn may_serve(&self, flow: Flow) -> bool {
        let ours = self.by_flow.get(&flow);
        let ours = ours.and_then(|key| self.connections.get(*key));
        !ours.is_some_and(|connection| connection.outgoing)
            && !self
                .names
                .get(&flow.remote)
                .is_some_and(|expected| expected.is_domain)
    }

    /// Watches for what the connection wants now.
    fn watch(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key)
            && let Some(interest) = connection.changed_interest()
        {
            let _ = self
                .epoll
                .modify(connection.fd(), key.data().as_ffi(), interest);
        }
    }

    /// Forgets a connection; its flow, if that has no other and something has come or gone over it.
    fn remove(&mut self, key: ConnectionKey) -> Option<Flow> {
        let connection = self.connections.remove(key)?;
        let flow = connection.flow;
        if self.by_flow.get(&flow).is_some_and(|other| *other != key) {
            return None;
        }
        self.by_flow.remove(&flow);
        (connection.outgoing || connection.has_spoken).then_some(flow)
    }

    fn line_up(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key)
            && !std::mem::replace(&mut connection.in_line, true)
        {
            self.line.push_back(key);
        }
    }

    fn on_ready(&mut self, now: Instant, key: ConnectionKey, most: usize, into: &mut Vec<Arrival>) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let before = into.len();
        connection.in_line = false;
        match connection.on_ready(now, &mut self.scratch, most, into) {
            Ok(()) => {
                let has_more = connection.has_more();
                self.watch(key);
                if has_more {
                    self.line_up(key);
                }
            }
            Err(error) => return self.end(key, &error, into),
        }
        if into.len() > before
            && let Some(Arrival::Broken { flow, .. }) = into.last()
            && self.by_flow.get(flow) != Some(&key)
        {
            // Answering would use its flow, which is another connection, and close that.
            into.pop();
            into.extend(self.remove(key).map(Arrival::Closed));
        }
    }

    /// A connection has come to its end by itself.
    fn end(&mut self, key: ConnectionKey, error: &io::Error, into: &mut Vec<Arrival>) {
        if let Some(connection) = self.connections.get(key) {
            let remote = connection.flow.remote;
            tracing::debug!(%error, %remote, transport = self.kind.name(), "a connection ends");
            if connection.outgoing && !connection.was_open() {
                into.push(Arrival::Failed {
                    flow: connection.flow,
                    name: connection
                        .name
                        .as_deref()
                        .filter(|_| is_of_certificate(error))
                        .map(str::to_owned),
                    error: crate::error::reason(error),
                });
            }
        }
        into.extend(self.remove(key).map(Arrival::Closed));
    }

    fn sweep(&mut self, now: Instant, into: &mut Vec<Arrival>) {
        if !self.accepting {
            self.accepting = true;
            let _ = self.epoll.modify(self.listener.as_raw_fd(), LISTENER, READ);
        }
        let overdue: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_overdue(now, self.idle))
            .map(|(key, _)| key)
            .collect();
        for key in overdue {
            self.end(key, &io::ErrorKind::TimedOut.into(), into);
        }
        self.sweep_at = (!self.connections.is_empty()).then(|| now + SWEEP);
    }
}

impl Transport for StreamTransport {
    fn kind(&self) -> FlowTransport {
        self.kind
    }

    fn bound(&self) -> SocketAddr {
        self.bound
    }

    fn local_for(&self, peer: IpAddr) -> io::Result<SocketAddr> {
        self.ways.local_towards(self.bound, peer)
    }

    fn receive(&mut self, now: Instant, into: &mut Vec<Arrival>) -> io::Result<()> {
        let begun = Instant::now();
        let mut is_called = false;
        for (token, _) in self.epoll.ready() {
            match token {
                LISTENER => is_called = true,
                token => self.line_up(KeyData::from_ffi(token).into()),
            }
        }
        let end = into.len() + ARRIVALS;
        // Who gets in line again has another turn.
        for _ in 0..self.line.len() {
            let room = end.saturating_sub(into.len());
            if room == 0 || begun.elapsed() > TURN {
                break;
            }
            if let Some(key) = self.line.pop_front() {
                self.on_ready(now, key, room.min(SHARE), into);
            }
        }
        if is_called {
            // Last, so that those who only connect take nothing from those who speak.
            self.accept(now);
        }
        self.turn_at = Some(now);
        if self.sweep_at.is_some_and(|at| at <= now) {
            self.sweep(now, into);
        }
        Ok(())
    }

    fn send(&mut self, now: Instant, flow: Flow, data: &Bytes) -> io::Result<()> {
        let key = match self.by_flow.get(&flow) {
            Some(key) => *key,
            None => self.connect(now, flow)?,
        };
        let Some(connection) = self.connections.get_mut(key) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        match connection.send(now, data) {
            Ok(()) => {
                self.watch(key);
                Ok(())
            }
            Err(error) => {
                self.remove(key);
                Err(error)
            }
        }
    }

    fn expect(&mut self, flow: Flow, name: Option<&str>) {
        let Some(tls) = &self.tls else { return };
        let remote = flow.remote;
        if self.names.len() >= NAMES && !self.names.contains_key(&remote) {
            // Whoever is called next says again who it is.
            self.names.clear();
        }
        let is_domain = name.is_some();
        let name = name.map_or_else(|| remote.ip().to_string(), str::to_owned);
        let open = self.by_flow.get(&flow);
        if let Some(connection) = open.and_then(|key| self.connections.get(*key)) {
            let serves = match &connection.name {
                Some(shown) => {
                    **shown == *name
                        || connection
                            .tls()
                            .is_some_and(|open| tls.is_also(open, &name))
                }
                // The peer's own, such as a phone's, which has shown no certificate.
                None => !is_domain,
            };
            if !serves {
                // Somebody else at that address: it is listened to, but not sent over any more.
                self.by_flow.remove(&flow);
            }
        }
        let known = self.names.get(&remote);
        let is_domain = is_domain || known.is_some_and(|known| known.is_domain);
        let name = name.into();
        self.names.insert(remote, Expected { name, is_domain });
    }

    fn finish(&mut self, now: Instant, flow: Flow) {
        let Some(key) = self.by_flow.remove(&flow) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(key) {
            match connection.finish(now) {
                Ok(()) => self.watch(key),
                Err(_) => drop(self.connections.remove(key)),
            }
        }
    }

    fn fd(&self) -> Option<RawFd> {
        Some(self.epoll.as_raw_fd())
    }

    fn next_deadline(&self) -> Option<Instant> {
        // The epoll set doesn't tell of what has been read already.
        let turn = self.turn_at.filter(|_| !self.line.is_empty());
        turn.or(self.sweep_at)
    }
}

/// Whether a connection has failed because of whom the server says that it is.
fn is_of_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

/// Sets a new connection up; its address at our end.
fn prepare(socket: &TcpStream) -> io::Result<SocketAddr> {
    socket.set_nonblocking(true)?;
    // Messages are whole; waiting for more would only delay them.
    socket.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(20))
        .with_retries(3);
    SockRef::from(socket).set_tcp_keepalive(&keepalive)?;
    socket.local_addr()
}
