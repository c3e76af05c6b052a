//! Legs that hear each other.
//!
//! At a tick all legs are heard first, and those that sound are added up once. Then each leg gets
//! its mix: who only listens shares one coded payload with all others of the same codec; who
//! sounds gets the sum without itself; who has private sounds (a prompt of its own, echo) gets
//! those on top. Where nothing but one prompt sounds, its prepared coding is sent as it is.

use sems_audio::{
    Frame, Gain, Rate, SILENCE, Sum,
    codec::{Codec, Encoder},
};

use super::{
    leg::{Leg, Packet, Part},
    message::Waste,
    player::Player,
    worker::Tick,
};
use crate::{
    event::{Event, LevelList},
    ids::{PlayId, RoomId},
};

/// Levels are told each 100 ms.
const LEVEL_TICKS: u32 = 5;

/// One room.
pub struct Room {
    /// `None`: the own room of a call.
    pub(super) id: Option<RoomId>,
    // A leg moves between rooms as a pointer.
    #[expect(clippy::vec_box)]
    pub(super) legs: Vec<Box<Leg>>,
    /// Its place in the schedule, while it has something to do.
    pub(super) slot: Option<usize>,
    /// Its levels are told.
    pub(super) watched: bool,
    players: Vec<Player>,
    sum: Sum,
    /// Legs in the sum.
    talkers: usize,
    coded: Vec<Coded>,
    ticks: u32,
    told_levels: bool,
}

/// What those who share a codec can share of a tick.
struct Coded {
    codec: &'static Codec,
    encoder: Encoder,
    silence: Packet,
    mix: Packet,
    /// `mix` is of this tick.
    mixed: bool,
}

/// Where one leg's own mix is made; one a worker.
pub(super) struct Bench {
    sum: Sum,
    frame: Frame,
    packet: Packet,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            sum: Sum::new(Rate::Narrow),
            frame: SILENCE,
            packet: Packet::new(0),
        }
    }
}

impl Room {
    /// An empty room.
    pub fn new(id: Option<RoomId>) -> Box<Self> {
        Box::new(Self {
            id,
            legs: Vec::new(),
            slot: None,
            watched: true,
            players: Vec::new(),
            sum: Sum::new(Rate::Narrow),
            talkers: 0,
            coded: Vec::new(),
            ticks: 0,
            told_levels: false,
        })
    }

