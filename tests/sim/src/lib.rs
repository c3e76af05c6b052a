#![doc = include_str!("../README.md")]

mod chance;
pub mod checker;
mod net;
mod pair;
mod phone;
pub mod sdp;
mod watch;

pub use chance::Chance;
pub use net::{Conditions, Datagram, Net};
pub use pair::{Pair, Side};
pub use phone::{Phone, Told};
pub use watch::Watch;
