//! Transactions (RFC 3261 §17): a request, its repetitions, and what it was answered.
//!
//! The four machines know nothing but their states, timers and status codes; this module holds
//! them, with the messages they repeat, and finds the one that a message is for.

mod client;
mod client_invite;
mod flow;
mod key;
mod server;
mod server_invite;
mod timer;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use bytes::Bytes;
use slotmap::SlotMap;

use crate::header;
use crate::{Method, Request, Response, StatusCode, Text};

use client::Client;
use client_invite::ClientInvite;
use server::Server;
use server_invite::ServerInvite;

pub use flow::{Flow, Transport};
pub(crate) use key::{ClientKey, MergeKey, ServerKey};
pub(crate) use timer::{Running, TimerQueue};
pub use timer::{Timer, TimerValues};

slotmap::new_key_type! {
    /// A request of ours that is being answered.
    pub struct ClientTransactionId;
    /// A request that we are to answer.
    pub struct ServerTransactionId;
}

/// What a machine wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the request, or the last response, (again).
    Send,
    /// Send the ACK to a failure.
    SendAck,
    /// Make a 100 the response and send it.
    SendTrying,
    /// Hand the response up.
    Deliver,
    /// Start this timer, anew if it runs.
    Start(Timer, Duration),
    Stop(Timer),
    /// Tell that no final response came.
    Timeout,
    /// Tell that the request could not be sent.
    Unreachable,
    /// Forget the transaction.
    Terminate,
}

pub(crate) type Actions = ArrayVec<Action, 6>;

/// What comes out of the transactions. `O` is what the layer above calls their owners.
#[derive(Debug)]
pub(crate) enum Effect<O> {
    Transmit {
        flow: Flow,
        payload: Bytes,
    },
    /// A response that the owner has not seen; 2xx to INVITE come here until they are
    /// acknowledged with [`Transactions::acknowledge`].
    Response {
        client: ClientTransactionId,
        owner: O,
        response: Response,
    },
    /// There will be no final response.
    Failed {
        client: ClientTransactionId,
        owner: O,
        failure: Failure,
    },
}

/// Why there is no final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing came in time: to be treated as a 408 (§8.1.3.1).
    Timeout,
    /// The transport refused: to be treated as a 503 (§8.1.3.1).
    Unreachable,
}

#[derive(Debug)]
enum ClientMachine {
    Invite(ClientInvite),
    Other(Client),
}

#[derive(Debug)]
struct ClientTransaction<O> {
    machine: ClientMachine,
    key: ClientKey,
    owner: O,
    flow: Flow,
    running: Running<Timer, 2>,
    /// As it was sent.
    payload: Bytes,
    /// What ACK and CANCEL are made from; kept for INVITE only.
    request: Option<Box<Request>>,
    /// The ACK to a failure.
    ack: Option<Bytes>,
    /// The ACKs to 2xx, by the tag of whom they are for.
    acks: Vec<(Text, Flow, Bytes)>,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(ServerInvite),
    Other(Server),
}

#[derive(Debug)]
struct ServerTransaction<O> {
    machine: ServerMachine,
    key: ServerKey,
    merge_key: Option<MergeKey>,
    owner: Option<O>,
    /// Where responses go.
    flow: Flow,
    running: Running<Timer, 3>,
    /// What responses are made from; let go with the final one.
    request: Option<Box<Request>>,
    response: Bytes,
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Client(ClientTransactionId),
    Server(ServerTransactionId),
}

/// All transactions of a user agent.
#[derive(Debug)]
pub(crate) struct Transactions<O> {
    values: TimerValues,
    clients: SlotMap<ClientTransactionId, ClientTransaction<O>>,
    servers: SlotMap<ServerTransactionId, ServerTransaction<O>>,
    by_branch: HashMap<ClientKey, ClientTransactionId>,
    by_key: HashMap<ServerKey, ServerTransactionId>,
    by_merge_key: HashMap<MergeKey, ServerTransactionId>,
    queue: TimerQueue<(Side, Timer)>,
    effects: VecDeque<Effect<O>>,
    /// Messages sent once more.
    pub(crate) repeated: u64,
}

