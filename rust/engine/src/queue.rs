//! The way up: one bounded ring for each Rust thread, and one eventfd for all of them.
//!
//! The eventfd is written only when the reader has seen all that was told before, so a thread that
//! tells fifty thousand things a second makes a system call for a few of them only.

use std::{
    collections::{HashSet, VecDeque},
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering, fence},
    },
    time::Duration,
};

use crate::{event::Event, ids::CallId};

/// A counter in the kernel that makes a waiting thread look at its queue.
#[derive(Debug)]
pub struct Wake {
    fd: OwnedFd,
    /// A wake-up is on its way and has not been seen yet.
    pending: AtomicBool,
    /// The reader comes by itself very soon.
    napping: AtomicBool,
}

impl Wake {
    /// A new one, with nothing to see.
    pub fn new() -> io::Result<Arc<Self>> {
        // SAFETY: no pointers are passed; the descriptor that comes back is ours alone.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` is open and owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Arc::new(Self {
            fd,
            pending: AtomicBool::new(false),
            napping: AtomicBool::new(false),
        }))
    }

    /// Makes the descriptor readable, unless it is already.
    pub fn wake(&self) {
        if !self.pending.swap(true, Ordering::AcqRel) {
            let one = 1u64.to_ne_bytes();
            // SAFETY: the buffer is 8 bytes long, as eventfd wants. The write can't fail: the
            // counter is at most 1.
            unsafe { libc::write(self.fd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        }
    }

    /// As [`Wake::wake`], but leaves a reader alone that comes by itself very soon.
    pub fn nudge(&self) {
        // Either we see that the reader naps, or it sees what was queued before.
        fence(Ordering::SeqCst);
        if !self.napping.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// For the reader, before it waits: whether it comes by itself very soon. It has to look at
    /// its queue once more afterwards.
    pub fn set_napping(&self, on: bool) {
        self.napping.store(on, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// As [`Wake::clear`], without a system call where nobody has woken.
    pub fn clear_if_woken(&self) {
        if self.pending.load(Ordering::Acquire) {
            self.clear();
        }
    }

    /// Waits to be woken, at most for `left`; `true`: woken.
    pub fn wait(&self, left: Option<Duration>) -> bool {
        let mut poll = libc::pollfd {
            fd: self.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        let timeout = left.map(|left| libc::timespec {
            tv_sec: left.as_secs() as libc::time_t,
            tv_nsec: left.subsec_nanos().into(),
        });
        let timeout = timeout
            .as_ref()
            .map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: one pollfd, and a time that outlives the call or none; no signal mask.
        let ready = unsafe { libc::ppoll(&mut poll, 1, timeout, std::ptr::null()) };
        ready > 0
    }

    /// Makes the descriptor unreadable. To be called before the queue is emptied: what is put
    /// there afterwards wakes again.
    pub fn clear(&self) {
        let mut count = [0u8; 8];
        // SAFETY: the buffer is 8 bytes long, as eventfd wants; nothing to read is no harm.
        unsafe { libc::read(self.fd.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
        // A swap, not a store, so that we see all that was queued before the flag was found set.
        self.pending.swap(false, Ordering::AcqRel);
    }
}

impl AsRawFd for Wake {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// One thread's end of its ring.
///
/// Whoever is woken may take the processor from who wakes. So a thread tells all that it has to
/// tell in a step first, and wakes the reader last.
#[derive(Debug)]
pub struct EventSender {
    ring: rtrb::Producer<Event>,
    /// `None` in virtual time, where the reader comes by itself.
    wake: Option<Arc<Wake>>,
    /// Something was told of which the reader doesn't know yet.
    unannounced: bool,
}

impl EventSender {
    /// Puts an event into the ring, or gives it back when that is full. Never waits. The reader
    /// learns of it by [`EventSender::wake`].
    #[expect(
        clippy::result_large_err,
        reason = "an event is moved, not boxed, to cost nothing"
    )]
    pub fn try_send(&mut self, event: Event) -> Result<(), Event> {
        self.ring
            .push(event)
            .map_err(|rtrb::PushError::Full(event)| event)?;
        self.unannounced = true;
        Ok(())
    }

    /// Wakes the reader if there is something that it doesn't know of, and won't come to see by
    /// itself very soon.
    pub fn wake(&mut self) {
        if std::mem::take(&mut self.unannounced)
            && let Some(wake) = &self.wake
        {
            wake.nudge();
        }
    }

    /// How many events can be told before the reader comes.
    pub fn free(&self) -> usize {
        self.ring.slots()
    }
}

/// Calls whose end is remembered, so that nothing is told of them afterwards.
const ENDED: usize = 4096;

/// The reader's end of all rings.
#[derive(Debug)]
pub struct EventReceiver {
    rings: Vec<rtrb::Consumer<Event>>,
    wake: Option<Arc<Wake>>,
    ended: Ended,
}

/// The calls that have ended last. A worker learns of a call's end a little later than Python, and
/// what it has to say in between is not told.
#[derive(Debug, Default)]
struct Ended {
    order: VecDeque<CallId>,
    calls: HashSet<CallId>,
}

impl EventReceiver {
    /// No rings yet. With `wake`, senders make it readable.
    pub fn new(wake: Option<Arc<Wake>>) -> Self {
        Self {
            rings: Vec::new(),
            wake,
            ended: Ended::default(),
        }
    }

    /// A ring for one more thread, with room for `capacity` events.
    pub fn sender(&mut self, capacity: usize) -> EventSender {
        let (producer, consumer) = rtrb::RingBuffer::new(capacity);
        self.rings.push(consumer);
        EventSender {
            ring: producer,
            wake: self.wake.clone(),
            unannounced: false,
        }
    }

    /// Takes all that waits, ring after ring, each in its order.
    pub fn drain(&mut self, into: &mut Vec<Event>) {
        self.take(into, false);
    }

    /// The same by a reader that with `soon` comes again very soon, and needs no waking until it has
    /// come without.
    pub fn take(&mut self, into: &mut Vec<Event>, soon: bool) {
        if let Some(wake) = &self.wake {
            wake.clear_if_woken();
            wake.set_napping(soon);
        }
        for ring in &mut self.rings {
            let waiting = ring.slots();
            if let Ok(chunk) = ring.read_chunk(waiting) {
                into.extend(chunk.into_iter().filter(|event| self.ended.admits(event)));
            }
        }
    }

    /// The descriptor that is readable while events wait.
    pub fn fd(&self) -> Option<RawFd> {
        self.wake.as_ref().map(|wake| wake.as_raw_fd())
    }
}

impl Ended {
    /// Whether an event may still be told.
    fn admits(&mut self, event: &Event) -> bool {
        match event {
            Event::Ended { call, .. } => {
                if self.order.len() >= ENDED
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.calls.remove(&oldest);
                }
                self.order.push_back(*call);
                self.calls.insert(*call)
            }
            Event::Digit { call, .. }
            | Event::Speaking { call, .. }
            | Event::Quality(call, _)
            | Event::RtpTimeout { call, .. }
            | Event::RtpResumed { call }
            | Event::StreamStopped { call, .. }
            | Event::StreamResumed { call, .. } => !self.calls.contains(call),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(number: usize) -> Event {
        Event::Fault {
            message: number.to_string(),
        }
    }

    fn readable(fd: RawFd) -> bool {
        let mut poll = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one pollfd, which outlives the call.
        unsafe { libc::poll(&mut poll, 1, 0) == 1 }
    }

    #[test]
    fn the_descriptor_is_readable_exactly_while_events_wait() {
        let mut receiver = EventReceiver::new(Some(Wake::new().unwrap()));
        let mut sender = receiver.sender(8);
        let fd = receiver.fd().unwrap();
        assert!(!readable(fd));
        let mut events = Vec::new();
        for round in 1..4 {
            sender.try_send(fault(0)).unwrap();
            sender.try_send(fault(1)).unwrap();
            sender.wake();
            assert!(readable(fd));
            receiver.drain(&mut events);
            assert!(!readable(fd));
            assert_eq!(events.len(), round * 2);
        }
    }

    #[test]
    fn a_reader_that_comes_soon_is_not_woken_and_misses_nothing() {
        let mut receiver = EventReceiver::new(Some(Wake::new().unwrap()));
        let mut sender = receiver.sender(8);
        let fd = receiver.fd().unwrap();
        let mut events = Vec::new();
        receiver.take(&mut events, true);
        sender.try_send(fault(0)).unwrap();
        sender.wake();
        assert!(!readable(fd));
        receiver.take(&mut events, true);
        assert_eq!(events.len(), 1);
        sender.try_send(fault(1)).unwrap();
        sender.wake();
        assert!(!readable(fd));
        receiver.drain(&mut events);
        assert_eq!(events.len(), 2);
        sender.try_send(fault(2)).unwrap();
        sender.wake();
        assert!(readable(fd));
    }

    #[test]
    fn a_full_ring_gives_the_event_back() {
        let mut receiver = EventReceiver::new(None);
        let mut sender = receiver.sender(2);
        sender.try_send(fault(0)).unwrap();
        sender.try_send(fault(1)).unwrap();
        assert_eq!(sender.free(), 0);
        assert!(
            matches!(sender.try_send(fault(2)), Err(Event::Fault { message }) if message == "2")
        );
        receiver.drain(&mut Vec::new());
        assert_eq!(sender.free(), 2);
    }

    #[test]
    fn nothing_is_told_of_a_call_after_its_end() {
        let mut receiver = EventReceiver::new(None);
        let (mut signaling, mut worker) = (receiver.sender(8), receiver.sender(8));
        let (call, other) = (CallId(1), CallId(2));
        let digit = |call| Event::Digit { call, digit: '5' };
        let ended = Event::Ended {
            call,
            cause: crate::event::EndCause::Remote,
            code: None,
            reason: String::new(),
        };
        signaling.try_send(ended).unwrap();
        worker.try_send(digit(call)).unwrap();
        worker.try_send(digit(other)).unwrap();
        let mut events = Vec::new();
        receiver.drain(&mut events);
        assert!(matches!(
            events[..],
            [
                Event::Ended { .. },
                Event::Digit {
                    call: CallId(2),
                    ..
                }
            ]
        ));
    }

    #[test]
    fn no_event_is_lost_or_left_lying_when_many_threads_tell_at_once() {
        const EACH: usize = 20_000;
        let mut receiver = EventReceiver::new(Some(Wake::new().unwrap()));
        let senders: Vec<_> = (0..3).map(|_| receiver.sender(256)).collect();
        let fd = receiver.fd().unwrap();
        let mut taken = 0;
        std::thread::scope(|scope| {
            for mut sender in senders {
                scope.spawn(move || {
                    for number in 0..EACH {
                        let mut event = fault(number);
                        while let Err(back) = sender.try_send(event) {
                            event = back;
                            sender.wake();
                            std::thread::yield_now();
                        }
                        if number % 7 == 0 {
                            sender.wake();
                        }
                    }
                    sender.wake();
                });
            }
            let mut events = Vec::new();
            while taken < 3 * EACH {
                let mut poll = libc::pollfd {
                    fd,
                    events: libc::POLLIN,
                    revents: 0,
                };
                // SAFETY: one pollfd, which outlives the call.
                let woken = unsafe { libc::poll(&mut poll, 1, 5000) };
                assert_eq!(woken, 1, "a wake-up was lost after {taken} events");
                // Each time the reader naps for a while, and then waits to be woken.
                for soon in [true, true, false] {
                    receiver.take(&mut events, soon);
                }
                taken += events.drain(..).count();
            }
        });
        assert_eq!(taken, 3 * EACH);
    }
}
