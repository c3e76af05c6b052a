//! SIP and SIPS URIs (RFC 3261 §19.1); URIs of other schemes are kept as text.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::grammar::{self, UriPart};
use crate::header::Params;
use crate::{Error, Text};

/// A URI as SIP meets it.
///
/// `==` compares what is written, apart from the case of the scheme; [`Uri::equivalent`] is the
/// comparison of RFC 3261 §19.1.4.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`
    Sip(SipUri),
    /// Any other scheme, `tel:` among them, unchanged.
    Other(OtherUri),
}

impl Uri {
    /// Reads a URI.
    pub fn parse(text: &Text) -> Result<Self, Error> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(Error::Uri("no scheme"));
        };
        let secure = scheme.eq_ignore_ascii_case("sips");
        if secure || scheme.eq_ignore_ascii_case("sip") {
            return SipUri::parse_after_scheme(text, rest, secure).map(Self::Sip);
        }
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
        Ok(Self::Other(OtherUri(text.clone())))
    }

    /// The scheme as written.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Sip(uri) => uri.scheme(),
            Self::Other(uri) => uri.scheme(),
        }
    }

    /// The SIP or SIPS URI, if it is one.
    pub fn as_sip(&self) -> Option<&SipUri> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Other(_) => None,
        }
    }

    /// Whether both name the same resource: by RFC 3261 §19.1.4 for SIP and SIPS URIs, letter by
    /// letter (the scheme's case apart) for the others.
    ///
    /// The relation is symmetric but not transitive: a URI that leaves a parameter out can match
    /// two that differ in it.
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.equivalent(b),
            (Self::Other(a), Self::Other(b)) => {
                a.scheme().eq_ignore_ascii_case(b.scheme())
                    && a.0[a.scheme().len()..] == b.0[b.scheme().len()..]
            }
            _ => false,
        }
    }
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(&text.into())
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
            Self::Other(uri) => f.write_str(&uri.0),
        }
    }
}

/// A URI whose scheme is neither `sip` nor `sips`, or a Request-URI that couldn't be read.
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

    /// What stands before the first colon.
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl fmt::Debug for OtherUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The host of a URI or of a Via.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A domain name.
    Name(HostName),
    /// An address: IPv4, or IPv6 (in brackets where it is written).
    Ip(IpAddr),
}

impl Host {
    /// Reads a host name, an IPv4 address or an IPv6 reference (an address in brackets).
    pub fn parse(text: &Text) -> Option<Self> {
        let bytes = text.as_bytes();
        if let Some(inner) = text.strip_prefix('[') {
            return inner
                .strip_suffix(']')?
                .parse::<Ipv6Addr>()
                .ok()
                .map(|a| Self::Ip(a.into()));
        }
        // A name's last label starts with a letter, so only what ends in a digit can be IPv4.
        if bytes.last()?.is_ascii_digit()
            && let Ok(address) = text.parse::<Ipv4Addr>()
        {
            return Some(Self::Ip(address.into()));
        }
        grammar::is_host_name(text).then(|| Self::Name(HostName(text.clone())))
    }

    /// The address, unless the host is a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::Ip(address) => Some(*address),
        }
    }

    /// Whether both are the same host; names compare without regard to case.
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a.0.eq_ignore_ascii_case(&b.0),
            (Self::Ip(a), Self::Ip(b)) => a == b,
            _ => false,
        }
    }

    /// Splits `host[:port]`, blanks around the colon allowed as in a Via's sent-by.
    pub(crate) fn parse_with_port(whole: &Text, text: &str) -> Option<(Self, Option<u16>)> {
        let end_of_host = match text.strip_prefix('[') {
            Some(_) => text.find(']')? + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(end_of_host);
        let rest = grammar::trim(rest);
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(grammar::number(grammar::trim(port))?),
            None if rest.is_empty() => None,
            None => return None,
        };
        Some((
            Self::parse(&grammar::slice(whole, grammar::trim(host)))?,
            port,
        ))
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(&text.into()).ok_or(Error::Uri("no host"))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&name.0),
            Self::Ip(IpAddr::V4(address)) => address.fmt(f),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A domain name, as it was written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HostName(Text);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A `sip:` or `sips:` URI.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SipUri {
    secure: bool,
    user: Option<Text>,
    password: Option<Text>,
    host: Host,
    port: Option<u16>,
    params: Params,
    headers: Text,
}

impl SipUri {
    /// `sip:host`
    pub fn new(host: Host) -> Self {
        Self {
            secure: false,
            user: None,
            password: None,
            host,
            port: None,
            params: Params::new(),
            headers: Text::new(),
        }
    }

