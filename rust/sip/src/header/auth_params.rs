//! `name=value, name="value"`: the parameters of challenges and credentials (RFC 3261 §25.1,
//! RFC 9110 §11.2).

use std::borrow::Cow;
use std::fmt;

use crate::Text;
use crate::grammar::{self, class};

/// Parameters separated by commas, each name once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthParams {
    /// Values as they stand on the wire, quotes and escapes included.
    list: Vec<(Text, Text)>,
}

impl AuthParams {
    /// The most parameters that one challenge or one answer may have.
    pub const MAX: usize = 32;

    /// No parameters.
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// The value of the parameter called `name`, in any case, without its quotes.
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        self.list
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| grammar::unquote(value))
    }

    /// With a parameter whose value is written as a quoted-string.
    pub fn with_quoted(self, name: &str, value: &str) -> Self {
        self.with(name, grammar::quote(value))
    }

    /// With a parameter whose value, a token, is written as it is.
    pub fn with_token(self, name: &str, value: &str) -> Self {
        self.with(name, value.to_owned())
    }

    fn with(mut self, name: &str, value: String) -> Self {
        self.list.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.list.push((name.to_owned().into(), value.into()));
        self
    }

    /// Reads parameters at the start of `text`, a piece of `whole`. What is returned beside them
    /// starts with the scheme of a further challenge after their last comma.
    pub(super) fn read<'a>(whole: &Text, text: &'a str) -> Option<(Self, &'a str)> {
        let bytes = text.as_bytes();
        let mut list = Vec::new();
        let mut at = 0;
        loop {
            // Empty items of a list are passed over (RFC 9110 §5.6.1).
            at = skip(bytes, at, b" \t,");
            let end_of_name = class::run(bytes, at, class::TOKEN);
            let name = &text[at..end_of_name];
            let equals = skip(bytes, end_of_name, b" \t");
            if name.is_empty() || bytes.get(equals) != Some(&b'=') {
                let ends = matches!(bytes.get(equals), None | Some(b','));
                let is_scheme = !name.is_empty() && (equals > end_of_name || ends);
                let rest = if is_scheme { &text[at..] } else { "" };
                return (rest.len() == text.len() - at).then_some((Self { list }, rest));
            }
            let start = skip(bytes, equals + 1, b" \t");
            let end = match grammar::quoted_len(&text[start..]) {
                Some(quoted) => start + quoted,
                None => start + bare_len(&text[start..]),
            };
            let known = |(n, _): &(Text, Text)| n.eq_ignore_ascii_case(name);
            if end == start || list.len() == Self::MAX || list.iter().any(known) {
                return None;
            }
            let (name, value) = (name, &text[start..end]);
            list.push((grammar::slice(whole, name), grammar::slice(whole, value)));
            at = skip(bytes, end, b" \t");
            if at < bytes.len() && bytes[at] != b',' {
                return None;
            }
        }
    }
}

fn skip(bytes: &[u8], at: usize, of: &[u8]) -> usize {
    at + bytes[at..].iter().take_while(|b| of.contains(b)).count()
}

/// The length of a value without quotes. Wider than a token: a nonce in Base64 is often left
/// unquoted.
fn bare_len(text: &str) -> usize {
    text.bytes()
        .position(|b| b == b',' || !class::has(b, class::VALUE))
        .unwrap_or(text.len())
}

impl fmt::Display for AuthParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.list.iter().enumerate() {
            write!(f, "{}{name}={value}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Leaves out what a password could be guessed from.
impl fmt::Debug for AuthParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.list.iter().map(|(name, value)| {
            let secret = ["response", "rspauth", "cnonce"]
                .iter()
                .any(|secret| name.eq_ignore_ascii_case(secret));
            (name, if secret { "…" } else { &**value })
        });
        f.debug_map().entries(shown).finish()
    }
}
