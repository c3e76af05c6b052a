//! What peers do: calls that come in, answers to ours, the end.

use std::time::Instant;

use sems_sip::{
    Flow, HeaderName, Headers, Request, Response, StatusCode, Text,
    header::To,
    user_agent::{Cause, Content, Event as AgentEvent, Reply, SessionId},
};

use super::{Signaling, destinations::redirect_targets};
use crate::{
    call::{Call, Ending, Stage, link_in, via_shows_nat},
    command::HeaderList,
    error::EngineError,
    event::{EndCause, Event, Incoming},
};

/// Seconds after which a caller who met a limit may try again.
pub(super) const RETRY_AFTER: u32 = 5;

impl Signaling {
    pub(super) fn on_event(&mut self, now: Instant, event: AgentEvent) {
        match event {
            AgentEvent::Invite {
                session,
                request,
                flow,
                user,
            } => self.on_invite(now, session, &request, flow, user),
            AgentEvent::Progress {
                session,
                response,
                owes_prack,
            } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_progress(now, call, &response, owes_prack);
                });
            }
            AgentEvent::Reached { session } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.prove(now, call);
                });
            }
            AgentEvent::Prack { session, request } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_prack(now, call, &request);
                });
            }
            AgentEvent::NextServer { session, flow } => {
                self.with_call(now, session, |_, call| call.start_over(flow));
            }
            AgentEvent::Accepted { session, response } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_accepted(now, call, &response);
                });
            }
            AgentEvent::Confirmed { session, request } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_confirmed(now, call, &request);
                });
            }
            AgentEvent::Reinvite { session, request } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_reinvite(now, call, &request);
                });
            }
            AgentEvent::ReinviteCancelled { session } | AgentEvent::ReinviteDue { session } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.try_change(now, call)
                });
            }
            AgentEvent::ReinviteAnswered { session, response }
            | AgentEvent::UpdateAnswered { session, response } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_offer_answered(now, call, &response);
                });
            }
            AgentEvent::ReinviteFailed {
                session,
                response,
                again,
            }
            | AgentEvent::UpdateFailed {
                session,
                response,
                again,
            } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_offer_refused(now, call, &response, again);
                });
            }
            AgentEvent::Offer { session, request } => {
                self.with_call(now, session, |signaling, call| {
                    signaling.on_offer(now, call, &request);
                });
            }
            AgentEvent::RefreshDue { session } => {
                self.with_call(now, session, |signaling, call| signaling.refresh(now, call));
            }
            AgentEvent::Terminated { session, cause } => self.on_terminated(session, &cause),
            AgentEvent::Request {
                id,
                session,
                request,
                flow,
                user,
            } => self.on_request(now, id, session, &request, flow, user),
            AgentEvent::Response { id, response } => self.on_response(id, &response),
            AgentEvent::Subscribed {
                id,
                session,
                request,
                flow,
                expires,
                user,
            } => self.on_subscribed(now, id, session, &request, flow, expires, user),
            AgentEvent::Refreshed { id } => self.on_refreshed(id),
            AgentEvent::Subscribing { id, response } => {
                self.on_subscribing(id, response.status, &response.reason);
            }
            AgentEvent::SubscribeFailed { id, status } => {
                self.on_subscribing(id, status, status.reason());
            }
            AgentEvent::Notified { id, request } => self.on_notified(id, &request),
            AgentEvent::SubscriptionEnded { id, end } => self.on_subscription_ended(id, end),
            AgentEvent::RequestFailed { id, status } => self.on_request_failed(id, status),
            AgentEvent::Registration { id, state } => self.on_registration(id, state),
            AgentEvent::FlowClosed { flow } => self.on_flow_closed(flow),
            AgentEvent::Pong { .. } => {}
        }
    }

    /// Works on a session's call, which stays where it is.
    pub(super) fn with_call(
        &mut self,
        now: Instant,
        session: SessionId,
        work: impl FnOnce(&mut Self, &mut Call),
    ) {
        let Some(&id) = self.by_session.get(&session) else {
            return;
        };
        self.with(now, id, work);
    }

    // Calls that come in

    fn on_invite(
        &mut self,
        now: Instant,
        session: SessionId,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
    ) {
        if self.closing.is_some() {
            return self.refuse(now, session, Reply::new(StatusCode::SERVICE_UNAVAILABLE));
        }
        if let Some(replaced) = self.agent.replaced_by(request) {
            return self.on_replacing(now, session, replaced, request, flow, user);
        }
        let mut gate = self.gate.lock();
        let (source, claim) = (gate.called(now, flow.remote.ip()), gate.claim());
        drop(gate);
        let exchange = Call::exchange(&self.capabilities, &mut self.legs);
        let id = self.homes.call();
        let mut call = Call::new(id, session, Stage::Incoming, flow, exchange);
        call.source = source;
        call.claim = Some(claim);
        call.via_shows_nat = via_shows_nat(&request.headers, flow.remote.ip());
        call.proven = self.is_proven(flow, user.as_ref());
        if !request.body.is_empty()
            && let Err(error) = call.receive_offer(&request.body)
        {
            self.homes.leave(id);
            self.gate.lock().give_back(source);
            self.refused += 1;
            return self.refuse(now, session, refusal(&error, flow));
        }
        let codecs = call.offered();
        self.enter(call);
        self.events.tell(Event::Incoming(Box::new(Incoming {
            call: id,
            uri: request.uri.to_string(),
            headers: header_list(&request.headers),
            source: flow.remote,
            local: flow.local,
            trusted: self.config.trusts(flow.remote.ip()),
            user: user.map(|user| user.to_string()),
            codecs,
        })));
    }

    pub(super) fn refuse(&mut self, now: Instant, session: SessionId, reply: Reply) {
        // It can't have been answered yet, unless it was cancelled, which is as well.
        let _ = self.agent.reject(now, session, reply);
    }

    /// Whether who sent an INVITE has it from nobody else that it comes from there: over UDP any
    /// stranger can write another's address into it.
    pub(super) fn is_proven(&self, flow: Flow, user: Option<&Text>) -> bool {
        let source = flow.remote.ip();
        flow.transport.is_reliable()
            || user.is_some()
            || source.is_loopback()
            || self.config.trusts(source)
    }

    /// The caller has shown that our messages reach it: packets may go where it wants them.
    pub(super) fn prove(&mut self, now: Instant, call: &mut Call) {
        if let Err(error) = call.prove(&mut self.legs) {
            self.end(now, call, Ending::error(&error.to_string()));
        }
    }

    fn on_confirmed(&mut self, now: Instant, call: &mut Call, ack: &Request) {
        self.prove(now, call);
        let mut result = Ok(());
        if call.awaits_answer() {
            // Our 2xx carried the offer (RFC 3264 §4, RFC 3261 §13.2.1).
            result = call
                .receive_answer(&mut self.legs, &ack.body, None)
                .map(drop);
        }
        let first = call.stage == Stage::Accepted;
        call.stage = Stage::Confirmed;
        if let Err(error) = result {
            self.end(now, call, Ending::error(&error.to_string()));
            return;
        }
        if first {
            call.told = call.state();
            let codec = call.told.map_or("", |state| state.codec);
            self.events.tell(Event::Confirmed {
                call: call.id,
                codec,
            });
            self.tell_hold(call);
            if let Some(request) = call.answering.take() {
                self.done(request, Ok(()));
            }
        } else {
            self.tell_update(call);
        }
        self.try_change(now, call);
    }

    // Calls that we place

    fn on_accepted(&mut self, now: Instant, call: &mut Call, response: &Response) {
        call.stage = Stage::Confirmed;
        let branch = to_tag(response).unwrap_or_default();
        let result = match call.turn_to(&mut self.legs, branch.clone()) {
            Err(error) => Err(error),
            // It was said before, in a provisional response.
            Ok(()) if call.is_agreed() => Ok(()),
            Ok(()) if call.has_offered() => call
                .receive_answer(&mut self.legs, &response.body, Some(branch))
                .map(drop),
            Ok(()) => self.answer_late_offer(now, call, response),
        };
        call.settle();
        if let Err(error) = result {
            self.end(now, call, Ending::error(&error.to_string()));
            return;
        }
        call.told = call.state();
        self.events.tell(Event::Answered {
            call: call.id,
            headers: header_list(&response.headers),
            link: link_in(&response.body),
            codec: call.told.map_or("", |state| state.codec),
        });
        self.tell_hold(call);
        self.try_change(now, call);
    }

    /// Answers in the ACK what the peer offers in its 200 (RFC 3261 §13.2.2.4).
    fn answer_late_offer(
        &mut self,
        now: Instant,
        call: &mut Call,
        response: &Response,
    ) -> Result<(), EngineError> {
        call.receive_offer(&response.body)?;
        let answer = call.make_answer(&mut self.legs, now)?;
        self.agent
            .ack(now, call.session, Some(Content::sdp(answer)))?;
        Ok(())
    }

    // The end

    fn on_terminated(&mut self, session: SessionId, cause: &Cause) {
        let Some(&id) = self.by_session.get(&session) else {
            return;
        };
        let Some(mut call) = self.calls.remove(&id) else {
            return;
        };
        if let Cause::Rejected(response) = cause
            && call.stage == Stage::Calling
            && let targets = redirect_targets(response)
            && !targets.is_empty()
        {
            self.events.tell(Event::Redirected {
                call: call.id,
                targets,
            });
        }
        let ending = call.ending.take().unwrap_or_else(|| {
            let reason = cause
                .reason()
                .and_then(|reason| Some(reason.text()?.into_owned()));
            match cause {
                Cause::Local => Ending::local(),
                Cause::Bye(_) => Ending::new(EndCause::Remote, None, reason),
                Cause::Cancelled(_) => {
                    let code = StatusCode::REQUEST_TERMINATED.code();
                    Ending::new(EndCause::Cancelled, Some(code), reason)
                }
                Cause::Rejected(response) => {
                    let cause = match call.stage {
                        Stage::Calling => EndCause::Rejected,
                        _ => EndCause::Error,
                    };
                    let reason = reason.unwrap_or_else(|| response.reason.to_string());
                    Ending::new(cause, Some(response.status.code()), Some(reason))
                }
                Cause::NoAck => {
                    Ending::new(EndCause::Timeout, None, Some("no ACK came".to_owned()))
                }
                Cause::NoPrack => {
                    let code = StatusCode::SERVER_TIMEOUT.code();
                    let reason = "no PRACK came".to_owned();
                    Ending::new(EndCause::Timeout, Some(code), Some(reason))
                }
                Cause::NoAnswer => {
                    let code = cause.status().map(StatusCode::code);
                    let limit = call.ring_timeout.as_secs_f64();
                    let reason = format!("no answer within {limit} seconds");
                    Ending::new(EndCause::Timeout, code, Some(reason))
                }
                Cause::Expired => {
                    let reason = "the peer did not refresh the session".to_owned();
                    Ending::new(EndCause::Timeout, None, Some(reason))
                }
                Cause::Timeout if call.stage == Stage::Incoming => {
                    let code = StatusCode::REQUEST_TERMINATED.code();
                    let reason = "the INVITE expired".to_owned();
                    Ending::new(EndCause::Timeout, Some(code), Some(reason))
                }
                Cause::Timeout => {
                    let code = cause.status().map(StatusCode::code);
                    Ending::new(EndCause::Timeout, code, Some("no response came".to_owned()))
                }
                Cause::Unreachable => {
                    let code = cause.status().map(StatusCode::code);
                    let reason = "the peer can't be reached".to_owned();
                    Ending::new(EndCause::Error, code, Some(reason))
                }
            }
        });
        self.forget(call, ending);
    }

    /// Gives back all that a call had, and tells its end.
    pub(super) fn forget(&mut self, call: Call, ending: Ending) {
        self.by_session.remove(&call.session);
        self.homes.leave(call.id);
        self.gate.lock().call_ended(call.source);
        self.legs.close(call.id, call.audio);
        let change = call.change.map(|change| change.request);
        let keys = self.keys.end(call.id);
        let waiting = call.ringing.into_iter().chain(call.answering).chain(change);
        for request in waiting.chain(keys) {
            self.done(request, Err(EngineError::Over(ending.to_string())));
        }
        self.events.tell(Event::Ended {
            call: call.id,
            cause: ending.cause,
            code: ending.code,
            reason: ending.reason,
        });
    }
}

