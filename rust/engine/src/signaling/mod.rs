//! The thread that drives SIP: it owns the user agent and the calls, and never waits for Python.
//!
//! [`Signaling`] is a state machine with `step(now)`; [`thread`] is the loop around it.
//! [`commands`] is what Python wants done, [`sessions`] what peers do; [`early`] and [`changes`]
//! are what both do before and after the answer.

mod accounts;
mod changes;
mod commands;
mod counters;
mod destinations;
mod early;
mod info;
mod keys;
mod overload;
mod pace;
mod replaces;
mod requests;
mod sessions;
mod subscriptions;
#[cfg(test)]
mod tests;
mod thread;
mod transports;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;
use sems_sdp::Capabilities;
use sems_sip::{
    Headers, Method, Text, Token, UserAgent,
    user_agent::{Output, SessionId, UserAgentConfig},
};

use crate::{
    call::{Call, Ending},
    command::SignalingCommand,
    config::EngineConfig,
    error::EngineError,
    event::Event,
    homes::Homes,
    ids::{CallId, RequestId},
    legs::Legs,
    outbox::Outbox,
    queue::EventSender,
    trace::Recorder,
    transport::{Arrival, Transport, listen::Opened, quota::Quota},
};

pub(crate) use counters::SignalingCounters;
pub(crate) use overload::{Claim, Source};
pub(crate) use thread::spawn;
pub(crate) use transports::Ready;

use overload::{Gate, Notice, Reason, Work};

/// Events that can wait in the ring.
pub(crate) const RING: usize = 16_384;
/// When events wait beside a full ring, so long until they are tried again.
const RETRY: Duration = Duration::from_millis(10);
/// Orders carried out in one step, so that datagrams get their turn.
const ORDERS: usize = 256;
/// Sessions that may be ending while others take their place.
const ENDING_SESSIONS: usize = 10_000;

/// What signaling is told to do.
pub(crate) enum Order {
    /// Python wants it.
    Command(RequestId, SignalingCommand),
    /// The room of this call has failed, and its leg with it.
    Fail(CallId),
    /// The end.
    Stop,
}

/// What signaling is made from.
pub(crate) struct SignalingParts {
    pub(crate) config: Arc<EngineConfig>,
    pub(crate) capabilities: Arc<Capabilities>,
    pub(crate) transports: Vec<Opened>,
    pub(crate) quota: Arc<Quota>,
    pub(crate) orders: Receiver<Order>,
    pub(crate) events: EventSender,
    pub(crate) recorder: Recorder,
    pub(crate) homes: Arc<Homes>,
    pub(crate) legs: Legs,
    pub(crate) counters: Arc<SignalingCounters>,
    pub(crate) now: Instant,
    /// All that the user agent makes up comes from here.
    pub(crate) seed: [u8; 32],
}

/// The signaling of one engine.
pub(crate) struct Signaling {
    config: Arc<EngineConfig>,
    capabilities: Arc<Capabilities>,
    transports: Vec<Box<dyn Transport>>,
    quota: Arc<Quota>,
    orders: Receiver<Order>,
    events: Outbox,
    homes: Arc<Homes>,
    legs: Legs,
    counters: Arc<SignalingCounters>,
    agent: UserAgent,
    calls: HashMap<CallId, Call>,
    by_session: HashMap<SessionId, CallId>,
    accounts: accounts::Accounts,
    requests: requests::Requests,
    keys: keys::Keys,
    complaints: transports::Complaints,
    gate: Gate,
    subscriptions: subscriptions::Subscriptions,
    closing: Option<Closing>,
    stopped: bool,
    arrivals: Vec<Arrival>,
    /// Messages and orders that were dealt with.
    handled: u64,
    /// Requests that met a limit or could not be taken, beside those that the agent refused.
    overload: u64,
    refused: u64,
}

/// A shutdown: no calls are taken any more.
struct Closing {
    /// The commands that wait for it.
    requests: Vec<RequestId>,
    until: Instant,
}

