#![doc = include_str!("../README.md")]

mod attribute;
mod error;
mod media;
mod offer_answer;
mod parse;
mod session;

pub use attribute::{Attribute, Direction, Rtcp, RtpMap};
pub use error::{Error, NotAcceptable};
pub use media::Media;
pub use offer_answer::{Capabilities, Codec, Format, LocalMedia, Negotiated, OfferAnswer};
pub use session::{NetworkAddress, Origin, SessionDescription, Timing};
