//! Call-ID (RFC 3261 §20.8).

use std::fmt;

use super::{Found, Header, HeaderName, Pieces, Sound};
use crate::{Error, Text, grammar};

/// The id that all requests and responses of a call share. Case counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Text);

impl CallId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Header for CallId {
    const NAME: HeaderName = HeaderName::CallId;

    fn parse(value: &Text) -> Result<Self, Error> {
        Self::read(value, value)
    }

    fn read(whole: &Text, value: &str) -> Result<Self, Error> {
        match Self::is_sound(value) {
            true => Ok(Self(grammar::slice(whole, value))),
            false => Err(Error::Malformed(Self::NAME)),
        }
    }

    #[inline]
    fn read_found(whole: &Text, value: &str, found: &Found) -> Result<Self, Error> {
        match found.0 {
            Pieces::Sound => Ok(Self(grammar::slice(whole, value))),
            _ => Self::read(whole, value),
        }
    }
}

impl Sound for CallId {
    /// Wider than `word [ "@" word ]`: the id is only ever compared and sent back.
    fn is_sound(value: &str) -> bool {
        !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic() || b >= 0x80)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
