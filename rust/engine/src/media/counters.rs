//! What a worker counts, for others to read while it works.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// One worker's counters, on cache lines of their own. Written by the worker only.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl Counters {
            /// All of them by name.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Ticks of rooms.
    ticks,
    /// Of these, begun later than [`LATE`](super::schedule::LATE) after their time.
    late_ticks,
    /// Ticks left out because the worker was more than one tick behind.
    skipped_ticks,
    /// The latest that a tick began after its time, in microseconds.
    max_lateness_us,
    /// RTP packets that were used.
    rtp_received,
    /// RTP packets sent.
    rtp_sent,
    /// RTP packets from somebody who is not the caller.
    rtp_foreign,
    /// Datagrams on RTP ports that are no RTP, or of no payload type that was agreed.
    rtp_malformed,
    /// Legs that this worker has now.
    legs,
    /// Rooms that this worker has now, own rooms of single calls included.
    rooms,
}

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds to it; cheaper than an atomic addition, because nobody else writes.
    pub(super) fn add(&self, count: u64) {
        self.0.store(self.get() + count, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self, count: u64) {
        self.set(self.get().saturating_sub(count));
    }

    fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(super) fn raise_to(&self, value: u64) {
        if value > self.get() {
            self.set(value);
        }
    }
}
