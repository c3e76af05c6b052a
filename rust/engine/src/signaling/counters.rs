//! What signaling counts, for others to read while it works.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The counters of signaling, written by its thread only.
        #[derive(Debug, Default)]
        pub struct SignalingCounters {
            $($(#[$doc])* pub $name: Counter,)*
        }

        impl SignalingCounters {
            /// All of them by name.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get()),)*].into_iter()
            }
        }
    };
}

counters! {
    /// Calls that exist now.
    calls,
    /// SIP sessions that exist now: calls, and those whose BYE or CANCEL has no answer yet.
    sessions,
    /// Transactions that exist now, both sides.
    transactions,
    /// RTP ports that calls have now.
    rtp_ports,
    /// Calls since the start, both ways.
    calls_total,
    /// SIP datagrams that arrived.
    sip_received,
    /// SIP datagrams sent.
    sip_sent,
    /// Datagrams that were no SIP message.
    sip_malformed,
    /// Requests that came again.
    sip_repeated,
    /// Messages that we sent again.
    sip_retransmitted,
    /// Requests that met a limit and got 503.
    sip_overload,
    /// Requests that were refused without asking Python, overload apart.
    sip_refused,
}

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, count: u64) {
        self.0.store(self.get() + count, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}
