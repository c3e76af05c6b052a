//! Flows that last: keep-alives over them, and their end (RFC 5626 §3.5 and §4.4).

use std::time::Instant;

use bytes::Bytes;

use super::{Event, UserAgent};
use crate::transaction::Flow;

/// What asks the other end of a flow for a sign of life (RFC 5626 §3.5.1).
const PING: Bytes = Bytes::from_static(b"\r\n\r\n");

impl UserAgent {
    /// Keeps a NAT's binding for a flow, and asks whether the peer is there: over a stream it
    /// answers, told as [`Event::Pong`]; over UDP nothing comes back.
    pub fn keep_alive(&mut self, now: Instant, flow: Flow) {
        self.transactions.transmit(flow, PING);
        self.settle(now);
    }

    /// The peer has answered a keep-alive.
    pub fn receive_pong(&mut self, flow: Flow) {
        self.event(Event::Pong { flow });
    }

    /// The connection that carried a flow is gone. What waits for a first response over it fails
    /// as by a 503 (RFC 3261 §8.1.3.1); what has had one may be answered over another.
    pub fn flow_closed(&mut self, now: Instant, flow: Flow) {
        self.event(Event::FlowClosed { flow });
        self.transport_error(now, flow);
    }
}
