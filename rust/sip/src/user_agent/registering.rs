//! Keeping our addresses at registrars (RFC 3261 §10.2).

use std::borrow::Cow;
use std::collections::{HashMap, hash_map::Entry};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::RngExt;

use super::session::Owner;
use super::{Event, UserAgent};
use crate::auth::client::ClientAuth;
use crate::header::{
    CSeq, Contact, Expires, Header, HeaderName, MaxForwards, MinExpires, NameAddr, RetryAfter,
    Route, ServiceRoute,
};
use crate::registration::{
    Account, RegistrationId, RegistrationState, backoff, least_wait, raised, refresh_after, seen_at,
};
use crate::transaction::{ClientTransactionId, Failure, Flow, Running, Transport};
use crate::{Error, Host, Method, Request, Response, SipUri, StatusCode, Text, Uri};

/// Accounts that can be kept at a time.
const MAX_REGISTRATIONS: usize = 1000;
/// A NAT may move us so often in a row before we settle for what we have.
const MAX_MOVES: u32 = 3;
/// RFC 5626 §4.4: how often a flow is kept alive, and how long the answer may take.
const UDP_KEEP_ALIVE: u64 = 29;
const STREAM_KEEP_ALIVE: u64 = 120;
const PONG: Duration = Duration::from_secs(10);

/// Registrations by what of their flow tells it from others.
pub(super) type Ways = HashMap<(Transport, SocketAddr), Vec<RegistrationId>>;

/// What a registration waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegistrationTimer {
    /// The next REGISTER is due.
    Register,
    /// The flow is to be kept alive.
    KeepAlive,
    /// The answer to a keep-alive has not come.
    Pong,
}

#[derive(Debug)]
pub(super) struct Registration {
    account: Account,
    call_id: Text,
    local_tag: Text,
    pub(super) sequence: u32,
    pub(super) auth: Option<Box<ClientAuth>>,
    /// Tells our Contact from those of others who have the same user.
    line: Text,
    /// What was asked for, perhaps more than the account says (423).
    expires: u32,
    /// The address that the registrar has from us, while it may have one.
    bound: Option<SipUri>,
    /// Where the next hop sees us, if not where we are.
    seen_at: Option<std::net::SocketAddr>,
    moves: u32,
    failures: u32,
    pending: Option<ClientTransactionId>,
    leaving: bool,
    /// The last REGISTER takes the binding back.
    says_goodbye: bool,
    /// The peer has answered a keep-alive before, so that silence means something.
    answers_pings: bool,
    told: Option<RegistrationState>,
    pub(super) running: Running<RegistrationTimer, 3>,
}

impl UserAgent {
    /// Registers an address and keeps it registered; [`Event::Registration`] tells how that goes.
    pub fn register(&mut self, now: Instant, account: Account) -> Result<RegistrationId, Error> {
        if self.registrations.len() >= MAX_REGISTRATIONS {
            return Err(Error::Limit);
        }
        let auth = ClientAuth::boxed(&account.credentials);
        let registration = Registration {
            call_id: self.identity.call_id(),
            local_tag: self.identity.tag(),
            sequence: 0,
            auth,
            line: self.identity.tag(),
            expires: account.expires.max(1),
            bound: None,
            seen_at: None,
            moves: 0,
            failures: 0,
            pending: None,
            leaving: false,
            says_goodbye: false,
            answers_pings: false,
            told: None,
            running: Running::default(),
            account,
        };
        let way = way(registration.account.flow);
        let id = self.registrations.insert(registration);
        self.registration_ways.entry(way).or_default().push(id);
        self.send_register(now, id);
        self.settle(now);
        Ok(id)
    }

    /// Takes another way to the registrar from now on, at once if the old one has failed.
    pub fn reroute(&mut self, now: Instant, id: RegistrationId, flow: Flow) -> Result<(), Error> {
        let registration = self.registrations.get_mut(id).ok_or(Error::Gone)?;
        let moved = registration.account.flow != flow;
        let before = std::mem::replace(&mut registration.account.flow, flow);
        if moved {
            registration.seen_at = None;
            registration.moves = 0;
        }
        let failed = matches!(registration.told, Some(RegistrationState::Failed { .. }));
        let is_idle = registration.pending.is_none();
        if way(before) != way(flow) {
            self.forget_way(before, id);
            self.registration_ways
                .entry(way(flow))
                .or_default()
                .push(id);
        }
        if moved && failed && is_idle {
            self.send_register(now, id);
        }
        self.settle(now);
        Ok(())
    }

