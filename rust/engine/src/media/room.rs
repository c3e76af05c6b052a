//! Legs that hear each other.
//!
//! At a tick all legs are heard first, and those that sound are added up once. Then each leg gets
//! its mix: who only listens shares one coded payload with all others of the same codec; who
//! sounds gets the sum without itself; who hears something of its own (a prompt, echo, somebody
//! louder than others do) gets a mix of its own ([`apart`]). Where nothing but one prompt sounds, its
//! prepared coding is sent as it is.

mod apart;
pub(super) mod parts;
mod passing;
mod shared;

use sems_audio::{
    Gain, Limiter, Rate, Sum, Talker, TalkerLimit,
    codec::{Codec, Encoder, Parameters},
};
use shared::Lowered;

use self::{parts::Parts, passing::Passing};
use super::{
    leg::{Leg, Packet, Part},
    message::{Trash, Waste},
    player::{Advance, Player},
    tap::Sinks,
    worker::Tick,
};
use crate::{
    command::{Direction, RoomSettings},
    event::{Event, LevelList},
    ids::{CallId, PlayId, RoomId},
};

mod recording;

pub(super) use recording::RoomRecording;

/// Those who sound in other parts that the limit of talkers looks at.
const OTHER_CANDIDATES: usize = 64;
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
    /// Somebody may have gains of its own.
    pub(super) personal: bool,
    settings: RoomSettings,
    limit: Option<Box<TalkerLimit>>,
    /// Who else gets the mix.
    pub(super) sinks: Sinks,
    /// Recordings of the room.
    pub(super) recordings: Vec<RoomRecording>,
    players: Vec<Player>,
    sum: Sum,
    /// Voices in the sum, and prompts of other parts.
    talkers: usize,
    /// The sum is of this tick; if not, it holds anything.
    summed: bool,
    /// The room is on other workers, too.
    pub(super) parts: Option<Box<Parts>>,
    /// The places of those who sound, in the sum or in a whisper.
    sounding: Vec<u32>,
    /// The same for the limit of talkers.
    candidates: Vec<Talker>,
    /// The rate at which it mixes: the highest of its legs'.
    rate: Rate,
    /// Legs of each rate.
    rates: [usize; Rate::ALL.len()],
    /// All legs have the room's rate and codecs without a memory.
    is_plain: bool,
    /// What all who listen hear, if `limited`.
    heard: Box<[i16]>,
    /// The same at lower rates, where somebody hears it so.
    lowered: [Option<Box<Lowered>>; Rate::ALL.len()],
    limited: bool,
    limiter: Limiter,
    /// As it was before this tick.
    limiter_before: Limiter,
    coded: Vec<Coded>,
    ticks: u32,
    told_levels: bool,
    passing: Passing,
}

/// What those who share a codec, and want it used in the same way, can share of a tick.
struct Coded {
    codec: &'static Codec,
    parameters: Parameters,
    encoder: Encoder,
    silence: Packet,
    mix: Packet,
    /// `mix` is of this tick.
    mixed: bool,
    /// So it was in the tick before.
    was_mixed: bool,
}