impl Signaling {
    pub(crate) fn new(parts: SignalingParts) -> Self {
        let config = &parts.config;
        let agent_config = UserAgentConfig {
            advertised_host: config.advertised_address.map(Into::into),
            product: Text::from(config.user_agent.clone()),
            auth: config.auth.clone(),
            methods: methods(config),
            event_packages: config
                .event_packages
                .iter()
                .map(|package| Text::from(package.as_str()))
                .collect(),
            info_packages: info_packages(config),
            supported: ["replaces", "norefersub", "tdialog"]
                .into_iter()
                .filter_map(Token::new)
                .collect(),
            listeners: transports::listeners(&parts.transports),
            // The limit of calls is kept here; the agent's counts those that are ending, too.
            max_sessions: config.max_calls.saturating_add(ENDING_SESSIONS),
            unanswered: config.unanswered,
            session_expires: config.session_expires,
            min_se: config.min_se,
            ..UserAgentConfig::default()
        };
        let gate = Gate::new(config.clone(), parts.now);
        let mut agent = UserAgent::new(agent_config, parts.seed);
        agent.set_admission(Box::new(gate.clone()));
        parts.counters.max_calls.set(config.max_calls as u64);
        parts.counters.headroom_percent.set(100);
        let mut events = Outbox::new(parts.events);
        events.recorder = Some(parts.recorder);
        events.together = true;
        Self {
            agent,
            gate,
            config: parts.config,
            capabilities: parts.capabilities,
            transports: parts.transports.into_iter().map(|o| o.transport).collect(),
            quota: parts.quota,
            orders: parts.orders,
            events,
            homes: parts.homes,
            legs: parts.legs,
            counters: parts.counters,
            calls: HashMap::new(),
            by_session: HashMap::new(),
            accounts: accounts::Accounts::default(),
            requests: requests::Requests::default(),
            keys: keys::Keys::default(),
            complaints: transports::Complaints::default(),
            subscriptions: subscriptions::Subscriptions::default(),
            closing: None,
            stopped: false,
            arrivals: Vec::new(),
            handled: 0,
            overload: 0,
            refused: 0,
        }
    }

    /// Does all that is due at `now`: commands, datagrams that have arrived, timers.
    pub(crate) fn step(&mut self, now: Instant) {
        self.step_ready(now, Ready::ALL, true);
    }

    /// The same, when it is known which transports have something. `wakes`: Python learns at once of
    /// what there is to tell, and not with the next step that wakes it.
    pub(crate) fn step_ready(&mut self, now: Instant, ready: Ready, wakes: bool) {
        self.record(|recorder| recorder.set_now(now));
        self.take_orders(now);
        self.watch_load(now);
        self.receive(now, ready);
        self.contain(|signaling| signaling.answer_overdue(now));
        self.contain(|signaling| signaling.press_due(now));
        self.contain(|signaling| signaling.agent.handle_timeout(now));
        self.contain(|signaling| signaling.carry_out(now));
        self.close_if_done(now);
        self.legs.flush();
        self.watch_load(now);
        self.legs.announce();
        // Before anybody is told, so that who is finds what it is told of counted.
        self.count(now);
        match wakes {
            true => self.events.flush(),
            false => self.events.refill(),
        }
    }

