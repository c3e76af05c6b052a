//! What Python wants done.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sems_sdp::{Capabilities, Direction};
use sems_sip::{
    Flow, HeaderName, Headers, Host, SipUri, StatusCode, Text, Uri,
    header::NameAddr,
    user_agent::{Content, OutgoingRequest, Reply, SessionId},
};

use super::{
    Closing, Signaling, destinations::route_of, early::Ringing, sessions::page_headers,
    transports::check_security,
};
use crate::{
    call::{Call, Change, Ending, Stage},
    command::{Dial, HeaderList, SignalingCommand},
    config::EngineConfig,
    error::EngineError,
    event::EndCause,
    ids::{CallId, RequestId},
    trace::Subject,
};

/// How long a shutdown waits for peers to answer.
const SHUTDOWN: Duration = Duration::from_secs(3);

impl Signaling {
    pub(super) fn command(&mut self, now: Instant, request: RequestId, command: SignalingCommand) {
        let result = match command {
            SignalingCommand::Ring {
                call,
                code,
                headers,
                early_media,
                reliable,
                link,
            } => {
                let ringing = Ringing {
                    code,
                    headers,
                    early_media,
                    reliable,
                };
                let mut is_done = true;
                let result = self.on_call(now, call, |signaling, call| {
                    take_link(call, link)?;
                    is_done = signaling.ring(now, call, ringing, request)?;
                    Ok(())
                });
                if !is_done {
                    // Done when the PRACK has brought the answer to our offer.
                    return;
                }
                result
            }
            SignalingCommand::Answer {
                call,
                headers,
                link,
            } => {
                let result = self.on_call(now, call, |signaling, call| {
                    take_link(call, link)?;
                    signaling.answer(now, call, headers, request)
                });
                if result.is_ok() {
                    // Done when the ACK has come.
                    return;
                }
                result
            }
            SignalingCommand::Reject {
                call,
                code,
                reason,
                headers,
            } => self.on_call(now, call, |signaling, call| {
                signaling.reject(now, call, code, reason, headers)
            }),
            SignalingCommand::Hangup { call, reason } => {
                // One that is over already is what is wanted.
                self.hang_up(now, call, reason, Ending::local());
                Ok(())
            }
            SignalingCommand::Focus { call } => {
                self.on_call(now, call, |signaling, call| signaling.be_focus(call))
            }
            SignalingCommand::Prefer { call, codecs } => self.on_call(now, call, |_, call| {
                call.prefer(&codecs);
                Ok(())
            }),
            SignalingCommand::Dial(dial) => self.dial(now, *dial),
            SignalingCommand::Hold { call, direction } => {
                let result = self.on_call(now, call, |signaling, call| {
                    let change = Change {
                        request,
                        direction,
                        codecs: Vec::new(),
                        sent: false,
                    };
                    signaling.change(now, call, change)
                });
                if result.is_ok() {
                    // Done when the peer has answered.
                    return;
                }
                result
            }
            SignalingCommand::Recode { call, codecs } => {
                let result = self.on_call(now, call, |signaling, call| {
                    let change = Change {
                        request,
                        direction: call.wish,
                        codecs,
                        sent: false,
                    };
                    signaling.change(now, call, change)
                });
                if result.is_ok() {
                    return;
                }
                result
            }
            SignalingCommand::PassInfo { call, packages } => self.on_call(now, call, |_, call| {
                call.packages = packages;
                Ok(())
            }),
            SignalingCommand::SendDigits { call, digits, way } => {
                let result = self.on_call(now, call, |signaling, call| {
                    signaling.send_digits(now, call, digits, way, request)
                });
                if result.is_ok() {
                    // Done when the worker has taken them, or the peer has answered.
                    return;
                }
                result
            }
            SignalingCommand::Request(wanted) => {
                let result = self.ask(now, request, *wanted);
                if result.is_ok() {
                    // Done when the peer has answered.
                    return;
                }
                result
            }
            SignalingCommand::Subscribe(wanted) => self.subscribe(now, request, *wanted),
            SignalingCommand::Unsubscribe { subscription } => self.unsubscribe(now, subscription),
            SignalingCommand::Refer(wanted) => self.refer(now, request, *wanted),
            SignalingCommand::AcceptRefer { transaction } => self.accept_refer(now, transaction),
            SignalingCommand::NotifyRefer {
                subscription,
                code,
                reason,
            } => self.notify_refer(now, subscription, code, reason),
            SignalingCommand::Notify {
                subscription,
                notification,
            } => self.notify(now, subscription, *notification),
            SignalingCommand::Respond {
                transaction,
                response,
            } => self.respond(now, transaction, *response),
            SignalingCommand::Register(account) => self.register(now, *account),
            SignalingCommand::Reroute {
                account,
                destinations,
            } => self.reroute(now, account, &destinations),
            SignalingCommand::Unregister { account } => self.unregister(now, account),
            SignalingCommand::Take(takes) => self.take(*takes),
            SignalingCommand::Shutdown => return self.shut_down(now, request),
        };
        self.done(request, result);
    }

