//! What is asked of bodies (RFC 3261 §8.2.3) and of what they may be answered with.

use bytes::Bytes;

use super::arrival::bad_request;
use super::{Reply, UserAgent};
use crate::body::{self, Session};
use crate::header::{Accept, ContentType, HeaderName};
use crate::{Error, Headers, Request, StatusCode};

impl UserAgent {
    /// Puts the session's description in the place of a body in which it is one part among others
    /// (RFC 5621), and takes away a body that nobody has to understand. A body that has to be
    /// refused stays as it is, unless its message can't be refused.
    pub(super) fn unwrap_session(
        &self,
        headers: &mut Headers,
        content: &mut Bytes,
        cannot_be_refused: bool,
    ) {
        if content.is_empty() {
            return;
        }
        let kind = headers.get_typed::<ContentType>();
        let is_wrapped = matches!(kind, Some(Ok(ref kind)) if kind.is_multipart())
            || headers.contains(&HeaderName::ContentDisposition);
        if !is_wrapped {
            return;
        }
        match self.session_in(headers, content) {
            Ok(Session::Description(kind, description)) => {
                headers.set(HeaderName::ContentType, kind);
                *content = description;
            }
            Ok(Session::None) => forget(headers, content),
            _ if cannot_be_refused => forget(headers, content),
            _ => {}
        }
    }

    fn session_in(&self, headers: &Headers, content: &Bytes) -> Result<Session, Error> {
        let is_known = |kind: &ContentType| self.config.accept.iter().any(|a| kind.is(a));
        body::session(headers, content, &is_known)
    }

    /// Why the body of an INVITE can't be taken, or answered.
    pub(super) fn refusal_of_body(&self, request: &Request) -> Option<Reply> {
        let headers = &request.headers;
        if !request.body.is_empty() {
            match self.session_in(headers, &request.body) {
                Err(error) => return Some(bad_request(&error)),
                Ok(Session::Unsupported) => return Some(self.unsupported_media_type(headers)),
                Ok(Session::None | Session::Description(..)) => {}
            }
        }
        match headers.get_typed::<Accept>() {
            None => None,
            Some(Err(error)) => Some(bad_request(&error)),
            Some(Ok(accept)) if self.config.accept.iter().any(|a| accept.accepts(a)) => None,
            Some(Ok(_)) => Some(self.not_acceptable()),
        }
    }

    /// 415, with what would be taken.
    fn unsupported_media_type(&self, asked: &Headers) -> Reply {
        let mut headers = Headers::new();
        headers.push(HeaderName::Accept, self.config.accept.join(", "));
        if asked.contains(&HeaderName::ContentEncoding) {
            headers.push(HeaderName::AcceptEncoding, "identity");
        }
        Reply::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with_headers(headers)
    }

    /// 406: no body of ours would be taken (RFC 4475 §3.3.15).
    fn not_acceptable(&self) -> Reply {
        let types = self.config.accept.join(", ");
        let warning = format!("399 uas \"only {types} can be sent\"");
        let mut headers = Headers::new();
        headers.push(HeaderName::Warning, warning);
        Reply::new(StatusCode::NOT_ACCEPTABLE).with_headers(headers)
    }
}

fn forget(headers: &mut Headers, content: &mut Bytes) {
    headers.remove(&HeaderName::ContentType);
    *content = Bytes::new();
}
