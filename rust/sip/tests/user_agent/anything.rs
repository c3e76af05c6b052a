//! Whatever a peer and the layer above do, in whatever order: every request has one final response
//! with all that it needs, every session ends once, and at last nothing is left.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use sems_sip::header::{CSeq, CallId, From, NameAddr, To};
use sems_sip::transaction::ServerTransactionId;
use sems_sip::user_agent::{
    Content, Event, NotifyState, OutgoingRequest, Reply, SessionId, SubscriptionId, UserAgentConfig,
};
use sems_sip::{HeaderName, Headers, Message, Method, Request, Response, StatusCode, Text, Uri};

use crate::wire::{PHONE, Wire, flow, reply};

/// Runs, each of so many steps.
const RUNS: u64 = 60;
const STEPS: usize = 150;
/// For so long a peer says again what it has said.
const REPEATED: Duration = Duration::from_secs(25);

const OPENING: [&str; 9] = [
    "",
    "Supported: 100rel\nAllow: INVITE, UPDATE, PRACK\n",
    "Require: 100rel\nAllow: UPDATE\n",
    "Supported: timer\nSession-Expires: 90\nAllow: UPDATE\n",
    "Supported: timer\nSession-Expires: 100;refresher=uac\n",
    "Supported: timer\nSession-Expires: 20\n",
    "Expires: 3\n",
    "Require: foo\n",
    "Record-Route: <sip:192.0.2.9;lr>\n",
];
const ALONE: [(&str, &str); 8] = [
    ("SUBSCRIBE", "Event: conference\nExpires: 600\n"),
    ("SUBSCRIBE", "Event: conference\nExpires: 0\n"),
    ("OPTIONS", ""),
    ("REFER", "Refer-To: <sip:q@z>\n"),
    ("MESSAGE", ""),
    ("BYE", ""),
    ("FOO", ""),
    ("INVITE", "Replaces: c1;to-tag=a;from-tag=b\n"),
];
const WITHIN: [(&str, &str); 19] = [
    ("BYE", ""),
    ("INVITE", ""),
    (
        "INVITE",
        "Supported: timer\nSession-Expires: 95;refresher=uas\n",
    ),
    ("INVITE", "Require: 100rel\n"),
    ("UPDATE", ""),
    ("UPDATE", "Supported: timer\nSession-Expires: 30\n"),
    ("PRACK", ""),
    ("ACK", ""),
    ("ACK", ""),
    ("ACK", ""),
    ("INFO", ""),
    ("FOO", ""),
    ("REFER", "Refer-To: <sip:x@y>\n"),
    ("REFER", "Refer-To: <sip:x@y>\nRefer-Sub: false\n"),
    ("SUBSCRIBE", "Event: conference\nExpires: 600\n"),
    ("SUBSCRIBE", "Event: x\n"),
    (
        "NOTIFY",
        "Event: refer\nSubscription-State: active;expires=60\n",
    ),
    ("NOTIFY", "Event: refer\nSubscription-State: terminated\n"),
    (
        "NOTIFY",
        "Event: conference\nSubscription-State: active;expires=30\n",
    ),
];
const ANSWERS: [&str; 18] = [
    "100 T", "180 R", "183 P", "200 OK", "200 OK", "200 OK", "202 A", "302 M", "401 U", "404 N",
    "408 T", "422 S", "423 I", "481 G", "486 B", "491 P", "500 E", "503 U",
];
const ANSWERED_WITH: [&str; 10] = [
    "",
    "Allow: UPDATE, INVITE\n",
    "Require: 100rel\nRSeq: 1\n",
    "Require: 100rel\nRSeq: 2\n",
    "Retry-After: 2\n",
    "Min-SE: 2000\n",
    "Min-Expires: 5000\n",
    "Session-Expires: 100;refresher=uas\nRequire: timer\n",
    "Session-Expires: 100;refresher=uac\nRequire: timer\n",
    "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n",
];

/// A dialog as the peer knows it.
#[derive(Clone)]
struct Known {
    call_id: String,
    ours: String,
    theirs: String,
    sequence: u32,
    /// RAck for what came reliably.
    rack: String,
}