    fn on_call(
        &mut self,
        now: Instant,
        id: CallId,
        work: impl FnOnce(&mut Self, &mut Call) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        self.with(now, id, work).unwrap_or(Err(EngineError::NoCall))
    }

    fn answer(
        &mut self,
        now: Instant,
        call: &mut Call,
        headers: HeaderList,
        request: RequestId,
    ) -> Result<(), EngineError> {
        awaits_response(call)?;
        let mut headers = headers_of(headers)?;
        append(&mut headers, &page_headers(call.link.as_deref()));
        let description = if !self.agent.wants_description(call.session) {
            // All was said while it rang.
            None
        } else if call.owes_answer() {
            Some(call.make_answer(&mut self.legs, now)?)
        } else {
            match call.restate() {
                Some(answer) => Some(answer),
                None => Some(call.make_offer(&mut self.legs, Direction::SendRecv, now)?),
            }
        };
        let content = description.map(Content::sdp);
        self.agent.accept(now, call.session, headers, content)?;
        call.stage = Stage::Accepted;
        call.answering = Some(request);
        Ok(())
    }

    fn be_focus(&mut self, call: &mut Call) -> Result<(), EngineError> {
        self.agent.be_focus(call.session)?;
        call.focus = true;
        Ok(())
    }

    fn reject(
        &mut self,
        now: Instant,
        call: &mut Call,
        code: u16,
        reason: Option<String>,
        headers: HeaderList,
    ) -> Result<(), EngineError> {
        awaits_response(call)?;
        let status = status(code)?;
        let mut reply = Reply::new(status).with_headers(headers_of(headers)?);
        reply.reason = reason.map(Text::from);
        let reason = reply
            .reason
            .as_deref()
            .unwrap_or(status.reason())
            .to_owned();
        self.agent.reject(now, call.session, reply)?;
        call.ending = Some(Ending::new(EndCause::Local, Some(code), Some(reason)));
        Ok(())
    }

    /// Ends a call in whatever state it is.
    pub(super) fn hang_up(
        &mut self,
        now: Instant,
        id: CallId,
        reason: Option<String>,
        ending: Ending,
    ) {
        self.with(now, id, |signaling, call| {
            let mut headers = Headers::new();
            if let Some(reason) = reason {
                headers.push(HeaderName::Reason, reason);
            }
            signaling.leave(now, call, headers, ending);
        });
    }

    /// Ends a call for a reason of our own.
    pub(super) fn end(&mut self, now: Instant, call: &mut Call, ending: Ending) {
        self.leave(now, call, Headers::new(), ending);
    }

    fn leave(&mut self, now: Instant, call: &mut Call, headers: Headers, mut ending: Ending) {
        let result = if call.stage == Stage::Incoming {
            let status = match self.closing {
                Some(_) => StatusCode::SERVICE_UNAVAILABLE,
                None => StatusCode::TEMPORARILY_UNAVAILABLE,
            };
            ending.code = Some(status.code());
            let reply = Reply::new(status).with_headers(headers);
            self.agent.reject(now, call.session, reply)
        } else {
            self.agent.hangup(now, call.session, headers)
        };
        // Otherwise it is over already, and why is on its way here.
        if result.is_ok() {
            call.ending = Some(ending);
        }
    }

    fn dial(&mut self, now: Instant, dial: Dial) -> Result<(), EngineError> {
        let result = self.place(now, dial);
        match result {
            Ok(call) => {
                self.enter(call);
                Ok(())
            }
            Err((call, error)) => {
                self.homes.leave(call);
                Err(error)
            }
        }
    }

    fn place(&mut self, now: Instant, dial: Dial) -> Result<Call, (CallId, EngineError)> {
        let id = dial.call;
        self.invite(now, dial).map_err(|error| (id, error))
    }

    fn invite(&mut self, now: Instant, dial: Dial) -> Result<Call, EngineError> {
        if self.closing.is_some() {
            return Err(EngineError::Closed);
        }
        if self.calls.len() >= self.config.max_calls {
            return Err(EngineError::State("as many calls as are allowed exist"));
        }
        let uri = Uri::parse(&dial.uri.into())?;
        let (flow, mut alternatives) = self.ways_to(&dial.destinations)?;
        check_security(&uri, alternatives.iter().chain([&flow]))?;
        let capabilities = self.offering(&dial.codecs)?;
        let exchange = Call::exchange(&capabilities, &mut self.legs);
        let mut call = Call::new(
            dial.call,
            SessionId::default(),
            Stage::Calling,
            flow,
            exchange,
        );
        take_link(&mut call, dial.link)?;
        let from = sender(&self.config, flow, &dial.from_name, dial.from_uri)?;
        let mut invite = OutgoingRequest::new(flow, uri, from);
        invite.route = route_of(dial.route)?;
        if !dial.to_uri.is_empty() {
            invite.to = NameAddr::new(Uri::parse(&dial.to_uri.into())?);
        }
        invite.headers = headers_of(dial.headers)?;
        invite.credentials = dial.credentials;
        let contact = dial.contact.map(|uri| Uri::parse(&uri.into()));
        invite.contact = contact.transpose()?;
        invite.is_focus = dial.focus;
        call.focus = dial.focus;
        append(&mut invite.headers, &page_headers(call.link.as_deref()));
        if !dial.late_offer {
            let offer = call.make_offer(&mut self.legs, Direction::SendRecv, now)?;
            invite.content = Some(Content::sdp(offer));
            invite.elsewhere =
                self.offers_elsewhere(now, &mut call, &capabilities, &mut alternatives);
        }
        invite.alternatives = alternatives;
        if dial.reliable {
            invite.headers.push(HeaderName::Require, "100rel");
        }
        invite.ring_timeout = dial.ring_timeout;
        let unanswered = self.config.unanswered;
        call.ring_timeout = dial.ring_timeout.map_or(unanswered, |t| t.min(unanswered));
        call.fork();
        call.session = self.agent.invite(now, invite)?;
        Ok(call)
    }

