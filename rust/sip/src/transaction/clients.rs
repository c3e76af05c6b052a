//! The client transactions of a user agent: finding, driving and forgetting them.

use std::time::Instant;

use bytes::Bytes;

use super::client::Client;
use super::client_invite::ClientInvite;
use super::key::ClientKey;
use super::large::{Fallback, over_tcp};
use super::unheard::Unheard;
use super::{
    Action, Actions, ClientTransactionId, Effect, Failure, Flow, Running, Sent, Side, Timer,
    Transactions,
};
use crate::header::{CSeq, To};
use crate::{HeaderName, Method, Request, Response, Text};

#[derive(Debug)]
enum ClientMachine {
    Invite(ClientInvite),
    Other(Client),
}

#[derive(Debug)]
pub(super) struct ClientTransaction<O> {
    machine: ClientMachine,
    key: ClientKey,
    owner: O,
    /// The id by which the owner knows it: its own, or that of the request it takes the place of.
    known_as: ClientTransactionId,
    retries: u8,
    flow: Flow,
    /// A response has come.
    is_heard: bool,
    running: Running<Timer, 2>,
    /// As it was sent.
    payload: Bytes,
    /// What ACK and CANCEL are made from, or what may have to be tried again; kept for INVITE and
    /// PRACK only.
    request: Option<Box<Request>>,
    /// The ACK to a failure.
    ack: Option<Bytes>,
    /// The ACKs to 2xx, by the tag of whom they are for.
    acks: Vec<(Text, Flow, Bytes)>,
    /// The highest CSeq of what was sent in early dialogs that are forgotten.
    sequence: u32,
    /// It goes over TCP for its size only.
    fallback: Option<Fallback>,
    /// It went out again over another connection.
    reopened: bool,
}

impl<O: Clone> Transactions<O> {
    /// Sends a request that has our Via on top and needs an answer.
    pub(crate) fn start_client(
        &mut self,
        now: Instant,
        request: Request,
        flow: Flow,
        owner: O,
    ) -> Option<ClientTransactionId> {
        self.start(now, request, flow, owner, None)
    }

    /// Sends a request again, as RFC 3261 §8.1.3.5 has it, in other words and with another branch.
    /// For its owner it is the same: the id of the first stands for the last.
    pub(crate) fn start_again(
        &mut self,
        now: Instant,
        known_as: ClientTransactionId,
        request: Request,
        before: &Sent,
        owner: O,
    ) -> bool {
        let place = (known_as, before.retries.saturating_add(1));
        self.start(now, request, before.flow, owner, Some(place))
            .is_some()
    }

    fn start(
        &mut self,
        now: Instant,
        mut request: Request,
        mut flow: Flow,
        owner: O,
        in_place_of: Option<(ClientTransactionId, u8)>,
    ) -> Option<ClientTransactionId> {
        let key = ClientKey::of_request(&request)?;
        let mut payload = request.to_bytes();
        let mut fallback = None;
        if let Some((tcp, udp)) = over_tcp(
            now,
            &self.listeners,
            &mut self.without_tcp,
            &mut request,
            &payload,
            flow,
        ) {
            payload = request.to_bytes();
            (flow, fallback) = (tcp, Some(udp));
        }
        let reliable = flow.transport.is_reliable();
        let is_invite = request.method == Method::Invite;
        let may_come_again = is_invite || request.method == Method::Prack;
        let (machine, actions) = if is_invite {
            let (machine, actions) = ClientInvite::start(reliable, &self.values);
            (ClientMachine::Invite(machine), actions)
        } else {
            let (machine, actions) = Client::start(reliable, &self.values);
            (ClientMachine::Other(machine), actions)
        };
        let request = may_come_again.then(|| Box::new(request));
        let id = self.clients.insert_with_key(|id| ClientTransaction {
            machine,
            key: key.clone(),
            owner,
            known_as: in_place_of.map_or(id, |(known_as, _)| known_as),
            retries: in_place_of.map_or(0, |(_, retries)| retries),
            flow,
            is_heard: false,
            running: Running::default(),
            payload,
            request,
            ack: None,
            acks: Vec::new(),
            sequence: 0,
            fallback,
            reopened: false,
        });
        self.by_branch.insert(key, id);
        self.unheard.insert(Unheard::new(flow, id));
        if let Some((known_as, _)) = in_place_of {
            self.successors.insert(known_as, id);
        }
        self.drive_client(now, id, actions, None);
        Some(id)
    }

