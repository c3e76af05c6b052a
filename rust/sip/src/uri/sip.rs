//! `sip:` and `sips:` URIs.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::escape::{Part, is_name, unescape};
use super::{Host, Uri};
use crate::grammar;
use crate::header::Params;
use crate::{Error, Text};

/// A `sip:` or `sips:` URI: its text, and where its parts are.
#[derive(Clone)]
pub struct SipUri {
    text: Text,
    spans: Spans,
}

/// Where the parts of a SIP URI are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spans {
    secure: bool,
    /// Where the user part ends; it starts after the scheme.
    user_end: u32,
    /// Where the host starts: after the scheme, or after the `@` when there is a user part.
    host_start: u32,
    host_end: u32,
    params_start: u32,
    params_end: u32,
    port: Option<u16>,
}

/// The same of a URI that is not very long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    secure: bool,
    user_end: u16,
    host_start: u16,
    host_end: u16,
    params_start: u16,
    params_end: u16,
    port: Option<u16>,
}

impl Spans {
    /// In less memory, if they fit.
    #[inline]
    pub(crate) fn places(self) -> Option<Places> {
        // The parts come one after the other.
        let params_end = u16::try_from(self.params_end).ok()?;
        Some(Places {
            secure: self.secure,
            user_end: self.user_end as u16,
            host_start: self.host_start as u16,
            host_end: self.host_end as u16,
            params_start: self.params_start as u16,
            params_end,
            port: self.port,
        })
    }

    /// Finds the parts of a URI, of which the scheme has been looked at.
    pub(super) fn of(text: &str, secure: bool) -> Result<Self, Error> {
        let bytes = text.as_bytes();
        let start = scheme(secure).len() + 1;
        let (user_end, host_start) = userinfo(bytes, start)?;
        let host_end = Host::checked_end(text, host_start).ok_or_else(|| Error::Uri("bad host"))?;
        let (port, params_start) = match bytes.get(host_end) {
            Some(b':') => {
                let end = grammar::skip_digits(bytes, host_end + 1);
                let port = grammar::number(&text[host_end + 1..end]);
                (Some(port.ok_or_else(|| Error::Uri("bad port"))?), end)
            }
            _ => (None, host_end),
        };
        let params_end =
            params(bytes, params_start).ok_or_else(|| Error::Uri("malformed parameters"))?;
        match bytes.get(params_end) {
            None => {}
            Some(b'?') if are_headers(&text[params_end + 1..]) => {}
            Some(b'?') => return Err(Error::Uri("malformed headers")),
            Some(_) => return Err(Error::Uri("malformed parameters")),
        }
        Ok(Self {
            secure,
            user_end: user_end as u32,
            host_start: host_start as u32,
            host_end: host_end as u32,
            params_start: params_start as u32,
            params_end: params_end as u32,
            port,
        })
    }
}

/// Where the user part ends that starts at `start`, and where the host starts.
#[inline]
fn userinfo(bytes: &[u8], start: usize) -> Result<(usize, usize), Error> {
    let user_end = Part::User.run(bytes, start);
    if user_end > start && bytes.get(user_end) == Some(&b'@') {
        return Ok((user_end, user_end + 1));
    }
    // An unescaped @ can only end the userinfo, which in turn may hold ; and ? and /.
    let Some(at) = memchr::memchr(b'@', &bytes[start..]).map(|at| start + at) else {
        return Ok((start, start));
    };
    match bytes[user_end] {
        _ if at == start => Err(Error::Uri("empty user part")),
        b':' if Part::Password.run(bytes, user_end + 1) == at => Ok((user_end, at + 1)),
        b':' if user_end < at => Err(Error::Uri(
            "characters in the password that must be escaped",
        )),
        _ => Err(Error::Uri(
            "characters in the user part that must be escaped",
        )),
    }
}

impl SipUri {
    /// `sip:host`
    pub fn new(host: &Host) -> Self {
        Self::at("", host, None)
    }

    /// `sip:user@host:port`, without user part where that is empty.
    pub(crate) fn at(user: &str, host: &Host, port: Option<u16>) -> Self {
        let escaped = Part::User.escape(user);
        Parts {
            secure: false,
            user: (!user.is_empty()).then_some(&*escaped),
            password: None,
            host: &host.to_string(),
            port,
            params: "",
            headers: "",
        }
        .build()
    }

