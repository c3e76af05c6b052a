//! What the line is like: once a second, for who reads it, and as metrics for the peer.

use std::{sync::Arc, time::Duration};

use sems_audio::emodel::{self, Impairment, Line};
use sems_rtp::{
    LossPattern,
    bursts::{GMIN, in_256ths},
    jitter_buffer::JitterBufferStatistics,
    rtcp::{ENHANCED_CONCEALMENT_ADAPTIVE_BUFFER, ReportBlock, VoipMetrics},
    session::ReceiverStatistics,
};

use super::Leg;
use crate::{
    event::Event,
    media::worker::Tick,
    quality::{Quality, Slot},
};

/// Shares are of so many seconds.
const WINDOW: usize = 5;
/// Quality is told no more often than each so many seconds.
const TELL_EACH: u32 = 5;
/// Of so many packets that should have come one is lost: told.
const BAD: u32 = 20;

/// What is known of the line, apart from the leg since it is touched once a second.
#[derive(Debug, Default)]
pub(super) struct Figures {
    slot: Arc<Slot>,
    /// The counts at the last seconds' ends.
    past: [Counts; WINDOW],
    seconds: u32,
    told_at: Option<u32>,
    pub(super) round_trip: Option<Duration>,
    /// What the peer last reported of our stream.
    remote: Option<Remote>,
    /// What it last said of how it hears us.
    metrics: Option<VoipMetrics>,
}

/// The peer's view of our stream.
#[derive(Clone, Copy, Debug)]
struct Remote {
    loss: f32,
    jitter_ms: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    received: u64,
    lost: i64,
    discarded: u64,
    missing: u64,
    runs: u64,
    played: u64,
}

impl Figures {
    /// Where the figures are read.
    pub(super) fn slot(&self) -> Arc<Slot> {
        self.slot.clone()
    }

    /// The peer has reported on our stream.
    pub(super) fn reported(&mut self, block: &ReportBlock, clock_rate: u32) {
        self.remote = Some(Remote {
            loss: f32::from(block.fraction_lost) / 256.0,
            jitter_ms: block.jitter as f32 * 1e3 / clock_rate as f32,
        });
    }

    /// The peer has said how it hears us.
    pub(super) fn heard_as(&mut self, metrics: VoipMetrics) {
        self.metrics = Some(metrics);
    }

    /// How it hears us, on the scale of opinions.
    fn remote_mos(&self, impairment: Impairment) -> Option<f32> {
        if let Some(tenths) = self
            .metrics
            .and_then(|metrics| metrics.mos_conversation.or(metrics.mos_listening))
        {
            return Some((f32::from(tenths) / 10.0).clamp(1.0, 5.0));
        }
        let remote = self.remote?;
        let trip = self.round_trip.unwrap_or_default().as_secs_f32() * 1e3;
        let line = Line {
            missing: remote.loss,
            burst_ratio: 1.0,
            // Its buffer waits for about twice the jitter, and for a packet.
            delay_ms: trip / 2.0 + 20.0 + 2.0 * remote.jitter_ms,
        };
        Some(emodel::mos(emodel::rating(impairment, &line)))
    }
}

/// What a leg's receiving side has counted.
pub(super) struct Reception {
    pub(super) statistics: Option<ReceiverStatistics>,
    pub(super) buffer: JitterBufferStatistics,
    pub(super) pattern: LossPattern,
    pub(super) depth: Duration,
}

impl Reception {
    fn counts(&self) -> Counts {
        let stream = self.statistics.as_ref();
        Counts {
            received: stream.map_or(0, |stream| stream.received),
            lost: stream.map_or(0, |stream| stream.lost),
            discarded: self.buffer.late + self.buffer.overflowed,
            missing: self.pattern.missing,
            runs: self.pattern.runs,
            played: self.pattern.played,
        }
    }
}

impl Leg {
    /// Where the figures of this line are read.
    pub fn quality(&self) -> Arc<Slot> {
        self.control.figures.slot()
    }

