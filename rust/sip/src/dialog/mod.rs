//! Dialogs (RFC 3261 §12): what two user agents share for as long as they speak.

pub(crate) mod exchange;
pub(crate) mod invite;
mod next_hop;
pub(crate) mod reliable;

use crate::header::{self, CSeq, CallId, Contact, HeaderName, MaxForwards, NameAddr, Via, lists};
use crate::transaction::{Flow, Listener};
use crate::{Error, Headers, Method, Request, Response, Text, Uri};
use exchange::Exchange;

use next_hop::NextHop;

/// Proxies that may stand in a route set: one is kept for as long as the call lasts, and every
/// request of ours names them all.
const MAX_ROUTES: usize = 32;

/// Our end of a dialog. It is early until a 2xx has confirmed it, which makes no difference here.
///
/// Texts are copied out of the messages, so that a dialog that lasts doesn't keep whole datagrams
/// in memory.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    call_id: Text,
    /// Our address with our tag.
    local: Text,
    /// The peer's address with its tag.
    remote: Text,
    remote_tag: Text,
    /// CSeq of our last request.
    local_sequence: u32,
    /// CSeq of the peer's last request, once there was one.
    remote_sequence: Option<u32>,
    target: Uri,
    /// The route set in the order in which our requests take it.
    routes: Box<[Uri]>,
    /// Our Contact.
    contact: Text,
    /// Where our requests go; decided when the dialog is made and when its target changes.
    next_hop: NextHop,
    /// Whether we made the Call-ID, which decides who waits longer after a glare (§14.1).
    owns_call_id: bool,
    /// Whether the peer takes UPDATE, as its Allow said last.
    allows_update: bool,
    /// Offers and answers.
    pub(crate) exchange: Exchange,
    /// RSeq of the last response to our INVITE that came reliably (RFC 3262 §4).
    reliable: Option<u32>,
    /// RSeq and CSeq of one that offers something, so that its PRACK waits for our answer.
    pub(crate) owed_prack: Option<(u32, u32)>,
}

impl Dialog {
    /// The dialog that our response with this tag opens (§12.1.1).
    pub(crate) fn of_request(
        request: &Request,
        local_tag: &str,
        contact: Text,
        flow: Flow,
        listeners: &[Listener],
    ) -> Result<Self, Error> {
        let headers = &request.headers;
        let mut to = headers.require::<header::To>()?;
        to.params.set("tag", local_tag);
        let from = headers.require::<header::From>()?;
        let cseq = headers.require::<CSeq>()?;
        let routes = recorded_routes(headers)?;
        let mut dialog = Self {
            call_id: owned(headers.require::<CallId>()?.as_str()),
            local: to.to_string().into(),
            remote: from.to_string().into(),
            remote_tag: owned(from.tag().unwrap_or_default()),
            local_sequence: 0,
            remote_sequence: Some(cseq.sequence),
            target: caller_uri(headers, &from)?,
            routes: routes.into(),
            contact,
            next_hop: flow.into(),
            owns_call_id: false,
            allows_update: lists(headers, &HeaderName::Allow, "UPDATE"),
            exchange: Exchange::called(!request.body.is_empty()),
            reliable: None,
            owed_prack: None,
        };
        dialog.next_hop = match next_hop::is_behind_nat(headers) && dialog.routes.is_empty() {
            true => flow.into(),
            false => next_hop::choose(dialog.first_hop(), flow, listeners),
        };
        Ok(dialog)
    }

    /// The dialog that a response to our INVITE opens (§12.1.2).
    pub(crate) fn of_response(
        invite: &Request,
        response: &Response,
        flow: Flow,
        listeners: &[Listener],
    ) -> Result<Self, Error> {
        let headers = &response.headers;
        let from = invite.headers.require::<header::From>()?;
        let to = headers.require::<header::To>()?;
        let cseq = invite.headers.require::<CSeq>()?;
        let mut routes = recorded_routes(headers)?;
        routes.reverse();
        let mut dialog = Self {
            call_id: owned(invite.headers.require::<CallId>()?.as_str()),
            local: from.to_string().into(),
            remote: to.to_string().into(),
            remote_tag: owned(to.tag().unwrap_or_default()),
            local_sequence: cseq.sequence,
            remote_sequence: None,
            // A 1xx may lack it; the INVITE's own target is as good as any then.
            target: contact_uri(headers).unwrap_or_else(|_| invite.uri.clone()),
            routes: routes.into(),
            contact: invite
                .headers
                .texts(&HeaderName::Contact)
                .next()
                .unwrap_or_default(),
            next_hop: flow.into(),
            owns_call_id: true,
            allows_update: lists(headers, &HeaderName::Allow, "UPDATE"),
            exchange: Exchange::calling(!invite.body.is_empty()),
            reliable: None,
            owed_prack: None,
        };
        dialog.next_hop = next_hop::choose(dialog.first_hop(), flow, listeners);
        Ok(dialog)
    }

