//! Challenges and the answers to them: WWW-Authenticate, Proxy-Authenticate, Authorization and
//! Proxy-Authorization (RFC 3261 §20.7, §20.27, §20.28, §20.44), and Authentication-Info
//! (RFC 7615 in place of §20.6).

use std::fmt;

use super::{AuthParams, Header, HeaderName, Rows};
use crate::grammar::{self, class};
use crate::{Error, Headers, Text};

/// A scheme, such as `Digest`, and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthValue {
    /// The scheme; it compares without regard to case.
    pub scheme: Text,
    /// The parameters.
    pub params: AuthParams,
}

impl AuthValue {
    /// The most that are read of one row.
    const MAX_IN_ROW: usize = 16;

    /// Of the scheme Digest.
    pub fn digest(params: AuthParams) -> Self {
        Self {
            scheme: Text::from_static("Digest"),
            params,
        }
    }

    /// Whether the scheme is Digest.
    pub fn is_digest(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Digest")
    }

    /// All that stand under `name`, in order. SIP wants each in a row of its own (RFC 3261
    /// §7.3.1), since commas separate parameters too; several in one row are told apart
    /// nevertheless. A row that can't be read is passed over.
    pub fn all(headers: &Headers, name: &HeaderName) -> Vec<Self> {
        headers
            .texts(name)
            .filter_map(|row| Self::read_row(&row))
            .flatten()
            .collect()
    }

    fn read_row(row: &Text) -> Option<Vec<Self>> {
        let mut values = Vec::new();
        let mut rest = grammar::trim(row);
        while !rest.is_empty() {
            let scheme = &rest[..class::run(rest.as_bytes(), 0, class::TOKEN)];
            let after = &rest[scheme.len()..];
            let ends = after.is_empty() || after.starts_with([' ', '\t', ',']);
            if scheme.is_empty() || !ends || values.len() == Self::MAX_IN_ROW {
                return None;
            }
            let (params, next) = AuthParams::read(row, after)?;
            values.push(Self {
                scheme: grammar::slice(row, scheme),
                params,
            });
            rest = next;
        }
        Some(values)
    }
}

impl fmt::Display for AuthValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.scheme, self.params)
    }
}

macro_rules! auth_headers {
    ($($(#[$doc:meta])* $header:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $header(pub AuthValue);

        impl Header for $header {
            const NAME: HeaderName = HeaderName::$header;

            fn parse(value: &Text) -> Result<Self, Error> {
                let mut values = AuthValue::read_row(value).unwrap_or_default();
                match (values.pop(), values.is_empty()) {
                    (Some(only), true) => Ok(Self(only)),
                    _ => Err(Error::Malformed(Self::NAME)),
                }
            }
        }

        impl fmt::Display for $header {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

auth_headers! {
    /// A user agent asks who it is (401).
    WwwAuthenticate;
    /// A proxy asks who it is (407).
    ProxyAuthenticate;
    /// The answer to WWW-Authenticate.
    Authorization;
    /// The answer to Proxy-Authenticate.
    ProxyAuthorization;
}

/// What a server says of itself after a successful answer: `nextnonce`, `rspauth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticationInfo(pub AuthParams);

impl Header for AuthenticationInfo {
    const NAME: HeaderName = HeaderName::AuthenticationInfo;
    const ROWS: Rows = Rows::Joined;

    fn parse(value: &Text) -> Result<Self, Error> {
        match AuthParams::read(value, value) {
            Some((params, "")) => Ok(Self(params)),
            _ => Err(Error::Malformed(Self::NAME)),
        }
    }
}

impl fmt::Display for AuthenticationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
