//! User-Agent and Server (RFC 3261 §20.41, §20.35): what software speaks, as free text.

use std::fmt;

use super::{Header, HeaderName};
use crate::{Error, Text};

macro_rules! product_headers {
    ($($(#[$doc:meta])* $header:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $header(pub Text);

        impl Header for $header {
            const NAME: HeaderName = HeaderName::$header;

            fn parse(value: &Text) -> Result<Self, Error> {
                Ok(Self(value.clone()))
            }
        }

        impl fmt::Display for $header {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

product_headers! {
    /// The software that sent a request.
    UserAgent;
    /// The software that sent a response.
    Server;
}
