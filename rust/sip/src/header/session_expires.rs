//! Session-Expires and Min-SE (RFC 4028 §4 and §5).

use std::fmt;

use super::{Header, HeaderName, Params};
use crate::{Error, Text, grammar};

/// Who refreshes a session: the sender of the request that this is about, or its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// Whoever sent the request.
    Uac,
    /// Whoever answers it.
    Uas,
}

impl Refresher {
    fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

/// After how long a session ends that nobody refreshes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// The interval in seconds.
    pub seconds: u32,
    /// `refresher` and parameters of extensions.
    pub params: Params,
}

impl SessionExpires {
    /// An interval, and who is to refresh.
    pub fn new(seconds: u32, refresher: Option<Refresher>) -> Self {
        let mut params = Params::new();
        if let Some(refresher) = refresher {
            params.set("refresher", refresher.as_str());
        }
        Self { seconds, params }
    }

    /// Who is to refresh, if it says so.
    pub fn refresher(&self) -> Option<Refresher> {
        let value = self.params.get("refresher")?;
        [Refresher::Uac, Refresher::Uas]
            .into_iter()
            .find(|refresher| value.eq_ignore_ascii_case(refresher.as_str()))
    }
}

impl Header for SessionExpires {
    const NAME: HeaderName = HeaderName::SessionExpires;

    fn parse(value: &Text) -> Result<Self, Error> {
        let (seconds, params) = seconds_and_params(value).ok_or(Error::Malformed(Self::NAME))?;
        Ok(Self { seconds, params })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params)
    }
}

/// The shortest interval that its sender, or a proxy on the way, puts up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinSe(pub u32);

impl Header for MinSe {
    const NAME: HeaderName = HeaderName::MinSe;

    fn parse(value: &Text) -> Result<Self, Error> {
        let (seconds, _) = seconds_and_params(value).ok_or(Error::Malformed(Self::NAME))?;
        Ok(Self(seconds))
    }
}

impl fmt::Display for MinSe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn seconds_and_params(value: &Text) -> Option<(u32, Params)> {
    let (seconds, params) = grammar::cut_params(value);
    let seconds = grammar::number(grammar::trim(seconds))?;
    Some((seconds, Params::parse(value, params)?))
}
