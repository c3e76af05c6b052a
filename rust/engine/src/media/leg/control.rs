//! What a leg does now and then: reports (RTCP), watching the peer's silence.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use rand::RngExt;
use sems_rtp::rtcp::RtcpTimer;

use super::{Leg, keys::Way, quality::Figures, streams::Streams};
use crate::{event::Event, media::worker::Tick};

/// Ticks between two looks at a leg: 200 ms.
const LOOK_TICKS: u32 = 10;
/// Looks between two looks at the RTCP port: 1 s.
const CONTROL_LOOKS: u32 = 5;
/// Control packets taken at one look at most.
const MAX_CONTROL: usize = 8;
/// Bytes a second of G.711 in packets of 20 ms, with IP and UDP headers.
const BANDWIDTH: f64 = 50.0 * (160.0 + 12.0 + 28.0);
/// The longest report with source description and goodbye.
const LONGEST_REPORT: usize = 400;
/// A peer that has been silent for so long may be about to send from elsewhere: its port is
/// opened for others. Shorter than the silence after which the latch lets go.
const UNSETTLE: Duration = Duration::from_secs(1);
/// Arrival is measured exactly for so long before a report, so that its jitter is.
const MEASURE: Duration = Duration::from_millis(600);

/// State of the looks.
pub(super) struct Control {
    looks: u32,
    ticks: u32,
    remote: SocketAddr,
    timer: Option<RtcpTimer>,
    /// The last packet of the peer's, or when we began to wait for one.
    heard: Option<Instant>,
    silent: bool,
    told_silent: bool,
    // Apart, so that they are not fetched from memory at each tick.
    pub(super) figures: Box<Figures>,
    pub(super) streams: Box<Streams>,
}

impl Control {
    pub(super) fn new(remote: SocketAddr) -> Self {
        Self {
            looks: 0,
            ticks: 0,
            remote,
            timer: None,
            heard: None,
            silent: false,
            told_silent: false,
            figures: Box::default(),
            streams: Box::default(),
        }
    }

    /// The peer receives reports elsewhere from now on.
    pub(super) fn redirect(&mut self, remote: SocketAddr) {
        self.remote = remote;
    }

    /// The peer may send again: its silence counts from now on.
    pub(super) fn expect_packets(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// A packet of the peer's came.
    #[inline]
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = Some(now);
    }

    /// One came no longer ago than that.
    pub(super) fn heard_within(&self, time: Duration, now: Instant) -> bool {
        self.heard
            .is_some_and(|then| now.saturating_duration_since(then) <= time)
    }
}

impl Leg {
    /// To be called at each tick, between hearing and speaking.
    #[inline]
    pub(in crate::media) fn look_after(&mut self, tick: &mut Tick<'_>) {
        self.control.ticks += 1;
        if self.control.ticks >= LOOK_TICKS {
            self.control.ticks = 0;
            self.look(tick);
        }
        if self.told_speaking != self.is_speaking() || !self.digits.is_empty() {
            self.tell(tick);
        }
    }

    /// The peer pressed a key, as its signaling says.
    pub(in crate::media) fn pressed(&mut self, key: char, held: Duration, now: Instant) {
        if self.keys.note(Way::Info, key, held, now) {
            let _ = self.digits.try_push(key);
        }
    }

    fn look(&mut self, tick: &mut Tick<'_>) {
        self.control.looks = self.control.looks.wrapping_add(1);
        if self.control.looks.is_multiple_of(CONTROL_LOOKS) {
            self.receive_reports(tick);
            self.note_quality(tick);
            self.flush_notes();
        }
        self.watch_silence(tick);
        self.report(tick);
        self.sinks.clean(tick.trash);
    }

    fn receive_reports(&mut self, tick: &mut Tick<'_>) {
        for _ in 0..MAX_CONTROL {
            let Some((length, from)) = self.port.rtcp.receive(tick.datagram) else {
                break;
            };
            let age = self.port.rtcp.waited().unwrap_or_default();
            // As with RTP, reports go back to where the peer's come from.
            if self.take_report(tick, length, from, age, false) && !self.negotiated.rtcp_mux {
                self.control.remote = from;
            }
        }
    }

