//! A dialog as one of its sides sees it.

use std::time::Duration;

use super::message::Message;
use super::offers::Exchange;
use super::{Law, TOLERANCE, Times};

/// What names a dialog on one side (RFC 3261 §12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DialogId {
    pub call_id: String,
    pub local: String,
    pub remote: String,
}

impl DialogId {
    /// The same dialog as the other side names it.
    pub fn mirrored(&self) -> Self {
        Self {
            call_id: self.call_id.clone(),
            local: self.remote.clone(),
            remote: self.local.clone(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Dialog {
    /// Whether this side sent the INVITE that made it.
    pub is_caller: bool,
    /// The number of our last request.
    pub sequence: Option<u32>,
    /// When the 2xx went by first.
    pub accepted: Option<Duration>,
    /// The caller has the 2xx, or the callee the ACK.
    pub confirmed: bool,
    pub bye_sent: Option<Duration>,
    pub byes: Vec<String>,
    pub bye_received: Option<Duration>,
    pub exchange: Exchange,
    /// When the session runs out.
    expires: Option<Duration>,
}

impl Dialog {
    pub fn new(is_caller: bool, sequence: Option<u32>) -> Self {
        Self {
            is_caller,
            sequence,
            accepted: None,
            confirmed: false,
            bye_sent: None,
            byes: Vec::new(),
            bye_received: None,
            exchange: Exchange::default(),
            expires: None,
        }
    }

    /// Whether it is over, as far as this side knows.
    pub fn is_over(&self) -> bool {
        self.bye_sent.is_some() || self.bye_received.is_some()
    }

    pub fn is_up(&self) -> bool {
        self.confirmed && !self.is_over()
    }

    /// A new request of ours in this dialog; what is wrong with it.
    pub fn sent(
        &mut self,
        at: Duration,
        request: &Message,
        times: &Times,
    ) -> Option<(Law, String)> {
        let name = request.name();
        let expected = self.sequence.map(|last| last + 1);
        self.sequence = Some(request.cseq);
        if expected.is_some_and(|expected| expected != request.cseq) {
            let expected = expected.unwrap_or_default();
            return Some((
                Law::CSeq,
                format!("{name} should have the number {expected}"),
            ));
        }
        let belongs_to_session = !matches!(request.method.as_str(), "NOTIFY" | "SUBSCRIBE");
        if belongs_to_session && self.is_over() {
            return Some((Law::Dialog, format!("{name} after BYE")));
        }
        if request.method == "BYE" {
            self.bye_sent = Some(at);
            self.byes.push(request.branch.clone());
            let waited = self.accepted.map(|at| at + times.give_up());
            let may = self.is_caller
                || self.confirmed
                || waited.is_some_and(|waited| at + TOLERANCE >= waited);
            if !may {
                return Some((Law::Dialog, format!("{name} before the ACK came")));
            }
        }
        None
    }

    /// A 2xx to INVITE or UPDATE sets the session's timer anew, or ends it.
    pub fn refreshed(&mut self, at: Duration, response: &Message) -> Option<(Law, String)> {
        let late = self.is_expired(at);
        self.expires = response
            .session_expires()
            .map(|(seconds, _)| at + Duration::from_secs(seconds));
        late
    }

    /// Whether it should have ended by now because nobody refreshed it.
    pub fn is_expired(&self, at: Duration) -> Option<(Law, String)> {
        let expires = self.expires.filter(|_| !self.is_over())?;
        (at > expires + TOLERANCE).then(|| {
            let expires = expires.as_secs_f64();
            (
                Law::SessionTimer,
                format!("the session ran out at {expires} s"),
            )
        })
    }
}
