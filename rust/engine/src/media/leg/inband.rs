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

/// The ear of one leg.
pub(super) struct Inband {
    detector: Detector,
    /// It has heard something since the last silence.
    listening: bool,
}

impl Inband {
    /// For a peer that sends no telephone-events; `None` for all others.
    pub(super) fn for_peer(negotiated: &Negotiated) -> Option<Box<Self>> {
        let needed = negotiated.receive_events.is_empty();
        needed.then(|| {
            Box::new(Self {
                detector: Detector::new(negotiated.codec.rate.hz()),
                listening: false,
            })
        })
    }

    /// Hears 20 ms of any rate; returns whether a key sounds, and tells `press` of those that begin.
    fn hear(&mut self, frame: &[i16], mut press: impl FnMut(char)) -> bool {
        let rate = frame.len() as u32 * 50;
        if self.detector.rate() != rate {
            self.detector = Detector::new(rate);
        }
        self.listening = true;
        self.detector.push(frame, |edge| {
            if let Edge::Down(key) = edge {
                press(key);
            }
        });
        self.detector.is_sounding()
    }

    fn rest(&mut self) {
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
