//! What happens to every request that arrives (RFC 3261 §8.2), before anything is decided.

use std::time::Instant;

use super::subscriptions::Home;
use super::{Reply, UserAgent};
use crate::header::{
    Allow, CSeq, CallId, Contact, From, HeaderName, Require, RetryAfter, To, Unsupported,
};
use crate::transaction::{Flow, ServerKey};
use crate::user_agent::SessionId;
use crate::{Error, Headers, Method, Request, Response, StatusCode, Text, Uri, dialog};

impl UserAgent {
    pub(super) fn receive_request(&mut self, now: Instant, flow: Flow, mut request: Request) {
        note_source(&mut request, flow);
        if flow.transport.is_reliable()
            && let Ok(via) = request.headers.top_via()
        {
            self.transactions.streams.note_request(flow, &via);
        }
        let Some(key) = ServerKey::of(&request) else {
            self.counters.malformed += 1;
            return;
        };
        if request.method == Method::Cancel {
            return self.on_cancel(now, flow, key, request);
        }
        if let Some(id) = self.transactions.find_server(&key) {
            let absorbed = self.transactions.receive_again(now, id, &request.method);
            self.counters.repetitions_received += u64::from(request.method != Method::Ack);
            if absorbed {
                return;
            }
        }
        let in_dialog = matches!(request.headers.require::<To>(), Ok(to) if to.tag().is_some());
        match in_dialog {
            true => self.receive_in_dialog(now, flow, key, request),
            false => self.receive_out_of_dialog(now, flow, key, request),
        }
    }

    fn receive_out_of_dialog(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
    ) {
        if request.method == Method::Ack {
            self.counters.stray_acks += 1;
            return;
        }
        let taken = self.config.methods.contains(&request.method);
        let census = self.census();
        let keeps_state = taken || request.method == Method::Invite;
        let over = census.server_transactions >= self.config.max_transactions
            || (request.method == Method::Invite && census.sessions >= self.config.max_sessions);
        if keeps_state && self.turned_away.knows(now, &key) {
            self.counters.repetitions_received += 1;
            let retry_after = self.config.retry_after;
            return self.refuse_for_now(
                flow,
                request,
                StatusCode::SERVICE_UNAVAILABLE,
                retry_after,
            );
        }
        let verdict = match keeps_state {
            true if over => Err(self.config.retry_after),
            true => self.admit(now, flow, &request),
            false => Ok(()),
        };
        if let Err(retry_after) = verdict {
            self.turned_away.remember(now, &key);
            return self.refuse_overload(flow, request, retry_after);
        }
        if request.method == Method::Options
            && !taken
            && let Err(retry_after) = self.would_admit(now, flow)
        {
            return self.refuse_overload(flow, request, retry_after);
        }
        if let Some(refusal) = self.refusal(&request) {
            return self.refuse(now, flow, key, request, refusal);
        }
        if self.transactions.is_merged(&request) {
            let refusal = Reply::new(StatusCode::LOOP_DETECTED);
            return self.refuse(now, flow, key, request, refusal);
        }
        let user = match self.identify(now, flow, &request) {
            Ok(user) => user,
            Err(challenge) => return self.ask(flow, request, *challenge),
        };
        if request.method == Method::Invite
            && let Some(refusal) = self.refusal_of_replaces(&request)
        {
            return self.refuse(now, flow, key, request, refusal);
        }
        match request.method {
            Method::Invite => self.on_invite(now, flow, key, request, user),
            Method::Subscribe => self.on_subscribe(now, flow, key, request, None, user),
            Method::Notify => {
                // It belongs to no subscription of ours: those are in dialogs.
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                self.refuse(now, flow, key, request, gone);
            }
            _ if taken => self.on_other_request(now, flow, key, request, None, user),
            // An answer to a challenge counts once, so its repetitions must be known.
            Method::Options if user.is_some() => {
                let reply = self.abilities();
                self.answer(now, flow, key, request, reply);
            }
            Method::Options => {
                let reply = self.abilities();
                let response = self.response(&request, "", reply);
                self.send_stateless(flow, &mut { request }, response);
            }
            _ => {
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                self.refuse(now, flow, key, request, gone);
            }
        }
    }