    /// The transaction that an id stands for now.
    fn current(&self, id: ClientTransactionId) -> ClientTransactionId {
        match self.successors.is_empty() {
            true => id,
            false => self.successors.get(&id).copied().unwrap_or(id),
        }
    }

    /// Takes a response. Whether it is anyone's at all.
    pub(crate) fn receive_response(&mut self, now: Instant, response: Response) -> bool {
        let id = ClientKey::of_response(&response).and_then(|key| self.by_branch.get(&key));
        let Some((id, client)) = id.and_then(|id| Some((*id, self.clients.get_mut(*id)?))) else {
            return false;
        };
        if response.status.is_success()
            && let Some((_, flow, ack)) =
                client.acks.iter().find(|(tag, ..)| has_tag(&response, tag))
        {
            let (flow, payload) = (*flow, ack.clone());
            self.repeated += 1;
            self.transmit(flow, payload);
            return true;
        }
        if !std::mem::replace(&mut client.is_heard, true) {
            self.unheard.remove(&Unheard::new(client.flow, id));
        }
        let actions = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.response(response.status, &self.values),
            ClientMachine::Other(machine) => machine.response(response.status, &self.values),
        };
        self.drive_client(now, id, actions, Some(response));
        true
    }

    /// The INVITE of a client transaction, for as long as that lives.
    pub(crate) fn invite(&self, id: ClientTransactionId) -> Option<(&Request, Flow)> {
        let client = self.clients.get(self.current(id))?;
        Some((client.request.as_deref()?, client.flow))
    }

    /// Whether an INVITE of ours has been answered provisionally only, so that CANCEL may be sent.
    pub(crate) fn is_proceeding(&self, id: ClientTransactionId) -> bool {
        matches!(self.clients.get(self.current(id)), Some(ClientTransaction {
            machine: ClientMachine::Invite(machine), ..
        }) if machine.is_proceeding())
    }

    /// Nobody wants this INVITE any more.
    pub(crate) fn give_up(&mut self, now: Instant, id: ClientTransactionId) {
        let id = self.current(id);
        if let Some(client) = self.clients.get_mut(id)
            && let ClientMachine::Invite(machine) = &mut client.machine
        {
            let actions = machine.give_up(&self.values);
            self.drive_client(now, id, actions, None);
        }
    }

    /// Stops repeating an INVITE that has had no response, for it is not waited for any more; what
    /// its server may still say is for another owner.
    pub(crate) fn abandon(&mut self, id: ClientTransactionId, owner: O) {
        if let Some(client) = self.clients.get_mut(id) {
            client.running.stop(Timer::A);
            client.owner = owner;
            // Nor does it go out afresh over UDP when TCP turns out not to work.
            client.fallback = None;
        }
    }

    pub(crate) fn set_client_owner(&mut self, id: ClientTransactionId, owner: O) {
        if let Some(client) = self.clients.get_mut(id) {
            client.owner = owner;
        }
    }

    /// Forgets a request whose response nobody wants any more.
    pub(crate) fn forget(&mut self, id: ClientTransactionId) {
        self.remove_client(id);
    }

    fn remove_client(&mut self, id: ClientTransactionId) -> Option<ClientTransaction<O>> {
        let client = self.clients.remove(id)?;
        self.by_branch.remove(&client.key);
        if !client.is_heard {
            self.unheard.remove(&Unheard::new(client.flow, id));
        }
        Some(client)
    }

    /// Sends the ACK to a 2xx, now and whenever that 2xx comes again.
    pub(crate) fn acknowledge(
        &mut self,
        id: ClientTransactionId,
        tag: Text,
        flow: Flow,
        ack: Bytes,
    ) {
        let id = self.current(id);
        if let Some(client) = self.clients.get_mut(id) {
            client.acks.push((tag, flow, ack.clone()));
        }
        self.transmit(flow, ack);
    }

    /// Early dialogs of this INVITE are forgotten, in which requests up to this CSeq were sent.
    pub(crate) fn note_sequence(&mut self, id: ClientTransactionId, sequence: u32) {
        let id = self.current(id);
        if let Some(client) = self.clients.get_mut(id) {
            client.sequence = client.sequence.max(sequence);
        }
    }

    /// The highest CSeq that may have been sent to a branch of this INVITE whose early dialog is
    /// forgotten.
    pub(crate) fn noted_sequence(&self, id: ClientTransactionId) -> u32 {
        let client = self.clients.get(self.current(id));
        client.map_or(0, |client| client.sequence)
    }

    /// How many branches of this INVITE have had an ACK to their 2xx.
    pub(crate) fn acknowledged(&self, id: ClientTransactionId) -> usize {
        let client = self.clients.get(self.current(id));
        client.map_or(0, |client| client.acks.len())
    }

    /// A connection is gone. What has had no response over one that had carried messages may just
    /// have missed it, as when it had been idle for long: it goes out over another, once, in the
    /// same words, so that a peer which has had it all the same knows it again. All else ends.
    pub(crate) fn flow_closed(&mut self, now: Instant, flow: Flow) {
        let had_carried = self.streams.is_open(flow);
        self.streams.close(now, flow);
        let way = self.streams.way(flow);
        for id in self.unheard_over(flow) {
            let Some(client) = self.clients.get_mut(id) else {
                continue;
            };
            if !had_carried || client.reopened || client.fallback.is_some() {
                self.fail_client(now, id);
                continue;
            }
            client.reopened = true;
            client.flow = way;
            let payload = client.payload.clone();
            self.unheard.remove(&Unheard::new(flow, id));
            self.unheard.insert(Unheard::new(way, id));
            self.repeated += 1;
            self.transmit(way, payload);
        }
    }

    fn unheard_over(&self, flow: Flow) -> Vec<ClientTransactionId> {
        let concerned = self.unheard.range(Unheard::all(flow));
        concerned.map(|unheard| unheard.id()).collect()
    }

    /// Nothing can be sent to this neighbour: ends what has had no response from there.
    pub(crate) fn transport_error(&mut self, now: Instant, flow: Flow) {
        for id in self.unheard_over(flow) {
            self.fail_client(now, id);
        }
    }

    fn fail_client(&mut self, now: Instant, id: ClientTransactionId) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let actions = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.transport_error(),
            ClientMachine::Other(machine) => machine.transport_error(),
        };
        if !actions.is_empty()
            && let Some(fallback) = client.fallback.take()
        {
            return self.fall_back(now, id, fallback);
        }
        self.drive_client(now, id, actions, None);
    }

    /// Sends a request over UDP that could not be sent over TCP.
    fn fall_back(&mut self, now: Instant, id: ClientTransactionId, fallback: Fallback) {
        self.without_tcp.note(now, fallback.flow.remote);
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        let (machine, actions) = match client.machine {
            ClientMachine::Invite(_) => {
                let (machine, actions) = ClientInvite::start(false, &self.values);
                (ClientMachine::Invite(machine), actions)
            }
            ClientMachine::Other(_) => {
                let (machine, actions) = Client::start(false, &self.values);
                (ClientMachine::Other(machine), actions)
            }
        };
        self.unheard.remove(&Unheard::new(client.flow, id));
        self.unheard.insert(Unheard::new(fallback.flow, id));
        client.machine = machine;
        client.is_heard = false;
        client.running = Running::default();
        client.flow = fallback.flow;
        client.payload = fallback.request.to_bytes();
        client.request = client.request.is_some().then_some(fallback.request);
        self.drive_client(now, id, actions, None);
    }

    fn drive_client(
        &mut self,
        now: Instant,
        id: ClientTransactionId,
        actions: Actions,
        mut response: Option<Response>,
    ) {
        for action in actions {
            let Some(client) = self.clients.get_mut(id) else {
                return;
            };
            let (owner, flow) = (client.owner.clone(), client.flow);
            let known_as = client.known_as;
            match action {
                Action::Send => {
                    let payload = client.payload.clone();
                    self.transmit(flow, payload);
                }
                Action::SendAck => {
                    let made = client.ack.is_some();
                    if let (None, Some(invite), Some(failure)) =
                        (&client.ack, &client.request, &response)
                    {
                        client.ack = Some(ack_to_failure(invite, failure).to_bytes());
                    }
                    if let Some(payload) = client.ack.clone() {
                        self.repeated += u64::from(made);
                        self.transmit(flow, payload);
                    }
                }
                Action::Deliver => {
                    if let Some(response) = response.take() {
                        let wire = response.status.is_final().then(|| Sent {
                            flow,
                            payload: client.payload.clone(),
                            retries: client.retries,
                        });
                        let sent = match response.status.is_failure() {
                            // ACK and CANCEL need it no more.
                            true => client.request.take(),
                            false => None,
                        };
                        self.effects.push_back(Effect::Response {
                            client: known_as,
                            owner,
                            flow,
                            response: Box::new(response),
                            sent,
                            wire,
                        });
                    }
                }
                Action::Start(timer, after) => {
                    client.running.start(timer, now + after);
                    self.queue.push(now + after, (Side::Client(id), timer));
                }
                Action::Stop(timer) => client.running.stop(timer),
                Action::Timeout | Action::Unreachable => {
                    let failure = match action {
                        Action::Timeout => Failure::Timeout,
                        _ => Failure::Unreachable,
                    };
                    self.effects.push_back(Effect::Failed {
                        client: known_as,
                        owner,
                        failure,
                    });
                }
                Action::Terminate => {
                    if let Some(client) = self.remove_client(id)
                        && self.successors.get(&client.known_as) == Some(&id)
                    {
                        self.successors.remove(&client.known_as);
                    }
                }
                Action::SendTrying => {}
            }
        }
    }

    pub(super) fn client_timer(
        &mut self,
        now: Instant,
        at: Instant,
        id: ClientTransactionId,
        timer: Timer,
    ) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        if client.running.expire(timer, at) {
            let actions = match &mut client.machine {
                ClientMachine::Invite(machine) => machine.timer(timer),
                ClientMachine::Other(machine) => machine.timer(timer, &self.values),
            };
            self.repeated += u64::from(actions.contains(&Action::Send));
            self.drive_client(now, id, actions, None);
        }
    }
}

