//! Which media worker a new call or room is given to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::ids::{CallId, RoomId};

/// Ids that were never given before, each with the least loaded worker as its home.
#[derive(Debug)]
pub struct Homes {
    serial: AtomicU64,
    /// Calls whose home is the worker.
    calls: Box<[AtomicUsize]>,
}

impl Homes {
    /// Homes for `workers` workers, 1–255.
    pub fn new(workers: usize) -> Self {
        let calls = (0..workers).map(|_| AtomicUsize::new(0)).collect();
        Self {
            serial: AtomicU64::new(1),
            calls,
        }
    }

    /// An id for a new call, which counts for its home until [`Homes::leave`].
    pub fn call(&self) -> CallId {
        let home = self.least_loaded();
        self.calls[usize::from(home)].fetch_add(1, Ordering::Relaxed);
        CallId::new(self.serial.fetch_add(1, Ordering::Relaxed), home)
    }

    /// An id for a new room.
    pub fn room(&self) -> RoomId {
        let home = self.least_loaded();
        RoomId::new(self.serial.fetch_add(1, Ordering::Relaxed), home)
    }

    /// The call is over.
    pub fn leave(&self, call: CallId) {
        self.calls[usize::from(call.home())].fetch_sub(1, Ordering::Relaxed);
    }

    fn least_loaded(&self) -> u8 {
        let loads = self.calls.iter().map(|calls| calls.load(Ordering::Relaxed));
        // There is at least one worker and there are at most 255.
        loads.zip(0..).min().map_or(0, |(_, home)| home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_spread_evenly_and_go_where_others_have_left() {
        let homes = Homes::new(3);
        let calls: Vec<CallId> = (0..6).map(|_| homes.call()).collect();
        let of = |calls: &[CallId]| calls.iter().map(|call| call.home()).collect::<Vec<_>>();
        assert_eq!(of(&calls), [0, 1, 2, 0, 1, 2]);
        homes.leave(calls[1]);
        homes.leave(calls[4]);
        assert_eq!(homes.room().home(), 1);
        assert_eq!(of(&[homes.call(), homes.call(), homes.call()]), [1, 1, 0]);
    }

    #[test]
    fn no_id_is_given_twice() {
        let homes = Homes::new(2);
        let first = homes.call();
        homes.leave(first);
        let second = homes.call();
        assert_ne!(first, second);
        assert_ne!(second.0, homes.room().0);
    }
}
