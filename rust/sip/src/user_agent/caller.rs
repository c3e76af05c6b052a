//! The calling side: our INVITE, its branches, its ACK; and re-INVITEs of ours.

use std::time::{Duration, Instant};

use super::reliable::reliable_number;
use super::session::{OwedAck, Owner, Phase, SessionId, SessionTimer};
use super::{Cause, Content, Event, OutgoingRequest, UserAgent, contact, wording};
use crate::auth::client::{ClientAuth, copy_answers};
use crate::dialog::exchange::Turn;
use crate::dialog::invite::{Cancel, Reinvite, glare_wait};
use crate::dialog::{Dialog, as_focus};
use crate::header::{CSeq, HeaderName, MaxForwards, NameAddr, Route, To};
use crate::transaction::{ClientTransactionId, Flow, follow_up};
use crate::{Error, Headers, Method, Request, Response, StatusCode, Text, Uri};

/// Early dialogs and accepted branches of one INVITE that are kept apart; a fork is rarely wider.
pub(super) const MAX_BRANCHES: usize = 16;

impl UserAgent {
    /// Places a call. A body in the INVITE is taken for an offer.
    pub fn invite(
        &mut self,
        now: Instant,
        mut invite: OutgoingRequest,
    ) -> Result<SessionId, Error> {
        let census = self.census();
        if census.sessions >= self.config.max_sessions
            || census.client_transactions >= self.config.max_transactions
        {
            return Err(Error::Limit);
        }
        let asked = invite.flow;
        let rest = self.choose_first(now, &mut invite);
        let (flow, offers) = (invite.flow, invite.content.is_some());
        let unanswered = self.config.unanswered;
        let unanswered = invite
            .ring_timeout
            .map_or(unanswered, |t| t.min(unanswered));
        let auth = ClientAuth::boxed(&invite.credentials);
        let (local_tag, call_id) = (self.identity.tag(), self.identity.call_id());
        let request = self.opening_request(Method::Invite, invite, &local_tag, &call_id);
        // The transaction is known only once it has its owner, and the other way round.
        let phase = Phase::Calling {
            transaction: ClientTransactionId::default(),
            offers,
            cancel: Cancel::NotWanted,
        };
        let id = self.open(&call_id, local_tag, phase);
        self.sessions[id].auth = auth;
        let started = self.start_opening(now, request, flow, rest, Owner::Invite(id));
        self.start_timer(id, SessionTimer::Expires, now + unanswered);
        match (started, self.sessions.get_mut(id).map(|s| &mut s.phase)) {
            (Some(started), Some(Phase::Calling { transaction, .. })) => *transaction = started,
            _ => {
                self.remove(id);
                return Err(Error::State);
            }
        }
        if flow != asked {
            self.event(Event::NextServer { session: id, flow });
        }
        self.settle(now);
        Ok(id)
    }

    /// Sends the ACK to a 2xx that carried an offer, with the answer as its body. After an INVITE
    /// with a body there is nothing to do, as the ACK has been sent.
    pub fn ack(
        &mut self,
        now: Instant,
        session: SessionId,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let live = self.live(session)?;
        let owed = live.established().ok_or(Error::State)?.owed_ack.take();
        if let Some(owed) = owed {
            live.running.stop(SessionTimer::NoAck);
            self.send_ack(session, owed, content);
            self.live(session)?.settle_invite();
        }
        self.settle(now);
        Ok(())
    }

    /// Offers to change the session (§14.1). The peer's answer comes as
    /// [`Event::ReinviteAnswered`] or [`Event::ReinviteFailed`].
    ///
    /// [`Error::Pending`] while another INVITE of the session is under way, or after a 491 until
    /// [`Event::ReinviteDue`].
    pub fn reinvite(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let live = self.live(session)?;
        live.established().ok_or(Error::State)?;
        if live.is_busy() {
            return Err(Error::Pending);
        }
        let offers = content.is_some();
        let dialog = live.dialog().ok_or(Error::State)?;
        if offers {
            dialog.exchange.sent();
        }
        let owner = Owner::Reinvite(session);
        let at = live.dialogs.len() - 1;
        let transaction = self
            .send_in_dialog(now, session, at, Method::Invite, &headers, content, owner)
            .ok_or(Error::State)?;
        if let Some(established) = self.sessions[session].established() {
            established.reinvite = Reinvite::Ours {
                transaction,
                offers,
            };
        }
        self.settle(now);
        Ok(())
    }

