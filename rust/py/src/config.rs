//! What is said before the start: the configuration, and the network of a virtual engine.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use pyo3::{exceptions::PyValueError, prelude::*};
use sems_engine::{
    config,
    destination::Destination,
    media::files::FilesConfig,
    transport::{memory, tls::TlsConfig},
};

use crate::auth::AuthConfig;
use crate::errors;

fn socket_address(text: &str) -> PyResult<std::net::SocketAddr> {
    text.parse().map_err(|_| {
        PyValueError::new_err(format!("{text:?} is not an address such as 192.0.2.1:5060"))
    })
}

/// A peer's socket on a network in memory.
#[pyclass(frozen, module = "sems._core")]
pub struct MemorySocket(memory::MemorySocket);

#[pymethods]
impl MemorySocket {
    /// Sends a datagram to an address.
    fn send(&self, data: &[u8], to: &str) -> PyResult<()> {
        self.0.send_to(data, socket_address(to)?);
        Ok(())
    }

    /// Closes the connection with an address; of UDP, tells it that nobody is here.
    fn break_off(&self, to: &str) -> PyResult<()> {
        self.0.break_off(socket_address(to)?);
        Ok(())
    }

    /// All that has arrived, in order.
    fn receive(&self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.0.take())
            .map(|(_, data)| data)
            .collect()
    }
}

/// What the engine needs to know at start.
#[pyclass(frozen, module = "sems._core")]
pub struct EngineConfig(pub config::EngineConfig);

#[pymethods]
impl EngineConfig {
    #[new]
    #[pyo3(signature = (
        *,
        sip_listen = vec!["0.0.0.0:5060".to_owned()],
        rtp_ports = (10_000, 19_999),
        advertised_address = None,
        workers = 0,
        room_legs = 500,
        max_calls = 10_000,
        calls_per_second = 0,
        calls_per_second_per_source = 0,
        calls_per_source = 0,
        requests_per_second = 1_000,
        trusted = vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
        user_agent = "SEMS",
        codecs = vec!["PCMU".to_owned(), "PCMA".to_owned()],
        comfort_noise = false,
        telephone_events = true,
        methods = Vec::new(),
        event_packages = Vec::new(),
        message_types = vec!["text/plain".to_owned()],
        info_packages = Vec::new(),
        rtp_timeout_ms = 10_000,
        unanswered_ms = 300_000,
        session_expires = 1800,
        min_se = 90,
        auth = None,
        trace_bytes = 32 << 20,
        trace_packets = true,
        file_threads = 2,
        prompt_cache_bytes = 64 << 20,
        stream_after_ms = 30_000,
        seed = None,
        tls_certificate = None,
        tls_key = None,
        tls_ca = None,
        tls_verify = true,
        tls_wildcards = false,
        tls_folder = None,
        tls_names = Vec::new(),
        max_connections = 5000,
        max_connections_per_source = 500,
        connection_idle_ms = 7_200_000,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords of one Python call")]
    fn new(
        sip_listen: Vec<String>,
        rtp_ports: (u16, u16),
        advertised_address: Option<&str>,
        workers: usize,
        room_legs: usize,
        max_calls: usize,
        calls_per_second: u32,
        calls_per_second_per_source: u32,
        calls_per_source: usize,
        requests_per_second: u32,
        trusted: Vec<String>,
        user_agent: &str,
        codecs: Vec<String>,
        comfort_noise: bool,
        telephone_events: bool,
        methods: Vec<(String, u16, u64)>,
        event_packages: Vec<String>,
        message_types: Vec<String>,
        info_packages: Vec<String>,
        rtp_timeout_ms: u64,
        unanswered_ms: u64,
        session_expires: u32,
        min_se: u32,
        auth: Option<&AuthConfig>,
        trace_bytes: usize,
        trace_packets: bool,
        file_threads: usize,
        prompt_cache_bytes: usize,
        stream_after_ms: u64,
        seed: Option<u64>,
        tls_certificate: Option<PathBuf>,
        tls_key: Option<PathBuf>,
        tls_ca: Option<PathBuf>,
        tls_verify: bool,
        tls_wildcards: bool,
        tls_folder: Option<PathBuf>,
        tls_names: Vec<String>,
        max_connections: usize,
        max_connections_per_source: usize,
        connection_idle_ms: u64,
    ) -> PyResult<Self> {
        let sip_listen = sip_listen
            .iter()
            .map(|text| text.parse().map_err(errors::to_python))
            .collect::<PyResult<_>>()?;
        let advertised_address = advertised_address
            .map(|text| {
                text.parse().map_err(|_| {
                    PyValueError::new_err(format!(
                        "advertised_address: {text:?} is not an IP address"
                    ))
                })
            })
            .transpose()?;
        let trusted = trusted
            .iter()
            .map(|text| text.parse().map_err(errors::to_python))
            .collect::<PyResult<_>>()?;
        let config = config::EngineConfig {
            sip_listen,
            rtp_ports,
            advertised_address,
            workers,
            room_legs,
            max_calls,
            calls_per_second,
            calls_per_second_per_source,
            calls_per_source,
            requests_per_second,
            trusted,
            user_agent: user_agent.to_owned(),
            codecs,
            comfort_noise,
            telephone_events,
            methods: methods.into_iter().map(taken).collect(),
            event_packages,
            message_types,
            info_packages,
            rtp_timeout: Duration::from_millis(rtp_timeout_ms),
            unanswered: Duration::from_millis(unanswered_ms),
            session_expires,
            min_se,
            auth: auth.map(|auth| auth.0.clone()),
            trace_bytes,
            trace_packets,
            files: FilesConfig {
                threads: file_threads,
                cache_bytes: prompt_cache_bytes,
                stream_after: Duration::from_millis(stream_after_ms),
            },
            seed,
            tls: TlsConfig {
                certificate: tls_certificate,
                key: tls_key,
                ca: tls_ca,
                verify: tls_verify,
                wildcards: tls_wildcards,
                folder: tls_folder,
                names: tls_names,
            },
            max_connections,
            max_connections_per_source,
            connection_idle: Duration::from_millis(connection_idle_ms),
        };
        config.validate().map_err(errors::to_python)?;
        Ok(Self(config))
    }
}

