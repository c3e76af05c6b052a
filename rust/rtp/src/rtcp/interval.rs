//! When to send the next report (RFC 3550 §6.2, §6.3).

use std::time::{Duration, Instant};

/// No report follows another more closely on average; half of it before the first (RFC 3550 §6.2).
const MINIMUM: Duration = Duration::from_secs(5);
/// Part of the session's bandwidth that is RTCP's (RFC 3550 §6.2).
const RTCP_SHARE: f64 = 0.05;
/// Makes up for the reconsideration's pull towards shorter intervals: e − 3/2 (RFC 3550 §6.3.1).
const COMPENSATION: f64 = std::f64::consts::E - 1.5;
/// IPv4 and UDP headers, which count as part of a packet (RFC 3550 §6.2).
const LOWER_LAYERS: usize = 28;
/// A leg's session: the peer and we.
const MEMBERS: f64 = 2.0;

/// The randomised interval of a session of two (RFC 3550 §6.3.1).
///
/// `session_bandwidth` is in bytes a second, `average_size` in bytes with all headers, `random`
/// uniform in 0..1; `initial` until the first report has been sent. Of two members one is more than
/// a quarter, so the bandwidth is never divided between senders and receivers.
pub fn interval(session_bandwidth: f64, average_size: f64, initial: bool, random: f64) -> Duration {
    let minimum = if initial { MINIMUM / 2 } else { MINIMUM };
    let bandwidth = (session_bandwidth * RTCP_SHARE).max(1.0);
    let deterministic = (MEMBERS * average_size / bandwidth).max(minimum.as_secs_f64());
    Duration::from_secs_f64(
        deterministic.min(3600.0) * (random.clamp(0.0, 1.0) + 0.5) / COMPENSATION,
    )
}

/// Says when a leg's reports are due.
#[derive(Debug, Clone)]
pub struct RtcpTimer {
    session_bandwidth: f64,
    average_size: f64,
    initial: bool,
    due: Instant,
}

impl RtcpTimer {
    /// A session that starts at `now`; `session_bandwidth` in bytes a second, `random` uniform in
    /// 0..1.
    pub fn new(now: Instant, session_bandwidth: f64, random: f64) -> RtcpTimer {
        // The probable size of the first report: SR, one block, a short name (RFC 3550 §6.3.2).
        let average_size = 120.0;
        let due = now + interval(session_bandwidth, average_size, true, random);
        RtcpTimer {
            session_bandwidth,
            average_size,
            initial: true,
            due,
        }
    }

    /// When the next report is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// A control packet of `len` bytes was received: the average size follows (RFC 3550 §6.3.3).
    pub fn received(&mut self, len: usize) {
        self.average_size += ((len + LOWER_LAYERS) as f64 - self.average_size) / 16.0;
    }

    /// A report of `len` bytes was sent at `now`: sets the time of the next (RFC 3550 §6.3.6).
    /// Reconsideration, which keeps crowds from reporting at once, has nothing to do between two.
    pub fn sent(&mut self, now: Instant, len: usize, random: f64) {
        self.received(len);
        self.initial = false;
        self.due = now + interval(self.session_bandwidth, self.average_size, false, random);
    }
}