    /// To be called once a second.
    pub(super) fn note_quality(&mut self, tick: &mut Tick<'_>) {
        let reception = self.inbound.reception(self.session.statistics());
        let now = reception.counts();
        let impairment = self.negotiated.codec.impairment;
        let figures = &mut self.control.figures;
        let oldest = std::mem::replace(&mut figures.past[figures.seconds as usize % WINDOW], now);
        let last = (figures.seconds as usize + WINDOW - 1) % WINDOW;
        let last = figures.past[last];
        figures.seconds = figures.seconds.wrapping_add(1);
        // Another source counts from zero.
        let lost = (now.lost - oldest.lost).max(0);
        let played = now.played.saturating_sub(oldest.played);
        let recent = LossPattern {
            played,
            missing: now.missing.saturating_sub(oldest.missing),
            runs: now.runs.saturating_sub(oldest.runs),
            ..LossPattern::default()
        };
        let trip_ms = figures.round_trip.map(|trip| trip.as_secs_f32() * 1e3);
        let buffer_ms = reception.depth.as_secs_f32() * 1e3;
        let line = Line {
            missing: recent.missing as f32 / (played + recent.missing).max(1) as f32,
            burst_ratio: recent.burst_ratio(),
            delay_ms: trip_ms.unwrap_or_default() / 2.0
                + buffer_ms
                + f32::from(self.negotiated.ptime_ms),
        };
        let jitter = reception.statistics.map(|stream| stream.jitter);
        let reported = self.control.streams.since_report(tick.now);
        let quality = Quality {
            received: count(now.received.saturating_sub(oldest.received)),
            lost: count(lost as u64),
            discarded: count(now.discarded.saturating_sub(oldest.discarded)),
            jitter_ms: jitter.unwrap_or_default().as_secs_f32() * 1e3,
            buffer_ms,
            round_trip_ms: trip_ms,
            remote_loss: figures.remote.map(|remote| remote.loss),
            remote_jitter_ms: figures.remote.map(|remote| remote.jitter_ms),
            mos: (played > 0).then(|| emodel::mos(emodel::rating(impairment, &line))),
            remote_mos: figures.remote_mos(impairment),
            reported_ms: reported.map(|since| since.as_secs_f32() * 1e3),
        };
        figures.slot.write(&quality);
        let new = (now.lost - last.lost).max(0) as u64;
        tick.counters.rtp_lost.add(new);
        let late = now.discarded.saturating_sub(last.discarded);
        tick.counters.rtp_late.add(late);
        self.tell_quality(quality, tick);
    }

    /// Tells of what belongs into the history of a call: that something has begun to come, and
    /// that much of it gets lost.
    fn tell_quality(&mut self, quality: Quality, tick: &mut Tick<'_>) {
        let figures = &mut self.control.figures;
        let wanted = match figures.told_at {
            None => quality.received > 0,
            Some(then) => {
                quality.lost > quality.received / BAD
                    && figures.seconds.wrapping_sub(then) >= TELL_EACH
            }
        };
        if wanted && tick.outbox.suggest(Event::Quality(self.call, quality)) {
            figures.told_at = Some(figures.seconds);
        }
    }

    /// How we hear the peer, for a peer that wants to know (RFC 3611 §4.7).
    pub(super) fn metrics(&self) -> Option<VoipMetrics> {
        if !self.negotiated.voip_metrics {
            return None;
        }
        let reception = self.inbound.reception(self.session.statistics());
        let stream = reception.statistics?;
        let pattern = reception.pattern;
        let packet_ms = match pattern.played {
            0 => 20,
            _ => u64::from(self.negotiated.ptime_ms),
        };
        let lost = u64::try_from(stream.lost).unwrap_or(0);
        let discarded = reception.buffer.late + reception.buffer.overflowed;
        let expected = stream.received + lost;
        let trip = self.control.figures.round_trip.unwrap_or_default();
        let line = |delay_ms| Line {
            missing: pattern.missing as f32 / (pattern.played + pattern.missing).max(1) as f32,
            burst_ratio: pattern.burst_ratio(),
            delay_ms,
        };
        let impairment = self.negotiated.codec.impairment;
        let here = reception.depth + Duration::from_millis(packet_ms);
        let one_way = (trip / 2 + here).as_secs_f32() * 1e3;
        let conversation = emodel::rating(impairment, &line(one_way));
        let listening = emodel::rating(impairment, &line(0.0));
        let tenths = |rating| (emodel::mos(rating) * 10.0).round() as u8;
        let level = self.inbound.level();
        Some(VoipMetrics {
            ssrc: stream.ssrc,
            loss_rate: in_256ths(lost, expected),
            discard_rate: in_256ths(discarded, expected),
            burst_density: pattern.burst_density(),
            gap_density: pattern.gap_density(),
            burst_duration_ms: half(pattern.burst_length() * packet_ms),
            gap_duration_ms: half(pattern.gap_length() * packet_ms),
            round_trip_ms: milliseconds(trip),
            end_system_delay_ms: milliseconds(here),
            // dBov is 3.14 dB above dBm0 for µ-law; A-law differs by less than the unit.
            signal_level: (!self.passing).then(|| level.dbov().saturating_add(3)),
            noise_level: None,
            echo_return_loss: None,
            gmin: GMIN,
            // The field ends at 100, and so does the scale of opinions.
            r_factor: Some(conversation.min(100.0).round() as u8),
            external_r_factor: None,
            mos_listening: Some(tenths(listening)),
            mos_conversation: Some(tenths(conversation)),
            receiver_config: ENHANCED_CONCEALMENT_ADAPTIVE_BUFFER,
            buffer_nominal_ms: milliseconds(reception.depth),
            buffer_maximum_ms: milliseconds(self.inbound.target().max(reception.depth)),
            buffer_limit_ms: milliseconds(self.inbound.max_depth()),
        })
    }
}

fn count(count: u64) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}

fn half(value: u64) -> u16 {
    value.try_into().unwrap_or(u16::MAX)
}

fn milliseconds(time: Duration) -> u16 {
    time.as_millis().try_into().unwrap_or(u16::MAX)
}
