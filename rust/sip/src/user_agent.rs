//! The one door: datagrams, instants and verbs go in; datagrams and events come out.
//!
//! [`UserAgent`] takes and places calls. What needs a decision comes up as an [`Event`] and is
//! answered with a verb that names the session; everything else happens here: 100 Trying,
//! repetitions and their end, the ACK, the answers to CANCEL, BYE and OPTIONS, refusals of what is
//! not supported, both sides of a glare, branches of a fork that lose, and the way that requests
//! within a dialog take. Bodies are bytes: what they offer is the business of the layer above.
//!
//! ```
//! use std::time::Instant;
//! use sems_sip::user_agent::{Event, Output, Reply, UserAgentConfig};
//! use sems_sip::{Flow, StatusCode, UserAgent, transaction::Transport};
//!
//! let mut agent = UserAgent::new(UserAgentConfig::default(), [0; 32]);
//! let flow = Flow {
//!     transport: Transport::Udp,
//!     local: "192.0.2.2:5060".parse().unwrap(),
//!     remote: "192.0.2.1:5060".parse().unwrap(),
//! };
//! let invite = "INVITE sip:room@192.0.2.2 SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK776\r\n\
//!     From: <sip:ann@192.0.2.1>;tag=1\r\n\
//!     To: <sip:room@192.0.2.2>\r\n\
//!     Call-ID: a84b4c76\r\n\
//!     CSeq: 7 INVITE\r\n\
//!     Contact: <sip:ann@192.0.2.1>\r\n\r\n";
//! let now = Instant::now();
//! agent.receive(now, flow, invite.into());
//! let mut sent = 0;
//! while let Some(output) = agent.poll_output() {
//!     match output {
//!         Output::Transmit { .. } => sent += 1,
//!         Output::Event(Event::Invite { session, .. }) => {
//!             agent.reject(now, session, Reply::new(StatusCode::BUSY_HERE))?;
//!         }
//!         Output::Event(_) => {}
//!     }
//! }
//! assert_eq!(sent, 2); // 100 and 486
//! # Ok::<(), sems_sip::Error>(())
//! ```
//!
//! Nothing here looks up names. The next hop of a dialog is decided when it is made: the topmost
//! route or the Contact where that is an address which can be reached, else the flow that the
//! dialog's first message came over; so too for phones behind NAT.
//!
//! Everything that a stranger can cause is bounded: sessions, transactions and subscriptions by the
//! configuration, refused INVITEs to half of the transactions, a dialog to 32 routes, an INVITE to 16
//! branches, what is asked within a call to 20 requests a second, REFERs to 8 in a dialog. So is
//! time: by Timers B, F, H and 64·T1 without ACK, by session timers, and an INVITE that nobody
//! accepts, refuses or takes back by [`UserAgentConfig::unanswered`].
//!
//! Left out: parts of a body beside the session description, which are read and not told; `maddr`
//! in Via, which would let a stranger send our responses to anyone.

mod admission;
mod arrival;
mod bodies;
mod branches;
mod callee;
mod caller;
mod challenge;
mod config;
mod contact;
mod counters;
mod event;
mod failover;
mod flows;
mod gate;
mod identity;
mod making;
mod notifier;
mod other;
mod outcome;
mod pace;
mod prack;
mod refresh;
mod registering;
mod reliable;
mod replaces;
mod session;
mod subscriber;
mod subscriptions;
mod turned_away;
mod update;
mod wording;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use slotmap::SlotMap;

use crate::auth::Challenger;
use crate::auth::client::ClientAuth;
use crate::dialog::invite::{Cancel, Reinvite};
use crate::header::{RAck, Via};
use crate::registration::RegistrationId;
use crate::transaction::{ClientTransactionId, Flow, TimerQueue, Transactions};
use crate::{Error, Headers, Message, Method, StatusCode, Text};

