//! What happened lately: the messages of all calls, what Python ordered and what it was told, in a
//! bounded piece of memory, so that it can be said afterwards why a call failed.
//!
//! Writing costs a clone of the datagram's `Arc` and a push: nothing is read, copied or formatted
//! until somebody asks ([`Trace::calls`], [`Trace::of`]), and that happens on his thread. Secrets are
//! masked on the way out ([`mask`]), always.

mod mask;
mod read;
mod say;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use sems_sip::Flow;

use crate::{command::SignalingCommand, event::Event, ids::CallId};

pub use read::{Entry, Kind, TracedCall};

/// How many entries are kept together. The piece that is being written is copied for a reader.
const PIECE: usize = 256;
/// As long as a keep-alive is.
const KEEP_ALIVE: usize = 4;
/// What an entry takes beside its message, about, in bytes.
const ENTRY: usize = 144;

/// What happened, as it was noted.
#[derive(Clone, Debug)]
enum What {
    Received(Flow, Bytes),
    Sent(Flow, Bytes),
    /// A call got its number here.
    Call(CallId, Box<str>),
    Ordered(CallId, Arc<SignalingCommand>),
    Told(CallId, Told),
}

/// What Python was told, as far as it explains something.
#[derive(Clone, Debug)]
enum Told {
    Answered(&'static str),
    Confirmed(&'static str),
    Updated {
        on_hold: bool,
        codec: &'static str,
    },
    Ended {
        cause: crate::event::EndCause,
        code: Option<u16>,
        reason: Box<str>,
    },
    Digit,
    RtpTimeout(u32),
    RtpResumed,
    RtpArrives {
        received: u32,
        lost: u32,
    },
}

#[derive(Clone, Debug)]
struct Noted {
    at: Instant,
    what: What,
}

/// The record of one engine. It takes at most so many bytes; the oldest is forgotten first.
#[derive(Debug)]
pub struct Trace {
    ring: Mutex<Ring>,
    /// 0: nothing is recorded.
    limit: usize,
    start: Instant,
    since_epoch: Duration,
    masks: mask::Masks,
}

#[derive(Debug, Default)]
struct Ring {
    sealed: VecDeque<(usize, Arc<[Noted]>)>,
    open: Vec<Noted>,
    open_bytes: usize,
    bytes: usize,
}

impl Trace {
    /// A record of at most `limit` bytes, 0 for none. `start` was so long after the Unix epoch (or,
    /// in virtual time, after the network's); `key` makes masks that can't be guessed from.
    pub(crate) fn new(limit: usize, start: Instant, since_epoch: Duration, key: [u64; 2]) -> Self {
        Self {
            ring: Mutex::default(),
            limit,
            start,
            since_epoch,
            masks: mask::Masks::new(key),
        }
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.limit > 0
    }

    fn note(&self, at: Instant, what: What) {
        let payload = match &what {
            What::Received(_, payload) | What::Sent(_, payload) => payload.len(),
            _ => 0,
        };
        let mut ring = self.lock();
        ring.open.push(Noted { at, what });
        ring.open_bytes += payload + ENTRY;
        if ring.open.len() == PIECE || ring.open_bytes > self.limit / 8 {
            ring.seal(self.limit);
        }
    }

    /// Takes note of what a media thread told Python at about `now`.
    pub(crate) fn told(&self, now: Instant, event: &Event) {
        if self.is_on()
            && let Some((call, told)) = told(event)
        {
            self.note(now, What::Told(call, told));
        }
    }

    fn snapshot(&self) -> Vec<Arc<[Noted]>> {
        let ring = self.lock();
        let sealed = ring.sealed.iter().map(|(_, piece)| piece.clone());
        let mut pieces: Vec<_> = sealed.collect();
        pieces.push(ring.open.as_slice().into());
        pieces
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes the record takes, about.
    pub fn bytes(&self) -> usize {
        let ring = self.lock();
        ring.bytes + ring.open_bytes
    }

    fn nanoseconds(&self, at: Instant) -> u64 {
        let since = self.since_epoch + at.saturating_duration_since(self.start);
        since.as_nanos() as u64
    }
}

impl Ring {
    fn seal(&mut self, limit: usize) {
        let piece: Arc<[Noted]> =
            std::mem::replace(&mut self.open, Vec::with_capacity(PIECE)).into();
        let bytes = std::mem::take(&mut self.open_bytes);
        self.sealed.push_back((bytes, piece));
        self.bytes += bytes;
        while self.bytes > limit
            && let Some((bytes, _)) = self.sealed.pop_front()
        {
            self.bytes -= bytes;
        }
    }
}

/// What signaling writes with: it knows what time it is.
#[derive(Debug)]
pub(crate) struct Recorder {
    trace: Option<Arc<Trace>>,
    now: Instant,
}

impl Recorder {
    pub(crate) fn new(trace: Arc<Trace>, now: Instant) -> Self {
        let trace = trace.is_on().then_some(trace);
        Self { trace, now }
    }

    /// It is so late now.
    pub(crate) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    pub(crate) fn received(&self, flow: Flow, payload: &Bytes) {
        // A keep-alive says nothing (RFC 5626 §3.5.1).
        if let Some(trace) = &self.trace
            && payload.len() > KEEP_ALIVE
        {
            trace.note(self.now, What::Received(flow, payload.clone()));
        }
    }

    pub(crate) fn sent(&self, flow: Flow, payload: &Bytes) {
        if let Some(trace) = &self.trace {
            trace.note(self.now, What::Sent(flow, payload.clone()));
        }
    }

    pub(crate) fn call(&self, call: CallId, call_id: &str) {
        if let Some(trace) = &self.trace {
            trace.note(self.now, What::Call(call, call_id.into()));
        }
    }

    /// Python ordered this; what is not about one call goes by.
    pub(crate) fn ordered(&self, command: &SignalingCommand) {
        use SignalingCommand as C;
        let Some(trace) = &self.trace else { return };
        let call = match command {
            C::Ring { call, .. }
            | C::Answer { call, .. }
            | C::Reject { call, .. }
            | C::Hangup { call, .. }
            | C::Hold { call, .. } => *call,
            C::Dial(dial) => dial.call,
            _ => return,
        };
        trace.note(self.now, What::Ordered(call, Arc::new(command.clone())));
    }

    /// Keys are noted where Python takes them, whichever way they came.
    pub(crate) fn told(&self, event: &Event) {
        if let Some(trace) = &self.trace
            && !matches!(event, Event::Digit { .. })
        {
            trace.told(self.now, event);
        }
    }
}

fn told(event: &Event) -> Option<(CallId, Told)> {
    Some(match event {
        Event::Answered { call, codec, .. } => (*call, Told::Answered(codec)),
        Event::Confirmed { call, codec } => (*call, Told::Confirmed(codec)),
        Event::Updated {
            call,
            on_hold,
            codec,
        } => {
            let (on_hold, codec) = (*on_hold, *codec);
            (*call, Told::Updated { on_hold, codec })
        }
        Event::Ended {
            call,
            cause,
            code,
            reason,
        } => {
            let told = Told::Ended {
                cause: *cause,
                code: *code,
                reason: reason.as_str().into(),
            };
            (*call, told)
        }
        // Which key it was may be a secret.
        Event::Digit { call, .. } => (*call, Told::Digit),
        Event::RtpTimeout { call, silent_ms } => (*call, Told::RtpTimeout(*silent_ms)),
        Event::RtpResumed { call } => (*call, Told::RtpResumed),
        Event::Quality(call, quality) => {
            let (received, lost) = (quality.received, quality.lost);
            (*call, Told::RtpArrives { received, lost })
        }
        _ => return None,
    })
}
