//! A user agent at 192.0.2.2 and what it says to whoever sends it datagrams.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sems_sip::header::{From, To};
use sems_sip::transaction::Transport;
use sems_sip::user_agent::{Content, Event, Output, SessionId, UserAgentConfig};
use sems_sip::{Flow, HeaderName, Headers, Message, Request, Response, UserAgent};

pub const PHONE: &str = "192.0.2.1:5060";

/// One user agent, its clock, and what came out of it.
pub struct Wire {
    pub agent: UserAgent,
    pub now: Instant,
    pub start: Instant,
    pub flow: Flow,
    pub events: Vec<Event>,
    pub sent: Vec<(Duration, Flow, Message)>,
    /// Keep-alives sent.
    pub pings: usize,
}

impl Wire {
    pub fn new() -> Self {
        Self::with(UserAgentConfig::default())
    }

    pub fn with(config: UserAgentConfig) -> Self {
        let now = Instant::now();
        Self {
            agent: UserAgent::new(config, [7; 32]),
            now,
            start: now,
            flow: flow(PHONE),
            events: Vec::new(),
            sent: Vec::new(),
            pings: 0,
        }
    }

    /// Hands the user agent a datagram from the phone. Lines end in LF, the headers in an empty
    /// line; a body may follow.
    pub fn receive(&mut self, text: &str) {
        self.receive_from(self.flow, text);
    }

    pub fn receive_from(&mut self, flow: Flow, text: &str) {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let datagram = format!("{}\r\n\r\n{body}", head.trim_end().replace('\n', "\r\n"));
        self.agent.receive(self.now, flow, datagram.into());
        self.drain();
    }

    pub fn drain(&mut self) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Transmit { payload, .. } if payload == "\r\n\r\n" => self.pings += 1,
                Output::Transmit { flow, payload } => match Message::parse(&payload) {
                    Ok(message) => self.sent.push((self.now - self.start, flow, message)),
                    // The answer to a malformed request repeats what is wrong with it.
                    Err(error) => assert!(payload.starts_with(b"SIP/2.0 4"), "{error}"),
                },
            }
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        self.drain();
        let end = self.now + time;
        while let Some(next) = self.agent.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.agent.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Lets time pass until nothing is waited for.
    pub fn wait_for_the_end(&mut self) {
        self.wait(Duration::from_secs(600));
        assert_eq!(self.agent.next_timeout(), None);
    }

    /// Takes the only message that was sent since the last time, a response.
    pub fn response(&mut self) -> Response {
        let mut sent = std::mem::take(&mut self.sent);
        match (sent.pop(), sent.is_empty()) {
            (Some((_, _, Message::Response(response))), true) => response,
            (last, _) => panic!("not one response but {sent:?} {last:?}"),
        }
    }

    /// Takes the only message that was sent since the last time, a request.
    pub fn request(&mut self) -> Request {
        let mut sent = std::mem::take(&mut self.sent);
        match (sent.pop(), sent.is_empty()) {
            (Some((_, _, Message::Request(request))), true) => request,
            (last, _) => panic!("not one request but {sent:?} {last:?}"),
        }
    }

    /// Takes the first lines of all that was sent since the last time: methods and status codes.
    pub fn said(&mut self) -> Vec<String> {
        let sent = std::mem::take(&mut self.sent);
        sent.iter().map(|(_, _, message)| word(message)).collect()
    }

    /// When messages were sent, in milliseconds, of those that `said` would call so.
    pub fn times_of(&self, wanted: &str) -> Vec<u128> {
        self.sent
            .iter()
            .filter(|(_, _, message)| word(message) == wanted)
            .map(|(at, ..)| at.as_millis())
            .collect()
    }

    /// Takes the events.
    pub fn told(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Has an INVITE come, and takes its 100.
    pub fn invited(&mut self) -> SessionId {
        self.invited_by(&invite(""))
    }

    /// Has this INVITE come, and takes its 100.
    pub fn invited_by(&mut self, invite: &str) -> SessionId {
        self.receive(invite);
        assert_eq!(self.said(), ["100"]);
        match &self.told()[..] {
            [Event::Invite { session, .. }] => *session,
            other => panic!("{other:?}"),
        }
    }

    /// Accepts a call; our 200.
    pub fn accept(&mut self, session: SessionId, content: Option<Content>) -> Response {
        self.agent
            .accept(self.now, session, Headers::new(), content)
            .unwrap();
        self.drain();
        self.response()
    }

    /// The phone acknowledges our 200, which had this tag.
    pub fn acknowledge(&mut self, tag: &str) {
        self.receive(&request("ACK", "z9hG4bKack", tag, ""));
        assert!(matches!(&self.told()[..], [Event::Confirmed { .. }]));
    }

    /// A call comes in from there and is accepted; our 200 is not taken yet.
    pub fn accepted_from(&mut self, from: Flow, invite: &str) -> SessionId {
        self.receive_from(from, invite);
        self.said();
        let session = match self.told().pop() {
            Some(Event::Invite { session, .. }) => session,
            other => panic!("{other:?}"),
        };
        self.agent
            .accept(self.now, session, Headers::new(), None)
            .unwrap();
        self.drain();
        session
    }

    /// A call comes in from there, is accepted and acknowledged.
    pub fn called_from(&mut self, from: Flow, invite: &str) -> SessionId {
        let session = self.accepted_from(from, invite);
        let tag = to_tag(&self.response());
        self.receive_from(from, &request("ACK", "z9hG4bKack", &tag, ""));
        assert!(matches!(self.told().pop(), Some(Event::Confirmed { .. })));
        session
    }

    pub fn is_empty(&self) -> bool {
        self.agent.census() == Default::default()
    }
}