    fn receive_in_dialog(&mut self, now: Instant, flow: Flow, key: ServerKey, request: Request) {
        let session = self.find_session(&request);
        if request.method == Method::Ack {
            return self.on_ack(now, session, request);
        }
        let Some(id) = session else {
            if request.method == Method::Prack {
                return self.on_late_prack(now, flow, key, request);
            }
            if let Some(home) = self.subscriptions.find_usage(&request) {
                return self.receive_in_usage(now, flow, key, request, home);
            }
            let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.refuse(now, flow, key, request, gone);
        };
        // In a dialog there is room for more, so that calls in progress outlive a flood; and what
        // ends something gets through whatever comes.
        let ends = matches!(request.method, Method::Bye | Method::Prack);
        let limit = self.config.max_transactions.saturating_mul(2);
        if !ends && self.transactions.servers() >= limit {
            let retry_after = self.config.retry_after;
            return self.refuse_overload(flow, request, retry_after);
        }
        if let Some(status) = self.refusal_of_pace(now, id, &request.method) {
            self.counters.overload += 1;
            return self.refuse_for_now(flow, request, status, 1);
        }
        if let Some(refusal) = self.refusal(&request) {
            return self.refuse(now, flow, key, request, refusal);
        }
        let in_order = match request.headers.require::<CSeq>() {
            Ok(cseq) => self.receive_sequence(id, &request, cseq.sequence),
            Err(_) => false,
        };
        let is_over = self.live(id).is_err();
        match request.method {
            _ if !in_order => {
                let refusal =
                    Reply::new(StatusCode::SERVER_INTERNAL_ERROR).with_reason("CSeq Out of Order");
                self.refuse(now, flow, key, request, refusal);
            }
            Method::Bye => self.on_bye(now, flow, key, request, id),
            Method::Notify => self.on_notify(now, flow, key, request, Home::Session(id)),
            Method::Subscribe if !is_over => {
                self.on_subscribe(now, flow, key, request, Some(Home::Session(id)), None);
            }
            Method::Prack if is_over => self.on_prack_after_the_end(now, flow, key, request, id),
            _ if is_over => {
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                self.refuse(now, flow, key, request, gone);
            }
            Method::Invite => self.on_reinvite(now, flow, key, request, id),
            Method::Prack => self.on_prack(now, flow, key, request, id),
            Method::Update => self.on_update(now, flow, key, request, id),
            _ if self.config.methods.contains(&request.method) => {
                self.on_other_request(now, flow, key, request, Some(id), None);
            }
            // What is left is OPTIONS: `refusal` knows no other method.
            _ => {
                let reply = self.abilities();
                self.answer(now, flow, key, request, reply);
            }
        }
    }

    /// The session in one of whose dialogs a request is (§12.2.2).
    fn find_session(&mut self, request: &Request) -> Option<SessionId> {
        let to = request.headers.require::<To>().ok()?;
        let from = request.headers.require::<From>().ok()?;
        let call_id = request.headers.require::<CallId>().ok()?;
        let id = *self.by_local_tag.get(to.tag()?)?;
        let session = self.sessions.get_mut(id)?;
        let is_one = session.call_id == call_id.as_str()
            && session
                .dialog_with(from.tag().unwrap_or_default())
                .is_some();
        is_one.then_some(id)
    }

    fn receive_sequence(&mut self, id: SessionId, request: &Request, sequence: u32) -> bool {
        let Ok(from) = request.headers.require::<From>() else {
            return false;
        };
        self.sessions
            .get_mut(id)
            .and_then(|s| s.dialog_with(from.tag().unwrap_or_default()))
            .is_some_and(|dialog| dialog.receive_sequence(sequence))
    }

