//! SIP and SIPS URIs (RFC 3261 §19.1); URIs of other schemes are kept as text.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::grammar::{self, UriPart};
use crate::header::Params;
use crate::{Error, Text};

/// A URI as SIP meets it.
///
/// `==` compares what is written; [`Uri::equivalent`] is the comparison of RFC 3261 §19.1.4.
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
            return SipUri::parse(text, secure).map(Self::Sip);
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
        match Self::parse_ip(text) {
            Some(address) => Some(Self::Ip(address)),
            None => grammar::is_host_name(text).then(|| Self::Name(HostName(text.clone()))),
        }
    }

    fn parse_ip(text: &str) -> Option<IpAddr> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner
                .strip_suffix(']')?
                .parse::<Ipv6Addr>()
                .ok()
                .map(IpAddr::V6);
        }
        // A name's last label starts with a letter, so only what ends in a digit can be IPv4.
        let ends_in_digit = text.as_bytes().last()?.is_ascii_digit();
        ends_in_digit
            .then(|| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4))
            .flatten()
    }

    fn is_host(text: &str) -> bool {
        grammar::is_host_name(text) || Self::parse_ip(text).is_some()
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

    /// Cuts `host[:port]` at the colon; blanks around it, which a Via may have, stay with the
    /// host. `None` when the port is no port.
    pub(crate) fn cut_port(text: &str) -> Option<(&str, Option<u16>)> {
        let host = if text.starts_with('[') {
            text.find(']')? + 1
        } else {
            memchr::memchr(b':', text.as_bytes()).unwrap_or(text.len())
        };
        match text[host..].split_once(':') {
            Some((blanks, port)) if grammar::trim(blanks).is_empty() => {
                Some((&text[..host], Some(grammar::number(grammar::trim(port))?)))
            }
            Some(_) => None,
            None => Some((text, None)),
        }
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

/// A `sip:` or `sips:` URI: its text, and where its parts are.
#[derive(Clone)]
pub struct SipUri {
    text: Text,
    /// Where the user part ends; it starts after the scheme.
    user_end: u32,
    /// Where the host starts: after the scheme, or after the `@` when there is a user part.
    host_start: u32,
    host_end: u32,
    params_start: u32,
    params_end: u32,
    port: Option<u16>,
    secure: bool,
}

impl SipUri {
    /// `sip:host`
    pub fn new(host: &Host) -> Self {
        Parts {
            secure: false,
            user: None,
            password: None,
            host: &host.to_string(),
            port: None,
            params: "",
            headers: "",
        }
        .build()
    }

    /// The URI with this user part, escaped as needed; an empty one takes it away.
    pub fn with_user(&self, user: &str) -> Self {
        let escaped = UriPart::User.escape(user);
        let user = (!user.is_empty()).then_some(&*escaped);
        Parts {
            user,
            password: None,
            ..self.parts()
        }
        .build()
    }

    /// The URI with this port.
    pub fn with_port(&self, port: Option<u16>) -> Self {
        Parts {
            port,
            ..self.parts()
        }
        .build()
    }

    /// The URI as `sips:` or `sip:`.
    pub fn with_secure(&self, secure: bool) -> Self {
        Parts {
            secure,
            ..self.parts()
        }
        .build()
    }

    /// The URI with this parameter, escaped as needed; an empty value leaves the name alone.
    pub fn with_param(&self, name: &str, value: &str) -> Self {
        let mut params = self.params();
        params.set_raw(&UriPart::Param.escape(name), &UriPart::Param.escape(value));
        Parts {
            params: &params.to_string(),
            ..self.parts()
        }
        .build()
    }

    /// The URI without what means nothing in a Request-URI: headers and the parameter `method`
    /// (RFC 3261 §19.1.1, table 1).
    pub fn for_request_line(&self) -> Self {
        let mut params = self.params();
        params.remove("method");
        Parts {
            params: &params.to_string(),
            headers: "",
            ..self.parts()
        }
        .build()
    }

    fn parse(text: &Text, secure: bool) -> Result<Self, Error> {
        let start = scheme(secure).len() + 1;
        let rest = &text[start..];
        // An unescaped @ can only end the userinfo, which in turn may hold ; and ? and /.
        let (userinfo, host_start) = match memchr::memchr(b'@', rest.as_bytes()) {
            Some(0) => return Err(Error::Uri("empty user part")),
            Some(at) => (&rest[..at], start + at + 1),
            None => ("", start),
        };
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        if !UriPart::User.accepts(user) {
            return Err(Error::Uri(
                "characters in the user part that must be escaped",
            ));
        }
        if !UriPart::Password.accepts(password) {
            return Err(Error::Uri(
                "characters in the password that must be escaped",
            ));
        }
        let rest = &text[host_start..];
        let (rest, headers) = rest.split_once('?').unwrap_or((rest, ""));
        let (host_port, params) = grammar::cut_params(rest);
        let Some((host, port)) = Host::cut_port(host_port) else {
            return Err(Error::Uri("bad port"));
        };
        if !Host::is_host(host) {
            return Err(Error::Uri("bad host"));
        }
        check_params(params)?;
        check_headers(headers)?;
        Ok(Self {
            text: text.clone(),
            user_end: (start + user.len()) as u32,
            host_start: host_start as u32,
            host_end: (host_start + host.len()) as u32,
            params_start: (host_start + host_port.len()) as u32,
            params_end: (host_start + rest.len()) as u32,
            port,
            secure,
        })
    }

    fn part(&self, start: u32, end: u32) -> &str {
        &self.text[start as usize..end as usize]
    }

    fn raw_user(&self) -> Option<&str> {
        let start = self.scheme().len() as u32 + 1;
        (self.host_start > start).then(|| self.part(start, self.user_end))
    }

    fn raw_password(&self) -> Option<&str> {
        (self.user_end + 1 < self.host_start)
            .then(|| self.part(self.user_end + 1, self.host_start - 1))
    }

    fn raw_host(&self) -> &str {
        self.part(self.host_start, self.host_end)
    }

    fn raw_params(&self) -> &str {
        self.part(self.params_start, self.params_end)
    }

    fn raw_headers(&self) -> &str {
        self.text.get(self.params_end as usize + 1..).unwrap_or("")
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            secure: self.secure,
            user: self.raw_user(),
            password: self.raw_password(),
            host: self.raw_host(),
            port: self.port,
            params: self.raw_params(),
            headers: self.raw_headers(),
        }
    }

    /// `sip` or `sips`.
    pub fn scheme(&self) -> &'static str {
        scheme(self.secure)
    }

    /// Whether this is a `sips:` URI.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The URI as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The user part with its escapes undone.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.raw_user().map(grammar::unescape)
    }

    /// The password with its escapes undone. RFC 3261 advises against its use.
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.raw_password().map(grammar::unescape)
    }

    /// The host.
    pub fn host(&self) -> Host {
        let host = grammar::slice(&self.text, self.raw_host());
        Host::parse(&host).unwrap_or(Host::Name(HostName(host)))
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters as written, escapes included.
    pub fn params(&self) -> Params {
        Params::checked(grammar::slice(&self.text, self.raw_params()))
    }

    /// The value of the parameter called `name`, its escapes undone; empty for one without value.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        Params::find(self.raw_params(), name).map(grammar::unescape)
    }

    /// The value of `transport`, if it is given.
    pub fn transport(&self) -> Option<&str> {
        Params::find(self.raw_params(), "transport")
    }

    /// Whether the URI is that of a loose router (`lr`, RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        Params::find(self.raw_params(), "lr").is_some()
    }

    /// The headers after `?`, names and values as written, escapes included.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.raw_headers()
            .split('&')
            .filter(|h| !h.is_empty())
            .map(|h| h.split_once('=').unwrap_or((h, "")))
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4).
    pub fn equivalent(&self, other: &Self) -> bool {
        self.secure == other.secure
            && same_text(self.raw_user(), other.raw_user())
            && same_text(self.raw_password(), other.raw_password())
            && self.host().equivalent(&other.host())
            && self.port == other.port
            && same_params(self.raw_params(), other.raw_params())
            && same_params(other.raw_params(), self.raw_params())
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

/// User parts and passwords: case counts.
fn same_text(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => grammar::significant(a).eq(grammar::significant(b)),
        (a, b) => a == b,
    }
}

