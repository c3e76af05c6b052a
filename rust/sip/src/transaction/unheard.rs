//! Which requests of ours a neighbour has not answered at all: those that end when it can't be
//! reached, found without looking at the others.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use slotmap::{Key, KeyData};

use super::{ClientTransactionId, Flow, Transport};

/// A request that has had no response, in the order of whom it was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unheard {
    remote: SocketAddr,
    transport: Transport,
    /// The transaction.
    number: u64,
}

impl Unheard {
    pub(super) fn new(flow: Flow, id: ClientTransactionId) -> Self {
        Self::numbered(flow, id.data().as_ffi())
    }

    fn numbered(flow: Flow, number: u64) -> Self {
        Self {
            remote: flow.remote,
            transport: flow.transport,
            number,
        }
    }

    pub(super) fn id(self) -> ClientTransactionId {
        KeyData::from_ffi(self.number).into()
    }

    /// All that went to the neighbour of this flow, by the same transport.
    pub(super) fn all(flow: Flow) -> RangeInclusive<Self> {
        Self::numbered(flow, 0)..=Self::numbered(flow, u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn what_waits_for_one_neighbour_is_found_among_all() {
        let flow = |transport, remote: &str| Flow {
            transport,
            local: ([192, 0, 2, 100], 5060).into(),
            remote: remote.parse().unwrap(),
        };
        let id = |number: u64| ClientTransactionId::from(KeyData::from_ffi(number << 33 | 1 << 32));
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        let asked = flow(udp, "192.0.2.1:5060");
        let all: BTreeSet<_> = [
            Unheard::new(asked, id(7)),
            Unheard::new(flow(udp, "192.0.2.1:5061"), id(1)),
            Unheard::new(flow(tcp, "192.0.2.1:5060"), id(2)),
            Unheard::new(asked, id(3)),
            Unheard::new(flow(udp, "[2001:db8::1]:5060"), id(4)),
        ]
        .into();
        let found = all.range(Unheard::all(asked)).map(|unheard| unheard.id());
        assert_eq!(found.collect::<Vec<_>>(), [id(3), id(7)]);
    }
}
