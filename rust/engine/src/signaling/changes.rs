//! What either side changes in a call: hold and resume, codec and address, by re-INVITE or UPDATE.

use std::time::Instant;

use sems_sdp::Direction;
use sems_sip::{
    HeaderName, Headers, Request, Response, Text,
    header::From,
    user_agent::{Content, Reply},
};

use super::{
    Signaling,
    sessions::{page_headers, refusal},
};
use crate::{
    call::{Call, Ending, Stage},
    error::EngineError,
    event::Event,
};

impl Signaling {
    /// The peer's re-INVITE.
    pub(super) fn on_reinvite(&mut self, now: Instant, call: &mut Call, request: &Request) {
        // Hold and resume, another codec, another address; or a late offer.
        let result = match request.body.is_empty() {
            true => call.make_offer(&mut self.legs, call.wish, now),
            false => self.answer_offer(now, call, request),
        };
        match result {
            Ok(description) => {
                let content = Content::sdp(description);
                let headers = session_headers(call);
                let accepted =
                    self.agent
                        .accept_reinvite(now, call.session, headers, Some(content));
                if accepted.is_err() {
                    return call.withdraw();
                }
                if !call.awaits_answer() {
                    self.tell_update(call);
                }
            }
            Err(error) => {
                let refusal = refusal(&error, call.flow);
                // It can only have been taken back.
                let _ = self.agent.reject_reinvite(now, call.session, refusal);
            }
        }
    }

    /// The peer's offer in an UPDATE or PRACK, while it rings or later.
    pub(super) fn on_offer(&mut self, now: Instant, call: &mut Call, request: &Request) {
        // Who knows our tag has had our response.
        self.prove(now, call);
        let answer = match call.turn_to(&mut self.legs, from_tag(request)) {
            Ok(()) => self.answer_offer(now, call, request),
            Err(error) => Err(error),
        };
        // It can only have waited too long, or be over.
        let _ = match answer {
            Ok(answer) => {
                let content = Content::sdp(answer);
                let headers = passed_packages(call);
                self.agent.accept_offer(now, call.session, headers, content)
            }
            Err(error) => {
                let refusal: Reply = refusal(&error, call.flow);
                self.agent.reject_offer(now, call.session, refusal)
            }
        };
        if call.told.is_some() {
            self.tell_update(call);
        }
    }

    fn answer_offer(
        &mut self,
        now: Instant,
        call: &mut Call,
        request: &Request,
    ) -> Result<String, EngineError> {
        call.receive_offer(&request.body)?;
        call.make_answer(&mut self.legs, now)
            .inspect_err(|_| call.withdraw())
    }

    /// Sends the offer of a change that waits for its turn: by re-INVITE once the call is answered,
    /// by UPDATE while it rings.
    pub(super) fn try_change(&mut self, now: Instant, call: &mut Call) {
        let Some(mut change) = call.change.take_if(|change| !change.sent) else {
            return;
        };
        let made = call.make_offer_of(&mut self.legs, change.direction, &change.codecs, now);
        let offer = match made {
            Ok(offer) => offer,
            // An offer of the peer's is under way.
            Err(EngineError::Description(_)) => {
                call.change = Some(change);
                return;
            }
            Err(error) => return self.done(change.request, Err(error)),
        };
        let content = Some(Content::sdp(offer));
        let session = call.session;
        let sent = match call.stage {
            Stage::Incoming | Stage::Calling => {
                let headers = session_headers(call);
                self.agent.update(now, session, headers, content)
            }
            Stage::Accepted | Stage::Confirmed => {
                let headers = session_headers(call);
                self.agent.reinvite(now, session, headers, content)
            }
        };
        match sent {
            Ok(()) => {
                change.sent = true;
                call.change = Some(change);
            }
            Err(sems_sip::Error::Pending) => {
                call.withdraw();
                call.change = Some(change);
            }
            Err(error) => {
                call.withdraw();
                self.done(change.request, Err(error.into()));
            }
        }
    }

    /// Refreshes a session whose peer doesn't take UPDATE: by a re-INVITE that changes nothing
    /// (RFC 4028 §7.4).
    pub(super) fn refresh(&mut self, now: Instant, call: &mut Call) {
        // An offer that is under way refreshes the session as well.
        let Ok(offer) = call.repeat_offer() else {
            return;
        };
        let content = Some(Content::sdp(offer));
        let sent = self
            .agent
            .reinvite(now, call.session, passed_packages(call), content);
        if sent.is_err() {
            call.withdraw();
        }
    }

    /// The peer answers an offer of ours that changes or refreshes the session.
    pub(super) fn on_offer_answered(&mut self, now: Instant, call: &mut Call, response: &Response) {
        let change = call.change.take_if(|change| change.sent);
        if let Some(change) = &change {
            call.wish = change.direction;
        }
        let result = call.receive_answer(&mut self.legs, &response.body, None);
        if let Err(error) = result {
            // The peer believes the session changed; it can't go on.
            let reason = error.to_string();
            if let Some(change) = change {
                self.done(change.request, Err(error));
            }
            return self.end(now, call, Ending::error(&reason));
        }
        if let Some(change) = change {
            self.done(change.request, Ok(()));
        }
        if call.told.is_some() {
            self.tell_update(call);
        }
        self.try_change(now, call);
    }

    /// The peer refuses such an offer.
    pub(super) fn on_offer_refused(
        &mut self,
        now: Instant,
        call: &mut Call,
        response: &Response,
        again: bool,
    ) {
        call.withdraw();
        if let Some(mut change) = call.change.take_if(|change| change.sent) {
            if again {
                // Both at once (RFC 3261 §14.1): again when `ReinviteDue` comes.
                change.sent = false;
                call.change = Some(change);
                return;
            }
            let error = EngineError::Refused(response.status, response.reason.to_string());
            self.done(change.request, Err(error));
        }
        self.try_change(now, call);
    }

    /// A call that begins on hold is told to be so.
    pub(super) fn tell_hold(&mut self, call: &Call) {
        let state = call
            .told
            .filter(|state| state.direction != Direction::SendRecv);
        if let Some(state) = state {
            self.events.tell(Event::Updated {
                call: call.id,
                direction: state.direction,
                codec: state.codec,
            });
        }
    }

    /// Tells what the session is like if that is not known yet.
    pub(super) fn tell_update(&mut self, call: &mut Call) {
        let state = call.state();
        if let Some(state) = state.filter(|state| call.told.as_ref() != Some(state)) {
            call.told = Some(state);
            self.events.tell(Event::Updated {
                call: call.id,
                direction: state.direction,
                codec: state.codec,
            });
        }
    }
}

fn from_tag(request: &Request) -> Text {
    let from = request.headers.require::<From>();
    let tag = from.ok().and_then(|from| from.params.get_text("tag"));
    tag.unwrap_or_default()
}

/// The headers of what changes or refreshes a session: the control page, and the packages that are
/// passed on.
fn session_headers(call: &Call) -> Headers {
    let mut headers = page_headers(call.link.as_deref());
    for (name, value) in passed_packages(call).iter() {
        headers.push(name.clone(), value);
    }
    headers
}

/// Says which INFO packages are passed on, beside those that we take ourselves (RFC 6086 §5.2.2).
fn passed_packages(call: &Call) -> Headers {
    let mut headers = Headers::new();
    if !call.packages.is_empty() {
        headers.push(HeaderName::RecvInfo, call.packages.join(", "));
    }
    headers
}
