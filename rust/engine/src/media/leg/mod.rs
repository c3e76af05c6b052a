//! One call's audio: from its port to its room and back.
//!
//! [`inbound`] takes packets in and plays them out, [`outbound`] makes packets, [`control`] does
//! what is done now and then: reports, time-outs, quality.

mod control;
mod dtx;
mod edge;
mod inband;
mod inbound;
mod keys;
mod notes;
mod outbound;
mod packetizer;
mod passing;
mod quality;
mod receivers;
mod streams;
mod stretching;
mod voice;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use arrayvec::ArrayVec;
use sems_audio::{
    DelayLine, Limiter, Personal, Rate,
    codec::{Codec, Decoder, Parameters},
};
use sems_rtp::{
    EventSender, Latch, PayloadType, RtpSession, SequenceNumber, SessionConfig, Ssrc, Timestamp,
};
use sems_sdp::EventSet;

use super::{player::Player, port::Port, schedule::TICK, tap::Sinks};
use crate::ids::CallId;
use control::Control;
use dtx::Dtx;
use edge::Own;
use inband::Inband;
use inbound::Inbound;
use keys::Keys;
use notes::Noting;
use packetizer::Packetizer;
use voice::Voice;

pub(super) use edge::Edge;
pub(super) use inbound::STRETCHED;
pub(super) use outbound::Packet;

/// Codecs that one leg may receive at the same time.
pub const MAX_FORMATS: usize = 8;
/// Clocks of telephone-event that one leg may receive at the same time.
pub const MAX_EVENTS: usize = 4;
/// Key presses kept until they can be told.
const MAX_DIGITS: usize = 32;

