//! Packets that go from one leg to another as they come: neither decoded nor coded, and without delay.
//!
//! Each leg still has a session of its own with its peer: source, numbers, timestamps and reports.
//! What the peer sends is still counted, so what is known of the line stays true. When sound is
//! needed again, decoder, encoder and concealment take in the last packets that went on
//! ([`Leg::end_passing`]): then all is as if they had worked all the time.

use std::time::{Duration, Instant};

use sems_audio::{Gain, codec::Parameters};
use sems_rtp::{HEADER_LEN, PayloadType, RtpHeader, RtpPacket};

use super::{
    Leg, Packet,
    inbound::{Inbound, LONGEST, MAX_DATAGRAMS, Taken},
};
use crate::{
    command::RoomSettings,
    media::{counters::Counters, worker::Tick},
};

/// Ticks without a packet after which the peer is given silence instead: half a second. Codecs that
/// don't send their pauses let themselves be heard more often (RFC 7587 §3.1.3: 400 ms).
const SILENT_TICKS: u16 = 25;
/// A stream that comes at all has been heard so long ago at most.
const FLOWING: Duration = Duration::from_millis(80);
/// After so many ticks without a packet nothing of the sound before goes on.
const STOPPED_TICKS: u16 = 3;

impl Leg {
    /// Whether nobody needs what the peer says or hears as sound.
    pub(in crate::media) fn needs_no_sound(&self) -> bool {
        let as_all = !self.muted && !self.whispers && self.hears_as_all();
        let alone = self.players.is_empty() && self.sinks.is_empty() && !self.echo;
        // Packets of another length are made of ticks. Keys may be in the sound.
        let as_it_comes = self.packetizer.is_none() && self.inband.is_none();
        as_all
            && alone
            && as_it_comes
            && self.voice.gain() == Gain::UNITY
            && self.inbound.is_passable()
    }

