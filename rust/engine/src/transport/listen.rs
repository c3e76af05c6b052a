//! Where SIP is listened for, as the configuration has it, and the sockets made from that.

use std::{fmt, net::SocketAddr, str::FromStr, sync::Arc, time::Duration};

use sems_sip::transaction::Transport as FlowTransport;

use super::{Transport, quota::Quota, stream::StreamTransport, tls::Tls, udp::UdpTransport};
use crate::error::EngineError;

/// One address to listen at.
///
/// As text: `udp:192.0.2.1:5060`, `tcp:[::1]:5070`, `tls:0.0.0.0:5061`, each perhaps with
/// `;advertise=203.0.113.7:5060` and `;optional`. Without a transport it is UDP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// What is listened for.
    pub transport: FlowTransport,
    /// Where; an unspecified address: at all of its family, port 0: any.
    pub address: SocketAddr,
    /// What peers are told instead.
    pub advertise: Option<SocketAddr>,
    /// Whether there is a server without it.
    pub optional: bool,
}

impl From<SocketAddr> for Listen {
    /// UDP.
    fn from(address: SocketAddr) -> Self {
        Self {
            transport: FlowTransport::Udp,
            address,
            advertise: None,
            optional: false,
        }
    }
}

impl FromStr for Listen {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let invalid = || {
            EngineError::Invalid(format!(
                "{text:?} is not an address to listen at such as udp:192.0.2.1:5060 or tls:[::]:5061"
            ))
        };
        let mut parts = text.split(';');
        let place = parts.next().unwrap_or_default();
        let named = place
            .split_once(':')
            .and_then(|(name, rest)| Some((FlowTransport::from_name(name)?, rest)));
        let (transport, address) = named.unwrap_or((FlowTransport::Udp, place));
        let mut listen = Self {
            transport,
            ..address.parse::<SocketAddr>().map_err(|_| invalid())?.into()
        };
        for part in parts {
            match part.split_once('=') {
                None if part == "optional" => listen.optional = true,
                Some(("advertise", address)) => {
                    let address: SocketAddr = address.parse().map_err(|_| invalid())?;
                    if address.ip().is_unspecified() || address.port() == 0 {
                        return Err(invalid());
                    }
                    listen.advertise = Some(address);
                }
                _ => return Err(invalid()),
            }
        }
        Ok(listen)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.name(), self.address)
    }
}

/// Opens all that is to be listened at, in that order; also returns what of it has no socket, as
/// it was optional, and why.
///
/// # Errors
/// [`EngineError::Listen`].
pub(crate) fn open(
    wanted: &[Listen],
    tls: &Arc<Tls>,
    quota: &Arc<Quota>,
    idle: Duration,
) -> Result<(Vec<Opened>, Vec<EngineError>), EngineError> {
    let mut opened: Vec<Opened> = Vec::new();
    let mut missing = Vec::new();
    for listen in wanted {
        let bind = |address: SocketAddr| -> Result<Box<dyn Transport>, EngineError> {
            let tls = match listen.transport {
                FlowTransport::Udp => return Ok(Box::new(UdpTransport::bind(address)?)),
                FlowTransport::Tls => Some(tls.clone()),
                _ => None,
            };
            let transport = StreamTransport::bind(address, tls, quota.clone(), idle)?;
            Ok(Box::new(transport))
        };
        // Any port will do, and best the one that UDP has got, so that one number is enough.
        let same = opened.iter().find(|other| {
            listen.transport == FlowTransport::Tcp
                && listen.address.port() == 0
                && other.listen.address == listen.address
        });
        let same = same.map(|other| other.transport.bound());
        let transport = match same.map(&bind) {
            Some(Ok(transport)) => Ok(transport),
            _ => bind(listen.address),
        };
        match transport {
            Ok(transport) => opened.push(Opened {
                listen: listen.clone(),
                transport,
            }),
            Err(error) if listen.optional => missing.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok((opened, missing))
}

/// A socket, and what it was opened for.
pub(crate) struct Opened {
    pub(crate) listen: Listen,
    pub(crate) transport: Box<dyn Transport>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_at_is_read() {
        let listen: Listen = "192.0.2.1:5060".parse().unwrap();
        assert_eq!(listen, Listen::from(listen.address));
        assert_eq!(listen.to_string(), "udp:192.0.2.1:5060");
        let listen: Listen = "TLS:[::]:5061;advertise=203.0.113.7:443;optional"
            .parse()
            .unwrap();
        assert_eq!(listen.to_string(), "tls:[::]:5061");
        assert_eq!(listen.advertise, Some("203.0.113.7:443".parse().unwrap()));
        assert!(listen.optional);
    }

    #[test]
    fn what_is_no_address_to_listen_at_is_refused() {
        for text in [
            "",
            "udp:",
            "tcp:localhost:5060",
            "sctp:192.0.2.1:5060",
            "tcp:192.0.2.1",
            "tcp:192.0.2.1:5060;",
            "tcp:192.0.2.1:5060;advertise=0.0.0.0:5060",
            "tcp:192.0.2.1:5060;advertise=192.0.2.2:0",
            "tcp:192.0.2.1:5060;color=blue",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text:?}");
        }
    }
}
