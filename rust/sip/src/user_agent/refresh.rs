//! Session timers (RFC 4028): a call whose peer is gone doesn't last for ever.

use std::time::{Duration, Instant};

use super::session::{Phase, SessionId, SessionTimer};
use super::{Cause, Event, Reply, UserAgent};
use crate::header::{HeaderName, MinSe, Refresher, SessionExpires, lists};
use crate::transaction::{ClientTransactionId, Flow};
use crate::{Headers, Method, Request, Response, StatusCode};

/// The option tag of session timers.
const TIMER: &str = "timer";
/// The least that any interval may be (§4), in seconds.
const LEAST: u32 = 90;
/// What is shorter than all may ask for is done all the same, down to this: a peer shall not have us
/// do nothing but refresh.
const SHORTEST: u32 = 10;
/// The deadlines of a session timer lie far ahead, and most calls end before: so often one that
/// waits is looked at, so that what is waited for in vain doesn't pile up.
const LOOK: Duration = Duration::from_secs(60);
/// How long before the end of the interval a session that was not refreshed is ended, at most
/// (§10).
const MARGIN: Duration = Duration::from_secs(32);
/// A refresh that could not be sent is tried again after so long.
const RETRY: Duration = Duration::from_secs(5);

/// How a session is kept alive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refresh {
    /// The interval.
    seconds: u32,
    /// What the smallest has turned out to be that all on the way put up with.
    least: u32,
    /// We refresh, and not the peer.
    ours: bool,
    /// When we refresh it.
    refresh_at: Instant,
    /// When it ends.
    end_at: Instant,
    /// When the queue of deadlines has us look next.
    look_at: Instant,
}

impl Refresh {
    fn new(now: Instant, seconds: u32, least: u32, ours: bool) -> Self {
        let interval = Duration::from_secs(seconds.into());
        Self {
            seconds,
            least,
            ours,
            refresh_at: now + interval / 2,
            end_at: now + interval - MARGIN.min(interval / 3),
            look_at: now,
        }
    }

    fn next(&self) -> Instant {
        match self.ours {
            true => self.refresh_at.min(self.end_at),
            false => self.end_at,
        }
    }
}

/// What a request of the peer's asks for.
pub(super) struct Asked {
    /// The peer knows session timers.
    supports: bool,
    seconds: Option<u32>,
    refresher: Option<Refresher>,
    /// Min-SE, or 0.
    least: u32,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let headers = &request.headers;
        let expires = match headers.get_typed::<SessionExpires>() {
            Some(Ok(expires)) => Some(expires),
            _ => None,
        };
        Self {
            supports: lists(headers, &HeaderName::Supported, TIMER),
            seconds: expires.as_ref().map(|expires| expires.seconds),
            refresher: expires.and_then(|expires| expires.refresher()),
            least: match headers.get_typed::<MinSe>() {
                Some(Ok(MinSe(least))) => least,
                _ => 0,
            },
        }
    }
}

impl UserAgent {
    // What we ask for

    /// Asks for session timers in an INVITE that opens a session.
    pub(super) fn ask_for_interval(&self, headers: &mut Headers) {
        let (seconds, least) = (self.config.session_expires, self.least_interval());
        if seconds == 0 {
            return;
        }
        headers.push_typed(&SessionExpires::new(seconds.max(least), None));
        if least > LEAST {
            headers.push_typed(&MinSe(least));
        }
    }

    /// Says in a re-INVITE or UPDATE of ours how the session is kept alive, so that it stays so
    /// (§7.4).
    pub(super) fn keep_interval(&self, id: SessionId, headers: &mut Headers) {
        let Some(refresh) = self.sessions.get(id).and_then(|s| s.refresh.as_deref()) else {
            return;
        };
        let refresher = match refresh.ours {
            true => Refresher::Uac,
            false => Refresher::Uas,
        };
        headers.push_typed(&SessionExpires::new(refresh.seconds, Some(refresher)));
        if refresh.least > LEAST {
            headers.push_typed(&MinSe(refresh.least));
        }
    }

