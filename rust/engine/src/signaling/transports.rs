//! What comes from the transports and goes to them.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    os::fd::RawFd,
    time::{Duration, Instant},
};

use bytes::Bytes;
use sems_sip::{
    Flow, Uri,
    transaction::{Listener, Transport as FlowTransport},
};

use super::Signaling;
use crate::{
    destination::Destination,
    error::EngineError,
    event::Event,
    transport::{Arrival, Transport, listen::Opened},
};

/// Which transports have something to read, by their places; beyond the 64th each may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready(pub(crate) u64);

impl Ready {
    /// Any of them.
    pub(crate) const ALL: Self = Self(u64::MAX);

    fn includes(self, place: usize) -> bool {
        place >= 64 || self.0 >> place & 1 == 1
    }
}

/// Servers whose certificates were told of lately.
#[derive(Default)]
pub(super) struct Complaints(HashMap<String, Instant>);

impl Complaints {
    /// How long none is told of again.
    const LATELY: Duration = Duration::from_secs(60);
    /// Of how many is told in that time.
    const MOST: usize = 64;

    /// Whether to tell of this one now.
    fn is_new(&mut self, now: Instant, name: &str) -> bool {
        self.0.retain(|_, until| now < *until);
        let is_new = self.0.len() < Self::MOST && !self.0.contains_key(name);
        if is_new {
            self.0.insert(name.to_owned(), now + Self::LATELY);
        }
        is_new
    }
}

/// What the user agent has to know of the sockets.
pub(super) fn listeners(opened: &[Opened]) -> Vec<Listener> {
    opened
        .iter()
        .map(|Opened { listen, transport }| Listener {
            transport: transport.kind(),
            bound: transport.bound(),
            advertised: listen.advertise.map(|at| (at.ip().into(), at.port())),
        })
        .collect()
}

impl Signaling {
    /// Readable when something waits, by place; −1 where there is nothing to poll.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let transports = self.transports.iter();
        transports
            .map(|transport| transport.fd().unwrap_or(-1))
            .collect()
    }

    /// When a transport wants to be looked at.
    pub(super) fn next_arrival(&self) -> Option<Instant> {
        let transports = self.transports.iter();
        transports
            .filter_map(|transport| transport.next_deadline())
            .min()
    }

    pub(super) fn receive(&mut self, now: Instant, ready: Ready) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        for (place, transport) in self.transports.iter_mut().enumerate() {
            let is_due = || transport.next_deadline().is_some_and(|at| at <= now);
            if (ready.includes(place) || is_due())
                && let Err(error) = transport.receive(now, &mut arrivals)
            {
                tracing::debug!(%error, bound = %transport.bound(), "receiving failed");
            }
        }
        self.handled += arrivals.len() as u64;
        for arrival in arrivals.drain(..) {
            self.contain(|signaling| signaling.on_arrival(now, arrival));
            self.contain(|signaling| signaling.carry_out(now));
        }
        self.arrivals = arrivals;
    }

    fn on_arrival(&mut self, now: Instant, arrival: Arrival) {
        match arrival {
            Arrival::Message { flow, data } => {
                self.counters.sip_received.add(1);
                self.record(|recorder| recorder.received(flow, &data));
                self.agent.receive(now, flow, data);
            }
            Arrival::Pong(flow) => self.agent.receive_pong(flow),
            Arrival::Broken { flow, head, error } => {
                self.counters.sip_received.add(1);
                self.record(|recorder| recorder.received(flow, &head));
                self.agent.receive_broken(now, flow, head, error);
                self.carry_out(now);
                if let Some(transport) = transport_of(&mut self.transports, flow) {
                    transport.finish(now, flow);
                }
                self.agent.flow_closed(now, flow);
            }
            Arrival::Failed { flow, name, error } => {
                // Who doesn't answer is the caller's business, who is not whom we look for the
                // operator's: named once, however often a stranger has us look.
                if let Some(name) = name
                    && self.complaints.is_new(now, &name)
                {
                    let to = flow.remote;
                    self.events.tell(Event::Fault {
                        message: format!("no TLS connection to {name} at {to}: {error}"),
                    });
                }
            }
            Arrival::Closed(flow) => {
                self.record(|recorder| recorder.lost(flow));
                self.agent.flow_closed(now, flow);
            }
            Arrival::Unreachable(flow) => {
                self.record(|recorder| recorder.lost(flow));
                tracing::debug!(remote = %flow.remote, "nobody is there");
                self.agent.transport_error(now, flow);
            }
        }
    }

    pub(super) fn transmit(&mut self, now: Instant, flow: Flow, payload: &Bytes) {
        let Some(transport) = transport_of(&mut self.transports, flow) else {
            return;
        };
        self.counters.sip_sent.add(1);
        match transport.send(now, flow, payload) {
            Ok(()) => {}
            // As if lost on the way: it will be sent again.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(%error, remote = %flow.remote, "sending failed");
                self.record(|recorder| recorder.lost(flow));
                match flow.transport.is_reliable() {
                    true => self.agent.flow_closed(now, flow),
                    false => self.agent.transport_error(now, flow),
                }
            }
        }
    }

    /// The way to a peer that has not spoken to us yet.
    pub(super) fn flow_to(&mut self, destination: &Destination) -> Result<Flow, EngineError> {
        let remote = destination.address;
        let mut fitting = None;
        for transport in &mut self.transports {
            let bound = transport.bound();
            if bound.is_ipv4() != remote.is_ipv4() || transport.kind() != destination.transport {
                continue;
            }
            let Ok(local) = transport.local_for(remote.ip()) else {
                continue;
            };
            let flow = Flow {
                transport: destination.transport,
                local,
                remote,
            };
            // A peer on this machine is reached from its own addresses.
            let is_best =
                bound.ip().is_unspecified() || is_local(bound.ip()) == is_local(remote.ip());
            if is_best {
                fitting = Some((flow, transport));
                break;
            }
            fitting.get_or_insert((flow, transport));
        }
        let Some((flow, transport)) = fitting else {
            let error = format!("there is no way to {destination}");
            return Err(EngineError::Invalid(error));
        };
        transport.expect(flow, destination.name.as_deref());
        Ok(flow)
    }
}

