//! `tel:` URIs (RFC 3966).

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::escape::{is_name, unescape};
use super::sip::params;
use crate::header::Params;
use crate::{Error, Text, grammar};

/// A telephone number: its text, and where its parameters start.
#[derive(Clone)]
pub struct TelUri {
    text: Text,
    params_start: u32,
}

impl TelUri {
    /// Where the number starts.
    const START: usize = "tel:".len();

    pub(super) fn read(text: Text) -> Result<Self, Error> {
        let params_start = Self::check(&text)?;
        Ok(Self {
            text,
            params_start: params_start as u32,
        })
    }

    /// Whether `text`, which starts with `tel:`, is well formed; where its parameters start.
    pub(super) fn check(text: &str) -> Result<usize, Error> {
        let bytes = text.as_bytes();
        let number = &text[Self::START..];
        let length = grammar::find(number.as_bytes(), b';').unwrap_or(number.len());
        let number = &number[..length];
        let (digits, is_digit): (_, fn(u8) -> bool) = match number.strip_prefix('+') {
            Some(digits) => (digits, |b| b.is_ascii_digit()),
            // Local numbers may hold what else a keypad has.
            None => (number, |b| b.is_ascii_hexdigit() || b == b'*' || b == b'#'),
        };
        let sound =
            digits.bytes().all(|b| is_digit(b) || is_separator(b)) && digits.bytes().any(is_digit);
        if !sound {
            return Err(Error::Uri("no telephone number"));
        }
        let start = Self::START + length;
        match params(bytes, start) {
            Some(end) if end == bytes.len() => {}
            _ => return Err(Error::Uri("malformed parameters")),
        }
        match has_repeated(&text[start..]) {
            false => Ok(start),
            true => Err(Error::Uri("a repeated parameter")),
        }
    }

    /// The URI as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn written_number(&self) -> &str {
        &self.text[Self::START..self.params_start as usize]
    }

    /// The number without visual separators; a global one starts with `+`.
    pub fn number(&self) -> Cow<'_, str> {
        let written = self.written_number();
        match written.bytes().any(is_separator) {
            false => Cow::Borrowed(written),
            true => written
                .chars()
                .filter(|c| !is_separator(*c as u8))
                .collect(),
        }
    }

    /// Whether the number is unique in the whole world.
    pub fn is_global(&self) -> bool {
        self.written_number().starts_with('+')
    }

    fn raw_params(&self) -> &str {
        &self.text[self.params_start as usize..]
    }

    /// The parameters as written, escapes included.
    pub fn params(&self) -> Params {
        Params::checked(grammar::slice(&self.text, self.raw_params()))
    }

    /// The value of the parameter called `name`, its escapes undone; empty for one without value.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        super::sip::find(self.raw_params(), name).map(unescape)
    }

    /// `phone-context`: where a local number is valid, a domain or a global number's start.
    pub fn phone_context(&self) -> Option<Cow<'_, str>> {
        self.param("phone-context")
    }

    /// `ext`: the extension behind the number.
    pub fn extension(&self) -> Option<Cow<'_, str>> {
        self.param("ext")
    }

    /// Whether both are the same number (RFC 3966 §5): without regard to visual separators, case
    /// and the order of parameters, all of which count.
    pub fn equivalent(&self, other: &Self) -> bool {
        self.is_global() == other.is_global()
            && self.number().eq_ignore_ascii_case(&other.number())
            && has_params(self, other)
            && has_params(other, self)
    }
}

/// Whether two parameters have one name, which none of a number's may (RFC 3966 §3).
fn has_repeated(params: &str) -> bool {
    let mut rest = Params::list(params);
    let mut seen = 0;
    rest.any(|(name, _)| {
        let name = unescape(name);
        seen += 1;
        let mut earlier = Params::list(params).take(seen - 1);
        earlier.any(|(other, _)| is_name(other, &name))
    })
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}

/// Whether `b` has all parameters of `a` with the same values.
fn has_params(a: &TelUri, b: &TelUri) -> bool {
    Params::list(a.raw_params()).all(|(name, value)| {
        let name = unescape(name);
        let value = unescape(value.unwrap_or(""));
        let Some(other) = b.param(&name) else {
            return false;
        };
        let is_number = is_name(&name, "ext") || is_name(&name, "phone-context");
        match is_number && value.bytes().all(|b| !b.is_ascii_alphabetic()) {
            true => digits(&value).eq(digits(&other)),
            false => value.eq_ignore_ascii_case(&other),
        }
    })
}

/// What of a number counts.
fn digits(number: &str) -> impl Iterator<Item = u8> {
    number.bytes().filter(|b| !is_separator(*b))
}

impl FromStr for TelUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.parse()? {
            super::Uri::Tel(uri) => Ok(uri),
            _ => Err(Error::Uri("the scheme is not tel")),
        }
    }
}

impl PartialEq for TelUri {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TelUri {}

impl Hash for TelUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
