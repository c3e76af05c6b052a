//! The next server when one fails (RFC 3263 §4.3).
//!
//! A request outside a dialog may name further servers beside the first. The next one gets it,
//! with a new branch and otherwise the same, when a server can't be reached, answers 503 or says
//! nothing at all.
//!
//! How long nothing is nothing: the RFC names Timers B and F, 64·T1, which is what the last server
//! gets. The others get 8·T1 (4 s, in which the request was sent four times): a server that lives
//! has said 100 by then, to an INVITE within 200 ms (RFC 3261 §17.2.1) and to any other request
//! once Timer E has reached T2, which is after 7·T1 (RFC 4320 §4.2). Since that is our impatience
//! and not the transaction's end, the transaction lives on to Timer B, without repetitions:
//! should its server wake up, it gets a CANCEL, or ACK and BYE when it has accepted by then.
//!
//! A server that says 503 with Retry-After is asked last for so long, by all requests
//! (§21.5.4 of RFC 3261 would rather not have it asked at all; but a gateway says 503 of one
//! call's circuit, too, and where there is no other server it is worth a try).

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::session::{Owner, Phase, SessionId};
use super::{Event, OutgoingRequest, UserAgent};
use crate::dialog::{as_focus, is_focus};
use crate::header::{self, HeaderName, RetryAfter};
use crate::transaction::{
    ClientTransactionId, Failure, Flow, TimerQueue, TimerValues, Transport, follow_up,
};
use crate::{Method, Request, Response, StatusCode, Text};

/// A server that says nothing has so many T1 while there is another.
const PATIENCE: u32 = 8;
/// The longest that a server is avoided: what it was told an hour ago needn't hold any more.
const LONGEST_AVOIDED: Duration = Duration::from_secs(3600);
/// Servers that are avoided at a time; beyond, the one whose time ends first is not any more.
const MOST_AVOIDED: usize = 1024;

/// The requests that have another server to go to, and the servers that don't want any now.
#[derive(Debug, Default)]
pub(super) struct Failover {
    tries: HashMap<ClientTransactionId, Tries>,
    queue: TimerQueue<ClientTransactionId>,
    avoided: HashMap<(Transport, SocketAddr), Instant>,
}

/// The servers that get a request should the first fail, and what it says to them.
#[derive(Debug, Default)]
pub(super) struct Rest {
    flows: VecDeque<Flow>,
    /// The body by the address of ours that it leaves from, where that makes a difference.
    bodies: Vec<(IpAddr, Bytes)>,
    /// The Contact is the same by each way: that of an account, or of the layer above.
    keeps_contact: bool,
}

/// What remains to be tried of one request.
#[derive(Debug)]
struct Tries {
    request: Box<Request>,
    owner: Owner,
    rest: Rest,
    /// The address of ours that it left from last.
    left_from: IpAddr,
    /// The id under which the layer above knows it: that of its first transaction.
    known_as: ClientTransactionId,
    /// This server has said something.
    answered: bool,
}

impl Failover {
    /// Requests that have had, or have, another server to go to.
    pub(super) fn len(&self) -> usize {
        self.tries.len()
    }

    /// When a silent server's time is up; perhaps nothing is due then.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.queue.next()
    }

    /// Puts servers that are to be avoided behind the others.
    fn sort(&mut self, now: Instant, flows: &mut [Flow]) {
        if self.avoided.is_empty() {
            return;
        }
        self.avoided.retain(|_, until| *until > now);
        flows.sort_by_key(|flow| self.avoided.contains_key(&(flow.transport, flow.remote)));
    }

    fn avoid(&mut self, now: Instant, flow: Flow, response: &Response) {
        let Some(Ok(RetryAfter { seconds, .. })) = response.headers.get_typed() else {
            return;
        };
        let time = Duration::from_secs(seconds.into()).min(LONGEST_AVOIDED);
        if time.is_zero() {
            return;
        }
        self.avoided.retain(|_, until| *until > now);
        if self.avoided.len() >= MOST_AVOIDED
            && let Some(soonest) = self.avoided.iter().min_by_key(|(_, until)| **until)
        {
            let soonest = *soonest.0;
            self.avoided.remove(&soonest);
        }
        self.avoided
            .insert((flow.transport, flow.remote), now + time);
    }
}