/// The refusal of an offer, with a Warning that says why (RFC 3261 §20.43).
pub(super) fn refusal(error: &EngineError, flow: Flow) -> Reply {
    use sems_sdp::{Error, NotAcceptable};
    let code = match error {
        EngineError::Description(Error::NotAcceptable(why)) => match why {
            NotAcceptable::NoAudio | NotAcceptable::Refused => 304,
            NotAcceptable::Protocol => 302,
            NotAcceptable::NoCommonCodec => 305,
            NotAcceptable::Family => 300,
            NotAcceptable::Connection | NotAcceptable::HostName => 301,
        },
        _ => 399,
    };
    let text = error.to_string().replace(['"', '\\'], "'");
    let mut headers = Headers::new();
    headers.push(
        HeaderName::Warning,
        format!("{code} {} \"{text}\"", flow.local),
    );
    Reply::new(error.status()).with_headers(headers)
}

/// The headers that show the control page.
pub(super) fn page_headers(link: Option<&str>) -> Headers {
    let mut headers = Headers::new();
    if let Some(link) = link {
        headers.push(HeaderName::CallInfo, format!("<{link}>;purpose=info"));
    }
    headers
}

pub(super) fn header_list(headers: &Headers) -> HeaderList {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

pub(super) fn to_tag(response: &Response) -> Option<Text> {
    let to = response.headers.require::<To>().ok()?;
    // A branch without a tag is one all the same.
    Some(to.params.get_text("tag").unwrap_or_default())
}
