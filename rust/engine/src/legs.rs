//! What makes and ends the audio of calls: ports, and the media workers that own the legs.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{RngExt, rngs::StdRng};
use sems_rtp::{SequenceNumber, Ssrc, Timestamp};

use crate::{
    command::MediaCommand,
    error::EngineError,
    ids::{CallId, RequestId},
    media::{
        counters::Counters,
        leg::{Leg, LegConfig, LegUpdate, Negotiated},
        pool::{MediaHandle, Overrun},
        port::{Port, PortPool},
    },
    quality::Board,
    trace::Trace,
};

/// The audio of one call as signaling knows it.
pub(crate) enum Audio {
    /// There is none yet.
    None,
    /// A port is ours, for what our offer will come to.
    Port(Port),
    /// A worker has the leg.
    Leg {
        /// Where it receives.
        local: SocketAddr,
        /// What it does.
        negotiated: Box<Negotiated>,
    },
}

impl Audio {
    /// What the leg does, when there is one.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        match self {
            Self::Leg { negotiated, .. } => Some(negotiated),
            _ => None,
        }
    }
}

/// The way to ports and workers.
pub(crate) struct Legs {
    ports: PortPool,
    media: MediaHandle,
    /// What peers are told instead of our address.
    advertised: Option<IpAddr>,
    cname: String,
    /// Where the figures of all lines are read.
    board: Arc<Board>,
    /// Where it is written down what comes to them.
    trace: Arc<Trace>,
    random: StdRng,
    /// Calls whose worker was too busy to be told of their end.
    unclosed: VecDeque<CallId>,
}

impl Legs {
    pub(crate) fn new(
        ports: PortPool,
        media: MediaHandle,
        advertised: Option<IpAddr>,
        board: Arc<Board>,
        trace: Arc<Trace>,
        mut random: StdRng,
    ) -> Self {
        // RFC 7022 §4.2: 96 random bits.
        let cname = format!("{:024x}", random.random::<u128>() >> 32);
        Self {
            ports,
            media: media.quiet(),
            advertised,
            cname,
            board,
            trace,
            random,
            unclosed: VecDeque::new(),
        }
    }

    /// A number for the `o=` line of a session (RFC 8866 §5.2).
    pub(crate) fn session_id(&mut self) -> u64 {
        u64::from(self.random.random::<u32>() >> 1)
    }

    /// Makes sure that the call has a port at the address `local` of ours. Returns where peers
    /// are to send RTP.
    pub(crate) fn reserve(
        &mut self,
        audio: &mut Audio,
        local: IpAddr,
        now: Instant,
    ) -> Result<SocketAddr, EngineError> {
        let bound = match audio {
            Audio::None => {
                let port = self.ports.take(local, now).map_err(EngineError::NoPort)?;
                let bound = port.local();
                *audio = Audio::Port(port);
                bound
            }
            Audio::Port(port) => port.local(),
            Audio::Leg { local, .. } => *local,
        };
        let ip = self.advertised.unwrap_or(bound.ip());
        Ok(SocketAddr::new(ip, bound.port()))
    }

    /// Makes the leg of a call, or changes it to what is now agreed on.
    pub(crate) fn carry_out(
        &mut self,
        call: CallId,
        audio: &mut Audio,
        wanted: Negotiated,
    ) -> Result<(), EngineError> {
        match std::mem::replace(audio, Audio::None) {
            Audio::None => return Err(EngineError::State("the call has no port")),
            Audio::Port(port) => {
                let local = port.local();
                let config = LegConfig {
                    call,
                    negotiated: wanted.clone(),
                    cname: self.cname.clone(),
                    ssrc: Ssrc(self.random.random()),
                    // Half of the numbers, so that the first packets don't wrap: RFC 3711 §3.3.1.
                    first_sequence: SequenceNumber(self.random.random::<u16>() >> 1),
                    first_timestamp: Timestamp(self.random.random()),
                };
                let mut leg = Leg::new(config, port);
                if let Some(heard) = self.trace.listen(call) {
                    leg.take_notes(heard);
                }
                self.board.open(call, leg.quality());
                self.media.open(leg).map_err(|_| EngineError::Overrun)?;
                *audio = Audio::Leg {
                    local,
                    negotiated: Box::new(wanted),
                };
            }
            Audio::Leg { local, .. } => {
                let ssrc = Ssrc(self.random.random());
                let update = Box::new(LegUpdate::new(wanted.clone(), ssrc));
                *audio = Audio::Leg {
                    local,
                    negotiated: Box::new(wanted),
                };
                let updated = self.media.update(call, update);
                updated.map_err(|_| EngineError::Overrun)?;
            }
        }
        Ok(())
    }

    /// Has a call's leg tell that its peer pressed a key.
    pub(crate) fn press(&self, call: CallId, key: char, held: Duration) -> Result<(), Overrun> {
        self.media.press(call, key, held)
    }

    /// Has a worker do what Python wants.
    pub(crate) fn command(
        &self,
        request: RequestId,
        command: MediaCommand,
    ) -> Result<(), EngineError> {
        self.media
            .command(request, command)
            .map_err(|_| EngineError::Overrun)
    }

    /// What the media workers count.
    pub(crate) fn counters(&self) -> &[Arc<Counters>] {
        self.media.counters()
    }

    /// Gives back all that a call had.
    pub(crate) fn close(&mut self, call: CallId, audio: Audio) {
        if let Audio::Leg { .. } = audio {
            self.board.close(call);
            self.unclosed.push_back(call);
            self.flush();
        }
    }

    /// Tells workers of ends that they were too busy to hear of.
    pub(crate) fn flush(&mut self) {
        while let Some(&call) = self.unclosed.front()
            && self.media.close(call).is_ok()
        {
            self.unclosed.pop_front();
        }
    }

    /// The end of a step: has the workers hear of what they were told.
    pub(crate) fn announce(&self) {
        self.media.announce();
    }

    /// Whether a worker has not heard of some call's end yet.
    pub(crate) fn has_unclosed(&self) -> bool {
        !self.unclosed.is_empty()
    }

    /// Ports that calls can have, and how many there are.
    pub(crate) fn ports_left(&mut self, now: Instant) -> (usize, usize) {
        self.ports.reclaim(now);
        (self.ports.left(now), self.ports.size())
    }

    /// Ports that calls have.
    pub(crate) fn ports_in_use(&mut self, now: Instant) -> usize {
        self.ports.reclaim(now);
        self.ports.in_use()
    }
}