/// A method, the answer for a Python that is slow, and after how many milliseconds it is given.
pub fn taken((method, code, after_ms): (String, u16, u64)) -> config::Taken {
    config::Taken {
        method,
        code,
        after: Duration::from_millis(after_ms),
    }
}

fn link_quality(
    loss: f64,
    duplicate: f64,
    delay_ms: f64,
    jitter_ms: f64,
) -> PyResult<memory::LinkQuality> {
    for (name, value) in [("loss", loss), ("duplicate", duplicate)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(PyValueError::new_err(format!(
                "{name}: {value} is not between 0 and 1"
            )));
        }
    }
    let milliseconds = |name: &str, value: f64| {
        Duration::try_from_secs_f64(value / 1000.0).map_err(|_| {
            PyValueError::new_err(format!("{name}: {value} is not a time in milliseconds"))
        })
    };
    Ok(memory::LinkQuality {
        loss,
        duplicate,
        delay: milliseconds("delay_ms", delay_ms)?,
        jitter: milliseconds("jitter_ms", jitter_ms)?,
    })
}

fn ip(text: &str) -> PyResult<IpAddr> {
    text.parse()
        .map_err(|_| PyValueError::new_err(format!("{text:?} is not an IP address")))
}

/// A network in memory for virtual time.
#[pyclass(frozen, module = "sems._core")]
pub struct MemoryNetwork(pub memory::MemoryNetwork);

#[pymethods]
impl MemoryNetwork {
    #[new]
    #[pyo3(signature = (*, seed = 0, loss = 0.0, duplicate = 0.0, delay_ms = 1.0, jitter_ms = 0.0))]
    fn new(seed: u64, loss: f64, duplicate: f64, delay_ms: f64, jitter_ms: f64) -> PyResult<Self> {
        let quality = link_quality(loss, duplicate, delay_ms, jitter_ms)?;
        Ok(Self(memory::MemoryNetwork::new(seed, quality)))
    }

    /// What happens to datagrams from one address, or to one, or from one to the other, from now on.
    #[pyo3(signature = (source = None, to = None, *, loss = 0.0, duplicate = 0.0, delay_ms = 1.0, jitter_ms = 0.0))]
    fn set_link(
        &self,
        source: Option<&str>,
        to: Option<&str>,
        loss: f64,
        duplicate: f64,
        delay_ms: f64,
        jitter_ms: f64,
    ) -> PyResult<()> {
        let quality = link_quality(loss, duplicate, delay_ms, jitter_ms)?;
        match (source.map(ip).transpose()?, to.map(ip).transpose()?) {
            (None, None) => self.0.set_quality(quality),
            (source, to) => self.0.set_link(source, to, quality),
        }
        Ok(())
    }

    /// Has the next engine made at this address.
    fn place_next(&self, ip: &str) -> PyResult<()> {
        self.0.place_next(self::ip(ip)?);
        Ok(())
    }

    /// Opens a socket for a peer that is no engine, such as "192.0.2.1:5060" or "tcp:192.0.2.1:5060".
    fn socket(&self, address: &str) -> PyResult<MemorySocket> {
        let place: Destination = address.parse().map_err(errors::to_python)?;
        let socket = self.0.socket_for(place.transport, place.address)?;
        Ok(MemorySocket(socket))
    }
}
