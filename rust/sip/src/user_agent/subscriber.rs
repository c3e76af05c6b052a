//! Subscriptions of ours (RFC 6665 §4.1), and what comes of a REFER that we send (RFC 3515): every
//! NOTIFY is answered here, and a subscription is refreshed before its time is over.

use std::time::{Duration, Instant};

use super::arrival::bad_request;
use super::session::{Owner, Phase, SessionId};
use super::subscriptions::{
    Home, Role, SubscriptionEnd, SubscriptionId, SubscriptionTimer, expires_of, push_event,
};
use super::{Cause, Event, OutgoingRequest, Reply, UserAgent};
use crate::auth::client::ClientAuth;
use crate::dialog::Dialog;
use crate::header::{self, CSeq, MinExpires, SubscriptionState};
use crate::transaction::{Flow, ServerKey};
use crate::{Error, HeaderName, Headers, Method, Request, Response, StatusCode};

/// What comes of a REFER is waited for so long, unless its notifier says how long; in seconds.
const REFER: u32 = 180;
/// The longest subscription that is believed, in seconds: a day.
const LONGEST: u32 = 86_400;
/// A refresh is so much earlier than the end, where there is time for it: more than a request takes
/// that nobody answers.
const AHEAD: Duration = Duration::from_secs(40);

#[derive(Debug)]
pub(super) struct Subscriber {
    /// What opens the dialog, until there is one.
    opening: Option<Box<Request>>,
    /// What each SUBSCRIBE carries beside Event and Expires.
    headers: Headers,
    /// What is asked for, in seconds.
    wanted: u32,
    /// The first request has its answer.
    answered: bool,
    /// We leave: the last NOTIFY is waited for.
    leaving: bool,
}

impl UserAgent {
    /// Subscribes to an event package for `expires` seconds, and on until [`UserAgent::unsubscribe`].
    /// [`Event::Subscribing`] tells the first answer, [`Event::Notified`] what is notified.
    ///
    /// Of a fork the branch whose NOTIFY comes first counts; the others get 481, which ends them
    /// (RFC 6665 §4.4.9).
    pub fn subscribe(
        &mut self,
        now: Instant,
        mut outgoing: OutgoingRequest,
        package: &str,
        expires: u32,
    ) -> Result<SubscriptionId, Error> {
        self.check_limits()?;
        let headers = outgoing.headers.clone();
        push_event(&mut outgoing.headers, package, None);
        outgoing.headers.push_typed(&header::Expires(expires));
        let rest = self.choose_first(now, &mut outgoing);
        let auth = ClientAuth::boxed(&outgoing.credentials);
        let flow = outgoing.flow;
        let (tag, call_id) = (self.identity.tag(), self.identity.call_id());
        let request = self.opening_request(Method::Subscribe, outgoing, &tag, &call_id);
        let home = self.subscriptions.open_usage(call_id, tag, None);
        let role = Role::Subscriber(Subscriber {
            opening: Some(Box::new(request.clone())),
            headers,
            wanted: expires,
            answered: false,
            leaving: expires == 0,
        });
        let id = self.subscriptions.insert(home, package, None, role, None);
        if let Some(one) = self.subscriptions.all.get_mut(id) {
            one.auth = auth;
        }
        let owner = Owner::Subscribe(id);
        if self
            .start_opening(now, request, flow, rest, owner)
            .is_none()
        {
            self.subscriptions.remove(id);
            return Err(Error::State);
        }
        self.settle(now);
        Ok(id)
    }

    /// Sends a REFER within a session's dialog; `headers` hold Refer-To. What comes of it is told
    /// like a subscription to `refer`, even after the session has ended. With a Refer-Sub of `false`
    /// the peer may tell nothing (RFC 4488), which ends the subscription with its answer.
    pub fn refer(
        &mut self,
        now: Instant,
        session: SessionId,
        headers: Headers,
    ) -> Result<SubscriptionId, Error> {
        self.check_limits()?;
        if !matches!(self.live(session)?.phase, Phase::Established(_)) {
            return Err(Error::State);
        }
        let home = Home::Session(session);
        let role = Role::Subscriber(Subscriber {
            opening: None,
            headers: Headers::new(),
            wanted: REFER,
            answered: false,
            leaving: false,
        });
        let sequence = self.dialog_at(home).ok_or(Error::State)?.sequence_ahead();
        let event_id = sequence.to_string();
        let id = self
            .subscriptions
            .insert(home, "refer", Some(&event_id), role, None);
        let owner = Owner::Subscribe(id);
        if !self.send_for(now, id, Method::Refer, &headers, None, owner) {
            self.subscriptions.remove(id);
            return Err(Error::State);
        }
        self.settle(now);
        Ok(id)
    }