    /// A request outside any dialog (§8.1.1).
    pub(super) fn opening_request(
        &mut self,
        method: Method,
        mut outgoing: OutgoingRequest,
        local_tag: &Text,
        call_id: &Text,
    ) -> Request {
        let flow = outgoing.flow;
        let user = outgoing
            .from
            .uri
            .as_sip()
            .and_then(|uri| uri.user().map(|u| u.into_owned()));
        let secure = contact::asks_securely(&outgoing);
        let contact = match outgoing.contact {
            Some(uri) => NameAddr::new(uri).to_string().into(),
            None => self.contact_for(flow, user.as_deref(), secure),
        };
        let contact = match outgoing.is_focus {
            true => as_focus(&contact),
            false => contact,
        };
        outgoing.to.uri = formed(outgoing.to.uri);
        let (uri, routes) = routed(formed(outgoing.uri), outgoing.route);
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        headers.push_typed(&self.via(flow));
        // Of what is passed on, the layer above knows how far it has come.
        let hops = outgoing.headers.get_typed::<MaxForwards>();
        headers.push_typed(&hops.and_then(Result::ok).unwrap_or(MaxForwards(70)));
        for route in routes {
            headers.push_typed(&Route(NameAddr::new(route)));
        }
        headers.push(
            HeaderName::From,
            outgoing.from.with_tag(local_tag).to_string(),
        );
        headers.push(HeaderName::To, outgoing.to.to_string());
        headers.push(HeaderName::CallId, call_id.clone());
        let opens_session = method == Method::Invite;
        let has_our_contact = contact::has_ours(&method, &outgoing.headers);
        headers.push_typed(&CSeq {
            sequence: 1,
            method,
        });
        if has_our_contact {
            headers.push(HeaderName::Contact, contact);
        }
        if opens_session {
            self.push_abilities(headers, true);
            self.ask_for_interval(headers);
        }
        self.push_product(headers, HeaderName::UserAgent);
        wording::complete(
            headers,
            &mut request.body,
            &outgoing.headers,
            outgoing.content,
        );
        request
    }

    // CANCEL

