//! Expires (RFC 3261 §20.19).

use std::fmt;

use super::{Header, HeaderName};
use crate::{Error, Text, grammar};

/// How long something holds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expires(pub u32);

impl Header for Expires {
    const NAME: HeaderName = HeaderName::Expires;

    fn parse(value: &Text) -> Result<Self, Error> {
        grammar::number(value)
            .map(Self)
            .ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for Expires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
