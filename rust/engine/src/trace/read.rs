//! What is said of the record when somebody asks.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use sems_sip::transaction::Transport;

use super::{Noted, Trace, What, say};
use crate::ids::CallId;

/// What kind of thing was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message arrived.
    Received,
    /// A message was sent.
    Sent,
    /// Python ordered something.
    Ordered,
    /// Python was told something.
    Told,
}

/// One thing that happened in a call, its secrets masked.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, in nanoseconds of the Unix time, or of virtual time.
    pub at_ns: u64,
    /// What kind of thing.
    pub kind: Kind,
    /// Of a message: what carried it, our address and the peer's.
    pub flow: Option<(Transport, SocketAddr, SocketAddr)>,
    /// Of a message: all of it.
    pub payload: Vec<u8>,
    /// Of an order or a note: what, in a word.
    pub text: String,
    /// Its details, by name.
    pub fields: Vec<(&'static str, String)>,
}

/// A call, or any other request, of which messages are recorded.
#[derive(Clone, Debug)]
pub struct TracedCall {
    /// Its Call-ID; `unreadable@ADDRESS` for what had none.
    pub call_id: String,
    /// Its number, if it came as far as to get one.
    pub call: Option<CallId>,
    /// When its first recorded message passed, as in [`Entry::at_ns`].
    pub first_ns: u64,
    /// When the last did.
    pub last_ns: u64,
    /// The peer sent the first recorded message.
    pub incoming: bool,
    /// The peer.
    pub remote: SocketAddr,
    /// The method of the first recorded request.
    pub method: String,
    /// Its Request-URI.
    pub uri: String,
    /// Its From.
    pub from: String,
    /// How many messages are recorded.
    pub messages: usize,
    /// The final response to the first request, the last of several.
    pub code: Option<u16>,
    /// How it ended, in plain words; empty while it lasts.
    pub outcome: String,
}

