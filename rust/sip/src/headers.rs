//! The header rows of a message, in order, each parsed when it is asked for.

use std::fmt;

use crate::grammar;
use crate::header::{Found, Header, Pieces, Rows, Via};
use crate::{Error, HeaderName, Text};

/// The headers of a message in the order they were written.
///
/// A row is a name and the text of its value, a slice of the datagram with folding undone.
#[derive(Clone, Default)]
pub struct Headers {
    /// What the rows are read from.
    head: Text,
    rows: Vec<Row>,
}

#[derive(Clone)]
struct Row {
    name: HeaderName,
    value: Value,
}

/// The value of a row. Most rows of a message concern nobody, and a slice that counts its users is
/// not for nothing.
#[derive(Clone)]
enum Value {
    /// From where to where in the head, and what was found of it.
    Read { start: u32, end: u32, found: Found },
    /// What was put there later.
    Set(Text),
}

impl Row {
    fn new(name: HeaderName, value: Text) -> Self {
        Self {
            name,
            value: Value::Set(value),
        }
    }

    fn set(&mut self, value: Text) {
        self.value = Value::Set(value);
    }

    #[inline]
    fn as_str<'a>(&'a self, head: &'a Text) -> &'a str {
        match &self.value {
            Value::Read { start, end, .. } => &head[*start as usize..*end as usize],
            Value::Set(value) => value,
        }
    }

    /// The value as a text of its own.
    #[inline]
    fn text(&self, head: &Text) -> Text {
        match &self.value {
            Value::Read { .. } => grammar::slice(head, self.as_str(head)),
            Value::Set(value) => value.clone(),
        }
    }

    /// The value, and where it is from.
    #[inline]
    fn piece<'a>(&'a self, head: &'a Text) -> Piece<'a> {
        let (whole, found) = match &self.value {
            Value::Read { found, .. } => (head, found),
            Value::Set(value) => (value, UNKNOWN),
        };
        let text = self.as_str(head);
        Piece { whole, text, found }
    }
}

const UNKNOWN: &Found = &Found(Pieces::Unknown);

/// A value, or several.
#[derive(Clone, Copy)]
struct Piece<'a> {
    /// What the text is a piece of.
    whole: &'a Text,
    text: &'a str,
    /// What is known of it.
    found: &'a Found,
}

impl Piece<'_> {
    /// Whether a row of a list holds one value.
    #[inline]
    fn is_alone<T: Header>(&self) -> bool {
        T::is_alone(self.found) || memchr::memchr(b',', self.text.as_bytes()).is_none()
    }

    #[inline]
    fn read<T: Header>(&self) -> Result<T, Error> {
        T::read_found(self.whole, self.text, self.found)
    }
}

impl Headers {
    /// Room for the rows of most messages, in a piece of memory of the sizes that allocators hand
    /// out at once (up to 1 KiB).
    pub(crate) const USUAL: usize = 1024 / size_of::<Row>();

