//! `;name=value` parameters, as headers and URIs carry them.

use std::borrow::Cow;
use std::fmt;

use crate::Text;
use crate::grammar::{self, class};

/// A list of parameters, kept as the text it came in and searched when asked.
///
/// Names compare without regard to case (RFC 3261 §7.3.1). The lists are short, so a search of
/// the text is cheaper than any table would be.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Params(Text);

impl Params {
    /// The most parameters one header or URI may have.
    pub const MAX: usize = 64;

    /// No parameters.
    pub const fn new() -> Self {
        Self(Text::new())
    }

    /// Reads header parameters, a piece of `whole`: nothing, or a `;` before each one. Empty ones,
    /// which the grammar doesn't have but phones do, are passed over.
    pub(crate) fn parse(whole: &Text, text: &str) -> Option<Self> {
        let text = grammar::trim(text);
        if text.is_empty() {
            return Some(Self::new());
        }
        are_params(text).then(|| Self(grammar::slice(whole, text)))
    }

    /// Whether `text` can be read as header parameters.
    pub(crate) fn are_params(text: &str) -> bool {
        are_params(grammar::trim(text))
    }

    /// Wraps parameters that have been checked: empty, or a `;` before each one.
    pub(crate) fn checked(text: Text) -> Self {
        Self(text)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameters in order; a parameter without `=` has no value. Values are as they stand on
    /// the wire, quotes and escapes included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        Self::list(&self.0)
    }

    /// The value of the parameter called `name` as it stands on the wire; empty for a parameter
    /// without a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        Self::find(&self.0, name)
    }

    /// [`Params::iter`] over text.
    pub(crate) fn list(params: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
        let mut rest = params.strip_prefix(';');
        let all = std::iter::from_fn(move || {
            let (param, after) = grammar::cut(rest?, b';');
            rest = after;
            Some(split(param))
        });
        all.filter(|(name, _)| !name.is_empty())
    }

    /// [`Params::get`] in text.
    pub(crate) fn find<'a>(params: &'a str, name: &str) -> Option<&'a str> {
        let mut list = Self::list(params);
        list.find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.unwrap_or(""))
    }

    /// Like [`Params::get`], as a slice that outlives the list.
    pub fn get_text(&self, name: &str) -> Option<Text> {
        self.get(name).map(|value| grammar::slice(&self.0, value))
    }

    /// The value of the parameter called `name` without its quotes.
    pub fn get_unquoted(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name).map(grammar::unquote)
    }

    /// Whether there is a parameter called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Adds a parameter, or gives the one called `name` (a token) a new value in its place. A value
    /// that is neither token nor host is quoted; an empty one leaves the name alone.
    pub fn set(&mut self, name: &str, value: &str) {
        if is_bare(value) {
            self.set_raw(name, value);
        } else {
            self.set_raw(name, &grammar::quote(value));
        }
    }

    /// [`Params::set`] with a value that is already written as the wire wants it.
    pub(crate) fn set_raw(&mut self, name: &str, value: &str) {
        self.set_all_raw([(name, value)]);
    }

    /// [`Params::set_raw`] for several at once.
    pub(crate) fn set_all_raw<const N: usize>(&mut self, params: [(&str, &str); N]) {
        let added: usize = params.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
        let mut text = String::with_capacity(self.0.len() + added);
        let mut found = [false; N];
        for (n, v) in self.iter() {
            match params
                .iter()
                .position(|(name, _)| n.eq_ignore_ascii_case(name))
            {
                None => append(&mut text, n, v),
                Some(at) if found[at] => {}
                Some(at) => {
                    append(&mut text, n, Some(params[at].1));
                    found[at] = true;
                }
            }
        }
        for ((name, value), found) in params.into_iter().zip(found) {
            if !found {
                append(&mut text, name, Some(value));
            }
        }
        self.0 = text.into();
    }

    /// Takes the parameter called `name` away.
    pub fn remove(&mut self, name: &str) {
        if self.contains(name) {
            let mut text = String::with_capacity(self.0.len());
            for (n, v) in self.iter().filter(|(n, _)| !n.eq_ignore_ascii_case(name)) {
                append(&mut text, n, v);
            }
            self.0 = text.into();
        }
    }
}

/// Whether `text` is `;name=value` and so on, with blanks where the grammar has them.
fn are_params(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b';' || count == Params::MAX {
            return false;
        }
        count += 1;
        let name = grammar::skip_blanks(bytes, at + 1);
        let end_of_name = class::run(bytes, name, class::TOKEN);
        at = grammar::skip_blanks(bytes, end_of_name);
        if end_of_name > name && bytes.get(at) == Some(&b'=') {
            let value = grammar::skip_blanks(bytes, at + 1);
            let end_of_value = match bytes.get(value) {
                Some(b'"') => match grammar::quoted_len(&text[value..]) {
                    Some(quoted) => value + quoted,
                    None => return false,
                },
                _ => grammar::end_of_value(bytes, value),
            };
            if end_of_value == value {
                return false;
            }
            at = grammar::skip_blanks(bytes, end_of_value);
        }
    }
    true
}

/// Splits `name = value`, blanks removed.
fn split(param: &str) -> (&str, Option<&str>) {
    match grammar::split(param, b'=') {
        Some((name, value)) => (grammar::trim(name), Some(grammar::trim(value))),
        None => (grammar::trim(param), None),
    }
}

/// Whether `value` needs no quotes: a token or a host.
fn is_bare(value: &str) -> bool {
    let may_stand = |b| class::has(b, class::TOKEN) || matches!(b, b'[' | b']' | b':');
    value.bytes().all(may_stand)
}

fn append(text: &mut String, name: &str, value: Option<&str>) {
    text.push(';');
    text.push_str(name);
    if let Some(value) = value.filter(|v| !v.is_empty()) {
        text.push('=');
        text.push_str(value);
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