pub fn flow(remote: &str) -> Flow {
    let remote: SocketAddr = remote.parse().unwrap();
    let local = match remote.is_ipv4() {
        true => "192.0.2.2:5060",
        false => "[2001:db8::2]:5060",
    };
    Flow {
        transport: Transport::Udp,
        local: local.parse().unwrap(),
        remote,
    }
}

fn word(message: &Message) -> String {
    match message {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => response.status.to_string(),
    }
}

/// An INVITE without a body, with further header lines.
pub fn invite(headers: &str) -> String {
    request("INVITE", "z9hG4bKinvite", "", headers)
}

/// A request of the phone's, CSeq 1, with this branch, To parameters and further header lines.
pub fn request(method: &str, branch: &str, to: &str, headers: &str) -> String {
    numbered(1, method, branch, to, headers)
}

/// The same with another CSeq.
pub fn numbered(sequence: u32, method: &str, branch: &str, to: &str, headers: &str) -> String {
    format!(
        "{method} sip:room@192.0.2.2 SIP/2.0\n\
         Via: SIP/2.0/UDP {PHONE};branch={branch};rport\n\
         From: \"Ann\" <sip:ann@192.0.2.1>;tag=ann\n\
         To: <sip:room@192.0.2.2>{to}\n\
         Call-ID: call-1\n\
         CSeq: {sequence} {method}\n\
         Contact: <sip:ann@{PHONE}>\n\
         Max-Forwards: 70\n\
         {headers}"
    )
}

/// The To tag of a response, written as a parameter.
pub fn to_tag(response: &Response) -> String {
    let to = response.headers.require::<To>().unwrap();
    format!(";tag={}", to.tag().expect("a To tag"))
}

/// Our tag in a request of ours.
pub fn from_tag(request: &Request) -> String {
    let from = request.headers.require::<From>().unwrap();
    from.tag().expect("a From tag").to_owned()
}

/// The values of a header, joined.
pub fn header(message: &Message, name: HeaderName) -> String {
    let values: Vec<_> = message.headers().get_all(&name).collect();
    values.join(", ")
}

/// The answer of a phone with this tag and Contact to a request of ours, as text.
pub fn reply(request: &Request, status: &str, tag: &str, headers: &str) -> String {
    let line = |name: HeaderName| {
        let mut lines = String::new();
        for value in request.headers.get_all(&name) {
            lines += &format!("{name}: {value}\n");
        }
        lines
    };
    let to = line(HeaderName::To).trim_end().to_owned();
    let to = match to.contains(";tag=") || tag.is_empty() {
        true => to,
        false => format!("{to};tag={tag}"),
    };
    format!(
        "SIP/2.0 {status}\n{}{}{to}\n{}{}{headers}",
        line(HeaderName::Via),
        line(HeaderName::From),
        line(HeaderName::CallId),
        line(HeaderName::CSeq),
    )
}
