//! Packets to the peer: one each ptime for as long as we may send.

use std::time::Duration;

use sems_audio::{
    Frame, Rate, SILENCE,
    codec::{self, Codec, Encoder, Parameters},
    comfort_noise::MAX_DESCRIPTION,
};
use sems_rtp::{Digit, HEADER_LEN};

use super::{Leg, dtx::Turn};
use crate::{
    command::Direction,
    media::{
        tap::{Purpose, TapWriter},
        worker::Tick,
    },
};

/// 20 ms of coded audio with room for a header before it, so that one payload goes out to many
/// without being copied.
pub struct Packet {
    bytes: Box<[u8]>,
    /// Of the payload. 0: there is nothing that would have to be sent.
    length: usize,
}

impl Packet {
    /// Room for 20 ms of `codec`, and silence in it where silence is always the same.
    pub fn new(codec: &Codec) -> Self {
        let silence = codec.silence.unwrap_or_default();
        Self {
            bytes: vec![silence; HEADER_LEN + codec.longest_frame].into(),
            length: match codec.silence {
                Some(_) => codec.longest_frame,
                None => 0,
            },
        }
    }

    /// Room for 20 ms of any codec.
    pub fn of_any_codec() -> Self {
        let longest = codec::all().iter().map(|codec| codec.longest_frame).max();
        Self {
            bytes: vec![0; HEADER_LEN + longest.unwrap_or(0)].into(),
            length: 0,
        }
    }

    /// Codes 20 ms.
    #[inline]
    pub fn encode(&mut self, encoder: &mut Encoder, samples: &[i16]) {
        self.length = encoder.encode(samples, &mut self.bytes[HEADER_LEN..]);
    }

    /// A place for audio that is coded already, if it has room for so many bytes.
    pub fn place(&mut self, length: usize) -> &mut [u8] {
        self.length = length.min(self.bytes.len() - HEADER_LEN);
        &mut self.bytes[HEADER_LEN..HEADER_LEN + self.length]
    }

    /// The audio.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER_LEN..HEADER_LEN + self.length]
    }
}

impl Leg {
    /// Sends 20 ms of audio in our codec, or holds them until a packet is full. While a key is
    /// being sent, that goes out instead.
    pub(in crate::media) fn speak(&mut self, packet: &mut Packet, tick: &Tick<'_>) {
        if self.sinks.want(Direction::Out) {
            self.feed_outbound(packet, tick);
        }
        if !self.negotiated.send || !self.is_wanted() {
            self.session.skip(self.units());
            return;
        }
        if self.send_key(tick) {
            return;
        }
        if packet.length == 0 {
            self.flush();
            self.session.skip(self.units());
            return;
        }
        if self.dtx.is_some() && self.rests(packet, tick) {
            return;
        }
        let payload_type = self.negotiated.payload_type;
        let Some(packetizer) = &mut self.packetizer else {
            let units = self.negotiated.codec.units();
            let header = self.session.send(payload_type, units, packet.length);
            packet.bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
            let bytes = &packet.bytes[..HEADER_LEN + packet.length];
            self.port.rtp.send(bytes, self.latch.destination());
            tick.counters.rtp_sent.add(1);
            return;
        };
        let mut rest = packet.payload();
        while !rest.is_empty() {
            rest = packetizer.fill(rest);
            if !packetizer.is_full() && rest.is_empty() {
                break;
            }
            let Some((bytes, units)) = packetizer.take() else {
                break;
            };
            let length = bytes.len() - HEADER_LEN;
            let header = self.session.send(payload_type, units, length);
            bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
            self.port.rtp.send(bytes, self.latch.destination());
            tick.counters.rtp_sent.add(1);
        }
    }

