//! The laws of what a side answers: server transactions as one sees them from outside.

use std::time::Duration;

use bytes::Bytes;

use super::dialog::DialogId;
use super::message::Message;
use super::{Law, TOLERANCE, Times, same_time};

/// A request that arrived at this side, and its responses.
#[derive(Debug)]
pub(super) struct Server {
    pub request: Message,
    pub first: Duration,
    /// When a copy of it came last.
    copied: Duration,
    /// The last provisional response.
    pub provisional: Option<Bytes>,
    pub answer: Option<Message>,
    answered: Duration,
    pub acknowledged: bool,
    /// When the final response to INVITE is due again, and the interval after that.
    due: Duration,
    interval: Duration,
    /// The session is over, so that its 2xx need not come again.
    pub over: Option<Duration>,
    to_tag: Option<String>,
    /// A PRACK that acknowledges something.
    pub must_accept: bool,
}

impl Server {
    pub fn new(at: Duration, request: Message) -> Self {
        Self {
            to_tag: (!request.to_tag.is_empty()).then(|| request.to_tag.clone()),
            request,
            first: at,
            copied: at,
            provisional: None,
            answer: None,
            answered: Duration::ZERO,
            acknowledged: false,
            due: Duration::ZERO,
            interval: Duration::ZERO,
            over: None,
            must_accept: false,
        }
    }

    fn is_invite(&self) -> bool {
        self.request.method == "INVITE"
    }

    pub fn is_accepted(&self) -> bool {
        matches!(
            self.answer,
            Some(Message {
                status: Some(200..300),
                ..
            })
        )
    }

    /// A copy came: whether its response must be sent again at once.
    pub fn copied(&mut self, at: Duration, times: &Times) -> bool {
        self.copied = at;
        match (&self.answer, self.is_invite()) {
            (None, _) => self.is_invite() && self.provisional.is_some(),
            // The 2xx comes again by itself (RFC 6026), a failure until its ACK.
            (Some(_), true) => {
                !self.is_accepted() && !self.acknowledged && at < self.answered + times.give_up()
            }
            (Some(_), false) => at < self.answered + times.give_up(),
        }
    }

    /// The ACK came: what should have been sent before it and wasn't.
    pub fn acknowledge(&mut self, at: Duration, times: &Times) -> Option<String> {
        let missing = self.missing(at, times);
        self.acknowledged = true;
        missing
    }

    /// A response is sent; what is wrong with it.
    pub fn sent(
        &mut self,
        at: Duration,
        response: &Message,
        times: &Times,
    ) -> Option<(Law, String)> {
        let name = response.name();
        let request = &self.request;
        let echoes = response.vias() == request.vias()
            && response.from_tag == request.from_tag
            && response.header("from") == request.header("from")
            && response.call_id == request.call_id
            && response.cseq == request.cseq;
        if !echoes {
            return Some((Law::Echo, format!("{name} doesn't repeat what it has to")));
        }
        let status = response.status.unwrap_or_default();
        if status != 100 || !response.to_tag.is_empty() {
            match &self.to_tag {
                _ if response.to_tag.is_empty() => {
                    return Some((Law::ToTag, format!("{name} has no To tag")));
                }
                Some(tag) if *tag != response.to_tag => {
                    let tags = format!("{tag}, then {}", response.to_tag);
                    return Some((Law::ToTag, format!("{name} changes its To tag: {tags}")));
                }
                _ => self.to_tag = Some(response.to_tag.clone()),
            }
        }
        if status < 200 {
            return self.sent_provisional(at, response, times);
        }
        match &self.answer {
            None => {
                if !self.is_invite() && status == 408 {
                    return Some((Law::Provisional, format!("{name} is of no use")));
                }
                self.answer = Some(response.clone());
                self.answered = at;
                self.interval = times.t1;
                self.due = at + times.t1;
                None
            }
            // Each copy may be asked anew, with a nonce of its own.
            Some(_) if self.is_challenge() && self.answer_status() == response.status => None,
            Some(answer) if answer.bytes != response.bytes => {
                let first = answer.name();
                Some((
                    Law::OneFinal,
                    format!("{name} after {first}, or in other words"),
                ))
            }
            Some(_) => self.repeated(at, times).map(|w| (Law::ResponseRepeats, w)),
        }
    }

