//! Whether what is new comes in at all: asked before anything is kept of it.

use std::fmt;
use std::time::Instant;

use super::UserAgent;
use crate::transaction::Flow;
use crate::{Method, Request, Token};

/// Decides whether requests that begin something are taken now.
///
/// It is asked of each request outside dialogs that would leave something behind, before it does:
/// INVITE, and those of [`UserAgentConfig::methods`](super::UserAgentConfig::methods). Repetitions,
/// CANCEL, and what belongs to a dialog or takes the place of one of ours (RFC 3891) pass without
/// being asked for, so that whatever goes on can go on and end. Who is not admitted gets 503 with
/// Retry-After, and nothing is kept of it (RFC 3261 §8.2.7, §21.5.4).
pub trait Admission: fmt::Debug + Send {
    /// `Err`: not now, but in so many seconds perhaps.
    fn admit(&mut self, now: Instant, flow: Flow, method: &Method) -> Result<(), u32>;

    /// Whether an INVITE from there would be admitted now, which uses nothing up: what OPTIONS
    /// outside dialogs are answered by (RFC 3261 §11.2).
    fn would_admit(&mut self, now: Instant, flow: Flow) -> Result<(), u32>;
}

impl UserAgent {
    /// The layer above takes these methods and packages of INFO from now on, in place of those of
    /// [`UserAgentConfig::methods`](super::UserAgentConfig::methods) and
    /// [`UserAgentConfig::info_packages`](super::UserAgentConfig::info_packages).
    pub fn set_taken(&mut self, methods: Vec<Method>, info_packages: Vec<Token>) {
        self.config.methods = methods;
        self.config.info_packages = info_packages;
        self.allow = self.config.allow();
    }

    /// Has `admission` asked from now on. Without one everything is admitted.
    pub fn set_admission(&mut self, admission: Box<dyn Admission>) {
        self.admission = Some(admission);
    }

    pub(super) fn admit(&mut self, now: Instant, flow: Flow, request: &Request) -> Result<(), u32> {
        if request.method == Method::Invite
            && let Some(replaced) = self.replaced_by(request)
        {
            // It is one more request of the call whose place it takes.
            let pace = self.refusal_of_pace(now, replaced, &Method::Invite);
            return pace.map_or(Ok(()), |_| Err(1));
        }
        match &mut self.admission {
            Some(admission) => admission.admit(now, flow, &request.method),
            None => Ok(()),
        }
    }

    /// OPTIONS get what an INVITE would get (§11.2), so that a proxy which probes us by them sends
    /// its calls elsewhere while ours would be refused.
    pub(super) fn would_admit(&mut self, now: Instant, flow: Flow) -> Result<(), u32> {
        let census = self.census();
        if census.server_transactions >= self.config.max_transactions
            || census.sessions >= self.config.max_sessions
        {
            return Err(self.config.retry_after);
        }
        match &mut self.admission {
            Some(admission) => admission.would_admit(now, flow),
            None => Ok(()),
        }
    }
}
