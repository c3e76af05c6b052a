//! Each torture message to a user agent; what comes out is what the RFC demands.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sems_sip::header::{Allow, Header, NameAddr, To, Unsupported, Via};
use sems_sip::transaction::Transport;
use sems_sip::user_agent::{Event, OutgoingRequest, Output, UserAgentConfig};
use sems_sip::{Bytes, Flow, HeaderName, Headers, Message, Method, Request};
use sems_sip::{Uri, UserAgent};
use sems_torture::{Corpus, Outcome, RFC4475, RFC5118, Row};

/// A user agent that takes MESSAGE and REGISTER beside calls.
struct Agent {
    agent: UserAgent,
    now: Instant,
    sent: Vec<Bytes>,
    events: Vec<Event>,
}

impl Agent {
    fn new() -> Self {
        let config = UserAgentConfig {
            methods: vec![Method::Message, Method::Register],
            ..Default::default()
        };
        Self {
            agent: UserAgent::new(config, [7; 32]),
            now: Instant::now(),
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    fn flow() -> Flow {
        Flow {
            transport: Transport::Udp,
            local: SocketAddr::from(([192, 0, 2, 2], 5060)),
            remote: SocketAddr::from(([192, 0, 2, 77], 5060)),
        }
    }

    fn receive(&mut self, bytes: Vec<u8>) {
        self.agent.receive(self.now, Self::flow(), bytes.into());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Transmit { payload, .. } => self.sent.push(payload),
            }
        }
    }

