//! The network between two phones.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How a network treats what is sent over it.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// The part of all datagrams that is lost, 0 to 1.
    pub loss: f64,
    /// The part that arrives twice, 0 to 1.
    pub duplication: f64,
    /// How long a datagram takes. The wider the range, the more overtake each other.
    pub delay: RangeInclusive<Duration>,
    /// The part that takes longer than that, up to T4 (5 s), 0 to 1: many later ones overtake it.
    pub late: f64,
}

/// T4, the longest that a message stays in the network (RFC 3261 §17.1.2.2).
const LATEST: Duration = Duration::from_secs(5);

impl Conditions {
    /// Nothing is lost, and everything takes 10 ms.
    pub fn perfect() -> Self {
        let delay = Duration::from_millis(10);
        Self {
            loss: 0.0,
            duplication: 0.0,
            delay: delay..=delay,
            late: 0.0,
        }
    }

    /// Loss and duplication as given, and delays that differ so much that much is reordered.
    pub fn bad(loss: f64, duplication: f64) -> Self {
        Self {
            loss,
            duplication,
            delay: Duration::from_millis(1)..=Duration::from_millis(400),
            late: 0.0,
        }
    }
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// What it says.
    pub payload: Bytes,
}

impl Datagram {
    /// The first line, without its end.
    pub fn start_line(&self) -> &str {
        let end = self.payload.iter().position(|b| *b == b'\r');
        let line = &self.payload[..end.unwrap_or(self.payload.len())];
        std::str::from_utf8(line).unwrap_or_default()
    }

    /// Whether it is a request of this method.
    pub fn is_request(&self, method: &str) -> bool {
        self.start_line().split(' ').next() == Some(method)
    }

    /// Whether it is a response with this status, to a request of this method.
    pub fn is_response(&self, status: u16, method: &str) -> bool {
        let text = String::from_utf8_lossy(&self.payload);
        self.start_line().starts_with(&format!("SIP/2.0 {status} "))
            && text
                .lines()
                .any(|line| line.starts_with("CSeq:") && line.ends_with(method))
    }
}

type Censor = Box<dyn FnMut(&Datagram) -> bool>;

/// The network: what is sent comes out later, more than once, or never.
pub struct Net {
    conditions: Conditions,
    /// Of those whose way out differs.
    ways: HashMap<SocketAddr, Conditions>,
    rng: StdRng,
    in_flight: BinaryHeap<Reverse<(Instant, u64)>>,
    datagrams: std::collections::BTreeMap<u64, Datagram>,
    sent: u64,
    censor: Option<Censor>,
    /// Everything that was sent, lost or not.
    pub wire: Vec<(Instant, Datagram)>,
}

impl Net {
    /// A network whose whims come from `seed`.
    pub fn new(seed: u64, conditions: Conditions) -> Self {
        Self {
            conditions,
            ways: HashMap::new(),
            rng: StdRng::seed_from_u64(seed),
            in_flight: BinaryHeap::new(),
            datagrams: Default::default(),
            sent: 0,
            censor: None,
            wire: Vec::new(),
        }
    }

    /// From now on the network is like this, both ways.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
        self.ways.clear();
    }

    /// From now on what this side sends has a way of its own: the one back stays as it is.
    pub fn set_conditions_from(&mut self, sender: SocketAddr, conditions: Conditions) {
        self.ways.insert(sender, conditions);
    }

    /// Loses every datagram for which `lost` says so, besides what chance loses.
    pub fn lose(&mut self, lost: impl FnMut(&Datagram) -> bool + 'static) {
        self.censor = Some(Box::new(lost));
    }

    /// Loses the first `times` datagrams for which `lost` says so.
    pub fn lose_first(&mut self, times: usize, lost: impl Fn(&Datagram) -> bool + 'static) {
        let mut left = times;
        self.lose(move |datagram| {
            let hit = left > 0 && lost(datagram);
            left -= usize::from(hit);
            hit
        });
    }

    /// Sends a datagram.
    pub fn send(&mut self, now: Instant, datagram: Datagram) {
        self.wire.push((now, datagram.clone()));
        if self.censor.as_mut().is_some_and(|lost| lost(&datagram)) {
            return;
        }
        let way = self.ways.get(&datagram.from).unwrap_or(&self.conditions);
        let copies = 1 + usize::from(self.rng.random_bool(way.duplication));
        for _ in 0..copies {
            if self.rng.random_bool(way.loss) {
                continue;
            }
            let (min, max) = (way.delay.start(), way.delay.end());
            let mut micros = self.rng.random_range(min.as_micros()..=max.as_micros());
            if self.rng.random_bool(way.late) {
                micros += self
                    .rng
                    .random_range(0..=LATEST.as_micros() - max.as_micros());
            }
            self.sent += 1;
            let arrival = now + Duration::from_micros(micros as u64);
            self.in_flight.push(Reverse((arrival, self.sent)));
            self.datagrams.insert(self.sent, datagram.clone());
        }
    }

    /// When the next datagram arrives.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.in_flight.peek().map(|Reverse((at, _))| *at)
    }

    /// The next datagram that has arrived by `now`.
    pub fn receive(&mut self, now: Instant) -> Option<Datagram> {
        if self.next_arrival()? > now {
            return None;
        }
        let Reverse((_, number)) = self.in_flight.pop()?;
        self.datagrams.remove(&number)
    }
}