/// Refuses to ask for a `sips:` URI over what is not encrypted (RFC 3261 §26.2.2).
pub(super) fn check_security<'a>(
    uri: &Uri,
    flows: impl IntoIterator<Item = &'a Flow>,
) -> Result<(), EngineError> {
    let is_secure = uri.as_sip().is_some_and(|uri| uri.is_secure());
    let mut flows = flows.into_iter();
    match is_secure && flows.any(|flow| flow.transport != FlowTransport::Tls) {
        true => Err(EngineError::State("a sips: URI is reached over TLS only")),
        false => Ok(()),
    }
}

fn transport_of(
    transports: &mut [Box<dyn Transport>],
    flow: Flow,
) -> Option<&mut Box<dyn Transport>> {
    transports.iter_mut().find(|transport| {
        transport.kind() == flow.transport && serves(transport.bound(), flow.local)
    })
}

/// Whether a socket bound to `bound` sends from `local`.
fn serves(bound: SocketAddr, local: SocketAddr) -> bool {
    bound.port() == local.port()
        && (bound.ip() == local.ip()
            || (bound.ip().is_unspecified() && bound.is_ipv4() == local.is_ipv4()))
}

fn is_local(address: IpAddr) -> bool {
    address.is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_certificate_is_told_of_once_a_minute_and_so_are_64_at_most() {
        let (mut complaints, now) = (Complaints::default(), Instant::now());
        assert!(complaints.is_new(now, "a.example.org"));
        let later = now + Duration::from_secs(59);
        assert!(!complaints.is_new(later, "a.example.org"));
        assert!(complaints.is_new(later, "b.example.org"));
        assert!(complaints.is_new(later + Duration::from_secs(1), "a.example.org"));
        let told = (0..1000).filter(|n| complaints.is_new(later, &n.to_string()));
        assert_eq!(told.count(), Complaints::MOST - 2);
    }
}
