//! Via (RFC 3261 §20.42) with `rport` (RFC 3581).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{Found, Header, HeaderName, Params, Pieces, Place, Rows};
use crate::grammar::{self, class};
use crate::{Error, Host, Text, Token};

/// The transport a Via names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `UDP`
    Udp,
    /// `TCP`
    Tcp,
    /// `TLS`
    Tls,
    /// `WS` (RFC 7118)
    Ws,
    /// `WSS` (RFC 7118)
    Wss,
    /// Any other.
    Other(Token),
}

/// Those of them that have names of ours.
static KNOWN: [(&str, Transport); 5] = [
    ("UDP", Transport::Udp),
    ("TCP", Transport::Tcp),
    ("TLS", Transport::Tls),
    ("WS", Transport::Ws),
    ("WSS", Transport::Wss),
];

impl Transport {
    /// The transport called `name`, in any case; `None` when `name` is no token.
    pub fn parse(name: &Text) -> Option<Self> {
        Self::known(name).or_else(|| Token::new(name.clone()).map(Self::Other))
    }

    fn known(name: &str) -> Option<Self> {
        Self::place(name).map(|place| KNOWN[place].1.clone())
    }

    /// The place of the transport called `name` among those known.
    #[inline]
    fn place(name: &str) -> Option<usize> {
        KNOWN
            .iter()
            .position(|(known, _)| name.eq_ignore_ascii_case(known))
    }

    /// The name as a Via has it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Other(token) => token.as_str(),
        }
    }

    /// Whether the transport itself repeats what is lost.
    pub fn is_reliable(&self) -> bool {
        !matches!(self, Self::Udp)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One hop a request has taken, and where its response goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The version of SIP, empty for 2.0. A request of another one is refused, over its own Via.
    version: Text,
    /// The transport the request was sent over.
    pub transport: Transport,
    /// The host of the sent-by.
    pub host: Host,
    /// The port of the sent-by, if one is written.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params,
}

impl Via {
    /// What a branch made by RFC 3261's rules starts with (§8.1.1.7).
    pub const MAGIC_COOKIE: &str = "z9hG4bK";

    /// A Via to send a request with. It asks for `rport`.
    pub fn new(transport: Transport, host: Host, port: Option<u16>, branch: &str) -> Self {
        let mut params = Params::new();
        params.set("branch", branch);
        params.set("rport", "");
        Self {
            version: Text::new(),
            transport,
            host,
            port,
            params,
        }
    }

    /// `branch`, the transaction's id.
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch").filter(|b| !b.is_empty())
    }

    /// Whether the branch is unique by RFC 3261's rules, so that it alone tells transactions apart.
    /// The cookie with nothing behind it is not (RFC 4475 §3.2.1).
    pub fn has_magic_cookie(&self) -> bool {
        let cookie = Self::MAGIC_COOKIE;
        self.branch()
            .and_then(|branch| branch.split_at_checked(cookie.len()))
            .is_some_and(|(start, id)| start.eq_ignore_ascii_case(cookie) && !id.is_empty())
    }

    /// `received`, the address the request came from.
    pub fn received(&self) -> Option<IpAddr> {
        // RFC 3261 writes IPv6 without brackets here; some write them nevertheless (RFC 5118 §4.5).
        let address = self.params.get("received")?;
        address
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    }

    /// Notes the address the request came from.
    pub fn set_received(&mut self, address: IpAddr) {
        self.params.set("received", &address.to_string());
    }

    /// Whether the sender asks that the response go to the port the request came from.
    pub fn wants_rport(&self) -> bool {
        self.params.contains("rport")
    }

    /// The value of `rport`, once it is filled in.
    pub fn rport(&self) -> Option<u16> {
        self.params.get("rport").and_then(grammar::number)
    }

    /// Fills in the port the request came from.
    pub fn set_rport(&mut self, port: u16) {
        self.params.set("rport", &port.to_string());
    }

    /// Notes the address and fills in the port the request came from.
    pub(crate) fn set_source(&mut self, source: SocketAddr) {
        let (port, address) = (source.port().to_string(), source.ip().to_string());
        self.params
            .set_all_raw([("rport", &port), ("received", &address)]);
    }

    /// `maddr`, the address to use instead of the host.
    pub fn maddr(&self) -> Option<Host> {
        Host::parse(&self.params.get_text("maddr")?)
    }

    /// `ttl`, for multicast.
    pub fn ttl(&self) -> Option<u8> {
        self.params.get("ttl").and_then(grammar::number)
    }

    /// The port of the sent-by, or the transport's own when none is written (§18.1.1).
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(match self.transport {
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
            _ => 5060,
        })
    }

    #[inline]
    fn of(whole: &Text, value: &str) -> Option<Self> {
        let parts = Parts::of(value)?;
        Some(Self {
            version: grammar::slice(whole, parts.version),
            transport: match Transport::known(parts.transport) {
                Some(transport) => transport,
                None => Transport::parse(&grammar::slice(whole, parts.transport))?,
            },
            host: Host::of(whole, parts.host),
            port: parts.port,
            params: Params::parse(whole, parts.params)?,
        })
    }

    /// [`Via::of`] for a value whose pieces have been found.
    #[inline]
    fn at(whole: &Text, value: &str, places: &ViaPlaces) -> Self {
        Self {
            version: Text::new(),
            transport: KNOWN[usize::from(places.transport)].1.clone(),
            host: match places.address {
                Some(address) => Host::Ip(address.into()),
                None => Host::of(whole, places.host.piece(value)),
            },
            port: places.port,
            params: Params::checked(places.params.slice(whole, value)),
        }
    }
}