use failover::Failover;
use identity::Identity;
use registering::{Registration, RegistrationTimer, Ways};
use session::{Established, Owner, Phase, Session, SessionTimer};
use subscriptions::Subscriptions;
use turned_away::TurnedAway;

pub use admission::Admission;
pub use config::UserAgentConfig;
pub use counters::{Census, Counters};
pub use event::{Cause, Event, Output};
pub use notifier::NotifyState;
pub use reliable::Reliability;
pub use replaces::DialogId;
pub use session::SessionId;
pub use subscriptions::{SubscriptionEnd, SubscriptionId};
pub use wording::{Content, OutgoingRequest, Reply};

/// A SIP user agent (RFC 3261 §8, §12–15): takes and places calls, and answers by itself whatever
/// needs no decision.
///
/// After each call of a method, take everything that [`UserAgent::poll_output`] has, and call
/// [`UserAgent::handle_timeout`] no later than [`UserAgent::next_timeout`] says.
#[derive(Debug)]
pub struct UserAgent {
    config: UserAgentConfig,
    identity: Identity,
    transactions: Transactions<Owner>,
    sessions: SlotMap<SessionId, Session>,
    by_local_tag: HashMap<Text, SessionId>,
    queue: TimerQueue<(SessionId, SessionTimer)>,
    /// What requests outside dialogs, and BYEs that nobody waits for, answer challenges with, until
    /// their final response.
    asked: HashMap<ClientTransactionId, Box<ClientAuth>>,
    registrations: SlotMap<RegistrationId, Registration>,
    /// The same, by the way to the registrar.
    registration_ways: Ways,
    registration_queue: TimerQueue<(RegistrationId, RegistrationTimer)>,
    /// Who asks strangers who they are, if we do.
    gate: Option<Box<Challenger>>,
    outputs: VecDeque<Output>,
    failover: Failover,
    admission: Option<Box<dyn Admission>>,
    turned_away: TurnedAway,
    subscriptions: Subscriptions,
    counters: Counters,
    /// PRACKs that may come for sessions that are gone, by our tag.
    outstanding: VecDeque<(Text, RAck)>,
    /// What Allow says.
    allow: Text,
    /// What Supported says where a session is opened.
    extensions: Text,
    /// What it says within one.
    extensions_within: Text,
    /// What Allow-Events says; empty for none.
    event_packages: Text,
}

impl UserAgent {
    /// A user agent whose tags, branches and Call-IDs come from `seed`, which therefore must be
    /// random where strangers send datagrams.
    pub fn new(config: UserAgentConfig, seed: [u8; 32]) -> Self {
        let mut identity = Identity::new(seed);
        let gate = config.auth.clone();
        let gate = gate.map(|auth| Box::new(Challenger::new(auth, &mut identity.rng)));
        Self {
            transactions: Transactions::new(config.timers, config.listeners.clone()),
            allow: config.allow(),
            extensions: config.extensions(true),
            extensions_within: config.extensions(false),
            event_packages: config.event_packages.join(", ").into(),
            config,
            identity,
            sessions: SlotMap::with_key(),
            by_local_tag: HashMap::new(),
            queue: TimerQueue::default(),
            asked: HashMap::new(),
            registrations: SlotMap::with_key(),
            registration_ways: Ways::default(),
            registration_queue: TimerQueue::default(),
            gate,
            outputs: VecDeque::new(),
            outstanding: VecDeque::new(),
            failover: Failover::default(),
            admission: None,
            turned_away: TurnedAway::default(),
            subscriptions: Subscriptions::default(),
            counters: Counters::default(),
        }
    }

