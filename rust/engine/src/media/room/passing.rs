//! Two legs that hear each other as they are: their packets go on as they come.
//!
//! A room that levels, gates and limits nothing, and at whose levels nobody looks, has nothing to
//! decode for two legs of one codec, until somebody is to hear more than they say: a prompt, a
//! recording, a tap, a third leg. Then it mixes as any other.

use std::time::Instant;

use super::{Room, RoomSettings};
use crate::media::worker::Tick;

/// Ticks for which nobody has needed sound before packets go on as they come: half a second, so that
/// one prompt after the other does not mean a change each time.
const REST: u8 = 25;

/// How far a room is with that.
#[derive(Default)]
pub(super) struct Passing {
    on: bool,
    /// Ticks in which it could have been.
    rested: u8,
}

impl Room {
    /// Whether packets may go on as they come, as far as that is the room's.
    fn keeps_sound(&self) -> bool {
        let as_it_is = self.settings == RoomSettings::default() && !self.watched;
        as_it_is && self.id.is_some() && self.parts.is_none()
    }

    /// Makes ready for it where it may be.
    pub(in crate::media) fn prepare_passing(&mut self) {
        if self.keeps_sound() {
            for leg in &mut self.legs {
                leg.make_room();
            }
        }
    }

    /// Packets go on as they come.
    pub(super) fn is_passing(&self) -> bool {
        self.passing.on
    }

    /// Whether nobody needs sound.
    fn can_pass(&self) -> bool {
        let [one, two] = &self.legs[..] else {
            return false;
        };
        let unheard =
            self.players.is_empty() && self.sinks.is_empty() && self.recordings.is_empty();
        self.keeps_sound()
            && unheard
            && one.needs_no_sound()
            && two.needs_no_sound()
            && one.suits(two)
            && two.suits(one)
    }

    /// Does a tick's work if packets go on as they come.
    pub(super) fn pass(&mut self, tick: &mut Tick<'_>) -> bool {
        if !self.can_pass() {
            self.end_passing(tick.now);
            self.passing.rested = 0;
            return false;
        }
        let begins = !self.passing.on;
        if begins {
            self.passing.rested = self.passing.rested.saturating_add(1);
            if self.passing.rested < REST {
                return false;
            }
            for leg in &mut self.legs {
                leg.collect(tick);
            }
            if !self.can_pass() || !self.legs.iter().all(|leg| leg.is_steady()) {
                return false;
            }
            self.passing.on = true;
        }
        let settings = self.settings;
        let [one, two] = &mut self.legs[..] else {
            return false;
        };
        let places = [two.place, one.place];
        for (to, turn) in places.into_iter().zip([false, true]) {
            let (from, to_leg) = match turn {
                false => (&mut *one, &mut *two),
                true => (&mut *two, &mut *one),
            };
            let packet = &mut self.coded[to].mix;
            if begins {
                from.begin_passing(to_leg, settings, packet, tick);
            }
            if from.begin(tick.now) {
                from.pass(to_leg, packet, tick);
                from.look_after(tick);
            }
        }
        self.rest_mix();
        self.tell_levels(tick);
        true
    }

    /// Nothing is mixed in this tick.
    fn rest_mix(&mut self) {
        (self.talkers, self.summed, self.limited) = (0, false, false);
        self.sounding.clear();
        for coded in &mut self.coded {
            (coded.mixed, coded.was_mixed) = (false, false);
        }
    }

    /// Goes over to mixing, if packets have gone on as they came.
    pub(in crate::media) fn end_passing(&mut self, now: Instant) {
        if !std::mem::take(&mut self.passing.on) {
            return;
        }
        self.passing.rested = 0;
        let settings = self.settings;
        // Who has come since is at the end.
        let [one, two, ..] = &mut self.legs[..] else {
            return;
        };
        one.end_passing(two, settings, &mut self.coded[two.place].mix, now);
        two.end_passing(one, settings, &mut self.coded[one.place].mix, now);
    }
}
