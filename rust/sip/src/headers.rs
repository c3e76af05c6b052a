//! The header rows of a message, in order, each parsed when it is asked for.

use crate::grammar;
use crate::header::{Header, Rows, Via};
use crate::{Error, HeaderName, Text};

/// The headers of a message in the order they were written.
///
/// A row is a name and the text of its value, a slice of the datagram with folding undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    rows: Vec<(HeaderName, Text)>,
}

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(rows),
        }
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
        self.rows.iter().map(|(name, value)| (name, value))
    }

    /// The values of all rows called `name`, in order.
    pub fn get_all(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &Text> {
        self.rows
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value)
    }

    /// The value of the first row called `name`.
    pub fn get(&self, name: &HeaderName) -> Option<&Text> {
        self.get_all(name).next()
    }

    /// Whether there is a row called `name`.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// The first `T`, or `None` when the message has none.
    pub fn get_typed<T: Header>(&self) -> Option<Result<T, Error>> {
        self.get_all_typed().next()
    }

    /// Every `T` in order, whether the values stand in rows of their own or separated by commas.
    pub fn get_all_typed<T: Header>(&self) -> impl Iterator<Item = Result<T, Error>> {
        let named = self.rows.iter().filter(|(name, _)| *name == T::NAME);
        let mut rows = named.map(|(_, value)| value);
        // What is left of a row whose first values have been given out.
        let mut rest: Option<(&Text, &str)> = None;
        std::iter::from_fn(move || {
            let (row, text) = match rest.take() {
                Some(rest) => rest,
                None => rows.next().map(|row| (row, &**row))?,
            };
            Some(match T::ROWS {
                Rows::One => T::parse(row),
                Rows::Joined => T::parse(&join(row, &mut rows)),
                Rows::List => {
                    let (value, after) = grammar::cut(text, b',');
                    rest = after.map(|after| (row, after));
                    match grammar::trim(value) {
                        value if value.len() == row.len() => T::parse(row),
                        value => T::parse(&grammar::slice(row, value)),
                    }
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
        self.get_typed().unwrap_or(Err(Error::Missing(T::NAME)))
    }

    /// The topmost Via: where a response goes, and which transaction this is.
    pub fn top_via(&self) -> Result<Via, Error> {
        self.require()
    }

    /// Adds a row at the end.
    #[inline]
    pub fn push(&mut self, name: HeaderName, value: impl Into<Text>) {
        self.rows.push((name, value.into()));
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
            .position(|(n, _)| *n == T::NAME)
            .unwrap_or(0);
        self.rows.insert(at, (T::NAME, header.to_string().into()));
    }

    /// Puts one row in the place of all rows called `name`, or at the end when there are none.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Text>) {
        let at = self
            .rows
            .iter()
            .position(|(n, _)| *n == name)
            .unwrap_or(self.rows.len());
        self.remove(&name);
        self.rows.insert(at, (name, value.into()));
    }

    /// Puts `header` in the place of all rows of its name, or at the end when there are none.
    pub fn set_typed<T: Header>(&mut self, header: &T) {
        self.set(T::NAME, header.to_string());
    }

    /// Puts `header` in the place of the first value of its name, or at the top when there is
    /// none. Further values, in the same row or in others, stay.
    pub fn replace_first<T: Header>(&mut self, header: &T) {
        let Some((_, value)) = self.rows.iter_mut().find(|(n, _)| *n == T::NAME) else {
            return self.prepend(header);
        };
        let rest = match T::ROWS {
            Rows::List => grammar::cut(value, b',').1,
            Rows::One | Rows::Joined => None,
        };
        *value = match rest {
            Some(rest) => format!("{header},{rest}").into(),
            None => header.to_string().into(),
        };
    }

    /// Takes the first value of `T`'s name away, leaving further ones, and returns it.
    pub fn pop_first<T: Header>(&mut self) -> Option<Result<T, Error>> {
        let first = self.get_typed();
        if let Some(at) = self.rows.iter().position(|(n, _)| *n == T::NAME) {
            let (_, value) = &mut self.rows[at];
            let rest = match T::ROWS {
                Rows::List => grammar::cut(value, b',').1.map(grammar::trim),
                Rows::One | Rows::Joined => None,
            };
            match rest {
                Some(rest) => *value = grammar::slice(value, rest),
                None => {
                    self.rows.remove(at);
                }
            }
        }
        first
    }

    /// Takes all rows called `name` away.
    pub fn remove(&mut self, name: &HeaderName) {
        self.rows.retain(|(n, _)| n != name);
    }
}

/// `first` and all that follow, separated by commas; nothing is copied for one alone.
fn join<'a>(first: &Text, rows: &mut impl Iterator<Item = &'a Text>) -> Text {
    let Some(second) = rows.next() else {
        return first.clone();
    };
    let mut joined = format!("{first}, {second}");
    for row in rows {
        joined.extend([", ", row]);
    }
    joined.into()
}
