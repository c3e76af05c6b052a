//! A room on several workers: what its parts add to each other, once a tick.
//!
//! Each part mixes for its own legs. What the others have is a tick old by then, so who is in another
//! part is heard 20 ms later.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use arrayvec::ArrayVec;
use sems_audio::{Rate, Talker};

use super::Room;
use crate::{
    event::LevelList,
    ids::CallId,
    media::{
        exchange::{Link, Partial},
        leg::Part,
        message::Trash,
        worker::Tick,
    },
};

/// One part's side of it.
pub(in crate::media) struct Parts {
    /// The ways to the other parts, by their workers.
    pub(in crate::media) links: Vec<(u8, Link)>,
    /// At the room's home: the legs of each other part, those on their way included.
    pub(in crate::media) counts: Vec<(u8, Arc<AtomicUsize>)>,
    /// At another part: its own number among these.
    pub(in crate::media) count: Option<Arc<AtomicUsize>>,
    /// The highest rates of the legs of other parts, by their workers. All parts mix at the highest.
    pub(in crate::media) rates: Vec<(u8, Rate)>,
    /// What the other parts know of this one.
    told: Rate,
    /// The worker that is the room's home.
    pub(in crate::media) home: u8,
}

impl Parts {
    /// Those of a room that has been on its home only.
    pub(in crate::media) fn at_home(home: u8) -> Box<Self> {
        Box::new(Self {
            links: Vec::new(),
            counts: Vec::new(),
            count: None,
            rates: Vec::new(),
            told: Rate::Narrow,
            home,
        })
    }

    /// The highest rate of all other parts.
    pub(super) fn rate(&self) -> Rate {
        let rates = self.rates.iter().map(|(_, rate)| *rate);
        rates.max().unwrap_or_default()
    }

    /// A leg has left this part.
    pub(in crate::media) fn count_out(&self) {
        if let Some(count) = &self.count {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// What has come for this tick.
    pub(super) fn current(&self) -> impl Iterator<Item = &Partial> {
        self.links.iter().filter_map(|(_, link)| link.current())
    }

    /// What has come of the room's home.
    fn of_home(&self) -> Option<&Partial> {
        let mut links = self.links.iter();
        let (_, link) = links.find(|(worker, _)| *worker == self.home)?;
        link.current()
    }

    /// Where there is a limit of talkers, the home decides on all. Of it has been heard what it thought
    /// a tick ago; while it has places left, who begins to speak need not wait for it.
    pub(super) fn home_lets_in(&self, call: CallId, max: usize) -> bool {
        self.of_home()
            .is_none_or(|partial| partial.inside.len() < max || partial.inside.contains(&call.0))
    }
}

impl Room {
    /// Whether this is not the part at the room's home.
    pub(in crate::media) fn is_other_part(&self) -> bool {
        self.parts
            .as_ref()
            .is_some_and(|parts| parts.count.is_some())
    }

    /// The other parts' rates, as one that is made now has to know them; `here` is this one's worker.
    pub(in crate::media) fn rates_for_new(&mut self, here: u8) -> Vec<(u8, Rate)> {
        let own = self.own_rate();
        let Some(parts) = &mut self.parts else {
            return Vec::new();
        };
        parts.told = own;
        let mut rates = parts.rates.clone();
        rates.push((here, own));
        rates
    }

    /// The rate that the other parts have to be told, if it has changed.
    pub(in crate::media) fn rate_to_tell(&mut self) -> Option<Rate> {
        let own = self.own_rate();
        let parts = self.parts.as_mut().filter(|parts| parts.told != own)?;
        parts.told = own;
        Some(own)
    }

    /// Another part's rate has changed.
    pub(in crate::media) fn learn_rate(&mut self, worker: u8, rate: Rate, trash: &Trash) {
        if let Some(parts) = &mut self.parts {
            parts.rates.retain(|(known, _)| *known != worker);
            parts.rates.push((worker, rate));
        }
        self.adapt_to_parts(trash);
    }

    /// Becomes a part.
    pub(in crate::media) fn join_parts(&mut self, parts: Box<Parts>, trash: &Trash) {
        self.parts = Some(parts);
        self.adapt_to_parts(trash);
    }

    /// Takes what the other parts had in the tick before.
    pub(super) fn receive_parts(&mut self, tick: &Tick<'_>) {
        if let Some(parts) = &mut self.parts {
            for (_, link) in &mut parts.links {
                link.receive(tick.number);
            }
        }
    }

    /// Gives the other parts what this one has, and adds theirs.
    pub(super) fn exchange(&mut self, tick: &Tick<'_>) {
        let Some(mut parts) = self.parts.take() else {
            return;
        };
        for (_, link) in &mut parts.links {
            link.send(tick.number, |partial| self.fill(partial));
        }
        for partial in parts.current() {
            // In the moment in which the rate changes, one part is ahead of the other.
            if partial.sounding == 0 || partial.sum.len() != self.rate.frame() {
                continue;
            }
            self.begin_sum();
            self.talkers += partial.sounding;
            self.sum.add_sum(&partial.sum);
        }
        self.parts = Some(parts);
    }

    fn fill(&self, partial: &mut Partial) {
        partial.sounding = self.talkers + self.players.len();
        if self.summed {
            partial.sum.extend_from_slice(self.sum.samples());
        }
        self.loudest(&mut partial.levels);
        fill(&mut partial.candidates, self.candidates.iter().copied());
        if let Some(limit) = &self.limit {
            fill(&mut partial.inside, limit.inside().iter().copied());
        }
        // First those who can be heard in no other way.
        for part in [Part::Whispers, Part::Sounds] {
            let legs = self
                .sounding
                .iter()
                .map(|index| &self.legs[*index as usize]);
            for leg in legs.filter(|leg| leg.part == part) {
                partial.add_voice(leg.call(), part == Part::Sounds, leg.contribution());
            }
        }
    }

    /// Those who sound in other parts, for the limit of talkers at the room's home.
    pub(super) fn other_candidates(&self) -> impl Iterator<Item = Talker> {
        let parts = self.parts.iter().flat_map(|parts| parts.current());
        parts.flat_map(|partial| partial.candidates.iter().copied())
    }

    /// Adds the loudest of other parts to a list that is told.
    pub(super) fn loudest_of_others(&self, levels: &mut LevelList) {
        for partial in self.parts.iter().flat_map(|parts| parts.current()) {
            for (call, level) in &partial.levels {
                super::rank(levels, *call, *level);
            }
        }
    }
}

/// As many as there is room for.
fn fill<T, const N: usize>(list: &mut ArrayVec<T, N>, items: impl Iterator<Item = T>) {
    list.extend(items.take(N));
}
