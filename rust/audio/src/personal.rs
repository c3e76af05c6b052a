//! What one listener hears otherwise than all others do.

use crate::mix::Gain;

/// One listener's row of the mix matrix: how loud each of the others is for this listener alone.
///
/// `K` tells members apart. Whoever has no gain here is heard as the room has it, times the gain of
/// the room. Most listeners have no row at all and share one mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Personal<K> {
    room: Gain,
    /// In the order of their keys.
    gains: Vec<(K, Gain)>,
}

impl<K: Copy + Ord> Personal<K> {
    /// Hears what all hear.
    pub const fn new() -> Self {
        Self {
            room: Gain::UNITY,
            gains: Vec::new(),
        }
    }

    /// Whether it hears what all hear.
    pub fn is_plain(&self) -> bool {
        self.room == Gain::UNITY && self.gains.is_empty()
    }

    /// How loud the room is for this listener, but for those with a gain of their own.
    pub fn room(&self) -> Gain {
        self.room
    }

    /// Changes that.
    pub fn set_room(&mut self, gain: Gain) {
        self.room = gain;
    }

    /// How loud `from` is for this listener; `None`: as the room is.
    pub fn gain(&self, from: K) -> Option<Gain> {
        let place = self.place(from).ok()?;
        Some(self.gains[place].1)
    }

    /// Changes that.
    pub fn set_gain(&mut self, from: K, gain: Option<Gain>) {
        match (self.place(from), gain) {
            (Ok(place), Some(gain)) => self.gains[place].1 = gain,
            (Ok(place), None) => {
                self.gains.remove(place);
            }
            (Err(place), Some(gain)) => self.gains.insert(place, (from, gain)),
            (Err(_), None) => {}
        }
    }

    /// How many have a gain of their own.
    pub fn len(&self) -> usize {
        self.gains.len()
    }

    /// Whether nobody has a gain of their own.
    pub fn is_empty(&self) -> bool {
        self.gains.is_empty()
    }

    fn place(&self, from: K) -> Result<usize, usize> {
        self.gains.binary_search_by_key(&from, |(key, _)| *key)
    }
}

impl<K: Copy + Ord> Default for Personal<K> {
    fn default() -> Self {
        Self::new()
    }
}
