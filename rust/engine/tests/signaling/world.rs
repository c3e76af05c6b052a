//! Engines on one network, stepped together, and what each has told.

use std::{net::SocketAddr, time::Duration};

use sems_engine::{
    command::{Dial, Direction, Listener, MediaCommand, SignalingCommand, Tapped},
    config::EngineConfig,
    event::{EndCause, Event, Incoming},
    handle::Engine,
    ids::{CallId, RequestId},
    media::{prompt::Prompt, tap},
    transport::memory::{LinkQuality, MemoryNetwork},
};

/// Nothing that is waited for takes longer than this.
const PATIENCE: Duration = Duration::from_secs(70);

/// An engine and all that it has told, in order.
pub struct Site {
    pub engine: Engine,
    pub told: Vec<Event>,
    /// How much of it has been looked at by [`World::until`].
    seen: usize,
}

/// All engines, in virtual time.
pub struct World {
    pub network: MemoryNetwork,
    pub sites: Vec<Site>,
    pub now: Duration,
}

/// The first engine.
pub const ANN: usize = 0;
/// The second engine.
pub const BOB: usize = 1;

impl World {
    /// Two engines on a good network.
    pub fn pair() -> Self {
        Self::new(
            0,
            LinkQuality::default(),
            [(); 2].map(|()| EngineConfig::default()),
        )
    }

    pub fn new(
        seed: u64,
        quality: LinkQuality,
        configs: impl IntoIterator<Item = EngineConfig>,
    ) -> Self {
        let network = MemoryNetwork::new(seed, quality);
        let sites = configs
            .into_iter()
            .map(|config| Site {
                engine: Engine::start_virtual(config, &network).unwrap(),
                told: Vec::new(),
                seen: 0,
            })
            .collect();
        Self {
            network,
            sites,
            now: Duration::ZERO,
        }
    }

    pub fn engine(&self, who: usize) -> &Engine {
        &self.sites[who].engine
    }

    pub fn address(&self, who: usize) -> SocketAddr {
        self.engine(who).sip_addresses()[0]
    }

    /// Steps all engines to the next moment at which something is due, at most until `end`.
    fn turn(&mut self, end: Duration) {
        let deadlines = self.sites.iter();
        let next = deadlines
            .filter_map(|site| site.engine.next_deadline().unwrap())
            .min();
        self.now = next.unwrap_or(end).clamp(self.now, end);
        for site in &mut self.sites {
            site.engine.step(self.now).unwrap();
            site.told.extend(site.engine.events());
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.turn(end);
        }
    }

