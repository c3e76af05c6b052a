//! Where a request is sent: what DNS or the configuration has made of a URI.

use std::{fmt, net::SocketAddr, str::FromStr};

use sems_sip::transaction::Transport;

use crate::error::EngineError;

/// Where a request is sent.
///
/// As text: `udp:192.0.2.1:5060`, `tcp:[2001:db8::1]:5060`, `tls:192.0.2.1:5061;name=example.org`.
/// Without a transport it is UDP.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Destination {
    /// What carries it.
    pub transport: Transport,
    /// The address of the next hop.
    pub address: SocketAddr,
    /// The domain that was looked up, which a TLS certificate must be for (RFC 5922 §7.1); `None`:
    /// it must be for the address.
    pub name: Option<String>,
}

impl From<SocketAddr> for Destination {
    /// Over UDP.
    fn from(address: SocketAddr) -> Self {
        Self {
            transport: Transport::Udp,
            address,
            name: None,
        }
    }
}

impl FromStr for Destination {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let invalid = || {
            EngineError::Invalid(format!(
                "{text:?} is not a destination such as 192.0.2.1:5060 or tls:192.0.2.1:5061;name=example.org"
            ))
        };
        let (place, name) = match text.split_once(";name=") {
            Some((place, name)) => (place, Some(name)),
            None => (text, None),
        };
        let named = place
            .split_once(':')
            .and_then(|(transport, rest)| Some((Transport::from_name(transport)?, rest)));
        let (transport, address) = named.unwrap_or((Transport::Udp, place));
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b';')
        };
        if name.is_some_and(|name| !is_name(name)) {
            return Err(invalid());
        }
        Ok(Self {
            transport,
            address: address.parse().map_err(|_| invalid())?,
            name: name.map(str::to_owned),
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.name(), self.address)?;
        match &self.name {
            Some(name) => write!(f, ";name={name}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_read_as_it_is_written() {
        for text in [
            "udp:192.0.2.1:5060",
            "tcp:[2001:db8::1]:5060",
            "tls:192.0.2.1:5061;name=example.org",
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        for (text, written) in [
            ("192.0.2.1:5060", "udp:192.0.2.1:5060"),
            ("[::1]:5060", "udp:[::1]:5060"),
            ("TLS:[::1]:5061", "tls:[::1]:5061"),
        ] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_is_no_destination_is_refused() {
        for text in [
            "",
            "example.org:5060",
            "192.0.2.1",
            "sctp:192.0.2.1:5060",
            "tls:192.0.2.1:5061;name=",
            "tls:192.0.2.1:5061;name=a b",
            "tcp:::1:5060",
        ] {
            assert!(text.parse::<Destination>().is_err(), "{text:?}");
        }
    }
}
