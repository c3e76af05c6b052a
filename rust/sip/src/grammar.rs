//! Character classes and small pieces of the grammar (RFC 3261 §25.1).

use std::borrow::Cow;
use std::fmt;

use crate::Text;

/// Character classes: one bit each.
pub(crate) mod class {
    pub(crate) const TOKEN: u8 = 1;
    pub(crate) const HOST: u8 = 2;
    pub(crate) const USER: u8 = 4;
    pub(crate) const PASSWORD: u8 = 8;
    pub(crate) const URI_PARAM: u8 = 16;
    pub(crate) const URI_HEADER: u8 = 32;
    pub(crate) const URI: u8 = 64;
    /// What a parameter's value may hold without quotes. Wider than the grammar's token and host,
    /// since nothing of it can be misread.
    pub(crate) const VALUE: u8 = 128;

    /// For each byte, the classes it belongs to.
    static CLASSES: [u8; 256] = {
        const fn mark(mut table: [u8; 256], bytes: &[u8], class: u8) -> [u8; 256] {
            let mut i = 0;
            while i < bytes.len() {
                table[bytes[i] as usize] |= class;
                i += 1;
            }
            table
        }
        const UNRESERVED: u8 = USER | PASSWORD | URI_PARAM | URI_HEADER;
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            let b = byte as u8;
            if b.is_ascii_alphanumeric() {
                table[byte] = TOKEN | HOST | UNRESERVED | URI;
            }
            // Raw UTF-8 in a user part ought to be escaped; phones send it nevertheless.
            if b >= 0x80 {
                table[byte] = USER | PASSWORD | URI_PARAM | URI_HEADER | URI;
            }
            if !matches!(b, 0..=0x20 | 0x7f | b'"' | b'<' | b'>' | b';') {
                table[byte] |= VALUE;
            }
            byte += 1;
        }
        table = mark(table, b"-.!%*_+`'~", TOKEN);
        // Underscores are no part of a host name, yet they occur in private networks.
        table = mark(table, b"-._", HOST);
        table = mark(table, b"-_.!~*'()", UNRESERVED);
        table = mark(table, b"&=+$,;?/", USER);
        table = mark(table, b"&=+$,", PASSWORD);
        table = mark(table, b"[]/:&+$", URI_PARAM);
        table = mark(table, b"[]/?:+$", URI_HEADER);
        table = mark(table, b"-_.!~*'()%;/?:@&=+$,#[]", URI);
        table
    };

    /// Whether `byte` is of `class`.
    #[inline(always)]
    pub(crate) fn has(byte: u8, class: u8) -> bool {
        CLASSES[byte as usize] & class != 0
    }

    /// Where the run of bytes of `class` that starts at `at` ends.
    #[inline(always)]
    pub(crate) fn run(text: &[u8], mut at: usize, class: u8) -> usize {
        while at < text.len() && has(text[at], class) {
            at += 1;
        }
        at
    }

    /// Whether `text` is of `class` throughout, and not empty.
    #[inline(always)]
    pub(crate) fn all(text: &str, class: u8) -> bool {
        !text.is_empty() && run(text.as_bytes(), 0, class) == text.len()
    }
}

/// Looking at eight bytes at a time, held in one number. Each function marks bytes by their highest
/// bit, of which only the lowest mark is sure.
mod eight {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = ONES << 7;

    #[inline(always)]
    pub(super) fn load(text: &[u8], at: usize) -> Option<u64> {
        text.get(at..)?
            .first_chunk()
            .map(|b| u64::from_le_bytes(*b))
    }

    #[inline(always)]
    pub(super) fn equal(bytes: u64, byte: u8) -> u64 {
        let zeros = bytes ^ (ONES * byte as u64);
        zeros.wrapping_sub(ONES) & !zeros & HIGHEST
    }

    /// All that may not stand in a parameter's value without quotes, and `!`.
    #[inline(always)]
    pub(super) fn ends_value(bytes: u64) -> u64 {
        // Up to the quotation mark; below it stand only controls, the blank and `!`.
        let below = bytes.wrapping_sub(ONES * 0x23) & !bytes & HIGHEST;
        // `<` and `>` differ in one bit.
        let angles = equal(bytes | (ONES * 2), b'>');
        below | angles | equal(bytes, b';') | equal(bytes, 0x7f)
    }
}

