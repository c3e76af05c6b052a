//! The called side's reliable provisional responses (RFC 3262 §3).

use std::time::Instant;

use rand::RngExt;

use super::arrival::bad_request;
use super::session::{Phase, SessionId, SessionTimer};
use super::{Cause, Event, Output, Reply, UserAgent};
use crate::dialog::exchange::Turn;
use crate::dialog::reliable::Reliable;
use crate::header::{CSeq, HeaderName, RAck, RSeq, To, lists};
use crate::transaction::{Flow, ServerKey, ServerTransactionId};
use crate::{Error, Request, StatusCode, Text};

/// The option tag of reliable provisional responses.
pub(super) const RELIABLE: &str = "100rel";

/// Responses whose PRACK may still come although their session is gone; of more the oldest are
/// forgotten.
pub(super) const MAX_OUTSTANDING: usize = 256;

/// Whether provisional responses to a peer's INVITE can be sent reliably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// The peer can't.
    Unsupported,
    /// The peer can. Those with a body are, and others where it is wanted.
    Supported,
    /// The peer wants them all to be.
    Required,
}

impl UserAgent {
    /// Whether provisional responses to an INVITE that waits can be sent reliably.
    pub fn reliability(&self, session: SessionId) -> Reliability {
        let transaction = match self.sessions.get(session).map(|session| &session.phase) {
            Some(Phase::Incoming { transaction }) => *transaction,
            _ => return Reliability::Unsupported,
        };
        let Some((invite, _)) = self.transactions.open_request(transaction) else {
            return Reliability::Unsupported;
        };
        if lists(&invite.headers, &HeaderName::Require, RELIABLE) {
            Reliability::Required
        } else if lists(&invite.headers, &HeaderName::Supported, RELIABLE) {
            Reliability::Supported
        } else {
            Reliability::Unsupported
        }
    }

    /// Whether a 2xx to an INVITE that waits has to carry a description: not when all was said in
    /// reliable provisional responses.
    pub fn wants_description(&self, session: SessionId) -> bool {
        let dialog = self.sessions.get(session).and_then(|s| s.dialogs.last());
        dialog.is_none_or(|dialog| {
            !dialog.exchange.is_complete() && dialog.exchange.turn() != Turn::Peers
        })
    }

    /// Like [`UserAgent::provisional`], but reliably in any case: it is sent again until the peer
    /// has acknowledged it by PRACK, and the call ends with 504 if it never does. Later ones wait
    /// for the PRACK, and so does a 2xx after one with a body.
    ///
    /// [`Error::Unsupported`] when the peer can't do that, [`Error::Limit`] when too many wait.
    pub fn provisional_reliable(
        &mut self,
        now: Instant,
        session: SessionId,
        reply: Reply,
    ) -> Result<(), Error> {
        let transaction = self.invite_to_answer(session, &reply)?;
        if self.reliability(session) == Reliability::Unsupported {
            return Err(Error::Unsupported);
        }
        self.send_reliable(now, session, transaction, reply)?;
        self.settle(now);
        Ok(())
    }

    pub(super) fn waits_for_prack(&self, id: SessionId) -> bool {
        let reliable = self.sessions.get(id).and_then(|s| s.reliable.as_ref());
        reliable.is_some_and(|reliable| reliable.is_pending())
    }

    pub(super) fn send_reliable(
        &mut self,
        now: Instant,
        id: SessionId,
        transaction: ServerTransactionId,
        reply: Reply,
    ) -> Result<(), Error> {
        if self.live(id)?.reliable.is_none() {
            let sequence = match self.transactions.open_request(transaction) {
                Some((invite, _)) => invite.headers.require::<CSeq>()?.sequence,
                None => return Err(Error::Gone),
            };
            let first = self.identity.rng.random_range(0..1 << 31);
            self.live(id)?.reliable = Some(Box::new(Reliable::new(first, sequence)));
        }
        let reliable = self.live(id)?.reliable.as_mut();
        if !reliable.is_some_and(|reliable| reliable.push(reply)) {
            return Err(Error::Limit);
        }
        self.send_next_reliable(now, id, transaction);
        Ok(())
    }

    fn send_next_reliable(
        &mut self,
        now: Instant,
        id: SessionId,
        transaction: ServerTransactionId,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(dialog) = session.dialogs.last_mut() else {
            return;
        };
        let Some((number, mut reply)) = session.reliable.as_mut().and_then(|r| r.next()) else {
            return;
        };
        if dialog.exchange.is_complete() {
            // What was answered for certain is not said again (RFC 6337 §2.2).
            reply.content = None;
        }
        let has_description = reply.content.is_some();
        if has_description {
            dialog.exchange.sent();
        }
        reply.headers.push(HeaderName::Require, RELIABLE);
        reply.headers.push_typed(&RSeq(number));
        let Some((_, flow)) = self.transactions.open_request(transaction) else {
            return;
        };
        let payload = self.respond_in_session(now, id, transaction, reply);
        let values = self.config.timers;
        if let Some(reliable) = self.sessions.get_mut(id).and_then(|s| s.reliable.as_mut()) {
            reliable.sent(flow, payload, has_description, &values);
        }
        self.start_timer(id, SessionTimer::RepeatReliable, now + values.t1);
        self.start_timer(id, SessionTimer::NoPrack, now + values.give_up());
    }

