//! Subscriptions both ways, and REFER: what Python wants, and what peers do.

use std::{collections::HashMap, time::Instant};

use sems_sip::{
    Flow, HeaderName, Headers, Request, StatusCode, Text, Uri,
    header::{self, ReferTo as ReferToHeader},
    transaction::ServerTransactionId,
    user_agent::{
        NotifyState, OutgoingRequest as AgentRequest, Reply, SessionId, SubscriptionEnd,
        SubscriptionId as AgentId,
    },
};

use super::{
    Signaling,
    commands::{headers_of, sender, status},
    destinations::route_of,
    requests::agent_content,
    sessions::header_list,
    transports::check_security,
};
use crate::{
    error::EngineError,
    event::Event,
    ids::{RequestId, SubscriptionId, TransactionId},
    subscription::{Notification, Refer, ReferTo, State, Subscribe, Subscribed},
    trace::Subject,
};

/// The names that both sides of this crate have for subscriptions.
#[derive(Default)]
pub(super) struct Subscriptions {
    in_agent: HashMap<SubscriptionId, AgentId>,
    names: HashMap<AgentId, SubscriptionId>,
}

impl Subscriptions {
    fn insert(&mut self, name: SubscriptionId, id: AgentId) {
        self.in_agent.insert(name, id);
        self.names.insert(id, name);
    }

    fn agent(&self, name: SubscriptionId) -> Result<AgentId, EngineError> {
        let id = self.in_agent.get(&name).copied();
        id.ok_or(EngineError::State("the subscription is over"))
    }
}

impl Signaling {
    pub(super) fn has_subscription(&self, name: SubscriptionId) -> bool {
        self.subscriptions.in_agent.contains_key(&name)
    }

    // What Python wants

    pub(super) fn subscribe(
        &mut self,
        now: Instant,
        request: RequestId,
        wanted: Subscribe,
    ) -> Result<(), EngineError> {
        if sems_sip::Token::new(wanted.package.as_str()).is_none() {
            let package = wanted.package;
            return Err(EngineError::Invalid(format!(
                "{package:?} is no event package"
            )));
        }
        let uri = Uri::parse(&wanted.uri.into())?;
        let (flow, alternatives) = self.ways_to(&wanted.destinations)?;
        check_security(&uri, alternatives.iter().chain([&flow]))?;
        let from = sender(&self.config, flow, &wanted.from_name, wanted.from_uri)?;
        let mut outgoing = AgentRequest::new(flow, uri, from);
        outgoing.alternatives = alternatives;
        outgoing.route = route_of(wanted.route)?;
        outgoing.credentials = wanted.credentials;
        outgoing.headers = headers_of(wanted.headers)?;
        let id = self
            .agent
            .subscribe(now, outgoing, &wanted.package, wanted.expires)?;
        self.subscriptions.insert(SubscriptionId::ours(request), id);
        Ok(())
    }

    pub(super) fn unsubscribe(
        &mut self,
        now: Instant,
        name: SubscriptionId,
    ) -> Result<(), EngineError> {
        let id = self.subscriptions.agent(name)?;
        Ok(self.agent.unsubscribe(now, id)?)
    }

    pub(super) fn refer(
        &mut self,
        now: Instant,
        request: RequestId,
        wanted: Refer,
    ) -> Result<(), EngineError> {
        let call = self.calls.get(&wanted.call).ok_or(EngineError::NoCall)?;
        let session = call.session;
        let to = match wanted.to {
            ReferTo::Uri(uri) => format!("<{}>", Uri::parse(&uri.into())?),
            ReferTo::Call(other) => {
                let other = self.calls.get(&other).ok_or(EngineError::NoCall)?.session;
                let gone = EngineError::State("the other call has no dialog");
                self.agent.refer_to_peer_of(other).ok_or(gone)?
            }
        };
        let mut headers = headers_of(wanted.headers)?;
        headers.push(HeaderName::ReferTo, to);
        if wanted.silent {
            headers.push(HeaderName::ReferSub, "false");
        }
        let id = self.agent.refer(now, session, headers)?;
        self.subscriptions.insert(SubscriptionId::ours(request), id);
        Ok(())
    }

    /// Accepts a REFER; one that was accepted for a slow Python stays so.
    pub(super) fn accept_refer(
        &mut self,
        now: Instant,
        transaction: TransactionId,
    ) -> Result<(), EngineError> {
        let name = SubscriptionId::theirs(transaction);
        if self.subscriptions.in_agent.contains_key(&name) {
            return Ok(());
        }
        let open = self.requests.take(transaction);
        let open = open.ok_or(EngineError::State("the request has been answered already"))?;
        if let Some(id) = self.agent.accept_refer(now, open)? {
            self.subscriptions.insert(name, id);
        }
        Ok(())
    }

    /// Python is slow: the REFER is accepted for it, and what it decides is told by NOTIFY. Where
    /// nobody wants to be told that can't be, so it is declined.
    pub(super) fn accept_refer_for(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        open: ServerTransactionId,
        is_silent: bool,
    ) {
        if is_silent {
            return self.give(now, open, Reply::new(StatusCode::DECLINE));
        }
        if let Ok(Some(id)) = self.agent.accept_refer(now, open) {
            self.subscriptions
                .insert(SubscriptionId::theirs(transaction), id);
        }
    }