    /// Takes a registration back; [`RegistrationState::Ended`] tells when that is done.
    pub fn unregister(&mut self, now: Instant, id: RegistrationId) -> Result<(), Error> {
        let registration = self.registrations.get_mut(id).ok_or(Error::Gone)?;
        if registration.leaving {
            return Ok(());
        }
        registration.leaving = true;
        registration.running = Running::default();
        if registration.bound.is_none() && registration.pending.is_none() {
            self.end_registration(id);
        } else if registration.pending.is_none() {
            self.send_register(now, id);
        }
        self.settle(now);
        Ok(())
    }

    fn send_register(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.get(id) else {
            return;
        };
        let flow = registration.account.flow;
        let contact = match (&registration.bound, registration.leaving) {
            (Some(bound), true) => bound.clone(),
            _ => self.own_contact(registration),
        };
        let via = self.via(flow);
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        registration.sequence += 1;
        registration.says_goodbye = registration.leaving;
        let account = &registration.account;
        let expires = match registration.leaving {
            true => 0,
            false => registration.expires,
        };
        let mut request = Request::new(Method::Register, account.registrar.clone());
        let headers = &mut request.headers;
        headers.push_typed(&via);
        headers.push_typed(&MaxForwards(70));
        for route in &account.route {
            headers.push_typed(&Route(NameAddr::new(route.clone())));
        }
        let from = account.address.clone().with_tag(&registration.local_tag);
        headers.push(HeaderName::From, from.to_string());
        headers.push(HeaderName::To, account.address.to_string());
        headers.push(HeaderName::CallId, registration.call_id.clone());
        headers.push_typed(&CSeq {
            sequence: registration.sequence,
            method: Method::Register,
        });
        let bind = |uri: &SipUri, expires: u32| {
            let address = NameAddr::new(uri.clone()).with_param("expires", &expires.to_string());
            Contact::Address(address)
        };
        headers.push_typed(&bind(&contact, expires));
        // What we have left behind would only bring calls to nobody.
        if let Some(old) = registration.bound.as_ref().filter(|old| **old != contact) {
            headers.push_typed(&bind(old, 0));
        }
        headers.push_typed(&Expires(expires));
        if expires > 0 {
            registration.bound = Some(contact);
        }
        if let Some(auth) = &mut registration.auth {
            auth.sign(&mut request);
        }
        headers_of_ours(self, &mut request);
        let owner = Owner::Register(id);
        let sent = self.transactions.start_client(now, request, flow, owner);
        if let Some(registration) = self.registrations.get_mut(id) {
            registration.pending = sent;
        }
    }

    /// Our address as the registrar's side reaches it.
    fn own_contact(&self, registration: &Registration) -> SipUri {
        let flow = registration.account.flow;
        let (host, port) = match registration.seen_at {
            Some(seen) => (Host::Ip(seen.ip()), Some(seen.port())),
            None => self.own_address(flow),
        };
        let address = registration.account.address.uri.as_sip();
        let user = address.and_then(|uri| uri.user().map(|user| user.into_owned()));
        let uri = SipUri::new(&host)
            .with_user(user.as_deref().unwrap_or_default())
            .with_port(port);
        let uri = match flow.transport {
            crate::transaction::Transport::Udp => uri,
            other => uri.with_param("transport", other.name()),
        };
        uri.with_param("line", &registration.line)
    }

    pub(super) fn on_register_response(
        &mut self,
        now: Instant,
        id: RegistrationId,
        response: &Response,
    ) {
        if response.status.is_provisional() {
            return;
        }
        let advertised = self.config.advertised_host.is_some();
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        registration.pending = None;
        let flow = registration.account.flow;
        if registration.leaving {
            return match registration.says_goodbye {
                true => self.end_registration(id),
                // What was answered had been on its way when we wanted to leave.
                false => self.send_register(now, id),
            };
        }
        // What is there already stays until the address that was seen is seen again.
        let seen = seen_at(response, flow).filter(|_| !advertised);
        if seen != registration.seen_at
            && registration.moves < MAX_MOVES
            && response.status.is_success()
        {
            registration.seen_at = seen;
            registration.moves += 1;
            return self.send_register(now, id);
        }
        match response.status {
            status if status.is_success() => self.on_registered(now, id, response),
            StatusCode::INTERVAL_TOO_BRIEF => {
                let least = match response.headers.get_typed::<MinExpires>() {
                    Some(Ok(MinExpires(least))) => Some(least),
                    _ => None,
                };
                match raised(registration.expires, least) {
                    Some(expires) => {
                        registration.expires = expires;
                        self.send_register(now, id);
                    }
                    None => self.registration_failed(now, id, response.status, response),
                }
            }
            status => self.registration_failed(now, id, status, response),
        }
    }

