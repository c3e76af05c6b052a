//! Subscriptions of peers (RFC 6665 §4.2): taken, refreshed and expired here; what is notified, and
//! whether the subscriber may have it, is decided above.
//!
//! A SUBSCRIBE is answered with the first word from above: 200 with what is notified, 403 when it is
//! rejected (§4.2.1.3). Without a word it is granted for the time being, long before it is repeated; the
//! NOTIFY waits some more, since one without words helps nobody, and no subscriber has given up by then.

use std::time::{Duration, Instant};

use super::arrival::bad_request;
use super::session::Owner;
use super::subscriptions::{
    Home, Role, SubscriptionEnd, SubscriptionId, SubscriptionTimer, expires_of, is_passing,
    push_event,
};
use super::{Content, Event, Reply, UserAgent};
use crate::dialog::Dialog;
use crate::header::{self, CSeq, CallId, MinExpires};
use crate::transaction::{Flow, ServerKey, ServerTransactionId};
use crate::{Error, HeaderName, Headers, Method, Request, Response, StatusCode, Text};

/// The shortest and the longest subscription, in seconds.
const SHORTEST: u32 = 60;
const LONGEST: u32 = 3600;
/// How long the layer above has to decide. Who asks over UDP repeats it after 500 ms (RFC 3261 §17.1.2.2).
const DECIDES: Duration = Duration::from_millis(200);
/// How long it has to word the NOTIFY of a SUBSCRIBE that is answered. Subscribers wait for 32 s (RFC 6665
/// §4.1.2.4).
const WORDS: Duration = Duration::from_secs(2);
/// How long the outcome of a REFER is notified of at most, in seconds.
const REFER: u32 = 300;
/// The event package of conferences (RFC 4575): whoever notifies of it is their focus.
const CONFERENCE: &str = "conference";
/// The media type of the outcome of a REFER.
const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// What a subscriber is told of its subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyState {
    /// It is decided upon later.
    Pending,
    /// It is granted.
    Active,
    /// It is over.
    Terminated {
        /// `rejected`, `noresource`, `deactivated` … (RFC 6665 §4.1.3).
        reason: Text,
        /// Seconds after which it may be tried again.
        retry_after: Option<u32>,
    },
}

#[derive(Debug)]
pub(super) struct Notifier {
    state: NotifyState,
    expires: Instant,
    /// What was notified last, for those who refresh.
    content: Option<Content>,
    headers: Headers,
    /// A NOTIFY has no answer yet; the next waits for it, so that none overtakes another.
    under_way: bool,
    /// There is something new meanwhile.
    again: bool,
    /// Each body is one of a series, so it is never repeated.
    numbered: bool,
    /// Why it is over, once the last NOTIFY is on its way.
    ending: Option<SubscriptionEnd>,
    /// The SUBSCRIBE that has no answer yet, and for how many seconds it is granted.
    unanswered: Option<(ServerTransactionId, u32)>,
}

/// What is told to who may not subscribe.
const REJECTED: &str = "rejected";

impl Notifier {
    fn is_rejected(&self) -> bool {
        matches!(&self.state, NotifyState::Terminated { reason, .. } if *reason == *REJECTED)
    }
}

impl UserAgent {
    /// Notifies a subscriber of a state, with this body; what was not sent yet of the last time is
    /// left out. With [`NotifyState::Terminated`] the subscription ends; a SUBSCRIBE that is `rejected`
    /// before it has an answer gets 403 and no NOTIFY.
    pub fn notify(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        state: NotifyState,
        headers: Headers,
        content: Option<Content>,
    ) -> Result<(), Error> {
        let notifier = self.notifier(id).ok_or(Error::Gone)?;
        if notifier.ending.is_some() && notifier.under_way {
            // The last one is on its way.
            return Err(Error::Gone);
        }
        if matches!(state, NotifyState::Terminated { .. }) {
            notifier.ending = Some(SubscriptionEnd::Terminated);
        }
        notifier.state = state;
        notifier.content = content;
        notifier.headers = headers;
        self.send_notify(now, id);
        self.settle(now);
        Ok(())
    }

    /// Notifies a subscriber by a body that has its own number in a series, such as the `version` of
    /// RFC 4575 §5.2: none may be left out, and none repeated. So [`Event::Refreshed`] asks for
    /// another at each refresh, and there is [`Error::State`] while the one before has no answer.
    pub fn notify_numbered(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        headers: Headers,
        content: Content,
    ) -> Result<(), Error> {
        let notifier = self.notifier(id).ok_or(Error::Gone)?;
        if notifier.under_way {
            return Err(Error::State);
        }
        notifier.numbered = true;
        self.notify(now, id, NotifyState::Active, headers, Some(content))
    }

