//! Reason (RFC 3326).

use std::borrow::Cow;
use std::fmt;

use super::{Header, HeaderName, Params, Rows};
use crate::{Error, Text, Token, grammar};

/// Why the request was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What the cause counts in: `SIP`, `Q.850` …
    pub protocol: Token,
    /// The parameters, `cause` and `text` among them.
    pub params: Params,
}

impl Reason {
    /// `cause`: a status code or a Q.850 cause value.
    pub fn cause(&self) -> Option<u16> {
        self.params.get("cause").and_then(grammar::number)
    }

    /// `text`, for people.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        self.params.get_unquoted("text")
    }
}

impl Header for Reason {
    const NAME: HeaderName = HeaderName::Reason;
    const ROWS: Rows = Rows::List;

    fn parse(value: &Text) -> Result<Self, Error> {
        let read = || {
            let (protocol, params) = grammar::cut_params(value);
            Some(Self {
                protocol: Token::new(grammar::slice(value, grammar::trim(protocol)))?,
                params: Params::parse(value, params)?,
            })
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.protocol, self.params)
    }
}
