//! The called side: an INVITE arrives, is answered, changed, and ended by its caller.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::arrival::bad_request;
use super::refresh::Asked;
use super::reliable::Reliability;
use super::session::{Owner, Phase, SessionId, SessionTimer};
use super::{Cause, Content, Event, Reply, UserAgent};
use crate::dialog::Dialog;
use crate::dialog::exchange::Turn;
use crate::dialog::invite::{Reinvite, Unacknowledged};
use crate::header::{CSeq, CallId, Expires, HeaderName, RetryAfter};
use crate::transaction::{Flow, ServerKey, ServerTransactionId};
use crate::{Error, Headers, Request, Response, StatusCode, Text};

const MINUTE: Duration = Duration::from_secs(60);

impl UserAgent {
    /// Sends a provisional response to an INVITE that waits, 101 to 199. It is sent again every
    /// minute, or a proxy in between would lose its patience (RFC 3261 §13.3.1.1).
    ///
    /// It goes out reliably, as by [`UserAgent::provisional_reliable`], where the peer requires
    /// that, and where the peer supports it and it has a body or follows one whose PRACK is missing.
    pub fn provisional(
        &mut self,
        now: Instant,
        session: SessionId,
        reply: Reply,
    ) -> Result<(), Error> {
        let transaction = self.invite_to_answer(session, &reply)?;
        let reliably = match self.reliability(session) {
            Reliability::Unsupported => false,
            // What follows a reliable one must not overtake it.
            Reliability::Supported => reply.content.is_some() || self.waits_for_prack(session),
            Reliability::Required => true,
        };
        match reliably {
            true => self.send_reliable(now, session, transaction, reply)?,
            false => {
                self.respond_in_session(now, session, transaction, reply);
            }
        }
        self.start_timer(session, SessionTimer::Repeat1xx, now + MINUTE);
        self.settle(now);
        Ok(())
    }

    /// Accepts an INVITE that waits with 200. It is repeated until the ACK comes
    /// ([`Event::Confirmed`]); if none comes the session ends with BYE. After a reliable provisional
    /// response with a body it waits for the PRACK; and a body that was said so already is left
    /// out.
    pub fn accept(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let transaction = self.incoming(session)?;
        let live = self.live(session)?;
        let offered = live.offer.is_some();
        match &mut live.reliable {
            Some(reliable) if reliable.is_accepting() => return Err(Error::State),
            Some(reliable) if offered || reliable.holds_description() => {
                reliable.delay(headers, content);
            }
            _ => self.accept_now(now, session, transaction, headers, content),
        }
        self.settle(now);
        Ok(())
    }

    /// Our Contact in this session says from now on that we are the focus of a conference (RFC 4579
    /// §5.1), as an INVITE of ours does with [`OutgoingRequest::is_focus`](super::OutgoingRequest).
    pub fn be_focus(&mut self, id: SessionId) -> Result<(), Error> {
        self.sessions.get_mut(id).ok_or(Error::Gone)?.be_focus();
        Ok(())
    }

    pub(super) fn accept_now(
        &mut self,
        now: Instant,
        id: SessionId,
        transaction: ServerTransactionId,
        headers: Headers,
        content: Option<Content>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.phase = Phase::established();
        let answering = [
            SessionTimer::Expires,
            SessionTimer::Repeat1xx,
            SessionTimer::RepeatReliable,
            SessionTimer::NoPrack,
        ];
        for timer in answering {
            session.running.stop(timer);
        }
        if let Some(reliable) = &mut session.reliable {
            reliable.end();
        }
        self.accept_invite(now, id, transaction, headers, content, true);
    }

    /// The INVITE that a provisional response is for.
    pub(super) fn invite_to_answer(
        &mut self,
        session: SessionId,
        reply: &Reply,
    ) -> Result<ServerTransactionId, Error> {
        if !(101..200).contains(&reply.status.code()) {
            return Err(Error::Status(reply.status));
        }
        let transaction = self.incoming(session)?;
        match &self.live(session)?.reliable {
            Some(reliable) if reliable.is_accepting() => Err(Error::State),
            _ => Ok(transaction),
        }
    }

    /// Refuses an INVITE that waits, 300 to 699, which ends the session.
    pub fn reject(&mut self, now: Instant, session: SessionId, reply: Reply) -> Result<(), Error> {
        if !reply.status.is_failure() {
            return Err(Error::Status(reply.status));
        }
        let transaction = self.incoming(session)?;
        self.respond_in_session(now, session, transaction, reply);
        self.terminate(session, Cause::Local);
        self.remove(session);
        self.settle(now);
        Ok(())
    }

