//! Max-Forwards (RFC 3261 §20.22).

use std::fmt;

use super::{Header, HeaderName, Sound};
use crate::{Error, Text, grammar};

/// How many more hops the request may take, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxForwards(pub u8);

impl Header for MaxForwards {
    const NAME: HeaderName = HeaderName::MaxForwards;

    fn parse(value: &Text) -> Result<Self, Error> {
        grammar::number(value)
            .map(Self)
            .ok_or(Error::Malformed(Self::NAME))
    }
}

impl Sound for MaxForwards {
    fn is_sound(value: &str) -> bool {
        grammar::number::<u8>(value).is_some()
    }
}

impl fmt::Display for MaxForwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