    /// Takes what a 2xx to an INVITE or UPDATE of ours says (§7.2): without Session-Expires the
    /// peer doesn't refresh the session, so we do, or we would not learn that it is gone.
    pub(super) fn refreshed_by_response(
        &mut self,
        now: Instant,
        id: SessionId,
        response: &Response,
    ) {
        let agreed = match response.headers.get_typed::<SessionExpires>() {
            Some(Ok(expires)) => {
                Some((expires.seconds, expires.refresher() != Some(Refresher::Uas)))
            }
            _ => self.own_interval(id).map(|seconds| (seconds, true)),
        };
        self.set_interval(now, id, agreed);
    }

    /// At which interval we keep an established session alive where the peer doesn't care.
    fn own_interval(&self, id: SessionId) -> Option<u32> {
        let session = self.sessions.get(id)?;
        if !matches!(session.phase, Phase::Established(_)) {
            return None;
        }
        let seconds = match (&session.refresh, self.config.session_expires) {
            (Some(refresh), _) => refresh.seconds,
            (None, 0) => return None,
            (None, seconds) => seconds.max(self.least_interval()),
        };
        Some(seconds)
    }

    /// Takes the Min-SE of a 422; whether it asks for more than we had asked for (§7.3).
    pub(super) fn raise_interval(&mut self, id: SessionId, response: &Response) -> bool {
        let Some(Ok(MinSe(least))) = response.headers.get_typed() else {
            return false;
        };
        let session = self.sessions.get_mut(id);
        match session.and_then(|session| session.refresh.as_mut()) {
            Some(refresh) if refresh.seconds < least => {
                refresh.seconds = least;
                refresh.least = least;
                true
            }
            _ => false,
        }
    }

    /// Sends our first INVITE again with the interval that a 422 asks for (§7.3); whether it did.
    pub(super) fn retry_with_interval(
        &mut self,
        now: Instant,
        id: SessionId,
        invite: &Request,
        flow: Flow,
        response: &Response,
    ) -> bool {
        let Some(Ok(MinSe(least))) = response.headers.get_typed() else {
            return false;
        };
        let asked = match invite.headers.get_typed::<SessionExpires>() {
            Some(Ok(asked)) => asked.seconds,
            _ => return false,
        };
        // Each time it has to rise, or this would not end.
        asked < least
            && self.invite_again(now, id, invite, flow, |headers| {
                headers.set_typed(&SessionExpires::new(least, None));
                headers.set_typed(&MinSe(least));
            })
    }

    // What we answer

    /// The refusal of an interval that is too short (§9).
    pub(super) fn refusal_of_interval(&self, request: &Request) -> Option<Reply> {
        let headers = &request.headers;
        let asked = match headers.get_typed::<SessionExpires>() {
            Some(Ok(asked)) => asked.seconds,
            _ => return None,
        };
        let least = self.least_interval();
        if asked >= least || !lists(headers, &HeaderName::Supported, TIMER) {
            return None;
        }
        let mut headers = Headers::new();
        headers.push_typed(&MinSe(least));
        Some(Reply::new(StatusCode::SESSION_INTERVAL_TOO_SMALL).with_headers(headers))
    }

