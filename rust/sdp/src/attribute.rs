//! `a=` lines: the general form, and those that mean something to us.

use std::fmt;
use std::net::IpAddr;

use crate::Text;
use crate::session::NetworkAddress;

/// An attribute line, known or not (RFC 8866 §5.13): `a=name` or `a=name:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name before the colon; names are case-sensitive.
    pub name: Text<'a>,
    /// What follows the colon, unaltered. A property attribute has none.
    pub value: Option<Text<'a>>,
}

impl<'a> Attribute<'a> {
    /// A property attribute: `a=name`.
    pub fn property(name: &'a str) -> Self {
        Attribute {
            name: name.into(),
            value: None,
        }
    }

    /// A value attribute: `a=name:value`.
    pub fn value(name: &'a str, value: impl fmt::Display) -> Self {
        Attribute {
            name: name.into(),
            value: Some(value.to_string().into()),
        }
    }
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}:{}", self.name, value),
            None => f.write_str(&self.name),
        }
    }
}

/// The direction of a stream as seen by who wrote it (RFC 8866 §6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Direction {
    /// Both ways; what a description means that says nothing.
    #[default]
    SendRecv,
    /// The writer only sends: the classic hold.
    SendOnly,
    /// The writer only listens.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The direction in which the writer sends and receives as told.
    pub fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Does the writer send?
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Does the writer receive?
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream as seen from the other end.
    pub fn mirrored(self) -> Self {
        Direction::new(self.receives(), self.sends())
    }

    /// What is left when both must agree (both seen from the same end).
    pub fn and(self, other: Self) -> Self {
        Direction::new(
            self.sends() && other.sends(),
            self.receives() && other.receives(),
        )
    }

    /// The attribute's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// The direction that a list of attributes states, if it states one.
    pub(crate) fn find(attributes: &[Attribute<'_>]) -> Option<Self> {
        attributes.iter().find_map(|a| match a.name.trim_end() {
            "sendrecv" => Some(Direction::SendRecv),
            "sendonly" => Some(Direction::SendOnly),
            "recvonly" => Some(Direction::RecvOnly),
            "inactive" => Some(Direction::Inactive),
            _ => None,
        })
    }
}

/// `a=rtpmap` (RFC 8866 §6.6): what a payload type stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpMap<'a> {
    /// 0 to 127.
    pub payload_type: u8,
    /// The encoding's name; compare without regard to case.
    pub encoding: Text<'a>,
    /// The RTP clock in Hz.
    pub clock_rate: u32,
    /// Audio channels, 1 when the line names none.
    pub channels: u8,
}

impl<'a> RtpMap<'a> {
    /// Reads the attribute's value, `0 PCMU/8000[/1]`; `None` when it is malformed.
    pub fn parse(value: &'a str) -> Option<Self> {
        let (payload_type, encoding) = value.trim().split_once(' ')?;
        let mut parts = encoding.trim().split('/');
        let map = RtpMap {
            payload_type: payload_type.parse().ok().filter(|pt| *pt < 128)?,
            encoding: parts.next().filter(|e| !e.is_empty())?.into(),
            clock_rate: parts.next()?.parse().ok().filter(|rate| *rate > 0)?,
            channels: match parts.next() {
                Some(channels) => channels.parse().ok()?,
                None => 1,
            },
        };
        Some(map)
    }

    /// What RFC 3551 §6 gives a payload type that needs no `a=rtpmap`.
    pub fn of_static(payload_type: u8) -> Option<Self> {
        let (encoding, clock_rate, channels) = match payload_type {
            0 => ("PCMU", 8000, 1),
            3 => ("GSM", 8000, 1),
            4 => ("G723", 8000, 1),
            5 => ("DVI4", 8000, 1),
            6 => ("DVI4", 16000, 1),
            7 => ("LPC", 8000, 1),
            8 => ("PCMA", 8000, 1),
            9 => ("G722", 8000, 1),
            10 => ("L16", 44100, 2),
            11 => ("L16", 44100, 1),
            12 => ("QCELP", 8000, 1),
            13 => ("CN", 8000, 1),
            15 => ("G728", 8000, 1),
            18 => ("G729", 8000, 1),
            _ => return None,
        };
        Some(RtpMap {
            payload_type,
            encoding: encoding.into(),
            clock_rate,
            channels,
        })
    }
}

impl fmt::Display for RtpMap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}/{}",
            self.payload_type, self.encoding, self.clock_rate
        )?;
        match self.channels {
            1 => Ok(()),
            channels => write!(f, "/{channels}"),
        }
    }
}

/// `a=rtcp` (RFC 3605): where RTCP goes when not to the port above RTP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rtcp {
    /// The UDP port.
    pub port: u16,
    /// The address when it is another one than that of `c=`.
    pub address: Option<IpAddr>,
}

impl Rtcp {
    /// Reads the attribute's value, `53020 [IN IP4 126.16.64.4]`; `None` when it is malformed.
    pub fn parse(value: &str) -> Option<Self> {
        let (port, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
        let address = match rest.trim() {
            "" => None,
            rest => Some(NetworkAddress::parse(rest)?.ip()?),
        };
        Some(Rtcp {
            port: port.parse().ok()?,
            address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rtpmap_is_read_and_written() {
        let map = RtpMap::parse("101 telephone-event/8000").unwrap();
        assert_eq!(
            (map.payload_type, map.clock_rate, map.channels),
            (101, 8000, 1)
        );
        assert_eq!(map.to_string(), "101 telephone-event/8000");
        assert_eq!(
            RtpMap::parse("96 opus/48000/2").unwrap().to_string(),
            "96 opus/48000/2"
        );
    }

    #[test]
    fn a_malformed_rtpmap_is_none() {
        for bad in [
            "",
            "0",
            "128 X/8000",
            "0 /8000",
            "0 PCMU",
            "0 PCMU/0",
            "0 PCMU/8000/x",
            "-1 X/1",
        ] {
            assert_eq!(RtpMap::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn rtcp_may_name_another_address() {
        let rtcp = Rtcp::parse("53020 IN IP6 2001:db8::1").unwrap();
        assert_eq!(rtcp.address, Some("2001:db8::1".parse().unwrap()));
        assert_eq!(Rtcp::parse("53020").unwrap().address, None);
        assert_eq!(Rtcp::parse("99999"), None);
        assert_eq!(Rtcp::parse("1 IN IP4 host.example"), None);
    }

    #[test]
    fn a_direction_is_its_own_mirrors_mirror() {
        for (sends, receives) in [(true, true), (true, false), (false, true), (false, false)] {
            let direction = Direction::new(sends, receives);
            assert_eq!((direction.sends(), direction.receives()), (sends, receives));
            assert_eq!(direction.mirrored().mirrored(), direction);
            assert_eq!(direction.and(Direction::SendRecv), direction);
        }
    }
}