    /// Ends a subscription of ours.
    pub fn unsubscribe(&mut self, now: Instant, id: SubscriptionId) -> Result<(), Error> {
        let subscriber = self.subscriber(id).ok_or(Error::Gone)?;
        subscriber.leaving = true;
        subscriber.wanted = 0;
        if subscriber.answered {
            self.send_subscribe(now, id);
        }
        self.settle(now);
        Ok(())
    }

    fn check_limits(&self) -> Result<(), Error> {
        let over = self.census().client_transactions >= self.config.max_transactions
            || self.subscriptions.all.len() >= self.config.max_subscriptions;
        if over { Err(Error::Limit) } else { Ok(()) }
    }

    fn subscriber(&mut self, id: SubscriptionId) -> Option<&mut Subscriber> {
        match &mut self.subscriptions.all.get_mut(id)?.role {
            Role::Subscriber(subscriber) => Some(subscriber),
            Role::Notifier(_) => None,
        }
    }

    /// A SUBSCRIBE in the dialog: a refresh, or the last.
    fn send_subscribe(&mut self, now: Instant, id: SubscriptionId) {
        let Some(one) = self.subscriptions.all.get(id) else {
            return;
        };
        let Role::Subscriber(subscriber) = &one.role else {
            return;
        };
        let mut headers = subscriber.headers.clone();
        push_event(&mut headers, &one.package, one.event_id.as_deref());
        headers.push_typed(&header::Expires(subscriber.wanted));
        let owner = Owner::Subscribe(id);
        if !self.send_for(now, id, Method::Subscribe, &headers, None, owner) {
            self.end_subscription(id, SubscriptionEnd::Silent);
        }
    }

    /// The answer to a SUBSCRIBE or REFER of ours.
    pub(super) fn on_subscribe_response(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        flow: Flow,
        response: Response,
    ) {
        if response.status.is_provisional() {
            return;
        }
        let give_up = now + self.config.timers.give_up();
        let Some(subscriber) = self.subscriber(id) else {
            return;
        };
        let (wanted, leaving) = (subscriber.wanted, subscriber.leaving);
        if response.status == StatusCode::INTERVAL_TOO_BRIEF
            && let Some(Ok(MinExpires(shortest))) = response.headers.get_typed()
            && wanted < shortest.min(LONGEST)
            && !leaving
        {
            subscriber.wanted = shortest.min(LONGEST);
            if subscriber.answered {
                return self.send_subscribe(now, id);
            }
            if self.open_again(now, id, flow, &response) {
                return;
            }
        }
        let Some(subscriber) = self.subscriber(id) else {
            return;
        };
        let first = !std::mem::replace(&mut subscriber.answered, true);
        let (status, granted) = (response.status, expires_of(&response.headers));
        let no_subscription = response
            .headers
            .get(&HeaderName::ReferSub)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        let opening = match status.is_success() {
            true => subscriber.opening.take(),
            false => None,
        };
        let Some(home) = self.subscriptions.all.get(id).map(|one| one.home) else {
            return;
        };
        if let Some(opening) = opening {
            let listeners = &self.config.listeners;
            self.subscriptions.settle_dialog(home, || {
                let mut dialog = Dialog::of_response(&opening, &response, flow, listeners).ok()?;
                // After a challenge it went out under another number.
                dialog.continue_after(response.headers.require::<CSeq>().ok()?.sequence);
                Some(dialog)
            });
        }
        let is_refer = self.is_refer(id);
        if first {
            self.event(Event::Subscribing {
                id,
                response: Box::new(response.clone()),
            });
        }
        if status.is_failure() {
            let gone = status == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            if first || gone || leaving {
                self.end_subscription(id, SubscriptionEnd::Refused);
            }
            if let Home::Session(session) = home
                && gone
                && self.terminate(session, Cause::Rejected(Box::new(response)))
            {
                self.leave(now, session, Headers::new());
            }
            return;
        }
        if is_refer {
            match no_subscription {
                true => self.end_subscription(id, SubscriptionEnd::Terminated),
                false if first => self.prolong(now, id, REFER),
                false => {}
            }
            return;
        }
        if first || leaving {
            // Timer N (RFC 6665 §4.1.2.4).
            self.subscriptions
                .start_timer(id, SubscriptionTimer::First, give_up);
        }
        if leaving && wanted == 0 {
            if first && self.subscriptions.has_dialog(home) && granted != Some(0) {
                // It was left before it was answered.
                self.send_subscribe(now, id);
            }
            return;
        }
        self.prolong(now, id, granted.unwrap_or(wanted));
    }