    fn sent_provisional(
        &mut self,
        at: Duration,
        response: &Message,
        times: &Times,
    ) -> Option<(Law, String)> {
        let name = response.name();
        if self.answer.is_some() {
            return Some((Law::OneFinal, format!("{name} after the final response")));
        }
        if !self.is_invite() {
            let (mut earliest, mut interval) = (self.first, times.t1);
            while interval < times.t2 {
                earliest += interval;
                interval *= 2;
            }
            if response.status != Some(100) || at + TOLERANCE < earliest {
                return Some((Law::Provisional, format!("{name} should not be")));
            }
        }
        self.provisional = Some(response.bytes.clone());
        None
    }

    fn repeated(&mut self, at: Duration, times: &Times) -> Option<String> {
        let name = self.answer.as_ref().map(Message::name)?;
        let is_scheduled = self.is_invite() && same_time(at, self.due);
        if is_scheduled && !self.acknowledged {
            if at >= self.answered + times.give_up() + TOLERANCE {
                return Some(format!("{name} is repeated after 64·T1"));
            }
            self.interval = (self.interval * 2).min(times.t2);
            self.due = at + self.interval;
            return None;
        }
        if self.copied == at && !self.is_accepted_invite() && !self.acknowledged {
            return None;
        }
        let due = self.due.as_secs_f64();
        Some(match (self.acknowledged, self.is_invite()) {
            (true, _) => format!("{name} is repeated after its ACK"),
            (_, true) => format!("{name} is repeated unasked, due at {due} s"),
            (_, false) => format!("{name} is repeated unasked"),
        })
    }

    /// Timer J is over: a copy that still comes is a new request.
    pub fn is_forgotten(&self, at: Duration, times: &Times) -> bool {
        !self.is_invite() && self.answer.is_some() && at >= self.answered + times.give_up()
    }

    /// Whether it had any response.
    pub fn is_answered(&self) -> bool {
        self.provisional.is_some() || self.answer.is_some()
    }

    /// Whether it or a copy of it came in this instant.
    pub fn is_copied(&self, at: Duration) -> bool {
        self.copied == at
    }

    /// Whether it belongs to this dialog, or made it.
    pub fn is_in(&self, id: &DialogId) -> bool {
        let (request, tag) = (&self.request, self.to_tag.as_ref());
        request.call_id == id.call_id
            && request.from_tag == id.remote
            && tag.is_some_and(|tag| *tag == id.local)
    }

    /// Whether it was asked for credentials, which should take no state: neither are such
    /// responses repeated by themselves then (RFC 3261 §8.2.7, §26.3.2.4).
    fn is_challenge(&self) -> bool {
        matches!(self.answer_status(), Some(401 | 407))
    }

    fn answer_status(&self) -> Option<u16> {
        self.answer.as_ref()?.status
    }

    fn is_accepted_invite(&self) -> bool {
        self.is_invite() && self.is_accepted()
    }

    /// The final response that should have been repeated by now and wasn't.
    pub fn missing(&self, at: Duration, times: &Times) -> Option<String> {
        let answer = self.answer.as_ref()?;
        if !self.is_invite() || self.acknowledged || self.is_challenge() || !self.request.over_udp {
            return None;
        }
        let end = match self.over {
            Some(over) if self.is_accepted() => over.min(at),
            _ => at,
        };
        let is_due =
            self.due + TOLERANCE < end && self.due + TOLERANCE < self.answered + times.give_up();
        let (name, due) = (answer.name(), self.due.as_secs_f64());
        is_due.then(|| format!("{name} is not repeated at {due} s"))
    }
}