    /// Takes a datagram that came over `flow`.
    pub fn receive(&mut self, now: Instant, flow: Flow, datagram: Bytes) {
        self.transactions.streams.note(flow);
        match Message::parse(&datagram) {
            Ok(Message::Request(mut request)) => {
                self.counters.requests_received += 1;
                if matches!(
                    request.method,
                    Method::Invite | Method::Ack | Method::Prack | Method::Update
                ) {
                    let acknowledges = request.method == Method::Ack;
                    self.unwrap_session(&mut request.headers, &mut request.body, acknowledges);
                }
                self.receive_request(now, flow, request);
            }
            Ok(Message::Response(mut response)) => {
                self.counters.responses_received += 1;
                self.unwrap_session(&mut response.headers, &mut response.body, true);
                // One with a second Via was meant for somebody else (RFC 3261 §8.1.3.3).
                let astray = response.headers.has_several::<Via>();
                if astray || !self.transactions.receive_response(now, response) {
                    self.counters.stray_responses += 1;
                }
            }
            Err(error) if error.error == Error::Empty => {}
            Err(error) => {
                self.counters.malformed += 1;
                if let (Some(response), Some(request)) = (error.response(), &error.request) {
                    let mut request = (**request).clone();
                    self.send_stateless(flow, &mut request, response);
                }
            }
        }
        self.settle(now);
    }

