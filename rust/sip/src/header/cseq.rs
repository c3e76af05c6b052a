//! CSeq (RFC 3261 §20.16).

use std::fmt;

use super::{Header, HeaderName};
use crate::{Error, Method, Text, grammar};

/// The request's place in its dialog, and its method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2³¹ (§8.1.1.5).
    pub sequence: u32,
    /// The request's method.
    pub method: Method,
}

impl Header for CSeq {
    const NAME: HeaderName = HeaderName::CSeq;

    fn parse(value: &Text) -> Result<Self, Error> {
        let read = || {
            let (sequence, method) = value.split_once(grammar::BLANKS)?;
            Some(Self {
                sequence: grammar::number(sequence).filter(|s| *s < 1 << 31)?,
                method: Method::read(value, grammar::trim(method))?,
            })
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, self.method)
    }
}