    /// Accepts a REFER of [`Event::Request`]: 202, and the first NOTIFY says that it is being tried.
    /// The subscription for what comes of it is returned; none if the peer wants none (RFC 4488).
    ///
    /// [`Error::Limit`] when there are as many subscriptions as may be, all in all, from there, or
    /// eight REFERs in one dialog: it is answered by 503 then.
    pub fn accept_refer(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
    ) -> Result<Option<SubscriptionId>, Error> {
        let Some(Owner::Request(session)) = self.transactions.owner(transaction) else {
            return Err(Error::Gone);
        };
        let (request, flow) = self
            .transactions
            .open_request(transaction)
            .ok_or(Error::Gone)?;
        if request.method != Method::Refer {
            return Err(Error::Method(request.method.clone()));
        }
        let request = request.clone();
        let wants_none = request
            .headers
            .get(&HeaderName::ReferSub)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        if wants_none {
            let mut headers = Headers::new();
            headers.push(HeaderName::ReferSub, "false");
            let reply = Reply::new(StatusCode::ACCEPTED).with_headers(headers);
            self.respond(now, transaction, reply)?;
            return Ok(None);
        }
        let home = session.filter(|session| self.sessions.contains_key(*session));
        let home = home.map(Home::Session);
        if let Some(refusal) = self.refusal_of_refer(home, flow) {
            self.respond(now, transaction, refusal)?;
            return Err(Error::Limit);
        }
        let home = match home {
            Some(home) => home,
            None => self.open_dialog(&request, flow)?,
        };
        let sequence = request.headers.require::<CSeq>()?.sequence.to_string();
        let is_first = !self.subscriptions.of(home).iter().any(|id| {
            let one = self.subscriptions.all.get(*id);
            one.is_some_and(|one| one.package == "refer")
        });
        let event_id = (!is_first || session.is_some()).then_some(sequence.as_str());
        let id = self.take(now, home, "refer", event_id, REFER, flow);
        self.answer_in(now, transaction, home, StatusCode::ACCEPTED, Headers::new());
        let trying = sipfrag(StatusCode::TRYING.code(), StatusCode::TRYING.reason());
        self.notify(now, id, NotifyState::Active, Headers::new(), Some(trying))?;
        Ok(Some(id))
    }

    /// Tells what has come of a REFER that was accepted: with a final status, for the last time.
    pub fn notify_refer(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        status: StatusCode,
        reason: &str,
    ) -> Result<(), Error> {
        let state = match status.is_final() {
            true => NotifyState::Terminated {
                reason: Text::from_static("noresource"),
                retry_after: None,
            },
            false => NotifyState::Active,
        };
        let content = sipfrag(status.code(), reason);
        self.notify(now, id, state, Headers::new(), Some(content))
    }

    fn notifier(&mut self, id: SubscriptionId) -> Option<&mut Notifier> {
        match &mut self.subscriptions.all.get_mut(id)?.role {
            Role::Notifier(notifier) => Some(notifier),
            Role::Subscriber(_) => None,
        }
    }

    // What subscribers do

    pub(super) fn on_subscribe(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        home: Option<Home>,
        user: Option<Text>,
    ) {
        let event = match request.headers.get_typed::<header::Event>() {
            Some(Ok(event)) => event,
            Some(Err(error)) => return self.refuse(now, flow, key, request, bad_request(&error)),
            None => return self.refuse(now, flow, key, request, self.bad_event()),
        };
        let known = home.and_then(|home| self.find_subscription(home, &event, true));
        let package = event.package.as_str();
        if known.is_none() && !self.config.event_packages.iter().any(|p| p == package) {
            return self.refuse(now, flow, key, request, self.bad_event());
        }
        let wanted = expires_of(&request.headers).unwrap_or(LONGEST);
        if (1..SHORTEST).contains(&wanted) {
            let mut headers = Headers::new();
            headers.push_typed(&MinExpires(SHORTEST));
            let reply = Reply::new(StatusCode::INTERVAL_TOO_BRIEF).with_headers(headers);
            return self.refuse(now, flow, key, request, reply);
        }
        let expires = wanted.min(LONGEST);
        if let Some(id) = known {
            return self.refresh_theirs(now, flow, key, request, id, expires);
        }
        if let Some(refusal) = self.refusal_of_subscription(flow) {
            return self.refuse(now, flow, key, request, refusal);
        }
        let session = match home {
            Some(Home::Session(session)) => Some(session),
            _ => None,
        };
        let home = match home {
            Some(home) => home,
            None => match self.open_dialog(&request, flow) {
                Ok(home) => home,
                Err(error) => return self.refuse(now, flow, key, request, bad_request(&error)),
            },
        };
        if package == CONFERENCE
            && let Some(dialog) = self.dialog_at(home)
        {
            dialog.be_focus();
        }
        let id = self.take(now, home, package, event.id(), expires, flow);
        let Some(transaction) = self.start_answer(now, flow, key, &request) else {
            return;
        };
        if let Some(notifier) = self.notifier(id) {
            notifier.unanswered = Some((transaction, expires));
        }
        self.subscriptions
            .start_timer(id, SubscriptionTimer::First, now + DECIDES);
        self.event(Event::Subscribed {
            id,
            session,
            request: Box::new(request),
            flow,
            expires,
            user,
        });
    }

