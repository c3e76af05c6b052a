//! Via (RFC 3261 §20.42) with `rport` (RFC 3581).

use std::fmt;
use std::net::IpAddr;

use super::{Header, HeaderName, Params, Rows};
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

impl Transport {
    /// The transport called `name`, in any case; `None` when `name` is no token.
    pub fn parse(name: &Text) -> Option<Self> {
        Self::known(name).or_else(|| Token::new(name.clone()).map(Self::Other))
    }

    fn known(name: &str) -> Option<Self> {
        let is = |known| name.eq_ignore_ascii_case(known);
        Some(match name.len() {
            2 if is("WS") => Self::Ws,
            3 if is("UDP") => Self::Udp,
            3 if is("TCP") => Self::Tcp,
            3 if is("TLS") => Self::Tls,
            3 if is("WSS") => Self::Wss,
            _ => return None,
        })
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

    fn read(value: &Text) -> Option<Self> {
        let (sent, params) = grammar::cut_params(value);
        let (version, sent) = match sent.strip_prefix("SIP/2.0/") {
            Some(sent) => (Text::new(), sent),
            None => {
                let (name, rest) = grammar::split(sent, b'/')?;
                let (version, rest) = grammar::split(rest, b'/')?;
                if !grammar::trim(name).eq_ignore_ascii_case("SIP") {
                    return None;
                }
                let version = match grammar::trim(version) {
                    "2.0" => Text::new(),
                    other if grammar::is_token(other) => grammar::slice(value, other),
                    _ => return None,
                };
                (version, grammar::trim(rest))
            }
        };
        let (transport, sent_by) = sent.split_at(class::run(sent.as_bytes(), 0, class::TOKEN));
        if !sent_by.starts_with(grammar::BLANKS) {
            return None;
        }
        let sent_by = grammar::trim(sent_by);
        let (host, port) = sent_by.split_at(Host::end(sent_by.as_bytes(), 0));
        let port = match grammar::trim(port) {
            "" => None,
            port => Some(grammar::number(grammar::trim(port.strip_prefix(':')?))?),
        };
        Some(Self {
            version,
            transport: match Transport::known(transport) {
                Some(transport) => transport,
                None => Transport::parse(&grammar::slice(value, transport))?,
            },
            host: Host::read(value, host)?,
            port,
            params: Params::parse(value, params)?,
        })
    }
}

impl Header for Via {
    const NAME: HeaderName = HeaderName::Via;
    const ROWS: Rows = Rows::List;

    fn parse(value: &Text) -> Result<Self, Error> {
        Self::read(value).ok_or(Error::Malformed(Self::NAME))
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
