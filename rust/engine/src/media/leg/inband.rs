//! Keys in the sound itself, of peers that did not agree on telephone-events.
//!
//! Who has agreed on them has no detector, and who makes no sound is not listened to, so neither
//! costs anything. While a key sounds nobody else hears it: he who presses one talks to us.

use std::time::{Duration, Instant};

use sems_audio::{
    Level,
    dtmf::{Detector, Edge},
};

use super::{Leg, Negotiated, keys::Way};
use crate::media::worker::Tick;

/// What is softer holds no key, nor the beginning of one.
const AUDIBLE: Level = Level::from_dbov(-55);
/// So many ticks in a row may be lost of a key, or late, without it being pressed anew.
const ABSENT_TICKS: u8 = 6;

/// The ear of one leg.
pub(super) struct Inband {
    detector: Detector,
    /// It has heard something since the last silence.
    listening: bool,
    /// Ticks since it last heard what was said.
    absent: u8,
}

impl Inband {
    /// For a peer that sends no telephone-events; `None` for all others.
    pub(super) fn for_peer(negotiated: &Negotiated) -> Option<Box<Self>> {
        let needed = negotiated.receive_events.is_empty();
        needed.then(|| {
            Box::new(Self {
                detector: Detector::new(negotiated.codec.rate.hz()),
                listening: false,
                absent: 0,
            })
        })
    }

    /// Hears 20 ms of any rate; returns whether a key sounds, and tells `press` of those that begin.
    fn hear(&mut self, frame: &[i16], mut press: impl FnMut(char)) -> bool {
        let rate = frame.len() as u32 * 50;
        if self.detector.rate() != rate {
            self.detector = Detector::new(rate);
        }
        (self.listening, self.absent) = (true, 0);
        self.detector.push(frame, |edge| {
            if let Edge::Down(key) = edge {
                press(key);
            }
        });
        self.detector.is_sounding()
    }

    /// What was said is missing: a key that sounds is not let go for that. Returns whether one does.
    fn miss(&mut self) -> bool {
        self.absent += 1;
        if self.absent > ABSENT_TICKS {
            self.rest();
        }
        self.detector.is_sounding()
    }

    fn rest(&mut self) {
        self.absent = 0;
        if std::mem::take(&mut self.listening) {
            self.detector.rest(|_| {});
        }
    }
}

impl Leg {
    /// Listens for keys in what was played out, unless the peer sends them as events.
    #[inline]
    pub(super) fn listen_for_keys(&mut self, tick: &Tick<'_>) {
        if self.inband.is_some() {
            self.listen(tick);
        }
    }

    fn listen(&mut self, tick: &Tick<'_>) {
        let sounds = self.inbound.tick_level() >= AUDIBLE;
        let Some(inband) = &mut self.inband else {
            return;
        };
        if self.inbound.is_absent() && inband.listening {
            if inband.miss() {
                self.inbound.hush();
            }
            return;
        }
        if !sounds {
            inband.rest();
            return;
        }
        tick.counters.dtmf_listened.add(1);
        let (digits, keys) = (&mut self.digits, &mut self.keys);
        let now: Instant = tick.now;
        let pressed = inband.hear(self.inbound.heard(), |key| {
            if keys.note(Way::Tone, key, Duration::ZERO, now) {
                let _ = digits.try_push(key);
            }
        });
        if pressed {
            self.inbound.hush();
        }
    }
}