    /// Answers the SUBSCRIBE if nobody has; `false`: with a refusal, and it is over.
    fn answer_subscriber(&mut self, now: Instant, id: SubscriptionId) -> bool {
        let Some(one) = self.subscriptions.all.get_mut(id) else {
            return false;
        };
        let Role::Notifier(notifier) = &mut one.role else {
            return false;
        };
        let Some((transaction, expires)) = notifier.unanswered.take() else {
            return true;
        };
        let (home, is_rejected) = (one.home, notifier.is_rejected());
        // An early dialog may have ended meanwhile.
        let is_gone = self.dialog_at(home).is_none();
        if is_gone || is_rejected {
            let (status, end) = match is_gone {
                true => (
                    StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
                    SubscriptionEnd::Silent,
                ),
                false => (StatusCode::FORBIDDEN, SubscriptionEnd::Terminated),
            };
            self.answer_in(now, transaction, home, status, Headers::new());
            self.end_subscription(id, end);
            return false;
        }
        let mut headers = Headers::new();
        headers.push_typed(&header::Expires(expires));
        self.answer_in(now, transaction, home, StatusCode::OK, headers);
        true
    }

    /// A refresh, or the wish to leave.
    fn refresh_theirs(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        id: SubscriptionId,
        expires: u32,
    ) {
        self.answer_subscriber(now, id);
        let Some(home) = self.subscriptions.all.get(id).map(|one| one.home) else {
            return;
        };
        let listeners = self.config.listeners.clone();
        if let Some(dialog) = self.dialog_at(home) {
            dialog.note_flow(&request, flow);
            dialog.refresh_by_request(&request, flow, &listeners);
        }
        let Some(transaction) = self.start_answer(now, flow, key, &request) else {
            return;
        };
        let mut headers = Headers::new();
        headers.push_typed(&header::Expires(expires));
        self.answer_in(now, transaction, home, StatusCode::OK, headers);
        if expires == 0 {
            self.finish(now, id, SubscriptionEnd::Left);
            return;
        }
        self.extend(now, id, expires);
        if self.notifier(id).is_some_and(|notifier| notifier.numbered) {
            self.subscriptions
                .start_timer(id, SubscriptionTimer::First, now + WORDS);
            self.event(Event::Refreshed { id });
        } else {
            self.send_notify(now, id);
        }
    }

    fn start_answer(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: &Request,
    ) -> Option<ServerTransactionId> {
        let back = flow.back(&request.headers.top_via().ok()?);
        Some(
            self.transactions
                .start_server(now, key, request.clone(), back),
        )
    }

    /// Answers a request that opens a dialog, or is in one that exists.
    fn answer_in(
        &mut self,
        now: Instant,
        transaction: ServerTransactionId,
        home: Home,
        status: StatusCode,
        mut headers: Headers,
    ) {
        if status.is_success()
            && let Some(dialog) = self.dialog_at(home)
        {
            headers.push(HeaderName::Contact, dialog.contact().clone());
        }
        let tag = self.tag_in(home).unwrap_or_default();
        let Some((request, _)) = self.transactions.open_request(transaction) else {
            return;
        };
        let response = self.response(request, &tag, Reply::new(status).with_headers(headers));
        self.transactions.respond(now, transaction, &response);
    }

    /// The dialog that our answer to this request opens.
    fn open_dialog(&mut self, request: &Request, flow: Flow) -> Result<Home, Error> {
        let local_tag = self.identity.tag();
        let contact = self.contact_in_answer(request, flow);
        let dialog =
            Dialog::of_request(request, &local_tag, contact, flow, &self.config.listeners)?;
        let call_id = request.headers.require::<CallId>()?.as_str().to_owned();
        Ok(self
            .subscriptions
            .open_usage(call_id.into(), local_tag, Some(dialog)))
    }

    fn take(
        &mut self,
        now: Instant,
        home: Home,
        package: &str,
        event_id: Option<&str>,
        expires: u32,
        flow: Flow,
    ) -> SubscriptionId {
        let notifier = Notifier {
            state: NotifyState::Pending,
            expires: now,
            content: None,
            headers: Headers::new(),
            under_way: false,
            again: false,
            numbered: false,
            ending: (expires == 0).then_some(SubscriptionEnd::Expired),
            unanswered: None,
        };
        let source = Some(flow.remote.ip());
        let role = Role::Notifier(notifier);
        let id = self
            .subscriptions
            .insert(home, package, event_id, role, source);
        self.extend(now, id, expires);
        id
    }

