//! Headers that list tokens: methods (Allow) and option tags (RFC 3261 §20.5, §20.29, §20.32,
//! §20.37, §20.40).

use std::fmt;

use super::{Header, HeaderName, Rows};
use crate::{Error, Headers, Method, Text, Token, grammar};

/// Whether the rows called `name` list `token`, in any case. Makes no list of them.
pub(crate) fn lists(headers: &Headers, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .flat_map(|row| row.split(','))
        .any(|item| grammar::trim(item).eq_ignore_ascii_case(token))
}

/// Reads `a, b, c`; the list and items of it may be empty.
fn read_list<T>(value: &Text, read: impl Fn(Text) -> Option<T>) -> Option<Vec<T>> {
    let items = value
        .split(',')
        .map(grammar::trim)
        .filter(|item| !item.is_empty());
    items
        .map(|item| read(grammar::slice(value, item)))
        .collect()
}

fn write_list(items: &[impl fmt::Display], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// The methods its sender understands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(pub Vec<Method>);

impl Allow {
    /// Whether `method` is among them.
    pub fn contains(&self, method: &Method) -> bool {
        self.0.contains(method)
    }
}

impl Header for Allow {
    const NAME: HeaderName = HeaderName::Allow;
    const ROWS: Rows = Rows::Joined;

    fn parse(value: &Text) -> Result<Self, Error> {
        let methods = read_list(value, |name| Method::parse(&name));
        methods.map(Self).ok_or(Error::Malformed(Self::NAME))
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(&self.0, f)
    }
}

macro_rules! option_tag_headers {
    ($($(#[$doc:meta])* $header:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $header(pub Vec<Token>);

        impl $header {
            /// Whether the option tag `tag` is among them, in any case.
            pub fn contains(&self, tag: &str) -> bool {
                self.0.iter().any(|t| t.as_str().eq_ignore_ascii_case(tag))
            }
        }

        impl Header for $header {
            const NAME: HeaderName = HeaderName::$header;
            const ROWS: Rows = Rows::Joined;

            fn parse(value: &Text) -> Result<Self, Error> {
                read_list(value, Token::new).map(Self).ok_or(Error::Malformed(Self::NAME))
            }
        }

        impl fmt::Display for $header {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_list(&self.0, f)
            }
        }
    )*};
}

option_tag_headers! {
    /// The extensions its sender supports.
    Supported;
    /// The extensions the receiver has to support.
    Require;
    /// The extensions proxies have to support.
    ProxyRequire;
    /// The extensions, among those required, that aren't supported.
    Unsupported;
}