    /// The URI with this user part, escaped as needed; an empty one takes it away.
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = (!user.is_empty()).then(|| UriPart::User.escape(user).as_ref().into());
        self
    }

    /// The URI with this port.
    pub fn with_port(mut self, port: Option<u16>) -> Self {
        self.port = port;
        self
    }

    /// The URI as `sips:` or `sip:`.
    pub fn with_secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// The URI with this parameter, escaped as needed; an empty value leaves the name alone.
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params
            .set_raw(&UriPart::Param.escape(name), &UriPart::Param.escape(value));
        self
    }

    /// The URI without its headers and without the parameters that mean nothing in a Request-URI
    /// (RFC 3261 §19.1.5, table 1).
    pub fn for_request_line(mut self) -> Self {
        self.headers = Text::new();
        self.params.remove("method");
        self
    }

    fn parse_after_scheme(whole: &Text, rest: &str, secure: bool) -> Result<Self, Error> {
        // An unescaped @ can only end the userinfo, which in turn may hold ; and ? and /.
        let (userinfo, rest) = match memchr::memchr(b'@', rest.as_bytes()) {
            Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
            None => (None, rest),
        };
        let (user, password) =
            match userinfo.map(|u| u.split_once(':').map_or((u, None), |(u, p)| (u, Some(p)))) {
                None => (None, None),
                Some(("", _)) => return Err(Error::Uri("empty user part")),
                Some((user, password)) => (Some(user), password),
            };
        if !UriPart::User.accepts(user.unwrap_or("")) {
            return Err(Error::Uri(
                "characters in the user part that must be escaped",
            ));
        }
        if !UriPart::Password.accepts(password.unwrap_or("")) {
            return Err(Error::Uri(
                "characters in the password that must be escaped",
            ));
        }
        let (rest, headers) = match rest.split_once('?') {
            Some((rest, headers)) => (rest, headers),
            None => (rest, ""),
        };
        let (host_port, params) = grammar::cut_params(rest);
        if host_port.contains(grammar::BLANKS) {
            return Err(Error::Uri("blanks"));
        }
        let Some((host, port)) = Host::parse_with_port(whole, host_port) else {
            return Err(Error::Uri("bad host or port"));
        };
        check_params(params)?;
        check_headers(headers)?;
        Ok(Self {
            secure,
            user: user.map(|u| grammar::slice(whole, u)),
            password: password.map(|p| grammar::slice(whole, p)),
            host,
            port,
            params: Params::checked(grammar::slice(whole, params)),
            headers: grammar::slice(whole, headers),
        })
    }

    /// `sip` or `sips`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "sips" } else { "sip" }
    }

    /// Whether this is a `sips:` URI.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The user part with its escapes undone.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.user.as_deref().map(grammar::unescape)
    }

    /// The password with its escapes undone. RFC 3261 advises against its use.
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.password.as_deref().map(grammar::unescape)
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters as written, escapes included.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The value of the parameter called `name`, its escapes undone; empty for one without value.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.get(name).map(grammar::unescape)
    }

    /// The value of `transport`, if it is given.
    pub fn transport(&self) -> Option<&str> {
        self.params.get("transport")
    }

    /// Whether the URI is that of a loose router (`lr`, RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        self.params.contains("lr")
    }

    /// The headers after `?`, names and values as written, escapes included.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .split('&')
            .filter(|h| !h.is_empty())
            .map(|h| h.split_once('=').unwrap_or((h, "")))
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4).
    pub fn equivalent(&self, other: &Self) -> bool {
        self.secure == other.secure
            && same_text(self.user.as_deref(), other.user.as_deref())
            && same_text(self.password.as_deref(), other.password.as_deref())
            && self.host.equivalent(&other.host)
            && self.port == other.port
            && same_params(&self.params, &other.params)
            && same_params(&other.params, &self.params)
            && self.same_headers(other)
    }

    fn same_headers(&self, other: &Self) -> bool {
        let within = |a: &Self, b: &Self| {
            a.headers().all(|(name, value)| {
                let (name, value) = (grammar::unescape(name), grammar::unescape(value));
                b.headers().any(|(n, v)| {
                    grammar::unescape(n).eq_ignore_ascii_case(&name)
                        && grammar::unescape(v) == value
                })
            })
        };
        self.headers().count() == other.headers().count()
            && within(self, other)
            && within(other, self)
    }
}

/// User parts and passwords: case counts, and an escape equals what it stands for.
fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    a.map(grammar::unescape) == b.map(grammar::unescape)
}

/// Whether every parameter of `a` agrees with `b`: equal where both have it; where `b` lacks it,
/// only the five that §19.1.4 names make a difference.
fn same_params(a: &Params, b: &Params) -> bool {
    a.iter().all(|(name, value)| match b.get(name) {
        Some(other) => {
            grammar::unescape(value.unwrap_or("")).eq_ignore_ascii_case(&grammar::unescape(other))
        }
        None => !["user", "ttl", "method", "maddr", "transport"]
            .iter()
            .any(|must_match| name.eq_ignore_ascii_case(must_match)),
    })
}

fn check_params(params: &str) -> Result<(), Error> {
    for param in params.split(';').skip(1) {
        let (name, value) = param
            .split_once('=')
            .map_or((param, None), |(n, v)| (n, Some(v)));
        let sound = !name.is_empty()
            && UriPart::Param.accepts(name)
            && value.is_none_or(|v| !v.is_empty() && UriPart::Param.accepts(v));
        if !sound {
            return Err(Error::Uri("malformed parameter"));
        }
    }
    Ok(())
}

fn check_headers(headers: &str) -> Result<(), Error> {
    let sound = headers.is_empty()
        || headers.split('&').all(|header| {
            header.split_once('=').is_some_and(|(name, value)| {
                !name.is_empty() && UriPart::Header.accepts(name) && UriPart::Header.accepts(value)
            })
        });
    if sound {
        Ok(())
    } else {
        Err(Error::Uri("malformed header"))
    }
}

impl FromStr for SipUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.parse()? {
            Uri::Sip(uri) => Ok(uri),
            Uri::Other(_) => Err(Error::Uri("the scheme is neither sip nor sips")),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme())?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        if !self.headers.is_empty() {
            write!(f, "?{}", self.headers)?;
        }
        Ok(())
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
