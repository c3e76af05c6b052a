//! The session level of a description, and writing the whole (RFC 8866 §5).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::Text;
use crate::attribute::{Attribute, Direction};
use crate::error::Error;
use crate::media::Media;
use crate::scan::Words;

/// A session description. [`fmt::Display`] writes its lines in the order of RFC 8866 §5, so that
/// `u=` stands after `s=` and `i=` and before `c=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription<'a> {
    /// `o=`
    pub origin: Origin<'a>,
    /// `s=`; `-` for a session without a name.
    pub name: Text<'a>,
    /// `i=`
    pub information: Option<Text<'a>>,
    /// `u=`: a page about the session.
    pub uri: Option<Text<'a>>,
    /// `e=`
    pub emails: Vec<Text<'a>>,
    /// `p=`
    pub phones: Vec<Text<'a>>,
    /// `c=`
    pub connection: Option<NetworkAddress<'a>>,
    /// `b=`, unread.
    pub bandwidths: Vec<Text<'a>>,
    /// `t=` with its `r=` lines.
    pub times: Vec<Timing<'a>>,
    /// `z=`, unread.
    pub zone: Option<Text<'a>>,
    /// `k=`, unread.
    pub key: Option<Text<'a>>,
    /// `a=` of the session, known and unknown, in their order.
    pub attributes: Vec<Attribute<'a>>,
    /// The media descriptions in their order.
    pub media: Vec<Media<'a>>,
}

impl<'a> SessionDescription<'a> {
    /// Reads a description, of which the texts are pieces of what was read. Line ends may be CRLF,
    /// LF or CR; bytes that are not UTF-8 become U+FFFD. Errors name the line.
    pub fn parse(text: &'a [u8]) -> Result<Self, Error> {
        crate::parse::session_description(text)
    }

    /// The value of the first session-level attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.name == name)?;
        found.value.as_deref()
    }

    /// The address that applies to a media line: its own `c=` or the session's.
    pub fn connection_of<'b>(&'b self, media: &'b Media<'a>) -> Option<&'b NetworkAddress<'a>> {
        media.connections.first().or(self.connection.as_ref())
    }

    /// The direction that applies to a media line: its own, the session's, or `sendrecv`.
    pub fn direction_of(&self, media: &Media<'_>) -> Direction {
        media
            .direction()
            .or_else(|| Direction::find(&self.attributes))
            .unwrap_or_default()
    }
}

impl fmt::Display for SessionDescription<'_> {
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
pub struct Origin<'a> {
    /// The user's login, or `-`.
    pub username: Text<'a>,
    /// Digits of any length.
    pub session_id: Text<'a>,
    /// Digits of any length; rises with each change of the description.
    pub session_version: Text<'a>,
    /// The machine that made it. Not where media goes.
    pub address: NetworkAddress<'a>,
}

impl fmt::Display for Origin<'_> {
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
pub struct Timing<'a> {
    /// Start and stop; `0 0` is unbounded.
    pub active: Text<'a>,
    /// `r=`
    pub repeats: Vec<Text<'a>>,
}

impl Timing<'_> {
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
pub struct NetworkAddress<'a> {
    /// `IN`
    pub network_type: Text<'a>,
    /// `IP4` or `IP6`
    pub address_type: Text<'a>,
    /// An address or a name; a multicast address with `/ttl/count`.
    pub address: Text<'a>,
}

impl<'a> NetworkAddress<'a> {
    /// Reads the three words; `None` when there are not exactly three.
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut words = Words::of(value);
        let address = NetworkAddress {
            network_type: words.next()?.into(),
            address_type: words.next()?.into(),
            address: words.next()?.into(),
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

impl From<IpAddr> for NetworkAddress<'_> {
    fn from(ip: IpAddr) -> Self {
        NetworkAddress {
            network_type: "IN".into(),
            address_type: if ip.is_ipv4() { "IP4" } else { "IP6" }.into(),
            address: ip.to_string().into(),
        }
    }
}

impl Default for NetworkAddress<'_> {
    fn default() -> Self {
        IpAddr::from(Ipv4Addr::UNSPECIFIED).into()
    }
}

impl fmt::Display for NetworkAddress<'_> {
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
