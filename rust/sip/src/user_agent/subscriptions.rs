//! Subscriptions (RFC 6665), those that REFER makes (RFC 3515) among them: what both roles share.
//!
//! A subscription lives in a dialog: that of a call, or one of its own. A call's dialog is kept when
//! the call ends before its subscriptions, so that the outcome of a transfer is still heard of.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use slotmap::SlotMap;

use super::notifier::Notifier;
use super::session::{Owner, Session, SessionId};
use super::subscriber::Subscriber;
use super::{Content, Event, Reply, UserAgent};
use crate::auth::client::ClientAuth;
use crate::dialog::Dialog;
use crate::header::{self, CSeq, CallId, From, To};
use crate::transaction::{Flow, Running, ServerKey, TimerQueue};
use crate::{HeaderName, Headers, Method, Request, Response, StatusCode, Text};

/// Deadlines of subscriptions that are gone, before they are looked for.
const SPARE_DEADLINES: usize = 1024;

slotmap::new_key_type! {
    /// A subscription, ours or a peer's.
    pub struct SubscriptionId;
    /// A dialog that has subscriptions and no call.
    pub(super) struct UsageId;
}

/// How a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionEnd {
    /// Its notifier ended it: by [`Event::Notified`], or by `notify` at our end.
    Terminated,
    /// Its time was over.
    Expired,
    /// Its subscriber left.
    Left,
    /// The peer refused it, or knows nothing of it any more.
    Refused,
    /// The peer can't be reached, or sent no NOTIFY (Timer N).
    Silent,
}

/// Where a subscription's dialog is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Session(SessionId),
    Usage(UsageId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubscriptionTimer {
    /// Its time is over.
    Expires,
    /// The first NOTIFY is due, ours or (Timer N) the peer's.
    First,
    /// It is to be refreshed.
    Refresh,
}

#[derive(Debug)]
pub(super) enum Role {
    Notifier(Notifier),
    Subscriber(Subscriber),
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) home: Home,
    pub(super) package: Text,
    pub(super) event_id: Option<Text>,
    pub(super) role: Role,
    /// Who subscribed, for the limit of each source.
    source: Option<IpAddr>,
    pub(super) running: Running<SubscriptionTimer, 3>,
    /// What challenges are answered with, unless its dialog is a session's.
    pub(super) auth: Option<Box<ClientAuth>>,
}

/// A dialog without a call.
#[derive(Debug)]
struct Usage {
    call_id: Text,
    local_tag: Text,
    /// None until the first message of the peer's.
    dialog: Option<Dialog>,
    users: Vec<SubscriptionId>,
}

#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    pub(super) all: SlotMap<SubscriptionId, Subscription>,
    usages: SlotMap<UsageId, Usage>,
    by_tag: HashMap<Text, UsageId>,
    in_sessions: HashMap<SessionId, Vec<SubscriptionId>>,
    by_source: HashMap<IpAddr, usize>,
    queue: TimerQueue<(SubscriptionId, SubscriptionTimer)>,
}

