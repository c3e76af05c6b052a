//! Keys that come by two ways at once.
//!
//! Some phones send each key as a telephone event (RFC 4733), or as a tone, and as an INFO as well,
//! since they can't know which of them is heard. The first to come counts, and one of the same key by the
//! other way within a while is the same press: it is passed over, once.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

/// How far apart the two may be: an INFO may be lost and repeated, and is sent at the end of a
/// press, while the event is told at its beginning.
const WINDOW: Duration = Duration::from_secs(2);
/// Presses that are remembered.
const MEMORY: usize = 16;

/// By which way a key came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::media) enum Way {
    /// RFC 4733.
    Event,
    /// A request of signaling.
    Info,
    /// In the sound.
    Tone,
}

/// The last presses whose twins have not come.
#[derive(Debug, Default)]
pub(super) struct Keys {
    single: ArrayVec<(Way, char, Instant), MEMORY>,
}

impl Keys {
    /// Notes a press; `false`: it is one that was noted already, by the other way. `held`: for how
    /// long, where that is known.
    pub(super) fn note(&mut self, way: Way, key: char, held: Duration, now: Instant) -> bool {
        let is_past = |at: Instant| now.saturating_duration_since(at) > WINDOW + held;
        let twin = self
            .single
            .iter()
            .position(|(other, same, at)| *other != way && *same == key && !is_past(*at));
        if let Some(twin) = twin {
            self.single.remove(twin);
            return false;
        }
        if self.single.is_full() {
            self.single.remove(0);
        }
        self.single.push((way, key, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the presses count: way, key, milliseconds since the start.
    fn heard(presses: &[(Way, char, u64)]) -> Vec<char> {
        let start = Instant::now();
        let mut keys = Keys::default();
        let held = Duration::from_millis(100);
        presses
            .iter()
            .filter(|(way, key, at)| {
                keys.note(*way, *key, held, start + Duration::from_millis(*at))
            })
            .map(|(_, key, _)| *key)
            .collect()
    }

    #[test]
    fn a_key_that_comes_by_both_ways_counts_once() {
        use Way::{Event, Info};
        assert_eq!(heard(&[(Event, '1', 0), (Info, '1', 120)]), ['1']);
        assert_eq!(heard(&[(Info, '1', 0), (Event, '1', 20)]), ['1']);
    }

    #[test]
    fn a_tone_with_an_info_counts_once() {
        use Way::{Info, Tone};
        assert_eq!(heard(&[(Tone, '1', 0), (Info, '1', 150)]), ['1']);
        assert_eq!(heard(&[(Info, '1', 0), (Tone, '1', 60)]), ['1']);
        assert_eq!(heard(&[(Tone, '1', 0), (Tone, '1', 150)]), ['1', '1']);
    }

    #[test]
    fn a_key_pressed_twice_counts_twice() {
        use Way::{Event, Info};
        assert_eq!(heard(&[(Event, '1', 0), (Event, '1', 200)]), ['1', '1']);
        let both = [
            (Event, '1', 0),
            (Event, '1', 200),
            (Info, '1', 210),
            (Info, '1', 400),
            (Event, '2', 500),
            (Info, '2', 900),
        ];
        assert_eq!(heard(&both), ['1', '1', '2']);
    }

    #[test]
    fn the_other_way_counts_when_it_is_another_press() {
        use Way::{Event, Info};
        assert_eq!(heard(&[(Event, '1', 0), (Info, '2', 10)]), ['1', '2']);
        assert_eq!(heard(&[(Event, '1', 0), (Info, '1', 5000)]), ['1', '1']);
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let many: Vec<_> = (0..1000).map(|n| (Way::Info, '1', n)).collect();
        assert_eq!(heard(&many).len(), 1000);
    }
}
