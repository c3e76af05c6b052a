//! Messages as the layer above words them; the user agent adds what belongs to transaction and
//! dialog.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::auth::Keyring;
use crate::header::NameAddr;
use crate::transaction::Flow;
use crate::{HeaderName, Headers, Method, StatusCode, Text, Uri};

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
    /// Where it goes when that server fails, the next first (RFC 3263 §4.3).
    pub alternatives: Vec<Flow>,
    /// The body, where it is another when the request leaves from this other address of ours: a
    /// session description names it.
    pub elsewhere: Vec<(IpAddr, Content)>,
    /// The Request-URI.
    pub uri: Uri,
    /// Who asks. The tag is made by the user agent.
    pub from: NameAddr,
    /// Who is asked.
    pub to: NameAddr,
    /// A Route to start with (§8.1.2), the next hop first.
    pub route: Vec<Uri>,
    /// Headers beyond those that the user agent writes; Max-Forwards among them stands for its 70.
    pub headers: Headers,
    /// The body.
    pub content: Option<Content>,
    /// How long an INVITE may go without an answer before it is taken back, if that is less than
    /// [`UserAgentConfig::unanswered`](super::UserAgentConfig::unanswered).
    pub ring_timeout: Option<Duration>,
    /// Our Contact, if not the address at which the peer of the flow reaches us.
    pub contact: Option<Uri>,
    /// We are the focus of a conference, as our Contact says then (RFC 4579 §5.1).
    pub is_focus: bool,
    /// What challenges are answered with: to this request, and to all of the session it opens.
    pub credentials: Keyring,
}

impl OutgoingRequest {
    /// A request to `uri` over `flow`, addressed To the same URI.
    pub fn new(flow: Flow, uri: impl Into<Uri>, from: NameAddr) -> Self {
        let uri = uri.into();
        Self {
            flow,
            alternatives: Vec::new(),
            elsewhere: Vec::new(),
            to: NameAddr::new(uri.clone()),
            uri,
            from,
            route: Vec::new(),
            headers: Headers::new(),
            content: None,
            ring_timeout: None,
            contact: None,
            is_focus: false,
            credentials: Keyring::default(),
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
    target.copy(headers, |name| !is_reserved(name));
    if let Some(content) = content {
        target.push(HeaderName::ContentType, content.kind);
        *body = content.body;
    }
}

/// Whether requests of this method are sent by a verb of their own.
pub(super) fn has_own_verb(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Cancel
            | Method::Bye
            | Method::Prack
            | Method::Update
    )
}
