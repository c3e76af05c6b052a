//! How often a peer may ask for something within its call: what goes up is work for the layer above,
//! however few calls there are.

use std::time::{Duration, Instant};

use super::session::SessionId;
use super::subscriptions::Home;
use super::{Reply, UserAgent};
use crate::header::RetryAfter;
use crate::transaction::Flow;
use crate::{Headers, Method, StatusCode};

/// Requests at once.
const BURST: u32 = 50;
/// In the long run there may be one in this time: 20 a second.
const EVERY: Duration = Duration::from_millis(50);
/// REFERs of one dialog whose outcome is still notified of.
const MOST_REFERS: usize = 8;

/// The pace at which requests of one session come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// When all that came has been made up for.
    calm: Option<Instant>,
}

impl Pace {
    /// Counts a request, unless it is one too many.
    fn take(&mut self, now: Instant) -> bool {
        let calm = self.calm.map_or(now, |calm| calm.max(now));
        let fits = calm - now <= EVERY * (BURST - 1);
        if fits {
            self.calm = Some(calm + EVERY);
        }
        fits
    }
}

impl UserAgent {
    /// What a request within a session gets that comes too soon after too many others. Whatever
    /// ends or completes something is never too much.
    pub(super) fn refusal_of_pace(
        &mut self,
        now: Instant,
        id: SessionId,
        method: &Method,
    ) -> Option<StatusCode> {
        if matches!(
            method,
            Method::Bye | Method::Ack | Method::Prack | Method::Cancel | Method::Notify
        ) {
            return None;
        }
        let fits = self.sessions.get_mut(id)?.pace.take(now);
        match method {
            _ if fits => None,
            // To a 503 proxies would look for another way, which a call has not (§14.2).
            Method::Invite => Some(StatusCode::SERVER_INTERNAL_ERROR),
            _ => Some(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    /// The refusal of one more subscription from there, if there are too many.
    pub(super) fn refusal_of_subscription(&mut self, flow: Flow) -> Option<Reply> {
        let (all, limits) = (&self.subscriptions, &self.config);
        let source = flow.remote.ip();
        let full = all.all.len() >= limits.max_subscriptions
            || all.of_source(source) >= limits.max_subscriptions_of_a_source;
        full.then(|| self.too_many())
    }

    /// The refusal of one more REFER, which is a subscription too.
    pub(super) fn refusal_of_refer(&mut self, home: Option<Home>, flow: Flow) -> Option<Reply> {
        let all = &self.subscriptions;
        let refers = home.map_or(0, |home| {
            let of = all.of(home).iter().filter_map(|id| all.all.get(*id));
            of.filter(|one| one.package == "refer").count()
        });
        match refers >= MOST_REFERS {
            true => Some(self.too_many()),
            false => self.refusal_of_subscription(flow),
        }
    }

    fn too_many(&mut self) -> Reply {
        self.counters.overload += 1;
        let mut headers = Headers::new();
        headers.push_typed(&RetryAfter::new(self.config.retry_after));
        Reply::new(StatusCode::SERVICE_UNAVAILABLE).with_headers(headers)
    }
}