    pub(super) fn on_prack(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SessionId,
    ) {
        let rack = match request.headers.require::<RAck>() {
            Ok(rack) => rack,
            Err(error) => return self.refuse(now, flow, key, request, bad_request(&error)),
        };
        let session = self.sessions.get_mut(id);
        let matches = session
            .and_then(|session| session.reliable.as_mut())
            .is_some_and(|reliable| reliable.acknowledge(&rack));
        if !matches {
            let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.refuse(now, flow, key, request, gone);
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.running.stop(SessionTimer::RepeatReliable);
        session.running.stop(SessionTimer::NoPrack);
        self.outputs
            .push_back(Output::Event(Event::Reached { session: id }));
        let has_body = !request.body.is_empty();
        // What an UPDATE of ours offers is answered there, and not here.
        let in_update = session.updating.is_some_and(|update| update.offers);
        match session.turn() {
            Turn::Peers if in_update && has_body => {
                let glare = Reply::new(StatusCode::REQUEST_PENDING);
                self.refuse(now, flow, key, request, glare);
            }
            Turn::Peers if in_update => {
                self.answer(now, flow, key, request, Reply::new(StatusCode::OK));
            }
            // An offer after the first was answered (§5).
            Turn::Nobody if has_body && session.offer.is_none() => {
                self.take_offer(now, flow, key, request, id);
            }
            Turn::Peers => {
                if let Some(dialog) = session.dialog() {
                    match has_body {
                        true => dialog.exchange.received(),
                        false => dialog.exchange.withdraw(),
                    }
                }
                self.answer(now, flow, key, request.clone(), Reply::new(StatusCode::OK));
                self.event(Event::Prack {
                    session: id,
                    request: Box::new(request),
                });
            }
            _ if has_body => {
                let refusal = self.try_later();
                self.refuse(now, flow, key, request, refusal);
            }
            _ => self.answer(now, flow, key, request, Reply::new(StatusCode::OK)),
        }
        self.go_on_after_prack(now, id);
    }

    /// A PRACK for a session that we have left, whose BYE is still under way: what it
    /// acknowledges was said before, so that it gets its 200 (§3). What it offers comes too late.
    pub(super) fn on_prack_after_the_end(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SessionId,
    ) {
        let rack = request.headers.require::<RAck>();
        let session = self.sessions.get_mut(id);
        let matches = session.is_some_and(|session| {
            let offers = !request.body.is_empty() && session.turn() != Turn::Peers;
            let reliable = session.reliable.as_mut().filter(|_| !offers);
            rack.is_ok_and(|rack| reliable.is_some_and(|r| r.acknowledge(&rack)))
        });
        match matches {
            true => self.answer(now, flow, key, request, Reply::new(StatusCode::OK)),
            false => {
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                self.refuse(now, flow, key, request, gone);
            }
        }
    }

    /// A PRACK for a session that is gone: it may acknowledge what rang before the INVITE was
    /// refused (§3).
    pub(super) fn on_late_prack(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
    ) {
        let rack = request.headers.require::<RAck>();
        let to = request.headers.require::<To>();
        let known = match (&rack, &to) {
            (Ok(rack), Ok(to)) => {
                let is_one = |(tag, late): &(Text, RAck)| Some(&**tag) == to.tag() && late == rack;
                let at = self.outstanding.iter().position(is_one);
                at.and_then(|at| self.outstanding.remove(at)).is_some()
            }
            _ => false,
        };
        let reply = Reply::new(match known {
            true => StatusCode::OK,
            false => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
        });
        match known {
            true => self.answer(now, flow, key, request, reply),
            false => self.refuse(now, flow, key, request, reply),
        }
    }

    /// Sends what has waited for a PRACK, and for the answer to an offer in it.
    pub(super) fn go_on_after_prack(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Phase::Incoming { transaction } = session.phase else {
            return;
        };
        if session.offer.is_some() {
            return;
        }
        let accept = session.reliable.as_mut().and_then(|r| r.take_accept());
        match accept {
            Some((headers, content)) => self.accept_now(now, id, transaction, headers, content),
            None => self.send_next_reliable(now, id, transaction),
        }
    }

    /// A minute has passed since the last provisional response. One that was acknowledged is not
    /// sent again as it was: there is another like it, without what is known (§3).
    pub(super) fn repeat_ringing(
        &mut self,
        now: Instant,
        id: SessionId,
        transaction: ServerTransactionId,
    ) {
        let Some(reliable) = self.sessions.get_mut(id).and_then(|s| s.reliable.as_mut()) else {
            return self.transactions.repeat_response(transaction);
        };
        let status = reliable.last_status();
        // What waits for its PRACK is sent again often enough.
        if !reliable.is_pending() && reliable.push(Reply::new(status)) {
            self.send_next_reliable(now, id, transaction);
        }
    }

    pub(super) fn repeat_reliable(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if !matches!(session.phase, Phase::Incoming { .. }) {
            return;
        }
        let Some((flow, response, after)) = session.reliable.as_mut().and_then(|r| r.repeat())
        else {
            return;
        };
        self.transactions.repeated += 1;
        self.transactions.transmit(flow, response);
        self.start_timer(id, SessionTimer::RepeatReliable, now + after);
    }

    /// No PRACK came: the INVITE is refused (§3).
    pub(super) fn give_up_prack(&mut self, now: Instant, id: SessionId) {
        let Some(Phase::Incoming { transaction }) = self.sessions.get(id).map(|s| &s.phase) else {
            return;
        };
        let transaction = *transaction;
        let reply = Reply::new(StatusCode::SERVER_TIMEOUT).with_reason("No PRACK");
        self.respond_in_session(now, id, transaction, reply);
        self.terminate(id, Cause::NoPrack);
        self.remove(id);
    }
}

/// Whether a response asks for a PRACK, and its RSeq.
pub(super) fn reliable_number(response: &crate::Response) -> Option<u32> {
    let numbered = response.status.code() > 100
        && response.status.is_provisional()
        && lists(&response.headers, &HeaderName::Require, RELIABLE);
    match response.headers.get_typed::<RSeq>() {
        Some(Ok(RSeq(number))) if numbered => Some(number),
        _ => None,
    }
}
