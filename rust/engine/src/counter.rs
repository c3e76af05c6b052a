//! Numbers that one thread counts and others read meanwhile.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number with one writer.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Its value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds to it; cheaper than an atomic addition, because nobody else writes.
    pub(crate) fn add(&self, count: u64) {
        self.set(self.get() + count);
    }

    pub(crate) fn subtract(&self, count: u64) {
        self.set(self.get().saturating_sub(count));
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn raise_to(&self, value: u64) {
        if value > self.get() {
            self.set(value);
        }
    }
}

/// A structure of [`Counter`]s that are known by their names.
macro_rules! counters {
    ($(#[$outer:meta])* pub struct $counters:ident { $($(#[$doc:meta])* $name:ident,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Default)]
        pub struct $counters {
            $($(#[$doc])* pub $name: $crate::counter::Counter,)*
        }

        impl $counters {
            /// All of them by name.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name.get()),)*].into_iter()
            }
        }
    };
}

pub(crate) use counters;
