//! How an engine's parts are made, and joined.

use std::{
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::{Duration, Instant},
};

use crossbeam_channel::unbounded;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::{Engine, Running};
use crate::{
    agreement,
    config::EngineConfig,
    error::EngineError,
    homes::Homes,
    legs::Legs,
    limits,
    media::{
        pool::{Media, MediaConfig},
        port::{PortPool, PortSource},
    },
    quality::Board,
    queue::{EventReceiver, Wake},
    signaling::{Order, RING, Signaling, SignalingCounters, SignalingParts},
    trace::{Recorder, Trace},
    transport::{
        listen::{Listen, Opened},
        quota::Quota,
        tls::Tls,
    },
};

/// What an engine of either kind is built from.
pub(super) struct Plan {
    pub(super) config: EngineConfig,
    pub(super) workers: usize,
    pub(super) transports: Vec<Opened>,
    pub(super) quota: Arc<Quota>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) ports: PortSource,
    pub(super) now: Instant,
    pub(super) since_epoch: Duration,
    pub(super) random: StdRng,
    pub(super) events: EventReceiver,
    pub(super) wake: Option<Arc<Wake>>,
}

impl Plan {
    pub(super) fn build(mut self) -> Result<(Engine, Signaling, Media), EngineError> {
        let capabilities = Arc::new(agreement::capabilities(&self.config)?);
        let homes = Arc::new(Homes::new(self.workers));
        let counters = Arc::new(SignalingCounters::default());
        let (orders, inbox) = unbounded();
        let fault = {
            let (orders, wake) = (orders.clone(), self.wake.clone());
            move |call| {
                // Signaling that is gone has no calls left.
                let _ = orders.send(Order::Fail(call));
                if let Some(wake) = &wake {
                    wake.wake();
                }
            }
        };
        let to_python = self.events.sender(RING);
        let media = Media::with_files(
            MediaConfig {
                workers: self.workers,
                start: self.now,
                since_epoch: self.since_epoch,
                rtp_timeout: self.config.rtp_timeout,
                room_legs: self.config.room_legs,
                seed: self.random.random(),
                fault: Arc::new(fault),
            },
            &self.config.files,
            &mut self.events,
        )?;
        let most = match self.ports {
            PortSource::Machine => limits::calls_possible(),
            PortSource::Memory(_) => None,
        };
        let mut ports = PortPool::new(self.ports, self.config.rtp_ports);
        most.into_iter().for_each(|most| ports.keep_to(most));
        let seed = self.random.random();
        let board = Arc::<Board>::default();
        let trace = Arc::new(Trace::new(
            self.config.trace_bytes,
            self.config.trace_packets,
            self.now,
            self.since_epoch,
            rand::rng().random(),
        ));
        let legs = Legs::new(
            ports,
            media.handle(),
            self.config.advertised_address,
            board.clone(),
            trace.clone(),
            StdRng::seed_from_u64(self.random.random()),
        );
        let listeners = self.transports.iter().map(|opened| Listen {
            transport: opened.transport.kind(),
            address: opened.transport.bound(),
            ..opened.listen.clone()
        });
        let listeners: Vec<Listen> = listeners.collect();
        let recorder = Recorder::new(trace.clone(), self.now);
        let engine = Engine {
            orders,
            wake: self.wake,
            media: media.handle(),
            homes: homes.clone(),
            requests: AtomicU64::new(1),
            plays: AtomicU64::new(1),
            recordings: AtomicU64::new(1),
            taps: AtomicU64::new(1),
            fd: self.events.fd(),
            events: Mutex::new(self.events),
            counters: counters.clone(),
            addresses: listeners.iter().map(|listen| listen.address).collect(),
            listeners,
            tls: self.tls,
            notices: Vec::new(),
            running: Mutex::new(Running::Closed),
            trace,
            board,
            heard: Mutex::default(),
        };
        let signaling = Signaling::new(SignalingParts {
            config: Arc::new(self.config),
            capabilities,
            transports: self.transports,
            quota: self.quota,
            orders: inbox,
            events: to_python,
            recorder,
            homes,
            legs,
            counters,
            now: self.now,
            seed,
        });
        Ok((engine, signaling, media))
    }
}
