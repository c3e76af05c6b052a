//! UPDATE (RFC 3311), and what it shares with PRACK: offers that are answered at once.

use std::time::{Duration, Instant};

use super::caller::is_end_of_dialog;
use super::refresh::Asked;
use super::session::{Owner, Phase, Session, SessionId, Updating};
use super::{Cause, Content, Event, Reply, UserAgent};
use crate::dialog::Dialog;
use crate::dialog::exchange::Turn;
use crate::header::{HeaderName, RetryAfter};
use crate::transaction::{ClientTransactionId, Failure, Flow, ServerKey, ServerTransactionId};
use crate::{Error, Headers, Method, Request, Response, StatusCode};

/// Longer than this no refusal makes us wait before we try again.
const MAX_RETRY_AFTER: u32 = 60;

impl UserAgent {
    /// Whether [`UserAgent::update`] can offer something now: the peer takes UPDATE, and the first
    /// offer has its answer.
    pub fn can_update(&self, session: SessionId) -> bool {
        let Some(session) = self.sessions.get(session).filter(|session| !session.told) else {
            return false;
        };
        let dialog = session.dialogs.last();
        dialog.is_some_and(|dialog| dialog.allows_update() && dialog.exchange.is_free())
            && is_settled(session)
    }

    /// Sends UPDATE: with a body, an offer that changes the session before or after it is answered
    /// (§5.1). The peer's answer comes as [`Event::UpdateAnswered`] or [`Event::UpdateFailed`].
    ///
    /// [`Error::Unsupported`] when the peer doesn't take UPDATE; [`Error::Pending`] while another
    /// UPDATE or offer is under way, or after a 491 until [`Event::ReinviteDue`].
    pub fn update(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let live = self.live(session)?;
        let dialog = live.dialogs.last().ok_or(Error::State)?;
        if matches!(live.phase, Phase::Incoming { .. }) && !live.announced {
            // The peer has not heard of a dialog yet (RFC 3261 §12.1).
            return Err(Error::State);
        }
        if !dialog.allows_update() {
            return Err(Error::Unsupported);
        }
        let free = dialog.exchange.is_free() && is_settled(live) && !live.after_glare;
        if live.updating.is_some() || (content.is_some() && !free) {
            return Err(Error::Pending);
        }
        self.send_update(now, session, &headers, content);
        self.settle(now);
        Ok(())
    }

