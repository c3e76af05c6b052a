//! Packets to the peer: one each ptime for as long as we may send.

use std::time::Duration;

use sems_audio::{FRAME_SAMPLES, Frame, SAMPLE_RATE, codec::Codec, comfort_noise::MAX_DESCRIPTION};
use sems_rtp::{Digit, HEADER_LEN};

use super::{Leg, TICK_UNITS, dtx::Turn};
use crate::{command::Direction, media::worker::Tick};

/// Samples of the longest packet, 60 ms.
const LONGEST: usize = 3 * FRAME_SAMPLES;

/// 20 ms of coded audio with room for a header before it, so that one payload goes out to many
/// without being copied.
#[repr(align(64))]
pub struct Packet([u8; HEADER_LEN + FRAME_SAMPLES]);

impl Packet {
    /// A payload of nothing but `byte`.
    pub fn new(byte: u8) -> Self {
        Self([byte; HEADER_LEN + FRAME_SAMPLES])
    }

    /// The audio.
    pub fn payload(&mut self) -> &mut [u8; FRAME_SAMPLES] {
        let Some((_, payload)) = self.0.split_last_chunk_mut() else {
            unreachable!("a packet is longer than its payload")
        };
        payload
    }
}

/// Makes packets of another length than a tick's.
pub(super) struct Packetizer {
    /// Bytes of a full packet's payload.
    wanted: usize,
    filled: usize,
    packet: [u8; HEADER_LEN + LONGEST],
}

impl Packetizer {
    /// `None` for packets of one tick, which need none.
    pub(super) fn for_ptime(ptime_ms: u8) -> Option<Box<Self>> {
        let wanted =
            (usize::from(ptime_ms) / 10 * (FRAME_SAMPLES / 2)).clamp(FRAME_SAMPLES / 2, LONGEST);
        (wanted != FRAME_SAMPLES).then(|| {
            Box::new(Self {
                wanted,
                filled: 0,
                packet: [0; HEADER_LEN + LONGEST],
            })
        })
    }

    /// Takes as much of `payload` as the packet has room for; returns the rest.
    fn fill<'a>(&mut self, payload: &'a [u8]) -> &'a [u8] {
        let (now, rest) = payload.split_at(payload.len().min(self.wanted - self.filled));
        let start = HEADER_LEN + self.filled;
        self.packet[start..start + now.len()].copy_from_slice(now);
        self.filled += now.len();
        rest
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
            self.session.skip(TICK_UNITS);
            return;
        }
        if self.send_key(tick) {
            return;
        }
        if self.dtx.is_some() && self.rests(packet, tick) {
            return;
        }
        let payload_type = self.negotiated.payload_type;
        let Some(packetizer) = &mut self.packetizer else {
            let header = self.session.send(payload_type, TICK_UNITS, FRAME_SAMPLES);
            packet.0[..HEADER_LEN].copy_from_slice(&header.to_bytes());
            self.port.rtp.send(&packet.0, self.latch.destination());
            tick.counters.rtp_sent.add(1);
            return;
        };
        let mut rest: &[u8] = packet.payload();
        while !rest.is_empty() {
            rest = packetizer.fill(rest);
            if packetizer.filled == packetizer.wanted {
                let length = std::mem::take(&mut packetizer.filled);
                let header = self.session.send(payload_type, length as u32, length);
                let bytes = &mut packetizer.packet[..HEADER_LEN + length];
                bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
                self.port.rtp.send(bytes, self.latch.destination());
                tick.counters.rtp_sent.add(1);
            }
        }
    }

    /// Whether this tick is part of a pause, whose noise is described at most.
    fn rests(&mut self, packet: &mut Packet, tick: &Tick<'_>) -> bool {
        let Some(dtx) = &mut self.dtx else {
            return false;
        };
        let mut frame: Frame = [0; FRAME_SAMPLES];
        let mut decoder = self.negotiated.codec.decoder();
        decoder.decode(packet.payload(), &mut frame);
        match dtx.judge(&frame) {
            Turn::Speak => return false,
            Turn::Rest => self.session.skip(TICK_UNITS),
            Turn::Describe(payload, length) => {
                self.flush();
                let header = self.session.send_noise(TICK_UNITS, length);
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

    /// Sends what has been collected as a packet shorter than agreed.
    pub(super) fn flush(&mut self) {
        let Some(packetizer) = &mut self.packetizer else {
            return;
        };
        let length = std::mem::take(&mut packetizer.filled);
        if length == 0 {
            return;
        }
        let payload_type = self.negotiated.payload_type;
        let header = self.session.send(payload_type, length as u32, length);
        let bytes = &mut packetizer.packet[..HEADER_LEN + length];
        bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
        self.port.rtp.send(bytes, self.latch.destination());
    }

    /// Sends this tick's packet of a key press, if one is due.
    fn send_key(&mut self, tick: &Tick<'_>) -> bool {
        if self.events.as_ref().is_none_or(|events| events.is_idle()) {
            return false;
        }
        self.flush();
        let events = self.events.as_mut();
        let Some(event) = events.and_then(|events| events.tick(&mut self.session, TICK_UNITS))
        else {
            return false;
        };
        let mut bytes = [0; HEADER_LEN + 4];
        bytes[..HEADER_LEN].copy_from_slice(&event.header.to_bytes());
        bytes[HEADER_LEN..].copy_from_slice(&event.payload);
        self.port.rtp.send(&bytes, self.latch.destination());
        tick.counters.rtp_sent.add(1);
        true
    }

    /// Taps hear what the peer hears, codec and all.
    fn feed_outbound(&mut self, packet: &mut Packet, tick: &Tick<'_>) {
        let mut frame: Frame = [0; FRAME_SAMPLES];
        let mut decoder = self.negotiated.codec.decoder();
        decoder.decode(packet.payload(), &mut frame);
        let at = tick.wall.since_start(tick.now);
        self.sinks.write(Direction::Out, &frame, SAMPLE_RATE, at);
    }
}
