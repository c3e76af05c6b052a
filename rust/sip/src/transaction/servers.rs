//! The server transactions of a user agent: finding, driving and forgetting them.

use std::time::Instant;

use bytes::Bytes;

use super::key::{MergeKey, ServerKey};
use super::server::Server;
use super::server_invite::ServerInvite;
use super::{Action, Actions, Flow, Running, ServerTransactionId, Side, Timer, Transactions};
use crate::header::To;
use crate::{Message, Method, Request, Response, StatusCode, Text};

#[derive(Debug)]
enum ServerMachine {
    Invite(ServerInvite),
    Other(Server),
}

#[derive(Debug)]
pub(super) struct ServerTransaction<O> {
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

impl<O: Clone> Transactions<O> {
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

    /// A request came that belongs to this transaction: a repetition, or an ACK. Returns whether
    /// that is all it was; an ACK to a 2xx has more to say, to the dialog.
    pub(crate) fn receive_again(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        method: &Method,
    ) -> bool {
        let Some(server) = self.servers.get_mut(id) else {
            return false;
        };
        let actions = match (&mut server.machine, method) {
            (ServerMachine::Invite(machine), Method::Ack) if machine.is_accepted() => return false,
            (ServerMachine::Invite(machine), Method::Ack) => machine.ack(&self.values),
            (ServerMachine::Invite(machine), _) => machine.repetition(),
            (ServerMachine::Other(machine), _) => machine.repetition(),
        };
        self.repeated += u64::from(actions.contains(&Action::Send));
        self.drive_server(now, id, actions);
        true
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

    /// The To tag of what a request was answered last; none of a 100.
    pub(crate) fn answered_tag(&self, id: ServerTransactionId) -> Option<Text> {
        let Ok(Message::Response(last)) = Message::parse(&self.servers.get(id)?.response) else {
            return None;
        };
        last.headers.require::<To>().ok()?.params.get_text("tag")
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

    /// Sends the last response once more.
    pub(crate) fn repeat_response(&mut self, id: ServerTransactionId) {
        if let Some(server) = self.servers.get(id) {
            let (flow, payload) = (server.flow, server.response.clone());
            self.repeated += 1;
            self.transmit(flow, payload);
        }
    }

    pub(super) fn server_timer(
        &mut self,
        now: Instant,
        at: Instant,
        id: ServerTransactionId,
        timer: Timer,
    ) {
        let Some(server) = self.servers.get_mut(id) else {
            return;
        };
        if server.running.expire(timer, at) {
            let actions = match &mut server.machine {
                ServerMachine::Invite(machine) => machine.timer(timer, &self.values),
                ServerMachine::Other(machine) => machine.timer(timer),
            };
            self.repeated += u64::from(actions.contains(&Action::Send));
            self.drive_server(now, id, actions);
        }
    }
}
