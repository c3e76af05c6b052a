//! Character classes and small pieces of the grammar (RFC 3261 §25.1).

use std::borrow::Cow;
use std::fmt;

use crate::Text;

const TOKEN: u8 = 1;
const HOST: u8 = 2;
const USER: u8 = 4;
const PASSWORD: u8 = 8;
const URI_PARAM: u8 = 16;
const URI_HEADER: u8 = 32;
const URI: u8 = 64;

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
    mark(table, b"-_.!~*'()%;/?:@&=+$,#[]", URI)
};

fn all(text: &str, class: u8) -> bool {
    // Without an early exit: texts are short and nearly always sound.
    text.bytes()
        .fold(class, |seen, b| seen & CLASSES[b as usize])
        != 0
}

/// Whether `text` is a `token`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && all(text, TOKEN)
}

/// Whether `text` can stand as a parameter value without quotes: a token or a host.
pub(crate) fn is_bare_value(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| CLASSES[b as usize] & TOKEN != 0 || matches!(b, b'[' | b']' | b':'))
}

/// Whether `text` has only the characters of a host name.
pub(crate) fn is_host_name(text: &str) -> bool {
    !text.is_empty() && all(text, HOST)
}

/// Whether `text` has only characters that occur in URIs of any scheme.
pub(crate) fn is_uri_text(text: &str) -> bool {
    !text.is_empty() && all(text, URI)
}

/// The parts of a SIP URI that differ in what they may hold unescaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UriPart {
    User,
    Password,
    Param,
    Header,
}

impl UriPart {
    fn class(self) -> u8 {
        match self {
            Self::User => USER,
            Self::Password => PASSWORD,
            Self::Param => URI_PARAM,
            Self::Header => URI_HEADER,
        }
    }

    /// Whether `text` is well formed here: allowed characters and whole `%XX` escapes.
    pub(crate) fn accepts(self, text: &str) -> bool {
        let class = self.class();
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            if CLASSES[bytes[i] as usize] & class != 0 {
                i += 1;
            } else if bytes[i] == b'%' && hex_pair(&bytes[i + 1..]).is_some() {
                i += 3;
            } else {
                return false;
            }
        }
        true
    }

    /// `text` with every character that may not stand here written as `%XX`.
    pub(crate) fn escape(self, text: &str) -> Cow<'_, str> {
        let stands = |b: u8| b < 0x80 && CLASSES[b as usize] & self.class() != 0;
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

/// The bytes of `text` as URIs are compared (RFC 3261 §19.1.4): an escape equals what it stands
/// for, unless that is a reserved character; then it is marked.
pub(crate) fn significant(text: &str) -> impl Iterator<Item = (u8, bool)> {
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

/// `text` without blanks at its ends.
pub(crate) fn trim(text: &str) -> &str {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
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
