//! A thread's way up to Python, on which nothing that matters is lost.

use std::collections::VecDeque;

use crate::{event::Event, queue::EventSender, trace::Recorder};

/// Events told before the ring can be full.
pub(crate) const RING: usize = 8192;
/// Completions that can wait beside a full ring before memory is needed for them.
const BACKLOG: usize = 256;

/// The ring with what did not fit into it.
pub(crate) struct Outbox {
    ring: EventSender,
    backlog: VecDeque<Event>,
    /// What fits into the ring.
    room: usize,
    told: u64,
    /// Where it is written down what was told; signaling has one.
    pub(crate) recorder: Option<Recorder>,
    /// Nobody sees anything before the next [`Outbox::flush`], so that who is told finds counters
    /// that know of it.
    pub(crate) together: bool,
}

impl Outbox {
    pub(crate) fn new(ring: EventSender) -> Self {
        Self {
            room: ring.free(),
            told: 0,
            ring,
            backlog: VecDeque::with_capacity(BACKLOG),
            recorder: None,
            together: false,
        }
    }

    /// Tells for certain: with the next [`Outbox::flush`], or when there is room again.
    pub(crate) fn tell(&mut self, event: Event) {
        self.told += 1;
        if let Some(recorder) = &self.recorder {
            recorder.told(&event);
        }
        if self.together {
            self.backlog.push_back(event);
            return;
        }
        self.refill();
        if !self.backlog.is_empty() {
            self.backlog.push_back(event);
        } else if let Err(event) = self.ring.try_send(event) {
            self.backlog.push_back(event);
        }
    }

    /// Tells with the next [`Outbox::flush`] or not at all; `false`: the state that was to be told stays with its owner, who
    /// tries again.
    pub(crate) fn offer(&mut self, event: Event) -> bool {
        let told = self.backlog.is_empty() && self.ring.try_send(event).is_ok();
        self.told += u64::from(told);
        told
    }

    /// How much has been told since the start.
    pub(crate) fn told(&self) -> u64 {
        self.told
    }

    /// How much of it was not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.room - self.ring.free() + self.backlog.len()
    }

    /// How much can wait in the ring.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// Like [`Outbox::offer`], but leaves half of the ring to more important things.
    pub(crate) fn suggest(&mut self, event: Event) -> bool {
        self.ring.free() > RING / 2 && self.offer(event)
    }

    /// The end of a step: puts what had to wait into the ring, and wakes who reads it.
    pub(crate) fn flush(&mut self) {
        self.refill();
        self.ring.wake();
    }

    /// Puts what had to wait into the ring, where it is found by who comes, and wakes nobody.
    pub(crate) fn refill(&mut self) {
        while let Some(event) = self.backlog.pop_front() {
            if let Err(event) = self.ring.try_send(event) {
                self.backlog.push_front(event);
                break;
            }
        }
    }

    /// Whether more was told than Python has left room for.
    pub(crate) fn is_overrun(&self) -> bool {
        self.backlog.len() > self.ring.free()
    }

    /// Whether something waits for room in the ring, after a [`Outbox::flush`].
    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }
}
