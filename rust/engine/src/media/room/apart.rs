//! A mix for one leg alone.

use sems_audio::{DelayLine, Gain, Personal};

use super::{Bench, Room};
use crate::{
    ids::CallId,
    media::{leg::Part, worker::Tick},
};

/// What a leg's own mix has come to.
enum Mix {
    /// Nothing sounds.
    Silence,
    /// It is in the bench's sum.
    Summed,
    /// One prompt of the leg's own sounds, and is in the bench's packet as it is.
    Prepared,
}

impl Room {
    /// Gives a leg a mix of its own, or what all hear in its own coding.
    pub(super) fn speak_apart(&mut self, index: usize, bench: &mut Bench, tick: &mut Tick<'_>) {
        tick.counters.own_mixes.add(1);
        let (same, silent) = (self.hears_same(&self.legs[index]), self.is_silent());
        let later = self.legs[index].echoes_later();
        let mut line = self.legs[index].line.take();
        let mix = self.mix_apart(index, line.as_deref_mut().filter(|_| later), bench);
        self.legs[index].line = line;
        let place = self.legs[index].place;
        let (leg, coded) = (&mut self.legs[index], &mut self.coded[place]);
        if !leg.apart {
            // It goes on as loud as it was.
            leg.apart = true;
            leg.limiter = self.limiter_before;
        }
        if !self.is_plain {
            // What was heard in the tick before is what it goes on from, if it does not already.
            leg.part_from(&coded.encoder, None);
            match same {
                true => leg.come_back(silent),
                false => leg.linger_on(),
            }
        }
        let frame = &mut bench.frame[..self.rate.frame()];
        match mix {
            Mix::Silence => {
                // As if a silent sum were limited: what is at rest stays so.
                if !leg.limiter.is_at_rest() {
                    bench.sum.set_rate(self.rate);
                    leg.limiter.limit(bench.sum.samples(), frame);
                }
                if leg.codec().silence.is_some() {
                    leg.speak(&mut coded.silence, tick);
                    return;
                }
                leg.encode(self.rate.silence(), &mut bench.packet);
            }
            Mix::Prepared => {}
            Mix::Summed => {
                leg.limiter.limit(bench.sum.samples(), frame);
                leg.encode(frame, &mut bench.packet);
            }
        }
        leg.speak(&mut bench.packet, tick);
    }

    /// Makes a leg's own mix in the bench. `line`: by which it hears itself later.
    fn mix_apart(&self, index: usize, line: Option<&mut DelayLine>, bench: &mut Bench) -> Mix {
        let leg = &self.legs[index];
        let counted = leg.part == Part::Sounds;
        let hears_itself = leg.echo && leg.sounds();
        let others = self.talkers > usize::from(counted) || !self.players.is_empty();
        let others = others && !leg.deaf;
        let personal = leg.personal.as_deref().filter(|_| !leg.deaf);
        if !others && !hears_itself && line.is_none() && personal.is_none() {
            match &leg.players[..] {
                [] => return Mix::Silence,
                [one] if one.coded(leg.codec(), &mut bench.packet) => return Mix::Prepared,
                _ => {}
            }
        }
        self.mix_others(others, bench);
        if others && counted {
            bench.sum.subtract(leg.contribution(), Gain::UNITY);
        }
        if let Some(personal) = personal {
            self.mix_personal(leg.call(), personal, others, bench);
        }
        let own = hears_itself.then(|| match counted {
            true => leg.contribution(),
            false => leg.heard(),
        });
        if let Some(line) = line {
            line.set_rate(self.rate);
            let frame = &mut bench.frame[..self.rate.frame()];
            line.pass(own, frame);
            bench.sum.add(frame, Gain::UNITY);
        } else if let Some(own) = own {
            bench.sum.add(own, Gain::UNITY);
        }
        for player in &leg.players {
            let frame = &mut bench.frame[..self.rate.frame()];
            player.samples(frame);
            bench.sum.add(frame, Gain::UNITY);
        }
        Mix::Summed
    }

    /// All who are in the room's sum, and its prompts.
    fn mix_others(&self, others: bool, bench: &mut Bench) {
        if others && self.summed {
            bench.sum.clone_from(&self.sum);
            return;
        }
        bench.sum.set_rate(self.rate);
        for player in self.players.iter().filter(|_| others) {
            let frame = &mut bench.frame[..self.rate.frame()];
            player.samples(frame);
            bench.sum.add(frame, Gain::UNITY);
        }
    }

    /// Finds those who hear something else than all do in this tick: a gain for one who is silent, or one
    /// that changes nothing, is no reason to mix and to code for its listener alone.
    pub(super) fn tell_apart(&mut self) {
        if !self.personal {
            return;
        }
        for index in 0..self.legs.len() {
            let leg = &self.legs[index];
            let differs = leg.personal.as_deref().is_some_and(|personal| {
                let room = personal.room() != Gain::UNITY && !self.is_silent();
                room || self
                    .voices_for(leg.call(), personal)
                    .any(|(summed, _, gain)| !summed || gain != Gain::UNITY)
            });
            self.legs[index].differs = differs;
        }
    }

    /// Those of whom `listener` hears something else than all do, or may: whether the room hears them,
    /// what they say, and how loud that is for it.
    fn voices_for<'a>(
        &'a self,
        listener: CallId,
        personal: &'a Personal<CallId>,
    ) -> impl Iterator<Item = (bool, &'a [i16], Gain)> {
        let legs = self
            .sounding
            .iter()
            .map(|index| &self.legs[*index as usize]);
        let here = legs.map(|leg| (leg.call(), leg.part == Part::Sounds, leg.contribution()));
        let parts = self.parts.iter().flat_map(|parts| parts.current());
        let length = self.rate.frame();
        let elsewhere = parts.flat_map(|partial| &partial.voices);
        let elsewhere = elsewhere.filter(move |voice| voice.frame().len() == length);
        here.chain(elsewhere.map(|voice| (voice.call, voice.summed, voice.frame())))
            .filter(move |(call, ..)| *call != listener)
            .filter_map(|(call, summed, frame)| {
                let gain = match summed {
                    true => personal.gain(call),
                    false => personal.whisper(call),
                };
                Some((summed, frame, gain?))
            })
    }

    /// Exchanges those for whom `listener` has a gain, turns the rest up or down, and adds what is
    /// whispered to it.
    fn mix_personal(
        &self,
        listener: CallId,
        personal: &Personal<CallId>,
        others: bool,
        bench: &mut Bench,
    ) {
        let voices = || self.voices_for(listener, personal);
        if others {
            for (_, frame, _) in voices().filter(|(summed, ..)| *summed) {
                bench.sum.subtract(frame, Gain::UNITY);
            }
            bench.sum.scale(personal.room());
        }
        for (_, frame, gain) in voices() {
            bench.sum.add(frame, gain);
        }
    }
}