    /// Lets so much time pass.
    fn wait(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while let Some(next) = self.agent.next_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.agent.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// The only thing that was sent, a response.
    fn response(&mut self, row: &Row) -> Vec<u8> {
        let sent = std::mem::take(&mut self.sent);
        assert_eq!(sent.len(), 1, "{}: {sent:?}", row.name);
        assert!(sent[0].starts_with(b"SIP/2.0 "), "{}", row.name);
        sent[0].to_vec()
    }

    fn assert_silent(&self, row: &Row) {
        assert!(self.sent.is_empty(), "{}: {:?}", row.name, self.sent);
        assert!(self.events.is_empty(), "{}: {:?}", row.name, self.events);
    }
}

fn each(check: impl Fn(&Corpus, &Row)) {
    for corpus in [&RFC4475, &RFC5118] {
        for row in corpus.rows {
            check(corpus, row);
        }
    }
}

#[test]
fn a_user_agent_does_with_each_request_what_the_rfc_demands() {
    each(|corpus, row| {
        let mut agent = Agent::new();
        agent.receive(corpus.bytes(row));
        match row.outcome {
            Outcome::Invited => {
                assert_status(&agent.response(row), 100, row);
                assert!(
                    matches!(agent.events[..], [Event::Invite { .. }]),
                    "{}: {:?}",
                    row.name,
                    agent.events
                );
            }
            Outcome::Taken => {
                assert!(agent.sent.is_empty(), "{}: {:?}", row.name, agent.sent);
                assert!(
                    matches!(agent.events[..], [Event::Request { .. }]),
                    "{}: {:?}",
                    row.name,
                    agent.events
                );
            }
            Outcome::Answered(status) | Outcome::Refused(status) => {
                let answer = agent.response(row);
                assert_status(&answer, status, row);
                assert_repeats(&answer, &corpus.bytes(row), row);
                assert!(agent.events.is_empty(), "{}: {:?}", row.name, agent.events);
                let malformed = matches!(row.outcome, Outcome::Refused(_));
                let counters = agent.agent.counters();
                assert_eq!(counters.malformed, u64::from(malformed), "{}", row.name);
            }
            Outcome::Accepted | Outcome::Trying | Outcome::Ignored => {
                agent.assert_silent(row);
                assert_eq!(agent.agent.counters().stray_responses, 1, "{}", row.name);
            }
            Outcome::Dropped => {
                agent.assert_silent(row);
                assert_eq!(agent.agent.counters().malformed, 1, "{}", row.name);
            }
        }
    });
}

/// A response that is made to answer a request of ours, all that is odd about it kept.
#[test]
fn a_user_agent_that_waits_does_with_each_response_what_the_rfc_demands() {
    let responses = std::cell::Cell::new(0);
    each(|corpus, row| {
        let bytes = corpus.bytes(row);
        if !bytes.starts_with(b"SIP/2.0 ") {
            return;
        }
        responses.set(responses.get() + 1);
        let mut agent = Agent::new();
        let to: Uri = "sip:user@example.edu".parse().unwrap();
        let from = NameAddr::new("sip:user@example.com".parse::<Uri>().unwrap());
        let invite = OutgoingRequest::new(Agent::flow(), to, from);
        agent.agent.invite(agent.now, invite).unwrap();
        agent.drain();
        let invite = agent.sent.pop().expect("an INVITE");
        agent.receive(addressed(&bytes, &invite));
        match row.outcome {
            Outcome::Accepted => {
                assert!(
                    matches!(&agent.events[..], [Event::Accepted { .. }]),
                    "{}: {:?}",
                    row.name,
                    agent.events
                );
            }
            Outcome::Trying => {
                agent.wait(30);
                agent.assert_silent(row);
            }
            Outcome::Ignored | Outcome::Dropped => {
                // As if nothing had come: the INVITE goes out again.
                agent.wait(1);
                assert_eq!(agent.sent[0], invite, "{}", row.name);
                assert!(agent.events.is_empty(), "{}: {:?}", row.name, agent.events);
            }
            other => panic!("{}: {other:?} for a response", row.name),
        }
    });
    assert_eq!(responses.get(), 5, "each response has been tried");
}

#[test]
fn the_answers_say_what_would_be_taken() {
    let answer = |name: &str| {
        let row = RFC4475.rows.iter().find(|row| row.name == name).unwrap();
        let mut agent = Agent::new();
        agent.receive(RFC4475.bytes(row));
        match Message::parse(&agent.response(row).into()) {
            Ok(Message::Response(response)) => response,
            other => panic!("{other:?}"),
        }
    };
    let require = |headers: &Headers, name| headers.get(&name).expect("the header").to_string();

    let allow: Allow = answer("intmeth").headers.require().unwrap();
    assert!(allow.contains(&Method::Invite) && allow.contains(&Method::Message));
    let unsupported: Unsupported = answer("bext01").headers.require().unwrap();
    assert_eq!(
        unsupported.to_string(),
        "nothingSupportsThis, nothingSupportsThisEither"
    );
    let accept = require(&answer("invut").headers, HeaderName::Accept);
    assert!(accept.contains("application/sdp"));
    let warning = require(&answer("sdp01").headers, HeaderName::Warning);
    assert!(warning.starts_with("399 "), "{warning}");
}

fn assert_status(answer: &[u8], status: u16, row: &Row) {
    let line = String::from_utf8_lossy(answer);
    let wanted = format!("SIP/2.0 {status} ");
    assert!(line.starts_with(&wanted), "{}: {line}", row.name);
}

/// A response repeats what it got: the branch of each Via, Call-ID and CSeq, as far as they came.
fn assert_repeats(answer: &[u8], request: &[u8], row: &Row) {
    let (answer, request) = (Message::parse(&answer.to_vec().into()), {
        Message::parse(&request.to_vec().into())
    });
    let (Ok(Message::Response(answer)), Ok(Message::Request(request))) = (answer, request) else {
        return;
    };
    assert_eq!(branches(&answer.headers), branches(&request.headers));
    for name in [HeaderName::CallId, HeaderName::CSeq, HeaderName::From] {
        let (a, b) = (answer.headers.get(&name), request.headers.get(&name));
        assert_eq!(a, b, "{}", row.name);
    }
    let to: To = answer.headers.require().expect("To");
    assert!(to.tag().is_some(), "{}", row.name);
}

fn branches(headers: &Headers) -> Vec<String> {
    let vias = headers
        .get_all_typed::<Via>()
        .map(|via| via.expect("a Via"));
    vias.map(|via| via.branch().unwrap_or_default().to_owned())
        .collect()
}

/// The response with the topmost Via, the From tag, Call-ID and, if it can be read, the CSeq of a
/// request of ours.
fn addressed(response: &[u8], request: &[u8]) -> Vec<u8> {
    let Ok(Message::Request(request)) = Message::parse(&request.to_vec().into()) else {
        panic!("our own request")
    };
    let text = String::from_utf8(response.to_vec()).expect("UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("an empty line");
    let mut vias = 0;
    let lines = head.split("\r\n").map(|line| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        match name {
            "Via" => {
                vias += 1;
                match vias {
                    1 => row_of::<Via>(&request),
                    _ => line.to_owned(),
                }
            }
            "From" => row_of::<sems_sip::header::From>(&request),
            "Call-ID" => row_of::<sems_sip::header::CallId>(&request),
            "CSeq" if line.len() < 24 => row_of::<sems_sip::header::CSeq>(&request),
            _ => line.to_owned(),
        }
    });
    let lines: Vec<_> = lines.collect();
    format!("{}\r\n\r\n{body}", lines.join("\r\n")).into_bytes()
}

fn row_of<T: Header>(request: &Request) -> String {
    let header: T = request.headers.require().expect("in our own request");
    format!("{}: {header}", T::NAME)
}