    /// Accepts the peer's re-INVITE with 200.
    pub fn accept_reinvite(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let transaction = self.take_reinvite(session)?;
        self.accept_invite(now, session, transaction, headers, content, false);
        self.settle(now);
        Ok(())
    }

    /// Refuses the peer's re-INVITE, 300 to 699. The session goes on as it was.
    pub fn reject_reinvite(
        &mut self,
        now: Instant,
        session: SessionId,
        reply: Reply,
    ) -> Result<(), Error> {
        if !reply.status.is_failure() {
            return Err(Error::Status(reply.status));
        }
        let transaction = self.take_reinvite(session)?;
        self.respond_in_session(now, session, transaction, reply);
        if let Some(dialog) = self.live(session)?.dialog() {
            dialog.exchange.withdraw();
        }
        self.settle(now);
        Ok(())
    }

    fn incoming(&mut self, id: SessionId) -> Result<ServerTransactionId, Error> {
        match self.live(id)?.phase {
            Phase::Incoming { transaction } => Ok(transaction),
            _ => Err(Error::State),
        }
    }

    fn take_reinvite(&mut self, id: SessionId) -> Result<ServerTransactionId, Error> {
        let established = self.live(id)?.established().ok_or(Error::State)?;
        match established.reinvite {
            Reinvite::Theirs { transaction } => {
                established.reinvite = Reinvite::None;
                Ok(transaction)
            }
            _ => Err(Error::State),
        }
    }

    /// Sends a response to an INVITE of this session; what was sent.
    pub(super) fn respond_in_session(
        &mut self,
        now: Instant,
        id: SessionId,
        transaction: ServerTransactionId,
        reply: Reply,
    ) -> Bytes {
        let Some((request, _)) = self.transactions.open_request(transaction) else {
            return Bytes::new();
        };
        let Some(session) = self.sessions.get(id) else {
            return Bytes::new();
        };
        let opens_dialog = (101..300).contains(&reply.status.code())
            && !reply.headers.contains(&HeaderName::Contact);
        let announces = (101..300).contains(&reply.status.code());
        let accepts = reply.status.is_success();
        let mut response: Response = self.response(request, &session.local_tag, reply);
        if let (true, Some(dialog)) = (opens_dialog, session.dialogs.last()) {
            let contact = dialog.contact().clone();
            response.headers.push(HeaderName::Contact, contact);
        }
        // A provisional response shows by it whether UPDATE may be sent (RFC 3311 §5.1).
        if announces {
            self.push_abilities(&mut response.headers, accepts);
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.announced |= announces;
        }
        self.transactions.respond(now, transaction, &response)
    }

    fn accept_invite(
        &mut self,
        now: Instant,
        id: SessionId,
        transaction: ServerTransactionId,
        headers: Headers,
        content: Option<Content>,
        first: bool,
    ) {
        let Some((request, flow)) = self.transactions.open_request(transaction) else {
            return;
        };
        let sequence = match request.headers.require::<CSeq>() {
            Ok(cseq) => cseq.sequence,
            Err(_) => return,
        };
        let asked = Asked::of(request);
        let (mut headers, mut content) = (headers, content);
        if let Some(dialog) = self.sessions.get_mut(id).and_then(|s| s.dialog()) {
            if !first {
                dialog.refresh_by_request(request, flow, &self.config.listeners);
            }
            if first && dialog.exchange.is_complete() {
                // It was said, and acknowledged, before (RFC 6337 §2.2).
                content = None;
            }
            if content.is_some() {
                dialog.exchange.sent();
            }
        }
        self.answer_interval(now, id, &asked, &mut headers);
        let reply = Reply {
            content,
            ..Reply::new(StatusCode::OK).with_headers(headers)
        };
        let payload = self.respond_in_session(now, id, transaction, reply);
        let values = self.config.timers;
        let waiting = Unacknowledged::new(sequence, flow, payload, &values);
        self.start_timer(id, SessionTimer::Repeat2xx, now + waiting.interval());
        self.start_timer(id, SessionTimer::NoAck, now + values.give_up());
        if let Some(established) = self.sessions.get_mut(id).and_then(|s| s.established()) {
            established.unacknowledged = Some(Box::new(waiting));
        }
    }

    // What the caller does

