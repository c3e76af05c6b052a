//! The record of messages, as Python reads it.

use pyo3::prelude::*;
use sems_engine::trace::{Entry, Kind, TracedCall as Traced};

/// One thing that happened in a call, its secrets masked.
#[pyclass(frozen, get_all, module = "sems._core")]
pub struct TraceEntry {
    /// Nanoseconds of the Unix time, or of virtual time.
    at_ns: u64,
    /// "received", "sent", "ordered", "told", "heard" or "lost".
    kind: &'static str,
    /// Of a message, and of what is lost: "udp", "tcp" or "tls".
    transport: String,
    /// The same: our address.
    local: String,
    /// The same, and of packets: the peer's.
    remote: String,
    /// Of a message: all of it.
    payload: Vec<u8>,
    /// Of anything else: what.
    text: String,
    /// Its details.
    fields: Vec<(String, String)>,
}

/// A call, or another request, of which messages are recorded.
#[pyclass(frozen, get_all, module = "sems._core")]
pub struct TracedCall {
    call_id: String,
    call: Option<u64>,
    first_ns: u64,
    last_ns: u64,
    incoming: bool,
    remote: String,
    method: String,
    uri: String,
    caller: String,
    messages: usize,
    code: Option<u16>,
    outcome: String,
}

impl From<Entry> for TraceEntry {
    fn from(entry: Entry) -> Self {
        let (transport, local, remote) = match entry.flow {
            Some((transport, local, remote)) => (
                transport.in_via().to_string().to_ascii_lowercase(),
                local.to_string(),
                remote.to_string(),
            ),
            None => {
                let source = entry.source.map(|source| source.to_string());
                (String::new(), String::new(), source.unwrap_or_default())
            }
        };
        let named = |(name, value): (&str, String)| (name.to_owned(), value);
        Self {
            at_ns: entry.at_ns,
            kind: match entry.kind {
                Kind::Received => "received",
                Kind::Sent => "sent",
                Kind::Ordered => "ordered",
                Kind::Told => "told",
                Kind::Heard => "heard",
                Kind::Lost => "lost",
            },
            transport,
            local,
            remote,
            payload: entry.payload,
            text: entry.text,
            fields: entry.fields.into_iter().map(named).collect(),
        }
    }
}

impl From<Traced> for TracedCall {
    fn from(traced: Traced) -> Self {
        Self {
            call_id: traced.call_id,
            call: traced.call.map(|call| call.0),
            first_ns: traced.first_ns,
            last_ns: traced.last_ns,
            incoming: traced.incoming,
            remote: traced.remote.to_string(),
            method: traced.method,
            uri: traced.uri,
            caller: traced.from,
            messages: traced.messages,
            code: traced.code,
            outcome: traced.outcome,
        }
    }
}
