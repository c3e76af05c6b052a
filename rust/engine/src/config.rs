//! What the engine needs to know at start.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    time::Duration,
};

use sems_sip::auth::AuthConfig;

use crate::{
    error::EngineError,
    media::files::FilesConfig,
    transport::{listen::Listen, tls::TlsConfig},
};

/// The engine's configuration. Nothing in it changes while the engine runs.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Addresses to listen at for SIP. Requests leave from here, too: without TCP or TLS among
    /// them there is none.
    pub sip_listen: Vec<Listen>,
    /// Certificates.
    pub tls: TlsConfig,
    /// TCP and TLS connections each way at one time; more are closed at once.
    pub max_connections: usize,
    /// Of these, how many one address (or a /64 of IPv6) may open.
    pub max_connections_per_source: usize,
    /// How long a connection stays open over which nothing comes or goes.
    pub connection_idle: Duration,
    /// First and last port of RTP; each call takes an even one and the next for RTCP.
    pub rtp_ports: (u16, u16),
    /// What peers are told instead of the address at which they reached us (port forwarding).
    pub advertised_address: Option<IpAddr>,
    /// Media workers, 1–255; 0: one for each core.
    pub workers: usize,
    /// With so many calls on one worker, a room gets other workers, too; from 1.
    pub room_legs: usize,
    /// Calls at one time; more are refused with 503.
    pub max_calls: usize,
    /// Calls that may come in one second, as many of them at once; 0: as many as come.
    pub calls_per_second: u32,
    /// The same for each source that is not trusted: an IPv4 address, or 64 bits of IPv6.
    pub calls_per_second_per_source: u32,
    /// Calls at one time of each source that is not trusted; 0: as many as come.
    pub calls_per_source: usize,
    /// Other requests outside calls that may come in one second; 0: as many as come.
    pub requests_per_second: u32,
    /// Peers whose word is taken: [`Incoming::trusted`](crate::event::Incoming::trusted).
    pub trusted: Vec<Network>,
    /// The `User-Agent` and `Server` header fields.
    pub user_agent: String,
    /// Codecs by name, the dearest first.
    pub codecs: Vec<String>,
    /// Where the peer knows comfort noise (RFC 3389), no packets are sent in pauses.
    pub comfort_noise: bool,
    /// Whether keys may come and go in RTP (RFC 4733); otherwise by INFO or in the sound.
    pub telephone_events: bool,
    /// Methods beside those of calls that Python takes.
    pub methods: Vec<Taken>,
    /// Event packages that Python notifies of (RFC 6665).
    pub event_packages: Vec<String>,
    /// Media types that a MESSAGE may carry; empty: any.
    pub message_types: Vec<String>,
    /// Packages of INFO that Python takes (RFC 6086).
    pub info_packages: Vec<String>,
    /// How long RTP may fail to come before it is told.
    pub rtp_timeout: Duration,
    /// How long a call may go without an answer, in either direction.
    pub unanswered: Duration,
    /// The interval in seconds at which calls are to be refreshed (RFC 4028) where the peer knows
    /// that, from 90; 0: none of ours, though what peers ask for is done.
    pub session_expires: u32,
    /// The shortest interval that peers may ask for, in seconds, from 90.
    pub min_se: u32,
    /// Who has to say who it is; `None`: nobody.
    pub auth: Option<AuthConfig>,
    /// How files are read and written.
    pub files: FilesConfig,
    /// How many bytes the record of messages may take ([`Trace`](crate::trace::Trace)); 0: none is kept.
    pub trace_bytes: usize,
    /// Whether that holds also what comes to RTP ports: whence, when and with what numbers, not the
    /// sound. It takes 8 KiB a call.
    pub trace_packets: bool,
    /// Where all randomness comes from; `None`: from the system. On a memory network `None` is 0.
    pub seed: Option<u64>,
}

/// A method that Python takes, and what happens when Python is slow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its name, such as `MESSAGE`.
    pub method: String,
    /// The answer that is given when Python has given none in time, 200–699.
    pub code: u16,
    /// That time. Over UDP a phone repeats after 500 ms what is not answered.
    pub after: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            sip_listen: vec![SocketAddr::from(([0, 0, 0, 0], 5060)).into()],
            tls: TlsConfig::default(),
            max_connections: 5000,
            max_connections_per_source: 500,
            connection_idle: Duration::from_secs(7200),
            rtp_ports: (10_000, 19_999),
            advertised_address: None,
            workers: 0,
            room_legs: 500,
            max_calls: 10_000,
            calls_per_second: 0,
            calls_per_second_per_source: 0,
            calls_per_source: 0,
            requests_per_second: 1_000,
            trusted: vec![
                Network {
                    address: IpAddr::from([127, 0, 0, 0]),
                    prefix: 8,
                },
                Network {
                    address: IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
                    prefix: 128,
                },
            ],
            user_agent: "SEMS".to_owned(),
            codecs: vec!["PCMU".to_owned(), "PCMA".to_owned()],
            comfort_noise: false,
            telephone_events: true,
            methods: Vec::new(),
            event_packages: Vec::new(),
            message_types: vec!["text/plain".to_owned()],
            info_packages: Vec::new(),
            rtp_timeout: Duration::from_secs(10),
            unanswered: Duration::from_secs(300),
            session_expires: 1800,
            min_se: 90,
            auth: None,
            files: FilesConfig::default(),
            trace_bytes: 32 << 20,
            trace_packets: true,
            seed: None,
        }
    }
}

