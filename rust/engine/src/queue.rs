//! The way up: one bounded ring for each Rust thread, and one eventfd for all of them.
//!
//! The eventfd is written only when the reader has seen all that was told before, so a thread that
//! tells fifty thousand things a second makes a system call for a few of them only.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::event::Event;

/// A counter in the kernel that makes a waiting thread look at its queue.
#[derive(Debug)]
pub struct Wake {
    fd: OwnedFd,
    /// A wake-up is on its way and has not been seen yet.
    pending: AtomicBool,
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
#[derive(Debug)]
pub struct EventSender {
    ring: rtrb::Producer<Event>,
    /// `None` in virtual time, where the reader comes by itself.
    wake: Option<Arc<Wake>>,
}

impl EventSender {
    /// Tells the reader, or gives the event back when the ring is full. Never waits.
    pub fn try_send(&mut self, event: Event) -> Result<(), Event> {
        self.ring
            .push(event)
            .map_err(|rtrb::PushError::Full(event)| event)?;
        if let Some(wake) = &self.wake {
            wake.wake();
        }
        Ok(())
    }

    /// How many events can be told before the reader comes.
    pub fn free(&self) -> usize {
        self.ring.slots()
    }
}

/// The reader's end of all rings.
#[derive(Debug)]
pub struct EventReceiver {
    rings: Vec<rtrb::Consumer<Event>>,
    wake: Option<Arc<Wake>>,
}

impl EventReceiver {
    /// No rings yet. With `wake`, senders make it readable.
    pub fn new(wake: Option<Arc<Wake>>) -> Self {
        Self {
            rings: Vec::new(),
            wake,
        }
    }

    /// A ring for one more thread, with room for `capacity` events.
    pub fn sender(&mut self, capacity: usize) -> EventSender {
        let (producer, consumer) = rtrb::RingBuffer::new(capacity);
        self.rings.push(consumer);
        EventSender {
            ring: producer,
            wake: self.wake.clone(),
        }
    }

    /// Takes all that waits, ring after ring, each in its order.
    pub fn drain(&mut self, into: &mut Vec<Event>) {
        if let Some(wake) = &self.wake {
            wake.clear();
        }
        for ring in &mut self.rings {
            let waiting = ring.slots();
            if let Ok(chunk) = ring.read_chunk(waiting) {
                into.extend(chunk);
            }
        }
    }

    /// The descriptor that is readable while events wait.
    pub fn fd(&self) -> Option<RawFd> {
        self.wake.as_ref().map(|wake| wake.as_raw_fd())
    }
}
