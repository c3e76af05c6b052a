//! Keys in the body of an INFO, in the two forms that phones have agreed on without an RFC:
//! `application/dtmf-relay` (`Signal=5`, `Duration=160` in milliseconds) and `application/dtmf`
//! (the key alone).

use std::time::Duration;

use crate::header::ContentType;

/// How long a key was held when its sender does not say.
const USUAL: Duration = Duration::from_millis(250);
/// The longest press that is believed.
const LONGEST: Duration = Duration::from_secs(10);

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// `0-9 * # A-D`, or `!` for a hook flash.
    pub signal: char,
    /// How long, at most 10 s.
    pub duration: Duration,
}

impl Key {
    /// The media type of [`Key::to_relay`].
    pub const RELAY: &str = "application/dtmf-relay";
    /// The media type of a key alone.
    pub const PLAIN: &str = "application/dtmf";

    /// Whether a body of this type is a key.
    pub fn is_kind(kind: &ContentType) -> bool {
        kind.is(Self::RELAY) || kind.is(Self::PLAIN)
    }

    /// Reads a body of either type; `None` when it names no key.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (mut signal, mut duration) = (None, USUAL);
        for line in text.split(['\r', '\n']) {
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let value = value.trim();
            if name.trim().eq_ignore_ascii_case("signal") {
                signal = Some(value);
            } else if name.trim().eq_ignore_ascii_case("duration") {
                duration = value.parse().map_or(USUAL, Duration::from_millis);
            }
        }
        // Some write a relay's lines under the other type, and the other way round.
        let signal = signal.unwrap_or(text.trim());
        Some(Self {
            signal: key(signal)?,
            duration: duration.min(LONGEST),
        })
    }

    /// The body of an `application/dtmf-relay`.
    pub fn to_relay(self) -> String {
        let duration = self.duration.as_millis();
        format!("Signal={}\r\nDuration={duration}\r\n", self.signal)
    }
}

/// A key by its sign, or by its number as in a telephone event (RFC 4733 §3.2).
fn key(text: &str) -> Option<char> {
    let mut letters = text.chars();
    match (letters.next()?.to_ascii_uppercase(), letters.next()) {
        (sign @ ('0'..='9' | '*' | '#' | 'A'..='D' | '!'), None) => Some(sign),
        ('F', None) => Some('!'),
        _ => match text {
            "10" => Some('*'),
            "11" => Some('#'),
            "12" => Some('A'),
            "13" => Some('B'),
            "14" => Some('C'),
            "15" => Some('D'),
            "16" => Some('!'),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<(char, u128)> {
        let key = Key::parse(body.as_bytes())?;
        Some((key.signal, key.duration.as_millis()))
    }

    #[test]
    fn both_forms_are_read() {
        assert_eq!(read("Signal=5\r\nDuration=160\r\n"), Some(('5', 160)));
        assert_eq!(read("Signal= *\nDuration= 90"), Some(('*', 90)));
        assert_eq!(read("signal=d"), Some(('D', 250)));
        assert_eq!(read("#"), Some(('#', 250)));
        assert_eq!(read("7\r\n"), Some(('7', 250)));
        assert_eq!(read("Signal=11\r\nDuration=100"), Some(('#', 100)));
        assert_eq!(read("16"), Some(('!', 250)));
    }

    #[test]
    fn what_names_no_key_is_none() {
        for body in ["", "55", "Signal=", "Signal=E", "Duration=100", "17", "x"] {
            assert_eq!(read(body), None, "{body:?}");
        }
        assert_eq!(Key::parse(b"\xff"), None);
    }

    #[test]
    fn a_press_that_never_ends_is_cut_short() {
        assert_eq!(read("Signal=1\r\nDuration=99999999"), Some(('1', 10_000)));
        assert_eq!(read("Signal=1\r\nDuration=-5"), Some(('1', 250)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for signal in "0123456789*#ABCD".chars() {
            let duration = Duration::from_millis(100);
            let key = Key { signal, duration };
            assert_eq!(Key::parse(key.to_relay().as_bytes()), Some(key));
        }
    }
}