    pub(super) fn on_register_failed(
        &mut self,
        now: Instant,
        id: RegistrationId,
        failure: Failure,
    ) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        registration.pending = None;
        if registration.leaving {
            return self.end_registration(id);
        }
        let status = match failure {
            Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
            Failure::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let reason = Text::from_static(status.reason());
        self.try_again(now, id, status, reason, Duration::ZERO);
    }

    fn on_registered(&mut self, now: Instant, id: RegistrationId, response: &Response) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        let Some(contact) = registration.bound.clone() else {
            return;
        };
        let expires = granted(response, &contact).unwrap_or(registration.expires);
        if expires == 0 {
            let reason = Text::from_static("the registrar did not keep it");
            return self.try_again(now, id, response.status, reason, Duration::ZERO);
        }
        registration.failures = 0;
        registration.moves = 0;
        let service_route: Vec<Uri> = response
            .headers
            .get_all_typed::<ServiceRoute>()
            .filter_map(|route| route.ok()?.uri.to_string().parse().ok())
            .take(16)
            .collect();
        let realms = registration.auth.as_ref();
        let realms = realms.map_or_else(Vec::new, |auth| auth.realms().collect());
        let state = RegistrationState::Registered {
            expires,
            contact: contact.into(),
            service_route,
            realms,
        };
        let refresh = refresh_after(expires, &mut self.identity.rng);
        self.start_registration_timer(id, RegistrationTimer::Register, now + refresh);
        self.keep_flow(now, id);
        self.tell_registration(id, state);
    }

    fn registration_failed(
        &mut self,
        now: Instant,
        id: RegistrationId,
        status: StatusCode,
        response: &Response,
    ) {
        let retry_after = match response.headers.get_typed::<RetryAfter>() {
            Some(Ok(RetryAfter { seconds, .. })) => Some(seconds),
            _ => None,
        };
        let least = least_wait(status, retry_after);
        self.try_again(now, id, status, response.reason.clone(), least);
    }

    fn try_again(
        &mut self,
        now: Instant,
        id: RegistrationId,
        status: StatusCode,
        reason: Text,
        least: Duration,
    ) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        registration.failures = registration.failures.saturating_add(1);
        registration.running.stop(RegistrationTimer::KeepAlive);
        registration.running.stop(RegistrationTimer::Pong);
        let wait = backoff(registration.failures, &mut self.identity.rng).max(least);
        self.start_registration_timer(id, RegistrationTimer::Register, now + wait);
        let state = RegistrationState::Failed {
            status,
            reason: reason.to_string().into(),
            retry_after: wait,
        };
        self.tell_registration(id, state);
    }

    fn end_registration(&mut self, id: RegistrationId) {
        if let Some(registration) = self.registrations.remove(id) {
            self.forget_way(registration.account.flow, id);
            let state = RegistrationState::Ended;
            self.event(Event::Registration { id, state });
        }
    }

    /// Tells how it stands, after each refresh too: until when is new.
    fn tell_registration(&mut self, id: RegistrationId, state: RegistrationState) {
        if let Some(registration) = self.registrations.get_mut(id) {
            registration.told = Some(state.clone());
            self.event(Event::Registration { id, state });
        }
    }

    // Time

    fn start_registration_timer(
        &mut self,
        id: RegistrationId,
        timer: RegistrationTimer,
        at: Instant,
    ) {
        if let Some(registration) = self.registrations.get_mut(id) {
            registration.running.start(timer, at);
            self.registration_queue.push(at, (id, timer));
        }
    }

    pub(super) fn keep_registrations(&mut self, now: Instant) {
        while let Some((at, (id, timer))) = self.registration_queue.pop(now) {
            let expired = self
                .registrations
                .get_mut(id)
                .is_some_and(|registration| registration.running.expire(timer, at));
            if !expired {
                continue;
            }
            match timer {
                RegistrationTimer::Register => {
                    let idle = self
                        .registrations
                        .get(id)
                        .is_some_and(|r| r.pending.is_none());
                    if idle {
                        self.send_register(now, id);
                    }
                }
                RegistrationTimer::KeepAlive => self.ping_registrar(now, id),
                RegistrationTimer::Pong => self.flow_is_dead(now, id),
            }
            self.settle(now);
        }
    }

    /// Keeps the way to the registrar open: over UDP only through a NAT, where silence closes it.
    fn keep_flow(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.get(id) else {
            return;
        };
        let seconds = match registration.account.flow.transport.is_reliable() {
            true => STREAM_KEEP_ALIVE,
            false if registration.seen_at.is_some() => UDP_KEEP_ALIVE,
            false => return,
        };
        let wait = Duration::from_secs(seconds).mul_f64(self.identity.rng.random_range(0.8..=1.0));
        self.start_registration_timer(id, RegistrationTimer::KeepAlive, now + wait);
    }

    fn ping_registrar(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.get(id) else {
            return;
        };
        let flow = registration.account.flow;
        if flow.transport.is_reliable() && registration.answers_pings {
            self.start_registration_timer(id, RegistrationTimer::Pong, now + PONG);
        }
        self.keep_flow(now, id);
        self.keep_alive(now, flow);
    }

    /// The peer of a flow has answered a keep-alive.
    pub(super) fn pong_of_registrar(&mut self, flow: Flow) {
        for id in self.registered_by(flow) {
            if let Some(registration) = self.registrations.get_mut(id) {
                registration.answers_pings = true;
                registration.running.stop(RegistrationTimer::Pong);
            }
        }
    }

    /// The flow to a registrar is closed: we register over a new one (RFC 5626 §4.5).
    pub(super) fn registrars_flow_closed(&mut self, now: Instant, flow: Flow) {
        for id in self.registered_by(flow) {
            let registration = self.registrations.get(id);
            if registration.is_some_and(|r| !r.leaving && r.pending.is_none()) {
                self.flow_is_dead(now, id);
            }
        }
    }

    fn registered_by(&self, flow: Flow) -> Vec<RegistrationId> {
        let ids = self.registration_ways.get(&way(flow));
        ids.cloned().unwrap_or_default()
    }

    fn forget_way(&mut self, flow: Flow, id: RegistrationId) {
        if let Entry::Occupied(mut ids) = self.registration_ways.entry(way(flow)) {
            ids.get_mut().retain(|other| *other != id);
            if ids.get().is_empty() {
                ids.remove();
            }
        }
    }

    fn flow_is_dead(&mut self, now: Instant, id: RegistrationId) {
        let Some(registration) = self.registrations.get_mut(id) else {
            return;
        };
        // After a failure that is being waited out already.
        if registration.failures > 0 || registration.leaving {
            return;
        }
        registration.running.stop(RegistrationTimer::KeepAlive);
        registration.running.stop(RegistrationTimer::Pong);
        // Not all who lose a registrar at once come back at once.
        let wait = Duration::from_millis(self.identity.rng.random_range(100..=2000));
        self.start_registration_timer(id, RegistrationTimer::Register, now + wait);
    }
}

