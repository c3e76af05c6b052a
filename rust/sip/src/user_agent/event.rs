//! What a user agent says to the layer above, and what that layer hands it.

use bytes::Bytes;

use super::SessionId;
use crate::header::{NameAddr, Reason};
use crate::transaction::{ClientTransactionId, Flow, ServerTransactionId};
use crate::{HeaderName, Headers, Method, Request, Response, StatusCode, Text, Uri};

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
    },
    /// Our INVITE got a provisional response other than 100.
    Progress {
        /// Our call.
        session: SessionId,
        /// The response. Responses with different To tags come from different branches of a fork.
        response: Box<Response>,
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
        /// The refusal. After a 491, [`Event::ReinviteDue`] will tell when to try again.
        response: Box<Response>,
    },
    /// The wait after a 491 is over (RFC 3261 §14.1): the re-INVITE may be tried again, with a
    /// body made now.
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
    /// No final response came: a 408 of our own.
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
            Self::Timeout => Some(StatusCode::REQUEST_TIMEOUT),
            Self::Unreachable => Some(StatusCode::SERVICE_UNAVAILABLE),
            _ => None,
        }
    }
}

/// A body and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The media type for Content-Type.
    pub kind: Text,
    /// The body.
    pub body: Bytes,
}

impl Content {
    /// A session description.
    pub fn sdp(body: impl Into<Bytes>) -> Self {
        Self {
            kind: Text::from_static("application/sdp"),
            body: body.into(),
        }
    }
}

/// A response as the layer above words it; the user agent adds what belongs to the transaction.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The reason phrase, if not the standard one.
    pub reason: Option<Text>,
    /// Headers beyond those that the user agent writes.
    pub headers: Headers,
    /// The body.
    pub content: Option<Content>,
}

impl Reply {
    /// A response without more to it than its status.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            reason: None,
            headers: Headers::new(),
            content: None,
        }
    }

    /// With this reason phrase.
    pub fn with_reason(mut self, reason: impl Into<Text>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// With these headers.
    pub fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// With this body.
    pub fn with_content(mut self, content: Content) -> Self {
        self.content = Some(content);
        self
    }
}

/// A request that is to open a dialog, or that stands alone.
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    /// Where it goes: the outbound proxy, or what the URI was resolved to.
    pub flow: Flow,
    /// The Request-URI.
    pub uri: Uri,
    /// Who asks. The tag is made by the user agent.
    pub from: NameAddr,
    /// Who is asked.
    pub to: NameAddr,
    /// A Route to start with.
    pub route: Vec<Uri>,
    /// Headers beyond those that the user agent writes.
    pub headers: Headers,
    /// The body.
    pub content: Option<Content>,
}

impl OutgoingRequest {
    /// A request to `uri` over `flow`, addressed To the same URI.
    pub fn new(flow: Flow, uri: impl Into<Uri>, from: NameAddr) -> Self {
        let uri = uri.into();
        Self {
            flow,
            to: NameAddr::new(uri.clone()),
            uri,
            from,
            route: Vec::new(),
            headers: Headers::new(),
            content: None,
        }
    }
}

/// What the user agent writes itself into every request or response that the layer above words.
pub(super) fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Via
            | HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::CSeq
            | HeaderName::ContentLength
            | HeaderName::ContentType
            | HeaderName::MaxForwards
            | HeaderName::RecordRoute
            | HeaderName::Route
    )
}

/// Adds the headers and the body of the layer above.
pub(super) fn complete(
    target: &mut Headers,
    body: &mut Bytes,
    headers: &Headers,
    content: Option<Content>,
) {
    for (name, value) in headers.iter().filter(|(name, _)| !is_reserved(name)) {
        target.push(name.clone(), value.clone());
    }
    if let Some(content) = content {
        target.push(HeaderName::ContentType, content.kind);
        *body = content.body;
    }
}

/// Numbers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that arrived, repetitions included.
    pub requests_received: u64,
    /// Responses that arrived, repetitions included.
    pub responses_received: u64,
    /// Requests that came again.
    pub repetitions_received: u64,
    /// Messages that we sent again.
    pub repetitions_sent: u64,
    /// Datagrams that were no SIP message; answered with 400 or the like where that was possible.
    pub malformed: u64,
    /// Responses to nothing that we asked.
    pub stray_responses: u64,
    /// ACKs to nothing that we answered.
    pub stray_acks: u64,
    /// Requests that met a limit and got 503.
    pub overload: u64,
    /// Requests that we refused by ourselves, overload apart.
    pub refused: u64,
    /// Sessions that began.
    pub sessions: u64,
}

/// What exists right now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Sessions, those included whose BYE or CANCEL has no answer yet.
    pub sessions: usize,
    /// Requests of ours whose transactions live.
    pub client_transactions: usize,
    /// Requests of others whose transactions live.
    pub server_transactions: usize,
}

/// Whether requests of this method are sent by a verb of their own.
pub(super) fn has_own_verb(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Ack | Method::Cancel | Method::Bye
    )
}