impl Subscriptions {
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.queue.next()
    }

    pub(super) fn of_source(&self, source: IpAddr) -> usize {
        self.by_source.get(&source).copied().unwrap_or(0)
    }

    /// A dialog of its own, which may be yet to come.
    pub(super) fn open_usage(
        &mut self,
        call_id: Text,
        local_tag: Text,
        dialog: Option<Dialog>,
    ) -> Home {
        let usage = self.usages.insert(Usage {
            call_id,
            local_tag: local_tag.clone(),
            dialog,
            users: Vec::new(),
        });
        self.by_tag.insert(local_tag, usage);
        Home::Usage(usage)
    }

    pub(super) fn insert(
        &mut self,
        home: Home,
        package: &str,
        event_id: Option<&str>,
        role: Role,
        source: Option<IpAddr>,
    ) -> SubscriptionId {
        let id = self.all.insert(Subscription {
            home,
            package: package.to_owned().into(),
            event_id: event_id.map(|id| id.to_owned().into()),
            role,
            source,
            running: Running::default(),
            auth: None,
        });
        match home {
            Home::Session(session) => self.in_sessions.entry(session).or_default().push(id),
            Home::Usage(usage) => {
                if let Some(usage) = self.usages.get_mut(usage) {
                    usage.users.push(id);
                }
            }
        }
        if let Some(source) = source {
            *self.by_source.entry(source).or_default() += 1;
        }
        id
    }

    /// The subscriptions of a dialog.
    pub(super) fn of(&self, home: Home) -> &[SubscriptionId] {
        let users = match home {
            Home::Session(session) => self.in_sessions.get(&session),
            Home::Usage(usage) => self.usages.get(usage).map(|usage| &usage.users),
        };
        users.map_or(&[], Vec::as_slice)
    }

    pub(super) fn remove(&mut self, id: SubscriptionId) {
        let Some(subscription) = self.all.remove(id) else {
            return;
        };
        if let Some(source) = subscription.source
            && let Some(count) = self.by_source.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
        match subscription.home {
            Home::Session(session) => {
                if let Some(users) = self.in_sessions.get_mut(&session) {
                    users.retain(|user| *user != id);
                    if users.is_empty() {
                        self.in_sessions.remove(&session);
                    }
                }
            }
            Home::Usage(key) => {
                let Some(usage) = self.usages.get_mut(key) else {
                    return;
                };
                usage.users.retain(|user| *user != id);
                if usage.users.is_empty()
                    && let Some(usage) = self.usages.remove(key)
                {
                    self.by_tag.remove(&usage.local_tag);
                }
            }
        }
    }

    pub(super) fn start_timer(
        &mut self,
        id: SubscriptionId,
        timer: SubscriptionTimer,
        at: Instant,
    ) {
        if let Some(subscription) = self.all.get_mut(id) {
            subscription.running.start(timer, at);
            self.queue.push(at, (id, timer));
        }
        // Deadlines are far away here, and who subscribes and leaves must not fill our memory.
        if self.queue.len() > 4 * self.all.len() + SPARE_DEADLINES {
            let all = &self.all;
            self.queue.retain(|at, (id, timer)| {
                all.get(*id)
                    .is_some_and(|one| one.running.is_meant(*timer, at))
            });
        }
    }

    pub(super) fn stop_timer(&mut self, id: SubscriptionId, timer: SubscriptionTimer) {
        if let Some(subscription) = self.all.get_mut(id) {
            subscription.running.stop(timer);
        }
    }

    /// The dialog without a call that a request is in. One whose peer is not known yet takes any.
    pub(super) fn find_usage(&self, request: &Request) -> Option<Home> {
        let to = request.headers.require::<To>().ok()?;
        let from = request.headers.require::<From>().ok()?;
        let call_id = request.headers.require::<CallId>().ok()?;
        let key = *self.by_tag.get(to.tag()?)?;
        let usage = self.usages.get(key)?;
        let remote = from.tag().unwrap_or_default();
        let is_peer = match &usage.dialog {
            Some(dialog) => dialog.remote_tag() == remote,
            None => true,
        };
        (usage.call_id == call_id.as_str() && is_peer).then_some(Home::Usage(key))
    }

    /// What waits for its first message of the peer's gets its dialog from it.
    pub(super) fn settle_dialog(&mut self, home: Home, make: impl FnOnce() -> Option<Dialog>) {
        if let Home::Usage(usage) = home
            && let Some(usage) = self.usages.get_mut(usage)
            && usage.dialog.is_none()
        {
            usage.dialog = make();
        }
    }

    pub(super) fn has_dialog(&self, home: Home) -> bool {
        match home {
            Home::Session(_) => true,
            Home::Usage(usage) => self.usages.get(usage).is_some_and(|u| u.dialog.is_some()),
        }
    }
}

impl UserAgent {
    /// The dialog of a session that has ended is kept for its subscriptions.
    pub(super) fn keep_dialog(&mut self, id: SessionId, mut session: Session) {
        let Some(users) = self.subscriptions.in_sessions.remove(&id) else {
            return;
        };
        let dialog = session.dialogs.pop();
        // Only one of them can have what the session answered challenges with.
        let mut auth = session.auth.take();
        let home = self
            .subscriptions
            .open_usage(session.call_id, session.local_tag, dialog);
        for user in &users {
            if let Some(subscription) = self.subscriptions.all.get_mut(*user) {
                subscription.home = home;
                subscription.auth = auth.take();
            }
        }
        if let Home::Usage(usage) = home
            && let Some(usage) = self.subscriptions.usages.get_mut(usage)
        {
            usage.users = users;
        }
    }

    /// A request in a dialog that has subscriptions and no call (any more).
    pub(super) fn receive_in_usage(
        &mut self,
        now: Instant,
        flow: Flow,
        key: ServerKey,
        request: Request,
        home: Home,
    ) {
        if let Some(refusal) = self.refusal(&request) {
            return self.refuse(now, flow, key, request, refusal);
        }
        let sequence = request.headers.require::<CSeq>().map_or(0, |c| c.sequence);
        let in_order = match self.dialog_at(home) {
            Some(dialog) => dialog.receive_sequence(sequence),
            // Only a NOTIFY opens a dialog (RFC 6665 §4.4.1).
            None if request.method != Method::Notify => {
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                return self.refuse(now, flow, key, request, gone);
            }
            None => true,
        };
        if !in_order {
            let refusal =
                Reply::new(StatusCode::SERVER_INTERNAL_ERROR).with_reason("CSeq Out of Order");
            return self.refuse(now, flow, key, request, refusal);
        }
        match request.method {
            Method::Notify => self.on_notify(now, flow, key, request, home),
            Method::Subscribe => {
                self.on_subscribe(now, flow, key, request, Some(home), None);
            }
            _ => {
                let gone = Reply::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
                self.refuse(now, flow, key, request, gone);
            }
        }
    }

