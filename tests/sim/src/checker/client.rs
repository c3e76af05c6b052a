//! The laws of what a side asks: client transactions as one sees them from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::dialog::DialogId;
use super::message::Message;
use super::{TOLERANCE, Times, same_time};

/// A request that this side sent, and what came of it.
#[derive(Debug)]
pub(super) struct Client {
    pub request: Message,
    pub first: Duration,
    /// When it is due again, and the interval after that.
    due: Duration,
    interval: Duration,
    /// When the first provisional response came.
    pub heard: Option<Duration>,
    /// The first final response: when it came, and what it was.
    pub answered: Option<(Duration, u16)>,
    pub cancelled: Option<Duration>,
    /// The ACK to the 2xx of each branch of a fork.
    pub acks: BTreeMap<String, Bytes>,
    /// The 2xx of each branch of a fork.
    pub accepted: BTreeMap<String, Bytes>,
    /// The failure that ended it.
    pub failure: Option<Message>,
    /// The last provisional response of each branch.
    progress: BTreeMap<String, Bytes>,
    /// The dialog it belongs to is over, and nobody cares any more.
    pub abandoned: Option<Duration>,
}

impl Client {
    pub fn new(at: Duration, request: Message, times: &Times) -> Self {
        Self {
            request,
            first: at,
            due: at + times.t1,
            interval: times.t1,
            heard: None,
            answered: None,
            cancelled: None,
            acks: BTreeMap::new(),
            accepted: BTreeMap::new(),
            failure: None,
            progress: BTreeMap::new(),
            abandoned: None,
        }
    }

    fn is_invite(&self) -> bool {
        self.request.method == "INVITE"
    }

    /// Whether it must not be repeated any more.
    fn is_quiet(&self) -> bool {
        !self.request.over_udp
            || self.answered.is_some()
            || (self.is_invite() && self.heard.is_some())
    }

    /// It is sent again; what is wrong with that.
    pub fn repeated(&mut self, at: Duration, message: &Message, times: &Times) -> Option<String> {
        let name = self.request.name();
        if message.bytes != self.request.bytes {
            return Some(format!("{name} is repeated in other words"));
        }
        if self.is_quiet() {
            return Some(format!("{name} is repeated after its response"));
        }
        if at + TOLERANCE >= self.first + times.give_up() {
            return Some(format!("{name} is repeated after 64·T1"));
        }
        if !same_time(at, self.due) {
            let (due, at_once) = (self.due.as_secs_f64(), at + self.interval);
            self.due = at_once;
            let at = at.as_secs_f64();
            return Some(format!("{name} is repeated at {at} s, due at {due} s"));
        }
        self.interval = match (self.is_invite(), self.heard.is_some()) {
            (true, _) => self.interval * 2,
            (false, true) => times.t2,
            (false, false) => (self.interval * 2).min(times.t2),
        };
        self.due = at + self.interval;
        None
    }

    /// What should have been repeated by now and wasn't.
    pub fn missing(&self, at: Duration, times: &Times) -> Option<String> {
        let end = self.abandoned.map_or(at, |abandoned| abandoned.min(at));
        let is_due = self.due + TOLERANCE < end && self.due + TOLERANCE < self.gives_up(times);
        let (name, due) = (self.request.name(), self.due.as_secs_f64());
        (is_due && !self.is_quiet()).then(|| format!("{name} is not repeated at {due} s"))
    }

    /// A response came: whether it is the first like that.
    pub fn received(&mut self, at: Duration, response: &Message) -> bool {
        let (tag, bytes) = (response.to_tag.clone(), response.bytes.clone());
        match response.status.unwrap_or_default() {
            ..200 => {
                if self.answered.is_none() {
                    self.heard.get_or_insert(at);
                }
                let last = self.progress.insert(tag, bytes.clone());
                self.answered.is_none() && last != Some(bytes)
            }
            status @ 200..300 => {
                self.answered.get_or_insert((at, status));
                self.accepted.insert(tag, bytes).is_none()
            }
            status => {
                let is_first = self.answered.is_none();
                self.answered.get_or_insert((at, status));
                if is_first {
                    self.failure = Some(response.clone());
                }
                is_first
            }
        }
    }

    /// Whether a response with this To tag came.
    pub fn knows(&self, tag: &str) -> bool {
        self.accepted.contains_key(tag) || self.progress.contains_key(tag)
    }

    /// Whether this is the same request, sent to the next server because nothing but perhaps a 503
    /// came from this one.
    pub fn is_given_up_for(&self, again: &Message) -> bool {
        let request = &self.request;
        self.abandoned.is_none()
            && request.call_id == again.call_id
            && request.from_tag == again.from_tag
            && request.cseq == again.cseq
            && request.method == again.method
            && request.body == again.body
            && self.heard.is_none()
            && matches!(self.answered, None | Some((_, 503)))
    }

    /// Whether it belongs to this dialog.
    pub fn is_in(&self, id: &DialogId) -> bool {
        let request = &self.request;
        request.call_id == id.call_id
            && request.from_tag == id.local
            && request.to_tag == id.remote
            && request.method != "BYE"
    }

    fn gives_up(&self, times: &Times) -> Duration {
        self.first + times.give_up()
    }

    /// Whether it still exists as the RFC has it, so that a response must find it.
    pub fn lives(&self, at: Duration, times: &Times) -> bool {
        match self.answered {
            // Timer M, or Timer D, which is at least 32 s.
            Some((answered, 200..300)) => at < answered + times.give_up(),
            Some((answered, _)) => at < answered + times.give_up().max(Duration::from_secs(32)),
            None => {
                // Nobody waits for it longer than that (§9.1), also where BYE stands for CANCEL.
                let abandoned = self.abandoned.zip(self.heard);
                let abandoned = abandoned.map(|(abandoned, heard)| abandoned.max(heard));
                let unwanted = self.cancelled.into_iter().chain(abandoned);
                let unwanted = unwanted.map(|at| at + times.give_up());
                let gives_up = self.heard.is_none().then(|| self.gives_up(times));
                let end = unwanted.chain(gives_up).min();
                end.is_none_or(|end| at < end)
            }
        }
    }
}
