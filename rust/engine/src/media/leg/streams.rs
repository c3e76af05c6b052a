//! Streams that should flow and don't, in either direction.
//!
//! What comes is seen here. What arrives at the peer only the peer sees: it tells by its reports,
//! and who tells nothing is not doubted.

use std::time::{Duration, Instant};

use sems_rtp::rtcp::ReportBlock;

use super::Leg;
use crate::{command::Direction, event::Event, media::worker::Tick};

/// Nothing has come for so long: the peer can't be heard. A few late packets are no reason, and
/// somebody who waits for an answer takes about as long to ask whether he is heard.
const SILENCE: Duration = Duration::from_secs(4);
/// After comfort noise (RFC 3389) a peer may be silent on purpose; it still reports that often.
const ON_PURPOSE: Duration = Duration::from_secs(20);
/// Reports in a row by which nothing arrives …
const REPORTS: u8 = 2;
/// … or in which there is nothing on our stream, which some peers never have.
const EMPTY_REPORTS: u8 = 3;
/// Packets that we have sent between two reports, if the later one says something about them.
const SENT: u64 = 50;

/// What is known of both directions.
#[derive(Debug, Default)]
pub(super) struct Streams {
    inbound: Told,
    outbound: Told,
    /// When the peer reported last.
    reported: Option<Instant>,
    /// The highest number that it had received by then, if any, and what we had sent by then.
    highest: Option<u32>,
    sent: u64,
    /// Reports in a row by which nothing arrives.
    unheard: u8,
    /// Some report spoke of our stream.
    knows_us: bool,
}

/// What is so of a direction, and what was told of it.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// It has flowed at some time.
    ever: bool,
    stopped: bool,
    told: bool,
}

impl Streams {
    /// Anything of ours may arrive or not from now on: nothing is known.
    pub(super) fn forget_outbound(&mut self) {
        self.unheard = 0;
        self.highest = None;
        self.outbound.stopped = false;
    }

    /// The peer has reported, on our stream (`block`) or not; we had sent `sent` packets in all.
    pub(super) fn reported(&mut self, now: Instant, block: Option<&ReportBlock>, sent: u64) {
        self.reported = Some(now);
        if sent.saturating_sub(self.sent) < SENT {
            return;
        }
        self.sent = sent;
        let arrives = match block {
            Some(block) => {
                self.knows_us = true;
                let stands = self.highest == Some(block.highest_sequence);
                self.highest = Some(block.highest_sequence);
                !stands && block.fraction_lost < u8::MAX
            }
            None => false,
        };
        if arrives {
            self.unheard = 0;
            self.outbound.ever = true;
            self.outbound.stopped = false;
            return;
        }
        self.unheard = self.unheard.saturating_add(1);
        let enough = match block {
            None if !self.knows_us => EMPTY_REPORTS,
            _ => REPORTS,
        };
        self.outbound.stopped = self.unheard >= enough;
    }

    /// For how long the peer has not reported, if it ever has.
    pub(super) fn since_report(&self, now: Instant) -> Option<Duration> {
        self.reported
            .map(|then| now.saturating_duration_since(then))
    }

    /// Whether nothing comes of a peer that has been silent for so long; `rests`: what came last
    /// was comfort noise.
    fn is_silent(&self, silence: Duration, rests: bool, now: Instant) -> bool {
        let reports = self
            .since_report(now)
            .is_some_and(|since| since < ON_PURPOSE);
        silence >= SILENCE && !(rests && reports)
    }
}

impl Leg {
    /// Tells of streams that have stopped, or flow again. `silence`: since the peer's last packet.
    pub(super) fn watch_streams(&mut self, silence: Duration, rests: bool, tick: &mut Tick<'_>) {
        let streams = &mut *self.control.streams;
        let receive = self.negotiated.receive;
        streams.inbound.ever |= self.session.statistics().is_some();
        streams.inbound.stopped = receive && streams.is_silent(silence, rests, tick.now);
        if !self.negotiated.send {
            streams.forget_outbound();
        }
        let call = self.call;
        let directions = [
            (Direction::In, &mut streams.inbound),
            (Direction::Out, &mut streams.outbound),
        ];
        for (direction, stream) in directions {
            if stream.stopped == stream.told {
                continue;
            }
            let event = match stream.stopped {
                true => Event::StreamStopped {
                    call,
                    direction,
                    ever: stream.ever,
                },
                false => Event::StreamResumed { call, direction },
            };
            if tick.outbox.offer(event) {
                stream.told = stream.stopped;
                if stream.told {
                    tick.counters.streams_stopped.add(1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use sems_rtp::Ssrc;

    use super::*;

    fn block(highest_sequence: u32, fraction_lost: u8) -> Option<ReportBlock> {
        Some(ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost,
            cumulative_lost: 0,
            highest_sequence,
            jitter: 0,
            last_sender_report: 0,
            delay_since_last_sender_report: 0,
        })
    }

    /// Whether our stream counts as stopped after each of these reports, five seconds apart.
    fn stopped(reports: &[Option<ReportBlock>]) -> Vec<bool> {
        let start = Instant::now();
        let mut streams = Streams::default();
        let mut after = Vec::new();
        for (number, report) in reports.iter().enumerate() {
            let now = start + Duration::from_secs(5) * number as u32;
            let sent = 250 * (number as u64 + 1);
            streams.reported(now, report.as_ref(), sent);
            after.push(streams.outbound.stopped);
        }
        after
    }

    #[test]
    fn a_peer_whose_highest_number_stands_still_hears_nothing() {
        let reports = [block(100, 0), block(350, 3), block(350, 0), block(350, 0)];
        assert_eq!(stopped(&reports), [false, false, false, true]);
    }

    #[test]
    fn a_peer_that_has_lost_everything_hears_nothing() {
        let reports = [block(100, 255), block(350, 255), block(600, 10)];
        assert_eq!(stopped(&reports), [false, true, false]);
    }

    #[test]
    fn a_peer_that_never_speaks_of_our_stream_is_given_one_report_more() {
        assert_eq!(stopped(&[None, None, None]), [false, false, true]);
        let reports = [block(100, 0), None, None, block(800, 60)];
        assert_eq!(stopped(&reports), [false, false, true, false]);
    }

    #[test]
    fn reports_between_which_nothing_was_sent_say_nothing() {
        let mut streams = Streams::default();
        for _ in 0..5 {
            streams.reported(Instant::now(), block(7, 0).as_ref(), 100);
        }
        assert!(!streams.outbound.stopped);
    }

    #[test]
    fn who_has_sent_comfort_noise_and_reports_may_be_silent() {
        let now = Instant::now();
        let mut streams = Streams::default();
        assert!(streams.is_silent(SILENCE, true, now));
        streams.reported(now, None, 0);
        assert!(streams.is_silent(SILENCE, false, now));
        assert!(!streams.is_silent(SILENCE, true, now));
        assert!(streams.is_silent(SILENCE, true, now + ON_PURPOSE));
    }
}