impl<O: Clone> Transactions<O> {
    pub(crate) fn new(values: TimerValues) -> Self {
        Self {
            values,
            clients: SlotMap::with_key(),
            servers: SlotMap::with_key(),
            by_branch: HashMap::new(),
            by_key: HashMap::new(),
            by_merge_key: HashMap::new(),
            queue: TimerQueue::default(),
            effects: VecDeque::new(),
            repeated: 0,
        }
    }

    pub(crate) fn poll(&mut self) -> Option<Effect<O>> {
        self.effects.pop_front()
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.queue.next()
    }

    pub(crate) fn clients(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn servers(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn transmit(&mut self, flow: Flow, payload: Bytes) {
        self.effects.push_back(Effect::Transmit { flow, payload });
    }

    // Client side

    /// Sends a request that has our Via on top and needs an answer.
    pub(crate) fn start_client(
        &mut self,
        now: Instant,
        request: Request,
        flow: Flow,
        owner: O,
    ) -> Option<ClientTransactionId> {
        let key = ClientKey::of_request(&request)?;
        let reliable = flow.transport.is_reliable();
        let is_invite = request.method == Method::Invite;
        let (machine, actions) = if is_invite {
            let (machine, actions) = ClientInvite::start(reliable, &self.values);
            (ClientMachine::Invite(machine), actions)
        } else {
            let (machine, actions) = Client::start(reliable, &self.values);
            (ClientMachine::Other(machine), actions)
        };
        let id = self.clients.insert(ClientTransaction {
            machine,
            key: key.clone(),
            owner,
            flow,
            running: Running::default(),
            payload: request.to_bytes(),
            request: is_invite.then(|| Box::new(request)),
            ack: None,
            acks: Vec::new(),
        });
        self.by_branch.insert(key, id);
        self.drive_client(now, id, actions, None);
        Some(id)
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
        let actions = match &mut client.machine {
            ClientMachine::Invite(machine) => machine.response(response.status, &self.values),
            ClientMachine::Other(machine) => machine.response(response.status, &self.values),
        };
        self.drive_client(now, id, actions, Some(response));
        true
    }

    /// The INVITE of a client transaction, for as long as that lives.
    pub(crate) fn invite(&self, id: ClientTransactionId) -> Option<(&Request, Flow)> {
        let client = self.clients.get(id)?;
        Some((client.request.as_deref()?, client.flow))
    }

    /// Whether an INVITE of ours has been answered provisionally only, so that CANCEL may be sent.
    pub(crate) fn is_proceeding(&self, id: ClientTransactionId) -> bool {
        matches!(self.clients.get(id), Some(ClientTransaction {
            machine: ClientMachine::Invite(machine), ..
        }) if machine.is_proceeding())
    }

    /// Nobody wants this INVITE any more.
    pub(crate) fn give_up(&mut self, now: Instant, id: ClientTransactionId) {
        if let Some(client) = self.clients.get_mut(id)
            && let ClientMachine::Invite(machine) = &mut client.machine
        {
            let actions = machine.give_up(&self.values);
            self.drive_client(now, id, actions, None);
        }
    }

    /// Sends the ACK to a 2xx, now and whenever that 2xx comes again.
    pub(crate) fn acknowledge(
        &mut self,
        id: ClientTransactionId,
        tag: Text,
        flow: Flow,
        ack: Bytes,
    ) {
        if let Some(client) = self.clients.get_mut(id) {
            client.acks.push((tag, flow, ack.clone()));
        }
        self.transmit(flow, ack);
    }

    /// How many branches of this INVITE have had an ACK to their 2xx.
    pub(crate) fn acknowledged(&self, id: ClientTransactionId) -> usize {
        self.clients.get(id).map_or(0, |client| client.acks.len())
    }

    /// Nothing can be sent to this neighbour: ends what has had no response from there.
    pub(crate) fn transport_error(&mut self, now: Instant, flow: Flow) {
        let concerned: Vec<_> = self
            .clients
            .iter()
            .filter(|(_, c)| c.flow.remote == flow.remote && c.flow.transport == flow.transport)
            .map(|(id, _)| id)
            .collect();
        for id in concerned {
            let actions = match &mut self.clients[id].machine {
                ClientMachine::Invite(machine) => machine.transport_error(),
                ClientMachine::Other(machine) => machine.transport_error(),
            };
            self.drive_client(now, id, actions, None);
        }
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
                        let client = id;
                        self.effects.push_back(Effect::Response {
                            client,
                            owner,
                            response,
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
                    let client = id;
                    self.effects.push_back(Effect::Failed {
                        client,
                        owner,
                        failure,
                    });
                }
                Action::Terminate => {
                    if let Some(client) = self.clients.remove(id) {
                        self.by_branch.remove(&client.key);
                    }
                }
                Action::SendTrying => {}
            }
        }
    }

    // Server side

    /// The transaction that a request belongs to, if it isn't new.
    pub(crate) fn find_server(&self, key: &ServerKey) -> Option<ServerTransactionId> {
        self.by_key.get(key).copied()
    }

    /// Whether the same request has come before by another way (§8.2.2.2).
    pub(crate) fn is_merged(&self, request: &Request) -> bool {
        MergeKey::of(request).is_some_and(|key| self.by_merge_key.contains_key(&key))
    }

    /// Takes a new request. `flow` is where its responses go.
    pub(crate) fn start_server(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: Request,
        flow: Flow,
    ) -> ServerTransactionId {
        let reliable = flow.transport.is_reliable();
        let (machine, actions) = if request.method == Method::Invite {
            let machine = ServerInvite::start(reliable, &self.values);
            (ServerMachine::Invite(machine), Actions::new())
        } else {
            let (machine, actions) = Server::start(reliable, &self.values);
            (ServerMachine::Other(machine), actions)
        };
        let merge_key = MergeKey::of(&request).filter(|k| !self.by_merge_key.contains_key(k));
        let id = self.servers.insert(ServerTransaction {
            machine,
            key: key.clone(),
            merge_key: merge_key.clone(),
            owner: None,
            flow,
            running: Running::default(),
            request: Some(Box::new(request)),
            response: Bytes::new(),
        });
        self.by_key.insert(key, id);
        if let Some(merge_key) = merge_key {
            self.by_merge_key.insert(merge_key, id);
        }
        self.drive_server(now, id, actions);
        id
    }

    /// A request came that belongs to this transaction: a repetition, or an ACK.
    pub(crate) fn receive_again(&mut self, now: Instant, id: ServerTransactionId, method: &Method) {
        let Some(server) = self.servers.get_mut(id) else {
            return;
        };
        let actions = match (&mut server.machine, method) {
            (ServerMachine::Invite(machine), Method::Ack) => machine.ack(&self.values),
            (ServerMachine::Invite(machine), _) => machine.repetition(),
            (ServerMachine::Other(machine), _) => machine.repetition(),
        };
        self.repeated += actions.iter().filter(|a| **a == Action::Send).count() as u64;
        self.drive_server(now, id, actions);
    }

    pub(crate) fn set_owner(&mut self, id: ServerTransactionId, owner: O) {
        if let Some(server) = self.servers.get_mut(id) {
            server.owner = Some(owner);
        }
    }

    pub(crate) fn owner(&self, id: ServerTransactionId) -> Option<O> {
        self.servers.get(id)?.owner.clone()
    }

    /// The request that is to be answered, and where its responses go; gone once it is answered.
    pub(crate) fn open_request(&self, id: ServerTransactionId) -> Option<(&Request, Flow)> {
        let server = self.servers.get(id)?;
        Some((server.request.as_deref()?, server.flow))
    }

    /// Answers. Nothing happens when the final response was given before. Returns what was sent.
    pub(crate) fn respond(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        response: &Response,
    ) -> Bytes {
        let Some(server) = self.servers.get_mut(id) else {
            return Bytes::new();
        };
        let actions = match &mut server.machine {
            ServerMachine::Invite(machine) => machine.respond(response.status, &self.values),
            ServerMachine::Other(machine) => machine.respond(response.status, &self.values),
        };
        if actions.is_empty() {
            return Bytes::new();
        }
        let payload = response.to_bytes();
        server.response = payload.clone();
        let is_open = match &server.machine {
            ServerMachine::Invite(machine) => machine.is_open(),
            ServerMachine::Other(machine) => machine.is_open(),
        };
        if !is_open {
            server.request = None;
        }
        self.drive_server(now, id, actions);
        payload
    }

    fn drive_server(&mut self, now: Instant, id: ServerTransactionId, actions: Actions) {
        for action in actions {
            let Some(server) = self.servers.get_mut(id) else {
                return;
            };
            match action {
                Action::Send if !server.response.is_empty() => {
                    let (flow, payload) = (server.flow, server.response.clone());
                    self.transmit(flow, payload);
                }
                Action::SendTrying => {
                    if let Some(request) = server.request.as_deref() {
                        let trying = Response::to_request(request, StatusCode::TRYING);
                        server.response = trying.to_bytes();
                        let (flow, payload) = (server.flow, server.response.clone());
                        self.transmit(flow, payload);
                    }
                }
                Action::Start(timer, after) => {
                    server.running.start(timer, now + after);
                    self.queue.push(now + after, (Side::Server(id), timer));
                }
                Action::Stop(timer) => server.running.stop(timer),
                Action::Terminate => {
                    if let Some(server) = self.servers.remove(id) {
                        self.by_key.remove(&server.key);
                        if let Some(key) = server.merge_key {
                            self.by_merge_key.remove(&key);
                        }
                    }
                }
                Action::Send
                | Action::SendAck
                | Action::Deliver
                | Action::Timeout
                | Action::Unreachable => {}
            }
        }
    }

    // Time

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, (side, timer))) = self.queue.pop(now) {
            match side {
                Side::Client(id) => {
                    let Some(client) = self.clients.get_mut(id) else {
                        continue;
                    };
                    if client.running.expire(timer, at) {
                        let actions = match &mut client.machine {
                            ClientMachine::Invite(machine) => machine.timer(timer),
                            ClientMachine::Other(machine) => machine.timer(timer, &self.values),
                        };
                        self.count_repetitions(&actions);
                        self.drive_client(now, id, actions, None);
                    }
                }
                Side::Server(id) => {
                    let Some(server) = self.servers.get_mut(id) else {
                        continue;
                    };
                    if server.running.expire(timer, at) {
                        let actions = match &mut server.machine {
                            ServerMachine::Invite(machine) => machine.timer(timer, &self.values),
                            ServerMachine::Other(machine) => machine.timer(timer),
                        };
                        self.count_repetitions(&actions);
                        self.drive_server(now, id, actions);
                    }
                }
            }
        }
    }

    fn count_repetitions(&mut self, actions: &Actions) {
        self.repeated += u64::from(actions.contains(&Action::Send));
    }
}

