//! What tells transactions apart (RFC 3261 §17.1.3 and §17.2.3).

use std::fmt::Write;

use crate::header::{self, CSeq, CallId, Via};
use crate::{Method, Request, Response, Text};

/// A client transaction: the branch we made and the method, since a CANCEL has the branch of its
/// INVITE.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey {
    branch: Text,
    method: Method,
}

impl ClientKey {
    pub(crate) fn of_request(request: &Request) -> Option<Self> {
        let via = request.headers.top_via().ok()?;
        Some(Self {
            branch: via.params.get_text("branch")?,
            method: request.method.clone(),
        })
    }

    pub(crate) fn of_response(response: &Response) -> Option<Self> {
        let via = response.headers.top_via().ok()?;
        let cseq: CSeq = response.headers.require().ok()?;
        Some(Self {
            branch: via.params.get_text("branch")?,
            method: cseq.method,
        })
    }
}

/// A server transaction. With a branch by RFC 3261's rules: branch, sent-by and method; otherwise
/// what RFC 2543 had to compare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServerKey(Box<str>);

impl ServerKey {
    /// The transaction of a request; that of an ACK is its INVITE's.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        match request.method {
            Method::Ack => Self::with_method(request, &Method::Invite),
            _ => Self::with_method(request, &request.method),
        }
    }

    /// The transaction of the INVITE that a CANCEL is meant for (§9.2).
    pub(crate) fn of_cancelled(cancel: &Request) -> Option<Self> {
        Self::with_method(cancel, &Method::Invite)
    }

    fn with_method(request: &Request, method: &Method) -> Option<Self> {
        let via: Via = request.headers.top_via().ok()?;
        let mut key = String::with_capacity(96);
        // Writing to a String doesn't fail.
        if via.has_magic_cookie() {
            let (branch, port) = (via.branch().unwrap_or_default(), via.port_or_default());
            let _ = write!(key, "{branch} {} {port} {method}", via.host);
            key.make_ascii_lowercase();
        } else {
            let from: header::From = request.headers.require().ok()?;
            let call_id: CallId = request.headers.require().ok()?;
            let cseq: CSeq = request.headers.require().ok()?;
            let tag = from.tag().unwrap_or_default();
            let (branch, port) = (via.branch().unwrap_or_default(), via.port_or_default());
            let _ = write!(
                key,
                "{} {tag} {call_id} {} {method} {branch} {} {port}",
                request.uri, cseq.sequence, via.host
            );
        }
        Some(Self(key.into()))
    }
}

/// What two requests share that are one request which came twice, by different ways (§8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MergeKey(Box<str>);

impl MergeKey {
    /// `None` for a request within a dialog, and for ACK and CANCEL.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        let to: header::To = request.headers.require().ok()?;
        if to.tag().is_some() || matches!(request.method, Method::Ack | Method::Cancel) {
            return None;
        }
        let from: header::From = request.headers.require().ok()?;
        let call_id: CallId = request.headers.require().ok()?;
        let cseq: CSeq = request.headers.require().ok()?;
        let tag = from.tag().unwrap_or_default();
        Some(Self(format!("{tag} {call_id} {cseq}").into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn request(method: &str, via: &str) -> Request {
        let text = format!(
            "{method} sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP {via}\r\nFrom: <sip:c@d>;tag=1\r\n\
             To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 {method}\r\n\r\n"
        );
        match Message::parse(&text.into()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_branch_by_the_rules_tells_transactions_apart_with_sent_by_and_method() {
        let key = |method, via| ServerKey::of(&request(method, via)).unwrap();
        let invite = key("INVITE", "d;branch=z9hG4bK1");
        assert_eq!(invite, key("INVITE", "D:5060;branch=z9hG4bK1;rport"));
        assert_eq!(invite, key("ACK", "d;branch=z9hG4bK1"));
        assert_ne!(invite, key("CANCEL", "d;branch=z9hG4bK1"));
        assert_ne!(invite, key("INVITE", "e;branch=z9hG4bK1"));
        assert_ne!(invite, key("INVITE", "d;branch=z9hG4bK2"));
        let cancel = request("CANCEL", "d;branch=z9hG4bK1");
        assert_eq!(ServerKey::of_cancelled(&cancel), Some(invite));
    }

    #[test]
    fn old_branches_are_helped_by_call_id_cseq_and_tag() {
        let key = |text: &str| {
            let mut request = request("INVITE", "d;branch=1");
            request.headers.set(crate::HeaderName::CallId, text);
            ServerKey::of(&request).unwrap()
        };
        assert_eq!(key("x"), key("x"));
        assert_ne!(key("x"), key("y"));
    }

    #[test]
    fn a_merged_request_differs_in_its_branch_only() {
        let one = request("OPTIONS", "d;branch=z9hG4bK1");
        let other = request("OPTIONS", "d;branch=z9hG4bK2");
        assert_ne!(ServerKey::of(&one), ServerKey::of(&other));
        assert_eq!(MergeKey::of(&one), MergeKey::of(&other));
        assert!(MergeKey::of(&one).is_some());
        assert_eq!(MergeKey::of(&request("ACK", "d;branch=z9hG4bK1")), None);
    }
}