    /// No headers.
    pub const fn new() -> Self {
        Self {
            head: Text::new(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            head: Text::new(),
            rows: Vec::with_capacity(rows),
        }
    }

    /// Says what the spans of [`Headers::push_span`] are in.
    pub(crate) fn lie_in(&mut self, head: Text) {
        self.head = head;
    }

    /// Looks at all rows until there is something wrong with one, and notes what is found. What was
    /// set is looked at in vain.
    pub(crate) fn look(
        &mut self,
        mut look: impl FnMut(&HeaderName, &str) -> Result<Found, Error>,
    ) -> Result<(), Error> {
        for row in &mut self.rows {
            let seen = look(&row.name, row.as_str(&self.head))?;
            if let Value::Read { found, .. } = &mut row.value {
                *found = seen;
            }
        }
        Ok(())
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
    #[inline]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&HeaderName, &str)> {
        self.rows
            .iter()
            .map(|row| (&row.name, row.as_str(&self.head)))
    }

    /// Those rows that are chosen by their names, lying where they lie, with room for some more.
    pub(crate) fn repeat(&self, mut choose: impl FnMut(&HeaderName) -> bool) -> Self {
        let mut rows = Vec::with_capacity((self.rows.len() + 4).min(Self::USUAL));
        rows.extend(self.rows.iter().filter(|row| choose(&row.name)).cloned());
        Self {
            head: self.head.clone(),
            rows,
        }
    }

    /// Adds those rows of other headers at the end that are chosen by their names.
    pub(crate) fn copy(&mut self, other: &Self, mut choose: impl FnMut(&HeaderName) -> bool) {
        for row in other.rows.iter().filter(|row| choose(&row.name)) {
            self.push(row.name.clone(), row.text(&other.head));
        }
    }

    /// Adds text to the first row called `name`.
    pub(crate) fn append(&mut self, name: &HeaderName, more: &str) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == *name) {
            row.set([row.as_str(&self.head), more].concat().into());
        }
    }

    /// The values of all rows called `name`, in order.
    pub fn get_all(&self, name: &HeaderName) -> impl DoubleEndedIterator<Item = &str> {
        self.rows
            .iter()
            .filter(move |row| row.name == *name)
            .map(|row| row.as_str(&self.head))
    }

    /// The value of the first row called `name`.
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.get_all(name).next()
    }

    /// The values of all rows called `name`, in order, as texts of their own.
    pub(crate) fn texts(&self, name: &HeaderName) -> impl Iterator<Item = Text> {
        self.rows
            .iter()
            .filter(move |row| row.name == *name)
            .map(|row| row.text(&self.head))
    }

    /// Whether there is a row called `name`.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.rows.iter().any(|row| row.name == *name)
    }

    /// The first `T`, or `None` when the message has none.
    pub fn get_typed<T: Header>(&self) -> Option<Result<T, Error>> {
        if T::ROWS == Rows::One {
            let row = self.rows.iter().find(|row| row.name == T::NAME)?;
            return Some(row.piece(&self.head).read());
        }
        self.get_all_typed().next()
    }

    /// Every `T` in order, whether the values stand in rows of their own or separated by commas.
    pub fn get_all_typed<T: Header>(&self) -> impl Iterator<Item = Result<T, Error>> {
        let named = self.rows.iter().filter(|row| row.name == T::NAME);
        let mut rows = named.map(|row| row.piece(&self.head));
        // What is left of a row whose first values have been given out.
        let mut rest: Option<Piece<'_>> = None;
        std::iter::from_fn(move || {
            let piece = match rest.take() {
                Some(rest) => rest,
                None => {
                    let row = rows.next()?;
                    // Most rows of a list hold one value.
                    if T::ROWS == Rows::List && row.is_alone::<T>() {
                        return Some(row.read());
                    }
                    row
                }
            };
            Some(match T::ROWS {
                Rows::One => piece.read(),
                Rows::Joined => match rows.next() {
                    None => piece.read(),
                    Some(second) => T::parse(&join(piece.text, second.text, &mut rows)),
                },
                Rows::List => {
                    let found = UNKNOWN;
                    let (value, after) = grammar::cut(piece.text, b',');
                    rest = after.map(|text| Piece {
                        text,
                        found,
                        ..piece
                    });
                    T::read(piece.whole, grammar::trim(value))
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
        let value = Value::Read {
            start: start as u32,
            end: end as u32,
            found: Found::default(),
        };
        self.rows.push(Row { name, value });
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
            let row = self.rows[at].piece(&self.head);
            let rest = match T::ROWS {
                Rows::List => grammar::cut(row.text, b',').1.map(grammar::trim),
                Rows::One | Rows::Joined => None,
            };
            match rest {
                Some(rest) => {
                    let rest = grammar::slice(row.whole, rest);
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
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Rows as one, separated by commas.
fn join<'a>(first: &str, second: &str, rows: &mut impl Iterator<Item = Piece<'a>>) -> Text {
    let mut joined = format!("{first}, {second}");
    for row in rows {
        joined.extend([", ", row.text]);
    }
    joined.into()
}
