//! Requests of the methods that the layer above takes, in and out of dialogs, both ways.

use std::time::Instant;

use super::session::{Owner, Phase, SessionId};
use super::{Cause, Content, Event, OutgoingRequest, Reply, UserAgent, wording};
use crate::auth::client::ClientAuth;
use crate::transaction::{ClientTransactionId, Flow, ServerKey, ServerTransactionId};
use crate::{Error, HeaderName, Headers, Method, Request, Response, StatusCode, Text};

impl UserAgent {
    /// Sends a request outside any dialog: any method but INVITE, ACK, CANCEL and BYE.
    pub fn request(
        &mut self,
        now: Instant,
        method: Method,
        mut request: OutgoingRequest,
    ) -> Result<ClientTransactionId, Error> {
        if wording::has_own_verb(&method) {
            return Err(Error::Method(method));
        }
        if self.census().client_transactions >= self.config.max_transactions {
            return Err(Error::Limit);
        }
        let rest = self.choose_first(now, &mut request);
        let flow = request.flow;
        let auth = ClientAuth::boxed(&request.credentials);
        let (tag, call_id) = (self.identity.tag(), self.identity.call_id());
        let request = self.opening_request(method, request, &tag, &call_id);
        let started = self.start_opening(now, request, flow, rest, Owner::Request(None));
        if let (Some(id), Some(auth)) = (started, auth) {
            self.asked.insert(id, auth);
        }
        self.settle(now);
        started.ok_or(Error::State)
    }

    /// Sends a request within a session's dialog: any method but INVITE, ACK, CANCEL and BYE.
    ///
    /// [`Error::State`] as long as there is no dialog: while our INVITE has had no response with a
    /// To tag, and while we have sent none to the peer's (RFC 3261 §12.1).
    pub fn request_in(
        &mut self,
        now: Instant,
        session: SessionId,
        method: Method,
        headers: Headers,
        content: Option<Content>,
    ) -> Result<ClientTransactionId, Error> {
        if wording::has_own_verb(&method) {
            return Err(Error::Method(method));
        }
        let live = self.live(session)?;
        if matches!(live.phase, Phase::Incoming { .. }) && !live.announced {
            return Err(Error::State);
        }
        let mut dialog = live.dialogs.pop().ok_or(Error::State)?;
        let mut request = self.request_in_dialog(&mut dialog, method, &headers, content);
        self.sign(session, &mut request);
        let flow = dialog.next_hop();
        self.live(session)?.dialogs.push(dialog);
        let owner = Owner::Request(Some(session));
        let started = self.transactions.start_client(now, request, flow, owner);
        self.settle(now);
        started.ok_or(Error::State)
    }

    /// Answers a request of [`Event::Request`], 200 to 699.
    pub fn respond(
        &mut self,
        now: Instant,
        id: ServerTransactionId,
        mut reply: Reply,
    ) -> Result<(), Error> {
        if !reply.status.is_final() {
            return Err(Error::Status(reply.status));
        }
        let Some(Owner::Request(session)) = self.transactions.owner(id) else {
            return Err(Error::Gone);
        };
        let (request, flow) = self.transactions.open_request(id).ok_or(Error::Gone)?;
        let tag = self.identity.stateless_tag(request);
        let opens_dialog = reply.status.is_success()
            && matches!(request.method, Method::Refer | Method::Subscribe)
            && !reply.headers.contains(&HeaderName::Contact);
        if opens_dialog {
            // RFC 3515 §2.2, RFC 6665 §8.2.1.
            let contact =
                match session.and_then(|session| self.sessions.get(session)?.dialogs.last()) {
                    Some(dialog) => dialog.contact().clone(),
                    None => self.contact_in_answer(request, flow),
                };
            reply.headers.push(HeaderName::Contact, contact);
        }
        let response = self.response(request, &tag, reply);
        self.transactions.respond(now, id, &response);
        self.settle(now);
        Ok(())
    }

    pub(super) fn on_other_request(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        session: Option<SessionId>,
        user: Option<Text>,
    ) {
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        let back = flow.back(&via);
        let id = self
            .transactions
            .start_server(now, key, request.clone(), back);
        self.transactions.set_owner(id, Owner::Request(session));
        self.event(Event::Request {
            id,
            session,
            request: Box::new(request),
            flow,
            user,
        });
    }

    pub(super) fn on_other_response(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        session: Option<SessionId>,
        response: Response,
    ) {
        let status = response.status;
        if status.is_final() {
            self.asked.remove(&client);
        }
        let response = Box::new(response);
        // An early dialog may simply not be known there yet.
        if let Some(session) = session
            && status == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST
            && self.is_established(session)
            && self.terminate(session, Cause::Rejected(response.clone()))
        {
            self.leave(now, session, Headers::new());
        }
        self.event(Event::Response {
            id: client,
            response,
        });
    }

    fn is_established(&self, id: SessionId) -> bool {
        matches!(
            self.sessions.get(id).map(|session| &session.phase),
            Some(Phase::Established(_))
        )
    }
}