    /// Lets time pass until `who` tells something that `pick` wants, after what was picked before.
    #[track_caller]
    pub fn until<T>(&mut self, who: usize, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let end = self.now + PATIENCE;
        loop {
            let site = &mut self.sites[who];
            while let Some(event) = site.told.get(site.seen) {
                site.seen += 1;
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
            assert!(
                self.now < end,
                "never told; but: {:#?}",
                self.sites[who].told
            );
            self.turn(end);
        }
    }

    /// Has signaling do something and returns the id of that.
    pub fn order(&self, who: usize, command: SignalingCommand) -> RequestId {
        self.engine(who).signaling(command).unwrap()
    }

    /// How a command came out.
    pub fn outcome(&mut self, who: usize, request: RequestId) -> Result<(), String> {
        let end = self.now + PATIENCE;
        loop {
            let done = self.sites[who].told.iter().find_map(|event| match event {
                Event::Done { request: id, error } if *id == request => Some(error.clone()),
                _ => None,
            });
            if let Some(error) = done {
                return error.map_or(Ok(()), Err);
            }
            assert!(self.now < end, "command {request} was never done");
            self.turn(end);
        }
    }

    /// Has signaling do something and waits until it is done.
    pub fn signaling(&mut self, who: usize, command: SignalingCommand) -> Result<(), String> {
        let request = self.order(who, command);
        self.outcome(who, request)
    }

    /// Has the media do something and waits until it is done.
    pub fn media(&mut self, who: usize, command: MediaCommand) {
        let request = self.engine(who).media(command).unwrap();
        self.outcome(who, request).unwrap();
    }

    /// `who` calls an address; the call exists when this returns.
    pub fn dial(&mut self, who: usize, to: SocketAddr, change: impl FnOnce(&mut Dial)) -> CallId {
        let call = self.engine(who).new_call();
        let uri = format!("sip:standup@{}", to.ip());
        let mut dial = Dial::new(call, uri, vec![to.into()]);
        dial.from_name = "Ann".to_owned();
        change(&mut dial);
        self.signaling(who, SignalingCommand::Dial(Box::new(dial)))
            .unwrap();
        call
    }

    /// The next call that comes in at `who`.
    #[track_caller]
    pub fn incoming(&mut self, who: usize) -> Incoming {
        self.until(who, |event| match event {
            Event::Incoming(incoming) => Some((**incoming).clone()),
            _ => None,
        })
    }

    /// Ann calls Bob, who answers; each knows the call by another id.
    pub fn call(&mut self) -> (CallId, CallId) {
        self.call_with(|_| ())
    }

    pub fn call_with(&mut self, change: impl FnOnce(&mut Dial)) -> (CallId, CallId) {
        let here = self.dial(ANN, self.address(BOB), change);
        let there = self.incoming(BOB).call;
        self.answer(BOB, there).unwrap();
        self.until(ANN, |event| {
            matches!(event, Event::Answered { .. }).then_some(())
        });
        (here, there)
    }

    pub fn answer(&mut self, who: usize, call: CallId) -> Result<(), String> {
        self.signaling(who, plain_answer(call))
    }

    /// Has the call answered, and waits for nothing: the peer is a raw phone that speaks next.
    pub fn accept(&self, who: usize, call: CallId) -> RequestId {
        self.order(who, plain_answer(call))
    }

    pub fn hang_up(&mut self, who: usize, call: CallId) {
        self.signaling(who, SignalingCommand::Hangup { call, reason: None })
            .unwrap();
    }

    /// How a call ended.
    #[track_caller]
    pub fn end(&mut self, who: usize, call: CallId) -> (EndCause, Option<u16>, String) {
        self.until(who, |event| match event {
            Event::Ended {
                call: id,
                cause,
                code,
                reason,
            } if *id == call => Some((*cause, *code, reason.clone())),
            _ => None,
        })
    }

    /// Has `from` send a tone of `hertz` and returns what `to` hears of it: hertz, or `None` for
    /// silence.
    pub fn hears(
        &mut self,
        (from, speaker): (usize, CallId),
        (to, listener): (usize, CallId),
        hertz: u32,
    ) -> Option<u32> {
        let play = self.engine(from).new_play();
        let tone = Prompt::tone(&format!("sine:{hertz}:5000:-20")).unwrap();
        let (writer, mut reader) = tap::tap(2, 8000);
        let tapped = MediaCommand::Tap {
            of: Tapped::Call(listener, Direction::In),
            tap: self.engine(to).new_tap(),
            writer,
        };
        self.media(to, tapped);
        let at = Listener::Call(speaker);
        let prompts = vec![tone.into()];
        self.media(
            from,
            MediaCommand::Play {
                listener: at,
                play,
                prompts,
                repeat: 1,
            },
        );
        self.run(Duration::from_millis(500));
        reader.read(&mut Vec::new());
        self.run(Duration::from_millis(1000));
        let mut samples = Vec::new();
        reader.read(&mut samples);
        self.media(from, MediaCommand::StopPlay { listener: at, play });
        self.run(Duration::from_millis(300));
        pitch(&samples)
    }

    /// Sound passes both ways.
    #[track_caller]
    pub fn assert_talking(&mut self, here: CallId, there: CallId) {
        assert_eq!(self.hears((ANN, here), (BOB, there), 440), Some(440));
        assert_eq!(self.hears((BOB, there), (ANN, here), 800), Some(800));
    }

    /// Everything that a call had is given back, once the last transaction has ended.
    #[track_caller]
    pub fn assert_nothing_left(&mut self) {
        self.run(Duration::from_secs(40));
        for who in 0..self.sites.len() {
            self.assert_nothing_left_at(who);
        }
    }

    /// The same of one engine, now.
    #[track_caller]
    pub fn assert_nothing_left_at(&self, who: usize) {
        let stats = self.engine(who).stats();
        for gauge in [
            "calls",
            "sessions",
            "transactions",
            "legs",
            "rooms",
            "rtp_ports",
        ] {
            assert_eq!(stats[gauge], 0, "{gauge}");
        }
    }
}

/// An answer without anything of its own.
pub fn plain_answer(call: CallId) -> SignalingCommand {
    SignalingCommand::Answer {
        call,
        headers: Vec::new(),
        link: None,
    }
}

/// The pitch of a sound, to 10 Hz; `None` for silence or a sound that isn't one tone.
fn pitch(samples: &[i16]) -> Option<u32> {
    let loud = samples.iter().any(|sample| sample.unsigned_abs() > 200);
    let rising = samples
        .windows(2)
        .filter(|pair| pair[0] < 0 && pair[1] >= 0)
        .count();
    let hertz = rising as f64 * 8000.0 / samples.len().max(1) as f64;
    loud.then_some(((hertz / 10.0).round() * 10.0) as u32)
}

/// Seconds.
pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
