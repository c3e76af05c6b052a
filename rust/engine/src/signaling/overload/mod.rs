//! When new calls are refused, so that those that exist keep their quality (RFC 3261 §21.5.4).
//!
//! A state machine that is told what happens and asked by the user agent
//! ([`sems_sip::user_agent::Admission`]) before anything is kept of a request. Limits that are
//! configured, a Python that does not keep up, and media workers without time left each close the
//! door for a reason of their own, and it opens again by itself. Neither Python nor a lock of
//! somebody else's is waited for.

mod bucket;
mod ports;
mod pressure;
mod sources;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use sems_sip::{Flow, Method, user_agent::Admission};

use crate::config::EngineConfig;
use bucket::TokenBucket;
pub(crate) use ports::Claim;
use ports::Ports;
pub(super) use pressure::Work;
use pressure::{Media, Python};
pub(crate) use sources::Source;
use sources::{Met, Sources};

/// An overload is over when nothing was refused for so long.
const QUIET: Duration = Duration::from_secs(5);
/// Who asks during a shutdown whether calls are taken may ask again after so many seconds.
const AFTER_CLOSING: u32 = 30;
/// While one lasts, its end is looked for so often.
const LOOK: Duration = Duration::from_millis(250);

/// Why something new is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    /// As many calls as `max_calls`.
    Calls,
    /// More calls a second than `calls_per_second`.
    Rate,
    /// A source with as many calls as `calls_per_source`, or calling more often than
    /// `calls_per_second_per_source`.
    Source,
    /// More requests of other kinds than `requests_per_second`.
    Requests,
    /// No RTP port for one more call.
    Ports,
    /// Python does not keep up.
    Python,
    /// The media workers have no time left.
    Media,
}

impl Reason {
    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::Calls,
        Self::Rate,
        Self::Source,
        Self::Requests,
        Self::Ports,
        Self::Python,
        Self::Media,
    ];

    /// Seconds after which it is worth to try again.
    fn retry_after(self) -> u32 {
        match self {
            Self::Rate | Self::Source | Self::Requests => 1,
            Self::Python | Self::Ports => 2,
            Self::Calls | Self::Media => 5,
        }
    }
}

/// How one reason for refusing things fares.
#[derive(Clone, Copy, Debug, Default)]
struct Episode {
    /// Refused since the start.
    refused: u64,
    /// When something was refused last.
    last: Option<Instant>,
    /// How much had been refused before it began.
    before: u64,
    /// Its beginning has been told, and its end not.
    told: bool,
}

impl Episode {
    fn is_recent(&self, now: Instant) -> bool {
        self.last
            .is_some_and(|last| now.saturating_duration_since(last) < QUIET)
    }

    fn refuse(&mut self, now: Instant) {
        if !self.told && !self.is_recent(now) {
            self.before = self.refused;
        }
        self.refused += 1;
        self.last = Some(now);
    }
}

/// An overload has begun or ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Notice {
    pub(super) on: bool,
    /// Why, in plain words.
    pub(super) reason: String,
}

/// Who may come in.
#[derive(Debug)]
pub(super) struct Overload {
    config: Arc<EngineConfig>,
    calls: usize,
    rate: TokenBucket,
    requests: TokenBucket,
    sources: Sources,
    ports: Ports,
    python: Python,
    media: Media,
    episodes: [Episode; Reason::ALL.len()],
    /// The source that met a limit last, and which.
    offender: Option<(IpAddr, Met)>,
    /// Spreads those who try again.
    spread: u32,
    /// A shutdown has begun.
    closing: bool,
}

impl Overload {
    pub(super) fn new(config: Arc<EngineConfig>, now: Instant) -> Self {
        Self {
            calls: 0,
            rate: TokenBucket::new(config.calls_per_second, now),
            requests: TokenBucket::new(config.requests_per_second, now),
            sources: Sources::new(config.calls_per_source, config.calls_per_second_per_source),
            config,
            ports: Ports::default(),
            python: Python::default(),
            media: Media::new(now),
            episodes: Default::default(),
            offender: None,
            spread: 0,
            closing: false,
        }
    }