    /// Why a request can't be taken, whatever it asks for (§8.2.1 to §8.2.3).
    pub(super) fn refusal(&self, request: &Request) -> Option<Reply> {
        let headers = &request.headers;
        if !self.config.allowed().any(|m| *m == request.method) {
            let status = match request.method {
                Method::Other(_) => StatusCode::NOT_IMPLEMENTED,
                _ => StatusCode::METHOD_NOT_ALLOWED,
            };
            let mut allow = Headers::new();
            allow.push_typed(&Allow(self.config.allowed().cloned().collect()));
            return Some(Reply::new(status).with_headers(allow));
        }
        if matches!(request.uri, Uri::Other(_)) {
            return Some(Reply::new(StatusCode::UNSUPPORTED_URI_SCHEME));
        }
        match headers.get_typed::<Require>() {
            Some(Err(error)) => return Some(bad_request(&error)),
            Some(Ok(Require(tags))) => {
                let unknown: Vec<_> = tags
                    .into_iter()
                    .filter(|tag| !self.config.supports(tag.as_str()))
                    .collect();
                if !unknown.is_empty() {
                    let mut unsupported = Headers::new();
                    unsupported.push_typed(&Unsupported(unknown));
                    let reply = Reply::new(StatusCode::BAD_EXTENSION);
                    return Some(reply.with_headers(unsupported));
                }
            }
            None => {}
        }
        if let Some(error) = misplaced_replaces(request) {
            return Some(bad_request(&error));
        }
        if let Some(error) = unreachable_sender(request) {
            return Some(bad_request(&error));
        }
        match request.method {
            Method::Invite => self.refusal_of_body(request),
            Method::Prack | Method::Update if !request.body.is_empty() => {
                self.refusal_of_body(request)
            }
            Method::Register => unreadable_binding(request).map(|error| bad_request(&error)),
            _ => None,
        }
    }

    /// The answer to OPTIONS (§11.2).
    fn abilities(&self) -> Reply {
        let mut headers = Headers::new();
        headers.push(HeaderName::Accept, self.config.accept.join(", "));
        headers.push(HeaderName::AcceptEncoding, "identity");
        headers.push(HeaderName::AcceptLanguage, "*");
        self.push_abilities(&mut headers, true);
        Reply::new(StatusCode::OK).with_headers(headers)
    }

    /// Refuses with 503 and forgets. This is what a flood costs, so it is kept cheap: it is read
    /// once and printed once.
    fn refuse_overload(&mut self, flow: Flow, request: Request, retry_after: u32) {
        self.counters.overload += 1;
        self.refuse_for_now(flow, request, StatusCode::SERVICE_UNAVAILABLE, retry_after);
    }

    fn refuse_for_now(
        &mut self,
        flow: Flow,
        request: Request,
        status: StatusCode,
        retry_after: u32,
    ) {
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        let tag = self.identity.stateless_tag(&request);
        let in_dialog = matches!(request.headers.require::<To>(), Ok(to) if to.tag().is_some());
        let mut response = match in_dialog {
            true => Response::to_request(&request, status),
            false => Response::to_new_request(&request, status, &tag),
        };
        self.push_product(&mut response.headers, HeaderName::Server);
        response.headers.push_typed(&RetryAfter::new(retry_after));
        self.transactions
            .transmit(flow.back(&via), response.to_bytes());
    }

