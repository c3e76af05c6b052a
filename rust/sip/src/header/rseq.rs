//! RSeq (RFC 3262 §7.1).

use std::fmt;

use super::{Header, HeaderName};
use crate::{Error, Text, grammar};

/// The number of a provisional response that is sent reliably, 1 to 2³² − 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RSeq(pub u32);

impl Header for RSeq {
    const NAME: HeaderName = HeaderName::RSeq;

    fn parse(value: &Text) -> Result<Self, Error> {
        grammar::number(value)
            .filter(|number| *number != 0)
            .map(Self)
            .ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for RSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