/// What offer and answer agreed on for the audio of a call (RFC 3264).
#[derive(Clone, Debug)]
pub struct Negotiated {
    /// What we send.
    pub codec: &'static Codec,
    /// How the peer wants it coded (`a=fmtp`).
    pub parameters: Parameters,
    /// Its payload type as the peer wants it.
    pub payload_type: PayloadType,
    /// What the peer may send, by the payload types that we announced.
    pub receive_formats: ArrayVec<(PayloadType, &'static Codec), MAX_FORMATS>,
    /// Length of the packets that we send in milliseconds: 10 to 60, a multiple of 10.
    pub ptime_ms: u8,
    /// Payload type of telephone-event (RFC 4733) as the peer wants it, where agreed.
    pub send_events: Option<PayloadType>,
    /// Units a second of their durations: the codec's, if the peer takes events of that clock.
    pub event_clock_rate: u32,
    /// The events that the peer takes in it.
    pub events: EventSet,
    /// Payload types of telephone-event that we announced, one for each clock that was agreed on.
    pub receive_events: ArrayVec<PayloadType, MAX_EVENTS>,
    /// The peer takes comfort noise (RFC 3389, payload type 13): no packets leave in pauses.
    pub comfort_noise: bool,
    /// Where the peer's SDP says that it receives RTP.
    pub remote_rtp: SocketAddr,
    /// The same for RTCP: the next port, or that of `a=rtcp` (RFC 3605).
    pub remote_rtcp: SocketAddr,
    /// RTCP goes and comes by the port of RTP (RFC 5761), whatever `remote_rtcp` says.
    pub rtcp_mux: bool,
    /// The peer wants to be told how we hear it (RFC 3611 §4.7).
    pub voip_metrics: bool,
    /// We may send.
    pub send: bool,
    /// The peer may send.
    pub receive: bool,
    /// Nobody has shown yet that packets are wanted at `remote_rtp`, which a stranger may have
    /// named for another's harm: none go there until some have come from there.
    pub unproven: bool,
    /// Signaling has shown the peer's addresses in SDP not to be those that packets come from.
    pub behind_nat: bool,
}

/// What a leg is made from. The three numbers should be random (RFC 3550 §5.1).
#[derive(Clone, Debug)]
pub struct LegConfig {
    /// The call.
    pub call: CallId,
    /// What was agreed on.
    pub negotiated: Negotiated,
    /// Our canonical name, random, the same for all legs of a process (RFC 7022).
    pub cname: String,
    /// Our source.
    pub ssrc: Ssrc,
    /// Number of the first packet that we send.
    pub first_sequence: SequenceNumber,
    /// Timestamp of the first packet that we send.
    pub first_timestamp: Timestamp,
}

/// A new agreement for a leg that exists, made ready where memory may be allocated.
pub struct LegUpdate {
    negotiated: Negotiated,
    /// Our source, if the codec has another clock than the one before.
    ssrc: Ssrc,
    inbound: Inbound,
    own: Own,
    /// For its voice.
    frame: Box<[i16]>,
    packetizer: Option<Box<Packetizer>>,
    events: Option<EventSender>,
    dtx: Option<Box<Dtx>>,
    /// What is not needed any more.
    left: (Option<Box<Edge>>, Option<Decoder>),
    inband: Option<Box<Inband>>,
}

impl LegUpdate {
    /// What a re-INVITE changes a leg to. `ssrc` should be random (RFC 3550 §5.1).
    pub fn new(negotiated: Negotiated, ssrc: Ssrc) -> Self {
        let codec = negotiated.codec;
        let inbound = Inbound::new(&negotiated);
        let (durations, timestamps) = (negotiated.event_clock_rate, codec.clock_rate);
        Self {
            ssrc,
            frame: inbound.rates().1.silence().into(),
            inbound,
            own: Own::new(codec.encoder(negotiated.parameters)),
            packetizer: Packetizer::for_ptime(codec, negotiated.ptime_ms),
            inband: Inband::for_peer(&negotiated),
            events: negotiated
                .send_events
                .map(|payload_type| EventSender::beside(payload_type, durations, timestamps)),
            left: (None, None),
            dtx: negotiated.comfort_noise.then(|| Box::new(Dtx::new())),
            negotiated,
        }
    }
}

/// One call's audio.
pub struct Leg {
    call: CallId,
    port: Port,
    negotiated: Negotiated,
    latch: Latch,
    /// The port is open to the latched source only.
    settled: bool,
    session: RtpSession,
    inbound: Inbound,
    /// What codes its own mix.
    own: Own,
    /// The rate at which its room mixes.
    room_rate: Rate,
    /// The way to that rate, where it is not its own.
    edge: Option<Box<Edge>>,
    /// What it said in the last tick went that way.
    reached: bool,
    /// Decodes for taps what the peer hears.
    monitor: Option<Decoder>,
    packetizer: Option<Box<Packetizer>>,
    events: Option<EventSender>,
    /// Where pauses are not sent.
    dtx: Option<Box<Dtx>>,
    control: Control,
    /// When the next tick of this leg is due; `None` before the first.
    due: Option<Instant>,
    /// Where its room codes for those who want it as it does.
    pub(super) place: usize,
    /// What its peer sends goes to another's as it comes.
    passing: bool,
    /// Ticks for which nothing has been passed to its peer …
    silent: u16,
    /// … and those of them by which the timestamps of what we send are behind.
    behind: u16,
    /// Its part in the tick that is under way.
    pub(super) part: Part,
    /// The room does not hear it.
    pub(super) muted: bool,
    /// It hears itself.
    pub(super) echo: bool,
    /// What makes that later.
    pub(super) line: Option<Box<DelayLine>>,
    /// Only those to whom it whispers hear it, the room does not.
    pub(super) whispers: bool,
    /// It hears nothing of its room.
    pub(super) deaf: bool,
    /// How it hears its room, if not as all do.
    pub(super) personal: Option<Box<Personal<CallId>>>,
    /// By that it hears something else than all do in this tick.
    pub(super) differs: bool,
    /// Of its own mix.
    pub(super) limiter: Limiter,
    /// It had a mix of its own in the last tick.
    pub(super) apart: bool,
    voice: Box<Voice>,
    /// What only it hears.
    pub(super) players: Vec<Player>,
    /// Who else gets what is heard and said.
    pub(super) sinks: Sinks,
    /// Told as [`Event::Speaking`](crate::event::Event::Speaking) so far.
    told_speaking: bool,
    digits: ArrayVec<char, MAX_DIGITS>,
    keys: Keys,
    /// Hears keys in the sound, where they don't come as events.
    inband: Option<Box<Inband>>,
    /// Writes down what comes.
    notes: Noting,
}

/// A leg's part in a tick of its room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// None: it has had its turn already, in the room that it comes from.
    SitsOut,
    /// It hears the room, which does not hear it.
    Listens,
    /// The room hears it.
    Sounds,
    /// Those to whom it whispers hear it, the room does not.
    Whispers,
}

impl Leg {
    /// A leg that has heard and sent nothing, with all memory that it will need.
    pub fn new(config: LegConfig, port: Port) -> Box<Self> {
        let negotiated = config.negotiated;
        let session = RtpSession::new(SessionConfig {
            ssrc: config.ssrc,
            first_sequence: config.first_sequence,
            first_timestamp: config.first_timestamp,
            clock_rate: negotiated.codec.clock_rate,
            cname: &config.cname,
        });
        let latch = Latch::new(negotiated.remote_rtp, negotiated.behind_nat);
        let update = LegUpdate::new(negotiated, config.ssrc);
        let highest = update.inbound.rates().1;
        Box::new(Self {
            call: config.call,
            port,
            latch,
            settled: false,
            session,
            inbound: update.inbound,
            own: update.own,
            room_rate: update.negotiated.codec.rate,
            edge: None,
            reached: false,
            monitor: None,
            packetizer: update.packetizer,
            events: update.events,
            dtx: update.dtx,
            control: Control::new(update.negotiated.remote_rtcp),
            negotiated: update.negotiated,
            due: None,
            place: 0,
            passing: false,
            silent: 0,
            behind: 0,
            part: Part::SitsOut,
            muted: false,
            echo: false,
            line: None,
            whispers: false,
            deaf: false,
            personal: None,
            differs: false,
            limiter: Limiter::new(),
            apart: false,
            voice: Voice::new(highest),
            players: Vec::new(),
            sinks: Sinks::default(),
            told_speaking: false,
            digits: ArrayVec::new(),
            keys: Keys::default(),
            inband: update.inband,
            notes: Noting::OFF,
        })
    }

