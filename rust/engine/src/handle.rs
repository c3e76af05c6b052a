//! The door: an engine is started, told what to do, asked what happened, and closed.

mod plan;

use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
    os::fd::RawFd,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::Sender;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    clock::VirtualClock,
    command::{MediaCommand, SignalingCommand},
    config::EngineConfig,
    error::EngineError,
    event::Event,
    homes::Homes,
    ids::{CallId, PlayId, RecordingId, RequestId, RoomId, TapId},
    limits,
    media::{
        player::Player,
        pool::{Media, MediaHandle, MediaThreads},
        port::PortSource,
        prompt::{Prompt, PromptHandle},
    },
    quality::{Board, Quality},
    queue::{EventReceiver, Wake},
    signaling::{self, Order, Signaling, SignalingCounters},
    trace::Trace,
    transport::{
        listen::{self, Listen, Opened},
        memory::{MemoryHost, MemoryNetwork},
        quota::Quota,
        tls::Tls,
    },
};

use plan::Plan;

/// The core, running. All methods may be called from any thread, and none waits, but for
/// [`Engine::start`], [`Engine::close`] and [`Engine::step`].
pub struct Engine {
    orders: Sender<Order>,
    /// Wakes the signaling thread; `None` in virtual time.
    wake: Option<Arc<Wake>>,
    media: MediaHandle,
    homes: Arc<Homes>,
    requests: AtomicU64,
    plays: AtomicU64,
    recordings: AtomicU64,
    taps: AtomicU64,
    events: Mutex<EventReceiver>,
    fd: Option<RawFd>,
    counters: Arc<SignalingCounters>,
    addresses: Vec<SocketAddr>,
    listeners: Vec<Listen>,
    tls: Option<Arc<Tls>>,
    notices: Vec<String>,
    running: Mutex<Running>,
    trace: Arc<Trace>,
    board: Arc<Board>,
    /// The calls of which audio has come.
    heard: Mutex<HashSet<CallId>>,
}

/// What carries the engine out.
enum Running {
    Threads {
        signaling: JoinHandle<()>,
        media: MediaThreads,
    },
    Virtual(Box<Stepped>),
    Closed,
}

/// An engine without threads.
struct Stepped {
    clock: VirtualClock,
    host: MemoryHost,
    signaling: Signaling,
    media: Media,
}

