//! Requests beside those that make calls, both ways.
//!
//! A phone sends a request again half a second after it got no answer, however busy Python is. So
//! each that goes up to Python has an answer of its own here, which is given when Python has given
//! none in time ([`Taken`](crate::config::Taken)); what can be decided here never waits at all.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use sems_sip::{
    Flow, HeaderName, Headers, Method, Request, Response, StatusCode, Text, Uri,
    header::{ContentType, RetryAfter},
    transaction::{ClientTransactionId, ServerTransactionId},
    user_agent::{Content as AgentContent, OutgoingRequest as AgentRequest, Reply, SessionId},
};

use super::{
    Signaling,
    commands::{headers_of, sender, status},
    destinations::route_of,
    sessions::{RETRY_AFTER, header_list},
    transports::check_security,
};
use crate::{
    command::Takes,
    config::EngineConfig,
    error::EngineError,
    event::Event,
    ids::{CallId, RequestId, SubscriptionId, TransactionId},
    request::{Content, FinalResponse, IncomingRequest, OutgoingRequest, Recipient},
    trace::Subject,
};

/// The longest text that is taken, in bytes.
const MAX_MESSAGE: usize = 16 * 1024;

/// What waits for an answer, ours or a peer's.
#[derive(Default)]
pub(super) struct Requests {
    serial: u64,
    /// What Python was asked and has not answered.
    open: HashMap<TransactionId, Open>,
    /// When these are answered without it.
    due: BTreeSet<(Instant, TransactionId)>,
    /// The connections over which a REGISTER has come: who registers is called over them.
    registering: HashSet<Flow>,
    /// What peers were asked.
    asked: HashMap<ClientTransactionId, Asker>,
}

/// Who waits for the answer of a peer.
pub(super) enum Asker {
    /// Python, for all of it.
    Python(RequestId),
    /// The keys of a call: the next one is pressed when it is a 2xx.
    Key(CallId),
}

struct Open {
    transaction: ServerTransactionId,
    due: Instant,
    /// What is done when Python gives no answer.
    otherwise: Otherwise,
}

enum Otherwise {
    /// This answer is given.
    Reply(Reply),
    /// The REFER is accepted; silent: its sender wants no NOTIFY.
    Accept { is_silent: bool },
}

impl Requests {
    /// When the next answer is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn new_id(&mut self) -> TransactionId {
        self.serial += 1;
        TransactionId(self.serial)
    }

    /// Somebody waits for the answer to what was sent.
    pub(super) fn expect(&mut self, sent: ClientTransactionId, asker: Asker) {
        self.asked.insert(sent, asker);
    }

    /// The transaction of a request that Python answers otherwise than by a response.
    pub(super) fn take(&mut self, id: TransactionId) -> Option<ServerTransactionId> {
        self.close(id).map(|open| open.transaction)
    }

    fn close(&mut self, id: TransactionId) -> Option<Open> {
        let open = self.open.remove(&id)?;
        self.due.remove(&(open.due, id));
        Some(open)
    }
}

impl Signaling {
    // Ours