impl EngineConfig {
    /// Finds what makes no sense before anything is opened.
    ///
    /// # Errors
    /// [`EngineError::Invalid`], which names the field and what is wrong with it.
    pub fn validate(&self) -> Result<(), EngineError> {
        let invalid = |text: String| Err(EngineError::Invalid(text));
        let (low, high) = self.rtp_ports;
        if self.sip_listen.is_empty() {
            return invalid("sip_listen: at least one address is needed".to_owned());
        }
        if low == 0 || high <= low {
            return invalid(format!(
                "rtp_ports: {low}-{high} is not a range of at least two ports"
            ));
        }
        if self.workers > 255 {
            return invalid(format!("workers: {} is more than 255", self.workers));
        }
        if self.room_legs == 0 {
            return invalid("room_legs: must be at least 1".to_owned());
        }
        if self.max_calls == 0 {
            return invalid("max_calls: must be at least 1".to_owned());
        }
        if self
            .advertised_address
            .is_some_and(|address| address.is_unspecified())
        {
            return invalid(
                "advertised_address: must be an address that peers can reach".to_owned(),
            );
        }
        if self.user_agent.is_empty() || self.user_agent.bytes().any(|byte| byte.is_ascii_control())
        {
            return invalid("user_agent: must be one line of text".to_owned());
        }
        for Taken { method, code, .. } in &self.methods {
            let own = ["INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE"];
            let is_token = sems_sip::Token::new(method.as_str()).is_some();
            if own.contains(&method.as_str()) || !is_token {
                return invalid(format!("methods: {method:?} is none that can be taken"));
            }
            if !(200..700).contains(code) {
                return invalid(format!("methods: {code} is no final response"));
            }
        }
        for package in &self.event_packages {
            if sems_sip::Token::new(package.as_str()).is_none() {
                return invalid(format!(
                    "event_packages: {package:?} is no name of a package"
                ));
            }
        }
        for package in &self.info_packages {
            if sems_sip::Token::new(package.as_str()).is_none() {
                return invalid(format!(
                    "info_packages: {package:?} is no name of a package"
                ));
            }
        }
        if self.max_connections == 0 || self.max_connections_per_source == 0 {
            return invalid("max_connections: must be at least 1".to_owned());
        }
        // A response may take that long (RFC 3261 §18).
        if self.connection_idle < Duration::from_secs(64) {
            return invalid("connection_idle: must be at least 64 s".to_owned());
        }
        if self.min_se < 90 {
            return invalid(format!("min_se: {} is less than 90 seconds", self.min_se));
        }
        if self.session_expires != 0 && self.session_expires < self.min_se {
            return invalid(format!(
                "session_expires: {} is less than min_se, {}",
                self.session_expires, self.min_se
            ));
        }
        if let Some(auth) = &self.auth
            && (auth.realm.is_empty() || auth.algorithms.is_empty())
        {
            return invalid("auth: a realm and an algorithm are needed".to_owned());
        }
        if !(1..=64).contains(&self.files.threads) {
            return invalid(format!(
                "file_threads: {} is not between 1 and 64",
                self.files.threads
            ));
        }
        if self.rtp_timeout.is_zero() {
            return invalid("rtp_timeout: must be longer than nothing".to_owned());
        }
        Ok(())
    }

    /// Whether the word of a peer at this address is taken.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }
}

/// A range of addresses in CIDR notation, such as `127.0.0.0/8`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The address, and how many of its bits count.
    pub fn parts(self) -> (IpAddr, u8) {
        (self.address, self.prefix)
    }

    /// Whether `address` lies in this range. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = u32::from(ours) ^ u32::from(theirs);
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = u128::from(ours) ^ u128::from(theirs);
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = EngineError;

    /// `address/prefix`, or a single address.
    fn from_str(text: &str) -> Result<Self, EngineError> {
        let invalid = || EngineError::Invalid(format!("trusted: {text:?} is not a network"));
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_| invalid())?;
        if prefix > bits {
            return Err(invalid());
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_shares_its_prefix() {
        let private: Network = "10.1.0.0/16".parse().unwrap();
        assert!(private.contains("10.1.255.7".parse().unwrap()));
        assert!(private.contains("::ffff:10.1.2.3".parse().unwrap()));
        assert!(!private.contains("10.2.0.1".parse().unwrap()));
        assert!(!private.contains("::1".parse().unwrap()));
        let all: Network = "::/0".parse().unwrap();
        assert!(all.contains("2001:db8::1".parse().unwrap()));
        let one: Network = "192.0.2.1".parse().unwrap();
        assert!(!one.contains("192.0.2.2".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "localhost",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text:?}");
        }
    }
}
