//! Reliable provisional responses and PRACK (RFC 3262), on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use super::message::Message;
use super::{TOLERANCE, Times, same_time};

/// The reliable responses that this side sent to one INVITE.
#[derive(Debug, Default)]
pub(super) struct Reliable {
    sent: BTreeMap<u32, Sent>,
    /// A final response has been sent, after which they need not come again.
    finished: Option<Duration>,
}

#[derive(Debug)]
struct Sent {
    bytes: Bytes,
    first: Duration,
    due: Duration,
    interval: Duration,
    acknowledged: bool,
    has_description: bool,
}

impl Reliable {
    /// A response to the INVITE is sent, `copied` being when that came last; what is wrong.
    pub fn sent(
        &mut self,
        at: Duration,
        invite: &Message,
        response: &Message,
        copied: bool,
        times: &Times,
    ) -> Option<&'static str> {
        let status = response.status.unwrap_or_default();
        if status >= 200 {
            self.finished.get_or_insert(at);
            let mut open = self.sent.values().filter(|sent| !sent.acknowledged);
            let waits = open.any(|sent| sent.has_description);
            return (status < 300 && waits)
                .then_some("a 2xx before a description in a reliable response is acknowledged");
        }
        if status == 100 {
            return None;
        }
        let Some(rseq) = response.rseq() else {
            return invite
                .lists("require", "100rel")
                .then_some("100rel is required, and the response has none");
        };
        if let Some(sent) = self.sent.get_mut(&rseq) {
            if sent.bytes != response.bytes {
                return Some("the RSeq of another response");
            }
            // A copy of the INVITE gets the last response in any case (RFC 3261 §17.2.1).
            if copied && (sent.acknowledged || !same_time(at, sent.due)) {
                return None;
            }
            if sent.acknowledged {
                return Some("a reliable response again after its PRACK");
            }
            if !same_time(at, sent.due) || at + TOLERANCE >= sent.first + times.give_up() {
                return Some("a reliable response again at the wrong time");
            }
            sent.interval *= 2;
            sent.due = at + sent.interval;
            return None;
        }
        let last = self.sent.keys().next_back().copied();
        let first_waits = self.sent.len() == 1 && self.sent.values().any(|s| !s.acknowledged);
        self.sent.insert(
            rseq,
            Sent {
                bytes: response.bytes.clone(),
                first: at,
                due: at + times.t1,
                interval: times.t1,
                acknowledged: false,
                has_description: response.description().is_some(),
            },
        );
        if !invite.lists("supported", "100rel") && !invite.lists("require", "100rel") {
            return Some("100rel was not offered");
        }
        if rseq == 0 || rseq >= 1 << 31 || last.is_some_and(|last| rseq != last + 1) {
            return Some("RSeq does not rise by one from where it may begin");
        }
        first_waits.then_some("a second reliable response before the first is acknowledged")
    }

    /// A PRACK came: whether it acknowledges something.
    pub fn acknowledged(&mut self, rseq: u32) -> bool {
        let sent = self.sent.get_mut(&rseq);
        sent.is_some_and(|sent| !std::mem::replace(&mut sent.acknowledged, true))
    }

    /// Whether one should have been repeated by now.
    pub fn missing(&self, at: Duration, times: &Times) -> Option<Duration> {
        let end = self.finished.map_or(at, |finished| finished.min(at));
        let mut open = self.sent.values().filter(|sent| !sent.acknowledged);
        let missing = open.find(|sent| {
            let due = sent.due + TOLERANCE;
            due < end && due < sent.first + times.give_up()
        });
        missing.map(|sent| sent.due)
    }
}

/// The reliable responses that came to one INVITE of this side, of one branch of a fork.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: Option<u32>,
    answered: BTreeSet<u32>,
    again: BTreeSet<u32>,
}

impl Heard {
    /// One came: whether it is the next, which gets a PRACK.
    pub fn received(&mut self, rseq: u32) -> bool {
        let is_next = self.last.is_none_or(|last| rseq == last + 1);
        if is_next {
            self.last = Some(rseq);
        }
        is_next
    }

    /// The PRACK was overtaken by another request and so refused: there may be another.
    pub fn refused(&mut self, rseq: u32) {
        self.answered.remove(&rseq);
        self.again.insert(rseq);
    }

    /// Whether a PRACK for this was refused before: its description is no news.
    pub fn is_again(&self, rseq: u32) -> bool {
        self.again.contains(&rseq)
    }

    /// A new PRACK of ours: whether there is something to acknowledge.
    pub fn answers(&mut self, rseq: u32) -> bool {
        self.last.is_some_and(|last| rseq <= last) && self.answered.insert(rseq)
    }
}