    pub(super) fn send_update(
        &mut self,
        now: Instant,
        id: SessionId,
        headers: &Headers,
        content: Option<Content>,
    ) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(at) = session.dialogs.len().checked_sub(1) else {
            return;
        };
        let offers = content.is_some();
        if offers {
            session.dialogs[at].exchange.sent();
        }
        let owner = Owner::Update(id);
        let sent = self.send_in_dialog(now, id, at, Method::Update, headers, content, owner);
        if let (Some(transaction), Some(session)) = (sent, self.sessions.get_mut(id)) {
            session.updating = Some(Updating {
                transaction,
                offers,
            });
        }
    }

    pub(super) fn on_update_response(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        id: SessionId,
        response: Response,
    ) {
        let status = response.status;
        if status.is_provisional() {
            return;
        }
        let Some(update) = self.end_update(id, client) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let is_established = matches!(session.phase, Phase::Established(_));
        let has_body = !response.body.is_empty();
        if let (true, Some(dialog)) = (update.offers, session.dialog()) {
            match status.is_success() && has_body {
                true => dialog.exchange.received(),
                false => dialog.exchange.withdraw(),
            }
        }
        if status.is_success() {
            if let Some(dialog) = session.dialog() {
                let flow = dialog.next_hop();
                dialog.refresh_by_response(&response, flow, &self.config.listeners);
            }
            self.refreshed_by_response(now, id, &response);
            if update.offers {
                self.event(Event::UpdateAnswered {
                    session: id,
                    response: Box::new(response),
                });
            }
            return;
        }
        if is_established && is_end_of_dialog(status) {
            self.terminate(id, Cause::Rejected(Box::new(response)));
            return self.leave(now, id, Headers::new());
        }
        let unknown = matches!(
            status,
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        );
        if let (true, Some(dialog)) = (unknown, session.dialog()) {
            dialog.disallow_update();
        }
        if !update.offers {
            let raised = status == StatusCode::SESSION_INTERVAL_TOO_SMALL
                && self.raise_interval(id, &response);
            return self.refresh_failed(now, id, raised || unknown);
        }
        let again = self.wait_to_try_again(now, id, &response);
        self.event(Event::UpdateFailed {
            session: id,
            response: Box::new(response),
            again,
        });
    }

    /// Our UPDATE got no answer.
    pub(super) fn on_update_failed(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        id: SessionId,
        failure: Failure,
    ) {
        if self.end_update(id, client).is_some() && self.terminate(id, failure.into()) {
            match self.sessions.get(id).map(|session| &session.phase) {
                Some(Phase::Calling { .. }) => self.cancel(now, id, Headers::new()),
                Some(Phase::Incoming { transaction }) => {
                    let transaction = *transaction;
                    let reply = Reply::new(StatusCode::TEMPORARILY_UNAVAILABLE);
                    self.respond_in_session(now, id, transaction, reply);
                    self.remove(id);
                }
                _ => self.leave(now, id, Headers::new()),
            }
        }
    }

    fn end_update(&mut self, id: SessionId, client: ClientTransactionId) -> Option<Updating> {
        let session = self.sessions.get_mut(id)?;
        session
            .updating
            .take_if(|update| update.transaction == client)
    }

    /// Starts the wait after a refusal that says to try again: a 491 (RFC 3261 §14.1), or one with
    /// Retry-After because an offer waits there (§14.2, RFC 3311 §5.2). A 422 has raised what we
    /// ask for, and there is nothing to wait for. Whether it is one of them.
    pub(super) fn wait_to_try_again(
        &mut self,
        now: Instant,
        id: SessionId,
        response: &Response,
    ) -> bool {
        let retry_after = match response.headers.get_typed::<RetryAfter>() {
            Some(Ok(retry)) if retry.seconds <= MAX_RETRY_AFTER => Some(retry.seconds),
            _ => None,
        };
        match (response.status, retry_after) {
            (StatusCode::REQUEST_PENDING, _) => self.start_glare(now, id, None),
            (StatusCode::SERVER_INTERNAL_ERROR, Some(seconds)) => {
                self.start_glare(now, id, Some(Duration::from_secs(seconds.into())));
            }
            (StatusCode::SESSION_INTERVAL_TOO_SMALL, _) if self.raise_interval(id, response) => {
                self.start_glare(now, id, Some(Duration::ZERO));
            }
            _ => return false,
        }
        true
    }

    // The peer's offers

    pub(super) fn on_update(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SessionId,
    ) {
        let refusal = self
            .refusal_of_interval(&request)
            .or_else(|| self.refusal_of_offer(id, &request));
        if let Some(refusal) = refusal {
            return self.refuse(now, flow, key, request, refusal);
        }
        if let Some(dialog) = self.dialog_of(id, &request) {
            dialog.note_flow(&request, flow);
        }
        if !request.body.is_empty() {
            return self.take_offer(now, flow, key, request, id);
        }
        let reply = Reply::new(StatusCode::OK);
        let reply = self.accept_update(now, id, flow, &request, reply);
        self.answer(now, flow, key, request, reply);
    }

    /// Why an UPDATE can't be taken now (RFC 3311 §5.2).
    fn refusal_of_offer(&mut self, id: SessionId, request: &Request) -> Option<Reply> {
        if let Some(waiting) = self.sessions.get(id)?.offer {
            if self.transactions.open_request(waiting).is_some() {
                return Some(self.try_later());
            }
            // The peer has given up waiting for our answer.
            let session = self.sessions.get_mut(id)?;
            session.offer = None;
            session.dialog()?.exchange.withdraw();
        }
        let exchange = self.dialog_of(id, request)?.exchange;
        if request.body.is_empty() {
            return None;
        }
        match exchange.turn() {
            Turn::Peers => Some(Reply::new(StatusCode::REQUEST_PENDING)),
            Turn::Nobody if exchange.is_complete() => None,
            Turn::Nobody | Turn::Ours => Some(self.try_later()),
        }
    }

    /// Takes an offer in a request other than INVITE, and asks the layer above.
    pub(super) fn take_offer(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SessionId,
    ) {
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        let back = flow.back(&via);
        let transaction = self
            .transactions
            .start_server(now, key, request.clone(), back);
        self.transactions.set_owner(transaction, Owner::Update(id));
        if let Some(dialog) = self.dialog_of(id, &request) {
            dialog.exchange.received();
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.offer = Some(transaction);
        }
        self.event(Event::Offer {
            session: id,
            request: Box::new(request),
        });
    }

    /// Answers the peer's offer of [`Event::Offer`] with 200.
    pub fn accept_offer(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
        content: Content,
    ) -> Result<(), Error> {
        let reply = Reply::new(StatusCode::OK).with_headers(headers);
        self.end_offer(now, session, reply.with_content(content))
    }

    /// Refuses the peer's offer of [`Event::Offer`], 300 to 699. The session goes on as it was.
    pub fn reject_offer(
        &mut self,
        now: Instant,
        session: SessionId,
        reply: Reply,
    ) -> Result<(), Error> {
        if !reply.status.is_failure() {
            return Err(Error::Status(reply.status));
        }
        self.end_offer(now, session, reply)
    }

    fn end_offer(&mut self, now: Instant, id: SessionId, reply: Reply) -> Result<(), Error> {
        let transaction = self.live(id)?.offer.take().ok_or(Error::State)?;
        let Some((request, flow)) = self
            .transactions
            .open_request(transaction)
            .map(|(request, flow)| (request.clone(), flow))
        else {
            // It has waited so long that the peer has given up.
            if let Some(dialog) = self.live(id)?.dialog() {
                dialog.exchange.withdraw();
            }
            return Err(Error::Gone);
        };
        let accepts = reply.status.is_success();
        if let Some(dialog) = self.dialog_of(id, &request) {
            match accepts {
                true => dialog.exchange.sent(),
                false => dialog.exchange.withdraw(),
            }
        }
        let reply = match accepts && request.method == Method::Update {
            true => self.accept_update(now, id, flow, &request, reply),
            false => reply,
        };
        self.respond_in_dialog(now, transaction, &request, reply);
        self.go_on_after_prack(now, id);
        self.settle(now);
        Ok(())
    }

    /// Completes a 2xx to UPDATE, and notes that the session is refreshed and where the peer is.
    fn accept_update(
        &mut self,
        now: Instant,
        id: SessionId,
        flow: Flow,
        request: &Request,
        mut reply: Reply,
    ) -> Reply {
        let session = self.sessions.get_mut(id);
        if let Some(dialog) = session.and_then(|session| session.dialog_of(request)) {
            dialog.refresh_by_request(request, flow, &self.config.listeners);
            let contact = dialog.contact().clone();
            reply.headers.push(HeaderName::Contact, contact);
        }
        self.push_abilities(&mut reply.headers, false);
        self.answer_interval(now, id, &Asked::of(request), &mut reply.headers);
        reply
    }

    fn respond_in_dialog(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        request: &Request,
        reply: Reply,
    ) {
        // Within a dialog the request has our tag.
        let response = self.response(request, "", reply);
        self.transactions.respond(now, transaction, &response);
    }

    fn dialog_of(&mut self, id: SessionId, request: &Request) -> Option<&mut Dialog> {
        self.sessions.get_mut(id)?.dialog_of(request)
    }

    /// The session ends: an offer of the peer's that waits gets a refusal.
    pub(super) fn drop_offer(&mut self, now: Instant, id: SessionId) {
        let Some(transaction) = self.sessions.get_mut(id).and_then(|s| s.offer.take()) else {
            return;
        };
        let Some((request, _)) = self.transactions.open_request(transaction) else {
            return;
        };
        let request = request.clone();
        let reply = Reply::new(StatusCode::REQUEST_TERMINATED);
        self.respond_in_dialog(now, transaction, &request, reply);
    }
}

/// Whether nothing that we sent waits for a PRACK or an ACK, so that another offer may follow.
fn is_settled(session: &Session) -> bool {
    match &session.phase {
        Phase::Incoming { .. } => {
            let reliable = session.reliable.as_ref();
            reliable.is_some_and(|reliable| !reliable.is_pending() && !reliable.is_accepting())
        }
        Phase::Calling { .. } => true,
        Phase::Established(established) => established.confirmed && !established.is_busy(),
        Phase::Ending => false,
    }
}