    /// Whether what this leg's peer sends may go to the other's as it is.
    pub(in crate::media) fn suits(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.negotiated, &other.negotiated);
        let rests = !self.inbound.resting || theirs.comfort_noise;
        ours.codec == theirs.codec && rests && is_within(&ours.parameters, &theirs.parameters)
    }

    /// Whether it can go over to passing now without a click.
    pub(in crate::media) fn is_steady(&self) -> bool {
        let keyed = self.events.as_ref().is_some_and(|events| !events.is_idle());
        self.inbound.is_steady() && !keyed
    }

    /// Makes ready for packets that go on as they come.
    pub(in crate::media) fn make_room(&mut self) {
        self.inbound.make_room();
    }

    /// Takes in what has come to the port, without playing anything out.
    pub(in crate::media) fn collect(&mut self, tick: &mut Tick<'_>) {
        for _ in 0..MAX_DATAGRAMS {
            let Some((length, from)) = self.port.rtp.receive(tick.datagram) else {
                return;
            };
            self.take_in(tick, length, from);
        }
    }

    /// From this tick on the packets of this leg's peer go to the other's as they come, those that
    /// wait to be played out at first.
    pub(in crate::media) fn begin_passing(
        &mut self,
        to: &mut Self,
        settings: RoomSettings,
        packet: &mut Packet,
        tick: &mut Tick<'_>,
    ) {
        self.inbound.begin_passing();
        self.passing = true;
        let flows = self.negotiated.receive && self.control.heard_within(FLOWING, tick.now);
        to.silent = if flows { 0 } else { SILENT_TICKS };
        to.behind = 0;
        to.session.end_passage();
        let mut buffer = [0; HEADER_LEN + LONGEST];
        while let Some((header, units)) = self.inbound.pass(tick.now, true) {
            if header.payload_type == PayloadType::COMFORT_NOISE {
                continue;
            }
            if self.inbound.lead_over(tick.scratch) {
                self.take_part(settings);
                to.encode(self.contribution(), packet);
                to.speak(packet, tick);
            }
            let payload = self.inbound.newest();
            let end = HEADER_LEN + payload.len();
            buffer[HEADER_LEN..end].copy_from_slice(payload);
            to.send_on(&header, units, &mut buffer[..end], tick.counters);
        }
    }

    /// One tick of a leg whose peer's packets go to the other's. `packet`: for silence, where none
    /// come.
    pub(in crate::media) fn pass(
        &mut self,
        to: &mut Self,
        packet: &mut Packet,
        tick: &mut Tick<'_>,
    ) {
        let sends = to.negotiated.send && to.is_wanted();
        let keyed = sends && to.send_key(tick);
        let mut came = false;
        for _ in 0..MAX_DATAGRAMS {
            let Some((length, from)) = self.port.rtp.receive(tick.datagram) else {
                break;
            };
            let taken = self.take_in(tick, length, from);
            if taken == Taken::Nothing {
                continue;
            }
            let Ok(theirs) = RtpPacket::parse(&tick.datagram[..length]) else {
                continue;
            };
            let header = theirs.header;
            let start = theirs.payload.as_ptr().addr() - tick.datagram.as_ptr().addr();
            let end = start + theirs.payload.len();
            let units = match taken {
                Taken::Sound(units) if self.inbound.fit => units,
                Taken::Noise if to.negotiated.comfort_noise => to.units(),
                Taken::Key | Taken::Nothing => {
                    to.session.pass_over(&header);
                    continue;
                }
                // The next tick plays it out.
                Taken::Sound(_) | Taken::Noise => break,
            };
            self.let_pass(tick, false);
            if keyed || !sends || !self.negotiated.receive {
                continue;
            }
            came = true;
            // The header that the other's peer gets stands right before the payload.
            let datagram = &mut tick.datagram[start - HEADER_LEN..end];
            to.send_on(&header, units, datagram, tick.counters);
        }
        self.inbound.pass_time(came);
        if came || keyed {
            (to.silent, to.behind) = (0, 0);
            return;
        }
        to.silent = to.silent.saturating_add(1);
        if !sends {
            to.session.end_passage();
            to.session.skip(to.units());
        } else if to.silent >= SILENT_TICKS && !self.inbound.resting {
            to.catch_up_with_time();
            match to.codec().silence {
                Some(silence) => packet.place(to.codec().longest_frame).fill(silence),
                None => to.encode(to.room_rate.silence(), packet),
            }
            to.speak(packet, tick);
        } else {
            to.behind = to.behind.saturating_add(1);
        }
    }

    /// Takes packets that have gone on out of the buffer.
    fn let_pass(&mut self, tick: &Tick<'_>, whole: bool) {
        while self.inbound.pass(tick.now, whole).is_some() {}
    }

    /// Sends a packet on; `bytes` is its payload, with room for a header before it.
    fn send_on(&mut self, theirs: &RtpHeader, units: u32, bytes: &mut [u8], counters: &Counters) {
        let payload_type = match theirs.payload_type {
            noise @ PayloadType::COMFORT_NOISE => noise,
            _ => self.negotiated.payload_type,
        };
        let length = bytes.len() - HEADER_LEN;
        let idle = u32::from(self.behind) * self.units();
        let ours = self
            .session
            .pass_on(theirs, payload_type, units, length, idle);
        if let Some(header) = ours {
            bytes[..HEADER_LEN].copy_from_slice(&header.to_bytes());
            self.port.rtp.send(bytes, self.latch.destination());
            counters.rtp_sent.add(1);
            counters.rtp_passed.add(1);
        }
    }

    /// The timestamps of what we send go on over the ticks in which nothing was sent.
    fn catch_up_with_time(&mut self) {
        if self.behind > 0 {
            self.session.skip(u32::from(self.behind) * self.units());
            self.behind = 0;
        }
    }

    /// What this leg's peer sends is played out again, and the other hears what its room makes of it.
    pub(in crate::media) fn end_passing(
        &mut self,
        to: &mut Self,
        settings: RoomSettings,
        packet: &mut Packet,
        now: Instant,
    ) {
        self.passing = false;
        let noise_passes = !self.inbound.resting || to.negotiated.comfort_noise;
        if self.inbound.fit && noise_passes {
            while self.inbound.pass(now, true).is_some() {}
        }
        let stopped = to.silent >= STOPPED_TICKS;
        self.inbound.end_passing(stopped);
        to.session.end_passage();
        if to.behind > 1 {
            to.catch_up_with_time();
        }
        to.behind = 0;
        if stopped {
            return;
        }
        to.code_alone();
        for place in 0..Inbound::kept() {
            if self.inbound.hear_again(place) {
                self.take_part(settings);
                to.encode(self.contribution(), packet);
            }
        }
        to.own.encoder.stand_alone();
    }
}

/// Whether packets for a peer that wants to be sent `ours` are what one that wants `theirs` would
/// take. Who asks for a limit keeps to it: a stream is its peer's, and limits that differ are kept by
/// coding anew.
fn is_within(ours: &Parameters, theirs: &Parameters) -> bool {
    let limits = |all: &Parameters| {
        (
            all.max_playback_rate,
            all.max_average_bitrate,
            all.constant_bitrate,
        )
    };
    limits(theirs) == limits(&Parameters::default()) || limits(theirs) == limits(ours)
}
