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
    pub(crate) fn has(byte: u8, class: u8) -> bool {
        CLASSES[byte as usize] & class != 0
    }

    /// Where the run of bytes of `class` that starts at `at` ends.
    pub(crate) fn run(text: &[u8], at: usize, class: u8) -> usize {
        let rest = text.get(at..).unwrap_or(&[]);
        at + rest
            .iter()
            .position(|b| !has(*b, class))
            .unwrap_or(rest.len())
    }

    /// Whether `text` is of `class` throughout, and not empty.
    pub(crate) fn all(text: &str, class: u8) -> bool {
        !text.is_empty() && text.bytes().all(|b| has(b, class))
    }
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

/// Blanks as they occur within a row once folding is undone.
pub(crate) const BLANKS: [char; 2] = [' ', '\t'];

/// `text` without blanks at its ends, among them a stray carriage return: within a line it is
/// printed as a space.
pub(crate) fn trim(text: &str) -> &str {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r');
    let bytes = text.as_bytes();
    let Some(start) = bytes.iter().position(|b| !blank(b)) else {
        return "";
    };
    let end = bytes
        .iter()
        .rposition(|b| !blank(b))
        .map_or(start, |last| last + 1);
    &text[start..end]
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
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
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
