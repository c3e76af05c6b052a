//! What happens before a call is answered: ringing and early media, both ways.

use std::time::Instant;

use sems_sdp::Direction;
use sems_sip::{
    Request, Response,
    user_agent::{Content, Reliability, Reply},
};

use super::{
    Signaling,
    commands::{awaits_response, headers_of, status},
    sessions::{header_list, to_tag},
};
use crate::{
    call::{Call, Ending, link_in},
    command::HeaderList,
    error::EngineError,
    event::Event,
    ids::RequestId,
};

/// How a call is to ring.
pub(super) struct Ringing {
    pub(super) code: u16,
    pub(super) headers: HeaderList,
    pub(super) early_media: bool,
    pub(super) reliable: bool,
}

impl Signaling {
    /// Rings. Returns whether that is all, and no PRACK has to come for it to be done.
    pub(super) fn ring(
        &mut self,
        now: Instant,
        call: &mut Call,
        ringing: Ringing,
        request: RequestId,
    ) -> Result<bool, EngineError> {
        awaits_response(call)?;
        let Ringing {
            code,
            headers,
            early_media,
            reliable,
        } = ringing;
        let mut reply = Reply::new(status(code)?).with_headers(headers_of(headers)?);
        let reliably = match self.agent.reliability(call.session) {
            Reliability::Unsupported if reliable => {
                return Err(EngineError::State(
                    "the caller does not know reliable provisional responses",
                ));
            }
            Reliability::Unsupported => false,
            Reliability::Supported => reliable || early_media,
            Reliability::Required => true,
        };
        // The first reliable response to an INVITE without an offer has to make one
        // (RFC 3262 §5).
        let offers = reliably && call.is_undescribed();
        let description = if offers {
            Some(call.make_offer(&mut self.legs, Direction::SendRecv, now)?)
        } else if !early_media {
            None
        } else if call.owes_answer() {
            Some(call.make_early_answer(&mut self.legs, now)?)
        } else if self.agent.wants_description(call.session) {
            // The answer is the same in each response that carries it.
            Some(call.restate().ok_or(EngineError::State(
                "the INVITE carries no offer, so there can be no early media",
            ))?)
        } else {
            None
        };
        reply.content = description.map(Content::sdp);
        let sent = match reliable {
            true => self.agent.provisional_reliable(now, call.session, reply),
            false => self.agent.provisional(now, call.session, reply),
        };
        if offers {
            match sent {
                Ok(()) if early_media => call.ringing = Some(request),
                Ok(()) => {}
                Err(_) => call.withdraw(),
            }
        }
        sent?;
        Ok(call.ringing != Some(request))
    }

    /// The PRACK brings the answer to the offer with which we rang.
    pub(super) fn on_prack(&mut self, now: Instant, call: &mut Call, request: &Request) {
        let result = call.receive_answer(&mut self.legs, &request.body, None);
        if let Err(error) = &result {
            self.end(now, call, Ending::error(&error.to_string()));
        }
        if let Some(ringing) = call.ringing.take() {
            self.done(ringing, result.map(drop));
        }
    }

    /// A call that we place makes progress.
    pub(super) fn on_progress(
        &mut self,
        now: Instant,
        call: &mut Call,
        response: &Response,
        owes_prack: bool,
    ) {
        let early_media = match response.body.is_empty() {
            true => false,
            false if owes_prack => self.answer_early_offer(now, call, response),
            false if call.has_offered() => {
                match call.receive_answer(&mut self.legs, &response.body, to_tag(response)) {
                    Ok(_) => true,
                    // The final response will show whether there is an answer that we can use.
                    Err(error) => {
                        tracing::debug!(%error, call = %call.id, "unusable early answer");
                        false
                    }
                }
            }
            false => false,
        };
        if early_media {
            // What is heard goes on at this address.
            self.agent.stay(call.session);
        }
        self.events.tell(Event::Progress {
            call: call.id,
            code: response.status.code(),
            reason: response.reason.to_string(),
            early_media,
            link: link_in(&response.body),
            codec: early_media.then(|| call.codec()).flatten(),
            headers: header_list(&response.headers),
        });
    }

    /// Answers in the PRACK what a branch offers while it rings (RFC 3262 §5). What can't be
    /// answered ends the call: the peer would wait for it.
    fn answer_early_offer(&mut self, now: Instant, call: &mut Call, response: &Response) -> bool {
        let branch = to_tag(response).unwrap_or_default();
        let answer = call
            .turn_to(&mut self.legs, branch)
            .and_then(|()| call.receive_offer(&response.body))
            .and_then(|()| call.make_answer(&mut self.legs, now));
        let sent = answer.and_then(|answer| {
            let content = Some(Content::sdp(answer));
            Ok(self.agent.prack(now, call.session, content)?)
        });
        if let Err(error) = &sent {
            self.end(now, call, Ending::error(&error.to_string()));
        }
        sent.is_ok()
    }
}