    /// The call.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// Where we receive RTP; RTCP has the next port.
    pub fn local(&self) -> SocketAddr {
        self.port.local()
    }

    /// Takes over a new agreement; what it replaces is left in `update`, to be dropped elsewhere.
    pub(super) fn update(&mut self, update: &mut LegUpdate, now: Instant) {
        let (new, old) = (&update.negotiated, &self.negotiated);
        let redirected = new.remote_rtcp != old.remote_rtcp;
        let resumed = new.receive && !old.receive;
        let moved = new.remote_rtp != old.remote_rtp || new.send != old.send;
        let recoded = new.codec != old.codec;
        let reclocked = new.codec.clock_rate != old.codec.clock_rate;
        let repacked = new.ptime_ms != old.ptime_ms || recoded;
        let reworded = recoded || new.parameters != old.parameters;
        let rekeyed = new.send_events != old.send_events
            || new.event_clock_rate != old.event_clock_rate
            || reclocked;
        let listens = new.receive_events.is_empty() != old.receive_events.is_empty();
        if new.comfort_noise != old.comfort_noise {
            std::mem::swap(&mut self.dtx, &mut update.dtx);
        }
        if !new.receive {
            self.inbound.end_noise();
        }
        if repacked {
            self.flush();
            std::mem::swap(&mut self.packetizer, &mut update.packetizer);
        }
        if listens {
            std::mem::swap(&mut self.inband, &mut update.inband);
        }
        if rekeyed {
            std::mem::swap(&mut self.events, &mut update.events);
        }
        if reworded {
            std::mem::swap(&mut self.own, &mut update.own);
        }
        if recoded && self.monitor.is_some() {
            update.left.1 = self.monitor.replace(update.negotiated.codec.decoder());
        }
        if reclocked {
            self.session.begin_stream(update.ssrc);
        }
        let clock_rate = self.inbound.clock_rate();
        self.inbound.adopt(&mut update.inbound);
        self.voice.resize(&mut update.frame);
        if self.inbound.clock_rate() != clock_rate {
            self.session.set_receive_clock(self.inbound.clock_rate());
        }
        std::mem::swap(&mut self.negotiated, &mut update.negotiated);
        let new = &self.negotiated;
        self.latch.reoffer(new.remote_rtp, new.behind_nat);
        if redirected {
            self.control.redirect(new.remote_rtcp);
        }
        if moved {
            self.control.streams.forget_outbound();
        }
        if resumed {
            self.control.expect_packets(now);
        }
        if !self.latch.is_latched() {
            self.settle(false);
        }
        let room = self.room_rate;
        update.left.0 = self.meet(room);
    }

    /// Keeps the leg on its own time when a tick comes that is due at `deadline`: what was left
    /// out, because the worker or a move between rooms was late, is left out of both directions.
    /// `false`: it is not this leg's turn.
    pub(super) fn begin(&mut self, deadline: Instant) -> bool {
        if self.due == Some(deadline) {
            self.due = Some(deadline + TICK);
            return true;
        }
        let due = *self.due.get_or_insert(deadline);
        let early = due.saturating_duration_since(deadline);
        if early > TICK / 2 {
            return false;
        }
        self.due = Some(due + TICK);
        let late = deadline.saturating_duration_since(due);
        if late > TICK / 2 {
            self.catch_up(deadline, late);
        }
        true
    }

    /// Has the processor fetch the leg from memory while it still works on another. Between two
    /// ticks of a leg the kernel has used the caches for itself: this saves a tenth of a tick.
    pub(super) fn fetch(&self) {
        #[cfg(target_arch = "x86_64")]
        for line in 0..size_of::<Self>() / 64 {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let leg = std::ptr::from_ref(self).cast::<i8>();
            // SAFETY: the address is within the leg, and a hint reads and writes nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(leg.add(64 * line)) };
        }
    }

    /// Whether it hears its room as all others do in this tick.
    pub(super) fn hears_as_all(&self) -> bool {
        !self.deaf && (self.personal.is_none() || !self.differs)
    }

    fn catch_up(&mut self, deadline: Instant, late: Duration) {
        let missed = ((late + TICK / 2).as_nanos() / TICK.as_nanos()) as u32;
        self.inbound.skip(deadline, missed);
        self.flush();
        self.session.skip(missed.saturating_mul(self.units()));
        self.due = self.due.map(|due| due + TICK * missed);
    }

    /// Whether packets may go to where they go now.
    fn is_wanted(&self) -> bool {
        !self.negotiated.unproven || self.latch.is_latched()
    }

    /// Opens the port to the latched source only, or to anybody.
    fn settle(&mut self, settled: bool) {
        self.settled = settled;
        self.port
            .rtp
            .settle(settled.then(|| self.latch.destination()));
    }
}
