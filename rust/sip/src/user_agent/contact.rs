//! Our Contact: the address at which requests of a dialog reach us, with the transport that they
//! take.

use super::{OutgoingRequest, UserAgent};
use crate::header::{Contact, HeaderName, NameAddr, RecordRoute};
use crate::transaction::listener::local_for;
use crate::transaction::{Flow, Transport};
use crate::{Headers, Method, Request, SipUri, Text, Uri};

impl UserAgent {
    /// The Contact that brings requests back over the transport of this flow.
    pub(super) fn contact(&self, flow: Flow, user: Option<&str>) -> Text {
        let (host, port) = self.own_address(flow);
        let uri = SipUri::at(user.unwrap_or_default(), &host, port);
        let uri = match flow.transport {
            Transport::Udp => uri,
            other => uri.with_param("transport", other.name()),
        };
        NameAddr::new(uri).to_string().into()
    }

    /// The same, or with `secure` a SIPS URI if TLS reaches us.
    pub(super) fn contact_for(&self, flow: Flow, user: Option<&str>, secure: bool) -> Text {
        let tls = match flow.transport {
            Transport::Tls => Some(flow.local),
            _ => local_for(&self.config.listeners, Transport::Tls, flow.local.ip()),
        };
        let (true, Some(local)) = (secure, tls) else {
            return self.contact(flow, user);
        };
        let tls = Flow {
            transport: Transport::Tls,
            local,
            ..flow
        };
        let (host, port) = self.own_address(tls);
        let uri = SipUri::at(user.unwrap_or_default(), &host, port).with_secure(true);
        NameAddr::new(uri).to_string().into()
    }

    /// Our Contact in the answer to a request that opens a dialog, under the name that it asks for.
    pub(super) fn contact_in_answer(&self, request: &Request, flow: Flow) -> Text {
        let user = request.uri.user();
        self.contact_for(flow, user.as_deref(), answers_securely(request))
    }
}

fn is_sips(uri: &Uri) -> bool {
    uri.as_sip().is_some_and(SipUri::is_secure)
}

/// Spares most requests the parsing.
fn mentions_sips(row: &str) -> bool {
    row.as_bytes()
        .windows(5)
        .any(|window| window.eq_ignore_ascii_case(b"sips:"))
}

/// Whether the answer to a request that opens a dialog must have a SIPS Contact (RFC 3261
/// §12.1.1).
fn answers_securely(request: &Request) -> bool {
    if is_sips(&request.uri) {
        return true;
    }
    let headers = &request.headers;
    let mentioned = [HeaderName::RecordRoute, HeaderName::Contact]
        .iter()
        .flat_map(|name| headers.get_all(name))
        .any(mentions_sips);
    if !mentioned {
        return false;
    }
    if let Some(Ok(route)) = headers.get_all_typed::<RecordRoute>().next() {
        return is_sips(&route.uri);
    }
    let contact = headers.get_typed::<Contact>().and_then(Result::ok);
    contact.is_some_and(|contact| {
        contact
            .address()
            .is_some_and(|address| is_sips(&address.uri))
    })
}

/// Whether a request of ours outside dialogs says where we are: not where it must not (RFC 3428 §4) or
/// it means nothing (RFC 3903 §4), and not where that of the layer above counts, or that there is none:
/// REGISTER would bind it.
pub(super) fn has_ours(method: &Method, headers: &Headers) -> bool {
    let has_none = matches!(method, Method::Message | Method::Publish | Method::Register);
    !(has_none || headers.contains(&HeaderName::Contact))
}

/// Whether our own request must have a SIPS Contact (RFC 3261 §8.1.1.8).
pub(super) fn asks_securely(request: &OutgoingRequest) -> bool {
    is_sips(&request.uri) || request.route.first().is_some_and(is_sips)
}
