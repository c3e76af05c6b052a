//! Call-Info (RFC 3261 §20.9).

use std::fmt;

use super::{Header, HeaderName, Params, Rows};
use crate::{Error, Text, Uri, grammar};

/// A resource that tells more about the caller, the callee or the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// Where the resource is.
    pub uri: Uri,
    /// The parameters, `purpose` among them.
    pub params: Params,
}

impl CallInfo {
    /// A resource of this purpose: `icon`, `info`, `card` or another token.
    pub fn new(uri: Uri, purpose: &str) -> Self {
        let mut params = Params::new();
        params.set("purpose", purpose);
        Self { uri, params }
    }

    /// `purpose`, what the resource is for.
    pub fn purpose(&self) -> Option<&str> {
        self.params.get("purpose")
    }
}

impl Header for CallInfo {
    const NAME: HeaderName = HeaderName::CallInfo;
    const ROWS: Rows = Rows::List;

    fn parse(value: &Text) -> Result<Self, Error> {
        let read = || {
            let (uri, params) = value.strip_prefix('<')?.split_once('>')?;
            Some(Self {
                uri: Uri::read(grammar::slice(value, uri)).ok()?,
                params: Params::parse(value, params)?,
            })
        };
        read().ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.uri, self.params)
    }
}