impl Engine {
    /// Starts an engine on the machine's network and clock.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a configuration that makes no sense, [`EngineError::Listen`]
    /// and [`EngineError::Start`] for what the system refuses.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        config.validate()?;
        let mut notices = Vec::new();
        notices.extend(limits::raise_open_files(config.max_calls));
        notices.extend(limits::ephemeral_overlap(config.rtp_ports));
        let quota = Quota::new(config.max_connections, config.max_connections_per_source);
        let tls = Tls::new(config.tls.clone())?;
        let (transports, missing) =
            listen::open(&config.sip_listen, &tls, &quota, config.connection_idle)?;
        notices.extend(missing.iter().map(ToString::to_string));
        let start = |source| EngineError::Start {
            what: "the event queue",
            source,
        };
        let random = match config.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => rand::make_rng(),
        };
        let workers = match config.workers {
            0 => thread::available_parallelism()
                .map_or(1, usize::from)
                .min(255),
            workers => workers,
        };
        let wake = Wake::new().map_err(start)?;
        let events = EventReceiver::new(Some(Wake::new().map_err(start)?));
        let plan = Plan {
            config,
            workers,
            transports,
            quota,
            tls: Some(tls),
            ports: PortSource::Machine,
            now: Instant::now(),
            since_epoch: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            random,
            events,
            wake: Some(wake.clone()),
        };
        let (mut engine, signaling, media) = plan.build()?;
        let media = media.spawn()?;
        notices.extend_from_slice(media.notices());
        let signaling = signaling::spawn(signaling, wake)?;
        engine.notices = notices;
        *engine.lock() = Running::Threads { signaling, media };
        Ok(engine)
    }

    /// Makes an engine on a network in memory, at an address of its own, whose time is that of
    /// [`Engine::step`]. Of [`EngineConfig::sip_listen`] the ports count only.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub fn start_virtual(
        config: EngineConfig,
        network: &MemoryNetwork,
    ) -> Result<Self, EngineError> {
        config.validate()?;
        let host = network.host();
        let mut transports = Vec::new();
        for listen in &config.sip_listen {
            let address = SocketAddr::new(host.ip(), listen.address.port());
            let socket = host.bind_for(listen.transport, address.port());
            let socket = socket.map_err(|source| EngineError::Listen {
                transport: "memory",
                address,
                source,
            })?;
            transports.push(Opened {
                listen: listen.clone(),
                transport: Box::new(socket),
            });
        }
        // Two engines with the same seed must not make up the same tags and sources.
        let mut random = StdRng::seed_from_u64(config.seed.unwrap_or_default());
        for _ in 0..host.number() {
            random = StdRng::seed_from_u64(random.random());
        }
        let now = network.now();
        let plan = Plan {
            workers: config.workers.max(1),
            quota: Quota::new(config.max_connections, config.max_connections),
            config,
            transports,
            tls: None,
            ports: PortSource::Memory(host.clone()),
            now,
            since_epoch: now.saturating_duration_since(network.epoch()),
            random,
            events: EventReceiver::new(None),
            wake: None,
        };
        let (engine, signaling, media) = plan.build()?;
        *engine.lock() = Running::Virtual(Box::new(Stepped {
            clock: VirtualClock::new(network.epoch(), now),
            host,
            signaling,
            media,
        }));
        Ok(engine)
    }

    /// Readable while events wait; `None` for a virtual engine.
    pub fn fd(&self) -> Option<RawFd> {
        self.fd
    }

    /// Takes all events that wait.
    pub fn events(&self) -> Vec<Event> {
        self.take_events(false)
    }

    /// The same by who comes again very soon: it is not woken until it has come without `soon`.
    pub fn take_events(&self, soon: bool) -> Vec<Event> {
        let mut events = Vec::new();
        let receiver = self.events.lock();
        receiver
            .unwrap_or_else(PoisonError::into_inner)
            .take(&mut events, soon);
        if self.trace.is_on() {
            self.write_down(&events);
        }
        events
    }

    /// What the lines of these calls are like, at most a second old; `None` for a call without
    /// audio. The last figures of a call that has ended stay for a while.
    pub fn quality(&self, calls: &[CallId]) -> Vec<Option<Quality>> {
        self.board.read(calls)
    }

    /// What happened lately, and why calls failed.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What media threads told, which write nothing down themselves.
    fn write_down(&self, events: &[Event]) {
        let mut now = None;
        for event in events {
            let wanted = match event {
                Event::RtpTimeout { .. }
                | Event::RtpResumed { .. }
                | Event::StreamStopped { .. }
                | Event::StreamResumed { .. }
                | Event::Digit { .. } => true,
                Event::Quality(call, quality) => {
                    let is_bad = quality.lost > quality.received / 20;
                    is_bad || (quality.received > 0 && self.heard().insert(*call))
                }
                Event::Ended { call, .. } => {
                    self.heard().remove(call);
                    false
                }
                _ => false,
            };
            if wanted {
                let now = *now.get_or_insert_with(|| self.now());
                self.trace.told(now, event);
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, HashSet<CallId>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        // A step that is under way has the lock, and knows best.
        match self.running.try_lock().as_deref() {
            Ok(Running::Virtual(stepped)) => stepped.clock.now(),
            _ => Instant::now(),
        }
    }

    /// The addresses that SIP is bound to, with the ports that the system chose for port 0.
    pub fn sip_addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The same with their transports.
    pub fn listeners(&self) -> &[Listen] {
        &self.listeners
    }

    /// Reads certificates and keys again, for the connections that are opened from now on. If
    /// they make no sense everything stays as it was. Waits for the disk.
    ///
    /// # Errors
    /// [`EngineError::Tls`], with the file and what is wrong with it.
    pub fn reload_tls(&self) -> Result<(), EngineError> {
        self.tls.as_ref().map_or(Ok(()), |tls| tls.reload())
    }

    /// What the operator should know of the start.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Counters and gauges of all threads by name.
    pub fn stats(&self) -> BTreeMap<&'static str, u64> {
        self.counters.all().chain(self.media.stats()).collect()
    }

    /// An id for a call to be placed with [`SignalingCommand::Dial`].
    pub fn new_call(&self) -> CallId {
        self.homes.call()
    }

    /// An id for a room to be opened with [`MediaCommand::OpenRoom`].
    pub fn new_room(&self) -> RoomId {
        self.homes.room()
    }

    /// An id for a playback to be begun with [`MediaCommand::Play`].
    pub fn new_play(&self) -> PlayId {
        PlayId(self.plays.fetch_add(1, Ordering::Relaxed))
    }

    /// An id for a recording to be begun with [`MediaCommand::Record`].
    pub fn new_recording(&self) -> RecordingId {
        RecordingId(self.recordings.fetch_add(1, Ordering::Relaxed))
    }

    /// An id for a tap to be begun with [`MediaCommand::Tap`].
    pub fn new_tap(&self) -> TapId {
        TapId(self.taps.fetch_add(1, Ordering::Relaxed))
    }

    /// Makes a playback ready, for [`MediaCommand::Start`]: of `prompts`, the whole list `repeat`
    /// times, or until stopped when that is 0. Long files among them begin to be read ahead.
    ///
    /// # Errors
    /// [`EngineError::Closed`], [`EngineError::Overrun`].
    pub fn player(
        &self,
        play: PlayId,
        prompts: Vec<Arc<Prompt>>,
        repeat: u32,
    ) -> Result<Box<Player>, EngineError> {
        self.check_open()?;
        let player = self.media.player(play, prompts, repeat);
        player.map_err(|_| EngineError::Overrun)
    }

    /// Has signaling do something; [`Event::Done`] tells when it is done.
    ///
    /// # Errors
    /// [`EngineError::Closed`].
    pub fn signaling(&self, command: SignalingCommand) -> Result<RequestId, EngineError> {
        let request = self.new_request();
        self.orders
            .send(Order::Command(request, command))
            .map_err(|_| EngineError::Closed)?;
        if let Some(wake) = &self.wake {
            wake.nudge();
        }
        Ok(request)
    }

    /// Has a media worker do something; [`Event::Done`] tells when it is done.
    ///
    /// # Errors
    /// [`EngineError::Closed`], [`EngineError::Overrun`].
    pub fn media(&self, command: MediaCommand) -> Result<RequestId, EngineError> {
        self.check_open()?;
        let request = self.new_request();
        self.media
            .command(request, command)
            .map_err(|_| EngineError::Overrun)?;
        Ok(request)
    }

    /// The sound of a file that was read before and has not changed since.
    pub fn ready_prompt(&self, path: &Path) -> Option<PromptHandle> {
        self.media.ready_prompt(path)
    }

    /// Reads a file of sound: WAV, or raw G.711 by its name (`.ulaw`, `.alaw` and the like). Told as
    /// [`Event::PromptLoaded`], or as [`Event::Done`] with an error.
    ///
    /// # Errors
    /// [`EngineError::Closed`], [`EngineError::Overrun`].
    pub fn load_prompt(&self, path: PathBuf) -> Result<RequestId, EngineError> {
        self.check_open()?;
        let request = self.new_request();
        self.media
            .load_prompt(request, path)
            .map_err(|_| EngineError::Overrun)?;
        Ok(request)
    }

    /// Lets virtual time pass until `until` after the network's epoch, doing on the way all that
    /// becomes due, each thing at its time. A time in the past counts as now.
    ///
    /// # Errors
    /// [`EngineError::NotVirtual`], [`EngineError::Closed`].
    pub fn step(&self, until: Duration) -> Result<(), EngineError> {
        let mut running = self.lock();
        running.stepped()?.step(until);
        Ok(())
    }

    /// When the next step is due, after the network's epoch; not after now while work is
    /// outstanding, `None` when nothing will ever be due by itself.
    ///
    /// # Errors
    /// [`EngineError::NotVirtual`], [`EngineError::Closed`].
    pub fn next_deadline(&self) -> Result<Option<Duration>, EngineError> {
        let mut running = self.lock();
        let stepped = running.stepped()?;
        let deadline = stepped.next_deadline();
        Ok(deadline.map(|deadline| stepped.clock.since_epoch(deadline)))
    }

    /// Ends all threads and closes all sockets at once, without a word to peers. Idempotent.
    pub fn close(&self) {
        let running = std::mem::replace(&mut *self.lock(), Running::Closed);
        if let Running::Threads { signaling, media } = running {
            // A thread that is gone needs no order.
            let _ = self.orders.send(Order::Stop);
            if let Some(wake) = &self.wake {
                wake.wake();
            }
            let _ = signaling.join();
            drop(media);
        }
    }

    /// Reaches behind the door of a virtual engine.
    #[cfg(test)]
    pub(crate) fn with_signaling<R>(&self, work: impl FnOnce(&mut Signaling, Instant) -> R) -> R {
        match &mut *self.lock() {
            Running::Virtual(stepped) => work(&mut stepped.signaling, stepped.clock.now()),
            _ => panic!("not virtual"),
        }
    }

    /// As a media worker tells that a call's room has failed.
    #[cfg(test)]
    pub(crate) fn fail(&self, call: CallId) {
        self.orders.send(Order::Fail(call)).unwrap();
    }

    fn new_request(&self) -> RequestId {
        RequestId(self.requests.fetch_add(1, Ordering::Relaxed))
    }

    fn check_open(&self) -> Result<(), EngineError> {
        // A step that is under way holds the lock, and is open.
        match self.running.try_lock().as_deref() {
            Ok(Running::Closed) => Err(EngineError::Closed),
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close();
    }
}

impl Running {
    fn stepped(&mut self) -> Result<&mut Stepped, EngineError> {
        match self {
            Self::Virtual(stepped) => Ok(stepped),
            Self::Threads { .. } => Err(EngineError::NotVirtual),
            Self::Closed => Err(EngineError::Closed),
        }
    }
}

impl Stepped {
    fn step(&mut self, until: Duration) {
        let until = self.clock.at(until).max(self.clock.now());
        while let Some(due) = self.next_deadline().filter(|due| *due <= until) {
            self.pass(due);
        }
        self.pass(until);
    }

    fn pass(&mut self, to: Instant) {
        self.clock.advance(to);
        let now = self.clock.now();
        self.host.advance(now);
        self.signaling.step(now);
        self.media.step(now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let now = self.clock.now();
        let signaling = self.signaling.next_deadline(now);
        signaling
            .into_iter()
            .chain(self.media.next_deadline(now))
            .min()
    }
}