    pub(super) fn on_invite(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        user: Option<Text>,
    ) {
        let local_tag = self.identity.tag();
        if let Some(refusal) = self.refusal_of_interval(&request) {
            return self.refuse(now, flow, key, request, refusal);
        }
        let contact = self.contact_in_answer(&request, flow);
        let listeners = &self.config.listeners;
        let dialog = match Dialog::of_request(&request, &local_tag, contact, flow, listeners) {
            Ok(dialog) => dialog,
            Err(error) => return self.refuse(now, flow, key, request, bad_request(&error)),
        };
        let (Ok(via), Ok(call_id)) = (
            request.headers.top_via(),
            request.headers.require::<CallId>(),
        ) else {
            return;
        };
        let back = flow.back(&via);
        let transaction = self
            .transactions
            .start_server(now, key, request.clone(), back);
        let id = self.open(call_id.as_str(), local_tag, Phase::Incoming { transaction });
        self.sessions[id].dialogs.push(dialog);
        if let Some(replaced) = self
            .replaced_by(&request)
            .and_then(|id| self.sessions.get(id))
        {
            // Who takes one place after the other is no slower than within one call.
            self.sessions[id].pace = replaced.pace;
        }
        self.transactions.set_owner(transaction, Owner::Invite(id));
        let trying = self.response(&request, "", Reply::new(StatusCode::TRYING));
        self.transactions.respond(now, transaction, &trying);
        let unanswered = self.config.unanswered;
        let wait = expiry(&request).map_or(unanswered, |expiry| expiry.min(unanswered));
        self.start_timer(id, SessionTimer::Expires, now + wait);
        self.event(Event::Invite {
            session: id,
            request: Box::new(request),
            flow,
            user,
        });
    }

    pub(super) fn on_reinvite(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SessionId,
    ) {
        let pending = Reply::new(StatusCode::REQUEST_PENDING);
        let turn = self.sessions.get(id).map(|session| session.turn());
        let refusal = match self.sessions.get_mut(id).map(|s| &mut s.phase) {
            Some(Phase::Established(established)) => match established.reinvite {
                Reinvite::Theirs { .. } => Some(self.try_later()),
                _ if established.is_busy() || turn == Some(Turn::Peers) => Some(pending),
                _ if turn == Some(Turn::Ours) => Some(self.try_later()),
                _ => None,
            },
            Some(Phase::Calling { .. }) => Some(pending),
            _ => Some(self.try_later()),
        };
        let refusal = refusal.or_else(|| self.refusal_of_interval(&request));
        if let Some(refusal) = refusal {
            return self.refuse(now, flow, key, request, refusal);
        }
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        let back = flow.back(&via);
        let transaction = self
            .transactions
            .start_server(now, key, request.clone(), back);
        self.transactions
            .set_owner(transaction, Owner::Reinvite(id));
        let session = &mut self.sessions[id];
        if let Some(dialog) = session.dialog() {
            dialog.note_flow(&request, flow);
            if !request.body.is_empty() {
                dialog.exchange.received();
            }
        }
        if let Some(established) = session.established() {
            established.reinvite = Reinvite::Theirs { transaction };
        }
        let trying = self.response(&request, "", Reply::new(StatusCode::TRYING));
        self.transactions.respond(now, transaction, &trying);
        self.event(Event::Reinvite {
            session: id,
            request: Box::new(request),
        });
    }

    /// The refusal of a second INVITE while the first waits (§14.2).
    pub(super) fn try_later(&mut self) -> Reply {
        use rand::RngExt;
        let seconds = self.identity.rng.random_range(0..=10);
        let mut headers = Headers::new();
        headers.push_typed(&RetryAfter::new(seconds));
        Reply::new(StatusCode::SERVER_INTERNAL_ERROR).with_headers(headers)
    }

    pub(super) fn on_ack(&mut self, now: Instant, id: Option<SessionId>, request: Request) {
        let session = id.and_then(|id| Some((id, self.sessions.get_mut(id)?)));
        let Some((id, session)) = session else {
            self.counters.stray_acks += u64::from(!self.is_ack_to_refusal(&request));
            return;
        };
        let Some(established) = session.established() else {
            return;
        };
        let waited_for = established
            .unacknowledged
            .take_if(|waiting| waiting.is_acknowledged_by(&request));
        if waited_for.is_none() {
            // A repetition, or the ACK to a refused re-INVITE.
            return;
        }
        established.confirmed = true;
        let bye = established.bye.take();
        session.settle_invite();
        // A PRACK may still be on its way (RFC 3262 §3).
        session.reliable.take_if(|reliable| !reliable.is_pending());
        session.running.stop(SessionTimer::Repeat2xx);
        session.running.stop(SessionTimer::NoAck);
        match bye {
            Some(headers) => self.send_bye(now, id, *headers),
            None => self.event(Event::Confirmed {
                session: id,
                request: Box::new(request),
            }),
        }
    }

