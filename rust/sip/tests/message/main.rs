//! What is read as a message, what isn't, and what its sender is told.

mod printed;
mod read;
mod refused;

use sems_sip::{Bytes, Message, Request, Response};

const INVITE: &str = "\
INVITE sip:standup@192.0.2.10 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bKPj8f3c2d
Max-Forwards: 70
From: \"Ann\" <sip:ann@example.org>;tag=1928301774
To: <sip:standup@192.0.2.10>
Contact: <sip:ann@198.51.100.7:5060;ob>
Call-ID: a84b4c76e66710
CSeq: 314159 INVITE
Content-Type: text/plain
Content-Length: 5

hello";

fn datagram(text: &str) -> Bytes {
    text.replace('\n', "\r\n").into()
}

fn request(text: &str) -> Request {
    match Message::parse(&datagram(text)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

fn response(text: &str) -> Response {
    match Message::parse(&datagram(text)) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

/// `INVITE` with one line in another's place; an empty one takes it away.
fn with(name: &str, line: &str) -> String {
    let lines = INVITE
        .lines()
        .filter_map(|old| match old.starts_with(name) {
            true => Some(line).filter(|line| !line.is_empty()),
            false => Some(old),
        });
    lines.collect::<Vec<_>>().join("\n")
}
