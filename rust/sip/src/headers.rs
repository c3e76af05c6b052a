//! The header rows of a message, in order, each parsed when it is asked for.

use std::cell::OnceCell;
use std::fmt;

use crate::grammar;
use crate::header::{Header, Rows, Via};
use crate::{Error, HeaderName, Text};

/// The headers of a message in the order they were written.
///
/// A row is a name and the text of its value, a slice of the datagram with folding undone.
#[derive(Clone, Default)]
pub struct Headers {
    /// What the rows are read from.
    head: Text,
    rows: Vec<Row>,
    /// The rows that still are as they were read, and that every message is checked for, are sound.
    is_checked: bool,
}

#[derive(Clone)]
struct Row {
    name: HeaderName,
    /// Where the value is in the head; empty when it never was there.
    span: (u32, u32),
    /// The value, once somebody has asked: most rows of a message concern nobody, and a slice
    /// that counts its users is not for nothing.
    value: OnceCell<Text>,
}

impl Row {
    fn new(name: HeaderName, value: Text) -> Self {
        Self {
            name,
            span: (0, 0),
            value: value.into(),
        }
    }

    /// Gives it a value that is not the one of the head.
    fn set(&mut self, value: Text) {
        self.span = (0, 0);
        self.value = value.into();
    }

    #[inline]
    fn value(&self, head: &Text) -> &Text {
        self.value
            .get_or_init(|| grammar::slice(head, self.in_head(head)))
    }

    #[inline]
    fn as_str<'a>(&'a self, head: &'a Text) -> &'a str {
        match self.value.get() {
            Some(value) => value,
            None => self.in_head(head),
        }
    }

