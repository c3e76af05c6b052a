//! The headers that hold an address: `name-addr` or `addr-spec` with parameters (RFC 3261 §20.10).

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{Header, HeaderName, Params, Rows};
use crate::{Error, Text, Uri, grammar};

/// A URI with an optional display name and parameters of the header it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// As on the wire, quotes included; empty when there is none.
    display: Text,
    /// The address.
    pub uri: Uri,
    /// The header's parameters.
    pub params: Params,
}

impl NameAddr {
    /// The address alone.
    pub fn new(uri: impl Into<Uri>) -> Self {
        Self {
            display: Text::new(),
            uri: uri.into(),
            params: Params::new(),
        }
    }

    /// With a display name, which may hold any characters; an empty one takes it away.
    pub fn with_display_name(mut self, name: &str) -> Self {
        self.display = if name.is_empty() {
            Text::new()
        } else {
            grammar::quote(name).into()
        };
        self
    }

    /// With a parameter; an empty value leaves the name alone.
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.set(name, value);
        self
    }

    /// With a tag.
    pub fn with_tag(self, tag: &str) -> Self {
        self.with_param("tag", tag)
    }

    /// The display name without quotes and backslashes.
    pub fn display_name(&self) -> Option<Cow<'_, str>> {
        Some(grammar::unquote(&self.display)).filter(|name| !name.is_empty())
    }

    /// `tag`, one side of a dialog's id.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// Reads a `name-addr` or an `addr-spec` with its parameters; `header` is named in the error.
    pub fn parse(value: &Text, header: HeaderName) -> Result<Self, Error> {
        let malformed = || Error::Malformed(header.clone());
        let after_quotes = match value.starts_with('"') {
            true => grammar::quoted_len(value).ok_or_else(malformed)?,
            false => 0,
        };
        let (display, uri, params) = match memchr::memchr(b'<', &value.as_bytes()[after_quotes..]) {
            Some(open) => {
                let open = after_quotes + open;
                let close =
                    memchr::memchr(b'>', &value.as_bytes()[open..]).ok_or_else(malformed)?;
                let display = grammar::trim(&value[..open]);
                if after_quotes > 0 && after_quotes != display.len() {
                    return Err(malformed());
                }
                // Outside quotes only tokens are allowed, but phones write any script there.
                if after_quotes == 0 && display.bytes().any(|b| b"\",;:@>".contains(&b)) {
                    return Err(malformed());
                }
                (
                    display,
                    &value[open + 1..open + close],
                    &value[open + close + 1..],
                )
            }
            None if after_quotes > 0 => return Err(malformed()),
            None => {
                // Without brackets a semicolon starts the header's own parameters (§20).
                let (uri, params) = grammar::cut_params(value);
                if uri.bytes().any(|b| matches!(b, b'?' | b',')) {
                    return Err(malformed());
                }
                ("", grammar::trim(uri), params)
            }
        };
        Ok(Self {
            uri: Uri::read(grammar::slice(value, uri)).map_err(|_| malformed())?,
            params: Params::parse(value, params).ok_or_else(malformed)?,
            display: grammar::slice(value, display),
        })
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.display.is_empty() {
            write!(f, "{} ", self.display)?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

macro_rules! name_addr_headers {
    ($($(#[$doc:meta])* $header:ident $rows:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $header(pub NameAddr);

        impl Header for $header {
            const NAME: HeaderName = HeaderName::$header;
            const ROWS: Rows = Rows::$rows;

            fn parse(value: &Text) -> Result<Self, Error> {
                NameAddr::parse(value, Self::NAME).map(Self)
            }
        }

        impl Deref for $header {
            type Target = NameAddr;

            fn deref(&self) -> &NameAddr {
                &self.0
            }
        }

        impl DerefMut for $header {
            fn deref_mut(&mut self) -> &mut NameAddr {
                &mut self.0
            }
        }

        impl fmt::Display for $header {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

name_addr_headers! {
    /// Who the request comes from (RFC 3261 §20.20).
    From One;
    /// Whom the request is for (RFC 3261 §20.39).
    To One;
    /// A proxy the request is to pass (RFC 3261 §20.34).
    Route List;
    /// A proxy that wants to stay in the path of the dialog (RFC 3261 §20.30).
    RecordRoute List;
    /// Who the network says the caller is (RFC 3325).
    PAssertedIdentity List;
    /// Whom to call (RFC 3515).
    ReferTo One;
    /// Who asked for the call (RFC 3892).
    ReferredBy One;
}
