//! What comes to the port: whose it is, what it is, and where it waits for its tick.

use std::time::Duration;

use sems_audio::{Level, Talker};
use sems_rtp::{DatagramKind, DigitEdge, PayloadType, Reception, RtpPacket, Verdict, classify};

use super::super::{Leg, keys::Way, notes::Kind};
use crate::media::worker::Tick;

/// Datagrams taken from a port in one tick at most, so that a flood costs others nothing.
pub(in crate::media::leg) const MAX_DATAGRAMS: usize = 64;
/// Every so often the port is emptied although a tick's worth has come, in case more keeps coming.
const DRAIN_TICKS: u32 = 16;

/// What a datagram has brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::media::leg) enum Taken {
    /// Nothing of the peer's stream.
    Nothing,
    /// A packet of a telephone-event.
    Key,
    /// A description of noise.
    Noise,
    /// So many timestamp units of audio.
    Sound(u32),
}

impl Leg {
    /// Takes in what has come to the port, and plays 20 ms of it out.
    pub(in crate::media) fn hear(&mut self, tick: &mut Tick<'_>) {
        self.inbound.ticks = self.inbound.ticks.wrapping_add(1);
        let drain = self.inbound.hungry
            || self.inbound.is_deep()
            || self.inbound.ticks.is_multiple_of(DRAIN_TICKS);
        let tick_units = self.inbound.units();
        let mut units = 0;
        for _ in 0..MAX_DATAGRAMS {
            let Some((length, from)) = self.port.rtp.receive(tick.datagram) else {
                break;
            };
            if let Taken::Sound(brought) = self.take_in(tick, length, from) {
                units += brought;
            }
            // Asking in vain is half as dear as receiving. But what seems to be missing may wait
            // behind what overtook it.
            if units >= tick_units && !drain && !self.inbound.jitter.has_gap() {
                break;
            }
        }
        self.inbound.hungry = units < tick_units;
        let made_up = self.inbound.play_out(tick.now, tick.scratch);
        if made_up > 0 {
            let hz = u64::from(self.inbound.rate().hz());
            let time = made_up as u64 * 1_000_000 / hz;
            tick.counters.rtp_concealed_us.add(time);
        }
        if !self.sinks.is_empty() {
            let at = tick.wall.since_start(tick.now);
            let (heard, rate) = (self.inbound.heard(), self.inbound.rate());
            let hidden = self.muted || self.whispers;
            self.sinks.write_heard(heard, rate, at, hidden);
            self.sinks.tell(tick.outbox);
        }
        self.listen_for_keys(tick);
    }

    /// Whether what it said is to be heard by others.
    pub(in crate::media) fn sounds(&self) -> bool {
        self.inbound.gate.is_open()
    }

    /// Whether the peer speaks; other than [`Leg::sounds`] this leaves noise out.
    pub(in crate::media) fn is_speaking(&self) -> bool {
        self.inbound.speech.is_speaking()
    }

    /// The same for the limit of talkers.
    pub(in crate::media) fn as_talker(&self) -> Talker {
        Talker {
            who: self.call.0,
            level: self.inbound.tick_level(),
            loudness: self.inbound.level(),
            speaking: self.inbound.is_speaking(),
        }
    }

    /// How loud the peer was of late.
    pub(in crate::media) fn level(&self) -> Level {
        self.inbound.level()
    }

    /// Takes one datagram.
    pub(in crate::media::leg) fn take_in(
        &mut self,
        tick: &Tick<'_>,
        length: usize,
        from: std::net::SocketAddr,
    ) -> Taken {
        let datagram = &tick.datagram[..length];
        let counters = tick.counters;
        let packet = match classify(datagram) {
            DatagramKind::Rtp => RtpPacket::parse(datagram),
            DatagramKind::Rtcp if self.negotiated.rtcp_mux => {
                let age = self.port.rtp.waited().unwrap_or_default();
                self.take_report(tick, length, from, age, true);
                return Taken::Nothing;
            }
            _ => {
                counters.rtp_malformed.add(1);
                return Taken::Nothing;
            }
        };
        let Ok(packet) = packet else {
            counters.rtp_malformed.add(1);
            return Taken::Nothing;
        };
        let header = &packet.header;
        let verdict = self
            .latch
            .accept(tick.now, from, header.ssrc, header.sequence);
        let (events, formats) = (&self.negotiated.receive_events, &self.inbound.formats);
        let at = (tick.now, self.inbound.ticks);
        self.notes
            .packet(at, from, &packet, verdict, || match header.payload_type {
                event if events.contains(&event) => Kind::Event,
                PayloadType::COMFORT_NOISE => Kind::Sound,
                sound if formats.find(sound).is_some() => Kind::Sound,
                _ => Kind::Other,
            });
        match verdict {
            Verdict::Accept => {}
            Verdict::Latched => self.settle(true),
            Verdict::Trial => return Taken::Nothing,
            Verdict::Foreign => {
                counters.rtp_foreign.add(1);
                return Taken::Nothing;
            }
        }
        self.control.heard(tick.now);
        let arrived = match self.inbound.precise {
            true => self
                .port
                .rtp
                .waited()
                .and_then(|age| tick.now.checked_sub(age)),
            false => None,
        };
        let arrived = arrived.unwrap_or(tick.now);
        if self.session.receive(arrived, &packet) == Reception::Doubtful {
            return Taken::Nothing;
        }
        counters.rtp_received.add(1);
        let payload_type = header.payload_type;
        if self.negotiated.receive_events.contains(&payload_type) {
            let (digits, keys) = (&mut self.digits, &mut self.keys);
            let received = self.inbound.sound.keys.receive(arrived, &packet, |edge| {
                if let DigitEdge::Begin { digit } = edge
                    && keys.note(Way::Event, digit.to_char(), Duration::ZERO, tick.now)
                {
                    // Of more keys than a queue full nobody takes, the first are kept.
                    let _ = digits.try_push(digit.to_char());
                }
            });
            if received.is_err() {
                counters.rtp_malformed.add(1);
            }
            self.inbound.jitter.pass_over(&packet);
            return Taken::Key;
        }
        let Some(receiver) = self.inbound.formats.find(payload_type) else {
            if payload_type == PayloadType::COMFORT_NOISE && self.negotiated.receive {
                self.inbound.jitter.push(arrived, &packet, 0);
                self.inbound.resting = true;
                return Taken::Noise;
            }
            if payload_type != PayloadType::COMFORT_NOISE {
                counters.rtp_malformed.add(1);
            }
            self.inbound.jitter.pass_over(&packet);
            return Taken::Nothing;
        };
        let units = receiver.units(packet.payload);
        if units == 0 {
            counters.rtp_malformed.add(1);
            self.inbound.jitter.pass_over(&packet);
            return Taken::Nothing;
        }
        let sent = self.negotiated.codec;
        (self.inbound.resting, self.inbound.fit) =
            (false, receiver.codec == sent && units == sent.units());
        let clock_rate = receiver.codec.clock_rate;
        if clock_rate != self.inbound.jitter.clock_rate() {
            self.inbound.jitter.restart(clock_rate);
            self.session.set_receive_clock(clock_rate);
        }
        if self.negotiated.receive {
            self.inbound.jitter.push(arrived, &packet, units);
        }
        Taken::Sound(units)
    }
}