    /// Takes one datagram of RTCP, which waited here for `age`; `muxed`: at the port of RTP. `false`:
    /// it is not the peer's.
    pub(super) fn take_report(
        &mut self,
        tick: &Tick<'_>,
        length: usize,
        from: SocketAddr,
        age: Duration,
        muxed: bool,
    ) -> bool {
        let datagram = &tick.datagram[..length];
        let is_peer = self.latch.is_peer(from.ip());
        let about = (self.session.ssrc().0, muxed, !is_peer);
        self.notes.report(tick.now, from, datagram, about);
        if !is_peer {
            return false;
        }
        let arrived = tick.now.checked_sub(age).unwrap_or(tick.now);
        let ntp = tick.wall.at(arrived);
        let Ok(news) = self.session.receive_control(arrived, ntp, datagram) else {
            return false;
        };
        if let Some(timer) = &mut self.control.timer {
            timer.received(length);
        }
        if self.inbound.is_paused() {
            // Who sends no audio on purpose shows by its reports that it is there.
            self.control.heard(tick.now);
        }
        let figures = &mut self.control.figures;
        if let Some(block) = &news.about_us {
            figures.reported(block, self.negotiated.codec.clock_rate);
        }
        if let Some(metrics) = news.metrics {
            figures.heard_as(metrics);
        }
        figures.round_trip = news.round_trip.or(figures.round_trip);
        if news.reported {
            let (sent, _) = self.session.sent();
            let block = news.about_us.as_ref();
            self.control.streams.reported(arrived, block, sent);
        }
        true
    }

    fn send_report(&mut self, report: &[u8]) {
        if !self.is_wanted() {
            return;
        }
        match self.negotiated.rtcp_mux {
            true => self.port.rtp.send(report, self.latch.destination()),
            false => self.port.rtcp.send(report, self.control.remote),
        }
    }

    fn watch_silence(&mut self, tick: &mut Tick<'_>) {
        let heard = *self.control.heard.get_or_insert(tick.now);
        let silence = tick.now.saturating_duration_since(heard);
        let settled = self.latch.is_latched() && silence < UNSETTLE;
        if settled != self.settled {
            self.settle(settled);
        }
        self.watch_streams(silence, self.inbound.is_paused(), tick);
        self.control.silent = self.negotiated.receive && silence >= tick.rtp_timeout;
        if self.control.silent != self.control.told_silent {
            let event = match self.control.silent {
                true => Event::RtpTimeout {
                    call: self.call,
                    silent_ms: silence.as_millis().try_into().unwrap_or(u32::MAX),
                },
                false => Event::RtpResumed { call: self.call },
            };
            if tick.outbox.offer(event) {
                self.control.told_silent = self.control.silent;
            }
        }
    }

    fn report(&mut self, tick: &mut Tick<'_>) {
        let now = tick.now;
        let timer = self
            .control
            .timer
            .get_or_insert_with(|| RtcpTimer::new(now, BANDWIDTH, tick.random.random()));
        let left = timer.due().saturating_duration_since(now);
        self.inbound.precise = left < MEASURE || self.inbound.is_deep();
        if !left.is_zero() {
            return;
        }
        let metrics = self.metrics();
        let mut report = [0; LONGEST_REPORT];
        let written = self
            .session
            .write_report(now, tick.wall.at(now), metrics, &mut report);
        if let Ok(length) = written {
            if let Some(timer) = &mut self.control.timer {
                timer.sent(now, length, tick.random.random());
            }
            self.send_report(&report[..length]);
        }
    }

    /// Says goodbye to the peer (RFC 3550 §6.6).
    pub(in crate::media) fn leave(&mut self, tick: &Tick<'_>) {
        self.flush_notes();
        let metrics = self.metrics();
        let mut report = [0; LONGEST_REPORT];
        let written =
            self.session
                .write_goodbye(tick.now, tick.wall.at(tick.now), metrics, &mut report);
        if let Ok(length) = written {
            self.send_report(&report[..length]);
        }
    }

    fn tell(&mut self, tick: &mut Tick<'_>) {
        let on = self.is_speaking();
        let speaking = Event::Speaking {
            call: self.call,
            on,
        };
        if self.told_speaking != on && tick.outbox.offer(speaking) {
            self.told_speaking = on;
        }
        while let Some(&digit) = self.digits.first() {
            let event = Event::Digit {
                call: self.call,
                digit,
            };
            if !tick.outbox.offer(event) {
                break;
            }
            self.digits.remove(0);
        }
    }
}