    /// Sends the SUBSCRIBE that opens a dialog for longer, since what it asked for was too brief
    /// (RFC 6665 §4.1.2.1); `false` when there is no more to be opened.
    fn open_again(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        flow: Flow,
        refusal: &Response,
    ) -> bool {
        let via = self.via(flow);
        let Some(subscriber) = self.subscriber(id) else {
            return false;
        };
        let wanted = subscriber.wanted;
        let (Some(request), Ok(mut cseq)) =
            (&mut subscriber.opening, refusal.headers.require::<CSeq>())
        else {
            return false;
        };
        cseq.sequence += 1;
        request.headers.set_typed(&cseq);
        request.headers.set_typed(&header::Expires(wanted));
        request.headers.replace_first(&via);
        let mut request = (**request).clone();
        if let Some(Some(auth)) = self.auth_of_subscription(id) {
            auth.sign(&mut request);
        }
        let owner = Owner::Subscribe(id);
        self.transactions
            .start_client(now, request, flow, owner)
            .is_some()
    }

    /// A SUBSCRIBE or REFER of ours got no answer.
    pub(super) fn on_subscribe_failed(&mut self, id: SubscriptionId, status: StatusCode) {
        let Some(subscriber) = self.subscriber(id) else {
            return;
        };
        let over = !subscriber.answered || subscriber.leaving;
        if !subscriber.answered {
            self.event(Event::SubscribeFailed { id, status });
        }
        // A refresh that fails leaves the rest of its time.
        if over {
            self.end_subscription(id, SubscriptionEnd::Silent);
        }
    }

    fn is_refer(&self, id: SubscriptionId) -> bool {
        let one = self.subscriptions.all.get(id);
        one.is_some_and(|one| one.package == "refer")
    }

    /// It holds for so many seconds from now on.
    fn prolong(&mut self, now: Instant, id: SubscriptionId, seconds: u32) {
        let length = Duration::from_secs(seconds.min(LONGEST).into());
        self.subscriptions
            .start_timer(id, SubscriptionTimer::Expires, now + length);
        if !self.is_refer(id) {
            let ahead = AHEAD.min(length / 4);
            self.subscriptions
                .start_timer(id, SubscriptionTimer::Refresh, now + length - ahead);
        }
    }

    pub(super) fn on_notify(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        home: Home,
    ) {
        let (event, state) = match (
            request.headers.require::<header::Event>(),
            request.headers.require::<SubscriptionState>(),
        ) {
            (Ok(event), Ok(state)) => (event, state),
            (Err(error), _) | (_, Err(error)) => {
                return self.refuse(now, flow, key, request, bad_request(&error));
            }
        };
        let Some(id) = self.find_subscription(home, &event, false) else {
            let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.refuse(now, flow, key, request, gone);
        };
        if !self.subscriptions.has_dialog(home)
            && let Err(error) = self.open_by_notify(id, home, &request, flow)
        {
            return self.refuse(now, flow, key, request, bad_request(&error));
        }
        if let Home::Usage(_) = home {
            // A notifier may move, too (RFC 6665 §4.4.1).
            let listeners = self.config.listeners.clone();
            if let Some(dialog) = self.dialog_at(home) {
                dialog.note_flow(&request, flow);
                dialog.refresh_by_request(&request, flow, &listeners);
            }
        }
        self.answer(now, flow, key, request.clone(), Reply::new(StatusCode::OK));
        self.subscriptions.stop_timer(id, SubscriptionTimer::First);
        self.event(Event::Notified {
            id,
            request: Box::new(request),
        });
        if state.is_terminated() {
            self.end_subscription(id, SubscriptionEnd::Terminated);
        } else if let Some(seconds) = state.expires() {
            self.prolong(now, id, seconds);
        }
    }

    /// A NOTIFY may come before the answer to our SUBSCRIBE, and opens the dialog then.
    fn open_by_notify(
        &mut self,
        id: SubscriptionId,
        home: Home,
        notify: &Request,
        flow: Flow,
    ) -> Result<(), Error> {
        let Some(opening) = self.subscriber(id).and_then(|one| one.opening.take()) else {
            return Err(Error::Gone);
        };
        let contact = opening.headers.texts(&HeaderName::Contact).next();
        let contact = contact.unwrap_or_default();
        let sequence = opening.headers.require::<CSeq>()?.sequence;
        let tag = self.tag_in(home).unwrap_or_default();
        let mut dialog = Dialog::of_request(notify, &tag, contact, flow, &self.config.listeners)?;
        dialog.continue_after(sequence);
        self.subscriptions.settle_dialog(home, || Some(dialog));
        Ok(())
    }

    pub(super) fn subscriber_timer(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        timer: SubscriptionTimer,
    ) {
        match timer {
            SubscriptionTimer::First => self.end_subscription(id, SubscriptionEnd::Silent),
            SubscriptionTimer::Expires => self.end_subscription(id, SubscriptionEnd::Expired),
            SubscriptionTimer::Refresh => self.send_subscribe(now, id),
        }
    }
}
