//! Contact (RFC 3261 §20.10).

use std::fmt;

use super::{Header, HeaderName, NameAddr, Rows};
use crate::{Error, Text, grammar};

/// Where its sender can be reached directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// `*`: all bindings, in a REGISTER that removes them.
    Any,
    /// An address.
    Address(NameAddr),
}

impl Contact {
    /// The address, unless this is `*`.
    pub fn address(&self) -> Option<&NameAddr> {
        match self {
            Self::Any => None,
            Self::Address(address) => Some(address),
        }
    }

    /// `expires`, in seconds.
    pub fn expires(&self) -> Option<u32> {
        self.address()?
            .params
            .get("expires")
            .and_then(grammar::number)
    }

    /// `q`, the preference among several, 0 to 1000 thousandths (RFC 3261 §25.1 `qvalue`).
    pub fn q(&self) -> Option<u16> {
        let q = self.address()?.params.get("q")?;
        let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
        let whole: u16 = grammar::number(whole).filter(|w| *w <= 1)?;
        let thousandths = match fraction.len() {
            0 => 0,
            digits @ 1..=3 => grammar::number::<u16>(fraction)? * [100, 10, 1][digits - 1],
            _ => return None,
        };
        Some(whole * 1000 + thousandths).filter(|q| *q <= 1000)
    }
}

impl Header for Contact {
    const NAME: HeaderName = HeaderName::Contact;
    const ROWS: Rows = Rows::List;

    fn parse(value: &Text) -> Result<Self, Error> {
        Self::read(value, value)
    }

    #[inline]
    fn read(whole: &Text, value: &str) -> Result<Self, Error> {
        if value == "*" {
            return Ok(Self::Any);
        }
        match NameAddr::read(whole, value) {
            Some(address) => Ok(Self::Address(address)),
            None => Err(Error::Malformed(Self::NAME)),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Address(address) => address.fmt(f),
        }
    }
}