/// Where the first `byte` in `text` is.
#[inline(always)]
pub(crate) fn find(text: &[u8], byte: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(bytes) = eight::load(text, at) {
        match eight::equal(bytes, byte) {
            0 => at += 8,
            marks => return Some(at + marks.trailing_zeros() as usize / 8),
        }
    }
    while at < text.len() {
        if text[at] == byte {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// Where the value of a parameter ends that starts at `at` without quotes.
#[inline(always)]
pub(crate) fn end_of_value(text: &[u8], mut at: usize) -> usize {
    while let Some(bytes) = eight::load(text, at) {
        match eight::ends_value(bytes) {
            0 => at += 8,
            marks => {
                at += marks.trailing_zeros() as usize / 8;
                break;
            }
        }
    }
    class::run(text, at, class::VALUE)
}

/// Whether `text` is a `token`.
pub(crate) fn is_token(text: &str) -> bool {
    class::all(text, class::TOKEN)
}

/// Whether `text` has only the characters of a host name.
pub(crate) fn is_host_name(text: &str) -> bool {
    class::all(text, class::HOST)
}

/// Whether `text` has only characters that occur in URIs of any scheme.
pub(crate) fn is_uri_text(text: &str) -> bool {
    class::all(text, class::URI)
}

/// The length of the `quoted-string` at the start of `text`, quotes included, if there is one.
pub(crate) fn quoted_len(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        let hit = at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[hit] == b'"' {
            return Some(hit + 1);
        }
        at = hit + 2;
    }
}

/// The text within a `quoted-string`, its backslashes undone; what is not quoted stays as it is.
pub(crate) fn unquote(text: &str) -> Cow<'_, str> {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' {
            chars.next().unwrap_or(c)
        } else {
            c
        });
    }
    Cow::Owned(plain)
}

/// `text` as a `quoted-string`. Control characters can't be quoted and become spaces.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_ascii_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `text` without blanks at its ends, among them a stray carriage return: within a line it is
/// printed as a space.
#[inline]
pub(crate) fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    let (mut start, mut end) = (0, bytes.len());
    while start < end && is_blank(bytes[start]) {
        start += 1;
    }
    while start < end && is_blank(bytes[end - 1]) {
        end -= 1;
    }
    &text[start..end]
}

/// Where the digits that start at `at` end.
#[inline(always)]
pub(crate) fn skip_digits(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && text[at].is_ascii_digit() {
        at += 1;
    }
    at
}

/// Whether `byte` is what [`trim`] takes away.
#[inline(always)]
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Where the blanks that start at `at` end.
#[inline(always)]
pub(crate) fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while at < text.len() && matches!(text[at], b' ' | b'\t') {
        at += 1;
    }
    at
}

/// Cuts `text` at the first `separator` that stands outside quotes and angle brackets.
pub(crate) fn cut(text: &str, separator: u8) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(hit) = memchr::memchr3(separator, b'"', b'<', &bytes[at..]) {
        at += hit;
        let skipped = match bytes[at] {
            b'"' => quoted_len(&text[at..]),
            b'<' => memchr::memchr(b'>', &bytes[at..]).map(|close| close + 1),
            _ => return (&text[..at], Some(&text[at + 1..])),
        };
        match skipped {
            Some(len) => at += len,
            // What is left open swallows the rest; whoever parses the piece will complain.
            None => break,
        }
    }
    (text, None)
}

/// Splits `text` at the first `separator`, whatever it stands in.
pub(crate) fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|b| b == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Cuts `text` before the first semicolon, where the parameters start.
pub(crate) fn cut_params(text: &str) -> (&str, &str) {
    text.split_at(memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len()))
}

/// A decimal number of digits only (no sign), or `None` when it doesn't fit.
#[inline]
pub(crate) fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let mut number = 0u64;
    for byte in text.bytes() {
        let digit = byte.wrapping_sub(b'0');
        // Far beyond what any number here may be, and far from what would be too much.
        if digit > 9 || number > 1 << 40 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    T::try_from(number).ok()
}

/// A `token` of the grammar: what method names, option tags and transports are made of.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(Text);

impl Token {
    /// `text` as a token, or `None` when it has a character that no token may have.
    pub fn new(text: impl Into<Text>) -> Option<Self> {
        let text = text.into();
        is_token(&text).then_some(Self(text))
    }

    /// The token as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `piece`, which is a part of `whole`, as a text of its own that shares the bytes.
pub(crate) fn slice(whole: &Text, piece: &str) -> Text {
    if piece.is_empty() {
        Text::new()
    } else {
        whole.slice_ref(piece)
    }
}
