//! Hosts: names and addresses (RFC 3261 §25.1 `host`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::grammar::{self, class};
use crate::{Error, Text};

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
        Self::read(text, text)
    }

    /// [`Host::parse`] for a piece of a longer text.
    pub(crate) fn read(whole: &Text, text: &str) -> Option<Self> {
        Self::is_host(text).then(|| Self::of(whole, text))
    }

    /// The host that `text`, which is known to be one, stands for.
    pub(crate) fn of(whole: &Text, text: &str) -> Self {
        match Self::parse_ip(text) {
            Some(address) => Self::Ip(address),
            None => Self::Name(HostName(grammar::slice(whole, text))),
        }
    }

    /// The address that `text`, a host, is, if it is one.
    pub(crate) fn parse_ip(text: &str) -> Option<IpAddr> {
        if let Some(inner) = text.strip_prefix('[') {
            return Some(parse_ipv6(inner.strip_suffix(']')?)?.into());
        }
        // A name's last label starts with a letter, so only what ends in a digit can be IPv4.
        if !text.as_bytes().last()?.is_ascii_digit() {
            return None;
        }
        Some(parse_ipv4(text.as_bytes())?.into())
    }

    /// Whether `text` is a host.
    pub(crate) fn is_host(text: &str) -> bool {
        match text.as_bytes() {
            [b'[', ..] => Self::parse_ip(text).is_some(),
            _ => grammar::is_host_name(text),
        }
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

    /// Where the host ends that starts at `at`.
    #[inline]
    pub(crate) fn checked_end(text: &str, at: usize) -> Option<usize> {
        if text.as_bytes().get(at) == Some(&b'[') {
            let end = at + memchr::memchr(b']', &text.as_bytes()[at..])? + 1;
            Self::parse_ip(&text[at..end]).map(|_| end)
        } else {
            Some(class::run(text.as_bytes(), at, class::HOST)).filter(|end| *end > at)
        }
    }
}

/// An IPv4 address: four numbers without leading zeros.
fn parse_ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut address, mut dots) = (0u32, 0);
    // Of the number that is being read: its value, and how many digits it has.
    let (mut number, mut digits) = (0u32, 0);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                // A zero that something follows.
                if digits == 3 || (digits > 0 && number == 0) {
                    return None;
                }
                number = number * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && number <= 255 && dots < 3 => {
                address = address << 8 | number;
                dots += 1;
                (number, digits) = (0, 0);
            }
            _ => return None,
        }
    }
    let is_whole = dots == 3 && digits > 0 && number <= 255;
    is_whole.then(|| (address << 8 | number).into())
}

/// An IPv6 address; the third colon that RFC 3261's grammar puts before an IPv4 address within it
/// is passed over (RFC 5118 §4.10).
#[inline(never)]
fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    match text.split_once(":::") {
        None => text.parse().ok(),
        Some((first, last)) if last.contains('.') => format!("{first}::{last}").parse().ok(),
        Some(_) => None,
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
