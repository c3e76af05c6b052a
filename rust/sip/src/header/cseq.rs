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
        Self::read(value, value)
    }

    fn read(whole: &Text, value: &str) -> Result<Self, Error> {
        let read = || {
            let (sequence, method) = Self::parts(value)?;
            Some(Self {
                sequence,
                method: Method::read(whole, method)?,
            })
        };
        match read() {
            Some(cseq) => Ok(cseq),
            None => Err(Error::Malformed(Self::NAME)),
        }
    }
}

impl CSeq {
    /// The method that a value names, if it can be read.
    pub(crate) fn method_of(value: &str) -> Option<&str> {
        let (_, method) = Self::parts(value)?;
        grammar::is_token(method).then_some(method)
    }

    fn parts(value: &str) -> Option<(u32, &str)> {
        let blank = value.bytes().position(|b| matches!(b, b' ' | b'\t'))?;
        let sequence = grammar::number(&value[..blank]).filter(|s| *s < 1 << 31)?;
        Some((sequence, grammar::trim(&value[blank..])))
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequence, self.method)
    }
}
