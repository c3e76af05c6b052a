//! What a call costs the signaling thread: reading messages, and carrying a transaction through.

use std::{
    hint::black_box,
    net::SocketAddr,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sems_sdp::SessionDescription;
use sems_sip::{
    Bytes, Flow, Headers, Message, Method, StatusCode, Uri, UserAgent,
    header::{CSeq, CallId, Contact, From, NameAddr, Route, To, Via},
    transaction::Transport,
    user_agent::{Admission, Content, Event, OutgoingRequest, Output, Reply, UserAgentConfig},
};

/// An INVITE as a desk phone sends it through two proxies.
const INVITE: &str = "INVITE sip:standup@192.0.2.10:5060 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK8f1d.62a9b1c3.1\r\n\
    Via: SIP/2.0/UDP 198.51.100.4:5060;rport=5060;received=198.51.100.4;branch=z9hG4bK-524287-1---a8c\r\n\
    Record-Route: <sip:192.0.2.20;lr;ftag=7e3a9b21>\r\n\
    Route: <sip:192.0.2.10;lr>\r\n\
    Max-Forwards: 69\r\n\
    Contact: \"Ann Example\" <sip:ann@198.51.100.4:5060;transport=udp>;+sip.instance=\"<urn:uuid:0c67446e>\"\r\n\
    To: <sip:standup@sems.example>\r\n\
    From: \"Ann Example\" <sip:ann@sems.example>;tag=7e3a9b21\r\n\
    Call-ID: 48216NjJmYzE0NGQ5ZjQ3@198.51.100.4\r\n\
    CSeq: 1 INVITE\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, NOTIFY, REFER, MESSAGE, OPTIONS, INFO, SUBSCRIBE\r\n\
    Supported: replaces, norefersub, extended-refer, timer, outbound, path\r\n\
    User-Agent: Example desk phone 7.2\r\n\
    Allow-Events: presence, kpml, talk\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 304\r\n\
    \r\n";

const OFFER: &str = "v=0\r\n\
    o=- 1769162871 1 IN IP4 198.51.100.4\r\n\
    s=Example desk phone\r\n\
    c=IN IP4 198.51.100.4\r\n\
    t=0 0\r\n\
    m=audio 49170 RTP/AVP 9 8 0 101\r\n\
    a=rtpmap:9 G722/8000\r\n\
    a=rtpmap:8 PCMA/8000\r\n\
    a=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\n\
    a=ptime:20\r\n\
    a=maxptime:150\r\n\
    a=sendrecv\r\n";

fn invite() -> Bytes {
    let head = INVITE.replace("304", &OFFER.len().to_string());
    (head + OFFER).into()
}

fn parse(criterion: &mut Criterion) {
    let datagram = invite();
    let mut group = criterion.benchmark_group("sip/parse");
    group.throughput(Throughput::Bytes(datagram.len() as u64));
    group.bench_function("invite", |bencher| {
        bencher.iter(|| Message::parse(black_box(&datagram)).unwrap());
    });
    group.bench_function("invite_with_typed_headers", |bencher| {
        bencher.iter(|| {
            let message = Message::parse(black_box(&datagram)).unwrap();
            let headers = message.headers();
            black_box((
                headers.get_all_typed::<Via>().map(Result::unwrap).count(),
                headers.require::<From>().unwrap(),
                headers.require::<To>().unwrap(),
                headers.require::<CallId>().unwrap(),
                headers.require::<CSeq>().unwrap(),
                headers.require::<Contact>().unwrap(),
                headers.require::<Route>().unwrap(),
            ))
        });
    });
    group.bench_function("invite_with_typed_headers_and_sdp", |bencher| {
        bencher.iter(|| {
            let Message::Request(request) = Message::parse(black_box(&datagram)).unwrap() else {
                unreachable!("it is a request")
            };
            let headers = &request.headers;
            black_box((
                headers.get_all_typed::<Via>().map(Result::unwrap).count(),
                headers.require::<From>().unwrap(),
                headers.require::<To>().unwrap(),
                headers.require::<CallId>().unwrap(),
                headers.require::<CSeq>().unwrap(),
                headers.require::<Contact>().unwrap(),
                headers.require::<Route>().unwrap(),
                SessionDescription::parse(&request.body).unwrap(),
            ));
        });
    });
    group.finish();
}

/// Two user agents that hand each other their datagrams at once.
struct Pair {
    agents: [UserAgent; 2],
    now: Instant,
    events: Vec<(usize, Event)>,
}

impl Pair {
    fn new() -> Self {
        let agent = |number| UserAgent::new(UserAgentConfig::default(), [number; 32]);
        Self {
            agents: [agent(1), agent(2)],
            now: Instant::now(),
            events: Vec::new(),
        }
    }

    fn address(number: usize) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1 + number as u8], 5060))
    }

    /// The way from one to the other.
    fn flow(from: usize) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: Self::address(from),
            remote: Self::address(1 - from),
        }
    }

    /// Carries datagrams until nobody has anything to say.
    fn settle(&mut self) {
        let mut busy = true;
        while std::mem::take(&mut busy) {
            for from in 0..2 {
                while let Some(output) = self.agents[from].poll_output() {
                    busy = true;
                    match output {
                        Output::Transmit { payload, .. } => {
                            let to = 1 - from;
                            self.agents[to].receive(self.now, Self::flow(to), payload);
                        }
                        Output::Event(event) => self.events.push((from, event)),
                    }
                }
            }
        }
    }

    /// Lets all timers of finished transactions run out.
    fn pass(&mut self) {
        self.now += Duration::from_secs(40);
        for agent in &mut self.agents {
            agent.handle_timeout(self.now);
        }
        self.settle();
    }

    fn outgoing(&self) -> OutgoingRequest {
        let uri: Uri = "sip:bob@192.0.2.2".parse().unwrap();
        let from = NameAddr::new("sip:ann@192.0.2.1".parse::<Uri>().unwrap());
        OutgoingRequest::new(Self::flow(0), uri, from)
    }
}