impl UserAgent {
    /// Decides which server gets a request first: returns the others.
    pub(super) fn choose_first(&mut self, now: Instant, outgoing: &mut OutgoingRequest) -> Rest {
        if outgoing.alternatives.is_empty() {
            return Rest::default();
        }
        let mut elsewhere = std::mem::take(&mut outgoing.elsewhere);
        if let (false, Some(content)) = (elsewhere.is_empty(), &outgoing.content) {
            elsewhere.push((outgoing.flow.local.ip(), content.clone()));
        }
        let mut flows = vec![outgoing.flow];
        flows.append(&mut outgoing.alternatives);
        self.failover.sort(now, &mut flows);
        let mut flows = VecDeque::from(flows);
        outgoing.flow = flows.pop_front().unwrap_or(outgoing.flow);
        let here = outgoing.flow.local.ip();
        if let Some((_, content)) = elsewhere.iter().find(|(ip, _)| *ip == here) {
            outgoing.content = Some(content.clone());
        }
        let bodies = elsewhere.into_iter();
        Rest {
            flows,
            bodies: bodies.map(|(ip, content)| (ip, content.body)).collect(),
            keeps_contact: outgoing.contact.is_some()
                || outgoing.headers.contains(&HeaderName::Contact),
        }
    }

    /// What this server has answered binds us to the address that our INVITE left from: servers
    /// that are reached from another are not turned to any more.
    pub fn stay(&mut self, session: SessionId) {
        if let Some(Phase::Calling { transaction, .. }) =
            self.sessions.get(session).map(|session| &session.phase)
            && let Some(tries) = self.failover.tries.get_mut(transaction)
        {
            let here = tries.left_from;
            tries.rest.flows.retain(|flow| flow.local.ip() == here);
        }
    }

    /// Sends a request outside a dialog to the first of its servers; `rest` are the others.
    pub(super) fn start_opening(
        &mut self,
        now: Instant,
        request: Request,
        flow: Flow,
        rest: Rest,
        owner: Owner,
    ) -> Option<ClientTransactionId> {
        if rest.flows.is_empty() {
            return self.transactions.start_client(now, request, flow, owner);
        }
        let kept = Box::new(request.clone());
        let client = self.transactions.start_client(now, request, flow, owner)?;
        let tries = Tries {
            request: kept,
            owner,
            rest,
            left_from: flow.local.ip(),
            known_as: client,
            answered: false,
        };
        self.watch(now, client, tries);
        Some(client)
    }

    fn watch(&mut self, now: Instant, client: ClientTransactionId, tries: Tries) {
        if !tries.rest.flows.is_empty() {
            let up = now + self.config.timers.patience();
            self.failover.queue.push(up, client);
        }
        self.failover.tries.insert(client, tries);
    }

    /// Looks at a response before its owner does. `None`: it was a 503, and the next server is
    /// asked; else the id that the layer above knows the request by.
    pub(super) fn look_at_response(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        owner: Owner,
        flow: Flow,
        response: &Response,
    ) -> Option<ClientTransactionId> {
        let status = response.status;
        let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
        if unavailable && matches!(owner, Owner::Invite(_) | Owner::Request(None)) {
            self.failover.avoid(now, flow, response);
        }
        if self.failover.tries.is_empty() {
            return Some(client);
        }
        if status.is_provisional() || is_challenge(status) {
            let tries = self.failover.tries.get_mut(&client);
            return Some(tries.map_or(client, |tries| {
                tries.answered = true;
                tries.known_as
            }));
        }
        let Some(tries) = self.failover.tries.remove(&client) else {
            return Some(client);
        };
        let known_as = tries.known_as;
        (!(unavailable && self.try_next(now, tries))).then_some(known_as)
    }

    /// A request has been challenged. When it goes out again to the same server (`again`) the others
    /// stay in reserve; else the challenge was its answer.
    pub(super) fn after_challenge(
        &mut self,
        (client, known_as): (ClientTransactionId, ClientTransactionId),
        owner: Owner,
        status: StatusCode,
        again: bool,
    ) {
        if self.failover.tries.is_empty() || !is_challenge(status) {
            return;
        }
        if let Some(tries) = self.failover.tries.remove(&client)
            && again
        {
            // What comes of it is told under this id.
            let client = match owner {
                Owner::Request(_) => known_as,
                _ => client,
            };
            self.failover.tries.insert(client, tries);
        }
    }

