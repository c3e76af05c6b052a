//! RAck (RFC 3262 §7.2).

use std::fmt;

use super::{Header, HeaderName};
use crate::{Error, Method, Text, grammar};

/// Which provisional response a PRACK acknowledges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    /// The RSeq of the response.
    pub response: u32,
    /// The sequence number in its CSeq.
    pub sequence: u32,
    /// The method in its CSeq.
    pub method: Method,
}

impl Header for RAck {
    const NAME: HeaderName = HeaderName::RAck;

    fn parse(value: &Text) -> Result<Self, Error> {
        let mut words = value.split_ascii_whitespace();
        let mut read = || {
            let rack = Self {
                response: grammar::number(words.next()?)?,
                sequence: grammar::number(words.next()?)?,
                method: Method::read(value, words.next()?)?,
            };
            words.next().is_none().then_some(rack)
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.response, self.sequence, self.method)
    }
}
