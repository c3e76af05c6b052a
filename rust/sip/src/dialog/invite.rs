//! What is special about INVITE within a dialog: a 2xx that is repeated until its ACK comes, and
//! one INVITE at a time (RFC 3261 §13.3.1.4 and §14).

use std::time::Duration;

use bytes::Bytes;
use rand::{Rng, RngExt};

use crate::header::CSeq;
use crate::transaction::{ClientTransactionId, Flow, ServerTransactionId, TimerValues};
use crate::{Headers, Request};

/// A 2xx of ours that has no ACK yet.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    sequence: u32,
    pub(crate) flow: Flow,
    pub(crate) response: Bytes,
    interval: Duration,
}

impl Unacknowledged {
    pub(crate) fn new(sequence: u32, flow: Flow, response: Bytes, values: &TimerValues) -> Self {
        Self {
            sequence,
            flow,
            response,
            interval: values.t1,
        }
    }

    /// How long until the 2xx is to be sent again.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// Notes that it was sent again.
    pub(crate) fn repeated(&mut self, values: &TimerValues) {
        self.interval = values.backed_off(self.interval);
    }

    /// Whether this is the ACK.
    pub(crate) fn is_acknowledged_by(&self, ack: &Request) -> bool {
        matches!(ack.headers.require(), Ok(CSeq { sequence, .. }) if sequence == self.sequence)
    }
}

/// The INVITE that is under way within a confirmed dialog. There is at most one.
#[derive(Debug, Default)]
pub(crate) enum Reinvite {
    #[default]
    None,
    /// Ours has no final response yet.
    Ours {
        transaction: ClientTransactionId,
        /// Whether it carried an offer, so that the ACK carries nothing.
        offers: bool,
    },
    /// The peer's waits for our final response.
    Theirs { transaction: ServerTransactionId },
}

/// How far the wish to take back our INVITE has come (§9.1).
#[derive(Debug, Default)]
pub(crate) enum Cancel {
    #[default]
    NotWanted,
    /// Wanted, with these headers, but nothing may be sent before a provisional response.
    Wanted(Box<Headers>),
    Sent,
}

/// How long to wait after a 491 (§14.1): whoever made the Call-ID 2.1 to 4 s, the other up to 2 s,
/// in steps of 10 ms.
pub(crate) fn glare_wait(owns_call_id: bool, rng: &mut impl Rng) -> Duration {
    let steps = match owns_call_id {
        true => rng.random_range(210..=400),
        false => rng.random_range(0..=200),
    };
    Duration::from_millis(10 * steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn after_a_glare_the_owner_of_the_call_id_waits_longer_than_the_other() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..1000 {
            let owner = glare_wait(true, &mut rng).as_millis();
            let other = glare_wait(false, &mut rng).as_millis();
            assert!((2100..=4000).contains(&owner) && owner % 10 == 0);
            assert!(other <= 2000 && other % 10 == 0);
        }
    }

    #[test]
    fn a_2xx_is_repeated_at_intervals_that_double_up_to_t2() {
        let values = TimerValues::default();
        let address = ([192, 0, 2, 1], 5060).into();
        let flow = Flow {
            transport: crate::transaction::Transport::Udp,
            local: address,
            remote: address,
        };
        let mut unacknowledged = Unacknowledged::new(1, flow, Bytes::new(), &values);
        let mut intervals = Vec::new();
        for _ in 0..6 {
            intervals.push(unacknowledged.interval().as_millis());
            unacknowledged.repeated(&values);
        }
        assert_eq!(intervals, [500, 1000, 2000, 4000, 4000, 4000]);
    }
}
