//! SIP and SIPS URIs (RFC 3261 §19.1) and telephone numbers (RFC 3966); URIs of other schemes are
//! kept as text.

mod compare;
mod escape;
mod host;
mod sip;
mod tel;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::{Error, Text, grammar};

pub(crate) use escape::unescape;
pub use host::{Host, HostName};
pub use sip::SipUri;
pub(crate) use sip::{Places as SipPlaces, Spans as SipSpans};
pub use tel::TelUri;

/// A URI as SIP meets it.
///
/// `==` compares what is written; [`Uri::equivalent`] is the comparison of RFC 3261 §19.1.4.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`
    Sip(SipUri),
    /// `tel:`
    Tel(TelUri),
    /// Any other scheme, unchanged.
    Other(OtherUri),
}

impl Uri {
    /// Reads a URI.
    pub fn parse(text: &Text) -> Result<Self, Error> {
        Self::read(text.clone())
    }

    pub(crate) fn read(text: Text) -> Result<Self, Error> {
        match Self::secure(&text) {
            Some(secure) => SipUri::read(text, secure).map(Self::Sip),
            None if is_tel(&text) => TelUri::read(text).map(Self::Tel),
            None => check_other(&text).map(|()| Self::Other(OtherUri(text))),
        }
    }

    /// Looks at what may be a URI: `None` when it is none, `Some(None)` when it is one of another
    /// scheme than SIP's.
    pub(crate) fn find(text: &str) -> Option<Option<SipSpans>> {
        match Self::secure(text) {
            Some(secure) => SipSpans::of(text, secure).ok().map(Some),
            None if is_tel(text) => TelUri::check(text).ok().map(|_| None),
            None => check_other(text).ok().map(|()| None),
        }
    }

    /// A URI of SIP whose parts have been found.
    #[inline]
    pub(crate) fn found(text: Text, places: SipPlaces) -> Self {
        Self::Sip(SipUri::found(text, places))
    }

    /// Whether a URI of SIP is a `sips:` one; `None` for other schemes.
    #[inline(always)]
    fn secure(text: &str) -> Option<bool> {
        let bytes = text.as_bytes();
        let scheme = bytes.first_chunk::<4>()?;
        match scheme {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':'] => Some(false),
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S'] if bytes.get(4) == Some(&b':') => {
                Some(true)
            }
            _ => None,
        }
    }

    /// The scheme as written.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Sip(uri) => uri.scheme(),
            Self::Tel(_) => "tel",
            Self::Other(uri) => uri.scheme(),
        }
    }

    /// The SIP or SIPS URI, if it is one.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Tel(_) | Self::Other(_) => None,
        }
    }

    /// The telephone number, if it is one.
    pub fn as_tel(&self) -> Option<&TelUri> {
        match self {
            Self::Tel(uri) => Some(uri),
            Self::Sip(_) | Self::Other(_) => None,
        }
    }

    /// Who is meant at a host: the user part of a SIP URI, or a telephone number.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Sip(uri) => uri.user(),
            Self::Tel(uri) => Some(uri.number()),
            Self::Other(_) => None,
        }
    }

    /// Whether both name the same resource: by RFC 3261 §19.1.4 for SIP and SIPS URIs, by
    /// RFC 3966 §5 for telephone numbers, letter by letter (the scheme's case apart) for the others.
    ///
    /// The relation is symmetric but not transitive: a URI that leaves a parameter out can match
    /// two that differ in it.
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.equivalent(b),
            (Self::Tel(a), Self::Tel(b)) => a.equivalent(b),
            (Self::Other(a), Self::Other(b)) => {
                let ((scheme, rest), (other_scheme, other_rest)) = (a.split(), b.split());
                scheme.eq_ignore_ascii_case(other_scheme) && rest == other_rest
            }
            _ => false,
        }
    }
}

/// Whether `text` has the scheme `tel`.
fn is_tel(text: &str) -> bool {
    text.get(..4)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"))
}

/// Whether `text` can be a URI of any scheme.
fn check_other(text: &str) -> Result<(), Error> {
    let Some((scheme, rest)) = grammar::split(text, b':') else {
        return Err(Error::Uri("no scheme"));
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !is_scheme {
        return Err(Error::Uri("the scheme has characters that no scheme has"));
    }
    if !grammar::is_uri_text(rest) {
        return Err(Error::Uri("characters that must be escaped"));
    }
    Ok(())
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::read(text.into())
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(uri)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Other(uri) => f.write_str(&uri.0),
        }
    }
}

/// A URI whose scheme is none of `sip`, `sips` and `tel`, or a Request-URI that couldn't be read.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OtherUri(Text);

impl OtherUri {
    /// Keeps a Request-URI that is none, so that its request can still be answered.
    pub(crate) fn unread(text: Text) -> Self {
        Self(text)
    }

    /// The whole URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        grammar::split(&self.0, b':').unwrap_or(("", &self.0))
    }

    /// What stands before the first colon.
    pub fn scheme(&self) -> &str {
        self.split().0
    }
}

impl fmt::Debug for OtherUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