    /// Takes over what the early dialog that this one confirms has come to (§13.2.2.4).
    pub(crate) fn continue_from(&mut self, early: &Dialog) {
        self.local_sequence = self.local_sequence.max(early.local_sequence);
        self.remote_sequence = self.remote_sequence.max(early.remote_sequence);
        self.allows_update |= early.allows_update;
        self.exchange = early.exchange;
    }

    /// Whether the peer takes UPDATE.
    pub(crate) fn allows_update(&self) -> bool {
        self.allows_update
    }

    /// The peer has shown that it doesn't take UPDATE after all.
    pub(crate) fn disallow_update(&mut self) {
        self.allows_update = false;
    }

    /// Takes the RSeq of a response to our INVITE; `false` for one that came before or comes too
    /// early, which is to be left alone (RFC 3262 §4).
    pub(crate) fn receive_reliable(&mut self, number: u32) -> bool {
        let in_order = self
            .reliable
            .is_none_or(|last| last.checked_add(1) == Some(number));
        if in_order {
            self.reliable = Some(number);
        }
        in_order
    }

    pub(crate) fn remote_tag(&self) -> &Text {
        &self.remote_tag
    }

    /// The peer's Contact.
    pub(crate) fn target(&self) -> &Uri {
        &self.target
    }

    pub(crate) fn contact(&self) -> &Text {
        &self.contact
    }

    /// Our Contact says from now on that we are the focus of a conference (RFC 4579 §5.1).
    pub(crate) fn be_focus(&mut self) {
        if !is_focus(&self.contact) {
            self.contact = as_focus(&self.contact);
        }
    }

    pub(crate) fn next_hop(&self) -> Flow {
        self.next_hop.flow
    }

    /// Goes another way from now on if the stream that requests went over is closed.
    pub(crate) fn leave_closed_stream(&mut self, is_open: impl Fn(Flow) -> bool) {
        if let Some(written) = self.next_hop.written
            && !is_open(self.next_hop.flow)
        {
            self.next_hop = written.into();
        }
    }

    /// The CSeq of our next request.
    pub(crate) fn sequence_ahead(&self) -> u32 {
        self.local_sequence + 1
    }

    /// Our last request had this CSeq; the dialog was opened by a request of the peer's since.
    pub(crate) fn continue_after(&mut self, sequence: u32) {
        self.local_sequence = self.local_sequence.max(sequence);
        self.owns_call_id = true;
    }

    pub(crate) fn owns_call_id(&self) -> bool {
        self.owns_call_id
    }

    /// Notes the CSeq of a request of the peer's; `false` when it comes too late (§12.2.2).
    pub(crate) fn receive_sequence(&mut self, sequence: u32) -> bool {
        let in_order = self.remote_sequence.is_none_or(|last| sequence > last);
        if in_order {
            self.remote_sequence = Some(sequence);
        }
        in_order
    }

    /// A target refresh request came over `flow`: the NAT that its sender is behind may have given it
    /// another address by now, whatever becomes of the request.
    pub(crate) fn note_flow(&mut self, request: &Request, flow: Flow) {
        if self.is_seen_behind_nat(request) {
            self.next_hop = flow.into();
        }
    }

    fn is_seen_behind_nat(&self, request: &Request) -> bool {
        next_hop::is_behind_nat(&request.headers) && self.routes.is_empty()
    }

    /// Takes the peer's Contact from a target refresh request that is accepted (§12.2.2): one that is
    /// refused moves nothing (RFC 6141 §4). The next hop follows it; the route set stays.
    pub(crate) fn refresh_by_request(
        &mut self,
        request: &Request,
        flow: Flow,
        listeners: &[Listener],
    ) {
        if self.is_seen_behind_nat(request) {
            self.target = contact_uri(&request.headers).unwrap_or_else(|_| self.target.clone());
        } else {
            self.refresh_target(&request.headers, flow, listeners);
        }
    }

    /// Takes the peer's Contact from the 2xx to a target refresh request (§12.2.1.2).
    pub(crate) fn refresh_by_response(
        &mut self,
        response: &Response,
        flow: Flow,
        listeners: &[Listener],
    ) {
        self.refresh_target(&response.headers, flow, listeners);
    }

    fn refresh_target(&mut self, headers: &Headers, flow: Flow, listeners: &[Listener]) {
        if headers.contains(&HeaderName::Allow) {
            self.allows_update = lists(headers, &HeaderName::Allow, "UPDATE");
        }
        if let Ok(target) = contact_uri(headers)
            && target != self.target
        {
            self.target = target;
            if self.routes.is_empty() {
                self.next_hop = next_hop::choose(&self.target, flow, listeners);
            }
        }
    }

    /// A new number for a request of ours that later ones have overtaken; `None` if there were none.
    pub(crate) fn number_after(&mut self, sequence: u32) -> Option<u32> {
        (sequence < self.local_sequence).then(|| {
            self.local_sequence += 1;
            self.local_sequence
        })
    }

