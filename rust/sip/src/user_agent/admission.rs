//! Whether what is new comes in at all: asked before anything is kept of it.

use std::fmt;
use std::time::Instant;

use super::UserAgent;
use crate::transaction::Flow;
use crate::{Method, Request};

/// Decides whether requests that begin something are taken now.
///
/// It is asked of each request outside dialogs that would leave something behind, before it does:
/// INVITE, and those of [`UserAgentConfig::methods`](super::UserAgentConfig::methods). Repetitions,
/// CANCEL, and what belongs to a dialog or takes the place of one of ours (RFC 3891) pass without
/// being asked for, so that whatever goes on can go on and end. Who is not admitted gets 503 with Retry-After, and nothing is kept of it
/// (RFC 3261 §8.2.7, §21.5.4).
pub trait Admission: fmt::Debug + Send {
    /// `Err`: not now, but in so many seconds perhaps.
    fn admit(&mut self, now: Instant, flow: Flow, method: &Method) -> Result<(), u32>;
}

impl UserAgent {
    /// Has `admission` asked from now on. Without one everything is admitted.
    pub fn set_admission(&mut self, admission: Box<dyn Admission>) {
        self.admission = Some(admission);
    }

    pub(super) fn admit(&mut self, now: Instant, flow: Flow, request: &Request) -> Result<(), u32> {
        if request.method == Method::Invite && self.replaced_by(request).is_some() {
            return Ok(());
        }
        match &mut self.admission {
            Some(admission) => admission.admit(now, flow, &request.method),
            None => Ok(()),
        }
    }
}
