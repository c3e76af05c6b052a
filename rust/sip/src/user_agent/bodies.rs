//! What is asked of bodies (RFC 3261 §8.2.3) and of what they may be answered with.

use super::arrival::bad_request;
use super::{Reply, UserAgent};
use crate::header::{Accept, ContentType, HeaderName};
use crate::{Headers, Request, StatusCode};

impl UserAgent {
    /// Why the body of an INVITE can't be taken, or answered.
    pub(super) fn refusal_of_body(&self, request: &Request) -> Option<Reply> {
        let headers = &request.headers;
        if !request.body.is_empty() {
            let kind = match headers.get_typed::<ContentType>() {
                Some(Err(error)) => return Some(bad_request(&error)),
                Some(Ok(kind)) => Some(kind),
                None => None,
            };
            let accepted = |kind: ContentType| self.config.accept.iter().any(|a| kind.is(a));
            let plain = headers
                .get(&HeaderName::ContentEncoding)
                .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
            if !(kind.is_some_and(accepted) && plain) {
                return Some(self.unsupported_media_type(plain));
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
    fn unsupported_media_type(&self, plain: bool) -> Reply {
        let mut headers = Headers::new();
        headers.push(HeaderName::Accept, self.config.accept.join(", "));
        if !plain {
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
