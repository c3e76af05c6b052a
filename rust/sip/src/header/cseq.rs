//! CSeq (RFC 3261 §20.16).

use std::fmt;

use super::{Found, Header, HeaderName, Pieces};
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

    #[inline]
    fn read_found(whole: &Text, value: &str, found: &Found) -> Result<Self, Error> {
        if let Pieces::CSeq { sequence, method } = found.0
            && let Some(method) = Method::read(whole, &value[usize::from(method)..])
        {
            return Ok(Self { sequence, method });
        }
        Self::read(whole, value)
    }
}

impl CSeq {
    /// Looks at a value: the method that it names, and where that is.
    pub(crate) fn find(value: &str) -> Option<(&str, Found)> {
        let (sequence, method) = Self::parts(value)?;
        if !grammar::is_token(method) {
            return None;
        }
        let found = match u16::try_from(value.len() - method.len()) {
            Ok(method) => Pieces::CSeq { sequence, method },
            Err(_) => Pieces::Unknown,
        };
        Some((method, Found(found)))
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
