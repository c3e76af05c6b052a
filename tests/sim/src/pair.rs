//! Two phones and the network between them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sems_sip::Headers;
use sems_sip::user_agent::{Census, Content, SessionId, UserAgentConfig};

use crate::checker::Way;
use crate::{Conditions, Datagram, Net, Phone, Watch};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At 192.0.2.1.
    A,
    /// At 192.0.2.2.
    B,
}

/// Two phones, the network between them, and their common clock.
pub struct Pair {
    /// The time of both.
    pub now: Instant,
    /// The start of the clock.
    pub start: Instant,
    /// One phone.
    pub a: Phone,
    /// The other.
    pub b: Phone,
    /// What joins them.
    pub net: Net,
    /// Who checks what goes over the wires, at the latest when all this is dropped.
    pub watch: Watch,
}

impl Pair {
    /// Two phones on a perfect network.
    pub fn new() -> Self {
        Self::with(0, Conditions::perfect(), UserAgentConfig::default())
    }

    /// Two phones on a network of these conditions.
    pub fn with(seed: u64, conditions: Conditions, config: UserAgentConfig) -> Self {
        // The one look at a real clock: an origin for instants, of which only differences matter.
        let start = Instant::now();
        let address = |n: u8| SocketAddr::from(([192, 0, 2, n], 5060));
        Self {
            now: start,
            start,
            watch: Watch::new(start, &config.timers),
            a: Phone::new(address(1), config.clone(), seed * 2),
            b: Phone::new(address(2), config, seed * 2 + 1),
            net: Net::new(seed, conditions),
        }
    }

    /// One of the two.
    pub fn phone(&mut self, side: Side) -> &mut Phone {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// Lets this much time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        self.flush();
        while self.step(end) {}
        self.now = end;
        self.watch.reached(end, self.next().is_none());
    }

    /// Lets time pass until `wanted` is true, at most two minutes; whether it came true.
    pub fn run_until(&mut self, mut wanted: impl FnMut(&mut Self) -> bool) -> bool {
        let end = self.now + Duration::from_secs(120);
        self.flush();
        while !wanted(self) {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    /// Lets time pass until neither side waits for anything and nothing is on its way.
    pub fn run_until_idle(&mut self) {
        let end = self.now + Duration::from_secs(3600);
        self.flush();
        while self.step(end) {}
        let idle = self.next().is_none();
        assert!(idle, "something still goes on after an hour");
        self.watch.reached(self.now, true);
    }

    /// Lets time pass until this long after the start.
    pub fn run_until_time(&mut self, time: Duration) {
        let left = (self.start + time).saturating_duration_since(self.now);
        self.run_for(left);
    }

    /// Lets time pass until a call has come to this side.
    pub fn wait_for_invite(&mut self, side: Side) -> SessionId {
        let mut session = None;
        self.run_until(|pair| {
            session = pair.phone(side).take_invite();
            session.is_some()
        });
        session.expect("an INVITE comes")
    }

    /// Has a call accepted that waits.
    pub fn accept(&mut self, side: Side, session: SessionId) {
        let now = self.now;
        let answer = Some(Content::sdp("answer"));
        let agent = &mut self.phone(side).agent;
        let accepted = agent.accept(now, session, Headers::new(), answer);
        accepted.expect("the call waits");
    }

    /// Has a call put down.
    pub fn hang_up(&mut self, side: Side, session: SessionId) {
        let now = self.now;
        let agent = &mut self.phone(side).agent;
        let ended = agent.hangup(now, session, Headers::new());
        ended.expect("the call is there");
    }

    /// A calls B, who accepts; 50 ms later (on a perfect network the call is up by then) the
    /// sessions of both.
    pub fn connect(&mut self) -> (SessionId, SessionId) {
        let offer = Some(Content::sdp("offer"));
        let at_a = self.a.call(self.now, self.b.address, offer);
        let at_b = self.wait_for_invite(Side::B);
        self.accept(Side::B, at_b);
        self.run_for(Duration::from_millis(50));
        (at_a, at_b)
    }

    /// Does what comes next, if it comes by `end`.
    fn step(&mut self, end: Instant) -> bool {
        let Some(next) = self.next().filter(|next| *next <= end) else {
            return false;
        };
        self.now = self.now.max(next);
        if let Some(datagram) = self.net.receive(self.now) {
            self.deliver(datagram);
        } else {
            self.a.agent.handle_timeout(self.now);
            self.b.agent.handle_timeout(self.now);
        }
        self.flush();
        true
    }

    fn next(&self) -> Option<Instant> {
        [
            self.net.next_arrival(),
            self.a.agent.next_timeout(),
            self.b.agent.next_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn deliver(&mut self, datagram: Datagram) {
        let Datagram { from, to, payload } = datagram;
        for phone in [&mut self.a, &mut self.b] {
            if phone.address == to {
                self.watch.saw(self.now, to, Way::Received, &payload);
                phone.receive(self.now, from, payload.clone());
            }
        }
    }

    fn flush(&mut self) {
        for phone in [&mut self.a, &mut self.b] {
            for datagram in phone.drain() {
                let payload = &datagram.payload;
                self.watch.saw(self.now, datagram.from, Way::Sent, payload);
                self.net.send(self.now, datagram);
            }
        }
    }

    /// The times since the start at which datagrams were sent for which `wanted` says so.
    pub fn sent(&self, wanted: impl Fn(&Datagram) -> bool) -> Vec<Duration> {
        self.net
            .wire
            .iter()
            .filter(|(_, datagram)| wanted(datagram))
            .map(|(at, _)| *at - self.start)
            .collect()
    }

    /// Checks that nothing is left on either side, that each session ended exactly once, that none
    /// is left up, and everything that went over the wires.
    pub fn assert_nothing_is_left(&mut self) {
        self.watch.check();
        for phone in [&self.a, &self.b] {
            assert_eq!(phone.agent.census(), Census::default(), "{}", phone.address);
            for (session, told) in &phone.told {
                assert_eq!(told.terminated, 1, "{} {session:?}", phone.address);
            }
        }
    }
}

impl Default for Pair {
    fn default() -> Self {
        Self::new()
    }
}
