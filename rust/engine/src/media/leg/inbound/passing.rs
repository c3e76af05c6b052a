//! The peer's packets while they go on as they come ([`passing`](super::super::passing)), and the way
//! between that and being played out, without a click.

use std::time::Instant;

use arrayvec::ArrayVec;
use sems_audio::{Level, comfort_noise::NoiseDescription};
use sems_rtp::{PayloadType, RtpHeader};

use super::Inbound;

/// Packets that are kept: what a codec remembers, and what concealment needs.
const KEPT: usize = 3;
/// The longest payload of a tick.
pub(in crate::media::leg) const LONGEST: usize = 1_920;

/// The last payloads that have gone on as they came.
#[derive(Default)]
pub(in crate::media::leg) struct Recent {
    /// Those before the newest have turns in the same order.
    payloads: [ArrayVec<u8, LONGEST>; KEPT],
    /// The place of the next one.
    next: usize,
}

impl Recent {
    fn clear(&mut self) {
        for payload in &mut self.payloads {
            payload.clear();
        }
    }

    fn push(&mut self, payload: &[u8]) {
        let place = &mut self.payloads[self.next];
        place.clear();
        // A longer one is no 20 ms of any codec.
        let _ = place.try_extend_from_slice(payload);
        self.next = (self.next + 1) % KEPT;
    }

    fn newest(&self) -> &[u8] {
        &self.payloads[(self.next + KEPT - 1) % KEPT]
    }
}

impl Inbound {
    /// Makes room for the packets that are kept.
    pub(in crate::media::leg) fn make_room(&mut self) {
        self.recent.get_or_insert_default();
    }

    /// Whether packets may go on as they come, as far as that depends on what has come.
    pub(in crate::media::leg) fn is_passable(&self) -> bool {
        self.fit && self.recent.is_some()
    }

    /// Whether what is being played out can be left now: nothing is being made up, and what is left
    /// of a packet can be led over to the next one.
    pub(in crate::media::leg) fn is_steady(&self) -> bool {
        let frame = self.rate.frame();
        let rest = match self.has_rest {
            true => self.sound.rest.len() < frame && self.is_deep(),
            false => true,
        };
        rest && (self.concealed == 0 || !self.sounding[self.newest])
    }

    /// From now on packets go on as they come. Nothing is heard of them here.
    pub(in crate::media::leg) fn begin_passing(&mut self) {
        if let Some(recent) = &mut self.recent {
            recent.clear();
        }
        (self.level, self.absent) = (Level::SILENCE, false);
    }

    /// Takes the next packet that has come; its header, and how many units it lasts. The payload is
    /// [`newest`](Self::newest). `whole`: with all that is held.
    pub(in crate::media::leg) fn pass(
        &mut self,
        now: Instant,
        whole: bool,
    ) -> Option<(RtpHeader, u32)> {
        let ssrc = self.jitter.ssrc()?;
        let played = self.jitter.statistics().played;
        let frame = self.jitter.pass(now, whole)?;
        if frame.lost_before > 0 {
            self.sound.bursts.lost(frame.lost_before, played);
        }
        let header = RtpHeader {
            marker: frame.marker,
            payload_type: frame.payload_type,
            sequence: frame.sequence,
            timestamp: frame.timestamp,
            ssrc,
        };
        self.noisy = frame.payload_type == PayloadType::COMFORT_NOISE;
        if !self.noisy {
            self.recent.as_mut()?.push(frame.payload);
        } else if let Some(noise) = NoiseDescription::parse(frame.payload) {
            self.sound.noise.describe(&noise);
        }
        Some((header, frame.duration))
    }

    /// The payload of the packet that was taken last, if it was audio.
    pub(in crate::media::leg) fn newest(&self) -> &[u8] {
        let recent = self.recent.as_deref();
        recent.map(Recent::newest).unwrap_or_default()
    }

    /// A tick has gone by. `came`: with packets.
    pub(in crate::media::leg) fn pass_time(&mut self, came: bool) {
        if !came {
            self.jitter.pass_time(self.formats.current().codec.units());
        }
        if self.speech.is_speaking() {
            self.speech.push(self.rate.silence(), Level::SILENCE);
        }
    }

    /// Leads what is left of a packet over to the one that was taken last, which begins after this
    /// tick: fades to the 20 ms before it. `false`: nothing is left.
    pub(in crate::media::leg) fn lead_over(&mut self, scratch: &mut [i16]) -> bool {
        let frame = self.rate.frame();
        let left = self.sound.rest.len().min(frame);
        if !std::mem::take(&mut self.has_rest) || left == 0 {
            return false;
        }
        let payload = self.recent.as_deref().map(Recent::newest);
        let next = &mut scratch[..frame];
        let decoder = &mut self.formats.current_mut().decoder;
        let count = decoder.decode(payload.unwrap_or_default(), next);
        next[count.min(frame)..].fill(0);
        let sounded = self.sounding[self.newest];
        self.newest ^= 1;
        let [one, two] = &mut self.sound.frames;
        let (new, old) = match self.newest {
            0 => (one, &*two),
            _ => (two, &*one),
        };
        let rest = &self.sound.rest[..left];
        for (index, sample) in new[..frame].iter_mut().enumerate() {
            let going_on = match index < left {
                true => rest[index],
                false => next[index - left],
            };
            let before_next = match index.checked_sub(frame - left) {
                Some(index) => rest[index],
                None if sounded => old[left + index],
                None => 0,
            };
            let (going_on, before_next) = (i32::from(going_on), i32::from(before_next));
            let (part, whole) = (index as i32, frame as i32);
            *sample = ((going_on * (whole - part) + before_next * part) / whole) as i16;
        }
        self.sound.rest.clear();
        self.note_frame();
        true
    }

    /// Hears the packet that was passed on so long ago (0: the last but two) as if it had been played
    /// out in its time; `false`: there is none.
    pub(in crate::media::leg) fn hear_again(&mut self, place: usize) -> bool {
        let Some(recent) = self.recent.as_deref() else {
            return false;
        };
        let payload = &recent.payloads[(recent.next + place) % KEPT];
        if payload.is_empty() {
            return false;
        }
        self.newest ^= 1;
        let frame = &mut self.sound.frames[self.newest][..self.rate.frame()];
        let decoder = &mut self.formats.current_mut().decoder;
        let count = decoder.decode(payload, frame).min(frame.len());
        frame[count..].fill(0);
        self.note_frame();
        true
    }

    /// Packets are played out again, without any memory of sound if the stream has stopped.
    pub(in crate::media::leg) fn end_passing(&mut self, stopped: bool) {
        if stopped {
            self.sounding = [false; 2];
        }
        (self.has_rest, self.concealed, self.made_up) = (false, 0, false);
        self.hungry = true;
    }

    fn note_frame(&mut self) {
        let frame = &self.sound.frames[self.newest][..self.rate.frame()];
        self.level = Level::rms(frame);
        self.sounding[self.newest] = self.level > Level::SILENCE;
        self.concealed = 0;
    }

    /// How many packets are kept.
    pub(in crate::media::leg) const fn kept() -> usize {
        KEPT
    }
}