    pub(super) fn notify_refer(
        &mut self,
        now: Instant,
        name: SubscriptionId,
        code: u16,
        reason: Option<String>,
    ) -> Result<(), EngineError> {
        let id = self.subscriptions.agent(name)?;
        let status = status(code)?;
        let reason = reason.unwrap_or_else(|| status.reason().to_owned());
        Ok(self.agent.notify_refer(now, id, status, &reason)?)
    }

    pub(super) fn notify(
        &mut self,
        now: Instant,
        name: SubscriptionId,
        notification: Notification,
    ) -> Result<(), EngineError> {
        let id = self.subscriptions.agent(name)?;
        let headers = headers_of(notification.headers)?;
        let content = notification.content.map(agent_content);
        if notification.numbered
            && let Some(content) = content
        {
            return match self.agent.notify_numbered(now, id, headers, content) {
                Err(sems_sip::Error::State) => Err(EngineError::State(
                    "the notification before has not been answered yet",
                )),
                told => Ok(told?),
            };
        }
        let state = match notification.state {
            State::Pending => NotifyState::Pending,
            State::Active => NotifyState::Active,
            State::Terminated {
                reason,
                retry_after,
            } => NotifyState::Terminated {
                reason: Text::from(reason),
                retry_after,
            },
        };
        Ok(self.agent.notify(now, id, state, headers, content)?)
    }

    // What peers do

    /// A REFER names one whom to call, or is refused at once.
    pub(super) fn on_refer(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
    ) {
        let mut to = request.headers.get_all_typed::<ReferToHeader>();
        if !matches!((to.next(), to.next()), (Some(Ok(_)), None)) {
            let reply = Reply::new(StatusCode::BAD_REQUEST).with_reason("One Refer-To Needed");
            return self.give(now, transaction, reply);
        }
        let session = session.or_else(|| self.agent.target_dialog_of(request));
        self.put_to_python(now, transaction, session, request, flow, user);
    }

    #[allow(clippy::too_many_arguments, reason = "what one event tells")]
    pub(super) fn on_subscribed(
        &mut self,
        now: Instant,
        id: AgentId,
        session: Option<SessionId>,
        request: &Request,
        flow: Flow,
        expires: u32,
        user: Option<Text>,
    ) {
        if self.closing.is_some() || self.events.is_overrun() {
            let state = NotifyState::Terminated {
                reason: Text::from_static("probation"),
                retry_after: Some(super::sessions::RETRY_AFTER),
            };
            // It has just come.
            let _ = self.agent.notify(now, id, state, Headers::new(), None);
            return;
        }
        let name = SubscriptionId::theirs(self.requests.new_id());
        self.subscriptions.insert(name, id);
        self.name(Subject::Subscription(name), request);
        let package = request.headers.get_typed::<header::Event>();
        let package = package.and_then(Result::ok);
        self.events.tell(Event::Subscribed(Box::new(Subscribed {
            subscription: name,
            call: session.and_then(|session| self.by_session.get(&session).copied()),
            package: package.map_or(String::new(), |event| event.package.to_string()),
            uri: request.uri.to_string(),
            headers: header_list(&request.headers),
            body: request.body.to_vec(),
            expires,
            source: flow.remote,
            local: flow.local,
            trusted: self.config.trusts(flow.remote.ip()),
            user: user.map(|user| user.to_string()),
        })));
    }

    pub(super) fn on_refreshed(&mut self, id: AgentId) {
        if let Some(&subscription) = self.subscriptions.names.get(&id) {
            self.events.tell(Event::Refreshed { subscription });
        }
    }

    /// Our SUBSCRIBE or REFER has its answer.
    pub(super) fn on_subscribing(&mut self, id: AgentId, status: StatusCode, reason: &str) {
        if let Some(&subscription) = self.subscriptions.names.get(&id) {
            self.events.tell(Event::Subscribing {
                subscription,
                code: status.code(),
                reason: reason.to_owned(),
            });
        }
    }

    pub(super) fn on_notified(&mut self, id: AgentId, request: &Request) {
        if let Some(&subscription) = self.subscriptions.names.get(&id) {
            self.events.tell(Event::Notified {
                subscription,
                headers: header_list(&request.headers),
                body: request.body.to_vec(),
            });
        }
    }

    pub(super) fn on_subscription_ended(&mut self, id: AgentId, end: SubscriptionEnd) {
        let Some(subscription) = self.subscriptions.names.remove(&id) else {
            return;
        };
        self.subscriptions.in_agent.remove(&subscription);
        self.events.tell(Event::SubscriptionEnded {
            subscription,
            end: match end {
                SubscriptionEnd::Terminated => "terminated",
                SubscriptionEnd::Expired => "expired",
                SubscriptionEnd::Left => "left",
                SubscriptionEnd::Refused => "refused",
                SubscriptionEnd::Silent => "silent",
            },
        });
    }
}