    /// Whether this tick is part of a pause, whose noise is described at most.
    fn rests(&mut self, packet: &mut Packet, tick: &Tick<'_>) -> bool {
        let Some(dtx) = &mut self.dtx else {
            return false;
        };
        // Only codecs without a memory, at 8 kHz, have it.
        let mut frame: Frame = SILENCE;
        let mut decoder = self.negotiated.codec.decoder();
        decoder.decode(packet.payload(), &mut frame);
        match dtx.judge(&frame) {
            Turn::Speak => return false,
            Turn::Rest => self.session.skip(self.negotiated.codec.units()),
            Turn::Describe(payload, length) => {
                self.flush();
                let units = self.units();
                let header = self.session.send_noise(units, length);
                let mut bytes = [0; HEADER_LEN + MAX_DESCRIPTION];
                bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
                bytes[HEADER_LEN..].copy_from_slice(&payload);
                let bytes = &bytes[..HEADER_LEN + length];
                self.port.rtp.send(bytes, self.latch.destination());
                tick.counters.rtp_sent.add(1);
            }
        }
        true
    }

    /// Queues key presses of `duration` each.
    pub(in crate::media) fn press(
        &mut self,
        keys: &[Digit],
        duration: Duration,
    ) -> Result<(), String> {
        let Some(events) = &mut self.events else {
            return Err(format!(
                "call {} did not agree on telephone-event",
                self.call
            ));
        };
        let taken = self.negotiated.events;
        if let Some(key) = keys.iter().find(|key| !taken.contains(key.event())) {
            return Err(format!("the peer takes no key {}", key.to_char()));
        }
        for key in keys {
            if events.press(*key, duration).is_err() {
                return Err("too many digits are waiting to be sent".to_owned());
            }
        }
        Ok(())
    }

    /// Our codec.
    pub(in crate::media) fn codec(&self) -> &'static Codec {
        self.negotiated.codec
    }

    /// How the peer wants it coded.
    pub(in crate::media) fn parameters(&self) -> Parameters {
        self.negotiated.parameters
    }

    /// Timestamp units of a tick that we send.
    pub(super) fn units(&self) -> u32 {
        self.negotiated.codec.units()
    }

    /// Sends what has been collected as a packet shorter than agreed.
    pub(super) fn flush(&mut self) {
        let Some((bytes, units)) = self.packetizer.as_mut().and_then(|all| all.take()) else {
            return;
        };
        let payload_type = self.negotiated.payload_type;
        let length = bytes.len() - HEADER_LEN;
        let header = self.session.send(payload_type, units, length);
        bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        self.port.rtp.send(bytes, self.latch.destination());
    }

    /// Sends this tick's packet of a key press, if one is due.
    pub(super) fn send_key(&mut self, tick: &Tick<'_>) -> bool {
        if self.events.as_ref().is_none_or(|events| events.is_idle()) {
            return false;
        }
        self.flush();
        let units = self.units();
        let events = self.events.as_mut();
        let Some(event) = events.and_then(|events| events.tick(&mut self.session, units)) else {
            return false;
        };
        let mut bytes = [0; HEADER_LEN + 4];
        bytes[..HEADER_LEN].copy_from_slice(&event.header.to_bytes());
        bytes[HEADER_LEN..].copy_from_slice(&event.payload);
        self.port.rtp.send(&bytes, self.latch.destination());
        tick.counters.rtp_sent.add(1);
        true
    }

    /// Somebody gets a direction of it.
    pub(in crate::media) fn add_sink(
        &mut self,
        direction: Direction,
        purpose: Purpose,
        writer: TapWriter,
    ) {
        if direction == Direction::Out && self.monitor.is_none() {
            self.monitor = Some(self.codec().decoder());
        }
        self.sinks.add(direction, purpose, writer);
    }

    /// Taps hear what the peer hears, codec and all.
    fn feed_outbound(&mut self, packet: &Packet, tick: &Tick<'_>) {
        let Some(decoder) = &mut self.monitor else {
            return;
        };
        let mut frame = [0; Rate::LONGEST_FRAME];
        let rate = self.negotiated.codec.rate;
        let frame = &mut frame[..rate.frame()];
        decoder.decode(packet.payload(), frame);
        let at = tick.wall.since_start(tick.now);
        self.sinks.write(Direction::Out, frame, rate.hz(), at);
    }
}