    // What happens

    /// There is one more call, or one that we placed.
    pub(super) fn call_began(&mut self) {
        self.calls += 1;
    }

    /// Somebody's INVITE has become a call. `Some` is to be given back by
    /// [`Overload::call_ended`].
    pub(super) fn called(&mut self, now: Instant, from: IpAddr) -> Option<Source> {
        self.rate.take(now);
        let source = Source::of(from);
        let counted = !self.config.trusts(from) && self.sources.enter(now, source);
        counted.then_some(source)
    }

    /// There is one call less.
    pub(super) fn call_ended(&mut self, source: Option<Source>) {
        self.calls = self.calls.saturating_sub(1);
        self.give_back(source);
    }

    /// What [`Overload::called`] has returned is needed no more.
    pub(super) fn give_back(&mut self, source: Option<Source>) {
        if let Some(source) = source {
            self.sources.leave(source);
        }
    }

    /// No calls are taken any more.
    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// Of `told` events, `waiting` were not taken by Python yet; `room` is how many can wait.
    pub(super) fn look_at_python(&mut self, now: Instant, told: u64, waiting: usize, room: usize) {
        self.python.look(now, told, waiting, room);
    }

    /// How many pairs of RTP ports calls can take, and how many there are.
    pub(super) fn look_at_ports(&mut self, left: usize, size: usize) {
        self.ports.look(left, size);
    }

    /// A call that has no port yet will want one.
    pub(super) fn claim(&self) -> Claim {
        self.ports.claim()
    }

    /// What the media workers have counted.
    pub(super) fn look_at_media(&mut self, now: Instant, workers: impl Iterator<Item = Work>) {
        self.media.look(now, workers);
    }

    /// Whether it is time for [`Overload::look_at_media`].
    pub(super) fn media_due(&self, now: Instant) -> bool {
        self.media.due() <= now
    }

    /// When the next look is due, if there are calls or an overload lasts.
    pub(super) fn next_deadline(&self, now: Instant) -> Option<Instant> {
        let lasts = self.episodes.iter().any(|episode| episode.told);
        let watched = (self.calls > 0).then(|| self.media.due());
        watched.into_iter().chain(lasts.then(|| now + LOOK)).min()
    }

    /// Percent of the ticks that the busiest media worker has left.
    pub(super) fn headroom(&self) -> u64 {
        (self.media.headroom() * 100.0).round() as u64
    }

    /// How many requests were refused for this reason.
    pub(super) fn refused(&self, reason: Reason) -> u64 {
        self.episodes[reason as usize].refused
    }

    // What follows from it

    /// Whether something new may come in.
    fn judge(&mut self, now: Instant, from: IpAddr, method: &Method) -> Result<(), Reason> {
        if *method != Method::Invite {
            // What is registered is kept here, without Python.
            if self.python.turns_away(now) && *method != Method::Register {
                return Err(Reason::Python);
            }
            if !self.requests.has(now) {
                return Err(Reason::Requests);
            }
            self.requests.take(now);
            return Ok(());
        }
        if self.calls >= self.config.max_calls {
            return Err(Reason::Calls);
        }
        if !self.ports.has_one_left() {
            return Err(Reason::Ports);
        }
        if self.python.turns_away(now) {
            return Err(Reason::Python);
        }
        if self.media.is_tight() {
            return Err(Reason::Media);
        }
        if !self.config.trusts(from)
            && let Err(met) = self.sources.admit(now, Source::of(from))
        {
            self.offender = Some((from, met));
            return Err(Reason::Source);
        }
        match self.rate.has(now) {
            true => Ok(()),
            false => Err(Reason::Rate),
        }
    }

