//! Typed headers, one a file.
//!
//! A header type knows its name, how its values are laid out over rows, and how one value is read
//! and (by `Display`) written. A new header is a new file here, and a row in the table of
//! `name.rs` if its name isn't there yet.

mod accept;
mod auth_params;
mod auth_value;
mod call_id;
mod call_info;
mod contact;
mod content_disposition;
mod content_length;
mod content_type;
mod cseq;
mod event;
mod expires;
mod found;
mod max_forwards;
mod name;
mod name_addr;
mod params;
mod product;
mod rack;
mod reason;
mod replaces;
mod retry_after;
mod rseq;
mod session_expires;
mod token_list;
mod via;

use std::fmt::Display;

pub use accept::{Accept, MediaRange};
pub use auth_params::AuthParams;
pub use auth_value::{
    AuthValue, AuthenticationInfo, Authorization, ProxyAuthenticate, ProxyAuthorization,
    WwwAuthenticate,
};
pub use call_id::CallId;
pub use call_info::CallInfo;
pub use contact::Contact;
pub use content_disposition::ContentDisposition;
pub use content_length::ContentLength;
pub use content_type::ContentType;
pub use cseq::CSeq;
pub use event::{Event, MinExpires, SubscriptionState};
pub use expires::Expires;
#[doc(hidden)]
pub use found::Found;
pub(crate) use found::{Pieces, Place};
pub use max_forwards::MaxForwards;
pub use name::{HeaderName, OtherName};
pub(crate) use name_addr::find_address;
pub use name_addr::{
    From, NameAddr, PAssertedIdentity, RecordRoute, ReferTo, ReferredBy, Route, ServiceRoute, To,
};
pub use params::Params;
pub use product::{Server, UserAgent};
pub use rack::RAck;
pub use reason::Reason;
pub use replaces::{Replaces, TargetDialog};
pub use retry_after::RetryAfter;
pub use rseq::RSeq;
pub use session_expires::{MinSe, Refresher, SessionExpires};
pub(crate) use token_list::lists;
pub use token_list::{Allow, ProxyRequire, Require, Supported, Unsupported};
pub(crate) use via::find_via;
pub use via::{Transport, Via};

use crate::{Error, Text};

/// How the values of a header lie in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One value, one row.
    One,
    /// Any number of values, in rows of their own or separated by commas.
    List,
    /// One value: a list made of all rows together, separated by commas.
    Joined,
}

/// A header that can be read from its text and written to it.
pub trait Header: Sized + Display {
    /// Its name.
    const NAME: HeaderName;
    /// How its values lie in rows.
    const ROWS: Rows = Rows::One;

    /// Reads one value, blanks at its ends removed.
    fn parse(value: &Text) -> Result<Self, Error>;

    /// [`Header::parse`] for a piece of a longer text.
    fn read(whole: &Text, value: &str) -> Result<Self, Error> {
        Self::parse(&crate::grammar::slice(whole, value))
    }

    /// [`Header::read`] for a row of which the check of its message has found something.
    #[doc(hidden)]
    fn read_found(whole: &Text, value: &str, _found: &Found) -> Result<Self, Error> {
        Self::read(whole, value)
    }

    /// Whether the check of its message has found that the row holds one value, for headers that are
    /// lists.
    #[doc(hidden)]
    fn is_alone(_found: &Found) -> bool {
        false
    }
}

/// A header that every message is checked for, so that checking it has to be cheap.
pub(crate) trait Sound: Header {
    /// Whether [`Header::parse`] would read the value.
    fn is_sound(value: &str) -> bool;
}
