//! What a user agent says.

use bytes::Bytes;

use super::{SessionId, SubscriptionEnd, SubscriptionId};
use crate::header::Reason;
use crate::registration::{RegistrationId, RegistrationState};
use crate::transaction::{ClientTransactionId, Flow, ServerTransactionId};
use crate::{Request, Response, StatusCode, Text};

/// Something to be done by whoever drives the user agent.
#[derive(Debug)]
pub enum Output {
    /// Send this datagram.
    Transmit {
        /// From where to where.
        flow: Flow,
        /// The message.
        payload: Bytes,
    },
    /// Something the layer above has to know.
    Event(Event),
}

/// Something the layer above has to know.
///
/// Each session begins with [`Event::Invite`] or a call of `invite` and ends with exactly one
/// [`Event::Terminated`], which is its last event.
#[derive(Debug)]
pub enum Event {
    /// Someone calls; a 100 was sent. To be answered with `provisional`, `accept` or `reject`.
    Invite {
        /// The new session.
        session: SessionId,
        /// The INVITE.
        request: Box<Request>,
        /// How it came.
        flow: Flow,
        /// Who has shown to be its sender, if that was asked for.
        user: Option<Text>,
    },
    /// Our INVITE got a provisional response other than 100.
    Progress {
        /// Our call.
        session: SessionId,
        /// The response. Responses with different To tags come from different branches of a fork.
        response: Box<Response>,
        /// It came reliably and carries an offer: the PRACK has to be sent with `prack` and the
        /// answer. Otherwise a PRACK, where one is wanted, has been sent.
        owes_prack: bool,
    },
    /// A PRACK came for a provisional response of ours: what we send reaches the caller. Told
    /// before whatever else the PRACK brings.
    Reached {
        /// The call.
        session: SessionId,
    },
    /// The PRACK to a provisional response that carried our offer came. It has been answered.
    Prack {
        /// The call.
        session: SessionId,
        /// The PRACK, with the answer as its body.
        request: Box<Request>,
    },
    /// The peer offers a change in an UPDATE, or in a PRACK: to be answered at once with
    /// `accept_offer` or `reject_offer`.
    Offer {
        /// The call.
        session: SessionId,
        /// The request, with the offer as its body.
        request: Box<Request>,
    },
    /// The offer in our UPDATE was accepted.
    UpdateAnswered {
        /// The call.
        session: SessionId,
        /// The 2xx.
        response: Box<Response>,
    },
    /// The offer in our UPDATE was refused; the session goes on as it was.
    UpdateFailed {
        /// The call.
        session: SessionId,
        /// The refusal.
        response: Box<Response>,
        /// [`Event::ReinviteDue`] will tell when to try again.
        again: bool,
    },
    /// The session is to be refreshed (RFC 4028 §10), and the peer doesn't take UPDATE: `reinvite`
    /// is to be called with the description that we sent last, its version unchanged.
    RefreshDue {
        /// The call.
        session: SessionId,
    },
    /// A server failed, and our INVITE goes to the next, or to another than the first at once since
    /// that one is to be avoided; what was said of progress is void.
    NextServer {
        /// Our call.
        session: SessionId,
        /// The way to it.
        flow: Flow,
    },
    /// Our INVITE was accepted. The ACK has been sent if the INVITE carried a body; otherwise it
    /// has to be sent with `ack` and the answer to the offer that is here.
    Accepted {
        /// Our call.
        session: SessionId,
        /// The 2xx.
        response: Box<Response>,
    },
    /// The ACK to our 2xx came: after `accept`, or after `accept_reinvite`.
    Confirmed {
        /// The call.
        session: SessionId,
        /// The ACK; it has a body if our 2xx carried an offer.
        request: Box<Request>,
    },
    /// The peer wants to change the session: to be answered with `accept_reinvite` or
    /// `reject_reinvite`. The session goes on as it was until then.
    Reinvite {
        /// The call.
        session: SessionId,
        /// The INVITE.
        request: Box<Request>,
    },
    /// The peer took its re-INVITE back; it needs no answer any more.
    ReinviteCancelled {
        /// The call.
        session: SessionId,
    },
    /// Our re-INVITE was accepted. For the ACK see [`Event::Accepted`].
    ReinviteAnswered {
        /// The call.
        session: SessionId,
        /// The 2xx.
        response: Box<Response>,
    },
    /// Our re-INVITE was refused; the session goes on as it was.
    ReinviteFailed {
        /// The call.
        session: SessionId,
        /// The refusal.
        response: Box<Response>,
        /// After a 491, and other refusals that say when to come back: [`Event::ReinviteDue`] will
        /// tell when to try again.
        again: bool,
    },
    /// The wait after a 491 is over (RFC 3261 §14.1): the re-INVITE or UPDATE may be tried again,
    /// with a body made now.
    ReinviteDue {
        /// The call.
        session: SessionId,
    },
    /// The session is over.
    Terminated {
        /// The call. Its id means nothing after this.
        session: SessionId,
        /// How it ended.
        cause: Cause,
    },
    /// A request of a method in [`UserAgentConfig::methods`](super::UserAgentConfig::methods): to
    /// be answered with `respond`.
    Request {
        /// For the answer.
        id: ServerTransactionId,
        /// The call in whose dialog it came.
        session: Option<SessionId>,
        /// The request.
        request: Box<Request>,
        /// How it came.
        flow: Flow,
        /// Who has shown to be its sender, if that was asked for.
        user: Option<Text>,
    },
    /// Somebody subscribes to one of [`UserAgentConfig::event_packages`](super::UserAgentConfig):
    /// 200 was sent, and `notify` tells the rest. Within 200 ms its content goes into the first
    /// NOTIFY; after that an empty one is sent. Refreshes are answered with what was notified last,
    /// unless that was numbered.
    Subscribed {
        /// The subscription.
        id: SubscriptionId,
        /// The call in whose dialog it is.
        session: Option<SessionId>,
        /// The SUBSCRIBE.
        request: Box<Request>,
        /// How it came.
        flow: Flow,
        /// For how many seconds; 0: for a single look.
        expires: u32,
        /// Who has shown to be its sender, if that was asked for.
        user: Option<Text>,
    },
    /// Whoever subscribed to something whose bodies are numbered wants all of it again: `notify`
    /// tells it, within 200 ms or an empty NOTIFY is sent.
    Refreshed {
        /// The subscription.
        id: SubscriptionId,
    },
    /// The first answer to our SUBSCRIBE or REFER. A failure is followed by
    /// [`Event::SubscriptionEnded`].
    Subscribing {
        /// As `subscribe` or `refer` returned it.
        id: SubscriptionId,
        /// The final response.
        response: Box<Response>,
    },
    /// Our SUBSCRIBE or REFER got no answer; [`Event::SubscriptionEnded`] follows.
    SubscribeFailed {
        /// As `subscribe` or `refer` returned it.
        id: SubscriptionId,
        /// As in [`Event::RequestFailed`].
        status: StatusCode,
    },
    /// A NOTIFY came for a subscription of ours, and was answered.
    Notified {
        /// The subscription.
        id: SubscriptionId,
        /// The NOTIFY.
        request: Box<Request>,
    },
    /// A subscription is over, on either side. Its id means nothing after this.
    SubscriptionEnded {
        /// The subscription.
        id: SubscriptionId,
        /// How it ended.
        end: SubscriptionEnd,
    },
    /// A response to a request sent with `request` or `request_in`.
    Response {
        /// As `request` returned it. A final response is the last event for it.
        id: ClientTransactionId,
        /// The response.
        response: Box<Response>,
    },
    /// A request sent with `request` or `request_in` gets no final response.
    RequestFailed {
        /// As `request` returned it.
        id: ClientTransactionId,
        /// Why: 408 when nothing came in time, 503 when it could not be sent (RFC 3261 §8.1.3.1).
        status: StatusCode,
    },
    /// How an address that we register stands now.
    Registration {
        /// As `register` returned it.
        id: RegistrationId,
        /// What is new.
        state: RegistrationState,
    },
    /// The peer of a stream has answered a keep-alive sent with `keep_alive` (RFC 5626 §4.4.1).
    Pong {
        /// The stream.
        flow: Flow,
    },
    /// A stream is closed, by either side. Requests over this flow open a new one, where that can
    /// be reached.
    FlowClosed {
        /// The stream.
        flow: Flow,
    },
}