    /// Decides in the 2xx to an INVITE or UPDATE of the peer's how the session is kept alive (§9).
    /// An UPDATE before the session is answered decides nothing.
    pub(super) fn answer_interval(
        &mut self,
        now: Instant,
        id: SessionId,
        asked: &Asked,
        headers: &mut Headers,
    ) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        if !matches!(session.phase, Phase::Established(_)) {
            return;
        }
        let ours = match &session.refresh {
            Some(refresh) => refresh.seconds,
            None => self.config.session_expires,
        };
        let least = asked.least.max(self.least_interval());
        let seconds = match asked.seconds {
            Some(seconds) if ours == 0 => seconds,
            Some(seconds) => seconds.min(ours.max(least)),
            // Table 2: a peer that doesn't know of timers is refreshed by us all the same.
            None => ours,
        };
        if seconds == 0 {
            return self.set_interval(now, id, None);
        }
        let seconds = seconds.max(least);
        let refresher = match asked.refresher {
            Some(refresher) if asked.supports => refresher,
            // Whoever refreshes learns first that the other is gone.
            _ => Refresher::Uas,
        };
        headers.push_typed(&SessionExpires::new(seconds, Some(refresher)));
        if asked.supports {
            headers.push(HeaderName::Require, TIMER);
        }
        self.set_interval(now, id, Some((seconds, refresher == Refresher::Uas)));
    }

    fn least_interval(&self) -> u32 {
        self.config.min_se.max(LEAST)
    }

    // Time

    fn set_interval(&mut self, now: Instant, id: SessionId, agreed: Option<(u32, bool)>) {
        let least = self.least_interval();
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some((seconds, ours)) = agreed.filter(|(seconds, _)| *seconds > 0) else {
            session.refresh = None;
            return session.running.stop(SessionTimer::Refresh);
        };
        let least = session
            .refresh
            .as_ref()
            .map_or(least, |before| before.least);
        let refresh = Refresh::new(now, seconds.max(SHORTEST), least, ours);
        match &mut session.refresh {
            Some(before) => {
                let look_at = before.look_at;
                **before = refresh;
                before.look_at = look_at;
                if look_at <= before.next() {
                    // The look that is due before will find what is new.
                    return;
                }
            }
            None => session.refresh = Some(Box::new(refresh)),
        }
        self.look_later(now, id);
    }

    /// Has the session's timer looked at when it is due, or earlier.
    fn look_later(&mut self, now: Instant, id: SessionId) {
        let Some(refresh) = self.sessions.get_mut(id).and_then(|s| s.refresh.as_mut()) else {
            return;
        };
        let at = refresh.next().min(now + LOOK);
        refresh.look_at = at;
        self.start_timer(id, SessionTimer::Refresh, at);
    }

    pub(super) fn look_at_refresh(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(refresh) = &mut session.refresh else {
            return;
        };
        if session.told || !matches!(session.phase, Phase::Established(_)) {
            return;
        }
        if now >= refresh.end_at {
            session.refresh = None;
            self.terminate(id, Cause::Expired);
            let mut headers = Headers::new();
            headers.push(HeaderName::Reason, "SIP;cause=408;text=\"Session Expired\"");
            return self.leave(now, id, headers);
        }
        if refresh.ours && now >= refresh.refresh_at {
            // Until the answer starts the interval anew it is tried again, ever more often.
            refresh.refresh_at = now + ((refresh.end_at - now) / 2).max(RETRY);
            self.refresh(now, id);
        }
        self.look_later(now, id);
    }

    fn refresh(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let confirmed = session.established().is_some_and(|e| e.confirmed);
        if !confirmed || session.updating.is_some() {
            return;
        }
        match session.dialogs.last() {
            Some(dialog) if dialog.allows_update() => {
                self.send_update(now, id, &Headers::new(), None);
            }
            // Whatever is under way refreshes the session as well.
            _ if session.is_busy() => {}
            _ => self.event(Event::RefreshDue { session: id }),
        }
    }

    /// The UPDATE that was to refresh the session was refused for a reason other than that there
    /// is no such session; it goes on until it expires (§10).
    pub(super) fn refresh_failed(&mut self, now: Instant, id: SessionId, at_once: bool) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let Some(refresh) = &mut session.refresh else {
            return;
        };
        refresh.refresh_at = match at_once {
            true => now,
            false => now + RETRY,
        };
        self.look_later(now, id);
    }

    /// Sends our first INVITE once more, changed, as a new transaction (RFC 3261 §8.1.3.5);
    /// whether it did.
    pub(super) fn invite_again(
        &mut self,
        now: Instant,
        id: SessionId,
        invite: &Request,
        flow: Flow,
        change: impl FnOnce(&mut Headers),
    ) -> bool {
        let via = self.via(flow);
        let Ok(mut cseq) = invite.headers.require::<crate::header::CSeq>() else {
            return false;
        };
        cseq.sequence += 1;
        let mut request = invite.clone();
        request.headers.replace_first(&via);
        request.headers.set_typed(&cseq);
        change(&mut request.headers);
        self.sign(id, &mut request);
        debug_assert_eq!(request.method, Method::Invite);
        let owner = super::session::Owner::Invite(id);
        let started: Option<ClientTransactionId> =
            self.transactions.start_client(now, request, flow, owner);
        let Some(session) = self.sessions.get_mut(id) else {
            return false;
        };
        // The branches of before have ended with the refusal.
        session.dialogs.clear();
        match (started, &mut session.phase) {
            (Some(started), Phase::Calling { transaction, .. }) => {
                *transaction = started;
                true
            }
            _ => false,
        }
    }
}
