//! Asking a request that opens something who it comes from, before anything is kept of it
//! (RFC 3261 §22.2).

use std::time::Instant;

use super::{Reply, UserAgent};
use crate::auth::Verdict;
use crate::header::{RetryAfter, To};
use crate::transaction::Flow;
use crate::{Headers, Request, StatusCode, Text};

impl UserAgent {
    /// The user that a request comes from, where it has to say so, or the response that asks.
    ///
    /// A wrong password gets the same 401 as none, with a new nonce and without `stale`, at which
    /// phones ask their user again (RFC 7616 §3.3); a 403 they would take for a lasting refusal. Who
    /// goes on guessing gets no more nonces for a while, but 503.
    pub(super) fn identify(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Request,
    ) -> Result<Option<Text>, Box<Reply>> {
        let source = flow.remote.ip();
        let Some(gate) = &mut self.gate else {
            return Ok(None);
        };
        if !gate.asks(&request.method, source) {
            return Ok(None);
        }
        let verdict = gate.check(now, source, request);
        match &verdict {
            Verdict::From(user) => return Ok(Some(user.clone())),
            Verdict::Unknown => self.counters.challenges += 1,
            Verdict::Wrong => self.counters.auth_failures += 1,
            Verdict::Stale => self.counters.auth_stale += 1,
            Verdict::Barred(wait) => {
                self.counters.auth_failures += 1;
                let mut headers = Headers::new();
                let seconds = wait.as_secs_f64().ceil() as u32;
                headers.push_typed(&RetryAfter::new(seconds));
                let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE);
                return Err(Box::new(reply.with_headers(headers)));
            }
        }
        let stale = verdict == Verdict::Stale;
        let headers = gate.challenge(now, source, stale, &mut self.identity.rng);
        let reply = Reply::new(StatusCode::UNAUTHORIZED);
        Err(Box::new(reply.with_headers(headers)))
    }

    /// Asks without keeping anything, an INVITE too: its ACK is known by the tag.
    pub(super) fn ask(&mut self, flow: Flow, mut request: Request, reply: Reply) {
        let response = self.response(&request, "", reply);
        self.send_stateless(flow, &mut request, response);
    }

    /// Whether an ACK is for an INVITE that was refused without keeping anything of it.
    pub(super) fn is_ack_to_refusal(&self, ack: &Request) -> bool {
        matches!(ack.headers.require::<To>(), Ok(to)
            if to.tag() == Some(&*self.identity.stateless_tag(ack)))
    }
}
