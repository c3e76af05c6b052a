//! Who of many that talk at once is heard.

use crate::level::Level;

/// The most that can be let in.
pub const MAX_TALKERS: usize = 32;
/// Somebody else has to be this much louder, in dB, …
const LOUDER: i16 = 6;
/// … for so many frames in a row (600 ms) …
const PATIENCE: u16 = 30;
/// … until the one who talks is left out where his level falls by this, in dB, which is between two
/// words …
const DIP: i16 = 10;
/// … or after so many (3 s) in any case.
const LAST_PATIENCE: u16 = 150;

/// Somebody who sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talker {
    /// Tells one from the other.
    pub who: u64,
    /// How loud the last frame was.
    pub level: Level,
    /// How loud he has been of late: what a [`LevelMeter`](crate::LevelMeter) shows.
    pub loudness: Level,
    /// He speaks, and is not only heard to the end of his hangover.
    pub speaking: bool,
}

/// Lets the loudest of a room in, and who is in for as long as he talks.
///
/// A place is free when its holder has ceased to sound; one who has ceased to speak gives way to
/// one who does. Who speaks is left out only for somebody who has been 6 dB louder for 600 ms, and then
/// between two words; after 3 s in any case.
#[derive(Clone, Debug)]
pub struct TalkerLimit {
    max: usize,
    inside: [u64; MAX_TALKERS],
    count: usize,
    outdone: u16,
}

impl TalkerLimit {
    /// Lets `max` in, 1 to [`MAX_TALKERS`].
    pub fn new(max: usize) -> Self {
        Self {
            max: max.clamp(1, MAX_TALKERS),
            inside: [0; MAX_TALKERS],
            count: 0,
            outdone: 0,
        }
    }

    /// How many are let in.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Who is in.
    pub fn inside(&self) -> &[u64] {
        &self.inside[..self.count]
    }

    /// Whether `who` is in.
    pub fn lets_in(&self, who: u64) -> bool {
        self.inside().contains(&who)
    }

    /// Hears who sounds in the next 20 ms, each one once.
    pub fn choose(&mut self, sounding: &[Talker]) {
        let mut kept = 0;
        for index in 0..self.count {
            let who = self.inside[index];
            if sounding.iter().any(|talker| talker.who == who) {
                self.inside[kept] = who;
                kept += 1;
            }
        }
        self.count = kept;
        while self.count < self.max
            && let Some(next) = self.loudest_outside(sounding)
        {
            self.inside[self.count] = next.who;
            self.count += 1;
        }
        self.give_way(sounding);
    }

    /// Exchanges one who is in for one who is not, if that is due.
    fn give_way(&mut self, sounding: &[Talker]) {
        let Some(challenger) = self
            .loudest_outside(sounding)
            .filter(|talker| talker.speaking)
        else {
            self.outdone = 0;
            return;
        };
        let inside = sounding.iter().filter(|talker| self.lets_in(talker.who));
        let Some(weakest) = inside.min_by_key(|talker| (talker.speaking, talker.loudness)) else {
            return;
        };
        let ahead = difference(challenger.loudness, weakest.loudness);
        self.outdone = match ahead >= LOUDER {
            true => self.outdone.saturating_add(1),
            false => 0,
        };
        let dips = difference(weakest.loudness, weakest.level) >= DIP;
        let due = self.outdone > LAST_PATIENCE || (self.outdone > PATIENCE && dips);
        if !weakest.speaking || due {
            let place = self.inside().iter().position(|who| *who == weakest.who);
            if let Some(place) = place {
                self.inside[place] = challenger.who;
                self.outdone = 0;
            }
        }
    }

    fn loudest_outside<'a>(&self, sounding: &'a [Talker]) -> Option<&'a Talker> {
        let outside = sounding.iter().filter(|talker| !self.lets_in(talker.who));
        outside.max_by_key(|talker| (talker.speaking, talker.loudness))
    }
}

fn difference(louder: Level, softer: Level) -> i16 {
    i16::from(louder.dbov()) - i16::from(softer.dbov())
}