/// Whether every parameter of `a` agrees with `b`: equal where both have it; where `b` lacks it,
/// only the five that §19.1.4 names make a difference.
fn same_params(a: &str, b: &str) -> bool {
    let folded =
        |value| grammar::significant(value).map(|(b, escaped)| (b.to_ascii_lowercase(), escaped));
    Params::list(a).all(
        |(name, _)| match (Params::find(a, name), Params::find(b, name)) {
            (Some(a), Some(b)) => folded(a).eq(folded(b)),
            _ => !["user", "ttl", "method", "maddr", "transport"]
                .iter()
                .any(|must_match| name.eq_ignore_ascii_case(must_match)),
        },
    )
}

fn check_params(params: &str) -> Result<(), Error> {
    if params.bytes().filter(|b| *b == b';').count() > Params::MAX {
        return Err(Error::Uri("too many parameters"));
    }
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
    if headers.bytes().filter(|b| *b == b'&').count() >= Params::MAX {
        return Err(Error::Uri("too many headers"));
    }
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

/// The parts of a SIP URI as they are written.
struct Parts<'a> {
    secure: bool,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: &'a str,
    headers: &'a str,
}

impl Parts<'_> {
    fn build(self) -> SipUri {
        let mut text = format!("{}:", scheme(self.secure));
        let mut user_end = text.len();
        if let Some(user) = self.user {
            text += user;
            user_end = text.len();
            if let Some(password) = self.password {
                text.extend([":", password]);
            }
            text.push('@');
        }
        let host_start = text.len();
        text += self.host;
        let host_end = text.len();
        if let Some(port) = self.port {
            text += &format!(":{port}");
        }
        let params_start = text.len();
        text += self.params;
        let params_end = text.len();
        if !self.headers.is_empty() {
            text.extend(["?", self.headers]);
        }
        SipUri {
            text: text.into(),
            user_end: user_end as u32,
            host_start: host_start as u32,
            host_end: host_end as u32,
            params_start: params_start as u32,
            params_end: params_end as u32,
            port: self.port,
            secure: self.secure,
        }
    }
}

fn scheme(secure: bool) -> &'static str {
    if secure { "sips" } else { "sip" }
}

impl PartialEq for SipUri {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for SipUri {}

impl Hash for SipUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
