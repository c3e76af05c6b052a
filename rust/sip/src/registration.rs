//! Registering with somebody (RFC 3261 §10.2): what is to be registered, and how it stands.
//!
//! The user agent keeps a registration by itself: it refreshes before the time is up, answers 401,
//! 407 and 423, tries again after failures at growing intervals (RFC 5626 §4.5), moves to the
//! address that the registrar sees us at (RFC 3581), and keeps the way through a NAT open (§4.4).

use std::net::SocketAddr;
use std::time::Duration;

use rand::{Rng, RngExt};

use crate::auth::Keyring;
use crate::header::NameAddr;
use crate::transaction::Flow;
use crate::{Response, StatusCode, Text, Uri};

slotmap::new_key_type! {
    /// An address of ours at somebody's registrar.
    pub struct RegistrationId;
}

/// What is to be registered, and where.
#[derive(Clone, Debug)]
pub struct Account {
    /// The address of record.
    pub address: NameAddr,
    /// The Request-URI: the registrar's domain.
    pub registrar: Uri,
    /// Where the requests go.
    pub flow: Flow,
    /// A Route to start with.
    pub route: Vec<Uri>,
    /// How long it is to hold, in seconds; a registrar may make it less, or want more.
    pub expires: u32,
    /// What challenges are answered with.
    pub credentials: Keyring,
}

/// How a registration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// The registrar knows where we are.
    Registered {
        /// For so many seconds, if it isn't refreshed.
        expires: u32,
        /// The address of ours that it has.
        contact: Uri,
        /// The way that our requests for this address are to take (RFC 3608).
        service_route: Vec<Uri>,
        /// The realms in which it has asked who we are.
        realms: Vec<String>,
    },
    /// It doesn't, or may have forgotten. We go on trying.
    Failed {
        /// What was answered; 408 for silence, 503 when there was no way there, our own in both
        /// cases.
        status: StatusCode,
        /// The reason phrase.
        reason: Text,
        /// When we try again.
        retry_after: Duration,
    },
    /// We have taken it back. This is the last that is told.
    Ended,
}

/// RFC 5626 §4.5: the wait after the first failure, and the longest.
const BASE: Duration = Duration::from_secs(30);
const MAX: Duration = Duration::from_secs(1800);
/// A registrar that says no doesn't change its mind soon, and may take offence.
const AFTER_NO: Duration = Duration::from_secs(300);
/// The longest that a registrar can make us wait by Retry-After or Min-Expires.
const DAY: u32 = 86_400;

/// How long to wait after so many failures in a row: between half and all of a time that doubles
/// (RFC 5626 §4.5).
pub(crate) fn backoff(failures: u32, rng: &mut impl Rng) -> Duration {
    let upper = BASE
        .saturating_mul(1 << failures.saturating_sub(1).min(10))
        .min(MAX);
    upper.mul_f64(rng.random_range(0.5..=1.0))
}

/// The least wait after a response, whatever the number of failures.
pub(crate) fn least_wait(status: StatusCode, retry_after: Option<u32>) -> Duration {
    let asked = Duration::from_secs(retry_after.unwrap_or(0).min(DAY).into());
    let no = matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::PROXY_AUTHENTICATION_REQUIRED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
    );
    asked.max(if no { AFTER_NO } else { Duration::ZERO })
}

/// When to refresh what holds for so many seconds.
pub(crate) fn refresh_after(expires: u32, rng: &mut impl Rng) -> Duration {
    Duration::from_secs(expires.into()).mul_f64(rng.random_range(0.75..=0.9))
}

/// The time that a 423 asks for, if it is more than was asked and not beyond reason.
pub(crate) fn raised(asked: u32, least: Option<u32>) -> Option<u32> {
    least.filter(|least| *least > asked && *least <= DAY)
}

/// The address that the next hop saw us at, where it isn't the one that we named (RFC 3581). Over
/// a stream the port says nothing: the connection has another than we listen at.
pub(crate) fn seen_at(response: &Response, flow: Flow) -> Option<SocketAddr> {
    let via = response.headers.top_via().ok()?;
    let named = SocketAddr::new(via.host.ip()?, via.port_or_default());
    let ip = via.received().unwrap_or(named.ip());
    let port = via.rport().unwrap_or(named.port());
    let differs = match flow.transport.is_reliable() {
        true => ip != named.ip(),
        false => ip != named.ip() || port != named.port(),
    };
    differs.then(|| SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn the_wait_doubles_from_half_a_minute_to_half_an_hour() {
        let mut rng = StdRng::seed_from_u64(1);
        for (failures, upper) in [(1, 30), (2, 60), (3, 120), (7, 1800), (100, 1800)] {
            for _ in 0..50 {
                let wait = backoff(failures, &mut rng).as_secs_f64();
                let upper = f64::from(upper);
                assert!((upper / 2.0..=upper).contains(&wait), "{failures}: {wait}");
            }
        }
    }

    #[test]
    fn a_registrar_that_says_no_is_left_alone_for_a_while() {
        assert_eq!(least_wait(StatusCode::FORBIDDEN, None), AFTER_NO);
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(least_wait(busy, Some(90)), Duration::from_secs(90));
        assert_eq!(
            least_wait(busy, Some(u32::MAX)),
            Duration::from_secs(86_400)
        );
        assert_eq!(least_wait(busy, None), Duration::ZERO);
    }

    #[test]
    fn the_time_only_rises_and_not_beyond_a_day() {
        assert_eq!(raised(600, Some(3600)), Some(3600));
        for least in [None, Some(600), Some(60), Some(86_401)] {
            assert_eq!(raised(600, least), None);
        }
    }
}
