//! Content-Length (RFC 3261 §20.14).

use std::fmt;

use super::{Header, HeaderName};
use crate::{Error, Text, grammar};

/// The length of the body in bytes. Printing a message writes it; it needn't be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentLength(pub u32);

impl Header for ContentLength {
    const NAME: HeaderName = HeaderName::ContentLength;

    fn parse(value: &Text) -> Result<Self, Error> {
        Self::read(value, value)
    }

    fn read(_: &Text, value: &str) -> Result<Self, Error> {
        grammar::number(value)
            .map(Self)
            .ok_or_else(|| Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for ContentLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