/// How a session ended.
#[derive(Debug)]
pub enum Cause {
    /// The layer above ended or refused it.
    Local,
    /// The peer hung up.
    Bye(Box<Request>),
    /// The caller gave up before we answered.
    Cancelled(Box<Request>),
    /// The final response that refused our INVITE, or a 481 that disowned the dialog later.
    Rejected(Box<Response>),
    /// We accepted, and no ACK came. At our own end: nobody called `ack` in time.
    NoAck,
    /// We rang reliably, and no PRACK came.
    NoPrack,
    /// Our INVITE rang for as long as it may, and was taken back.
    NoAnswer,
    /// Nobody refreshed the session (RFC 4028).
    Expired,
    /// No final response came: a 408 of our own. At the called side: none was given before the
    /// INVITE expired.
    Timeout,
    /// The request could not be sent: a 503 of our own.
    Unreachable,
}

impl Cause {
    /// The Reason that the peer gave (RFC 3326).
    pub fn reason(&self) -> Option<Reason> {
        let headers = match self {
            Self::Bye(request) | Self::Cancelled(request) => &request.headers,
            Self::Rejected(response) => &response.headers,
            _ => return None,
        };
        headers.get_typed()?.ok()
    }

    /// The final status of our INVITE, when it failed.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Rejected(response) => Some(response.status),
            Self::Timeout | Self::NoAnswer => Some(StatusCode::REQUEST_TIMEOUT),
            Self::Unreachable => Some(StatusCode::SERVICE_UNAVAILABLE),
            _ => None,
        }
    }
}
