//! What is said of the record when somebody asks.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use sems_sip::transaction::Transport;

use super::{
    Noted, Subject, Trace, What,
    heard::Heard,
    say::{self, Fields},
    subject::names,
};
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
    /// Packets came to the RTP or RTCP port, one after the other.
    Heard,
    /// A connection is closed, or nobody is at the other end.
    Lost,
}

/// One thing that happened in a call, its secrets masked.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, in nanoseconds of the Unix time, or of virtual time.
    pub at_ns: u64,
    /// What kind of thing.
    pub kind: Kind,
    /// Of a message: what carried it, our address and the peer's. The same of what is lost.
    pub flow: Option<(Transport, SocketAddr, SocketAddr)>,
    /// Of packets: where they came from.
    pub source: Option<SocketAddr>,
    /// Of a message: all of it.
    pub payload: Vec<u8>,
    /// Of anything else: what, in a word.
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
                What::Named(Subject::Call(call), call_id) => {
                    numbers.insert(*call, call_id.to_string());
                    if let Some(traced) = calls.get_mut(&**call_id) {
                        traced.call = Some(*call);
                    }
                }
                What::Told(Subject::Call(call), told) => {
                    let traced = numbers.get(call).and_then(|id| calls.get_mut(id));
                    if let (Some(traced), Some(outcome)) = (traced, say::outcome(told)) {
                        traced.outcome = outcome;
                    }
                }
                What::Ordered(..)
                | What::Named(..)
                | What::Told(..)
                | What::Heard(..)
                | What::Lost(_) => {}
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
        let names = names(pieces.iter().flat_map(|piece| piece.iter()));
        let call_id = names.get(&Subject::Call(call)).map(String::as_str);
        self.select(&pieces, &names, call_id, Some(call))
    }

    /// All that is recorded under this Call-ID, or `unreadable@ADDRESS`.
    pub fn of(&self, call_id: &str) -> Vec<Entry> {
        let pieces = self.snapshot();
        let names = names(pieces.iter().flat_map(|piece| piece.iter()));
        self.select(&pieces, &names, Some(call_id), None)
    }

    fn select(
        &self,
        pieces: &[Arc<[Noted]>],
        names: &HashMap<Subject, String>,
        call_id: Option<&str>,
        call: Option<CallId>,
    ) -> Vec<Entry> {
        let mut entries = Vec::new();
        let is_wanted = |subject: &Subject| match names.get(subject) {
            Some(name) => Some(name.as_str()) == call_id,
            None => call.is_some_and(|call| *subject == Subject::Call(call)),
        };
        // The ways that its messages take.
        let mut flows = Vec::new();
        for noted in pieces.iter().flat_map(|piece| piece.iter()) {
            let at_ns = self.nanoseconds(noted.at);
            let entry = |kind, text: &str, fields| Entry {
                at_ns,
                kind,
                flow: None,
                source: None,
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
                    if !flows.contains(flow) {
                        flows.push(*flow);
                    }
                    entries.push(Entry {
                        flow: Some((flow.transport, flow.local, flow.remote)),
                        payload: self.masks.message(payload),
                        ..entry(kind, "", Vec::new())
                    });
                }
                What::Ordered(subject, request, command)
                    if is_wanted(subject) || (*subject == Subject::All && !entries.is_empty()) =>
                {
                    let (text, fields) = say::command(command, *request, &self.masks);
                    entries.push(entry(Kind::Ordered, text, fields));
                }
                What::Told(subject, told) if is_wanted(subject) => {
                    let (text, fields) = say::told(told, &self.masks);
                    entries.push(entry(Kind::Told, &text, fields));
                }
                What::Heard(call, heard) if is_wanted(&Subject::Call(*call)) => {
                    entries.extend(self.heard(heard));
                }
                What::Lost(flow) if flows.contains(flow) => {
                    flows.retain(|other| other != flow);
                    let text = match flow.transport.is_reliable() {
                        true => "the connection is closed",
                        false => "nobody is there",
                    };
                    entries.push(Entry {
                        flow: Some((flow.transport, flow.local, flow.remote)),
                        ..entry(Kind::Lost, text, Vec::new())
                    });
                }
                What::Ordered(..)
                | What::Told(..)
                | What::Named(..)
                | What::Heard(..)
                | What::Lost(_) => {}
            }
        }
        // What came to the ports was noted elsewhere.
        entries.sort_by_key(|entry| entry.at_ns);
        entries
    }

    /// What came to the ports of a call.
    fn heard(&self, heard: &Heard) -> Vec<Entry> {
        let start = self.since_epoch.as_nanos() as u64;
        let entry = |at: Duration, source, (text, fields): (String, Fields)| Entry {
            at_ns: start + at.as_nanos() as u64,
            kind: Kind::Heard,
            flow: None,
            source,
            payload: Vec::new(),
            text,
            fields,
        };
        let runs = heard.runs().into_iter();
        let runs = runs.map(|run| entry(run.at, Some(run.from), say::run(&run)));
        let full = heard.full_since();
        let full = full.map(|at| entry(at, None, (say::FULL.to_owned(), Vec::new())));
        runs.chain(full).collect()
    }
}

/// The method of a request.
pub(super) fn method_of(payload: &[u8]) -> Option<&[u8]> {
    first_line(payload).split(|byte| *byte == b' ').next()
}

fn first_line(payload: &[u8]) -> &[u8] {
    let start = payload.iter().take_while(|b| b"\r\n".contains(b)).count();
    let end = memchr::memchr2(b'\r', b'\n', &payload[start..]);
    &payload[start..end.map_or(payload.len(), |end| start + end)]
}

/// The value of the first header field of this name, which may begin on a line that continues that of
/// the name (RFC 3261 §7.3.1).
fn header<'a>(payload: &'a [u8], name: &str, short: &str) -> Option<&'a [u8]> {
    let blank = payload.iter().take_while(|b| b"\r\n".contains(b)).count();
    let mut lines = payload[blank..].split(|byte| *byte == b'\n').skip(1);
    while let Some(line) = lines.next() {
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
            let value = line[colon + 1..].trim_ascii();
            let is_folded = |line: &&[u8]| matches!(line.first(), Some(b' ' | b'\t'));
            return match value.is_empty() {
                true => lines.next().filter(is_folded).map(<[u8]>::trim_ascii),
                false => Some(value),
            };
        }
    }
    None
}

pub(super) fn key_of(payload: &[u8], remote: SocketAddr) -> String {
    match header(payload, "call-id", "i") {
        Some(call_id) if !call_id.is_empty() => String::from_utf8_lossy(call_id).into_owned(),
        _ => format!("unreadable@{remote}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_id_is_found_however_it_is_written() {
        let remote = "192.0.2.1:5060".parse().unwrap();
        for line in [
            "Call-ID: a@b",
            "i:a@b",
            "CALL-ID\t:\t a@b ",
            "Call-ID:\r\n a@b",
        ] {
            let message = format!("\r\nBYE sip:a@b SIP/2.0\r\nTo: <sip:b>\r\n{line}\r\n\r\n");
            assert_eq!(key_of(message.as_bytes(), remote), "a@b", "{line:?}");
        }
        for line in ["Call-ID:", "Call-ID:\r\nCSeq: 1 BYE", "Call-Idea: a@b"] {
            let message = format!("BYE sip:a@b SIP/2.0\r\n{line}\r\n\r\nCall-ID: a@b");
            let key = key_of(message.as_bytes(), remote);
            assert_eq!(key, "unreadable@192.0.2.1:5060", "{line:?}");
        }
    }
}
