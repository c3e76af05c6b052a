//! What legs share: the rate of their room, and what is coded once for all who only listen.

use std::time::Instant;

use sems_audio::{Converter, Rate};

use super::{Coded, Packet, Room};
use crate::media::{
    leg::{Leg, LegUpdate, Part},
    message::{Trash, Waste},
    worker::Tick,
};

/// What all who listen hear, at a lower rate than the room's.
pub(super) struct Lowered {
    converter: Converter,
    frame: Box<[i16]>,
    /// It is of this tick.
    done: bool,
}

impl Lowered {
    fn new(from: Rate, to: Rate) -> Box<Self> {
        Box::new(Self {
            converter: Converter::new(from, to),
            frame: to.silence().into(),
            done: false,
        })
    }
}

impl Room {
    /// Takes a leg in.
    pub(in crate::media) fn admit(&mut self, leg: Box<Leg>, trash: &Trash) {
        self.rates[leg.rate() as usize] += 1;
        self.legs.push(leg);
        self.prepare(self.legs.len() - 1);
        self.make_places();
        self.prepare_passing();
        self.adapt(self.legs.len() - 1, trash);
    }

    /// Takes a leg out, which hears on from where it is.
    pub(in crate::media) fn dismiss(
        &mut self,
        index: usize,
        now: Instant,
        trash: &Trash,
    ) -> Box<Leg> {
        self.end_passing(now);
        if !self.is_plain {
            let coded = &self.coded[self.legs[index].place];
            self.legs[index].part_from(&coded.encoder, None);
        }
        let leg = self.legs.swap_remove(index);
        self.rates[leg.rate() as usize] -= 1;
        if !self.legs.is_empty() {
            self.adapt(0, trash);
        }
        leg
    }

    /// A leg goes over to a new agreement.
    pub(in crate::media) fn change(
        &mut self,
        index: usize,
        update: &mut LegUpdate,
        tick: &Tick<'_>,
    ) {
        self.end_passing(tick.now);
        self.rates[self.legs[index].rate() as usize] -= 1;
        self.legs[index].update(update, tick.now);
        self.rates[self.legs[index].rate() as usize] += 1;
        self.prepare(index);
        self.adapt(index, tick.trash);
    }

    /// The highest rate of the legs.
    pub(in crate::media) fn own_rate(&self) -> Rate {
        let mut rates = Rate::ALL.into_iter().rev();
        let highest = rates.find(|rate| self.rates[*rate as usize] > 0);
        highest.unwrap_or_default()
    }

    /// Another part of the room has a leg of a higher rate, or has none of that any more.
    pub(super) fn adapt_to_parts(&mut self, trash: &Trash) {
        let others = self.parts.as_ref().map(|parts| parts.rate());
        if self.own_rate().max(others.unwrap_or_default()) != self.rate {
            self.adapt(0, trash);
        }
    }

    /// Goes over to the highest rate of the legs, those in other parts of the room included;
    /// `changed` is one that has changed itself, or come.
    fn adapt(&mut self, changed: usize, trash: &Trash) {
        let others = self.parts.as_ref().map(|parts| parts.rate());
        let rate = self.own_rate().max(others.unwrap_or_default());
        let legs = match rate == self.rate {
            true => changed..changed + 1,
            false => 0..self.legs.len(),
        };
        let was_plain = self.is_plain && rate == self.rate;
        if rate != self.rate {
            self.rate = rate;
            self.sum.set_rate(rate);
            self.heard = rate.silence().into();
            self.lowered = [const { None }; Rate::ALL.len()];
            for player in &mut self.players {
                player.meet(rate, trash);
            }
        }
        for leg in &mut self.legs[legs] {
            if let Some(edge) = leg.meet(rate) {
                trash.put(Waste::Edge(edge));
            }
            for player in &mut leg.players {
                player.meet(rate, trash);
            }
        }
        self.is_plain = match was_plain {
            true => self.legs[changed].is_plain(),
            false => self.legs.iter().all(|leg| leg.is_plain()),
        };
        if !self.is_plain {
            for coded in &self.coded {
                let lower = coded.codec.rate;
                if lower < rate {
                    let lowered = &mut self.lowered[lower as usize];
                    lowered.get_or_insert_with(|| Lowered::new(rate, lower));
                }
            }
        }
    }

    /// Makes ready to code for a leg, and shows it its place.
    fn prepare(&mut self, index: usize) {
        let leg = &self.legs[index];
        let (codec, parameters) = (leg.codec(), leg.parameters());
        let mut all = self.coded.iter();
        let same = |coded: &Coded| coded.codec == codec && coded.parameters == parameters;
        let place = all.position(same).unwrap_or(self.coded.len());
        if place == self.coded.len() {
            self.coded.push(Coded {
                codec,
                parameters,
                encoder: codec.encoder(parameters),
                silence: Packet::new(codec),
                mix: Packet::new(codec),
                mixed: false,
                was_mixed: false,
            });
        }
        self.legs[index].place = place;
    }

    /// Has those who hear something of their own from this tick on take over what was coded and
    /// filtered for all so far, before that goes on.
    pub(super) fn part_ways(&mut self) {
        for index in 0..self.legs.len() {
            let leg = &self.legs[index];
            if leg.part == Part::SitsOut || leg.codes_itself() || self.hears_same(leg) {
                continue;
            }
            let coded = &self.coded[leg.place];
            let lowered = self.lowered[coded.codec.rate as usize].as_deref();
            let converter = lowered.filter(|lowered| lowered.done);
            let converter = converter.map(|lowered| &lowered.converter);
            self.legs[index].part_from(&coded.encoder, converter);
        }
        for lowered in self.lowered.iter_mut().flatten() {
            if !std::mem::take(&mut lowered.done) {
                lowered.converter.reset();
            }
        }
    }

    /// Gives a leg what all who listen hear.
    pub(super) fn speak_shared(&mut self, index: usize, tick: &Tick<'_>) {
        let place = self.legs[index].place;
        // Where silence has to be coded, it is.
        let rests = self.is_silent() && self.coded[place].codec.silence.is_some();
        if !rests && !self.coded[place].mixed {
            self.code(place, index);
        }
        let (leg, coded) = (&mut self.legs[index], &mut self.coded[place]);
        leg.apart = false;
        if !self.is_plain {
            leg.join_all();
        }
        match rests {
            true => leg.speak(&mut coded.silence, tick),
            false => leg.speak(&mut coded.mix, tick),
        }
    }

    /// Codes what all who listen hear, as the leg wants it and all others at the same place do.
    fn code(&mut self, place: usize, index: usize) {
        let alone = self.plays_alone();
        let codec = self.coded[place].codec;
        self.coded[place].mixed = true;
        if alone {
            if self.players[0].coded(codec, &mut self.coded[place].mix) {
                return;
            }
            self.players[0].samples(&mut self.heard);
        } else if self.is_silent() {
            self.heard.fill(0);
        } else {
            self.limit();
        }
        let frame = match &mut self.lowered[codec.rate as usize] {
            Some(lowered) if codec.rate < self.rate => {
                if !std::mem::replace(&mut lowered.done, true) {
                    lowered.converter.convert(&self.heard, &mut lowered.frame);
                }
                &*lowered.frame
            }
            _ => &*self.heard,
        };
        let (coded, leg) = (&mut self.coded[place], &self.legs[index]);
        if !coded.was_mixed && leg.codes_itself() {
            // Nobody has heard it: it goes on from what the first who comes back has heard.
            coded.encoder.continue_from(leg.own_encoder());
        }
        coded.mix.encode(&mut coded.encoder, frame);
    }
}