struct Chaos {
    wire: Wire,
    rng: StdRng,
    serial: u32,
    dialogs: Vec<Known>,
    /// INVITEs of the peer's that it may take back: Call-ID and branch, and since when.
    invites: Vec<(String, String, Instant)>,
    /// The last requests of ours.
    asked: Vec<Request>,
    branches: HashSet<String>,
    sequences: HashMap<String, u32>,
    finals: HashMap<String, StatusCode>,
    sessions: Vec<SessionId>,
    requests: Vec<ServerTransactionId>,
    subscriptions: Vec<SubscriptionId>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let methods = ["INFO", "MESSAGE", "REFER", "SUBSCRIBE", "NOTIFY"];
        let methods = methods.map(|name| Method::parse(&Text::from_static(name)).unwrap());
        Self {
            wire: Wire::with(UserAgentConfig {
                methods: methods.to_vec(),
                event_packages: vec![Text::from_static("conference")],
                session_expires: 200,
                ..Default::default()
            }),
            rng: StdRng::seed_from_u64(seed),
            serial: 0,
            dialogs: Vec::new(),
            invites: Vec::new(),
            asked: Vec::new(),
            branches: HashSet::new(),
            sequences: HashMap::new(),
            finals: HashMap::new(),
            sessions: Vec::new(),
            requests: Vec::new(),
            subscriptions: Vec::new(),
        }
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        all.choose(&mut self.rng).cloned()
    }

    fn branch(&mut self) -> String {
        self.serial += 1;
        format!("z9hG4bKpeer{}", self.serial)
    }

    /// A body, or none, with what says so.
    fn body(&mut self) -> &'static str {
        match self.rng.random() {
            true => "Content-Type: application/sdp\n\nsdp",
            false => "\n",
        }
    }

    fn step(&mut self) {
        match self.rng.random_range(0..10) {
            0 => self.peer_opens(),
            1 | 2 => self.peer_goes_on(),
            3 | 4 => self.peer_answers(),
            5 => self.we_open(),
            6 | 7 => self.we_go_on(),
            _ => {
                let most = self.one_of(&[300, 1000, 5000, 40_000]).unwrap();
                let time = self.rng.random_range(1..most);
                self.wire.wait(Duration::from_millis(time));
            }
        }
        self.wire.drain();
        self.look();
    }

    // The peer

    fn send(&mut self, method: &str, dialog: &Known, branch: &str, headers: &str) {
        let Known {
            call_id,
            ours,
            theirs,
            sequence,
            ..
        } = dialog;
        let tag = match ours.as_str() {
            "" => String::new(),
            ours => format!(";tag={ours}"),
        };
        let body = self.body();
        self.wire.receive(&format!(
            "{method} sip:room@192.0.2.2 SIP/2.0\nVia: SIP/2.0/UDP {PHONE};branch={branch};rport\n\
             From: <sip:ann@192.0.2.1>;tag={theirs}\nTo: <sip:room@192.0.2.2>{tag}\n\
             Call-ID: {call_id}\nCSeq: {sequence} {method}\nContact: <sip:ann@{PHONE}>\n\
             {headers}{body}"
        ));
    }

    fn peer_opens(&mut self) {
        let now = self.wire.now;
        let branch = self.branch();
        let new = Known {
            call_id: format!("c{}", self.serial),
            ours: String::new(),
            theirs: "ann".to_owned(),
            sequence: 1,
            rack: String::new(),
        };
        self.invites.retain(|(.., at)| now < *at + REPEATED);
        match (
            self.rng.random_range(0..4),
            self.one_of(&self.invites.clone()),
        ) {
            (0, _) => {
                let (method, headers) = self.one_of(&ALONE).unwrap();
                self.send(method, &new, &branch, headers);
            }
            (1, Some((call_id, branch, _))) => {
                let method = self.one_of(&["CANCEL", "CANCEL", "INVITE"]).unwrap();
                self.send(method, &Known { call_id, ..new }, &branch, "");
            }
            _ => {
                self.invites
                    .push((new.call_id.clone(), branch.clone(), now));
                let headers = self.one_of(&OPENING).unwrap();
                self.send("INVITE", &new, &branch, headers);
            }
        }
    }

    fn peer_goes_on(&mut self) {
        if self.dialogs.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..self.dialogs.len());
        let (method, headers) = self.one_of(&WITHIN).unwrap();
        let branch = self.branch();
        let mut dialog = self.dialogs[at].clone();
        let mut headers = headers.to_owned();
        match method {
            "ACK" => dialog.sequence = self.rng.random_range(1..=dialog.sequence),
            // Now and then a number comes again.
            _ if self.rng.random_range(0..20) == 0 => {}
            _ => {
                dialog.sequence += 1;
                self.dialogs[at].sequence += 1;
            }
        }
        if method == "PRACK" {
            headers = dialog.rack.clone();
        }
        self.send(method, &dialog, &branch, &headers);
    }

    fn peer_answers(&mut self) {
        let Some(request) = self.one_of(&self.asked.clone()) else {
            return;
        };
        let (code, headers) = (self.one_of(&ANSWERS), self.one_of(&ANSWERED_WITH));
        let body = self.body();
        // Each server has tags of its own.
        let branch = request.headers.top_via().unwrap();
        let tag = self.one_of(&["t1", "t1", "t2", "t3"]).unwrap();
        let tag = format!("{tag}{}", branch.branch().unwrap());
        let headers = format!("Contact: <sip:bob@{PHONE}>\n{}{body}", headers.unwrap());
        let answer = reply(&request, code.unwrap(), &tag, &headers);
        self.wire.receive(&answer);
    }

    // The layer above

    fn we_open(&mut self) {
        let uri: Uri = format!("sip:bob@{PHONE}").parse().unwrap();
        let from = NameAddr::new("sip:me@192.0.2.2".parse::<Uri>().unwrap());
        let mut outgoing = OutgoingRequest::new(flow(PHONE), uri, from);
        if self.rng.random() {
            outgoing.alternatives = vec![flow("192.0.2.7:5060")];
        }
        let (now, agent) = (self.wire.now, &mut self.wire.agent);
        match self.rng.random_range(0..3) {
            0 => {
                let subscription = agent.subscribe(now, outgoing, "conference", 600);
                self.subscriptions.push(subscription.unwrap());
            }
            kind => {
                outgoing.content = (kind == 1).then(|| Content::sdp("sdp"));
                self.sessions.push(agent.invite(now, outgoing).unwrap());
            }
        }
    }

    /// Does something, sensible or not.
    fn we_go_on(&mut self) {
        let now = self.wire.now;
        let none = Headers::new();
        let content = self.rng.random::<bool>().then(|| Content::sdp("sdp"));
        let refusal = Reply::new(StatusCode::NOT_ACCEPTABLE_HERE);
        let session = self.one_of(&self.sessions.clone());
        let subscription = self.one_of(&self.subscriptions.clone());
        let request = self.one_of(&self.requests.clone());
        let verb = self.rng.random_range(0..22);
        let agent = &mut self.wire.agent;
        let _ = match (verb, session, subscription, request) {
            (0..=3, _, _, Some(request)) if verb > 0 => {
                agent.respond(now, request, Reply::new(StatusCode::OK))
            }
            (0, _, _, Some(request)) => agent.accept_refer(now, request).map(drop),
            (4, _, Some(id), _) => agent.unsubscribe(now, id),
            (5, _, Some(id), _) => agent.notify(now, id, NotifyState::Active, none, None),
            (6, _, Some(id), _) => agent.notify_refer(now, id, StatusCode::OK, "OK"),
            (7, Some(id), ..) => agent.provisional(now, id, Reply::new(StatusCode::RINGING)),
            (8, Some(id), ..) => {
                let mut progress = Reply::new(StatusCode::SESSION_PROGRESS);
                progress.content = content;
                agent.provisional(now, id, progress)
            }
            (9..=11, Some(id), ..) => agent.accept(now, id, none, content),
            (12, Some(id), ..) => agent.reject(now, id, refusal),
            (13, Some(id), ..) => agent.hangup(now, id, none),
            (14, Some(id), ..) => agent.accept_reinvite(now, id, none, content),
            (15, Some(id), ..) => agent.reject_reinvite(now, id, refusal),
            (16, Some(id), ..) => agent.ack(now, id, content),
            (17, Some(id), ..) => agent.prack(now, id, content),
            (18, Some(id), ..) => agent.reinvite(now, id, none, content),
            (19, Some(id), ..) => agent.update(now, id, none, content),
            (20, Some(id), ..) => agent.accept_offer(now, id, none, Content::sdp("sdp")),
            (21, Some(id), ..) => {
                let mut to = Headers::new();
                to.push(HeaderName::ReferTo, "<sip:z@z>");
                let referred = agent.refer(now, id, to);
                referred.map(|id| self.subscriptions.push(id))
            }
            _ => Ok(()),
        };
    }

    // What comes of it

    fn look(&mut self) {
        for event in self.wire.told() {
            match event {
                Event::Invite { session, .. } => self.sessions.push(session),
                Event::Terminated { session, .. } => {
                    let at = self.sessions.iter().position(|id| *id == session);
                    self.sessions
                        .swap_remove(at.expect("each session ends once"));
                }
                Event::Request { id, .. } => self.requests.push(id),
                Event::Subscribed { id, .. } => self.subscriptions.push(id),
                Event::SubscriptionEnded { id, .. } => self.subscriptions.retain(|one| *one != id),
                _ => {}
            }
        }
        for (_, _, message) in std::mem::take(&mut self.wire.sent) {
            match message {
                Message::Response(response) => self.check_response(&response),
                Message::Request(request) => self.check_request(request),
            }
        }
    }

    fn check_response(&mut self, response: &Response) {
        let (status, headers) = (response.status, &response.headers);
        let code = status.code();
        let cseq: CSeq = headers.require().unwrap();
        let to: To = headers.require().unwrap();
        let from: From = headers.require().unwrap();
        let needed = match code {
            405 => Some(HeaderName::Allow),
            415 => Some(HeaderName::Accept),
            420 => Some(HeaderName::Unsupported),
            422 => Some(HeaderName::MinSe),
            423 => Some(HeaderName::MinExpires),
            489 => Some(HeaderName::AllowEvents),
            101..300 if matches!(cseq.method, Method::Invite | Method::Subscribe) => {
                Some(HeaderName::Contact)
            }
            _ => None,
        };
        let has_it = needed.is_none_or(|name| headers.contains(&name));
        assert!(has_it, "{response:?}");
        if code == 100 {
            return;
        }
        let tag = to.tag().expect("a To tag").to_owned();
        let branch = headers.top_via().unwrap();
        let transaction = format!("{:?} {}", branch.branch(), cseq.method);
        match status.is_final() {
            true => assert_eq!(*self.finals.entry(transaction).or_insert(status), status),
            false => assert!(!self.finals.contains_key(&transaction), "{response:?}"),
        }
        if code < 300 && cseq.method.opens_dialog() {
            let rseq = headers.get(&HeaderName::RSeq);
            let rack = rseq.map(|rseq| format!("RAck: {rseq} {cseq}\n"));
            let theirs = from.tag().unwrap_or_default();
            self.know(headers, &tag, theirs, cseq.sequence, rack);
        }
    }

    fn check_request(&mut self, request: Request) {
        let headers = &request.headers;
        let branch = headers.top_via().unwrap().branch().unwrap().to_owned();
        assert!(headers.contains(&HeaderName::MaxForwards), "{request:?}");
        if matches!(request.method, Method::Ack | Method::Cancel) || !self.branches.insert(branch) {
            return;
        }
        let cseq: CSeq = headers.require().unwrap();
        let to: To = headers.require().unwrap();
        let from: From = headers.require().unwrap();
        let ours = from.tag().unwrap();
        if let Some(theirs) = to.tag() {
            let last = self
                .sequences
                .insert(format!("{ours} {theirs}"), cseq.sequence);
            assert!(last.is_none_or(|last| last < cseq.sequence), "{request:?}");
            self.know(headers, ours, theirs, 100, None);
        }
        self.asked.push(request);
        if self.asked.len() > 12 {
            self.asked.remove(0);
        }
    }

    /// The peer knows this dialog from now on.
    fn know(
        &mut self,
        headers: &Headers,
        ours: &str,
        theirs: &str,
        sequence: u32,
        rack: Option<String>,
    ) {
        let call_id = headers.require::<CallId>().unwrap();
        let is_it = |known: &&mut Known| known.ours == ours && known.theirs == theirs;
        if let Some(known) = self.dialogs.iter_mut().find(is_it) {
            known.rack = rack.unwrap_or_else(|| std::mem::take(&mut known.rack));
            return;
        }
        self.dialogs.push(Known {
            call_id: call_id.as_str().to_owned(),
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
            sequence,
            rack: rack.unwrap_or_default(),
        });
        if self.dialogs.len() > 10 {
            self.dialogs.remove(0);
        }
    }

    /// The layer above wants nothing any more.
    fn let_go(&mut self) {
        let now = self.wire.now;
        for id in std::mem::take(&mut self.requests) {
            let _ = self.wire.agent.respond(now, id, Reply::new(StatusCode::OK));
        }
        for id in self.sessions.clone() {
            let _ = self.wire.agent.hangup(now, id, Headers::new());
        }
        for id in self.subscriptions.clone() {
            let over = NotifyState::Terminated {
                reason: Text::from_static("noresource"),
                retry_after: None,
            };
            let _ = self.wire.agent.unsubscribe(now, id);
            let _ = self.wire.agent.notify(now, id, over, Headers::new(), None);
        }
        self.wire.wait(Duration::from_secs(400));
        self.look();
    }
}

#[test]
fn nothing_is_left_whatever_happens() {
    for seed in 0..RUNS {
        let mut chaos = Chaos::new(seed);
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..STEPS).for_each(|_| chaos.step());
            chaos.let_go();
            assert_eq!(chaos.sessions, []);
            assert!(chaos.wire.is_empty(), "{:?}", chaos.wire.agent.census());
        }));
        assert!(run.is_ok(), "seed {seed}");
    }
}