    /// The value, the text that it is a piece of, and whether it was read from a head.
    #[inline]
    fn part<'a>(&'a self, head: &'a Text) -> (&'a Text, &'a str, bool) {
        let was_read = self.span.1 > 0;
        match self.value.get() {
            Some(value) => (value, value, was_read),
            None => (head, self.in_head(head), was_read),
        }
    }

    #[inline]
    fn in_head<'a>(&self, head: &'a Text) -> &'a str {
        &head[self.span.0 as usize..self.span.1 as usize]
    }
}

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self {
            head: Text::new(),
            rows: Vec::new(),
            is_checked: false,
        }
    }

    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            head: Text::new(),
            rows: Vec::with_capacity(rows),
            is_checked: false,
        }
    }

    /// Says what the spans of [`Headers::push_span`] are in.
    pub(crate) fn lie_in(&mut self, head: Text) {
        self.head = head;
    }

    /// Notes that they have been checked, so that what was read then is not doubted again.
    pub(crate) fn set_checked(&mut self) {
        self.is_checked = true;
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All rows in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&HeaderName, &Text)> {
        self.rows
            .iter()
            .map(|row| (&row.name, row.value(&self.head)))
    }

    /// All rows in order, none of them sliced for it.
    #[inline]
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.rows
            .iter()
            .map(|row| (&row.name, row.as_str(&self.head)))
    }

    /// The values of all rows called `name`, in order.
    pub fn get_all(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &Text> {
        self.rows
            .iter()
            .filter(move |row| row.name == *name)
            .map(|row| row.value(&self.head))
    }

    /// The value of the first row called `name`.
    pub fn get(&self, name: &HeaderName) -> Option<&Text> {
        self.get_all(name).next()
    }

    /// Whether there is a row called `name`.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.rows.iter().any(|row| row.name == *name)
    }

    /// The first `T`, or `None` when the message has none.
    pub fn get_typed<T: Header>(&self) -> Option<Result<T, Error>> {
        self.get_all_typed().next()
    }

    /// Every `T` in order, whether the values stand in rows of their own or separated by commas.
    pub fn get_all_typed<T: Header>(&self) -> impl Iterator<Item = Result<T, Error>> {
        let named = self.rows.iter().filter(|row| row.name == T::NAME);
        let mut rows = named.map(|row| row.part(&self.head));
        let read = |whole, value, was_read| match was_read && self.is_checked {
            true => T::read_sound(whole, value),
            false => T::read(whole, value),
        };
        // What is left of a row whose first values have been given out.
        let mut rest: Option<(&Text, &str, bool)> = None;
        std::iter::from_fn(move || {
            let (whole, text, was_read) = match rest.take() {
                Some(rest) => rest,
                None => {
                    let (whole, row, was_read) = rows.next()?;
                    // Most rows of a list hold one value.
                    if T::ROWS == Rows::List && memchr::memchr(b',', row.as_bytes()).is_none() {
                        return Some(read(whole, row, was_read));
                    }
                    (whole, row, was_read)
                }
            };
            Some(match T::ROWS {
                Rows::One => read(whole, text, was_read),
                Rows::Joined => match rows.next() {
                    None => read(whole, text, was_read),
                    Some((_, second, _)) => T::parse(&join(text, second, &mut rows)),
                },
                Rows::List => {
                    let (value, after) = grammar::cut(text, b',');
                    rest = after.map(|after| (whole, after, was_read));
                    read(whole, grammar::trim(value), was_read)
                }
            })
        })
    }

    /// Whether there is more than one `T`; none of them is parsed.
    pub(crate) fn has_several<T: Header>(&self) -> bool {
        let name = T::NAME;
        let mut rows = self.get_all(&name);
        match (rows.next(), rows.next()) {
            (Some(row), None) => T::ROWS == Rows::List && grammar::cut(row, b',').1.is_some(),
            (_, second) => second.is_some(),
        }
    }

    /// The first `T`; its absence is an error.
    pub fn require<T: Header>(&self) -> Result<T, Error> {
        match self.get_typed() {
            Some(header) => header,
            None => Err(Error::Missing(T::NAME)),
        }
    }

    /// The topmost Via: where a response goes, and which transaction this is.
    pub fn top_via(&self) -> Result<Via, Error> {
        self.require()
    }

    /// Adds a row at the end.
    #[inline]
    pub fn push(&mut self, name: HeaderName, value: impl Into<Text>) {
        self.rows.push(Row::new(name, value.into()));
    }

    /// Adds a row at the end whose value lies in the head.
    #[inline(always)]
    pub(crate) fn push_span(&mut self, name: HeaderName, start: usize, end: usize) {
        self.rows.push(Row {
            name,
            span: (start as u32, end as u32),
            value: OnceCell::new(),
        });
    }

    /// Adds a header at the end.
    pub fn push_typed<T: Header>(&mut self, header: &T) {
        self.push(T::NAME, header.to_string());
    }

    /// Adds a header before all rows of its name, at the top when there are none.
    pub fn prepend<T: Header>(&mut self, header: &T) {
        let at = self
            .rows
            .iter()
            .position(|row| row.name == T::NAME)
            .unwrap_or(0);
        self.rows
            .insert(at, Row::new(T::NAME, header.to_string().into()));
    }

    /// Puts one row in the place of all rows called `name`, or at the end when there are none.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Text>) {
        let at = self
            .rows
            .iter()
            .position(|row| row.name == name)
            .unwrap_or(self.rows.len());
        self.remove(&name);
        self.rows.insert(at, Row::new(name, value.into()));
    }

    /// Puts `header` in the place of all rows of its name, or at the end when there are none.
    pub fn set_typed<T: Header>(&mut self, header: &T) {
        self.set(T::NAME, header.to_string());
    }

    /// Puts `header` in the place of the first value of its name, or at the top when there is
    /// none. Further values, in the same row or in others, stay.
    pub fn replace_first<T: Header>(&mut self, header: &T) {
        let Some(row) = self.rows.iter_mut().find(|row| row.name == T::NAME) else {
            return self.prepend(header);
        };
        let value = row.as_str(&self.head);
        let rest = match T::ROWS {
            Rows::List => grammar::cut(value, b',').1,
            Rows::One | Rows::Joined => None,
        };
        let value = match rest {
            Some(rest) => format!("{header},{rest}"),
            None => header.to_string(),
        };
        row.set(value.into());
    }

    /// Takes the first value of `T`'s name away, leaving further ones, and returns it.
    pub fn pop_first<T: Header>(&mut self) -> Option<Result<T, Error>> {
        let first = self.get_typed();
        if let Some(at) = self.rows.iter().position(|row| row.name == T::NAME) {
            let value = self.rows[at].value(&self.head);
            let rest = match T::ROWS {
                Rows::List => grammar::cut(value, b',').1.map(grammar::trim),
                Rows::One | Rows::Joined => None,
            };
            match rest {
                Some(rest) => {
                    let rest = grammar::slice(value, rest);
                    self.rows[at].set(rest);
                }
                None => {
                    self.rows.remove(at);
                }
            }
        }
        first
    }

    /// Takes all rows called `name` away.
    pub fn remove(&mut self, name: &HeaderName) {
        self.rows.retain(|row| row.name != *name);
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.texts().eq(other.texts())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.texts()).finish()
    }
}

/// Rows as one, separated by commas.
fn join<'a>(
    first: &str,
    second: &str,
    rows: &mut impl Iterator<Item = (&'a Text, &'a str, bool)>,
) -> Text {
    let mut joined = format!("{first}, {second}");
    for (_, row, _) in rows {
        joined.extend([", ", row]);
    }
    joined.into()
}