    /// When the next step is due, unless an order or a datagram comes before.
    pub(crate) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let orders = (!self.orders.is_empty()).then_some(now);
        let closing = self.closing.as_ref();
        let closing = closing.filter(|closing| !closing.requests.is_empty());
        let closing = closing.map(|closing| closing.until);
        let waiting = self.events.has_backlog() || self.legs.has_unclosed();
        let retry = waiting.then(|| now + RETRY);
        self.next_arrival()
            .into_iter()
            .chain(
                [
                    self.agent.next_timeout(),
                    self.requests.next_deadline(),
                    self.keys.next_deadline(),
                    self.gate.lock().next_deadline(now),
                    orders,
                    closing,
                    retry,
                ]
                .into_iter()
                .flatten(),
            )
            .min()
    }

    /// How many messages and orders have been dealt with since the start.
    pub(crate) fn handled(&self) -> u64 {
        self.handled
    }

    /// Whether it was ordered to stop.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopped
    }

    fn take_orders(&mut self, now: Instant) {
        for _ in 0..ORDERS {
            let Ok(order) = self.orders.try_recv() else {
                break;
            };
            self.handled += 1;
            self.contain(|signaling| match order {
                Order::Command(request, command) => {
                    signaling.record(|recorder| recorder.ordered(request, &command));
                    signaling.command(now, request, command);
                }
                Order::Fail(call) => {
                    let ending = Ending::error("the call's room has failed");
                    signaling.hang_up(now, call, None, ending);
                }
                Order::Stop => signaling.stopped = true,
            });
            self.contain(|signaling| signaling.carry_out(now));
        }
    }

    /// Does what the user agent wants done.
    fn carry_out(&mut self, now: Instant) {
        while let Some(output) = self.agent.poll_output() {
            match output {
                Output::Transmit { flow, payload } => {
                    self.record(|recorder| recorder.sent(flow, &payload));
                    self.transmit(now, flow, &payload);
                }
                Output::Event(event) => self.on_event(now, event),
            }
        }
    }

    /// Has something written down.
    fn record(&mut self, write: impl FnOnce(&mut Recorder)) {
        if let Some(recorder) = &mut self.events.recorder {
            write(recorder);
        }
    }

    /// Keeps a panic from ending more than what it happens in.
    fn contain(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.events.tell(Event::Fault {
                message: "signaling failed at a message; everything else goes on".to_owned(),
            });
        }
    }

    /// Works on a call. If that panics the call ends, and nothing else.
    fn with<R>(
        &mut self,
        now: Instant,
        id: CallId,
        work: impl FnOnce(&mut Self, &mut Call) -> R,
    ) -> Option<R> {
        let mut call = self.calls.remove(&id)?;
        let result = catch_unwind(AssertUnwindSafe(|| work(self, &mut call)));
        match result {
            Ok(result) => {
                self.calls.insert(id, call);
                Some(result)
            }
            Err(_) => {
                self.events.tell(Event::Fault {
                    message: format!("signaling failed at call {id}; the others go on"),
                });
                let session = call.session;
                self.forget(call, Ending::error("internal error"));
                self.contain(|signaling| {
                    // Over already is as well.
                    let _ = signaling.agent.hangup(now, session, Headers::new());
                });
                None
            }
        }
    }

    /// Tells that a command has been carried out, or why not.
    fn done(&mut self, request: RequestId, result: Result<(), EngineError>) {
        let error = result.err().map(|error| error.to_string());
        self.events.tell(Event::Done { request, error });
    }

    fn close_if_done(&mut self, now: Instant) {
        let census = self.agent.census();
        let gone = census.sessions + census.registrations == 0 && self.calls.is_empty();
        if let Some(closing) = &mut self.closing
            && (gone || now >= closing.until)
        {
            for request in std::mem::take(&mut closing.requests) {
                self.done(request, Ok(()));
            }
        }
    }

    /// Sees how Python and the media keep up, and tells when an overload begins or ends.
    fn watch_load(&mut self, now: Instant) {
        let mut gate = self.gate.lock();
        let events = &mut self.events;
        gate.look_at_python(now, events.told(), events.waiting(), events.room());
        let (left, size) = self.legs.ports_left(now);
        gate.look_at_ports(left, size);
        if gate.media_due(now) {
            let workers = self.legs.counters().iter().map(|counters| Work {
                busy_ns: counters.busy_ns.get(),
                ticks: counters.ticks.get(),
                lateness_us: counters.lateness_us.get(),
            });
            gate.look_at_media(now, workers);
        }
        while let Some(Notice { on, reason }) = gate.notice(now) {
            events.tell(Event::Overload { on, reason });
        }
    }

    fn count(&mut self, now: Instant) {
        let census = self.agent.census();
        let ports = self.legs.ports_in_use(now);
        let counters = &self.counters;
        counters.calls.set(self.calls.len() as u64);
        counters.sessions.set(census.sessions as u64);
        let transactions = census.client_transactions + census.server_transactions;
        counters.transactions.set(transactions as u64);
        counters
            .sip_connections
            .set(self.quota.connections() as u64);
        counters.sip_connections_refused.set(self.quota.refused());
        counters.rtp_ports.set(ports as u64);
        let agent = self.agent.counters();
        counters.sip_malformed.set(agent.malformed);
        counters.sip_repeated.set(agent.repetitions_received);
        counters.sip_retransmitted.set(agent.repetitions_sent);
        counters.sip_overload.set(agent.overload + self.overload);
        let gate = self.gate.lock();
        counters.headroom_percent.set(gate.headroom());
        for (reason, counter) in [
            (Reason::Calls, &counters.sip_overload_calls),
            (Reason::Rate, &counters.sip_overload_rate),
            (Reason::Source, &counters.sip_overload_source),
            (Reason::Requests, &counters.sip_overload_requests),
            (Reason::Ports, &counters.sip_overload_ports),
            (Reason::Python, &counters.sip_overload_python),
            (Reason::Media, &counters.sip_overload_media),
        ] {
            counter.set(gate.refused(reason));
        }
        counters.sip_refused.set(agent.refused + self.refused);
        counters.sip_failovers.set(agent.failovers);
        counters.auth_challenges.set(agent.challenges);
        counters.auth_failures.set(agent.auth_failures);
        counters.auth_stale.set(agent.auth_stale);
        counters.auth_answers.set(agent.challenges_answered);
    }
}

/// The INFO packages that Python takes.
pub(super) fn info_packages(config: &EngineConfig) -> Vec<Token> {
    let packages = config.info_packages.iter();
    packages
        .filter_map(|package| Token::new(package.as_str()))
        .collect()
}

/// The methods that are taken here or by Python, beside those of calls.
pub(super) fn methods(config: &EngineConfig) -> Vec<Method> {
    // What comes of our REFER and SUBSCRIBE is told by NOTIFY.
    let mut methods = vec![Method::Info, Method::Notify];
    let takes_refer = config.methods.iter().any(|taken| taken.method == "REFER");
    if takes_refer || !config.event_packages.is_empty() {
        methods.push(Method::Subscribe);
    }
    for taken in &config.methods {
        let method = Method::parse(&taken.method.as_str().into());
        methods.extend(method.filter(|method| !methods.contains(method)));
    }
    methods
}
