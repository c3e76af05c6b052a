#![doc = include_str!("../README.md")]

mod attribute;
mod capabilities;
mod error;
mod events;
mod media;
mod offer_answer;
mod owned;
mod parse;
mod scan;
mod session;
mod stream;

/// A piece of a description: of the text that it was read from, or one of our own.
pub type Text<'a> = std::borrow::Cow<'a, str>;

pub use attribute::{Attribute, Direction, Rtcp, RtpMap};
pub use capabilities::{Capabilities, Codec, Format, LocalMedia};
pub use error::{Error, NotAcceptable};
pub use events::EventSet;
pub use media::Media;
pub use offer_answer::{Negotiated, OfferAnswer};
pub use session::{NetworkAddress, Origin, SessionDescription, Timing};