    /// Takes our INVITE back, now or as soon as that is allowed.
    pub(super) fn cancel(&mut self, now: Instant, id: SessionId, headers: Headers) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if let Phase::Calling {
            transaction,
            cancel,
            ..
        } = &mut session.phase
        {
            *cancel = Cancel::Wanted(Box::new(headers));
            let transaction = *transaction;
            self.send_wanted_cancel(now, id, transaction);
        }
    }

    fn send_wanted_cancel(&mut self, now: Instant, id: SessionId, invite: ClientTransactionId) {
        if !self.transactions.is_proceeding(invite) {
            return;
        }
        let Some(Phase::Calling { cancel, .. }) = self.sessions.get_mut(id).map(|s| &mut s.phase)
        else {
            return;
        };
        let Cancel::Wanted(headers) = cancel else {
            return;
        };
        let headers = std::mem::take(headers);
        *cancel = Cancel::Sent;
        let Some((request, flow)) = self.transactions.invite(invite) else {
            return;
        };
        let mut request = follow_up(request, Method::Cancel);
        wording::complete(&mut request.headers, &mut request.body, &headers, None);
        self.transactions
            .start_client(now, request, flow, Owner::Nobody);
        self.transactions.give_up(now, invite);
    }

    // What the called side answers

    pub(super) fn on_invite_response(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        id: SessionId,
        response: Response,
        sent: Option<(Request, Flow)>,
    ) {
        let status = response.status;
        let calling = matches!(
            self.sessions.get(id).map(|s| &s.phase),
            Some(Phase::Calling { .. })
        );
        match calling {
            true if status.is_provisional() => self.on_progress(now, client, id, response),
            true if status.is_success() => self.on_accepted(now, client, id, response),
            true => {
                if status == StatusCode::SESSION_INTERVAL_TOO_SMALL
                    && self.live(id).is_ok()
                    && let Some((invite, flow)) = &sent
                    && self.retry_with_interval(now, id, invite, *flow, &response)
                {
                    return;
                }
                self.terminate(id, Cause::Rejected(Box::new(response)));
                self.remove(id);
            }
            // A 2xx that was not acknowledged yet is either our own one again, or from a branch
            // that lost.
            false if status.is_success() && !self.is_own_2xx(id, &response) => {
                self.decline_branch(now, client, Some(id), &response);
            }
            false => {}
        }
    }

    fn on_progress(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        id: SessionId,
        response: Response,
    ) {
        if let Some((invite, flow)) = self.transactions.invite(client)
            && let Some(tag) = to_tag(&response)
            && let Some(session) = self.sessions.get_mut(id)
            && session.dialog_with(&tag).is_none()
            && session.dialogs.len() < MAX_BRANCHES
            && let Ok(dialog) = Dialog::of_response(invite, &response, flow, &self.config.listeners)
        {
            session.dialogs.push(dialog);
        }
        let at = to_tag(&response).and_then(|tag| self.branch_of(id, &tag));
        let mut owes_prack = false;
        if let Some(number) = reliable_number(&response) {
            let taken = at.and_then(|at| self.receive_reliable(now, id, at, number, &response));
            let Some(owes) = taken else {
                // It came before, or before its time; or there is no dialog to answer it in. It shows
                // all the same that CANCEL may be sent (RFC 3261 §9.1).
                return self.send_wanted_cancel(now, id, client);
            };
            owes_prack = owes;
        }
        if response.status == StatusCode::EARLY_DIALOG_TERMINATED
            && let (Some(at), Some(session)) = (at, self.sessions.get_mut(id))
        {
            // RFC 6228 §6.
            let ended = session.dialogs.remove(at);
            let sequence = ended.local_sequence();
            self.transactions.note_sequence(client, sequence);
        }
        self.send_wanted_cancel(now, id, client);
        if response.status != StatusCode::TRYING && self.live(id).is_ok() {
            self.event(Event::Progress {
                session: id,
                response: Box::new(response),
                owes_prack,
            });
        }
    }

    fn on_accepted(
        &mut self,
        now: Instant,
        client: ClientTransactionId,
        id: SessionId,
        response: Response,
    ) {
        let dialog = match self.transactions.invite(client) {
            Some((invite, flow)) => {
                Dialog::of_response(invite, &response, flow, &self.config.listeners)
            }
            None => Err(Error::Gone),
        };
        let Ok(mut dialog) = dialog else {
            self.decline_in_passing(now, client, Some(id), &response);
            self.terminate(id, Cause::Rejected(Box::new(response)));
            return self.remove(id);
        };
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let offers = matches!(session.phase, Phase::Calling { offers: true, .. });
        match session.dialog_with(&dialog.remote_tag().clone()) {
            Some(early) => dialog.continue_from(early),
            None => dialog.continue_after(self.transactions.noted_sequence(client)),
        }
        // The other branches are forgotten; one of them may accept as well.
        let others = session.dialogs.iter().map(Dialog::local_sequence);
        let highest = others.max().unwrap_or_default();
        self.transactions.note_sequence(client, highest);
        let was_complete = dialog.exchange.is_complete();
        if !response.body.is_empty() && !was_complete {
            dialog.exchange.received();
        }
        session.running.stop(SessionTimer::Expires);
        session.dialogs = vec![dialog];
        session.phase = Phase::established();
        if let Some(established) = session.established() {
            established.confirmed = true;
        }
        let owed = OwedAck {
            transaction: client,
            sequence: sequence_of(&response),
        };
        self.acknowledge(now, id, owed, offers || was_complete);
        self.refreshed_by_response(now, id, &response);
        if self.live(id).is_err() {
            // We hung up, and the CANCEL came too late.
            return self.leave(now, id, Headers::new());
        }
        self.event(Event::Accepted {
            session: id,
            response: Box::new(response),
        });
    }

    pub(super) fn on_reinvite_response(
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
        let under_way = self
            .sessions
            .get_mut(id)
            .and_then(|s| s.established())
            .map(|established| &mut established.reinvite);
        let offers = match under_way {
            Some(reinvite) => match reinvite {
                Reinvite::Ours {
                    transaction,
                    offers,
                } if *transaction == client => {
                    let offers = *offers;
                    *reinvite = Reinvite::None;
                    offers
                }
                // Our 2xx again, whose ACK the layer above has not worded yet.
                _ => return,
            },
            None if status.is_success() => return self.acknowledge_in_passing(client, &response),
            None => return,
        };
        let response = Box::new(response);
        let has_body = !response.body.is_empty();
        if let Some(dialog) = self.sessions.get_mut(id).and_then(|s| s.dialog()) {
            match status.is_success() {
                true if has_body => dialog.exchange.received(),
                true => {}
                false => dialog.exchange.withdraw(),
            }
        }
        if status.is_success() {
            if let Some((_, flow)) = self.transactions.invite(client)
                && let Some(dialog) = self.sessions.get_mut(id).and_then(|s| s.dialog())
            {
                dialog.refresh_by_response(&response, flow, &self.config.listeners);
            }
            let owed = OwedAck {
                transaction: client,
                sequence: sequence_of(&response),
            };
            self.acknowledge(now, id, owed, offers);
            self.refreshed_by_response(now, id, &response);
            self.event(Event::ReinviteAnswered {
                session: id,
                response,
            });
        } else if is_end_of_dialog(status) {
            self.terminate(id, Cause::Rejected(response));
            self.leave(now, id, Headers::new());
        } else {
            let again = self.wait_to_try_again(now, id, &response);
            self.event(Event::ReinviteFailed {
                session: id,
                response,
                again,
            });
        }
    }

    // ACK

    /// Sends the ACK at once if it has nothing to say, else waits for the layer above to word it.
    fn acknowledge(&mut self, now: Instant, id: SessionId, owed: OwedAck, offers: bool) {
        if offers {
            self.send_ack(id, owed, None);
            if let Some(session) = self.sessions.get_mut(id) {
                session.settle_invite();
            }
            return;
        }
        if let Some(established) = self.sessions.get_mut(id).and_then(|s| s.established()) {
            established.owed_ack = Some(owed);
        }
        let give_up = now + self.config.timers.give_up();
        self.start_timer(id, SessionTimer::NoAck, give_up);
    }

    pub(super) fn send_ack(&mut self, id: SessionId, owed: OwedAck, content: Option<Content>) {
        let Some(next_hop) = self.sessions.get_mut(id).and_then(|s| s.dialog()).map(|d| {
            d.leave_closed_stream(|flow| self.transactions.streams.is_open(flow));
            d.next_hop()
        }) else {
            return;
        };
        let via = self.via(next_hop);
        let Some(dialog) = self.sessions.get_mut(id).and_then(|s| s.dialog()) else {
            return;
        };
        let tag = dialog.remote_tag().clone();
        let mut ack = dialog.ack(owed.sequence, &via);
        if let Some((invite, _)) = self.transactions.invite(owed.transaction) {
            copy_answers(&invite.headers, &mut ack.headers);
        }
        wording::complete(&mut ack.headers, &mut ack.body, &Headers::new(), content);
        self.transactions
            .acknowledge(owed.transaction, tag, next_hop, ack.to_bytes());
    }

    fn is_own_2xx(&mut self, id: SessionId, response: &Response) -> bool {
        let tag = to_tag(response).unwrap_or_default();
        self.sessions
            .get_mut(id)
            .is_some_and(|session| session.dialog_with(&tag).is_some())
    }

    // Glare (§14.1)

    /// Starts the wait after a refusal that says to try again; `after` in place of what a 491
    /// means.
    pub(super) fn start_glare(&mut self, now: Instant, id: SessionId, after: Option<Duration>) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let owns_call_id = session.dialog().is_some_and(|d| d.owns_call_id());
        session.after_glare = true;
        let wait = after.unwrap_or_else(|| glare_wait(owns_call_id, &mut self.identity.rng));
        self.start_timer(id, SessionTimer::Glare, now + wait);
    }

    pub(super) fn end_glare(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let inviting = session.established().is_some_and(|e| e.is_busy());
        if inviting || session.turn() != Turn::Nobody {
            // The peer was quicker; when its offer is through it is our turn.
            let after = self.config.timers.t1;
            return self.start_timer(id, SessionTimer::Glare, now + after);
        }
        session.after_glare = false;
        if self.live(id).is_ok() {
            self.event(Event::ReinviteDue { session: id });
        }
    }
}

