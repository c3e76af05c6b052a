//! Provisional responses that are sent until a PRACK comes (RFC 3262 §3).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::header::RAck;
use crate::transaction::{Flow, TimerValues};
use crate::user_agent::{Content, Reply};
use crate::{Headers, Method, StatusCode};

/// Responses that may wait for the one before them to be acknowledged. Only the layer above makes
/// them, and none needs more.
const MAX_WAITING: usize = 16;

/// What a called session sends reliably.
#[derive(Debug)]
pub(crate) struct Reliable {
    /// RSeq of the last response.
    number: u32,
    /// Its status.
    status: StatusCode,
    /// CSeq of the INVITE.
    sequence: u32,
    unacknowledged: Option<Unacknowledged>,
    /// Later responses, one after the other.
    waiting: VecDeque<Reply>,
    /// The 2xx, which must not overtake a description (§3).
    accept: Option<(Headers, Option<Content>)>,
}

#[derive(Debug)]
struct Unacknowledged {
    flow: Flow,
    response: Bytes,
    has_description: bool,
    interval: Duration,
}

impl Reliable {
    /// `first` is the RSeq before the first, below 2³¹ (§3).
    pub(crate) fn new(first: u32, sequence: u32) -> Self {
        Self {
            number: first,
            status: StatusCode::SESSION_PROGRESS,
            sequence,
            unacknowledged: None,
            waiting: VecDeque::new(),
            accept: None,
        }
    }

    /// Takes a response that is to be sent; `false` when too many wait.
    pub(crate) fn push(&mut self, reply: Reply) -> bool {
        let fits = self.waiting.len() < MAX_WAITING;
        if fits {
            self.waiting.push_back(reply);
        }
        fits
    }

    /// The response whose turn it is, with its RSeq.
    pub(crate) fn next(&mut self) -> Option<(u32, Reply)> {
        if self.unacknowledged.is_some() {
            return None;
        }
        let reply = self.waiting.pop_front()?;
        self.number += 1;
        self.status = reply.status;
        Some((self.number, reply))
    }

    /// Notes what was sent.
    pub(crate) fn sent(
        &mut self,
        flow: Flow,
        response: Bytes,
        has_description: bool,
        values: &TimerValues,
    ) {
        self.unacknowledged = Some(Unacknowledged {
            flow,
            response,
            has_description,
            interval: values.t1,
        });
    }

    /// Whether any response was sent reliably and is not acknowledged.
    pub(crate) fn is_pending(&self) -> bool {
        self.unacknowledged.is_some()
    }

    /// The status of the last response.
    pub(crate) fn last_status(&self) -> StatusCode {
        self.status
    }

    /// What is to be sent again, and after how long the next time: the interval doubles without a
    /// limit (§3).
    pub(crate) fn repeat(&mut self) -> Option<(Flow, Bytes, Duration)> {
        let waiting = self.unacknowledged.as_mut()?;
        waiting.interval *= 2;
        Some((waiting.flow, waiting.response.clone(), waiting.interval))
    }

    /// What the PRACK that is missing would say.
    pub(crate) fn missing(&self) -> Option<RAck> {
        self.unacknowledged.as_ref()?;
        Some(RAck {
            response: self.number,
            sequence: self.sequence,
            method: Method::Invite,
        })
    }

    /// Takes a PRACK; whether it is for the response that waits.
    pub(crate) fn acknowledge(&mut self, rack: &RAck) -> bool {
        let matches = self.unacknowledged.is_some()
            && rack.response == self.number
            && rack.sequence == self.sequence
            && rack.method == Method::Invite;
        if matches {
            self.unacknowledged = None;
        }
        matches
    }

    /// Whether a description is not acknowledged, so that a 2xx has to wait.
    pub(crate) fn holds_description(&self) -> bool {
        let sent = self.unacknowledged.as_ref();
        sent.is_some_and(|waiting| waiting.has_description)
            || self.waiting.iter().any(|reply| reply.content.is_some())
    }

    /// Keeps the 2xx until the descriptions before it are acknowledged. Other responses that wait
    /// have nothing to say any more.
    pub(crate) fn delay(&mut self, headers: Headers, content: Option<Content>) {
        self.waiting.retain(|reply| reply.content.is_some());
        self.accept = Some((headers, content));
    }

    /// Whether a 2xx waits.
    pub(crate) fn is_accepting(&self) -> bool {
        self.accept.is_some()
    }

    /// The 2xx, once nothing holds it.
    pub(crate) fn take_accept(&mut self) -> Option<(Headers, Option<Content>)> {
        match self.holds_description() {
            true => None,
            false => self.accept.take(),
        }
    }

    /// A final response was sent: nothing is sent any more, but a PRACK may still be on its way.
    pub(crate) fn end(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        let address = ([192, 0, 2, 1], 5060).into();
        Flow {
            transport: crate::transaction::Transport::Udp,
            local: address,
            remote: address,
        }
    }

    fn rack(response: u32) -> RAck {
        RAck {
            response,
            sequence: 7,
            method: Method::Invite,
        }
    }

    #[test]
    fn one_response_at_a_time_is_sent_and_the_others_wait_for_its_prack() {
        let mut reliable = Reliable::new(100, 7);
        assert!(reliable.push(Reply::new(StatusCode::RINGING)));
        assert!(reliable.push(Reply::new(StatusCode::SESSION_PROGRESS)));
        let (first, _) = reliable.next().unwrap();
        reliable.sent(flow(), Bytes::new(), false, &TimerValues::default());
        assert!(reliable.next().is_none());
        assert!(!reliable.acknowledge(&rack(first + 1)));
        assert!(reliable.acknowledge(&rack(first)));
        assert!(!reliable.acknowledge(&rack(first)), "only once");
        let (second, reply) = reliable.next().unwrap();
        assert_eq!((first, second), (101, 102));
        assert_eq!(reply.status, StatusCode::SESSION_PROGRESS);
    }

    #[test]
    fn the_interval_doubles_without_a_limit() {
        let mut reliable = Reliable::new(1, 7);
        reliable.sent(flow(), Bytes::new(), false, &TimerValues::default());
        let intervals = [(); 5].map(|()| reliable.repeat().unwrap().2.as_millis());
        assert_eq!(intervals, [1000, 2000, 4000, 8000, 16_000]);
    }

    #[test]
    fn a_2xx_waits_for_descriptions_only() {
        let mut reliable = Reliable::new(1, 7);
        reliable.sent(flow(), Bytes::new(), true, &TimerValues::default());
        reliable.push(Reply::new(StatusCode::RINGING));
        assert!(reliable.holds_description());
        reliable.delay(Headers::new(), None);
        assert!(reliable.take_accept().is_none());
        assert!(reliable.acknowledge(&rack(1)));
        assert!(reliable.take_accept().is_some());
        assert!(reliable.next().is_none(), "what came before it is left out");
    }
}