fn transactions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip/transaction");
    group.bench_function("options_round_trip", |bencher| {
        let mut pair = Pair::new();
        bencher.iter(|| {
            let options = pair.outgoing();
            let sent = pair.agents[0].request(pair.now, Method::Options, options);
            sent.unwrap();
            pair.settle();
            pair.pass();
            pair.events.drain(..).count()
        });
    });
    group.bench_function("invite_200_ack_bye_both_ends", |bencher| {
        let mut pair = Pair::new();
        bencher.iter(|| {
            let mut invite = pair.outgoing();
            invite.content = Some(Content::sdp(OFFER));
            let here = pair.agents[0].invite(pair.now, invite).unwrap();
            pair.settle();
            let there = pair.events.iter().find_map(|(_, event)| match event {
                Event::Invite { session, .. } => Some(*session),
                _ => None,
            });
            let answer = Some(Content::sdp(OFFER));
            let accepted = pair.agents[1].accept(pair.now, there.unwrap(), Headers::new(), answer);
            accepted.unwrap();
            pair.settle();
            let ended = pair.agents[0].hangup(pair.now, here, Headers::new());
            ended.unwrap();
            pair.settle();
            pair.pass();
            pair.events.drain(..).count()
        });
    });
    group.finish();
}

/// Nobody comes in.
#[derive(Debug)]
struct Closed;

impl Admission for Closed {
    fn admit(&mut self, _: Instant, _: Flow, _: &Method) -> Result<(), u32> {
        Err(1)
    }

    fn would_admit(&mut self, _: Instant, _: Flow) -> Result<(), u32> {
        Err(1)
    }
}

/// What an INVITE costs that is refused because there is too much to do, beside one that gets a
/// session and is refused then.
fn refusals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sip/refusal");
    let invite = String::from_utf8(invite().to_vec()).unwrap();
    let count = |agent: &mut UserAgent| {
        let mut sent = 0;
        while let Some(output) = agent.poll_output() {
            sent += usize::from(matches!(output, Output::Transmit { .. }));
        }
        sent
    };
    group.bench_function("503_before_anything_is_kept", |bencher| {
        let mut agent = UserAgent::new(UserAgentConfig::default(), [1; 32]);
        agent.set_admission(Box::new(Closed));
        let now = Instant::now();
        let datagram = Bytes::from(invite.clone());
        bencher.iter(|| {
            agent.receive(now, Pair::flow(0), black_box(datagram.clone()));
            count(&mut agent)
        });
        assert_eq!(agent.census().server_transactions, 0);
    });
    group.bench_function("503_of_a_session", |bencher| {
        let mut agent = UserAgent::new(UserAgentConfig::default(), [1; 32]);
        let mut now = Instant::now();
        let mut number = 0u64;
        bencher.iter(|| {
            number += 1;
            // Each is another call, and those before are over.
            let one = invite.replace("48216N", &format!("{number}"));
            let one = one.replace("8f1d.62a9b1c3", &format!("{number}"));
            agent.receive(now, Pair::flow(0), one.into());
            let mut session = None;
            while let Some(output) = agent.poll_output() {
                if let Output::Event(Event::Invite { session: new, .. }) = output {
                    session = Some(new);
                }
            }
            let busy = Reply::new(StatusCode::SERVICE_UNAVAILABLE);
            agent.reject(now, session.unwrap(), busy).unwrap();
            now += Duration::from_secs(40);
            agent.handle_timeout(now);
            count(&mut agent)
        });
    });
    group.finish();
}

criterion_group!(benches, parse, transactions, refusals);
criterion_main!(benches);