    /// What is to be told: the next beginning or end.
    pub(super) fn notice(&mut self, now: Instant) -> Option<Notice> {
        for reason in Reason::ALL {
            let lasts = match reason {
                Reason::Python => self.python.is_behind(),
                Reason::Media => self.media.is_tight(),
                _ => false,
            };
            let episode = &mut self.episodes[reason as usize];
            let recent = episode.is_recent(now);
            match episode.told {
                false if lasts || recent => {
                    episode.told = true;
                    if !recent {
                        episode.before = episode.refused;
                    }
                    let reason = self.words(reason, now);
                    return Some(Notice { on: true, reason });
                }
                true if !lasts && !recent => {
                    episode.told = false;
                    let refused = episode.refused - episode.before;
                    let reason = format!("{}; {refused} were refused", Self::title(reason));
                    return Some(Notice { on: false, reason });
                }
                _ => {}
            }
        }
        None
    }

    /// What an overload is called once it is over.
    fn title(reason: Reason) -> &'static str {
        match reason {
            Reason::Calls => "limits.max_calls is no longer reached",
            Reason::Rate => "calls come within limits.calls_per_second again",
            Reason::Source => "no source is beyond its limits any more",
            Reason::Requests => "requests come within limits.requests_per_second again",
            Reason::Ports => "there are free RTP ports again",
            Reason::Python => "Python keeps up again",
            Reason::Media => "the media threads have time left again",
        }
    }

    /// Why it has begun.
    fn words(&self, reason: Reason, now: Instant) -> String {
        let config = &self.config;
        match reason {
            Reason::Calls => format!("{} calls exist, as limits.max_calls allows", self.calls),
            Reason::Rate => format!(
                "more calls come than limits.calls_per_second allows ({})",
                config.calls_per_second
            ),
            Reason::Source => {
                let who = self
                    .offender
                    .map_or(String::new(), |(who, _)| who.to_string());
                match self.offender {
                    Some((_, Met::Calls)) => format!(
                        "{who} has as many calls as limits.calls_per_source allows ({})",
                        config.calls_per_source
                    ),
                    _ => format!(
                        "{who} calls more often than limits.calls_per_second_per_source allows ({})",
                        config.calls_per_second_per_source
                    ),
                }
            }
            Reason::Requests => format!(
                "more requests come than limits.requests_per_second allows ({})",
                config.requests_per_second
            ),
            Reason::Ports => format!(
                "all {} pairs of RTP ports (rtp_ports) are in use or rest after a call",
                self.ports.size()
            ),
            Reason::Python => format!(
                "Python does not keep up: what it is told waits for {:.1} s",
                self.python.age(now).as_secs_f64()
            ),
            Reason::Media => format!(
                "the media threads have {} % of their time left",
                self.headroom()
            ),
        }
    }
}

/// The overload as both know it who own a part of it: signaling, which tells it what happens, and
/// the user agent, which asks. Both are on one thread, so that nobody ever waits.
#[derive(Clone)]
pub(super) struct Gate(Arc<Mutex<Overload>>);

impl Gate {
    pub(super) fn new(config: Arc<EngineConfig>, now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Overload::new(config, now))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Overload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Admission for Gate {
    fn admit(&mut self, now: Instant, flow: Flow, method: &Method) -> Result<(), u32> {
        let overload = &mut *self.lock();
        overload
            .judge(now, flow.remote.ip(), method)
            .map_err(|reason| {
                let episode = &mut overload.episodes[reason as usize];
                episode.refuse(now);
                // Who was refused at one time should not come again at one time.
                overload.spread = overload.spread.wrapping_add(1);
                reason.retry_after() + overload.spread % 4
            })
    }

    fn would_admit(&mut self, now: Instant, flow: Flow) -> Result<(), u32> {
        let overload = &mut *self.lock();
        if overload.closing {
            return Err(AFTER_CLOSING);
        }
        // Who only asks meets no limit, and is not told of.
        let offender = overload.offender;
        let judged = overload.judge(now, flow.remote.ip(), &Method::Invite);
        overload.offender = offender;
        judged.map_err(Reason::retry_after)
    }
}

#[cfg(test)]
mod tests;