/// Where the pieces of a Via are that is sound, of SIP 2.0, and of a transport that we know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ViaPlaces {
    /// The place of the transport among those known.
    transport: u8,
    host: Place,
    /// What the host is, if it is such an address.
    address: Option<Ipv4Addr>,
    port: Option<u16>,
    params: Place,
}

/// Looks at a value: `None` when it is no Via.
pub(crate) fn find_via(value: &str) -> Option<Found> {
    let parts = Parts::of(value)?;
    let params = grammar::trim(parts.params);
    if !Params::are_params(params) {
        return None;
    }
    let places = || {
        let transport = Transport::place(parts.transport)?;
        Some(ViaPlaces {
            transport: parts.version.is_empty().then_some(transport as u8)?,
            host: Place::of(value, parts.host)?,
            address: match Host::parse_ip(parts.host) {
                Some(IpAddr::V4(address)) => Some(address),
                _ => None,
            },
            port: parts.port,
            params: Place::of(value, params)?,
        })
    };
    Some(Found(places().map_or(Pieces::Unknown, Pieces::Via)))
}

/// Where the pieces of a Via are; the parameters are yet to be read.
struct Parts<'a> {
    /// Empty for 2.0.
    version: &'a str,
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: &'a str,
}

impl<'a> Parts<'a> {
    #[inline]
    fn of(value: &'a str) -> Option<Self> {
        let bytes = value.as_bytes();
        let (version, at) = match bytes.starts_with(b"SIP/2.0/") {
            true => ("", 8),
            false => protocol(value)?,
        };
        let end_of_transport = class::run(bytes, at, class::TOKEN);
        let host = grammar::skip_blanks(bytes, end_of_transport);
        if end_of_transport == at || host == end_of_transport {
            return None;
        }
        let end_of_host = Host::checked_end(value, host)?;
        let sent_by = &value[host..end_of_host];
        let mut after = grammar::skip_blanks(bytes, end_of_host);
        let mut port = None;
        if bytes.get(after) == Some(&b':') {
            let start = grammar::skip_blanks(bytes, after + 1);
            let end = grammar::skip_digits(bytes, start);
            port = Some(grammar::number(&value[start..end])?);
            after = grammar::skip_blanks(bytes, end);
        }
        Some(Self {
            version,
            transport: &value[at..end_of_transport],
            host: sent_by,
            port,
            params: &value[after..],
        })
    }
}

/// The version of a `sent-protocol` that is written in another way than most, and where the
/// transport starts.
fn protocol(value: &str) -> Option<(&str, usize)> {
    let (name, rest) = grammar::split(value, b'/')?;
    let (version, rest) = grammar::split(rest, b'/')?;
    let version = grammar::trim(version);
    if !grammar::trim(name).eq_ignore_ascii_case("SIP") || !grammar::is_token(version) {
        return None;
    }
    let start = grammar::skip_blanks(value.as_bytes(), value.len() - rest.len());
    Some((if version == "2.0" { "" } else { version }, start))
}

impl Header for Via {
    const NAME: HeaderName = HeaderName::Via;
    const ROWS: Rows = Rows::List;

    fn parse(value: &Text) -> Result<Self, Error> {
        Self::read(value, value)
    }

    #[inline]
    fn read(whole: &Text, value: &str) -> Result<Self, Error> {
        match Self::of(whole, value) {
            Some(via) => Ok(via),
            None => Err(Error::Malformed(Self::NAME)),
        }
    }

    #[inline]
    fn read_found(whole: &Text, value: &str, found: &Found) -> Result<Self, Error> {
        match &found.0 {
            Pieces::Via(places) => Ok(Self::at(whole, value, places)),
            _ => Self::read(whole, value),
        }
    }

    #[inline]
    fn is_alone(found: &Found) -> bool {
        matches!(found.0, Pieces::Via(_))
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match &*self.version {
            "" => "2.0",
            other => other,
        };
        write!(f, "SIP/{version}/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}