/// Where one leg's own mix is made; one a worker.
pub(super) struct Bench {
    sum: Sum,
    frame: [i16; Rate::LONGEST_FRAME],
    packet: Packet,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            // With room for all.
            sum: Sum::new(Rate::Full),
            frame: [0; Rate::LONGEST_FRAME],
            packet: Packet::of_any_codec(),
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
            personal: false,
            settings: RoomSettings::default(),
            limit: None,
            sinks: Sinks::default(),
            recordings: Vec::new(),
            players: Vec::new(),
            sum: Sum::new(Rate::Narrow),
            talkers: 0,
            summed: false,
            parts: None,
            sounding: Vec::new(),
            candidates: Vec::new(),
            rate: Rate::Narrow,
            rates: [0; Rate::ALL.len()],
            is_plain: true,
            heard: Rate::Narrow.silence().into(),
            lowered: [const { None }; Rate::ALL.len()],
            limited: false,
            limiter: Limiter::new(),
            limiter_before: Limiter::new(),
            coded: Vec::new(),
            ticks: 0,
            told_levels: false,
            passing: Passing::default(),
        })
    }

    /// Whether it has nothing to do at a tick.
    pub(super) fn is_idle(&self) -> bool {
        self.legs.is_empty() && self.players.is_empty() && self.parts.is_none()
    }

    /// Mixes differently from now on.
    pub(super) fn set(&mut self, settings: RoomSettings) {
        if settings.max_talkers != self.settings.max_talkers {
            let limit = settings.max_talkers.map(usize::from);
            self.limit = limit.map(|max| Box::new(TalkerLimit::new(max)));
        }
        self.settings = settings;
        self.make_places();
        self.prepare_passing();
    }

    /// How it mixes.
    pub(super) fn settings(&self) -> RoomSettings {
        self.settings
    }

    /// Makes room for all legs to sound at once, so that no tick has to.
    fn make_places(&mut self) {
        self.sounding.clear();
        self.sounding.reserve(self.legs.len());
        self.candidates.clear();
        if self.limit.is_some() {
            self.candidates.reserve(self.legs.len() + OTHER_CANDIDATES);
        }
    }

    /// A leg is gone: nobody keeps anything for it any more.
    pub(super) fn forget(&mut self, call: CallId) {
        if self.personal {
            for leg in &mut self.legs {
                if let Some(personal) = &mut leg.personal {
                    personal.forget(call);
                }
            }
        }
    }

    /// Begins a playback that all hear.
    pub(super) fn play(&mut self, mut player: Player, trash: &Trash) {
        player.meet(self.rate, trash);
        self.players.push(player);
    }

    /// The playbacks that all hear.
    pub(super) fn players_mut(&mut self) -> &mut Vec<Player> {
        &mut self.players
    }

    /// Takes a playback out, any one if none is named.
    pub(super) fn take_player(&mut self, play: Option<PlayId>) -> Option<Player> {
        take_player(&mut self.players, play)
    }

    /// First half of a tick: takes in what all legs say and adds it up.
    pub(super) fn hear(&mut self, tick: &mut Tick<'_>) {
        if self.pass(tick) {
            return;
        }
        self.talkers = 0;
        self.summed = false;
        self.sounding.clear();
        self.candidates.clear();
        self.receive_parts(tick);
        for coded in &mut self.coded {
            coded.was_mixed = std::mem::take(&mut coded.mixed);
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
            let part = leg.take_part(self.settings);
            if part != Part::Listens {
                self.sounding.push(index as u32);
            }
            if part == Part::Sounds && self.limit.is_none() {
                self.add(index);
            }
        }
        if self.limit.is_some() {
            self.add_loudest();
        }
        self.add_prompts();
        self.exchange(tick);
        self.tell_apart();
        self.limited = false;
        self.limiter_before = self.limiter;
        if !self.limiter.is_at_rest() {
            self.limit();
        }
        if !self.sinks.is_empty() {
            self.feed_sinks(tick);
        }
        if !self.is_plain {
            self.part_ways();
        }
        self.tell_levels(tick);
    }

    /// Adds a leg to the sum.
    fn add(&mut self, index: usize) {
        self.begin_sum();
        self.talkers += 1;
        self.sum.add(self.legs[index].contribution(), Gain::UNITY);
    }

    fn begin_sum(&mut self) {
        if !self.summed {
            self.summed = true;
            self.sum.clear();
        }
    }

    /// Adds those who sound as far as the limit lets them.
    fn add_loudest(&mut self) {
        let Some(mut limit) = self.limit.take() else {
            return;
        };
        for index in &self.sounding {
            let leg = &self.legs[*index as usize];
            if leg.part == Part::Sounds {
                self.candidates.push(leg.as_talker());
            }
        }
        let other_part = self.parts.take_if(|parts| parts.count.is_some());
        if other_part.is_none() {
            let own = self.candidates.len();
            for index in 0..OTHER_CANDIDATES {
                let Some(other) = self.other_candidates().nth(index) else {
                    break;
                };
                self.candidates.push(other);
            }
            limit.choose(&self.candidates);
            self.candidates.truncate(own);
        }
        for place in 0..self.sounding.len() {
            let index = self.sounding[place] as usize;
            let leg = &mut self.legs[index];
            if leg.part == Part::Sounds {
                let lets_in = match &other_part {
                    None => limit.lets_in(leg.call().0),
                    Some(parts) => parts.home_lets_in(leg.call(), limit.max()),
                };
                match lets_in {
                    true => self.add(index),
                    false => leg.part = Part::Listens,
                }
            }
        }
        self.limit = Some(limit);
        self.parts = self.parts.take().or(other_part);
    }

    /// Makes what all who listen hear, once a tick.
    fn limit(&mut self) {
        if !self.limited {
            self.limited = true;
            self.begin_sum();
            self.limiter.limit(self.sum.samples(), &mut self.heard);
        }
    }

    /// Gives the mix to those who listen beside the legs.
    fn feed_sinks(&mut self, tick: &mut Tick<'_>) {
        if self.plays_alone() {
            self.players[0].samples(&mut self.heard);
        } else if self.is_silent() {
            self.heard.fill(0);
        } else {
            self.limit();
        }
        let at = tick.wall.since_start(tick.now);
        let rate = self.rate.hz();
        self.sinks.write(Direction::Out, &self.heard, rate, at);
        self.sinks.tell(tick.outbox);
        self.sinks.clean(tick.trash);
    }

    /// Adds the room's own prompts, unless one sounds alone and needs no adding.
    fn add_prompts(&mut self) {
        if self.players.is_empty() || self.plays_alone() {
            return;
        }
        self.begin_sum();
        let mut frame = [0; Rate::LONGEST_FRAME];
        let frame = &mut frame[..self.rate.frame()];
        for player in &self.players {
            player.samples(frame);
            self.sum.add(frame, Gain::UNITY);
        }
    }

    /// Nothing sounds.
    fn is_silent(&self) -> bool {
        self.talkers == 0 && self.players.is_empty()
    }

    /// One prompt sounds and nobody speaks.
    fn plays_alone(&self) -> bool {
        self.talkers == 0 && self.players.len() == 1 && self.parts.is_none()
    }

    /// Second half of a tick: gives the legs from number `from` to before `to` what they hear.
    pub(super) fn speak(&mut self, from: usize, to: usize, bench: &mut Bench, tick: &mut Tick<'_>) {
        if self.is_passing() {
            return;
        }
        for index in from..to.min(self.legs.len()) {
            let leg = &self.legs[index];
            if leg.part == Part::SitsOut {
                continue;
            }
            if self.shares(leg) {
                self.speak_shared(index, tick);
            } else {
                self.speak_apart(index, bench, tick);
            }
        }
    }

    /// Whether a leg hears what all who listen hear, in the coding of all.
    fn shares(&self, leg: &Leg) -> bool {
        self.hears_same(leg) && (self.is_plain || !leg.lingers())
    }

    /// Whether a leg hears what all who listen hear.
    fn hears_same(&self, leg: &Leg) -> bool {
        let counted = leg.part == Part::Sounds;
        // A gain of its own that is not that of all would jump.
        let as_loud = !leg.apart || leg.limiter == self.limiter_before;
        let same = counted == leg.echoes() && !leg.echoes_later();
        leg.players.is_empty() && same && leg.hears_as_all() && as_loud
    }

    /// Puts those of its own legs who are in the sum, or in a whisper, into a list of the loudest.
    fn loudest(&self, levels: &mut LevelList) {
        for index in &self.sounding {
            let leg = &self.legs[*index as usize];
            if matches!(leg.part, Part::Sounds | Part::Whispers) {
                rank(levels, leg.call(), leg.level().dbov());
            }
        }
    }

    fn tell_levels(&mut self, tick: &mut Tick<'_>) {
        let Some(room) = self.id.filter(|_| self.watched) else {
            return;
        };
        self.ticks = self.ticks.wrapping_add(1);
        let nobody = self.talkers == 0 && self.sounding.is_empty();
        if !self.ticks.is_multiple_of(LEVEL_TICKS) || (nobody && !self.told_levels) {
            return;
        }
        let mut levels = LevelList::new();
        self.loudest(&mut levels);
        self.loudest_of_others(&mut levels);
        let sounds = !levels.is_empty();
        if tick.outbox.suggest(Event::Levels { room, levels }) {
            self.told_levels = sounds;
        }
    }
}

/// Puts somebody into a list of the loudest.
fn rank(levels: &mut LevelList, call: CallId, level: i8) {
    let place = levels.partition_point(|(_, louder)| *louder >= level);
    if levels.is_full() {
        if place == levels.len() {
            return;
        }
        levels.pop();
    }
    levels.insert(place, (call, level));
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
        if player.advance() == Advance::Dry {
            tick.counters.dry_plays.add(1);
        }
        let play = player.play();
        player.tell_waiting(|| tick.outbox.offer(Event::FeedReady { play }));
        let complete = player.is_complete();
        let finished = Event::PlayFinished { play, complete };
        if player.has_ended() && tick.outbox.offer(finished) {
            tick.trash.put(Waste::Player(players.remove(index)));
        } else {
            index += 1;
        }
    }
}
