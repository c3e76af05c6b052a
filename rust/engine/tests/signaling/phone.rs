//! A phone that sends whatever text a test wants, at an address of its own.

use std::{cell::RefCell, net::SocketAddr, time::Duration};

use sems_engine::transport::memory::{MemoryHost, MemorySocket};

use crate::world::World;

/// A raw SIP phone.
pub struct Phone {
    host: MemoryHost,
    socket: MemorySocket,
    /// Where it sends to.
    peer: SocketAddr,
    /// All that it has received.
    pub received: RefCell<Vec<String>>,
}

/// An offer of PCMU at the given address and port.
pub fn offer(at: SocketAddr) -> String {
    description(
        at,
        "m=audio PORT RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
    )
}

/// A description whose media lines are given; `PORT` in them becomes the port.
pub fn description(at: SocketAddr, media: &str) -> String {
    let media = media.replace("PORT", &at.port().to_string());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=phone\r\nc=IN IP4 {ip}\r\nt=0 0\r\n{media}",
        ip = at.ip()
    )
}

/// The value of the first header field of that name.
pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = message.split_once("\r\n\r\n")?;
    head.split("\r\n")
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The body.
pub fn body(message: &str) -> &str {
    message.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The port of the first audio line.
pub fn audio_port(message: &str) -> u16 {
    let line = body(message)
        .lines()
        .find_map(|line| line.strip_prefix("m=audio "));
    line.and_then(|line| line.split(' ').next())
        .unwrap()
        .parse()
        .unwrap()
}

impl Phone {
    /// A phone that speaks to the engine `who`.
    pub fn new(world: &World, who: usize) -> Self {
        let host = world.network.host();
        let socket = host.bind(5060).unwrap();
        Self {
            host,
            socket,
            peer: world.address(who),
            received: RefCell::default(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    /// An RTP socket of the phone.
    pub fn bind(&self, port: u16) -> MemorySocket {
        self.host.bind(port).unwrap()
    }

    pub fn send(&self, message: &str) {
        self.socket.send_to(message.as_bytes(), self.peer);
    }

    pub fn send_bytes(&self, message: &[u8]) {
        self.socket.send_to(message, self.peer);
    }

    /// Sends a request within the call named `call_id`. `to_tag` is the engine's.
    pub fn request(
        &self,
        method: &str,
        sequence: u32,
        call_id: &str,
        to_tag: Option<&str>,
        extra: &str,
        body: &str,
    ) {
        self.send(&self.text(method, sequence, call_id, to_tag, extra, body));
    }

    /// What [`Phone::request`] sends.
    pub fn text(
        &self,
        method: &str,
        sequence: u32,
        call_id: &str,
        to_tag: Option<&str>,
        extra: &str,
        body: &str,
    ) -> String {
        let here = self.address();
        let tag = to_tag.map_or(String::new(), |tag| format!(";tag={tag}"));
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/sdp\r\n",
        };
        let branch = match method {
            "CANCEL" => "INVITE",
            method => method,
        };
        format!(
            "{method} sip:standup@{peer} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {here};branch=z9hG4bK{call_id}{branch}{sequence};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:raw@{here}>;tag=raw\r\n\
             To: <sip:standup@{peer}>{tag}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {sequence} {method}\r\n\
             Contact: <sip:raw@{here}>\r\n\
             {extra}{kind}Content-Length: {length}\r\n\r\n{body}",
            peer = self.peer,
            length = body.len(),
        )
    }

    /// Answers a request of the engine's.
    pub fn respond(&self, request: &str, status: &str, to_tag: &str, body: &str) {
        self.reply(request, status, to_tag, "", body);
    }

    /// Answers a request of the engine's with further headers.
    pub fn respond_with(&self, request: &str, status: &str, extra: &str, body: &str) {
        self.reply(request, status, "raw", extra, body);
    }

    fn reply(&self, request: &str, status: &str, to_tag: &str, extra: &str, body: &str) {
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/sdp\r\n",
        };
        let to = header(request, "To").unwrap();
        let tag = match to.contains(";tag=") {
            true => String::new(),
            false => format!(";tag={to_tag}"),
        };
        self.send(&format!(
            "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to}{tag}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: <sip:raw@{here}>\r\n\
             {extra}{kind}Content-Length: {length}\r\n\r\n{body}",
            via = header(request, "Via").unwrap(),
            from = header(request, "From").unwrap(),
            call_id = header(request, "Call-ID").unwrap(),
            cseq = header(request, "CSeq").unwrap(),
            here = self.address(),
            length = body.len(),
        ));
    }

    /// Takes what has arrived.
    pub fn take(&self) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some((_, data)) = self.socket.take() {
            messages.push(String::from_utf8(data).unwrap());
        }
        self.received.borrow_mut().extend(messages.iter().cloned());
        messages
    }

    /// Lets time pass until a message begins with `start`.
    #[track_caller]
    pub fn expect(&self, world: &mut World, start: &str) -> String {
        let mut others = Vec::new();
        for _ in 0..7000 {
            for message in self.take() {
                if message.starts_with(start) {
                    return message;
                }
                others.push(message.lines().next().unwrap_or_default().to_owned());
            }
            world.run(Duration::from_millis(10));
        }
        panic!("no {start}, but {others:#?}");
    }

    /// Calls the engine and returns the tag of its end once it is answered or refused with
    /// `status`, and acknowledges that.
    pub fn call(&self, world: &mut World, call_id: &str, body: &str, status: &str) -> String {
        self.request("INVITE", 1, call_id, None, "", body);
        let response = self.expect(world, &format!("SIP/2.0 {status}"));
        let tag = tag_of(&response);
        self.request("ACK", 1, call_id, Some(&tag), "", "");
        response
    }
}

/// The To tag of a message.
pub fn tag_of(message: &str) -> String {
    let (_, tag) = header(message, "To").unwrap().split_once(";tag=").unwrap();
    tag.to_owned()
}