    /// The URI with this user part, escaped as needed; an empty one takes it away.
    pub fn with_user(&self, user: &str) -> Self {
        let escaped = Part::User.escape(user);
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
        params.set_raw(&Part::Param.escape(name), &Part::Param.escape(value));
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

    pub(super) fn read(text: Text, secure: bool) -> Result<Self, Error> {
        let spans = Spans::of(&text, secure)?;
        Ok(Self { text, spans })
    }

    /// The URI whose parts have been found.
    #[inline]
    pub(super) fn found(text: Text, places: Places) -> Self {
        let spans = Spans {
            secure: places.secure,
            user_end: places.user_end.into(),
            host_start: places.host_start.into(),
            host_end: places.host_end.into(),
            params_start: places.params_start.into(),
            params_end: places.params_end.into(),
            port: places.port,
        };
        Self { text, spans }
    }

    fn part(&self, start: u32, end: u32) -> &str {
        &self.text[start as usize..end as usize]
    }

    pub(super) fn raw_user(&self) -> Option<&str> {
        let start = self.scheme().len() as u32 + 1;
        (self.spans.host_start > start).then(|| self.part(start, self.spans.user_end))
    }

    pub(super) fn raw_password(&self) -> Option<&str> {
        (self.spans.user_end + 1 < self.spans.host_start)
            .then(|| self.part(self.spans.user_end + 1, self.spans.host_start - 1))
    }

    fn raw_host(&self) -> &str {
        self.part(self.spans.host_start, self.spans.host_end)
    }

    pub(super) fn raw_params(&self) -> &str {
        self.part(self.spans.params_start, self.spans.params_end)
    }

    fn raw_headers(&self) -> &str {
        self.text
            .get(self.spans.params_end as usize + 1..)
            .unwrap_or("")
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            secure: self.spans.secure,
            user: self.raw_user(),
            password: self.raw_password(),
            host: self.raw_host(),
            port: self.spans.port,
            params: self.raw_params(),
            headers: self.raw_headers(),
        }
    }

    /// `sip` or `sips`.
    pub fn scheme(&self) -> &'static str {
        scheme(self.spans.secure)
    }

    /// Whether this is a `sips:` URI.
    pub fn is_secure(&self) -> bool {
        self.spans.secure
    }

    /// The URI as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The user part with its escapes undone.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.raw_user().map(unescape)
    }

    /// The password with its escapes undone. RFC 3261 advises against its use.
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.raw_password().map(unescape)
    }

    /// The host.
    pub fn host(&self) -> Host {
        Host::of(&self.text, self.raw_host())
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.spans.port
    }

    /// The parameters as written, escapes included.
    pub fn params(&self) -> Params {
        Params::checked(grammar::slice(&self.text, self.raw_params()))
    }

    /// The value of the parameter called `name`, its escapes undone; empty for one without value.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        find(self.raw_params(), name).map(unescape)
    }

    /// The value of `transport`, if it is given.
    pub fn transport(&self) -> Option<&str> {
        find(self.raw_params(), "transport")
    }

    /// Whether the URI is that of a loose router (`lr`, RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        find(self.raw_params(), "lr").is_some()
    }

    /// Whether there are headers.
    pub fn has_headers(&self) -> bool {
        !self.raw_headers().is_empty()
    }

    /// The headers after `?`, names and values as written, escapes included.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.raw_headers()
            .split('&')
            .filter(|h| !h.is_empty())
            .map(|h| h.split_once('=').unwrap_or((h, "")))
    }
}

impl FromStr for SipUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.parse()? {
            Uri::Sip(uri) => Ok(uri),
            Uri::Tel(_) | Uri::Other(_) => Err(Error::Uri("the scheme is neither sip nor sips")),
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
            spans: Spans {
                secure: self.secure,
                user_end: user_end as u32,
                host_start: host_start as u32,
                host_end: host_end as u32,
                params_start: params_start as u32,
                params_end: params_end as u32,
                port: self.port,
            },
        }
    }
}

/// The value as written of the parameter called `name`, whose own name may be escaped; empty for
/// one without value.
pub(super) fn find<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    let mut list = Params::list(params);
    let found = list.find(|(written, _)| is_name(written, name));
    found.map(|(_, value)| value.unwrap_or(""))
}

/// Where the parameters `;name=value` and so on that start at `at` end, if they are well formed.
#[inline]
pub(super) fn params(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut count = 0;
    while bytes.get(at) == Some(&b';') {
        let name = at + 1;
        at = Part::Param.run(bytes, name);
        if at == name || count == Params::MAX {
            return None;
        }
        count += 1;
        if bytes.get(at) == Some(&b'=') {
            let value = at + 1;
            at = Part::Param.run(bytes, value);
            if at == value {
                return None;
            }
        }
    }
    Some(at)
}

/// Whether `text` is `name=value&…`, or nothing.
fn are_headers(text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let mut headers = text.as_bytes().split(|b| *b == b'&');
    headers
        .by_ref()
        .take(Params::MAX)
        .all(|header| match header.iter().position(|b| *b == b'=') {
            None | Some(0) => false,
            Some(at) => {
                Part::Header.run(header, 0) == at
                    && Part::Header.run(header, at + 1) == header.len()
            }
        })
        && headers.next().is_none()
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
