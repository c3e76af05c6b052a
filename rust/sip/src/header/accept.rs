//! Accept (RFC 3261 §20.1).

use std::fmt;

use super::{Header, HeaderName, Params, Rows};
use crate::{Error, Text, Token, grammar};

/// The media types its sender takes. An empty list is of none at all; without the header it is
/// `application/sdp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept(pub Vec<MediaRange>);

impl Accept {
    /// Whether the media type `essence`, such as `application/sdp`, is taken.
    pub fn accepts(&self, essence: &str) -> bool {
        self.0.iter().any(|range| range.contains(essence))
    }
}

/// A media type, or with `*` all of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaRange {
    kind: Token,
    subtype: Token,
    /// The parameters, `q` among them.
    pub params: Params,
}

impl MediaRange {
    /// Whether the media type `essence`, such as `application/sdp`, is in the range.
    pub fn contains(&self, essence: &str) -> bool {
        let is = |range: &Token, part: &str| {
            range.as_str() == "*" || range.as_str().eq_ignore_ascii_case(part)
        };
        essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| is(&self.kind, kind) && is(&self.subtype, subtype))
    }

    fn read(whole: &Text, item: &str) -> Option<Self> {
        let (range, params) = grammar::cut_params(item);
        let (kind, subtype) = range.split_once('/')?;
        Some(Self {
            kind: Token::new(grammar::slice(whole, grammar::trim(kind)))?,
            subtype: Token::new(grammar::slice(whole, grammar::trim(subtype)))?,
            params: Params::parse(whole, params)?,
        })
    }
}

impl Header for Accept {
    const NAME: HeaderName = HeaderName::Accept;
    const ROWS: Rows = Rows::Joined;

    fn parse(value: &Text) -> Result<Self, Error> {
        let mut ranges = Vec::new();
        let mut rest = Some(&**value);
        while let Some(text) = rest {
            let (item, after) = grammar::cut(text, b',');
            rest = after;
            // Empty items occur in lists of phones.
            if !grammar::trim(item).is_empty() {
                let range = MediaRange::read(value, item);
                ranges.push(range.ok_or(Error::Malformed(Self::NAME))?);
            }
        }
        Ok(Self(ranges))
    }
}

impl fmt::Display for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            let MediaRange {
                kind,
                subtype,
                params,
            } = range;
            write!(f, "{separator}{kind}/{subtype}{params}")?;
        }
        Ok(())
    }
}