fn has_tag(response: &Response, tag: &str) -> bool {
    match response.headers.require::<To>() {
        Ok(to) => to.tag().unwrap_or_default() == tag,
        Err(_) => false,
    }
}

/// The ACK that ends an INVITE transaction with a failure (§17.1.1.3): the INVITE's topmost Via,
/// URI and Route, and the response's To.
fn ack_to_failure(invite: &Request, failure: &Response) -> Request {
    let mut ack = follow_up(invite, Method::Ack);
    if let Ok(to) = failure.headers.require::<To>() {
        ack.headers.set_typed(&to);
    }
    ack
}

/// A request that goes the way of an INVITE and belongs to its transaction: ACK to a failure, or
/// CANCEL (§9.1). Answers to challenges are repeated for those who ask about everything (§22.1).
pub(crate) fn follow_up(invite: &Request, method: Method) -> Request {
    let mut request = Request::new(method.clone(), invite.uri.clone());
    if let Ok(via) = invite.headers.top_via() {
        request.headers.push_typed(&via);
    }
    let repeated = [
        HeaderName::Route,
        HeaderName::MaxForwards,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
        HeaderName::Authorization,
        HeaderName::ProxyAuthorization,
    ];
    let headers = &mut request.headers;
    headers.copy(&invite.headers, |name| repeated.contains(name));
    if let Ok(CSeq { sequence, .. }) = invite.headers.require() {
        request.headers.push_typed(&CSeq { sequence, method });
    }
    request
}