fn headers_of_ours(agent: &UserAgent, request: &mut Request) {
    request.headers.push(HeaderName::Allow, agent.allow.clone());
    agent.push_product(&mut request.headers, HeaderName::UserAgent);
}

/// What of a flow to a registrar tells it from others: our own end of a stream is of no account.
fn way(flow: Flow) -> (Transport, SocketAddr) {
    (flow.transport, flow.remote)
}

/// For how long a 200 keeps our binding among all that it lists (§10.2.4). Ours is told by the
/// `line` in it, which others behind the same address don't share, or else by user, host and port
/// of one without a line: some registrars keep no parameters.
fn granted(response: &Response, bound: &SipUri) -> Option<u32> {
    let contacts = response.headers.get_all_typed::<Contact>();
    let listed: Vec<Contact> = contacts.flatten().collect();
    let place = |uri: &SipUri| {
        let user = uri.user().map(Cow::into_owned);
        (user, uri.host(), uri.port())
    };
    let find = |is_ours: &dyn Fn(&SipUri) -> bool| {
        listed.iter().find(|contact| {
            let uri = contact.address().and_then(|address| address.uri.as_sip());
            uri.is_some_and(is_ours)
        })
    };
    let ours = find(&|uri| uri.param("line") == bound.param("line"))
        .or_else(|| find(&|uri| uri.param("line").is_none() && place(uri) == place(bound)));
    let general = || match response.headers.get_typed::<Expires>() {
        Some(Ok(Expires(seconds))) => Some(seconds),
        _ => None,
    };
    match ours {
        Some(contact) => contact.expires().or_else(general),
        // A registrar that lists others, but not us, has not kept it.
        None if response.headers.contains(&Contact::NAME) => Some(0),
        None => general(),
    }
}
