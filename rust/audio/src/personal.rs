//! What one listener hears otherwise than all others do.

use crate::mix::Gain;

/// One listener's row of the mix matrix: how loud each of the others is for this listener alone, and
/// who whispers to this listener.
///
/// `K` tells members apart. Who has no gain here is heard as the room has it, times the gain of the
/// room. Most listeners have no row at all and share one mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Personal<K> {
    room: Gain,
    /// In the order of their keys.
    voices: Vec<Voice<K>>,
}

/// What holds for one of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Voice<K> {
    from: K,
    gain: Option<Gain>,
    whispers: bool,
}

impl<K: Copy + Ord> Personal<K> {
    /// Hears what all hear.
    pub const fn new() -> Self {
        Self {
            room: Gain::UNITY,
            voices: Vec::new(),
        }
    }

    /// Whether it hears what all hear.
    pub fn is_plain(&self) -> bool {
        self.room == Gain::UNITY && self.voices.is_empty()
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
        self.voice(from)?.gain
    }

    /// Changes that.
    pub fn set_gain(&mut self, from: K, gain: Option<Gain>) {
        self.change(from, |voice| voice.gain = gain);
    }

    /// How loud this listener hears what `from` says when the room does not hear it; `None`: not at
    /// all, since it is not for this listener.
    pub fn whisper(&self, from: K) -> Option<Gain> {
        let voice = self.voice(from).filter(|voice| voice.whispers)?;
        Some(voice.gain.unwrap_or(Gain::UNITY))
    }

    /// Whether what `from` says is for this listener when the room does not hear it.
    pub fn set_whisper(&mut self, from: K, on: bool) {
        self.change(from, |voice| voice.whispers = on);
    }

    /// Of `from` nothing is kept.
    pub fn forget(&mut self, from: K) {
        if let Ok(place) = self.place(from) {
            self.voices.remove(place);
        }
    }

    /// For how many something is kept.
    pub fn len(&self) -> usize {
        self.voices.len()
    }

    /// Whether nothing is kept for anybody.
    pub fn is_empty(&self) -> bool {
        self.voices.is_empty()
    }

    fn change(&mut self, from: K, change: impl FnOnce(&mut Voice<K>)) {
        let found = self.place(from);
        let place = found.unwrap_or_else(|place| place);
        if found.is_err() {
            let plain = Voice {
                from,
                gain: None,
                whispers: false,
            };
            self.voices.insert(place, plain);
        }
        let voice = &mut self.voices[place];
        change(voice);
        if voice.gain.is_none() && !voice.whispers {
            self.voices.remove(place);
        }
    }

    fn voice(&self, from: K) -> Option<&Voice<K>> {
        self.voices.get(self.place(from).ok()?)
    }

    fn place(&self, from: K) -> Result<usize, usize> {
        self.voices.binary_search_by_key(&from, |voice| voice.from)
    }
}

impl<K: Copy + Ord> Default for Personal<K> {
    fn default() -> Self {
        Self::new()
    }
}