    /// What we can do, with no more than these codecs.
    fn offering(&self, codecs: &[String]) -> Result<Arc<Capabilities>, EngineError> {
        if codecs.is_empty() {
            return Ok(self.capabilities.clone());
        }
        let only = self.capabilities.only(codecs).map(Arc::new);
        only.ok_or_else(|| EngineError::Invalid(format!("codecs: we have none of {codecs:?}")))
    }

    /// Offers something else than before.
    fn change(&mut self, now: Instant, call: &mut Call, change: Change) -> Result<(), EngineError> {
        let answered = matches!(call.stage, Stage::Accepted | Stage::Confirmed);
        if !answered && !self.agent.can_update(call.session) {
            return Err(EngineError::State("the call is not answered"));
        }
        if call.change.is_some() {
            return Err(EngineError::State(
                "the call is already being held, resumed or changed",
            ));
        }
        call.change = Some(change);
        self.try_change(now, call);
        Ok(())
    }

    fn shut_down(&mut self, now: Instant, request: RequestId) {
        let closing = self.closing.get_or_insert_with(|| Closing {
            requests: Vec::new(),
            until: now + SHUTDOWN,
        });
        closing.requests.push(request);
        self.gate.lock().close();
        self.unregister_all(now);
        let mut calls: Vec<CallId> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for call in calls {
            self.hang_up(now, call, None, Ending::local());
        }
    }

    /// Takes a call into the table.
    pub(super) fn enter(&mut self, call: Call) {
        self.counters.calls_total.add(1);
        self.gate.lock().call_began();
        if let (Some(recorder), Some(call_id)) =
            (&self.events.recorder, self.agent.call_id(call.session))
        {
            recorder.named(Subject::Call(call.id), call_id);
        }
        self.by_session.insert(call.session, call.id);
        self.calls.insert(call.id, call);
    }
}

pub(super) fn awaits_response(call: &Call) -> Result<(), EngineError> {
    match call.stage {
        Stage::Incoming => Ok(()),
        Stage::Calling => Err(EngineError::State("the call is one that we place")),
        _ => Err(EngineError::State("the call is answered already")),
    }
}

/// The control page of a call from now on; one that was given before stays if there is no other.
fn take_link(call: &mut Call, link: Option<String>) -> Result<(), EngineError> {
    let Some(link) = link else { return Ok(()) };
    // It becomes a line of SDP and part of a header field.
    if link.is_empty()
        || !link
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte))
    {
        return Err(EngineError::Invalid(format!("{link:?} is no link")));
    }
    call.link = Some(link);
    Ok(())
}

pub(super) fn status(code: u16) -> Result<StatusCode, EngineError> {
    StatusCode::new(code)
        .ok_or_else(|| EngineError::Invalid(format!("{code} is no status code of SIP")))
}

/// Who a request of ours comes from, unless that is given: `sip:sems@` and our address.
pub(super) fn sender(
    config: &EngineConfig,
    flow: Flow,
    name: &str,
    uri: String,
) -> Result<NameAddr, EngineError> {
    let uri = match uri.is_empty() {
        true => {
            let ip = config.advertised_address.unwrap_or(flow.local.ip());
            SipUri::new(&Host::Ip(ip)).with_user("sems").into()
        }
        false => Uri::parse(&uri.into())?,
    };
    Ok(NameAddr::new(uri).with_display_name(name))
}

pub(super) fn headers_of(list: HeaderList) -> Result<Headers, EngineError> {
    let mut headers = Headers::new();
    for (name, value) in list {
        let name = Text::from(name);
        let known = HeaderName::parse(&name)
            .ok_or_else(|| EngineError::Invalid(format!("{name:?} is no header field name")))?;
        headers.push(known, value);
    }
    Ok(headers)
}

fn append(headers: &mut Headers, more: &Headers) {
    for (name, value) in more.iter() {
        headers.push(name.clone(), value);
    }
}
