//! Two ends of connections, and what arrives at them.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use sems_engine::transport::{
    Arrival, Transport,
    quota::Quota,
    stream::StreamTransport,
    tls::{Tls, TlsConfig},
};
use sems_sip::Flow;

pub const IDLE: Duration = Duration::from_secs(7200);

/// A folder of its own for one test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("sems-streams-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A listener and what has arrived at it.
pub struct End {
    pub transport: StreamTransport,
    pub arrivals: Vec<Arrival>,
    pub now: Instant,
}

impl End {
    pub fn new(tls: Option<Arc<Tls>>) -> Self {
        Self::with(tls, Quota::new(100, 100))
    }

    pub fn with(tls: Option<Arc<Tls>>, quota: Arc<Quota>) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            transport: StreamTransport::bind(address, tls, quota, IDLE).unwrap(),
            arrivals: Vec::new(),
            now: Instant::now(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.transport.bound()
    }

    pub fn client(&self) -> TcpStream {
        let client = TcpStream::connect(self.address()).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        client
    }

    pub fn step(&mut self) {
        self.transport
            .receive(self.now, &mut self.arrivals)
            .unwrap();
    }

    pub fn wait(&mut self, time: u64) {
        self.now += Duration::from_secs(time);
        self.step();
    }

    pub fn flow_to(&self, other: &End) -> Flow {
        Flow {
            transport: self.transport.kind(),
            local: self.address(),
            remote: other.address(),
        }
    }

    pub fn send(&mut self, flow: Flow, text: &str) -> std::io::Result<()> {
        let data = Bytes::copy_from_slice(text.as_bytes());
        self.transport.send(self.now, flow, &data)
    }

    pub fn messages(&self) -> Vec<(Flow, String)> {
        let message = |arrival: &Arrival| match arrival {
            Arrival::Message { flow, data } => {
                Some((*flow, String::from_utf8(data.to_vec()).unwrap()))
            }
            _ => None,
        };
        self.arrivals.iter().filter_map(message).collect()
    }
}

/// Lets all of them work until something is the case, at most twenty seconds.
#[track_caller]
pub fn until(ends: &mut [&mut End], done: impl Fn(&[&mut End]) -> bool) {
    let start = Instant::now();
    while !done(ends) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "nothing more happens"
        );
        for end in ends.iter_mut() {
            end.step();
        }
        std::thread::yield_now();
    }
}

#[track_caller]
pub fn until_messages(end: &mut End, count: usize) {
    until(&mut [end], |ends| ends[0].messages().len() >= count);
}

pub fn message(body: &str) -> String {
    format!(
        "MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c;branch=z9hG4bK1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a certificate in this folder is for; the folder's own is made.
pub fn tls(folder: &Path, change: impl FnOnce(&mut TlsConfig)) -> Arc<Tls> {
    let mut config = TlsConfig {
        folder: Some(folder.to_owned()),
        names: vec!["sip.example.org".to_owned(), "127.0.0.1".to_owned()],
        ..TlsConfig::default()
    };
    change(&mut config);
    Tls::new(config).unwrap()
}