/// A URI as a request to it has it: headers and `method` are for who makes the request, and others
/// would refuse them (§19.1.5). Such URIs come in redirects.
fn formed(uri: Uri) -> Uri {
    match uri {
        Uri::Sip(uri) if uri.has_headers() || uri.param("method").is_some() => {
            Uri::Sip(uri.for_request_line())
        }
        other => other,
    }
}

/// Request-URI and Route of a request to `uri` by way of `routes`: a strict router finds itself in
/// the Request-URI, and whom the request is for at the end of the Route (§8.1.1.1, §12.2.1.1).
fn routed(uri: Uri, mut routes: Vec<Uri>) -> (Uri, Vec<Uri>) {
    let strict = routes
        .first()
        .and_then(|first| first.as_sip())
        .filter(|first| !first.is_loose_router())
        .map(|first| first.for_request_line());
    match strict {
        Some(first) => {
            routes.remove(0);
            routes.push(uri);
            (first.into(), routes)
        }
        None => (uri, routes),
    }
}

/// Whether a response to a request within a dialog says that there is no such dialog (§12.2.1.2).
pub(super) fn is_end_of_dialog(status: StatusCode) -> bool {
    status == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST
        || status == StatusCode::REQUEST_TIMEOUT
}

pub(super) fn to_tag(response: &Response) -> Option<Text> {
    let to = response.headers.require::<To>().ok()?;
    to.params.get_text("tag").filter(|tag| !tag.is_empty())
}

pub(super) fn sequence_of(response: &Response) -> u32 {
    let cseq = response.headers.require::<CSeq>();
    cseq.map_or(0, |cseq| cseq.sequence)
}
