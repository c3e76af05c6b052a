//! Content-Disposition (RFC 3261 §20.11).

use std::fmt;

use super::{Header, HeaderName, Params};
use crate::{Error, Text, Token, grammar};

/// What a body, or a part of one, is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDisposition {
    kind: Token,
    /// The parameters, `handling` among them.
    pub params: Params,
}

impl ContentDisposition {
    /// Whether it is for `kind`, such as `session`, in any case.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_str().eq_ignore_ascii_case(kind)
    }

    /// Whether who doesn't understand the body has to refuse the message. That is so unless it
    /// says otherwise.
    pub fn is_required(&self) -> bool {
        let handling = self.params.get("handling");
        !handling.is_some_and(|handling| handling.eq_ignore_ascii_case("optional"))
    }
}

impl Header for ContentDisposition {
    const NAME: HeaderName = HeaderName::ContentDisposition;

    fn parse(value: &Text) -> Result<Self, Error> {
        let read = || {
            let (kind, params) = grammar::cut_params(value);
            Some(Self {
                kind: Token::new(grammar::slice(value, grammar::trim(kind)))?,
                params: Params::parse(value, params)?,
            })
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, self.params)
    }
}