    /// Refuses a request by ourselves: without keeping anything where each repetition would be
    /// refused the same way (§8.2.7). What is refused because of what a dialog or another
    /// transaction is like just now would not, so that answer is kept, and that to an INVITE until
    /// its ACK comes (§17.2.1); but of strangers only as long as half of the room is free. Beyond,
    /// the ACK is known by its tag.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        mut request: Request,
        reply: Reply,
    ) {
        self.counters.refused += 1;
        let depends_on_state = request.method == Method::Cancel
            || matches!(request.headers.require::<To>(), Ok(to) if to.tag().is_some());
        let is_invite = request.method == Method::Invite;
        let has_room = self.transactions.servers() < self.config.max_transactions / 2;
        let keeps = match has_room {
            true => is_invite || depends_on_state,
            false => is_invite && self.find_session(&request).is_some(),
        };
        if keeps {
            self.answer(now, flow, key, request, reply);
        } else {
            let response = self.response(&request, "", reply);
            self.send_stateless(flow, &mut request, response);
        }
    }

    /// Answers a request for good, and its repetitions too.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        reply: Reply,
    ) {
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        let tag = self.identity.stateless_tag(&request);
        let response = self.response(&request, &tag, reply);
        let id = self
            .transactions
            .start_server(now, key, request, flow.back(&via));
        self.transactions.respond(now, id, &response);
    }

    /// Sends a response that nothing is kept of.
    pub(super) fn send_stateless(
        &mut self,
        flow: Flow,
        request: &mut Request,
        mut response: Response,
    ) {
        // A request that could not be read whole comes here without its source noted.
        note_source(request, flow);
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        response.headers.replace_first(&via);
        response.set_to_tag(&self.identity.stateless_tag(request));
        self.transactions
            .transmit(flow.back(&via), response.to_bytes());
    }

    /// CANCEL (§9.2). Its 200 says only that it was understood, and is the same for each
    /// repetition, whatever has become of the INVITE by then.
    fn on_cancel(&mut self, now: Instant, flow: Flow, key: ServerKey, request: Request) {
        if let Some(id) = self.transactions.find_server(&key) {
            self.transactions.receive_again(now, id, &request.method);
            self.counters.repetitions_received += 1;
            return;
        }
        let invite =
            ServerKey::of_cancelled(&request).and_then(|key| self.transactions.find_server(&key));
        let Some(invite) = invite else {
            let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.refuse(now, flow, key, request, gone);
        };
        let owner = self.transactions.owner(invite);
        // The same as in the INVITE's own responses (§9.2), also when its session is gone.
        let tag = owner
            .and_then(|owner| self.tag_of(owner))
            .or_else(|| self.transactions.answered_tag(invite))
            .unwrap_or_else(|| self.identity.stateless_tag(&request));
        let Ok(via) = request.headers.top_via() else {
            return;
        };
        let response = self.response(&request, &tag, Reply::new(StatusCode::OK));
        let id = self
            .transactions
            .start_server(now, key, request.clone(), flow.back(&via));
        self.transactions.respond(now, id, &response);
        if let Some(owner) = owner {
            self.on_cancelled(now, owner, invite, request);
        }
    }

    fn tag_of(&self, owner: super::Owner) -> Option<Text> {
        match owner {
            super::Owner::Invite(id) | super::Owner::Reinvite(id) => {
                Some(self.sessions.get(id)?.local_tag.clone())
            }
            _ => None,
        }
    }
}

/// A Replaces where none may be: in a request that is no INVITE, and beside a Join (RFC 3891 §3).
fn misplaced_replaces(request: &Request) -> Option<Error> {
    let headers = &request.headers;
    let misplaced = headers.contains(&HeaderName::Replaces)
        && (request.method != Method::Invite || headers.contains(&HeaderName::Join));
    misplaced.then_some(Error::Misplaced(HeaderName::Replaces))
}

/// Why the sender of a request that opens a dialog, or moves the target of one, can't be reached by
/// what it says (§12.1.1, §12.2.2).
fn unreachable_sender(request: &Request) -> Option<Error> {
    let in_dialog = matches!(request.headers.require::<To>(), Ok(to) if to.tag().is_some());
    match request.method {
        // Of INVITE and SUBSCRIBE it turns out when their dialog is made.
        Method::Refer if !in_dialog => dialog::unopenable(request),
        // Of NOTIFY what it tells counts, wherever its sender is; it moves nothing then.
        Method::Invite | Method::Update | Method::Refer | Method::Subscribe => {
            dialog::unreachable(request)
        }
        _ => None,
    }
}

/// What can't be understood about who registers what (§10.2): an address of record is a SIP or
/// SIPS URI.
fn unreadable_binding(request: &Request) -> Option<Error> {
    let headers = &request.headers;
    match headers.require::<To>() {
        Ok(to) if to.uri.as_sip().is_none() => Some(Error::Malformed(HeaderName::To)),
        Ok(_) => headers.get_all_typed::<Contact>().find_map(Result::err),
        Err(error) => Some(error),
    }
}

/// A 400 that tells what is wrong.
pub(super) fn bad_request(error: &Error) -> Reply {
    Reply::new(StatusCode::BAD_REQUEST).with_reason(format!("Bad Request ({error})"))
}

/// Notes in the topmost Via where the request came from (§18.2.1, RFC 3581 §4).
fn note_source(request: &mut Request, flow: Flow) {
    let Ok(mut via) = request.headers.top_via() else {
        return;
    };
    if via.wants_rport() {
        via.set_source(flow.remote);
    } else if via.host.ip() != Some(flow.remote.ip()) {
        via.set_received(flow.remote.ip());
    } else {
        return;
    }
    request.headers.replace_first(&via);
}