impl Trace {
    /// What is recorded of whom: those whose last message is the newest first, `limit` at most.
    pub fn calls(&self, limit: usize) -> Vec<TracedCall> {
        let pieces = self.snapshot();
        let mut calls: HashMap<String, TracedCall> = HashMap::new();
        let mut numbers: HashMap<CallId, String> = HashMap::new();
        for noted in pieces.iter().flat_map(|piece| piece.iter()) {
            match &noted.what {
                What::Call(call, call_id) => {
                    numbers.insert(*call, call_id.to_string());
                    if let Some(traced) = calls.get_mut(&**call_id) {
                        traced.call = Some(*call);
                    }
                }
                What::Told(call, told) => {
                    let traced = numbers.get(call).and_then(|id| calls.get_mut(id));
                    if let (Some(traced), Some(outcome)) = (traced, say::outcome(told)) {
                        traced.outcome = outcome;
                    }
                }
                What::Ordered(..) => {}
                What::Received(flow, payload) | What::Sent(flow, payload) => {
                    let at = self.nanoseconds(noted.at);
                    let key = key_of(payload, flow.remote);
                    let incoming = matches!(noted.what, What::Received(..));
                    let traced = calls.entry(key.clone()).or_insert_with(|| {
                        let call = numbers.iter().find(|(_, id)| **id == key);
                        TracedCall {
                            call: call.map(|(call, _)| *call),
                            call_id: key,
                            first_ns: at,
                            last_ns: at,
                            incoming,
                            remote: flow.remote,
                            method: String::new(),
                            uri: String::new(),
                            from: String::new(),
                            messages: 0,
                            code: None,
                            outcome: String::new(),
                        }
                    });
                    traced.last_ns = at;
                    traced.messages += 1;
                    self.note_message(traced, payload);
                }
            }
        }
        let mut calls: Vec<_> = calls.into_values().collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.last_ns));
        calls.truncate(limit);
        for call in calls.iter_mut().filter(|call| call.outcome.is_empty()) {
            call.outcome = match call.code {
                _ if call.call.is_some() => String::new(),
                Some(code) if call.incoming => format!("answered {code} without a call"),
                Some(code) => format!("the answer was {code}"),
                None => String::new(),
            };
        }
        calls
    }

    fn note_message(&self, traced: &mut TracedCall, payload: &[u8]) {
        let line = String::from_utf8_lossy(first_line(payload));
        let mut words = line.split(' ');
        match (words.next().unwrap_or_default(), words.next()) {
            ("SIP/2.0", Some(code)) => {
                let code = code.parse::<u16>().ok().filter(|code| *code >= 200);
                let cseq = header(payload, "cseq", "").unwrap_or_default();
                let method = String::from_utf8_lossy(cseq);
                if traced.method.is_empty() || method.ends_with(&traced.method) {
                    traced.code = code.or(traced.code);
                }
            }
            (method, uri) if traced.method.is_empty() => {
                traced.method = method.chars().take(32).collect();
                traced.uri = self.masks.text(uri.unwrap_or_default());
                let from = header(payload, "from", "f").unwrap_or_default();
                traced.from = self.masks.text(&String::from_utf8_lossy(from));
            }
            _ => {}
        }
    }

    /// All that is recorded of the call with this number.
    pub fn of_call(&self, call: CallId) -> Vec<Entry> {
        let pieces = self.snapshot();
        let named = pieces
            .iter()
            .flat_map(|piece| piece.iter())
            .find_map(|noted| match &noted.what {
                What::Call(number, call_id) if *number == call => Some(call_id.to_string()),
                _ => None,
            });
        self.select(&pieces, named.as_deref(), &[call])
    }

    /// All that is recorded under this Call-ID, or `unreadable@ADDRESS`.
    pub fn of(&self, call_id: &str) -> Vec<Entry> {
        let pieces = self.snapshot();
        let numbers: Vec<_> = pieces
            .iter()
            .flat_map(|piece| piece.iter())
            .filter_map(|noted| match &noted.what {
                What::Call(number, named) if **named == *call_id => Some(*number),
                _ => None,
            })
            .collect();
        self.select(&pieces, Some(call_id), &numbers)
    }

    fn select(
        &self,
        pieces: &[Arc<[Noted]>],
        call_id: Option<&str>,
        numbers: &[CallId],
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        for noted in pieces.iter().flat_map(|piece| piece.iter()) {
            let at_ns = self.nanoseconds(noted.at);
            let entry = |kind, text: &str, fields| Entry {
                at_ns,
                kind,
                flow: None,
                payload: Vec::new(),
                text: text.to_owned(),
                fields,
            };
            match &noted.what {
                What::Received(flow, payload) | What::Sent(flow, payload) => {
                    if Some(key_of(payload, flow.remote).as_str()) != call_id {
                        continue;
                    }
                    let kind = match &noted.what {
                        What::Received(..) => Kind::Received,
                        _ => Kind::Sent,
                    };
                    entries.push(Entry {
                        flow: Some((flow.transport, flow.local, flow.remote)),
                        payload: self.masks.message(payload),
                        ..entry(kind, "", Vec::new())
                    });
                }
                What::Ordered(call, command) if numbers.contains(call) => {
                    let (text, fields) = say::command(command, &self.masks);
                    entries.push(entry(Kind::Ordered, text, fields));
                }
                What::Told(call, told) if numbers.contains(call) => {
                    let (text, fields) = say::told(told, &self.masks);
                    entries.push(entry(Kind::Told, &text, fields));
                }
                What::Ordered(..) | What::Told(..) | What::Call(..) => {}
            }
        }
        entries
    }
}

fn first_line(payload: &[u8]) -> &[u8] {
    let start = payload.iter().take_while(|b| b"\r\n".contains(b)).count();
    let end = memchr::memchr2(b'\r', b'\n', &payload[start..]);
    &payload[start..end.map_or(payload.len(), |end| start + end)]
}

/// The value of the first header field of this name.
fn header<'a>(payload: &'a [u8], name: &str, short: &str) -> Option<&'a [u8]> {
    let blank = payload.iter().take_while(|b| b"\r\n".contains(b)).count();
    for line in payload[blank..].split(|byte| *byte == b'\n').skip(1) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return None;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let found = line[..colon].trim_ascii();
        if found.eq_ignore_ascii_case(name.as_bytes())
            || (!short.is_empty() && found.eq_ignore_ascii_case(short.as_bytes()))
        {
            return Some(line[colon + 1..].trim_ascii());
        }
    }
    None
}

fn key_of(payload: &[u8], remote: SocketAddr) -> String {
    match header(payload, "call-id", "i") {
        Some(call_id) if !call_id.is_empty() => String::from_utf8_lossy(call_id).into_owned(),
        _ => format!("unreadable@{remote}"),
    }
}