    fn extend(&mut self, now: Instant, id: SubscriptionId, expires: u32) {
        let at = now + Duration::from_secs(expires.into());
        if let Some(notifier) = self.notifier(id) {
            notifier.expires = at;
        }
        if expires > 0 {
            self.subscriptions
                .start_timer(id, SubscriptionTimer::Expires, at);
        }
    }

    fn bad_event(&self) -> Reply {
        let mut headers = Headers::new();
        headers.push(HeaderName::AllowEvents, self.event_packages.clone());
        Reply::new(StatusCode::BAD_EVENT).with_headers(headers)
    }

    // NOTIFY

    /// Tells the subscriber that it is over, with what it was told last.
    fn finish(&mut self, now: Instant, id: SubscriptionId, end: SubscriptionEnd) {
        let Some(notifier) = self.notifier(id) else {
            return;
        };
        notifier.ending.get_or_insert(end);
        notifier.state = NotifyState::Terminated {
            reason: Text::from_static("timeout"),
            retry_after: None,
        };
        self.send_notify(now, id);
    }

    fn send_notify(&mut self, now: Instant, id: SubscriptionId) {
        self.subscriptions.stop_timer(id, SubscriptionTimer::First);
        if !self.answer_subscriber(now, id) {
            return;
        }
        let Some(one) = self.subscriptions.all.get_mut(id) else {
            return;
        };
        let Role::Notifier(notifier) = &mut one.role else {
            return;
        };
        if std::mem::replace(&mut notifier.under_way, true) {
            notifier.again = true;
            return;
        }
        let mut headers = notifier.headers.clone();
        push_event(&mut headers, &one.package, one.event_id.as_deref());
        let left = notifier.expires.saturating_duration_since(now).as_secs();
        let state = match &notifier.state {
            // A look without a subscription: its answer is its last.
            _ if notifier.ending == Some(SubscriptionEnd::Expired) => {
                "terminated;reason=timeout".to_owned()
            }
            NotifyState::Pending => format!("pending;expires={left}"),
            NotifyState::Active => format!("active;expires={left}"),
            NotifyState::Terminated {
                reason,
                retry_after,
            } => match retry_after {
                Some(seconds) => format!("terminated;reason={reason};retry-after={seconds}"),
                None => format!("terminated;reason={reason}"),
            },
        };
        headers.push(HeaderName::SubscriptionState, state);
        let content = match notifier.numbered {
            true => notifier.content.take(),
            false => notifier.content.clone(),
        };
        let is_last = notifier.ending.is_some();
        if is_last {
            one.running = Default::default();
        }
        let owner = Owner::Notify(id);
        if !self.send_for(now, id, Method::Notify, &headers, content, owner) {
            self.end_subscription(id, SubscriptionEnd::Silent);
        }
    }

    pub(super) fn on_notify_response(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        response: &Response,
    ) {
        if response.status.is_provisional() {
            return;
        }
        if response.status.is_failure() && !is_passing(response) {
            return self.end_subscription(id, SubscriptionEnd::Refused);
        }
        let Some(notifier) = self.notifier(id) else {
            return;
        };
        notifier.under_way = false;
        if std::mem::take(&mut notifier.again) {
            self.send_notify(now, id);
        } else if let Some(end) = notifier.ending {
            self.end_subscription(id, end);
        }
    }

    /// The layer above is slow: the SUBSCRIBE is granted, and then there is nothing to tell, which is told.
    fn on_silence_above(&mut self, now: Instant, id: SubscriptionId) {
        let Some(notifier) = self.notifier(id) else {
            return;
        };
        if notifier.unanswered.is_none() {
            self.send_notify(now, id);
        } else if self.answer_subscriber(now, id) {
            self.subscriptions
                .start_timer(id, SubscriptionTimer::First, now + WORDS);
        }
    }

    pub(super) fn notifier_timer(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        timer: SubscriptionTimer,
    ) {
        match timer {
            SubscriptionTimer::First => self.on_silence_above(now, id),
            SubscriptionTimer::Expires => self.finish(now, id, SubscriptionEnd::Expired),
            SubscriptionTimer::Refresh => {}
        }
    }
}

/// A status line, as what has come of a REFER.
fn sipfrag(code: u16, reason: &str) -> Content {
    let reason = reason.replace(['\r', '\n'], " ");
    Content {
        kind: Text::from_static(SIPFRAG),
        body: format!("SIP/2.0 {code} {reason}\r\n").into(),
    }
}
