//! What happened lately: the messages of all calls, what came to their RTP ports, what Python ordered
//! and what it was told, in a bounded piece of memory, so that it can be said afterwards why a call
//! failed, and so that it can go through the same states again.
//!
//! Writing costs a clone of the datagram's `Arc` and a push: nothing is read, copied or formatted
//! until somebody asks ([`Trace::calls`], [`Trace::of`]), and that happens on his thread. Packets are
//! noted by the leg that they come to ([`heard`]). Secrets are masked on the way out ([`mask`]), always.

pub mod heard;
mod mask;
mod places;
mod read;
mod say;
mod subject;
mod told;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use sems_sip::Flow;

use crate::{
    command::SignalingCommand,
    event::Event,
    ids::{CallId, RequestId},
};
use heard::{Heard, Places};
pub(crate) use subject::Subject;
use told::Told;

pub use read::{Entry, Kind, TracedCall};

/// How many entries are kept together. The piece that is being written is copied for a reader.
const PIECE: usize = 256;
/// As long as a keep-alive is.
const KEEP_ALIVE: usize = 4;
/// What an entry takes beside its message, about, in bytes.
const ENTRY: usize = 144;
/// Of the whole, what comes to ports takes at most one such part.
const PACKETS: usize = 4;

/// What happened, as it was noted.
#[derive(Clone, Debug)]
enum What {
    Received(Flow, Bytes),
    Sent(Flow, Bytes),
    /// Something of this Call-ID got its number here.
    Named(Subject, Box<str>),
    Ordered(Subject, RequestId, Arc<SignalingCommand>),
    Told(Subject, Told),
    /// What comes to the call's ports is noted there.
    Heard(CallId, Arc<Heard>),
    /// A connection is closed, or nobody is at the other end.
    Lost(Flow),
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
    /// Where packets are noted, too, if they are.
    places: Option<Arc<Places>>,
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
    /// A record of at most `limit` bytes, 0 for none, with what comes to RTP ports or without.
    /// `start` was so long after the Unix epoch (or, in virtual time, after the network's); `key` makes
    /// masks that can't be guessed from.
    pub(crate) fn new(
        limit: usize,
        packets: bool,
        start: Instant,
        since_epoch: Duration,
        key: [u64; 2],
    ) -> Self {
        Self {
            ring: Mutex::default(),
            limit,
            places: (packets && limit > 0).then(|| Arc::new(Places::new(limit / PACKETS))),
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
            What::Heard(..) => size_of::<Heard>(),
            _ => 0,
        };
        let mut ring = self.lock();
        ring.open.push(Noted { at, what });
        ring.open_bytes += payload + ENTRY;
        let mut limit = self.limit;
        if let Some(places) = &self.places {
            // Only one at a time does, since the ring is locked.
            places.provide();
            limit = limit.saturating_sub(places.bytes());
        }
        if ring.open.len() == PIECE || ring.open_bytes > limit / 8 {
            ring.seal(limit);
        }
    }

    /// Takes note of what a media thread told Python at about `now`.
    pub(crate) fn told(&self, now: Instant, event: &Event) {
        if self.is_on()
            && let Some((subject, told)) = Told::of(event)
        {
            self.note(now, What::Told(subject, told));
        }
    }

    /// Where a new leg is to note what comes to it, if that is wanted.
    pub(crate) fn listen(&self, call: CallId) -> Option<Arc<Heard>> {
        let places = self.places.as_ref()?;
        let heard = Arc::new(Heard::new(self.start, places.clone()));
        // What is noted there has times of its own.
        self.note(self.start, What::Heard(call, heard.clone()));
        Some(heard)
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
        let places = self.places.as_ref().map_or(0, |places| places.bytes());
        let ring = self.lock();
        ring.bytes + ring.open_bytes + places
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

    /// A connection is closed, or nobody is at the other end.
    pub(crate) fn lost(&self, flow: Flow) {
        if let Some(trace) = &self.trace {
            trace.note(self.now, What::Lost(flow));
        }
    }

    /// Something got its number, and has this Call-ID.
    pub(crate) fn named(&self, subject: Subject, call_id: &str) {
        if let Some(trace) = &self.trace {
            trace.note(self.now, What::Named(subject, call_id.into()));
        }
    }

    /// Python ordered this.
    pub(crate) fn ordered(&self, request: RequestId, command: &SignalingCommand) {
        if let Some(trace) = &self.trace {
            let subject = Subject::of(request, command);
            let command = Arc::new(command.clone());
            trace.note(self.now, What::Ordered(subject, request, command));
        }
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