    /// Sends a request of Python's; [`Event::Response`] tells how it was answered.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        request: RequestId,
        wanted: OutgoingRequest,
    ) -> Result<(), EngineError> {
        let method = Method::parse(&wanted.method.as_str().into()).ok_or_else(|| {
            EngineError::Invalid(format!("{:?} is no method of SIP", wanted.method))
        })?;
        if matches!(method, Method::Prack | Method::Update) {
            return Err(EngineError::Invalid(format!(
                "{method} is sent by the core alone"
            )));
        }
        let headers = headers_of(wanted.headers)?;
        let content = wanted.content.map(agent_content);
        let client = match wanted.recipient {
            Recipient::Call(call) => {
                let session = self.calls.get(&call).ok_or(EngineError::NoCall)?.session;
                self.agent
                    .request_in(now, session, method, headers, content)?
            }
            Recipient::Other {
                uri,
                from_name,
                from_uri,
                destinations,
                route,
                credentials,
            } => {
                let uri = Uri::parse(&uri.into())?;
                let (flow, alternatives) = self.ways_to(&destinations)?;
                check_security(&uri, alternatives.iter().chain([&flow]))?;
                let from = sender(&self.config, flow, &from_name, from_uri)?;
                let mut outgoing = AgentRequest::new(flow, uri, from);
                outgoing.alternatives = alternatives;
                outgoing.route = route_of(route)?;
                outgoing.headers = headers;
                outgoing.content = content;
                outgoing.credentials = credentials;
                self.agent.request(now, method, outgoing)?
            }
        };
        self.requests.expect(client, Asker::Python(request));
        Ok(())
    }

    pub(super) fn on_response(&mut self, client: ClientTransactionId, response: &Response) {
        if response.status.is_provisional() {
            return;
        }
        let content = (!response.body.is_empty()).then(|| Content {
            kind: String::new(),
            body: response.body.to_vec(),
        });
        let response = FinalResponse {
            code: response.status.code(),
            reason: Some(response.reason.to_string()),
            headers: header_list(&response.headers),
            content,
        };
        self.tell_response(client, response);
    }

    /// No response came, or the request could not be sent: as if by a response of our own (RFC 3261
    /// §8.1.3.1).
    pub(super) fn on_request_failed(&mut self, client: ClientTransactionId, status: StatusCode) {
        let response = FinalResponse {
            code: status.code(),
            reason: Some(status.reason().to_owned()),
            headers: Vec::new(),
            content: None,
        };
        self.tell_response(client, response);
    }

    fn tell_response(&mut self, client: ClientTransactionId, response: FinalResponse) {
        match self.requests.asked.remove(&client) {
            Some(Asker::Python(request)) => {
                let response = Box::new(response);
                self.events.tell(Event::Response { request, response });
            }
            Some(Asker::Key(call)) => {
                let result = match (status(response.code), response.reason) {
                    (Ok(status), reason) if status.is_failure() => {
                        let reason = reason.unwrap_or_default();
                        Err(EngineError::Refused(status, reason))
                    }
                    _ => Ok(()),
                };
                self.on_key_answered(call, result);
            }
            None => {}
        }
    }

    // Theirs

    pub(super) fn on_request(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
    ) {
        if self.closing.is_some() {
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE);
            return self.give(now, transaction, reply);
        }
        if self.events.is_overrun() {
            self.overload += 1;
            let mut headers = Headers::new();
            headers.push_typed(&RetryAfter::new(RETRY_AFTER));
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE).with_headers(headers);
            return self.give(now, transaction, reply);
        }
        match request.method {
            Method::Message => self.on_message(now, transaction, session, request, flow, user),
            Method::Refer => self.on_refer(now, transaction, session, request, flow, user),
            Method::Info => self.on_info(now, transaction, session, request, flow),
            _ => self.put_to_python(now, transaction, session, request, flow, user),
        }
    }

    /// A text (RFC 3428) that is none, or too long, needs no asking.
    fn on_message(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
    ) {
        if request.body.len() > MAX_MESSAGE {
            let reply = Reply::new(StatusCode::REQUEST_ENTITY_TOO_LARGE);
            return self.give(now, transaction, reply);
        }
        let accept = &self.config.message_types;
        let kind = request.headers.get_typed::<ContentType>();
        let is_known = match kind {
            Some(Ok(kind)) => accept.iter().any(|accepted| kind.is(accepted)),
            Some(Err(_)) => false,
            None => request.body.is_empty(),
        };
        let is_plain = request
            .headers
            .get(&HeaderName::ContentEncoding)
            .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
        let is_taken = accept.is_empty() || (is_known && is_plain);
        if !is_taken {
            let mut headers = Headers::new();
            headers.push(HeaderName::Accept, accept.join(", "));
            if !is_plain {
                headers.push(HeaderName::AcceptEncoding, "identity");
            }
            let reply = Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with_headers(headers);
            return self.give(now, transaction, reply);
        }
        self.put_to_python(now, transaction, session, request, flow, user);
    }

    /// Python takes other requests from now on.
    pub(super) fn take(&mut self, takes: Takes) -> Result<(), EngineError> {
        let config = EngineConfig {
            methods: takes.methods,
            message_types: takes.message_types,
            info_packages: takes.info_packages,
            ..(*self.config).clone()
        };
        config.validate()?;
        self.agent
            .set_taken(super::methods(&config), super::info_packages(&config));
        self.config = Arc::new(config);
        Ok(())
    }

    /// Asks Python, which has the time that the configuration gives to this method.
    pub(super) fn put_to_python(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
    ) {
        let method = request.method.as_str();
        let mut taken = self.config.methods.iter();
        let Some(taken) = taken.find(|taken| taken.method == method) else {
            let reply = Reply::new(StatusCode::METHOD_NOT_ALLOWED);
            return self.give(now, transaction, reply);
        };
        let otherwise = match request.method {
            Method::Refer if taken.code == StatusCode::ACCEPTED.code() => Otherwise::Accept {
                is_silent: request
                    .headers
                    .get(&HeaderName::ReferSub)
                    .is_some_and(|value| value.trim().eq_ignore_ascii_case("false")),
            },
            _ => {
                let code = StatusCode::new(taken.code);
                let code = code.unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
                Otherwise::Reply(Reply::new(code))
            }
        };
        if request.method == Method::Register && flow.transport.is_reliable() {
            self.requests.registering.insert(flow);
        }
        let due = now + taken.after;
        let id = self.requests.new_id();
        self.requests.due.insert((due, id));
        self.requests.open.insert(
            id,
            Open {
                transaction,
                due,
                otherwise,
            },
        );
        self.tell_request(id, session, request, flow, user, false);
    }

    /// A connection is gone, which matters to whoever keeps what was registered over it.
    pub(super) fn on_flow_closed(&mut self, flow: Flow) {
        if self.requests.registering.remove(&flow) {
            self.events.tell(Event::FlowClosed {
                source: flow.remote,
                transport: flow.transport,
            });
        }
    }

    /// Tells Python of a request.
    pub(super) fn tell_request(
        &mut self,
        transaction: TransactionId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
        answered: bool,
    ) {
        let call = session.and_then(|session| self.by_session.get(&session).copied());
        self.name(Subject::Transaction(transaction), request);
        self.events.tell(Event::Request(Box::new(IncomingRequest {
            transaction,
            call,
            method: request.method.to_string(),
            uri: request.uri.to_string(),
            headers: header_list(&request.headers),
            body: request.body.to_vec(),
            source: flow.remote,
            local: flow.local,
            trusted: self.config.trusts(flow.remote.ip()),
            answered,
            user: user.map(|user| user.to_string()),
            transport: flow.transport,
        })));
    }

    /// Has it written down what a request of a peer's has become here.
    pub(super) fn name(&mut self, subject: Subject, request: &Request) {
        let call_id = request.headers.get(&HeaderName::CallId);
        self.record(|recorder| recorder.named(subject, call_id.map_or("", |value| value)));
    }

    /// Gives Python's answer.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        id: TransactionId,
        response: FinalResponse,
    ) -> Result<(), EngineError> {
        let name = SubscriptionId::theirs(id);
        if self.has_subscription(name) {
            // A REFER that was accepted for a slow Python.
            return self.notify_refer(now, name, response.code, response.reason);
        }
        let mut reply =
            Reply::new(status(response.code)?).with_headers(headers_of(response.headers)?);
        reply.reason = response.reason.map(Text::from);
        reply.content = response.content.map(agent_content);
        let open = self
            .requests
            .close(id)
            .ok_or(EngineError::State("the request has been answered already"))?;
        Ok(self.agent.respond(now, open.transaction, reply)?)
    }

    /// Answers what Python has not answered in time.
    pub(super) fn answer_overdue(&mut self, now: Instant) {
        while let Some((due, id)) = self.requests.due.first().copied()
            && due <= now
        {
            self.requests.due.remove(&(due, id));
            if let Some(open) = self.requests.open.remove(&id) {
                match open.otherwise {
                    Otherwise::Reply(reply) => self.give(now, open.transaction, reply),
                    Otherwise::Accept { is_silent } => {
                        self.accept_refer_for(now, id, open.transaction, is_silent);
                    }
                }
            }
        }
    }

    /// Answers a request here.
    pub(super) fn give(&mut self, now: Instant, transaction: ServerTransactionId, reply: Reply) {
        // One whose transaction has ended needs no answer.
        let _ = self.agent.respond(now, transaction, reply);
    }
}

/// A body in the words of the user agent.
pub(super) fn agent_content(content: Content) -> AgentContent {
    AgentContent {
        kind: content.kind.into(),
        body: content.body.into(),
    }
}