    /// Does what has become due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.settle(now);
        self.end_patience(now);
        self.handle_subscription_timers(now);
        self.keep_registrations(now);
        while let Some((at, (id, timer))) = self.queue.pop(now) {
            let expired = self
                .sessions
                .get_mut(id)
                .is_some_and(|session| session.running.expire(timer, at));
            if expired {
                match timer {
                    SessionTimer::Expires => self.expire(now, id),
                    SessionTimer::Repeat1xx => self.repeat_1xx(now, id),
                    SessionTimer::Repeat2xx => self.repeat_2xx(now, id),
                    SessionTimer::NoAck => self.give_up_ack(now, id),
                    SessionTimer::RepeatReliable => self.repeat_reliable(now, id),
                    SessionTimer::NoPrack => self.give_up_prack(now, id),
                    SessionTimer::Glare => self.end_glare(now, id),
                    SessionTimer::Refresh => self.look_at_refresh(now, id),
                }
                self.settle(now);
            }
        }
    }

    /// When [`UserAgent::handle_timeout`] is wanted next. It may turn out that nothing is due
    /// then.
    pub fn next_timeout(&self) -> Option<Instant> {
        let (a, b) = (self.transactions.next_timeout(), self.queue.next());
        let c = self.failover.next_timeout();
        let d = self.subscriptions.next_timeout();
        let e = self.registration_queue.next();
        [a, b, c, d, e].into_iter().flatten().min()
    }

    /// What is to be done next, in this order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The transport refuses to send over `flow`: what waits for a first response from there
    /// fails as by a 503 (RFC 3261 §8.1.3.1).
    pub fn transport_error(&mut self, now: Instant, flow: Flow) {
        self.transactions.transport_error(now, flow);
        self.settle(now);
    }

    /// Numbers since the start.
    pub fn counters(&self) -> Counters {
        Counters {
            repetitions_sent: self.transactions.repeated,
            ..self.counters
        }
    }

    /// The Call-ID of a session, as long as it is remembered.
    pub fn call_id(&self, session: SessionId) -> Option<&str> {
        self.sessions.get(session).map(|session| &*session.call_id)
    }

    /// What exists right now.
    pub fn census(&self) -> Census {
        Census {
            sessions: self.sessions.len(),
            client_transactions: self.transactions.clients(),
            server_transactions: self.transactions.servers(),
            failovers: self.failover.len(),
            subscriptions: self.subscriptions.all.len(),
            registrations: self.registrations.len(),
        }
    }

    /// Ends a session in the way its state demands: a refusal (480) to an INVITE that was not
    /// answered yet, CANCEL for one of ours (once a provisional response allows it), else BYE
    /// (once the ACK allows it). `headers` go into it, Reason being the one that makes sense.
    /// [`Event::Terminated`] is told at once; whatever the wire still has to say about the session
    /// is dealt with here.
    pub fn hangup(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
    ) -> Result<(), Error> {
        match &self.live(session)?.phase {
            Phase::Incoming { .. } => {
                let reply = Reply::new(StatusCode::TEMPORARILY_UNAVAILABLE).with_headers(headers);
                return self.reject(now, session, reply);
            }
            Phase::Calling { .. } => {
                self.terminate(session, Cause::Local);
                self.cancel(now, session, headers);
            }
            Phase::Established(_) | Phase::Ending => {
                self.terminate(session, Cause::Local);
                self.leave(now, session, headers);
            }
        }
        self.settle(now);
        Ok(())
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    // Sessions

    /// A session that the layer above knows of.
    fn live(&mut self, id: SessionId) -> Result<&mut Session, Error> {
        match self.sessions.get_mut(id) {
            Some(session) if !session.told => Ok(session),
            _ => Err(Error::Gone),
        }
    }

    fn open(&mut self, call_id: &str, local_tag: Text, phase: Phase) -> SessionId {
        self.counters.sessions += 1;
        let session = Session::new(call_id, local_tag.clone(), phase);
        let id = self.sessions.insert(session);
        self.by_local_tag.insert(local_tag, id);
        id
    }

    /// Tells the layer above that a session is over, unless it knows.
    fn terminate(&mut self, id: SessionId, cause: Cause) -> bool {
        let known = self.live(id).map(|session| session.told = true).is_ok();
        if known {
            self.event(Event::Terminated { session: id, cause });
        }
        known
    }

    /// Forgets a session.
    fn remove(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.remove(id) {
            self.by_local_tag.remove(&session.local_tag);
            if let Some(rack) = session.reliable.as_ref().and_then(|r| r.missing()) {
                if self.outstanding.len() >= reliable::MAX_OUTSTANDING {
                    self.outstanding.pop_front();
                }
                self.outstanding
                    .push_back((session.local_tag.clone(), rack));
            }
            self.keep_dialog(id, session);
        }
    }

    fn start_timer(&mut self, id: SessionId, timer: SessionTimer, at: Instant) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.running.start(timer, at);
            self.queue.push(at, (id, timer));
        }
    }

    /// Leaves an established session by BYE, settling first what the dialog has open.
    fn leave(&mut self, now: Instant, id: SessionId, headers: Headers) {
        self.end_reinvite(now, id);
        self.drop_offer(now, id);
        let Some(established) = self.sessions.get_mut(id).and_then(Session::established) else {
            return;
        };
        if !established.confirmed && established.unacknowledged.is_some() {
            established.bye = Some(Box::new(headers));
            return;
        }
        if let Some(owed) = established.owed_ack.take() {
            self.send_ack(id, owed, None);
        }
        self.send_bye(now, id, headers);
    }

    /// The session ends with a re-INVITE open: the peer's gets a 487, ours is not waited for.
    fn end_reinvite(&mut self, now: Instant, id: SessionId) {
        let Some(established) = self.sessions.get_mut(id).and_then(Session::established) else {
            return;
        };
        match std::mem::take(&mut established.reinvite) {
            Reinvite::None => {}
            Reinvite::Ours { transaction, .. } => self.transactions.give_up(now, transaction),
            Reinvite::Theirs { transaction } => {
                let reply = Reply::new(StatusCode::REQUEST_TERMINATED);
                self.respond_in_session(now, id, transaction, reply);
            }
        }
    }

    fn send_bye(&mut self, now: Instant, id: SessionId, headers: Headers) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.phase = Phase::Ending;
        session.running = Default::default();
        let Some(mut dialog) = session.dialogs.pop() else {
            return self.remove(id);
        };
        let mut bye = self.request_in_dialog(&mut dialog, Method::Bye, &headers, None);
        self.sign(id, &mut bye);
        let flow = dialog.next_hop();
        if let Some(session) = self.sessions.get_mut(id) {
            session.dialogs.push(dialog);
        }
        let sent = self
            .transactions
            .start_client(now, bye, flow, Owner::Bye(id));
        if sent.is_none() {
            self.remove(id);
        }
    }
}

impl Phase {
    fn established() -> Self {
        Self::Established(Established::default())
    }
}
