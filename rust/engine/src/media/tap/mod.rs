//! Audio on its way out of a worker: a ring that a tick fills, and those who listen to it.

mod blocks;
mod ring;
mod sinks;

pub use blocks::{Block, BlockReader};
pub use ring::{SLOT, Stamp, TapReader, TapWriter, tap};
pub(super) use sinks::{Purpose, Sinks};
