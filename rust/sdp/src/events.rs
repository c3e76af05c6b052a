//! Which telephone events somebody takes (RFC 4733 §2.4.1).

use std::fmt;

/// A set of the numbers that RFC 4733 gives to events: 0 to 9, `*`, `#`, A to D are 0 to 15, a
/// flash is 16.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventSet([u64; 4]);

impl EventSet {
    /// The sixteen keys, which are meant when nothing is said.
    pub const KEYS: Self = Self([0xffff, 0, 0, 0]);
    /// No event at all.
    pub const NONE: Self = Self([0; 4]);

    /// Reads the parameters of `a=fmtp`, such as `0-15` or `0-16,66,70`; also in the form
    /// `events=0-15`. `None` when they are malformed.
    pub fn parse(value: &str) -> Option<Self> {
        let list = value.trim();
        let list = list.strip_prefix("events=").unwrap_or(list);
        let mut set = Self::NONE;
        for part in list.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (u8, u8) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            if first > last {
                return None;
            }
            (first..=last).for_each(|event| set.insert(event));
        }
        Some(set)
    }

    /// Whether the event is one of them.
    pub fn contains(self, event: u8) -> bool {
        self.0[usize::from(event / 64)] & (1 << (event % 64)) != 0
    }

    fn insert(&mut self, event: u8) {
        self.0[usize::from(event / 64)] |= 1 << (event % 64);
    }
}

impl fmt::Display for EventSet {
    /// As in `a=fmtp`: single events and ranges, rising.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut events = (0..=u8::MAX)
            .filter(|event| self.contains(*event))
            .peekable();
        let mut comma = "";
        while let Some(first) = events.next() {
            let mut last = first;
            while let Some(next) = events.next_if(|next| *next == last + 1) {
                last = next;
            }
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for EventSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_listed_singly_and_in_ranges() {
        for (text, written) in [
            ("0-15", "0-15"),
            ("0-16,66", "0-16,66"),
            (" 66, 0-9,10 ", "0-10,66"),
            ("events=0-15", "0-15"),
            ("64-255,3", "3,64-255"),
        ] {
            assert_eq!(EventSet::parse(text).unwrap().to_string(), written);
        }
        assert_eq!(EventSet::parse("0-15"), Some(EventSet::KEYS));
        let set = EventSet::parse("0-9,66").unwrap();
        assert!(set.contains(9) && set.contains(66) && !set.contains(10) && !set.contains(65));
    }

    #[test]
    fn a_malformed_list_is_none() {
        for bad in ["", "x", "15-0", "0-256", "1,", "1--2", "-1"] {
            assert_eq!(EventSet::parse(bad), None, "{bad}");
        }
    }
}