fn has_tag(response: &Response, tag: &str) -> bool {
    match response.headers.require::<header::To>() {
        Ok(to) => to.tag().unwrap_or_default() == tag,
        Err(_) => false,
    }
}

/// The ACK that ends an INVITE transaction with a failure (§17.1.1.3): the INVITE's topmost Via,
/// URI and Route, and the response's To.
fn ack_to_failure(invite: &Request, failure: &Response) -> Request {
    let mut ack = follow_up(invite, Method::Ack);
    if let Ok(to) = failure.headers.require::<header::To>() {
        ack.headers.set_typed(&to);
    }
    ack
}

/// A request that goes the way of an INVITE and belongs to its transaction: ACK to a failure, or
/// CANCEL (§9.1).
pub(crate) fn follow_up(invite: &Request, method: Method) -> Request {
    use crate::HeaderName as Name;
    let mut request = Request::new(method.clone(), invite.uri.clone());
    if let Ok(via) = invite.headers.top_via() {
        request.headers.push_typed(&via);
    }
    let repeated = [
        Name::Route,
        Name::MaxForwards,
        Name::From,
        Name::To,
        Name::CallId,
    ];
    for (name, value) in invite.headers.iter() {
        if repeated.contains(name) {
            request.headers.push(name.clone(), value.clone());
        }
    }
    if let Ok(header::CSeq { sequence, .. }) = invite.headers.require() {
        request
            .headers
            .push_typed(&header::CSeq { sequence, method });
    }
    request
}
