#![doc = include_str!("../README.md")]

mod attribute;
mod capabilities;
mod error;
mod events;
mod media;
mod offer_answer;
mod parse;
mod session;
mod stream;

pub use attribute::{Attribute, Direction, Rtcp, RtpMap};
pub use capabilities::{Capabilities, Codec, Format, LocalMedia};
pub use error::{Error, NotAcceptable};
pub use events::EventSet;
pub use media::Media;
pub use offer_answer::{Negotiated, OfferAnswer};
pub use session::{NetworkAddress, Origin, SessionDescription, Timing};
