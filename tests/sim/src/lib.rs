//! SIP user agents in virtual time, joined by a network that loses, doubles, delays and reorders
//! as a seed has it.
//!
//! [`Pair`] is the usual stage: two [`Phone`]s and a [`Net`]. A story makes them do things, lets
//! time pass, and looks at the events and at the wire. The same seed gives the same run.

mod chance;
mod net;
mod pair;
mod phone;
pub mod sdp;

pub use chance::Chance;
pub use net::{Conditions, Datagram, Net};
pub use pair::{Pair, Side};
pub use phone::{Phone, Told};
