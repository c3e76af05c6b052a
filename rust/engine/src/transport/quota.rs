//! How many connections there may be, so that nobody takes them all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The connections of all listeners together.
#[derive(Debug)]
pub struct Quota {
    total: usize,
    per_source: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    incoming: usize,
    outgoing: usize,
    refused: u64,
    by_source: HashMap<IpAddr, usize>,
}

/// One connection's place, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    quota: Arc<Quota>,
    /// Of an incoming one.
    source: Option<IpAddr>,
}

impl Quota {
    /// At most `total` connections each way, and `per_source` from one address (or /64 of IPv6).
    pub fn new(total: usize, per_source: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            per_source,
            taken: Mutex::default(),
        })
    }

    /// A place for a connection that a peer opens, if there is one.
    pub(super) fn incoming(self: &Arc<Self>, source: IpAddr) -> Option<Place> {
        let source = network(source);
        let mut taken = self.lock();
        let of_source = taken.by_source.get(&source).copied().unwrap_or_default();
        if taken.incoming >= self.total || of_source >= self.per_source {
            taken.refused += 1;
            return None;
        }
        taken.incoming += 1;
        taken.by_source.insert(source, of_source + 1);
        Some(Place {
            quota: self.clone(),
            source: Some(source),
        })
    }

    /// A place for a connection that we open, which a flood of incoming ones doesn't take.
    pub(super) fn outgoing(self: &Arc<Self>) -> Option<Place> {
        let mut taken = self.lock();
        if taken.outgoing >= self.total {
            return None;
        }
        taken.outgoing += 1;
        Some(Place {
            quota: self.clone(),
            source: None,
        })
    }

    /// Connections that exist now.
    pub fn connections(&self) -> usize {
        let taken = self.lock();
        taken.incoming + taken.outgoing
    }

    /// Connections that were refused since the start.
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Nothing can panic between two numbers.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.quota.lock();
        let Some(source) = self.source else {
            taken.outgoing -= 1;
            return;
        };
        taken.incoming -= 1;
        if let Some(count) = taken.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                taken.by_source.remove(&source);
            }
        }
    }
}

/// What counts as one source: who has an address of IPv6 has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_gets_its_share_and_a_flood_leaves_room_for_ours() {
        let quota = Quota::new(3, 2);
        let [ann, bob, carl]: [IpAddr; 3] =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|text| text.parse().unwrap());
        let first = quota.incoming(ann).unwrap();
        let _second = quota.incoming(ann).unwrap();
        assert!(quota.incoming(ann).is_none());
        let _third = quota.incoming(bob).unwrap();
        assert!(quota.incoming(carl).is_none());
        assert_eq!(quota.refused(), 2);
        let _ours = quota.outgoing().unwrap();
        assert_eq!(quota.connections(), 4);
        drop(first);
        assert!(quota.incoming(ann).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let quota = Quota::new(10, 1);
        let _one = quota.incoming("2001:db8::1".parse().unwrap()).unwrap();
        assert!(quota.incoming("2001:db8::2".parse().unwrap()).is_none());
        assert!(quota.incoming("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