    /// Whether it has nothing to do at a tick.
    pub(super) fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.players.is_empty()
    }

    /// Takes a leg in.
    pub(super) fn admit(&mut self, leg: Box<Leg>) {
        self.prepare(leg.codec());
        self.legs.push(leg);
    }

    /// Makes ready to code for legs with this codec.
    pub(super) fn prepare(&mut self, codec: &'static Codec) {
        if self.coded_for(codec).is_none() {
            let silence = codec.silence.unwrap_or_default();
            self.coded.push(Coded {
                codec,
                encoder: codec.encoder(),
                silence: Packet::new(silence),
                mix: Packet::new(silence),
                mixed: false,
            });
        }
    }

    /// Begins a playback that all hear.
    pub(super) fn play(&mut self, player: Player) {
        self.players.push(player);
    }

    /// Takes a playback out, any one if none is named.
    pub(super) fn take_player(&mut self, play: Option<PlayId>) -> Option<Player> {
        take_player(&mut self.players, play)
    }

    /// First half of a tick: takes in what all legs say and adds it up.
    pub(super) fn hear(&mut self, tick: &mut Tick<'_>) {
        self.talkers = 0;
        for coded in &mut self.coded {
            coded.mixed = false;
        }
        advance_players(&mut self.players, tick);
        for index in 0..self.legs.len() {
            if let Some(next) = self.legs.get(index + 1) {
                next.fetch();
            }
            let leg = &mut self.legs[index];
            if !leg.begin(tick.now) {
                leg.part = Part::SitsOut;
                continue;
            }
            leg.hear(tick);
            leg.look_after(tick);
            if !leg.players.is_empty() {
                advance_players(&mut leg.players, tick);
            }
            leg.part = match leg.sounds() && !leg.muted {
                true => Part::Sounds,
                false => Part::Listens,
            };
            if leg.part == Part::Sounds {
                if self.talkers == 0 {
                    self.sum.clear();
                }
                self.talkers += 1;
                self.sum.add(leg.heard(), Gain::UNITY);
            }
        }
        self.add_prompts();
        self.tell_levels(tick);
    }

    /// Adds the room's own prompts, unless one sounds alone and needs no adding.
    fn add_prompts(&mut self) {
        if self.players.is_empty() || self.plays_alone() {
            return;
        }
        if self.talkers == 0 {
            self.sum.clear();
        }
        let mut frame = SILENCE;
        for player in &self.players {
            player.samples(&mut frame);
            self.sum.add(&frame, Gain::UNITY);
        }
    }

    /// One prompt sounds and nobody speaks.
    fn plays_alone(&self) -> bool {
        self.talkers == 0 && self.players.len() == 1
    }

    /// Second half of a tick: gives the legs from number `from` to before `to` what they hear.
    pub(super) fn speak(&mut self, from: usize, to: usize, bench: &mut Bench, tick: &mut Tick<'_>) {
        for index in from..to.min(self.legs.len()) {
            let leg = &self.legs[index];
            if leg.part == Part::SitsOut {
                continue;
            }
            let counted = leg.part == Part::Sounds;
            let hears_itself = leg.echo && leg.sounds();
            if leg.players.is_empty() && counted == hears_itself {
                self.speak_shared(index, tick);
            } else {
                self.speak_apart(index, bench, tick);
            }
        }
    }

    /// Gives a leg what all who listen hear.
    fn speak_shared(&mut self, index: usize, tick: &Tick<'_>) {
        let silent = self.talkers == 0 && self.players.is_empty();
        let alone = self.plays_alone();
        let leg = &mut self.legs[index];
        let codec = leg.codec();
        let Some(coded) = self
            .coded
            .iter_mut()
            .find(|coded| std::ptr::eq(coded.codec, codec))
        else {
            return;
        };
        if silent {
            leg.speak(&mut coded.silence, tick);
            return;
        }
        if !coded.mixed {
            let payload = coded.mix.payload();
            let prepared = alone && self.players[0].coded(codec, payload);
            if !prepared {
                let mut frame = SILENCE;
                match alone {
                    true => self.players[0].samples(&mut frame),
                    false => self.sum.all(&mut frame),
                }
                coded.encoder.encode(&frame, payload);
            }
            coded.mixed = true;
        }
        leg.speak(&mut coded.mix, tick);
    }

    /// Gives a leg a mix of its own.
    fn speak_apart(&mut self, index: usize, bench: &mut Bench, tick: &mut Tick<'_>) {
        let leg = &mut self.legs[index];
        let codec = leg.codec();
        let Some(coded) = self
            .coded
            .iter_mut()
            .find(|coded| std::ptr::eq(coded.codec, codec))
        else {
            return;
        };
        let counted = leg.part == Part::Sounds;
        let hears_itself = leg.echo && leg.sounds();
        let others = self.talkers > usize::from(counted) || !self.players.is_empty();
        if leg.players.is_empty() {
            if !others && !hears_itself {
                leg.speak(&mut coded.silence, tick);
                return;
            }
            if counted {
                self.sum.all_but(leg.heard(), Gain::UNITY, &mut bench.frame);
                coded.encoder.encode(&bench.frame, bench.packet.payload());
                leg.speak(&mut bench.packet, tick);
                return;
            }
        }
        let alone = !others && !hears_itself && leg.players.len() == 1;
        if !(alone && leg.players[0].coded(codec, bench.packet.payload())) {
            if self.talkers > 0 || self.players.len() > 1 {
                bench.sum.clone_from(&self.sum);
            } else {
                bench.sum.clear();
                for player in &self.players {
                    player.samples(&mut bench.frame);
                    bench.sum.add(&bench.frame, Gain::UNITY);
                }
            }
            match (counted, hears_itself) {
                (true, false) => bench.sum.subtract(leg.heard(), Gain::UNITY),
                (false, true) => bench.sum.add(leg.heard(), Gain::UNITY),
                _ => {}
            }
            for player in &leg.players {
                player.samples(&mut bench.frame);
                bench.sum.add(&bench.frame, Gain::UNITY);
            }
            bench.sum.all(&mut bench.frame);
            coded.encoder.encode(&bench.frame, bench.packet.payload());
        }
        leg.speak(&mut bench.packet, tick);
    }

    fn coded_for(&self, codec: &Codec) -> Option<&Coded> {
        self.coded
            .iter()
            .find(|coded| std::ptr::eq(coded.codec, codec))
    }

    fn tell_levels(&mut self, tick: &mut Tick<'_>) {
        let Some(room) = self.id.filter(|_| self.watched) else {
            return;
        };
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(LEVEL_TICKS) || (self.talkers == 0 && !self.told_levels) {
            return;
        }
        let mut levels = LevelList::new();
        for leg in self.legs.iter().filter(|leg| leg.part == Part::Sounds) {
            let level = leg.level().dbov();
            let place = levels.partition_point(|(_, louder)| *louder >= level);
            if levels.is_full() {
                if place == levels.len() {
                    continue;
                }
                levels.pop();
            }
            levels.insert(place, (leg.call(), level));
        }
        let sounds = !levels.is_empty();
        if tick.outbox.suggest(Event::Levels { room, levels }) {
            self.told_levels = sounds;
        }
    }
}

/// Takes a playback out of a list, any one if none is named.
pub(super) fn take_player(players: &mut Vec<Player>, play: Option<PlayId>) -> Option<Player> {
    let index = match play {
        Some(play) => players.iter().position(|player| player.play() == play)?,
        None => players.len().checked_sub(1)?,
    };
    Some(players.remove(index))
}

/// Goes 20 ms on, and takes those out that have sounded to their end, as soon as that can be told.
fn advance_players(players: &mut Vec<Player>, tick: &mut Tick<'_>) {
    let mut index = 0;
    while let Some(player) = players.get_mut(index) {
        player.advance();
        let finished = Event::PlayFinished {
            play: player.play(),
            complete: true,
        };
        if player.has_ended() && tick.outbox.offer(finished) {
            tick.trash.put(Waste::Player(players.remove(index)));
        } else {
            index += 1;
        }
    }
}
