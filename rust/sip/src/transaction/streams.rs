//! Which streams are open, and where their neighbours are reached once they aren't.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Flow;
use crate::header::Via;

/// How long a closed stream's neighbour may still be owed responses: longer than Timer H.
const MEMORY: Duration = Duration::from_secs(64);
/// Closed streams that are remembered.
const CLOSED: usize = 4096;

/// The streams of a user agent, as far as messages came over them.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Those that are open, with the neighbour's sent-by, once it has sent a request.
    open: HashMap<Flow, Option<SocketAddr>>,
    /// Where responses go that were to go over one that is closed (RFC 3261 §18.2.2).
    closed: HashMap<Flow, SocketAddr>,
    order: VecDeque<(Instant, Flow)>,
}

impl Streams {
    /// A message came over this stream.
    pub(crate) fn note(&mut self, flow: Flow) {
        if flow.transport.is_reliable() {
            self.open.entry(flow).or_default();
        }
    }

    /// A request came over this stream with this topmost Via.
    pub(crate) fn note_request(&mut self, flow: Flow, via: &Via) {
        if flow.transport.is_reliable() {
            let sent_by = SocketAddr::new(flow.remote.ip(), via.port_or_default());
            self.open.insert(flow, Some(sent_by));
        }
    }

    pub(crate) fn close(&mut self, now: Instant, flow: Flow) {
        while let Some((until, oldest)) = self.order.front().copied()
            && (until <= now || self.order.len() >= CLOSED)
        {
            self.order.pop_front();
            self.closed.remove(&oldest);
        }
        if let Some(Some(sent_by)) = self.open.remove(&flow)
            && self.closed.insert(flow, sent_by).is_none()
        {
            self.order.push_back((now + MEMORY, flow));
        }
    }

    pub(crate) fn is_open(&self, flow: Flow) -> bool {
        self.open.contains_key(&flow)
    }

    /// The way that a message takes which was to go over `flow`: another connection, if the one
    /// that its request came over is gone.
    pub(crate) fn way(&self, flow: Flow) -> Flow {
        if !flow.transport.is_reliable() || self.is_open(flow) {
            return flow;
        }
        match self.closed.get(&flow) {
            Some(remote) => Flow {
                remote: *remote,
                ..flow
            },
            None => flow,
        }
    }
}
