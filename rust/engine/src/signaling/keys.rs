//! Keys of ours by INFO: one after the other, as a hand presses them.
//!
//! A peer may take requests in any order over UDP, and some refuse a second INFO while the first
//! is open. So the next key waits for the answer to the one before, and for as long as that is
//! held down and a pause.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

use sems_sip::{
    Headers, Method,
    dtmf::Key,
    user_agent::{Content, SessionId},
};

use super::{Signaling, requests::Asker};
use crate::{
    call::Call,
    error::EngineError,
    ids::{CallId, RequestId},
};

/// How long a key is held down, and how long none is before the next, as in RTP.
const PRESS: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(100);

/// The keys that wait for their turn.
#[derive(Default)]
pub(super) struct Keys {
    calls: HashMap<CallId, Queue>,
    /// When the next is pressed, in calls where the last was answered.
    due: BTreeSet<(Instant, CallId)>,
}

struct Queue {
    /// What is to be pressed. The first command is under way.
    commands: VecDeque<Pressing>,
    /// When the key that was sent last, and the pause after it, are over.
    free_at: Instant,
}

struct Pressing {
    request: RequestId,
    /// Those that are not sent yet.
    digits: VecDeque<char>,
}

impl Keys {
    /// When the next key is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// A call is over: the commands that were not done.
    pub(super) fn end(&mut self, call: CallId) -> Vec<RequestId> {
        let Some(queue) = self.calls.remove(&call) else {
            return Vec::new();
        };
        self.due.remove(&(queue.free_at, call));
        let commands = queue.commands.into_iter();
        commands.map(|pressing| pressing.request).collect()
    }
}

impl Signaling {
    /// Presses these keys after those that wait already.
    pub(super) fn press_keys(
        &mut self,
        now: Instant,
        call: &Call,
        digits: &str,
        request: RequestId,
    ) {
        if digits.is_empty() {
            return self.done(request, Ok(()));
        }
        let is_idle = !self.keys.calls.contains_key(&call.id);
        let queue = self.keys.calls.entry(call.id).or_insert_with(|| Queue {
            commands: VecDeque::new(),
            free_at: now,
        });
        let digits = digits.chars().collect();
        queue.commands.push_back(Pressing { request, digits });
        if is_idle {
            self.press_next(now, call.id, call.session);
        }
    }

    /// Presses the keys that are due.
    pub(super) fn press_due(&mut self, now: Instant) {
        while let Some((due, call)) = self.keys.due.first().copied()
            && due <= now
        {
            self.keys.due.remove(&(due, call));
            if let Some(session) = self.calls.get(&call).map(|call| call.session) {
                self.press_next(now, call, session);
            }
        }
    }

    fn press_next(&mut self, now: Instant, call: CallId, session: SessionId) {
        while let Some(queue) = self.keys.calls.get_mut(&call) {
            let Some(pressing) = queue.commands.front_mut() else {
                // Whoever wants one now has waited long enough.
                self.keys.calls.remove(&call);
                return;
            };
            let Some(signal) = pressing.digits.pop_front() else {
                queue.commands.pop_front();
                continue;
            };
            let key = Key {
                signal,
                duration: PRESS,
            };
            let content = Content {
                kind: Key::RELAY.into(),
                body: key.to_relay().into(),
            };
            let none = Headers::new();
            let sent = self
                .agent
                .request_in(now, session, Method::Info, none, Some(content));
            match sent {
                Ok(sent) => {
                    queue.free_at = now + PRESS + PAUSE;
                    self.requests.expect(sent, Asker::Key(call));
                    return;
                }
                Err(error) => {
                    let request = pressing.request;
                    queue.commands.pop_front();
                    self.done(request, Err(error.into()));
                }
            }
        }
    }

    /// The peer has taken a key, or not, which ends the command that it belongs to.
    pub(super) fn on_key_answered(&mut self, call: CallId, result: Result<(), EngineError>) {
        let Some(queue) = self.keys.calls.get_mut(&call) else {
            return;
        };
        self.keys.due.insert((queue.free_at, call));
        if let Some(pressing) = queue.commands.front()
            && (result.is_err() || pressing.digits.is_empty())
        {
            let request = pressing.request;
            queue.commands.pop_front();
            self.done(request, result);
        }
    }
}
