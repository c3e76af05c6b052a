//! The headers that hold an address: `name-addr` or `addr-spec` with parameters (RFC 3261 §20.10).

use std::borrow::Cow;
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{Found, Header, HeaderName, Params, Pieces, Place, Rows};
use crate::uri::SipPlaces;
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
        Self::read(value, value).ok_or(Error::Malformed(header))
    }

    /// [`NameAddr::parse`] for a piece of a longer text.
    #[inline]
    pub(crate) fn read(whole: &Text, value: &str) -> Option<Self> {
        let parts = Parts::of(value)?;
        Some(Self {
            uri: Uri::read(grammar::slice(whole, parts.uri)).ok()?,
            params: Params::parse(whole, parts.params)?,
            display: grammar::slice(whole, parts.display),
        })
    }

    /// [`NameAddr::read`] for a value whose pieces have been found.
    #[inline]
    fn at(whole: &Text, value: &str, places: &AddressPlaces) -> Self {
        Self {
            uri: Uri::found(places.uri.slice(whole, value), places.parts),
            params: Params::checked(places.params.slice(whole, value)),
            display: places.display.slice(whole, value),
        }
    }
}

/// Where the pieces of an address are that is sound and has a URI of SIP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressPlaces {
    display: Place,
    uri: Place,
    parts: SipPlaces,
    params: Place,
}

/// Looks at a value: `None` when it is no address.
pub(crate) fn find_address(value: &str) -> Option<Found> {
    let pieces = Parts::of(value)?;
    let params = grammar::trim(pieces.params);
    let parts = Uri::find(pieces.uri)?;
    if !Params::are_params(params) {
        return None;
    }
    let places = || {
        Some(AddressPlaces {
            display: Place::of(value, pieces.display)?,
            uri: Place::of(value, pieces.uri)?,
            parts: parts?.places()?,
            params: Place::of(value, params)?,
        })
    };
    Some(Found(places().map_or(Pieces::Unknown, Pieces::Address)))
}

/// Where the pieces of an address are; the URI and the parameters are yet to be read.
struct Parts<'a> {
    display: &'a str,
    uri: &'a str,
    params: &'a str,
}

impl<'a> Parts<'a> {
    #[inline]
    fn of(value: &'a str) -> Option<Self> {
        let bytes = value.as_bytes();
        let open = match bytes.first()? {
            b'<' => 0,
            b'"' => {
                let open = grammar::skip_blanks(bytes, grammar::quoted_len(value)?);
                (bytes.get(open) == Some(&b'<')).then_some(open)?
            }
            _ => match memchr::memchr(b'<', bytes) {
                Some(open) => {
                    // Outside quotes only tokens are allowed, but phones write any script there.
                    let display = &bytes[..open];
                    if display.iter().any(|b| b"\",;:@>".contains(b)) {
                        return None;
                    }
                    open
                }
                None => {
                    // Without brackets a semicolon starts the header's own parameters (§20).
                    let (uri, params) = grammar::cut_params(value);
                    if uri.bytes().any(|b| matches!(b, b'?' | b',')) {
                        return None;
                    }
                    return Some(Self {
                        display: "",
                        uri: grammar::trim(uri),
                        params,
                    });
                }
            },
        };
        let close = open + memchr::memchr(b'>', &bytes[open..])?;
        Some(Self {
            display: grammar::trim(&value[..open]),
            uri: &value[open + 1..close],
            params: &value[close + 1..],
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
                Self::read(value, value)
            }

            #[inline]
            fn read(whole: &Text, value: &str) -> Result<Self, Error> {
                match NameAddr::read(whole, value) {
                    Some(address) => Ok(Self(address)),
                    None => Err(Error::Malformed(Self::NAME)),
                }
            }

            #[inline]
            fn read_found(whole: &Text, value: &str, found: &Found) -> Result<Self, Error> {
                match &found.0 {
                    Pieces::Address(places) => Ok(Self(NameAddr::at(whole, value, places))),
                    _ => Self::read(whole, value),
                }
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
    /// The way that a registrar's user is to take (RFC 3608).
    ServiceRoute List;
    /// Who the network says the caller is (RFC 3325).
    PAssertedIdentity List;
    /// Whom to call (RFC 3515).
    ReferTo One;
    /// Who asked for the call (RFC 3892).
    ReferredBy One;
}