    /// The next request of ours in this dialog (§12.2.1.1).
    pub(crate) fn request(&mut self, method: Method, via: &Via) -> Request {
        self.local_sequence += 1;
        self.build(method, self.local_sequence, via)
    }

    /// The CSeq of the next request of ours, which is taken with it.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        self.local_sequence += 1;
        self.local_sequence
    }

    pub(crate) fn local_sequence(&self) -> u32 {
        self.local_sequence
    }

    /// The ACK to a 2xx to our INVITE with this CSeq (§13.2.2.4).
    pub(crate) fn ack(&self, sequence: u32, via: &Via) -> Request {
        self.build(Method::Ack, sequence, via)
    }

    fn build(&self, method: Method, sequence: u32, via: &Via) -> Request {
        // A strict router finds itself in the Request-URI, and the target at the end of the Route.
        let strict = self.routes.first().filter(|uri| !is_loose_router(uri));
        let (uri, routes, last) = match strict {
            Some(first) => (first, &self.routes[1..], Some(&self.target)),
            None => (&self.target, &self.routes[..], None),
        };
        let uri = match uri {
            Uri::Sip(uri) => Uri::Sip(uri.clone().for_request_line()),
            other => other.clone(),
        };
        let refreshes_target = matches!(
            method,
            Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
        );
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        headers.push_typed(via);
        headers.push_typed(&MaxForwards(70));
        for route in routes.iter().chain(last) {
            headers.push_typed(&header::Route(NameAddr::new(route.clone())));
        }
        headers.push(HeaderName::From, self.local.clone());
        headers.push(HeaderName::To, self.remote.clone());
        headers.push(HeaderName::CallId, self.call_id.clone());
        headers.push_typed(&CSeq { sequence, method });
        if refreshes_target {
            headers.push(HeaderName::Contact, self.contact.clone());
        }
        request
    }

    /// Who gets our requests first: the topmost route, or else the peer itself.
    fn first_hop(&self) -> &Uri {
        self.routes.first().unwrap_or(&self.target)
    }
}

fn is_loose_router(uri: &Uri) -> bool {
    uri.as_sip().is_some_and(|uri| uri.is_loose_router())
}

/// What Record-Route says, in its order.
fn recorded_routes(headers: &Headers) -> Result<Vec<Uri>, Error> {
    let mut routes = Vec::new();
    for route in headers.get_all_typed::<header::RecordRoute>() {
        if routes.len() == MAX_ROUTES {
            return Err(Error::TooManyRoutes);
        }
        routes.push(owned_uri(&route?.uri)?);
    }
    Ok(routes)
}

/// The feature parameter of a conference's focus (RFC 3840 §10, RFC 4579 §5.1).
const FOCUS: &str = ";isfocus";

/// A Contact of ours that says that we are a focus.
pub(crate) fn as_focus(contact: &str) -> Text {
    format!("{contact}{FOCUS}").into()
}

/// Whether a Contact of ours says so.
pub(crate) fn is_focus(contact: &str) -> bool {
    contact.ends_with(FOCUS)
}

/// Why no dialog can be opened with the sender of a request.
pub(crate) fn unopenable(request: &Request) -> Option<Error> {
    let headers = &request.headers;
    let from = headers.require::<header::From>();
    let target = from.and_then(|from| caller_uri(headers, &from));
    target.and_then(|_| recorded_routes(headers)).err()
}

/// Why the Contact of a request within a dialog can't be its target from now on. It may be left out.
pub(crate) fn unreachable(request: &Request) -> Option<Error> {
    match contact_uri(&request.headers) {
        Ok(_) | Err(Error::Missing(_)) => None,
        Err(error) => Some(error),
    }
}

/// Where the sender of a request that opens a dialog is reached.
fn caller_uri(headers: &Headers, from: &header::From) -> Result<Uri, Error> {
    match contact_uri(headers) {
        // A caller of RFC 2543's time need not say more than who it is (RFC 4475 §3.4.1).
        Err(Error::Missing(_)) if !headers.top_via()?.has_magic_cookie() => owned_uri(&from.uri),
        target => target,
    }
}

/// The Contact, which is a SIP or SIPS URI (§8.1.1.8, §12.1).
fn contact_uri(headers: &Headers) -> Result<Uri, Error> {
    let contact = headers.require::<Contact>()?;
    let address = contact
        .address()
        .ok_or(Error::Malformed(HeaderName::Contact))?;
    match &address.uri {
        Uri::Sip(_) => owned_uri(&address.uri),
        Uri::Tel(_) | Uri::Other(_) => Err(Error::NoSipUri(HeaderName::Contact)),
    }
}

/// A copy that doesn't share the datagram's bytes.
fn owned(text: &str) -> Text {
    text.to_owned().into()
}

fn owned_uri(uri: &Uri) -> Result<Uri, Error> {
    uri.to_string().parse()
}
