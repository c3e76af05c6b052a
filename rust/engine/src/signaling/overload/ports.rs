//! Whether there is an RTP port for one more call.
//!
//! A call gets its port when its media are agreed on, which Python decides. Each that has none yet has a
//! claim to one, so that as many are admitted as there are ports, and none is answered by a failure.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The claim of a call to a port, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim(Arc<AtomicUsize>);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is left of the ports.
#[derive(Debug)]
pub(super) struct Ports {
    left: usize,
    size: usize,
    claims: Arc<AtomicUsize>,
}

impl Default for Ports {
    /// Enough, until somebody has looked.
    fn default() -> Self {
        Self {
            left: usize::MAX,
            size: usize::MAX,
            claims: Arc::default(),
        }
    }
}

impl Ports {
    /// So many pairs can be taken now, of so many.
    pub(super) fn look(&mut self, left: usize, size: usize) {
        (self.left, self.size) = (left, size);
    }

    /// How many pairs there are.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether nobody else claims the last one.
    pub(super) fn has_one_left(&self) -> bool {
        self.left > self.claims.load(Ordering::Relaxed)
    }

    /// One more call will want a port.
    pub(super) fn claim(&self) -> Claim {
        self.claims.fetch_add(1, Ordering::Relaxed);
        Claim(Arc::clone(&self.claims))
    }
}
