//! Hosts: names and addresses (RFC 3261 §25.1 `host`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::{Error, Text, grammar};

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
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(address.into());
        }
        // A name's last label starts with a letter, so only what ends in a digit can be IPv4.
        if !text.as_bytes().last()?.is_ascii_digit() {
            return None;
        }
        let address: Ipv4Addr = text.parse().ok()?;
        Some(address.into())
    }

    /// Whether `text` is a host.
    pub(super) fn is_host(text: &str) -> bool {
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
        let end_of_host = match text.strip_prefix('[') {
            Some(inner) => 1 + memchr::memchr(b']', inner.as_bytes())? + 1,
            None => 0,
        };
        let Some((rest, port)) = grammar::split(&text[end_of_host..], b':') else {
            return Some((text, None));
        };
        let port = grammar::number(grammar::trim(port))?;
        Some((&text[..end_of_host + rest.len()], Some(port)))
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
pub struct HostName(pub(super) Text);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
