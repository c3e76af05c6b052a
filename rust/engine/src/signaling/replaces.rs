//! A call whose peer is replaced by another (RFC 3891): the call stays, with its room, its link and
//! all that Python knows of it, and goes on with whoever sent the INVITE.

use std::time::Instant;

use sems_sdp::Direction;
use sems_sip::{
    Flow, HeaderName, Headers, Request, Text,
    user_agent::{Content, SessionId},
};

use super::{
    Signaling,
    sessions::{header_list, page_headers, refusal},
};
use crate::{
    call::{Call, Stage, via_shows_nat},
    error::EngineError,
    event::{Event, Incoming},
};

/// What the peer that is replaced is told.
const REASON: &str = "SIP;cause=200;text=\"Replaced\"";

impl Signaling {
    /// Takes an INVITE in the place of `replaced`, and answers it at once.
    pub(super) fn on_replacing(
        &mut self,
        now: Instant,
        session: SessionId,
        replaced: SessionId,
        request: &Request,
        flow: Flow,
        user: Option<Text>,
    ) {
        self.with_call(now, replaced, |signaling, call| {
            let proven = signaling.is_proven(flow, user.as_ref());
            match signaling.replace(now, call, session, request, flow, proven) {
                Ok(()) => signaling.tell_replaced(call, request, flow, user),
                Err(error) => {
                    signaling.refused += 1;
                    signaling.refuse(now, session, refusal(&error, flow));
                }
            }
        });
    }

    fn replace(
        &mut self,
        now: Instant,
        call: &mut Call,
        session: SessionId,
        request: &Request,
        flow: Flow,
        proven: bool,
    ) -> Result<(), EngineError> {
        let exchange = Call::exchange(&self.capabilities, &mut self.legs);
        let before = call.begin_again(exchange, flow);
        call.proven = proven;
        call.via_shows_nat = via_shows_nat(&request.headers, flow.remote.ip());
        let description = match request.body.is_empty() {
            true => call.make_offer(&mut self.legs, Direction::SendRecv, now),
            false => call
                .receive_offer(&request.body)
                .and_then(|()| call.make_answer(&mut self.legs, now)),
        };
        let accepted = description.and_then(|description| {
            let headers = page_headers(call.link.as_deref());
            let content = Some(Content::sdp(description));
            if call.focus {
                self.agent.be_focus(session)?;
            }
            Ok(self.agent.accept(now, session, headers, content)?)
        });
        if let Err(error) = accepted {
            call.go_back(before);
            return Err(error);
        }
        if let Some(change) = call.change.take() {
            self.done(
                change.request,
                Err(EngineError::State("the peer was replaced")),
            );
        }
        call.wish = Direction::SendRecv;
        call.packages.clear();
        call.stage = Stage::Accepted;
        // What is still told of the old session is nobody's business any more.
        let old = std::mem::replace(&mut call.session, session);
        self.by_session.remove(&old);
        self.by_session.insert(session, call.id);
        let mut headers = Headers::new();
        headers.push(HeaderName::Reason, REASON);
        // Over already is as well.
        let _ = self.agent.hangup(now, old, headers);
        Ok(())
    }

    fn tell_replaced(&mut self, call: &Call, request: &Request, flow: Flow, user: Option<Text>) {
        let codecs = call.codec().into_iter().collect();
        self.events.tell(Event::Replaced(Box::new(Incoming {
            call: call.id,
            uri: request.uri.to_string(),
            headers: header_list(&request.headers),
            source: flow.remote,
            local: flow.local,
            trusted: self.config.trusts(flow.remote.ip()),
            user: user.map(|user| user.to_string()),
            codecs,
        })));
    }
}
