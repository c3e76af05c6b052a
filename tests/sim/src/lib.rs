#![doc = include_str!("../README.md")]

mod chance;
mod net;
mod pair;
mod phone;
pub mod sdp;

pub use chance::Chance;
pub use net::{Conditions, Datagram, Net};
pub use pair::{Pair, Side};
pub use phone::{Phone, Told};