    /// Looks at a failure before its owner does; as [`UserAgent::look_at_response`].
    pub(super) fn look_at_failure(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        failure: Failure,
    ) -> Option<ClientTransactionId> {
        let Some(tries) = self.failover.tries.remove(&client) else {
            return Some(client);
        };
        let known_as = tries.known_as;
        // Silence after a provisional response is none: that server is at work (§4.3).
        let fails_over = failure == Failure::Unreachable || !tries.answered;
        (!(fails_over && self.try_next(now, tries))).then_some(known_as)
    }

    /// Turns to the next server where one has been silent for long enough.
    pub(super) fn end_patience(&mut self, now: Instant) {
        while let Some((_, client)) = self.failover.queue.pop(now) {
            let Some(tries) = self.failover.tries.remove(&client) else {
                continue;
            };
            let owner = tries.owner;
            if tries.answered || !self.is_wanted(owner) {
                self.failover.tries.insert(client, tries);
                continue;
            }
            match owner {
                Owner::Invite(id) => self.transactions.abandon(client, Owner::Silent(id)),
                _ => self.transactions.forget(client),
            }
            let known_as = tries.known_as;
            if !self.try_next(now, tries) {
                self.fail(now, known_as, owner, Failure::Timeout);
            }
            self.settle(now);
        }
    }

    /// Sends the request to the next server. `false`: there is none, or nobody wants it any more.
    fn try_next(&mut self, now: Instant, mut tries: Tries) -> bool {
        let owner = tries.owner;
        if !self.is_wanted(owner) {
            return false;
        }
        let Some(flow) = tries.rest.flows.pop_front() else {
            return false;
        };
        let mut request = (*tries.request).clone();
        let here = flow.local.ip();
        if let Some((_, body)) = tries.rest.bodies.iter().find(|(ip, _)| *ip == here) {
            request.body = body.clone();
        }
        let via = self.via(flow);
        request.headers.replace_first(&via);
        if !tries.rest.keeps_contact
            && let Some(before) = request.headers.get(&HeaderName::Contact)
        {
            let user = own_user(&request);
            let mut contact = self.contact(flow, user.as_deref());
            if is_focus(before) {
                contact = as_focus(&contact);
            }
            request.headers.set(HeaderName::Contact, contact);
        }
        let Some(client) = self.transactions.start_client(now, request, flow, owner) else {
            return false;
        };
        tries.answered = false;
        tries.left_from = here;
        self.watch(now, client, tries);
        self.counters.failovers += 1;
        if let Owner::Invite(id) = owner
            && let Some(session) = self.sessions.get_mut(id)
        {
            session.dialogs.clear();
            if let Phase::Calling { transaction, .. } = &mut session.phase {
                *transaction = client;
            }
            self.event(Event::NextServer { session: id, flow });
        }
        true
    }

    /// Whether the layer above still waits for what this request brings.
    fn is_wanted(&mut self, owner: Owner) -> bool {
        match owner {
            Owner::Invite(id) => self.is_calling(id),
            _ => true,
        }
    }

    /// Our INVITE waits for its final response.
    pub(super) fn is_calling(&mut self, id: SessionId) -> bool {
        self.live(id)
            .is_ok_and(|session| matches!(session.phase, Phase::Calling { .. }))
    }

    // A server that was too slow

    /// A server that was given up as silent has answered our INVITE after all.
    pub(super) fn on_late_response(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        owner: Owner,
        response: &Response,
    ) {
        let (Owner::Silent(session) | Owner::Cancelled(session)) = owner else {
            return;
        };
        if response.status.is_success() {
            self.decline_branch(now, client, Some(session), response);
        } else if owner == Owner::Silent(session) && self.transactions.is_proceeding(client) {
            let Some((invite, flow)) = self.transactions.invite(client) else {
                return;
            };
            let cancel = follow_up(invite, Method::Cancel);
            self.transactions
                .start_client(now, cancel, flow, Owner::Nobody);
            self.transactions.give_up(now, client);
            self.transactions
                .set_client_owner(client, Owner::Cancelled(session));
        }
    }
}

impl TimerValues {
    /// How long a silent server is waited for while there is another to turn to: 8·T1.
    pub fn patience(&self) -> Duration {
        self.t1 * PATIENCE
    }
}

fn is_challenge(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::PROXY_AUTHENTICATION_REQUIRED
}

/// The user part of our own address in a request.
fn own_user(request: &Request) -> Option<Text> {
    let from = request.headers.require::<header::From>().ok()?;
    let user = from.uri.as_sip()?.user()?;
    Some(user.into_owned().into())
}