    pub(super) fn dialog_at(&mut self, home: Home) -> Option<&mut Dialog> {
        match home {
            Home::Session(session) => self.sessions.get_mut(session)?.dialogs.last_mut(),
            Home::Usage(usage) => self.subscriptions.usages.get_mut(usage)?.dialog.as_mut(),
        }
    }

    /// Where the answers to challenges of a subscription are kept.
    pub(super) fn auth_of_subscription(
        &mut self,
        id: SubscriptionId,
    ) -> Option<&mut Option<Box<ClientAuth>>> {
        let one = self.subscriptions.all.get_mut(id)?;
        match one.home {
            Home::Session(session) => Some(&mut self.sessions.get_mut(session)?.auth),
            Home::Usage(_) => Some(&mut one.auth),
        }
    }

    /// The CSeq under which a request of a subscription goes out again, after one with `sequence`.
    pub(super) fn sequence_of_subscription(&mut self, id: SubscriptionId, sequence: u32) -> u32 {
        let home = self.subscriptions.all.get(id).map(|one| one.home);
        match home.and_then(|home| self.dialog_at(home)) {
            Some(dialog) => dialog.next_sequence(),
            None => sequence + 1,
        }
    }

    /// Our tag in a dialog.
    pub(super) fn tag_in(&self, home: Home) -> Option<Text> {
        match home {
            Home::Session(session) => Some(self.sessions.get(session)?.local_tag.clone()),
            Home::Usage(usage) => Some(self.subscriptions.usages.get(usage)?.local_tag.clone()),
        }
    }

    /// Sends a request in a subscription's dialog.
    pub(super) fn send_for(
        &mut self,
        now: Instant,
        id: SubscriptionId,
        method: Method,
        headers: &Headers,
        content: Option<Content>,
        owner: Owner,
    ) -> bool {
        let Some(home) = self.subscriptions.all.get(id).map(|s| s.home) else {
            return false;
        };
        let Some(mut dialog) = self.dialog_at(home).cloned() else {
            return false;
        };
        let mut request = self.request_in_dialog(&mut dialog, method, headers, content);
        if let Some(Some(auth)) = self.auth_of_subscription(id) {
            auth.sign(&mut request);
        }
        let flow = dialog.next_hop();
        if let Some(kept) = self.dialog_at(home) {
            *kept = dialog;
        }
        self.transactions
            .start_client(now, request, flow, owner)
            .is_some()
    }

    /// The subscription of this role in a dialog that a request's Event names.
    pub(super) fn find_subscription(
        &self,
        home: Home,
        event: &header::Event,
        is_notifier: bool,
    ) -> Option<SubscriptionId> {
        let users = self.subscriptions.of(home).iter().copied();
        let mut fitting = users.filter(|id| {
            self.subscriptions.all.get(*id).is_some_and(|one| {
                let same_role = matches!(one.role, Role::Notifier(_)) == is_notifier;
                // The first REFER of a dialog may be spoken of without its id (RFC 3515 §2.4.6).
                let same_id = one.event_id.as_deref() == event.id()
                    || (event.id().is_none() && one.package == "refer");
                same_role && one.package == event.package.as_str() && same_id
            })
        });
        fitting.next()
    }

    /// Forgets a subscription, and tells.
    pub(super) fn end_subscription(&mut self, id: SubscriptionId, end: SubscriptionEnd) {
        if self.subscriptions.all.contains_key(id) {
            self.subscriptions.remove(id);
            self.event(Event::SubscriptionEnded { id, end });
        }
    }

    pub(super) fn handle_subscription_timers(&mut self, now: Instant) {
        while let Some((at, (id, timer))) = self.subscriptions.queue.pop(now) {
            let subscription = self.subscriptions.all.get_mut(id);
            if !subscription.is_some_and(|one| one.running.expire(timer, at)) {
                continue;
            }
            match self.subscriptions.all.get(id).map(|one| &one.role) {
                Some(Role::Notifier(_)) => self.notifier_timer(now, id, timer),
                Some(Role::Subscriber(_)) => self.subscriber_timer(now, id, timer),
                None => {}
            }
            self.settle(now);
        }
    }
}

/// The Event header of a subscription.
pub(super) fn push_event(headers: &mut Headers, package: &str, event_id: Option<&str>) {
    let event = match event_id {
        Some(id) => format!("{package};id={id}"),
        None => package.to_owned(),
    };
    headers.push(HeaderName::Event, event);
}

/// The Expires of a message, in seconds.
pub(super) fn expires_of(headers: &Headers) -> Option<u32> {
    let header::Expires(seconds) = headers.get_typed()?.ok()?;
    Some(seconds)
}

/// Whether a refusal leaves a subscription alive: one that says when to try again (RFC 6665 §4.2.2).
pub(super) fn is_passing(response: &Response) -> bool {
    response.headers.contains(&HeaderName::RetryAfter)
}
