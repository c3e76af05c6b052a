//! Finding lines and words.

/// Lines that end in CRLF, LF or CR.
pub(crate) struct Lines<'a> {
    rest: Option<&'a str>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: Some(text) }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest.take()?;
        let Some(end) = line_end(text.as_bytes()) else {
            return Some(text);
        };
        let next = match text.as_bytes()[end..] {
            [b'\r', b'\n', ..] => end + 2,
            _ => end + 1,
        };
        self.rest = Some(&text[next..]);
        Some(&text[..end])
    }
}

/// Where the first CR or LF is. A line is short, so that eight bytes at a time, held in one number,
/// are found sooner than a search for long texts has begun.
#[inline]
fn line_end(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = ONES << 7;
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let mut at = 0;
    while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let bytes = u64::from_le_bytes(*bytes);
        // Marks bytes up to CR by their highest bit, of which only the lowest mark is sure.
        let marks = bytes.wrapping_sub(ONES * 0x0e) & !bytes & HIGHEST;
        if marks == 0 {
            at += 8;
            continue;
        }
        at += marks.trailing_zeros() as usize / 8;
        if is_end(&text[at]) {
            return Some(at);
        }
        // A tab, or something else that no line ends with.
        at += 1;
    }
    let rest = text.get(at..)?.iter();
    rest.clone().position(is_end).map(|found| at + found)
}

/// Words between blanks.
pub(crate) struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let (_, text) = self.rest.split_at(start);
        let length = text.bytes().position(|byte| byte.is_ascii_whitespace());
        let (word, rest) = text.split_at(length.unwrap_or(text.len()));
        self.rest = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_any_way_and_hold_what_else_there_is() {
        let text = "a\tlong line\u{b} with ü\r\nb\rc\n\nd";
        let lines: Vec<_> = Lines::of(text).collect();
        assert_eq!(lines, ["a\tlong line\u{b} with ü", "b", "c", "", "d"]);
        for length in 0..40 {
            for end in ["\r\n", "\r", "\n"] {
                let text = "x".repeat(length) + end + "y";
                assert_eq!(Lines::of(&text).next().map(str::len), Some(length));
                assert_eq!(Lines::of(&text).count(), 2);
            }
        }
    }

    #[test]
    fn words_are_what_stands_between_blanks() {
        for text in [
            "",
            " ",
            "one",
            " one\ttwo ",
            "IN  IP4 192.0.2.1",
            "ä ö\u{a0}ü",
        ] {
            let words: Vec<_> = Words::of(text).collect();
            assert_eq!(words, text.split_ascii_whitespace().collect::<Vec<_>>());
        }
    }
}
