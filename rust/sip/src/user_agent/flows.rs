//! Flows that last: keep-alives over them, and their end (RFC 5626 §3.5 and §4.4).

use std::time::Instant;

use bytes::Bytes;

use super::{Event, UserAgent};
use crate::transaction::Flow;
use crate::{Error, Message, ParseError};

/// What asks the other end of a flow for a sign of life (RFC 5626 §3.5.1).
const PING: Bytes = Bytes::from_static(b"\r\n\r\n");

impl UserAgent {
    /// Keeps a NAT's binding for a flow, and asks whether the peer is there: over a stream it
    /// answers, told as [`Event::Pong`]; over UDP nothing comes back.
    pub fn keep_alive(&mut self, now: Instant, flow: Flow) {
        self.transactions.transmit(flow, PING);
        self.settle(now);
    }

    /// A stream has brought what can't be read on from
    /// ([`Frame::Broken`](crate::stream::Frame::Broken)): answers what has come of it, if it can be
    /// answered. The connection is to be closed after that.
    pub fn receive_broken(&mut self, now: Instant, flow: Flow, head: Bytes, error: Error) {
        self.counters.malformed += 1;
        let request = match Message::parse(&head) {
            Ok(Message::Request(request)) => Some(Box::new(request)),
            Ok(Message::Response(_)) => None,
            Err(error) => error.request,
        };
        let error = ParseError { error, request };
        if let (Some(response), Some(request)) = (error.response(), &error.request) {
            self.send_stateless(flow, &mut request.as_ref().clone(), response);
        }
        self.settle(now);
    }

    /// The peer has answered a keep-alive.
    pub fn receive_pong(&mut self, flow: Flow) {
        self.pong_of_registrar(flow);
        self.event(Event::Pong { flow });
    }

    /// The connection that carried a flow is gone. What waits for a first response over it goes out
    /// once more over another, if that one had carried messages, else it fails as by a 503
    /// (RFC 3261 §8.1.3.1); what has had one may be answered over another.
    pub fn flow_closed(&mut self, now: Instant, flow: Flow) {
        self.event(Event::FlowClosed { flow });
        self.registrars_flow_closed(now, flow);
        self.transactions.flow_closed(now, flow);
        self.settle(now);
    }
}
