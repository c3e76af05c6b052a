//! Content-Type (RFC 3261 §20.15).

use std::fmt;

use super::{Header, HeaderName, Params};
use crate::{Error, Text, Token, grammar};

/// What the body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    kind: Token,
    subtype: Token,
    /// The parameters, such as `boundary`.
    pub params: Params,
}

impl ContentType {
    /// Whether the media type is `essence`, such as `application/sdp`, in any case.
    pub fn is(&self, essence: &str) -> bool {
        essence.split_once('/').is_some_and(|(kind, subtype)| {
            self.kind.as_str().eq_ignore_ascii_case(kind)
                && self.subtype.as_str().eq_ignore_ascii_case(subtype)
        })
    }
}

impl ContentType {
    /// Whether this is a body of several parts, `multipart/…`.
    pub fn is_multipart(&self) -> bool {
        self.kind.as_str().eq_ignore_ascii_case("multipart")
    }
}

impl Header for ContentType {
    const NAME: HeaderName = HeaderName::ContentType;

    fn parse(value: &Text) -> Result<Self, Error> {
        let read = || {
            let (essence, params) = grammar::cut_params(value);
            let (kind, subtype) = essence.split_once('/')?;
            Some(Self {
                kind: Token::new(grammar::slice(value, grammar::trim(kind)))?,
                subtype: Token::new(grammar::slice(value, grammar::trim(subtype)))?,
                params: Params::parse(value, params)?,
            })
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}
