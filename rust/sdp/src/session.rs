//! The session level of a description, and writing the whole (RFC 8866 §5).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use smol_str::ToSmolStr;

use crate::Text;
use crate::attribute::{Attribute, Direction};
use crate::error::Error;
use crate::media::Media;
use crate::parse::word;

/// A session description. [`fmt::Display`] writes its lines in the order of RFC 8866 §5, so that
/// `u=` stands after `s=` and `i=` and before `c=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`
    pub origin: Origin,
    /// `s=`; `-` for a session without a name.
    pub name: Text,
    /// `i=`
    pub information: Option<Text>,
    /// `u=`: a page about the session.
    pub uri: Option<Text>,
    /// `e=`
    pub emails: Vec<Text>,
    /// `p=`
    pub phones: Vec<Text>,
    /// `c=`
    pub connection: Option<NetworkAddress>,
    /// `b=`, unread.
    pub bandwidths: Vec<Text>,
    /// `t=` with its `r=` lines.
    pub times: Vec<Timing>,
    /// `z=`, unread.
    pub zone: Option<Text>,
    /// `k=`, unread.
    pub key: Option<Text>,
    /// `a=` of the session, known and unknown, in their order.
    pub attributes: Vec<Attribute>,
    /// The media descriptions in their order.
    pub media: Vec<Media>,
}

impl SessionDescription {
    /// Reads a description. Line ends may be CRLF, LF or CR; bytes that are not UTF-8 become
    /// U+FFFD. Errors name the line.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        crate::parse::session_description(text)
    }

    /// The value of the first session-level attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.name == name)?;
        found.value.as_deref()
    }

    /// The address that applies to a media line: its own `c=` or the session's.
    pub fn connection_of<'a>(&'a self, media: &'a Media) -> Option<&'a NetworkAddress> {
        media.connections.first().or(self.connection.as_ref())
    }

    /// The direction that applies to a media line: its own, the session's, or `sendrecv`.
    pub fn direction_of(&self, media: &Media) -> Direction {
        media
            .direction()
            .or_else(|| Direction::find(&self.attributes))
            .unwrap_or_default()
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns={}\r\n", self.origin, self.name)?;
        write_lines(f, 'i', &self.information)?;
        write_lines(f, 'u', &self.uri)?;
        write_lines(f, 'e', &self.emails)?;
        write_lines(f, 'p', &self.phones)?;
        write_lines(f, 'c', &self.connection)?;
        write_lines(f, 'b', &self.bandwidths)?;
        for time in &self.times {
            write!(f, "t={}\r\n", time.active)?;
            write_lines(f, 'r', &time.repeats)?;
        }
        write_lines(f, 'z', &self.zone)?;
        write_lines(f, 'k', &self.key)?;
        write_lines(f, 'a', &self.attributes)?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

/// `o=`: who made the description, which session it is of, and which version it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The user's login, or `-`.
    pub username: Text,
    /// Digits of any length.
    pub session_id: Text,
    /// Digits of any length; rises with each change of the description.
    pub session_version: Text,
    /// The machine that made it. Not where media goes.
    pub address: NetworkAddress,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.username, self.session_id, self.session_version, self.address
        )
    }
}

/// `t=` and the `r=` lines after it, unread: a telephone call is on from now until it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Start and stop; `0 0` is unbounded.
    pub active: Text,
    /// `r=`
    pub repeats: Vec<Text>,
}

impl Timing {
    /// A session without bounds, `t=0 0`.
    pub fn unbounded() -> Self {
        Timing {
            active: "0 0".into(),
            repeats: Vec::new(),
        }
    }
}

/// The `IN IP4 192.0.2.1` of `c=`, `o=` and `a=rtcp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAddress {
    /// `IN`
    pub network_type: Text,
    /// `IP4` or `IP6`
    pub address_type: Text,
    /// An address or a name; a multicast address with `/ttl/count`.
    pub address: Text,
}

impl NetworkAddress {
    /// Reads the three words; `None` when there are not exactly three.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let address = NetworkAddress {
            network_type: word(words.next()?),
            address_type: word(words.next()?),
            address: word(words.next()?),
        };
        words.next().is_none().then_some(address)
    }

    /// The IP address, if it is one and not a name. That it agrees with `IP4` or `IP6` is not
    /// asked for.
    pub fn ip(&self) -> Option<IpAddr> {
        let address = self.address.split('/').next()?;
        address.parse().ok()
    }
}

impl From<IpAddr> for NetworkAddress {
    fn from(ip: IpAddr) -> Self {
        NetworkAddress {
            network_type: "IN".into(),
            address_type: if ip.is_ipv4() { "IP4" } else { "IP6" }.into(),
            address: ip.to_smolstr(),
        }
    }
}

impl Default for NetworkAddress {
    fn default() -> Self {
        IpAddr::from(Ipv4Addr::UNSPECIFIED).into()
    }
}

impl fmt::Display for NetworkAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.network_type, self.address_type, self.address
        )
    }
}

pub(crate) fn write_lines<'a, T: fmt::Display + 'a>(
    f: &mut fmt::Formatter<'_>,
    letter: char,
    values: impl IntoIterator<Item = &'a T>,
) -> fmt::Result {
    values
        .into_iter()
        .try_for_each(|value| write!(f, "{letter}={value}\r\n"))
}
