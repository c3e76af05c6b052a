//! What the parts of a SIP URI may hold, and the `%XX` escapes for the rest.

use std::borrow::Cow;

use crate::grammar::class;

/// The parts of a SIP URI that differ in what they may hold unescaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    User,
    Password,
    Param,
    Header,
}

impl Part {
    #[inline(always)]
    fn class(self) -> u8 {
        match self {
            Self::User => class::USER,
            Self::Password => class::PASSWORD,
            Self::Param => class::URI_PARAM,
            Self::Header => class::URI_HEADER,
        }
    }

    /// Where the run of allowed characters and whole `%XX` escapes that starts at `at` ends.
    #[inline(always)]
    pub(super) fn run(self, text: &[u8], at: usize) -> usize {
        let end = class::run(text, at, self.class());
        match text.get(end) {
            Some(b'%') => self.run_escaped(text, end),
            _ => end,
        }
    }

    #[cold]
    fn run_escaped(self, text: &[u8], mut at: usize) -> usize {
        while text.get(at) == Some(&b'%') && hex_pair(&text[at + 1..]).is_some() {
            at = class::run(text, at + 3, self.class());
        }
        at
    }

    /// `text` with every character that may not stand here written as `%XX`.
    pub(super) fn escape(self, text: &str) -> Cow<'_, str> {
        let stands = |b: u8| b < 0x80 && class::has(b, self.class());
        if text.bytes().all(stands) {
            return Cow::Borrowed(text);
        }
        let mut escaped = String::with_capacity(text.len() + 8);
        for byte in text.bytes() {
            if stands(byte) {
                escaped.push(byte as char);
            } else {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                escaped.push('%');
                escaped.push(HEX[(byte >> 4) as usize] as char);
                escaped.push(HEX[(byte & 15) as usize] as char);
            }
        }
        Cow::Owned(escaped)
    }
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16);
    match bytes {
        [high, low, ..] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    }
}

/// `text` with its `%XX` escapes undone. What is no UTF-8 afterwards becomes U+FFFD.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        match hex_pair(&bytes[i + 1..]) {
            Some(byte) if bytes[i] == b'%' => {
                plain.push(byte);
                i += 3;
            }
            _ => {
                plain.push(bytes[i]);
                i += 1;
            }
        }
    }
    Cow::Owned(match String::from_utf8(plain) {
        Ok(plain) => plain,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Whether `written`, a parameter's name, is `name` once its escapes are undone, in any case.
pub(super) fn is_name(written: &str, name: &str) -> bool {
    written.eq_ignore_ascii_case(name)
        || (written.contains('%') && unescape(written).eq_ignore_ascii_case(name))
}

/// The bytes of `text` as URIs are compared (RFC 3261 §19.1.4): an escape equals what it stands
/// for, unless that is a reserved character; then it is marked.
pub(super) fn significant(text: &str) -> impl Iterator<Item = (u8, bool)> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&first, after) = rest.split_first()?;
        match hex_pair(after) {
            Some(byte) if first == b'%' => {
                rest = &after[2..];
                Some((byte, b";/?:@&=+$,".contains(&byte)))
            }
            _ => {
                rest = after;
                Some((first, false))
            }
        }
    })
}
