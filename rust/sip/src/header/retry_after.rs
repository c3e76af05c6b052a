//! Retry-After (RFC 3261 §20.33).

use std::fmt;

use super::{Header, HeaderName, Params};
use crate::{Error, Text, grammar};

/// When to try again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryAfter {
    /// After this many seconds.
    pub seconds: u32,
    /// Parameters such as `duration`.
    pub params: Params,
}

impl RetryAfter {
    /// Try again after `seconds`.
    pub fn new(seconds: u32) -> Self {
        Self {
            seconds,
            params: Params::new(),
        }
    }
}

impl Header for RetryAfter {
    const NAME: HeaderName = HeaderName::RetryAfter;

    fn parse(value: &Text) -> Result<Self, Error> {
        let read = || {
            let (seconds, params) = grammar::cut_params(value);
            // A comment, as in `18000 (in a meeting)`, is for people.
            let seconds = seconds
                .split_once('(')
                .map_or(seconds, |(seconds, _)| seconds);
            Some(Self {
                seconds: grammar::number(grammar::trim(seconds))?,
                params: Params::parse(value, params)?,
            })
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params)
    }
}