    pub(super) fn on_cancelled(
        &mut self,
        now: Instant,
        owner: Owner,
        invite: ServerTransactionId,
        cancel: Request,
    ) {
        let terminated = Reply::new(StatusCode::REQUEST_TERMINATED);
        match owner {
            Owner::Invite(id) if self.incoming(id) == Ok(invite) => {
                self.respond_in_session(now, id, invite, terminated);
                self.terminate(id, Cause::Cancelled(Box::new(cancel)));
                self.remove(id);
            }
            Owner::Reinvite(id) => {
                if let Ok(established) = self
                    .live(id)
                    .and_then(|s| s.established().ok_or(Error::State))
                    && matches!(established.reinvite,
                        Reinvite::Theirs { transaction } if transaction == invite)
                {
                    established.reinvite = Reinvite::None;
                    if let Some(dialog) = self.sessions.get_mut(id).and_then(|s| s.dialog()) {
                        dialog.exchange.withdraw();
                    }
                    self.respond_in_session(now, id, invite, terminated);
                    self.event(Event::ReinviteCancelled { session: id });
                }
            }
            _ => {}
        }
    }

    pub(super) fn on_bye(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SessionId,
    ) {
        let phase = self.sessions.get(id).map(|s| &s.phase);
        let incoming = match phase {
            Some(Phase::Incoming { transaction }) => Some(*transaction),
            Some(Phase::Calling { .. }) | None => {
                // Nobody may hang up before he has answered (§15).
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                return self.refuse(now, flow, key, request, gone);
            }
            Some(Phase::Established(_) | Phase::Ending) => None,
        };
        self.answer(now, flow, key, request.clone(), Reply::new(StatusCode::OK));
        if let Some(transaction) = incoming {
            let reply = Reply::new(StatusCode::REQUEST_TERMINATED);
            self.respond_in_session(now, id, transaction, reply);
        }
        self.end_reinvite(now, id);
        // The 2xx whose ACK the layer above has not worded yet gets it all the same (§13.2.2.4).
        let established = self.sessions.get_mut(id).and_then(|s| s.established());
        if let Some(owed) = established.and_then(|e| e.owed_ack.take()) {
            self.send_ack(id, owed, None);
        }
        self.drop_offer(now, id);
        self.terminate(id, Cause::Bye(Box::new(request)));
        // While our own BYE is under way it may still meet a dialog there.
        if !matches!(self.sessions.get(id).map(|s| &s.phase), Some(Phase::Ending)) {
            self.remove(id);
        }
    }

    // Time

    /// An INVITE has gone without a final response for as long as its sender (§13.3.1) or we allow.
    pub(super) fn expire(&mut self, now: Instant, id: SessionId) {
        if self.is_calling(id) {
            if self.terminate(id, Cause::NoAnswer) {
                let mut headers = Headers::new();
                headers.push(HeaderName::Reason, "SIP;cause=408;text=\"No Answer\"");
                self.cancel(now, id, headers);
            }
        } else if let Ok(transaction) = self.incoming(id) {
            let invite = self.transactions.open_request(transaction);
            let asked = invite.and_then(|(invite, _)| expiry(invite));
            let status = match asked.is_some_and(|asked| asked <= self.config.unanswered) {
                true => StatusCode::REQUEST_TERMINATED,
                false => StatusCode::TEMPORARILY_UNAVAILABLE,
            };
            let reply = Reply::new(status);
            self.respond_in_session(now, id, transaction, reply);
            self.terminate(id, Cause::Timeout);
            self.remove(id);
        }
    }

    pub(super) fn repeat_1xx(&mut self, now: Instant, id: SessionId) {
        if let Ok(transaction) = self.incoming(id) {
            self.repeat_ringing(now, id, transaction);
            self.start_timer(id, SessionTimer::Repeat1xx, now + MINUTE);
        }
    }

    pub(super) fn repeat_2xx(&mut self, now: Instant, id: SessionId) {
        let values = self.config.timers;
        let Some(established) = self.sessions.get_mut(id).and_then(|s| s.established()) else {
            return;
        };
        let Some(waiting) = &mut established.unacknowledged else {
            return;
        };
        waiting.repeated(&values);
        let (flow, response, after) = (waiting.flow, waiting.response.clone(), waiting.interval());
        self.transactions.repeated += 1;
        self.transactions.transmit(flow, response);
        self.start_timer(id, SessionTimer::Repeat2xx, now + after);
    }

    pub(super) fn give_up_ack(&mut self, now: Instant, id: SessionId) {
        self.terminate(id, Cause::NoAck);
        let Some(established) = self.sessions.get_mut(id).and_then(|s| s.established()) else {
            return;
        };
        established.unacknowledged = None;
        let headers = established.bye.take().map(|headers| *headers);
        self.leave(now, id, headers.unwrap_or_default());
    }
}

/// How long the sender of an INVITE waits for its answer (§13.2.1).
fn expiry(invite: &Request) -> Option<Duration> {
    let Expires(seconds) = invite.headers.get_typed()?.ok()?;
    Some(Duration::from_secs(seconds.into()))
}
