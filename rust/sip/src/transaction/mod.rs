//! Transactions (RFC 3261 §17): a request, its repetitions, and what it was answered.
//!
//! The four machines know nothing but their states, timers and status codes. `clients` and
//! `servers` hold them, with the messages they repeat, and find the one that a message is for.

mod client;
mod client_invite;
mod clients;
mod flow;
mod key;
mod large;
pub(crate) mod listener;
mod server;
mod server_invite;
mod servers;
mod streams;
mod timer;
mod unheard;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use bytes::Bytes;
use slotmap::SlotMap;

use crate::{Request, Response};

use clients::ClientTransaction;
use large::WithoutTcp;
use servers::ServerTransaction;
use streams::Streams;
use unheard::Unheard;

pub(crate) use clients::follow_up;
pub use flow::{Flow, Transport};
pub(crate) use key::ServerKey;
use key::{ClientKey, MergeKey};
pub use listener::Listener;
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
        /// The way that the request took.
        flow: Flow,
        response: Box<Response>,
        /// The INVITE or PRACK that a failure is for, in case it is to be tried again.
        sent: Option<Box<Request>>,
        /// The request as it went out, when the response is final.
        wire: Option<Sent>,
    },
    /// There will be no final response.
    Failed {
        client: ClientTransactionId,
        owner: O,
        failure: Failure,
    },
}

/// A request of ours that has had its final response.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) flow: Flow,
    pub(crate) payload: Bytes,
    /// How often the request had been sent before in other words, as answers to challenges.
    pub(crate) retries: u8,
}

/// Why there is no final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing came in time: to be treated as a 408 (§8.1.3.1).
    Timeout,
    /// The transport refused: to be treated as a 503 (§8.1.3.1).
    Unreachable,
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
    /// Those that have had no response, by where it is waited for from.
    unheard: BTreeSet<Unheard>,
    /// Transactions whose request was sent again in other words, by the id that their owners know.
    successors: HashMap<ClientTransactionId, ClientTransactionId>,
    by_key: HashMap<ServerKey, ServerTransactionId>,
    by_merge_key: HashMap<MergeKey, ServerTransactionId>,
    queue: TimerQueue<(Side, Timer)>,
    effects: VecDeque<Effect<O>>,
    pub(crate) streams: Streams,
    listeners: Vec<Listener>,
    without_tcp: WithoutTcp,
    /// Messages sent once more.
    pub(crate) repeated: u64,
}

impl<O: Clone> Transactions<O> {
    pub(crate) fn new(values: TimerValues, listeners: Vec<Listener>) -> Self {
        Self {
            values,
            clients: SlotMap::with_key(),
            servers: SlotMap::with_key(),
            by_branch: HashMap::new(),
            unheard: BTreeSet::new(),
            successors: HashMap::new(),
            by_key: HashMap::new(),
            by_merge_key: HashMap::new(),
            queue: TimerQueue::default(),
            effects: VecDeque::new(),
            streams: Streams::default(),
            listeners,
            without_tcp: WithoutTcp::default(),
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
        let flow = self.streams.way(flow);
        self.effects.push_back(Effect::Transmit { flow, payload });
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, (side, timer))) = self.queue.pop(now) {
            match side {
                Side::Client(id) => self.client_timer(now, at, id, timer),
                Side::Server(id) => self.server_timer(now, at, id, timer),
            }
        }
    }
}
